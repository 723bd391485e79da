"""What a walk found, compared with what the last run left: new work, unchanged, back again, gone, left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cache

from db.filesystems import windows_attributes
from db.others import OtherFile
from db.paths import is_folder, join, within
from db.photos import KnownFile
from db.unseen import Why
from db.values.photo import LeftOut, Outcome
from facesearch.vision.decode import readable_extensions, readable_kinds
from facesearch.vision.decoding.sniff import PHOTO_LABELS, FileKind
from indexer import notices
from indexer.report import FolderNotice
from indexer.selection import Chooser
from indexer.targets import Target
from indexer.walk import FoundFile, SkippedEntries, extension_of, walk

_SNIFFED_AT_ONCE = 4096
# Windows' attributes of a file whose content is elsewhere: OFFLINE, RECALL_ON_OPEN, RECALL_ON_DATA_ACCESS.
_ELSEWHERE = 0x1000 | 0x40000 | 0x400000


@dataclass(frozen=True, slots=True)
class Job:
    """A file that has to be opened. photo_id: of the photo with faces that it held before, if it did."""

    root_id: int
    root: bytes
    file: FoundFile
    photo_id: int | None = None

    @property
    def path(self) -> bytes:
        """Absolute."""
        return join(self.root, self.file.path)


@dataclass(slots=True)
class Memory:
    """What is known of the files of a root, by path within it. photos: also those that are gone; others: no photos."""

    photos: dict[bytes, KnownFile]
    others: dict[bytes, OtherFile]


@dataclass(frozen=True, slots=True)
class WalkHooks:
    """What a comparison needs done. found: is told of every file, and whether it is a photo; when it answers False the
    walk is broken off, and nothing counts as gone. sniff: `FileKind` or OSError of each of these files (absolute
    paths), in their order; fewer when the run is to stop. remember: files that are no photos. is_forgotten: whether
    this file of the root, which is not known, is to be left alone."""

    found: Callable[[bool], bool]
    sniff: Callable[[Sequence[bytes]], list[FileKind | OSError]]
    remember: Callable[[list[tuple[bytes, OtherFile]]], None]
    is_forgotten: Callable[[FoundFile], bool] = lambda _: False


@dataclass(slots=True)
class Listing:
    """One walk, compared.

    work: files to open. unchanged: those that keep what an earlier run said of them. change_times: those to take
    over, by the id of a file that has none yet; others_change_times: likewise of files that are no photos.
    returned: ids of files that had been missing and have kept size and date. gone: ids of files that were there and
    are not found any more; without what lies where nobody could look. left_out: ids of those that the run passes
    over now, by reason. unvisited: ids of files that should be there, and that the walk did not come by or that
    this installation cannot read. no_photos: ids of files whose content was never known, and is that of no photo.
    missing_folders: those of the gone whose folder is gone as well, by the topmost such one. retained: the places
    where nobody could look. others: files that are no photos, by what they are, or else by extension. unsupported:
    photos of a kind that this installation cannot read, by kind. outdated: what is remembered of files that are
    gone or photos by now. forgotten: how many were left alone, since they were forgotten. unusable: why there was
    no walk at all. unseen: what nobody has looked at so far, by path within the root: photos that are new or
    changed, or whose content is elsewhere, and folders.
    """

    target: Target
    skipped: SkippedEntries
    work: list[Job] = field(default_factory=list)
    unchanged: list[tuple[bytes, KnownFile]] = field(default_factory=list)
    change_times: dict[int, int] = field(default_factory=dict)
    others_change_times: list[tuple[bytes, OtherFile]] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    left_out: dict[LeftOut, list[int]] = field(default_factory=dict)
    unvisited: list[int] = field(default_factory=list)
    no_photos: list[int] = field(default_factory=list)
    missing_folders: dict[bytes, list[int]] = field(default_factory=dict)
    retained: list[FolderNotice] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    unsupported: Counter[str] = field(default_factory=Counter)
    outdated: list[bytes] = field(default_factory=list)
    forgotten: int = 0
    unusable: FolderNotice | None = None
    unseen: dict[bytes, Why] = field(default_factory=dict)

    @property
    def holds_a_photo(self) -> bool:
        """Whether there is, or could be, a photo: also one that cannot be read here or now."""
        skipped = self.skipped
        return bool(self.work or self.unchanged or self.unsupported or skipped.online_only or skipped.unreadable)


def compare(
    target: Target, root_id: int, memory: Memory, *, chooser: Chooser, hooks: WalkHooks, again: bool = False
) -> Listing:
    """Walk the target and compare it with what is known of the files of its root (used up).

    again: nothing is taken for unchanged that is no photo.
    """
    return _Comparison(target, root_id, memory, chooser, hooks, again).listing()


class _Comparison:
    """One walk, from the first file to what is gone."""

    def __init__(
        self, target: Target, root_id: int, memory: Memory, chooser: Chooser, hooks: WalkHooks, again: bool
    ) -> None:
        self._target = target
        self._root_id = root_id
        self._memory = memory
        self._chooser = chooser
        self._hooks = hooks
        self._again = again
        self._readable = readable_extensions()
        self._readable_kinds = readable_kinds()
        self._attributes = windows_attributes(target.root)
        self._listing = Listing(target, SkippedEntries())
        self._work: list[tuple[int, Job]] = []  # with their place in the walk
        self._unknown: list[tuple[int, FoundFile]] = []  # to be sniffed

    def listing(self) -> Listing:
        listing, target = self._listing, self._target
        found = walk(
            target.root, listing.skipped, chooser=self._chooser, within=target.within, leave_out=target.leave_out
        )
        for place, file in enumerate(found):
            if not self._hooks.found(self._take(place, file)):
                return listing
            if len(self._unknown) >= _SNIFFED_AT_ONCE and not self._sniff():
                return listing
        if not self._sniff():
            return listing
        listing.work = [job for _, job in sorted(self._work, key=lambda pair: pair[0])]
        self._find_absent()
        return listing

    def _take(self, place: int, file: FoundFile) -> bool:
        """Whether it is a photo, as far as can be said before it is opened."""
        path = file.path
        before = self._memory.photos.pop(path, None)
        if before is not None:
            if _is_unchanged(file, before):
                self._listing.unchanged.append((path, before))
                if before.missing:
                    self._listing.returned.append(before.id)
                if before.ctime_ns is None and file.ctime_ns is not None:
                    self._listing.change_times[before.id] = file.ctime_ns
                return True
            if before.missing and _is_as_large_and_old(file, before):
                self._listing.returned.append(before.id)  # at least in all likelihood: it is read in any case
        elif self._is_known_other(file):
            return False
        elif self._hooks.is_forgotten(file):
            self._listing.forgotten += 1
            return False
        if self._attributes and _is_elsewhere(join(self._target.root, path), self._attributes):
            self._listing.skipped.online_only.append(path)
            self._keep_known(path, before)
            return False
        if extension_of(path) in self._readable:
            self._open(place, file, before)
            return True
        if before is not None:
            self._memory.photos[path] = before  # what it is now is not known yet
        self._unknown.append((place, file))
        return False

    def _is_known_other(self, file: FoundFile) -> bool:
        known = self._memory.others.get(file.path)
        if known is None or self._again:
            return False
        size, mtime_ns, ctime_ns, kind = known
        if file.size != size or file.mtime_ns != mtime_ns or kind in self._readable_kinds:
            return False
        if ctime_ns != file.ctime_ns and file.ctime_ns is not None:
            if ctime_ns is not None:
                return False
            self._listing.others_change_times.append((file.path, (size, mtime_ns, file.ctime_ns, kind)))
        del self._memory.others[file.path]
        self._count(kind)
        return True

    def _count(self, kind: str) -> None:
        if kind in PHOTO_LABELS:
            self._listing.unsupported[kind] += 1
        else:
            self._listing.others[kind] += 1

    def _sniff(self) -> bool:
        """Look what those files are of which neither the catalogue nor their name says it; False to break off."""
        some, self._unknown = self._unknown, []
        kinds = self._hooks.sniff([join(self._target.root, file.path) for _, file in some])
        others: list[tuple[bytes, OtherFile]] = []
        for (place, file), kind in zip(some, kinds, strict=False):
            before = self._memory.photos.get(file.path)
            if (
                isinstance(kind, OSError) or kind.label in self._readable_kinds
            ):  # what cannot be read may be a photo, and fails as one
                self._memory.photos.pop(file.path, None)
                self._open(place, file, before)
                if not self._hooks.found(True):
                    return False
            else:
                if kind.is_photo:
                    self._keep_known(file.path, before)
                elif before is not None and before.photo_id is None:
                    del self._memory.photos[file.path]
                    self._listing.no_photos.append(before.id)
                self._memory.others.pop(file.path, None)
                name = kind.label or extension_of(file.path)
                self._count(name)
                others.append((file.path, (file.size, file.mtime_ns, file.ctime_ns, name)))
        self._hooks.remember(others)
        return len(kinds) == len(some)

    def _open(self, place: int, file: FoundFile, before: KnownFile | None) -> None:
        held = before.photo_id if before is not None and before.outcome is Outcome.INDEXED else None
        self._work.append((place, Job(self._root_id, self._target.root, file, held)))
        tried = before is not None and before.reason is not None and _is_as_large_and_old(file, before)
        if not tried:  # what failed and is tried again has been looked at
            self._listing.unseen[file.path] = Why.WAITING

    def _keep_known(self, path: bytes, before: KnownFile | None) -> None:
        """It is there, whether or not it can be read now."""
        self._memory.photos.pop(path, None)
        if before is not None:
            self._listing.unvisited.append(before.id)

    def _find_absent(self) -> None:
        """What the walk did not come by: gone, left out, or where nobody could look."""
        listing, target, known = self._listing, self._target, self._memory.photos
        for path in listing.skipped.online_only:
            self._keep_known(path, known.get(path))
        absent = {path: each.id for path, each in known.items() if not each.missing and target.holds(path)}
        listing.unvisited += absent.values()
        for path in list(absent):
            why = self._chooser.leaves_out(path)
            if why is not None:
                listing.left_out.setdefault(why, []).append(absent.pop(path))
        gone, listing.retained = _retain(target, listing.skipped, absent)
        listing.gone = list(gone.values())
        listing.missing_folders = _by_missing_folder(target, gone)
        places = _places_unseen(listing.skipped)
        listing.outdated = [
            path for path in self._memory.others if target.holds(path) and _place_above(path, places) is None
        ]
        if any(each.path == target.within for each in listing.skipped.unreadable):
            listing.unusable, listing.retained = listing.retained[0], listing.retained[1:]
        self._note_unseen()

    def _note_unseen(self) -> None:
        listing, skipped, root = self._listing, self._listing.skipped, self._target.root
        told = {each.path for each in (*listing.retained, *([listing.unusable] if listing.unusable else []))}
        listing.unseen.update(dict.fromkeys(skipped.online_only, Why.ONLINE))
        listing.unseen.update((each.path, Why.UNREADABLE) for each in skipped.unreadable)
        listing.unseen.update((path, Why.EMPTY) for path in skipped.empty if self._target.at(path) in told)
        own = os.path.realpath(root)
        for path in skipped.linked:
            leads_to = os.path.realpath(join(root, path))
            if leads_to != own and within(own, leads_to) is None:
                listing.unseen[path] = Why.LINK


def _is_unchanged(file: FoundFile, before: KnownFile) -> bool:
    _, size, mtime_ns, known, photo_id, _, _, _, retry, _ = before
    _, size_now, mtime_now_ns, ctime_ns = file
    return (
        mtime_now_ns == mtime_ns
        and size_now == size
        and (ctime_ns == known or ctime_ns is None or known is None)
        and not retry
        # What was too large to be read has no content: to see whether it still is costs no reading.
        and photo_id is not None
    )


def _is_as_large_and_old(file: FoundFile, before: KnownFile) -> bool:
    return file.size == before.size and file.mtime_ns == before.mtime_ns


def _is_elsewhere(path: bytes, attribute: str) -> bool:
    """Whether Windows says that the content of this file is not on its disk. The file is not opened."""
    try:
        value = os.getxattr(path, attribute)
    except OSError:
        return False
    return bool(int.from_bytes(value[:4], "little") & _ELSEWHERE)


def _places_unseen(skipped: SkippedEntries) -> set[bytes]:
    return {*skipped.empty, *skipped.linked, *(each.path for each in skipped.unreadable)}


def _retain(
    target: Target, skipped: SkippedEntries, absent: dict[bytes, int]
) -> tuple[dict[bytes, int], list[FolderNotice]]:
    """Which absent files are gone for sure, and a notice for each place that keeps others from counting as gone."""
    places = _places_unseen(skipped)
    kept = dict.fromkeys(places, 0)
    gone: dict[bytes, int] = {}
    for path, file_id in absent.items():
        place = _place_above(path, places)
        if place is None:
            gone[path] = file_id
        else:
            kept[place] += 1
    said = [notices.unreadable(target.at(each.path), each.reason, kept[each.path]) for each in skipped.unreadable]
    said += [notices.emptied(target.at(path), kept[path], whole=not path) for path in skipped.empty if kept[path]]
    said += [notices.became_link(target.at(path), kept[path]) for path in skipped.linked if kept[path]]
    return gone, said


def _by_missing_folder(target: Target, gone: dict[bytes, int]) -> dict[bytes, list[int]]:
    """Ids of the files whose folder is not there, by the topmost folder that is not."""

    @cache
    def topmost_missing(folder: bytes) -> bytes | None:
        if not folder or is_folder(join(target.root, folder)):
            return None
        return topmost_missing(folder.rpartition(b"/")[0]) or folder

    found: dict[bytes, list[int]] = {}
    for path, file_id in gone.items():
        folder = topmost_missing(path.rpartition(b"/")[0])
        if folder is not None:
            found.setdefault(folder, []).append(file_id)
    return found


def _place_above(path: bytes, places: Collection[bytes]) -> bytes | None:
    """The one of these places at or above this path, if any."""
    while path not in places:
        if not path:
            return None
        path = path.rpartition(b"/")[0]
    return path
