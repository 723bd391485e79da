"""The end of a file that was never written: a run of bytes that no format's compressed data have."""

from __future__ import annotations

_FILL = (b"\0" * 64, b"\xff" * 64)  # what file systems and erased memory leave there


def ends_unwritten(data: bytes) -> bool:
    """Whether the data end in such a run."""
    return data.endswith(_FILL)


def without_unwritten(data: bytes) -> bytes:
    """The data without it."""
    for fill in _FILL:
        if data.endswith(fill):
            return data.rstrip(fill[:1])
    return data
