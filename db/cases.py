"""Cases: what an investigation within a catalogue holds, and how what is forgotten leaves it."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from db.chunks import chunks
from db.schema import (
    BlindReviewRow,
    CaseHitRow,
    CaseNoteRow,
    CaseRow,
    CaseSearchRow,
    CaseStatementRow,
    DepartureRow,
    Face,
    MarkRow,
    ShortlistFaceRow,
    ShortlistRow,
)
from db.values.case import (
    BlindReview,
    Case,
    CaseNote,
    CaseSearch,
    CaseStatement,
    Departure,
    KeptHit,
    Mark,
    MarkState,
    Role,
    Shortlist,
)

_PLAINLY = {"synchronize_session": False}


class Counts(NamedTuple):
    """How much a case holds. marked: faces with a mark that was not undone."""

    statements: int
    searches: int
    marked: int


# The case itself


def add(session: Session, key: str, reference: str, name: str, who: str) -> int:
    """Open a case; its id. `key` is that of no other."""
    return _inserted(
        session,
        insert(CaseRow).values(key=key, reference=reference, name=name, opened=datetime.now(UTC), opened_by=who),
    )


def named(session: Session, key: str) -> Case | None:
    """The case with this key, open or closed."""
    row = session.execute(select(CaseRow).where(CaseRow.key == key)).scalar_one_or_none()
    return None if row is None else _case(row)


def every(session: Session) -> list[tuple[Case, Counts]]:
    """All cases with what they hold, the newest first."""
    rows = session.execute(select(CaseRow).order_by(CaseRow.opened.desc(), CaseRow.id.desc())).scalars().all()
    return [(_case(row), counts(session, row.id)) for row in rows]


def counts(session: Session, case_id: int) -> Counts:
    """How much this case holds."""
    return Counts(
        session.execute(
            select(func.count(CaseStatementRow.id)).where(CaseStatementRow.case_id == case_id)
        ).scalar_one(),
        session.execute(select(func.count(CaseSearchRow.id)).where(CaseSearchRow.case_id == case_id)).scalar_one(),
        session.execute(
            select(func.count(MarkRow.face_id.distinct())).where(MarkRow.case_id == case_id, MarkRow.undone.is_(None))
        ).scalar_one(),
    )


def set_closed(session: Session, case_id: int, who: str | None) -> None:
    """Close the case, or open it again where `who` is None."""
    closed = None if who is None else datetime.now(UTC)
    session.execute(update(CaseRow).where(CaseRow.id == case_id).values(closed=closed, closed_by=who or ""))


def rename(session: Session, case_id: int, name: str) -> None:
    """Give the case another name."""
    session.execute(update(CaseRow).where(CaseRow.id == case_id).values(name=name))


def remove(session: Session, case_id: int) -> None:
    """Take out the case with all that hangs on it, in a session of `Catalogue.erase`."""
    searches = select(CaseSearchRow.id).where(CaseSearchRow.case_id == case_id)
    lists = select(ShortlistRow.id).where(ShortlistRow.case_id == case_id)
    for statement in (
        delete(BlindReviewRow).where(BlindReviewRow.search_id.in_(searches)),
        delete(CaseHitRow).where(CaseHitRow.search_id.in_(searches)),
        delete(DepartureRow).where(DepartureRow.search_id.in_(searches)),
        delete(MarkRow).where(MarkRow.case_id == case_id),
        delete(ShortlistFaceRow).where(ShortlistFaceRow.shortlist_id.in_(lists)),
        delete(ShortlistRow).where(ShortlistRow.case_id == case_id),
        delete(CaseSearchRow).where(CaseSearchRow.case_id == case_id),
        delete(CaseStatementRow).where(CaseStatementRow.case_id == case_id),
        delete(CaseNoteRow).where(CaseNoteRow.case_id == case_id),
        delete(CaseRow).where(CaseRow.id == case_id),
    ):
        session.execute(statement, execution_options=_PLAINLY)


# Notes and statements


def add_note(session: Session, case_id: int, text: str, who: str) -> None:
    """A note on the case as a whole."""
    session.execute(insert(CaseNoteRow).values(case_id=case_id, text=text, who=who, moment=datetime.now(UTC)))


def notes(session: Session, case_id: int) -> list[CaseNote]:
    """In the order in which they were made."""
    rows = session.execute(
        select(CaseNoteRow.text, CaseNoteRow.who, CaseNoteRow.moment)
        .where(CaseNoteRow.case_id == case_id)
        .order_by(CaseNoteRow.id)
    )
    return [CaseNote(*row) for row in rows]


def add_statement(session: Session, case_id: int, statement: CaseStatement) -> CaseStatement:
    """Put a statement in, with the next number of the case; as it is then."""
    number = _next_number(session, CaseStatementRow, case_id)
    values = {
        name: getattr(statement, name) for name in ("text", "witness", "taken_by", "taken", "how", "who", "added")
    }
    row = _inserted(session, insert(CaseStatementRow).values(case_id=case_id, number=number, **values))
    return replace(statement, id=row, number=number)


def statements(session: Session, case_id: int) -> list[CaseStatement]:
    """In the order of their numbers."""
    rows = session.execute(
        select(CaseStatementRow).where(CaseStatementRow.case_id == case_id).order_by(CaseStatementRow.number)
    ).scalars()
    return [
        CaseStatement(row.id, row.number, row.text, row.witness, row.taken_by, row.taken, row.how, row.who, row.added)
        for row in rows
    ]


# Searches


def add_search(session: Session, case_id: int, search: CaseSearch) -> int:
    """Keep a search with its hits and departures under the next number of the case, which is returned. Hits whose face
    was taken out meanwhile are left out."""
    number = _next_number(session, CaseSearchRow, case_id)
    statement_id = None
    if search.statement is not None:
        statement_id = session.execute(
            select(CaseStatementRow.id).where(
                CaseStatementRow.case_id == case_id, CaseStatementRow.number == search.statement
            )
        ).scalar_one()
    same = ("kind", "request", "digest", "model", "generation", "searched", "answered", "blind", "probes", "row")
    values = {name: getattr(search, name) for name in (*same, "who", "reason", "moment")}
    search_id = _inserted(
        session,
        insert(CaseSearchRow).values(
            case_id=case_id, number=number, statement_id=statement_id, about=dict(search.about), **values
        ),
    )
    _insert_hits(session, search_id, search.hits)
    if search.departures:
        session.execute(
            insert(DepartureRow),
            [
                {
                    "search_id": search_id,
                    "change": each.change,
                    "words": each.words,
                    "who": each.who,
                    "moment": each.moment,
                    "why": each.why,
                }
                for each in search.departures
            ],
        )
    return number


def add_hits(session: Session, case_id: int, number: int, hits: Sequence[KeptHit], *, answered: int) -> bool:
    """Put further hits into a kept search; ranks that it has stay as they are. answered: how many were shown by now.
    False where the case has no such search."""
    row = session.execute(
        select(CaseSearchRow.id, CaseSearchRow.answered).where(
            CaseSearchRow.case_id == case_id, CaseSearchRow.number == number
        )
    ).one_or_none()
    if row is None:
        return False
    known = set(session.execute(select(CaseHitRow.rank).where(CaseHitRow.search_id == row.id)).scalars())
    _insert_hits(session, row.id, [hit for hit in hits if hit.rank not in known])
    now = max(row.answered, answered)
    session.execute(update(CaseSearchRow).where(CaseSearchRow.id == row.id).values(answered=now))
    return True


def _insert_hits(session: Session, search_id: int, hits: Sequence[KeptHit]) -> None:
    """Those whose face is still there."""
    there = _existing(session, [hit.face for hit in hits])
    rows = [
        {"search_id": search_id, "rank": hit.rank, "face_id": hit.face, "score": hit.score, "shown": dict(hit.shown)}
        for hit in hits
        if hit.face in there
    ]
    if rows:
        session.execute(insert(CaseHitRow), rows)


def searches(session: Session, case_id: int, number: int | None = None) -> list[CaseSearch]:
    """All searches of the case (or the one with this number), empty ones, too, in the order of their numbers; with
    departures and hits."""
    rows = session.execute(
        select(CaseSearchRow, CaseStatementRow.number)
        .outerjoin(CaseStatementRow, CaseStatementRow.id == CaseSearchRow.statement_id)
        .where(CaseSearchRow.case_id == case_id, *([] if number is None else [CaseSearchRow.number == number]))
        .order_by(CaseSearchRow.number)
    ).all()
    departures: dict[int, list[Departure]] = {}
    hits: dict[int, list[KeptHit]] = {}
    ids = [row.id for row, _ in rows]
    for some in chunks(ids):
        for left in session.execute(
            select(DepartureRow).where(DepartureRow.search_id.in_(some)).order_by(DepartureRow.id)
        ).scalars():
            told = Departure(left.change, left.words, left.who, left.moment, left.why)
            departures.setdefault(left.search_id, []).append(told)
        kept = select(
            CaseHitRow.search_id, CaseHitRow.rank, CaseHitRow.face_id, CaseHitRow.score, CaseHitRow.shown
        ).where(CaseHitRow.search_id.in_(some))
        for search_id, *hit in session.execute(kept.order_by(CaseHitRow.search_id, CaseHitRow.rank)):
            hits.setdefault(search_id, []).append(KeptHit(*hit))
    return [
        CaseSearch(
            row.id,
            row.number,
            row.kind,
            row.request,
            row.digest,
            row.about,
            statement,
            row.model,
            row.generation,
            row.searched,
            row.answered,
            row.blind,
            row.probes,
            row.row,
            row.who,
            row.reason,
            row.moment,
            tuple(departures.get(row.id, ())),
            tuple(hits.get(row.id, ())),
        )
        for row, statement in rows
    ]


def rows_kept(session: Session, case_id: int) -> set[int]:
    """The rows of the audit log whose searches are in the case."""
    rows = session.execute(select(CaseSearchRow.row).where(CaseSearchRow.case_id == case_id)).scalars()
    return {row for row in rows if row is not None}


def last_search_with(session: Session, case_id: int, face_id: int) -> tuple[int, int] | None:
    """Id and number of the newest search of the case that has this face among its hits."""
    row = session.execute(
        select(CaseSearchRow.id, CaseSearchRow.number)
        .join(CaseHitRow, CaseHitRow.search_id == CaseSearchRow.id)
        .where(CaseSearchRow.case_id == case_id, CaseHitRow.face_id == face_id)
        .order_by(CaseSearchRow.number.desc())
        .limit(1)
    ).first()
    return None if row is None else (row[0], row[1])


# Marks


def add_mark(
    session: Session,
    case_id: int,
    face_id: int,
    *,
    search_id: int | None,
    state: MarkState,
    role: Role,
    note: str,
    who: str,
    blind: bool,
) -> int:
    """Add a mark; its id."""
    return _inserted(
        session,
        insert(MarkRow).values(
            case_id=case_id,
            face_id=face_id,
            search_id=search_id,
            state=state,
            role=role,
            note=note,
            who=who,
            moment=datetime.now(UTC),
            blind=blind,
        ),
    )


def undo_mark(session: Session, mark_id: int, who: str) -> None:
    """Let a mark count no longer; it stays."""
    session.execute(update(MarkRow).where(MarkRow.id == mark_id).values(undone=datetime.now(UTC), undone_by=who))


def marks(session: Session, case_id: int, face_id: int | None = None) -> list[Mark]:
    """All marks of the case (or on one face), undone ones, too, in the order in which they were made."""
    statement = (
        select(MarkRow, CaseSearchRow.number)
        .outerjoin(CaseSearchRow, CaseSearchRow.id == MarkRow.search_id)
        .where(MarkRow.case_id == case_id)
        .order_by(MarkRow.id)
    )
    if face_id is not None:
        statement = statement.where(MarkRow.face_id == face_id)
    return [
        Mark(
            row.id,
            row.face_id,
            row.state,
            row.role,
            row.note,
            row.who,
            row.moment,
            row.blind,
            search,
            row.undone,
            row.undone_by,
        )
        for row, search in session.execute(statement)
    ]


# Shortlists


def set_shortlist(session: Session, case_id: int, name: str, faces: Sequence[int], who: str) -> None:
    """Let the list of this name hold these faces in this order; a list without any goes."""
    known = select(ShortlistRow.id).where(ShortlistRow.case_id == case_id, ShortlistRow.name == name)
    list_id = session.execute(known).scalar_one_or_none()
    if list_id is not None:
        session.execute(delete(ShortlistFaceRow).where(ShortlistFaceRow.shortlist_id == list_id))
        if not faces:
            session.execute(delete(ShortlistRow).where(ShortlistRow.id == list_id))
    elif faces:
        values = {"case_id": case_id, "name": name, "who": who, "made": datetime.now(UTC)}
        list_id = _inserted(session, insert(ShortlistRow).values(**values))
    if faces:
        session.execute(
            insert(ShortlistFaceRow),
            [{"shortlist_id": list_id, "face_id": face, "place": place} for place, face in enumerate(faces, 1)],
        )


def shortlists(session: Session, case_id: int) -> list[Shortlist]:
    """By name."""
    rows = session.execute(select(ShortlistRow).where(ShortlistRow.case_id == case_id).order_by(ShortlistRow.name))
    return [
        Shortlist(
            row.name,
            row.who,
            row.made,
            tuple(
                session.execute(
                    select(ShortlistFaceRow.face_id)
                    .where(ShortlistFaceRow.shortlist_id == row.id)
                    .order_by(ShortlistFaceRow.place)
                ).scalars()
            ),
        )
        for row in rows.scalars().all()
    ]


# Blind reviews


def add_review(session: Session, search_id: int, reviewer: str, seed: str, faces: int) -> None:
    """Note that this reviewer begins to look at the first so many hits of the search, in the order of the seed."""
    values = {"search_id": search_id, "reviewer": reviewer, "seed": seed, "faces": faces}
    session.execute(insert(BlindReviewRow).values(began=datetime.now(UTC), **values))


def reviews(session: Session, case_id: int) -> list[BlindReview]:
    """In the order in which they were begun."""
    rows = session.execute(
        select(
            CaseSearchRow.number,
            BlindReviewRow.reviewer,
            BlindReviewRow.seed,
            BlindReviewRow.faces,
            BlindReviewRow.began,
        )
        .join(CaseSearchRow, CaseSearchRow.id == BlindReviewRow.search_id)
        .where(CaseSearchRow.case_id == case_id)
        .order_by(BlindReviewRow.id)
    )
    return [BlindReview(*row) for row in rows]


# What is forgotten


def naming(session: Session, face_ids: Collection[int]) -> list[str]:
    """The references of the cases that hold marks, hits or lists with one of these faces."""
    found: set[str] = set()
    for some in chunks(sorted(face_ids)):
        of_hits = select(CaseSearchRow.case_id).join(CaseHitRow, CaseHitRow.search_id == CaseSearchRow.id)
        of_lists = select(ShortlistRow.case_id).join(ShortlistFaceRow, ShortlistFaceRow.shortlist_id == ShortlistRow.id)
        rows = session.execute(
            select(CaseRow.reference).where(
                or_(
                    exists().where(MarkRow.case_id == CaseRow.id, MarkRow.face_id.in_(some)),
                    CaseRow.id.in_(of_hits.where(CaseHitRow.face_id.in_(some))),
                    CaseRow.id.in_(of_lists.where(ShortlistFaceRow.face_id.in_(some))),
                )
            )
        )
        found.update(rows.scalars())
    return sorted(found)


def forget_faces(session: Session, face_ids: Sequence[int]) -> None:
    """Take these faces out of every case: marks with their notes, hits, places on lists, and requests that start from
    one of them."""
    for some in chunks(face_ids):
        for table in (MarkRow, CaseHitRow, ShortlistFaceRow):
            session.execute(delete(table).where(table.face_id.in_(some)), execution_options=_PLAINLY)
    gone = set(face_ids)
    _blank_searches(session, lambda request, _: any(each.get("face") in gone for each in request.get("like", ())))


def forget_words(session: Session, words: Iterable[str]) -> None:
    """Blank what the searches of all cases say where it holds one of these words: digests and paths of photos that are
    forgotten."""
    sought = [each for each in words if each]
    if sought:
        _blank_searches(session, lambda _, texts: any(word in text for word in sought for text in texts))


def _blank_searches(session: Session, names: Any) -> None:
    """Take away request and circumstances of the searches for which `names` (request as JSON holds it, and every text
    in it and in what is said of its result) is true; that there was a search stays."""
    rows = session.execute(select(CaseSearchRow.id, CaseSearchRow.request, CaseSearchRow.about)).all()
    for search_id, request, about in rows:
        asked = {} if request is None else json.loads(request)
        if not names(asked, [*_texts(asked), *_texts(about)]):
            continue
        blank: dict[str, Any] = {"request": None, "digest": None, "probes": None, "about": {}}
        session.execute(update(CaseSearchRow).where(CaseSearchRow.id == search_id).values(**blank))
        session.execute(delete(DepartureRow).where(DepartureRow.search_id == search_id), execution_options=_PLAINLY)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield key
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _existing(session: Session, face_ids: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for some in chunks(sorted(set(face_ids))):
        found.update(session.execute(select(Face.id).where(Face.id.in_(some))).scalars())
    return found


def _next_number(session: Session, table: Any, case_id: int) -> int:
    last = session.execute(select(func.max(table.number)).where(table.case_id == case_id)).scalar_one()
    return 1 if last is None else int(last) + 1


def _inserted(session: Session, statement: Any) -> int:
    key = session.execute(statement).inserted_primary_key  # type: ignore[attr-defined]
    return int(key[0])


def _case(row: CaseRow) -> Case:
    return Case(row.id, row.reference, row.name, row.opened, row.opened_by, row.closed, row.closed_by)
