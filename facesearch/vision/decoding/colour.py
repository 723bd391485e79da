"""Into sRGB, whatever colours a file says its numbers mean: an ICC profile, or code points (cICP, nclx, gAMA).

An ICC profile made of three curves and a matrix is computed here, so that deep pictures lose nothing; all others, and
those of 8 bits, go through LittleCMS. Sources: ICC.1:2022 (matrix/TRC and gray profiles, 'curv', 'para'), ITU-T H.273
(code points), ITU-R BT.2100 (PQ and HLG), IEC 61966-2-1 (sRGB).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
Curve = Callable[[Floats], Floats]

HDR_NOTICE = "its high dynamic range was reduced to what a screen shows"
_ROWS = 256  # converted at a time, so that floats of a large picture never stand in memory as a whole
_WHITE_NITS = 203.0  # the light of diffuse white in PQ and HLG (ITU-R BT.2408)
_KNEE = 0.8  # up to this share of white, tones stay as they are

_D65 = (0.3127, 0.3290)
_PRIMARIES: dict[int, tuple[float, ...]] = {  # H.273, table 2: red, green, blue, white
    1: (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *_D65),
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65),
}
_ADOBE_RGB = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *_D65)
_PQ, _HLG = 16, 18


@dataclass(frozen=True, slots=True, eq=False)
class ColourSpace:
    """What numbers mean. curve: encoded 0..1 -> light, 1 being white; to_srgb: 3 x 3, light to sRGB's light.
    curves: one for each channel. peak: the brightest light, in parts of white."""

    curves: tuple[Curve, Curve, Curve]
    to_srgb: npt.NDArray[np.float64]
    peak: float = 1.0
    hlg: bool = False

    @property
    def is_hdr(self) -> bool:
        return self.peak > 1.0

    @property
    def is_srgb(self) -> bool:
        """As good as: no number changes by more than half a step of 8 bits."""
        if self.is_hdr or np.abs(self.to_srgb - np.eye(3)).max() > 0.01:
            return False
        steps = np.linspace(0, 1, 64, dtype=np.float32)
        return all(np.abs(_encoded(curve(steps)) - steps).max() < 0.006 for curve in self.curves)

    def convert(self, values: npt.NDArray[np.generic], top: float) -> Pixels:
        """uint8 sRGB [H, W, 3] from numbers [H, W, 3] or [H, W] (gray) of 0..top."""
        out = np.empty((*values.shape[:2], 3), np.uint8)
        table = None
        if values.dtype in (np.uint8, np.uint16):
            steps = np.arange(1 << (8 * values.dtype.itemsize), dtype=np.float32) / np.float32(top)
            table = [curve(np.minimum(steps, 1)) for curve in self.curves]
        for start in range(0, len(values), _ROWS):
            part = values[start : start + _ROWS]
            part = part[..., None].repeat(3, axis=2) if part.ndim == 2 else part
            if table is not None:
                light = np.stack([table[c][part[..., c]] for c in range(3)], axis=-1)
            else:
                scaled = np.clip(part.astype(np.float32) / np.float32(top), 0, 1)
                light = np.stack([self.curves[c](scaled[..., c]) for c in range(3)], axis=-1)
            if self.hlg:
                light = _hlg_system(light)
            light = light @ self.to_srgb.T.astype(np.float32)
            if self.is_hdr:
                light = _tone_mapped(light, self.peak)
            out[start : start + _ROWS] = _to_bytes(light)
        return out


def of_code_points(primaries: int, transfer: int) -> ColourSpace | None:
    """The colour space of these code points of H.273; None for those that say nothing, or what we do not know."""
    corners = _PRIMARIES.get(primaries)
    curve = _transfer(transfer)
    if curve is None and corners is None:
        return None
    matrix = _matrix(corners or _PRIMARIES[1])
    peak = {_PQ: 10_000 / _WHITE_NITS, _HLG: 1_000 / _WHITE_NITS}.get(transfer, 1.0)
    one = curve or srgb_to_light
    return ColourSpace((one, one, one), matrix, peak, transfer == _HLG)


def of_gamma(gamma: float, corners: tuple[float, ...] | None = None) -> ColourSpace | None:
    """Numbers that are light to the power of `gamma` (PNG's gAMA and cHRM: x and y of white, red, green, blue)."""
    if not 0.05 <= gamma <= 5:
        return None
    matrix = np.eye(3)
    if corners is not None:
        try:
            matrix = _matrix((*corners[2:], *corners[:2]))
        except (ZeroDivisionError, np.linalg.LinAlgError):
            return None

    def curve(values: Floats) -> Floats:
        return np.power(values, np.float32(1 / gamma))

    # .45455 is what writers say that mean sRGB, whose curve is close to it.
    one = srgb_to_light if abs(gamma - 0.45455) < 0.01 else curve
    return ColourSpace((one, one, one), matrix)


def adobe_rgb() -> ColourSpace:
    """Adobe RGB (1998), which cameras state by the name of a file and two EXIF tags only (DCF 2.0)."""

    def curve(values: Floats) -> Floats:
        return np.power(values, np.float32(563 / 256))

    return ColourSpace((curve, curve, curve), _matrix(_ADOBE_RGB))


def linear() -> ColourSpace:
    """Numbers that are light, with sRGB's primaries."""
    return ColourSpace((_same, _same, _same), np.eye(3))


@lru_cache(maxsize=32)
def of_profile(profile: bytes) -> ColourSpace | None:
    """The colour space of an ICC profile that consists of curves and a matrix, or of a gray curve; None for others."""
    try:
        if profile[36:40] != b"acsp":
            return None
        tags = _tags(profile)
        if profile[16:20] == b"GRAY":
            gray = _curve(tags[b"kTRC"])
            return ColourSpace((gray, gray, gray), np.eye(3))
        if profile[16:20] != b"RGB " or b"A2B0" in tags:
            return None
        if b"cicp" in tags and len(tags[b"cicp"]) >= 12 and tags[b"cicp"][9] in (_PQ, _HLG):
            return of_code_points(tags[b"cicp"][8], tags[b"cicp"][9])
        columns = [_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
        return ColourSpace((curves[0], curves[1], curves[2]), np.linalg.inv(_SRGB_D50) @ np.array(columns).T)
    except (KeyError, struct.error, IndexError, ValueError, np.linalg.LinAlgError):
        return None


def profile_fits(profile: bytes, mode: str) -> bool:
    """Whether the profile speaks of pictures of this Pillow mode (RGB, L, CMYK, LAB)."""
    return profile[16:20] == {"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK", "LAB": b"Lab "}.get(mode)


@lru_cache(maxsize=64)
def profile_is_usable(profile: bytes, mode: str) -> bool:
    """Whether it is sound, and of colours to which a picture of this Pillow mode can be brought."""
    if mode == "LAB":
        return True
    modes = ("CMYK",) if mode == "CMYK" else ("L", "RGB")
    return any(by_profile(Image.new(each, (1, 1)), profile) is not None for each in modes)


def by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """sRGB of an 8-bit picture by its ICC profile; None where that is damaged or of other colours than the picture."""
    if not profile_fits(profile, image.mode):
        return None
    known = of_profile(profile)
    if known is not None and known.is_srgb:
        return image.convert("RGB")
    if known is not None and known.is_hdr:
        return Image.fromarray(known.convert(np.asarray(image), 255.0))
    try:
        return ImageCms.profileToProfile(
            image,
            ImageCms.getOpenProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
        )
    except (TypeError, ValueError, OSError, ImageCms.PyCMSError):
        return None if known is None else Image.fromarray(known.convert(np.asarray(image), 255.0))


def srgb_to_light(values: Floats) -> Floats:
    """sRGB's curve."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _encoded(light: Floats) -> Floats:
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.power(light, 1 / 2.4) - 0.055).astype(np.float32)


_STEPS = 1 << 14
_TABLE = np.round(_encoded((np.arange(_STEPS + 1) / _STEPS).astype(np.float32) ** 2) * 255).astype(np.uint8)


def _to_bytes(light: Floats) -> Pixels:
    """sRGB numbers of light, through a table over the square root, which is fine where the eye is."""
    root = np.sqrt(np.clip(np.nan_to_num(light), 0, 1))
    return _TABLE[(root * _STEPS + 0.5).astype(np.int32)]


def _tone_mapped(light: Floats, peak: float) -> Floats:
    """The brightest channel bent so that `peak` becomes 1, the other two in proportion, so that hues stay."""
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    over = np.clip((np.minimum(brightest, peak) - _KNEE) / (1 - _KNEE), 0, None)
    most = (peak - _KNEE) / (1 - _KNEE)
    bent = _KNEE + (1 - _KNEE) * over * (1 + over / most**2) / (1 + over)  # Reinhard's curve with a white of `most`
    mapped = np.where(brightest <= _KNEE, brightest, bent)
    return np.asarray(light * (mapped / brightest), np.float32)


def _hlg_system(light: Floats) -> Floats:
    """From the light of the scene to that of a display of 1,000 nits (BT.2100, gamma 1.2), in parts of white."""
    scene = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
    return np.asarray(light * np.power(np.maximum(scene, 1e-6), 0.2)[..., None] * (1_000 / _WHITE_NITS), np.float32)


def _same(values: Floats) -> Floats:
    return values


def _bt709(values: Floats) -> Floats:
    return np.where(values < 0.081, values / 4.5, ((values + 0.099) / 1.099) ** (1 / 0.45)).astype(np.float32)


def _pq(values: Floats) -> Floats:
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = np.power(values, 1 / m2)
    return np.asarray(
        np.power(np.maximum(power - c1, 0) / (c2 - c3 * power), 1 / m1) * (10_000 / _WHITE_NITS), np.float32
    )


def _hlg(values: Floats) -> Floats:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12).astype(np.float32)


def _transfer(code: int) -> Curve | None:
    def power(exponent: float) -> Curve:
        return lambda values: np.power(values, np.float32(exponent))

    # Pictures marked as BT.709 and its kin come from converters that mean a screen's: viewers show them as sRGB.
    known: dict[int, Curve] = {
        1: srgb_to_light, 4: power(2.2), 5: power(2.8), 6: srgb_to_light, 7: _bt709, 8: _same, 13: srgb_to_light,
        14: srgb_to_light, 15: srgb_to_light, _PQ: _pq, 17: power(2.6), _HLG: _hlg,
    }  # fmt: skip
    return known.get(code)


def _to_xyz(corners: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """Light of these primaries to XYZ: columns are the primaries, scaled so that they add up to white."""

    def xyz(x: float, y: float) -> npt.NDArray[np.float64]:
        return np.array([x / y, 1.0, (1 - x - y) / y])

    primaries = np.stack([xyz(*corners[i : i + 2]) for i in (0, 2, 4)], axis=1)
    return np.asarray(primaries * np.linalg.solve(primaries, xyz(*corners[6:8])))


_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def _adapted(matrix: npt.NDArray[np.float64], white: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same under another white (XYZ)."""
    from_, to = _BRADFORD @ matrix.sum(axis=1), _BRADFORD @ white
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(to / from_) @ _BRADFORD @ matrix)


_SRGB = _to_xyz(_PRIMARIES[1])
_SRGB_D50 = _adapted(_SRGB, np.array([0.9642, 1.0, 0.8249]))


def _matrix(corners: tuple[float, ...]) -> npt.NDArray[np.float64]:
    return np.asarray(np.linalg.inv(_SRGB) @ _adapted(_to_xyz(corners), _SRGB.sum(axis=1)))


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    found = {}
    for number in range(min(count, 100)):
        name, at, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        found[name] = profile[at : at + size]
    return found


def _fixed(data: bytes, at: int) -> float:
    return float(struct.unpack_from(">i", data, at)[0]) / 65536


def _xyz(tag: bytes) -> tuple[float, float, float]:
    return _fixed(tag, 8), _fixed(tag, 12), _fixed(tag, 16)


def _curve(tag: bytes) -> Curve:
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return _same
        numbers = np.frombuffer(tag, ">u2", count, 12).astype(np.float32)
        if count == 1:
            gamma = np.float32(numbers[0] / 256)
            return lambda values: np.power(values, gamma)
        places, table = np.linspace(0, 1, count, dtype=np.float32), numbers / np.float32(65535)
        return lambda values: np.interp(values, places, table).astype(np.float32)
    if tag[:4] != b"para":
        raise ValueError("no curve")
    (kind,) = struct.unpack_from(">H", tag, 8)
    p = [_fixed(tag, 12 + 4 * index) for index in range((1, 3, 4, 5, 7)[kind])]
    g, a, b, c, d, e, f = p[0], 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind >= 1:
        a, b = p[1], p[2]
        d = -b / a
    if kind == 2:
        e = f = p[3]
    if kind >= 3:
        c, d = p[3], p[4]
    if kind == 4:
        e, f = p[5], p[6]

    def parametric(values: Floats) -> Floats:
        above = np.power(np.maximum(a * values + b, 0), g) + e
        return np.where(values >= d, above, c * values + f).astype(np.float32)

    return parametric
