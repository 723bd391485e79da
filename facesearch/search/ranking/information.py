"""How much the answer to a yes-or-no question tells about which face is the sought one.

Mutual information: the expected fall of the entropy of the faces' weights (Lindley, Annals of Mathematical Statistics
27, 1956, on choosing experiments).
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FOREGONE = 0.03
"""A share of the candidates that is passed over: see `is_foregone`."""

SAMPLE = 1 << 16
"""So many draws stand for the candidates where there are more of them: what the choice of a question is computed on."""


def information(weights: NDArray[np.floating], yes: NDArray[np.floating]) -> NDArray[np.floating]:
    """[..., A] bits: the mutual information between who is sought and the answer, for each of A questions.

    weights: [..., n], each row with sum 1, how likely each face is sought. yes: [A, n], how likely the answer is yes if
    it is that face.
    """
    known: NDArray[np.floating] = _entropy(weights @ yes.T) - weights @ _entropy(yes).T
    return known


def is_foregone(weights: NDArray[np.floating], probabilities: NDArray[np.floating]) -> NDArray[np.bool_]:
    """bool [..., A]: whether it is as good as known what holds of who is sought, for each of A attributes.

    weights: [..., n], each row with sum 1, or all 0. probabilities: [A, n], that the attribute holds of each face.
    """
    share = weights @ probabilities.T
    any_left = weights.sum(axis=-1, keepdims=True) > 0
    foregone: NDArray[np.bool_] = any_left & ((share < FOREGONE) | (share > 1 - FOREGONE))
    return foregone


def passed_over(bits: NDArray[np.floating], foregone: NDArray[np.bool_]) -> NDArray[np.floating]:
    """bits [..., A], -inf for questions that were asked, now also for foregone ones unless nothing else is left."""
    others = np.where(foregone, -np.inf, bits)
    return np.where(np.isneginf(others).all(axis=-1, keepdims=True), bits, others)


def _entropy(p: NDArray[np.floating]) -> NDArray[np.floating]:
    """Of a yes that has probability p, in bits."""
    least = np.finfo(p.dtype).tiny  # 0 log 0 is 0
    nats = p * np.log(np.maximum(p, least)) + (1 - p) * np.log(np.maximum(1 - p, least))
    return np.asarray(nats / -math.log(2), p.dtype)


def effective_number(weights: Floats) -> float:
    """e to the entropy of weights with sum 1: N when N are equal and all others 0; 0 when all are 0."""
    positive = weights[weights > 0]
    return math.exp(-float(positive @ np.log(positive))) if len(positive) else 0.0


def representatives(weights: Floats) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Faces that stand for all: int64 [n] rows with positive weights, and float32 [n] weights with sum 1.

    All of them where they are SAMPLE at most. Otherwise SAMPLE draws by weight, one from each of so many equal shares
    of the total (stratified sampling), the same for the same weights; a face drawn several times counts so often.
    """
    rows = np.flatnonzero(weights)
    if len(rows) <= SAMPLE:
        return rows, weights[rows].astype(np.float32)
    reached = np.cumsum(weights[rows])
    places = (np.arange(SAMPLE) + np.random.default_rng(0).random(SAMPLE)) * (reached[-1] / SAMPLE)
    drawn = np.minimum(np.searchsorted(reached, places, side="right"), len(rows) - 1)
    once, times = np.unique(drawn, return_counts=True)
    return rows[once], (times / SAMPLE).astype(np.float32)
