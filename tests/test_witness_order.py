"""The order that reckons with a witness who errs, the files of error rates, and ages in numbers."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.attributes import BY_NAME, NAMES
from facesearch.certainty import certainty_of
from facesearch.errors import RequestError
from facesearch.query import parse, understand
from facesearch.query.said_ages import BORDER, certainty, weighed
from facesearch.query.tree import EVERYTHING, Node, Term, Weighted, parts_of
from facesearch.search.ranking.joint import joint_probability
from facesearch.search.ranking.witness import doubted, error_in, read_errors, shipped_errors

ERRORS = shipped_errors()


def factor(tree: Node, **known: float) -> float:
    """The probability of a tree for a face of which all else is .5."""
    p = np.full((40, 1), 0.5)
    for name, value in known.items():
        p[BY_NAME[name].index] = value
    return float(joint_probability(tree, p.__getitem__, 1)[0])


def test_every_attribute_has_rates_and_a_source() -> None:
    assert len(ERRORS) == len(NAMES)
    assert all(0 < each.present < 0.5 and 0 < each.absent < 0.5 and each.source for each in ERRORS)


def test_a_word_counts_as_that_of_a_witness_who_errs_at_its_rate() -> None:
    glasses = doubted(parse("glasses").tree, ERRORS)
    assert factor(glasses, Eyeglasses=0.0) / factor(glasses, Eyeglasses=1.0) == pytest.approx(0.12 / 0.88, rel=1e-3)
    none = doubted(parse("no glasses").tree, ERRORS)
    assert factor(none, Eyeglasses=1.0) / factor(none, Eyeglasses=0.0) == pytest.approx(0.2 / 0.8, rel=1e-3)


def test_hair_counts_more_for_a_colour_near_to_it_than_for_a_far_one() -> None:
    black = doubted(parse("black hair").tree, ERRORS)
    own, near, far = (
        factor(black, **{"Black_Hair": 0.0, "Brown_Hair": 0.0, "Blond_Hair": 0.0, name: 1.0})
        for name in ("Black_Hair", "Brown_Hair", "Blond_Hair")
    )
    assert near / own == pytest.approx(0.3 / 0.7, rel=1e-3)
    assert far / own == pytest.approx(0.08 / 0.92, rel=1e-3)


def test_a_hedge_stays_on_top_of_the_doubt() -> None:
    (maybe,) = parts_of(doubted(parse("maybe bald").tree, ERRORS))
    assert maybe == Weighted(Term(BY_NAME["Bald"].index), 0.5 * certainty_of(0.1))


def test_alternatives_err_together_and_denials_of_several_when_one_does() -> None:
    assert error_in(parse("glasses or goatee").tree, ERRORS) == 0.12
    assert error_in(parse("not (beard or mustache)").tree, ERRORS) == 0.2


def test_one_wrong_word_leaves_a_face_above_one_that_fits_a_single_word() -> None:
    tree = parse("man, bald, glasses, beard, hat").tree
    clear = {"Male": 0.99, "Bald": 0.97, "Eyeglasses": 1e-6, "No_Beard": 0.03, "Wearing_Hat": 0.97}
    blurred = {"Male": 0.9, "Bald": 0.1, "Eyeglasses": 0.1, "No_Beard": 0.9, "Wearing_Hat": 0.1}
    assert factor(tree, **clear) < factor(tree, **blurred)
    assert factor(doubted(tree, ERRORS), **clear) > factor(doubted(tree, ERRORS), **blurred)


@pytest.mark.parametrize(
    "table", ["attribute,present,absent\nBald,.3,.4\n", "attribute;present;absent\nBald;0,3;0,4\n"]
)
def test_a_file_replaces_the_rates_that_it_names(tmp_path: Path, table: str) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(table, encoding="utf-8-sig")
    errors = read_errors(file)
    bald = BY_NAME["Bald"].index
    assert (errors[bald].present, errors[bald].absent) == (0.3, 0.4)
    assert errors[:bald] == ERRORS[:bald] and errors[bald + 1 :] == ERRORS[bald + 1 :]


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("", "no columns"),
        ("attribute\tpresent\nBald\t.1\n", "no columns"),
        ("attribute\tpresent\tabsent\nBold\t.1\t.1\n", "unknown attribute"),
        ("attribute\tpresent\tabsent\tnear\nBald\t.1\t.1\tHair\n", "unknown attribute"),
        ("attribute\tpresent\tabsent\nBald\t.5\t.1\n", "no rate"),
        ("attribute\tpresent\tabsent\nBald\t.1\n", "no rate"),
        ("attribute\tpresent\tabsent\nBald\tnan\t.1\n", "no rate"),
        ("attribute\tpresent\tabsent\nBald\t.1\t.1\nBald\t.1\t.1\n", "twice"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_what_is_wrong(tmp_path: Path, table: str, kind: str) -> None:
    file = tmp_path / "rates.tsv"
    file.write_text(table)
    with pytest.raises(RequestError) as refused:
        read_errors(file)
    assert refused.value.kind == kind


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("binary", "nowhere"):
        with pytest.raises(RequestError) as refused:
            read_errors(tmp_path / name)
        assert refused.value.kind == "unreadable"


class TestAges:
    def test_near_the_border_none_counts_so_39_and_41_are_no_opposites(self) -> None:
        for man in (None, True, False):
            assert all(certainty((age, age), age < 40, man) == 0 for age in range(BORDER[0], BORDER[1] + 1))
        assert weighed(parse("man, 39 years old").tree) == weighed(parse("man, 41 years old").tree) == parse("man").tree

    @given(st.integers(18, 34), st.sampled_from([None, True, False]))
    def test_the_further_from_it_the_more_it_counts(self, age: int, man: bool | None) -> None:
        assert certainty((age, age), True, man) >= certainty((age + 1, age + 1), True, man) > 0
        old = 80 - age
        assert certainty((old, old), False, man) >= certainty((old - 1, old - 1), False, man) > 0

    @pytest.mark.parametrize("said", ["man in his fifties", "man, 50 years old", "man aged 50 to 55", "man, over 50"])
    def test_the_reading_says_old_and_only_the_weight_changes(self, said: str) -> None:
        query = parse(said)
        assert str(query) == "man and old"
        (_, old) = parts_of(query.scored)
        assert isinstance(old, Weighted) and 0 < old.certainty < 1
        assert query.without_hedges == parse("man and old").tree  # it still counts for the number of faces to expect

    def test_a_statement_carries_the_years_as_well(self) -> None:
        query = understand("The robber was a man, about 39 years old, with glasses.").query()
        assert str(query.tree) == "man and young and glasses"
        assert query.scored == parse("man and glasses").tree
        assert query.things_said == (2, 3)

    def test_a_plain_word_counts_in_full(self) -> None:
        assert parse("old man").scored == parse("old man").tree
        assert parse("old man, 50 years old").scored == parse("old man").tree

    def test_that_a_child_cannot_be_judged_is_noticed(self) -> None:
        def kinds(text: str) -> list[str]:
            return [each.kind for each in parse(text).notices()]

        assert kinds("12 years old, glasses") == ["age counts", "child"]
        assert kinds("boy, 12 years old") == ["child"]
        assert kinds("teenager, glasses") == ["child"]
        assert kinds("man, 25 years old") == ["age counts"]
        assert kinds("man, 40 years old") == ["age near the border"]
        assert kinds("young man") == []

    def test_an_age_that_does_not_count_is_not_said_to_be_searched(self) -> None:
        def kinds(text: str) -> list[str]:
            statement = understand(text)
            return [each.kind for each in (*statement.notices, *statement.query().notices())]

        assert kinds("man, about 38") == ["age near the border"]
        assert kinds("man, about 30") == ["age", "age counts"]

    def test_nothing_but_an_age_near_the_border_scores_nothing(self) -> None:
        assert parse("40 years old").scored == EVERYTHING


def test_words_that_follow_origin_are_noticed_where_they_are_said() -> None:
    (notice,) = parse("man, big nose, pale skin").notices()
    assert (notice.kind, notice.values["words"]) == ("unfair", ("big nose", "pale skin"))
    assert parse("man, glasses").notices() == ()
