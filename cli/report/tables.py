"""Results as a table for people, and as CSV and JSON for programs. One record (`facesearch.search.records`) feeds both,
so they never differ.

CSV is RFC 4180 in UTF-8 (in a file after a byte order mark, by which Excel knows that; see `cli.commands.outputs`). A
path that is not valid UTF-8 is written as the very bytes that the system gives, so that it opens the file; in JSON such
a byte is an escape \\udcNN (Python's surrogateescape), which `os.fsencode` turns back. A line break in a name stays
within its quoted cell.
"""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote_from_bytes

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from cli.terminal.console import printable, results
from db.faces import FaceDetails
from facesearch.search.hits import LIKELY_FROM, Hit
from facesearch.search.ranking.explain import FITS_FROM, UNSURE_FROM, AskedProbability, Fit, Mark, shared_certainty
from facesearch.search.records import Record, cell, said_in_words

LEAD = "A hit is a lead, not evidence: the network errs, so look at the photo and find other proof."
DIM_BELOW = LIKELY_FROM
"""Hits with a lower score stand back, and a search without a higher one found nobody likely."""
MARKS = {Mark.FITS: "✓", Mark.UNSURE: "?", Mark.FITS_NOT: "✗", Mark.NOT_NEEDED: "·"}
COST_MOST = "!"
_ASCII_MARKS = {Mark.FITS: "+", Mark.UNSURE: "?", Mark.FITS_NOT: "x", Mark.NOT_NEEDED: "."}
_STYLES = {Mark.FITS: "green", Mark.UNSURE: "yellow", Mark.FITS_NOT: "red", Mark.NOT_NEEDED: "dim"}

_PLACE = 17  # columns of "1024,768 120x160", with its gap
_LEAST_PATH = 28  # columns that are kept for a photo's path, at most a third of all
_GAP = 2  # columns between two columns
_NARROW = 60  # columns of a terminal below which no column but the photo's stands beside what was asked
_COMPACT = 120  # columns below which a hit takes two lines of its own and no table
_ROOMY = 160  # columns of a terminal in which what does not fit is named once more


def score_in_words(score: float) -> str:
    """A score in three decimals, which is 1.000 or 0.000 only where it is 1 or 0."""
    shown = f"{score:.3f}"
    if shown == "1.000" and score < 1:
        return ">0.999"
    return "<0.001" if shown == "0.000" and score > 0 else shown


def write_csv(write: Callable[[bytes], object], columns: Sequence[str], records: Iterable[Record]) -> None:
    """A header and one row a record, through `write`."""
    rows = csv.writer(_Encoder(write))
    rows.writerow(columns)
    rows.writerows([cell(record[name]) for name in columns] for record in records)


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
    catalogues: Mapping[Path, str] = MappingProxyType({}),
    pictures: Mapping[int, RenderableType] | None = None,
) -> None:
    """The hits on stdout as `print_hits`, those that stand behind others under a line of their own, `behind`; under it
    these sentences, what the marks say, and what a hit is worth."""
    console = results()
    for some, title in ([hit for hit in hits if not hit.behind], ""), ([hit for hit in hits if hit.behind], behind):
        if title and some:
            console.print(Text(title, style="bold"))
        if some:
            print_hits(console, some, score_heading, fades, said, catalogues, pictures)
    for sentence in below:
        console.print(Text(sentence))
    if hits[0].asked:
        console.print(Text(marks_in_words(hits, console.encoding), style="dim"))
    console.print(Text(LEAD, style="dim"))


def print_hits(
    console: Console,
    hits: Sequence[Hit],
    score_heading: str,
    fades: bool = False,
    said: tuple[int, int] = (0, 0),
    catalogues: Mapping[Path, str] = MappingProxyType({}),
    pictures: Mapping[int, RenderableType] | None = None,
) -> None:
    """The hits as a table, or, where a terminal is too narrow for one or pictures (by rank) stand beside them, in
    two lines each."""
    if console.width >= _COMPACT and pictures is None:
        console.print(hit_table(hits, score_heading, console.width, console.encoding, fades, said, catalogues))
        return
    console.print(Text(f"rank, {score_heading}, what fits; below it the face, its place and its photo", style="dim"))
    for hit in hits:
        if pictures is not None and hit.rank in pictures:
            console.print(pictures[hit.rank])
        where = catalogues.get(hit.catalogue, "") if hit.catalogue else ""
        for line in hit_lines(hit, len(str(hits[-1].rank)), console.width, console.encoding, said, where):
            console.print(line, style="dim" if fades and hit.score < DIM_BELOW else None, soft_wrap=True)


