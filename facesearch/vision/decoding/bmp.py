"""BMP and DIB: where the header is wrong about the file, the file is right; a cut one as far as it goes.

Samples of all depths and masks are taken here; Pillow knows a few layouts of masks only, and nothing of run lengths
that end too early. Source: Microsoft's BITMAPV5HEADER and OS/2's BITMAPINFOHEADER2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from facesearch.vision.decoding.colour import Pixels
from facesearch.vision.decoding.errors import Limits, PhotoError, check_size, cut_short
from facesearch.vision.decoding.jpeg import draw_jpeg
from facesearch.vision.decoding.pixels import SHORT_PALETTE, Drawn, Rectangle, as_far_as_there, drawn, over_white
from facesearch.vision.decoding.png import Png

NAME = "BMP"
CUT = "the BMP ends too early: only a part of it can be seen"
HEADER = "the BMP's header is damaged"
_PLAIN, _RLE8, _RLE4, _MASKS, _JPEG, _PNG, _ALPHA_MASKS = 0, 1, 2, 3, 4, 5, 6
_USUAL = {16: (0x7C00, 0x03E0, 0x001F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}
_END_OF_ROW, _END_OF_PICTURE, _MOVE = 0, 1, 2
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
        self._short_palette = False

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
        shown = self._draw()
        return shown.noting(*notices, SHORT_PALETTE if self._short_palette else "")

    def _draw(self) -> Drawn:
        if self._compression in (_PLAIN, _MASKS, _ALPHA_MASKS):
            return self._plain()
        if self._compression in (_RLE8, _RLE4) and self._bits <= 8:
            return self._run_lengths()
        inner = self.data[self._at :]
        if self._compression == _JPEG and inner.startswith(b"\xff\xd8"):
            return draw_jpeg(inner, self.limits)[0]
        if self._compression == _PNG and inner.startswith(b"\x89PNG"):
            return Png(inner, self.limits).draw(0)
        raise PhotoError(
            f"a BMP of this kind is not read: {self._bits} bits, compression {self._compression}", retry=False
        )

    def _plain(self) -> Drawn:
        rows = min((len(self.data) - self._at) // self._row if self._row else 0, self.height)
        if rows <= 0:
            raise cut_short(NAME)
        raw = np.frombuffer(self.data, np.uint8, rows * self._row, self._at).reshape(rows, self._row)
        image = self._image(np.pad(raw, ((0, self.height - rows), (0, 0))))
        if not self._top_down:
            image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        return as_far_as_there(drawn(image), self._missing(rows), CUT)

    def _image(self, raw: npt.NDArray[np.uint8]) -> Image.Image:
        """The picture, rows in the order of the file."""
        rows = len(raw)
        if self._bits in (1, 2, 4, 8):
            values: npt.NDArray[np.integer[Any]] = raw
            if self._bits < 8:
                shifts = np.arange(8 - self._bits, -1, -self._bits, dtype=np.uint8)
                values = ((raw[:, :, None] >> shifts) & ((1 << self._bits) - 1)).reshape(rows, -1)
            image = self._of_palette(values[:, : self.width])
        elif self._bits == 24:
            pixels = raw[:, : self.width * 3].reshape(rows, self.width, 3)[..., ::-1]
            image = self._with_profile(Image.fromarray(np.ascontiguousarray(pixels)))
        elif self._bits in (16, 32):
            words = raw.view(f"<u{self._bits // 8}")[:, : self.width].astype(np.uint32)
            image = self._of_masks(words)
        else:
            raise PhotoError(f"a BMP of this kind is not read: {self._bits} bits", retry=False)
        return image

    def _of_palette(self, indices: npt.NDArray[np.integer[Any]]) -> Image.Image:
        """Colours that the file does not have are black."""
        count = min(self._colours, max(self._at - self._palette_at, 0) // self._entry, 256)
        table = np.zeros((256, 3), np.uint8)
        part = np.frombuffer(self.data, np.uint8, count * self._entry, self._palette_at).reshape(count, self._entry)
        table[:count] = part[:, 2::-1]
        self._short_palette |= int(indices.max(initial=0)) >= count
        return self._with_profile(Image.fromarray(table[indices]))

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
        pixels, rows = self._unpacked_runs()
        image = self._of_palette(pixels)
        shown = drawn(image if self._top_down else image.transpose(Image.Transpose.FLIP_TOP_BOTTOM))
        return as_far_as_there(shown, self._missing(rows), CUT)

    def _missing(self, rows: int) -> list[Rectangle]:
        """What lies behind so many rows of the file, where that are not all of them."""
        top, bottom = (rows, self.height) if self._top_down else (0, self.height - rows)
        return [Rectangle(0, top, self.width, bottom)] if rows < self.height else []

    def _unpacked_runs(self) -> tuple[Pixels, int]:
        """Indices [H, W] in the order of the file, and how many rows of them are there. Raises `PhotoError`."""
        data, at, ended = self.data, self._at, False
        out = np.zeros((self.height, self.width), np.uint8)
        x = y = 0
        while at + 1 < len(data) and y < self.height and not ended:
            count, value = data[at], data[at + 1]
            at += 2
            if count:
                run = self._indices(bytes([value]) * count, count)
            elif value == _END_OF_ROW:
                x, y = 0, y + 1
                continue
            elif value == _MOVE:
                across, down = data[at : at + 2].ljust(2, b"\0")
                x, y, at = x + across, y + down, at + 2
                continue
            elif value == _END_OF_PICTURE:
                ended = True
                continue
            else:
                size = -(-value // 2) if self._bits == 4 else value
                run = self._indices(data[at : at + size], value)
                at += size + size % 2
            run = run[: max(self.width - x, 0)]
            out[y, x : x + len(run)] = run
            x += len(run)
        rows = self.height if ended else y + (x >= self.width and y < self.height)
        if rows == 0:
            raise cut_short(NAME)
        return out, rows

    def _indices(self, data: bytes, count: int) -> Pixels:
        values = np.frombuffer(data, np.uint8)
        if self._bits == 4:
            values = np.stack([values >> 4, values & 15], axis=-1).ravel()
        return values[:count]


def _channel(words: npt.NDArray[np.uint32], mask: int) -> npt.NDArray[np.uint8]:
    """What lies under a mask, as 0..255."""
    shift = (mask & -mask).bit_length() - 1
    top = mask >> shift
    values = (words & np.uint32(mask)) >> np.uint32(shift)
    return np.asarray((values.astype(np.float32) * np.float32(255 / top) + 0.5), np.float32).astype(np.uint8)
