"""How fast a description is searched, beside other ways to do the same, over synthetic faces.

    python benchmarks/query.py [--faces 1000000 10000000] [--cold-faces 1000000] [--work FOLDER]

The logits follow two normal distributions, of faces that have an attribute and of those that do not, so that they are
about as sure and as calibrated as the shipped network's, with as many positives as in CelebA, and lie in columns that
are memory-mapped as a snapshot's are. Each query asks for other attributes than the one before, so that no way finds
its columns in the processor's cache. All ways find the best 20 faces among all with a detection score of .8 or more;
the time is the median of the rounds, with the fastest in brackets.

- facesearch: `ranking.scan.ranked`, exact scores and the expected count; also with an "or" and with a hedged word,
  which the others cannot do.
- FAISS: IndexFlatIP over the 80 columns log p and log(1 - p). It knows no expected count, and leaves the detection out.
- SQL: a table with a REAL column for each probability in SQLite, `ORDER BY product DESC LIMIT 20`.
- copy: numpy copies the bytes that must be read, the asked columns and the detection scores.

Then the command `facesearch search` as a whole, in a new process, on a catalogue with a snapshot, beside
`python -c "import numpy, sqlalchemy, typer, rich"`.

Needs about 1,260 bytes of disk and 400 of memory for each face; FOLDER keeps nothing.
"""

import argparse
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from db import models, photos, roots
from db.catalogue import open_catalogue
from db.faces import FaceRecord
from db.provenance import Provenance
from db.snapshot import rebuild
from db.values.box import Box
from db.values.photo import Outcome, PhotoFacts
from db.values.scoring_model import ScoringModel, calibrate
from facesearch.attributes import NAMES
from facesearch.network.checkpoint import load_checkpoint
from facesearch.query.tree import And, Node, Or, Term, Weighted, without_hedges
from facesearch.search.ranking import scan
from facesearch.search.ranking.profiles import encode
from facesearch.vision.detection import SEARCH_FROM

TOP = 20
BLOCK = 100_000
Floats = NDArray[np.float32]
Query = tuple[Term, ...]


def logits_of(model: ScoringModel, count: int, seed: int) -> Floats:
    """float32 [40, count]: calibrated, they are about +3 +- 2 of faces with the attribute, -3 +- 2 of others."""
    random = np.random.default_rng(seed)
    positive = np.geomspace(0.02, 0.8, len(NAMES))[np.random.default_rng(0).permutation(len(NAMES))]
    z = random.normal(0, 2, (len(NAMES), count)) + np.where(
        random.random((len(NAMES), count)) < positive[:, None], 3, -3
    )
    scale, bias = model.calibration_scale[:, None], model.calibration_bias[:, None]
    return ((z - bias) / scale).astype(np.float32)


def detections_of(count: int, seed: int) -> Floats:
    """float32 [count]: a twentieth is below the default bound."""
    return np.random.default_rng(seed).uniform(0.79, 0.99, count).astype(np.float32)


def write_columns(folder: Path, model: ScoringModel, faces: int) -> dict[str, Floats]:
    """Memory-mapped from files, float32: logits [40, faces], probabilities that the attributes hold and then that they
    do not [80, faces], detection scores [faces]."""
    shapes = {"logits": (len(NAMES), faces), "probabilities": (2 * len(NAMES), faces), "detections": (faces,)}
    made = {name: np.lib.format.open_memmap(folder / name, "w+", np.float32, shape) for name, shape in shapes.items()}
    for start in range(0, faces, BLOCK):
        count = min(BLOCK, faces - start)
        logits = logits_of(model, count, start)
        made["logits"][:, start : start + count] = logits
        sides = [model.probabilities(logits.T, holds).T for holds in (True, False)]
        made["probabilities"][:, start : start + count] = np.concatenate(sides)
        made["detections"][start : start + count] = detections_of(count, start)
    for array in made.values():
        array.flush()
    return {name: np.asarray(np.load(folder / name, mmap_mode="r")) for name in shapes}


