"""Figures over attributes: each function takes [N, A] arrays and gives one number an attribute, [A].

Labels are 0, 1 and UNKNOWN; where an attribute is unknown, a face does not count for it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facesearch.training.datasets.labels import UNKNOWN

Floats = NDArray[np.float64]

BINS = 15
"""Equal-width bins of the calibration error (Guo et al., ICML 2017)."""


def accuracy(said: NDArray[np.bool_], labels: NDArray[np.uint8]) -> Floats:
    """Share of right answers, 0..1."""
    return _share(said == (labels == 1), labels != UNKNOWN)


def recall(said: NDArray[np.bool_], labels: NDArray[np.uint8]) -> Floats:
    """Share of the positives that are found, 0..1; nan without positives."""
    return _share(said, labels == 1)


def specificity(said: NDArray[np.bool_], labels: NDArray[np.uint8]) -> Floats:
    """Share of the negatives that are denied, 0..1; nan without negatives."""
    return _share(~said, labels == 0)


def balanced_accuracy(said: NDArray[np.bool_], labels: NDArray[np.uint8]) -> Floats:
    """Mean of recall and specificity; nan where a side has no example."""
    return (recall(said, labels) + specificity(said, labels)) / 2


def _share(right: NDArray[np.bool_], among: NDArray[np.bool_]) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((right & among).sum(axis=0) / among.sum(axis=0), np.float64)


def average_precision(scores: NDArray[np.floating], labels: NDArray[np.uint8]) -> Floats:
    """Average precision: mean over the positives of the precision at their rank (no interpolation); nan without
    positives.

    Equal scores share the precision at the last of them, so that the order of rows does not matter.
    """
    once = np.ones((1, len(labels)), np.float32)
    return np.array([weighted_average_precision(scores[:, a], labels[:, a], once)[0] for a in range(labels.shape[1])])


def weighted_average_precision(
    scores: NDArray[np.floating], labels: NDArray[np.uint8], weights: NDArray[np.floating]
) -> Floats:
    """Average precision of one attribute, for several weightings of the same rows at once.

    scores, labels: [N]. weights: [D, N], how often each row counts. Returns [D]; nan where no positive counts.
    """
    if (known := labels != UNKNOWN).sum() < len(labels):
        scores, labels, weights = scores[known], labels[known], weights[:, known]
    if not len(scores):
        return np.full(len(weights), np.nan)
    order = np.argsort(-scores, kind="stable")
    ranked, w = scores[order], weights[:, order].astype(np.float64)
    last = np.append(ranked[1:] != ranked[:-1], True).nonzero()[0]  # the last rank of every run of equal scores
    seen = np.cumsum(w, axis=1)[:, last]
    hits = np.cumsum(w * (labels[order] > 0), axis=1)[:, last]
    gained = np.diff(hits, axis=1, prepend=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(seen > 0, hits / seen, 0.0)
        return np.asarray((gained * precision).sum(axis=1) / hits[:, -1], np.float64)


@dataclass(frozen=True)
class Reliability:
    """What was said and what was true, bin by bin of the probability said; float64 [A, BINS].

    faces: how many fall into the bin. said, true: mean probability and share of positives there; nan in empty bins.
    """

    faces: Floats
    said: Floats
    true: Floats

    def pooled(self) -> "Reliability":
        """The answers about all attributes as if they were one, [1, BINS]."""
        faces = self.faces.sum(axis=0, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            said, true = (np.nansum(v * self.faces, axis=0, keepdims=True) / faces for v in (self.said, self.true))
        return Reliability(faces, said, true)

    def calibration_error(self) -> Floats:
        """|mean probability - share of positives|, weighted by the bins' sizes: expected calibration error, [A]."""
        return np.asarray(np.nansum(self.faces * np.abs(self.said - self.true), axis=1) / self.faces.sum(axis=1))


def reliability(probabilities: NDArray[np.floating], labels: NDArray[np.uint8]) -> Reliability:
    """The bins of a reliability diagram. probabilities, labels: [N, A]."""
    at, known = _bin(probabilities), labels != UNKNOWN
    faces, said, true = (
        np.array([np.bincount(at[:, a], w[:, a], BINS) for a in range(at.shape[1])])
        for w in (known.astype(np.float64), probabilities * known, labels * known)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return Reliability(faces, said / faces, true / faces)


def calibration_error(probabilities: NDArray[np.floating], labels: NDArray[np.uint8]) -> Floats:
    """Expected calibration error over BINS equal-width bins."""
    return _error(probabilities, labels, _bin(probabilities))


def chance_calibration_error(probabilities: NDArray[np.floating], draws: int = 20, seed: int = 0) -> Floats:
    """The calibration error that these probabilities would show on as many faces if every one of them were exactly
    right: mean over labels drawn from them (consistency resampling, Broecker & Smith 2007)."""
    rng, at = np.random.default_rng(seed), _bin(probabilities)
    drawn = (rng.random(probabilities.shape, np.float32) < probabilities for _ in range(draws))
    return np.asarray(np.mean([_error(probabilities, labels, at) for labels in drawn], axis=0), np.float64)


def _bin(probabilities: NDArray[np.floating]) -> NDArray[np.int64]:
    return np.asarray(np.minimum((probabilities * BINS).astype(np.int64), BINS - 1))


def _error(probabilities: NDArray[np.floating], labels: NDArray[np.generic], at: NDArray[np.int64]) -> Floats:
    gap = np.asarray(probabilities - labels.astype(np.float64), np.float64)
    gaps = [np.bincount(at[:, a], gap[:, a], BINS) for a in range(at.shape[1])]
    return np.asarray(np.abs(gaps).sum(axis=1) / len(at), np.float64)


def mean(values: Floats) -> float:
    """Mean over the attributes that have the figure; nan where none has."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
