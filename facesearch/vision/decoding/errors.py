"""What keeps a photo from being used, and what one may cost."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import UnidentifiedImageError

from facesearch.errors import FacesearchError, on_one_line


@dataclass(frozen=True, slots=True)
class Limits:
    """What one photo may cost.

    max_pixels: width times height of each picture in the file, judged from its header before anything is decoded. 200
        million pixels are 0.6 GB of RGB, and more than any camera but a stitched panorama gives.
    max_bytes: size of the file, judged before it is read.
    max_pages, max_frames: how many pages of a document and frames of an animation are looked at.
    max_pixels_in_all: of all pages and frames together; pages beyond are not looked at, and counted.
    """

    max_pixels: int = 200_000_000
    max_bytes: int = 500_000_000
    max_pages: int = 1000
    max_frames: int = 20
    max_pixels_in_all: int = 10_000_000_000


NO_LIMITS = Limits(max_pixels=1 << 62, max_bytes=1 << 62)
"""For a photo that has kept within somebody's limits before: its SHA-256 tells."""


class PhotoError(FacesearchError, kinds=("photo",)):
    """A photo that cannot be used.

    reason: why, as a clause for the user that reads well after "failed: ".
    retry: whether another attempt may succeed with the very same bytes (the disk, a permission, memory or a missing
        extra was to blame) or not (the content is).
    """

    def __init__(self, reason: str, *, retry: bool) -> None:
        super().__init__(reason, retry=retry)
        self.reason = reason
        self.retry = retry


def check_size(width: int, height: int, limits: Limits) -> None:
    """Raises `PhotoError` for a picture that is too large, or has no pixels."""
    if width < 1 or height < 1:
        raise PhotoError(f"damaged: it says to be {width:,} x {height:,} pixels large", retry=False)
    if width * height > limits.max_pixels:
        raise PhotoError(
            f"{width:,} x {height:,} pixels are {megapixels(width * height)} megapixels, above the limit of "
            f"{megapixels(limits.max_pixels)} megapixels",
            retry=False,
        )


def broken(name: str, error: Exception) -> PhotoError:
    """What a decoder raised, as the failure of a photo of this format."""
    if isinstance(error, PhotoError):
        return error
    if isinstance(error, UnidentifiedImageError):
        return PhotoError(f"a {name} file of a kind that is not read, or damaged at its beginning", retry=False)
    words = on_one_line(error)
    if isinstance(error, MemoryError) or "out of memory" in words.casefold():
        return PhotoError("not enough memory to decode the photo", retry=True)
    if "truncated" in words or isinstance(error, EOFError):
        return cut_short(name)
    return PhotoError(f"damaged {name} ({words})", retry=False)


def cut_short(name: str) -> PhotoError:
    """Of a file that ends before its picture does, and of which nothing can be shown."""
    return PhotoError(f"damaged: the {name} data ends too early (truncated)", retry=False)


def megapixels(pixels: int) -> str:
    """A number of pixels in words."""
    return f"{pixels / 1e6:,.0f}" if pixels >= 10_000_000 else f"{pixels / 1e6:g}"


def megabytes(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / 1e6:,.0f}" if size >= 10_000_000 else f"{size / 1e6:g}"
