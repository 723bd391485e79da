"""What SQLite does to a catalogue's file as a whole: copies, checkpoints, its own checks."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from db.catalogue import Catalogue, keep_journal, os_errors_translated, translated
from db.errors import CatalogueBusy, CatalogueDamaged
from db.paths import display

_PAGES = 4096  # copied from one word about the progress to the next
_LISTED = 20


def checkpoint(catalogue: Catalogue, *, seconds: float = 0.0) -> bool:
    """Bring what stands in SQLite's log into the file, and empty the log; whether that was possible. Where readers of
    former states keep it from that, it waits so many seconds, and does what can be done."""
    with catalogue.connection(writing=True, busy_seconds=seconds) as connection:
        busy, frames, copied = connection.execute(
            f"PRAGMA wal_checkpoint({'TRUNCATE' if seconds else 'PASSIVE'})"
        ).fetchone()
    return not busy and frames == copied


def purge(catalogue: Catalogue, *, seconds: float) -> bool:
    """Write the file anew without what was deleted, and leave nothing of that in SQLite's log or journal; whether that
    was possible. It is not while others read a former state: it waits for them so many seconds.

    Raises CatalogueFull (nothing is changed then) and other CatalogueErrors.
    """
    try:
        with catalogue.connection(writing=True, busy_seconds=seconds) as connection:
            has_log = keep_journal(connection)
            connection.execute("VACUUM")
            if has_log:
                return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            connection.execute("BEGIN IMMEDIATE")  # so that nobody begins to use the journal
            _overwrite(Path(os.path.realpath(catalogue.path) + "-journal"))
            connection.execute("ROLLBACK")
            connection.execute("PRAGMA journal_mode = DELETE")
            return True
    except CatalogueBusy:
        return False


def _overwrite(path: Path) -> None:
    with os_errors_translated(path), suppress(FileNotFoundError), path.open("r+b") as file:
        left = os.fstat(file.fileno()).st_size
        while left > 0:
            left -= file.write(bytes(min(left, 1 << 20)))
        file.flush()
        os.fsync(file.fileno())


def copy(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    target_path: Path,
    *,
    seconds: float = 30.0,
    progress: Callable[[int, int], object] | None = None,
) -> None:
    """Make the target the source as it is at this moment, in one transaction of the target.

    seconds: how long others may keep the target from being written. progress: told how many of how many pages are done.
    Raises CatalogueBusy and what SQLite reports.
    """
    waiting_since: float | None = None

    def tell(status: int, remaining: int, total: int) -> None:
        nonlocal waiting_since
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            waiting_since = waiting_since or time.monotonic()
            if time.monotonic() - waiting_since >= seconds:
                raise CatalogueBusy(
                    f"{display(os.fsencode(target_path))} is in use by another process: try again when it has ended.",
                    path=display(os.fsencode(target_path)),
                )
        else:
            waiting_since = None
        if progress is not None:
            progress(total - remaining, total)

    source.execute("BEGIN")
    try:
        # From now on it is one state, however often others write meanwhile.
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(target, pages=_PAGES, progress=tell, sleep=0.05)
    finally:
        source.execute("ROLLBACK")


def structural_defects(connection: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong with the file's pages, indexes and constraints, some first. None: it is sound."""
    try:
        found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_LISTED})")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [" ".join(line.split()) for line in found if line != "ok"]


def defects(connection: sqlite3.Connection) -> list[str]:
    """The same, and rows that refer to nothing."""
    found = structural_defects(connection)
    if found:
        return found
    broken: dict[str, int] = {}
    for table, *_ in connection.execute("PRAGMA foreign_key_check"):
        broken[table] = broken.get(table, 0) + 1
    return [f"{number:,} rows of {table} refer to nothing" for table, number in broken.items()]


def rebuild_indexes(catalogue: Catalogue) -> None:
    """Build SQLite's indexes anew from the rows. Raises CatalogueDamaged where these cannot be read."""
    with catalogue.connection(writing=True) as connection:
        connection.execute("REINDEX")


def require_sound(connection: sqlite3.Connection, path: Path) -> None:
    """Raises CatalogueDamaged where `defects` finds any."""
    with translated(path):
        found = defects(connection)
    if found:
        more = f", and {len(found) - 1:,} more" if len(found) > 1 else ""
        raise CatalogueDamaged(
            f"The catalogue {display(os.fsencode(path))} is damaged ({found[0]}{more}).",
            "defects",
            path=display(os.fsencode(path)),
        )
