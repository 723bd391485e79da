"""How far a network's answers can be relied on: a grade for each attribute, and the size below which a face is small.

**Grade.** Of the held-out faces on which AUX was fitted, each seen through an AUX without its person, never the test
faces: average precision as the share of the way from guessing (the share of positives) to perfect,
(AP - positives) / (1 - positives). A from .85, B from .65, C from .40, D below. What a network learns from bounds what
its agreement with it is worth, so attributes whose labels are known to be poor have a best grade (Wu et al.,
"Consistency and Accuracy of CelebA Attribute Values", CVPR workshops 2023, arXiv 2210.07356: two annotators agree to
95 % on only 12 of the 40).

**Size.** See `smallest_reliable`; measured on faces that were made smaller.

Both stand in the checkpoint's metadata, so that a search knows them without opening a network.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from db.values.scoring_model import ScoringModel
from facesearch.attributes import NAMES
from facesearch.errors import Notice

if TYPE_CHECKING:
    from facesearch.query import Asked

MEANINGS: Mapping[str, str] = {
    "A": "reliable: wrong now and then",
    "B": "usually right: look twice",
    "C": "weak: often wrong, good only beside other words",
    "D": "not to be relied on: not much better than guessing, or a matter of taste",
}
"""What the grades say, best first."""

UNGRADED = "-"
"""How a missing grade is shown."""

_FROM = {"A": 0.85, "B": 0.65, "C": 0.40}

_BEST_POSSIBLE = {
    "High_Cheekbones": "D",  # two annotators agree no more often than by chance, likewise the next two
    "Oval_Face": "D",
    "Pointy_Nose": "D",
    "Mouth_Slightly_Open": "B",  # a fifth of those labelled so do not have it
    "No_Beard": "B",  # up to two fifths of those labelled as bearded are not
}

RULE = (
    "The grade is how far the network has come from guessing to perfect, by average precision on faces held out of "
    f"training: {', '.join(f'{grade} from {100 * least:.0f} %' for grade, least in _FROM.items())}. Where people who "
    "label a photo often disagree, no grade is better than what they agree on: "
    f"{', '.join(f'{name} {grade}' for name, grade in _BEST_POSSIBLE.items())}."
)
"""How grades are given, for the user."""

SIZES = (24, 32, 48, 64)
"""Longer sides of the face box, in pixels, at which a network is tried."""

MOST_LOST, MOST_CALIBRATION_ERROR = 0.005, 2.0
"""What a size may cost: mean accuracy, as a fraction, and the factor on the mean calibration error. Half a point is a
twentieth of what the network knows beyond the commoner answer, and small faces in real photos are blurred as well."""

SMALLEST_FACE = 48
"""The limit for a network that was not tried: what the first one's test faces gave."""

_BLURRY, _BLURRED_FROM = NAMES.index("Blurry"), 0.15
"""The label is seldom given, so on bad pictures its probability rises without reaching one half (docs/degraded.md)."""


def graded(average_precision: NDArray[np.float64], positives: NDArray[np.float64]) -> dict[str, str]:
    """The grade of each attribute by name, for the metadata. Both [40], fractions 0..1, of held-out faces; an attribute
    whose average precision is no number (nobody had it) is left out."""
    known = zip(NAMES, average_precision.tolist(), positives.tolist(), strict=True)
    return {name: _grade(name, ap, share) for name, ap, share in known if np.isfinite(ap)}


def _grade(name: str, average_precision: float, positives: float) -> str:
    reached = (average_precision - positives) / (1 - positives) if positives < 1 else 0.0
    earned = next((grade for grade, least in _FROM.items() if reached >= least), "D")
    return max(earned, _BEST_POSSIBLE.get(name, "A"))


def grades(model: ScoringModel) -> tuple[str | None, ...]:
    """The grade of each of the model's attributes, A to D; None where its checkpoint gives none."""
    stored = model.metadata.get("grades")
    by_name: Mapping[str, Any] = stored if isinstance(stored, dict) else {}
    return tuple(grade if (grade := by_name.get(name)) in MEANINGS else None for name in model.attributes)


def untaught(asked: "Iterable[Asked]", model: ScoringModel) -> Iterator[Notice]:
    """That an attribute is asked for that no training image was labelled with: every face has it with one and
    the same probability."""
    stored = model.metadata.get("untaught")
    unknown = frozenset(stored) if isinstance(stored, list) else frozenset()
    if words := dict.fromkeys(each.words for each in asked if each.attribute.name in unknown):
        yield Notice("untaught", {"words": list(words)})


def smallest_reliable(whole: tuple[float, float], by_size: Mapping[int, tuple[float, float]]) -> int | None:
    """The smallest size from which on accuracy and calibration hold: at it and at every larger one that was tried, mean
    accuracy is at most half a point below that of the faces as they are, mean calibration error at most twice theirs.

    whole: accuracy (fraction) and calibration error of the faces as they are; by_size: the same by longer side in
    pixels. None when even the largest size tried costs more.
    """
    smallest = None
    for size in sorted(by_size, reverse=True):
        accuracy, error = by_size[size]
        if whole[0] - accuracy > MOST_LOST or error > MOST_CALIBRATION_ERROR * whole[1]:
            break
        smallest = size
    return smallest


class Hard(StrEnum):
    """Why a face is hard to judge: it has few pixels, or is blurred. On such pictures what is not seen seems not to be
    there (docs/degraded.md)."""

    SMALL = "small"
    BLURRED = "blurred"


def hard_to_judge(size: float, probabilities: NDArray[np.floating], model: ScoringModel) -> tuple[Hard, ...]:
    """Why the model's answers about a face say less than they seem to; () where they do not.

    size: longer side of its box in pixels; probabilities: float [40], calibrated.
    """
    small = (Hard.SMALL,) if size < smallest_face(model) else ()
    return (*small, Hard.BLURRED) if probabilities[_BLURRY] > _BLURRED_FROM else small


def smallest_face(model: ScoringModel) -> int:
    """Longer side of the face box in pixels below which the model's answers about a face are not to be relied on."""
    stored = model.metadata.get("smallest_face")
    return stored if isinstance(stored, int) and stored > 0 else SMALLEST_FACE
