"""A catalogue as one file, made while others write; and such a file as the catalogue again."""

import hashlib
import os
import secrets
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text, update

from db import audit, durable, erasure, upkeep
from db.catalogue import Catalogue, open_catalogue, open_file, os_errors_translated, translated, version_of
from db.erasure import Erased
from db.errors import CatalogueDamaged, CatalogueError, CatalogueFull
from db.paths import display
from db.schema import State
from db.snapshot import UNFINISHED

_MOMENT = "%Y-%m-%d %H:%M:%S.%f"  # as SQLAlchemy writes it
Told = Callable[[int, int], object]
"""Told how many of how many pages are done."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a catalogue's file holds, of whatever version. made: when, of a backup; None for a catalogue that is none.
    secret: by which copies of one catalogue know each other; None in older ones. faces: those that are searched. cases,
    marks: of investigations; 0 in older ones."""

    made: datetime | None
    secret: bytes | None = field(repr=False)
    photos: int
    faces: int
    cases: int = 0
    marks: int = 0


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written. sha256: hexadecimal, of the whole file; size: in bytes."""

    path: Path
    sha256: str
    size: int
    contents: Contents


def contents_of(path: Path) -> Contents:
    """What the file at `path` holds; it is not changed. Not for a catalogue that is open. Raises CatalogueError
    subclasses."""
    version_of(path)
    with open_file(path) as connection:
        return contents_through(connection)


def contents_through(connection: sqlite3.Connection) -> Contents:
    """What the catalogue behind this connection holds. Raises what SQLite reports."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(state)")}
    made, secret = (
        connection.execute(f"SELECT {name} FROM state").fetchone()[0] if name in columns else None
        for name in ("backed_up", "secret")
    )
    photos, faces = (
        int(connection.execute(f"SELECT count(*) FROM {rows}").fetchone()[0])
        for rows in ("photos", "faces WHERE hidden = 0")
    )
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    cases, marks = (
        int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]) if name in tables else 0
        for name in ("cases", "marks")
    )
    when = None if made is None else datetime.strptime(made, _MOMENT).replace(tzinfo=UTC)
    return Contents(when, secret, photos, faces, cases, marks)


def is_backup_of(catalogue: Catalogue, path: Path) -> bool:
    """Whether the file at `path` is a backup of this very catalogue."""
    try:
        held = contents_of(path)
    except (CatalogueError, ValueError):
        return False
    with catalogue.connection() as connection:
        own = contents_through(connection)
    return held.made is not None and held.secret is not None and held.secret == own.secret


