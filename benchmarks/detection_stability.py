"""How much the scores of one photograph change with the size it is shown in.

Each photograph is scaled so that its face has 100 to 3,000 pixels; the face is found, cut out and scored as by `index`,
and its 40 calibrated probabilities are held against those of the photograph as it is.
The photographs are the sources with the largest faces of each origin. Those have some 100 to 250 pixels, so all larger
ones are enlarged: that shows what the boxes do, not what a camera's finer detail would. The last column takes the
source's own box instead of the detector's: what scaling alone changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from detection_cost import Detector
from detection_marks import new_table
from detection_photos import Source, source_picture
from detection_scenery import Picture, resize
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from db.values.box import Box
from db.values.scoring_model import calibrate
from facesearch.network.checkpoint import Checkpoint, load_checkpoint
from facesearch.network.scorer import Scorer
from facesearch.vision.crop import crop_face
from facesearch.vision.detection import SEARCH_FROM, iou

SIZES = (100, 150, 250, 400, 700, 1000, 1500, 2000, 3000)
MARK = 0.01
MOST_LOST = 0.02
"""Share of the faces that may not be found where the mark is met: what is lost has no change to be counted."""

Floats = NDArray[np.float64]


@dataclass
class _Scored:
    scorer: Scorer
    known: Checkpoint

    def __call__(self, image: Picture, box: Box) -> Floats:
        logits = self.scorer.score(crop_face(image, box)[None])
        p = calibrate(logits, self.known.calibration_scale, self.known.calibration_bias)
        return np.asarray(p[0], np.float64)


def largest(sources: Sequence[Source], photographs: int) -> list[Source]:
    """As many of each origin, those with the largest faces."""
    origins = sorted({s.origin for s in sources})
    each = max(1, photographs // max(1, len(origins)))
    return [s for o in origins for s in sorted((s for s in sources if s.origin == o), key=lambda s: -s.size)[:each]]


def stability_table(detectors: Sequence[Detector], sources: Sequence[Source]) -> Table:
    """Mean absolute change of the probabilities, and how many faces were not found, by size."""
    known = load_checkpoint()
    scored = _Scored(Scorer(known, "cpu"), known)
    changes = np.full((len(detectors) + 1, len(sources), len(SIZES)), np.nan)
    for row, source in enumerate(track(sources, "stability", console=Console(stderr=True))):
        for column, several in enumerate(_of_one(source, detectors, scored)):
            changes[:, row, column] = several
    faces = [s.size for s in sources]
    table = new_table(
        f"Mean absolute change of the 40 probabilities: {len(sources)} photographs, faces of {min(faces):.0f} to "
        f"{max(faces):.0f} pixels (median {np.median(faces):.0f})"
    )
    table.add_column("the face scaled to")
    for title in (*(d.title for d in detectors), "the source's box"):
        table.add_column(title)
    for column, size in enumerate(SIZES):
        table.add_row(f"{size:,} px", *(_in_words(each[:, column]) for each in changes))
    table.add_row("all", *(_in_words(each, MARK if n < len(detectors) else None) for n, each in enumerate(changes)))
    return table


def _of_one(source: Source, detectors: Sequence[Detector], scored: _Scored) -> Iterator[list[float]]:
    """For each size the change by each detector, nan where the face is not found, and by the source's own box."""
    picture, at = source_picture(source.path), Box(*source.box)
    before = [scored(picture, found) if (found := _face(d, picture, at)) else None for d in detectors]
    plain = scored(picture, at)
    for size in SIZES:
        factor = size / source.size
        image = resize(picture, round(picture.shape[1] * factor), round(picture.shape[0] * factor))
        fx, fy = image.shape[1] / picture.shape[1], image.shape[0] / picture.shape[0]
        box = Box(at.x * fx, at.y * fy, at.width * fx, at.height * fy)
        row = []
        for each, was in zip(detectors, before, strict=True):
            found = _face(each, image, box)
            row.append(float(np.abs(scored(image, found) - was).mean()) if found and was is not None else np.nan)
        yield [*row, float(np.abs(scored(image, box) - plain).mean())]


def _face(detector: Detector, image: Picture, at: Box) -> Box | None:
    """The upright box that is searched and lies there."""
    faces = [d for d in detector.detector.detect([image])[0] if d.score >= SEARCH_FROM and d.turned == 0]
    best = max(faces, key=lambda d: iou(d.box, at), default=None)
    return best.box if best and iou(best.box, at) >= 0.5 else None


def _in_words(changes: Floats, mark: float | None = None) -> str:
    """changes: [photographs] or [photographs, sizes], nan where a face was not found."""
    lost = int(np.isnan(changes).sum())
    text = "none" if lost == changes.size else f"{np.nanmean(changes):.4f}"
    if mark is not None and lost < changes.size:
        draws = np.random.default_rng(0).integers(len(changes), size=(2000, len(changes)))
        low, high = np.nanpercentile([np.nanmean(changes[d]) for d in draws], (2.5, 97.5))
        met = np.nanmean(changes) <= mark and lost <= MOST_LOST * changes.size
        text += f" ({low:.4f} to {high:.4f}) <= {mark:g}: {'met' if met else 'missed'}"
    return text + (f", {lost} not found" if lost else "")
