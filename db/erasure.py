"""What is taken out of the tables for good, what may not be, and what keeps it from coming back.

Contents are taken out, with all files that hold them; of a photo that stays because of its other faces, single faces.
What is left of them are numbers, places in photos that stay, and digests under a key that lies in the same file: these
are pseudonyms. Whoever has the catalogue can tell whether a photo that they have was in it.
"""

import hashlib
import os
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from db import audit, cases, faces, generation, roots
from db.chunks import chunks
from db.errors import damaged_row
from db.matching import match
from db.paths import display, join, within
from db.schema import (
    ContentDigest,
    Erasure,
    Face,
    Fault,
    File,
    Forgotten,
    Hold,
    ListedFile,
    Mask,
    Model,
    Other,
    Photo,
    Recognised,
    Root,
    Score,
    State,
    Tombstone,
    Unseen,
)
from db.values.box import Box

_PLAINLY = {"synchronize_session": False}


class Pseudonyms:
    """Digests (32 bytes) of contents and files under the catalogue's secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def content(self, sha256: str) -> bytes:
        """Of a content, by its SHA-256 (hexadecimal)."""
        return self._digest(b"content", bytes.fromhex(sha256))

    def file(self, path: bytes, size: int, mtime_ns: int) -> bytes:
        """Of a file at this absolute path, with this size (bytes) and modification time (ns)."""
        return self._digest(b"file", b"%s\0%d\0%d" % (path, size, mtime_ns))

    def _digest(self, kind: bytes, data: bytes) -> bytes:
        return hashlib.blake2b(data, key=self._secret, person=kind, digest_size=32).digest()


class Memory:
    """What a run is not to take in. `lifting`: it takes it in after all, and remembers what it came by. Several threads
    may use it."""

    def __init__(self, pseudonyms: Pseudonyms, digests: set[bytes], *, lifting: bool = False) -> None:
        self._pseudonyms = pseudonyms
        self._digests = digests
        self._lifting = lifting
        self._guard = threading.Lock()
        self._lifted: set[bytes] = set()

    def holds_content(self, sha256: str) -> bool:
        """Whether this content (hexadecimal SHA-256) is to be left alone."""
        return bool(self._digests) and self._holds(self._pseudonyms.content(sha256))

    def holds_file(self, path: bytes, size: int, mtime_ns: int) -> bool:
        """Whether the file at this absolute path is, which has not changed since."""
        return bool(self._digests) and self._holds(self._pseudonyms.file(path, size, mtime_ns))

    def _holds(self, digest: bytes) -> bool:
        if digest not in self._digests:
            return False
        if self._lifting:
            with self._guard:
                self._lifted.add(digest)
        return not self._lifting

    def take_lifted(self) -> set[bytes]:
        """What it came by since the last call."""
        with self._guard:
            lifted, self._lifted = self._lifted, set()
        return lifted


class Doomed(NamedTuple):
    """What is to be taken out. photos: ids, with all their faces; faces: ids of single ones, in photos that stay;
    files: ids of files whose content was never known; folders: absolute paths, below which nothing is to be remembered
    but what stays."""

    photos: tuple[int, ...] = ()
    faces: tuple[int, ...] = ()
    files: tuple[int, ...] = ()
    folders: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was taken out. faces: with those of the photos."""

    photos: int
    faces: int
    files: int


def pseudonyms(session: Session) -> Pseudonyms:
    """Those of this catalogue. Raises CatalogueDamaged where its secret is lost: without it nothing is known again."""
    secret = session.execute(select(State.secret)).scalar_one()
    if not secret:
        raise damaged_row("the catalogue's secret")
    return Pseudonyms(secret)


def memory(session: Session, *, lifting: bool = False) -> Memory:
    """What no run is to take in again. lifting: as in `Memory`."""
    return Memory(pseudonyms(session), set(session.execute(select(Forgotten.digest)).scalars()), lifting=lifting)


def lift(session: Session, digests: Collection[bytes]) -> None:
    """Let these be taken in again from now on."""
    for some in chunks(sorted(digests)):
        session.execute(delete(Forgotten).where(Forgotten.digest.in_(some)), execution_options=_PLAINLY)


