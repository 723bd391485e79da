"""How far a mean would move with other people: percentile bootstrap over persons (Efron & Tibshirani 1993, ch. 13).

Faces of one person are alike, so that drawing single faces would promise too much.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facesearch.training.datasets.labels import UNKNOWN
from facesearch.training.metrics import Floats, weighted_average_precision

DRAWS = 500
_BLOCK = 100  # draws at a time: their weights take some MB
_LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """95 % of the draws lie in it."""

    low: float
    high: float


def draw_people(people: NDArray[np.int64], draws: int = DRAWS, seed: int = 0) -> NDArray[np.float32]:
    """How often each face counts in each draw, float32 [draws, N]: as many persons as there are, with replacement."""
    known, at = np.unique(people, return_inverse=True)
    times = np.random.default_rng(seed).multinomial(len(known), np.full(len(known), 1 / len(known)), size=draws)
    return np.asarray(times[:, at], np.float32)


def accuracies(said: NDArray[np.bool_], labels: NDArray[np.uint8], weights: NDArray[np.float32]) -> Floats:
    """Mean accuracy over the attributes in each draw, [D]."""
    known = labels != UNKNOWN
    right = (said == (labels == 1)) & known
    if known.all():
        return np.asarray(weights @ right.mean(axis=1) / weights.sum(axis=1), np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = (weights @ right.astype(np.float32)) / (weights @ known.astype(np.float32))
    has = ~np.isnan(each)
    return np.asarray(np.where(has, each, 0.0).sum(axis=1) / has.sum(axis=1), np.float64)


def average_precisions(scores: NDArray[np.floating], labels: NDArray[np.uint8], weights: NDArray[np.float32]) -> Floats:
    """Mean average precision over the attributes that have positives in a draw, [D]."""
    blocks = []
    for start in range(0, len(weights), _BLOCK):
        block = weights[start : start + _BLOCK]
        each = [weighted_average_precision(scores[:, a], labels[:, a], block) for a in range(labels.shape[1])]
        table = np.stack(each)
        has = ~np.isnan(table)
        with np.errstate(invalid="ignore", divide="ignore"):
            blocks.append(np.where(has, table, 0.0).sum(axis=0) / has.sum(axis=0))
    return np.concatenate(blocks)


def interval(draws: Floats) -> Interval | None:
    """The middle 95 % of what was drawn; None where nothing could be measured."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(float(low), float(high))
