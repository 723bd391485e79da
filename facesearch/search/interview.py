"""The interview: a witness answers one question at a time, each the one that tells the most about who is sought.

Every face of the gallery has a weight, the probability that it is the sought one: at first all alike, or in proportion
to the score of a description. A witness errs at a stated rate e, so that a face whose attribute holds with the
calibrated probability p is answered "yes" to with the probability

    q = (1 - e) p + e (1 - p)

and an answer multiplies the weights by q or 1 - q. Up to a constant factor that is the hedged word `word:w` with
w = (1 - 2e) / (1 - e): its factor 1 - w (1 - p) is q / (1 - e). The answers therefore make a description, and the
weights are the scores that `search` gives for it, divided by their sum.

The next question is the one with the largest mutual information between its answer and who is sought,
H(mean q) - mean H(q), the means under the weights and H the entropy of a yes or no. p holds the doubts of the network,
too, so an attribute that it sees badly is asked late.

A witness saw the person on another day than the photos were taken, so what is asked goes by how long a look lasts: the
probability with which each face is taken to be answered is drawn towards the mean of all faces, the more the sooner
the look is gone (`questions.lasting`). What people cannot be relied on for is never asked (`questions.ASKED`).

By the numbers a witness who said "a man" might be asked for his lipstick, to make sure. That shakes the trust in who
asks, so what is as good as known once the answers are taken at their word is asked only when nothing else is left. It
costs nothing (benchmarks/interview.py).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from db.catalogue import Catalogue
from db.values.scoring_model import calibrate
from facesearch.attributes import BY_NAME
from facesearch.certainty import certainty_of, error_of
from facesearch.custody.policy import asked_attributes, permit
from facesearch.errors import QueryError
from facesearch.query import Query
from facesearch.query.statement import MAX_HEIGHT, MAX_TERMS
from facesearch.query.tree import And, Node, Not, Term, Weighted, all_of, hedge, height, leaves, outcomes
from facesearch.search.answers import Said
from facesearch.search.description import search
from facesearch.search.face_filters import filtered
from facesearch.search.hits import SearchResult, check_asked, gallery_of
from facesearch.search.questions import ASKED, Question, lasting, question
from facesearch.search.ranking import scan
from facesearch.search.ranking.information import (
    effective_number,
    information,
    is_foregone,
    passed_over,
    representatives,
)
from facesearch.search.ranking.joint import joint_probability
from facesearch.search.request import Request

Floats = NDArray[np.float64]
Real = TypeVar("Real", np.float32, np.float64)

ERROR = 0.1
"""The rate at which a witness errs, unless another one is given."""

LEAST_BITS = 1e-3
"""A question that is expected to tell less is not asked."""

_MALE = BY_NAME["Male"].index


class Answer(StrEnum):
    """What a witness can say to a question; UNSURE skips the attribute, OTHER tells of something else."""

    YES = "yes"
    NO = "no"
    UNSURE = "not sure"
    OTHER = "other"


@dataclass(frozen=True)
class Answered:
    """What a witness was asked, and said. words: as it was said; "" for a plain yes, no or not sure."""

    question: Question
    parts: tuple[Node, ...]
    words: str = ""

    @property
    def answer(self) -> Answer:
        """NOT SURE where nothing was said that can be searched; YES or NO where it was said of what was asked; else
        OTHER."""
        index, wanted = self.question.attribute.index, self.question.wanted
        for part in self.parts:
            plain = part.child if isinstance(part, Weighted) else part
            if isinstance(plain, Term) and plain.attribute == index:
                return Answer.YES if plain.holds is wanted else Answer.NO
        return Answer.OTHER if self.parts else Answer.UNSURE

    def said(self, certainty: float) -> tuple[Node, ...]:
        """The answer as parts of a description, each with this certainty, and less where the witness hedged it."""
        return tuple(_discounted(part, certainty) for part in self.parts)


def _discounted(part: Node, certainty: float) -> Node:
    """With a certainty of four digits, as descriptions are written."""
    if isinstance(part, Weighted):
        return hedge(part.child, round(part.certainty * certainty, 4))
    return hedge(part, certainty)


@dataclass(frozen=True, eq=False)
class Candidates:
    """The faces among which somebody is sought.

    logits(attribute index): float32 [N] of all faces. allowed: bool [N], who can be the sought one. scale, bias:
    float32 [40], the calibration.
    """

    logits: Callable[[int], NDArray[np.float32]]
    allowed: NDArray[np.bool_]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]

    def scores(self, tree: Node) -> Floats:
        """float64 [N]: how well `tree` describes each face, 0 for those that are not allowed."""
        found = scan.scores(tree, self.logits, len(self.allowed), self.scale, self.bias)
        return np.where(self.allowed, found, 0.0)

    def probabilities(self, attribute: int, rows: NDArray[np.int64]) -> Floats:
        """float64 [n]: calibrated, of one attribute and these faces."""
        return calibrate(self.logits(attribute)[rows], self.scale[attribute], self.bias[attribute])


def begin(catalogue: Catalogue, request: Request, *, error: float = ERROR) -> "Interview":
    """An interview about the faces that `search` would look through, from the description of the request on. error: how
    often the witness errs.

    Raises as `search` and `certainty_of`.
    """
    policy = permit(catalogue, attributes=asked_attributes(request))
    check_asked(catalogue, request, None)
    gallery = gallery_of(catalogue)
    model = gallery.model
    looked_at = filtered(catalogue, gallery, request)
    candidates = Candidates(gallery.logits, looked_at.allowed, model.calibration_scale, model.calibration_bias)
    return Interview(candidates, request.query, error, policy.off)


def conclude(catalogue: Catalogue, request: Request, held: "Interview", *, top: int | None = 20) -> SearchResult:
    """What `search` finds for the description that the interview has arrived at; logged as an interview, with what was
    asked and answered. Raises as `search`."""
    said = [[each.question.text, each.words or each.answer.value] for each in held.answers]
    arrived = replace(request, query=held.query)
    return search(catalogue, arrived, top=top, kind="interview", more={"answers": said})


class Interview:
    """One witness, one gallery. Everything follows from the description at the start and the answers so far."""

    def __init__(self, candidates: Candidates, start: Query, error: float, never: frozenset[int] = frozenset()) -> None:
        """start: what is known beforehand, its filters already applied to the candidates. error: as `certainty_of`,
        which says what is raised. never: indexes of attributes that are not asked."""
        self._candidates = candidates
        self._never = never
        self._start = replace(start, tree=start.scored)
        self._certainty = certainty_of(error)
        self._answers: list[Answered] = []
        self._scores: Floats | None = None

    @property
    def candidates(self) -> int:
        """How many faces are searched, likely or not."""
        return int(self._candidates.allowed.sum())

    @property
    def answers(self) -> tuple[Answered, ...]:
        return tuple(self._answers)

    @property
    def query(self) -> Query:
        """The description arrived at: as text, tree and filters it ranks as the weights do."""
        query = replace(self._start, tree=self._tree())
        return replace(query, text=str(query))

    def _tree(self) -> Node:
        return self._described(self._certainty)

    def _described(self, certainty: float) -> Node:
        """The start and the answers, each with this certainty."""
        said = [part for each in self._answers for part in each.said(certainty)]
        return all_of((self._start.tree, *said))

    def weights(self) -> Floats:
        """float64 [N], sum 1: how likely each face is the sought one; all 0 when the answers leave nobody."""
        scores = self._current_scores()
        total = scores.sum()
        return scores / total if total > 0 else scores

    def expected(self) -> float:
        """How many faces are expected to fit: the sum of the scores of `query`, its hedged words included."""
        return float(self._current_scores().sum())

    def remaining(self) -> float:
        """The effective number of candidates, 0 when nobody is left."""
        return effective_number(self.weights())

    def next_question(self) -> Question | None:
        """Of those whose answer is not as good as known the one that is expected to narrow the candidates most; None
        when none narrows them by LEAST_BITS."""
        return next(iter(self.next_questions(1)), None)

    def next_questions(self, most: int) -> list[Question]:
        """Up to so many questions, each as if it were the next one, those that narrow the candidates most first.

        Where there are very many candidates, some drawn by weight stand for all, the same whenever they are asked for.
        """
        rows, weights = representatives(self.weights())
        tree = self._tree()
        asked = list(self._open_attributes(tree))
        if not asked or not len(rows):
            return []
        p = np.stack([self._probability(tree, attribute, rows) for attribute in asked])
        bits = information(weights, witnessed(lasted(p, weights, asked), error_of(self._certainty)).astype(np.float32))
        bits = passed_over(bits, is_foregone(self._at_their_word(tree, rows, weights), p))
        best = [int(at) for at in np.argsort(-bits, kind="stable")[:most] if bits[at] >= LEAST_BITS]
        return [question(asked[at], self._man()) for at in best]

    def answer(self, asked: Question, given: Answer | Said) -> None:
        """Reckon with an answer: a plain one, or one in the witness's words."""
        if isinstance(given, Said):
            self._answers.append(Answered(asked, given.parts, given.words))
        else:
            holds = asked.wanted is (given is Answer.YES)
            parts = (Term(asked.attribute.index, holds),) if given in (Answer.YES, Answer.NO) else ()
            self._answers.append(Answered(asked, parts))
        self._scores = None

    def take_back(self) -> Answered | None:
        """Forget the last answer, and return it; None where there is none."""
        if not self._answers:
            return None
        self._scores = None
        return self._answers.pop()

    def _current_scores(self) -> Floats:
        if self._scores is None:
            self._scores = self._candidates.scores(self._tree())
        return self._scores

    def _probability(self, tree: Node, attribute: int, rows: NDArray[np.int64]) -> Floats:
        """float64 [n]: how likely the attribute holds of each face if it is the sought one. tree: what was said so
        far."""
        if attribute in tree.attributes:  # "black or brown hair" changes how likely each of the two is
            both = all_of((tree, Term(attribute)))
            return self._joint(both, tree.attributes, rows) / self._joint(tree, tree.attributes, rows)
        return self._candidates.probabilities(attribute, rows)

    def _at_their_word(self, tree: Node, rows: NDArray[np.int64], weights: NDArray[np.float32]) -> Floats:
        """float64 [n], sum 1, or all 0: the weights if no answer could be wrong."""
        certain = self._described(1.0)
        found = weights * self._joint(certain, tree.attributes, rows) / self._joint(tree, tree.attributes, rows)
        total = found.sum()
        return found / total if total > 0 else found

    def _joint(self, tree: Node, attributes: frozenset[int], rows: NDArray[np.int64]) -> Floats:
        p = {each: self._candidates.probabilities(each, rows) for each in attributes}
        return joint_probability(tree, p.__getitem__, len(rows))

    def _open_attributes(self, tree: Node) -> Iterator[int]:
        """Those that were not asked, that no hedge of the description names, and that what was said leaves open."""
        if not _has_room(tree):
            return
        answered = {each.question.attribute.index for each in self._answers}
        told = frozenset[int]().union(*(part.attributes for each in self._answers if each.words for part in each.parts))
        closed = answered | told | _hedged(self._start.tree) | self._never
        for attribute in sorted(ASKED - closed):
            if attribute not in tree.attributes or _is_open(tree, attribute):
                yield attribute

    def _man(self) -> bool | None:
        for each in self._answers:
            if each.question.attribute.index == _MALE and each.answer in (Answer.YES, Answer.NO):
                return each.answer is Answer.YES
        start = self._start.tree
        for said in start.children if isinstance(start, And) else (start,):
            if isinstance(said, Term) and said.attribute == _MALE:
                return said.holds
        return None


