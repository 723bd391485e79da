"""Ctrl-C as a request: the run finishes what is decided and stops, instead of stopping in the middle of a write."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_PATIENCE = 5.0
"""Seconds that the answer may take at most, such as on a terminal that is stopped."""


@contextmanager
def stop_on_signal(stop: threading.Event, answer: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Within, the first SIGINT or SIGTERM sets `stop` and calls `answer`; a second one does what it did before.

    Outside the main thread, where Python delivers no signals, and for a signal that is ignored (nohup) nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    caught = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}

    answering: list[threading.Thread] = []

    def request(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (signal's form)
        stop.set()
        for each, handler in caught.items():
            signal.signal(each, handler)
        # In a thread of its own: this one may be in the middle of a line that it writes.
        answering.append(threading.Thread(target=answer, name="facesearch-answer", daemon=True))
        answering[-1].start()

    for number in caught:
        signal.signal(number, request)
    try:
        yield
    finally:
        for number, handler in caught.items():
            signal.signal(number, handler)
        for thread in answering:
            thread.join(_PATIENCE)
