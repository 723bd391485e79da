"""What passes from stage to stage of an index run: a frame, the crops of its faces, what became of a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from db.values.photo import Outcome, PhotoFacts
from indexer.failures import FailureReason

if TYPE_CHECKING:  # what worker processes need not load
    from db.photos import Relooked
    from facesearch.vision.decode import DecodedPhoto
    from facesearch.vision.detection import Detection
    from indexer.listing import Job

Crop = NDArray[np.uint8]
"""uint8 RGB [227, 227, 3], what `crop_face` cuts and the network takes."""

SCORED: Crop = np.empty((0, 0, 3), np.uint8)
"""In place of a crop that has been scored elsewhere, and stayed there."""

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a file, decoded. file: the absolute path of the file that it comes from; picture: its pixels, and
    what is known of them."""

    file: bytes
    picture: DecodedPhoto

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """uint8 [height, width, 3], upright, sRGB."""
        return self.picture.rgb

    @property
    def page(self) -> int:
        """Which picture of the file it is, from 1."""
        return self.picture.page

    @property
    def seconds(self) -> float | None:
        """When it is shown, from the file's beginning; None where nothing moves."""
        return self.picture.seconds


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """One detected face and its crop. page, seconds, notice: of the frame that it is in, as in `FaceRecord`. small: the
    face as people look at it (`cut_small`), where that is kept."""

    detection: Detection
    crop: Crop
    page: int = 1
    seconds: float | None = None
    notice: str | None = None
    small: bytes | None = None


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """The file could not be read; nothing is known of its content."""

    failure: FailureReason


@dataclass(frozen=True, slots=True)
class DuplicateContent:
    """The file was read, and its content is in the catalogue, or was claimed by another file of this run."""

    sha256: str


@dataclass(frozen=True, slots=True)
class ForgottenContent:
    """The file was read, and its content was forgotten: nothing of it is looked at or stored."""

    sha256: str


@dataclass(frozen=True, slots=True)
class RecognisedContent:
    """The file was read, and its content is of a set of known files (id): it is not looked at. size: bytes."""

    sha256: str
    size: int
    hash_set_id: int


@dataclass(frozen=True, slots=True)
class ProcessedPhoto:
    """A content that was new. size: bytes; faces: frame by frame, left to right; failure: why it could not be
    processed, which leaves it without faces. logits: as in `ScoredPhoto`, where whoever processed it has scored it as
    well."""

    sha256: str
    size: int
    facts: PhotoFacts = field(default_factory=PhotoFacts)
    faces: tuple[FaceCrop, ...] = ()
    failure: FailureReason | None = None
    logits: Logits | None = None


ProcessedFile = UnreadableFile | DuplicateContent | ForgottenContent | RecognisedContent | ProcessedPhoto
"""What became of a file that was opened."""


@dataclass(frozen=True, slots=True)
class ScoredPhoto:
    """A content on its way into the catalogue. logits: float32 [faces, attributes], in the order of its faces; None
    where it has none, or failed: then `failure` says why."""

    photo: ProcessedPhoto
    logits: Logits | None = None
    failure: FailureReason | None = None


ScoredFile = UnreadableFile | DuplicateContent | ForgottenContent | RecognisedContent | ScoredPhoto
"""What becomes of a file in the catalogue."""


@dataclass(frozen=True, slots=True)
class StoredOutcome:
    """A file whose outcome stands in the catalogue. same_content: it was opened, and its content was known already."""

    job: Job
    outcome: Outcome
    reason: str | None
    retry: bool
    same_content: bool


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What became of a batch. faces: new ones in photos that were new or had failed. relooked: photos that were known
    and looked at again. waiting: files whose content another worker has claimed and not brought yet. forgotten: those
    whose content was forgotten, of which nothing is stored. recognised: those whose content is of a set of known files,
    with the id of the set."""

    stored: list[StoredOutcome] = field(default_factory=list)
    faces: int = 0
    relooked: list[Relooked] = field(default_factory=list)
    waiting: list[tuple[Job, DuplicateContent]] = field(default_factory=list)
    forgotten: list[Job] = field(default_factory=list)
    recognised: list[tuple[Job, int]] = field(default_factory=list)
