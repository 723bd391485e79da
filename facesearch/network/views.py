"""Which pictures of one crop a network looks at; its logits are averaged over them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

NEARER = 0.9
"""Share of the crop's side that the nearer view shows. Chosen on CelebA's role `val`, where .84 to .95 were all but
alike, and .78 worse; what it gives: docs/training.md."""

_ABOVE = 0.02
"""Where the nearer view begins, from the top, as a share of the side, a little above the middle: hair says more than
the collar does."""


@dataclass(frozen=True, slots=True)
class Views:
    """mirror: the mirror image of every view, too. nearer: most of the crop, enlarged, too."""

    mirror: bool
    nearer: bool = False

    def of(self, x: "Tensor") -> "list[Tensor]":
        """The views of crops [N, 3, S, S], each of that shape; the plain crop is the first."""
        seen = [x, _enlarged(x)] if self.nearer else [x]
        if self.mirror:
            seen += [each.flip(3) for each in seen]
        return seen


PLAIN = Views(mirror=False)
"""The crop as it is, and nothing else."""


def _enlarged(x: "Tensor") -> "Tensor":
    from torch.nn.functional import interpolate

    size = x.shape[-1]
    side = round(NEARER * size)
    top, left = round(_ABOVE * size), (size - side) // 2
    part = x[:, :, top : top + side, left : left + side]
    return interpolate(part, size=(size, size), mode="bilinear", align_corners=False)
