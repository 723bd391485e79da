"""Work side by side in threads, results in order, never more than a few of them waiting."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Generic, TypeVar

from indexer.items import ProcessedFile
from indexer.listing import Job
from indexer.ports import Processor

Item = TypeVar("Item")
Result = TypeVar("Result")

PREFETCH = 3
"""Items a worker may be ahead of the one whose result is waited for."""


class ThreadExecutor:
    """Processes files in threads of this process: decoders, OpenCV and hashing let go of Python's lock."""

    def __init__(
        self,
        processor: Processor,
        workers: int,
        *,
        prepare: Callable[[], None] = lambda: None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """prepare, close: as in `indexer.ports.Executor`, for what the processor needs."""
        self._processor = processor
        self._workers = workers
        self._prepare = prepare
        self._close = close

    def prepare(self) -> None:
        """As in `indexer.ports.Executor`."""
        self._prepare()

    def close(self) -> None:
        """As in `indexer.ports.Executor`."""
        self._close()

    def process(
        self, jobs: Iterable[Job], *, stop: threading.Event
    ) -> Generator[tuple[Job, ProcessedFile], None, None]:
        """As in `indexer.ports.Executor`."""
        return self.map(lambda processor, job: processor.process(job.path), jobs, stop=stop)

    def map(
        self, work: Callable[[Processor, Item], Result], items: Iterable[Item], *, stop: threading.Event
    ) -> Generator[tuple[Item, Result], None, None]:
        """As in `indexer.ports.Executor`."""
        return ordered_thread_map(lambda item: work(self._processor, item), items, workers=self._workers, stop=stop)


def ordered_thread_map(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    stop: threading.Event,
    patience: float = 5.0,
) -> Generator[tuple[Item, Result], None, None]:
    """Yield each item with its result, in the order of the items; ends early, between two items, once `stop` is set.

    What `work` raises is raised here. Close the generator when leaving it early, so that no thread goes on behind the
    caller's back. After a stop that is waited for no longer than `patience` seconds: a thread that reads from a drive
    that does not answer is left behind, and ends with the process (which is why it is none of concurrent.futures' own
    threads: Python's end waits for those).
    """
    pool = _Threads(work, workers)
    remaining = iter(items)
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    try:
        while True:
            _fill(waiting, remaining, pool, workers * PREFETCH)
            if not waiting:
                return
            item, future = waiting.popleft()
            if not _is_done(future, stop):
                future.cancel()
                return
            yield item, future.result()
    finally:
        for _, future in waiting:
            future.cancel()
        pool.join(patience if stop.is_set() else None)


def _fill(
    waiting: deque[tuple[Item, Future[Result]]], items: Iterator[Item], pool: _Threads[Item, Result], most: int
) -> None:
    for item in items:
        waiting.append((item, pool.submit(item)))
        if len(waiting) >= most:
            return


def _is_done(future: Future[Result], stop: threading.Event) -> bool:
    """Whether the result came before a request to stop. In short waits: that must not hang on a network drive that does
    not answer."""
    while not stop.is_set():
        if wait([future], timeout=0.2).done:
            return not stop.is_set()
    return False


class _Threads(Generic[Item, Result]):
    def __init__(self, work: Callable[[Item], Result], number: int) -> None:
        self._work = work
        self._jobs: SimpleQueue[tuple[Item, Future[Result]] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._serve, name=f"facesearch-photo-{place}", daemon=True)
            for place in range(number)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, item: Item) -> Future[Result]:
        future: Future[Result] = Future()
        self._jobs.put((item, future))
        return future

    def join(self, patience: float | None) -> None:
        """Let every thread end after what it does now; patience: seconds for all of them, None for as long as it
        takes."""
        for _ in self._threads:
            self._jobs.put(None)
        end = None if patience is None else time.monotonic() + patience
        for thread in self._threads:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            item, future = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = self._work(item)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
