"""What has made a network: on which images of which data it was trained and fitted, through all runs that led to it.

A checkpoint says it of itself and of the networks that it went on from; held against a data set, that tells which of
its faces the network has seen. Images of one layout count as the same data: their number may have changed since.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from facesearch.network.checkpoint import Checkpoint
from facesearch.training.datasets import Labels, Role


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What one run took from its data. data: `Labels.in_words`. trained_on, fitted_on: roles; the latter for AUX,
    calibration and grades, which every run fits anew."""

    data: str
    trained_on: tuple[str, ...]
    fitted_on: tuple[str, ...] = ()


def history(checkpoint: Checkpoint) -> tuple[TrainingRun, ...]:
    """The runs that made a network, the last one at the end."""
    about = checkpoint.metadata
    if stored := about.get("learnt"):
        return tuple(TrainingRun(run["data"], tuple(run["trained_on"]), tuple(run["fitted_on"])) for run in stored)
    # Checkpoints of before told the roles of one run, in sentences.
    return (
        TrainingRun(about["data"], _roles_in(about.get("trained_on")), _roles_in(about.get("aux_and_calibration"))),
    )


def continued(
    start: Checkpoint | None, labels: Labels, trained_on: Sequence[Role], fitted_on: Sequence[Role]
) -> tuple[TrainingRun, ...]:
    """The history of a network made from `start`, or from nothing: what the start was fitted on is no part of it."""
    before = history(start) if start else ()
    now = TrainingRun(labels.in_words(), tuple(r.value for r in trained_on), tuple(r.value for r in fitted_on))
    same = [run for run in before if run.data == now.data]
    roles = {role for run in (*same, now) for role in run.trained_on}
    ordered = tuple(role.value for role in Role if role in roles)
    return (
        *(TrainingRun(run.data, run.trained_on) for run in before if run not in same and run.trained_on),
        TrainingRun(now.data, ordered, now.fitted_on),
    )


def metadata(runs: Sequence[TrainingRun]) -> dict[str, Any]:
    """As a checkpoint holds it: `learnt` for `history`, `data` and `trained_on` for people."""
    now = runs[-1].data
    parts = [
        " + ".join(run.trained_on) + ("" if run.data == now else f" of {run.data}") for run in runs if run.trained_on
    ]
    words = "; then ".join(parts) or "data that it does not name"
    return {"data": now, "trained_on": words, "learnt": [asdict(run) for run in runs]}


def learnt_roles(checkpoint: Checkpoint, labels: Labels) -> list[str]:
    """The roles of this data set that the network was trained on."""
    known = {role for run in _about(checkpoint, labels) for role in run.trained_on}
    return [role.value for role in Role if role in known]


def cautions(checkpoint: Checkpoint, labels: Labels, role: Role) -> list[str]:
    """Why figures on this role may flatter the network, in sentences."""
    fitted = {each for run in _about(checkpoint, labels) for each in run.fitted_on}
    said = [
        f"The network was {what} the images of role {role}: these figures flatter it."
        for what, roles in (
            ("trained on", learnt_roles(checkpoint, labels)),
            ("fitted (AUX, calibration and grades) on", fitted),
        )
        if role in roles
    ]
    return said or other_splits(checkpoint, labels)


def other_splits(checkpoint: Checkpoint, labels: Labels) -> list[str]:
    """A sentence for each run that saw this data set with other roles, or with more or fewer images."""
    return [
        f"The network was trained where the images had other roles or another number ({run.data}): some of the faces "
        "measured here may have trained or calibrated it, and the figures may flatter it."
        for run in _about(checkpoint, labels)
        if run.data != labels.in_words()
    ]


def _about(checkpoint: Checkpoint, labels: Labels) -> Iterator[TrainingRun]:
    """The runs on images of this layout."""
    return (run for run in history(checkpoint) if _layout(run.data) == _layout(labels.in_words()))


def _layout(data: str) -> str:
    return data.split(":")[0]


def _roles_in(sentence: object) -> tuple[str, ...]:
    words = re.findall(r"[a-z]+", str(sentence or ""))
    return tuple(role.value for role in Role if role in words)
