"""The program `facesearch`: one Typer app, a file for each command.

What a command needs is imported when it runs, so that help and searches start fast.
"""

import os
import sys
import warnings
from contextlib import suppress
from contextvars import copy_context
from typing import Annotated

import typer

from cli.commands import options
from cli.commands.attributes import attributes
from cli.commands.audit import audit
from cli.commands.backup import backup, restore
from cli.commands.case import app as case_app
from cli.commands.check import check
from cli.commands.disclose import disclose, replay
from cli.commands.evaluate import evaluate
from cli.commands.export import export
from cli.commands.failures import failures
from cli.commands.forget import forget
from cli.commands.index import index
from cli.commands.interview import interview
from cli.commands.read import read
from cli.commands.roots import roots
from cli.commands.score import score
from cli.commands.seal import seal
from cli.commands.search import DescriptionCommand, search
from cli.commands.serve import serve
from cli.commands.show import show
from cli.commands.similar import similar
from cli.commands.status import status
from cli.commands.train import train
from cli.commands.validate import validate
from cli.commands.verify import verify
from cli.errors import reported, working_folder_is_lost
from cli.terminal.console import tolerate_any_stream

app = typer.Typer(
    name="facesearch",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("facesearch"))
        raise typer.Exit


@app.callback()
def facesearch(
    context: typer.Context,
    catalogue: options.CatalogueOption = None,
    examiner: Annotated[
        str, typer.Option(envvar="FACESEARCH_EXAMINER", help="Who asks, for the audit log.", show_default=False)
    ] = "",
    case: Annotated[
        str,
        typer.Option(
            envvar="FACESEARCH_CASE",
            help="For which case: for the audit log, and where searches are kept.",
            show_default=False,
        ),
    ] = "",
    reason: Annotated[
        str, typer.Option(envvar="FACESEARCH_REASON", help="Why, for the audit log.", show_default=False)
    ] = "",
    keep_text: Annotated[
        bool, typer.Option("--keep-text", help="Let the audit log hold what was typed, not only how it was read.")
    ] = False,
    version: Annotated[  # noqa: ARG001 (its callback does the work)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find the faces in a photo folder that fit a description, or that resemble a face.

    `facesearch index FOLDER` first, then `facesearch search "male, goatee, not bald" --html sheet.html`.

    Exit codes: 0 found, 1 nothing matched, 2 wrong usage or query, 3 the catalogue or a file cannot be used, 4 some
    photos failed or a folder could not be read (index --strict), 5 only some of several catalogues were searched, 70 a
    fault of the program, 130 interrupted, 141 nobody reads the output any more.
    """
    _set_acting(examiner, case, reason, keep_text=keep_text)
    context.obj = catalogue


def _set_acting(examiner: str, case: str, reason: str, *, keep_text: bool) -> None:
    """For what the audit log says of this command."""
    from facesearch.custody.acting import Acting, act_as

    act_as(Acting(examiner.strip(), case.strip(), reason.strip(), keep_text))


app.command()(index)
app.command(cls=DescriptionCommand)(search)
app.command(cls=DescriptionCommand)(interview)
app.command(cls=DescriptionCommand)(read)
app.command()(similar)
app.command()(show)
app.command()(serve)
app.command()(score)
app.command()(attributes)
app.command()(roots)
app.command()(status)
app.command()(failures)
app.command()(check)
app.command()(forget)
app.command()(export)
app.command()(backup)
app.command()(restore)
app.command()(train)
app.command()(evaluate)
app.command()(validate)
app.command()(verify)
app.command()(seal)
app.command()(audit)
app.add_typer(case_app, name="case")
app.command()(disclose)
app.command()(replay)


def run(arguments: list[str]) -> int:
    """Run the program with these arguments; its exit code."""
    command = typer.main.get_command(app)

    def action() -> int:
        with command.make_context("facesearch", arguments) as context:
            return int(command.invoke(context) or 0)

    # What is set for this command (on whose behalf it works) ends with it, where others follow in the same process.
    return copy_context().run(reported, action)


def _load_torch_elsewhere() -> None:
    """Its mathematics library ends the program where it cannot tell the working folder while it is loaded."""
    with suppress(OSError):
        here = os.open(".", os.O_RDONLY)
        os.chdir("/")
        import torch  # noqa: F401

        # Relative paths lead nowhere, as before: in another folder they would name other files.
        os.fchdir(here)
        os.close(here)


def main() -> None:
    """The console script."""
    tolerate_any_stream()
    # Odd metadata in a photo that decodes well is no news for the user, least of all within a progress display.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    if working_folder_is_lost():
        _load_torch_elsewhere()
    sys.exit(run(sys.argv[1:]))
