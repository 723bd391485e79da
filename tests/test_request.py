"""A request as one value: it goes to JSON and back unchanged, and its digest says whether two ask the same."""

import json
import os
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.report.remedies import error_in_words
from db.values.box import Box
from db.values.photo_filter import PhotoFilter
from facesearch.errors import Notice, RequestError, SearchError
from facesearch.query import Query, parse
from facesearch.query.statement import MAX_HEIGHT
from facesearch.query.tree import MAX_REPEATED, Term, Threshold, all_of, any_of, hedge, height, leaves, negate
from facesearch.search.changes import Changes
from facesearch.search.ranking.witness import WordErrors, shipped_errors
from facesearch.search.request import KINDS, VERSION, LikeFace, LikePhoto, Order, Request, describe

fractions = st.floats(0, 1)
texts = st.text(max_size=20)
paths = st.binary(max_size=20).map(os.fsdecode)  # as the system gives them: not always UTF-8
path_lists = st.lists(paths, max_size=3).map(tuple)
ages = st.tuples(st.integers(0, 120), st.integers(0, 120))
terms = st.builds(Term, st.integers(0, 39), st.booleans(), st.none() | ages)
trees = st.recursive(
    terms,
    lambda nodes: st.one_of(
        st.builds(negate, nodes),
        st.builds(hedge, nodes, fractions),
        st.builds(all_of, st.lists(nodes, max_size=4)),
        st.builds(any_of, st.lists(nodes, min_size=1, max_size=4)),
    ),
    max_leaves=MAX_REPEATED,
).filter(lambda tree: height(tree) <= MAX_HEIGHT)
dates = st.none() | st.dates(date(1826, 1, 1), date(2100, 1, 1))
photo_filters = st.builds(PhotoFilter, path_lists, path_lists, dates, dates, st.lists(texts, max_size=2).map(tuple))
thresholds = st.builds(
    Threshold, st.integers(0, 39), st.sampled_from([">", ">=", "<", "<="]), fractions, holds=st.booleans()
)
queries = st.builds(
    Query,
    texts,
    trees,
    remarks=st.lists(texts, max_size=2).map(tuple),
    thresholds=st.lists(thresholds, max_size=3).map(tuple),
    photo=photo_filters,
    not_scored=st.lists(texts, max_size=2).map(tuple),
    musts=st.lists(terms, max_size=2).map(tuple),
)
pixels = st.floats(-1e6, 1e6)
likes = st.builds(LikeFace, st.integers(1, 10**9)) | st.builds(
    LikePhoto, paths, st.from_regex("[0-9a-f]{64}", fullmatch=True), st.integers(1, 99), st.builds(Box, *[pixels] * 4)
)
attribute_lists = st.lists(st.integers(0, 39), max_size=2).map(tuple)
rates = st.floats(0, 0.49)
word_errors = st.builds(WordErrors, rates, rates, attribute_lists, rates, texts)
requests = st.builds(
    Request,
    query=queries,
    language=texts,
    person=st.none() | st.integers(1, 9),
    like=st.lists(likes, max_size=3).map(tuple),
    changes=st.lists(st.tuples(st.integers(0, 39), st.booleans()), max_size=3).map(lambda made: Changes(tuple(made))),
    photo=photo_filters,
    min_score=fractions,
    min_detection=fractions,
    min_face=st.floats(0, 1e6),
    order=st.sampled_from(Order),
    errors=st.none() | st.lists(word_errors, min_size=40, max_size=40).map(tuple),
    catalogues=path_lists,
    fold_copies=st.booleans(),
)


@pytest.mark.slow
@given(requests)
@settings(deadline=None, max_examples=100)
def test_a_request_goes_to_json_and_back_unchanged(request: Request) -> None:
    text = request.to_json()
    back = Request.from_json(text)
    assert back == request and back.to_json() == text and back.digest == request.digest
    years = [term.years for term, _, _ in leaves(request.query.tree)]  # do not count as different, and change scores
    assert [term.years for term, _, _ in leaves(back.query.tree)] == years
    assert text.isascii() and "\n" not in text and json.loads(text)["version"] == VERSION


@pytest.mark.slow
@given(requests, requests)
@settings(deadline=None, max_examples=60)
def test_equal_requests_have_equal_digests_and_hashes(one: Request, other: Request) -> None:
    assert hash(one) == hash(replace(one)) and one.digest == replace(one).digest
    if one == other:
        assert hash(one) == hash(other)


