"""An index run: walk -> known? -> read and decode -> detect -> crop -> score -> one short transaction per batch.

Then what older runs left: photos that older versions looked at, faces that another network scored.

What was committed is never lost, whatever ends the run: Ctrl-C writes what is decided, a kill loses one batch at most,
and the next run goes on where this one stopped, since it opens only what the catalogue does not know.
"""

from __future__ import annotations

import gc
import os
import stat
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial

from sqlalchemy.orm import Session

from db import erasure, exhibits, faces, hash_sets, models, others, photos, provenance, roots, runs, snapshot, unseen
from db.arrays import Floats
from db.catalogue import Catalogue
from db.chunks import chunks
from db.crops import CropStore, sweep_crops
from db.errors import CatalogueError
from db.filesystems import keeps_access_times
from db.others import OtherFile
from db.paths import AnyPath, absolute, display, is_folder, join
from db.photos import Relooked, Remarkable
from db.provenance import BehindPhoto, Group, Place, Provenance
from db.roots import Selection
from db.upkeep import checkpoint
from db.values.photo import LeftOut, Outcome
from db.values.scoring_model import ScoringModel
from db.values.told import Notice
from facesearch.cores import usable_cores
from facesearch.custody.audit import log
from facesearch.custody.forgetting import finish_pending
from facesearch.custody.policy import permit
from facesearch.vision.decode import Limits
from facesearch.vision.decoding.sniff import FileKind, sniff_file
from facesearch.vision.detection import Detector
from facesearch.vision.source import loud_opens
from facesearch.vision.versions import current, is_behind, may_replace
from indexer.again import Opened, counted_as, job_of, look_again, photos_behind
from indexer.batches import Batch, Scorer, Size, Written, write
from indexer.budget import PixelBudget
from indexer.errors import NothingToIndex
from indexer.hash_sets import HashSet
from indexer.identity import Contents
from indexer.listing import Hands, Job, Listing, Memory, compare
from indexer.looking import Looker
from indexer.recognition import Recogniser
from indexer.report import Failure, PassedOver, Progress, Remark, RunReport, Stage, UsedSet
from indexer.rescoring import Rescored, rescore
from indexer.selection import Choice, Chooser, refuse_to_write_into
from indexer.small_pictures import keep_small_pictures
from indexer.targets import new_roots, targets
from indexer.walk import FoundFile
from indexer.workers import side_by_side

_TOLD = 256  # files found from one word about the progress to the next
_SNIFFERS = 8
_PIXELS_IN_MEMORY = 200_000_000  # at worst ten bytes a pixel: 2 GB (16-bit and transparent photos: sixteen)


