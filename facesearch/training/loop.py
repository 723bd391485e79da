"""Stage one of the paper's two: train MCNN (stage two, AUX on the frozen MCNN, is fitting.py).

Everything random is drawn from the seed and the number of the step, and all state goes to one file now and then: a run
that is killed at any moment and started again goes on and ends with the same network as an unbroken one.
"""

import copy
import json
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from db import durable
from db.lock import exclusive
from facesearch.cores import usable_cores
from facesearch.errors import FacesearchError
from facesearch.network.checkpoint import Checkpoint
from facesearch.network.device import bf16_pays
from facesearch.network.mcnn import LAYOUTS, TRUNK_LAYOUT, Mcnn, Normalisation, expand, prepare
from facesearch.network.scorer import mcnn_logits
from facesearch.network.views import PLAIN, Views
from facesearch.training.augment import augmented_crop, fixed_view, worsened
from facesearch.training.datasets import UNKNOWN, FaceCache, Labels, Role
from facesearch.training.fine_tuning import trainable
from facesearch.training.lite0 import MEAN, Lite0
from facesearch.training.metrics import accuracy, average_precision
from facesearch.training.metrics import mean as mean_of
from facesearch.training.mixup import Mixing
from facesearch.training.recipe import LITE0, Recipe, Stage, as_of_today, stored
from facesearch.training.targets import Targets, cross_entropy, plain_targets
from facesearch.training.teacher import Student, expand_student
from facesearch.vision.crop import INPUT_SIZE, crop_face

SAVE_EVERY = 240.0
"""Seconds between two saved states: what a killed run may lose."""

Network = Mcnn | Lite0
"""What can be trained."""

_VALIDATION_FACES = 1500
_UNFOLDING_FACES = 256


class TrainingError(FacesearchError, kinds=("training",)):
    """Training cannot go on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. loss: mean over the last steps; rate: faces per second; left: seconds to the end,
    estimated."""

    stage: int
    stages: int
    step: int
    steps: int
    loss: float
    rate: float
    left: float


@dataclass
class _Run:
    """What is saved: the network being trained, its moving average, what is learnt for the teacher alone, the
    optimiser, where the run stands, and the mean that is subtracted from its input, per channel [3]."""

    stage: int
    step: int
    mean: Tensor
    model: Network
    average: Network
    student: Student
    optimiser: torch.optim.AdamW


@dataclass(frozen=True)
class _Material:
    """What a run learns from.

    rows: the training faces; validation: those of role `judging` on which a pass is judged; labels: uint8 [N, 40];
    targets: what is learnt; embeddings: the teacher's, float32 [N, 128], None where the recipe wants none; start: the
    network to start from, likewise.
    """

    cache: FaceCache
    rows: NDArray[np.int64]
    judging: Role
    validation: NDArray[np.int64]
    labels: NDArray[np.uint8]
    targets: Targets
    embeddings: NDArray[np.float32] | None
    start: Checkpoint | None


def taught_rows(labels: Labels, recipe: Recipe) -> NDArray[np.int64]:
    """The training faces whose embeddings the recipe wants."""
    return labels.of(*recipe.roles)[: recipe.taught or None] if recipe.teacher else np.empty(0, np.int64)


