"""What a cluster costs and gains: an index run by one node of one core, and by two, taking turns over the same photos.

    python benchmarks/cluster.py [--photos 120] [--rounds 2] [--work FOLDER]

Prints seconds from start to end of the command, and the processor seconds of the driver. A run over
one photo is taken off, so that what a start costs does not count. Needs `pip install 'facesearch[ray]'`, the tests
beside it, and two cores. The photos are those of tests/gallery, made different by bytes behind their end. All
catalogues are compared: the same faces under the same numbers, logits to 1e-4.
"""

import argparse
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT))

from tests.support.ray_nodes import Nodes, two_nodes  # noqa: E402

TOKEN = "0123456789abcdef" * 4
RUN = "from cli.main import main; main()"


@dataclass(frozen=True)
class Measured:
    """seconds: of the command; driver: its processor seconds."""

    seconds: float
    driver: float

    def without(self, start: "Measured") -> "Measured":
        return Measured(self.seconds - start.seconds, self.driver - start.driver)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--work", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.work) as folder:
        work = Path(folder)
        many, one = album(work / "many", asked.photos), album(work / "one", 1)
        found: dict[int, list[Measured]] = {1: [], 2: []}
        catalogues = []
        for turn in range(asked.rounds):
            for number in found:
                with two_nodes(TOKEN, number) as nodes:
                    index(nodes, one, work / f"warm-{turn}-{number}.db")
                    start = index(nodes, one, work / f"start-{turn}-{number}.db")
                    catalogues.append(work / f"{turn}-{number}.db")
                    found[number].append(index(nodes, many, catalogues[-1]).without(start))
        for number, runs in found.items():
            middle = [statistics.median(getattr(each, name) for each in runs) for name in ("seconds", "driver")]
            each = [1000 * value / asked.photos for value in middle]
            print(f"{number} node(s): {each[0]:.0f} ms a photo, of the driver's processor {each[1]:.1f} ms")
        seconds = [statistics.median(each.seconds for each in runs) for runs in found.values()]
        print(f"two nodes are {seconds[0] / seconds[1]:.2f} times as fast")
        print(f"{len(catalogues)} catalogues alike: {all(alike(catalogues[0], other) for other in catalogues[1:])}")


def album(folder: Path, photos: int) -> Path:
    folder.mkdir()
    sources = sorted((PROJECT / "tests" / "gallery").glob("[!d]*.jpg"))
    for number in range(photos):
        (folder / f"{number:06}.jpg").write_bytes(sources[number % len(sources)].read_bytes() + b"%d" % number)
    return folder


def index(nodes: Nodes, photos: Path, catalogue: Path) -> Measured:
    environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN, "PYTHONPATH": str(PROJECT)}
    own, began = used(), time.perf_counter()
    command = [sys.executable, "-c", RUN, "index", str(photos), "--catalogue", str(catalogue), "--no-crops"]
    subprocess.run([*command, "--ray", nodes.address], env=environment, check=True, capture_output=True, cwd=PROJECT)
    return Measured(time.perf_counter() - began, used() - own)


def used() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def alike(first: Path, second: Path) -> bool:
    rows = []
    for path in (first, second):
        with sqlite3.connect(path) as database:
            rows.append(
                database.execute(
                    "SELECT s.face_id, f.photo_id, f.x, f.y, s.logits FROM scores s JOIN faces f ON f.id = s.face_id "
                    "ORDER BY s.face_id"
                ).fetchall()
            )
    if [row[:4] for row in rows[0]] != [row[:4] for row in rows[1]]:
        return False
    logits = [np.stack([np.frombuffer(row[4], np.float32) for row in each]) for each in rows]
    return bool(np.abs(logits[0] - logits[1]).max() <= 1e-4)


if __name__ == "__main__":
    main()
