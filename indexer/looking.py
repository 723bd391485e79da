"""What one worker does with one photo file: read, hash, decode, detect, cut. Failures become part of the answer.

A decoded photo never leaves its worker: what goes on are crops of 155 kB a face, so memory is bounded by the workers
and their pixel budget, whatever waits behind them.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from db.schema import Box
from facesearch.crop import crop_face
from facesearch.decode import NO_LIMITS, DecodedPhoto, EncodedPhoto, Limits, PhotoError, decode_encoded, read_photo
from facesearch.detection import Detection, Detector
from facesearch.errors import on_one_line
from indexer.budget import PixelBudget
from indexer.identity import Contents

Crop = NDArray[np.uint8]
"""uint8 RGB [227, 227, 3], what `crop_face` cuts and the network takes."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something failed. reason: a clause that reads well after "failed: "; retry: whether trying again may help;
    trace: the traceback, of a fault that nobody foresaw."""

    reason: str
    retry: bool
    trace: str = ""


@dataclass(frozen=True, slots=True)
class CutFace:
    """One detected face and its crop."""

    detection: Detection
    crop: Crop


@dataclass(frozen=True, slots=True)
class Unread:
    """The file could not be read; nothing is known of its content."""

    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Known:
    """The file was read, and its content is in the catalogue or was taken by another file of this run."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Looked:
    """A content that was new. width and height: pixels of the upright photo; taken and camera: as in `DecodedPhoto`;
    faces: left to right."""

    sha256: str
    size: int
    width: int | None = None
    height: int | None = None
    format: str | None = None
    taken: datetime | None = None
    camera: str = ""
    faces: tuple[CutFace, ...] = ()
    trouble: Trouble | None = None


class Looker:
    """Looks at photos on behalf of several threads, each with a detector of its own."""

    def __init__(
        self, contents: Contents, new_detector: Callable[[], Detector], *, limits: Limits, budget: PixelBudget
    ) -> None:
        self._contents = contents
        self._new_detector = new_detector
        self._limits = limits
        self._budget = budget
        self._own = threading.local()

    def look(self, path: bytes) -> Unread | Known | Looked:
        """Everything about the photo at `path` short of its scores. Raises nothing that the photo is to blame for."""
        try:
            photo = read_photo(path, limits=self._limits)
        except PhotoError as error:
            return Unread(Trouble(error.reason, error.retry))
        except Exception as error:
            return Unread(trouble_of(error, "it cannot be read"))
        if not self._contents.take(photo.sha256):
            return Known(photo.sha256)
        with self._budget.share() as share:
            try:
                decoded = decode_encoded(photo, limits=self._limits, admit=share.take)
            except PhotoError as error:
                return Looked(photo.sha256, photo.size, trouble=Trouble(error.reason, error.retry))
            except Exception as error:
                return Looked(photo.sha256, photo.size, trouble=trouble_of(error, "it cannot be decoded"))
            return self._faces(photo, decoded)

    def cut_again(self, path: bytes, sha256: str, places: Sequence[tuple[Box, int]]) -> list[Crop] | Trouble:
        """Crops of known faces (box, degrees turned) of the photo of this content, if `path` still holds it."""
        try:
            photo = read_photo(path, limits=NO_LIMITS)
            if photo.sha256 != sha256:
                return Trouble("the file has another content now", retry=True)
            with self._budget.share() as share:
                # It is the very photo that was looked at, within the limit of then.
                decoded = decode_encoded(photo, limits=NO_LIMITS, admit=share.take)
                return [crop_face(decoded.rgb, box, turned) for box, turned in places]
        except PhotoError as error:
            return Trouble(error.reason, error.retry)
        except Exception as error:
            return trouble_of(error, "its faces cannot be cut out")

    def _faces(self, photo: EncodedPhoto, decoded: DecodedPhoto) -> Looked:
        seen = Looked(
            photo.sha256,
            photo.size,
            decoded.width,
            decoded.height,
            decoded.format,
            decoded.taken,
            decoded.camera,
        )
        try:
            found = self._detector().detect([decoded.rgb])[0]
            if not all(_is_finite(each) for each in found):
                raise ValueError("it gives places that are no numbers")
            faces = tuple(CutFace(each, crop_face(decoded.rgb, each.box, each.turned)) for each in found)
        except Exception as error:
            return replace(seen, trouble=trouble_of(error, "the face detector fails on it"))
        return replace(seen, faces=faces)

    def _detector(self) -> Detector:
        detector: Detector | None = getattr(self._own, "detector", None)
        if detector is None:
            detector = self._own.detector = self._new_detector()
        return detector


def _is_finite(face: Detection) -> bool:
    box = face.box
    numbers = (box.x, box.y, box.width, box.height, face.score)
    return bool(np.isfinite(numbers).all() and np.isfinite(face.landmarks).all())


def trouble_of(error: Exception, what: str) -> Trouble:
    """An exception that nobody foresaw, ours or somebody else's, as the outcome of one photo; another try may find more
    memory or a mended program, so it is always worth one."""
    trace = "".join(traceback.format_exception(error))
    return Trouble(f"{what} ({on_one_line(error)})", retry=True, trace=trace)
