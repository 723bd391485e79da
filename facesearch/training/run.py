"""From a data set to a checkpoint: the whole of `facesearch train`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from facesearch.attributes import NAMES
from facesearch.errors import UsageError
from facesearch.network.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from facesearch.network.device import device_name, pick_device
from facesearch.network.mcnn import Mcnn, fold
from facesearch.network.scorer import Scorer
from facesearch.reliability import SIZES
from facesearch.search.ranking.profiles import PROFILE_MEANS
from facesearch.training.datasets import FaceCache, Labels, Role, cache_folder, open_cache, read_dataset
from facesearch.training.distillation import teacher_answers
from facesearch.training.evaluate import Evaluation, evaluate
from facesearch.training.fine_tuning import check_trainable
from facesearch.training.fitting import fit
from facesearch.training.lite0 import weights_file
from facesearch.training.loop import Network, Progress, TrainingError, predict, taught_rows, train
from facesearch.training.personlabels import with_person_labels
from facesearch.training.provenance import continued, learnt_roles, metadata, other_splits
from facesearch.training.recipe import LITE0, Recipe, load_recipe
from facesearch.training.softlabels import soft_labels
from facesearch.training.targets import Targets
from facesearch.training.teacher import sface_model, teacher_embeddings
from facesearch.vision.crop import INPUT_SIZE

TERMS = "The terms of the data that the network was trained on apply to its weights."
"""What a checkpoint says about its use unless whoever trains it knows better."""


@dataclass(frozen=True)
class Callbacks:
    """How a run tells what it does. faces: (what, done, in all); step: after every training step; note: a line for
    the log."""

    faces: Callable[[str, int, int], None]
    step: Callable[[Progress], None]
    note: Callable[[str], None]


def train_checkpoint(
    data: Path,
    work: Path,
    output: Path,
    recipe: Recipe,
    device: str,
    tell: Callbacks,
    terms: str | None = None,
    start: Path | None = None,
    sizes: Sequence[int] = SIZES,
    tested: bool = True,
) -> tuple[Checkpoint, Evaluation | None]:
    """Train by a recipe and write the checkpoint; None instead of figures where nothing is tested.

    data: folder with CelebA or LFWA in its official layout. work: folder for the cache and the run's state, which a
    second call goes on from. terms: what the checkpoint says about its use; None: what the start says, if there is one,
    and that the data's terms apply. start: the checkpoint that a recipe starts
    from which starts from one; None is the package's. tested: False leaves the faces of role `test` alone,
    for a network that is not the last. sizes: the faces of role `test` are also tried reduced to these.
    Raises FacesearchError (of datasets, loop, checkpoint, start, teacher).
    """
    begin = _start(recipe, start)
    if recipe.distillation:
        _teaching(recipe)
        weights_file()  # what is missing is said now, and not after the hours
    where = pick_device(device)
    tell.note(f"training on {device_name(where)}")
    labels = read_dataset(data)
    tell.note(f"{labels.in_words()}; {labels.skipped} listed images are not there")
    recipe = _with_roles_that_are_there(recipe, labels, tell.note)
    _refuse_too_few(recipe, labels)
    if begin is not None:
        _refuse_faces_it_learnt(begin, recipe, labels)
        for caution in other_splits(begin, labels):
            tell.note(caution)
    if recipe.teacher:
        sface_model()  # a missing one is said now, and not after the hours
    cache = open_cache(
        labels, cache_folder(work, labels.dataset), lambda done, total: tell.faces("finding faces", done, total)
    )
    tell.note(f"faces found in {int(cache.detected.sum()):,} of {len(labels.names):,} images")
    if not labels.dataset.framed_alike:
        labels = _without_undetected(labels, cache, tell.note)
        _refuse_too_few(recipe, labels)
    untaught = [] if recipe.keep_outputs else _untaught(labels, recipe, tell.note)
    if recipe.stages:
        place = _Place(data, labels, cache, cache_folder(work, labels.dataset), work, where, tell)
        mcnn, mean = _trained(recipe, place, begin)
    else:
        assert begin is not None, "a recipe without stages starts from_checkpoint"
        mcnn, mean = begin.network()[0], torch.from_numpy(begin.mean)

    mcnn = _as_saved(fold(mcnn)).to(where)
    held = labels.of(*recipe.aux)
    calibrate = np.isin(labels.roles[held], [r.value for r in recipe.calibration])
    tell.note("scoring the held-out faces for AUX and calibration")
    logits = predict(mcnn, cache, held, mean.to(where), INPUT_SIZE, recipe.views)
    fitted = fit(logits, labels.labels[held], labels.identities[held], calibrate)
    tell.note(f"AUX fitted on {len(held):,} faces, held towards the identity with weight {fitted.l2}")
    small = {
        "mean": mean.numpy(),
        "calibration.scale": fitted.calibration_scale,
        "calibration.bias": fitted.calibration_bias,
        "profile.mean": fitted.profile_mean,
        "profile.matrix": fitted.profile_matrix,
    }
    about = describe(recipe, labels, fitted.l2, terms, begin) | {
        "grades": fitted.grades,
        **({"untaught": untaught} if untaught else {}),
        PROFILE_MEANS: fitted.profile_means.metadata(),
    }
    save_checkpoint(output, mcnn, fitted.aux, small, about)
    if not tested or not len(labels.of(Role.TEST)):
        return load_checkpoint(output), None
    scorer = Scorer(load_checkpoint(output), device)
    found = evaluate(scorer, labels, cache, Role.TEST, lambda d, n: tell.faces("testing", d, n), sizes)
    save_checkpoint(output, mcnn, fitted.aux, small, about | found.metadata())
    return load_checkpoint(output), found


@dataclass(frozen=True)
class _Place:
    """Where a run learns. root: the data set's folder; folder: of what is kept about its faces; work: of all runs."""

    root: Path
    labels: Labels
    cache: FaceCache
    folder: Path
    work: Path
    device: torch.device
    tell: Callbacks


