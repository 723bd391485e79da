"""What becomes of files, contents, faces and scores from one batch to the next."""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, select

from db import faces, generation, models, photos, roots, runs
from db.arrays import unpack
from db.catalogue import Catalogue
from db.errors import FaceHidden, FaceUnknown, FaceUnscored, RootTaken, RootUnknown
from db.faces import FaceRecord
from db.photos import Counts, FileRecord, Unreadable
from db.schema import Face, Score
from db.values.box import Box
from db.values.photo import Outcome
from tests.support.catalogues import (
    LOOKED,
    WIDTH,
    box,
    digest,
    failed,
    file,
    index,
    logits,
    new_catalogue,
    photo,
    scoring_model,
)

pytestmark = pytest.mark.slow

Opened = tuple[Catalogue, int, int]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    with catalogue:
        yield catalogue, root_id, model_id


def record(opened: Opened, *files: FileRecord) -> int:
    catalogue, root_id, model_id = opened
    with catalogue.write() as session:
        return photos.record(session, root_id, files, model_id=model_id).faces


def known(opened: Opened) -> dict[bytes, photos.KnownFile]:
    with opened[0].read() as session:
        return photos.files_of_root(session, opened[1])


def lose(opened: Opened, *paths: bytes) -> int:
    entries = known(opened)
    with opened[0].write() as session:
        return photos.mark_missing(session, [entries[path].id for path in paths])


def find_again(opened: Opened, *paths: bytes) -> int:
    entries = known(opened)
    with opened[0].write() as session:
        return photos.mark_present(session, [entries[path].id for path in paths])


def counts(opened: Opened) -> Counts:
    with opened[0].read() as session:
        return photos.counts(session)


def visible(opened: Opened) -> list[int]:
    with opened[0].read() as session:
        return list(session.execute(select(Face.id).where(Face.hidden.is_(False)).order_by(Face.id)).scalars())


def generation_of(opened: Opened) -> int:
    with opened[0].read() as session:
        return generation.current(session)


def details(opened: Opened, *face_ids: int) -> list[faces.FaceDetails]:
    with opened[0].read() as session:
        return faces.details(session, face_ids)


def test_a_batch_stores_files_contents_faces_and_scores_together(opened: Opened) -> None:
    added = record(
        opened,
        file(b"a.jpg", photo(1, faces=2)),
        file(b"b.jpg", photo(2, faces=0)),
        file(b"c.jpg", failed(3, retry=False)),
        FileRecord(b"d.jpg", 5, 6, Unreadable("permission denied", retry=True)),
    )
    assert added == 2
    assert counts(opened) == Counts(
        files=4, missing=0, unreadable=1, photos=3, indexed=1, no_face=1, failed=1, faces=2, hidden=0
    )
    first, second = details(opened, *visible(opened))
    assert [Box(face.x, face.y, face.width, face.height) for face in (first, second)] == [box(1, 0), box(1, 1)]
    assert first.sha256 == digest(1)
    np.testing.assert_array_equal(first.logits, logits(1, 0))
    np.testing.assert_array_equal(second.logits, logits(1, 1))


def test_a_run_finds_every_file_as_the_last_one_left_it(opened: Opened) -> None:
    record(
        opened,
        file(b"a.jpg", photo(1)),
        file(b"c.jpg", failed(3, retry=True)),
        FileRecord(b"d.jpg", 5, 6, Unreadable("permission denied", retry=True)),
        FileRecord(b"e.jpg", 7, 8, Unreadable("larger than the limit", retry=False)),
    )
    lose(opened, b"a.jpg")
    found = known(opened)
    a, c, d, e = (found[name] for name in (b"a.jpg", b"c.jpg", b"d.jpg", b"e.jpg"))
    assert (a.size, a.mtime_ns, a.outcome, a.missing, a.reason, a.retry) == (
        1001, 10**18 + 5, Outcome.INDEXED, True, None, False
    )  # fmt: skip
    assert (c.outcome, c.reason, c.retry, c.missing) == (Outcome.FAILED, "the JPEG is truncated", True, False)
    assert (d.size, d.mtime_ns, d.photo_id, d.outcome, d.reason, d.retry) == (
        5,
        6,
        None,
        None,
        "permission denied",
        True,
    )
    assert (e.reason, e.retry) == ("larger than the limit", False)


