"""The stage of the new and changed files: open, process, score, store."""

from __future__ import annotations

from indexer.changes import ChangeCounter
from indexer.driver import Pipeline, drive
from indexer.items import StoredBatch
from indexer.report import OpenedFiles, Stage
from indexer.run import Run


def open_files(run: Run, counter: ChangeCounter, pipeline: Pipeline) -> OpenedFiles:
    """Bring the files that the walks found new or changed into the catalogue, in the order of the walks."""
    tally = run.tally

    def count(stored: StoredBatch) -> None:
        counter.count(stored, counter.is_work)
        tally.leave_alone(len(stored.forgotten))
        for each in stored.stored:
            tally.opened.opened += 1
            tally.opened.same_content += each.same_content
            tally.count(each.job.path, each.outcome, each.reason, each.retry)
        held_another = [each.job for each in stored.stored if each.job.photo_id is not None]
        if held_another:
            counter.note_replaced(held_another)

    run.tell(Stage.PHOTOS)
    if any(True for _ in counter.discovery.work) and not run.is_stopped:
        executor, writer = pipeline.prepare(), pipeline.writer(count)
        jobs = counter.discovery.work
        drive(jobs, executor, writer, stop=run.stop, tell=lambda batch: run.tell(Stage.PHOTOS, batch))
    return tally.opened
