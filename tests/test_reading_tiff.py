"""TIFF in all its kinds: strips, tiles, compressions, predictors, planes."""

from __future__ import annotations

import lzma
import struct
import zlib
from typing import Any

import numpy as np
import pytest

from facesearch.vision.decode import (
    PhotoError,
)
from tests.support.odd_files import (
    SIZE,
    encoded,
    scene,
    tiff,
)
from tests.support.photos import decode_bytes, differs
from tests.support.reading import PIXELS


@pytest.mark.parametrize("kind", ["strips", "tiles"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "webp", "zstd"])
def test_tiffs_of_every_compression_show_the_same_picture(kind: str, compression: str) -> None:
    options: dict[str, Any] = {"compression": None if compression == "raw" else compression}
    if kind == "tiles":
        if compression == "raw":
            pytest.skip("Pillow writes no tiles without compression")
        options["tiffinfo"] = {322: 64, 323: 64}
    try:
        data = encoded(scene(), "TIFF", **options)
    except (OSError, RuntimeError, KeyError):
        pytest.skip("this Pillow does not write it")
    assert differs(decode_bytes(data).rgb, PIXELS) < (5 if compression in ("jpeg", "webp") else 0.001)


def test_strips_of_webp_and_of_lzma_are_read_though_pillow_writes_none() -> None:
    webp = tiff([encoded(scene(), "WEBP", lossless=True)], *SIZE, [8] * 3, compression=50001)
    assert differs(decode_bytes(webp).rgb, PIXELS) == 0
    packed = tiff([lzma.compress(PIXELS.tobytes())], *SIZE, [8] * 3, compression=34925)
    assert differs(decode_bytes(packed).rgb, PIXELS) == 0


def test_a_predictor_is_undone() -> None:
    for bits in (8, 16):
        values = (PIXELS.astype(np.uint16) * (257 if bits == 16 else 1)).astype(f"<u{bits // 8}")
        steps = values.copy()
        steps[:, 1:] -= values[:, :-1]
        data = tiff([zlib.compress(steps.tobytes())], *SIZE, [bits] * 3, compression=8, more=[(317, 3, [2])])
        assert differs(decode_bytes(data).rgb, PIXELS) < 1
    floats = (PIXELS / 255).astype(">f4")
    size = np.frombuffer(floats.tobytes(), np.uint8).reshape(120, 480, 4).transpose(0, 2, 1).reshape(120, 640, 3)
    steps = size.copy()
    steps[:, 1:] -= size[:, :-1]
    more: list[Any] = [(317, 3, [3])]
    data = tiff([zlib.compress(steps.tobytes())], *SIZE, [32] * 3, compression=8, sample=3, more=more)
    assert differs(decode_bytes(data).rgb, PIXELS) < 1


@pytest.mark.parametrize("odd", [1.02, -0.02, -3.4e38, 9e9])
@pytest.mark.parametrize("kind", ["<f2", "<f4"])
def test_a_few_odd_floats_do_not_change_the_others(odd: float, kind: str) -> None:
    floats = (PIXELS / 255).astype(np.float32)
    floats[:3, :3] = odd
    with np.errstate(over="ignore"):
        data = tiff([floats.astype(kind).tobytes()], *SIZE, [8 * int(kind[2])] * 3, sample=3)
    assert differs(decode_bytes(data).rgb[4:], PIXELS[4:]) < 1


@pytest.mark.parametrize("bits", [8, 16])
def test_bits_in_the_other_order_are_turned_round(bits: int) -> None:
    values = PIXELS.astype(np.uint16) * (257 if bits == 16 else 1)
    straight = np.frombuffer(values.astype(f"<u{bits // 8}").tobytes(), np.uint8)
    turned = np.packbits(np.unpackbits(straight), bitorder="little")
    data = tiff([turned.tobytes()], *SIZE, [bits] * 3, more=[(266, 3, [2])])
    assert differs(decode_bytes(data).rgb, PIXELS) < 1


def test_a_tiff_that_is_not_read_is_named_by_its_kind() -> None:
    with pytest.raises(PhotoError) as caught:
        decode_bytes(tiff([b"\0" * 100], *SIZE, [8] * 3, compression=34661))
    assert caught.value.reason == "a TIFF of this kind is not read: RGB of 3 channels, 8-bit samples, JBIG"


def test_sound_files_of_kinds_that_are_not_read_are_not_called_damaged() -> None:
    jpeg = bytearray(encoded(scene(), "JPEG"))
    at = jpeg.find(b"\xff\xc0")
    twelve, lossless = jpeg.copy(), jpeg.copy()
    twelve[at + 4], lossless[at + 1] = 12, 0xC3
    newer = jpeg.copy()
    newer[at + 1] = 0xF7
    deep = b"8BPS\0\1" + b"\0" * 6 + struct.pack(">HIIHH", 3, 10, 10, 32, 3) + b"\0" * 12
    for data, words in {
        bytes(twelve): "a JPEG of this kind is not read: 12-bit samples",
        bytes(newer): "a JPEG of this kind is not read: JPEG-LS",
        bytes(lossless): "a JPEG of this kind is not read: lossless",
        deep: "a Photoshop file of a kind that is not read, or damaged at its beginning",
    }.items():
        with pytest.raises(PhotoError) as caught:
            decode_bytes(data)
        assert caught.value.reason == words


@pytest.mark.parametrize("bits", [16, 32])
def test_tiles_in_separate_planes_come_together(bits: int) -> None:
    kind = np.dtype("<u2" if bits == 16 else "<f4")
    values = (PIXELS.astype(np.uint16) * 257) if bits == 16 else PIXELS / 255
    padded = np.zeros((128, 192, 3), kind)
    padded[:120, :160] = values
    tiles = [
        zlib.compress(np.ascontiguousarray(padded[y : y + 64, x : x + 64, plane]).tobytes())
        for plane in range(3)
        for y in (0, 64)
        for x in (0, 64, 128)
    ]
    data = tiff(tiles, *SIZE, [bits] * 3, planar=2, compression=8, sample=1 if bits == 16 else 3, tile=64)
    assert differs(decode_bytes(data).rgb, PIXELS) < 1
