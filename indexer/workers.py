"""Work side by side, results in order, never more than a few of them waiting."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_Jobs = SimpleQueue[tuple[Item, Future[Result]] | None]

_AHEAD = 3  # results a worker may be ahead of the one that is waited for


def side_by_side(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    stop: threading.Event,
    patience: float = 5.0,
) -> Generator[tuple[Item, Result], None, None]:
    """Yield each item with its result, in the order of the items; ends early, between two items, once `stop` is set.

    Threads, since decoders, OpenCV and hashing let go of Python's lock. What `work` raises is raised here. Close the
    generator when leaving it early, so that no thread goes on behind the caller's back. After a stop that is waited for
    no longer than `patience` seconds: a thread that reads from a drive that does not answer is left behind, and ends
    with the process (which is why it is none of concurrent.futures' own threads: Python's end waits for those).
    """
    jobs: _Jobs[Item, Result] = SimpleQueue()
    threads = [
        threading.Thread(target=_serve, args=(work, jobs), name=f"facesearch-photo-{number}", daemon=True)
        for number in range(workers)
    ]
    for thread in threads:
        thread.start()
    remaining = iter(items)
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    try:
        while True:
            for item in remaining:
                future: Future[Result] = Future()
                waiting.append((item, future))
                jobs.put((item, future))
                if len(waiting) >= workers * _AHEAD:
                    break
            if not waiting:
                return
            item, future = waiting.popleft()
            # In short waits: a request to stop must not hang on a network drive that does not answer.
            while not stop.is_set() and not wait([future], timeout=0.2).done:
                pass
            if stop.is_set():
                future.cancel()
                return
            yield item, future.result()
    finally:
        for _, future in waiting:
            future.cancel()
        for _ in threads:
            jobs.put(None)
        end = time.monotonic() + patience
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()) if stop.is_set() else None)


def _serve(work: Callable[[Item], Result], jobs: _Jobs[Item, Result]) -> None:
    while (job := jobs.get()) is not None:
        item, future = job
        if not future.set_running_or_notify_cancel():
            continue
        try:
            result = work(item)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
