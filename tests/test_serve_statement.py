"""Taking a statement on the page: free recall, open prompts, closed questions last, and never a face."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.catalogue import open_catalogue
from facesearch.attributes import BY_NAME
from facesearch.cases.cases import CaseFile, Cases
from facesearch.search.questions import CLOSED_HEADING, FREE_RECALL, OPEN_PROMPTS
from tests.support.serving import Visitor, served
from tests.support.squares import album, index

pytestmark = pytest.mark.slow

CASE = "2026/17"
STUBBLE = str(BY_NAME["5_o_Clock_Shadow"].index)
NASTY = "<script>alert(1)</script>\"'&"


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    with served(index(tmp_path / "faces.db", album(tmp_path / "album"))) as found:
        yield found


def work(visitor: Visitor) -> None:
    visitor.post("/cases/new", {"reference": CASE})
    visitor.post("/cases/work", {"examiner": "A. Marple", "case": CASE, "reason": "appeal"})


def begin(visitor: Visitor, recall: str = "A man, I think he was bald.", **more: str) -> str:
    """The address of a statement with this free recall."""
    return visitor.post("/statement", {"told": recall, "witness": "W1", "taken_by": "PC Low", **more}).url.path


def tell(visitor: Visitor, address: str, *said: str) -> str:
    return visitor.post(address, {f"told{at}": words for at, words in enumerate(said, 1)}).text


def held(visitor: Visitor) -> CaseFile:
    with open_catalogue(visitor.place.path) as opened:
        return Cases(opened).file(CASE)


def test_prompts_come_once_after_the_free_recall_and_closed_questions_last(visitor: Visitor) -> None:
    first = visitor.get("/statement")
    assert FREE_RECALL in first and not any(each in first for each in OPEN_PROMPTS[1:])
    address = begin(visitor)
    second = visitor.get(address)
    assert all(each in second for each in OPEN_PROMPTS) and "Closed questions" not in second
    last = tell(visitor, address, "", "a cap")
    assert "Closed questions" in last and "leading" in last and 'name="told1"' not in last
    assert "a cap" in last and OPEN_PROMPTS[1] not in last  # nothing was said to it
    assert "a cap" in tell(visitor, address, "again", "no cap")  # put once: what was said stands
    assert "no cap" not in visitor.get(address)


def test_no_face_is_on_any_of_its_pages(visitor: Visitor) -> None:
    work(visitor)
    address = begin(visitor)
    pages = [visitor.get("/statement"), visitor.get(address), tell(visitor, address, "bald")]
    pages.append(visitor.post(f"{address}/answer", {"attribute": STUBBLE, "button": "yes"}).text)
    pages.append(visitor.post(f"{address}/keep", {"case": CASE}).text)
    assert not any(kind in page for page in pages for kind in ("<img", "/crop/", "/photo/", "/face/"))


def test_what_was_said_goes_into_the_case_word_by_word(visitor: Visitor) -> None:
    work(visitor)
    address = begin(visitor, recall="A  man; bald, I think.\n\nHe ran.", how="by telephone")
    tell(visitor, address, "", "", "no beard", "forty", NASTY)
    visitor.post(f"{address}/answer", {"attribute": STUBBLE, "words": "I don't think so"})
    page = visitor.post(f"{address}/keep", {"case": CASE}).text
    (said,) = held(visitor).statements
    assert (said.witness, said.taken_by, said.how) == ("W1", "PC Low", "by telephone") and said.taken is not None
    assert "A: A  man; bald, I think.\n\nHe ran." in said.text and f"A: {NASTY}" in said.text
    assert said.text.index(CLOSED_HEADING) < said.text.index("A: I don't think so")
    assert "signed by the witness" in page and NASTY not in page
    assert visitor.client.get(address).status_code == 404  # it is no draft any more


def test_from_the_statement_it_is_searched_as_one_of_the_case(visitor: Visitor) -> None:
    work(visitor)
    address = begin(visitor, recall="He had stubble.")
    tell(visitor, address)
    page = visitor.post(f"{address}/keep", {"case": CASE, "then": "search"}).text
    assert "Kept as search 1 of case 2026/17" in page
    (search,) = held(visitor).searches
    assert search.statement == 1 and not search.departures and search.about["reading"].startswith("man and stubble")


def test_without_a_case_it_can_be_searched_and_is_kept_nowhere(visitor: Visitor) -> None:
    address = begin(visitor, recall="He had stubble.")
    assert "Choose the case that it goes into" in tell(visitor, address)
    assert "stubble" in visitor.post(f"{address}/keep", {"then": "search only"}).text
    visitor.post(f"{address}/keep", {"case": CASE}, status=404)
    assert visitor.client.get(address).status_code == 200


def test_answers_settle_what_is_asked_and_can_be_taken_back(visitor: Visitor) -> None:
    address = begin(visitor, recall="")
    question = "Did the person have stubble?"
    assert f'aria-label="{question}"' in tell(visitor, address)
    answered = visitor.post(f"{address}/answer", {"attribute": STUBBLE, "button": "don't know"}).text
    assert f'aria-label="{question}"' not in answered and "don&#39;t know" in answered
    assert f'aria-label="{question}"' in visitor.post(f"{address}/answer", {"back": "1"}).text


@pytest.mark.parametrize("words", ["", "yess", "yes no"])
def test_what_is_no_answer_is_asked_for_again(visitor: Visitor, words: str) -> None:
    address = begin(visitor, recall="")
    tell(visitor, address)
    page = visitor.post(f"{address}/answer", {"attribute": STUBBLE, "words": words}, status=422).text
    assert "not understood as an answer" in page and 'aria-label="Did the person have stubble?"' in page


@pytest.mark.parametrize("attribute", ["", "2", "99", "-1", "x"])
def test_what_is_never_asked_is_not_answered(visitor: Visitor, attribute: str) -> None:
    address = begin(visitor, recall="")
    tell(visitor, address)
    assert "Take back" not in visitor.post(f"{address}/answer", {"attribute": attribute, "button": "yes"}).text


def test_a_statement_of_several_persons_can_be_taken_as_well(visitor: Visitor) -> None:
    address = begin(visitor, recall="One was a man with a beard, the other one a woman with a hat.")
    assert "Closed questions" in tell(visitor, address)


def test_what_was_told_so_far_outlives_the_server(visitor: Visitor) -> None:
    address = begin(visitor, recall="A man with a scar.")
    visitor.place.drafts._records._memory.clear()
    assert "A man with a scar." in visitor.get(address)
    (file,) = (visitor.place.drafts._records._folder).glob("*.json")
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_address_of_no_statement_is_none(visitor: Visitor) -> None:
    for name in ("nothing", "a" * 16, "..%2f..%2fx"):
        assert visitor.client.get(f"/statement/{name}").status_code == 404
