"""Files and their contents: what the indexer found, and what it must know to find less the next time.

Faces belong to a photo (a content), files point to it. After every change of files the faces of the photos concerned
are hidden or shown: a face is visible as long as one file with its photo's content is there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session, aliased

from db import faces, masks, provenance, roots
from db.chunks import READ_AT_ONCE, chunks
from db.faces import Difference, FaceRecord
from db.masks import MaskedPlace
from db.matching import match
from db.paths import AnyPath, as_path, display, join, within
from db.provenance import Place, Provenance
from db.schema import Face, File, HashSet, Photo, Recognised, Root
from db.values.photo import RECOGNISED, LeftOut, Outcome, PhotoFacts


class KnownFile(NamedTuple):
    """A file as the last run left it.

    ctime_ns: None where it is not known. photo_id, stored_outcome: of its content; None when it could never be read.
    missing: whether it was gone, or left out because of its place. reason: why it, or its content, failed. retry:
    whether another try could end differently. recognised: why it is left out because of its content, as `LeftOut` has
    it. Of a million there is no time to make more of them than what SQLite gives.
    """

    id: int
    size: int
    mtime_ns: int
    ctime_ns: int | None
    photo_id: int | None
    missing: int
    stored_outcome: str | None
    reason: str | None
    retry: int
    recognised: str | None = None

    @property
    def outcome(self) -> Outcome | None:
        return None if self.stored_outcome is None else Outcome(self.stored_outcome)


@dataclass(frozen=True, slots=True)
class KnownPhoto:
    """A content that the catalogue has seen. faces: how many it has. reason, retry: as in `PhotoRecord`.
    provenance_id: of the versions that looked at it."""

    id: int
    outcome: Outcome
    reason: str | None
    retry: bool
    provenance_id: int
    faces: int


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """A content that was looked at: its SHA-256 (hexadecimal), size in bytes, outcome, and by which versions.

    reason, retry: for Outcome.FAILED, why, and whether another try could end differently. faces: for Outcome.INDEXED.
    """

    sha256: str
    size: int
    outcome: Outcome
    provenance: Provenance
    reason: str | None = None
    retry: bool = False
    facts: PhotoFacts = field(default_factory=PhotoFacts)
    faces: tuple[FaceRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file whose content is not known, why, and whether another try could end differently.

    If it could, the file is taken to hold what it held before; if not, it holds something else.
    """

    reason: str
    retry: bool


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that is there: its path within the root, size in bytes, mtime and, where it tells an edit, ctime in ns;
    and what it holds."""

    path: bytes
    size: int
    mtime_ns: int
    content: PhotoRecord | KnownPhoto | Unreadable
    ctime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Relooked:
    """A content that was known and was looked at again.

    before: what it was (provenance_id, outcome, ...). after: what it is now; FAILED where the look failed, also if what
    former looks found stays. reason: why it failed. retry: whether it is to be tried again. difference: of its faces.
    """

    before: KnownPhoto
    after: Outcome
    reason: str | None
    retry: bool
    difference: Difference

    @property
    def kept(self) -> bool:
        """Whether the look failed and what former looks found stays."""
        return _keeps(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording changed. faces: how many are new in contents that were new or had failed. relooked: by SHA-256."""

    faces: int
    relooked: dict[str, Relooked]


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that is there and is not searchable because reading or decoding it failed."""

    path: Path
    display: str
    reason: str
    retry: bool


@dataclass(frozen=True, slots=True)
class Remarkable:
    """A file that is there and that was not looked at as a whole, or that something else is to be said of.

    pages: how many pictures it holds; unlooked: how many of them nobody looks at; notice: a clause that reads well
    after the name and a colon, "" for none.
    """

    path: Path
    display: str
    pages: int
    unlooked: int
    notice: str


@dataclass(frozen=True, slots=True)
class Counts:
    """files: there; missing: no longer there; unreadable: there, content not known. left_out: there, and not searched
    because a run passes over them: how many, by reason.

    photos: contents with a file that is there, of which indexed, no_face and failed. faces: visible; hidden: not, since
    their photo is gone; unfound: not, since the last look at their photo did not find them again.
    """

    files: int
    missing: int
    unreadable: int
    photos: int
    indexed: int
    no_face: int
    failed: int
    faces: int
    hidden: int
    unfound: int = 0
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)


_OF_SET = ", ".join(f"'{each.value}'" for each in RECOGNISED)
_FILES_OF_ROOT = f"""
SELECT files.path, files.id, files.size, mtime_ns, ctime_ns, photo_id,
    missing_since IS NOT NULL AND coalesce(left_out, '') NOT IN ({_OF_SET}), outcome,
    coalesce(files.reason, photos.reason), files.retry OR coalesce(photos.retry, 0),
    CASE WHEN left_out IN ({_OF_SET}) THEN left_out END
