"""The audit log: a chain of rows, each bound to all before it.

A row chains the digest of its salted payload and not the payload, so that what was forgotten can be blanked and the
chain still holds. Who owns the file can rewrite the whole chain: only heads that are kept elsewhere prove that nobody
did.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from db.chunks import READ_AT_ONCE
from db.paths import display, within
from db.schema import AuditRow

_BEFORE_THE_FIRST = bytes(32)


@dataclass(frozen=True, slots=True)
class Head:
    """The last row: how many there are, and the chain up to it (hexadecimal)."""

    sequence: int
    chain: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.chain}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row. payload: None where it was blanked."""

    sequence: int
    moment: datetime
    kind: str
    payload: Mapping[str, Any] | None
    chain: str


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the chain holds. head: of the rows that are there, None without any. broken_at: the first row that does
    not follow from those before it, or whose payload is another than was logged; None where all do. blanked: how many
    rows have lost their payload. holds_head: whether a head that was asked about is among them; None where none was."""

    head: Head | None
    broken_at: int | None
    blanked: int
    holds_head: bool | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing was changed, as far as the file itself can tell."""
        return self.broken_at is None and self.holds_head is not False


def note(session: Session, kind: str, payload: Mapping[str, Any], moment: datetime | None = None) -> Head:
    """Add a row at the end. payload: any JSON. moment: now, if not given."""
    moment = (moment or datetime.now(UTC)).astimezone(UTC)
    before = head(session)
    sequence = before.sequence + 1 if before else 1
    text, salt = json.dumps(payload, ensure_ascii=True, sort_keys=True), secrets.token_bytes(16)
    digest = _digest(salt, text)
    chain = _chained(bytes.fromhex(before.chain) if before else _BEFORE_THE_FIRST, sequence, moment, kind, digest)
    session.execute(
        insert(AuditRow).values(
            id=sequence, moment=moment, kind=kind, salt=salt, payload=text, digest=digest, chain=chain
        )
    )
    return Head(sequence, chain.hex())


def head(session: Session) -> Head | None:
    """The last row; None where there is none."""
    row = session.execute(select(AuditRow.id, AuditRow.chain).order_by(AuditRow.id.desc()).limit(1)).first()
    return Head(row.id, row.chain.hex()) if row is not None else None


def entries(session: Session, kinds: Sequence[str] = (), since: datetime | None = None) -> Iterator[Entry]:
    """The rows of these kinds (all where none is named), from a moment on, in their order."""
    statement = select(AuditRow).order_by(AuditRow.id)
    if kinds:
        statement = statement.where(AuditRow.kind.in_(kinds))
    if since is not None:
        statement = statement.where(AuditRow.moment >= since)
    for row in session.execute(statement, execution_options={"yield_per": READ_AT_ONCE}).scalars():
        payload = None if row.payload is None else json.loads(row.payload)
        yield Entry(row.id, row.moment, row.kind, payload, row.chain.hex())


def verify(session: Session, expected: str | None = None) -> Verification:
    """Follow the chain from the first row. expected: a head that was kept elsewhere ("12:3f..."), or its chain."""
    chain, last, blanked, broken_at = _BEFORE_THE_FIRST, 0, 0, None
    wanted = expected.rpartition(":")[2].lower() if expected is not None else None
    holds = None if wanted is None else False
    rows = session.execute(select(AuditRow).order_by(AuditRow.id), execution_options={"yield_per": READ_AT_ONCE})
    for row in rows.scalars():
        blanked += row.payload is None
        told = row.payload is None or (row.salt is not None and _digest(row.salt, row.payload) == row.digest)
        follows = row.id == last + 1 and _chained(chain, row.id, row.moment, row.kind, row.digest) == row.chain
        if broken_at is None and not (told and follows):
            broken_at = row.id
        chain, last = row.chain, row.id
        holds = holds or (None if wanted is None else chain.hex() == wanted)
    return Verification(Head(last, chain.hex()) if last else None, broken_at, blanked, holds)


def broken_link(rows: Iterable[tuple[int, str, str, bytes, bytes, bytes | None, str | None]]) -> int | None:
    """The first of these rows (number, moment, kind, digest, chain, and salt and payload where they are told) that does
    not follow from those before it; None where all do. moment: UTC, as ISO 8601 with microseconds."""
    chain, last = _BEFORE_THE_FIRST, 0
    for sequence, moment, kind, digest, stated, salt, payload in rows:
        told = payload is None or (salt is not None and _digest(salt, payload) == digest)
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        if sequence != last + 1 or not told or _chained(chain, sequence, at, kind, digest) != stated:
            return sequence
        chain, last = stated, sequence
    return None


def rows_after(session: Session, known: Head | None) -> list[dict[str, Any]]:
    """The rows behind this one (all where it is None), as they are; none where this log does not hold it."""
    if known is not None:
        held = session.execute(select(AuditRow.chain).where(AuditRow.id == known.sequence)).scalar_one_or_none()
        if held is None or held.hex() != known.chain:
            return []
    rows = session.execute(select(AuditRow).where(AuditRow.id > (known.sequence if known else 0)).order_by(AuditRow.id))
    columns = AuditRow.__table__.columns.keys()
    return [{name: getattr(row, name) for name in columns} for row in rows.scalars()]


def blanked(session: Session) -> list[int]:
    """The numbers of the rows that were blanked."""
    return list(session.execute(select(AuditRow.id).where(AuditRow.payload.is_(None))).scalars())


def append(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Put rows of the same log, as `rows_after` gives them, behind those that are there."""
    if rows:
        session.execute(insert(AuditRow), rows)


def blank_naming(session: Session, faces: Collection[int], folders: Collection[bytes] = ()) -> None:
    """Blank the rows that name one of these faces, as shown, found or exported, or one of these folders (absolute
    paths) or a folder below one. It reads the whole log: once for all that goes."""
    gone = [os.fsencode(display(each)) for each in folders]

    def is_gone(folder: str) -> bool:
        path = os.fsencode(folder)
        return any(path == one or within(one, path) is not None for one in gone)

    named = [
        each.sequence
        for each in entries(session)
        if not faces_of(each).isdisjoint(faces) or any(map(is_gone, (each.payload or {}).get("folders", [])))
    ]
    blank(session, named)


def faces_of(entry: Entry) -> set[int]:
    """The ids of the faces that a row names."""
    payload = entry.payload or {}
    shown = payload.get("faces", [])
    found = {each[0] if isinstance(each, list) else each for each in shown} if isinstance(shown, list) else set()
    return found | ({payload["face"]} if "face" in payload else set())


def blank(session: Session, sequences: Sequence[int]) -> None:
    """Take away what these rows say, since it names what was forgotten; that they were there stays."""
    for sequence in sequences:
        session.execute(update(AuditRow).where(AuditRow.id == sequence).values(salt=None, payload=None))


def _digest(salt: bytes, text: str) -> bytes:
    return hashlib.sha256(salt + text.encode()).digest()


def _chained(before: bytes, sequence: int, moment: datetime, kind: str, digest: bytes) -> bytes:
    row = f"{sequence}\n{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}\n{kind}\n".encode()
    return hashlib.sha256(before + row + digest).digest()
