"""Which kind of file it is, from its content alone. The name of a file says nothing: exports, chats and browsers give
JPEGs any extension, or none.

A photo is told by the signature that its format prescribes. A TIFF is a camera's RAW file if its directories say so
(a colour filter array, a DNG version, a maker's own compression), whatever its name.

Sources: the formats' own signatures; TIFF 6.0, TIFF/EP (ISO 12234-2), DNG 1.7, ISO/IEC 14496-12 (ftyp brands).
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import IO

from facesearch.vision.source import open_source

HEAD = 4096
"""Bytes of a file's beginning that tell its kind. Of a TIFF its directories are read as well, wherever they lie."""


class Kind(StrEnum):
    """What is done with a file of this kind."""

    PHOTO = "photo"
    HEIC = "HEIC"  # a photo; needs the extra [heic]
    RAW = "RAW"  # a camera's raw data; its preview needs the extra [raw]
    UNREAD_PHOTO = "photo of a format that is not read"
    VIDEO = "video"
    EMPTY = "empty"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FileKind:
    """kind, and the format's name for people: "JPEG", "Canon CR3", "MP4"; of OTHER "" where it is not known."""

    kind: Kind
    name: str

    @property
    def is_photo(self) -> bool:
        """Whether it is a photo, read by some installation of facesearch or by none."""
        return self.label in PHOTO_LABELS

    @property
    def label(self) -> str:
        """What such files are counted as: "JPEG", "camera RAW", "video", ...; "" where it is not known."""
        return {Kind.RAW: RAW, Kind.VIDEO: "video", Kind.EMPTY: "empty"}.get(self.kind, self.name)


JPEG, PNG, GIF, BMP, WEBP, AVIF, TIFF = "JPEG", "PNG", "GIF", "BMP", "WebP", "AVIF", "TIFF"
JPEG_2000, PNM, PSD, TGA, PCX = "JPEG 2000", "PNM", "Photoshop", "TGA", "PCX"
HEIC, RAW = "HEIC", "camera RAW"

