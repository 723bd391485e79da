"""What is forgotten while others search, index, or the command is killed: no search finds it, and it goes for good."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from db import erasure, snapshot, tombstones
from db.catalogue import Catalogue, open_catalogue
from facesearch.custody import forgetting
from facesearch.custody.forgetting import Wanted
from tests.conftest import Program
from tests.support.catalogues import encode as encode_plainly
from tests.support.catalogues import index as index_contents
from tests.support.catalogues import new_catalogue
from tests.support.forgetting import album_to_forget, faces_by_photo, left_of, searched, traces, wanted_photo
from tests.support.powers import files_no_larger_than
from tests.support.squares import index
from tests.support.stand_ins import picture, save

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return album_to_forget(tmp_path)


@contextmanager
def hundred_faces(tmp_path: Path) -> Iterator[Catalogue]:
    """Fifty photos with two faces each, and a snapshot."""
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    with catalogue:
        index_contents(catalogue, root_id, model_id, range(50), faces=2)
        snapshot.rebuild(catalogue, encode_plainly)
        yield catalogue


# Searches meanwhile


def test_an_older_snapshot_skips_them_at_once(tmp_path: Path) -> None:
    with hundred_faces(tmp_path) as catalogue:
        before = snapshot.load_gallery(catalogue)
        assert before is not None
        with catalogue.erase() as session:
            erasure.erase(session, erasure.Doomed(photos=(7,), faces=(3,)))
        after = snapshot.load_gallery(catalogue)
        assert after is not None
        assert set(before.face_ids.tolist()) - set(after.face_ids.tolist()) == {3, 13, 14}
        assert str(snapshot.state_of(catalogue)) == "stale by 3 faces"
        probe = encode_plainly(before.logits(0)[:1, None].repeat(40, 1), before.model)[0]
        rows, _ = after.nearest(probe, len(after), None, encode_plainly)
        assert len(rows) == 97
        assert len(before.logits(0)) == 100, "a search that is under way goes on"


def test_a_search_that_has_lost_its_snapshot_goes_on_without_them(tmp_path: Path) -> None:
    with hundred_faces(tmp_path) as catalogue:
        gallery = snapshot.load_gallery(catalogue)
        assert gallery is not None
        known = gallery.logits(0).copy()
        with catalogue.erase() as session:
            erasure.erase(session, erasure.Doomed(photos=(7,)))
        shutil.rmtree(catalogue.folder)
        probe = np.full(40, 40**-0.5, np.float32)
        rows, _ = gallery.nearest(probe, 100, None, encode_plainly)
        assert len(rows) == 100
        with catalogue.read() as session:
            gone = tombstones.among(session, gallery.face_ids[rows])
        assert sorted(gone.tolist()) == [13, 14]
        left = ~np.isin(gallery.face_ids, gone)
        np.testing.assert_array_equal(gallery.logits(0)[left], known[left])
        assert (gallery.logits(0)[~left] == 1).all(), "nothing of them is read"


READ = """
import sys
from sqlalchemy import text
from db.catalogue import Catalogue, open_catalogue
with open_catalogue(sys.argv[1]) as catalogue, catalogue.read() as session:
    session.execute(text("SELECT count(*) FROM faces")).scalar_one()
    print("ready", flush=True)
    sys.stdin.read()
    assert session.execute(text("SELECT count(*) FROM faces")).scalar_one() == 4