def leave_alone(session: Session, root_id: int, files: Iterable[tuple[bytes, int, int]]) -> None:
    """Note that these files (path within the root, size, mtime in ns) hold what was taken out, so that they are not
    opened again; what they held before leaves them."""
    own = roots.path_of(session, root_id)
    known = pseudonyms(session)
    touched: set[int] = set()
    for path, size, mtime_ns in files:
        _remember(session, [known.file(join(own, path), size, mtime_ns)])
        mine = (File.root_id == root_id, File.path == path)
        touched.update(id for id in session.execute(select(File.photo_id).where(*mine)).scalars() if id is not None)
        session.execute(delete(File).where(*mine), execution_options=_PLAINLY)
    faces.update_visibility(session, sorted(touched))


def erase(session: Session, doomed: Doomed, *, override: str | None = None) -> Erased:
    """Take it out, in a session of `Catalogue.erase`. override: why holds are set aside, which this does not look at.

    Snapshots lose the faces with this transaction. What lies in the file, beside the rows, is for `upkeep.purge`.
    """
    number = generation.stamp(session)
    known = pseudonyms(session)
    model_ids = list(session.execute(select(Model.id)).scalars())
    taken = _erase_single(session, doomed.faces, number, known, model_ids)
    files = 0
    for some in chunks(doomed.photos):
        taken |= _erase_photos(session, some, number, known, model_ids)
        files += _erase_files(session, File.photo_id.in_(some), known)
        for table in (Mask, Hold, Recognised, ContentDigest):
            session.execute(delete(table).where(table.photo_id.in_(some)), execution_options=_PLAINLY)
        session.execute(delete(Photo).where(Photo.id.in_(some)), execution_options=_PLAINLY)
    for some in chunks(doomed.files):
        files += _erase_files(session, File.id.in_(some), known)
    _clear_folders(session, doomed.folders)
    audit.blank_naming(session, taken, doomed.folders)
    cases.forget_words(session, _in_words(doomed.folders))
    now = datetime.now(UTC)
    session.execute(insert(Erasure).values(began=now, photos=len(doomed.photos), faces=len(taken), override=override))
    return Erased(len(doomed.photos), len(taken), files)


def _erase_single(
    session: Session, face_ids: Sequence[int], number: int, known: Pseudonyms, model_ids: Sequence[int]
) -> set[int]:
    """Single faces, and what former looks found in their places; the ids of all."""
    gone: set[int] = set()
    for some in chunks(face_ids):
        chosen = session.execute(
            select(Face, Photo.sha256).join(Photo, Photo.id == Face.photo_id).where(Face.id.in_(some))
        ).all()
        digests = {face.id: known.content(sha256) for face, sha256 in chosen}
        for face, sha256 in chosen:
            place = {"page": face.page, "x": face.x, "y": face.y, "width": face.width, "height": face.height}
            session.execute(insert(Mask).values(photo_id=face.photo_id, **place))
            former = select(Face).where(Face.photo_id == face.photo_id, Face.unfound, Face.page == face.page)
            old = [each for each in session.execute(former).scalars() if each.id not in digests]
            met = match([_box(each) for each in old], [_box(face)])
            digests.update((old[each].id, known.content(sha256)) for each in met)
        take_out_faces(session, digests, number, model_ids)
        gone |= digests.keys()
    return gone


def _box(place: Face | Mask) -> Box:
    return Box(place.x, place.y, place.width, place.height)


def _erase_photos(
    session: Session, photo_ids: Sequence[int], number: int, known: Pseudonyms, model_ids: Sequence[int]
) -> set[int]:
    digests = {
        id: known.content(sha256)
        for id, sha256 in session.execute(select(Photo.id, Photo.sha256).where(Photo.id.in_(photo_ids)))
    }
    _remember(session, list(digests.values()))
    sha256s = session.execute(select(Photo.sha256).where(Photo.id.in_(photo_ids))).scalars()
    cases.forget_words(session, sha256s)
    held = session.execute(select(Face.id, Face.photo_id).where(Face.photo_id.in_(photo_ids)))
    of_faces = {face_id: digests[photo_id] for face_id, photo_id in held}
    take_out_faces(session, of_faces, number, model_ids)
    return set(of_faces)


