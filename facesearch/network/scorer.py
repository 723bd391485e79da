"""Face crops to the 40 logits that are stored, searched and explained."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facesearch.network.checkpoint import Checkpoint
from facesearch.network.device import device_name, pick_device
from facesearch.network.inference import FastMcnn, suits
from facesearch.network.mcnn import prepare
from facesearch.network.views import Views

BATCH = 64
GPU_BATCH = 1024
"""Crops that a GPU is given at a time: with fewer it waits for the next."""


@dataclass
class Scorer:
    """A checkpoint ready on a device. device: auto, cpu or cuda. half: compute in float16, on a GPU only; how far that
    is from float32 tells benchmarks/gpu.py. Raises DeviceError, CheckpointError."""

    checkpoint: Checkpoint
    device: str = "auto"
    half: bool = False
    device_name: str = field(init=False)

    def __post_init__(self) -> None:
        self._device = pick_device(self.device)
        self.device_name = device_name(self._device)
        mcnn, aux = self.checkpoint.network()
        mcnn = mcnn.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._mcnn: Callable[[Tensor], Tensor] = FastMcnn(mcnn) if suits(mcnn) else mcnn
        self._aux = aux.to(self._device)
        self._mean = torch.from_numpy(self.checkpoint.mean).to(self._device)

    @torch.inference_mode()
    def score(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """crops: uint8 RGB [N, 227, 227, 3] of crop_face. Returns AUX's logits, float32 [N, 40], not calibrated."""
        on_gpu = self._device.type == "cuda"
        batch, found = GPU_BATCH if on_gpu else BATCH, []
        for start in range(0, len(crops), batch):
            some = torch.from_numpy(crops[start : start + batch])
            if on_gpu:  # the next batch is on its way while this one is computed: nothing waits before the end
                some = some.pin_memory().to(self._device, non_blocking=True)
            with torch.autocast(self._device.type, torch.float16, enabled=self.half and on_gpu):
                logits = mcnn_logits(self._mcnn, some, self._mean, self.checkpoint.views)
            found.append(self._aux(logits))
        return torch.cat(found).cpu().numpy() if found else np.empty((0, 40), np.float32)


def mcnn_logits(mcnn: Callable[[Tensor], Tensor], crops: Tensor, mean: Tensor, views: Views) -> Tensor:
    """Logits [N, 40] of one batch of crops, uint8 [N, S, S, 3], on the network's device, the means over the views of
    each."""
    seen = views.of(prepare(crops.to(mean.device), mean))
    batches = [torch.cat(seen)] if len(seen) * len(crops) <= BATCH else seen
    logits = torch.cat([mcnn(x).float() for x in batches])
    return logits.view(len(seen), len(crops), -1).mean(0)
