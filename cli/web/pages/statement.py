"""Taking a statement: free recall, open prompts, closed questions last. No face is ever on these pages, since who has
seen pictures is lost for a line-up."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from cli.report.remedies import error_in_words
from cli.terminal.conversation import remaining_in_words
from cli.web.pages.call import Call, whole
from cli.web.stored import Draft, Stored
from db.errors import CatalogueError
from facesearch.cases.references import MOST_NAME, MOST_STATEMENT, checked, line
from facesearch.errors import FacesearchError
from facesearch.search.answers import read_answer, recorded
from facesearch.search.interview import begin
from facesearch.search.questions import ASKED, FREE_RECALL, OPEN_PROMPTS, Question, question, statement_text
from facesearch.search.request import Request, describe

_OFFERED = 6
"""Closed questions that are shown at once."""


@dataclass(frozen=True, slots=True)
class _Offered:
    """What may be asked still. remains: how many faces fit so far, in words; problem: why there is no question."""

    questions: tuple[Question, ...] = ()
    remains: str = ""
    problem: str = ""


def start(call: Call) -> Response:
    """Who is asked, and the free recall."""
    acting = call.place.acting
    return call.page("statement.html", {**_VALUES, "draft": Draft(taken_by=acting.examiner, how="in person")})


def tell(call: Call) -> Response:
    """Keep the free recall, and go on to the open prompts."""
    form = call.form
    draft = Draft(
        line(form.get("witness", ""), "witness", MOST_NAME),
        line(form.get("taken_by", ""), "name of who takes the statement", MOST_NAME),
        line(form.get("how", ""), "way in which the statement is taken", MOST_NAME),
        datetime.now().isoformat(" ", "minutes"),
        (_words(form.get("told", "")),),
    )
    return call.to(_address(call.place.drafts.begin(draft)))


def show(call: Call) -> Response:
    """What comes next of a statement that is being taken."""
    return _show(call, *_draft(call))


def tell_more(call: Call) -> Response:
    """Keep what was said to the open prompts, which are put once."""
    name, draft = _draft(call)
    if len(draft.told) == 1:
        said = (_words(call.form.get(f"told{at}", "")) for at in range(1, len(OPEN_PROMPTS)))
        call.place.drafts.keep(name, replace(draft, told=(*draft.told, *said)))
    return call.to(_address(name))


def answer(call: Call) -> Response:
    """Keep what was said to a closed question; or take the last answer back."""
    name, draft = _draft(call)
    if call.form.get("back"):
        call.place.drafts.keep(name, replace(draft, closed=draft.closed[:-1]))
        return call.to(f"{_address(name)}#closed")
    attribute = whole(call.form.get("attribute", ""), -1, 0)
    said = _words(call.form.get("button") or call.form.get("words", ""))
    if attribute not in ASKED or attribute in dict(draft.closed):
        return call.to(_address(name))
    if read_answer(question(attribute), said) is None:
        problem = f"“{said[:40]}” is not understood as an answer: say yes, no, don't know, or all of it in a sentence."
        return _show(call, name, draft, problem, 422)
    call.place.drafts.keep(name, replace(draft, closed=(*draft.closed, (attribute, said))))
    return call.to(f"{_address(name)}#closed")


def keep(call: Call) -> Response:
    """Put the statement into the case that is worked on; or only search for it."""
    name, draft = _draft(call)
    text = _text(draft)
    then = call.form.get("then", "")
    if then == "search only":
        return call.to(f"/search/{call.place.requests.keep(Stored(text))}")
    reference = call.place.cases.require_open(call.form.get("case", "")).reference
    said = call.place.cases.add_statement(
        reference,
        text,
        witness=draft.witness,
        taken_by=draft.taken_by,
        taken=datetime.fromisoformat(draft.began),
        how=draft.how,
    )
    call.place.drafts.remove(name)
    if then == "search":
        call.place.choose(reference)
        return call.to(f"/search/{call.place.requests.keep(Stored(said.text, {}, reference, said.number))}")
    return call.to(f"/case/statement?{urlencode({'case': reference, 'number': said.number})}")


def sheet(call: Call) -> Response:
    """A statement of a case, to be printed and signed."""
    case = call.place.cases.get(call.query.get("case", ""))
    said = call.place.cases.statement(case.reference, whole(call.query.get("number", ""), 0))
    return call.page("sheet.html", {"nav": "cases", "of": case, "said": said})


_VALUES = {
    "nav": "statement",
    "prompts": OPEN_PROMPTS,
    "recall": FREE_RECALL,
    "step": "recall",
    "draft": Draft(),
    "name": "",
    "text": "",
    "asked": (),
    "offered": _Offered(),
    "problem": "",
}


def _show(call: Call, name: str, draft: Draft, problem: str = "", status: int = 200) -> Response:
    values = {**_VALUES, "name": name, "draft": draft, "problem": problem}
    if len(draft.told) == 1:
        return call.page("statement.html", {**values, "step": "open"}, status)
    offered = _offered(call, draft)
    asked = [(question(attribute).text, said) for attribute, said in draft.closed]
    values |= {"step": "closed", "text": _text(draft), "asked": asked, "offered": offered}
    return call.page("statement.html", values, status)


def _offered(call: Call, draft: Draft) -> _Offered:
    """The closed questions that are left, those that narrow most first. They are about "the person", as in the text:
    none puts a sex into it."""
    request = Request()
    with suppress(FacesearchError):  # of several persons, or nothing that is searched: everybody is possible
        request = describe(statement_text(_told(draft)))[0].merged()
    try:
        held = begin(call.place.catalogue, request)
    except (CatalogueError, FacesearchError) as error:
        return _Offered(problem=error_in_words(error))
    for attribute, said in draft.closed:
        asked = question(attribute)
        understood = read_answer(asked, said)
        if understood is not None:
            held.answer(asked, understood)
    return _Offered(
        tuple(question(each.attribute.index) for each in held.next_questions(_OFFERED)), remaining_in_words(held)
    )


def _told(draft: Draft) -> list[tuple[str, str]]:
    return list(zip(OPEN_PROMPTS, draft.told, strict=False))


def _text(draft: Draft) -> str:
    """As it goes into the case."""
    return statement_text(_told(draft), _closed(draft))


def _closed(draft: Draft) -> list[tuple[str, str]]:
    asked = ((question(attribute), said) for attribute, said in draft.closed)
    return [(each.text, recorded(each, said)) for each, said in asked]


def _words(text: str) -> str:
    return checked(text.replace("\r\n", "\n").strip("\n"), "answer", MOST_STATEMENT // len(OPEN_PROMPTS) // 2)


def _draft(call: Call) -> tuple[str, Draft]:
    name = call.request.path_params["id"]
    draft = call.place.drafts.find(name)
    if draft is None or not draft.told:
        raise HTTPException(404, "This statement is not being taken any more: it was kept in a case, or given up.")
    return name, draft


def _address(name: str) -> str:
    return f"/statement/{quote(name, safe='')}"