FROM files LEFT JOIN photos ON photos.id = photo_id WHERE root_id = ?
"""


def files_of_root(session: Session, root_id: int) -> dict[bytes, KnownFile]:
    """Every file ever recorded under this root, by its path within the root."""
    # For a million files: the driver's own rows as they are.
    rows = session.connection().connection.cursor()
    rows.execute(_FILES_OF_ROOT, (root_id,))
    new = tuple.__new__
    found: dict[bytes, KnownFile] = {}
    while part := rows.fetchmany(READ_AT_ONCE):
        found.update([(row[0], new(KnownFile, row[1:])) for row in part])
    return found


class StoredContent(NamedTuple):
    """A file by its path within its root, with size and SHA-256 (hexadecimal) of its content."""

    path: bytes
    size: int
    sha256: str


def sample_of_root(session: Session, root_id: int, number: int) -> list[StoredContent]:
    """At most that many files of this root whose content is known, from all over it; files that are gone only where
    there are no others."""
    for gone in (False, True):
        mine = (File.root_id == root_id) & (File.missing_since.is_not(None) if gone else File.missing_since.is_(None))
        ids = list(session.execute(select(File.id).where(mine, File.photo_id.is_not(None)).order_by(File.id)).scalars())
        if ids:
            some = ids[:: max(1, -(-len(ids) // number))]
            rows = session.execute(
                select(File.path, Photo.size, Photo.sha256)
                .join(Photo, Photo.id == File.photo_id)
                .where(File.id.in_(some))
            )
            return [StoredContent(*row) for row in rows]
    return []


def known_photos(session: Session, sha256s: Iterable[str]) -> dict[str, KnownPhoto]:
    """Those of these contents (hexadecimal SHA-256) that the catalogue has seen, by digest."""
    found: dict[str, KnownPhoto] = {}
    own = (Face.photo_id == Photo.id) & Face.unfound.is_(False)
    count = select(func.count(Face.id)).where(own).correlate(Photo).scalar_subquery()
    columns = (Photo.sha256, Photo.id, Photo.outcome, Photo.reason, Photo.retry, Photo.provenance_id, count)
    for some in chunks(sorted(set(sha256s))):
        rows = session.execute(select(*columns).where(Photo.sha256.in_(some)))
        found.update({sha256: KnownPhoto(*rest) for sha256, *rest in rows})
    return found


def record(session: Session, root_id: int, files: Sequence[FileRecord], *, model_id: int) -> Recorded:
    """`record_all` for the files of one root."""
    return record_all(session, {root_id: files}, model_id=model_id)


def record_all(session: Session, by_root: Mapping[int, Sequence[FileRecord]], *, model_id: int) -> Recorded:
    """Store what a batch of files turned out to be, by the id of their root.

    Of a content that is known the new look counts, and its faces keep their ids as `faces.replace` says; unless the new
    look failed where a former one did not: then all stays, and its files note why. A file that could not be read
    this time (`Unreadable` with retry) keeps the content it had. Faces whose logits are given belong to `model_id`.
    Raises ValueError on arrays of the wrong shape or numbers that are not finite.
    """
    looked_at = _looked_at(file for files in by_root.values() for file in files)
    photo_ids, recorded = _store_photos(session, looked_at, model_id)
    touched: set[int] = set()
    for root_id, files in by_root.items():
        rows = [_file_row(file, photo_ids) for file in files]
        touched |= _store_files(session, root_id, rows, insert_new=True)
        for other_id, shared in _overlapping_rows(session, root_id, rows):
            touched |= _store_files(session, other_id, shared, insert_new=False)
    for each in recorded.relooked.values():
        if each.kept:
            mark_unreadable(session, each.before.id, each.reason or "unknown")
    leave_out_recognised(session, sorted(touched))
    faces.update_visibility(session, sorted(touched))
    return recorded


def mark_missing(session: Session, file_ids: Sequence[int], *, now: datetime | None = None) -> int:
    """Note that these files are gone (since now, unless noted before); how many faces left the results."""
    return _mark(session, _with_twins(session, file_ids), now or datetime.now(UTC))


def mark_left_out(session: Session, file_ids: Sequence[int], why: LeftOut, *, now: datetime | None = None) -> int:
    """Note that runs pass over these files, which are there; how many faces left the results. What another root says of
    the same files stays: it may not leave them out."""
    return _mark(session, set(file_ids), now or datetime.now(UTC), why)


def drop_unread(session: Session, file_ids: Sequence[int]) -> None:
    """Take out files whose content was never known and which are no photos."""
    for some in chunks(file_ids):
        session.execute(
            delete(File).where(File.id.in_(some), File.photo_id.is_(None)),
            execution_options={"synchronize_session": False},
        )


def note_change_times(session: Session, ctimes: Mapping[int, int]) -> None:
    """Take over the change times (ns) of files (by id) that had none."""
    session.connection().execute(
        update(File).where(File.id == bindparam("row")),
        [{"row": file_id, "ctime_ns": ctime_ns} for file_id, ctime_ns in ctimes.items()],
    )


def mark_present(session: Session, file_ids: Sequence[int]) -> int:
    """Note that these files are back, unchanged; how many faces returned to the results."""
    return _mark(session, _with_twins(session, file_ids), None)


def detach_root(session: Session, path: AnyPath) -> tuple[int, int]:
    """Take an indexed folder with its files out of the catalogue: how many files, and how many faces left the results.

    Faces of photos that another folder holds stay; the others keep their ids, and return when their photo is indexed
    again, wherever it is. Raises RootUnknown.
    """
    root_id = roots.known_root(session, path)
    mine = File.root_id == root_id
    held = session.execute(select(File.photo_id).where(mine, File.photo_id.is_not(None)).distinct()).scalars()
    photo_ids = [photo_id for photo_id in held if photo_id is not None]
    files = session.execute(select(func.count(File.id)).where(mine, File.missing_since.is_(None))).scalar_one()
    for statement in (delete(File).where(mine), delete(Root).where(Root.id == root_id)):
        session.execute(statement, execution_options={"synchronize_session": False})
    return files, faces.update_visibility(session, sorted(photo_ids))


def mark_unreadable(session: Session, photo_id: int, reason: str) -> None:
    """Note why this content could not be read or looked at again, with its files that are there; they keep it."""
    files = update(File).where(File.photo_id == photo_id, File.missing_since.is_(None))
    session.execute(files.values(reason=reason, retry=True))


def count_lost(session: Session, file_ids: Sequence[int]) -> int:
    """How many contents of these files no file holds that is there."""
    lost: set[int] = set()
    other = aliased(File)
    present = exists().where(other.photo_id == File.photo_id, other.missing_since.is_(None))
    of_set = exists().where(Recognised.photo_id == File.photo_id)  # which was lost to the results before
    for some in chunks(file_ids):
        known = (File.id.in_(some), File.photo_id.is_not(None), ~of_set)
        rows = session.execute(select(File.photo_id).where(*known, ~present))
        lost.update(photo_id for (photo_id,) in rows if photo_id is not None)
    return len(lost)


def last_file(session: Session) -> int:
    """The id of the newest file; 0 where there is none."""
    return session.execute(select(func.coalesce(func.max(File.id), 0))).scalar_one()


def photo_of_file(session: Session, root_id: int, path: bytes) -> int | None:
    """The id of the photo that this file held when it was last read."""
    statement = select(File.photo_id).where(File.root_id == root_id, File.path == path)
    return session.execute(statement).scalar_one_or_none()


def renamed(
    session: Session, file_ids: Sequence[int], last: int, first: int = 10
) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Of these files, which are gone, how many lie under a new name, among the files that came after the one with the
    id `last`; and the first few: former and new absolute path."""
    now, root, new_root = aliased(File), aliased(Root), aliased(Root)
    number = 0
    pairs: list[tuple[bytes, bytes]] = []
    for some in chunks(file_ids):
        newest = (
            select(func.min(now.id))
            .where(now.photo_id == File.photo_id, now.id > last, now.missing_since.is_(None))
            .correlate(File)
            .scalar_subquery()
        )
        rows = session.execute(
            select(root.path, File.path, new_root.path, now.path)
            .select_from(File)
            .join(root, root.id == File.root_id)
            .join(now, now.id == newest)
            .join(new_root, new_root.id == now.root_id)
            .where(File.id.in_(some))
            .order_by(root.path, File.path)
        ).all()
        number += len(rows)
        pairs += [(join(a, b), join(c, d)) for a, b, c, d in rows[: max(0, first - len(pairs))]]
    return number, pairs


