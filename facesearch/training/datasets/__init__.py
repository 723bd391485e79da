"""Data sets in their official layouts, and the faces in them."""

from pathlib import Path

from facesearch.training.datasets.celeba import ALIGNED, read_celeba
from facesearch.training.datasets.facecache import REACH, FaceCache, cache_folder, open_cache
from facesearch.training.datasets.labels import Dataset, DatasetError, Labels, Role
from facesearch.training.datasets.lfwa import PHOTOS, read_lfwa

__all__ = [
    "ALIGNED",
    "REACH",
    "Dataset",
    "DatasetError",
    "FaceCache",
    "Labels",
    "Role",
    "cache_folder",
    "open_cache",
    "read_celeba",
    "read_dataset",
    "read_lfwa",
]


def read_dataset(root: Path) -> Labels:
    """The labels of the data set that a folder holds, told by its files. Raises DatasetError."""
    if (root / ALIGNED).is_dir():
        return read_celeba(root)
    if (root / PHOTOS).is_dir():
        return read_lfwa(root)
    raise DatasetError(
        f"{root} holds no data set: name a folder with CelebA ({ALIGNED}/, list_attr_celeba.txt, "
        f"list_eval_partition.txt) or LFWA ({PHOTOS}/, lfw_att_40.mat) in its official layout."
    )
