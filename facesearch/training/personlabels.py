"""What a person usually looks like: the mean label of somebody's other pictures, as a part of the target.

Labels such as big lips or an oval face describe the person and not the picture, and annotators disagree about them from
picture to picture: from the other pictures' labels alone, without looking, Big_Lips is told with an average precision
of .92 where a network that looks reaches .55. Which share of the mean a target takes is the recipe's, by attribute.

CelebA's folder may hold `person_means.npz`: arrays `celeba_id` int32 [M] (number of an image), `mean` uint8 [M, 40]
(0 to 255 for 0 to 1), `attributes` [40], made of more pictures of each person than are at hand. Without it, and for
images that it does not name, the means are made of the pictures that are there.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import BY_NAME, NAMES
from facesearch.training.datasets import UNKNOWN, DatasetError, Labels
from facesearch.training.targets import plain_targets

FILE = "person_means.npz"
SHRINK = 2.0
"""Pictures of the overall mean that each person's mean is made with: one other picture says little."""

Floats = NDArray[np.float32]


def with_person_labels(
    labels: Labels, rows: NDArray[np.int64], shares: tuple[tuple[str, float], ...], root: Path
) -> Floats:
    """Labels of the data set, float32 [N, 40], those of `rows` mixed with the person's mean by attribute.

    rows: training faces; nobody else's label is used or changed. root: the data set's folder. Raises DatasetError.
    """
    found = plain_targets(labels.labels)
    if shares:
        share = np.zeros(len(NAMES), np.float32)
        for name, value in shares:
            share[BY_NAME[name].index] = value
        means = person_means(labels, rows)
        if (root / FILE).exists():
            named, better = stored_means(root / FILE, [labels.names[r] for r in rows])
            means[named] = better
        found[rows] = (1 - share) * found[rows] + share * means
    return found


def person_means(labels: Labels, rows: NDArray[np.int64]) -> Floats:
    """Mean label of the same person's other pictures among `rows`, shrunk by SHRINK pictures of the overall mean,
    float32 [len(rows), 40]."""
    known, own = (labels.labels[rows] != UNKNOWN).astype(np.float64), (labels.labels[rows] == 1).astype(np.float64)
    _, person = np.unique(labels.identities[rows], return_inverse=True)
    totals, counts = (np.zeros((person.max() + 1, own.shape[1])) for _ in range(2))
    np.add.at(totals, person, own)
    np.add.at(counts, person, known)
    overall = own.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    means = (totals[person] - own + SHRINK * overall) / (counts[person] - known + SHRINK)
    return np.asarray(means, np.float32)


def stored_means(path: Path, names: list[str]) -> tuple[NDArray[np.bool_], Floats]:
    """Which of these images a file names, bool [len(names)], and their means, float32 [named, 40]. Raises
    DatasetError."""
    try:
        with np.load(path) as held:
            numbers, means, attributes = held["celeba_id"], held["mean"], [str(a) for a in held["attributes"]]
    except (OSError, ValueError, KeyError) as e:
        raise DatasetError(f"{path} does not hold celeba_id, mean and attributes: make it again, or remove it.") from e
    if attributes != list(NAMES) or means.shape != (len(numbers), len(NAMES)) or means.dtype != np.uint8:
        raise DatasetError(f"{path} does not hold a mean of each of the 40 attributes: make it again, or remove it.")
    row_of = {f"{number:06d}": row for row, number in enumerate(numbers.tolist())}
    at = [row_of.get(Path(name).stem, -1) for name in names]
    named = np.array([row >= 0 for row in at], np.bool_)
    return named, np.asarray(means[[row for row in at if row >= 0]] / np.float32(255), np.float32)
