"""Open, create, lock and version a catalogue. The one place that makes engines and speaks SQLite's own words.

A catalogue is one SQLite file in WAL mode: readers see the last committed state while a writer works. Writers take
their turn at the beginning of a transaction (BEGIN IMMEDIATE), so that none fails half-way because another came first.
Every commit is flushed to the disk: a face id that was printed once stays that face's, also after a power failure.
"""

import errno
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from db.errors import (
    CatalogueBusy,
    CatalogueDamaged,
    CatalogueError,
    CatalogueFull,
    CatalogueMissing,
    CatalogueReadOnly,
    CatalogueSealed,
    CatalogueTooNew,
    CatalogueUnreadable,
    NotACatalogue,
    damaged_row,
)
from db.filesystems import MOUNTS, network_filesystem
from db.lock import exclusive, is_held
from db.paths import AnyPath, absolute, as_path, display
from db.seal import is_sealed
from db.values.told import Notice

APPLICATION_ID = 0x46414345  # "FACE" in the file's header: this database is ours
SCHEMA_VERSION = 14  # the newest migration, as user_version in the file's header
_OURS = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError)  # mistakes of this program
_NO_ROOM = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_SHMOPEN", "SQLITE_IOERR_WRITE")
_NO_TEXT = "Could not decode to UTF-8"  # Python's words
_ALONE = "facesearch=alone"  # at the end of a URI, where SQLite does not heed it
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Catalogue:
    """An open catalogue. Made by `open_catalogue`; use it as a context manager or call `close`.

    path: absolute, as named by the user. folder: where the rebuildable files beside it live (may not exist yet).
    read_only: it can be searched but not changed. notices: what the user should know of it.
    Safe to use from several threads, each with sessions of its own; not across fork().
    """

    def __init__(
        self,
        path: Path,
        *,
        uri: str,
        read_only: bool,
        busy_seconds: float,
        notices: Sequence[Notice],
        full: bool = False,
    ) -> None:
        """full: it is read-only since there is no room."""
        self.path = path
        real = os.path.realpath(path)
        self.folder = Path(real + ".d")
        self.read_only = read_only
        self._full = full
        self.notices = tuple(notices)
        self._uri, self._busy_seconds = uri, busy_seconds
        self._frozen = _identity(path) if uri.endswith("immutable=1") else None
        self._reader = _engine(uri, busy_seconds, begin="BEGIN", query_only=True)
        self._writer = None if read_only else _engine(uri, busy_seconds, begin="BEGIN IMMEDIATE", query_only=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one committed state throughout, whatever others write meanwhile. It cannot write.

        Raises CatalogueError subclasses for whatever the database reports.
        """
        with translated(self.path), Session(self._reader) as session:
            yield session
        if self._frozen is not None and self._frozen != _identity(self.path):
            raise CatalogueBusy(
                f"The catalogue {_name(self.path)} was changed while it was being read: try again.",
                path=_name(self.path),
            )

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that holds the right to write from its first moment; commits at the end, rolls back on an error.

        Keep it short: other writers wait meanwhile, at most for the busy timeout. All changes to faces within it share
        one generation. Raises CatalogueReadOnly, CatalogueBusy, CatalogueFull and other CatalogueError subclasses.
        """
        if self._writer is None:
            raise self._is_read_only()
        with translated(self.path), Session(self._writer, expire_on_commit=False) as session, session.begin():
            session.connection()  # takes the turn now, before anything is read that the writing depends on
            if is_sealed(session):
                raise self._is_sealed()
            yield session

    @contextmanager
    def erase(self) -> Iterator[Session]:
        """As `write`, for taking rows out for good: what is deleted is overwritten.

        References are not enforced: to look for those to one face, SQLite would go through all scores.
        """
        if self.read_only:
            raise self._is_read_only()
        engine = _engine(
            self._uri, self._busy_seconds, begin="BEGIN IMMEDIATE", query_only=False, foreign_keys=False, erasing=True
        )
        try:
            with translated(self.path), Session(engine, expire_on_commit=False) as session, session.begin():
                session.connection()
                if is_sealed(session):
                    raise self._is_sealed()
                yield session
        finally:
            engine.dispose()

    @contextmanager
    def indexing(self) -> Iterator[None]:
        """Be the one index run on this catalogue. Raises CatalogueBusy where another process, or thread, is."""
        if self.read_only:
            raise self._is_read_only()
        with self.read() as session:
            if is_sealed(session):
                raise self._is_sealed()
        with reserved(self.path):
            yield

    @contextmanager
    def connection(self, *, writing: bool = False, busy_seconds: float | None = None) -> Iterator[sqlite3.Connection]:
        """A connection of its own, without a transaction, for what SQLite does to a file as a whole (`db.upkeep`).

        busy_seconds: how long it waits for others; None: as long as all do. Raises CatalogueError subclasses.
        """
        if writing and self.read_only:
            raise self._is_read_only()
        seconds = self._busy_seconds if busy_seconds is None else busy_seconds
        with translated(self.path), _connection(self._uri, seconds, query_only=not writing) as connection:
            yield connection

    @property
    def is_indexed_now(self) -> bool:
        """Whether an index run is working on this catalogue at this moment, as far as this machine can tell."""
        return is_held(_lock_file(self.path))

    def _is_sealed(self) -> CatalogueError:
        return CatalogueSealed(
            f"The catalogue {_name(self.path)} is sealed: it can be searched, and nothing in it changes any more; "
            "work on a copy from before.",
            path=_name(self.path),
        )

    def _is_read_only(self) -> CatalogueError:
        if self._full:
            return CatalogueFull(
                f"There is no room left to write {_name(self.path)}: it can be searched, but to index, free some "
                "space.",
                path=_name(self.path),
            )
        return CatalogueReadOnly(
            f"The catalogue {_name(self.path)} or its folder is read-only: it can be searched, but to index, copy it "
            "to a place where you may write.",
            path=_name(self.path),
        )

    def close(self) -> None:
        """Give all connections back. The last process to do so merges SQLite's log into the file."""
        for engine in (self._reader, self._writer):
            if engine is not None:
                engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_catalogue(
    path: AnyPath, *, create: bool = False, busy_seconds: float = 30.0, mounts: Path = MOUNTS
) -> Catalogue:
    """Open the catalogue at `path`; with `create`, make it (and its folders) where there is none.

    An older catalogue is brought up to date first. One that may not be written opens read-only, and says so in
    `notices`. busy_seconds: how long any statement waits for other processes before CatalogueBusy. mounts: the system's
    table of mounts, which tells a network share.
    Raises CatalogueMissing, NotACatalogue, CatalogueTooNew, CatalogueReadOnly (an older one that may not be brought up
    to date), CatalogueBusy, CatalogueFull, CatalogueUnreadable, CatalogueDamaged.
    """
    file = as_path(absolute(path))
    with os_errors_translated(file):
        if create:
            _create(file)
        _check_presence(file, may_be_empty=create)
    notices: list[Notice] = []
    read_only = not _may_write(file)
    full = False
    with translated(file):
        uri = _read_only_uri(file) if read_only else _uri(file, "mode=rw")
        try:
            version = _version(file, uri, busy_seconds, may_be_empty=create)
        except sqlite3.OperationalError as error:
            if read_only or error.sqlite_errorname not in _NO_ROOM:
                raise
            read_only = full = True
            uri = _uri_without_room(file)
            version = _version(file, uri, busy_seconds, may_be_empty=False)
        if full:
            notices.append(Notice("no room", {"path": _name(file)}))
        elif read_only:
            notices.append(Notice("read-only", {"path": _name(file)}))
        if version < SCHEMA_VERSION:
            if full:
                raise CatalogueFull(
                    f"The catalogue {_name(file)} was written by an older version, and there is no room left to bring "
                    f"it up to date: free some space and run it again.",
                    path=_name(file),
                )
            if read_only:
                raise CatalogueReadOnly(
                    f"The catalogue {_name(file)} was written by an older version and cannot be brought up to date "
                    f"because it is read-only: copy it to a place where you may write, or use that version.",
                    path=_name(file),
                )
            _migrate(file, uri, busy_seconds)
        notices += _choose_journal(file, uri, busy_seconds, mounts, read_only=read_only)
    return Catalogue(file, uri=uri, read_only=read_only, busy_seconds=busy_seconds, notices=notices, full=full)


@contextmanager
def open_file(path: Path, *, writing: bool = False, busy_seconds: float = 30.0) -> Iterator[sqlite3.Connection]:
    """A connection, without a transaction, to the database at `path`, whatever it holds; nothing is brought up to date.
    Raises CatalogueError subclasses."""
    with translated(path):
        uri = _uri(path, "mode=rw") if writing else _read_only_uri(path)
        with _connection(uri, busy_seconds, query_only=not writing) as connection:
            yield connection


def version_of(path: Path) -> int:
    """The schema version of the catalogue in this file, which is not changed. Raises CatalogueMissing, NotACatalogue,
    CatalogueTooNew and other CatalogueErrors."""
    with os_errors_translated(path):
        _check_presence(path, may_be_empty=False)
    with translated(path):
        return _version(path, _read_only_uri(path), 5.0, may_be_empty=False)


@contextmanager
def reserved(path: Path) -> Iterator[None]:
    """Keep the catalogue at `path` for one index run, erasure or restoration, whether or not it can be opened. Raises
    CatalogueBusy where another process, or thread, has it."""
    lock_file = _lock_file(path)
    with ExitStack() as stack:
        with os_errors_translated(lock_file):  # what goes wrong in the run is no matter of the lock's
            mine = stack.enter_context(exclusive(lock_file))
        if not mine:
            raise CatalogueBusy(
                f"Another index run, or a command that changes the catalogue, is working on {_name(path)}: wait until "
                "it has ended.",
                "index run",
                path=_name(path),
            )
        yield


def indexed_folders(path: AnyPath, *, busy_seconds: float = 5.0) -> list[bytes]:
    """The indexed folders (absolute paths) of a catalogue of whatever version; none where there is none, or where it
    cannot be read. Changes nothing."""
    file = as_path(absolute(path))
    try:
        _check_presence(file, may_be_empty=False)
        uri = _uri(file, "mode=rw") if _may_write(file) else _read_only_uri(file)
        with _connection(uri, busy_seconds, query_only=True) as connection:
            if _stamps(connection)[0] != APPLICATION_ID:
                return []
            return [bytes(folder) for (folder,) in connection.execute("SELECT path FROM roots ORDER BY path")]
    except (CatalogueError, sqlite3.Error, OSError):
        return []


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns what SQLite reports about the catalogue at `path` into a CatalogueError with one sentence for the user."""
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, sqlite3.Error) or isinstance(error.orig, _OURS):
            raise
        raise _translation(path, error.orig) from error
    except _OURS:
        raise
    except sqlite3.Error as error:
        raise _translation(path, error) from error
    except (ValueError, TypeError) as error:
        if not _is_of_a_row(error):
            raise
        raise damaged_row("a date or a list") from error


def _is_of_a_row(error: BaseException) -> bool:
    """Whether a value from the database cannot be what its column holds: then SQLAlchemy, or the JSON that it reads,
    stumbles over it."""
    trace, module = error.__traceback__, ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    written = module == "sqlalchemy.engine.default"  # it handed over what cannot be stored
    return not written and module.startswith(("sqlalchemy.", "json"))


@contextmanager
def os_errors_translated(path: Path) -> Iterator[None]:
    """The same for what the operating system reports about a file or folder of the catalogue."""
    try:
        yield
    except OSError as error:
        raise os_error(path, error) from error


def os_error(path: Path, error: OSError) -> CatalogueError:
    """The sentence for an OSError about a file or folder of the catalogue."""
    if error.errno in _FULL:
        return _full(_name(path))
    if error.errno == errno.EROFS:
        return CatalogueReadOnly(
            f"{_name(path)} lies on a read-only disk: choose another place.", "read-only disk", path=_name(path)
        )
    return CatalogueUnreadable(
        f"{_name(path)} cannot be used ({error.strerror or error}): check the path and its permissions.",
        path=_name(path),
    )


def _full(name: str) -> CatalogueFull:
    return CatalogueFull(f"There is no room left to write {name}: free some space and run it again.", path=name)


def _is_full(path: Path) -> bool:
    """Too little room is left for the memory that readers and the writer of a log share: SQLite calls that a failure of
    the disk."""
    try:
        return shutil.disk_usage(path.parent).free < _SHARED
    except OSError:
        return False


_SHARED = 64 << 10
"""Bytes: two regions of the log's index."""


def _translation(path: Path, error: sqlite3.Error) -> CatalogueError:
    name = _name(path)
    if str(error).startswith(_NO_TEXT):  # and goes on with the bytes
        return damaged_row("a text")
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return CatalogueBusy(
                f"Another process is writing to the catalogue {name}: try again when it has ended.", path=name
            )
        case sqlite3.SQLITE_FULL:
            return _full(name)
        case sqlite3.SQLITE_IOERR if _is_full(path):
            return _full(name)
        case sqlite3.SQLITE_READONLY:
            return CatalogueReadOnly(
                f"The catalogue {name} has become read-only: check its permissions and those of its folder.", path=name
            )
        case sqlite3.SQLITE_NOTADB:
            return NotACatalogue(f"{name} is not a catalogue: name another file.", path=name)
        case sqlite3.SQLITE_CORRUPT:
            return CatalogueDamaged(
                f"The catalogue {name} is damaged ({error}): restore it from a backup, or index into a new one.",
                path=name,
            )
        case sqlite3.SQLITE_NOMEM:
            return CatalogueUnreadable(
                f"There is not enough memory for the catalogue {name}: close other programs.", path=name
            )
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return CatalogueUnreadable(
                f"The catalogue {name} cannot be opened ({error}): check its permissions and those of its folder.",
                path=name,
            )
        case sqlite3.SQLITE_IOERR:
            return CatalogueUnreadable(
                f"The disk refused to read or write the catalogue {name} ({error}): check the disk, then try again.",
                path=name,
            )
        case _:
            return CatalogueError(
                f"The catalogue {name} cannot be used ({error}): restore it from a backup.", path=name
            )


def _lock_file(path: Path) -> Path:
    return Path(os.path.realpath(path) + ".lock")


def _name(path: Path) -> str:
    return display(os.fsencode(path))


def _identity(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def _create(path: Path) -> None:
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return


def _check_presence(path: Path, *, may_be_empty: bool) -> None:
    """What it holds is left for SQLite to see: whoever opens and closes its file drops the locks of this process on it
    (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise CatalogueMissing(
            f"There is no catalogue at {_name(path)}: index a folder first.", path=_name(path)
        ) from None
    if stat.S_ISDIR(status.st_mode):
        raise NotACatalogue(f"{_name(path)} is a folder, not a catalogue: name a file.", "folder", path=_name(path))
    if not status.st_size and not may_be_empty:
        raise CatalogueMissing(
            f"The file {_name(path)} is empty: index a folder first.",
            "empty catalogue",
            path=_name(path),
        )


def _may_write(path: Path) -> bool:
    """Whether the file and its folder can be written; SQLite puts its log beside the file it belongs to."""
    real = Path(os.path.realpath(path))
    effective = os.access in os.supports_effective_ids
    return all(os.access(place, os.W_OK, effective_ids=effective) for place in (real, real.parent))


def _uri(path: Path, options: str) -> str:
    return f"file:{quote(os.fsencode(path))}?{options}"


def _read_only_uri(path: Path) -> str:
    """How to open a file that may not be written.

    SQLite reads a WAL database through a shared-memory file beside it. Where there is none it would have to be made,
    which a read-only folder forbids and which would leave read-only files behind that hinder the next writer: then
    SQLite is told that nobody changes the file (immutable). That hides what still stands in a log or journal, so a
    catalogue that comes with one is refused.
    """
    real = os.path.realpath(path)
    if Path(real + "-shm").exists() or not _uses_log(path):
        try:
            uri = _uri(path, "mode=ro")
            with _connection(uri, 5.0, query_only=True) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return uri
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
    for rest in (Path(real + "-wal"), Path(real + "-journal")):
        if rest.exists() and rest.stat().st_size:
            raise CatalogueReadOnly(
                f"The catalogue {_name(path)} was not closed properly and cannot be repaired where it lies: copy it "
                f"together with {_name(rest)} to a place where you may write, and open the copy.",
                path=_name(path),
            )
    return _uri(path, "mode=ro&immutable=1")


def _uri_without_room(path: Path) -> str:
    """How to read a file beside which there is no room for SQLite's shared memory.

    Where a log is left, only one connection can read it: it keeps the file for itself, and its index in memory.
    """
    log = Path(os.path.realpath(path) + "-wal")
    if log.exists() and log.stat().st_size:
        return _uri(path, f"mode=rw&{_ALONE}")
    return _uri(path, "mode=ro&immutable=1")


def _uses_log(path: Path) -> bool:
    """Only where nobody uses the log: see `_check_presence`."""
    with os_errors_translated(path), path.open("rb") as file:
        return file.read(20)[18:20] == b"\x02\x02"  # the file format's read and write version


def _version(path: Path, uri: str, busy_seconds: float, *, may_be_empty: bool) -> int:
    """The schema version of our own catalogue; 0 for an empty database that may become one."""
    with _connection(uri, busy_seconds, query_only=True) as connection:
        application, version = _stamps(connection)
        if application == 0 and version == 0 and may_be_empty and _is_blank(connection):
            return 0
        blank = application == 0 and _is_blank(connection)
        without_log = blank and connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    if without_log:
        raise NotACatalogue(
            f"{_name(path)} is a database that was copied without its log ({_name(path)}-wal), and holds nothing: copy "
            "both, or make a copy that is whole.",
            "without log",
            path=_name(path),
        )
    if application != APPLICATION_ID:
        raise NotACatalogue(
            f"{_name(path)} is the database of another program, not a catalogue: name another file.",
            "other database",
            path=_name(path),
        )
    if version > SCHEMA_VERSION:
        raise CatalogueTooNew(
            f"The catalogue {_name(path)} was written by a newer version (format {version}, this version knows "
            f"{SCHEMA_VERSION}): update facesearch.",
            path=_name(path),
        )
    return version


def _stamps(connection: sqlite3.Connection) -> tuple[int, int]:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    return int(application), int(version)


def _is_blank(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0)


def _migrate(path: Path, uri: str, busy_seconds: float) -> None:
    """Bring the schema up to date in one transaction, stamps included: it is done wholly or not at all."""
    from db.migrations.run import upgrade

    engine = _engine(uri, busy_seconds, begin="BEGIN IMMEDIATE", query_only=False, foreign_keys=False)
    try:
        with engine.begin() as connection:
            # Another process may have done it while this one waited for its turn.
            if connection.exec_driver_sql("PRAGMA user_version").scalar_one() >= SCHEMA_VERSION:
                return
            upgrade(connection)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if broken is not None:
                raise CatalogueDamaged(
                    f"The catalogue {_name(path)} is damaged (rows of {broken[0]} refer to nothing): restore it from a "
                    f"backup, or index into a new one.",
                    path=_name(path),
                )
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
    finally:
        engine.dispose()


def _choose_journal(path: Path, uri: str, busy_seconds: float, mounts: Path, *, read_only: bool) -> list[Notice]:
    """Switch to the journal that suits the place; returns the notices that go with it."""
    kind = network_filesystem(path, mounts)
    wanted = "wal" if kind is None else "delete"
    with _connection(uri, busy_seconds, query_only=read_only) as connection:
        if not read_only:
            actual = _switch_journal(connection, wanted, busy_seconds)
        else:
            actual = str(connection.execute("PRAGMA journal_mode").fetchone()[0]).lower()
    if kind is not None:
        return [Notice("network share", {"path": _name(path), "system": kind, "log": actual == "wal"})]
    if actual != "wal" and not read_only:
        return [Notice("no write-ahead log", {"path": _name(path)})]
    return []


def _switch_journal(connection: sqlite3.Connection, wanted: str, busy_seconds: float) -> str:
    """SQLite does not always wait for others by itself when the journal changes, hence the loop."""
    actual = str(connection.execute("PRAGMA journal_mode").fetchone()[0]).lower()
    end = time.monotonic() + busy_seconds
    while actual != wanted:
        try:
            return str(connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0]).lower()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            if time.monotonic() >= end:
                return actual  # in use elsewhere: what it has works, and the next opening tries again
            time.sleep(0.02)
            actual = str(connection.execute("PRAGMA journal_mode").fetchone()[0]).lower()
    return actual


@contextmanager
def _connection(uri: str, busy_seconds: float, *, query_only: bool) -> Iterator[sqlite3.Connection]:
    connection = _connect(uri, busy_seconds, query_only=query_only)
    try:
        yield connection
    finally:
        connection.close()


def _connect(uri: str, busy_seconds: float, *, query_only: bool, foreign_keys: bool = True) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,  # the engine's "begin" event says BEGIN, so that Python's module does not
        check_same_thread=False,  # the pool hands a connection to one thread at a time
    )
    try:
        if uri.endswith(_ALONE):
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA temp_store = MEMORY")  # reading needs no room, not even in /tmp
        connection.execute(f"PRAGMA foreign_keys = {int(foreign_keys)}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA query_only = {int(query_only)}")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA secure_delete = ON")  # as most systems build SQLite; not all do
    except BaseException:
        connection.close()  # or it keeps its locks as long as anybody holds the exception
        raise
    return connection


def keep_journal(connection: sqlite3.Connection) -> bool:
    """Let the journal to which SQLite copies pages before it changes them stay, to be overwritten, where there is no
    write-ahead log; whether there is one."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return True
    connection.execute("PRAGMA journal_mode = PERSIST")
    return False


def _engine(
    uri: str, busy_seconds: float, *, begin: str, query_only: bool, foreign_keys: bool = True, erasing: bool = False
) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = _connect(uri, busy_seconds, query_only=query_only, foreign_keys=foreign_keys)
        if erasing:
            keep_journal(connection)
        return connection

    alone = {"pool_size": 1, "max_overflow": 0} if uri.endswith(_ALONE) else {}
    engine = create_engine("sqlite+pysqlite://", creator=connect, poolclass=QueuePool, **alone)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