def counts(session: Session) -> Counts:
    """What the catalogue holds, in numbers."""
    there = File.missing_since.is_(None)
    files = session.execute(select(func.count(File.id)).where(there)).scalar_one()
    absent = select(File.left_out, func.count(File.id)).where(~there).group_by(File.left_out)
    left_out = dict(session.execute(absent).all())
    unreadable = session.execute(select(func.count(File.id)).where(there, File.photo_id.is_(None))).scalar_one()
    present = exists().where(File.photo_id == Photo.id, there)
    by_outcome = select(Photo.outcome, func.count(Photo.id)).where(present).group_by(Photo.outcome)
    outcomes = dict(session.execute(by_outcome).all())
    unfound = session.execute(select(func.count(Face.id)).where(Face.hidden.is_(True), Face.unfound)).scalar_one()
    by_hidden = dict(session.execute(select(Face.hidden, func.count(Face.id)).group_by(Face.hidden)).all())
    return Counts(
        files=files,
        missing=left_out.pop(None, 0),
        unreadable=unreadable,
        photos=sum(outcomes.values()),
        indexed=outcomes.get(Outcome.INDEXED, 0),
        no_face=outcomes.get(Outcome.NO_FACE, 0),
        failed=outcomes.get(Outcome.FAILED, 0),
        faces=by_hidden.get(False, 0),
        hidden=by_hidden.get(True, 0) - unfound,
        unfound=unfound,
        left_out={why: number for why, number in left_out.items() if why is not None},
    )


