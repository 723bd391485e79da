"""LFWA as it is published: the photos of LFW and 40 attributes of each.

Layout of the root folder (Huang et al. 2007, http://vis-www.cs.umass.edu/lfw/; labels: Liu et al., ICCV 2015):

    lfw/Person_Name/Person_Name_0001.jpg ...   lfw_att_40.mat

`lfw_att_40.csv`, the same labels as text (header `file` and the 40 names; a photo and 40 times 0 or 1 a line), is read
instead where it lies beside the .mat: it needs no scipy. 90 of LFW's 13,233 photos carry no labels.

The paper trains on 6,263 photos and tests on 6,880, without a list. In file order, the first 6,263 labels end with a
person's last photo, so they are TRAIN and VAL here, and the others TEST. VAL, on which everything is chosen, AUX is
fitted and the probabilities are calibrated, is the first person and every eighth after.
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import NAMES
from facesearch.training.datasets.labels import (
    Dataset,
    DatasetError,
    Labels,
    Role,
    check_attributes,
    one_role_a_person,
    read_lines,
)

PHOTOS = "lfw"
LABELLED, TRAINED = 13_143, 6_263
"""Photos with labels, and how many of them, from the first, are the paper's training set."""

VAL_PERSON_EVERY = 8

_MAT, _CSV = "lfw_att_40.mat", "lfw_att_40.csv"
_OFFICIAL = "use the official file"


def read_lfwa(root: Path) -> Labels:
    """Read the labels. Raises DatasetError, with what is missing or wrong and where."""
    folder = root / PHOTOS
    if not folder.is_dir():
        raise DatasetError(f"{root} has no folder {PHOTOS}/: name the folder that holds LFWA in its official layout.")
    names, labels = _from_csv(root / _CSV) if (root / _CSV).exists() else _from_mat(root / _MAT)
    if len(names) != LABELLED:
        raise DatasetError(
            f"The labels in {root} are of {len(names):,} photos instead of {LABELLED:,}, so that the paper's split "
            f"cannot be told: {_OFFICIAL}."
        )
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise DatasetError(
            f"{len(missing):,} of the {len(names):,} photos with labels are not in {folder}, among them {missing[0]}: "
            "unpack lfw.tgz there again."
        )
    who = [name.partition("/")[0] for name in names]
    number = {person: i for i, person in enumerate(dict.fromkeys(who))}
    people = np.array([number[person] for person in who], np.int64)
    roles = np.where(people % VAL_PERSON_EVERY == 0, Role.VAL.value, Role.TRAIN.value)
    roles[TRAINED:] = Role.TEST.value
    one_role_a_person(names, people, roles)
    return Labels(
        dataset=Dataset.LFWA,
        photos=folder,
        names=names,
        labels=labels,
        identities=people,
        roles=roles,
        skipped=0,
        has_identities=True,
    )


def _from_csv(path: Path) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    header, *rows = [row for row in csv.reader(read_lines(path)) if row] or [[]]
    check_attributes(path, header[1:])
    for number, row in enumerate(rows, start=2):
        if len(row) != len(NAMES) + 1 or not set(row[1:]) <= {"0", "1"}:
            raise DatasetError(f"{path}, line {number}: expected a photo and 40 values of 0 or 1; {_OFFICIAL}.")
    labels = np.array([[value == "1" for value in row[1:]] for row in rows], np.uint8).reshape(-1, len(NAMES))
    return tuple(row[0] for row in rows), labels


def _from_mat(path: Path) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    if not path.is_file():
        raise DatasetError(f"{path.parent} has neither {_MAT} nor {_CSV}: put the official labels beside {PHOTOS}/.")
    try:
        from scipy.io import loadmat
    except ImportError as e:
        raise DatasetError(
            f"{path} is a MATLAB file, which scipy reads, and scipy is not installed: pip install scipy, "
            f"or put {_CSV} beside it."
        ) from e
    try:
        held: dict[str, Any] = loadmat(path)
        names = tuple(str(cell.item()).replace("\\", "/") for cell in held["name"].ravel())
        attributes = [str(cell.item()) for cell in held["AttrName"].ravel()]
        values = np.asarray(held["label"])
    except Exception as e:  # scipy raises whatever a damaged file leads it to
        raise DatasetError(f"{path} does not hold name, AttrName and label: {_OFFICIAL}.") from e
    check_attributes(path, attributes)
    if values.shape != (len(names), len(NAMES)) or not np.isin(values, (0, 1)).all():
        raise DatasetError(f"{path} does not hold {len(NAMES)} values of 0 or 1 for each photo: {_OFFICIAL}.")
    return names, values.astype(np.uint8)
