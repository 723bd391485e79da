"""When and with what a photo was taken: what real cameras write, and what broken EXIF must not do."""

import io
import struct
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facesearch.vision.decode import DecodedPhoto, decode_photo
from tests.support.photos import decode_bytes

MAKE, MODEL, ORIENTATION, DATE_TIME, EXIF_IFD, ORIGINAL, DIGITIZED = (
    0x010F, 0x0110, 0x0112, 0x0132, 0x8769, 0x9003, 0x9004
)  # fmt: skip
MOMENT = datetime(2019, 7, 4, 12, 30, 59)


def exif(make: Any = None, model: Any = None, original: Any = None, **others: Any) -> Image.Exif:
    """An EXIF block as Pillow writes it."""
    block = Image.Exif()
    for tag, value in ((MAKE, make), (MODEL, model), (DATE_TIME, others.get("changed"))):
        if value is not None:
            block[tag] = value
    inner = block.get_ifd(EXIF_IFD)
    for tag, value in ((ORIGINAL, original), (DIGITIZED, others.get("digitized"))):
        if value is not None:
            inner[tag] = value
    return block


def encoded(block: Image.Exif | bytes | None, format: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    # Given as an object Pillow leaves the inner block out of a TIFF.
    options = {} if block is None else {"exif": block if isinstance(block, bytes) else block.tobytes()}
    Image.new("RGB", (24, 16), (200, 100, 50)).save(buffer, format, **options)
    return buffer.getvalue()


def decoded(block: Image.Exif | bytes | None, format: str = "JPEG") -> DecodedPhoto:
    return decode_bytes(encoded(block, format))


def raw(*tags: tuple[int, int, int, bytes], inner: tuple[tuple[int, int, int, bytes], ...] = ()) -> bytes:
    """An EXIF block byte by byte: tag, type, count and bytes of each entry, of the first IFD and of the inner one."""

    def ifd(entries: list[tuple[int, int, int, bytes]], start: int) -> bytes:
        data_start = start + 2 + 12 * len(entries) + 4
        head, data = struct.pack("<H", len(entries)), b""
        for tag, kind, count, value in entries:
            place = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", data_start + len(data))
            head += struct.pack("<HHI", tag, kind, count) + place
            data += value if len(value) > 4 else b""
        return head + struct.pack("<I", 0) + data

    first = [*tags, (EXIF_IFD, 4, 1, b"\0\0\0\0")]
    after = 8 + len(ifd(first, 8))
    first[-1] = (EXIF_IFD, 4, 1, struct.pack("<I", after))
    return b"Exif\0\0II*\0\x08\0\0\0" + ifd(first, 8) + ifd(list(inner), after)


def ascii_tag(tag: int, value: bytes) -> tuple[int, int, int, bytes]:
    return tag, 2, len(value), value


# What cameras write


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "MPO"])
def test_every_format_that_carries_exif_says_when_and_with_what(tmp_path: Path, format: str) -> None:
    (tmp_path / "photo").write_bytes(encoded(exif("Canon", "Canon EOS 80D", "2019:07:04 12:30:59"), format))
    photo = decode_photo(tmp_path / "photo")
    assert (photo.taken, photo.camera) == (MOMENT, "Canon EOS 80D")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "BMP", "GIF"])
def test_a_photo_without_exif_says_nothing(tmp_path: Path, format: str) -> None:
    (tmp_path / "photo").write_bytes(encoded(None, format))
    photo = decode_photo(tmp_path / "photo")
    assert (photo.taken, photo.camera) == (None, "")


def test_a_png_with_exif_behind_the_picture_says_it_too(tmp_path: Path) -> None:
    block = exif("Canon", "Canon EOS 80D", "2019:07:04 12:30:59").tobytes().removeprefix(b"Exif\0\0")
    plain = encoded(None, "PNG")
    end = plain.index(b"IEND") - 4
    chunk = struct.pack(">I", len(block)) + b"eXIf" + block + struct.pack(">I", zlib.crc32(b"eXIf" + block))
    (tmp_path / "late.png").write_bytes(plain[:end] + chunk + plain[end:])
    photo = decode_photo(tmp_path / "late.png")
    assert (photo.taken, photo.camera) == (MOMENT, "Canon EOS 80D")


def test_a_turned_photo_is_turned_and_says_when_it_was_taken() -> None:
    for format in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"):
        block = exif("Canon", "EOS", "2019:07:04 12:30:59")
        block[ORIENTATION] = 6
        photo = decoded(block, format)
        assert (photo.width, photo.height, photo.taken, photo.camera) == (16, 24, MOMENT, "Canon EOS"), format


def test_when_the_file_was_changed_or_a_print_scanned_is_not_when_it_was_taken() -> None:
    block = exif("Canon", "EOS", changed="2020:01:01 00:00:00", digitized="2020:01:01 00:00:00")
    assert decoded(block).taken is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2019:07:04 12:30:59", MOMENT),
        ("2019-07-04 12:30:59", MOMENT),
        ("2019/07/04T12:30:59+02:00", MOMENT),
        ("2019:07:04 12:30:59.250", MOMENT),
        ("  2019:7:4  12:30:59", MOMENT),
        ("2019:07:04 12:30", datetime(2019, 7, 4, 12, 30)),
        ("2019:07:04", datetime(2019, 7, 4)),
        ("2019:07:04 24:00:00", datetime(2019, 7, 4)),
        ("2019:07:04 12:30:60", datetime(2019, 7, 4)),
        ("2019:07:04   :  :  ", datetime(2019, 7, 4)),
        ("1970:01:01 00:00:00", datetime(1970, 1, 1)),
    ],
)
def test_a_date_is_read_as_cameras_and_programs_write_it(text: str, moment: datetime) -> None:
    assert decoded(exif(original=text)).taken == moment