def witnessed(probability: NDArray[Real], error: float) -> NDArray[Real]:
    """How likely a witness says yes to what holds with this probability, erring at this rate."""
    return (error + (1.0 - 2.0 * error) * probability).astype(probability.dtype, copy=False)


def lasted(
    probability: NDArray[np.float64], weights: NDArray[np.floating], attributes: Sequence[int]
) -> NDArray[np.float64]:
    """float64 [A, n]: how likely each of A attributes held on another day of who is sought, if it is that face. That is
    what its photo says as far as the look lasts, and else what holds of all.

    probability: [A, n], that it holds in the photo. weights: [n], sum 1.
    """
    mean = (probability @ weights)[:, None]
    share = np.array([lasting(each) for each in attributes])[:, None]
    drawn: NDArray[np.float64] = mean + share * (probability - mean)
    return drawn


def _has_room(tree: Node) -> bool:
    """Whether a description can take one more word and still be read back."""
    longer = all_of((tree, Weighted(Term(_MALE), 0.5)))
    return sum(1 for _ in leaves(tree)) < MAX_TERMS and height(longer) <= MAX_HEIGHT


def _hedged(tree: Node) -> frozenset[int]:
    """What a description names under a hedge: its witness has said how sure they are, and is not asked again."""
    if isinstance(tree, Weighted):
        return tree.attributes
    if isinstance(tree, Term):
        return frozenset()
    children = (tree.child,) if isinstance(tree, Not) else tree.children
    return frozenset().union(*map(_hedged, children))


def _is_open(tree: Node, attribute: int) -> bool:
    """Whether what `tree` says leaves open if the attribute holds."""
    try:
        return all(True in outcomes(all_of((tree, Term(attribute, holds)))) for holds in (True, False))
    except QueryError:  # more attributes would stand in it several times than can be answered exactly
        return False
