"""A snapshot of several parts: what is not written again, and that nobody can tell it from one part."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import snapshot
from db.catalogue import Catalogue, open_catalogue
from db.gallery import load_gallery, open_snapshot, snapshot_name
from db.segments import Omitting, Segments, joined
from db.snapshot import Condition, rebuild, state_of
from facesearch.custody import forgetting
from facesearch.search import description, similar
from facesearch.search.ranking import scan
from facesearch.search.ranking.profiles import encode
from facesearch.search.request import Request
from tests.support.catalogues import encode as encode_plainly
from tests.support.catalogues import index, new_catalogue
from tests.support.crowds import make_crowd, random_request
from tests.test_snapshot import all_logits, is_in_step, lose

pytestmark = pytest.mark.slow

Opened = tuple[Catalogue, int, int]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """Parts of 10 faces at most, of 4 at least, of which one may be out of date."""
    monkeypatch.setattr(snapshot, "OUTDATED_LIMIT", 0.1)
    monkeypatch.setattr(snapshot, "PART", 10)
    monkeypatch.setattr(snapshot, "SMALL", 4)
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    with catalogue:
        yield catalogue, root_id, model_id


def parts_of(catalogue: Catalogue) -> dict[str, list[int]]:
    """The faces that count in each part, by its name."""
    gallery = load_gallery(catalogue)
    assert gallery is not None
    with catalogue.read() as session:
        name = snapshot_name(session)
    assert name is not None
    parts = open_snapshot(catalogue.folder, name, gallery.model).parts
    return {part.folder.name: np.delete(part.columns.ids, part.outdated).tolist() for part in parts}


def folders(catalogue: Catalogue) -> set[str]:
    return {entry.name for entry in catalogue.folder.iterdir() if entry.is_dir()}


def test_many_faces_lie_in_parts_of_even_size(opened: Opened) -> None:
    index(*opened, range(23))
    assert rebuild(opened[0], encode_plainly)
    assert sorted(map(len, parts_of(opened[0]).values())) == [7, 8, 8]
    assert is_in_step(opened[0]) and state_of(opened[0]).condition is Condition.CURRENT
    assert state_of(opened[0]).faces == 23


def test_new_faces_get_a_part_of_their_own_and_small_ones_are_written_together(opened: Opened) -> None:
    index(*opened, range(20))
    rebuild(opened[0], encode_plainly)
    first = parts_of(opened[0])
    files = {path: path.stat() for name in first for path in (opened[0].folder / name).iterdir()}
    index(*opened, range(20, 22))
    rebuild(opened[0], encode_plainly)
    second = parts_of(opened[0])
    assert sorted(map(len, second.values())) == [2, 10, 10] and first.items() <= second.items()
    index(*opened, range(22, 25))
    rebuild(opened[0], encode_plainly)
    third = parts_of(opened[0])
    assert sorted(map(len, third.values())) == [5, 10, 10] and first.items() <= third.items()
    assert {path: path.stat() for path in files} == files, "not a byte of what was there is touched"
    assert is_in_step(opened[0])
    assert len(folders(opened[0])) == 4, "three parts and their list, and nothing of what went before"


def test_a_part_is_written_again_when_much_of_it_is_out_of_date(opened: Opened) -> None:
    index(*opened, range(20))
    rebuild(opened[0], encode_plainly)
    first = parts_of(opened[0])
    lose(opened, 0)
    rebuild(opened[0], encode_plainly)
    assert parts_of(opened[0]).keys() == first.keys(), "1 of 10 is out of date"
    assert sum(map(len, parts_of(opened[0]).values())) == 19 and is_in_step(opened[0])
    lose(opened, 1)
    rebuild(opened[0], encode_plainly)
    assert len(parts_of(opened[0]).keys() & first.keys()) == 1
    assert sum(map(len, parts_of(opened[0]).values())) == 18 and is_in_step(opened[0])


def test_what_was_forgotten_is_in_no_part(opened: Opened) -> None:
    index(*opened, range(20))
    rebuild(opened[0], encode_plainly)
    gallery = load_gallery(opened[0])
    assert gallery is not None
    doomed = all_logits(gallery)[gallery.face_ids.tolist().index(7)].tobytes()
    now = datetime.now(UTC)
    wanted = forgetting.Wanted((7,))
    forgetting.forget(opened[0], wanted, forgetting.plan(opened[0], wanted, now), now)
    assert not any(7 in faces for faces in parts_of(opened[0]).values())
    assert is_in_step(opened[0]) and len(parts_of(opened[0])) == 2
    columns = [np.load(path / "logits.npy") for path in opened[0].folder.iterdir() if (path / "logits.npy").exists()]
    assert all(row.tobytes() != doomed for rows in columns for row in np.ascontiguousarray(rows.T))


@pytest.mark.parametrize("file", ["logits.npy", "faces.npy", "profiles.faiss", "manifest.json", None])
def test_damage_in_one_part_costs_time_only_and_is_mended(opened: Opened, file: str | None) -> None:
    index(*opened, range(20))
    rebuild(opened[0], encode_plainly)
    index(*opened, range(20, 25))
    rebuild(opened[0], encode_plainly)
    with opened[0].read() as session:
        name = snapshot_name(session)
    part = sorted(parts_of(opened[0]))[1]
    path = opened[0].folder / part / file if file else opened[0].folder / str(name) / part
    data = bytearray(path.read_bytes() or b"x")
    data[-1] ^= 1
    path.write_bytes(data)
    assert is_in_step(opened[0])
    assert state_of(opened[0]).condition is Condition.DAMAGED
    assert rebuild(opened[0], encode_plainly, anew=True)
    assert is_in_step(opened[0]) and state_of(opened[0]).condition is Condition.CURRENT


def test_what_differs_from_the_tables_is_found_in_every_part(opened: Opened) -> None:
    index(*opened, range(20))
    rebuild(opened[0], encode_plainly)
    lose(opened, 3)
    index(*opened, range(20, 26))
    rebuild(opened[0], encode_plainly)
    assert snapshot.differing(opened[0], encode_plainly) == []
    with opened[0].connection(writing=True) as connection:
        connection.execute("UPDATE scores SET logits = zeroblob(160) WHERE face_id IN (2, 15, 22)")
        connection.execute("UPDATE faces SET hidden = 1 WHERE id = 9")
        connection.commit()
    assert snapshot.differing(opened[0], encode_plainly) == [2, 9, 15, 22]
    assert sorted(snapshot.kept_logits(opened[0], [2, 4, 22])) == [2, 22], "face 4 is lost since"


def test_a_snapshot_of_one_part_is_read_and_becomes_a_part_of_the_next(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "PART", 1000)
    index(*opened, range(30))
    rebuild(opened[0], encode_plainly)
    (former,) = folders(opened[0])
    monkeypatch.setattr(snapshot, "PART", 10)
    index(*opened, range(30, 36))
    rebuild(opened[0], encode_plainly)
    assert former in parts_of(opened[0]) and len(parts_of(opened[0])) == 2 and is_in_step(opened[0])


# ---- nobody can tell


@pytest.mark.parametrize("number", [100, pytest.param(1000, marks=pytest.mark.soak)])
def test_requests_have_the_answers_of_a_single_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Also where scans go over the parts in blocks, with rows that are out of date and faces behind the snapshot."""
    for name, size in (("CHUNK", 64), ("_BLOCK", 128), ("_SUPERBLOCK", 256), ("_FACES_A_THREAD", 300), ("_SLACK", 16)):
        monkeypatch.setattr(scan, name, size)
    with open_catalogue(make_crowd(tmp_path / "faces.db", 450)) as catalogue:
        rebuild(catalogue, encode)
        asked = [(random_request(seed), (None, 7, 40)[seed % 3]) for seed in range(number)]
        single = [answer(catalogue, request, top) for request, top in asked]
        nearest = [near(catalogue, face) for face in range(1, 101)]
        monkeypatch.setattr(snapshot, "PART", 170)
        monkeypatch.setattr(snapshot, "SMALL", 20)
        monkeypatch.setattr(snapshot, "OUTDATED_LIMIT", 0.1)
        rebuild(catalogue, encode, anew=True)
        touch(catalogue, range(5, 800, 60))
        rebuild(catalogue, encode)
        touch(catalogue, range(7, 800, 90))
        gallery = load_gallery(catalogue)
        assert gallery is not None and isinstance(gallery.probabilities(0, True), Segments)
        assert len(parts_of(catalogue)) > 5
        parted = [answer(catalogue, request, top) for request, top in asked]
        for (request, _), (found, expected), (before, expected_before) in zip(asked, parted, single, strict=True):
            assert found == before, str(request)
            assert expected == pytest.approx(expected_before, rel=1e-5)
        assert [near(catalogue, face) for face in range(1, 101)] == nearest


