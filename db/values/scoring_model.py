"""What turns a checkpoint's logits into probabilities and profiles: the checkpoint without its weights."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def calibrate(
    logits: Floats, scale: Floats | float, bias: Floats | float, *, holds: bool = True
) -> NDArray[np.float64]:
    """Turn logits into probabilities that the attributes hold, or that they do not: sigmoid(scale * logit + bias), as
    Platt (1999), or one minus that.

    `logits`: float32 of any shape, [N, 40] for all attributes or [N] for one; `scale` and `bias` must broadcast to it
    (float32 [40], or the numbers of the one attribute). Returns float64 of the same shape, 0..1: in float32 the surest
    faces would all have 1 and lose their order.
    """
    z = np.asarray(logits, np.float64) * np.asarray(scale, np.float64) + np.asarray(bias, np.float64)
    with np.errstate(over="ignore"):  # exp of a very small logit is inf, and 1 / inf the 0 that is meant
        return np.asarray(1.0 / (1.0 + np.exp(-z if holds else z)), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class ScoringModel:
    """A checkpoint without its weights. With A attributes:

    digest: hexadecimal SHA-256 of the checkpoint. attributes: their names, in the order of every array here.
    calibration_scale, calibration_bias: float32[A]. profile_mean: float32[A]; profile_matrix: float32[A, A].
    metadata: whatever else the checkpoint says of itself (JSON).
    """

    digest: str
    attributes: tuple[str, ...]
    calibration_scale: Floats
    calibration_bias: Floats
    profile_mean: Floats
    profile_matrix: Floats
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def short(self) -> str:
        """The first 12 digits of the digest, for people."""
        return self.digest[:12]

    def probabilities(self, logits: Floats, holds: bool, attributes: int | slice = slice(None)) -> Floats:
        """float32, as `logits`: the calibrated probabilities that these attributes hold, or that they do not. Each is
        rounded by itself, so that a face that surely has something is still told apart by how little it may lack it.

        `logits`: float32[n, A], or with the place of one attribute float32[n].
        """
        scale, bias = self.calibration_scale[attributes], self.calibration_bias[attributes]
        return calibrate(logits, scale, bias, holds=holds).astype(np.float32)