def train(
    labels: Labels,
    cache: FaceCache,
    recipe: Recipe,
    folder: Path,
    device: torch.device,
    report: Callable[[Progress], None] | None = None,
    note: Callable[[str], None] | None = None,
    embeddings: NDArray[np.float32] | None = None,
    start: Checkpoint | None = None,
    targets: Targets | None = None,
) -> tuple[Network, Tensor]:
    """Train or go on training in `folder`. Returns the averaged network (evaluation mode) and the per-channel mean [3].

    embeddings: of `teacher_embeddings` for the rows of `taught_rows`. targets: what is learnt, the labels if not
    given. report: called after every step; note: a line for the log at every end of a pass. A recipe that starts
    from_checkpoint needs `start`, and keeps the mean it knows.
    Raises TrainingError when the loss is no number, when the folder holds the run of another recipe, or when no image
    has a role of the recipe; StartError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = start if recipe.from_checkpoint else None
    with exclusive(folder / ".lock") as mine:
        if not mine:
            raise TrainingError(f"Another training works in {folder}: wait for it, or name another folder.")
        _claim(folder, recipe, labels, start, targets)
        rows = labels.of(*recipe.roles)
        if not len(rows):
            raise TrainingError(f"The data set has no images of role {', '.join(recipe.roles)}: nothing to train on.")
        judging = recipe.judging
        assert judging is not None, "the recipe has stages"
        judged = labels.of(judging)
        judged = judged[:: max(1, len(judged) // _VALIDATION_FACES)]
        learnt = targets or Targets(plain_targets(labels.labels))
        material = _Material(cache, rows, judging, judged, labels.labels, learnt, embeddings, start)
        run = _resume(folder, recipe, device) or _begin(recipe, material, device)
        while run.stage < len(recipe.stages):
            _train_stage(run, recipe, material, folder, device, report, note)
            run = _next_stage(run, recipe, device)
            _save(run, folder)
    return run.average.eval(), run.mean


def _train_stage(
    run: _Run,
    recipe: Recipe,
    material: _Material,
    folder: Path,
    device: torch.device,
    report: Callable[[Progress], None] | None,
    note: Callable[[str], None] | None,
) -> None:
    stage, rows = recipe.stages[run.stage], material.rows
    steps, per_pass = stage_steps(stage, recipe, len(rows)), max(1, len(rows) // recipe.batch)
    mean = run.mean.to(device)
    bf16 = bf16_pays(device)
    smooth, since, saved = 0.0, time.monotonic(), time.monotonic()
    first = run.step
    run.model.train()
    fixed = material.targets.views
    for batch_rows, view, crops in _batches(rows, material.cache, recipe, run.stage, run.step, device, fixed):
        torch.manual_seed(_step_seed(recipe, run.stage, run.step))  # dropout
        for group in run.optimiser.param_groups:
            group["lr"] = learning_rate(stage, run.step / steps)
        x = prepare(torch.from_numpy(crops).to(device, non_blocking=True), mean)
        y = material.targets.of(batch_rows, view).to(device)
        wanted = None
        if material.embeddings is not None:
            wanted = torch.from_numpy(material.embeddings[batch_rows]).to(device)
        if recipe.mixup:
            mixing = Mixing.drawn(recipe.mixup, len(x), np.random.default_rng(_key(recipe, run.stage, run.step, 3)))
            x, y = mixing.of(x), mixing.of(y)
            wanted = mixing.of_directions(wanted) if wanted is not None else None
        objective, loss = _losses(run, recipe, x, y, wanted, bf16)
        run.optimiser.zero_grad(set_to_none=True)
        objective.backward()  # type: ignore[no-untyped-call]
        run.optimiser.step()
        run.step += 1
        _follow(run.average, run.model, min(recipe.average, (1 + run.step) / (10 + run.step)))
        value = float(loss.detach())
        _require_finite(value, run, per_pass, folder)
        smooth = value if run.step == first + 1 else 0.98 * smooth + 0.02 * value
        now = time.monotonic()
        speed = (run.step - first) * recipe.batch / (now - since)
        if report:
            left = (steps - run.step) * recipe.batch / speed
            report(Progress(run.stage + 1, len(recipe.stages), run.step, steps, smooth, speed, left))
        if run.step % per_pass == 0 or run.step == steps:
            line = _validate(run, stage, material, mean)
            line |= {"stage": run.stage + 1, "step": run.step, "loss": round(smooth, 4)}
            line |= {"faces_per_second": round(speed, 1)}
            _log(line, run.step / per_pass, folder, note)
            run.model.train()
        if now - saved > SAVE_EVERY:
            _save(run, folder)
            saved = now


def _require_finite(loss: float, run: _Run, per_pass: int, folder: Path) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            f"The loss is no longer a number (stage {run.stage + 1}, pass {(run.step - 1) // per_pass + 1}): "
            f"lower this stage's rate in the recipe, delete {folder}, and start again."
        )


def _log(line: dict[str, Any], passes: float, folder: Path, note: Callable[[str], None] | None) -> None:
    """Keep what a pass has reached, and tell it."""
    with (folder / "log.jsonl").open("a") as log:
        log.write(json.dumps(line) + "\n")
    if note:
        note(_in_words(line, passes))


def _losses(
    run: _Run, recipe: Recipe, x: Tensor, y: Tensor, wanted: Tensor | None, bf16: bool
) -> tuple[Tensor, Tensor]:
    """What is minimised, and the cross-entropy alone. wanted: the recognition teacher's numbers [B, 128]."""
    autocast = torch.autocast(x.device.type, torch.bfloat16, enabled=bf16)
    if wanted is None:
        with autocast:
            logits = run.model(x)
        loss = cross_entropy(logits.float(), y)
        return loss, loss
    assert isinstance(run.model, Mcnn), "other layouts learn from no recognition network"
    with autocast:
        pooled = run.model.pooled(x)
        fc1 = run.model.fc1(pooled)
        logits = run.model.from_fc1(fc1)
    loss = cross_entropy(logits.float(), y)
    return loss + recipe.teacher * run.student(pooled.float(), fc1.float(), wanted), loss


