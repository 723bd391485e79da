"""`facesearch audit`: who did what with a catalogue."""

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands import options
from cli.errors import ExitCode, UsageProblem
from cli.report.wording import counted
from cli.terminal.console import printable, results, say

if TYPE_CHECKING:
    from db.audit import Entry

_COLUMNS = ("row", "time", "kind", "user", "host", "examiner", "case", "reason", "details", "chain")
_DETAILS = ("action", "state", "reading", "face", "hits", "folders", "files", "text")
_FACES = 3


class Action(StrEnum):
    """What is done with the log."""

    LIST = "list"
    VERIFY = "verify"
    HEAD = "head"


def audit(
    context: typer.Context,
    action: Annotated[
        Action,
        typer.Argument(help="list the rows; verify that none was changed; print the head, to be kept elsewhere."),
    ] = Action.LIST,
    head: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="HEAD",
            help="With verify: a head that was kept, from a page or `audit head`.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="Only rows of this kind: search, similar, show, rank, case, picture, index, export.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Only rows from then on (UTC).", show_default=False
        ),
    ] = None,
    face: Annotated[
        int | None, typer.Option("--face", help="Only rows in which this face was shown.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows whole, a JSON object a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Show who did what with the catalogue, when, and on whose behalf; or verify the log.

    Searches, shown faces, exports and index runs are logged in the catalogue itself: a row with the user of the system,
    the host, and what --examiner, --case and --reason (before the command, or in FACESEARCH_EXAMINER, _CASE and
    _REASON) say. Each row is chained to all before it. Whoever owns the file can rewrite the whole chain: only a head
    that was kept elsewhere proves that nobody did. Heads stand on every page; `facesearch audit head` prints one.
    """
    from cli.commands.opening import opened
    from db import audit as audit_log
    from facesearch.custody.audit import count_waiting

    if head is not None and not re.fullmatch(r"\s*(?:\d+:)?[0-9a-fA-F]{64}\s*", head):
        raise UsageProblem(
            "That is no head: it is a number, a colon and 64 hexadecimal digits, as `audit head` prints it."
        )
    if head is not None and action is not Action.VERIFY:
        raise UsageProblem("--head belongs to verify: facesearch audit verify --head HEAD.")
    with opened(options.catalogue_of(context, catalogue)) as source, source.read() as session:
        if waiting := count_waiting(source):
            rows_wait = "1 row waits" if waiting == 1 else f"{waiting:,} rows wait"
            say(f"{rows_wait} in your own folder, since the catalogue could not be written: not among these.")
        if action is Action.HEAD:
            found = audit_log.head(session)
            if found is None:
                say("Nothing is logged yet.")
                return ExitCode.NOTHING
            results().print(str(found))
            return ExitCode.FOUND
        if action is Action.VERIFY:
            return _verify(audit_log.verify(session, head and head.strip()))
        from_on = since.replace(tzinfo=UTC) if since is not None else None
        rows = audit_log.entries(session, kind or (), from_on)
        if face is not None:
            rows = (each for each in rows if face in audit_log.faces_of(each))
        return _print(rows, as_json=as_json, as_csv=as_csv)


def _verify(found: Any) -> int:
    if found.head is None:
        say("Nothing is logged yet.")
        return ExitCode.NOTHING
    rows = counted(found.head.sequence, "row")
    blanked = f", {found.blanked:,} of them blanked since they named what was forgotten" if found.blanked else ""
    if found.broken_at is not None:
        results().print(f"The log was changed: row {found.broken_at:,} does not follow from those before it.")
        return ExitCode.SOME_FAILED
    if found.holds_head is False:
        results().print(
            f"The log was changed: the head that was kept is none of its {rows}, so rows were cut or rewritten."
        )
        return ExitCode.SOME_FAILED
    results().print(f"The chain of {rows} holds{blanked}. Head: {found.head}", soft_wrap=True)
    if found.holds_head is None:
        say("Without a head that was kept elsewhere (--head), a rewritten or cut log cannot be told from a sound one.")
    return ExitCode.FOUND


def _print(rows: "Iterator[Entry]", *, as_json: bool, as_csv: bool) -> int:
    any_row = False
    out = StringIO()
    writer = csv.writer(out)
    if as_csv:
        writer.writerow(_COLUMNS)
    for entry in rows:
        any_row = True
        if as_json:
            line = {
                "row": entry.sequence,
                "time": entry.moment.isoformat(),
                "kind": entry.kind,
                "payload": entry.payload,
            }
            results().print(json.dumps(line), soft_wrap=True, highlight=False, markup=False)
            continue
        cells = _cells(entry)
        if as_csv:
            writer.writerow([_no_formula(each) for each in cells])
        else:
            who = ", ".join(each for each in cells[3:8] if each)
            text = f"{cells[0]}  {cells[1]}  {cells[2]}  {who}  {cells[8]}"
            results().print(printable(text), soft_wrap=True, highlight=False, markup=False)
    if as_csv:
        results().print(out.getvalue().replace("\r\n", "\n"), end="", soft_wrap=True, highlight=False, markup=False)
    if not any_row:
        say("No row of the log is like that.")
    return ExitCode.FOUND if any_row else ExitCode.NOTHING


def _cells(entry: "Entry") -> list[str]:
    said = entry.payload
    moment = f"{entry.moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
    if said is None:
        return [
            str(entry.sequence),
            moment,
            entry.kind,
            "",
            "",
            "",
            "",
            "",
            "(blanked: it named what was forgotten)",
            entry.chain,
        ]
    who = [str(said.get(key, "")) for key in ("user", "host", "examiner", "case", "reason")]
    return [str(entry.sequence), moment, entry.kind, *who, _details(said), entry.chain]


def _details(said: Any) -> str:
    told = []
    for key in _DETAILS:
        value = said.get(key)
        if key == "files" and value:
            told += [f"{Path(each['file']).name} (SHA-256 {each['sha256'][:16]})" for each in value]
        elif key == "folders" and value:
            told.append(", ".join(value))
        elif key == "hits" and value is not None:
            first = ", ".join(str(face) for face, _ in said.get("faces", [])[:_FACES])
            told.append(
                counted(value, "hit") + (f": faces {first}{', ...' if value > _FACES else ''}" if first else "")
            )
        elif key == "face" and value is not None:
            told.append(f"face {value}")
        elif value:
            told.append(str(value))
    return "; ".join(told)


def _no_formula(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell
