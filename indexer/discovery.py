"""The first stages of a run: which folders it is about, and what their walks find."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from sqlalchemy.orm import Session

from db import models, others, photos, roots, runs, unseen
from db.chunks import chunks
from db.others import OtherFile
from db.paths import join
from db.provenance import Place
from db.roots import Selection
from db.values.photo import LeftOut, Outcome
from db.values.told import Notice
from facesearch.vision.decoding.sniff import FileKind, sniff_file
from indexer import notices
from indexer.errors import NothingToIndex
from indexer.listing import Job, Listing, Memory, WalkHooks, compare
from indexer.report import FolderNotice, HiddenFolder, Stage
from indexer.run import Run
from indexer.selection import Chooser, refuse_to_write_into
from indexer.targets import Target, new_roots, targets
from indexer.threads import ordered_thread_map
from indexer.walk import FoundFile

_TOLD = 256  # files found from one word about the progress to the next
_SNIFFERS = 8

Selections = Mapping[bytes, tuple[int, Selection]]
"""Id and selection of each root, by its absolute path."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is about. known: the roots before it, held: those that it goes by. new: roots that it made. last_file:
    id of the newest file that was known before."""

    run_id: int
    model_id: int
    known: Selections
    held: Selections
    new: frozenset[bytes]
    walks: tuple[Target, ...]
    last_file: int


@dataclass(slots=True)
class Discovery:
    """What the walks found. places: the folders that were walked. unvisited: ids of files that should be there and are
    not counted. out_of_reach: absolute paths of folders that could not be looked into, or are suddenly empty."""

    listings: list[Listing] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    unvisited: set[int] = field(default_factory=set)
    out_of_reach: list[bytes] = field(default_factory=list)

    @property
    def work(self) -> Iterator[Job]:
        """The files to open, in the order of the walks."""
        return (job for listing in self.listings for job in listing.work)

    @property
    def roots(self) -> frozenset[bytes]:
        """Absolute paths of the roots that were walked."""
        return frozenset(listing.target.root for listing in self.listings)


def plan_run(run: Run, folders: Sequence[bytes]) -> Plan:
    """Register what this run is about: these folders (absolute paths), or all roots where none is named.

    Raises NothingToIndex, WrongFolder, BadPattern.
    """
    with run.catalogue.read() as session:
        known = roots.selections(session)
    if not folders and not known:
        raise NothingToIndex("No folder has been indexed yet: name one.")
    usable = []
    for folder in folders or sorted(known):  # outside the transaction: a drive may take its time to answer
        notice = _why_unusable(run, folder, known)
        if notice is None:
            usable.append(folder)
        else:
            run.tally.found.unusable.append(FolderNotice(folder, notice))
    added_with = Chooser(Selection(bool(run.choice.everything)))
    new = new_roots(usable, {path: Chooser(selection) for path, (_, selection) in known.items()}, added_with)
    refuse_to_write_into(new, run.catalogue.path)
    with run.catalogue.write() as session:
        for folder in new:
            roots.add_root(session, folder)
        held = roots.selections(session)
        walks = targets(usable, held) if usable else []
        for path in {walk.root for walk in walks}:
            root_id, selection = held[path]
            held[path] = root_id, run.choice.applied(selection, usable, path)
            roots.select_from(session, root_id, held[path][1])
        run.choice.check()
        last_file = photos.last_file(session)
        model_id = models.register(session, run.model)
        models.serve_when_complete(session, model_id)
        run_id = runs.start_run(session, sorted({held[walk.root][0] for walk in walks}), model_id)
    return Plan(run_id, model_id, known, held, frozenset(new), tuple(walks), last_file)


def discover(run: Run, plan: Plan) -> Discovery:
    """Walk the folders, and take over what that alone settles."""
    discovery, met = Discovery(), count()
    for walk in plan.walks:
        if run.is_stopped:
            break
        # A root that lies within another is walked with it, and its drive may be gone all the same.
        notice = _why_unusable(run, walk.root, plan.known) if walk.root in plan.known else None
        if notice is None:
            discovery.listings.append(_list(run, plan, walk, discovery, met))
        elif walk.root not in {each.path for each in run.tally.found.unusable}:
            run.tally.found.unusable.append(FolderNotice(walk.root, notice))
    return discovery


def _list(run: Run, plan: Plan, walk: Target, discovery: Discovery, met: Iterator[int]) -> Listing:
    root_id, selection = plan.held[walk.root]
    place = Place(root_id, walk.within)
    discovery.places.append(place)
    with run.catalogue.write() as session:
        unseen.begin_listing(session, root_id, walk.within)
    with _without_garbage_collection():
        with run.catalogue.read() as session:
            memory = Memory(photos.files_of_root(session, root_id), others.of_root(session, root_id))
        hooks = _Hooks(run, root_id, walk.root, met).hooks()
        listing = compare(walk, root_id, memory, chooser=Chooser(selection), hooks=hooks, again=bool(run.again))
        _count(run, listing, discovery)
        _take_over(run, root_id, listing)
    if not run.is_stopped:
        with run.catalogue.write() as session:
            unseen.end_listing(session, root_id, walk.within, listing.unseen)
        listing.unseen.clear()
    # One that holds another root has photos, if not of its own.
    if walk.root in plan.new and not (run.is_stopped or listing.holds_a_photo or walk.leave_out):
        _drop(run, plan, root_id, listing)
        discovery.places.remove(place)
    return listing


@dataclass(frozen=True, slots=True)
class _Hooks:
    """What the comparison of one root's walk needs done. met: numbers the files that the run comes by."""

    run: Run
    root_id: int
    root: bytes
    met: Iterator[int]

    def hooks(self) -> WalkHooks:
        return WalkHooks(self._found, self._sniff, partial(_remember, self.run, self.root_id), self._is_forgotten)

    def _found(self, photo: bool) -> bool:
        found = self.run.tally.found
        found.photos += photo
        if next(self.met) % _TOLD == 0:
            self.run.tell(Stage.LISTING)
        return not self.run.is_stopped

    def _sniff(self, paths: Sequence[bytes]) -> list[FileKind | OSError]:
        workers = max(self.run.workers, _SNIFFERS)  # they wait for disks and servers
        with closing(ordered_thread_map(_sniffed, paths, workers=workers, stop=self.run.stop)) as results:
            return [kind for _, kind in results]

    def _is_forgotten(self, file: FoundFile) -> bool:
        return self.run.forgotten.holds_file(join(self.root, file.path), file.size, file.mtime_ns)


