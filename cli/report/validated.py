"""Whether the network has been measured on the photos of a catalogue, in words for every report."""

from collections.abc import Sequence
from pathlib import Path

from db.catalogue import Catalogue, open_catalogue
from db.validations import measurements
from facesearch.attributes import Attribute
from facesearch.validation.standing import NOT_MEASURED, standing


def validated_in_words(catalogue: Catalogue, model: str, asked: Sequence[Attribute] = ()) -> str:
    """One clause, with the errors of the attributes that were asked for. model: digest of the network."""
    from facesearch.validation.measuring import used
    from facesearch.vision.detection import yunet_name

    with catalogue.read() as session:
        known = measurements(session)
    return standing(known, used(model, yunet_name()), asked) if known else NOT_MEASURED


def validated_where(path: Path, model: str, asked: Sequence[Attribute] = ()) -> str:
    """The same of the catalogue at a path, where there may be none."""
    if not path.is_file():
        return NOT_MEASURED
    with open_catalogue(path) as catalogue:
        return validated_in_words(catalogue, model, asked)
