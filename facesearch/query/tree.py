"""What a query is: a tree of plain values that compare, hash and print themselves.

A tree is built with `all_of`, `any_of` and `negate`, which keep it in one normal form: no And in an And, no Or in an
Or, no child twice, no Not of a Term (the term says the opposite instead) or of a Not. `str(tree)` is the reading of a
description in one line, and parsing it gives the same tree.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from facesearch.attributes import ATTRIBUTES, Attribute
from facesearch.errors import QueryError
from facesearch.query.phrases import phrase

MAX_REPEATED = 12
"""So many attributes may occur several times in a tree: exact answers cost 2 to their number."""


@dataclass(frozen=True)
class Term:
    """One attribute (its index in official order) that holds, or does not hold."""

    attribute: int
    holds: bool = True

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
        return " and ".join(f"({c})" if isinstance(c, Or) else str(c) for c in self.children)


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
            denies = not group and text.startswith(("no ", "not "))
            bare = bare and denies
            parts.append(f"({text})" if group or (denies and not bare) else text)
        return " or ".join(reversed(parts))


Node = Term | Not | And | Or


def all_of(children: Iterable[Node]) -> Node:
    """AND. At least one child."""
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


def _flat(children: Iterable[Node], kind: type[And] | type[Or]) -> tuple[Node, ...]:
    flat: dict[Node, None] = {}
    for child in children:
        flat.update(dict.fromkeys(child.children if isinstance(child, kind) else (child,)))
    return tuple(flat)


def leaves(node: Node, wanted: bool = True) -> Iterator[tuple[Term, bool]]:
    """The terms from left to right, each with whether its attribute is wanted: `holds`, turned by every Not above."""
    if isinstance(node, Term):
        yield node, node.holds is wanted
    elif isinstance(node, Not):
        yield from leaves(node.child, not wanted)
    else:
        for child in node.children:
            yield from leaves(child, wanted)


def height(node: Node) -> int:
    """1 for a term, 1 more for every node above."""
    if isinstance(node, Term):
        return 1
    children = (node.child,) if isinstance(node, Not) else node.children
    return 1 + max(height(c) for c in children)


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
    for term, _ in leaves(node):
        times[term.attribute] = times.get(term.attribute, 0) + 1
    repeated = sum(n > 1 for n in times.values())
    if repeated > MAX_REPEATED:
        raise QueryError(
            f"{repeated} attributes occur several times in this description, and exact scores are computed for at most "
            f"{MAX_REPEATED}: say each of them only once where you can."
        )


def outcomes(node: Node) -> frozenset[bool]:
    """What the tree can come to over all combinations of its attributes: without True it is impossible, without False
    always true. Raises QueryError as `check_repeats`.
    """
    check_repeats(node)
    return _outcomes(node, {})


_EITHER = frozenset((True, False))


def _outcomes(node: Node, known: dict[int, bool]) -> frozenset[bool]:
    if isinstance(node, Term):
        return frozenset((known[node.attribute] is node.holds,)) if node.attribute in known else _EITHER
    if isinstance(node, Not):
        return frozenset(not value for value in _outcomes(node.child, known))
    attribute = shared_attribute(node, known)
    if attribute is not None:
        found = _outcomes(node, known | {attribute: True})
        return found if found == _EITHER else found | _outcomes(node, known | {attribute: False})
    decisive = isinstance(node, Or)  # one child with this value decides; the other value needs all children
    found = frozenset((not decisive,))
    for child in node.children:
        values = _outcomes(child, known)
        if decisive in values:
            found |= {decisive}
        if (not decisive) not in values:
            return frozenset((decisive,))
    return found


@dataclass(frozen=True)
class Asked:
    """One thing asked for. `words`, such as "not bald", are true of a face whose `attribute` is as `wanted`."""

    attribute: Attribute
    wanted: bool
    words: str


@dataclass(frozen=True)
class Query:
    """A description that was understood. `remarks`: sentences for the user; `str()`: the reading in one line."""

    text: str
    tree: Node
    remarks: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[Asked, ...]:
        """What is asked for, in order of appearance, each once."""
        pairs = dict.fromkeys((term.attribute, wanted) for term, wanted in leaves(self.tree))
        return tuple(Asked(ATTRIBUTES[index], wanted, phrase(index, wanted)) for index, wanted in pairs)

    def __str__(self) -> str:
        return str(self.tree)
