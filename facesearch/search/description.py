"""The use case: a description and an open catalogue give hits. All that a command line or a page calls.

The search is exact over every visible face that passes the filters, and works on the scores of one moment.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from db.catalogue import Catalogue
from db.snapshot import Gallery
from facesearch.attributes import FOLLOW_ORIGIN
from facesearch.custody.audit import log_result
from facesearch.errors import Notice, RequestError
from facesearch.query import Query
from facesearch.query.said_ages import MALE, said_sex
from facesearch.query.tree import EVERYTHING, Term, all_of, firm, parts_of
from facesearch.reliability import grades, untaught_remarks
from facesearch.search.face_filters import filtered
from facesearch.search.hits import (
    HOLDS_FROM,
    LIKELY_FROM,
    Hit,
    Ranking,
    SearchResult,
    check_asked,
    gallery_of,
    hits_of,
    ids_and_scores,
    one_for_each_file,
)
from facesearch.search.ranking import scan
from facesearch.search.ranking.explain import weak_remarks
from facesearch.search.ranking.witness import Errors, doubted, shipped_errors
from facesearch.search.request import Order, Request
from facesearch.search.unseen import unseen_by_searches

_PARTS_FROM = 4  # parts of a description from which reckoning with a wrong one finds more (docs/retrieval.md)
_FIRST, _MOST = 10, 0.5  # of so many first hits more than this share contradict the sex: then a "must" is suggested


def search(catalogue: Catalogue, request: Request, *, top: int | None = 20) -> SearchResult:
    """The `top` faces (None: all) that fit the description best, among those that pass all filters of the request.

    They stand in the order of their scores. Those that are not likely stand in that of a witness who errs at the rates
    of the request, unless it asks for the order of the scores; faces that are judged to lack one of the description's
    musts stand behind all others. Reads the scores of the asked attributes only, and the details of the hits only.
    Raises SearchError when nothing is indexed yet or `top` makes no sense, RequestError for a description of nothing
    but an age that does not count ("nothing counts") and for a request to another catalogue, QueryError for one too
    entangled to score, and CatalogueError subclasses.
    """
    ranking = rank(catalogue, request, top=top)
    gallery = ranking.gallery
    hits = hits_of(catalogue, gallery, ranking.rows, ranking.scores, request.query, request.photo_filters)
    result = replace(
        ranking.about,
        hits=hits if request.fold_copies else one_for_each_file(hits, top),
        notices=(*must_suggested(request.query, hits), *ranking.about.notices),
    )
    logged = log_result(catalogue, "search", request, gallery.model.digest, ids_and_scores(result.hits))
    return replace(result, logged=logged)


def rank(catalogue: Catalogue, request: Request, *, top: int | None) -> Ranking:
    """The same as `search` without the details of the hits, and not logged: for use cases of which it is a part."""
    check_asked(catalogue, request, top)
    query = request.query
    if query.scored == EVERYTHING != query.tree and not query.thresholds and not query.photo:
        raise RequestError("nothing counts", {"words": query.text})
    gallery = gallery_of(catalogue)
    model = gallery.model
    looked_at = filtered(catalogue, gallery, request)
    errors = None if request.order is Order.SCORE else request.errors or shipped_errors()
    scanned = _Scan(query, gallery, request.min_score, errors)
    failing = scanned.failing(looked_at.allowed)
    behind = int(np.count_nonzero(failing))
    found = list(scanned.in_turn(looked_at.allowed & ~failing, failing, top))
    rows, scores = (np.concatenate(each) for each in zip(*((one.rows, one.scores) for one in found), strict=True))
    best = max((each.best for each in found if each.best is not None), default=None)
    about = SearchResult(
        (),
        looked_at.faces,
        looked_at.steps[0].left_out,
        gallery.unscored,
        model,
        narrowed=looked_at.steps[1:],
        best=best,
        expected=sum(each.expected for each in found),
        remarks=(
            *looked_at.remarks,
            *untaught_remarks((*query.asked, *query.bounded), model),
            *weak_remarks(query.asked, grades(model)),
        ),
        notices=tuple(scanned.advice(looked_at.allowed, best)),
        musts=tuple(map(str, query.musts)),
        behind=behind,
        said=query.things_said,
        unseen=unseen_by_searches(catalogue, gallery.unscored),
    )
    return Ranking(gallery, rows, scores, about)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """rows: int64 [n], in order; scores: float64 [n]. expected: as `scan.Ranked`. best: the highest score of all faces
    that were looked through (None: there was none)."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    expected: float
    best: float | None


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    """A description over the faces of a gallery. errors: None for the order of the scores."""

    query: Query
    gallery: Gallery
    min_score: float
    errors: Errors | None

    def _faces(self) -> scan.Scored:
        gallery, model = self.gallery, self.gallery.model
        return scan.Scored(
            gallery.face_ids, gallery.probabilities, gallery.logits, model.calibration_scale, model.calibration_bias
        )

    def in_turn(self, allowed: NDArray[np.bool_], behind: NDArray[np.bool_], top: int | None) -> Iterator["_Found"]:
        """The `top` first of the allowed faces, and of those behind them as many as there is room for."""
        first = self._ranked(allowed, top)
        yield first
        if behind.any():
            left = None if top is None else top - len(first.rows)
            last = self._ranked(behind, left if left is None else max(left, 1))
            yield last if left != 0 else replace(last, rows=last.rows[:0], scores=last.scores[:0])

    def _ranked(self, allowed: NDArray[np.bool_], top: int | None) -> "_Found":
        """By score, those that are not likely by what a witness who errs would have said of them."""
        found = self._by_score(allowed, top, self.min_score)
        best = float(found.scores[0]) if len(found.scores) else None
        if best is None and self.min_score > 0 and allowed.any():
            best = float(self._by_score(allowed, 1, 0.0).scores[0])
        likely = int(np.count_nonzero(found.scores >= LIKELY_FROM))
        unlikely = len(found.rows) - likely
        if self.errors is None or not unlikely or len(parts_of(self.query.scored)) < _PARTS_FROM:
            return _Found(found.rows, found.scores, found.expected, best)
        rows, scores = scan.reordered(
            self.query.scored,
            doubted(self.query.scored, self.errors),
            self._faces(),
            allowed=allowed,
            top=unlikely,
            scores_between=(self.min_score, LIKELY_FROM),
        )
        return _Found(
            np.concatenate([found.rows[:likely], rows]),
            np.concatenate([found.scores[:likely], scores]),
            found.expected,
            best,
        )

    def _by_score(self, allowed: NDArray[np.bool_], top: int | None, min_score: float) -> scan.Ranked:
        firm = self.query.without_hedges
        tree = self.query.scored
        return scan.ranked(tree, self._faces(), allowed=allowed, top=top, min_score=min_score, firm=firm)

    def failing(self, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """bool [N]: which of the allowed faces are judged to lack one of the query's musts."""
        gallery, model = self.gallery, self.gallery.model
        failing = np.zeros(len(gallery), np.bool_)
        for each in self.query.musts:
            held = scan.scores(each, gallery.logits, len(gallery), model.calibration_scale, model.calibration_bias)
            failing |= held < HOLDS_FROM
        return failing & allowed

    def advice(self, allowed: NDArray[np.bool_], best: float | None) -> Iterator[Notice]:
        """Where nobody is likely: the part of the description without which the most faces are ("leave out")."""
        query, parts = self.query, parts_of(self.query.scored)
        if best is None or best >= LIKELY_FROM or len(parts) < 2:
            return
        may_go = [
            at for at, part in enumerate(parts) if part not in query.musts and not part.attributes <= FOLLOW_ORIGIN
        ]
        likely = scan.likely_without(parts, self._faces(), allowed=allowed, least=LIKELY_FROM, candidates=may_go)
        most = max(zip(likely, may_go, strict=True), key=lambda each: (each[0].faces, each[0].expected), default=None)
        if most is None or not most[0].faces:
            return
        part = parts[most[1]]
        rest = replace(query, tree=all_of(each for each in parts if each != part))
        yield Notice("leave out", {"words": str(firm(part)), "faces": most[0].faces, "description": str(rest)})


def must_suggested(query: Query, hits: Sequence[Hit]) -> Iterator[Notice]:
    """That most of the first hits contradict the sex that is asked for ("must")."""
    man = said_sex(query.tree)
    if man is None or any(each.attributes == {MALE} for each in query.musts):
        return
    first = hits[:_FIRST]
    against = sum(bool(hit.probabilities[MALE] >= HOLDS_FROM) is not man for hit in first)
    if against > _MOST * len(first):
        yield Notice("must", {"word": str(Term(MALE, man)), "against": against, "of": len(first)})
