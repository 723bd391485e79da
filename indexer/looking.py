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

from db.faces import FacePlace
from facesearch.errors import on_one_line
from facesearch.vision.decode import (
    NO_LIMITS,
    DecodedPhoto,
    EncodedPhoto,
    Limits,
    OpenPhoto,
    PhotoError,
    open_encoded,
    read_photo,
)
from facesearch.vision.detection import Detection, Detector
from facesearch.vision.faces import cut_face, find_faces
from facesearch.vision.thumbnails import cut_small
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
    """One detected face and its crop; in which picture of the file it is, and what is to be said of that, as in
    `FaceRecord`."""

    detection: Detection
    crop: Crop
    page: int = 1
    seconds: float | None = None
    notice: str | None = None
    small: bytes | None = None
    """For people, where small pictures are kept."""


@dataclass(frozen=True, slots=True)
class Unread:
    """The file could not be read; nothing is known of its content."""

    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Known:
    """The file was read, and its content is in the catalogue or was taken by another file of this run."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """The file was read, and its content was forgotten: it is not looked at."""

    sha256: str


@dataclass(frozen=True, slots=True)
class OfHashSet:
    """The file was read, and its content is of a set of known files (id): it is not looked at. size: in bytes."""

    sha256: str
    size: int
    hash_set_id: int


@dataclass(frozen=True, slots=True)
class Looked:
    """A content that was new. width and height: pixels of its first picture, upright; taken and camera: as in
    `DecodedPhoto`; faces: picture by picture, left to right; pages, unlooked, notice: as in `schema.Photo`."""

    sha256: str
    size: int
    width: int | None = None
    height: int | None = None
    format: str | None = None
    taken: datetime | None = None
    camera: str = ""
    faces: tuple[CutFace, ...] = ()
    trouble: Trouble | None = None
    pages: int = 1
    unlooked: int = 0
    notice: str | None = None


Seen = Unread | Known | Withheld | OfHashSet | Looked
"""What a worker makes of a file."""


class Looker:
    """Looks at photos on behalf of several threads, each with a detector of its own."""

    def __init__(
        self,
        contents: Contents,
        new_detector: Callable[[], Detector],
        *,
        limits: Limits,
        budget: PixelBudget,
        is_forgotten: Callable[[str], bool] = lambda _: False,
        recognises: Callable[[EncodedPhoto], int | None] = lambda _: None,
        small: bool = False,
    ) -> None:
        """is_forgotten: whether the content of this SHA-256 (hexadecimal) is to be left alone. recognises: of which set
        of known files (id) a photo is. small: whether small pictures are made of the faces."""
        self._small = small
        self._contents = contents
        self._new_detector = new_detector
        self._limits = limits
        self._budget = budget
        self._is_forgotten = is_forgotten
        self._recognises = recognises
        self._own = threading.local()

    def look(self, path: bytes) -> Seen:
        """Everything about the photo at `path` short of its scores. Raises nothing that the photo is to blame for."""
        try:
            photo = read_photo(path, limits=self._limits)
        except PhotoError as error:
            return Unread(Trouble(error.reason, error.retry))
        except Exception as error:
            return Unread(trouble_of(error, "it cannot be read"))
        if self._is_forgotten(photo.sha256):
            return Withheld(photo.sha256)
        hash_set_id = self._recognises(photo)
        if hash_set_id is not None:
            return OfHashSet(photo.sha256, photo.size, hash_set_id)
        if not self._contents.take(photo.sha256):
            return Known(photo.sha256)
        with self._budget.share() as share:
            try:
                opened = open_encoded(photo, limits=self._limits, admit=share.take)
            except PhotoError as error:
                return Looked(photo.sha256, photo.size, trouble=Trouble(error.reason, error.retry))
            except Exception as error:
                return Looked(photo.sha256, photo.size, trouble=trouble_of(error, "it cannot be decoded"))
            return self._look_at_all(photo, opened)

    def cut_again(self, path: bytes, sha256: str, places: Sequence[FacePlace]) -> list[Crop] | Trouble:
        """Crops of known faces of the photo of this content, if `path` still holds it."""
        try:
            photo = read_photo(path, limits=NO_LIMITS)
            if photo.sha256 != sha256:
                return Trouble("the file has another content now", retry=True)
            crops: dict[FacePlace, Crop] = {}
            with self._budget.share() as share:
                # It is the very photo that was looked at, within the limit of then.
                opened = open_encoded(photo, limits=NO_LIMITS, admit=share.take)
                for page in sorted({place.page for place in places}):
                    decoded = opened.picture(page)
                    for place in places:
                        if place.page == page:
                            crops[place] = cut_face(decoded, place.box, place.turned)
            return [crops[place] for place in places]
        except PhotoError as error:
            return Trouble(error.reason, error.retry)
        except Exception as error:
            return trouble_of(error, "its faces cannot be cut out")

    def _look_at_all(self, photo: EncodedPhoto, opened: OpenPhoto) -> Looked:
        """Every picture of the file, one after the other. A picture that cannot be shown is noted; a photo fails where
        none can be, and where another try could show one more."""
        seen = Looked(photo.sha256, photo.size)
        faces: list[CutFace] = []
        notices: list[tuple[int, str]] = []
        failed: list[PhotoError] = []
        try:
            for picture in opened.pictures():
                if not isinstance(picture, DecodedPhoto):
                    page, reason = picture
                    failed.append(reason)
                    notices.append((page, f"not shown: {reason.reason}"))
                    continue
                notices += [(picture.page, notice) for notice in picture.notices]
                if seen.width is None:
                    seen = _first_seen(picture)
                try:
                    faces += self._faces(picture)
                except Exception as error:
                    return replace(seen, trouble=trouble_of(error, "the face detector fails on it"))
        except Exception as error:  # what `pictures` itself did not make of it
            return replace(seen, trouble=trouble_of(error, "it cannot be decoded"))
        worth_a_try = next((each for each in failed if each.retry), None)
        if seen.width is None or worth_a_try is not None:
            why = worth_a_try or (failed[0] if failed else PhotoError("it holds no picture", retry=False))
            return Looked(photo.sha256, photo.size, trouble=Trouble(why.reason, why.retry))
        return replace(
            seen,
            faces=tuple(faces),
            pages=opened.pages,
            unlooked=opened.unlooked,
            notice=_in_words(notices, opened.pages),
        )

    def _faces(self, picture: DecodedPhoto) -> list[CutFace]:
        notice = "; ".join(picture.notices) or None
        return [
            CutFace(
                each,
                cut_face(picture, each.box, each.turned),
                picture.page,
                picture.seconds,
                notice,
                cut_small(picture.rgb, each.box, each.turned) if self._small else None,
            )
            for each in find_faces(picture, self._detector())
        ]

    def _detector(self) -> Detector:
        detector: Detector | None = getattr(self._own, "detector", None)
        if detector is None:
            detector = self._own.detector = self._new_detector()
        return detector


def _first_seen(picture: DecodedPhoto) -> Looked:
    return Looked(
        picture.sha256,
        picture.size,
        picture.width,
        picture.height,
        picture.format,
        picture.taken,
        picture.camera,
    )


_SAID = 5  # pages of which a photo's notice says what each is about


def _in_words(notices: Sequence[tuple[int, str]], pages: int) -> str | None:
    """What is to be said of the photo as a whole."""
    said = [notice if pages == 1 else f"page {page}: {notice}" for page, notice in notices]
    more = len(said) - _SAID
    return "; ".join(said[:_SAID]) + (f"; and {more:,} more" if more > 0 else "") or None


def trouble_of(error: Exception, what: str) -> Trouble:
    """An exception that nobody foresaw, ours or somebody else's, as the outcome of one photo; another try may find more
    memory or a mended program, so it is always worth one."""
    trace = "".join(traceback.format_exception(error))
    return Trouble(f"{what} ({on_one_line(error)})", retry=True, trace=trace)
