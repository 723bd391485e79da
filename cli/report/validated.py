"""Whether the network has been measured on the photos of a catalogue, in words for every report."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from db.catalogue import Catalogue, open_catalogue
from db.validations import measurements
from facesearch.attributes import Attribute
from facesearch.validation.standing import NOT_MEASURED, standing

if TYPE_CHECKING:
    from facesearch.search.hits import SearchResult


def validated_in_words(catalogue: Catalogue, model: str, asked: Sequence[Attribute] = ()) -> str:
    """One clause, with the errors of the attributes that were asked for. model: digest of the network."""
    from facesearch.validation.measuring import used
    from facesearch.vision.detection import yunet_name

    with catalogue.read() as session:
        known = measurements(session)
    return standing(known, used(model, yunet_name()), asked) if known else NOT_MEASURED


def validated_everywhere(result: "SearchResult", catalogue: Path, asked: Sequence[Attribute] = ()) -> str:
    """The same of each catalogue of a result. catalogue: the only one, where there are not several."""
    from facesearch.search.several import labels

    paths = [each.path for each in result.several if each.result is not None] or [catalogue]
    names = labels(paths)
    told = {path: validated_where(path, result.model.digest, asked) for path in paths}
    if len(set(told.values())) == 1:
        return told[paths[0]]
    return "; ".join(f"{names[path]}: {words}" for path, words in told.items())


def validated_where(path: Path, model: str, asked: Sequence[Attribute] = ()) -> str:
    """The same of the catalogue at a path, where there may be none."""
    if not path.is_file():
        return NOT_MEASURED
    with open_catalogue(path) as catalogue:
        return validated_in_words(catalogue, model, asked)
