"""A recipe: everything that decides how a network is trained, as one TOML file."""

import json
import math
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

from facesearch.attributes import NAMES
from facesearch.errors import UsageError
from facesearch.network.views import Views
from facesearch.training.augment import Augmentation
from facesearch.training.datasets import REACH, Role


class RecipeError(UsageError, kinds=("recipe",)):
    """The recipe file is missing or wrong."""


SMALLEST_INPUT = 79
"""Side in pixels below which the third convolution is wider than what the second leaves."""

_LAYOUTS = {"trunk", "mcnn"}

SINGLE = "single"
"""Layout of the paper's independent CNNs: one attribute, nothing shared."""

LITE0 = "efficientnet-lite0"
"""Layout of a network that is only ever a teacher (lite0.py)."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stretch of training at one input size.

    layout: `trunk` or `mcnn`; a trunk is copied into the groups where the layout changes; `single` throughout for
    independent CNNs, `efficientnet-lite0` for a teacher. input: side in pixels.
    passes: over the training faces, may be a fraction. rate: learning rate after `warm_up` (fraction of the stage's
    steps), falling along a cosine to `end_rate`.
    """

    layout: str
    input: int
    passes: float
    rate: float
    end_rate: float
    warm_up: float = 0.03


@dataclass(frozen=True, slots=True)
class Distillation:
    """Learning from a larger network's answers (distillation.py).

    teacher: the recipe that makes it, by name or path. share: of its answers in the targets. views: how many fixed
    pictures of each face it answers.
    """

    teacher: str
    share: float
    views: int = 4


@dataclass(frozen=True, slots=True)
class Recipe:
    """See recipes/*.toml, which explain the values.

    from_checkpoint: starts from a finished network, the package's or the one that the user names. keep_outputs: with
    its outputs, where it learnt the same labels; else they start anew. Without stages that network is left as it is,
    and only AUX and all that stands above it are fitted anew.
    soften: share of what that network says in the targets (softlabels.py), the rest being the labels.
    teacher: weight of the recognition network's target (teacher.py), 0 leaves it out. taught: how many of the training
    faces it teaches, from the first; 0 for all. person_labels: share of the person's mean label in the targets, by
    attribute (personlabels.py). distillation: None learns from no larger network. mixup: both parameters of the beta
    distribution by which two faces and their targets are mixed (mixup.py); 0 mixes none. aux, calibration: roles on
    which AUX and the probabilities are fitted once the network is trained; never those it was trained on. mirror,
    nearer: the views over which its scores are then averaged (views.py).
    """

    name: str
    stages: tuple[Stage, ...]
    roles: tuple[Role, ...] = (Role.TRAIN,)
    from_checkpoint: bool = False
    keep_outputs: bool = False
    soften: float = 0.0
    teacher: float = 0.0
    taught: int = 0
    person_labels: tuple[tuple[str, float], ...] = ()
    distillation: Distillation | None = None
    mixup: float = 0.0
    aux: tuple[Role, ...] = (Role.VAL, Role.CALIBRATE)
    calibration: tuple[Role, ...] = (Role.CALIBRATE,)
    normalisation: str = "batch"
    seed: int = 1
    batch: int = 128
    weight_decay: float = 0.05
    dropout: float = 0.5
    average: float = 0.998
    mirror: bool = True
    nearer: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def views(self) -> Views:
        """Over which views of a face the finished network's scores are averaged."""
        return Views(self.mirror, self.nearer)

    @property
    def judging(self) -> Role | None:
        """The role by which a run is watched: never one that it trains on. None where nothing is trained."""
        roles = (Role.VAL, Role.CALIBRATE, Role.EXTRA, Role.TRAIN)
        return next(role for role in roles if role not in self.roles) if self.stages else None

    @property
    def independent(self) -> bool:
        """Whether it trains CNNs of one attribute each."""
        return any(stage.layout == SINGLE for stage in self.stages)

    @property
    def makes_teacher(self) -> bool:
        """Whether it trains a network that only teaches others."""
        return any(stage.layout == LITE0 for stage in self.stages)


