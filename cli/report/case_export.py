"""A case as files that open anywhere: the report, its pictures, tables, and all of it as JSON."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cli.report.case_page import CaseReport, write_case
from cli.report.folders import NewFolder
from cli.terminal.console import now_in_words
from db.catalogue import Catalogue
from facesearch.cases.records import HIT_COLUMNS, MARK_COLUMNS, case_record, hit_records, mark_record

_FACE_COLUMNS = ("face", "photo", "exhibit", "sha256", "x", "y", "width", "height", "page", "crop", "whole_photo")


def write_export(into: NewFolder, source: Catalogue, report: CaseReport, *, show_others: bool) -> None:
    """Write the files; the manifest comes last, by whoever called."""
    with into.open("report.html") as write:
        pictures = write_case(write, source, report, show_others=show_others)
    rows = []
    for face in report.order:
        names = {}
        for kind, thumbnail in (("crop", pictures[face].crop), ("photo", pictures[face].whole)):
            if thumbnail.jpeg is not None:
                names[kind] = f"pictures/face-{face}-{kind}.jpg"
                into.add(names[kind], thumbnail.jpeg)
        rows.append(_face_row(report, face, names))
    into.add("faces.csv", _csv(_FACE_COLUMNS, rows))
    into.add("hits.csv", _csv(HIT_COLUMNS, hit_records(report.file)))
    into.add("marks.csv", _csv(MARK_COLUMNS, map(mark_record, report.file.marks)))
    into.add("case.json", _json(case_record(report.file)))
    for each in report.file.statements:
        into.add(f"statements/statement-{each.number}.txt", each.text.encode("utf-8"))
    into.add("README.txt", _readme(report).encode("utf-8"))


def _face_row(report: CaseReport, face: int, names: Mapping[str, str]) -> Mapping[str, Any]:
    details = report.details[face]
    return {
        "face": face,
        "photo": str(details.path),
        "exhibit": details.exhibit,
        "sha256": details.sha256,
        "x": round(details.x, 2),
        "y": round(details.y, 2),
        "width": round(details.width, 2),
        "height": round(details.height, 2),
        "page": details.page,
        "crop": names.get("crop", ""),
        "whole_photo": names.get("photo", ""),
    }


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """RFC 4180 in UTF-8, with a byte order mark for Excel; a text that a spreadsheet would take for a formula stands
    behind an apostrophe, since notes are anybody's."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "surrogateescape")


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "backslashreplace")


def _readme(report: CaseReport) -> str:
    return f"""Case {report.file.case.reference}, written by facesearch on {now_in_words()}.

report.html      the report; open it in any browser, nothing is loaded from elsewhere
pictures/        the faces that it shows, and their photos, reduced
faces.csv        where each of these faces is
hits.csv         every hit of every search, in order, with its score
marks.csv        every mark, those that were taken back as well
statements/      the statements, word by word
case.json        all of it, for programs; requests can be asked again
manifest.sha256  the SHA-256 of each of these files: sha256sum -c manifest.sha256

A hit is a lead, not evidence. A score says how well a picture fits words, not how probable it is that this is the
person. A hit alone is no ground for arrest, charge or a line-up.

This is a copy. What is forgotten in the catalogue later stays in it: who keeps it has to take it out here as well.
"""
