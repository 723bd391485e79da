"""MCNN and AUX (Hand & Chellappa, AAAI 2017, "Architecture" and "MCNN-AUX"), and the single CNN they are compared with.

The paper leaves strides and paddings open. These give its parameter counts and let every part of the face count:
input 227, conv1 stride 4 without padding, pools 3x3 stride 2, conv2 padding 1, conv3 without padding, last pool 5x5
stride 5, so that 10x10 divides evenly and FC1 sees 2x2 maps.

    227 -conv1-> 56 -pool-> 27 -conv2-> 25 -pool-> 12 -conv3-> 10 -pool-> 2
"""

from dataclasses import dataclass
from enum import StrEnum

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesearch.attributes import ATTRIBUTES, Group, members
from facesearch.network.fastconv import conv2d

CONV1, CONV2, CONV3, FC = 75, 200, 300, 512
POOLED = 2
PIXEL_SCALE = 1 / 64
"""Pixels (0..255) have the mean subtracted and are multiplied by this: inputs of about unit size."""


class Normalisation(StrEnum):
    """LOCAL: the paper's 5x5 response normalisation. BATCH: after every layer, for training. FOLDED: batch
    normalisation multiplied into the weights, for use; the parameters are then exactly the paper's."""

    LOCAL = "local"
    BATCH = "batch"
    FOLDED = "folded"


@dataclass(frozen=True, slots=True)
class Layout:
    """Which attributes share which layers.

    units: one Conv3 each; a unit holds branches, one FC1 and FC2 each; a branch holds the indices of its attributes.
    """

    name: str
    units: tuple[tuple[tuple[int, ...], ...], ...]

    @property
    def branches(self) -> tuple[tuple[int, ...], ...]:
        """All branches, unit by unit."""
        return tuple(b for unit in self.units for b in unit)

    @property
    def outputs(self) -> int:
        """Number of attributes."""
        return sum(len(b) for b in self.branches)


def _grouped() -> Layout:
    own = (Group.GENDER, Group.NOSE, Group.MOUTH, Group.EYES, Group.FACE)
    other = (Group.AROUND_HEAD, Group.FACIAL_HAIR, Group.CHEEKS, Group.FAT)  # share Conv3Other
    indices = {g: tuple(a.index for a in members(g)) for g in Group}
    return Layout("mcnn", (*((indices[g],) for g in own), tuple(indices[g] for g in other)))


MCNN_LAYOUT = _grouped()
"""The paper's: six Conv3, nine branches (Table 1)."""

TRUNK_LAYOUT = Layout("trunk", ((tuple(a.index for a in ATTRIBUTES),),))
"""One Conv3 and one branch for all 40: a cheap start, copied into the groups by `expand`."""

SINGLE_LAYOUT = Layout("single", (((0,),),))
"""One attribute alone: the paper's independent CNN."""

LAYOUTS = {layout.name: layout for layout in (MCNN_LAYOUT, TRUNK_LAYOUT, SINGLE_LAYOUT)}


