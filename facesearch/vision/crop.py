"""From a face's box to the network's input. Training, indexing and probes call the same function.

A square around the box is warped to 227 x 227: no alignment, as in the paper ("Architecture", "we do not perform any
alignment"), and with a margin, since hats, hair and neckties lie outside the face.
"""

from dataclasses import dataclass
from enum import IntEnum
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box

INPUT_SIZE = 227
"""Side of the network's input in pixels (the paper's 227 x 227)."""

SIDE = 1.9
"""Side of the square, as a multiple of the box's longer side."""


class Padding(IntEnum):
    """What stands where the square reaches beyond the picture (values: OpenCV's border types)."""

    BLACK = 0
    REPLICATE = 1
    REFLECT = 4


@dataclass(frozen=True, slots=True)
class Jitter:
    """How a training crop departs from the plain one; the default is the plain one.

    dx, dy: shift as a fraction of the square's side; scale: factor on the side; rotation: degrees; flip: mirrored.
    """

    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    rotation: float = 0.0
    flip: bool = False


_PLAIN = Jitter()


def crop_face(
    image: NDArray[np.uint8],
    box: Box,
    turned: int = 0,
    *,
    size: int = INPUT_SIZE,
    jitter: Jitter = _PLAIN,
    padding: Padding = Padding.REFLECT,
) -> NDArray[np.uint8]:
    """Cut one face out as uint8 RGB [size, size, 3].

    image: uint8 RGB [H, W, 3]. box: pixels of that image. turned: degrees clockwise (multiple of 90) by which the image
    must be turned for the face to stand upright (Detection.turned). The rest is training's; use leaves it alone.
    """
    import cv2

    image, box = region(image, box, margin=jitter.scale * SIDE * 1.5, size=size)
    side = SIDE * max(box.width, box.height) * jitter.scale
    # The square's axes in the picture: turning the picture clockwise by t shows upright what lies at angle -t in it.
    angle = radians(jitter.rotation - turned)
    across = np.array([cos(angle), sin(angle)])
    down = np.array([-sin(angle), cos(angle)])
    centre = np.array([box.x + box.width / 2, box.y + box.height / 2]) + side * (jitter.dx * across + jitter.dy * down)
    if jitter.flip:
        across = -across
    step = side / size
    # Pixel centres: output pixel i lies (i + .5 - size / 2) steps from the centre, input pixel j at j + .5.
    start = centre - step * (size - 1) / 2 * (across + down) - 0.5
    matrix = np.stack([step * across, step * down, start], axis=1)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, matrix, (size, size), flags=how, borderMode=int(padding)), np.uint8)


def region(
    image: NDArray[np.uint8], box: Box, *, margin: float, size: int = INPUT_SIZE
) -> tuple[NDArray[np.uint8], Box]:
    """The part of the image that a crop can show, and the box in it; reduced when it is much finer than the crop.

    margin: side of the part, as a multiple of the box's longer side. Averaging (INTER_AREA) before the linear warp
    keeps large faces free of aliasing. What lies outside the image is left to the crop's padding.
    """
    import cv2

    height, width = image.shape[:2]
    longer = max(box.width, box.height)
    cx, cy, half = box.x + box.width / 2, box.y + box.height / 2, longer * margin / 2
    left, top = max(0, int(cx - half)), max(0, int(cy - half))
    right, bottom = min(width, int(cx + half) + 1), min(height, int(cy + half) + 1)
    # A box beyond the picture's edge (detectors give such) still needs one pixel to pad from.
    left, top = min(left, width - 1), min(top, height - 1)
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    box = Box(box.x - left, box.y - top, box.width, box.height)
    finer = SIDE * longer / size
    if finer <= 1.5:
        return part, box
    to = max(1, round(part.shape[1] / finer)), max(1, round(part.shape[0] / finer))
    fx, fy = to[0] / part.shape[1], to[1] / part.shape[0]
    reduced = np.asarray(cv2.resize(part, to, interpolation=cv2.INTER_AREA), np.uint8)
    return reduced, Box(box.x * fx, box.y * fy, box.width * fx, box.height * fy)
