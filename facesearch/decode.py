"""From the bytes of a photo file to upright RGB pixels.

Probes and indexing decode through the same two functions, so a box found by one means the same pixels to the other.
What a photo may cost is bounded before a pixel is decoded, and whatever is wrong with a file becomes one `PhotoError`
that says so in plain words.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.metadata
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import IO

import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image, ImageCms, UnidentifiedImageError

from facesearch.errors import FacesearchError, on_one_line
from facesearch.exif import shot_of
from facesearch.source import open_source

DECODER = 1
"""Version of the rules by which a file becomes pixels, date and camera; after a change of it all photos are looked at
again."""

_FORMATS: dict[str, tuple[str, ...]] = {
    "AVIF": (".avif", ".avifs"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
_HEIF_EXTENSIONS = (".heic", ".heif", ".hif")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

_TURNS: dict[object, Image.Transpose] = {  # what brings each EXIF orientation upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

EXTENSIONS: frozenset[str] = frozenset(e for names in _FORMATS.values() for e in names) | frozenset(_HEIF_EXTENSIONS)
"""Lower-case extensions, with their dot, of every format that some installation of facesearch reads."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one photo may cost.

    max_pixels: width times height, judged from the header before anything is decoded. 200 million pixels are 0.6 GB
        of RGB, and more than any camera but a stitched panorama gives.
    max_bytes: size of the file, judged before it is read.
    """

    max_pixels: int = 200_000_000
    max_bytes: int = 500_000_000


NO_LIMITS = Limits(max_pixels=1 << 62, max_bytes=1 << 62)
"""For a photo that has kept within somebody's limits before: its SHA-256 tells."""


@dataclass(frozen=True, slots=True)
class EncodedPhoto:
    """The bytes of one file, read once: what is hashed is what is decoded. `sha256` in lower-case hex."""

    data: bytes
    sha256: str

    @property
    def size(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """One photo as it is meant to be looked at.

    rgb: uint8 [height, width, 3], upright (EXIF orientation applied), sRGB order, transparency laid over white;
        read-only.
    sha256: of the file's bytes, lower-case hex. size: of the file, in bytes. format: "JPEG", "PNG", ...
    taken: EXIF DateTimeOriginal, by the camera's own clock and without a time zone; None where there is none that makes
        sense. camera: EXIF make and model, "" likewise.
    """

    rgb: npt.NDArray[np.uint8]
    sha256: str
    size: int
    format: str
    taken: datetime | None = None
    camera: str = ""

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])