def failures(session: Session) -> list[Failure]:
    """Every file that is there and failed, with the reason, in byte order of absolute paths; each path once."""
    rows = session.execute(
        select(
            Root.path,
            File.path,
            func.coalesce(File.reason, Photo.reason),
            File.retry | func.coalesce(Photo.retry, False),
        )
        .join(Root, Root.id == File.root_id)
        .outerjoin(Photo, Photo.id == File.photo_id)
        .where(File.missing_since.is_(None), File.reason.is_not(None) | (Photo.outcome == Outcome.FAILED))
    )
    by_path = {join(root, path): (reason or "unknown", bool(retry)) for root, path, reason, retry in rows}
    return [Failure(as_path(path), display(path), *by_path[path]) for path in sorted(by_path)]


def try_again(session: Session) -> int:
    """Let the next run open every file again that is there and failed, also where that seemed final; how many."""
    failed = failures(session)
    there = exists().where(File.photo_id == Photo.id, File.missing_since.is_(None))
    session.execute(
        update(Photo).where(Photo.outcome == Outcome.FAILED, there).values(retry=True),
        execution_options={"synchronize_session": False},
    )
    session.execute(
        update(File).where(File.missing_since.is_(None), File.reason.is_not(None)).values(retry=True),
        execution_options={"synchronize_session": False},
    )
    return len(failed)


