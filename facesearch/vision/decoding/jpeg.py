"""JPEG: also without its end, with damaged metadata, with stereo views (MPO), and with a thumbnail of something else.

Sources: ITU-T T.81; CIPA DC-007 (MPO); CIPA DC-008 (Exif, its thumbnail in the second directory); DCF 2.0 (Adobe RGB).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

from facesearch.vision.decoding import colour
from facesearch.vision.decoding.colour import Pixels
from facesearch.vision.decoding.errors import Limits, PhotoError, broken, check_size, cut_short
from facesearch.vision.decoding.exif import Exif
from facesearch.vision.decoding.pillow import open_as
from facesearch.vision.decoding.pixels import PROFILE, Drawn, Rectangle, drawn, load_as
from facesearch.vision.decoding.unwritten import without_unwritten

NAME = "JPEG"
CUT = "the JPEG ends too early: only a part of it can be seen"
NO_END = "the JPEG's end is missing"
COARSE = "the JPEG ends too early: it can only be seen coarsely"
METADATA = "the JPEG's metadata are damaged"
MOST_SCANS = 100  # real JPEGs have some ten; a hundred bytes of another may cost the time of a whole picture
SCANS = f"the JPEG comes in more than {MOST_SCANS} scans: only the first of them are read"
_END = b"\xff\xd9"
_OTHER_DATA = np.random.default_rng(0).integers(1, 255, 1 << 16, dtype=np.uint8).tobytes()
_OTHER_DATA_WITH_RESTARTS = b"".join(
    _OTHER_DATA[start : start + 256] + bytes([0xFF, 0xD0 + start // 256 % 8])
    for start in range(0, len(_OTHER_DATA), 256)
)
_NOT_OF_A_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xd9\xff]")
_OF_ANOTHER = re.compile(rb"\xff[\xc0-\xc3\xd8\xdb\xe0-\xef]")  # what begins a picture seldom stands in a scan
_FILLED = 128  # what libjpeg puts where data is missing: no signal at all
_FRAMES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
_KINDS = dict.fromkeys((0xC3, 0xC7, 0xCB, 0xCF), "lossless") | dict.fromkeys((0xC5, 0xC6, 0xCD, 0xCE), "hierarchical")
_KINDS[0xF7] = "JPEG-LS"
_PROFILE = b"ICC_PROFILE\0"
_STEREO = 0x020002
_ELSE = (0x020001, 0x020003)  # panorama and multi-angle


@dataclass(frozen=True, slots=True)
class Segment:
    """marker: its second byte; body: without its length."""

    marker: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the pixels. scan: where the first scan's segment begins. sound: whether all lengths fit."""

    segments: tuple[Segment, ...]
    scan: int | None
    width: int
    height: int
    sound: bool

    def bodies(self, marker: int, start: bytes) -> list[bytes]:
        """Of all segments with this marker and beginning, what follows that."""
        return [
            each.body[len(start) :] for each in self.segments if each.marker == marker and each.body.startswith(start)
        ]


# complexipy: ignore (a parser: marker by marker, as the file has them)
def read_header(data: bytes) -> Header:
    """Walk the segments; where a length leads astray, go on at the next segment that makes sense."""
    segments: list[Segment] = []
    at, sound, scan = 2, True, None
    width = height = 0
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            sound, at = False, _next_segment(data, at)
            continue
        marker = data[at + 1]
        if marker == 0xFF:  # fill
            at += 1
            continue
        if marker == 0xD9:
            break
        if marker == 0xD8:  # a thumbnail, in a segment whose length is wrong
            sound, at = False, _after_nested(data, at)
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker == 0xDA:
            scan = at
            break
        end = at + 2 + length
        side = 0xE0 <= marker <= 0xEF or marker == 0xFE
        if length < 2 or end > len(data) or (side and not _is_segment(data, end)):
            sound = False
            following = _next_segment(data, at + 4)
            if side:
                segments.append(Segment(marker, data[at + 4 : following]))
            at = following
            continue
        body = data[at + 4 : end]
        if marker in _FRAMES and len(body) >= 6:
            height, width = struct.unpack_from(">HH", body, 1)
        segments.append(Segment(marker, body))
        at = end
    return Header(tuple(segments), scan, width, height, sound)


