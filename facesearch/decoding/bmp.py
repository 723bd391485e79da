"""BMP and DIB: where the header is wrong about the file, the file is right; a cut one as far as it goes."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from io import BytesIO

from PIL import Image

from facesearch.decoding.errors import Limits, PhotoError, broken, check_size, cut_short
from facesearch.decoding.pixels import Drawn, Rectangle, drawn

NAME = "BMP"
CUT = "the BMP ends too early: only a part of it can be seen"
HEADER = "the BMP's header is damaged"
_MASKS = 3


@dataclass
class Bmp:
    """An opened BMP."""

    data: bytes
    limits: Limits

    def __post_init__(self) -> None:
        self.width: int
        self.height: int
        self._bits: int
        self._compression: int
        (self._size,) = struct.unpack_from("<I", self.data, 14)
        if len(self.data) < 14 + self._size:
            raise cut_short(NAME)
        if self._size == 12:
            self.width, self.height, _, self._bits = struct.unpack_from("<HHHH", self.data, 18)
            self._compression, colours = 0, 0
        else:
            self.width, self.height, _, self._bits, self._compression = struct.unpack_from("<iiHHI", self.data, 18)
            colours = struct.unpack_from("<I", self.data, 46)[0] if self._size >= 40 else 0
        self.width, self.height = int(self.width), int(self.height)
        self._top_down = self.height < 0
        self.height = abs(self.height)
        check_size(self.width, self.height, self.limits)
        entries = min(colours or 1 << self._bits, 1 << self._bits) if self._bits <= 8 else 0
        masks = {3: 12, 6: 16}.get(self._compression, 0) if self._size == 40 else 0
        self._after_header = 14 + self._size + masks + entries * (3 if self._size == 12 else 4)

    def draw(self) -> Drawn:
        """Raises `PhotoError`."""
        data, notices = self.data, []
        (stated,) = struct.unpack_from("<I", data, 10)
        row = (self.width * self._bits + 31) // 32 * 4
        at = stated
        plain = self._compression in (0, _MASKS, 6)
        colours_too_many = (
            self._size == 40 and self._bits <= 8 and struct.unpack_from("<I", data, 46)[0] > 1 << self._bits
        )
        if (
            stated < 14 + self._size
            or stated > len(data)
            or (plain and stated + row * self.height > len(data) >= self._after_header + row * self.height)
        ):
            at, notices = self._after_header, [HEADER]
        if at != stated or colours_too_many:
            data = data[:10] + struct.pack("<I", at) + data[14:]
            if colours_too_many:
                data = data[:46] + struct.pack("<I", 1 << self._bits) + data[50:]
                notices = [HEADER]
        there = (len(data) - at) // row if plain else self.height
        if there <= 0:
            raise cut_short(NAME)
        if plain and there < self.height:
            data = data[: at + there * row].ljust(at + row * self.height, b"\0")
        elif not plain:
            data += b"\0" * 8 + b"\0\1" * 4
        try:
            with Image.open(BytesIO(data), formats=["BMP"]) as image:
                image.load()
                shown = drawn(image)
        except PhotoError:
            raise
        except Exception as error:
            raise broken(NAME, error) from error
        if not plain:
            there = self._run_length_rows(at)
        if there >= self.height:
            return shown.noting(*notices)
        top = 0 if self._top_down else self.height - there
        return replace(shown, sound=Rectangle(0, top, self.width, top + there)).noting(CUT, *notices)

    def _run_length_rows(self, at: int) -> int:
        """How many rows a run-length encoded picture gives, the last one in part."""
        data, rows = self.data, 0
        pairs = 2 if self._compression == 2 else 1
        while at + 1 < len(data):
            count, value = data[at], data[at + 1]
            at += 2
            if count:
                continue
            if value == 1:
                return self.height
            if value == 0:
                rows += 1
            elif value == 2:
                rows += data[at + 1] if at + 1 < len(data) else 0
                at += 2
            else:
                size = -(-value // pairs)
                at += size + size % 2
        return min(max(rows, 1), self.height)
