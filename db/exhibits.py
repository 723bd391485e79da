"""Folders in evidence: under which reference, and what a manifest says of their files."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from db.chunks import READ_AT_ONCE, chunks
from db.paths import within
from db.schema import File, ListedFile, Photo, Root
from db.values.photo import RECOGNISED

_IS_THERE = File.missing_since.is_(None) | File.left_out.in_(RECOGNISED)  # of known files hashes are still compared


class ListedHash(NamedTuple):
    """The digest of a file, by path within its folder. algorithm: as hashlib names it."""

    path: bytes
    algorithm: str
    digest: bytes


class Exhibit(NamedTuple):
    """An indexed folder as evidence. path: absolute; name: its reference, None where it has none; listed: how many
    files its manifest lists, 0 without one."""

    root_id: int
    path: bytes
    name: str | None
    listed: int


def exhibits(session: Session) -> list[Exhibit]:
    """Every indexed folder, in byte order of paths."""
    listed = select(func.count()).where(ListedFile.root_id == Root.id).scalar_subquery()
    rows = session.execute(select(Root.id, Root.path, Root.exhibit, listed).order_by(Root.path))
    return [Exhibit(*row) for row in rows]


def set_exhibit(session: Session, root_id: int, name: str) -> None:
    """Note under which reference a folder is in evidence."""
    session.execute(update(Root).where(Root.id == root_id).values(exhibit=name))


def replace_listed(session: Session, root_id: int, files: Sequence[ListedHash]) -> None:
    """Keep what a manifest says of a folder, in place of what another said."""
    session.execute(
        delete(ListedFile).where(ListedFile.root_id == root_id), execution_options={"synchronize_session": False}
    )
    for some in chunks(files, READ_AT_ONCE):
        session.execute(
            insert(ListedFile).prefix_with("OR REPLACE"), [{"root_id": root_id, **each._asdict()} for each in some]
        )


def listed_files(session: Session, root_id: int) -> list[ListedHash]:
    """What the manifest of this folder says, in byte order of paths."""
    rows = session.execute(
        select(ListedFile.path, ListedFile.algorithm, ListedFile.digest)
        .where(ListedFile.root_id == root_id)
        .order_by(ListedFile.path)
    )
    return [ListedHash(*row) for row in rows]


def indexed_files(session: Session, root_id: int) -> list[ListedHash]:
    """The photos of this folder that are there, with their SHA-256 as they were indexed."""
    rows = session.execute(
        select(File.path, Photo.sha256)
        .join(Photo, Photo.id == File.photo_id)
        .where(File.root_id == root_id, _IS_THERE)
        .order_by(File.path)
    )
    return [ListedHash(path, "sha256", bytes.fromhex(digest)) for path, digest in rows]


class ListedBelow(NamedTuple):
    """An exhibit and how many files its manifest lists below a folder; whole: the folder holds the exhibit itself."""

    name: str
    listed: int
    whole: bool


def listed_below(session: Session, folder: bytes) -> list[ListedBelow]:
    """What the catalogue holds of exhibits and manifests at and below this folder (absolute path)."""
    found = []
    for each in exhibits(session):
        inside = within(each.path, folder)
        whole = each.path == folder or within(folder, each.path) is not None
        if each.name is None or not (whole or inside):
            continue
        number = each.listed
        if not whole and inside is not None:
            below = (ListedFile.path > inside + b"/") & (ListedFile.path < inside + b"0")  # "0" comes after "/"
            statement = select(func.count()).where(ListedFile.root_id == each.root_id, below)
            number = session.execute(statement).scalar_one()
        if whole or number:
            found.append(ListedBelow(each.name, number, whole))
    return found


def count_unlisted(session: Session, root_id: int) -> int:
    """How many photos of this folder its manifest does not list."""
    listed = select(ListedFile.path).where(ListedFile.root_id == root_id, ListedFile.path == File.path).exists()
    statement = select(func.count(File.id)).where(File.root_id == root_id, _IS_THERE, ~listed)
    return session.execute(statement).scalar_one()


def names(session: Session) -> Mapping[bytes, str]:
    """The reference of every folder in evidence, by its absolute path."""
    rows = session.execute(select(Root.path, Root.exhibit).where(Root.exhibit.is_not(None)))
    return {path: name for path, name in rows if name is not None}
