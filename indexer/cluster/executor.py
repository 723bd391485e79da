"""An executor whose processors are the workers of a cluster.

This process walks, decides and writes; nodes read, decode, detect and score. Contents are admitted in the order of the
walk, so that a run gives the same numbers to photos and faces as one machine does. A batch that three workers die of is
halved, and so are its halves, until it is known which photo does it: that one fails, and says so.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from db.values.box import FacePlace
from facesearch.cluster.connection import Cluster
from facesearch.errors import Notice
from facesearch.vision.decode import EncodedPhoto, PhotoError
from indexer import messages
from indexer.claims import Admission, Admit
from indexer.cluster.crew import Crew, NodeSetup, Patience, RunEndedError, Worker
from indexer.cluster.paths import PathMap
from indexer.failures import FailureReason, unforeseen
from indexer.items import (
    Crop,
    DuplicateContent,
    ForgottenContent,
    ProcessedFile,
    RecognisedContent,
    UnreadableFile,
)
from indexer.listing import Job
from indexer.messages import Head
from indexer.ports import Processor, Source
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
from indexer.worker_processes import WorkerDiedError, in_three_tries

Item = TypeVar("Item")
Result = TypeVar("Result")

BATCH = 8
"""Files that a worker is given at a time."""
_AHEAD = 2  # batches that a worker has: it never waits for this process
_MOST_THREADS = 512


class RayExecutor:
    """Processes files on the nodes of a cluster, in batches."""

    def __init__(
        self,
        cluster: Cluster,
        setup: NodeSetup,
        admit: Admit,
        *,
        paths: PathMap | None = None,
        ship: Source[EncodedPhoto] | None = None,
        batch: int = BATCH,
        tell: Callable[[Notice], object] = lambda _: None,
        patience: Patience | None = None,
    ) -> None:
        """admit: as in `PhotoProcessor`. paths: where files lie on the nodes. ship: what reads files here, where nodes
        cannot: then their bytes are sent. tell: is told what happens to nodes."""
        self._over = threading.Event()
        self.crew = Crew(cluster, setup, over=self._over, tell=tell, patience=patience or Patience())
        self._admit = admit
        self._paths = paths or PathMap()
        self._ship = ship
        self._batch = batch
        self._numbers = count()
        self._algorithms: set[str] = set()
        self._prepared = False

    def prepare(self) -> None:
        """As in `indexer.ports.Executor`: start the workers. Raises ClusterError."""
        if not self._prepared:
            self.crew.start()
            self._prepared = True

    def speeds(self) -> dict[str, float]:
        """Photos a second, by node."""
        return {name: pace.speed for name, pace in dict(self.crew.paces).items()}

    def process(
        self, jobs: Iterable[Job], *, stop: threading.Event
    ) -> Generator[tuple[Job, ProcessedFile], None, None]:
        """As in `indexer.ports.Executor`. Raises ClusterError where no node is left."""
        turns = _Turns(self._over)

        def work(numbered: tuple[int, list[Job]]) -> list[ProcessedFile]:
            start, batch = numbered
            return self._batch_of([job.path for job in batch], start, turns)

        self.prepare()
        batches = ((number * self._batch, some) for number, some in enumerate(batched(jobs, self._batch)))
        done = ordered_thread_map(work, batches, workers=self._threads(), stop=stop)
        whole = False
        with closing(done):
            try:
                for (_, batch), results in done:
                    for job, result in zip(batch, results, strict=True):
                        yield job, result
                        if stop.is_set():
                            return
                whole = not stop.is_set()
            finally:
                if not whole:  # whoever waits for a turn or an answer waits no more
                    self._over.set()

    def map(
        self, work: Callable[[Processor, Item], Result], items: Iterable[Item], *, stop: threading.Event
    ) -> Generator[tuple[Item, Result], None, None]:
        """As in `indexer.ports.Executor`."""
        self.prepare()
        remote = RemoteProcessor(self)
        return ordered_thread_map(lambda item: work(remote, item), items, workers=self._threads(), stop=stop)

    def close(self) -> None:
        """As in `indexer.ports.Executor`."""
        self._over.set()
        self.crew.close()

    def process_paths(self, paths: Sequence[bytes]) -> list[ProcessedFile]:
        """What became of these files (absolute paths), in their order; apart from those of the run."""
        return self._batch_of(paths, 0, _Turns(self._over))

    def crop_again(self, path: bytes, sha256: str, places: Sequence[FacePlace]) -> list[Crop] | FailureReason:
        """As in `indexer.ports.Processor`."""
        asked = {
            "path": messages.path_to_text(self._paths.there(path)),
            "sha256": sha256,
            "places": messages.places_to_plain(places),
        }
        content = None
        try:
            if self._ship is not None:
                content = self._ship.read(path, unlimited=True).data
            (head, *arrays), _ = in_three_tries(
                lambda: self.crew.ask("crop", json.dumps(asked), content), again_if_hung=True
            )
        except PhotoError as error:
            return FailureReason(error.reason, error.retry)
        except WorkerDiedError as error:
            return died_of(error)
        return crops_in(json.loads(head), arrays)

    def _threads(self) -> int:
        return min(_MOST_THREADS, max(1, self.crew.size()) * _AHEAD)

    def _batch_of(self, paths: Sequence[bytes], start: int, turns: _Turns) -> list[ProcessedFile]:
        """What became of files, the first of which is the `start`th of the run."""
        admissions = Admissions(self._admit)

        def ask(some: range) -> list[ProcessedFile]:
            those = [paths[place] for place in some]
            results = in_three_tries(
                lambda: self._converse(those, start + some.start, admissions, turns), again_if_hung=True
            )
            turns.pass_to(start + some.stop)
            return results

        def failed(place: int, failure: FailureReason) -> ProcessedFile:
            turns.wait_for(start + place)
            result = admissions.failed(paths[place], failure)
            turns.pass_to(start + place + 1)
            return result

        return in_halves(range(len(paths)), ask, failed)

    def _converse(self, paths: list[bytes], start: int, admissions: Admissions, turns: _Turns) -> list[ProcessedFile]:
        """Have a batch read, decide over it, have it processed. Raises WorkerDiedError."""
        batch = _Batch(next(self._numbers), paths, [messages.path_to_text(self._paths.there(path)) for path in paths])
        found = self._shipped(batch) if self._ship is not None else self._read(batch)
        turns.wait_for(start)
        results = self._decide(batch, found, admissions)
        turns.pass_to(start + len(paths))
        wanted = [place for place, result in enumerate(results) if result is None]
        if wanted:
            for place, result in zip(wanted, self._process(batch, wanted, found), strict=True):
                results[place] = result
        elif batch.worker is not None:
            self.crew.drop(batch.worker, batch.number)
        return [result for result in results if result is not None]

    def _read(self, batch: _Batch) -> list[_Found]:
        while True:
            asked = json.dumps({"paths": batch.there, "algorithms": sorted(self._algorithms)})
            answer, batch.worker = self.crew.ask("read", batch.number, asked, first=batch.worker)
            heads = json.loads(answer)
            if not self._is_blind(batch.paths, heads):
                return [_found(head) for head in heads]
            self.crew.set_aside(batch.worker, f"it does not see {batch.there[0]}")
            batch.worker = None

    def _is_blind(self, paths: Sequence[bytes], heads: Sequence[Head]) -> bool:
        """Whether a node sees none of these files, and this machine does."""
        return not any(head.get("there", True) for head in heads) and any(map(os.path.lexists, paths))

    def _shipped(self, batch: _Batch) -> list[_Found]:
        assert self._ship is not None
        found: list[_Found] = []
        for path in batch.paths:
            try:
                photo = self._ship.read(path)
            except PhotoError as error:
                found.append(_Found(failure=FailureReason(error.reason, error.retry)))
            except Exception as error:
                found.append(_Found(failure=unforeseen(error, "it cannot be read")))
            else:
                digests = {name: photo.digest(name).hex() for name in self._algorithms}
                found.append(_Found(RemoteContent(photo.sha256, photo.size, digests), data=photo.data))
        return found

    def _decide(self, batch: _Batch, found: list[_Found], admissions: Admissions) -> list[ProcessedFile | None]:
        """What becomes of the files that are not to be processed; None for the others."""
        while True:
            try:
                return [_decided(path, each, admissions) for path, each in zip(batch.paths, found, strict=True)]
            except DigestWantedError as wanted:
                self._algorithms.add(wanted.algorithm)
                found[:] = self._shipped(batch) if self._ship is not None else self._read(batch)

    def _process(self, batch: _Batch, wanted: Sequence[int], found: Sequence[_Found]) -> list[ProcessedFile]:
        contents = [found[place].content for place in wanted]
        asked = {
            "paths": [batch.there[place] for place in wanted],
            "contents": [content.sha256 for content in contents if content is not None],
        }
        data = [found[place].data for place in wanted] if self._ship is not None else []
        (head, *arrays), worker = self.crew.ask("process", batch.number, json.dumps(asked), data, first=batch.worker)
        self.crew.paces[worker.node.name].add(len(wanted))
        return results_in(json.loads(head), arrays)


@dataclass(slots=True)
class _Batch:
    """number: of this try; paths: absolute, here; there: on the nodes; worker: who has read it."""

    number: int
    paths: list[bytes]
    there: list[str]
    worker: Worker | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What a file holds; or why it could not be read. data: its bytes, where they were read here."""

    content: RemoteContent | None = None
    failure: FailureReason | None = None
    data: bytes = b""


