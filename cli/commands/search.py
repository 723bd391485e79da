"""`facesearch search`: faces that fit a description."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperOption

from cli.commands import options
from cli.commands.read import statement_text
from cli.errors import ExitCode, UsageProblem
from cli.terminal.console import printable, results, say
from facesearch.errors import QueryError

if TYPE_CHECKING:
    from facesearch.errors import Notice
    from facesearch.query import Query, Statement
    from facesearch.search.hits import SearchResult
    from facesearch.search.request import Request


_SHOWN_BEFORE, _SHOWN_AFTER = 40, 30
"""Characters around the place where a description goes wrong: with what stands for the rest, they fit a narrow
terminal."""


class DescriptionCommand(TyperCommand):
    """A command whose words may begin with one dash ("-smiling, young"); options begin with two, so a mistyped one is
    still an error."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with_value = {
            name for each in self.params if isinstance(each, TyperOption) and not each.is_flag for name in each.opts
        }
        return super().parse_args(ctx, _words_last(args, with_value))


def _words_last(arguments: Iterable[str], with_value: set[str]) -> list[str]:
    """The same command line with all that is no option behind a "--"; none where the last option lacks its value, which
    would be taken for one.
    """
    given: list[str] = []
    words: list[str] = []
    rest = iter(arguments)
    for each in rest:
        if each == "--":
            words.extend(rest)
        elif not each.startswith("--") and each != "-h":
            words.append(each)
        else:
            given.append(each)
            if each in with_value:
                value = next(rest, None)
                if value is None:
                    return given
                given.append(value)
    return [*given, "--", *words] if words else given


