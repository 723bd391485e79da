"""How many pixels may be in memory at once, however many workers decode and however large their photos are."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """A share of memory that workers wait for, first come, first served.

    A photo larger than the whole budget is let in alone. Waiting in line keeps a stream of small photos from holding
    up a large one for ever.
    """

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels
        self._used = 0
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def share(self) -> Iterator[Share]:
        """A share that starts empty, is filled with `take`, and is given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self._give(share.pixels)

    def _take(self, pixels: int) -> None:
        place = object()
        with self._changed:
            self._line.append(place)
            self._changed.wait_for(
                lambda: self._line[0] is place and (self._used == 0 or self._used + pixels <= self._pixels)
            )
            self._line.popleft()
            self._used += pixels
            self._changed.notify_all()

    def _give(self, pixels: int) -> None:
        with self._changed:
            self._used -= pixels
            self._changed.notify_all()


class Share:
    """What one worker holds of a `PixelBudget`."""

    def __init__(self, budget: PixelBudget) -> None:
        self._budget = budget
        self.pixels = 0

    def take(self, pixels: int) -> None:
        """Wait until that many pixels fit in. To be called once: a holder that waits for more could wait for ever."""
        self._budget._take(pixels)
        self.pixels += pixels
