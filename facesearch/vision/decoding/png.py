"""PNG and APNG: without heed of checksums and side chunks, as far as the pixels go.

Sources: PNG (Third Edition, W3C), with its APNG, cICP, gAMA and cHRM chunks.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count

import numpy as np
import numpy.typing as npt
from PIL import Image

from facesearch.vision.decoding import colour
from facesearch.vision.decoding.colour import HDR_NOTICE, ColourSpace
from facesearch.vision.decoding.errors import Limits, PhotoError, broken, check_size, cut_short
from facesearch.vision.decoding.exif import Exif
from facesearch.vision.decoding.inflate import inflate
from facesearch.vision.decoding.pillow import open_as
from facesearch.vision.decoding.pixels import PROFILE, SHORT_PALETTE, Drawn, Rectangle, as_far_as_there, drawn, load_as
from facesearch.vision.decoding.unwritten import without_unwritten

NAME = "PNG"
CUT = "the PNG ends too early: only a part of it can be seen"
COARSE = "the PNG ends too early: it can only be seen coarsely"
DAMAGED = "the PNG is damaged: only a part of it can be seen"
METADATA = "the PNG's metadata are damaged"

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KNOWN = (
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI",
    b"tEXt", b"zTXt", b"iTXt", b"bKGD", b"hIST", b"pHYs", b"sPLT", b"eXIf", b"tIME", b"acTL", b"fcTL", b"fdAT",
)  # fmt: skip
_NEXT = re.compile(b"|".join(_KNOWN))
_NEEDED = frozenset((b"IHDR", b"PLTE", b"tRNS"))
_MOST_FRAMES = 100_000
_LAST_FILTER = 4
_INDEXED = 3
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Of an interlaced picture: the first pixel and the steps across and down of each pass."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class _Frame:
    """control: the body of its fcTL; data: its pixels, deflated."""

    control: bytes
    data: bytes

    @property
    def width(self) -> int:
        return int.from_bytes(self.control[4:8], "big")

    @property
    def height(self) -> int:
        return int.from_bytes(self.control[8:12], "big")

    @property
    def left(self) -> int:
        return int.from_bytes(self.control[12:16], "big")

    @property
    def top(self) -> int:
        return int.from_bytes(self.control[16:20], "big")

    @property
    def seconds(self) -> float:
        """How long it is shown."""
        number, below = struct.unpack_from(">HH", self.control, 20)
        return float(number / (below or 100))


@dataclass
class Png:
    """An opened PNG."""

    data: bytes
    limits: Limits

    def __post_init__(self) -> None:
        self._sound = True
        self.data = without_unwritten(self.data)
        self._chunks = self._read()
        header = self._body(b"IHDR")
        if header is None or len(header) < 13:
            raise PhotoError("damaged: the PNG data ends too early (truncated): its header is missing", retry=False)
        self.width, self.height, self._depth, self._type = struct.unpack_from(">IIBB", header)
        self._interlaced = header[12] == 1
        check_size(self.width, self.height, self.limits)
        if self._body(b"CgBI") is not None:
            raise PhotoError("a PNG of this kind is not read: Apple's own (CgBI)", retry=False)
        if self._type == _INDEXED and not self._body(b"PLTE"):
            raise PhotoError("damaged PNG (its palette is missing)", retry=False)
        self._animation: Image.Image | None = None
        self._mended = False

    def _body(self, kind: bytes) -> bytes | None:
        return next((each.body for each in self._chunks if each.kind == kind), None)

    def _read(self) -> list[_Chunk]:
        """All chunks; where a length leads astray, go on at the next known name."""
        found: list[_Chunk] = []
        at = len(_SIGNATURE)
        while at + 8 <= len(self.data):
            length, kind = struct.unpack_from(">I4s", self.data, at)
            end = at + 12 + length
            leads = kind == b"IEND" or self._leads(end)
            if end > len(self.data) or not kind.isalpha() or not leads:
                following = self._following(at + 8)
                if kind not in _KNOWN and not kind.isalpha():
                    self._sound, at = False, following
                    continue
                # The last chunk of a cut file is there in part; of another the length is wrong.
                self._sound &= end > len(self.data) and following == len(self.data)
                stop = following - 4 if following < len(self.data) else following
                found.append(_Chunk(kind, self.data[at + 8 : max(stop, at + 8)]))
                at = following
                continue
            body = self.data[at + 8 : at + 8 + length]
            if (
                kind not in (b"IDAT", b"fdAT")
                and zlib.crc32(kind + body) != struct.unpack_from(">I", self.data, end - 4)[0]
            ):
                self._sound = False
            found.append(_Chunk(kind, body))
            at = end
            if kind == b"IEND":
                break
        return found

    def _leads(self, end: int) -> bool:
        name = self.data[end + 4 : end + 8]
        return end + 8 > len(self.data) or name.isalpha()

    def _following(self, at: int) -> int:
        for found in _NEXT.finditer(self.data, at + 4):
            (length,) = struct.unpack_from(">I", self.data, found.start() - 4)
            if length <= len(self.data) or found.group() == b"IEND":
                return found.start() - 4
        return len(self.data)

    # Frames

    @cached_property
    def _frames(self) -> list[_Frame]:
        """Those of an animation of which anything is there, whatever is said of their number."""
        found: list[_Frame] = []
        control, parts = b"", list[bytes]()
        for each in (*self._chunks, _Chunk(b"fcTL", b"")):
            if each.kind == b"fcTL":
                if len(control) >= 26 and parts:
                    found.append(_Frame(control, b"".join(parts)))
                control, parts = each.body, []
            elif each.kind == b"fdAT" and len(each.body) > 4:
                parts.append(each.body[4:])
            elif each.kind == b"IDAT":
                parts.append(each.body)
        return found

    @property
    def lost_frames(self) -> int:
        """How many are missing of those that are stated."""
        control = self._body(b"acTL") or b""
        stated = struct.unpack_from(">I", control)[0] if len(control) >= 4 else 0
        return max(0, min(stated, _MOST_FRAMES) - len(self._frames)) if self._frames else 0

    @cached_property
    def times(self) -> list[float]:
        """When each frame of an animation begins, in seconds; of a still picture [0]."""
        times, now = [], 0.0
        for each in self._frames:
            times.append(now)
            now += each.seconds
        return times or [0.0]

    @property
    def stands_apart(self) -> bool:
        """Whether programs that show no animation show a picture of its own, which is none of the frames."""
        kinds = [each.kind for each in self._chunks if each.kind in (b"fcTL", b"IDAT")]
        return bool(self._frames) and kinds[:1] == [b"IDAT"]

    def draw(self, number: int) -> Drawn:
        """A frame, from 0; behind the last, the picture that stands apart. Raises `PhotoError`."""
        if number < len(self._frames) and (len(self._frames) > 1 or self.stands_apart):
            return self._frame(number)
        return self._still()

    def _frame(self, number: int) -> Drawn:
        frame = self._frames[number]
        try:
            if self._animation is None:
                self._animation = open_as(self._clean(), "PNG")
            # A picture that is no frame of the animation stands before the first.
            self._animation.seek(number + (1 if self._animation.info.get("default_image") else 0))
            self._animation.load()
        except Exception as error:
            if self._mended:
                raise broken(NAME, error) from error
            self._mended, self._animation = True, None
            return self._frame(number)
        shown = self._finished(self._animation.copy())
        rows = self._rows_there(frame)
        if rows == 0:
            raise cut_short(NAME)
        missing = [Rectangle(frame.left, frame.top + rows, frame.left + frame.width, frame.top + frame.height)]
        missing = missing if rows < frame.height else []
        if number == 0 and (frame.width, frame.height) != (self.width, self.height):  # the first fills the picture
            missing.append(Rectangle(0, frame.height, self.width, self.height))
            missing.append(Rectangle(frame.width, 0, self.width, self.height))
        return as_far_as_there(shown, missing, self._cut_or_damaged)

    def _rows_there(self, frame: _Frame) -> int:
        sizes = self._pass_sizes(frame.width, frame.height)
        raw, _ = inflate(frame.data, _total(sizes))
        if self._interlaced:
            return frame.height if len(raw) == _total(sizes) else 0
        return len(raw) // (sizes[0][2] + 1)

    @property
    def _cut_or_damaged(self) -> str:
        ended = self.data.rstrip(b"\0").endswith(b"IEND\xaeB`\x82") or b"IEND" in self.data[-16:]
        return DAMAGED if ended else CUT

    def _still(self) -> Drawn:
        image = load_as(self._clean(still=True), "PNG")
        if image is not None and not self._interlaced and _last_row(image).any():
            return self._finished(image)
        return self._salvaged(image)

    def _clean(self, *, still: bool = False) -> bytes:
        """The same picture without side chunks, every checksum right; of an animation all frames that are there."""
        head = [each for each in self._chunks if each.kind in _NEEDED]
        body = [each for each in self._chunks if each.kind == b"IDAT"]
        if not still:
            body = body if self.stands_apart else []
            numbers = count()
            for place, each in enumerate(self._frames):
                data = self._whole(each) if self._mended else each.data
                first = place == 0 and not self.stands_apart
                body.append(_Chunk(b"fcTL", struct.pack(">I", next(numbers)) + each.control[4:26]))
                data = data if first else struct.pack(">I", next(numbers)) + data
                body.append(_Chunk(b"IDAT" if first else b"fdAT", data))
            head.append(_Chunk(b"acTL", struct.pack(">II", len(self._frames), 0)))
        chunks = (*head, *body, _Chunk(b"IEND", b""))
        return b"".join((_SIGNATURE, *(_chunk(each.kind, each.body) for each in chunks)))

    def _whole(self, frame: _Frame) -> bytes:
        """Its data, filled in where they end too early."""
        total = _total(self._pass_sizes(frame.width, frame.height))
        return zlib.compress(inflate(frame.data, total)[0].ljust(total, b"\0"), 1)

    def _salvaged(self, whole: Image.Image | None) -> Drawn:
        """As far as the pixels go. whole: what Pillow makes of all, which may be filled in."""
        if self._type not in _CHANNELS or self._depth not in (1, 2, 4, 8, 16):
            raise PhotoError("damaged PNG (its header makes no sense)", retry=False)
        sizes = self._pass_sizes(self.width, self.height)
        total, row = _total(sizes), sizes[0][2] + 1
        raw, sound = inflate(b"".join(each.body for each in self._chunks if each.kind == b"IDAT"), total)
        if len(raw) >= total and whole is not None:
            return self._finished(whole)
        if self._interlaced and len(raw) < total:
            return self._coarse(raw, sizes)
        rows = self.height if self._interlaced else len(raw) // row
        if not self._interlaced:
            odd = np.frombuffer(raw, np.uint8)[::row][:rows] > _LAST_FILTER
            rows = int(np.argmax(odd)) if odd.any() else rows  # from there on it is no picture
        if rows == 0:
            raise cut_short(NAME)
        shown = self._finished(self._of_raw((raw if self._interlaced else raw[: rows * row]).ljust(total, b"\0")))
        if rows < self.height:
            missing = [Rectangle(0, rows, self.width, self.height)]
            return as_far_as_there(shown, missing, self._cut_or_damaged)
        return shown if sound else shown.noting("the PNG is damaged: some of its pixels may be wrong")

    def _pass_sizes(self, width: int, height: int) -> list[tuple[int, int, int]]:
        """Width, height and bytes a row of each pass that has pixels, of a picture of this size."""
        bits = self._depth * _CHANNELS.get(self._type, 1)
        if not self._interlaced:
            return [(width, height, -(-width * bits // 8))]
        sizes = []
        for left, top, across, down in _PASSES:
            wide, high = max(-(-(width - left) // across), 0), max(-(-(height - top) // down), 0)
            sizes.append((wide, high if wide else 0, -(-wide * bits // 8)))
        return sizes

    def _coarse(self, raw: bytes, sizes: Sequence[tuple[int, int, int]]) -> Drawn:
        """Of an interlaced picture the passes that are whole, each pixel as large as its pass leaves room for."""
        done = at = 0
        for _, height, row in sizes:
            at += height * (row + 1)
            if at > len(raw):
                break
            done += 1
        if done == 0:
            raise cut_short(NAME)
        shown = self._finished(self._of_raw(raw.ljust(_total(sizes), b"\0")))
        step_x, step_y = ((8, 8), (4, 8), (4, 4), (2, 4), (2, 2), (1, 2), (1, 1))[done - 1]
        rgb = shown.rgb[::step_y, ::step_x].repeat(step_y, axis=0).repeat(step_x, axis=1)
        rgb = np.ascontiguousarray(rgb[: self.height, : self.width])
        return replace(shown, rgb=rgb).noting(COARSE)

    def _of_raw(self, raw: bytes) -> Image.Image:
        parts = [_SIGNATURE]
        for kind in (b"IHDR", b"PLTE", b"tRNS"):
            body = self._body(kind)
            parts += [] if body is None else [_chunk(kind, body)]
        data = b"".join((*parts, _chunk(b"IDAT", zlib.compress(raw, 1)), _chunk(b"IEND", b"")))
        image = load_as(data, "PNG")
        if image is None:
            raise PhotoError("damaged PNG (its pixels make no sense)", retry=False)
        return image

    # Colours

    def _finished(self, image: Image.Image) -> Drawn:
        space, profile = self._space(), self._profile()
        notices = ["" if self._sound else METADATA]
        if space is None and not profile and self._body(b"iCCP") is not None:
            notices.append(PROFILE)
        if image.mode == "P" and int(np.asarray(image).max()) >= len(self._body(b"PLTE") or b"") // 3:
            notices.append(SHORT_PALETTE)
        image.info.pop("icc_profile", None)
        if space is None and profile:
            image.info["icc_profile"] = profile
            space_of_profile = colour.of_profile(profile)
        else:
            space_of_profile = None
        known = space or space_of_profile
        orientation = self.exif.orientation or 1
        if (
            self._depth == 16
            and known is not None
            and not known.is_srgb
            and image.mode == "RGB"
            and not image.has_transparency_data
        ):
            deep = self._deep(image)
            if deep is not None:
                shown = Drawn(known.convert(deep, 65535.0), orientation)
                return shown.noting(HDR_NOTICE if known.is_hdr else "", *notices)
        return drawn(image, space, orientation=orientation).noting(*notices)

    def _deep(self, image: Image.Image) -> npt.NDArray[np.uint16] | None:
        """All 16 bits of a colour picture, of which Pillow gives the upper 8: asked for the other byte order, it gives
        the lower ones."""
        if len(self._frames) > 1 or self.stands_apart:
            return None
        with suppress(Exception):
            lower = open_as(self._clean(still=True), "PNG")
            if lower.tile[0].args != "RGB;16B":
                return None
            lower.tile = [lower.tile[0]._replace(args="RGB;16L")]
            lower.load()
            upper = np.asarray(image).astype(np.uint16)
            return np.asarray((upper << 8) | np.asarray(lower), np.uint16)
        return None

    def _space(self) -> ColourSpace | None:
        """What cICP says, or, where neither a profile nor sRGB is named, gAMA and cHRM."""
        points = self._body(b"cICP")
        if points is not None and len(points) >= 2:
            space = colour.of_code_points(points[0], points[1])
            if space is not None:
                return space
        gamma, corners = self._body(b"gAMA"), self._body(b"cHRM")
        if self._body(b"iCCP") is not None or self._body(b"sRGB") is not None or gamma is None or len(gamma) < 4:
            return None
        places = None
        if corners is not None and len(corners) >= 32:
            places = tuple(value / 100_000 for value in struct.unpack_from(">8I", corners))
        return colour.of_gamma(struct.unpack_from(">I", gamma)[0] / 100_000, places)

    def _profile(self) -> bytes:
        body = self._body(b"iCCP") or b""
        _, _, packed = body.partition(b"\0")
        return inflate(packed[1:], 16_000_000)[0] if packed else b""

    @cached_property
    def exif(self) -> Exif:
        body = self._body(b"eXIf")
        if body is None:
            body = _raw_profile(self._chunks)
        return Exif(body.removeprefix(b"Exif\0\0"))


def _raw_profile(chunks: Sequence[_Chunk]) -> bytes:
    """EXIF as ImageMagick and exiftool wrote it before there was a chunk for it: hexadecimal, in a compressed text."""
    for each in chunks:
        name, _, rest = each.body.partition(b"\0")
        if each.kind in (b"zTXt", b"tEXt") and name in (b"Raw profile type exif", b"Raw profile type APP1"):
            text = inflate(rest[1:], 4_000_000)[0] if each.kind == b"zTXt" else rest
            with suppress(ValueError, IndexError):
                return bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))
    return b""


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _total(sizes: Sequence[tuple[int, int, int]]) -> int:
    """Bytes of all rows, each with its filter."""
    return sum(height * (row + 1) for _, height, row in sizes)


def _last_row(image: Image.Image) -> npt.NDArray[np.generic]:
    """Zeros where Pillow had no data for it."""
    return np.asarray(image.crop((0, image.height - 1, image.width, image.height)))
