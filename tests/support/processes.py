"""What the tests of several processes at one catalogue share."""

import os
import subprocess
import sys
from pathlib import Path

from db import photos
from db.catalogue import Catalogue

PROJECT = Path(__file__).parent.parent.parent


def in_another_process(code: str, *arguments: str | Path, wait_for: str = "") -> subprocess.Popen[str]:
    """Runs code with this project importable; returns once it has printed `wait_for` (or ended, without)."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert process.stdout is not None
    if wait_for:
        assert process.stdout.readline().strip() == wait_for
    else:
        assert process.wait(60) == 0, process.stdout.read()
    return process


def face_count(catalogue: Catalogue) -> int:
    with catalogue.read() as session:
        return photos.counts(session).faces
