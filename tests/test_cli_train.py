"""`facesearch train` and `facesearch evaluate`, from a tiny data set to a checkpoint that `index` takes."""

import csv
import inspect
import io
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from cli.commands.train import train
from facesearch.attributes import NAMES
from facesearch.network.checkpoint import load_checkpoint
from facesearch.network.mcnn import Normalisation
from facesearch.training.datasets import Role
from facesearch.training.recipe import load_recipe
from facesearch.training.run import TERMS
from tests.conftest import Program
from tests.support import labelled
from tests.support.checkpoints import random_checkpoint
from tests.support.labelled import noise
from tests.support.powers import without_root_powers

pytestmark = pytest.mark.slow

RECIPE = """
batch = 4
[[stages]]
layout = "mcnn"
input = 99
passes = 1
rate = 1e-4
end_rate = 0.0
"""

REFIT_ON_TRAINING_FACES = """
from_checkpoint = true
keep_outputs = true
aux = ["train"]
calibration = ["train"]
"""


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    """24 pictures of noise in the official layout: 8 train, 12 val, 4 test."""
    pictures = [noise(32, 32, seed) for seed in range(24)]
    return labelled.celeba(tmp_path / "celeba", pictures, [0] * 8 + [1] * 12 + [2] * 4, people=False)


def test_a_data_set_becomes_a_checkpoint_that_can_be_evaluated_and_used(
    facesearch: Program, celeba: Path, tmp_path: Path
) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE)
    out, work = tmp_path / "new folder" / "network.safetensors", tmp_path / "work"
    terms = ["--terms", "for this test only"]
    trained = facesearch("train", celeba, "--out", out, "--recipe", tmp_path / "tiny.toml", "--work", work, *terms)
    assert trained.code == 0, trained.err
    assert all(name in trained.out for name in NAMES)
    assert f"Written: {out}" in trained.err

    about = load_checkpoint(out).metadata
    assert set(about["grades"]) <= set(NAMES) and set(about["grades"].values()) <= set("ABCD") and about["grades"]
    assert {name: len(means) for name, means in about["profile_means"].items()} == {"present": 40, "absent": 40}
    assert about["figures"]["test"]["faces"] == 4 and list(about["figures"]["sizes"]) == ["24", "32", "48", "64"]

    table = facesearch("evaluate", celeba, "--checkpoint", out, "--work", work)
    assert table.code == 0 and "CelebA test" in table.out and "flatter" not in table.err
    trained_on = facesearch("evaluate", celeba, "--checkpoint", out, "--work", work, "--role", "train")
    assert "was trained on the images of role train: these figures flatter it" in trained_on.err
    fitted_on = facesearch("evaluate", celeba, "--checkpoint", out, "--work", work, "--role", "val")
    assert "was fitted (AUX, calibration and grades) on the images of role val" in fitted_on.err
    roles = "".join(f"{number:06d}.jpg {'test' if number > 20 else 'train'}\n" for number in range(1, 25))
    (celeba / "list_role.txt").write_text(roles)
    assert "had other roles" in facesearch("evaluate", celeba, "--checkpoint", out, "--work", work).err
    (celeba / "list_role.txt").unlink()
    figures = facesearch("evaluate", celeba, "--checkpoint", out, "--work", work, "--csv", "-")
    known = csv.DictReader(io.StringIO(figures.out))
    rows = [row for row in known if (row["subset"], row["network"]) == ("all", "MCNN-AUX")]
    assert [row["attribute"] for row in rows] == [*NAMES, "MEAN"]
    assert {row["faces"] for row in rows} == {"4"}
    assert all(0 <= float(row["accuracy"]) <= 1 for row in rows)

    (tmp_path / "empty").mkdir()
    assert facesearch("index", tmp_path / "empty", "--catalogue", tmp_path / "f.db", "--checkpoint", out).code == 0
    status = facesearch("status", "--catalogue", tmp_path / "f.db").out
    digest = trained.err.rpartition("(model ")[2].partition(")")[0]
    assert len(digest) == 12 and digest in status
    assert "Trained on" in status and "for this test only" in status


def test_a_network_is_fitted_anew_to_other_people_and_stays_as_it_is(
    facesearch: Program, celeba: Path, checkpoint: Path, tmp_path: Path
) -> None:
    out, start = tmp_path / "refitted.safetensors", ["--start", checkpoint]
    command = ["train", celeba, "--recipe", "refit", "--work", tmp_path / "work"]
    ran = facesearch(*command, "--out", out, *start)
    assert ran.code == 0, ran.err
    assert "no images of role extra: done without" in ran.err
    before, after = load_file(checkpoint), load_file(out)
    assert all((before[name] == after[name]).all() for name in before if name.startswith("mcnn."))
    assert not (before["calibration.bias"] == after["calibration.bias"]).all()
    about = load_checkpoint(out).metadata
    assert about["trained_on"] == "data that it does not name"
    assert about["terms"] == f"{load_checkpoint(checkpoint).metadata['terms']} {TERMS}"
    assert "calibration on calibrate," in about["aux_and_calibration"]


