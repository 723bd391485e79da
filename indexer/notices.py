"""Sentences about folders that could not be walked as asked: what is wrong, and the remedy. All paths are absolute."""

from __future__ import annotations

import os
import stat

from db.paths import display
from indexer.report import FolderNotice


def why_unusable(folder: bytes, known_files: int | None) -> str | None:
    """Why a folder cannot be walked, and the remedy, as a sentence. known_files: how many it holds, if it is a root."""
    name = display(folder)
    try:
        mode = os.stat(folder).st_mode  # noqa: PTH116 (bytes)
    except (FileNotFoundError, NotADirectoryError):
        if known_files is None:
            return f"The folder {name} does not exist: check how it is spelled, and whether its drive is mounted."
        return (
            f"The folder {name} is not there, as if its drive were not mounted: its {known_files:,} photos stay in the "
            f"catalogue; mount it, say where it is now with `facesearch roots --moved {name} NEW`, or give it up with "
            f"`facesearch roots --detach {name}`."
        )
    except OSError as error:
        return f"The folder {name} cannot be read ({error.strerror}): check its permissions and its drive."
    if not stat.S_ISDIR(mode):
        parent = display(folder.rpartition(b"/")[0] or b"/")
        return f"{name} is a file, and `index` takes folders: name the folder that holds it, {parent}."
    return None


def not_kept(root: bytes, *, hidden: bool, excluded: bool) -> FolderNotice:
    """Of a new folder without a photo. hidden, excluded: whether there is something that a rule left out."""
    why = "; --everything looks into the hidden folders that it has" if hidden else ""
    why += "; what is excluded was not looked at" if excluded else ""
    return FolderNotice(root, f"{display(root)} holds no photo and is not kept as a folder{why}.")


def linked(path: bytes) -> FolderNotice:
    """Of a link to a folder."""
    name = display(path)
    return FolderNotice(path, f"{name} is a link to a folder and was not followed: index the folder it leads to.")


def missing_folder(path: bytes, lost: int) -> FolderNotice:
    """Of a sub-folder that is gone. lost: photos that no other folder holds."""
    photos = f"{lost:,} photos" if lost != 1 else "1 photo"
    return FolderNotice(
        path,
        f"The folder {display(path)} is no longer there, and with it {photos} left the results: if it lies on a drive, "
        f"mount it and index again.",
    )


def unreadable(path: bytes, reason: str, kept: int) -> FolderNotice:
    """Of a file or folder that cannot be read. kept: files known there, which stay."""
    sentence = f"{display(path)} cannot be read ({reason}): check its permissions and whether its drive is there"
    return FolderNotice(path, sentence + (f"; {_stay(kept)}." if kept else "."))


def emptied(path: bytes, kept: int, *, whole: bool) -> FolderNotice:
    """Of a folder that is suddenly empty. whole: it is the root itself."""
    deliberate = "put any file into it" if whole else "remove the empty folder"
    return FolderNotice(
        path,
        f"{display(path)} is suddenly empty, as if its drive were not mounted: {_stay(kept)}; if they were "
        f"deleted on purpose, {deliberate} and index again.",
    )


def became_link(path: bytes, kept: int) -> FolderNotice:
    """Of a folder that has become a link."""
    return FolderNotice(
        path,
        f"{display(path)} has become a link, and links to folders are not followed: {_stay(kept)}; index the "
        f"folder it leads to.",
    )


def _stay(kept: int) -> str:
    return f"the {kept:,} photos known there stay in the results" if kept != 1 else "the photo known there stays"
