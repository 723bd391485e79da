"""Search: what is asked, how it was understood, and the hits, chunk by chunk."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from cli.report.logged import kept_in_words, unlogged_in_words
from cli.report.rank import rank_in_words
from cli.report.remedies import error_in_words
from cli.report.summary import hard_remarks, in_short, missing_remarks
from cli.report.tables import DIM_BELOW, marks_in_words
from cli.report.unseen import unseen_in_words
from cli.report.wording import behind_in_words, counted, notice_in_words, remarks_on
from cli.web.asked import (
    IN_ADDRESS,
    Asked,
    Chip,
    Extra,
    address,
    attribute_states,
    change,
    chips,
    fits_address,
    is_empty,
    photo_of,
    pieces,
    with_attributes,
    with_photo,
)
from cli.web.cards import Card, card
from cli.web.marks import marked
from cli.web.pages.call import Call, whole
from cli.web.pages.cases import go_to_review
from cli.web.stored import Stored
from cli.web.workplace import View
from db.errors import CatalogueError
from db.values.photo_filter import PhotoFilter
from facesearch.attributes import Group, members
from facesearch.cases.references import key_of
from facesearch.custody.acting import Acting, acting, acting_now
from facesearch.errors import FacesearchError, Notice, QueryError, RequestError, SearchError, UsageError
from facesearch.query import Statement
from facesearch.query.errors import StatementError
from facesearch.query.musts import unmarked
from facesearch.query.photo_filters import folder_named, taken_range
from facesearch.query.phrases import phrase
from facesearch.query.statement import understand
from facesearch.reliability import MEANINGS, UNGRADED
from facesearch.search import chunks
from facesearch.search.changes import parse_changes
from facesearch.search.chunks import CHUNK
from facesearch.search.hits import SearchResult
from facesearch.search.rank_of import rank_of
from facesearch.search.request import Order, Request, catalogue_name, describe
from facesearch.search.similar import PhotoFace, ProbeFace, distinct, indexed_faces, like

MOST_TILES = 42 * CHUNK
"""Hits in one page; behind them a link leads to the next one."""
_FOLDERS, _CAMERAS = 200, 40


@dataclass(frozen=True, slots=True)
class Note:
    """Something that should be known of a result. kind: "unseen" where something was not looked at, "advice" where a
    click helps, else "". do: fields of the form that does it; button: what stands on its button."""

    text: str
    kind: str = ""
    do: tuple[tuple[str, str], ...] = ()
    button: str = ""
    action: str = "/search/change"


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why a text cannot be searched. readings: between which is asked."""

    sentence: str
    readings: tuple[str, ...] = ()


def start(call: Call) -> Response:
    """The box, and nothing else."""
    call.place.catalogue  # noqa: B018 (without one, a folder is chosen first)
    return call.page("search.html", _values(call))


def ask(call: Call) -> Response:
    """From what was typed or pasted to the address of its answer."""
    text = call.form.get("text", "").replace("\r\n", "\n").strip()
    if not text:
        return call.to("/")
    extra = Extra.of(call.form)
    try:
        statement: Statement | None = _statement(text)
    except (QueryError, RequestError):
        statement = None
    if call.form.get("blind") == "1":
        return _blind(call, extra.apply(describe(text, person=_default_person(statement))[0]).merged())
    stored = ""
    if not fits_address(text, statement, pasted=call.form.get("pasted") == "1"):
        stored = call.place.requests.keep(Stored(text))
    if statement is not None:
        try:
            request = _here(call, extra.apply(describe(text, person=_default_person(statement))[0]).merged())
            call.place.view(request, anew=True)  # asked anew, so of what is there now
        except (FacesearchError, CatalogueError):
            pass  # the page that follows says what is wrong
    return call.to(address(text, stored, None, extra))


def _blind(call: Call, request: Request) -> Response:
    """Keep the hits in the case, and show them in the review alone, without ranks and scores."""
    case = call.place.cases.require_open(call.place.acting.case)
    kept = call.place.search_blind(_here(call, request))
    if kept is None or kept.number is None:
        return call.message(" ".join(kept_in_words(kept)) if kept else "The search was not kept.", 422)
    return go_to_review(call, case.reference, kept.number)


