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
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from facesearch.decoding import colour
from facesearch.decoding.colour import HDR_NOTICE, ColourSpace
from facesearch.decoding.errors import Limits, PhotoError, broken, check_size, cut_short
from facesearch.decoding.exif import Exif
from facesearch.decoding.pixels import Drawn, Rectangle, drawn, load_as

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
_NEEDED = frozenset((b"IHDR", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"IDAT"))
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ZEROS = 64
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Of an interlaced picture: the first pixel and the steps across and down of each pass."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    body: bytes


@dataclass
class Png:
    """An opened PNG."""

    data: bytes
    limits: Limits

    def __post_init__(self) -> None:
        self._sound = True
        if self.data.endswith(b"\0" * _ZEROS):  # a file that was never written to its end
            self.data = self.data.rstrip(b"\0")
        self._chunks = self._read()
        header = self._body(b"IHDR")
        if header is None or len(header) < 13:
            raise PhotoError("damaged: the PNG data ends too early (truncated): its header is missing", retry=False)
        self.width, self.height, self._depth, self._type = struct.unpack_from(">IIBB", header)
        self._interlaced = header[12] == 1
        check_size(self.width, self.height, self.limits)
        self._frames: Image.Image | None = None

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
    def times(self) -> list[float]:
        """When each frame of an animation begins, in seconds; of a still picture [0]."""
        control = self._body(b"acTL")
        if control is None or len(control) < 8:
            return [0.0]
        (count,) = struct.unpack_from(">I", control)
        times, now = [], 0.0
        for each in self._chunks:
            if each.kind == b"fcTL" and len(each.body) >= 26:
                number, below = struct.unpack_from(">HH", each.body, 20)
                times.append(now)
                now += number / (below or 100)
        return times[:count] or [0.0]

    @property
    def stands_apart(self) -> bool:
        """Whether programs that show no animation show a picture of its own, which is none of the frames."""
        kinds = [each.kind for each in self._chunks if each.kind in (b"fcTL", b"IDAT")]
        return len(self.times) > 1 and kinds[:1] == [b"IDAT"]

    def draw(self, number: int) -> Drawn:
        """A frame, from 0; behind the last, the picture that stands apart. Raises `PhotoError`."""
        if 1 < len(self.times) > number:
            return self._frame(number)
        return self._still()

    def _frame(self, number: int) -> Drawn:
        try:
            if self._frames is None:
                self._frames = Image.open(BytesIO(self._clean()), formats=["PNG"])
            # A picture that is no frame of the animation stands before the first.
            default = 1 if self._frames.info.get("default_image") else 0
            self._frames.seek(number + default)
            self._frames.load()
        except Exception as error:
            if number == 0:
                return self._still()
            raise broken(NAME, error) from error
        return self._finished(self._frames.copy())

    def _still(self) -> Drawn:
        image = load_as(self._clean(still=True), "PNG")
        if image is not None:
            return self._finished(image)
        return self._salvaged()

    def _clean(self, *, still: bool = False) -> bytes:
        """The same picture without side chunks, every checksum right."""
        animation = (b"acTL", b"fcTL", b"fdAT")
        kept = (each for each in self._chunks if each.kind in _NEEDED and not (still and each.kind in animation))
        return b"".join((_SIGNATURE, *(_chunk(each.kind, each.body) for each in kept), _chunk(b"IEND", b"")))

    def _salvaged(self) -> Drawn:
        """As far as the pixels go."""
        if self._type not in _CHANNELS or self._depth not in (1, 2, 4, 8, 16):
            raise PhotoError("damaged PNG (its header makes no sense)", retry=False)
        sizes = self._pass_sizes()
        total = sum(height * (row + 1) for _, height, row in sizes)
        raw, sound = _inflated(b"".join(each.body for each in self._chunks if each.kind == b"IDAT"), total)
        ended = self.data.rstrip(b"\0").endswith(b"IEND\xaeB`\x82") or b"IEND" in self.data[-16:]
        notice = CUT if not ended else DAMAGED
        if self._interlaced:
            return self._coarse(raw, sizes, notice)
        row = sizes[0][2] + 1
        rows = len(raw) // row
        while rows and raw[(rows - 1) * row] > 4:  # no filter: what stands here is no picture
            rows -= 1
        if rows == 0:
            raise cut_short(NAME)
        image = self._of_raw(raw[: rows * row].ljust(total, b"\0"))
        shown = self._finished(image)
        if rows < self.height:
            return replace(shown, sound=Rectangle(0, 0, self.width, rows)).noting(notice)
        return shown if sound else shown.noting("the PNG is damaged: some of its pixels may be wrong")

    def _pass_sizes(self) -> list[tuple[int, int, int]]:
        """Width, height and bytes a row of each pass that has pixels."""
        bits = self._depth * _CHANNELS[self._type]
        if not self._interlaced:
            return [(self.width, self.height, -(-self.width * bits // 8))]
        sizes = []
        for left, top, across, down in _PASSES:
            width, height = -(-(self.width - left) // across), -(-(self.height - top) // down)
            sizes.append((max(width, 0), max(height, 0) if width > 0 else 0, -(-max(width, 0) * bits // 8)))
        return sizes

    def _coarse(self, raw: bytes, sizes: Sequence[tuple[int, int, int]], notice: str) -> Drawn:
        """Of an interlaced picture the passes that are whole, each pixel as large as its pass leaves room for."""
        done = at = 0
        for _, height, row in sizes:
            at += height * (row + 1)
            if at > len(raw):
                break
            done += 1
        if done == 0:
            raise cut_short(NAME)
        total = sum(height * (row + 1) for _, height, row in sizes)
        shown = self._finished(self._of_raw(raw.ljust(total, b"\0")))
        step_x, step_y = ((8, 8), (4, 8), (4, 4), (2, 4), (2, 2), (1, 2), (1, 1))[done - 1]
        rgb = shown.rgb[::step_y, ::step_x].repeat(step_y, axis=0).repeat(step_x, axis=1)
        rgb = np.ascontiguousarray(rgb[: self.height, : self.width])
        return replace(shown, rgb=rgb).noting(COARSE if done < 7 else notice)

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
        space = self._space()
        profile = self._profile()
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
                return shown.noting(HDR_NOTICE if known.is_hdr else "", "" if self._sound else METADATA)
        return drawn(image, space, orientation=orientation).noting("" if self._sound else METADATA)

    def _deep(self, image: Image.Image) -> npt.NDArray[np.uint16] | None:
        """All 16 bits of a colour picture, of which Pillow gives the upper 8: asked for the other byte order, it gives
        the lower ones."""
        if len(self.times) > 1:
            return None
        with suppress(Exception):
            lower = Image.open(BytesIO(self._clean(still=True)), formats=["PNG"])
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
        return _inflated(packed[1:], 16_000_000)[0] if packed else b""

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
            text = _inflated(rest[1:], 4_000_000)[0] if each.kind == b"zTXt" else rest
            with suppress(ValueError, IndexError):
                return bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))
    return b""


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _inflated(data: bytes, most: int) -> tuple[bytes, bool]:
    """At most `most` bytes, as far as it goes, and whether all of it is sound."""
    machine = zlib.decompressobj()
    out = bytearray()
    view = memoryview(data)
    try:
        for start in range(0, len(view), 4096):
            waiting: bytes | memoryview = view[start : start + 4096]
            while len(waiting) and len(out) < most:
                out += machine.decompress(waiting, most - len(out))
                waiting = machine.unconsumed_tail
            if machine.eof or len(out) >= most:
                break
    except zlib.error:
        return bytes(out), False
    return bytes(out), machine.eof or len(out) >= most