class Ours:
    """What `facesearch.search.description` does before it reads the hits' rows from the catalogue."""

    def __init__(self, model: ScoringModel, columns: dict[str, Floats]) -> None:
        self._detections = columns["detections"]
        self._faces = scan.Scored(
            np.arange(1, len(self._detections) + 1, dtype=np.int64),
            lambda attribute, holds: columns["probabilities"][attribute if holds else attribute + len(NAMES)],
            columns["logits"].__getitem__,
            model.calibration_scale,
            model.calibration_bias,
        )

    def best(self, tree: Node) -> scan.Ranked:
        allowed = self._detections >= np.float32(SEARCH_FROM)
        return scan.ranked(tree, self._faces, allowed=allowed, top=TOP, firm=without_hedges(tree))

    def check(self, tree: Node) -> None:
        """Raises AssertionError unless the result is that of scoring and sorting every face."""
        found = self.best(tree)
        faces = self._faces
        scores = scan.scores(tree, faces.logits, len(faces.ids), faces.scale, faces.bias)
        scores[self._detections < np.float32(SEARCH_FROM)] = -1
        assert np.array_equal(found.rows, scan.best(scores, faces.ids, TOP)), "not the best"


def faiss_search(model: ScoringModel, logits: Floats) -> Callable[[Query], Any]:
    """Log probabilities as one inner product."""
    index = faiss.IndexFlatIP(2 * len(NAMES))
    for start in range(0, logits.shape[1], BLOCK):
        some = np.ascontiguousarray(logits[:, start : start + BLOCK].T)
        z = some * model.calibration_scale + model.calibration_bias
        index.add(np.concatenate([-np.logaddexp(0, -z), -np.logaddexp(0, z)], axis=1).astype(np.float32))

    def search(query: Query) -> Any:
        wanted = np.zeros((1, 2 * len(NAMES)), np.float32)
        for term in query:
            wanted[0, term.attribute + (0 if term.holds else len(NAMES))] = 1
        return index.search(wanted, TOP)

    return search


def sql_search(folder: Path, model: ScoringModel, logits: Floats, detections: Floats) -> Callable[[Query], Any]:
    """The product of columns."""
    connection = sqlite3.connect(folder / "probabilities.db")
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute(f"CREATE TABLE p (id INTEGER PRIMARY KEY, d REAL, {', '.join(f'a{i} REAL' for i in range(40))})")
    for start in range(0, len(detections), BLOCK):
        some = logits[:, start : start + BLOCK].T
        p = calibrate(some, model.calibration_scale, model.calibration_bias)
        rows = np.column_stack([np.arange(start + 1, start + 1 + len(p)), detections[start : start + BLOCK], p])
        connection.executemany(f"INSERT INTO p VALUES ({', '.join('?' * 42)})", rows.tolist())
    connection.commit()

    def search(query: Query) -> Any:
        product = " * ".join(f"a{term.attribute}" if term.holds else f"(1 - a{term.attribute})" for term in query)
        asked = f"SELECT id, {product} AS score FROM p WHERE d >= {SEARCH_FROM} ORDER BY score DESC, id LIMIT {TOP}"
        return connection.execute(asked).fetchall()

    return search


def copying(columns: Floats, detections: Floats) -> Callable[[Query], Any]:
    """Into memory that is there already."""
    target = np.empty((6, len(detections)), np.float32)

    def copy(query: Query) -> None:
        for number, term in enumerate(query):
            np.copyto(target[number], columns[term.attribute])
        np.copyto(target[len(query)], detections)

    return copy


def queries(terms: int, rounds: int) -> list[Query]:
    """Of that many attributes, every third of them denied; no two in a row share one."""
    random = np.random.default_rng(terms)
    drawn: list[Query] = []
    rest: list[int] = []
    for _ in range(rounds):
        if len(rest) < terms:
            before = [term.attribute for term in drawn[-1]] if drawn else []  # drawn last, as they stand first
            rest = before + [index for index in random.permutation(len(NAMES)).tolist() if index not in before]
        drawn.append(tuple(Term(rest.pop(), number % 3 != 2) for number in range(terms)))
    return drawn


def timed(work: Callable[[Any], Any], asked: Sequence[Any]) -> list[float]:
    """Seconds for each, after one that does not count."""
    work(asked[-1])
    times = []
    for each in asked:
        start = time.perf_counter()
        work(each)
        times.append(time.perf_counter() - start)
    return times


def in_words(times: Sequence[float]) -> str:
    return f"{statistics.median(times) * 1e3:,.2f} ({min(times) * 1e3:,.2f})"


