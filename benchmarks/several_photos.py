"""What several photos of one person tell that one does not, attribute by attribute.

    python benchmarks/several_photos.py CELEBA --work WORK [--role val test] [--checkpoint FILE] [--csv FILE]

Of each person with twelve photos or more, 1, 2, 4 and 8 are pooled, in eight seeded orders; what is then said is held
against the person's other photos, those after the eighth: whether most of them are labelled with the attribute (a tie
counts for nobody). So no label of a pooled photo is looked at, and all numbers of photos are judged alike. Two ways of
pooling: the mean of the calibrated logits, and the mean of the probabilities. Prints Markdown: means of each role with
the gain of average precision over one photo (95 % of draws over people), then average precision by attribute for the
better way on the first role. Smiles and hats belong to a photo and not to a person: there pooling tells what a person
mostly does.
"""

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scored_faces import ScoredFaces, scored_faces

from facesearch.attributes import NAMES
from facesearch.training.bootstrap import Interval, average_precisions, draw_people, interval
from facesearch.training.datasets import UNKNOWN, Role
from facesearch.training.figures import Figures, measure
from facesearch.training.metrics import mean

Floats = NDArray[np.float64]

COUNTS = (1, 2, 4, 8)
MOST, FEWEST = max(COUNTS), 12
ORDERS = 8
_SEED = 0


def _mean_logit(p: Floats) -> Floats:
    sure = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(1 / (1 + np.exp(-np.log(sure / (1 - sure)).mean(axis=1))), np.float64)


def _mean_probability(p: Floats) -> Floats:
    return np.asarray(p.mean(axis=1), np.float64)


WAYS: dict[str, Callable[[Floats], Floats]] = {
    "mean of logits": _mean_logit,
    "mean of probabilities": _mean_probability,
}
"""From probabilities [N, photos, 40] to those of the person, [N, 40]."""


@dataclass(frozen=True)
class Drawn:
    """rows: int64 [N, MOST], photos to pool; truth: uint8 [N, 40], of the person's other photos; people: int64 [N]."""

    rows: NDArray[np.int64]
    truth: NDArray[np.uint8]
    people: NDArray[np.int64]


@dataclass(frozen=True)
class Pooled:
    """So many photos, pooled in one way. gain: of mean average precision over one photo, with its interval."""

    photos: int
    figures: Figures
    gain: float
    gain_interval: Interval | None


def drawn(faces: ScoredFaces) -> Drawn:
    """ORDERS draws of each person with photos enough."""
    rng = np.random.default_rng(_SEED)
    rows, truth, people = [], [], []
    for person in np.unique(faces.people):
        own = np.flatnonzero(faces.people == person)
        if len(own) < FEWEST:
            continue
        for _ in range(ORDERS):
            order = rng.permutation(own)
            share = faces.labels[order[MOST:]].mean(axis=0)
            rows.append(order[:MOST])
            truth.append(np.where(share == 0.5, UNKNOWN, share > 0.5))
            people.append(person)
    if not rows:
        raise SystemExit(f"No person of this role has {FEWEST} photos.")
    return Drawn(np.array(rows), np.array(truth, np.uint8), np.array(people))


def pooled(faces: ScoredFaces, of: Drawn, way: Callable[[Floats], Floats]) -> list[Pooled]:
    """For each of COUNTS."""
    found: list[Pooled] = []
    weights = draw_people(of.people)
    one, first = 0.0, np.zeros(len(weights))
    for count in COUNTS:
        p = way(faces.probabilities[of.rows[:, :count]])
        figures = measure(p, of.truth, np.ones(len(p), np.bool_))
        draws, value = average_precisions(p, of.truth, weights), mean(figures.average_precision)
        if count == 1:
            one, first = value, draws
        found.append(Pooled(count, figures, value - one, interval(draws - first) if count > 1 else None))
    return found


def markdown(found: dict[tuple[Role, str], list[Pooled]], people: dict[Role, int]) -> str:
    """Means, then each attribute by the way that was better on the first role."""
    lines = [
        "| role | people | pooled by | photos | accuracy | average precision | gained | 95 % | calibration error |",
        "|---" * 9 + "|",
    ]
    for (role, way), counts in found.items():
        for each in counts:
            at = each.gain_interval
            gain = f"{100 * each.gain:+.2f} | {100 * at.low:+.2f} to {100 * at.high:+.2f}" if at else "|"
            f = each.figures
            lines.append(
                f"| {role} | {people[role]:,} | {way} | {each.photos} | {_percent(mean(f.accuracy))} | "
                f"{_percent(mean(f.average_precision))} | {gain} | {mean(f.calibration_error):.4f} |"
            )
    roles = list(people)
    best = max(WAYS, key=lambda way: mean(found[roles[0], way][-1].figures.average_precision))
    for role in roles:
        lines += ["", f"Average precision (accuracy), role {role}, {best}:", ""]
        lines.append("| attribute | have it | " + " | ".join(f"{count} photos" for count in COUNTS) + " | gained |")
        lines.append("|---" * (len(COUNTS) + 3) + "|")
        counts = found[role, best]
        gained = counts[-1].figures.average_precision - counts[0].figures.average_precision
        for a in np.argsort(-np.nan_to_num(gained, nan=-1.0), kind="stable"):
            cells = [
                f"{_percent(each.figures.average_precision[a])} ({_percent(each.figures.accuracy[a])})"
                for each in counts
            ]
            have = _percent(counts[0].figures.positives[a])
            gain = "-" if np.isnan(gained[a]) else f"{100 * gained[a]:+.2f}"
            lines.append(f"| {NAMES[a]} | {have} | {' | '.join(cells)} | {gain} |")
    return "\n".join(lines)


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{100 * value:.2f}"


def write_csv(path: Path, found: dict[tuple[Role, str], list[Pooled]]) -> None:
    """Every figure."""
    from facesearch.training import figures

    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ("role", "way", "photos", "attribute", *figures.COLUMNS))
        table.writeheader()
        for (role, way), counts in found.items():
            for each in counts:
                for row in figures.rows(each.figures, means_over=np.ones(len(NAMES), np.bool_)):
                    table.writerow({"role": role, "way": way, "photos": each.photos, **row})


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--role", type=Role, nargs="+", choices=list(Role), default=[Role.VAL, Role.TEST])
    parser.add_argument("--checkpoint", type=Path, help="instead of the package's")
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args(given)
    found, people, digest = {}, {}, ""
    for role in arguments.role:
        faces = scored_faces(arguments.data, arguments.work, role, arguments.checkpoint)
        digest, of = faces.checkpoint, drawn(faces)
        people[role] = len(np.unique(of.people))
        for way, how in WAYS.items():
            found[role, way] = pooled(faces, of, how)
    print(f"Network {digest}; people with {FEWEST} photos or more, {ORDERS} draws of each.\n")
    print(markdown(found, people))
    if arguments.csv:
        write_csv(arguments.csv, found)


if __name__ == "__main__":
    main()
