"""Opening, creating, sharing and refusing catalogues."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from cli.report.wording import notice_in_words
from db import generation
from db.catalogue import APPLICATION_ID, SCHEMA_VERSION, open_catalogue
from db.errors import (
    CatalogueBusy,
    CatalogueDamaged,
    CatalogueError,
    CatalogueMissing,
    CatalogueReadOnly,
    CatalogueTooNew,
    CatalogueUnreadable,
    NotACatalogue,
)
from db.filesystems import network_filesystem
from tests.support.catalogues import index, new_catalogue
from tests.support.powers import names_of_any_bytes, without_root_powers
from tests.support.processes import face_count, in_another_process

pytestmark = pytest.mark.slow


def test_a_new_catalogue_and_its_folders_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "some" / "where" / "faces.db"
    previous = os.umask(0)
    try:
        with open_catalogue(path, create=True) as catalogue, catalogue.indexing(), catalogue.write() as session:
            session.execute(text("UPDATE state SET generation = 7"))
            modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()}
    finally:
        os.umask(previous)
    assert modes == {"faces.db": 0o600, "faces.db-wal": 0o600, "faces.db-shm": 0o600, "faces.db.lock": 0o600}
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)} == {0o700}


def test_a_new_catalogue_bears_our_stamp_uses_the_write_ahead_log_and_needs_no_remark(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
        assert catalogue.notices == ()
        assert not catalogue.read_only
    connection = sqlite3.connect(tmp_path / "faces.db")
    assert connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    connection.close()


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    index(catalogue, root_id, model_id, [1, 2])
    catalogue.close()
    with open_catalogue(tmp_path / "faces.db") as again:
        assert face_count(again) == 2


@pytest.mark.parametrize(
    "name",
    [
        b"k\xc3\xa4se.db",
        pytest.param(b"not \xff utf-8.db", marks=names_of_any_bytes),
        b"100%.db",
        b"a?b#c.db",
        b" ",
    ],
)
def test_any_file_name_will_do(tmp_path: Path, name: bytes) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118 (bytes)
    with open_catalogue(path, create=True) as catalogue, catalogue.read() as session:
        assert generation.current(session) == 0
    assert os.path.getsize(path) > 0  # noqa: PTH202 (bytes)


def test_a_link_names_the_same_catalogue_with_the_same_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "faces.db")
    with open_catalogue(tmp_path / "faces.db", create=True) as one, open_catalogue(tmp_path / "link.db") as other:
        assert one.folder == other.folder
        with one.indexing(), pytest.raises(CatalogueBusy), other.indexing():
            pass


GENERATION_IS = """import sys
from db import generation
from db.catalogue import open_catalogue
with open_catalogue(sys.argv[1]) as catalogue, catalogue.read() as session:
    assert generation.current(session) == int(sys.argv[2])
