"""Work side by side, results in order, never more than a few of them waiting."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 3  # results a worker may be ahead of the one that is waited for


def side_by_side(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int, stop: threading.Event
) -> Generator[tuple[Item, Result], None, None]:
    """Yield each item with its result, in the order of the items; ends early, between two items, once `stop` is set.

    Threads, since decoders, OpenCV and hashing let go of Python's lock. What `work` raises is raised here. Close the
    generator when leaving it early, so that no thread goes on behind the caller's back.
    """
    remaining = iter(items)
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="facesearch-photo") as pool:
        try:
            while True:
                for item in remaining:
                    waiting.append((item, pool.submit(work, item)))
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
