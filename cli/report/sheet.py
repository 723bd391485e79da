"""A result as a contact sheet: what `--html` and `--pdf` write. Apart from the other outputs, as it needs pictures."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cli.report.heading import Heading
from cli.report.logged import audit_facts
from cli.report.network import network_about
from cli.report.page import Card, Page, Picture, words_of, write_page
from cli.report.summary import outcome_in_words, searched_in_words
from cli.report.tables import DIM_BELOW, marks_in_words, place_in_words
from cli.report.thumbnails import Shown, Thumbnail, shown_faces
from cli.report.validated import validated_everywhere
from cli.report.wording import behind_in_words
from cli.terminal.console import now_in_words, say
from cli.terminal.progress import counted
from db import faces
from db.catalogue import open_catalogue
from db.faces import FaceDetails
from db.values.box import Box
from facesearch.custody.acting import acting_now
from facesearch.reliability import Hard
from facesearch.search.hits import Hit, SearchResult
from facesearch.search.records import said_in_words

_LARGE_PAGE = 1000
OTHERS_VEILED = "other faces that were found in a photo are made unrecognisable (--show-others shows them)"


def write_sheet(
    write: Callable[[bytes], object],
    result: SearchResult,
    heading: Heading,
    catalogue: Path,
    remarks: Sequence[str],
    *,
    show_others: bool = False,
) -> None:
    """Write the page of a result, with its faces cut from their photos. remarks: on the result, to stand above it.
    show_others: let other faces in the photos be seen."""
    outcome = outcome_in_words(result, heading.expects, heading.again)
    below = DIM_BELOW if heading.fades else 0.0
    if len(result.hits) > _LARGE_PAGE:
        say(f"The page will hold {len(result.hits):,} faces and be slow to open: --top limits it.")
    facts = [
        *acting_facts(),
        *heading.facts,
        *(("Remark", each) for each in remarks),
        *(("Result", each) for each in outcome if result.hits),
        *([("Unlikely", f"scores below {DIM_BELOW:g}")] if any(hit.score < below for hit in result.hits) else []),
        ("Faces searched", searched_in_words(result)),
        *([("Marks", marks_in_words(result.hits))] if any(hit.asked for hit in result.hits) else []),
        *([] if show_others else [("Photos", OTHERS_VEILED)]),
        *(("Catalogue", str(each.path)) for each in result.several if each.result is not None),
        *([] if result.several else [("Catalogue", str(catalogue.absolute()))]),
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
        facts,
        probe=heading.probe,
        photo=heading.photo,
        panels=heading.panels,
        hits_title=heading.hits_title,
        empty=" ".join(outcome),
        behind=behind_in_words(result.musts, result.behind, shown=True) if result.behind else "",
        network=network_about(
            result.model, heading.attributes, validated_everywhere(result, catalogue, heading.attributes)
        ),
        footer=" · ".join(each for each in (acting_now().case, heading.title[:90], now_in_words()) if each),
    )
    with counted("Cutting out faces", len(result.hits), from_on=50) as done:
        write_page(write, page, _cards(result, heading, catalogue, below, done, show_others=show_others))


def acting_facts() -> list[tuple[str, str]]:
    """For which case the work is done, by whom and why, as far as somebody said."""
    now = acting_now()
    told = (("Case", now.case), ("Examiner", now.examiner), ("Reason", now.reason))
    return [(label, text) for label, text in told if text]


def _cards(
    result: SearchResult,
    heading: Heading,
    catalogue: Path,
    unlikely_below: float,
    done: Callable[[int], None],
    *,
    show_others: bool,
) -> Iterator[Card]:
    """In slices, so that a page of very many hits does not stand in memory as a whole."""
    hits = result.hits
    searched = said_in_words(result.said) if any(result.said) else ""
    for start in range(0, len(hits), _LARGE_PAGE):
        some = hits[start : start + _LARGE_PAGE]
        pictures = pictures_of(some, catalogue, done, show_others=show_others)
        for hit in some:
            picture = pictures[hit.catalogue, hit.face.face]
            said = [f"searched: {searched}" if searched else "", fit_in_words(hit, result)]
            yield Card(
                f"{hit.rank}.",
                f"Face {hit.rank}",
                picture_of(hit.face, picture.crop, hit.hard, hit.marks, hit.catalogue),
                score=hit.score,
                score_kind=heading.score,
                words=words_of(hit.asked),
                said=[each for each in said if each],
                whole=picture.whole,
                unlikely=hit.score < unlikely_below,
                behind=bool(hit.behind),
            )


def pictures_of(
    hits: Sequence[Hit], catalogue: Path, done: Callable[[int], None], *, show_others: bool
) -> dict[tuple[Path | None, int], Shown]:
    """By catalogue and face, since the numbers of two catalogues are not the same faces."""
    found: dict[tuple[Path | None, int], Shown] = {}
    for own in dict.fromkeys(hit.catalogue for hit in hits):
        shown = [hit.face for hit in hits if hit.catalogue == own]
        cut = shown_faces(shown, {} if show_others else others_of(own or catalogue, shown), done)
        found |= {(own, face): picture for face, picture in cut.items()}
    return found


def others_of(catalogue: Path, shown: Sequence[FaceDetails]) -> dict[int, tuple[Box, ...]]:
    """By face id where other faces are in its photo."""
    with open_catalogue(catalogue) as source, source.read() as session:
        return faces.neighbours(session, shown)


def fit_in_words(hit: Hit, result: SearchResult) -> str:
    """How many words fit, and how many other faces fit as well."""
    if hit.fit is None:
        return ""
    others = result.fit_as_well(hit)
    as_well = "" if others is None else f"; as many or more fit {others:,} of {result.faces - 1:,} other faces"
    return f"fits {hit.fit}{as_well}"


def picture_of(
    face: FaceDetails,
    thumbnail: Thumbnail,
    hard: Sequence[Hard] = (),
    places: Sequence[str] = (),
    catalogue: Path | None = None,
) -> Picture:
    """The picture of a face with all that is to be said of it. places: in what sort of place its file lies; catalogue:
    in which of several it is."""
    place = place_in_words(face.x, face.y, face.width, face.height)
    notes = [f"face {face.face} at {place}, detection {face.detection:.2f}"]
    if face.turned:
        notes.append(f"found in the photo turned by {face.turned}°")
    notes += hard
    notes += places
    capture = [f"{face.taken:%Y-%m-%d}" if face.taken else "", face.camera]
    notes += [", ".join(filter(None, capture))] if any(capture) else []
    notes += [face.notice] if face.notice else []
    notes += [f"exhibit {face.exhibit}"] if face.exhibit else []
    notes.append(str(face.path.parent))
    notes += [f"catalogue {catalogue}"] if catalogue else []
    notes.append(f"SHA-256 {face.sha256}")
    return Picture(thumbnail, os.fsencode(face.path), face.path.name + face.where, notes)
