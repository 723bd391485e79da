"""Descriptions of one, two and three words over labelled faces: how well each way of scoring ranks those that fit.

    python benchmarks/retrieval.py CELEBA --work WORK [--plot counts.svg] [--role val]
    python benchmarks/retrieval.py CELEBA --work WORK --only-order [--queries N]
    python benchmarks/retrieval.py LFWA --work WORK --checkpoint lfwa.safetensors

Faces: role `test` of the data set, or --role. Queries: every single attribute, wanted and denied, and for two and for
three attributes 250 drawn without and 250 drawn with at least one NOT (seeded), each with ten faces or more that fit.
Three ways of scoring:

- counted decisions: how many of the words the network says yes to (ties share what falls to them);
- raw product: of the sigmoids of the logits;
- calibrated product: what `facesearch search` computes, by the same function.

Average precision, NDCG and precision of the first 20, and area under the ROC curve are means over queries. Intervals
are 95 % of 200 draws of the people (all faces of a person together), the same draws for every way of scoring.
A second table compares the order of the scores with two that reckon with a witness who errs
(facesearch/search/ranking/witness.py), over all faces and over those with a score below .1 alone, as `search` does.
Its descriptions are these and 250 each of four and five words that fit a drawn face; what fits is told by the labels,
and 0, 10 or 20 % of the words (seeded) are turned round before they are searched. --role val chooses, test reports.

The plot shows for every query how many faces are expected to fit (the sum of the calibrated scores) and how many do.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scored_faces import ScoredFaces, scored_faces

from facesearch.query.tree import Node, Term, all_of
from facesearch.search.hits import LIKELY_FROM
from facesearch.search.ranking.joint import joint_probability
from facesearch.search.ranking.witness import doubted, shipped_errors
from facesearch.training.bootstrap import draw_people, interval
from facesearch.training.datasets import Role
from facesearch.training.metrics import average_precision, weighted_average_precision

Floats = NDArray[np.float64]
Words = tuple[tuple[int, bool], ...]
"""A query: attribute index and whether it is wanted, for every word."""

SMALLEST = 10
DRAWN = 250
FIRST = 20
DRAWS = 200
WRONG = (0.0, 0.1, 0.2)


@dataclass(frozen=True)
class Way:
    """One way of scoring: words to a score for every face."""

    name: str
    score: Callable[[Words], Floats]


def queries(labels: NDArray[np.uint8]) -> dict[int, list[Words]]:
    """By number of words; the same for the same labels."""
    rng = np.random.default_rng(0)
    attributes = labels.shape[1]

    def enough(words: Words) -> bool:
        return int(fits(labels, words).sum()) >= SMALLEST

    def drawn(words: int, denied: bool) -> list[Words]:
        found: dict[Words, None] = {}
        while len(found) < DRAWN:
            chosen = sorted(rng.choice(attributes, words, replace=False).tolist())
            signs = rng.random(words) < 0.5 if denied else np.ones(words, bool)
            if denied and signs.all():
                continue
            query = tuple(zip(chosen, signs.tolist(), strict=True))
            if enough(query):
                found[query] = None
        return list(found)

    single: list[Words] = [((a, wanted),) for wanted in (True, False) for a in range(attributes)]
    return {1: [q for q in single if enough(q)]} | {n: drawn(n, False) + drawn(n, True) for n in (2, 3)}


def fits(labels: NDArray[np.uint8], words: Words) -> NDArray[np.bool_]:
    """bool [N]: which faces' labels fit."""
    fit: NDArray[np.bool_] = np.logical_and.reduce([(labels[:, a] > 0) == wanted for a, wanted in words])
    return fit


def ways(faces: ScoredFaces) -> list[Way]:
    """The three, the shipped one last."""
    raw = 1 / (1 + np.exp(-faces.logits.astype(np.float64)))
    calibrated = faces.probabilities

    def decisions(words: Words) -> Floats:
        return np.asarray(np.sum([(calibrated[:, a] > 0.5) == wanted for a, wanted in words], axis=0), np.float64)

    def product(words: Words) -> Floats:
        return np.asarray(np.prod([raw[:, a] if wanted else 1 - raw[:, a] for a, wanted in words], axis=0))

    def shipped(words: Words) -> Floats:
        tree = all_of(Term(a, wanted) for a, wanted in words)
        return joint_probability(tree, lambda a: calibrated[:, a], len(calibrated))

    return [Way("counted decisions", decisions), Way("raw product", product), Way("calibrated product", shipped)]


