"""LFWA's official layout: who trains, who is held out, who tests; and what is wrong with a folder."""

import csv
import re
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesearch.attributes import NAMES
from facesearch.training.datasets import DatasetError, Role, cache_folder, lfwa, open_cache, read_dataset, read_lfwa
from tests.conftest import Program

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PEOPLE = {"Ann_Lee": 2, "Bo_Ek": 1, "Cy_Fox": 2, "Di_Roy": 1, "Ed_Poe": 3, "Flo_Ray": 1}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten labelled photos of noise, the first six of which train, and one without labels; as .mat and as text."""
    from scipy.io import savemat

    monkeypatch.setattr(lfwa, "LABELLED", 10)
    monkeypatch.setattr(lfwa, "TRAINED", 6)
    monkeypatch.setattr(lfwa, "VAL_PERSON_EVERY", 3)
    root = tmp_path / "lfwa"
    names = [f"{who}/{who}_{i:04d}.jpg" for who, photos in PEOPLE.items() for i in range(1, photos + 1)]
    rng = np.random.default_rng(0)
    for name in [*names, "Zoe_Un/Zoe_Un_0001.jpg"]:
        (root / "lfw" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(root / "lfw" / name)
    labels = rng.integers(0, 2, (10, 40)).astype(np.uint8)
    cells = {
        "name": np.array([n.replace("/", "\\") for n in names], object)[None],
        "AttrName": np.array(NAMES, object)[None],
        "label": labels,
    }
    savemat(root / "lfw_att_40.mat", cells)
    rows = [",".join([n, *map(str, row)]) for n, row in zip(names, labels.tolist(), strict=True)]
    (root / "lfw_att_40.csv").write_text("\n".join([",".join(["file", *NAMES]), *rows]) + "\n")
    return root


def test_the_first_rows_train_but_for_every_nth_person_and_the_rest_test(folder: Path) -> None:
    labels = read_dataset(folder)
    people = {r: {labels.names[i].split("/")[0] for i in labels.of(r)} for r in (Role.TRAIN, Role.VAL, Role.TEST)}
    assert people == {
        Role.TRAIN: {"Bo_Ek", "Cy_Fox"},
        Role.VAL: {"Ann_Lee", "Di_Roy"},
        Role.TEST: {"Ed_Poe", "Flo_Ray"},
    }
    assert "LFWA" in labels.in_words()
    assert len(labels.names) == 10  # the photo without labels is left out


def test_matlab_and_text_labels_are_the_same_data(folder: Path) -> None:
    text = read_lfwa(folder)
    (folder / "lfw_att_40.csv").unlink()
    matlab = read_lfwa(folder)
    assert matlab.digest() == text.digest()
    assert matlab.labels.any() and (matlab.labels == text.labels).all()


def test_the_published_numbers_of_rows_are_the_papers() -> None:
    assert (lfwa.LABELLED, lfwa.TRAINED, lfwa.LABELLED - lfwa.TRAINED) == (13_143, 6_263, 6_880)


def _edit(root: Path, change: Callable[[str], str]) -> None:
    path = root / "lfw_att_40.csv"
    path.write_text(change(path.read_text()))


@pytest.mark.parametrize(
    ("break_it", "named"),
    [
        (lambda r: _edit(r, lambda t: t.replace(",Young", "")), "lacks Young"),
        (lambda r: _edit(r, lambda t: t.replace(",Young", ",Young,Asian")), "has also Asian"),
        (lambda r: _edit(r, lambda t: t.replace("Bald,Bangs", "Bangs,Bald")), "another order"),
        (lambda r: _edit(r, lambda t: re.sub(r",\d\nBo_Ek", "\nBo_Ek", t)), "line 3: expected a photo and 40 values"),
        (lambda r: _edit(r, lambda t: re.sub(r",\d\nBo_Ek", ",2\nBo_Ek", t)), "line 3: expected a photo and 40 values"),
        (lambda r: _edit(r, lambda t: "\n".join(t.splitlines()[:-1])), "of 9 photos instead of 10"),
        (lambda r: _edit(r, lambda _: ""), "lacks 5_o_Clock_Shadow"),
        (lambda r: (r / "lfw" / "Cy_Fox" / "Cy_Fox_0002.jpg").unlink(), r"1 of the 10 .*Cy_Fox_0002\.jpg"),
        (lambda r: [(r / f"lfw_att_40.{end}").unlink() for end in ("csv", "mat")], r"neither lfw_att_40\.mat nor"),
        (lambda r: (r / "lfw").rename(r / "photos"), "holds no data set"),
        (
            lambda r: [(r / "lfw_att_40.csv").unlink(), (r / "lfw_att_40.mat").write_bytes(b"MATLAB 5.0, cut off")],
            r"lfw_att_40\.mat does not hold",
        ),
    ],
)
def test_an_incomplete_or_damaged_folder_is_one_sentence_with_what_is_wrong(
    folder: Path, break_it: Callable[[Path], object], named: str
) -> None:
    break_it(folder)
    with pytest.raises(DatasetError, match=named) as raised:
        read_dataset(folder)
    assert "\n" not in str(raised.value)


def test_a_person_on_both_sides_of_the_split_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lfwa, "TRAINED", 7)  # within the photos of Ed_Poe
    with pytest.raises(DatasetError, match="two roles"):
        read_lfwa(folder)


def test_matlab_labels_without_scipy_are_one_sentence_with_both_remedies(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "lfw_att_40.csv").unlink()
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(DatasetError, match=r"pip install scipy, or put lfw_att_40\.csv"):
        read_lfwa(folder)


def test_each_data_set_has_its_own_faces_in_one_work_folder(folder: Path, tmp_path: Path) -> None:
    labels = read_dataset(folder)
    cache = open_cache(labels, cache_folder(tmp_path / "work", labels.dataset))
    assert len(cache.records) == 10
    assert [p.name for p in (tmp_path / "work").iterdir()] == ["cache-lfwa"]


RECIPE = """
batch = 4
from_checkpoint = true
aux = ["val"]
calibration = ["val"]
[[stages]]
layout = "mcnn"
input = 99
passes = 2
rate = 1e-4
end_rate = 0.0
"""


def test_training_on_lfwa_starts_from_a_checkpoint_and_evaluation_stands_beside_the_papers_table(
    facesearch: Program, folder: Path, checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "tune.toml").write_text(RECIPE)
    out, work = tmp_path / "lfwa.safetensors", tmp_path / "work"
    command = ["train", folder, "--out", out, "--recipe", tmp_path / "tune.toml", "--work", work]
    trained = facesearch(*command, "--start", checkpoint)
    assert trained.code == 0, trained.err
    assert "LFWA" in trained.err
    evaluated = facesearch("evaluate", folder, "--checkpoint", out, "--work", work)
    assert evaluated.code == 0, evaluated.err
    assert "LFWA test" in evaluated.out
    row = next(line for line in evaluated.out.splitlines() if "5_o_Clock_Shadow" in line)
    assert "77.06" in row.split()  # Table 3's MCNN-AUX; Table 2 has 94.51

    from facesearch.network.checkpoint import load_checkpoint

    start = load_checkpoint(checkpoint)
    tuned = load_checkpoint(out)
    assert start.digest[:12] in tuned.metadata["started_from"]
    assert (tuned.mean == start.mean).all()  # the network knows no other

    assert facesearch(*command, "--start", out).code == 2  # it would take its own start away
    refused = facesearch(*command, "--start", shutil.copy(out, tmp_path / "other.safetensors"))
    assert refused.code == 3 and "another recipe, data set or start" in refused.err


def test_the_protocol_prints_all_attributes_beside_the_papers(
    folder: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    protocol = runpy.run_path(str(BENCHMARKS / "lfwa_protocol.py"))
    command = [str(folder), "--work", str(tmp_path / "work"), "--start", str(checkpoint), "--independent", "Male"]
    protocol["main"]([*command, "--csv", str(tmp_path / "table.csv")])
    header, rule, *rows = capsys.readouterr().out.splitlines()
    assert header.count("|") == rule.count("|") == 13
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[0] for row in cells] == [*NAMES, "MEAN of 40", "MEAN of the 1 with CNNs of their own"]
    assert [row[4] for row in cells[-2:]] == ["86.31", "94.02"]  # Table 3: MCNN-AUX; of Male
    alone = header.split("|").index(" independent, from nothing ") - 1
    assert [row[0] for row in cells if row[alone]] == ["Male", cells[-1][0]]
    with (tmp_path / "table.csv").open() as file:
        assert [row[0] for row in csv.reader(file)][1:41] == list(NAMES)


def test_a_start_that_the_recipe_does_not_use_is_wrong_usage(
    facesearch: Program, folder: Path, checkpoint: Path
) -> None:
    command = ["train", folder, "--out", folder / "x.safetensors", "--work", folder / "work", "--start", checkpoint]
    ran = facesearch(*command, "--recipe", "lfwa-scratch")
    assert ran.code == 2 and "leave --start away" in ran.err
    assert not (folder / "work").exists()


def test_independent_cnns_make_no_checkpoint(facesearch: Program, folder: Path) -> None:
    ran = facesearch("train", folder, "--out", folder / "x.safetensors", "--recipe", "lfwa-independent")
    assert ran.code == 2 and "one attribute each" in ran.err


def test_a_recipe_whose_role_is_empty_is_refused_before_training(facesearch: Program, folder: Path) -> None:
    command = ["train", folder, "--out", folder / "x.safetensors", "--work", folder / "work"]
    ran = facesearch(*command, "--recipe", "standard")
    assert ran.code == 3 and "no images of role calibrate or extra, which recipe standard needs" in ran.err
