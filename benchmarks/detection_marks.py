"""What the detection benchmark's records say: recall, boxes a face, false boxes, and whether the marks are met."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from detection_photos import ANIMALS, NO_FACES, Condition, Truth
from rich import box
from rich.table import Table

from db.values.box import Box
from facesearch.vision.detection import SEARCH_FROM, Look, iou

SAME_FROM = 0.5
TOUCHES_FROM = 0.2
SIZES = (16, 20, 24, 32, 48, 100, 300, 1000, 4001)
SHARES = (
    ("below 1/250", 0),
    ("1/250 to 1/100", 1 / 250),
    ("1/100 to 1/50", 1 / 100),
    ("1/50 to 1/30", 1 / 50),
    ("1/30 to 1/20", 1 / 30),
    ("1/20 to 1/5", 1 / 20),
    ("1/5 to 1/3", 1 / 5),
    ("1/3 to 1/2", 1 / 3),
    ("1/2 on", 1 / 2),
    ("", 1),
)
"""Of the longer side: names, and from where on."""
FEWEST = 30
"""Faces from which a size or share is looked at by itself."""

Interval = tuple[float, float]


def wilson(hits: int, n: int) -> Interval:
    """95 % interval of a share (Wilson, JASA 1927)."""
    if not n:
        return 0.0, 1.0
    z, p = 1.959964, hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Found:
    """A detector's box. turned: as Detection.turned."""

    box: Box
    score: float
    turned: int


@dataclass(frozen=True)
class Seen:
    """One face of a photo as a detector saw it. boxes: from SEARCH_FROM on that belong to it."""

    truth: Truth
    width: int
    height: int
    condition: str
    stratum: str
    found: bool
    boxes: int

    @property
    def longer_side(self) -> int:
        return max(self.width, self.height)

    @property
    def share(self) -> float:
        return self.truth.size / self.longer_side

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6

    @property
    def expected_from(self) -> float:
        """Pixels from which the default look is to find an upright face."""
        return 24.0 if self.megapixels <= 24 else max(24.0, self.longer_side / 250)


def faces_of(record: dict[str, Any]) -> list[Seen]:
    """The faces of a record that lie wholly in the photo."""
    boxes = [Found(Box(*f[:4]), f[4], f[5]) for f in record["found"] if f[4] >= SEARCH_FROM]
    width, height = record["size"]
    seen = []
    for each in record["truth"]:
        truth = Truth(**{**each, "box": tuple(each["box"])})
        if truth.cut:
            continue
        at = Box(*truth.box)
        found = any(iou(f.box, at) >= SAME_FROM and f.turned == truth.turned for f in boxes)
        own = sum(iou(f.box, at) >= TOUCHES_FROM or _holds_centre(at, f.box) for f in boxes)
        seen.append(Seen(truth, width, height, record["condition"], record["stratum"], found, own))
    return seen


def _holds_centre(face: Box, other: Box) -> bool:
    x, y = other.x + other.width / 2, other.y + other.height / 2
    return face.x <= x < face.x + face.width and face.y <= y < face.y + face.height


def false_boxes(record: dict[str, Any]) -> int:
    return sum(f[4] >= SEARCH_FROM for f in record["found"])


@dataclass(frozen=True)
class Figure:
    """value: a share or a mean. interval: 95 %. n: faces or photos.

    weakest: of the sizes, and the shares of the longer side, with FEWEST faces or more the one with the lowest recall,
    if that is lower than that of all; its value, interval and count.
    """

    value: float
    interval: Interval
    n: int
    weakest: tuple[str, float, Interval, int] | None = None


def recall(faces: Sequence[Seen], by_size: bool = True) -> Figure:
    hits = sum(f.found for f in faces)
    weakest = None
    if by_size:
        kinds = (*by_sizes(faces), *((f"{name} of the side", of) for name, of in by_shares(faces)))
        several = [(name, recall(of, False)) for name, of in kinds if len(of) >= FEWEST]
        name, figure = min(several, key=lambda s: s[1].value, default=("", None))
        if figure and figure.value < hits / len(faces):
            weakest = name, figure.value, figure.interval, figure.n
    return Figure(hits / len(faces) if faces else math.nan, wilson(hits, len(faces)), len(faces), weakest)


