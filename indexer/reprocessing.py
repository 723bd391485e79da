"""Photos that are behind, looked at again through the files that hold them.

Whatever a photo is behind in, it is read once, and takes the way of a new photo: whoever adds a product of its pixels
has nothing to do here. What is met on the way counts as well: a file that holds another content by now is that content.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

from db import provenance
from db.provenance import BehindPhoto, Group, StoredFile
from db.values.photo import Outcome
from facesearch.vision.versions import is_behind, may_replace
from indexer.changes import Behind, ChangeCounter, job_of
from indexer.claims import ContentClaims
from indexer.discovery import Discovery
from indexer.driver import Pipeline
from indexer.items import ProcessedFile, StoredBatch, UnreadableFile
from indexer.listing import Job
from indexer.ports import Processor
from indexer.report import PhotosBehind, Progress, Stage
from indexer.run import Run

Opened = tuple[Job, ProcessedFile]
"""A file that was opened, and what became of it."""


def find_behind(run: Run, discovery: Discovery) -> Behind:
    """Which photos are behind; asked to look at all again, those of the walked folders are from now on."""
    if run.again and discovery.places and not run.is_stopped:
        with run.catalogue.write() as session:
            provenance.ask_again(
                session, discovery.places, lambda each, outcome: may_replace(each, outcome, run.versions)
            )
    with run.catalogue.read() as session:
        outdated = provenance.groups(session, lambda each, outcome: is_behind(each, outcome, run.versions))
    return Behind(outdated, frozenset() if run.again is False else outdated)


def reprocess_photos(run: Run, counter: ChangeCounter, claims: ContentClaims, pipeline: Pipeline) -> PhotosBehind:
    """Look again at the photos of the walked folders that are behind, each in one read, whatever it is behind in."""
    result = PhotosBehind()
    with run.catalogue.read() as session:
        total = provenance.behind_count(session, counter.behind.wanted, counter.discovery.places)
    if total:
        result.gone_meanwhile = _Reprocessing(run, counter, claims, total).reprocess(pipeline)
    if not run.is_stopped:
        with run.catalogue.read() as session:
            result.behind = provenance.behind_count(session, counter.behind.outdated)
    return result


@dataclass(slots=True)
class _Reprocessing:
    """opened: of the current batch: what each file that was opened counted as before."""

    run: Run
    counter: ChangeCounter
    claims: ContentClaims
    total: int
    tried: int = 0
    failed: int = 0
    gained_before: int = field(init=False)
    opened: dict[bytes, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gained_before = self._gained()

    def reprocess(self, pipeline: Pipeline) -> int:
        """How many photos had no file there any more when their turn came."""
        self._tell()
        gone, every_file = 0, bool(self.run.again)
        executor, writer = pipeline.prepare(), pipeline.writer(self._count)

        def look(processor: Processor, photo: BehindPhoto) -> list[Opened]:
            return process_again(processor, photo, every_file=every_file)

        with closing(executor.map(look, self._photos(), stop=self.run.stop)) as results:
            for photo, opened in results:
                self.tried += 1
                gone += not opened
                counted = {job_of(file).path: counted_as(photo, file) for file in photo.files}
                for job, result in opened:
                    self.opened[job.path] = counted[job.path]
                    writer.add(job, result)
                writer.store_if_full()
                self._tell()
        writer.store()
        self._tell()
        return gone

    def _photos(self) -> Iterator[BehindPhoto]:
        """Those that this run has not met before. Files that the walk did not come by wait, so that a photo may be left
        without any."""
        unvisited = self.counter.discovery.unvisited

        def page(group: Group, after: int) -> list[BehindPhoto]:
            with self.run.catalogue.read() as session:
                return provenance.behind(session, group, self.counter.discovery.places, after=after)

        for photo in provenance.all_behind(page, self.counter.behind.wanted):
            if not self.claims.is_claimed(photo.sha256):
                yield replace(photo, files=tuple(file for file in photo.files if file.id not in unvisited))

    def _count(self, stored: StoredBatch) -> None:
        tally = self.run.tally
        self.counter.count(stored, lambda path: path in self.opened or self.counter.is_work(path))
        for job in (*stored.forgotten, *(job for job, _ in stored.recognised)):
            tally.take_back(job.path, self.opened.pop(job.path))
        tally.leave_alone(len(stored.forgotten))
        for each in stored.stored:
            tally.take_back(each.job.path, self.opened.pop(each.job.path))
            tally.count(each.job.path, each.outcome, each.reason, each.retry)
            self.failed += each.outcome is Outcome.FAILED

    def _gained(self) -> int:
        return self.run.tally.changes.gained + self.run.tally.changes.faces

    def _tell(self) -> None:
        gained = self._gained() - self.gained_before
        self.run.progress(Progress(Stage.AGAIN, self.tried, max(self.total, self.tried), 0, gained, self.failed))


def process_again(processor: Processor, photo: BehindPhoto, *, every_file: bool = False) -> list[Opened]:
    """Process the first of the photo's files that can be read and still holds it; all that were opened for that.

    every_file: read the others as well, since they may hold something else by now without showing it.
    A file that is not there waits for the run that finds it, or its drive, there again: it is no failure.
    """
    opened: list[Opened] = []
    for job in map(job_of, photo.files):
        result = processor.process(job.path)
        if isinstance(result, UnreadableFile):
            if os.path.lexists(job.path):  # False where the drive does not answer
                opened.append((job, result))
            continue
        opened.append((job, result))
        if result.sha256 == photo.sha256 and not every_file:
            break
    return opened


def counted_as(photo: BehindPhoto, file: StoredFile) -> Outcome:
    """What the file counted as when the walk found it unchanged."""
    return Outcome.FAILED if file.failing else photo.outcome
