"""What it gives to average scores over several views of a face, on role `val`, by which the views were chosen.

    python benchmarks/views.py CELEBA --work WORK [--checkpoint FILE]

MCNN alone, without AUX and calibration, on every third face of `val`: only for a network that was not trained on it.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from facesearch.crop import INPUT_SIZE
from facesearch.network.checkpoint import load_checkpoint
from facesearch.network.views import PLAIN, Views
from facesearch.training.datasets import Role, cache_folder, open_cache, read_dataset
from facesearch.training.loop import predict
from facesearch.training.metrics import accuracy, average_precision, mean

EVERY = 3
WAYS = {
    "the plain crop": PLAIN,
    "and its mirror image": Views(mirror=True),
    "the plain crop and the nearer one": Views(mirror=False, nearer=True),
    "and their mirror images": Views(mirror=True, nearer=True),
}


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("celeba", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, help="instead of the package's")
    arguments = parser.parse_args(given)
    known = load_checkpoint(arguments.checkpoint)
    labels = read_dataset(arguments.celeba)
    cache = open_cache(labels, cache_folder(arguments.work, labels.dataset))
    rows = labels.of(Role.VAL)[::EVERY]
    truth = labels.labels[rows]
    mcnn, _ = known.network()
    print(f"checkpoint {known.digest[:12]}; {len(rows):,} faces")
    print("| views | passes | accuracy | average precision | cross-entropy |\n|---|---|---|---|---|")
    for name, views in WAYS.items():
        logits = predict(mcnn, cache, rows, torch.from_numpy(known.mean), INPUT_SIZE, views)
        right, precision = mean(accuracy(logits > 0, truth)), mean(average_precision(logits, truth))
        loss = float(np.mean(np.logaddexp(0, logits) - logits * truth))
        passes = (1 + views.mirror) * (1 + views.nearer)
        print(f"| {name} | {passes} | {100 * right:.2f} | {100 * precision:.2f} | {loss:.4f} |", flush=True)


if __name__ == "__main__":
    main()
