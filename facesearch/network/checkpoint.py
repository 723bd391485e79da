"""A trained MCNN-AUX as one safetensors file: half-precision weights, and all that its scores need to be understood.

Tensors: `mcnn.*` and `aux.*` (float16, batch normalisation folded in), `mean` [3], `calibration.scale` and
`calibration.bias` [40], `profile.mean` [40], `profile.matrix` [40, 40] (float32). Metadata (text, under the key
`facesearch`, JSON): attribute order, crop recipe, over which views of a face scores are averaged, data and split in
words, terms, code version, figures. Reading the header and the small tensors does not import torch.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from db.durable import replace
from db.values.scoring_model import ScoringModel
from facesearch.attributes import NAMES
from facesearch.errors import FacesearchError
from facesearch.network.views import Views
from facesearch.vision.crop import INPUT_SIZE, SIDE

if TYPE_CHECKING:
    from facesearch.network.mcnn import Aux, Mcnn

FORMAT = 1
_KEY = "facesearch"
_NORMALISATIONS = ("folded", "local")  # of `mcnn.Normalisation`, as it may be saved, without importing torch
_KEYS = ("attributes", "crop", "normalisation", "mirror", "data", "terms")
_SMALL = {
    "mean": (3,),
    "calibration.scale": (40,),
    "calibration.bias": (40,),
    "profile.mean": (40,),
    "profile.matrix": (40, 40),
}
_WEIGHTS = {
    "mcnn.conv1.weight": (75, 3, 7, 7),
    "mcnn.conv1.bias": (75,),
    "mcnn.conv2.weight": (200, 75, 5, 5),
    "mcnn.conv2.bias": (200,),
    "mcnn.conv3.weight": (1800, 200, 3, 3),
    "mcnn.conv3.bias": (1800,),
    "mcnn.fc1_weight": (9, 1200, 512),
    "mcnn.fc1_bias": (9, 512),
    "mcnn.fc2_weight": (9, 512, 512),
    "mcnn.fc2_bias": (9, 512),
    "mcnn.out_weight": (40, 512),
    "mcnn.out_bias": (40,),
    "aux.weight": (40, 40),
    "aux.bias": (40,),
}
"""The paper's layers as this format holds them, written out so that a wrong file is refused without importing torch."""


class CheckpointError(FacesearchError, kinds=("checkpoint", "no checkpoint", "checkpoint of another version")):
    """A checkpoint cannot be used or saved."""


