"""The benchmark of several photos of a person: no photo is judged by its own label, and more photos tell more."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("several_photos", FOLDER / "several_photos.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "several_photos", module)
    spec.loader.exec_module(module)
    return module


def test_pooling_is_judged_by_the_other_photos_and_helps_where_each_is_noisy(several: ModuleType) -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40), 14)
    has = (rng.random((40, 40)) < 0.4).astype(np.uint8)
    labels = has[people]
    logits = (rng.normal(size=labels.shape) * 2 + np.where(labels, 1.0, -1.0)).astype(np.float32)
    faces = several.ScoredFaces(labels, people, logits, 1 / (1 + np.exp(-logits.astype(float))), "a" * 12)
    drawn = several.drawn(faces)
    assert len(drawn.rows) == 40 * several.ORDERS
    assert np.array_equal(people[drawn.rows[:, 0]], drawn.people) and np.array_equal(drawn.truth, has[drawn.people])
    for row in drawn.rows:
        assert len(set(row.tolist())) == several.MOST
    one, *_, eight = several.pooled(faces, drawn, several.WAYS["mean of logits"])
    assert eight.gain > 0.15 and eight.gain_interval.low > 0.1 and one.gain == 0
    text = several.markdown(
        {(several.Role.VAL, way): several.pooled(faces, drawn, how) for way, how in several.WAYS.items()},
        {several.Role.VAL: 40},
    )
    assert "| Bald |" in text and "| val | 40 | mean of logits | 8 |" in text


def test_a_person_with_few_photos_is_left_out_and_a_tie_counts_for_nobody(several: ModuleType) -> None:
    people = np.array([1] * 12 + [2] * 11)
    labels = np.zeros((23, 40), np.uint8)
    labels[:12, 0] = 1
    labels[:6, 1] = 1  # half of the first person's photos
    faces = several.ScoredFaces(labels, people, np.zeros((23, 40), np.float32), np.full((23, 40), 0.5), "a" * 12)
    drawn = several.drawn(faces)
    assert set(drawn.people.tolist()) == {1} and (drawn.truth[:, 0] == 1).all()
    for rows, truth in zip(drawn.rows, drawn.truth, strict=True):
        left = 6 - labels[rows, 1].sum()  # of the four others
        assert truth[1] == (several.UNKNOWN if left == 2 else left > 2)
