"""How long a look lasts: from one photo of a person to another.

    python benchmarks/lasting.py CELEBA

For each attribute P(it holds in one photo | it holds in another of the same person) - P(it holds | it does not there),
over the official training people, each person counted alike however many photos there are. This is `lasting` of
facesearch/search/questions.py, by which questions are chosen.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import NAMES


def lasting(labels: NDArray[np.bool_], people: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64 [A]. labels: bool [N, A]; people: int64 [N], who is in each photo."""
    _, who = np.unique(people, return_inverse=True)
    photos = np.bincount(who)[:, None].astype(np.float64)
    holds = np.stack([np.bincount(who, weights=column) for column in labels.T.astype(np.float64)], axis=1)
    photos, holds = photos[photos[:, 0] > 1], holds[photos[:, 0] > 1]
    weight = 1 / (photos - 1)  # of a pair: those of a person together weigh as much as the photos
    if_it_does = (weight * holds * (holds - 1)).sum(0) / (weight * holds * (photos - 1)).sum(0)
    if_not = (weight * (photos - holds) * holds).sum(0) / (weight * (photos - holds) * (photos - 1)).sum(0)
    found: NDArray[np.float64] = if_it_does - if_not
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("celeba", type=Path)
    folder = parser.parse_args().celeba
    lines = (folder / "list_attr_celeba.txt").read_text().splitlines()
    order = [lines[1].split().index(name) for name in NAMES]
    pairs = [line.split()[:2] for line in (folder / "list_eval_partition.txt").read_text().splitlines()]
    training = {name for name, part in pairs if part == "0"}
    people = dict(line.split()[:2] for line in (folder / "identity_CelebA.txt").read_text().splitlines())
    rows = [row for row in (line.split() for line in lines[2:]) if row[0] in training and row[0] in people]
    labels = np.array([[row[1 + at] == "1" for at in order] for row in rows])
    found = lasting(labels, np.array([int(people[row[0]]) for row in rows]))
    for at in np.argsort(-found):
        print(f"{NAMES[at]:20} {found[at]:.2f}")


if __name__ == "__main__":
    main()
