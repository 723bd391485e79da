"""Faces and their scores: written in batches, read by id."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import bindparam, exists, func, insert, select, update
from sqlalchemy.orm import Session

from db import exhibits, generation, masks, models
from db.arrays import Floats, pack, unpack_rows
from db.chunks import chunks
from db.errors import FaceForgotten, FaceHidden, FaceUnfound, FaceUnknown, FaceUnscored, damaged_row
from db.matching import match
from db.paths import as_path, display, join
from db.schema import Face, File, Model, Photo, Root, Score, Tombstone
from db.values.box import Box, FacePlace
from db.values.photo import RECOGNISED
from db.values.scoring_model import ScoringModel

_NO_LOGITS = np.empty(0, np.float32)
_NO_ID = 1 << 63  # SQLite has no integers that great, and refuses to be asked for them


@dataclass(frozen=True, slots=True, eq=False)
class FaceRecord:
    """A face to store. box and landmarks (float32[5, 2]): pixels of the upright picture. detection: 0..1.

    turned: 0, 90, 180 or 270, the degrees by which the photo was turned when the detector found it.
    logits: float32[A], of the model named when recording. page: the picture of the file that it is in, from 1; seconds:
    when that is shown, None where nothing moves; notice: what is to be said of that picture, None for nothing.
    """

    box: Box
    detection: float
    landmarks: Floats
    logits: Floats
    turned: int = 0
    page: int = 1
    seconds: float | None = None
    notice: str | None = None


_REPLACED = Path("(replaced by another picture)")


@dataclass(frozen=True, slots=True, eq=False)
class FaceDetails:
    """A face with all that a result shows. x, y, width, height: pixels of the upright photo.

    paths: absolute, of every file with this content that is not known to be missing (when all are, of the missing
    ones), in byte order; none where its files were replaced by other pictures while a search ran. taken: without a time
    zone, by the camera's own clock; camera: "" for unknown (both as EXIF has it). logits: float32[A]. inside: each of
    the paths within its root. page, seconds, notice: as in `FaceRecord`; pages: how many pictures the file holds.
    exhibits: the reference of those of the paths that are in evidence.
    """

    face: int
    photo_id: int
    paths: tuple[Path, ...]
    x: float
    y: float
    width: float
    height: float
    detection: float
    turned: int
    sha256: str
    taken: datetime | None
    camera: str
    logits: Floats
    inside: Mapping[Path, bytes] = field(default_factory=dict)
    page: int = 1
    seconds: float | None = None
    notice: str | None = None
    pages: int = 1
    masked: tuple[Box, ...] = ()
    exhibits: Mapping[Path, str] = field(default_factory=dict)

    @property
    def exhibit(self) -> str:
        """Under which reference the folder of its first path is in evidence; "" where it has none."""
        return self.exhibits.get(self.path, "")

    @property
    def box(self) -> Box:
        """Where it is, in pixels of the upright photo."""
        return Box(self.x, self.y, self.width, self.height)

    @property
    def size(self) -> float:
        """The longer side, as in `Gallery.sizes`."""
        return max(self.width, self.height)

    @property
    def path(self) -> Path:
        """The file to show: the first."""
        return self.paths[0] if self.paths else _REPLACED

    @property
    def display(self) -> str:
        """Its path as text that can be printed anywhere, with the picture of the file that it is in, if that holds
        several."""
        return display(os.fsencode(self.path)) + self.where

    @property
    def where(self) -> str:
        """ ", page 2" or ", at 3.5 s", to stand behind the file's name; "" for the only picture of a file."""
        return where(self.page, self.seconds, self.pages)


def where(page: int, seconds: float | None, pages: int) -> str:
    """ ", page 2" or ", at 3.5 s", to stand behind the name of a file of so many pictures; "" for its only one."""
    if seconds is not None:
        return f", at {seconds:.1f} s"
    return f", page {page}" if pages > 1 or page > 1 else ""


