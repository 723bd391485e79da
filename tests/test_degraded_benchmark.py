"""The benchmark of worse pictures: every condition and attribute stands in its tables, and nothing is scored twice."""

import csv
import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from facesearch.attributes import NAMES
from tests.support import labelled

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def degraded(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return runpy.run_path(str(BENCHMARKS / "degraded.py"))


def test_one_command_measures_every_condition_and_goes_on_where_it_was(
    degraded: dict,
    tmp_path: Path,
    checkpoint: Path,
    capsys: pytest.CaptureFixture[str],  # type: ignore[type-arg]
) -> None:
    data = labelled.celeba(tmp_path / "celeba", labelled.portraits(6), [1] * 6)
    command = [str(data), "--work", str(tmp_path / "work"), "--checkpoint", str(checkpoint), "--role", "val"]
    command += ["--only", "size", "jpeg", "--csv", str(tmp_path / "f.csv"), "--html", str(tmp_path / "p.html")]
    command += ["--svg", str(tmp_path)]
    degraded["main"](command)
    first = capsys.readouterr().out
    for words in ("as they are", "size: 16 px", "size: 96 px", "jpeg: quality 5", "smallest size", "not Male"):
        assert words in first
    assert all(f"| {name} |" in first for name in NAMES)
    with (tmp_path / "f.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["kind"] for row in rows} == {"as they are", "size", "jpeg"}
    assert sum(row["group"] == "all" for row in rows) == 41 * (1 + 6 + 4)
    page = (tmp_path / "p.html").read_text()
    assert page.count("<svg") > 40 and not re.search(r"https?://(?!www\.w3\.org)", page) and "<script" not in page

    for name, count in (("sizes", 3), ("kinds", 1), ("attributes", 40)):
        charts = ElementTree.parse(tmp_path / f"degraded-{name}.svg").getroot()
        assert len(charts.findall("{http://www.w3.org/2000/svg}svg")) >= count

    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "work" / "degraded").glob("*.npy")}
    assert len(kept) == 1 + 6 + 4
    degraded["main"](command)
    assert capsys.readouterr().out == first
    assert all(path.stat().st_mtime_ns == at for path, at in kept.items())


def test_an_attribute_is_good_down_to_the_last_size_before_its_grade_or_its_calibration_falls(degraded: dict) -> None:  # type: ignore[type-arg]
    truth = np.random.default_rng(0).integers(0, 2, (400, 40)).astype(np.uint8)
    found = np.ones(400, bool)

    def condition(name: str, p: np.ndarray, grade: str):  # type: ignore[no-untyped-def]
        figures = degraded["measure"](p, truth, found)
        return degraded["Condition"]("size", name, figures, 0.0, None, dict.fromkeys(NAMES, grade), {})

    sure, unsure = np.where(truth, 0.95, 0.05), np.full(truth.shape, 0.95)
    whole = condition("as they are", sure, "B")
    sizes = {96: condition("96 px", sure, "B"), 64: condition("64 px", sure, "A"), 48: condition("48 px", sure, "B")}
    smallest = degraded["smallest_size"]
    assert smallest({**sizes, 32: condition("32 px", sure, "C"), 24: condition("24 px", sure, "B")}, whole, 0) == 48
    assert smallest({**sizes, 32: condition("32 px", unsure, "B")}, whole, 0) == 48
    assert smallest({96: condition("96 px", sure, "C")}, whole, 0) is None
