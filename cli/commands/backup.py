"""`facesearch backup` and `facesearch restore`: the catalogue as one file, and back."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode, UsageProblem
from cli.report.remedies import error_in_words
from cli.report.wording import counted
from cli.terminal.console import printable, results, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.terminal.progress import Status
    from db.backup import Contents


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the backup goes.", show_default=False)],
    force: options.ForceOption = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Copy the catalogue into one file, also while an index run is at work, and print the file's SHA-256.

    The copy is read again from the disk and checked before it takes its place. An older backup of the same catalogue is
    replaced. Photos are not in it. What is forgotten later stays in it: see docs/administration.md.
    """
    from cli.commands.opening import opened
    from cli.report.files import refuse_evidence, require_folder
    from cli.terminal.progress import status
    from db.backup import is_backup_of
    from db.paths import is_there
    from facesearch.custody.backing_up import back_up

    path = options.catalogue_of(context, catalogue)
    with opened(path) as source:
        _refuse_own_files(file, source.path)
        refuse_evidence(file, source.path)
        if is_there(file) and not force and not is_backup_of(source, file):
            raise UsageProblem(
                f"{file} is there already and is no backup of this catalogue: name another file, or give --force to "
                f"overwrite it."
            )
        require_folder(file)
        with status() as display:
            written = back_up(source, file, progress=_teller(display, "Copying"))
    console = results()
    console.print(printable(f"{written.sha256}  {written.path}"), soft_wrap=True)
    say(f"Written: {file}, {written.size:,} bytes with {_in_words(written.contents)}; checked after writing.")
    return ExitCode.FOUND


def restore(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="BACKUP", help="What `facesearch backup` has written.", show_default=False)
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Put a backup in the place of the catalogue in use, or make the catalogue of it where there is none.

    What was indexed since the backup is gone from the catalogue, and the next `index` finds it again; cases and marks
    made since are gone for good (`facesearch case export` keeps them). The backup is only read. What was forgotten
    since is forgotten again.
    """
    from cli.terminal.asking import agreed
    from cli.terminal.progress import status
    from db.catalogue import open_catalogue
    from facesearch.custody.audit import log
    from facesearch.custody.restoring import restoration

    path = options.catalogue_of(context, catalogue)
    say(f"Catalogue: {path.absolute()}")
    with restoration(path, file) as ready:
        if ready.is_of_another:
            raise UsageProblem(
                f"{file} is a backup of another catalogue than {path}: name that one, or a new place, with --catalogue."
            )
        made = "" if ready.coming.made is None else f" of {ready.coming.made.astimezone():%Y-%m-%d %H:%M}"
        what = f"the backup{made} with {_in_words(ready.coming)}"
        if ready.present is not None:
            question = f"Replace the catalogue with {_in_words(ready.present)} by {what}?"
        elif ready.damaged:
            say("The catalogue is damaged and cannot be read: what was forgotten since the backup is not known.")
            question = f"Replace the damaged catalogue by {what}?"
        else:
            question = f"Make the catalogue of {what}?"
        present = ready.present
        if present is not None and (present.cases > ready.coming.cases or present.marks > ready.coming.marks):
            question = f"What was done in cases since the backup will be gone for good. {question}"
        if not agreed(question, yes=yes):
            say("Nothing was changed.")
            return ExitCode.NOTHING
        with status() as display:
            done = ready.carry_out(progress=_teller(display, "Restoring"))
    with open_catalogue(path) as restored:
        log(restored, "restore", {"backup": os.path.abspath(file)})  # noqa: PTH100
    say(f"Restored: {_in_words(done.contents)}. `facesearch index` finds what came since.")
    again = done.forgotten
    if again.photos or again.faces:
        say(f"Forgotten again, as since the backup: photos {again.photos:,}, faces {again.faces:,}.")
    if done.snapshot_problem:
        say(f"Searches will be slower: {error_in_words(done.snapshot_problem)}")
    return ExitCode.FOUND


def _refuse_own_files(file: Path, catalogue: Path) -> None:
    """Raises UsageProblem where the backup would go onto the catalogue, or what belongs to it, or onto a device."""
    from db.paths import is_there

    if is_there(file) and not file.is_file() and not file.is_dir():
        raise UsageProblem(f"{file} is no file, and a backup takes the place of what is there: name a file.")
    own, target = os.path.realpath(catalogue), os.path.realpath(file)
    beside = {f"{own}{rest}" for rest in ("", "-wal", "-shm", "-journal", ".lock", ".d")}
    same = is_there(file) and file.samefile(catalogue)  # under whatever name
    if same or target in beside or target.startswith(f"{own}.d{os.sep}"):
        raise UsageProblem(f"{file} belongs to the catalogue itself: name another file, best on another disk.")


def _teller(display: "Status", words: str) -> "Callable[[int, int], None]":
    return lambda done, total: display.show(words, done, total)


def _in_words(contents: "Contents") -> str:
    photos, faces = contents.photos, contents.faces
    if contents.cases:
        of_cases = f", {counted(contents.cases, 'case')} and {counted(contents.marks, 'mark')}"
        return f"{counted(photos, 'photo')}, {counted(faces, 'face')}{of_cases}"
    return f"{counted(photos, 'photo')} and {counted(faces, 'face')}"
