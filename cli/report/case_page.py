"""A case as a report that stands on its own: who asked what and why, all that was found and not found, what was said of
each face, and what the network's answers are worth. Every face stands in it once, with its pictures; each search lists
all of its hits.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cli.report import templating
from cli.report.network import NetworkAbout, network_about
from cli.report.page import Card, Picture, Word, words_of
from cli.report.remedies import error_in_words
from cli.report.sheet import OTHERS_VEILED, fit_in_words, picture_of
from cli.report.summary import hard_remarks, outcome_in_words, searched_in_words
from cli.report.tables import MARKS, asked_words, score_in_words
from cli.report.thumbnails import Shown, shown_faces
from cli.report.unseen import unseen_in_words
from cli.report.validated import validated_in_words
from cli.report.wording import counted, notice_in_words
from cli.terminal.console import now_in_words
from cli.terminal.progress import counted as counting
from db import audit, exhibits, faces, models
from db.audit import Entry
from db.catalogue import Catalogue
from db.faces import FaceDetails
from db.paths import display
from db.values.case import CaseSearch, CaseStatement, Change, Mark, MarkState
from db.values.scoring_model import ScoringModel
from facesearch.attributes import BY_NAME, Attribute
from facesearch.cases.cases import CaseFile
from facesearch.cases.keeping import asked_of, fit_of, result_of
from facesearch.cases.references import key_of
from facesearch.custody.acting import acting_now
from facesearch.errors import QueryError
from facesearch.query import understand
from facesearch.reliability import Hard
from facesearch.search.hits import LIKELY_FROM, Hit, SearchResult

MOST_PICTURES = 500
"""Faces of a report that are shown though nobody marked them; of more the searches list only the numbers."""

_NOT_COMPARED = (
    "The statement cannot be read as one description, so what this search leaves out of it was not worked out: compare "
    "them by eye."
)
_ORDER = (MarkState.FOLLOW_UP, MarkState.UNDECIDED, MarkState.SET_ASIDE)
_CHANGES = {
    Change.LEFT_OUT: "left out",
    Change.ADDED: "added",
    Change.CHANGED: "counts otherwise",
    Change.FILTERED: "only faces with",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a statement. kind: "used", "aside" or ""."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class ShownStatement:
    """segments: the whole text. readings: what is searched, for each person. aside: words that are not searched."""

    said: CaseStatement
    facts: Sequence[tuple[str, str]]
    segments: Sequence[Segment]
    readings: Sequence[str]


@dataclass(frozen=True, slots=True)
class HitRow:
    """A line of the list of hits. fits: how many words; words: each with its probability; state: of the marks."""

    rank: int
    score: str
    face: int
    shown: bool
    fits: str
    words: str
    state: str


@dataclass(frozen=True, slots=True)
class ShownSearch:
    """facts: how it was asked. sentences: what is to be known of its result. rows: all its hits that are kept."""

    search: CaseSearch
    title: str
    facts: Sequence[tuple[str, str]]
    departures: Sequence[tuple[str, str, str, str]]
    unseen: Sequence[str]
    sentences: Sequence[str]
    rows: Sequence[HitRow]
    with_words: bool


@dataclass(frozen=True, slots=True)
class CaseReport:
    """All that a report shows of a case, but pictures. details: by face id. order: of the faces that are shown."""

    file: CaseFile
    statements: Sequence[ShownStatement]
    searches: Sequence[ShownSearch]
    details: Mapping[int, FaceDetails]
    results: Mapping[int, SearchResult]
    order: Sequence[int]
    left_out: int
    facts: Sequence[tuple[str, str]]
    networks: Sequence[NetworkAbout]
    log: Sequence[tuple[str, str, str, str, str]]


def case_report(source: Catalogue, file: CaseFile) -> CaseReport:
    """What the report of a case says. Raises CatalogueError subclasses."""
    with source.read() as session:
        details = faces.known(session, file.faces)
        by_digest = {digest: models.with_digest(session, digest) for digest in {s.model for s in file.searches}}
        serving = models.serving(session)
        named = [f"{each.name} ({display(each.path)})" for each in exhibits.exhibits(session) if each.name]
        entries = [each for each in audit.entries(session, since=file.case.opened) if _is_of(each, file.case.reference)]
        head = audit.head(session)
    results = {
        each.number: _result(each, by_digest[each.model] or (serving[1] if serving else _UNKNOWN), details)
        for each in file.searches
    }
    order, left_out = _order(file)
    shown = set(order)
    people = sorted({*(s.who for s in file.searches), *(m.who for m in file.marks), *(s.who for s in file.statements)})
    reasons = list(dict.fromkeys(each.reason for each in file.searches if each.reason))
    case = file.case
    facts = [
        *([("Name", case.name)] if case.name else []),
        ("State", _state(file)),
        ("Examiners", ", ".join(people) or case.opened_by),
        *([("Reasons", "; ".join(reasons))] if reasons else []),
        *([("Exhibits", "; ".join(named))] if named else []),
        ("Catalogue", str(source.path)),
        ("Audit log", f"row {head.sequence:,}, head {head}" if head else "nothing is logged"),
        ("Report made", f"{now_in_words()}{_by()}"),
    ]
    networks = [
        network_about(model, _attributes(file, digest), validated_in_words(source, digest, _attributes(file, digest)))
        for digest, model in by_digest.items()
        if model is not None
    ]
    return CaseReport(
        file,
        [_statement(each) for each in file.statements],
        [_search(each, results[each.number], file, shown) for each in file.searches],
        details,
        results,
        order,
        left_out,
        facts,
        networks,
        [_log_row(each) for each in entries],
    )


def write_case(
    write: Callable[[bytes], object], source: Catalogue, report: CaseReport, *, show_others: bool = False
) -> dict[int, Shown]:
    """Write the report; the pictures that it shows, by face id. show_others: let other faces in the photos be seen."""
    shown = [report.details[face] for face in report.order]
    others = {}
    if not show_others:
        with source.read() as session:
            others = faces.neighbours(session, shown)
    with counting("Cutting out faces", len(shown), from_on=50) as done:
        pictures = shown_faces(shown, others, done)
    case = report.file.case
    templating.write(
        write,
        "case.html",
        style="report.css",
        footer=f"Case {case.reference} · {now_in_words()}",
        pictures=True,
        title=f"Case {case.reference}",
        case=case,
        report=report,
        file=report.file,
        tiles=_tiles(report.file),
        groups=_groups(report, pictures),
        veiled="" if show_others else OTHERS_VEILED,
        undone=[each for each in report.file.marks if each.undone is not None],
    )
    return pictures


def write_blind(
    write: Callable[[bytes], object], source: Catalogue, order: Sequence[int], title: str, *, show_others: bool = False
) -> None:
    """Write a page of these faces in this order, with nothing of their ranks, scores and marks."""
    with source.read() as session:
        details = faces.known(session, order)
        shown = [details[face] for face in order if face in details]
        others = {} if show_others else faces.neighbours(session, shown)
    with counting("Cutting out faces", len(shown), from_on=50) as done:
        pictures = shown_faces(shown, others, done)
    cards = []
    for face in shown:
        each = pictures[face.face]
        photo = Picture(each.crop, os.fsencode(face.path), "Open the photo", ())  # a name may say what to expect
        cards.append(Card(f"Face {face.face}", f"Face {face.face}", photo, whole=each.whole))
    templating.write(write, "blind.html", style="report.css", pictures=True, title=title, cards=cards, footer=title)


def _is_of(entry: Entry, reference: str) -> bool:
    return key_of(str((entry.payload or {}).get("case", ""))) == key_of(reference)


def _by() -> str:
    examiner = acting_now().examiner
    return f" by {examiner}" if examiner else ""


def _state(file: CaseFile) -> str:
    case = file.case
    opened = f"opened {case.opened.astimezone():%Y-%m-%d} by {case.opened_by}"
    return (
        opened if case.closed is None else f"{opened}, closed {case.closed.astimezone():%Y-%m-%d} by {case.closed_by}"
    )


def _order(file: CaseFile) -> tuple[list[int], int]:
    """The faces to show: marked ones and those on lists, then others as far as there is room; how many are left."""
    standing = file.standing
    listed = [face for each in file.shortlists for face in each.faces]
    first = sorted(standing, key=lambda face: _ORDER.index(state_of(standing[face])))
    known = list(dict.fromkeys([*first, *listed]))
    rest = [face for face in file.faces if face not in set(known)]
    return [*known, *rest[:MOST_PICTURES]], max(0, len(rest) - MOST_PICTURES)


def state_of(marks: Mapping[str, Mark]) -> MarkState:
    """What is to be done about a face: what its newest mark says, unless reviewers differ: then it is undecided."""
    states = {mark.state for mark in marks.values()}
    return states.pop() if len(states) == 1 else MarkState.UNDECIDED


def _tiles(file: CaseFile) -> list[tuple[str, str]]:
    standing = file.standing
    states = [state_of(each) for each in standing.values()]
    unmarked = len(set(file.faces) - standing.keys())
    return [
        (f"{len(file.statements):,}", "statement" if len(file.statements) == 1 else "statements"),
        (f"{len(file.searches):,}", "search" if len(file.searches) == 1 else "searches"),
        *((f"{states.count(state):,}", state.value) for state in _ORDER),
        (f"{unmarked:,}", "not marked"),
    ]


def _groups(report: CaseReport, pictures: Mapping[int, Shown]) -> list[tuple[str, list[Card]]]:
    standing = report.file.standing
    found: dict[int, list[tuple[CaseSearch, Hit]]] = {}
    for search in report.file.searches:
        for hit in report.results[search.number].hits:
            found.setdefault(hit.face.face, []).append((search, hit))
    groups: dict[str, list[Card]] = {}
    for face in report.order:
        title = state_of(standing[face]).value.capitalize() if face in standing else "Not marked"
        card = _card(report, face, pictures[face], standing.get(face, {}), found.get(face, ()))
        groups.setdefault(title, []).append(card)
    return list(groups.items())


def _card(
    report: CaseReport,
    face: int,
    shown: Shown,
    marks: Mapping[str, Mark],
    found: Sequence[tuple[CaseSearch, Hit]],
) -> Card:
    told: list[str] = []
    words: Sequence[Word] = ()
    hard: tuple[Hard, ...] = ()
    unlikely = False
    for search, hit in found:
        told.append(_found_in_words(search, hit, report.results[search.number]))
        hard = hit.hard or hard
        if search.kind == "search":
            words, unlikely = words_of(hit.asked), hit.score < LIKELY_FROM
    lists = [each.name for each in report.file.shortlists if face in each.faces]
    told += [f"on the list {', '.join(lists)}"] if lists else []
    picture = picture_of(report.details[face], shown.crop, hard)
    return Card(
        f"Face {face}",
        f"Face {face}",
        picture,
        words=words,
        said=told,
        whole=shown.whole,
        unlikely=unlikely,
        anchor=f"face-{face}",
        marks=list(marks.values()),
    )


def _found_in_words(search: CaseSearch, hit: Hit, result: SearchResult) -> str:
    kind = "score" if search.kind == "search" else "similarity"
    of = f" of {search.searched:,}" if search.searched else ""
    fit = fit_in_words(hit, result)
    return f"search {search.number}: rank {hit.rank}{of}, {kind} {score_in_words(hit.score)}{f', {fit}' if fit else ''}"


def _result(search: CaseSearch, model: ScoringModel, details: Mapping[int, FaceDetails]) -> SearchResult:
    nothing = np.zeros(len(model.attributes), np.float32)
    hits = [
        Hit(
            hit.rank,
            hit.score,
            details[hit.face],
            nothing,
            asked_of(hit),
            tuple(map(Hard, hit.shown.get("hard", ()))),
            (),
            fit_of(hit),
            tuple(hit.shown.get("behind", ())),
        )
        for hit in search.hits
        if hit.face in details
    ]
    return result_of(search, model, hits)


def _attributes(file: CaseFile, model: str) -> list[Attribute]:
    """What was asked for in the searches of this network, each once."""
    names = (
        each["attribute"]
        for search in file.searches
        if search.model == model
        for hit in search.hits[:1]
        for each in hit.shown.get("asked", ())
    )
    return [BY_NAME[name] for name in dict.fromkeys(names)]


def _statement(said: CaseStatement) -> ShownStatement:
    facts = [
        ("Witness", said.witness),
        ("Taken by", said.taken_by),
        ("Taken", f"{said.taken:%Y-%m-%d %H:%M}" if said.taken else ""),
        ("How", said.how),
        ("Put in", f"{said.added.astimezone():%Y-%m-%d %H:%M %Z} by {said.who}"),
    ]
    segments, readings = _segments(said.text)
    return ShownStatement(said, [(label, text) for label, text in facts if text], segments, readings)


def _segments(text: str) -> tuple[list[Segment], list[str]]:
    """The text in parts that are searched, set aside or neither; and what is searched for each person."""
    try:
        statement = understand(text)
    except QueryError as error:
        return [Segment(text, "")], [f"Not searched as it stands: {error_in_words(error)}"]
    kinds = np.zeros(len(text), np.uint8)
    for aside in statement.set_aside:
        kinds[aside.start : aside.end] = 1
    for person in statement.persons:
        for used in person.used:
            kinds[used.start : used.end] = 2
    cuts = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(text)]
    names = ("", "aside", "used")
    segments = [Segment(text[a:b], names[kinds[a]]) for a, b in pairwise(cuts) if b > a]
    several = len(statement.persons) > 1
    readings = [
        f"{f'Person {number}' if several else 'Read as'}: {person.tree}"
        for number, person in enumerate(statement.persons, 1)
    ]
    return segments, readings


def _search(search: CaseSearch, result: SearchResult, file: CaseFile, shown: set[int]) -> ShownSearch:
    about = search.about
    standing = file.standing
    typed, reading = str(about.get("text", "")), str(about.get("reading", ""))
    forgotten = search.request is None
    kind = "Faces that fit a description" if search.kind == "search" else "Faces with similar attributes"
    title = f"Search {search.number}: {reading}" if reading and not forgotten else f"Search {search.number}"
    facts = [
        ("Kind", kind),
        *([("Asked", typed)] if typed and typed != reading else []),
        *([("Statement", f"made from statement {search.statement}")] if search.statement else []),
        ("By", f"{search.who}, {search.moment.astimezone():%Y-%m-%d %H:%M %Z}"),
        *([("Reason", search.reason)] if search.reason else []),
        ("Looked at", "not noted by the log" if "adopted" in about else f"{searched_in_words(result)} faces"),
        *([("Ranks", "not shown to who searched")] if search.blind else []),
        *([("Request", f"SHA-256 {search.digest}")] if search.digest else []),
        *([("Audit log", f"row {search.row:,}")] if search.row else []),
    ]
    gone = search.answered - len(search.hits)
    sentences = [
        *([_NOT_COMPARED] if about.get("not_compared") else []),
        *(["What was asked for named a photo that was forgotten since, and is no longer known."] if forgotten else []),
        *(() if forgotten or not about.get("unseen") else outcome_in_words(result, True, {})),
        *map(notice_in_words, result.notices),
        *hard_remarks(result),
        *(
            [f"Of {counted(search.answered, 'hit')}, {gone:,} are not listed: forgotten since, or beyond those kept."]
            if gone > 0
            else []
        ),
    ]
    if not search.answered and not any("No face matched" in each for each in sentences):
        sentences.insert(0, "No face was found.")
    return ShownSearch(
        search,
        title,
        facts,
        [(_CHANGES[each.change], each.words, f"{each.who}, {each.moment.astimezone():%Y-%m-%d}", each.why or "not said")
         for each in search.departures],
        unseen_in_words(result.unseen) or (["Nothing: every photo of the catalogue had been looked at."] if
        about.get("unseen") else []), list(dict.fromkeys(sentences)), [_row(hit, standing, shown) for hit in
        result.hits], any(hit.asked for hit in result.hits), )  # fmt: skip


def _row(hit: Hit, standing: Mapping[int, Mapping[str, Mark]], shown: set[int]) -> HitRow:
    words = ", ".join(
        f"{words} {each.percent} % {MARKS[each.mark]}".replace(" ", "\N{NO-BREAK SPACE}")
        for words, each in zip(asked_words(hit.asked), hit.asked, strict=True)
    )
    marks = standing.get(hit.face.face, {})
    state = "; ".join(f"{each.state.value} ({each.who})" for each in marks.values()) or "not marked"
    fits = f"{hit.fit.fitting} of {hit.fit.parts}" if hit.fit else ""
    return HitRow(hit.rank, score_in_words(hit.score), hit.face.face, hit.face.face in shown, fits, words, state)


def _log_row(entry: Entry) -> tuple[str, str, str, str, str]:
    said = entry.payload or {}
    who = str(said.get("examiner") or said.get("user", ""))
    host = str(said.get("host", ""))
    what = [str(said[key]) for key in ("action", "reading", "state", "reason") if said.get(key)]
    named = sorted(audit.faces_of(entry))
    if named:
        what.append(f"face {named[0]}" if len(named) == 1 else f"{len(named):,} faces")
    return (
        f"{entry.sequence:,}",
        f"{entry.moment.astimezone():%Y-%m-%d %H:%M:%S %Z}",
        entry.kind,
        f"{who} ({host})" if host else who,
        "; ".join(what),
    )


_NOTHING = np.empty(0, np.float32)
_UNKNOWN = ScoringModel("", (), _NOTHING, _NOTHING, _NOTHING, np.empty((0, 0), np.float32))


def marks_in_order(file: CaseFile) -> Iterator[Mark]:
    """Every mark that counts, faces to follow up first."""
    standing = file.standing
    for face in sorted(standing, key=lambda each: (_ORDER.index(state_of(standing[each])), each)):
        yield from standing[face].values()
