"""A closer look at one place of a photo: cut out, turned and resized so that the face has the size in which YuNet is
surest and its box is the one that the scoring network has learnt from."""

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box
from facesearch.vision.crop import SIDE
from facesearch.vision.detection.copies import Pyramid
from facesearch.vision.detection.detector import Detection
from facesearch.vision.detection.geometry import iou
from facesearch.vision.detection.yunet import Network

GLANCE = 160
"""Side of the window for a first, cheap look at a place, in pixels: a face has about 85."""

FULL = 320
"""Side of the window for the look that a face's box and score come from: a face has about 170 pixels, as it has in the
pictures of 320 pixels that training looks at."""

FULLER = 384
"""Side of the window for one more look: the mean of two boxes from different grids errs by less than either."""

_SEEN_FROM = 0.3
_SAME_FACE = 0.3  # least overlap of what is found with what was to be looked at
_BRIGHT = 220.0  # to which the brightest parts of a dark window are brightened
_DARK = 110.0  # brightness of the brightest parts below which a window is dark
_MAX_GAIN = 12.0
_SHADOW = 48  # brightness below which a part of a picture is dark
_SHADOW_SHARE = 0.04  # of a picture that must be so
_SAMPLES = 24  # along each side of a picture, for its brightness


def look_closer(network: Network, photo: Pyramid, place: Detection, side: int) -> Detection | None:
    """The face at this place of the photo, turned as it says, if it is seen in a window of so many pixels. Its score,
    box and landmarks are those of this look, in pixels of the photo."""
    window = photo.window(place.box, place.turned, side)
    margin = side // 4  # a face before a bright window is dark, and its surroundings are not
    gain = gain_for(window[margin:-margin, margin:-margin])
    found = network.detect(window, _SEEN_FROM, gain)
    expected = _centred(place, side)
    same: list[Detection] = [d for d in found if iou(d.box, expected) >= _SAME_FACE]
    return _in_photo(same[0], place, side) if same else None


def gain_for(picture: NDArray[np.uint8]) -> float:
    """By how much a picture [H, W, 3] is to be brightened for the detector, which was trained on well-lit ones."""
    return _gain(_brightness(picture))


def gain_for_shadows(picture: NDArray[np.uint8]) -> float:
    """By how much a picture [H, W, 3] is to be brightened for faces in its dark parts, before a window or a flame; 1
    where too little of it is dark."""
    brightness = _brightness(picture)
    dark = brightness[brightness < _SHADOW]
    return _gain(dark) if len(dark) >= _SHADOW_SHARE * len(brightness) else 1.0


def _brightness(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Brightness of some hundred pixels, in order."""
    height, width = picture.shape[:2]
    sample = picture[:: max(1, height // _SAMPLES), :: max(1, width // _SAMPLES)]
    return np.sort(sample.max(axis=2), axis=None)


def _gain(brightness: NDArray[np.uint8]) -> float:
    brightest = float(brightness[len(brightness) * 49 // 50])
    return min(_MAX_GAIN, _BRIGHT / max(brightest, 1.0)) if brightest < _DARK else 1.0


def _centred(place: Detection, side: int) -> Box:
    """The place's box in its window."""
    longer = max(place.box.width, place.box.height)
    width, height = place.box.width * side / (SIDE * longer), place.box.height * side / (SIDE * longer)
    if place.turned in (90, 270):
        width, height = height, width
    return Box((side - width) / 2, (side - height) / 2, width, height)


def _in_photo(d: Detection, place: Detection, side: int) -> Detection:
    """A face found in the window on a place, in pixels of the photo."""
    step = SIDE * max(place.box.width, place.box.height) / side
    # Directions of the window's axes in the photo: turning the photo clockwise shows upright what lies the other way.
    across = np.array({0: (1, 0), 90: (0, -1), 180: (-1, 0), 270: (0, 1)}[place.turned], np.float64)
    down = np.array((-across[1], across[0]))
    centre = np.array((place.box.x + place.box.width / 2, place.box.y + place.box.height / 2))

    def to_photo(points: NDArray[np.floating]) -> NDArray[np.float64]:
        off = (points - side / 2) * step
        return np.asarray(centre + off[..., :1] * across + off[..., 1:] * down, np.float64)

    corners = to_photo(np.array([(d.box.x, d.box.y), (d.box.x + d.box.width, d.box.y + d.box.height)]))
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    box = Box(float(left), float(top), float(right - left), float(bottom - top))
    return Detection(box, d.score, to_photo(d.landmarks).astype(np.float32), place.turned)
