"""The use case: a description and an open catalogue give hits. All that a command line or a page calls.

The search is exact over every visible face that the detector was sure enough of, and works on the catalogue as it was
at one moment.
"""

import numpy as np

from db.catalogue import Catalogue
from facesearch.detection import SEARCH_FROM
from facesearch.hits import SearchResult, check_bounds, gallery_of, hits_of, sure_mask
from facesearch.query import Query
from facesearch.ranking import scan


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
    check_bounds(top, min_score, min_detection)
    gallery = gallery_of(catalogue)
    model = gallery.model
    scores = scan.scores(query.tree, gallery.logits, len(gallery), model.calibration_scale, model.calibration_bias)
    sure = sure_mask(gallery, min_detection)
    rows = np.flatnonzero(sure & (scores >= min_score))
    rows = rows[scan.best(scores[rows], gallery.face_ids[rows], top)]
    hits = hits_of(catalogue, gallery, rows, scores[rows], query.asked)
    searched = int(sure.sum())
    return SearchResult(hits, searched, len(gallery) - searched, gallery.unscored, model)
