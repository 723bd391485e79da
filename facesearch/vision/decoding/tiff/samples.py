"""The samples of a page whose compression knows bytes only: as the file has them, whatever their type."""

from __future__ import annotations

import lzma
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from facesearch.vision.decoding.errors import cut_short
from facesearch.vision.decoding.inflate import inflate
from facesearch.vision.decoding.lzw import decode_lzw, decode_packbits
from facesearch.vision.decoding.pillow import open_as
from facesearch.vision.decoding.pixels import Rectangle
from facesearch.vision.decoding.tiff import tags
from facesearch.vision.decoding.tiff.page import NAME, Page, Piece
from facesearch.vision.decoding.tiff.tags import Tag, file_of
from facesearch.vision.decoding.unwritten import without_unwritten


def read_samples(page: Page) -> tuple[npt.NDArray[np.generic], list[Rectangle]]:
    """[H, W, samples] of whatever type they have, and what of it is not there. Raises `PhotoError`."""
    kind = _kind(page)
    per_piece = 1 if page.planar else page.samples
    out = np.zeros((page.height, page.width, page.samples), kind.newbyteorder("="))
    missing, anything = page.lost, False
    for piece in page.pieces:
        row = -(-piece.width * per_piece * page.bits // 8)
        data = decoded_bytes(page, piece, row * piece.height)
        whole = len(data) // row
        height, width = min(piece.height, page.height - piece.top), min(piece.width, page.width - piece.left)
        if whole < height:
            missing.append(Rectangle(piece.left, piece.top + whole, piece.left + width, piece.top + height))
        if whole:
            anything = True
            values = _unpacked(page, data[: whole * row], whole, piece.width, per_piece, kind)
            planes = slice(piece.plane, piece.plane + 1) if page.planar else slice(None)
            part = out[piece.top : piece.top + height, piece.left : piece.left + width, planes]
            part[:whole] = values[:height, :width]
    if not anything:
        raise page.refused("damaged, or not supported here") if page.codec == "Zstandard" else cut_short(NAME)
    return out, missing


def decoded_bytes(page: Page, piece: Piece, most: int) -> bytes:
    """Of the `most` bytes that a piece has when it is decoded, as many as there are."""
    size = piece.size
    if page.compression == 1:
        data = page.part(piece.at, min(size, most) if size else most)
    else:
        data = page.part(piece.at, size if size else len(page.data) - piece.at)
    if page.directory.number(tags.FILL_ORDER, 1) == 2:
        data = data.translate(_REVERSED)
    if page.compression == 1:
        return data
    if page.compression != 32773:
        data = without_unwritten(data)
    if page.compression in (8, 32946):
        decoded, sound = inflate(data, most)
        page.doubtful |= not sound and len(decoded) >= most
        return decoded
    if page.compression == 32773:
        return decode_packbits(data, most)
    if page.compression == 34925:
        return _unpacked_lzma(data, most)
    unpacked = _by_libtiff(page, data, 1 if most % piece.height else piece.height, most)
    if unpacked is None and page.compression == 5:
        # Some early writers stored codes the other way round.
        old = len(data) > 1 and data[0] == 0 and data[1] & 1
        unpacked = decode_lzw(data, most, bits=8, lowest_bit_first=bool(old))
    return unpacked or b""


def _by_libtiff(page: Page, data: bytes, rows: int, most: int) -> bytes | None:
    """Bytes that libtiff makes of a piece, told that they are a gray picture."""
    width = most // rows
    entries: list[Tag] = [
        (tags.WIDTH, 4, width), (tags.HEIGHT, 4, rows), (tags.BITS, 3, 8), (tags.COMPRESSION, 3, page.compression),
        (tags.PHOTOMETRIC, 3, 1), (tags.SAMPLES, 3, 1), (tags.ROWS, 4, rows), (tags.COUNTS, 4, len(data)),
    ]  # fmt: skip
    try:
        with open_as(file_of(entries, data), "TIFF") as image:
            image.load()
            return image.tobytes()
    except MemoryError:
        raise
    except Exception:
        return None


def _unpacked_lzma(data: bytes, most: int) -> bytes:
    """As far as it goes."""
    machine = lzma.LZMADecompressor()
    out = b""
    with suppress(lzma.LZMAError, EOFError):
        out = machine.decompress(data, most)
        while len(out) < most and not machine.eof and not machine.needs_input:
            out += machine.decompress(b"", most - len(out))
    return out


_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def _kind(page: Page) -> np.dtype[np.generic]:
    """The type of one sample. Raises `PhotoError`."""
    if page.format == 3 and page.bits in (16, 32, 64):
        return np.dtype(f"{page.order}f{page.bits // 8}")
    if page.format in (1, 2, 4) and page.bits in (8, 16, 32, 64):
        return np.dtype(f"{page.order}{'i' if page.format == 2 else 'u'}{page.bits // 8}")
    if page.format in (1, 4) and page.bits < 8:
        return np.dtype(np.uint8)
    if page.format in (1, 4) and 8 < page.bits < 16:
        return np.dtype(np.uint16)
    if page.format in (1, 4) and 16 < page.bits < 32:
        return np.dtype(np.uint32)
    raise page.refused()


def _unpacked(
    page: Page, data: bytes, rows: int, width: int, samples: int, kind: np.dtype[np.generic]
) -> npt.NDArray[np.generic]:
    shape = (rows, width, samples)
    if page.bits not in (8, 16, 32, 64):
        bits = np.unpackbits(np.frombuffer(data, np.uint8).reshape(rows, -1), axis=1)
        bits = bits[:, : width * samples * page.bits].reshape(rows, width * samples, page.bits)
        weights = (1 << np.arange(page.bits - 1, -1, -1)).astype(np.uint32)
        return (bits @ weights).astype(kind).reshape(shape)
    if page.predictor == 3 and page.format == 3:
        size = page.bits // 8
        line = np.frombuffer(data, np.uint8).reshape(rows, size * width, samples)
        line = np.cumsum(line, axis=1, dtype=np.uint8).reshape(rows, size, width * samples)
        ordered = np.ascontiguousarray(line.transpose(0, 2, 1))
        return ordered.view(kind.newbyteorder(">")).reshape(shape).astype(kind.newbyteorder("="))
    values = np.frombuffer(data, kind).reshape(shape).astype(kind.newbyteorder("="))
    if page.predictor == 2:
        values = np.cumsum(values, axis=1, dtype=values.dtype)
    return values
