"""Two people look at the same faces, each alone and without ranks and scores: in which order, and how far they
agree."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from db.values.case import BlindReview, CaseSearch, Mark, MarkState

MOST = 60
"""Faces of a blind review: the first so many hits. More than that nobody looks at with care in one go."""


@dataclass(frozen=True, slots=True)
class Reviewing:
    """A blind review as it stands. faces: in the order in which they are to be looked at; left: those that its reviewer
    has not marked yet. blind: whether marks count as made without sight of ranks and scores; not so for who made the
    search and saw its result."""

    search: int
    reviewer: str
    seed: str
    faces: tuple[int, ...]
    left: tuple[int, ...]
    blind: bool

    @property
    def is_complete(self) -> bool:
        return not self.left


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two reviewers agree on the faces that both marked. same: on how many; kappa: beyond chance (Cohen 1960),
    None where there is nothing to tell apart; both_blind: how many both marked blind; differing: face ids."""

    first: str
    second: str
    faces: int
    same: int
    kappa: float | None
    both_blind: int
    differing: tuple[int, ...]


def blind_order(seed: str, faces: Iterable[int]) -> tuple[int, ...]:
    """The faces in an order that follows from the seed alone, on every machine and in every version."""
    return tuple(sorted(faces, key=lambda face: hashlib.sha256(f"{seed}:{face}".encode()).digest()))


def reviewing(review: BlindReview, search: CaseSearch, marks: Sequence[Mark]) -> Reviewing:
    """How far a review has come. marks: of the case."""
    first = [hit.face for hit in search.hits if hit.rank <= review.faces]
    order = blind_order(review.seed, dict.fromkeys(first))
    marked = {
        mark.face
        for mark in marks
        if mark.who == review.reviewer and mark.undone is None and mark.moment >= review.began
    }
    left = tuple(face for face in order if face not in marked)
    unseen = search.blind or search.who != review.reviewer
    return Reviewing(review.search, review.reviewer, review.seed, order, left, unseen)


def standing_marks(marks: Iterable[Mark]) -> dict[int, dict[str, Mark]]:
    """By face and reviewer the mark that counts, the faces in the order of their first marks."""
    found: dict[int, dict[str, Mark]] = {}
    for mark in marks:
        if mark.undone is None:
            found.setdefault(mark.face, {}).pop(mark.who, None)
            found[mark.face][mark.who] = mark  # the newest stands last
    return found


def agreements(marks: Iterable[Mark]) -> tuple[Agreement, ...]:
    """Of every two reviewers who marked a face in common."""
    standing = standing_marks(marks)
    people = sorted({who for each in standing.values() for who in each})
    found = (_agreement(standing, first, second) for first, second in combinations(people, 2))
    return tuple(each for each in found if each is not None)


def _agreement(standing: Mapping[int, Mapping[str, Mark]], first: str, second: str) -> Agreement | None:
    both = {face: (each[first], each[second]) for face, each in standing.items() if first in each and second in each}
    if not both:
        return None
    differing = tuple(face for face, (one, other) in both.items() if one.state is not other.state)
    same, number = len(both) - len(differing), len(both)
    chance = sum(
        sum(one.state is state for one, _ in both.values()) * sum(other.state is state for _, other in both.values())
        for state in MarkState
    ) / (number * number)
    kappa = None if chance == 1 else (same / number - chance) / (1 - chance)
    blind = sum(one.blind and other.blind for one, other in both.values())
    return Agreement(first, second, number, same, kappa, blind, differing)
