"""The use case "take these photos and faces out of the catalogue for good".

First what is to go is worked out, for people to see (`plan`); then it goes (`forget`), logged in the same transaction,
with how much went and not what.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from db import audit, cases, erasure, exhibits, faces, snapshot, upkeep
from db.catalogue import Catalogue
from db.crops import CropStore, sweep_crops
from db.erasure import Doomed, Erased
from db.errors import CatalogueBusy, CatalogueError, CatalogueUnreadable, PhotoUnknown
from db.exhibits import ListedBelow
from db.paths import as_path, display, within
from facesearch.custody.audit import by_whom
from facesearch.custody.policy import permit
from facesearch.search.ranking.profiles import encode

COPY_FROM = 0.995
"""Cosine of two profiles from which their photos may be one, encoded twice. Of portraits that were written anew as JPEG
of quality 85, nine in ten reach it; so may two people who look alike."""

_LOOKED_AROUND = 1000  # faces
_BLOCK = 16384  # faces compared with them at a time
_NO_FILE = Path("(no known file)")
READERS = 30.0
"""Seconds that searches under way are waited for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants taken out. photos, folders: absolute paths. before: photos first indexed before then."""

    faces: tuple[int, ...] = ()
    photos: tuple[bytes, ...] = ()
    folders: tuple[bytes, ...] = ()
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face whose photo may be a copy of one that is to be taken out; it stays unless somebody names it. like: the
    face that it is like."""

    face: int
    path: Path
    like: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to go. doomed: its ids. faces: how many go in all. paths: of every file of the photos; without_file: how
    many photos have none, such as those of detached folders. elsewhere: the paths outside of what was named: copies.
    single: for faces that go alone, the path of the photo that stays. held: photos and faces that stay because they are
    held, unless holds are set aside. ahead: photos that are noted as first indexed in the future, by this clock.
    everything: nothing would be left. exhibits: what goes of exhibits and their manifests. cases: references of those
    that lose marks, hits or places on lists."""

    doomed: Doomed
    faces: int
    paths: tuple[Path, ...]
    without_file: int
    elsewhere: tuple[Path, ...]
    single: tuple[tuple[int, Path], ...]
    held: tuple[Path, ...]
    ahead: int
    everything: bool
    exhibits: tuple[ListedBelow, ...] = ()
    cases: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.doomed.photos or self.doomed.faces or self.doomed.files)


@dataclass(frozen=True, slots=True)
class Forgot:
    """What was done. pending: others read a former state, or there was no room, so that it still lies in the files;
    the next command that writes finishes it. problem: why, or why searches are slower for now."""

    erased: Erased
    pending: bool
    problem: CatalogueError | None


def plan(catalogue: Catalogue, wanted: Wanted, now: datetime, *, override: bool = False) -> Plan:
    """What would go, holds set aside with `override`. now: for what lies in the future. Changes nothing.

    Raises FaceUnknown and PhotoUnknown for what is not there, and other CatalogueErrors.
    """
    with catalogue.read() as session:
        return _plan(session, wanted, now, override=override)


def forget(catalogue: Catalogue, wanted: Wanted, shown: Plan, now: datetime, *, override: str | None = None) -> Forgot:
    """Take out what `plan` showed. override: why holds are set aside.

    Its rows go in one transaction; from then on no search finds it. Then what is left of it in the catalogue's files
    goes. Raises CatalogueBusy while an index run, or another of these, is at work, or where what would go is not what
    was shown any more; PolicyRefusal; and other CatalogueErrors, with nothing changed.
    """
    permit(catalogue)
    with catalogue.indexing():
        with catalogue.erase() as session:
            if _plan(session, wanted, now, override=override is not None) != shown:
                raise CatalogueBusy("The catalogue was changed meanwhile, so nothing was taken out: look at it again.")
            erased = erasure.erase(session, shown.doomed, override=override)
            done = {
                "photos": erased.photos,
                "erased_faces": erased.faces,
                "erased_files": erased.files,
                "override": override,
            }
            audit.note(session, "forget", {**by_whom(), **done})
        problem = finish_pending(catalogue, seconds=READERS)
        with catalogue.read() as session:
            return Forgot(erased, erasure.pending(session), problem)


def finish_pending(catalogue: Catalogue, *, seconds: float) -> CatalogueError | None:
    """Leave nothing in the files of what was taken out, if there may be something, waiting so many seconds for readers;
    what went wrong. Within `Catalogue.indexing`. What cannot be done now stays pending."""
    with catalogue.read() as session:
        if not erasure.pending(session):
            return None
    problem = _renew_snapshot(catalogue)
    try:
        sweep_crops(catalogue, CropStore(catalogue.path), datetime.now(UTC))
        if upkeep.purge(catalogue, seconds=seconds) and snapshot.is_alone(catalogue):
            with catalogue.write() as session:
                erasure.finish(session)
    except CatalogueError as error:
        problem = error.with_traceback(None)
    except OSError as error:
        problem = CatalogueUnreadable(
            f"Small pictures of faces cannot be taken out ({error.strerror or error}): delete them by hand."
        )
    return problem


def _renew_snapshot(catalogue: Catalogue) -> CatalogueError | None:
    """A snapshot that holds what the tables hold, or none. Former ones are unlinked, which no reader notices."""
    problem: CatalogueError | None = None
    try:
        snapshot.rebuild(catalogue, encode)
    except CatalogueError as error:
        problem = error.with_traceback(None)
        snapshot.give_up(catalogue)
    return problem


def hold(catalogue: Catalogue, wanted: Wanted, now: datetime) -> int:
    """Keep these photos and faces from being taken out; how many were not held before. Raises as `plan`, and
    PolicyRefusal."""
    permit(catalogue)
    with catalogue.indexing(), catalogue.write() as session:
        chosen = _chosen(session, wanted, now)
        return erasure.hold(session, chosen.photos, chosen.faces)


def release(catalogue: Catalogue, wanted: Wanted, now: datetime) -> int:
    """Hold them no longer; how many were held. Raises as `plan`, and PolicyRefusal."""
    permit(catalogue)
    with catalogue.indexing(), catalogue.write() as session:
        chosen = _chosen(session, wanted, now)
        return erasure.release(session, chosen.photos, chosen.faces)


def candidates(catalogue: Catalogue, shown: Plan) -> list[Candidate]:
    """Faces of other photos that may be copies, in another encoding, of those that are to go; around the first
    thousand of these. None of them goes: similar is not the same."""
    gallery = snapshot.load_gallery(catalogue)
    with catalogue.read() as session:
        of_photos = erasure.faces_in(session, shown.doomed.photos)
    doomed = np.array(sorted({*shown.doomed.faces, *(each for some in of_photos.values() for each in some)}), np.int64)
    if gallery is None or not len(doomed):
        return []
    goes = np.isin(gallery.face_ids, doomed)
    rows = np.flatnonzero(goes)[:_LOOKED_AROUND]
    if not len(rows):
        return []
    columns = [gallery.logits(each) for each in range(len(gallery.model.attributes))]
    probes = encode(np.stack([column[rows] for column in columns], axis=1), gallery.model)
    found: dict[int, int] = {}
    for start in range(0, len(gallery), _BLOCK):
        block = slice(start, start + _BLOCK)
        profiles = encode(np.stack([column[block] for column in columns], axis=1), gallery.model)
        cosines = profiles @ probes.T
        for place in np.flatnonzero((cosines.max(axis=1) >= COPY_FROM) & ~goes[block]).tolist():
            found[int(gallery.face_ids[start + place])] = int(gallery.face_ids[rows[cosines[place].argmax()]])
    with catalogue.read() as session:
        details = faces.details(session, sorted(found), model_id=gallery.model_id)
    return [Candidate(each.face, each.path, found[each.face]) for each in details]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Ids of photos, of single faces, and of files whose content was never known."""

    photos: frozenset[int]
    faces: frozenset[int] = frozenset()
    files: frozenset[int] = frozenset()


