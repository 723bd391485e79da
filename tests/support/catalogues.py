"""Small catalogues for tests: invented contents with scores that say which content they belong to."""

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from alembic import command
from sqlalchemy import create_engine

from db import models, photos, roots
from db.arrays import Floats
from db.catalogue import Catalogue, open_catalogue
from db.faces import FaceRecord
from db.migrations.run import config
from db.photos import FileRecord, PhotoRecord
from db.provenance import Provenance
from db.values.box import Box
from db.values.photo import Outcome, PhotoFacts
from db.values.scoring_model import ScoringModel

Opened = tuple[Catalogue, int, int]
"""A catalogue with the ids of a root and of a model."""

WIDTH = 40
LOOKED = Provenance("1", "d" * 64)


def scoring_model(letter: str = "a") -> ScoringModel:
    """A model with a digest of 64 times this hexadecimal letter and a metric of its own."""
    generator = np.random.default_rng(int(letter, 16))
    return ScoringModel(
        digest=letter * 64,
        attributes=tuple(f"attribute {number}" for number in range(WIDTH)),
        calibration_scale=np.ones(WIDTH, dtype=np.float32),
        calibration_bias=np.zeros(WIDTH, dtype=np.float32),
        profile_mean=generator.normal(size=WIDTH).astype(np.float32),
        profile_matrix=np.eye(WIDTH, dtype=np.float32),
        metadata={"letter": letter},
    )


def logits(content: int, face: int = 0, letter: str = "a") -> Floats:
    """float32[40], different for every content, face and model."""
    seed = [content, face, int(letter, 16)]
    return np.random.default_rng(seed).normal(size=WIDTH).astype(np.float32)


def digest(content: int) -> str:
    """The SHA-256 of an invented content."""
    return hashlib.sha256(str(content).encode()).hexdigest()


def box(content: int, face: int = 0) -> Box:
    """Of every content another size; now the width is the longer side, now the height."""
    return Box(10.0 * face, 20.0, 30.0 + content, 40.0 + content * (content % 2))


def photo(content: int, faces: int = 1, letter: str = "a") -> PhotoRecord:
    """A content that was indexed, or has no face."""
    return PhotoRecord(
        sha256=digest(content),
        size=1000 + content,
        outcome=Outcome.INDEXED if faces else Outcome.NO_FACE,
        provenance=LOOKED,
        facts=PhotoFacts(640, 480, "JPEG"),
        faces=tuple(
            FaceRecord(
                box=box(content, face),
                detection=0.9,
                landmarks=np.full((5, 2), face, dtype=np.float32),
                logits=logits(content, face, letter),
            )
            for face in range(faces)
        ),
    )


def failed(content: int, *, retry: bool, reason: str = "the JPEG is truncated") -> PhotoRecord:
    """A content that could not be decoded."""
    return PhotoRecord(digest(content), 1000 + content, Outcome.FAILED, Provenance("1"), reason=reason, retry=retry)


def file(path: bytes, content: PhotoRecord) -> FileRecord:
    """A file with this content, changed at a time of its own."""
    return FileRecord(path, content.size, 10**18 + len(path), content)


def new_catalogue(path: Path, root: str = "/photos") -> tuple[Catalogue, int, int]:
    """An empty catalogue with one root and a serving model; with the ids of both."""
    catalogue = open_catalogue(path, create=True)
    with catalogue.write() as session:
        model_id = models.register(session, scoring_model())
        assert models.serve_when_complete(session, model_id)
        root_id = roots.add_root(session, root)
    return catalogue, root_id, model_id


def index(catalogue: Catalogue, root_id: int, model_id: int, contents: Iterable[int], faces: int = 1) -> None:
    """Record a file "<number>.jpg" for each of these contents, in one batch."""
    with catalogue.write() as session:
        files = [file(b"%d.jpg" % content, photo(content, faces)) for content in contents]
        photos.record(session, root_id, files, model_id=model_id)


def migrated_to(path: Path, version: int) -> None:
    """An empty catalogue as the program of this schema version made it."""
    open_catalogue(path, create=True).close()
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if name != "sqlite_sequence":
            connection.execute(f"DROP TABLE {name}")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as opened:
        command.upgrade(config(opened), f"{version:04d}")
    engine.dispose()


def make_version(path: Path, version: int) -> None:
    """Turn a closed catalogue into what the program of this schema version would have left."""
    older = path.with_name("older.db")
    migrated_to(older, version)
    connection = sqlite3.connect(older)
    connection.execute("ATTACH ? AS newer", (str(path),))
    connection.execute(
        "CREATE TEMP VIEW newer_photos AS SELECT photos.*, detector, decoder != '0' AS exif_read "
        "FROM newer.photos JOIN newer.provenances ON provenances.id = provenance_id"
    )
    tables = connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        if table == "alembic_version":
            continue
        source = "newer_photos" if table == "photos" else f"newer.{table}"
        if not any(
            connection.execute(f"SELECT 1 FROM {each} LIMIT 1").fetchone() for each in (f"main.{table}", source)
        ):
            continue  # to touch it would leave a trace in sqlite_sequence
        columns = _columns(connection, f"main.{table}") & _columns(connection, source)
        names = ", ".join(sorted(columns))
        connection.execute(f"DELETE FROM main.{table}")
        connection.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM {source}")
    connection.commit()
    connection.close()
    older.replace(path)


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {column for (column, *_) in connection.execute(f"SELECT * FROM {table} LIMIT 0").description or ()}


def encode(values: Floats, model: ScoringModel) -> Floats:
    """Unit-length profiles float32[N, 40]: what searches get from `facesearch.search.ranking.profiles`."""
    profiles = (values - model.profile_mean) @ model.profile_matrix
    return np.asarray(profiles / np.linalg.norm(profiles, axis=1, keepdims=True), dtype=np.float32)
