"""Files that are there wholly or not at all, whatever happens: a kill, a full disk, a power failure."""

import os
from pathlib import Path


def replace(temporary: Path, target: Path) -> None:
    """Put the finished file `temporary`, in the same folder, in the place of `target`, and both names and contents on
    the disk. Raises OSError; `target` is then the former or the new one, and whole.
    """
    descriptor = os.open(temporary, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(target)
    flush_folder(target.parent)


def write_text(target: Path, text: str) -> None:
    """Write a whole small file, by way of a temporary one beside it. Raises OSError."""
    temporary = target.with_name(f"{target.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    replace(temporary, target)


def flush_folder(folder: Path) -> None:
    """Make the names in this folder survive a power failure. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
