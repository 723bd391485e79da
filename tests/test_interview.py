"""The interview: what it asks, what an answer does to the candidates, and the search that it ends in."""

from collections.abc import Sequence
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from db import models, photos, roots
from db.catalogue import open_catalogue
from db.faces import FaceRecord
from db.photos import FileRecord, PhotoRecord
from db.values.box import Box
from db.values.photo import Outcome, PhotoFacts
from db.values.scoring_model import calibrate
from facesearch.attributes import ATTRIBUTES, BY_NAME, NAMES
from facesearch.certainty import certainty_of, error_of
from facesearch.errors import UsageError
from facesearch.query import Query, parse
from facesearch.query.statement import MAX_HEIGHT
from facesearch.query.tree import Term, all_of, hedge, height
from facesearch.search.answers import read_answer, recorded
from facesearch.search.description import search
from facesearch.search.interview import (
    LEAST_BITS,
    Answer,
    Candidates,
    Interview,
    begin,
    lasted,
    witnessed,
)
from facesearch.search.questions import ASKED, OPEN_PROMPTS, lasting, question, statement_text
from facesearch.search.ranking.information import SAMPLE, information, representatives
from facesearch.search.ranking.joint import joint_probability
from facesearch.search.request import UNDESCRIBED, Order, Request
from tests.support.catalogues import LOOKED
from tests.support.stand_ins import model

FACES = 50
EVERYONES = ASKED
MALE, YOUNG, BALD, HAT = (BY_NAME[name].index for name in ("Male", "Young", "Bald", "Wearing_Hat"))
LIPSTICK = BY_NAME["Wearing_Lipstick"].index
BLACK, BROWN, NO_BEARD, GOATEE = (BY_NAME[name].index for name in ("Black_Hair", "Brown_Hair", "No_Beard", "Goatee"))


