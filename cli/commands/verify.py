"""`facesearch verify`: whether the files of the indexed folders are still what they were."""

import threading
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode
from cli.report.wording import counted
from cli.terminal.console import printable, results, say
from db.paths import display

if TYPE_CHECKING:
    from indexer.exhibits import Compared

_LISTED = 50


def verify(
    context: typer.Context,
    wanted: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EXHIBIT|FOLDER]...",
            help="Exhibits or indexed folders; without any, all that are indexed.",
            show_default=False,
        ),
    ] = None,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Compare the files of indexed folders with the hashes of their manifests, or with those of the photos as indexed.

    A folder that was indexed with `index --exhibit NAME --manifest HASHES.csv` is compared file by file with that list;
    another with the SHA-256 that each of its photos had. Files are only read. Exit code 4: something differs, is absent
    or could not be read.
    """
    from cli.commands.opening import opened
    from cli.terminal.interrupt import stop_on_signal
    from cli.terminal.progress import status
    from indexer.exhibits import compare

    stop, sound = threading.Event(), True
    with opened(options.catalogue_of(context, catalogue)) as source, status() as display_:
        answer = "Stopping: what was compared so far follows."
        with stop_on_signal(stop, lambda: display_.note(answer)):
            tell = partial(display_.show, "Comparing")
            found = list(compare(source, wanted or [], progress=tell, stop=stop))
    if not found:
        say("No folder has been indexed yet: name one, as in `facesearch index FOLDER`.")
    for each in found:
        sound &= each.verified is not None and each.verified.sound
        for line in compared_in_words(each):
            results().print(printable(line), soft_wrap=True)
    if stop.is_set():
        return ExitCode.INTERRUPTED
    return ExitCode.FOUND if sound else ExitCode.SOME_FAILED


def compared_in_words(compared: "Compared") -> Iterator[str]:
    """How a folder compares, in lines: numbers, then every file that is not as it was."""
    exhibit, found = compared.exhibit, compared.verified
    name = f"{exhibit.name} ({display(exhibit.path)})" if exhibit.name else display(exhibit.path)
    against = "its manifest" if exhibit.listed else "the photos as indexed"
    if found is None:
        files = counted(compared.files, "file")
        yield f"{name}: the folder is not there, so nothing of it could be compared ({files})."
        return
    there = found.match + len(found.differ)
    are = "is" if len(found.absent) == 1 else "are"
    differ = "differs" if len(found.differ) == 1 else "differ"
    yield (
        f"{name}, against {against}: {found.match:,} of {there:,} match, {len(found.differ):,} {differ}, "
        f"{len(found.absent):,} {are} absent"
        + (f", {len(found.unreadable):,} could not be read" if found.unreadable else "")
        + (", stopped before the end" if found.interrupted else "")
    )
    if compared.unlisted:
        are = counted(compared.unlisted, "indexed photo is", "indexed photos are")
        yield f"  {are} not in the manifest"
    told = (
        *((path, "differs") for path in found.differ),
        *((path, "is absent") for path in found.absent),
        *((path, f"could not be read ({reason})") for path, reason in found.unreadable),
    )
    for path, what in told[:_LISTED]:
        yield f"  {display(path)} {what}"
    if len(told) > _LISTED:
        yield f"  and {len(told) - _LISTED:,} more"
