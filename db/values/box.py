"""Where a face is in its photo."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Box:
    """A face's place: left, top, width and height in pixels of the upright photo (EXIF orientation applied)."""

    x: float
    y: float
    width: float
    height: float


class FacePlace(NamedTuple):
    """Where a face is cut out. turned: degrees by which the picture was turned when the face was found upright; page:
    which picture of the file it is in, from 1."""

    box: Box
    turned: int = 0
    page: int = 1