def test_faces_that_a_network_has_learnt_are_not_for_fitting_its_probabilities(
    facesearch: Program, celeba: Path, tmp_path: Path
) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE)
    (tmp_path / "again.toml").write_text(REFIT_ON_TRAINING_FACES)
    out, work = tmp_path / "network.safetensors", ["--work", tmp_path / "work"]
    assert facesearch("train", celeba, "--out", out, "--recipe", tmp_path / "tiny.toml", *work).code == 0
    again = tmp_path / "again.safetensors"
    ran = facesearch("train", celeba, "--out", again, "--recipe", tmp_path / "again.toml", "--start", out, *work)
    assert ran.code == 3 and "was trained on the images of role train" in ran.err
    assert not again.exists()


@pytest.mark.parametrize(
    ("splits", "says"),
    [
        ([0] + [1] * 6 + [2], "one image of role train"),
        ([0] * 6 + [1, 2], "one person's images of role calibrate"),
    ],
)
def test_too_few_faces_or_people_to_learn_from_are_said_before_faces_are_looked_for(
    facesearch: Program, tmp_path: Path, splits: list[int], says: str
) -> None:
    data = labelled.celeba(tmp_path / "few", [noise(32, 32, seed) for seed in range(8)], splits, people=False)
    (tmp_path / "tiny.toml").write_text(RECIPE)
    ran = facesearch("train", data, "--out", tmp_path / "n.safetensors", "--recipe", tmp_path / "tiny.toml")
    assert ran.code == 3 and says in ran.err and "Finding faces" not in ran.err


def test_nothing_but_a_checkpoint_is_ever_written_over(facesearch: Program, celeba: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE)
    ran = facesearch("train", celeba, "--out", recipe, "--recipe", recipe, "--work", tmp_path / "work")
    assert ran.code == 2 and "is no checkpoint: name another file" in ran.err
    assert recipe.read_text() == RECIPE


def test_what_a_recipe_lacks_is_said_before_faces_are_looked_for(
    facesearch: Program, celeba: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    (tmp_path / "r.toml").write_text('aux = ["extra"]\ncalibration = ["extra"]\n' + RECIPE)
    ran = facesearch(
        "train", celeba, "--out", tmp_path / "x.safetensors", "--recipe", tmp_path / "r.toml", "--work", work
    )
    assert ran.code == 3 and "no images of role extra" in ran.err
    local = random_checkpoint(tmp_path / "local.safetensors", normalisation=Normalisation.LOCAL)
    start = ["--recipe", "protocol-longer", "--start", local]
    ran = facesearch("train", celeba, "--out", tmp_path / "x.safetensors", *start, "--work", work)
    assert ran.code == 3 and "trained with local normalisation" in ran.err
    assert not work.exists()


@pytest.mark.parametrize("command", [["train", "--out", "x.safetensors"], ["evaluate"]])
def test_a_folder_that_is_no_data_set_is_refused(
    facesearch: Program, tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with_checkpoint = ["--checkpoint", checkpoint] if command == ["evaluate"] else []
    ran = facesearch(command[0], tmp_path / "empty", *command[1:], *with_checkpoint)
    assert ran.code == 3 and "img_align_celeba" in ran.err


def test_the_default_recipe_needs_no_roles_but_those_of_the_official_layout() -> None:
    default = load_recipe(inspect.signature(train).parameters["recipe"].default)
    assert {*default.roles, *default.aux, *default.calibration} <= {
        Role.TRAIN,
        Role.VAL,
    } and not default.from_checkpoint


def test_an_unknown_recipe_is_refused_with_the_known_ones(facesearch: Program, celeba: Path, tmp_path: Path) -> None:
    ran = facesearch("train", celeba, "--out", tmp_path / "x.safetensors", "--recipe", "stew")
    assert ran.code == 2 and "standard" in ran.err


def test_a_checkpoint_that_could_not_be_written_is_refused_before_the_hours_of_training(
    facesearch: Program, celeba: Path, tmp_path: Path
) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with without_root_powers():
        ran = facesearch("train", celeba, "--out", tmp_path / "locked" / "x.safetensors", "--work", tmp_path / "work")
    assert ran.code == 3 and "cannot be written" in ran.err
    assert not (tmp_path / "work").exists()
