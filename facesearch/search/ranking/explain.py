"""Why a face was found: each thing that was asked for, how likely it holds, and which one cost the score most."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from facesearch.errors import Notice
from facesearch.query import Asked, Query
from facesearch.query.tree import HEDGES, Node, firm, parts_of
from facesearch.search.ranking.joint import joint_probability

FITS_FROM, UNSURE_FROM = 0.7, 0.3
"""Probabilities, of a word as it was asked for, from which it fits, and from which it is unsure."""

WEAK = ("C", "D")
"""Grades of attributes whose probabilities are to be taken with care (`facesearch.reliability`)."""

_AT_ONCE = 1024  # faces
_ALIKE = 1e-9  # the two sides of an "or" differ by the rounding of their products
_NEEDED = 1 / FITS_FROM  # the same where all else is said plainly: below, the other side of an "or" fits
_WORTH_SAYING = 1.05  # by this factor, at least, would the score grow if the word held for certain


class Mark(StrEnum):
    """What a probability says of a word as it was asked for."""

    FITS = "fits"
    UNSURE = "unsure"
    FITS_NOT = "does not fit"
    NOT_NEEDED = "not needed"  # the other side of an "or" fits


@dataclass(frozen=True)
class AskedProbability:
    """`probability` that the words of `asked` are true of the face: of "not bald", 1 - P(Bald).

    grade: of the attribute, A to D; None: unknown. cost_most: of all that was asked, this would raise the score most if
    it held for certain, and noticeably; on both sides of an "or" alike, but for one that is not needed. matters: not so
    where the other side of an "or" fits.
    """

    asked: Asked
    probability: float
    grade: str | None = None
    cost_most: bool = False
    matters: bool = True

    @property
    def mark(self) -> Mark:
        """By the probability, however certain the word was said. A bound has let the face through, so it fits."""
        if self.probability >= FITS_FROM or self.asked.bound:
            return Mark.FITS
        if not self.matters:
            return Mark.NOT_NEEDED
        return Mark.UNSURE if self.probability >= UNSURE_FROM else Mark.FITS_NOT

    @property
    def percent(self) -> int:
        """The probability in whole percent, rounded to no other mark's side: .698, which is unsure, to 69."""
        rounded = whole_percent(self.probability)
        crosses = any(self.probability < least <= rounded / 100 for least in (FITS_FROM, UNSURE_FROM))
        return rounded - crosses

    @property
    def weak(self) -> bool:
        """Whether the network judges this attribute badly."""
        return self.grade in WEAK

    @property
    def words(self) -> str:
        """As asked, with the hedge and the grade of a weak attribute: "maybe not bald", "oval face (D)"."""
        return self._with_grade(hedged(self.asked))

    @property
    def unhedged(self) -> str:
        """The same without the hedge."""
        return self._with_grade(self.asked.words)

    def _with_grade(self, words: str) -> str:
        return f"{words} ({self.grade})" if self.weak else words

    def __str__(self) -> str:
        cost = ", cost the most" if self.cost_most else ""
        return f"{self.words} {self.percent} % {self.mark}{cost}"


def whole_percent(probability: float) -> int:
    """A probability in whole percent; 100 only where it is 1."""
    return min(round(100 * probability), 99) if probability < 1 else 100


@dataclass(frozen=True)
class Fit:
    """How many of the `parts` of a description fit a face, each with FITS_FROM or more, and which ones do not."""

    fitting: int
    parts: int
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.fitting} of {self.parts}" + (f", without: {', '.join(self.without)}" if self.without else "")


def fits(query: Query, probabilities: NDArray[np.float64]) -> list[Fit]:
    """For each of n faces how many parts of the description fit, their hedges aside. probabilities: float64 [n, 40],
    calibrated."""
    parts = [firm(part) for part in parts_of(query.scored)]
    columns = probabilities.T
    fitting = [joint_probability(part, columns.__getitem__, len(probabilities)) >= FITS_FROM for part in parts]
    words = [str(part) for part in parts]
    return [
        Fit(int(sum(row)), len(parts), tuple(each for each, fits in zip(words, row, strict=True) if not fits))
        for row in np.array(fitting, np.bool_).reshape(len(parts), len(probabilities)).T
    ]