def _after_nested(data: bytes, at: int) -> int:
    """Behind the end of the picture that begins here, within another; behind its beginning where it has none."""
    end = data.find(_END, at)
    return end + 2 if end >= 0 and data.find(b"\xff\xda", end) >= 0 else at + 2


def _is_segment(data: bytes, at: int) -> bool:
    while at + 1 < len(data) and data[at : at + 2] == b"\xff\xff":
        at += 1
    return at + 1 >= len(data) or (data[at] == 0xFF and data[at + 1] >= 0xC0)


_TABLES = re.compile(rb"\xff[\xdb\xc4\xc0\xc1\xc2\xc3\xc9\xca\xdd\xda\xe0-\xef\xfe]")


def _next_segment(data: bytes, at: int) -> int:
    """The next place from here on where a segment begins whose length leads to another one; the end for none."""
    while found := _TABLES.search(data, at):
        place = found.start()
        nested = data.find(b"\xff\xd8\xff", at, place)
        if nested >= 0 and _after_nested(data, nested) > place:
            at = _after_nested(data, nested)
            continue
        if place + 4 <= len(data):
            (length,) = struct.unpack_from(">H", data, place + 2)
            fits = length >= 2 and place + 2 + length < len(data)
            if fits and (data[place + 1] == 0xDA or _is_segment(data, place + 2 + length)):
                return place
        at = place + 1
    return len(data)


