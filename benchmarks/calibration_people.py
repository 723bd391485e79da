"""How many people AUX and calibration need: on people who were neither trained on nor tested.

    python benchmarks/calibration_people.py CELEBA --work WORK [--checkpoint FILE]

The people of `calibrate` and `extra` are parted into five. The network's logits of each part get AUX and calibration
that were fitted on the other four, and on a half and a third of these people; printed are the means over all faces. No
face of role `test` has a part in it, so what ships may be decided by it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from mcnn_on_celeba import from_command_line
from numpy.typing import NDArray

from db.values.scoring_model import calibrate
from facesearch.training.datasets import Role
from facesearch.training.fitting import fit, folds_by_person
from facesearch.training.metrics import accuracy, average_precision, calibration_error, mean

SHARES = {"all": 1, "a half": 2, "a third": 3}


def probabilities_by_share(
    logits: NDArray[np.float32], labels: NDArray[np.uint8], people: NDArray[np.int64], every: int
) -> tuple[NDArray[np.float64], float]:
    """Calibrated probabilities [N, 40], each by what was fitted without the face's part, on one of `every` people of
    the others; and how many people that were on average.
    """
    part = folds_by_person(people)
    found = np.empty(logits.shape)
    numbers = []
    for k in np.unique(part):
        others = np.unique(people[part != k])
        some = np.isin(people, np.random.default_rng(k).permutation(others)[::every])
        fitted = fit(logits[some], labels[some], people[some], np.ones(int(some.sum()), bool))
        with torch.no_grad():
            through = fitted.aux(torch.from_numpy(logits[part == k])).numpy()
        found[part == k] = calibrate(through, fitted.calibration_scale, fitted.calibration_bias)
        numbers.append(len(others[::every]))
    return found, float(np.mean(numbers))


def main(given: Sequence[str] | None = None) -> None:
    faces = from_command_line(__doc__, given)
    rows = faces.labels.of(Role.CALIBRATE, Role.EXTRA)
    logits = faces.logits(rows, faces.checkpoint.views)
    truth, people = faces.labels.labels[rows], faces.labels.identities[rows]
    print(f"checkpoint {faces.checkpoint.digest[:12]}; {len(rows):,} faces of {len(np.unique(people))} people")
    print("| fitted on | people | accuracy | average precision | calibration error |")
    print("|---|---|---|---|---|")
    for share, every in SHARES.items():
        p, number = probabilities_by_share(logits, truth, people, every)
        right, precision = accuracy(p > 0.5, truth), average_precision(p, truth)
        error = mean(calibration_error(p, truth))
        print(f"| {share} | {number:.0f} | {100 * mean(right):.2f} | {100 * mean(precision):.2f} | {error:.4f} |")


if __name__ == "__main__":
    main()
