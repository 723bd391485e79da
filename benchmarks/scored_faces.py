"""The faces of one role of a data set with their labels, people and scores by the network in the package: what the
retrieval, interview and similarity benchmarks start from.

Scoring 6,205 faces takes a minute or two; the logits are kept in WORK/logits, a file a checkpoint and role.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesearch.crop import INPUT_SIZE
from facesearch.network.calibration import probabilities
from facesearch.network.checkpoint import load_checkpoint
from facesearch.network.scorer import BATCH, Scorer
from facesearch.training.datasets import Labels, Role, cache_folder, open_cache, read_dataset
from facesearch.training.loop import plain_crop


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
    path = work / "logits" / f"{known.digest[:12]}-{role}.npy"
    if path.exists() and len(kept := np.load(path)) == len(rows):
        logits = kept
    else:
        logits = _score(Scorer(known), labels, cache_folder(work, labels.dataset), rows)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, logits)
    p = probabilities(logits, known.calibration_scale, known.calibration_bias)
    return ScoredFaces(
        labels.labels[rows], labels.identities[rows], logits, np.asarray(p, np.float64), known.digest[:12]
    )


def _score(scorer: Scorer, labels: Labels, folder: Path, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    cache = open_cache(labels, folder)
    found = []
    for start in range(0, len(rows), BATCH):
        crops = np.stack([plain_crop(cache, int(r), INPUT_SIZE) for r in rows[start : start + BATCH]])
        found.append(scorer.score(crops))
        print(f"\rscoring {min(start + BATCH, len(rows)):,} of {len(rows):,} faces", end="", file=sys.stderr)
    print(file=sys.stderr)
    return np.concatenate(found)
