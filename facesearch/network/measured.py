"""What was measured of the network in the package, word by word: `facesearch/weights/figures.json`.

It comes from the evaluation that docs/training.md and docs/model-card.md print, and holds for that checkpoint alone.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from db.values.scoring_model import ScoringModel


@dataclass(frozen=True, slots=True)
class MeasuredWord:
    """Of one attribute, in percent: how often the network's answer is wrong, and how often always giving the commoner
    answer would be."""

    wrong: float
    wrong_by_commoner: float


@dataclass(frozen=True, slots=True)
class MeasuredNetwork:
    """words: by attribute. data: on which faces. sex_by_group: how often the network takes men for women and women for
    men, in percent, by group; sex_data: on which."""

    words: dict[str, MeasuredWord]
    data: str
    sex_by_group: dict[str, tuple[float, float]]
    sex_data: str


def measured(model: ScoringModel) -> MeasuredNetwork | None:
    """What was measured of this network; None for any other than that in the package."""
    known = _figures()
    if known["checkpoint"] != model.digest:
        return None
    words = {
        name: MeasuredWord(100 - each["accuracy"], 100 - each["commoner"]) for name, each in known["attributes"].items()
    }
    groups = {name: (100 - each["men"], 100 - each["women"]) for name, each in known["sex_by_group"].items()}
    return MeasuredNetwork(words, known["data"], groups, known["sex_by_group_data"])


@cache
def _figures() -> dict[str, Any]:
    text = (resources.files("facesearch") / "weights" / "figures.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