@dataclass(frozen=True, slots=True, eq=False)
class FaceInFull:
    """All that is known of one visible face and its photo.

    face: its paths are those of the files that are there, its logits those of `model`. missing: absolute paths of files
    that had this content and are gone, in byte order. photo_width, photo_height: pixels of the upright photo; format:
    as the decoder named it. photo_bytes: size of its file. model: the serving one.
    """

    face: FaceDetails
    missing: tuple[Path, ...]
    photo_width: int | None
    photo_height: int | None
    photo_bytes: int
    format: str | None
    model: ScoringModel


@dataclass(frozen=True, slots=True)
class UnscoredPhoto:
    """A content with faces that a model has not scored yet.

    paths: its files that are there, in byte order. faces: id and place of each face that lacks scores.
    """

    photo_id: int
    sha256: str
    paths: tuple[Path, ...]
    faces: tuple[tuple[int, FacePlace], ...]


def add(session: Session, faces: Sequence[tuple[int, FaceRecord]], model_id: int) -> list[int]:
    """Store new faces, each with the id of its photo, and their logits under this model; the new ids in this order.

    Raises ValueError on arrays of the wrong shape or numbers that are not finite.
    """
    if not faces:
        return []
    width = models.attribute_count(session, model_id)
    number = generation.stamp(session)
    rows = [
        {"photo_id": photo_id, "hidden": False, "generation": number, **_face_row(face)} for photo_id, face in faces
    ]
    logits = [pack(face.logits, (width,)) for _, face in faces]
    # Ids only grow and this transaction is the only writer: what comes after `before` is ours, in this order.
    before = session.execute(select(func.coalesce(func.max(Face.id), 0))).scalar_one()
    session.execute(insert(Face), rows)
    ids = list(session.execute(select(Face.id).where(Face.id > before).order_by(Face.id)).scalars())
    session.execute(
        insert(Score),
        [{"model_id": model_id, "face_id": face_id, "logits": blob} for face_id, blob in zip(ids, logits, strict=True)],
    )
    return ids


@dataclass(frozen=True, slots=True)
class Difference:
    """What a new look at a photo changed. gained: faces that are new or found again; lost: those not found any more."""

    gained: int
    lost: int


def replace(session: Session, looks: Mapping[int, Sequence[FaceRecord]], model_id: int) -> dict[int, Difference]:
    """Store what new looks found in photos (by id), with logits under this model; the difference in each photo.

    A face that covers the place of a former one on its page, by `match`, takes its id: first of those that the last
    look found, so that none of them gives way to one it did not find, then of the others. Former faces without one are
    `unfound` and hidden. Those found again stay hidden until `update_visibility`. Scores of other models for a face
    that changed become stale. What is as before is not written, and counts as unchanged for snapshots.
    """
    former = _faces_by_photo(session, looks)
    new: list[tuple[int, FaceRecord]] = []
    found: list[tuple[Face, FaceRecord]] = []
    unfound: list[int] = []
    differences: dict[int, Difference] = {}
    for photo_id, faces in looks.items():
        as_found = [each for each in former[photo_id] if not each.unfound]
        pairs, left, missed = _paired(faces, as_found)
        back, left, _ = _paired(left, [each for each in former[photo_id] if each.unfound])
        new += [(photo_id, face) for face in left]
        found += [*pairs, *back]
        unfound += missed
        differences[photo_id] = Difference(len(left) + len(back), len(missed))
    _move(session, found, model_id)
    for some in chunks(unfound):
        session.execute(
            update(Face)
            .where(Face.id.in_(some))
            .values(unfound=True, hidden=True, generation=generation.stamp(session)),
            execution_options={"synchronize_session": False},
        )
    add(session, new, model_id)
    return differences


def _faces_by_photo(session: Session, photo_ids: Collection[int]) -> dict[int, list[Face]]:
    """The faces of each photo as they are now, also where this session has loaded and changed them before."""
    former: dict[int, list[Face]] = {photo_id: [] for photo_id in photo_ids}
    for some in chunks(sorted(photo_ids)):
        of_photos = select(Face).where(Face.photo_id.in_(some)).order_by(Face.id)
        for face in session.execute(of_photos, execution_options={"populate_existing": True}).scalars():
            former[face.photo_id].append(face)
    return former


