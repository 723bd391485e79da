"""The faces of a result, cut from their photos as small JPEGs; or the reason why one cannot be shown."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from db.faces import FaceDetails
from db.values.box import Box
from facesearch.vision.decode import DecodedPhoto
from facesearch.vision.thumbnails import cut_square, open_indexed, paint_over, picture_of

PIXELS = 200
WHOLE_PIXELS = 720
_AT_ONCE = 2  # decoded photos in memory: some are large


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """jpeg: the picture, or None, and then `reason` says why in a few words."""

    jpeg: bytes | None
    reason: str = ""


def thumbnails(faces: Sequence[FaceDetails], done: Callable[[int], None], pixels: int = PIXELS) -> dict[int, Thumbnail]:
    """A thumbnail for each face id. Every photo is opened once; done: called with the number of faces each time."""
    by_photo: dict[Path, list[FaceDetails]] = {}
    for face in faces:
        by_photo.setdefault(face.path, []).append(face)
    found: dict[int, Thumbnail] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for some in pool.map(partial(_of_one_photo, pixels=pixels), by_photo.values()):
            found.update(some)
            done(len(some))
    return found


def cut(rgb: NDArray[np.uint8], box: Box, turned: int, pixels: int = PIXELS) -> bytes:
    """The face as JPEG, `pixels` square: the same square that the network sees, upright. rgb: uint8 [H, W, 3]."""
    return _as_jpeg(cut_square(rgb, box, turned, pixels))


def whole_photo(face: FaceDetails) -> Thumbnail:
    """The picture that the face is in, reduced, with a frame around the face."""
    return framed(face.path, face.sha256, [face.box], WHOLE_PIXELS, face.page, masked=face.masked)


def framed(
    path: Path, sha256: str, boxes: Sequence[Box], pixels: int, page: int = 1, masked: Sequence[Box] = ()
) -> Thumbnail:
    """A picture of the photo with this content, its longer side reduced to `pixels`, with a frame around each of these
    places. masked: places that are painted over, since faces that were there are forgotten."""
    photo = picture_of(open_indexed(path, sha256), page)
    if isinstance(photo, str):
        return Thumbnail(None, photo)
    picture = Image.fromarray(paint_over(photo.rgb, masked))
    picture.thumbnail((pixels, pixels), Image.Resampling.LANCZOS, reducing_gap=3.0)
    x, y = picture.width / photo.width, picture.height / photo.height
    draw = ImageDraw.Draw(picture)
    for box in boxes:
        corners = (box.x * x, box.y * y, (box.x + box.width) * x, (box.y + box.height) * y)
        for colour, grown, width in (("black", 3, 4), ("white", 2, 2)):  # to be seen on any photo
            draw.rectangle(
                [*(c - grown for c in corners[:2]), *(c + grown for c in corners[2:])], outline=colour, width=width
            )
    return Thumbnail(_as_jpeg(picture))


def _as_jpeg(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "JPEG", quality=85, optimize=True)
    return file.getvalue()


def _of_one_photo(faces: Sequence[FaceDetails], pixels: int) -> dict[int, Thumbnail]:
    opened = open_indexed(faces[0].path, faces[0].sha256)
    found: dict[int, Thumbnail] = {}
    for page in sorted({face.page for face in faces}):  # one decoded picture at a time
        picture = picture_of(opened, page)
        for face in faces:
            if face.page == page and isinstance(picture, str):
                found[face.face] = Thumbnail(None, picture)
            elif face.page == page and isinstance(picture, DecodedPhoto):
                shown = paint_over(picture.rgb, face.masked)
                found[face.face] = Thumbnail(cut(shown, face.box, face.turned, pixels))
    return found
