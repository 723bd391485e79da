"""A camera's raw data: its own preview, through the extra [raw]. What a camera shows is what a witness was shown."""

from __future__ import annotations

import importlib
import importlib.metadata
from dataclasses import replace
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from facesearch.vision.decoding.errors import Limits, PhotoError, broken
from facesearch.vision.decoding.jpeg import draw_jpeg
from facesearch.vision.decoding.pixels import Drawn

INSTALL_RAW = "pip install rawpy"
_ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}  # LibRaw's "flip"


@cache
def raw_version() -> str | None:
    """The version of the package that reads previews; None where it is not installed."""
    try:
        importlib.import_module("rawpy")
    except ImportError:  # the extra is optional
        return None
    return importlib.metadata.version("rawpy")


def draw_preview(data: bytes, name: str, limits: Limits) -> tuple[Drawn, bytes]:
    """The largest preview, and its EXIF block. name: which RAW it is. Raises `PhotoError`."""
    if raw_version() is None:
        raise PhotoError(
            f"a camera's RAW file ({name}), the preview of which needs one more package: {INSTALL_RAW}", retry=True
        )
    rawpy: Any = importlib.import_module("rawpy")
    try:
        with rawpy.imread(BytesIO(data)) as opened:
            thumb = opened.extract_thumb()
            flip = _ORIENTATIONS.get(opened.sizes.flip, 1)
    except rawpy.LibRawNoThumbnailError:
        raise PhotoError(f"a camera's RAW file ({name}) without a preview", retry=False) from None
    except rawpy.LibRawUnsupportedThumbnailError:
        raise PhotoError(
            f"a camera's RAW file ({name}) with a preview of a kind that is not read", retry=False
        ) from None
    except Exception as error:
        raise broken(name, error) from error
    if thumb.format == rawpy.ThumbFormat.JPEG:
        shown, exif = draw_jpeg(bytes(thumb.data), limits)
        return (shown if exif.orientation is not None else replace(shown, orientation=flip)), exif.data
    pixels = np.ascontiguousarray(thumb.data[..., :3] if thumb.data.ndim == 3 else np.stack([thumb.data] * 3, -1))
    return Drawn(np.asarray(Image.fromarray(pixels)), flip), b""