@dataclass(frozen=True)
class Ranking:
    """Faces of one query, best first, with equal scores sharing what falls to them.

    order: int [N] rows. true: float [N], by rank, the share of fitting faces in the run of equal scores. first, last:
    int [N], by rank, the first and the last rank of that run, from 0.
    """

    order: NDArray[np.int64]
    true: Floats
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @classmethod
    def of(cls, scores: Floats, fit: NDArray[np.bool_]) -> "Ranking":
        order = np.argsort(-scores, kind="stable")
        s = scores[order]
        starts = np.append(True, s[1:] != s[:-1])
        run = np.cumsum(starts) - 1
        sizes = np.bincount(run)
        shares = np.bincount(run, fit[order]) / sizes
        last = np.cumsum(sizes) - 1
        return cls(order, shares[run], (last - sizes + 1)[run], last[run])

    def precision(self) -> float:
        return float(self.true[:FIRST].mean())

    def ndcg(self) -> float:
        discount = 1 / np.log2(np.arange(2, FIRST + 2))
        ideal = discount[: round(float(self.true.sum()))].sum()
        return float((self.true[:FIRST] * discount).sum() / ideal)

    def auc(self) -> float:
        """Share of pairs (one that fits, one that does not) in the right order, equal scores half."""
        fit, n = self.true.sum(), len(self.true)
        behind = ((n - 1 - (self.first + self.last) / 2) * self.true).sum()  # of each that fits, fitting ones included
        return float((behind - fit * (fit - 1) / 2) / (fit * (n - fit)))


def report(faces: ScoredFaces, plot: Path | None) -> None:
    by_words = queries(faces.labels)
    weights = draw_people(faces.people, DRAWS)
    print(f"{len(faces.labels):,} faces of {len(np.unique(faces.people)):,} people, checkpoint {faces.checkpoint}\n")
    columns = ("words", "queries", "scored by", "average precision", "NDCG@20", "precision@20", "AUC")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    differences: list[str] = []
    for words, asked in by_words.items():
        fit = [fits(faces.labels, q) for q in asked]
        precise: dict[str, Floats] = {}
        drawn: dict[str, Floats] = {}
        for way in ways(faces):
            scores = [way.score(q) for q in asked]
            ranked = [Ranking.of(s, f) for s, f in zip(scores, fit, strict=True)]
            precise[way.name] = np.array(
                [
                    average_precision(s[:, None], f[:, None].astype(np.uint8))[0]
                    for s, f in zip(scores, fit, strict=True)
                ]
            )
            each = [
                weighted_average_precision(s, f.astype(np.uint8), weights) for s, f in zip(scores, fit, strict=True)
            ]
            drawn[way.name] = np.nanmean(each, axis=0)
            low, high = _percent(drawn[way.name])
            others = (np.mean([m(r) for r in ranked]) for m in (Ranking.ndcg, Ranking.precision, Ranking.auc))
            cells = " | ".join(f"{100 * v:.1f}" for v in others)
            mean = 100 * precise[way.name].mean()
            print(f"| {words} | {len(asked)} | {way.name} | {mean:.1f} ({low:.1f} to {high:.1f}) | {cells} |")
        shipped = drawn["calibrated product"]
        for name in ("counted decisions", "raw product"):
            low, high = _percent(shipped - drawn[name])
            gain = 100 * (precise["calibrated product"] - precise[name]).mean()
            differences.append(f"| {words} | {name} | {gain:+.2f} ({low:+.2f} to {high:+.2f}) |")
    print("\nCalibrated product against the others, average precision:\n\n| words | against | gain |\n|---|---|---|")
    print("\n".join(differences))
    counts(faces, by_words, plot)


