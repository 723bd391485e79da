"""Whether the network that a catalogue's searches use has been measured there, for whoever reads a report."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.validations import Measured
from facesearch.errors import Notice


@dataclass(frozen=True, slots=True)
class Use:
    """What answers now: digest of the network, version of the program, names of its decoder and detector."""

    model: str
    version: str
    decoder: str
    detector: str


def standing(known: Sequence[Measured], now: Use) -> Notice:
    """ "validated" only where all of `now` is what was measured, else "never validated" or "validated otherwise", with
    what was: another network or another version. known: newest first."""
    same = [each for each in known if each.model == now.model]
    newest = next((each for each in same if _by(each) == _by(now)), None)
    if newest is not None:
        return Notice("validated", {"made": newest.made, "statement": newest.statement})
    if same:
        return Notice("other version validated", {"made": same[0].made, "version": same[0].version})
    if known:
        return Notice("other network validated", {"made": known[0].made, "network": known[0].model[:12]})
    return Notice("never validated")


def _by(each: Measured | Use) -> tuple[str, str, str]:
    return each.version, each.decoder, each.detector
