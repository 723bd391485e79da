"""CelebA as it is published.

Layout of the root folder (Liu et al., http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html):

    img_align_celeba/000001.jpg ...   list_attr_celeba.txt   list_eval_partition.txt
    identity_CelebA.txt               optional: without it every image is its own person
    list_role.txt                     optional, `name role` a line: train, val, calibrate, test or extra

Without roles, the official train and test images keep their role and the official val people are split in two halves,
`val` and `calibrate`.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

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

ALIGNED = "img_align_celeba"


def read_celeba(root: Path) -> Labels:
    """Read the lists. Raises DatasetError, with what is missing or wrong and where."""
    folder = root / ALIGNED
    if not folder.is_dir():
        raise DatasetError(
            f"{root} has no folder {ALIGNED}/: name the folder that holds CelebA in its official layout."
        )
    lines = read_lines(root / "list_attr_celeba.txt")
    check_attributes(root / "list_attr_celeba.txt", lines[1].split() if len(lines) > 1 else [])
    split = _pairs(root / "list_eval_partition.txt")
    identity, role_of = _pairs_if_there(root / "identity_CelebA.txt"), _pairs_if_there(root / "list_role.txt")
    present = {p.name for p in folder.iterdir()}
    names, rows, skipped = [], [], 0
    for name, values in _labelled(lines):
        if name not in present:
            skipped += 1
            continue
        if identity and name not in identity:
            raise DatasetError(
                f"identity_CelebA.txt does not say who is on {name}, and nobody may have two roles: use the official "
                "file."
            )
        names.append(name)
        rows.append([v == "1" for v in values])
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise DatasetError(f"list_attr_celeba.txt lists {twice} more than once: use the official file.")
    if not names:
        raise DatasetError(f"None of the listed images is in {folder}: unpack img_align_celeba.zip there.")
    try:
        people = np.array([int(identity.get(n, -i - 1)) for i, n in enumerate(names)], np.int64)
    except ValueError as e:
        raise DatasetError(
            f"identity_CelebA.txt gives an identity that is no number ({e}): use the official file."
        ) from e
    return Labels(
        dataset=Dataset.CELEBA,
        photos=folder,
        names=tuple(names),
        labels=np.array(rows, np.uint8),
        identities=people,
        roles=_roles(root, names, people, split, role_of),
        skipped=skipped,
        has_identities=bool(identity),
    )


def _labelled(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Name and values of each line of list_attr_celeba.txt behind its head."""
    for number, line in enumerate(lines[2:], start=3):
        if not line.strip():
            continue
        name, *values = line.split()
        if len(values) != len(NAMES) or not set(values) <= {"1", "-1"}:
            raise DatasetError(
                f"list_attr_celeba.txt, line {number}: expected a name and 40 values of 1 or -1; use the official file."
            )
        yield name, values


def _roles(
    root: Path, names: list[str], people: NDArray[np.int64], split: dict[str, str], role_of: dict[str, str]
) -> NDArray[np.str_]:
    known = {r.value for r in Role}
    official = {"0": Role.TRAIN, "1": Role.VAL, "2": Role.TEST}
    roles = []
    for name, person in zip(names, people.tolist(), strict=True):
        role: str | None = role_of.get(name) if role_of else official.get(split.get(name, ""))
        if role not in known:
            where = "list_role.txt" if role_of else "list_eval_partition.txt"
            raise DatasetError(f"{root / where} gives no valid role for {name}: every listed image needs one.")
        if not role_of and role == Role.VAL and person % 2:
            role = Role.CALIBRATE
        roles.append(str(role))
    found = np.array(roles)
    one_role_a_person(tuple(names), people, found)
    return found


def _pairs_if_there(path: Path) -> dict[str, str]:
    """Empty where there is no such file. Raises DatasetError where there is one without a line."""
    if not path.exists():
        return {}
    pairs = _pairs(path)
    if not pairs:
        raise DatasetError(f"{path} is empty: fill it, or take it away to do without.")
    return pairs


def _pairs(path: Path) -> dict[str, str]:
    pairs = {}
    for number, line in enumerate(read_lines(path), start=1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 2:
            raise DatasetError(f"{path}, line {number}: expected a name and a value.")
        pairs[parts[0]] = parts[1]
    return pairs
