"""What is made of a photo's pixels, by which version, and whether a newer version would make more of it.

A product has a field in `Provenance` (with its column) and a rule in `_RULES`; nothing else tells them apart.
"""

from collections.abc import Callable

from db.provenance import Provenance
from db.schema import Outcome
from facesearch.decode import decoder_is_outdated, decoder_name
from facesearch.detection import is_outdated, is_quick


def current(detector: str) -> Provenance:
    """What a photo is looked at with now. detector: the name of the detector in use."""
    return Provenance(decoder_name(), detector)


def is_behind(former: Provenance, outcome: Outcome, now: Provenance) -> bool:
    """Whether photos of this provenance and outcome are to be looked at again: one of their products is outdated, or
    somebody asked for it."""
    if not may_replace(former, outcome, now):
        return False
    return former.again or any(rule(former, outcome, now) for rule in _RULES)


def may_replace(former: Provenance, outcome: Outcome, now: Provenance) -> bool:
    """Whether a look with these versions may take the place of the former one: a quick look never takes that of a
    thorough one."""
    if outcome is Outcome.FAILED or former.detector is None or now.detector is None:
        return True
    return is_quick(former.detector) or not is_quick(now.detector)


def _decoding(former: Provenance, outcome: Outcome, now: Provenance) -> bool:
    return decoder_is_outdated(former.decoder, now.decoder, failed=outcome is Outcome.FAILED)


def _faces(former: Provenance, outcome: Outcome, now: Provenance) -> bool:  # noqa: ARG001
    if former.detector is None or now.detector is None:  # it never came to that, or it is nobody's question
        return False
    return is_outdated(former.detector, now.detector)


_RULES: tuple[Callable[[Provenance, Outcome, Provenance], bool], ...] = (_decoding, _faces)
