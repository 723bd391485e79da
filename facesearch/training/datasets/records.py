"""A table of one's own records: a picture a line, with as many or as few labels as are known.

Layout of the root folder:

    records.csv   photos where the table says (paths from this folder, or absolute ones)

The first line names the columns: `file`; any of the 40 attributes by its official name, with 1, yes or true where the
face has it, 0, no or false where it has not, and nothing where nobody knows; and, if you like, `person` (who it is, in
whatever words; without it every picture counts as its own person) and `role` (train, val, calibrate, test or extra).
Other columns are refused, so that a slip of the pen loses no labels. In a photo with several faces the one nearest to
the middle is meant.

Without the column `role`, a person's name decides: one person in ten is `test`, one `calibrate`, one `val`, and always
the same ones, however the table grows.
"""

import csv
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import BY_NAME, NAMES
from facesearch.training.datasets.labels import (
    UNKNOWN,
    Dataset,
    DatasetError,
    Labels,
    Role,
    one_role_a_person,
    read_lines,
)

TABLE = "records.csv"

_FILE, _PERSON, _ROLE = "file", "person", "role"
_VALUES = {"1": 1, "yes": 1, "true": 1, "0": 0, "no": 0, "false": 0, "": UNKNOWN}
_BY_LOT = (Role.TEST, Role.CALIBRATE, Role.VAL)  # of ten; the others train


def read_records(root: Path) -> Labels:
    """Read the table. Raises DatasetError, with what is wrong and in which line."""
    path = root / TABLE
    text = read_lines(path)
    if text:
        text[0] = text[0].removeprefix("\ufeff")  # as spreadsheets write it
    rows = csv.reader(text, delimiter=_delimiter(text[0] if text else ""))
    columns = [name.strip() for name in next(rows, [])]
    _check_columns(path, columns)
    names, people, roles, labels, skipped = [], [], [], [], 0
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        where = f"{path}, line {rows.line_num}"
        if len(row) != len(columns):
            raise DatasetError(f"{where}: {len(row)} cells under {len(columns)} columns; give each line as many.")
        cells = dict(zip(columns, (cell.strip() for cell in row), strict=True))
        name = cells[_FILE]
        if not name:
            raise DatasetError(f"{where}: no file is named; name one, or remove the line.")
        if not (root / name).is_file():
            skipped += 1
            continue
        names.append(name)
        people.append(_person(cells, where))
        roles.append(_role(cells, people[-1], where))
        labels.append(_labels(cells, where))
    if not names:
        raise DatasetError(f"{path}: none of its files is there; paths are meant from {root}.")
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise DatasetError(f"{path} names {twice} more than once: put its labels into one line.")
    number = {person: i for i, person in enumerate(dict.fromkeys(people))}
    identities, found_roles = np.array([number[person] for person in people], np.int64), np.array(roles)
    one_role_a_person(tuple(names), identities, found_roles)
    return Labels(
        dataset=Dataset.RECORDS,
        photos=root,
        names=tuple(names),
        labels=np.stack(labels),
        identities=identities,
        roles=found_roles,
        skipped=skipped,
        has_identities=_PERSON in columns,
    )


def _delimiter(header: str) -> str:
    """Spreadsheets of many countries write semicolons."""
    return max(",;\t", key=header.count)


def _check_columns(path: Path, columns: list[str]) -> None:
    known = {_FILE, _PERSON, _ROLE, *NAMES}
    if _FILE not in columns:
        raise DatasetError(f"{path} has no column {_FILE}: its first line must name the columns, {_FILE} among them.")
    if other := [name for name in columns if name not in known]:
        raise DatasetError(
            f"{path} has a column {other[0]!r}, which is none of the 40 attributes: use their official names, or "
            "remove the column.",
            "no attribute",
            path=path,
            column=other[0],
        )
    if len(set(columns)) < len(columns):
        twice = next(name for name, count in Counter(columns).items() if count > 1)
        raise DatasetError(f"{path} has the column {twice} more than once: remove one.")
    if not set(columns) & set(NAMES):
        raise DatasetError(f"{path} has no column with an attribute: add at least one, such as Eyeglasses.")


def _person(cells: dict[str, str], where: str) -> str:
    if _PERSON not in cells:
        return cells[_FILE]
    if not cells[_PERSON]:
        raise DatasetError(f"{where}: nobody is named in column {_PERSON}; name somebody in every line, or in none.")
    return cells[_PERSON]


def _role(cells: dict[str, str], person: str, where: str) -> str:
    if _ROLE not in cells:
        lot = int.from_bytes(hashlib.sha256(person.encode()).digest()[:4], "big") % 10
        return (_BY_LOT[lot] if lot < len(_BY_LOT) else Role.TRAIN).value
    if cells[_ROLE] not in {role.value for role in Role}:
        raise DatasetError(f"{where}: {cells[_ROLE]!r} is no role; choose among {', '.join(Role)}.")
    return cells[_ROLE]


def _labels(cells: dict[str, str], where: str) -> NDArray[np.uint8]:
    found = np.full(len(NAMES), UNKNOWN, np.uint8)
    for name, cell in cells.items():
        if name in BY_NAME:
            value = _VALUES.get(cell.lower())
            if value is None:
                raise DatasetError(f"{where}, {name}: {cell!r} is neither 1 nor 0; leave it empty if nobody knows.")
            found[BY_NAME[name].index] = value
    return found
