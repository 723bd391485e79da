"""`facesearch forget`: what is held and stays, photos by their age, and requests that are refused."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from db import photos
from db.catalogue import open_catalogue
from db.schema import Photo
from tests.conftest import Program
from tests.support.forgetting import album_to_forget, faces_by_photo, searched, wanted_photo
from tests.support.squares import index
from tests.support.stand_ins import picture, save


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return album_to_forget(tmp_path)


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