def _paired(
    new: Sequence[FaceRecord], old: Sequence[Face]
) -> tuple[list[tuple[Face, FaceRecord]], list[FaceRecord], list[int]]:
    """Former faces with the new ones in their place, the new ones without one, and ids of the former without one."""
    matched = _matched(new, old)
    places = set(matched.values())
    return (
        [(old[theirs], new[ours]) for ours, theirs in matched.items()],
        [face for number, face in enumerate(new) if number not in matched],
        [each.id for number, each in enumerate(old) if number not in places],
    )


def _matched(new: Sequence[FaceRecord], old: Sequence[Face]) -> dict[int, int]:
    """`match`, page by page."""
    pairs: dict[int, int] = {}
    for page in sorted({face.page for face in new}):
        ours = [place for place, face in enumerate(new) if face.page == page]
        theirs = [place for place, face in enumerate(old) if face.page == page]
        found = match([new[place].box for place in ours], [_box(old[place]) for place in theirs])
        pairs |= {ours[one]: theirs[other] for one, other in found.items()}
    return pairs


def _box(face: Face) -> Box:
    return Box(face.x, face.y, face.width, face.height)


def _move(session: Session, found: Sequence[tuple[Face, FaceRecord]], model_id: int) -> None:
    """Give former faces their new places, detection scores and logits."""
    width = models.attribute_count(session, model_id)
    logits = {each.id: pack(face.logits, (width,)) for each, face in found}
    scored: dict[int, tuple[bytes, bool]] = {}
    for some in chunks(list(logits)):
        rows = session.execute(
            select(Score.face_id, Score.logits, Score.stale).where(Score.model_id == model_id, Score.face_id.in_(some))
        )
        scored.update({face_id: (blob, stale) for face_id, blob, stale in rows})
    changed: list[dict[str, Any]] = []
    for each, face in found:
        row = _face_row(face)
        as_before = all(getattr(each, column) == value for column, value in row.items())
        if each.unfound or not as_before or scored.get(each.id) != (logits[each.id], False):
            changed.append({"row": each.id, "unfound": False, "generation": generation.stamp(session), **row})
    if not changed:
        return
    ids = [row["row"] for row in changed]
    session.connection().execute(update(Face).where(Face.id == bindparam("row")), changed)
    _set_scores(session, model_id, {face_id: logits[face_id] for face_id in ids}, scored.keys())
    others = list(session.execute(select(Model.id).where(Model.id != model_id)).scalars())
    for some in chunks(ids, 500):
        session.execute(
            update(Score).where(Score.model_id.in_(others), Score.face_id.in_(some)).values(stale=True),
            execution_options={"synchronize_session": False},
        )


def _face_row(face: FaceRecord) -> dict[str, Any]:
    return {
        "x": face.box.x,
        "y": face.box.y,
        "width": face.box.width,
        "height": face.box.height,
        "detection": face.detection,
        "turned": face.turned,
        "landmarks": pack(face.landmarks, (5, 2)),
        "page": face.page,
        "seconds": face.seconds,
        "notice": face.notice,
    }


def _set_scores(session: Session, model_id: int, logits: Mapping[int, bytes], scored: Collection[int]) -> None:
    """Store packed logits by face id; `scored`: which of these faces have some of this model, which they replace."""
    fresh = [face_id for face_id in logits if face_id not in scored]
    again = [face_id for face_id in logits if face_id in scored]
    if fresh:
        session.execute(
            insert(Score), [{"model_id": model_id, "face_id": face_id, "logits": logits[face_id]} for face_id in fresh]
        )
    if again:
        session.connection().execute(
            update(Score).where(Score.model_id == model_id, Score.face_id == bindparam("face")).values(stale=False),
            [{"face": face_id, "logits": logits[face_id]} for face_id in again],
        )


