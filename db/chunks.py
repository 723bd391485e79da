"""Long lists for statements that take few parameters."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")

LIMIT = 900  # the oldest SQLite builds take 999 parameters in one statement


def chunks(items: Sequence[Item], size: int = LIMIT) -> Iterator[Sequence[Item]]:
    """`items` in slices of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
