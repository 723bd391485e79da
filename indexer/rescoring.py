"""Another checkpoint: every stored face is cut out again at its stored place and scored again.

The former scores serve every search until the last visible face has new ones, so an interrupted or partly offline
catalogue never mixes two networks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from db import faces, faults, photos
from db.catalogue import Catalogue
from db.faces import UnscoredPhoto
from db.paths import display, within
from indexer.batches import Scorer, score_each
from indexer.looking import Crop, Looker, Trouble
from indexer.report import Failure
from indexer.workers import side_by_side

_PAGE = 256


@dataclass(slots=True)
class Rescored:
    """faces: scored. waiting: for each photo that could not be read, a file of it and why."""

    faces: int = 0
    waiting: list[Failure] = field(default_factory=list)


def rescore(
    catalogue: Catalogue,
    model_id: int,
    looker: Looker,
    scorer: Callable[[], Scorer],
    *,
    workers: int,
    at_once: int,
    stop: threading.Event,
    progress: Callable[[Rescored], None],
    absent: Sequence[bytes] = (),
) -> Rescored:
    """Score every face that this model has not scored and whose photo can be read. Ends early once `stop` is set.

    Faces whose photo is marked missing, or lies only in the folders `absent` (absolute paths), which are not there now,
    are left for the day it returns. Raises what `Catalogue.write` raises; what was committed until then stays.
    """
    done = Rescored()
    batch: list[tuple[UnscoredPhoto, list[Crop]]] = []
    unread: list[tuple[UnscoredPhoto, Trouble]] = []

    def write() -> None:
        if batch:
            unread.extend(_write(catalogue, model_id, scorer(), batch, at_once, done))
            batch.clear()
        if unread:
            _note(catalogue, unread, done)
            unread.clear()
        progress(done)

    def cut(photo: UnscoredPhoto) -> list[Crop] | Trouble:
        return _cut(looker, photo)

    unscored = _unscored(catalogue, model_id, absent)
    with closing(side_by_side(cut, unscored, workers=workers, stop=stop)) as results:
        for photo, crops in results:
            if isinstance(crops, Trouble):
                unread.append((photo, crops))
            else:
                batch.append((photo, crops))
            if sum(len(crops) for _, crops in batch) >= at_once or len(unread) >= at_once:
                write()
    write()
    return done


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


def _cut(looker: Looker, photo: UnscoredPhoto) -> list[Crop] | Trouble:
    """From the first of the photo's files that still holds it."""
    answer: list[Crop] | Trouble = Trouble("it has no file", retry=True)
    places = [place for _, place in photo.faces]
    for path in photo.paths:
        answer = looker.cut_again(os.fsencode(path), photo.sha256, places)
        if not isinstance(answer, Trouble):
            break
    return answer


def _write(
    catalogue: Catalogue,
    model_id: int,
    scorer: Scorer,
    batch: list[tuple[UnscoredPhoto, list[Crop]]],
    at_once: int,
    done: Rescored,
) -> list[tuple[UnscoredPhoto, Trouble]]:
    """Score a batch and store it; the photos that could not be scored, and why."""
    answers = score_each(scorer, [crops for _, crops in batch], at_once=at_once)
    ids: list[int] = []
    rows = []
    unscored: list[tuple[UnscoredPhoto, Trouble]] = []
    for (photo, _), answer in zip(batch, answers, strict=True):
        if isinstance(answer, Trouble):
            unscored.append((photo, answer))
        else:
            ids += [face_id for face_id, _ in photo.faces]
            rows.append(answer)
    if rows:
        with catalogue.write() as session:
            faces.record_scores(session, model_id, ids, np.concatenate(rows))
    done.faces += len(ids)
    return unscored


def _note(catalogue: Catalogue, unread: Sequence[tuple[UnscoredPhoto, Trouble]], done: Rescored) -> None:
    """Into the report and the catalogue: the next run opens these files again, whatever their size and time say."""
    with catalogue.write() as session:
        for photo, trouble in unread:
            photos.mark_unreadable(session, photo.photo_id, trouble.reason)
        traced = ((os.fsencode(photo.paths[0]), trouble) for photo, trouble in unread if trouble.trace)
        faults.note(session, [(path, trouble.reason, trouble.trace) for path, trouble in traced])
    for photo, trouble in unread:
        path = os.fsencode(photo.paths[0])
        done.waiting.append(Failure(path, display(path), trouble.reason, retry=True))
