"""Which processor a network runs on, and in which number format it trains there."""

import ctypes

import torch

from facesearch.errors import FacesearchError


class DeviceError(FacesearchError, kinds=("no device", "no GPU")):
    """The device asked for is not there."""


def pick_device(wanted: str) -> torch.device:
    """`auto` takes a GPU where there is one. Raises DeviceError when `cuda` is asked for in vain."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise DeviceError("No CUDA GPU can be used here.", "no GPU")
    if wanted not in ("cpu", "cuda"):
        raise DeviceError(f"There is no device {wanted!r}.", device=wanted)
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


def keep_freed_memory() -> None:
    """Tell glibc to keep large blocks instead of giving them back to the system at every free, where the C library is
    glibc. Getting 100 MB anew from the system, page by page, costs a training step a third of its time."""
    m_trim_threshold, m_mmap_max = -1, -4  # glibc's malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, 2**31 - 1)
