"""How `facesearch show` shows a face: in a terminal, as a page, as JSON."""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from math import floor, isnan
from pathlib import Path

from rich.table import Table
from rich.text import Text

from cli.report.heading import Heading
from cli.report.remedies import error_in_words
from cli.report.tables import LEAD, place_in_words, print_hits, to_stdout, write_json
from cli.terminal.console import WIDE, printable, results
from db.errors import FaceUnfound
from db.paths import display, is_there
from facesearch.attributes import ATTRIBUTES, Attribute, Group, members
from facesearch.places import marks_at
from facesearch.query.phrases import phrase
from facesearch.reliability import UNGRADED
from facesearch.search.face import FaceReport
from facesearch.search.ranking.explain import whole_percent
from facesearch.search.records import face_report_record, hit_records
from facesearch.vision.detection.detector import SEARCH_FROM

GRADES = "A to D: how far the network can be relied on for an attribute (`facesearch attributes` says more)"
NEAREST = "Faces with similar attributes; this is not face recognition"

_COLUMN = 39  # least width of a column of attributes
_GAP = 2  # between two of them
_LABEL = max(len(phrase(each.index, True)) for each in ATTRIBUTES)


def print_face(found: FaceReport) -> None:
    """On stdout, for people."""
    console = results()
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in facts_of(found):
        table.add_row(label, printable(text))
    console.print(table)
    console.print()
    console.print(_attribute_table(found, console.width, blocks=console.encoding.lower().startswith("utf")))
    if any(found.grades):
        console.print(Text(GRADES, style="dim"))
    if found.nearest.hits:
        console.print()
        console.print(Text(NEAREST, style="bold"))
        print_hits(console, found.nearest.hits, "similarity")
    console.print(Text(LEAD, style="dim"))


def facts_of(found: FaceReport) -> Iterator[tuple[str, str]]:
    """What is known of a face and its photo: label and text."""
    face = found.face.face
    yield "Face", str(face.face)
    there = [(path, "" if is_there(path) else " (not there now)") for path in face.paths]
    for path, note in [*there, *((path, " (gone since the last index run)") for path in found.face.missing)]:
        marks = "".join(f" ({mark})" for mark in marks_at(os.fsencode(path), face.inside.get(path, b"")))
        exhibit = f"{face.exhibits[path]}: " if path in face.exhibits else ""
        yield "Photo", exhibit + display(os.fsencode(path)) + face.where + note + marks
    if face.notice:
        yield "Notice", face.notice
    known = face.page == 1 and found.face.photo_width is not None  # of the first picture alone
    size = f"{found.face.photo_width} x {found.face.photo_height} pixels, " if known else ""
    yield "", f"{size}{found.face.photo_bytes:,} bytes{f', {found.face.format}' if found.face.format else ''}"
    turned = f", found in the photo turned by {face.turned}°" if face.turned else ""
    hard = f", {' and '.join(found.hard)}: hard to judge" if found.hard else ""
    yield "Place", f"{place_in_words(face.x, face.y, face.width, face.height)} pixels{turned}{hard}"
    bound = f", below {SEARCH_FROM:g}: only searched with --min-detection {floor(face.detection * 100) / 100:g}"
    yield "Detection", f"{face.detection:.2f}{bound if face.detection < SEARCH_FROM else ''}"
    yield "Taken", f"{face.taken:%Y-%m-%d %H:%M:%S}" if face.taken else "unknown"
    yield "Camera", face.camera or "unknown"
    yield "SHA-256", face.sha256
    yield "Network", found.face.model.short


def _attribute_table(found: FaceReport, width: int, blocks: bool) -> Table:
    """The groups, in as many columns as fit and of about equal height; one attribute a line where no terminal is."""
    count = 1 if width >= WIDE else max(1, min(3, (width + _GAP) // (_COLUMN + _GAP)))
    bar = max(10, min(30, (width + _GAP) // count - _GAP - _LABEL - 9))
    groups = [
        [Text(group.heading, style="bold"), *(_line(found, each, bar, blocks) for each in _shown(found, group))]
        for group in Group
    ]
    table = Table.grid(padding=(0, _GAP))
    table.add_row(*(Text("\n").join(lines) for lines in _columns(groups, count)))
    return table


def _shown(found: FaceReport, group: Group) -> list[Attribute]:
    """Those of the group that a policy lets be shown."""
    return [each for each in members(group) if not isnan(found.probabilities[each.index])]


def _columns(groups: Sequence[list[Text]], count: int) -> list[list[Text]]:
    """The groups one below the other, cut between two of them into `count` columns."""
    heights = list(accumulate(len(lines) for lines in groups))
    columns: list[list[Text]] = [[] for _ in range(count)]
    for lines, bottom in zip(groups, heights, strict=True):
        middle = bottom - len(lines) / 2
        columns[min(count - 1, int(middle * count / heights[-1]))] += lines
    return columns


def _line(found: FaceReport, attribute: Attribute, bar: int, blocks: bool) -> Text:
    p = float(found.probabilities[attribute.index])
    grade = found.grades[attribute.index] or UNGRADED
    line = Text(f"{phrase(attribute.index, True):<{_LABEL}} ")
    line.append(f"{'█' * round(p * bar) if blocks else '#' * round(p * bar):<{bar}}", style="cyan")
    return line.append(f" {whole_percent(p):3} % {grade}")


def write_page(
    write: Callable[[bytes], object], found: FaceReport, catalogue: Path, *, show_others: bool = False
) -> None:
    """With the face itself and those that are most like it. show_others: let other faces in the photos be seen."""
    from cli.report.page import Bar, Panel, Picture
    from cli.report.sheet import others_of, write_sheet
    from cli.report.summary import remarks_in_words
    from cli.report.thumbnails import shown_faces, whole_photo

    face = found.face.face
    others = {} if show_others else others_of(catalogue, [face])
    picture = shown_faces([face], others, lambda _: None)[face.face].crop
    photo, name = os.fsencode(face.path), face.path.name + face.where
    panels = [
        Panel(
            group.heading,
            [
                Bar(phrase(each.index, True), float(found.probabilities[each.index]), found.grades[each.index])
                for each in _shown(found, group)
            ],
        )
        for group in Group
    ]
    heading = Heading(
        kind="A face and its attributes",
        title=f"Face {face.face}",
        score="similarity",
        facts=[each for each in facts_of(found) if each[0] not in ("Face", "Network")]
        + ([("Grades", GRADES)] if any(found.grades) else []),
        probe=Picture(picture, photo, name, ()),
        photo=Picture(whole_photo(face, others.get(face.face, ())), photo, name, ("(the frame is around the face)",)),
        panels=panels,
        hits_title=NEAREST,
    )
    remarks = remarks_in_words(found.nearest)
    write_sheet(write, found.nearest, heading, catalogue, remarks, show_others=show_others)


def print_json(found: FaceReport) -> None:
    """On stdout, for programs: an object."""
    write_json(to_stdout, hit_records(found.nearest, ()), face_report_record(found), "nearest")


def print_unfound(face: int, problem: FaceUnfound) -> None:
    """The same for a face that is not searched any more: its number and why."""
    write_json(to_stdout, (), {"face": face, "problem": error_in_words(problem)}, "nearest")
