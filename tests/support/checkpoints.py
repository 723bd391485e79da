"""Checkpoints without training: what a seeded network sees means nothing, and is the same on every run."""

from pathlib import Path

import numpy as np
import torch

from facesearch.network.checkpoint import save_checkpoint
from facesearch.network.mcnn import Aux, Mcnn, Normalisation

TERMS = "Random weights, for tests only."


def random_checkpoint(path: Path, seed: int = 0, normalisation: Normalisation = Normalisation.FOLDED) -> Path:
    """A valid checkpoint, by default of the product's own form (folded), in some seconds less than training takes."""
    torch.manual_seed(seed)
    small = {
        "mean": np.full(3, 127.0, np.float32),
        "calibration.scale": np.full(40, 40.0, np.float32),  # untrained logits are small: let the faces differ visibly
        "calibration.bias": np.zeros(40, np.float32),
        "profile.mean": np.zeros(40, np.float32),
        "profile.matrix": np.eye(40, dtype=np.float32),
    }
    about = {"mirror": True, "recipe": "none", "data": "no data", "terms": TERMS, "version": "0"}
    save_checkpoint(path, Mcnn(normalisation=normalisation), Aux(), small, about)
    return path
