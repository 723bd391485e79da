"""What becomes of files, contents, faces and scores from one batch to the next."""

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, select

from db import faces, photos
from db.arrays import unpack
from db.errors import FaceUnknown
from db.faces import FaceRecord
from db.photos import Counts, FileRecord, Unreadable
from db.schema import Face
from db.values.box import Box
from db.values.photo import Outcome
from tests.support.catalogues import (
    LOOKED,
    WIDTH,
    Opened,
    box,
    digest,
    failed,
    file,
    index,
    logits,
    photo,
)
from tests.support.stored import (
    details,
    find_again,
    generation_of,
    known,
    lose,
    record,
    visible,
)

pytestmark = pytest.mark.slow


def counts(opened: Opened) -> Counts:
    with opened[0].read() as session:
        return photos.counts(session)


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