def by_sizes(faces: Sequence[Seen]) -> list[tuple[str, list[Seen]]]:
    return [
        (f"{low:,} to {min(high, 4000):,} px", [f for f in faces if low <= round(f.truth.size, 3) < high])
        for low, high in pairwise(SIZES)
    ]


def by_shares(faces: Sequence[Seen]) -> list[tuple[str, list[Seen]]]:
    return [(name, [f for f in faces if low <= f.share < high]) for (name, low), (_, high) in pairwise(SHARES)]


def boxes_a_face(faces: Sequence[Seen]) -> Figure:
    """Interval: of the share of found faces with a second box."""
    found = [f for f in faces if f.found]
    extra = sum(f.boxes - 1 for f in found)
    low, high = wilson(min(extra, len(found)), len(found))
    return Figure(1 + extra / len(found) if found else math.nan, (1 + low, 1 + high), len(found))


def false_a_photo(records: Iterable[dict[str, Any]]) -> Figure:
    """Interval: by 2,000 draws of the photos, since a pattern gives many at once; where there is none, Wilson's."""
    counts = np.array([false_boxes(r) for r in records])
    if not len(counts):
        return Figure(math.nan, (0, 1), 0)
    if not counts.any():
        return Figure(0.0, wilson(0, len(counts)), len(counts))
    draws = np.random.default_rng(0).integers(len(counts), size=(2000, len(counts)))
    low, high = np.percentile(counts[draws].mean(axis=1), (2.5, 97.5))
    return Figure(float(counts.mean()), (float(low), float(high)), len(counts))


@dataclass(frozen=True)
class Mark:
    """A line of the table of marks. quick: None where it is only reported. at_most: smaller is better."""

    name: str
    default: float | None
    quick: float | None
    figure: Callable[["Results", str], Figure]
    at_most: bool = False

    def wanted(self, look: str) -> float | None:
        return self.quick if look == Look.QUICK else self.default

    def verdict(self, figure: Figure, look: str) -> str:
        """Met when the value reaches the mark, and its weakest does not lie below it for certain."""
        wanted = self.wanted(look)
        if wanted is None or math.isnan(figure.value):
            return ""
        if self.at_most:
            return "met" if figure.value <= wanted else "missed"
        weak = figure.weakest is not None and figure.weakest[2][1] < wanted
        return "met" if figure.value >= wanted and not weak else "missed"


class Results:
    """The records of one detector."""

    def __init__(self, records: Sequence[dict[str, Any]]) -> None:
        self.records = records
        self.all = [face for r in records for face in faces_of(r)]
        self.faces = [f for f in self.all if f.truth.group is None]
        self.good = [f for f in self.faces if f.condition == Condition.GOOD]
        self.groups = [f for f in self.all if f.truth.group is not None]

    def upright(self) -> list[Seen]:
        return [f for f in self.good if f.truth.turned == 0]


def _upright(results: Results, look: str) -> Figure:
    faces = [f for f in results.upright() if f.truth.size >= f.expected_from]
    return recall([f for f in faces if look != Look.QUICK or f.share >= 1 / 50])


def _band(low: float, high: float, megapixels: float) -> Callable[[Results, str], Figure]:
    return lambda results, _: recall(
        [f for f in results.upright() if low <= round(f.truth.size, 3) < high and f.megapixels <= megapixels]
    )


def _turned(results: Results, look: str) -> Figure:
    least = 1 / 20 if look == Look.QUICK else 1 / 30
    return recall([f for f in results.good if f.truth.turned and f.share >= least and f.truth.size >= 24])


def _in_condition(condition: Condition) -> Callable[[Results, str], Figure]:
    return lambda results, _: recall([f for f in results.faces if f.condition == condition and f.truth.size >= 24])


