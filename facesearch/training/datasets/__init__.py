"""Data sets in their official layouts, and the faces in them."""

from pathlib import Path

from facesearch.training.datasets.celeba import ALIGNED, read_celeba
from facesearch.training.datasets.facecache import REACH, FaceCache, cache_folder, open_cache, open_role, restore_cache
from facesearch.training.datasets.labels import UNKNOWN, Dataset, DatasetError, Labels, Role
from facesearch.training.datasets.lfwa import PHOTOS, read_lfwa
from facesearch.training.datasets.openimages import is_open_images, read_open_images
from facesearch.training.datasets.records import TABLE, read_records

__all__ = [
    "ALIGNED",
    "REACH",
    "UNKNOWN",
    "Dataset",
    "DatasetError",
    "FaceCache",
    "Labels",
    "Role",
    "cache_folder",
    "open_cache",
    "open_role",
    "read_celeba",
    "read_dataset",
    "read_lfwa",
    "read_open_images",
    "read_records",
    "restore_cache",
]


def read_dataset(root: Path) -> Labels:
    """The labels of the data set that a folder holds, told by its files. Raises DatasetError."""
    if (root / TABLE).is_file():
        return read_records(root)
    if (root / ALIGNED).is_dir():
        return read_celeba(root)
    if (root / PHOTOS).is_dir():
        return read_lfwa(root)
    if is_open_images(root):
        return read_open_images(root)
    raise DatasetError(
        f"{root} holds no data set: name a folder with {TABLE}, a table of your own records, or with CelebA "
        f"({ALIGNED}/, list_attr_celeba.txt, list_eval_partition.txt), LFWA ({PHOTOS}/, lfw_att_40.mat) or Open Images "
        "in its official layout."
    )
