"""Which processor a network runs on, and in which number format it trains there."""

import torch

from facesearch.errors import FacesearchError


class DeviceError(FacesearchError):
    """The device asked for is not there."""


def pick_device(wanted: str) -> torch.device:
    """`auto` takes a GPU where there is one. Raises DeviceError when `cuda` is asked for in vain."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise DeviceError("No CUDA GPU can be used here: choose --device cpu, or install a CUDA build with `make gpu`.")
    if wanted not in ("cpu", "cuda"):
        raise DeviceError(f"There is no device {wanted!r}: choose --device auto, cpu or cuda.")
    return torch.device(wanted)


def device_name(device: torch.device) -> str:
    """For the log: the GPU's name, or the CPU with its threads."""
    if device.type == "cuda":
        return f"GPU {torch.cuda.get_device_name(device)}"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads != 1 else ''}"


def bf16_pays(device: torch.device) -> bool:
    """Whether bfloat16 is fast there: on GPUs since Ampere, and on CPUs with the instructions for it (emulated, it is
    ten times slower than float32)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
