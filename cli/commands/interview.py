"""`facesearch interview`: a witness tells what they remember, and then answers one short question after the other."""

import math
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import options
from cli.errors import UsageProblem
from cli.terminal.console import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.catalogue import Catalogue
    from facesearch.custody.acting import Acting
    from facesearch.search.interview import Interview


def _error(value: float) -> float:
    if not (math.isfinite(value) and 0.0 <= value < 0.5):
        raise typer.BadParameter(f"{value} is not a number from 0 to below 0.5.")
    return value


@options.grouped
def interview(
    context: typer.Context,
    description: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DESCRIPTION", help='What is known already, such as "man, glasses".', show_default=False
        ),
    ] = None,
    questions: Annotated[
        int, typer.Option("--questions", metavar="N", min=1, help="How many questions to ask at most.")
    ] = 20,
    error: Annotated[
        float,
        typer.Option(
            "--error",
            metavar="P",
            callback=_error,
            help="How often an answer is wrong, 0 to below .5; at 0 answers count as plain words.",
        ),
    ] = 0.1,
    witness: Annotated[
        str, typer.Option("--witness", metavar="WHO", help="Who is asked, a name or a number: for the case.")
    ] = "",
    faces: options.FaceOptions = options.FaceOptions(),  # noqa: B008 (it is frozen)
    output: options.OutputOptions = options.OutputOptions(),  # noqa: B008 (it is frozen)
) -> int:
    """Take a witness's statement, and find the faces that fit it.

    First the witness tells in their own words: all that they remember, then five short prompts on hair, what was
    worn, hair on the face and age, each once; with a DESCRIPTION this part is left out. Closed questions come last, as
    they lead a witness: each is the one that is expected to narrow the candidates most, by how long such a look lasts
    and how well it is seen. Answer yes, no, not sure, or in a sentence; "back" takes back the last answer, "stop" or
    Ctrl-D ends the interview. Answers may also come from a pipe, one a line, the first six to the open part. No face is
    shown before the end: who has seen pictures is lost for a line-up.

    In a case (`--case`) what was said is kept as a statement, word by word, and the search knows of it.

    "About 120 of 5,000 faces remain" is an effective number: the answers leave as much doubt as 120 equally likely
    faces would. As answers can be wrong, no face is ever quite out.

    At the end stands the search that ranks the same: an answer is a word with a certainty, `glasses:0.8889` where one
    answer in ten is wrong.
    """
    from cli.commands.hits import write_hits
    from cli.commands.opening import opened
    from cli.commands.outputs import open_outputs
    from cli.commands.search import Understood, understood
    from cli.report.command_line import search_command
    from cli.report.heading import Heading
    from cli.terminal.conversation import hold, remaining_in_words, take_open
    from facesearch.cases.cases import Cases
    from facesearch.custody.acting import acting, acting_now
    from facesearch.errors import FacesearchError
    from facesearch.search.interview import begin, conclude
    from facesearch.search.questions import statement_text
    from facesearch.search.request import Order, Request, catalogue_name

    limit = faces.limit()
    path = options.catalogue_of(context, faces.catalogue)
    with open_outputs(output, catalogues=[path]) as outputs, opened(path) as source:
        if case := acting_now().case:  # before anything is told that could not be kept
            Cases(source).require_open(case)
        told = [] if description else take_open()
        words = " ".join(description) if description else statement_text(told)
        read = Understood(Request(), (), ())
        try:
            read = understood(words) if words else read
        except FacesearchError as unread:
            if not told:
                raise
            say(f"What was told cannot be read as one description, so the questions begin with everybody. {unread}")
            words = ""  # it is kept all the same
        described, on_description = read.request, read.remarks
        # The answers reckon with errors already.
        request = replace(faces.narrow(described), order=Order.SCORE, catalogues=(catalogue_name(path),))
        start = request.query
        again = {**faces.again(context, request), "--strict-order": [""]}
        if words:
            say(f"Starting from: {start}")
            for remark in on_description:
                say(remark)
        held = begin(source, request, error=error)

        try:
            hold(held, questions)
        except (KeyboardInterrupt, UsageProblem) as broken:
            if isinstance(broken, KeyboardInterrupt):
                say("")
            if held.answers:
                say(f"The answers so far as a search: {search_command(str(held.query), again)}")
            raise
        is_described = bool(words) or any(each.parts for each in held.answers)
        if is_described:
            say(f"The same as a search: {search_command(str(held.query), again)}")
        elif held.next_question() is not None:
            raise UsageProblem("Nothing is described and no question is answered: there is nothing to search for.")
        answers = [(each.question.text, each.words or each.answer.value) for each in held.answers]
        heading = Heading(
            kind="Faces that fit what a witness said",
            title=str(held.query),
            score="score",
            facts=[
                *([("Started from", start.text)] if words else []),
                *(("Filter", each) for each in options.filters_in_words(request)),
                *(("Remark", each) for each in on_description),
                *answers,
                ("Witness error", _error_in_words(error)),
                ("Remaining", remaining_in_words(held)),
            ],
            attributes=held.query.attributes,
            query=held.query,
            reading=str(held.query),
            remarks=on_description,
            notices=read.notices,
        )
        # Answers are hedged words: what is expected without these is everybody, and many of them make any score low.
        with acting(_kept(source, told, held, witness)):
            result = replace(conclude(source, request, held, top=limit), expected=held.expected(), best=None)
        return write_hits(result, heading, outputs, path)


def _kept(source: "Catalogue", told: "Sequence[tuple[str, str]]", held: "Interview", witness: str) -> "Acting":
    """On whose behalf the search is made: of the statement that was taken, kept in the case, if there is one."""
    from cli.report.remedies import error_in_words
    from db.errors import CatalogueError
    from facesearch.cases.cases import Cases
    from facesearch.custody.acting import acting_now
    from facesearch.search.answers import recorded
    from facesearch.search.questions import statement_text

    now = acting_now()
    closed = [(each.question.text, recorded(each.question, each.words or each.answer.value)) for each in held.answers]
    text = statement_text(told, closed)
    if not now.case or not text:
        return now
    moment = datetime.now().replace(second=0, microsecond=0)
    how = "facesearch interview"
    try:
        said = Cases(source).add_statement(
            now.case, text, witness=witness, taken_by=now.examiner, taken=moment, how=how
        )
    except CatalogueError as error:
        say(f"The statement was not kept in the case. {error_in_words(error)}")
        return now
    say(f"Kept in case {now.case} as statement {said.number}.")
    return replace(now, statement=said.number)


def _error_in_words(error: float) -> str:
    from facesearch.certainty import certainty_of

    if not error:
        return "none is reckoned with (--error 0): an answer counts as a plain word"
    word = f"glasses:{certainty_of(error):g}"
    return f"{100 * error:g} % of the answers are reckoned to be wrong (--error), so a yes counts as {word}"
