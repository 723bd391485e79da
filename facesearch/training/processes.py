"""Work on many items by one process a core."""

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

from facesearch.cores import usable_cores

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_process_map(
    work: Callable[[Item], Result], items: Iterable[Item], prepare: Callable[..., None], *arguments: Any
) -> Iterator[Result]:
    """`work(item)` for each, in the order of the items. prepare(*arguments) runs once in every process before.

    A bounded number is under way, and no more items are drawn: map() would take them all, and hold every result that
    nobody has taken yet. The processes are spawned: a fork of a process in which OpenCV or torch has started threads
    can hang.
    """
    cores = usable_cores()
    pending: deque[Future[Result]] = deque()
    with ProcessPoolExecutor(
        cores, mp_context=get_context("spawn"), initializer=_begin, initargs=(prepare, *arguments)
    ) as pool:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > 2 * cores:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _begin(prepare: Callable[..., None], *arguments: Any) -> None:
    """A process of our own: odd metadata in a picture that decodes well is no news."""
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    prepare(*arguments)
