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


def celeba(
    root: Path, pictures: Sequence[Path | Image.Image], splits: Sequence[int] | None = None, people: bool = True
) -> Path:
    """CelebA's official layout with these pictures, two of each person (people=False: whose they are is not said);
    labels by a seed.

    splits: the official split of each (0 train, 1 val, 2 test); None: test.
    """
    splits = [2] * len(pictures) if splits is None else splits
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
    pairs = zip(names, splits, strict=True)
    (root / "list_eval_partition.txt").write_text("".join(f"{name} {split}\n" for name, split in pairs))
    if people:
        (root / "identity_CelebA.txt").write_text("".join(f"{name} {i // 2}\n" for i, name in enumerate(names)))
    return root


def noise(width: int, height: int, seed: int = 1) -> Image.Image:
    """A picture in which no face is found."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))