def _trained(recipe: Recipe, place: _Place, begin: Checkpoint | None) -> tuple[Mcnn, torch.Tensor]:
    """The stages of the recipe, with all that it wants to learn from beside the labels."""
    labels, cache, tell = place.labels, place.cache, place.tell
    rows, taught = labels.of(*recipe.roles), taught_rows(labels, recipe)
    targets = _person_targets(recipe, place)
    if recipe.soften:
        assert begin is not None, "a recipe that softens starts from_checkpoint"
        told = partial(tell.faces, "asking the start")
        soft = soft_labels(begin, cache, rows, place.folder, place.device, told)
        targets = replace(targets, soft=soft, soften=recipe.soften)
    if recipe.distillation:
        targets = replace(targets, answers=_answers(recipe, place), distilled=recipe.distillation.share)
    embeddings = None
    if len(taught):
        told = partial(tell.faces, "asking the recognition network")
        embeddings = teacher_embeddings(cache, taught, place.folder, told)
    found, mean = _train(recipe, place, targets, embeddings, begin)
    assert isinstance(found, Mcnn), "_start has refused other layouts"
    return found, mean


def _person_targets(recipe: Recipe, place: _Place) -> Targets:
    rows = place.labels.of(*recipe.roles)
    return Targets(with_person_labels(place.labels, rows, recipe.person_labels, place.root))


def _answers(recipe: Recipe, place: _Place) -> NDArray[np.float32]:
    """Train the teacher of a recipe with distillation, and ask it about the faces of the recipe."""
    assert recipe.distillation is not None
    teaching = _teaching(recipe)
    place.tell.note(f"teacher: recipe {teaching.name}")
    teacher, mean = _train(teaching, place, _person_targets(teaching, place))
    return teacher_answers(
        teacher,
        mean.to(place.device),
        teaching.stages[-1].input,
        place.cache,
        place.labels.of(*recipe.roles),
        recipe.distillation.views,
        recipe.augmentation,
        place.folder,
        partial(place.tell.faces, f"asking {teaching.name}"),
    )


def _teaching(recipe: Recipe) -> Recipe:
    """The recipe of a recipe's teacher. Raises RecipeError, and UsageError where it cannot teach."""
    assert recipe.distillation is not None
    found = load_recipe(recipe.distillation.teacher)
    if not found.makes_teacher or not set(found.roles) <= set(recipe.roles):
        raise UsageError(
            f"Recipe {recipe.name} learns from recipe {found.name}, which must be of layout {LITE0} and know no faces "
            "of other roles: name another teacher."
        )
    return found


def _train(
    recipe: Recipe,
    place: _Place,
    targets: Targets,
    embeddings: NDArray[np.float32] | None = None,
    begin: Checkpoint | None = None,
) -> tuple[Network, torch.Tensor]:
    """`train` in the recipe's own folder."""
    run, tell = place.work / recipe.name, place.tell
    return train(place.labels, place.cache, recipe, run, place.device, tell.step, tell.note, embeddings, begin, targets)


def _start(recipe: Recipe, named: Path | None) -> Checkpoint | None:
    """The network that the recipe starts from. Raises UsageError, CheckpointError, StartError: before the hours."""
    if recipe.independent:
        raise UsageError(
            f"Recipe {recipe.name} trains CNNs of one attribute each, which make no checkpoint: "
            "benchmarks/lfwa_protocol.py uses it."
        )
    if recipe.makes_teacher:
        raise UsageError(
            f"Recipe {recipe.name} trains a teacher, which makes no checkpoint: name a recipe that learns from it."
        )
    if named and not recipe.from_checkpoint:
        raise UsageError(
            f"Recipe {recipe.name} does not start from a checkpoint.", "start not wanted", recipe=recipe.name
        )
    if not recipe.from_checkpoint:
        return None
    checkpoint = load_checkpoint(named)
    if recipe.stages:
        check_trainable(checkpoint)
    return checkpoint


