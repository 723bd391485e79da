"""The faces of a result, cut from their photos as small JPEGs; or the reason why one cannot be shown."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from db.faces import FaceDetails
from db.values.box import Box
from facesearch.vision.decode import DecodedPhoto
from facesearch.vision.thumbnails import CHANGED, cut_square, open_indexed, paint_over, picture_of

PIXELS = 200
WHOLE_PIXELS = 720
BESIDE_PIXELS = 480
"""Longer side of a whole photo that stands beside a crop."""
_SQUARES = 4  # across a face that is not to be recognised
_AT_ONCE = 2  # decoded photos in memory: some are large


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """jpeg: the picture, or None, and then `reason` says why in a few words."""

    jpeg: bytes | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A face as reports show it. crop: the face; whole: its photo, reduced, with a frame around it."""

    crop: Thumbnail
    whole: Thumbnail


def shown_faces(
    faces: Sequence[FaceDetails], others: Mapping[int, Sequence[Box]], done: Callable[[int], None]
) -> dict[int, Shown]:
    """By face id the face and its photo. Every photo is opened once; done: as in `thumbnails`.

    others: by face id the places of faces in its photo that are not to be recognised: they are shown as a few squares
    of their mean colours, from which no face can be had again, in the crop as well.
    """
    by_photo: dict[Path, list[FaceDetails]] = {}
    for face in faces:
        by_photo.setdefault(face.path, []).append(face)
    found: dict[int, Shown] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for some in pool.map(partial(_shown_in_one_photo, others=others), by_photo.values()):
            found.update(some)
            done(len(some))
    return found


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


def _unshown(reason: str) -> Thumbnail:
    """Why there is no picture, with what helps."""
    helps = ": index again, with --again if that does not notice it" if reason == CHANGED else ""
    return Thumbnail(None, f"{reason}{helps}")


def cut(rgb: NDArray[np.uint8], box: Box, turned: int, pixels: int = PIXELS) -> bytes:
    """The face as JPEG, `pixels` square: the same square that the network sees, upright. rgb: uint8 [H, W, 3]."""
    return _as_jpeg(cut_square(rgb, box, turned, pixels))


def whole_photo(face: FaceDetails, others: Sequence[Box] = ()) -> Thumbnail:
    """The picture that the face is in, reduced, with a frame around the face. others: as in `shown_faces`."""
    photo = picture_of(open_indexed(face.path, face.sha256), face.page)
    if isinstance(photo, str):
        return _unshown(photo)
    rgb = _unrecognisable(paint_over(photo.rgb, face.masked), others, face.box)
    return Thumbnail(_framed(rgb, [face.box], WHOLE_PIXELS))


def framed(
    path: Path, sha256: str, boxes: Sequence[Box], pixels: int, page: int = 1, masked: Sequence[Box] = ()
) -> Thumbnail:
    """A picture of the photo with this content, its longer side reduced to `pixels`, with a frame around each of these
    places. masked: places that are painted over, since faces that were there are forgotten."""
    photo = picture_of(open_indexed(path, sha256), page)
    if isinstance(photo, str):
        return _unshown(photo)
    return Thumbnail(_framed(paint_over(photo.rgb, masked), boxes, pixels))


def _framed(rgb: NDArray[np.uint8], boxes: Sequence[Box], pixels: int) -> bytes:
    picture = Image.fromarray(rgb)
    picture.thumbnail((pixels, pixels), Image.Resampling.LANCZOS, reducing_gap=3.0)
    x, y = picture.width / rgb.shape[1], picture.height / rgb.shape[0]
    draw = ImageDraw.Draw(picture)
    for box in boxes:
        corners = (box.x * x, box.y * y, (box.x + box.width) * x, (box.y + box.height) * y)
        for colour, grown, width in (("black", 3, 4), ("white", 2, 2)):  # to be seen on any photo
            draw.rectangle(
                [*(c - grown for c in corners[:2]), *(c + grown for c in corners[2:])], outline=colour, width=width
            )
    return _as_jpeg(picture)


def _unrecognisable(rgb: NDArray[np.uint8], others: Sequence[Box], own: Box) -> NDArray[np.uint8]:
    """The picture with these places as a few squares of their mean colours, but for what of them lies in `own`."""
    if not others:
        return rgb
    height, width = rgb.shape[:2]
    picture = Image.fromarray(rgb).copy()
    kept = _within(own, width, height)
    mine = picture.crop(kept)
    for box in others:
        grown = 0.15 * max(box.width, box.height)
        area = Box(box.x - grown, box.y - grown, box.width + 2 * grown, box.height + 2 * grown)
        place = _within(area, width, height)
        size = place[2] - place[0], place[3] - place[1]
        if min(size) > 0:
            few = picture.crop(place).resize((_SQUARES, _SQUARES), Image.Resampling.BOX)
            veil = few.resize(size, Image.Resampling.NEAREST)
            picture.paste(veil.filter(ImageFilter.GaussianBlur(min(size) / (3 * _SQUARES))), place[:2])
    if kept[2] > kept[0] and kept[3] > kept[1]:
        picture.paste(mine, kept[:2])
    return np.asarray(picture)


def _within(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what of the place lies in the picture."""
    left, top = min(max(0, int(box.x)), width), min(max(0, int(box.y)), height)
    right, low = min(width, int(box.x + box.width) + 1), min(height, int(box.y + box.height) + 1)
    return left, top, max(left, right), max(top, low)


def _as_jpeg(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "JPEG", quality=85, optimize=True)
    return file.getvalue()


def _shown_in_one_photo(faces: Sequence[FaceDetails], others: Mapping[int, Sequence[Box]]) -> dict[int, Shown]:
    opened = open_indexed(faces[0].path, faces[0].sha256)
    found: dict[int, Shown] = {}
    for page in sorted({face.page for face in faces}):
        picture = picture_of(opened, page)
        for face in (each for each in faces if each.page == page):
            if isinstance(picture, str):
                found[face.face] = Shown(_unshown(picture), _unshown(picture))
                continue
            rgb = paint_over(picture.rgb, face.masked)
            rgb = _unrecognisable(rgb, others.get(face.face, ()), face.box)
            crop = Thumbnail(cut(rgb, face.box, face.turned))
            found[face.face] = Shown(crop, Thumbnail(_framed(rgb, [face.box], BESIDE_PIXELS)))
    return found


def _of_one_photo(faces: Sequence[FaceDetails], pixels: int) -> dict[int, Thumbnail]:
    opened = open_indexed(faces[0].path, faces[0].sha256)
    found: dict[int, Thumbnail] = {}
    for page in sorted({face.page for face in faces}):  # one decoded picture at a time
        picture = picture_of(opened, page)
        for face in faces:
            if face.page == page and isinstance(picture, str):
                found[face.face] = _unshown(picture)
            elif face.page == page and isinstance(picture, DecodedPhoto):
                shown = paint_over(picture.rgb, face.masked)
                found[face.face] = Thumbnail(cut(shown, face.box, face.turned, pixels))
    return found
