"""What one person said about a sample: a CSV, written by the page or filled in by hand.

Columns: `sample` (its key), `item` (`face 1`, ..., `photo 1`, ...), `face` (is it one?), an attribute each, and
`missed` (how many faces of the photo have no frame). A cell holds yes, no or ? (cannot tell); an empty one was
not answered.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import BY_NAME, NAMES
from facesearch.validation.sample import Sample, ValidationError

NO, YES, CANNOT_TELL, OPEN = 0, 1, 2, 255

_MEANS = {
    **dict.fromkeys(("yes", "y", "1", "true"), YES),
    **dict.fromkeys(("no", "n", "0", "false", "-1"), NO),
    **dict.fromkeys(("?", "u", "unsure", "cannot tell"), CANNOT_TELL),
    "": OPEN,
}
_MOST_MISSED = 99


@dataclass(frozen=True)
class Answers:
    """One person's. name: how they are called in reports. is_face: uint8 [N]; words: uint8 [N, 40], columns that the
    sample does not ask are OPEN; both of NO, YES, CANNOT_TELL, OPEN. missed: int64 [P], -1 where it was not answered.
    """

    name: str
    is_face: NDArray[np.uint8]
    words: NDArray[np.uint8]
    missed: NDArray[np.int64]

    def complete(self, sample: Sample) -> list[str]:
        """The words that were answered for every face that is one."""
        asked = self.is_face != NO
        return [name for name in sample.words if (self.words[asked, BY_NAME[name].index] != OPEN).all()]

    @property
    def judged(self) -> NDArray[np.uint8]:
        """`words`, where a face that is none has no answers."""
        return np.where((self.is_face == NO)[:, None], CANNOT_TELL, self.words).astype(np.uint8)


def empty_table(sample: Sample) -> str:
    """The CSV with no answers yet."""
    columns = ["sample", "item", "face", *sample.words, "missed"]
    file = StringIO()
    table = csv.DictWriter(file, columns, restval="", lineterminator="\n")
    table.writeheader()
    for item in items(sample):
        table.writerow({"sample": sample.key, "item": item})
    return file.getvalue()


def items(sample: Sample) -> list[str]:
    """How the CSV names faces and photos."""
    faces = [f"face {number}" for number in range(1, len(sample.faces) + 1)]
    return faces + [f"photo {number}" for number in range(1, len(sample.photos) + 1)]


def read_answers(path: Path, sample: Sample) -> Answers:
    """One person's file. Raises ValidationError with the line and what is wrong there."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValidationError(f"{path} cannot be read ({error.strerror}): name the CSV that the page saved.") from error
    except UnicodeDecodeError as error:
        raise ValidationError(f"{path} is no UTF-8 text: save it as CSV (UTF-8).") from error
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    rows = csv.DictReader(StringIO(text), delimiter=delimiter)
    columns = rows.fieldnames or []
    _check_columns(path, columns)
    count = len(sample.faces)
    is_face, words = np.full(count, OPEN, np.uint8), np.full((count, len(NAMES)), OPEN, np.uint8)
    missed = np.full(len(sample.photos), -1, np.int64)
    places = {item: number for number, item in enumerate(items(sample))}
    seen: set[str] = set()
    try:
        for row in rows:
            where = f"{path}, line {rows.line_num}"
            item = (row["item"] or "").strip()
            if (key := (row["sample"] or "").strip()) != sample.key:
                raise ValidationError(
                    f"{where}: the answers belong to sample {key or 'unnamed'} and not to {sample.key}: name the file "
                    "that was saved from this folder's page."
                )
            if item not in places:
                raise ValidationError(f"{where}: the sample holds no {item or 'item without a name'}: check that line.")
            if item in seen:
                raise ValidationError(f"{where}: {item} stands there twice: take one of the lines away.")
            seen.add(item)
            place = places[item]
            if place >= count:
                missed[place - count] = _number(where, row.get("missed"))
                continue
            is_face[place] = _answer(where, "face", row.get("face"))
            for name in sample.words:
                if name in columns:
                    words[place, BY_NAME[name].index] = _answer(where, name, row.get(name))
    except csv.Error as error:
        raise ValidationError(f"{path}, line {rows.line_num}: {error}: save it as CSV (UTF-8) again.") from error
    return Answers(_name_of(path), is_face, words, missed)


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    for name in ("sample", "item"):
        if name not in columns:
            raise ValidationError(f"{path} has no column {name}: name the CSV that the page saved.")
    known = {"sample", "item", "face", "missed", *NAMES}
    if unknown := [name for name in columns if name not in known]:
        raise ValidationError(f"{path} has a column {unknown[0]!r} that is no attribute: take it away.")


def _answer(where: str, column: str, cell: str | None) -> int:
    found = _MEANS.get((cell or "").strip().casefold())
    if found is None:
        raise ValidationError(f"{where}: {column} is {cell!r}: write yes, no or ?.")
    return found


def _number(where: str, cell: str | None) -> int:
    text = (cell or "").strip()
    if not text:
        return -1
    if not text.isdecimal() or int(text) > _MOST_MISSED:
        raise ValidationError(f"{where}: missed is {cell!r}: write how many faces have no frame, 0 to {_MOST_MISSED}.")
    return int(text)


def _name_of(path: Path) -> str:
    """labels-anna.csv is Anna's."""
    return path.stem.removeprefix("labels-") or path.stem
