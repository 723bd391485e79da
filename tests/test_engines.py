"""What other engines are given and asked: files of Parquet, and the search as SQL."""

import hashlib
import json
import os
import resource
import signal
import sqlite3
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from db import faces as face_rows
from db.audit import entries
from db.catalogue import Catalogue, open_catalogue
from facesearch.custody import forgetting
from facesearch.custody.acting import Acting, acting
from facesearch.engines import parquet
from facesearch.engines.columns import FACT_COLUMNS, PROBABILITY_COLUMNS
from facesearch.engines.parquet import Exported, ExportError
from facesearch.engines.sql import sql_of
from facesearch.errors import RequestError, SearchError, UsageError
from facesearch.search.description import search
from facesearch.search.request import Order, Request, describe
from tests.conftest import Program
from tests.support.crowds import crowd_model, make_crowd, random_request
from tests.support.powers import without_root_powers

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install 'facesearch[parquet]'")

PHOTOS = 1500


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_crowd(tmp_path_factory.mktemp("crowd") / "faces.db", PHOTOS)


def exported(catalogue: Path, folder: Path, **options: Any) -> Exported:
    with open_catalogue(catalogue) as opened, acting(Acting(reason="a test")):
        return parquet.export(opened, folder, **options)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [row for file in sorted(folder.glob("*.parquet")) for row in pq.read_table(file).to_pylist()]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_crowd(tmp_path / "faces.db", 30)


# ---- the files


def test_every_visible_face_is_in_the_files_with_what_the_catalogue_knows_of_it(crowd: Path, tmp_path: Path) -> None:
    exported(crowd, tmp_path / "out")
    table = rows_of(tmp_path / "out")
    with open_catalogue(crowd) as catalogue, catalogue.read() as session:
        known = face_rows.details(session, [row["face"] for row in table])
    assert len(table) > PHOTOS and len({row["face"] for row in table}) == len(table)
    assert list(table[0]) == [*FACT_COLUMNS, *PROBABILITY_COLUMNS]
    model = crowd_model()
    for row, face in zip(table, known, strict=True):
        assert (row["x"], row["y"], row["width"], row["height"]) == (face.x, face.y, face.width, face.height)
        assert (row["photo"], row["sha256"], row["camera"]) == (face.photo_id, face.sha256, face.camera)
        assert row["taken"] == face.taken and row["detection"] == np.float32(face.detection)
        raw = [os.fsencode(path) for path in face.paths]
        assert (row["raw_paths"] or [path.encode() for path in row["paths"]]) == raw
        z = face.logits.astype(np.float64) * model.calibration_scale + model.calibration_bias.astype(np.float64)
        assert [row[name] for name in PROBABILITY_COLUMNS] == pytest.approx(1 / (1 + np.exp(-z)), abs=1e-15)


def test_a_path_that_is_no_text_is_there_as_bytes(small: Path, tmp_path: Path) -> None:
    exported(small, tmp_path / "out")
    (row, *_) = [row for row in rows_of(tmp_path / "out") if row["raw_paths"]]
    assert b"/photos/no \xff text/5.jpg" in row["raw_paths"]
    assert "/photos/no \\xff text/5.jpg" in row["paths"]


def test_files_hold_so_many_faces_and_say_what_they_are(small: Path, tmp_path: Path) -> None:
    done = exported(small, tmp_path / "out", part=20)
    assert [count for _, _, count in done.files] == [20] * (done.faces // 20) + [done.faces % 20] * (
        done.faces % 20 > 0
    )
    for name, sha256, count in done.files:
        file = tmp_path / "out" / name
        assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256
        about = pq.read_metadata(file)
        assert about.num_rows == count and about.row_group(0).column(0).compression == "ZSTD"
        assert about.metadata[b"facesearch.model"].decode() == crowd_model().digest
        assert about.metadata[b"facesearch.catalogue"].decode() == str(small)
        assert {b"facesearch.generation", b"facesearch.schema", b"facesearch.reason"} <= about.metadata.keys()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    faces = [row["face"] for row in rows_of(tmp_path / "out")]
    assert faces == sorted(faces)


