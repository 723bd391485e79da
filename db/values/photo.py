"""What is known of a photo, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What became of a photo's content."""

    INDEXED = "indexed"
    NO_FACE = "no face"
    FAILED = "failed"


class LeftOut(StrEnum):
    """Why a run passes over a file that is there: a pattern excludes it, it is hidden, or its content is of a set of
    known files."""

    EXCLUDED = "excluded"
    HIDDEN = "hidden"
    KNOWN_IRRELEVANT = "known irrelevant"
    KNOWN_ILLEGAL = "known illegal"


RECOGNISED = (LeftOut.KNOWN_IRRELEVANT, LeftOut.KNOWN_ILLEGAL)
"""The reasons that belong to the content, and not to the place."""


class CaptureFacts(NamedTuple):
    """taken: without a time zone, by the camera's own clock. camera: make and model, "" for unknown."""

    taken: datetime | None
    camera: str


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What is known of a photo beside its faces; each field is a column of `schema.Photo`.

    width, height: pixels, upright, of its first picture that could be shown; None where none could. format: as the
    decoder names it. taken, camera: as in `CaptureFacts`. pages: how many pictures its file holds (pages, frames,
    views); unlooked: how many of them nobody looks at. notice: what is to be said of it, such as that it is cut short.
    """

    width: int | None = None
    height: int | None = None
    format: str | None = None
    taken: datetime | None = None
    camera: str = ""
    pages: int = 1
    unlooked: int = 0
    notice: str | None = None
