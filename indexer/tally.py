"""The numbers that several stages of a run add to, and that its progress is told from."""

from __future__ import annotations

from dataclasses import dataclass, field

from db.paths import display
from db.values.photo import LeftOut, Outcome
from indexer.batches import Batch
from indexer.report import ChangedPhotos, Failure, FileOutcomes, FoundFiles, OpenedFiles, Progress, Stage


@dataclass(slots=True)
class Tally:
    """Files found, files opened, what they are now, and what changed in the catalogue."""

    found: FoundFiles = field(default_factory=FoundFiles)
    opened: OpenedFiles = field(default_factory=OpenedFiles)
    changes: ChangedPhotos = field(default_factory=ChangedPhotos)
    _numbers: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    _failures: dict[bytes, Failure] = field(default_factory=dict)

    def count(self, path: bytes, outcome: Outcome, reason: str | None, retry: bool) -> None:
        """A file, by its absolute path, and what it is now."""
        self._numbers[outcome] += 1
        if outcome is Outcome.FAILED:
            self._failures[path] = Failure(path, display(path), reason or "unknown", retry)

    def count_sound(self, outcome: Outcome, number: int) -> None:
        """That many files that nothing is to be said of."""
        self._numbers[outcome] += number

    def take_back(self, path: bytes, outcome: Outcome) -> None:
        """What `count` was told of the file."""
        self._numbers[outcome] -= 1
        self._failures.pop(path, None)

    def leave_alone(self, number: int) -> None:
        """That many files were found, and turned out to hold what was forgotten."""
        self.found.photos -= number
        self.found.forgotten += number

    def pass_over(self, kind: LeftOut, *, known: bool) -> None:
        """A file was found, and is of a set of known files. known: it was counted as unchanged."""
        self.found.recognised[kind] += 1
        self.found.photos -= 1
        self.found.unchanged -= known

    def outcomes(self) -> FileOutcomes:
        """What the files are now."""
        return FileOutcomes(
            indexed=self._numbers[Outcome.INDEXED],
            no_face=self._numbers[Outcome.NO_FACE],
            failed=self._numbers[Outcome.FAILED],
            failures=[self._failures[path] for path in sorted(self._failures)],
        )

    def progress(self, stage: Stage, batch: Batch | None = None) -> Progress:
        """batch: what is decided and not stored yet."""
        decided, faces = (len(batch.entries), batch.faces) if batch is not None else (0, 0)
        found = self.found
        return Progress(
            stage,
            done=found.unchanged + self.opened.opened + decided,
            total=found.photos,
            unchanged=found.unchanged,
            faces=self.changes.faces + faces,
            failures=self._numbers[Outcome.FAILED],
        )
