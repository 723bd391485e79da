"""The tags of a TIFF, a directory of them, and a file made of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
OFFSETS, ORIENTATION, SAMPLES, ROWS, COUNTS, PLANAR, PREDICTOR = 273, 274, 277, 278, 279, 284, 317
PALETTE, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS = 320, 322, 323, 324, 325
INKS, EXTRA, FORMAT = 332, 338, 339
OLD_SUBFILE, JPEG_TABLES, OLD_JPEG, OLD_JPEG_SIZE, SUBSAMPLING, ICC = 255, 347, 513, 514, 530, 34675
FAX3, FAX4, SUB_DIRECTORIES = 292, 293, 330

ESSENTIAL = frozenset((
    WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, SAMPLES, ROWS, COUNTS, PLANAR, PREDICTOR, PALETTE,
    TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS, FORMAT, JPEG_TABLES,
))  # fmt: skip
"""Tags that make the picture."""

Tag = tuple[int, int, int | Sequence[int] | bytes]
"""Number, type and value of a tag to be written."""

_REDUCED, _MASK = 1, 4


@dataclass(frozen=True, slots=True)
class Directory:
    """One page: its tags as numbers or bytes, as far as they can be made sense of."""

    tags: dict[int, tuple[float, ...] | bytes]
    lost: frozenset[int] = frozenset()  # tags that make the picture and cannot be read

    def number(self, tag: int, default: int) -> int:
        """A tag's first number."""
        values = self.tags.get(tag)
        return int(values[0]) if values else default

    def numbers(self, tag: int) -> tuple[int, ...]:
        """All of them."""
        values = self.tags.get(tag, ())
        return tuple(values) if isinstance(values, bytes) else tuple(map(int, values))

    @property
    def width(self) -> int:
        return self.number(WIDTH, 0)

    @property
    def height(self) -> int:
        return self.number(HEIGHT, 0)

    @property
    def is_picture(self) -> bool:
        """Whether it shows something: masks and directories without pixels do not."""
        return self.width > 0 and self.height > 0 and not self.number(SUBFILE, 0) & _MASK

    @property
    def is_reduced(self) -> bool:
        """Whether it says to be a smaller version of another page."""
        return bool(self.number(SUBFILE, 0) & _REDUCED) or self.number(OLD_SUBFILE, 0) == 2


def file_of(tags: Sequence[Tag], data: bytes, order: str = "<") -> bytes:
    """A TIFF of one page. Offsets in the tags count from the beginning of the data; without any it is one strip."""
    tags = [*tags]
    if not any(tag in (OFFSETS, TILE_OFFSETS) for tag, _, _ in tags):
        tags.append((OFFSETS, 4, 0))
    start = 8
    after = start + len(data) + len(data) % 2
    directory, long_values = b"", b""
    values_at = after + 2 + 12 * len(tags) + 4
    for tag, kind, given in sorted(tags, key=lambda each: each[0]):
        if isinstance(given, bytes):
            raw, count = given, len(given)
        else:
            numbers = [given] if isinstance(given, int) else list(given)
            if tag in (OFFSETS, TILE_OFFSETS):
                numbers = [number + start for number in numbers]
            raw, count = struct.pack(f"{order}{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers), len(numbers)
        if len(raw) > 4:
            place = struct.pack(order + "I", values_at + len(long_values))
            long_values += raw + b"\0" * (len(raw) % 2)
        else:
            place = raw.ljust(4, b"\0")
        directory += struct.pack(order + "HHI", tag, kind, count) + place
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", after)
    return b"".join(
        (head, data, b"\0" * (len(data) % 2), struct.pack(order + "H", len(tags)), directory, b"\0\0\0\0", long_values)
    )
