"""Ctrl-C as a request: the run finishes what is decided and stops, instead of stopping in the middle of a write."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType


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

    def request(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (signal's form)
        stop.set()
        for each, handler in caught.items():
            signal.signal(each, handler)
        with suppress(RuntimeError):  # in the middle of a line that is being written
            answer()

    for number in caught:
        signal.signal(number, request)
    try:
        yield
    finally:
        for number, handler in caught.items():
            signal.signal(number, handler)
