"""Certainty: what a hedge covers, what it does to a score, and where it cannot stand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch.attributes import BY_NAME
from facesearch.query import QueryError, parse
from facesearch.query.tree import Term, Weighted, any_of, hedge, negate
from facesearch.search.ranking.joint import joint_probability


def term(name: str, holds: bool = True) -> Term:
    return Term(BY_NAME[name].index, holds)


def score(description: str, **probabilities: float) -> float:
    columns = {BY_NAME[name].index: np.array([p]) for name, p in probabilities.items()}
    return float(joint_probability(parse(description).tree, columns.__getitem__, 1)[0])


@pytest.mark.parametrize(
    ("said", "certainty"),
    [
        ("maybe bald", 0.5),
        ("perhaps bald", 0.5),
        ("possibly bald", 0.5),
        ("they might have been bald", 0.5),
        ("they may be bald", 0.5),
        ("could be bald", 0.5),
        ("probably bald", 0.8),
        ("most likely bald", 0.8),
        ("I think they were bald", 0.8),
        ("I think they might have been bald", 0.5),
        ("definitely maybe bald", 0.5),
        ("bald:0.7", 0.7),
        ("bald : .25", 0.25),
        ("bald:70%", 0.7),
        ("bald:1e-3", 0.001),
        ("bald:0", 0.0),
    ],
)
def test_a_hedge_has_its_certainty(said: str, certainty: float) -> None:
    assert parse(said).tree == Weighted(term("Bald"), certainty)


@pytest.mark.parametrize(
    "said", ["definitely bald", "surely bald", "certainly bald", "for sure bald", "bald:1", "bald:1.0"]
)
def test_full_certainty_is_a_plain_word(said: str) -> None:
    assert parse(said).tree == term("Bald")


def test_scores_are_those_of_the_document() -> None:
    assert score("maybe glasses or hat", Eyeglasses=0.6, Wearing_Hat=0.3) == pytest.approx(1 - 0.5 * (0.4 * 0.7))
    assert score("probably not bald", Bald=0.3) == pytest.approx(1 - 0.8 * 0.3)
    assert score("man, maybe bald", Male=0.9, Bald=0.2) == pytest.approx(0.9 * (1 - 0.5 * 0.8))
    assert score("bald:0.7", Bald=0.0) == pytest.approx(0.3)
    assert score("bald:0", Bald=0.0) == 1.0


@pytest.mark.parametrize(
    ("said", "covered"),
    [
        ("maybe no beard or moustache", negate(any_of((term("No_Beard", False), term("Mustache"))))),
        ("maybe hat or no bald or young", any_of((term("Wearing_Hat"), negate(any_of((term("Bald"), term("Young"))))))),
        ("maybe -bald", term("Bald", False)),
        ("maybe black or brown hair", any_of((term("Black_Hair"), term("Brown_Hair")))),
        ("hair is maybe black or brown", any_of((term("Black_Hair"), term("Brown_Hair")))),
        ("(glasses or hat):0.5", any_of((term("Eyeglasses"), term("Wearing_Hat")))),
        ("not bald:0.5", term("Bald", False)),
        ("not (glasses or hat):0.5", negate(any_of((term("Eyeglasses"), term("Wearing_Hat"))))),
    ],
)  # fmt: skip
def test_a_hedge_covers_all_that_or_joins_with_its_not(said: str, covered: Term) -> None:
    assert parse(said).tree == Weighted(covered, 0.5)


@pytest.mark.parametrize(
    ("said", "reading"),
    [
        ("hat or maybe bald", "hat or bald"),
        ("maybe hat or maybe bald", "maybe (hat or bald)"),
        ("black or maybe brown hair", "black hair or brown hair"),
        ("grey, or maybe blond, hair", "gray hair or blond hair"),
        ("glasses or maybe a hat", "glasses or hat"),
        ("a man with a beard, or possibly a goatee", "man and (beard or goatee)"),
    ],
)
def test_a_hedge_behind_or_says_no_more_than_the_or(said: str, reading: str) -> None:
    assert str(parse(said)) == reading


def test_a_hedge_ends_with_its_clause() -> None:
    assert str(parse("man, maybe bald, hat")) == "man and maybe bald and hat"
    assert str(parse("maybe with glasses and a hat")) == "maybe glasses and hat"
    assert str(parse("woman or (man, maybe bald)")) == "woman or (man and maybe bald)"


@pytest.mark.parametrize(
    ("said", "position", "cause"),
    [
        ("hat or bald:0.7", 11, "only a part"),
        ("hat:0.7 or bald", 3, "only a part"),
        ("no beard or moustache:0.7", 21, "only a part"),
        ("hat or (maybe bald)", 7, "nothing but hedged words"),
        ("hat or (maybe bald, probably man)", 7, "nothing but hedged words"),
        ("not maybe bald", 4, 'say "maybe not"'),
        ("not (maybe bald)", 5, "within parentheses that are denied"),
        ("-(man, bald:0.7)", 11, "within parentheses that are denied"),
        ("hat, not (man, (maybe bald, young))", 16, "within parentheses that are denied"),
        ("maybe bald:0.7", 10, "hedge the same"),
        ("-maybe bald", 0, "stands directly before"),
        ("bald, :0.7", 6, "stands directly behind"),
        ("bald:0.7:0.8", 8, "stands directly behind"),
        ("man, foldr:x", 5, 'did you mean "folder:"'),
        ("bald:nan", 5, "between 0 and 1: nan does not"),
        ("bald:NaN", 5, "between 0 and 1"),
        ("bald:inf", 5, "between 0 and 1"),
        ("bald:-inf", 5, "between 0 and 1"),
        ("bald:infinity", 5, "between 0 and 1"),
        ("bald:-0.5", 5, "between 0 and 1"),
        ("bald:1.01", 5, "between 0 and 1"),
        ("bald:101%", 5, "between 0 and 1"),
        ("bald:1e999999999999999999999", 5, "between 0 and 1"),
        ("bald:0,7", 6, "with a point"),
    ],
)
def test_what_a_hedge_cannot_do_is_refused_at_its_place(said: str, position: int, cause: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(said)
    assert cause in str(caught.value)
    assert caught.value.position == position
    assert str(caught.value).isprintable()


def test_a_hedge_that_is_denied_twice_is_not_denied() -> None:
    assert parse("not not (maybe bald)").tree == parse("maybe bald").tree


@given(st.floats(0, 1), st.integers(0, 39), st.booleans())
@settings(deadline=None)
def test_a_certainty_of_any_value_can_be_pasted(certainty: float, attribute: int, holds: bool) -> None:
    tree = hedge(Term(attribute, holds), certainty)
    assert parse(str(tree)).tree == tree


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
@settings(deadline=None)
def test_a_hedge_of_a_hedge_scores_as_their_product(outer: float, inner: float, p: float) -> None:
    tree = hedge(hedge(Term(4), inner), outer)
    found = joint_probability(tree, lambda _: np.array([p]), 1)[0]
    assert found == pytest.approx(1 - outer * (1 - (1 - inner * (1 - p))), abs=1e-12)


@pytest.mark.parametrize("certainty", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_tree_holds_no_certainty_that_makes_no_sense(certainty: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Weighted(Term(0), certainty)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("man, maybe bald, no hat", "man and no hat"),
        ("man, probably (bald or hat)", "man"),
        ("woman or (man, maybe bald)", "woman or man"),
        ("maybe bald", None),
        ("maybe bald, hat:0.3", None),
        ("man, definitely bald", "man and bald"),
    ],
)
def test_expected_counts_leave_hedged_words_out(said: str, left: str | None) -> None:
    tree = parse(said).without_hedges
    assert (None if tree is None else str(tree)) == left


def test_asked_says_how_certain_each_word_is() -> None:
    asked = parse("man, maybe (bald, probably hat), glasses:0.7, not bald, maybe man").asked
    assert [(one.words, one.certainty) for one in asked] == [
        ("man", 1.0),
        ("bald", 0.5),
        ("hat", 0.4),
        ("glasses", 0.7),
        ("not bald", 1.0),
    ]
