"""What a walk found, compared with what the last run left: new work, unchanged, back again, gone."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cache

from db.paths import display, is_folder, join
from db.photos import KnownFile
from indexer.report import Remark
from indexer.targets import Target
from indexer.walk import Aside, FoundFile, walk


@dataclass(frozen=True, slots=True)
class Job:
    """A file that has to be opened."""

    root_id: int
    root: bytes
    file: FoundFile

    @property
    def path(self) -> bytes:
        """Absolute."""
        return join(self.root, self.file.path)


@dataclass(slots=True)
class Listing:
    """One walk, compared.

    work: files to open. unchanged: those that keep what an earlier run said of them. returned: ids
    of the ones among them that had been missing. gone: ids of files that were there and are not found any more; without
    what lies where nobody could look. passed_over: ids of files that should be there, and that the walk did not come by
    or that this installation cannot read. vanished: those of the gone whose folder is gone as well, by the topmost such
    one. spared: sentences about the places where nobody could look. unusable: why there was no walk at all.
    """

    target: Target
    aside: Aside
    work: list[Job] = field(default_factory=list)
    unchanged: list[tuple[bytes, KnownFile]] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    passed_over: list[int] = field(default_factory=list)
    vanished: dict[bytes, list[int]] = field(default_factory=dict)
    spared: list[Remark] = field(default_factory=list)
    unusable: Remark | None = None


def compare(
    target: Target,
    root_id: int,
    known: dict[bytes, KnownFile],
    *,
    readable: Collection[str],
    found: Callable[[], bool],
) -> Listing:
    """Walk the target and compare it with the files of its root (`known`, by path within the root; used up).

    `found` is called for every photo file; when it answers False the walk is broken off, and nothing counts as gone.
    """
    listing = Listing(target, Aside())
    for file in walk(target.root, listing.aside, readable=readable, within=target.within, leave_out=target.leave_out):
        if not found():
            return listing
        before = known.pop(file.path, None)
        if before is None or _has_to_be_opened(file, before):
            listing.work.append(Job(root_id, target.root, file))
        else:
            listing.unchanged.append((file.path, before))
            if before.missing:
                listing.returned.append(before.id)
    for path in listing.aside.unsupported:  # there, whether or not this installation can read it
        unread = known.pop(path, None)
        listing.passed_over += [] if unread is None else [unread.id]
    absent = {path: each.id for path, each in known.items() if not each.missing and target.holds(path)}
    listing.passed_over += absent.values()
    gone, listing.spared = _spare(target, listing.aside, absent)
    listing.gone = list(gone.values())
    listing.vanished = _by_vanished_folder(target, gone)
    if any(obstacle.path == target.within for obstacle in listing.aside.unreadable):
        listing.unusable, listing.spared = listing.spared[0], listing.spared[1:]
    return listing


def _has_to_be_opened(file: FoundFile, before: KnownFile) -> bool:
    # What was too large to be read has no content: to see whether it still is costs no reading.
    return before.retry or before.photo_id is None or (file.size, file.mtime_ns) != (before.size, before.mtime_ns)


def _spare(target: Target, aside: Aside, absent: dict[bytes, int]) -> tuple[dict[bytes, int], list[Remark]]:
    """Which absent files are gone for sure, and a remark for each place that keeps others from counting as gone."""
    places = {*aside.empty, *aside.linked, *(obstacle.path for obstacle in aside.unreadable)}
    kept = dict.fromkeys(places, 0)
    gone: dict[bytes, int] = {}
    for path, file_id in absent.items():
        place = _place_above(path, places)
        if place is None:
            gone[path] = file_id
        else:
            kept[place] += 1
    remarks = [_unreadable(target, each.path, each.reason, kept[each.path]) for each in aside.unreadable]
    remarks += [_empty(target, path, kept[path]) for path in aside.empty if kept[path]]
    remarks += [_linked(target, path, kept[path]) for path in aside.linked if kept[path]]
    return gone, remarks


def _by_vanished_folder(target: Target, gone: dict[bytes, int]) -> dict[bytes, list[int]]:
    """Ids of the files whose folder is not there, by the topmost folder that is not."""

    @cache
    def vanished(folder: bytes) -> bytes | None:
        if not folder or is_folder(join(target.root, folder)):
            return None
        return vanished(folder.rpartition(b"/")[0]) or folder

    found: dict[bytes, list[int]] = {}
    for path, file_id in gone.items():
        folder = vanished(path.rpartition(b"/")[0])
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


def _unreadable(target: Target, path: bytes, reason: str, kept: int) -> Remark:
    sentence = f"{_name(target, path)} cannot be read ({reason}): check its permissions and whether its drive is there"
    return Remark(_at(target, path), sentence + (f"; {_stay(kept)}." if kept else "."))


def _empty(target: Target, path: bytes, kept: int) -> Remark:
    deliberate = "remove the empty folder" if path else "put any file into it"
    return Remark(
        _at(target, path),
        f"{_name(target, path)} is suddenly empty, as if its drive were not mounted: {_stay(kept)}; if they were "
        f"deleted on purpose, {deliberate} and index again.",
    )


def _linked(target: Target, path: bytes, kept: int) -> Remark:
    return Remark(
        _at(target, path),
        f"{_name(target, path)} has become a link, and links to folders are not followed: {_stay(kept)}; index the "
        f"folder it leads to.",
    )


def _stay(kept: int) -> str:
    return f"the {kept:,} photos known there stay in the results" if kept != 1 else "the photo known there stays"


def _name(target: Target, path: bytes) -> str:
    return display(_at(target, path))


def _at(target: Target, path: bytes) -> bytes:
    return join(target.root, path) if path else target.root
