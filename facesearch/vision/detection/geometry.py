"""Boxes: how they overlap, and the way from a copy of a photo, resized, moved or turned, back into the photo."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box
from facesearch.vision.detection.detector import Detection


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    shared = intersection(a, b)
    return shared / (a.width * a.height + b.width * b.height - shared) if shared else 0.0


def intersection(a: Box, b: Box) -> float:
    """Area that two boxes share, in square pixels."""
    w = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    h = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return w * h if w > 0 and h > 0 else 0.0


def longer_side(box: Box) -> float:
    """In pixels."""
    return max(box.width, box.height)


def scaled(box: Box, fx: float, fy: float) -> Box:
    """The box in a picture so many times as wide and as high."""
    return Box(box.x * fx, box.y * fy, box.width * fx, box.height * fy)


def keep_best(boxes: NDArray[np.float32], scores: NDArray[np.float32], max_iou: float) -> NDArray[np.intp]:
    """Greedy non-maximum suppression: places of the boxes to keep, best first.

    boxes: [N, 4], x, y, width, height. scores: [N]. Of two boxes that overlap by more than max_iou the better stays.
    """
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    area = boxes[:, 2] * boxes[:, 3]
    rest = np.argsort(-scores, kind="stable")
    kept = []
    while len(rest):
        best, rest = rest[0], rest[1:]
        kept.append(best)
        w = np.minimum(right[best], right[rest]) - np.maximum(left[best], left[rest])
        h = np.minimum(bottom[best], bottom[rest]) - np.maximum(top[best], top[rest])
        shared = np.clip(w, 0, None) * np.clip(h, 0, None)
        rest = rest[shared <= max_iou * (area[best] + area[rest] - shared)]
    return np.array(kept, np.intp)


def turn(picture: NDArray[np.uint8], turned: int) -> NDArray[np.uint8]:
    """The picture [H, W, C] turned by so many degrees clockwise, a multiple of 90."""
    import cv2

    how = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    return np.asarray(cv2.rotate(picture, how[turned]), np.uint8) if turned else picture


def turn_back(d: Detection, turned: int, size: tuple[int, int]) -> Detection:
    """A face found in a copy turned clockwise by `turned`, in pixels of the copy before it was turned, which has this
    size (width, height)."""
    width, height = size
    b, xy = d.box, d.landmarks
    if turned == 0:
        return d
    if turned == 90:  # the turned copy's x is height - y, its y is x
        box = Box(b.y, height - b.x - b.width, b.height, b.width)
        points = np.stack([xy[:, 1], height - xy[:, 0]], axis=1)
    elif turned == 180:
        box = Box(width - b.x - b.width, height - b.y - b.height, b.width, b.height)
        points = np.array([width, height], np.float32) - xy
    else:
        box = Box(width - b.y - b.height, b.x, b.height, b.width)
        points = np.stack([width - xy[:, 1], xy[:, 0]], axis=1)
    return Detection(box, d.score, points.astype(np.float32), turned)


def move(d: Detection, right: float, down: float) -> Detection:
    """The face so many pixels further."""
    box = Box(d.box.x + right, d.box.y + down, d.box.width, d.box.height)
    return replace(d, box=box, landmarks=d.landmarks + np.array([right, down], np.float32))


def rescale(d: Detection, fx: float, fy: float) -> Detection:
    """The face in a picture so many times as wide and as high."""
    return replace(d, box=scaled(d.box, fx, fy), landmarks=d.landmarks * np.array([fx, fy], np.float32))


def suppress(found: Sequence[Detection], max_iou: float, upright_bonus: float = 0.0) -> list[Detection]:
    """Non-maximum suppression over what several looks at a picture found, best first.

    upright_bonus: by how much a face must be better seen turned than upright, as a crop turned for nothing is scored
    wrongly.
    """
    if not found:
        return []
    boxes = np.array([(d.box.x, d.box.y, d.box.width, d.box.height) for d in found], np.float32)
    scores = np.array([d.score + (upright_bonus if d.turned == 0 else 0) for d in found], np.float32)
    return [found[i] for i in keep_best(boxes, scores, max_iou)]
