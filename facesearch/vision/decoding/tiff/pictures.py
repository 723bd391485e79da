"""Pages whose strips or tiles are pictures (JPEG, CCITT fax, WebP, YCbCr with fewer colours than pixels): one after the
other, so that a damaged one costs its own rows only."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops

from facesearch.vision.decoding.errors import PhotoError, broken, cut_short
from facesearch.vision.decoding.jpeg import load_strip
from facesearch.vision.decoding.pillow import open_as
from facesearch.vision.decoding.pixels import Drawn, Rectangle, drawn, load_as
from facesearch.vision.decoding.tiff import tags
from facesearch.vision.decoding.tiff.page import INK, NAME, RGB, WHITE_IS_ZERO, YCBCR, Page, Piece
from facesearch.vision.decoding.tiff.samples import decoded_bytes
from facesearch.vision.decoding.tiff.tags import Tag, file_of

_KINDS_OF_JPEG = ((WHITE_IS_ZERO, 1), (1, 1), (RGB, 3), (YCBCR, 3), (INK, 4))
_MODES = {RGB: "RGB", YCBCR: "YCbCr", INK: "CMYK"}
_OTHER_DATA = [np.random.default_rng(seed).integers(0, 256, 1 << 13, np.uint8).tobytes() for seed in (0, 1)]
_FIT = 16  # pixels that an old-style JPEG may differ from its page, whole blocks being stored
_TRANSFORM = {RGB: 0, INK: 0, YCBCR: 1}  # Adobe's code for what the numbers of a JPEG are


def draw_pieces(page: Page) -> tuple[Drawn, list[Rectangle]]:
    """The page, and what of it is not there. Raises `PhotoError`."""
    _check(page)
    mode = "L" if page.planar else _mode(page)
    planes = [Image.new(mode, (page.width, page.height)) for _ in range(page.planes)]
    missing, anything, failure = page.lost, False, cut_short(NAME)
    for piece in page.pieces:
        height, width = min(piece.height, page.height - piece.top), min(piece.width, page.width - piece.left)
        rows = 0
        try:
            image, rows = _load(page, piece)
            there = _upper_left(image.convert(mode), width, min(rows, height))
            planes[piece.plane].paste(there, (piece.left, piece.top))
            if image.width < width:
                missing.append(Rectangle(piece.left + image.width, piece.top, piece.left + width, piece.top + height))
        except MemoryError:
            raise
        except Exception as error:
            failure = broken(NAME, error)
        anything |= rows > 0
        if rows < height:
            missing.append(Rectangle(piece.left, piece.top + rows, piece.left + width, piece.top + height))
    if not anything:
        raise failure
    whole = Image.merge(_MODES[page.photometric], planes) if page.planar else planes[0]
    return _finished(page, whole), missing


def _upper_left(image: Image.Image, width: int, height: int) -> Image.Image:
    """This much of a piece, or all of it: Pillow's crop goes by the limit of the process."""
    return image if image.size == (width, height) else image.crop((0, 0, width, height))


def draw_old_jpeg(page: Page) -> tuple[Drawn, list[Rectangle]]:
    """A whole JPEG stands in most of these; in the others it is in pieces that nobody agrees on. Raises
    `PhotoError`."""
    at, size = page.directory.number(tags.OLD_JPEG, 0), page.directory.number(tags.OLD_JPEG_SIZE, 0)
    data = page.part(at, size or len(page.data)) if at else b""
    if not data.startswith(b"\xff\xd8") or b"\xff\xda" not in data:
        raise page.refused()
    image, rows = load_strip(b"", data)
    if abs(image.width - page.width) > _FIT or image.height > page.height + _FIT:
        raise page.refused()
    if image.height > page.height - _FIT and rows == image.height:
        return _finished(page, image), []
    whole = Image.new(image.mode, (image.width, page.height))
    whole.paste(image, (0, 0))
    return _finished(page, whole), [Rectangle(0, rows, image.width, page.height)]


def _finished(page: Page, image: Image.Image) -> Drawn:
    if page.icc is not None:
        image.info["icc_profile"] = page.icc
    return drawn(image)