def test_landmarks_and_turn_are_kept(opened: Opened) -> None:
    points = np.arange(10, dtype=np.float32).reshape(5, 2)
    face = FaceRecord(Box(1, 2, 3, 4), 0.7, points, logits(1), turned=270)
    record(opened, file(b"a.jpg", photos.PhotoRecord(digest(1), 1, Outcome.INDEXED, LOOKED, faces=(face,))))
    with opened[0].read() as session:
        stored = session.execute(select(Face)).scalar_one()
        assert stored.turned == 270
        np.testing.assert_array_equal(unpack(stored.landmarks, (5, 2)), points)


def test_one_content_under_two_names_has_its_faces_once_and_two_names(opened: Opened) -> None:
    assert record(opened, file(b"b.jpg", photo(1)), file(b"a.jpg", photo(1))) == 1
    assert record(opened, file(b"c.jpg", photo(1))) == 0
    assert counts(opened).files == 3
    assert counts(opened).photos == 1
    assert [hit.path for hit in details(opened, 1)] == [Path("/photos/a.jpg")]


def test_a_known_content_is_recognised_by_its_digest_and_recorded_without_looking_at_it(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1, faces=3)), file(b"bad.jpg", failed(2, retry=False)))
    with opened[0].write() as session:
        found = photos.known_photos(session, [digest(1), digest(2), digest(99)])
        assert set(found) == {digest(1), digest(2)}
        assert (found[digest(1)].faces, found[digest(1)].outcome) == (3, Outcome.INDEXED)
        assert found[digest(2)].reason == "the JPEG is truncated"
        photos.record(session, opened[1], [FileRecord(b"copy.jpg", 1, 2, found[digest(1)])], model_id=opened[2])
    assert counts(opened).faces == 3
    assert known(opened)[b"copy.jpg"].outcome is Outcome.INDEXED


def test_a_face_is_hidden_when_the_last_file_of_its_photo_is_gone_and_shown_when_one_is_back(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)), file(b"b.jpg", photo(1)), file(b"c.jpg", photo(2)))
    assert lose(opened, b"a.jpg") == 0
    assert visible(opened) == [1, 2]
    assert details(opened, 1)[0].path == Path("/photos/b.jpg")
    assert lose(opened, b"b.jpg") == 1
    assert visible(opened) == [2]
    assert details(opened, 1)[0].path == Path("/photos/a.jpg")  # what a missing photo was called
    assert find_again(opened, b"b.jpg") == 1
    assert visible(opened) == [1, 2]


def test_the_same_face_keeps_its_id_when_its_photo_moves_from_one_name_to_another(opened: Opened) -> None:
    record(opened, file(b"old.jpg", photo(1)))
    lose(opened, b"old.jpg")
    assert visible(opened) == []
    assert record(opened, file(b"new.jpg", photo(1))) == 0
    assert visible(opened) == [1]
    assert details(opened, 1)[0].path == Path("/photos/new.jpg")


def test_a_file_with_a_new_content_takes_the_old_faces_out_unless_another_file_has_them(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)), file(b"b.jpg", photo(2)), file(b"b copy.jpg", photo(2)))
    record(opened, file(b"a.jpg", photo(3)), file(b"b.jpg", photo(4)))
    shown = {hit.sha256 for hit in details(opened, *visible(opened))}
    assert shown == {digest(2), digest(3), digest(4)}
    record(opened, file(b"a.jpg", photo(1)))
    assert {hit.sha256 for hit in details(opened, *visible(opened))} == {digest(1), digest(2), digest(4)}


