"""The use case: a description or a probe, and an open catalogue, give hits. All that a command line or a page calls.

Both searches are exact over every visible face that the detector was sure enough of, and work on the catalogue as it
was at one moment.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from db import faces
from db.catalogue import Catalogue
from db.faces import FaceDetails
from db.models import ScoringModel
from db.schema import Box
from db.snapshot import Gallery, load_gallery
from facesearch.attributes import NAMES
from facesearch.detection import SEARCH_FROM, iou
from facesearch.errors import SearchError
from facesearch.network.calibration import probabilities
from facesearch.query import Asked, Query
from facesearch.ranking import scan
from facesearch.ranking.explain import AskedProbability, explain
from facesearch.ranking.similar import encode, similarity

SAME_FACE_FROM = 0.5
"""Two boxes in one photo whose intersection is more than this share of their union are the same face."""


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A face that was found.

    rank: from 1. score: 0..1, of a description the calibrated probability that it holds, of a probe the similarity.
    probabilities: float32 [40], calibrated. asked: the things asked for, each with the probability that it holds as
    asked (`str()`: "not bald 98 %"); empty for a probe.
    """

    rank: int
    score: float
    face: FaceDetails
    probabilities: NDArray[np.float32]
    asked: tuple[AskedProbability, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """What was found, best first; equal scores in order of face id.

    faces: how many were searched. withheld: how many visible faces were not, because their detection score is too low.
    unscored: how many others were not, because only a network that does not serve searches yet has scored them.
    model: the one whose scores were searched.
    """

    hits: tuple[Hit, ...]
    faces: int
    withheld: int
    unscored: int
    model: ScoringModel


def search(
    catalogue: Catalogue,
    query: Query,
    *,
    top: int | None = 20,
    min_score: float = 0.0,
    min_detection: float = SEARCH_FROM,
) -> SearchResult:
    """The `top` faces (None: all) that fit the description best, among those with a score of at least `min_score`.

    Reads the scores of the asked attributes only, and the details of the hits only. Raises SearchError when nothing is
    indexed yet or a bound makes no sense, and CatalogueError subclasses.
    """
    _check_bounds(top, min_score, min_detection)
    gallery = _gallery(catalogue)
    model = gallery.model
    scores = scan.scores(query.tree, gallery.logits, len(gallery), model.calibration_scale, model.calibration_bias)
    sure = _sure(gallery, min_detection)
    rows = np.flatnonzero(sure & (scores >= min_score))
    rows = rows[scan.best(scores[rows], gallery.face_ids[rows], top)]
    hits = _hits(catalogue, gallery, rows, scores[rows], query.asked)
    searched = int(sure.sum())
    return SearchResult(hits, searched, len(gallery) - searched, gallery.unscored, model)


def similar(
    catalogue: Catalogue,
    probe_logits: NDArray[np.float32],
    *,
    probe_model: str | None = None,
    probe_sha256: str | None = None,
    probe_box: Box | None = None,
    top: int | None = 20,
    min_score: float = 0.0,
    min_detection: float = SEARCH_FROM,
) -> SearchResult:
    """The `top` faces (None: all) whose profiles are nearest to that of the probe; score = (1 + cosine) / 2.

    `probe_logits`: float32 [40]; `probe_model`: digest of the checkpoint that gave them, which must be the one whose
    scores the catalogue serves (None: known to be). With `probe_sha256` and `probe_box` (the photo's hexadecimal
    digest, the face in pixels of it) the probe itself is left out where it is indexed. Raises as `search`.
    """
    _check_bounds(top, min_score, min_detection)
    gallery = _gallery(catalogue)
    if probe_model is not None and probe_model != gallery.model.digest:
        raise SearchError(
            f"The catalogue's faces are scored by model {gallery.model.short} and the probe by {probe_model[:12]}: run "
            "`facesearch index` to score all faces again, or use the other checkpoint."
        )
    sure = _sure(gallery, min_detection)
    withheld = len(gallery) - int(sure.sum())
    allowed = sure & ~np.isin(gallery.face_ids, _own_faces(catalogue, probe_sha256, probe_box))
    searched = int(allowed.sum())
    if searched == 0:
        return SearchResult((), 0, withheld, gallery.unscored, gallery.model)
    profile = encode(np.asarray(probe_logits, np.float32)[None], gallery.model)[0]
    rows, cosines = gallery.nearest(profile, searched if top is None else top, allowed, encode)
    scores = similarity(cosines)
    rows, scores = rows[scores >= min_score], scores[scores >= min_score]
    hits = _hits(catalogue, gallery, rows, scores)
    return SearchResult(hits, searched, withheld, gallery.unscored, gallery.model)


def _check_bounds(top: int | None, min_score: float, min_detection: float) -> None:
    if top is not None and top < 1:
        raise SearchError(f"{top} results cannot be shown: ask for 1 or more, or for all.")
    for name, bound in (("score", min_score), ("detection score", min_detection)):
        if not 0.0 <= bound <= 1.0:  # also false for NaN
            raise SearchError(f"A least {name} of {bound} makes no sense: give a number from 0 to 1.")


def _gallery(catalogue: Catalogue) -> Gallery:
    gallery = load_gallery(catalogue)
    if gallery is None or len(gallery) == 0:
        raise SearchError("No face is indexed yet: run `facesearch index FOLDER` on a folder with photos of faces.")
    if gallery.model.attributes != NAMES:
        raise SearchError(
            "The faces were scored by a model with other attributes than this version knows: run `facesearch index` to "
            "score them again."
        )
    return gallery


def _sure(gallery: Gallery, min_detection: float) -> NDArray[np.bool_]:
    return gallery.detections >= np.float32(min_detection)  # as float32, so that a face at the very bound is in


def _own_faces(catalogue: Catalogue, sha256: str | None, box: Box | None) -> list[int]:
    if sha256 is None or box is None:
        return []
    with catalogue.read() as session:
        known = faces.of_photo(session, sha256)
    return [face for face, other in known.items() if iou(box, other) > SAME_FACE_FROM]


def _hits(
    catalogue: Catalogue,
    gallery: Gallery,
    rows: NDArray[np.int64],
    scores: NDArray[np.float64],
    asked: Sequence[Asked] = (),
) -> tuple[Hit, ...]:
    with catalogue.read() as session:
        found = faces.details(session, gallery.face_ids[rows], model_id=gallery.model_id)
    hits = []
    for rank, (face, score) in enumerate(zip(found, scores.tolist(), strict=True), 1):
        held = probabilities(face.logits, gallery.model.calibration_scale, gallery.model.calibration_bias)
        hits.append(Hit(rank, score, _with_a_path_that_is_there(face), held.astype(np.float32), explain(asked, held)))
    return tuple(hits)


def _with_a_path_that_is_there(face: FaceDetails) -> FaceDetails:
    """Of several paths first one that is there: a drive may be unplugged that the catalogue takes for there."""
    if len(face.paths) == 1:
        return face
    return replace(face, paths=tuple(sorted(face.paths, key=lambda path: not os.path.exists(path))))  # noqa: PTH110
