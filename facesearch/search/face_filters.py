"""Which faces a search looks at: sure enough detections, large enough, in the right photos, within the given bounds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from db import capture
from db.catalogue import Catalogue
from db.photo_filters import faces_of
from db.snapshot import Gallery
from facesearch.query.photo_filters import printed
from facesearch.query.tree import Threshold
from facesearch.search.hits import Step, sure_mask
from facesearch.search.ranking import scan
from facesearch.search.request import Request

Mask = NDArray[np.bool_]


_EXIF_NAMES = {"date": "DateTimeOriginal", "camera": "Make and Model"}


@dataclass(frozen=True, slots=True, eq=False)
class Filtered:
    """allowed: bool [N], the faces of the gallery that pass every filter. steps: one by one, the detection first.
    remarks: what the user has to know about them."""

    allowed: Mask
    steps: tuple[Step, ...]
    remarks: tuple[str, ...] = ()

    @property
    def faces(self) -> int:
        """How many pass them all."""
        return self.steps[-1].left


def filtered(
    catalogue: Catalogue,
    gallery: Gallery,
    request: Request,
) -> Filtered:
    """The faces that pass the filters of the request: those of its description, and those beside it."""
    masks = _masks(catalogue, gallery, request)
    words, allowed = next(masks)
    left = int(np.count_nonzero(allowed))
    steps = [Step(words, left, len(gallery) - left)]
    for words, mask in masks:
        np.logical_and(allowed, mask, out=allowed)
        left = int(np.count_nonzero(allowed))
        steps.append(Step(words, left, steps[-1].left - left))
    of_photos = request.photo_filters
    remarks = _unread(catalogue) if any(each.asks_exif for each in of_photos) else ()
    if any(each.taken_from or each.taken_to for each in of_photos):
        remarks += _without(catalogue, "date")
    if any(each.camera for each in of_photos):
        remarks += _without(catalogue, "camera")
    return Filtered(allowed, tuple(steps), remarks)


def left_out_by(catalogue: Catalogue, gallery: Gallery, request: Request, row: int) -> tuple[str, ...]:
    """Which filters of the request leave out the face in this row of the gallery, in words."""
    return tuple(words for words, mask in _masks(catalogue, gallery, request) if not mask[row])


def _masks(catalogue: Catalogue, gallery: Gallery, request: Request) -> Iterator[tuple[str, Mask]]:
    """Each filter in words, with the faces that pass it: bool [N]. The detection score comes first."""
    yield f"detection score of {request.min_detection:g} or more", sure_mask(gallery, request.min_detection)
    if request.min_face > 0:
        yield f"--min-face {request.min_face:g}", gallery.sizes >= np.float32(request.min_face)
    for each in request.photo_filters:
        with catalogue.read() as session:
            ids = faces_of(session, each)
        yield " and ".join(printed(each)), np.isin(gallery.face_ids, ids)
    for threshold in request.query.thresholds:
        yield str(threshold), _within([threshold], gallery)


def _without(catalogue: Catalogue, what: Literal["date", "camera"]) -> tuple[str, ...]:
    """How many faces of the catalogue, whatever else they pass, could not pass since their photos do not say it."""
    with catalogue.read() as session:
        number = capture.faces_without(session, what)
    if not number:
        return ()
    are = "1 is in a photo" if number == 1 else f"{number:,} are in photos"
    return (f"Of all faces in the catalogue, {are} without a {what} (EXIF {_EXIF_NAMES[what]}): left out.",)


def _unread(catalogue: Catalogue) -> tuple[str, ...]:
    """That some photos were left out because nobody looked yet when and with what they were taken, where it is so."""
    with catalogue.read() as session:
        photos = capture.unread_count(session)
    if not photos:
        return ()
    were = "1 was" if photos == 1 else f"{photos:,} were"
    return (
        f"Of all photos in the catalogue, {were} indexed before date and camera were read, and left out: run "
        "`facesearch index` on their folder again.",
    )


def _within(thresholds: Sequence[Threshold], gallery: Gallery) -> Mask:
    model = gallery.model
    return scan.within(thresholds, gallery.logits, len(gallery), model.calibration_scale, model.calibration_bias)
