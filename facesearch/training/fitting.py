"""Stage two: AUX on the frozen MCNN, then calibration and the profile metric; everything but the MCNN of a checkpoint.

AUX is fitted on logits of faces that the MCNN was not trained on: on its own training faces the MCNN is overconfident,
and AUX would learn that. A plain 40x40 layer overfits on a few thousand faces, so it is regularised towards the
identity, as hard as cross-validation by person says. Calibration (Platt 1999) sees each face through an AUX that was
fitted without that face's person, and is regularised towards changing nothing as hard as the same cross-validation
says: the faces of one person are alike, so a thousand faces of a hundred people say less than their number.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facesearch.network.mcnn import Aux
from facesearch.reliability import graded
from facesearch.search.ranking.profiles import AttributeMeans
from facesearch.training.datasets import UNKNOWN
from facesearch.training.metrics import average_precision
from facesearch.training.targets import cross_entropy, plain_targets

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]

FOLDS = 5
L2_WEIGHTS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Weights of the pull towards the identity that are tried (per squared unit of departure, over the mean loss)."""
PRIORS = (5.0, 20.0, 60.0, 200.0, 600.0)
"""Weights of calibration's pull towards changing nothing that are tried, in faces."""

WEIGHT_POWER, SHRINK = 0.25, 0.01
"""Of the profile metric, chosen by cross-validation over people (benchmarks/similarity.py)."""

_LEAST_BETWEEN = 0.02  # a direction in which people do not differ measurably still counts a little


@dataclass(frozen=True)
class Fitted:
    """What stands above the MCNN. aux: on all faces given. l2: the weight that was chosen. grades: by attribute."""

    aux: Aux
    l2: float
    calibration_scale: Floats
    calibration_bias: Floats
    profile_mean: Floats
    profile_matrix: Floats
    profile_means: AttributeMeans
    grades: dict[str, str]


def fit(logits: Floats, labels: Labels, people: NDArray[np.int64], calibrate: NDArray[np.bool_]) -> Fitted:
    """Fit AUX on all rows, calibration on the rows marked `calibrate`, profile metric and means on all rows; grade the
    attributes on all rows, each seen through an AUX that was fitted without its person.

    logits: MCNN's [N, 40] of faces that it was not trained on. people: identity of each row. calibrate: bool [N].
    """
    fold = folds_by_person(people)
    l2 = _choose_l2(logits, labels, fold)
    crossed, _ = cross_fit(logits, labels, fold, l2)
    prior = chosen_prior(crossed[calibrate], labels[calibrate], fold[calibrate])
    scale, bias = fit_platt(crossed[calibrate], labels[calibrate], prior)
    mean, matrix = fit_profile(crossed, people)
    known = np.maximum((labels != UNKNOWN).sum(axis=0), 1)
    grades = graded(average_precision(crossed, labels), (labels == 1).sum(axis=0) / known)
    return Fitted(fit_aux(logits, labels, l2), l2, scale, bias, mean, matrix, fit_means(crossed, labels), grades)


def _choose_l2(logits: Floats, labels: Labels, fold: NDArray[np.int64]) -> float:
    """Of L2_WEIGHTS the one with the least cross-entropy on faces of other people; the hardest where it is all one."""
    losses = {l2: cross_fit(logits, labels, fold, l2)[1] for l2 in reversed(L2_WEIGHTS)}
    return min(losses, key=lambda l2: losses[l2])


def folds_by_person(people: NDArray[np.int64], folds: int = FOLDS) -> NDArray[np.int64]:
    """Fold number of each row, 0..folds-1: all faces of a person in one, drawn at random with a fixed seed."""
    known, at = np.unique(people, return_inverse=True)
    return np.asarray((np.random.default_rng(0).permutation(len(known)) % folds)[at], np.int64)


def cross_fit(logits: Floats, labels: Labels, fold: NDArray[np.int64], l2: float) -> tuple[Floats, float]:
    """AUX's logits [N, 40] of each face by a layer fitted on the other folds, and their mean cross-entropy."""
    out = np.empty_like(logits)
    for k in np.unique(fold):
        aux = fit_aux(logits[fold != k], labels[fold != k], l2)
        with torch.no_grad():
            out[fold == k] = aux(torch.from_numpy(logits[fold == k])).numpy()
    return out, float(cross_entropy(torch.from_numpy(out), torch.from_numpy(plain_targets(labels))))


def fit_aux(logits: Floats, labels: Labels, l2: float) -> Aux:
    """The 40 -> 40 layer with the least cross-entropy plus l2 * |W - identity|^2 / 40 (the bias is free)."""
    aux = Aux()
    x, y = torch.from_numpy(logits), torch.from_numpy(plain_targets(labels))
    identity = torch.eye(len(aux.weight))

    def loss() -> Tensor:
        pull = (aux.weight - identity).square().sum() / len(identity)
        return cross_entropy(aux(x), y) + l2 * pull

    _minimise(list(aux.parameters()), loss)
    return aux.requires_grad_(False)


