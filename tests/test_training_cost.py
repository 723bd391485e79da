"""The benchmark of the paper's cost claims runs, and counts the parameters that the paper speaks of."""

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "training_cost.py"


def test_parameters_and_times_of_all_three_networks_stand_in_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(BENCHMARK))["main"](["--batch", "2", "--rounds", "1", "--input", "99", "--device", "cpu"])
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert [row[1] for row in rows[2:]] == ["72,187,240", "11,546,732", "11,548,372"]
    assert all(float(row[3]) > 0 for row in rows[2:])
