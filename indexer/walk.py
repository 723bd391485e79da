"""Which files lie under a folder: in a stable order, names as bytes, and nothing left out without a word.

What is hidden, or systems leave lying about, is passed over and counted unless everything is asked for. Links to files
count as files. Links to folders are not followed, they are listed instead: no loop can catch the walk, no photo is
found twice, and a linked drive that is indexed as a folder of its own is recognised when it is unplugged.
"""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from db.filesystems import counts_blocks, without_change_times
from facesearch import places
from facesearch.vision.source import open_folder, special_kind
from indexer.report import PassedOver
from indexer.selection import Chooser

_LAST_NS = 2**63 - 1  # of the times that a database takes: 1677 to 2262
_DATALESS = 0x40000000  # SF_DATALESS of macOS: the content is in the cloud
_HAS_FLAGS = hasattr(os.stat_result, "st_flags")
_STUB = b".icloud"
_NAMES = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()  # as os.fsencode, which costs a call


class FoundFile(NamedTuple):
    """A file. path: within the root, as the system spells it; size: in bytes; mtime_ns, ctime_ns: as near as 64 bits
    come to them, the latter None where it does not tell an edit (`db.filesystems.without_change_times`)."""

    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int | None = None


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
    passed_over: hidden and system folders; what lies below them is not known. hidden: files of this sort, by kind.
    excluded: how many files, or folders with all they hold, a pattern excludes.
    online_only: files whose content is in the cloud.
    special: pipes, sockets and devices, by kind.
    without_change_times: kinds of file systems met where an edit that keeps size and date goes unnoticed.
    """

    unreadable: list[Obstacle] = field(default_factory=list)
    empty: list[bytes] = field(default_factory=list)
    linked: list[bytes] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)
    hidden: Counter[str] = field(default_factory=Counter)
    excluded: int = 0
    online_only: list[bytes] = field(default_factory=list)
    special: Counter[str] = field(default_factory=Counter)
    without_change_times: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Device:
    """What a file system can be relied on for. counts_blocks: a file without any holds nothing here."""

    change_times: bool
    counts_blocks: bool


# complexipy: ignore (what is passed over, refused and followed, folder by folder)
def walk(
    root: bytes,
    aside: Aside,
    *,
    chooser: Chooser | None = None,
    within: bytes = b"",
    leave_out: Collection[bytes] = (),
) -> Iterator[FoundFile]:
    """Yield the files under `root`, or under its sub-folder `within`; add to `aside` whatever else is there.

    Files come before sub-folders, both in the byte order of their names. chooser: what to take; `leave_out` are paths
    of sub-folders, also hidden or linked ones, that somebody else walks. Never raises OSError.
    """
    chooser = chooser or Chooser()
    devices: dict[int, _Device] = {}
    blockless: list[FoundFile] = []  # where files without a block may be whole: unless another there has one
    new = tuple.__new__  # of a million files, half the time of a call
    choosy, letters = chooser.excludes_anything, places.first_letters()
    waiting = [within]
    while waiting:
        folder = waiting.pop()
        folders: list[bytes] = []
        here = folder + b"/" if folder else b""
        try:
            with open_folder(os.path.join(root, folder)) as scan:  # noqa: PTH118 (bytes)
                # Names are bytes in the order of bytes, whatever the system's encoding.
                entries = sorted(((entry.name.encode(*_NAMES), entry) for entry in scan), key=itemgetter(0))
                if _is_empty(folder, [name for name, _ in entries], chooser):
                    aside.empty.append(folder)
                for name, entry in entries:
                    path = here + name
                    if path in leave_out:
                        continue
                    try:
                        is_folder = entry.is_dir(follow_symlinks=False)
                        text = entry.name
                        suspect = is_folder or choosy or text[0] == "." or text[:2].lower() in letters
                        if suspect and _passes_over(chooser, path, name, is_folder or None, entry, aside):
                            continue
                        if is_folder:
                            folders.append(path)
                            continue
                        status = entry.stat()
                        mode = status.st_mode
                        if not stat.S_ISREG(mode):
                            if stat.S_ISDIR(mode):
                                aside.linked.append(path)
                            else:
                                aside.special[(special_kind(mode) or "unknown").removeprefix("a ")] += 1
                            continue
                    except OSError as error:
                        reason = error.strerror or str(error)
                        if entry.is_symlink():
                            reason = f"a link that leads nowhere: {reason}"
                        aside.unreadable.append(Obstacle(path, reason))
                        continue
                    device = devices.get(status.st_dev)
                    if device is None:
                        device = devices[status.st_dev] = _device(os.path.join(root, path), aside)  # noqa: PTH118
                    mtime_ns, ctime_ns = status.st_mtime_ns, status.st_ctime_ns
                    if not (-_LAST_NS <= mtime_ns <= _LAST_NS and -_LAST_NS <= ctime_ns <= _LAST_NS):
                        mtime_ns, ctime_ns = _within_64_bits(mtime_ns), _within_64_bits(ctime_ns)
                    size = status.st_size
                    file = new(FoundFile, (path, size, mtime_ns, ctime_ns if device.change_times else None))
                    if size and not status.st_blocks:
                        if device.counts_blocks:
                            aside.online_only.append(path)
                        else:
                            blockless.append(file)
                    elif _HAS_FLAGS and status.st_flags & _DATALESS:  # type: ignore[attr-defined, unused-ignore]
                        aside.online_only.append(path)
                    else:
                        if status.st_blocks and not device.counts_blocks:
                            device.counts_blocks = True
                        yield file
        except OSError as error:
            aside.unreadable.append(Obstacle(folder, error.strerror or str(error)))
            continue
        waiting.extend(reversed(folders))
    if any(device.counts_blocks for device in devices.values()):
        aside.online_only += (file.path for file in blockless)
    else:
        yield from blockless


def lies_under(path: bytes, folder: bytes) -> bool:
    """Whether `path` is `folder` or lies anywhere below it; b"" is the folder of everything."""
    return not folder or path == folder or path.startswith(folder + b"/")


def extension_of(path: bytes) -> str:
    """With its dot, in lower case; "" for none."""
    return os.path.splitext(path)[1].decode("utf-8", "replace").lower()  # noqa: PTH122 (bytes)


def _is_empty(folder: bytes, names: list[bytes], chooser: Chooser) -> bool:
    # The place of an unplugged drive may hold a hidden file of the system's.
    if not names:
        return True
    return not folder and all(
        chooser.passes_over(name, folder=True) or chooser.passes_over(name, folder=False) for name in names
    )


def _passes_over(
    chooser: Chooser, path: bytes, name: bytes, is_folder: bool | None, entry: os.DirEntry[str], aside: Aside
) -> bool:
    """Whether this is not to be looked at, which is noted. is_folder: None for a file or a link to anything."""
    if name.startswith(b".") and name.endswith(_STUB) and not is_folder and len(name) > len(_STUB) + 1:
        aside.online_only.append(path[: len(path) - len(name)] + name[1 : -len(_STUB)])
        return True
    kind = chooser.passes_over(path, folder=bool(is_folder))
    if kind is not None:
        if is_folder:
            aside.passed_over.append(PassedOver(path, kind))
        else:
            aside.hidden[kind] += 1
        return True
    if chooser.excludes_anything:
        linked_folder = is_folder is None and entry.is_symlink() and entry.is_dir()
        if chooser.excludes(path, folder=bool(is_folder) or linked_folder):
            aside.excluded += 1
            return True
    return False


def _device(path: bytes, aside: Aside) -> _Device:
    kind = without_change_times(path)
    if kind is not None:
        aside.without_change_times.add(kind)
    return _Device(kind is None, counts_blocks(path))


def _within_64_bits(moment: int) -> int:
    return max(-_LAST_NS, min(_LAST_NS, moment))