def _why_unusable(run: Run, folder: bytes, known: Selections) -> Notice | None:
    if folder not in known:
        return notices.why_unusable(folder, None)
    if notices.why_unusable(folder, 0) is None:
        return None
    with run.catalogue.read() as session:
        return notices.why_unusable(folder, roots.count_files(session, known[folder][0]))


def _drop(run: Run, plan: Plan, root_id: int, listing: Listing) -> None:
    """A folder without a photo is a slip of the hand: it is not kept."""
    with run.catalogue.write() as session:
        roots.remove_root(session, root_id)
        runs.take_out_root(session, plan.run_id, root_id)
    if listing.unusable is None:
        skipped = listing.skipped
        hidden = bool(skipped.hidden_folders or skipped.hidden_files)
        notice = notices.not_kept(listing.target.root, hidden=hidden, excluded=bool(skipped.excluded))
        run.tally.found.not_kept.append(notice)


def _count(run: Run, listing: Listing, discovery: Discovery) -> None:
    """Into the tally and the discovery: what the walk found."""
    found, skipped, at = run.tally.found, listing.skipped, listing.target.at
    found.unchanged += len(listing.unchanged)
    _count_unchanged(run, listing)
    found.returned += len(listing.returned)
    found.retained += listing.retained
    if listing.unusable is not None:
        found.unusable.append(listing.unusable)
    found.linked += [notices.linked(at(path)) for path in skipped.linked]
    found.hidden_folders += [HiddenFolder(at(each.path), each.kind) for each in skipped.hidden_folders]
    found.hidden_files += skipped.hidden_files
    found.excluded += skipped.excluded
    found.forgotten += listing.forgotten
    found.online_only += len(skipped.online_only)
    found.others += listing.others + skipped.special
    found.unsupported += listing.unsupported
    found.without_change_times |= skipped.without_change_times
    out_of_reach = (*skipped.empty, *skipped.linked, *(each.path for each in skipped.unreadable))
    discovery.out_of_reach += [at(path) for path in out_of_reach]
    discovery.unvisited.update(listing.unvisited)


def _count_unchanged(run: Run, listing: Listing) -> None:
    sound: dict[str | None, int] = {}
    for path, before in listing.unchanged:
        if before.recognised is not None:
            run.tally.pass_over(LeftOut(before.recognised), known=True)
        elif before.reason is None:
            sound[before.stored_outcome] = sound.get(before.stored_outcome, 0) + 1
        else:
            run.tally.count(listing.target.at(path), Outcome.FAILED, before.reason, bool(before.retry))
    for outcome, number in sound.items():
        run.tally.count_sound(Outcome(outcome or Outcome.FAILED), number)


def _take_over(run: Run, root_id: int, listing: Listing) -> None:
    """Into the catalogue: what the walk alone settles."""
    mark_files(run, photos.mark_present, listing.returned)
    for some in chunks(list(listing.change_times.items()), run.size.marks):
        with run.catalogue.write() as session:
            photos.note_change_times(session, dict(some))
    for files in chunks(listing.others_change_times, run.size.marks):
        _remember(run, root_id, files)
    for paths in chunks(listing.outdated, run.size.marks):
        with run.catalogue.write() as session:
            others.forget(session, root_id, paths)
    if listing.no_photos:
        with run.catalogue.write() as session:
            photos.drop_unread(session, listing.no_photos)
    # Of a million photos they would be in the way of the work that follows.
    listing.unchanged.clear()
    listing.change_times.clear()


def mark_files(run: Run, mark: Callable[[Session, Sequence[int]], int], file_ids: Sequence[int]) -> None:
    """Mark files in transactions of a bounded size."""
    for some in chunks(file_ids, run.size.marks):
        with run.catalogue.write() as session:
            mark(session, some)


def _remember(run: Run, root_id: int, files: Sequence[tuple[bytes, OtherFile]]) -> None:
    if files:
        with run.catalogue.write() as session:
            others.remember(session, root_id, files)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """While millions of tuples are made that are no garbage and hold no circle: it would look at them again and
    again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _sniffed(path: bytes) -> FileKind | OSError:
    try:
        return sniff_file(path)
    except OSError as error:
        return error
    except Exception as error:  # whatever is wrong with it, it is opened as a photo, and fails as one
        return OSError(0, str(error))
