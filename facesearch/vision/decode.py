"""From the bytes of a photo file to upright sRGB pixels, picture by picture.

Probes and indexing decode through the same functions, so a box found by one means the same pixels to the other. What a
photo may cost is bounded before a pixel is decoded, and whatever is wrong with a file becomes one `PhotoError` that
says so in plain words. How the formats are read is `facesearch.vision.decoding`'s.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO

import numpy as np
import numpy.typing as npt
import PIL

from db.values.photo import PhotoFacts
from facesearch.vision.decoding.contents import Contents, open_contents
from facesearch.vision.decoding.errors import NO_LIMITS, Limits, PhotoError, broken, megabytes
from facesearch.vision.decoding.heif import heic_version
from facesearch.vision.decoding.pillow import is_decoded
from facesearch.vision.decoding.pixels import Drawn, Rectangle
from facesearch.vision.decoding.raw import raw_version
from facesearch.vision.decoding.sniff import AVIF, HEIC, RAW, READ_BY_PILLOW
from facesearch.vision.source import open_source

__all__ = [
    "DECODER",
    "EXTENSIONS",
    "NO_LIMITS",
    "DecodedPhoto",
    "EncodedPhoto",
    "Limits",
    "OpenPhoto",
    "PhotoError",
    "Rectangle",
    "decode_encoded",
    "decode_photo",
    "decoder_is_outdated",
    "decoder_name",
    "open_encoded",
    "read_photo",
    "readable_extensions",
    "readable_kinds",
]

DECODER = 3
"""Version of the rules by which a file becomes pixels, date and camera; after a change of it all photos are looked at
again. 2: every page and frame, colours by their profiles, damaged files as far as they go. 3: each strip, tile and
frame as far as it goes; JPEG 2000 by its profile."""

_FORMATS: dict[str, tuple[str, ...]] = {
    "AVIF": (".avif", ".avifs"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "TIFF": (".tif", ".tiff"),
    "WebP": (".webp",),
}
_HEIF_EXTENSIONS = (".heic", ".heif", ".hif")

EXTENSIONS: frozenset[str] = frozenset(e for names in _FORMATS.values() for e in names) | frozenset(_HEIF_EXTENSIONS)
"""Lower-case extensions, with their dot, of every format that some installation of facesearch reads."""


@dataclass(frozen=True, slots=True)
class EncodedPhoto:
    """The bytes of one file, read once: what is hashed is what is decoded. `sha256` in lower-case hex."""

    data: bytes
    sha256: str

    @property
    def size(self) -> int:
        return len(self.data)

    def digest(self, algorithm: str) -> bytes:
        """By an algorithm as hashlib names it."""
        return hashlib.new(algorithm, self.data, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """One picture of a photo file as it is meant to be looked at.

    rgb: uint8 [height, width, 3], upright (EXIF orientation applied), sRGB, transparency laid over white; read-only.
    sha256: of the file's bytes, lower-case hex. size: of the file, in bytes. format: "JPEG", "PNG", ...
    taken: EXIF DateTimeOriginal, by the camera's own clock and without a time zone; None where there is none that makes
        sense. camera: EXIF make and model, "" likewise.
    page: which picture of the file this is, from 1. seconds: when it is shown, None where nothing moves.
    sound: the part of `rgb` that the file holds, None for all of it; the rest is filled in, and shows nothing.
    notices: what is to be said of this picture, clauses that read well after its name and a colon.
    """

    rgb: npt.NDArray[np.uint8]
    sha256: str
    size: int
    format: str
    taken: datetime | None = None
    camera: str = ""
    page: int = 1
    seconds: float | None = None
    sound: Rectangle | None = None
    notices: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    @property
    def facts(self) -> PhotoFacts:
        """Of this picture, as if it were the only one of its file."""
        return PhotoFacts(self.width, self.height, self.format, self.taken, self.camera)

    @property
    def visible(self) -> npt.NDArray[np.uint8]:
        """The part of `rgb` that the file holds; `left` and `top` say where it begins."""
        if self.sound is None:
            return self.rgb
        return self.rgb[self.sound.top : self.sound.bottom, self.sound.left : self.sound.right]

    @property
    def left(self) -> int:
        return 0 if self.sound is None else self.sound.left

    @property
    def top(self) -> int:
        return 0 if self.sound is None else self.sound.top


class OpenPhoto:
    """A photo file whose headers were read: what it holds, and its pictures one after the other."""

    def __init__(self, photo: EncodedPhoto, contents: Contents) -> None:
        self._photo = photo
        self._contents = contents

    @property
    def format(self) -> str:
        """ "JPEG", "TIFF", ..."""
        return self._contents.format

    @property
    def taken(self) -> datetime | None:
        """As in `DecodedPhoto`."""
        return self._contents.capture.taken

    @property
    def camera(self) -> str:
        """As in `DecodedPhoto`."""
        return self._contents.capture.camera

    @property
    def pages(self) -> int:
        """How many pictures the file holds: pages, frames, views."""
        return self._contents.count

    @property
    def pixels(self) -> int:
        """Of the largest picture: only one is decoded at a time."""
        return self._contents.pixels

    @property
    def unlooked(self) -> int:
        """How many pictures nobody looks at, once `pictures` has come to its end."""
        return self._contents.unlooked

    @property
    def unlooked_in_words(self) -> str:
        """The same for people; "" for none."""
        number, word = self.unlooked, self._contents.word
        if not number:
            return ""
        return (
            f"1 of its {self.pages:,} {word}s was not looked at"
            if number == 1
            else (f"{number:,} of its {self.pages:,} {word}s were not looked at")
        )

    def pictures(self) -> Iterator[DecodedPhoto | tuple[int, PhotoError]]:
        """Every picture that is to be looked at; of one that cannot be shown its page, and why."""
        waiting, page = self._contents.pictures(), 0
        while True:
            try:
                found = next(waiting, None)
            except Exception as error:  # as in `_drawn`
                yield page + 1, broken(self.format, error)
                return
            if found is None:
                return
            page = found.page
            if isinstance(found.shown, PhotoError):
                yield page, found.shown
            else:
                yield self._decoded(page, found.seconds, found.shown)

    def picture(self, page: int) -> DecodedPhoto:
        """One picture. Raises `PhotoError`, also where there is none of this number."""
        return self._decoded(page, None, _drawn(self._contents, page))

    def close(self) -> None:
        """Nothing is held but memory."""

    def _decoded(self, page: int, seconds: float | None, shown: Drawn) -> DecodedPhoto:
        try:
            rgb, sound = _upright(shown)
        except MemoryError:
            raise PhotoError("not enough memory to decode the photo", retry=True) from None
        rgb.flags.writeable = False
        return DecodedPhoto(
            rgb,
            self._photo.sha256,
            self._photo.size,
            self.format,
            self.taken,
            self.camera,
            page,
            seconds,
            sound,
            shown.notices,
        )


def decoder_name() -> str:
    """What is kept with every photo of how it was decoded: `DECODER`, and the packages that did it, with versions."""
    packages = [f"Pillow {PIL.__version__}"]
    extras = (("pillow-heif", heic_version()), ("rawpy", raw_version()))
    packages += [f"{name} {version}" for name, version in extras if version is not None]
    return f"{DECODER} {', '.join(packages)}"


def decoder_is_outdated(name: str, current: str, *, failed: bool) -> bool:
    """Whether the decoder `current` could make more of a photo than the one called `name`.

    It could if it follows other rules; of a photo that failed, also if its packages are others.
    """
    return name != current if failed else name.partition(" ")[0] != current.partition(" ")[0]


def readable_extensions() -> frozenset[str]:
    """The part of `EXTENSIONS` that this installation decodes: HEIC needs pillow-heif, AVIF a Pillow built with it."""
    readable = {extension for name, names in _FORMATS.items() for extension in names if is_decoded(name.upper())}
    return frozenset(readable | set(_HEIF_EXTENSIONS if heic_version() is not None else ()))


def readable_kinds() -> frozenset[str]:
    """Names of the kinds of files (`FileKind.label`) that this installation decodes."""
    missing = set() if is_decoded("AVIF") else {AVIF}
    extras = {HEIC} if heic_version() is not None else set()
    extras |= {RAW} if raw_version() is not None else set()
    return frozenset((READ_BY_PILLOW - missing) | extras)


def read_photo(path: str | bytes | os.PathLike[str], *, limits: Limits | None = None) -> EncodedPhoto:
    """Read a file and hash it. Raises `PhotoError`: with retry when the system refuses, without when it is too big."""
    limits = limits or Limits()
    with _file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limits.max_bytes:
            raise PhotoError(
                f"a file of {megabytes(size)} MB, above the limit of {megabytes(limits.max_bytes)} MB",
                retry=False,
            )
        # One byte more than there is: a file that grows while it is read is noticed.
        data = file.read(size + 1)
    if len(data) != size:
        raise PhotoError("the file changed while it was being read", retry=True)
    return EncodedPhoto(data, hashlib.sha256(data).hexdigest())


def open_encoded(
    photo: EncodedPhoto, *, limits: Limits | None = None, admit: Callable[[int], None] | None = None
) -> OpenPhoto:
    """Open a photo that was read with `read_photo`. Raises `PhotoError`.

    `admit` is called with the pixels of its largest picture once the header has passed the limits and before anything
    is decoded: who decodes many photos at once waits there for memory. An exception that it raises passes through.
    """
    opened = OpenPhoto(photo, open_contents(photo.data, limits or Limits()))
    if admit is not None:
        admit(opened.pixels)
    return opened


def decode_photo(path: str | bytes | os.PathLike[str], *, page: int = 1, limits: Limits | None = None) -> DecodedPhoto:
    """Read and decode a picture of the photo at `path`. Raises `PhotoError`."""
    return decode_encoded(read_photo(path, limits=limits), page=page, limits=limits)


def decode_encoded(
    photo: EncodedPhoto,
    *,
    page: int = 1,
    limits: Limits | None = None,
    admit: Callable[[int], None] | None = None,
) -> DecodedPhoto:
    """Decode a picture of a photo that was read with `read_photo`. Raises `PhotoError`. admit: as in `open_encoded`."""
    return open_encoded(photo, limits=limits, admit=admit).picture(page)


def _drawn(contents: Contents, page: int) -> Drawn:
    try:
        return contents.draw(page)
    except PhotoError:
        raise
    except Exception as error:  # whatever damaged bytes make our parsing or Pillow's stumble over
        raise broken(contents.format, error) from error


@contextmanager
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


_TURNS: dict[int, Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]] = {
    # What brings each EXIF orientation upright.
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}


def _upright(shown: Drawn) -> tuple[npt.NDArray[np.uint8], Rectangle | None]:
    """Pixels as a viewer shows them, and the part of them that the file holds."""
    turn = _TURNS.get(shown.orientation)
    if turn is None:
        return np.ascontiguousarray(shown.rgb), shown.sound
    rgb = np.ascontiguousarray(turn(shown.rgb))
    if shown.sound is None:
        return rgb, None
    height, width = shown.rgb.shape[:2]
    left, top, right, bottom = shown.sound.left, shown.sound.top, shown.sound.right, shown.sound.bottom
    mirrored = {
        2: (width - right, top, width - left, bottom),
        3: (width - right, height - bottom, width - left, height - top),
        4: (left, height - bottom, right, height - top),
        5: (top, left, bottom, right),
        6: (height - bottom, left, height - top, right),
        7: (height - bottom, width - right, height - top, width - left),
        8: (top, width - right, bottom, width - left),
    }
    return rgb, Rectangle(*mirrored[shown.orientation])