def there(session: Session) -> Iterator[bytes]:
    """Absolute paths of all files that are known to be there, in no order, and once for each root that has them."""
    columns = (Root.path, File.path)
    statement = select(*columns).join(Root, Root.id == File.root_id).where(File.missing_since.is_(None))
    for root, path in session.execute(statement, execution_options={"yield_per": READ_AT_ONCE}):
        yield join(root, path)


def without_face(session: Session) -> list[bytes]:
    """Absolute paths of the files that are there and in whose photo no face was found, in byte order."""
    rows = session.execute(
        select(Root.path, File.path)
        .join(File, File.root_id == Root.id)
        .join(Photo, Photo.id == File.photo_id)
        .where(File.missing_since.is_(None), File.left_out.is_(None), Photo.outcome == Outcome.NO_FACE)
    )
    return sorted({join(root, path) for root, path in rows})


def missing(session: Session) -> list[bytes]:
    """Absolute paths of the files that were there and are no longer, in byte order; not of those that are left out."""
    rows = session.execute(
        select(Root.path, File.path)
        .join(File, File.root_id == Root.id)
        .where(File.missing_since.is_not(None), File.left_out.is_(None))
    )
    return sorted({join(root, path) for root, path in rows})


def remarkable(session: Session, places: Sequence[Place] | None = None) -> list[Remarkable]:
    """Every photo that is there and is `Remarkable`, in byte order of absolute paths; each path once. places: of these
    alone."""
    rows = session.execute(
        select(Root.id, Root.path, File.path, Photo.pages, Photo.unlooked, Photo.notice)
        .join(File, File.photo_id == Photo.id)
        .join(Root, Root.id == File.root_id)
        .where(or_(Photo.unlooked > 0, Photo.notice.is_not(None)), Photo.outcome != Outcome.FAILED)
        .where(File.missing_since.is_(None), File.reason.is_(None))
    )
    by_path = {
        join(root, path): (pages, unlooked, notice or "")
        for root_id, root, path, pages, unlooked, notice in rows
        if places is None or any(place.holds(root_id, path) for place in places)
    }
    return [Remarkable(as_path(path), display(path), *by_path[path]) for path in sorted(by_path)]


def _looked_at(files: Iterable[FileRecord]) -> dict[str, PhotoRecord]:
    """Every content of the batch that was looked at, by digest."""
    looked_at: dict[str, PhotoRecord] = {}
    for file in files:
        # Two files with the same content in one batch: one success is enough.
        if isinstance(file.content, PhotoRecord):
            before = looked_at.get(file.content.sha256)
            if before is None or before.outcome is Outcome.FAILED:
                looked_at[file.content.sha256] = file.content
    return looked_at


def _store_photos(
    session: Session, looked_at: dict[str, PhotoRecord], model_id: int
) -> tuple[dict[str, int], Recorded]:
    """Photo ids by digest for every content that was looked at, and what changed."""
    known = known_photos(session, looked_at)
    versions = provenance.ids_of(session, (photo.provenance for photo in looked_at.values())) if looked_at else {}
    rows = {
        digest: {**_photo_row(photo), "provenance_id": versions[photo.provenance]}
        for digest, photo in looked_at.items()
    }
    fresh = [photo for digest, photo in looked_at.items() if digest not in known]
    again = {
        digest: photo
        for digest, photo in looked_at.items()
        if digest in known and not _keeps(known[digest], photo.outcome)
    }
    changed = {known[digest].id: rows[digest] for digest in again}
    _write_photos(session, {photo.sha256: rows[photo.sha256] for photo in fresh}, changed)
    ids = {digest: photo.id for digest, photo in known_photos(session, looked_at).items()}
    masked = masks.of_photos(session, [ids[digest] for digest in again])
    looks = {ids[digest]: _unmasked(photo.faces, masked.get(ids[digest], ())) for digest, photo in again.items()}
    differences = faces.replace(session, looks, model_id)
    added = faces.add(session, [(ids[photo.sha256], face) for photo in fresh for face in photo.faces], model_id)
    relooked = {digest: _relooked(before, looked_at[digest], differences) for digest, before in known.items()}
    first = (each.difference.gained for each in relooked.values() if each.before.outcome is Outcome.FAILED)
    return ids, Recorded(len(added) + sum(first), relooked)


