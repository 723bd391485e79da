"""Training on a table of one's own and on Open Images: labels may be missing, and what is missing teaches nothing."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from facesearch.attributes import BY_NAME, NAMES
from facesearch.network.checkpoint import load_checkpoint
from facesearch.training import metrics
from facesearch.training.bootstrap import accuracies, average_precisions
from facesearch.training.datasets import UNKNOWN, Dataset, DatasetError, Labels, Role, read_dataset
from facesearch.training.figures import COLUMNS, measure
from facesearch.training.fitting import fit, fit_aux, fit_means, fit_platt
from facesearch.training.personlabels import person_means
from facesearch.training.recipe import load_recipe
from facesearch.training.targets import Targets, cross_entropy, plain_targets
from tests.conftest import Program
from tests.support import labelled
from tests.support.labelled import noise

pytestmark = pytest.mark.slow

RECIPE = """
batch = 4
aux = ["val", "calibrate"]
calibration = ["val", "calibrate"]
[[stages]]
layout = "mcnn"
input = 99
passes = 1
rate = 1e-4
end_rate = 0.0
"""
HEADER = ["file", "person", "role", "Eyeglasses", "Smiling"]
ROLES = ["train"] * 6 + ["val"] * 4 + ["test"] * 2


def _table(root: Path, rows: list[list[str]], header: list[str] = HEADER, pictures: int | None = None) -> Path:
    """A table with portraits beside it, in a folder of their own."""
    (root / "some photos").mkdir(parents=True)
    for number, path in enumerate(labelled.portraits(len(rows) if pictures is None else pictures)):
        shutil.copy(path, root / "some photos" / f"{number}.jpg")
    with (root / "records.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return root


def _rows() -> list[list[str]]:
    """Every third label missing, two pictures a person."""
    words = {0: ["yes", "1", "true"], 1: ["No", "0", "FALSE"]}
    return [
        [
            f"some photos/{i}.jpg",
            f"person {i // 2}",
            role,
            "" if i % 3 == 2 else words[i % 2][i % 3],
            "" if i % 3 == 1 else words[(i // 2) % 2][i % 3],
        ]
        for i, role in enumerate(ROLES)
    ]


# ---- the table -----------------------------------------------------------------------------------------------------


def test_a_table_is_read_with_what_is_unknown_left_unknown(tmp_path: Path) -> None:
    labels = read_dataset(_table(tmp_path / "mine", _rows()))
    assert labels.dataset is Dataset.RECORDS and labels.has_identities and not labels.skipped
    assert labels.names[3] == "some photos/3.jpg" and labels.roles.tolist() == ROLES
    glasses = labels.labels[:, BY_NAME["Eyeglasses"].index].tolist()
    assert [UNKNOWN if i % 3 == 2 else 1 - i % 2 for i in range(12)] == glasses
    assert (labels.labels[:, BY_NAME["Bald"].index] == UNKNOWN).all()
    assert labels.identities.tolist() == [i // 2 for i in range(12)]
    assert "own records" in labels.in_words()
    taught = labels.taught(labels.of(Role.TRAIN))
    assert [name for name, known in zip(NAMES, taught, strict=True) if known] == ["Eyeglasses", "Smiling"]


def test_a_spreadsheets_semicolons_and_byte_order_mark_are_understood(tmp_path: Path) -> None:
    root = _table(tmp_path / "mine", _rows())
    text = (root / "records.csv").read_text()
    before = read_dataset(root)
    (root / "records.csv").write_text("\ufeff" + text.replace(",", ";"), encoding="utf-8")
    after = read_dataset(root)
    assert (before.labels == after.labels).all() and before.names == after.names


def test_without_roles_a_persons_name_decides_and_always_the_same(tmp_path: Path) -> None:
    header = ["file", "person", "Eyeglasses"]
    rows = [[f"some photos/{i % 6}-{i}.jpg", f"person {i // 3}", str(i % 2)] for i in range(300)]
    root = _table(tmp_path / "mine", rows, header, pictures=6)
    for row in rows:
        (root / row[0]).write_bytes(b"")
    whole = read_dataset(root)
    shares = {role: float((whole.roles == role.value).mean()) for role in Role}
    assert shares[Role.TRAIN] > 0.5 and all(shares[r] > 0 for r in (Role.VAL, Role.CALIBRATE, Role.TEST))
    (root / "records.csv").write_text("\n".join(",".join(row) for row in [header, *rows[150:]]))
    part = read_dataset(root)
    assert part.roles.tolist() == whole.roles[150:].tolist()


def test_without_people_each_picture_is_its_own_person(tmp_path: Path) -> None:
    rows = [[row[0], *row[2:]] for row in _rows()]
    labels = read_dataset(_table(tmp_path / "mine", rows, ["file", "role", "Eyeglasses", "Smiling"]))
    assert not labels.has_identities and len(set(labels.identities.tolist())) == 12


def test_files_that_are_not_there_are_counted(tmp_path: Path) -> None:
    root = _table(tmp_path / "mine", _rows())
    (root / "some photos" / "4.jpg").unlink()
    labels = read_dataset(root)
    assert labels.skipped == 1 and len(labels.names) == 11


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda header, _: header.__setitem__(3, "Glasses"), "column 'Glasses', which is none of the 40"),
        (lambda header, _: header.__setitem__(0, "path"), "no column file"),
        (lambda header, _: header.__setitem__(4, "Eyeglasses"), "column Eyeglasses more than once"),
        (lambda _, rows: rows[2].__setitem__(3, "maybe"), "line 4, Eyeglasses: 'maybe' is neither 1 nor 0"),
        (lambda _, rows: rows[2].__setitem__(3, "-1"), "line 4, Eyeglasses: '-1' is neither 1 nor 0"),
        (lambda _, rows: rows[1].__setitem__(2, "training"), "line 3: 'training' is no role"),
        (lambda _, rows: rows[1].__setitem__(1, ""), "line 3: nobody is named"),
        (lambda _, rows: rows[1].__setitem__(0, ""), "line 3: no file is named"),
        (lambda _, rows: rows[1].__setitem__(0, rows[0][0]), "0.jpg more than once"),
        (lambda _, rows: rows[3].pop(), "line 5: 4 cells under 5 columns"),
        (lambda _, rows: rows[11].__setitem__(1, "person 0"), "Person 0 has two roles"),
        (lambda _, rows: rows.clear(), "none of its files is there"),
    ],
)
def test_what_is_wrong_with_a_table_is_one_sentence_that_names_the_line(tmp_path: Path, change, says: str) -> None:  # type: ignore[no-untyped-def]
    header, rows = list(HEADER), _rows()
    change(header, rows)
    with pytest.raises(DatasetError, match=says):
        read_dataset(_table(tmp_path / "mine", rows, header, pictures=12))


def test_a_table_becomes_a_checkpoint_that_says_nothing_of_what_it_was_not_taught(
    facesearch: Program, tmp_path: Path
) -> None:
    root = _table(tmp_path / "mine", _rows())
    noise(64, 64).save(root / "some photos" / "1.jpg")  # no face in it
    (tmp_path / "r.toml").write_text(RECIPE)
    out = tmp_path / "mine.safetensors"
    ran = facesearch("train", root, "--recipe", tmp_path / "r.toml", "--out", out, "--work", tmp_path / "work")
    assert ran.code == 0, ran.err
    assert "1 images in which no face was found are left out: some photos/1.jpg" in ran.err
    assert "the network will say nothing about them" in ran.err and "Bald" in ran.err
    found = load_checkpoint(out)
    assert set(found.metadata["untaught"]) == set(NAMES) - {"Eyeglasses", "Smiling"}
    assert set(found.metadata["grades"]) <= {"Eyeglasses", "Smiling"}
    from db.values.scoring_model import calibrate
    from facesearch.network.scorer import Scorer

    crops = np.random.default_rng(0).integers(0, 256, (3, 227, 227, 3), dtype=np.uint8)
    p = calibrate(Scorer(found, "cpu").score(crops), found.calibration_scale, found.calibration_bias)
    untaught = [BY_NAME[name].index for name in found.metadata["untaught"]]
    assert (p[:, untaught] == 0.5).all()
    assert (p[:, BY_NAME["Smiling"].index] != 0.5).all()

    (tmp_path / "photos").mkdir()
    shutil.copy(labelled.portraits(1)[0], tmp_path / "photos")
    catalogue = ("--catalogue", tmp_path / "faces.db")
    assert facesearch("index", tmp_path / "photos", "--checkpoint", out, *catalogue).code == 0
    assert "never learnt bald, gray hair" in facesearch("search", "bald, gray hair, smiling", *catalogue).err
    assert "never learnt" not in facesearch("search", "smiling", *catalogue).err


# ---- Open Images ---------------------------------------------------------------------------------------------------

CODES = {"Human face": "/m/0dzct", "Beard": "/m/1", "Hat": "/m/2", "Smile": "/m/3", "Dog": "/m/4"}
PHOTOS = {"00a0": "train", "00a1": "train", "00a2": "train", "00b0": "validation", "00b1": "validation", "00c0": "test"}


def _open_images(root: Path) -> Path:
    """Photos: a0 beard and no hat; a1 two faces; a2 a group as one box; b0, b1, c0 a smile each."""
    said = {"00a0": [("Beard", 1), ("Hat", 0), ("Dog", 1)], "00a1": [("Hat", 1)], "00a2": [("Hat", 1)]}
    said |= {"00b0": [("Smile", 1)], "00b1": [("Smile", 0), ("Hat", 1)], "00c0": [("Smile", 1), ("Beard", 0)]}
    faces = {image: 2 if image == "00a1" else 1 for image in PHOTOS}
    for split in ("train", "validation", "test"):
        images = [image for image, of in PHOTOS.items() if of == split]
        (root / split).mkdir(parents=True)
        for number, image in enumerate(images):
            shutil.copy(labelled.portraits(6)[number], root / split / f"{image}.jpg")
        lines = [f"{i},verification,{CODES[name]},{there}" for i in images for name, there in said[i]]
        _write(root / f"oidv7-{split}-annotations-human-imagelabels.csv", "ImageID,Source,LabelName,Confidence", lines)
        boxes = [
            f"{i},xclick,{CODES['Human face']},1,0.{k},0.9,0.1,0.9,{int(i == '00a2')}"
            for i in images
            for k in range(1, 1 + faces[i])
        ]
        head = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf"
        _write(root / f"{split}-annotations-bbox.csv", head, boxes)
    _write(root / "class-descriptions.csv", "LabelName,DisplayName", [f"{v},{k}" for k, v in CODES.items()])
    return root


def _write(path: Path, head: str, lines: list[str]) -> None:
    path.write_text("\n".join([head, *lines]) + "\n")


def _label(labels: Labels, image: str, attribute: str) -> int:
    row = [Path(name).stem for name in labels.names].index(image)
    return int(labels.labels[row, BY_NAME[attribute].index])


def test_open_images_labels_are_the_single_faces(tmp_path: Path) -> None:
    labels = read_dataset(_open_images(tmp_path / "oi"))
    assert labels.dataset is Dataset.OPEN_IMAGES and not labels.has_identities
    assert [Path(name).stem for name in labels.names] == ["00a0", "00b0", "00b1", "00c0"]
    assert labels.roles.tolist() == ["train", "val", "calibrate", "test"]
    assert _label(labels, "00a0", "No_Beard") == 0 and _label(labels, "00a0", "Wearing_Hat") == 0
    assert _label(labels, "00c0", "No_Beard") == 1 and _label(labels, "00c0", "Smiling") == 1
    assert _label(labels, "00a0", "Smiling") == UNKNOWN and _label(labels, "00b0", "Wearing_Hat") == UNKNOWN


def test_labels_that_contradict_each_other_are_unknown_and_files_of_two_versions_are_both_read(tmp_path: Path) -> None:
    root = _open_images(tmp_path / "oi")
    head = "ImageID,Source,LabelName,Confidence"
    more = ["00a0,verification,/m/2,1", "00a0,verification,/m/3,1"]
    _write(root / "train-annotations-human-imagelabels-boxable.csv", head, more)
    labels = read_dataset(root)
    assert _label(labels, "00a0", "Wearing_Hat") == UNKNOWN and _label(labels, "00a0", "Smiling") == 1


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda r: (r / "class-descriptions.csv").unlink(), "no file .*class-descriptions"),
        (lambda r: (r / "class-descriptions.csv").write_text("a,b\n"), "does not name the class 'Human face'"),
        (lambda r: (r / "train-annotations-bbox.csv").unlink(), "no file .*train-annotations-bbox"),
        (lambda r: (r / "train-annotations-bbox.csv").write_text("ImageID\n"), "lacks the column LabelName"),
        (lambda r: [(r / s / f"{i}.jpg").unlink() for i, s in PHOTOS.items()], "no photo with one face"),
        (lambda r: (r / "train-annotations-bbox.csv").open("a").write("00a0,x\n"), "line 6.*damaged"),
    ],
)
def test_what_is_wrong_with_open_images_is_said(tmp_path: Path, break_it, says: str) -> None:  # type: ignore[no-untyped-def]
    root = _open_images(tmp_path / "oi")
    break_it(root)
    with pytest.raises(DatasetError, match=says):
        read_dataset(root)


def test_the_recipe_for_weights_that_others_may_use_learns_from_nothing_else() -> None:
    recipe = load_recipe("commercial")
    assert not recipe.from_checkpoint and not recipe.teacher and recipe.distillation is None and not recipe.soften


# ---- what is unknown teaches and counts for nothing -----------------------------------------------------------------


def _some_unknown(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits [60, 40], labels with a third of them unknown and one attribute wholly so, and people."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (60, 40)).astype(np.uint8)
    logits = (2.0 * truth - 1 + rng.normal(size=truth.shape)).astype(np.float32)
    labels = np.where(rng.random(truth.shape) < 1 / 3, UNKNOWN, truth).astype(np.uint8)
    labels[:, 7] = UNKNOWN
    return logits, labels, np.arange(60) // 3


def test_figures_are_those_of_the_faces_whose_label_is_known() -> None:
    logits, labels, _ = _some_unknown()
    p = 1 / (1 + np.exp(-logits.astype(np.float64)))
    found = measure(p, labels, np.ones(60, bool))
    known = labels[:, 3] != UNKNOWN
    alone = measure(p[known][:, [3]], labels[known][:, [3]], np.ones(int(known.sum()), bool))
    for name in set(COLUMNS) - {"faces", "detected"}:
        assert getattr(found, name)[3] == getattr(alone, name)[0]
        assert np.isnan(getattr(found, name)[7])
    assert metrics.average_precision(p, labels)[3] == alone.average_precision[0]
    assert metrics.accuracy(p > 0.5, labels)[3] == alone.accuracy[0]
    bins = metrics.reliability(p, labels)
    assert bins.faces[3].sum() == known.sum() and bins.faces[7].sum() == 0


def test_means_over_draws_of_people_leave_out_what_is_unknown() -> None:
    logits, labels, _ = _some_unknown()
    once = np.ones((1, 60), np.float32)
    expected = np.nanmean(metrics.accuracy(logits > 0, labels))
    assert accuracies(logits > 0, labels, once)[0] == pytest.approx(expected)
    expected = np.nanmean(metrics.average_precision(logits, labels))
    assert average_precisions(logits, labels, once)[0] == pytest.approx(expected)


def test_what_is_unknown_moves_neither_aux_nor_calibration_nor_means() -> None:
    logits, labels, people = _some_unknown()
    other = logits.copy()
    other[labels[:, 5] == UNKNOWN, 5] += 100.0  # of attribute 5, where nobody knows it
    scale, bias = fit_platt(logits, labels, 5.0)
    again = fit_platt(other, labels, 5.0)
    assert scale[5] == pytest.approx(again[0][5], abs=1e-4) and bias[5] == pytest.approx(again[1][5], abs=1e-4)
    assert (scale[7], bias[7]) == (1.0, 0.0)
    means, moved = fit_means(logits, labels), fit_means(other, labels)
    assert means.present[5] == moved.present[5] and np.isnan(means.present[7])
    aux = fit_aux(logits, labels, 0.1)
    identity = torch.eye(40)
    torch.testing.assert_close(aux.weight[7], identity[7], rtol=0, atol=1e-4)
    assert aux.bias[7] == 0
    fitted = fit(logits, labels, people, np.ones(60, bool))
    assert NAMES[7] not in fitted.grades and len(fitted.grades) == 39


def test_the_loss_is_of_the_known_targets_alone() -> None:
    targets = torch.tensor([[1.0, float("nan")], [0.0, 1.0]])
    logits = torch.tensor([[0.5, 3.0], [-1.0, 2.0]], requires_grad=True)
    loss = cross_entropy(logits, targets)
    known = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.tensor([0.5, -1.0, 2.0]), torch.tensor([1.0, 0.0, 1.0])
    )
    torch.testing.assert_close(loss, known)
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None and logits.grad[0, 1] == 0 and torch.isfinite(logits.grad).all()
    assert float(cross_entropy(logits, torch.full((2, 2), float("nan"))).detach()) == 0


def test_a_teacher_answers_where_there_is_no_label() -> None:
    plain = plain_targets(np.array([[1, UNKNOWN]], np.uint8))
    targets = Targets(plain, answers=np.array([[[0.2, 0.6]]], np.float32), distilled=0.5)
    np.testing.assert_allclose(targets.of(np.array([0]), np.array([0])).numpy(), [[0.6, 0.6]], atol=1e-6)


def test_the_mean_of_a_persons_other_pictures_is_of_those_that_are_labelled(tmp_path: Path) -> None:
    labels = read_dataset(_table(tmp_path / "mine", _rows()))
    rows, glasses = labels.of(Role.TRAIN), BY_NAME["Eyeglasses"].index
    known = labels.labels[rows, glasses]
    overall = (known == 1).sum() / (known != UNKNOWN).sum()
    # Pictures 2 and 3 are one person's; nobody knows about picture 2.
    assert person_means(labels, rows)[3, glasses] == pytest.approx(overall)
    assert person_means(labels, rows)[2, glasses] == pytest.approx((known[3] + 2 * overall) / 3)
