"""What a photo costs with one detector and with another: decoding, looking, and scoring all its faces.

The photos are typical ones, of one to three faces of 3 to 30 % of the longer side, as JPEG files of quality 92. All
detectors take turns with each photo, on one thread as in the indexer's workers (the network's too), so that whatever
else the machine does touches them alike. A cost is the CPU seconds of the process, the least of the rounds.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from detection_marks import new_table
from detection_photos import Pool, Stratum, compose, interleaved
from detection_scenery import Scenery
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from facesearch.network.checkpoint import load_checkpoint
from facesearch.network.scorer import Scorer
from facesearch.search.probe import look
from facesearch.vision.detection import Look

MEGAPIXELS = (12, 2)
MARKS = {(Look.DEFAULT, 12): 3.0, (Look.DEFAULT, 2): 1.6, (Look.QUICK, 12): 1.4, (Look.QUICK, 2): 1.4}
PHOTOS = 12
ROUNDS = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Detector:
    """title: of its column. look: whose marks hold for it."""

    title: str
    look: str
    detector: Any


def cost_table(detectors: Sequence[Detector], pool: Pool, scenery: Scenery, seed: int) -> Table:
    """Seconds a photo, and the ratio to the first detector with 95 % of 2,000 draws of the photos."""
    import torch

    torch.set_num_threads(1)
    scorer = Scorer(load_checkpoint(), "cpu")
    table = new_table(f"Cost of a photo: CPU seconds, one thread, {PHOTOS} photos, least of {ROUNDS} rounds")
    table.add_column("")
    for each in detectors:
        table.add_column(each.title)
    for megapixels in MEGAPIXELS:
        costs = _costs(detectors, scorer, pool, scenery, seed, megapixels)
        cells = [_in_words(costs[0], each, costs[n], megapixels, n == 0) for n, each in enumerate(detectors)]
        table.add_row(f"{megapixels} megapixels", *cells)
    return table


def _costs(
    detectors: Sequence[Detector], scorer: Scorer, pool: Pool, scenery: Scenery, seed: int, megapixels: float
) -> Floats:
    """CPU seconds, float64 [detectors, photos]."""
    kind = Stratum("typical", PHOTOS, (0.03, 0.3), (megapixels, megapixels), relative=True, most_faces=3)
    schedule = interleaved([kind])
    costs = np.empty((len(detectors), PHOTOS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        for number in track(range(PHOTOS), f"{megapixels} megapixels", console=Console(stderr=True)):
            rgb = compose(number, schedule, pool, scenery, seed).rgb
            cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
            taken: list[list[float]] = [[] for _ in detectors]
            for turn in range(ROUNDS):
                for n in np.roll(np.arange(len(detectors)), turn).tolist():
                    start = time.process_time()
                    probe = look(path, detectors[n].detector)
                    probe.logits(probe.faces, scorer)
                    taken[n].append(time.process_time() - start)
            costs[:, number] = [min(times) for times in taken]
    return costs


def _in_words(base: Floats, each: Detector, own: Floats, megapixels: int, first: bool) -> str:
    seconds = f"{own.mean():.3f} s"
    if first:
        return seconds
    draws = np.random.default_rng(0).integers(len(own), size=(2000, len(own)))
    ratio = own.sum() / base.sum()
    low, high = np.percentile(own[draws].sum(axis=1) / base[draws].sum(axis=1), (2.5, 97.5))
    mark = MARKS[Look(each.look), megapixels]
    verdict = "met" if ratio <= mark else "missed"
    return f"{seconds}, {ratio:.2f} times ({low:.2f} to {high:.2f}) <= {mark:g}: {verdict}"
