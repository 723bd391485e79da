"""Cases: what is put into one stays as it was said and shown, hangs on faces, and leaves with what is forgotten."""

import io
import sqlite3
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

import facesearch
from db.catalogue import open_catalogue
from db.errors import CatalogueError, CatalogueReadOnly, CatalogueSealed, FaceForgotten, FaceUnknown
from db.seal import seal
from db.values.case import Change, MarkState, Role
from facesearch.cases.cases import Cases
from facesearch.cases.errors import BadText, CaseClosed, CaseExists, CaseUnknown, PartUnknown
from facesearch.cases.keeping import asked_of, fit_of, request_of
from facesearch.cases.reviewing import MOST, blind_order
from facesearch.custody.acting import Acting, acting
from facesearch.custody.audit import log
from facesearch.face_gallery import FaceGallery
from tests.conftest import Program
from tests.support.powers import without_root_powers
from tests.support.squares import album, index
from tests.support.stand_ins import RedSquares, picture, save

pytestmark = pytest.mark.slow

REFERENCE = "2026/17"
HTML = "<b>x</b> & \"quoted\" 'so'"


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Three faces: a green one; a white and a black one in one photo."""
    return index(tmp_path / "faces.db", album(tmp_path / "album"))


@pytest.fixture
def gallery(catalogue: Path) -> Iterator[FaceGallery]:
    with facesearch.open(catalogue) as opened:
        opened.cases.open(REFERENCE, "Robbery in Mill Street")
        yield opened


def by(examiner: str, **more: object) -> Acting:
    return Acting(examiner, REFERENCE, **more)  # type: ignore[arg-type]


def rows(catalogue: Path, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(catalogue) as connection:
        return connection.execute(statement).fetchall()


# Opening and closing


def test_a_reference_names_one_case_however_it_is_spelled(gallery: FaceGallery) -> None:
    cases = gallery.cases
    cases.open("Op. Marble  3")
    assert cases.get(" op. marble 3 ").reference == "Op. Marble 3"
    with pytest.raises(CaseExists, match=r"There is a case Op\. Marble 3 already: choose another reference"):
        cases.open("OP. MARBLE 3")
    assert [case.reference for case in cases] == ["Op. Marble 3", REFERENCE]
    with pytest.raises(CaseUnknown, match="no case 18"):
        cases.get("18")


@pytest.mark.parametrize("reference", ["", "  \n", "a" * 101, "a\x1b[31mb", "a\u202eb", "caf\udce9", "a\0b"])
def test_what_is_no_reference_is_refused(gallery: FaceGallery, reference: str) -> None:
    with pytest.raises(BadText):
        gallery.cases.open(reference)
    assert len(gallery.cases.all()) == 1


def test_a_closed_case_takes_nothing_in_and_can_be_opened_again(gallery: FaceGallery) -> None:
    cases = gallery.cases
    with acting(by("Anna")):
        cases.close(REFERENCE)
        for change in (
            lambda: cases.add_statement(REFERENCE, "A man."),
            lambda: cases.mark(REFERENCE, [1], "follow up"),
            lambda: cases.note(REFERENCE, "x"),
            lambda: cases.undo(REFERENCE),
            lambda: cases.close(REFERENCE),
            lambda: cases.shortlist(REFERENCE, "first", add=[1]),
        ):
            with pytest.raises(CaseClosed, match="was closed by Anna"):
                change()
        found = gallery.search("stubble")
        assert found.result.kept is not None and found.result.kept.problem == "closed" and len(found) == 3
    assert cases.file(REFERENCE).searches == ()
    cases.reopen(REFERENCE)
    cases.note(REFERENCE, "x")


def test_every_change_is_a_row_of_the_log(gallery: FaceGallery, catalogue: Path) -> None:
    cases = gallery.cases
    with acting(by("Anna")):
        cases.add_statement(REFERENCE, "A man.")
        cases.mark(REFERENCE, [1], "follow up")
        cases.undo(REFERENCE)
        with pytest.raises(FaceUnknown):
            cases.mark(REFERENCE, [1, 99], "follow up")
        cases.close(REFERENCE)
    said = rows(catalogue, "SELECT payload ->> 'action', payload ->> 'examiner', payload ->> 'case' FROM audit")
    who = ["open", "statement", "mark", "undo", "close"]
    assert [row[0] for row in said if row[0]] == who, "and what failed left none"
    assert {row[1:] for row in said[2:]} == {("Anna", REFERENCE)}


# Statements and searches


def test_a_statement_stays_word_by_word(gallery: FaceGallery) -> None:
    text = f"First line.\n\n  “He was tall”, she said; {HTML}\tand so on.\n"
    at = datetime(2026, 3, 4, 14, 30)
    said = gallery.cases.add_statement(REFERENCE, text, witness="W1", taken_by="Sgt. Low", taken=at, how="by phone")
    (kept,) = gallery.cases.file(REFERENCE).statements
    assert kept == said and kept.text == text and (kept.number, kept.taken, kept.how) == (1, at, "by phone")
    assert gallery.cases.add_statement(REFERENCE, "Another.").number == 2
    with pytest.raises(BadText, match="bytes that are no text"):
        gallery.cases.add_statement(REFERENCE, "caf\udce9")


def test_a_search_is_kept_as_it_was_shown_also_an_empty_one(gallery: FaceGallery) -> None:
    with acting(by("Anna", reason="appeal")):
        found = gallery.search("arched eyebrows, no stubble")
        empty = gallery.search("stubble", min_score=1)
    assert found.result.kept is not None and found.result.kept.number == 1
    first, second = gallery.cases.file(REFERENCE).searches
    assert [(hit.face, hit.score) for hit in first.hits] == [(each.face, each.score) for each in found]
    assert (first.who, first.reason, first.searched, first.answered) == ("Anna", "appeal", 3, 3)
    assert request_of(first) == found.request and first.digest == found.request.digest
    assert [asked_of(hit) for hit in first.hits] == [each.hit.asked for each in found]
    assert [fit_of(hit) for hit in first.hits] == [each.hit.fit for each in found]
    assert (second.hits, second.answered, second.searched) == ((), 0, 3) and len(empty) == 0
    assert gallery.search("stubble").result.kept is None, "outside of a case nothing is kept"


def test_what_fits_as_well_is_counted_over_all_searched_faces(gallery: FaceGallery) -> None:
    with acting(by("Anna")):
        found = gallery.search("arched eyebrows, no stubble", top=1)
    green = found[0]
    assert green.hit.fit is not None and green.hit.fit.fitting == 2
    assert sum(found.result.fitting) == 3 and found.result.fit_as_well(green.hit) == 0
    with acting(by("Anna")):
        every = gallery.search("stubble or no stubble or arched eyebrows")
    assert every.result.fit_as_well(every[2].hit) == 2, "all three fit"


def test_a_search_says_where_it_departs_from_its_statement(gallery: FaceGallery) -> None:
    gallery.cases.add_statement(REFERENCE, "A man with glasses and stubble, maybe bald.")
    with acting(by("Anna", statement=1, why="glasses for reading only")):
        gallery.search("man, stubble, bald, hat", name="png")
    (kept,) = gallery.cases.file(REFERENCE).searches
    assert [(each.change, each.words) for each in kept.departures] == [
        (Change.LEFT_OUT, "glasses"),
        (Change.CHANGED, "bald"),
        (Change.ADDED, "hat"),
        (Change.FILTERED, "name:png"),
    ]
    assert {(each.who, each.why) for each in kept.departures} == {("Anna", "glasses for reading only")}
    with acting(by("Anna", statement=1)):
        gallery.search("A man with glasses and stubble, maybe bald.")
        assert gallery.search("man", top=1).result.kept is not None
    assert gallery.cases.file(REFERENCE).searches[1].departures == ()


def test_a_search_for_a_statement_that_is_not_there_is_not_kept_and_says_so(gallery: FaceGallery) -> None:
    with acting(by("Anna", statement=4)):
        kept = gallery.search("man").result.kept
    assert kept is not None and kept.number is None and kept.problem == "the case has no statement 4"


def test_a_logged_search_is_taken_in_with_what_it_showed(gallery: FaceGallery) -> None:
    with acting(Acting("Ben")):
        found = gallery.search("stubble")
        narrowed = gallery.search("stubble", min_face=10)
    logged, other = (each.result.logged for each in (found, narrowed))
    assert logged is not None and logged.head is not None and other is not None and other.head is not None
    kept = gallery.cases.adopt(REFERENCE, logged.head.sequence)
    (search,) = gallery.cases.file(REFERENCE).searches
    assert kept.number == 1 and search.who == "Ben" and [hit.face for hit in search.hits] == [e.face for e in found]
    assert request_of(search) is not None and search.digest == found.request.digest
    with pytest.raises(PartUnknown, match="in the case already"):
        gallery.cases.adopt(REFERENCE, logged.head.sequence)
    with pytest.raises(PartUnknown, match="options that the log does not hold"):
        gallery.cases.adopt(REFERENCE, other.head.sequence)
    with pytest.raises(PartUnknown, match="is no search"):
        gallery.cases.adopt(REFERENCE, 1)


# Marks


def test_the_newest_mark_counts_and_undo_keeps_the_history(gallery: FaceGallery) -> None:
    cases = gallery.cases
    with acting(by("Anna")):
        cases.mark(REFERENCE, [1, 2], "follow up", role="suspect", note=HTML)
        cases.mark(REFERENCE, [1], MarkState.SET_ASIDE)
        standing = cases.file(REFERENCE).standing
        assert standing[1]["Anna"].state is MarkState.SET_ASIDE
        assert (standing[1]["Anna"].role, standing[1]["Anna"].note) == (Role.SUSPECT, HTML), "kept unless given anew"
        assert cases.undo(REFERENCE, 1).state is MarkState.SET_ASIDE
        assert cases.file(REFERENCE).standing[1]["Anna"].state is MarkState.FOLLOW_UP
        assert cases.undo(REFERENCE).face == 2
        assert list(cases.file(REFERENCE).standing) == [1] and len(cases.file(REFERENCE).marks) == 3
    with acting(by("Ben")), pytest.raises(PartUnknown, match="no mark of Ben"):
        cases.undo(REFERENCE)
    with pytest.raises(
        PartUnknown, match="'match' is no state of a mark: it is one of follow up, set aside, undecided"
    ):
        cases.mark(REFERENCE, [1], "match")


def test_marks_survive_a_new_look_and_a_renamed_photo(gallery: FaceGallery, catalogue: Path, tmp_path: Path) -> None:
    gallery.cases.mark(REFERENCE, [1, 2, 3], "follow up")
    (tmp_path / "album" / "green.png").rename(tmp_path / "album" / "renamed.png")
    index(catalogue, tmp_path / "album", detector=RedSquares(rules=2), again=True)
    assert sorted(gallery.cases.file(REFERENCE).standing) == [1, 2, 3]
    assert {gallery.face(each).face for each in (1, 2, 3)} == {1, 2, 3}


def test_a_face_that_is_not_there_gets_no_mark(gallery: FaceGallery, facesearch_run: Program, catalogue: Path) -> None:
    for face in (0, -1, 99, 1 << 70):
        with pytest.raises(FaceUnknown, match=f"There is no face {face}"):
            gallery.cases.mark(REFERENCE, [face], "undecided")
        with pytest.raises(FaceUnknown):
            gallery.cases.shortlist(REFERENCE, "first", add=[face])
    assert facesearch_run("forget", "1", "--yes", "--catalogue", catalogue).code == 0
    with pytest.raises(FaceForgotten):
        gallery.cases.mark(REFERENCE, [1], "undecided")


@pytest.fixture
def facesearch_run(facesearch: Program) -> Program:
    """The program, under a name that the package does not have."""
    return facesearch


def test_a_shortlist_keeps_its_order_and_goes_with_its_last_face(gallery: FaceGallery) -> None:
    cases = gallery.cases
    assert cases.shortlist(REFERENCE, "line-up", add=[3, 1]).faces == (3, 1)
    assert cases.shortlist(REFERENCE, "line-up", add=[1, 2]).faces == (3, 1, 2)
    assert cases.shortlist(REFERENCE, "line-up", remove=[1]).faces == (3, 2)
    assert [each.faces for each in cases.file(REFERENCE).shortlists] == [(3, 2)]
    cases.shortlist(REFERENCE, "line-up", remove=[3, 2])
    assert cases.file(REFERENCE).shortlists == ()


# Review


def test_a_blind_review_ends_when_each_face_is_marked(gallery: FaceGallery) -> None:
    cases = gallery.cases
    with acting(by("Anna")):
        ranks = [hit.face for hit in gallery.search("stubble")]
        assert not cases.review(REFERENCE).blind, "who made the search has seen its ranks"
        assert not cases.mark(REFERENCE, [1], "follow up")[0].blind
    with acting(by("Ben")):
        review = cases.review(REFERENCE)
        assert review.blind and sorted(review.left) == sorted(ranks) and review.faces == review.left
        assert review.faces == blind_order(review.seed, ranks) == cases.review(REFERENCE).faces
        made = [cases.mark(REFERENCE, [face], "set aside")[0].blind for face in review.left]
        assert made == [True, True, True] and cases.review(REFERENCE).is_complete
        assert not cases.mark(REFERENCE, [1], "undecided")[0].blind, "ranks may be shown from now on"
    with acting(by("Ben", blind=True)):
        gallery.search("no stubble")
        assert cases.review(REFERENCE).blind, "its ranks were not shown"


def test_the_first_sixty_are_reviewed_in_an_order_of_the_seed_alone() -> None:
    faces = list(range(1, 200))
    first, second = blind_order("a1", faces), blind_order("b2", faces)
    assert sorted(first) == faces and first != second and first != tuple(faces)
    assert blind_order("a1", reversed(faces)) == first
    assert first[:3] == (160, 46, 51), "on every machine, in every version"
    assert MOST == 60


def test_two_reviewers_agree_beyond_chance_or_not(gallery: FaceGallery) -> None:
    cases = gallery.cases
    for who, states in (
        ("Anna", ("follow up", "set aside", "set aside")),
        ("Ben", ("follow up", "set aside", "undecided")),
    ):
        with acting(by(who)):
            for face, state in enumerate(states, 1):
                cases.mark(REFERENCE, [face], state)
    (found,) = cases.agreement(REFERENCE)
    assert (found.first, found.second, found.faces, found.same, found.differing) == ("Anna", "Ben", 3, 2, (3,))
    assert found.kappa == pytest.approx((2 / 3 - 1 / 3) / (1 - 1 / 3))
    with acting(by("Cleo")):
        cases.mark(REFERENCE, [1], "follow up")
    assert [each.kappa for each in cases.agreement(REFERENCE) if each.second == "Cleo"] == [None, None]


# What is forgotten, sealed, copied and checked


def test_forgetting_takes_a_face_out_of_every_case(
    gallery: FaceGallery, facesearch_run: Program, catalogue: Path, tmp_path: Path
) -> None:
    photo = save(tmp_path / "album" / "John Doe" / "wanted-17.png", picture((37, 81, 250)))
    index(catalogue)
    face = max(each.face for each in gallery.search("stubble", top=None))
    with acting(by("Anna")):
        gallery.search("stubble", folder=str(photo.parent))
        gallery.similar(face)
        gallery.cases.mark(REFERENCE, [face, 1], "follow up", note="like Zacharias Quill")
        gallery.cases.shortlist(REFERENCE, "first", add=[face, 1])
        gallery.cases.mark(REFERENCE, [1], "follow up", note="")
        gallery.search("stubble")
    gallery.close()
    traces = [b"wanted-17", b"John Doe"]
    ran = facesearch_run("forget", "--photo", photo, "--yes", "--catalogue", catalogue)
    assert ran.code == 0 and f"With these go their marks, notes and hits in the cases:\n  {REFERENCE}" in ran.out
    assert "Pending" not in ran.err
    found = Cases(open_catalogue(catalogue)).file(REFERENCE)
    assert face not in found.faces and sorted(found.standing) == [1] and found.shortlists[0].faces == (1,)
    by_folder, like_it, other = found.searches
    assert by_folder.hits == () and by_folder.answered == 1
    assert (like_it.request, like_it.digest, like_it.probes, like_it.departures) == (None, None, None, ())
    assert other.request is not None and other.answered == 4 and len(other.hits) == 3
    assert facesearch_run("forget", "--folder", tmp_path / "album", "--yes", "--catalogue", catalogue).code == 0
    found = Cases(open_catalogue(catalogue)).file(REFERENCE)
    assert found.faces == () and found.searches[0].request is None
    for file in [
        catalogue,
        *tmp_path.glob("faces.db-*"),
        *(f for f in Path(f"{catalogue}.d").rglob("*") if f.is_file()),
    ]:
        data = file.read_bytes()
        assert not any(trace in data for trace in traces), file
    assert facesearch_run("check", "--catalogue", catalogue).code == 0


def test_a_case_is_taken_out_of_the_very_bytes(gallery: FaceGallery, catalogue: Path, tmp_path: Path) -> None:
    with acting(by("Anna")):
        gallery.cases.add_statement(REFERENCE, "Zacharias Quill did it.")
        gallery.search("stubble")
        gallery.cases.mark(REFERENCE, [1], "follow up", note="Quill's cousin")
        gallery.cases.review(REFERENCE)
        gallery.cases.shortlist(REFERENCE, "Quill's friends", add=[1])
    assert gallery.cases.remove(REFERENCE) is None
    for file in (catalogue, *tmp_path.glob("faces.db-*")):
        assert b"Quill" not in file.read_bytes().replace(b'list": "Quill\'s friends', b""), file
    with pytest.raises(CaseUnknown):
        gallery.cases.mark(REFERENCE, [1], "follow up")
    with acting(by("Anna")):
        kept = gallery.search("stubble").result.kept
    assert kept is not None and kept.problem == "unknown"
    tables = [name for (name,) in rows(catalogue, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    ours = [each for each in tables if str(each).startswith(("case", "mark", "shortlist", "blind"))]
    assert len(ours) == 10 and all(rows(catalogue, f"SELECT count(*) FROM {each}") == [(0,)] for each in ours)


def test_in_a_sealed_catalogue_nothing_changes_and_searches_say_so(gallery: FaceGallery) -> None:
    gallery.cases.mark(REFERENCE, [1], "follow up")
    with gallery.catalogue.write() as session:
        seal(session)
    before = gallery.cases.file(REFERENCE)
    for change in (
        lambda: gallery.cases.open("other"),
        lambda: gallery.cases.mark(REFERENCE, [2], "follow up"),
        lambda: gallery.cases.remove(REFERENCE),
        lambda: gallery.cases.reopen(REFERENCE),
        lambda: gallery.cases.review(REFERENCE),
    ):
        with pytest.raises((CatalogueSealed, PartUnknown)):
            change()
    with acting(by("Anna")):
        found = gallery.search("stubble")
    assert len(found) == 3 and found.result.kept is not None and "is sealed" in found.result.kept.problem
    assert gallery.cases.file(REFERENCE) == before


def test_in_a_read_only_catalogue_cases_are_read_and_not_changed(catalogue: Path, tmp_path: Path) -> None:
    with facesearch.open(catalogue) as gallery:
        gallery.cases.open(REFERENCE)
    catalogue.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        with without_root_powers(), facesearch.open(catalogue) as gallery:
            assert gallery.cases.get(REFERENCE).name == ""
            with pytest.raises(CatalogueReadOnly):
                gallery.cases.note(REFERENCE, "x")
            with acting(by("Anna")):
                kept = gallery.search("stubble").result.kept
            assert kept is not None and "read-only" in kept.problem
    finally:
        tmp_path.chmod(0o700)


def test_a_backup_holds_the_cases_and_a_restored_one_forgets_again(
    gallery: FaceGallery, facesearch_run: Program, catalogue: Path, tmp_path: Path
) -> None:
    with acting(by("Anna")):
        gallery.search("stubble")
        gallery.cases.mark(REFERENCE, [1, 2], "follow up")
    gallery.close()
    assert facesearch_run("backup", tmp_path / "copy.db", "--catalogue", catalogue).code == 0
    assert facesearch_run("forget", "1", "--yes", "--catalogue", catalogue).code == 0
    ran = facesearch_run("restore", tmp_path / "copy.db", "--yes", "--catalogue", catalogue)
    assert ran.code == 0, ran.err
    found = Cases(open_catalogue(catalogue)).file(REFERENCE)
    assert list(found.standing) == [2] and sorted(found.faces) == [2, 3]
    assert facesearch_run("check", "--catalogue", catalogue).code == 0


def test_check_finds_marks_that_are_none_or_hang_on_nothing(
    gallery: FaceGallery, facesearch_run: Program, catalogue: Path
) -> None:
    gallery.cases.mark(REFERENCE, [1, 2], "follow up")
    gallery.close()
    with sqlite3.connect(catalogue) as connection:
        connection.execute("UPDATE marks SET state = 'match' WHERE face_id = 1")
        connection.execute("UPDATE marks SET face_id = 77 WHERE face_id = 2")
    ran = facesearch_run("check", "--catalogue", catalogue)
    assert ran.code != 0 and "marks" in ran.out + ran.err
    with pytest.raises(CatalogueError, match="is damaged"):
        Cases(open_catalogue(catalogue)).file(REFERENCE)


def test_a_repair_says_which_marks_went_with_their_faces(
    gallery: FaceGallery, facesearch_run: Program, catalogue: Path
) -> None:
    gallery.cases.mark(REFERENCE, [1, 2], "follow up")
    gallery.close()
    with sqlite3.connect(catalogue) as connection:
        connection.execute("UPDATE faces SET x = 'no number' WHERE id = 1")
    ran = facesearch_run("check", "--repair", "--catalogue", catalogue)
    assert "Lost: marks of cases, with the faces that they hung on: 1" in ran.out
    with open_catalogue(catalogue) as opened:
        assert list(Cases(opened).file(REFERENCE).standing) == [2]
    assert facesearch_run("check", "--catalogue", catalogue).code == 0


def test_a_restoration_says_that_work_in_cases_will_be_gone(
    gallery: FaceGallery, facesearch_run: Program, catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.close()
    assert "1 case and 0 marks" in facesearch_run("backup", tmp_path / "copy.db", "--catalogue", catalogue).err
    with facesearch.open(catalogue) as opened:
        opened.cases.mark(REFERENCE, [1], "follow up")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    ran = facesearch_run("restore", tmp_path / "copy.db", "--catalogue", catalogue)
    assert ran.code == 1 and "What was done in cases since the backup will be gone for good." in ran.err
    assert "1 case and 1 mark by the backup" in ran.err


def test_cases_load_no_network(catalogue: Path) -> None:
    import subprocess

    code = (
        "import sys, facesearch\n"
        "with facesearch.open(sys.argv[1]) as gallery:\n"
        "    gallery.cases.open('1'); gallery.cases.mark('1', [1], 'follow up'); gallery.cases.file('1')\n"
        "print(*sorted({'torch', 'cv2', 'faiss', 'alembic', 'rich', 'typer', 'jinja2'} & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, catalogue], capture_output=True, text=True, check=True)
    assert ran.stdout == "\n"


def test_what_is_shown_of_a_case_is_logged_and_found_by_face(gallery: FaceGallery, catalogue: Path) -> None:
    gallery.cases.log_shown(REFERENCE, "show", [2])
    log(gallery.catalogue, "case", {"action": "show", "faces": []})
    assert rows(catalogue, "SELECT payload ->> 'faces' FROM audit WHERE payload ->> 'action' = 'show'")[0] == ("[2]",)