def test_an_export_names_a_reason_and_is_logged_with_its_digests(
    facesearch: Program, small: Path, tmp_path: Path
) -> None:
    refused = facesearch("export", "--parquet", tmp_path / "out", "--catalogue", small)
    assert refused.code == 2 and "--reason" in refused.err and not (tmp_path / "out").exists()
    ran = facesearch("export", "--parquet", tmp_path / "out", "--reason", "case 7", "--catalogue", small)
    assert ran.code == 0 and "Forty traits of everybody" in ran.err
    with open_catalogue(small) as catalogue, catalogue.read() as session:
        (row,) = entries(session, ["export"])
    assert row.payload is not None and row.payload["reason"] == "case 7"
    for each in row.payload["files"]:
        assert hashlib.sha256(Path(each["file"]).read_bytes()).hexdigest() == each["sha256"]
        assert each["sha256"] in ran.out
    before = facesearch("--reason", "case 8", "export", "--parquet", tmp_path / "out", "--catalogue", small)
    assert before.code == 0


def test_what_cannot_be_logged_is_not_kept(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "blocked"))
    small.chmod(0o400)
    with without_root_powers(), pytest.raises(ExportError, match="could not be logged"):
        exported(small, tmp_path / "out")
    assert {each.name for each in tmp_path.iterdir() if "export" in each.name or each.name == "out"} == set()


def test_forgotten_and_hidden_faces_are_not_in_it(small: Path, tmp_path: Path) -> None:
    exported(small, tmp_path / "before")
    doomed = rows_of(tmp_path / "before")[0]["face"]
    now = datetime.now(UTC)
    with open_catalogue(small) as catalogue:
        wanted = forgetting.Wanted((doomed,))
        forgetting.forget(catalogue, wanted, forgetting.plan(catalogue, wanted, now), now)
    exported(small, tmp_path / "after")
    after = {row["face"] for row in rows_of(tmp_path / "after")}
    assert doomed not in after
    with open_catalogue(small) as catalogue:
        result = search(catalogue, Request(describe("man or not man")[0].query, min_detection=0), top=None)
    assert after == {hit.face.face for hit in result.hits}


def test_faces_that_are_forgotten_meanwhile_undo_it(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "READERS", 0.1)  # seconds that it waits for readers, such as the export
    now = datetime.now(UTC)

    def forget(*_: int) -> None:
        with open_catalogue(small) as catalogue:
            wanted = forgetting.Wanted((1,))
            forgetting.forget(catalogue, wanted, forgetting.plan(catalogue, wanted, now), now)

    with pytest.raises(ExportError, match="forgotten while"):
        exported(small, tmp_path / "out", progress=forget)
    assert not (tmp_path / "out").exists()


def test_faces_that_are_not_scored_stand_there_without_probabilities(small: Path, tmp_path: Path) -> None:
    connection = sqlite3.connect(small)
    connection.execute("DELETE FROM scores WHERE face_id = 3")
    connection.commit()
    connection.close()
    done = exported(small, tmp_path / "out")
    assert done.unscored == 1
    (row,) = [row for row in rows_of(tmp_path / "out") if row["face"] == 3]
    assert {row[name] for name in PROBABILITY_COLUMNS} == {None} and row["width"] > 0