def answer(catalogue: Catalogue, request: Request, top: int | None) -> tuple[object, float]:
    """What was found, to the last bit; and how many are expected to fit, a sum in whatever order."""
    result = description.find(catalogue, request, top=top)
    hits = [(hit.face.face, hit.score) for hit in result.hits]
    return (hits, result.faces, result.behind, result.best), result.expected or 0.0


def near(catalogue: Catalogue, face: int) -> list[tuple[int, float]]:
    result = similar.nearest(catalogue, similar.indexed_faces(catalogue, [face]), Request(), top=9)
    return [(hit.face.face, hit.score) for hit in result.hits]


def touch(catalogue: Catalogue, faces: range) -> None:
    """Let these faces count as changed, though they are as before."""
    with catalogue.connection(writing=True) as connection:
        connection.execute("UPDATE state SET generation = generation + 1")
        ids = ", ".join(map(str, faces))
        connection.execute(f"UPDATE faces SET generation = (SELECT generation FROM state) WHERE id IN ({ids})")
        connection.commit()


# ---- segments


SLICES: list[Callable[[np.ndarray], object]] = [
    lambda a: a[:],
    lambda a: a[2:2],
    lambda a: a[1:3],
    lambda a: a[2:9],
    lambda a: a[4:],
    lambda a: a[-2:],
    lambda a: a[::3],
    lambda a: a[np.array([9, 0, 3, 3, -1])],
    lambda a: a[np.zeros(0, np.int64)],
    lambda a: a[np.arange(10) % 3 == 0],
    lambda a: a[5],
    lambda a: a >= 4,
    lambda a: np.isin(a, [1, 7]),
    lambda a: len(a),
    lambda a: a.tolist(),
    lambda a: 7 in a,
    lambda a: 70 in a,
    lambda a: list(a),
]


