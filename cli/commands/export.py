"""`facesearch export`: every face with its traits, for other engines."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode


def export(
    context: typer.Context,
    parquet: Annotated[
        Path,
        typer.Option(
            "--parquet",
            metavar="FOLDER",
            help="A new folder for files of Parquet, or one that holds a former export, which is replaced.",
            show_default=False,
        ),
    ],
    reason: Annotated[
        str, typer.Option("--reason", help="Why; it is logged. Needed, here or before the command.", show_default=False)
    ] = "",
    catalogue: options.CatalogueOption = None,
) -> int:
    """Write every face of the catalogue with its forty traits into files for DuckDB, ClickHouse, Spark or Trino.

    `facesearch read "man, goatee" --sql` prints what to ask these engines. The files hold the traits of everybody:
    keep them as the catalogue itself. What is forgotten later stays in them.
    """
    from cli.commands.opening import opened
    from cli.report.files import refuse_evidence
    from cli.report.logged import unlogged_in_words
    from cli.report.wording import counted
    from cli.terminal.console import results, say
    from cli.terminal.progress import status
    from facesearch.custody.acting import act_as, acting_now
    from facesearch.engines.parquet import export as export_faces

    path = options.catalogue_of(context, catalogue)
    if reason.strip():
        act_as(replace(acting_now(), reason=reason.strip()))
    refuse_evidence(parquet, path)
    with opened(path) as source, status() as shown:
        done = export_faces(source, parquet, progress=lambda faces, total: shown.show("Faces", faces, total))
    say(
        f"Forty traits of everybody in the catalogue are in these files ({counted(done.faces, 'face')}): keep them as "
        "the catalogue itself, and delete them when they have served. What is forgotten later stays in them."
    )
    if done.unscored:
        say(f"Without probabilities, since the network in use has not scored them: {counted(done.unscored, 'face')}.")
    for sentence in unlogged_in_words(done.logged):
        say(sentence)
    for name, sha256, faces in done.files:
        results().print(f"{sha256}  {done.folder / name}  {counted(faces, 'face')}", soft_wrap=True, highlight=False)
    return ExitCode.FOUND
