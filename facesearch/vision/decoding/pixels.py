"""From what decoders give (Pillow's modes, numbers of any depth) to uint8 sRGB, laid over white."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from facesearch.vision.decoding import colour
from facesearch.vision.decoding.colour import HDR_NOTICE, ColourSpace, Pixels
from facesearch.vision.decoding.pillow import open_as


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a picture: left, top, right and bottom in pixels, the latter two just outside."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One picture as its file stores it, not turned yet.

    rgb: uint8 sRGB [H, W, 3]. orientation: EXIF's, 1 to 8. sound: the part that the file holds, None for all of it; the
    rest is filled in. notices: clauses that read well after the photo's name and a colon.
    """

    rgb: Pixels
    orientation: int = 1
    sound: Rectangle | None = None
    notices: tuple[str, ...] = ()

    def noting(self, *notices: str) -> Drawn:
        """The same with more notices."""
        return replace(self, notices=tuple(dict.fromkeys((*self.notices, *filter(None, notices)))))


FILLED = 128
"""What stands where pixels are missing: flat, so that it shows nothing."""
PROFILE = "its colour profile cannot be used: its colours may be wrong"
SHORT_PALETTE = "its palette is too short: some of its colours may be wrong"


def as_far_as_there(shown: Drawn, missing: Sequence[Rectangle], notice: str) -> Drawn:
    """The same with these parts filled in, and with this notice if there are any. Rows at the top and at the bottom of
    which nothing is there are none of its sound part."""
    if not missing:
        return shown
    height, width = shown.rgb.shape[:2]
    gone = np.zeros((height, width), bool)
    for each in missing:
        gone[each.top : each.bottom, each.left : each.right] = True
    rows = np.flatnonzero(~gone.all(axis=1))
    if not gone.any() or not len(rows):
        return shown.noting(notice)
    rgb = shown.rgb.copy()
    rgb[gone] = FILLED
    first, last = int(rows[0]), int(rows[-1]) + 1
    sound = Rectangle(0, first, width, last) if last - first < height else None
    return replace(shown, rgb=rgb, sound=sound).noting(notice)


def drawn(image: Image.Image, space: ColourSpace | None = None, *, orientation: int = 1) -> Drawn:
    """A picture that Pillow has loaded. space: what its numbers mean where the file says so elsewhere than in a
    profile; it counts before the profile."""
    notices: tuple[str, ...] = ()
    profile = image.info.get("icc_profile")
    known = space
    if known is None and isinstance(profile, bytes):
        known = colour.of_profile(profile)
    if known is not None and known.is_hdr and image.mode != "CMYK":
        notices = (HDR_NOTICE,)
    elif space is None and isinstance(profile, bytes) and not colour.profile_is_usable(profile, image.mode):
        notices = (PROFILE,)
    return Drawn(_to_rgb(image, space), orientation, None, notices)


def _to_rgb(image: Image.Image, space: ColourSpace | None) -> Pixels:
    profile = image.info.get("icc_profile")
    profile = profile if isinstance(profile, bytes) else None
    if image.mode.startswith("I;16"):
        return gray_pixels(np.asarray(image).astype(np.uint16), 65535.0, _space_of(profile, space, "L"))
    if image.mode in ("I", "F"):
        return deep_gray(np.asarray(image), _space_of(profile, space, "L"))
    if image.mode in ("CMYK", "LAB"):
        return np.asarray(_from_ink(image, profile))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        alpha = rgba.getchannel("A")
        colours = _in_srgb(rgba.convert("RGB") if image.mode != "LA" else image.getchannel("L"), profile, space)
        return np.asarray(over_white(colours, alpha))
    flat = image if image.mode in ("RGB", "L") else image.convert("L" if image.mode == "1" else "RGB")
    return np.asarray(_in_srgb(flat, profile, space))


def over_white(colours: Image.Image, alpha: Image.Image) -> Image.Image:
    """RGB over white. Where nothing at all is opaque, the writer forgot to fill alpha in, and viewers ignore it."""
    if alpha.getextrema() == (0, 0):
        return colours
    white = Image.new("RGB", colours.size, "white")
    white.paste(colours, mask=alpha)
    return white


