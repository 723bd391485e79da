"""Files that were processed and are not stored yet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from indexer.items import ProcessedFile, ProcessedPhoto
from indexer.listing import Job


@dataclass(frozen=True, slots=True)
class Size:
    """When a batch is stored: this many faces, files or seconds, whichever comes first. A kill loses one batch.

    marks: how many files are marked as gone or back in one transaction, at most. snapshot: after how many batches a
    long run looks whether the snapshot has been outgrown.
    """

    faces: int = 64
    files: int = 256
    seconds: float = 20.0
    marks: int = 10_000
    snapshot: int = 64


@dataclass(slots=True)
class Batch:
    """What the next transaction stores."""

    size: Size
    entries: list[tuple[Job, ProcessedFile]] = field(default_factory=list)
    faces: int = 0
    since: float = field(default_factory=time.monotonic)

    @classmethod
    def beginning_with(cls, size: Size, entries: Sequence[tuple[Job, ProcessedFile]]) -> Batch:
        batch = cls(size)
        for job, result in entries:
            batch.add(job, result)
        return batch

    def add(self, job: Job, result: ProcessedFile) -> None:
        self.entries.append((job, result))
        self.faces += len(result.faces) if isinstance(result, ProcessedPhoto) else 0

    @property
    def full(self) -> bool:
        """Whether it is time to store it."""
        return (
            self.faces >= self.size.faces
            or len(self.entries) >= self.size.files
            or time.monotonic() - self.since >= self.size.seconds
        )