def _chosen(session: Session, wanted: Wanted, now: datetime) -> _Chosen:
    """What is named, as it is named: faces stay faces."""
    of_faces = erasure.faces_of(session, wanted.faces)
    for face_id in wanted.faces:
        if face_id not in of_faces:
            faces.require(session, face_id)
    found: list[tuple[int, int | None]] = []
    for path in wanted.photos:
        some = erasure.photos_of_paths(session, path) or erasure.photos_of_paths(session, os.path.realpath(path))
        if not some:
            raise PhotoUnknown(
                f"{display(path)} is no photo of this catalogue: check how it is spelled.", path=display(path)
            )
        found += some
    for folder in wanted.folders:
        some = erasure.photos_of_folder(session, folder) or erasure.photos_of_folder(session, os.path.realpath(folder))
        if not some:
            raise PhotoUnknown(
                f"No photo of this catalogue lies in {display(folder)}: check how it is spelled.", path=display(folder)
            )
        found += some
    photos = {photo_id for _, photo_id in found if photo_id is not None}
    if wanted.before is not None:
        photos |= set(erasure.photos_before(session, min(wanted.before, now)))
    files = frozenset(file_id for file_id, photo_id in found if photo_id is None)
    return _Chosen(frozenset(photos), frozenset(of_faces), files)


