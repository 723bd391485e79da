"""What is made of a photo's pixels, by which version, and whether a newer version would make more of it.

A product has a field in `Provenance` (with its column) and a rule in `_RULES`; nothing else tells them apart.
"""

import re
from collections.abc import Callable

from db.provenance import Provenance
from db.values.photo import Outcome
from facesearch.vision.decode import Limits, decoder_is_outdated, decoder_name
from facesearch.vision.detection import is_outdated, is_quick

_LIMIT = re.compile(r"; up to (\d+) pixels$")


def current(detector: str, max_pixels: int | None = None) -> Provenance:
    """What a photo is looked at with now. detector: the name of the detector in use; max_pixels: the limit for photos,
    if it is not the usual one."""
    decoder = decoder_name()
    if max_pixels not in (None, Limits().max_pixels):
        decoder += f"; up to {max_pixels} pixels"
    return Provenance(decoder, detector)


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
    failed = outcome is Outcome.FAILED
    before, limit_before = _limit_apart(former.decoder)
    decoder, limit = _limit_apart(now.decoder)
    # What failed may have been too large. A lower limit makes nothing of it.
    return decoder_is_outdated(before, decoder, failed=failed) or (failed and limit > limit_before)


def _limit_apart(decoder: str) -> tuple[str, int]:
    """The decoder's own name, and the most pixels of a photo that it took."""
    limit = _LIMIT.search(decoder)
    return (decoder[: limit.start()], int(limit[1])) if limit else (decoder, Limits().max_pixels)


def _faces(former: Provenance, outcome: Outcome, now: Provenance) -> bool:  # noqa: ARG001
    if former.detector is None or now.detector is None:  # it never came to that, or it is nobody's question
        return False
    return is_outdated(former.detector, now.detector)


_RULES: tuple[Callable[[Provenance, Outcome, Provenance], bool], ...] = (_decoding, _faces)
