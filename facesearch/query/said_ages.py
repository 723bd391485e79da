"""Ages in numbers: how much the "young" or "old" counts that stands for one.

The network knows only young and not young, and people who judge an age by sight err by 5 to 8 years, so "about 39" and
"about 41" must not be opposites. An age counts as the word of a witness who errs as often as a person of that age, give
or take what sight errs by, would get the other answer from the network: 1 - f on the side of the young, f on that of
the old, where f is the share of faces of an age that it takes for young; of women it is high much longer than of men.
f was fitted on UTKFace (benchmarks/said_ages.py, docs/retrieval.md). Near the border nothing is left of it, and the age
does not count.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from facesearch.attributes import BY_NAME
from facesearch.certainty import certainty_of
from facesearch.errors import Notice
from facesearch.query.tree import Node, Term, Weighted, all_of, hedge, leaves, parts_of

MALE, YOUNG = BY_NAME["Male"].index, BY_NAME["Young"].index

CURVES: dict[bool | None, tuple[float, float]] = {None: (41.5, 6.5), True: (36.0, 5.5), False: (51.5, 6.5)}
"""Of f, a logistic curve, in years: where it passes one half, and how slowly it falls; of anybody, men and women."""

SIGHT = 6.5
"""Standard deviation, in years, of ages judged by sight: the middle of 5 to 8."""

BORDER = (36, 44)
"""Ages, both included, that count for nothing."""

LEAST = 0.1
"""What an age further from 40 counts at least. Most women of 50 are taken for young, but other women still oftener."""

YOUNGEST = 18
"""Below it the network has judged nobody: neither its labels nor the faces of the fit are of children."""

_OLDEST = 80  # of open ranges, such as "over 50"
_REACH = 3  # standard deviations that are added up


@dataclass(frozen=True)
class SaidAge:
    """An age that a description says: its years, first and last, the word that it is searched as, and how much it
    counts, 0 to 1."""

    years: tuple[int, int]
    word: Term
    certainty: float


def taken_for_young(age: float, man: bool | None = None) -> float:
    """f: the share of faces of this age, in years, that the network takes for young; of men or women, where it is known
    which."""
    middle, width = CURVES[man]
    return 1.0 / (1.0 + math.exp((age - middle) / width))


@cache
def certainty(years: tuple[int, int], young: bool, man: bool | None = None) -> float:
    """How much "young" (else "old") counts that stands for an age from the first of these years to the last, 0 to 1.
    man: whether it is said of a man, None where that is not known."""
    first, last = max(years[0], YOUNGEST), min(years[1], _OLDEST)
    first, last = min(first, max(last, YOUNGEST)), max(last, min(first, _OLDEST))
    if BORDER[0] <= (first + last) / 2 <= BORDER[1]:
        return 0.0
    steps = range(-_REACH * 10, _REACH * 10 + 1)
    weights = [math.exp(-((step / 10) ** 2) / 2) for step in steps]
    taken = [
        weight * taken_for_young(age + SIGHT * step / 10, man)
        for age in range(first, last + 1)
        for step, weight in zip(steps, weights, strict=True)
    ]
    share = sum(taken) / (sum(weights) * (last - first + 1))
    error = 1.0 - share if young else share
    return max(LEAST, round(certainty_of(error), 2) if error < 0.5 else 0.0)


def said_ages(tree: Node) -> Iterator[SaidAge]:
    """The ages in numbers that a description says in parts of their own."""
    man = said_sex(tree)
    for part in parts_of(tree):
        word = _age_in(part)
        if word is not None and word.years is not None:
            yield SaidAge(word.years, word, certainty(word.years, word.holds, man))


def said_sex(tree: Node) -> bool | None:
    """Whether a description says, plainly or not, that it is a man; None where it says neither."""
    for part in parts_of(tree):
        word = part.child if isinstance(part, Weighted) else part
        if isinstance(word, Term) and word.attribute == MALE:
            return word.holds
    return None


def _age_in(part: Node) -> Term | None:
    word = part.child if isinstance(part, Weighted) else part
    return word if isinstance(word, Term) and word.years is not None else None


def weighed(tree: Node, *, plainly: bool = False) -> Node:
    """The description as it is searched: each age in numbers hedged by how much it counts, left out where that is
    nothing. plainly: those that count stay as they are."""

    man = said_sex(tree)

    def parts() -> Iterator[Node]:
        for part in parts_of(tree):
            word = _age_in(part)
            counts = 1.0 if word is None or word.years is None else certainty(word.years, word.holds, man)
            if counts:
                yield part if plainly else hedge(part, counts)

    return all_of(parts())


def notices(tree: Node, words: str) -> Iterator[Notice]:
    """How much each age counts ("age counts"), or that it does not ("age near the border"), and that no child's can be
    judged ("child"). words: in which the description was given."""
    ages = list(said_ages(tree))
    for said in ages:
        values = {"first": said.years[0], "last": said.years[1], "word": str(said.word), "certainty": said.certainty}
        yield Notice("age counts" if said.certainty else "age near the border", values)
    in_words = any(term == Term(YOUNG) for term, _, _ in leaves(tree)) and names_a_child(words)
    if in_words or any(_is_of_a_child(said.years) for said in ages):
        yield Notice("child", {"youngest": YOUNGEST})


def _is_of_a_child(years: tuple[int, int]) -> bool:
    """Also of 13 to 19, but not of "under 30"."""
    return years[1] < YOUNGEST or (0 < years[0] < YOUNGEST and years[1] < YOUNGEST + 2)


_MINORS = (
    "teen teens teenage teenaged teenager teenagers child children kid kids boy boys girl girls schoolboy schoolboys "
    "schoolgirl schoolgirls toddler toddlers baby babies infant infants juvenile juveniles adolescent adolescents "
    "youngster youngsters preteen tween minor minors newborn underage tot"
)
_OF_MINORS = frozenset(_MINORS.split())


def names_a_child(said: str) -> bool:
    """Whether words that are searched as "young" are said of children."""
    return not _OF_MINORS.isdisjoint(re.findall(r"[a-z]+", said.casefold()))
