"""What README begins with: the demo runs from end to end, on whatever photos it is given."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def demo(tmp_path: Path, gallery: Path):  # type: ignore[no-untyped-def]
    (tmp_path / "my photos").mkdir()
    for name in ("man-goatee-1.jpg", "woman-bangs-brown-hair.jpg", "group-of-three.jpg"):
        shutil.copy(gallery / name, tmp_path / "my photos")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def ran(photos: Path, query: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["sh", PROJECT / "tests" / "demo.sh", photos, query],
            env={**os.environ, "PATH": path, "TMPDIR": str(tmp_path)},
            cwd=PROJECT,
            capture_output=True,
            text=True,
        )

    return ran


def test_the_demo_indexes_searches_and_looks_for_faces_like_the_best(demo, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ran = demo(tmp_path / "my photos", "man, goatee")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (folder,) = tmp_path.glob("facesearch-demo.*")
    for name in ("search", "similar"):
        page = (folder / f"{name}.html").read_text(encoding="utf-8")
        assert page.count("data:image/jpeg") >= 3 and str(folder / f"{name}.html") in ran.stdout
    with (folder / "search.csv").open(encoding="utf-8-sig", newline="") as file:
        best = {Path(row["photo"]).name for row in list(csv.DictReader(file))[:2]}
    assert best == {"man-goatee-1.jpg", "group-of-three.jpg"}  # a man with a goatee is on both


def test_a_description_that_cannot_be_read_ends_the_demo_with_its_error(demo, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ran = demo(tmp_path / "my photos", "no hat, glasses or beard")
    assert ran.returncode == 2 and "write the one that you mean" in ran.stdout
