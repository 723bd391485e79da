"""What a network is to say about each training face: its labels, mixed with what else is known of it."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Targets:
    """One row a face of the data set.

    labels: float32 [N, A], 0 to 1. soft: what the network that a run starts from says (softlabels.py), float32 [N, A],
    taken by the share `soften`. answers: what a teacher says of each fixed view (distillation.py), float32
    [N, views, A], taken by the share `distilled`. Either may be None.
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
        """float32 [n, A] for these faces. view: int64 [n], which of the fixed views is shown, where there are any."""
        found = torch.from_numpy(self.labels[rows])
        if self.soft is not None:
            found = torch.lerp(found, torch.from_numpy(self.soft[rows]), self.soften)
        if self.answers is not None:
            assert view is not None, "a teacher answered about fixed views"
            found = torch.lerp(found, torch.from_numpy(self.answers[rows, view]), self.distilled)
        return found

    def digest(self) -> str:
        """SHA-256 of all that is learnt: going on with other targets would give a network that no recipe describes."""
        known = hashlib.sha256(repr((self.soften, self.distilled)).encode())
        for array in (self.labels, self.soft, self.answers):
            if array is not None:
                known.update(np.ascontiguousarray(array).tobytes())
        return known.hexdigest()
