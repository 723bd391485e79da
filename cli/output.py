"""Results as a table for people, and as CSV and JSON for programs. One record feeds CSV and JSON, so they never differ.

CSV is RFC 4180 in UTF-8 (in a file after a byte order mark, by which Excel knows that; see `cli.results`). A path that
is not valid UTF-8 is written as the very bytes that the system gives, so that it opens the file; in JSON such a byte is
an escape \\udcNN (Python's surrogateescape), which `os.fsencode` turns back.

Spreadsheets take a cell that begins with = + - @ for a formula. No cell does here: `photo` is an absolute path and
begins with /, `explanation`, `found_in`, `like`, `problem` and `notice` with a word, all others are numbers and
digests; a line break in a name stays within its quoted cell. Names are therefore never altered. A photo that came
through a pipe is /dev/stdin.
"""

import csv
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table
from rich.text import Text

from cli.console import printable, results
from facesearch.attributes import ATTRIBUTES, Attribute
from facesearch.hits import LIKELY_FROM, Hit, SearchResult
from facesearch.ranking.explain import FITS_FROM, UNSURE_FROM, AskedProbability, Fit, Mark, hedged, shared_certainty

if TYPE_CHECKING:
    from facesearch.probe import Probe

LEAD = "A hit is a lead, not evidence: the network errs, so look at the photo and find other proof."
DIM_BELOW = LIKELY_FROM
"""Hits with a lower score stand back, and a search without a higher one found nobody likely."""
MARKS = {Mark.FITS: "✓", Mark.UNSURE: "?", Mark.FITS_NOT: "✗", Mark.NOT_NEEDED: "·"}
COST_MOST = "!"
_ASCII_MARKS = {Mark.FITS: "+", Mark.UNSURE: "?", Mark.FITS_NOT: "x", Mark.NOT_NEEDED: "."}
_STYLES = {Mark.FITS: "", Mark.UNSURE: "yellow", Mark.FITS_NOT: "red", Mark.NOT_NEEDED: "dim"}

HIT_COLUMNS = ("rank", "score", "photo", "face", "x", "y", "width", "height", "detection", "sha256", "model")
FACE_COLUMNS = ("photo", "face", "x", "y", "width", "height", "detection", "sha256", "model")
PAGE_COLUMNS = ("notice", "page", "seconds")
"""The last ones: what is to be said of the picture that the face is in (such as that the file is cut short), which
picture of the file that is, from 1, and when it is shown, where it moves."""
FACE_LAST_COLUMNS = ("turned", "problem", *PAGE_COLUMNS)
"""After the attributes: degrees by which the photo was turned when the face was found; of a photo without one, why."""
HARD_COLUMN = "hard_to_judge"
"""Why a face is hard to judge: "small", "blurred"; "" where it is not."""

DESCRIBED_COLUMNS = ("behind", "searched", "fits")
"""Of a hit that was found by a description: what must hold and does not, so that the hit stands behind all others; how
much of what was said is searched; how many of these things fit, and which do not."""
LIKE_COLUMN = "like"
"""Of a hit that was found by a face: whom it resembles, with the changes."""


def hit_last_columns(*, like: bool = False, described: bool = False) -> tuple[str, ...]:
    """After the attributes of a hit: the turn; in CSV the asked words in one text, in JSON a list of them with their
    probabilities; in what sort of place its file lies, such as "recycle bin" or "hidden" ("" for an ordinary one);
    LIKE_COLUMN and DESCRIBED_COLUMNS if asked for; HARD_COLUMN; PAGE_COLUMNS."""
    how = (*((LIKE_COLUMN,) if like else ()), *(DESCRIBED_COLUMNS if described else ()))
    return ("turned", "explanation", "found_in", *how, HARD_COLUMN, *PAGE_COLUMNS)


_PLACE = 17  # columns of "1024,768 120x160", with its gap
_GAP = 2  # columns between two columns
_NARROW = 60  # columns of a terminal below which no column but the photo's stands beside what was asked
_ROOMY = 160  # columns of a terminal in which what does not fit is named once more
Record = Mapping[str, Any]


