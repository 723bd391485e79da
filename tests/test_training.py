"""Training reads CelebA's official layout, survives being killed, and says what is wrong with data."""

import dataclasses
import json
import resource
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from db.lock import exclusive
from facesearch.attributes import BY_NAME, NAMES
from facesearch.errors import UsageError
from facesearch.network.checkpoint import load_checkpoint
from facesearch.network.mcnn import MCNN_LAYOUT, Mcnn, Normalisation, fold, prepare
from facesearch.training import loop
from facesearch.training.augment import Augmentation
from facesearch.training.datasets import (
    DatasetError,
    FaceCache,
    Labels,
    Role,
    cache_folder,
    facecache,
    open_cache,
    open_role,
    read_celeba,
)
from facesearch.training.independent import train_alone
from facesearch.training.kept import kept
from facesearch.training.loop import Progress, TrainingError, learning_rate, train
from facesearch.training.recipe import Recipe, RecipeError, Stage, load_recipe, recipe_names
from facesearch.training.softlabels import soft_labels
from facesearch.training.start import StartError, trainable, unfold
from facesearch.training.targets import Targets
from facesearch.vision.detection import iou
from tests.support import labelled
from tests.support.checkpoints import random_checkpoint
from tests.support.labelled import noise
from tests.support.powers import files_no_larger_than

pytestmark = pytest.mark.slow

GALLERY = Path(__file__).parent / "gallery"

TINY = Recipe(
    "tiny",
    stages=(Stage("trunk", 99, 2, 1e-3, 1e-4), Stage("mcnn", 99, 1, 1e-3, 0.0)),
    batch=8,
)


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    """32 pictures of noise in the official layout: 20 train, 8 val, 4 test; two persons' pictures each."""
    pictures = [noise(48, 64, seed) for seed in range(32)]
    return labelled.celeba(tmp_path / "celeba", pictures, [0] * 20 + [1] * 8 + [2] * 4)


def _open(root: Path) -> tuple[Labels, FaceCache]:
    labels = read_celeba(root)
    return labels, open_cache(labels, root.parent / "cache")


def test_official_layout_without_roles_splits_val_in_two_by_person(celeba: Path) -> None:
    labels = read_celeba(celeba)
    assert [len(labels.of(r)) for r in (Role.TRAIN, Role.VAL, Role.CALIBRATE, Role.TEST)] == [20, 4, 4, 4]
    assert not set(labels.identities[labels.of(Role.VAL)]) & set(labels.identities[labels.of(Role.CALIBRATE)])


def test_a_role_list_is_obeyed(celeba: Path) -> None:
    lines = (celeba / "list_eval_partition.txt").read_text().split("\n")[:-1]
    (celeba / "list_role.txt").write_text("".join(f"{line.split()[0]} extra\n" for line in lines))
    assert len(read_celeba(celeba).of(Role.EXTRA)) == 32


def test_two_commands_that_prepare_the_same_faces_do_not_mix_them(celeba: Path, tmp_path: Path) -> None:
    labels = read_celeba(celeba)
    (tmp_path / "cache").mkdir()
    with exclusive(tmp_path / "cache" / ".lock"), pytest.raises(DatasetError, match="Another command"):
        open_cache(labels, tmp_path / "cache")
    assert len(open_cache(labels, tmp_path / "cache").records) == 32


def test_who_needs_one_role_looks_at_no_other_picture(celeba: Path, tmp_path: Path) -> None:
    labels = read_celeba(celeba)
    for row in labels.of(Role.TRAIN):
        (labels.photos / labels.names[row]).write_bytes(b"no picture")
    some, cache = open_role(labels, tmp_path / "work", Role.TEST)
    assert len(cache.records) == len(some.names) == 4
    assert some.labels.tolist() == labels.labels[labels.of(Role.TEST)].tolist()


def test_who_needs_one_role_takes_it_from_the_faces_of_all_where_they_are_kept(celeba: Path, tmp_path: Path) -> None:
    labels = read_celeba(celeba)
    open_cache(labels, cache_folder(tmp_path / "work", labels.dataset))
    some, cache = open_role(labels, tmp_path / "work", Role.TEST)
    assert len(cache.records) == len(some.names) == 32