def some_logits(faces: int = FACES, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(-0.5, 2.0, (len(NAMES), faces)).astype(np.float32)


def candidates(logits: NDArray[np.float32], allowed: NDArray[np.bool_] | None = None) -> Candidates:
    ones, zeros = np.ones(len(NAMES), np.float32), np.zeros(len(NAMES), np.float32)
    everyone = np.ones(logits.shape[1], np.bool_)
    return Candidates(logits.__getitem__, everyone if allowed is None else allowed, ones, zeros)


def about(start: str = "", *, error: float = 0.1, logits: NDArray[np.float32] | None = None) -> Interview:
    """An interview about made-up faces."""
    described = parse(start) if start else UNDESCRIBED
    return Interview(candidates(some_logits() if logits is None else logits), described, error)


def answered(held: Interview, answers: Sequence[Answer]) -> Interview:
    for answer in answers:
        asked = held.next_question()
        assert asked is not None
        held.answer(asked, answer)
    return held


def all_asked(held: Interview, answer: Answer = Answer.UNSURE) -> list[int]:
    """Every attribute that it asks for, in order, the same answer given to all."""
    asked = []
    while (one := held.next_question()) is not None:
        asked.append(one.attribute.index)
        held.answer(one, answer)
    return asked


class TestQuestions:
    @pytest.mark.parametrize("attribute", sorted(ASKED), ids=lambda each: NAMES[each])
    def test_every_attribute_that_is_asked_has_a_short_one_of_its_own(self, attribute: int) -> None:
        texts = [question(each).text for each in ASKED]
        text = question(attribute).text
        assert texts.count(text) == 1
        assert text.endswith("?") and text[0].isupper() and len(text) < 60 and "_" not in text

    def test_are_none_of_lips_nose_eyes_skin_cheeks_shape_looks_smile_or_mouth(self) -> None:
        unasked = {each.name for each in ATTRIBUTES if each.index not in ASKED}
        assert unasked == {
            "Attractive", "Bags_Under_Eyes", "Big_Lips", "Big_Nose", "Blurry", "High_Cheekbones", "Mouth_Slightly_Open",
            "Narrow_Eyes", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Rosy_Cheeks", "Smiling",
        }  # fmt: skip

    def test_are_about_the_person_until_the_sex_is_known(self) -> None:
        assert question(HAT).text == "Did the person wear a hat or cap?"
        assert question(HAT, man=True).text == "Did he wear a hat or cap?"
        assert question(HAT, man=False).text == "Did she wear a hat or cap?"

    @pytest.mark.parametrize(("start", "said"), [("man", "he"), ("woman, young", "she"), ("man or bald", "the person")])
    def test_take_the_sex_from_the_description(self, start: str, said: str) -> None:
        asked = about(start).next_question()
        assert asked is not None
        assert asked == question(asked.attribute.index, {"he": True, "she": False}.get(said))

    @pytest.mark.parametrize(("answer", "man"), [(Answer.YES, True), (Answer.NO, False), (Answer.UNSURE, None)])
    def test_take_the_sex_from_the_answer(self, answer: Answer, man: bool | None) -> None:
        held = about()
        held.answer(question(MALE), answer)
        asked = held.next_question()
        assert asked is not None and asked == question(asked.attribute.index, man)

    def test_yes_to_a_beard_means_that_no_beard_does_not_hold(self) -> None:
        held = about(error=0.0)
        held.answer(question(NO_BEARD), Answer.YES)
        assert "beard?" in question(NO_BEARD).text
        assert held.query.tree == parse("beard").tree


class TestWhatIsAsked:
    def test_is_the_most_informative_question(self) -> None:
        """Against the mutual information from its definition, over faces and answers."""
        held = answered(about(), [Answer.YES, Answer.NO, Answer.YES])
        weights, gone = held.weights(), {each.question.attribute.index for each in held.answers}
        told = {i: by_definition(weights, chances(i, weights)) for i in EVERYONES - gone}
        best = sorted(told, key=lambda i: -told[i])
        assert [each.attribute.index for each in held.next_questions(5)] == best[:5]
        asked = held.next_question()
        assert asked is not None and asked.attribute.index == best[0]

    def test_is_of_two_that_tell_as_much_what_lasts_longer(self) -> None:
        logits = np.full((len(NAMES), 40), -6, np.float32)
        logits[HAT, ::2] = logits[YOUNG, 1::2] = 6
        assert all_asked(about(logits=logits))[:2] == [YOUNG, HAT]

    def test_changes_with_the_answers(self) -> None:
        orders = [all_asked(about(), answer) for answer in (Answer.YES, Answer.NO)]
        assert orders[0][0] == orders[1][0] and orders[0] != orders[1]

    def test_is_what_is_as_good_as_known_only_when_nothing_else_is_left(self) -> None:
        """Of a man, not whether he wore lipstick: that would tell the most, were it not foregone by his word."""
        logits = np.full((len(NAMES), 40), -6, np.float32)
        logits[MALE, :10], logits[HAT, ::5] = 6, 6
        logits[LIPSTICK] = -logits[MALE]
        held = about(logits=logits)
        held.answer(question(MALE), Answer.YES)
        bits = {each: by_definition(held.weights(), chances(each, held.weights(), logits)) for each in (LIPSTICK, HAT)}
        assert bits[LIPSTICK] > bits[HAT] > LEAST_BITS
        asked = all_asked(held)
        assert asked.index(HAT) < asked.index(LIPSTICK)

    def test_is_each_attribute_once_that_there_is_a_question_for(self) -> None:
        asked = all_asked(about())
        assert sorted(asked) == sorted(EVERYONES)

    @pytest.mark.parametrize(
        ("start", "never"),
        [
            ("man", {MALE}),
            ("not bald", {BALD}),
            ("no beard or goatee", {NO_BEARD, GOATEE}),
            ("maybe bald", {BALD}),
            ("maybe (bald or hat), man", {BALD, HAT, MALE}),
        ],
    )
    def test_is_nothing_that_the_description_says(self, start: str, never: set[int]) -> None:
        assert set(all_asked(about(start))) == EVERYONES - never

    def test_is_which_of_two_that_the_description_leaves_open(self) -> None:
        assert {BLACK, BROWN} <= set(all_asked(about("black or brown hair")))

    def test_is_nothing_that_follows_from_answers_without_error(self) -> None:
        held = about("black or brown hair", error=0.0)
        held.answer(question(BLACK), Answer.NO)
        assert BROWN not in all_asked(held)

    def test_weighs_what_the_description_leaves_open_by_what_it_says(self) -> None:
        """Of faces with black or brown hair, one whose hair is surely not black has brown hair."""
        logits = np.full((len(NAMES), 2), -40.0, np.float32)
        logits[BLACK] = (-40.0, 3.0)
        logits[BROWN] = -1.0, -40.0
        held = about("black or brown hair", logits=logits)
        asked = held.next_question()
        assert asked is not None and asked.attribute.index == BLACK
        p = lasted(np.array([[0.0, 1.0]]), held.weights(), [BLACK])
        bits = float(information(held.weights(), witnessed(p, error_of(certainty_of(0.1))))[0])
        held.answer(asked, Answer.YES)
        expected = 0.0
        for answer in (Answer.YES, Answer.NO):
            other = about("black or brown hair", logits=logits)
            before = other.weights()
            q = witnessed(p[0], error_of(certainty_of(0.1)))
            q = q if answer is Answer.YES else 1 - q
            expected += float(before @ q) * divergence(before * q / (before @ q), before)
        assert bits == pytest.approx(expected)

    def test_is_nothing_when_one_face_is_left(self) -> None:
        assert about(logits=some_logits(1)).next_question() is None

    def test_is_nothing_when_all_faces_look_alike(self) -> None:
        assert about(logits=np.repeat(some_logits(1), 30, axis=1)).next_question() is None

    def test_is_nothing_when_nobody_is_left(self) -> None:
        held = about(error=0.0, logits=np.full((len(NAMES), 3), -1000.0, np.float32))
        held.answer(question(HAT), Answer.YES)
        assert held.next_question() is None and held.remaining() == 0.0 and not held.weights().any()

    def test_ends_before_the_description_grows_too_long_to_be_read_back(self) -> None:
        words = ("man", "young", "bald", "hat", "smiling", "goatee", "black hair", "chubby")
        start = ", ".join(f"({' or '.join(three)})" for three in list(combinations(words, 3))[:33])
        held = about(start)
        assert len(all_asked(held, Answer.NO)) == 1
        assert parse(held.query.text).tree == held.query.tree

    def test_is_nothing_where_the_description_is_as_deep_as_can_be(self) -> None:
        start = "not ((young and man) or hat)"
        for word in ("man", *("bald", "man") * 6):
            start = f"(({start} and {word}) or hat)"
        assert height(parse(start).tree) == MAX_HEIGHT
        assert all_asked(about(start)) == []


def chances(
    attribute: int, weights: NDArray[np.float64], logits: NDArray[np.float32] | None = None
) -> NDArray[np.float64]:
    """How likely each made-up face is answered yes to by who saw the person on another day."""
    p = 1 / (1 + np.exp(-(some_logits() if logits is None else logits)[attribute].astype(np.float64)))
    mean = float(p @ weights)
    return 0.1 + 0.8 * (mean + lasting(attribute) * (p - mean))


def by_definition(weights: NDArray[np.float64], yes: NDArray[np.float64]) -> float:
    joint = np.stack([weights * yes, weights * (1 - yes)])
    apart = joint.sum(axis=1, keepdims=True) * weights
    return float((joint * np.log2(joint / apart)).sum())


def divergence(after: NDArray[np.float64], before: NDArray[np.float64]) -> float:
    return float((after * np.log2(after / before)).sum())


class TestWords:
    """How answers in the witness's own words count."""

    @pytest.mark.parametrize(
        ("words", "counts"),
        [
            ("yes, definitely", "beard"),
            ("Probably", "probably beard"),
            ("maybe not", "maybe no beard"),
            ("I don\u2019t think so.", "probably no beard"),
            ("no, I think", "probably no beard"),
            ("yes, a brown goatee", "beard and goatee"),
            ("I think he had a moustache", "man and probably mustache"),
            ("he had none", "man and no beard"),
        ],
    )
    def test_may_be_hedged_or_whole_sentences(self, words: str, counts: str) -> None:
        said = read_answer(question(NO_BEARD), words)
        assert said is not None and all_of(said.parts) == parse(counts).tree

    @pytest.mark.parametrize("words", ["don't know", "I really don't remember", "I couldn't say", "I am not sure"])
    def test_that_say_nothing_count_as_nothing(self, words: str) -> None:
        said, held = read_answer(question(NO_BEARD), words), about()
        assert said is not None
        held.answer(question(NO_BEARD), said)
        assert held.remaining() == pytest.approx(FACES) and NO_BEARD not in all_asked(held)

    @pytest.mark.parametrize(
        "words",
        ["yes", "no", "maybe not", "no, I think", "he had none", "yes, a goatee", "not sure", "I am not sure", "skip",
         "don't know", "I really don't remember", "hard to say"],
    )  # fmt: skip
    def test_count_the_same_once_they_are_read_in_the_statement(self, words: str) -> None:
        asked = question(NO_BEARD)
        said = read_answer(asked, words)
        assert said is not None
        text = statement_text([(OPEN_PROMPTS[0], "A man.")], [(asked.text, recorded(asked, words))])
        assert words in text and parse(text).tree == all_of((parse("man").tree, *said.parts))

    @pytest.mark.parametrize("words", ["", "yess", "yes no", "qwertz", "well", "no\0", "y" * 3000])
    def test_that_are_no_answer_are_asked_for_again(self, words: str) -> None:
        assert read_answer(question(NO_BEARD), words) is None

    def test_settle_what_they_tell_beside_the_question(self) -> None:
        said, held = read_answer(question(NO_BEARD), "he wore a hat, I think"), about()
        assert said is not None
        held.answer(question(NO_BEARD), said)
        assert not {NO_BEARD, HAT, MALE} & set(all_asked(held))

    def test_stand_in_the_statement_word_by_word_behind_what_was_asked(self) -> None:
        told = [(OPEN_PROMPTS[0], "A  man,\n\nwith a beard."), (OPEN_PROMPTS[1], " ")]
        text = statement_text(told, [("Did he wear glasses?", "don't know"), ("Was he bald?", "no")])
        assert "A: A  man,\n\nwith a beard." in text and OPEN_PROMPTS[1] not in text
        assert text.index("a closed question leads") > text.index("with a beard")
        assert parse(text).tree == parse("man, beard, not bald").tree


class TestAnswers:
    def test_multiply_the_weights_by_how_likely_each_face_is_answered_so(self) -> None:
        held = answered(about(), [Answer.YES, Answer.NO, Answer.UNSURE, Answer.YES])
        expected = np.ones(FACES)
        for each in held.answers:
            if each.answer is not Answer.UNSURE:
                yes = each.question.wanted is (each.answer is Answer.YES)
                q = 0.1 + 0.8 / (1 + np.exp(-some_logits()[each.question.attribute.index].astype(np.float64)))
                expected *= q if yes else 1 - q
        np.testing.assert_allclose(held.weights(), expected / expected.sum(), rtol=1e-3)

    @given(st.floats(0, 0.49), st.lists(st.floats(0, 1), min_size=2, max_size=8).map(np.array))
    def test_are_a_hedged_word(self, error: float, p: NDArray[np.float64]) -> None:
        """e + (1 - 2e) p is (1 - e) times 1 - w (1 - p), and so is a no."""
        w = certainty_of(error)
        exact = error_of(w)
        for column, tree in ((p, Term(HAT)), (1 - p, Term(HAT, False))):
            factor = joint_probability(hedge(tree, w), lambda _: p, len(p))
            np.testing.assert_allclose(witnessed(column, exact), (1 - exact) * factor, atol=1e-15)
        assert exact == pytest.approx(error, rel=2e-3)

    def test_have_a_certainty_of_four_digits(self) -> None:
        assert certainty_of(0.1) == 0.8889
        assert certainty_of(0.0) == 1.0
        assert certainty_of(1e-5) == 0.99999
        assert certainty_of(1 / 3) == 0.5

    def test_without_error_are_plain_words(self) -> None:
        held = about("young", error=0.0)
        held.answer(question(MALE), Answer.NO)
        held.answer(question(HAT), Answer.YES)
        assert held.query.tree == parse("young, woman, hat").tree

    @pytest.mark.parametrize("error", [0.5, 1.0, -0.1, float("nan"), float("inf")])
    def test_that_tell_nothing_are_refused(self, error: float) -> None:
        with pytest.raises(UsageError, match=r"below 0\.5"):
            certainty_of(error)

    def test_can_be_taken_back_one_after_the_other(self) -> None:
        held = about("young")
        before = [(held.next_question(), held.query, held.remaining())]
        for answer in (Answer.YES, Answer.UNSURE, Answer.NO):
            answered(held, [answer])
            before.append((held.next_question(), held.query, held.remaining()))
        for asked, query, remaining in reversed(before[:-1]):
            taken = held.take_back()
            assert taken is not None and taken.question == asked
            assert (held.next_question(), held.query, held.remaining()) == (asked, query, remaining)
        assert held.take_back() is None

    def test_not_sure_changes_nothing_but_what_is_asked(self) -> None:
        held = about()
        before = held.weights()
        first = held.next_question()
        answered(held, [Answer.UNSURE])
        np.testing.assert_array_equal(held.weights(), before)
        assert held.query.tree == UNDESCRIBED.tree and held.next_question() != first


class TestRemaining:
    def test_is_everybody_at_first(self) -> None:
        assert about().remaining() == pytest.approx(FACES)

    def test_counts_faces_that_are_equally_likely(self) -> None:
        logits = np.zeros((len(NAMES), 12), np.float32)
        logits[HAT] = [1000.0] * 3 + [-1000.0] * 9
        held = about(error=0.0, logits=logits)
        held.answer(question(HAT), Answer.YES)
        assert held.remaining() == pytest.approx(3)

    def test_leaves_out_who_is_not_searched(self) -> None:
        allowed = np.arange(FACES) < 20
        held = Interview(candidates(some_logits(), allowed), UNDESCRIBED, 0.1)
        assert held.remaining() == pytest.approx(20) and held.candidates == 20
        assert not held.weights()[20:].any()

    def test_starts_from_the_scores_of_a_description(self) -> None:
        p = 1 / (1 + np.exp(-some_logits()[MALE].astype(np.float64)))
        np.testing.assert_allclose(about("man").weights(), p / p.sum())


class TestManyCandidates:
    def test_are_represented_by_weight(self) -> None:
        rng = np.random.default_rng(0)
        weights = rng.random(4 * SAMPLE) ** 8
        weights[rng.random(len(weights)) < 0.2] = 0.0
        weights /= weights.sum()
        rows, shares = representatives(weights)
        assert len(rows) <= SAMPLE and shares.sum() == pytest.approx(1, abs=1e-4)
        assert (weights[rows] > 0).all()
        for _ in range(5):
            p = rng.random(len(weights))
            assert shares @ p[rows] == pytest.approx(weights @ p, abs=0.004)

    def test_are_asked_what_tells_nearly_the_most(self) -> None:
        faces = 2 * SAMPLE
        logits = np.random.default_rng(1).normal(-1.0, 2.0, (len(NAMES), faces)).astype(np.float32)
        held = about(logits=logits)
        for _ in range(3):
            yes = np.stack([0.1 + 0.8 / (1 + np.exp(-column)) for column in logits])
            bits = information(held.weights().astype(np.float32), yes)
            bits[[each.question.attribute.index for each in held.answers]] = 0
            asked = held.next_question()
            assert asked is not None and bits[asked.attribute.index] > bits.max() - 0.003
            assert held.next_question() == asked
            held.answer(asked, Answer.NO)

    def test_are_all_of_them_up_to_a_number(self) -> None:
        weights = np.full(SAMPLE, 1 / SAMPLE)
        rows, shares = representatives(weights)
        assert len(rows) == SAMPLE
        np.testing.assert_allclose(shares, weights, rtol=1e-6)


class TestInformation:
    def test_is_what_the_answer_and_the_face_tell_of_each_other(self) -> None:
        rng = np.random.default_rng(3)
        weights, yes = rng.dirichlet(np.ones(9)), rng.random((4, 9))
        expected = [by_definition(weights, each) for each in yes]
        np.testing.assert_allclose(information(weights, yes), expected)

    def test_is_one_bit_where_the_answer_halves_the_faces(self) -> None:
        assert information(np.full(4, 0.25), np.array([[1.0, 1.0, 0.0, 0.0]]))[0] == pytest.approx(1)

    def test_is_none_where_the_answer_is_certain_or_pure_chance(self) -> None:
        found = information(np.full(3, 1 / 3), np.array([[1.0] * 3, [0.0] * 3, [0.5] * 3]))
        np.testing.assert_allclose(found, 0, atol=1e-12)
        assert (found < LEAST_BITS).all()


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred faces with made-up scores, ten of which the detector was not sure of."""
    path = tmp_path_factory.mktemp("interview") / "faces.db"
    logits = some_logits(200, seed=5).T
    with open_catalogue(path, create=True) as opened, opened.write() as session:
        model_id = models.register(session, model())
        models.serve_when_complete(session, model_id)
        root_id = roots.add_root(session, "/photos")
        records = []
        for number, row in enumerate(logits):
            face = FaceRecord(
                box=Box(0.0, 0.0, 30.0, 40.0),
                detection=0.7 if number % 20 == 0 else 0.9,
                landmarks=np.zeros((5, 2), np.float32),
                logits=row,
            )
            photo = PhotoRecord(
                sha256=f"{number:064x}",
                size=1,
                outcome=Outcome.INDEXED,
                provenance=LOOKED,
                facts=PhotoFacts(100, 100, "JPEG"),
                faces=(face,),
            )
            records.append(FileRecord(b"%d.jpg" % number, 1, 10**18, photo))
        photos.record(session, root_id, records, model_id=model_id)
    return path


class TestTheSearch:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("start", "error"),
        list(product(["", "man, maybe bald", "black or brown hair", "no beard or hat"], [0.0, 0.02, 0.1, 1 / 3, 0.4])),
    )
    def test_for_the_text_of_the_answers_ranks_as_the_weights_do(
        self, catalogue: Path, start: str, error: float
    ) -> None:
        described: Query = parse(start) if start else UNDESCRIBED
        rng = np.random.default_rng(0)
        with open_catalogue(catalogue) as opened:
            held = begin(opened, Request(described), error=error)
            answered(held, rng.choice([Answer.YES, Answer.NO, Answer.UNSURE], 9).tolist())
            pasted = parse(held.query.text)
            result = search(opened, Request(pasted, order=Order.SCORE), top=None)
        assert pasted.tree == held.query.tree
        scores = np.array([hit.score for hit in result.hits])
        weights = np.sort(held.weights()[held.weights() > 0])[::-1]
        np.testing.assert_allclose(scores / scores.sum(), weights, rtol=1e-9)
        assert result.faces == held.candidates == 190

    def test_is_about_the_same_faces(self, catalogue: Path) -> None:
        """Row by row, and not only as a list of scores."""
        with open_catalogue(catalogue) as opened:
            held = answered(begin(opened, Request(min_detection=0.6)), [Answer.YES] * 6)
            result = search(opened, Request(parse(held.query.text), min_detection=0.6), top=None)
        assert len(result.hits) == 200
        by_face = {hit.face.face: hit.score for hit in result.hits}
        scores = np.array([by_face[face] for face in sorted(by_face)])
        np.testing.assert_allclose(scores / scores.sum(), held.weights(), rtol=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["", "man", "maybe bald", "black or brown hair, not (hat or bald)", "young, -smiling"]),
    st.floats(0, 0.499),
    st.dictionaries(st.sampled_from(sorted(ASKED)), st.sampled_from(Answer), max_size=12),
)
def test_the_text_of_the_answers_reads_back_as_what_was_said(
    start: str, error: float, answers: dict[int, Answer]
) -> None:
    held = about(start, error=error)
    described = parse(start).tree if start else UNDESCRIBED.tree
    for attribute, answer in answers.items():
        if attribute not in described.attributes:
            held.answer(question(attribute), answer)
    if held.query.tree != UNDESCRIBED.tree:
        again = parse(held.query.text)
        assert again.tree == held.query.tree and str(again) == held.query.text
    said = [part for each in held.answers for part in each.said(certainty_of(error))]
    assert held.query.tree == all_of((described, *said))


def test_weights_use_the_calibration() -> None:
    logits = some_logits()
    scale, bias = np.full(len(NAMES), 0.5, np.float32), np.full(len(NAMES), -1.0, np.float32)
    held = Interview(Candidates(logits.__getitem__, np.ones(FACES, np.bool_), scale, bias), parse("man"), 0.1)
    p = calibrate(logits[MALE], scale[MALE], bias[MALE])
    np.testing.assert_allclose(held.weights(), p / p.sum())
