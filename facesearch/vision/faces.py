"""The faces in one decoded picture: found and cut out alike for the index, for probes and for rescoring.

Of a picture that its file holds only in part, the part that is there is looked at, as if its edge were the photo's:
what is filled in holds no face, and none of it comes into a crop.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box
from facesearch.vision.crop import crop_face
from facesearch.vision.decode import DecodedPhoto
from facesearch.vision.detection import Detection, Detector


def find_faces(photo: DecodedPhoto, detector: Detector) -> list[Detection]:
    """Its faces, left to right, in pixels of the whole upright picture. Raises what the detector does, and ValueError
    where that gives places that are no numbers."""
    found = detector.detect([photo.visible])[0]
    if not all(_is_finite(each) for each in found):
        raise ValueError("it gives places that are no numbers")
    if photo.sound is None:
        return found
    by = np.array([photo.left, photo.top], np.float32)
    return [replace(each, box=_moved(each.box, photo.left, photo.top), landmarks=each.landmarks + by) for each in found]


def cut_face(photo: DecodedPhoto, box: Box, turned: int = 0) -> NDArray[np.uint8]:
    """The network's input for a face that `find_faces` found: uint8 RGB [227, 227, 3]."""
    return crop_face(photo.visible, _moved(box, -photo.left, -photo.top), turned)


def _moved(box: Box, x: int, y: int) -> Box:
    return Box(box.x + x, box.y + y, box.width, box.height)


def _is_finite(face: Detection) -> bool:
    box = face.box
    numbers = (box.x, box.y, box.width, box.height, face.score)
    return bool(np.isfinite(numbers).all() and np.isfinite(face.landmarks).all())
