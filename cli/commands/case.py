"""`facesearch case`: investigations within a catalogue, with their statements, searches and marks."""

import json as json_module
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands import options
from cli.errors import ExitCode, UsageProblem
from cli.report.remedies import error_in_words
from cli.terminal.console import printable, results, say

if TYPE_CHECKING:
    from db.catalogue import Catalogue
    from db.values.case import CaseSearch, CaseStatement, Mark
    from facesearch.cases.cases import CaseFile, Cases

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def case() -> None:
    """Keep an investigation: statements, searches, marks on faces; review, report and export it.

    `facesearch case new 2026/17 --name "Mill Street"` opens one; `facesearch --case 2026/17 search ...` then keeps the
    search in it. `facesearch --examiner NAME case ...` says who marks. A mark says what to do about a face (follow up,
    set aside, undecided), never that it is somebody.
    """


class State(StrEnum):
    """What is to be done about a face."""

    FOLLOW_UP = "follow-up"
    SET_ASIDE = "set-aside"
    UNDECIDED = "undecided"


class RoleName(StrEnum):
    """Whom a face is taken for."""

    UNKNOWN = "unknown"
    WITNESS = "witness"
    VICTIM = "victim"
    SUSPECT = "suspect"


CaseArgument = Annotated[
    str, typer.Argument(metavar="CASE", help="Its reference, such as 2026/17.", show_default=False)
]
NoteOption = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="A note on it.", show_default=False)]


@app.command("list")
def list_cases(
    context: typer.Context, catalogue: options.CatalogueOption = None, json: options.JsonOption = False
) -> int:
    """List the cases of the catalogue, the newest first."""
    with _cases(context, catalogue) as (cases, _):
        found = cases.all()
        if json:
            records = [{**_case_record(case), **counts._asdict()} for case, counts in found]
            print(json_module.dumps(records, ensure_ascii=False, indent=2))
            return ExitCode.FOUND if found else ExitCode.NOTHING
        if not found:
            say("There is no case in this catalogue yet: `facesearch case new REFERENCE` opens one.")
            return ExitCode.NOTHING
        from cli.report.tables import new_table

        table = new_table()
        for name in ("case", "name", "opened", "state"):
            table.add_column(name, overflow="fold")
        for name in ("statements", "searches", "faces marked"):
            table.add_column(name, justify="right")
        for case, counts in found:
            state = "open" if case.closed is None else f"closed {case.closed.astimezone():%Y-%m-%d}"
            day = f"{case.opened.astimezone():%Y-%m-%d}"
            table.add_row(
                printable(case.reference), printable(case.name), day, state, *(f"{each:,}" for each in counts)
            )
        results().print(table)
    return ExitCode.FOUND


@app.command()
def new(
    context: typer.Context,
    reference: Annotated[
        str, typer.Argument(metavar="CASE", help="Under which reference, such as 2026/17.", show_default=False)
    ],
    name: Annotated[str, typer.Option("--name", help="What it is called.", show_default=False)] = "",
    catalogue: options.CatalogueOption = None,
) -> int:
    """Open a case."""
    with _cases(context, catalogue) as (cases, _):
        case = cases.open(reference, name)
    say(
        f"Case {case.reference} is open: `facesearch --case {_quoted(case.reference)} search ...` keeps searches in it."
    )
    return ExitCode.FOUND


