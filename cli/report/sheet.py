"""A result as a contact sheet: what `--html` writes. Apart from the other outputs, as it needs pictures."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cli.report.files import NewFile
from cli.report.heading import Heading
from cli.report.logged import audit_facts
from cli.report.page import Card, Page, Picture, write_page
from cli.report.summary import outcome_in_words, searched_in_words
from cli.report.tables import DIM_BELOW, marks_in_words, place_in_words
from cli.report.thumbnails import Thumbnail, thumbnails
from cli.report.validated import validated_everywhere
from cli.report.wording import behind_in_words
from cli.terminal.console import now_in_words, say
from cli.terminal.progress import counted
from facesearch.search.hits import Hit, SearchResult
from facesearch.search.records import said_in_words

_LARGE_PAGE = 1000


def write_sheet(file: NewFile, result: SearchResult, heading: Heading, catalogue: Path, remarks: Sequence[str]) -> None:
    """Write the page of a result, with its faces cut from their photos. remarks: on the result, to stand above it."""
    outcome = outcome_in_words(result, heading.expects, heading.again)
    below = DIM_BELOW if heading.fades else 0.0
    if len(result.hits) > _LARGE_PAGE:
        say(f"The page will hold {len(result.hits):,} faces and be slow to open: --top limits it.")
    facts = [
        *heading.facts,
        *(("Remark", each) for each in remarks),
        *(("Result", each) for each in outcome if result.hits),
        *([("Faded", f"scores below {DIM_BELOW:g}")] if any(hit.score < below for hit in result.hits) else []),
        ("Faces searched", searched_in_words(result)),
        *([("Marks", marks_in_words(result.hits))] if any(hit.asked for hit in result.hits) else []),
        *(("Catalogue", str(each.path)) for each in result.several if each.result is not None),
        *([] if result.several else [("Catalogue", str(catalogue.absolute()))]),
        ("Network", result.model.short),
        ("Quality", validated_everywhere(result, catalogue, heading.attributes)),
        *audit_facts(result.logged),
        *(
            (label, f"{each.path}: {text}")
            for each in result.several
            if each.result is not None
            for label, text in audit_facts(each.result.logged)
        ),
        ("Date", now_in_words()),
    ]
    page = Page(
        heading.kind,
        heading.title,
        heading.score,
        facts,
        probe=heading.probe,
        photo=heading.photo,
        panels=heading.panels,
        hits_title=heading.hits_title,
        empty=" ".join(outcome),
        behind=behind_in_words(result.musts, result.behind, shown=True) if result.behind else "",
    )
    with counted("Cutting out faces", len(result.hits), from_on=50) as done:
        write_page(file.write, page, _cards(result, below, done))


def _cards(result: SearchResult, faded_below: float, done: Callable[[int], None]) -> Iterator[Card]:
    """In slices, so that a page of very many hits does not stand in memory as a whole."""
    hits = result.hits
    searched = said_in_words(result.said) if any(result.said) else ""
    for start in range(0, len(hits), _LARGE_PAGE):
        some = hits[start : start + _LARGE_PAGE]
        pictures = _thumbnails(some, done)
        for hit in some:
            picture = _picture(hit, pictures[hit.catalogue, hit.face.face])
            fits = f"fits {hit.fit}" if hit.fit else ""
            yield Card(
                hit.rank, hit.score, hit.asked, picture, hit.score < faded_below, searched, fits, bool(hit.behind)
            )


def _thumbnails(hits: Sequence[Hit], done: Callable[[int], None]) -> dict[tuple[Path | None, int], Thumbnail]:
    """By catalogue and face, since the numbers of two catalogues are not the same faces."""
    found: dict[tuple[Path | None, int], Thumbnail] = {}
    for catalogue in dict.fromkeys(hit.catalogue for hit in hits):
        cut = thumbnails([hit.face for hit in hits if hit.catalogue == catalogue], done)
        found |= {(catalogue, face): thumbnail for face, thumbnail in cut.items()}
    return found


def _picture(hit: Hit, thumbnail: Thumbnail) -> Picture:
    face = hit.face
    place = place_in_words(face.x, face.y, face.width, face.height)
    notes = [f"face {face.face} at {place}, detection {face.detection:.2f}"]
    if face.turned:
        notes.append(f"found in the photo turned by {face.turned}°")
    notes += hit.hard
    notes += hit.marks
    shot = [f"{face.taken:%Y-%m-%d}" if face.taken else "", face.camera]
    notes += [", ".join(filter(None, shot))] if any(shot) else []
    notes += [face.notice] if face.notice else []
    notes += [f"exhibit {face.exhibit}"] if face.exhibit else []
    notes.append(str(face.path.parent))
    notes += [f"catalogue {hit.catalogue}"] if hit.catalogue else []
    return Picture(thumbnail, os.fsencode(face.path), face.path.name + face.where, notes)