"""


def test_readers_keep_it_pending_and_the_next_command_that_writes_finishes_it(
    facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = wanted_photo(catalogue)
    (face_id,) = faces_by_photo(catalogue)[photo.name]
    what = traces(catalogue, photo, face_id)
    monkeypatch.setattr(forgetting, "READERS", 0.2)
    reader = subprocess.Popen(
        [sys.executable, "-c", READ, str(catalogue)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    try:
        assert reader.stdout is not None and reader.stdout.readline() == b"ready\n"
        ran = facesearch("forget", "--photo", photo, "--yes", "--catalogue", catalogue)
        assert ran.code == 0 and "Pending: no search finds it any more" in ran.err, ran.err
        assert face_id not in searched(catalogue)
        assert "pending: what was forgotten last" in facesearch("status", "--catalogue", catalogue).out
        backup = catalogue.parent / "b.db"
        assert facesearch("backup", backup, "--catalogue", catalogue).code == 0
        assert not any(each in backup.read_bytes() for each in what), "what is pending does not go into a backup"
    finally:
        reader.communicate()
    assert reader.returncode == 0
    index(catalogue)
    assert left_of(catalogue, what) == []
    said = facesearch("status", "--catalogue", catalogue).out
    assert "pending:" not in said and "so far: photos 1, faces 1" in said


def test_a_full_disk_leaves_it_out_of_the_results_and_pending(facesearch: Program, catalogue: Path) -> None:
    photo = wanted_photo(catalogue)
    (face_id,) = faces_by_photo(catalogue)[photo.name]
    what = traces(catalogue, photo, face_id)
    size = catalogue.stat().st_size
    with files_no_larger_than(size // 2):
        ran = facesearch("forget", "--photo", photo, "--yes", "--catalogue", catalogue)
    assert ran.code in (0, 3) and "Traceback" not in ran.err
    if ran.code == 3:
        assert face_id in searched(catalogue), "nothing was changed"
        assert facesearch("forget", "--photo", photo, "--yes", "--catalogue", catalogue).code == 0
    assert face_id not in searched(catalogue)
    index(catalogue)
    assert left_of(catalogue, what) == []


def test_nothing_is_forgotten_while_an_index_run_is_at_work(facesearch: Program, catalogue: Path) -> None:
    with open_catalogue(catalogue) as busy, busy.indexing():
        ran = facesearch("forget", "1", "--yes", "--catalogue", catalogue)
    assert ran.code == 3 and "Another index run, or a command that changes the catalogue" in ran.err
    assert len(searched(catalogue)) == 4


def test_nothing_goes_that_was_not_shown(catalogue: Path, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    wanted = Wanted(folders=(os.fsencode(tmp_path / "album"),))
    with open_catalogue(catalogue) as opened:
        shown = forgetting.plan(opened, wanted, now)
        save(tmp_path / "album" / "new.png", picture((9, 9, 9)))
        index(catalogue)
        with pytest.raises(forgetting.CatalogueBusy, match="changed meanwhile"):
            forgetting.forget(opened, wanted, shown, now)
    assert len(searched(catalogue)) == 5


def test_a_kill_between_the_rows_and_the_files_is_made_up_for(catalogue: Path, facesearch: Program) -> None:
    photo = wanted_photo(catalogue)
    (face_id,) = faces_by_photo(catalogue)[photo.name]
    what = traces(catalogue, photo, face_id)
    with open_catalogue(catalogue) as opened, opened.indexing():
        with opened.read() as session:
            (photo_id,) = (
                id for id, paths in erasure.paths_of(session, range(1, 5)).items() if os.fsencode(photo) in paths
            )
        with opened.erase() as session:
            erasure.erase(session, erasure.Doomed(photos=(photo_id,)))
    assert left_of(catalogue, what) != []
    ran = facesearch("roots", "--moved", photo.parents[1], catalogue.parent / "album2", "--catalogue", catalogue)
    assert ran.code == 0 and left_of(catalogue, what) == []


def test_the_command_killed_once_its_rows_are_gone_is_finished_by_the_next_run(catalogue: Path) -> None:
    photo = wanted_photo(catalogue)
    (face_id,) = faces_by_photo(catalogue)[photo.name]
    what = traces(catalogue, photo, face_id)
    command = ["forget", "--photo", str(photo), "--yes", "--catalogue", str(catalogue)]
    program = subprocess.Popen(
        [sys.executable, "-c", "from cli.main import main; main()", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    with open_catalogue(catalogue) as opened:
        begun = False
        while not begun and program.poll() is None:
            with opened.read() as session:
                begun = session.execute(text("SELECT count(*) FROM erasures")).scalar_one() > 0
    program.kill()
    program.wait()
    assert face_id not in searched(catalogue)
    index(catalogue)
    assert left_of(catalogue, what) == []
