"""A result that is looked through chunk by chunk: ranked once, while details are fetched, and what is shown is logged,
for each chunk when somebody sees it.

Between two chunks nothing of the catalogue is kept open, so a view that stays open for hours holds up neither an index
run nor `forget`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from db import generation
from db.catalogue import Catalogue
from db.snapshot import Gallery
from facesearch.cases.keeping import is_kept_here, keep, keep_more
from facesearch.cases.kept import Kept
from facesearch.custody.audit import log_result
from facesearch.custody.policy import asked_attributes, permit, policy_of
from facesearch.errors import SearchError
from facesearch.search import description, similar
from facesearch.search.face_filters import left_out_by
from facesearch.search.hits import Ranking, SearchResult, gallery_of, hits_of, ids_and_scores, shown_by
from facesearch.search.request import Request

CHUNK = 120
"""Hits that are shown, and logged, at once."""

_RANKED = 42 * CHUNK
"""Hits that are ranked at first: some five thousand, more than most people look at."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The order in which faces answer a request, at one moment. faces: int64 [n], ids, best first; scores: float64 [n].

    about: the result without its hits. generation: of the catalogue at that moment. complete: whether there is no face
    behind the last one. probes: the faces to resemble; none for a description.
    """

    request: Request
    faces: NDArray[np.int64]
    scores: NDArray[np.float64]
    about: SearchResult
    generation: int
    complete: bool
    probes: tuple[similar.ProbeFace, ...] = ()

    @property
    def found(self) -> int:
        """How many faces there are to look through: all that pass the filters, unless a least score is asked for."""
        return len(self.faces) if self.complete else self.about.faces

    def rank_of(self, face: int) -> int | None:
        """The rank of a face, from 1; None where it is not among those that are ranked."""
        places = np.flatnonzero(self.faces == face)
        return int(places[0]) + 1 if len(places) else None


@dataclass(frozen=True, slots=True)
class Absent:
    """Why a face is not among the hits shown. rank: where it stands, None where it is no hit at all. filters: those
    that leave it out, in words; score: what it would have, None where no score is asked for or it has none."""

    rank: int | None
    filters: tuple[str, ...] = ()
    score: float | None = None


def rank(
    catalogue: Catalogue, request: Request, probes: Sequence[similar.ProbeFace] = (), *, top: int | None = _RANKED
) -> Ranked:
    """Rank the faces, the `top` first of them (None: all). Nothing is logged yet, since nobody has seen any. Raises as
    `description.search`, or `similar.similar` where there are probes."""
    permit(catalogue, similar=bool(probes), attributes=asked_attributes(request))
    with catalogue.read() as session:
        now = generation.current(session)
    found = _ranking(catalogue, request, probes, top, count_fitting=is_kept_here(catalogue) is not None)
    return Ranked(
        request,
        found.gallery.face_ids[found.rows],
        found.scores,
        found.about,
        now,
        top is None or len(found.rows) < top,
        tuple(probes),
    )


def show(
    catalogue: Catalogue,
    ranked: Ranked,
    first: int,
    *,
    most: int = CHUNK,
    logged: bool = True,
    kept: Kept | None = None,
) -> SearchResult:
    """The hits from rank `first` on, `most` of them; what is shown is logged, unless it was before, and kept in the
    case that the work is done for. kept: the search there of which other hits were kept before; None for a new one.

    Raises SearchError where the network in use is another one by now, and CatalogueError subclasses.
    """
    gallery = _gallery(catalogue, ranked)
    ids = ranked.faces[first - 1 : first - 1 + most]
    rows = _rows(gallery, ids)
    known = rows >= 0
    request = ranked.request
    asked = request.changes.asked if ranked.probes else request.query
    scores = ranked.scores[first - 1 : first - 1 + most]
    hits = hits_of(catalogue, gallery, rows[known], scores[known], asked, request.photo_filters, first)
    about = ranked.about
    if first == 1 and not ranked.probes:
        more = description.notices_on(request.query, hits, about.without, about.best)
        about = replace(about, notices=(*about.notices, *more))
    policy = policy_of(catalogue)
    result = replace(about, hits=shown_by(policy, hits))
    if not logged:
        return result
    kind = "similar" if ranked.probes else "search"
    row = log_result(catalogue, kind, request, gallery.model.digest, ids_and_scores(hits), policy)
    if kept is not None and kept.number is not None:
        kept = keep_more(catalogue, kept, hits)
    else:
        logits = np.stack([each.logits for each in ranked.probes]) if ranked.probes else None
        kept = keep(catalogue, kind, request, replace(about, hits=hits, logged=row), logits)
    return replace(result, logged=row, kept=kept)


def has_changed(catalogue: Catalogue, ranked: Ranked) -> bool:
    """Whether what is searched has changed since."""
    with catalogue.read() as session:
        return generation.current(session) != ranked.generation


def find_absent(catalogue: Catalogue, ranked: Ranked, face: int) -> Absent:
    """Why a face is not seen: it stands further down, or a filter or the least score leaves it out.

    Raises CatalogueError subclasses that say so where it is not searched at all (FaceUnknown, FaceForgotten,
    FaceHidden, FaceUnfound, FaceUnscored).
    """
    if (at := ranked.rank_of(face)) is not None:
        return Absent(at)
    similar.indexed_faces(catalogue, [face])  # says why it is not searched
    gallery = _gallery(catalogue, ranked)
    row = _rows(gallery, np.array([face], np.int64))[0]
    if row < 0:
        return Absent(None)
    filters = left_out_by(catalogue, gallery, ranked.request, int(row))
    everything = replace(ranked.request, min_score=0.0)
    found = _ranking(catalogue, everything, ranked.probes, None)
    places = np.flatnonzero(found.gallery.face_ids[found.rows] == face)
    if not len(places):
        return Absent(None, filters)
    score = float(found.scores[places[0]])
    return Absent(None if filters or score < ranked.request.min_score else int(places[0]) + 1, filters, score)


def _ranking(
    catalogue: Catalogue,
    request: Request,
    probes: Sequence[similar.ProbeFace],
    top: int | None,
    *,
    count_fitting: bool = False,
) -> Ranking:
    if probes:
        return similar.rank(catalogue, probes, request, top=top)
    return description.rank(catalogue, request, top=top, count_fitting=count_fitting)


def _gallery(catalogue: Catalogue, ranked: Ranked) -> Gallery:
    gallery = gallery_of(catalogue)
    if gallery.model.digest != ranked.about.model.digest:
        raise SearchError("The faces are scored by another network since: search again.")
    return gallery


def _rows(gallery: Gallery, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """In which rows of the gallery these faces are, int64 [n]; -1 for one that is not there any more."""
    among = np.flatnonzero(np.isin(gallery.face_ids, ids))
    found = dict(zip(gallery.face_ids[among].tolist(), among.tolist(), strict=True))
    return np.array([found.get(face, -1) for face in ids.tolist()], np.int64)
