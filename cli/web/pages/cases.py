"""Cases: which one is worked on, what it holds, marks on faces, blind review, and what is handed on."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from cli.errors import FileProblem
from cli.web.asked import Extra, address
from cli.web.marks import SHORTLIST, marked_in
from cli.web.pages.call import Call, whole
from cli.web.pages.plain import local
from cli.web.stored import Stored
from db import models
from db.values.case import CaseSearch
from facesearch.cases.cases import CaseFile
from facesearch.cases.errors import BadText, PartUnknown
from facesearch.cases.keeping import kept_probes, request_of
from facesearch.cases.references import MOST_NAME, MOST_NOTE, key_of, line
from facesearch.custody.acting import acting
from facesearch.custody.audit import actor
from facesearch.custody.policy import permit
from facesearch.search.request import LikeFace, LikePhoto, catalogue_name, describe

# ---- which case is worked on


def list_all(call: Call) -> Response:
    """All cases, who works here, and a new one."""
    return _list(call, call.query.get("back", ""))


def demanded(call: Call, sentence: str) -> Response:
    """The same, where the policy demands that something is said first; then the page follows that was asked for."""
    asked_for = call.request.url
    back = f"{asked_for.path}?{asked_for.query}" if asked_for.query else asked_for.path
    return _list(call, back if call.request.method == "GET" else "/", sentence)


def _list(call: Call, back: str, sentence: str = "") -> Response:
    values = {
        "nav": "cases",
        "cases": call.place.cases.all(),
        "acting": call.place.acting,
        "actor": actor(),
        "back": local(back) if back else "",
        "sentence": sentence,
    }
    return call.page("cases.html", values)


def work(call: Call) -> Response:
    """Say who works here, why, and on which case."""
    place, form = call.place, call.form
    reference = form.get("case", place.acting.case)
    if reference:
        reference = place.cases.get(reference).reference
    _work_as_told(call)
    place.choose(reference)
    back = form.get("back", "")
    return call.to(local(back) if back else _address(reference) if reference else "/cases")


def _work_as_told(call: Call) -> None:
    """What the form says of who works here and why, where it says it."""
    place, form = call.place, call.form
    examiner = line(form.get("examiner", place.acting.examiner), "name of the examiner", MOST_NAME)
    place.work_as(examiner, line(form.get("reason", place.acting.reason), "reason", MOST_NOTE))


def new(call: Call) -> Response:
    """Open a case, and work on it; by whom stands in the same form."""
    _work_as_told(call)
    with acting(call.place.acting):
        case = call.place.cases.open(call.form.get("reference", ""), call.form.get("name", ""))
    call.place.choose(case.reference)
    return call.to(_address(case.reference))


def close(call: Call) -> Response:
    """Close a case, or open it again."""
    reference, cases = _named(call), call.place.cases
    if call.form.get("reopen"):
        cases.reopen(reference)
    else:
        cases.close(reference)
    return call.to(_address(reference))


# ---- what it holds


def show(call: Call) -> Response:
    """All that a case holds."""
    file = call.place.cases.file(call.query.get("case", ""))
    listed = [face for each in file.shortlists for face in each.faces]
    faces = list(dict.fromkeys([*file.standing, *listed]))
    call.place.log_case(file.case.reference, "show", faces)
    undone = [each for each in file.marks if each.undone is not None]
    chosen, serving = call.place.acting.case, _serving(call)
    values = {
        "nav": "cases",
        "file": file,
        "faces": faces,
        "marked": marked_in(call.place, file.case, faces),
        "is_chosen": key_of(chosen) == key_of(file.case.reference),
        "is_open": file.case.closed is None,
        "repeatable": {each.number: _is_repeatable(each, serving) for each in file.searches},
        "undone": undone,
        "actor": actor(),
        "prints": _prints(),
    }
    return call.page("case.html", values)


def add_statement(call: Call) -> Response:
    """Keep a statement, word by word."""
    form, reference = call.form, _named(call)
    taken = form.get("taken", "").strip()
    try:
        moment = datetime.fromisoformat(taken) if taken else None
    except ValueError:
        raise BadText("The moment when the statement was taken is no date and time: write 2026-03-04 14:30.") from None
    call.place.cases.add_statement(
        reference,
        form.get("text", "").replace("\r\n", "\n"),
        witness=form.get("witness", ""),
        taken_by=form.get("taken_by", ""),
        taken=moment,
        how=form.get("how", ""),
    )
    return call.to(f"{_address(reference)}#statements")


def add_note(call: Call) -> Response:
    """Put a note on the case."""
    reference = _named(call)
    call.place.cases.note(reference, call.form.get("text", "").replace("\r\n", "\n"))
    return call.to(f"{_address(reference)}#notes")


def search_statement(call: Call) -> Response:
    """Search for what a statement says; the search knows from which one it is made."""
    reference, number = _named(call), whole(call.form.get("number", ""), 0)
    said = call.place.cases.statement(reference, number)
    call.place.choose(reference)
    if call.form.get("blind") == "1":
        call.place.cases.require_open(reference)
        request = replace(describe(said.text)[0].merged(), catalogues=(catalogue_name(call.place.path),))
        with acting(replace(call.place.acting, statement=number)):
            kept = call.place.search_blind(request)
        return go_to_review(call, reference, kept.number if kept else None)
    return call.to(f"/search/{call.place.requests.keep(Stored(said.text, {}, reference, number))}")


def ask_again(call: Call) -> Response:
    """Ask a search of the case again, as it was asked."""
    reference, number = _named(call), whole(call.form.get("number", ""), 0)
    search = next((each for each in call.place.cases.file(reference).searches if each.number == number), None)
    request = request_of(search) if search is not None else None
    if search is None or request is None:
        raise PartUnknown(f"Search {number} of case {reference} cannot be asked again: it is not there any more.")
    extra = Extra(request.min_score, request.min_detection, request.min_face, request.order)
    call.place.choose(reference)
    if request.like:
        if not _is_repeatable(search, _serving(call)):
            raise PartUnknown(
                f"Search {number} started from an uploaded photo, of which nothing is kept that this network can use: "
                "upload it again."
            )
        starts = [("face", str(each.face)) for each in request.like if isinstance(each, LikeFace)]
        photos = kept_probes(search, request)
        if photos:
            key = call.place.probes.take_known(photos)
            starts += [("probe", key), *(("pick", str(number)) for number in range(1, len(photos) + 1))]
        but = [("but", str(request.changes))] if request.changes else []
        return call.to(f"/similar?{urlencode([*starts, *but, *extra.parameters().items()])}")
    text = str(request.merged())
    stored = Stored(text, {0: request}, reference if search.statement else "", search.statement)
    return call.to(address(text, call.place.requests.keep(stored), None, extra))


def _is_repeatable(search: CaseSearch, serving: str) -> bool:
    """Whether the search can be asked again. One that started from an uploaded photo can be as long as the network is
    the one that looked at it. serving: the digest of the one in use."""
    request = request_of(search)
    if request is None:
        return False
    if not any(isinstance(each, LikePhoto) for each in request.like):
        return True
    return search.model == serving and len(kept_probes(search, request)) > 0


def _serving(call: Call) -> str:
    with call.place.catalogue.read() as session:
        found = models.serving(session)
    return found[1].digest if found else ""


# ---- marks


def mark(call: Call) -> Response:
    """Mark a face in the case that is worked on, take a mark back, or put the face on a list."""
    place, form = call.place, call.form
    what, _, number = form.get("do", "").rpartition(":")
    face = whole(number or form.get("face", ""), 0)
    what = what or form.get("state", "")
    reference = form.get("case", "")
    if not place.acting.case or key_of(reference) != key_of(place.acting.case):
        return call.message("Another case was chosen meanwhile: load this page again, and see which one it is.", 409)
    if not face:
        raise PartUnknown("No face is named: load the page again, and mark one on it.")
    case = place.cases.require_open(reference)
    reviewed = whole(form.get("review", ""), 0)
    if what == "undo":
        place.cases.undo(reference, face)
    elif what in ("list", "unlist"):
        name = line(form.get("list", "") or SHORTLIST, "name of the list", MOST_NAME)
        place.cases.shortlist(reference, name, **{"add" if what == "list" else "remove": [face]})
    else:
        _check_not_blind(place.cases.file(reference), face, reviewed)
        note = form["note"].replace("\r\n", "\n") if "note" in form else None
        place.cases.mark(reference, [face], what, role=form.get("role"), note=note)
    if call.is_part:
        shown = marked_in(place, case, [face], only_own=bool(reviewed))
        return call.page("_mark.html", {"marked": shown, "face": face})
    return call.to(f"{local(form.get('back', '/'))}#mark-{face}")


def _check_not_blind(file: CaseFile, face: int, reviewed: int) -> None:
    """Raises PartUnknown for a face that its reviewer is to see without its rank, and sees with it."""
    for each in file.reviews:
        if each.reviewer == actor() and each.blind and each.search != reviewed and face in each.left:
            raise PartUnknown(
                f"You look at face {face} without rank and score in the blind review of search {each.search}: mark it "
                "there, from the page of the case."
            )


# ---- blind review


def review(call: Call) -> Response:
    """One's own review of a search, in its random order, without ranks and scores."""
    file = call.place.cases.file(call.query.get("case", ""))
    number = whole(call.query.get("search", ""), 0)
    mine = next((each for each in file.reviews if each.search == number and each.reviewer == actor()), None)
    if mine is None:
        raise PartUnknown(f"You have not begun to review search {number}: begin on the page of the case.")
    call.place.log_case(file.case.reference, "review", mine.faces)
    values = {
        "nav": "cases",
        "file": file,
        "review": mine,
        "marked": marked_in(call.place, file.case, mine.faces, only_own=not mine.is_complete),
        "is_chosen": key_of(call.place.acting.case) == key_of(file.case.reference),
    }
    return call.page("review.html", values)


