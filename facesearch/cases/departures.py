"""Where a search departs from the statement that it was made from."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from db.values.case import Change, Departure
from facesearch.errors import QueryError
from facesearch.query import understand
from facesearch.query.photo_filters import printed
from facesearch.query.tree import EVERYTHING, Node, firm, parts_of
from facesearch.search.request import Request


def departures(text: str, request: Request, who: str, why: str = "") -> tuple[Departure, ...]:
    """What the request has otherwise than the statement says, as the reader reads it, of the person whom the request is
    about: words left out, added, or counted otherwise, and what else leaves faces out.

    A statement that cannot be read as one description departs in nothing but filters.
    """
    now = datetime.now(UTC)
    return tuple(Departure(change, words, who, now, why) for change, words in _changes(text, request))


def can_be_compared(text: str, request: Request) -> bool:
    """Whether the statement can be read as one description, so that what a search leaves out of it is known."""
    return _said(text, request.person) is not None


def _changes(text: str, request: Request) -> Iterator[tuple[Change, str]]:
    said = _said(text, request.person)
    if said is not None and not request.like:
        yield from _other_words(said, parts_of(request.query.tree))
        for must in request.query.musts:
            yield Change.CHANGED, f"must: {must}"
    yield from _filters(request)


def _other_words(said: Sequence[Node], asked: Sequence[Node]) -> Iterator[tuple[Change, str]]:
    """What is asked and was not said, or the other way round; what is only hedged otherwise counts as changed."""
    plainly_said, plainly_asked = {firm(each) for each in said}, {firm(each) for each in asked}
    for part in said:
        if firm(part) not in plainly_asked:
            yield Change.LEFT_OUT, str(part)
    for part in asked:
        if firm(part) not in plainly_said:
            yield Change.ADDED, str(part)
        elif part not in said:
            yield Change.CHANGED, str(part)


def _filters(request: Request) -> Iterator[tuple[Change, str]]:
    for bound in request.query.thresholds:
        yield Change.FILTERED, str(bound)
    for photo in request.photo_filters:
        for words in printed(photo):
            yield Change.FILTERED, words
    if request.min_score:
        yield Change.FILTERED, f"scores of {request.min_score:g} or more"
    if request.min_face:
        yield Change.FILTERED, f"faces of {request.min_face:g} pixels or more"


def _said(text: str, person: int | None) -> tuple[Node, ...] | None:
    """The parts of the statement's reading; None where it has no single one."""
    try:
        statement = understand(text)
        tree = statement.query(person if person and person <= len(statement.persons) else None).tree
    except QueryError:
        return None
    return () if tree == EVERYTHING else parts_of(tree)
