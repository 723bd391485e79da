"""The folders that were indexed. Paths within them are stored relative, so that a moved drive is one row to change."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from db.errors import RootTaken, RootUnknown
from db.paths import AnyPath, absolute, as_path, display, join, within
from db.schema import File, Root


@dataclass(frozen=True, slots=True)
class IndexedRoot:
    """An indexed folder. files: how many photo files are there; missing: how many were and are no longer."""

    id: int
    path: Path
    display: str
    files: int
    missing: int


def list_roots(session: Session) -> list[IndexedRoot]:
    """All indexed folders in byte order of their paths."""
    absent = func.count(File.missing_since)
    rows = session.execute(
        select(Root.id, Root.path, Root.display, func.count(File.id) - absent, absent)
        .outerjoin(File, File.root_id == Root.id)
        .group_by(Root.id)
        .order_by(Root.path)
    )
    return [IndexedRoot(id, as_path(path), text, files, gone) for id, path, text, files, gone in rows]


def find_root(session: Session, path: AnyPath) -> int | None:
    """The id of the folder indexed under exactly this path (made absolute as text), or None."""
    return session.execute(select(Root.id).where(Root.path == absolute(path))).scalar_one_or_none()


def known_root(session: Session, path: AnyPath) -> int:
    """The id of the folder indexed under exactly this path. Raises RootUnknown."""
    root_id = find_root(session, path)
    if root_id is None:
        name = display(absolute(path))
        raise RootUnknown(f"{name} is not an indexed folder: `facesearch roots` lists those that are.")
    return root_id


def add_root(session: Session, path: AnyPath) -> int:
    """The id of this folder's row, made if there is none.

    Folders may lie within one another: each keeps its own rows of the files they share, and what is recorded under one
    is carried to the other (see `db.photos`). Faces belong to contents and are never doubled.
    """
    known = find_root(session, path)
    if known is not None:
        return known
    folder = absolute(path)
    session.execute(insert(Root).values(path=folder, display=display(folder), added=datetime.now(UTC)))
    return session.execute(select(Root.id).where(Root.path == folder)).scalar_one()


def move_root(session: Session, old: AnyPath, new: AnyPath) -> int:
    """Say that the folder indexed as `old` is now found at `new`; its id. Nothing is read from either.

    Indexed folders within it move along. Raises RootUnknown when `old` was never indexed, RootTaken when `new` is,
    holds or lies within another indexed folder: its files would belong to both.
    """
    root_id = known_root(session, old)
    source, target = absolute(old), absolute(new)
    if target == source:
        return root_id
    moved = {root_id: target}
    for other_id, other in session.execute(select(Root.id, Root.path).where(Root.id != root_id).order_by(Root.path)):
        relation = _relation(target, other)
        if relation is not None:
            raise RootTaken(
                f"{display(target)} {relation}: a folder can only be moved to where none is indexed; "
                f"`facesearch index {display(target)}` finds its photos there, too."
            )
        inside = within(source, other)
        if inside is not None:
            moved[other_id] = join(target, inside)
    for each, path in moved.items():
        session.execute(update(Root).where(Root.id == each).values(path=path, display=display(path)))
    return root_id


def _relation(path: bytes, root: bytes) -> str | None:
    """How a path meets an indexed folder, in words; None where they have nothing in common."""
    if path == root:
        return "is an indexed folder already"
    if within(root, path) is not None:
        return f"lies within {display(root)}, which is an indexed folder"
    if within(path, root) is not None:
        return f"holds {display(root)}, which is an indexed folder"
    return None


def path_of(session: Session, root_id: int) -> bytes:
    """The absolute path of this root, which must exist."""
    return session.execute(select(Root.path).where(Root.id == root_id)).scalar_one()


def overlapping(session: Session, root_id: int) -> list[tuple[int, bytes]]:
    """Id and path of every other root that contains this one or lies within it."""
    own = path_of(session, root_id)
    others = session.execute(select(Root.id, Root.path).where(Root.id != root_id).order_by(Root.id))
    return [(id, path) for id, path in others if within(own, path) is not None or within(path, own) is not None]
