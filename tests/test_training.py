"""Training reads CelebA's official layout, survives being killed, and says what is wrong with data."""

import dataclasses
import json
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from facesearch.attributes import BY_NAME
from facesearch.errors import UsageError
from facesearch.network.checkpoint import load_checkpoint
from facesearch.network.mcnn import MCNN_LAYOUT, Mcnn, Normalisation, fold, prepare
from facesearch.training import loop
from facesearch.training.augment import Augmentation
from facesearch.training.datasets import Labels, Role, read_celeba
from facesearch.training.fine_tuning import StartError, trainable, unfold
from facesearch.training.independent import train_alone
from facesearch.training.loop import Progress, TrainingError, learning_rate, train
from facesearch.training.recipe import Recipe, Stage, load_recipe
from facesearch.training.softlabels import soft_labels
from facesearch.training.targets import Targets
from tests.support.checkpoints import random_checkpoint
from tests.support.training import open_data

pytestmark = pytest.mark.slow


TINY = Recipe(
    "tiny",
    stages=(Stage("trunk", 99, 2, 1e-3, 1e-4), Stage("mcnn", 99, 1, 1e-3, 0.0)),
    batch=8,
)


def test_no_run_is_watched_on_what_it_trains_on() -> None:
    recipe = dataclasses.replace(TINY, roles=(Role.TRAIN, Role.VAL, Role.CALIBRATE), aux=(Role.EXTRA,))
    assert recipe.judging is Role.EXTRA
    assert TINY.judging is Role.VAL
    assert dataclasses.replace(recipe, roles=(Role.VAL, Role.CALIBRATE, Role.EXTRA)).judging is Role.TRAIN
    assert load_recipe("refit").judging is None, "without stages there is nothing to watch"


def test_a_killed_run_goes_on_and_ends_with_the_same_network(
    celeba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, cache = open_data(celeba)
    device = torch.device("cpu")
    unbroken, _ = train(labels, cache, TINY, tmp_path / "a", device)
    monkeypatch.setattr(loop, "SAVE_EVERY", -1.0)  # a state after every step

    class Killed(BaseException):
        pass

    for stop_at in ((1, 4), (1, 4), (2, 2)):  # in the first stage; at once; in the groups

        def kill(now: Progress, stop_at: tuple[int, int] = stop_at) -> None:
            if (now.stage, now.step) == stop_at:
                raise Killed

        with pytest.raises(Killed):
            train(labels, cache, TINY, tmp_path / "b", device, kill)
        assert _saved_at(tmp_path / "b") == (stop_at[0], stop_at[1] - 1)
    resumed, _ = train(labels, cache, TINY, tmp_path / "b", device)
    for key, value in unbroken.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key


def _saved_at(folder: Path) -> tuple[int, int]:
    """Stage, from 1, and step of the state that is saved."""
    with safe_open(folder / "state.safetensors", "pt") as file:
        about = file.metadata()
    return int(about["stage"]) + 1, int(about["step"])


def test_stages_of_the_same_layout_follow_each_other(celeba: Path, tmp_path: Path) -> None:
    labels, cache = open_data(celeba)
    groups = Stage("mcnn", 99, 1, 1e-3, 1e-4)
    for layouts in (("trunk", "trunk", "mcnn"), ("mcnn", "mcnn")):
        recipe = dataclasses.replace(TINY, stages=tuple(dataclasses.replace(groups, layout=each) for each in layouts))
        model, _ = train(labels, cache, recipe, tmp_path / "-".join(layouts), torch.device("cpu"))
        assert model.layout == MCNN_LAYOUT


def test_a_run_that_learns_from_a_teacher_and_starts_from_a_checkpoint_survives_kills_too(
    celeba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path
) -> None:
    labels, cache = open_data(celeba)
    device = torch.device("cpu")
    seen = np.random.default_rng(0).normal(size=(32, 128)).astype(np.float32)
    seen[3] = np.nan  # where the teacher saw no face
    groups = (Stage("mcnn", 99, 2, 1e-3, 1e-4), Stage("mcnn", 99, 1, 1e-4, 0.0))
    taught = dataclasses.replace(TINY, stages=groups, teacher=1.0, from_checkpoint=True, keep_outputs=True)
    start = load_checkpoint(checkpoint)

    def run(folder: Path, report: Callable[[Progress], None] | None = None) -> Mcnn:
        return train(labels, cache, taught, folder, device, report, embeddings=seen, start=start)[0]

    unbroken = run(tmp_path / "a")
    monkeypatch.setattr(loop, "SAVE_EVERY", -1.0)
    for stop_at in ((1, 3), (2, 2)):

        def kill(now: Progress, stop_at: tuple[int, int] = stop_at) -> None:
            if (now.stage, now.step) == stop_at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "b", kill)
        assert _saved_at(tmp_path / "b") == (stop_at[0], stop_at[1] - 1)
    resumed = run(tmp_path / "b")
    for key, value in unbroken.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key


