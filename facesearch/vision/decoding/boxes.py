"""The boxes of AVIF and HEIC, as far as a picture's colours and an animation's times need them.

Sources: ISO/IEC 14496-12 (boxes, colr, stts), ISO/IEC 23008-12 (items and their properties).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress

from facesearch.vision.decoding.unwritten import ends_unwritten

_HOLD_BOXES = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0}


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the content of each box in this part."""
    at, end = start, len(data) if end is None else end
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:
            size = end - at
        if size < head:
            return
        yield kind, at + head, min(at + size, end)
        at += size


_HOLD_PICTURES = frozenset((b"ftyp", b"meta", b"mdat", b"moov", b"idat"))


def is_cut(data: bytes) -> bool:
    """Whether a picture's data reach beyond the end of the file, or were never written to their end."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind not in _HOLD_PICTURES and (size < 8 or at + size > len(data)):
            return False  # whatever stands behind
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
        if kind == b"mdat" and ends_unwritten(data[: at + size if size else len(data)]):
            return True
        if size < 8:
            return False
        at += size
    return at > len(data)


def _find(data: bytes, path: tuple[bytes, ...], start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    for kind, inside, after in boxes(data, start, end):
        if kind == path[0]:
            if len(path) == 1:
                yield inside, after
            else:
                yield from _find(data, path[1:], inside + _HOLD_BOXES.get(kind, 0), after)


def code_points(data: bytes) -> tuple[int, int] | None:
    """Colour primaries and transfer characteristics (H.273) that nclx states for the primary picture."""
    with suppress(struct.error, IndexError):
        for start, end in _find(data, (b"meta", b"iprp", b"ipco")):
            properties = list(boxes(data, start, end))
            own = _properties_of(data, _primary(data))
            for number, (kind, inside, _) in enumerate(properties, 1):
                if kind == b"colr" and data[inside : inside + 4] == b"nclx" and (own is None or number in own):
                    primaries, transfer = struct.unpack_from(">HH", data, inside + 4)
                    return int(primaries), int(transfer)
    return None


def _primary(data: bytes) -> int | None:
    for start, _ in _find(data, (b"meta", b"pitm")):
        return int(struct.unpack_from(">H" if data[start] == 0 else ">I", data, start + 4)[0])
    return None


def _properties_of(data: bytes, item: int | None) -> set[int] | None:
    """Numbers, from 1, of the properties of an item; None where nothing is said of it."""
    for start, _ in _find(data, (b"meta", b"iprp", b"ipma")):
        name = struct.Struct(">H" if data[start] < 1 else ">I")
        place, essential = ("H", 0x8000) if data[start + 3] & 1 else ("B", 0x80)
        (count,) = struct.unpack_from(">I", data, start + 4)
        at = start + 8
        for _ in range(min(count, 10_000)):
            number = data[at + name.size]
            places = struct.Struct(f">{number}{place}")
            if name.unpack_from(data, at)[0] == item:
                return {value & ~essential for value in places.unpack_from(data, at + name.size + 1)}
            at += name.size + 1 + places.size
    return None


def frame_times(data: bytes) -> list[float]:
    """When each frame of an image sequence begins, in seconds; [] where there is none."""
    with suppress(struct.error, IndexError, ZeroDivisionError):
        for start, end in _find(data, (b"moov", b"trak", b"mdia")):
            handlers = [data[at + 8 : at + 12] for at, _ in _find(data, (b"hdlr",), start, end)]
            if handlers and handlers[0] not in (b"pict", b"vide"):
                continue
            scale = 0
            for at, _ in _find(data, (b"mdhd",), start, end):
                scale = struct.unpack_from(">I", data, at + (20 if data[at] == 1 else 12))[0]
            times: list[float] = []
            now = 0
            for at, _ in _find(data, (b"minf", b"stbl", b"stts"), start, end):
                for entry in range(min(struct.unpack_from(">I", data, at + 4)[0], 100_000)):
                    count, length = struct.unpack_from(">II", data, at + 8 + 8 * entry)
                    for _ in range(min(count, 100_000 - len(times))):
                        times.append(now / scale)
                        now += length
            return times
    return []