def hit_records(
    result: SearchResult, attributes: Sequence[Attribute], like: str = "", described: bool = False
) -> Iterable[Record]:
    """One record a hit, with the keys HIT_COLUMNS, the attributes' names and `hit_last_columns` in this order.

    like: whom the faces resemble, for LIKE_COLUMN; "" leaves it out. described: by words, with DESCRIBED_COLUMNS.
    """
    for hit in result.hits:
        face = hit.face
        yield {
            "rank": hit.rank,
            "score": float(hit.score),
            "photo": str(face.path),
            "face": face.face,
            **_place(face.x, face.y, face.width, face.height, face.detection),
            "sha256": face.sha256,
            "model": result.model.short,
            **_probabilities(hit.probabilities, attributes),
            "turned": face.turned,
            "explanation": [_explained(each) for each in hit.asked],
            "found_in": ", ".join(hit.marks),
            **({LIKE_COLUMN: like} if like else {}),
            **(_described(hit, result.said) if described else {}),
            HARD_COLUMN: ", ".join(hit.hard),
            **_page(face.notice, face.page, face.seconds),
        }


def _described(hit: Hit, said: tuple[int, int]) -> dict[str, Any]:
    fit = str(hit.fit) if hit.fit else ""
    searched = said_in_words(said) if said[1] else ""
    return dict(zip(DESCRIBED_COLUMNS, ("; ".join(hit.behind), searched, fit), strict=True))


def said_in_words(said: tuple[int, int]) -> str:
    """ "2 of 3 things said": how much of a description is searched."""
    return f"{said[0]} of {said[1]} thing{'s' if said[1] != 1 else ''} said"


def score_in_words(score: float) -> str:
    """A score in three decimals, which is 1.000 or 0.000 only where it is 1 or 0."""
    shown = f"{score:.3f}"
    if shown == "1.000" and score < 1:
        return ">0.999"
    return "<0.001" if shown == "0.000" and score > 0 else shown


def face_record(probe: "Probe", number: int, probabilities: NDArray[np.floating], model: str) -> Record:
    """What `score` says of one face of a photo: FACE_COLUMNS, all 40 attributes and FACE_LAST_COLUMNS.

    number: from 0. model: the network's short name.
    """
    seen = probe.faces[number]
    face = seen.detection
    return {
        "photo": _absolute(probe.path),
        "face": number,
        **_place(face.box.x, face.box.y, face.box.width, face.box.height, face.score),
        "sha256": probe.sha256,
        "model": model,
        **_probabilities(probabilities, ATTRIBUTES),
        "turned": face.turned,
        "problem": None,
        **_page("; ".join(seen.notices) or None, seen.page, seen.seconds),
    }


def _page(notice: str | None, page: int, seconds: float | None) -> dict[str, Any]:
    return {"notice": notice, "page": page, "seconds": None if seconds is None else round(seconds, 3)}


def faceless_record(photo: Path, problem: str) -> Record:
    """The same of a photo in which no face is scored: all is None but its path and `problem`, a sentence."""
    columns = header(FACE_COLUMNS, ATTRIBUTES, FACE_LAST_COLUMNS)
    return {**dict.fromkeys(columns), "photo": _absolute(photo), "problem": problem}


def _absolute(photo: Path) -> str:
    return os.path.abspath(photo)  # noqa: PTH100 (links stay)


def header(first: Sequence[str], attributes: Sequence[Attribute], last: Sequence[str]) -> list[str]:
    """The columns of a CSV, which has them even where nothing was found."""
    return [*first, *(each.name for each in attributes), *last]


def write_csv(write: Callable[[bytes], object], columns: Sequence[str], records: Iterable[Record]) -> None:
    """A header and one row a record, through `write`."""
    rows = csv.writer(_Encoder(write))
    rows.writerow(columns)
    rows.writerows([_cell(record[name]) for name in columns] for record in records)


def write_json(
    write: Callable[[bytes], object],
    records: Iterable[Record],
    about: Mapping[str, Any] | None = None,
    name: str = "hits",
) -> None:
    """A list of objects, one a line; with `about` an object that has these keys and then the list under its name."""
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    found = f"[\n{lines}\n]" if lines else "[]"
    if about is not None:
        keys = "".join(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},\n" for key, value in about.items())
        found = f'{{\n{keys}"{name}": {found}\n}}'
    write(f"{found}\n".encode("utf-8", "backslashreplace"))


def to_stdout(data: bytes) -> None:
    """Bytes as they are, whatever encoding the terminal has."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def new_table() -> Table:
    """A table as all commands print it: a rule below the heading, nothing else."""
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, _GAP - 1, 0, 0))


class _Encoder:
    """What csv.writer writes to."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def write(self, text: str) -> None:
        self._write(text.encode("utf-8", "surrogateescape"))


