"""What a photo file becomes: upright RGB pixels, or one sentence that says why not."""

import hashlib
import io
import os
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from pillow_heif import register_heif_opener

from facesearch.vision.decode import (
    EXTENSIONS,
    EncodedPhoto,
    Limits,
    PhotoError,
    decode_encoded,
    decode_photo,
    read_photo,
    readable_extensions,
)
from tests.support.photos import decode_bytes
from tests.support.powers import names_of_any_bytes

register_heif_opener()

RED, GREEN, BLUE, WHITE = (230, 20, 20), (20, 200, 40), (30, 40, 220), (250, 250, 250)


def quadrants(width: int = 48, height: int = 32) -> Image.Image:
    """Red top left, green top right, blue bottom left, white bottom right: every turn and flip looks different."""
    image = Image.new("RGB", (width, height))
    for colour, x, y in ((RED, 0, 0), (GREEN, 1, 0), (BLUE, 0, 1), (WHITE, 1, 1)):
        image.paste(colour, (x * width // 2, y * height // 2, (x + 1) * width // 2, (y + 1) * height // 2))
    return image


def encode(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def corner_colours(rgb: np.ndarray) -> list[tuple[int, ...]]:
    height, width = rgb.shape[:2]
    return [
        tuple(int(v) for v in rgb[y, x]) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)
    ]


def assert_close(rgb: np.ndarray, expected: list[tuple[int, int, int]], tolerance: int) -> None:
    assert rgb.dtype == np.uint8
    assert rgb.ndim == 3 and rgb.shape[2] == 3
    difference = np.abs(np.array(corner_colours(rgb)) - np.array(expected)).max()
    assert difference <= tolerance, corner_colours(rgb)


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces a size and carries next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("format", "name", "options", "tolerance"),
    [
        ("JPEG", "JPEG", {"quality": 95}, 12),
        ("PNG", "PNG", {}, 0),
        ("WEBP", "WebP", {"lossless": True}, 0),
        ("BMP", "BMP", {}, 0),
        ("TIFF", "TIFF", {}, 0),
        ("TIFF", "TIFF", {"compression": "tiff_lzw"}, 0),
        ("GIF", "GIF", {}, 3),
        ("AVIF", "AVIF", {"quality": 95}, 12),
        ("HEIF", "HEIC", {"quality": 95}, 12),
    ],
)
def test_every_promised_format_decodes_to_rgb(
    tmp_path: Path, format: str, name: str, options: dict[str, Any], tolerance: int
) -> None:
    file = tmp_path / f"photo.{format.lower()}"
    file.write_bytes(encode(quadrants(), format, **options))
    photo = decode_photo(file)
    assert_close(photo.rgb, [RED, GREEN, BLUE, WHITE], tolerance)
    assert (photo.width, photo.height, photo.format) == (48, 32, name)
    assert photo.size == file.stat().st_size
    assert photo.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured_in_every_format_that_carries_it(format: str, orientation: int) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = quadrants()
    stored = upright.transpose(turns[orientation]) if orientation in turns else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = decode_bytes(encode(stored, format, exif=exif.tobytes(), quality=95))
    assert_close(photo.rgb, [RED, GREEN, BLUE, WHITE], 40)
    assert (photo.width, photo.height) == (48, 32)


def test_a_damaged_exif_block_costs_the_orientation_only() -> None:
    photo = decode_bytes(encode(quadrants(), "JPEG", quality=95, exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xffgarbage"))
    assert_close(photo.rgb, [RED, GREEN, BLUE, WHITE], 12)


def test_a_cmyk_jpeg_keeps_its_colours() -> None:
    photo = decode_bytes(encode(quadrants().convert("CMYK"), "JPEG", quality=95))
    assert_close(photo.rgb, [RED, GREEN, BLUE, WHITE], 20)


def test_a_cmyk_jpeg_with_a_useless_profile_still_decodes() -> None:
    rgb_profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (rgb_profile, b"no profile at all"):
        photo = decode_bytes(encode(quadrants().convert("CMYK"), "JPEG", quality=95, icc_profile=profile))
        assert_close(photo.rgb, [RED, GREEN, BLUE, WHITE], 20)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bit_gray_is_scaled_and_not_clipped_to_white(format: str) -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16)[None, :].repeat(16, axis=0)
    rgb = decode_bytes(encode(Image.fromarray(ramp), format)).rgb
    assert np.abs(rgb[8, :, 0].astype(int) - np.arange(256)).max() <= 1
    assert (rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 0] == rgb[..., 2]).all()


def test_a_sixteen_bit_gray_png_turned_by_exif_is_upright() -> None:
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16)[None, :].repeat(16, axis=0)
    exif = Image.Exif()
    exif[0x0112] = 6
    rgb = decode_bytes(encode(Image.fromarray(ramp), "PNG", exif=exif)).rgb
    assert rgb.shape == (64, 16, 3)
    assert rgb[0, 0, 0] < 3 < 250 < rgb[-1, 0, 0]