@options.grouped
def search(
    context: typer.Context,
    description: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DESCRIPTION",
            help='Such as "male, goatee, not bald", or a whole statement; "-" for the one on stdin.',
            show_default=False,
        ),
    ] = None,
    faces: options.FaceOptions = options.FaceOptions(),  # noqa: B008 (it is frozen)
    min_score: options.MinScoreOption = 0.0,
    file: options.StatementFileOption = None,
    person: options.PersonOption = None,
    must: Annotated[
        list[str] | None,
        typer.Option(
            "--must",
            metavar="WORDS",
            help='Faces without this go behind all others: --must "man". Nothing is left out. In the description: '
            "must:man.",
            show_default=False,
        ),
    ] = None,
    strict_order: options.StrictOrderOption = False,
    witness_file: options.WitnessFileOption = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse words that are known but not scored, such as scar and tall."),
    ] = False,
    explain_query: Annotated[
        bool, typer.Option("--explain-query", help="Print how the description is read, as a tree, and do not search.")
    ] = False,
    statement: Annotated[
        int | None,
        typer.Option(
            "--statement",
            metavar="N",
            min=1,
            help="Of the case (--case): the statement that this is made from; without a DESCRIPTION it is searched.",
            show_default=False,
        ),
    ] = None,
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", help="Why this departs from the statement.", show_default=False)
    ] = "",
    blind: Annotated[
        bool, typer.Option("--blind", help="Keep the hits in the case, and do not show them: for `case review`.")
    ] = False,
    rank_of: Annotated[
        str | None,
        typer.Option(
            "--rank-of",
            metavar="FACE",
            help="Instead of the hits: where this face stands, and which words do not fit it.",
            show_default=False,
        ),
    ] = None,
    output: options.OutputOptions = options.OutputOptions(),  # noqa: B008 (it is frozen)
) -> int:
    """Find the faces that fit a description, best first.

    A comma, "and" or "with" means that both must hold; "or" joins its neighbours: "blond or gray hair, woman". "not",
    "no", "without" and a leading dash deny: "-smiling, young". "maybe" and "probably" count less: "maybe bald".
    `facesearch attributes` lists the words. A whole statement may be pasted, too: `facesearch read` shows what is
    understood.

    The score is the probability that all of the description holds. Each word shows its own: it fits from 70 % on, is
    unsure from 30 % on, and does not fit below; the one marked ! cost the score most, that is, the score would be the
    highest if this word held for certain. "fits 4 of 5": so many of the things searched, each with 70 % or more. A hit
    is a lead, not evidence.

    Hits with a score below .1 are dimmed. Where four or more things are said, these stand in an order that reckons with
    a witness who errs now and then: one wrong word does not hide a face on which all others fit (`facesearch attributes
    --witness`; --strict-order for the plain order). "must:man" puts faces that are not judged to be men behind all
    others.

    Filters leave faces out whatever their score: those of the photo (--folder, --name, --taken, --camera) may stand in
    the description, too ("folder:holiday"), and all must be met.
    """
    said = statement_text(description, file) if description or file or statement is None else ""
    if statement is not None or blind or why:
        said = _for_case(context, faces.catalogue, said, statement, why, output, blind=blind)
    read = understood(said, person, strict=strict, musts=must or ())
    described, remarks = read.request, read.remarks
    limit = faces.limit()
    request = replace(faces.narrow(described), min_score=min_score).merged()  # the reading can be pasted whole
    filters = options.filters_in_words(request)
    reading = f"{request} ({'; '.join(filters)})" if filters else str(request)
    if explain_query:
        if output.csv or output.html or output.json:
            raise UsageProblem("--explain-query searches nothing: leave out --csv, --html and --json.")
        say(f"Read as: {reading}")
        return _explain(request.query, remarks, filters)
    from cli.commands.hits import write_hits
    from cli.commands.opening import opened_together
    from cli.commands.outputs import open_outputs
    from cli.report.heading import Heading
    from facesearch.search.ranking.witness import read_errors
    from facesearch.search.request import Order
    from facesearch.search.several import search as search_faces

    paths = options.catalogues_of(context, faces.catalogue)
    request = replace(
        request,
        order=Order.SCORE if strict_order else Order.WITNESS,
        errors=read_errors(witness_file) if witness_file else None,
    )
    query = request.query
    with open_outputs(output, catalogues=paths) as outputs, opened_together(paths) as sources:
        say(f"Searching for: {reading}")
        for remark in remarks:
            say(remark)
        request = replace(request, catalogues=sources.names)
        if rank_of is not None:
            if blind or any((output.csv, output.html, output.pdf, output.copy_to)):
                raise UsageProblem("--rank-of shows one face, on stdout: leave out the options for other results.")
            from cli.report.rank import print_rank
            from facesearch.search.rank_of import rank_of as rank_in_order
            from facesearch.search.request import catalogue_name
            from facesearch.search.several import FaceReference

            face = FaceReference.parse(rank_of)
            source = sources.holding(face)
            own = replace(request, catalogues=(catalogue_name(source.path),))
            return print_rank(rank_in_order(source, own, face.number), json=output.json)
        counts = output.html is not None or output.pdf is not None
        result = search_faces(sources, request, top=limit, count_fitting=counts)
        if blind:
            return _kept_blind(result)
        heading = Heading(
            kind="Faces that fit a description",
            title=str(query),
            score="score",
            facts=[
                ("Asked", query.text),
                *(("Filter", each) for each in filters),
                *(("Remark", each) for each in remarks),
            ],
            attributes=query.attributes,
            query=query,
            reading=reading,
            remarks=remarks,
            notices=read.notices,
            expects=bool(query.asked) and query.without_hedges is not None,
            fades=bool(query.asked),
            again={
                **faces.again(context, request),
                "--witness-file": [str(witness_file)] if witness_file else [],
                "--strict-order": [""] if strict_order else [],
            },
        )
        return write_hits(result, heading, outputs, paths[0])


class Understood(NamedTuple):
    """A description as a request, and what its reader should know: a sentence each, and those that are kinds."""

    request: "Request"
    remarks: tuple[str, ...]
    notices: "tuple[Notice, ...]"


