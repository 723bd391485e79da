"""`facesearch forget`: photos and faces out of the catalogue for good; and what must not go."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode, UsageProblem
from cli.report.remedies import error_in_words
from cli.report.wording import counted
from cli.terminal.console import printable, results, say

if TYPE_CHECKING:
    from facesearch.custody.forgetting import Candidate, Forgot, Plan, Wanted

_LISTED = 20
_DAYS = {"d": 1, "w": 7, "y": 365}
_SPAN = re.compile(r"(\d{1,6})\s*([dwy])(?:ays?|eeks?|ears?)?", re.IGNORECASE)
_NOT_REACHED = (
    "Not reached by this: the photos themselves, backups, tables and pages that were written, snapshots of the file "
    "system, and what a disk keeps of overwritten places (docs/administration.md)."
)


def forget(
    context: typer.Context,
    face: Annotated[
        list[int] | None,
        typer.Argument(metavar="[FACE]...", help="Faces by number, as search prints them.", show_default=False),
    ] = None,
    photo: Annotated[
        list[Path] | None,
        typer.Option("--photo", metavar="PATH", help="This photo, with all its faces and copies.", show_default=False),
    ] = None,
    folder: Annotated[
        list[Path] | None,
        typer.Option("--folder", metavar="PATH", help="All photos in this folder and below.", show_default=False),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than",
            metavar="SPAN",
            help="All photos that were first indexed so long ago: 90d, 12w, 2y.",
            show_default=False,
        ),
    ] = None,
    hold: Annotated[bool, typer.Option("--hold", help="Keep them from being forgotten, instead.")] = False,
    release: Annotated[bool, typer.Option("--release", help="No longer hold them.")] = False,
    override: Annotated[
        str | None,
        typer.Option(
            "--override", metavar="REASON", help="Forget also what is held; the reason is kept.", show_default=False
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Take faces or photos out of the catalogue for good, and keep them from coming back with the next index run.

    Shows what will go, and asks. Faces go alone where others are in the photo, else with it; photos go with every copy
    of the same content. Nothing of them is left in the files of the catalogue but digests that tell an index run what
    to leave alone (`index --allow-again` takes them in after all). The photos themselves are not touched.

    Copies in another encoding are only named, since similar is not the same: forget them by their numbers.
    """
    from cli.commands.opening import opened
    from cli.terminal.asking import agreed
    from facesearch.custody import forgetting

    wanted, now = _wanted(face, photo, folder, older_than)
    _check(hold=hold, release=release, override=override)
    with opened(options.catalogue_of(context, catalogue)) as target:
        if hold or release:
            number = (forgetting.hold if hold else forgetting.release)(target, wanted, now)
            say(f"Held from now on: {number:,} more." if hold else f"Released: {number:,}.")
            return ExitCode.FOUND
        shown = forgetting.plan(target, wanted, now, override=override is not None)
        alike = forgetting.candidates(target, shown)
        console = results()
        for line in _lines(shown, alike):
            console.print(printable(line), soft_wrap=True)
        if shown.is_empty:
            say("Nothing was forgotten: what is held stays." if shown.held else "There is nothing to forget.")
            return ExitCode.NOTHING if shown.held else ExitCode.FOUND
        everything = "That is everything that the catalogue holds. " if shown.everything else ""
        if not agreed(f"{everything}Forget {_amount(shown)} for good?", yes=yes):
            say("Nothing was changed.")
            return ExitCode.NOTHING
        done = forgetting.forget(target, wanted, shown, now, override=override)
    say(f"Forgotten: {_amount(shown)}.")
    _say_left(done)
    return ExitCode.FOUND


def _check(*, hold: bool, release: bool, override: str | None) -> None:
    """Raises UsageProblem for options that do not go together."""
    if hold and release:
        raise UsageProblem("--hold and --release are two requests: give one at a time.")
    if (hold or release) and override is not None:
        raise UsageProblem(
            "--override is for what is to be forgotten: leave it out, or leave out --hold and --release."
        )
    if override is not None and (not override.strip() or override.startswith("-")):
        raise UsageProblem("--override needs a reason, which is kept: say why holds are set aside.")


