"""`facesearch check` and `failures`: what is wrong with a catalogue, what can be mended, what failed."""

import json
import sqlite3
from pathlib import Path

import pytest

from db import snapshot
from db.catalogue import open_catalogue
from db.snapshot import Condition, state_of
from facesearch.search.ranking.profiles import encode
from tests.conftest import Program
from tests.support.index_runs import Runs
from tests.support.squares import album, index
from tests.support.stand_ins import picture, save


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return index(tmp_path / "faces.db", album(tmp_path / "album"))


def change(path: Path, *statements: str) -> None:
    """By hand, past all that guards the tables."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA ignore_check_constraints = 1")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def searched(path: Path) -> dict[int, float]:
    """The first logit of every face that a search sees."""
    with open_catalogue(path) as opened:
        gallery = snapshot.load_gallery(opened)
        assert gallery is not None
        return dict(zip(gallery.face_ids.tolist(), gallery.logits(0).tolist(), strict=True))


def test_a_sound_catalogue_is_sound_and_stays_as_it_is(facesearch: Program, catalogue: Path) -> None:
    before = catalogue.read_bytes()
    ran = facesearch("check", "--catalogue", catalogue)
    assert ran.code == 0, ran.out + ran.err
    assert ran.out.splitlines() == [
        "File: pages and indexes are sound",
        "Rows: all hold what they should",
        "Snapshot: current",
        "Photos that are not where they were: 0",
    ]
    assert catalogue.read_bytes() == before
    assert facesearch("check", "--repair", "--catalogue", catalogue).code == 0


def test_photos_that_are_gone_are_named_and_are_no_damage(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    (tmp_path / "album" / "green.png").unlink()
    ran = facesearch("check", "--catalogue", catalogue)
    assert ran.code == 0
    assert f"Photos that are not where they were: 1\n  {tmp_path / 'album' / 'green.png'}\n" in ran.out
    (tmp_path / "album").rename(tmp_path / "elsewhere")
    ran = facesearch("check", "--catalogue", catalogue)
    assert f"Folder not there now: {tmp_path / 'album'}" in ran.out and "were: 0" in ran.out


DAMAGE = {
    "logits too short": ("UPDATE scores SET logits = x'00' WHERE face_id = 2", "1 row of scores", "logits"),
    "no numbers": (f"UPDATE scores SET logits = x'{'0000c07f' * 40}' WHERE face_id = 2", "1 row of scores", "logits"),
    "landmarks": ("UPDATE faces SET landmarks = x'00' WHERE id = 2", "1 row of faces", "landmarks"),
    "text for a number": ("UPDATE faces SET x = 'left' WHERE id = 2", "1 row of faces", "x cannot be"),
    "outcome": ("UPDATE photos SET outcome = x'ff00' WHERE id = 1", "1 row of photos", "outcome"),
    "digest": ("UPDATE photos SET sha256 = x'ff' WHERE id = 1", "1 row of photos", "sha256"),
    "no text": ("UPDATE files SET display = CAST(x'ff41' AS TEXT) WHERE id = 1", "1 row of files", "display"),
    "date": ("UPDATE files SET missing_since = 'long ago' WHERE id = 1", "1 row of files", "missing_since"),
    "orphan": ("DELETE FROM photos WHERE id = 1", "faces refer to what is not there", "photo_id"),
}


@pytest.mark.parametrize("which", DAMAGE)
def test_damage_in_a_row_is_a_sentence_and_is_mended(facesearch: Program, catalogue: Path, which: str) -> None:
    statement, said, column = DAMAGE[which]
    before = searched(catalogue)
    change(catalogue, statement)
    ran = facesearch("check", "--catalogue", catalogue)
    assert ran.code == 3 and said in ran.out and column in ran.out, ran.out + ran.err
    assert "\\xff" not in ran.out + ran.err and "\udcff" not in ran.out
    for command in (["search", "stubble"], ["status"], ["show", "2"]):
        assert facesearch(*command, "--catalogue", catalogue).code in (0, 3), "never a fault"
    ran = facesearch("check", "--repair", "--catalogue", catalogue)
    assert ran.code == 0 and "Sound now." in ran.out, ran.out + ran.err
    index(catalogue)
    assert sorted(searched(catalogue).values()) == sorted(before.values()), "an index run has made up for it"
    assert facesearch("check", "--catalogue", catalogue).code == 0


def test_scores_come_back_from_the_snapshot_under_the_same_number(facesearch: Program, catalogue: Path) -> None:
    before = searched(catalogue)
    change(catalogue, "UPDATE scores SET logits = x'00'")
    ran = facesearch("check", "--repair", "--catalogue", catalogue)
    assert ran.code == 0 and "have their scores back from the snapshot: 3" in ran.out
    assert searched(catalogue) == before


def test_a_wrongly_hidden_face_is_searched_again(facesearch: Program, catalogue: Path) -> None:
    change(catalogue, "UPDATE faces SET hidden = 1 WHERE id = 1")
    ran = facesearch("check", "--repair", "--catalogue", catalogue)
    assert "1 face searched or hidden that should not be: number 1" in ran.out and "Sound now." in ran.out
    assert sorted(searched(catalogue)) == [1, 2, 3]


def test_a_snapshot_that_says_something_else_than_the_tables_is_built_anew(
    facesearch: Program, catalogue: Path
) -> None:
    # As if a score had been changed without its generation: checksums hold, and yet it is wrong.
    change(catalogue, f"UPDATE scores SET logits = x'{'0000803f' * 40}' WHERE face_id = 2")
    ran = facesearch("check", "--catalogue", catalogue)
    assert ran.code == 3 and "1 face not as in the tables, such as face 2" in ran.out
    ran = facesearch("check", "--repair", "--catalogue", catalogue)
    assert ran.code == 0 and "the snapshot was built anew" in ran.out
    assert searched(catalogue)[2] == 1.0


def test_profiles_are_compared_with_the_columns(facesearch: Program, catalogue: Path) -> None:
    with open_catalogue(catalogue) as opened:
        assert snapshot.rebuild(opened, lambda logits, model: -encode(logits, model))
    assert facesearch("check", "--catalogue", catalogue).code == 3
    assert facesearch("check", "--repair", "--catalogue", catalogue).code == 0


@pytest.mark.parametrize("name", ["logits.npy", "profiles.faiss"])
def test_a_damaged_or_missing_snapshot_is_built_anew(facesearch: Program, catalogue: Path, name: str) -> None:
    (file,) = Path(f"{catalogue}.d").glob(f"*/{name}")
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    ran = facesearch("check", "--catalogue", catalogue)
    assert ran.code == 3 and "Snapshot: damaged" in ran.out
    assert facesearch("check", "--repair", "--catalogue", catalogue).code == 0
    (file,) = Path(f"{catalogue}.d").glob(f"*/{name}")
    for each in file.parent.iterdir():
        each.unlink()
    file.parent.rmdir()
    ran = facesearch("check", "--catalogue", catalogue)
    assert ran.code == 0 and "Snapshot: missing" in ran.out
    facesearch("check", "--repair", "--catalogue", catalogue)
    with open_catalogue(catalogue) as opened:
        assert state_of(opened).condition is Condition.CURRENT


def test_an_index_of_sqlite_that_lacks_rows_is_built_anew(facesearch: Program, catalogue: Path) -> None:
    # An index that is described as one of other rows lacks some.
    change(
        catalogue,
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_master SET sql = 'CREATE INDEX ix_faces_hidden ON faces (id)' WHERE name = 'ix_faces_hidden'",
    )
    ran = facesearch("check", "--catalogue", catalogue)
    assert ran.code == 3 and "File: damaged" in ran.out and "ix_faces_hidden" in ran.out
    assert "Rows: all hold" not in ran.out, "of a damaged file nobody knows"
    ran = facesearch("check", "--repair", "--catalogue", catalogue)
    assert ran.code == 0 and "indexes were built anew" in ran.out


def test_damaged_pages_are_said_and_not_taken_for_mended(facesearch: Program, tmp_path: Path) -> None:
    for number in range(40):
        save(tmp_path / "many" / f"{number}.png", picture((number * 6, 0, 0), (0, number, 0)))
    catalogue = index(tmp_path / "faces.db", tmp_path / "many")
    connection = sqlite3.connect(catalogue)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'scores'").fetchone()
    connection.close()
    data = bytearray(catalogue.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = b"\xfe" * 4096
    catalogue.write_bytes(data)
    for options in ((), ("--repair",)):
        ran = facesearch("check", *options, "--catalogue", catalogue)
        assert ran.code == 3 and "Traceback" not in ran.err, ran.err
        assert "a backup" in ran.err or "facesearch restore BACKUP" in ran.out


def test_nothing_is_mended_while_an_index_run_is_at_work(facesearch: Program, catalogue: Path) -> None:
    change(catalogue, "UPDATE faces SET hidden = 1 WHERE id = 1")
    with open_catalogue(catalogue) as busy, busy.indexing():
        assert facesearch("check", "--catalogue", catalogue).code == 3
        ran = facesearch("check", "--repair", "--catalogue", catalogue)
    assert ran.code == 3 and "Another index run" in ran.err


# Failures


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    folder = album(tmp_path / "album")
    (folder / "letter.jpg").write_text("Dear Sir or Madam")
    return index(tmp_path / "faces.db", folder)


def test_failures_are_listed_with_their_reason(facesearch: Program, failing: Path, tmp_path: Path) -> None:
    ran = facesearch("failures", "--catalogue", failing)
    assert ran.code == 0 and ran.out.startswith(f"{tmp_path / 'album' / 'letter.jpg'}: ")
    assert "Failed: 1" in ran.err
    (found,) = json.loads(facesearch("failures", "--json", "--catalogue", failing).out)
    assert found["path"] == str(tmp_path / "album" / "letter.jpg") and found["reason"] and found["retry"] is False


def test_failures_are_opened_again_by_the_next_run_on_request(facesearch: Program, tmp_path: Path) -> None:
    folder = album(tmp_path / "album")
    (folder / "letter.jpg").write_text("Dear Sir or Madam")
    with open_catalogue(tmp_path / "faces.db", create=True) as opened:
        run = Runs(opened)
        run(folder)
        run(folder)
        assert run.opened == []
        ran = facesearch("failures", "--retry", "--catalogue", tmp_path / "faces.db")
        assert ran.code == 0 and "the next run tries again" in ran.out and "opens it again" in ran.err
        report = run(folder)
        assert run.opened == ["letter.jpg"] and report.failed == 1
        run(folder)
        assert run.opened == [], "once is enough"


def test_no_failure_is_no_fault(facesearch: Program, catalogue: Path) -> None:
    ran = facesearch("failures", "--catalogue", catalogue)
    assert (ran.code, ran.out) == (0, "") and "Failed: 0" in ran.err
    assert json.loads(facesearch("failures", "--json", "--catalogue", catalogue).out) == []