def test_sixteen_bit_colour_png_keeps_its_colours() -> None:
    """Pillow writes no 16-bit colour, so the file is put together here."""
    row = b"\x00" + b"".join(struct.pack(">HHH", 257 * r, 257 * 60, 257 * 200) for r in range(0, 256, 4))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 8, 16, 2, 0, 0, 0))
    data += chunk(b"IDAT", zlib.compress(row * 8)) + chunk(b"IEND", b"")
    rgb = decode_bytes(data).rgb
    assert rgb[0, :, 0].tolist() == list(range(0, 256, 4))
    assert (rgb[..., 1] == 60).all() and (rgb[..., 2] == 200).all()


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_float_gray_is_scaled_from_its_usual_ranges(top: float) -> None:
    ramp = np.linspace(0, top, 256, dtype=np.float32)[None, :].repeat(4, axis=0)
    rgb = decode_bytes(encode(Image.fromarray(ramp), "TIFF")).rgb
    assert np.abs(rgb[0, :, 0].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize(("bits", "white_is_zero"), [(16, False), (16, True), (12, False)])
def test_a_scan_of_many_bits_is_neither_dark_nor_a_negative(bits: int, white_is_zero: bool) -> None:
    """A TIFF put together here: Pillow writes neither 12 bits nor WhiteIsZero."""
    top = (1 << bits) - 1
    ramp = np.linspace(0, top, 64, dtype=np.uint16)[None, :].repeat(8, axis=0)
    samples = top - ramp if white_is_zero else ramp
    if bits == 12:  # two in three bytes
        first, second = samples[:, ::2], samples[:, 1::2]
        packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=-1)
        data = packed.astype(np.uint8).tobytes()
    else:
        data = samples.astype("<u2").tobytes()
    tags = [(256, 4, 64), (257, 4, 8), (258, 3, bits), (259, 3, 1), (262, 3, 0 if white_is_zero else 1), (273, 4, 8)]
    tags += [(277, 3, 1), (278, 4, 8), (279, 4, len(data))]
    ifd = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags
    )
    photo = decode_bytes(b"II*\0" + struct.pack("<I", 8 + len(data)) + data + ifd + b"\0\0\0\0")
    assert np.abs(photo.rgb[0, :, 0] - np.linspace(0, 255, 64)).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_every_pixel_mode_becomes_three_channels(mode: str) -> None:
    source = quadrants().convert("L").convert(mode) if mode == "I;16" else quadrants().convert(mode)
    format = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"
    rgb = decode_bytes(encode(source, format)).rgb
    assert rgb.shape == (32, 48, 3) and rgb.dtype == np.uint8


def test_a_lab_tiff_decodes_to_its_colours() -> None:
    lab = ImageCms.profileToProfile(
        quadrants(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    assert_close(decode_bytes(encode(lab, "TIFF")).rgb, [RED, GREEN, BLUE, WHITE], 12)


def test_transparency_is_laid_over_white() -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, 20, 40))
    for format in ("PNG", "WEBP"):
        rgb = decode_bytes(encode(image, format, lossless=True)).rgb
        assert rgb[20, 30].tolist() == [255, 255, 255]
        assert rgb[20, 5].tolist() == list(RED)


def test_a_palette_gif_with_a_transparent_colour_is_laid_over_white() -> None:
    image = Image.new("P", (40, 40), 0)
    image.putpalette([0, 0, 0, *RED] + [0] * 750)
    image.paste(1, (0, 0, 20, 40))
    rgb = decode_bytes(encode(image, "GIF", transparency=0)).rgb
    assert rgb[20, 30].tolist() == [255, 255, 255]
    assert rgb[20, 5].tolist() == list(RED)


def test_of_an_animated_gif_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (24, 24), colour) for colour in (RED, GREEN, BLUE)]
    for format in ("GIF", "WEBP", "PNG"):
        data = encode(frames[0], format, save_all=True, append_images=frames[1:], lossless=True)
        assert np.abs(decode_bytes(data).rgb[12, 12].astype(int) - RED).max() <= 3


def test_the_content_and_not_the_name_says_which_format_it_is(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(encode(quadrants(), "PNG"))
    assert decode_photo(file).format == "PNG"


def test_formats_that_are_no_photos_here_are_not_opened_even_under_a_photo_name() -> None:
    """Pillow would hand an EPS file to Ghostscript."""
    with pytest.raises(PhotoError, match="no photo"):
        decode_bytes(encode(quadrants(), "EPS"))


@pytest.mark.parametrize(
    "name",
    ["two words.png", "Größe 写真.png", pytest.param(b"\xff\xfe broken \xe9.png", marks=names_of_any_bytes)],
)
def test_any_file_name_opens(tmp_path: Path, name: str | bytes) -> None:
    path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))  # noqa: PTH118
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(encode(quadrants(), "PNG"))
    for form in (path, os.fsdecode(path), Path(os.fsdecode(path))):
        assert decode_photo(form).width == 48


