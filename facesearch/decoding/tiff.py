"""TIFF: every page, whatever its depth, order of planes and compression, and no other pixels than those in the file.

Libraries garble what they were not made for (planes of 16 bits each) or refuse it (floats, gray with alpha). So the
directories are read here, and each page is put together anew from the tags that make its picture:

- what compresses bytes (none, LZW, deflate, PackBits, Zstandard, LZMA) is decoded as bytes, strip by strip, and the
  samples are taken from them here, whatever they are;
- what compresses pictures (JPEG, CCITT fax, WebP) goes to Pillow, for the kinds that it is known to do right;
- all else is refused by name.

Sources: TIFF 6.0; Adobe's technical notes 1 to 3 (predictor 3, SubIFDs, deflate); BigTIFF.
"""

from __future__ import annotations

import ctypes
import lzma
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from facesearch.decoding import colour
from facesearch.decoding.colour import Pixels
from facesearch.decoding.errors import Limits, PhotoError, broken, check_size, cut_short, megabytes
from facesearch.decoding.lzw import decode_lzw, decode_packbits
from facesearch.decoding.pixels import (
    Drawn,
    Rectangle,
    colour_pixels,
    deep_gray,
    drawn,
    gray_pixels,
    over_white,
    used_range,
)

NAME = "TIFF"
CUT = "the TIFF ends too early: only a part of it can be seen"
DAMAGED = "the TIFF is damaged: only a part of it can be seen"
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_BYTES_A_PIXEL = 8  # of the largest picture that is decoded
_MOST_DIRECTORIES = 100_000

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
OFFSETS, ORIENTATION, SAMPLES, ROWS, COUNTS, PLANAR, PREDICTOR = 273, 274, 277, 278, 279, 284, 317
PALETTE, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS, INKS, EXTRA, FORMAT = (
    320,
    322,
    323,
    324,
    325,
    332,
    338,
    339,
)
OLD_SUBFILE, JPEG_TABLES, OLD_JPEG, OLD_JPEG_SIZE, SUBSAMPLING, ICC = 255, 347, 513, 514, 530, 34675
FAX3, FAX4, SUB_DIRECTORIES = 292, 293, 330

_BYTE_CODECS = {1: "", 5: "LZW", 8: "deflate", 32946: "deflate", 32773: "PackBits", 50000: "Zstandard", 34925: "LZMA"}
_PICTURE_CODECS = {2: "CCITT", 3: "CCITT", 4: "CCITT", 7: "JPEG", 50001: "WebP"}
_OTHER_CODECS = {
    6: "old-style JPEG", 32766: "NeXT", 32771: "CCITT RLE", 32809: "ThunderScan", 34661: "JBIG", 34676: "SGI LogLuv",
    34677: "SGI LogLuv", 34712: "JPEG 2000", 33003: "JPEG 2000", 33005: "JPEG 2000", 34887: "LERC", 50002: "JPEG XL",
    52546: "JPEG XL",
}  # fmt: skip
_COLOURS = {
    0: "gray", 1: "gray", 2: "RGB", 3: "palette", 4: "a mask", 5: "CMYK", 6: "YCbCr", 8: "Lab", 9: "ICC Lab",
    10: "ITU Lab", 32803: "camera data", 32844: "LogL", 32845: "LogLuv", 34892: "camera data",
}  # fmt: skip
_CHANNELS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3, 9: 3}
_REDUCED, _MASK = 1, 4
_REDUCED_BY = 1.5  # at least; pages of a document differ in size by a pixel or two
_GRID = (24, 24)
_ESSENTIAL = frozenset((
    WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, SAMPLES, ROWS, COUNTS, PLANAR, PREDICTOR, PALETTE,
    TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS, FORMAT, JPEG_TABLES,
))  # fmt: skip
_ZEROS = 64  # so many at the end of compressed data were never written


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