def _with_roles_that_are_there(recipe: Recipe, labels: Labels, note: Callable[[str], None]) -> Recipe:
    """CelebA's official layout knows fewer roles than a list of roles does. Raises TrainingError where none is left."""

    def there(roles: tuple[Role, ...]) -> tuple[Role, ...]:
        found = tuple(role for role in roles if len(labels.of(role)))
        if roles and not found:
            named = " or ".join(roles)
            raise TrainingError(f"The data set has no images of role {named}, which recipe {recipe.name} needs.")
        return found

    found = replace(recipe, roles=there(recipe.roles), aux=there(recipe.aux), calibration=there(recipe.calibration))
    if absent := {*recipe.roles, *recipe.aux} - {*found.roles, *found.aux}:
        note(f"no images of role {', '.join(sorted(absent))}: done without")
    return found


def _without_undetected(labels: Labels, cache: FaceCache, note: Callable[[str], None]) -> Labels:
    """Photos of any kind have no usual place for a face: where none was found, there is nothing to learn from."""
    missed = np.flatnonzero(~cache.detected)
    if not len(missed):
        return labels
    some = ", ".join(labels.names[row] for row in missed[:5]) + (", ..." if len(missed) > 5 else "")
    note(f"{len(missed):,} images in which no face was found are left out: {some}")
    roles = labels.roles.copy()
    roles[missed] = ""
    return replace(labels, roles=roles)


def _untaught(labels: Labels, recipe: Recipe, note: Callable[[str], None]) -> list[str]:
    """The attributes that no training face is labelled with: every face will have them with a probability of .5."""
    taught = labels.taught(labels.of(*recipe.roles))
    found = [name for name, known in zip(NAMES, taught.tolist(), strict=True) if not known]
    if found:
        note(f"no training image is labelled with {', '.join(found)}: the network will say nothing about them")
    return found


def _refuse_too_few(recipe: Recipe, labels: Labels) -> None:
    """Normalisation needs two images, and whatever is cross-fitted by person two persons."""
    if recipe.stages and len(labels.of(*recipe.roles)) < 2:
        raise TrainingError(f"The data set has one image of role {' and '.join(recipe.roles)}: give it more.")
    if len(np.unique(labels.identities[labels.of(*recipe.aux)])) < 2:
        raise TrainingError(
            f"The data set has one person's images of role {' and '.join(recipe.aux)}, on which AUX and calibration "
            "are fitted across people: give it those of more people."
        )


def _refuse_faces_it_learnt(start: Checkpoint, recipe: Recipe, labels: Labels) -> None:
    """AUX and calibration fitted on the network's own training faces would believe it too much, and a run that is
    watched on them goes on for too long.
    """
    learnt = set(learnt_roles(start, labels)) & {*recipe.aux, recipe.judging, Role.TEST}
    if learnt:
        raise TrainingError(
            f"{start.path} was trained on the images of role {', '.join(sorted(learnt))}, on which recipe "
            f"{recipe.name} would fit AUX and calibration, watch the training or test: name a network that has not "
            "seen them."
        )


def describe(recipe: Recipe, labels: Labels, l2: float, terms: str | None, start: Checkpoint | None) -> dict[str, Any]:
    """What the checkpoint says about where it comes from."""
    started = {"started_from": f"model {start.digest[:12]}, of {start.metadata['data']}"} if start else {}
    return {
        "architecture": "MCNN-AUX (Hand & Chellappa, AAAI 2017)",
        "recipe": recipe.name,
        "mirror": recipe.mirror,
        "nearer": recipe.nearer,
        **metadata(continued(start, labels, recipe.roles, recipe.aux)),
        "aux_and_calibration": (
            f"AUX on {' + '.join(recipe.aux)} (pull to the identity {l2}), "
            f"calibration on {' + '.join(recipe.calibration)}, cross-fitted by person"
        ),
        "terms": terms or _terms(start, labels),
        "version": version("facesearch"),
        **started,
        **_beyond_labels(recipe, start),
    }


def _beyond_labels(recipe: Recipe, start: Checkpoint | None) -> dict[str, Any]:
    """What was learnt from beside the labels of the pictures themselves, in this run or before it: `person_labels`, the
    share of the person's other pictures by attribute, and `taught_by`, the networks whose answers were learnt."""
    before = start.metadata if start else {}
    shares = dict(before.get("person_labels", {})) | dict(recipe.person_labels)
    teachers = list(before.get("taught_by", []))
    if recipe.distillation:
        teachers.append(f"{LITE0} (recipe {_teaching(recipe).name})")
    if recipe.teacher:
        teachers.append("SFace")
    found = {"person_labels": shares, "taught_by": list(dict.fromkeys(teachers))}
    return {name: value for name, value in found.items() if value}


def _terms(start: Checkpoint | None, labels: Labels) -> str:
    """Whoever goes on from a network is bound by its terms, and by those of other data."""
    if start is None:
        return TERMS
    known = str(start.metadata["terms"])
    return known if start.metadata["data"] == labels.in_words() or TERMS in known else f"{known} {TERMS}"


@torch.no_grad()
def _as_saved(mcnn: Mcnn) -> Mcnn:
    """Weights rounded as the half-precision file holds them, so that AUX is fitted to what will be used."""
    for p in mcnn.parameters():
        p.copy_(p.half().float())
    return mcnn.eval()