def take_out_faces(session: Session, digests: dict[int, bytes], number: int, model_ids: Sequence[int]) -> int:
    """Take out faces with their scores, and what cases say of them; snapshots lose them. digests: of their photos, by
    face id. What the audit log says of them is for `audit.blank_naming`."""
    cases.forget_faces(session, list(digests))
    rows = [{"face_id": id, "generation": number, "photo": digest} for id, digest in digests.items()]
    if rows:
        session.execute(insert(Tombstone).prefix_with("OR REPLACE"), rows)
    for some in chunks(list(digests), 500):
        scores = delete(Score).where(Score.model_id.in_(model_ids), Score.face_id.in_(some))
        for statement in (scores, delete(Hold).where(Hold.face_id.in_(some)), delete(Face).where(Face.id.in_(some))):
            session.execute(statement, execution_options=_PLAINLY)
    return len(digests)


def _erase_files(session: Session, which: Any, known: Pseudonyms) -> int:
    columns = (File.id, File.root_id, Root.path, File.path, File.size, File.mtime_ns)
    rows = session.execute(select(*columns).join(Root, Root.id == File.root_id).where(which)).all()
    _remember(session, [known.file(join(root, path), size, mtime_ns) for _, _, root, path, size, mtime_ns in rows])
    by_root: dict[int, list[bytes]] = {}
    for _, root_id, _, path, _, _ in rows:
        by_root.setdefault(root_id, []).append(path)
    for root_id, paths in by_root.items():
        for some in chunks(paths):
            for table in (Unseen, ListedFile):
                session.execute(
                    delete(table).where(table.root_id == root_id, table.path.in_(some)), execution_options=_PLAINLY
                )
    cases.forget_words(session, _in_words(join(root, path) for _, _, root, path, _, _ in rows))
    for full in chunks([join(root, path) for _, _, root, path, _, _ in rows]):
        session.execute(delete(Fault).where(Fault.path.in_(full)), execution_options=_PLAINLY)
    for ids in chunks([id for id, *_ in rows]):
        session.execute(delete(File).where(File.id.in_(ids)), execution_options=_PLAINLY)
    return len(rows)


def _in_words(paths: Iterable[bytes]) -> set[str]:
    """As texts hold paths: for people, and for Python."""
    return {text for path in paths for text in (display(path), os.fsdecode(path))}


def _remember(session: Session, digests: Sequence[bytes]) -> None:
    if digests:
        session.execute(insert(Forgotten).prefix_with("OR IGNORE"), [{"digest": each} for each in digests])


def _clear_folders(session: Session, folders: Sequence[bytes]) -> None:
    """Take out what is noted of other files below these folders, and indexed folders there that hold nothing now."""
    for folder in folders:
        for root_id, root in session.execute(select(Root.id, Root.path)).all():
            if root == folder or within(folder, root) is not None:
                below: list[Any] = []
            elif (inside := within(root, folder)) is not None:
                below = [inside]
            else:
                continue
            for table in (Other, Unseen, ListedFile):
                session.execute(
                    delete(table).where(table.root_id == root_id, *(_below(table.path, each) for each in below)),
                    execution_options=_PLAINLY,
                )
            left = session.execute(select(exists().where(File.root_id == root_id))).scalar_one()
            if not below and not left:
                session.execute(delete(Root).where(Root.id == root_id), execution_options=_PLAINLY)


def _below(column: InstrumentedAttribute[bytes], folder: bytes) -> Any:
    return or_(column == folder, (column > folder + b"/") & (column < folder + b"0"))  # "0" comes after "/"


# Choosing


def photos_of_paths(session: Session, path: bytes) -> list[tuple[int, int | None]]:
    """Id and photo id (None where its content was never known) of every file at this absolute path."""
    found: list[tuple[int, int | None]] = []
    for root_id, root in session.execute(select(Root.id, Root.path)).all():
        inside = within(root, path)
        if inside is not None:
            rows = session.execute(select(File.id, File.photo_id).where(File.root_id == root_id, File.path == inside))
            found += [(id, photo_id) for id, photo_id in rows]
    return found