def test_faces_that_were_mixed_up_are_not_used(celeba: Path) -> None:
    labels, _ = _open(celeba)
    records = celeba.parent / "cache" / "records.bin"
    content = records.read_bytes()
    size = len(content) // 32
    records.write_bytes(content[size : 2 * size] + content[:size] + content[2 * size :])
    with pytest.raises(DatasetError, match="damaged: delete the folder"):
        open_cache(labels, celeba.parent / "cache")


def test_a_stamp_that_a_power_failure_left_empty_is_told(celeba: Path) -> None:
    labels, _ = _open(celeba)
    (celeba.parent / "cache" / "cache.json").write_text("")
    with pytest.raises(DatasetError, match="delete it"):
        open_cache(labels, celeba.parent / "cache")


def test_numbers_that_take_long_are_kept_face_by_face(tmp_path: Path) -> None:
    asked: list[int] = []

    def squares(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for rows in chunks:
            asked.extend(rows.tolist())
            yield np.stack([rows, rows**2], axis=1).astype(np.float32)

    def interrupted(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        found = squares(chunks)
        yield next(found)
        raise KeyboardInterrupt

    rows = np.arange(0, 400, 2)
    with pytest.raises(KeyboardInterrupt):
        kept(tmp_path / "numbers", (500, 2), rows, interrupted)
    first = len(asked)
    assert 0 < first < len(rows)
    numbers = kept(tmp_path / "numbers", (500, 2), rows, squares)
    np.testing.assert_array_equal(numbers[rows], np.stack([rows, rows**2], axis=1))
    assert sorted(asked) == rows.tolist(), "what was computed before is not computed again"
    assert not numbers[1::2].any()
    kept(tmp_path / "numbers", (500, 2), np.array([1]), squares)
    again = kept(tmp_path / "numbers", (500, 2), rows, squares)
    np.testing.assert_array_equal(again, numbers, "what somebody else asked for is not given")


def test_two_commands_that_compute_the_same_numbers_do_not_mix_them(tmp_path: Path) -> None:
    def ones(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        return (np.ones((len(rows), 2), np.float32) for rows in chunks)

    with exclusive(tmp_path / "numbers.lock"), pytest.raises(DatasetError, match="wait for it"):
        kept(tmp_path / "numbers", (4, 2), np.arange(4), ones)


def test_a_full_disk_is_one_sentence_and_the_numbers_go_on_later(tmp_path: Path) -> None:
    def ones(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        return (np.ones((len(rows), 64), np.float32) for rows in chunks)

    rows = np.arange(256)
    with files_no_larger_than(256 * 64 * 2), pytest.raises(DatasetError, match="free some space"):
        kept(tmp_path / "numbers", (256, 64), rows, ones)
    assert kept(tmp_path / "numbers", (256, 64), rows, ones)[rows].all()


@pytest.mark.parametrize("key", ["aux", "calibration"])
def test_a_recipe_that_could_not_be_finished_is_refused_before_the_hours(tmp_path: Path, key: str) -> None:
    text = f'{key} = []\n[[stages]]\nlayout = "mcnn"\ninput = 227\npasses = 1\nrate = 1e-3\nend_rate = 0.0\n'
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(RecipeError, match="at least one role"):
        load_recipe(str(tmp_path / "mine.toml"))


def test_no_run_is_watched_on_what_it_trains_on() -> None:
    recipe = dataclasses.replace(TINY, roles=(Role.TRAIN, Role.VAL, Role.CALIBRATE), aux=(Role.EXTRA,))
    assert recipe.judging is Role.EXTRA
    assert TINY.judging is Role.VAL
    assert dataclasses.replace(recipe, roles=(Role.VAL, Role.CALIBRATE, Role.EXTRA)).judging is Role.TRAIN
    assert load_recipe("refit").judging is None, "without stages there is nothing to watch"


def test_without_identities_each_image_is_its_own_person_and_the_metadata_says_so(celeba: Path) -> None:
    (celeba / "identity_CelebA.txt").unlink()
    labels = read_celeba(celeba)
    assert len(set(labels.identities.tolist())) == 32
    assert "identities unknown" in labels.in_words()


def test_listed_images_that_are_not_there_are_skipped_and_counted(celeba: Path) -> None:
    (celeba / "img_align_celeba" / "000003.jpg").unlink()
    labels = read_celeba(celeba)
    assert labels.skipped == 1
    assert "000003.jpg" not in labels.names


@pytest.mark.parametrize(
    ("break_it", "named"),
    [
        (lambda r: (r / "list_attr_celeba.txt").unlink(), "list_attr_celeba.txt"),
        (lambda r: (r / "list_eval_partition.txt").write_text("000001.jpg\n"), "list_eval_partition.txt, line 1"),
        (lambda r: (r / "list_eval_partition.txt").write_text("000001.jpg 0\n"), "000002.jpg"),
        (
            lambda r: (r / "list_attr_celeba.txt").write_text("1\nBald Young\n"),
            "lacks 5_o_Clock_Shadow, .* and 33 others",
        ),
        (lambda r: (r / "list_role.txt").write_text(""), "list_role.txt is empty"),
        (lambda r: _drop_line(r / "identity_CelebA.txt"), "does not say who is on"),
        (lambda r: _double_line(r / "list_attr_celeba.txt"), "more than once"),
        (lambda r: (r / "img_align_celeba").rename(r / "images"), "img_align_celeba/"),
        (lambda r: (r / "identity_CelebA.txt").write_text("000001.jpg Jane\n"), "identity_CelebA.txt"),
        (lambda r: (r / "list_eval_partition.txt").write_bytes(b"\xff\xfe\x00"), "list_eval_partition.txt"),
    ],
)
def test_a_wrong_data_set_is_one_sentence_that_names_the_file(celeba: Path, break_it, named: str) -> None:  # type: ignore[no-untyped-def]
    break_it(celeba)
    with pytest.raises(DatasetError, match=named):
        read_celeba(celeba)


def test_a_label_line_with_a_missing_column_is_named(celeba: Path) -> None:
    path = celeba / "list_attr_celeba.txt"
    lines = path.read_text().split("\n")
    lines[4] = lines[4].rsplit(" ", 1)[0]
    path.write_text("\n".join(lines))
    with pytest.raises(DatasetError, match="line 5"):
        read_celeba(celeba)


def test_a_data_set_of_several_chunks_is_cut_by_several_processes_in_order(
    celeba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, whole = _open(celeba)
    monkeypatch.setattr(facecache, "_CHUNK", 7)
    parts = open_cache(labels, tmp_path / "in-parts")
    assert (parts.records == whole.records).all()
    assert (parts.pixels == whole.pixels).all()


def test_the_cache_is_completed_after_an_interruption(celeba: Path) -> None:
    labels, whole = _open(celeba)
    folder = celeba.parent / "cache"
    expected = [whole.region(i)[0].copy() for i in range(32)]
    # As a kill would leave it: some records, half a record, and pixels that belong to none.
    records = (folder / "records.bin").read_bytes()
    size = len(records) // 32
    (folder / "records.bin").write_bytes(records[: 11 * size + 5])
    again = open_cache(labels, folder)
    assert all((again.region(i)[0] == e).all() for i, e in enumerate(expected))


def _drop_line(path: Path) -> None:
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")


def _double_line(path: Path) -> None:
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")


def test_a_killed_run_goes_on_and_ends_with_the_same_network(
    celeba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, cache = _open(celeba)
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
    labels, cache = _open(celeba)
    groups = Stage("mcnn", 99, 1, 1e-3, 1e-4)
    for layouts in (("trunk", "trunk", "mcnn"), ("mcnn", "mcnn")):
        recipe = dataclasses.replace(TINY, stages=tuple(dataclasses.replace(groups, layout=each) for each in layouts))
        model, _ = train(labels, cache, recipe, tmp_path / "-".join(layouts), torch.device("cpu"))
        assert model.layout == MCNN_LAYOUT


def test_a_run_that_learns_from_a_teacher_and_starts_from_a_checkpoint_survives_kills_too(
    celeba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path
) -> None:
    labels, cache = _open(celeba)
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
    labels, cache = _open(celeba)
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
    labels, cache = _open(celeba)
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
    labels, cache = _open(celeba)
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
    labels, cache = _open(celeba)
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
    labels, cache = _open(celeba)
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
    labels, cache = _open(celeba)
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
    labels, cache = _open(celeba)
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
    labels, cache = _open(celeba)
    train(labels, cache, TINY, tmp_path / "run", torch.device("cpu"))
    with pytest.raises(TrainingError, match="another recipe"):
        train(labels, cache, dataclasses.replace(TINY, seed=2), tmp_path / "run", torch.device("cpu"))


def test_a_run_begun_with_other_roles_is_refused_so_that_nobody_is_tested_who_was_trained_on(
    celeba: Path, tmp_path: Path
) -> None:
    labels, cache = _open(celeba)
    train(labels, cache, TINY, tmp_path / "run", torch.device("cpu"))
    lines = (celeba / "list_eval_partition.txt").read_text().replace("000001.jpg 0", "000001.jpg 2")
    (celeba / "list_eval_partition.txt").write_text(lines.replace("000002.jpg 0", "000002.jpg 2"))
    with pytest.raises(TrainingError, match="another recipe, data set or start"):
        train(read_celeba(celeba), cache, TINY, tmp_path / "run", torch.device("cpu"))


def test_a_person_with_two_roles_is_refused(celeba: Path) -> None:
    lines = (celeba / "list_eval_partition.txt").read_text().replace("000001.jpg 0", "000001.jpg 2")
    (celeba / "list_eval_partition.txt").write_text(lines)
    with pytest.raises(DatasetError, match="two roles"):
        read_celeba(celeba)


def test_pictures_replaced_under_the_same_names_are_not_taken_from_the_cache(celeba: Path) -> None:
    labels, _ = _open(celeba)
    Image.new("RGB", (48, 64)).save(celeba / "img_align_celeba" / "000005.jpg")
    with pytest.raises(DatasetError, match="other pictures"):
        open_cache(labels, celeba.parent / "cache")


def test_an_image_of_the_data_set_that_cannot_be_decoded_is_named_with_the_remedy(celeba: Path) -> None:
    path = celeba / "img_align_celeba" / "000005.jpg"
    path.write_bytes(path.read_bytes()[:100])
    labels = read_celeba(celeba)
    with pytest.raises(DatasetError, match=r"000005\.jpg cannot be used .* replace it, or take it out of the lists"):
        open_cache(labels, celeba.parent / "cache")


def test_a_missed_face_is_cut_where_faces_of_its_framing_are(tmp_path: Path, celeba: Path) -> None:
    """Sixty copies of a portrait, and a grey picture of the same size among them."""
    portrait = Image.open(sorted(GALLERY.glob("man-goatee*.jpg"))[0])
    folder = celeba / "img_align_celeba"
    names = [f"{i:06d}.jpg" for i in range(1, 62)]
    for name in names[:-1]:
        portrait.save(folder / name)
    Image.new("RGB", portrait.size, "grey").save(folder / names[-1])
    signs = " ".join(["1"] * 40)
    rows = [f"{n} {signs}" for n in names]
    (celeba / "list_attr_celeba.txt").write_text("\n".join(["61", " ".join(NAMES), *rows]) + "\n")
    (celeba / "list_eval_partition.txt").write_text("".join(f"{n} 0\n" for n in names))
    (celeba / "identity_CelebA.txt").unlink()
    labels = read_celeba(celeba)
    cache = open_cache(labels, tmp_path / "faces")
    assert cache.detected.tolist() == [True] * 60 + [False]
    whole, missed, turned = cache.region(60)
    _, found, _ = cache.region(0)
    assert whole.shape[:2] == (portrait.height, portrait.width)
    assert turned == 0
    assert iou(missed, found) > 0.95


def test_a_loss_that_is_no_number_stops_with_the_pass_and_the_remedy(celeba: Path, tmp_path: Path) -> None:
    labels, cache = _open(celeba)
    wild = dataclasses.replace(TINY, stages=(Stage("trunk", 99, 2, 1e30, 1e30, 0.0),), normalisation="folded")
    with pytest.raises(TrainingError, match=r"pass [12].*lower"):
        train(labels, cache, wild, tmp_path / "run", torch.device("cpu"))


def test_no_images_of_the_role_is_said(celeba: Path, tmp_path: Path) -> None:
    labels, cache = _open(celeba)
    with pytest.raises(TrainingError, match="no images of role extra"):
        train(labels, cache, dataclasses.replace(TINY, roles=(Role.EXTRA,)), tmp_path / "run", torch.device("cpu"))


def test_every_recipe_of_the_package_loads() -> None:
    assert {"paper", "standard"} <= set(recipe_names())
    assert [load_recipe(n).name for n in recipe_names()] == recipe_names()


def test_an_unknown_recipe_is_an_error_that_lists_the_known_ones() -> None:
    lfwa, celeba = (
        "borrowed-eyes, commercial, degraded, distilled, distilled-standard, lfwa, lfwa-independent, lfwa-scratch",
        "paper, protocol, protocol-lighter, protocol-longer, protocol-longest",
    )
    with pytest.raises(RecipeError, match=f"{lfwa}, {celeba}, refit, standard"):
        load_recipe("standrad")


def test_a_recipe_with_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('[[stages]]\nlayout = "trunk"\ninput = 67\npases = 1\nrate = 1e-3\nend_rate = 0.0\n')
    with pytest.raises(RecipeError, match="pases"):
        load_recipe(str(path))


@pytest.mark.parametrize(
    "stages",
    [
        [],
        ["trunk"],
        ["mcnn", "trunk"],
        ["single", "mcnn"],
    ],
)
def test_a_recipe_must_end_in_the_papers_groups(tmp_path: Path, stages: list[str]) -> None:
    path = tmp_path / "r.toml"
    stage = '[[stages]]\nlayout = "{}"\ninput = 99\npasses = 1\nrate = 1e-3\nend_rate = 0.0\n'
    path.write_text("".join(stage.format(name) for name in stages))
    with pytest.raises(RecipeError, match="layout mcnn"):
        load_recipe(str(path))


def test_a_recipe_that_leaves_a_network_as_it_is_trains_on_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    as_it_is = "from_checkpoint = true\nkeep_outputs = true\n"
    path.write_text(as_it_is)
    assert load_recipe(str(path)).roles == ()
    path.write_text(as_it_is + 'roles = ["train"]\n')
    with pytest.raises(RecipeError, match="roles is left out"):
        load_recipe(str(path))


@pytest.mark.parametrize(
    "line",
    [
        "rate = nan",
        "rate = -1.0",
        "end_rate = -1.0",
        "passes = nan",
        "passes = inf",
        "input = 99.5",
        "seed = -1",
        "batch = 2.5",
        "average = 2.0",
        "dropout = 1.0",
        "weight_decay = nan",
        "roles = []",
        'augmentation.shift = "0.1"',
        "augmentation.colour = nan",
        "augmentation.jpeg_p = 1.5",
        "augmentation.random_padding = 2",
        "augmentation.scale = 0.6",
    ],
)
def test_a_recipe_with_a_number_that_makes_no_sense_is_refused(tmp_path: Path, line: str) -> None:
    key = line.split()[0].removeprefix("augmentation.")
    stage = {"layout": '"mcnn"', "input": "227", "passes": "1", "rate": "1e-3", "end_rate": "0.0"}
    top, value = ([] if key in stage else [line]), line.split()[2]
    stage = stage | ({key: value} if key in stage else {})
    path = tmp_path / "r.toml"
    path.write_text("\n".join([*top, "[[stages]]", *(f"{name} = {each}" for name, each in stage.items())]))
    with pytest.raises(RecipeError, match=f"cannot be used .*{key}"):
        load_recipe(str(path))


@pytest.mark.parametrize("key", ["roles", "aux", "calibration"])
def test_a_recipe_never_names_the_faces_that_figures_come_from(tmp_path: Path, key: str) -> None:
    path = tmp_path / "r.toml"
    stage = '[[stages]]\nlayout = "mcnn"\ninput = 227\npasses = 1\nrate = 1e-3\nend_rate = 0.0\n'
    path.write_text(f'{key} = ["test"]\n{stage}')
    with pytest.raises(RecipeError, match="role test serves for figures alone"):
        load_recipe(str(path))


def test_the_learning_rate_warms_up_and_falls_to_its_end() -> None:
    stage = Stage("trunk", 131, 1, rate=2e-3, end_rate=1e-4, warm_up=0.1)
    assert learning_rate(stage, 0.05) == pytest.approx(1e-3)
    assert learning_rate(stage, 0.1) == pytest.approx(2e-3)
    assert learning_rate(stage, 1.0) == pytest.approx(1e-4)
