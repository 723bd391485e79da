"""What a data set says about its photos, however it is published: labels, people, and what a photo is for."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import NAMES
from facesearch.errors import FacesearchError

UNKNOWN = 255
"""What stands in an array of labels where nobody has said whether the face has the attribute."""


class DatasetError(FacesearchError, kinds=("data set", "no attribute", "work in use")):
    """The data set's folder is not laid out as published."""


class Dataset(StrEnum):
    """The data sets whose official layouts are known, by the names of their papers; and a table of one's own."""

    CELEBA = "CelebA"
    LFWA = "LFWA"
    OPEN_IMAGES = "Open Images"
    RECORDS = "own records"

    @property
    def framed_alike(self) -> bool:
        """Whether a face that the detector misses can be cut where the others of the data set are."""
        return self in (Dataset.CELEBA, Dataset.LFWA)


class Role(StrEnum):
    """What an image may serve for; by identity, so that no person has two roles."""

    TRAIN = "train"
    VAL = "val"
    CALIBRATE = "calibrate"
    TEST = "test"
    EXTRA = "extra"


@dataclass(frozen=True)
class Labels:
    """The lists of a data set, for the images that are there. All arrays have one row an image.

    photos: the folder in which `names` lie. labels: uint8 [N, 40] of 0, 1 and UNKNOWN, official order. identities:
    int64 [N]. roles: str [N] (values of Role). skipped: listed images that are not in the folder. has_identities: False
    when each image counts as its own person.
    """

    dataset: Dataset
    photos: Path
    names: tuple[str, ...]
    labels: NDArray[np.uint8]
    identities: NDArray[np.int64]
    roles: NDArray[np.str_]
    skipped: int
    has_identities: bool

    def digest(self) -> str:
        """SHA-256 of names, labels, identities and roles: which data a run was begun with."""
        known = hashlib.sha256("\n".join(self.names).encode())
        for array in (self.labels, self.identities, self.roles):
            known.update(array.tobytes())
        return known.hexdigest()

    def of(self, *roles: Role) -> NDArray[np.int64]:
        """Row numbers of the images with one of the roles."""
        return np.flatnonzero(np.isin(self.roles, [r.value for r in roles]))

    def only(self, role: Role) -> "Labels":
        """The same lists, of the images with this role alone."""
        rows = self.of(role)
        names = tuple(self.names[row] for row in rows)
        return replace(
            self, names=names, labels=self.labels[rows], identities=self.identities[rows], roles=self.roles[rows]
        )

    def in_words(self) -> str:
        """Which data this is, in one sentence for the checkpoint."""
        counts = Counter(self.roles.tolist())
        parts = ", ".join(f"{counts[r]:,} {r}" for r in Role if counts[r])
        people = f"{len(np.unique(self.identities)):,} people" if self.has_identities else "identities unknown"
        where = "of own records" if self.dataset is Dataset.RECORDS else f"in {self.dataset}'s official layout"
        return f"images {where}: {parts} ({people})"

    def taught(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool [40]: the attributes that at least one of these images is labelled with or without."""
        return np.asarray((self.labels[rows] != UNKNOWN).any(axis=0))


def one_role_a_person(names: tuple[str, ...], people: NDArray[np.int64], roles: NDArray[np.str_]) -> None:
    """Raises DatasetError when somebody has two roles: figures would be of people whom the network has seen."""
    role_by_person: dict[int, str] = {}
    for name, person, role in zip(names, people.tolist(), roles.tolist(), strict=True):
        if role_by_person.setdefault(person, role) != role:
            raise DatasetError(
                f"Person {person} has two roles, {role_by_person[person]} and {role} ({name}): give each person "
                "one role, or figures would be of people whom the network has seen."
            )


def check_attributes(path: Path, found: Sequence[str]) -> None:
    """Raises DatasetError, with what is missing or too many, unless these are the 40 names in the official order."""
    if tuple(found) == NAMES:
        return
    absent = [name for name in NAMES if name not in found]
    more = [name for name in found if name not in NAMES]
    what = [f"{word} {_some(which)}" for word, which in (("lacks", absent), ("has also", more)) if which]
    problem = " and ".join(what) or "has another order of the 40 attributes"
    raise DatasetError(f"{path} {problem}: use the official file.")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} others" if len(names) > 5 else "")


def read_lines(path: Path) -> list[str]:
    """A list of the data set. Raises DatasetError."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as e:
        raise DatasetError(f"{path} cannot be read ({e.strerror}): the data set needs this list.") from e
    except UnicodeDecodeError as e:
        raise DatasetError(f"{path} is no text file: use the official list.") from e