def stage_steps(stage: Stage, recipe: Recipe, faces: int) -> int:
    """Number of steps of a stage."""
    return max(1, round(stage.passes * faces / recipe.batch))


def learning_rate(stage: Stage, done: float) -> float:
    """Rate at a fraction of the stage: linear warm-up, then a cosine down to end_rate."""
    if done < stage.warm_up:
        return stage.rate * (done / stage.warm_up) if stage.warm_up else stage.rate
    t = (done - stage.warm_up) / (1 - stage.warm_up)
    return stage.end_rate + (stage.rate - stage.end_rate) * (1 + math.cos(math.pi * min(t, 1.0))) / 2


def channel_mean(cache: FaceCache, rows: NDArray[np.int64], sample: int = 2000) -> Tensor:
    """Per-channel mean [3] of plain crops (0..255), from an even sample of the rows. The paper subtracts a mean
    image."""
    picked = rows[:: max(1, len(rows) // sample)]
    return torch.from_numpy(np.mean([plain_crop(cache, int(r), 64).mean(axis=(0, 1)) for r in picked], axis=0)).float()


def plain_crop(cache: FaceCache, row: int, size: int) -> NDArray[np.uint8]:
    """The crop of a cached face as indexing would make it, uint8 [size, size, 3]."""
    part, box, turned = cache.region(row)
    return crop_face(part, box, turned, size=size)


@torch.no_grad()
def predict(
    model: Network, cache: FaceCache, rows: NDArray[np.int64], mean: Tensor, size: int, views: Views, batch: int = 64
) -> NDArray[np.float32]:
    """Logits float32 [N, 40], the means over the views of each face's crop. Evaluation mode."""
    model.eval()
    found = []
    for start in range(0, len(rows), batch):
        crops = np.stack([plain_crop(cache, int(r), size) for r in rows[start : start + batch]])
        found.append(mcnn_logits(model, torch.from_numpy(crops), mean, views).cpu().numpy())
    return np.concatenate(found)


def _validate(run: _Run, stage: Stage, material: _Material, mean: Tensor) -> dict[str, Any]:
    """Figures of the moving average on an even part of `val` (`calibrate` where val is trained on), at the stage's
    input size, on plain crops alone."""
    rows, targets = material.validation, material.labels
    if not len(rows):
        return {}
    logits = predict(run.average, material.cache, rows, mean, stage.input, PLAIN)
    return {
        "on": material.judging.value,
        "accuracy": round(100 * mean_of(accuracy(logits > 0, targets[rows])), 3),
        "average_precision": round(100 * mean_of(average_precision(logits, targets[rows])), 3),
    }


def _in_words(line: dict[str, Any], passes: float) -> str:
    words = f"stage {line['stage']}, pass {passes:.1f}: loss {line['loss']:.4f}, {line['faces_per_second']} faces/s"
    if "accuracy" in line:
        words += f", on {line['on']} accuracy {line['accuracy']:.2f}, average precision {line['average_precision']:.2f}"
    return words


@torch.no_grad()
def _follow(average: Network, model: Network, decay: float) -> None:
    """Move the average's weights and running statistics a little towards the trained network's."""
    mine = [t for t in average.state_dict().values() if t.is_floating_point()]
    other = [t for t in model.state_dict().values() if t.is_floating_point()]
    torch._foreach_lerp_(mine, other, 1 - decay)


# ---- batches ------------------------------------------------------------------------------------------------------

_Batch = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]
"""Rows of the faces, which of their fixed views is shown (0 where there are none), and the crops."""

_AHEAD = 3  # batches that lie ready, besides one in every thread


def _batches(
    rows: NDArray[np.int64],
    cache: FaceCache,
    recipe: Recipe,
    stage_number: int,
    start: int,
    device: torch.device,
    views: int,
) -> Iterator[_Batch]:
    """Batches of a stage from step `start` on, in order, made ahead by threads (OpenCV lets go of the interpreter while
    it works): one beside a CPU that trains, several where a GPU would wait for them. views: how many fixed views each
    face has, 0 for none."""
    stage = recipe.stages[stage_number]
    end = stage_steps(stage, recipe, len(rows))
    threads = min(8, usable_cores()) if device.type == "cuda" else 1
    with ThreadPoolExecutor(threads, thread_name_prefix="batch") as pool:
        pending: deque[Future[_Batch]] = deque()
        try:
            for step in range(start, end + threads + _AHEAD):
                if step < end:
                    pending.append(pool.submit(_make_batch, rows, cache, recipe, stage_number, step, views))
                if pending and (step >= end or len(pending) > threads + _AHEAD):
                    yield pending.popleft().result()
        finally:
            for each in pending:
                each.cancel()


def _make_batch(
    rows: NDArray[np.int64], cache: FaceCache, recipe: Recipe, stage_number: int, step: int, views: int
) -> _Batch:
    stage, a = recipe.stages[stage_number], recipe.augmentation
    per_pass = max(1, len(rows) // recipe.batch)
    this_pass = step // per_pass
    order = np.random.default_rng((recipe.seed, stage_number, this_pass)).permutation(len(rows))
    at = (step % per_pass) * recipe.batch
    picked = rows[order[at : at + recipe.batch]]
    rng = np.random.default_rng(_key(recipe, stage_number, step, 1))
    # Every face shows all of its views in as many passes: the passes of a stage go round them.
    view = (picked + this_pass) % views if views else np.zeros_like(picked)
    crops = np.empty((len(picked), stage.input, stage.input, 3), np.uint8)
    for i, (row, number) in enumerate(zip(picked.tolist(), view.tolist(), strict=True)):
        face = cache.region(row)
        if views:
            crops[i] = worsened(fixed_view(*face, stage.input, a, row, number), a, rng)
        else:
            crops[i] = augmented_crop(*face, stage.input, a, rng)
    return picked, view, crops


def _key(recipe: Recipe, stage: int, step: int, what: int) -> tuple[int, int, int, int]:
    """Seed of one kind of draws in one step."""
    return recipe.seed, stage, step, what


def _step_seed(recipe: Recipe, stage: int, step: int) -> int:
    return int(np.random.SeedSequence(_key(recipe, stage, step, 2)).generate_state(1)[0])


# ---- state --------------------------------------------------------------------------------------------------------


def _claim(folder: Path, recipe: Recipe, labels: Labels, start: Checkpoint | None, targets: Targets | None) -> None:
    """One folder, one recipe, one data set, one start, the same targets: going on with another would give a network
    that no recipe describes, or one that has seen the faces it is then tested on."""
    wanted = {"recipe": stored(recipe), "data": labels.digest()} | ({"start": start.digest} if start else {})
    if targets and (recipe.person_labels or recipe.distillation):
        wanted["targets"] = targets.digest()
    path = folder / "begun_with.json"
    if not path.exists():
        durable.write_text(path, json.dumps(wanted, indent=1, sort_keys=True))
        return
    try:
        begun = json.loads(path.read_text())
        begun["recipe"]["stages"]  # what is there is what was written
    except (ValueError, TypeError, KeyError) as e:
        raise _damaged(path) from e
    if begun | {"recipe": as_of_today(begun["recipe"])} != wanted:
        raise TrainingError(
            f"{folder} holds a run of another recipe, data set or start: name another folder, or delete it to start "
            "over."
        )


def _damaged(path: Path) -> TrainingError:
    return TrainingError(f"{path} is damaged: delete {path.parent}, and the training starts over.")


def _begin(recipe: Recipe, material: _Material, device: torch.device) -> _Run:
    torch.manual_seed(recipe.seed)
    first = recipe.stages[0].layout
    model: Network
    if recipe.from_checkpoint:
        assert material.start is not None, "the recipe starts from_checkpoint"
        some = material.rows[:: max(1, len(material.rows) // _UNFOLDING_FACES)]
        crops = torch.from_numpy(np.stack([plain_crop(material.cache, int(r), INPUT_SIZE) for r in some]))
        model = trainable(material.start, crops, recipe.dropout, recipe.keep_outputs)
        mean = torch.from_numpy(material.start.mean)
    elif first == LITE0:
        model, mean = Lite0(recipe.dropout), torch.full((3,), MEAN)
    else:
        model = _new_network(first, recipe)
        mean = channel_mean(material.cache, material.rows)
    student = _new_student(model)
    if not recipe.keep_outputs:
        _begin_outputs(model, material.labels[material.rows])
    return _start_of_stage(0, mean, model.to(device), student.to(device), recipe)


@torch.no_grad()
def _begin_outputs(model: Network, labels: NDArray[np.uint8]) -> None:
    """The first answers are the shares of positives. Of what no face is labelled with, the network will say nothing:
    a logit of 0 for every face, now and later, since no gradient comes."""
    known = labels != UNKNOWN
    positives = ((labels == 1).sum(axis=0) / np.maximum(known.sum(axis=0), 1)).clip(1e-3, 1 - 1e-3)
    untaught = torch.from_numpy(~known.any(axis=0))
    positives[untaught.numpy()] = 0.5
    share = torch.from_numpy(positives)
    model.out_bias.copy_(torch.log(share / (1 - share)))
    model.out_weight[untaught.to(model.out_weight.device)] = 0.0


def _new_network(layout: str, recipe: Recipe) -> Network:
    """With weights at random."""
    if layout == LITE0:
        return Lite0(recipe.dropout, borrowed=False)
    return Mcnn(LAYOUTS[layout], Normalisation(recipe.normalisation), recipe.dropout)


def _new_student(model: Network) -> Student:
    return Student(model.layout if isinstance(model, Mcnn) else TRUNK_LAYOUT)


def _start_of_stage(stage: int, mean: Tensor, model: Network, student: Student, recipe: Recipe) -> _Run:
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return _Run(stage, 0, mean, model, copy.deepcopy(model).eval(), student, _optimiser(model, student, recipe))


def _next_stage(run: _Run, recipe: Recipe, device: torch.device) -> _Run:
    """The next stage starts from the average; a trunk is copied into the groups where the layout changes."""
    if run.stage + 1 == len(recipe.stages):
        run.stage += 1
        run.step = 0
        return run
    model, student = run.average, run.student
    layout = LAYOUTS.get(recipe.stages[run.stage + 1].layout)
    if isinstance(model, Mcnn) and layout and layout != model.layout:
        model, student = expand(model, layout).to(device), expand_student(student, layout).to(device)
    return _start_of_stage(run.stage + 1, run.mean, model, student, recipe)


def _optimiser(model: Network, student: Student, recipe: Recipe) -> torch.optim.AdamW:
    decayed: list[Tensor] = []
    plain: list[Tensor] = []
    for name, p in [*model.named_parameters(), *(student.named_parameters() if recipe.teacher else ())]:
        is_weight = name.endswith("weight") and p.dim() > 1  # those of one dimension are normalisation's
        (decayed if is_weight else plain).append(p)
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}], lr=1e-3
    )


def _layout_name(model: Network) -> str:
    return model.layout.name if isinstance(model, Mcnn) else model.name


def _save(run: _Run, folder: Path) -> None:
    """Replace the saved state in one step: a full disk or a kill leaves the previous one."""
    tensors = {f"model.{k}": v for k, v in run.model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in run.average.state_dict().items()}
    tensors |= {f"student.{k}": v for k, v in run.student.state_dict().items()}
    for i, state in run.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{i}.{k}": v for k, v in state.items()}
    tensors["mean"] = run.mean
    about = {"stage": str(run.stage), "step": str(run.step), "layout": _layout_name(run.model)}
    temporary = folder / "state.tmp"
    try:
        save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, temporary, about)
        durable.replace(temporary, folder / "state.safetensors")
    except Exception as e:
        temporary.unlink(missing_ok=True)
        raise TrainingError(
            f"The state cannot be saved in {folder} ({e}): free some space and give the same command again, which goes "
            "on from the state saved last."
        ) from e


def _resume(folder: Path, recipe: Recipe, device: torch.device) -> _Run | None:
    path = folder / "state.safetensors"
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as f:
            about = f.metadata()
            tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as e:
        raise _damaged(path) from e
    model = _new_network(about["layout"], recipe)
    student = _new_student(model)
    run = _start_of_stage(int(about["stage"]), tensors["mean"], model.to(device), student.to(device), recipe)
    run.step = int(about["step"])

    def part(prefix: str) -> dict[str, Tensor]:
        return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

    run.model.load_state_dict(part("model."))
    run.average.load_state_dict(part("average."))
    run.student.load_state_dict(part("student."))
    saved: dict[int, dict[str, Tensor]] = {}
    for key, value in part("optimiser.").items():
        number, name = key.split(".")
        saved.setdefault(int(number), {})[name] = value
    run.optimiser.load_state_dict({"state": saved, "param_groups": run.optimiser.state_dict()["param_groups"]})
    return run
