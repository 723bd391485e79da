"""`facesearch check`: whether the catalogue, and what lies beside it, is sound."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode
from cli.report.remedies import error_in_words
from cli.report.wording import counted
from cli.terminal.console import printable, results, say

if TYPE_CHECKING:
    from db.checking import Damage
    from facesearch.custody.checking import Checked, Repaired

_LISTED = 10
_RESTORE = "`facesearch restore BACKUP` puts a backup in its place"


def check(
    context: typer.Context,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what can be mended, and say what was lost. Make a backup before.")
    ] = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Read the whole catalogue and say whether it is sound: SQLite's pages and indexes, every value of every row, the
    columns and profiles that searches read, and whether all photos are where they were.

    Only reads, unless --repair is given. Exits with 3 where anything but photos is wrong.
    """
    from cli.commands.opening import opened
    from facesearch.custody.checking import check as look
    from facesearch.custody.checking import repair as mend

    console = results()
    with opened(options.catalogue_of(context, catalogue)) as target:
        found = look(target)
        for line in _lines(found, repairing=repair):
            console.print(printable(line), soft_wrap=True)
        if repair and (not found.is_sound or _has_no_snapshot(found)):
            for line in _mended(mend(target, found)):
                console.print(printable(line), soft_wrap=True)
            found = look(target)
            console.print("Sound now." if found.is_sound else f"Damage is left that nothing here mends: {_RESTORE}.")
    if not found.is_sound and not repair:
        say(f"`facesearch check --repair` mends what can be mended; {_RESTORE}.")
    return ExitCode.FOUND if found.is_sound else ExitCode.UNUSABLE


def _has_no_snapshot(found: "Checked") -> bool:
    from db.snapshot import Condition

    return found.snapshot is not None and found.snapshot.condition is Condition.MISSING


def _lines(found: "Checked", *, repairing: bool) -> Iterator[str]:
    if found.structure:
        yield f"File: damaged: {'; '.join(found.structure)}"
    else:
        yield "File: pages and indexes are sound"
    if not found.damage and found.structure:
        yield "Rows: those that can be read in the damaged file hold what they should; others may be lost"
    elif not found.damage:
        yield "Rows: all hold what they should"
    for each in found.damage:
        yield f"Rows: {_in_words(each)}"
    if found.snapshot is None:
        yield "Snapshot: not compared, since the tables that it is made of are damaged"
    elif found.differing:
        faces = counted(len(found.differing), "face")
        yield f"Snapshot: {faces} not as in the tables, such as face {found.differing[0]}; searches show them wrongly"
    elif found.snapshot_is_wrong:
        yield "Snapshot: damaged; searches do without it, and are slower"
    else:
        remedy = "" if repairing or not _has_no_snapshot(found) else ": `facesearch index` builds it"
        yield f"Snapshot: {found.snapshot}{remedy}"
    for folder in found.absent:
        yield f"Folder not there now: {folder}"
    yield f"Photos that are not where they were: {found.missing_count:,}"
    for path in found.missing[:_LISTED]:
        yield f"  {path}"
    if found.missing_count > _LISTED:
        yield f"  and {found.missing_count - _LISTED:,} more: `facesearch index` takes note of them"


def _in_words(damage: "Damage") -> str:
    from db.checking import Kind

    if damage.kind is Kind.UNREADABLE:
        return f"the table {damage.table} cannot be read to its end"
    number = counted(len(damage.keys), "row")
    names = _keys(damage)
    match damage.kind:
        case Kind.ORPHAN:
            return f"{number} of {damage.table} refer to what is not there ({damage.column}){names}"
        case Kind.SHOWN:
            return f"{counted(len(damage.keys), 'face')} searched or hidden that should not be{names}"
        case _:
            return f"{number} of {damage.table} hold what {damage.column} cannot be{names}"


def _keys(damage: "Damage") -> str:
    """Numbers of some of the rows; paths are no keys to print, since what is damaged may be they."""
    numbers = [key[-1] for key in damage.keys if isinstance(key[-1], int)][:3]
    more = ", ..." if len(damage.keys) > len(numbers) else ""
    return f": number {', '.join(map(str, numbers))}{more}" if numbers else ""


def _mended(done: "Repaired") -> Iterator[str]:
    mended = done.mended
    if done.indexes:
        yield "Mended: SQLite's indexes were built anew"
    if done.rebuilt:
        yield "Mended: the snapshot was built anew"
    if done.problem:
        yield f"Not mended: {error_in_words(done.problem)}"
    for number, words in (
        (mended.restored, "Mended: faces that have their scores back from the snapshot"),
        (mended.shown, "Mended: faces that are searched, or hidden, again"),
        (mended.scores, "Lost: scores of faces; `facesearch index` makes them again"),
        (mended.faces, "Lost: faces with their numbers; `facesearch index` finds them again, under other numbers"),
        (mended.marks, "Lost: marks of cases, with the faces that they hung on"),
        (mended.photos, "To be looked at again: photos"),
        (mended.files, "Lost: what was known of files; `facesearch index` takes them for new"),
        (mended.holds, "Lost: holds; `facesearch forget --hold` holds again what must stay"),
        (mended.others, "Lost: rows of what was noted beside that"),
    ):
        if number:
            yield f"{words}: {number:,}"