def read(call: Call) -> Response:
    """How a text is understood, while it is typed."""
    text = call.form.get("text", "").replace("\r\n", "\n").strip()
    if not text:
        return call.page("_reading.html", {"persons": [], "problem": None, "notes": ()})
    try:
        statement = _statement(text)
        statement.check_searched()
    except (QueryError, RequestError) as error:
        return call.page("_reading.html", {"persons": [], "problem": _problem(error), "notes": ()})
    persons = [
        (person.label, str(person.tree), list(pieces(statement.text, statement, number)))
        for number, person in enumerate(statement.persons, 1)
    ]
    return call.page("_reading.html", {"persons": persons, "problem": None, "notes": remarks_on(statement)})


def found(call: Call) -> Response:
    """The answer to a description that stands in the address."""
    text = call.query.get("q", "").strip()
    return _show(call, Stored(text), "") if text else call.to("/")


def found_stored(call: Call) -> Response:
    """The answer to a stored request."""
    name = call.request.path_params["id"]
    stored = call.place.requests.find(name)
    if stored is None:
        raise HTTPException(404, "This request is not kept any more: write or paste it again.")
    return _show(call, stored, name)


def similar(call: Call) -> Response:
    """Faces like one of the catalogue, like several, or like those of an uploaded photo."""
    parameters = call.request.query_params.multi_items()
    but = call.query.get("but", "").strip()[:IN_ADDRESS]
    extra = Extra.of(call.query)
    ids = [whole(value, 0) for key, value in parameters if key == "face" and value.isdecimal()]
    probe, picks = call.query.get("probe", ""), [whole(value, 0) for key, value in parameters if key == "pick"]
    about: list[tuple[str, str]] = [("face", str(each)) for each in ids]
    about += [("probe", probe), *(("pick", str(each)) for each in picks)] if probe else []
    seen: list[ProbeFace] = []
    pictured: list[int] = []
    hashes: list[str] = []
    problem = None
    if probe:
        chosen, pictured, hashes = _uploaded(call, probe, picks)
        seen += chosen
    seen += indexed_faces(call.place.catalogue, ids)
    if not seen:
        raise UsageError("No face was chosen: choose one on its page, or in an uploaded photo.")
    try:
        changes = parse_changes([but]) if but else parse_changes()
    except QueryError as error:
        problem, changes = _problem(error), parse_changes()
    except UsageError as error:
        problem, changes = _Problem(str(error)), parse_changes()
    starts = [seen[at] for at in distinct(seen)]
    request = _here(call, extra.apply(Request(changes=changes, like=like(starts))))
    base = f"/similar?{urlencode([*about, *((('but', but),) if but else ()), *extra.parameters().items()])}"
    values = _values(call, nav="face" if ids else "probe", extra=extra)
    values |= {
        "like": ids,
        "probe": probe,
        "picks": pictured,
        "hashes": hashes,
        "but": but,
        "about": about,
        "problem": problem,
        "notes_on_reading": tuple(notice_in_words(each) for each in changes.notices),
    }
    return _hits(call, call.place.view(request, starts), base, values, fades=False)


def _uploaded(call: Call, probe: str, picks: list[int]) -> tuple[list[PhotoFace], list[int], list[str]]:
    """The faces that were chosen of uploaded photos, the numbers of those that there is a picture of, and the photos'
    SHA-256."""
    uploaded = call.place.probes.find(probe)
    if uploaded is None:
        raise UsageError(
            "This photo is not kept any more: uploaded photos last as long as the server runs. Upload it again."
        )
    pictured = [each.number for each in uploaded.faces if each.number in picks and each.crop]
    return uploaded.chosen(picks), pictured, list(dict.fromkeys(photo.sha256 for photo in uploaded.photos))


def change_chip(call: Call) -> Response:
    """A click on a chip, or on one of the readings of what can be read in two ways."""
    form = call.form
    if form.get("how") == "reading":
        stored = call.place.requests.find(form.get("id", ""))
        text = stored.text if stored else form.get("q", "")
        readings = form.get("reading", "").split(" || ")
        changed = {
            number if len(readings) > 1 else 0: describe(each)[0].merged() for number, each in enumerate(readings, 1)
        }
        return call.to(address(text, call.place.requests.keep(Stored(text, changed)), None, Extra.of(form)))
    asked, stored = _asked_of(call)
    request = change(asked.request, form.get("how", ""), form.get("kind", ""), whole(form.get("number", ""), 0, 0))
    return _to_changed(call, asked, stored, request, asked.extra)


