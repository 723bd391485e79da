"""A lock between processes that ends with the process, however that ends."""

import fcntl
import os
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_held: set[str] = set()
_guard = threading.Lock()


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Hold the lock that the file `path` stands for; yields False, without waiting, where someone else holds it.

    A POSIX record lock and not flock(): a worker process that survives its killed parent must not keep the lock. Such
    locks know nothing of a second holder within one process, so this module remembers those itself. The file stays:
    removing it would let two processes lock two different files of the same name. Raises OSError where the file cannot
    be made.
    """
    name = os.path.realpath(path)
    with _guard:
        mine = name not in _held
        if mine:
            _held.add(name)
    if not mine:
        yield False
        return
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _locked(descriptor)
        finally:
            os.close(descriptor)
    finally:
        with _guard:
            _held.discard(name)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # POSIX lets a system answer either
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock that the file `path` stands for, without taking it. False where it cannot be
    known."""
    name = os.path.realpath(path)
    with _guard:
        if name in _held:
            return True
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Asks for a lock for writing on the whole file; the answer is the lock that stands against it.
        asked = (
            struct.pack("qqihh", 0, 0, 0, fcntl.F_WRLCK, 0)
            if _BSD
            else struct.pack("hhqqi0q", fcntl.F_WRLCK, 0, 0, 0, 0)
        )
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, asked)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return bool(struct.unpack(_FLOCK, answer)[3 if _BSD else 0] != fcntl.F_UNLCK)


_BSD = sys.platform != "linux"
_FLOCK = "qqihh" if _BSD else "hhqqi0q"  # C's struct flock: start, length, process, kind, whence; on Linux kind first
