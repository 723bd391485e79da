"""The stages of an index run as ports: source -> decode -> detect -> crop -> score -> sink, and who runs them.

Each is a small protocol. Photo files come through `indexer.media`, threads run the stages (`indexer.threads`), and the
catalogue takes what they make (`indexer.sink`); whatever keeps these promises may stand in for any of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box, FacePlace
from facesearch.vision.decode import DecodedPhoto, PhotoError
from facesearch.vision.detection import Detector
from indexer.failures import FailureReason
from indexer.items import Crop, Logits, ProcessedFile, ScoredFile, StoredBatch

if TYPE_CHECKING:  # what worker processes need not load
    from indexer.listing import Job

__all__ = [
    "Budget",
    "Cropper",
    "Decoder",
    "Detector",
    "Executor",
    "Medium",
    "Pictures",
    "Processor",
    "Scorer",
    "Sink",
    "Source",
]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Medium(Protocol):
    """A file's content before it is decoded. sha256: lower-case hex; size: bytes."""

    @property
    def sha256(self) -> str: ...
    @property
    def size(self) -> int: ...

    def digest(self, algorithm: str) -> bytes:
        """Of the whole content, by an algorithm as hashlib names it."""
        ...


AnyMedium = TypeVar("AnyMedium", bound=Medium)
MediumIn = TypeVar("MediumIn", bound=Medium, contravariant=True)
MediumOut = TypeVar("MediumOut", bound=Medium, covariant=True)


class Source(Protocol[MediumOut]):
    """Where contents come from."""

    def read(self, path: bytes, *, unlimited: bool = False) -> MediumOut:
        """The content of the file at this absolute path. unlimited: it has kept within somebody's limits before. Raises
        `PhotoError`."""
        ...


class Pictures(Protocol):
    """An opened medium: its pictures, one after the other."""

    @property
    def pages(self) -> int:
        """How many it holds."""
        ...

    @property
    def unlooked(self) -> int:
        """How many of them nobody looks at, once `pictures` has come to its end."""
        ...

    def pictures(self) -> Iterator[DecodedPhoto | tuple[int, PhotoError]]:
        """Every picture that is to be looked at, with its page and, where it moves, its seconds; of one that cannot be
        shown its page, and why."""
        ...

    def picture(self, page: int) -> DecodedPhoto:
        """One picture, from 1. Raises `PhotoError`."""
        ...

    def close(self) -> None:
        """Nobody asks for more."""
        ...


class PixelShare(Protocol):
    """What one worker holds of a budget."""

    def take(self, pixels: int) -> None:
        """Wait until there is memory for so many pixels. To be called once."""
        ...


class Budget(Protocol):
    """How many pixels may be in memory at once."""

    def share(self) -> AbstractContextManager[PixelShare]:
        """A share that starts empty, and is given back at the end."""
        ...


class Decoder(Protocol[MediumIn]):
    """From a content to pixels."""

    def open(self, medium: MediumIn, admit: Callable[[int], None], *, unlimited: bool = False) -> Pictures:
        """admit: called once, with the pixels of the largest picture, before anything is decoded; whoever decodes
        waits there for memory. unlimited: as in `Source.read`. Raises `PhotoError`."""
        ...


class Cropper(Protocol):
    """From a face's place to the network's input."""

    def __call__(self, photo: DecodedPhoto, box: Box, turned: int = 0) -> Crop:
        """uint8 RGB [227, 227, 3]."""
        ...


class Scorer(Protocol):
    """The network, or what stands in for it."""

    def score(self, crops: NDArray[np.uint8]) -> Logits:
        """uint8 RGB [N, 227, 227, 3] to float32 [N, attributes], not calibrated."""
        ...


class Sink(Protocol):
    """Where scored files go: a batch in one transaction."""

    def store(self, batch: Sequence[tuple[Job, ScoredFile]]) -> StoredBatch:
        """All of it or, where this raises, nothing."""
        ...


class Processor(Protocol):
    """All stages between a file and the crops of its faces. May be called from several threads."""

    def process(self, path: bytes) -> ProcessedFile:
        """Read, decode, detect and crop the file at this absolute path. Raises nothing that the file is to blame
        for."""
        ...

    def crop_again(self, path: bytes, sha256: str, places: Sequence[FacePlace]) -> list[Crop] | FailureReason:
        """Crops of known faces of the photo of this content, if the file still holds it."""
        ...


class Executor(Protocol):
    """Who does the work, side by side, on a few items at a time."""

    def prepare(self) -> None:
        """Make ready what may keep the work from being done, and raise it now."""
        ...

    def process(
        self, jobs: Iterable[Job], *, stop: threading.Event
    ) -> Generator[tuple[Job, ProcessedFile], None, None]:
        """Process files; each with what became of it, in their order. Ends early once `stop` is set; close the
        generator when leaving it early."""
        ...

    def map(
        self, work: Callable[[Processor, Item], Result], items: Iterable[Item], *, stop: threading.Event
    ) -> Generator[tuple[Item, Result], None, None]:
        """Likewise of other work for a processor, several threads of this process at a time."""
        ...

    def close(self) -> None:
        """End what was started for the work."""
        ...
