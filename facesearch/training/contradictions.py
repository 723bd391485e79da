"""How often a network contradicts itself: answers yes to two attributes that no face can have both of.

The pairs exclude each other by what the words mean (CelebA's `No_Beard` also denies goatee, mustache and sideburns),
and its labels nearly never hold both. AUX, which sees all forty scores, is meant to learn this; so it is counted before
and after it.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import BY_NAME
from facesearch.training.datasets.labels import UNKNOWN

Floats = NDArray[np.float64]

_HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")

PAIRS: tuple[tuple[str, str], ...] = (
    *(("No_Beard", other) for other in ("Goatee", "Mustache", "Sideburns")),
    *(("Bald", other) for other in ("Bangs", *_HAIR, "Straight_Hair", "Wavy_Hair")),
    *combinations(_HAIR, 2),
    ("Straight_Hair", "Wavy_Hair"),
    ("Bangs", "Receding_Hairline"),
)


@dataclass(frozen=True)
class Contradictions:
    """Shares of faces, 0..1, float64 [pairs]; nan where no face is labelled with both.

    answered: both probabilities are above .5. expected: mean product of the two, the share that a search for both would
    expect. labelled: the labels say both. any_answered, any_labelled: at least one pair.
    """

    answered: Floats
    expected: Floats
    labelled: Floats
    any_answered: float
    any_labelled: float


def contradictions(p: NDArray[np.floating], truth: NDArray[np.uint8]) -> Contradictions:
    """p: probabilities [N, 40]; truth: labels of 0, 1 and UNKNOWN [N, 40]. A pair is looked at where both labels are
    known."""
    one, other = ([BY_NAME[pair[side]].index for pair in PAIRS] for side in (0, 1))
    known = (truth[:, one] != UNKNOWN) & (truth[:, other] != UNKNOWN)
    said = (p[:, one] > 0.5) & (p[:, other] > 0.5) & known
    true = (truth[:, one] == 1) & (truth[:, other] == 1)
    judged = known.any(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        count = known.sum(axis=0)
        return Contradictions(
            answered=np.asarray(said.sum(axis=0) / count, np.float64),
            expected=np.asarray((p[:, one] * p[:, other] * known).sum(axis=0) / count, np.float64),
            labelled=np.asarray(true.sum(axis=0) / count, np.float64),
            any_answered=float(said.any(axis=1).sum() / judged.sum()),
            any_labelled=float(true.any(axis=1).sum() / judged.sum()),
        )


def in_words(pair: tuple[str, str]) -> str:
    """`No_Beard & Goatee`, as tables name it."""
    return " & ".join(pair)
