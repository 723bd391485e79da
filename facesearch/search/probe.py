"""A photo as a question: its faces, their scores, and which of several faces is meant."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from db import hash_sets
from db.catalogue import Catalogue
from db.errors import CatalogueError
from facesearch.errors import FacesearchError, on_one_line
from facesearch.vision.decode import (
    DecodedPhoto,
    EncodedPhoto,
    Limits,
    OpenPhoto,
    PhotoError,
    open_encoded,
    read_photo,
)
from facesearch.vision.detection import Detection, Detector, DetectorError
from facesearch.vision.faces import cut_face, find_faces

if TYPE_CHECKING:
    from facesearch.network.scorer import Scorer


_STREAM = re.compile(r"/dev/stdin|/(?:dev|proc/self)/fd/(\d+)")


class ProbeError(FacesearchError, kinds=("probe",)):
    """A photo that cannot be a probe: unreadable, or without a face."""


class WhichFaceError(FacesearchError, kinds=("which face",)):
    """It is not clear which face of the photo is meant."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """A face of a photo. detection: its place in its picture, upright; page, seconds: which picture that is, as in
    `DecodedPhoto`; crop: what the network sees, uint8 RGB [227, 227, 3]."""

    detection: Detection
    crop: NDArray[np.uint8]
    page: int = 1
    seconds: float | None = None
    notices: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """The detector's, 0..1."""
        return self.detection.score


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A photo and its faces, numbered from 0, picture by picture and left to right.

    notices: what is to be said of the photo, clauses that read well after its name and a colon.
    """

    path: Path
    photo: OpenPhoto
    sha256: str
    faces: Sequence[SeenFace]
    notices: tuple[str, ...] = ()

    def logits(self, faces: Sequence[SeenFace], scorer: "Scorer") -> NDArray[np.float32]:
        """The network's scores of some of the faces, float32 [len(faces), 40]. Raises ProbeError where OpenCV or torch
        give up on them."""
        try:
            return scorer.score(np.stack([face.crop for face in faces])) if faces else np.empty((0, 40), np.float32)
        except Exception as error:  # whatever they raise: the next photo may do
            raise ProbeError(
                f"The faces in {self.path} cannot be scored ({on_one_line(error)}): try a smaller copy."
            ) from error


def look(
    path: Path, detector: Detector, limits: Limits | None = None, *, catalogues: Sequence[Catalogue] = ()
) -> Probe:
    """Decode a photo within these limits and find its faces (none is no error here). Raises ProbeError when it cannot
    be read, or when one of the catalogues knows it for an illegal picture: then nothing is made of its pixels.

    path: also /dev/stdin or /dev/fd/N, for a photo that comes through a pipe.
    """
    try:
        limits = limits or Limits()
        encoded = _read(path, limits)
        for catalogue in catalogues:
            with catalogue.read() as session:
                if hash_sets.is_illegal(session, encoded.sha256):
                    raise PhotoError("it is of a set of known illegal pictures, and is not opened", retry=False)
        return _look(path, encoded, open_encoded(encoded, limits=limits), detector)
    except PhotoError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise ProbeError(f"There is no file {path}: check the path.") from error
        raise ProbeError(f"The photo {path} cannot be used: {error.reason}.") from error
    except CatalogueError:
        raise
    except (DetectorError, MemoryError, ValueError) as error:
        raise ProbeError(f"No faces can be looked for in {path} ({on_one_line(error)}): try a smaller copy.") from error
    except Exception as error:  # a fault of ours, or of a library, is this photo's: the next one may do
        raise ProbeError(f"The photo {path} cannot be used ({on_one_line(error)}): try a copy in JPEG.") from error


def _read(path: Path, limits: Limits) -> EncodedPhoto:
    """Raises PhotoError."""
    stream = _STREAM.fullmatch(os.fspath(path))
    if stream is None:
        return read_photo(path, limits=limits)
    most = limits.max_bytes
    try:
        with os.fdopen(os.dup(int(stream[1] or 0)), "rb") as pipe:
            if pipe.isatty():
                raise PhotoError("no photo comes through a pipe", retry=False)
            data = pipe.read(most + 1)
    except OSError as error:
        raise PhotoError(f"nothing can be read from the pipe ({error.strerror})", retry=True) from error
    if len(data) > most:
        raise PhotoError(f"more than {most // 1_000_000} MB come through the pipe", retry=False)
    return EncodedPhoto(data, hashlib.sha256(data).hexdigest())


def _look(path: Path, encoded: EncodedPhoto, opened: OpenPhoto, detector: Detector) -> Probe:
    faces: list[SeenFace] = []
    notices: list[str] = []
    problem: PhotoError | None = None
    shown = False
    for picture in opened.pictures():
        if not isinstance(picture, DecodedPhoto):
            page, error = picture
            problem = problem or error
            notices.append(f"page {page} is not shown: {error.reason}")
            continue
        shown = True
        notices += picture.notices
        faces += [
            SeenFace(each, cut_face(picture, each.box, each.turned), picture.page, picture.seconds, picture.notices)
            for each in find_faces(picture, detector)
        ]
    if not shown:
        raise problem or PhotoError("it holds no picture", retry=False)
    notices += [opened.unlooked_in_words] if opened.unlooked else []
    return Probe(path, opened, encoded.sha256, faces, tuple(dict.fromkeys(notices)))


def choose(probe: Probe, number: int | None, min_detection: float) -> int:
    """Which face is meant: the numbered one, or the only one that the detector is sure of (from min_detection on), or,
    where it is sure of none, the best of the others.

    Raises ProbeError where there is no face, WhichFaceError where there are several or none of this number.
    """
    faces = probe.faces
    if not faces:
        raise ProbeError(
            f"No face was found in {probe.path}: choose a photo in which one can be seen larger or clearer."
        )
    if number is not None:
        if not 0 <= number < len(faces):
            count = "1 face, number 0" if len(faces) == 1 else f"{len(faces)} faces, 0 to {len(faces) - 1}"
            raise WhichFaceError(f"There is no face {number} in {probe.path}, which has {count}.")
        return number
    sure = [index for index, face in enumerate(faces) if face.score >= min_detection]
    if len(sure) > 1:
        raise WhichFaceError(f"There are {len(sure)} faces in {probe.path}: say which one is meant.")
    if sure:
        return sure[0]
    return max(range(len(faces)), key=lambda index: faces[index].score)