def hedged(asked: Asked) -> str:
    """What was asked for, with its certainty unless that is 1: "maybe not bald", "hat:0.89"."""
    if asked.certainty == 1.0:
        return asked.words
    word = HEDGES.get(asked.certainty)
    return f"{word} {asked.words}" if word else f"{asked.words}:{asked.certainty:.2g}"


def shared_certainty(asked: Sequence[AskedProbability]) -> float | None:
    """The certainty of several things asked for if it is a number, as after an interview, and the same for all: it need
    not stand beside each."""
    found = {each.asked.certainty for each in asked}
    certainty = found.pop() if len(asked) > 1 and len(found) == 1 else 1.0
    return None if certainty == 1.0 or certainty in HEDGES else certainty


def explain(
    query: Query, probabilities: NDArray[np.float64], grades: Sequence[str | None]
) -> list[tuple[AskedProbability, ...]]:
    """For each of n faces one for each thing asked for, in that order, and then one for each bound.

    `probabilities`: float64 [n, 40], calibrated. `grades`: 40, as `reliability.grades`.
    """
    asked = query.asked
    explained = explain_asked((*asked, *query.bounded), probabilities, grades)
    if len(asked) < 2:
        return explained
    # Scores are compared and not divided: a tiny one has no digits left to divide by.
    tree = query.scored
    score, if_certain = _scores(tree, asked, probabilities)
    highest = if_certain.max(axis=1, keepdims=True)
    cost_most = (if_certain > _WORTH_SAYING * score) & (if_certain >= highest * (1 - _ALIKE))
    plainly = firm(tree)
    if plainly != tree:
        score, if_certain = _scores(plainly, asked, probabilities)
    matters = if_certain >= _NEEDED * score
    return [
        (*map(_weighed, why, costs, matter), *why[len(asked) :])
        for why, costs, matter in zip(explained, cost_most, matters, strict=True)
    ]


def _weighed(each: AskedProbability, cost_most: np.bool, matters: np.bool) -> AskedProbability:
    weighed = replace(each, matters=bool(matters))
    return replace(weighed, cost_most=bool(cost_most) and weighed.mark is not Mark.NOT_NEEDED)


def explain_asked(
    asked: Sequence[Asked], probabilities: NDArray[np.float64], grades: Sequence[str | None]
) -> list[tuple[AskedProbability, ...]]:
    """The same for things that give no score, as the changes of a probe."""
    return [
        tuple(AskedProbability(each, _as_asked(each, row), grades[each.attribute.index]) for each in asked)
        for row in probabilities
    ]


def weak_grades(asked: Sequence[Asked], grades: Sequence[str | None]) -> Iterator[Notice]:
    """One for each weak grade among the attributes asked for, the worst last."""
    for grade in WEAK:
        words = dict.fromkeys(each.words for each in asked if grades[each.attribute.index] == grade)
        if words:
            yield Notice("weak grade", {"grade": grade, "words": list(words)})


def _as_asked(asked: Asked, probabilities: NDArray[np.float64]) -> float:
    p = float(probabilities[asked.attribute.index])
    return p if asked.wanted else 1.0 - p


def _scores(
    tree: Node, asked: Sequence[Asked], probabilities: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The faces' scores, float64 [n, 1], and what they would be if each thing held for certain, [n, things asked
    for]."""
    found = np.empty((len(probabilities), len(asked) + 1))
    for start in range(0, len(probabilities), _AT_ONCE):
        some = probabilities[start : start + _AT_ONCE]
        # All in one go, since a description with much in it several times takes long however few the faces are: each
        # face as it is, and as if one thing after the other held for certain.
        variants = np.repeat(some[None], len(asked) + 1, axis=0)
        for place, each in enumerate(asked, 1):
            variants[place, :, each.attribute.index] = float(each.wanted)
        columns = variants.reshape(-1, variants.shape[-1]).T
        scores = joint_probability(tree, columns.__getitem__, columns.shape[1])
        found[start : start + _AT_ONCE] = scores.reshape(-1, len(some)).T
    return found[:, :1], found[:, 1:]
