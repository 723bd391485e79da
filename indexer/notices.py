"""Notices on folders that could not be walked as asked. All paths are absolute."""

from __future__ import annotations

import os
import stat

from db.paths import display
from db.values.told import Notice
from indexer.report import FolderNotice


def why_unusable(folder: bytes, known_files: int | None) -> Notice | None:
    """Why a folder cannot be walked. known_files: how many it holds, if it is a root."""
    name = display(folder)
    try:
        mode = os.stat(folder).st_mode  # noqa: PTH116 (bytes)
    except (FileNotFoundError, NotADirectoryError):
        if known_files is None:
            return Notice("no such folder", {"folder": name})
        return Notice("not there", {"folder": name, "photos": known_files})
    except OSError as error:
        return Notice("unreadable", {"folder": name, "reason": error.strerror})
    if not stat.S_ISDIR(mode):
        return Notice("a file", {"folder": name, "parent": display(folder.rpartition(b"/")[0] or b"/")})
    return None


def not_kept(root: bytes, *, hidden: bool, excluded: bool) -> FolderNotice:
    """Of a new folder without a photo. hidden, excluded: whether there is something that a rule left out."""
    return FolderNotice(root, Notice("no photo", {"folder": display(root), "hidden": hidden, "excluded": excluded}))


def linked(path: bytes) -> FolderNotice:
    """Of a link to a folder."""
    return FolderNotice(path, Notice("link", {"folder": display(path)}))


def missing_folder(path: bytes, lost: int) -> FolderNotice:
    """Of a sub-folder that is gone. lost: photos that no other folder holds."""
    return FolderNotice(path, Notice("vanished", {"folder": display(path), "photos": lost}))


def unreadable(path: bytes, reason: str, kept: int) -> FolderNotice:
    """Of a file or folder that cannot be read. kept: files known there, which stay."""
    return FolderNotice(path, Notice("place unreadable", {"folder": display(path), "reason": reason, "photos": kept}))


def emptied(path: bytes, kept: int, *, whole: bool) -> FolderNotice:
    """Of a folder that is suddenly empty. whole: it is the root itself."""
    return FolderNotice(path, Notice("suddenly empty", {"folder": display(path), "photos": kept, "root": whole}))


def became_link(path: bytes, kept: int) -> FolderNotice:
    """Of a folder that has become a link."""
    return FolderNotice(path, Notice("now a link", {"folder": display(path), "photos": kept}))
