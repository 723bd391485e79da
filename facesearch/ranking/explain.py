"""Why a face was found: each thing that was asked for, with the probability that it holds as asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facesearch.query import Asked


@dataclass(frozen=True)
class AskedProbability:
    """`probability` that the words of `asked` are true of the face: of "not bald", 1 - P(Bald)."""

    asked: Asked
    probability: float

    def __str__(self) -> str:
        return f"{self.asked.words} {self.probability * 100:.0f} %"


def explain(asked: Sequence[Asked], probabilities: NDArray[np.floating]) -> tuple[AskedProbability, ...]:
    """One per thing asked for, in that order. `probabilities`: [40], calibrated, of the face's attributes."""
    held = ((one, float(probabilities[one.attribute.index])) for one in asked)
    return tuple(AskedProbability(one, p if one.wanted else 1.0 - p) for one, p in held)