class PhotoError(FacesearchError):
    """A photo that cannot be used.

    reason: why, as a clause for the user that reads well after "failed: ".
    retry: whether another attempt may succeed with the very same bytes (the disk, a permission, memory or a missing
        extra was to blame) or not (the content is).
    """

    def __init__(self, reason: str, *, retry: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry


def decoder_name() -> str:
    """What is kept with every photo of how it was decoded: `DECODER`, and the packages that did it, with versions."""
    packages = [f"Pillow {PIL.__version__}"]
    if "HEIF" in _open_formats():
        packages.append(f"pillow-heif {importlib.metadata.version('pillow-heif')}")
    return f"{DECODER} {', '.join(packages)}"


def decoder_is_outdated(name: str, current: str, *, failed: bool) -> bool:
    """Whether the decoder `current` could make more of a photo than the one called `name`.

    It could if it follows other rules; of a photo that failed, also if its packages are others.
    """
    return name != current if failed else name.partition(" ")[0] != current.partition(" ")[0]


def readable_extensions() -> frozenset[str]:
    """The part of `EXTENSIONS` that this installation decodes: HEIC needs pillow-heif, AVIF a Pillow built with it."""
    readable = {extension for name in _open_formats() for extension in _FORMATS.get(name, _HEIF_EXTENSIONS)}
    return frozenset(readable)


def read_photo(path: str | bytes | os.PathLike[str], *, limits: Limits | None = None) -> EncodedPhoto:
    """Read a file and hash it. Raises `PhotoError`: with retry when the system refuses, without when it is too big."""
    limits = limits or Limits()
    with _file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limits.max_bytes:
            raise PhotoError(
                f"a file of {_megabytes(size)} MB, above the limit of {_megabytes(limits.max_bytes)} MB",
                retry=False,
            )
        # One byte more than there is: a file that grows while it is read is noticed.
        data = file.read(size + 1)
    if len(data) != size:
        raise PhotoError("the file changed while it was being read", retry=True)
    return EncodedPhoto(data, hashlib.sha256(data).hexdigest())


def decode_photo(path: str | bytes | os.PathLike[str], *, limits: Limits | None = None) -> DecodedPhoto:
    """Read and decode the photo at `path`. Raises `PhotoError`."""
    photo = read_photo(path, limits=limits)
    return decode_encoded(photo, limits=limits)


def decode_encoded(
    photo: EncodedPhoto, *, limits: Limits | None = None, admit: Callable[[int], None] | None = None
) -> DecodedPhoto:
    """Decode a photo that was read with `read_photo`. Raises `PhotoError`.

    `admit` is called with the number of pixels once the header has passed the limits and before anything is decoded:
    who decodes many photos at once waits there for memory. An exception that it raises passes through.
    """
    limits = limits or Limits()
    if not photo.data:
        raise PhotoError("the file is empty (0 bytes)", retry=False)
    with _opened(BytesIO(photo.data)) as image:
        name = "JPEG" if image.format == "MPO" else str(image.format)
        width, height = image.size
        if width * height > limits.max_pixels:
            raise PhotoError(
                f"{width:,} x {height:,} pixels are {_megapixels(width * height)} megapixels, above the limit of "
                f"{_megapixels(limits.max_pixels)} megapixels",
                retry=False,
            )
        if admit is not None:
            admit(width * height)
        try:
            rgb = np.asarray(_upright_rgb(image))
            shot = shot_of(image)
        except MemoryError:
            raise PhotoError("not enough memory to decode the photo", retry=True) from None
        except Exception as error:  # Pillow's plugins raise whatever their parsing stumbles over
            raise _broken(name, error) from error
    return DecodedPhoto(rgb, photo.sha256, photo.size, name, shot.taken, shot.camera)


@contextlib.contextmanager
def _file(path: str | bytes | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """The file, opened; what the system refuses meanwhile becomes a `PhotoError` with retry."""
    try:
        with open_source(path) as file:
            yield file
    except FileNotFoundError as error:
        raise PhotoError("the file disappeared before it could be read", retry=True) from error
    except MemoryError:
        raise PhotoError("not enough memory to read the file", retry=True) from None
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise PhotoError(f"the file cannot be read ({words})", retry=True) from error


def _opened(file: IO[bytes]) -> Image.Image:
    """The image whose headers stand in the file. Raises `PhotoError`."""
    beginning = file.read(12)
    file.seek(0)
    try:
        return Image.open(file, formats=_open_formats())
    except UnidentifiedImageError:
        raise _unknown_format(beginning) from None
    except MemoryError:
        raise PhotoError("not enough memory to decode the photo", retry=True) from None
    except Exception as error:  # Pillow's plugins raise whatever their parsing stumbles over
        raise PhotoError(f"damaged ({on_one_line(error)})", retry=False) from error


@cache
def _open_formats() -> tuple[str, ...]:
    """The formats to open, after telling Pillow, once, how this program uses it.

    Naming them keeps out plugins that nobody asked for (EPS would start Ghostscript).
    """
    # Limits are ours: Pillow's would warn in the middle of a progress display and refuse what max_pixels allows.
    Image.MAX_IMAGE_PIXELS = None
    # Odd metadata in a photo that decodes well is no news for the user.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    Image.init()
    names = [name for name in _FORMATS if name in Image.OPEN]
    with contextlib.suppress(ImportError):  # the extra is optional
        importlib.import_module("pillow_heif").register_heif_opener()
        names.append("HEIF")
    return tuple(names)


def _upright_rgb(image: Image.Image) -> Image.Image:
    """RGB pixels as a viewer shows them. A box found in them is in pixels of the upright photo."""
    image.load()
    # After loading: a plugin that turns the picture by itself (TIFF, HEIF) has by then taken the tag away.
    turn = _TURNS.get(_orientation(image))
    rgb = _to_rgb(image)
    return rgb if turn is None else rgb.transpose(turn)


def _orientation(image: Image.Image) -> object:
    """EXIF orientation, 1 to 8; a damaged EXIF block costs the photo its orientation, not its faces."""
    try:
        return image.getexif().get(0x0112)
    except MemoryError:
        raise
    except Exception:
        return None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return _from_deep_gray(image, _top_of_range(image))
    if image.mode in ("I", "F"):
        return _from_deep_gray(image, None)
    if image.mode in ("CMYK", "LAB"):
        return _through_profile(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        white.alpha_composite(rgba)
        return white.convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _top_of_range(image: Image.Image) -> int:
    """The value of white in a 16-bit picture: 65535, or less in a TIFF that says so (12-bit scanners)."""
    bits = getattr(image, "tag_v2", {}).get(258, 16)
    first = bits[0] if isinstance(bits, tuple) else bits
    return int((1 << first) - 1) if isinstance(first, int) and 8 < first <= 16 else 65535


def _from_deep_gray(image: Image.Image, top: int | None) -> Image.Image:
    """Gray deeper than 8 bits, scaled from 0..top; with `top` None (32 bits, floats) from the range that is used."""
    values = np.nan_to_num(np.asarray(image).astype(np.float32), posinf=0.0, neginf=0.0)
    if getattr(image, "tag_v2", {}).get(262) == 0:  # WhiteIsZero, which Pillow leaves as it is at this depth
        values = (float(top) if top else float(values.max())) - values
    low, high = (0.0, float(top)) if top else _used_range(values)
    scaled = np.clip((values - low) * (255.0 / max(high - low, 1e-12)) + 0.5, 0.0, 255.0)
    return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")


def _used_range(values: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Floats mostly come as 0..1 and integers as 0..255 or 0..65535; anything else is stretched."""
    low, high = float(values.min()), float(values.max())
    if low >= 0.0:
        for top in (1.0, 255.0, 65535.0):
            if high <= top:
                return 0.0, top
    return low, high


def _through_profile(image: Image.Image) -> Image.Image:
    """CMYK by the profile that came with it (skin turns green or orange without), LAB by its definition."""
    srgb = ImageCms.createProfile("sRGB")
    try:
        if image.mode == "LAB":
            source = ImageCms.createProfile("LAB")
        else:
            source = ImageCms.getOpenProfile(BytesIO(image.info["icc_profile"])).profile
        converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    except (KeyError, TypeError, OSError, ImageCms.PyCMSError):
        converted = None
    return converted if converted is not None else image.convert("RGB")


def _unknown_format(beginning: bytes) -> PhotoError:
    if beginning[4:8] == b"ftyp" and beginning[8:12] in _HEIF_BRANDS and "HEIF" not in _open_formats():
        return PhotoError("a HEIC photo, which needs one more package: pip install pillow-heif", retry=True)
    known = ", ".join("HEIC" if name == "HEIF" else name for name in sorted(_open_formats()))
    return PhotoError(f"no photo, or damaged at its very beginning (the content is none of {known})", retry=False)


def _broken(name: str, error: Exception) -> PhotoError:
    words = on_one_line(error)
    if "out of memory" in words:
        return PhotoError("not enough memory to decode the photo", retry=True)
    if "truncated" in words or isinstance(error, EOFError):
        return PhotoError(f"damaged: the {name} data ends too early (truncated)", retry=False)
    return PhotoError(f"damaged {name} ({words})", retry=False)


def _megapixels(pixels: int) -> str:
    return f"{pixels / 1e6:,.0f}" if pixels >= 10_000_000 else f"{pixels / 1e6:g}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}" if size >= 10_000_000 else f"{size / 1e6:g}"
