"""The paper's independent CNNs: each attribute learns its own three convolutions and three fully connected layers."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facesearch.attributes import NAMES, Attribute
from facesearch.errors import UsageError
from facesearch.network.mcnn import Mcnn, fold
from facesearch.training.datasets import FaceCache, Labels
from facesearch.training.loop import Progress, predict, train
from facesearch.training.recipe import Recipe
from facesearch.vision.crop import INPUT_SIZE


def train_alone(
    attribute: Attribute,
    labels: Labels,
    cache: FaceCache,
    rows: NDArray[np.int64],
    recipe: Recipe,
    folder: Path,
    device: torch.device,
    report: Callable[[Progress], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> NDArray[np.float32]:
    """Train a CNN for one attribute, or go on training it; its logits [N] of the given rows.

    labels: of all attributes. rows: which faces to judge, never of the recipe's roles. folder: of all runs of the
    recipe; each attribute has a folder in it. Raises UsageError, and what `train` raises.
    """
    if not recipe.independent:
        raise UsageError(f"Recipe {recipe.name} trains all attributes together: name one with layout single.")
    alone = dataclasses.replace(labels, labels=labels.labels[:, [attribute.index]])
    net, mean = train(alone, cache, recipe, folder / NAMES[attribute.index], device, report, note)
    assert isinstance(net, Mcnn), "layout single"
    return predict(fold(net).to(device), cache, rows, mean.to(device), INPUT_SIZE, recipe.views)[:, 0]