def test_a_file_that_cannot_be_read_this_time_keeps_its_faces_and_says_why(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    record(opened, FileRecord(b"a.jpg", 1, 2, Unreadable("the disk is failing", retry=True)))
    assert visible(opened) == [1]
    entry = known(opened)[b"a.jpg"]
    assert (entry.outcome, entry.reason, entry.retry) == (Outcome.INDEXED, "the disk is failing", True)
    with opened[0].read() as session:
        assert [failure.reason for failure in photos.failures(session)] == ["the disk is failing"]
    record(opened, file(b"a.jpg", photo(1)))
    assert known(opened)[b"a.jpg"].reason is None


def test_a_failure_that_was_tried_again_with_success_counts_as_a_success(opened: Opened) -> None:
    record(opened, file(b"a.jpg", failed(1, retry=True, reason="not enough memory")))
    assert counts(opened).failed == 1
    assert record(opened, file(b"a.jpg", photo(1))) == 1
    assert (counts(opened).failed, counts(opened).indexed) == (0, 1)
    assert not known(opened)[b"a.jpg"].retry


def test_a_failure_never_replaces_what_was_found_in_the_same_content_before(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    record(opened, file(b"b.jpg", failed(1, retry=True)), file(b"c.jpg", failed(1, retry=False)))
    assert counts(opened).indexed == 1
    assert known(opened)[b"b.jpg"].outcome is Outcome.INDEXED


def test_a_file_that_has_become_unreadable_for_good_loses_the_faces_of_its_old_content(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    record(opened, FileRecord(b"a.jpg", 10**10, 2, Unreadable("above the limit", retry=False)))
    assert visible(opened) == []
    entry = known(opened)[b"a.jpg"]
    assert (entry.photo_id, entry.outcome, entry.reason, entry.retry) == (None, None, "above the limit", False)
    record(opened, file(b"a.jpg", photo(1)))
    assert visible(opened) == [1]


def test_of_two_looks_at_one_content_in_a_batch_the_one_that_succeeded_counts(opened: Opened) -> None:
    assert record(opened, file(b"a.jpg", failed(1, retry=True)), file(b"b.jpg", photo(1))) == 1
    assert record(opened, file(b"c.jpg", photo(2)), file(b"d.jpg", failed(2, retry=True))) == 1
    assert (counts(opened).indexed, counts(opened).failed) == (2, 0)


def test_failures_are_listed_in_order_of_path_with_their_reasons_while_their_files_are_there(opened: Opened) -> None:
    record(
        opened,
        file(b"z.jpg", failed(1, retry=False)),
        file(b"gone.jpg", failed(2, retry=False)),
        FileRecord(b"a.jpg", 1, 1, Unreadable("permission denied", retry=True)),
        file(b"fine.jpg", photo(3)),
    )
    lose(opened, b"gone.jpg")
    with opened[0].read() as session:
        listed = [(failure.display, failure.reason, failure.retry) for failure in photos.failures(session)]
    assert listed == [
        ("/photos/a.jpg", "permission denied", True),
        ("/photos/z.jpg", "the JPEG is truncated", False),
    ]


def test_names_that_are_no_utf_8_come_back_as_they_were_and_can_be_printed(opened: Opened) -> None:
    name = b"caf\xe9 \xff/\xc3\xa9.jpg"
    record(opened, file(name, photo(1)))
    hit = details(opened, 1)[0]
    assert os.fsencode(hit.path) == b"/photos/" + name
    assert hit.display == "/photos/caf\\xe9 \\xff/é.jpg"
    hit.display.encode()
    assert name in known(opened)


def test_each_batch_that_changes_faces_has_a_number_of_its_own_and_stamps_the_faces_it_touched(opened: Opened) -> None:
    start = generation_of(opened)
    record(opened, file(b"a.jpg", photo(1)), file(b"b.jpg", photo(2)))
    assert generation_of(opened) == start + 1
    lose(opened, b"a.jpg")
    assert generation_of(opened) == start + 2
    with opened[0].read() as session:
        stamps = session.execute(select(Face.id, Face.generation).order_by(Face.id)).all()
    assert [tuple(row) for row in stamps] == [(1, start + 2), (2, start + 1)]


def test_a_batch_that_changes_no_face_takes_no_number(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)), file(b"b.jpg", photo(1)))
    before = generation_of(opened)
    record(opened, file(b"a.jpg", photo(1)), file(b"n.jpg", photo(2, faces=0)), file(b"f.jpg", failed(3, retry=True)))
    lose(opened, b"b.jpg")
    lose(opened, b"b.jpg")
    assert generation_of(opened) == before


def test_adding_and_hiding_in_one_batch_share_one_number(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    before = generation_of(opened)
    record(opened, file(b"a.jpg", photo(2)), file(b"b.jpg", photo(3)))
    assert generation_of(opened) == before + 1


def test_the_id_of_a_deleted_face_is_never_given_again(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)), file(b"b.jpg", photo(2)))
    with opened[0].write() as session:
        session.execute(delete(Face).where(Face.id == 2))
    record(opened, file(b"c.jpg", photo(3)))
    assert visible(opened) == [1, 3]


