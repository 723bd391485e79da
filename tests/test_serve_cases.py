"""Cases on the page: what is done while one is chosen, marks, statements, blind review, and what is handed on."""

import io
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from db import models
from db.catalogue import open_catalogue
from db.crops import GONE_DAYS, CropStore, sweep_crops
from db.values.box import Box
from facesearch.cases.cases import CaseFile, Cases
from facesearch.custody.acting import Acting, acting
from facesearch.search.chunks import CHUNK
from facesearch.search.similar import PhotoFace
from tests.support.serving import ADDRESS, Visitor, faces_on, ranks, served
from tests.support.squares import album, index
from tests.support.stand_ins import picture, save

pytestmark = pytest.mark.slow

CASE = "2026/17"
NASTY = "<script>alert(1)</script>\"'&"


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return index(tmp_path / "faces.db", album(tmp_path / "album"))


@pytest.fixture
def visitor(catalogue: Path) -> Iterator[Visitor]:
    with served(catalogue) as found:
        work(found)
        yield found


def work(visitor: Visitor, examiner: str = "A. Marple", case: str = CASE) -> None:
    """Open the case, and work on it."""
    visitor.post("/cases/new", {"reference": case, "name": "Mill Street"})
    visitor.post("/cases/work", {"examiner": examiner, "case": case, "reason": "appeal"})


def held(visitor: Visitor) -> CaseFile:
    with open_catalogue(visitor.place.path) as opened:
        return Cases(opened).file(CASE)


def mark(visitor: Visitor, do: str, *, status: int = 200, **more: str) -> str:
    answer = visitor.post("/mark", {"do": do, "case": CASE, "back": "/search?q=stubble", **more}, status=status)
    return answer.text


# ---- the case that is worked on


def test_every_page_names_the_case_and_searches_are_kept_in_it_once(visitor: Visitor) -> None:
    assert "Case 2026/17" in visitor.get("/")
    page = visitor.search("stubble")
    assert "Kept as search 1 of case 2026/17" in page.text
    assert "Kept as search 1 of case 2026/17" in visitor.get(str(page.url))
    (search,) = held(visitor).searches
    assert [hit.face for hit in search.hits] == faces_on(page.text)
    assert (search.who, search.reason, search.answered) == ("A. Marple", "appeal", 3)


def test_a_search_without_a_hit_is_kept_as_well(visitor: Visitor) -> None:
    visitor.get("/search?q=stubble&score=0.99")
    (search,) = held(visitor).searches
    assert search.hits == () and search.answered == 0
    assert ">none</td>" in visitor.get("/case?case=2026/17")


def test_the_same_search_for_another_case_is_kept_there(visitor: Visitor) -> None:
    visitor.search("stubble")
    work(visitor, case="B")
    assert "Kept as search 1 of case B" in visitor.search("stubble").text
    visitor.post("/cases/work", {"case": ""})
    assert "Kept" not in visitor.search("stubble").text
    assert len(held(visitor).searches) == 1


def test_further_chunks_go_into_the_same_search(tmp_path: Path) -> None:
    for number in range(45):
        dots = [(number * 5, place * 90, 0) for place in range(3)]
        save(tmp_path / "many" / f"{number:03}.png", picture(*dots, size=(200, 120 + number)), compress_level=1)
    with served(index(tmp_path / "faces.db", tmp_path / "many")) as visitor:
        work(visitor)
        first = faces_on(visitor.search("stubble").text)
        assert len(held(visitor).searches[0].hits) == CHUNK
        rest = faces_on(visitor.get(f"/search?q=stubble&from={CHUNK + 1}"))
        visitor.get(f"/search?q=stubble&from={CHUNK + 1}")
        (search,) = held(visitor).searches
        assert [hit.face for hit in search.hits] == first + rest
        assert search.answered == 135


# ---- marks


def test_a_mark_is_made_seen_changed_and_taken_back(visitor: Visitor) -> None:
    page = mark(visitor, "follow up:1")
    assert 'data-face="1" data-state="follow up"' in page and "A. Marple" in page
    mark(visitor, "set aside:1")
    assert held(visitor).standing[1]["A. Marple"].state == "set aside"
    mark(visitor, "undo:1")
    assert held(visitor).standing[1]["A. Marple"].state == "follow up"
    page = visitor.get("/case?case=2026/17")
    assert "1 mark taken back" in page and 'alt="Face 1"' in page
    assert "match" not in re.sub(r"<[^>]+>", "", visitor.get("/face/1") + page).lower()


