"""What a run over files costs that it knows: a file of a second run, beside a file of `find` with the same questions.

    python benchmarks/walk.py [--files 50000] [--folder FOLDER] [--rounds 5]

Makes that many files that are no photos, and that many photos (copies of one), in a temporary folder on the disk of
FOLDER; indexes both once, with a detector that finds nothing; then lets `find -printf` (path, size, mtime, ctime) and a
further run take turns, files and catalogue in the system's cache. Reported is the processor time (user and system) of
the cheapest round of each, which what else the machine does hardly changes; the time a run takes in any case is spread
over the files, so that more of them make it fairer. The target is a ratio of at most 6.
"""

import argparse
import resource
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from db.catalogue import open_catalogue
from db.values.scoring_model import ScoringModel
from facesearch.network.checkpoint import load_checkpoint
from facesearch.vision.detection import Detection
from indexer.pipeline import index_folders
from indexer.report import RunReport

PER_FOLDER = 1000
NAME = "finds nothing"


class FindsNothing:
    """A detector for runs in which faces are no matter."""

    name = NAME

    def detect(self, photos: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        return [[] for _ in photos]


def never() -> NoReturn:
    raise AssertionError("a photo was to be looked at, or scored")


def no_scorer() -> Any:
    """There is no face that it could score."""
    return None


def fill(folder: Path, number: int, name: str, content: bytes) -> None:
    for start in range(0, number, PER_FOLDER):
        part = folder / f"{start // PER_FOLDER:05}"
        part.mkdir(parents=True)
        for each in range(start, min(start + PER_FOLDER, number)):
            (part / name.format(each)).write_bytes(content)


@cache
def model() -> ScoringModel:
    """Loaded once: it is no matter of files."""
    return load_checkpoint().scoring_model()


def small_photo(path: Path) -> bytes:
    Image.new("RGB", (16, 16), "gray").save(path, "JPEG")
    return path.read_bytes()


def index(catalogue: Path, folder: Path, new_detector: Callable[[], FindsNothing]) -> RunReport:
    with open_catalogue(catalogue, create=True) as opened:
        return index_folders(
            opened,
            [folder],
            model=model(),
            new_scorer=never if new_detector is never else no_scorer,
            new_detector=new_detector,
            detector=NAME,
        )


def find(folder: Path) -> None:
    subprocess.run(
        ["find", folder, "-printf", r"%p %s %T@ %C@\n"], stdout=subprocess.DEVNULL, check=True, env={"LC_ALL": "C"}
    )


def spent(work: Callable[[], object]) -> float:
    """Seconds of processor time, this process's and that of the programs that it has waited for."""

    def so_far() -> float:
        both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(each.ru_utime + each.ru_stime for each in both)

    begun = so_far()
    work()
    return so_far() - begun


def compare(folder: Path, catalogue: Path, files: int, rounds: int) -> tuple[float, float]:
    """Microseconds of processor time a file: of `find`, and of a run that has nothing to do."""
    report = index(catalogue, folder, FindsNothing)
    assert report.photos + sum(report.others.values()) == files + 1 and not report.failed
    index(catalogue, folder, FindsNothing)
    found, walked = [], []
    for _ in range(rounds):
        found.append(spent(lambda: find(folder)))
        walked.append(spent(lambda: index(catalogue, folder, never)))
    return 1e6 * min(found) / files, 1e6 * min(walked) / files


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args(given)
    print("| files | find, µs a file | a second run | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        place = Path(name)
        photo = small_photo(place / "one.jpg")
        for what, pattern, content in (("no photos", "{:06}.dat", b"x" * 100), ("photos", "{:06}.jpg", photo)):
            folder = place / what
            fill(folder, arguments.files, pattern, content)
            (folder / "one.jpg").write_bytes(photo)
            found, walked = compare(folder, place / f"{what}.db", arguments.files, arguments.rounds)
            print(f"| {arguments.files:,} {what} | {found:.1f} | {walked:.1f} | {walked / found:.1f} |", flush=True)


if __name__ == "__main__":
    main()
