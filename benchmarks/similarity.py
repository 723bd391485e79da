"""Whether the nearest profile is the same person's: identity retrieval with the metric in use and with others.

    python benchmarks/similarity.py CELEBA LFWA --work WORK [--checkpoint FILE]

Every face is once the probe and all others are ranked (leave-one-out): recall@1 and recall@10 (is one of the person's
other photos among the first), and mean average precision, over the faces whose person has another photo. In percent,
with 95 % of 500 resamples of the people.

1. *Choice*: on the CelebA people of roles `calibrate` and `extra`, whom the network must not have been trained on.
   Metrics are fitted on four fifths of the people and tried on the last, five times. Shipped defaults are chosen here.
2. *Report*: fitted on all of these people, and tried on the CelebA people of role `test` and on the people with five or
   more photos among LFWA's last 6,880.
3. *Several photos* of a person as one probe: the mean of logits (in use), the mean of unit profiles, the best cosine.
   People with five or more photos; the first one to four, in a random order, are probes, all after the fourth count.
4. *Changes in words*: a face without an attribute, changed to have it, must find the photos of the same person with it
   (those without it aside), and the other way round: unchanged, with the attribute alone set to its mean, and with the
   others following (in use). Means over attributes and directions with 20 probes or more, of which at most 100 count.

3 and 4 stand first for the people of the choice, with the metric of 2, and then for the others.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scored_faces import ScoredFaces, scored_faces

from db.values.scoring_model import ScoringModel, calibrate
from facesearch.network.checkpoint import load_checkpoint
from facesearch.search.changes import Changes
from facesearch.search.ranking.profiles import PROFILE_MEANS, attribute_means, combined, encode
from facesearch.training.bootstrap import draw_people, interval
from facesearch.training.datasets import Role, read_dataset
from facesearch.training.fitting import SHRINK, WEIGHT_POWER, fit_means, fit_profile, folds_by_person
from facesearch.training.provenance import learnt_roles

Floats = NDArray[np.float64]
Logits = NDArray[np.float32]
People = NDArray[np.int64]

MEASURES = ("recall@1", "recall@10", "mean average precision")
WHITENED = "whitened within people, cosine"
CHOSEN_ON = (Role.CALIBRATE, Role.EXTRA)
LFWA_PHOTOS = 5
SEVERAL = 4
ORDERS = 3
FEWEST, MOST = 20, 100
_ROLES = f"roles {' and '.join(CHOSEN_ON)}"
_BLOCK = 512


@dataclass(frozen=True)
class Faces:
    """logits: [N, 40]; labels: uint8 [N, 40]; people: [N]."""

    logits: Logits
    labels: NDArray[np.uint8]
    people: People

    def of(self, rows: NDArray[np.bool_]) -> "Faces":
        return Faces(self.logits[rows], self.labels[rows], self.people[rows])


@dataclass(frozen=True)
class Metric:
    """name; fit: from faces to what turns logits into vectors [N, d]; cosine: how these are compared, else by L2."""

    name: str
    fit: Callable[[Faces], Callable[[Logits], Floats]]
    cosine: bool = True


@dataclass(frozen=True)
class Found:
    """values: [P, 3] of MEASURES for each probe; people: whose photo each probe is."""

    values: Floats
    people: People

    @classmethod
    def joined(cls, parts: Sequence["Found"]) -> "Found":
        return cls(np.concatenate([p.values for p in parts]), np.concatenate([p.people for p in parts]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("celeba", type=Path)
    parser.add_argument("lfwa", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    given = parser.parse_args()
    checkpoint = load_checkpoint(given.checkpoint)
    if seen := set(CHOSEN_ON) & set(learnt_roles(checkpoint, read_dataset(given.celeba))):
        raise SystemExit(f"The network was trained on role {min(seen)}: a metric cannot be chosen there.")
    model = checkpoint.scoring_model()

    def celeba(*roles: Role) -> Faces:
        return _faces(*(scored_faces(given.celeba, given.work, role, given.checkpoint) for role in roles))

    held_out, test = celeba(*CHOSEN_ON), celeba(Role.TEST)
    lfwa = _with_photos(_faces(scored_faces(given.lfwa, given.work, Role.TEST, given.checkpoint)), LFWA_PHOTOS)
    print(f"Model {model.short}.\n")
    _choice(held_out, model)
    _report("CelebA, role test", held_out, test, model)
    _report(f"LFWA, last 6,880 photos, people with {LFWA_PHOTOS} or more", held_out, lfwa, model)
    fitted = _fitted(held_out, model)
    chosen_on = f"CelebA, {_ROLES}"
    for title, faces in ((chosen_on, held_out), ("CelebA, role test", test), ("LFWA", lfwa)):
        _several_photos(title, faces, fitted)
    for title, faces in ((chosen_on, held_out), ("CelebA, role test", test)):
        _changes(title, faces, fitted)


def _faces(*scored: ScoredFaces) -> Faces:
    return Faces(
        np.concatenate([s.logits for s in scored]),
        np.concatenate([s.labels for s in scored]),
        np.concatenate([s.people for s in scored]),
    )


def _with_photos(faces: Faces, least: int) -> Faces:
    _, at, counts = np.unique(faces.people, return_inverse=True, return_counts=True)
    return faces.of(counts[at] >= least)


# ---- metrics ------------------------------------------------------------------------------------------------------


def _metrics(model: ScoringModel) -> list[Metric]:
    """What is compared in the report; last what `facesearch train` fits."""
    return [
        Metric("probabilities, L2", lambda _: lambda x: _calibrated(x, model), cosine=False),
        Metric("logits, L2", lambda _: lambda x: x.astype(np.float64), cosine=False),
        Metric("z-scored logits, L2", _z_scores, cosine=False),
        Metric("whitened within people, L2", _profile(0.0), cosine=False),
        Metric(WHITENED, _profile(0.0)),
        Metric("whitened and weighed between people, cosine (ours)", _profile(WEIGHT_POWER)),
    ]


def _calibrated(logits: Logits, model: ScoringModel) -> Floats:
    return calibrate(logits, model.calibration_scale, model.calibration_bias)


def _z_scores(faces: Faces) -> Callable[[Logits], Floats]:
    mean, deviation = faces.logits.mean(axis=0), faces.logits.std(axis=0)
    return lambda x: ((x - mean) / deviation).astype(np.float64)


def _profile(power: float, shrink: float = SHRINK) -> Callable[[Faces], Callable[[Logits], Floats]]:
    def fit(faces: Faces) -> Callable[[Logits], Floats]:
        mean, matrix = fit_profile(faces.logits, faces.people, power, shrink)
        return lambda x: ((x - mean) @ matrix).astype(np.float64)

    return fit


def _fitted(faces: Faces, model: ScoringModel) -> ScoringModel:
    """The model with the metric and the means fitted to these faces, by the same method as `facesearch train`."""
    mean, matrix = fit_profile(faces.logits, faces.people)
    means = fit_means(faces.logits, faces.labels).metadata()
    metadata = {**model.metadata, PROFILE_MEANS: means}
    return replace(model, profile_mean=mean, profile_matrix=matrix, metadata=metadata)


# ---- identity retrieval -------------------------------------------------------------------------------------------


def leave_one_out(vectors: Floats, people: People, cosine: bool) -> Found:
    """Every face whose person has another one as the probe, all others ranked."""
    if cosine:
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    squares = (vectors**2).sum(axis=1)
    _, at, counts = np.unique(people, return_inverse=True, return_counts=True)
    probes = np.flatnonzero(counts[at] > 1)
    values = []
    for start in range(0, len(probes), _BLOCK):
        rows = probes[start : start + _BLOCK]
        products = vectors[rows] @ vectors.T
        scores = products if cosine else 2 * products - squares
        scores[np.arange(len(rows)), rows] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")[:, :-1]
        values.append(_measures(people[order] == people[rows][:, None]))
    return Found(np.concatenate(values), people[probes])


def _measures(right: NDArray[np.bool_]) -> Floats:
    """MEASURES [P, 3] of rankings: bool [P, n], best first, at least one right in each."""
    precision = np.cumsum(right, axis=1) / np.arange(1, right.shape[1] + 1)
    average = (precision * right).sum(axis=1) / right.sum(axis=1)
    return np.stack([right[:, 0], right[:, :10].any(axis=1), average], axis=1).astype(np.float64)


def _cross_validated(metric: Metric, faces: Faces) -> Found:
    fold = folds_by_person(faces.people)
    parts = []
    for k in np.unique(fold):
        tried = faces.of(fold == k)
        embed = metric.fit(faces.of(fold != k))
        parts.append(leave_one_out(embed(tried.logits), tried.people, metric.cosine))
    return Found.joined(parts)


def _choice(faces: Faces, model: ScoringModel) -> None:
    people = len(np.unique(faces.people))
    print(f"## Choice: {len(faces.people):,} CelebA faces of {people:,} people, {_ROLES}\n")
    tried = _metrics(model)[:-1]
    tried += [Metric(f"weighed, power {p:g}", _profile(p)) for p in (0.125, 0.25, 0.5, 1.0)]
    tried += [
        Metric(f"weighed, power {WEIGHT_POWER:g}, shrink {s:g}", _profile(WEIGHT_POWER, s)) for s in (0.003, 0.03)
    ]
    _print_table("metric", {metric.name: _cross_validated(metric, faces) for metric in tried})


def _report(title: str, held_out: Faces, faces: Faces, model: ScoringModel) -> None:
    print(f"## {title}: {len(faces.people):,} faces of {len(np.unique(faces.people)):,} people\n")
    found = {
        metric.name: leave_one_out(metric.fit(held_out)(faces.logits), faces.people, metric.cosine)
        for metric in _metrics(model)
    }
    found["ours, as stored in the checkpoint"] = leave_one_out(
        encode(faces.logits, model).astype(np.float64), faces.people, cosine=True
    )
    _print_table("metric", found)


def _print_table(what: str, found: dict[str, Found]) -> None:
    """And below it how far the rows after the base (whitened cosine, else the first) are from it, on the same
    resamples."""
    print(f"| {what} | {' | '.join(MEASURES)} |\n|---|{'---|' * len(MEASURES)}")
    for name, each in found.items():
        draws = _resampled(each)
        cells = []
        for i in range(len(MEASURES)):
            around = interval(draws[:, i])
            assert around is not None
            cells.append(f"{100 * each.values[:, i].mean():.1f} ({100 * around.low:.1f} to {100 * around.high:.1f})")
        print(f"| {name} | {' | '.join(cells)} |")
    print()
    names = list(found)
    base = next((name for name in names if name == WHITENED), names[0])
    for name in names[names.index(base) + 1 :]:
        gain = found[name].values - found[base].values
        around = interval(_resampled(Found(gain, found[name].people))[:, 2])
        assert around is not None
        print(
            f"- {name} over {base}: {100 * gain[:, 2].mean():+.2f} mean average precision "
            f"({100 * around.low:+.2f} to {100 * around.high:+.2f})"
        )
    print()


def _resampled(found: Found) -> Floats:
    """Means [draws, 3] over resampled people."""
    weights = draw_people(found.people).astype(np.float64)
    means: Floats = weights @ found.values / weights.sum(axis=1, keepdims=True)
    return means


# ---- several photos -----------------------------------------------------------------------------------------------


def _several_photos(title: str, faces: Faces, model: ScoringModel) -> None:
    profiles = encode(faces.logits, model).astype(np.float64)

    def mean_of_logits(rows: People) -> Floats:
        found: Floats = profiles @ encode(combined(faces.logits[rows])[None], model)[0].astype(np.float64)
        return found

    def mean_of_profiles(rows: People) -> Floats:
        found: Floats = profiles @ profiles[rows].mean(axis=0)
        return found

    def best(rows: People) -> Floats:
        found: Floats = (profiles @ profiles[rows].T).max(axis=1)
        return found

    rules = {"mean of logits (in use)": mean_of_logits, "mean of unit profiles": mean_of_profiles, "best cosine": best}
    known, counts = np.unique(faces.people, return_counts=True)
    known = known[counts > SEVERAL]
    print(f"## Several photos as one probe, {title}: {len(known):,} people\n")
    found: dict[str, list[tuple[Floats, int]]] = {}
    rng = np.random.default_rng(0)
    for _ in range(ORDERS):
        for person in known.tolist():
            own = rng.permutation(np.flatnonzero(faces.people == person))
            others = np.ones(len(faces.people), bool)
            others[own[:SEVERAL]] = False
            for n in range(1, SEVERAL + 1):
                for name, rule in rules.items():
                    if n == 1 and rule is not mean_of_logits:
                        continue  # all the same
                    order = np.argsort(-rule(own[:n])[others], kind="stable")
                    values = _measures((faces.people[others][order] == person)[None])[0]
                    label = "1 photo" if n == 1 else f"{n} photos, {name}"
                    found.setdefault(label, []).append((values, person))
    table = {
        name: Found(np.array([values for values, _ in each]), np.array([person for _, person in each]))
        for name, each in found.items()
    }
    _print_table("probe", table)


# ---- changes in words ---------------------------------------------------------------------------------------------


def _changes(title: str, faces: Faces, model: ScoringModel) -> None:
    profiles = encode(faces.logits, model).astype(np.float64)
    means = attribute_means(model)

    def alone(logits: Logits, attribute: int, holds: bool) -> Logits:
        changed = logits.copy()
        changed[attribute] = (means.present if holds else means.absent)[attribute]
        return changed

    ways: dict[str, Callable[[Logits, int, bool], Logits]] = {
        "unchanged": lambda logits, _attribute, _holds: logits,
        "the attribute alone": alone,
        "the others follow (in use)": lambda x, attribute, holds: Changes(((attribute, holds),)).apply(x, model),
    }
    rng = np.random.default_rng(0)
    weights = draw_people(faces.people).astype(np.float64)
    found: dict[str, list[Floats]] = {name: [] for name in ways}
    draws: dict[str, list[Floats]] = {name: [] for name in ways}
    for attribute in range(faces.labels.shape[1]):
        for holds in (True, False):
            has = (faces.labels[:, attribute] > 0) == holds
            probes = np.flatnonzero(~has & np.isin(faces.people, faces.people[has]))
            if len(probes) < FEWEST:
                continue
            probes = rng.permutation(probes)[:MOST]
            counts = weights[:, probes]
            for name, way in ways.items():
                changed = np.stack([way(faces.logits[row], attribute, holds) for row in probes])
                values = _of_changed(encode(changed, model).astype(np.float64) @ profiles.T, faces, probes, has)
                found[name].append(values.mean(axis=0))
                with np.errstate(invalid="ignore"):  # a draw without any of the people says nothing
                    draws[name].append(counts @ values / counts.sum(axis=1, keepdims=True))
    print(f"## Changes in words, {title}: {len(found['unchanged'])} attributes and directions\n")
    columns = (*MEASURES, "of the first 10 have the attribute")
    print(f"| probe | {' | '.join(columns)} | gain in mean average precision |\n|---|{'---|' * (len(columns) + 1)}")
    for name, each in found.items():
        gain = np.nanmean(draws[name], axis=0)[:, 2] - np.nanmean(draws["unchanged"], axis=0)[:, 2]
        around = interval(gain)
        assert around is not None
        cells = " | ".join(f"{100 * value:.1f}" for value in np.mean(each, axis=0))
        print(f"| {name} | {cells} | {100 * around.low:+.1f} to {100 * around.high:+.1f} |")
    print()


def _of_changed(scores: Floats, faces: Faces, probes: People, has: NDArray[np.bool_]) -> Floats:
    """MEASURES of each probe and the share of its first ten that have the attribute, [P, 4]."""
    values = []
    for row, each in zip(probes.tolist(), scores, strict=True):
        own = faces.people == faces.people[row]
        ranked = np.flatnonzero(~own | has)
        order = ranked[np.argsort(-each[ranked], kind="stable")]
        values.append([*_measures((own & has)[order][None])[0], has[order[:10]].mean()])
    return np.array(values)


if __name__ == "__main__":
    main()
