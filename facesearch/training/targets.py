"""What a network is to say about each training face: its labels, mixed with what else is known of it."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facesearch.training.datasets import UNKNOWN

Floats = NDArray[np.float32]


def plain_targets(labels: NDArray[np.uint8]) -> Floats:
    """Labels of 0, 1 and UNKNOWN as targets, NaN where unknown."""
    return np.where(labels == UNKNOWN, np.float32(np.nan), labels.astype(np.float32))


@dataclass(frozen=True)
class Targets:
    """One row a face of the data set.

    labels: float32 [N, A], 0 to 1, NaN where unknown. soft: what the network that a run starts from says
    (softlabels.py), float32 [N, A], taken by the share `soften`. answers: what a teacher says of each fixed view
    (distillation.py), float32 [N, views, A], taken by the share `distilled`. Either may be None.
    """

    labels: Floats
    soft: Floats | None = None
    soften: float = 0.0
    answers: Floats | None = None
    distilled: float = 0.0

    @property
    def views(self) -> int:
        """How many fixed views of each face have answers of their own; 0 where any view will do."""
        return 0 if self.answers is None else self.answers.shape[1]

    def of(self, rows: NDArray[np.int64], view: NDArray[np.int64] | None = None) -> Tensor:
        """float32 [n, A] for these faces, NaN where nothing is known. view: int64 [n], which of the fixed views is
        shown, where there are any."""
        found = torch.from_numpy(self.labels[rows])
        if self.soft is not None:
            found = _mixed(found, torch.from_numpy(self.soft[rows]), self.soften)
        if self.answers is not None:
            assert view is not None, "a teacher answered about fixed views"
            found = _mixed(found, torch.from_numpy(self.answers[rows, view]), self.distilled)
        return found

    def digest(self) -> str:
        """SHA-256 of all that is learnt: going on with other targets would give a network that no recipe describes."""
        known = hashlib.sha256(repr((self.soften, self.distilled)).encode())
        for array in (self.labels, self.soft, self.answers):
            if array is not None:
                known.update(np.ascontiguousarray(array).tobytes())
        return known.hexdigest()


def _mixed(labels: Tensor, said: Tensor, share: float) -> Tensor:
    """A share of what somebody says; all of it where there is no label."""
    return torch.where(labels.isnan(), said, torch.lerp(labels, said, share))


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean sigmoid cross-entropy over the targets that are known, a scalar; 0 where none is."""
    known = ~targets.isnan()
    if bool(known.all()):
        return F.binary_cross_entropy_with_logits(logits, targets)
    each = F.binary_cross_entropy_with_logits(logits, targets.nan_to_num(), reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)
