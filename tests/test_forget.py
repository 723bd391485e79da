"""`facesearch forget`: out of the catalogue for good, out of its very bytes, and not back with the next run."""

import io
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text

from cli.report.thumbnails import thumbnails, whole_photo
from db import erasure, faces
from db.catalogue import open_catalogue
from db.erasure import Pseudonyms
from facesearch.custody import forgetting
from facesearch.custody.forgetting import Wanted
from tests.conftest import Program
from tests.support.catalogues import index as index_contents
from tests.support.catalogues import new_catalogue
from tests.support.forgetting import ODD, album_to_forget, faces_by_photo, left_of, searched, traces, wanted_photo
from tests.support.index_runs import Runs
from tests.support.squares import index
from tests.support.stand_ins import picture, save


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return album_to_forget(tmp_path)


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
