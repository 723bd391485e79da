"""Why a face was found: probabilities of the asked words, their marks, and which one cost the score most."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cli.report.wording import notice_in_words
from facesearch.attributes import BY_NAME
from facesearch.query import parse
from facesearch.search.ranking.explain import AskedProbability, Mark, explain, hedged, weak_grades
from facesearch.search.ranking.joint import joint_probability

UNGRADED = (None,) * 40


def probabilities(**known: float) -> np.ndarray:
    """float64 [1, 40]: .5 but for these attributes."""
    p = np.full((1, 40), 0.5)
    for name, value in known.items():
        p[0, BY_NAME[name].index] = value
    return p


def explained(text: str, grades=UNGRADED, **known: float) -> tuple[AskedProbability, ...]:
    (found,) = explain(parse(text), probabilities(**known), grades)
    return found


def costly(text: str, **known: float) -> list[str]:
    return [each.asked.words for each in explained(text, **known) if each.cost_most]


@pytest.mark.parametrize(
    ("p", "mark"),
    [
        (1.0, Mark.FITS),
        (0.7, Mark.FITS),
        (0.6999, Mark.UNSURE),
        (0.3, Mark.UNSURE),
        (0.2999, Mark.FITS_NOT),
        (0.0, Mark.FITS_NOT),
    ],
)
def test_a_mark_goes_by_the_probability_of_the_word_as_it_was_asked(p: float, mark: Mark) -> None:
    assert [each.mark for each in explained("bald", Bald=p)] == [mark]
    assert [each.mark for each in explained("not bald", Bald=1 - p)] == [mark]
    assert [each.mark for each in explained("maybe bald", Bald=p)] == [mark]


def test_the_word_that_cost_most_is_the_least_likely_of_those_that_must_all_hold() -> None:
    assert costly("man, bald, no hat", Male=0.9, Bald=0.5, Wearing_Hat=0.2) == ["bald"]
    assert costly("man, bald, no hat", Male=0.9, Bald=0.95, Wearing_Hat=0.4) == ["no hat"]


def test_within_alternatives_a_word_costs_only_what_they_lack_together() -> None:
    # The pair holds with .92, so "man" with .8 costs more than "bald" with .2.
    assert costly("man, (bald or hat)", Male=0.8, Bald=0.2, Wearing_Hat=0.9) == ["man"]
    assert costly("man, (bald or hat)", Male=0.8, Bald=0.2, Wearing_Hat=0.3) == ["bald", "hat"]
    assert costly("man, (bald or hat)", Male=0.99, Bald=0.01, Wearing_Hat=0.9) == ["hat"]  # "bald" is not needed


def test_the_other_side_of_an_or_that_fits_is_not_needed() -> None:
    def marks(text: str, **known: float) -> list[Mark]:
        return [each.mark for each in explained(text, **known)]

    assert marks("bald or hat", Bald=0.99, Wearing_Hat=0.1) == [Mark.FITS, Mark.NOT_NEEDED]
    assert marks("bald or hat", Bald=0.2, Wearing_Hat=0.1) == [Mark.FITS_NOT, Mark.FITS_NOT]
    assert marks("bald or hat", Bald=0.72, Wearing_Hat=0.1) == [Mark.FITS, Mark.NOT_NEEDED]
    assert marks("man, maybe bald", Male=0.9, Bald=0.6) == [Mark.FITS, Mark.UNSURE]
    assert marks("man or not man", Male=0.1) == [Mark.NOT_NEEDED, Mark.FITS]
    assert marks("man, bald", Male=0.0, Bald=0.0) == [Mark.FITS_NOT, Mark.FITS_NOT]


@pytest.mark.parametrize(
    ("p", "percent"), [(0.698, 69), (0.7, 70), (0.2999, 29), (0.3, 30), (0.996, 99), (1.0, 100), (0.0, 0)]
)
def test_whole_percent_never_contradict_the_mark(p: float, percent: int) -> None:
    (found,) = explained("bald", Bald=p)
    assert found.percent == percent and f" {percent} % {found.mark}" in str(found)


def test_a_bound_is_shown_with_its_probability_and_costs_nothing() -> None:
    man, bound = explained("man, smiling>0.2", Male=0.4, Smiling=0.25)
    assert (bound.words, bound.probability, bound.mark, bound.cost_most) == ("smiling>0.2", 0.25, Mark.FITS, False)
    assert man.mark is Mark.UNSURE


def test_a_hedged_word_costs_less_than_the_same_word_said_plainly() -> None:
    assert costly("man, maybe bald", Male=0.6, Bald=0.4) == ["man"]
    assert costly("man, bald", Male=0.6, Bald=0.4) == ["bald"]


def test_no_word_is_marked_where_nothing_is_lost_or_only_one_is_asked() -> None:
    assert costly("man, bald", Male=0.99, Bald=0.98) == []
    assert costly("bald", Bald=0.01) == []
    assert costly("man or not man", Male=0.5) == []


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4))
@example([5e-324, 0.0, 0.5, 1.0])  # a score that has lost all its digits
@settings(deadline=None)
def test_no_word_would_raise_the_score_more_than_one_that_is_marked(p: list[float]) -> None:
    query = parse("man, (bald or no hat), maybe glasses")
    names = ("Male", "Bald", "Wearing_Hat", "Eyeglasses")
    row = probabilities(**dict(zip(names, p, strict=True)))
    (found,) = explain(query, row, UNGRADED)

    def if_certain(each: AskedProbability) -> float:
        sure = row.copy()
        sure[0, each.asked.attribute.index] = float(each.asked.wanted)
        return float(joint_probability(query.tree, sure.T.__getitem__, 1)[0])

    marked = [each for each in found if each.cost_most]
    highest = max(map(if_certain, found))
    assert all(if_certain(each) == pytest.approx(highest, rel=1e-8) for each in marked)
    assert not any(each in marked for each in found if if_certain(each) < 0.99 * highest)


def test_every_face_is_explained_by_itself() -> None:
    rows = np.concatenate([probabilities(Male=0.9, Bald=0.1), probabilities(Male=0.2, Bald=0.7)])
    first, second = explain(parse("man, not bald"), rows, UNGRADED)
    assert [each.probability for each in first] == pytest.approx([0.9, 0.9])
    assert [each.probability for each in second] == pytest.approx([0.2, 0.3])
    assert [each.cost_most for each in second].count(True) == 1


def test_where_nothing_is_asked_there_is_nothing_to_explain() -> None:
    assert explain(parse("name:x"), np.full((3, 40), 0.5), UNGRADED) == [(), (), ()]


def test_a_hedged_word_shows_its_certainty() -> None:
    said = [hedged(each.asked) for each in explained("maybe bald, probably not smiling, hat:0.3, man")]
    assert said == ["maybe bald", "probably not smiling", "hat:0.3", "man"]


def test_weak_attributes_carry_their_grade_and_strong_ones_do_not() -> None:
    grades = ["A"] * 40
    grades[BY_NAME["Oval_Face"].index] = "D"
    grades[BY_NAME["Bald"].index] = "C"
    grades[BY_NAME["Wearing_Hat"].index] = "B"
    asked = explained("oval face, not bald, hat, man", tuple(grades))
    assert [each.words for each in asked] == ["oval face (D)", "not bald (C)", "hat", "man"]
    assert [each.weak for each in asked] == [True, True, False, False]
    remarks = [notice_in_words(each) for each in weak_grades([each.asked for each in asked], grades)]
    assert len(remarks) == 2
    assert remarks[0].startswith("Grade C") and remarks[0].endswith(": not bald.")
    assert remarks[1].startswith("Grade D") and remarks[1].endswith(": oval face.")


def test_without_grades_nothing_is_called_weak() -> None:
    asked = explained("oval face")
    assert (asked[0].words, asked[0].weak) == ("oval face", False)
    assert list(weak_grades([asked[0].asked], UNGRADED)) == []


def test_in_words_it_says_what_a_table_shows() -> None:
    asked = explained("man, bald", Male=0.9, Bald=0.2)
    assert list(map(str, asked)) == ["man 90 % fits", "bald 20 % does not fit, cost the most"]


def test_thousands_of_faces_are_explained_like_each_alone() -> None:
    rows = np.random.default_rng(3).random((2500, 40))
    query = parse("man, (bald or no hat), maybe glasses")
    together = explain(query, rows, UNGRADED)
    for number in (0, 1023, 1024, 2048, 2499):
        assert explain(query, rows[number : number + 1], UNGRADED) == [together[number]]
