"""Finding faces: what a detector gives, and YuNet, the detector in use."""

from facesearch.vision.detection.detector import (
    RULES,
    SEARCH_FROM,
    STORE_FROM,
    Detection,
    Detector,
    DetectorError,
    Look,
    detector_name,
    is_outdated,
    is_quick,
)
from facesearch.vision.detection.finder import YuNet
from facesearch.vision.detection.geometry import iou
from facesearch.vision.detection.yunet import MODEL_FILE, MODEL_SHA256, bundled_model, read_model, yunet_name

__all__ = [
    "MODEL_FILE",
    "MODEL_SHA256",
    "RULES",
    "SEARCH_FROM",
    "STORE_FROM",
    "Detection",
    "Detector",
    "DetectorError",
    "Look",
    "YuNet",
    "bundled_model",
    "detector_name",
    "iou",
    "is_outdated",
    "is_quick",
    "read_model",
    "yunet_name",
]
