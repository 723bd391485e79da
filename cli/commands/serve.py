"""`facesearch serve`: a page on this machine to search, look and index in."""

import os
from enum import StrEnum
from typing import Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode, UsageProblem

_LEAST_TOKEN = 16


class Viewer(StrEnum):
    """How faces are shown until they are pointed at."""

    OFF = "off"
    BLUR = "blur"
    GREY = "grey"


def serve(
    context: typer.Context,
    catalogue: options.CatalogueOption = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="N", min=0, max=65535, help="The port; 0 takes any that is free.", show_default="8765"
        ),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    blur: Annotated[
        bool, typer.Option("--blur", help="Blur faces until they are pointed at; the page has a switch.")
    ] = False,
    no_crops: options.NoCropsOption = False,
) -> int:
    """Open a page on this machine: index a folder, search, look at faces.

    Only this machine reaches it, and only the browser that opens the printed address; that works once. From another
    machine, use an SSH tunnel with the same port: ssh -L 8765:127.0.0.1:8765 HOST. Nothing is loaded from elsewhere.
    Programs ask the same under /api/v1; FACESEARCH_TOKEN sets the token that they send. Ctrl-C ends it.
    """
    from cli.report.wording import notice_in_words
    from cli.terminal.console import say
    from cli.web.server import PortTaken, listen
    from cli.web.server import serve as run
    from cli.web.workplace import Workplace
    from facesearch.custody.policy import policy_at

    bearer = os.environ.get("FACESEARCH_TOKEN", "")
    if bearer and len(bearer) < _LEAST_TOKEN:
        raise UsageProblem(f"FACESEARCH_TOKEN has fewer than {_LEAST_TOKEN} characters: use one that nobody guesses.")
    path = options.catalogue_of(context, catalogue)
    policy = policy_at(path)  # with a mistake in it nothing runs
    try:
        made = listen(port)
    except PortTaken:
        named = f"Port {port} is" if port is not None else "The usual ports are"
        raise UsageProblem(f"{named} taken by another program: name a free one with --port, or --port 0.") from None
    place = Workplace(path, viewer=Viewer.BLUR if blur or policy.blur else Viewer.OFF, keep_crops=not no_crops)
    if place.has_catalogue:
        for notice in place.catalogue.notices:  # and so what is wrong with it is said now
            say(notice_in_words(notice))
    try:
        run(place, made, browser=not no_browser, bearer=bearer)
    finally:
        place.close()
    return ExitCode.FOUND
