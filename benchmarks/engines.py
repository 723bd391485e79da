"""Other engines over an export, beside our own search: do they find the same faces in the same order, and how fast?

    python benchmarks/engines.py --work WORK [--faces 200000]

A catalogue of invented faces is made, exported, and asked in turn by facesearch and by whichever of DuckDB, ClickHouse
(chdb) and Spark (which needs Java) is installed: pip install duckdb chdb pyspark. Each is asked once to get warm, then
ROUNDS times each description, all taking turns; times are medians, in milliseconds a description. docs/engines.md holds
what came out.
"""

import argparse
import hashlib
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from db import models, photos, roots, snapshot
from db.catalogue import open_catalogue
from db.faces import FaceRecord
from db.photos import FileRecord, PhotoRecord
from db.provenance import Provenance
from db.values.box import Box
from db.values.photo import Outcome, PhotoFacts
from facesearch.attributes import NAMES
from facesearch.custody.acting import Acting, act_as
from facesearch.engines.parquet import export
from facesearch.engines.sql import sql_of
from facesearch.network.checkpoint import load_checkpoint
from facesearch.search.description import search
from facesearch.search.ranking.profiles import encode
from facesearch.search.request import Request, describe

DESCRIPTIONS = (
    "man, goatee, not bald",
    "woman, blond or gray hair, glasses",
    "man, black hair, moustache or goatee, maybe hat, not smiling",
    "must:woman, brown hair, bangs, earrings, young, taken:2019",
    "smiling>0.8, man, bald",
)
ROUNDS = 5
TOP = 20
_BATCH, _FACES_A_PHOTO = 10_000, 5

Answer = list[tuple[int, float]]


def make(path: Path, faces: int) -> None:
    """A catalogue of so many faces, scored as if by the network in the package."""
    model = load_checkpoint().scoring_model()
    random = np.random.default_rng(0)
    with open_catalogue(path, create=True) as catalogue:
        with catalogue.write() as session:
            model_id = models.register(session, model)
            models.serve_when_complete(session, model_id)
            root_id = roots.add_root(session, "/photos")
        photo_count = faces // _FACES_A_PHOTO
        for start in range(0, photo_count, _BATCH):
            with catalogue.write() as session:
                numbers = range(start, min(start + _BATCH, photo_count))
                files = [_photo(number, random) for number in numbers]
                photos.record(session, root_id, files, model_id=model_id)
        snapshot.rebuild(catalogue, encode)


def _photo(number: int, random: np.random.Generator) -> FileRecord:

    logits = random.normal(0, 3, (_FACES_A_PHOTO, len(NAMES))).astype(np.float32)
    found = tuple(
        FaceRecord(Box(0, 0, 90, 120), float(random.uniform(0.75, 1)), np.zeros((5, 2), np.float32), row)
        for row in logits
    )
    content = PhotoRecord(
        hashlib.sha256(str(number).encode()).hexdigest(),
        1000,
        Outcome.INDEXED,
        Provenance("1", "d" * 64),
        facts=PhotoFacts(
            width=800,
            height=600,
            format="JPEG",
            taken=datetime(2018, 1, 1) + timedelta(hours=int(random.integers(0, 30_000))),
            camera="Canon EOS 80D",
        ),
        faces=found,
    )
    return FileRecord(b"%d/%d.jpg" % (number // 1000, number), 1000, 10**18, content)


def duckdb_engine(files: str) -> Callable[[str], Answer]:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW faces AS SELECT * FROM '{files}'")
    return lambda sql: [(row[0], row[-2]) for row in connection.execute(sql).fetchall()]


def clickhouse_engine(files: str) -> Callable[[str], Answer]:
    import json

    from chdb.session import Session

    session: Any = Session()
    session.query(f"CREATE VIEW faces AS SELECT * FROM file('{files}', Parquet)")

    def ask(sql: str) -> Answer:
        rows = json.loads(str(session.query(sql, "JSONCompact")))["data"]
        return [(int(row[0]), float(row[-2])) for row in rows]

    return ask


def spark_engine(files: str) -> Callable[[str], Answer]:
    from pyspark.sql import SparkSession

    spark: Any = (
        SparkSession.builder.master("local[*]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    spark.read.parquet(str(Path(files).parent)).createOrReplaceTempView("faces")
    return lambda sql: [(row[0], row[-2]) for row in spark.sql(sql).collect()]


ENGINES = {"DuckDB": duckdb_engine, "ClickHouse (chdb)": clickhouse_engine, "Spark": spark_engine}


def installed(files: str) -> Iterator[tuple[str, Callable[[str], Answer]]]:
    for name, engine in ENGINES.items():
        try:
            yield name, engine(files)
        except Exception as error:  # not installed, no Java: said, and the others go on
            print(f"{name}: not asked ({type(error).__name__}: {' '.join(str(error).split())[:120]})")


def in_sql(ask: Callable[[str], Answer]) -> Callable[[Request], Answer]:
    """What takes requests of what takes SQL."""
    return lambda request: ask(sql_of(request, top=TOP))


def same(found: Answer, expected: Answer) -> bool:
    return [face for face, _ in found] == [face for face, _ in expected] and all(
        abs(one - other) <= 1e-12 for (_, one), (_, other) in zip(found, expected, strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=200_000)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.work / f"engines-{options.faces}.db"
    folder = options.work / f"engines-{options.faces}-parquet"
    if not path.exists():
        make(path, options.faces)
    act_as(Acting(reason="benchmarks/engines.py"))
    with open_catalogue(path) as catalogue:
        began = time.perf_counter()
        done = export(catalogue, folder)
        seconds = time.perf_counter() - began
        size = sum(each.stat().st_size for each in folder.iterdir())
        print(f"export: {done.faces:,} faces in {seconds:.1f} s, {size / done.faces:.0f} bytes a face")
        requests = [describe(each)[0] for each in DESCRIPTIONS]

        def ours(request: Request) -> Answer:
            return [(hit.face.face, hit.score) for hit in search(catalogue, request, top=TOP).hits]

        asked: dict[str, Callable[[Request], Answer]] = {"facesearch": ours}
        for name, ask in installed(f"{folder}/*.parquet"):
            asked[name] = in_sql(ask)
        expected = [ours(request) for request in requests]
        times: dict[str, list[float]] = {name: [] for name in asked}
        agree = dict.fromkeys(asked, 0)
        for name, answer in asked.items():
            agree[name] = sum(same(answer(request), one) for request, one in zip(requests, expected, strict=True))
        for _ in range(ROUNDS):
            for request in requests:
                for name, answer in asked.items():
                    began = time.perf_counter()
                    answer(request)
                    times[name].append(time.perf_counter() - began)
    print(f"\n| engine | the same {TOP} faces, order and scores | ms a description |\n|---|---|---|")
    for name, taken in times.items():
        print(f"| {name} | {agree[name]} of {len(requests)} | {1000 * statistics.median(taken):.0f} |")


if __name__ == "__main__":
    main()
