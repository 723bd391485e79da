"""Pictures of faces of the catalogue: small crops, kept beside it, and whole photos, reduced.

Several faces of one photo are cut in one read. A photo that has changed since it was indexed is not shown: another
picture under the number of a face would be worse than none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from db import faces
from db.catalogue import Catalogue
from db.crops import CropStore, place_key
from db.faces import FaceDetails
from facesearch.vision.decode import DecodedPhoto
from facesearch.vision.thumbnails import cut_small, open_indexed, paint_over, picture_of

WHOLE = 1600
"""Longer side of a whole photo as it is shown at first; LARGEST: where somebody looks closer."""
LARGEST = 6000


class NoPicture(Exception):  # noqa: N818 (it is an answer)
    """Why a picture cannot be shown, in a few words."""


@dataclass(frozen=True, slots=True)
class WholePhoto:
    """The picture that a face is in, as JPEG, reduced to width x height; scale: its pixels for one of the photo."""

    jpeg: bytes
    width: int
    height: int
    scale: float


def crop(catalogue: Catalogue, store: CropStore, face_id: int) -> bytes:
    """A face as WebP, `SMALL` pixels square. Where it is not kept, those of all faces of its photo are made in one
    read, and kept. Raises NoPicture, and FaceUnknown and other CatalogueErrors."""
    face = _face(catalogue, face_id)
    kept = store.read({face_id: place_key(face)})
    if face_id in kept:
        return kept[face_id]
    with catalogue.read() as session:
        others = [each for each in faces.of_photo(session, face.sha256, face.page) if each != face_id]
        beside = faces.details_of_scored(session, others)
    made = _cut([face, *beside])
    store.write((each.face, place_key(each), made[each.face]) for each in (face, *beside))
    return made[face_id]


def kept_crops(store: CropStore, some: Sequence[FaceDetails]) -> dict[int, bytes]:
    """The crops of those of these faces that are kept, by face, in one read."""
    return store.read({each.face: place_key(each) for each in some})


def whole_photo(catalogue: Catalogue, face_id: int, longest: int = WHOLE) -> WholePhoto:
    """The picture that a face is in, without what was forgotten. Raises as `crop`."""
    face = _face(catalogue, face_id)
    photo = _picture(face)
    picture = Image.fromarray(paint_over(photo.rgb, face.masked))
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=3.0)
    file = BytesIO()
    picture.save(file, "JPEG", quality=88)
    return WholePhoto(file.getvalue(), picture.width, picture.height, picture.width / photo.width)


def _face(catalogue: Catalogue, face_id: int) -> FaceDetails:
    with catalogue.read() as session:
        return faces.in_full(session, face_id).face


def _cut(some: Sequence[FaceDetails]) -> dict[int, bytes]:
    """The crops of faces of one picture."""
    photo = _picture(some[0])
    shown = paint_over(photo.rgb, some[0].masked)
    return {each.face: cut_small(shown, each.box, each.turned) for each in some}


def _picture(face: FaceDetails) -> DecodedPhoto:
    reason = "no file holds it any more"
    for path in face.paths or (Path(),):
        photo = picture_of(open_indexed(path, face.sha256), face.page) if face.paths else reason
        if not isinstance(photo, str):
            return photo
        reason = photo
    raise NoPicture(reason)