def test_a_script_gets_the_mark_alone(visitor: Visitor) -> None:
    form = {"csrf": visitor.keys.csrf, "do": "list:2", "case": CASE}
    head = {"origin": ADDRESS, "hx-request": "true"}
    answer = visitor.client.post("/mark", data=form, headers=head)
    assert answer.text.strip().startswith('<div class="mark-of" id="mark-2"') and 'data-listed="1"' in answer.text
    visitor.client.post("/mark", data={**form, "do": "unlist:2"}, headers=head)
    assert held(visitor).shortlists == ()
    wrong = visitor.client.post("/mark", data={**form, "do": "follow up:999"}, headers=head)
    assert wrong.status_code == 200 and 'class="problem"' in wrong.text


def test_role_and_note_are_kept_word_by_word_and_cannot_become_markup(visitor: Visitor) -> None:
    note = f"ask W1\n{NASTY}"
    visitor.post(
        "/mark", {"face": "1", "state": "undecided", "role": "suspect", "note": note, "case": CASE, "back": "/"}
    )
    made = held(visitor).standing[1]["A. Marple"]
    assert (made.role, made.note) == ("suspect", note)
    for page in (visitor.get("/face/1"), visitor.get("/case?case=2026/17"), visitor.search("stubble").text):
        assert "<script>alert" not in page and "&lt;script&gt;alert" in page


@pytest.mark.parametrize("do", ["match:1", ":1", "follow up:0", "follow up:x", "undo:1", "follow up:999"])
def test_a_mark_that_makes_no_sense_is_refused_in_a_sentence(visitor: Visitor, do: str) -> None:
    answer = visitor.post("/mark", {"do": do, "case": CASE}, status=404 if do.endswith("999") else 422)
    assert 'class="problem"' in answer.text
    assert held(visitor).marks == ()


def test_a_mark_needs_the_token_of_the_form(visitor: Visitor) -> None:
    answer = visitor.client.post("/mark", data={"do": "follow up:1", "case": CASE}, headers={"origin": ADDRESS})
    assert answer.status_code == 403
    assert held(visitor).marks == ()


def test_a_mark_for_a_case_that_is_not_chosen_any_more_is_not_made_in_another(visitor: Visitor) -> None:
    work(visitor, case="B")
    assert "Another case was chosen" in mark(visitor, "follow up:1", status=409)
    assert held(visitor).marks == ()


