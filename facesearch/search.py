"""The use case: a description and an open catalogue give hits. All that a command line or a page calls.

The search is exact over every visible face that passes the filters, and works on the scores of one moment.
"""

from db.catalogue import Catalogue
from db.filters import PhotoFilter
from facesearch.detection import SEARCH_FROM
from facesearch.filters import filtered
from facesearch.hits import SearchResult, check_bounds, gallery_of, hits_of
from facesearch.query import Query
from facesearch.ranking import scan
from facesearch.ranking.explain import weak_remarks
from facesearch.reliability import grades, untaught_remarks


def search(
    catalogue: Catalogue,
    query: Query,
    *,
    top: int | None = 20,
    min_score: float = 0.0,
    min_detection: float = SEARCH_FROM,
    min_face: float = 0.0,
    photo: PhotoFilter | None = None,
) -> SearchResult:
    """The `top` faces (None: all) that fit the description best, among those with a score of at least `min_score`.

    `min_detection`, `min_face`, `photo`: as for `filtered`; faces have to pass these and the query's own filters. Reads
    the scores of the asked attributes only, and the details of the hits only. Raises SearchError when nothing is
    indexed yet or a bound makes no sense, QueryError for a description too entangled to score, and CatalogueError
    subclasses.
    """
    check_bounds(top, min_score, min_detection)
    gallery = gallery_of(catalogue)
    model = gallery.model
    looked_at = filtered(catalogue, gallery, query, photo=photo, min_face=min_face, min_detection=min_detection)

    faces = scan.Scored(
        gallery.face_ids, gallery.probabilities, gallery.logits, model.calibration_scale, model.calibration_bias
    )

    def ranked(top: int | None, min_score: float) -> scan.Ranked:
        return scan.ranked(
            query.tree,
            faces,
            allowed=looked_at.allowed,
            top=top,
            min_score=min_score,
            firm=query.without_hedges,
        )

    found = ranked(top, min_score)
    best = found.scores if len(found.scores) or min_score == 0 else ranked(1, 0.0).scores
    return SearchResult(
        hits_of(catalogue, gallery, found.rows, found.scores, query, photo),
        looked_at.faces,
        looked_at.steps[0].left_out,
        gallery.unscored,
        model,
        narrowed=looked_at.steps[1:],
        best=float(best[0]) if len(best) else None,
        expected=found.expected,
        remarks=(
            *looked_at.remarks,
            *untaught_remarks((*query.asked, *query.bounded), model),
            *weak_remarks(query.asked, grades(model)),
        ),
    )
