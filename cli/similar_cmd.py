"""`facesearch similar`: faces whose profile is nearest to the one in a photo."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.errors import UsageProblem

SIMILARITY = "similarity of the profiles, (1 + cosine) / 2: 1 is the same profile"


def similar(
    context: typer.Context,
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="The face to look for.", show_default=False)],
    pick: Annotated[
        int | None,
        typer.Option("--pick", metavar="N", help="Which of several faces, from 0, left to right.", show_default=False),
    ] = None,
    catalogue: options.CatalogueOption = None,
    top: options.TopOption = "20",
    min_score: options.MinScoreOption = 0.0,
    min_detection: options.MinDetectionOption = 0.8,
    csv: options.CsvOption = None,
    html: options.HtmlOption = None,
    json: options.JsonOption = False,
    all_attributes: options.AllAttributesOption = False,
    device: options.DeviceOption = options.Device.AUTO,
    checkpoint: options.CheckpointOption = None,
    detector_model: options.DetectorOption = None,
) -> int:
    """Find the faces whose 40 attributes are most like those of the face in PHOTO.

    The score is a similarity, (1 + cosine) / 2 of the profiles: 1 is the same profile, about .5 an unrelated one. It
    compares attributes and does not recognise people. If the face in PHOTO is indexed itself, it is left out.
    """
    from cli.console import say
    from cli.network import choices, face_in_words, new_detector, new_scorer
    from cli.page import Picture
    from cli.results import Heading, opened, present, wanted
    from cli.thumbnails import Thumbnail, cut
    from facesearch.network.checkpoint import load_checkpoint
    from facesearch.probe import WhichFaceError, choose, look
    from facesearch.similar import similar as similar_faces

    limit = options.top_of(top)
    path = options.catalogue_of(context, catalogue)
    with (
        wanted(csv=csv, html=html, json=json, all_attributes=all_attributes, never=[path, photo]) as outputs,
        opened(path) as source,
    ):
        network = load_checkpoint(checkpoint)
        probe = look(photo, new_detector(detector_model))
        try:
            number = choose(probe, pick, min_detection)
        except WhichFaceError as error:
            raise UsageProblem(str(error), choices(error.faces)) from error
        face = probe.faces[number]
        say(f"Looking for the face {face_in_words(face)}")
        if face.score < min_detection and pick is None:
            say("The detector is not sure of any face in this photo, and this is the best.")
        logits = probe.logits([face], new_scorer(network, device.value))[0]
        result = similar_faces(
            source,
            logits,
            probe_model=network.digest,
            probe_sha256=probe.photo.sha256,
            probe_box=face.box,
            top=limit,
            min_score=min_score,
            min_detection=min_detection,
        )
        picture = Thumbnail(cut(probe.photo.rgb, face.box, face.turned))
        heading = Heading(
            kind="Faces with a similar profile of attributes",
            title=photo.name,
            score="similarity",
            facts=[("Probe", f"{photo.absolute()}, face {number} {face_in_words(face)}"), ("Score", SIMILARITY)],
            probe=Picture(picture, os.fsencode(photo.absolute()), "", ()),
        )
        return present(result, heading, outputs, path)
