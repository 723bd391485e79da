"""Whole files processed in worker processes, in batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from typing import TypeVar

from db.values.box import FacePlace
from indexer import messages
from indexer.claims import Admit
from indexer.errors import NoWorkerProcess
from indexer.failures import FailureReason
from indexer.items import Crop, ProcessedFile, RecognisedContent
from indexer.listing import Job
from indexer.messages import Arrays, Head
from indexer.ports import Budget, PixelShare, Processor
from indexer.remote import (
    Admissions,
    DigestWantedError,
    RemoteContent,
    RemoteProcessor,
    batched,
    crops_in,
    died_of,
    in_halves,
    results_in,
)
from indexer.threads import ordered_thread_map
from indexer.worker_processes import WorkerDiedError, WorkerPool, WorkerSetup, in_three_tries

Item = TypeVar("Item")
Result = TypeVar("Result")


class ProcessExecutor:
    """Processes whole files in other processes, in batches.

    A worker that dies is replaced, and its batch tried again. A batch that ends `KILLS` workers is halved, and so are
    its halves, until it is known which photo does it: that one fails, and says so.
    """

    def __init__(
        self,
        setup: WorkerSetup,
        admit: Admit,
        *,
        budget: Budget,
        workers: int,
        batch: int = 8,
    ) -> None:
        """setup: of processors; admit: as in `PhotoProcessor`; batch: how many files a worker is given at a time."""
        self.pool = WorkerPool(setup)
        self._admit = admit
        self._budget = budget
        self._workers = workers
        self._batch = batch

    def prepare(self) -> None:
        """As in `indexer.ports.Executor`: start the first worker. Raises NoWorkerProcess."""
        try:
            self.pool.give_back(self.pool.take())
        except WorkerDiedError as error:
            raise NoWorkerProcess(
                f"No worker process can be started, since the first one {error.reason}: free memory, or raise the "
                "number of processes that you may run.",
                reason=error.reason,
            ) from error

    def process(
        self, jobs: Iterable[Job], *, stop: threading.Event
    ) -> Generator[tuple[Job, ProcessedFile], None, None]:
        """As in `indexer.ports.Executor`."""
        batches = batched(jobs, self._batch)
        with closing(ordered_thread_map(self._process, batches, workers=self._workers, stop=stop)) as done:
            for batch, results in done:
                for job, result in zip(batch, results, strict=True):
                    yield job, result
                    if stop.is_set():
                        return

    def map(
        self, work: Callable[[Processor, Item], Result], items: Iterable[Item], *, stop: threading.Event
    ) -> Generator[tuple[Item, Result], None, None]:
        """As in `indexer.ports.Executor`."""
        remote = RemoteProcessor(self)
        return ordered_thread_map(lambda item: work(remote, item), items, workers=self._workers, stop=stop)

    def close(self) -> None:
        """As in `indexer.ports.Executor`."""
        self.pool.close()

    def process_paths(self, paths: Sequence[bytes]) -> list[ProcessedFile]:
        """What became of these files (absolute paths), in their order."""
        admissions = Admissions(self._admit)
        return in_halves(
            range(len(paths)),
            lambda some: in_three_tries(lambda: self._ask([paths[place] for place in some], admissions)),
            lambda place, failure: admissions.failed(paths[place], failure),
        )

    def crop_again(self, path: bytes, sha256: str, places: Sequence[FacePlace]) -> list[Crop] | FailureReason:
        """As in `indexer.ports.Processor`."""
        asked = {
            "do": "crop",
            "path": messages.path_to_text(path),
            "sha256": sha256,
            "places": messages.places_to_plain(places),
        }
        try:
            head, arrays = in_three_tries(lambda: self._request(asked, _Replies(Admissions(self._admit), self._budget)))
        except WorkerDiedError as error:
            return died_of(error)
        return crops_in(head, arrays)

    def _process(self, batch: Sequence[Job]) -> list[ProcessedFile]:
        return self.process_paths([job.path for job in batch])

    def _ask(self, paths: list[bytes], admissions: Admissions) -> list[ProcessedFile]:
        asked = {"do": "process", "paths": list(map(messages.path_to_text, paths))}
        with closing(_Replies(admissions, self._budget, paths)) as replies:
            head, arrays = self._request(asked, replies)
        return results_in(head, arrays)

    def _request(self, asked: Head, replies: _Replies) -> tuple[Head, Arrays]:
        with closing(replies), self.pool.worker() as worker:
            return worker.request(asked, reply=replies.reply)


class _Replies:
    """What a worker is told that asks back, in the course of one request."""

    def __init__(self, admissions: Admissions, budget: Budget, paths: Sequence[bytes] = ()) -> None:
        self._admissions = admissions
        self._budget = budget
        self._paths = paths
        self._place = 0
        self._held = ExitStack()
        self._share: PixelShare | None = None

    def reply(self, question: Head) -> Head:
        if question["ask"] == "next":
            self.close()
            self._place = question["place"]
        elif question["ask"] == "content":
            return self._admission(question)
        else:
            self._share = self._share or self._held.enter_context(self._budget.share())
            self._share.take(question["pixels"])
        return {}

    def _admission(self, question: Head) -> Head:
        content = RemoteContent(question["sha256"], question["size"], question["digests"])
        try:
            admission = self._admissions.of(self._paths[self._place], content)
        except DigestWantedError as wanted:
            return {"digest": wanted.algorithm}
        if isinstance(admission, RecognisedContent):
            return {"hash_set_id": admission.hash_set_id}
        return {"admission": str(admission)}

    def close(self) -> None:
        """Give back the memory of the last photo."""
        self._held.close()
        self._share = None