def chosen_prior(logits: Floats, labels: Labels, fold: NDArray[np.int64]) -> float:
    """Of PRIORS the one whose calibration, fitted on the other folds, has the least cross-entropy on each."""

    def loss(prior: float) -> float:
        total = 0.0
        for k in np.unique(fold):
            scale, bias = fit_platt(logits[fold != k], labels[fold != k], prior)
            x = torch.from_numpy(logits[fold == k] * scale + bias)
            y = torch.from_numpy(plain_targets(labels[fold == k]))
            total += float(cross_entropy(x, y)) * int((~y.isnan()).sum())
        return total

    return min(PRIORS, key=loss) if len(np.unique(fold)) > 1 else PRIORS[-1]  # nobody to try it on: change little


def fit_platt(logits: Floats, labels: Labels, prior: float) -> tuple[Floats, Floats]:
    """Per attribute scale and bias [40] with the least cross-entropy of sigmoid(scale * logit + bias).

    prior: weight of the pull of ln(scale) and bias towards 0, in faces: a rare attribute on a few hundred faces must
    not be turned upside down by three odd labels. An attribute without any stays as it is.
    """
    x, y = torch.from_numpy(logits), torch.from_numpy(plain_targets(labels))
    known = ~y.isnan()
    faces, y = known.sum(0).clamp(min=1), y.nan_to_num()
    log_scale = torch.zeros(logits.shape[1], requires_grad=True)
    bias = torch.zeros(logits.shape[1], requires_grad=True)

    def loss() -> Tensor:
        each = F.binary_cross_entropy_with_logits(x * log_scale.exp() + bias, y, reduction="none") * known
        return ((each.sum(0) + prior * (log_scale.square() + bias.square() * 0.1)) / faces).sum()

    _minimise([log_scale, bias], loss)
    return log_scale.detach().exp().numpy(), bias.detach().numpy()


def fit_profile(
    logits: Floats, people: NDArray[np.int64], power: float = WEIGHT_POWER, shrink: float = SHRINK
) -> tuple[Floats, Floats]:
    """Mean [40] and invertible matrix [40, 40] of the profile (logits - mean) @ matrix.

    First what differs between photos of one person is whitened, so that it weighs the same in every direction; then
    each direction is weighed by (b / (1 + b)) ** power, b being the variance between people in it, with that within a
    person as the unit: linear discriminant analysis with soft weights. b / (1 + b) is the reliability of one photo in a
    direction. shrink: share of the average variance that is mixed into the covariance within a person. Where no person
    has two photos, the total covariance is whitened and nothing weighed.
    """
    known, at = np.unique(people, return_inverse=True)
    counts = np.bincount(at)
    centred = (logits - logits.mean(axis=0)).astype(np.float64)
    sums = np.zeros((len(known), logits.shape[1]))
    np.add.at(sums, at, centred)
    total = centred.T @ centred / len(centred)
    several = counts[at] > 1
    if several.any():
        within = (centred - (sums / counts[:, None])[at])[several]
        covariance = within.T @ within / (len(within) - int((counts > 1).sum()))
    else:
        covariance = total
    average = np.trace(covariance) / len(covariance)
    values, vectors = np.linalg.eigh((1 - shrink) * covariance + shrink * average * np.eye(len(covariance)))
    white = vectors @ np.diag(values**-0.5) @ vectors.T
    between, directions = np.linalg.eigh(white @ (total - covariance) @ white)
    between = np.maximum(between, _LEAST_BETWEEN)
    weigh = directions @ np.diag((between / (1 + between)) ** power) @ directions.T
    return logits.mean(axis=0).astype(np.float32), (white @ weigh).astype(np.float32)


def fit_means(logits: Floats, labels: Labels) -> AttributeMeans:
    """Mean logit of each attribute over the faces labelled with it and without it."""
    with np.errstate(invalid="ignore"):  # of no face at all: no number, as AttributeMeans has it
        means = [(logits * faces).sum(0, np.float64) / faces.sum(axis=0) for faces in (labels == 1, labels == 0)]
    return AttributeMeans(*(each.astype(np.float32) for each in means))


def _minimise(parameters: list[Tensor], loss: Callable[[], Tensor]) -> None:
    """Smooth convex problems of a few thousand numbers: L-BFGS to the end."""
    optimiser = torch.optim.LBFGS(parameters, max_iter=200, tolerance_grad=1e-6, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(closure)  # type: ignore[no-untyped-call]
