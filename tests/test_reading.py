"""What a file holds: which kind it is, all of its pictures, and their colours as they are meant."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesearch.vision.decode import (
    DecodedPhoto,
    PhotoError,
    decode_photo,
)
from facesearch.vision.decoding.sniff import Kind, sniff, sniff_file
from tests.support.odd_files import (
    SIZE,
    encoded,
    exif_block,
    jpeg_segment,
    mpo,
    png_chunk,
    raw_tiff,
    scene,
    tiff,
    with_chunk,
    with_segment,
)
from tests.support.photos import decode_bytes, differs, opened, pictures
from tests.support.reading import PIXELS

EVERY = ("JPEG", "PNG", "TIFF", "GIF", "BMP", "WEBP", "AVIF", "HEIF", "JPEG2000", "PPM", "TGA", "PCX")


# Which kind


@pytest.mark.slow
@pytest.mark.parametrize("format", EVERY)
@pytest.mark.parametrize("name", ["IMG_0001.heic", "a.jpg_large", "noext", "photo.jpg?size=large", "a.png", "a.txt"])
def test_the_content_decides_whatever_the_name(tmp_path: Path, format: str, name: str) -> None:
    (tmp_path / name).write_bytes(encoded(scene(), format))
    assert sniff_file(tmp_path / name).is_photo
    assert decode_photo(tmp_path / name).rgb.shape == (120, 160, 3)


@pytest.mark.parametrize(
    ("data", "kind", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Kind.HEIC, "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Kind.PHOTO, "AVIF"),
        (b"\0\0\0\x18ftypmsf1\0\0\0\0msf1hevc", Kind.HEIC, "HEIC"),
        (b"\0\0\0\x1cftypABCD\0\0\0\0mif1heic", Kind.HEIC, "HEIC"),
        (b"\0\0\0\x1cftypMA1B\0\0\0\0mif1avif", Kind.PHOTO, "AVIF"),
        (b"\0\0\0\x1cftypisom\0\0\0\0mp42heic", Kind.VIDEO, "MP4"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", Kind.RAW, "Canon CR3"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", Kind.VIDEO, "MP4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", Kind.VIDEO, "QuickTime"),
        (b"\x1aE\xdf\xa3" + b"\0" * 30, Kind.VIDEO, "Matroska or WebM"),
        (b"RIFF\0\0\0\0AVI LIST", Kind.VIDEO, "AVI"),
        (b"II*\0\x10\0\0\0CR\2\0" + b"\0" * 40, Kind.RAW, "Canon CR2"),
        (b"FUJIFILMCCD-RAW 0201", Kind.RAW, "Fujifilm RAF"),
        (b"IIU\0\x18\0\0\0" + b"\0" * 20, Kind.RAW, "Panasonic RW2"),
        (b"\xff\x0a\0\0", Kind.UNREAD_PHOTO, "JPEG XL"),
        (b"SDPX\0\0\x20\0", Kind.UNREAD_PHOTO, "DPX"),
        (b"PF\n160 120\n-1.0\n", Kind.UNREAD_PHOTO, "PFM"),
        (b"/* XPM */\nstatic char *a[]", Kind.UNREAD_PHOTO, "XPM"),
        (b"#define a_width 16\n#define a_height 16\n", Kind.UNREAD_PHOTO, "XBM"),
        (b"\0" * 128 + b"DICM\2\0", Kind.UNREAD_PHOTO, "DICOM"),
        (b"FORM\0\0\1\0ILBMBMHD", Kind.UNREAD_PHOTO, "IFF ILBM"),
        (b"\0\0\2" + b"\0" * 40, Kind.OTHER, ""),
        (b"\x0a is how this text begins, and no picture" * 9, Kind.OTHER, ""),
        (b"%PDF-1.7", Kind.OTHER, "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Kind.OTHER, "SVG"),
        (b"BM is how this letter begins, and no picture", Kind.OTHER, ""),
        (b"P6 is a road", Kind.PHOTO, "PNM"),
        (b"", Kind.EMPTY, ""),
    ],
)
def test_files_are_told_apart_by_their_first_bytes(data: bytes, kind: Kind, name: str) -> None:
    assert (sniff(data).kind, sniff(data).name) == (kind, name)


def test_a_tiff_is_raw_if_its_directories_say_so_and_a_photo_if_they_do_not(tmp_path: Path) -> None:
    (tmp_path / "scan.tif").write_bytes(raw_tiff())
    assert sniff_file(tmp_path / "scan.tif") == sniff(raw_tiff())
    assert sniff(raw_tiff()).kind is Kind.RAW
    assert sniff(tiff([PIXELS.tobytes()], *SIZE, [8] * 3)).kind is Kind.PHOTO
    nikon = tiff([b"\0" * 128], 8, 8, [16], compression=34713, photometric=1, more=[(271, 7, b"NIKON CORPORATION\0")])
    assert (sniff(nikon).kind, sniff(nikon).name) == (Kind.RAW, "Nikon NEF")


def test_a_tiff_that_leads_out_of_every_file_is_a_photo_that_fails() -> None:
    data = b"II+\0\x08\0\0\0" + b"\xff" * 8
    assert sniff(data).kind is Kind.PHOTO
    with pytest.raises(PhotoError, match="TIFF"):
        decode_bytes(data)


def test_what_is_no_photo_fails_by_what_it_is() -> None:
    for data, words in {
        b"\0\0\0\x18ftypmp42\0\0\0\0isommp42": "a video (MP4), and videos are not looked at",
        b"%PDF-1.7": "no photo, but PDF",
        b"\xff\x0a\0\0": "a picture of a format that is not read (JPEG XL): convert it to PNG",
    }.items():
        with pytest.raises(PhotoError) as caught:
            decode_bytes(data)
        assert caught.value.reason == words and not caught.value.retry


WITHOUT_RAW = """
import sys
sys.modules["rawpy"] = None  # as if it were not installed
from facesearch.vision.decode import EncodedPhoto, PhotoError, decode_encoded, decoder_name
assert "rawpy" not in decoder_name()
try:
    decode_encoded(EncodedPhoto(sys.stdin.buffer.read(), ""))
