"""What one worker does with one file: read, hash, decode, detect, crop. Failures become part of the result.

A decoded picture never leaves its worker: what goes on are crops of 155 kB a face, so memory is bounded by the workers
and their pixel budget, whatever waits behind them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Generic

from db.values.box import FacePlace
from db.values.photo import PhotoFacts
from facesearch.vision.decode import DecodedPhoto, PhotoError
from facesearch.vision.detection import Detector
from facesearch.vision.faces import cut_face, find_faces
from facesearch.vision.thumbnails import cut_small
from indexer.claims import Admission, Admit
from indexer.failures import FailureReason, unforeseen
from indexer.items import (
    Crop,
    DuplicateContent,
    FaceCrop,
    ForgottenContent,
    Frame,
    ProcessedFile,
    ProcessedPhoto,
    RecognisedContent,
    UnreadableFile,
)
from indexer.ports import AnyMedium, Budget, Cropper, Decoder, Pictures, Source

_NOTED = 5  # pages of which a photo's notice says what each is about


class PhotoProcessor(Generic[AnyMedium]):
    """The stages from source to crop, on behalf of several threads, each with a detector of its own."""

    def __init__(
        self,
        source: Source[AnyMedium],
        decoder: Decoder[AnyMedium],
        new_detector: Callable[[], Detector],
        *,
        admit: Admit,
        budget: Budget,
        crop: Cropper = cut_face,
        small: bool = False,
    ) -> None:
        """admit: what is done with a content. small: whether small pictures are made of the faces, for people."""
        self._source = source
        self._decoder = decoder
        self._new_detector = new_detector
        self._admit = admit
        self._budget = budget
        self._crop = crop
        self._small = small
        self._own = threading.local()

    def process(self, path: bytes) -> ProcessedFile:
        """As in `indexer.ports.Processor`."""
        try:
            medium = self._source.read(path)
        except PhotoError as error:
            return UnreadableFile(FailureReason(error.reason, error.retry))
        except Exception as error:
            return UnreadableFile(unforeseen(error, "it cannot be read"))
        admission = self._admit(medium)
        if isinstance(admission, RecognisedContent):
            return admission
        if admission is Admission.FORGOTTEN:
            return ForgottenContent(medium.sha256)
        if admission is Admission.DUPLICATE:
            return DuplicateContent(medium.sha256)
        with self._budget.share() as share:
            photo = ProcessedPhoto(medium.sha256, medium.size)
            try:
                opened = self._decoder.open(medium, share.take)
            except PhotoError as error:
                return replace(photo, failure=FailureReason(error.reason, error.retry))
            except Exception as error:
                return replace(photo, failure=unforeseen(error, "it cannot be decoded"))
            with closing(opened):
                return self._process_frames(path, photo, opened)

    def crop_again(self, path: bytes, sha256: str, places: Sequence[FacePlace]) -> list[Crop] | FailureReason:
        """As in `indexer.ports.Processor`."""
        try:
            medium = self._source.read(path, unlimited=True)
            if medium.sha256 != sha256:
                return FailureReason("the file has another content now", retry=True)
            # It is the very photo that was processed, within the limit of then.
            with (
                self._budget.share() as share,
                closing(self._decoder.open(medium, share.take, unlimited=True)) as opened,
            ):
                return self._crop_places(opened, places)
        except PhotoError as error:
            return FailureReason(error.reason, error.retry)
        except Exception as error:
            return unforeseen(error, "its faces cannot be cut out")

    def _crop_places(self, opened: Pictures, places: Sequence[FacePlace]) -> list[Crop]:
        crops: dict[FacePlace, Crop] = {}
        for page in sorted({place.page for place in places}):
            picture = opened.picture(page)
            here = [place for place in places if place.page == page]
            crops.update((place, self._crop(picture, place.box, place.turned)) for place in here)
        return [crops[place] for place in places]

    def _process_frames(self, path: bytes, photo: ProcessedPhoto, opened: Pictures) -> ProcessedPhoto:
        """Every picture of the file, one after the other. A picture that cannot be shown is noted; a photo fails where
        none can be, and where another try could show one more."""
        facts: PhotoFacts | None = None
        faces: list[FaceCrop] = []
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
                facts = facts or picture.facts
                try:
                    faces += self._crop_faces(Frame(path, picture))
                except Exception as error:
                    return replace(photo, facts=facts, failure=unforeseen(error, "the face detector fails on it"))
        except Exception as error:  # what `pictures` itself did not make of it
            return replace(photo, facts=facts or photo.facts, failure=unforeseen(error, "it cannot be decoded"))
        worth_a_try = next((each for each in failed if each.retry), None)
        if facts is None or worth_a_try is not None:
            why = worth_a_try or (failed[0] if failed else PhotoError("it holds no picture", retry=False))
            return replace(photo, failure=FailureReason(why.reason, why.retry))
        notice = _in_words(notices, opened.pages)
        facts = replace(facts, pages=opened.pages, unlooked=opened.unlooked, notice=notice)
        return replace(photo, facts=facts, faces=tuple(faces))

    def _crop_faces(self, frame: Frame) -> list[FaceCrop]:
        notice = "; ".join(frame.picture.notices) or None
        return [
            FaceCrop(
                face,
                self._crop(frame.picture, face.box, face.turned),
                frame.page,
                frame.seconds,
                notice,
                cut_small(frame.rgb, face.box, face.turned) if self._small else None,
            )
            for face in find_faces(frame.picture, self._detector())
        ]

    def _detector(self) -> Detector:
        detector: Detector | None = getattr(self._own, "detector", None)
        if detector is None:
            detector = self._own.detector = self._new_detector()
        return detector


def _in_words(notices: Sequence[tuple[int, str]], pages: int) -> str | None:
    """What is to be said of the photo as a whole."""
    noted = [notice if pages == 1 else f"page {page}: {notice}" for page, notice in notices]
    more = len(noted) - _NOTED
    return "; ".join(noted[:_NOTED]) + (f"; and {more:,} more" if more > 0 else "") or None