def stored(recipe: Recipe) -> dict[str, Any]:
    """A recipe as JSON holds it."""
    return dict(json.loads(json.dumps(asdict(recipe))))


def as_of_today(record: dict[str, Any]) -> dict[str, Any]:
    """What an earlier version stored of a recipe, with the fields that it did not know yet at their defaults."""
    return {
        **_defaults(Recipe),
        **record,
        "stages": [{**_defaults(Stage), **stage} for stage in record["stages"]],
        "augmentation": {**_defaults(Augmentation), **record["augmentation"]},
    }


def _defaults(kind: type) -> dict[str, Any]:
    known = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
    return dict(json.loads(json.dumps(known)))


def load_recipe(name: str) -> Recipe:
    """A recipe of the package by its name, or any .toml file by its path. Raises RecipeError."""
    path = Path(name)
    try:
        if path.suffix == ".toml":
            text = path.read_text()
        else:
            text = (resources.files("facesearch.training") / "recipes" / f"{name}.toml").read_text()
        return _from_toml(path.stem, tomllib.loads(text))
    except OSError as e:
        known = ", ".join(recipe_names())
        raise RecipeError(f"There is no recipe {name!r}: name a .toml file or one of {known}.") from e
    except (tomllib.TOMLDecodeError, TypeError, ValueError) as e:
        raise RecipeError(f"Recipe {name!r} cannot be used ({e}): compare it with the recipes in the package.") from e


def recipe_names() -> list[str]:
    """Names of the recipes that come with the package."""
    folder = resources.files("facesearch.training") / "recipes"
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def _from_toml(name: str, table: dict[str, Any]) -> Recipe:
    table = dict(table)
    stages = tuple(Stage(**s) for s in table.pop("stages", []))
    layouts = [s.layout for s in stages]
    _refuse(_faults_of_layouts(layouts, table))
    for stage in stages:
        _refuse(_faults_of_stage(stage))
    for key in ("roles", "aux", "calibration"):
        if key in table:
            table[key] = tuple(Role(r) for r in table[key])
    augmentation = _augmentation(table.pop("augmentation", {}))
    table["person_labels"] = _person_labels(table.pop("person_labels", {}))
    if "distillation" in table:
        table["distillation"] = _distillation(table["distillation"], layouts)
    recipe = Recipe(name=name, stages=stages, augmentation=augmentation, **table)
    _refuse(_faults_of_start(recipe, layouts))
    _refuse(_faults_of_roles(recipe))
    _refuse(_faults_of_numbers(recipe))
    return recipe


_Faults = Iterator[tuple[bool, str]]
"""Whether something is wrong, and what; looked into one by one, since what comes later builds on it."""


def _refuse(faults: _Faults) -> None:
    for is_there, what in faults:
        if is_there:
            raise ValueError(what)


def _faults_of_layouts(layouts: list[str], table: dict[str, Any]) -> _Faults:
    shared = layouts[-1:] == ["mcnn"] and layouts == sorted(layouts, reverse=True) and set(layouts) <= _LAYOUTS
    as_it_is = not layouts and table.get("keep_outputs") is True
    yield (
        not shared and not as_it_is and set(layouts) not in ({SINGLE}, {LITE0}),
        "its [[stages]] must be any number of layout trunk, then at least one of layout mcnn; with keep_outputs there "
        "may be none",
    )
    yield (
        as_it_is and bool(table.setdefault("roles", [])),
        "without [[stages]] it trains on nothing, so roles is left out",
    )


def _faults_of_stage(stage: Stage) -> _Faults:
    yield (
        not isinstance(stage.input, int) or stage.input < SMALLEST_INPUT,
        f"a stage needs an input of {SMALLEST_INPUT} pixels or more, in whole pixels",
    )
    yield (
        not 0 < stage.passes < math.inf or not 0 <= stage.warm_up < 1,
        "a stage needs passes > 0 and 0 <= warm_up < 1",
    )
    yield (
        not 0 < stage.rate < math.inf or not 0 <= stage.end_rate < math.inf,
        "a stage needs rate > 0 and end_rate >= 0",
    )


