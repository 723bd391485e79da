"""Deflated data as far as they go: neither a wrong checksum nor a fault near the end costs what stands before it."""

from __future__ import annotations

import zlib
from contextlib import suppress

_STEP = 1 << 16


def inflate(data: bytes, most: int) -> tuple[bytes, bool]:
    """At most `most` bytes, and whether they are sound: the data come to their end, or give as much, and the checksum
    is right where it is reached. Some writers leave the header out."""
    best = b""
    for start in (2, 0):
        # The last strip of a picture may hold rows below its edge; the checksum stands behind them.
        out, end = _inflate_raw(memoryview(data)[start:], 2 * most + _STEP)
        if end is not None:
            checksum = data[start + end : start + end + 4] if start else b""
            return out[:most], len(checksum) < 4 or int.from_bytes(checksum, "big") == zlib.adler32(out)
        best = max(best, out, key=len)
    return best[:most], len(best) > 2 * most


def _inflate_raw(data: memoryview, most: int) -> tuple[bytes, int | None]:
    """With where the compressed data end, if that is reached."""
    machine, out = zlib.decompressobj(-15), bytearray()
    for start in range(0, len(data), _STEP):
        part, before, there = data[start : start + _STEP], machine.copy(), len(out)
        try:
            _feed(machine, part, out, most)
        except zlib.error:  # with what the call would have given
            del out[there:]
            with suppress(zlib.error):
                for place in range(len(part)):
                    _feed(before, part[place : place + 1], out, most)
            break
        if machine.eof:
            return bytes(out), start + len(part) - len(machine.unused_data)
        if len(out) >= most:
            break
    return bytes(out), None


def _feed(machine: zlib._Decompress, part: memoryview, out: bytearray, most: int) -> None:
    waiting: bytes | memoryview = part
    while len(waiting) and len(out) < most:
        out += machine.decompress(waiting, most - len(out))
        waiting = machine.unconsumed_tail
