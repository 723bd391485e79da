"""What a page's tags say about its picture: its kind, and where its strips or tiles are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from facesearch.vision.decoding.errors import Limits, PhotoError
from facesearch.vision.decoding.pixels import Rectangle
from facesearch.vision.decoding.tiff import tags
from facesearch.vision.decoding.tiff.tags import Directory

NAME = "TIFF"
BYTE_CODECS = {1: "", 5: "LZW", 8: "deflate", 32946: "deflate", 32773: "PackBits", 50000: "Zstandard", 34925: "LZMA"}
PICTURE_CODECS = {2: "CCITT", 3: "CCITT", 4: "CCITT", 7: "JPEG", 50001: "WebP"}
OLD_JPEG = 6
_OTHER_CODECS = {
    6: "old-style JPEG", 32766: "NeXT", 32771: "CCITT RLE", 32809: "ThunderScan", 34661: "JBIG", 34676: "SGI LogLuv",
    34677: "SGI LogLuv", 34712: "JPEG 2000", 33003: "JPEG 2000", 33005: "JPEG 2000", 34887: "LERC", 50002: "JPEG XL",
    52546: "JPEG XL",
}  # fmt: skip
_CODECS = {**BYTE_CODECS, **PICTURE_CODECS, **_OTHER_CODECS}
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, INK, YCBCR, LAB, ICC_LAB = 0, 1, 2, 3, 5, 6, 8, 9
_COLOURS = {
    0: "gray", 1: "gray", 2: "RGB", 3: "palette", 4: "a mask", 5: "CMYK", 6: "YCbCr", 8: "Lab", 9: "ICC Lab",
    10: "ITU Lab", 32803: "camera data", 32844: "LogL", 32845: "LogLuv", 34892: "camera data",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """A strip or tile of one plane. width, height: in pixels, tiles with what reaches beyond the edge."""

    plane: int
    left: int
    top: int
    width: int
    height: int
    at: int
    size: int


class Page:
    """One page on its way to pixels. data: of the whole file, in this byte order ("<", ">")."""

    def __init__(self, data: bytes, order: str, limits: Limits, directory: Directory) -> None:
        self.data, self.order, self.limits, self.directory = data, order, limits, directory
        self.width, self.height = directory.width, directory.height
        self.compression = directory.number(tags.COMPRESSION, 1)
        bits = directory.numbers(tags.BITS) or (1,)
        # Some writers count the bits and forget to count the samples.
        self.samples = directory.number(tags.SAMPLES, len(bits)) or 1
        self.bits = bits[0]
        self.equal_bits = len(set(bits)) == 1
        self.format = directory.number(tags.FORMAT, 1)
        self.planar = directory.number(tags.PLANAR, 1) == 2 and self.samples > 1
        self.predictor = directory.number(tags.PREDICTOR, 1)
        self.extra = directory.numbers(tags.EXTRA)
        self.photometric = directory.number(tags.PHOTOMETRIC, self._likely_photometric())
        icc = directory.tags.get(tags.ICC)
        self.icc = icc if isinstance(icc, bytes) else None
        self.doubtful = False  # whether a checksum was wrong

    def _likely_photometric(self) -> int:
        """What it is where nothing is said."""
        if self.samples >= 3:
            return YCBCR if self.compression in (OLD_JPEG, 7) else RGB
        return PALETTE if tags.PALETTE in self.directory.tags else BLACK_IS_ZERO

    @property
    def codec(self) -> str:
        """The compression's name."""
        return _CODECS.get(self.compression, f"compression {self.compression}")

    @property
    def planes(self) -> int:
        return self.samples if self.planar else 1

    def refused(self, what: str = "") -> PhotoError:
        """Why a page of this kind is not read."""
        depth = f"{self.bits}-bit {'floats' if self.format == 3 else 'samples'}"
        parts = [
            f"{_COLOURS.get(self.photometric, f'colours of type {self.photometric}')} of {self.samples} channels",
            depth,
            "separate planes" if self.planar else "",
            self.codec,
            what,
        ]
        return PhotoError(f"a TIFF of this kind is not read: {', '.join(filter(None, parts))}", retry=False)

    def part(self, at: int, size: int) -> bytes:
        """Bytes of the file, fewer where it ends."""
        return self.data[at : at + size]

    @property
    def is_cut(self) -> bool:
        """Whether its data reach beyond the file's end."""
        if self.compression == OLD_JPEG:
            return self.directory.number(tags.OLD_JPEG, 0) + self.directory.number(tags.OLD_JPEG_SIZE, 0) > len(
                self.data
            )
        return any(piece.at + piece.size > len(self.data) for piece in self.pieces)

    @cached_property
    def pieces(self) -> list[Piece]:
        """Those whose places are there. Raises `PhotoError`."""
        across, down, columns, rows, places = self._grid
        return [
            Piece(plane, column * across, row * down, across, self._height_of(row, down), *places[index])
            for index in range(min(len(places), self.planes * columns * rows))
            for plane, place in (divmod(index, columns * rows),)
            for row, column in (divmod(place, columns),)
        ]

    @property
    def lost(self) -> list[Rectangle]:
        """Where pieces should be whose places are not there."""
        across, down, columns, rows, places = self._grid
        every = range(len(places), self.planes * columns * rows)
        cells = {divmod(index % (columns * rows), columns) for index in every}
        return [
            Rectangle(column * across, row * down, (column + 1) * across, (row + 1) * down) for row, column in cells
        ]

    def _height_of(self, row: int, down: int) -> int:
        return down if self._tiled else min(down, self.height - row * down)

    @property
    def _tiled(self) -> bool:
        return tags.TILE_WIDTH in self.directory.tags and bool(self.directory.numbers(tags.TILE_OFFSETS))

    @cached_property
    def _grid(self) -> tuple[int, int, int, int, Sequence[tuple[int, int]]]:
        """Width and height of a piece, how many there are across and down, and place and size of each in the file."""
        directory = self.directory
        if self._tiled:
            across, down = directory.number(tags.TILE_WIDTH, 0), directory.number(tags.TILE_HEIGHT, 0)
            offsets, counts = directory.numbers(tags.TILE_OFFSETS), directory.numbers(tags.TILE_COUNTS)
        else:
            across, down = self.width, min(directory.number(tags.ROWS, self.height) or self.height, self.height)
            offsets, counts = directory.numbers(tags.OFFSETS), directory.numbers(tags.COUNTS)
        if across < 1 or down < 1 or across * down > 2 * self.limits.max_pixels:
            raise PhotoError("damaged TIFF (its strips or tiles have no size)", retry=False)
        columns, rows = -(-self.width // across), -(-self.height // down)
        if not offsets:
            raise PhotoError("damaged TIFF (it does not say where its pixels are)", retry=False)
        if not self._tiled and len(offsets) == self.planes and rows > 1:  # RowsPerStrip is wrong: one strip a plane
            down, rows = self.height, 1
        counts = (*counts, *([0] * (len(offsets) - len(counts))))
        return across, down, columns, rows, list(zip(offsets, counts, strict=False))
