"""From processed files to stored ones: gather a batch, score its faces, hand it to the sink."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field

from db import erasure
from indexer.batches import Batch, Size
from indexer.items import ProcessedFile, StoredBatch
from indexer.listing import Job
from indexer.network import Network
from indexer.ports import Executor, Sink
from indexer.publishing import SnapshotPublisher
from indexer.report import Stage
from indexer.run import Run
from indexer.scoring import score_batch


@dataclass(slots=True)
class BatchWriter:
    """Scores and stores what it is given, batch by batch. stored: is told what became of each."""

    network: Network
    sink: Sink
    size: Size
    stored: Callable[[StoredBatch], None]
    batch: Batch = field(init=False)

    def __post_init__(self) -> None:
        self.batch = Batch(self.size)

    def add(self, job: Job, result: ProcessedFile) -> None:
        self.batch.add(job, result)

    def store_if_full(self) -> None:
        if self.batch.full:
            self.store()

    def store(self) -> None:
        """The next batch begins with the files whose content is still on its way. Raises what the sink does."""
        scored = score_batch(self.batch.entries, self.network, at_once=self.size.faces)
        stored = self.sink.store(scored)
        self.stored(stored)
        self.batch = Batch.beginning_with(self.size, stored.waiting)


def drive(
    jobs: Iterable[Job],
    executor: Executor,
    writer: BatchWriter,
    *,
    stop: threading.Event,
    tell: Callable[[Batch], None] = lambda _: None,
) -> None:
    """Process, score and store files, in their order; the batch that is decided when `stop` is set is stored too.

    tell: is called after every file, with what is decided and not stored yet.
    """
    with closing(executor.process(jobs, stop=stop)) as results:
        for job, result in results:
            writer.add(job, result)
            writer.store_if_full()
            tell(writer.batch)
    writer.store()
    tell(writer.batch)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stages between files and catalogue, put together for one run."""

    run: Run
    executor: Executor
    sink: Sink
    publisher: SnapshotPublisher

    def prepare(self) -> Executor:
        """Make network and detector now, so that what keeps them from being made is known before any work. Raises what
        their factories do."""
        if not self.run.network.is_loaded:
            self.run.tell(Stage.LOADING)
        self.run.network.scorer()
        self.executor.prepare()
        return self.executor

    def writer(self, count: Callable[[StoredBatch], None]) -> BatchWriter:
        """count: is told what became of each batch."""
        return BatchWriter(self.run.network, self.sink, self.run.size, lambda stored: self._after(stored, count))

    def _after(self, stored: StoredBatch, count: Callable[[StoredBatch], None]) -> None:
        count(stored)
        recogniser = self.run.recogniser
        for _, hash_set_id in stored.recognised:
            self.run.tally.pass_over(recogniser.kind_of(hash_set_id), known=False)
        if recogniser.has_digests:
            with self.run.catalogue.write() as session:
                recogniser.keep(session)
        lifted = self.run.forgotten.take_lifted()
        if lifted:
            with self.run.catalogue.write() as session:
                erasure.lift(session, lifted)
        self.publisher.after_batch()