def photos_of_folder(session: Session, folder: bytes) -> list[tuple[int, int | None]]:
    """The same of every file below this absolute path."""
    found: list[tuple[int, int | None]] = []
    for root_id, root in session.execute(select(Root.id, Root.path)).all():
        which = [File.root_id == root_id]
        if root != folder and within(folder, root) is None:
            inside = within(root, folder)
            if inside is None:
                continue
            which.append(_below(File.path, inside))
        found += [(id, photo_id) for id, photo_id in session.execute(select(File.id, File.photo_id).where(*which))]
    return found


def photos_before(session: Session, moment: datetime) -> list[int]:
    """Ids of the photos that were first indexed before this moment."""
    return list(session.execute(select(Photo.id).where(Photo.first_indexed < moment).order_by(Photo.id)).scalars())


def count_photos(session: Session) -> int:
    """How many contents the catalogue knows."""
    return session.execute(select(func.count(Photo.id))).scalar_one()


def count_ahead(session: Session, moment: datetime) -> int:
    """How many photos are noted as first indexed after this moment."""
    return session.execute(select(func.count(Photo.id)).where(Photo.first_indexed > moment)).scalar_one()


def faces_of(session: Session, face_ids: Sequence[int]) -> dict[int, int]:
    """The photo's id of each of these faces that there is."""
    found: dict[int, int] = {}
    for some in chunks(sorted(id for id in set(face_ids) if abs(id) < 1 << 63)):
        rows = session.execute(select(Face.id, Face.photo_id).where(Face.id.in_(some)))
        found.update((face_id, photo_id) for face_id, photo_id in rows)
    return found


def faces_in(session: Session, photo_ids: Sequence[int], *, found: bool = False) -> dict[int, list[int]]:
    """The faces of each of these photos. found: only those that the last look found."""
    held: dict[int, list[int]] = {}
    for some in chunks(sorted(set(photo_ids))):
        which = (Face.photo_id.in_(some), Face.unfound.is_(False)) if found else (Face.photo_id.in_(some),)
        for photo_id, face_id in session.execute(select(Face.photo_id, Face.id).where(*which).order_by(Face.id)):
            held.setdefault(photo_id, []).append(face_id)
    return held


def paths_of(session: Session, photo_ids: Sequence[int]) -> dict[int, list[bytes]]:
    """Absolute paths of all files with each of these contents, also of those that are gone, in byte order."""
    found: dict[int, set[bytes]] = {photo_id: set() for photo_id in photo_ids}
    for some in chunks(sorted(found)):
        rows = session.execute(
            select(File.photo_id, Root.path, File.path)
            .join(Root, Root.id == File.root_id)
            .where(File.photo_id.in_(some))
        )
        for photo_id, root, path in rows:
            if photo_id is not None:
                found[photo_id].add(join(root, path))
    return {photo_id: sorted(paths) for photo_id, paths in found.items()}


# Holding


def hold(session: Session, photo_ids: Collection[int], face_ids: Collection[int]) -> int:
    """Keep these photos, and these single faces, from being taken out; how many were not held before."""
    known = _held(session)
    of_faces = faces_of(session, list(face_ids))
    wanted = {(photo_id, None) for photo_id in photo_ids} | {(photo_id, id) for id, photo_id in of_faces.items()}
    now = datetime.now(UTC)
    rows = [{"photo_id": p, "face_id": f, "since": now} for p, f in sorted(wanted - known, key=str)]
    if rows:
        session.execute(insert(Hold), rows)
    return len(rows)


def release(session: Session, photo_ids: Collection[int], face_ids: Collection[int]) -> int:
    """Hold them no longer; how many were. A photo is released with its faces."""
    number = 0
    for column, ids in ((Hold.photo_id, photo_ids), (Hold.face_id, face_ids)):
        for some in chunks(sorted(ids)):
            gone = session.execute(delete(Hold).where(column.in_(some)), execution_options=_PLAINLY)
            number += gone.rowcount  # type: ignore[attr-defined]
    return number


