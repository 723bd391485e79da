"""What a detector is and gives: faces with their boxes and scores, and a name that is kept with every photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from db.schema import Box
from facesearch.errors import FacesearchError

STORE_FROM = 0.6
"""Detection score from which a face is kept: below it, most boxes are no faces."""

SEARCH_FROM = 0.8
"""Detection score from which a face is searched unless the user says otherwise.

Between the two lie tilted and half hidden faces, but also most of the false boxes."""

RULES = 2
"""Version of the rules by which a photo is looked at, part of every detector's name. 1: until these names held it."""


class Look(StrEnum):
    """How thoroughly photos are looked at."""

    DEFAULT = "default"
    QUICK = "quick"


class DetectorError(FacesearchError):
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
    return f"yunet-{model_sha256[:12]}/{rules}" + ("" if look is Look.DEFAULT else f" {look}")


def is_outdated(name: str, current: str) -> bool:
    """Whether the detector `current` could find more than the one called `name`, which has looked at a photo.

    It could if it is another model, follows newer rules, or looks as thoroughly where the other looked quickly.
    """
    model, rules, look = _parts(name)
    current_model, current_rules, current_look = _parts(current)
    if model != current_model:
        return True
    return current_look <= look and (rules, -look) < (current_rules, -current_look)


def _parts(name: str) -> tuple[str, int, int]:
    """Model, version of the rules, and 0 for the default look or 1 for the quick one."""
    name, _, look = name.partition(" ") if name.endswith(f" {Look.QUICK}") else (name, "", "")
    model, _, rules = name.partition("/")
    return model, int(rules) if rules.isdecimal() else 1, int(bool(look))
