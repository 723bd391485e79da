"""Soft labels: what the network that a run starts from says about each training face.

Labels of one annotator are noisy, and a network that has learnt from all of them knows better than many: a share of its
probabilities mixed into the labels (Reed et al., "Training deep neural networks on noisy labels with bootstrapping",
ICLR 2015 workshop; Furlanello et al., "Born-again neural networks", ICML 2018) teaches what is sure and spares what is
not.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facesearch.attributes import NAMES
from facesearch.network.checkpoint import Checkpoint
from facesearch.training.datasets import FaceCache
from facesearch.training.loop import predict
from facesearch.training.row_cache import cached_rows
from facesearch.vision.crop import INPUT_SIZE


def soft_labels(
    start: Checkpoint,
    cache: FaceCache,
    rows: NDArray[np.int64],
    folder: Path,
    device: torch.device,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Probabilities of MCNN alone, float32 [faces of the cache, 40], on the views that the checkpoint wants;
    zeros in rows that were not asked for.

    AUX and calibration are left out: they are fitted on other people, whose labels follow other habits. Kept in
    `folder`; interrupted at any moment, a second call goes on. progress: called with (done, in all).
    """
    mcnn, _ = start.network()
    mcnn, mean = mcnn.to(device), torch.from_numpy(start.mean).to(device)

    def probabilities(chunks: Iterable[NDArray[np.int64]]) -> Iterator[NDArray[np.float32]]:
        for chunk in chunks:
            logits = predict(mcnn, cache, chunk, mean, INPUT_SIZE, start.views)
            yield torch.sigmoid(torch.from_numpy(logits)).numpy()

    path = folder / f"soft-{start.digest[:12]}.bin"
    return cached_rows(path, (len(cache.records), len(NAMES)), rows, probabilities, progress)