def update_visibility(session: Session, photo_ids: Sequence[int]) -> int:
    """Hide the faces of those photos that have no file left, show those of the others but the unfound ones; how many
    faces changed."""
    changed = 0
    for some in chunks(sorted(set(photo_ids))):
        there = File.missing_since.is_(None)
        present = set(session.execute(select(File.photo_id).where(File.photo_id.in_(some), there)).scalars())
        for hide in (True, False):
            photos = [photo_id for photo_id in some if (photo_id not in present) == hide]
            other = select(Face.id).where(Face.photo_id.in_(photos), Face.hidden.is_(not hide))
            ids = session.execute(other if hide else other.where(Face.unfound.is_(False)))
            changed += _set_hidden(session, list(ids.scalars()), hide)
    return changed


def _set_hidden(session: Session, face_ids: list[int], hidden: bool) -> int:
    for some in chunks(face_ids):
        session.execute(
            update(Face).where(Face.id.in_(some)).values(hidden=hidden, generation=generation.stamp(session)),
            execution_options={"synchronize_session": False},
        )
    return len(face_ids)


def unscored(session: Session, model_id: int, *, after: int = 0, limit: int = 256) -> list[UnscoredPhoto]:
    """Photos with faces that this model has not scored where they are now; the next `limit` with an id > after.

    Those of photos that are gone are among them, unfound ones are not.
    """
    lacks = ~models.has_scored(model_id) & Face.unfound.is_(False)
    photo_ids = list(
        session.execute(
            select(Face.photo_id).where(lacks, Face.photo_id > after).distinct().order_by(Face.photo_id).limit(limit)
        ).scalars()
    )
    faces: dict[int, list[tuple[int, FacePlace]]] = {}
    paths: dict[int, list[bytes]] = {}
    digests: dict[int, str] = {}
    for some in chunks(photo_ids):
        place = (Face.x, Face.y, Face.width, Face.height, Face.turned, Face.page)
        columns = (Face.photo_id, Face.id, *place, Photo.sha256)
        rows = session.execute(
            select(*columns).join(Photo, Photo.id == Face.photo_id).where(lacks, Face.photo_id.in_(some))
        )
        for photo_id, face_id, x, y, width, height, turned, page, sha256 in rows:
            cut_at = FacePlace(Box(x, y, width, height), turned, page)
            faces.setdefault(photo_id, []).append((face_id, cut_at))
            digests[photo_id] = sha256
        for photo_id, missing, path, _ in _files(session, some):
            if not missing:
                paths.setdefault(photo_id, []).append(path)
    return [
        UnscoredPhoto(
            photo_id,
            digests[photo_id],
            tuple(as_path(path) for path in sorted(set(paths.get(photo_id, [])))),
            tuple(sorted(faces[photo_id], key=lambda face: face[0])),
        )
        for photo_id in photo_ids
    ]


def count_hidden(session: Session, photo_id: int | None) -> int:
    """How many faces of this photo are found in no search, since no file holds it any more."""
    statement = select(func.count(Face.id)).where(Face.photo_id == photo_id, Face.hidden, Face.unfound.is_(False))
    return session.execute(statement).scalar_one()


def unscored_count(session: Session, model_id: int) -> int:
    """How many visible faces this model has not scored where they are now."""
    lacks = ~models.has_scored(model_id)
    return session.execute(select(func.count(Face.id)).where(Face.hidden.is_(False), lacks)).scalar_one()


def unsearchable_count(session: Session, model_id: int) -> int:
    """How many visible faces have no scores of this model at all, not even stale ones."""
    lacks = ~exists().where(Score.model_id == model_id, Score.face_id == Face.id)
    return session.execute(select(func.count(Face.id)).where(Face.hidden.is_(False), lacks)).scalar_one()


