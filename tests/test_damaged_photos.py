"""Damage costs what it hits and no more, and what is filled in or missing is said."""

from __future__ import annotations

import io
import re
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesearch.vision.decode import PhotoError
from tests.support.odd_files import (
    P3,
    SIZE,
    as_seen_in,
    encoded,
    gamma_curve,
    png_chunk,
    profile,
    scene,
    tiff,
    with_chunk,
)
from tests.support.photos import decode_bytes, differs, opened, pictures

PIXELS = np.asarray(scene())
WIDTH, HEIGHT = SIZE
FILLED = 128


def strips(count: int, compress: Any, pixels: np.ndarray = PIXELS) -> list[bytes]:
    return [compress(np.ascontiguousarray(part)) for part in np.split(pixels, count)]


def deflated(pixels: np.ndarray) -> bytes:
    return zlib.compress(pixels.tobytes())


def jpeg(pixels: np.ndarray) -> bytes:
    return encoded(Image.fromarray(pixels), "JPEG", quality=95, subsampling=0)


def webp(pixels: np.ndarray) -> bytes:
    return encoded(Image.fromarray(pixels), "WEBP", lossless=True)


STRIPS: dict[str, tuple[Any, dict[str, Any]]] = {
    "deflate": (deflated, {"compression": 8}),
    "JPEG": (jpeg, {"compression": 7, "photometric": 6, "more": [(530, 3, [1, 1])]}),
    "WebP": (webp, {"compression": 50001}),
}


# TIFF


@pytest.mark.parametrize("kind", STRIPS)
def test_a_damaged_strip_costs_its_own_rows_only(kind: str) -> None:
    compress, options = STRIPS[kind]
    parts = strips(4, compress)
    for place, sound in ((1, (0, 120)), (0, (30, 120)), (3, (0, 90))):
        damaged = [b"\xff" * 40 if number == place else part for number, part in enumerate(parts)]
        photo = decode_bytes(tiff(damaged, *SIZE, [8] * 3, rows=30, **options))
        assert photo.notices == ("the TIFF is damaged: only a part of it can be seen",)
        assert (photo.top, photo.top + len(photo.visible)) == sound
        there = np.ones(HEIGHT, bool)
        there[30 * place : 30 * place + 30] = False
        assert differs(photo.rgb[there], PIXELS[there]) < 3
        assert (photo.rgb[~there] == FILLED).all()


def test_a_damaged_tile_costs_itself_only() -> None:
    padded = np.zeros((128, 192, 3), np.uint8)
    padded[:HEIGHT, :WIDTH] = PIXELS
    tiles = [deflated(np.ascontiguousarray(padded[y : y + 64, x : x + 64])) for y in (0, 64) for x in (0, 64, 128)]
    tiles[1] = b"\xff" * 9
    photo = decode_bytes(tiff(tiles, *SIZE, [8] * 3, compression=8, tile=64))
    assert photo.sound is None and len(photo.notices) == 1
    assert (photo.rgb[:64, 64:128] == FILLED).all()
    there = np.ones(PIXELS.shape[:2], bool)
    there[:64, 64:128] = False
    assert (photo.rgb[there] == PIXELS[there]).all()