def test_without_a_case_there_is_nothing_to_mark_with_and_the_page_says_where_to_choose(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        page = visitor.search("stubble").text
        assert 'data-marking="none"' in page and 'data-key="y"' not in page
        assert '<a href="/cases">Choose a case</a>' in visitor.get("/face/1")
        assert "Another case" in visitor.post("/mark", {"do": "follow up:1", "case": ""}, status=409).text


def test_nothing_is_added_to_a_closed_case_until_it_is_opened_again(visitor: Visitor) -> None:
    mark(visitor, "follow up:1")
    visitor.post("/case/close", {"case": CASE})
    page = visitor.search("arched eyebrows").text
    assert 'data-marking="closed"' in page and 'data-key="y"' not in page and "follow up" in page
    assert "is closed, so this is only logged" in page
    assert "was closed by A. Marple" in mark(visitor, "set aside:1", status=422)
    visitor.post("/case/close", {"case": CASE, "reopen": "1"})
    mark(visitor, "set aside:1")


def test_a_case_that_was_removed_elsewhere_is_said_to_be_gone(visitor: Visitor) -> None:
    visitor.search("stubble")
    with open_catalogue(visitor.place.path) as opened:
        Cases(opened).remove(CASE)
    page = visitor.search("stubble, no arched eyebrows").text
    assert "(gone)" in page and "Not kept: there is no case 2026/17" in page
    assert "There is no case 2026/17" in mark(visitor, "follow up:1", status=404)
    assert "There is no case 2026/17" in visitor.get("/case?case=2026/17", status=404)
    assert "not there any more" in visitor.get("/cases")


# ---- statements and searches


def test_a_statement_is_kept_word_by_word_and_a_search_for_it_says_where_it_departs(visitor: Visitor) -> None:
    text = "He had stubble.\n  Arched eyebrows, too."
    said = {
        "case": CASE,
        "text": text,
        "witness": NASTY,
        "taken_by": "PC Low",
        "taken": "2026-03-04T14:30",
        "how": "by hand",
    }
    page = visitor.post("/case/statement", {"case": CASE, **said}).text
    assert "<script>alert" not in page and "2026-03-04 14:30" in page
    (kept,) = held(visitor).statements
    assert (kept.text, kept.witness, kept.who) == (text, NASTY, "A. Marple")
    asked = visitor.post("/case/search", {"case": CASE, "number": "1"})
    assert "stubble" not in str(asked.url)
    name = asked.url.path.rpartition("/")[2]
    visitor.post("/search/change", {"id": name, "kind": "part", "number": "1", "how": "drop"})
    whole, less = held(visitor).searches
    assert whole.statement == 1 and whole.departures == ()
    assert less.statement == 1 and [each.change for each in less.departures] == ["left out"]


@pytest.mark.parametrize("more", [{"text": ""}, {"text": "x", "taken": "yesterday"}])
def test_a_statement_that_cannot_be_kept_is_refused(visitor: Visitor, more: dict[str, str]) -> None:
    assert 'class="problem"' in visitor.post("/case/statement", {"case": CASE, **more}, status=422).text
    assert held(visitor).statements == ()


def test_a_marked_case_is_shown_although_another_or_none_is_worked_on(visitor: Visitor) -> None:
    visitor.post("/mark", {"face": "1", "state": "follow up", "case": CASE, "back": "/"})
    visitor.post("/cases/work", {"case": ""})
    assert "follow up" in visitor.get(f"/case?case={CASE}")


def test_hits_say_that_no_case_is_open(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        assert "No case is open: this search is kept in none" in visitor.get("/search?q=stubble")
        work(visitor)
        assert "No case is open" not in visitor.get("/search?q=stubble")


def test_who_opens_a_case_is_said_in_the_same_form(visitor: Visitor) -> None:
    page = visitor.post("/cases/new", {"reference": "9/26", "examiner": "Ada Byron", "reason": "appeal"}).text
    assert re.search(r"Opened [^<]+ by Ada Byron", re.sub(r"</?\w+[^>]*>", "", page))
    assert 'value="Ada Byron"' in visitor.get("/cases")


def test_a_search_is_asked_again_as_it_was(visitor: Visitor) -> None:
    visitor.get("/search?q=stubble,+no+arched+eyebrows&size=3&order=score")
    visitor.get("/similar?face=1&but=attractive")
    for number, faces in ((1, 3), (2, 2)):
        again = visitor.post("/case/ask", {"case": CASE, "number": str(number)})
        assert len(faces_on(again.text)) == faces
    assert len(held(visitor).searches) == 2  # the same requests, which were shown before
    assert "cannot be asked again" in visitor.post("/case/ask", {"case": CASE, "number": "9"}, status=422).text


def test_statements_are_shown_as_they_were_written(visitor: Visitor) -> None:
    page = visitor.post("/case/statement", {"case": CASE, "text": NASTY}).text
    assert "<script>alert" not in page and held(visitor).statements[0].text == NASTY


def test_notes_are_shown_as_they_were_written(visitor: Visitor) -> None:
    page = visitor.post("/case/note", {"case": CASE, "text": NASTY}).text
    assert "<script>alert" not in page and held(visitor).notes[0].text == NASTY


def test_a_name_of_a_case_cannot_become_markup_or_a_header(catalogue: Path) -> None:
    with served(catalogue) as visitor:
        reference = f"{NASTY}/../x"
        page = visitor.post("/cases/new", {"reference": reference, "name": NASTY}).text
        assert "<script>alert" not in page + visitor.get("/cases") + visitor.get("/")
        answer = visitor.post("/case/export", {"case": reference})
        name = answer.headers["content-disposition"]
        assert re.fullmatch(r'attachment; filename="case-[A-Za-z0-9.-]+\.zip"', name)


# ---- blind review


def test_a_blind_review_shows_no_ranks_and_scores_and_its_marks_are_blind(visitor: Visitor) -> None:
    visitor.search("stubble")
    visitor.post("/cases/work", {"examiner": "B. Poirot", "case": CASE})
    mark(visitor, "set aside:3")
    page = visitor.post("/case/review", {"case": CASE, "number": "1"}).text
    assert "rank" not in re.sub(r"without ranks and scores", "", page) and 'class="score"' not in page
    assert "3 of 3 faces left" in page
    assert "blind review of search 1" in mark(visitor, "follow up:1", status=422)
    for face in (1, 2, 3):
        page = mark(visitor, f"follow up:{face}", review="1", back="/case/review?case=2026%2F17&search=1")
    assert "all 3 faces are marked" in page
    own = held(visitor).standing
    assert all(own[face]["B. Poirot"].blind for face in (1, 2, 3))


def test_what_others_said_is_not_shown_before_a_blind_review_is_complete(visitor: Visitor) -> None:
    visitor.search("stubble")
    mark(visitor, "follow up:1")
    visitor.post("/cases/work", {"examiner": "B. Poirot", "case": CASE})
    page = visitor.post("/case/review", {"case": CASE, "number": "1"}).text
    assert "A. Marple" not in page


# ---- what is handed on


def test_report_and_export_are_attachments_that_are_logged(visitor: Visitor) -> None:
    visitor.search("stubble")
    mark(visitor, "follow up:1")
    report = visitor.post("/case/report", {"case": CASE, "form": "html"})
    assert report.headers["content-disposition"] == 'attachment; filename="case-2026-17.html"'
    assert "follow up" in report.text
    packed = visitor.post("/case/export", {"case": CASE})
    names = zipfile.ZipFile(io.BytesIO(packed.content)).namelist()
    assert "case-2026-17/manifest.sha256" in names
    assert visitor.audit_kinds().count("case") >= 4
    assert [each for each in visitor.place.own_folder.iterdir() if each.suffix in (".html", ".zip")] == []


def test_a_policy_that_allows_no_export_holds_on_the_page(catalogue: Path) -> None:
    catalogue.with_name("policy.toml").write_text('export = ["csv"]\n')
    with served(catalogue) as visitor:
        work(visitor)
        for address in ("/case/report", "/case/export"):
            assert "switches off exports as HTML" in visitor.post(address, {"case": CASE}, status=422).text


def test_what_the_policy_demands_is_asked_for_and_then_the_page_follows(catalogue: Path) -> None:
    catalogue.with_name("policy.toml").write_text('demand = ["case", "examiner", "reason"]\n')
    with served(catalogue) as visitor:
        page = visitor.get("/search?q=stubble")
        assert "demands a case, an examiner and a reason" in page and "Who works here" in page
        assert faces_on(page) == []
        back = re.search(r'name="back" value="(/search[^"]*)"', page.replace("&amp;", "&"))
        assert back is not None
        visitor.post("/cases/new", {"reference": CASE})
        said = {"examiner": "A. Marple", "case": CASE, "reason": "appeal", "back": back[1]}
        assert len(faces_on(visitor.post("/cases/work", said).text)) == 3


def test_the_way_back_leads_nowhere_else(visitor: Visitor) -> None:
    for address, form in (("/cases/work", {"case": CASE}), ("/mark", {"case": CASE, "do": "follow up:1"})):
        answer = visitor.post(address, {**form, "back": "//evil.example/"}, follow=False, status=303)
        assert "evil" not in answer.headers["location"]


# ---- small pictures


def test_faces_that_a_case_holds_keep_their_small_pictures(catalogue: Path) -> None:
    store = CropStore(catalogue)
    with open_catalogue(catalogue) as opened, acting(Acting(examiner="A. Marple")):
        Cases(opened).open(CASE)
        Cases(opened).mark(CASE, [1], "follow up")
        Cases(opened).shortlist(CASE, "first", add=[2])
        store.write((face, b"place", b"picture") for face in (1, 2, 3))
        now = datetime.now(UTC)
        with sqlite3.connect(catalogue) as raw:
            gone = (now - timedelta(days=GONE_DAYS + 1)).strftime("%Y-%m-%d %H:%M:%S.%f")
            raw.execute("UPDATE files SET missing_since = ?", (gone,))
        sweep_crops(opened, store, now)
    assert store.faces() == [1, 2]


# ---- shortlists with a name, blind searches, sessions, and photos to start from


def test_a_shortlist_has_a_name_and_an_order(visitor: Visitor) -> None:
    for face in ("2", "1"):
        mark(visitor, f"list:{face}", list="with W1")
    mark(visitor, "list:1")
    page = visitor.get("/case?case=2026/17")
    assert page.index("Face 2, number 1 of with W1") < page.index("Face 1, number 2 of with W1")
    assert '<option value="with W1">' in visitor.get("/face/1") and "on Shortlist, with W1" in visitor.get("/face/1")
    mark(visitor, "unlist:2", list="with W1")
    assert {each.name: each.faces for each in held(visitor).shortlists} == {"with W1": (1,), "Shortlist": (1,)}
    long = visitor.post("/mark", {"do": "list:1", "case": CASE, "list": "x" * 300}, status=422)
    assert "name of the list" in long.text


def test_a_blind_search_shows_its_hits_in_the_review_alone(visitor: Visitor) -> None:
    page = visitor.search("stubble", blind="1")
    assert page.url.path == "/case/review" and not ranks(page.text) and 'class="score"' not in page.text
    (search,) = held(visitor).searches
    assert search.blind and len(search.hits) == 3
    for hit in search.hits:
        visitor.post("/mark", {"do": f"undecided:{hit.face}", "case": CASE, "review": str(search.number)})
    assert all(each.blind for each in held(visitor).marks)


def test_a_statement_is_searched_blind_as_well(visitor: Visitor) -> None:
    visitor.post("/case/statement", {"case": CASE, "text": "He had stubble."})
    visitor.post("/case/search", {"case": CASE, "number": "1", "blind": "1"})
    (search,) = held(visitor).searches
    assert search.blind and search.statement == 1


def test_nothing_is_searched_blind_without_an_open_case(visitor: Visitor) -> None:
    visitor.post("/case/close", {"case": CASE})
    assert 'name="blind"' not in visitor.get("/")
    assert "was closed by" in visitor.post("/search", {"text": "stubble", "blind": "1"}, status=422).text
    assert held(visitor).searches == ()


def test_a_face_that_is_a_hit_says_which_words_keep_it_from_the_front(visitor: Visitor) -> None:
    last = faces_on(visitor.search("stubble, arched eyebrows").text)[-1]
    page = visitor.get(f"/search?q=stubble,+arched+eyebrows&find={last}")
    assert f"Face {last} stands at rank 3 of 3" in page and "Does not fit: " in page


def test_a_case_is_chosen_by_one_browser_and_for_it_alone(visitor: Visitor) -> None:
    place, cookie = visitor.place, str(visitor.client.cookies[visitor.keys.cookie])
    with place.in_session(cookie):
        assert place.acting.case == CASE
    with place.in_session("another"):
        assert place.acting.case == "" and place.chosen is None
    assert place.acting.case == ""  # programs, and pages for those who were not let in
    visitor.api("GET", "/search?q=stubble")
    assert held(visitor).searches == ()


def test_a_search_from_a_photo_can_be_asked_again_from_what_the_case_keeps_of_it(visitor: Visitor) -> None:
    with visitor.place.catalogue.read() as session:
        serving = models.serving(session)
    assert serving is not None
    seen = PhotoFace(np.linspace(-2, 2, 40).astype(np.float32), serving[1].digest, "ab" * 32, Box(1, 2, 30, 40))
    key = visitor.place.probes.take_known([seen])
    page = visitor.get(f"/similar?probe={key}&pick=1")
    assert "kept in case 2026/17 with its SHA-256" in page and "ab" * 32 in page
    visitor.place.probes.close()  # as after a restart
    visitor.get(f"/similar?probe={key}&pick=1", status=422)
    assert "Ask again" in visitor.get("/case?case=2026/17")
    again = visitor.post("/case/ask", {"case": CASE, "number": "1"}).text
    assert faces_on(again) == faces_on(page)
    visitor.post("/cases/work", {"case": ""})
    assert "cannot be repeated" in visitor.get(f"/similar?probe={visitor.place.probes.take_known([seen])}&pick=1")


def test_a_search_from_a_photo_that_another_network_saw_cannot_be_asked_again(visitor: Visitor) -> None:
    with visitor.place.catalogue.read() as session:
        serving = models.serving(session)
    assert serving is not None
    seen = PhotoFace(np.zeros(40, np.float32), serving[1].digest, "ab" * 32, Box(1, 2, 30, 40))
    visitor.get(f"/similar?probe={visitor.place.probes.take_known([seen])}&pick=1")
    with sqlite3.connect(visitor.place.path) as raw:
        raw.execute("UPDATE case_searches SET model = ?", ("cd" * 32,))
    assert "cannot be repeated" in visitor.get("/case?case=2026/17")
    assert "upload it again" in visitor.post("/case/ask", {"case": CASE, "number": "1"}, status=422).text
