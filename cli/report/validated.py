"""Whether the network has been measured on the photos of a catalogue, in words for every report."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.report.wording import counted
from db.catalogue import Catalogue, open_catalogue
from db.validations import measurements
from facesearch.attributes import Attribute
from facesearch.errors import Notice
from facesearch.validation.standing import standing

_NEVER = "not validated here: nobody has measured the network on these photos (facesearch validate)"
_AGAIN = "`facesearch validate` can use the same answers again"

if TYPE_CHECKING:
    from facesearch.search.hits import SearchResult


def validated_in_words(catalogue: Catalogue, model: str, asked: Sequence[Attribute] = ()) -> str:
    """One clause, with the errors of the attributes that were asked for. model: digest of the network."""
    from facesearch.validation.measuring import used
    from facesearch.vision.detection import yunet_name

    with catalogue.read() as session:
        known = measurements(session)
    return standing_in_words(standing(known, used(model, yunet_name())), asked) if known else _NEVER


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
        return _NEVER
    with open_catalogue(path) as catalogue:
        return validated_in_words(catalogue, model, asked)


def standing_in_words(found: Notice, asked: Sequence[Attribute] = ()) -> str:
    """What `standing` found, as a clause. asked: each is named with its own error, or as not measured."""
    values: Any = found.values
    if found.kind == "never validated":
        return _NEVER
    if found.kind == "other network validated":
        return (
            f"not validated here with this network: on {_day(values['made'])} another one was ({values['network']}); "
            f"{_AGAIN}"
        )
    if found.kind == "other version validated":
        return (
            f"not validated here with this version: on {_day(values['made'])} version {values['version']} was, which "
            f"opens photos or finds faces in another way; {_AGAIN}"
        )
    figures = values["statement"]
    words = figures.get("words", {})
    count = counted(len(words), "word")
    said = (
        f"validated here on {_day(values['made'])} ({figures['faces']:,} faces, {count}: {_share(figures['error'])} "
        "wrong)"
    )
    each = [
        f"{one.label} {_share(words[one.name]['error'])} wrong" if one.name in words else f"{one.label} not measured"
        for one in asked
    ]
    return f"{said}; {', '.join(each)}" if each else said


def percent(value: float) -> str:
    """A fraction in percent, with a decimal where it is small."""
    return f"{100 * value:.1f}" if value < 0.1 else f"{100 * value:.0f}"


def _share(share: dict[str, Any]) -> str:
    if not share["judged"]:
        return "nothing judged,"
    between = share["interval"]
    span = f" ({percent(between[0])} to {percent(between[1])})" if between else ""
    return f"{percent(share['wrong'] / share['judged'])} %{span}"


def _day(made: datetime) -> str:
    return f"{made.astimezone():%Y-%m-%d}"
