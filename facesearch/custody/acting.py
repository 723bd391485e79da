"""On whose behalf the work of this thread of control is done, for the audit log."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Acting:
    """On whose behalf something is done. examiner, case, reason: "" where nobody said. keep_text: whether what was
    typed is logged, and not only how it was read.

    Of a search that is kept in the case: statement: the number of the one that it is made from; why: for what reason it
    departs from that; blind: whether its ranks and scores are not shown to who asks.
    """

    examiner: str = ""
    case: str = ""
    reason: str = ""
    keep_text: bool = False
    statement: int | None = None
    why: str = ""
    blind: bool = False


_acting: ContextVar[Acting] = ContextVar("acting", default=Acting())  # noqa: B039 (it is frozen)


@contextmanager
def acting(who: Acting) -> Iterator[None]:
    """What is done within is done on this behalf."""
    token = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(token)


def act_as(who: Acting) -> None:
    """What is done from now on is done on this behalf."""
    _acting.set(who)


def acting_now() -> Acting:
    """On whose behalf the work is done."""
    return _acting.get()
