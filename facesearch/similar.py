"""The use case: a probe and an open catalogue give the faces whose profiles are nearest.

Exact over every visible face that the detector was sure enough of, on the catalogue as it was at one moment.
"""

import numpy as np
from numpy.typing import NDArray

from db import faces
from db.catalogue import Catalogue
from db.schema import Box
from facesearch.detection import SEARCH_FROM, iou
from facesearch.errors import SearchError
from facesearch.hits import SearchResult, check_bounds, gallery_of, hits_of, sure_mask
from facesearch.ranking.similar import encode, similarity

SAME_FACE_FROM = 0.5
"""Two boxes in one photo whose intersection is more than this share of their union are the same face."""


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
    check_bounds(top, min_score, min_detection)
    gallery = gallery_of(catalogue)
    if probe_model is not None and probe_model != gallery.model.digest:
        raise SearchError(
            f"The catalogue's faces are scored by model {gallery.model.short} and the probe by {probe_model[:12]}: run "
            "`facesearch index` to score all faces again, or use the other checkpoint."
        )
    sure = sure_mask(gallery, min_detection)
    withheld = len(gallery) - int(sure.sum())
    allowed = sure & ~np.isin(gallery.face_ids, _own_faces(catalogue, probe_sha256, probe_box))
    searched = int(allowed.sum())
    if searched == 0:
        return SearchResult((), 0, withheld, gallery.unscored, gallery.model)
    profile = encode(np.asarray(probe_logits, np.float32)[None], gallery.model)[0]
    rows, cosines = gallery.nearest(profile, searched if top is None else top, allowed, encode)
    scores = similarity(cosines)
    rows, scores = rows[scores >= min_score], scores[scores >= min_score]
    hits = hits_of(catalogue, gallery, rows, scores)
    return SearchResult(hits, searched, withheld, gallery.unscored, gallery.model)


def _own_faces(catalogue: Catalogue, sha256: str | None, box: Box | None) -> list[int]:
    if sha256 is None or box is None:
        return []
    with catalogue.read() as session:
        known = faces.of_photo(session, sha256)
    return [face for face, other in known.items() if iou(box, other) > SAME_FACE_FROM]