def record_scores(session: Session, model_id: int, face_ids: Sequence[int], logits: Floats) -> int:
    """Store logits (float32[len(face_ids), A]) of faces that this model has not scored where they are now; how many
    were new.

    Faces that have some under this model keep them unless they are stale. Raises ValueError on arrays of the wrong
    shape or numbers that are not finite.
    """
    width = models.attribute_count(session, model_id)
    pack(logits, (len(face_ids), width))
    scored: dict[int, bool] = {}
    for some in chunks(face_ids):
        known = select(Score.face_id, Score.stale).where(Score.model_id == model_id, Score.face_id.in_(some))
        scored.update((face_id, stale) for face_id, stale in session.execute(known))
    rows = {
        face_id: pack(row, (width,)) for face_id, row in zip(face_ids, logits, strict=True) if scored.get(face_id, True)
    }
    if not rows:
        return 0
    _set_scores(session, model_id, rows, scored.keys())
    if models.serving_id(session) == model_id:
        for some in chunks(list(rows)):
            session.execute(
                update(Face).where(Face.id.in_(some)).values(generation=generation.stamp(session)),
                execution_options={"synchronize_session": False},
            )
    return len(rows)


def details(
    session: Session, face_ids: Sequence[int] | npt.NDArray[np.int64], *, model_id: int | None = None
) -> list[FaceDetails]:
    """What a result shows of these faces, in this order, with the logits of the given (else the serving) model.

    Hidden faces are given as well. Raises FaceUnknown for an id that no face has, FaceUnscored for a face that the
    model has not scored.
    """
    wanted = [int(face_id) for face_id in face_ids]
    if model_id is None:
        model_id = models.serving_id(session)
    found = _details(session, wanted, model_id, scored=True)
    for face_id in wanted:
        if face_id not in found:
            _is_hidden(session, face_id)  # which knows whether there is such a face at all
            raise _unscored(face_id)
    return [found[face_id] for face_id in wanted]


def known(session: Session, face_ids: Sequence[int]) -> dict[int, FaceDetails]:
    """The same by id, of those of these faces that there are, hidden ones and such without scores of the serving model
    as well; those have no logits (float32[0])."""
    return _details(session, face_ids, models.serving_id(session), scored=False)


def _details(session: Session, wanted: Sequence[int], model_id: int | None, *, scored: bool) -> dict[int, FaceDetails]:
    width = 0 if model_id is None else models.attribute_count(session, model_id)
    found: dict[int, FaceDetails] = {}
    for some in chunks(sorted(face_id for face_id in set(wanted) if abs(face_id) < _NO_ID)):
        rows = list(
            session.execute(
                select(
                    Face.id,
                    Face.photo_id,
                    Face.x,
                    Face.y,
                    Face.width,
                    Face.height,
                    Face.detection,
                    Face.turned,
                    Face.page,
                    Face.seconds,
                    Face.notice,
                    Photo.pages,
                    Photo.sha256,
                    Photo.taken,
                    Photo.camera,
                    Score.logits,
                )
                .join(Photo, Photo.id == Face.photo_id)
                .join(Score, (Score.face_id == Face.id) & (Score.model_id == model_id), isouter=not scored)
                .where(Face.id.in_(some))
            )
        )
        with_scores = [row for row in rows if row.logits is not None]
        logits = unpack_rows([row.logits for row in with_scores], width)
        _require_numbers([(row.x, row.y, row.width, row.height, row.detection) for row in rows], logits)
        by_face = {row.id: of_row for row, of_row in zip(with_scores, logits, strict=True)}
        paths = _paths(session, sorted({row.photo_id for row in rows}))
        references = exhibits.names(session)
        masked = masks.of_photos(session, [row.photo_id for row in rows])
        for row in rows:
            found[row.id] = FaceDetails(
                face=row.id,
                photo_id=row.photo_id,
                paths=tuple(paths[row.photo_id]),
                inside=paths[row.photo_id],
                exhibits=_exhibits(paths[row.photo_id], references),
                x=row.x,
                y=row.y,
                width=row.width,
                height=row.height,
                detection=row.detection,
                turned=row.turned,
                sha256=row.sha256,
                taken=row.taken,
                camera=row.camera,
                logits=by_face.get(row.id, _NO_LOGITS),
                page=row.page,
                seconds=row.seconds,
                notice=row.notice,
                pages=row.pages,
                masked=tuple(place.box for place in masked.get(row.photo_id, ()) if place.page == row.page),
            )
    return found


