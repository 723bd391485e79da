"""Backups: one whole file while others write, and the catalogue again, whatever has become of it."""

import hashlib
import io
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from db import backup, photos, upkeep
from db.catalogue import open_catalogue
from db.errors import NotACatalogue
from db.schema import Face, Score
from db.snapshot import Condition, load_gallery, state_of
from facesearch.custody.restoring import restoration
from indexer.batches import Size
from tests.conftest import Program
from tests.support.catalogues import index, make_version, new_catalogue
from tests.support.index_runs import Runs
from tests.support.powers import files_no_larger_than
from tests.support.squares import album
from tests.support.squares import index as index_album
from tests.support.stand_ins import picture, save

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return index_album(tmp_path / "case" / "faces.db", album(tmp_path / "album"))


def faces_of(path: Path) -> dict[int, bytes]:
    """The logits of every face."""
    with open_catalogue(path) as opened, opened.read() as session:
        return dict(session.execute(select(Score.face_id, Score.logits)).all())


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


# Writing one


def test_a_backup_is_one_file_whose_digest_is_printed(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    ran = facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    assert ran.code == 0, ran.err
    digest = hashlib.sha256((tmp_path / "b.db").read_bytes()).hexdigest()
    assert ran.out == f"{digest}  {tmp_path / 'b.db'}\n"
    assert "3 photos and 3 faces" in ran.err
    assert (tmp_path / "b.db").stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["album", "b.db", "case"], "no log, and nothing half-done, lies beside it"
    assert (tmp_path / "b.db").read_bytes()[18:20] == b"\x01\x01", "it needs no log to be read"
    assert faces_of(tmp_path / "b.db") == faces_of(catalogue)


WRITE = """
import sys
from db.catalogue import open_catalogue
from tests.support.catalogues import index
with open_catalogue(sys.argv[1]) as catalogue:
    print("ready", flush=True)
    for number in range(100, 100_000):
        index(catalogue, 1, 1, [number], faces=3)
"""


def test_a_backup_is_one_state_while_another_process_writes(tmp_path: Path) -> None:
    opened, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    with opened:
        index(opened, root_id, model_id, range(100), faces=3)
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITE, str(tmp_path / "faces.db")],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )
        try:
            assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
            written = []
            while len(written) < 3 or written[-1].photos == written[0].photos:
                written.append(backup.write_backup(opened, tmp_path / "b.db").contents)
                assert writer.poll() is None
        finally:
            writer.kill()
            writer.wait()
    assert all(each.faces == 3 * each.photos for each in written), "no batch is half in it"


def test_an_older_backup_of_the_same_catalogue_is_replaced(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    assert facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue).code == 0
    save(tmp_path / "album" / "new.png", picture((9, 9, 9)))
    index_album(catalogue)
    assert facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue).code == 0
    assert backup.contents_of(tmp_path / "b.db").photos == 4


