"""Why a face was found: each thing that was asked for, how likely it holds, and which one cost the score most."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from facesearch.query import Asked, Query
from facesearch.query.tree import HEDGES
from facesearch.ranking.joint import joint_probability
from facesearch.reliability import MEANINGS

FITS_FROM, UNSURE_FROM = 0.7, 0.3
"""Probabilities, of a word as it was asked for, from which it fits, and from which it is unsure."""

WEAK = ("C", "D")
"""Grades of attributes whose probabilities are to be taken with care (`facesearch.reliability`)."""

_AT_ONCE = 1024  # faces
_WORTH_SAYING = 1.05  # by this factor, at least, would the score grow if the word held for certain


class Mark(StrEnum):
    """What a probability says of a word as it was asked for."""

    FITS = "fits"
    UNSURE = "unsure"
    FITS_NOT = "does not fit"


@dataclass(frozen=True)
class AskedProbability:
    """`probability` that the words of `asked` are true of the face: of "not bald", 1 - P(Bald).

    grade: of the attribute, A to D; None: unknown. cost_most: of all that was asked, this would raise the score most if
    it held for certain, and noticeably.
    """

    asked: Asked
    probability: float
    grade: str | None = None
    cost_most: bool = False

    @property
    def mark(self) -> Mark:
        """By the probability alone, however certain the word was said."""
        if self.probability >= FITS_FROM:
            return Mark.FITS
        return Mark.UNSURE if self.probability >= UNSURE_FROM else Mark.FITS_NOT

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
        return f"{self.words} {self.probability * 100:.0f} % {self.mark}{cost}"


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
    """For each of n faces one for each thing asked for, in that order.

    `probabilities`: float64 [n, 40], calibrated. `grades`: 40, as `reliability.grades`.
    """
    faces = len(probabilities)
    asked = query.asked
    if not asked:
        return [()] * faces
    held = np.stack([_as_asked(each, probabilities) for each in asked], axis=1)
    costly = _costliest(query, probabilities) if len(asked) > 1 else np.full(faces, -1)
    return [
        tuple(
            AskedProbability(each, float(p), grades[each.attribute.index], bool(place == worst))
            for place, (each, p) in enumerate(zip(asked, row, strict=True))
        )
        for row, worst in zip(held, costly, strict=True)
    ]


def weak_remarks(asked: Sequence[Asked], grades: Sequence[str | None]) -> Iterator[str]:
    """A sentence for each weak grade among the attributes asked for, the worst last."""
    for grade in WEAK:
        words = dict.fromkeys(each.words for each in asked if grades[each.attribute.index] == grade)
        if words:
            yield f"Grade {grade} ({MEANINGS[grade]}): {', '.join(words)}."


def _as_asked(asked: Asked, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    p = probabilities[:, asked.attribute.index]
    return p if asked.wanted else 1.0 - p


def _costliest(query: Query, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """int64 [n]: the place, among the things asked for, of the one that cost most; -1 for none."""
    asked = query.asked
    found = np.empty(len(probabilities), np.int64)
    for start in range(0, len(probabilities), _AT_ONCE):
        some = probabilities[start : start + _AT_ONCE]
        # All in one go, since a description with much in it several times takes long however few the faces are: each
        # face as it is, and as if one thing after the other held for certain.
        variants = np.repeat(some[None], len(asked) + 1, axis=0)
        for place, each in enumerate(asked, 1):
            variants[place, :, each.attribute.index] = float(each.wanted)
        columns = variants.reshape(-1, variants.shape[-1]).T
        scores = joint_probability(query.tree, columns.__getitem__, columns.shape[1]).reshape(-1, len(some))
        score, if_certain = scores[0], scores[1:]
        lost = if_certain.max(axis=0) > _WORTH_SAYING * score
        found[start : start + _AT_ONCE] = np.where(lost, if_certain.argmax(axis=0), -1)
    return found