def change_filters(call: Call) -> Response:
    """What the panel of filters says."""
    form = call.form
    asked, stored = _asked_of(call)
    wanted = {key.removeprefix("a:"): value for key, value in call.fields if key.startswith("a:")}
    request = with_attributes(asked.request, wanted)
    if form.get("photo") == "1":
        folders = [os.fsdecode(unquote_to_bytes(each)) for each in call.all_of("folder")]
        folders += [folder_named(form["folder_text"].strip())] if form.get("folder_text", "").strip() else []
        first, last = form.get("taken_from", "").strip(), form.get("taken_to", "").strip()
        from_on, to = taken_range(f"{first}..{last}") if first or last else (None, None)
        names = tuple(each.strip() for each in form.get("name", "").split("|") if each.strip())
        cameras = [each for each in call.all_of("camera") if each.strip()]
        photo = PhotoFilter(tuple(dict.fromkeys(folders)), names, from_on, to, tuple(dict.fromkeys(cameras)))
        request = with_photo(request, photo)
    return _to_changed(call, asked, stored, request, Extra.of(form))


def again(call: Call) -> Response:
    """The same search of what is there now."""
    asked, stored = _asked_of(call)
    with acting(_for_statement(stored)):
        call.place.view(_here(call, asked.request), anew=True)
    return call.to(asked.address)


def filters(call: Call) -> Response:
    """The panel of filters, as a page of its own or as a part of the results."""
    asked, _ = _asked_of(call)
    template = "_filters.html" if call.is_part else "filters.html"
    return call.page(template, {"nav": "search", **_filter_values(call, asked)})


# ---- what is asked


def _statement(text: str) -> Statement:
    return understand(unmarked(text)[0])


def _default_person(statement: Statement | None) -> int | None:
    return 1 if statement is not None and len(statement.persons) > 1 else None


def _asked(text: str, stored: Stored, name: str, extra: Extra, person: int | None) -> Asked:
    """Raises QueryError, RequestError and SearchError."""
    try:
        statement: Statement | None = _statement(text)
    except (QueryError, RequestError):
        if not stored.changed:
            raise
        statement = None
    several = len(statement.persons) if statement is not None else len(stored.changed)
    person = min(max(person or 1, 1), several) if several > 1 else None
    changed = stored.changed.get(person or 0)
    if changed is None:
        changed, _ = describe(text, person=person)
        return Asked(text, extra.apply(changed).merged(), statement, extra, name, person)
    return Asked(text, extra.apply(changed), statement, extra, name, person, changed=True)


def _asked_of(call: Call) -> tuple[Asked, Stored]:
    """What a form, or an address with the same fields, is about."""
    given = {**dict(call.query), **call.form}
    name = given.get("id", "")
    stored = call.place.requests.find(name) if name else Stored(given.get("q", "").strip())
    if stored is None or not stored.text:
        raise HTTPException(404, "This request is not kept any more: write or paste it again.")
    person = whole(given.get("person", ""), 0) or None
    return _asked(stored.text, stored, name, Extra.of(given), person), stored


def _here(call: Call, request: Request) -> Request:
    return replace(request, catalogues=(catalogue_name(call.place.path),))


def _to_changed(call: Call, asked: Asked, stored: Stored, request: Request, extra: Extra) -> Response:
    """The answer to a request that was changed by a click; a statement stays what it was."""
    if is_empty(request):
        return call.to("/")
    text = str(request.merged())
    describe(text)  # which says what is wrong where no face can fit
    if not asked.stored and not request.merged().photo and stored.statement is None and len(text) <= IN_ADDRESS:
        return call.to(address(text, "", None, extra))
    changed = {**stored.changed, asked.person or 0: replace(request.merged(), catalogues=())}
    kept = call.place.requests.keep(replace(stored, changed=changed))
    return call.to(address(stored.text, kept, asked.person, extra))


