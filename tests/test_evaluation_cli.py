"""`facesearch evaluate` through the program: its tables, its CSV, its page, and what it says about bad input."""

import csv
import dataclasses
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from cli.main import run
from cli.report import charts
from cli.terminal.evaluation_tables import print_evaluation, print_groups
from facesearch.attributes import NAMES
from facesearch.network.checkpoint import load_checkpoint
from facesearch.reliability import smallest_face
from facesearch.training.bootstrap import Interval
from facesearch.training.contradictions import PAIRS, Contradictions, contradictions
from facesearch.training.datasets import UNKNOWN, Dataset, Role
from facesearch.training.evaluate import MCNN_ALONE, NETWORK, UNCALIBRATED, Comparison, Evaluation
from facesearch.training.figures import Figures, measure, measure_unlabelled
from facesearch.training.metrics import reliability
from facesearch.training.paper_results import published
from facesearch.training.utkface import AGES, GroupFigures
from tests.conftest import Program
from tests.support.labelled import celeba, noise, portraits
from tests.support.pages import Reader

pytestmark = pytest.mark.slow

WIDTH = 80


@dataclass(frozen=True)
class Evaluated:
    """One evaluation with everything asked for. data, faces: the folders; rows: of the CSV; page: its HTML."""

    data: Path
    faces: Path
    rows: list[dict[str, str]]
    page: str

    def of(self, subset: str, network: str = "MCNN-AUX") -> dict[str, dict[str, str]]:
        """The rows of one set of faces, by attribute."""
        return {r["attribute"]: r for r in self.rows if (r["subset"], r["network"]) == (subset, network)}


