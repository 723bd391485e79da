"""A hit as the page shows it."""

from dataclasses import dataclass

from cli.report.tables import COST_MOST, DIM_BELOW, MARKS, score_in_words
from facesearch.query.tree import HEDGES
from facesearch.search.hits import Hit


@dataclass(frozen=True, slots=True)
class Word:
    """A thing that was asked for, and whether it fits."""

    words: str
    mark: str
    kind: str
    says: str
    cost: str


@dataclass(frozen=True, slots=True)
class Card:
    """fit: "4 of 5 fit", "" where nothing was asked; notes: small print; dim: unlikely; behind: it lacks a must."""

    rank: int
    face: int
    score: str
    fit: str
    words: tuple[Word, ...]
    name: str
    notes: tuple[str, ...]
    dim: bool
    behind: bool


def card(hit: Hit, *, fades: bool = False) -> Card:
    """fades: whether a low score says that the hit is unlikely."""
    face = hit.face
    notes = [*([f"exhibit {face.exhibit}"] if face.exhibit else []), *map(str, hit.hard), *hit.marks]
    notes += [f"lacks {each}" for each in hit.behind]
    notes += [f"turned {face.turned}°"] if face.turned else []
    words = tuple(
        Word(
            each.words if each.asked.certainty in (1.0, *HEDGES) else each.unhedged,
            MARKS[each.mark],
            each.mark.name.lower().replace("_", "-"),
            f"{each.percent} %, {each.mark.value}{', cost the score most' if each.cost_most else ''}",
            COST_MOST if each.cost_most else "",
        )
        for each in hit.asked
    )
    return Card(
        hit.rank,
        face.face,
        score_in_words(hit.score),
        f"{hit.fit.fitting} of {hit.fit.parts} fit" if hit.fit else "",
        words,
        face.path.name + face.where,
        tuple(notes),
        fades and hit.score < DIM_BELOW,
        bool(hit.behind),
    )
