"""What holds for every text, whatever it says."""

import itertools
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from facesearch.errors import QueryError
from facesearch.query import parse
from facesearch.query.errors import KINDS, NOTICES, StatementError
from facesearch.query.lexicon import Lexicon
from facesearch.query.statement import MAX_LETTERS, Statement, understand
from facesearch.query.tokens import word_set as words
from facesearch.query.tree import EVERYTHING

WORDS = sorted(Lexicon().face_words)[::3]
SMALL = words(
    "a man woman he she his her they one the other two men suspect 1 victim told saw was wearing had with in of and or "
    "but no not neither nor maybe probably I think unknown who which that because hidden stole short black jacket 25 "
    "5ft 9in about 40s Mr Brown Street"
)
MARKS = [
    ",",
    ".",
    ";",
    ":",
    "?",
    "!",
    "(",
    ")",
    "/",
    "-",
    "\n",
    '"',
    "'",
    "1)",
    "#2",
    "\x00",
    "\u202e",
    "\u05d0",
    "<b>",
    "😀",
]
speech = st.lists(st.sampled_from(WORDS + sorted(SMALL) * 8 + MARKS * 2), max_size=30).map(" ".join)


@given(st.text(max_size=120) | speech)
@settings(deadline=None, max_examples=300)
def test_any_text_is_read_or_refused_with_a_kind_and_its_spans_are_right(text: str) -> None:
    try:
        statement = understand(text)
    except StatementError as error:
        assert error.kind in KINDS
        assert all(0 <= start <= end <= len(text) for start, end in error.spans)
        return
    except QueryError:  # too many attributes several times
        return
    assert statement.persons
    assert all(notice.kind in NOTICES for notice in statement.notices)
    for each in statement.set_aside:
        assert text[each.start : each.end] == each.words
    for person in statement.persons:
        assert all(text[used.start : used.end] == used.words for used in person.used)


@given(speech)
@example("man woman")
@example("He was not a man.")
@settings(deadline=None, max_examples=150)
def test_a_reading_is_read_as_itself(text: str) -> None:
    try:
        statement = understand(text)
    except QueryError:
        return
    for person in statement.persons:
        if person.tree != EVERYTHING:
            assert parse(str(person.tree)).tree == person.tree


@pytest.mark.parametrize("words", list(itertools.permutations(("woman", "white", "blonde", "bald"))))
def test_order_never_decides(words: tuple[str, ...]) -> None:
    (person,) = understand(", ".join(words[:3])).persons
    said = {word for word in words[:3] if word != "white"}
    meant = {"woman": "woman", "blonde": "blond hair", "bald": "bald"}
    assert set(str(person.tree).split(" and ")) == {meant[word] for word in said}


def steps(text: str) -> int:
    return understand(text).steps


@pytest.mark.parametrize(
    "text",
    [
        "He was about 30 with short dark hair and a thick beard. ",
        "short, dark, curly hair and a long black coat with a fur collar, ",
        "I told the officer that I had seen him before, near the shop, but I could not see his face; ",
        "qwertz asdfgh yxcvb ",
    ],
)
def test_steps_grow_no_faster_than_words(text: str) -> None:
    few, many = steps(text * 8), steps(text * 32)
    assert many <= 4.4 * few


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "qwertz " * 1400,
        "a" * MAX_LETTERS,
        "brown " * 1600,
        "hair, " * 1600,
        "a-" * 4900,
        "(" * 5000,
        "no " * 3300,
        "25 " * 3300,
        "a man and a woman and " * 450,
        "hat? " * 1900,
        "\x00\x1b[31m\u202e" * 2000,
        "<p>He had a <b>beard</b>.</p>" * 300,
        "milk, eggs, bread, butter, 2 kg of flour\n" * 200,
        "Shall I compare thee to a summer's day? Thou art more lovely and more temperate.\n" * 100,
        "x" * 100_000,
        "hat and " * 10_000,
    ],
    ids=lambda text: text[:12],
)
def test_bad_input_has_a_clean_answer_soon(text: str) -> None:
    start = time.monotonic()
    try:
        assert isinstance(understand(text), Statement)
    except QueryError as error:
        assert isinstance(error, StatementError)
    assert time.monotonic() - start < 20  # a hang, on the slowest machine
