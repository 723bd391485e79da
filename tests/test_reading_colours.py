"""Colours as the file means them: profiles, code points, deep and bright pictures."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesearch.vision.decoding.colour import HDR_NOTICE
from tests.support.odd_files import (
    ADOBE,
    LINEAR,
    P3,
    PROPHOTO,
    SIZE,
    SRGB,
    SRGB_CURVE,
    as_seen_in,
    deep_png,
    encoded,
    exif_block,
    gamma_curve,
    jpeg_segment,
    light_of,
    png_chunk,
    profile,
    scene,
    tiff,
    with_chunk,
    with_segment,
)
from tests.support.photos import decode_bytes, differs
from tests.support.reading import PIXELS

# As it is meant


def as_png(rgb: np.ndarray, icc: bytes) -> bytes:
    return encoded(Image.fromarray(rgb), "PNG", icc_profile=icc)


SPACES: dict[str, tuple[Any, float, bytes]] = {
    "Display P3": (P3, 2.2, gamma_curve(2.2)),
    "Adobe RGB": (ADOBE, 563 / 256, gamma_curve(563 / 256)),
    "ProPhoto": (PROPHOTO, 1.8, gamma_curve(1.8)),
}


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "AVIF", "HEIF", "JPEG", "JPEG2000"])
def test_colours_of_a_profile_are_those_of_the_srgb_file(space: str, format: str) -> None:
    columns, gamma, curve = SPACES[space]
    numbers = np.round(as_seen_in(PIXELS, columns, gamma)).astype(np.uint8)
    options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {"quality": 100}
    if format == "JPEG2000":
        data = jp2_with(encoded(Image.fromarray(numbers), format), b"\2\0\0" + profile(columns, curve))
    else:
        data = encoded(Image.fromarray(numbers), format, icc_profile=profile(columns, curve), **options)
    assert differs(decode_bytes(data).rgb, PIXELS) < (1.2 if format in ("PNG", "TIFF", "WEBP", "JPEG2000") else 5)
    assert differs(numbers, PIXELS) > 3, "the test would not see a profile ignored"


def jp2_with(data: bytes, specification: bytes) -> bytes:
    """A JP2 with another colour specification."""
    head, at = data.find(b"jp2h"), data.find(b"colr")
    (whole,), (size,) = struct.unpack_from(">I", data, head - 4), struct.unpack_from(">I", data, at - 4)
    box = struct.pack(">I", 8 + len(specification)) + b"colr" + specification
    grown = struct.pack(">I", whole - size + len(box))
    return data[: head - 4] + grown + data[head : at - 4] + box + data[at - 4 + size :]


def test_colours_of_a_jpeg_2000_that_are_not_known_are_said() -> None:
    data = jp2_with(encoded(scene(), "JPEG2000"), b"\1\0\0" + struct.pack(">I", 21))
    assert decode_bytes(data).notices == ("its colour profile cannot be used: its colours may be wrong",)


def test_gray_profiles_and_srgb_profiles() -> None:
    gray = np.asarray(scene().convert("L"))
    numbers = np.round(light_of(gray) ** (1 / 1.8) * 255).astype(np.uint8)
    data = as_png(numbers, profile((), gamma_curve(1.8), space=b"GRAY"))
    assert differs(decode_bytes(data).rgb[..., 0], gray) < 1
    assert differs(decode_bytes(as_png(PIXELS, profile(SRGB, SRGB_CURVE))).rgb, PIXELS) == 0


@pytest.mark.parametrize("linear_light", ["PNG by profile", "PNG by gAMA", "PNG by cICP", "TIFF"])
def test_linear_pictures_of_sixteen_bits_keep_their_shadows(linear_light: str) -> None:
    dark = PIXELS // 8
    numbers = np.round(light_of(dark) * 65535).astype(np.uint16)
    icc = profile(SRGB, LINEAR)
    data = {
        "PNG by profile": deep_png(numbers, png_chunk(b"iCCP", b"linear\0\0" + zlib.compress(icc))),
        "PNG by gAMA": deep_png(numbers, png_chunk(b"gAMA", struct.pack(">I", 100_000))),
        "PNG by cICP": deep_png(numbers, png_chunk(b"cICP", bytes([1, 8, 0, 1]))),
        "TIFF": tiff([numbers.astype("<u2").tobytes()], *SIZE, [16] * 3, more=[(34675, 7, icc)]),
    }[linear_light]
    assert differs(decode_bytes(data).rgb, dark) < 0.6


def test_code_points_of_png_and_avif_are_heeded() -> None:
    wide = np.round(as_seen_in(PIXELS, P3, 2.4) * 0 + light_p3(PIXELS)).astype(np.uint8)
    png = with_chunk(encoded(Image.fromarray(wide), "PNG"), png_chunk(b"cICP", bytes([12, 13, 0, 1])))
    assert differs(decode_bytes(png).rgb, PIXELS) < 1
    avif = with_nclx(encoded(Image.fromarray(wide), "AVIF", quality=100), 12, 13)
    assert differs(decode_bytes(avif).rgb, PIXELS) < 3


def light_p3(rgb: np.ndarray) -> np.ndarray:
    """Display P3 with sRGB's curve, 0..255."""
    light = as_seen_in(rgb, P3, 1.0, top=1)
    return np.asarray(np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255)


