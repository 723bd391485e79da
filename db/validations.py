"""What people have measured of a network here; and the photos that such a measurement is drawn from."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import exists, insert, select
from sqlalchemy.orm import Session

from db import masks
from db.chunks import chunks
from db.paths import as_path, display, join
from db.schema import Face, File, Model, Photo, Root, Validation
from db.values.box import Box
from db.values.photo import Outcome


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement. model: digest of the checkpoint. version: of the program; decoder, detector: their names, as
    photos have them. statement: the figures (JSON)."""

    model: str
    version: str
    decoder: str
    detector: str
    statement: dict[str, Any]
    made: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A content that was looked at for faces, and what was found there.

    path: of a file that has it and is not known to be missing. boxes: of the visible faces.
    masked: where on the first page faces were that were forgotten, not to be shown.
    """

    photo_id: int
    sha256: str
    path: Path
    boxes: tuple[Box, ...]
    masked: tuple[Box, ...] = ()

    @property
    def display(self) -> str:
        """Its path as text that can be printed anywhere."""
        return display(os.fsencode(self.path))


def record(session: Session, measured: Measured) -> None:
    """Keep a measurement of a model that is registered here."""
    model_id = session.execute(select(Model.id).where(Model.digest == measured.model)).scalar_one()
    session.execute(
        insert(Validation).values(
            model_id=model_id,
            made=measured.made,
            version=measured.version,
            decoder=measured.decoder,
            detector=measured.detector,
            statement=measured.statement,
        )
    )


def measurements(session: Session) -> list[Measured]:
    """All that were made, the newest first."""
    rows = session.execute(
        select(
            Model.digest,
            Validation.version,
            Validation.decoder,
            Validation.detector,
            Validation.statement,
            Validation.made,
        )
        .join(Model, Model.id == Validation.model_id)
        .order_by(Validation.made.desc(), Validation.id.desc())
    )
    return [Measured(*row) for row in rows]


def looked_at(session: Session) -> list[int]:
    """Ids of the photos that were looked at for faces and have a file that is there, in ascending order."""
    there = exists().where(File.photo_id == Photo.id, File.missing_since.is_(None))
    asked = select(Photo.id).where(Photo.outcome.in_([Outcome.INDEXED, Outcome.NO_FACE]), there).order_by(Photo.id)
    return list(session.execute(asked).scalars())


def views(session: Session, photo_ids: Sequence[int], min_detection: float) -> list[PhotoView]:
    """These photos with the visible faces of at least this detection score, in this order; those are left out that no
    file holds any more."""
    found: dict[int, PhotoView] = {}
    for some in chunks(sorted(photo_ids)):
        boxes: dict[int, list[Box]] = {}
        faces = select(Face.photo_id, Face.x, Face.y, Face.width, Face.height).where(
            Face.photo_id.in_(some), Face.hidden.is_(False), Face.detection >= min_detection
        )
        for photo_id, *place in session.execute(faces.order_by(Face.id)):
            boxes.setdefault(photo_id, []).append(Box(*place))
        files = (
            select(Photo.id, Photo.sha256, Root.path, File.path)
            .join(File, File.photo_id == Photo.id)
            .join(Root, Root.id == File.root_id)
            .where(Photo.id.in_(some), File.missing_since.is_(None))
            .order_by(Root.path, File.path)
        )
        masked = masks.of_photos(session, some)
        for photo_id, sha256, root, path in session.execute(files):
            gone = tuple(place.box for place in masked.get(photo_id, ()) if place.page == 1)
            view = PhotoView(photo_id, sha256, as_path(join(root, path)), tuple(boxes.get(photo_id, ())), gone)
            found.setdefault(photo_id, view)
    return [found[photo_id] for photo_id in photo_ids if photo_id in found]