def _for_case(
    context: typer.Context,
    catalogue: list[Path] | None,
    said: str,
    number: int | None,
    why: str,
    output: options.OutputOptions,
    *,
    blind: bool,
) -> str:
    """The text to search, where the search is made from a statement of the case, or blind. Raises UsageProblem, and
    CaseError where there is no such case or statement, or it is closed."""
    from dataclasses import fields

    from cli.commands.opening import opened
    from facesearch.cases.cases import Cases
    from facesearch.custody.acting import act_as, acting_now

    now = acting_now()
    if not now.case:
        raise UsageProblem(
            "--statement, --why and --blind belong to a case: name it before the command, as in facesearch --case "
            "2026/17 search."
        )
    if blind and any(getattr(output, each.name) for each in fields(output)):
        raise UsageProblem("--blind shows no hit: leave out --csv, --html, --pdf and --json.")
    if why and number is None:
        raise UsageProblem("--why says why a search departs from its statement: give --statement N as well.")
    with opened(options.catalogue_of(context, catalogue)) as source:
        cases = Cases(source)
        cases.require_open(now.case)
        if number is not None:
            text = cases.statement(now.case, number).text
            said = said or text
    act_as(replace(now, statement=number, why=why.strip(), blind=blind))
    if not said.strip():
        raise UsageProblem("No description is given: write one, or name a statement of the case with --statement N.")
    return said


def _kept_blind(result: "SearchResult") -> int:
    from cli.report.summary import remarks_in_words

    for remark in remarks_in_words(result):
        say(remark)
    if result.kept is not None and result.kept.number is not None:
        case, number = result.kept.case, result.kept.number
        say(f"{len(result.hits):,} hits, not shown: `facesearch case review {shlex.quote(case)} --search {number}`.")
    return ExitCode.FOUND if result.hits else ExitCode.NOTHING


def understood(
    text: str, person: int | None = None, *, strict: bool = False, musts: Sequence[str] = ()
) -> "Understood":
    """A statement, or a description in the search language, as a request, and what its reader should know.

    musts: words that must hold beside those that it marks. Raises RequestError, and QueryError after showing where in
    the text the trouble begins, or whom a statement describes.
    """
    from cli.report.wording import notice_in_words, notices_on, person_in_words, remarks_on
    from facesearch.query.errors import StatementError
    from facesearch.query.musts import unmarked
    from facesearch.search.request import describe

    try:
        request, statement = describe(text, person=person, strict=strict, musts=musts)
    except QueryError as error:
        _point(unmarked(text)[0], error)
        if isinstance(error, StatementError) and error.kind == "several persons":
            labels: Any = error.values["labels"]
            for number, (label, reading) in enumerate(zip(labels, error.readings, strict=True), 1):
                say(f"{person_in_words(number, label)}: {reading}")
        raise
    used = " ".join(each.words for each in statement.person(person).used)
    on_words = request.query.notices(used)
    remarks = dict.fromkeys((*remarks_on(statement, person), *map(notice_in_words, on_words)))
    return Understood(request, tuple(remarks), (*notices_on(statement, person), *on_words))


def statement_of(text: str) -> "Statement":
    """What a text says. Raises QueryError, after showing where in the text the trouble begins."""
    from facesearch.query import understand

    try:
        return understand(text)
    except QueryError as error:
        _point(text, error)
        raise


def _explain(query: "Query", remarks: Sequence[str], filters: Sequence[str]) -> int:
    for remark in remarks:
        say(remark)
    for line in [*query.explained().splitlines(), *filters]:
        results().print(printable(line), soft_wrap=True)
    return ExitCode.FOUND


def _point(text: str, error: QueryError) -> None:
    """Shows where in the description the trouble begins, if it is known and a terminal can: the words around it where
    it is long."""
    from rich.cells import cell_len

    spans = getattr(error, "spans", ())
    position = spans[-1][0] if spans else error.position
    if not spans:
        return
    text = "".join(" " if each.isspace() else each for each in text)
    if not text.strip() or not text.isprintable() or position > len(text):
        return
    start, end = max(0, position - _SHOWN_BEFORE), position + _SHOWN_AFTER
    before = ("..." if start else "") + text[start:position]
    after = text[position:end] + ("..." if end < len(text) else "")
    say(f"  {before}{after}")
    say(f"  {' ' * cell_len(before)}^")
