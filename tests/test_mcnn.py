"""The network is the paper's: its parameters, its groups, its normalisation, and it looks at the whole face."""

import numpy as np
import pytest
import torch

from facesearch.attributes import ATTRIBUTES, Group, members
from facesearch.network.mcnn import (
    MCNN_LAYOUT,
    SINGLE_LAYOUT,
    TRUNK_LAYOUT,
    Aux,
    Mcnn,
    Normalisation,
    expand,
    fold,
    parameter_count,
    prepare,
)
from facesearch.vision.crop import INPUT_SIZE

pytestmark = pytest.mark.slow


def _faces(n: int = 2, size: int = INPUT_SIZE) -> torch.Tensor:
    crops = np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)
    return prepare(torch.from_numpy(crops), torch.tensor([120.0, 110.0, 100.0]))


def _trained_looking(layout: object = MCNN_LAYOUT) -> Mcnn:
    """A network whose batch normalisation has statistics, gains and shifts of its own."""
    torch.manual_seed(0)
    network = Mcnn(layout, Normalisation.BATCH).train()  # type: ignore[arg-type]
    network(_faces(8))
    with torch.no_grad():
        for norm in network.norms:
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.normal_()
    return network.eval()


@pytest.mark.parametrize("normalisation", [Normalisation.LOCAL, Normalisation.FOLDED])
def test_the_papers_parameter_counts(normalisation: Normalisation) -> None:
    assert parameter_count(Mcnn(MCNN_LAYOUT, normalisation)) == 11_546_732
    assert parameter_count(Aux()) == 1_640
    assert parameter_count(Mcnn(SINGLE_LAYOUT, normalisation)) == 1_804_681


def test_the_groups_of_table_1_have_branches_of_their_own() -> None:
    assert len(MCNN_LAYOUT.units) == 6
    assert sorted(len(b) for b in MCNN_LAYOUT.branches) == sorted(len(members(g)) for g in Group)
    assert sorted(i for b in MCNN_LAYOUT.branches for i in b) == [a.index for a in ATTRIBUTES]


@pytest.mark.parametrize("normalisation", list(Normalisation))
def test_every_part_of_the_input_receives_gradient(normalisation: Normalisation) -> None:
    torch.manual_seed(0)
    x = _faces(4).requires_grad_(True)
    Mcnn(MCNN_LAYOUT, normalisation).eval()(x).sum().backward()
    assert x.grad is not None
    seen = x.grad.abs().sum(dim=(0, 1)) > 0
    half = INPUT_SIZE // 2
    for rows in (slice(0, half), slice(half, None)):
        for columns in (slice(0, half), slice(half, None)):
            assert seen[rows, columns].float().mean() > 0.9
    # The bottom rows show neckties and double chins: the geometry must not drop them.
    assert seen[-12:-4].float().mean() > 0.9


def test_a_network_is_folded_on_the_device_that_trained_it() -> None:
    assert fold(Mcnn().to("meta")).conv1.weight.device.type == "meta"


def test_folding_batch_normalisation_keeps_the_function() -> None:
    network = _trained_looking()
    with torch.no_grad():
        torch.testing.assert_close(fold(network)(_faces()), network(_faces()), rtol=1e-4, atol=1e-3)


def test_a_trunk_copied_into_the_groups_keeps_the_function() -> None:
    trunk = _trained_looking(TRUNK_LAYOUT)
    with torch.no_grad():
        torch.testing.assert_close(expand(trunk).eval()(_faces()), trunk(_faces()), rtol=1e-4, atol=1e-4)


def test_an_attribute_depends_on_its_own_branch_only() -> None:
    network = fold(_trained_looking())
    with torch.no_grad():
        before = network(_faces())
        network.fc1_bias[0].add_(5.0)  # the Gender branch
        changed = (network(_faces()) - before).abs().sum(dim=0) > 0
    assert changed.nonzero().flatten().tolist() == [a.index for a in members(Group.GENDER)]


def test_response_normalisation_does_not_mix_the_conv3_units() -> None:
    torch.manual_seed(0)
    network = Mcnn(MCNN_LAYOUT, Normalisation.LOCAL).eval()
    with torch.no_grad():
        before = network(_faces())
        network.conv3.weight[300:600].mul_(30)  # the Nose unit
        changed = (network(_faces()) - before).abs().sum(dim=0) > 0
    assert changed.nonzero().flatten().tolist() == [a.index for a in members(Group.NOSE)]


def test_aux_starts_as_the_identity() -> None:
    logits = torch.randn(5, 40)
    torch.testing.assert_close(Aux()(logits), logits)