def _write_photos(session: Session, fresh: Mapping[str, dict[str, Any]], changed: Mapping[int, dict[str, Any]]) -> None:
    """Insert the rows of new contents, by digest, and update those of known ones, by id."""
    if fresh:
        since = _first_indexed(session)
        session.execute(
            insert(Photo), [{"sha256": digest, "first_indexed": since, **row} for digest, row in fresh.items()]
        )
    if changed:
        session.connection().execute(
            update(Photo).where(Photo.id == bindparam("row")),
            [{"row": photo_id, **row} for photo_id, row in changed.items()],
        )


def _first_indexed(session: Session) -> datetime:
    """Now, unless the clock was set back: never before what came before."""
    newest = session.execute(select(func.max(Photo.first_indexed))).scalar_one()
    now = datetime.now(UTC)
    return now if newest is None else max(now, newest)


def _unmasked(found: Sequence[FaceRecord], masked: Sequence[MaskedPlace]) -> list[FaceRecord]:
    """The faces that do not lie where one was taken out."""
    left = list(found)
    for page in {page for page, _ in masked}:
        here = [place for place, face in enumerate(left) if face.page == page]
        gone = match([left[place].box for place in here], [box for other, box in masked if other == page])
        left = [face for place, face in enumerate(left) if place not in {here[each] for each in gone}]
    return left


def _relooked(before: KnownPhoto, look: PhotoRecord, differences: Mapping[int, Difference]) -> Relooked:
    retry = look.retry or _keeps(before, look.outcome)
    return Relooked(before, look.outcome, look.reason, retry, differences.get(before.id, Difference(0, 0)))


def _keeps(before: KnownPhoto, after: Outcome) -> bool:
    return after is Outcome.FAILED and before.outcome is not Outcome.FAILED


def _photo_row(photo: PhotoRecord) -> dict[str, Any]:
    return {
        "size": photo.size,
        "outcome": photo.outcome,
        "reason": photo.reason,
        "retry": photo.retry,
        **asdict(photo.facts),
    }


def _file_row(file: FileRecord, photo_ids: dict[str, int]) -> dict[str, Any]:
    """The columns that the file determines; with retry, photo_id None means: leave it as it is."""
    content = file.content
    photo_id: int | None = None
    reason: str | None = None
    retry = False
    if isinstance(content, Unreadable):
        reason, retry = content.reason, content.retry
    elif isinstance(content, KnownPhoto):
        photo_id = content.id
    else:
        photo_id = photo_ids[content.sha256]
    return {
        "path": file.path,
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        "ctime_ns": file.ctime_ns,
        "photo_id": photo_id,
        "missing_since": None,
        "left_out": None,
        "reason": reason,
        "retry": retry,
    }


def _store_files(session: Session, root_id: int, rows: list[dict[str, Any]], *, insert_new: bool) -> set[int]:
    """Insert or update the files of one root; the ids of all photos whose files changed, before and after."""
    rows = list({row["path"]: row for row in rows}.values())
    known = _known_files(session, root_id, [row["path"] for row in rows])
    changed, fresh = [], []
    touched: set[int] = set()
    for row in rows:
        if row["path"] in known:
            file_id, former = known[row["path"]]
            photo_id = former if row["photo_id"] is None and row["retry"] else row["photo_id"]
            changed.append({**{key: row[key] for key in row if key != "path"}, "row": file_id, "photo_id": photo_id})
            touched |= {id for id in (former, photo_id) if id is not None}
        elif insert_new:
            fresh.append({**row, "root_id": root_id, "display": display(row["path"])})
            touched |= {row["photo_id"]} - {None}
    if changed:
        session.connection().execute(update(File).where(File.id == bindparam("row")), changed)
    if fresh:
        session.execute(insert(File), fresh)
    return touched


