"""Which faces a search looks at: sure enough detections, large enough, in the right photos, within the given bounds."""

from collections.abc import Sequence
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
    remarks: what the user has to know about them. dropped_by: in words, the filter that the face which was asked about
    does not pass; None where it passes all."""

    allowed: Mask
    steps: tuple[Step, ...]
    remarks: tuple[str, ...] = ()
    dropped_by: str | None = None

    @property
    def faces(self) -> int:
        """How many pass them all."""
        return self.steps[-1].left


def filtered(
    catalogue: Catalogue,
    gallery: Gallery,
    request: Request,
    about: int | None = None,
) -> Filtered:
    """The faces that pass the filters of the request: those of its description, and those beside it. about: a row of
    the gallery, for `dropped_by`."""
    allowed = sure_mask(gallery, request.min_detection)
    left = int(np.count_nonzero(allowed))
    steps = [Step(f"detection score of {request.min_detection:g} or more", left, len(gallery) - left)]
    dropped_by = steps[0].words if about is not None and not allowed[about] else None

    def narrow(mask: Mask, words: str) -> None:
        nonlocal dropped_by
        np.logical_and(allowed, mask, out=allowed)
        if about is not None and dropped_by is None and not allowed[about]:
            dropped_by = words
        left = int(np.count_nonzero(allowed))
        steps.append(Step(words, left, steps[-1].left - left))

    if request.min_face > 0:
        narrow(gallery.sizes >= np.float32(request.min_face), f"--min-face {request.min_face:g}")
    of_photos = request.photo_filters
    for each in of_photos:
        with catalogue.read() as session:
            ids = faces_of(session, each)
        narrow(np.isin(gallery.face_ids, ids), " and ".join(printed(each)))
    for threshold in request.query.thresholds:
        narrow(_within([threshold], gallery), str(threshold))
    remarks = _unread(catalogue) if any(each.asks_exif for each in of_photos) else ()
    if any(each.taken_from or each.taken_to for each in of_photos):
        remarks += _without(catalogue, "date")
    if any(each.camera for each in of_photos):
        remarks += _without(catalogue, "camera")
    return Filtered(allowed, tuple(steps), remarks, dropped_by)


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
