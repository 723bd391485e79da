"""How good a checkpoint is on images that it never saw: the figures of what `index` computes.

Faces go the same way as in indexing: detected, cut by crop_face, scored by Scorer. A face that the detector misses is
cut at its framing's median box and counts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import NAMES
from facesearch.crop import INPUT_SIZE
from facesearch.network.calibration import probabilities
from facesearch.network.scorer import BATCH, Scorer
from facesearch.training.datasets import DatasetError, FaceCache, Labels, Role
from facesearch.training.loop import plain_crop
from facesearch.training.metrics import accuracy, average_precision, balanced_accuracy, calibration_error

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """Per attribute [40], fractions 0..1, in official order. majority: what always giving the commoner answer
    reaches."""

    faces: int
    detected: int
    positives: Floats
    majority: Floats
    accuracy: Floats
    balanced_accuracy: Floats
    average_precision: Floats
    calibration_error: Floats

    def summary(self) -> dict[str, float]:
        """Means over the attributes: percentages with two decimals, the calibration error as it is."""
        return {
            "faces": self.faces,
            "detected": self.detected,
            "accuracy": round(100 * float(self.accuracy.mean()), 2),
            "balanced_accuracy": round(100 * float(np.nanmean(self.balanced_accuracy)), 2),
            "average_precision": round(100 * float(np.nanmean(self.average_precision)), 2),
            "calibration_error": round(float(self.calibration_error.mean()), 4),
            "majority": round(100 * float(self.majority.mean()), 2),
        }


@dataclass(frozen=True)
class Evaluation:
    """Figures over all faces of a role, and apart by framing (`178x218`: CelebA's aligned pictures; `other sizes`)."""

    role: Role
    together: Figures
    by_framing: dict[str, Figures]


def evaluate(
    scorer: Scorer,
    labels: Labels,
    cache: FaceCache,
    role: Role = Role.TEST,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score every face of a role and compare with its labels. progress: called with (faces done, faces in all).

    Raises DatasetError when the role has no images.
    """
    rows = labels.of(role)
    if not len(rows):
        raise DatasetError(f"The data set has no images of role {role}: nothing to evaluate on.")
    logits = np.empty((len(rows), len(NAMES)), np.float32)
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        logits[start : start + BATCH] = scorer.score(np.stack([plain_crop(cache, int(r), INPUT_SIZE) for r in batch]))
        if progress:
            progress(min(start + BATCH, len(rows)), len(rows))
    known = scorer.checkpoint
    p = probabilities(logits, known.calibration_scale, known.calibration_bias)
    truth, found = labels.labels[rows], cache.detected[rows]
    aligned = (cache.records["picture"][rows] == (178, 218)).all(axis=1)
    framings = {"178x218": aligned, "other sizes": ~aligned}
    return Evaluation(
        role,
        _figures(p, truth, found),
        {name: _figures(p[of], truth[of], found[of]) for name, of in framings.items() if of.any()},
    )


def _figures(p: Floats, truth: NDArray[np.uint8], found: NDArray[np.bool_]) -> Figures:
    share = truth.mean(axis=0)
    said = p > 0.5
    return Figures(
        faces=len(truth),
        detected=int(found.sum()),
        positives=share,
        majority=np.maximum(share, 1 - share),
        accuracy=accuracy(said, truth),
        balanced_accuracy=balanced_accuracy(said, truth),
        average_precision=average_precision(p, truth),
        calibration_error=calibration_error(p, truth),
    )


COLUMNS = ("positives", "majority", "accuracy", "balanced_accuracy", "average_precision", "calibration_error")


def records(figures: Figures) -> Iterator[dict[str, str]]:
    """One record an attribute, keys `attribute` and COLUMNS, and the means last; fractions 0..1, four decimals."""
    values = np.stack([getattr(figures, c) for c in COLUMNS], axis=1)
    for name, row in zip((*NAMES, "MEAN"), (*values, np.nanmean(values, axis=0)), strict=True):
        yield {"attribute": name, **{c: f"{v:.4f}" for c, v in zip(COLUMNS, row, strict=True)}}
