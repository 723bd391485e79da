"""The fast convolutions are convolutions, forward and backward, and the fast network is the network."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from facesearch.network.fastconv import SMALLEST_BATCH, conv2d, toom_cook
from facesearch.network.inference import FastMcnn, suits
from facesearch.network.mcnn import MCNN_LAYOUT, TRUNK_LAYOUT, Layout, Mcnn, Normalisation, fold, prepare
from facesearch.vision.crop import INPUT_SIZE

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    yield


@given(st.sampled_from([(m, r) for r in (3, 5) for m in range(1, 11 - r)]), st.integers(0, 2**32 - 1))
def test_toom_cook_correlates(size: tuple[int, int], seed: int) -> None:
    m, r = size
    rng = np.random.default_rng(seed)
    data, weights = rng.normal(size=m + r - 1), rng.normal(size=r)
    back, kernel, carry = toom_cook(m, r)
    direct = [data[i : i + r] @ weights for i in range(m)]
    assert back @ ((kernel @ weights) * (carry @ data)) == pytest.approx(direct, abs=1e-9)


@pytest.mark.parametrize("side", [7, 12, 15, 19, 27])
@pytest.mark.parametrize(("kernel", "padding"), [(3, 0), (5, 1)])
def test_tiles_give_the_convolution_and_its_gradients(side: int, kernel: int, padding: int) -> None:
    conv = torch.nn.Conv2d(6, 10, kernel, padding=padding).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(SMALLEST_BATCH, 6, side, side).to(memory_format=torch.channels_last).requires_grad_()
    fast, direct = conv2d(x, conv), conv(x)
    assert _departure(fast, direct) < 1e-4
    wish = torch.randn_like(direct)
    inputs = (x, conv.weight, conv.bias)
    for mine, exact in zip(
        torch.autograd.grad(fast, inputs, wish), torch.autograd.grad(direct, inputs, wish), strict=True
    ):
        assert _departure(mine, exact) < 1e-4


def test_the_unfolded_first_convolution_and_its_gradients() -> None:
    conv = torch.nn.Conv2d(3, 10, 7, stride=4)
    x = torch.randn(SMALLEST_BATCH, 3, 63, 63)
    fast, direct = conv2d(x, conv), conv(x)
    wish = torch.randn_like(direct)
    assert _departure(fast, direct) < 1e-5
    assert (
        _departure(torch.autograd.grad(fast, conv.weight, wish)[0], torch.autograd.grad(direct, conv.weight, wish)[0])
        < 1e-5
    )


@pytest.mark.parametrize("layout", [MCNN_LAYOUT, TRUNK_LAYOUT], ids=lambda layout: layout.name)
@pytest.mark.parametrize("faces", [1, SMALLEST_BATCH, 21])
def test_the_fast_network_gives_the_networks_logits(layout: Layout, faces: int) -> None:
    network = fold(_trained_looking(layout))
    assert suits(network)
    crops = np.random.default_rng(1).integers(0, 256, (faces, INPUT_SIZE, INPUT_SIZE, 3), dtype=np.uint8)
    x = prepare(torch.from_numpy(crops), torch.tensor([120.0, 110.0, 100.0]))
    fast = FastMcnn(network)
    with torch.no_grad():
        direct = torch.cat([network(one) for one in x.split(1)])
    assert _departure(fast(x), direct) < 1e-4
    assert _departure(fast(x[: faces // 2 + 1]), direct[: faces // 2 + 1]) < 1e-4, "buffers of a larger batch"


def test_only_a_folded_network_is_stood_for() -> None:
    assert not suits(Mcnn(MCNN_LAYOUT, Normalisation.BATCH))
    assert not suits(Mcnn(MCNN_LAYOUT, Normalisation.LOCAL))


def _departure(found: torch.Tensor, exact: torch.Tensor) -> float:
    return float((found - exact).detach().norm() / exact.detach().norm())


def _trained_looking(layout: Layout) -> Mcnn:
    """A network whose batch normalisation has statistics, gains and shifts of its own."""
    network = Mcnn(layout, Normalisation.BATCH).train()
    network(torch.randn(SMALLEST_BATCH, 3, INPUT_SIZE, INPUT_SIZE))
    with torch.no_grad():
        for norm in network.norms:
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.normal_()
    return network.eval()