def test_reading_a_small_file_takes_little_memory_whatever_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(quadrants(), "PNG"))
    tracemalloc.start()
    try:
        read_photo(tmp_path / "a.png", limits=Limits(max_bytes=100_000_000))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def refused(data: bytes, *, limits: Limits | None = None) -> PhotoError:
    with pytest.raises(PhotoError) as caught:
        decode_bytes(data, limits=limits)
    assert "\n" not in caught.value.reason
    assert str(caught.value) == caught.value.reason
    return caught.value


def test_an_empty_file_is_refused_for_good() -> None:
    error = refused(b"")
    assert error.reason == "the file is empty (0 bytes)"
    assert not error.retry


def test_text_under_a_photo_name_is_refused_for_good() -> None:
    error = refused(b"Dear diary, this is no photo at all.\n" * 20)
    assert error.reason.startswith("no photo")
    assert "JPEG" in error.reason and "PNG" in error.reason
    assert not error.retry


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "HEIF"])
def test_a_photo_of_which_nothing_is_left_is_refused_for_good(format: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    assert not refused(encode(Image.fromarray(noise), format)[:40]).retry


def test_a_jpeg_without_its_picture_is_called_so() -> None:
    data = encode(quadrants(400, 400), "JPEG")
    reason = refused(data[: data.find(b"\xff\xda")]).reason
    assert reason == "damaged: the JPEG data ends too early (truncated): its picture is missing"


def test_a_decompression_bomb_is_refused_by_its_header_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        error = refused(png_header(30_000, 30_000))
    assert "30,000 x 30,000" in error.reason
    assert "limit of 200 megapixels" in error.reason
    assert not error.retry


@pytest.mark.slow
def test_a_photo_above_pillows_own_limit_but_within_ours_decodes_without_a_warning() -> None:
    data = encode(Image.new("1", (9_500, 9_500)), "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_bytes(data).rgb.shape == (9_500, 9_500, 3)


def test_the_pixel_limit_is_a_setting_and_the_limit_itself_is_allowed() -> None:
    data = encode(quadrants(100, 80), "PNG")
    assert decode_bytes(data, limits=Limits(max_pixels=8_000)).width == 100
    assert "limit of 0.007999 megapixels" in refused(data, limits=Limits(max_pixels=7_999)).reason


def test_a_file_above_the_size_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "large.tif"
    with file.open("wb") as sparse:
        sparse.truncate(600_000_000)
    with pytest.raises(PhotoError) as caught:
        read_photo(file)
    assert caught.value.reason == "a file of 600 MB, above the limit of 500 MB"
    assert not caught.value.retry


def test_a_missing_file_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(PhotoError) as caught:
        decode_photo(tmp_path / "gone.jpg")
    assert caught.value.reason == "the file disappeared before it could be read"
    assert caught.value.retry


def test_a_folder_under_a_photo_name_is_a_failed_read(tmp_path: Path) -> None:
    with pytest.raises(PhotoError) as caught:
        decode_photo(tmp_path)
    assert caught.value.retry
    assert "it is a folder, no file" in caught.value.reason


WITHOUT_ITS_EXTRA = """
import sys
sys.modules["pillow_heif"] = None  # as if it were not installed
from facesearch.vision.decode import EncodedPhoto, PhotoError, decode_encoded, readable_extensions
assert not {".heic", ".heif", ".hif"} & readable_extensions()
try:
    decode_encoded(EncodedPhoto(sys.stdin.buffer.read(), ""))
except PhotoError as error:
    assert "pip install pillow-heif" in error.reason and error.retry, error.reason
else:
    raise AssertionError("was decoded")
"""


def test_a_heic_photo_without_its_extra_names_the_extra_and_is_tried_again() -> None:
    data = encode(quadrants(), "HEIF")
    subprocess.run([sys.executable, "-c", WITHOUT_ITS_EXTRA], input=data, check=True)


def test_readable_extensions_are_known_extensions() -> None:
    assert readable_extensions() <= EXTENSIONS
    assert {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"} <= readable_extensions()
    assert ".heic" in EXTENSIONS


def test_admission_is_asked_once_with_the_pixels_and_before_decoding() -> None:
    asked: list[int] = []

    def refuse(pixels: int) -> None:
        asked.append(pixels)
        raise InterruptedError

    # The pixels of this file are damaged: reaching them would be a PhotoError.
    photo = EncodedPhoto(png_header(300, 200), "0" * 64)
    with pytest.raises(InterruptedError):
        decode_encoded(photo, admit=refuse)
    assert asked == [60_000]


@settings(max_examples=150, deadline=None)
@given(
    format=st.sampled_from(["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "HEIF"]),
    places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12),
    end=st.floats(0, 1),
)
def test_whatever_happens_to_the_bytes_the_answer_is_pixels_or_one_sentence(
    format: str, places: list[tuple[float, int]], end: float
) -> None:
    data = bytearray(encode(quadrants(), format))
    for place, value in places:
        data[min(int(place * len(data)), len(data) - 1)] = value
    try:
        photo = decode_bytes(bytes(data[: int(end * len(data))]), limits=Limits(max_pixels=1_000_000))
    except PhotoError as error:
        assert error.reason and "\n" not in error.reason
    else:
        assert photo.rgb.dtype == np.uint8 and photo.rgb.shape == (photo.height, photo.width, 3)
