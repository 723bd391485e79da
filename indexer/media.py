"""Photo files as source and decoder of an index run."""

from __future__ import annotations

from collections.abc import Callable

from facesearch.vision.decode import NO_LIMITS, EncodedPhoto, Limits, OpenPhoto, open_encoded, read_photo


class PhotoFiles:
    """Files of photos, each read once: what is hashed is what is decoded. Limits are those of `read_photo`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def read(self, path: bytes, *, unlimited: bool = False) -> EncodedPhoto:
        return read_photo(path, limits=NO_LIMITS if unlimited else self._limits)


class PhotoDecoder:
    """Every format that this installation reads, decoded in this process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def open(self, medium: EncodedPhoto, admit: Callable[[int], None], *, unlimited: bool = False) -> OpenPhoto:
        return open_encoded(medium, limits=NO_LIMITS if unlimited else self._limits, admit=admit)