@dataclass
class Tiff:
    """An opened TIFF. directories: its pages, in the order of the file."""

    data: bytes
    limits: Limits
    order: str = field(init=False)
    big: bool = field(init=False)
    _signatures: dict[int, npt.NDArray[np.float32] | None] = field(init=False, default_factory=dict)
    more: int = field(init=False, default=0)  # pages beyond the limit

    def __post_init__(self) -> None:
        _silence()
        self.order = "<" if self.data[:2] == b"II" else ">"
        self.big = self.data[2:4] in (b"+\0", b"\0+")

    @cached_property
    def directories(self) -> list[Directory]:
        """Raises `PhotoError` where there is none."""
        found: list[Directory] = []
        seen: set[int] = set()
        at = self._unpack("Q" if self.big else "I", 8 if self.big else 4)
        first = at
        while at and at not in seen and len(seen) < _MOST_DIRECTORIES:
            seen.add(at)
            read = self._directory(at)
            if read is None:
                break
            directory, at = read
            directory = self._largest(directory)
            if directory.is_picture:
                if len(found) < self.limits.max_pages:
                    found.append(directory)
                else:
                    self.more += 1
        if not found:
            if not first or first >= len(self.data):
                raise PhotoError(
                    "damaged: the TIFF data ends too early (truncated): the directory at its end is missing",
                    retry=False,
                )
            raise PhotoError("damaged TIFF (its directory holds no picture)", retry=False)
        return found

    def wanted(self) -> list[int]:
        """Which pages (from 0) to look at: all but smaller versions of another."""
        pages = self.directories
        whole = [number for number, page in enumerate(pages) if not page.is_reduced]
        if not whole:  # marked throughout: then the largest
            return [max(range(len(pages)), key=lambda number: pages[number].width * pages[number].height)]
        return [number for number in whole if not self._repeats(number, whole)]

    def _repeats(self, number: int, others: Sequence[int]) -> bool:
        """Whether a page shows, unmarked, the same as a larger one of the same shape."""
        page = self.directories[number]
        for other in others:
            larger = self.directories[other]
            if larger.width < _REDUCED_BY * page.width:
                continue
            if abs(page.width * larger.height / larger.width - page.height) > 1.0:
                continue
            if _alike(self._signature(number), self._signature(other)):
                return True
        return False

    def _signature(self, number: int) -> npt.NDArray[np.float32] | None:
        """A page in a few grays; None where it cannot be shown."""
        if number not in self._signatures:
            found = None
            with suppress(PhotoError):
                small = Image.fromarray(self.draw(number).rgb).convert("L")
                found = np.asarray(small.resize(_GRID, Image.Resampling.BOX), np.float32)
            self._signatures[number] = found
        return self._signatures[number]

    def draw(self, number: int) -> Drawn:
        """The pixels of a page (from 0). Raises `PhotoError`."""
        page = self.directories[number]
        check_size(page.width, page.height, self.limits)
        if page.lost:
            raise PhotoError("damaged: the TIFF data ends too early (truncated): its directory is cut", retry=False)
        try:
            shown = _Page(self, page).draw()
        except PhotoError:
            raise
        except Exception as error:
            raise broken(NAME, error) from error
        orientation = page.number(ORIENTATION, 1)
        return replace(shown, orientation=orientation if 1 <= orientation <= 8 else 1)

    def part(self, at: int, size: int) -> bytes:
        """Bytes of the file, fewer where it ends."""
        return self.data[at : at + size]

    def _largest(self, page: Directory) -> Directory:
        """The page, or the larger version of it that stands in its sub-directories."""
        below = (self._directory(at) for at in page.numbers(SUB_DIRECTORIES)[:16])
        versions = [page, *(read[0] for read in below if read is not None and read[0].is_picture)]
        return max(versions, key=lambda each: each.width * each.height)

    def _unpack(self, code: str, at: int) -> int:
        size = struct.calcsize("<" + code)
        return int(struct.unpack_from(self.order + code, self.data, at)[0]) if at + size <= len(self.data) else 0

    def _directory(self, at: int) -> tuple[Directory, int] | None:
        """With where the next one is; None where there is none. Tags that lead nowhere are left out."""
        counted, size, word = ("Q", 20, "Q") if self.big else ("H", 12, "I")
        start = at + struct.calcsize("<" + counted)
        if start > len(self.data):
            return None
        count = self._unpack(counted, at)
        tags: dict[int, tuple[float, ...] | bytes] = {}
        lost: set[int] = set()
        for entry in range(start, start + min(count, 4096) * size, size):
            if entry + size > len(self.data):
                break
            tag, kind = struct.unpack_from(self.order + "HH", self.data, entry)
            value = self._value(entry, kind, word)
            if value is not None and tag not in tags:
                tags[tag] = value
            elif tag in _ESSENTIAL and tag not in tags:
                lost.add(tag)
        return Directory(tags, frozenset(lost)), self._unpack(word, start + count * size)

    def _value(self, entry: int, kind: int, word: str) -> tuple[float, ...] | bytes | None:
        width = struct.calcsize("<" + word)
        number = self._unpack(word, entry + 4)
        size = _SIZES.get(kind, 0) * number
        if not size:
            return None
        place = entry + 4 + width
        if size > width:
            place = self._unpack(word, place)
        data = self.data[place : place + size]
        if kind in (1, 2, 6, 7):
            return data if len(data) == size else None
        if len(data) < size:  # of strips, those whose places are there can be shown
            number = len(data) // _SIZES[kind]
            data = data[: number * _SIZES[kind]]
            if not number:
                return None
        if kind in (5, 10):
            pairs = struct.unpack(f"{self.order}{number * 2}{'I' if kind == 5 else 'i'}", data)
            return tuple(top / bottom if bottom else 0.0 for top, bottom in zip(pairs[::2], pairs[1::2], strict=True))
        return struct.unpack(f"{self.order}{number}{_CODES[kind]}", data)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A strip or tile of one plane. width, height: in pixels, tiles with what reaches beyond the edge."""

    plane: int
    left: int
    top: int
    width: int
    height: int
    at: int
    size: int


class _Page:
    """One page on its way to pixels."""

    def __init__(self, file: Tiff, page: Directory) -> None:
        self.file, self.page = file, page
        self.width, self.height = page.width, page.height
        self.photometric = page.number(PHOTOMETRIC, 1)
        self.compression = page.number(COMPRESSION, 1)
        bits = page.numbers(BITS) or (1,)
        # Some writers count the bits and forget to count the samples.
        self.samples = page.number(SAMPLES, len(bits)) or 1
        self.bits = bits[0]
        self.equal_bits = len(set(bits)) == 1
        self.format = page.number(FORMAT, 1)
        self.planar = page.number(PLANAR, 1) == 2 and self.samples > 1
        self.predictor = page.number(PREDICTOR, 1)
        self.extra = page.numbers(EXTRA)
        icc = page.tags.get(ICC)
        self.icc = icc if isinstance(icc, bytes) else None

    def refused(self, what: str = "") -> PhotoError:
        depth = f"{self.bits}-bit {'floats' if self.format == 3 else 'samples'}"
        parts = [
            f"{_COLOURS.get(self.photometric, f'colours of type {self.photometric}')} of {self.samples} channels",
            depth,
            "separate planes" if self.planar else "",
            self._codec(),
            what,
        ]
        return PhotoError(f"a TIFF of this kind is not read: {', '.join(filter(None, parts))}", retry=False)

    def _codec(self) -> str:
        every = {**_BYTE_CODECS, **_PICTURE_CODECS, **_OTHER_CODECS}
        return every.get(self.compression, f"compression {self.compression}")

    def draw(self) -> Drawn:
        if self.compression == 6:
            return self._old_jpeg()
        if self.compression in _PICTURE_CODECS or (self.compression in _BYTE_CODECS and self._is_subsampled):
            return self._by_pillow()
        if self.compression not in _BYTE_CODECS:
            raise self.refused()
        if not self.equal_bits or self.photometric not in _CHANNELS or not 1 <= self.samples <= 64:
            raise self.refused()
        if self.samples < _CHANNELS[self.photometric]:
            raise self.refused()
        memory = self.width * self.height * self.samples * max(self.bits, 8) // 8
        if memory > _BYTES_A_PIXEL * self.file.limits.max_pixels:
            raise PhotoError(f"its samples take {megabytes(memory)} MB, more than may be decoded", retry=False)
        values, sound = self._samples()
        shown = Drawn(self._colours(values), sound=sound)
        return shown if sound is None else shown.noting(CUT if self._is_cut else DAMAGED)

    @property
    def _is_cut(self) -> bool:
        return any(piece.at + piece.size > len(self.file.data) for piece in self._pieces())

    @property
    def _is_subsampled(self) -> bool:
        """YCbCr whose colours come in fewer pixels than its light (the default), or limits of broadcasting."""
        return self.photometric == 6

    # Bytes

    def _pieces(self) -> list[_Piece]:
        page = self.page
        planes = self.samples if self.planar else 1
        tiled = TILE_WIDTH in page.tags and bool(page.numbers(TILE_OFFSETS))
        if tiled:
            across, down = page.number(TILE_WIDTH, 0), page.number(TILE_HEIGHT, 0)
            offsets, counts = page.numbers(TILE_OFFSETS), page.numbers(TILE_COUNTS)
        else:
            across, down = self.width, min(page.number(ROWS, self.height) or self.height, self.height)
            offsets, counts = page.numbers(OFFSETS), page.numbers(COUNTS)
        if across < 1 or down < 1 or across * down > 2 * self.file.limits.max_pixels:
            raise PhotoError("damaged TIFF (its strips or tiles have no size)", retry=False)
        columns, rows = -(-self.width // across), -(-self.height // down)
        if len(offsets) == 0:
            raise PhotoError("damaged TIFF (it does not say where its pixels are)", retry=False)
        if len(counts) < len(offsets):
            counts = (*counts, *([0] * (len(offsets) - len(counts))))
        if not tiled and len(offsets) == planes and rows > 1:  # RowsPerStrip is wrong: there is one strip a plane
            down, rows = self.height, 1
        pieces = []
        for index, (at, size) in enumerate(zip(offsets, counts, strict=False)):
            plane, place = divmod(index, columns * rows)
            if plane >= planes:
                break
            top, left = place // columns * down, place % columns * across
            height = down if tiled else min(down, self.height - top)
            pieces.append(_Piece(plane, left, top, across, height, at, size))
        return pieces

    def _row_bytes(self, width: int) -> int:
        samples = 1 if self.planar else self.samples
        return -(-width * samples * self.bits // 8)

    def _bytes(self, piece: _Piece) -> bytes:
        """As many decoded bytes of a piece as there are."""
        most = self._row_bytes(piece.width) * piece.height
        size = piece.size
        if self.compression == 1:
            data = self.file.part(piece.at, min(size, most) if size else most)
        else:
            data = self.file.part(piece.at, size if size else len(self.file.data) - piece.at)
        if self.page.number(FILL_ORDER, 1) == 2:
            data = _reversed_bits(data)
        if self.compression == 1:
            return data
        if self.compression != 32773 and data.endswith(b"\0" * _ZEROS):
            data = data.rstrip(b"\0")
        if self.compression in (8, 32946):
            return _inflated(data, most)
        if self.compression == 32773:
            return decode_packbits(data, most)
        if self.compression == 34925:
            return _unpacked_lzma(data, most)
        decoded = self._by_libtiff(data, piece.height, most)
        if decoded is None and self.compression != 5:
            raise self.refused("damaged, or not supported here")
        if decoded is None and self.compression == 5:
            # Some early writers stored codes the other way round.
            old = len(data) > 1 and data[0] == 0 and data[1] & 1
            decoded = decode_lzw(data, most, bits=8, lowest_bit_first=bool(old))
        return decoded or b""

    def _by_libtiff(self, data: bytes, rows: int, most: int) -> bytes | None:
        """Bytes that libtiff makes of a piece, told that they are a gray picture."""
        width = most // rows
        tags = [
            (WIDTH, 4, width), (HEIGHT, 4, rows), (BITS, 3, 8), (COMPRESSION, 3, self.compression), (PHOTOMETRIC, 3, 1),
            (SAMPLES, 3, 1), (ROWS, 4, rows), (COUNTS, 4, len(data)),
        ]  # fmt: skip
        try:
            with Image.open(BytesIO(_file_of(tags, data)), formats=["TIFF"]) as image:
                image.load()
                return image.tobytes()
        except MemoryError:
            raise
        except Exception:
            return None

    def _samples(self) -> tuple[npt.NDArray[np.generic], Rectangle | None]:
        """[H, W, samples] of whatever type they have, and the part that is there."""
        kind = self._kind()
        planes = self.samples if self.planar else 1
        per_piece = 1 if self.planar else self.samples
        out = np.zeros((self.height, self.width, self.samples), kind.newbyteorder("="))
        rows_of = np.zeros((planes, self.height), bool)
        for piece in self._pieces():
            row = self._row_bytes(piece.width)
            data = self._bytes(piece)
            whole = len(data) // row
            if whole == 0:
                continue
            values = self._unpacked(data[: whole * row], whole, piece.width, per_piece, kind)
            height, width = min(whole, self.height - piece.top), min(piece.width, self.width - piece.left)
            planes_of = slice(piece.plane, piece.plane + 1) if self.planar else slice(None)
            out[piece.top : piece.top + height, piece.left : piece.left + width, planes_of] = values[:height, :width]
            if piece.left + width == self.width:  # of tiles the last of a row speaks for all
                rows_of[piece.plane, piece.top : piece.top + height] = True
        there: npt.NDArray[np.bool_] = rows_of.min(axis=0)
        if there.all():
            return out, None
        if not there.any():
            raise cut_short(NAME)
        until = int(np.argmin(there)) if there[0] else 0
        first = 0 if there[0] else int(np.argmax(there))
        last = until or first + int(np.argmin(np.append(there[first:], False)))
        return out, Rectangle(0, first, self.width, last)

    def _kind(self) -> np.dtype[np.generic]:
        """The type of one sample. Raises `PhotoError`."""
        order = self.file.order
        if self.format == 3 and self.bits in (16, 32, 64):
            return np.dtype(f"{order}f{self.bits // 8}")
        if self.format in (1, 2, 4) and self.bits in (8, 16, 32, 64):
            return np.dtype(f"{order}{'i' if self.format == 2 else 'u'}{self.bits // 8}")
        if self.format in (1, 4) and self.bits < 8:
            return np.dtype(np.uint8)
        if self.format in (1, 4) and 8 < self.bits < 16:
            return np.dtype(np.uint16)
        if self.format in (1, 4) and 16 < self.bits < 32:
            return np.dtype(np.uint32)
        raise self.refused()

    def _unpacked(
        self, data: bytes, rows: int, width: int, samples: int, kind: np.dtype[np.generic]
    ) -> npt.NDArray[np.generic]:
        shape = (rows, width, samples)
        if self.bits not in (8, 16, 32, 64):
            bits = np.unpackbits(np.frombuffer(data, np.uint8).reshape(rows, -1), axis=1)
            bits = bits[:, : width * samples * self.bits].reshape(rows, width * samples, self.bits)
            weights = (1 << np.arange(self.bits - 1, -1, -1)).astype(np.uint32)
            return (bits @ weights).astype(kind).reshape(shape)
        if self.predictor == 3 and self.format == 3:
            size = self.bits // 8
            line = np.frombuffer(data, np.uint8).reshape(rows, size * width, samples)
            line = np.cumsum(line, axis=1, dtype=np.uint8).reshape(rows, size, width * samples)
            ordered = np.ascontiguousarray(line.transpose(0, 2, 1))
            return ordered.view(kind.newbyteorder(">")).reshape(shape).astype(kind.newbyteorder("="))
        values = np.frombuffer(data, kind).reshape(shape).astype(kind.newbyteorder("="))
        if self.predictor == 2:
            values = np.cumsum(values, axis=1, dtype=values.dtype)
        return values

    # Samples to sRGB

    def _colours(self, values: npt.NDArray[np.generic]) -> Pixels:
        channels = _CHANNELS[self.photometric]
        top = float((1 << self.bits) - 1) if self.format != 3 else 1.0
        if self.format == 2 and self.photometric not in (8, 9):  # signed
            values, top = self._unsigned(values, top)
        space = None if self.icc is None else colour.of_profile(self.icc)
        if self.photometric == 3:
            base = self._palette(values[..., 0])
        elif channels == 1:
            gray = values[..., 0]
            if self.photometric == 0:
                numbers = gray.astype(np.float64 if self.format == 3 or self.bits > 16 else np.int32)
                gray = np.subtract(numbers.max() if self.format == 3 else top, numbers).astype(gray.dtype)
            deep = self.format == 3 or (self.bits == 32 and self.format != 2)
            base = (
                deep_gray(gray, self._gray(space))
                if deep
                else gray_pixels(gray.astype(np.uint16) if self.bits <= 16 else gray, top, self._gray(space))
            )
        elif self.photometric == 2:
            base = self._rgb(values[..., :3], top, space)
        elif self.photometric == 5:
            base = self._ink(values[..., :4], top)
        else:
            base = self._lab(values[..., :3])
        if len(self.extra) and self.samples > channels and self.extra[0] in (1, 2):
            base = self._with_alpha(base, values[..., channels], top)
        return base

    def _unsigned(self, values: npt.NDArray[np.generic], top: float) -> tuple[npt.NDArray[np.generic], float]:
        """Signed samples as from 0 on, and their white. Those of 8 bits are bytes by another name to every viewer."""
        if self.bits == 8:
            return values.view(np.uint8), top
        numbers = values.astype(np.float32)
        if float(numbers.min(initial=0)) >= 0:
            return numbers, (top - 1) / 2
        return numbers - numbers.min(), float(numbers.max() - numbers.min()) or 1.0

    def _gray(self, space: colour.ColourSpace | None) -> colour.ColourSpace | None:
        return space if self.icc is not None and self.icc[16:20] == b"GRAY" else None

    def _rgb(self, values: npt.NDArray[np.generic], top: float, space: colour.ColourSpace | None) -> Pixels:
        if self.icc is not None and self.icc[16:20] != b"RGB ":
            space = None
        if self.format == 3:
            floats = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
            low, high = used_range(floats)
            high = max(high, low + 1e-12)
            # Floats above 1 that are no numbers of bytes are light brighter than white.
            if low >= 0 and 1 < high < 100:
                return (space or colour.linear()).convert(np.clip(floats, 0, 1), 1.0)
            return colour_pixels(np.clip((floats - low) / (high - low), 0, 1), 1.0, space)
        if self.bits <= 8:
            flat = Image.fromarray(_to_eight_bits(values, top))
            if self.icc is not None:
                converted = colour.by_profile(flat, self.icc)
                flat = flat if converted is None else converted
            return np.asarray(flat)
        if space is None and self.icc is not None and self.icc[16:20] == b"RGB ":
            converted = colour.by_profile(Image.fromarray(_to_eight_bits(values, top)), self.icc)
            if converted is not None:
                return np.asarray(converted)
        return colour_pixels(values, top, space)

    def _palette(self, values: npt.NDArray[np.generic]) -> Pixels:
        colours = np.array(self.page.numbers(PALETTE), np.uint32)
        count = len(colours) // 3
        if count == 0 or self.bits > 16:
            raise self.refused("no palette")
        scale = 257 if colours.max() > 255 else 1  # some writers keep bytes in it
        table = (colours[: count * 3].reshape(3, count).T // scale).astype(np.uint8)
        return np.asarray(table[np.minimum(values.astype(np.uint32), count - 1)], np.uint8)

    def _ink(self, values: npt.NDArray[np.generic], top: float) -> Pixels:
        if self.format == 3 or self.page.number(INKS, 1) != 1:
            raise self.refused()
        eight = _to_eight_bits(values, top).tobytes()
        image = Image.frombuffer("CMYK", (self.width, self.height), eight, "raw", "CMYK", 0, 1)
        if self.icc is not None:
            image.info["icc_profile"] = self.icc
        return drawn(image).rgb

    def _lab(self, values: npt.NDArray[np.generic]) -> Pixels:
        """a and b are signed in CIE's, with an offset in ICC's."""
        if self.format == 3 or self.bits not in (8, 16):
            raise self.refused()
        lab = ((values.astype(np.int64) >> (self.bits - 8)) & 0xFF).astype(np.uint8)
        if self.photometric == 9:
            lab[..., 1:] ^= 0x80
        return drawn(Image.frombuffer("LAB", (self.width, self.height), lab.tobytes(), "raw", "LAB", 0, 1)).rgb

    def _with_alpha(self, base: Pixels, alpha: npt.NDArray[np.generic], top: float) -> Pixels:
        if self.format == 3:
            top = 1.0 if float(np.nan_to_num(alpha).max(initial=0)) <= 1 else top
        cover = _to_eight_bits(np.nan_to_num(alpha), top)
        if not cover.any():
            return base
        if self.extra[0] == 1:  # the colours are multiplied by it
            rest = 255 - cover.astype(np.uint16)[..., None]
            return np.asarray(np.minimum(base + rest, 255), np.uint8)
        return np.asarray(over_white(Image.fromarray(base), Image.fromarray(cover)))

    # Pictures in strips

    def _old_jpeg(self) -> Drawn:
        """A whole JPEG stands in most of these; in the others it is in pieces that nobody agrees on."""
        at, size = self.page.number(OLD_JPEG, 0), self.page.number(OLD_JPEG_SIZE, 0)
        data = self.file.part(at, size or len(self.file.data)) if at else b""
        if not data.startswith(b"\xff\xd8") or b"\xff\xda" not in data:
            raise self.refused()
        with Image.open(BytesIO(data + b"\xff\xd9"), formats=["JPEG"]) as image:
            if abs(image.width - self.width) > 16 or abs(image.height - self.height) > 16:
                raise self.refused()
            image.load()
            return drawn(image)

    def _by_pillow(self) -> Drawn:
        right = {
            "JPEG": self.bits == 8 and (self.photometric, self.samples) in ((1, 1), (2, 3), (6, 3), (5, 4), (0, 1)),
            "CCITT": self.bits == 1 and self.samples == 1 and self.photometric in (0, 1),
            "WebP": self.bits == 8 and self.photometric == 2 and self.samples in (3, 4) and not self.planar,
        }.get(self._codec(), self.bits == 8 and self.samples == 3 and not self.planar)
        if not right or (self.planar and self._codec() != "JPEG"):
            raise self.refused()
        pieces = self._pieces()
        if self.planar:
            return self._planes(pieces)
        ends = [piece for piece in pieces if piece.at + piece.size > len(self.file.data)]
        rows = min((piece.top for piece in ends), default=self.height)
        image = (self._tile_by_tile if self._codec() == "WebP" else self._strips)(pieces, rows)
        shown = drawn(image)
        if not ends:
            return shown
        whole = np.full((self.height, self.width, 3), 128, np.uint8)
        whole[: len(shown.rgb)] = shown.rgb
        return replace(shown, rgb=whole, sound=Rectangle(0, 0, self.width, rows)).noting(CUT)

    def _strips(self, pieces: Sequence[_Piece], rows: int) -> Image.Image:
        """Pillow's picture of the pieces above this row."""
        there = [piece for piece in pieces if piece.top < rows]
        if not there:
            raise cut_short(NAME)
        datas = [self.file.part(piece.at, piece.size) for piece in there]
        compression = self.compression
        if compression == 1:  # Pillow hands to libtiff only what is compressed, and libtiff knows about subsampling
            datas, compression = [zlib.compress(data, 1) for data in datas], 8
        tiled = TILE_WIDTH in self.page.tags and bool(self.page.numbers(TILE_OFFSETS))
        at, places = 0, []
        for data in datas:
            places.append(at)
            at += len(data)
        tags: list[tuple[int, int, int | Sequence[int] | bytes]] = [
            (WIDTH, 4, self.width), (HEIGHT, 4, rows), (BITS, 3, [self.bits] * self.samples),
            (COMPRESSION, 3, compression), (PHOTOMETRIC, 3, self.photometric), (SAMPLES, 3, self.samples),
            (PLANAR, 3, 1), (FILL_ORDER, 3, self.page.number(FILL_ORDER, 1)),
        ]  # fmt: skip
        if tiled:
            tags += [(TILE_WIDTH, 4, pieces[0].width), (TILE_HEIGHT, 4, pieces[0].height)]
            tags += [(TILE_OFFSETS, 4, places), (TILE_COUNTS, 4, [len(data) for data in datas])]
        else:
            tags += [(ROWS, 4, pieces[0].height), (OFFSETS, 4, places), (COUNTS, 4, [len(data) for data in datas])]
        if self.predictor != 1 and compression in (5, 8):
            tags.append((PREDICTOR, 3, self.predictor))
        tables = self.page.tags.get(JPEG_TABLES)
        if isinstance(tables, bytes):
            tags.append((JPEG_TABLES, 7, tables))
        for tag, kind in ((FAX3, 4), (FAX4, 4)):
            if tag in self.page.tags:
                tags.append((tag, kind, self.page.number(tag, 0)))
        if self.photometric == 6 and SUBSAMPLING in self.page.tags:
            tags.append((SUBSAMPLING, 3, list(self.page.numbers(SUBSAMPLING)[:2])))
        if self.extra:
            tags.append((EXTRA, 3, list(self.extra)))
        with Image.open(BytesIO(_file_of(tags, b"".join(datas), self.file.order)), formats=["TIFF"]) as image:
            image.load()
            if self.icc is not None:
                image.info["icc_profile"] = self.icc
            return image

    def _tile_by_tile(self, pieces: Sequence[_Piece], rows: int) -> Image.Image:
        """Of strips or tiles that are files of their own."""
        whole = Image.new("RGBA" if self.samples == 4 else "RGB", (self.width, self.height))
        for piece in pieces:
            if piece.top < rows:
                with Image.open(BytesIO(self.file.part(piece.at, piece.size)), formats=["WEBP"]) as image:
                    whole.paste(image.convert(whole.mode), (piece.left, piece.top))
        if rows < 1:
            raise cut_short(NAME)
        if self.icc is not None:
            whole.info["icc_profile"] = self.icc
        return whole.crop((0, 0, self.width, rows))

    def _planes(self, pieces: Sequence[_Piece]) -> Drawn:
        """JPEG in separate planes: each is a gray picture."""
        gray = Directory({**self.page.tags, PHOTOMETRIC: (1,), SAMPLES: (1,), BITS: (8,), PLANAR: (1,)})
        if self.photometric == 6 and self.page.numbers(SUBSAMPLING)[:2] not in ((1, 1),):
            raise self.refused("subsampled")
        planes = [
            _Page(self.file, gray)._strips([each for each in pieces if each.plane == number], self.height).convert("L")
            for number in range(self.samples)
        ]
        mode = {2: "RGB", 6: "YCbCr", 5: "CMYK"}[self.photometric]
        image = Image.merge(mode, planes)
        if self.icc is not None:
            image.info["icc_profile"] = self.icc
        return drawn(image)