def _problem(error: FacesearchError) -> _Problem:
    readings = error.readings if isinstance(error, StatementError) and error.kind != "several persons" else ()
    return _Problem(error_in_words(error), readings)


# ---- pages


def _values(call: Call, **more: object) -> dict[str, object]:
    """What the page of a search shows, before anything is asked."""
    return {
        "nav": "search",
        "text": "",
        "asked": None,
        "like": None,
        "probe": "",
        "problem": None,
        "chips": [],
        "pieces": [],
        "tabs": [],
        "notes": [],
        "notes_on_reading": (),
        "result": None,
        "extra": Extra(),
        "progress": call.place.progress(),
        "absent": None,
        "find": "",
        "nobody": False,
        **more,
    }


def _show(call: Call, stored: Stored, name: str) -> Response:
    text = stored.text
    extra = Extra.of(call.query)
    values = _values(call, text=text, extra=extra)
    try:
        asked = _asked(text, stored, name, extra, whole(call.query.get("person", ""), 0) or None)
    except (QueryError, RequestError) as error:
        values |= {"problem": _problem(error), "hidden": {"id": name} if name else {"q": text}}
        return call.page("search.html", values)
    statement = asked.statement
    values |= {
        "asked": asked,
        "hidden": asked.hidden,
        "chips": [_with_grade(call, each) for each in chips(asked.request)],
        "pieces": list(pieces(statement.text, statement, asked.person)) if _is_told(asked) and statement else [],
        "tabs": list(_tabs(asked, stored)),
        "notes_on_reading": _reading_notes(asked),
    }
    with acting(_for_statement(stored)):
        try:
            view = call.place.view(_here(call, asked.request))
        except (SearchError, RequestError, QueryError) as error:
            values["nobody"] = call.place.count_faces() == 0
            values["problem"] = None if values["nobody"] else _Problem(error_in_words(error))
            return call.page("search.html", values)
        return _hits(call, view, asked.address, values, fades=bool(asked.request.query.asked))


def _for_statement(stored: Stored) -> Acting:
    """On whose behalf a request is asked: from a statement of the case, where it is one of the case that is chosen."""
    now = acting_now()
    if stored.statement is None or key_of(stored.case) != key_of(now.case):
        return now
    return replace(now, statement=stored.statement)


def _is_told(asked: Asked) -> bool:
    """Whether the text says more than its chips do."""
    return bool(asked.stored) and asked.text != str(asked.request)


def _tabs(asked: Asked, stored: Stored) -> Iterator[tuple[int, str, str, bool]]:
    """Number, label, address and whether it is shown, of each of several persons."""
    labels = [each.label for each in asked.statement.persons] if asked.statement else [str(n) for n in stored.changed]
    for number, label in enumerate(labels if len(labels) > 1 else (), 1):
        yield number, label, asked.of_person(number), number == (asked.person or 1)


def _reading_notes(asked: Asked) -> tuple[str, ...]:
    if asked.statement is None:
        return ()
    told = " ".join(each.words for each in asked.statement.person(asked.person).used)
    notices = map(notice_in_words, asked.request.query.notices(told))
    return tuple(dict.fromkeys((*remarks_on(asked.statement, asked.person), *notices)))


def _with_grade(call: Call, chip: Chip) -> tuple[Chip, str]:
    """A chip with the worst grade of its attributes, where that is weak."""
    known = call.place.grades()
    worst = max((known[each] or "" for each in chip.attributes), default="")
    return chip, worst if worst in ("C", "D") else ""


