"""`facesearch interview`: a witness answers one short question after the other."""

import math
from dataclasses import replace
from typing import Annotated

import typer

from cli.commands import options
from cli.errors import UsageProblem
from cli.terminal.console import say

_LISTED = 10


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
    faces: options.FaceOptions = options.FaceOptions(),  # noqa: B008 (it is frozen)
    output: options.OutputOptions = options.OutputOptions(),  # noqa: B008 (it is frozen)
) -> int:
    """Ask a witness one short question at a time, and find the faces that fit the answers.

    Each question is the one whose answer is expected to narrow the candidates most. Answer yes, no or not sure; "back"
    takes back the last answer, "list" shows the best faces so far, "stop" or Ctrl-D ends the interview. Answers may
    also come from a pipe, one a line.

    "About 120 of 5,000 faces remain" is an effective number: the answers leave as much doubt as 120 equally likely
    faces would. As answers can be wrong, no face is ever quite out. "About 30 of 5,000 faces are expected to fit",
    under the result, counts those who fit the answers; the sought one may be any of the 120.

    At the end stands the search that ranks the same: an answer is a word with a certainty, `glasses:0.8889` where one
    answer in ten is wrong.
    """
    from cli.commands.hits import write_hits
    from cli.commands.opening import opened
    from cli.commands.outputs import open_outputs
    from cli.commands.search import Understood, understood
    from cli.report.command_line import search_command
    from cli.report.heading import Heading
    from cli.report.tables import print_hits
    from cli.terminal.console import remarks
    from cli.terminal.conversation import hold, remaining_in_words
    from facesearch.search.description import search
    from facesearch.search.interview import Answer, begin, conclude
    from facesearch.search.request import Order, Request, catalogue_name

    read = understood(" ".join(description)) if description else Understood(Request(), (), ())
    described, on_description = read.request, read.remarks
    limit = faces.limit()
    path = options.catalogue_of(context, faces.catalogue)
    # The answers reckon with errors already.
    request = replace(faces.narrow(described), order=Order.SCORE, catalogues=(catalogue_name(path),))
    start = request.query
    again = {**faces.again(context, request), "--strict-order": [""]}
    with open_outputs(output, catalogues=[path]) as outputs, opened(path) as source:
        if description:
            say(f"Starting from: {start}")
            for remark in on_description:
                say(remark)
        held = begin(source, request, error=error)

        def show_best() -> None:
            console = remarks()
            most = _LISTED if limit is None else min(limit, _LISTED)
            best = search(source, replace(request, query=held.query), top=most)
            hits = [replace(hit, asked=()) for hit in best.hits]  # a line each: the witness wants to go on
            print_hits(console, hits, "score")

        try:
            hold(held, questions, show_best)
        except (KeyboardInterrupt, UsageProblem) as broken:
            if isinstance(broken, KeyboardInterrupt):
                say("")
            if held.answers:
                say(f"The answers so far as a search: {search_command(str(held.query), again)}")
            raise
        is_described = bool(description) or any(each.answer is not Answer.UNSURE for each in held.answers)
        if is_described:
            say(f"The same as a search: {search_command(str(held.query), again)}")
        elif held.next_question() is not None:
            raise UsageProblem("Nothing is described and no question is answered: there is nothing to search for.")
        answers = [(each.question.text, each.answer.value) for each in held.answers]
        heading = Heading(
            kind="Faces that fit what a witness said",
            title=str(held.query),
            score="score",
            facts=[
                *([("Started from", start.text)] if description else []),
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
            expects=is_described,
        )
        # Answers are hedged words: what is expected without these is everybody, and many of them make any score low.
        result = replace(conclude(source, request, held, top=limit), expected=held.expected(), best=None)
        return write_hits(result, heading, outputs, path)


def _error_in_words(error: float) -> str:
    from facesearch.certainty import certainty_of

    if not error:
        return "none is reckoned with (--error 0): an answer counts as a plain word"
    word = f"glasses:{certainty_of(error):g}"
    return f"{100 * error:g} % of the answers are reckoned to be wrong (--error), so a yes counts as {word}"
