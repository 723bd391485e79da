"""A larger network teaches ours: its answers about fixed pictures of each training face are kept, and learnt.

Teacher and student must see the same picture, and the student many times over a long schedule (Beyer et al.,
"Knowledge distillation: a good teacher is patient and consistent", CVPR 2022). So each face has a few views, drawn once
and for all (`fixed_view`): the teacher answers each, and the student meets them in turn. What makes a picture worse
(few pixels, JPEG, something in front) is added for the student alone: it learns what the teacher sees in the better
one.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from facesearch.attributes import NAMES
from facesearch.network.device import bf16_pays
from facesearch.network.mcnn import prepare
from facesearch.training.augment import Augmentation, fixed_view
from facesearch.training.datasets import FaceCache
from facesearch.training.lite0 import Lite0, fused
from facesearch.training.row_cache import cached_rows

_BATCH = 64


def teacher_answers(
    teacher: nn.Module,
    mean: Tensor,
    size: int,
    cache: FaceCache,
    rows: NDArray[np.int64],
    views: int,
    augmentation: Augmentation,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Probabilities float32 [faces of the cache, views, 40], zeros in rows that were not asked for.

    mean, size: what the teacher's input has subtracted, [3], and its side in pixels. Kept in `folder`; interrupted at
    any moment, a second call goes on. progress: called with (faces done, in all).
    """
    asked = fused(teacher) if isinstance(teacher, Lite0) else teacher.eval()
    quick = torch.autocast(mean.device.type, torch.bfloat16, enabled=asked is not teacher and bf16_pays(mean.device))

    @torch.no_grad()
    def answers(chunks: Iterable[NDArray[np.int64]]) -> Iterator[NDArray[np.float32]]:
        for chunk in chunks:
            shown = [(row, view) for row in chunk.tolist() for view in range(views)]
            crops = np.stack([fixed_view(*cache.region(row), size, augmentation, row, view) for row, view in shown])
            with quick:
                said = [
                    torch.sigmoid(asked(prepare(torch.from_numpy(crops[i : i + _BATCH]).to(mean.device), mean)).float())
                    for i in range(0, len(crops), _BATCH)
                ]
            yield torch.cat(said).cpu().numpy().reshape(len(chunk), -1)

    path = folder / f"answers-{_digest(teacher, augmentation, views, size)[:12]}.bin"
    found = cached_rows(path, (len(cache.records), views * len(NAMES)), rows, answers, progress)
    return found.reshape(len(found), views, len(NAMES))


def _digest(teacher: nn.Module, augmentation: Augmentation, views: int, size: int) -> str:
    """SHA-256 of all that decides an answer."""
    known = hashlib.sha256(json.dumps([augmentation.of_fixed_views, views, size]).encode())
    for value in teacher.state_dict().values():
        known.update(value.cpu().contiguous().numpy().tobytes())
    return known.hexdigest()