def _known_files(session: Session, root_id: int, paths: Sequence[bytes]) -> dict[bytes, tuple[int, int | None]]:
    """Id and photo of the files of one root, by path."""
    known: dict[bytes, tuple[int, int | None]] = {}
    for some in chunks(paths):
        found = session.execute(
            select(File.path, File.id, File.photo_id).where(File.root_id == root_id, File.path.in_(some))
        )
        known.update({path: (file_id, photo_id) for path, file_id, photo_id in found})
    return known


def _overlapping_rows(
    session: Session, root_id: int, rows: Sequence[dict[str, Any]]
) -> Iterable[tuple[int, list[dict[str, Any]]]]:
    """The same files as other roots name them: id of each overlapping root, and the rows with paths within it."""
    own = roots.path_of(session, root_id)
    for other_id, other in roots.overlapping(session, root_id):
        shared = ((row, within(other, join(own, row["path"]))) for row in rows)
        renamed = [{**row, "path": path} for row, path in shared if path is not None]
        if renamed:
            yield other_id, renamed


def _mark(session: Session, ids: set[int], since: datetime | None, left_out: LeftOut | None = None) -> int:
    touched: set[int] = set()
    is_there = File.missing_since.is_(None) | File.left_out.in_(RECOGNISED)
    for some in chunks(sorted(ids)):
        differs = is_there if since is not None else ~func.coalesce(is_there, False)
        rows = session.execute(select(File.id, File.photo_id).where(File.id.in_(some), differs)).all()
        touched |= {photo_id for _, photo_id in rows if photo_id is not None}
        session.execute(
            update(File)
            .where(File.id.in_([file_id for file_id, _ in rows]))
            .values(missing_since=since, left_out=left_out),
            execution_options={"synchronize_session": False},
        )
    if since is None:
        leave_out_recognised(session, sorted(touched))
    return faces.update_visibility(session, sorted(touched))


def leave_out_recognised(session: Session, photo_ids: Sequence[int]) -> None:
    """Leave out those files of these photos that are there, where the photo is of a hash set."""
    now = datetime.now(UTC)
    for some in chunks(photo_ids):
        kinds = session.execute(
            select(HashSet.kind, Recognised.photo_id)
            .join(HashSet, HashSet.id == Recognised.hash_set_id)
            .where(Recognised.photo_id.in_(some))
        ).all()
        for kind in {each for each, _ in kinds}:
            session.execute(
                update(File)
                .where(File.photo_id.in_([photo_id for each, photo_id in kinds if each is kind]))
                .where(File.missing_since.is_(None))
                .values(missing_since=now, left_out=kind),
                execution_options={"synchronize_session": False},
            )


def _with_twins(session: Session, file_ids: Sequence[int]) -> set[int]:
    """These files, and the rows that overlapping roots have for them."""
    ids = set(file_ids)
    if session.execute(select(func.count(Root.id))).scalar_one() < 2:
        return ids
    by_root: dict[int, list[dict[str, Any]]] = {}
    for some in chunks(sorted(ids)):
        for root_id, path in session.execute(select(File.root_id, File.path).where(File.id.in_(some))):
            by_root.setdefault(root_id, []).append({"path": path})
    for root_id, rows in by_root.items():
        for other_id, shared in _overlapping_rows(session, root_id, rows):
            for names in chunks([row["path"] for row in shared]):
                twins = select(File.id).where(File.root_id == other_id, File.path.in_(names))
                ids.update(session.execute(twins).scalars())
    return ids