def details_of_scored(session: Session, face_ids: Sequence[int]) -> list[FaceDetails]:
    """`details` of those of these faces that are visible and that the serving model has scored."""
    model_id = models.serving_id(session)
    known: list[int] = []
    for some in chunks(sorted(set(face_ids))):
        scored = exists().where(Score.model_id == model_id, Score.face_id == Face.id)
        known += session.execute(select(Face.id).where(Face.id.in_(some), Face.hidden.is_(False), scored)).scalars()
    return details(session, known, model_id=model_id)


def in_full(session: Session, face_id: int) -> FaceInFull:
    """Everything about one visible face, with the logits of the serving model.

    Raises FaceUnknown (no face ever had this id, or it was deleted), FaceUnfound (the last look at its photo did not
    find it again), FaceHidden (no file of its photo is there any more), FaceUnscored (the serving model has not scored
    it).
    """
    if _is_hidden(session, face_id):
        photo_id, unfound = session.execute(select(Face.photo_id, Face.unfound).where(Face.id == face_id)).one()
        last = tuple(_paths(session, [photo_id])[photo_id])
        if unfound:
            photo = f"its photo {display(os.fsencode(last[0]))}" if last else "its photo"
            raise FaceUnfound(
                f"Face {face_id} is not among the results any more because the newest look at {photo} does not find "
                f"it again: open the photo to see what was taken for a face; should a later look find it, it comes "
                f"back under this number.",
                face=face_id,
            )
        if not last:
            raise FaceHidden(
                f"Face {face_id} is not among the results any more because no known file holds its photo: another "
                "picture has taken its place, whose faces have other numbers, or its folder was forgotten.",
                "face replaced",
                face=face_id,
            )
        photo = f"its photo {display(os.fsencode(last[0]))}"
        why = session.execute(
            select(File.left_out).where(File.photo_id == photo_id, File.left_out.is_not(None))
        ).scalars()
        left_out = next(why, None)
        if left_out in RECOGNISED:
            raise FaceHidden(
                f"Face {face_id} is not among the results any more because its photo is of a set of {left_out.value} "
                "files, and is not shown.",
                "face of a known file",
                face=face_id,
            )
        if left_out is not None:
            raise FaceHidden(
                f"Face {face_id} is not among the results any more because {photo} is {left_out.value}, and passed "
                "over.",
                "face left out",
                face=face_id,
                why=left_out.value,
            )
        raise FaceHidden(
            f"Face {face_id} is not among the results any more because {photo} is gone: put it back.",
            face=face_id,
        )
    serving = models.serving(session)
    if serving is None:
        raise _unscored(face_id)
    model_id, model = serving
    (face,) = details(session, [face_id], model_id=model_id)
    width, height, size, format = session.execute(
        select(Photo.width, Photo.height, Photo.size, Photo.format).where(Photo.id == face.photo_id)
    ).one()
    missing = {path for _, gone, path, _ in _files(session, [face.photo_id]) if gone}
    return FaceInFull(face, tuple(as_path(path) for path in sorted(missing)), width, height, size, format, model)


def require(session: Session, face_id: int) -> None:
    """Raises FaceUnknown where there is no such face, visible or hidden."""
    _is_hidden(session, face_id)


def _require_numbers(places: Sequence[tuple[float, ...]], logits: Floats) -> None:
    """Raises CatalogueDamaged where a place or a score is no finite number."""
    try:
        sound = bool(np.isfinite(np.array(places, np.float64)).all() and np.isfinite(logits).all())
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise damaged_row("the place or a score of a face")