def described(labels: NDArray[np.uint8], words: int, count: int) -> list[Words]:
    """Descriptions that fit a drawn face, of what it has and, for the smaller half, of what it has not; seeded."""
    rng = np.random.default_rng(1)
    found: dict[Words, None] = {}
    while len(found) < count:
        row = labels[rng.integers(len(labels))] > 0
        has = rng.permutation(np.flatnonzero(row))[: -(-words // 2)]
        lacks = rng.permutation(np.flatnonzero(~row))[: words - len(has)]
        query = tuple((int(a), bool(row[a])) for a in sorted((*has, *lacks)))
        if len(query) == words and fits(labels, query).sum() >= SMALLEST:
            found[query] = None
    return list(found)


def orders(faces: ScoredFaces, most: int) -> None:
    """The order of the scores beside those that reckon with a witness who errs. most: descriptions a row."""
    calibrated = faces.probabilities
    errors = shipped_errors()

    def score(tree: Node) -> Floats:
        return joint_probability(tree, lambda a: calibrated[:, a], len(calibrated))

    def everywhere(tree: Node) -> Floats:
        return score(doubted(tree, errors))

    def below(tree: Node) -> Floats:
        known = score(tree)
        return np.where(known >= LIKELY_FROM, 1 + known, everywhere(tree))

    by_words = {n: asked for n, asked in queries(faces.labels).items() if n > 1}
    by_words |= {words: described(faces.labels, words, DRAWN) for words in (4, 5)}
    weights = np.concatenate([np.ones((1, len(faces.people)), np.float32), draw_people(faces.people, DRAWS)])
    print("| words | queries | wrong | by score | all by a witness | gain | below .1 by a witness | gain |")
    print("|---|---|---|---|---|---|---|---|")
    for words, every in by_words.items():
        asked = every[:: max(1, len(every) // most)][:most]
        for wrong in WRONG:
            turned = np.random.default_rng(2).random((len(asked), words)) < wrong
            precise: list[Floats] = []
            for query, turn in zip(asked, turned, strict=True):
                fit = fits(faces.labels, query).astype(np.uint8)
                tree = all_of(Term(a, wanted is not bool(t)) for (a, wanted), t in zip(query, turn, strict=True))
                each = [weighted_average_precision(way(tree), fit, weights) for way in (score, everywhere, below)]
                precise.append(np.stack(each))
            mean = 100 * np.nanmean(precise, axis=0)
            cells = [f"{mean[0, 0]:.1f}"]
            for way in (1, 2):
                low, high = np.quantile(mean[way, 1:] - mean[0, 1:], [0.025, 0.975])
                cells += [f"{mean[way, 0]:.1f}", f"{mean[way, 0] - mean[0, 0]:+.2f} ({low:+.2f} to {high:+.2f})"]
            print(f"| {words} | {len(asked)} | {100 * wrong:.0f} % | {' | '.join(cells)} |", flush=True)


def _percent(draws: Floats) -> tuple[float, float]:
    found = interval(draws)
    assert found is not None
    return 100 * found.low, 100 * found.high


def counts(faces: ScoredFaces, by_words: dict[int, list[Words]], plot: Path | None) -> None:
    """Expected against true counts: a line a number of words, and the plot."""
    score = ways(faces)[-1].score
    print(
        "\n| words | queries | expected / true, all together | within a factor of 1.5 | of 2 |\n|---|---|---|---|---|"
    )
    points: list[tuple[int, float, float]] = []
    for words, asked in by_words.items():
        expected = np.array([score(q).sum() for q in asked])
        true = np.array([fits(faces.labels, q).sum() for q in asked], np.float64)
        ratio = np.maximum(expected / true, true / expected)
        shares = " | ".join(f"{100 * (ratio <= limit).mean():.0f} %" for limit in (1.5, 2.0))
        print(f"| {words} | {len(asked)} | {expected.sum() / true.sum():.2f} | {shares} |")
        points += [(words, t, e) for t, e in zip(true, expected, strict=True)]
    if plot:
        plot.write_text(_svg(points))


def _svg(points: list[tuple[int, float, float]]) -> str:
    """Both axes logarithmic; one colour a number of words; the diagonal is a perfectly calibrated joint score."""
    size, margin = 520, 60
    top = np.log10(max(max(t, e) for _, t, e in points)) * 1.02
    side = size - 2 * margin

    def x(v: float) -> float:
        return margin + float(np.log10(max(v, 1)) / top) * side

    def y(v: float) -> float:
        return size - x(v)

    colours = {1: "#1b6ca8", 2: "#c8553d", 3: "#5b8c5a"}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" font-family="sans-serif" font-size="12">',
        f'<rect width="{size}" height="{size}" fill="white"/>',
        f'<line x1="{x(1):.1f}" y1="{y(1):.1f}" x2="{size - margin}" y2="{margin}" stroke="#999"/>',
    ]
    for power in range(int(top) + 1):
        v = 10.0**power
        parts.append(f'<line x1="{x(v):.1f}" y1="{y(1):.1f}" x2="{x(v):.1f}" y2="{margin}" stroke="#eee"/>')
        parts.append(f'<line x1="{x(1):.1f}" y1="{y(v):.1f}" x2="{size - margin}" y2="{y(v):.1f}" stroke="#eee"/>')
        parts.append(f'<text x="{x(v):.1f}" y="{size - margin + 18}" text-anchor="middle">{v:,.0f}</text>')
        parts.append(f'<text x="{margin - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{v:,.0f}</text>')
    parts += [
        f'<circle cx="{x(t):.1f}" cy="{y(e):.1f}" r="2.2" fill="{colours[n]}" fill-opacity=".45"/>'
        for n, t, e in points
    ]
    for i, (n, colour) in enumerate(colours.items()):
        parts.append(f'<circle cx="{margin + 14}" cy="{margin + 12 + 18 * i}" r="4" fill="{colour}"/>')
        label = f"{n} word{'s' if n > 1 else ''}"
        parts.append(f'<text x="{margin + 24}" y="{margin + 16 + 18 * i}">{label}</text>')
    parts.append(f'<text x="{size / 2}" y="{size - 14}" text-anchor="middle">faces that fit by their labels</text>')
    parts.append(
        f'<text x="16" y="{size / 2}" text-anchor="middle" transform="rotate(-90 16 {size / 2})">'
        "faces expected to fit</text></svg>"
    )
    return "\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--role", type=Role, default=Role.TEST)
    parser.add_argument("--only-order", action="store_true", help="only the table of orders")
    parser.add_argument("--queries", type=int, default=2 * DRAWN, help="most descriptions a row of that table")
    given = parser.parse_args()
    faces = scored_faces(given.data, given.work, given.role, checkpoint=given.checkpoint)
    if not given.only_order:
        report(faces, given.plot)
        print()
    orders(faces, given.queries)


if __name__ == "__main__":
    main()
