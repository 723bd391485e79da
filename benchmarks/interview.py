"""Interviews with simulated witnesses: how soon the sought face is among the first.

    python benchmarks/interview.py CELEBA --work WORK [--sought N] [--error P] [--checkpoint FILE]

Gallery: the faces of role `test`. Each of them is sought once (or the first N of a seeded shuffle); its labels are the
truthful answers, however the network scores it. Witnesses that err have 10 % of them turned round: seeded, and the same
ones for every way of choosing questions. All answers count with the error rate --error, as in `facesearch interview`,
also those of truthful witnesses, since nobody knows which kind is answering. Ways of choosing questions:

- mutual information: the most informative one each time;
- the same, nothing foregone: unless nothing else is left, it does not ask what is as good as known once the answers are
  taken at their word. So does `facesearch interview`, which beside that leaves out what people cannot be relied on for,
  and goes by how long a look lasts (lasting.py): here a witness describes the very photo that is sought;
- fixed, greedy: one order for everybody, decided before any answer: each next question has the largest mean information
  over simulated witnesses who answer as the scores have it;
- fixed, single: by the information of each question alone;
- random: an order for each face.

The table shows the median rank of the sought face after so many questions, with the 95 % interval of 1,000 resamples of
the people (all faces of a person together). Equal weights share their ranks.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scored_faces import ScoredFaces, scored_faces

from facesearch.certainty import certainty_of, error_of
from facesearch.search.interview import ERROR, witnessed
from facesearch.search.ranking.information import information, is_foregone, passed_over

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
INFORMED, OURS = "mutual information", "the same, nothing foregone"
AFTER = (5, 10, 15, 20, 25)
WRONG = 0.1
RESAMPLES = 1000
_AT_A_TIME = 256  # sought faces: their weights over the gallery take some MB


def interviews(
    yes: Floats, answers: NDArray[np.bool_], sought: Ints, orders: Ints | None, holds: Floats | None
) -> NDArray[np.float64]:
    """float64 [S, len(AFTER)]: the rank of each sought face (row of the gallery), from 1.

    yes: [40, N], how likely a witness says yes of each face. answers: bool [N, 40], what the one who saw it says.
    orders: int [N, 40], the questions for each face; [1, 40], for all of them; None: the most informative each time.
    holds: [40, N], how likely each attribute holds of each face, to leave out what is foregone; None: nothing is.
    """
    ranks = np.empty((len(sought), len(AFTER)))
    for start in range(0, len(sought), _AT_A_TIME):
        some = sought[start : start + _AT_A_TIME]
        everyone = np.arange(len(some))
        weights = np.full((len(some), yes.shape[1]), 1 / yes.shape[1], np.float32)
        asked = np.zeros((len(some), len(yes)), np.bool_)
        certain = weights.copy()  # the same if no answer could be wrong
        for number in range(max(AFTER)):
            if orders is None:
                bits = np.where(asked, -np.inf, information(weights, yes))
                if holds is not None:
                    bits = passed_over(bits, is_foregone(certain, holds))
                attributes = bits.argmax(axis=1)
            else:
                attributes = orders[some if len(orders) > 1 else np.zeros_like(some), number]
            asked[everyone, attributes] = True
            said = answers[some, attributes]
            weights *= np.where(said[:, None], yes[attributes], 1 - yes[attributes])
            weights /= weights.sum(axis=1, keepdims=True)
            if holds is not None:
                certain *= np.where(said[:, None], holds[attributes], 1 - holds[attributes])
                certain /= np.maximum(certain.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
            if number + 1 in AFTER:
                own = weights[everyone, some][:, None]
                places = (weights > own).sum(axis=1) + ((weights == own).sum(axis=1) + 1) / 2
                ranks[start : start + len(some), AFTER.index(number + 1)] = places
    return ranks


def greedy_order(yes: Floats) -> Ints:
    """int [1, 40]. The simulated witnesses saw 1,000 faces of the gallery."""
    rng = np.random.default_rng(2)
    sought = rng.permutation(yes.shape[1])[:1000]
    says = rng.random((len(sought), len(yes))) < yes[:, sought].T
    weights = np.full((len(sought), yes.shape[1]), 1 / yes.shape[1], np.float32)
    order: list[int] = []
    while len(order) < len(yes):
        mean = information(weights, yes).mean(axis=0)
        mean[order] = -np.inf
        order.append(int(mean.argmax()))
        chances = yes[order[-1]]
        weights *= np.where(says[:, order[-1], None], chances, 1 - chances)
        weights /= weights.sum(axis=1, keepdims=True)
    return np.array([order])


def ways(yes: Floats) -> dict[str, Ints | None]:
    """The orders of questions, as `interviews` takes them."""
    attributes, faces = yes.shape
    uniform = np.full((1, faces), 1 / faces, np.float32)
    random = np.random.default_rng(1)
    return {
        INFORMED: None,
        OURS: None,
        "fixed, greedy": greedy_order(yes),
        "fixed, single": np.argsort(-information(uniform, yes), kind="stable"),
        "random": np.array([random.permutation(attributes) for _ in range(faces)]),
    }


def report(faces: ScoredFaces, sought: Ints, error: float) -> None:
    error = error_of(certainty_of(error))
    holds = np.ascontiguousarray(faces.probabilities.T, np.float32)
    yes = witnessed(holds, error)
    truthful = faces.labels > 0
    wrong = truthful ^ (np.random.default_rng(0).random(truthful.shape) < WRONG)
    draws = list(resamples(faces.people[sought]))
    orders = ways(yes)
    print(
        f"{len(sought):,} sought among {len(truthful):,} faces, checkpoint {faces.checkpoint}, error rate {error:.2f}\n"
    )
    after = " | ".join(f"after {n}" for n in AFTER)
    print(f"| answers | questions by | {after} |\n|---|---|" + "---|" * len(AFTER))
    gains: list[str] = []
    for kind, answers in (("truthful", truthful), ("10 % wrong", wrong)):
        ranks = {
            name: interviews(yes, answers, sought, each, holds if name == OURS else None)
            for name, each in orders.items()
        }
        medians = {name: np.array([np.median(r[d], axis=0) for d in draws]) for name, r in ranks.items()}
        for name, found in ranks.items():
            print(f"| {kind} | {name} | {_cells(np.median(found, axis=0), medians[name], '.0f')} |")
        ours = np.median(ranks[OURS], axis=0)
        for name in (INFORMED, "fixed, greedy", "fixed, single"):
            ratio = np.median(ranks[name], axis=0) / ours
            gains.append(f"| {kind} | {name} | {_cells(ratio, medians[name] / medians[OURS], '.2f')} |")
    print(f"\nMedian rank by other questions / by {OURS}:\n")
    print(f"| answers | questions by | {after} |\n|---|---|" + "---|" * len(AFTER))
    print("\n".join(gains))


def _cells(values: NDArray[np.float64], drawn: NDArray[np.float64], form: str) -> str:
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return " | ".join(f"{v:{form}} ({a:{form}} to {b:{form}})" for v, a, b in zip(values, low, high, strict=True))


def resamples(people: Ints) -> Iterator[Ints]:
    """Rows of the sought faces, as people are drawn with replacement."""
    rng = np.random.default_rng(3)
    known, at = np.unique(people, return_inverse=True)
    rows = np.split(np.argsort(at, kind="stable"), np.cumsum(np.bincount(at))[:-1])
    for _ in range(RESAMPLES):
        yield np.concatenate([rows[person] for person in rng.integers(0, len(known), len(known))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sought", type=int, help="how many faces are sought (all)")
    parser.add_argument("--error", type=float, default=ERROR)
    parser.add_argument("--checkpoint", type=Path)
    given = parser.parse_args()
    faces = scored_faces(given.data, given.work, checkpoint=given.checkpoint)
    sought = np.sort(np.random.default_rng(4).permutation(len(faces.labels))[: given.sought])
    report(faces, sought, given.error)


if __name__ == "__main__":
    main()