def test_only_an_export_is_replaced(small: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    exported(small, target, part=5)
    (target / "faces-00001.parquet").write_bytes(b"old")
    done = exported(small, target)
    assert sorted(each.name for each in target.iterdir()) == ["_facesearch.json", "faces-00001.parquet"]
    assert len(rows_of(target)) == done.faces
    (target / "mine.txt").write_text("precious")
    with pytest.raises(UsageError, match="other files"):
        exported(small, target)
    assert (target / "mine.txt").read_text() == "precious"
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    exported(small, tmp_path / "empty")
    for refused in (tmp_path / "file", tmp_path / "none" / "out", tmp_path):
        with pytest.raises(UsageError):
            exported(small, refused)


def test_a_full_disk_leaves_the_former_export_and_nothing_else(small: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    exported(small, target)
    before = {each.name: each.read_bytes() for each in target.iterdir()}
    listed = set(tmp_path.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(ExportError, match="cannot be written"):
            exported(small, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, former)
    assert {each.name: each.read_bytes() for each in target.iterdir()} == before
    assert {each for each in tmp_path.iterdir() if "faces.db" not in each.name} == {
        each for each in listed if "faces.db" not in each.name
    }


def test_nothing_is_written_among_the_evidence(facesearch: Program, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    catalogue = make_crowd(tmp_path / "faces.db", 3, root=str(tmp_path / "photos"))
    ran = facesearch("export", "--parquet", tmp_path / "photos" / "out", "--reason", "x", "--catalogue", catalogue)
    assert ran.code == 2 and "indexed" in ran.err


def test_an_empty_catalogue_has_nothing_to_export(tmp_path: Path) -> None:
    open_catalogue(tmp_path / "faces.db", create=True).close()
    with pytest.raises(SearchError, match="No face is indexed yet"):
        exported(tmp_path / "faces.db", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# ---- SQL


Asked = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def duck(crowd: Path, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """DuckDB over an export of the crowd in several files."""
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed: pip install duckdb")
    folder = tmp_path_factory.mktemp("export") / "out"
    exported(crowd, folder, part=1000)
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW faces AS SELECT * FROM '{folder}/*.parquet'")
    return lambda sql: connection.execute(sql).fetchall()


@pytest.mark.slow
def test_duckdb_finds_the_same_faces_in_the_same_order(crowd: Path, duck: Asked) -> None:
    found = 0
    with open_catalogue(crowd) as catalogue:
        for seed in range(200):
            found += check(catalogue, duck, random_request(seed), top=None if seed % 2 else 25)
    assert found > 20_000


def check(catalogue: Catalogue, duck: Asked, request: Request, top: int | None) -> int:
    hits = search(catalogue, request, top=top).hits
    rows = duck(sql_of(request, top=top))
    assert [row[0] for row in rows] == [hit.face.face for hit in hits], str(request)
    assert [row[-2] for row in rows] == pytest.approx([hit.score for hit in hits], abs=1e-12, rel=0)
    assert [bool(row[-1]) for row in rows] == [bool(hit.behind) for hit in hits]
    return len(rows)


def test_a_statement_is_printed_as_sql_that_finds_what_search_finds(
    facesearch: Program, crowd: Path, duck: Asked
) -> None:
    words = "must:man, black hair, maybe glasses, moustache or beard, camera:\"O'Brien's\", folder:holiday, bald<0.9"
    ran = facesearch("read", words, "--sql", "--top", "7")
    assert ran.code == 0, ran.err
    found = facesearch("search", words, "--top", "7", "--json", "--catalogue", crowd)
    assert [row[0] for row in duck(ran.out)] == [hit["face"] for hit in json.loads(found.out)["hits"]]
    strict = facesearch("read", words, "--sql", "--strict-order")
    assert "doubted" in ran.out and "doubted" not in strict.out


def test_a_description_in_which_everything_hangs_together_is_one_short_statement(crowd: Path, duck: Asked) -> None:
    several = "(man and bald) or (man and hat) or (bald and hat and smiling) or (smiling and man and young and goatee)"
    request = Request(describe(several)[0].query, order=Order.SCORE)
    assert len(sql_of(request)) < 10_000
    with open_catalogue(crowd) as catalogue:
        check(catalogue, duck, request, top=50)


def test_of_several_persons_one_is_named(facesearch: Program) -> None:
    two = "Two men are sought. The first is bald. The second has a beard and glasses."
    assert facesearch("read", two, "--sql").code == 2
    assert "p_eyeglasses" in facesearch("read", two, "--sql", "--person", "2").out


@pytest.mark.parametrize(
    ("words", "part"),
    [("man, name:IMG", "IMG"), (r'man, camera:"a\b"', r"a\b"), (r"man, folder:a\b", r"a\b")],
)
def test_what_sql_cannot_say_is_named_and_refused(facesearch: Program, words: str, part: str) -> None:
    ran = facesearch("read", words, "--sql")
    assert ran.code == 2 and part in ran.err and "SQL" in ran.err and ran.out == ""


def test_options_of_sql_without_it_are_refused(facesearch: Program) -> None:
    assert facesearch("read", "man", "--top", "5").code == 2
    assert facesearch("read", "man", "--sql", "--json").code == 2
    assert facesearch("read", "man", "--sql", "--top", "0").code == 2


def test_no_text_of_the_user_leaves_its_place(duck: Asked) -> None:
    """A quotation mark or a line break in a folder's name is a part of the text, and of no statement."""
    for words in ("a'b", "a' OR 1=1 --", 'x"y', "%", "_"):
        request = Request(describe("man")[0].query)
        request = Request(request.query, photo=request.photo.__class__(folder=(words,), camera=(words,)))
        duck(sql_of(request))
    with pytest.raises(RequestError):
        sql_of(Request(describe("man")[0].query, photo=request.photo.__class__(folder=("a\nb",))))