def print_table(
    hits: Sequence[Hit],
    score_heading: str,
    below: Sequence[str],
    fades: bool,
    said: tuple[int, int] = (0, 0),
    behind: str = "",
) -> None:
    """The hits as a table on stdout, those that stand behind others under a line of their own, `behind`; under it these
    sentences, what the marks say, and what a hit is worth."""
    console = results()
    for some, title in ([hit for hit in hits if not hit.behind], ""), ([hit for hit in hits if hit.behind], behind):
        if title and some:
            console.print(Text(title, style="bold"))
        if some:
            console.print(hit_table(some, score_heading, console.width, console.encoding, fades, said))
    for sentence in below:
        console.print(Text(sentence))
    if hits[0].asked:
        console.print(Text(marks_in_words(hits, console.encoding), style="dim"))
    console.print(Text(LEAD, style="dim"))


def marks_in_words(hits: Sequence[Hit], encoding: str = "utf-8") -> str:
    """What the marks beside the probabilities mean, those for costs and weak attributes where there are such."""
    marks = _marks(encoding)
    asked = [each for hit in hits for each in hit.asked]
    said = [
        f"{marks[Mark.FITS]} fits, from {FITS_FROM * 100:.0f} % on",
        f"{marks[Mark.UNSURE]} unsure, from {UNSURE_FROM * 100:.0f} %",
        f"{marks[Mark.FITS_NOT]} does not fit",
    ]
    if any(each.mark is Mark.NOT_NEEDED for each in asked):
        said.append(f'{marks[Mark.NOT_NEEDED]} not needed, the rest of its "or" fits')
    if any(each.cost_most for each in asked):
        said.append(f"{COST_MOST} cost the score most")
    if any(each.weak for each in asked):
        said.append("(C), (D) weak attribute")
    if any(hit.fit for hit in hits):
        said.append("fits: how many of the things searched do")
    shared = shared_certainty(hits[0].asked)
    if shared is not None:
        said.append(f"every word counts with a certainty of {shared:.2g}")
    return "; ".join(said)


def asked_words(asked: Sequence[AskedProbability]) -> list[str]:
    """Each thing asked for, in words; the certainty that `marks_in_words` states for all is left out."""
    if shared_certainty(asked) is not None:
        return [each.unhedged for each in asked]
    return [each.words for each in asked]


