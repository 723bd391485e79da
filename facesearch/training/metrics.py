"""Figures over attributes: each function takes [N, 40] arrays and gives one number an attribute, [40]."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def accuracy(said: NDArray[np.bool_], labels: NDArray[np.uint8]) -> Floats:
    """Share of right answers, 0..1."""
    return np.asarray((said == (labels > 0)).mean(axis=0), np.float64)


def balanced_accuracy(said: NDArray[np.bool_], labels: NDArray[np.uint8]) -> Floats:
    """Mean of the shares of positives and of negatives that are right; nan where a side has no example."""
    true = labels > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            ((said & true).sum(axis=0) / true.sum(axis=0) + (~said & ~true).sum(axis=0) / (~true).sum(axis=0)) / 2,
            np.float64,
        )


def average_precision(scores: NDArray[np.floating], labels: NDArray[np.uint8]) -> Floats:
    """Average precision: mean over the positives of the precision at their rank (no interpolation); nan without
    positives.

    Equal scores share the precision at the last of them, so that the order of rows does not matter.
    """
    out = np.full(labels.shape[1], np.nan)
    for a in range(labels.shape[1]):
        true = labels[:, a] > 0
        if not true.any():
            continue
        order = np.argsort(-scores[:, a], kind="stable")
        s, t = scores[order, a], true[order]
        last = np.append(s[1:] != s[:-1], True).nonzero()[0]  # the last rank of every run of equal scores
        hits = np.cumsum(t)[last]
        gained = np.diff(hits, prepend=0)
        out[a] = float((gained * hits / (last + 1)).sum() / true.sum())
    return out


def calibration_error(probabilities: NDArray[np.floating], labels: NDArray[np.uint8], bins: int = 15) -> Floats:
    """Expected calibration error: |mean probability - share of positives| over equal-width bins, weighted by their
    size."""
    out = np.zeros(labels.shape[1])
    for a in range(labels.shape[1]):
        p = probabilities[:, a].astype(np.float64)
        at = np.minimum((p * bins).astype(int), bins - 1)
        gap = np.bincount(at, p - labels[:, a], minlength=bins)
        out[a] = np.abs(gap).sum() / len(p)
    return out
