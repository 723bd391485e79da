"""Faces laid over each other, with their targets (Zhang et al., "mixup", ICLR 2018).

Two faces of a batch are nearly always two people's, so that no picture belongs to one person whom a network could learn
by heart.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Mixing:
    """Which face of a batch is mixed into which. partner: int64 [B]; share: float32 [B], of the partner, at most a
    half."""

    partner: Tensor
    share: Tensor

    @classmethod
    def drawn(cls, strength: float, faces: int, rng: np.random.Generator) -> "Mixing":
        """strength: both parameters of the beta distribution of the share; the smaller, the less is mixed."""
        share = rng.beta(strength, strength, faces).astype(np.float32)
        return cls(torch.from_numpy(rng.permutation(faces)), torch.from_numpy(np.minimum(share, 1 - share)))

    def of(self, values: Tensor) -> Tensor:
        """values: float [B, ...], each mixed with its partner's."""
        share = self.share.to(values.device).view(-1, *[1] * (values.dim() - 1))
        return torch.lerp(values, values[self.partner.to(values.device)], share)

    def of_directions(self, values: Tensor) -> Tensor:
        """values: unit vectors [B, D], zeros or NaN where unknown; mixed and made unit vectors again, zeros where
        either is unknown."""
        mixed = self.of(values)
        known = values.norm(dim=1) > 0.5  # False for NaN
        both = known & known[self.partner.to(values.device)]
        return torch.where(both[:, None], F.normalize(mixed, dim=1), 0.0)
