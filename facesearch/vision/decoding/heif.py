"""AVIF and HEIC: colours that Pillow does not tell of, sequences, and cut files by that reason."""

from __future__ import annotations

import importlib
import importlib.metadata
from dataclasses import dataclass, replace
from functools import cache, cached_property

from facesearch.vision.decoding import colour
from facesearch.vision.decoding.boxes import code_points, frame_times, is_cut
from facesearch.vision.decoding.errors import Limits, PhotoError, broken, check_size, cut_short
from facesearch.vision.decoding.exif import Exif, exif_of
from facesearch.vision.decoding.pillow import is_decoded, open_as
from facesearch.vision.decoding.pixels import Drawn, drawn

INSTALL_HEIC = "pip install pillow-heif"
_PQ_OR_HLG = (16, 18)


@cache
def heic_version() -> str | None:
    """The version of the package that reads HEIC; None where it is not installed."""
    try:
        importlib.import_module("pillow_heif")
    except ImportError:  # the extra is optional
        return None
    return importlib.metadata.version("pillow-heif")


@dataclass
class Heif:
    """An opened AVIF (`name` "AVIF") or HEIC ("HEIC")."""

    data: bytes
    limits: Limits
    name: str

    def __post_init__(self) -> None:
        if self.name == "HEIC" and heic_version() is None:
            raise PhotoError(f"a HEIC photo, which needs one more package: {INSTALL_HEIC}", retry=True)
        if is_cut(self.data):
            raise cut_short(self.name)
        plugin = "HEIF" if self.name == "HEIC" else "AVIF"
        if not is_decoded(plugin):
            raise PhotoError(f"{self.name} is not read by the installed Pillow: update it", retry=True)
        try:
            self._image = open_as(self.data, plugin)
        except Exception as error:
            raise broken(self.name, error) from error
        self.width, self.height = self._image.size
        check_size(self.width, self.height, self.limits)

    @property
    def count(self) -> int:
        """How many pictures or frames; thumbnails, depth and gain maps are none."""
        return int(getattr(self._image, "n_frames", 1))

    @property
    def first(self) -> int:
        """The primary picture's number, from 0."""
        for number in range(self.count if self.name == "HEIC" else 0):
            self._image.seek(number)
            if self._image.info.get("primary"):
                return number
        return 0

    @cached_property
    def times(self) -> list[float] | None:
        """When each frame of a sequence begins, in seconds; None for pictures that do not move."""
        if self.count == 1:
            return None
        times = frame_times(self.data)
        if len(times) >= self.count:
            return times[: self.count]
        return [index * 0.1 for index in range(self.count)] if self.name == "AVIF" else None

    @cached_property
    def exif(self) -> Exif:
        return exif_of(self._image)

    def draw(self, number: int) -> Drawn:
        """A picture or frame, from 0. Raises `PhotoError`."""
        try:
            self._image.seek(number)
            check_size(*self._image.size, self.limits)
            self._image.load()
        except Exception as error:
            raise broken(self.name, error) from error
        image = self._image.copy()
        exif = exif_of(self._image) if isinstance(self._image.info.get("exif"), bytes) else self.exif
        points = code_points(self.data)
        space = None
        if points is not None and (points[1] in _PQ_OR_HLG or not image.info.get("icc_profile")):
            space = colour.of_code_points(*points)
        return replace(drawn(image, space), orientation=exif.orientation or 1)
