"""What happens to a photo that is broken, or with which anything else goes wrong: it fails alone, with a reason.

Whatever is raised on its way, a `PhotoError` of the decoders (`facesearch.vision.decoding.errors`) or what nobody
foresaw, becomes a `FailureReason` where it is caught (`photo_processor.py`, `scoring.py`), and takes the same way into
the catalogue as a result (`sink.py`): outcome `failed`, the reason, and whether the next run tries again
(`listing.py`).
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from facesearch.errors import on_one_line


@dataclass(frozen=True, slots=True)
class FailureReason:
    """Why something failed. reason: a clause that reads well after "failed: "; retry: whether trying again may help;
    trace: the traceback, of a fault that nobody foresaw."""

    reason: str
    retry: bool
    trace: str = ""


def unforeseen(error: Exception, what: str) -> FailureReason:
    """An exception that nobody foresaw, ours or somebody else's, as the outcome of one photo; another try may find more
    memory or a mended program, so it is always worth one."""
    trace = "".join(traceback.format_exception(error))
    return FailureReason(f"{what} ({on_one_line(error)})", retry=True, trace=trace)