def _hits(call: Call, view: View, base: str, values: dict[str, object], *, fades: bool) -> Response:
    """The hits from a rank on: a page, or the next chunk of one."""
    ranked = view.ranked
    first = (min(whole(call.query.get("from", ""), 1), max(ranked.found, 1)) - 1) // CHUNK * CHUNK + 1
    start = first if not call.is_part else whole(call.query.get("start", ""), 1)
    sought = whole(call.query.get("find", "").strip().lstrip("#"), 0)
    if sought:
        values |= {"find": str(sought), "absent": _absent(call, view, sought, base)}
        if call.is_part:
            return call.page("_absent.html", values)
    result = call.place.chunk(view, first)
    next_first = first + CHUNK
    separator = "&" if "?" in base else "?"
    changed = chunks.has_changed(call.place.catalogue, ranked)
    values |= {
        "base": base,
        "separator": separator,
        "result": result,
        "cards": _cards(result, fades),
        "marked": marked(call.place, [hit.face.face for hit in result.hits]),
        "first": first,
        "last": min(first + CHUNK - 1, view.ranked.found),
        "next": f"{base}{separator}from={next_first}" if next_first <= view.ranked.found else "",
        "page_start": start,
        "full": next_first - start >= MOST_TILES,
        "before": f"{base}{separator}from={max(1, first - MOST_TILES)}" if first > 1 and not call.is_part else "",
        "found": view.ranked.found,
        "looked_at": view.looked_at,
        "changed": changed,
        "behind": behind_in_words(result.musts, result.behind, shown=True) if result.behind else "",
        "behind_before": first > 1 and bool(result.hits) and _is_behind(view, first - 1),
    }
    if call.is_part:
        return call.page("_chunk.html", values)
    values["notes"] = _notes(result, values)
    values["marks"] = marks_in_words(result.hits) if any(hit.asked for hit in result.hits) else ""
    values["outcome"] = _outcome(result, expects=bool(values["asked"]))
    return call.page("search.html", values)


def _is_behind(view: View, rank: int) -> bool:
    """Whether the hit of this rank stands behind those that have what must be."""
    return rank > view.ranked.found - view.ranked.about.behind


def _cards(result: SearchResult, fades: bool) -> list[Card]:
    return [card(hit, fades=fades) for hit in result.hits]


def _outcome(result: SearchResult, *, expects: bool) -> str:
    """The result in a line."""
    if not result.faces:
        return "No face passes the filters."
    if not result.hits and result.best is not None:
        return f"No face reaches the least score; the best has {in_short(result.best)}."
    if expects and result.best is not None and result.best < DIM_BELOW:
        return f"Nobody likely: the best score is {in_short(result.best)}."
    if expects and result.expected is not None:
        about = "fewer than 0.1" if result.expected < 0.1 else f"about {result.expected:,.{result.expected < 9.95:d}f}"
        return f"{about} expected to fit"
    return ""


def _notes(result: SearchResult, values: dict[str, object]) -> list[Note]:
    """What should be known of a result, what was not seen first."""
    notes = [Note(each, "unseen") for each in unseen_in_words(result.unseen)]
    notes += [Note(each, "unseen") for each in unlogged_in_words(result.logged)]
    if result.kept is not None:
        notes += [Note(each, "unseen" if result.kept.number is None else "") for each in kept_in_words(result.kept)]
    notes += [_note(each, values) for each in result.notices]
    notes += [Note(each) for each in (*hard_remarks(result), *missing_remarks(result))]
    left_out = [f"{counted(step.left_out, 'face')} by {step.words}" for step in result.filter_steps]
    if result.below_detection:
        left_out.insert(0, f"{counted(result.below_detection, 'face')} with a lower detection score")
    if left_out:
        notes.append(Note(f"Left out: {'; '.join(left_out)}."))
    return notes


def _note(notice: Notice, values: dict[str, object]) -> Note:
    """A notice on a result; with a button, where something can be done about it."""
    if notice.kind == "leave out" and values["asked"]:
        words, faces = str(notice.values["words"]), int(str(notice.values["faces"]))
        do = (("how", "drop"), ("kind", "part"), ("number", str(_number_of(values, words))))
        are = "1 face is" if faces == 1 else f"{faces:,} faces are"
        return Note(f"Without “{words}”, {are} likely.", "advice", do, f"Drop “{words}”")
    if notice.kind == "must" and values["asked"]:
        word = str(notice.values["word"])
        do = (("how", "must"), ("kind", "part"), ("number", str(_number_of(values, word))))
        text = f"{notice.values['against']} of the first {notice.values['of']} faces are judged to be of the other sex."
        return Note(text, "advice", do, f"“{word}” must hold")
    return Note(notice_in_words(notice))


def _number_of(values: dict[str, object], words: str) -> int:
    found = values["chips"]
    assert isinstance(found, list)
    return next((chip.number for chip, _ in found if chip.kind == "part" and words in (chip.says, chip.plain)), -1)