def test_soft_labels_take_the_place_of_a_share_of_the_labels(celeba: Path, tmp_path: Path, checkpoint: Path) -> None:
    labels, cache = open_data(celeba)
    device, start = torch.device("cpu"), load_checkpoint(checkpoint)
    soft = soft_labels(start, cache, labels.of(Role.TRAIN), tmp_path, device)
    assert ((soft[:20] > 0) & (soft[:20] < 1)).all() and not soft[20:].any()
    turned_round = dataclasses.replace(labels, labels=1 - labels.labels)
    groups = (Stage("mcnn", 99, 1, 1e-3, 0.0),)

    def trained(share: float, of: Labels, name: str) -> Mcnn:
        recipe = dataclasses.replace(TINY, stages=groups, from_checkpoint=True, keep_outputs=True, soften=share)
        targets = Targets(of.labels.astype(np.float32), soft=soft, soften=share)
        return train(of, cache, recipe, tmp_path / name, device, start=start, targets=targets)[0]

    alone = [trained(1.0, of, f"alone-{number}").out_weight for number, of in enumerate((labels, turned_round))]
    assert alone[0].equal(alone[1])
    mixed = [trained(0.5, of, f"mixed-{number}").out_weight for number, of in enumerate((labels, turned_round))]
    assert not mixed[0].equal(mixed[1])


def test_soft_labels_are_computed_once_and_an_interrupted_run_goes_on(
    celeba: Path, tmp_path: Path, checkpoint: Path
) -> None:
    labels, cache = open_data(celeba)
    device, start = torch.device("cpu"), load_checkpoint(checkpoint)
    first = np.array(soft_labels(start, cache, labels.of(Role.TRAIN)[:8], tmp_path, device))
    seen: list[tuple[int, int]] = []
    both = soft_labels(start, cache, labels.of(Role.TRAIN), tmp_path, device, lambda *done: seen.append(done))
    assert seen == [(20, 20)]
    assert (both[:8] == first[:8]).all()
    soft_labels(start, cache, labels.of(Role.TRAIN), tmp_path, device, lambda *done: seen.append(done))
    assert seen == [(20, 20)]


