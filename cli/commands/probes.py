"""The faces that `similar` starts from, as a command line names them: in photos, and in the catalogue."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cli.errors import UsageProblem
from cli.terminal.console import say
from facesearch.search.several import Catalogues, FaceReference, faces_of
from facesearch.search.similar import IndexedFace, PhotoFace, ProbeFace

if TYPE_CHECKING:
    from cli.report.page import Picture
    from cli.report.thumbnails import Thumbnail
    from facesearch.search.probe import SeenFace
    from facesearch.vision.decode import Limits
    from facesearch.vision.detection import Detector

_BACKGROUND = (255, 255, 255)


@dataclass(frozen=True, slots=True, eq=False)
class NamedProbe:
    """A face to start from. words: where it is; name: the same in short; thumbnail: cuts it out."""

    face: ProbeFace
    words: str
    name: str
    thumbnail: "Callable[[], Thumbnail]"


def check(photos: Sequence[Path], faces: Sequence[FaceReference], picks: Sequence[int]) -> None:
    """Raises UsageProblem where these do not belong together."""
    if not photos and not faces:
        raise UsageProblem("There is no face to start from: name a PHOTO, or an indexed face with --face ID.")
    if picks and not photos:
        raise UsageProblem("--pick chooses among the faces of a PHOTO, and none is named: leave it out.")
    if picks and len(picks) != len(photos):
        given = f"{len(picks)} times" if len(picks) > 1 else "once"
        named = f"{len(photos)} photos" if len(photos) > 1 else "1 photo"
        raise UsageProblem(
            f"--pick is given {given} for {named}: give it once for each photo, in their order (the only face of a "
            "photo is face 0)."
        )


def from_catalogues(among: Catalogues, references: Sequence[FaceReference]) -> list[NamedProbe]:
    """Indexed faces. Raises FaceUnknown, and RequestError for one of no catalogue that is open."""
    return [
        NamedProbe(
            each,
            f"face {reference.number} of {reference.catalogue or 'the catalogue'}, {each.details.display}",
            f"face {reference}",
            partial(_indexed_thumbnail, each),
        )
        for reference in dict.fromkeys(references)
        for each in faces_of(among, [reference])
    ]


def from_photos(
    among: Catalogues,
    photos: Sequence[Path],
    picks: Sequence[int],
    min_detection: float,
    *,
    checkpoint: Path | None,
    detector_model: Path | None,
    device: str,
    limits: "Limits",
) -> list[NamedProbe]:
    """The face that is meant in each photo, scored; none of a picture that a catalogue knows to be illegal.

    Imports cv2 and torch. Raises UsageProblem and FacesearchError."""
    from cli.commands.network import face_in_words, new_detector, new_scorer
    from cli.report.thumbnails import Thumbnail
    from facesearch.network.checkpoint import load_checkpoint

    network = load_checkpoint(checkpoint)
    chosen = _chosen(among, photos, picks, min_detection, new_detector(detector_model), limits)
    logits = new_scorer(network, device).score(np.stack([each.face.crop for each in chosen]))
    return [
        NamedProbe(
            PhotoFace(
                row, network.digest, each.sha256, each.face.detection.box, each.face.page, str(each.path.absolute())
            ),
            f"the face {face_in_words(each.face, each.pages)}, in {each.path.absolute()}",
            each.path.name,
            partial(Thumbnail, each.jpeg),
        )
        for each, row in zip(chosen, logits, strict=True)
    ]


def picture(starts: Sequence[NamedProbe]) -> "Picture":
    """What a page shows of them."""
    from cli.report.page import Picture

    return Picture(_mosaic([start.thumbnail() for start in starts]), b"", "", ())


def _mosaic(pictures: "Sequence[Thumbnail]") -> "Thumbnail":
    """One square picture of all of them; those that cannot be shown stay white, unless it is all of them."""
    from PIL import Image

    from cli.report.thumbnails import PIXELS, Thumbnail

    known = [each.jpeg for each in pictures]
    if len(known) == 1 or not any(known):
        return pictures[0]
    across = math.ceil(math.sqrt(len(known)))
    side = max(1, PIXELS // across)
    whole = Image.new("RGB", (side * across, side * across), _BACKGROUND)
    for place, jpeg in enumerate(known):
        if jpeg is not None:
            face = Image.open(BytesIO(jpeg)).resize((side, side), Image.Resampling.LANCZOS)
            whole.paste(face, (place % across * side, place // across * side))
    file = BytesIO()
    whole.save(file, "JPEG", quality=90)
    return Thumbnail(file.getvalue())


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """The face that is meant in a photo, without the photo: of several, only one is in memory at a time."""

    path: Path
    sha256: str
    pages: int
    face: "SeenFace"
    jpeg: bytes


def _chosen(
    among: Catalogues,
    photos: Sequence[Path],
    picks: Sequence[int],
    min_detection: float,
    detector: "Detector",
    limits: "Limits",
) -> list[_Chosen]:
    from cli.commands.network import choices
    from cli.report.thumbnails import cut
    from facesearch.search.probe import WhichFaceError, choose, look

    chosen: list[_Chosen] = []
    lines: list[str] = []
    unclear: WhichFaceError | None = None
    for place, photo in enumerate(photos):
        pick = picks[place] if picks else None
        probe = look(photo, detector, limits, catalogues=among.opened)
        lines += [f"{photo}:"] if len(photos) > 1 else []
        lines += choices(probe)
        for notice in probe.notices:
            say(f"{photo}: {notice}")
        try:
            face = probe.faces[choose(probe, pick, min_detection)]
        except WhichFaceError as error:
            unclear = unclear or error
            continue
        if face.score < min_detection and pick is None:
            say(f"The detector is not sure of any face in {photo}, and this is the best.")
        picture = probe.photo.picture(face.page)
        jpeg = cut(picture.rgb, face.detection.box, face.detection.turned)
        chosen.append(_Chosen(photo, probe.sha256, probe.photo.pages, face, jpeg))
    if unclear is not None:
        each = ("Give --pick once for each photo, in their order:",) if len(photos) > 1 else ()
        raise UsageProblem(str(unclear), (*each, *lines)) from unclear
    return chosen


def _indexed_thumbnail(face: IndexedFace) -> "Thumbnail":
    from cli.report.thumbnails import thumbnails

    return thumbnails([face.details], lambda _: None)[face.details.face]
