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


def is_adjective(item: Item) -> bool:
    """It is said of a thing behind it, and there not scored: "long", "black"."""
    entry = entry_of(item)
    return entry is not None and entry.adjective


def comma_as_or(comma: Item) -> Item:
    """The comma of a list that ends in "or"."""
    return replace(comma, kind=Kind.OR)
