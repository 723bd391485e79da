"""The folded network's forward pass for use on a CPU: the same numbers as Mcnn.forward up to rounding, in a fraction of
the time.

Kernels are carried to their points once (fastconv.py); work goes in blocks that stay in the processor's cache, through
buffers that are allocated once (getting them anew from the system, page by page, costs a fifth of the time); bias and
ReLU come after the pooling, where a quarter to a twenty-fifth of the values is left (the largest value stays the
largest when a constant is added to all); and the tiles of conv3 are exactly the cells of the last pool, so that they
are never put together.
"""

from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from facesearch.network.fastconv import SMALLEST_BATCH, Tiling, cut_tiles, join_tiles, kernel_points, patches, tiling
from facesearch.network.mcnn import CONV1, CONV2, CONV3, POOLED, Mcnn, Normalisation

_SECOND = tiling(25, 5, CONV1, CONV2)
_THIRD = tiling(10, 3, CONV2, CONV3)
assert _SECOND.m * _SECOND.tiles == 25 and _THIRD.tiles == POOLED, "the sizes that this file is written for"
_BLOCK = 16
"""Faces at a time through conv1 and conv2: their points then take a few MB."""


class FastMcnn:
    """A folded MCNN on a CPU. Not for two threads at once: they would share the buffers.

    Small batches go through the network itself: carrying the kernels over would cost more than they save.
    """

    def __init__(self, mcnn: Mcnn) -> None:
        """mcnn: one that `suits`."""
        self._mcnn = mcnn
        self._kernels: tuple[Tensor, Tensor, list[Tensor]] | None = None
        self._buffers: dict[str, Tensor] = {}

    @torch.inference_mode()
    def __call__(self, x: Tensor) -> Tensor:
        """x: float32 [B, 3, 227, 227] of `prepare`. Returns logits [B, attributes of the layout]."""
        if len(x) < SMALLEST_BATCH:
            return self._mcnn(x)  # type: ignore[no-any-return]
        return self._mcnn.heads(self.pooled(x))

    def pooled(self, x: Tensor) -> Tensor:
        """[B, 300 x units, 2, 2] after the last pool, as Mcnn.pooled."""
        first, second, third = self._carried()
        maps = torch.cat([self._until_conv3(block, first, second) for block in torch.split(x, _BLOCK)])
        points = self._data_points("third", maps, _THIRD, 0)
        faces, cells = len(x), len(x) * POOLED**2
        units = []
        for kernels, bias in zip(third, torch.split(self._bias(self._mcnn.conv3), CONV3), strict=True):
            products = torch.bmm(points, kernels, out=self._buffer("products", _THIRD.n**2, cells, CONV3))
            values = self._buffer("values", _THIRD.m**2, cells * CONV3)
            torch.mm(_THIRD.back, products.view(_THIRD.n**2, -1), out=values)
            units.append(values.amax(0).view(cells, CONV3).add_(bias).relu_())
        grid = torch.stack(units, 1).view(faces, POOLED, POOLED, len(units), CONV3)
        return grid.permute(0, 3, 4, 1, 2).reshape(faces, -1, POOLED, POOLED)

    def _until_conv3(self, x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        conv1, conv2, faces = self._mcnn.conv1, self._mcnn.conv2, len(x)
        cut = patches(x, conv1.kernel_size[0], conv1.stride[0])
        columns = self._buffer("columns", *cut.shape).copy_(cut).view(-1, len(first))
        maps = torch.mm(columns, first, out=self._buffer("conv1", len(columns), CONV1))
        maps = F.max_pool2d(maps.view(faces, *cut.shape[1:3], CONV1).permute(0, 3, 1, 2), 3, 2)
        maps = maps.add_(self._bias(conv1)[:, None, None]).relu_()

        t, cells = _SECOND, faces * _SECOND.tiles**2
        points = self._data_points("second", maps, t, 1)
        products = torch.bmm(points, second, out=self._buffer("products", t.n**2, cells, CONV2))
        values = self._buffer("values", t.m**2, cells * CONV2)
        torch.mm(t.back, products.view(t.n**2, -1), out=values)
        tiles = join_tiles(values.view(t.m, t.m, faces, t.tiles, t.tiles, CONV2))
        whole = self._buffer("conv2", *tiles.shape).copy_(tiles).view(faces, t.m * t.tiles, t.m * t.tiles, CONV2)
        maps = F.max_pool2d(whole.permute(0, 3, 1, 2), 3, 2)
        return maps.add_(self._bias(conv2)[:, None, None]).relu_()

    def _data_points(self, name: str, x: Tensor, t: Tiling, padding: int) -> Tensor:
        """As fastconv.data_points: [n*n, B * tiles * tiles, C]."""
        rows = x.permute(0, 2, 3, 1)
        rows = F.pad(rows, (0, 0, padding, padding, padding, padding)) if padding else rows
        cut = cut_tiles(rows, t)
        flat = self._buffer(f"{name} tiles", *cut.shape).copy_(cut).view(t.n**2, -1)
        points = torch.mm(t.data, flat, out=self._buffer(f"{name} points", *flat.shape))
        return points.view(t.n**2, len(x) * t.tiles**2, -1)

    def _buffer(self, name: str, *shape: int) -> Tensor:
        """Memory of that shape, the same at every call of the name; its content is whatever was there."""
        known = self._buffers.get(name)
        if known is None or known.numel() < prod(shape):
            known = self._buffers[name] = torch.empty(prod(shape))
        return known[: prod(shape)].view(shape)

    def _carried(self) -> tuple[Tensor, Tensor, list[Tensor]]:
        if self._kernels is None:
            m = self._mcnn
            first = m.conv1.weight.permute(2, 3, 1, 0).reshape(-1, CONV1).contiguous()
            third = [kernel_points(w, _THIRD) for w in torch.split(m.conv3.weight, CONV3)]
            self._kernels = first, kernel_points(m.conv2.weight, _SECOND), third
        return self._kernels

    @staticmethod
    def _bias(conv: torch.nn.Conv2d) -> Tensor:
        assert conv.bias is not None
        return conv.bias


def suits(mcnn: Mcnn) -> bool:
    """Whether FastMcnn can stand for the network: folded, in float32 on a CPU."""
    weight = mcnn.conv1.weight
    return mcnn.normalisation is Normalisation.FOLDED and weight.device.type == "cpu" and weight.dtype == torch.float32