@dataclass
class Jpeg:
    """An opened JPEG or MPO."""

    data: bytes
    limits: Limits

    def __post_init__(self) -> None:
        self.header = read_header(self.data)
        if self.header.scan is None or not self.header.width or not self.header.height:
            if self.header.width and self.header.height:
                check_size(self.header.width, self.header.height, self.limits)
            raise _of_a_kind_not_read(self.header) or PhotoError(
                "damaged: the JPEG data ends too early (truncated): its picture is missing", retry=False
            )
        check_size(self.header.width, self.header.height, self.limits)

    @cached_property
    def exif(self) -> Exif:
        for body in self.header.bodies(0xE1, b"Exif\0"):
            return Exif(body[1:])
        return Exif(b"")

    @cached_property
    def views(self) -> list[tuple[int, int]]:
        """Place and size of the other stereo views, in bytes."""
        return [(at, size) for at, size, kind in self._entries() if self._is_view(kind, at, size)]

    @property
    def others(self) -> int:
        """How many other photos stand in the file: parts of a panorama, other angles."""
        return sum(kind in _ELSE for _, _, kind in self._entries())

    def _is_view(self, kind: int, at: int, size: int) -> bool:
        if kind == _STEREO:
            return True
        if kind != 0:
            return False
        # Of a kind that the writer does not tell: a gain or depth map is told by its metadata, its size or its gray.
        part = self.data[at : at + size]
        header = read_header(part)
        if (header.width, header.height) != (self.header.width, self.header.height):
            return False
        if not any(each.marker in _FRAMES and len(each.body) > 5 and each.body[5] == 3 for each in header.segments):
            return False
        described = b"".join(
            each.body for each in (*header.segments, *self.header.segments) if each.marker in (0xE1, 0xE2)
        )
        return not re.search(rb"hdrgm|GainMap|21496|Depth|Disparity", described)

    def _entries(self) -> list[tuple[int, int, int]]:
        """Offset, size and type of each further picture that the MPO index names and that is there."""
        for marker in self._index_places():
            return [each for each in self._index(marker) if self.data[each[0] : each[0] + 3] == b"\xff\xd8\xff"]
        return []

    def _index_places(self) -> Iterator[int]:
        if any(each.marker == 0xE2 and each.body.startswith(b"MPF\0") for each in self.header.segments):
            place = self.data.find(b"MPF\0", 0, self.header.scan)
            if place >= 0:
                yield place + 4

    def _index(self, base: int) -> Iterator[tuple[int, int, int]]:
        with suppress(struct.error):
            order = "<" if self.data[base : base + 2] == b"II" else ">"
            at = base + struct.unpack_from(order + "I", self.data, base + 4)[0]
            for number in range(min(struct.unpack_from(order + "H", self.data, at)[0], 64)):
                tag, _, count, place = struct.unpack_from(order + "HHII", self.data, at + 2 + 12 * number)
                if tag == 0xB002:
                    for entry in range(1, min(count // 16, 64)):
                        flags, size, offset = struct.unpack_from(order + "III", self.data, base + place + 16 * entry)
                        if offset:
                            yield base + offset, size, flags & 0xFFFFFF

    def draw(self) -> Drawn:
        """The primary picture. Raises `PhotoError`."""
        return _draw(self.data, self.header, self.exif)

    def draw_view(self, number: int) -> Drawn:
        """Another stereo view, from 0, as the primary is turned where it does not say itself."""
        at, size = self.views[number]
        view = Jpeg(self.data[at : at + size], self.limits)
        shown = view.draw()
        return shown if view.exif.orientation is not None else replace(shown, orientation=self.exif.orientation or 1)

    def thumbnail(self) -> Drawn | None:
        """The EXIF thumbnail, whatever it shows; None where there is none that can be shown."""
        data = self.exif.thumbnail
        if not data.startswith(b"\xff\xd8"):
            return None
        with suppress(PhotoError, struct.error):
            inner = Jpeg(data, replace(self.limits, max_pixels=min(self.limits.max_pixels, 4_000_000)))
            shown = inner.draw()
            if shown.sound is None:
                return replace(shown, orientation=self.exif.orientation or 1)
        return None


def draw_jpeg(data: bytes, limits: Limits) -> tuple[Drawn, Exif]:
    """A JPEG that stands in another file (a preview). Raises `PhotoError`."""
    opened = Jpeg(data, limits)
    return opened.draw(), opened.exif


def load_strip(tables: bytes, data: bytes, transform: int | None = None) -> tuple[Image.Image, int]:
    """A JPEG whose tables may stand elsewhere (in the tag of a TIFF), and how many of its rows are there.

    transform: what its numbers mean, by Adobe's code; None for what itself says. Raises `PhotoError`.
    """
    header = read_header(data)
    if header.scan is None:
        raise cut_short(NAME)
    needed = [each for each in read_header(tables).segments if each.marker in _NEEDED]
    if transform is None:
        needed += _kept(header)
    else:
        needed.append(Segment(0xEE, b"Adobe\0\x64" + bytes((0, 0, 0, 0, transform))))
        needed += (each for each in header.segments if each.marker in _NEEDED)
    stream = _stream(needed, data[header.scan :])
    loaded = _load(stream, read_header(stream))
    return loaded.image, loaded.rows


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    """rows: how many of them are there. notices: what is damaged."""

    image: Image.Image
    rows: int
    notices: tuple[str, ...]


def _load(data: bytes, header: Header) -> _Loaded:
    few = _first_scans(data, header)
    loaded = _load_scans(few, header)
    return loaded if few is data else replace(loaded, notices=(*loaded.notices, SCANS))


def _first_scans(data: bytes, header: Header) -> bytes:
    """The data up to the last scan that is read, ended there; the same object where all are read."""
    start = header.scan or 0
    end = data.find(_END, start)
    at = start - 1
    for _ in range(MOST_SCANS + 1):
        at = data.find(b"\xff\xda", at + 1, end if end >= 0 else len(data))
        if at < 0:
            return data
    return data[:at] + _END


# complexipy: ignore (a remedy behind each other, the cheapest first)
def _load_scans(data: bytes, header: Header) -> _Loaded:
    notices = [] if header.sound else [METADATA]
    # Within a scan nothing but its end looks like this; what stands behind it, such as a film, does not matter.
    ends = data.find(_END, header.scan or 0) >= 0
    stored = data if ends else without_unwritten(data)
    image = load_as(data, "JPEG") if header.sound and ends else None
    if image is None:
        image = load_as(_rebuilt(stored, header) + _END, "JPEG")
        strange = _strange_marker(data, header) if image is None else len(data)
        if strange < len(data):  # this one's end is missing, and another picture follows; or a fault looks like it
            return _load_scans(data[:strange], header)
        if image is None:
            raise _of_a_kind_not_read(header) or _why(data)
        if header.sound and ends:
            notices = [METADATA]
    rows = image.height
    if not ends or _looks_filled(image):
        rows = _sound_rows(_rebuilt(stored, header), header, image)
        if rows == 0:
            raise cut_short(NAME)
    if rows < image.height:
        notices.append(CUT)
    elif not ends:
        notices.append(COARSE if _has_later_passes(_rebuilt(stored, header), header, image) else NO_END)
    return _Loaded(image, rows, tuple(notices))


def _strange_marker(data: bytes, header: Header) -> int:
    """Where a marker stands that no scan has; the end for none."""
    at = (header.scan or 0) + 2
    found = (_OF_ANOTHER if _is_progressive(header) else _NOT_OF_A_SCAN).search(data, at)
    return found.start() if found else len(data)


def _draw(data: bytes, header: Header, exif: Exif) -> Drawn:
    loaded = _load(data, header)
    image = loaded.image
    adobe = exif.is_adobe_rgb and image.mode == "RGB"
    profile = _profile(header)
    image.info.pop("icc_profile", None)
    if profile:
        image.info["icc_profile"] = profile
    shown = drawn(image, colour.adobe_rgb() if adobe and not profile else None, orientation=exif.orientation or 1)
    sound = Rectangle(0, 0, image.width, loaded.rows) if loaded.rows < image.height else None
    lost = "" if profile or not header.bodies(0xE2, _PROFILE) else PROFILE
    return replace(shown, sound=sound).noting(*loaded.notices, lost)


def _of_a_kind_not_read(header: Header) -> PhotoError | None:
    for each in header.segments:
        if (each.marker in _FRAMES or each.marker in _KINDS) and each.body:
            kind = _KINDS.get(each.marker, "")
            kind = f"{each.body[0]}-bit samples" if not kind and each.body[0] != 8 else kind
            if kind:
                return PhotoError(f"a JPEG of this kind is not read: {kind}", retry=False)
    return None


def _why(data: bytes) -> PhotoError:
    try:
        with open_as(data, "JPEG") as image:
            image.load()
    except Exception as error:
        return broken(NAME, error)
    return PhotoError(f"damaged {NAME}", retry=False)


_NEEDED = frozenset((0xDB, 0xC4, 0xDD, 0xCC)) | _FRAMES


def _rebuilt(data: bytes, header: Header) -> bytes:
    """The same picture without what stands beside it; of that, only what says how colours are stored."""
    return _stream(_kept(header), data[header.scan :])


def _kept(header: Header) -> Iterator[Segment]:
    for each in header.segments:
        if each.marker == 0xE0 and each.body.startswith(b"JFIF\0") and len(each.body) >= 14:
            yield Segment(0xE0, each.body[:14])
        elif each.marker in _NEEDED or (each.marker == 0xEE and each.body.startswith(b"Adobe") and len(each.body) < 64):
            yield each


def _stream(segments: Iterable[Segment], scans: bytes) -> bytes:
    parts = (struct.pack(">BBH", 0xFF, each.marker, len(each.body) + 2) + each.body for each in segments)
    return b"".join((b"\xff\xd8", *parts, scans))


def _profile(header: Header) -> bytes:
    """The ICC profile, put together from its parts; b"" where one is missing."""
    parts = {body[0]: body for body in header.bodies(0xE2, _PROFILE) if len(body) > 2}
    if not parts:
        return b""
    count = next(iter(parts.values()))[1]
    if set(parts) != set(range(1, count + 1)):
        return b""
    return b"".join(parts[number][2:] for number in range(1, count + 1))


def _looks_filled(image: Image.Image) -> bool:
    """Whether the last row may be one that libjpeg filled in: mid-gray throughout, at least on the right."""
    last = np.asarray(image.crop((image.width - min(8, image.width), image.height - 1, image.width, image.height)))
    return image.mode in ("L", "RGB", "YCbCr", "CMYK") and bool((np.abs(last.astype(np.int16) - _FILLED) <= 1).all())


def _is_progressive(header: Header) -> bool:
    return any(each.marker in (0xC2, 0xC6, 0xCA, 0xCE) for each in header.segments)


def _with_other_data(data: bytes) -> Image.Image | None:
    """The same picture with other data in place of what is missing; data: without what follows the picture."""
    end = data.find(_END, data.find(b"\xff\xda"))
    restarts = any(each.marker == 0xDD and any(each.body) for each in read_header(data).segments)
    other = _OTHER_DATA_WITH_RESTARTS if restarts else _OTHER_DATA
    return load_as((data if end < 0 else data[:end]) + other + _END, "JPEG")


def _has_later_passes(data: bytes, header: Header, image: Image.Image) -> bool:
    """Whether a picture that comes in several passes lacks the last of them."""
    if not _is_progressive(header):
        return False
    other = _with_other_data(data)
    return other is not None and other.size == image.size and other.tobytes() != image.tobytes()


def _sound_rows(data: bytes, header: Header, image: Image.Image) -> int:
    """How many rows come from the file. data: the picture without what follows it.

    Where data is missing, other data put in its place changes the picture; in a whole one it is never read. Of a
    progressive picture, whose rows come in several passes, only those count as missing that not even the first reached:
    they are mid-gray.
    """
    if _is_progressive(header):
        gray = np.abs(np.asarray(image.convert("RGB")).astype(np.int16) - _FILLED) <= 1
        differs: npt.NDArray[np.bool_] = gray.min(axis=(1, 2))
        if not differs[-1]:
            return image.height
        first = image.height - int(np.argmin(differs[::-1])) if not differs.all() else 0
    else:
        other = _with_other_data(data)
        if other is None or other.size != image.size:
            return image.height
        rows = (np.asarray(image) != np.asarray(other)).reshape(image.height, -1).any(axis=1)
        if not rows.any():
            return image.height
        first = int(np.argmax(rows))
    return first - first % 8  # the smoothing of colours reaches beyond the edge of a block


def same_picture(thumbnail: Pixels, picture: Pixels) -> bool:
    """Whether a thumbnail shows its picture: as a whole or trimmed, perhaps turned otherwise, darker or paler."""
    small = Image.fromarray(thumbnail).convert("L")
    large = Image.fromarray(picture).convert("L")
    large.thumbnail((320, 320), Image.Resampling.BOX)
    for turned in _turns(large):
        for trimmed in _trims(small, turned.width / turned.height):
            if _fits(trimmed, turned):
                return True
    return False


def _turns(image: Image.Image) -> Iterator[Image.Image]:
    yield image
    for turn in (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270):
        yield image.transpose(turn)


def _trims(small: Image.Image, shape: float) -> Iterator[Image.Image]:
    """The thumbnail as it is, and without the bars that bring it to the usual 4:3."""
    yield small
    width, height = small.width, small.height
    inner = (width, round(width / shape)) if width / height < shape else (round(height * shape), height)
    if inner != (width, height) and min(inner) > 8:
        left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
        yield small.crop((left, top, left + inner[0], top + inner[1]))


_GRID, _FINE = 8, 32


def _fits(one: Image.Image, other: Image.Image) -> bool:
    """Alike in each part of the picture, once brightness and contrast are made equal."""
    a, b = (np.asarray(each.resize((_FINE, _FINE), Image.Resampling.BOX), np.float32).ravel() for each in (one, other))
    spread = float(b.std())
    if spread < 2:
        return float(a.std()) < 4
    slope = float(np.dot(a - a.mean(), b - b.mean())) / float(((b - b.mean()) ** 2).sum())
    if slope <= 0.2:
        return False
    left = np.abs(a - a.mean() - slope * (b - b.mean())).reshape(_GRID, _FINE // _GRID, _GRID, _FINE // _GRID)
    return float(left.mean(axis=(1, 3)).max()) < 24 and float(left.mean()) < 10
