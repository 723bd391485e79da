"""JPEG 2000: the colours that Pillow does not tell of, and cut files by that reason.

Source: ITU-T T.800, annex I (JP2) and A.4.4 (the mark at the end of a codestream).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from facesearch.vision.decoding.boxes import boxes
from facesearch.vision.decoding.errors import Limits, broken, check_size, cut_short
from facesearch.vision.decoding.pillow import open_as
from facesearch.vision.decoding.pixels import PROFILE, Drawn, drawn

NAME = "JPEG 2000"
_ENUMERATED, _PROFILES = 1, (2, 3)
_KNOWN = frozenset(struct.pack(">I", code) for code in (12, 16, 17, 18))  # CMYK, sRGB, gray, sYCC
_END = b"\xff\xd9"


@dataclass
class Jpeg2000:
    """An opened JPEG 2000, in boxes (JP2) or bare."""

    data: bytes
    limits: Limits

    def __post_init__(self) -> None:
        behind = next((end for kind, _, end in boxes(self.data) if kind == b"jp2c"), len(self.data))
        self.data = self.data[:behind]  # another one behind it would be taken for this
        try:
            with open_as(self.data, "JPEG2000") as image:
                self.width, self.height = image.size
        except Exception as error:
            raise cut_short(NAME) if self._is_cut else broken(NAME, error) from error
        check_size(self.width, self.height, self.limits)

    def draw(self) -> Drawn:
        """Raises `PhotoError`."""
        try:
            with open_as(self.data, "JPEG2000") as image:
                image.load()
        except Exception as error:
            if self._is_cut and not isinstance(error, MemoryError):
                raise cut_short(NAME) from error
            raise broken(NAME, error) from error
        known = True
        for method, value in self._colours():
            if method in _PROFILES:
                image.info["icc_profile"] = value
            known = method in _PROFILES or value[:4] in _KNOWN
            break
        return drawn(image).noting("" if known else PROFILE)

    def _colours(self) -> Iterator[tuple[int, bytes]]:
        """Method and value of each colour specification; the first one counts."""
        for kind, start, end in boxes(self.data):
            if kind == b"jp2h":
                for inner, at, after in boxes(self.data, start, end):
                    if inner == b"colr" and after > at + 3 and self.data[at] in (_ENUMERATED, *_PROFILES):
                        yield self.data[at], self.data[at + 3 : after]

    @property
    def _is_cut(self) -> bool:
        return _END not in self.data[-4096:]
