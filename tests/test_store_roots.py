"""Indexed folders in the catalogue: listed, moved, detached, within one another; and the runs over them."""

from pathlib import Path

import pytest

from db import faces, photos, roots, runs
from db.errors import FaceHidden, RootTaken, RootUnknown
from tests.support.catalogues import (
    Opened,
    file,
    photo,
)
from tests.support.stored import details, lose, record, visible

pytestmark = pytest.mark.slow


# Roots and runs


def test_a_root_is_stored_once_whatever_way_it_is_written(opened: Opened) -> None:
    with opened[0].write() as session:
        assert roots.add_root(session, "/photos/") == opened[1]
        assert roots.add_root(session, b"/photos/x/..") == opened[1]
        assert roots.find_root(session, "/elsewhere") is None
        assert [(root.display, root.path) for root in roots.list_roots(session)] == [("/photos", Path("/photos"))]


def test_roots_are_listed_with_the_files_that_are_there_and_that_are_missing(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)), file(b"b.jpg", photo(2)), file(b"c.jpg", photo(3)))
    lose(opened, b"c.jpg")
    with opened[0].write() as session:
        roots.add_root(session, b"/empty \xff")
        assert [(root.display, root.files, root.missing) for root in roots.list_roots(session)] == [
            ("/empty \\xff", 0, 0),
            ("/photos", 2, 1),
        ]


def test_a_moved_root_takes_its_files_along_and_keeps_the_faces(opened: Opened) -> None:
    record(opened, file(b"sub/a.jpg", photo(1)))
    with opened[0].write() as session:
        assert roots.move_root(session, "/photos", "/mnt/usb") == opened[1]
    assert details(opened, 1)[0].path == Path("/mnt/usb/sub/a.jpg")
    assert visible(opened) == [1]


def test_a_forgotten_root_takes_its_faces_out_of_the_results_until_their_photos_are_met_again(opened: Opened) -> None:
    catalogue, _, model_id = opened
    record(opened, file(b"a.jpg", photo(1)), file(b"b.jpg", photo(2)))
    with catalogue.write() as session:
        other = roots.add_root(session, "/copies")
        photos.record(session, other, [file(b"b.jpg", photo(2))], model_id=model_id)
    assert visible(opened) == [1, 2]
    with catalogue.write() as session:
        assert photos.detach_root(session, "/photos") == (2, 1)
        assert [root.display for root in roots.list_roots(session)] == ["/copies"]
    assert visible(opened) == [2] and details(opened, 2)[0].path == Path("/copies/b.jpg")
    with catalogue.read() as session, pytest.raises(FaceHidden, match="its folder was forgotten"):
        faces.in_full(session, 1)
    with catalogue.write() as session:
        photos.record(session, other, [file(b"found.jpg", photo(1))], model_id=model_id)
    assert visible(opened) == [1, 2] and details(opened, 1)[0].path == Path("/copies/found.jpg")
    with catalogue.write() as session, pytest.raises(RootUnknown, match="/photos is not an indexed folder"):
        photos.detach_root(session, "/photos")


def test_a_face_whose_file_holds_another_picture_now_is_told_apart_from_a_deleted_one(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    record(opened, file(b"a.jpg", photo(2)))
    with opened[0].read() as session, pytest.raises(FaceHidden, match="another picture has taken its place"):
        faces.in_full(session, 1)
    assert details(opened, 1)[0].path == Path("(replaced by another picture)")


def test_moving_an_unknown_root_or_onto_a_known_one_is_refused(opened: Opened) -> None:
    with opened[0].write() as session:
        roots.add_root(session, "/other")
        with pytest.raises(RootUnknown, match="/nowhere is not an indexed folder"):
            roots.move_root(session, "/nowhere", "/new")
        with pytest.raises(RootTaken, match="/other is an indexed folder already"):
            roots.move_root(session, "/photos", "/other")
        assert roots.move_root(session, "/photos", "/photos/") == opened[1]


@pytest.mark.parametrize("new", ["/other/photos", "/ot", "/ot/her/deep"])
def test_a_root_is_not_moved_into_or_above_another_one(opened: Opened, new: str) -> None:
    with opened[0].write() as session:
        roots.add_root(session, "/other")
        roots.add_root(session, "/ot/her")
        with pytest.raises(RootTaken, match=r"lies within|holds"):
            roots.move_root(session, "/photos", new)
        assert roots.move_root(session, "/photos", "/other photos") == opened[1]


def test_roots_within_a_moved_one_move_along(opened: Opened) -> None:
    with opened[0].write() as session:
        roots.add_root(session, "/photos/trip")
        roots.move_root(session, "/photos", "/mnt/usb")
        assert [root.display for root in roots.list_roots(session)] == ["/mnt/usb", "/mnt/usb/trip"]
        roots.move_root(session, "/mnt/usb", "/mnt/usb/photos")
        assert [root.display for root in roots.list_roots(session)] == ["/mnt/usb/photos", "/mnt/usb/photos/trip"]


@pytest.mark.parametrize("other", ["/photos/trip", "/"])
def test_a_file_inside_two_roots_is_one_photo_and_follows_what_either_root_saw_last(opened: Opened, other: str) -> None:
    catalogue, outer, model_id = opened
    inside = b"a.jpg" if other != "/" else b"photos/trip/a.jpg"
    record(opened, file(b"trip/a.jpg", photo(1)))
    with catalogue.write() as session:
        inner = roots.add_root(session, other)
        assert photos.record(session, inner, [file(inside, photo(1))], model_id=model_id).faces == 0
    assert details(opened, 1)[0].path == Path("/photos/trip/a.jpg")
    assert lose(opened, b"trip/a.jpg") == 1
    assert visible(opened) == []
    with catalogue.write() as session:
        entry = photos.files_of_root(session, inner)[inside]
        assert entry.missing
        assert photos.mark_present(session, [entry.id]) == 1
        photos.record(session, inner, [file(inside, photo(2))], model_id=model_id)
        assert photos.files_of_root(session, outer)[b"trip/a.jpg"].photo_id == 2
    assert visible(opened) == [2]


def test_runs_are_listed_newest_first_and_a_killed_one_has_no_end(opened: Opened) -> None:
    catalogue, root_id, model_id = opened
    with catalogue.write() as session:
        killed = runs.start_run(session, [root_id], model_id)
        ended = runs.start_run(session, [root_id], model_id)
        runs.finish_run(session, ended, {"photos": 3})
    with catalogue.read() as session:
        last, before = runs.latest_runs(session, 5)
        assert runs.latest_runs(session) == [last]
    assert (last.id, last.counts, last.model, last.roots) == (ended, {"photos": 3}, "a" * 64, (root_id,))
    assert last.finished is not None
    assert last.finished >= last.started
    assert (before.id, before.finished) == (killed, None)
