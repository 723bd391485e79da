"""A checkpoint is read back as written, is never half written, and anything else is refused in one sentence."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from facesearch.attributes import NAMES
from facesearch.network.checkpoint import (
    CheckpointError,
    load_checkpoint,
    packaged_checkpoint,
    save_checkpoint,
)
from facesearch.network.mcnn import Aux, Mcnn, Normalisation, parameter_count, prepare
from facesearch.network.scorer import Scorer
from facesearch.network.views import Views
from tests.support.powers import files_no_larger_than

pytestmark = pytest.mark.slow

SMALL = {
    "mean": np.array([120, 110, 100], np.float32),
    "calibration.scale": np.linspace(0.5, 1.5, 40, dtype=np.float32),
    "calibration.bias": np.linspace(-1, 1, 40, dtype=np.float32),
    "profile.mean": np.zeros(40, np.float32),
    "profile.matrix": np.eye(40, dtype=np.float32),
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "checkpoint.safetensors"
    about = {"mirror": True, "data": "noise", "terms": "research"}
    save_checkpoint(path, Mcnn(normalisation=Normalisation.FOLDED), Aux(), SMALL, about)
    return path


def _rewrite(path: Path, tensors: dict[str, torch.Tensor], **changes: object) -> None:
    checkpoint = load_checkpoint(path)
    save_file(tensors, path, {"facesearch": json.dumps({**checkpoint.metadata, **changes})})


def test_what_is_saved_is_read_back(saved: Path) -> None:
    checkpoint = load_checkpoint(saved)
    np.testing.assert_array_equal(checkpoint.calibration_bias, SMALL["calibration.bias"])
    assert checkpoint.metadata["terms"] == "research"
    assert checkpoint.digest == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert checkpoint.scoring_model().attributes == NAMES


def test_a_file_that_was_replaced_after_it_was_opened_is_refused(saved: Path) -> None:
    opened = load_checkpoint(saved)
    save_checkpoint(saved, Mcnn(normalisation=Normalisation.FOLDED), Aux(), SMALL, dict(opened.metadata))
    with pytest.raises(CheckpointError, match="replaced in the meantime"):
        opened.network()


def test_weights_are_kept_in_half_precision_and_count_as_the_paper_says(saved: Path) -> None:
    assert {t.dtype for k, t in load_file(saved).items() if k.startswith(("mcnn.", "aux."))} == {torch.float16}
    assert parameter_count(*load_checkpoint(saved).network()) == 11_546_732 + 1_640


def test_scores_are_averaged_with_the_mirrored_face(saved: Path) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (3, 227, 227, 3), dtype=np.uint8)
    scorer = Scorer(load_checkpoint(saved), "cpu")
    mirrored = np.ascontiguousarray(crops[:, :, ::-1])
    np.testing.assert_allclose(scorer.score(crops), scorer.score(mirrored), atol=1e-4)
    assert scorer.score(crops[:0]).shape == (0, 40)


def test_scores_are_averaged_with_what_is_seen_from_nearer(saved: Path) -> None:
    """The nearer view is the middle nine tenths: what stands at the edge counts in the plain one alone."""
    crops = np.random.default_rng(0).integers(0, 256, (2, 227, 227, 3), dtype=np.uint8)
    plain, edges = torch.from_numpy(crops).permute(0, 3, 1, 2).float(), crops.copy()
    edges[:, -15:] = edges[:, :, :8] = edges[:, :, -8:] = 0
    views = Views(mirror=True, nearer=True)
    seen = views.of(plain)
    assert [tuple(each.shape) for each in seen] == [(2, 3, 227, 227)] * 4
    for whole, mirrored in zip(seen[:2], seen[2:], strict=True):
        torch.testing.assert_close(mirrored, whole.flip(3))
    torch.testing.assert_close(seen[1], views.of(torch.from_numpy(edges).permute(0, 3, 1, 2).float())[1])

    _rewrite(saved, load_file(saved), nearer=True)
    checkpoint = load_checkpoint(saved)
    mcnn, aux = checkpoint.network()
    with torch.no_grad():
        each = [
            mcnn(view)
            for view in checkpoint.views.of(prepare(torch.from_numpy(crops), torch.from_numpy(checkpoint.mean)))
        ]
        expected = aux(torch.stack(each).mean(0))
    np.testing.assert_allclose(Scorer(checkpoint, "cpu").score(crops), expected.numpy(), atol=1e-4)


def test_a_face_scores_alike_alone_and_among_many(saved: Path) -> None:
    _rewrite(saved, load_file(saved), nearer=True)
    scorer = Scorer(load_checkpoint(saved), "cpu")
    crops = np.random.default_rng(0).integers(0, 256, (33, 227, 227, 3), dtype=np.uint8)
    np.testing.assert_allclose(scorer.score(crops)[7], scorer.score(crops[7:8])[0], atol=1e-4)


def test_weights_that_are_no_numbers_are_refused(saved: Path) -> None:
    tensors = load_file(saved)
    tensors["mcnn.conv2.weight"][3] = float("nan")
    _rewrite(saved, tensors)
    with pytest.raises(CheckpointError, match="weights that are no numbers"):
        load_checkpoint(saved)


@pytest.mark.parametrize("found", ["batch", "strange"])
def test_a_normalisation_that_is_never_saved_is_refused(saved: Path, found: str) -> None:
    _rewrite(saved, load_file(saved), normalisation=found)
    with pytest.raises(CheckpointError, match="a normalisation that no saved network has"):
        load_checkpoint(saved)


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a network")
    with pytest.raises(CheckpointError, match="is no facesearch checkpoint"):
        load_checkpoint(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_another_networks_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="is no facesearch checkpoint"):
        load_checkpoint(path)


def test_a_wrong_shape_is_refused_and_named(saved: Path) -> None:
    tensors = load_file(saved)
    tensors["mcnn.conv2.weight"] = torch.zeros(100, 75, 5, 5)
    _rewrite(saved, tensors)
    with pytest.raises(CheckpointError, match=r"mcnn\.conv2\.weight has the shape \[100, 75, 5, 5\]"):
        load_checkpoint(saved)


def test_a_missing_layer_is_refused_and_named(saved: Path) -> None:
    tensors = load_file(saved)
    del tensors["aux.weight"]
    _rewrite(saved, tensors)
    with pytest.raises(CheckpointError, match=r"aux\.weight is missing"):
        load_checkpoint(saved)


def test_a_wrong_calibration_shape_is_refused(saved: Path) -> None:
    tensors = load_file(saved)
    tensors["calibration.scale"] = torch.zeros(39)
    _rewrite(saved, tensors)
    with pytest.raises(CheckpointError, match=r"calibration\.scale"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"attributes": ["Bald"]}, "other attributes"),
        ({"crop": {"size": 227, "side": 1.0, "padding": "black"}}, "another crop"),
        ({"format": 99}, "another version"),
    ],
)
def test_a_checkpoint_that_would_be_misread_is_refused(saved: Path, change: dict[str, object], says: str) -> None:
    _rewrite(saved, load_file(saved), **change)
    with pytest.raises(CheckpointError, match=says):
        load_checkpoint(saved)


def test_a_checkpoint_that_does_not_say_all_is_refused(saved: Path) -> None:
    checkpoint = load_checkpoint(saved)
    incomplete = {key: value for key, value in checkpoint.metadata.items() if key not in ("mirror", "terms")}
    save_file(load_file(saved), saved, {"facesearch": json.dumps(incomplete)})
    with pytest.raises(CheckpointError, match="does not say its mirror, terms"):
        load_checkpoint(saved)


def test_a_failed_write_leaves_the_file_that_was_there(saved: Path, tmp_path: Path) -> None:
    before = saved.read_bytes()
    with files_no_larger_than(1_000_000), pytest.raises(CheckpointError, match="cannot be written"):
        save_checkpoint(saved, Mcnn(normalisation=Normalisation.FOLDED), Aux(), SMALL, {"mirror": True})
    assert saved.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [saved.name]


def test_the_packaged_checkpoint_is_complete() -> None:
    checkpoint = load_checkpoint(packaged_checkpoint())
    assert parameter_count(*checkpoint.network()) == 11_546_732 + 1_640
    assert "non-commercial" in checkpoint.metadata["terms"]
    assert checkpoint.metadata["figures"]["test"]["accuracy"] >= 90.0
    assert checkpoint.metadata["figures"]["test"]["average_precision"] >= 73.0
