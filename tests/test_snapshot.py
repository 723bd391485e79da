"""Snapshots never change what a search finds: not when they are old, damaged, missing or half-written."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text

from db import faces, models, photos, snapshot
from db.arrays import Floats, unpack
from db.catalogue import open_catalogue
from db.errors import CatalogueDamaged
from db.snapshot import Condition, Gallery, due, load_gallery, rebuild, state_of
from tests.support.catalogues import WIDTH, Opened, encode, index, logits, new_catalogue, scoring_model
from tests.support.powers import names_of_any_bytes
from tests.support.snapshots import (
    FILES,
    agrees,
    all_logits,
    entries_beside,
    folder_of,
    is_in_step,
    lose,
    searched,
    truth,
)

pytestmark = pytest.mark.slow


PROJECT = Path(__file__).parent.parent


def find_again(opened: Opened, *numbers: int) -> None:
    with opened[0].write() as session:
        entries = photos.files_of_root(session, opened[1])
        photos.mark_present(session, [entries[b"%d.jpg" % number].id for number in numbers])


def switch(opened: Opened, letter: str) -> None:
    """Score everything with another model and let it serve."""
    with opened[0].write() as session:
        model_id = models.register(session, scoring_model(letter))
        for waiting in faces.unscored(session, model_id, limit=10000):
            ids = [face_id for face_id, _ in waiting.faces]
            faces.record_scores(session, model_id, ids, np.stack([logits(face, 9, letter) for face in ids]))
        assert models.serve_when_complete(session, model_id)


def test_before_a_model_serves_there_is_nothing_to_search(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
        assert load_gallery(catalogue) is None
        assert state_of(catalogue).condition is Condition.EMPTY
        assert not due(catalogue)
        assert not rebuild(catalogue, encode)


def test_a_catalogue_without_faces_has_an_empty_gallery_and_needs_no_snapshot(opened: Opened) -> None:
    gallery = searched(opened[0])
    assert len(gallery) == 0
    assert all_logits(gallery).shape == (0, WIDTH)
    assert gallery.detections.shape == gallery.sizes.shape == (0,)
    assert gallery.logits(3).shape == (0,)
    assert gallery.nearest(encode(logits(1)[None], gallery.model)[0], 3, None, encode)[0].shape == (0,)
    assert not due(opened[0])
    assert not rebuild(opened[0], encode)
    assert entries_beside(opened[0]) == []


@pytest.mark.parametrize("damaged", [False, True])
def test_when_all_faces_have_left_there_is_nothing_to_hold_and_nothing_is_due(opened: Opened, damaged: bool) -> None:
    index(*opened, range(5))
    assert rebuild(opened[0], encode)
    if damaged:
        (folder_of(opened[0]) / "manifest.json").unlink()
    lose(opened, *range(5))
    assert state_of(opened[0]).condition is Condition.EMPTY
    assert not due(opened[0])
    assert len(searched(opened[0])) == 0


def test_without_a_snapshot_everything_comes_from_the_tables(opened: Opened) -> None:
    index(*opened, range(20), faces=2)
    assert is_in_step(opened[0])
    assert str(state_of(opened[0])) == "missing"
    assert due(opened[0])


def test_a_snapshot_holds_what_the_tables_hold_and_is_readable_by_its_owner_only(opened: Opened) -> None:
    index(*opened, range(20), faces=2)
    before = os.umask(0)
    try:
        assert rebuild(opened[0], encode)
    finally:
        os.umask(before)
    assert is_in_step(opened[0])
    assert str(state_of(opened[0])) == "current"
    assert not due(opened[0])
    folder = folder_of(opened[0])
    assert sorted(entry.name for entry in folder.iterdir()) == FILES
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(opened[0].folder.stat().st_mode) == 0o700


def test_faces_added_hidden_and_restored_since_the_snapshot_are_merged(opened: Opened) -> None:
    index(*opened, range(100))
    lose(opened, 7, 8)
    rebuild(opened[0], encode)
    index(*opened, range(100, 103))
    lose(opened, 3, 101)
    find_again(opened, 7)
    assert is_in_step(opened[0])
    assert str(state_of(opened[0])) == "stale by 5 faces"
    lose(opened, 3)
    find_again(opened, 3)
    assert is_in_step(opened[0])


def test_a_snapshot_is_due_when_more_than_a_twentieth_of_it_is_outdated(opened: Opened) -> None:
    index(*opened, range(100))
    rebuild(opened[0], encode)
    index(*opened, range(100, 105))
    assert not due(opened[0])
    index(*opened, [105])
    assert due(opened[0])


def test_a_snapshot_that_most_faces_have_outgrown_is_left_aside(opened: Opened) -> None:
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:  # noqa: ARG001
        statements.append(statement)

    index(*opened, range(3))
    rebuild(opened[0], encode)
    index(*opened, range(3, 2000))
    event.listen(Engine, "before_cursor_execute", note)
    try:
        searched(opened[0])
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert not any("face_id IN" in statement for statement in statements), "one scan instead of many look-ups"
    assert is_in_step(opened[0])


def test_hiding_everything_leaves_an_empty_gallery(opened: Opened) -> None:
    index(*opened, range(5))
    rebuild(opened[0], encode)
    lose(opened, *range(5))
    gallery = searched(opened[0])
    assert len(gallery) == 0
    assert gallery.nearest(encode(logits(1)[None], gallery.model)[0], 3, None, encode)[0].shape == (0,)


def test_a_gallery_stays_as_it_was_whatever_is_written_later(opened: Opened) -> None:
    index(*opened, range(30))
    rebuild(opened[0], encode)
    expected, gallery = truth(opened[0]), searched(opened[0])
    lose(opened, 1)
    index(*opened, range(30, 90))
    rebuild(opened[0], encode)
    assert agrees(gallery, expected)


def test_a_new_snapshot_replaces_the_older_one_and_what_a_crash_left(opened: Opened) -> None:
    index(*opened, range(10))
    rebuild(opened[0], encode)
    (opened[0].folder / ("building-" + "0" * 32)).mkdir()
    (opened[0].folder / ("f" * 32)).mkdir()
    (opened[0].folder / "not ours").mkdir()
    (opened[0].folder / "notes.txt").write_text("mine")
    index(*opened, range(10, 20))
    rebuild(opened[0], encode)
    entries = entries_beside(opened[0])
    assert len(entries) == 3
    assert {"not ours", "notes.txt"} < set(entries)


def test_the_scores_of_a_newly_serving_model_are_used_and_the_former_models_snapshot_is_not(opened: Opened) -> None:
    index(*opened, range(30))
    rebuild(opened[0], encode)
    switch(opened, "b")
    assert searched(opened[0]).model.short == "b" * 12
    assert is_in_step(opened[0])
    assert str(state_of(opened[0])) == "missing"
    rebuild(opened[0], encode)
    assert is_in_step(opened[0])
    assert len(entries_beside(opened[0])) == 1
    switch(opened, "a")
    assert is_in_step(opened[0])


@pytest.mark.parametrize(
    "moment",
    ["encode", "write_array_header_1_0", "write_index", "dumps", "rename", "flush_folder", "_register", "rmtree"],
)
def test_a_process_killed_at_any_step_of_building_leaves_a_catalogue_in_step(opened: Opened, moment: str) -> None:
    index(*opened, range(100))
    rebuild(opened[0], encode)
    code = f"""
