"""Permissions bind everybody but root, and tests often run as root."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

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