_SIGNATURES: tuple[tuple[bytes, Kind, str], ...] = (
    (b"\xff\xd8\xff", Kind.PHOTO, JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind.PHOTO, PNG),
    (b"GIF87a", Kind.PHOTO, GIF),
    (b"GIF89a", Kind.PHOTO, GIF),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Kind.PHOTO, JPEG_2000),
    (b"\xff\x4f\xff\x51", Kind.PHOTO, JPEG_2000),
    (b"8BPS\x00\x01", Kind.PHOTO, PSD),
    (b"8BPS\x00\x02", Kind.UNREAD_PHOTO, "Photoshop PSB"),
    (b"FUJIFILMCCD-RAW", Kind.RAW, "Fujifilm RAF"),
    (b"FOVb", Kind.RAW, "Sigma X3F"),
    (b"\x00MRM", Kind.RAW, "Minolta MRW"),
    (b"II\x1a\x00\x00\x00HEAPCCDR", Kind.RAW, "Canon CRW"),
    (b"IIU\x00", Kind.RAW, "Panasonic RW2"),
    (b"IIRO", Kind.RAW, "Olympus ORF"),
    (b"IIRS", Kind.RAW, "Olympus ORF"),
    (b"MMOR", Kind.RAW, "Olympus ORF"),
    (b"ARRI", Kind.RAW, "ARRI"),
    (b"\xff\x0a", Kind.UNREAD_PHOTO, "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", Kind.UNREAD_PHOTO, "JPEG XL"),
    (b"II\xbc", Kind.UNREAD_PHOTO, "JPEG XR"),
    (b"\x00\x00\x01\x00", Kind.UNREAD_PHOTO, "icon"),
    (b"icns", Kind.UNREAD_PHOTO, "icon"),
    (b"qoif", Kind.UNREAD_PHOTO, "QOI"),
    (b"DDS ", Kind.UNREAD_PHOTO, "DDS"),
    (b"\x01\xda\x00", Kind.UNREAD_PHOTO, "SGI"),
    (b"\x01\xda\x01", Kind.UNREAD_PHOTO, "SGI"),
    (b"v/1\x01", Kind.UNREAD_PHOTO, "OpenEXR"),
    (b"#?RADIANCE", Kind.UNREAD_PHOTO, "Radiance HDR"),
    (b"SIMPLE  =", Kind.UNREAD_PHOTO, "FITS"),
    (b"gimp xcf ", Kind.UNREAD_PHOTO, "GIMP XCF"),
    (b"\x8aMNG\r\n\x1a\n", Kind.UNREAD_PHOTO, "MNG"),
    (b"\x8bJNG\r\n\x1a\n", Kind.UNREAD_PHOTO, "JNG"),
    (b"SDPX", Kind.UNREAD_PHOTO, "DPX"),
    (b"XPDS", Kind.UNREAD_PHOTO, "DPX"),
    (b"\x80\x2a\x5f\xd7", Kind.UNREAD_PHOTO, "Cineon"),
    (b"PF\n", Kind.UNREAD_PHOTO, "PFM"),
    (b"Pf\n", Kind.UNREAD_PHOTO, "PFM"),
    (b"P7\n", Kind.UNREAD_PHOTO, "PAM"),
    (b"/* XPM */", Kind.UNREAD_PHOTO, "XPM"),
    (b"\x59\xa6\x6a\x95", Kind.UNREAD_PHOTO, "Sun raster"),
    (b"BPG\xfb", Kind.UNREAD_PHOTO, "BPG"),
    (b"FLIF", Kind.UNREAD_PHOTO, "FLIF"),
    (b"farbfeld", Kind.UNREAD_PHOTO, "farbfeld"),
    (b"\x97JB2\r\n\x1a\n", Kind.UNREAD_PHOTO, "JBIG2"),
    (b"AT&TFORM", Kind.UNREAD_PHOTO, "DjVu"),
    (b"Paint Shop Pro Image File", Kind.UNREAD_PHOTO, "Paint Shop Pro"),
    (b"\xd7\xcd\xc6\x9a", Kind.UNREAD_PHOTO, "Windows metafile"),
    (b"\x1aE\xdf\xa3", Kind.VIDEO, "Matroska or WebM"),
    (b"FLV\x01", Kind.VIDEO, "Flash video"),
    (b"\x00\x00\x01\xba", Kind.VIDEO, "MPEG"),
    (b"\x00\x00\x01\xb3", Kind.VIDEO, "MPEG"),
    (b"0&\xb2u\x8ef\xcf\x11", Kind.VIDEO, "Windows Media"),
    (b".RMF", Kind.VIDEO, "RealMedia"),
    (b"%PDF", Kind.OTHER, "PDF"),
    (b"%!PS", Kind.OTHER, "PostScript"),
    (b"\xc5\xd0\xd3\xc6", Kind.OTHER, "PostScript"),
    (b"PK\x03\x04", Kind.OTHER, "ZIP or office document"),
    (b"Rar!\x1a", Kind.OTHER, "RAR"),
    (b"7z\xbc\xaf\x27\x1c", Kind.OTHER, "7z"),
    (b"\x1f\x8b", Kind.OTHER, "gzip"),
    (b"SQLite format 3\x00", Kind.OTHER, "SQLite"),
    (b"ID3", Kind.OTHER, "MP3"),
    (b"OggS", Kind.OTHER, "Ogg"),
    (b"fLaC", Kind.OTHER, "FLAC"),
    (b"MZ", Kind.OTHER, "Windows program"),
    (b"\x7fELF", Kind.OTHER, "program"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.OTHER, "older office document"),
)

READ_BY_PILLOW = frozenset({JPEG, PNG, GIF, BMP, WEBP, AVIF, TIFF, JPEG_2000, PNM, PSD, TGA, PCX})
_DICOM, _ILBM, _XBM = "DICOM", "IFF ILBM", "XBM"
PHOTO_LABELS = (
    READ_BY_PILLOW
    | {HEIC, RAW, _DICOM, _ILBM, _XBM}
    | {name for _, kind, name in _SIGNATURES if kind is Kind.UNREAD_PHOTO}
)
"""Labels of what is a photo, read or not."""

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_ANY_CODEC = frozenset({b"mif1", b"msf1", b"miaf", b"MiHB", b"mif2"})
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P "})
_QUICKTIME = frozenset({b"moov", b"mdat", b"wide", b"pnot", b"skip"})

_CFA, _LINEAR_RAW = 32803, 34892  # PhotometricInterpretation of camera data
_RAW_COMPRESSIONS = frozenset({34713, 32767, 32770, 65000, 65535, 32769, 34892, 52546})
_MAKERS = (
    ("canon", "Canon CR2"), ("nikon", "Nikon NEF"), ("sony", "Sony ARW"), ("pentax", "Pentax PEF"),
    ("ricoh", "Pentax PEF"), ("samsung", "Samsung SRW"), ("hasselblad", "Hasselblad 3FR"), ("epson", "Epson ERF"),
    ("kodak", "Kodak DCR"), ("eastman", "Kodak DCR"), ("mamiya", "Mamiya MEF"), ("leaf", "Leaf MOS"),
    ("phase one", "Phase One IIQ"), ("leica", "Leica RWL"), ("panasonic", "Panasonic RAW"),
)  # fmt: skip


def sniff_file(path: str | bytes | os.PathLike[str]) -> FileKind:
    """The kind of the file at this path. Raises OSError."""
    with open_source(path) as file:
        return sniff(file)


