"""The folders that were indexed. Paths within them are stored relative, so that a moved drive is one row to change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from db.errors import RootTaken, RootUnknown
from db.paths import AnyPath, absolute, as_path, display, join, within
from db.schema import File, Other, Root
from db.values.photo import LeftOut


@dataclass(frozen=True, slots=True)
class IndexedRoot:
    """An indexed folder. files: how many photo files are there and searched; missing: how many were and are no longer.

    everything, exclude: as in `Selection`. exhibit: under which reference it is in evidence, None where it is not.
    left_out: how many files are there that a run passes over, by reason.
    """

    id: int
    path: Path
    display: str
    files: int
    missing: int
    everything: bool = False
    exclude: tuple[str, ...] = ()
    exhibit: str | None = None
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)


class Selection(NamedTuple):
    """What runs take of a folder. everything: also hidden and system folders. exclude: patterns (gitignore) of what is
    left out."""

    everything: bool = False
    exclude: tuple[str, ...] = ()


def list_roots(session: Session) -> list[IndexedRoot]:
    """All indexed folders in byte order of their paths."""
    numbers: dict[int, dict[LeftOut | None, int]] = {}
    missing = File.missing_since.is_not(None)
    counted = session.execute(
        select(File.root_id, missing, File.left_out, func.count(File.id)).group_by(File.root_id, missing, File.left_out)
    )
    there: dict[int, int] = {}
    for root_id, gone, why, number in counted:
        if gone:
            numbers.setdefault(root_id, {})[why] = number
        else:
            there[root_id] = there.get(root_id, 0) + number
    columns = (Root.id, Root.path, Root.display, Root.everything, Root.exclude, Root.exhibit)
    return [
        IndexedRoot(
            id,
            as_path(path),
            text,
            there.get(id, 0),
            numbers.get(id, {}).get(None, 0),
            everything,
            tuple(exclude),
            exhibit,
            {why: number for why, number in numbers.get(id, {}).items() if why is not None},
        )
        for id, path, text, everything, exclude, exhibit in session.execute(select(*columns).order_by(Root.path))
    ]


def selections(session: Session) -> dict[bytes, tuple[int, Selection]]:
    """Id and selection of every root by its path; unlike `list_roots` without a look at the files."""
    rows = session.execute(select(Root.path, Root.id, Root.everything, Root.exclude).order_by(Root.path))
    return {path: (id, Selection(everything, tuple(exclude))) for path, id, everything, exclude in rows}


def count_files(session: Session, root_id: int) -> int:
    """How many photo files of this root are there and searched."""
    there = File.missing_since.is_(None)
    return session.execute(select(func.count(File.id)).where(File.root_id == root_id, there)).scalar_one()


def select_from(session: Session, root_id: int, selection: Selection) -> None:
    """Keep with this root what runs take of it."""
    kept = {"everything": selection.everything, "exclude": list(selection.exclude)}
    session.execute(update(Root).where(Root.id == root_id).values(kept))


def remove_root(session: Session, root_id: int) -> None:
    """Take out a root under which nothing was recorded but files that are no photos."""
    session.execute(delete(Root).where(Root.id == root_id), execution_options={"synchronize_session": False})


def find_root(session: Session, path: AnyPath) -> int | None:
    """The id of the folder indexed under exactly this path (made absolute as text), or None."""
    return session.execute(select(Root.id).where(Root.path == absolute(path))).scalar_one_or_none()


def known_root(session: Session, path: AnyPath) -> int:
    """The id of the folder indexed under exactly this path. Raises RootUnknown."""
    root_id = find_root(session, path)
    if root_id is None:
        name = display(absolute(path))
        raise RootUnknown(f"{name} is not an indexed folder.", folder=name)
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
                f"{display(target)} {relation}: a folder can only be moved to where none is indexed.",
                folder=display(target),
                relation=relation,
            )
        inside = within(source, other)
        if inside is not None:
            moved[other_id] = join(target, inside)
    for each, path in moved.items():
        session.execute(update(Root).where(Root.id == each).values(path=path, display=display(path)))
        # A copy of the files has change times of its own, and so has another system.
        for kind in (File, Other):
            session.execute(update(kind).where(kind.root_id == each).values(ctime_ns=None))
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
