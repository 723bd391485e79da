"""A case as plain records, for JSON and CSV: what the terminal, exports and disclosures hold of it."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from db.values.case import Case, CaseSearch, Mark
from facesearch.cases.cases import CaseFile

VERSION = 1
"""Of the record that `case_record` makes."""

HIT_COLUMNS = ("search", "rank", "score", "face", "fitting", "of", "words")
MARK_COLUMNS = ("face", "state", "role", "note", "who", "when", "blind", "search", "undone", "undone_by")


def about_case(case: Case) -> dict[str, Any]:
    """Its reference and when it was opened and closed."""
    return {
        "reference": case.reference,
        "name": case.name,
        "opened": case.opened.isoformat(),
        "opened_by": case.opened_by,
        "closed": _moment(case.closed),
        "closed_by": case.closed_by or None,
    }


def case_record(file: CaseFile) -> dict[str, Any]:
    """All that a case holds, as JSON; requests as `Request.from_json` reads them."""
    return {
        "version": VERSION,
        **about_case(file.case),
        "notes": [{"text": each.text, "who": each.who, "when": each.moment.isoformat()} for each in file.notes],
        "statements": [
            {
                "number": each.number,
                "text": each.text,
                "witness": each.witness,
                "taken_by": each.taken_by,
                "taken": _moment(each.taken),
                "how": each.how,
                "put_in_by": each.who,
                "put_in": each.added.isoformat(),
            }
            for each in file.statements
        ],
        "searches": [search_record(each) for each in file.searches],
        "marks": [mark_record(each) for each in file.marks],
        "shortlists": [{"name": each.name, "who": each.who, "faces": list(each.faces)} for each in file.shortlists],
        "reviews": [
            {
                "search": each.search,
                "reviewer": each.reviewer,
                "seed": each.seed,
                "faces": list(each.faces),
                "left": list(each.left),
                "blind": each.blind,
            }
            for each in file.reviews
        ],
        "agreements": [
            {
                "reviewers": [each.first, each.second],
                "faces": each.faces,
                "same": each.same,
                "kappa": each.kappa,
                "differing": list(each.differing),
            }
            for each in file.agreements
        ],
    }


def search_record(search: CaseSearch) -> dict[str, Any]:
    """One search with its ordered hits."""
    return {
        "number": search.number,
        "kind": search.kind,
        "statement": search.statement,
        "request": None if search.request is None else json.loads(search.request),
        "request_digest": search.digest,
        "reading": search.about.get("reading"),
        "about": dict(search.about),
        "model": search.model,
        "searched": search.searched,
        "answered": search.answered,
        "blind": search.blind,
        "audit_row": search.row,
        "who": search.who,
        "reason": search.reason,
        "when": search.moment.isoformat(),
        "departures": [
            {
                "change": each.change.value,
                "words": each.words,
                "who": each.who,
                "when": each.moment.isoformat(),
                "why": each.why,
            }
            for each in search.departures
        ],
        "hits": [
            {"rank": hit.rank, "face": hit.face, "score": hit.score, "shown": dict(hit.shown)} for hit in search.hits
        ],
    }


def mark_record(mark: Mark) -> dict[str, Any]:
    """One mark, with MARK_COLUMNS."""
    return {
        "face": mark.face,
        "state": mark.state.value,
        "role": mark.role.value,
        "note": mark.note,
        "who": mark.who,
        "when": mark.moment.isoformat(),
        "blind": mark.blind,
        "search": mark.search,
        "undone": _moment(mark.undone),
        "undone_by": mark.undone_by or None,
    }


def hit_records(file: CaseFile) -> Iterable[Mapping[str, Any]]:
    """Every hit of every search, with HIT_COLUMNS."""
    for search in file.searches:
        for hit in search.hits:
            fit = hit.shown.get("fit") or {}
            words = "; ".join(f"{each['words']} {each['probability']:.4f}" for each in hit.shown.get("asked", ()))
            yield {
                "search": search.number,
                "rank": hit.rank,
                "score": hit.score,
                "face": hit.face,
                "fitting": fit.get("fitting"),
                "of": fit.get("parts"),
                "words": words,
            }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
