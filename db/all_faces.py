"""Every visible face with its photo's facts, from the first to the last: what an export of all of them is made of."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.chunks import listed
from db.errors import damaged_row
from db.paths import join
from db.schema import Face, File, Photo, Root, Score, Tombstone


class FaceRow(NamedTuple):
    """A face as it is stored. logits: as packed; None where the model has not scored it. paths: absolute, of the files
    that are there, in byte order."""

    face: int
    photo: int
    page: int
    seconds: float | None
    x: float
    y: float
    width: float
    height: float
    turned: int
    detection: float
    sha256: str
    taken: datetime | None
    camera: str
    logits: bytes | None
    paths: tuple[bytes, ...]


def count(session: Session) -> int:
    """How many faces are visible."""
    return session.execute(select(func.count(Face.id)).where(Face.hidden.is_(False))).scalar_one()


def batches(session: Session, model_id: int, size: int) -> Iterator[list[FaceRow]]:
    """All visible faces by id, `size` at a time, with this model's scores; none of what was forgotten is left to be
    among them."""
    after = -1
    while True:
        rows = session.execute(
            select(
                Face.id,
                Face.photo_id,
                Face.page,
                Face.seconds,
                Face.x,
                Face.y,
                Face.width,
                Face.height,
                Face.turned,
                Face.detection,
                Photo.sha256,
                Photo.taken,
                Photo.camera,
                Score.logits,
            )
            .join(Photo, Photo.id == Face.photo_id)
            .outerjoin(Score, (Score.face_id == Face.id) & (Score.model_id == model_id))
            .where(Face.hidden.is_(False), Face.id > after)
            .order_by(Face.id)
            .limit(size)
        ).all()
        if not rows:
            return
        paths = _paths(session, sorted({row.photo_id for row in rows}))
        yield [_face_row(row, paths.get(row.photo_id, ())) for row in rows]
        after = rows[-1].id


def forgotten_since(session: Session, number: int) -> int:
    """How many faces were taken out for good after this generation."""
    return session.execute(select(func.count(Tombstone.face_id)).where(Tombstone.generation > number)).scalar_one()


def _face_row(row: Any, paths: Sequence[bytes]) -> FaceRow:
    if not all(isinstance(each, float | int) for each in (row.x, row.y, row.width, row.height, row.detection)):
        raise damaged_row("the place of a face")
    return FaceRow._make((*row, tuple(paths)))


def _paths(session: Session, photo_ids: Sequence[int]) -> dict[int, list[bytes]]:
    """The absolute paths of each photo's files that are there, in byte order, each once."""
    rows = session.execute(
        select(File.photo_id, Root.path, File.path)
        .join(Root, Root.id == File.root_id)
        .where(File.photo_id.in_(listed(photo_ids)), File.missing_since.is_(None))
    )
    found: dict[int, set[bytes]] = {}
    for photo_id, root, path in rows:
        if photo_id is not None:
            found.setdefault(photo_id, set()).add(join(root, path))
    return {photo_id: sorted(paths) for photo_id, paths in found.items()}
