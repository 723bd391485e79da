"""`facesearch forget`: out of the catalogue for good, out of its very bytes, and not back with the next run."""

import io
import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select, text

from cli.report.thumbnails import thumbnails, whole_photo
from db import erasure, faces, photos, snapshot, tombstones
from db.catalogue import open_catalogue
from db.erasure import Pseudonyms
from db.schema import Face, Photo, Score
from facesearch.custody import forgetting
from facesearch.custody.forgetting import Wanted
from facesearch.search.ranking.similar import encode
from tests.conftest import Program
from tests.support.catalogues import encode as encode_plainly
from tests.support.catalogues import index as index_contents
from tests.support.catalogues import new_catalogue
from tests.support.index_runs import Runs
from tests.support.powers import files_no_larger_than
from tests.support.squares import album, index
from tests.support.stand_ins import model, picture, save

PROJECT = Path(__file__).parent.parent


ODD = (37, 81, 250)
"""A colour whose scores no other face has."""


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Four photos: one green face; a white and a black one; none; an odd one, under a name and in a folder to find."""
    folder = album(tmp_path / "album")
    save(folder / "John Doe" / "wanted-17.png", picture(ODD))
    return index(tmp_path / "faces.db", folder)


def wanted_photo(catalogue: Path) -> Path:
    return catalogue.parent / "album" / "John Doe" / "wanted-17.png"


def faces_by_photo(path: Path) -> dict[str, list[int]]:
    with open_catalogue(path) as opened, opened.read() as session:
        found: dict[str, list[int]] = {}
        for photo_id, face_ids in erasure.faces_in(session, list(session.execute(select(Photo.id)).scalars())).items():
            found[erasure.paths_of(session, [photo_id])[photo_id][0].rpartition(b"/")[2].decode()] = face_ids
        return found


def searched(path: Path) -> list[int]:
    with open_catalogue(path) as opened:
        gallery = snapshot.load_gallery(opened)
        return [] if gallery is None else sorted(gallery.face_ids.tolist())


def files_of(catalogue: Path) -> list[Path]:
    """Every file of the catalogue."""
    beside = [each for each in catalogue.parent.iterdir() if each.name.startswith(catalogue.name) and each.is_file()]
    return [*beside, *(each for each in Path(f"{catalogue}.d").rglob("*") if each.is_file())]


def traces(catalogue: Path, photo: Path, face_id: int) -> list[bytes]:
    """What must not be left of the photo and its face: path, name, digest, scores, profile, place."""
    with open_catalogue(catalogue) as opened, opened.read() as session:
        logits, sha256, landmarks = session.execute(
            select(Score.logits, Photo.sha256, Face.landmarks)
            .join(Face, Face.id == Score.face_id)
            .join(Photo, Photo.id == Face.photo_id)
            .where(Face.id == face_id)
        ).one()
        assert landmarks is not None
        values = np.frombuffer(logits, dtype="<f4")
    profile = encode(values[None], model()).astype("<f4").tobytes()
    name = os.fsencode(photo.name)
    return [
        os.fsencode(photo),
        name,
        name.rpartition(b".")[0],
        bytes.fromhex(sha256),
        logits,
        profile,
        logits[:4],
        logits[4:8],
    ]


def left_of(catalogue: Path, what: list[bytes]) -> list[tuple[str, bytes]]:
    return [(str(file), each) for file in files_of(catalogue) for each in what if each in file.read_bytes()]


# Gone


def test_a_forgotten_photo_is_found_in_no_file_of_the_catalogue(facesearch: Program, catalogue: Path) -> None:
    photo = wanted_photo(catalogue)
    (face_id,) = faces_by_photo(catalogue)[photo.name]
    what = traces(catalogue, photo, face_id)
    found = {each for _, each in left_of(catalogue, what)}
    assert found == {each for each in what if each != os.fsencode(photo)}, "the test knows how to look"
    with open_catalogue(catalogue):  # another program has it open, and reads nothing
        ran = facesearch("forget", "--photo", photo, "--yes", "--catalogue", catalogue)
        assert ran.code == 0 and "Forgotten: 1 photo and 1 face." in ran.err, ran.err
        assert "Pending" not in ran.err and "Not reached by this: the photos themselves, backups" in ran.err
        assert left_of(catalogue, what) == []
    assert left_of(catalogue, what) == []
    assert photo.exists(), "it is the catalogue that forgets"
    assert face_id not in searched(catalogue) and len(searched(catalogue)) == 3
    assert facesearch("search", "stubble", "--catalogue", catalogue).code == 0
    assert facesearch("check", "--catalogue", catalogue).code == 0
    ran = facesearch("show", str(face_id), "--catalogue", catalogue)
    assert ran.code == 3 and f"Face {face_id} was forgotten" in ran.err


def test_nothing_is_left_where_the_log_cannot_be_used(
    facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.catalogue.network_filesystem", lambda *_: "nfs")
    photo = wanted_photo(catalogue)
    (face_id,) = faces_by_photo(catalogue)[photo.name]
    what = traces(catalogue, photo, face_id)
    ran = facesearch("forget", "--photo", photo, "--yes", "--catalogue", catalogue)
    assert ran.code == 0 and "Pending" not in ran.err, ran.err
    assert not Path(f"{catalogue}-wal").exists() and left_of(catalogue, what) == []


def test_what_will_go_is_shown_and_nothing_goes_without_a_yes(
    facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(wanted_photo(catalogue), catalogue.parent / "album" / "copy.png")
    index(catalogue)
    before = searched(catalogue)
    for said, code in (("n\n", 1), ("", 2)):
        monkeypatch.setattr("sys.stdin", io.StringIO(said))
        ran = facesearch("forget", "--photo", wanted_photo(catalogue), "--catalogue", catalogue)
        assert ran.code == code
        assert "To be forgotten, with 1 face:\n" in ran.out and f"  {wanted_photo(catalogue)}\n" in ran.out
        other = catalogue.parent / "album" / "copy.png"
        assert f"Of these, the same content under other paths:\n  {other}\n" in ran.out
        assert "Forget 1 photo and 1 face for good?" in ran.err
    assert searched(catalogue) == before
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert facesearch("forget", "--photo", wanted_photo(catalogue), "--catalogue", catalogue).code == 0
    assert len(searched(catalogue)) == 3


def test_a_face_goes_alone_where_others_are_in_the_photo(facesearch: Program, catalogue: Path) -> None:
    first, second = faces_by_photo(catalogue)["white and black.png"]
    photo = catalogue.parent / "album" / "white and black.png"
    what = traces(catalogue, photo, first)[4:6]
    ran = facesearch("forget", str(first), "--yes", "--catalogue", catalogue)
    assert ran.code == 0 and f"  {first} in {photo}" in ran.out
    assert left_of(catalogue, what) == []
    assert first not in searched(catalogue) and second in searched(catalogue)
    index(catalogue, again=True)
    assert faces_by_photo(catalogue)["white and black.png"] == [second], "a new look does not find it again"
    assert facesearch("forget", str(second), "--yes", "--catalogue", catalogue).code == 0
    assert "white and black.png" not in faces_by_photo(catalogue), "with its last face the photo goes"
    assert left_of(catalogue, [b"white and black"]) == []


def test_a_forgotten_face_is_painted_over_where_its_photo_is_shown(catalogue: Path) -> None:
    first, second = faces_by_photo(catalogue)["white and black.png"]

    def reddish() -> list[int]:
        """How many pixels of the photo, and of the other face, are those of a face."""
        with open_catalogue(catalogue) as opened, opened.read() as session:
            (shown,) = faces.details(session, [second])
        pictures = [whole_photo(shown).jpeg, thumbnails([shown], lambda _: None)[second].jpeg]
        arrays = [np.asarray(Image.open(io.BytesIO(jpeg or b"")).convert("RGB"), np.int16) for jpeg in pictures]
        return [int(((each[..., 0] > 180) & (each[..., 1] < 90)).sum()) for each in arrays]

    both = reddish()
    with open_catalogue(catalogue) as opened:
        wanted, now = Wanted(faces=(first,)), datetime.now(UTC)
        forgetting.forget(opened, wanted, forgetting.plan(opened, wanted, now), now)
    one = reddish()
    assert 0.4 < one[0] / both[0] < 0.6 and 0 < one[1] < both[1]


def test_a_folder_goes_with_all_below_it(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    (tmp_path / "album" / "John Doe" / "torn.jpg").write_text("no photo")
    (tmp_path / "album" / "John Doe" / "letter.txt").write_text("Dear John")
    index(catalogue)
    ran = facesearch("forget", "--folder", tmp_path / "album" / "John Doe", "--yes", "--catalogue", catalogue)
    assert ran.code == 0, ran.err
    assert left_of(catalogue, [b"John Doe", b"wanted-17", b"torn.jpg"]) == []
    assert len(searched(catalogue)) == 3


def test_everything_goes_and_the_folder_with_it(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    ran = facesearch("forget", "--folder", tmp_path, "--yes", "--catalogue", catalogue)
    assert ran.code == 0 and "Forgotten: 4 photos and 4 faces." in ran.err
    assert searched(catalogue) == []
    assert left_of(catalogue, [b"album", b"John Doe", b"green.png"]) == []
    assert [each for each in Path(f"{catalogue}.d").iterdir() if each.is_dir()] == []
    assert "No folder has been indexed yet" in facesearch("roots", "--catalogue", catalogue).err
    assert facesearch("search", "stubble", "--catalogue", catalogue).code == 3
    assert facesearch("check", "--catalogue", catalogue).code == 0


def test_numbers_of_forgotten_faces_are_given_to_no_other(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    last = max(searched(catalogue))
    facesearch("forget", "--folder", tmp_path / "album", "--yes", "--catalogue", catalogue)
    save(tmp_path / "album" / "new.png", picture((9, 9, 9)))
    index(catalogue, tmp_path / "album")
    assert searched(catalogue) == [last + 1]


# Not back again


def test_a_forgotten_photo_does_not_come_back_and_is_not_even_opened(catalogue: Path, facesearch: Program) -> None:
    photo = wanted_photo(catalogue)
    facesearch("forget", "--photo", photo, "--yes", "--catalogue", catalogue)
    with open_catalogue(catalogue) as opened:
        run = Runs(opened)
        for again in (None, True):
            report = run(again=again)
            assert photo.name not in run.opened and report.forgotten == 1
            assert report.photos == 3 == report.indexed + report.no_face + report.failed
    assert left_of(catalogue, [b"wanted-17"]) == []


def test_nor_under_another_name_nor_in_another_folder(catalogue: Path, facesearch: Program, tmp_path: Path) -> None:
    photo = wanted_photo(catalogue)
    facesearch("forget", "--photo", photo, "--yes", "--catalogue", catalogue)
    (tmp_path / "other").mkdir()
    shutil.copy(photo, tmp_path / "other" / "renamed-99.png")
    save(tmp_path / "other" / "new.png", picture((9, 9, 9)))
    with open_catalogue(catalogue) as opened:
        run = Runs(opened)
        report = run(tmp_path / "other")
        assert "renamed-99.png" in run.opened and report.forgotten == 1
        assert report.photos == 1 == report.indexed
        run(tmp_path / "other")
        assert run.opened == [], "what was met once is known by its path, size and date"
        with opened.read() as session:
            assert session.execute(text("SELECT count(*) FROM unseen")).scalar_one() == 0
    assert left_of(catalogue, [b"renamed-99"]) == []


def test_it_is_taken_in_again_on_request(catalogue: Path, facesearch: Program) -> None:
    photo = wanted_photo(catalogue)
    (former,) = faces_by_photo(catalogue)[photo.name]
    facesearch("forget", "--photo", photo, "--yes", "--catalogue", catalogue)
    with open_catalogue(catalogue) as opened:
        run = Runs(opened)
        report = run(allow_again=True)
        assert report.forgotten == 0 and report.faces == 1
        assert run().forgotten == 0 and run.opened == []
    (number,) = faces_by_photo(catalogue)[photo.name]
    assert number > former
    photo.rename(photo.with_name("renamed.png"))
    with open_catalogue(catalogue) as opened:
        Runs(opened)()
    assert faces_by_photo(catalogue)["renamed.png"] == [number]


def test_a_known_name_that_holds_forgotten_content_by_now_loses_what_it_held(
    catalogue: Path, facesearch: Program, tmp_path: Path
) -> None:
    photo = wanted_photo(catalogue)
    facesearch("forget", "--photo", photo, "--yes", "--catalogue", catalogue)
    shutil.copy(photo, tmp_path / "album" / "green.png")
    with open_catalogue(catalogue) as opened:
        report = Runs(opened)()
        assert report.forgotten == 2 and report.photos == 2 == report.indexed + report.no_face
    (green,) = faces_by_photo_ids(catalogue, 1)
    assert green not in searched(catalogue)


def faces_by_photo_ids(path: Path, photo_id: int) -> list[int]:
    with open_catalogue(path) as opened, opened.read() as session:
        return erasure.faces_in(session, [photo_id])[photo_id]


def test_digests_say_nothing_without_the_key() -> None:
    one, other = Pseudonyms(b"1" * 32), Pseudonyms(b"2" * 32)
    assert one.content("ab" * 32) != other.content("ab" * 32)
    assert one.file(b"/a", 1, 2) != one.file(b"/a", 12, 0)
    assert len(one.file(b"/a", 1, 2)) == 32


# Searches meanwhile


def test_an_older_snapshot_skips_them_at_once(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    with catalogue:
        index_contents(catalogue, root_id, model_id, range(50), faces=2)
        snapshot.rebuild(catalogue, encode_plainly)
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
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    with catalogue:
        index_contents(catalogue, root_id, model_id, range(50), faces=2)
        snapshot.rebuild(catalogue, encode_plainly)
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
from db.catalogue import open_catalogue
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


# What must not go


def test_what_is_held_stays_unless_a_reason_is_given(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    photo = wanted_photo(catalogue)
    ran = facesearch("forget", "--photo", photo, "--hold", "--catalogue", catalogue)
    assert ran.code == 0 and "1 more" in ran.err
    assert "0 more" in facesearch("forget", "--photo", photo, "--hold", "--catalogue", catalogue).err
    ran = facesearch("forget", "--photo", photo, "--yes", "--catalogue", catalogue)
    assert ran.code == 1 and f"Held, and kept (--release, or --override REASON):\n  {photo}" in ran.out
    ran = facesearch("forget", "--folder", tmp_path / "album", "--yes", "--catalogue", catalogue)
    assert "Forgotten: 3 photos and 3 faces." in ran.err
    assert list(faces_by_photo(catalogue)) == [photo.name]
    assert "Held" in facesearch("status", "--catalogue", catalogue).out
    ran = facesearch("forget", "--photo", photo, "--override", "order of 1 June", "--yes", "--catalogue", catalogue)
    assert ran.code == 0 and faces_by_photo(catalogue) == {}
    with sqlite3.connect(catalogue) as rows:
        assert rows.execute("SELECT override FROM erasures").fetchall() == [(None,), ("order of 1 June",)]


def test_a_held_face_holds_its_photo_and_lets_the_others_go(facesearch: Program, catalogue: Path) -> None:
    first, second = faces_by_photo(catalogue)["white and black.png"]
    facesearch("forget", str(first), "--hold", "--catalogue", catalogue)
    photo = catalogue.parent / "album" / "white and black.png"
    assert "Held, and kept" in facesearch("forget", "--photo", photo, "--yes", "--catalogue", catalogue).out
    assert "Held, and kept" in facesearch("forget", str(first), "--yes", "--catalogue", catalogue).out
    assert facesearch("forget", str(second), "--yes", "--catalogue", catalogue).code == 0
    assert faces_by_photo(catalogue)["white and black.png"] == [first]
    assert "Released: 1." in facesearch("forget", str(first), "--release", "--catalogue", catalogue).err
    facesearch("forget", str(first), "--yes", "--catalogue", catalogue)
    assert "white and black.png" not in faces_by_photo(catalogue)


# By age


def aged(catalogue: Path, name: str, days: float) -> None:
    moment = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S.%f")
    with sqlite3.connect(catalogue) as rows:
        rows.execute(
            "UPDATE photos SET first_indexed = ? WHERE id = (SELECT photo_id FROM files WHERE display LIKE ?)",
            (moment, f"%{name}"),
        )


def test_photos_go_by_how_long_they_are_known(facesearch: Program, catalogue: Path) -> None:
    before = faces_by_photo(catalogue)
    ran = facesearch("forget", "--older-than", "90d", "--yes", "--catalogue", catalogue)
    assert ran.code == 0 and "There is nothing to forget." in ran.err
    aged(catalogue, "green.png", 91)
    aged(catalogue, "wanted-17.png", 89)
    assert facesearch("forget", "--older-than", "90d", "--yes", "--catalogue", catalogue).code == 0
    assert before.keys() - faces_by_photo(catalogue).keys() == {"green.png"}
    index(catalogue, again=True)
    assert facesearch("forget", "--older-than", "12w", "--yes", "--catalogue", catalogue).code == 0
    assert "wanted-17.png" not in faces_by_photo(catalogue), "a new look does not make a photo younger"


def test_photos_of_a_detached_folder_go_as_well(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    facesearch("roots", "--detach", tmp_path / "album", "--catalogue", catalogue)
    ran = facesearch("forget", "--older-than", "0d", "--yes", "--catalogue", catalogue)
    assert ran.code == 0 and "4 photos that no known file holds any more" in ran.out
    index(catalogue, tmp_path / "album")
    assert faces_by_photo(catalogue) == {}


def test_a_clock_that_was_set_back_makes_no_photo_older(catalogue: Path, tmp_path: Path) -> None:
    with sqlite3.connect(catalogue) as rows:
        rows.execute("UPDATE photos SET first_indexed = '2031-01-01 00:00:00.000000'")
    save(tmp_path / "album" / "later.png", picture((9, 9, 9)))
    index(catalogue)
    with open_catalogue(catalogue) as opened, opened.read() as session:
        newest = session.execute(select(Photo.first_indexed).order_by(Photo.id.desc()).limit(1)).scalar_one()
    assert newest == datetime(2031, 1, 1, tzinfo=UTC)


def test_photos_from_the_future_stay_and_are_counted(facesearch: Program, catalogue: Path) -> None:
    with sqlite3.connect(catalogue) as rows:
        rows.execute("UPDATE photos SET first_indexed = '2999-01-01 00:00:00.000000' WHERE id = 1")
    ran = facesearch("forget", "--older-than", "0d", "--yes", "--catalogue", catalogue)
    assert ran.code == 0 and "in the future by this computer's clock, and that stay: 1" in ran.out
    with open_catalogue(catalogue) as opened, opened.read() as session:
        assert photos.counts(session).photos == 1


@pytest.mark.parametrize("span", ["", "90", "-3d", "d", "90 fortnights", "999999y"])
def test_a_span_that_is_none_exits_with_2(facesearch: Program, catalogue: Path, span: str) -> None:
    assert facesearch("forget", "--older-than", span, "--yes", "--catalogue", catalogue).code == 2


# Bad requests


def test_what_is_not_there_is_said_and_nothing_goes(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    before = searched(catalogue)
    for request, words in (
        (["1", "999"], "There is no face 999"),
        (["99999999999999999999"], "There is no face"),
        (["--photo", wanted_photo(catalogue), "--photo", tmp_path / "none.png"], "none.png is no photo"),
        (["--folder", tmp_path / "elsewhere"], "No photo of this catalogue lies in"),
    ):
        ran = facesearch("forget", *request, "--yes", "--catalogue", catalogue)
        assert ran.code == 3 and words in ran.err and "Traceback" not in ran.err, ran.err
    assert searched(catalogue) == before


def test_twice_the_same_is_said(facesearch: Program, catalogue: Path) -> None:
    facesearch("forget", "1", "--yes", "--catalogue", catalogue)
    ran = facesearch("forget", "1", "--yes", "--catalogue", catalogue)
    assert ran.code == 3 and "Face 1 was forgotten" in ran.err


@pytest.mark.parametrize(
    "request_",
    [
        [],
        ["1", "--older-than", "3d"],
        ["1", "--hold", "--release"],
        ["1", "--hold", "--override", "x"],
        ["1", "--override", " "],
    ],
)
def test_requests_that_make_no_sense_exit_with_2(facesearch: Program, catalogue: Path, request_: list[str]) -> None:
    assert facesearch("forget", *request_, "--yes", "--catalogue", catalogue).code == 2
    assert len(searched(catalogue)) == 4


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


# Copies


def test_copies_in_another_encoding_are_named_and_stay(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    save(tmp_path / "album" / "again.jpg", picture(ODD), quality=95)
    index(catalogue)
    ran = facesearch("forget", "--photo", wanted_photo(catalogue), "--yes", "--catalogue", catalogue)
    (copy,) = faces_by_photo(catalogue)["again.jpg"]
    assert "May be copies in another encoding, or of people who look alike; they stay unless you name them:" in ran.out
    assert f"  {copy} in {tmp_path / 'album' / 'again.jpg'} (like " in ran.out


# Older backups


def test_a_restored_backup_forgets_again_what_was_forgotten_since(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    photo = wanted_photo(catalogue)
    (face_id,) = faces_by_photo(catalogue)[photo.name]
    first, second = faces_by_photo(catalogue)["white and black.png"]
    what = traces(catalogue, photo, face_id)
    facesearch("backup", tmp_path / "backup", "--catalogue", catalogue)
    facesearch("forget", "--photo", photo, "--yes", "--catalogue", catalogue)
    facesearch("forget", str(first), "--yes", "--catalogue", catalogue)
    facesearch("forget", str(second), "--hold", "--catalogue", catalogue)
    ran = facesearch("restore", tmp_path / "backup", "--yes", "--catalogue", catalogue)
    assert ran.code == 0 and "Forgotten again, as since the backup: photos 1, faces 2." in ran.err, ran.err
    assert face_id not in searched(catalogue) and first not in searched(catalogue) and second in searched(catalogue)
    assert left_of(catalogue, what) == []
    assert "Held, and kept" in facesearch("forget", str(second), "--yes", "--catalogue", catalogue).out
    with open_catalogue(catalogue) as opened:
        assert Runs(opened)(again=True).forgotten == 1
    assert first not in searched(catalogue)
    assert "was forgotten" in facesearch("show", str(face_id), "--catalogue", catalogue).err


def test_an_erasure_is_a_matter_of_index_look_ups(tmp_path: Path) -> None:
    """No statement of it goes through all scores, files or faces."""
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    with catalogue:
        index_contents(catalogue, root_id, model_id, range(200), faces=2)
        plans: list[str] = []
        with catalogue.erase() as session:
            connection = session.connection().connection.driver_connection
            assert connection is not None
            statements: list[str] = []
            connection.set_trace_callback(statements.append)
            erasure.erase(session, erasure.Doomed(photos=(7, 8), faces=(3,)))
            connection.set_trace_callback(None)
            for statement in statements:
                if statement.startswith(("DELETE", "SELECT")):
                    plans += [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
        scans = {plan for plan in plans if plan.startswith("SCAN") and plan.split()[1] in ("scores", "faces", "photos")}
        assert scans == set()
        assert searched(tmp_path / "faces.db") == [id for id in range(1, 401) if id not in (3, 13, 14, 15, 16)]
