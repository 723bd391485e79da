"""In which sizes a photo is looked at for faces of every size, and those copies, part by part.

YuNet gives a face a score that stands out from 20 to 300 pixels in the picture that it is given.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, log, sqrt

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box
from facesearch.vision.crop import SIDE, Padding, crop_face
from facesearch.vision.detection.detector import Look
from facesearch.vision.detection.geometry import longer_side, scaled

SMALL = 320
"""A photo whose longer side has up to so many pixels is enlarged to that, and looked at in this one size."""

_UPRIGHT = (0,)
_EVERY_TURN = (0, 90, 180, 270)

_FINEST = {1: 1.2, 2: 0.93, 4: 1.04, 8: 1.1, 12: 0.92, 24: 0.9}
"""Scale of the finest copy by megapixels of the photo: as fine as the cost allows. With few it is enlarged, for faces
of 16 pixels; with many, faces of 24 pixels keep 21; small faces before plain light ground gain from all between."""
_WHOLE_UP_TO = 24_000_000  # pixels of a photo of which that holds
_LONG_SIDE = 6000  # of still larger ones, before: faces from 1/250 of it keep 21 pixels, too
_STEP = 4.4  # from one copy to the next, at most: a face of 90 pixels in one has 20 in the next
_TURNED = 672, 504  # of the copy that is looked at turned: faces from 1/30 of its longer side have 22 pixels
_QUICK = ((1280, 960), (640, 480), (320, 240))

_MUCH_REDUCED = 0.7  # a copy of so much of the side, below which linear interpolation passes over pixels

PART = 1408
"""Longest side of a part of a copy that is looked at in one go, so that a thread needs some 200 MB."""

OVERLAP = 96
"""Pixels that neighbouring parts share: more than a face has that no coarser copy shows well."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a photo to be looked at. width, height: in pixels; turns: degrees by which it is turned clockwise;
    specks: whether it is the finest, in which the smallest faces are mere specks."""

    width: int
    height: int
    turns: tuple[int, ...]
    specks: bool = False


def plan_copies(width: int, height: int, look: Look) -> list[Copy]:
    """The copies in which a photo of this size is looked at, finest first."""
    finest, *coarser = sorted(_copies(width, height, look), key=lambda copy: -copy.width * copy.height)
    return [replace(finest, specks=True), *coarser]


def _copies(width: int, height: int, look: Look) -> list[Copy]:
    longest, pixels = max(width, height), width * height

    def copy(scale: float, turns: tuple[int, ...]) -> Copy:
        return Copy(max(1, round(width * scale)), max(1, round(height * scale)), turns)

    def with_pixels(long: int, short: int) -> float:
        """Scale of a copy with this longer side, or longer where the photo is a panorama, with as many pixels."""
        return min(1.0, max(long / longest, sqrt(long * short / pixels)))

    if longest <= SMALL:
        return [copy(SMALL / longest, _EVERY_TURN)]
    if look is Look.QUICK:
        scales = sorted({with_pixels(*size) for size in _QUICK}, reverse=True)
        turned = with_pixels(*_QUICK[1])
        return [copy(scale, _EVERY_TURN if scale == turned else _UPRIGHT) for scale in scales]
    finest = float(np.exp(np.interp(log(pixels / 1e6), np.log([*_FINEST]), np.log([*_FINEST.values()]))))
    finest *= min(1.0, max(_LONG_SIDE / longest, sqrt(_WHOLE_UP_TO / pixels)))
    coarsest = with_pixels(320, 240)
    turned = with_pixels(*_TURNED)
    copies = [copy(finest / _STEP**n, _UPRIGHT) for n in range(ceil(log(finest / coarsest) / log(_STEP)))]
    copies += [copy(turned, _EVERY_TURN[1:])] if turned > coarsest else []
    copies += [copy(coarsest, _EVERY_TURN)]
    return copies


class Pyramid:
    """A photo (uint8 RGB [H, W, 3]) and its copies in other sizes, each made from the next larger one."""

    def __init__(self, photo: NDArray[np.uint8]) -> None:
        self.height, self.width = photo.shape[:2]
        self._levels = [photo]  # largest first

    def copy(self, width: int, height: int) -> NDArray[np.uint8]:
        """The photo in this size: reduced by averaging, enlarged and reduced by little linearly."""
        import cv2

        place = sum(level.shape[1] >= width and level.shape[0] >= height for level in self._levels)
        larger: NDArray[np.uint8] = self._levels[max(0, place - 1)]
        if larger.shape[:2] == (height, width):
            return larger
        how = cv2.INTER_AREA if width < _MUCH_REDUCED * larger.shape[1] else cv2.INTER_LINEAR
        copy: NDArray[np.uint8] = np.asarray(cv2.resize(larger, (width, height), interpolation=how), np.uint8)
        if place:  # an enlarged one holds nothing that the photo does not
            self._levels.insert(place, copy)
        return copy

    def window(self, box: Box, turned: int, side: int) -> NDArray[np.uint8]:
        """The surroundings of a face of the photo, upright, in so many pixels each way, as `crop_face` cuts them; black
        beyond the photo. They come from the smallest copy that shows them in full, so that a large face costs no
        more than a small one."""
        needed = side / (SIDE * longer_side(box)) * self.width
        level = next((level for level in reversed(self._levels) if level.shape[1] >= needed), self._levels[0])
        there = scaled(box, level.shape[1] / self.width, level.shape[0] / self.height)
        return crop_face(level, there, turned, size=side, padding=Padding.BLACK)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a copy: its pixels, its place in the copy, and on which sides the copy goes on."""

    pixels: NDArray[np.uint8]
    left: int
    top: int
    goes_on: tuple[bool, bool, bool, bool]  # left, top, right, bottom


def parts(copy: NDArray[np.uint8]) -> Iterator[Part]:
    """A copy in parts of about equal size, as few as there can be."""
    height, width = copy.shape[:2]
    for (top, bottom), (left, right) in product(_ranges(height), _ranges(width)):
        yield Part(
            np.ascontiguousarray(copy[top:bottom, left:right]),
            left,
            top,
            (left > 0, top > 0, right < width, bottom < height),
        )


def _ranges(side: int) -> list[tuple[int, int]]:
    """Where the parts of a side of so many pixels begin and end."""
    if side <= PART:
        return [(0, side)]
    count = ceil((side - OVERLAP) / (PART - OVERLAP))
    length = ceil((side - OVERLAP) / count) + OVERLAP
    return [(start, min(start + length, side)) for start in range(0, side - OVERLAP, length - OVERLAP)]
