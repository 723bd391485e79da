"""Small data sets in their published layouts, made of the gallery's composite portraits."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from facesearch.attributes import NAMES

GALLERY = Path(__file__).parent.parent / "gallery"


def portraits(count: int) -> list[Path]:
    """Pictures with one face each, the same on every run."""
    single = [*sorted(GALLERY.glob("man-*.jpg")), *sorted(GALLERY.glob("woman-*.jpg"))]
    return single[:: max(1, len(single) // count)][:count]


def celeba(root: Path, pictures: Sequence[Path | Image.Image], split: int = 2) -> Path:
    """CelebA's official layout with these pictures, all of one official split, two of each person; labels by a seed."""
    folder = root / "img_align_celeba"
    folder.mkdir(parents=True)
    names = [f"{number:06d}.jpg" for number in range(1, len(pictures) + 1)]
    for name, picture in zip(names, pictures, strict=True):
        if isinstance(picture, Path):
            shutil.copy(picture, folder / name)
        else:
            picture.save(folder / name)
    signs = np.random.default_rng(0).choice(["1", "-1"], (len(names), len(NAMES)))
    rows = [f"{name} {' '.join(values)}" for name, values in zip(names, signs, strict=True)]
    (root / "list_attr_celeba.txt").write_text("\n".join([str(len(names)), " ".join(NAMES), *rows]) + "\n")
    (root / "list_eval_partition.txt").write_text("".join(f"{name} {split}\n" for name in names))
    (root / "identity_CelebA.txt").write_text("".join(f"{name} {i // 2}\n" for i, name in enumerate(names)))
    return root


def noise(width: int, height: int) -> Image.Image:
    """A picture in which no face is found."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8))