def _faults_of_start(recipe: Recipe, layouts: list[str]) -> _Faults:
    goes_on = bool(recipe.from_checkpoint)
    yield bool(layouts and not recipe.roles), "roles names what it trains on"
    yield recipe.normalisation not in ("batch", "local"), "normalisation is batch or local"
    yield recipe.keep_outputs and not goes_on, "keep_outputs needs from_checkpoint"
    yield (
        not 0 <= recipe.soften <= 1 or bool(recipe.soften and not recipe.keep_outputs),
        "soften is a share from 0 to 1, and needs keep_outputs",
    )
    yield (
        goes_on and layouts[:1] not in ([], ["mcnn"]),
        "a recipe that goes on from another network starts in the groups (layout mcnn)",
    )
    yield goes_on and recipe.normalisation != "batch", "a checkpoint is trained on with batch normalisation"


def _faults_of_roles(recipe: Recipe) -> _Faults:
    yield not recipe.aux or not recipe.calibration, "aux and calibration name at least one role each"
    held_out = {*recipe.aux, *recipe.calibration}
    yield (
        Role.TEST in {*recipe.roles, *held_out},
        "role test serves for figures alone: leave it out of roles, aux and calibration",
    )
    yield (
        bool(set(recipe.roles) & held_out) or not set(recipe.calibration) <= set(recipe.aux),
        "aux and calibration are other roles than those trained on, and aux holds calibration's",
    )


def _faults_of_numbers(recipe: Recipe) -> _Faults:
    yield not 0 <= recipe.teacher < math.inf or not _is_whole(recipe.taught, 0), "teacher and taught must be 0 or more"
    yield (
        recipe.makes_teacher and bool(recipe.from_checkpoint or recipe.teacher or recipe.normalisation != "batch"),
        f"layout {LITE0} starts from weights of its own: leave from_checkpoint and teacher away",
    )
    yield not 0 <= recipe.mixup < math.inf, "mixup must be 0 or more"
    yield (
        not _is_whole(recipe.batch, 2) or not _is_whole(recipe.seed, 0),
        "batch must be a whole number from 2 on, seed one from 0 on",
    )
    yield (
        not 0 <= recipe.average < 1 or not 0 <= recipe.dropout < 1 or not 0 <= recipe.weight_decay < math.inf,
        "average and dropout must be from 0 to below 1, weight_decay 0 or more",
    )


def _person_labels(table: dict[str, Any]) -> tuple[tuple[str, float], ...]:
    if unknown := table.keys() - set(NAMES):
        raise ValueError(f"person_labels names {', '.join(sorted(unknown))}, which is none of the 40 attributes")
    for name, share in table.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ValueError(f"person_labels: {name} must be a share from 0 to 1")
    return tuple((name, float(table[name])) for name in NAMES if name in table)


def _distillation(table: dict[str, Any], layouts: list[str]) -> Distillation:
    found = Distillation(**table)
    if set(layouts) & {SINGLE, LITE0} or not layouts:
        raise ValueError("distillation is for a network of layout mcnn that is trained")
    if not isinstance(found.teacher, str) or not 0 < found.share <= 1 or not _is_whole(found.views, 1):
        raise ValueError("distillation needs the name of a teacher's recipe, a share above 0 to 1, and whole views")
    return found


def _augmentation(table: dict[str, Any]) -> Augmentation:
    found = Augmentation(**table)
    for name, value in table.items():
        if isinstance(getattr(Augmentation(), name), bool):
            if not isinstance(value, bool):
                raise ValueError(f"{name} must be true or false")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise ValueError(f"{name} must be a number from 0 on")
        elif name.endswith("_p") and value > 1:
            raise ValueError(f"{name} is a probability, from 0 to 1")
    if found.reach > REACH:
        raise ValueError(
            f"shift, scale and rotation together would show {found.reach:.2f} times the crop, and {REACH:g} times it "
            "is kept of each face"
        )
    return found


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and value >= least
