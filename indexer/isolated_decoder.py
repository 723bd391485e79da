"""Decoding in worker processes: a decoder that crashes or hangs is the failure of one photo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import TypeVar

import numpy as np

from facesearch.vision.decode import DecodedPhoto, EncodedPhoto, Limits, PhotoError
from indexer import messages
from indexer.messages import Arrays, Head
from indexer.worker_processes import (
    SECONDS,
    WorkerDiedError,
    WorkerPool,
    WorkerProcess,
    WorkerSetup,
    in_three_tries,
)

Result = TypeVar("Result")


def decoding(limits: Limits, seconds: float = SECONDS) -> WorkerSetup:
    """Workers that decode as this process would."""
    return WorkerSetup("decoder", "indexer.worker:photo_decoder", {"limits": asdict(limits)}, seconds)


class UnforeseenInWorkerError(Exception):
    """What a worker raised that nobody foresaw; its traceback is a note of this."""


class IsolatedDecoder:
    """Decodes in other processes: a decoder that crashes or hangs is the failure of one photo."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def open(self, medium: EncodedPhoto, admit: Callable[[int], None], *, unlimited: bool = False) -> IsolatedPhoto:
        """As in `indexer.ports.Decoder`."""
        photo = IsolatedPhoto(self._pool, medium, admit, unlimited)
        photo.open()
        return photo

    def close(self) -> None:
        self._pool.close()


class IsolatedPhoto:
    """A photo that was opened in another process; its pictures come from there one by one."""

    def __init__(self, pool: WorkerPool, medium: EncodedPhoto, admit: Callable[[int], None], unlimited: bool) -> None:
        self._pool = pool
        self._medium = medium
        self._admit = admit
        self._unlimited = unlimited
        self._worker: WorkerProcess | None = None
        self._admitted = False
        self._seconds: float | None = None
        self._position = 0  # pictures that the worker has come past
        self.pages = 1
        self.unlooked = 0

    def open(self) -> None:
        """Raises `PhotoError`."""
        self._as_photo_error(lambda: in_three_tries(self._open))

    def pictures(self) -> Iterator[DecodedPhoto | tuple[int, PhotoError]]:
        """As in `indexer.ports.Pictures`. A worker that dies is replaced, and goes on behind the last picture."""
        shown, page = 0, 0
        while True:
            try:
                head, arrays = self._as_photo_error(partial(in_three_tries, partial(self._next, shown)))
            except PhotoError as error:
                self.unlooked = max(self.unlooked, self.pages - page - 1)
                yield page + 1, error
                return
            if head.get("end"):
                return
            shown += 1
            if "broken" in head:
                page = head["page"]
                yield page, messages.plain_to_error(head["broken"])
            else:
                picture = messages.plain_to_picture(head["picture"], arrays)
                page = picture.page
                del arrays
                yield picture

    def picture(self, page: int) -> DecodedPhoto:
        """As in `indexer.ports.Pictures`."""

        def show() -> tuple[Head, Arrays]:
            return self._ask({"do": "picture", "page": page})

        head, arrays = self._as_photo_error(lambda: in_three_tries(show))
        return messages.plain_to_picture(head["picture"], arrays)

    def close(self) -> None:
        """Let others use the worker."""
        if self._worker is not None:
            self._pool.give_back(self._worker)
            self._worker = None

    def _open(self) -> None:
        if self._worker is None:
            self._worker = self._pool.take()
        asked = {"do": "open", "sha256": self._medium.sha256, "unlimited": self._unlimited}
        self._request(asked, [np.frombuffer(self._medium.data, np.uint8)])
        self._position = 0

    def _next(self, shown: int) -> tuple[Head, Arrays]:
        """The picture behind those that were shown."""
        if self._worker is None:
            self._open()
        while self._position < shown:
            self._request({"do": "next"})
            self._position += 1
        answer = self._request({"do": "next"})
        self._position += 1
        return answer

    def _ask(self, head: Head) -> tuple[Head, Arrays]:
        if self._worker is None:
            self._open()
        return self._request(head)

    def _request(self, head: Head, arrays: Arrays | None = None) -> tuple[Head, Arrays]:
        assert self._worker is not None
        try:
            answer, received = self._worker.request(head, arrays, reply=self._reply, seconds=self._seconds)
        except BaseException:
            self._worker.kill()
            self._worker = None
            raise
        if "error" in answer:
            raise messages.plain_to_error(answer["error"])
        if "unforeseen" in answer:
            error = UnforeseenInWorkerError(answer["unforeseen"])
            error.add_note(answer["trace"])
            raise error
        self.pages, self.unlooked = answer["pages"], answer["unlooked"]
        return answer, received

    def _reply(self, question: Head) -> Head:
        if not self._admitted:  # once, also where another worker opens it anew
            self._admit(question["pixels"])
            self._admitted = True
            self._seconds = self._pool.seconds + question["pixels"] / 1e6
        return {}

    def _as_photo_error(self, work: Callable[[], Result]) -> Result:
        try:
            return work()
        except WorkerDiedError as error:
            raise PhotoError(f"its decoder {error.reason}", retry=error.retry) from error
