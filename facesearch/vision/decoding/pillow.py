"""Pictures opened by Pillow's decoders themselves.

`Image.open` goes by what a whole process shares: a registry of formats, and a limit of pixels that warns or refuses.
Limits are ours (`errors.check_size`), and both stay as they are.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from importlib import import_module
from io import BytesIO
from typing import cast

from PIL import Image, ImageFile, UnidentifiedImageError

_DECODERS = {
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "PCX": ("PIL.PcxImagePlugin", "PcxImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "PPM": ("PIL.PpmImagePlugin", "PpmImageFile"),
    "PSD": ("PIL.PsdImagePlugin", "PsdImageFile"),
    "TGA": ("PIL.TgaImagePlugin", "TgaImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
}


def open_as(data: bytes, format: str) -> ImageFile.ImageFile:
    """The picture in the data, of which only the header is read; of a format as Pillow calls it.

    Raises UnidentifiedImageError where they hold another format or are damaged at their beginning, ImportError where
    nothing installed decodes it, and whatever else Pillow stumbles over.
    """
    decoder = _decoder(format)
    try:
        return decoder(BytesIO(data))
    except (SyntaxError, IndexError, TypeError, struct.error) as error:  # as `Image.open` takes them
        raise UnidentifiedImageError(f"no {format}") from error


def is_decoded(format: str) -> bool:
    """Whether a decoder for this format, as Pillow calls it, is installed."""
    try:
        _decoder(format)
    except (ImportError, AttributeError):
        return False
    return True


@cache
def _decoder(format: str) -> Callable[[BytesIO], ImageFile.ImageFile]:
    module, name = _DECODERS[format]
    decoder = getattr(import_module(module), name)
    return cast(Callable[[BytesIO], ImageFile.ImageFile], _without_limit(decoder) if format == "TIFF" else decoder)


def _without_limit(decoder: type[ImageFile.ImageFile]) -> type[ImageFile.ImageFile]:
    class Tiff(decoder):  # type: ignore[misc, valid-type]
        """Pillow compares the size with the limit of the process once more when it makes room."""

        def load_prepare(self) -> None:
            if self._im is None:
                size = getattr(self, "_tile_size", self.size)
                self.im = Image.core.new(self.mode, size)  # type: ignore[attr-defined]
            super().load_prepare()

    return Tiff