import os, signal, sys
from db import snapshot
from db.catalogue import open_catalogue
from tests.support.catalogues import encode, index

catalogue = open_catalogue(sys.argv[1])
index(catalogue, 1, 1, range(100, 300))
seen = []

def die(frame, event, argument):
    if frame.f_code.co_name == "_build":
        seen.append(1)
    if seen and event == "call" and frame.f_code.co_name == {moment!r}:
        os.kill(os.getpid(), signal.SIGKILL)

sys.setprofile(die)
snapshot.rebuild(catalogue, encode)
"""
    ended = subprocess.run([sys.executable, "-c", code, opened[0].path], env={**os.environ, "PYTHONPATH": str(PROJECT)})
    assert ended.returncode == -signal.SIGKILL
    assert len(searched(opened[0])) == 300
    assert is_in_step(opened[0])
    assert rebuild(opened[0], encode)
    assert state_of(opened[0]).condition is Condition.CURRENT
    assert len(entries_beside(opened[0])) == 1


BUILD_SLOWLY = """
import sys
from db import snapshot
from db.catalogue import open_catalogue
from tests.support.catalogues import encode

def waiting(values, model):
    print("building", flush=True)
    sys.stdin.read()
    return encode(values, model)

with open_catalogue(sys.argv[1]) as catalogue:
    assert snapshot.rebuild(catalogue, waiting)