def compare(faces: int, model: ScoringModel, folder: Path, rounds: int) -> None:
    columns = write_columns(folder, model, faces)
    logits, detections = columns["logits"], columns["detections"]
    ours = Ours(model, columns)
    ways: dict[str, Callable[[Query], Any]] = {
        "copy": copying(columns["probabilities"], detections),
        "facesearch": lambda query: ours.best(And(query) if len(query) > 1 else query[0]),
        "FAISS": faiss_search(model, logits),
        "SQL": sql_search(folder, model, logits, detections),
    }
    print(f"\n{faces:,} faces, milliseconds\n")
    print(f"| attributes | {' | '.join(ways)} | FAISS / facesearch | facesearch / copy |\n|{'---|' * (len(ways) + 3)}")
    for terms in (1, 2, 3, 5):
        asked = queries(terms, rounds)
        ours.check(And(asked[0]))
        found = {name: timed(way, asked[: 3 if name == "SQL" else rounds]) for name, way in ways.items()}
        middle = {name: statistics.median(times) for name, times in found.items()}
        print(
            f"| {terms} | {' | '.join(map(in_words, found.values()))} "
            f"| {middle['FAISS'] / middle['facesearch']:.1f} | {middle['facesearch'] / middle['copy']:.1f} |",
            flush=True,
        )
    print("\nOnly facesearch, 3 attributes:\n\n| description | milliseconds |\n|---|---|")
    for words, shape in SHAPES.items():
        trees = [shape(*query) for query in queries(3, rounds)]
        ours.check(trees[0])
        print(f"| {words} | {in_words(timed(ours.best, trees))} |", flush=True)


SHAPES: dict[str, Callable[[Node, Node, Node], Node]] = {
    "a, b or c": lambda a, b, c: And((a, Or((b, c)))),
    "a, b, maybe c": lambda a, b, c: And((a, b, Weighted(c, 0.5))),
    "a or b, a or c": lambda a, b, c: And((Or((a, b)), Or((a, c)))),
}


def fill(path: Path, model: ScoringModel, faces: int) -> None:
    """A catalogue with one face a photo and its snapshot."""
    landmarks = np.zeros((5, 2), np.float32)

    def files() -> Iterator[list[photos.FileRecord]]:
        for start in range(0, faces, 20_000):
            count = min(20_000, faces - start)
            logits, detections = logits_of(model, count, start).T, detections_of(count, start)
            yield [
                photos.FileRecord(
                    f"{number // 1000:05}/{number:08}.jpg".encode(),
                    1000,
                    1,
                    photos.PhotoRecord(
                        f"{number:064x}",
                        1000,
                        Outcome.INDEXED,
                        Provenance("1"),
                        facts=PhotoFacts(taken=datetime(2020, 1, 1)),
                        faces=(FaceRecord(Box(10, 10, 90, 120), float(detections[row]), landmarks, logits[row]),),
                    ),
                )
                for row, number in enumerate(range(start, start + count))
            ]

    with open_catalogue(path, create=True) as catalogue:
        with catalogue.write() as session:
            model_id = models.register(session, model)
            models.serve_when_complete(session, model_id)
            root = roots.add_root(session, "/photos")
        for some in files():
            with catalogue.write() as session:
                photos.record(session, root, some, model_id=model_id)
        rebuild(catalogue, encode)


def cold(faces: int, model: ScoringModel, folder: Path, rounds: int) -> None:
    path = folder / "faces.db"
    fill(path, model, faces)
    run = "from cli.main import main; main()"
    commands = {
        "imports": [sys.executable, "-c", "import numpy, sqlalchemy, typer, rich"],
        "search": [sys.executable, "-c", run, "search", "man, goatee, not bald", "--catalogue", str(path)],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):  # in turns, so that a busy machine is busy for both; the first does not count
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, env={**os.environ, "COLUMNS": "120"})
            if number:
                times[name].append(time.perf_counter() - start)
    print(f"\nCold command over {faces:,} faces, milliseconds: imports {in_words(times['imports'])}, ", end="")
    print(f"search {in_words(times['search'])}, ratio {_ratio(times):.2f}", flush=True)


def _ratio(times: dict[str, list[float]]) -> float:
    return statistics.median(times["search"]) / statistics.median(times["imports"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument("--cold-faces", type=int, default=1_000_000, help="0: leave it out")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--work", type=Path, help="where the files lie meanwhile")
    arguments = parser.parse_args()
    model = load_checkpoint().scoring_model()
    for faces in arguments.faces:
        with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
            compare(faces, model, Path(folder), arguments.rounds)
    if arguments.cold_faces:
        with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
            cold(arguments.cold_faces, model, Path(folder), arguments.rounds)


if __name__ == "__main__":
    main()
