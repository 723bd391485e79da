"""Numbers of faces that were taken out for good."""

import numpy as np
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from db.arrays import Ids
from db.chunks import chunks
from db.schema import Tombstone


def among(session: Session, face_ids: Ids) -> Ids:
    """int64: those of these faces (int64) that were taken out."""
    found: list[int] = []
    if not session.execute(select(exists().where(Tombstone.face_id > 0))).scalar_one():
        return np.empty(0, np.int64)
    for some in chunks(face_ids.tolist()):
        found += session.execute(select(Tombstone.face_id).where(Tombstone.face_id.in_(some))).scalars()
    return np.array(found, np.int64)


def every(session: Session) -> Ids:
    """int64, ascending: all faces that were taken out."""
    return np.fromiter(session.execute(select(Tombstone.face_id).order_by(Tombstone.face_id)).scalars(), np.int64)
