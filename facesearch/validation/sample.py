"""The faces and photos that people are to label: drawn at random from a catalogue, the same for the same seed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from db import faces, validations
from db.catalogue import Catalogue
from db.faces import FaceDetails
from db.validations import PhotoView
from db.values.box import Box
from facesearch.attributes import BY_NAME, NAMES
from facesearch.custody.audit import log
from facesearch.custody.policy import permit
from facesearch.errors import FacesearchError
from facesearch.search.hits import gallery_of, sure_mask
from facesearch.vision.detection import SEARCH_FROM

FACES, PHOTOS = 300, 60
"""How many are drawn if nobody says otherwise: of 300 faces, an error of 10 % is known to within 4 points."""

FEWEST = 30
"""Below this many faces every interval is so wide that nothing is stated."""

USUAL_ORDER = (
    *("Male", "Young", "No_Beard", "Eyeglasses", "Gray_Hair", "Black_Hair", "Blond_Hair", "Brown_Hair", "Bald"),
    *("Wearing_Hat", "Mustache", "Goatee", "Chubby", "Smiling"),
)
"""What descriptions name most: asked first, so that whoever stops early has measured these."""

_FORMAT = 1
_AT_ONCE = 500  # pictures of so many stand in memory twice


class ValidationError(FacesearchError, kinds=("validation", "sample of another catalogue")):
    """A validation cannot go on; what is wrong with its sample or its answers, and the remedy."""


@dataclass(frozen=True, slots=True)
class DrawnFace:
    """A face as it was when it was drawn. sha256: of its photo's content."""

    face: int
    sha256: str
    box: Box


@dataclass(frozen=True, slots=True)
class DrawnPhoto:
    """A photo as it was. found: how many faces a search would show."""

    sha256: str
    found: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn. words: names of the attributes that are asked, in that order. min_detection: of all faces.

    of_faces, of_photos: how many there were to draw from. not_shown: how many were passed over because their photo
    could not be opened.
    """

    seed: int
    words: tuple[str, ...]
    min_detection: float
    faces: tuple[DrawnFace, ...]
    photos: tuple[DrawnPhoto, ...]
    of_faces: int
    of_photos: int
    not_shown: int

    @property
    def key(self) -> str:
        """Twelve digits that tell this sample from every other: answers name it."""
        return sha256(self.as_json().encode()).hexdigest()[:12]

    def as_json(self) -> str:
        """For `read_sample`."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1)


def read_sample(text: str, name: str) -> Sample:
    """The sample that `as_json` wrote. name: of its file. Raises ValidationError."""
    try:
        held: dict[str, Any] = json.loads(text)
        if held.pop("format") != _FORMAT:
            raise ValueError
        drawn = [DrawnFace(each["face"], each["sha256"], Box(**each["box"])) for each in held.pop("faces")]
        photos = [DrawnPhoto(**each) for each in held.pop("photos")]
        words = tuple(held.pop("words"))
        if not set(words) <= set(NAMES):
            raise ValueError
        return Sample(words=words, faces=tuple(drawn), photos=tuple(photos), **held)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValidationError(
            f"{name} is no sample of this version: start again in another folder; answers belong to one sample."
        ) from error


def asked_words(chosen: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of the attributes to ask, those that were chosen or all, in the order in which people are asked."""
    wanted = set(chosen or NAMES)
    first = [name for name in USUAL_ORDER if name in wanted]
    return (*first, *(name for name in NAMES if name in wanted and name not in first))


def draw(
    catalogue: Catalogue,
    *,
    face_count: int,
    photo_count: int,
    words: Sequence[str],
    seed: int,
    show_faces: Callable[[Sequence[FaceDetails]], dict[int, bytes | None]],
    show_photos: Callable[[Sequence[PhotoView]], list[bytes | None]],
) -> tuple[Sample, list[bytes], list[bytes]]:
    """A sample, and the pictures of its faces and of its photos.

    Faces: of all that a search shows, each as likely as any other. Photos: of all that were looked at for faces, with
    or without one. show_faces: a picture for each face id, None where the photo cannot be opened; another face takes
    its place then. show_photos: likewise for photos, in their order. It is logged. Raises SearchError where nothing is
    indexed, ValidationError where fewer than FEWEST faces can be drawn, and PolicyRefusal.
    """
    policy = permit(catalogue)
    policy.permit_export("html")
    gallery = gallery_of(catalogue)
    ids = np.sort(gallery.face_ids[sure_mask(gallery, SEARCH_FROM)])
    rng = np.random.default_rng(seed)
    drawn: list[DrawnFace] = []
    pictures: list[bytes] = []
    not_shown = 0
    order, at = rng.permutation(ids).tolist(), 0
    while at < len(order) and len(drawn) < face_count:
        some = order[at : at + min(face_count - len(drawn), _AT_ONCE)]
        at += len(some)
        with catalogue.read() as session:
            details = faces.details(session, some, model_id=gallery.model_id)
        shown = show_faces(details)
        for each in details:
            picture = shown[each.face]
            if picture is None:
                not_shown += 1
            else:
                drawn.append(DrawnFace(each.face, each.sha256, each.box))
                pictures.append(picture)
    if len(drawn) < FEWEST:
        raise ValidationError(
            f"Only {len(drawn)} faces can be drawn, and fewer than {FEWEST} tell nothing: index more photos, or "
            "connect the drive that they lie on."
        )
    seen: list[DrawnPhoto] = []
    photo_pictures: list[bytes] = []
    with catalogue.read() as session:
        photo_ids = validations.looked_at(session)
    order, at = rng.permutation(np.array(photo_ids, np.int64)).tolist(), 0
    while at < len(order) and len(seen) < photo_count:
        some = order[at : at + min(photo_count - len(seen), _AT_ONCE)]
        at += len(some)
        with catalogue.read() as session:
            views = validations.views(session, some, SEARCH_FROM)
        for view, picture in zip(views, show_photos(views), strict=True):
            if picture is None:
                not_shown += 1
            else:
                seen.append(DrawnPhoto(view.sha256, len(view.boxes)))
                photo_pictures.append(picture)
    sample = Sample(seed, tuple(words), SEARCH_FROM, tuple(drawn), tuple(seen), len(ids), len(photo_ids), not_shown)
    said = {"step": "sample", "key": sample.key, "seed": seed, "words": list(words), "photos": len(seen)}
    log(catalogue, "validate", {**said, "faces": [each.face for each in drawn]}, policy)
    return sample, pictures, photo_pictures


def labels_of(words: Sequence[str]) -> list[str]:
    """How people say that each of these attributes holds."""
    return [BY_NAME[name].label for name in words]