def hit_lines(
    hit: Hit, digits: int, width: int, encoding: str, said: tuple[int, int] = (0, 0), catalogue: str = ""
) -> tuple[Text, Text]:
    """A hit in two lines of at most `width` columns: rank, score and words, those that do not fit first where not all
    have room; and face, place, notes and photo, whose path is shortened from the left and can be clicked. digits: of
    the highest rank. catalogue: what that of the hit is called, where several were searched."""
    utf = encoding.lower().startswith("utf")
    marks, dots = _marks(encoding), "…" if utf else "..."
    first = Text(f"{hit.rank:>{digits}}  {score_in_words(hit.score):>6}")
    if hit.fit is not None:
        searched = f" ({said[0]} of {said[1]} said)" if said[0] < said[1] else ""
        first.append(f"  fits {hit.fit.fitting} of {hit.fit.parts}{searched}")
    words = [_asked_text(*each, marks) for each in zip(asked_words(hit.asked), hit.asked, strict=True)]
    first.append_text(_in_room(words, [each.mark is Mark.FITS for each in hit.asked], width - first.cell_len))
    first.truncate(width)
    face = hit.face
    place = place_in_words(face.x, face.y, face.width, face.height)
    notes = "".join(f", {note}" for note in _notes(hit))
    where = f"{printable(catalogue)}:" if catalogue else ""
    second = Text(f"{' ' * digits}  face {where}{face.face} at {place}{notes}  ")
    second.truncate(width - min(_LEAST_PATH, width // 3), overflow="ellipsis" if utf else "crop")
    second.append_text(photo_link(face, _shortened(printable(face.display), width - second.cell_len, dots)))
    return first, second


def photo_link(face: FaceDetails, shown: str) -> Text:
    """A photo's path that opens the photo where a terminal can."""
    return Text(shown, style=Style(link=f"file://{quote_from_bytes(os.fsencode(face.path))}"))


def _in_room(words: Sequence[Text], fits: Sequence[bool], room: int) -> Text:
    """As many words as there is room for, in their order; where not all have room, those that do not fit go first, and
    the others are counted."""
    chosen = list(range(len(words)))
    by_need = sorted(chosen, key=lambda at: fits[at])  # what does not fit first
    while True:
        shown = Text("  ") if chosen else Text()
        shown.append_text(Text(", ").join([words[at] for at in chosen]))
        left = len(words) - len(chosen)
        if left:
            shown.append(f"{', ' if chosen else '  '}+{left} more")
        if shown.cell_len <= room or not chosen:
            return shown
        chosen = sorted(by_need[: len(chosen) - 1])


def _shortened(path: str, room: int, dots: str) -> str:
    """A path of at most so many columns: without its beginning, and then without the middle of its name."""
    if cell_len(path) <= room:
        return path
    name = path.rpartition("/")[2]
    if cell_len(name) + cell_len(dots) + 1 <= room:
        kept = path
        while cell_len(kept) + cell_len(dots) > room:
            kept = kept[1:]
        return dots + kept
    half = max(1, (room - cell_len(dots)) // 2)
    start, end = name, name
    while cell_len(start) > half:
        start = start[:-1]
    while cell_len(end) > room - cell_len(dots) - cell_len(start):
        end = end[1:]
    return start + dots + end


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
    catalogues: Mapping[Path, str] = MappingProxyType({}),
) -> Table:
    """As many columns as `width` allows: one for each thing asked, or one for all of them; then face and photo. fades:
    `Heading.fades`; said: as in SearchResult. catalogues: what those are called in which hits are, for a last column;
    none where only one was searched."""
    last = max(len("catalogue"), *map(len, catalogues.values())) + _GAP if catalogues else 0
    layout = _laid_out(hits, len(score_heading), width - last, said)
    table = new_table()
    table.add_column("", justify="right", no_wrap=True)
    table.add_column(score_heading, justify="right", no_wrap=True)
    for heading, _ in layout.columns:
        table.add_column(heading, no_wrap=True)
    for each in layout.words if layout.apart else ():
        table.add_column(each, justify="right", no_wrap=True)
    if layout.together:
        table.add_column("as described", max_width=layout.together)
    if layout.with_place:
        table.add_column("at", no_wrap=True)
    table.add_column("face", justify="right", no_wrap=True)
    table.add_column("photo", overflow="fold")
    if catalogues:
        table.add_column("catalogue", overflow="fold")
    marks = _marks(encoding)
    for number, hit in enumerate(hits):
        cells = layout.cells(number, hit, marks)
        name = photo_link(hit.face, _name(hit.face.display, layout.room))
        name.append("".join(f" ({note})" for note in _notes(hit)))
        where = [Text(printable(catalogues[hit.catalogue]))] if catalogues and hit.catalogue else []
        row = (str(hit.rank), score_in_words(hit.score), *cells, str(hit.face.face), name, *where)
        table.add_row(*row, style="dim" if fades and hit.score < DIM_BELOW else None)
    return table


_Columns = list[tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a table of hits has room for. columns: headings and cells beside the score; beside: those of them that have
    no column. words: what was asked for, each in a column of its own (`apart`) or all in one of the width `together`
    (0: none). room: characters of the photo's column."""

    words: list[str]
    columns: _Columns
    beside: _Columns
    apart: bool
    together: int
    with_place: bool
    room: int

    def cells(self, number: int, hit: Hit, marks: Mapping[Mark, str]) -> list[str | Text]:
        """What stands between a hit's score and its number."""
        cells: list[str | Text] = [cells[number] for _, cells in self.columns]
        if self.apart:
            cells += [_asked_cell(each, marks) for each in hit.asked]
        elif self.words:
            told = [f"{heading} {cells[number]}" for heading, cells in self.beside]
            cells.append(_asked_texts(self.words, hit, told, marks))
        face = hit.face
        return [*cells, *([place_in_words(face.x, face.y, face.width, face.height)] if self.with_place else [])]


def _laid_out(hits: Sequence[Hit], score_width: int, width: int, said: tuple[int, int]) -> _Layout:
    words = asked_words(hits[0].asked) if hits else []
    longest = max((len(hit.face.display) for hit in hits), default=0)
    taken = sum(max(9, len(each)) + _GAP for each in words)
    room = width - score_width - 17  # for what was asked, the place and the photo
    known = (("searched", _searched(hits, said, width)), ("fits", _fits(hits, width)))
    filled = [(heading, cells) for heading, cells in known if any(cells)]
    columns = filled if width >= _NARROW or not words else []
    room -= sum(max(len(heading), *map(len, cells)) + _GAP for heading, cells in columns)
    with_place = width >= 120 or taken + longest <= room - _PLACE
    room -= _PLACE if with_place else 0
    apart = taken + min(longest, 36) <= room
    together = 0
    if words and not apart:
        text = sum(len(each) + len(" 100%✓, ") for each in words)  # folds into about as many lines as the photo's name
        photo = max(min(longest, 16), (room - _GAP) * longest // (longest + text))
        together = max(24, room - _GAP - photo)
        taken = together + _GAP
    return _Layout(words, columns, [] if columns else filled, apart, together, with_place, room - taken)


def _asked_texts(words: Sequence[str], hit: Hit, told: Sequence[str], marks: Mapping[Mark, str]) -> Text:
    """All that was asked for in one cell, behind what is told of the hit."""
    described = zip(words, hit.asked, strict=True)
    return Text(", ").join([*map(Text, told), *(_asked_text(each, one, marks) for each, one in described)])


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
    exhibit = [f"exhibit {hit.face.exhibit}"] if hit.face.exhibit else []
    return exhibit + turned + [*hit.hard] + ([hit.face.notice] if hit.face.notice else []) + list(hit.marks)


def place_in_words(x: float, y: float, width: float, height: float) -> str:
    """A box for people: where its left upper corner lies, and how large it is, in pixels of the upright photo."""
    return f"{x:.0f},{y:.0f} {width:.0f}x{height:.0f}"
