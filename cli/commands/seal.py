"""`facesearch seal`: close a catalogue for good."""

import sys
from typing import Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode, UsageProblem
from cli.terminal.console import say


def seal(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Close the catalogue: it can be searched, and nothing in it changes any more. This cannot be undone.

    Its folders are not indexed again, and a newer version of this program does not look at its photos again. To go on,
    copy the file before, or index into another --catalogue.
    """
    from cli.commands.opening import opened
    from db.seal import sealed_since
    from facesearch.custody.sealing import seal as seal_catalogue

    with opened(options.catalogue_of(context, catalogue)) as target:
        with target.read() as session:
            since = sealed_since(session)
        if since is not None:
            say(f"It has been sealed since {since.astimezone():%Y-%m-%d %H:%M}.")
            return ExitCode.FOUND
        if not yes:
            if not sys.stdin.isatty():
                raise UsageProblem("Nobody can answer here: give --yes to seal it without being asked.")
            if not typer.confirm("Seal it? Nothing in it can change afterwards.", err=True):
                say("Not sealed.")
                return ExitCode.NOTHING
        done = seal_catalogue(target)
        if done.rebuilt:
            say("The snapshot was brought up to date first: nothing can do that any more.")
        if done.problem:
            say(f"Searches will stay slower: {done.problem}")
        say("Sealed: it can be searched, and nothing in it changes any more.")
    return ExitCode.FOUND