except PhotoError as error:
    assert "RAW file (DNG)" in error.reason and "pip install rawpy" in error.reason and error.retry, error.reason
else:
    raise AssertionError("was decoded")
"""


def test_raw_without_its_extra_names_the_extra_and_is_tried_again() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_RAW], input=raw_tiff(), check=True)


@pytest.mark.parametrize("turn", [1, 6])
def test_of_a_raw_file_the_cameras_own_preview_is_looked_at(turn: int) -> None:
    """A DNG as LibRaw reads it: a preview in the first directory, camera data in a sub-directory."""
    preview = encoded(scene(), "JPEG", quality=95)
    photo = decode_bytes(dng(preview, turn))
    stored = PIXELS if turn == 1 else PIXELS.transpose(1, 0, 2)[:, ::-1]
    assert differs(photo.rgb, stored) < 4
    assert photo.format == "RAW (DNG)"


def dng(preview: bytes, orientation: int) -> bytes:
    width, height = SIZE
    mosaic = (np.arange(64 * 64) % 4096).astype("<u2").tobytes()
    jpeg_at = 8
    mosaic_at = jpeg_at + len(preview) + len(preview) % 2
    first_at = mosaic_at + len(mosaic)
    long_values: list[bytes] = []

    def directory(at: int, tags: list[tuple[int, int, int, Any]]) -> bytes:
        entries, extra = b"", b""
        extra_at = at + 2 + 12 * len(tags) + 4
        for tag, kind, count, value in sorted(tags, key=lambda each: each[0]):
            raw = value if isinstance(value, bytes) else struct.pack("<I" if kind == 4 else "<H", value)
            if len(raw) > 4:
                field = struct.pack("<I", extra_at + len(extra))
                extra += raw + b"\0" * (len(raw) % 2)
            else:
                field = raw.ljust(4, b"\0")
            entries += struct.pack("<HHI", tag, kind, count) + field
        long_values.append(extra)
        return struct.pack("<H", len(tags)) + entries + b"\0\0\0\0" + extra

    def first(sub_at: int) -> bytes:
        return directory(first_at, [
            (254, 4, 1, 1), (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, struct.pack("<3H", 8, 8, 8)),
            (259, 3, 1, 7), (262, 3, 1, 6), (271, 2, 8, b"Testcam\0"), (272, 2, 6, b"Model\0"), (273, 4, 1, jpeg_at),
            (274, 3, 1, orientation), (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(preview)),
            (330, 4, 1, sub_at), (50706, 1, 4, b"\1\4\0\0"), (50708, 2, 8, b"Testcam\0"),
            (50721, 10, 9, struct.pack("<18i", *(v for n in (1, 0, 0, 0, 1, 0, 0, 0, 1) for v in (n, 1)))),
            (50728, 5, 3, struct.pack("<6I", 1, 1, 1, 1, 1, 1)),
        ])  # fmt: skip

    sub_at = first_at + len(first(0))
    sub = directory(sub_at, [
        (254, 4, 1, 0), (256, 4, 1, 64), (257, 4, 1, 64), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 32803),
        (273, 4, 1, mosaic_at), (277, 3, 1, 1), (278, 4, 1, 64), (279, 4, 1, len(mosaic)),
        (33421, 3, 2, struct.pack("<2H", 2, 2)), (33422, 1, 4, b"\0\1\1\2"),
    ])  # fmt: skip
    body = preview + b"\0" * (len(preview) % 2) + mosaic + first(sub_at) + sub
    return b"II*\0" + struct.pack("<I", first_at) + body


# All of it


def test_every_page_of_a_tiff_is_looked_at_and_the_rest_is_counted() -> None:
    pages = [scene(seed) for seed in range(5)]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    found = pictures(data)
    assert [each.page for each in found] == [1, 2, 3, 4, 5]
    assert all(differs(each.rgb, np.asarray(page)) == 0 for each, page in zip(found, pages, strict=True))
    limited = opened(data, max_pages=3)
    assert [each.page for each in limited.pictures()] == [1, 2, 3]  # type: ignore[union-attr]
    assert (limited.pages, limited.unlooked) == (5, 2)
    assert limited.unlooked_in_words == "2 of its 5 pages were not looked at"


@pytest.mark.parametrize("marked", [True, False])
def test_of_a_tiff_with_several_sizes_of_one_picture_the_largest_counts(marked: bool) -> None:
    small = scene().resize((40, 30))
    buffer = io.BytesIO()
    options: dict[str, Any] = {"tiffinfo": {254: 1}} if marked else {}
    small.save(buffer, "TIFF", **options)
    small_page = buffer.getvalue()
    both = encoded(small, "TIFF", save_all=True, append_images=[scene()], **options)
    if marked:  # Pillow marks both pages then
        assert len(pictures(small_page)) == 1
        return
    assert [(each.page, each.width) for each in pictures(both)] == [(2, 160)]


def test_pages_of_one_shape_that_show_different_things_are_all_looked_at() -> None:
    small = scene(5).resize((80, 60))
    data = encoded(small, "TIFF", save_all=True, append_images=[scene()])
    assert [each.page for each in pictures(data)] == [1, 2]


def frames(format: str, images: list[Image.Image], milliseconds: int) -> bytes:
    options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {}
    if format == "AVIF":
        options = {"quality": 80, "speed": 10}
    return encoded(images[0], format, save_all=True, append_images=images[1:], duration=milliseconds, **options)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_frames_about_a_second_apart_are_looked_at_and_the_others_counted(format: str) -> None:
    moving = [scene(0).transform(SIZE, Image.Transform.AFFINE, (1, 0, n, 0, 1, 0)) for n in range(30)]
    photo = opened(frames(format, moving, 100))
    found = [each for each in photo.pictures() if isinstance(each, DecodedPhoto)]
    times = [each.seconds or 0.0 for each in found]
    assert 3 <= len(found) <= 4
    assert all(0.9 <= after - before <= 1.1 for before, after in pairwise(times[:3]))
    assert (photo.pages, photo.unlooked) == (30, 30 - len(found))
    again = photo.picture(found[1].page)
    assert differs(again.rgb, found[1].rgb) == 0


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_a_short_animation_is_looked_at_scene_by_scene(format: str) -> None:
    blank = Image.new("RGB", SIZE)
    found = pictures(frames(format, [blank, scene()], 100))
    assert [each.page for each in found] == [1, 2]
    assert differs(found[1].rgb, PIXELS) < 8


@pytest.mark.slow
def test_of_a_long_animation_twenty_frames_at_most_are_looked_at() -> None:
    many = [scene(n).resize((40, 30)) for n in range(70)]
    photo = opened(frames("GIF", many, 1000))
    found = list(photo.pictures())
    assert len(found) == 20 and photo.unlooked == 50


def test_of_an_mpo_the_primary_and_the_stereo_views_are_looked_at() -> None:
    first, second = encoded(scene(), "JPEG", quality=95), encoded(scene(3), "JPEG", quality=95)
    found = pictures(mpo(first, [(0x020002, second)]))
    assert [each.page for each in found] == [1, 2]
    assert differs(found[1].rgb, np.asarray(scene(3))) < 4
    for kind in (0x010001, 0x010002):
        assert len(pictures(mpo(first, [(kind, second)]))) == 1
    gain = encoded(scene(3).convert("L"), "JPEG")
    assert len(pictures(mpo(first, [(0, gain)]))) == 1
    panorama = opened(mpo(first, [(0x020001, second)]))
    assert len(list(panorama.pictures())) == 1 and panorama.unlooked == 1
    stereo = pictures(encoded(scene(), "MPO", save_all=True, append_images=[scene(3)]))
    assert [each.page for each in stereo] == [1, 2], "a writer that does not tell which kind it is"


def test_a_thumbnail_is_a_photo_of_its_own_only_if_it_shows_something_else() -> None:
    photo = encoded(scene(), "JPEG", quality=95)

    def with_thumbnail(image: Image.Image) -> bytes:
        return with_segment(photo, jpeg_segment(0xE1, exif_block(encoded(image, "JPEG"))))

    small = scene().resize((80, 60))
    barred = Image.new("RGB", (80, 80))
    barred.paste(small, (0, 10))
    for same in (small, small.rotate(90, expand=True), small.point(lambda v: v // 2 + 60), barred, small.convert("L")):
        assert len(pictures(with_thumbnail(same))) == 1
    cropped = scene().crop((60, 40, 140, 100))
    blotted = small.copy()
    blotted.paste((0, 0, 0), (10, 10, 30, 34))  # somebody was painted over, and not in here
    for other in (scene(9).resize((80, 60)), cropped, blotted):
        found = pictures(with_thumbnail(other))
        assert [each.page for each in found] == [1, 2]
        assert found[1].notices == ("the thumbnail in the file, which shows something else than its picture",)


def test_a_turn_that_only_xmp_states_is_not_made_since_no_viewer_makes_it() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    jpeg = with_segment(encoded(scene(), "JPEG"), jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp))
    png = with_chunk(encoded(scene(), "PNG"), png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    for data in (jpeg, png, encoded(scene(), "WEBP", xmp=xmp), encoded(scene(), "AVIF", xmp=xmp)):
        assert decode_bytes(data).width == 160


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_an_alpha_of_zeros_is_opaque(format: str) -> None:
    image = scene().convert("RGBA")
    image.putalpha(0)
    options: dict[str, Any] = {"lossless": True, "exact": True} if format == "WEBP" else {}
    assert differs(decode_bytes(encoded(image, format, **options)).rgb, PIXELS) < 12


# As far as it goes


def cut_in_half(format: str, **options: Any) -> bytes:
    data = encoded(scene(), format, **options)
    return data[: len(data) * 6 // 10]


@pytest.mark.parametrize(
    ("format", "options"),
    [("JPEG", {"quality": 95}), ("PNG", {}), ("TIFF", {}), ("GIF", {"interlace": False}), ("BMP", {})],
)
@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_a_cut_photo_is_shown_as_far_as_it_goes(format: str, options: dict[str, Any], turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    if format in ("JPEG", "PNG", "TIFF"):
        options = {**options, "exif": exif}
    elif turn != 1:
        pytest.skip("carries no turn")
    photo = decode_bytes(cut_in_half(format, **options))
    assert photo.sound is not None and any("ends too early" in each for each in photo.notices)
    upright = {1: PIXELS, 3: PIXELS[::-1, ::-1], 6: PIXELS.transpose(1, 0, 2)[:, ::-1],
               8: PIXELS.transpose(1, 0, 2)[::-1]}[turn]  # fmt: skip
    part = upright[photo.sound.top : photo.sound.bottom, photo.sound.left : photo.sound.right]
    assert differs(photo.visible, part) < 9
    assert 0.3 < photo.visible.size / photo.rgb.size < 0.8


@pytest.mark.parametrize("format", ["WEBP", "AVIF", "HEIF", "JPEG2000", "PPM", "TGA", "PCX"])
def test_formats_that_show_nothing_of_a_cut_file_fail_by_that_reason(format: str) -> None:
    name = {"WEBP": "WebP", "HEIF": "HEIC", "JPEG2000": "JPEG 2000", "PPM": "PNM"}.get(format, format)
    with pytest.raises(PhotoError) as caught:
        decode_bytes(cut_in_half(format))
    assert caught.value.reason == f"damaged: the {name} data ends too early (truncated)"


def test_gray_at_the_bottom_of_a_whole_photo_is_no_damage() -> None:
    image = scene()
    image.paste((128, 128, 128), (0, 60, 160, 120))
    for data in (encoded(image, "JPEG", quality=95), encoded(Image.new("RGB", SIZE, (128, 128, 128)), "JPEG")):
        photo = decode_bytes(data)
        assert photo.sound is None and photo.notices == ()


def test_libraries_write_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    fax = encoded(scene().convert("1"), "TIFF", compression="group4")
    damaged = bytearray(fax)
    damaged[len(fax) // 3] ^= 0xFF
    lzw = bytearray(encoded(scene(), "TIFF", compression="tiff_lzw"))
    lzw[100] ^= 0xFF
    for data in (bytes(damaged), bytes(lzw), fax):
        try:
            decode_bytes(data)
        except PhotoError:
            continue
    os.write(1, b"")
    assert capfd.readouterr() == ("", "")
