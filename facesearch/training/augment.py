"""How training faces differ from the plain crop: moved, scaled and turned as detectors and people do, and photographed
worse than celebrities are (low resolution, JPEG, colour casts, something in front).

Shift, scale and rotation instead of alignment: Gunther, Rozsa & Boult, "AFFACT", IJCB 2017.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box
from facesearch.training.degrade import degraded_crop, drawn_degradation
from facesearch.vision.crop import INPUT_SIZE, Jitter, Padding, crop_face


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Strengths; 0 switches one off. Probabilities end in _p.

    shift: largest shift, fraction of the square's side. scale: largest |ln factor|. rotation: largest angle, degrees.
    random_padding: draw what stands beyond the picture's edge, instead of the reflection that is used everywhere else.
    colour: largest relative change of brightness, contrast, saturation; a third of it for each channel alone.
    degraded_p: as a bad camera would show it (facesearch/training/degrade.py), instead of low_resolution_p and jpeg_p.
    """

    shift: float = 0.06
    scale: float = 0.15
    rotation: float = 12.0
    flip_p: float = 0.5
    random_padding: bool = True
    colour: float = 0.2
    low_resolution_p: float = 0.1
    jpeg_p: float = 0.1
    occlusion_p: float = 0.1
    degraded_p: float = 0.0

    @property
    def of_fixed_views(self) -> tuple[float, ...]:
        """What decides how a fixed view looks, and no more: what is worsened after it is not asked for anew."""
        return self.shift, self.scale, self.rotation, self.flip_p, float(self.random_padding), self.colour

    @property
    def reach(self) -> float:
        """How wide the square is that holds every crop, as a multiple of the plain crop's side."""
        turned = math.radians(min(self.rotation, 45.0))
        return math.exp(self.scale) * (math.cos(turned) + math.sin(turned)) + 2 * self.shift


_PADDINGS = (Padding.REFLECT, Padding.REFLECT, Padding.REPLICATE, Padding.BLACK)
_FIXED = 4  # keeps the draws of fixed views apart from those of training steps
_LUMA = np.array([0.299, 0.587, 0.114])


def augmented_crop(
    image: NDArray[np.uint8], box: Box, turned: int, size: int, a: Augmentation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """One training crop, uint8 RGB [size, size, 3]; arguments as crop_face's. All randomness comes from rng."""
    return worsened(moved_crop(image, box, turned, size, a, rng), a, rng)


def moved_crop(
    image: NDArray[np.uint8], box: Box, turned: int, size: int, a: Augmentation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The face as another detector, head or lamp would give it: moved, scaled, turned, mirrored, recoloured."""
    jitter = Jitter(
        dx=rng.uniform(-a.shift, a.shift),
        dy=rng.uniform(-a.shift, a.shift),
        scale=float(np.exp(rng.uniform(-a.scale, a.scale))),
        rotation=rng.uniform(-a.rotation, a.rotation),
        flip=bool(rng.random() < a.flip_p),
    )
    padding = _PADDINGS[rng.integers(len(_PADDINGS))] if a.random_padding else Padding.REFLECT
    crop = crop_face(image, box, turned, size=size, jitter=jitter, padding=padding)
    return _recolour(crop, a.colour, rng) if a.colour else crop


def fixed_view(
    image: NDArray[np.uint8], box: Box, turned: int, size: int, a: Augmentation, face: int, number: int
) -> NDArray[np.uint8]:
    """`moved_crop` number `number` of the face `face`: the same picture whenever it is asked for, in any size.

    It is cut at INPUT_SIZE and reduced, so that two networks of different input see the same.
    """
    import cv2

    crop = moved_crop(image, box, turned, INPUT_SIZE, a, np.random.default_rng((_FIXED, face, number)))
    if size == INPUT_SIZE:
        return crop
    return np.asarray(cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def worsened(crop: NDArray[np.uint8], a: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The crop as a worse camera would show it: now and then coarse, compressed, partly covered."""
    if a.degraded_p and rng.random() < a.degraded_p:
        crop = degraded_crop(crop, drawn_degradation(rng), rng)
    else:
        if rng.random() < a.low_resolution_p:
            crop = _coarsen(crop, rng)
        if rng.random() < a.jpeg_p:
            crop = _compress(crop, rng)
    if rng.random() < a.occlusion_p:
        crop = _occlude(crop, rng)
    return crop


def _recolour(crop: NDArray[np.uint8], strength: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Brightness, contrast, saturation and a colour cast as one affine map of the pixel, which OpenCV saturates."""
    import cv2

    brightness, contrast, saturation = rng.uniform(-strength, strength, 3)
    cast = 1 + rng.uniform(-strength / 3, strength / 3, 3)
    mix = (1 + saturation) * np.eye(3) - saturation * _LUMA[None, :]
    mix = (1 + contrast) * cast[:, None] * mix
    offset = np.full((3, 1), -contrast * 120 + brightness * 120)
    return np.asarray(cv2.transform(crop, np.hstack([mix, offset])), np.uint8)


def _coarsen(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """As a camera far away would see it: reduced and enlarged again."""
    import cv2

    size = crop.shape[0]
    small = int(size * np.exp(rng.uniform(np.log(0.2), np.log(0.6))))
    reduced = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
    how = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[rng.integers(2)]
    return np.asarray(cv2.resize(reduced, (size, size), interpolation=how), np.uint8)


def _compress(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    import cv2

    _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _occlude(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A plain rectangle somewhere in front of the picture."""
    size = crop.shape[0]
    height, width = (rng.uniform(0.1, 0.3, 2) * size).astype(int)
    top, left = rng.integers(0, size - height), rng.integers(0, size - width)
    crop = crop.copy()
    crop[top : top + height, left : left + width] = rng.integers(0, 256, 3)
    return crop