"""


def test_while_one_process_builds_another_does_not_and_both_search(opened: Opened) -> None:
    index(*opened, range(50))
    other = subprocess.Popen(
        [sys.executable, "-c", BUILD_SLOWLY, opened[0].path],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "building\n"
    assert not rebuild(opened[0], encode)
    index(*opened, range(50, 60))  # written after the moment that the other's snapshot stands for
    lose(opened, 5)
    assert is_in_step(opened[0])
    other.communicate()
    assert other.returncode == 0
    assert is_in_step(opened[0])
    assert str(state_of(opened[0])) == "stale by 11 faces"


# The nearest profiles


def brute_force(gallery: Gallery, probe: Floats, k: int, allowed: np.ndarray | None) -> list[int]:
    exact = (encode(all_logits(gallery), gallery.model).astype(np.float64) * probe.astype(np.float64)).sum(axis=1)
    order = np.lexsort((gallery.face_ids, -exact.astype(np.float32)))
    if allowed is not None:
        order = order[allowed[order]]
    return [int(face_id) for face_id in gallery.face_ids[order[:k]]]


@pytest.mark.parametrize("with_snapshot", [False, True])
@pytest.mark.parametrize("k", [1, 3, 60, 10**6])
def test_the_nearest_are_exact_and_among_the_allowed(opened: Opened, with_snapshot: bool, k: int) -> None:
    index(*opened, range(150))
    if with_snapshot:
        rebuild(opened[0], encode)
    index(*opened, range(150, 200))
    lose(opened, 20, 160)
    gallery = searched(opened[0])
    probe = encode(logits(77)[None], gallery.model)[0]
    generator = np.random.default_rng(5)
    for allowed in (None, generator.random(len(gallery)) < 0.3, np.zeros(len(gallery), dtype=np.bool_)):
        rows, cosines = gallery.nearest(probe, k, allowed, encode)
        assert gallery.face_ids[rows].tolist() == brute_force(gallery, probe, k, allowed)
        assert (np.diff(cosines) <= 0).all()
        assert rows.dtype == np.int64
        assert cosines.dtype == np.float32


def test_equal_profiles_come_in_order_of_face_id_wherever_they_stand(opened: Opened) -> None:
    catalogue, root_id, model_id = opened
    index(catalogue, root_id, model_id, range(40))

    def make_equal() -> None:
        with catalogue.write() as session:
            session.execute(text("UPDATE scores SET logits = (SELECT logits FROM scores WHERE face_id = 1)"))

    make_equal()
    rebuild(catalogue, encode)
    index(catalogue, root_id, model_id, range(40, 60))
    make_equal()
    lose(opened, 0, 2)
    find_again(opened, 2)  # the oldest face stands among the newest now
    gallery = searched(catalogue)
    probe = encode(logits(0)[None], gallery.model)[0]
    rows, cosines = gallery.nearest(probe, 10, None, encode)
    assert gallery.face_ids[rows].tolist() == list(range(2, 12))
    assert len(set(cosines.tolist())) == 1


@pytest.mark.parametrize(("probe", "k"), [(np.zeros(3), 5), (np.full(WIDTH, np.nan), 5), (np.full(WIDTH, 1.0), 0)])
def test_a_probe_that_is_no_profile_is_refused(opened: Opened, probe: np.ndarray, k: int) -> None:
    index(*opened, range(3))
    with pytest.raises(ValueError, match="expected"):
        searched(opened[0]).nearest(probe.astype(np.float32), k, None, encode)


@names_of_any_bytes
def test_a_catalogue_with_a_name_that_is_no_utf_8_has_snapshots_too(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(Path(os.fsdecode(os.fsencode(tmp_path) + b"/f\xff.db")))
    with catalogue:
        index(catalogue, root_id, model_id, range(20))
        assert rebuild(catalogue, encode)
        assert state_of(catalogue).condition is Condition.CURRENT
        assert is_in_step(catalogue)


STEPS = st.one_of(
    st.tuples(st.just("index"), st.sets(st.integers(0, 12), min_size=1, max_size=4)),
    st.tuples(st.just("lose"), st.sets(st.integers(0, 12), min_size=1, max_size=4)),
    st.tuples(st.just("find"), st.sets(st.integers(0, 12), min_size=1, max_size=4)),
    st.tuples(st.just("model"), st.sampled_from("abc")),
    st.tuples(st.just("rebuild"), st.just(None)),
)


@pytest.mark.parametrize("most", [snapshot.PART, 3])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=10))
def test_whatever_happens_in_whatever_order_the_gallery_says_what_the_tables_say(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    steps: list[tuple[str, object]],
) -> None:
    """most: faces of a part."""
    if most < snapshot.SMALL:
        monkeypatch.setattr(snapshot, "PART", most)
        monkeypatch.setattr(snapshot, "SMALL", 2)
        monkeypatch.setattr(snapshot, "OUTDATED_LIMIT", 0.4)
    catalogue, root_id, _ = new_catalogue(tmp_path_factory.mktemp("steps") / "faces.db")
    opened = (catalogue, root_id, 1)
    with catalogue:
        for kind, argument in steps:
            match kind, argument:
                case "index", set(numbers):
                    with catalogue.read() as session:
                        serving = models.serving_id(session)
                    assert serving is not None
                    index(catalogue, root_id, serving, sorted(numbers))
                case "lose" | "find", set(numbers):
                    with catalogue.read() as session:
                        known = photos.files_of_root(session, root_id)
                    there = [number for number in sorted(numbers) if b"%d.jpg" % number in known]
                    (lose if kind == "lose" else find_again)(opened, *there)
                case "model", str(letter):
                    switch(opened, letter)
                case _:
                    snapshot.rebuild(catalogue, encode)
            assert is_in_step(catalogue)


def test_arrays_of_the_wrong_length_in_the_tables_are_damage_and_not_a_result(opened: Opened) -> None:
    index(*opened, range(3))
    with opened[0].write() as session:
        session.execute(text("UPDATE scores SET logits = x'00' WHERE face_id = 2"))
    with pytest.raises(CatalogueDamaged, match="wrong number of scores"):
        load_gallery(opened[0])
    with pytest.raises(CatalogueDamaged, match="wrong length"):
        unpack(b"\0" * 5, (1,))