def _say_left(done: "Forgot") -> None:
    """What is left of it for now, and where this program does not reach."""
    if done.problem:
        say(error_in_words(done.problem))
    if done.pending:
        say(
            "Pending: no search finds it any more, but it still lies in the files of the catalogue, since others read "
            "them or there is no room. The next command that writes finishes it; `facesearch status` says when "
            "that is done."
        )
    say(_NOT_REACHED)


def _wanted(
    face: Sequence[int] | None, photo: Sequence[Path] | None, folder: Sequence[Path] | None, older_than: str | None
) -> "tuple[Wanted, datetime]":
    from db.paths import absolute
    from facesearch.custody.forgetting import Wanted

    kinds = [each for each in (face, photo, folder, older_than) if each]
    if len(kinds) != 1:
        raise UsageProblem("Name what to forget in one way: face numbers, --photo, --folder or --older-than.")
    now = datetime.now(UTC)
    before = None
    if older_than is not None:
        before = _moment_before(now, older_than)
    return Wanted(tuple(face or ()), tuple(map(absolute, photo or ())), tuple(map(absolute, folder or ())), before), now


def _moment_before(now: datetime, span: str) -> datetime:
    found = _SPAN.fullmatch(span.strip())
    if found is None:
        raise UsageProblem(f"{span} is no span of time: give a number of days, weeks or years, such as 90d, 12w or 2y.")
    try:
        return now - timedelta(days=int(found[1]) * _DAYS[found[2].casefold()])
    except OverflowError:
        raise UsageProblem(f"{span} goes back before all calendars: give a shorter span.") from None


def _lines(shown: "Plan", alike: "Sequence[Candidate]") -> Iterator[str]:
    if shown.doomed.photos:
        yield f"To be forgotten, with {counted(shown.faces - len(shown.single), 'face')}:"
    yield from _listed(shown.paths)
    if shown.without_file:
        yield f"  {counted(shown.without_file, 'photo')} that no known file holds any more"
    if shown.elsewhere:
        yield "Of these, the same content under other paths:"
    yield from _listed(shown.elsewhere)
    if shown.single:
        yield "Faces to be forgotten, in photos that stay because of others:"
    yield from _listed([f"{number} in {path}" for number, path in shown.single])
    if shown.doomed.files:
        yield f"Files to be forgotten that could never be read: {len(shown.doomed.files):,}"
    for each in shown.exhibits:
        goes = "with them goes its reference, where nothing of it is held, and" if each.whole else "with them goes"
        lines = f"what its manifest says of {counted(each.listed, 'file')}" if each.listed else ""
        yield f"Exhibit {each.name}: {goes} {lines}".removesuffix(", and ") + (
            "; `facesearch verify` cannot compare them any more" if each.listed else ""
        )
    if shown.cases:
        yield "With these go their marks, notes and hits in the cases:"
    yield from _listed(shown.cases)
    if shown.held:
        yield "Held, and kept (--release, or --override REASON):"
    yield from _listed(shown.held)
    if shown.ahead:
        yield (
            f"Photos whose first indexing lies in the future by this computer's clock, and that stay: {shown.ahead:,}; "
            f"the clock is wrong, or was."
        )
    if alike:
        yield "May be copies in another encoding, or of people who look alike; they stay unless you name them:"
    yield from _listed([f"{each.face} in {each.path} (like {each.like})" for each in alike])


def _listed(items: "Sequence[object]") -> Iterator[str]:
    for each in items[:_LISTED]:
        yield f"  {each}"
    if len(items) > _LISTED:
        yield f"  and {len(items) - _LISTED:,} more"


def _amount(shown: "Plan") -> str:
    photos = len(shown.doomed.photos)
    parts = [counted(photos, "photo")] if photos else []
    parts += [counted(shown.faces, "face")] if shown.faces else []
    parts += [counted(len(shown.doomed.files), "unreadable file")] if shown.doomed.files else []
    return " and ".join(parts)
