"""The benchmark of the GPU runs through on a CPU, so that it needs no second try where a GPU is lent for minutes."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "gpu.py"


@pytest.fixture(scope="module")
def gpu() -> dict:  # type: ignore[type-arg]
    return runpy.run_path(str(BENCHMARK))


def test_every_part_is_measured_and_the_cpu_equals_itself(
    gpu: dict,
    tmp_path: Path,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[type-arg]
) -> None:
    monkeypatch.setitem(gpu["main"].__globals__, "_BATCHES", (2,))
    small = ["--device", "cpu", "--minutes", "0.01", "--faces", "9", "--compared", "9", "--profiles", "2000"]
    gpu["main"]([*small, "--checkpoint", str(checkpoint), "--json", str(tmp_path / "f.json")])
    rows = {(row["part"], row["what"]): row for row in json.loads((tmp_path / "f.json").read_text())["rows"]}
    same = rows["equality", "float32"]
    assert same["largest_logit_difference"] == 0 and same["answers_that_differ_percent"] == 0
    assert rows["scoring", "float32"]["faces_per_second"] > 0
    assert "faces_per_second" in rows["training", "batch 2"] or "left_out" in rows["training", "batch 2"]
    assert rows["search", "FAISS on the CPU"]["ms_a_query"] > 0
    assert rows["search", "PyTorch on the cpu"]["same_rows"] in ("yes", "but for ties")


def test_other_rows_are_told_from_ties(gpu: dict) -> None:  # type: ignore[type-arg]
    profiles = np.eye(4, dtype=np.float32)[[0, 0, 1, 2]]
    asked = profiles[:1]

    def same(found: list[int]) -> str:
        return str(gpu["_same"](profiles, asked, np.array([[0]]), np.array([found])))

    assert [same([0]), same([1]), same([2])] == ["yes", "but for ties", "no"]


def test_the_crops_are_faces_and_the_same_each_time(gpu: dict) -> None:  # type: ignore[type-arg]
    crops = gpu["portraits"](40)
    assert crops.shape == (40, 227, 227, 3) and (crops == gpu["portraits"](40)).all()
    assert len(np.unique(crops.reshape(40, -1), axis=0)) == 40
