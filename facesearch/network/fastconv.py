"""The network's convolutions, faster on a CPU without matrix units than PyTorch's own, forward and backward.

Toom-Cook / Winograd convolution (Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016,
arXiv 1509.09308): the output is computed in tiles of m x m; tiles and kernels are carried to n x n points
(n = m + r - 1), where a convolution is one matrix product for each point. 5x5 tiles of 3x3 kernels take 49 products
instead of 225, 5x5 tiles of 5x5 kernels 81 instead of 625. The maps between tile and points are Kronecker products, so
all of it is matrix products, which every BLAS does near the hardware's limit. The result differs from the direct sum
by rounding: 4e-6 (3x3) and 4e-5 (5x5) of its norm.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import ceil
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

SMALLEST_BATCH = 8
"""Faces from which carrying the kernels over pays."""

_POINTS = tuple(Fraction(p) for p in ("0", "1", "-1", "1/2", "-1/2", "2", "-2", "1/4"))
_MOST_POINTS = len(_POINTS) + 1  # and the point at infinity


def conv2d(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """conv(x), float32 [B, C, H, W] channels last; by tiles or by unfolding where that is faster, on a CPU."""
    slow = x.is_cuda or x.dtype != torch.float32 or torch.is_autocast_enabled(x.device.type) or len(x) < SMALLEST_BATCH
    if slow or (conv.stride != (1, 1) and x.requires_grad):  # no gradient is wanted of the picture, except in tests
        return conv(x)  # type: ignore[no-any-return]
    if conv.stride == (1, 1):
        found = _Tiled.apply(x, conv.weight, int(conv.padding[0]))  # type: ignore[no-untyped-call]
    else:
        found = _Unfolded.apply(x, conv.weight, conv.stride[0])  # type: ignore[no-untyped-call]
    assert conv.bias is not None
    return found + conv.bias[:, None, None]  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Tiling:
    """How an output is cut, and the maps for it. m: side of a tile; n: points along it; tiles: along one side.

    back [m*m, n*n] carries points to the output, kernel [n*n, r*r] kernels to points, data [n*n, n*n] pixels to points.
    """

    m: int
    n: int
    tiles: int
    back: Tensor
    kernel: Tensor
    data: Tensor


@cache
def tiling(output: int, r: int, inputs: int, outputs: int) -> Tiling:
    """The cheapest cut of an output of side `output`, for kernels of side r from `inputs` to `outputs` channels."""

    def cost(m: int) -> int:
        points = (m + r - 1) ** 2
        return ceil(output / m) ** 2 * (points * inputs * outputs + points**2 * inputs + points * m * m * outputs)

    m = min(range(1, _MOST_POINTS - r + 2), key=cost)
    back, kernel, data = (torch.from_numpy(np.kron(a, a)).float() for a in toom_cook(m, r))
    return Tiling(m, m + r - 1, ceil(output / m), back, kernel, data)


def toom_cook(m: int, r: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Matrices back [m, n], kernel [n, r], data [n, n] of F(m, r): back @ ((kernel @ g) * (data @ d)) are the m values
    of the correlation of n pixels d with r weights g. Exact in fractions; the last point is infinity."""
    n = m + r - 1
    points = _POINTS[: n - 1]
    back = [[p**i for p in points] + [Fraction(i == m - 1)] for i in range(m)]
    others = [[q for q in points if q != p] for p in points]
    scale = [_product([p - q for q in rest]) for p, rest in zip(points, others, strict=True)]
    kernel = [[p**i / s for i in range(r)] for p, s in zip(points, scale, strict=True)]
    kernel.append([Fraction(i == r - 1) for i in range(r)])
    data = [[*_polynomial(rest), Fraction(0)] for rest in others] + [_polynomial(list(points))]
    return tuple(np.array([[float(v) for v in row] for row in rows]) for rows in (back, kernel, data))  # type: ignore[return-value]


def _product(factors: list[Fraction]) -> Fraction:
    found = Fraction(1)
    for f in factors:
        found *= f
    return found


def _polynomial(roots: list[Fraction]) -> list[Fraction]:
    """Coefficients of the product of (x - root), lowest power first."""
    found = [Fraction(1)]
    for root in roots:
        found = [low - root * high for low, high in zip([Fraction(0), *found], [*found, Fraction(0)], strict=True)]
    return found


def kernel_points(weight: Tensor, t: Tiling) -> Tensor:
    """weight [outputs, inputs, r, r] carried to points: [n*n, inputs, outputs]."""
    outputs, inputs, r, _ = weight.shape
    return (t.kernel @ weight.permute(2, 3, 1, 0).reshape(r * r, -1)).view(-1, inputs, outputs)


def data_points(x: Tensor, t: Tiling, padding: int, r: int) -> Tensor:
    """x [B, C, H, W] cut into overlapping tiles and carried to points: [n*n, B * tiles * tiles, C]."""
    batch, channels, height, width = x.shape
    need = t.tiles * t.m + r - 1
    rows = F.pad(x.permute(0, 2, 3, 1), (0, 0, padding, need - width - padding, padding, need - height - padding))
    return (t.data @ cut_tiles(rows, t).reshape(t.n * t.n, -1)).view(t.n * t.n, batch * t.tiles**2, channels)