def _check(page: Page) -> None:
    right = {
        "JPEG": page.bits == 8 and (page.photometric, page.samples) in _KINDS_OF_JPEG,
        "CCITT": page.bits == 1 and page.samples == 1 and page.photometric in (0, 1),
        "WebP": page.bits == 8 and page.photometric == RGB and page.samples in (3, 4) and not page.planar,
    }.get(page.codec, page.bits == 8 and page.samples == 3 and not page.planar)
    if not right or (page.planar and page.codec != "JPEG"):
        raise page.refused()
    if page.planar and page.photometric == YCBCR and page.directory.numbers(tags.SUBSAMPLING)[:2] != (1, 1):
        raise page.refused("subsampled")


def _mode(page: Page) -> str:
    if page.codec == "CCITT":
        return "1"
    if page.codec == "WebP" and page.samples == 4:
        return "RGBA"
    return {1: "L", 4: "CMYK"}.get(page.samples, "RGB")


def _load(page: Page, piece: Piece) -> tuple[Image.Image, int]:
    """A piece, and how many of its rows are there. Raises `PhotoError`, and what Pillow does."""
    data = page.part(piece.at, piece.size)
    if page.codec == "JPEG":
        return _load_jpeg(page, data)
    if page.codec == "WebP":
        with open_as(data, "WEBP") as image:
            image.load()
            return image, image.height
    if page.codec == "CCITT":
        return _load_fax(page, piece, data)
    return _load_subsampled(page, piece)


def _load_jpeg(page: Page, data: bytes) -> tuple[Image.Image, int]:
    shared = page.directory.tags.get(tags.JPEG_TABLES)
    shared = shared if isinstance(shared, bytes) else b""
    image, rows = load_strip(shared, data, None if page.planar else _TRANSFORM.get(page.photometric))
    # Pillow takes four inks for those of Adobe's programs, which are stored the other way round.
    return (ImageChops.invert(image) if image.mode == "CMYK" or page.photometric == WHITE_IS_ZERO else image), rows


def _load_fax(page: Page, piece: Piece, data: bytes) -> tuple[Image.Image, int]:
    more = [(tag, 4, page.directory.number(tag, 0)) for tag in (tags.FAX3, tags.FAX4) if tag in page.directory.tags]
    more.append((tags.FILL_ORDER, 3, page.directory.number(tags.FILL_ORDER, 1)))
    if len(data) == piece.size:
        image = _by_libtiff(page, piece, data, page.compression, more)
        return image, image.height
    # Where data are missing, different ones put in their place make different rows.
    one, other = (_by_libtiff(page, piece, data + tail, page.compression, more) for tail in _OTHER_DATA)
    differ = (np.asarray(one) != np.asarray(other)).any(axis=1)
    return one, int(np.argmax(differ)) if differ.any() else one.height


def _load_subsampled(page: Page, piece: Piece) -> tuple[Image.Image, int]:
    """libtiff knows how colours lie between pixels; it is handed the bytes of as many blocks as there are."""
    across, down = page.directory.numbers(tags.SUBSAMPLING)[:2] or (2, 2)
    row = -(-piece.width // across) * (across * down + 2)
    blocks = -(-piece.height // down)
    data = decoded_bytes(page, piece, row * blocks)
    rows = min(len(data) // row * down, piece.height)
    more: list[Tag] = [(tags.SUBSAMPLING, 3, (across, down))]
    if page.predictor != 1:
        more.append((tags.PREDICTOR, 3, page.predictor))
    return _by_libtiff(page, piece, zlib.compress(data.ljust(row * blocks, b"\0"), 1), 8, more), rows


def _by_libtiff(page: Page, piece: Piece, data: bytes, compression: int, more: Sequence[Tag]) -> Image.Image:
    """What Pillow makes of a piece, as a file of its own."""
    entries: list[Tag] = [
        (tags.WIDTH, 4, piece.width), (tags.HEIGHT, 4, piece.height), (tags.BITS, 3, [page.bits] * page.samples),
        (tags.COMPRESSION, 3, compression), (tags.PHOTOMETRIC, 3, page.photometric), (tags.SAMPLES, 3, page.samples),
        (tags.PLANAR, 3, 1), (tags.ROWS, 4, piece.height), (tags.COUNTS, 4, len(data)), *more,
    ]  # fmt: skip
    image = load_as(file_of(entries, data, page.order), "TIFF")
    if image is None:
        raise PhotoError(f"damaged {NAME} (its {page.codec or 'pixels'} data make no sense)", retry=False)
    return image
