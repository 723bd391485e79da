"""Which photo files lie under a folder: in a stable order, names as bytes, and nothing left out without a word.

Hidden files and folders and what systems leave lying about are passed over and counted. Links to files count as files.
Links to folders are not followed, they are listed instead: no loop can catch the walk, no photo is found twice, and a
linked drive that is indexed as a folder of its own is recognised when it is unplugged.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from facesearch.decode import EXTENSIONS

_METADATA = frozenset(
    {
        b"$recycle.bin",
        b"#recycle",
        b"@eadir",  # thumbnails that a Synology keeps of every photo
        b"__macosx",
        b"desktop.ini",
        b"ehthumbs.db",
        b"lost+found",
        b"system volume information",
        b"thumbs.db",
    }
)


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file with the extension of a readable photo. path: within the root, as the system spells it."""

    path: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A folder or file that could not be looked at. path: within the root, b"" the root itself; reason: in words."""

    path: bytes
    reason: str


@dataclass(slots=True)
class Aside:
    """What a walk came past without taking it. All paths are within the root.

    unreadable: nothing is known about what lies at or under these paths.
    empty: folders without a single entry, hidden ones included.
    linked: folders that are links, not followed.
    hidden: how many hidden or system files and folders were passed over; what lies below them is not known.
    others: files that are no photos, counted by lower-case extension ("" for none).
    unsupported: photos that this installation cannot read.
    """

    unreadable: list[Obstacle] = field(default_factory=list)
    empty: list[bytes] = field(default_factory=list)
    linked: list[bytes] = field(default_factory=list)
    hidden: int = 0
    others: Counter[str] = field(default_factory=Counter)
    unsupported: list[bytes] = field(default_factory=list)


def walk(
    root: bytes,
    aside: Aside,
    *,
    readable: Collection[str],
    within: bytes = b"",
    leave_out: Collection[bytes] = (),
) -> Iterator[FoundFile]:
    """Yield the photo files under `root`, or under its sub-folder `within`; add to `aside` whatever else is there.

    Files come before sub-folders, both in the byte order of their names. `readable` are the extensions to take (with
    dot, lower case); `leave_out` are paths of sub-folders, also hidden or linked ones, that somebody else walks. Never
    raises OSError.
    """
    waiting = [within]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as scan:  # noqa: PTH118 (bytes)
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            aside.unreadable.append(Obstacle(folder, error.strerror or str(error)))
            continue
        # The place of an unplugged drive may hold a hidden file of the system's.
        if not entries or (not folder and all(is_noise(entry.name) for entry in entries)):
            aside.empty.append(folder)
        folders: list[bytes] = []
        for entry in entries:
            path = folder + b"/" + entry.name if folder else entry.name
            if path in leave_out:
                continue
            if is_noise(entry.name):
                aside.hidden += 1
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif entry.is_dir():
                    aside.linked.append(path)
                elif found := _photo(entry, path, readable, aside):
                    yield found
            except OSError as error:
                reason = error.strerror or str(error)
                if entry.is_symlink():
                    reason = f"a link that leads nowhere: {reason}"
                aside.unreadable.append(Obstacle(path, reason))
        waiting.extend(reversed(folders))


def lies_under(path: bytes, folder: bytes) -> bool:
    """Whether `path` is `folder` or lies anywhere below it; b"" is the folder of everything."""
    return not folder or path == folder or path.startswith(folder + b"/")


def extension_of(path: bytes) -> str:
    """With its dot, in lower case; "" for none."""
    return os.path.splitext(path)[1].decode("utf-8", "replace").lower()  # noqa: PTH122 (bytes)


def _photo(entry: os.DirEntry[bytes], path: bytes, readable: Collection[str], aside: Aside) -> FoundFile | None:
    extension = extension_of(entry.name)
    if extension in readable:
        status = entry.stat()
        if stat.S_ISREG(status.st_mode):  # a pipe named like a photo would be waited for
            return FoundFile(path, status.st_size, status.st_mtime_ns)
        aside.others[extension] += 1
    elif extension in EXTENSIONS:
        aside.unsupported.append(path)
    else:
        aside.others[extension] += 1
    return None


def is_noise(name: bytes) -> bool:
    """Whether a walk passes over files and folders of this name."""
    return name.startswith(b".") or name.lower() in _METADATA
