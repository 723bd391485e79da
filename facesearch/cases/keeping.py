"""A search is kept in the case that it is made for, as it was shown; and read from there again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from db import cases, generation
from db.catalogue import Catalogue
from db.errors import CatalogueError
from db.unseen import Why
from db.values.case import Case, CaseSearch, KeptHit
from facesearch.attributes import BY_NAME
from facesearch.cases.departures import can_be_compared, departures
from facesearch.cases.kept import Kept
from facesearch.cases.references import key_of
from facesearch.custody.acting import acting_now
from facesearch.custody.audit import MOST_FACES, actor
from facesearch.errors import Notice
from facesearch.query import Asked
from facesearch.search.hits import ON_ALL_HITS, FilterStep, Hit, SearchResult
from facesearch.search.ranking.explain import AskedProbability, Fit
from facesearch.search.request import LikePhoto, Request
from facesearch.search.unseen import Unseen

if TYPE_CHECKING:
    from facesearch.search.similar import PhotoFace


def kept_probes(search: CaseSearch, request: Request) -> list[PhotoFace]:
    """The faces of photos from outside the catalogue that a kept search started from, as the network saw them then. Of
    their photos only the SHA-256 is kept. Empty where they are not in the case."""
    if search.probes is None:
        return []
    from facesearch.search.similar import PhotoFace

    rows = np.frombuffer(search.probes, "<f4").reshape(-1, 40).astype(np.float32)
    if len(rows) != len(request.like):
        return []
    return [
        PhotoFace(logits, search.model, each.sha256, each.box, each.page, each.path)
        for each, logits in zip(request.like, rows, strict=True)
        if isinstance(each, LikePhoto)
    ]


def keep(
    catalogue: Catalogue,
    kind: str,
    request: Request,
    result: SearchResult,
    probes: NDArray[np.float32] | None = None,
) -> Kept | None:
    """Keep a search in the case that the work is done for; None where it is done for none. Never raises CatalogueError.

    kind: "search" or "similar". probes: float32 [n, 40], logits of the faces that the hits are to resemble. Of very
    long results the first MOST_FACES hits are kept.
    """
    now = acting_now()
    if not now.case:
        return None
    try:
        with catalogue.read() as session:
            case = cases.named(session, key_of(now.case))
        if case is None or case.closed is not None:
            return Kept(now.case, None, "unknown" if case is None else "closed")
        with catalogue.write() as session:
            case = cases.named(session, key_of(now.case))  # as it is now that nobody else writes
            if case is None or case.closed is not None:
                return Kept(now.case, None, "unknown" if case is None else "closed")
            said = {each.number: each.text for each in cases.statements(session, case.id)}
            if now.statement is not None and now.statement not in said:
                return Kept(now.case, None, f"the case has no statement {now.statement}")
            left_out = departures(said[now.statement], request, actor(), now.why) if now.statement is not None else ()
            about = _about(request, result)
            if now.statement is not None and not can_be_compared(said[now.statement], request):
                about["not_compared"] = True
            search = CaseSearch(
                id=0,
                number=0,
                kind=kind,
                request=request.to_json(),
                digest=request.digest,
                about=about,
                statement=now.statement,
                model=result.model.digest,
                generation=generation.current(session),
                searched=result.faces,
                answered=len(result.hits),
                blind=now.blind,
                probes=None if probes is None else np.ascontiguousarray(probes, "<f4").tobytes(),
                row=result.logged.head.sequence if result.logged is not None and result.logged.head else None,
                who=actor(),
                reason=now.reason,
                moment=datetime.now(UTC),
                departures=left_out,
                hits=tuple(map(_kept_hit, result.hits[:MOST_FACES])),
            )
            return Kept(case.reference, cases.add_search(session, case.id, search))
    except CatalogueError as error:
        return Kept(now.case, None, str(error))


def keep_more(catalogue: Catalogue, kept: Kept, hits: Sequence[Hit]) -> Kept:
    """Keep further hits of a search that was kept before, as they are shown: up to MOST_FACES in all, and each rank
    once. Never raises CatalogueError."""
    if kept.number is None or not hits:
        return kept
    try:
        with catalogue.write() as session:
            case = cases.named(session, key_of(kept.case))
            if case is None or case.closed is not None:
                return Kept(kept.case, None, "unknown" if case is None else "closed")
            room = [_kept_hit(each) for each in hits if each.rank <= MOST_FACES]
            if not cases.add_hits(session, case.id, kept.number, room, answered=max(each.rank for each in hits)):
                return Kept(kept.case, None, f"the case has no search {kept.number}")
    except CatalogueError as error:
        return Kept(kept.case, None, str(error))
    return kept


def is_kept_here(catalogue: Catalogue) -> Case | None:
    """The open case that searches are kept in now; None where they are kept in none."""
    now = acting_now()
    if not now.case:
        return None
    with catalogue.read() as session:
        case = cases.named(session, key_of(now.case))
    return case if case is not None and case.closed is None else None


def result_of(search: CaseSearch, model: Any, hits: Sequence[Hit]) -> SearchResult:
    """The result of a kept search, as far as it was kept, to be told in the same words. model: its `ScoringModel`;
    hits: those of its hits that are to be shown."""
    about = search.about
    unseen = about.get("unseen", {})
    return SearchResult(
        tuple(hits),
        search.searched,
        about.get("withheld", 0),
        unseen.get("unscored", 0),
        model,
        filter_steps=tuple(FilterStep(*each) for each in about.get("narrowed", ())),
        best=about.get("best"),
        expected=about.get("expected"),
        notices=tuple(Notice(*each) for each in about.get("notices", ())),
        musts=tuple(about.get("musts", ())),
        behind=about.get("behind", 0),
        said=tuple(about.get("said", (0, 0))),
        unseen=_unseen(unseen),
        fitting=tuple(about.get("fitting", ())),
    )


def asked_of(hit: KeptHit) -> tuple[AskedProbability, ...]:
    """Each thing asked for with its probability, as it stood beside the hit."""
    return tuple(
        AskedProbability(
            Asked(BY_NAME[each["attribute"]], each["wanted"], each["words"], each["certainty"], each["bound"]),
            each["probability"],
            each["grade"],
            each["cost_most"],
            each["matters"],
        )
        for each in hit.shown.get("asked", ())
    )


def fit_of(hit: KeptHit) -> Fit | None:
    """How many parts of the description fitted."""
    fit = hit.shown.get("fit")
    return None if fit is None else Fit(fit["fitting"], fit["parts"], tuple(fit["without"]))


def request_of(search: CaseSearch) -> Request | None:
    """What was asked; None where it was taken away with what was forgotten. Raises RequestError where a newer version
    wrote it."""
    return None if search.request is None else Request.from_json(search.request)


def reading_of(request: Request) -> str:
    """What was asked, in one line: the description, or whom the hits are to resemble, with the changes."""
    if not request.like:
        return str(request)
    faces = "; ".join(map(str, request.like))
    return f"like {faces}{f', {request.changes}' if request.changes else ''}"


def _kept_hit(hit: Hit) -> KeptHit:
    shown: dict[str, Any] = {
        "asked": [
            {
                "attribute": each.asked.attribute.name,
                "wanted": each.asked.wanted,
                "words": each.asked.words,
                "certainty": each.asked.certainty,
                "bound": each.asked.bound,
                "probability": each.probability,
                "grade": each.grade,
                "cost_most": each.cost_most,
                "matters": each.matters,
            }
            for each in hit.asked
        ]
    }
    if hit.fit is not None:
        shown["fit"] = {"fitting": hit.fit.fitting, "parts": hit.fit.parts, "without": list(hit.fit.without)}
    if hit.behind:
        shown["behind"] = list(hit.behind)
    if hit.hard:
        shown["hard"] = [each.value for each in hit.hard]
    return KeptHit(hit.rank, hit.face.face, float(hit.score), shown)


def _about(request: Request, result: SearchResult) -> dict[str, Any]:
    return {
        "text": request.query.text,
        "reading": reading_of(request),
        "withheld": result.below_detection,
        "narrowed": [
            [step.words, step.left, step.left_out, step.kind, dict(step.values)] for step in result.filter_steps
        ],
        "best": result.best,
        "expected": result.expected,
        "notices": [[each.kind, dict(each.values)] for each in result.notices if each.kind not in ON_ALL_HITS],
        "musts": list(result.musts),
        "behind": result.behind,
        "said": list(result.said),
        "fitting": list(result.fitting),
        "unseen": json.loads(json.dumps(asdict(result.unseen))),
    }


def _unseen(record: Mapping[str, Any]) -> Unseen:
    values = dict(record)
    values["unlisted"] = tuple(values.get("unlisted", ()))
    values["absent"] = tuple(values.get("absent", ()))
    values["out_of_reach"] = tuple((path, Why(why)) for path, why in values.get("out_of_reach", ()))
    return Unseen(**values)