@pytest.mark.parametrize("kind", ["deflate", "JPEG", "fax", "YCbCr"])
def test_a_cut_strip_is_shown_as_far_as_it_goes(kind: str) -> None:
    part, bits, options, expected = one_strip(kind)
    whole = tiff([part], *SIZE, bits, **options)
    at = whole.find(part)
    cut = whole[: at + len(part) * 6 // 10]
    moved = whole[at + len(part) :]  # the directory before the strip, so that a cut leaves it
    directory = cut[:4] + struct.pack("<I", 8) + relocated(moved, len(part), 8) + part
    photo = decode_bytes(directory[: len(directory) - len(part) * 4 // 10])
    assert photo.notices == ("the TIFF ends too early: only a part of it can be seen",)
    assert photo.sound is not None and 0.3 < len(photo.visible) / HEIGHT < 0.8
    assert differs(photo.visible, expected[: len(photo.visible)]) < 6


def one_strip(kind: str) -> tuple[bytes, list[int], dict[str, Any], np.ndarray]:
    """Its bytes, the bits of its samples, more tags, and what it shows."""
    if kind == "fax":
        image = scene().convert("1")
        data = encoded(image, "TIFF", compression="group4", strip_size=1 << 20)
        (at,) = struct.unpack_from("<I", data, 4)
        tags = {tag: value for tag, _, _, value in struct.iter_unpack("<HHII", data[at + 2 : at + 2 + 12 * data[at]])}
        strip = data[tags[273] : tags[273] + tags[279]]
        return strip, [1], {"compression": 4, "photometric": tags[262]}, np.asarray(image.convert("RGB"))
    if kind == "YCbCr":
        light = np.asarray(scene().convert("YCbCr")).astype(int)
        blocks = light.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3)
        colours = blocks[..., 1:].mean(axis=(1, 3)).round()
        units = np.concatenate([blocks[..., 0].transpose(0, 2, 1, 3).reshape(*colours.shape[:2], 4), colours], axis=-1)
        packed = zlib.compress(units.astype(np.uint8).tobytes())
        return packed, [8] * 3, {"compression": 8, "photometric": 6, "more": [(530, 3, [2, 2])]}, PIXELS
    compress, options = STRIPS[kind]
    return compress(PIXELS), [8] * 3, options, PIXELS


def relocated(directory: bytes, size: int, at: int) -> bytes:
    """A directory that stood behind one strip of this size, as one that stands before it."""
    (count,) = struct.unpack_from("<H", directory)
    was, length = 8 + size + size % 2, len(directory) - size % 2
    out = bytearray(directory[size % 2 :])
    (count,) = struct.unpack_from("<H", out)
    for entry in range(2, 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from("<HHI", out, entry)
        if tag == 273:
            struct.pack_into("<I", out, entry + 8, at + length)
        elif number * {1: 1, 3: 2, 4: 4, 7: 1}[kind] > 4:
            (place,) = struct.unpack_from("<I", out, entry + 8)
            struct.pack_into("<I", out, entry + 8, place - was + at)
    return bytes(out)


def test_a_jpeg_that_is_shorter_than_its_strip_is_filled_in_with_a_notice() -> None:
    compress, options = STRIPS["JPEG"]
    photo = decode_bytes(tiff([compress(PIXELS[:64])], *SIZE, [8] * 3, **options))
    assert photo.notices == ("the TIFF is damaged: only a part of it can be seen",)
    assert len(photo.visible) == 64 and differs(photo.visible, PIXELS[:64]) < 3


@pytest.mark.parametrize("share", [0.5, 1])
def test_an_old_style_jpeg_in_a_tiff_is_shown_as_far_as_it_goes(share: float) -> None:
    data = jpeg(PIXELS)
    part = data[: int(len(data) * share)]
    more = [(513, 4, [8]), (514, 4, [len(part)])]
    photo = decode_bytes(tiff([part], *SIZE, [8] * 3, compression=6, photometric=6, more=more))
    assert (photo.sound is None) == (share == 1) == (photo.notices == ())
    assert differs(photo.visible, PIXELS[: len(photo.visible)]) < 3


@pytest.mark.parametrize("photometric", [2, 6])
def test_jpeg_strips_mean_what_the_tiff_says(photometric: int) -> None:
    image = scene() if photometric == 6 else Image.fromarray(PIXELS)
    stored = encoded(image, "JPEG", quality=100, subsampling=0, keep_rgb=photometric == 2)
    more = [(530, 3, [1, 1])] if photometric == 6 else []
    data = tiff([stored], *SIZE, [8] * 3, compression=7, photometric=photometric, more=more)
    assert differs(decode_bytes(data).rgb, PIXELS) < 3


def test_four_inks_in_jpeg_strips_are_not_turned_round() -> None:
    ink = scene().convert("CMYK")
    expected = np.asarray(ink.convert("RGB"))
    for compression in ("jpeg", "tiff_lzw"):
        assert differs(decode_bytes(encoded(ink, "TIFF", compression=compression)).rgb, expected) < 6


def test_a_tiff_that_does_not_say_what_its_three_samples_are_is_rgb() -> None:
    data = tiff([PIXELS.tobytes()], *SIZE, [8] * 3)
    at = data.find(struct.pack("<HHI", 262, 3, 1), len(PIXELS.tobytes()))
    silent = data[:at] + struct.pack("<HHI", 65000, 3, 1) + data[at + 8 :]
    assert differs(decode_bytes(silent).rgb, PIXELS) == 0


def test_a_list_of_pages_that_leads_nowhere_is_said() -> None:
    data = bytearray(encoded(scene(), "TIFF", save_all=True, append_images=[scene(1), scene(2)]))
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    for target in (0x7FFFFFF0, at):
        struct.pack_into("<I", data, at + 2 + 12 * count, target)
        (photo,) = pictures(bytes(data))
        assert photo.notices == ("the TIFF's list of pages is damaged: further ones may be missing",)


def test_a_wrong_checksum_of_a_strip_is_said() -> None:
    packed = bytearray(zlib.compress(PIXELS.tobytes()))
    packed[-1] ^= 1
    photo = decode_bytes(tiff([bytes(packed)], *SIZE, [8] * 3, compression=8))
    assert photo.notices == ("the TIFF is damaged: some of its pixels may be wrong",)


def test_a_jpeg_that_is_narrower_than_its_strip_is_filled_in_with_a_notice() -> None:
    compress, options = STRIPS["JPEG"]
    photo = decode_bytes(tiff([compress(np.ascontiguousarray(PIXELS[:, :96]))], *SIZE, [8] * 3, **options))
    assert photo.notices == ("the TIFF is damaged: only a part of it can be seen",)
    assert (photo.rgb[:, 96:] == FILLED).all() and differs(photo.rgb[:, :96], PIXELS[:, :96]) < 3


def test_what_stands_behind_a_picture_costs_nothing_where_its_format_has_no_end() -> None:
    for format in ("TGA", "JPEG2000"):
        data = encoded(scene(), format)
        for behind in (b"\0" * 5000, b"words" * 50, data):
            photo = decode_bytes(data + behind)
            assert photo.notices == () and photo.rgb.shape == PIXELS.shape, format


# JPEG


JPEGS: dict[str, dict[str, Any]] = {
    "usual": {}, "progressive": {"progressive": True}, "with restarts": {"restart_marker_rows": 1},
}  # fmt: skip


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("behind", [b"", encoded(scene(3), "JPEG")])
def test_rows_that_a_jpeg_promises_and_does_not_hold_are_said(kind: str, behind: bytes) -> None:
    data = bytearray(encoded(scene(), "JPEG", quality=95, **JPEGS[kind]))
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    data[at + 5 : at + 7] = struct.pack(">H", 200)
    photo = decode_bytes(bytes(data) + behind)
    assert photo.notices == ("the JPEG ends too early: only a part of it can be seen",)
    assert abs(len(photo.visible) - HEIGHT) <= 24 and differs(photo.visible[:100], PIXELS[:100]) < 6


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("kind", JPEGS)
def test_the_part_of_a_jpeg_that_was_never_written_is_left_out(kind: str, fill: bytes) -> None:
    data = encoded(scene(), "JPEG", quality=95, **JPEGS[kind])
    cut = data[: len(data) * 6 // 10]
    photo = decode_bytes(cut + fill * (len(data) - len(cut)))
    assert len(photo.notices) == 1 and "ends too early" in photo.notices[0]
    if kind != "progressive":
        assert 0.3 < len(photo.visible) / HEIGHT < 0.8 and differs(photo.visible, PIXELS[: len(photo.visible)]) < 6


def test_a_jpeg_of_thousands_of_scans_is_read_to_the_hundredth() -> None:
    """A hundred bytes of a further scan cost as much time as the whole picture does."""
    plain = encoded(scene(), "JPEG", quality=90, progressive=True)
    scans = [found.start() for found in re.finditer(b"\xff\xda", plain)]
    last = plain[plain.rfind(b"\xff\xc4", scans[-2], scans[-1]) : -2]
    few, many = (decode_bytes(plain[:-2] + last * times + b"\xff\xd9") for times in (100 - len(scans), 5000))
    assert few.notices == ()
    assert many.notices == ("the JPEG comes in more than 100 scans: only the first of them are read",)
    assert np.array_equal(many.visible, few.visible)


def test_a_jpeg_whose_end_is_lost_before_another_begins_is_shown_as_far_as_it_goes() -> None:
    first, second = encoded(scene(), "JPEG", quality=95), encoded(scene(3), "JPEG", quality=95)
    for rest in (second[20:], second[second.find(b"\xff\xda") :]):
        photo = decode_bytes(first[:-500] + b"\0" * 300 + rest)
        assert "the JPEG ends too early: only a part of it can be seen" in photo.notices
        assert differs(photo.visible[:64], PIXELS[:64]) < 6


# Checksums and palettes


@pytest.mark.parametrize("size", [(160, 120), (5, 4)])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_a_wrong_checksum_costs_no_pixel(format: str, size: tuple[int, int]) -> None:
    pixels = np.asarray(scene().resize(size))
    if format == "TIFF":
        packed = zlib.compress(pixels.tobytes())
        data = tiff([packed[:-1] + bytes([packed[-1] ^ 1])], *size, [8] * 3, compression=8)
    else:
        data = png(pixels, lambda packed: packed[:-1] + bytes([packed[-1] ^ 1]))
    photo = decode_bytes(data)
    assert photo.sound is None and differs(photo.rgb, pixels) == 0


def png(pixels: np.ndarray, change: Any = bytes, *, height: int | None = None) -> bytes:
    """RGB, with its compressed data changed."""
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], height or pixels.shape[0], 8, 2, 0, 0, 0)
    chunks = (png_chunk(b"IHDR", header), png_chunk(b"IDAT", change(zlib.compress(rows))), png_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_a_profile_with_a_wrong_checksum_is_used() -> None:
    numbers = np.round(as_seen_in(PIXELS, P3, 2.2)).astype(np.uint8)
    packed = zlib.compress(profile(P3, gamma_curve(2.2)))
    data = with_chunk(png(numbers), png_chunk(b"iCCP", b"p\0\0" + packed[:-1] + bytes([packed[-1] ^ 1])))
    assert differs(decode_bytes(data).rgb, PIXELS) < 1.2


def test_a_profile_that_is_lost_is_said() -> None:
    data = with_chunk(png(PIXELS), png_chunk(b"iCCP", b"p\0\0" + b"\xff" * 50))
    assert decode_bytes(data).notices == ("its colour profile cannot be used: its colours may be wrong",)


def test_a_png_whose_header_promises_more_rows_than_there_are_has_a_notice() -> None:
    photo = decode_bytes(png(PIXELS, height=200))
    assert photo.notices == ("the PNG is damaged: only a part of it can be seen",)
    assert len(photo.visible) == HEIGHT and differs(photo.visible, PIXELS) == 0


def test_black_rows_at_the_bottom_of_a_whole_png_are_no_damage() -> None:
    pixels = PIXELS.copy()
    pixels[60:] = 0
    photo = decode_bytes(png(pixels))
    assert photo.sound is None and photo.notices == ()


def without_colours(format: str) -> bytes:
    """A palette picture whose file has lost most of its palette."""
    image = scene().convert("P", palette=Image.Palette.ADAPTIVE)
    data = encoded(image, format) if format != "GIF" else gif(image)
    if format == "PNG":
        at = data.find(b"PLTE")
        (size,) = struct.unpack_from(">I", data, at - 4)
        return data[: at - 4] + png_chunk(b"PLTE", data[at + 4 : at + 16]) + data[at + 8 + size :]
    if format == "BMP":
        return data[:46] + struct.pack("<I", 4) + data[50:]
    if format == "GIF":
        return data[:10] + bytes([data[10] & 0xF8 | 1]) + data[11:25] + data[13 + 768 :]
    indices = np.asarray(image)
    return tiff([indices.tobytes()], *SIZE, [8], photometric=3, more=[(320, 3, list(range(0, 65536, 5461)))])


def gif(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "GIF", optimize=False)
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "GIF"])
def test_a_palette_that_lacks_colours_is_said(format: str) -> None:
    photo = decode_bytes(without_colours(format))
    assert "its palette is too short: some of its colours may be wrong" in photo.notices


def test_a_gif_without_any_palette_is_said() -> None:
    data = gif(scene().convert("P", palette=Image.Palette.ADAPTIVE))
    assert data[10] & 0x80
    bare = data[:10] + bytes([data[10] & 0x7F]) + data[11:13] + data[13 + 768 :]
    assert "its palette is too short: some of its colours may be wrong" in decode_bytes(bare).notices


def test_a_png_without_its_palette_fails_by_that_reason() -> None:
    data = encoded(scene().convert("P"), "PNG")
    at = data.find(b"PLTE")
    (size,) = struct.unpack_from(">I", data, at - 4)
    with pytest.raises(PhotoError) as caught:
        decode_bytes(data[: at - 4] + data[at + 8 + size :])
    assert caught.value.reason == "damaged PNG (its palette is missing)"


def test_apples_own_png_is_named() -> None:
    data = with_chunk(encoded(scene(), "PNG"), b"")
    crushed = data[:8] + png_chunk(b"CgBI", b"\x50\0\x20\2") + data[8:]
    with pytest.raises(PhotoError) as caught:
        decode_bytes(crushed)
    assert caught.value.reason == "a PNG of this kind is not read: Apple's own (CgBI)"


def test_a_fault_in_the_middle_of_a_png_leaves_the_rows_above_it() -> None:
    def spoilt(packed: bytes) -> bytes:
        return packed[: len(packed) // 2] + b"\0" * 64 + packed[len(packed) // 2 + 64 :]

    photo = decode_bytes(png(PIXELS, spoilt))
    assert len(photo.notices) == 1 and "only a part of it" in photo.notices[0]
    assert photo.sound is not None and 0.2 < len(photo.visible) / HEIGHT < 0.9
    assert differs(photo.visible[:20], PIXELS[:20]) == 0


# Animations


def animation(format: str, frames: int = 3) -> bytes:
    options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {}
    images = [scene(number).resize((80, 60)) for number in range(frames)]
    return encoded(images[0], format, save_all=True, append_images=images[1:], duration=900, **options)


@pytest.mark.parametrize("format", ["GIF", "PNG"])
def test_the_last_frame_of_a_cut_animation_is_shown_as_far_as_it_goes(format: str) -> None:
    whole = animation(format)
    frames = pictures(whole)
    cut = pictures(whole[: len(whole) - len(whole) // 6])
    assert [each.page for each in cut] == [1, 2, 3]
    assert [each.sound is None for each in cut] == [True, True, False]
    assert cut[2].notices == (f"the {format} ends too early: only a part of it can be seen",)
    part = cut[2].visible
    assert 10 < len(part) < 60 and differs(part, frames[2].rgb[: len(part)]) == 0


def test_of_a_cut_animated_webp_the_frames_that_are_there_are_shown_and_the_loss_is_said() -> None:
    whole = animation("WEBP", 4)
    photo = opened(whole[: len(whole) * 6 // 10])
    found = [each for each in photo.pictures() if not isinstance(each, tuple)]
    assert [each.page for each in found] == [1, 2]
    assert (photo.pages, photo.unlooked) == (3, 1)
    assert found[0].notices == ("the WebP ends too early: its last frames are missing",)


@pytest.mark.parametrize("behind", [b"\0" * 5000, b"words" * 9, b"\xff" * 5000])
def test_what_stands_behind_an_animated_webp_costs_no_frame(behind: bytes) -> None:
    photo = opened(animation("WEBP") + behind)
    assert len(list(photo.pictures())) == 3 and photo.unlooked == 0


def test_frames_of_an_animated_webp_that_cannot_be_reached_are_counted() -> None:
    whole = animation("WEBP")
    at = whole.find(b"ANMF", whole.find(b"ANMF") + 4)
    photo = opened(whole[: at - 10] + whole[at + 4 :])
    found = list(photo.pictures())
    assert photo.pages > len(found) or any(isinstance(each, tuple) for each in found)


@pytest.mark.parametrize("stated", [0, 1, 2, 99])
def test_frames_of_a_png_are_those_that_are_there_whatever_is_said_of_their_number(stated: int) -> None:
    whole = animation("PNG")
    at = whole.find(b"acTL")
    data = whole[: at - 4] + png_chunk(b"acTL", struct.pack(">II", stated, 0)) + whole[at + 16 :]
    assert [each.page for each in pictures(data)] == [1, 2, 3]


# BMP


@pytest.mark.parametrize("top_down", [False, True])
def test_a_cut_run_length_bmp_is_shown_as_far_as_it_goes(top_down: bool) -> None:
    indices = np.asarray(scene().convert("L").point(lambda v: v // 4 * 4))
    rows = indices if top_down else indices[::-1]
    packed = b"".join(b"".join(bytes([1, value]) for value in row) + b"\0\0" for row in rows)
    palette = b"".join(bytes([value] * 3 + [0]) for value in range(256))
    height = -HEIGHT if top_down else HEIGHT
    head = struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, 8, 1, len(packed), 0, 0, 256, 0)
    data = b"BM" + struct.pack("<IHHI", 14 + 40 + 1024 + len(packed), 0, 0, 14 + 40 + 1024) + head + palette + packed
    for share in (0.3, 0.6, 0.95):
        photo = decode_bytes(data[: 1078 + int(len(packed) * share)])
        assert photo.notices == ("the BMP ends too early: only a part of it can be seen",)
        assert abs(len(photo.visible) / HEIGHT - share) < 0.02
        there = photo.visible[..., 0]
        assert (there == indices[photo.top : photo.top + len(there)]).all()
