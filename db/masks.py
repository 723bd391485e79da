"""Where faces were that were taken out, in photos that stay because of others: not to be stored or shown again."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from db.chunks import chunks
from db.schema import Mask
from db.values.box import Box


class MaskedPlace(NamedTuple):
    """page: which picture of the file, from 1. box: in pixels of that picture, upright."""

    page: int
    box: Box


def of_photos(session: Session, photo_ids: Sequence[int]) -> dict[int, list[MaskedPlace]]:
    """The masked places of those of these photos that have some."""
    found: dict[int, list[MaskedPlace]] = {}
    if not session.execute(select(exists().where(Mask.id > 0))).scalar_one():
        return found
    for some in chunks(sorted(set(photo_ids))):
        for mask in session.execute(select(Mask).where(Mask.photo_id.in_(some)).order_by(Mask.id)).scalars():
            place = MaskedPlace(mask.page, Box(mask.x, mask.y, mask.width, mask.height))
            found.setdefault(mask.photo_id, []).append(place)
    return found
