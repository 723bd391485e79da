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
from indexer.report import HiddenFolder
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
class UnreadablePath:
    """A folder or file that could not be looked at. path: within the root, b"" the root itself; reason: in words."""

    path: bytes
    reason: str


@dataclass(slots=True)
class SkippedEntries:
    """What a walk came past without taking it. All paths are within the root.

    unreadable: nothing is known about what lies at or under these paths.
    empty: folders without a single entry, hidden ones included.
    linked: folders that are links, not followed.
    hidden_folders: hidden and system folders; what lies below them is not known. hidden_files: files of this sort, by
        kind.
    excluded: how many files, or folders with all they hold, a pattern excludes.
    online_only: files whose content is in the cloud.
    special: pipes, sockets and devices, by kind.
    without_change_times: kinds of file systems met where an edit that keeps size and date goes unnoticed.
    """

    unreadable: list[UnreadablePath] = field(default_factory=list)
    empty: list[bytes] = field(default_factory=list)
    linked: list[bytes] = field(default_factory=list)
    hidden_folders: list[HiddenFolder] = field(default_factory=list)
    hidden_files: Counter[str] = field(default_factory=Counter)
    excluded: int = 0
    online_only: list[bytes] = field(default_factory=list)
    special: Counter[str] = field(default_factory=Counter)
    without_change_times: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Device:
    """What a file system can be relied on for. counts_blocks: a file without any holds nothing here."""

    change_times: bool
    counts_blocks: bool


def walk(
    root: bytes,
    skipped: SkippedEntries,
    *,
    chooser: Chooser | None = None,
    within: bytes = b"",
    leave_out: Collection[bytes] = (),
) -> Iterator[FoundFile]:
    """Yield the files under `root`, or under its sub-folder `within`; add to `skipped` whatever else is there.

    Files come before sub-folders, both in the byte order of their names. chooser: what to take; `leave_out` are paths
    of sub-folders, also hidden or linked ones, that somebody else walks. Never raises OSError.
    """
    yield from _Walk(root, skipped, chooser or Chooser(), leave_out).files(within)


class _Walk:
    def __init__(self, root: bytes, skipped: SkippedEntries, chooser: Chooser, leave_out: Collection[bytes]) -> None:
        self._root = root
        self._skipped = skipped
        self._chooser = chooser
        self._leave_out = leave_out
        self._devices: dict[int, _Device] = {}
        self._blockless: list[FoundFile] = []  # where files without a block may be whole: unless another there has one
        self._choosy, self._letters = chooser.excludes_anything, places.first_letters()

    def files(self, within: bytes) -> Iterator[FoundFile]:
        waiting = [within]
        while waiting:
            folder = waiting.pop()
            folders: list[bytes] = []
            try:
                yield from self._files_of(folder, folders)
            except OSError as error:
                self._skipped.unreadable.append(UnreadablePath(folder, error.strerror or str(error)))
                continue
            waiting.extend(reversed(folders))
        if any(device.counts_blocks for device in self._devices.values()):
            self._skipped.online_only += (file.path for file in self._blockless)
        else:
            yield from self._blockless

    def _files_of(self, folder: bytes, folders: list[bytes]) -> Iterator[FoundFile]:
        """The files of a folder. folders: takes its sub-folders. Raises OSError."""
        here = folder + b"/" if folder else b""
        with open_folder(os.path.join(self._root, folder)) as scan:  # noqa: PTH118 (bytes)
            # Names are bytes in the order of bytes, whatever the system's encoding.
            entries = sorted(((entry.name.encode(*_NAMES), entry) for entry in scan), key=itemgetter(0))
            if _is_empty(folder, [name for name, _ in entries], self._chooser):
                self._skipped.empty.append(folder)
            for name, entry in entries:
                path = here + name
                if path in self._leave_out:
                    continue
                try:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if self._is_left_out(path, name, is_folder, entry):
                        continue
                    if is_folder:
                        folders.append(path)
                        continue
                    status = entry.stat()
                except OSError as error:
                    self._note_unreadable(path, entry, error)
                    continue
                file = self._found(path, status)
                if file is not None:
                    yield file

    def _is_left_out(self, path: bytes, name: bytes, is_folder: bool, entry: os.DirEntry[str]) -> bool:
        text = entry.name
        suspect = is_folder or self._choosy or text[0] == "." or text[:2].lower() in self._letters
        return suspect and _leaves_out(self._chooser, path, name, is_folder or None, entry, self._skipped)

    def _note_unreadable(self, path: bytes, entry: os.DirEntry[str], error: OSError) -> None:
        reason = error.strerror or str(error)
        if entry.is_symlink():
            reason = f"a link that leads nowhere: {reason}"
        self._skipped.unreadable.append(UnreadablePath(path, reason))

    def _found(self, path: bytes, status: os.stat_result) -> FoundFile | None:
        """What is at this path, if it is a file that can be opened; None for what is noted as something else."""
        mode = status.st_mode
        if not stat.S_ISREG(mode):
            if stat.S_ISDIR(mode):
                self._skipped.linked.append(path)
            else:
                self._skipped.special[(special_kind(mode) or "unknown").removeprefix("a ")] += 1
            return None
        device = self._devices.get(status.st_dev)
        if device is None:
            device = self._devices[status.st_dev] = _device(os.path.join(self._root, path), self._skipped)  # noqa: PTH118
        mtime_ns, ctime_ns = status.st_mtime_ns, status.st_ctime_ns
        if not (-_LAST_NS <= mtime_ns <= _LAST_NS and -_LAST_NS <= ctime_ns <= _LAST_NS):
            mtime_ns, ctime_ns = _within_64_bits(mtime_ns), _within_64_bits(ctime_ns)
        size = status.st_size
        # Of a million files, half the time of a call.
        file = tuple.__new__(FoundFile, (path, size, mtime_ns, ctime_ns if device.change_times else None))
        if size and not status.st_blocks:
            if device.counts_blocks:
                self._skipped.online_only.append(path)
            else:
                self._blockless.append(file)
            return None
        if _HAS_FLAGS and status.st_flags & _DATALESS:  # type: ignore[attr-defined, unused-ignore]
            self._skipped.online_only.append(path)
            return None
        if status.st_blocks:
            device.counts_blocks = True
        return file


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


def _leaves_out(
    chooser: Chooser, path: bytes, name: bytes, is_folder: bool | None, entry: os.DirEntry[str], skipped: SkippedEntries
) -> bool:
    """Whether a rule leaves this out, which is noted. is_folder: None for a file or a link to anything."""
    if name.startswith(b".") and name.endswith(_STUB) and not is_folder and len(name) > len(_STUB) + 1:
        skipped.online_only.append(path[: len(path) - len(name)] + name[1 : -len(_STUB)])
        return True
    kind = chooser.passes_over(path, folder=bool(is_folder))
    if kind is not None:
        if is_folder:
            skipped.hidden_folders.append(HiddenFolder(path, kind))
        else:
            skipped.hidden_files[kind] += 1
        return True
    if chooser.excludes_anything:
        linked_folder = is_folder is None and entry.is_symlink() and entry.is_dir()
        if chooser.excludes(path, folder=bool(is_folder) or linked_folder):
            skipped.excluded += 1
            return True
    return False


def _device(path: bytes, skipped: SkippedEntries) -> _Device:
    kind = without_change_times(path)
    if kind is not None:
        skipped.without_change_times.add(kind)
    return _Device(kind is None, counts_blocks(path))


def _within_64_bits(moment: int) -> int:
    return max(-_LAST_NS, min(_LAST_NS, moment))
