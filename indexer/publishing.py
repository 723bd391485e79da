"""What follows the photos: the model that serves, the snapshot, what is to be said of all."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from db import exhibits, faces, models, photos, runs, snapshot
from db.arrays import Floats
from db.errors import CatalogueError
from db.filesystems import keeps_access_times
from db.paths import display
from db.upkeep import checkpoint
from db.values.scoring_model import ScoringModel
from db.values.told import Notice
from facesearch.vision.source import loud_opens
from indexer.discovery import Discovery, Plan
from indexer.report import FolderNotice, PhotoNotices, PublishedSnapshot, ServedModel, Stage
from indexer.run import Run


class _Stopped(Exception):  # noqa: N818  (never leaves this module)
    """The user asked to stop while the snapshot was built; nothing of it is left."""


@dataclass(slots=True)
class SnapshotPublisher:
    """Builds the snapshot when it is due. Searches work without one, only slower: what keeps it from being built is a
    notice, not a failure."""

    run: Run
    result: PublishedSnapshot = field(default_factory=PublishedSnapshot)
    _batches: int = 0

    def after_batch(self) -> None:
        """In a long run keep snapshot and log near, every `Size.snapshot` batches."""
        self._batches += 1
        if self._batches % self.run.size.snapshot == 0:
            self.publish(thorough=False)
            checkpoint(self.run.catalogue)

    def publish(self, *, thorough: bool) -> None:
        """thorough: at the end of a run, when whatever has changed is reason enough; a request to stop ends it."""
        from facesearch.search.ranking.profiles import encode

        def encode_unless_stopped(logits: Floats, model: ScoringModel) -> Floats:
            if thorough and self.run.is_stopped:
                raise _Stopped
            return encode(logits, model)

        try:
            state = snapshot.state_of(self.run.catalogue, thorough=thorough)
            if snapshot.is_due(state):
                self.run.tell(Stage.SNAPSHOT)
                damaged = state.condition is snapshot.Condition.DAMAGED
                rebuilt = snapshot.rebuild(self.run.catalogue, encode_unless_stopped, anew=damaged)
                self.result.snapshot_rebuilt = self.result.snapshot_rebuilt or rebuilt
        except _Stopped:
            return
        except CatalogueError as error:
            self.result.snapshot_problem = error.with_traceback(None)


def serve_model(run: Run, plan: Plan, counts: Mapping[str, object]) -> ServedModel:
    """Note that the run has ended, and with which counts; let searches use its model if that has scored every visible
    face."""
    with run.catalogue.write() as session:
        served = models.serve_when_complete(session, plan.model_id)
        runs.finish_run(session, plan.run_id, counts)
    with run.catalogue.read() as session:
        serving = models.serving_id(session)
        unsearchable = 0 if serving in (None, plan.model_id) else faces.unsearchable_count(session, serving)
    return ServedModel(serving=served, unsearchable=unsearchable)


def gather_notices(run: Run, discovery: Discovery, loud_opens_before: int) -> PhotoNotices:
    """What is to be said of the walked folders' photos. loud_opens_before: as `loud_opens` was when the run began."""
    result = PhotoNotices()
    result.loud = loud_opens() > loud_opens_before and not all(map(keeps_access_times, discovery.roots))
    with run.catalogue.read() as session:
        for each in photos.remarkable(session, discovery.places):
            result.unlooked += each.unlooked
            result.unlooked_photos += each.unlooked > 0
            if each.notice:
                notice = Notice("photo", {"photo": each.display, "notice": each.notice})
                result.noticed.append(FolderNotice(os.fsencode(each.path), notice))
    return result


def count_unlisted(run: Run, walked: Collection[bytes]) -> dict[str, int]:
    """How many photos of each walked exhibit, by its reference, its manifest does not list; none without such."""
    with run.catalogue.read() as session:
        listed = [each for each in exhibits.exhibits(session) if each.path in walked and each.listed]
        counted = {each.name or display(each.path): exhibits.count_unlisted(session, each.root_id) for each in listed}
    return {name: number for name, number in counted.items() if number}