def test_a_full_disk_leaves_the_state_saved_last_and_says_so(
    celeba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, cache = open_data(celeba)
    monkeypatch.setattr(loop, "SAVE_EVERY", -1.0)
    state = tmp_path / "run" / "state.safetensors"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    saved = []

    def fill_the_disk(_: object) -> None:
        if state.exists() and not saved:
            saved.append(state.read_bytes())
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))

    try:
        with pytest.raises(TrainingError, match="free some space and give the same command again"):
            train(labels, cache, TINY, tmp_path / "run", torch.device("cpu"), fill_the_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert state.read_bytes() == saved[0]
    assert not list(state.parent.glob("*.tmp"))
    train(labels, cache, TINY, tmp_path / "run", torch.device("cpu"))  # and it goes on from there


def test_a_run_begun_before_a_setting_existed_goes_on_unless_the_setting_is_used(celeba: Path, tmp_path: Path) -> None:
    labels, cache = open_data(celeba)
    folder = tmp_path / "run"
    train(labels, cache, TINY, folder, torch.device("cpu"))
    begun = json.loads((folder / "begun_with.json").read_text())
    for absent in ("keep_outputs", "from_checkpoint", "soften", "teacher", "taught"):
        del begun["recipe"][absent]
    del begun["recipe"]["augmentation"]["occlusion_p"], begun["recipe"]["stages"][0]["warm_up"]
    (folder / "begun_with.json").write_text(json.dumps(begun))
    train(labels, cache, TINY, folder, torch.device("cpu"))
    stages = (dataclasses.replace(TINY.stages[0], warm_up=0.5), TINY.stages[1])
    for used in ({"teacher": 0.5}, {"augmentation": Augmentation(occlusion_p=0.5)}, {"stages": stages}):
        with pytest.raises(TrainingError, match="another recipe"):
            train(labels, cache, dataclasses.replace(TINY, **used), folder, torch.device("cpu"))


def test_a_checkpoint_becomes_trainable_without_changing_what_it_says(checkpoint: Path) -> None:
    some, others = (
        torch.from_numpy(np.random.default_rng(i).integers(0, 256, (8, 99, 99, 3), dtype=np.uint8)) for i in range(2)
    )
    start = load_checkpoint(checkpoint)
    folded, _ = start.network()
    x, y = (prepare(crops, torch.from_numpy(start.mean)) for crops in (some, others))
    model = unfold(folded, x, dropout=0.5)
    with torch.no_grad():
        torch.testing.assert_close(model(y), folded(y), rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(fold(model)(y), folded(y), rtol=1e-3, atol=1e-4)
        # In training, a batch's own statistics are as good as the running ones: nothing jumps at the first step.
        used = model.norms[0](model.conv1(x))
        torch.testing.assert_close(model.train().norms[0](model.conv1(x)), used, rtol=1e-2, atol=1e-2)
    assert all(p.requires_grad for p in model.parameters())


def test_a_run_that_starts_from_a_checkpoint_keeps_its_layers_but_not_its_outputs(
    celeba: Path, tmp_path: Path, checkpoint: Path
) -> None:
    labels, cache = open_data(celeba)
    start, device = load_checkpoint(checkpoint), torch.device("cpu")
    still = dataclasses.replace(TINY, from_checkpoint=True, stages=(Stage("mcnn", 99, 1, 0.0, 0.0),))
    model, mean = train(labels, cache, still, tmp_path / "run", device, start=start)
    before, _ = start.network()
    assert (mean.numpy() == start.mean).all()
    assert torch.equal(model.conv2.weight, before.conv2.weight) and torch.equal(model.fc2_weight, before.fc2_weight)
    positives = labels.labels[labels.of(Role.TRAIN)].mean(axis=0).clip(1e-3, 1 - 1e-3)
    np.testing.assert_allclose(torch.sigmoid(model.out_bias).detach().numpy(), positives, rtol=1e-4)
    assert not torch.equal(model.out_weight, before.out_weight)
    kept = dataclasses.replace(still, name="kept", keep_outputs=True)
    model, _ = train(labels, cache, kept, tmp_path / "kept", device, start=start)
    assert torch.equal(model.out_weight, before.out_weight) and torch.equal(model.out_bias, before.out_bias)


def test_a_network_with_response_normalisation_is_no_start(tmp_path: Path) -> None:
    start = load_checkpoint(random_checkpoint(tmp_path / "local.safetensors", normalisation=Normalisation.LOCAL))
    with pytest.raises(StartError, match="trained with local normalisation"):
        trainable(start, torch.zeros(8, 99, 99, 3, dtype=torch.uint8), dropout=0.5)


def test_an_independent_cnn_learns_its_own_attribute_alone(celeba: Path, tmp_path: Path) -> None:
    labels, cache = open_data(celeba)
    alone = dataclasses.replace(TINY, name="alone", stages=(Stage("single", 99, 2, 1e-3, 1e-4),), mirror=False)
    rows, device = labels.of(Role.TEST), torch.device("cpu")
    smiling = train_alone(BY_NAME["Smiling"], labels, cache, rows, alone, tmp_path / "alone", device)
    assert smiling.shape == (4,) and np.isfinite(smiling).all()
    # Other labels of the other attributes change nothing; other labels of its own are another data set.
    others = labels.labels.copy()
    others[:, np.arange(40) != BY_NAME["Smiling"].index] ^= 1
    again = dataclasses.replace(labels, labels=others)
    assert (train_alone(BY_NAME["Smiling"], again, cache, rows, alone, tmp_path / "alone", device) == smiling).all()
    flipped = dataclasses.replace(labels, labels=labels.labels ^ 1)
    with pytest.raises(TrainingError, match="data set"):
        train_alone(BY_NAME["Smiling"], flipped, cache, rows, alone, tmp_path / "alone", device)
    with pytest.raises(UsageError, match="layout single"):
        train_alone(BY_NAME["Smiling"], labels, cache, rows, TINY, tmp_path / "tiny", device)


@pytest.mark.parametrize("name", ["begun_with.json", "state.safetensors"])
def test_a_damaged_state_is_named_and_what_to_do(celeba: Path, tmp_path: Path, name: str) -> None:
    labels, cache = open_data(celeba)
    train(labels, cache, TINY, tmp_path / "run", torch.device("cpu"))
    path = tmp_path / "run" / name
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(TrainingError, match=f"{name} is damaged: delete .*run, and the training starts over"):
        train(labels, cache, TINY, tmp_path / "run", torch.device("cpu"))


def test_gradients_are_the_same_each_time_with_several_threads() -> None:
    torch.manual_seed(0)
    model = Mcnn(MCNN_LAYOUT, dropout=0.0).train()
    x = torch.randn(16, 3, 99, 99)

    def gradients() -> list[torch.Tensor]:
        model.zero_grad()
        model(x).square().mean().backward()
        return [p.grad.clone() for p in model.parameters() if p.grad is not None]

    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        first = gradients()
        for _ in range(3):
            assert all(map(torch.equal, first, gradients()))
    finally:
        torch.set_num_threads(threads)


def test_a_folder_with_another_recipes_run_is_refused(celeba: Path, tmp_path: Path) -> None:
    labels, cache = open_data(celeba)
    train(labels, cache, TINY, tmp_path / "run", torch.device("cpu"))
    with pytest.raises(TrainingError, match="another recipe"):
        train(labels, cache, dataclasses.replace(TINY, seed=2), tmp_path / "run", torch.device("cpu"))


def test_a_run_begun_with_other_roles_is_refused_so_that_nobody_is_tested_who_was_trained_on(
    celeba: Path, tmp_path: Path
) -> None:
    labels, cache = open_data(celeba)
    train(labels, cache, TINY, tmp_path / "run", torch.device("cpu"))
    lines = (celeba / "list_eval_partition.txt").read_text().replace("000001.jpg 0", "000001.jpg 2")
    (celeba / "list_eval_partition.txt").write_text(lines.replace("000002.jpg 0", "000002.jpg 2"))
    with pytest.raises(TrainingError, match="another recipe, data set or start"):
        train(read_celeba(celeba), cache, TINY, tmp_path / "run", torch.device("cpu"))


def test_a_loss_that_is_no_number_stops_with_the_pass_and_the_remedy(celeba: Path, tmp_path: Path) -> None:
    labels, cache = open_data(celeba)
    wild = dataclasses.replace(TINY, stages=(Stage("trunk", 99, 2, 1e30, 1e30, 0.0),), normalisation="folded")
    with pytest.raises(TrainingError, match=r"pass [12].*lower"):
        train(labels, cache, wild, tmp_path / "run", torch.device("cpu"))


def test_no_images_of_the_role_is_said(celeba: Path, tmp_path: Path) -> None:
    labels, cache = open_data(celeba)
    with pytest.raises(TrainingError, match="no images of role extra"):
        train(labels, cache, dataclasses.replace(TINY, roles=(Role.EXTRA,)), tmp_path / "run", torch.device("cpu"))


def test_the_learning_rate_warms_up_and_falls_to_its_end() -> None:
    stage = Stage("trunk", 131, 1, rate=2e-3, end_rate=1e-4, warm_up=0.1)
    assert learning_rate(stage, 0.05) == pytest.approx(1e-3)
    assert learning_rate(stage, 0.1) == pytest.approx(2e-3)
    assert learning_rate(stage, 1.0) == pytest.approx(1e-4)
