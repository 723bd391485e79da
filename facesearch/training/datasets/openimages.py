"""Open Images as it is published: image-level labels that people have verified, on photos with a single face.

Kuznetsova et al., "The Open Images Dataset V4", IJCV 2020, https://storage.googleapis.com/openimages/web/. Layout of
the root folder, for each of the splits train, validation and test that is there:

    train/0123456789abcdef.jpg ...
    *train-annotations-human-imagelabels*.csv   ImageID,Source,LabelName,Confidence (1: there, 0: not there)
    *train-annotations-bbox*.csv                ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,...
    *class-descriptions*.csv                    LabelName,DisplayName

Where several files fit a name, as those of several versions do, all of them are read. A label is about the photo; it is
taken for the face's where exactly one box of the class "Human face" is drawn in the photo and stands for one face
(column IsGroupOf). Twelve of the 40 attributes can be known in this way (CLASSES). Nobody knows who is on the photos,
so each counts as its own person; half of the validation photos are `calibrate`.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facesearch.attributes import BY_NAME, NAMES
from facesearch.training.datasets.labels import UNKNOWN, Dataset, DatasetError, Labels, Role

FACE = "Human face"
CLASSES: dict[str, tuple[str, int]] = {
    "Beard": ("No_Beard", 0),
    "Moustache": ("Mustache", 1),
    "Black hair": ("Black_Hair", 1),
    "Blond": ("Blond_Hair", 1),
    "Brown hair": ("Brown_Hair", 1),
    "Hat": ("Wearing_Hat", 1),
    "Glasses": ("Eyeglasses", 1),
    "Earrings": ("Wearing_Earrings", 1),
    "Necklace": ("Wearing_Necklace", 1),
    "Tie": ("Wearing_Necktie", 1),
    "Lipstick": ("Wearing_Lipstick", 1),
    "Smile": ("Smiling", 1),
}
"""Display name of a class: the attribute, and its label where the class is there."""

_SPLITS = {"train": Role.TRAIN, "validation": Role.VAL, "test": Role.TEST}
_EDGES = ("XMin", "XMax", "YMin", "YMax")
_LABELS, _BOXES, _DESCRIPTIONS = "annotations-human-imagelabels", "annotations-bbox", "class-descriptions"


def is_open_images(root: Path) -> bool:
    """Whether a folder is laid out so."""
    return any(root.glob(f"*{_LABELS}*.csv"))


def read_open_images(root: Path) -> Labels:
    """Read the tables of the splits that are there. Raises DatasetError, with what is missing or wrong."""
    code = _codes(root)
    names: list[str] = []
    rows, roles, skipped = [], [], 0
    for split, role in _SPLITS.items():
        if not any(root.glob(f"*{split}-{_LABELS}*.csv")):
            continue
        known = _labels(_tables(root, f"{split}-{_LABELS}"), code)
        single = _single_faces(_tables(root, f"{split}-{_BOXES}"), code[FACE])
        for image in sorted(known.keys() & single):
            name = f"{split}/{image}.jpg"
            if not (root / name).is_file():
                skipped += 1
                continue
            # IDs are random numbers, so that their last digit is a lot.
            half = role is Role.VAL and int(image[-1:], 16) % 2
            names.append(name)
            roles.append((Role.CALIBRATE if half else role).value)
            rows.append(known[image])
    if not names:
        raise DatasetError(
            f"{root} holds no photo with one face and a label that can be used: unpack the photos into train/, "
            "validation/ and test/."
        )
    return Labels(
        dataset=Dataset.OPEN_IMAGES,
        photos=root,
        names=tuple(names),
        labels=np.array(rows, np.uint8),
        identities=np.arange(len(names), dtype=np.int64),
        roles=np.array(roles),
        skipped=skipped,
        has_identities=False,
    )


def _tables(root: Path, part: str) -> list[Path]:
    found = sorted(root.glob(f"*{part}*.csv"))
    if not found:
        raise DatasetError(f"{root} has no file *{part}*.csv: put the official one there.")
    return found


def _codes(root: Path) -> dict[str, str]:
    """Of the classes that are used, the code by display name."""
    paths = _tables(root, _DESCRIPTIONS)
    found = {row[1].strip(): row[0].strip() for path in paths for row in _rows(path) if len(row) > 1}
    if FACE not in found:
        raise DatasetError(f"{paths[0]} does not name the class {FACE!r}: use the official file.")
    return {name: found[name] for name in (FACE, *CLASSES) if name in found}


def _labels(paths: list[Path], code: dict[str, str]) -> dict[str, list[int]]:
    """By image the 40 labels, for images with at least one; two that contradict each other are unknown."""
    means = {code[name]: what for name, what in CLASSES.items() if name in code}
    said: dict[str, dict[int, set[int]]] = {}
    for cells in _records(paths, ("ImageID", "LabelName", "Confidence")):
        if cells["LabelName"] in means and cells["Confidence"] in ("0", "1"):
            attribute, there = means[cells["LabelName"]]
            label = there if cells["Confidence"] == "1" else 1 - there
            said.setdefault(cells["ImageID"], {}).setdefault(BY_NAME[attribute].index, set()).add(label)
    found = {}
    for image, labels in said.items():
        row = [UNKNOWN] * len(NAMES)
        for index, each in labels.items():
            if len(each) == 1:
                row[index] = next(iter(each))
        if any(value != UNKNOWN for value in row):
            found[image] = row
    return found


def _single_faces(paths: list[Path], face: str) -> set[str]:
    """The images with one box of the class, which stands for one face."""
    boxes: dict[str, set[tuple[str, ...]]] = {}
    groups = set()
    for cells in _records(paths, ("ImageID", "LabelName", *_EDGES)):
        if cells["LabelName"] == face:
            boxes.setdefault(cells["ImageID"], set()).add(tuple(cells[edge] for edge in _EDGES))
            if cells.get("IsGroupOf") == "1":
                groups.add(cells["ImageID"])
    return {image for image, each in boxes.items() if len(each) == 1} - groups


def _records(paths: list[Path], needed: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """The lines of tables by column; one at a time, since these files have millions."""
    for path in paths:
        rows = _rows(path)
        columns = next(rows, [])
        if absent := [name for name in needed if name not in columns]:
            raise DatasetError(f"{path} lacks the column {absent[0]}: use the official file.")
        for number, row in enumerate(rows, start=2):
            if len(row) != len(columns):
                raise DatasetError(f"{path}, line {number}: {len(row)} cells under {len(columns)} columns: damaged.")
            yield dict(zip(columns, row, strict=True))


def _rows(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.reader(file)
    except OSError as e:
        raise DatasetError(f"{path} cannot be read ({e.strerror}): the data set needs this table.") from e
    except (UnicodeDecodeError, csv.Error) as e:
        raise DatasetError(f"{path} is no table: use the official one.") from e
