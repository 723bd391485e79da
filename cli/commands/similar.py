"""`facesearch similar`: faces with attributes like those of a face, or of one person's several faces."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cli.commands import options

SIMILARITY = (
    "similarity of the profiles of 40 attributes, (1 + cosine) / 2: 1 is the same profile; this is not face recognition"
)


@options.grouped
def similar(
    context: typer.Context,
    photos: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PHOTO", help="The face to look for; several photos of one person.", show_default=False),
    ] = None,
    face: Annotated[
        list[str] | None,
        typer.Option(
            "--face",
            metavar="ID",
            help="An indexed face, also beside photos; repeatable. Of one of several catalogues b.db:25.",
            show_default=False,
        ),
    ] = None,
    present: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="WORDS",
            help='Change the face: give it "beard, glasses", all of them.',
            show_default=False,
        ),
    ] = None,
    absent: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="WORDS", help='Change the face: take "hat" from it.', show_default=False),
    ] = None,
    pick: Annotated[
        list[int] | None,
        typer.Option(
            "--pick",
            metavar="N",
            help="Which of several faces, from 0, left to right; of several photos once for each, in their order.",
            show_default=False,
        ),
    ] = None,
    where: options.FaceOptions = options.FaceOptions(),  # noqa: B008 (it is frozen)
    min_score: options.MinScoreOption = 0.0,
    output: options.OutputOptions = options.OutputOptions(),  # noqa: B008 (it is frozen)
    device: options.DeviceOption = options.Device.AUTO,
    checkpoint: options.CheckpointOption = None,
    detector_model: options.DetectorOption = None,
    max_megapixels: options.MaxMegapixelsOption = None,
) -> int:
    """Find the faces whose 40 attributes are most like those of a face: in PHOTO, or indexed (--face).

    These are faces with similar attributes. This is not face recognition: a hit is a person who could be described in
    the same words, seldom the same person.

    Several photos and faces of one person are taken together. With --with and --without the face is changed in words
    before it is looked for: `facesearch similar suspect.jpg --with "beard, glasses" --without hat`.

    The score is a similarity, (1 + cosine) / 2 of the profiles: 1 is the same profile, about .5 an unrelated one. Faces
    to start from are left out of the result, and so is what the filters leave out (--folder, --name, --taken, --camera,
    --min-face).
    """
    from cli.commands import probes
    from cli.commands.hits import write_hits
    from cli.commands.opening import opened_together
    from cli.commands.outputs import open_outputs
    from cli.commands.search import statement_of
    from cli.report.heading import Heading
    from cli.report.wording import notice_in_words
    from cli.terminal.console import say
    from facesearch.search.changes import parse_changes
    from facesearch.search.request import Request
    from facesearch.search.several import FaceReference, similar_faces
    from facesearch.search.similar import distinct, like

    photos, picks = options.photos_of(photos), pick or []
    faces = [FaceReference.parse(each) for each in face or []]
    probes.check(photos, faces, picks)
    changes = parse_changes(present or [], absent or [], statement_of)
    remarks = tuple(map(notice_in_words, changes.notices))
    limit = where.limit()
    paths = options.catalogues_of(context, where.catalogue)
    request = where.narrow(Request(changes=changes, min_score=min_score))
    with open_outputs(output, never=photos, catalogues=paths) as outputs, opened_together(paths) as sources:
        starts = probes.from_catalogues(sources, faces)
        if photos:
            seen = probes.from_photos(
                sources,
                photos,
                picks,
                where.min_detection,
                checkpoint=checkpoint,
                detector_model=detector_model,
                device=device.value,
                limits=options.limits_of(max_megapixels),
            )
            starts = seen + starts
        kept = distinct([start.face for start in starts])
        if len(kept) < len(starts):
            say("The same face is named more than once, and counts once.")
        starts = [starts[i] for i in kept]
        change = f", {changes}" if changes else ""
        if len(starts) == 1:
            say(f"Looking for {starts[0].words}{change}")
        else:
            say(f"Looking for these {len(starts)} faces of one person, taken together{change}")
            for start in starts:
                say(f"  {start.words}")
        for remark in remarks:
            say(remark)
        probe_faces = [start.face for start in starts]
        request = replace(request, like=like(probe_faces), catalogues=sources.names)
        result = similar_faces(sources, probe_faces, request, top=limit)
        heading = Heading(
            kind="Faces with similar attributes",
            title=", ".join(start.name for start in starts) + change,
            score="similarity",
            attributes=tuple(each.attribute for each in changes.asked),
            like="; ".join(start.words for start in starts) + change,
            remarks=remarks,
            notices=changes.notices,
            facts=[
                *(("Probe", start.words) for start in starts),
                *([("Changes", str(changes))] if changes else []),
                *(("Remark", each) for each in remarks),
                *(("Filter", each) for each in options.filters_in_words(request)),
                ("Score", SIMILARITY),
            ],
            probe=probes.picture(starts) if output.html else None,
        )
        return write_hits(result, heading, outputs, paths[0])
