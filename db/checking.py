"""Whether the rows of a catalogue hold what they can, refer to what is there, and show and hide the right faces.

`find_damage` only reads. `mend` takes out what cannot be, as far as the snapshot or an index run makes up for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from sqlalchemy import JSON, Boolean, Column, DateTime, Double, Integer, LargeBinary, Table, delete, select
from sqlalchemy import update as update_rows
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from db import audit, erasure, faces, generation, models, provenance
from db.arrays import Floats
from db.chunks import READ_AT_ONCE, chunks
from db.schema import (
    Base,
    ContentDigest,
    Face,
    File,
    HexDigest,
    Hold,
    LeftOutText,
    Mask,
    Model,
    OutcomeText,
    Photo,
    Recognised,
    Score,
    UtcDateTime,
    WordText,
)
from db.values.photo import LeftOut, Outcome

Key = tuple[Any, ...]
_NUMBER = "typeof({0}) IN ('real', 'integer') AND abs({0}) < 1e300"
_MOMENT = "typeof({0}) = 'text' AND {0} GLOB '????-??-?? ??:??:??*' AND julianday({0}) IS NOT NULL"
_LENGTHS = {("faces", "landmarks"): 40, ("state", "secret"): 32}  # bytes
_MENDABLE = (
    "scores",
    "faces",
    "photos",
    "files",
    "others",
    "unseen",
    "faults",
    "runs",
    "validations",
    "masks",
    "holds",
    "content_digests",
)
_PLAINLY = {"synchronize_session": False}


class Kind(StrEnum):
    """What is wrong with rows. VALUE: a column holds what it cannot; ORPHAN: it refers to nothing; SHOWN: a face is
    searched that should be hidden, or hidden that should be searched; UNREADABLE: the table cannot be read to its
    end."""

    VALUE = "value"
    ORPHAN = "orphan"
    SHOWN = "shown"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Damage:
    """Rows of a table that are wrong in one way. keys: the values of their primary keys; none where UNREADABLE."""

    kind: Kind
    table: str
    column: str = ""
    keys: tuple[Key, ...] = ()

    @property
    def can_be_mended(self) -> bool:
        """Whether something else makes up for these rows."""
        return self.kind is not Kind.UNREADABLE and self.table in _MENDABLE


@dataclass(frozen=True, slots=True)
class Mended:
    """What mending did. restored: faces whose scores came back from the snapshot; scores: those that have none now,
    until an index run makes them again; faces: taken out, with their numbers; photos: that an index run looks at again;
    files: that it takes for new; holds: taken out, so that they hold no longer; others: rows of other tables, taken
    out; shown: faces that are searched, or hidden, again. marks: of cases, lost with the faces that they hung on.
    """

    restored: int = 0
    scores: int = 0
    faces: int = 0
    photos: int = 0
    files: int = 0
    holds: int = 0
    others: int = 0
    shown: int = 0
    marks: int = 0


def find_damage(session: Session) -> list[Damage]:
    """All of it, tables in the order in which they depend on each other."""
    found: list[Damage] = []
    for table in Base.metadata.sorted_tables:
        try:
            found += _values(session, table)
            found += _orphans(session, table)
        except DatabaseError:
            found.append(Damage(Kind.UNREADABLE, table.name))
    if not {each.table for each in found} & {"faces", "files", "photos"}:
        wrong = tuple(_wrongly_shown(session))
        found += [Damage(Kind.SHOWN, "faces", "hidden", wrong)] if wrong else []
    return found


def _values(session: Session, table: Table) -> Iterator[Damage]:
    key = ", ".join(column.name for column in table.primary_key.columns)
    width = len(table.primary_key.columns)
    sound = {column.name: f"({_condition(session, column)}) IS TRUE" for column in table.columns}
    bad: dict[str, list[Key]] = {}
    rows = session.connection().exec_driver_sql(
        f"SELECT {key}, {', '.join(sound.values())} FROM {table.name} WHERE NOT ({' AND '.join(sound.values())})"
    )
    for row in rows:
        for name, holds in zip(sound, row[width:], strict=True):
            if not holds:
                bad.setdefault(name, []).append(tuple(row[:width]))
    for column in table.columns:
        if _is_text(column):  # bytes beyond ASCII need not be UTF-8
            some = session.connection().exec_driver_sql(
                f"SELECT {key}, CAST({column.name} AS BLOB) FROM {table.name} WHERE {column.name} GLOB '*[^ -~]*'"
            )
            bad.setdefault(column.name, []).extend(tuple(row[:width]) for row in some if not _is_utf8(row[width]))
    if table.name == "scores":
        bad.setdefault("logits", []).extend(_no_numbers(session))
    for name, keys in bad.items():
        if keys:
            yield Damage(Kind.VALUE, table.name, name, tuple(dict.fromkeys(keys)))


def _condition(session: Session, column: Column[Any]) -> str:
    """The condition, in SQL, that the column holds what it can."""
    kind, name = column.type, column.name
    if isinstance(kind, HexDigest):
        condition = f"typeof({name}) = 'blob' AND length({name}) = 32"
    elif isinstance(kind, OutcomeText | LeftOutText):
        known = Outcome if isinstance(kind, OutcomeText) else LeftOut
        condition = f"{name} IN ({', '.join(repr(each.value) for each in known)})"
    elif isinstance(kind, WordText):
        condition = f"{name} IN ({', '.join(repr(each.value) for each in kind.known)})"
    elif isinstance(kind, DateTime | UtcDateTime):
        condition = _MOMENT.format(name)
    elif isinstance(kind, Boolean):
        condition = f"typeof({name}) = 'integer' AND {name} IN (0, 1)"
    elif isinstance(kind, JSON):
        condition = f"typeof({name}) = 'text' AND json_valid({name})"
    elif isinstance(kind, Integer):
        condition = f"typeof({name}) = 'integer'"
    elif isinstance(kind, Double):
        condition = _NUMBER.format(name)
    elif isinstance(kind, LargeBinary):
        condition = f"typeof({name}) = 'blob'"
        length = _LENGTHS.get((column.table.name, name))
        condition += f" AND length({name}) = {length}" if length else ""
        if (column.table.name, name) == ("scores", "logits"):
            condition += f" AND {_width_of_logits(session)}"
    else:
        condition = f"typeof({name}) = 'text'"
    return f"{name} IS NULL OR ({condition})" if column.nullable else condition


def _width_of_logits(session: Session) -> str:
    models_ = session.connection().exec_driver_sql(
        "SELECT id, json_array_length(attributes) FROM models WHERE json_valid(attributes)"
    )
    widths = " ".join(f"WHEN {int(id)} THEN {4 * int(width)}" for id, width in models_)
    return f"length(logits) = CASE model_id {widths} END" if widths else "1"


def _is_text(column: Column[Any]) -> bool:
    return column.type.__class__.__name__ in ("Text", "String")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _no_numbers(session: Session) -> Iterator[Key]:
    """Scores of which one is no finite number."""
    rows = session.connection().exec_driver_sql(
        "SELECT model_id, face_id, logits FROM scores WHERE typeof(logits) = 'blob' AND length(logits) % 4 = 0"
    )
    for part in rows.partitions(READ_AT_ONCE):
        everything = np.frombuffer(b"".join(blob for _, _, blob in part), dtype="<f4")
        if np.isfinite(everything).all():
            continue
        for model_id, face_id, blob in part:
            if not np.isfinite(np.frombuffer(blob, dtype="<f4")).all():
                yield model_id, face_id


def _orphans(session: Session, table: Table) -> Iterator[Damage]:
    key = ", ".join(column.name for column in table.primary_key.columns)
    for column in table.columns:
        for reference in column.foreign_keys:
            parent = reference.column
            rows = session.connection().exec_driver_sql(
                f"SELECT {key} FROM {table.name} WHERE {column.name} IS NOT NULL AND NOT EXISTS "
                f"(SELECT 1 FROM {parent.table.name} AS parent WHERE parent.{parent.name} = {table.name}.{column.name})"
            )
            keys = tuple(tuple(row) for row in rows)
            if keys:
                yield Damage(Kind.ORPHAN, table.name, column.name, keys)


def _wrongly_shown(session: Session) -> Iterator[Key]:
    rows = session.connection().exec_driver_sql(
        "SELECT id FROM faces WHERE hidden != (unfound OR NOT EXISTS "
        "(SELECT 1 FROM files WHERE files.photo_id = faces.photo_id AND missing_since IS NULL))"
    )
    for row in rows:
        yield tuple(row)


def mend(session: Session, found: list[Damage], kept: Mapping[int, Floats]) -> Mended:
    """Take out what cannot be. kept: logits (float32[A]) of the serving model by face id, for faces whose scores there
    are damaged, from where they are sound."""
    done, marks = Mended(), _count_marks(session)
    for damage in found:
        if not damage.can_be_mended:
            continue
        if damage.kind is Kind.SHOWN:
            photo_ids = _values_of(session, "SELECT DISTINCT photo_id FROM faces WHERE id IN", damage.keys)
            done = replace(done, shown=done.shown + faces.update_visibility(session, photo_ids))
        elif damage.table == "scores":
            done = _mend_scores(session, damage, kept, done)
        elif damage.table == "faces":
            photo_ids = _values_of(session, "SELECT DISTINCT photo_id FROM faces WHERE id IN", damage.keys)
            number = _take_out_faces(session, [key[0] for key in damage.keys])
            again = _look_again(session, photo_ids)
            done = replace(done, faces=done.faces + number, photos=done.photos + again)
        elif damage.table == "photos":
            done = _take_out_photos(session, damage, done)
        elif damage.table == "files":
            photo_ids = _values_of(session, "SELECT DISTINCT photo_id FROM files WHERE id IN", damage.keys)
            done = replace(done, files=done.files + _take_out(session, damage))
            faces.update_visibility(session, photo_ids)
        elif damage.table == "holds":
            done = replace(done, holds=done.holds + _take_out(session, damage))
        else:
            done = replace(done, others=done.others + _take_out(session, damage))
    return replace(done, marks=marks - _count_marks(session))


def _count_marks(session: Session) -> int:
    return int(session.connection().exec_driver_sql("SELECT count(*) FROM marks").scalar_one())


def _mend_scores(session: Session, damage: Damage, kept: Mapping[int, Floats], done: Mended) -> Mended:
    serving = models.serving_id(session)
    restored = lost = 0
    for model_id, face_id in damage.keys:
        mine = (Score.model_id == model_id, Score.face_id == face_id)
        if model_id == serving and face_id in kept and damage.column == "logits":
            session.execute(update_rows(Score).where(*mine).values(logits=kept[face_id].astype("<f4").tobytes()))
            restored += 1
        else:
            lost += bool(session.execute(delete(Score).where(*mine)).rowcount)  # type: ignore[attr-defined]
        _touch(session, [face_id])
    return replace(done, restored=done.restored + restored, scores=done.scores + lost)


def _touch(session: Session, face_ids: list[Any]) -> None:
    session.execute(
        update_rows(Face).where(Face.id.in_(face_ids)).values(generation=generation.stamp(session)),
        execution_options={"synchronize_session": False},
    )


def _take_out_faces(session: Session, face_ids: list[Any]) -> int:
    model_ids = list(session.execute(select(Model.id)).scalars())
    number = erasure.take_out_faces(session, dict.fromkeys(face_ids, b""), generation.stamp(session), model_ids)
    audit.blank_naming(session, set(face_ids))
    return number


def _take_out_photos(session: Session, damage: Damage, done: Mended) -> Mended:
    ids = [key[0] for key in damage.keys]
    face_ids = [
        key for some in chunks(ids) for key in session.execute(select(Face.id).where(Face.photo_id.in_(some))).scalars()
    ]
    number = _take_out_faces(session, face_ids)
    files = 0
    for some in chunks(ids):
        gone = session.execute(delete(File).where(File.photo_id.in_(some)), execution_options=_PLAINLY)
        files += gone.rowcount  # type: ignore[attr-defined]
        for statement in (
            delete(table).where(table.photo_id.in_(some)) for table in (Mask, Hold, Recognised, ContentDigest)
        ):
            session.execute(statement, execution_options=_PLAINLY)
        session.execute(delete(Photo).where(Photo.id.in_(some)), execution_options=_PLAINLY)
    return replace(done, faces=done.faces + number, files=done.files + files)


def _take_out(session: Session, damage: Damage) -> int:
    table = Base.metadata.tables[damage.table]
    where = " AND ".join(f"{column.name} = ?" for column in table.primary_key.columns)
    connection = session.connection()
    return sum(
        connection.exec_driver_sql(f"DELETE FROM {table.name} WHERE {where}", key).rowcount for key in damage.keys
    )


def _look_again(session: Session, photo_ids: list[int]) -> int:
    """Let the next run look at these photos again; how many there are."""
    known = provenance.known(session)
    number = 0
    for some in chunks(photo_ids):
        rows = session.execute(select(Photo.id, Photo.provenance_id).where(Photo.id.in_(some))).all()
        for photo_id, before in rows:
            wanted = replace(known[before], again=True)
            again = provenance.ids_of(session, [wanted])[wanted]
            session.execute(update_rows(Photo).where(Photo.id == photo_id).values(provenance_id=again))
        number += len(rows)
    return number


def _values_of(session: Session, statement: str, keys: tuple[Key, ...]) -> list[int]:
    found: set[int] = set()
    for some in chunks(keys):
        marks = ", ".join("?" * len(some))
        rows = session.connection().exec_driver_sql(f"{statement} ({marks})", tuple(key[0] for key in some))
        found.update(row[0] for row in rows if isinstance(row[0], int))
    return sorted(found)