def test_nothing_else_is_replaced_unless_that_is_asked_for(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    other = index_album(tmp_path / "other.db", album(tmp_path / "more"))
    (tmp_path / "letter.txt").write_text("Dear Sir")
    before = other.read_bytes()
    for target in (other, tmp_path / "letter.txt"):
        ran = facesearch("backup", target, "--catalogue", catalogue)
        assert ran.code == 2 and "--force" in ran.err
    assert other.read_bytes() == before and (tmp_path / "letter.txt").read_text() == "Dear Sir"
    assert facesearch("backup", tmp_path / "letter.txt", "--force", "--catalogue", catalogue).code == 0
    assert backup.contents_of(tmp_path / "letter.txt").photos == 3


def test_a_live_copy_of_the_same_catalogue_is_no_backup(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_bytes(catalogue.read_bytes())
    assert facesearch("backup", tmp_path / "copy.db", "--catalogue", catalogue).code == 2


@pytest.mark.parametrize("rest", ["", "-wal", ".lock", ".d/x.db"])
def test_a_backup_never_goes_onto_the_catalogue_itself(facesearch: Program, catalogue: Path, rest: str) -> None:
    before = catalogue.read_bytes()
    ran = facesearch("backup", f"{catalogue}{rest}", "--force", "--catalogue", catalogue)
    assert ran.code == 2 and "belongs to the catalogue itself" in ran.err
    assert catalogue.read_bytes() == before


def test_a_backup_through_a_link_to_the_catalogue_is_refused(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    (tmp_path / "link.db").symlink_to(catalogue)
    assert facesearch("backup", tmp_path / "link.db", "--force", "--catalogue", catalogue).code == 2


def test_a_backup_never_takes_the_place_of_a_pipe_or_of_another_name_of_the_catalogue(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.link(catalogue, tmp_path / "other name.db")
    for target, words in ((tmp_path / "pipe", "is no file"), (tmp_path / "other name.db", "the catalogue itself")):
        ran = facesearch("backup", target, "--force", "--catalogue", catalogue)
        assert ran.code == 2 and words in ran.err
    ran = facesearch("restore", tmp_path / "other name.db", "--yes", "--catalogue", catalogue)
    assert ran.code == 2 and "the catalogue itself" in ran.err


def test_a_backup_never_goes_into_an_indexed_folder(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    ran = facesearch("backup", tmp_path / "album" / "b.db", "--force", "--catalogue", catalogue)
    assert ran.code == 2 and "is indexed" in ran.err
    assert not (tmp_path / "album" / "b.db").exists()


def test_a_full_disk_is_one_sentence_and_the_former_backup_stays(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    before = (tmp_path / "b.db").read_bytes()
    with files_no_larger_than(len(before) // 2):
        ran = facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    assert ran.code == 3 and str(tmp_path / "b.db") in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err
    assert (tmp_path / "b.db").read_bytes() == before
    assert names(tmp_path) == ["album", "b.db", "case"]


def test_no_backup_is_made_of_a_damaged_catalogue(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    damage(catalogue)
    ran = facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    assert ran.code == 3 and "is damaged" in ran.err and not (tmp_path / "b.db").exists()


def damage(path: Path) -> None:
    """Zero every page from the fourth on."""
    with open_catalogue(path) as opened:
        upkeep.checkpoint(opened, seconds=1.0)
    data = bytearray(path.read_bytes())
    data[3 * 4096 :] = bytes(len(data) - 3 * 4096)
    path.write_bytes(data)


# Putting one back


def test_a_catalogue_is_what_it_was_when_the_backup_was_made(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    before = faces_of(catalogue)
    facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    kept = (tmp_path / "b.db").read_bytes()
    save(tmp_path / "album" / "new.png", picture((9, 9, 9)))
    index_album(catalogue)
    assert faces_of(catalogue) != before
    ran = facesearch("restore", tmp_path / "b.db", "--yes", "--catalogue", catalogue)
    assert ran.code == 0, ran.err
    assert faces_of(catalogue) == before
    assert (tmp_path / "b.db").read_bytes() == kept, "the backup is only read"
    with open_catalogue(catalogue) as opened:
        assert state_of(opened).condition is Condition.CURRENT
        assert len([each for each in opened.folder.iterdir() if each.is_dir()]) == 1, "old snapshots are gone"
    with sqlite3.connect(catalogue) as rows:
        assert rows.execute("SELECT backed_up FROM state").fetchone() == (None,), "it is no backup any more"


def test_numbers_given_since_the_backup_are_never_given_again(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    save(tmp_path / "album" / "new.png", picture((9, 9, 9)))
    index_album(catalogue)
    later = max(faces_of(catalogue))
    facesearch("restore", tmp_path / "b.db", "--yes", "--catalogue", catalogue)
    (tmp_path / "album" / "new.png").unlink()
    save(tmp_path / "album" / "other.png", picture((99, 9, 9)))
    index_album(catalogue)
    assert max(faces_of(catalogue)) == later + 1


def test_a_search_that_is_under_way_ends_with_what_it_began_with(catalogue: Path, tmp_path: Path) -> None:
    with open_catalogue(catalogue) as opened:
        backup.write_backup(opened, tmp_path / "b.db")
        save(tmp_path / "album" / "new.png", picture((9, 9, 9)))
        index_album(catalogue)
        with opened.read() as session:
            assert photos.counts(session).faces == 4
            with restoration(catalogue, tmp_path / "b.db") as ready:
                ready.carry_out()
            assert len(session.execute(select(Face.id)).all()) == 4
        gallery = load_gallery(opened)
        assert gallery is not None and len(gallery) == 3


def test_restoring_asks_and_changes_nothing_without_a_yes(
    facesearch: Program, catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    before = catalogue.read_bytes()
    for said, code in (("no\n", 1), ("", 2)):
        monkeypatch.setattr("sys.stdin", io.StringIO(said))
        ran = facesearch("restore", tmp_path / "b.db", "--catalogue", catalogue)
        assert ran.code == code and "Replace the catalogue with 3 photos and 3 faces by the backup of" in ran.err
    assert catalogue.read_bytes() == before


def test_nothing_is_restored_while_an_index_run_is_at_work(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    with open_catalogue(catalogue) as busy, busy.indexing():
        ran = facesearch("restore", tmp_path / "b.db", "--yes", "--catalogue", catalogue)
    assert ran.code == 3 and "Another index run" in ran.err


def test_a_backup_of_another_catalogue_is_not_restored_onto_this_one(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    other = index_album(tmp_path / "other.db", album(tmp_path / "more"))
    facesearch("backup", tmp_path / "b.db", "--catalogue", other)
    before = faces_of(catalogue)
    ran = facesearch("restore", tmp_path / "b.db", "--yes", "--catalogue", catalogue)
    assert ran.code == 2 and "of another catalogue" in ran.err
    assert faces_of(catalogue) == before


def test_a_catalogue_that_is_lost_is_made_of_its_backup(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    before = faces_of(catalogue)
    facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    ran = facesearch("restore", tmp_path / "b.db", "--yes", "--catalogue", tmp_path / "new" / "place.db")
    assert ran.code == 0 and faces_of(tmp_path / "new" / "place.db") == before


@pytest.mark.parametrize("how", ["pages", "header", "log"])
def test_a_damaged_catalogue_is_made_of_its_backup(
    facesearch: Program, catalogue: Path, tmp_path: Path, how: str
) -> None:
    before = faces_of(catalogue)
    facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    if how == "pages":
        damage(catalogue)
    else:
        catalogue.write_bytes(b"no database at all" * 1000)
    if how == "log":
        catalogue.with_name("faces.db-wal").write_bytes(b"\x37\x7f\x06\x82" + bytes(10_000))
    ran = facesearch("restore", tmp_path / "b.db", "--yes", "--catalogue", catalogue)
    assert ran.code == 0, ran.err
    assert faces_of(catalogue) == before
    assert facesearch("search", "stubble", "--catalogue", catalogue).code == 0


def test_a_file_that_nothing_shows_to_have_been_a_catalogue_is_not_written_over(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam, " * 100)
    ran = facesearch("restore", tmp_path / "b.db", "--yes", "--catalogue", tmp_path / "letter.txt")
    assert ran.code == 3 and (tmp_path / "letter.txt").read_text().startswith("Dear Sir")


def test_what_is_no_backup_is_not_restored(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam, " * 100)
    before = faces_of(catalogue)
    for file, words in ((tmp_path / "letter.txt", "no backup"), (tmp_path / "none.db", "no backup")):
        ran = facesearch("restore", file, "--yes", "--catalogue", catalogue)
        assert ran.code == 3 and words in ran.err
    ran = facesearch("restore", catalogue, "--yes", "--catalogue", catalogue)
    assert ran.code == 2 and "the catalogue itself" in ran.err
    facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    damaged = bytearray((tmp_path / "b.db").read_bytes())
    damaged[3 * 4096 :] = bytes(len(damaged) - 3 * 4096)
    (tmp_path / "b.db").write_bytes(damaged)
    ran = facesearch("restore", tmp_path / "b.db", "--yes", "--catalogue", catalogue)
    assert ran.code == 3 and "damaged" in ran.err and str(tmp_path / "b.db") in ran.err
    assert faces_of(catalogue) == before


def test_a_full_disk_while_restoring_leaves_the_catalogue_as_it_was(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    facesearch("backup", tmp_path / "b.db", "--catalogue", catalogue)
    save(tmp_path / "album" / "new.png", picture((9, 9, 9)))
    index_album(catalogue)
    before = faces_of(catalogue)
    with files_no_larger_than(60_000):
        ran = facesearch("restore", tmp_path / "b.db", "--yes", "--catalogue", catalogue)
    assert ran.code == 3 and "Traceback" not in ran.err
    assert faces_of(catalogue) == before
    assert not [each for each in Path(f"{catalogue}.d").iterdir() if each.name.startswith("building-")]


def test_a_copy_that_an_older_version_left_is_brought_up_to_date(catalogue: Path, tmp_path: Path) -> None:
    before = faces_of(catalogue)
    with open_catalogue(catalogue) as opened:
        backup.write_backup(opened, tmp_path / "b.db")
    make_version(tmp_path / "b.db", 5)
    with restoration(catalogue, tmp_path / "b.db") as ready:
        assert not ready.is_of_another
        ready.carry_out()
    assert faces_of(catalogue) == before


# Copies made without us


def test_a_run_ends_with_its_log_brought_into_the_file(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "faces.db", create=True) as opened:
        album(tmp_path / "album")
        Runs(opened)(tmp_path / "album")
        (tmp_path / "copy.db").write_bytes((tmp_path / "faces.db").read_bytes())
    assert len(faces_of(tmp_path / "copy.db")) == 3


def test_a_long_run_brings_its_log_into_the_file_now_and_then(tmp_path: Path) -> None:
    for number in range(6):
        save(tmp_path / "album" / f"{number}.png", picture((number * 40, 0, 0)))
    held: list[int] = []
    with open_catalogue(tmp_path / "faces.db", create=True) as opened:
        run = Runs(opened)

        def copied(_: object) -> None:
            (tmp_path / "copy.db").write_bytes((tmp_path / "faces.db").read_bytes())
            with sqlite3.connect(tmp_path / "copy.db") as rows:
                held.append(rows.execute("SELECT count(*) FROM photos").fetchone()[0])

        run(tmp_path / "album", workers=1, batch=Size(faces=1, snapshot=2), progress=copied)
    assert any(0 < number < 6 for number in held)


def test_a_file_that_was_copied_without_its_log_is_said_to_be_one(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "whole.db") as rows:
        rows.execute("PRAGMA journal_mode = WAL")
        rows.execute("CREATE TABLE photos (id)")
        rows.commit()
        (tmp_path / "copy.db").write_bytes((tmp_path / "whole.db").read_bytes())
    with pytest.raises(NotACatalogue, match="copied without its log"):
        open_catalogue(tmp_path / "copy.db")
