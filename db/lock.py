"""A lock between processes that ends with the process, however that ends."""

import fcntl
import os
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
