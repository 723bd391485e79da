"""The use case: a description and an open catalogue give hits. All that a command line or a page calls.

The search is exact over every visible face that passes the filters, and works on the scores of one moment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from db.catalogue import Catalogue
from db.values.scoring_model import ScoringModel
from facesearch.attributes import FOLLOW_ORIGIN
from facesearch.cases.keeping import is_kept_here, keep
from facesearch.custody.audit import log_result
from facesearch.custody.policy import asked_attributes, permit
from facesearch.errors import Notice
from facesearch.query import Query
from facesearch.query.said_ages import MALE, said_sex
from facesearch.query.tree import Node, Term, all_of, firm, parts_of
from facesearch.reliability import grades, untaught
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
    shown_by,
)
from facesearch.search.ranking import scan
from facesearch.search.ranking.explain import FITS_FROM, weak_grades
from facesearch.search.ranking.witness import Errors, order_of, shipped_errors
from facesearch.search.request import Order, Request, check_counts
from facesearch.search.unseen import unseen_by_searches

_FIRST, _MOST = 10, 0.5  # of so many first hits more than this share contradict the sex: then a "must" is suggested


def search(
    catalogue: Catalogue,
    request: Request,
    *,
    top: int | None = 20,
    count_fitting: bool = False,
    kind: str = "search",
    more: Mapping[str, Any] = MappingProxyType({}),
) -> SearchResult:
    """The `top` faces (None: all) that fit the description best, among those that pass all filters of the request.

    They stand in the order of their scores. Those that are not likely stand in that of a witness who errs at the rates
    of the request, unless it asks for the order of the scores; faces that are judged to lack one of the description's
    musts stand behind all others. It is logged as this kind, with more that is to be said, and kept in the case that it
    is made for. count_fitting: count how many faces fit as well, which a search in a case does anyway. Reads the scores
    of the asked attributes only, and the details of the hits only. Raises PolicyRefusal where the catalogue's policy
    does not allow it, SearchError when nothing is indexed yet or `top` makes no sense, RequestError for a description
    of nothing but an age that does not count ("nothing counts") and for a request to another catalogue, QueryError for
    one too entangled to score, and CatalogueError subclasses.
    """
    policy = permit(catalogue, attributes=asked_attributes(request))
    counts = count_fitting or is_kept_here(catalogue) is not None
    result = find(catalogue, request, top=top, count_fitting=counts)
    logged = log_result(catalogue, kind, request, result.model.digest, ids_and_scores(result.hits), policy, more)
    result = replace(result, logged=logged)
    kept = keep(catalogue, "search", request, result)
    return replace(result, hits=shown_by(policy, result.hits), kept=kept)


def find(catalogue: Catalogue, request: Request, *, top: int | None = 20, count_fitting: bool = False) -> SearchResult:
    """As `search`, and neither logged nor kept nor held against a policy: for use cases of which it is a part."""
    ranking = rank(catalogue, request, top=top, count_fitting=count_fitting)
    about, query = ranking.about, request.query
    hits = hits_of(catalogue, ranking.gallery, ranking.rows, ranking.scores, query, request.photo_filters)
    return replace(
        about,
        hits=hits if request.fold_copies else one_for_each_file(hits, top),
        notices=(*about.notices, *notices_on(query, hits, about.without, about.best)),
    )


@scan.shared_threads()
def rank(catalogue: Catalogue, request: Request, *, top: int | None, count_fitting: bool = False) -> Ranking:
    """As `find`, without the details of the hits and what is said of them."""
    check_asked(catalogue, request, top)
    query = request.query
    check_counts(query)
    gallery = gallery_of(catalogue)
    model = gallery.model
    looked_at = filtered(catalogue, gallery, request)
    scanned = _scan(request, gallery)
    failing = scanned.failing(looked_at.allowed)
    behind = int(np.count_nonzero(failing))
    found = list(scanned.in_turn(looked_at.allowed & ~failing, failing, top))
    rows, scores = (np.concatenate(each) for each in zip(*((one.rows, one.scores) for one in found), strict=True))
    best = max((each.best for each in found if each.best is not None), default=None)
    without = tuple(scanned.likely_without(looked_at.allowed, best))
    about = SearchResult(
        (),
        looked_at.faces,
        looked_at.steps[0].left_out,
        gallery.unscored,
        model,
        filter_steps=looked_at.steps[1:],
        best=best,
        expected=sum(each.expected for each in found),
        notices=(
            *looked_at.notices,
            *untaught((*query.asked, *query.bounded), model),
            *weak_grades(query.asked, grades(model)),
        ),
        musts=tuple(map(str, query.musts)),
        behind=behind,
        said=query.things_said,
        unseen=unseen_by_searches(catalogue, gallery.unscored),
        without=without,
        fitting=scanned.fitting(looked_at.allowed) if count_fitting else (),
    )
    return Ranking(gallery, rows, scores, about)


def places(request: Request, result: SearchResult) -> list[tuple[float, ...]]:
    """By what the hits of a result stand in this order, the least first: to merge those of several catalogues."""
    hits, model, tree = result.hits, result.model, request.query.scored
    order = order_of(tree, None if request.order is Order.SCORE else request.errors or shipped_errors())
    found = [hit.score for hit in hits]
    if order is not None and hits:
        logits = np.stack([hit.face.logits for hit in hits])
        columns = logits.T.__getitem__
        found = scan.scores(order, columns, len(hits), model.calibration_scale, model.calibration_bias).tolist()
    return [
        (bool(hit.behind), 0.0, -hit.score)
        if order is None or hit.score >= LIKELY_FROM
        else (bool(hit.behind), 1.0, -doubted, -hit.score)
        for hit, doubted in zip(hits, found, strict=True)
    ]


def summed(results: Sequence[SearchResult]) -> tuple[tuple[Node, scan.Likely], ...]:
    """`SearchResult.without` of several catalogues together."""
    sums: dict[Node, scan.Likely] = {}
    for part, likely in (each for result in results for each in result.without):
        known = sums.get(part, scan.Likely(0, 0.0))
        sums[part] = scan.Likely(known.faces + likely.faces, known.expected + likely.expected)
    return tuple(sums.items())


def notices_on(
    query: Query, hits: Sequence[Hit], without: Sequence[tuple[Node, scan.Likely]], best: float | None
) -> tuple[Notice, ...]:
    """What is said of a result: that a "must" would help ("must"), and, where nobody is likely, the part of the
    description without which the most faces are ("leave out")."""
    return (*must_suggested(query, hits), *_advice(query, without, best))


def _advice(query: Query, without: Sequence[tuple[Node, scan.Likely]], best: float | None) -> Iterator[Notice]:
    if best is None or best >= LIKELY_FROM:
        return
    part, likely = max(without, key=lambda each: (each[1].faces, each[1].expected), default=(None, None))
    if part is None or likely is None or not likely.faces:
        return
    rest = replace(query, tree=all_of(each for each in parts_of(query.scored) if each != part))
    yield Notice("leave out", {"words": str(firm(part)), "faces": likely.faces, "description": str(rest)})


class ScoredFaces(Protocol):
    """N faces with their scores: a gallery, or what another party was given of one."""

    @property
    def model(self) -> ScoringModel: ...
    @property
    def face_ids(self) -> NDArray[np.int64]: ...
    def __len__(self) -> int: ...
    def logits(self, attribute: int, /) -> NDArray[np.float32]: ...
    def probabilities(self, attribute: int, holds: bool, /) -> NDArray[np.float32]: ...


def in_order(
    request: Request, faces: ScoredFaces, allowed: NDArray[np.bool_], top: int | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The rows (int64 [n]) of the `top` first (None: all) of the allowed faces, as a search orders them, and their
    scores (float64 [n]). Raises QueryError."""
    scanned = _scan(request, faces)
    failing = scanned.failing(allowed)
    found = list(scanned.in_turn(allowed & ~failing, failing, top))
    return np.concatenate([one.rows for one in found]), np.concatenate([one.scores for one in found])


