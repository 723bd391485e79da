"""What a query is: a tree of plain values that compare, hash and print themselves.

A tree is built with `all_of`, `any_of` and `negate`, which keep it in one normal form: no And in an And, no Or in an
Or, no child twice, no Not of a Term (the term says the opposite instead) or of a Not. `str(tree)` is the reading of a
description in one line, and parsing it gives the same tree.

A hedged word is a `Weighted` node, made with `hedge`. Bounds (`Threshold`) stand beside the tree, not in it: they only
filter.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from facesearch.errors import QueryError
from facesearch.query.phrases import DENIALS, phrase

MAX_REPEATED = 12
"""So many attributes may occur several times in a tree: exact answers cost 2 to their number."""


@dataclass(frozen=True)
class Term:
    """One attribute (its index in official order) that holds, or does not hold.

    years: the age in numbers, first and last, that this says as "young" or "old"; it changes how much the word counts
    (`facesearch.query.said_ages`) and nothing else.
    """

    attribute: int
    holds: bool = True
    years: tuple[int, int] | None = field(default=None, compare=False, repr=False)

    @property
    def attributes(self) -> frozenset[int]:
        return frozenset((self.attribute,))

    def __str__(self) -> str:
        return phrase(self.attribute, self.holds)


@dataclass(frozen=True)
class Not:
    child: "Node"
    attributes: frozenset[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", self.child.attributes)

    def __str__(self) -> str:
        return f"not ({self.child})"


@dataclass(frozen=True)
class And:
    children: tuple["Node", ...]
    attributes: frozenset[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", frozenset().union(*(c.attributes for c in self.children)))

    def __str__(self) -> str:
        return " and ".join(f"({c})" if isinstance(c, Or) else str(c) for c in self.children) or "every face"


@dataclass(frozen=True)
class Or:
    children: tuple["Node", ...]
    attributes: frozenset[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", frozenset().union(*(c.attributes for c in self.children)))

    def __str__(self) -> str:
        parts: list[str] = []
        bare = True  # a "no" needs no parentheses while only further "no"s follow: it would reach over anything else
        for child in reversed(self.children):
            text = str(child)
            group = isinstance(child, And)
            denies = not group and text.startswith(DENIALS)
            bare = bare and denies
            parts.append(f"({text})" if group or (denies and not bare) else text)
        return " or ".join(reversed(parts))


@dataclass(frozen=True)
class Weighted:
    """A hedged word: `child` holds, or is to be disregarded, which is taken to be so with probability 1 - `certainty`.

    Its factor in a score is therefore 1 - certainty * (1 - p), with p the probability of `child`.
    """

    child: "Node"
    certainty: float
    attributes: frozenset[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.certainty <= 1.0:  # also true for NaN
            raise ValueError(f"a certainty lies between 0 and 1, not at {self.certainty}")
        object.__setattr__(self, "attributes", self.child.attributes)

    def __str__(self) -> str:
        text, word = str(self.child), HEDGES.get(self.certainty)
        if word is not None:
            return f"{word} {text}" if isinstance(self.child, Term | Not) else f"{word} ({text})"
        bare = isinstance(self.child, Term) and not text.startswith(DENIALS)
        return f"{text}:{self.certainty!r}" if bare else f"({text}):{self.certainty!r}"


Node = Term | Not | And | Or | Weighted

EVERYTHING = And(())
"""The tree that every face fits, with score 1: that of a query which only filters."""

HEDGES: dict[float, str] = {0.5: "maybe", 0.8: "probably"}
"""The words that a certainty prints itself with; any other prints as a number."""


@dataclass(frozen=True)
class Threshold:
    """A bound such as `smiling>0.8`: a face passes when the calibrated probability that the attribute number
    `attribute` holds (with `holds` False: does not hold) stands in `relation` to `value` (0..1).
    """

    attribute: int
    relation: Literal[">", ">=", "<", "<="]
    value: float
    holds: bool = True

    def __str__(self) -> str:
        return f"{phrase(self.attribute, self.holds)}{self.relation}{self.value!r}"


def all_of(children: Iterable[Node]) -> Node:
    """AND. Without children: EVERYTHING."""
    flat = _flat(children, And)
    return flat[0] if len(flat) == 1 else And(flat)


def any_of(children: Iterable[Node]) -> Node:
    """OR. At least one child."""
    flat = _flat(children, Or)
    return flat[0] if len(flat) == 1 else Or(flat)


def negate(node: Node) -> Node:
    """NOT."""
    if isinstance(node, Term):
        return Term(node.attribute, not node.holds)
    return node.child if isinstance(node, Not) else Not(node)


def hedge(node: Node, certainty: float) -> Node:
    """`node` with a certainty, 0..1. A full one is the node itself; that of a hedge is the product of the two."""
    if isinstance(node, Weighted):
        return hedge(node.child, certainty * node.certainty)
    return node if certainty == 1.0 else Weighted(node, certainty)


def parts_of(tree: Node) -> tuple[Node, ...]:
    """What a description says, part by part: all of them have to hold."""
    return tree.children if isinstance(tree, And) else (tree,)


def _flat(children: Iterable[Node], kind: type[And] | type[Or]) -> tuple[Node, ...]:
    flat: dict[Node, Node] = {}
    for child in children:
        for each in child.children if isinstance(child, kind) else (child,):
            plain = isinstance(each, Term) and each.years is None  # a plain word counts more than an age in numbers
            if plain or each not in flat:
                flat[each] = each
    return tuple(flat.values())


def leaves(node: Node, wanted: bool = True, certainty: float = 1.0) -> Iterator[tuple[Term, bool, float]]:
    """The terms from left to right, each with whether its attribute is wanted (`holds`, turned by every Not above) and
    with its certainty (the product of the hedges above)."""
    if isinstance(node, Term):
        yield node, node.holds is wanted, certainty
    elif isinstance(node, Not):
        yield from leaves(node.child, not wanted, certainty)
    elif isinstance(node, Weighted):
        yield from leaves(node.child, wanted, certainty * node.certainty)
    else:
        for child in node.children:
            yield from leaves(child, wanted, certainty)


def height(node: Node) -> int:
    """1 for a term, 1 more for every node above."""
    if isinstance(node, Term):
        return 1
    children = (node.child,) if isinstance(node, Not | Weighted) else node.children
    return 1 + max(map(height, children), default=0)


def firm(node: Node) -> Node:
    """The tree with its hedged words said plainly."""
    if isinstance(node, Term):
        return node
    if isinstance(node, Weighted):
        return firm(node.child)
    if isinstance(node, Not):
        return negate(firm(node.child))
    children = map(firm, node.children)
    return all_of(children) if isinstance(node, And) else any_of(children)


def without_hedges(node: Node) -> Node | None:
    """The tree with its hedged words left out. None: nothing is left, and every face fits."""
    if isinstance(node, Weighted):
        return None
    if isinstance(node, Term):
        return node
    if isinstance(node, Not):
        child = without_hedges(node.child)
        return None if child is None else negate(child)
    left = [without_hedges(child) for child in node.children]
    firm = [child for child in left if child is not None]
    if not firm or (isinstance(node, Or) and len(firm) < len(left)):
        return None
    return all_of(firm) if isinstance(node, And) else any_of(firm)


def shared_attribute(node: And | Or, known: frozenset[int] | dict[int, bool]) -> int | None:
    """An attribute that stands in several children of `node` and is not `known`: these children are not independent."""
    seen: frozenset[int] = frozenset()
    for child in node.children:
        both = [a for a in child.attributes & seen if a not in known]
        if both:
            return min(both)
        seen |= child.attributes
    return None


def check_repeats(node: Node) -> None:
    """Raises QueryError when more attributes occur several times than can be answered exactly."""
    times: dict[int, int] = {}
    for term, _, _ in leaves(node):
        times[term.attribute] = times.get(term.attribute, 0) + 1
    repeated = sum(n > 1 for n in times.values())
    if repeated > MAX_REPEATED:
        raise QueryError(
            f"{repeated} attributes occur several times in this description, and exact scores are computed for at most "
            f"{MAX_REPEATED}: say each of them only once where you can."
        )


def outcomes(node: Node) -> frozenset[bool]:
    """What the tree can come to over all combinations of its attributes and hedges: without True it is impossible,
    without False always true. Raises QueryError as `check_repeats`.
    """
    check_repeats(node)
    return _outcomes(node, {})


_EITHER = frozenset((True, False))


def _outcomes(node: Node, known: dict[int, bool]) -> frozenset[bool]:
    if isinstance(node, Term):
        return frozenset((known[node.attribute] is node.holds,)) if node.attribute in known else _EITHER
    if isinstance(node, Not):
        return frozenset(not value for value in _outcomes(node.child, known))
    if isinstance(node, Weighted):
        return (_outcomes(node.child, known) if node.certainty else frozenset()) | {True}
    attribute = shared_attribute(node, known)
    if attribute is not None:
        found = _outcomes(node, known | {attribute: True})
        return found if found == _EITHER else found | _outcomes(node, known | {attribute: False})
    return _of_children(node, known)


def _of_children(node: And | Or, known: dict[int, bool]) -> frozenset[bool]:
    """As `_outcomes`, of children that share no attribute that is not known."""
    decisive = isinstance(node, Or)  # one child with this value decides; the other value needs all children
    found = frozenset((not decisive,))
    for child in node.children:
        values = _outcomes(child, known)
        if decisive in values:
            found |= {decisive}
        if (not decisive) not in values:
            return frozenset((decisive,))
    return found
