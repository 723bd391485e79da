"""The catalogue as sink of an index run: a batch of scored files in one short transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from db import erasure, faults, hash_sets, photos, unseen
from db.catalogue import Catalogue
from db.crops import CropStore
from db.errors import CatalogueError
from db.faces import FaceRecord
from db.photos import FileRecord, KnownPhoto, PhotoRecord, Recorded, Unreadable
from db.provenance import Provenance
from db.values.photo import Outcome
from indexer.failures import unforeseen
from indexer.items import (
    DuplicateContent,
    ForgottenContent,
    RecognisedContent,
    ScoredFile,
    ScoredPhoto,
    StoredBatch,
    StoredOutcome,
    UnreadableFile,
)
from indexer.listing import Job
from indexer.small_pictures import keep_small_pictures


class CatalogueSink:
    """Stores batches of scored files."""

    def __init__(
        self, catalogue: Catalogue, model_id: int, versions: Provenance, crops: CropStore | None = None
    ) -> None:
        """model_id: of the model that scores; versions: those that the photos were processed with; crops: where small
        pictures of the faces are kept, if they are."""
        self._crops = crops
        self._catalogue = catalogue
        self._model_id = model_id
        self._versions = versions

    def store(self, batch: Sequence[tuple[Job, ScoredFile]]) -> StoredBatch:
        """As in `indexer.ports.Sink`. Raises what `Catalogue.write` raises; what else goes wrong is the failure of the
        one photo that it goes wrong with."""
        stored = self._store(batch)
        if self._crops is not None:
            keep_small_pictures(
                self._catalogue, self._crops, [each.photo for _, each in batch if isinstance(each, ScoredPhoto)]
            )
        return stored

    def _store(self, batch: Sequence[tuple[Job, ScoredFile]]) -> StoredBatch:
        photos_of = {each.photo.sha256: each for _, each in batch if isinstance(each, ScoredPhoto)}
        records = {sha256: _record(each, self._versions) for sha256, each in photos_of.items()}
        try:
            with self._catalogue.write() as session:
                return _store(session, batch, records, self._model_id)
        except CatalogueError:
            raise
        except Exception:
            return self._store_one_by_one(batch, records)

    def _store_one_by_one(
        self, batch: Sequence[tuple[Job, ScoredFile]], records: dict[str, PhotoRecord]
    ) -> StoredBatch:
        whole = StoredBatch()
        for job, result in batch:
            try:
                with self._catalogue.write() as session:
                    stored = _store(session, [(job, result)], records, self._model_id)
            except CatalogueError:
                raise
            except Exception as error:
                failed = UnreadableFile(unforeseen(error, "it cannot be stored"))
                with self._catalogue.write() as session:
                    stored = _store(session, [(job, failed)], {}, self._model_id)
            whole = StoredBatch(
                whole.stored + stored.stored,
                whole.faces + stored.faces,
                whole.relooked + stored.relooked,
                whole.waiting + stored.waiting,
                whole.forgotten + stored.forgotten,
                whole.recognised + stored.recognised,
            )
        return whole


_Answer = tuple[Job, ScoredFile, PhotoRecord | KnownPhoto | Unreadable]
"""A file, what became of it, and what it holds."""


def _store(
    session: Session, batch: Sequence[tuple[Job, ScoredFile]], records: dict[str, PhotoRecord], model_id: int
) -> StoredBatch:
    answers, waiting = _contents(session, batch, records)
    by_root: dict[int, list[FileRecord]] = {}
    for job, _, content in answers:
        record = FileRecord(job.file.path, job.file.size, job.file.mtime_ns, content, job.file.ctime_ns)
        by_root.setdefault(job.root_id, []).append(record)
    recorded = photos.record_all(session, by_root, model_id=model_id)
    for root_id, files in by_root.items():
        unseen.looked_at(session, root_id, [file.path for file in files])
    forgotten = [job for job, result in batch if isinstance(result, ForgottenContent)]
    _leave_alone(session, forgotten)
    recognised = [(job, result) for job, result in batch if isinstance(result, RecognisedContent)]
    _record_recognised(session, recognised, model_id)
    _note_faults(session, batch)
    stored = [_outcome(answer, recorded) for answer in answers]
    of_sets = [(job, result.hash_set_id) for job, result in recognised]
    return StoredBatch(stored, recorded.faces, list(recorded.relooked.values()), waiting, forgotten, of_sets)


def _contents(
    session: Session, batch: Sequence[tuple[Job, ScoredFile]], records: dict[str, PhotoRecord]
) -> tuple[list[_Answer], list[tuple[Job, DuplicateContent]]]:
    """What each file holds; and those whose content is not known yet."""
    elsewhere = {each.sha256 for _, each in batch if isinstance(each, DuplicateContent)} - records.keys()
    known = photos.known_photos(session, elsewhere)
    answers: list[_Answer] = []
    waiting: list[tuple[Job, DuplicateContent]] = []
    for job, result in batch:
        if isinstance(result, UnreadableFile):
            answers.append((job, result, Unreadable(result.failure.reason, result.failure.retry)))
        elif isinstance(result, ScoredPhoto):
            answers.append((job, result, records[result.photo.sha256]))
        elif isinstance(result, DuplicateContent):
            same = records.get(result.sha256) or known.get(result.sha256)
            if same is None:
                waiting.append((job, result))
            else:
                answers.append((job, result, same))
    return answers, waiting


def _outcome(answer: _Answer, recorded: Recorded) -> StoredOutcome:
    job, result, content = answer
    outcome = Outcome.FAILED if isinstance(content, Unreadable) else content.outcome
    relooked = recorded.relooked.get(_sha256_of(result) or "")
    retry = content.retry or (relooked is not None and relooked.kept)
    return StoredOutcome(job, outcome, content.reason, retry, isinstance(result, DuplicateContent))


def _leave_alone(session: Session, jobs: Sequence[Job]) -> None:
    for root_id in {job.root_id for job in jobs}:
        files = [job.file for job in jobs if job.root_id == root_id]
        erasure.leave_alone(session, root_id, [(file.path, file.size, file.mtime_ns) for file in files])
        unseen.looked_at(session, root_id, [file.path for file in files])


def _record_recognised(session: Session, files: Sequence[tuple[Job, RecognisedContent]], model_id: int) -> None:
    """Store files whose content is of a set of known files; what is known of the content already stays as it is."""
    if not files:
        return
    known = photos.known_photos(session, {result.sha256 for _, result in files})
    by_root: dict[int, list[FileRecord]] = {}
    for job, result in files:
        content = known.get(result.sha256) or PhotoRecord(
            result.sha256, result.size, Outcome.FAILED, hash_sets.NOT_LOOKED_AT, reason=hash_sets.REASON
        )
        record = FileRecord(job.file.path, job.file.size, job.file.mtime_ns, content, job.file.ctime_ns)
        by_root.setdefault(job.root_id, []).append(record)
    photos.record_all(session, by_root, model_id=model_id)
    now_known = photos.known_photos(session, {result.sha256 for _, result in files})
    hash_sets.recognise(session, {now_known[result.sha256].id: result.hash_set_id for _, result in files})
    for root_id, records in by_root.items():
        unseen.looked_at(session, root_id, [each.path for each in records])


def _note_faults(session: Session, batch: Sequence[tuple[Job, ScoredFile]]) -> None:
    failures = [(job.path, each.failure) for job, each in batch if isinstance(each, ScoredPhoto | UnreadableFile)]
    faults.note(session, [(path, each.reason, each.trace) for path, each in failures if each and each.trace])


def _sha256_of(result: ScoredFile) -> str | None:
    if isinstance(result, ScoredPhoto):
        return result.photo.sha256
    return result.sha256 if isinstance(result, DuplicateContent) else None


def _record(scored: ScoredPhoto, versions: Provenance) -> PhotoRecord:
    photo, failure = scored.photo, scored.failure
    outcome = Outcome.FAILED if failure else Outcome.NO_FACE if scored.logits is None else Outcome.INDEXED
    return PhotoRecord(
        sha256=photo.sha256,
        size=photo.size,
        outcome=outcome,
        provenance=versions if photo.facts.width is not None else Provenance(versions.decoder),  # no pixels, no faces
        reason=failure.reason if failure else None,
        retry=failure.retry if failure else False,
        facts=photo.facts,
        faces=_faces(scored),
    )


def _faces(scored: ScoredPhoto) -> tuple[FaceRecord, ...]:
    if scored.logits is None:
        return ()
    return tuple(
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
        for face, row in zip(scored.photo.faces, scored.logits, strict=True)
    )
