"""What the machine lets a test do: permissions bind everybody but root, and tests often run as root; some file systems
take no name that is not UTF-8; a shell's background jobs ignore Ctrl-C; disks are full."""

import ctypes
import os
import resource
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def without_root_powers() -> Iterator[None]:
    """Let file permissions bind this thread and those it starts, root or not (Linux capabilities, given back after)."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, held = _Header(_VERSION_3, 0), (_Sets * 2)()
    if libc.capget(ctypes.byref(header), held):
        raise OSError(ctypes.get_errno(), "capget")
    given = [part.effective for part in held]
    for part in held:
        part.effective = 0
    if libc.capset(ctypes.byref(header), held):
        raise OSError(ctypes.get_errno(), "capset")
    try:
        yield
    finally:
        for part, effective in zip(held, given, strict=True):
            part.effective = effective
        if libc.capset(ctypes.byref(header), held):
            raise OSError(ctypes.get_errno(), "capset")


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As on a disk that is full, or has a quota: a write past this many bytes of one file fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _takes_any_bytes() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            os.close(os.open(os.fsencode(folder) + b"/\xff", os.O_CREAT | os.O_WRONLY))
        except OSError:
            return False
    return True


names_of_any_bytes = pytest.mark.skipif(
    not _takes_any_bytes(), reason="this file system takes no file names that are not UTF-8"
)
"""For tests of such names: macOS refuses them."""


@contextmanager
def ctrl_c_interrupts() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, as for a program in the foreground, also where whoever runs the tests ignores
    it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


FOREGROUND_PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from cli.main import main
main()
"""
"""The program for `python -c`, as a shell starts it in the foreground."""
