"""What a run came by, or should have come by, and has not looked at: photos that wait, folders that it could not enter.

A run notes it before its work and takes out what it has looked at, batch by batch, so that a search can say what it did
not see, however the run ended.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from sqlalchemy import and_, delete, exists, func, insert, or_, select
from sqlalchemy.orm import Session

from db.chunks import chunks
from db.paths import join
from db.schema import File, Photo, Root, Unseen
from db.values.photo import Outcome


class Why(StrEnum):
    """Why something was not looked at. Of photos: WAITING, its turn has not come; ONLINE, its content is elsewhere. Of
    folders: UNLISTED, the run has not found all its photos; UNREADABLE; EMPTY, where photos are known; LINK, which is
    not followed."""

    WAITING = "waiting"
    ONLINE = "online only"
    UNLISTED = "not listed"
    UNREADABLE = "unreadable"
    EMPTY = "suddenly empty"
    LINK = "link"


OF_PHOTOS = (Why.WAITING, Why.ONLINE)


def begin_listing(session: Session, root_id: int, within: bytes) -> None:
    """Note that the photos under this folder of a root (b"" for all of it) are being listed."""
    _put(session, root_id, {within: Why.UNLISTED})


def end_listing(session: Session, root_id: int, within: bytes, unseen: Mapping[bytes, Why]) -> None:
    """Note what the listing of this folder came by, by path within the root, in place of all that was noted of it."""
    here = [Unseen.root_id == root_id]
    if within:
        here.append(or_(Unseen.path == within, and_(Unseen.path >= within + b"/", Unseen.path < within + b"0")))
    session.execute(delete(Unseen).where(*here), execution_options={"synchronize_session": False})
    _put(session, root_id, unseen)


def looked_at(session: Session, root_id: int, paths: Sequence[bytes]) -> None:
    """Take out files that were looked at, with success or without."""
    for some in chunks(paths):
        session.execute(
            delete(Unseen).where(Unseen.root_id == root_id, Unseen.path.in_(some)),
            execution_options={"synchronize_session": False},
        )


def count_photos(session: Session) -> dict[Why, int]:
    """How many photos were not looked at, by reason."""
    rows = session.execute(select(Unseen.why, func.count()).where(Unseen.why.in_(OF_PHOTOS)).group_by(Unseen.why))
    return {Why(why): number for why, number in rows}


def count_all(session: Session) -> int:
    """How many photos there are, those that wait among them."""
    known = exists().where(File.root_id == Unseen.root_id, File.path == Unseen.path, File.missing_since.is_(None))
    new = select(func.count()).where(Unseen.why == Why.WAITING, ~known)
    there = select(func.count(File.id)).where(File.missing_since.is_(None))
    return session.execute(new).scalar_one() + session.execute(there).scalar_one()


def folders(session: Session, limit: int | None = None) -> list[tuple[bytes, Why]]:
    """The folders that were not looked into (absolute paths), in order, and why; the first `limit`."""
    rows = session.execute(
        select(Root.path, Unseen.path, Unseen.why)
        .join(Root, Root.id == Unseen.root_id)
        .where(Unseen.why.not_in(OF_PHOTOS))
        .order_by(Root.path, Unseen.path)
        .limit(limit)
    )
    return [(join(root, path) if path else root, Why(why)) for root, path, why in rows]


def count_failed(session: Session) -> int:
    """How many photos that are there have failed, or could not be read."""
    there = exists().where(File.photo_id == Photo.id, File.missing_since.is_(None))
    contents = session.execute(select(func.count(Photo.id)).where(Photo.outcome == Outcome.FAILED, there)).scalar_one()
    unread = select(func.count(File.id)).where(File.photo_id.is_(None), File.missing_since.is_(None))
    return contents + session.execute(unread).scalar_one()


def _put(session: Session, root_id: int, unseen: Mapping[bytes, Why]) -> None:
    rows: Iterable[dict[str, object]] = (
        {"root_id": root_id, "path": path, "why": why.value} for path, why in unseen.items()
    )
    for some in chunks(list(rows)):
        session.execute(insert(Unseen).prefix_with("OR REPLACE"), some)
