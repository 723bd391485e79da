"""`facesearch read`: how a statement is understood, without searching."""

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands import options
from cli.errors import ExitCode, FileProblem, UsageProblem
from cli.terminal.console import printable, results, say

if TYPE_CHECKING:
    from rich.text import Text

    from facesearch.errors import Notice
    from facesearch.query.errors import StatementError
    from facesearch.query.report import SetAside
    from facesearch.query.statement import Described, Statement


def read(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help='A statement, or "-" for the one on stdin.', show_default=False),
    ] = None,
    file: options.StatementFileOption = None,
    json: options.JsonOption = False,
    sql: Annotated[
        bool,
        typer.Option(
            "--sql",
            help="Print the search as SQL, for what `facesearch export` writes (DuckDB, ClickHouse, Spark, Trino).",
        ),
    ] = False,
    person: options.PersonOption = None,
    top: options.TopOption = "20",
    strict_order: options.StrictOrderOption = False,
    witness_file: options.WitnessFileOption = None,
) -> int:
    """Show how a statement is understood: who is described, what is searched, and what is left aside.

    The text stands as it was written, what is searched in bold and what is left aside dimmed; below it the reading of
    each person. `facesearch search` takes the same text, with `--person N` where several persons are described.

    --sql prints the statement that finds the same faces in the same order in the table `faces` of an export; --person,
    --top, --strict-order and --witness-file belong to it.
    """
    if sql:
        if json:
            raise UsageProblem("--sql and --json are two outputs: give one of them.")
        return _print_sql(statement_text(text, file), person, top, witness_file, strict_order=strict_order)
    if person is not None or top != "20" or strict_order or witness_file:
        raise UsageProblem("--person, --top, --strict-order and --witness-file say what --sql prints: give --sql, too.")
    from facesearch.query.errors import StatementError
    from facesearch.query.statement import understand

    whole = statement_text(text, file)
    try:
        statement = understand(whole)
        statement.check_searched()
    except StatementError as error:
        if not json:
            raise
        print(json_module.dumps({"error": error_record(error)}, ensure_ascii=False, indent=2))
        return ExitCode.USAGE
    if json:
        print(json_module.dumps(record(statement), ensure_ascii=False, indent=2))
        return ExitCode.FOUND
    _show(statement)
    return ExitCode.FOUND


def _print_sql(text: str, person: int | None, top: str, witness_file: Path | None, *, strict_order: bool) -> int:
    from dataclasses import replace

    from cli.commands.search import understood
    from facesearch.engines.sql import sql_of
    from facesearch.search.ranking.witness import read_errors
    from facesearch.search.request import Order

    limit = options.top_of(top)
    read = understood(text, person)
    request = replace(
        read.request,
        order=Order.SCORE if strict_order else Order.WITNESS,
        errors=read_errors(witness_file) if witness_file else None,
    )
    statement = sql_of(request, top=limit)
    say(f"Searching for: {request}")
    for remark in read.remarks:
        say(remark)
    print(statement, end="")
    return ExitCode.FOUND


def statement_text(words: list[str] | None, file: Path | None) -> str:
    """The text of a command: its words, a file, or stdin. Raises UsageProblem and FileProblem."""
    if file is not None and words:
        raise UsageProblem("The statement stands in the command and in a file: give one of them.")
    if file is not None and str(file) != "-":
        try:
            return file.read_text(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            raise FileProblem(f"The statement {printable(str(file))} cannot be read ({error.strerror}).") from None
    if words == ["-"] or file is not None:
        return sys.stdin.read()
    text = " ".join(words or ())
    if not text.strip():
        raise UsageProblem(
            'No description is given: write one (DESCRIPTION or TEXT), name a file with --file, or give "-" to read '
            "stdin."
        )
    return text


def record(statement: "Statement") -> dict[str, Any]:
    """What `--json` prints."""
    from cli.report.wording import notice_record

    def notices(found: Any) -> list[dict[str, Any]]:
        return [{**each.values, **notice_record(each)} for each in found]

    return {
        "language": statement.language,
        "notices": notices(statement.notices),
        "persons": [
            _person(
                person,
                number,
                statement,
                notices((*(each for each in statement.notices if each.person == number), *_notices(person))),
            )
            for number, person in enumerate(statement.persons, 1)
        ],
    }


def _set_aside(aside: "SetAside") -> dict[str, Any]:
    return {"words": aside.words, "start": aside.start, "end": aside.end, "why": aside.why}


def _person(person: "Described", number: int, statement: "Statement", notices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "label": person.label,
        "reading": str(person.tree),
        "used": [each._asdict() for each in person.used],
        "set_aside": [_set_aside(each) for each in statement.set_aside if each.person in (0, number)],
        "corrected": [each._asdict() for each in statement.corrected],
        "notices": notices,
    }


def _notices(person: "Described") -> "tuple[Notice, ...]":
    """What is to be said of the words that are searched."""
    from facesearch.query import Query

    return Query("", person.tree).notices(" ".join(each.words for each in person.used))


def error_record(error: "StatementError") -> dict[str, Any]:
    from cli.report.remedies import error_in_words

    return {
        "kind": error.kind,
        "message": error_in_words(error),
        "readings": list(error.readings),
        "spans": [list(span) for span in error.spans],
    }


def _mark(shown: "Text", statement: "Statement") -> None:
    """Used words bold, set-aside ones dimmed."""
    for aside in statement.set_aside:
        shown.stylize("dim", aside.start, aside.end)
    for used in (used for person in statement.persons for used in person.used):
        shown.stylize("bold", used.start, used.end)


def _show(statement: "Statement") -> None:
    from rich.text import Text

    from cli.report.wording import notice_in_words, person_in_words, remarks_on

    console = results()
    shown = Text("".join(c if c == "\n" else printable(c) for c in statement.text))
    if len(shown.plain) == len(statement.text):  # no character was escaped, so the offsets hold
        _mark(shown, statement)
    shown.rstrip()
    console.print(shown, soft_wrap=True)
    console.print()
    several = len(statement.persons) > 1
    for number, person in enumerate(statement.persons, 1):
        title = person_in_words(number, person.label) if several else "Read as"
        console.print(f"{title}: {person.tree}", soft_wrap=True)
    about_words = (notice_in_words(each) for person in statement.persons for each in _notices(person))
    for remark in dict.fromkeys((*remarks_on(statement, most=len(statement.set_aside)), *about_words)):
        say(remark)
