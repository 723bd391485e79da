"""BMP and DIB: where the header is wrong about the file, the file is right; a cut one as far as it goes.

Samples of all depths and masks are taken here; Pillow knows a few layouts of masks only. Run lengths are Pillow's, and
so are the JPEG and PNG that a BMP may hold. Source: Microsoft's BITMAPV5HEADER and OS/2's BITMAPINFOHEADER2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from facesearch.decoding.errors import Limits, PhotoError, broken, check_size, cut_short
from facesearch.decoding.jpeg import draw_jpeg
from facesearch.decoding.pixels import Drawn, Rectangle, drawn, over_white

NAME = "BMP"
CUT = "the BMP ends too early: only a part of it can be seen"
HEADER = "the BMP's header is damaged"
_PLAIN, _RLE8, _RLE4, _MASKS, _JPEG, _PNG, _ALPHA_MASKS = 0, 1, 2, 3, 4, 5, 6
_USUAL = {16: (0x7C00, 0x03E0, 0x001F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}
_PROFILE_HERE = b"DEBM"  # "MBED", little-endian


@dataclass
class Bmp:
    """An opened BMP."""

    data: bytes
    limits: Limits

    def __post_init__(self) -> None:
        (self._size,) = struct.unpack_from("<I", self.data, 14)
        if len(self.data) < 14 + self._size:
            raise cut_short(NAME)
        header = self.data[14 : 14 + self._size].ljust(124, b"\0")
        wide = self._size > 12
        fields = struct.unpack_from("<iiHHI" if wide else "<HHHH", header, 4)
        self.width, height, self._bits = int(fields[0]), int(fields[1]), int(fields[3])
        self._compression = int(fields[4]) if wide else _PLAIN
        self._top_down = height < 0
        self.height = abs(height)
        check_size(self.width, self.height, self.limits)
        colours = int(struct.unpack_from("<I", header, 32)[0]) if wide else 0
        most = 1 << self._bits if self._bits <= 8 else 0
        self._colours_sound = colours <= max(most, 256)
        self._entry = 4 if wide else 3
        masks = {_MASKS: 12, _ALPHA_MASKS: 16}.get(self._compression, 0) if self._size == 40 else 0
        self._palette_at = 14 + self._size + masks
        self._colours = (colours if 0 < colours <= most else most) if most else 0
        self._header = header
        self._at, self._header_sound = self._place()

    @property
    def _row(self) -> int:
        return (self.width * self._bits + 31) // 32 * 4

    def _place(self) -> tuple[int, bool]:
        """Where the pixels begin, and whether the header is right about that."""
        (stated,) = struct.unpack_from("<I", self.data, 10)
        after = self._palette_at + self._colours * self._entry
        needed = self._row * self.height if self._compression in (_PLAIN, _MASKS, _ALPHA_MASKS) else 1
        if stated < 14 + self._size or stated > len(self.data):
            return after, False
        if stated + needed > len(self.data) >= after + needed:
            return after, False
        return int(stated), self._colours_sound

    def draw(self) -> Drawn:
        """Raises `PhotoError`."""
        notices = () if self._header_sound else (HEADER,)
        if self._compression in (_PLAIN, _MASKS, _ALPHA_MASKS):
            return self._plain().noting(*notices)
        if self._compression in (_RLE8, _RLE4) and self._bits <= 8:
            return self._run_lengths().noting(*notices)
        inner = self.data[self._at :]
        if self._compression == _JPEG and inner.startswith(b"\xff\xd8"):
            return draw_jpeg(inner, self.limits)[0].noting(*notices)
        if self._compression == _PNG and inner.startswith(b"\x89PNG"):
            with Image.open(BytesIO(inner), formats=["PNG"]) as image:
                check_size(*image.size, self.limits)
                image.load()
                return drawn(image).noting(*notices)
        raise PhotoError(
            f"a BMP of this kind is not read: {self._bits} bits, compression {self._compression}", retry=False
        )

    def _plain(self) -> Drawn:
        rows = min((len(self.data) - self._at) // self._row if self._row else 0, self.height)
        if rows <= 0:
            raise cut_short(NAME)
        raw = np.frombuffer(self.data, np.uint8, rows * self._row, self._at).reshape(rows, self._row)
        image = self._image(raw)
        if not self._top_down:
            image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        if rows == self.height:
            return drawn(image)
        shown = drawn(image)
        whole = np.zeros((self.height, self.width, 3), np.uint8)
        top = 0 if self._top_down else self.height - rows
        whole[top : top + rows] = shown.rgb
        return Drawn(whole, sound=Rectangle(0, top, self.width, top + rows)).noting(*shown.notices, CUT)

    def _image(self, raw: npt.NDArray[np.uint8]) -> Image.Image:
        """The picture, rows in the order of the file."""
        rows = len(raw)
        if self._bits in (1, 2, 4, 8):
            values: npt.NDArray[np.integer[Any]] = raw
            if self._bits < 8:
                shifts = np.arange(8 - self._bits, -1, -self._bits, dtype=np.uint8)
                values = ((raw[:, :, None] >> shifts) & ((1 << self._bits) - 1)).reshape(rows, -1)
            image = self._with_profile(Image.fromarray(self._palette()[values[:, : self.width]]))
        elif self._bits == 24:
            pixels = raw[:, : self.width * 3].reshape(rows, self.width, 3)[..., ::-1]
            image = self._with_profile(Image.fromarray(np.ascontiguousarray(pixels)))
        elif self._bits in (16, 32):
            words = raw.view(f"<u{self._bits // 8}")[:, : self.width].astype(np.uint32)
            image = self._of_masks(words)
        else:
            raise PhotoError(f"a BMP of this kind is not read: {self._bits} bits", retry=False)
        return image

    def _palette(self) -> npt.NDArray[np.uint8]:
        """uint8 RGB [256, 3]; black where the file has none."""
        count = min(self._colours, max(self._at - self._palette_at, 0) // self._entry, 256)
        table = np.zeros((256, 3), np.uint8)
        part = np.frombuffer(self.data, np.uint8, count * self._entry, self._palette_at).reshape(count, self._entry)
        table[:count] = part[:, 2::-1]
        return table

    def _of_masks(self, words: npt.NDArray[np.uint32]) -> Image.Image:
        masks = _USUAL[self._bits]
        if self._compression in (_MASKS, _ALPHA_MASKS):
            stored = self.data[54:70].ljust(16, b"\0") if self._size == 40 else self._header[40:56]
            masks = struct.unpack("<4I", stored)
            if self._size == 40 and self._compression == _MASKS:
                masks = (*masks[:3], 0)
        if not all(masks[:3]):
            raise PhotoError("a BMP of this kind is not read: a colour without a mask", retry=False)
        channels = [_channel(words, mask) for mask in masks[:3]]
        image = self._with_profile(Image.fromarray(np.stack(channels, axis=-1)))
        if masks[3]:
            return over_white(image, Image.fromarray(_channel(words, masks[3])))
        return image

    def _with_profile(self, image: Image.Image) -> Image.Image:
        """With the ICC profile that the newest header may name."""
        if self._size == 124 and self._header[56:60] == _PROFILE_HERE:
            at, size = struct.unpack_from("<II", self._header, 112)
            image.info["icc_profile"] = self.data[14 + at : 14 + at + size]
        return image

    def _run_lengths(self) -> Drawn:
        data = self.data[:10] + struct.pack("<I", self._at) + self.data[14:]
        if self._size >= 40:
            data = data[:46] + struct.pack("<I", self._colours) + data[50:]
        try:
            with Image.open(BytesIO(data + b"\0" * 8 + b"\0\1" * 4), formats=["BMP"]) as image:
                image.load()
                shown = drawn(image)
        except Exception as error:
            raise broken(NAME, error) from error
        rows = self._run_length_rows()
        if rows >= self.height:
            return shown
        top = 0 if self._top_down else self.height - rows
        return replace(shown, sound=Rectangle(0, top, self.width, top + rows)).noting(CUT)

    def _run_length_rows(self) -> int:
        """How many rows a run-length encoded picture gives, the last one in part."""
        data, rows, at = self.data, 0, self._at
        pairs = 2 if self._compression == _RLE4 else 1
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


def _channel(words: npt.NDArray[np.uint32], mask: int) -> npt.NDArray[np.uint8]:
    """What lies under a mask, as 0..255."""
    shift = (mask & -mask).bit_length() - 1
    top = mask >> shift
    values = (words & np.uint32(mask)) >> np.uint32(shift)
    return np.asarray((values.astype(np.float32) * np.float32(255 / top) + 0.5), np.float32).astype(np.uint8)