@pytest.fixture(scope="module")
def utkface(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people, one of whom no detector finds; a child, a name that does not tell all, and a text."""
    folder = tmp_path_factory.mktemp("utkface")
    man, woman = portraits(2)
    for name, picture in (
        ("25_0_0_1.jpg", man),
        ("61_1_1_2.jpg", woman),
        ("33_1_1_3.jpg", woman),
        ("9_0_0_4.jpg", man),
    ):
        (folder / name).write_bytes(picture.read_bytes())
    (folder / "39_1_20170109.jpg").write_bytes(man.read_bytes())
    noise(200, 200).save(folder / "70_0_4_5.jpg")
    (folder / "readme.txt").write_text("not a picture")
    return folder


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory, utkface: Path, checkpoint: Path) -> Evaluated:
    home = tmp_path_factory.mktemp("evaluated")
    aligned = [Image.open(path).convert("RGB").resize((178, 218)) for path in portraits(3)]
    data = celeba(home / "celeba", [*portraits(8), *aligned, noise(60, 60)])
    asked = ["--checkpoint", checkpoint, "--work", home / "work", "--sizes", "--utkface", utkface, "--device", "cpu"]
    written = ["--csv", home / "figures.csv", "--html", home / "figures.html"]
    assert run([str(word) for word in ["evaluate", data, *asked, *written]]) == 0
    with (home / "figures.csv").open(encoding="utf-8-sig", newline="") as file:
        return Evaluated(data, utkface, list(csv.DictReader(file)), (home / "figures.html").read_text(encoding="utf-8"))


def test_the_figures_are_of_what_the_program_itself_says_of_each_photo(
    evaluated: Evaluated, facesearch: Program, checkpoint: Path
) -> None:
    """The noise, where no face is found, is left out by giving its labels both ways."""
    labels = {}
    for line in (evaluated.data / "list_attr_celeba.txt").read_text().splitlines()[2:]:
        name, *signs = line.split()
        labels[name] = [sign == "1" for sign in signs]
    photos = [evaluated.data / "img_align_celeba" / name for name in sorted(labels)[:-1]]
    ran = facesearch("score", *photos, "--checkpoint", checkpoint, "--csv", "-", "--device", "cpu")
    said = {Path(r["photo"]).name: r for r in csv.DictReader(ran.out.splitlines())}
    assert len(said) == len(photos)
    right = {n: [(float(said[p.name][n]) > 0.5) == labels[p.name][i] for p in photos] for i, n in enumerate(NAMES)}
    for name, row in evaluated.of("all").items():
        if name != "MEAN":
            assert round(float(row["accuracy"]) * 12) - sum(right[name]) in (0, 1)


def test_every_set_of_faces_has_all_attributes_and_their_mean(evaluated: Evaluated) -> None:
    of_faces = [r for r in evaluated.rows if not r["subset"].startswith(("UTKFace", "contradictions"))]
    sets = {(r["subset"], r["network"]) for r in of_faces}
    assert sets == {
        *(("all", network) for network in ("MCNN-AUX", "MCNN-AUX, raw", "MCNN")),
        *((name, "MCNN-AUX") for name in ("178x218", "other sizes", "Male", "not Male", "Young", "not Young")),
        *((f"{size} px", "MCNN-AUX") for size in (24, 32, 48, 64)),
    }
    for subset, network in sets:
        assert list(evaluated.of(subset, network)) == [*NAMES, "MEAN"]
    faces = {subset: int(evaluated.of(subset)["MEAN"]["faces"]) for subset, _ in sets}
    assert faces["all"] == 12 and faces["178x218"] == 3 and faces["other sizes"] == 9
    assert faces["Male"] + faces["not Male"] == faces["Young"] + faces["not Young"] == 12
    assert int(evaluated.of("all")["MEAN"]["detected"]) == 11


def test_the_means_of_two_groups_are_of_the_attributes_that_both_have_and_lack(evaluated: Evaluated) -> None:
    """Twelve faces are too few to compare any attribute."""
    for subset in ("Male", "not Male", "Young", "not Young"):
        assert evaluated.of(subset)["MEAN"]["accuracy"] == "" != evaluated.of(subset)["Bald"]["accuracy"]


def test_contradictions_are_counted_before_and_after_aux(evaluated: Evaluated) -> None:
    for network in ("MCNN", "MCNN-AUX, raw", "MCNN-AUX"):
        rows = evaluated.of("contradictions", network)
        assert len(rows) == len(PAIRS) + 1 and "No_Beard & Goatee" in rows
        assert float(rows["ANY"]["answered_yes"]) >= max(
            float(r["answered_yes"]) for r in rows.values() if r["attribute"] != "ANY"
        )
    assert "Does it contradict itself?" in evaluated.page


def test_a_contradiction_is_a_yes_to_both_where_both_labels_are_known() -> None:
    labels = np.zeros((4, 40), np.uint8)
    p = np.full((4, 40), 0.1)
    bald, bangs = NAMES.index("Bald"), NAMES.index("Bangs")
    p[:, [bald, bangs]] = [[0.9, 0.9], [0.9, 0.2], [0.9, 0.9], [0.1, 0.1]]
    labels[2, bangs] = UNKNOWN
    labels[1, [bald, bangs]] = 1
    found = contradictions(p, labels)
    place = PAIRS.index(("Bald", "Bangs"))
    assert found.answered[place] == found.labelled[place] == pytest.approx(1 / 3)
    assert found.expected[place] == pytest.approx((0.81 + 0.18 + 0.01) / 3)
    assert found.any_answered == pytest.approx(1 / 4)


def test_the_papers_numbers_stand_beside_ours(evaluated: Evaluated) -> None:
    paper = published(Dataset.CELEBA).mcnn_aux
    rows = evaluated.of("all")
    assert [float(rows[name]["paper_mcnn_aux_accuracy"]) for name in NAMES] == pytest.approx(paper)


def test_an_aux_that_changes_nothing_gains_nothing(evaluated: Evaluated) -> None:
    """AUX of the random checkpoint is the identity."""
    alone, with_aux = evaluated.of("all", "MCNN"), evaluated.of("all", "MCNN-AUX, raw")
    for name in NAMES:
        for figure in ("accuracy", "average_precision"):
            assert alone[name][figure] == with_aux[name][figure]


def test_gender_is_held_against_male_and_age_against_young_by_group(evaluated: Evaluated) -> None:
    gender = {s: evaluated.of(f"UTKFace {s}")["Male"] for s in ("all", "White", "Black", "Others")}
    assert [int(row["faces"]) for row in gender.values()] == [4, 1, 2, 1]
    assert [int(row["detected"]) for row in gender.values()] == [3, 1, 2, 0]
    assert [float(row["positives"]) for row in gender.values()] == [0.5, 1.0, 0.0, 1.0]
    assert not evaluated.of("UTKFace Asian")
    bands = [
        subset for subset in dict.fromkeys(r["subset"] for r in evaluated.rows) if subset.startswith("UTKFace Black,")
    ]
    assert bands == ["UTKFace Black, 30 to 44", "UTKFace Black, 60+"]
    assert list(evaluated.of(bands[0])) == ["Young", "Gray_Hair"]
    assert all(row["accuracy"] == "" and row["answered_yes"] for row in evaluated.of(bands[0]).values())
    assert -1 <= float(evaluated.of("UTKFace all")["Young"]["age_rank_correlation"]) <= 1


def test_the_page_holds_every_plot_and_stands_alone(evaluated: Evaluated) -> None:
    read = Reader(evaluated.page)
    drawn = [value for name, value in read.attributes if name == "aria-label"]
    assert all(f"Reliability diagram of {name}" in drawn for name in NAMES)
    assert "Reliability diagram of all attributes together" in drawn and "AUX weights less the identity" in drawn
    assert sum(label.startswith(tuple(f"{name}: accuracy" for name in NAMES)) for label in drawn) == 40
    assert evaluated.page.count(" from ") >= 1600  # a cell of the heatmap for each pair
    assert "script" not in read.tags and "link" not in read.tags and "img" not in read.tags
    assert not any(name.startswith("on") or name in ("style", "src", "href") for name, _ in read.attributes)
    assert "http" not in evaluated.page.replace("http-equiv", "")
    assert "default-src 'none'" in evaluated.page and "unsafe" not in evaluated.page


def test_no_number_of_the_page_is_no_number(evaluated: Evaluated) -> None:
    read = Reader(evaluated.page)
    assert not re.search(r"\b(nan|inf|None)\b", " ".join(read.words))
    assert not any(
        re.search(r"\b(nan|inf)\b", value) for name, value in read.attributes if name in ("d", "x", "y", "points")
    )


def test_names_cannot_become_markup(facesearch: Program, utkface: Path, checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "<img src=x onerror=alert(1)>"
    folder.mkdir()
    (folder / "25_0_0_1.jpg").write_bytes((utkface / "25_0_0_1.jpg").read_bytes())
    ran = facesearch("evaluate", "--utkface", folder, "--checkpoint", checkpoint, "--html", tmp_path / "page.html")
    assert ran.code == 0, ran.err
    read = Reader((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "img" not in read.tags and any("<img src=x onerror" in words for words in read.words)


def test_a_chart_has_ticks_that_differ_by_what_they_say_and_a_gap_where_nothing_is_known() -> None:
    chart = charts.line_chart(["a", "b", "c", "d"], {"x": [89.56, 90.7, float("nan"), 90.1]}, "", 1, 89.56, 90.7)
    ticks = [float(words) for words in Reader(chart).words if words[:1].isdigit() and "," not in words]
    steps = np.diff(sorted(set(ticks)))
    assert len(steps) >= 3 and np.allclose(steps, steps[0])
    (path,) = re.findall(r'class="line c1" d="([^"]*)"', chart)
    assert re.sub(r"[^ML]", "", path) == "MLM", "nothing is drawn between b and d"


def test_the_limit_for_faces_lies_above_all_sizes_where_none_is_enough(checkpoint: Path) -> None:
    whole, worse = _figures(0.9), _figures(0.5)
    for by_size, limit in (({24: worse, 64: worse}, 65), ({24: worse, 64: whole}, 64)):
        about = _evaluation(whole, by_size).metadata()
        assert about["smallest_face"] == limit
        known = dataclasses.replace(load_checkpoint(checkpoint).scoring_model(), metadata=about)
        assert smallest_face(known) == limit
    assert "smallest_face" not in _evaluation(whole, {}).metadata()


def _evaluation(figures: Figures, by_size: dict[int, Figures]) -> Evaluation:
    """With the same figures throughout."""
    return Evaluation(
        dataset=Dataset.CELEBA,
        role=Role.CALIBRATE,
        people=1000,
        together=figures,
        reliability=reliability(np.full((2, 40), 0.5), np.ones((2, 40), np.uint8)),
        by_framing={"178x218": figures, "other sizes": figures},
        comparisons=(Comparison("Young", figures, figures, np.ones(40, bool)),),
        by_size=by_size,
        before={MCNN_ALONE: figures, UNCALIBRATED: figures},
        contradictions=dict.fromkeys((MCNN_ALONE, UNCALIBRATED, NETWORK), _all_of_both()),
        intervals={"accuracy": Interval(0.5, 0.6), "accuracy_gain": Interval(-0.1, 0.1)},
        aux=np.eye(40),
        paper=published(Dataset.CELEBA),
    )


def _all_of_both() -> Contradictions:
    return contradictions(np.ones((2, 40)), np.ones((2, 40), np.uint8))


def _figures(right: float) -> Figures:
    """Of 60 faces, of whose labels so many are said rightly, and surely."""
    labels = np.tile(np.arange(60) % 2, (40, 1)).T.astype(np.uint8)
    p = np.where(np.arange(60)[:, None] < 60 * right, labels, 1 - labels).astype(float)
    return measure(p, labels, np.ones(60, bool))


def test_every_table_fits_a_terminal_also_for_all_of_celeba(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    rng = np.random.default_rng(0)
    p = rng.random((60, 40))
    labels = (rng.random((60, 40)) < p).astype(np.uint8)
    figures = dataclasses.replace(measure(p, labels, np.ones(60, bool)), faces=19_962, detected=19_961)
    print_evaluation(_evaluation(figures, {24: figures, 64: figures}))
    male = measure(p[:, :1], labels[:, :1], np.ones(60, bool))
    aged = measure_unlabelled(p[:, :2], np.ones(60, bool))
    print_groups({"Others": GroupFigures(19_000, male, dict.fromkeys(AGES, aged), np.array([-0.5, np.nan]))})
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith(("MCNN", "Young", "other sizes", "as they are", "Others")) for line in lines) >= 8
    assert not any("…" in line for line in lines)
    headings = [lines[number - 1] for number, line in enumerate(lines) if line.startswith("───")]
    assert len(headings) == 9 and not any(len(heading) > WIDTH for heading in headings)
    assert not any(line.startswith(" ") and line.strip() for line in lines)  # no heading over two lines


def test_data_of_ones_own_in_the_same_layout_is_not_set_beside_the_paper(
    facesearch: Program, checkpoint: Path, tmp_path: Path
) -> None:
    data = celeba(tmp_path / "own", [noise(40, 40)] * 2)
    for path in (data / "list_attr_celeba.txt", data / "list_eval_partition.txt", data / "identity_CelebA.txt"):
        path.write_text(path.read_text().replace("000002.jpg", "granny.jpg"))
    (data / "img_align_celeba" / "000002.jpg").rename(data / "img_align_celeba" / "granny.jpg")
    ran = facesearch("evaluate", data, "--work", tmp_path / "work", "--checkpoint", checkpoint)
    assert ran.code == 0 and "paper" not in ran.out and "nan" not in ran.out


def _lacks(name: str) -> Callable[[Path], object]:
    return lambda root: (root / name).unlink()


def _edited(name: str, edit: Callable[[list[str]], list[str]]) -> Callable[[Path], object]:
    return lambda root: (root / name).write_text("\n".join(edit((root / name).read_text().splitlines())) + "\n")


LABELS = "list_attr_celeba.txt"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda root: (root / "img_align_celeba").rename(root / "pictures"), "img_align_celeba/"),
        (_lacks(LABELS), LABELS),
        (_lacks("list_eval_partition.txt"), "list_eval_partition.txt"),
        (_edited(LABELS, lambda lines: [lines[0], lines[1].rpartition(" ")[0], *lines[2:]]), LABELS),
        (_edited(LABELS, lambda lines: [lines[0], lines[1] + " Freckles", *lines[2:]]), LABELS),
        (_edited(LABELS, lambda lines: [*lines[:3], lines[3].rpartition(" ")[0], *lines[4:]]), "line 4"),
        (_edited(LABELS, lambda lines: [*lines[:3], lines[3] + " 1", *lines[4:]]), "line 4"),
        (_edited(LABELS, lambda lines: lines[:2]), "None of the listed images"),
        (lambda root: [p.unlink() for p in (root / "img_align_celeba").iterdir()], "None of the listed images"),
        (lambda root: (root / "img_align_celeba" / "000002.jpg").write_bytes(b"\xff\xd8 cut off"), "000002.jpg"),
        (
            _edited("list_eval_partition.txt", lambda lines: [f"{n.split()[0]} 0" for n in lines]),
            "no images of role test",
        ),
    ],
)
def test_a_spoilt_data_set_is_one_sentence_that_says_what_is_wrong(
    facesearch: Program, checkpoint: Path, tmp_path: Path, spoil: Callable[[Path], object], words: str
) -> None:
    data = celeba(tmp_path / "celeba", [noise(40, 40)] * 4)
    spoil(data)
    output = tmp_path / "figures.csv"
    ran = facesearch("evaluate", data, "--work", tmp_path / "work", "--checkpoint", checkpoint, "--csv", output)
    _is_one_sentence(ran.err, words)
    assert ran.code == 3 and ran.out == "" and not output.exists()


def test_pictures_missing_from_the_folder_are_counted_aloud(
    facesearch: Program, checkpoint: Path, tmp_path: Path
) -> None:
    data = celeba(tmp_path / "celeba", [noise(40, 40)] * 4)
    (data / "img_align_celeba" / "000003.jpg").unlink()
    ran = facesearch("evaluate", data, "--work", tmp_path / "work", "--checkpoint", checkpoint)
    assert ran.code == 0 and "1 listed images are not there" in ran.err


def _rewritten(path: Path, source: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, path, {"facesearch": json.dumps(dict(load_checkpoint(source).metadata))})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path, _: path.write_text("not a network"), "no facesearch checkpoint"),
        (lambda path, _: save_file({"weight": torch.zeros(3)}, path), "no facesearch checkpoint"),
        (lambda path, good: path.write_bytes(good.read_bytes()[:1_000_000]), "no facesearch checkpoint"),
        (
            lambda path, good: _rewritten(
                path, good, load_file(good) | {"mcnn.conv1.weight": torch.zeros(64, 3, 3, 3)}
            ),
            "no MCNN-AUX of this version",
        ),
        (lambda *_: None, "cannot be read"),
    ],
)
def test_what_is_no_checkpoint_is_one_sentence(
    facesearch: Program, checkpoint: Path, tmp_path: Path, spoil: Callable[[Path, Path], object], words: str
) -> None:
    spoil(tmp_path / "network.safetensors", checkpoint)
    data = celeba(tmp_path / "celeba", [noise(40, 40)])
    ran = facesearch("evaluate", data, "--work", tmp_path / "work", "--checkpoint", tmp_path / "network.safetensors")
    _is_one_sentence(ran.err, words)
    assert ran.code == 3 and not (tmp_path / "work").exists()


def test_a_folder_without_utkface_is_one_sentence(facesearch: Program, checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "holiday.jpg").write_bytes(portraits(1)[0].read_bytes())
    for folder, words in ((tmp_path / "other", "AGE_GENDER_GROUP_DATE.jpg"), (tmp_path / "none", "cannot be read")):
        ran = facesearch("evaluate", "--utkface", folder, "--checkpoint", checkpoint)
        _is_one_sentence(ran.err, words)
        assert ran.code == 3


@pytest.mark.parametrize(("words", "says"), [([], "--utkface"), (["--sizes", "--utkface", "."], "--sizes")])
def test_an_evaluation_of_nothing_is_wrong_usage(facesearch: Program, words: list[str], says: str) -> None:
    ran = facesearch("evaluate", *words)
    assert ran.code == 2 and says in ran.err


def _is_one_sentence(err: str, words: str) -> None:
    complaint = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert len(complaint) == 1 and words in complaint[0]
    assert "Traceback" not in err
