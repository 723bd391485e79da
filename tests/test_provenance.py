"""Which photos are behind, what a new look changes in the catalogue, and that a million photos do not slow it down."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event, select

from db import faces, generation, models, photos, provenance
from db.faces import Difference, FaceRecord
from db.photos import PhotoRecord, Relooked
from db.provenance import Group, Place, Provenance
from db.schema import Face
from db.values.box import Box
from db.values.photo import Outcome
from facesearch.vision.decode import DECODER
from facesearch.vision.detection import MODEL_SHA256, Look, detector_name
from facesearch.vision.versions import current, is_behind, may_replace
from tests.support.catalogues import (
    LOOKED,
    Opened,
    digest,
    failed,
    file,
    index,
    logits,
    photo,
    scoring_model,
)

YUNET = detector_name(MODEL_SHA256)
QUICK = detector_name(MODEL_SHA256, Look.QUICK)
NEWER = replace(LOOKED, detector="e" * 64)


def record(opened: Opened, content: PhotoRecord, *names: bytes, model_id: int | None = None) -> dict[str, Relooked]:
    catalogue, root_id, first = opened
    with catalogue.write() as session:
        files = [file(name, content) for name in names or (b"a.jpg",)]
        return photos.record(session, root_id, files, model_id=model_id or first).relooked


def looked(*boxes: Box, letter: str = "a", by: Provenance = NEWER) -> PhotoRecord:
    """Another look at the content number 1."""
    found = tuple(
        FaceRecord(box, 0.8, np.ones((5, 2), np.float32), logits(1, 50 + number, letter))
        for number, box in enumerate(boxes)
    )
    return replace(photo(1), outcome=Outcome.INDEXED if found else Outcome.NO_FACE, provenance=by, faces=found)


def rows(opened: Opened) -> dict[int, tuple[float, bool, bool]]:
    """Left edge, whether hidden and whether unfound, of every face."""
    with opened[0].read() as session:
        found = session.execute(select(Face).order_by(Face.id)).scalars()
        return {face.id: (face.x, face.hidden, face.unfound) for face in found}


def number(opened: Opened) -> int:
    with opened[0].read() as session:
        return generation.current(session)


A, B, C = Box(0, 0, 100, 100), Box(200, 0, 100, 100), Box(400, 0, 100, 100)


# What a new look changes


def test_ids_go_to_the_faces_that_are_found_again_and_new_ones_to_the_others(opened: Opened) -> None:
    record(opened, looked(A, B))
    change = record(opened, looked(C, Box(210, 5, 100, 100)))[digest(1)]
    assert change.difference == Difference(gained=1, lost=1) and change.after is Outcome.INDEXED
    assert rows(opened) == {1: (0, True, True), 2: (210, False, False), 3: (400, False, False)}


def test_looks_in_one_transaction_follow_each_other(opened: Opened) -> None:
    catalogue, root_id, model_id = opened
    with catalogue.write() as session:
        for look in (looked(A, B), looked(Box(30, 0, 100, 100)), looked(Box(60, 0, 100, 100), B)):
            photos.record(session, root_id, [file(b"a.jpg", look)], model_id=model_id)
            kept = list(session.execute(select(Face)).scalars())  # which keeps the session from forgetting them
    assert len(kept) == 2
    assert rows(opened) == {1: (60, False, False), 2: (200, False, False)}


def test_a_face_that_was_not_found_once_comes_back_and_never_takes_the_place_of_another(opened: Opened) -> None:
    record(opened, looked(A))
    record(opened, looked(B))
    record(opened, looked(Box(50, 0, 100, 100), B))  # too far from the first
    assert rows(opened)[3] == (50, False, False)
    change = record(opened, looked(Box(10, 0, 100, 100)))[digest(1)]  # nearer to the first, which was unfound
    assert rows(opened) == {1: (0, True, True), 2: (200, True, True), 3: (10, False, False)}
    assert change.difference == Difference(gained=0, lost=1)
    record(opened, looked(A, Box(35, 0, 80, 100), B))
    assert {face for face, (_, hidden, _) in rows(opened).items() if not hidden} == {1, 2, 3}


def test_what_is_as_before_counts_as_unchanged(opened: Opened) -> None:
    record(opened, looked(A, B))
    before = number(opened)
    assert record(opened, looked(A, B, by=LOOKED))[digest(1)].difference == Difference(0, 0)
    assert number(opened) == before
    record(opened, looked(A, Box(201, 0, 100, 100)))
    assert number(opened) == before + 1
    with opened[0].read() as session:
        assert list(session.execute(select(Face.generation).order_by(Face.id)).scalars()) == [before, before + 1]


def test_a_look_that_fails_changes_nothing_but_notes_why_with_every_file(opened: Opened) -> None:
    record(opened, looked(A), b"a.jpg", b"b.jpg")
    before = number(opened), rows(opened)
    (change,) = record(opened, failed(1, retry=False, reason="torn"), b"a.jpg").values()
    assert change.kept and change.retry
    assert (number(opened), rows(opened)) == before
    with opened[0].read() as session:
        known = photos.known_photos(session, [digest(1)])[digest(1)]
        assert known.outcome is Outcome.INDEXED and provenance.known(session)[known.provenance_id] == NEWER
        assert [(each.reason, each.retry) for each in photos.failures(session)] == [("torn", True)] * 2
    record(opened, looked(A), b"a.jpg", b"b.jpg")
    with opened[0].read() as session:
        assert photos.failures(session) == []


def test_a_failure_that_fails_for_another_reason_says_the_new_one(opened: Opened) -> None:
    record(opened, failed(1, retry=False, reason="torn"))
    (change,) = record(opened, replace(failed(1, retry=False, reason="empty"), provenance=NEWER)).values()
    assert not change.kept and (change.before.reason, change.reason) == ("torn", "empty")
    with opened[0].read() as session:
        known = photos.known_photos(session, [digest(1)])[digest(1)]
        assert (known.reason, provenance.known(session)[known.provenance_id]) == ("empty", NEWER)


def test_the_serving_network_keeps_its_scores_of_a_moved_face_until_the_new_one_is_complete(opened: Opened) -> None:
    catalogue, _, first = opened
    record(opened, looked(A, B))
    with catalogue.write() as session:
        second = models.register(session, scoring_model("b"))
    record(opened, looked(Box(8, 0, 100, 100), letter="b"), model_id=second)
    with catalogue.write() as session:
        assert models.serve_when_complete(session, second), "the other face is unfound, and nobody waits for it"
        assert faces.unscored_count(session, first) == 1, "what it said of the former place is stale"
        assert faces.unsearchable_count(session, first) == 0
        assert models.serve_when_complete(session, first) is False
        (waiting,) = faces.unscored(session, first)
        assert [(face, place.box.x) for face, place in waiting.faces] == [(1, 8)]
        faces.record_scores(session, first, [1], logits(7)[None])
        assert faces.unscored(session, first) == []
        assert models.serve_when_complete(session, first)
    with catalogue.read() as session:
        np.testing.assert_array_equal(faces.details(session, [1])[0].logits, logits(7))


# What is behind


def behind(opened: Opened, *groups: Group, places: list[Place] | None = None) -> list[str]:
    with opened[0].read() as session:
        return [
            each.sha256
            for group in groups
            for each in provenance.behind(session, group, [Place(opened[1])] if places is None else places)
        ]


def groups_of(opened: Opened, is_behind: Callable[[Provenance, Outcome], bool]) -> frozenset[Group]:
    with opened[0].read() as session:
        return provenance.groups(session, is_behind)


def test_photos_are_found_by_provenance_outcome_and_place(opened: Opened) -> None:
    record(opened, photo(1), b"a/1.jpg", b"b/1.jpg")
    record(opened, photo(2, faces=0), b"a/2.jpg")
    record(opened, replace(photo(3), provenance=NEWER), b"a/3.jpg")
    record(opened, photo(4), b"a0.jpg")
    (group,) = groups_of(opened, lambda each, outcome: (each, outcome) == (LOOKED, Outcome.INDEXED))
    assert behind(opened, group) == [digest(1), digest(4)]
    assert behind(opened, group, places=[Place(opened[1], b"a")]) == [digest(1)]
    assert behind(opened, group, places=[Place(opened[1], b"c"), Place(opened[1] + 1)]) == []
    many = [Place(opened[1], b"%d" % each) for each in range(1000)]
    assert behind(opened, group, places=many) == [digest(1), digest(4)], "so many conditions mean the whole root"
    with opened[0].read() as session:
        assert provenance.behind_count(session, [group]) == 2
        (first, _) = provenance.behind(session, group, [Place(opened[1], b"a")]) * 2
    assert [each.path for each in first.files] == [b"a/1.jpg"]


def test_asking_for_some_photos_leaves_the_others_and_is_over_once_they_were_looked_at(opened: Opened) -> None:
    record(opened, photo(1), b"a/1.jpg")
    record(opened, photo(2), b"b/2.jpg")
    with opened[0].write() as session:
        for _ in range(2):
            provenance.ask_again(session, [Place(opened[1], b"a")], lambda _, outcome: outcome is Outcome.INDEXED)
        assert set(provenance.known(session).values()) == {LOOKED, replace(LOOKED, again=True)}
    asked = groups_of(opened, lambda each, _: each.again)
    assert behind(opened, *sorted(asked)) == [digest(1)]
    record(opened, photo(1), b"a/1.jpg")
    assert behind(opened, *sorted(asked)) == []


def statements(run: Callable[[], object]) -> list[tuple[str, Any]]:
    seen: list[tuple[str, Any]] = []

    def note(_c: object, _k: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        run()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return seen


@pytest.mark.parametrize("places", [None, [Place(1)], [Place(1, b"sub"), Place(2)]], ids=["all", "root", "folders"])
def test_of_a_million_photos_only_those_that_are_behind_are_visited(opened: Opened, places: list[Place] | None) -> None:
    catalogue, root_id, model_id = opened
    index(catalogue, root_id, model_id, range(20))
    (group,) = groups_of(opened, lambda _, outcome: outcome is Outcome.INDEXED)

    def ask() -> None:
        with catalogue.read() as session:
            provenance.behind_count(session, [group], places)
            if places is not None:
                provenance.behind(session, group, places, after=3, limit=5)

    with sqlite3.connect(catalogue.path) as connection:
        plans = [
            [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            for statement, parameters in statements(ask)
        ]
    assert len(plans) == (1 if places is None else 3)
    for plan in plans[:2]:
        assert "ix_photos_provenance (provenance_id=? AND outcome=?" in plan[0]
    for plan in plans:
        assert any("ix_files_photo_id (photo_id=?)" in step for step in plan)
        assert not any("SCAN photos" in step or "SCAN files" in step for step in plan)
    if places is not None:
        assert "rowid>?" in plans[1][0] and not any("ORDER BY" in step for step in plans[1]), "without being sorted"


# Whether a version is behind


@pytest.mark.parametrize(
    ("former", "outcome", "expected"),
    [
        (Provenance(f"{DECODER} Pillow 1.1.7", YUNET), Outcome.INDEXED, False),
        (Provenance(f"{DECODER} Pillow 1.1.7", YUNET), Outcome.NO_FACE, False),
        (Provenance(f"{DECODER} Pillow 1.1.7"), Outcome.FAILED, True),
        (Provenance("0", YUNET), Outcome.INDEXED, True),
        (Provenance(f"{DECODER}", YUNET.partition("/")[0]), Outcome.NO_FACE, True),
        (Provenance(f"{DECODER}", YUNET.partition("/")[0]), Outcome.INDEXED, True),
        (Provenance(f"{DECODER}", QUICK), Outcome.INDEXED, True),
        (Provenance(f"{DECODER}", YUNET, again=True), Outcome.INDEXED, True),
    ],
)
def test_a_photo_is_behind_when_a_newer_version_can_do_better(
    former: Provenance, outcome: Outcome, expected: bool
) -> None:
    assert is_behind(former, outcome, current(YUNET)) is expected


@pytest.mark.parametrize("outcome", Outcome)
def test_what_this_version_has_looked_at_is_not_behind(outcome: Outcome) -> None:
    for detector in (YUNET, QUICK):
        assert not is_behind(current(detector), outcome, current(detector))
        assert not is_behind(replace(current(detector), detector=None), outcome, current(detector))


def test_a_quick_look_replaces_quick_looks_and_failures_only() -> None:
    old = YUNET.partition("/")[0]
    for former in (Provenance("0", old), Provenance("0", old, again=True), Provenance("0", "another")):
        assert not may_replace(former, Outcome.INDEXED, current(QUICK))
        assert not is_behind(former, Outcome.NO_FACE, current(QUICK))
        assert is_behind(former, Outcome.FAILED, current(QUICK))
    assert is_behind(Provenance("0", f"{old}/1 quick"), Outcome.INDEXED, current(QUICK))