def begin_review(call: Call) -> Response:
    """Begin a review, or go on with it."""
    return go_to_review(call, _named(call), whole(call.form.get("number", ""), 0) or None)


def go_to_review(call: Call, reference: str, number: int | None) -> Response:
    """Go to the review of a search of the case, without a number of the last one; the case is worked on from then."""
    stands = call.place.cases.review(reference, number)
    call.place.choose(reference)
    return call.to(f"/case/review?{urlencode({'case': reference, 'search': stands.search})}")


# ---- what is handed on


def report(call: Call) -> Response:
    """The report as a file."""
    from cli.report.case_page import case_report, write_case
    from cli.report.pdf import find_browser, write_pdf

    reference, form = _named(call), "pdf" if call.form.get("form") == "pdf" else "html"
    source = call.place.catalogue
    permit(source).permit_export("html")
    file = call.place.cases.file(reference)
    made = case_report(source, file)
    others = call.form.get("show_others") == "1"

    def write(to: Callable[[bytes], object]) -> None:
        write_case(to, source, made, show_others=others)

    path = _own_file(call, f".{form}")
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            if form == "pdf":
                write_pdf(find_browser(), write, out.write)
            else:
                write(out.write)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return _attachment(call, path, file, "report", f"case {file.case.reference}.{form}")


