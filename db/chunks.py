"""Long lists for statements that take few parameters."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, func, select

Item = TypeVar("Item")

READ_AT_ONCE = 10_000  # rows of a long answer
LIMIT = 900  # the oldest SQLite builds take 999 parameters in one statement


def chunks(items: Sequence[Item], size: int = LIMIT) -> Iterator[Sequence[Item]]:
    """`items` in slices of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def listed(items: Sequence[int] | Sequence[str]) -> Select[tuple[Any]]:
    """`items` as a subquery for `in_`: one parameter however many they are, for statements that must see all at once.

    Python's integers or texts, not NumPy's.
    """
    return select(func.json_each(json.dumps(list(items))).table_valued("value").c.value)