def _plan(session: Session, wanted: Wanted, now: datetime, *, override: bool) -> Plan:
    chosen = _chosen(session, wanted, now)
    of_faces = erasure.faces_of(session, sorted(chosen.faces))
    photos = chosen.photos | _emptied(session, chosen.photos, of_faces)
    single = {face_id for face_id, photo_id in of_faces.items() if photo_id not in photos}
    held_photos, held_faces = (set[int](), set[int]()) if override else _held(session, photos, single, of_faces)
    photos -= held_photos
    single -= held_faces
    held = held_photos | {of_faces[each] for each in held_faces}
    doomed = Doomed(tuple(sorted(photos)), tuple(sorted(single)), tuple(sorted(chosen.files)), wanted.folders)
    paths = erasure.paths_of(session, [*photos, *held, *(of_faces[each] for each in single)])
    gone = sorted({path for photo_id in photos for path in paths[photo_id]})
    named = wanted.photos or wanted.folders
    elsewhere = [path for path in gone if named and not _is_named(path, wanted)]
    inside = erasure.faces_in(session, sorted(photos))
    in_cases = cases.naming(session, [*single, *(each for some in inside.values() for each in some)])
    return Plan(
        doomed,
        sum(map(len, inside.values())) + len(single),
        tuple(map(as_path, gone)),
        sum(not paths[photo_id] for photo_id in photos),
        tuple(map(as_path, elsewhere)),
        tuple((each, _first(paths[of_faces[each]])) for each in sorted(single)),
        tuple(sorted(_first(paths[each]) for each in held)),
        erasure.count_ahead(session, now) if wanted.before is not None else 0,
        bool(photos) and len(photos) == erasure.count_photos(session),
        tuple(each for folder in wanted.folders for each in exhibits.listed_below(session, folder)),
        tuple(in_cases),
    )


def _emptied(session: Session, photos: Set[int], of_faces: Mapping[int, int]) -> set[int]:
    """Further photos that go as a whole, since all of their faces go. of_faces: the photo of each face that goes."""
    others = set(of_faces.values()) - photos
    found = erasure.faces_in(session, sorted(others), found=True)
    # One without any has nothing but what the last look did not find again.
    return {photo_id for photo_id in others if set(found.get(photo_id, ())) <= of_faces.keys()}


def _held(
    session: Session, photos: Set[int], single: Set[int], of_faces: Mapping[int, int]
) -> tuple[set[int], set[int]]:
    """Which of these photos, and of these faces of other photos, are held. A held face holds its photo."""
    faces_held, photos_held = erasure.holds(session)
    return (
        {each for each in photos if each in photos_held or each in faces_held},
        {each for each in single if of_faces[each] in photos_held or each in faces_held.get(of_faces[each], ())},
    )


def _is_named(path: bytes, wanted: Wanted) -> bool:
    return path in wanted.photos or any(within(folder, path) is not None for folder in wanted.folders)


def _first(paths: Sequence[bytes]) -> Path:
    return as_path(paths[0]) if paths else _NO_FILE
