"""What of an EXIF block decides how a picture is shown: its turn, its colours, its thumbnail.

Read here and not by Pillow, which takes the turn from XMP where EXIF is silent; viewers do not.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_ORIENTATION, _DETAILS, _COLOUR_SPACE, _INTEROPERABILITY = 0x0112, 0x8769, 0xA001, 0xA005
_THUMBNAIL, _THUMBNAIL_SIZE = 0x0201, 0x0202


@dataclass(frozen=True)
class Exif:
    """data: the block from its TIFF header on, however damaged; b"" for none."""

    data: bytes

    @cached_property
    def _order(self) -> str:
        return {b"II": "<", b"MM": ">"}.get(self.data[:2], "")

    @cached_property
    def _first(self) -> tuple[dict[int, int], int]:
        if not self._order or len(self.data) < 8:
            return {}, 0
        return self._directory(struct.unpack_from(self._order + "I", self.data, 4)[0])

    def _directory(self, at: int) -> tuple[dict[int, int], int]:
        """The numbers (of lists, where they are) of a directory, and where the next one is."""
        found: dict[int, int] = {}
        with suppress(struct.error):
            (count,) = struct.unpack_from(self._order + "H", self.data, at)
            for entry in range(at + 2, at + 2 + 12 * min(count, 256), 12):
                tag, kind, _ = struct.unpack_from(self._order + "HHI", self.data, entry)
                code = {1: "B", 3: "H"}.get(kind, "I")
                found.setdefault(tag, struct.unpack_from(self._order + code, self.data, entry + 8)[0])
            return found, struct.unpack_from(self._order + "I", self.data, at + 2 + 12 * count)[0]
        return found, 0

    @property
    def orientation(self) -> int | None:
        """1 to 8; None where it does not say."""
        value = self._first[0].get(_ORIENTATION, 0)
        return value if 1 <= value <= 8 else None

    @property
    def is_adobe_rgb(self) -> bool:
        """Whether a camera says, by DCF's rules, that this is Adobe RGB."""
        if _DETAILS not in self._first[0]:
            return False
        details, _ = self._directory(self._first[0][_DETAILS])
        if details.get(_COLOUR_SPACE) == 2:
            return True
        at = details.get(_INTEROPERABILITY)
        return at is not None and details.get(_COLOUR_SPACE) == 0xFFFF and self._interoperability(at) == b"R03\0"

    def _interoperability(self, at: int) -> bytes:
        with suppress(struct.error):
            (count,) = struct.unpack_from(self._order + "H", self.data, at)
            for entry in range(at + 2, at + 2 + 12 * min(count, 16), 12):
                if struct.unpack_from(self._order + "H", self.data, entry)[0] == 1:
                    return self.data[entry + 8 : entry + 12]
        return b""

    @property
    def thumbnail(self) -> bytes:
        """The JPEG in its second directory; b"" for none."""
        if not self._order or not self._first[1]:
            return b""
        second, _ = self._directory(self._first[1])
        at, size = second.get(_THUMBNAIL, 0), second.get(_THUMBNAIL_SIZE, 0)
        return self.data[at : at + size] if at and size else b""


def exif_of(image: Image.Image) -> Exif:
    """The block of a picture as Pillow has opened it."""
    block = image.info.get("exif")
    return Exif(block.removeprefix(b"Exif\0\0") if isinstance(block, bytes) else b"")
