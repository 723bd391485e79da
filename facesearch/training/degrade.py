"""Faces as worse cameras show them: small, blurred, moving, dark, noisy, compressed, and all of it at once.

What follows each other here follows each other in a camera: light falls, the lens blurs and the face moves, the sensor
samples, its amplifier adds noise, the recorder compresses. Faces are measured by the longer side of the detector's box,
in pixels. All randomness comes from the generator that is given, so that a seed gives the same picture again.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box
from facesearch.vision.crop import SIDE

Image = NDArray[np.uint8]

_GAMMA = 2.2  # from what a picture stores to light, near enough to sRGB


@dataclass(frozen=True, slots=True)
class Degradation:
    """How a picture is made worse; the default leaves it as it is.

    light: share of the light that is left, above 0 to 1. blur: standard deviation of the lens's Gaussian, as a share of
    the face's longer side. motion: how far the face moves while the shutter is open, likewise, in a random direction.
    size: longer side of the face in pixels; a smaller face stays as it is. noise: standard deviation of what the
    amplifier adds to each pixel and channel, in levels of 0 to 255. jpeg: quality, 1 to 100.
    """

    light: float = 1.0
    blur: float = 0.0
    motion: float = 0.0
    size: float | None = None
    noise: float = 0.0
    jpeg: int | None = None


def cctv(size: float) -> Degradation:
    """An indoor surveillance camera at night, as a face of so many pixels shows in it: two fifths of the light, a lens
    a little out of focus, noise, and hard compression, since what is recorded must be stored for weeks."""
    return Degradation(light=0.4, blur=0.8 / size, size=size, noise=8.0, jpeg=30)


def drawn_degradation(rng: np.random.Generator) -> Degradation:
    """One of the many ways in which a picture can be bad, for training: always fewer pixels (14 to 110, small ones as
    often as large ones on a logarithmic scale), and each of the others with half a chance."""
    size = float(np.exp(rng.uniform(np.log(14), np.log(110))))
    has = rng.random(5) < 0.5
    return Degradation(
        light=float(np.exp(rng.uniform(np.log(0.08), 0))) if has[0] else 1.0,
        blur=rng.uniform(0.2, 1.2) / size if has[1] else 0.0,
        motion=rng.uniform(1, 4) / size if has[2] and rng.random() < 0.4 else 0.0,
        size=size,
        noise=rng.uniform(2, 16) if has[3] else 0.0,
        jpeg=int(rng.integers(15, 80)) if has[4] else None,
    )


def degraded(image: Image, box: Box, how: Degradation, rng: np.random.Generator) -> tuple[Image, Box]:
    """The picture made worse, uint8 RGB [h, w, 3], and the face's box in it: smaller where `size` says so."""
    longer = max(box.width, box.height)
    if how.light < 1:
        image = _darkened(image, how.light)
    if how.motion * longer >= 1:
        image = _moved(image, how.motion * longer, rng)
    if how.blur * longer > 0:
        image = _blurred(image, how.blur * longer)
    if how.size is not None and how.size < longer:
        image, box = _sampled(image, box, how.size / longer)
    if how.noise:
        image = _noisy(image, how.noise, rng)
    return (image if how.jpeg is None else _compressed(image, how.jpeg)), box


def degraded_crop(crop: Image, how: Degradation, rng: np.random.Generator) -> Image:
    """A crop of crop_face, uint8 RGB [S, S, 3], as it would have been cut from the worse picture."""
    import cv2

    side = len(crop)
    face = side / SIDE
    box = Box((side - face) / 2, (side - face) / 2, face, face)
    worse, _ = degraded(crop, box, how if how.size is None else replace(how, size=min(how.size, face)), rng)
    return worse if len(worse) == side else np.asarray(cv2.resize(worse, (side, side)), np.uint8)


def _darkened(image: Image, light: float) -> Image:
    """Less light, and as many levels to store it in: the dark ones run together."""
    levels = 255 * light ** (1 / _GAMMA) * np.arange(256) / 255
    return np.asarray(levels.round().astype(np.uint8)[image], np.uint8)


def _moved(image: Image, length: float, rng: np.random.Generator) -> Image:
    """length: in pixels."""
    import cv2

    reach = int(np.ceil(length / 2))
    angle = rng.uniform(0, np.pi)
    end = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for at in np.linspace(-1, 1, 4 * reach + 1):  # spread over the four pixels around each point of the way
        x, y = reach + at * end
        left, top = int(np.floor(x)), int(np.floor(y))
        for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
            weight = (1 - abs(x - left - dx)) * (1 - abs(y - top - dy))
            if weight > 0:
                kernel[top + dy, left + dx] += weight
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _blurred(image: Image, sigma: float) -> Image:
    """sigma: in pixels."""
    import cv2

    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def _sampled(image: Image, box: Box, factor: float) -> tuple[Image, Box]:
    """Fewer pixels: each is the mean of those that it covers."""
    import cv2

    height, width = image.shape[:2]
    to = max(1, round(width * factor)), max(1, round(height * factor))
    fx, fy = to[0] / width, to[1] / height
    small = np.asarray(cv2.resize(image, to, interpolation=cv2.INTER_AREA), np.uint8)
    return small, Box(box.x * fx, box.y * fy, box.width * fx, box.height * fy)


def _noisy(image: Image, sigma: float, rng: np.random.Generator) -> Image:
    noise = rng.standard_normal(image.shape, np.float32) * sigma
    return np.asarray((image + noise).round().clip(0, 255), np.uint8)


def _compressed(image: Image, quality: int) -> Image:
    import cv2

    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
