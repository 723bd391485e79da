"""What a file is, by the bytes at its beginning."""

from __future__ import annotations

import os
from dataclasses import dataclass

from facesearch.decode import readable_extensions
from facesearch.source import open_source

_HEAD = 64
_SIGNATURES: tuple[tuple[int, bytes, str, str], ...] = (  # place, bytes, kind, an extension if it is a photo
    (0, b"\xff\xd8\xff", "JPEG", ".jpg"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG", ".png"),
    (0, b"GIF87a", "GIF", ".gif"),
    (0, b"GIF89a", "GIF", ".gif"),
    (0, b"II*\0", "TIFF", ".tif"),
    (0, b"MM\0*", "TIFF", ".tif"),
    (8, b"WEBP", "WebP", ".webp"),
    (4, b"ftypavif", "AVIF", ".avif"),
    (4, b"ftypavis", "AVIF", ".avif"),
    *(
        (4, b"ftyp" + brand, "HEIC", ".heic")
        for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
    ),
    (4, b"ftypcrx ", "camera RAW", ""),
    (4, b"ftyp", "video", ""),
    (4, b"moov", "video", ""),
    (4, b"mdat", "video", ""),
    (8, b"AVI ", "video", ""),
    (0, b"\x1aE\xdf\xa3", "video", ""),
    (0, b"\0\0\x01\xba", "video", ""),
    (0, b"\0\0\x01\xb3", "video", ""),
    (0, b"FLV\x01", "video", ""),
    (0, b"0&\xb2u\x8ef\xcf\x11", "video", ""),
    (0, b"FUJIFILMCCD-RAW", "camera RAW", ""),
    (0, b"IIRO", "camera RAW", ""),
    (0, b"IIU\0", "camera RAW", ""),
    (0, b"FOVb", "camera RAW", ""),
    (0, b"%PDF-", "PDF", ""),
    (0, b"PK\x03\x04", "archive", ""),
    (0, b"Rar!", "archive", ""),
    (0, b"7z\xbc\xaf\x27\x1c", "archive", ""),
    (0, b"\x1f\x8b", "archive", ""),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is. name: in words, "" where nobody knows. photo: a format of photos, which this installation reads
    (readable) or not."""

    name: str
    photo: bool = False
    readable: bool = False


_UNKNOWN = Kind("")


def sniff(path: str | bytes | os.PathLike[str]) -> Kind:
    """What the file at `path` is, by its content alone. Raises OSError."""
    with open_source(path) as file:
        return kind_of(file.read(_HEAD))


def kind_of(head: bytes) -> Kind:
    """What a file is that begins with these bytes (64 are enough)."""
    if (
        head[:2] == b"BM"
        and head[6:10] == bytes(4)
        and head[14:15] in (b"\x0c", b"\x28", b"\x38", b"\x40", b"\x6c", b"\x7c")
    ):
        return _photo("BMP", ".bmp")
    for place, signature, name, extension in _SIGNATURES:
        if head.startswith(signature, place):
            return _photo(name, extension) if extension else Kind(name)
    return _UNKNOWN


PHOTOS = frozenset(name for _, _, name, extension in _SIGNATURES if extension)
"""Names of the kinds that some installation reads."""


def is_readable(kind: str) -> bool:
    """Whether this installation reads a kind of this name."""
    return any(name == kind and extension in readable_extensions() for _, _, name, extension in _SIGNATURES)


def _photo(name: str, extension: str) -> Kind:
    return Kind(name, photo=True, readable=extension in readable_extensions())
