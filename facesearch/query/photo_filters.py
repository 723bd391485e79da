"""Conditions on photos (`folder:`, `name:`, `taken:`, `camera:`): from their words to a PhotoFilter and back."""

import calendar
import re
from collections.abc import Iterator
from datetime import date

from db.filters import PhotoFilter
from facesearch.errors import QueryError

FIELDS = ("folder", "name", "taken", "camera")

_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_BARE = re.compile(r"[\w./\\*?~+@%=#:-]*[\w/\\*?~+@%=#:-]")


def taken_range(text: str) -> tuple[date | None, date | None]:
    """The first and the last day of "2019", "2019-07", "2019-07-14" or of a range of them: "2019..2021-03",
    "2019..", "..2021". Raises QueryError, its position counted within `text`.
    """
    first, dots, last = text.partition("..")
    if not dots:
        return _days(first, 0)
    start = _days(first, 0)[0] if first else None
    end = _days(last, len(first) + 2)[1] if last else None
    if start is None and end is None:
        raise QueryError('".." alone is no time: give its first or its last day, such as "2019..".')
    if start is not None and end is not None and start > end:
        raise QueryError(f'"{text}" ends before it begins: write the earlier date first.')
    return start, end


def _days(text: str, position: int) -> tuple[date, date]:
    match = _DAY.fullmatch(text)
    if match is not None:
        year, month, day = (None if part is None else int(part) for part in match.groups())
        assert year is not None
        try:
            first = date(year, month or 1, day or 1)
        except ValueError:
            pass
        else:
            last_month = month or 12
            return first, date(year, last_month, day or calendar.monthrange(year, last_month)[1])
    shown = text if text.isprintable() and len(text) < 40 else "This"
    raise QueryError(
        f'"{shown}" is no date: write a year, a month or a day as 2019, 2019-07 or 2019-07-14, or two with ".." '
        "between.",
        position,
    )


def printed(photo: PhotoFilter) -> Iterator[str]:
    """Each condition as it may stand in a description."""
    for field in ("folder", "name"):
        yield from (f"{field}:{_quoted(value)}" for value in getattr(photo, field))
    if photo.taken_from is not None or photo.taken_to is not None:
        yield f"taken:{_printed_range(photo.taken_from, photo.taken_to)}"
    yield from (f"camera:{_quoted(value)}" for value in photo.camera)


def _quoted(value: str) -> str:
    if _BARE.fullmatch(value):
        return value
    doubled = value.replace('"', '""')
    return f'"{doubled}"'


def _printed_range(first: date | None, last: date | None) -> str:
    if first is not None and first == last:
        return first.isoformat()
    start = end = ""
    if first is not None:
        start = first.isoformat()
        if first.day == 1:
            start = start[:4] if first.month == 1 else start[:7]
    if last is not None:
        end = last.isoformat()
        if last.day == calendar.monthrange(last.year, last.month)[1]:
            end = end[:4] if last.month == 12 else end[:7]
    return start if start == end else f"{start}..{end}"
