"""What the audit log costs a search: the same searches with and without it, taking turns in one run.

    python benchmarks/audit_cost.py [--faces N] [--searches N] [--rows N] [--work FOLDER]

A catalogue of invented faces (random scores, seeded) is made in FOLDER, with a snapshot. Each description is searched
with the log and then without, its row replaced by nothing, so that both see the same disk and the same load. Every row
is flushed to the disk as in use (`synchronous = FULL`). Then so many rows are put into the log, and all is measured
again: a row is bound to the one before alone, so that a long log costs no more than a short one.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from db import audit, models, photos, roots, snapshot
from db.catalogue import Catalogue, open_catalogue
from db.faces import FaceRecord
from db.photos import FileRecord, PhotoRecord
from db.provenance import Provenance
from db.values.box import Box
from db.values.photo import Outcome, PhotoFacts
from db.values.scoring_model import ScoringModel
from facesearch.attributes import NAMES
from facesearch.query import parse
from facesearch.search import description
from facesearch.search.ranking.profiles import encode
from facesearch.search.request import Request

DESCRIPTIONS = ("man, glasses", "woman, blond hair, smiling", "bald, beard or mustache, not young", "hat")
_AT_ONCE = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=20_000)
    parser.add_argument("--searches", type=int, default=40)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--work", type=Path)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=given.work) as folder,
        open_catalogue(Path(folder) / "faces.db", create=True) as catalogue,
    ):
        fill(catalogue, given.faces)
        print(f"{given.faces:,} faces, {given.searches} searches each way, top 20; medians")
        print("| rows in the log | with, ms | without, ms | the row, ms | share |")
        print("|---|---|---|---|---|")
        report(catalogue, given.searches)
        lengthen(catalogue, given.rows)
        report(catalogue, given.searches)


def fill(catalogue: Catalogue, number: int) -> None:
    """Photos with a face each, and a snapshot of them."""
    random = np.random.default_rng(0)
    width = len(NAMES)
    ones, zeros = np.ones(width, np.float32), np.zeros(width, np.float32)
    model = ScoringModel("a" * 64, NAMES, ones, zeros, zeros, np.eye(width, dtype=np.float32), {})
    looked = Provenance("1", "d")
    with catalogue.write() as session:
        model_id = models.register(session, model)
        models.serve_when_complete(session, model_id)
        root_id = roots.add_root(session, "/photos")
    for start in range(0, number, _AT_ONCE):
        files = []
        for each in range(start, min(start + _AT_ONCE, number)):
            logits = random.normal(size=width).astype(np.float32)
            face = FaceRecord(Box(1.0, 1.0, 90.0, 90.0), 0.95, np.zeros((5, 2), np.float32), logits)
            digest = hashlib.sha256(str(each).encode()).hexdigest()
            content = PhotoRecord(digest, 1000, Outcome.INDEXED, looked, facts=PhotoFacts(640, 480), faces=(face,))
            files.append(FileRecord(b"%d.jpg" % each, 1000, 1, content))
        with catalogue.write() as session:
            photos.record(session, root_id, files, model_id=model_id)
    snapshot.rebuild(catalogue, encode)


def lengthen(catalogue: Catalogue, rows: int) -> None:
    """Put rows into the log as searches do."""
    payload = {"reading": "man", "hits": 20, "faces": [[each, 0.5] for each in range(20)]}
    for start in range(0, rows, _AT_ONCE):
        with catalogue.write() as session:
            for _ in range(min(_AT_ONCE, rows - start)):
                audit.note(session, "search", payload)


def report(catalogue: Catalogue, searches: int) -> None:
    with catalogue.read() as session:
        head = audit.head(session)
    logged, unlogged = timed(catalogue, searches)
    row = median(a - b for a, b in zip(logged, unlogged, strict=True))
    both = median(logged), median(unlogged)
    rows = head.sequence if head else 0
    print(f"| {rows:,} | {both[0]:.1f} | {both[1]:.1f} | {row:.1f} | {row / both[0]:.0%} |")


def timed(catalogue: Catalogue, searches: int) -> tuple[Sequence[float], Sequence[float]]:
    """Milliseconds of each search with the log, and of the same one without."""
    requests = [Request(parse(each)) for each in DESCRIPTIONS]
    module: Any = description  # whose function is exchanged: no search of the program goes unlogged
    log = module.log_result
    for each in requests:  # what is read for the first time is no cost of the log
        description.search(catalogue, each)
    found: tuple[list[float], list[float]] = [], []
    for number in range(searches):
        request = requests[number % len(requests)]
        for place, way in enumerate((log, _nothing)):
            module.log_result = way
            found[place].append(_milliseconds(partial(description.search, catalogue, request)))
    module.log_result = log
    return found


def _nothing(*_: object) -> None:
    """In place of the row."""


def _milliseconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
