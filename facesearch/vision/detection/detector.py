"""What a detector is and gives: faces with their boxes and scores, and a name that is kept with every photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box
from facesearch.errors import FacesearchError

STORE_FROM = 0.6
"""Detection score from which a face is kept: below it, most boxes are no faces."""

SEARCH_FROM = 0.8
"""Detection score from which a face is searched unless the user says otherwise.

Between the two lie tilted and half hidden faces, but also most of the false boxes."""

RULES = 4
"""Version of the rules by which a photo is looked at, part of every detector's name. 1: until these names held it."""


class Look(StrEnum):
    """How thoroughly photos are looked at."""

    DEFAULT = "default"
    QUICK = "quick"


_QUICK = f" {Look.QUICK}"


class DetectorError(FacesearchError, kinds=("detector", "detector file", "no detector")):
    """The detector's model file cannot be used, or it failed on a picture."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One face.

    box: in pixels of the picture given. score: 0..1. landmarks: float32 [5, 2], x and y in the same pixels, of right
    eye, left eye, nose tip, right and left corner of the mouth (the person's right). turned: by how many degrees
    clockwise the picture was turned (0, 90, 180, 270) when the face was found upright in it.
    """

    box: Box
    score: float
    landmarks: NDArray[np.float32]
    turned: int = 0


class Detector(Protocol):
    """Anything that finds faces in pictures."""

    @property
    def name(self) -> str:
        """Which detector and model this is, kept with every photo that it has looked at."""
        ...

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """For each picture (uint8 RGB [H, W, 3]) its faces from STORE_FROM on, left to right."""
        ...


def detector_name(model_sha256: str, look: Look = Look.DEFAULT, rules: int = RULES) -> str:
    """What is kept with every photo that a YuNet file, of this hexadecimal SHA-256, has looked at by these rules."""
    return f"yunet-{model_sha256[:12]}/{rules}" + (_QUICK if look is Look.QUICK else "")


def is_outdated(name: str, current: str) -> bool:
    """Whether the detector `current` could find more than the one called `name`, which has looked at a photo.

    It could if it is another model, follows newer rules, or looks as thoroughly where the other looked quickly.
    """
    model, rules = _model_and_rules(name)
    current_model, current_rules = _model_and_rules(current)
    if model != current_model:
        return True
    if is_quick(current) and not is_quick(name):
        return False
    return rules < current_rules or (rules == current_rules and is_quick(name) and not is_quick(current))


def is_quick(name: str) -> bool:
    """Whether the detector of this name has looked quickly."""
    return name.endswith(_QUICK)


def _model_and_rules(name: str) -> tuple[str, int]:
    model, _, rules = name.removesuffix(_QUICK).partition("/")
    return model, int(rules) if rules.isdecimal() else 1
