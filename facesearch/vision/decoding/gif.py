"""GIF: damaged extensions skipped, frames with their times, a cut one as far as it goes.

Source: GIF89a.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from facesearch.vision.decoding.colour import Pixels
from facesearch.vision.decoding.errors import Limits, broken, check_size, cut_short
from facesearch.vision.decoding.lzw import decode_lzw, store_lzw
from facesearch.vision.decoding.pillow import open_as
from facesearch.vision.decoding.pixels import SHORT_PALETTE, Drawn, Rectangle, as_far_as_there, drawn

NAME = "GIF"
CUT = "the GIF ends too early: only a part of it can be seen"
COARSE = "the GIF ends too early: it can only be seen coarsely"
DAMAGED = "the GIF is damaged: only a part of it can be seen"
METADATA = "the GIF's metadata are damaged"
_SLOWEST_MEANT = 0.02  # seconds: what says to be quicker is shown ten times a second by every browser
_DEFAULT = 0.1
_NO_DISPOSAL = 0b11100011


@dataclass(frozen=True, slots=True)
class _Frame:
    """start, end: bytes from its control block (if any) to its end; descriptor: where its size stands. left, top,
    width, height: in pixels of the screen. flags: of its descriptor."""

    start: int
    descriptor: int
    end: int
    delay: float
    whole: bool
    left: int
    top: int
    width: int
    height: int
    flags: int

    @property
    def interlaced(self) -> bool:
        return bool(self.flags & 0x40)


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
            # Browsers show a frame that is larger than the screen that the file names.
            self.width = max(self.width, each.left + each.width)
            self.height = max(self.height, each.top + each.height)
        check_size(self.width, self.height, self.limits)
        self._opened: Image.Image | None = None
        self._mended = False

    def _read(self) -> list[_Frame]:
        frames = self._frames_from(self._head)
        if not frames:  # a length has led past all of them
            self._sound = False
            frames = self._frames_from(self._next_frame(self._head))
        return frames

    # complexipy: ignore (a parser: block by block, as the file has them)
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
                left, top, width, height, flags = struct.unpack_from("<4HB", self.data, at + 1)
                pixels = at + 11 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
                end, whole = self._sub_blocks(pixels)
                begins, ends = at if start < 0 else start, min(end, len(self.data))
                frames.append(_Frame(begins, at, ends, delay, whole, left, top, width, height, flags))
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
        frame = self._frames[number]
        try:
            if self._opened is None:
                self._opened = open_as(self._clean(), "GIF")
            self._opened.seek(number)
            self._opened.load()
        except Exception as error:
            if self._mended or isinstance(error, MemoryError):
                raise broken(NAME, error) from error
            self._mended, self._opened = True, None
            return self.draw(number)
        shown = drawn(self._opened.copy()).noting("" if self._sound else METADATA, self._palette_notice(frame))
        return self._as_far_as_there(shown, frame) if self._mended else shown

    def _clean(self) -> bytes:
        """The frames alone."""
        head = self.data[: self._head]
        screen = head[:6] + struct.pack("<HH", self.width, self.height) + head[10:]
        block = self._mended_block if self._mended else self._block
        return b"".join((screen, *map(block, self._frames), b"\x3b"))

    def _block(self, frame: _Frame) -> bytes:
        return self._control(frame) + self.data[frame.descriptor : frame.end] + (b"" if frame.whole else b"\0")

    def _control(self, frame: _Frame) -> bytes:
        if frame.start == frame.descriptor:
            return b""
        control = bytearray(self.data[frame.start : frame.start + 8])
        if frame is self._frames[-1]:
            control[3] &= _NO_DISPOSAL  # nothing comes behind it, and Pillow would refuse to make room for that
        return bytes(control)

    # Frames that end too early

    def _mended_block(self, frame: _Frame) -> bytes:
        """A frame filled in where its data end too early; of an interlaced one each missing row is like one above."""
        bits, pixels = self._pixels(frame)
        head = self._control(frame) + self.data[frame.descriptor : self._data_at(frame)]
        size = frame.width * frame.height
        if len(pixels) == size:
            return head + self.data[self._data_at(frame) : frame.end] + (b"" if frame.whole else b"\0")
        whole = np.frombuffer(pixels.ljust(size, b"\0"), np.uint8)
        if frame.interlaced:
            values = whole.reshape(frame.height, frame.width)
            order = _interlaced_rows(frame.height)
            rows = len(pixels) // frame.width
            placed = np.zeros_like(values)
            placed[order[:rows]] = values[:rows]
            whole = _spread(placed, order[:rows])[order].ravel()
        return head + bytes([bits]) + _sub_blocks_of(store_lzw(whole, bits)) + b"\0"

    def _as_far_as_there(self, shown: Drawn, frame: _Frame) -> Drawn:
        rows = len(self._pixels(frame)[1]) // frame.width if frame.width else 0
        if rows == 0:
            raise cut_short(NAME)
        if rows == frame.height:
            return shown
        if frame.interlaced:
            return shown.noting(COARSE)
        bottom = frame.top + frame.height
        missing = Rectangle(frame.left, frame.top + rows, frame.left + frame.width, bottom)
        return as_far_as_there(shown, [missing], DAMAGED if frame.whole else CUT)

    def _data_at(self, frame: _Frame) -> int:
        """Where its pixels begin, with how many bits they take."""
        return frame.descriptor + 10 + (3 * (2 << (frame.flags & 7)) if frame.flags & 0x80 else 0)

    def _pixels(self, frame: _Frame) -> tuple[int, bytes]:
        """Bits of a code, and indices of its pixels, as far as they go."""
        at = self._data_at(frame)
        bits = max(self.data[at], 2) if at < len(self.data) else 0
        if not 2 <= bits <= 8:
            return 2, b""
        packed = bytearray()
        at += 1
        while at < frame.end and self.data[at]:
            packed += self.data[at + 1 : at + 1 + self.data[at]]
            at += 1 + self.data[at]
        return bits, decode_lzw(bytes(packed), frame.width * frame.height, bits=bits, lowest_bit_first=True)

    def _palette_notice(self, frame: _Frame) -> str:
        flags = frame.flags if frame.flags & 0x80 else self.data[10]
        colours = 2 << (flags & 7) if flags & 0x80 else 0
        at = self._data_at(frame)
        # Only codes of more bits than the colours take can be of colours that are not there.
        if at >= len(self.data) or 1 << min(self.data[at], 8) <= max(colours, 4 if colours else 0):
            return ""
        return SHORT_PALETTE if max(self._pixels(frame)[1], default=0) >= colours else ""


def _interlaced_rows(height: int) -> list[int]:
    return [y for first, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(first, height, step)]


def _sub_blocks_of(data: bytes) -> bytes:
    parts = (data[at : at + 255] for at in range(0, len(data), 255))
    return b"".join(bytes([len(part)]) + part for part in parts)


def _spread(values: Pixels, rows: Sequence[int]) -> Pixels:
    """Each row that is missing like the nearest one above it that is there."""
    there = np.zeros(len(values), bool)
    there[rows] = True
    above = np.maximum.accumulate(np.where(there, np.arange(len(values)), 0))
    return values[above]
