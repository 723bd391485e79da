"""Calibration: from logits to probabilities that mean what they say. numpy only, so that a search needs no network."""

import numpy as np
from numpy.typing import NDArray


def probabilities(
    logits: NDArray[np.float32], scale: NDArray[np.float32] | float, bias: NDArray[np.float32] | float
) -> NDArray[np.float64]:
    """Calibrated probabilities of the attributes: sigmoid(scale * logit + bias), as Platt (1999).

    `logits`: float32 of any shape, [N, 40] for all attributes or [N] for one; `scale` and `bias` must broadcast to it
    (float32 [40], or the numbers of the one attribute). Returns float64 of the same shape, 0..1: in float32 the surest
    faces would all have 1 and lose their order.
    """
    z = np.asarray(logits, np.float64) * np.asarray(scale, np.float64) + np.asarray(bias, np.float64)
    with np.errstate(over="ignore"):  # exp of a very small logit is inf, and 1 / inf the 0 that is meant
        return np.asarray(1.0 / (1.0 + np.exp(-z)), np.float64)