def test_a_file_is_missing_since_it_was_first_found_gone(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    entry = known(opened)[b"a.jpg"]
    first = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    with opened[0].write() as session:
        photos.mark_missing(session, [entry.id], now=first)
        photos.mark_missing(session, [entry.id])
    path = opened[0].path
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT missing_since FROM files").fetchone()[0].startswith("2024-05-06 07:08:09")
    connection.close()


def test_more_files_than_a_statement_takes_parameters_are_recorded_lost_and_found(opened: Opened) -> None:
    catalogue, root_id, model_id = opened
    index(catalogue, root_id, model_id, range(2500))
    entries = known(opened)
    assert len(entries) == 2500
    assert lose(opened, *entries) == 2500
    assert visible(opened) == []
    assert find_again(opened, *entries) == 2500
    wanted = visible(opened)[::-1]
    assert [hit.face for hit in details(opened, *wanted)] == wanted


def test_details_come_in_the_order_asked_for_and_as_often(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)), file(b"b.jpg", photo(2)))
    assert [hit.face for hit in details(opened, 2, 1, 2)] == [2, 1, 2]
    assert details(opened) == []


def test_a_face_that_does_not_exist_is_named(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    with pytest.raises(FaceUnknown, match="no face 7 in this catalogue"):
        details(opened, 1, 7)


def test_the_faces_of_a_content_are_found_by_its_digest(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1, faces=2)), file(b"b.jpg", photo(2)))
    with opened[0].read() as session:
        assert faces.of_photo(session, digest(1)) == {1: box(1, 0), 2: box(1, 1)}
        assert faces.of_photo(session, digest(9)) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros(WIDTH - 1, dtype=np.float32),
        np.full(WIDTH, np.nan, dtype=np.float32),
        np.full(WIDTH, np.inf, dtype=np.float32),
    ],
)
def test_scores_of_the_wrong_number_or_that_are_no_numbers_are_refused_with_the_whole_batch(
    opened: Opened, wrong: np.ndarray
) -> None:
    face = FaceRecord(Box(1, 2, 3, 4), 0.7, np.zeros((5, 2), dtype=np.float32), wrong)
    bad = photos.PhotoRecord(digest(1), 1, Outcome.INDEXED, LOOKED, faces=(face,))
    with pytest.raises(ValueError, match="expected"):
        record(opened, file(b"fine.jpg", photo(2)), file(b"a.jpg", bad))
    assert counts(opened).files == 0


# Models


def switch(opened: Opened, letter: str) -> tuple[int, bool]:
    with opened[0].write() as session:
        model_id = models.register(session, scoring_model(letter))
        return model_id, models.serve_when_complete(session, model_id)


def rescore(opened: Opened, model_id: int, letter: str) -> int:
    with opened[0].write() as session:
        done = 0
        for waiting in faces.unscored(session, model_id):
            ids = [face_id for face_id, _ in waiting.faces]
            done += faces.record_scores(session, model_id, ids, np.stack([logits(face, 9, letter) for face in ids]))
        return done