def _space_of(profile: bytes | None, space: ColourSpace | None, mode: str) -> ColourSpace | None:
    if space is None and profile is not None and colour.profile_fits(profile, mode):
        space = colour.of_profile(profile)
    return None if space is None or space.is_srgb else space


def _in_srgb(image: Image.Image, profile: bytes | None, space: ColourSpace | None) -> Image.Image:
    """image: L or RGB."""
    if space is not None:
        if space.is_srgb:
            return image.convert("RGB")
        return Image.fromarray(space.convert(np.asarray(image), 255.0))
    if profile is not None:
        if colour.profile_fits(profile, "L") and _is_gray(image):  # made of a palette or of gray with alpha
            image = image.convert("L")
        converted = colour.by_profile(image, profile)
        if converted is None and image.mode == "L" and colour.profile_fits(profile, "RGB"):
            converted = colour.by_profile(image.convert("RGB"), profile)
        if converted is not None:
            return converted
    return image.convert("RGB")


def _is_gray(image: Image.Image) -> bool:
    values = np.asarray(image)
    return values.ndim == 2 or bool((values == values[..., :1]).all())


def _from_ink(image: Image.Image, profile: bytes | None) -> Image.Image:
    """CMYK by the profile that came with it (skin turns green or orange without), LAB by its definition."""
    converted = None
    if image.mode == "LAB":
        try:
            lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        except (OSError, ImageCms.PyCMSError):
            converted = None
    elif profile is not None:
        converted = colour.by_profile(image, profile)
    return converted if converted is not None else image.convert("RGB")


def gray_pixels(values: npt.NDArray[np.generic], top: float, space: ColourSpace | None) -> Pixels:
    """Gray [H, W] of 0..top."""
    if space is not None and not space.is_srgb:
        return space.convert(values, top)
    return _scaled(values, 0.0, top)[..., None].repeat(3, axis=2)


def deep_gray(values: npt.NDArray[np.generic], space: ColourSpace | None = None) -> Pixels:
    """Gray of 32 bits or of floats, scaled from the range that is used."""
    floats = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    low, high = used_range(floats)
    return gray_pixels(np.clip((floats - low) / max(high - low, 1e-12), 0, 1), 1.0, space)


def load_as(data: bytes, name: str) -> Image.Image | None:
    """What Pillow makes of the data in this format; None where it stumbles. Raises MemoryError."""
    try:
        image = open_as(data, name)
        image.load()
    except MemoryError:
        raise
    except Exception:
        return None
    return image


_SAMPLED, _ODD = 1_000_000, 0.001  # values that are looked at, and the share of them that may be odd


def used_range(values: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Floats mostly come as 0..1 and integers as 0..255 or 0..65535; anything else is stretched. A few values beyond,
    by rounding or for want of data, say nothing about the others."""
    few = values.ravel()[:: max(1, values.size // _SAMPLED)]
    low, high = (float(each) for each in np.quantile(few, (_ODD, 1 - _ODD))) if values.size else (0.0, 1.0)
    if low >= 0.0:
        for top in (1.0, 255.0, 65535.0):
            if high <= top:
                return 0.0, top
    return low, high


def _scaled(values: npt.NDArray[np.generic], low: float, high: float) -> Pixels:
    out = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), 256):
        part = values[start : start + 256].astype(np.float32)
        out[start : start + 256] = np.clip((part - low) * (255.0 / max(high - low, 1e-12)) + 0.5, 0, 255)
    return out


def colour_pixels(values: npt.NDArray[np.generic], top: float, space: ColourSpace | None) -> Pixels:
    """RGB [H, W, 3] of 0..top."""
    if space is not None and not space.is_srgb:
        return space.convert(values, top)
    return values if values.dtype == np.uint8 and top == 255 else _scaled(values, 0.0, top)  # type: ignore[return-value]
