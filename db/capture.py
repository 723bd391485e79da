"""Of how many photos nobody knows when and with what they were taken."""

from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import provenance, schema
from db.provenance import Group
from db.schema import Face, Photo
from db.values.photo import Outcome

NO_EXIF = "0"
"""What stands for the decoders that did not look at EXIF data yet, in `Provenance.decoder`."""


def unread_count(session: Session) -> int:
    """How many photos with faces, and with a file that is there, were last looked at before EXIF data was."""
    old = {id for id, each in provenance.known(session).items() if each.decoder == NO_EXIF}
    return provenance.behind_count(session, [Group(id, Outcome.INDEXED) for id in old])


def faces_without(session: Session, what: Literal["date", "camera"]) -> int:
    """How many visible faces are in photos whose EXIF data was read and does not say it."""
    lacks = Photo.taken.is_(None) if what == "date" else Photo.camera == ""
    table = schema.Provenance
    photos = select(Photo.id).join(table, table.id == Photo.provenance_id).where(table.decoder != NO_EXIF, lacks)
    query = select(func.count(Face.id)).where(Face.hidden.is_(False), Face.photo_id.in_(photos))
    return session.execute(query).scalar_one()
