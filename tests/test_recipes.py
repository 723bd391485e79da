"""How a network is trained: what may stand in a recipe, and what is refused before the hours."""

from pathlib import Path

import pytest

from facesearch.training.recipe import RecipeError, load_recipe, recipe_names

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("key", ["aux", "calibration"])
def test_a_recipe_that_could_not_be_finished_is_refused_before_the_hours(tmp_path: Path, key: str) -> None:
    text = f'{key} = []\n[[stages]]\nlayout = "mcnn"\ninput = 227\npasses = 1\nrate = 1e-3\nend_rate = 0.0\n'
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(RecipeError, match="at least one role"):
        load_recipe(str(tmp_path / "mine.toml"))


def test_every_recipe_of_the_package_loads() -> None:
    assert {"paper", "standard"} <= set(recipe_names())
    assert [load_recipe(n).name for n in recipe_names()] == recipe_names()


def test_an_unknown_recipe_is_an_error_that_lists_the_known_ones() -> None:
    lfwa, celeba = (
        "borrowed-eyes, commercial, degraded, distilled, distilled-standard, lfwa, lfwa-independent, lfwa-scratch",
        "paper, protocol, protocol-lighter, protocol-longer, protocol-longest",
    )
    with pytest.raises(RecipeError, match=f"{lfwa}, {celeba}, refit, standard"):
        load_recipe("standrad")


def test_a_recipe_with_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('[[stages]]\nlayout = "trunk"\ninput = 67\npases = 1\nrate = 1e-3\nend_rate = 0.0\n')
    with pytest.raises(RecipeError, match="pases"):
        load_recipe(str(path))


@pytest.mark.parametrize(
    "stages",
    [
        [],
        ["trunk"],
        ["mcnn", "trunk"],
        ["single", "mcnn"],
    ],
)
def test_a_recipe_must_end_in_the_papers_groups(tmp_path: Path, stages: list[str]) -> None:
    path = tmp_path / "r.toml"
    stage = '[[stages]]\nlayout = "{}"\ninput = 99\npasses = 1\nrate = 1e-3\nend_rate = 0.0\n'
    path.write_text("".join(stage.format(name) for name in stages))
    with pytest.raises(RecipeError, match="layout mcnn"):
        load_recipe(str(path))


def test_a_recipe_that_leaves_a_network_as_it_is_trains_on_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    as_it_is = "from_checkpoint = true\nkeep_outputs = true\n"
    path.write_text(as_it_is)
    assert load_recipe(str(path)).roles == ()
    path.write_text(as_it_is + 'roles = ["train"]\n')
    with pytest.raises(RecipeError, match="roles is left out"):
        load_recipe(str(path))


@pytest.mark.parametrize(
    "line",
    [
        "rate = nan",
        "rate = -1.0",
        "end_rate = -1.0",
        "passes = nan",
        "passes = inf",
        "input = 99.5",
        "seed = -1",
        "batch = 2.5",
        "average = 2.0",
        "dropout = 1.0",
        "weight_decay = nan",
        "roles = []",
        'augmentation.shift = "0.1"',
        "augmentation.colour = nan",
        "augmentation.jpeg_p = 1.5",
        "augmentation.random_padding = 2",
        "augmentation.scale = 0.6",
    ],
)
def test_a_recipe_with_a_number_that_makes_no_sense_is_refused(tmp_path: Path, line: str) -> None:
    key = line.split()[0].removeprefix("augmentation.")
    stage = {"layout": '"mcnn"', "input": "227", "passes": "1", "rate": "1e-3", "end_rate": "0.0"}
    top, value = ([] if key in stage else [line]), line.split()[2]
    stage = stage | ({key: value} if key in stage else {})
    path = tmp_path / "r.toml"
    path.write_text("\n".join([*top, "[[stages]]", *(f"{name} = {each}" for name, each in stage.items())]))
    with pytest.raises(RecipeError, match=f"cannot be used .*{key}"):
        load_recipe(str(path))


@pytest.mark.parametrize("key", ["roles", "aux", "calibration"])
def test_a_recipe_never_names_the_faces_that_figures_come_from(tmp_path: Path, key: str) -> None:
    path = tmp_path / "r.toml"
    stage = '[[stages]]\nlayout = "mcnn"\ninput = 227\npasses = 1\nrate = 1e-3\nend_rate = 0.0\n'
    path.write_text(f'{key} = ["test"]\n{stage}')
    with pytest.raises(RecipeError, match="role test serves for figures alone"):
        load_recipe(str(path))
