"""Groups of tokens: what stands between parentheses, before its grammar is read."""

from dataclasses import dataclass, replace

from facesearch.query.entries import Entry
from facesearch.query.tokens import Kind, Token


@dataclass(frozen=True)
class Group:
    """What stands between a "(" at `position` and its ")", or the whole text."""

    position: int
    items: "tuple[Item, ...]"

    kind: Kind = Kind.GROUP
    shown: str = "("


Item = Token | Group

NAMED = (Kind.TERM, Kind.GROUP)
"""What names something."""
LISTING = (Kind.OR, Kind.NOR, Kind.AND)
"""What joins the members of a list, beside commas."""


def entry_of(item: Item) -> Entry | None:
    return item.entry if isinstance(item, Token) else None


def comma_as_or(comma: Item) -> Item:
    """The comma of a list that ends in "or"."""
    return replace(comma, kind=Kind.OR)