def holds(session: Session) -> tuple[dict[int, set[int]], set[int]]:
    """The faces that are held, by the id of their photo; and the photos that are held as a whole."""
    faces_held: dict[int, set[int]] = {}
    photos_held: set[int] = set()
    for photo_id, face_id in _held(session):
        if face_id is None:
            photos_held.add(photo_id)
        else:
            faces_held.setdefault(photo_id, set()).add(face_id)
    return faces_held, photos_held


def _held(session: Session) -> set[tuple[int, int | None]]:
    return {(photo_id, face_id) for photo_id, face_id in session.execute(select(Hold.photo_id, Hold.face_id))}


@dataclass(frozen=True, slots=True)
class Summary:
    """photos, faces: how many were taken out so far; pending: as the function of this name; held_photos, held_faces:
    how many may not be."""

    photos: int
    faces: int
    pending: bool
    held_photos: int
    held_faces: int


def summary(session: Session) -> Summary:
    """What was taken out, and what may not be, in numbers."""
    photos, gone = session.execute(
        select(func.coalesce(func.sum(Erasure.photos), 0), func.coalesce(func.sum(Erasure.faces), 0))
    ).one()
    of_faces, of_photos = holds(session)
    return Summary(photos, gone, pending(session), len(of_photos), sum(map(len, of_faces.values())))


# What is left to be done


def pending(session: Session) -> bool:
    """Whether something that was taken out may still lie in the files of the catalogue."""
    return session.execute(select(exists().where(Erasure.finished.is_(None)))).scalar_one()


def finish(session: Session) -> None:
    """Note that nothing does."""
    session.execute(update(Erasure).where(Erasure.finished.is_(None)).values(finished=datetime.now(UTC)))


# An older backup


def carry(live: Session, restored: Session) -> Erased:
    """Take out of a restored copy, in a session of `Catalogue.erase`, what was taken out of the live catalogue since;
    holds are those of the live one."""
    restored.execute(update(State).values(secret=live.execute(select(State.secret)).scalar_one()))
    known = pseudonyms(live)
    forgotten = set(live.execute(select(Forgotten.digest)).scalars())
    restored.execute(delete(Forgotten), execution_options=_PLAINLY)  # some may have been lifted since
    stones = dict(live.execute(select(Tombstone.face_id, Tombstone.photo)).all())
    sha256s = dict(restored.execute(select(Photo.id, Photo.sha256)).all())
    contents = {id: known.content(sha256) for id, sha256 in sha256s.items()}
    again = tuple(id for id, digest in contents.items() if digest in forgotten)
    gone = set(again)
    of_faces = faces_of(restored, list(stones))
    single = tuple(
        face_id
        for face_id, photo_id in of_faces.items()
        if photo_id not in gone and contents.get(photo_id) == stones[face_id]
    )
    unread = select(File.id, Root.path, File.path, File.size, File.mtime_ns).join(Root, Root.id == File.root_id)
    files = tuple(
        id
        for id, root, path, size, mtime_ns in restored.execute(unread.where(File.photo_id.is_(None)))
        if known.file(join(root, path), size, mtime_ns) in forgotten
    )
    erased = Erased(0, 0, 0)
    if again or single or files:
        erased = erase(restored, Doomed(again, single, files))
    number = generation.stamp(restored)
    _remember(restored, sorted(forgotten))
    if stones:
        restored.execute(
            insert(Tombstone).prefix_with("OR IGNORE"),
            [{"face_id": id, "generation": number, "photo": photo} for id, photo in stones.items()],
        )
    _carry_holds(live, restored, {sha256: id for id, sha256 in sha256s.items() if id not in gone})
    return erased


def _carry_holds(live: Session, restored: Session, ids: dict[str, int]) -> None:
    restored.execute(delete(Hold), execution_options=_PLAINLY)
    rows = live.execute(select(Photo.sha256, Hold.face_id, Hold.since).join(Photo, Photo.id == Hold.photo_id)).all()
    there = faces_of(restored, [face_id for _, face_id, _ in rows if face_id is not None])
    for sha256, face_id, since in rows:
        photo_id = ids.get(sha256)
        if photo_id is not None and (face_id is None or there.get(face_id) == photo_id):
            restored.execute(insert(Hold).values(photo_id=photo_id, face_id=face_id, since=since))
