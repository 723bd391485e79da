"""A detector and a scorer that answer by rule, through the public protocols, and pictures that they understand.

A face is a square of saturated red; what its network sees is the colour of the dot in its middle.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from db.values.box import Box
from db.values.scoring_model import ScoringModel
from facesearch.attributes import NAMES
from facesearch.vision.detection import Detection

RED = (250, 10, 10)
DARK = 40
"""A ground on which the first version of `RedSquares` misses all faces but the leftmost."""

NAME = "red-squares"


def picture(*dots: tuple[int, int, int], size: tuple[int, int] = (200, 120), ground: int = 120) -> Image.Image:
    """A gray picture with one red face for each dot's colour, from left to right; at most three fit."""
    image = Image.new("RGB", size, (ground, ground, ground))
    for number, dot in enumerate(dots):
        left = 10 + 64 * number
        image.paste(RED, (left, 30, left + 48, 78))
        image.paste(dot, (left + 14, 44, left + 34, 64))
    return image


def save(path: Path, image: Image.Image, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


class RedSquares:
    """Finds red squares. Counts what it is shown, over all threads; fails on what `fails` names by width.

    rules: the version of its rules; 1 misses all but the leftmost face of a photo whose ground is dark.
    """

    def __init__(self, fails: dict[int, Exception] | None = None, *, rules: int = 1) -> None:
        self.name = NAME if rules == 1 else f"{NAME}/{rules}"
        self.rules = rules
        self.fails = fails or {}
        self.shown = 0
        self._guard = threading.Lock()

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        with self._guard:
            self.shown += len(images)
        return [self._one(image) for image in images]

    def _one(self, image: NDArray[np.uint8]) -> list[Detection]:
        if image.shape[1] in self.fails:
            raise self.fails[image.shape[1]]
        red = (image[..., 0] > 200) & (image[..., 1] < 60) & (image[..., 2] < 60)
        columns = np.flatnonzero(red.any(axis=0))
        found = []
        for part in np.split(columns, np.flatnonzero(np.diff(columns) > 4) + 1):
            if len(part):
                rows = np.flatnonzero(red[:, part[0] : part[-1] + 1].any(axis=1))
                box = Box(float(part[0]), float(rows[0]), float(len(part)), float(rows[-1] - rows[0] + 1))
                found.append(Detection(box, 0.95, np.zeros((5, 2), np.float32)))
        return found[:1] if self.rules == 1 and image[0, 0, 0] <= DARK else found


class DotColours:
    """Scores a crop by the mean colour of its middle: red, green and blue from -1 to 1, then 37 times 0.

    `sign` makes another network of it. Counts what it is shown; fails on crops whose middle is blue if asked to.
    """

    def __init__(self, sign: float = 1.0, fails_on_blue: Exception | None = None) -> None:
        self.sign = sign
        self.fails_on_blue = fails_on_blue
        self.shown = 0

    def score(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert crops.dtype == np.uint8 and crops.shape[1:] == (227, 227, 3)
        self.shown += len(crops)
        middle = crops[:, 108:119, 108:119].mean(axis=(1, 2)) / 127.5 - 1.0
        if self.fails_on_blue is not None and ((middle[:, 2] > 0.5) & (middle[:, 0] < 0)).any():
            raise self.fails_on_blue
        logits = np.zeros((len(crops), len(NAMES)), np.float32)
        logits[:, :3] = self.sign * middle
        return logits


def model(name: str = "first") -> ScoringModel:
    """The row of a network, by name."""
    import hashlib

    count = len(NAMES)
    return ScoringModel(
        digest=hashlib.sha256(name.encode()).hexdigest(),
        attributes=NAMES,
        calibration_scale=np.ones(count, np.float32),
        calibration_bias=np.zeros(count, np.float32),
        profile_mean=np.zeros(count, np.float32),
        profile_matrix=np.eye(count, dtype=np.float32),
        metadata={},
    )
