"""Another checkpoint: every stored face is cut out again at its stored place and scored again.

The former scores serve every search until the last visible face has new ones, so an interrupted or partly offline
catalogue never mixes two networks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from db import faces, faults, photos, roots
from db.catalogue import Catalogue
from db.faces import UnscoredPhoto
from db.paths import display, is_folder, within
from indexer.failures import FailureReason
from indexer.items import Crop
from indexer.ports import Executor, Processor
from indexer.report import Failure, Progress, RescoredFaces, Stage
from indexer.run import Run
from indexer.scoring import score_each

_PAGE = 256


@dataclass(slots=True)
class Rescored:
    """faces: scored. waiting: for each photo that could not be read, a file of it and why."""

    faces: int = 0
    waiting: list[Failure] = field(default_factory=list)


def rescore_faces(run: Run, out_of_reach: Sequence[bytes], executor: Executor, model_id: int) -> RescoredFaces:
    """Score every face that this model has not scored and whose photo can be read. Ends early on a request to stop.

    Faces whose photo is marked missing, or lies only in the folders `out_of_reach` (absolute paths) or in roots that
    are not there now, are left for the day it returns. Raises what `Catalogue.write` raises; what was committed until
    then stays.
    """
    with run.catalogue.read() as session:
        total = faces.unscored_count(session, model_id)
        known = [os.fsencode(root.path) for root in roots.list_roots(session)]
    if not total:
        return RescoredFaces()
    absent = [*out_of_reach, *(folder for folder in known if not is_folder(folder))]
    done = _Rescoring(run, model_id, total).rescore(executor, _unscored(run.catalogue, model_id, absent))
    result = RescoredFaces(rescored=done.faces, waiting_photos=done.waiting)
    if not run.is_stopped:
        with run.catalogue.read() as session:
            result.waiting = faces.unscored_count(session, model_id)
    return result


@dataclass(slots=True)
class _Rescoring:
    """batch: photos with the crops of their faces; unread: those that could not be read, and why."""

    run: Run
    model_id: int
    total: int
    done: Rescored = field(default_factory=Rescored)
    batch: list[tuple[UnscoredPhoto, list[Crop]]] = field(default_factory=list)
    unread: list[tuple[UnscoredPhoto, FailureReason]] = field(default_factory=list)

    def rescore(self, executor: Executor, photos: Iterator[UnscoredPhoto]) -> Rescored:
        self._tell()
        at_once = self.run.size.faces
        with closing(executor.map(_crop, photos, stop=self.run.stop)) as results:
            for photo, crops in results:
                if isinstance(crops, FailureReason):
                    self.unread.append((photo, crops))
                else:
                    self.batch.append((photo, crops))
                if sum(len(crops) for _, crops in self.batch) >= at_once or len(self.unread) >= at_once:
                    self._store()
        self._store()
        return self.done

    def _store(self) -> None:
        if self.batch:
            self._score()
            self.batch.clear()
        if self.unread:
            self._note_unread()
            self.unread.clear()
        self._tell()

    def _score(self) -> None:
        """Score the batch and store it; photos that could not be scored are as those that could not be read."""
        scorer = self.run.network.scorer()
        answers = score_each(scorer, [crops for _, crops in self.batch], at_once=self.run.size.faces)
        ids: list[int] = []
        rows = []
        for (photo, _), answer in zip(self.batch, answers, strict=True):
            if isinstance(answer, FailureReason):
                self.unread.append((photo, answer))
            else:
                ids += [face_id for face_id, _ in photo.faces]
                rows.append(answer)
        if rows:
            with self.run.catalogue.write() as session:
                faces.record_scores(session, self.model_id, ids, np.concatenate(rows))
        self.done.faces += len(ids)

    def _note_unread(self) -> None:
        """Into the report and the catalogue: the next run opens these files again, whatever their size and time say."""
        with self.run.catalogue.write() as session:
            for photo, failure in self.unread:
                photos.mark_unreadable(session, photo.photo_id, failure.reason)
            traced = ((os.fsencode(photo.paths[0]), failure) for photo, failure in self.unread if failure.trace)
            faults.note(session, [(path, failure.reason, failure.trace) for path, failure in traced])
        for photo, failure in self.unread:
            path = os.fsencode(photo.paths[0])
            self.done.waiting.append(Failure(path, display(path), failure.reason, retry=True))

    def _tell(self) -> None:
        done = self.done
        self.run.progress(Progress(Stage.RESCORING, done.faces, self.total, 0, done.faces, len(done.waiting)))


def _unscored(catalogue: Catalogue, model_id: int, absent: Sequence[bytes]) -> Iterator[UnscoredPhoto]:
    """With the paths that may be read."""

    def may_be_read(path: Path) -> bool:
        return all(within(folder, os.fsencode(path)) is None for folder in absent)

    after = 0
    while True:
        with catalogue.read() as session:
            page = faces.unscored(session, model_id, after=after, limit=_PAGE)
        if not page:
            return
        found = (replace(photo, paths=tuple(filter(may_be_read, photo.paths))) for photo in page)
        yield from (photo for photo in found if photo.paths)
        after = page[-1].photo_id


def _crop(processor: Processor, photo: UnscoredPhoto) -> list[Crop] | FailureReason:
    """From the first of the photo's files that still holds it."""
    answer: list[Crop] | FailureReason = FailureReason("it has no file", retry=True)
    places = [place for _, place in photo.faces]
    for path in photo.paths:
        answer = processor.crop_again(os.fsencode(path), photo.sha256, places)
        if not isinstance(answer, FailureReason):
            break
    return answer
