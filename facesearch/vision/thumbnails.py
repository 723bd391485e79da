"""Faces and photos reduced for people: cut from decoded pictures, or the reason why one cannot be shown."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from db.paths import is_there
from db.values.box import Box
from facesearch.errors import on_one_line
from facesearch.vision.crop import SIDE
from facesearch.vision.decode import NO_LIMITS, DecodedPhoto, OpenPhoto, PhotoError, open_encoded, read_photo

CHANGED = "the photo has changed since it was indexed"
"""Why a photo is not shown that is another one by now."""
SMALL = 128
"""Side of the small pictures that are kept of faces."""
_QUALITY = 80
_EMPTY = (236, 236, 236)  # what lies beyond the edge of the photo
_TURN_BACK = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


def cut_square(rgb: NDArray[np.uint8], box: Box, turned: int, pixels: int, *, see_through: bool = False) -> Image.Image:
    """The face, `pixels` square: the same square that the network sees, upright. rgb: uint8 [H, W, 3]. see_through:
    what lies beyond the edge of the photo is left transparent, and not grey."""
    side = SIDE * max(box.width, box.height)
    left, top = box.x + (box.width - side) / 2, box.y + (box.height - side) / 2
    height, width = rgb.shape[:2]
    # The part that lies within the photo, and where it goes on the canvas.
    inside = max(0.0, left), max(0.0, top), min(float(width), left + side), min(float(height), top + side)
    canvas = Image.new("RGBA" if see_through else "RGB", (pixels, pixels), (0, 0, 0, 0) if see_through else _EMPTY)
    scale = pixels / side
    to = [round((inside[0] - left) * scale), round((inside[1] - top) * scale)]
    size = [max(1, round((inside[i + 2] - inside[i]) * scale)) for i in (0, 1)]
    if inside[0] < inside[2] and inside[1] < inside[3]:
        part = Image.fromarray(rgb).resize((size[0], size[1]), Image.Resampling.LANCZOS, box=inside, reducing_gap=3.0)
        canvas.paste(part, (to[0], to[1]))
    return canvas.transpose(_TURN_BACK[turned]) if turned else canvas


def cut_small(rgb: NDArray[np.uint8], box: Box, turned: int) -> bytes:
    """The face as WebP, SMALL pixels square: some 2 kB. What lies beyond the edge of the photo is transparent."""
    return encode_small(cut_square(rgb, box, turned, SMALL, see_through=True))


def encode_small(picture: Image.Image) -> bytes:
    """A small picture as it is kept: WebP."""
    file = BytesIO()
    picture.save(file, "WEBP", quality=_QUALITY, method=2)
    return file.getvalue()


def paint_over(rgb: NDArray[np.uint8], masked: Sequence[Box]) -> NDArray[np.uint8]:
    """The picture, uint8 [H, W, 3], without what was in these places."""
    if not masked:
        return rgb
    painted = rgb.copy()
    for box in masked:
        top, left = max(0, int(box.y)), max(0, int(box.x))
        painted[top : max(top, int(box.y + box.height) + 1), left : max(left, int(box.x + box.width) + 1)] = _EMPTY
    return painted


def open_indexed(path: Path, sha256: str) -> OpenPhoto | str:
    """The photo as it was indexed, or why it cannot be shown."""
    try:
        photo = read_photo(path, limits=NO_LIMITS)
        if photo.sha256 != sha256:
            return CHANGED
        return open_encoded(photo, limits=NO_LIMITS)
    except PhotoError as error:
        return error.reason if is_there(path) else "the photo is not there now"
    except Exception as error:  # one photo's trouble does not cost the page
        return f"it cannot be decoded ({on_one_line(error)})"


def picture_of(opened: OpenPhoto | str, page: int) -> DecodedPhoto | str:
    if isinstance(opened, str):
        return opened
    try:
        return opened.picture(page)
    except PhotoError as error:
        return error.reason
    except Exception as error:
        return f"it cannot be decoded ({on_one_line(error)})"
