"""`facesearch roots`: the indexed folders."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode, UsageProblem
from cli.report.wording import counted
from cli.terminal.console import printable, results, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.catalogue import Catalogue
    from db.roots import IndexedRoot


def roots(
    context: typer.Context,
    moved: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--moved", metavar="OLD NEW", help="The folder indexed as OLD is now found at NEW.", show_default=False
        ),
    ] = None,
    detach: Annotated[
        Path | None,
        typer.Option(
            "--detach",
            metavar="FOLDER",
            help="No longer index or search this folder; its photos stay on the disk, their faces in the catalogue.",
            show_default=False,
        ),
    ] = None,
    forget: Annotated[Path | None, typer.Option("--forget", hidden=True, help="Former name of --detach.")] = None,
    catalogue: options.CatalogueOption = None,
) -> int:
    """List the indexed folders, with what `index --exclude` and `--everything` have set; or say that one has moved,
    such as a drive that is now mounted elsewhere, or that one is no longer searched.

    A folder that holds none of the photos is not taken for the moved one.

    Faces of a folder that was detached leave the results unless another folder holds their photo. Nothing of them is
    erased: they keep their numbers and return when the photo is indexed again.
    """
    from cli.commands.opening import opened
    from db.roots import list_roots

    if forget is not None and detach is None:
        say("--forget is now called --detach, since it erases nothing.")
    detach = detach or forget
    if moved is not None and detach is not None:
        raise UsageProblem("--moved and --detach are two requests: give one at a time.")
    with opened(options.catalogue_of(context, catalogue)) as target:
        if moved is not None:
            _move(target, *moved)
        if detach is not None:
            _detach(target, detach)
        with target.read() as session:
            known = list_roots(session)
    if known:
        _list(known)
    else:
        say("No folder has been indexed yet: name one, as in `facesearch index FOLDER`.")
    return ExitCode.FOUND


def _move(target: "Catalogue", old: Path, new: Path) -> None:
    from db.paths import is_folder
    from db.roots import move_root
    from facesearch.custody.forgetting import finish_pending
    from indexer.moving import check_moved

    check_moved(target, old, new)
    with target.indexing():
        finish_pending(target, seconds=1.0)
        with target.write() as session:
            move_root(session, old, new)
    if not is_folder(new):
        say(f"There is no folder {new} at the moment: its photos stay in the catalogue until it is there.")


def _detach(target: "Catalogue", folder: Path) -> None:
    from db.paths import absolute, within
    from db.photos import detach_root
    from db.roots import list_roots
    from facesearch.custody.forgetting import finish_pending

    with target.indexing():
        finish_pending(target, seconds=1.0)
        with target.write() as session:
            files, faces = detach_root(session, folder)
    say(f"Detached: {folder}, {counted(files, 'photo')}. Faces that left the results: {faces:,}")
    with target.read() as session:
        around = [root for root in list_roots(session) if within(os.fsencode(root.path), absolute(folder))]
    if around:
        say(f"It lies within {around[0].display}, which is indexed too: the next run finds its photos there.")


def _list(known: "Sequence[IndexedRoot]") -> None:
    from cli.report.tables import new_table
    from db.paths import is_folder

    table = new_table()
    table.add_column("folder", overflow="fold")
    for heading in ("photos", "missing"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("now", no_wrap=True)
    for root in known:
        there = "there" if is_folder(root.path) else "not there"
        exhibit = f"{root.exhibit}: " if root.exhibit else ""
        table.add_row(printable(exhibit + root.display), f"{root.files:,}", f"{root.missing:,}", there)
    console = results()
    console.print(table)
    for line in (line for root in known for line in _selection(root)):
        console.print(printable(line), soft_wrap=True)


def _selection(root: "IndexedRoot") -> Iterator[str]:
    """What runs take of the folder, where it is not the usual."""
    from db.values.photo import LeftOut

    excluded, hidden = (root.left_out.get(why, 0) for why in (LeftOut.EXCLUDED, LeftOut.HIDDEN))
    if root.exclude:
        yield f"{root.display}: {counted(excluded, 'photo')} excluded, by {'  '.join(root.exclude)}"
    if root.everything:
        yield f"{root.display}: hidden and system folders are looked at, too (--everything)"
    if hidden:
        yield f"{root.display}: {counted(hidden, 'photo')} in hidden or system folders passed over (index --everything)"