"""


def test_a_catalogue_opened_twice_in_one_process_loses_nothing_when_another_process_closes_it(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    with open_catalogue(path, create=True) as one:
        with one.write() as session:  # its connection holds the file from now on
            session.execute(text("UPDATE state SET generation = 3"))
        open_catalogue(path).close()
        in_another_process(GENERATION_IS, path, "3")  # which removes the log, were it the last to use it
        with one.write() as session:
            session.execute(text("UPDATE state SET generation = 7"))
        in_another_process(GENERATION_IS, path, "7")


def test_a_missing_catalogue_is_said_to_be_missing_and_not_made(tmp_path: Path) -> None:
    for path in (tmp_path / "faces.db", tmp_path / "no folder" / "faces.db"):
        with pytest.raises(CatalogueMissing, match=r"no catalogue at .*faces\.db: index a folder first"):
            open_catalogue(path)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_left_by_an_interrupted_creation_becomes_a_catalogue_at_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    path.touch()
    with pytest.raises(CatalogueMissing, match="is empty"):
        open_catalogue(path)
    with open_catalogue(path, create=True) as catalogue:
        assert face_count(catalogue) == 0


@pytest.mark.parametrize("create", [False, True])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("buy milk\n" * 1000)
    with pytest.raises(NotACatalogue, match=r"notes\.txt is not a catalogue: name another file"):
        open_catalogue(path, create=create)
    assert path.read_text() == "buy milk\n" * 1000
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("create", [False, True])
def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NotACatalogue, match="another program"):
        open_catalogue(path, create=create)
    assert path.read_bytes() == before


@pytest.mark.parametrize("create", [False, True])
def test_a_folder_is_refused(tmp_path: Path, create: bool) -> None:
    with pytest.raises(NotACatalogue, match="is a folder"):
        open_catalogue(tmp_path, create=create)


def test_a_path_below_a_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CatalogueMissing):
        open_catalogue(tmp_path / "file" / "faces.db")
    with pytest.raises(CatalogueError, match="Not a directory"):
        open_catalogue(tmp_path / "file" / "faces.db", create=True)


def test_a_catalogue_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    open_catalogue(path, create=True).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(CatalogueTooNew, match=f"format {SCHEMA_VERSION + 1}.*update facesearch"):
        open_catalogue(path, create=True)
    assert path.read_bytes() == before


def test_a_catalogue_cut_short_is_said_to_be_damaged(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    index(catalogue, root_id, model_id, range(500))
    catalogue.close()
    os.truncate(tmp_path / "faces.db", 16384)
    with pytest.raises(CatalogueDamaged, match="restore it from a backup"), open_catalogue(tmp_path / "faces.db") as it:
        face_count(it)


def test_a_file_without_permission_is_said_to_be_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    open_catalogue(path, create=True).close()
    path.chmod(0)
    with without_root_powers(), pytest.raises(CatalogueUnreadable, match="Permission denied"):
        open_catalogue(path)


def test_a_folder_without_permission_cannot_hold_a_new_catalogue(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with without_root_powers(), pytest.raises(CatalogueUnreadable, match="Permission denied"):
        open_catalogue(tmp_path / "faces.db", create=True)
    tmp_path.chmod(0o700)


def test_a_read_only_file_can_be_searched_but_not_written(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    index(catalogue, root_id, model_id, [1])
    catalogue.close()
    (tmp_path / "faces.db").chmod(0o400)
    with without_root_powers(), open_catalogue(tmp_path / "faces.db") as opened:
        assert opened.read_only
        assert [each.kind for each in opened.notices] == ["read-only"]
        assert face_count(opened) == 1
        with pytest.raises(CatalogueReadOnly, match="copy it"), opened.write():
            pass
        with pytest.raises(CatalogueReadOnly, match="copy it"), opened.indexing():
            pass


def test_reading_a_read_only_file_leaves_nothing_that_hinders_writing_once_it_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    catalogue, root_id, model_id = new_catalogue(path)
    catalogue.close()
    path.chmod(0o400)
    with without_root_powers():
        with open_catalogue(path) as opened:
            assert face_count(opened) == 0
        path.chmod(0o600)
        with open_catalogue(path) as opened:
            index(opened, root_id, model_id, [1])
            assert face_count(opened) == 1


def test_a_reader_without_write_permission_sees_what_a_running_writer_commits(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    catalogue, root_id, model_id = new_catalogue(path)
    with catalogue:
        path.chmod(0o400)
        with without_root_powers(), open_catalogue(path) as reader:
            assert reader.read_only
            index(catalogue, root_id, model_id, [1, 2])
            assert face_count(reader) == 2


def test_a_catalogue_in_a_read_only_folder_can_be_searched_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    index(catalogue, root_id, model_id, [1, 2, 3])
    catalogue.close()
    names = sorted(entry.name for entry in tmp_path.iterdir())
    (tmp_path / "faces.db").chmod(0o400)
    tmp_path.chmod(0o500)
    with without_root_powers(), open_catalogue(tmp_path / "faces.db") as opened:
        assert opened.read_only
        assert face_count(opened) == 3
    assert sorted(entry.name for entry in tmp_path.iterdir()) == names
    tmp_path.chmod(0o700)


def test_an_unmerged_log_in_a_read_only_folder_is_refused_rather_than_overlooked(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    index(catalogue, root_id, model_id, [1])
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("faces.db", "faces.db-wal"):
        (copy / name).write_bytes((tmp_path / name).read_bytes())
    catalogue.close()
    copy.chmod(0o500)
    with without_root_powers(), pytest.raises(CatalogueReadOnly, match=r"copy it together with .*faces\.db-wal"):
        open_catalogue(copy / "faces.db")
    copy.chmod(0o700)
    with open_catalogue(copy / "faces.db") as repaired:
        assert face_count(repaired) == 1


DIE_WITH_A_JOURNAL = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = delete")
connection.execute("PRAGMA cache_size = 1")  # pages must be written before the end
connection.execute("BEGIN")
connection.execute("CREATE TABLE filling AS SELECT randomblob(900) FROM sqlite_master a, sqlite_master b")
connection.execute("DELETE FROM faces")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_unfinished_write_in_a_read_only_folder_is_refused_and_undone_where_one_may_write(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    catalogue, root_id, model_id = new_catalogue(folder / "faces.db")
    index(catalogue, root_id, model_id, [1])
    catalogue.close()
    killed = subprocess.run([sys.executable, "-c", DIE_WITH_A_JOURNAL, folder / "faces.db"])
    assert killed.returncode == -signal.SIGKILL
    folder.chmod(0o500)
    try:
        with without_root_powers(), pytest.raises(CatalogueReadOnly, match=r"together with .*faces\.db-journal"):
            open_catalogue(folder / "faces.db")
    finally:
        folder.chmod(0o700)
    with open_catalogue(folder / "faces.db") as repaired:
        assert face_count(repaired) == 1


def test_a_file_that_changes_under_a_reader_who_cannot_lock_it_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    open_catalogue(path, create=True).close()
    tmp_path.chmod(0o500)
    with without_root_powers(), open_catalogue(path) as opened:
        os.utime(path, ns=(1, 1))
        with pytest.raises(CatalogueBusy, match="try again"), opened.read():
            pass
    tmp_path.chmod(0o700)


OPEN_AND_SAY_WHAT_WAS_IMPORTED = """
import sys
import db, db.catalogue, db.snapshot, db.photos
with db.catalogue.open_catalogue(sys.argv[1]) as catalogue:
    db.snapshot.load_gallery(catalogue)
