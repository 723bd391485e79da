"""When and with what photos were taken, of contents stored before a catalogue could say so.

Only contents with faces are caught up on: nobody searches the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, bindparam, exists, func, literal_column, select, update
from sqlalchemy.orm import Session

from db.chunks import listed
from db.paths import join
from db.schema import Face, File, Outcome, Photo, Root

# Written as the index on it is: with a parameter in place of the word SQLite would not use that index.
_UNREAD = Photo.exif_read.is_(False) & (Photo.outcome == literal_column(f"'{Outcome.INDEXED}'"))


class StoredFile(NamedTuple):
    """A file as it was when last looked at. path: absolute. size in bytes, mtime in ns."""

    path: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class UnreadPhoto:
    """A content with faces whose EXIF was not looked at. files: those that are there, in byte order, at least one."""

    photo_id: int
    files: tuple[StoredFile, ...]


class Shot(NamedTuple):
    """taken: without a time zone, by the camera's own clock. camera: make and model, "" for unknown."""

    taken: datetime | None
    camera: str


def unread(session: Session, root_ids: Sequence[int], *, after: int = 0, limit: int = 1000) -> list[UnreadPhoto]:
    """Photos with a file that is there under one of these roots; the next `limit` of them with an id > after."""
    page = select(Photo.id).where(_unread_under(root_ids), Photo.id > after).order_by(Photo.id).limit(limit).subquery()
    rows = session.execute(
        select(File.photo_id, Root.path, File.path, File.size, File.mtime_ns)
        .join(page, page.c.id == File.photo_id)
        .join(Root, Root.id == File.root_id)
        .where(File.missing_since.is_(None), File.root_id.in_(listed(root_ids)))
    )
    files: dict[int, set[StoredFile]] = {}
    for photo_id, root, path, size, mtime_ns in rows:
        if photo_id is not None:
            files.setdefault(photo_id, set()).add(StoredFile(join(root, path), size, mtime_ns))
    return [UnreadPhoto(photo_id, tuple(sorted(files[photo_id]))) for photo_id in sorted(files)]


def unread_count(session: Session, root_ids: Sequence[int] | None = None) -> int:
    """How many photos `unread` gives in all; without roots, under any."""
    return session.execute(select(func.count(Photo.id)).where(_unread_under(root_ids))).scalar_one()


def faces_without(session: Session, what: Literal["date", "camera"]) -> int:
    """How many visible faces are in photos whose EXIF data was read and does not say it."""
    lacks = Photo.taken.is_(None) if what == "date" else Photo.camera == ""
    photos = select(Photo.id).where(Photo.exif_read, lacks)
    query = select(func.count(Face.id)).where(Face.hidden.is_(False), Face.photo_id.in_(photos))
    return session.execute(query).scalar_one()


def record(session: Session, shots: Mapping[int, Shot]) -> None:
    """Store what was read of these photos, by id; they count as looked at from now on."""
    if shots:
        session.connection().execute(
            update(Photo).where(Photo.id == bindparam("row")).values(exif_read=True),
            [{"row": photo_id, "taken": shot.taken, "camera": shot.camera} for photo_id, shot in shots.items()],
        )


def _unread_under(root_ids: Sequence[int] | None) -> ColumnElement[bool]:
    there = exists().where(File.photo_id == Photo.id, File.missing_since.is_(None))
    return _UNREAD & (there if root_ids is None else there.where(File.root_id.in_(listed(root_ids))))