def _absent(call: Call, view: View, face: int, base: str) -> dict[str, object]:
    """Why a face is not among the hits, in a sentence, and a link where it can be seen."""
    try:
        answer = chunks.find_absent(call.place.catalogue, view.ranked, face)
    except (CatalogueError, FacesearchError) as problem:
        return {"text": str(problem), "link": "", "face": face}
    separator = "&" if "?" in base else "?"
    if answer.rank is not None:
        start = (answer.rank - 1) // CHUNK * CHUNK + 1
        return {
            "text": " ".join(_why(call, view, face, answer)),
            "link": f"{base}{separator}from={start}#hit-{answer.rank}",
            "face": face,
        }
    if answer.filters:
        why = " and ".join(answer.filters)
        return {"text": f"Face {face} is left out by a filter: {why}.", "link": "", "face": face}
    if answer.score is not None:
        least = view.ranked.request.min_score
        return {
            "text": f"Face {face} has a score of {in_short(answer.score)}, and at least {least:g} is asked for.",
            "link": "",
            "face": face,
        }
    if any(getattr(each, "face", None) == face for each in view.ranked.request.like):
        return {"text": f"Face {face} is the one that is started from.", "link": "", "face": face}
    return {"text": f"Face {face} is newer than this search: search again.", "link": "", "face": face}


def _why(call: Call, view: View, face: int, answer: chunks.Absent) -> Iterator[str]:
    """Where a face stands, and which words keep it from the front."""
    ranked = view.ranked
    if not ranked.probes and ranked.request.query.asked and not chunks.has_changed(call.place.catalogue, ranked):
        if face not in view.told:
            view.told[face] = tuple(rank_in_words(rank_of(call.place.catalogue, ranked.request, face)))
        yield from view.told[face]
        return
    score = "" if answer.score is None else f", with a score of {in_short(answer.score)}"
    yield f"Face {face} is number {answer.rank:,} of {ranked.found:,}{score}."


# ---- filters


def _filter_values(call: Call, asked: Asked) -> dict[str, object]:
    known, states = call.place.grades(), attribute_states(asked.request.query)
    photo = photo_of(asked.request)
    facets = call.place.facets()
    chosen = {os.fsencode(each) for each in photo.folder}
    most = sorted(facets.folders.items(), key=lambda each: -each[1])[:_FOLDERS]
    shown = sorted({path for path, _ in most} | (chosen & facets.folders.keys()))
    roots = [path for path in shown if not any(path != other and path.startswith(other + b"/") for other in shown)]

    def depth(path: bytes) -> int:
        root = next((each for each in roots if path == each or path.startswith(each + b"/")), path)
        return path.count(b"/") - root.count(b"/")

    folders = [
        {
            "value": quote_from_bytes(path),
            "name": path if path in roots else path.rpartition(b"/")[2],
            "photos": facets.folders[path],
            "depth": min(depth(path), 4),
            "chosen": path in chosen,
        }
        for path in shown
    ]
    cameras = sorted(((name, number) for name, number in facets.cameras.items() if name), key=lambda each: -each[1])
    return {
        "asked": asked,
        "hidden": asked.hidden,
        "groups": [
            (
                group.heading,
                [
                    (each.name, phrase(each.index, True), states[each.index], known[each.index] or UNGRADED)
                    for each in members(group)
                ],
            )
            for group in Group
        ],
        "meanings": MEANINGS,
        "folders": folders,
        "other_folders": [each for each in photo.folder if os.fsencode(each) not in set(shown)],
        "months": _histogram(facets.months),
        "undated": facets.undated,
        "cameras": [(name, number, name in photo.camera) for name, number in cameras[:_CAMERAS]],
        "no_camera": facets.cameras.get("", 0),
        "photo": photo,
        "extra": asked.extra,
        "witness": asked.extra.order is Order.WITNESS,
    }


def _histogram(months: dict[str, int]) -> list[tuple[str, int, float]]:
    """Photos by month, or by year where there are many months: label, number and height, 0..1."""
    counts = months
    if len(months) > 36:
        counts = {}
        for month, number in months.items():
            counts[month[:4]] = counts.get(month[:4], 0) + number
    most = max(counts.values(), default=1)
    return [(label, number, number / most) for label, number in counts.items()]
