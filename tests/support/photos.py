"""Photos that never lay on a disk."""

import hashlib
from typing import Any

import numpy as np

from facesearch.vision.decode import DecodedPhoto, EncodedPhoto, Limits, OpenPhoto, decode_encoded, open_encoded


def decode_bytes(data: bytes, *, limits: Limits | None = None) -> DecodedPhoto:
    """The photo that a file with these bytes would be."""
    return decode_encoded(EncodedPhoto(data, hashlib.sha256(data).hexdigest()), limits=limits)


def opened(data: bytes, **limits: Any) -> OpenPhoto:
    """The same with its headers read."""
    return open_encoded(EncodedPhoto(data, "0" * 64), limits=Limits(**limits))


def pictures(data: bytes, **limits: Any) -> list[DecodedPhoto]:
    """All its pictures that are to be looked at, each of which can be shown."""
    found = list(opened(data, **limits).pictures())
    assert all(isinstance(each, DecodedPhoto) for each in found), found
    return found  # type: ignore[return-value]


def differs(rgb: np.ndarray, other: np.ndarray) -> float:
    """The mean difference of two pictures of one size."""
    assert rgb.shape == other.shape
    return float(np.abs(rgb.astype(float) - other.astype(float)).mean())