def hit_table(
    hits: Sequence[Hit],
    score_heading: str,
    width: int,
    encoding: str = "utf-8",
    fades: bool = False,
    said: tuple[int, int] = (0, 0),
) -> Table:
    """As many columns as `width` allows: one for each thing asked, or one for all of them; then face and photo. fades:
    `Heading.fades`; said: as in SearchResult."""
    table = new_table()
    table.add_column("", justify="right", no_wrap=True)
    table.add_column(score_heading, justify="right", no_wrap=True)
    words = asked_words(hits[0].asked) if hits else []
    longest = max((len(hit.face.display) for hit in hits), default=0)
    taken = sum(max(9, len(each)) + _GAP for each in words)
    room = width - len(score_heading) - 17  # for what was asked, the place and the photo
    beside = [
        (heading, cells)
        for heading, cells in (("searched", _searched(hits, said, width)), ("fits", _fits(hits, width)))
        if any(cells)
    ]
    columns = beside if width >= _NARROW or not words else []
    for heading, cells in columns:
        table.add_column(heading, no_wrap=True)
        room -= max(len(heading), *map(len, cells)) + _GAP
    with_place = width >= 120 or taken + longest <= room - _PLACE
    room -= _PLACE if with_place else 0
    apart = taken + min(longest, 36) <= room
    if apart:
        for each in words:
            table.add_column(each, justify="right", no_wrap=True)
    elif words:
        text = sum(len(each) + len(" 100%✓, ") for each in words)  # folds into about as many lines as the photo's name
        photo = max(min(longest, 16), (room - _GAP) * longest // (longest + text))
        taken = max(24, room - _GAP - photo) + _GAP
        table.add_column("as described", max_width=taken - _GAP)
    if with_place:
        table.add_column("at", no_wrap=True)
    table.add_column("face", justify="right", no_wrap=True)
    table.add_column("photo", overflow="fold")
    marks = _marks(encoding)
    for number, hit in enumerate(hits):
        row: list[str | Text] = [str(hit.rank), score_in_words(hit.score), *(cells[number] for _, cells in columns)]
        if apart:
            row += [_asked_cell(each, marks) for each in hit.asked]
        elif words:
            described = zip(words, hit.asked, strict=True)
            told = [] if columns else [Text(f"{heading} {cells[number]}") for heading, cells in beside]
            row.append(Text(", ").join([*told, *(_asked_text(each, one, marks) for each, one in described)]))
        row += [place_in_words(hit.face.x, hit.face.y, hit.face.width, hit.face.height)] if with_place else []
        name = Text(_name(hit.face.display, room - taken) + "".join(f" ({note})" for note in _notes(hit)))
        table.add_row(*row, str(hit.face.face), name, style="dim" if fades and hit.score < DIM_BELOW else None)
    return table


def _searched(hits: Sequence[Hit], said: tuple[int, int], width: int) -> list[str]:
    """Beside each score how much of what was said is searched, where that is not all of it."""
    if said[0] >= said[1] or not any(hit.fit for hit in hits):
        return [""] * len(hits)
    words = said_in_words(said)
    return [words if width >= _ROOMY else words.removesuffix(" things said")] * len(hits)


def _fits(hits: Sequence[Hit], width: int) -> list[str]:
    """How many things fit; which ones do not also stands beside the marks, so a narrow table leaves it there."""

    def words(fit: Fit | None) -> str:
        if fit is None:
            return ""
        return str(fit) if width >= _ROOMY else f"{fit.fitting} of {fit.parts}"

    return [words(hit.fit) for hit in hits]


def _name(path: str, room: int) -> str:
    """A path for a column of that width: where it does not fit, its last part begins a line, to stay in one piece."""
    shown = printable(path)
    folder, slash, name = shown.rpartition("/")
    return f"{folder}{slash}\n{name}" if len(shown) > room and folder else shown


def _asked_cell(asked: AskedProbability, marks: Mapping[Mark, str]) -> Text:
    cost = f"{COST_MOST} " if asked.cost_most else ""
    return Text(f"{cost}{asked.percent} % {marks[asked.mark]}", style=_style(asked))


def _asked_text(words: str, asked: AskedProbability, marks: Mapping[Mark, str]) -> Text:
    mark = f"{marks[asked.mark]}{COST_MOST if asked.cost_most else ''}"
    return Text(f"{words} {asked.percent}%{mark}", style=_style(asked))


def _style(asked: AskedProbability) -> str:
    return f"{_STYLES[asked.mark]} bold".strip() if asked.cost_most else _STYLES[asked.mark]


def _marks(encoding: str) -> Mapping[Mark, str]:
    return MARKS if encoding.lower().startswith("utf") else _ASCII_MARKS


def _notes(hit: Hit) -> list[str]:
    turned = [f"turned {hit.face.turned}°"] if hit.face.turned else []
    return turned + [*hit.hard] + ([hit.face.notice] if hit.face.notice else []) + list(hit.marks)


def place_in_words(x: float, y: float, width: float, height: float) -> str:
    """A box for people: where its left upper corner lies, and how large it is, in pixels of the upright photo."""
    return f"{x:.0f},{y:.0f} {width:.0f}x{height:.0f}"


def _explained(asked: AskedProbability) -> dict[str, Any]:
    return {
        "words": hedged(asked.asked),
        "attribute": asked.asked.attribute.name,
        "wanted": asked.asked.wanted,
        "certainty": asked.asked.certainty,
        "probability": rounded(asked.probability),
        "percent": asked.percent,
        "mark": asked.mark.value,
        "grade": asked.grade,
        "cost_most": asked.cost_most,
    }


def _cell(value: Any) -> Any:
    """As it stands in CSV: an explanation in words."""
    if not isinstance(value, list):
        return value
    return "; ".join(
        f"{each['words']} {each['percent']} % {each['mark']}{' (cost most)' if each['cost_most'] else ''}"
        for each in value
    )


def _place(x: float, y: float, width: float, height: float, detection: float) -> dict[str, float]:
    named = zip(("x", "y", "width", "height"), (x, y, width, height), strict=True)
    return {**{name: round(value, 2) for name, value in named}, "detection": rounded(detection)}


def _probabilities(values: NDArray[np.floating], attributes: Sequence[Attribute]) -> dict[str, float]:
    return {each.name: rounded(float(values[each.index])) for each in attributes}


def rounded(value: float) -> float:
    """Six digits of a probability and of its distance from 1: more than the network knows, and what is neither 0 nor 1
    does not become it. Not for a score, whose every digit counts in the ranking.
    """
    margin = min(value, 1 - value)
    return round(value, 5 - math.floor(math.log10(margin))) if margin > 0 else value
