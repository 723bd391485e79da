"""A description that was understood: what a search works on, and how it is told to the user."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from db.filters import PhotoFilter
from facesearch.attributes import ATTRIBUTES, Attribute
from facesearch.query import photo_filters
from facesearch.query.phrases import phrase
from facesearch.query.tree import (
    EVERYTHING,
    HEDGES,
    And,
    Node,
    Not,
    Or,
    Term,
    Threshold,
    Weighted,
    leaves,
    without_hedges,
)


@dataclass(frozen=True)
class Asked:
    """One thing asked for. `words`, such as "not bald", are true of a face whose `attribute` is as `wanted`.

    `certainty`: 1.0 if it is said plainly, less under a hedge ("maybe bald": 0.5). `bound`: it only filters
    ("smiling>0.8").
    """

    attribute: Attribute
    wanted: bool
    words: str
    certainty: float = 1.0
    bound: bool = False


@dataclass(frozen=True)
class Query:
    """A description that was understood.

    text: as typed. tree: what is scored, EVERYTHING where nothing is. remarks: sentences for the user, made by `cli`.
    thresholds: a face has to pass all of them. photo: what its photo has to be like. not_scored: what is said of looks
    and not scored, as typed. `str()`: the reading in one line, which can be pasted as a description.
    """

    text: str
    tree: Node
    remarks: tuple[str, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    photo: PhotoFilter = field(default_factory=PhotoFilter)
    not_scored: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[Asked, ...]:
        """What is asked for, in order of appearance, each once, with the greatest certainty with which it is said."""
        said: dict[tuple[int, bool], float] = {}
        for term, wanted, certainty in leaves(self.tree):
            key = term.attribute, wanted
            said[key] = max(said.get(key, 0.0), certainty)
        return tuple(Asked(ATTRIBUTES[i], wanted, phrase(i, wanted), w) for (i, wanted), w in said.items())

    @property
    def bounded(self) -> tuple[Asked, ...]:
        """What bounds are set on."""
        return tuple(Asked(ATTRIBUTES[each.attribute], each.holds, str(each), bound=True) for each in self.thresholds)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """What is asked for or bounded, in order of appearance, each once."""
        return tuple(dict.fromkeys(each.attribute for each in (*self.asked, *self.bounded)))

    def narrowed(self, photo: PhotoFilter) -> "Query | None":
        """The same with these conditions on photos, too; None where no description says both."""
        both = photo_filters.together(self.photo, photo)
        return None if both is None else replace(self, photo=both)

    @property
    def without_hedges(self) -> Node | None:
        """The tree with its hedged words left out, for expected counts. None: nothing is left, and every face fits."""
        return without_hedges(self.tree)

    def explained(self) -> str:
        """The reading as an indented tree, several lines."""
        lines = [] if self.tree == EVERYTHING else list(_lines(self.tree))
        lines += [f"only faces with {each}" for each in self.thresholds]
        lines += [f"only photos with {each}" for each in photo_filters.printed(self.photo)]
        lines += [f'not scored: "{each}"' for each in self.not_scored]
        return "\n".join(lines)

    def __str__(self) -> str:
        filters = [*map(str, self.thresholds), *photo_filters.printed(self.photo)]
        if self.tree == EVERYTHING:
            return " and ".join(filters) or str(self.tree)
        if not filters:
            return str(self.tree)
        return " and ".join((_as_factor(self.tree), *filters))


def _as_factor(tree: Node) -> str:
    return str(tree) if isinstance(tree, And) else str(And((tree,)))


def _lines(node: Node, indent: str = "") -> Iterator[str]:
    if isinstance(node, Term):
        yield f"{indent}{node}"
        return
    children = node.children if isinstance(node, And | Or) else (node.child,)
    if isinstance(node, Weighted):
        title = f"{HEDGES.get(node.certainty, 'hedged')} (certainty {node.certainty!r})"
    elif isinstance(node, Not):
        title = "not"
        if isinstance(node.child, And | Or):
            title, children = ("not all of" if isinstance(node.child, And) else "none of"), node.child.children
    else:
        title = "all of" if isinstance(node, And) else "one or more of"
    yield f"{indent}{title}"
    for child in children:
        yield from _lines(child, indent + "  ")
