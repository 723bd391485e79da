"""What is known of a photo, and what became of it."""

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


class Shot(NamedTuple):
    """taken: without a time zone, by the camera's own clock. camera: make and model, "" for unknown."""

    taken: datetime | None
    camera: str