@pytest.mark.parametrize("number", range(len(SLICES)))
def test_segments_are_read_as_an_array_is(number: int) -> None:
    whole = np.arange(10)
    parts = [(whole[:3], Omitting(3)), (whole[3:3], Omitting(0)), (whole[3:8], Omitting(5)), (whole[8:], Omitting(2))]
    segments = joined(parts)
    assert isinstance(segments, Segments)
    np.testing.assert_array_equal(SLICES[number](segments), SLICES[number](whole))
    omitting = [
        (np.array([0, 99, 1, 2]), Omitting(4, np.array([1]))),
        (np.array([99, 3, 4, 99, 99, 5, 6, 7, 99]), Omitting(9, np.array([0, 3, 4, 8]))),
        (np.array([99]), Omitting(1, np.array([0]))),
        (np.array([8, 9]), Omitting(2)),
    ]
    np.testing.assert_array_equal(SLICES[number](joined(omitting)), SLICES[number](whole))


@given(st.integers(0, 30), st.sets(st.integers(0, 29)), st.integers(0, 30), st.integers(0, 30))
def test_omitted_rows_are_as_if_they_had_been_deleted(rows: int, out: set[int], start: int, stop: int) -> None:
    omitted = np.array(sorted(each for each in out if each < rows), np.int64)
    whole = np.arange(100, 100 + rows)
    expected, left = np.delete(whole, omitted), Omitting(rows, omitted)
    start, stop = min(start, len(left)), min(stop, len(left))
    np.testing.assert_array_equal(left.slice(whole, start, stop), expected[start:stop])
    np.testing.assert_array_equal(whole[left.places(np.arange(len(left)))], expected)
    np.testing.assert_array_equal(left.numbers(left.places(np.arange(len(left)))), np.arange(len(left)))
    mask = np.arange(len(left)) % 2 == 0
    spread = left.spread(mask)
    assert spread is not None
    np.testing.assert_array_equal(whole[spread], expected[mask])


def test_a_slice_within_a_segment_is_no_copy() -> None:
    whole = np.arange(10)
    segments = joined([(whole[:5], Omitting(5, np.array([2]))), (whole[5:], Omitting(5))])
    assert np.shares_memory(segments[2:4], whole) and np.shares_memory(segments[4:9], whole)
    assert joined([(whole, Omitting(10)), (whole[:0], Omitting(0))]) is whole
    with pytest.raises(IndexError):
        segments[np.array([9])]
