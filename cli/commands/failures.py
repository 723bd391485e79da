"""`facesearch failures`: every photo that could not be used, and why."""

from typing import Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode
from cli.terminal.console import printable, results, say


def failures(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
    retry: Annotated[
        bool,
        typer.Option(
            "--retry", help="Let the next `facesearch index` open all of them again, also those that it would leave."
        ),
    ] = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """List every photo that is there and could not be used, with the reason.

    What may be different the next time, such as a file that was busy, is tried again by every run. The others are
    opened again when they change, when this program has learnt to read more, or after --retry.
    """
    from cli.commands.opening import opened
    from cli.report.tables import to_stdout, write_json
    from db.photos import failures as failures_of
    from db.photos import try_again

    with opened(options.catalogue_of(context, catalogue)) as source:
        if retry:
            with source.indexing(), source.write() as session:
                number = try_again(session)
        with source.read() as session:
            found = failures_of(session)
    if json:
        write_json(to_stdout, ({"path": each.display, "reason": each.reason, "retry": each.retry} for each in found))
    else:
        console = results()
        for each in found:
            again = " (the next run tries again)" if each.retry else ""
            console.print(printable(f"{each.display}: {each.reason}{again}"), soft_wrap=True)
    say(f"Failed: {len(found):,}")
    if retry and number:
        say(f"The next `facesearch index` opens {'it' if number == 1 else f'these {number:,}'} again.")
    return ExitCode.FOUND