def with_nclx(avif: bytes, primaries: int, transfer: int) -> bytes:
    at = avif.find(b"colrnclx")
    assert at > 0
    return avif[: at + 8] + struct.pack(">HH", primaries, transfer) + avif[at + 12 :]


@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("format", ["PNG", "AVIF"])
def test_high_dynamic_range_is_made_visible_with_a_notice(transfer: int, format: str) -> None:
    light = light_of(PIXELS)  # of white, which is 203 nits
    if transfer == 16:
        power = (light * 203 / 10_000) ** 0.1593017578125
        numbers = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    else:
        scene_light = np.maximum(light * 0.203, 1e-9)
        luminance = scene_light @ np.array([0.2126, 0.7152, 0.0722])
        scene_light = scene_light * (luminance[..., None] ** (1 / 1.2 - 1))
        curve = 0.17883277 * np.log(np.maximum(12 * scene_light - 0.28466892, 1e-9)) + 0.55991073
        numbers = np.where(scene_light <= 1 / 12, np.sqrt(3 * scene_light), curve)
    stored = Image.fromarray(np.clip(np.round(numbers * 255), 0, 255).astype(np.uint8))
    if format == "PNG":
        data = with_chunk(encoded(stored, "PNG"), png_chunk(b"cICP", bytes([1, transfer, 0, 1])))
    else:
        data = with_nclx(encoded(stored, "AVIF", quality=100), 1, transfer)
    photo = decode_bytes(data)
    assert HDR_NOTICE in photo.notices
    usual = PIXELS.max(axis=2) < 190  # brighter tones are bent
    assert np.abs(photo.rgb[usual].astype(int) - PIXELS[usual]).mean() < 8
    assert np.abs(photo.rgb.astype(int) - PIXELS).mean() < 16


def test_a_camera_that_states_adobe_rgb_by_exif_alone_is_believed() -> None:
    numbers = Image.fromarray(np.round(as_seen_in(PIXELS, ADOBE, 563 / 256)).astype(np.uint8))
    data = encoded(numbers, "JPEG", quality=100, subsampling=0)
    details = struct.pack("<H", 1) + struct.pack("<HHII", 0xA001, 3, 1, 2) + b"\0\0\0\0"
    block = exif_block(more=[(0x8769, 4, 1, 8 + 2 + 24 + 4)]) + details
    assert differs(decode_bytes(with_segment(data, jpeg_segment(0xE1, block))).rgb, PIXELS) < 2.5


@pytest.mark.slow
def test_answers_are_those_of_the_srgb_file(gallery: Path, tmp_path: Path) -> None:
    """The real network, on one portrait in several colour spaces."""
    from db.values.scoring_model import calibrate
    from facesearch.network.checkpoint import load_checkpoint
    from facesearch.network.scorer import Scorer
    from facesearch.search.probe import look
    from facesearch.vision.detection import YuNet

    network, detector = load_checkpoint(), YuNet(None)
    scorer = Scorer(network, "cpu")
    rgb = np.asarray(Image.open(gallery / "man-stubble.jpg").convert("RGB"))
    light = np.round(light_of(rgb) * 65535).astype(np.uint16)

    def numbers(columns: Any, gamma: float) -> Image.Image:
        return Image.fromarray(np.round(as_seen_in(rgb, columns, gamma)).astype(np.uint8))

    files = {
        "sRGB": encoded(Image.fromarray(rgb), "PNG"),
        "no profile": encoded(numbers(PROPHOTO, 1.8), "PNG"),
        "linear": deep_png(light, png_chunk(b"iCCP", b"l\0\0" + zlib.compress(profile(SRGB, LINEAR)))),
    }
    for name, (columns, gamma, curve) in SPACES.items():
        files[name] = encoded(numbers(columns, gamma), "PNG", icc_profile=profile(columns, curve))
    answers = {}
    for name, data in files.items():
        (tmp_path / f"{name}.png").write_bytes(data)
        probe = look(tmp_path / f"{name}.png", detector)
        logits = probe.logits(probe.faces[:1], scorer)
        answers[name] = calibrate(logits, network.calibration_scale, network.calibration_bias)[0]
    off = {name: float(np.abs(each - answers["sRGB"]).mean()) for name, each in answers.items()}
    assert off.pop("no profile") > 0.005
    assert all(each < 0.002 for each in off.values()), off
