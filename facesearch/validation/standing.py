"""Whether the network that a catalogue's searches use has been measured there, for whoever reads a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db.validations import Measured
from facesearch.attributes import Attribute

NOT_MEASURED = "not validated here: nobody has measured the network on these photos (facesearch validate)"


@dataclass(frozen=True, slots=True)
class Use:
    """What answers now: digest of the network, version of the program, names of its decoder and detector."""

    model: str
    version: str
    decoder: str
    detector: str


def standing(known: Sequence[Measured], now: Use, asked: Sequence[Attribute] = ()) -> str:
    """One clause: "validated here on ..." only where all of `now` is what was measured. known: newest first. asked:
    each is named with its own error, or as not measured."""
    if not known:
        return NOT_MEASURED
    same = [each for each in known if each.model == now.model]
    if not same:
        return (
            f"not validated here with this network: on {_day(known[0])} another one was ({known[0].model[:12]}); "
            "`facesearch validate` can use the same answers again"
        )
    newest = next((each for each in same if _by(each) == _by(now)), None)
    if newest is None:
        return (
            f"not validated here with this version: on {_day(same[0])} version {same[0].version} was, which opens "
            "photos or finds faces in another way; `facesearch validate` can use the same answers again"
        )
    figures = newest.statement
    words = figures.get("words", {})
    count = "1 word" if len(words) == 1 else f"{len(words)} words"
    said = f"validated here on {_day(newest)} ({figures['faces']:,} faces, {count}: {_share(figures['error'])} wrong)"
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


def _by(each: Measured | Use) -> tuple[str, str, str]:
    return each.version, each.decoder, each.detector


def _day(each: Measured) -> str:
    return f"{each.made.astimezone():%Y-%m-%d}"
