"""Paths as the system gives them (bytes), and as people read them (text)."""

import os
from pathlib import Path

from db.errors import NoHome

AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def absolute(path: AnyPath) -> bytes:
    """The absolute path, normalised as text (no trailing slash, no "..") and without following links.

    Links are left alone because the answer must not depend on a drive being mounted right now.
    """
    return os.path.abspath(os.fsencode(path))  # noqa: PTH100 (bytes; links stay)


def join(root: bytes, path: bytes) -> bytes:
    """The absolute path of a file from its root and its path within that root."""
    return os.path.join(root, path)  # noqa: PTH118 (bytes)


def within(root: bytes, path: bytes) -> bytes | None:
    """The path of a file within a root from its absolute path; None where it does not lie under that root."""
    prefix = root.rstrip(b"/") + b"/"
    return path[len(prefix) :] if path.startswith(prefix) and len(path) > len(prefix) else None


def is_there(path: AnyPath) -> bool:
    """Whether a file or folder is there, and can be asked for. Before Python 3.14 `Path.exists` raises on a broken
    drive and in a folder that may not be entered."""
    return os.path.exists(path)  # noqa: PTH110


def is_folder(path: AnyPath) -> bool:
    """`is_there` for a folder."""
    return os.path.isdir(path)  # noqa: PTH112


def display(path: bytes) -> str:
    """Text for people: bytes that are no UTF-8 appear as \\xNN, so that the result can be printed anywhere."""
    return path.decode("utf-8", "backslashreplace")


def as_path(path: bytes) -> Path:
    """The same file for Python: bytes that are no UTF-8 become surrogates, which open() turns back."""
    return Path(os.fsdecode(path))


def user_data_folder() -> Path:
    """Where this program keeps what is the user's own: the catalogue, unless another place is named. Raises NoHome."""
    import platformdirs

    try:
        folder = platformdirs.user_data_path("facesearch")
    except RuntimeError:  # so say newer versions; older ones leave the "~"
        folder = Path("~")
    if not folder.is_absolute():
        raise NoHome("There is no home directory to keep a catalogue in: name a catalogue.")
    return folder
