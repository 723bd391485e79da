"""Which faces a search looks at: sure enough detections, large enough, in the right photos, within the given bounds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from db import capture
from db.catalogue import Catalogue
from db.photo_filters import faces_of
from db.snapshot import Gallery
from facesearch.errors import Notice
from facesearch.query.photo_filters import printed
from facesearch.query.tree import Threshold
from facesearch.search.hits import FilterStep, sure_mask
from facesearch.search.ranking import scan
from facesearch.search.request import Request

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class FilterResult:
    """allowed: bool [N], the faces of the gallery that pass every filter. steps: one by one, the detection first.
    notices: what the user has to know about them."""

    allowed: Mask
    steps: tuple[FilterStep, ...]
    notices: tuple[Notice, ...] = ()

    @property
    def faces(self) -> int:
        """How many pass them all."""
        return self.steps[-1].left


def filtered(
    catalogue: Catalogue,
    gallery: Gallery,
    request: Request,
) -> FilterResult:
    """The faces that pass the filters of the request: those of its description, and those beside it."""
    masks = _masks(catalogue, gallery, request)
    first, allowed = next(masks)
    left = int(np.count_nonzero(allowed))
    steps = [replace(first, left=left, left_out=len(gallery) - left)]
    for step, mask in masks:
        np.logical_and(allowed, mask, out=allowed)
        left = int(np.count_nonzero(allowed))
        steps.append(replace(step, left=left, left_out=steps[-1].left - left))
    of_photos = request.photo_filters
    notices = _unread(catalogue) if any(each.asks_exif for each in of_photos) else ()
    if any(each.taken_from or each.taken_to for each in of_photos):
        notices += _without(catalogue, "date")
    if any(each.camera for each in of_photos):
        notices += _without(catalogue, "camera")
    return FilterResult(allowed, tuple(steps), notices)


def left_out_by(catalogue: Catalogue, gallery: Gallery, request: Request, row: int) -> tuple[str, ...]:
    """Which filters of the request leave out the face in this row of the gallery, in words."""
    return tuple(step.words for step, mask in _masks(catalogue, gallery, request) if not mask[row])


def _masks(catalogue: Catalogue, gallery: Gallery, request: Request) -> Iterator[tuple[FilterStep, Mask]]:
    """Each filter, with the faces that pass it: bool [N]. The detection score comes first; nothing is counted yet."""
    least = request.min_detection
    detection = FilterStep(f"detection score of {least:g} or more", 0, 0, "detection score", {"least": least})
    yield detection, sure_mask(gallery, least)
    if request.min_face > 0:
        size = request.min_face
        step = FilterStep(f"face size of {size:g} or more", 0, 0, "face size", {"least": size})
        yield step, gallery.sizes >= np.float32(size)
    for each in request.photo_filters:
        with catalogue.read() as session:
            ids = faces_of(session, each)
        words = " and ".join(printed(each))
        yield FilterStep(words, 0, 0, "photo", {"filter": words}), np.isin(gallery.face_ids, ids)
    for threshold in request.query.thresholds:
        bound = str(threshold)
        yield FilterStep(bound, 0, 0, "bound", {"bound": bound}), _within([threshold], gallery)


def _without(catalogue: Catalogue, what: Literal["date", "camera"]) -> tuple[Notice, ...]:
    """How many faces of the catalogue, whatever else they pass, could not pass since their photos do not say it."""
    with catalogue.read() as session:
        number = capture.faces_without(session, what)
    return (Notice("not in EXIF", {"what": what, "faces": number}),) if number else ()


def _unread(catalogue: Catalogue) -> tuple[Notice, ...]:
    """That some photos were left out because nobody looked yet when and with what they were taken, where it is so."""
    with catalogue.read() as session:
        photos = capture.unread_count(session)
    return (Notice("EXIF not read", {"photos": photos}),) if photos else ()


def _within(thresholds: Sequence[Threshold], gallery: Gallery) -> Mask:
    model = gallery.model
    return scan.within(thresholds, gallery.logits, len(gallery), model.calibration_scale, model.calibration_bias)