def test_a_model_is_stored_once_and_comes_back_as_it_was(opened: Opened) -> None:
    with opened[0].write() as session:
        first, again = (models.register(session, scoring_model("c")) for _ in range(2))
        assert first == again
        back = models.load(session, first)
    model = scoring_model("c")
    assert (back.digest, back.attributes, back.metadata) == (model.digest, model.attributes, model.metadata)
    assert back.short == "c" * 12
    np.testing.assert_array_equal(back.profile_mean, model.profile_mean)
    np.testing.assert_array_equal(back.profile_matrix, model.profile_matrix)


def test_another_model_serves_only_when_it_has_scored_every_visible_face(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1, faces=2)), file(b"b.jpg", photo(2)), file(b"gone.jpg", photo(3)))
    lose(opened, b"gone.jpg")
    before = generation_of(opened)
    other, serves = switch(opened, "b")
    assert not serves
    with opened[0].read() as session:
        assert models.serving_id(session) == opened[2]
        assert faces.unscored_count(session, other) == 3
    np.testing.assert_array_equal(details(opened, 1)[0].logits, logits(1))
    with opened[0].write() as session:
        faces.record_scores(session, other, [1, 2, 3], np.stack([logits(face, 9, "b") for face in (1, 2, 3)]))
        assert generation.current(session) == before  # nothing that a search sees has changed yet
        assert models.serve_when_complete(session, other)
    assert generation_of(opened) == before + 1
    np.testing.assert_array_equal(details(opened, 1)[0].logits, logits(1, 9, "b"))


