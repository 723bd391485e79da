"""An index run: walk -> known? -> read and decode -> detect -> crop -> score -> one short transaction per batch.

Then what older runs left: dates and cameras that the catalogue did not keep yet, faces that another network scored.

What was committed is never lost, whatever ends the run: Ctrl-C writes what is decided, a kill loses one batch at most,
and the next run goes on where this one stopped, since it opens only what the catalogue does not know.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Sequence
from contextlib import closing

from sqlalchemy.orm import Session

from db import exif, faces, models, photos, roots, runs, snapshot
from db.arrays import Floats
from db.catalogue import Catalogue
from db.chunks import chunks
from db.errors import CatalogueError
from db.models import ScoringModel
from db.paths import AnyPath, absolute, display, is_folder, join
from db.photos import KnownFile
from db.schema import Outcome
from facesearch.cores import usable_cores
from facesearch.decode import Limits, readable_extensions
from facesearch.detection import Detector
from indexer.batches import Batch, Scorer, Size, Written, write
from indexer.budget import PixelBudget
from indexer.errors import NothingToIndex
from indexer.identity import Contents
from indexer.interrupt import stop_on_signal
from indexer.listing import Job, Listing, compare
from indexer.looking import Looker
from indexer.report import Failure, Progress, Remark, RunReport, Stage
from indexer.rescoring import Rescored, rescore
from indexer.shots import read_shots
from indexer.targets import new_roots, targets
from indexer.walk import extension_of
from indexer.workers import side_by_side

_PIXELS_IN_MEMORY = 200_000_000  # at worst ten bytes a pixel: 2 GB (16-bit and transparent photos: sixteen)


def index_folders(
    catalogue: Catalogue,
    folders: Sequence[AnyPath],
    *,
    model: ScoringModel,
    new_scorer: Callable[[], Scorer],
    new_detector: Callable[[], Detector],
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    limits: Limits | None = None,
    batch: Size | None = None,
    workers: int | None = None,
) -> RunReport:
    """Bring the catalogue up to date with these folders, or with every folder it knows when none is named.

    model: the checkpoint's row, whose logits the scorer gives. new_scorer is called once, new_detector once a worker,
    and both only when there is something to look at. Setting `stop` ends the run as Ctrl-C does: what is decided is
    written, the report says `interrupted`. workers: threads that read and decode (default: one a core).

    Bad photos and folders stand in the report. Raises NothingToIndex when no folder is named or known, CatalogueError
    (busy, read-only, disk full, ...: batches written before stay), and what the two factories raise.
    """
    run = _Run(
        catalogue,
        model,
        new_scorer,
        new_detector,
        progress or _ignore,
        stop or threading.Event(),
        limits or Limits(),
        batch or Size(),
        workers or usable_cores(),
    )
    with catalogue.indexing(), stop_on_signal(run.stop):
        return run.index([absolute(folder) for folder in folders])


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
        progress: Callable[[Progress], None],
        stop: threading.Event,
        limits: Limits,
        size: Size,
        workers: int,
    ) -> None:
        self.catalogue = catalogue
        self.model = model
        self.new_scorer = new_scorer
        self.new_detector = new_detector
        self.progress = progress
        self.stop = stop
        self.size = size
        self.workers = workers
        self.report = RunReport()
        self._scorer: Scorer | None = None
        self._limits = limits
        self._done = 0
        self._batches = 0
        self._model_id = 0
        self._walked: list[int] = []  # ids of the roots that were there
        self._out_of_reach: list[bytes] = []  # folders that could not be looked into, or are suddenly empty

    def index(self, folders: list[bytes]) -> RunReport:
        report = self.report
        run_id, listings = self._prepare(folders)
        self._look([job for listing in listings for job in listing.work])
        if not self.stop.is_set():
            self._sweep(listings)
        if not self.stop.is_set():
            self._read_shots()
        if not self.stop.is_set():
            self._rescore()
        report.interrupted = self.stop.is_set()
        with self.catalogue.write() as session:
            report.serving = models.serve_when_complete(session, self._model_id)
            runs.finish_run(session, run_id, _counts(report))
        with self.catalogue.read() as session:
            serving = models.serving_id(session)
            if serving not in (None, self._model_id):
                report.unsearchable = faces.unscored_count(session, serving)
        if not report.interrupted:
            self._rebuild_snapshot(thorough=True)
            report.interrupted = self.stop.is_set()
        return report

    def _prepare(self, folders: list[bytes]) -> tuple[int, list[Listing]]:
        """Register what this run is about, and list its folders."""
        with self.catalogue.read() as session:
            known = {os.fsencode(root.path): root for root in roots.list_roots(session)}
        if not folders and not known:
            raise NothingToIndex("No folder has been indexed yet: name one, as in `facesearch index FOLDER`.")
        usable = []
        for folder in folders or sorted(known):  # outside the transaction: a drive may take its time to answer
            sentence = _why_unusable(folder, known[folder].files if folder in known else None)
            if sentence is None:
                usable.append(folder)
            else:
                self.report.unusable.append(Remark(folder, sentence))
        with self.catalogue.write() as session:
            for folder in new_roots(usable, known):
                roots.add_root(session, folder)
            ids = {os.fsencode(root.path): root.id for root in roots.list_roots(session)}
            walks = targets(usable, ids) if usable else []
            self._model_id = models.register(session, self.model)
            models.serve_when_complete(session, self._model_id)
            run_id = runs.start_run(session, sorted({ids[walk.root] for walk in walks}), self._model_id)
        listings: list[Listing] = []
        readable = readable_extensions()
        for walk in walks:
            if self.stop.is_set():
                break
            # A root that lies within another is walked with it, and its drive may be gone all the same.
            sentence = _why_unusable(walk.root, known[walk.root].files) if walk.root in known else None
            if sentence is not None:
                if walk.root not in {each.path for each in self.report.unusable}:
                    self.report.unusable.append(Remark(walk.root, sentence))
                continue
            with self.catalogue.read() as session:
                files = photos.files_of_root(session, ids[walk.root])
            self._walked.append(ids[walk.root])
            listings.append(compare(walk, ids[walk.root], files, readable=readable, found=self._found))
            self._take_over(listings[-1])
        return run_id, listings

    def _found(self) -> bool:
        self.report.photos += 1
        self._tell(Stage.LISTING)
        return not self.stop.is_set()

    def _take_over(self, listing: Listing) -> None:
        """What the walk alone settles."""
        report = self.report
        root = listing.target.root
        report.unchanged += len(listing.unchanged)
        self._done += len(listing.unchanged)
        for path, before in listing.unchanged:
            self._tally(join(root, path), _outcome(before), before.reason, before.retry)
        report.returned += len(listing.returned)
        report.spared += listing.spared
        if listing.unusable is not None:
            report.unusable.append(listing.unusable)
        places = (*listing.aside.empty, *listing.aside.linked, *(each.path for each in listing.aside.unreadable))
        self._out_of_reach += [join(root, place) if place else root for place in places]
        report.linked += [_link(join(root, path)) for path in listing.aside.linked]
        report.hidden += listing.aside.hidden
        report.others += listing.aside.others
        report.unsupported.update(map(extension_of, listing.aside.unsupported))
        self._mark(photos.mark_present, listing.returned)
        listing.unchanged.clear()  # of a million photos it would be in the way of the work that follows

    def _mark(self, mark: Callable[[Session, Sequence[int]], int], file_ids: list[int]) -> None:
        for some in chunks(file_ids, self.size.marks):
            with self.catalogue.write() as session:
                mark(session, some)

    def _look(self, work: list[Job]) -> None:
        """Read, detect, score and store; the batch that is decided when the run is stopped is stored too."""
        self._tell(Stage.PHOTOS)
        if not work or self.stop.is_set():
            return
        self._get_scorer()
        first = self.new_detector()
        looker = self._new_looker(first)
        batch = Batch(self.size)
        with closing(
            side_by_side(lambda job: looker.look(job.path), work, workers=self.workers, stop=self.stop)
        ) as results:
            for job, seen in results:
                batch.add(job, seen)
                if batch.full:
                    batch = self._write(batch, first.name)
                self._tell(Stage.PHOTOS)
        self._write(batch, first.name)
        self._tell(Stage.PHOTOS)

    def _write(self, batch: Batch, detector: str) -> Batch:
        """Store a batch; the next one, which begins with the files whose content is still on its way."""
        written = write(self.catalogue, batch, self._get_scorer, model_id=self._model_id, detector=detector)
        self._settle(written)
        self._batches += 1
        if self._batches % self.size.snapshot == 0:
            self._rebuild_snapshot(thorough=False)
        following = Batch(self.size)
        for job, seen in written.waiting:
            following.add(job, seen)
        return following

    def _settle(self, written: Written) -> None:
        self.report.faces += written.faces
        for each in written.settled:
            self._done += 1
            self.report.opened += 1
            self.report.same_content += each.same_content
            self._tally(each.job.path, each.outcome, each.reason, each.retry)

    def _tally(self, path: bytes, outcome: Outcome, reason: str | None, retry: bool) -> None:
        report = self.report
        if outcome is Outcome.FAILED:
            report.failed += 1
            report.failures.append(Failure(path, display(path), reason or "unknown", retry))
        elif outcome is Outcome.INDEXED:
            report.indexed += 1
        else:
            report.no_face += 1

    def _sweep(self, listings: list[Listing]) -> None:
        """Mark what is gone: only now, when a moved photo has been met at its new place and keeps its faces."""
        gone = [file_id for listing in listings for file_id in listing.gone]
        self._mark(photos.mark_missing, gone)
        self.report.missing = len(gone)
        with self.catalogue.read() as session:
            self.report.lost = photos.count_lost(session, gone)
        for listing in listings:
            for folder, file_ids in sorted(listing.vanished.items()):
                with self.catalogue.read() as session:
                    lost = photos.count_lost(session, file_ids)
                if lost:
                    self.report.vanished.append(_vanished(join(listing.target.root, folder), lost))

    def _read_shots(self) -> None:
        with self.catalogue.read() as session:
            total = exif.unread_count(session, self._walked)
        if total:
            self.report.shots_read = read_shots(
                self.catalogue,
                self._walked,
                workers=self.workers,
                at_once=self.size.shots,
                stop=self.stop,
                progress=lambda tried: self.progress(Progress(Stage.SHOTS, tried, total, 0, 0, 0)),
            )
        if not self.stop.is_set():
            with self.catalogue.read() as session:
                self.report.shots_unread = exif.unread_count(session)

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
        from facesearch.ranking.similar import encode

        def encode_unless_stopped(logits: Floats, model: ScoringModel) -> Floats:
            if thorough and self.stop.is_set():
                raise _Stopped
            return encode(logits, model)

        try:
            if snapshot.due(self.catalogue, thorough=thorough):
                self._tell(Stage.SNAPSHOT)
                self.report.snapshot_rebuilt |= snapshot.rebuild(self.catalogue, encode_unless_stopped)
        except _Stopped:
            return
        except CatalogueError as error:
            self.report.snapshot_trouble = str(error)

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

        return Looker(Contents(self._is_settled), detector, limits=self._limits, budget=PixelBudget(_PIXELS_IN_MEMORY))

    def _is_settled(self, sha256: str) -> bool:
        with self.catalogue.read() as session:
            known = photos.known_photos(session, [sha256]).get(sha256)
        return known is not None and not known.retry

    def _tell(self, stage: Stage) -> None:
        report = self.report
        self.progress(Progress(stage, self._done, report.photos, report.unchanged, report.faces, report.failed))


def _why_unusable(folder: bytes, known_files: int | None) -> str | None:
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
            f"`facesearch roots --forget {name}`."
        )
    except OSError as error:
        return f"The folder {name} cannot be read ({error.strerror}): check its permissions and its drive."
    if not stat.S_ISDIR(mode):
        parent = display(folder.rpartition(b"/")[0] or b"/")
        return f"{name} is a file, and `index` takes folders: name the folder that holds it, {parent}."
    return None


def _outcome(before: KnownFile) -> Outcome:
    """What an unchanged file counts as: one that could not be read the last time failed, whatever it once held."""
    failed = before.reason is not None or before.outcome is None
    return Outcome.FAILED if failed or before.outcome is None else before.outcome


def _link(path: bytes) -> Remark:
    name = display(path)
    return Remark(path, f"{name} is a link to a folder and was not followed: index the folder it leads to.")


def _vanished(path: bytes, lost: int) -> Remark:
    photos = f"{lost:,} photos" if lost != 1 else "1 photo"
    return Remark(
        path,
        f"The folder {display(path)} is no longer there, and with it {photos} left the results: if it lies on a drive, "
        f"mount it and index again.",
    )


def _counts(report: RunReport) -> dict[str, object]:
    """The numbers of a report, for the `runs` table."""
    numbers = (
        "photos", "unchanged", "opened", "indexed", "no_face", "failed", "same_content", "faces", "missing", "lost",
        "returned", "shots_read", "rescored", "waiting", "interrupted",
    )  # fmt: skip
    return {
        **{name: getattr(report, name) for name in numbers},
        "others": dict(report.others),
        "unsupported": dict(report.unsupported),
        "unusable": len(report.unusable),
    }


def _ignore(progress: Progress) -> None:
    """Nobody wants to know."""
