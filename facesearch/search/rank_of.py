"""The use case: why is this face not among the first? Its place in the whole order, and what keeps it from the
front."""

from dataclasses import dataclass, replace

import numpy as np

from db import faces
from db.catalogue import Catalogue
from facesearch.custody.audit import log
from facesearch.custody.policy import asked_attributes, permit
from facesearch.errors import SearchError
from facesearch.search.description import in_order
from facesearch.search.face_filters import filtered, left_out_by
from facesearch.search.hits import Hit, check_asked, gallery_of, hits_of
from facesearch.search.request import Request


@dataclass(frozen=True, slots=True, eq=False)
class RankOf:
    """Where a face stands. hit: with its rank among all `of` faces that are looked through, its score, and what fits;
    None where a filter leaves it out, and then `dropped_by` says which, in words. best: the score of the first."""

    face: int
    of: int
    hit: Hit | None
    dropped_by: str | None
    best: float | None


def rank_of(catalogue: Catalogue, request: Request, face: int) -> RankOf:
    """The place of the face with this id among all that a search for this description orders.

    It is logged. Raises FaceUnknown (FaceHidden, FaceUnfound, FaceUnscored) for one that no search finds, and as
    `search`.
    """
    policy = permit(catalogue, attributes=asked_attributes(request))
    check_asked(catalogue, request, None)
    with catalogue.read() as session:
        faces.in_full(session, face)
    gallery = gallery_of(catalogue)
    place = np.flatnonzero(gallery.face_ids == face)
    if not len(place):
        raise SearchError(f"Face {face} was changed just now: ask again.")
    looked_at = filtered(catalogue, gallery, request)
    rows, scores = in_order(request, gallery, looked_at.allowed, None)
    best = float(scores.max()) if len(scores) else None
    at = np.flatnonzero(rows == place[0])
    hit: Hit | None = None
    dropped_by: str | None = None
    if len(at):
        (found,) = hits_of(catalogue, gallery, rows[at], scores[at], request.query, request.photo_filters)
        hit = replace(found, rank=int(at[0]) + 1)
    else:
        least = f"least score of {request.min_score:g}"
        dropped_by = next(iter(left_out_by(catalogue, gallery, request, int(place[0]))), least)
    said = {"request": request.digest, "reading": str(request), "face": face}
    log(catalogue, "rank", {**said, "rank": hit.rank if hit else None}, policy)
    return RankOf(face, looked_at.faces, hit, dropped_by, best)