assert not {"alembic", "faiss", "torch", "cv2"} & set(sys.modules), sorted(sys.modules)
"""


def test_opening_an_up_to_date_catalogue_and_reading_it_imports_neither_alembic_nor_faiss(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    index(catalogue, root_id, model_id, [1])
    catalogue.close()
    in_another_process(OPEN_AND_SAY_WHAT_WAS_IMPORTED, tmp_path / "faces.db")


MOUNTS = b"""\
/dev/sda1 / ext4 rw 0 0
server:/export %s/nfs nfs4 rw 0 0
//server/share %s/two\\040words cifs rw 0 0
/dev/sdb1 %s/nfs/local ext4 rw 0 0
"""


def test_network_shares_are_told_from_local_disks_by_the_table_of_mounts(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_bytes(MOUNTS.replace(b"%s", os.fsencode(os.path.realpath(tmp_path))))
    assert network_filesystem(tmp_path / "faces.db", table) is None
    assert network_filesystem(tmp_path / "nfs" / "faces.db", table) == "nfs4"
    assert network_filesystem(tmp_path / "nfs" / "local" / "faces.db", table) is None
    assert network_filesystem(tmp_path / "nfs2" / "faces.db", table) is None
    assert network_filesystem(tmp_path / "two words" / "faces.db", table) == "cifs"
    assert network_filesystem(tmp_path / "faces.db", tmp_path / "no table") is None


def test_on_a_network_share_the_log_is_off_and_what_it_held_is_kept(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_bytes(b"//server/share %s cifs rw 0 0\n" % os.fsencode(os.path.realpath(tmp_path)))
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    index(catalogue, root_id, model_id, [1, 2])
    copy = tmp_path / "copied"
    copy.mkdir()
    for name in ("faces.db", "faces.db-wal"):  # as a program that was killed leaves them
        (copy / name).write_bytes((tmp_path / name).read_bytes())
    catalogue.close()
    for path in (copy / "faces.db", tmp_path / "faces.db", tmp_path / "new.db"):
        with open_catalogue(path, create=True, mounts=table) as shared:
            remark = notice_in_words(*shared.notices)
            assert "network share (cifs)" in remark and "therefore off" in remark
            assert face_count(shared) == (0 if path.name == "new.db" else 2)
            connection = sqlite3.connect(path)
            assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
            connection.close()
    with open_catalogue(tmp_path / "faces.db") as local:
        assert local.notices == () and face_count(local) == 2