@pytest.mark.parametrize(
    "text",
    [
        "0000:00:00 00:00:00", "    :  :     :  :  ", "2019:13:01 00:00:00", "2019:02:29 12:00:00", "2019:00:10 10:00",
        "0001:01:01 00:00:00", "1825:12:31 00:00:00", "2019:07:041 00:00:00", "yesterday", "", "2019", "20190704123059",
        "-2019:07:04", "99999:01:01", "\u0662\u0660\u0661\u0669:07:04 12:30:59",
    ],
)  # fmt: skip
def test_a_date_that_makes_no_sense_is_none(text: str) -> None:
    block = raw(ascii_tag(MAKE, b"Canon\0"), inner=(ascii_tag(ORIGINAL, text.encode() + b"\0"),))
    photo = decoded(block)
    assert (photo.taken, photo.camera) == (None, "Canon")


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 80D", "Canon EOS 80D"),
        ("NIKON CORPORATION", "NIKON D750", "NIKON D750"),
        ("EASTMAN KODAK COMPANY", "KODAK DX6490", "KODAK DX6490"),
        ("samsung", "SAMSUNG SM-G960F", "SAMSUNG SM-G960F"),
        ("Apple", "iPhone 12", "Apple iPhone 12"),
        ("SONY", "ILCE-7M3", "SONY ILCE-7M3"),
        ("Canon", "Canon", "Canon"),
        ("Canon", "", "Canon"),
        ("", "EOS 80D", "EOS 80D"),
        ("  FUJIFILM  ", "X-T3\t ", "FUJIFILM X-T3"),
        ("OLYMPUS   IMAGING  CORP.", "E-M10", "OLYMPUS IMAGING CORP. E-M10"),
    ],
)
def test_the_camera_is_make_and_model_with_the_make_once(make: str, model: str, camera: str) -> None:
    block = raw(ascii_tag(MAKE, make.encode() + b"\0"), ascii_tag(MODEL, model.encode() + b"\0"))
    assert decoded(block).camera == camera


# What is broken


@pytest.mark.parametrize(
    ("value", "camera"),
    [
        (b"Canon\0\0\0\0\0\0", "Canon"),
        (b"Canon\0rest of an older name", "Canon"),
        (b"\0\0Canon\0", "Canon"),
        (b"\x01Ca\x1bnon\x7f\n", "Ca non"),
        ("ФЭД 5".encode(), "ФЭД 5"),
        (b"Caf\xe9", "Café"),
        ("Ca\u202enon".encode(), "Ca non"),
        (b"   ", ""),
        (b"\0\0\0\0", ""),
        (b"x" * 60_000, "x" * 64),
    ],
)
def test_what_fills_or_breaks_a_name_is_taken_away(value: bytes, camera: str) -> None:
    assert decoded(raw(ascii_tag(MODEL, value))).camera == camera


@pytest.mark.parametrize("kind", range(14))
def test_tags_of_a_wrong_type_are_never_a_failure(kind: int) -> None:
    text = b"2019:07:04 12:30:59\0...."
    block = raw((MAKE, kind, 3, text), (MODEL, kind, 3, text), inner=((ORIGINAL, kind, 3, text),))
    photo = decoded(block)
    assert photo.taken is None
    assert "\0" not in photo.camera


def test_a_text_stored_as_bytes_is_read() -> None:
    date = b"2019:07:04 12:30:59\0"
    photo = decoded(raw((MODEL, 7, 6, b"EOS 80D"[:6]), inner=((ORIGINAL, 7, len(date), date),)))
    assert (photo.taken, photo.camera) == (MOMENT, "EOS 80")


def test_a_broken_inner_block_costs_the_date_only() -> None:
    block = bytearray(raw(ascii_tag(MAKE, b"Canon\0"), inner=(ascii_tag(ORIGINAL, b"2019:07:04 12:30:59\0"),)))
    place = block.index(struct.pack("<HHI", EXIF_IFD, 4, 1)) + 8
    block[place : place + 4] = b"\xff\xff\xff\x7f"
    photo = decoded(bytes(block))
    assert (photo.taken, photo.camera) == (None, "Canon")


@pytest.mark.parametrize(
    "block", [b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0" + b"\xff" * 40, b"\0" * 20, b"Exif\0\0MM"]
)
def test_a_block_that_is_none_says_nothing(block: bytes) -> None:
    photo = decoded(block)
    assert (photo.taken, photo.camera) == (None, "")


GOOD = raw(
    ascii_tag(MAKE, b"Canon\0"), ascii_tag(MODEL, b"EOS 80D\0"), inner=(ascii_tag(ORIGINAL, b"2019:07:04 12:30:59\0"),)
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    format=st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"]),
    places=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=8),
    end=st.integers(0, len(GOOD)),
)
def test_whatever_stands_in_the_block_the_photo_decodes_and_what_is_said_is_clean(
    format: str, places: list[tuple[int, int]], end: int
) -> None:
    block = bytearray(GOOD)
    for place, value in places:
        block[place] = value
    try:
        data = encoded(bytes(block[:end]), format)
    except Exception:
        return  # Pillow refuses to write it
    photo = decode_bytes(data)
    assert photo.taken is None or photo.taken.tzinfo is None
    assert photo.camera == " ".join(photo.camera.split()) and photo.camera.isprintable() and len(photo.camera) <= 130