def test_the_former_models_scores_remain_and_can_be_asked_for(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    other, _ = switch(opened, "b")
    assert rescore(opened, other, "b") == 1
    assert switch(opened, "b") == (other, True)
    with opened[0].read() as session:
        (hit,) = faces.details(session, [1], model_id=opened[2])
    np.testing.assert_array_equal(hit.logits, logits(1))


def test_faces_to_score_again_come_with_the_files_to_read_them_from(opened: Opened) -> None:
    record(opened, file(b"b.jpg", photo(1, faces=2)), file(b"a.jpg", photo(1, faces=2)), file(b"c.jpg", photo(2)))
    record(opened, file(b"gone.jpg", photo(3)), file(b"none.jpg", photo(4, faces=0)))
    lose(opened, b"gone.jpg", b"b.jpg")
    other, _ = switch(opened, "b")
    with opened[0].read() as session:
        first, second, third = faces.unscored(session, other)
        assert faces.unscored(session, other, after=first.photo_id, limit=1) == [second]
    assert first.paths == (Path("/photos/a.jpg"),)
    assert first.faces == ((1, faces.FacePlace(box(1, 0))), (2, faces.FacePlace(box(1, 1))))
    assert third.paths == ()
    assert (second.sha256, third.sha256) == (digest(2), digest(3))


def test_scores_are_written_once(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    with opened[0].write() as session:
        assert faces.record_scores(session, opened[2], [1], logits(5)[None]) == 0
    np.testing.assert_array_equal(details(opened, 1)[0].logits, logits(1))


def test_a_face_scored_late_by_the_serving_model_counts_as_changed(opened: Opened) -> None:
    catalogue, _, model_id = opened
    record(opened, file(b"a.jpg", photo(1)))
    with catalogue.write() as session:
        session.execute(delete(Score))
    before = generation_of(opened)
    assert rescore(opened, model_id, "a") == 1
    assert generation_of(opened) == before + 1


def test_the_first_model_serves_at_once_and_its_faces_are_found_while_the_run_goes_on(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    with opened[0].read() as session:
        assert models.serving_id(session) == opened[2]


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


# One face in full


def in_full(opened: Opened, face_id: int) -> faces.FaceInFull:
    with opened[0].read() as session:
        return faces.in_full(session, face_id)


def test_a_face_in_full_comes_with_all_files_of_its_photo_and_those_that_are_gone(opened: Opened) -> None:
    taken = datetime(2019, 7, 4, 12, 30)
    content = replace(photo(3, faces=2), taken=taken, camera="Canon EOS 80D")
    record(opened, *(file(name, content) for name in (b"c.jpg", b"\xff.jpg", b"a.jpg", b"b.jpg")), file(b"x", photo(2)))
    lose(opened, b"b.jpg", b"a.jpg")
    found = in_full(opened, 2)
    face = found.face
    assert face.paths == (Path("/photos/c.jpg"), Path(os.fsdecode(b"/photos/\xff.jpg")))
    assert found.missing == (Path("/photos/a.jpg"), Path("/photos/b.jpg"))
    assert Box(face.x, face.y, face.width, face.height) == box(3, 1)
    assert (face.size, face.detection, face.sha256) == (max(face.width, face.height), 0.9, digest(3))
    assert (face.taken, face.camera) == (taken, "Canon EOS 80D")
    assert (found.photo_width, found.photo_height, found.photo_bytes, found.format) == (640, 480, 1003, "JPEG")
    assert found.model.digest == scoring_model().digest
    np.testing.assert_array_equal(face.logits, logits(3, 1))


def test_a_file_of_two_overlapping_folders_is_named_once(opened: Opened) -> None:
    catalogue, _, model_id = opened
    record(opened, file(b"sub/a.jpg", photo(1)))
    with catalogue.write() as session:
        inner = roots.add_root(session, "/photos/sub")
        photos.record(session, inner, [file(b"a.jpg", photo(1)), file(b"b.jpg", photo(1))], model_id=model_id)
    lose(opened, b"sub/a.jpg")
    found = in_full(opened, 1)
    assert (found.face.paths, found.missing) == ((Path("/photos/sub/b.jpg"),), (Path("/photos/sub/a.jpg"),))


def test_the_scores_in_full_are_those_of_the_model_that_serves(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    other, _ = switch(opened, "b")
    assert in_full(opened, 1).model.short == "a" * 12
    rescore(opened, other, "b")
    switch(opened, "b")
    found = in_full(opened, 1)
    assert found.model.short == "b" * 12
    assert not np.array_equal(found.face.logits, logits(1))


@pytest.mark.parametrize("number", [0, -1, 2, 10**6, 2**63 - 1, 2**63, -(2**63) - 1, 10**40])
def test_a_face_that_never_was_is_unknown_and_not_hidden(opened: Opened, number: int) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    for ask in (in_full, details):
        with pytest.raises(FaceUnknown, match=f"no face {number} in this catalogue") as raised:
            ask(opened, number)
        assert raised.type is FaceUnknown


def test_a_deleted_face_is_unknown(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)), file(b"b.jpg", photo(2)))
    with opened[0].write() as session:
        session.execute(delete(Score).where(Score.face_id == 1))
        session.execute(delete(Face).where(Face.id == 1))
    with pytest.raises(FaceUnknown, match="no face 1 in this catalogue"):
        in_full(opened, 1)


def test_a_hidden_face_is_refused_with_its_photo_until_the_photo_returns(opened: Opened) -> None:
    record(opened, file(b"a.jpg", photo(1)))
    lose(opened, b"a.jpg")
    with pytest.raises(FaceHidden, match=r"/photos/a\.jpg is gone"):
        in_full(opened, 1)
    find_again(opened, b"a.jpg")
    assert in_full(opened, 1).face.path == Path("/photos/a.jpg")


def test_a_face_that_only_a_model_in_waiting_has_scored_is_unscored(opened: Opened) -> None:
    catalogue, root_id, _ = opened
    record(opened, file(b"a.jpg", photo(1)))
    other, serves = switch(opened, "b")
    assert not serves
    with catalogue.write() as session:
        photos.record(session, root_id, [file(b"b.jpg", photo(2, letter="b"))], model_id=other)
    for ask in (in_full, details):
        with pytest.raises(FaceUnscored, match="Face 2 has no scores of the network in use yet"):
            ask(opened, 2)


def test_a_result_says_when_and_with_what_its_photo_was_taken(opened: Opened) -> None:
    taken = datetime(2019, 7, 4, 12, 30, 59)
    record(opened, file(b"a.jpg", replace(photo(1), taken=taken, camera="Canon")), file(b"b.jpg", photo(2)))
    first, second = details(opened, 1, 2)
    assert (first.taken, first.camera) == (taken, "Canon")
    assert (second.taken, second.camera) == (None, "")
