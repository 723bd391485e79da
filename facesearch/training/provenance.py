"""What a checkpoint says of the data that made it, held against a data set: which of its faces the network has seen.

Images of one layout count as the same data: their number may have changed since.
"""

import re

from facesearch.network.checkpoint import Checkpoint
from facesearch.training.datasets import Labels, Role


def learnt_roles(checkpoint: Checkpoint, labels: Labels) -> list[str]:
    """The roles of this data set that the network was trained on."""
    return _roles(checkpoint, labels, "trained_on")


def cautions(checkpoint: Checkpoint, labels: Labels, role: Role) -> list[str]:
    """Why figures on this role may flatter the network, in sentences."""
    said = [
        f"The network was {what} the images of role {role}: these figures flatter it."
        for what, key in (
            ("trained on", "trained_on"),
            ("fitted (AUX, calibration and grades) on", "aux_and_calibration"),
        )
        if role in _roles(checkpoint, labels, key)
    ]
    data = checkpoint.metadata["data"]
    if not said and _is_same_data(checkpoint, labels) and data != labels.in_words():
        said.append(
            f"The network was trained where the images had other roles or another number ({data}): some of the faces "
            "measured here may have trained or calibrated it, and the figures may flatter it."
        )
    return said


def _roles(checkpoint: Checkpoint, labels: Labels, key: str) -> list[str]:
    """Those that a sentence of the metadata names; none where it speaks of other data."""
    words = re.findall(r"[a-z]+", str(checkpoint.metadata.get(key, "")))
    return [role.value for role in Role if role in words] if _is_same_data(checkpoint, labels) else []


def _is_same_data(checkpoint: Checkpoint, labels: Labels) -> bool:
    return str(checkpoint.metadata["data"]).split(":")[0] == labels.in_words().split(":")[0]