def sniff(content: bytes | IO[bytes]) -> FileKind:
    """The kind of this content; of an open file a few kilobytes are read, and its position changes. Raises OSError."""
    file = BytesIO(content) if isinstance(content, bytes) else content
    file.seek(0)
    head = file.read(HEAD)
    if not head:
        return FileKind(Kind.EMPTY, "")
    for signature, kind, name in _SIGNATURES:
        if head.startswith(signature):
            return FileKind(kind, name)
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _tiff(file, head)
    if head[4:8] == b"ftyp":
        return _by_brands(head)
    if head[:4] == b"RIFF" and len(head) >= 12:
        return _riff(head[8:12])
    photo = _photo_without_signature(file, head)
    if photo:
        return FileKind(Kind.PHOTO, photo)
    return _no_photo(head)


def _photo_without_signature(file: IO[bytes], head: bytes) -> str:
    """The name of the format, told by fields that fit each other; "" for none. The order decides."""
    if _is_bmp(head):
        return BMP
    if _is_pnm(head):
        return PNM
    if _is_pcx(head):
        return PCX
    return TGA if _is_tga(file, head) else ""


def _no_photo(head: bytes) -> FileKind:
    """What is told last: pictures that are not read, videos, texts and all else."""
    if head[128:132] == b"DICM":
        return FileKind(Kind.UNREAD_PHOTO, _DICOM)
    if head[:4] == b"FORM" and head[8:12] in (b"ILBM", b"PBM "):
        return FileKind(Kind.UNREAD_PHOTO, _ILBM)
    if head[4:8] in _QUICKTIME:
        return FileKind(Kind.VIDEO, "QuickTime")
    if head[:1] == b"\x47" and head[188:189] == b"\x47" and head[376:377] == b"\x47":
        return FileKind(Kind.VIDEO, "MPEG transport stream")
    if head[4:5] == b"\x47" and head[196:197] == b"\x47" and head[388:389] == b"\x47":
        return FileKind(Kind.VIDEO, "AVCHD")
    text = _text(head)
    return FileKind(Kind.UNREAD_PHOTO if text == _XBM else Kind.OTHER, text)


def _riff(form: bytes) -> FileKind:
    if form == b"WEBP":
        return FileKind(Kind.PHOTO, WEBP)
    return FileKind(Kind.VIDEO, "AVI") if form == b"AVI " else FileKind(Kind.OTHER, "RIFF")


def _by_brands(head: bytes) -> FileKind:
    """The major brand decides where it is known, and not one of any codec; else the compatible ones do."""
    end = min(max(struct.unpack_from(">I", head)[0], 16), len(head))
    major = head[8:12]
    compatible = {head[at : at + 4] for at in range(16, end - 3, 4)}
    if major == b"crx ":
        return FileKind(Kind.RAW, "Canon CR3")
    for brands in ({major}, set() if _is_of_videos(major) else compatible):
        if brands & _AVIF_BRANDS:
            return FileKind(Kind.PHOTO, AVIF)
        if brands & _HEIC_BRANDS:
            return FileKind(Kind.HEIC, HEIC)
    if major in _ANY_CODEC:
        return FileKind(Kind.HEIC, HEIC)
    if major in _AUDIO_BRANDS:
        return FileKind(Kind.OTHER, "MPEG-4 audio")
    if major in (b"jp2 ", b"jpx ", b"jpm "):
        return FileKind(Kind.PHOTO, JPEG_2000)
    return FileKind(Kind.VIDEO, "QuickTime" if major == b"qt  " else "MP4")


def _is_of_videos(brand: bytes) -> bool:
    return brand in _AUDIO_BRANDS or brand.startswith((b"iso", b"mp4", b"avc", b"qt", b"M4V", b"3g", b"dash", b"f4v"))


def _is_bmp(head: bytes) -> bool:
    """Two letters prove little, so the header's own size is looked at as well."""
    if head[:2] != b"BM" or len(head) < 26:
        return False
    return struct.unpack_from("<I", head, 14)[0] in (12, 16, 40, 52, 56, 64, 108, 124)


def _is_pnm(head: bytes) -> bool:
    return head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in (b"\n", b" ", b"\r", b"\t") and len(head) > 8


def _is_pcx(head: bytes) -> bool:
    if len(head) < 128 or head[0] != 10 or head[1] not in (0, 2, 3, 4, 5) or head[2] > 1 or head[64]:
        return False
    left, top, right, bottom = struct.unpack_from("<4H", head, 4)
    return head[3] in (1, 2, 4, 8) and left <= right and top <= bottom and 1 <= head[65] <= 4


