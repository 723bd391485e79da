"""GIF: damaged extensions skipped, frames with their times, a cut one as far as it goes.

Source: GIF89a.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO

import numpy as np
from PIL import Image

from facesearch.decoding.colour import Pixels
from facesearch.decoding.errors import Limits, PhotoError, broken, check_size, cut_short
from facesearch.decoding.lzw import decode_lzw
from facesearch.decoding.pixels import Drawn, Rectangle, drawn

NAME = "GIF"
CUT = "the GIF ends too early: only a part of it can be seen"
METADATA = "the GIF's metadata are damaged"
_SLOWEST_MEANT = 0.02  # seconds: what says to be quicker is shown ten times a second by every browser
_DEFAULT = 0.1


@dataclass(frozen=True, slots=True)
class _Frame:
    """start, end: bytes from its control block (if any) to its end; descriptor: where its size stands."""

    start: int
    descriptor: int
    end: int
    delay: float
    whole: bool


@dataclass
class Gif:
    """An opened GIF."""

    data: bytes
    limits: Limits

    def __post_init__(self) -> None:
        if len(self.data) < 13:
            raise cut_short(NAME)
        self._sound = True
        self.width, self.height, flags = struct.unpack_from("<HHB", self.data, 6)
        self._head = 13 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
        self._frames = self._read()
        if not self._frames:
            raise cut_short(NAME)
        for each in self._frames:
            left, top, width, height = struct.unpack_from("<4H", self.data, each.descriptor + 1)
            # Browsers show a frame that is larger than the screen that the file names.
            self.width, self.height = max(self.width, left + width), max(self.height, top + height)
        check_size(self.width, self.height, self.limits)
        self._opened: Image.Image | None = None

    def _read(self) -> list[_Frame]:
        frames = self._frames_from(self._head)
        if not frames:  # a length has led past all of them
            self._sound = False
            frames = self._frames_from(self._next_frame(self._head))
        return frames

    def _frames_from(self, at: int) -> list[_Frame]:
        frames: list[_Frame] = []
        start, delay = -1, 0.0
        while at < len(self.data) and len(frames) < 100_000:
            block = self.data[at]
            if block == 0x3B:
                break
            if block == 0x21 and at + 2 < len(self.data):
                end, whole = self._sub_blocks(at + 2)
                if self.data[at + 1] == 0xF9 and self.data[at + 2] == 4 and at + 8 <= len(self.data):
                    start, delay = at, struct.unpack_from("<H", self.data, at + 4)[0] / 100
                if whole and self._is_block(end):
                    at = end
                else:  # a length within leads astray
                    self._sound, at = False, self._next_frame(at + 2)
                continue
            if block == 0x2C and at + 11 < len(self.data):
                flags = self.data[at + 9]
                pixels = at + 11 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
                end, whole = self._sub_blocks(pixels)
                frames.append(_Frame(at if start < 0 else start, at, min(end, len(self.data)), delay, whole))
                at, start, delay = end, -1, 0.0
                if not whole:
                    break
                continue
            if block == 0:  # writers leave a zero too many
                at += 1
                continue
            self._sound, at = False, self._next_frame(at + 1)
        return frames

    def _is_block(self, at: int) -> bool:
        return at >= len(self.data) or self.data[at] in (0x21, 0x2C, 0x3B, 0)

    def _sub_blocks(self, at: int) -> tuple[int, bool]:
        """Where they end, and whether they do."""
        while at < len(self.data):
            length = self.data[at]
            at += 1 + length
            if length == 0:
                return at, True
        return len(self.data), False

    def _next_frame(self, at: int) -> int:
        """The next place that looks like the descriptor of a frame within the screen."""
        while (at := self.data.find(b"\x2c", at)) >= 0:
            if at + 11 < len(self.data):
                left, top, width, height, flags = struct.unpack_from("<4HB", self.data, at + 1)
                pixels = at + 10 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
                fits = width and height and left + width <= self.width and top + height <= self.height
                if fits and pixels + 1 < len(self.data) and 1 < self.data[pixels] < 9 and self.data[pixels + 1]:
                    return at
            at += 1
        return len(self.data)

    @cached_property
    def times(self) -> list[float]:
        """When each frame begins, in seconds."""
        times, now = [], 0.0
        for each in self._frames:
            times.append(now)
            now += each.delay if each.delay >= _SLOWEST_MEANT else _DEFAULT
        return times

    def draw(self, number: int) -> Drawn:
        """A frame (from 0) over those before it. Raises `PhotoError`."""
        notices = [] if self._sound else [METADATA]
        try:
            if self._opened is None:
                self._opened = Image.open(BytesIO(self._clean()), formats=["GIF"])
            self._opened.seek(number)
            self._opened.load()
            return drawn(self._opened.copy()).noting(*notices)
        except MemoryError as error:
            raise broken(NAME, error) from error
        except Exception as error:
            self._opened = None
            if number:
                raise broken(NAME, error) from error
        return self._salvaged(self._frames[0]).noting(*notices)

    def _clean(self) -> bytes:
        """The frames alone."""
        head = self.data[: self._head]
        screen = head[:6] + struct.pack("<HH", self.width, self.height) + head[10:]
        return b"".join((screen, *(self._block(each) for each in self._frames), b"\x3b"))

    def _block(self, frame: _Frame) -> bytes:
        control = b""
        if frame.start != frame.descriptor:
            control = self.data[frame.start : frame.start + 8]
        return control + self.data[frame.descriptor : frame.end] + (b"" if frame.whole else b"\0")

    def _salvaged(self, frame: _Frame) -> Drawn:
        """The first frame, as far as it goes."""
        left, top, width, height, flags = struct.unpack_from("<4HB", self.data, frame.descriptor + 1)
        at = frame.descriptor + 10
        colours = self.data[13 : self._head]
        if flags & 0x80:
            size = 3 * (2 << (flags & 7))
            colours, at = self.data[at : at + size], at + size
        if at >= len(self.data) or not colours or not width * height:
            raise cut_short(NAME)
        bits, at = self.data[at], at + 1
        packed = bytearray()
        while at < frame.end and self.data[at]:
            packed += self.data[at + 1 : at + 1 + self.data[at]]
            at += 1 + self.data[at]
        if not 1 <= bits <= 8:
            raise PhotoError("damaged GIF (its pixels make no sense)", retry=False)
        pixels = decode_lzw(bytes(packed), width * height, bits=bits, lowest_bit_first=True)
        rows = len(pixels) // width
        if rows == 0:
            raise cut_short(NAME)
        values = np.frombuffer(pixels[: rows * width], np.uint8).reshape(rows, width)
        whole = np.zeros((height, width), np.uint8)
        notice = CUT
        sound: Rectangle | None = Rectangle(left, top, left + width, top + rows)
        if flags & 0x40 and rows < height:
            order = [y for first, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(first, height, step)]
            whole[order[:rows]] = values
            whole = _spread(whole, order[:rows])
            sound, notice = None, "the GIF ends too early: it can only be seen coarsely"
        elif flags & 0x40:
            order = [y for first, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(first, height, step)]
            whole[order] = values
        else:
            whole[:rows] = values
        image = Image.fromarray(whole).copy()
        image.putpalette(colours)
        canvas = Image.new("RGB", (self.width, self.height))
        canvas.paste(image.convert("RGB"), (left, top))
        if rows == height:
            return drawn(canvas)
        return replace(drawn(canvas), sound=sound).noting(notice)


def _spread(values: Pixels, rows: Sequence[int]) -> Pixels:
    """Each row that is missing like the nearest one above it that is there."""
    there = np.zeros(len(values), bool)
    there[rows] = True
    above = np.maximum.accumulate(np.where(there, np.arange(len(values)), 0))
    return values[above]
