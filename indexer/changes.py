"""What a stored batch changed in photos that were known, and what their files count as now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from db import faces, photos, provenance
from db.photos import Relooked
from db.provenance import Group, StoredFile
from db.values.photo import Outcome
from indexer.discovery import Discovery
from indexer.items import StoredBatch
from indexer.listing import Job
from indexer.run import Run
from indexer.walk import FoundFile


@dataclass(frozen=True)
class Behind:
    """Groups of photos that older versions looked at. outdated: all that are behind; wanted: those that this run looks
    at again."""

    outdated: frozenset[Group]
    wanted: frozenset[Group]


@dataclass
class ChangeCounter:
    """Counts what batches change, for a run that found these files."""

    run: Run
    discovery: Discovery
    behind: Behind

    def count(self, stored: StoredBatch, is_counted: Callable[[bytes], bool]) -> None:
        """is_counted: whether the file at this absolute path is counted elsewhere."""
        changes = self.run.tally.changes
        changes.faces += stored.faces
        changed = []
        for each in stored.relooked:
            former = each.before.outcome
            changes.again += Group(each.before.provenance_id, former) in self.behind.wanted
            if former is not Outcome.FAILED:
                changes.gained += each.difference.gained
                changes.unfound += each.difference.lost
            if each.after is not former and not each.kept:
                changes.changed[former, each.after] += 1
            if each.after is not former or each.reason != each.before.reason:
                changed.append(each)
        if changed:
            self._count_other_files(changed, is_counted)

    def _count_other_files(self, changed: Sequence[Relooked], is_counted: Callable[[bytes], bool]) -> None:
        """The other files of photos that have become something else: unchanged, they counted as what it was."""
        with self.run.catalogue.read() as session:
            files = provenance.files_of(session, [each.before.id for each in changed], self.discovery.places)
        for each in changed:
            walked = (file for file in files[each.before.id] if file.id not in self.discovery.unvisited)
            for path in {job_of(file).path for file in walked}:
                if not is_counted(path):
                    self.run.tally.take_back(path, each.before.outcome)
                    self.run.tally.count(path, each.after, each.reason, each.retry)

    def is_work(self, path: bytes) -> bool:
        """Whether the file at this absolute path was to be opened."""
        return path in self._work

    @cached_property
    def _work(self) -> frozenset[bytes]:  # seldom needed
        return frozenset(job.path for job in self.discovery.work)

    def note_replaced(self, jobs: Sequence[Job]) -> None:
        """Which of these files hold another photo now, and how many faces left the results with the former one."""
        with self.run.catalogue.read() as session:
            for job in jobs:
                now = photos.photo_of_file(session, job.root_id, job.file.path)
                if now is not None and now != job.photo_id:
                    self.run.tally.opened.replaced.append((job.path, faces.count_hidden(session, job.photo_id)))


def job_of(file: StoredFile) -> Job:
    """The file as work to do, with the size and times it is known by: if they are not its own any more, the next walk
    sees it."""
    return Job(file.root_id, file.root, FoundFile(file.path, file.size, file.mtime_ns, file.ctime_ns))