def _is_hidden(session: Session, face_id: int) -> bool:
    """Whether this face is hidden. Raises FaceUnknown."""
    hidden = None
    if abs(face_id) < _NO_ID:
        hidden = session.execute(select(Face.hidden).where(Face.id == face_id)).scalar_one_or_none()
    if hidden is None and abs(face_id) < _NO_ID and session.get(Tombstone, face_id) is not None:
        raise FaceForgotten(
            f"Face {face_id} was forgotten: nothing of it is kept, and its number is given to no other.", face=face_id
        )
    if hidden is None:
        raise FaceUnknown(f"There is no face {face_id} in this catalogue.", face=face_id)
    return hidden


def _unscored(face_id: int) -> FaceUnscored:
    return FaceUnscored(f"Face {face_id} has no scores of the network in use yet.", face=face_id)


def of_photo(session: Session, sha256: str, page: int = 1) -> dict[int, Box]:
    """Id and box of every face in this picture of the content with this SHA-256 (hexadecimal); empty for an unknown
    one."""
    rows = session.execute(
        select(Face.id, Face.x, Face.y, Face.width, Face.height)
        .join(Photo, Photo.id == Face.photo_id)
        .where(Photo.sha256 == sha256, Face.page == page)
        .order_by(Face.id)
    )
    return {face_id: Box(x, y, width, height) for face_id, x, y, width, height in rows}


def neighbours(session: Session, shown: Sequence[FaceDetails]) -> dict[int, tuple[Box, ...]]:
    """By face id the places of all other faces that were ever found in the same picture, but where they are the same as
    its own."""
    places: dict[tuple[int, int], list[tuple[int, Box]]] = {}
    for some in chunks(sorted({face.photo_id for face in shown})):
        rows = session.execute(
            select(Face.photo_id, Face.page, Face.id, Face.x, Face.y, Face.width, Face.height).where(
                Face.photo_id.in_(some)
            )
        )
        for photo_id, page, face_id, *place in rows:
            places.setdefault((photo_id, page), []).append((face_id, Box(*place)))
    found: dict[int, tuple[Box, ...]] = {}
    for face in shown:
        others = [box for id, box in places.get((face.photo_id, face.page), ()) if id != face.face]
        same = match(others, [face.box])  # a former look's face in this very place
        found[face.face] = tuple(box for place, box in enumerate(others) if place not in same)
    return found


def _files(session: Session, photo_ids: Sequence[int]) -> list[tuple[int, bool, bytes, bytes]]:
    """Photo id, whether it is missing, absolute path and path within its root, of every file with one of these
    contents."""
    rows = session.execute(
        select(File.photo_id, File.missing_since.is_not(None), Root.path, File.path)
        .join(Root, Root.id == File.root_id)
        .where(File.photo_id.in_(photo_ids))
    )
    return [
        (photo_id, missing, join(root, path), path) for photo_id, missing, root, path in rows if photo_id is not None
    ]


def _exhibits(paths: Mapping[Path, bytes], references: Mapping[bytes, str]) -> dict[Path, str]:
    """The reference of those of the paths (each with the path within its root) whose root is in evidence."""
    if not references:
        return {}
    roots = {path: os.fsencode(path).removesuffix(inside).rstrip(b"/") or b"/" for path, inside in paths.items()}
    return {path: references[root] for path, root in roots.items() if root in references}


def _paths(session: Session, photo_ids: Sequence[int]) -> dict[int, dict[Path, bytes]]:
    """For each photo its present paths in byte order, each once, with the path within its root; those of a photo
    without any, the missing ones. None where its files hold other contents now."""
    by_photo: dict[int, dict[bool, dict[bytes, bytes]]] = {photo_id: {False: {}, True: {}} for photo_id in photo_ids}
    for photo_id, missing, path, inside in _files(session, photo_ids):
        by_photo[photo_id][missing][path] = inside
    return {
        photo_id: {as_path(path): inside for path, inside in sorted((paths[False] or paths[True]).items())}
        for photo_id, paths in by_photo.items()
    }
