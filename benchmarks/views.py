"""What it gives to average scores over several views of a face, on role `val`, by which the views were chosen.

    python benchmarks/views.py CELEBA --work WORK [--checkpoint FILE]

MCNN alone, without AUX and calibration, on every third face of `val`: only for a network that was not trained on it.
"""

from collections.abc import Sequence

import numpy as np
from mcnn_on_celeba import from_command_line

from facesearch.network.views import PLAIN, Views
from facesearch.training.datasets import Role
from facesearch.training.metrics import accuracy, average_precision, mean

EVERY = 3
WAYS = {
    "the plain crop": PLAIN,
    "and its mirror image": Views(mirror=True),
    "the plain crop and the nearer one": Views(mirror=False, nearer=True),
    "and their mirror images": Views(mirror=True, nearer=True),
}


def main(given: Sequence[str] | None = None) -> None:
    faces = from_command_line(__doc__, given)
    rows = faces.labels.of(Role.VAL)[::EVERY]
    truth = faces.labels.labels[rows]
    print(f"checkpoint {faces.checkpoint.digest[:12]}; {len(rows):,} faces")
    print("| views | passes | accuracy | average precision | cross-entropy |\n|---|---|---|---|---|")
    for name, views in WAYS.items():
        logits = faces.logits(rows, views)
        right, precision = mean(accuracy(logits > 0, truth)), mean(average_precision(logits, truth))
        loss = float(np.mean(np.logaddexp(0, logits) - logits * truth))
        passes = (1 + views.mirror) * (1 + views.nearer)
        print(f"| {name} | {passes} | {100 * right:.2f} | {100 * precision:.2f} | {loss:.4f} |", flush=True)


if __name__ == "__main__":
    main()
