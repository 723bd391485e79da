"""What a phrase means: a tree of `facesearch.query.tree`, written in the tables as a search prints it."""

import re
from functools import cache
from typing import NamedTuple

from facesearch.attributes import BY_NAME, NAMES
from facesearch.query.phrases import phrase
from facesearch.query.tree import Node, Term, all_of, any_of, negate


class Reading(NamedTuple):
    node: Node

    def denied(self) -> "Reading":
        return Reading(negate(self.node))


HAIR_COLOURS = frozenset(BY_NAME[name].index for name in ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"))
TERMS: dict[str, Term] = {
    phrase(index, holds): Term(index, holds) for index in range(len(NAMES)) for holds in (True, False)
}
"""What each phrase of a printed reading means."""
_PARTS = re.compile(r"\(|\)|\band\b|\bor\b|\bnot(?= \()|(?:(?!\b(?:and|or)\b)[^()])+")


@cache
def reading_of(text: str) -> Reading:
    """The meaning of a canonical reading without certainties: "black hair or brown hair", "not (beard or mustache)"."""
    parts = [part.strip() for part in _PARTS.findall(text) if part.strip()]
    node, at = _all(parts, 0)
    if at != len(parts):
        raise ValueError(f"no reading: {text}")
    return Reading(node)


def _all(parts: list[str], at: int) -> tuple[Node, int]:
    children = []
    while True:
        node, at = _any(parts, at)
        children.append(node)
        if parts[at : at + 1] != ["and"]:
            return all_of(children), at
        at += 1


def _any(parts: list[str], at: int) -> tuple[Node, int]:
    children = []
    while True:
        node, at = _one(parts, at)
        children.append(node)
        if parts[at : at + 1] != ["or"]:
            return any_of(children), at
        at += 1


def _one(parts: list[str], at: int) -> tuple[Node, int]:
    denied = parts[at] == "not"
    at += denied
    if parts[at] == "(":
        node, at = _all(parts, at + 1)
        return (negate(node) if denied else node), at + 1
    return TERMS[parts[at]], at + 1