def _found(head: Head) -> _Found:
    if "failure" in head:
        return _Found(failure=messages.plain_to_failure(head["failure"]))
    return _Found(RemoteContent(head["sha256"], head["size"], head["digests"]))


def _decided(path: bytes, found: _Found, admissions: Admissions) -> ProcessedFile | None:
    if found.content is None:
        assert found.failure is not None
        return UnreadableFile(found.failure)
    admission = admissions.of(path, found.content)
    if isinstance(admission, RecognisedContent):
        return admission
    if admission is Admission.FORGOTTEN:
        return ForgottenContent(found.content.sha256)
    return DuplicateContent(found.content.sha256) if admission is Admission.DUPLICATE else None


class _Turns:
    """Lets batches be decided in the order of the walk. over: nobody waits any more."""

    def __init__(self, over: threading.Event) -> None:
        self._over = over
        self._turn = threading.Condition()
        self._next = 0

    def wait_for(self, start: int) -> None:
        """Until everything before the `start`th file is decided. Raises RunEndedError."""
        with self._turn:
            while self._next < start:
                if self._over.is_set():
                    raise RunEndedError
                self._turn.wait(0.2)

    def pass_to(self, following: int) -> None:
        """Everything before this one is decided."""
        with self._turn:
            self._next = max(self._next, following)
            self._turn.notify_all()
