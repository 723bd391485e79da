"""MCNN alone, without AUX and calibration, on the faces of a data set: what benchmarks that choose start from."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facesearch.network.checkpoint import Checkpoint, load_checkpoint
from facesearch.network.views import Views
from facesearch.training.datasets import FaceCache, Labels, cache_folder, open_cache, read_dataset
from facesearch.training.loop import predict
from facesearch.vision.crop import INPUT_SIZE


@dataclass(frozen=True)
class McnnOnFaces:
    """A network, and a data set with its faces."""

    checkpoint: Checkpoint
    labels: Labels
    cache: FaceCache

    def logits(self, rows: NDArray[np.int64], views: Views) -> NDArray[np.float32]:
        """float32 [len(rows), 40]."""
        mcnn, _ = self.checkpoint.network()
        return predict(mcnn, self.cache, rows, torch.from_numpy(self.checkpoint.mean), INPUT_SIZE, views)


def from_command_line(description: str | None, given: Sequence[str] | None) -> McnnOnFaces:
    """CELEBA --work WORK [--checkpoint FILE]; without a checkpoint the network in the package."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("celeba", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, help="instead of the package's")
    arguments = parser.parse_args(given)
    checkpoint, labels = load_checkpoint(arguments.checkpoint), read_dataset(arguments.celeba)
    return McnnOnFaces(checkpoint, labels, open_cache(labels, cache_folder(arguments.work, labels.dataset)))