def _is_tga(file: IO[bytes], head: bytes) -> bool:
    """A format without a signature at its beginning: what stands there must make sense in every field, and the mark at
    the end of newer ones, or the length, must confirm it."""
    if len(head) < 18:
        return False
    length, mapped, kind, first, colours, entry, left, top, width, height, depth, flags = struct.unpack_from(
        "<BBBHHBHHHHBB", head
    )
    if mapped not in (0, 1) or kind not in (1, 2, 3, 9, 10, 11) or not width or not height or flags & 0xC0:
        return False
    depths = {1: (8, 16), 3: (8, 16), 2: (15, 16, 24, 32)}[kind & 7]
    if depth not in depths or (kind & 7 == 1) > mapped or (not mapped and (first or colours or entry)):
        return False
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 26, 0))
    if file.read(26).endswith(b"TRUEVISION-XFILE.\0"):
        return True
    pixels = 18 + length + colours * -(-entry // 8) + width * height * -(-depth // 8)
    usual = not (left or top or mapped) and depth in (8, 24, 32)
    return size == pixels or (usual and size > pixels // 4)  # cut short, compressed, or with something behind it


def _text(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:256].lower()
    if start.startswith((b"<svg", b"<?xml")) and b"<svg" in head.lower():
        return "SVG"
    if start.startswith(b"#define ") and b"_width " in start:
        return _XBM
    if start.startswith((b"<!doctype html", b"<html")):
        return "web page"
    return ""


def _tiff(file: IO[bytes], head: bytes) -> FileKind:
    order = "<" if head[:2] == b"II" else ">"
    if head[8:10] == b"CR":
        return FileKind(Kind.RAW, "Canon CR2")
    if head[8:12] in (b"IIII", b"MMMM"):
        return FileKind(Kind.RAW, "Phase One IIQ")
    big = head[2:4] in (b"+\0", b"\0+")
    found = _Directories(file, order, big)
    found.read()
    if found.dng:
        return FileKind(Kind.RAW, "DNG")
    if found.camera_data:
        maker = found.make.casefold()
        name = next((name for start, name in _MAKERS if maker.startswith(start)), "camera RAW")
        return FileKind(Kind.RAW, name)
    return FileKind(Kind.PHOTO, TIFF)


_FARTHEST = 1 << 62


class _Directories:
    """What the directories of a TIFF say of camera data: the first few of the chain, and their sub-directories."""

    _MOST = 16

    def __init__(self, file: IO[bytes], order: str, big: bool) -> None:
        self._file, self._order, self._big = file, order, big
        self.dng = self.camera_data = False
        self.make = ""

    def read(self) -> None:
        at = self._number(8 if self._big else 4, 8 if self._big else 4)
        waiting, seen = [at], set[int]()
        while waiting and len(seen) < self._MOST:
            at = waiting.pop(0)
            if at and at not in seen:
                seen.add(at)
                waiting += self._directory(at)

    def _part(self, at: int, size: int) -> bytes:
        if at >= _FARTHEST:  # no file is that long, and no system can be asked for such a place
            return b""
        self._file.seek(at)
        return self._file.read(size)

    def _number(self, at: int, size: int) -> int:
        """0 where the file is too short."""
        data = self._part(at, size)
        kinds = {1: "B", 2: "H", 4: "I", 8: "Q"}
        return int(struct.unpack(self._order + kinds[size], data)[0]) if len(data) == size else 0

    def _directory(self, at: int) -> list[int]:
        """The directories that this one leads to."""
        counted, size, word = (8, 20, 8) if self._big else (2, 12, 4)
        count = min(self._number(at, counted), 512)
        entries = self._part(at + counted, count * size)
        below: list[int] = []
        for start in range(0, len(entries) - size + 1, size):
            tag, kind = struct.unpack_from(f"{self._order}HH", entries, start)
            number = struct.unpack_from(self._order + ("Q" if self._big else "I"), entries, start + 4)[0]
            value_at = start + 4 + word
            value = struct.unpack_from(self._order + ("H" if kind == 3 else "I"), entries, value_at)[0]
            if tag == 50706:  # DNGVersion
                self.dng = True
            elif tag in (262, 259) and (value in (_CFA, _LINEAR_RAW) if tag == 262 else value in _RAW_COMPRESSIONS):
                self.camera_data = True
            elif tag == 271 and number > 4 and not self.make:
                place = struct.unpack_from(self._order + ("Q" if self._big else "I"), entries, value_at)[0]
                self.make = self._part(place, min(number, 32)).decode("latin-1")
            elif tag == 330:  # SubIFDs
                place = struct.unpack_from(self._order + ("Q" if self._big else "I"), entries, value_at)[0]
                if number == 1:
                    below.append(place)
                else:
                    below += [self._number(place + word * index, word) for index in range(min(number, 8))]
        below.append(self._number(at + counted + count * size, word))
        return below
