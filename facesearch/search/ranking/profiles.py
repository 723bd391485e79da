"""Profiles: 40 logits in the model's own metric, compared by cosine; and what changes and combines them.

The metric (mean and matrix) is fitted with the model, on people it was not trained on, and stored with it: see
`facesearch.training.fitting.fit_profile`, and docs/retrieval.md for what it reaches beside others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.values.scoring_model import ScoringModel

PROFILE_MEANS = "profile_means"
"""Under this key a checkpoint's metadata holds `AttributeMeans.metadata()`."""

_PLAIN = 0.9
"""Where a checkpoint gives no means: an attribute is set to the logit at which it holds with this probability, or does
not hold with it."""


@dataclass(frozen=True, slots=True, eq=False)
class AttributeMeans:
    """Mean logit of each attribute over the faces that are labelled with it and without it, float32 [A]; no number
    where there was none."""

    present: NDArray[np.float32]
    absent: NDArray[np.float32]

    def metadata(self) -> dict[str, list[float | None]]:
        """As JSON holds them; None for what is no number."""
        return {name: [_plain(v) for v in getattr(self, name).tolist()] for name in ("present", "absent")}


def attribute_means(model: ScoringModel) -> AttributeMeans:
    """The model's means. Where its checkpoint gives none, those logits at which the attribute holds with a calibrated
    probability of .9 and of .1 (all finite)."""
    stored = model.metadata.get(PROFILE_MEANS)
    by_name: Mapping[str, Any] = stored if isinstance(stored, dict) else {}
    odds = float(np.log(_PLAIN / (1 - _PLAIN)))
    means = []
    for name, at in (("present", odds), ("absent", -odds)):
        plain = (at - model.calibration_bias) / model.calibration_scale
        found = np.array(by_name.get(name, [None] * len(plain)), np.float32)  # None becomes no number
        means.append(np.where(np.isfinite(found), found, plain).astype(np.float32))
    return AttributeMeans(*means)


def combined(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """One person's logits, float32 [A], of those of several of their faces, float32 [n, A]: the mean.

    Before normalisation, so that a face that stands out counts for more than one that could be anybody's.
    """
    return np.asarray(np.mean(logits, axis=0, dtype=np.float64), np.float32)


def moved(
    logits: NDArray[np.float32], attributes: Sequence[int], to: NDArray[np.float32], model: ScoringModel
) -> NDArray[np.float32]:
    """One face's logits, float32 [A], with some attributes (each once) moved to given logits, float32 [n].

    The others follow by the least change of the profile, in the model's own metric: as they would between two photos of
    one person. Moved alone, a beard without the stubble that comes with it makes a face that nobody has, and finds the
    same person with the attribute less well than an unchanged probe (benchmarks/similarity.py).
    """
    given = np.asarray(attributes, np.int64)
    free = np.setdiff1d(np.arange(len(logits)), given)
    change = np.zeros(len(logits))
    change[given] = to - logits[given]
    rows = model.profile_matrix.astype(np.float64)  # a change moves the profile by change @ rows
    if len(free):
        change[free] = np.linalg.lstsq(rows[free].T, -change[given] @ rows[given])[0]
    found = (logits + change).astype(np.float32)
    found[given] = to
    return found


def encode(logits: NDArray[np.float32], model: ScoringModel) -> NDArray[np.float32]:
    """float32 [N, 40] profiles of float32 [N, 40] logits: (logits - mean) @ matrix, each row of length 1.

    A face whose logits are the mean itself has no direction: its profile is all 0 and its cosine with every other is 0.
    """
    profiles = (np.asarray(logits, np.float32) - model.profile_mean) @ model.profile_matrix
    lengths = np.linalg.norm(profiles, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(profiles, lengths, out=np.zeros_like(profiles), where=lengths > 0)
    return unit


def similarity(cosine: NDArray[np.float32]) -> NDArray[np.float64]:
    """(1 + cosine) / 2, float64 0..1: 1 is the same profile."""
    return np.clip((1.0 + cosine.astype(np.float64)) / 2.0, 0.0, 1.0)


def _plain(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None
