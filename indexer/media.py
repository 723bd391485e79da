"""Photo files as source and decoder of an index run."""

from __future__ import annotations

from collections.abc import Callable

from facesearch.vision.decode import (
    NO_LIMITS,
    EncodedPhoto,
    Limits,
    OpenPhoto,
    open_encoded,
    read_photo,
    readable_kinds,
)
from facesearch.vision.decoding import sniff
from indexer.ports import Decoder, Pictures


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


TRUSTED = frozenset({sniff.JPEG, sniff.PNG, sniff.BMP, sniff.GIF})
"""Formats that are decoded in this process: Pillow's JPEG and PNG, and what our own Python reads. Every other one goes
through a C library with a record of faults, or through one of Pillow's decoders that few have looked at."""


class GuardedDecoder:
    """Decodes here what can be trusted, and everything else in other processes."""

    def __init__(self, here: Decoder[EncodedPhoto], elsewhere: Decoder[EncodedPhoto]) -> None:
        self._here = here
        self._elsewhere = elsewhere

    def open(self, medium: EncodedPhoto, admit: Callable[[int], None], *, unlimited: bool = False) -> Pictures:
        """As in `indexer.ports.Decoder`."""
        kind = sniff.sniff(medium.data)
        decoder = self._elsewhere if kind.label in readable_kinds() - TRUSTED else self._here
        return decoder.open(medium, admit, unlimited=unlimited)