def _scan(request: Request, faces: ScoredFaces) -> "_Scan":
    errors = None if request.order is Order.SCORE else request.errors or shipped_errors()
    return _Scan(request.query, faces, request.min_score, errors)


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
    gallery: ScoredFaces
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
        order = order_of(self.query.scored, self.errors) if unlikely else None
        if order is None:
            return _Found(found.rows, found.scores, found.expected, best)
        rows, scores = scan.reordered(
            self.query.scored,
            order,
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

    def fitting(self, allowed: NDArray[np.bool_]) -> tuple[int, ...]:
        """How many of the allowed faces have 0, 1, 2 ... fitting parts."""
        gallery, model = self.gallery, self.gallery.model
        if not self.query.asked:
            return ()
        parts = [firm(part) for part in parts_of(self.query.scored)]
        number = np.zeros(len(gallery), np.uint16)
        for part in parts:
            held = scan.scores(part, gallery.logits, len(gallery), model.calibration_scale, model.calibration_bias)
            number += held >= FITS_FROM
        return tuple(np.bincount(number[allowed], minlength=len(parts) + 1).tolist())

    def likely_without(self, allowed: NDArray[np.bool_], best: float | None) -> Iterator[tuple[Node, scan.Likely]]:
        """Where nobody is likely: how many faces are without each part of the description that may be left out."""
        query, parts = self.query, parts_of(self.query.scored)
        if best is None or best >= LIKELY_FROM or len(parts) < 2:
            return
        may_go = [
            at for at, part in enumerate(parts) if part not in query.musts and not part.attributes <= FOLLOW_ORIGIN
        ]
        likely = scan.likely_without(parts, self._faces(), allowed=allowed, least=LIKELY_FROM, candidates=may_go)
        yield from zip((parts[at] for at in may_go), likely, strict=True)


def must_suggested(query: Query, hits: Sequence[Hit]) -> Iterator[Notice]:
    """That most of the first hits contradict the sex that is asked for ("must")."""
    man = said_sex(query.tree)
    if man is None or any(each.attributes == {MALE} for each in query.musts):
        return
    first = hits[:_FIRST]
    against = sum(bool(hit.probabilities[MALE] >= HOLDS_FROM) is not man for hit in first)
    if against > _MOST * len(first):
        yield Notice("must", {"word": str(Term(MALE, man)), "against": against, "of": len(first)})
