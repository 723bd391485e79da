"""The faces of one role of a data set with their labels, people and scores by the network in the package: what the
retrieval, interview and similarity benchmarks start from.

Scoring 6,205 faces takes a minute or two; the logits are kept in WORK/logits, a file a checkpoint, data set and role.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.values.scoring_model import calibrate
from facesearch.attributes import NAMES
from facesearch.network.checkpoint import load_checkpoint
from facesearch.network.scorer import Scorer
from facesearch.training.datasets import Dataset, Role, cache_folder, open_cache, read_dataset
from facesearch.training.loop import plain_crop
from facesearch.vision.crop import INPUT_SIZE

KEPT_EVERY = 512
"""Faces after which the logits are written: what an interrupted run loses at most."""


@dataclass(frozen=True)
class ScoredFaces:
    """labels: uint8 [N, 40]; people: int64 [N]; logits: float32 [N, 40], after AUX, not calibrated; probabilities:
    float64 [N, 40], calibrated; checkpoint: first twelve digits of its digest."""

    labels: NDArray[np.uint8]
    people: NDArray[np.int64]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float64]
    checkpoint: str


def scored_faces(data: Path, work: Path, role: Role = Role.TEST, checkpoint: Path | None = None) -> ScoredFaces:
    """The faces of a role, scored as `index` scores them.

    data: CelebA or LFWA in its official layout. work: the folder of `facesearch train` and `evaluate` (its face cache
    is used). checkpoint: instead of the package's.
    """
    labels = read_dataset(data)
    known = load_checkpoint(checkpoint)
    rows = labels.of(role)
    of = "" if labels.dataset is Dataset.CELEBA else f"{labels.dataset.lower()}-"
    path = work / "logits" / f"{known.digest[:12]}-{of}{role}-{labels.digest()[:12]}.npy"

    def ready() -> tuple[Scorer, Callable[[int], NDArray[np.uint8]]]:
        cache = open_cache(labels, cache_folder(work, labels.dataset))
        return Scorer(known), lambda row: plain_crop(cache, row, INPUT_SIZE)

    logits = kept_logits(path, rows, ready)
    p = calibrate(logits, known.calibration_scale, known.calibration_bias)
    return ScoredFaces(
        labels.labels[rows], labels.identities[rows], logits, np.asarray(p, np.float64), known.digest[:12]
    )


def kept_logits(
    path: Path, rows: NDArray[np.int64], ready: Callable[[], tuple[Scorer, Callable[[int], NDArray[np.uint8]]]]
) -> NDArray[np.float32]:
    """float32 [len(rows), 40], kept in the file at `path`, where an interrupted run goes on, and one of more rows that
    begin with the same.

    ready: gives the network, and what cuts the crop of a row; called only where something is to be scored.
    """
    logits = np.load(path) if path.exists() else np.empty((0, len(NAMES)), np.float32)
    if len(logits) >= len(rows):
        return logits[: len(rows)]
    scorer, cut = ready()
    path.parent.mkdir(parents=True, exist_ok=True)
    while len(logits) < len(rows):
        some = rows[len(logits) : len(logits) + KEPT_EVERY]
        crops = np.stack([cut(int(row)) for row in some])
        logits = np.concatenate([logits, scorer.score(crops)])
        np.save(path.with_suffix(".new.npy"), logits)
        path.with_suffix(".new.npy").replace(path)
        print(f"\rscoring {len(logits):,} of {len(rows):,} faces", end="", file=sys.stderr)
    print(file=sys.stderr)
    return logits
