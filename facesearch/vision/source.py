"""Photos and folders opened as evidence: read only, never waited for, and without a trace in their access times."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOCTTY", 0)
_QUIETLY = getattr(os, "O_NOATIME", 0)
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


_loud_opens = 0


class NoFileError(OSError):
    """What was to be opened is no file; `strerror` says what it is."""

    def __init__(self, what: str) -> None:
        super().__init__(0, f"it is {what}, no file")


def special_kind(mode: int) -> str | None:
    """ "a pipe", "a device", ... for the mode (as `os.stat` gives it) of what is no regular file; None for one."""
    return next((words for test, words in _KINDS if test(mode)), None)


def open_source(path: str | bytes | os.PathLike[str]) -> IO[bytes]:
    """The file at `path` for reading. Raises OSError, NoFileError for what is no regular file.

    The access time stays as it is where the system lets us: it must be Linux, and the file ours or we root. A pipe or a
    device is not waited for.
    """
    descriptor = _open(path, _READ | os.O_NONBLOCK)
    try:
        special = special_kind(os.fstat(descriptor).st_mode)
        if special is not None:
            raise NoFileError(special)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


@contextmanager
def open_folder(path: bytes) -> Iterator[Iterator[os.DirEntry[str]]]:
    """The entries of the folder at `path`, as long as the block lasts. Raises OSError."""
    descriptor = _open(path, _READ | os.O_DIRECTORY)
    try:
        with os.scandir(descriptor) as entries:
            yield entries
    finally:
        os.close(descriptor)


def loud_opens() -> int:
    """How many files and folders this process has opened so that their access times may have changed."""
    return _loud_opens


def _open(path: str | bytes | os.PathLike[str], flags: int) -> int:
    global _loud_opens
    if _QUIETLY:
        # Only the owner and root may ask for that.
        with suppress(PermissionError):
            return os.open(path, flags | _QUIETLY)
    descriptor = os.open(path, flags)
    _loud_opens += 1
    return descriptor
