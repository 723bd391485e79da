"""Where a face is in its photo."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A face's place: left, top, width and height in pixels of the upright photo (EXIF orientation applied)."""

    x: float
    y: float
    width: float
    height: float