def cut_tiles(rows: Tensor, t: Tiling) -> Tensor:
    """rows [B, H, W, C], padded, as overlapping tiles: a view [n, n, B, tiles, tiles, C]."""
    return rows.unfold(1, t.n, t.m).unfold(2, t.n, t.m).permute(4, 5, 0, 1, 2, 3)


def join_tiles(cut: Tensor) -> Tensor:
    """Tiles [m, m, B, tiles, tiles, C] as they lie in the output: a view [B, tiles, m, tiles, m, C]."""
    return cut.permute(2, 3, 0, 4, 1, 5)


def output_tiles(points: Tensor, t: Tiling, batch: int, side: int) -> Tensor:
    """points [n*n, B * tiles * tiles, C] to the output [B, C, side, side], channels last."""
    channels, whole = points.shape[2], t.tiles * t.m
    cut = (t.back @ points.view(t.n * t.n, -1)).view(t.m, t.m, batch, t.tiles, t.tiles, channels)
    y = join_tiles(cut).reshape(batch, whole, whole, channels)
    return y[:, :side, :side].permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


class _Tiled(torch.autograd.Function):
    """Stride 1, by tiles. The backward pass works on the points too: three matrix products a point in all."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, padding: int) -> Tensor:
        outputs, inputs, r, _ = weight.shape
        side = x.shape[2] + 2 * padding - r + 1
        t = tiling(side, r, inputs, outputs)
        v, u = data_points(x, t, padding, r), kernel_points(weight, t)
        ctx.save_for_backward(v, u)
        ctx.tiling, ctx.padding, ctx.kernel, ctx.input, ctx.side = t, padding, r, x.shape, side
        return output_tiles(torch.bmm(v, u), t, len(x), side)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, None]:
        v, u = ctx.saved_tensors
        t, r, (batch, inputs, height, width) = ctx.tiling, ctx.kernel, ctx.input
        outputs, beyond = gradient.shape[1], t.tiles * t.m - ctx.side
        rows = F.pad(gradient.permute(0, 2, 3, 1), (0, 0, 0, beyond, 0, beyond))
        cut = rows.reshape(batch, t.tiles, t.m, t.tiles, t.m, outputs).permute(2, 4, 0, 1, 3, 5).reshape(t.m * t.m, -1)
        dm = (t.back.t() @ cut).view(t.n * t.n, -1, outputs)
        du = torch.bmm(v.transpose(1, 2), dm)
        dw = (t.kernel.t() @ du.view(t.n * t.n, -1)).view(r, r, inputs, outputs).permute(3, 2, 0, 1)
        if not ctx.needs_input_grad[0]:
            return None, dw, None
        dv = torch.bmm(dm, u.transpose(1, 2))
        tiles = (t.data.t() @ dv.view(t.n * t.n, -1)).view(t.n, t.n, batch, t.tiles, t.tiles, inputs)
        dx = _overlap(tiles, t)[:, ctx.padding : ctx.padding + height, ctx.padding : ctx.padding + width]
        return dx.permute(0, 3, 1, 2), dw, None


def _overlap(tiles: Tensor, t: Tiling) -> Tensor:
    """Sum of overlapping tiles [n, n, B, tiles, tiles, C] where they lie: [B, need, need, C]. First down, then
    across: 2n additions instead of n*n."""
    _, _, batch, _, _, channels = tiles.shape
    need, span = (t.tiles - 1) * t.m + t.n, (t.tiles - 1) * t.m + 1
    strips = tiles.new_zeros(t.n, batch, need, t.tiles, channels)
    for i in range(t.n):
        strips[:, :, i : i + span : t.m] += tiles[i]
    found = tiles.new_zeros(batch, need, need, channels)
    for j in range(t.n):
        found[:, :, j : j + span : t.m] += strips[j]
    return found


def patches(x: Tensor, r: int, stride: int) -> Tensor:
    """Every patch of r x r pixels of x [B, C, S, S], a view [B, side, side, r, r, C]."""
    return x.permute(0, 2, 3, 1).unfold(1, r, stride).unfold(2, r, stride).permute(0, 1, 2, 4, 5, 3)


class _Unfolded(torch.autograd.Function):
    """Few input channels and a stride: one matrix product over the unfolded picture. No gradient for the picture."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        cut = patches(x, weight.shape[2], stride)
        columns = cut.reshape(-1, weight[0].numel())
        ctx.save_for_backward(columns)
        ctx.shape = weight.shape
        y = columns @ weight.permute(2, 3, 1, 0).reshape(-1, len(weight))
        return y.view(*cut.shape[:3], len(weight)).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None]:
        (columns,) = ctx.saved_tensors
        outputs, channels, r, _ = ctx.shape
        dw = columns.t() @ gradient.permute(0, 2, 3, 1).reshape(-1, outputs)
        return None, dw.view(r, r, channels, outputs).permute(3, 2, 0, 1), None
