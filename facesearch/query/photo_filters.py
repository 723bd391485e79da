"""Conditions on photos (`folder:`, `name:`, `taken:`, `camera:`): from their words to a PhotoFilter and back."""

import calendar
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from db.values.photo_filter import PhotoFilter
from facesearch.errors import QueryError

FIELDS = ("folder", "name", "taken", "camera")

_OTHER_NAMES = {
    "foldr": "folder",
    "foler": "folder",
    "fodler": "folder",
    "path": "folder",
    "directory": "folder",
    "dir": "folder",
    "file": "name",
    "filename": "name",
    "nmae": "name",
    "date": "taken",
    "year": "taken",
    "takn": "taken",
    "camra": "camera",
    "camara": "camera",
}
NEARLY = rf"\b(?:{'|'.join(_OTHER_NAMES)}):(?=\S)"
"""The pattern of what is meant for a condition, and is none."""
_NEARLY = re.compile(NEARLY, re.IGNORECASE)
_FIELD = re.compile(rf"(?P<field>{'|'.join(FIELDS)})[^\S\n]*:[^\S\n]*", re.IGNORECASE)
_QUOTED = {
    '"': re.compile(r'"((?:[^"]|"")*)"'),
    "'": re.compile(r"'([^']*)'(?!\w)"),
    "\N{LEFT DOUBLE QUOTATION MARK}": re.compile(r"“([^”]*)”"),
}
_BARE = re.compile(r"[^\s,;()\"“”][^\s,;()\"“”]*")
_PRINTED_BARE = re.compile(r"[\w./\\*?~+@%=#:-]+")
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)


_UNKNOWN = ("unknown", "none", "no", "n/a", "na", "unclear")


@dataclass(frozen=True)
class Condition:
    """One condition of a description: the field it names, and the filter that it comes to alone."""

    field: str
    photo: PhotoFilter


def condition_at(text: str, position: int) -> tuple[Condition, int] | None:
    """The condition that begins at `position`, such as `folder:"my photos"`, and where it ends; None where none does.

    A value with spaces stands in quotes, a quotation mark within double quotes twice. Raises QueryError.
    """
    match = _FIELD.match(text, position)
    if match is None:
        nearly = _NEARLY.match(text, position)
        if nearly is not None:
            field = _OTHER_NAMES[nearly.group()[:-1].casefold()]
            raise QueryError(f'No photo has a "{nearly.group()}": did you mean "{field}:"?', position)
        return None
    field = match["field"].casefold()
    value, end = _value(text, match.end(), position, field)
    if text[match.end() - 1].isspace() and value.casefold() in _UNKNOWN:
        raise QueryError(
            f'"{match.group()}{value}" would search for photos whose {field} is "{value}": leave it out, or remove the '
            "space if you mean that.",
            position,
        )
    if field == "taken":
        try:
            first, last = taken_range(value)
        except QueryError as error:
            raise QueryError(str(error), position) from None
        return Condition(field, PhotoFilter(taken_from=first, taken_to=last)), end
    return Condition(field, _filter_of(field, (value,))), end


def _filter_of(field: str, values: tuple[str, ...]) -> PhotoFilter:
    folder, name, camera = (values if field == each else () for each in ("folder", "name", "camera"))
    return PhotoFilter(folder=tuple(map(folder_named, folder)), name=name, camera=camera)


def folder_named(text: str) -> str:
    """A path from where the user stands as an absolute one; parts of a path, such as holiday/2019, as they are."""
    given = os.path.expanduser(text)  # noqa: PTH111 (bytes that are no UTF-8 stay, and so do the parts)
    relative = given in (".", "..") or given.startswith(("./", "../"))
    return os.path.abspath(given) if relative else given  # noqa: PTH100 (links stay)


def _value(text: str, start: int, position: int, field: str) -> tuple[str, int]:
    quoted = _QUOTED.get(text[start : start + 1])
    match = (quoted or _BARE).match(text, start)
    if match is None and quoted is not None:
        raise QueryError(f'The quotation mark behind "{field}:" is never closed: close it.', start)
    value = "" if match is None else match.group() if quoted is None else match[1]
    if match is None or not value.strip():
        example = "2019-07" if field == "taken" else '"..."'
        raise QueryError(f'"{field}:" has no value behind it: write {field}:{example}.', position)
    if not value.isprintable():
        raise QueryError(
            f'The value of "{field}:" holds characters that cannot be shown: leave out what it begins with, or use the '
            f"option --{field}.",
            start,
        )
    return value.replace('""', '"') if text[start] == '"' else value, match.end()


def combined(conditions: Iterable[Condition]) -> PhotoFilter:
    """All of the conditions in one filter; several values of one field are alternatives."""
    photos = [each.photo for each in conditions]

    def values(field: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for photo in photos for value in getattr(photo, field)))

    return PhotoFilter(
        folder=values("folder"),
        name=values("name"),
        taken_from=next((photo.taken_from for photo in photos if photo.taken_from is not None), None),
        taken_to=next((photo.taken_to for photo in photos if photo.taken_to is not None), None),
        camera=values("camera"),
    )


def together(one: PhotoFilter, other: PhotoFilter) -> PhotoFilter | None:
    """Both filters as one that a description can ask for; None where both set the same field, or where a value of
    `other` cannot be shown.
    """
    values = {field: getattr(one, field) + getattr(other, field) for field in FIELDS if field != "taken"}
    twice = any(getattr(one, field) and getattr(other, field) for field in values)
    dated = [each for each in (one, other) if each.taken_from is not None or each.taken_to is not None]
    if twice or len(dated) > 1 or not all(text.isprintable() for texts in values.values() for text in texts):
        return None
    taken = dated[0] if dated else one
    return PhotoFilter(**values, taken_from=taken.taken_from, taken_to=taken.taken_to)


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
    for field in FIELDS:
        if field == "taken":
            if photo.taken_from is not None or photo.taken_to is not None:
                yield f"taken:{_printed_range(photo.taken_from, photo.taken_to)}"
        elif values := [f"{field}:{_quoted(value)}" for value in getattr(photo, field)]:
            yield values[0] if len(values) == 1 else f"({' or '.join(values)})"


def _quoted(value: str) -> str:
    if _PRINTED_BARE.fullmatch(value):
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