def _spread(cells: Callable[[Seen], object]) -> Callable[[Results, str], Figure]:
    """The largest difference between the recalls, with the interval of the difference of those two."""

    def figure(results: Results, _: str) -> Figure:
        names = {cells(f) for f in results.groups}
        rates = sorted(
            (recall([f for f in results.groups if cells(f) == name], False) for name in names), key=lambda r: r.value
        )
        if len(rates) < 2:
            return Figure(math.nan, (0, 1), 0)
        low, high = rates[0], rates[-1]
        gap = high.value - low.value
        # Newcombe's interval of a difference, from the two Wilson intervals
        down = math.hypot(high.value - high.interval[0], low.interval[1] - low.value)
        up = math.hypot(high.interval[1] - high.value, low.value - low.interval[0])
        return Figure(gap, (gap - down, gap + up), len(results.groups))

    return figure


MARKS = (
    Mark("recall, upright, from 24 px (above 24 MP from 1/250); quick: and from 1/50", 0.98, 0.99, _upright),
    Mark("recall, upright, 20 to 24 px, up to 24 MP", 0.9, None, _band(20, 24, 24)),
    Mark("recall, upright, 16 to 20 px, up to 2 MP", 0.95, None, _band(16, 20, 2)),
    Mark("recall, turned, from 24 px and 1/30; quick: from 1/20", 0.97, 0.95, _turned),
    Mark("recall, dark", 0.9, None, _in_condition(Condition.DARK)),
    Mark("recall, blur", None, None, _in_condition(Condition.BLUR)),
    Mark("recall, strong JPEG", None, None, _in_condition(Condition.JPEG)),
    Mark("boxes a face found", 1.01, 1.01, lambda r, _: boxes_a_face(r.all), at_most=True),
    Mark(
        "false boxes a photo without faces",
        0.02,
        0.02,
        lambda r, _: false_a_photo(x for x in r.records if x["stratum"] == NO_FACES),
        at_most=True,
    ),
    Mark(
        "false boxes a photo of animals",
        None,
        None,
        lambda r, _: false_a_photo(x for x in r.records if x["stratum"] == ANIMALS),
        at_most=True,
    ),
    Mark("recall by UTKFace's groups, largest difference", 0.01, 0.01, _spread(lambda f: f.truth.group), at_most=True),
    Mark("recall by UTKFace's sexes, difference", 0.01, 0.01, _spread(lambda f: f.truth.man), at_most=True),
)


def marks_table(columns: dict[str, tuple[str, Results]]) -> Table:
    """columns: by title, the look whose marks hold for it and what it found."""
    table = new_table("Marks (from a score of .8; 95 % intervals)")
    table.add_column("mark")
    for title in columns:
        table.add_column(title)
    for mark in MARKS:
        cells = []
        for look, results in columns.values():
            figure, wanted = mark.figure(results, look), mark.wanted(look)
            sign = "<=" if mark.at_most else ">="
            said = f"{sign} {wanted:g}: {mark.verdict(figure, look)}" if wanted is not None and figure.n else ""
            cells.append(" ".join(filter(None, (in_words(figure), said))))
        table.add_row(mark.name, *cells)
    return table


def in_words(figure: Figure) -> str:
    if math.isnan(figure.value):
        return "none"
    low, high = figure.interval
    text = f"{figure.value:.3f} ({low:.3f} to {high:.3f}; {figure.n:,})"
    if figure.weakest:
        name, value, _, n = figure.weakest
        text += f" lowest {value:.3f} at {name} ({n:,})"
    return text


def recall_table(title: str, columns: dict[str, tuple[str, Results]], split: Callable[[Results], Any]) -> Table:
    """split: names and faces, in the same order for every detector."""
    table = new_table(title)
    table.add_column("")
    for name in columns:
        table.add_column(name)
    parts = [split(results) for _, results in columns.values()]
    for rows in zip(*parts, strict=True):
        if any(faces for _, faces in rows):
            table.add_row(rows[0][0], *(in_words(recall(faces, False)) for _, faces in rows))
    return table


def new_table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)


def as_markdown(table: Table) -> str:
    """The same, for docs."""
    rows = zip(*(column.cells for column in table.columns), strict=True)
    lines = [f"**{table.title}**", "", "| " + " | ".join(str(c.header) for c in table.columns) + " |"]
    lines.append("|" + "---|" * len(table.columns))
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"
