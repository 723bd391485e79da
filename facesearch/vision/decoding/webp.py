"""WebP: side chunks skipped where they are damaged, frames with their times.

Source: RFC 9649.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from PIL import Image

from facesearch.vision.decoding.errors import Limits, PhotoError, broken, check_size, cut_short
from facesearch.vision.decoding.exif import Exif, exif_of
from facesearch.vision.decoding.pillow import open_as
from facesearch.vision.decoding.pixels import Drawn, drawn
from facesearch.vision.decoding.unwritten import ends_unwritten, without_unwritten

NAME = "WebP"
METADATA = "the WebP's metadata are damaged"
_LOSSY, _LOSSLESS = b"VP8 ", b"VP8L"


@dataclass
class WebP:
    """An opened WebP."""

    data: bytes
    limits: Limits

    def __post_init__(self) -> None:
        self._sound = True
        self.lost_frames = 0  # at least
        self._leave_out_cut_frame()
        try:
            self._image: Image.Image = open_as(self.data, "WEBP")
        except Exception as error:
            if isinstance(error, MemoryError):
                raise broken(NAME, error) from error
            self._image = self._rebuilt()
            self._sound = False
        for kind, start, end in self._chunks():
            if kind in (_LOSSY, _LOSSLESS, b"ANMF") and ends_unwritten(self.data[start:end]):
                raise cut_short(NAME)
        self.width, self.height = self._image.size
        check_size(self.width, self.height, self.limits)

    def _leave_out_cut_frame(self) -> None:
        """Of an animation that ends too early, keep the frames that are whole."""
        chunks = list(self._chunks())
        frames = [each for each in chunks if each[0] == b"ANMF"]
        if not frames:
            return
        (stated,) = struct.unpack_from("<I", self.data, 4)
        body = self.data[: stated + 8]  # what stands behind it is no part of it
        whole = without_unwritten(body)
        last = frames[-1][1]
        (size,) = struct.unpack_from("<I", self.data, last - 4)
        if last + size > len(whole) + 1:
            if len(frames) == 1:
                raise cut_short(NAME)
            whole = whole[: last - 8]
        elif stated + 8 <= len(self.data) + 1 and len(whole) == len(body):
            return
        self.lost_frames = 1
        self.data = b"RIFF" + struct.pack("<I", len(whole) - 8) + whole[8:]

    def _rebuilt(self) -> Image.Image:
        """The picture alone, of an animation one. Raises `PhotoError`."""
        self.lost_frames += b"ANIM" in self.data
        for kind in (_LOSSY, _LOSSLESS):
            at = self.data.find(kind, 12)
            while at >= 0:
                body = self.data[at + 8 :]
                starts = body[3:6] == b"\x9d\x01\x2a" if kind == _LOSSY else body[:1] == b"\x2f"
                if starts:
                    (size,) = struct.unpack_from("<I", self.data, at + 4)
                    if size > len(body):
                        raise cut_short(NAME)
                    alpha = self._alpha(at) if kind == _LOSSY else b""
                    return self._of(kind, body[:size], alpha)
                at = self.data.find(kind, at + 4)
        if self._is_cut:
            raise cut_short(NAME)
        raise PhotoError("damaged WebP (its picture is missing)", retry=False)

    def _alpha(self, before: int) -> bytes:
        for kind, start, end in self._chunks():
            if kind == b"ALPH" and end <= before:
                return self.data[start:end]
        return b""

    def _of(self, kind: bytes, body: bytes, alpha: bytes) -> Image.Image:
        inside = b""
        if alpha:
            width, height = struct.unpack_from("<HH", body, 6)
            size = struct.pack("<I", (width & 0x3FFF) - 1)[:3] + struct.pack("<I", (height & 0x3FFF) - 1)[:3]
            inside = _chunk(b"VP8X", b"\x10\0\0\0" + size) + _chunk(b"ALPH", alpha)
        inside += _chunk(kind, body)
        try:
            return open_as(b"RIFF" + struct.pack("<I", len(inside) + 4) + b"WEBP" + inside, "WEBP")
        except Exception as error:
            raise broken(NAME, error) from error

    @property
    def _is_cut(self) -> bool:
        return len(self.data) < 20 or struct.unpack_from("<I", self.data, 4)[0] + 8 > len(self.data) + 1

    def _chunks(self) -> Iterator[tuple[bytes, int, int]]:
        at = 12
        while at + 8 <= len(self.data):
            kind, size = struct.unpack_from("<4sI", self.data, at)
            yield kind, at + 8, min(at + 8 + size, len(self.data))
            at += 8 + size + size % 2

    @cached_property
    def times(self) -> list[float]:
        """When each frame begins, in seconds; of a still picture [0]."""
        times, now = [], 0.0
        for kind, start, end in self._chunks():
            if kind == b"ANMF" and end - start >= 16:
                times.append(now)
                now += max(int.from_bytes(self.data[start + 12 : start + 15], "little"), 10) / 1000
        count = getattr(self._image, "n_frames", 1)
        return times if len(times) == count else [index * 0.1 for index in range(count)]

    @cached_property
    def exif(self) -> Exif:
        return exif_of(self._image)

    def draw(self, number: int) -> Drawn:
        """A frame, from 0. Raises `PhotoError`."""
        try:
            self._image.seek(number)
            self._image.load()
        except Exception as error:
            if isinstance(error, MemoryError):
                raise broken(NAME, error) from error
            raise cut_short(NAME) if self._is_cut else broken(NAME, error) from error
        shown = drawn(self._image.copy())
        return replace(shown, orientation=self.exif.orientation or 1).noting("" if self._sound else METADATA)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
