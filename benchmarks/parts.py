"""Whether a search over a snapshot of several parts is as fast as over one, on the same synthetic faces as query.py.

    python benchmarks/parts.py [--faces 10000000] [--parts 10] [--work FOLDER]

Three attributes, the best 20 faces, taking turns: all columns in one piece; in so many parts; in parts of which every
thousandth row is out of date, so that nearly no block of a scan is free of such rows. All three are checked to find
the same faces, but for those that are out of date. Needs 500 bytes of disk for each face.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from query import TOP, Floats, queries, write_columns

from db.segments import Omitting, joined
from facesearch.attributes import NAMES
from facesearch.network.checkpoint import load_checkpoint
from facesearch.query.tree import And, Node
from facesearch.search.ranking import scan
from facesearch.vision.detection import SEARCH_FROM

EVERY = 1000


class Ways:
    """The same faces, lying in one piece or in several."""

    def __init__(self, columns: dict[str, Floats], parts: int, omit: bool) -> None:
        faces = len(columns["detections"])
        edges = [faces * number // parts for number in range(parts + 1)]
        self._spans = [slice(*each) for each in itertools.pairwise(edges)]
        out = np.arange(0, 0 if not omit else faces // parts - 1, EVERY)
        self._left = [Omitting(span.stop - span.start, out) for span in self._spans]
        model = load_checkpoint().scoring_model()
        self._faces = scan.Scored(
            self._lying(np.arange(1, faces + 1, dtype=np.int64)),
            lambda index, holds: self._lying(columns["probabilities"][index if holds else index + len(NAMES)]),
            lambda index: self._lying(columns["logits"][index]),
            model.calibration_scale,
            model.calibration_bias,
        )
        self._allowed = np.asarray(self._lying(columns["detections"]) >= np.float32(SEARCH_FROM))

    def _lying(self, column: NDArray[Any]) -> Any:
        return joined([(column[span], left) for span, left in zip(self._spans, self._left, strict=True)])

    def best(self, tree: Node) -> list[int]:
        found = scan.ranked(tree, self._faces, allowed=self._allowed, top=TOP, firm=tree)
        return [int(each) for each in self._faces.ids[found.rows]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=10_000_000)
    parser.add_argument("--parts", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--work", type=Path, help="where the files lie meanwhile")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        columns = write_columns(Path(folder), load_checkpoint().scoring_model(), options.faces)
        ways = {
            "one piece": Ways(columns, 1, omit=False),
            f"{options.parts} parts": Ways(columns, options.parts, omit=False),
            f"{options.parts} parts, 0.1 % out of date": Ways(columns, options.parts, omit=True),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for number, query in enumerate(queries(3, options.rounds + 1)):
            tree, answers = And(query), []
            for name, way in ways.items():
                began = time.perf_counter()
                answers.append(way.best(tree))
                if number:
                    times[name].append(time.perf_counter() - began)
            one, several, fewer = answers
            kept = [face for face in one if face in fewer]
            assert one == several and fewer[: len(kept)] == kept, "another answer"
    first = statistics.median(times["one piece"])
    print(f"{options.faces:,} faces\n\n| | ms | ratio |\n|---|---|---|")
    for name, taken in times.items():
        print(f"| {name} | {1000 * statistics.median(taken):.1f} | {statistics.median(taken) / first:.2f} |")


if __name__ == "__main__":
    main()
