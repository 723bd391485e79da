"""All that is known of one face, and why there is nothing to show of another."""

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete

from db import faces, photos, roots
from db.errors import FaceHidden, FaceUnknown, FaceUnscored
from db.photos import PhotoRecord
from db.schema import Face, Score
from db.values.box import Box
from tests.support.catalogues import (
    Opened,
    box,
    digest,
    file,
    logits,
    photo,
    scoring_model,
)
from tests.support.stored import (
    details,
    find_again,
    lose,
    record,
    rescore,
    switch,
)

pytestmark = pytest.mark.slow


# One face in full


def in_full(opened: Opened, face_id: int) -> faces.FaceInFull:
    with opened[0].read() as session:
        return faces.in_full(session, face_id)


def taken_with(content: PhotoRecord, taken: datetime, camera: str) -> PhotoRecord:
    return replace(content, facts=replace(content.facts, taken=taken, camera=camera))


def test_a_face_in_full_comes_with_all_files_of_its_photo_and_those_that_are_gone(opened: Opened) -> None:
    taken = datetime(2019, 7, 4, 12, 30)
    content = taken_with(photo(3, faces=2), taken, "Canon EOS 80D")
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
    record(opened, file(b"a.jpg", taken_with(photo(1), taken, "Canon")), file(b"b.jpg", photo(2)))
    first, second = details(opened, 1, 2)
    assert (first.taken, first.camera) == (taken, "Canon")
    assert (second.taken, second.camera) == (None, "")
