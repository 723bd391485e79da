"""What the figures of an evaluation mean: each holds to its definition, also at its edges."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from facesearch.attributes import NAMES
from facesearch.training import bootstrap, metrics
from facesearch.training.datasets import Dataset, FaceCache, open_cache, read_celeba
from facesearch.training.evaluate import before_aux, small_crop
from facesearch.training.figures import COLUMNS, measure, measure_unlabelled, rows
from facesearch.training.loop import plain_crop
from facesearch.training.paper_results import published
from facesearch.vision.crop import INPUT_SIZE
from tests.support.labelled import celeba, portraits


def _calibrated(faces: int, attributes: int = 40, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Probabilities, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-rng.normal(0, 2, (faces, attributes))))
    return p, (rng.random(p.shape) < p).astype(np.uint8)


def test_recall_is_of_the_positives_and_specificity_of_the_negatives() -> None:
    labels = np.array([[1], [1], [1], [1], [0], [0]], np.uint8)
    said = np.array([[1], [0], [0], [0], [0], [1]], bool)
    assert metrics.recall(said, labels)[0] == pytest.approx(1 / 4)
    assert metrics.specificity(said, labels)[0] == pytest.approx(1 / 2)
    assert metrics.balanced_accuracy(said, labels)[0] == pytest.approx(3 / 8)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_the_diagrams_bins_give_the_calibration_error(faces: list[tuple[float, bool]]) -> None:
    p, labels = np.array([[f[0]] for f in faces]), np.array([[f[1]] for f in faces], np.uint8)
    bins = metrics.reliability(p, labels)
    assert bins.faces.sum() == len(faces)
    assert bins.calibration_error()[0] == pytest.approx(metrics.calibration_error(p, labels)[0])


def test_attributes_pooled_are_one_diagram_over_all_answers() -> None:
    p, labels = _calibrated(300, 4)
    pooled = metrics.reliability(p, labels).pooled()
    at_once = metrics.reliability(p.reshape(-1, 1), labels.reshape(-1, 1))
    np.testing.assert_array_equal(pooled.faces, at_once.faces)
    np.testing.assert_allclose(pooled.true, at_once.true)


def test_a_calibrated_network_shows_the_chance_calibration_error_and_another_shows_more() -> None:
    p, labels = _calibrated(4000)
    chance = metrics.chance_calibration_error(p).mean()
    assert metrics.calibration_error(p, labels).mean() == pytest.approx(chance, rel=0.1)
    too_sure = p**2 / (p**2 + (1 - p) ** 2)
    assert metrics.calibration_error(too_sure, labels).mean() > 3 * metrics.chance_calibration_error(too_sure).mean()


def test_fewer_faces_show_more_chance_calibration_error() -> None:
    few, many = (metrics.chance_calibration_error(_calibrated(n)[0]).mean() for n in (200, 5000))
    assert few > 3 * many


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=1, max_size=25))
def test_a_face_that_counts_twice_is_as_two_faces(faces: list[tuple[int, bool, int]]) -> None:
    scores, labels, weights = (np.array(column) for column in zip(*faces, strict=True))
    got = metrics.weighted_average_precision(scores.astype(float), labels, weights[None].astype(float))[0]
    times = np.repeat(np.arange(len(scores)), weights)
    if labels[times].any():
        expected = metrics.average_precision(
            scores[times][:, None].astype(float), labels[times][:, None].astype(np.uint8)
        )
        assert got == pytest.approx(expected[0])
    else:
        assert np.isnan(got)


def test_people_are_drawn_whole_and_as_many_as_there_are() -> None:
    people = np.array([7, 7, 7, 3, 3, 9])
    drawn = bootstrap.draw_people(people, draws=200)
    assert (drawn[:, 0] == drawn[:, 1]).all() and (drawn[:, 0] == drawn[:, 2]).all()
    assert (drawn[:, [0, 3, 5]].sum(axis=1) == 3).all()
    assert len(np.unique(drawn, axis=0)) > 5


@pytest.mark.slow
def test_an_interval_holds_the_mean_and_is_wider_when_many_faces_are_of_one_person() -> None:
    p, labels = _calibrated(400)
    p, labels = np.repeat(p, 10, axis=0), np.repeat(labels, 10, axis=0)  # ten all alike of each person
    widths = []
    for people in (np.arange(4000) // 10, np.arange(4000)):
        drawn = bootstrap.draw_people(people, draws=200)
        accuracy = bootstrap.interval(bootstrap.accuracies(p > 0.5, labels, drawn))
        precision = bootstrap.interval(bootstrap.average_precisions(p, labels, drawn))
        assert accuracy is not None and precision is not None
        assert accuracy.low < metrics.accuracy(p > 0.5, labels).mean() < accuracy.high
        assert precision.low < metrics.average_precision(p, labels).mean() + 0.002 < precision.high + 0.004
        widths.append(accuracy.high - accuracy.low)
    assert widths[0] > 2 * widths[1]


def test_what_nobody_has_has_no_average_precision_and_spoils_no_mean() -> None:
    p, labels = _calibrated(50)
    labels[:, 3] = 0
    found = measure(p, labels, np.ones(50, bool))
    assert np.isnan(found.average_precision[3]) and np.isnan(found.recall[3])
    others = np.delete(found.average_precision, 3)
    assert found.summary()["average_precision"] == pytest.approx(100 * others.mean(), abs=0.01)
    nobody = measure(p, np.zeros_like(labels), np.ones(50, bool)).summary()
    assert nobody["average_precision"] is None
    json.dumps(nobody, allow_nan=False)


def test_rows_keep_enough_digits_to_redo_the_means() -> None:
    p, labels = _calibrated(333)
    *each, last = rows(measure(p, labels, np.ones(333, bool)), means_over=np.ones(40, bool))
    assert [row["attribute"] for row in each] == list(NAMES) and last["attribute"] == "MEAN"
    for column in set(COLUMNS) - {"faces", "detected"}:
        assert np.mean([float(row[column]) for row in each]) == pytest.approx(float(last[column]), abs=1e-6)


def test_without_labels_only_the_answers_are_told() -> None:
    found = measure_unlabelled(np.array([[0.9, 0.2], [0.7, 0.6]]), np.array([True, False]))
    assert found.detected == 1 and found.answered_yes.tolist() == [1.0, 0.5]
    row = next(rows(found, ("Young", "Gray_Hair")))
    assert row["answered_yes"] == "1.000000" and row["accuracy"] == ""


def test_what_aux_was_given_is_computed_back_from_what_it_gave() -> None:
    rng = np.random.default_rng(0)
    weight, bias = np.eye(40) + rng.normal(0, 0.05, (40, 40)), rng.normal(0, 1, 40)
    given = rng.normal(0, 3, (100, 40)).astype(np.float32)
    back = before_aux((given @ weight.T + bias).astype(np.float32), weight, bias)
    assert back is not None
    np.testing.assert_allclose(back, given, atol=1e-4)


def test_an_aux_that_forgets_cannot_be_computed_back() -> None:
    weight = np.eye(40)
    weight[3] = weight[4]
    assert before_aux(np.zeros((2, 40), np.float32), weight, np.zeros(40)) is None


@pytest.fixture
def cache(tmp_path: Path) -> FaceCache:
    return open_cache(read_celeba(celeba(tmp_path / "celeba", portraits(2))), tmp_path / "cache")


def test_a_face_made_smaller_loses_detail_and_keeps_its_place(cache: FaceCache) -> None:
    whole = plain_crop(cache, 0, INPUT_SIZE).astype(float)
    box = cache.region(0)[1]
    same = small_crop(cache, int(max(box.width, box.height)) + 1, 0)
    np.testing.assert_array_equal(same, whole)  # larger than it is: nothing is made up
    lost = []
    for size in (64, 32, 24):
        small = small_crop(cache, size, 0).astype(float)
        assert small.shape == (INPUT_SIZE, INPUT_SIZE, 3)
        assert abs(small.mean() - whole.mean()) < 4
        lost.append(np.abs(small - whole).mean())
    assert lost == sorted(lost) and lost[0] > 0.5


@pytest.mark.parametrize(
    ("dataset", "means"), [(Dataset.CELEBA, (80.03, 91.06, 91.26, 91.29)), (Dataset.LFWA, (71.85, 86.28, 86.27, 86.31))]
)
def test_the_papers_columns_have_the_means_that_the_paper_prints(
    dataset: Dataset, means: tuple[float, float, float, float]
) -> None:
    paper = published(dataset)
    columns = (paper.majority, paper.independent, paper.mcnn, paper.mcnn_aux)
    assert all(column.shape == (40,) for column in columns)
    assert [100 * column.mean() for column in columns] == pytest.approx(means, abs=0.011)


def test_the_papers_rows_are_under_their_own_names() -> None:
    paper = published(Dataset.CELEBA)
    assert paper.mcnn_aux[NAMES.index("Eyeglasses")] == pytest.approx(0.9963)
    assert paper.mcnn[NAMES.index("Wearing_Necklace")] == pytest.approx(0.8682)
    assert published(Dataset.LFWA).mcnn_aux[NAMES.index("Wearing_Hat")] == pytest.approx(0.9007)