def index_folders(
    catalogue: Catalogue,
    folders: Sequence[AnyPath],
    *,
    model: ScoringModel,
    new_scorer: Callable[[], Scorer],
    new_detector: Callable[[], Detector],
    detector: str,
    again: bool | None = None,
    choice: Choice | None = None,
    progress: Callable[[Progress], object] | None = None,
    stop: threading.Event | None = None,
    limits: Limits | None = None,
    batch: Size | None = None,
    workers: int | None = None,
    allow_again: bool = False,
    sets: Sequence[HashSet] = (),
    drop_sets: Sequence[str] = (),
    crops: CropStore | None = None,
) -> RunReport:
    """Bring the catalogue up to date with these folders, or with every folder it knows when none is named.

    model: the checkpoint's row, whose logits the scorer gives. new_scorer is called once, new_detector once a worker
    and stage, and both only when there is something to look at. detector: the name of the detectors that it makes.
    again: which known photos are looked at again: None those that are behind, True all, False none. choice: what is
    taken of the folders from now on. Setting `stop` ends
    the run in order: what is decided is written, the report says `interrupted`. workers: threads that read and
    decode (default: one a core). allow_again: photos that were forgotten are taken in like new ones, from now on. sets:
    of known files, whose photos are passed over, also those that were indexed before; drop_sets: names of sets that
    runs went by and that are given up. crops: where small pictures of
    the faces are kept; None keeps none.

    Bad photos and folders stand in the report. Raises NothingToIndex when no folder is named or known, WrongFolder when
    the catalogue lies in a new one, BadPattern, NoSuchSet, HashSetError, PolicyRefusal, CatalogueError
    (busy, read-only, disk full, ...: batches written before stay), and what the two factories raise.
    """
    permit(catalogue)
    limits = limits or Limits()
    run = _Run(
        catalogue,
        model,
        new_scorer,
        new_detector,
        current(detector, limits.max_pixels),
        again,
        choice or Choice(),
        progress or _ignore,
        stop or threading.Event(),
        limits,
        batch or Size(),
        workers or usable_cores(),
        allow_again,
        Recogniser(catalogue, sets),
        drop_sets,
        crops,
    )
    run.report.sets = [UsedSet(each.name, each.kind, each.sha256, each.hashes) for each in sets]
    named = [absolute(folder) for folder in folders]
    with catalogue.indexing():
        finish_pending(catalogue, seconds=1.0)
        try:
            return run.index(named)
        finally:
            if crops is not None:
                with suppress(CatalogueError, OSError):  # the next run does it
                    sweep_crops(catalogue, crops, datetime.now(UTC))
            with suppress(CatalogueError):  # all that was stored is safe in SQLite's log as well
                checkpoint(catalogue, seconds=1.0)


class _Stopped(Exception):  # noqa: N818  (never leaves this module)
    """The user asked to stop while the snapshot was built; nothing of it is left."""