def export(call: Call) -> Response:
    """All of the case as a zip."""
    from cli.report.case_export import write_export
    from cli.report.case_page import case_report
    from cli.report.folders import new_folder, safe_name

    reference, source = _named(call), call.place.catalogue
    permit(source).permit_every_export()
    file = call.place.cases.file(reference)
    made = case_report(source, file)
    own = call.place.own_folder / secrets.token_hex(8)
    own.mkdir(mode=0o700)
    path = own / f"case-{safe_name(file.case.reference) or 'case'}.zip"
    with new_folder(path, zipped=True) as folder:
        write_export(folder, source, made, show_others=call.form.get("show_others") == "1")
        folder.seal()
    return _attachment(call, path, file, "export", f"case {file.case.reference}.zip")


def _own_file(call: Call, suffix: str) -> Path:
    return call.place.own_folder / f"{secrets.token_hex(8)}{suffix}"


def _attachment(call: Call, path: Path, file: CaseFile, how: str, name: str) -> Response:
    """A file that goes out, logged with its digest, and gone from here once it was sent."""
    import hashlib

    from cli.report.folders import safe_name

    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    safe = safe_name(name)
    call.place.cases.log_shown(file.case.reference, how, file.faces, files=[{"file": safe, "sha256": digest}])

    def remove() -> None:
        path.unlink(missing_ok=True)
        if path.parent != call.place.own_folder:
            with suppress(OSError):
                path.parent.rmdir()

    return FileResponse(path, filename=safe, media_type="application/octet-stream", background=BackgroundTask(remove))


def _prints() -> bool:
    """Whether there is a browser that prints."""
    from cli.report.pdf import find_browser

    try:
        return bool(find_browser())
    except FileProblem:
        return False


def _named(call: Call) -> str:
    """The reference of the case that a form is about. Raises CaseUnknown."""
    return call.place.cases.get(call.form.get("case", "")).reference


def _address(reference: str) -> str:
    return f"/case?case={quote(reference, safe='')}"
