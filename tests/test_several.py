"""Several catalogues that are asked as one: the order of one search, and none that is silently missing."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import facesearch as front_door
from db.audit import Entry, entries
from db.catalogue import open_catalogue
from facesearch.errors import RequestError
from facesearch.search import description
from facesearch.search.request import Request
from facesearch.search.several import Catalogues, FaceReference, open_all, search
from tests.conftest import Program
from tests.support.crowds import make_crowd, random_request
from tests.support.squares import album, index


@pytest.fixture(scope="module")
def crowds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three catalogues of one network, the last of them an exact copy of the first, so that every hit of it ties."""
    folder = tmp_path_factory.mktemp("crowds")
    return [
        make_crowd(folder / "a.db", 150, seed=1),
        make_crowd(folder / "b.db", 250, seed=2),
        make_crowd(folder / "c.db", 150, seed=1),
    ]


@pytest.fixture
def among(crowds: list[Path]) -> Iterator[Catalogues]:
    with open_all(crowds) as opened:
        yield opened


def logged(catalogue: Path) -> list[Entry]:
    with open_catalogue(catalogue) as opened, opened.read() as session:
        return list(entries(session))


@pytest.mark.slow
def test_the_hits_stand_as_those_of_one_catalogue_would(among: Catalogues, crowds: list[Path]) -> None:
    """By what one search orders them by, equal ones by catalogue and then by number; nothing is lost or added."""
    found = 0
    for seed in range(60):
        request = random_request(seed)
        top = [None, 5, 40][seed % 3]
        apart = [description.find(each, request, top=None) for each in among.opened]
        expected = sorted(
            (place, number, hit.face.face, hit.score)
            for number, result in enumerate(apart)
            for place, hit in zip(description.places(request, result), result.hits, strict=True)
        )[:top]
        result = search(among, request, top=top)
        hits = [(crowds.index(hit.catalogue or Path()), hit.face.face, hit.score) for hit in result.hits]
        assert hits == [each[1:] for each in expected], str(request)
        assert [hit.rank for hit in result.hits] == list(range(1, len(hits) + 1))
        assert result.faces == sum(each.faces for each in apart)
        assert result.behind == sum(each.behind for each in apart)
        assert result.expected == pytest.approx(sum(each.expected or 0 for each in apart))
        found += len(hits)
    assert found > 1_500


@pytest.mark.slow
def test_places_are_those_in_which_a_search_puts_its_hits(crowds: list[Path]) -> None:
    with open_catalogue(crowds[1]) as catalogue:
        for seed in range(60):
            request = random_request(seed)
            result = description.find(catalogue, request, top=None)
            keys = list(zip(description.places(request, result), (hit.face.face for hit in result.hits), strict=True))
            assert keys == sorted(keys), str(request)


def test_csv_json_and_tables_say_in_which_catalogue_a_face_is(facesearch: Program, crowds: list[Path]) -> None:
    named = [each for path in crowds[:2] for each in ("--catalogue", path)]
    ran = facesearch("search", "man, bald", "--csv", "-", "--top", "9", *named)
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert ran.code == 0 and list(rows[0])[-1] == "catalogue"
    assert {row["catalogue"] for row in rows} == {str(path) for path in crowds[:2]}
    found = json.loads(facesearch("search", "man, bald", "--json", *named).out)
    assert [list(hit)[-1] for hit in found["hits"]] == ["catalogue"] * 20
    assert [each["catalogue"] for each in found["catalogues"]] == [str(path) for path in crowds[:2]]
    assert all(each["searched"] and each["audit"]["row"] for each in found["catalogues"])
    table = facesearch("search", "man, bald", *named).out
    assert "catalogue" in table.splitlines()[0] and "a.db" in table and "b.db" in table
    alone = facesearch("search", "man, bald", "--csv", "-", "--catalogue", crowds[0]).out
    assert "catalogue" not in alone.splitlines()[0]


