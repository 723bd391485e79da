"""What stands above the MCNN: AUX, calibration and the profile metric, and the figures that judge them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from db.values.scoring_model import calibrate
from facesearch.training.fitting import (
    PRIORS,
    chosen_prior,
    fit,
    fit_aux,
    fit_means,
    fit_platt,
    fit_profile,
    folds_by_person,
)
from facesearch.training.metrics import accuracy, average_precision, balanced_accuracy, calibration_error

pytestmark = pytest.mark.slow


def _logits(n: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Logits and labels drawn from exactly the probabilities that the logits state."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 40)).astype(np.float32)
    return logits, (rng.random((n, 40)) < 1 / (1 + np.exp(-logits))).astype(np.uint8)


def test_platt_undoes_a_wrong_scale_and_bias() -> None:
    logits, labels = _logits(20_000)
    scale, bias = fit_platt(logits * 2 + 1, labels, 5.0)
    np.testing.assert_allclose(scale, 0.5, atol=0.05)
    np.testing.assert_allclose(bias, -0.5, atol=0.1)
    error = calibration_error(calibrate(logits * 2 + 1, scale, bias), labels)
    assert error.mean() < calibration_error(calibrate(logits * 2 + 1, 1.0, 0.0), labels).mean() / 3


def test_where_calibration_cannot_be_tried_on_others_it_changes_least() -> None:
    logits, labels = _logits(30)
    assert chosen_prior(logits, labels, np.zeros(30, np.int64)) == max(PRIORS)


def test_platt_on_a_handful_of_faces_stays_near_what_the_network_said() -> None:
    logits = np.zeros((6, 40), np.float32)
    logits[:, :] = np.linspace(-1, 1, 6)[:, None]
    labels = (logits < 0).astype(np.uint8)  # by bad luck all the wrong way round
    scale, _ = fit_platt(logits, labels, 5.0)
    assert (scale > 0).all()  # the order of the faces is never turned round


def test_calibration_is_held_harder_where_the_faces_are_of_few_people() -> None:
    people = np.repeat(np.arange(60), 30)
    logits, labels = (each[people] for each in _logits(60))  # thirty times the same face
    assert chosen_prior(logits, labels, folds_by_person(people)) > PRIORS[0]
    wrong, labels = _logits(6000)
    assert chosen_prior(wrong * 3 + 2, labels, folds_by_person(np.arange(6000))) == PRIORS[0]


def test_aux_held_hard_is_the_identity_and_let_go_learns_a_relation() -> None:
    logits, labels = _logits(4000)
    labels[:, 1] = labels[:, 0]  # attribute 1 follows 0, which its own logit does not tell
    held, free = fit_aux(logits, labels, 1e4), fit_aux(logits, labels, 1e-4)
    np.testing.assert_allclose(held.weight.numpy(), np.eye(40), atol=0.01)
    assert free.weight[1, 0] > 0.5


def test_all_faces_of_a_person_are_in_one_fold() -> None:
    people = np.repeat(np.arange(100), 7)
    fold = folds_by_person(people)
    assert all(len(set(fold[people == p])) == 1 for p in range(100))
    assert set(fold) == set(range(5))


def test_a_fit_calibrates_on_the_marked_faces_only() -> None:
    logits, labels = _logits(3000)
    marked = np.arange(3000) >= 1500
    shifted = logits.copy()
    shifted[marked] += 2  # as if the newer people's scores were all too high
    fitted = fit(shifted, labels, np.arange(3000) // 3, marked)
    after_aux = fitted.aux(torch.from_numpy(shifted[marked])).numpy()
    p = calibrate(after_aux, fitted.calibration_scale, fitted.calibration_bias)
    assert calibration_error(p, labels[marked]).mean() < 0.05


def test_the_profile_counts_what_varies_between_people_over_what_varies_within() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(300), 5)
    steady = rng.normal(0, 1, (300, 40))[people] + rng.normal(0, 0.1, (1500, 40))
    logits = steady.copy()
    logits[:, 20:] = rng.normal(0, 5, (1500, 20))  # moods: different in every photo of a person
    mean, matrix = fit_profile(logits.astype(np.float32), people)
    profiles = (logits - mean) @ matrix
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    similarity = profiles @ profiles.T
    np.fill_diagonal(similarity, -1)
    assert (people[similarity.argmax(axis=1)] == people).mean() > 0.9


def test_the_profile_weighs_what_tells_people_apart_more_than_what_hardly_does() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(400), 5)
    logits = rng.normal(0, 1, (2000, 40))
    logits[:, :5] += 3 * rng.normal(0, 1, (400, 5))[people]
    logits[:, 5:] += 0.3 * rng.normal(0, 1, (400, 35))[people]
    _, matrix = fit_profile(logits.astype(np.float32), people)
    strength = np.linalg.norm(matrix, axis=1)  # how far a step of one within-person deviation moves the profile
    expected = {3.0: (9 / 10) ** 0.25, 0.3: (0.09 / 1.09) ** 0.25}
    assert strength[:5] == pytest.approx(np.full(5, expected[3.0]), rel=0.1)
    assert strength[5:] == pytest.approx(np.full(35, expected[0.3]), rel=0.15)


def test_the_profile_of_people_with_one_photo_each_whitens_all_that_differs() -> None:
    rng = np.random.default_rng(0)
    logits = (rng.normal(0, 1, (4000, 40)) @ rng.normal(0, 1, (40, 40))).astype(np.float32)
    mean, matrix = fit_profile(logits, np.arange(4000))
    covariance = np.cov((logits - mean) @ matrix, rowvar=False)
    assert covariance / covariance[0, 0] == pytest.approx(np.eye(40), abs=0.25)


def test_attribute_means_are_over_the_faces_with_and_without_it_and_missing_where_there_is_none() -> None:
    logits, labels = _logits(500)
    labels[:, 3] = 0
    means = fit_means(logits, labels)
    assert means.present[7] == pytest.approx(logits[labels[:, 7] == 1, 7].mean(), abs=1e-5)
    assert means.absent[7] == pytest.approx(logits[labels[:, 7] == 0, 7].mean(), abs=1e-5)
    assert np.isnan(means.present[3]) and means.absent[3] == pytest.approx(logits[:, 3].mean(), abs=1e-5)


def _brute_average_precision(scores: NDArray[np.float64], labels: NDArray[np.uint8]) -> float:
    """Area under the precision-recall steps, threshold by threshold."""
    area, before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        chosen = scores >= threshold
        recall = labels[chosen].sum() / labels.sum()
        area += (recall - before) * labels[chosen].mean()
        before = recall
    return area


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_average_precision_is_the_area_under_the_steps_also_with_ties(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([[r[0]] for r in rows], np.float64)
    labels = np.array([[r[1]] for r in rows], np.uint8)
    got = average_precision(scores, labels)[0]
    if labels.any():
        assert got == pytest.approx(_brute_average_precision(scores[:, 0], labels[:, 0]))
    else:
        assert np.isnan(got)


def test_a_rare_attribute_always_denied_is_accurate_but_not_balanced() -> None:
    labels = np.zeros((100, 1), np.uint8)
    labels[:5] = 1
    said = np.zeros((100, 1), bool)
    assert accuracy(said, labels)[0] == pytest.approx(0.95)
    assert balanced_accuracy(said, labels)[0] == pytest.approx(0.5)


def test_calibration_error_of_a_bin_is_the_gap_between_said_and_true() -> None:
    p = np.full((10, 1), 0.9)
    labels = np.array([[1]] * 6 + [[0]] * 4, np.uint8)
    assert calibration_error(p, labels)[0] == pytest.approx(0.3)
