"""`facesearch show`: one face with all that is known of it."""

from pathlib import Path
from typing import Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode


def show(
    context: typer.Context,
    face: Annotated[
        str,
        typer.Argument(
            metavar="FACE",
            help="Its number, as search prints it; of one of several catalogues b.db:25.",
            show_default=False,
        ),
    ],
    catalogue: options.CatalogueOption = None,
    nearest: Annotated[
        int, typer.Option("--nearest", metavar="N", min=1, help="How many of the faces that are most like it.")
    ] = 5,
    html: options.HtmlOption = None,
    pdf: options.PdfOption = None,
    show_others: options.ShowOthersOption = False,
    json: options.JsonOption = False,
    force: options.ForceOption = False,
) -> int:
    """Show one face: its photo under all its paths, its place in it, all 40 attributes, and the faces most like it.

    The bars are the probabilities that the attributes hold, in the groups of the network's paper, each with its grade:
    A to D, how far the network can be relied on for it. The nearest faces have similar attributes; this is not face
    recognition.
    """
    from cli.commands.opening import opened_together
    from cli.commands.outputs import log_files, open_outputs, write_pages
    from cli.report.face import print_face, print_json, print_unfound, write_page
    from db.errors import FaceUnfound
    from facesearch.search.several import FaceReference, report_face_of

    reference = FaceReference.parse(face)
    alone = reference.catalogue and not catalogue and not context.find_root().obj
    paths = options.catalogues_of(context, [Path(reference.catalogue)] if alone else catalogue)
    output = options.OutputOptions(html=html, pdf=pdf, show_others=show_others, json=json, force=force)
    with open_outputs(output, catalogues=paths) as outputs, opened_together(paths) as sources:
        try:
            found = report_face_of(sources, reference, nearest=nearest)
        except FaceUnfound as problem:
            if json:
                print_unfound(reference.number, problem)
            raise
        path = sources.holding(reference).path
        if outputs.html is not None or outputs.pdf is not None:
            write_pages(lambda write: write_page(write, found, path, show_others=show_others), outputs)
        outputs.finish()
        shown = [reference.number, *(hit.face.face for hit in found.nearest.hits)]
        log_files([outputs.html] if outputs.html is not None else [], shown, path, found.nearest.logged)
        if json:
            print_json(found)
        else:
            print_face(found)
    return ExitCode.FOUND
