"""A description that was understood: what a search works on, and how it is told to the user."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from db.values.photo_filter import PhotoFilter
from facesearch.attributes import ATTRIBUTES, FOLLOW_ORIGIN, Attribute
from facesearch.errors import Notice
from facesearch.query import photo_filters, said_ages
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
    parts_of,
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
    and not scored, as typed. musts: parts of the tree without which a face goes behind all others. `str()`: the reading
    in one line, which can be pasted as a description; how much an age in numbers counts (`scored`) is not in it.
    """

    text: str
    tree: Node
    remarks: tuple[str, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    photo: PhotoFilter = field(default_factory=PhotoFilter)
    not_scored: tuple[str, ...] = ()
    musts: tuple[Node, ...] = ()

    @cached_property
    def scored(self) -> Node:
        """What is scored: the tree with its ages in numbers hedged, or left out where they count for nothing."""
        return said_ages.weighed(self.tree)

    @property
    def things_said(self) -> tuple[int, int]:
        """How many things are searched, and how many are said: those that are not scored and do not count with them."""
        searched, scored = len(parts_of(self.scored)), len(parts_of(self.tree))
        return searched, scored + len(self.not_scored)

    def notices(self, words: str = "") -> tuple[Notice, ...]:
        """What the user should know of what is asked for: ages, and words that are weak and unfair. words: what is
        searched, as typed; "": the whole text."""
        unfair = tuple(each.words for each in self.asked if each.attribute.index in FOLLOW_ORIGIN)
        ages = said_ages.notices(self.tree, words or self.text)
        return (*ages, *([Notice("unfair", {"words": unfair})] if unfair else []))

    @property
    def asked(self) -> tuple[Asked, ...]:
        """What is asked for, in order of appearance, each once, with the greatest certainty with which it is said."""
        said: dict[tuple[int, bool], float] = {}
        for term, wanted, certainty in leaves(self.scored):
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
        """The tree with its hedged words left out, for expected counts; an age in numbers stays if it counts at all.
        None: nothing is left, and every face fits."""
        return without_hedges(said_ages.weighed(self.tree, plainly=True))

    def explained(self) -> str:
        """The reading as an indented tree, several lines."""
        lines = [] if self.tree == EVERYTHING else list(_lines(self.tree))
        lines += [f'behind all others: faces that do not fit "{each}"' for each in self.musts]
        lines += [f"only faces with {each}" for each in self.thresholds]
        lines += [f"only photos with {each}" for each in photo_filters.printed(self.photo)]
        lines += [f'not scored: "{each}"' for each in self.not_scored]
        return "\n".join(lines)

    def __str__(self) -> str:
        filters = [*map(str, self.thresholds), *photo_filters.printed(self.photo)]
        if self.tree == EVERYTHING:
            return " and ".join(filters) or str(self.tree)
        if not filters and not self.musts:
            return str(self.tree)
        parts = (_as_must(part) if part in self.musts else _as_factor(part) for part in parts_of(self.tree))
        return " and ".join((*parts, *filters))


def _as_must(part: Node) -> str:
    words = str(part)
    return f'must:"{words}"' if " " in words else f"must:{words}"


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