SAME = [
    ("man, bald", "bald man"),
    ("a man who is bald", "bald, male"),
    ("glasses or hat", "hat or glasses"),
    ("must:man, bald", "bald, must:man"),
    ("man, folder:a, smiling>0.8", "smiling>0.8, folder:a, man"),
]
OTHER = [
    ("man", "woman"),
    ("man", "maybe man"),
    ("man, bald", "man or bald"),
    ("man, bald", "must:man, bald"),
    ("man", "man, smiling>0.8"),
    ("man", "man, folder:a"),
    ("man, about 25", "man, young"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_digest_is_of_what_is_asked_not_of_how_it_was_said(one: str, other: str) -> None:
    first, second = describe(one)[0], describe(other)[0]
    assert first.digest == second.digest and first.query.text != second.query.text
    assert len(first.digest) == 64 and set(first.digest) <= set("0123456789abcdef")


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_finds_other_faces_has_another_digest(one: str, other: str) -> None:
    assert describe(one)[0].digest != describe(other)[0].digest


@pytest.mark.parametrize(
    "changed",
    [
        {"min_score": 0.5},
        {"min_detection": 0.6},
        {"min_face": 50.0},
        {"photo": PhotoFilter(camera=("canon",))},
        {"order": Order.SCORE},
        {"errors": shipped_errors()},
        {"catalogues": ("/a.db",)},
        {"fold_copies": False},
        {"like": (LikeFace(3),)},
        {"changes": Changes(((3, True),))},
    ],
)
def test_every_bound_and_filter_counts_in_the_digest(changed: dict) -> None:
    request = Request(parse("man"))
    assert replace(request, **changed).digest != request.digest


def test_whom_a_statement_is_about_and_in_which_language_is_kept_and_not_in_the_digest() -> None:
    text = "The first was a bald man. The second was a woman with glasses."
    (first, _), (second, _) = describe(text, person=1), describe(text, person=2)
    assert (first.language, first.person, second.person) == ("English", 1, 2)
    assert first.digest != second.digest == describe("woman, glasses")[0].digest


def test_sentences_for_the_reader_are_no_part_of_a_request() -> None:
    told = Request(replace(parse("man"), remarks=("so",)), changes=Changes(((3, True),), (Notice("rough"),)))
    assert told == Request(parse("man"), changes=Changes(((3, True),)))


def test_filters_beside_a_description_are_said_in_it_where_they_can_be() -> None:
    request = Request(parse("man, name:a"), photo=PhotoFilter(folder=("b",)), min_face=9).merged()
    assert str(request) == "man and folder:b and name:a" and not request.photo and request.min_face == 9
    apart = Request(parse("man, name:a"), photo=PhotoFilter(name=("b",)))
    assert apart.merged() == apart and len(apart.photo_filters) == 2


def test_bounds_that_make_no_sense_are_refused() -> None:
    for bounds in ({"min_score": 2.0}, {"min_detection": float("nan")}, {"min_face": -1.0}, {"min_face": float("inf")}):
        with pytest.raises(SearchError, match="makes no sense"):
            Request(**bounds)


GOOD = json.loads(Request(parse("man, bald or hat, smiling>0.8, folder:a"), like=(LikeFace(1),)).to_json())


def refused(text: str) -> RequestError:
    with pytest.raises(RequestError) as caught:
        Request.from_json(text)
    assert caught.value.kind in KINDS
    sentence = error_in_words(caught.value)
    assert sentence.isprintable() and sentence.endswith(".")
    return caught.value


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", "nonsense", '{"version": "1"}', '{"version": 0}', "[" * 100_000, '{"version": 1']
)
def test_what_is_no_request_is_refused(text: str) -> None:
    assert refused(text).kind == "no request"


def test_a_request_of_a_newer_version_is_not_guessed_at() -> None:
    error = refused(json.dumps({**GOOD, "version": VERSION + 1}))
    assert error.kind == "newer request" and f"version {VERSION + 1}" in error_in_words(error)


@pytest.mark.parametrize(
    "damage",
    [
        {"min_score": 7},
        {"min_score": "0.5"},
        {"min_face": True},
        {"fold_copies": 1},
        {"order": "random"},
        {"tree": {"attribute": "Handsome", "holds": True}},
        {"tree": {"attribute": "Male", "holds": True, "colour": 1}},
        {"tree": {"any": []}},
        {"tree": {"certainty": 2, "of": {"attribute": "Male", "holds": True}}},
        {"bounds": [{"attribute": "Male", "holds": True, "relation": "~", "value": 0.5}]},
        {"bounds": [{"attribute": "Male", "holds": True, "relation": ">", "value": 5}]},
        {"photo": {"folder": [], "name": [], "taken_from": "yesterday", "taken_to": None, "camera": []}},
        {"photo": {"folder": [], "name": [], "taken_from": None, "taken_to": None, "camera": [], "lens": []}},
        {"photo": {"folder": "a", "name": [], "taken_from": None, "taken_to": None, "camera": []}},
        {"like": [{"face": "1"}]},
        {"errors": []},
        {"catalogues": [3]},
        {"person": "1"},
    ],
)
def test_a_damaged_request_is_refused_and_never_a_wider_one(damage: dict) -> None:
    assert refused(json.dumps({**GOOD, **damage})).kind == "no request"


def test_what_a_request_says_and_this_version_does_not_know_is_refused_since_it_may_be_a_filter() -> None:
    assert "smile" in str(refused(json.dumps({**GOOD, "smile": True})).values["reason"])


def test_a_key_that_is_missing_stands_for_what_was_meant_before_it_came() -> None:
    older = {key: value for key, value in GOOD.items() if key not in ("fold_copies", "errors", "reading")}
    assert Request.from_json(json.dumps(older)) == Request.from_json(json.dumps(GOOD))
