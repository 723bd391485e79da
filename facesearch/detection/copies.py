"""In which sizes a photo is looked at for faces of every size, and those copies, part by part.

YuNet gives a face a score that stands out from 20 to 300 pixels in the picture that it is given.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil, log, sqrt

import numpy as np
from numpy.typing import NDArray

from facesearch.detection.detector import Look

SMALL = 320
"""A photo whose longer side has up to so many pixels is enlarged to that, and looked at in this one size."""

_UPRIGHT = (0,)
_EVERY_TURN = (0, 90, 180, 270)

_ENLARGED_UP_TO = 2_000_000  # pixels of a photo that are few enough to enlarge it for faces of 16 pixels
_ENLARGED_BY = 1.25
_WHOLE_UP_TO = 24_000_000  # pixels of a photo that is looked at in full size
_LONG_SIDE = 6000  # of larger ones, so that faces from 1/250 of it have 24 pixels
_STEP = 4.4  # from one copy to the next, at most: a face of 90 pixels in one has 20 in the next
_TURNED_PIXELS = 768 * 576  # of the copy that is looked at turned: faces from 1/30 of its longer side have 25 pixels
_QUICK = ((1280, 960), (640, 480), (320, 240))

PART = 1536
"""Longest side of a part of a copy that is looked at in one go, so that a thread needs some 100 MB."""

OVERLAP = 128
"""Pixels that neighbouring parts share: more than a face has that no coarser copy shows well."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a photo to be looked at. width, height: in pixels; turns: degrees by which it is turned clockwise."""

    width: int
    height: int
    turns: tuple[int, ...]


def plan_copies(width: int, height: int, look: Look) -> list[Copy]:
    """The copies in which a photo of this size is looked at, finest first."""
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
    if pixels <= _ENLARGED_UP_TO:
        finest = _ENLARGED_BY
    else:
        finest = min(1.0, max(_LONG_SIDE / longest, sqrt(_WHOLE_UP_TO / pixels)))
    coarsest = with_pixels(320, 240)
    steps = max(1, ceil(log(finest / coarsest) / log(_STEP)))
    upright = [finest * (coarsest / finest) ** (n / steps) for n in range(steps + 1)]
    turned = min(finest, sqrt(_TURNED_PIXELS / pixels))
    copies = [copy(scale, _UPRIGHT) for scale in upright[:-1]]
    copies += [copy(turned, _EVERY_TURN[1:])] if turned > coarsest else []
    copies += [copy(coarsest, _EVERY_TURN)]
    return sorted(copies, key=lambda each: -each.width * each.height)


def resized(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The picture [H, W, 3] in another size: reduced by averaging, enlarged linearly."""
    import cv2

    if image.shape[:2] == (height, width):
        return image
    smaller = width * height < image.shape[0] * image.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)


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
    count = max(1, ceil((side - OVERLAP) / (PART - OVERLAP)))
    length = ceil((side - OVERLAP) / count) + OVERLAP
    return [(start, min(start + length, side)) for start in range(0, max(1, side - OVERLAP), length - OVERLAP)][:count]
