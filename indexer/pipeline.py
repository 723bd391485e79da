"""An index run: its stages one after the other, and the report made of their results.

    walk -> known? -> read -> of a hash set? -> decode -> detect -> crop -> score -> one short transaction a batch

Before all that, what was indexed already and is of a set of known files leaves the results. Then follows what older
runs left: photos that older versions looked at, faces that another network scored.

What was committed is never lost, whatever ends the run: a request to stop stores what is decided, a kill loses one
batch at most, and the next run goes on where this one stopped, since it opens only what the catalogue does not know.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime

from db import erasure, photos
from db.catalogue import Catalogue
from db.crops import CropStore, sweep_crops
from db.errors import CatalogueError
from db.paths import AnyPath, absolute, display
from db.provenance import Group
from db.upkeep import checkpoint
from db.values.photo import Outcome
from db.values.scoring_model import ScoringModel
from facesearch.cores import usable_cores
from facesearch.custody.audit import log
from facesearch.custody.forgetting import finish_pending
from facesearch.custody.policy import permit
from facesearch.vision.decode import Limits
from facesearch.vision.detection import Detector
from facesearch.vision.source import loud_opens
from facesearch.vision.versions import current
from indexer.batches import Size
from indexer.budget import PixelBudget
from indexer.changes import Behind, ChangeCounter
from indexer.claims import Admit, ContentClaims
from indexer.comparing import compare_with_sets
from indexer.discovery import discover, plan_run
from indexer.driver import Pipeline
from indexer.hash_sets import HashSet
from indexer.isolated_decoder import IsolatedDecoder, decoding
from indexer.media import GuardedDecoder, PhotoDecoder, PhotoFiles
from indexer.network import Detectors, Network
from indexer.opening import open_files
from indexer.photo_processor import PhotoProcessor
from indexer.ports import Executor, Scorer
from indexer.publishing import SnapshotPublisher, count_unlisted, gather_notices, serve_model
from indexer.recognition import Recogniser
from indexer.report import GoneFiles, PhotosBehind, Progress, RescoredFaces, RunReport
from indexer.reprocessing import find_behind, reprocess_photos
from indexer.rescoring import rescore_faces
from indexer.run import Run
from indexer.selection import Choice
from indexer.sink import CatalogueSink
from indexer.sweeping import sweep
from indexer.threads import ThreadExecutor
from indexer.worker_processes import WorkerPool

PIXELS_IN_MEMORY = 200_000_000
"""At worst ten bytes a pixel: 2 GB (16-bit and transparent photos: sixteen)."""


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
    new_executor: Callable[[Admit], Executor] | None = None,
) -> RunReport:
    """Bring the catalogue up to date with these folders, or with every folder it knows when none is named.

    model: the checkpoint's row, whose logits the scorer gives. new_scorer is called once, new_detector once a worker
    and stage, and both only when there is something to look at. detector: the name of the detectors that it makes.
    again: which known photos are looked at again: None those that are behind, True all, False none. choice: what is
    taken of the folders from now on. Setting `stop` ends the run in order: what is decided is stored, the report says
    `interrupted`. workers: threads that read and decode (default: one a core). allow_again: photos that were forgotten
    are taken in like new ones, from now on. sets: of known files, whose photos are passed over, also those that were
    indexed before; drop_sets: names of sets that runs went by and that are given up. crops: where small pictures of
    the faces are kept; None keeps none. new_executor: makes whoever processes the files, and has to ask about each
    content (default: threads of this process); then neither new_detector nor workers nor limits have a say in how that
    is done.

    Bad photos and folders stand in the report. Raises NothingToIndex when no folder is named or known, WrongFolder when
    the catalogue lies in a new one, BadPattern, NoSuchSet, HashSetError, PolicyRefusal, CatalogueError (busy,
    read-only, disk full, ...: batches stored before stay), and what the two factories raise.
    """
    permit(catalogue)
    limits = limits or Limits()
    with catalogue.read() as session:
        forgotten = erasure.memory(session, lifting=allow_again)
    run = Run(
        catalogue=catalogue,
        model=model,
        network=Network(new_scorer),
        versions=current(detector, limits.max_pixels),
        again=again,
        choice=choice or Choice(),
        size=batch or Size(),
        workers=workers or usable_cores(),
        forgotten=forgotten,
        recogniser=Recogniser(catalogue, sets),
        stop=stop or threading.Event(),
        progress=progress or _ignore,
    )

    def threads(admit: Admit) -> Executor:
        return _threads(run, admit, new_detector, limits, small=crops is not None)

    named = [absolute(folder) for folder in folders]
    with catalogue.indexing():
        finish_pending(catalogue, seconds=1.0)
        try:
            return _index(run, named, sets, drop_sets, new_executor or threads, crops)
        finally:
            if crops is not None:
                with suppress(CatalogueError, OSError):  # the next run does it
                    sweep_crops(catalogue, crops, datetime.now(UTC))
            with suppress(CatalogueError):  # all that was stored is safe in SQLite's log as well
                checkpoint(catalogue, seconds=1.0)


def _index(
    run: Run,
    folders: Sequence[bytes],
    sets: Sequence[HashSet],
    drop_sets: Sequence[str],
    new_executor: Callable[[Admit], Executor],
    crops: CropStore | None,
) -> RunReport:
    opened_before = loud_opens()
    compared = compare_with_sets(run, sets, drop_sets)
    plan = plan_run(run, folders)
    discovery = discover(run, plan)
    behind = find_behind(run, discovery)
    counter = ChangeCounter(run, discovery, behind)
    claims = ContentClaims(
        lambda sha256: _is_settled(run, behind, sha256), run.forgotten.holds_content, run.recogniser.recognises
    )
    publisher = SnapshotPublisher(run)
    with closing(new_executor(claims.admit)) as executor:
        sink = CatalogueSink(run.catalogue, plan.model_id, run.versions, crops)
        pipeline = Pipeline(run, executor, sink, publisher)
        opened = open_files(run, counter, pipeline)
        gone = GoneFiles() if run.is_stopped else sweep(run, discovery, plan.last_file)
        behind_still = PhotosBehind() if run.is_stopped else reprocess_photos(run, counter, claims, pipeline)
        rescored = (
            RescoredFaces() if run.is_stopped else rescore_faces(run, discovery.out_of_reach, executor, plan.model_id)
        )
    interrupted = run.is_stopped
    notices = gather_notices(run, discovery, opened_before)
    tally = run.tally
    photos_now = (tally.found, tally.outcomes(), opened, tally.changes)
    results = (compared, *photos_now, gone, behind_still, rescored, notices)
    served = serve_model(run, plan, RunReport.of(*results, interrupted=interrupted).counts())
    if not interrupted:
        publisher.publish(thorough=True)
    report = RunReport.of(*results, served, publisher.result, interrupted=run.is_stopped or interrupted)
    report.unlisted = count_unlisted(run, discovery.roots)
    folders_walked = sorted(map(display, discovery.roots))
    report.logged = log(run.catalogue, "index", {"run": plan.run_id, "folders": folders_walked, **report.counts()})
    return report


def _threads(
    run: Run, admit: Admit, new_detector: Callable[[], Detector], limits: Limits, *, small: bool
) -> ThreadExecutor:
    """Today's executor: threads that share a budget of pixels. small: whether small pictures of faces are made."""
    detectors, workers = Detectors(new_detector), WorkerPool(decoding(limits))
    processor = PhotoProcessor(
        PhotoFiles(limits),
        GuardedDecoder(PhotoDecoder(limits), IsolatedDecoder(workers)),
        detectors.take,
        admit=admit,
        budget=PixelBudget(PIXELS_IN_MEMORY),
        small=small,
    )
    return ThreadExecutor(processor, run.workers, prepare=detectors.make_one, close=workers.close)


def _is_settled(run: Run, behind: Behind, sha256: str) -> bool:
    """Whether nothing is to be done about this content."""
    with run.catalogue.read() as session:
        known = photos.known_photos(session, [sha256]).get(sha256)
    # What failed is tried again: its bytes are at hand, which were the dearer half of the look.
    if known is None or known.outcome is Outcome.FAILED:
        return False
    return Group(known.provenance_id, known.outcome) not in behind.wanted


def _ignore(progress: Progress) -> None:
    """No progress is shown."""
