"""From the samples of a page to sRGB, whatever colours they are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from facesearch.vision.decoding import colour
from facesearch.vision.decoding.colour import ColourSpace, Pixels
from facesearch.vision.decoding.pixels import (
    PROFILE,
    SHORT_PALETTE,
    Drawn,
    colour_pixels,
    deep_gray,
    drawn,
    gray_pixels,
    over_white,
    used_range,
)
from facesearch.vision.decoding.tiff import tags
from facesearch.vision.decoding.tiff.page import ICC_LAB, INK, LAB, PALETTE, RGB, WHITE_IS_ZERO, Page

CHANNELS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3, 9: 3}
"""How many samples the colours take, by photometric interpretation."""


def colours_of(page: Page, values: npt.NDArray[np.generic]) -> Drawn:
    """values: [H, W, samples]. Raises `PhotoError`."""
    channels = CHANNELS[page.photometric]
    top = float((1 << page.bits) - 1) if page.format != 3 else 1.0
    if page.format == 2 and page.photometric not in (LAB, ICC_LAB):  # signed
        values, top = _unsigned(page, values, top)
    space = None if page.icc is None else colour.of_profile(page.icc)
    notice = ""
    if page.photometric == PALETTE:
        base, notice = _by_palette(page, values[..., 0])
    elif channels == 1:
        base = _gray(page, values[..., 0], top, space)
    elif page.photometric == RGB:
        base = _rgb(page, values[..., :3], top, space)
    elif page.photometric == INK:
        base = _ink(page, values[..., :4], top)
    else:
        base = _lab(page, values[..., :3])
    if len(page.extra) and page.samples > channels and page.extra[0] in (1, 2):
        base = _with_alpha(page, base, values[..., channels], top)
    return Drawn(base).noting(notice, "" if _profile_is_usable(page) else PROFILE)


def _profile_is_usable(page: Page) -> bool:
    mode = {INK: "CMYK", LAB: "LAB", ICC_LAB: "LAB"}.get(page.photometric, "RGB")
    return page.icc is None or colour.profile_is_usable(page.icc, mode)


def _unsigned(page: Page, values: npt.NDArray[np.generic], top: float) -> tuple[npt.NDArray[np.generic], float]:
    """Signed samples as from 0 on, and their white. Those of 8 bits are bytes by another name to every viewer."""
    if page.bits == 8:
        return values.view(np.uint8), top
    numbers = values.astype(np.float32)
    if float(numbers.min(initial=0)) >= 0:
        return numbers, (top - 1) / 2
    return numbers - numbers.min(), float(numbers.max() - numbers.min()) or 1.0


def _gray(page: Page, gray: npt.NDArray[np.generic], top: float, space: ColourSpace | None) -> Pixels:
    if page.photometric == WHITE_IS_ZERO:
        numbers = gray.astype(np.float64 if page.format == 3 or page.bits > 16 else np.int32)
        gray = np.subtract(numbers.max() if page.format == 3 else top, numbers).astype(gray.dtype)
    space = space if page.icc is not None and page.icc[16:20] == b"GRAY" else None
    if page.format == 3 or (page.bits == 32 and page.format != 2):
        return deep_gray(gray, space)
    return gray_pixels(gray.astype(np.uint16) if page.bits <= 16 else gray, top, space)


def _rgb(page: Page, values: npt.NDArray[np.generic], top: float, space: ColourSpace | None) -> Pixels:
    if page.icc is not None and page.icc[16:20] != b"RGB ":
        space = None
    if page.format == 3:
        floats = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
        low, high = used_range(floats)
        high = max(high, low + 1e-12)
        # Floats above 1 that are no numbers of bytes are light brighter than white.
        if low >= 0 and 1 < high < 100:
            return (space or colour.linear()).convert(np.clip(floats, 0, 1), 1.0)
        return colour_pixels(np.clip((floats - low) / (high - low), 0, 1), 1.0, space)
    if page.bits <= 8:
        flat = Image.fromarray(_to_eight_bits(values, top))
        if page.icc is not None:
            converted = colour.by_profile(flat, page.icc)
            flat = flat if converted is None else converted
        return np.asarray(flat)
    if space is None and page.icc is not None and page.icc[16:20] == b"RGB ":
        converted = colour.by_profile(Image.fromarray(_to_eight_bits(values, top)), page.icc)
        if converted is not None:
            return np.asarray(converted)
    return colour_pixels(values, top, space)


def _by_palette(page: Page, values: npt.NDArray[np.generic]) -> tuple[Pixels, str]:
    """With a notice where it lacks colours."""
    colours = np.array(page.directory.numbers(tags.PALETTE), np.uint32)
    count = len(colours) // 3
    if count == 0 or page.bits > 16:
        raise page.refused("no palette")
    scale = 257 if colours.max() > 255 else 1  # some writers keep bytes in it
    table = (colours[: count * 3].reshape(3, count).T // scale).astype(np.uint8)
    chosen = values.astype(np.uint32)
    notice = SHORT_PALETTE if int(chosen.max(initial=0)) >= count else ""
    return np.asarray(table[np.minimum(chosen, count - 1)], np.uint8), notice


def _ink(page: Page, values: npt.NDArray[np.generic], top: float) -> Pixels:
    if page.format == 3 or page.directory.number(tags.INKS, 1) != 1:
        raise page.refused()
    eight = _to_eight_bits(values, top).tobytes()
    image = Image.frombuffer("CMYK", (page.width, page.height), eight, "raw", "CMYK", 0, 1)
    if page.icc is not None:
        image.info["icc_profile"] = page.icc
    return drawn(image).rgb


def _lab(page: Page, values: npt.NDArray[np.generic]) -> Pixels:
    """a and b are signed in CIE's, with an offset in ICC's."""
    if page.format == 3 or page.bits not in (8, 16):
        raise page.refused()
    lab = ((values.astype(np.int64) >> (page.bits - 8)) & 0xFF).astype(np.uint8)
    if page.photometric == ICC_LAB:
        lab[..., 1:] ^= 0x80
    return drawn(Image.frombuffer("LAB", (page.width, page.height), lab.tobytes(), "raw", "LAB", 0, 1)).rgb


def _with_alpha(page: Page, base: Pixels, alpha: npt.NDArray[np.generic], top: float) -> Pixels:
    if page.format == 3:
        top = 1.0 if float(np.nan_to_num(alpha).max(initial=0)) <= 1 else top
    cover = _to_eight_bits(np.nan_to_num(alpha), top)
    if not cover.any():
        return base
    if page.extra[0] == 1:  # the colours are multiplied by it
        rest = 255 - cover.astype(np.uint16)[..., None]
        return np.asarray(np.minimum(base + rest, 255), np.uint8)
    return np.asarray(over_white(Image.fromarray(base), Image.fromarray(cover)))


def _to_eight_bits(values: npt.NDArray[np.generic], top: float) -> Pixels:
    if values.dtype == np.uint8 and top == 255:
        return np.ascontiguousarray(values)
    out = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), 256):
        part = values[start : start + 256].astype(np.float32)
        out[start : start + 256] = np.clip(part * np.float32(255.0 / top) + 0.5, 0, 255)
    return out