def packaged_checkpoint() -> Path:
    """Path of the network that comes with the package."""
    return Path(str(resources.files("facesearch") / "weights" / "mcnn_aux.safetensors"))


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint file. digest: SHA-256 of the file, hex; the small tensors are float32."""

    path: Path
    digest: str
    metadata: Mapping[str, Any]
    mean: NDArray[np.float32]
    calibration_scale: NDArray[np.float32]
    calibration_bias: NDArray[np.float32]
    profile_mean: NDArray[np.float32]
    profile_matrix: NDArray[np.float32]

    @property
    def views(self) -> Views:
        """Over which views of a face its scores are averaged."""
        return Views(mirror=bool(self.metadata["mirror"]), nearer=bool(self.metadata.get("nearer")))

    def scoring_model(self) -> ScoringModel:
        """What the catalogue keeps of it, so that a search never opens the file."""
        return ScoringModel(
            digest=self.digest,
            attributes=NAMES,
            calibration_scale=self.calibration_scale,
            calibration_bias=self.calibration_bias,
            profile_mean=self.profile_mean,
            profile_matrix=self.profile_matrix,
            metadata=dict(self.metadata),
        )

    def network(self) -> "tuple[Mcnn, Aux]":
        """The two networks with their weights, float32, in evaluation mode. Imports torch.

        Raises CheckpointError where the file is no longer the one that was opened: its scores would be taken for those
        of another network.
        """
        import torch
        from safetensors.torch import load

        from facesearch.network.mcnn import Aux, Mcnn, Normalisation

        content = _content(self.path)
        if hashlib.sha256(content).hexdigest() != self.digest:
            raise CheckpointError(f"{self.path} was replaced in the meantime: start again to use the new one.")
        tensors = load(content)
        with torch.random.fork_rng(devices=[]):  # what is drawn for the weights is not of the caller's numbers
            mcnn, aux = Mcnn(normalisation=Normalisation(self.metadata["normalisation"])), Aux()
        for prefix, network in (("mcnn.", mcnn), ("aux.", aux)):
            network.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        return mcnn.eval(), aux.eval()


def load_checkpoint(path: Path | None = None) -> Checkpoint:
    """Open a checkpoint; None is the packaged one. Raises CheckpointError when it cannot be read or is something
    else."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = path or packaged_checkpoint()
    content = _content(path)
    try:
        tensors = load(content)
        about = json.loads(_header(content).get("__metadata__", {}).get(_KEY, "{}"))
    except (SafetensorError, KeyError, ValueError) as e:
        raise CheckpointError(f"{path} is no facesearch checkpoint.", "no checkpoint", path=path) from e
    if about.get("format") != FORMAT:
        what = "is of another version" if "format" in about else "is no facesearch checkpoint"
        raise CheckpointError(f"{path} {what}.", "checkpoint of another version", path=path)
    if absent := [key for key in _KEYS if key not in about]:
        raise CheckpointError(f"{path} does not say its {', '.join(absent)}: train it again.")
    if about["attributes"] != list(NAMES):
        raise CheckpointError(f"{path} has other attributes than the 40 of CelebA: train it again.")
    if about["crop"] != crop_recipe():
        raise CheckpointError(f"{path} was trained on another crop than this version cuts: train it again.")
    expected = _SMALL | _WEIGHTS
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    for name in sorted(expected.keys() | shapes.keys()):
        if expected.get(name) != shapes.get(name):
            found = f"has the shape {list(shapes[name])}" if name in shapes else "is missing"
            raise CheckpointError(f"{path} is no MCNN-AUX of this version ({name} {found}): train it again.")
    if any(not np.isfinite(tensor).all() for tensor in tensors.values()):
        raise CheckpointError(f"{path} holds weights that are no numbers: train it again, at a lower rate.")
    if about["normalisation"] not in _NORMALISATIONS:
        raise CheckpointError(f"{path} has a normalisation that no saved network has: train it again.")
    return Checkpoint(
        path=path,
        digest=hashlib.sha256(content).hexdigest(),
        metadata=about,
        mean=tensors["mean"],
        calibration_scale=tensors["calibration.scale"],
        calibration_bias=tensors["calibration.bias"],
        profile_mean=tensors["profile.mean"],
        profile_matrix=tensors["profile.matrix"],
    )


def _header(content: bytes) -> dict[str, Any]:
    """What a safetensors file says of itself: eight bytes of length, then JSON (huggingface.co/docs/safetensors)."""
    length = int.from_bytes(content[:8], "little")
    return dict(json.loads(content[8 : 8 + length]))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise CheckpointError(f"The checkpoint {path} cannot be read ({e.strerror}): check the path.") from e


def crop_recipe() -> dict[str, Any]:
    """What the network was shown, so that another version of the crop is noticed."""
    return {"size": INPUT_SIZE, "side": SIDE, "padding": "reflect"}


def save_checkpoint(
    path: Path, mcnn: "Mcnn", aux: "Aux", small: Mapping[str, NDArray[np.float32]], about: Mapping[str, Any]
) -> None:
    """Write a checkpoint; on any failure the file that was there before stays.

    mcnn: folded or with the paper's own normalisation. small: the float32 tensors named in this module's docstring.
    """
    import torch
    from safetensors.torch import save_file

    halves = {f"mcnn.{k}": v for k, v in mcnn.state_dict().items()} | {
        f"aux.{k}": v for k, v in aux.state_dict().items()
    }
    tensors = {k: v.detach().cpu().to(torch.float16).contiguous() for k, v in halves.items()}
    tensors |= {k: torch.from_numpy(np.ascontiguousarray(v, np.float32)) for k, v in small.items()}
    metadata = {
        "format": FORMAT,
        "attributes": list(NAMES),
        "crop": crop_recipe(),
        "normalisation": mcnn.normalisation.value,
        **about,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
        os.close(handle)
        temporary = Path(name)
        try:
            save_file(tensors, temporary, {_KEY: json.dumps(metadata)})
            temporary.chmod(0o644)
            replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except Exception as e:
        raise CheckpointError(f"{path} cannot be written ({e}): free some space or name another file.") from e
