"""From what the workers saw to rows: score a batch of faces, then write the whole batch in one short transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from db import erasure, faults, hash_sets, photos, unseen
from db.catalogue import Catalogue
from db.errors import CatalogueError
from db.faces import FaceRecord
from db.photos import FileRecord, KnownPhoto, PhotoRecord, Relooked, Unreadable
from db.provenance import Provenance
from db.values.photo import Outcome
from indexer.listing import Job
from indexer.looking import Crop, Known, Looked, OfHashSet, Seen, Trouble, Unread, Withheld, trouble_of

Logits = NDArray[np.float32]


class Scorer(Protocol):
    """The network, or what stands in for it."""

    def score(self, crops: NDArray[np.uint8]) -> Logits:
        """uint8 RGB [N, 227, 227, 3] to float32 [N, attributes], not calibrated."""
        ...


@dataclass(frozen=True, slots=True)
class Size:
    """When a batch is written: this many faces, files or seconds, whichever comes first. A kill loses one batch.

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
    """Files that were looked at and are not written yet."""

    size: Size
    entries: list[tuple[Job, Seen]] = field(default_factory=list)
    faces: int = 0
    since: float = field(default_factory=time.monotonic)

    def add(self, job: Job, seen: Seen) -> None:
        self.entries.append((job, seen))
        self.faces += len(seen.faces) if isinstance(seen, Looked) else 0

    @property
    def full(self) -> bool:
        """Whether it is time to write."""
        return (
            self.faces >= self.size.faces
            or len(self.entries) >= self.size.files
            or time.monotonic() - self.since >= self.size.seconds
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """A file whose outcome stands in the catalogue. same_content: it was opened, and its content was known already."""

    job: Job
    outcome: Outcome
    reason: str | None
    retry: bool
    same_content: bool


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch. faces: new ones in photos that were new or had failed. relooked: photos that were known
    and looked at again. waiting: files whose content another worker has taken and not brought yet. withheld: those
    whose content was forgotten, of which nothing is stored. recognised: those whose content is of a set of known files,
    with the id of the set."""

    settled: list[Settled]
    faces: int
    relooked: list[Relooked]
    waiting: list[tuple[Job, Seen]]
    withheld: list[Job] = field(default_factory=list)
    recognised: list[tuple[Job, int]] = field(default_factory=list)


def score_each(scorer: Scorer, groups: Sequence[Sequence[Crop]], *, at_once: int) -> list[Logits | Trouble]:
    """float32 [faces, attributes] for each photo's crops, or why there are none; one photo's failure stays its own."""
    together = _score([crop for crops in groups for crop in crops], scorer, at_once)
    answers: Sequence[Logits | Trouble]
    if not isinstance(together, Trouble):
        answers = np.split(together, np.cumsum([len(crops) for crops in groups])[:-1])
    elif len(groups) == 1:
        answers = [together]
    else:
        answers = [_score(crops, scorer, at_once) for crops in groups]
    return [_checked(answer) for answer in answers]


def write(
    catalogue: Catalogue,
    batch: Batch,
    scorer: Callable[[], Scorer],
    *,
    model_id: int,
    now: Provenance,
) -> Written:
    """Score and store a batch. now: the versions that looked at it.

    Raises what `Catalogue.write` raises; then nothing of the batch is stored. What else goes wrong is the failure of
    the one photo that it goes wrong with.
    """
    looked = [seen for _, seen in batch.entries if isinstance(seen, Looked)]
    with_faces = [seen for seen in looked if seen.faces]
    scored: dict[str, Logits | Trouble] = {}
    if with_faces:
        crops = [[face.crop for face in seen.faces] for seen in with_faces]
        answers = score_each(scorer(), crops, at_once=batch.size.faces)
        scored = {seen.sha256: answer for seen, answer in zip(with_faces, answers, strict=True)}
    results = {seen.sha256: _result(seen, scored.get(seen.sha256), now) for seen in looked}
    try:
        with catalogue.write() as session:
            return _store(session, batch, results, model_id)
    except CatalogueError:
        raise
    except Exception:
        return _store_one_by_one(catalogue, batch, results, model_id)


_Results = dict[str, tuple[PhotoRecord, Trouble | None]]  # by SHA-256


def _store_one_by_one(catalogue: Catalogue, batch: Batch, results: _Results, model_id: int) -> Written:
    whole = Written([], 0, [], [])
    for job, seen in batch.entries:
        try:
            with catalogue.write() as session:
                written = _store(session, replace(batch, entries=[(job, seen)]), results, model_id)
        except CatalogueError:
            raise
        except Exception as error:
            failed = Unread(trouble_of(error, "it cannot be stored"))
            with catalogue.write() as session:
                written = _store(session, replace(batch, entries=[(job, failed)]), {}, model_id)
        whole = Written(
            whole.settled + written.settled,
            whole.faces + written.faces,
            whole.relooked + written.relooked,
            whole.waiting + written.waiting,
            whole.withheld + written.withheld,
            whole.recognised + written.recognised,
        )
    return whole


# complexipy: ignore (one transaction, in its order)
def _store(session: Session, batch: Batch, results: _Results, model_id: int) -> Written:
    records = {sha256: record for sha256, (record, _) in results.items()}
    elsewhere = {seen.sha256 for _, seen in batch.entries if isinstance(seen, Known)} - records.keys()
    known = photos.known_photos(session, elsewhere)
    by_root: dict[int, list[FileRecord]] = {}
    answers: list[tuple[Job, Seen, PhotoRecord | KnownPhoto | Unreadable]] = []
    waiting: list[tuple[Job, Seen]] = []
    traced: list[tuple[bytes, Trouble | None]] = []
    withheld: list[Job] = []
    recognised: list[tuple[Job, OfHashSet]] = []
    for job, seen in batch.entries:
        if isinstance(seen, Withheld):
            withheld.append(job)
            continue
        if isinstance(seen, OfHashSet):
            recognised.append((job, seen))
            continue
        content: PhotoRecord | KnownPhoto | Unreadable | None
        if isinstance(seen, Unread):
            content = Unreadable(seen.trouble.reason, seen.trouble.retry)
            traced.append((job.path, seen.trouble))
        else:
            content = records.get(seen.sha256) or known.get(seen.sha256)
            if content is None:
                waiting.append((job, seen))
                continue
            if isinstance(seen, Looked):
                traced.append((job.path, results[seen.sha256][1]))
        answers.append((job, seen, content))
        record = FileRecord(job.file.path, job.file.size, job.file.mtime_ns, content, job.file.ctime_ns)
        by_root.setdefault(job.root_id, []).append(record)
    recorded = photos.record_all(session, by_root, model_id=model_id)
    for root_id, files in by_root.items():
        unseen.looked_at(session, root_id, [file.path for file in files])
    for root_id in {job.root_id for job in withheld}:
        mine = [job.file for job in withheld if job.root_id == root_id]
        erasure.leave_alone(session, root_id, [(file.path, file.size, file.mtime_ns) for file in mine])
        unseen.looked_at(session, root_id, [file.path for file in mine])
    _record_recognised(session, recognised, model_id)
    faults.note(session, [(path, each.reason, each.trace) for path, each in traced if each and each.trace])
    settled = []
    for job, seen, content in answers:
        outcome = Outcome.FAILED if isinstance(content, Unreadable) else content.outcome
        relooked = None if isinstance(seen, Unread) else recorded.relooked.get(seen.sha256)
        retry = content.retry or (relooked is not None and relooked.kept)
        settled.append(Settled(job, outcome, content.reason, retry, isinstance(seen, Known)))
    of_sets = [(job, seen.hash_set_id) for job, seen in recognised]
    return Written(settled, recorded.faces, list(recorded.relooked.values()), waiting, withheld, of_sets)


def _record_recognised(session: Session, files: Sequence[tuple[Job, OfHashSet]], model_id: int) -> None:
    """Store files whose content is of a set of known files; what is known of the content already stays as it is."""
    if not files:
        return
    known = photos.known_photos(session, {seen.sha256 for _, seen in files})
    by_root: dict[int, list[FileRecord]] = {}
    for job, seen in files:
        content = known.get(seen.sha256) or PhotoRecord(
            seen.sha256, seen.size, Outcome.FAILED, hash_sets.NOT_LOOKED_AT, reason=hash_sets.REASON
        )
        record = FileRecord(job.file.path, job.file.size, job.file.mtime_ns, content, job.file.ctime_ns)
        by_root.setdefault(job.root_id, []).append(record)
    photos.record_all(session, by_root, model_id=model_id)
    ids = {sha256: each.id for sha256, each in photos.known_photos(session, {seen.sha256 for _, seen in files}).items()}
    hash_sets.recognise(session, {ids[seen.sha256]: seen.hash_set_id for _, seen in files})
    for root_id, records in by_root.items():
        unseen.looked_at(session, root_id, [each.path for each in records])


def _result(seen: Looked, logits: Logits | Trouble | None, now: Provenance) -> tuple[PhotoRecord, Trouble | None]:
    trouble = seen.trouble or (logits if isinstance(logits, Trouble) else None)
    outcome = Outcome.NO_FACE if trouble is None else Outcome.FAILED
    faces: tuple[FaceRecord, ...] = ()
    if logits is not None and not isinstance(logits, Trouble):
        outcome = Outcome.INDEXED
        faces = tuple(
            FaceRecord(
                box=face.detection.box,
                detection=face.detection.score,
                landmarks=face.detection.landmarks,
                logits=row,
                turned=face.detection.turned,
                page=face.page,
                seconds=face.seconds,
                notice=face.notice,
            )
            for face, row in zip(seen.faces, logits, strict=True)
        )
    record = PhotoRecord(
        sha256=seen.sha256,
        size=seen.size,
        outcome=outcome,
        reason=trouble.reason if trouble else None,
        retry=trouble.retry if trouble else False,
        width=seen.width,
        height=seen.height,
        format=seen.format,
        taken=seen.taken,
        camera=seen.camera,
        provenance=now if seen.width is not None else Provenance(now.decoder),  # nothing was made of the pixels
        faces=faces,
        pages=seen.pages,
        unlooked=seen.unlooked,
        notice=seen.notice,
    )
    return record, trouble


def _checked(answer: Logits | Trouble) -> Logits | Trouble:
    if isinstance(answer, Trouble) or np.isfinite(answer).all():
        return answer
    return Trouble("the network's scores of its faces are no numbers", retry=True)


def _score(crops: Sequence[Crop], scorer: Scorer, at_once: int) -> Logits | Trouble:
    try:
        parts = [scorer.score(np.stack(crops[i : i + at_once])) for i in range(0, len(crops), at_once)]
    except Exception as error:
        return trouble_of(error, "the network fails on its faces")
    return np.concatenate(parts)