def write_backup(catalogue: Catalogue, path: Path, *, progress: Told | None = None) -> Backup:
    """Write the catalogue as it is at this moment into the file at `path`, in the place of what is there.

    It is complete, without a log of its own, was read again from the disk and found sound, or there is none: what was
    at `path` before is only replaced at the end. Raises CatalogueFull, CatalogueDamaged (of the catalogue) and other
    CatalogueErrors.
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f".facesearch-{secrets.token_hex(8)}.part")
    with os_errors_translated(path):
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        _fill(catalogue, part, path, progress)
        with os_errors_translated(path):
            digest, size = _read_again(part)
        with open_file(part) as connection:
            upkeep.require_sound(connection, catalogue.path)
        held = contents_of(part)
        with os_errors_translated(path):
            durable.replace(part, target)
    finally:
        for rest in (part, part.with_name(part.name + "-journal")):
            with suppress(OSError):
                rest.unlink()
    return Backup(path, digest, size, held)


def _fill(catalogue: Catalogue, part: Path, path: Path, progress: Told | None) -> None:
    with catalogue.connection() as source, open_file(part, writing=True) as target:
        _require_room(source, path)
        try:
            upkeep.copy(source, target, path, progress=progress)
            target.execute("UPDATE state SET backed_up = ?", (datetime.now(UTC).strftime(_MOMENT),))
            target.execute("PRAGMA journal_mode = DELETE")
            if target.execute("SELECT 1 FROM erasures WHERE finished IS NULL").fetchone():
                target.execute("VACUUM")  # what was taken out and still lies in the file does not go on into the copy
        except sqlite3.Error as error:
            of_source = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
            with translated(catalogue.path if of_source else path):
                raise


def _require_room(source: sqlite3.Connection, path: Path) -> None:
    """Before minutes of copying; what other processes write meanwhile shows when it is met."""
    size = int(source.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0])
    with os_errors_translated(path):
        free = shutil.disk_usage(os.path.realpath(path.parent)).free
    if free < size:
        raise CatalogueFull(
            f"There is no room for {display(os.fsencode(path))}: it takes {size / 1e6:,.0f} MB and {free / 1e6:,.0f} "
            f"MB are free; make room, or name a place on another disk.",
            path=display(os.fsencode(path)),
        )


def _read_again(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file, from the disk as far as the system lets us."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


@contextmanager
def prepared(backup: Path, path: Path) -> Iterator[Catalogue]:
    """A copy of the backup, sound and brought up to date, in a folder of its own beside the catalogue at `path`, as
    long as the block lasts. The backup is only read. Raises CatalogueDamaged and other CatalogueErrors."""
    folder = Path(os.path.realpath(path) + ".d") / (UNFINISHED + uuid.uuid4().hex)
    with os_errors_translated(folder):
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    try:
        file = folder / "faces.db"
        with os_errors_translated(file):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with open_file(backup) as source:
            _require_room(source, folder)
            with open_file(file, writing=True) as target:
                upkeep.copy(source, target, file)
                found = upkeep.defects(target)
        if found:
            raise CatalogueDamaged(
                f"The backup {display(os.fsencode(backup))} is damaged ({found[0]}): take another one.",
                path=display(os.fsencode(backup)),
            )
        with open_catalogue(file) as copy:
            yield copy
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep_numbers(live: Catalogue, restored: Catalogue) -> None:
    """Let no face that is found after the restoration get a number that was given since the backup."""
    with live.connection() as connection:
        last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'faces'").fetchone()
    if last is not None:
        with restored.write() as session:
            known = session.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'faces'")).scalar_one_or_none()
            statement = (
                "INSERT INTO sqlite_sequence (name, seq) VALUES ('faces', :last)"
                if known is None
                else "UPDATE sqlite_sequence SET seq = max(seq, :last) WHERE name = 'faces'"
            )
            session.execute(text(statement), {"last": last[0]})


def keep_log(live: Catalogue, restored: Catalogue) -> None:
    """What was done since the backup stays in its audit log: to go back is no way to have done nothing."""
    with restored.read() as session:
        last = audit.head(session)
    with live.read() as session:
        rows, blanked = audit.rows_after(session, last), audit.blanked(session)
    if rows:
        with restored.erase() as session:
            audit.append(session, rows)
            audit.blank(session, blanked)


def forget_again(live: Catalogue, restored: Catalogue) -> Erased:
    """Take out of the restored copy what was taken out of the live catalogue since; how much that was."""
    with live.read() as session, restored.erase() as copy:
        erased = erasure.carry(session, copy)
    upkeep.purge(restored, seconds=5.0)
    with restored.write() as session:
        erasure.finish(session)
    return erased


def put_in_place(restored: Catalogue, live: Catalogue, *, progress: Told | None = None) -> None:
    """Make the live catalogue what the restored one is, in one transaction: searches that are under way end with what
    they began with. Raises CatalogueFull (nothing is changed then), CatalogueBusy and other CatalogueErrors."""
    with restored.write() as session:
        session.execute(update(State).values(backed_up=None))
    with restored.connection() as source, live.connection(writing=True) as target:
        upkeep.copy(source, target, live.path, progress=progress)
    upkeep.checkpoint(live, seconds=5.0)


def remove_damaged(path: Path) -> None:
    """Take away a file that SQLite cannot make anything of, with its log: a new one must not be read with it."""
    real = os.path.realpath(path)
    with os_errors_translated(path):
        for rest in ("-wal", "-shm", "-journal", ""):
            Path(real + rest).unlink(missing_ok=True)