class _Run:
    """One run, from the folders to the report."""

    def __init__(
        self,
        catalogue: Catalogue,
        model: ScoringModel,
        new_scorer: Callable[[], Scorer],
        new_detector: Callable[[], Detector],
        now: Provenance,
        again: bool | None,
        choice: Choice,
        progress: Callable[[Progress], object],
        stop: threading.Event,
        limits: Limits,
        size: Size,
        workers: int,
        allow_again: bool,
        recogniser: Recogniser,
        drop_sets: Sequence[str],
        crops: CropStore | None,
    ) -> None:
        self.catalogue = catalogue
        self.model = model
        self.new_scorer = new_scorer
        self.new_detector = new_detector
        self.now = now
        self.again = again
        self.choice = choice
        self.progress = progress
        self.stop = stop
        self.size = size
        self.workers = workers
        with catalogue.read() as session:
            self._forgotten = erasure.memory(session, lifting=allow_again)
        self._recogniser = recogniser
        self._drop_sets = drop_sets
        self._kinds: dict[int, LeftOut] = {}  # of the sets of known files, by id
        self.report = RunReport()
        self._crops = crops
        self._scorer: Scorer | None = None
        self._limits = limits
        self._done = 0
        self._met = 0
        self._loud_opens = loud_opens()
        self._batches = 0
        self._model_id = 0
        self._last_file = 0  # id of the newest file that was known before this run
        self._contents = Contents(self._is_settled)
        self._failures: dict[bytes, Failure] = {}
        self._places: list[Place] = []  # the folders that were walked
        self._outdated: frozenset[Group] = frozenset()  # what is behind
        self._behind: frozenset[Group] = frozenset()  # what of it this run looks at again
        self._work: list[Job] = []
        self._work_paths: frozenset[bytes] | None = None  # once somebody needs them
        self._passed_over: set[int] = set()  # ids of files that should be there and are not tallied
        self._out_of_reach: list[bytes] = []  # folders that could not be looked into, or are suddenly empty

    def index(self, folders: list[bytes]) -> RunReport:
        report = self.report
        self._compare_with_sets()
        run_id, listings = self._prepare(folders)
        self._work = [job for listing in listings for job in listing.work]
        self._walked = {listing.target.root for listing in listings}
        self._judge()
        self._look()
        if not self.stop.is_set():
            self._sweep(listings)
        if not self.stop.is_set():
            self._look_again()
        if not self.stop.is_set():
            self._rescore()
        report.interrupted = self.stop.is_set()
        report.loud = loud_opens() > self._loud_opens and not all(map(keeps_access_times, self._walked))
        report.failures = [self._failures[path] for path in sorted(self._failures)]
        with self.catalogue.write() as session:
            report.serving = models.serve_when_complete(session, self._model_id)
            runs.finish_run(session, run_id, _counts(report))
        with self.catalogue.read() as session:
            self._tell_remarkable(photos.remarkable(session, self._places))
            serving = models.serving_id(session)
            if serving not in (None, self._model_id):
                report.unsearchable = faces.unsearchable_count(session, serving)
        if not report.interrupted:
            self._rebuild_snapshot(thorough=True)
            report.interrupted = self.stop.is_set()
        with self.catalogue.read() as session:
            walked = [each for each in exhibits.exhibits(session) if each.path in self._walked and each.listed]
            report.unlisted = {
                each.name or display(each.path): number
                for each in walked
                if (number := exhibits.count_unlisted(session, each.root_id))
            }
        folders_walked = sorted(map(display, self._walked))
        report.logged = log(self.catalogue, "index", {"run": run_id, "folders": folders_walked, **_counts(report)})
        return report

    def _compare_with_sets(self) -> None:
        """What was indexed before and is of a set leaves the results before anything else is done."""

        def tell(done: int, total: int) -> None:
            self.progress(Progress(Stage.COMPARING, done, total, 0, 0, 0))

        found = self._recogniser.compare_known(self._drop_sets, workers=self.workers, stop=self.stop, progress=tell)
        report = self.report
        report.hidden_faces, report.shown_faces, report.uncompared = found.faces, found.back, found.unread
        report.sets_not_given = found.not_given
        with self.catalogue.read() as session:
            self._kinds = {each.id: each.kind for each in hash_sets.stored_sets(session)}

    def _tell_remarkable(self, found: Sequence[Remarkable]) -> None:
        for each in found:
            self.report.unlooked += each.unlooked
            self.report.unlooked_photos += each.unlooked > 0
            if each.notice:
                self.report.noticed.append(
                    Remark(os.fsencode(each.path), Notice("photo", {"photo": each.display, "notice": each.notice}))
                )

    # complexipy: ignore (one transaction over all folders)
    def _prepare(self, folders: list[bytes]) -> tuple[int, list[Listing]]:
        """Register what this run is about, and list its folders."""
        with self.catalogue.read() as session:
            known = roots.selections(session)
        if not folders and not known:
            raise NothingToIndex("No folder has been indexed yet: name one.")
        usable = []
        for folder in folders or sorted(known):  # outside the transaction: a drive may take its time to answer
            notice = self._why_unusable(folder, known)
            if notice is None:
                usable.append(folder)
            else:
                self.report.unusable.append(Remark(folder, notice))
        added_with = Chooser(Selection(bool(self.choice.everything)))
        new = new_roots(usable, {path: Chooser(selection) for path, (_, selection) in known.items()}, added_with)
        refuse_to_write_into(new, self.catalogue.path)
        with self.catalogue.write() as session:
            for folder in new:
                roots.add_root(session, folder)
            held = roots.selections(session)
            walks = targets(usable, held) if usable else []
            for path in {walk.root for walk in walks}:
                root_id, selection = held[path]
                held[path] = root_id, self.choice.applied(selection, usable, path)
                roots.select_from(session, root_id, held[path][1])
            self.choice.check()
            self._last_file = photos.last_file(session)
            self._model_id = models.register(session, self.model)
            models.serve_when_complete(session, self._model_id)
            run_id = runs.start_run(session, sorted({held[walk.root][0] for walk in walks}), self._model_id)
        listings: list[Listing] = []
        for walk in walks:
            if self.stop.is_set():
                break
            # A root that lies within another is walked with it, and its drive may be gone all the same.
            notice = self._why_unusable(walk.root, known) if walk.root in known else None
            if notice is not None:
                if walk.root not in {each.path for each in self.report.unusable}:
                    self.report.unusable.append(Remark(walk.root, notice))
                continue
            root_id, selection = held[walk.root]
            self._places.append(Place(root_id, walk.within))
            hands = Hands(
                self._found, self._sniff, partial(self._remember, root_id), partial(self._is_forgotten, walk.root)
            )
            with self.catalogue.write() as session:
                unseen.begin_listing(session, root_id, walk.within)
            with _without_garbage_collection():
                with self.catalogue.read() as session:
                    memory = Memory(photos.files_of_root(session, root_id), others.of_root(session, root_id))
                chooser = Chooser(selection)
                listing = compare(walk, root_id, memory, chooser=chooser, hands=hands, again=bool(self.again))
                self._take_over(root_id, listing)
            if not self.stop.is_set():
                with self.catalogue.write() as session:
                    unseen.end_listing(session, root_id, walk.within, listing.unseen)
                listing.unseen.clear()
            # One that holds another root has photos, if not of its own.
            if walk.root in new and not (self.stop.is_set() or listing.holds_a_photo or walk.leave_out):
                self._drop(run_id, root_id, listing)
            listings.append(listing)
        return run_id, listings

    def _why_unusable(self, folder: bytes, known: Mapping[bytes, tuple[int, Selection]]) -> Notice | None:
        if folder not in known:
            return _why_unusable(folder, None)
        if _why_unusable(folder, 0) is None:
            return None
        with self.catalogue.read() as session:
            return _why_unusable(folder, roots.count_files(session, known[folder][0]))

    def _drop(self, run_id: int, root_id: int, listing: Listing) -> None:
        """A folder without a photo is a slip of the hand: it is not kept."""
        with self.catalogue.write() as session:
            roots.remove_root(session, root_id)
            runs.take_out_root(session, run_id, root_id)
        self._places = [place for place in self._places if place.root_id != root_id]
        if listing.unusable is None:
            self.report.not_kept.append(_not_kept(listing))

    def _found(self, photo: bool) -> bool:
        self.report.photos += photo
        self._met += 1
        if self._met % _TOLD == 1:
            self._tell(Stage.LISTING)
        return not self.stop.is_set()

    def _sniff(self, paths: Sequence[bytes]) -> list[FileKind | OSError]:
        workers = max(self.workers, _SNIFFERS)  # they wait for disks and servers
        with closing(side_by_side(_sniffed, paths, workers=workers, stop=self.stop)) as results:
            return [kind for _, kind in results]

    def _is_forgotten(self, root: bytes, file: FoundFile) -> bool:
        return self._forgotten.holds_file(join(root, file.path), file.size, file.mtime_ns)

    def _remember(self, root_id: int, files: Sequence[tuple[bytes, OtherFile]]) -> None:
        if files:
            with self.catalogue.write() as session:
                others.remember(session, root_id, files)

    def _take_over(self, root_id: int, listing: Listing) -> None:
        """What the walk alone settles."""
        report = self.report
        root = listing.target.root
        aside = listing.aside
        report.unchanged += len(listing.unchanged)
        self._done += len(listing.unchanged)
        sound: dict[str | None, int] = {}
        for path, before in listing.unchanged:
            if before.recognised is not None:
                self._pass_over(LeftOut(before.recognised), known=True)
            elif before.reason is None:
                sound[before.stored_outcome] = sound.get(before.stored_outcome, 0) + 1
            else:
                self._tally(join(root, path), Outcome.FAILED, before.reason, bool(before.retry))
        for outcome, number in sound.items():
            self._count(Outcome(outcome or Outcome.FAILED), number)
        report.returned += len(listing.returned)
        report.spared += listing.spared
        if listing.unusable is not None:
            report.unusable.append(listing.unusable)
        places = (*aside.empty, *aside.linked, *(each.path for each in aside.unreadable))
        self._out_of_reach += [join(root, place) if place else root for place in places]
        report.linked += [_link(join(root, path)) for path in aside.linked]
        report.passed_over += [PassedOver(join(root, each.path), each.kind) for each in aside.passed_over]
        report.hidden += aside.hidden
        report.excluded += aside.excluded
        report.forgotten += listing.forgotten
        report.online_only += len(aside.online_only)
        report.others += listing.others + aside.special
        report.unsupported += listing.unsupported
        report.without_change_times |= aside.without_change_times
        self._passed_over.update(listing.passed_over)
        self._mark(photos.mark_present, listing.returned)
        for some in chunks(list(listing.change_times.items()), self.size.marks):
            with self.catalogue.write() as session:
                photos.note_change_times(session, dict(some))
        for files in chunks(listing.others_change_times, self.size.marks):
            self._remember(root_id, files)
        for paths in chunks(listing.outdated, self.size.marks):
            with self.catalogue.write() as session:
                others.forget(session, root_id, paths)
        if listing.no_photos:
            with self.catalogue.write() as session:
                photos.drop_unread(session, listing.no_photos)
        # Of a million photos they would be in the way of the work that follows.
        listing.unchanged.clear()
        listing.change_times.clear()

    def _pass_over(self, kind: LeftOut, *, known: bool) -> None:
        """Count a file of a set of known files apart; known: it was counted as unchanged."""
        self.report.recognised[kind] += 1
        self.report.photos -= 1
        self.report.unchanged -= known
        self._done -= known

    def _mark(self, mark: Callable[[Session, Sequence[int]], int], file_ids: list[int]) -> None:
        for some in chunks(file_ids, self.size.marks):
            with self.catalogue.write() as session:
                mark(session, some)

    def _judge(self) -> None:
        """See which groups of photos are behind; asked to look at all again, the walked folders' are so from now on."""
        if self.again and self._places and not self.stop.is_set():
            with self.catalogue.write() as session:
                provenance.ask_again(session, self._places, lambda each, outcome: may_replace(each, outcome, self.now))
        with self.catalogue.read() as session:
            self._outdated = provenance.groups(session, lambda each, outcome: is_behind(each, outcome, self.now))
        if self.again is not False:
            self._behind = self._outdated

    def _look(self) -> None:
        """Read, detect, score and store; the batch that is decided when the run is stopped is stored too."""
        self._tell(Stage.PHOTOS)
        if not self._work or self.stop.is_set():
            return
        looker = self._make_ready()
        batch = Batch(self.size)
        with closing(
            side_by_side(lambda job: looker.look(job.path), self._work, workers=self.workers, stop=self.stop)
        ) as results:
            for job, seen in results:
                batch.add(job, seen)
                if batch.full:
                    batch = self._write(batch, self._settle)
                self._tell(Stage.PHOTOS, batch)
        self._write(batch, self._settle)
        self._tell(Stage.PHOTOS)

    def _make_ready(self) -> Looker:
        """Network and detector, made now so that what keeps them from being made is known before any work."""
        if self._scorer is None:
            self._tell(Stage.LOADING)
        self._get_scorer()
        return self._new_looker(self.new_detector())

    def _write(self, batch: Batch, settle: Callable[[Written], None]) -> Batch:
        """Store a batch; the next one, which begins with the files whose content is still on its way."""
        written = write(self.catalogue, batch, self._get_scorer, model_id=self._model_id, now=self.now)
        if self._crops is not None:
            keep_small_pictures(self.catalogue, self._crops, batch)
        settle(written)
        for _, hash_set_id in written.recognised:
            self._pass_over(self._kinds[hash_set_id], known=False)
        if self._recogniser.has_digests:
            with self.catalogue.write() as session:
                self._recogniser.keep(session)
        lifted = self._forgotten.take_lifted()
        if lifted:
            with self.catalogue.write() as session:
                erasure.lift(session, lifted)
        self._batches += 1
        if self._batches % self.size.snapshot == 0:
            self._rebuild_snapshot(thorough=False)
            checkpoint(self.catalogue)
        following = Batch(self.size)
        for job, seen in written.waiting:
            following.add(job, seen)
        return following

    def _settle(self, written: Written) -> None:
        self._note(written, self._is_work)
        self.report.forgotten += len(written.withheld)
        self.report.photos -= len(written.withheld)
        for each in written.settled:
            self._done += 1
            self.report.opened += 1
            self.report.same_content += each.same_content
            self._tally(each.job.path, each.outcome, each.reason, each.retry)
        changed = {each.job.path: each.job for each in written.settled if each.job.photo_id is not None}
        if changed:
            self._note_replaced(changed)

    def _note_replaced(self, jobs: Mapping[bytes, Job]) -> None:
        """Which of these files hold another photo now, and how many faces left the results with the former one."""
        with self.catalogue.read() as session:
            for path, job in jobs.items():
                now = photos.photo_of_file(session, job.root_id, job.file.path)
                if now is not None and now != job.photo_id:
                    self.report.replaced.append((path, faces.count_hidden(session, job.photo_id)))

    def _note(self, written: Written, opened: Callable[[bytes], bool]) -> None:
        """What a batch changed in known photos. opened: whether the file at this path is tallied elsewhere."""
        report = self.report
        report.faces += written.faces
        changed = []
        for each in written.relooked:
            former = each.before.outcome
            report.again += Group(each.before.provenance_id, former) in self._behind
            if former is not Outcome.FAILED:
                report.gained += each.difference.gained
                report.unfound += each.difference.lost
            if each.after is not former and not each.kept:
                report.changed[former, each.after] += 1
            if each.after is not former or each.reason != each.before.reason:
                changed.append(each)
        if changed:
            self._tally_others(changed, opened)

    def _tally_others(self, changed: list[Relooked], opened: Callable[[bytes], bool]) -> None:
        """The other files of photos that have become something else: unchanged, they counted as what it was."""
        with self.catalogue.read() as session:
            files = provenance.files_of(session, [each.before.id for each in changed], self._places)
        for each in changed:
            walked = (file for file in files[each.before.id] if file.id not in self._passed_over)
            for path in {job_of(file).path for file in walked}:
                if not opened(path):
                    self._take_back(path, each.before.outcome)
                    self._tally(path, each.after, each.reason, each.retry)

    def _is_work(self, path: bytes) -> bool:
        if self._work_paths is None:
            self._work_paths = frozenset(job.path for job in self._work)
        return path in self._work_paths

    def _tally(self, path: bytes, outcome: Outcome, reason: str | None, retry: bool) -> None:
        self._count(outcome, 1)
        if outcome is Outcome.FAILED:
            self._failures[path] = Failure(path, display(path), reason or "unknown", retry)

    def _take_back(self, path: bytes, outcome: Outcome) -> None:
        """What `_tally` said of the file."""
        self._count(outcome, -1)
        self._failures.pop(path, None)

    def _count(self, outcome: Outcome, number: int) -> None:
        if outcome is Outcome.FAILED:
            self.report.failed += number
        elif outcome is Outcome.INDEXED:
            self.report.indexed += number
        else:
            self.report.no_face += number

    def _sweep(self, listings: list[Listing]) -> None:
        """Mark what is gone: only now, when a moved photo has been met at its new place and keeps its faces."""
        gone = [file_id for listing in listings for file_id in listing.gone]
        self._mark(photos.mark_missing, gone)
        self.report.missing = len(gone)
        with self.catalogue.read() as session:
            self.report.renamed, self.report.renames = photos.renamed(session, gone, self._last_file)
        with self.catalogue.read() as session:
            self.report.lost = photos.count_lost(session, gone)
        for why in LeftOut:
            passed_by = [file_id for listing in listings for file_id in listing.left_out.get(why, ())]
            self._mark(partial(photos.mark_left_out, why=why), passed_by)
            self.report.left_out[why] = len(passed_by)
        for listing in listings:
            for folder, file_ids in sorted(listing.vanished.items()):
                with self.catalogue.read() as session:
                    lost = photos.count_lost(session, file_ids)
                if lost:
                    self.report.vanished.append(_vanished(join(listing.target.root, folder), lost))

    def _look_again(self) -> None:
        """The photos of the walked folders that are behind, each in one read, whatever it is behind in."""
        with self.catalogue.read() as session:
            total = provenance.behind_count(session, self._behind, self._places)
        if total:
            self._look_again_at(total)
        if not self.stop.is_set():
            with self.catalogue.read() as session:
                self.report.behind = provenance.behind_count(session, self._outdated)

    def _look_again_at(self, total: int) -> None:
        report = self.report
        tried = failed = 0
        gained_before = report.gained + report.faces
        opened: dict[bytes, Outcome] = {}  # of the current batch: what each opened file counted as

        def tell() -> None:
            gained = report.gained + report.faces - gained_before
            self.progress(Progress(Stage.AGAIN, tried, max(total, tried), 0, gained, failed))

        def settle(written: Written) -> None:
            nonlocal failed
            self._note(written, lambda path: path in opened or self._is_work(path))
            for job, _ in written.recognised:
                self._take_back(job.path, opened.pop(job.path))
            for job in written.withheld:
                self._take_back(job.path, opened.pop(job.path))
                report.photos -= 1
                report.forgotten += 1
            for each in written.settled:
                self._take_back(each.job.path, opened.pop(each.job.path))
                self._tally(each.job.path, each.outcome, each.reason, each.retry)
                failed += each.outcome is Outcome.FAILED

        tell()
        looker = self._make_ready()
        batch = Batch(self.size)
        behind = photos_behind(self.catalogue, self._behind, self._places, self._contents, self._passed_over)

        def look(photo: BehindPhoto) -> list[Opened]:
            return look_again(looker, photo, every_file=bool(self.again))

        with closing(side_by_side(look, behind, workers=self.workers, stop=self.stop)) as results:
            for photo, seen in results:
                tried += 1
                report.gone_meanwhile += not seen
                counted = {job_of(file).path: counted_as(photo, file) for file in photo.files}
                for job, answer in seen:
                    opened[job.path] = counted[job.path]
                    batch.add(job, answer)
                if batch.full:
                    batch = self._write(batch, settle)
                tell()
        self._write(batch, settle)
        tell()

    def _rescore(self) -> None:
        with self.catalogue.read() as session:
            total = faces.unscored_count(session, self._model_id)
            known = [os.fsencode(root.path) for root in roots.list_roots(session)]
        if not total:
            return

        def tell(done: Rescored) -> None:
            self.progress(Progress(Stage.RESCORING, done.faces, total, 0, done.faces, len(done.waiting)))

        tell(Rescored())
        done = rescore(
            self.catalogue,
            self._model_id,
            self._new_looker(None),
            self._get_scorer,
            workers=self.workers,
            at_once=self.size.faces,
            stop=self.stop,
            progress=tell,
            absent=[*self._out_of_reach, *(folder for folder in known if not is_folder(folder))],
        )
        self.report.rescored = done.faces
        self.report.waiting_photos = done.waiting
        if not self.stop.is_set():
            with self.catalogue.read() as session:
                self.report.waiting = faces.unscored_count(session, self._model_id)

    def _rebuild_snapshot(self, *, thorough: bool) -> None:
        """Searches work without a snapshot, only slower: what keeps it from being built is a remark, not a failure."""
        from facesearch.search.ranking.similar import encode

        def encode_unless_stopped(logits: Floats, model: ScoringModel) -> Floats:
            if thorough and self.stop.is_set():
                raise _Stopped
            return encode(logits, model)

        try:
            state = snapshot.state_of(self.catalogue, thorough=thorough)
            if snapshot.is_due(state):
                self._tell(Stage.SNAPSHOT)
                damaged = state.condition is snapshot.Condition.DAMAGED
                self.report.snapshot_rebuilt |= snapshot.rebuild(self.catalogue, encode_unless_stopped, anew=damaged)
        except _Stopped:
            return
        except CatalogueError as error:
            self.report.snapshot_trouble = error.with_traceback(None)

    def _get_scorer(self) -> Scorer:
        if self._scorer is None:
            self._scorer = self.new_scorer()
        return self._scorer

    def _new_looker(self, first: Detector | None) -> Looker:
        spare = [] if first is None else [first]

        def detector() -> Detector:
            # list.pop is atomic: one worker gets the detector that was made to see whether it can be made.
            try:
                return spare.pop()
            except IndexError:
                return self.new_detector()

        return Looker(
            self._contents,
            detector,
            limits=self._limits,
            budget=PixelBudget(_PIXELS_IN_MEMORY),
            is_forgotten=self._forgotten.holds_content,
            recognises=self._recogniser.recognises,
            small=self._crops is not None,
        )

    def _is_settled(self, sha256: str) -> bool:
        with self.catalogue.read() as session:
            known = photos.known_photos(session, [sha256]).get(sha256)
        # What failed is tried again: its bytes are at hand, which were the dearer half of the look.
        if known is None or known.outcome is Outcome.FAILED:
            return False
        return Group(known.provenance_id, known.outcome) not in self._behind

    def _tell(self, stage: Stage, batch: Batch | None = None) -> None:
        """batch: what is decided and not stored yet."""
        report = self.report
        done, faces = (len(batch.entries), batch.faces) if batch is not None else (0, 0)
        self.progress(
            Progress(stage, self._done + done, report.photos, report.unchanged, report.faces + faces, report.failed)
        )


