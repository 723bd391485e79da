"""How good a checkpoint is on images that it never saw: the figures of what `index` computes.

Faces go the same way as in indexing: detected, cut by crop_face, scored by Scorer. A face that the detector misses is
cut at its framing's median box and counts.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.values.scoring_model import calibrate
from facesearch.attributes import BY_NAME
from facesearch.network.scorer import BATCH, Scorer
from facesearch.reliability import smallest_reliable
from facesearch.training.bootstrap import Interval, accuracies, average_precisions, draw_people, interval
from facesearch.training.contradictions import Contradictions, contradictions
from facesearch.training.datasets import Dataset, DatasetError, FaceCache, Labels, Role
from facesearch.training.degrade import Degradation, degraded
from facesearch.training.figures import Figures, measure
from facesearch.training.loop import plain_crop
from facesearch.training.metrics import Reliability, mean, reliability
from facesearch.training.paper_results import Published, published
from facesearch.vision.crop import INPUT_SIZE, crop_face

Floats = NDArray[np.float64]
Logits = NDArray[np.float32]

GROUPED_BY = ("Male", "Young")
"""Labels whose bearers and others are compared."""

COMPARED_FROM = 20
"""Faces of a group that must have an attribute, and lack it, before groups are compared by it."""

MCNN_ALONE, UNCALIBRATED = "MCNN", "MCNN-AUX, raw"
NETWORK = "MCNN-AUX"

_ILL_CONDITIONED = 1e4


@dataclass(frozen=True)
class Comparison:
    """Faces that are labelled with an attribute (`has`) and the others (`lacks`).

    comparable: bool [40], which attributes at least COMPARED_FROM faces of either group have and lack.
    """

    attribute: str
    has: Figures
    lacks: Figures
    comparable: NDArray[np.bool_]

    @property
    def groups(self) -> dict[str, Figures]:
        """Both by name."""
        return {self.attribute: self.has, f"not {self.attribute}": self.lacks}


@dataclass(frozen=True)
class Evaluation:
    """What is known of a network on the faces of one role.

    people: to how many they belong, None where the data set does not say. together: over all faces; reliability: the
    bins of it. by_framing: apart by picture size (`178x218`: CelebA's aligned pictures; `other sizes`). comparisons: of
    people. by_size: of the faces made smaller, by longer side in pixels. before: what the layers below the last give
    (MCNN_ALONE, UNCALIBRATED). contradictions: by network, before and after AUX (NETWORK: as it is used). intervals:
    accuracy and average_precision over all faces, and how much AUX adds to them (accuracy_gain,
    average_precision_gain), by person; none where it is unknown who is who. aux: its weights [40, 40], rows are what it
    gives. paper: what others have published on this data set.
    """

    dataset: Dataset
    role: Role
    people: int | None
    together: Figures
    reliability: Reliability
    by_framing: dict[str, Figures]
    comparisons: tuple[Comparison, ...]
    by_size: dict[int, Figures]
    before: dict[str, Figures]
    contradictions: dict[str, Contradictions]
    intervals: dict[str, Interval]
    aux: Floats
    paper: Published | None

    @property
    def smallest_face(self) -> int | None:
        """`smallest_reliable` of the sizes that were tried; None where none was, or none is enough."""
        tried = {size: _accuracy_and_error(figures) for size, figures in self.by_size.items()}
        return smallest_reliable(_accuracy_and_error(self.together), tried)

    def gain(self, of: str) -> float:
        """What AUX adds to the mean of a figure (a name in COLUMNS), before calibration; MCNN_ALONE must be known."""
        return mean(getattr(self.before[UNCALIBRATED], of)) - mean(getattr(self.before[MCNN_ALONE], of))

    def metadata(self) -> dict[str, Any]:
        """What a checkpoint says of it: `figures`, and `smallest_face` where the sizes told it."""
        tables = {
            self.role.value: self.together.summary()
            | {f"{name}_interval": [round(at.low, 4), round(at.high, 4)] for name, at in self.intervals.items()},
            "before": {name: figures.summary() for name, figures in self.before.items()},
            "framings": {name: figures.summary() for name, figures in self.by_framing.items()},
            "sizes": {str(size): figures.summary() for size, figures in self.by_size.items()},
        }
        # Where no size that was tried is enough, the limit lies above them all.
        limit = {"smallest_face": self.smallest_face or max(self.by_size) + 1} if self.by_size else {}
        return {"figures": {name: table for name, table in tables.items() if table}} | limit


def evaluate(
    scorer: Scorer,
    labels: Labels,
    cache: FaceCache,
    role: Role = Role.TEST,
    progress: Callable[[int, int], None] | None = None,
    sizes: Sequence[int] = (),
) -> Evaluation:
    """Score every face of a role and compare with its labels.

    progress: called with (crops done, crops in all). sizes: score the faces also reduced to these longer sides.
    Raises DatasetError when the role has no images.
    """
    rows = rows_of(labels, role)
    crops = _Counted(scorer, len(rows) * (1 + len(sizes)), progress)
    logits = crops.score(rows, lambda row: plain_crop(cache, row, INPUT_SIZE))
    small = {size: crops.score(rows, partial(small_crop, cache, size)) for size in sizes}

    known = scorer.checkpoint
    p, *by_size = (calibrate(z, known.calibration_scale, known.calibration_bias) for z in (logits, *small.values()))
    truth, found = labels.labels[rows], cache.detected[rows]
    aux, bias = _aux(scorer)
    alone = before_aux(logits, aux, bias)
    before = ({} if alone is None else {MCNN_ALONE: _sigmoid(alone)}) | {UNCALIBRATED: _sigmoid(logits)}
    aligned = (cache.records["picture"][rows] == (178, 218)).all(axis=1)
    framings = {"178x218": aligned, "other sizes": ~aligned} if aligned.any() and not aligned.all() else {}
    return Evaluation(
        dataset=labels.dataset,
        role=role,
        people=len(np.unique(labels.identities[rows])) if labels.has_identities else None,
        together=measure(p, truth, found),
        reliability=reliability(p, truth),
        by_framing={name: measure(p[of], truth[of], found[of]) for name, of in framings.items()},
        comparisons=tuple(_comparisons(p, truth, found)),
        by_size={size: measure(of, truth, found) for size, of in zip(small, by_size, strict=True)},
        before={name: measure(of, truth, found) for name, of in before.items()},
        contradictions={name: contradictions(of, truth) for name, of in (before | {NETWORK: p}).items()},
        intervals=_intervals(p, before, truth, labels.identities[rows]) if labels.has_identities else {},
        aux=aux,
        paper=published(labels.dataset) if _is_official(labels) else None,
    )


def rows_of(labels: Labels, role: Role) -> NDArray[np.int64]:
    """Row numbers of a role's images. Raises DatasetError when there are none."""
    rows = labels.of(role)
    if not len(rows):
        raise DatasetError(f"The data set has no images of role {role}: nothing to evaluate on.")
    return rows


@dataclass
class _Counted:
    """Scores crops in batches and tells how many are done, over several calls."""

    scorer: Scorer
    total: int
    progress: Callable[[int, int], None] | None
    done: int = field(default=0, init=False)

    def score(self, rows: NDArray[np.int64], cut: Callable[[int], NDArray[np.uint8]]) -> Logits:
        found = []
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            found.append(self.scorer.score(np.stack([cut(int(row)) for row in batch])))
            self.done += len(batch)
            if self.progress:
                self.progress(self.done, self.total)
        return np.concatenate(found)


def small_crop(cache: FaceCache, size: int, row: int) -> NDArray[np.uint8]:
    """The crop of a cached face as if its box's longer side had only `size` pixels in the photo.

    Faces that are smaller already stay as they are.
    """
    return degraded_face(cache, Degradation(size=size), 0, row)


def degraded_face(cache: FaceCache, how: Degradation, seed: int, row: int) -> NDArray[np.uint8]:
    """The crop of a cached face from a worse picture. It is enlarged again by the crop itself, as a small face in a
    photo is. seed: of what is drawn, for each face anew."""
    part, box, turned = cache.region(row)
    part, box = degraded(part, box, how, np.random.default_rng((seed, row)))
    return crop_face(part, box, turned)


def before_aux(logits: Logits, weight: Floats, bias: Floats) -> Logits | None:
    """MCNN's logits [N, 40] from AUX's: a linear layer of as many outputs as inputs can be undone.

    None where that would magnify rounding errors to where they matter (an AUX that is close to singular).
    """
    if not np.linalg.cond(weight) < _ILL_CONDITIONED:
        return None
    return np.asarray(np.linalg.solve(weight, (logits.astype(np.float64) - bias).T).T, np.float32)


def _aux(scorer: Scorer) -> tuple[Floats, Floats]:
    _, aux = scorer.checkpoint.network()
    return aux.weight.detach().double().numpy(), aux.bias.detach().double().numpy()


def _sigmoid(logits: Logits) -> Floats:
    return calibrate(logits, 1.0, 0.0)


def _comparisons(p: Floats, truth: NDArray[np.uint8], found: NDArray[np.bool_]) -> list[Comparison]:
    """Those of which both groups have faces."""
    made = []
    for name in GROUPED_BY:
        said = truth[:, BY_NAME[name].index]
        has, lacks = said == 1, said == 0
        if has.any() and lacks.any():
            one, other = (measure(p[of], truth[of], found[of]) for of in (has, lacks))
            fewest = [np.minimum((truth[of] == 1).sum(axis=0), (truth[of] == 0).sum(axis=0)) for of in (has, lacks)]
            made.append(Comparison(name, one, other, np.min(fewest, axis=0) >= COMPARED_FROM))
    return made


def _intervals(
    p: Floats, before: dict[str, Floats], truth: NDArray[np.uint8], people: NDArray[np.int64]
) -> dict[str, Interval]:
    """Of the network that is in use; and of what AUX gains, where both it and MCNN are judged by their logits' signs:
    what calibration gains is not AUX's merit. (It keeps the order of the faces, and so their average precision.)"""
    drawn = draw_people(people)
    precision = average_precisions(p, truth, drawn)
    draws = {"accuracy": accuracies(p > 0.5, truth, drawn), "average_precision": precision}
    if MCNN_ALONE in before:
        alone, uncalibrated = before[MCNN_ALONE], before[UNCALIBRATED]
        draws["accuracy_gain"] = accuracies(uncalibrated > 0.5, truth, drawn) - accuracies(alone > 0.5, truth, drawn)
        draws["average_precision_gain"] = precision - average_precisions(alone, truth, drawn)
    found = {name: interval(values) for name, values in draws.items()}
    return {name: at for name, at in found.items() if at is not None}


def _accuracy_and_error(figures: Figures) -> tuple[float, float]:
    return mean(figures.accuracy), mean(figures.calibration_error)


def _is_official(labels: Labels) -> bool:
    """Whether these are the pictures that the paper speaks of, and not data of one's own in CelebA's layout."""
    if labels.dataset is Dataset.CELEBA:
        return all(re.fullmatch(r"\d{6}\.jpg", name) for name in labels.names)
    return labels.dataset is Dataset.LFWA
