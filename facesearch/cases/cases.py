"""The use cases of cases: open one, put statements, searches and marks into it, review them, close it.

Commands, pages and Python all come through `Cases`. Each change is one transaction that finds the case open, makes the
change and logs it, so that two people at once, or a case that is closed or removed meanwhile, leave nothing half done.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import insert
from sqlalchemy.orm import Session

from db import audit, cases, faces
from db.cases import Counts
from db.catalogue import Catalogue
from db.errors import CatalogueError
from db.schema import Erasure
from db.values.case import (
    BlindReview,
    Case,
    CaseNote,
    CaseSearch,
    CaseStatement,
    KeptHit,
    Mark,
    MarkState,
    Role,
    Shortlist,
)
from facesearch.cases.errors import BadText, CaseClosed, CaseExists, CaseUnknown, PartUnknown
from facesearch.cases.kept import Kept
from facesearch.cases.references import (
    MOST_NAME,
    MOST_NOTE,
    MOST_REFERENCE,
    MOST_STATEMENT,
    checked,
    key_of,
    line,
)
from facesearch.cases.reviewing import MOST, Agreement, Reviewing, agreements, reviewing, standing_marks
from facesearch.custody.audit import actor, by_whom, log
from facesearch.custody.forgetting import READERS, finish_pending

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """All that a case holds. marks: with those that were undone."""

    case: Case
    notes: tuple[CaseNote, ...]
    statements: tuple[CaseStatement, ...]
    searches: tuple[CaseSearch, ...]
    marks: tuple[Mark, ...]
    shortlists: tuple[Shortlist, ...]
    reviews: tuple[Reviewing, ...]

    @property
    def standing(self) -> Mapping[int, Mapping[str, Mark]]:
        """By face and reviewer the mark that counts."""
        return standing_marks(self.marks)

    @property
    def agreements(self) -> tuple[Agreement, ...]:
        """Of every two reviewers."""
        return agreements(self.marks)

    @property
    def faces(self) -> tuple[int, ...]:
        """Every face that the case names, each once: hits first, then marked ones and those on lists."""
        hits = (hit.face for search in self.searches for hit in search.hits)
        lists = (face for each in self.shortlists for face in each.faces)
        return tuple(dict.fromkeys((*hits, *(mark.face for mark in self.marks), *lists)))


class Cases:
    """The cases of a catalogue. A reference names one in any spelling of its letters' case.

    What goes wrong raises a `CaseError`, FaceUnknown for a face that is not there, or another CatalogueError (of a
    sealed or read-only catalogue, nothing changes).
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    # Reading

    def all(self) -> list[tuple[Case, Counts]]:
        """Every case with how much it holds, the newest first."""
        with self._catalogue.read() as session:
            return cases.every(session)

    def __iter__(self) -> Iterator[Case]:
        return iter([case for case, _ in self.all()])

    def get(self, reference: str) -> Case:
        """The case of this reference. Raises CaseUnknown."""
        with self._catalogue.read() as session:
            return _found(session, reference)

    def require_open(self, reference: str) -> Case:
        """The case of this reference. Raises CaseUnknown, and CaseClosed where nothing is added to it any more."""
        case = self.get(reference)
        _require_open(case)
        return case

    def statement(self, reference: str, number: int) -> CaseStatement:
        """A statement of the case. Raises PartUnknown."""
        with self._catalogue.read() as session:
            case = _found(session, reference)
            for each in cases.statements(session, case.id):
                if each.number == number:
                    return each
        raise PartUnknown(f"Case {case.reference} has no statement {number}.", "no such part")

    def file(self, reference: str) -> CaseFile:
        """All that the case holds. Raises CaseUnknown."""
        with self._catalogue.read() as session:
            case = _found(session, reference)
            searches, marks = cases.searches(session, case.id), cases.marks(session, case.id)
            by_number = {each.number: each for each in searches}
            return CaseFile(
                case,
                tuple(cases.notes(session, case.id)),
                tuple(cases.statements(session, case.id)),
                tuple(searches),
                tuple(marks),
                tuple(cases.shortlists(session, case.id)),
                tuple(reviewing(each, by_number[each.search], marks) for each in cases.reviews(session, case.id)),
            )

    # The case itself

    def open(self, reference: str, name: str = "") -> Case:
        """Open a case. Raises CaseExists."""
        reference = line(reference, "reference of the case", MOST_REFERENCE, needed=True)
        name = line(name, "name of the case", MOST_NAME)
        with self._catalogue.write() as session:
            before = cases.named(session, key_of(reference))
            if before is not None:
                is_closed = ", and is closed" if before.closed is not None else ""
                raise CaseExists(
                    f"There is a case {before.reference} already{is_closed}: choose another reference, or go on with "
                    "it."
                )
            cases.add(session, key_of(reference), reference, name, actor())
            _note(session, reference, "open", {"name": name} if name else {})
            return _found(session, reference)

    def rename(self, reference: str, name: str) -> Case:
        """Give the case another name."""
        name = line(name, "name of the case", MOST_NAME)
        with self._changing(reference, "rename", {"name": name}) as (session, case):
            cases.rename(session, case.id, name)
        return self.get(reference)

    def close(self, reference: str) -> Case:
        """Let nothing be added any more, until it is opened again. Raises CaseClosed where it is."""
        with self._changing(reference, "close") as (session, case):
            cases.set_closed(session, case.id, actor())
        return self.get(reference)

    def reopen(self, reference: str) -> Case:
        """Let things be added to a closed case again; to an open one nothing is done."""
        with self._catalogue.write() as session:
            case = _found(session, reference)
            if case.closed is not None:
                cases.set_closed(session, case.id, None)
                _note(session, case.reference, "reopen")
        return self.get(reference)

    def remove(self, reference: str) -> CatalogueError | None:
        """Take the case out for good, with all that hangs on it, also out of the bytes of the catalogue's files; that
        it was there stays in the log. Faces and photos stay. Returns why something of it still lies in the files; None
        where nothing does. Raises CatalogueBusy while an index run is at work."""
        with self._catalogue.indexing():
            with self._catalogue.erase() as session:
                case = _found(session, reference)
                cases.remove(session, case.id)
                session.execute(insert(Erasure).values(began=datetime.now(UTC), photos=0, faces=0))
                _note(session, case.reference, "remove")
            return finish_pending(self._catalogue, seconds=READERS)

    # What it holds

    def note(self, reference: str, text: str) -> None:
        """Put a note on the case as a whole."""
        text = _words(checked(text, "note", MOST_NOTE), "note")
        with self._changing(reference, "note") as (session, case):
            cases.add_note(session, case.id, text, actor())

    def add_statement(
        self,
        reference: str,
        text: str,
        *,
        witness: str = "",
        taken_by: str = "",
        taken: datetime | None = None,
        how: str = "",
    ) -> CaseStatement:
        """Keep a statement word by word. witness: who said it, a name or a number; taken_by, taken, how: who took it,
        when (by the clock of the place), and in what way."""
        said = CaseStatement(
            0,
            0,
            _words(checked(text, "statement", MOST_STATEMENT), "statement"),
            line(witness, "witness", MOST_NAME),
            line(taken_by, "name of who took the statement", MOST_NAME),
            None if taken is None else taken.replace(tzinfo=None),
            line(how, "way in which the statement was taken", MOST_NAME),
            actor(),
            datetime.now(UTC),
        )
        details: dict[str, Any] = {}
        with self._changing(reference, "statement", details) as (session, case):
            added = cases.add_statement(session, case.id, said)
            details["statement"] = added.number
        return added

    def adopt(self, reference: str, row: int) -> Kept:
        """Take a search that was logged (row of the audit log) into the case, with the faces and scores that it showed.

        Raises PartUnknown where the row is no search, or one whose request cannot be told from what was logged of it.
        """
        with self._changing(reference, "adopt", {"row": row}) as (session, case):
            entry = next((each for each in audit.entries(session, ("search",)) if each.sequence == row), None)
            if entry is None or entry.payload is None:
                raise PartUnknown(
                    f"Row {row} of the audit log is no search by a description: ask others again for the case.",
                    "no search row",
                )
            if row in cases.rows_kept(session, case.id):
                raise PartUnknown(f"The search of row {row} is in the case already.", "no such part")
            number = cases.add_search(session, case.id, _logged_search(self._catalogue, entry))
        return Kept(case.reference, number)

    # Marks

    def mark(
        self,
        reference: str,
        face_ids: Sequence[int],
        state: MarkState | str,
        *,
        role: Role | str | None = None,
        note: str | None = None,
    ) -> list[Mark]:
        """Mark faces. role, note: as before where they are not given. A mark is blind where its reviewer marks a face
        of their blind review before that is complete."""
        state = _known(MarkState, state, "state of a mark")
        role = None if role is None else _known(Role, role, "role")
        note = None if note is None else checked(note, "note", MOST_NOTE)
        wanted = list(dict.fromkeys(int(each) for each in face_ids))
        if not wanted:
            raise PartUnknown("No face is named: give the numbers of those to mark.")
        details: dict[str, Any] = {"state": state.value, "faces": wanted}
        who = actor()
        made: list[int] = []
        with self._changing(reference, "mark", details) as (session, case):
            for face_id in wanted:
                faces.require(session, face_id)
            known = cases.marks(session, case.id)
            standing = standing_marks(known)
            seen_blind = _blind_faces(session, case.id, who, known)
            for face_id in wanted:
                before = standing.get(face_id, {}).get(who)
                seen_in = seen_blind.get(face_id) or cases.last_search_with(session, case.id, face_id)
                mark_id = cases.add_mark(
                    session,
                    case.id,
                    face_id,
                    search_id=seen_in[0] if seen_in else None,
                    state=state,
                    role=role or (before.role if before else Role.UNKNOWN),
                    note=note if note is not None else (before.note if before else ""),
                    who=who,
                    blind=face_id in seen_blind,
                )
                made.append(mark_id)
            if role is not None:
                details["role"] = role.value
            if seen_blind:
                details["blind"] = [face_id for face_id in wanted if face_id in seen_blind]
            return [each for each in cases.marks(session, case.id) if each.id in made]

    def undo(self, reference: str, face_id: int | None = None) -> Mark:
        """Take back one's own last mark in the case, or on this face; it stays, as undone. Raises PartUnknown where
        there is none."""
        details: dict[str, Any] = {}
        who = actor()
        with self._changing(reference, "undo", details) as (session, case):
            own = [each for each in cases.marks(session, case.id, face_id) if each.who == who and each.undone is None]
            if not own:
                of = "" if face_id is None else f" on face {face_id}"
                raise PartUnknown(f"There is no mark of {who}{of} in case {case.reference} to take back.")
            last = own[-1]
            cases.undo_mark(session, last.id, who)
            details.update(faces=[last.face], state=last.state.value)
        return last

    def shortlist(self, reference: str, name: str, *, add: Sequence[int] = (), remove: Sequence[int] = ()) -> Shortlist:
        """Put faces on a list of this name, at its end, and take others off. A list without any face goes."""
        name = line(name, "name of the list", MOST_NAME, needed=True)
        adds, takes = [int(each) for each in add], {int(each) for each in remove}
        with self._changing(reference, "shortlist", {"list": name, "faces": [*adds, *takes]}) as (session, case):
            for face_id in adds:
                faces.require(session, face_id)
            before = next((each for each in cases.shortlists(session, case.id) if each.name == name), None)
            left = [face_id for face_id in (*(before.faces if before else ()), *adds) if face_id not in takes]
            kept = list(dict.fromkeys(left))
            cases.set_shortlist(session, case.id, name, kept, actor())
        return Shortlist(name, before.who if before else actor(), datetime.now(UTC), tuple(kept))

    # Review

    def review(self, reference: str, search: int | None = None) -> Reviewing:
        """Begin, or go on with, one's own blind review of a search of the case (None: the last one with hits).

        Raises PartUnknown where there is no such search, or nothing in it to look at.
        """
        who = actor()
        with self._catalogue.read() as session:
            case = _found(session, reference)
            found = _search_to_review(cases.searches(session, case.id), search, case)
            known = cases.reviews(session, case.id)
        mine = [each for each in known if each.search == found.number and each.reviewer == who]
        if not mine:
            with self._changing(reference, "review", {"search": found.number}) as (session, case):
                again = cases.reviews(session, case.id)
                mine = [each for each in again if each.search == found.number and each.reviewer == who]
                if not mine:
                    cases.add_review(session, found.id, who, secrets.token_hex(8), min(MOST, len(found.hits)))
                    mine = [each for each in cases.reviews(session, case.id) if each.reviewer == who]
                    mine = [each for each in mine if each.search == found.number]
        with self._catalogue.read() as session:
            return reviewing(mine[0], found, cases.marks(session, case.id))

    def agreement(self, reference: str) -> tuple[Agreement, ...]:
        """How far every two reviewers agree."""
        with self._catalogue.read() as session:
            return agreements(cases.marks(session, _found(session, reference).id))

    # The log

    def log_shown(self, reference: str, how: str, face_ids: Sequence[int], **details: object) -> Any:
        """Log that these faces of the case were shown, or went out into files. Never raises; see `audit.log`."""
        values = {"case": reference, "action": how, "faces": list(face_ids), **details}
        return log(self._catalogue, "case", values)

    @contextmanager
    def _changing(
        self, reference: str, action: str, details: Mapping[str, Any] | None = None
    ) -> Iterator[tuple[Session, Case]]:
        """A transaction on an open case, that ends with a row of the log: the one way in which a case changes. details:
        what the row says, as it stands at the end."""
        with self._catalogue.write() as session:
            case = _found(session, reference)
            _require_open(case)
            yield session, case
            _note(session, case.reference, action, details or {})


