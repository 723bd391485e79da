"""Grades: measured on held-out faces, kept in the checkpoint, shown without loading a network."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from facesearch.attributes import BY_NAME, NAMES
from facesearch.network.checkpoint import load_checkpoint
from facesearch.reliability import (
    MEANINGS,
    SMALLEST_FACE,
    graded,
    grades,
    hard_to_judge,
    smallest_face,
    smallest_reliable,
)
from facesearch.training.fitting import fit
from facesearch.training.metrics import average_precision
from tests.conftest import Program
from tests.support.imports import loaded
from tests.support.stand_ins import model

pytestmark = pytest.mark.slow

FREE = [
    name
    for name in NAMES
    if name not in {"High_Cheekbones", "Oval_Face", "Pointy_Nose", "Mouth_Slightly_Open", "No_Beard"}
]


def _grade(name: str, reached: float, positives: float) -> str:
    """The grade of an attribute whose average precision lies this far on the way from guessing to perfect."""
    share = np.full(40, positives)
    return graded(share + reached * (1 - share), share)[name]


@pytest.mark.parametrize(
    ("reached", "grade"),
    [(0.99, "A"), (0.86, "A"), (0.84, "B"), (0.66, "B"), (0.64, "C"), (0.41, "C"), (0.39, "D"), (0.0, "D")],
)
@pytest.mark.parametrize("positives", [0.02, 0.5, 0.86])
def test_a_grade_is_how_far_the_network_is_above_guessing(reached: float, grade: str, positives: float) -> None:
    assert {_grade(name, reached, positives) for name in FREE} == {grade}


@given(st.sampled_from(NAMES), st.floats(0.01, 0.99), st.floats(0, 1), st.floats(0, 1))
def test_more_average_precision_never_means_a_worse_grade(
    name: str, positives: float, one: float, other: float
) -> None:
    assert _grade(name, max(one, other), positives) <= _grade(name, min(one, other), positives)


def test_labels_on_which_people_do_not_agree_bound_the_grade() -> None:
    assert {_grade(name, 1.0, 0.5) for name in ("High_Cheekbones", "Oval_Face", "Pointy_Nose")} == {"D"}
    assert {_grade(name, 1.0, 0.5) for name in ("Mouth_Slightly_Open", "No_Beard")} == {"B"}
    assert _grade("Mouth_Slightly_Open", 0.5, 0.5) == "C"


def test_what_nobody_held_out_has_gets_no_grade() -> None:
    precision, share = np.full(40, 0.9), np.full(40, 0.1)
    precision[0] = np.nan
    assert set(graded(precision, share)) == set(NAMES[1:])


def test_a_fit_grades_each_face_through_an_aux_without_its_person() -> None:
    """Bald is told by nothing, but AUX can learn by heart which of so few people are."""
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(24), 4)
    labels = (rng.random((24, 40)) < 0.4).astype(np.uint8)[people]
    logits = np.where(labels > 0, 2.0, -2.0).astype(np.float32) + rng.normal(0, 0.3, labels.shape).astype(np.float32)
    bald = BY_NAME["Bald"].index
    logits[:, bald] = 0.0
    found = fit(logits, labels, people, np.ones(len(people), bool))
    by_heart = average_precision(found.aux(torch.from_numpy(logits)).numpy(), labels)
    assert graded(by_heart, labels.mean(axis=0))["Bald"] == "A"
    assert found.grades["Bald"] in "CD" and found.grades["Wearing_Hat"] == "A"


def test_a_model_says_its_grades_in_its_own_order() -> None:
    stored = dataclasses.replace(model(), metadata={"grades": {"Bald": "A", "Young": "C"}})
    by_name = dict(zip(NAMES, grades(stored), strict=True))
    assert by_name["Bald"] == "A" and by_name["Young"] == "C"
    assert [name for name, grade in by_name.items() if grade is None] == [
        n for n in NAMES if n not in ("Bald", "Young")
    ]


@pytest.mark.parametrize("stored", [{}, {"grades": None}, {"grades": "AAAA"}, {"grades": {"Bald": "Z", "Young": 3}}])
def test_a_checkpoint_without_sound_grades_has_none(stored: dict[str, object]) -> None:
    assert grades(dataclasses.replace(model(), metadata=stored)) == (None,) * 40


def test_a_face_is_hard_to_judge_when_it_is_small_or_blurred() -> None:
    clear = np.zeros(40, np.float32)
    blurred = clear.copy()
    blurred[NAMES.index("Blurry")] = 0.6
    assert hard_to_judge(48, clear, model()) == ()
    assert hard_to_judge(47.9, clear, model()) == ("small",)
    assert hard_to_judge(200, blurred, model()) == ("blurred",)
    assert hard_to_judge(20, blurred, model()) == ("small", "blurred")


def test_the_smallest_size_is_the_one_from_which_on_all_hold() -> None:
    whole = (0.90, 0.010)
    tried = {24: (0.899, 0.010), 32: (0.85, 0.010), 48: (0.896, 0.019), 64: (0.900, 0.010)}
    assert smallest_reliable(whole, tried) == 48  # that 24 seems well is chance: 32 is not
    assert smallest_reliable(whole, tried | {48: (0.896, 0.021)}) == 64  # calibration is lost first
    assert smallest_reliable(whole, tried | {64: (0.894, 0.010)}) is None
    assert smallest_reliable(whole, {}) is None


def test_the_limit_of_a_model_is_its_own_where_it_was_measured() -> None:
    assert smallest_face(dataclasses.replace(model(), metadata={"smallest_face": 32})) == 32
    assert smallest_face(model()) == SMALLEST_FACE
    assert smallest_face(dataclasses.replace(model(), metadata={"smallest_face": "tiny"})) == SMALLEST_FACE


def _with_grades(checkpoint: Path, path: Path, found: dict[str, str]) -> Path:
    about = {**load_checkpoint(checkpoint).metadata, "grades": found}
    save_file(load_file(checkpoint), path, {"facesearch": json.dumps(about)})
    return path


def test_attributes_shows_each_grade_and_says_what_it_means(
    facesearch: Program, checkpoint: Path, tmp_path: Path
) -> None:
    path = _with_grades(checkpoint, tmp_path / "graded.safetensors", {"Eyeglasses": "A", "Blurry": "D"})
    ran = facesearch("attributes", "--checkpoint", path)
    assert ran.code == 0
    shown = {line.split()[0]: line.split()[2] for line in ran.out.splitlines()[2:42]}
    assert shown["Eyeglasses"] == "A" and shown["Blurry"] == "D" and shown["Bald"] == "-"
    assert f"A: {MEANINGS['A']}" in ran.out and f"D: {MEANINGS['D']}" in ran.out and "-: not graded" in ran.out
    assert f"B: {MEANINGS['B']}" not in ran.out


def test_attributes_of_a_file_that_is_no_checkpoint_is_one_sentence(facesearch: Program, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a network")
    ran = facesearch("attributes", "--checkpoint", tmp_path / "notes.txt")
    assert ran.code == 3 and len(ran.err.splitlines()) == 1 and "no facesearch checkpoint" in ran.err


def test_grades_are_shown_without_loading_a_network() -> None:
    assert loaded("attributes") == set()
