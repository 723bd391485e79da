"""Which network's scores are searched, and how those of another one take their place."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete

from db import faces, generation, models
from db.schema import Score
from tests.support.catalogues import (
    Opened,
    box,
    digest,
    file,
    logits,
    photo,
    scoring_model,
)
from tests.support.stored import details, generation_of, lose, record, rescore, switch

pytestmark = pytest.mark.slow


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
