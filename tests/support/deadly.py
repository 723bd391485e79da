"""Stand-ins for worker processes: photos whose bytes say what they do to the program that decodes them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from facesearch.vision.decode import EncodedPhoto, Limits
from indexer.claims import Admit
from indexer.media import PhotoDecoder, PhotoFiles
from indexer.photo_processor import PhotoProcessor
from indexer.ports import Budget, Pictures
from tests.support.stand_ins import RedSquares

CRASH, KILL, HANG, FILL, FAULT = b"<crash>", b"<kill>", b"<hang>", b"<fill>", b"<fault>"
"""Behind a photo's own bytes, where decoders do not look."""


class DeadlyDecoder(PhotoDecoder):
    """Does to its own process what a broken decoder would."""

    def open(self, medium: EncodedPhoto, admit: Callable[[int], None], *, unlimited: bool = False) -> Pictures:  # type: ignore[override]
        opened = super().open(medium, admit, unlimited=unlimited)
        if medium.data.endswith(CRASH):
            os.kill(os.getpid(), signal.SIGSEGV)
        if medium.data.endswith(KILL):
            os.kill(os.getpid(), signal.SIGKILL)
        if medium.data.endswith(HANG):
            threading.Event().wait()
        if medium.data.endswith(FILL):
            bytearray(1 << 40).find(1)
        if medium.data.endswith(FAULT):
            raise RuntimeError("nobody foresaw this")
        return opened


def decoder() -> DeadlyDecoder:
    return DeadlyDecoder(Limits())


def processor(admit: Admit, budget: Budget) -> PhotoProcessor[EncodedPhoto]:
    return PhotoProcessor(PhotoFiles(Limits()), decoder(), RedSquares, admit=admit, budget=budget)


def unstartable() -> None:
    raise ImportError("no such decoder")