def test_each_catalogue_keeps_a_row_with_its_own_faces_under_one_digest(facesearch: Program, tmp_path: Path) -> None:
    paths = [make_crowd(tmp_path / f"{name}.db", 40, seed=number) for number, name in enumerate("ab")]
    page = tmp_path / "sheet.html"
    named = [each for path in paths for each in ("--catalogue", path)]
    shown = json.loads(facesearch("search", "man, bald", "--json", "--html", page, *named).out)["hits"]
    digests = set()
    for path in paths:
        row, export = logged(path)[-2:]
        own = [hit["face"] for hit in shown if hit["catalogue"] == str(path)]
        assert row.kind == "search" and row.payload is not None and export.payload is not None
        assert [face for face, _ in row.payload["faces"]] == own == export.payload["faces"]
        assert row.payload["catalogues"] == list(map(str, paths)) and export.payload["of"] == row.sequence
        digests.add(row.payload["request"])
    assert len(digests) == 1
    assert all(f"catalogue {path}" in page.read_text() for path in paths)


# ---- none is silently missing


def test_a_catalogue_that_cannot_be_searched_is_named_and_the_answer_is_partial(
    facesearch: Program, crowds: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database at all")
    named = [each for path in (crowds[0], broken, tmp_path / "none.db") for each in ("--catalogue", path)]
    ran = facesearch("search", "man", *named)
    assert ran.code == 5 and "1 of 3 catalogues were searched" in ran.err
    assert "broken.db was not" in ran.err and "none.db was not" in ran.err
    assert "man" in ran.out
    record = json.loads(facesearch("search", "man", "--json", *named).out)
    assert [each["searched"] for each in record["catalogues"]] == [True, False, False]
    assert any("1 of 3 catalogues" in each for each in record["remarks"])
    similar = facesearch("similar", "--face", "a.db:3", *named)
    assert similar.code == 5 and "1 of 3 catalogues were searched" in similar.err
    status = facesearch("status", *named)
    assert status.code == 5 and status.err.count("Not shown: ") == 2 and "Photos" in status.out


def test_where_none_can_be_searched_it_is_an_error(facesearch: Program, tmp_path: Path) -> None:
    named = [each for name in "ab" for each in ("--catalogue", tmp_path / f"{name}.db")]
    assert facesearch("search", "man", *named).code == 3


def test_an_empty_catalogue_is_said_and_takes_nothing_from_the_answer(
    facesearch: Program, crowds: list[Path], tmp_path: Path
) -> None:
    open_catalogue(tmp_path / "empty.db", create=True).close()
    ran = facesearch("search", "man", "--catalogue", crowds[0], "--catalogue", tmp_path / "empty.db")
    assert ran.code == 0 and "empty.db: No face is indexed yet" in ran.err


def test_catalogues_of_two_networks_are_refused_with_the_list(
    facesearch: Program, crowds: list[Path], tmp_path: Path
) -> None:
    other = make_crowd(tmp_path / "other.db", 5, name="another network")
    named = ("--catalogue", crowds[0], "--catalogue", other)
    for command in (("search", "man"), ("similar", "--face", "other.db:1"), ("show", "other.db:1")):
        ran = facesearch(*command, *named)
        assert ran.code == 2 and str(crowds[0]) in ran.err and str(other) in ran.err, ran.err
    status = facesearch("status", *named)
    assert status.code == 0 and "not scored by the same network" in status.err


def test_remarks_are_each_catalogues_own(facesearch: Program, tmp_path: Path) -> None:
    good = index(tmp_path / "good.db", album(tmp_path / "album"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    bad = index(tmp_path / "bad.db", album(tmp_path / "other"))
    ran = facesearch("search", "stubble", "--catalogue", good, "--catalogue", bad)
    assert ran.code == 0 and "bad.db: 1 photo failed" in ran.err and "good.db: 1 photo" not in ran.err


# ---- faces of one of them


def test_show_takes_the_face_of_the_catalogue_that_is_named(facesearch: Program, crowds: list[Path]) -> None:
    alone = json.loads(facesearch("show", "25", "--json", "--catalogue", crowds[1]).out)
    named = [each for path in crowds for each in ("--catalogue", path)]
    assert json.loads(facesearch("show", "b.db:25", "--json", *named).out)["sha256"] == alone["sha256"]
    assert json.loads(facesearch("show", f"{crowds[1]}:25", "--json").out)["sha256"] == alone["sha256"]
    for face, word in (("25", "a.db:25"), ("d.db:25", "d.db"), ("x", "no face"), ("b.db:x", "no face")):
        ran = facesearch("show", face, *named)
        assert ran.code == 2 and word in ran.err, ran.err
    assert facesearch("show", "b.db:999999", *named).code == 3


def test_a_face_of_one_catalogue_is_looked_for_in_all_and_is_no_hit_itself(
    facesearch: Program, crowds: list[Path]
) -> None:
    named = [each for path in crowds for each in ("--catalogue", path)]
    found = json.loads(facesearch("similar", "--face", "a.db:25", "--json", "--top", "all", *named).out)
    places = [(hit["catalogue"], hit["face"]) for hit in found["hits"]]
    assert (str(crowds[0]), 25) not in places
    assert (str(crowds[2]), 25) not in places  # the same face of the same photo
    assert {catalogue for catalogue, _ in places} == set(map(str, crowds))
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_commands_of_one_catalogue_refuse_several(facesearch: Program, crowds: list[Path]) -> None:
    named = ("--catalogue", crowds[0], "--catalogue", crowds[1])
    for command in (("roots",), ("failures",), ("audit",), ("interview",), ("index", "/nowhere"), ("forget", "1")):
        ran = facesearch(*command, *named)
        assert ran.code == 2 and "one catalogue at a time" in ran.err, command
    assert facesearch(*named, "failures").code == 2


def test_one_that_is_named_twice_counts_once(facesearch: Program, crowds: list[Path], tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(crowds[0])
    ran = facesearch("search", "man", "--csv", "-", "--catalogue", crowds[0], "--catalogue", tmp_path / "link.db")
    assert ran.code == 0 and "catalogue" not in ran.out.splitlines()[0]


# ---- Python


def test_the_front_door_opens_several(crowds: list[Path], tmp_path: Path) -> None:
    with front_door.open([*crowds[:2], tmp_path / "none.db"]) as gallery:
        hits = gallery.search("man, bald", top=10)
        assert list(hits.not_searched) == [tmp_path / "none.db"]
        assert {hit.catalogue for hit in hits} == set(crowds[:2])
        assert [each["catalogue"] for each in hits.to_dicts()] == [str(hit.catalogue) for hit in hits]
        assert hits.to_frame().columns[-1] == "catalogue"
        first = hits[0]
        assert first.catalogue is not None
        similar = gallery.similar((first.catalogue, first.face), top=5)
        assert len(similar) == 5 and (first.catalogue, first.face) not in [(e.catalogue, e.face) for e in similar]
        assert gallery.face((first.catalogue, first.face)).photo == first.photo
        again = gallery.search(Request.from_json(hits.request.to_json()), top=10)
        assert [(e.catalogue, e.face) for e in again] == [(e.catalogue, e.face) for e in hits]
        for refused in (lambda: gallery.face(1), lambda: gallery.catalogue, lambda: gallery.index("/nowhere")):
            with pytest.raises(RequestError):
                refused()
    with front_door.open(crowds[0]) as gallery, pytest.raises(RequestError):
        gallery.search(hits.request)


@pytest.mark.parametrize(
    ("text", "reference"),
    [("25", FaceReference(25)), ("b.db:25", FaceReference(25, "b.db")), ("/x:y/b.db:7", FaceReference(7, "/x:y/b.db"))],
)
def test_faces_are_named_by_number_or_by_catalogue_and_number(text: str, reference: FaceReference) -> None:
    assert FaceReference.parse(text) == reference and str(reference) == text
