"""What the tests of training share."""

from pathlib import Path

from facesearch.training.datasets import FaceCache, Labels, open_cache, read_celeba


def open_data(root: Path) -> tuple[Labels, FaceCache]:
    labels = read_celeba(root)
    return labels, open_cache(labels, root.parent / "cache")
