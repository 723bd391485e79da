"""What executors share whose processors are elsewhere, in other processes or on other machines: batches, tries, halves,
and who may process which content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from db.values.box import FacePlace
from indexer import messages
from indexer.claims import Admission, Admit
from indexer.failures import FailureReason
from indexer.items import Crop, ProcessedFile, ProcessedPhoto, RecognisedContent, UnreadableFile
from indexer.listing import Job
from indexer.messages import Arrays, Head
from indexer.worker_processes import WorkerDiedError


class DigestWantedError(Exception):
    """A content cannot be admitted before its digest by this algorithm is known."""

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithm)
        self.algorithm = algorithm


@dataclass(frozen=True, slots=True)
class RemoteContent:
    """A content that a worker has read. digests: hexadecimal, by algorithm, as far as they are known here."""

    sha256: str
    size: int
    digests: dict[str, str]

    def digest(self, algorithm: str) -> bytes:
        """As in `indexer.ports.Medium`. Raises DigestWantedError."""
        if algorithm not in self.digests:
            raise DigestWantedError(algorithm)
        return bytes.fromhex(self.digests[algorithm])


class Admissions:
    """Who may process which content, asked once a file: a batch that is tried again keeps what it was granted."""

    def __init__(self, admit: Admit) -> None:
        self._admit = admit
        self._granted: dict[bytes, tuple[str, int, Admission | RecognisedContent]] = {}

    def of(self, path: bytes, content: RemoteContent) -> Admission | RecognisedContent:
        """Raises DigestWantedError."""
        granted = self._granted.get(path)
        if granted is None or granted[0] != content.sha256:
            granted = self._granted[path] = content.sha256, content.size, self._admit(content)
        return granted[2]

    def failed(self, path: bytes, failure: FailureReason) -> ProcessedFile:
        """The file that ended its workers, with its content where that is known."""
        granted = self._granted.get(path)
        if granted is None or granted[2] is not Admission.PROCESS:
            return UnreadableFile(failure)
        return ProcessedPhoto(granted[0], granted[1], failure=failure)


class Elsewhere(Protocol):
    """Whoever has files processed, and faces cropped, by workers elsewhere."""

    def process_paths(self, paths: Sequence[bytes]) -> list[ProcessedFile]:
        """What became of these files (absolute paths), in their order."""

    def crop_again(self, path: bytes, sha256: str, places: Sequence[FacePlace]) -> list[Crop] | FailureReason:
        """As in `indexer.ports.Processor`."""


class RemoteProcessor:
    """A `Processor` that asks whichever worker is idle, or least busy."""

    def __init__(self, workers: Elsewhere) -> None:
        self._workers = workers

    def process(self, path: bytes) -> ProcessedFile:
        return self._workers.process_paths([path])[0]

    def crop_again(self, path: bytes, sha256: str, places: Sequence[FacePlace]) -> list[Crop] | FailureReason:
        return self._workers.crop_again(path, sha256, places)


def batched(jobs: Iterable[Job], size: int) -> Iterator[list[Job]]:
    remaining = iter(jobs)
    while batch := list(islice(remaining, size)):
        yield batch


def in_halves(
    places: range,
    ask: Callable[[range], list[ProcessedFile]],
    failed: Callable[[int, FailureReason], ProcessedFile],
) -> list[ProcessedFile]:
    """What became of the files at these places of a batch. A batch that ends its workers is halved, and so are its
    halves, until it is known which file does it. ask: has some processed, and raises WorkerDiedError; failed: what
    becomes of the file at a place that is to blame."""
    try:
        return ask(places)
    except WorkerDiedError as error:
        if len(places) == 1:
            return [failed(places[0], died_of(error))]
    middle = len(places) // 2
    return in_halves(places[:middle], ask, failed) + in_halves(places[middle:], ask, failed)


def died_of(error: WorkerDiedError) -> FailureReason:
    """Why a file that ended its workers is not processed."""
    return FailureReason(f"it {error.reason}", error.retry)


def results_in(head: Head, arrays: Arrays) -> list[ProcessedFile]:
    """The results that a worker has sent."""
    rest = iter(arrays)
    return [messages.plain_to_result(each, list(islice(rest, each["holds"]))) for each in head["results"]]


def crops_in(head: Head, arrays: Arrays) -> list[Crop] | FailureReason:
    """The crops that a worker has sent, or why there are none."""
    return messages.plain_to_failure(head["failure"]) or [crop for stacked in arrays for crop in stacked]