def _to_eight_bits(values: npt.NDArray[np.generic], top: float) -> Pixels:
    if values.dtype == np.uint8 and top == 255:
        return np.ascontiguousarray(values)
    out = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), 256):
        part = values[start : start + 256].astype(np.float32)
        out[start : start + 256] = np.clip(part * np.float32(255.0 / top) + 0.5, 0, 255)
    return out


def _inflated(data: bytes, most: int) -> bytes:
    """As far as it goes."""
    for window in (15, -15):  # some writers leave the header out
        machine = zlib.decompressobj(window)
        out = bytearray()
        with suppress(zlib.error):
            view = memoryview(data)
            for start in range(0, len(view), 65536):
                waiting: bytes | memoryview = view[start : start + 65536]
                while len(waiting) and len(out) < most:
                    out += machine.decompress(waiting, most - len(out))
                    waiting = machine.unconsumed_tail
                if len(out) >= most or machine.eof:
                    break
            out += machine.flush()[: most - len(out)] if len(out) < most else b""
        if out:
            return bytes(out[:most])
    return b""


def _unpacked_lzma(data: bytes, most: int) -> bytes:
    """As far as it goes."""
    machine = lzma.LZMADecompressor()
    out = b""
    with suppress(lzma.LZMAError, EOFError):
        out = machine.decompress(data, most)
        while len(out) < most and not machine.eof and not machine.needs_input:
            out += machine.decompress(b"", most - len(out))
    return out


_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def _reversed_bits(data: bytes) -> bytes:
    return data.translate(_REVERSED)


def _file_of(tags: Sequence[tuple[int, int, int | Sequence[int] | bytes]], data: bytes, order: str = "<") -> bytes:
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


def _alike(small: npt.NDArray[np.float32] | None, large: npt.NDArray[np.float32] | None) -> bool:
    """Whether one picture is the other, reduced."""
    if small is None or large is None:
        return False
    return float(np.abs(small - large).mean()) < 4.0 and float(large.std()) > 4.0


@cache
def _silence() -> None:
    """libtiff, as Pillow carries it, writes its warnings on the terminal; this is its own switch for that."""
    from PIL import _imaging

    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(_imaging.__file__)
        for name in ("TIFFSetWarningHandler", "TIFFSetErrorHandler"):
            getattr(library, name)(None)