def _found(session: Session, reference: str) -> Case:
    case = cases.named(session, key_of(reference))
    if case is None:
        raise CaseUnknown(
            f"There is no case {line(reference, 'reference of the case', MOST_REFERENCE)} in this catalogue."
        )
    return case


def _words(text: str, what: str) -> str:
    if not text.strip():
        raise BadText(f"The {what} is empty: write down what was said.")
    return text


def _known(kind: type[Word], word: str, what: str) -> Word:
    if word not in kind.__members__.values():
        raise PartUnknown(f"{word!r} is no {what}: it is one of {', '.join(each.value for each in kind)}.")
    return kind(word)


def _require_open(case: Case) -> None:
    if case.closed is not None:
        raise CaseClosed(
            f"Case {case.reference} was closed by {case.closed_by} on {case.closed.astimezone():%Y-%m-%d}: open it "
            "again, or open another one."
        )


def _note(session: Session, reference: str, action: str, details: Mapping[str, Any] | None = None) -> None:
    audit.note(session, "case", {**by_whom(), "case": reference, "action": action, **(details or {})})


def _search_to_review(searches: Sequence[CaseSearch], number: int | None, case: Case) -> CaseSearch:
    for each in reversed(searches):
        if each.number == number or (number is None and each.hits):
            if not each.hits:
                raise PartUnknown(f"Search {each.number} of case {case.reference} found no face to look at.")
            return each
    what = "search with a hit" if number is None else f"search {number}"
    raise PartUnknown(f"There is no {what} in case {case.reference}.", "no such part")


