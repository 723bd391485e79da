"""The use case: faces to start from and an open catalogue give the faces whose profiles are nearest.

Exact over every visible face that passes the filters, on the scores of one moment. It finds similar
attributes and recognises nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from db import faces
from db.catalogue import Catalogue
from db.faces import FaceDetails
from db.snapshot import Gallery
from db.values.box import Box
from facesearch.cases.keeping import keep
from facesearch.custody.audit import log_result
from facesearch.custody.policy import asked_attributes, permit
from facesearch.errors import SearchError
from facesearch.reliability import grades, untaught
from facesearch.search.face_filters import filtered
from facesearch.search.hits import (
    Ranking,
    SearchResult,
    check_asked,
    gallery_of,
    hits_of,
    ids_and_scores,
    one_for_each_file,
    shown_by,
)
from facesearch.search.ranking.explain import weak_grades
from facesearch.search.ranking.profiles import combined, encode, similarity
from facesearch.search.request import Like, LikeFace, LikePhoto, Request
from facesearch.search.unseen import unseen_by_searches
from facesearch.vision.detection import iou

SAME_FACE_FROM = 0.5
"""Two boxes in one photo whose intersection is more than this share of their union are the same face."""


@dataclass(frozen=True, slots=True, eq=False)
class PhotoFace:
    """A face in a photo that need not be indexed. logits: float32 [40]; model: digest of the checkpoint that gave them;
    sha256: the photo's, hexadecimal; box: in pixels of the upright picture; page: which picture of the file, from 1;
    path: absolute, "" where there is none."""

    logits: NDArray[np.float32]
    model: str
    sha256: str
    box: Box
    page: int = 1
    path: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class IndexedFace:
    """A face of the catalogue. model: digest of the checkpoint that gave `details.logits`."""

    details: FaceDetails
    model: str

    @property
    def logits(self) -> NDArray[np.float32]:
        return self.details.logits

    @property
    def sha256(self) -> str:
        return self.details.sha256

    @property
    def box(self) -> Box:
        return self.details.box

    @property
    def page(self) -> int:
        return self.details.page


ProbeFace = PhotoFace | IndexedFace


def indexed_faces(catalogue: Catalogue, ids: Sequence[int]) -> tuple[IndexedFace, ...]:
    """The faces with these ids, each once, with the scores that searches use.

    Raises FaceUnknown (FaceHidden where the photo is gone, FaceUnscored where only another model has scored it).
    """
    with catalogue.read() as session:
        found = [faces.in_full(session, each) for each in dict.fromkeys(ids)]
    return tuple(IndexedFace(each.face, each.model.digest) for each in found)


def similar(
    catalogue: Catalogue, probes: Sequence[ProbeFace], request: Request | None = None, *, top: int | None = 20
) -> SearchResult:
    """The `top` faces (None: all) whose profiles are nearest to that of the probes; score = (1 + cosine) / 2.

    It is logged, and kept in the case that it is made for. probes: one face, or several of one person, which are
    combined, each once; none of them is among the hits. request: the changes that are made to the combined profile
    before it is looked for, and the filters; what the faces are to resemble is what `probes` are. Raises SearchError
    when a probe was scored by another model than the one that serves or is of a photo that is gone, and as `search`.
    """
    request = replace(request or Request(), like=like(probes))
    policy = permit(catalogue, similar=True, attributes=asked_attributes(request))
    result = nearest(catalogue, probes, request, top=top)
    logged = log_result(catalogue, "similar", request, result.model.digest, ids_and_scores(result.hits), policy)
    result = replace(result, logged=logged)
    kept = keep(catalogue, "similar", request, result, np.stack([each.logits for each in probes]))
    return replace(result, hits=shown_by(policy, result.hits), kept=kept)


def nearest(
    catalogue: Catalogue, probes: Sequence[ProbeFace], request: Request, *, top: int | None = 20
) -> SearchResult:
    """As `similar`, and not logged: for use cases of which it is a part."""
    ranking = rank(catalogue, probes, request, top=top)
    gallery = ranking.gallery
    hits = hits_of(catalogue, gallery, ranking.rows, ranking.scores, request.changes.asked, request.photo_filters)
    return replace(ranking.about, hits=hits if request.fold_copies else one_for_each_file(hits, top))


def rank(catalogue: Catalogue, probes: Sequence[ProbeFace], request: Request, *, top: int | None) -> Ranking:
    """The same without the details of the hits. Raises as `similar`."""
    changes = request.changes
    check_asked(catalogue, request, top)
    if not probes:
        raise SearchError("There is no face to start from: name a photo or a face of the catalogue.")
    gallery = gallery_of(catalogue)
    own = own_faces(catalogue, gallery, probes)
    looked_at = filtered(catalogue, gallery, request)
    allowed = looked_at.allowed & ~np.isin(gallery.face_ids, own)
    searched = int(allowed.sum())
    about = SearchResult(
        (),
        searched,
        looked_at.steps[0].left_out,
        gallery.unscored,
        gallery.model,
        looked_at.steps[1:],
        notices=looked_at.notices,
        unseen=unseen_by_searches(catalogue, gallery.unscored),
    )
    if searched == 0:
        return Ranking(gallery, np.empty(0, np.int64), np.empty(0), about)
    logits = combined(np.stack([probes[i].logits for i in distinct(probes)]))
    profile = encode(changes.apply(logits, gallery.model)[None], gallery.model)[0]
    rows, cosines = gallery.nearest(profile, searched if top is None else top, allowed, encode)
    scores = similarity(cosines)
    enough = scores >= request.min_score
    notices = (
        *about.notices,
        *untaught(changes.asked, gallery.model),
        *weak_grades(changes.asked, grades(gallery.model)),
    )
    about = replace(about, best=float(scores[0]), notices=notices)
    return Ranking(gallery, rows[enough], scores[enough], about)


def like(probes: Sequence[ProbeFace]) -> tuple[Like, ...]:
    """How a request names these faces."""
    return tuple(
        LikeFace(each.details.face)
        if isinstance(each, IndexedFace)
        else LikePhoto(each.path, each.sha256, each.page, each.box)
        for each in probes
    )


def distinct(probes: Sequence[ProbeFace]) -> list[int]:
    """Which of the probes to keep so that each face counts once: a photo may be named twice, or be indexed as well."""
    kept: list[int] = []
    for i, probe in enumerate(probes):
        if not any(_is_same_face(probe, probes[k]) for k in kept):
            kept.append(i)
    return kept


def _is_same_face(one: ProbeFace, other: ProbeFace) -> bool:
    return one.sha256 == other.sha256 and one.page == other.page and iou(one.box, other.box) > SAME_FACE_FROM


def own_faces(catalogue: Catalogue, gallery: Gallery, probes: Sequence[ProbeFace]) -> list[int]:
    """Ids of the probes themselves, where they are indexed."""
    own: list[int] = []
    for probe in probes:
        if probe.model != gallery.model.digest:
            raise SearchError(
                f"The catalogue's faces are scored by model {gallery.model.short} and the probe by {probe.model[:12]}.",
                "other network",
                catalogue=gallery.model.short,
                probe=probe.model[:12],
            )
        if isinstance(probe, IndexedFace):
            if probe.details.face not in gallery.face_ids:
                raise SearchError(
                    f"Face {probe.details.face} was just taken out of the catalogue: name another one.",
                    "face taken out",
                    face=probe.details.face,
                )
            own.append(probe.details.face)
            continue
        with catalogue.read() as session:
            known = faces.of_photo(session, probe.sha256, probe.page)
        own += [face for face, other in known.items() if iou(probe.box, other) > SAME_FACE_FROM]
    return own
