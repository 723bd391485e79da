"""What an investigation within a catalogue holds: statements, searches, marks. No value says that a face is somebody:
the strongest state of a mark is that it is worth following up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class MarkState(StrEnum):
    """What somebody who looked at a face wants done about it."""

    FOLLOW_UP = "follow up"
    SET_ASIDE = "set aside"
    UNDECIDED = "undecided"


class Role(StrEnum):
    """Whom a face is taken for in the case, by whoever marks it."""

    UNKNOWN = "unknown"
    WITNESS = "witness"
    VICTIM = "victim"
    SUSPECT = "suspect"


class Change(StrEnum):
    """How a search departs from the statement that it was made from. CHANGED: a word counts otherwise than it was
    said. FILTERED: faces were left out for what was not said."""

    LEFT_OUT = "left out"
    ADDED = "added"
    CHANGED = "changed"
    FILTERED = "filtered"


@dataclass(frozen=True, slots=True)
class Case:
    """id: in the catalogue; reference: as people write it. closed: since when nothing is added, None while it is
    open."""

    id: int
    reference: str
    name: str
    opened: datetime
    opened_by: str
    closed: datetime | None = None
    closed_by: str = ""


@dataclass(frozen=True, slots=True)
class CaseNote:
    """A note on the case as a whole."""

    text: str
    who: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class CaseStatement:
    """What somebody said, word by word. number: in its case, from 1. witness: who said it; taken_by, taken (by the
    clock of the place), how: who took it, when and in what way; "" and None for what nobody noted. who, added: who put
    it in, and when."""

    id: int
    number: int
    text: str
    witness: str
    taken_by: str
    taken: datetime | None
    how: str
    who: str
    added: datetime


@dataclass(frozen=True, slots=True)
class Departure:
    """What a search has otherwise than its statement. words: as they are read; why: "" where nobody said."""

    change: Change
    words: str
    who: str
    moment: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class KeptHit:
    """A face as a search showed it. shown: what stood beside it (words with their probabilities, how many fit)."""

    rank: int
    face: int
    score: float
    shown: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseSearch:
    """A search of a case. number: in its case, from 1. kind: "search" or "similar".

    request: its value as JSON, and digest that of its normal form; None where it named what was forgotten since. about:
    what was said of the result as a whole (JSON). statement: the number of the one it was made from. model: digest of
    the checkpoint. generation: of the catalogue when it was made. searched: how many faces were; answered: how many
    hits there were, of which `hits` are kept. blind: whether ranks and scores were not shown to who asked. probes:
    logits of the faces that the hits are to resemble, little-endian float32 [n, 40]. row: of the audit log.
    """

    id: int
    number: int
    kind: str
    request: str | None
    digest: str | None
    about: Mapping[str, Any]
    statement: int | None
    model: str
    generation: int
    searched: int
    answered: int
    blind: bool
    probes: bytes | None
    row: int | None
    who: str
    reason: str
    moment: datetime
    departures: tuple[Departure, ...] = ()
    hits: tuple[KeptHit, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """What a reviewer said of a face. Of several by one reviewer on one face the newest counts that was not undone; the
    others stay. blind: it was made without sight of rank and score. search: the number of the one it was seen in."""

    id: int
    face: int
    state: MarkState
    role: Role
    note: str
    who: str
    moment: datetime
    blind: bool
    search: int | None
    undone: datetime | None = None
    undone_by: str = ""


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Faces to look at together, in this order."""

    name: str
    who: str
    made: datetime
    faces: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BlindReview:
    """The first `faces` hits of a search, to be marked by one reviewer in an order that `seed` gives."""

    search: int
    reviewer: str
    seed: str
    faces: int
    began: datetime