def _blind_faces(session: Session, case_id: int, who: str, marks: Sequence[Mark]) -> dict[int, tuple[int, int]]:
    """The faces that this reviewer sees without ranks and scores now, with id and number of the search."""
    mine: list[BlindReview] = [each for each in cases.reviews(session, case_id) if each.reviewer == who]
    if not mine:
        return {}
    found: dict[int, tuple[int, int]] = {}
    for each in mine:
        (search,) = cases.searches(session, case_id, each.search)
        stands = reviewing(each, search, marks)
        if stands.blind and not stands.is_complete:
            found.update(dict.fromkeys(stands.faces, (search.id, search.number)))
    return found


def _logged_search(catalogue: Catalogue, entry: audit.Entry) -> CaseSearch:
    """A logged search as a case keeps it, if what was logged says all of its request."""
    from dataclasses import replace

    from facesearch.errors import FacesearchError
    from facesearch.search.request import Order, catalogue_name, describe

    said = entry.payload or {}
    text = said.get("text") or said["reading"]
    request = None
    try:
        described, _ = describe(text)
        here = replace(described, catalogues=(catalogue_name(catalogue.path),))
        for tried in (here, replace(here, order=Order.SCORE)):
            if tried.digest == said["request"]:
                request = tried
    except FacesearchError:
        pass
    if request is None:
        raise PartUnknown(
            f'The search of row {entry.sequence} ("{said["reading"]}") had options that the log does not hold: ask it '
            "again for the case.",
            "options unknown",
        )
    return CaseSearch(
        id=0,
        number=0,
        kind="search",
        request=request.to_json(),
        digest=request.digest,
        about={"text": text, "reading": str(request), "adopted": entry.sequence},
        statement=None,
        model=said["model"],
        generation=0,
        searched=0,
        answered=said["hits"],
        blind=False,
        probes=None,
        row=entry.sequence,
        who=said.get("examiner") or said["user"],
        reason=said.get("reason", ""),
        moment=entry.moment,
        hits=tuple(KeptHit(rank, face, score) for rank, (face, score) in enumerate(said["faces"], 1)),
    )
