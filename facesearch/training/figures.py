"""The figures of a network on a set of faces, and the same as rows of a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import NAMES
from facesearch.training import metrics
from facesearch.training.datasets.labels import UNKNOWN
from facesearch.training.metrics import Floats, mean


@dataclass(frozen=True)
class Figures:
    """Per attribute, float64 [A], fractions 0..1; nan where a figure has no meaning, such as average precision where
    nobody has the attribute.

    faces: how many; detected: how many of them the detector found. positives: share labelled so; majority: what always
    giving the commoner answer reaches; answered_yes: share with a probability above .5; chance_calibration_error: what
    a perfectly calibrated network would show on as many faces.
    """

    faces: int
    detected: int
    positives: Floats
    majority: Floats
    answered_yes: Floats
    mean_probability: Floats
    accuracy: Floats
    recall: Floats
    specificity: Floats
    balanced_accuracy: Floats
    average_precision: Floats
    calibration_error: Floats
    chance_calibration_error: Floats

    def summary(self) -> dict[str, float | None]:
        """Means over the attributes: percentages with two decimals, calibration errors with four as they are; None
        where no attribute has the figure."""
        return {
            "faces": self.faces,
            "detected": self.detected,
            **{name: _rounded(100 * mean(getattr(self, name)), 2) for name in _IN_PERCENT},
            **{name: _rounded(mean(getattr(self, name)), 4) for name in _AS_THEY_ARE},
        }


_IN_PERCENT = ("accuracy", "balanced_accuracy", "average_precision", "majority")
_AS_THEY_ARE = ("calibration_error", "chance_calibration_error")
COLUMNS = tuple(f.name for f in fields(Figures))
"""Names of all figures, as a CSV has them."""


def _rounded(value: float, digits: int) -> float | None:
    return None if np.isnan(value) else round(value, digits)


def measure(p: NDArray[np.floating], truth: NDArray[np.uint8], detected: NDArray[np.bool_]) -> Figures:
    """Compare probabilities [N, A] with labels of 0, 1 and UNKNOWN [N, A]; detected: bool [N]. N must not be 0.

    Each attribute is judged on the faces whose label is known; where there is none, it has no figures.
    """
    if (truth == UNKNOWN).any():
        return _measure_known(p, truth, detected)
    said, share = p > 0.5, np.asarray(truth.mean(axis=0), np.float64)
    return Figures(
        faces=len(p),
        detected=int(detected.sum()),
        positives=share,
        majority=np.maximum(share, 1 - share),
        answered_yes=said.mean(axis=0),
        mean_probability=np.asarray(p.mean(axis=0), np.float64),
        accuracy=metrics.accuracy(said, truth),
        recall=metrics.recall(said, truth),
        specificity=metrics.specificity(said, truth),
        balanced_accuracy=metrics.balanced_accuracy(said, truth),
        average_precision=metrics.average_precision(p, truth),
        calibration_error=metrics.calibration_error(p, truth),
        chance_calibration_error=metrics.chance_calibration_error(p),
    )


def _measure_known(p: NDArray[np.floating], truth: NDArray[np.uint8], detected: NDArray[np.bool_]) -> Figures:
    """Each attribute by itself."""
    columns: dict[str, list[float]] = {name: [] for name in COLUMNS if name not in ("faces", "detected")}
    for a in range(p.shape[1]):
        known = truth[:, a] != UNKNOWN
        one = measure(p[known, a : a + 1], truth[known, a : a + 1], detected[known]) if known.any() else None
        for name, column in columns.items():
            column.append(float(getattr(one, name)[0]) if one else float("nan"))
    measured: dict[str, Any] = {name: np.array(column) for name, column in columns.items()}
    return Figures(faces=len(p), detected=int(detected.sum()), **measured)


def measure_unlabelled(p: NDArray[np.floating], detected: NDArray[np.bool_]) -> Figures:
    """What can be said of probabilities [N, A] without labels: how often the answer is yes. N must not be 0."""
    unknown = {name: np.full(p.shape[1], np.nan) for name in COLUMNS}
    known = {
        "faces": len(p),
        "detected": int(detected.sum()),
        "answered_yes": (p > 0.5).mean(axis=0),
        "mean_probability": np.asarray(p.mean(axis=0), np.float64),
    }
    return Figures(**{**unknown, **known})


def rows(
    figures: Figures, names: Sequence[str] = NAMES, means_over: NDArray[np.bool_] | None = None
) -> Iterator[dict[str, str]]:
    """One record an attribute, keys `attribute` and COLUMNS, and last the means over the attributes of `means_over`
    (bool [A]) if given; fractions 0..1 with six decimals, empty where there is no figure."""
    counts = {"faces": str(figures.faces), "detected": str(figures.detected)}
    table = {name: getattr(figures, name) for name in COLUMNS if name not in counts}
    for index, attribute in enumerate(names):
        yield {"attribute": attribute, **counts, **{name: as_text(column[index]) for name, column in table.items()}}
    if means_over is not None:
        means = {name: as_text(mean(column[means_over])) for name, column in table.items()}
        yield {"attribute": "MEAN", **counts, **means}


def as_text(value: float) -> str:
    """A fraction for a CSV."""
    return "" if np.isnan(value) else f"{value:.6f}"
