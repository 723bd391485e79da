"""The file: its pages, one after the other, and which of them are to be looked at."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

from facesearch.vision.decoding.errors import Limits, PhotoError, broken, check_size, megabytes
from facesearch.vision.decoding.pixels import Drawn, as_far_as_there
from facesearch.vision.decoding.tiff import tags
from facesearch.vision.decoding.tiff.colours import CHANNELS, colours_of
from facesearch.vision.decoding.tiff.page import BYTE_CODECS, NAME, OLD_JPEG, PICTURE_CODECS, YCBCR, Page
from facesearch.vision.decoding.tiff.pictures import draw_old_jpeg, draw_pieces
from facesearch.vision.decoding.tiff.samples import read_samples
from facesearch.vision.decoding.tiff.tags import Directory

CUT = "the TIFF ends too early: only a part of it can be seen"
PAGES = "the TIFF's list of pages is damaged: further ones may be missing"
DOUBTFUL = "the TIFF is damaged: some of its pixels may be wrong"
DAMAGED = "the TIFF is damaged: only a part of it can be seen"
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_BYTES_A_PIXEL = 8  # of the largest picture that is decoded
_MOST_DIRECTORIES = 100_000
_REDUCED_BY = 1.5  # at least; pages of a document differ in size by a pixel or two
_GRID = (24, 24)


@dataclass
class Tiff:
    """An opened TIFF. directories: its pages, in the order of the file."""

    data: bytes
    limits: Limits
    order: str = field(init=False)
    big: bool = field(init=False)
    _signatures: dict[int, npt.NDArray[np.float32] | None] = field(init=False, default_factory=dict)
    more: int = field(init=False, default=0)  # pages beyond the limit
    notice: str = field(init=False, default="")  # of the file as a whole, once `directories` was asked for

    def __post_init__(self) -> None:
        _silence()
        self.order = "<" if self.data[:2] == b"II" else ">"
        self.big = self.data[2:4] in (b"+\0", b"\0+")

    # complexipy: ignore (a parser that goes on behind damage)
    @cached_property
    def directories(self) -> list[Directory]:
        """Raises `PhotoError` where there is none."""
        found: list[Directory] = []
        seen: set[int] = set()
        at = self._unpack("Q" if self.big else "I", 8 if self.big else 4)
        first = at
        while at and len(seen) < _MOST_DIRECTORIES:
            read = None if at in seen else self._directory(at)
            if read is None or not read[0].width:
                self.notice = PAGES
            if read is None:
                break
            seen.add(at)
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
            shown = _draw(Page(self.data, self.order, self.limits, page))
        except PhotoError:
            raise
        except Exception as error:
            raise broken(NAME, error) from error
        orientation = page.number(tags.ORIENTATION, 1)
        return replace(shown, orientation=orientation if 1 <= orientation <= 8 else 1)

    def _largest(self, page: Directory) -> Directory:
        """The page, or the larger version of it that stands in its sub-directories."""
        below = (self._directory(at) for at in page.numbers(tags.SUB_DIRECTORIES)[:16])
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
        found: dict[int, tuple[float, ...] | bytes] = {}
        lost: set[int] = set()
        for entry in range(start, start + min(count, 4096) * size, size):
            if entry + size > len(self.data):
                break
            tag, kind = struct.unpack_from(self.order + "HH", self.data, entry)
            value = self._value(entry, kind, word)
            if value is not None and tag not in found:
                found[tag] = value
            elif tag in tags.ESSENTIAL and tag not in found:
                lost.add(tag)
        return Directory(found, frozenset(lost)), self._unpack(word, start + count * size)

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


def _draw(page: Page) -> Drawn:
    if page.compression == OLD_JPEG:
        shown, missing = draw_old_jpeg(page)
    elif page.compression in PICTURE_CODECS or (page.compression in BYTE_CODECS and page.photometric == YCBCR):
        shown, missing = draw_pieces(page)
    else:
        if page.compression not in BYTE_CODECS or not page.equal_bits or not 1 <= page.samples <= 64:
            raise page.refused()
        if page.samples < CHANNELS.get(page.photometric, 65):
            raise page.refused()
        memory = page.width * page.height * page.samples * max(page.bits, 8) // 8
        if memory > _BYTES_A_PIXEL * page.limits.max_pixels:
            raise PhotoError(f"its samples take {megabytes(memory)} MB, more than may be decoded", retry=False)
        values, missing = read_samples(page)
        shown = colours_of(page, values)
    shown = shown.noting(DOUBTFUL if page.doubtful else "")
    return as_far_as_there(shown, missing, CUT if missing and page.is_cut else DAMAGED)


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
