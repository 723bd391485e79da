"""What the tests of the catalogue's rows share: files recorded, lost and found again."""

import numpy as np
from sqlalchemy import select

from db import faces, generation, models, photos
from db.photos import FileRecord
from db.schema import Face
from tests.support.catalogues import (
    Opened,
    logits,
    scoring_model,
)


def record(opened: Opened, *files: FileRecord) -> int:
    catalogue, root_id, model_id = opened
    with catalogue.write() as session:
        return photos.record(session, root_id, files, model_id=model_id).faces


def known(opened: Opened) -> dict[bytes, photos.KnownFile]:
    with opened[0].read() as session:
        return photos.files_of_root(session, opened[1])


def lose(opened: Opened, *paths: bytes) -> int:
    entries = known(opened)
    with opened[0].write() as session:
        return photos.mark_missing(session, [entries[path].id for path in paths])


def find_again(opened: Opened, *paths: bytes) -> int:
    entries = known(opened)
    with opened[0].write() as session:
        return photos.mark_present(session, [entries[path].id for path in paths])


def visible(opened: Opened) -> list[int]:
    with opened[0].read() as session:
        return list(session.execute(select(Face.id).where(Face.hidden.is_(False)).order_by(Face.id)).scalars())


def generation_of(opened: Opened) -> int:
    with opened[0].read() as session:
        return generation.current(session)


def details(opened: Opened, *face_ids: int) -> list[faces.FaceDetails]:
    with opened[0].read() as session:
        return faces.details(session, face_ids)


# Models


def switch(opened: Opened, letter: str) -> tuple[int, bool]:
    with opened[0].write() as session:
        model_id = models.register(session, scoring_model(letter))
        return model_id, models.serve_when_complete(session, model_id)


def rescore(opened: Opened, model_id: int, letter: str) -> int:
    with opened[0].write() as session:
        done = 0
        for waiting in faces.unscored(session, model_id):
            ids = [face_id for face_id, _ in waiting.faces]
            done += faces.record_scores(session, model_id, ids, np.stack([logits(face, 9, letter) for face in ids]))
        return done