def _why_unusable(folder: bytes, known_files: int | None) -> Notice | None:
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


def _not_kept(listing: Listing) -> Remark:
    root, aside = listing.target.root, listing.aside
    hidden, excluded = bool(aside.passed_over or aside.hidden), bool(aside.excluded)
    return Remark(root, Notice("no photo", {"folder": display(root), "hidden": hidden, "excluded": excluded}))


def _link(path: bytes) -> Remark:
    return Remark(path, Notice("link", {"folder": display(path)}))


def _vanished(path: bytes, lost: int) -> Remark:
    return Remark(path, Notice("vanished", {"folder": display(path), "photos": lost}))


def _counts(report: RunReport) -> dict[str, object]:
    """The numbers of a report, for the `runs` table."""
    numbers = (
        "photos", "unchanged", "opened", "indexed", "no_face", "failed", "same_content", "faces", "missing", "lost",
        "returned", "renamed", "excluded", "online_only", "unlooked", "again", "gained", "unfound", "behind",
        "rescored", "waiting", "interrupted",
    )  # fmt: skip
    return {
        **{name: getattr(report, name) for name in numbers},
        "others": dict(report.others),
        "unsupported": dict(report.unsupported),
        "recognised": {kind.value: number for kind, number in report.recognised.items()},
        "sets": [{**each._asdict(), "kind": each.kind.value} for each in report.sets],
        "left_out": {why.value: number for why, number in report.left_out.items()},
        "unusable": len(report.unusable),
        "replaced": len(report.replaced),
    }


def _ignore(progress: Progress) -> None:
    """Nobody wants to know."""