class Mcnn(nn.Module):
    """Images to logits, one for each attribute of the layout.

    The Conv3 of all units look at the same maps, so they are one convolution; the branches' FC layers are batched
    matrix products. Inputs other than 227 (training at reduced size) pool to the same 2x2.
    """

    def __init__(
        self, layout: Layout = MCNN_LAYOUT, normalisation: Normalisation = Normalisation.BATCH, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.layout, self.normalisation, self.dropout = layout, normalisation, dropout
        units, branches, outputs = len(layout.units), len(layout.branches), layout.outputs
        self.conv1 = nn.Conv2d(3, CONV1, 7, stride=4)
        self.conv2 = nn.Conv2d(CONV1, CONV2, 5, padding=1)
        self.conv3 = nn.Conv2d(CONV2, CONV3 * units, 3)
        flat = CONV3 * POOLED * POOLED
        self.fc1_weight = nn.Parameter(torch.empty(branches, flat, FC))
        self.fc1_bias = nn.Parameter(torch.zeros(branches, FC))
        self.fc2_weight = nn.Parameter(torch.empty(branches, FC, FC))
        self.fc2_bias = nn.Parameter(torch.zeros(branches, FC))
        self.out_weight = nn.Parameter(torch.empty(outputs, FC))
        self.out_bias = nn.Parameter(torch.zeros(outputs))
        batch = normalisation is Normalisation.BATCH
        self.norms = nn.ModuleList(
            [
                nn.BatchNorm2d(CONV1),
                nn.BatchNorm2d(CONV2),
                nn.BatchNorm2d(CONV3 * units),
                nn.BatchNorm1d(branches * FC),
                nn.BatchNorm1d(branches * FC),
            ]
            if batch
            else []
        )
        unit_of = [u for u, unit in enumerate(layout.units) for _ in unit]
        branch_of = [0] * outputs
        for b, indices in enumerate(layout.branches):
            for i in indices:
                branch_of[i] = b
        self.register_buffer("unit_of", torch.tensor(unit_of), persistent=False)
        self.register_buffer("branch_of", torch.tensor(branch_of), persistent=False)
        self._initialise()

    unit_of: Tensor
    branch_of: Tensor

    def _initialise(self) -> None:
        for conv in (self.conv1, self.conv2, self.conv3):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        for weight in (self.fc1_weight, self.fc2_weight):
            nn.init.normal_(weight, std=(2 / weight.shape[1]) ** 0.5)
        nn.init.normal_(self.out_weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """x: float [B, 3, S, S], normalised by `prepare`. Returns logits [B, attributes of the layout]."""
        return self.heads(self.pooled(x))

    def pooled(self, x: Tensor) -> Tensor:
        """What the convolutions make of x: [B, 300 x units, 2, 2] after the last pool."""
        x = F.max_pool2d(self._act(conv2d(x, self.conv1), 0), 3, 2)
        x = self._local(x, 1)
        x = F.max_pool2d(self._act(conv2d(x, self.conv2), 1), 3, 2)
        x = self._local(x, 1)
        x = self._pool(self._act(conv2d(x, self.conv3), 2))
        return self._local(x, len(self.layout.units))

    def heads(self, pooled: Tensor) -> Tensor:
        """pooled: [B, 300 x units, 2, 2]. Returns logits."""
        return self.from_fc1(self.fc1(pooled))

    def fc1(self, pooled: Tensor) -> Tensor:
        """The branches' first fully connected layers, [branches, B, 512], before dropout."""
        flat = pooled.reshape(len(pooled), len(self.layout.units), -1).transpose(0, 1)  # [units, B, 1200]
        h = torch.baddbmm(self.fc1_bias[:, None], flat.index_select(0, self.unit_of), self.fc1_weight)
        return self._branch_act(h, 3)

    def from_fc1(self, h: Tensor) -> Tensor:
        """fc1's output to logits."""
        h = F.dropout(h, self.dropout, self.training)
        h = torch.baddbmm(self.fc2_bias[:, None], h, self.fc2_weight)
        h = F.dropout(self._branch_act(h, 4), self.dropout, self.training)
        return torch.einsum("abk,ak->ba", h.index_select(0, self.branch_of), self.out_weight) + self.out_bias

    def _act(self, x: Tensor, norm: int) -> Tensor:
        return F.relu(self.norms[norm](x) if self.norms else x)

    def _branch_act(self, h: Tensor, norm: int) -> Tensor:
        if self.norms:
            branches, n, width = h.shape
            flat = self.norms[norm](h.transpose(0, 1).reshape(n, branches * width))
            h = flat.reshape(n, branches, width).transpose(0, 1)
        return F.relu(h)

    def _local(self, x: Tensor, units: int) -> Tensor:
        """The paper's "5x5 Normalization": across five neighbouring channels, never across units (Caffe's
        constants)."""
        if self.normalisation is not Normalisation.LOCAL:
            return x
        n, channels, height, width = x.shape
        x = x.reshape(n * units, channels // units, height, width)
        return F.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0).reshape(n, channels, height, width)

    def _pool(self, x: Tensor) -> Tensor:
        return F.max_pool2d(x, 5, 5) if x.shape[-1] == 5 * POOLED else F.adaptive_max_pool2d(x, POOLED)


class Aux(nn.Module):
    """The paper's AUX: one fully connected layer from 40 scores to 40 (1,640 parameters; the paper's "16000" cannot be
    this layer). Starts as the identity."""

    def __init__(self, outputs: int = len(ATTRIBUTES)) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, logits: Tensor) -> Tensor:
        """logits: [B, 40] of MCNN. Returns logits [B, 40]."""
        return F.linear(logits, self.weight, self.bias)


def prepare(crops: Tensor, mean: Tensor) -> Tensor:
    """uint8 RGB [B, S, S, 3] and per-channel mean [3] (0..255) to the network's float32 input [B, 3, S, S].

    The memory keeps the channels last, the order in which the convolutions run fastest.
    """
    return (crops.to(torch.float32).sub_(mean).mul_(PIXEL_SCALE)).permute(0, 3, 1, 2)


def parameter_count(*modules: nn.Module) -> int:
    """Number of trained values."""
    return sum(p.numel() for m in modules for p in m.parameters())


@torch.no_grad()
def fold(trained: Mcnn) -> Mcnn:
    """The same function with every batch normalisation multiplied into the layer before it (in evaluation mode)."""
    if trained.normalisation is not Normalisation.BATCH:
        return trained
    folded = Mcnn(trained.layout, Normalisation.FOLDED, trained.dropout).to(trained.conv1.weight.device)
    folded.load_state_dict({k: v for k, v in trained.state_dict().items() if not k.startswith("norms.")})
    for i, conv in enumerate((folded.conv1, folded.conv2, folded.conv3)):
        gain, shift = _affine(trained.norms[i])
        conv.weight.mul_(gain[:, None, None, None])
        assert conv.bias is not None
        conv.bias.mul_(gain).add_(shift)
    for i, (weight, bias) in enumerate(
        ((folded.fc1_weight, folded.fc1_bias), (folded.fc2_weight, folded.fc2_bias)), start=3
    ):
        gain, shift = (t.reshape(bias.shape) for t in _affine(trained.norms[i]))
        weight.mul_(gain[:, None])
        bias.mul_(gain).add_(shift)
    return folded.eval()


def _affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Batch normalisation with running statistics as x -> gain * x + shift."""
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    assert norm.running_mean is not None and norm.running_var is not None
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return gain, norm.bias - norm.running_mean * gain


def expand(trunk: Mcnn, layout: Layout = MCNN_LAYOUT) -> Mcnn:
    """Copy a trunk's one Conv3 and one branch into every unit and branch of a layout: the same function, now free to
    differ between groups."""
    grown = Mcnn(layout, trunk.normalisation, trunk.dropout)
    times = {"units": len(layout.units), "branches": len(layout.branches)}
    state = {}
    for key, value in trunk.state_dict().items():
        copies = times[kind] if (kind := _kind(key)) else 1
        state[key] = value.repeat(copies, *[1] * (value.dim() - 1)) if copies > 1 and value.dim() else value
    grown.load_state_dict(state)
    return grown


def _kind(key: str) -> str:
    if key.startswith(("conv3.", "norms.2.")):
        return "units"
    return "branches" if key.startswith(("fc1_", "fc2_", "norms.3.", "norms.4.")) else ""