@app.command()
def show(
    context: typer.Context,
    case: CaseArgument,
    html: options.HtmlOption = None,
    pdf: options.PdfOption = None,
    show_others: options.ShowOthersOption = False,
    json: options.JsonOption = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Show what a case holds; with --html or --pdf as the report that can be handed on."""
    from cli.commands.outputs import open_outputs, write_pages

    path = options.catalogue_of(context, catalogue)
    output = options.OutputOptions(html=html, pdf=pdf, show_others=show_others, json=json)
    with open_outputs(output, catalogues=[path]) as outputs, _cases(context, catalogue) as (cases, source):
        file = cases.file(case)
        if outputs.html is not None or outputs.pdf is not None:
            from cli.report.case_page import case_report, write_case

            report = case_report(source, file)
            write_pages(lambda write: write_case(write, source, report, show_others=show_others), outputs)
            files = [each for each in (outputs.html, outputs.pdf) if each is not None]
            outputs.finish()
            written = [
                {"file": os.path.abspath(each.path), "sha256": each.sha256.hexdigest()}  # noqa: PTH100
                for each in files
            ]
            cases.log_shown(file.case.reference, "report", file.faces, files=written)
        else:
            cases.log_shown(file.case.reference, "show", file.faces)
        if json:
            from facesearch.cases.records import case_record

            print(json_module.dumps(case_record(file), ensure_ascii=False, indent=2))
        elif html is None and pdf is None:
            _print_case(file, source)
    return ExitCode.FOUND


@app.command()
def add(
    context: typer.Context,
    case: CaseArgument,
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help='The statement, word by word; "-" for stdin.', show_default=False),
    ] = None,
    file: options.StatementFileOption = None,
    witness: Annotated[str, typer.Option("--witness", help="Who said it: a name or number.", show_default=False)] = "",
    taken_by: Annotated[str, typer.Option("--taken-by", help="Who took it.", show_default=False)] = "",
    taken: Annotated[
        datetime | None,
        typer.Option(
            "--taken",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
            help="When, by the clock of the place.",
            show_default=False,
        ),
    ] = None,
    how: Annotated[str, typer.Option("--how", help='In what way, such as "by telephone".', show_default=False)] = "",
    row: Annotated[
        int | None,
        typer.Option(
            "--row", metavar="N", help="Instead: take in the search of this row of the audit log.", show_default=False
        ),
    ] = None,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Put a statement into a case, word by word; or a search that was made without it (--row)."""
    from cli.commands.read import statement_text

    if row is not None:
        if text or file is not None or witness or taken_by or taken or how:
            raise UsageProblem("--row takes in a search, the rest a statement: give one at a time.")
        with _cases(context, catalogue) as (cases, _):
            kept = cases.adopt(case, row)
        say(f"Kept as search {kept.number} of case {kept.case}.")
        return ExitCode.FOUND
    said = statement_text(text, file)
    with _cases(context, catalogue) as (cases, _):
        added = cases.add_statement(case, said, witness=witness, taken_by=taken_by, taken=taken, how=how)
        reference = cases.get(case).reference
    say(
        f"Statement {added.number} of case {reference}: `facesearch --case {_quoted(reference)} search --statement "
        f"{added.number}` searches for it."
    )
    return ExitCode.FOUND


@app.command()
def mark(
    context: typer.Context,
    case: CaseArgument,
    state: Annotated[State, typer.Argument(help="What is to be done about the faces.", show_default=False)],
    face: Annotated[list[int], typer.Argument(metavar="FACE...", help="Numbers of faces.", show_default=False)],
    role: Annotated[
        RoleName | None, typer.Option("--role", help="Whom they are taken for.", show_default=False)
    ] = None,
    note: NoteOption = None,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Mark faces: to follow up, set aside, or undecided. Marking again changes it; `undo` takes it back."""
    with _cases(context, catalogue) as (cases, _):
        made = cases.mark(case, face, state.value.replace("-", " "), role=role and role.value, note=note)
    for each in made:
        say(f"Face {each.face}: {_mark_in_words(each)}.")
    return ExitCode.FOUND


@app.command()
def note(
    context: typer.Context,
    case: CaseArgument,
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="The note.", show_default=False)],
    face: Annotated[
        int | None, typer.Option("--face", metavar="ID", help="On this face, not on the case.", show_default=False)
    ] = None,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Put a note on the case, or on your mark of a face (undecided, if you have not marked it)."""
    words = " ".join(text)
    with _cases(context, catalogue) as (cases, _):
        if face is None:
            cases.note(case, words)
            say("Noted.")
            return ExitCode.FOUND
        from db.values.case import MarkState
        from facesearch.custody.audit import actor

        own = cases.file(case).standing.get(face, {}).get(actor())
        cases.mark(case, [face], own.state if own else MarkState.UNDECIDED, note=words)
    say(f"Noted on face {face}.")
    return ExitCode.FOUND


@app.command()
def undo(
    context: typer.Context,
    case: CaseArgument,
    face: Annotated[
        int | None, typer.Option("--face", metavar="ID", help="Your last mark on this face.", show_default=False)
    ] = None,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Take back your last mark; the report still shows that it was made."""
    with _cases(context, catalogue) as (cases, _):
        taken = cases.undo(case, face)
    say(f"Taken back: face {taken.face}, {taken.state.value}.")
    return ExitCode.FOUND


@app.command()
def shortlist(
    context: typer.Context,
    case: CaseArgument,
    name: Annotated[str, typer.Argument(help="What the list is called.", show_default=False)],
    face: Annotated[list[int], typer.Argument(metavar="FACE...", help="Numbers of faces.", show_default=False)],
    remove: Annotated[bool, typer.Option("--remove", help="Take them off the list.")] = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Put faces on a named list of the case, in this order, or take them off."""
    with _cases(context, catalogue) as (cases, _):
        made = cases.shortlist(case, name, **({"remove": face} if remove else {"add": face}))
    faces = ", ".join(map(str, made.faces)) or "nothing, so the list is gone"
    say(f"On the list {made.name}: {faces}.")
    return ExitCode.FOUND


@app.command()
def review(
    context: typer.Context,
    case: CaseArgument,
    search: Annotated[
        int | None,
        typer.Option(
            "--search", metavar="N", min=1, help="Which search of the case; else the last one.", show_default=False
        ),
    ] = None,
    html: options.HtmlOption = None,
    show_others: options.ShowOthersOption = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Look at the first 60 hits of a search in a random order, without ranks and scores, and mark each.

    --html writes a page with the pictures; then, for each face: y to follow it up, n to set it aside, u for undecided,
    Enter to stop and go on later. Two people do so, each alone (`--examiner`), and the case says how far they agree.
    Marks of whoever made the search do not count as blind, unless it was made with `search --blind`.
    """
    from cli.commands.outputs import open_outputs

    path = options.catalogue_of(context, catalogue)
    output = options.OutputOptions(html=html, show_others=show_others)
    with open_outputs(output, catalogues=[path]) as outputs, _cases(context, catalogue) as (cases, source):
        stands = cases.review(case, search)
        reference = cases.get(case).reference
        if not stands.blind:
            say("You made this search and saw its ranks, so your marks will not count as blind.")
        say(
            f"Search {stands.search} of case {reference}, {stands.reviewer}: {len(stands.left):,} of "
            f"{len(stands.faces):,} faces are left to mark."
        )
        cases.log_shown(reference, "review", stands.left)
        if outputs.html is not None:
            from cli.report.case_page import write_blind

            title = f"Case {reference}, search {stands.search}: review by {stands.reviewer}"
            write_blind(outputs.html.write, source, stands.left, title, show_others=show_others)
        outputs.finish()
        return _ask(cases, None if outputs.html else source, case, stands.left)


_ANSWERS = {"y": "follow up", "n": "set aside", "u": "undecided"}


def _ask(cases: "Cases", source: "Catalogue | None", case: str, faces: tuple[int, ...]) -> int:
    """Ask what is to be done about each face, as long as somebody answers. source: tells where their photos are, for
    who has no page with them."""
    from db import faces as faces_

    details = {}
    if source is not None:
        with source.read() as session:
            details = faces_.known(session, faces)
    for number, face in enumerate(faces, 1):
        where = f" in {details[face].display}" if face in details else ""
        answer = ""
        while answer not in _ANSWERS:
            print(
                f"{number} of {len(faces)}: face {face}{printable(where)} [y/n/u] ", end="", file=sys.stderr, flush=True
            )
            line = sys.stdin.readline() if sys.stdin is not None else ""
            answer = line.strip().casefold()[:1]
            if not line or not answer:
                print(file=sys.stderr)
                say(f"{len(faces) - number + 1:,} are left for later.")
                return ExitCode.FOUND
        cases.mark(case, [face], _ANSWERS[answer])
    if faces:
        say("All are marked: `facesearch case show` says how far two reviewers agree.")
    return ExitCode.FOUND


@app.command()
def export(
    context: typer.Context,
    case: CaseArgument,
    target: Annotated[
        Path, typer.Argument(metavar="FOLDER|FILE.zip", help="A new folder, or a new zip.", show_default=False)
    ],
    show_others: options.ShowOthersOption = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Write a case into a folder or a zip that opens anywhere without this program.

    Report, pictures, tables (CSV), all of it as JSON, and a manifest of SHA-256 hashes. Forgetting cannot reach it.
    """
    from cli.report.case_export import write_export
    from cli.report.case_page import case_report
    from cli.report.folders import new_folder
    from facesearch.custody.policy import permit

    path = options.catalogue_of(context, catalogue)
    with _cases(context, catalogue) as (cases, source):
        permit(source).permit_every_export()
        file = cases.file(case)
        report = case_report(source, file)
        zipped = target.suffix.lower() == ".zip"
        with new_folder(target, catalogues=[path], zipped=zipped) as made:
            write_export(made, source, report, show_others=show_others)
            digest = made.seal()
        where = os.path.abspath(target)  # noqa: PTH100
        cases.log_shown(file.case.reference, "export", file.faces, files=[{"file": where, "sha256": digest}])
    say(f"Written: {target}")
    say(f"SHA-256 of its manifest, to be kept elsewhere: {digest}")
    say("What is forgotten in the catalogue later stays in it.")
    return ExitCode.FOUND


@app.command()
def close(
    context: typer.Context,
    case: CaseArgument,
    reopen: Annotated[bool, typer.Option("--reopen", help="Open it again.")] = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Close a case: it can be shown and exported, and nothing is added to it any more."""
    with _cases(context, catalogue) as (cases, _):
        changed = cases.reopen(case) if reopen else cases.close(case)
    say(f"Case {changed.reference} is {'open again' if reopen else 'closed'}.")
    return ExitCode.FOUND


@app.command()
def remove(
    context: typer.Context,
    case: CaseArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Take a case out for good, with its statements, searches and marks. Photos and faces stay in the catalogue."""
    from cli.terminal.asking import agreed

    with _cases(context, catalogue) as (cases, _):
        file = cases.file(case)
        held = f"{len(file.statements):,} statements, {len(file.searches):,} searches and {len(file.marks):,} marks"
        if not agreed(f"Take case {file.case.reference} out for good, with {held}?", yes=yes):
            say("Nothing was changed.")
            return ExitCode.NOTHING
        problem = cases.remove(case)
    say(f"Case {file.case.reference} is gone. Exports, reports and backups of it are not reached by this.")
    if problem is not None:
        say(error_in_words(problem))
    return ExitCode.FOUND


@contextmanager
def _cases(context: typer.Context, named: list[Path] | None) -> "Iterator[tuple[Cases, Catalogue]]":
    from cli.commands.opening import opened
    from facesearch.cases.cases import Cases

    with opened(options.catalogue_of(context, named)) as source:
        yield Cases(source), source


def _quoted(reference: str) -> str:
    import shlex

    return shlex.quote(reference)


def _mark_in_words(made: "Mark") -> str:
    role = f", {made.role.value}" if made.role.value != "unknown" else ""
    note = f" ({made.note})" if made.note else ""
    return f"{made.state.value}{role}{' (blind)' if made.blind else ''}{note}"


def _case_record(case: Any) -> Mapping[str, Any]:
    from facesearch.cases.records import about_case

    return about_case(case)


_SHOWN_HITS = 5


def _print_case(file: "CaseFile", source: "Catalogue") -> None:
    from db import faces as faces_

    out = results()

    def line(text: str = "", style: str | None = None) -> None:
        out.print(printable(text), soft_wrap=True, style=style)

    case = file.case
    closed = f", closed {case.closed.astimezone():%Y-%m-%d} by {case.closed_by}" if case.closed else ""
    line(f"Case {case.reference}{f': {case.name}' if case.name else ''}", "bold")
    line(f"Opened {case.opened.astimezone():%Y-%m-%d} by {case.opened_by}{closed}")
    for each in file.notes:
        line(f"Note ({each.who}, {each.moment.astimezone():%Y-%m-%d}): {each.text}")
    for said in file.statements:
        _print_statement(said, line)
    for search in file.searches:
        _print_search(search, line)
    _print_marks(file, faces_, source, line)
    for each_list in file.shortlists:
        line(f"List {each_list.name}: {', '.join(map(str, each_list.faces))}")
    for agreed in file.agreements:
        kappa = "" if agreed.kappa is None else f", kappa {agreed.kappa:.2f}"
        line(f"{agreed.first} and {agreed.second} agree on {agreed.same:,} of {agreed.faces:,} faces{kappa}.")


def _print_statement(said: "CaseStatement", line: Callable[..., None]) -> None:
    facts = ", ".join(each for each in (said.witness, said.taken_by and f"taken by {said.taken_by}", said.how) if each)
    line()
    line(f"Statement {said.number}{f' ({facts})' if facts else ''}", "bold")
    for part in said.text.splitlines():
        line(f"  {part}")


def _print_search(search: "CaseSearch", line: Callable[..., None]) -> None:
    line()
    line(f"Search {search.number}: {search.about.get('reading') or 'forgotten'}", "bold")
    first = ", ".join(str(hit.face) for hit in search.hits[:_SHOWN_HITS])
    more = ", ..." if len(search.hits) > _SHOWN_HITS else ""
    found = f"{search.answered:,} hits: faces {first}{more}" if search.hits else "no hit"
    line(f"  {search.moment.astimezone():%Y-%m-%d %H:%M}, {search.who}: {found}")
    for left in search.departures:
        why = f": {left.why}" if left.why else ""
        line(f"  {left.change.value}: {left.words} ({left.who}{why})")


_SIGNS = {"follow up": ("✓", "green"), "undecided": ("?", "yellow"), "set aside": ("✗", "dim")}


def _print_marks(file: "CaseFile", faces_: Any, source: "Catalogue", line: Callable[..., None]) -> None:
    standing = file.standing
    if not standing:
        return
    with source.read() as session:
        details = faces_.known(session, list(standing))
    line()
    line("Marks", "bold")
    for face, marks in standing.items():
        for made in marks.values():
            sign, style = _SIGNS[made.state.value]
            where = f"  {details[face].display}" if face in details else ""
            line(f"  {sign} face {face}: {_mark_in_words(made)}, {made.who}{where}", style)
