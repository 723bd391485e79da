"""What `search` and `similar` do with their hits: check where they go before the work, then print and write them."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.console import say
from cli.errors import ExitCode, UsageProblem
from cli.files import NewFile, replacing
from cli.outcome import outcome_in_words, searched_in_words, small_remarks
from cli.output import (
    HIT_COLUMNS,
    HIT_LAST_COLUMNS,
    header,
    hit_records,
    marks_in_words,
    print_table,
    stands_back,
    to_stdout,
    write_csv,
    write_json,
)
from cli.page import Card, Page, Picture, write_page
from cli.progress import counted
from cli.thumbnails import Thumbnail, thumbnails
from db.catalogue import Catalogue, open_catalogue
from facesearch.attributes import ATTRIBUTES, Attribute
from facesearch.hits import Hit, SearchResult
from facesearch.query import Query

STDOUT = Path("-")
_LARGE_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where the results go: csv and html are open files, csv_on_stdout and json exclude each other.

    finish: puts the files in their place and says so. It happens at the end anyway; who prints much calls it before, so
    that a reader of stdout who stops early does not cost the files.
    """

    csv: NewFile | None
    html: NewFile | None
    csv_on_stdout: bool
    json: bool
    all_attributes: bool
    finish: Callable[[], None]


@contextmanager
def wanted(
    *,
    csv: Path | None,
    html: Path | None = None,
    json: bool,
    all_attributes: bool = False,
    never: Sequence[Path] = (),
) -> Iterator[Wanted]:
    """Open what the user asked for; it takes its place when the block ends well.

    never: files that must not be overwritten. Raises UsageProblem and FileProblem before the work starts.
    """
    if html == STDOUT:
        raise UsageProblem("A page cannot go to stdout: name a file after --html.")
    if csv == STDOUT and json:
        raise UsageProblem("CSV and JSON cannot both go to stdout: name a file after --csv, or leave out --json.")
    if csv is not None and html is not None and os.path.realpath(csv) == os.path.realpath(html):
        raise UsageProblem(f"--csv and --html both name {csv}: name two files.")
    with ExitStack() as stack:

        def finish() -> None:
            stack.pop_all().close()

        # Closed in the opposite order: a file is first put in place, then it is said.
        for file in (csv, html):
            if file is not None and file != STDOUT:
                stack.push(_said_when_written(file))
        yield Wanted(
            csv=stack.enter_context(replacing(csv, never=never)) if csv is not None and csv != STDOUT else None,
            html=stack.enter_context(replacing(html, never=never)) if html is not None else None,
            csv_on_stdout=csv == STDOUT,
            json=json,
            all_attributes=all_attributes,
            finish=finish,
        )


def _said_when_written(file: Path) -> Callable[..., None]:
    def left(kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            say(f"Written: {file}")

    return left


@contextmanager
def opened(path: Path, *, create: bool = False) -> Iterator[Catalogue]:
    """The catalogue, after saying which one it is and what is peculiar about it."""
    say(f"Catalogue: {path.absolute()}")
    with open_catalogue(path, create=create) as catalogue:
        for remark in catalogue.remarks:
            say(remark)
        yield catalogue


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a result. kind, title, facts and probe: as in `Page`; score: heading of its column.

    attributes: what was asked for, each once, in order of appearance: the columns that CSV and JSON have. query: the
    description that was searched for; reading: how it and the filters beside it were read. expects: whether to say how
    many faces are expected to fit.
    """

    kind: str
    title: str
    score: str
    facts: Sequence[tuple[str, str]]
    probe: Picture | None = None
    attributes: tuple[Attribute, ...] = ()
    query: Query | None = None
    reading: str = ""
    expects: bool = False


def present(result: SearchResult, heading: Heading, wanted: Wanted, catalogue: Path) -> ExitCode:
    """Write and print everything that is wanted; whether there was anything."""
    searched = searched_in_words(result)
    say(f"Faces searched: {searched}")
    if result.unscored:
        them = "1 face is not searched: only a newer network has scored it"
        if result.unscored > 1:
            them = f"{result.unscored:,} faces are not searched: only a newer network has scored them"
        say(f"{them}, which serves once it has scored all; run `facesearch index` to go on.")
    remarks = [*result.remarks, *small_remarks(result)]
    for remark in remarks:
        say(remark)
    outcome = outcome_in_words(result, heading.expects)
    attributes = ATTRIBUTES if wanted.all_attributes else heading.attributes
    columns = header(HIT_COLUMNS, attributes, HIT_LAST_COLUMNS)
    if wanted.csv is not None:
        write_csv(wanted.csv.write, columns, hit_records(result, attributes))
    if wanted.html is not None:
        _write_page(wanted.html, result, heading, catalogue, searched, remarks, outcome)
    wanted.finish()
    table = not wanted.csv_on_stdout and not wanted.json and result.hits
    if wanted.csv_on_stdout:
        write_csv(to_stdout, columns, hit_records(result, attributes))
    elif wanted.json:
        write_json(to_stdout, hit_records(result, attributes), _about(result, heading, [*remarks, *outcome]))
    elif result.hits:
        print_table(result.hits, heading.score, outcome)
    for sentence in () if table else outcome:
        say(sentence)
    return ExitCode.FOUND if result.hits else ExitCode.NOTHING


def _about(result: SearchResult, heading: Heading, sentences: Sequence[str]) -> dict[str, Any]:
    """What JSON says above the hits."""
    query = heading.query
    return {
        "description": query.text if query else None,
        "reading": heading.reading or None,
        "remarks": [*(query.remarks if query else ()), *sentences],
        "not_scored": list(query.not_scored) if query else [],
        "faces": result.faces,
        "expected": result.expected if heading.expects else None,
        "model": result.model.short,
    }


def _write_page(
    file: NewFile,
    result: SearchResult,
    heading: Heading,
    catalogue: Path,
    searched: str,
    remarks: Sequence[str],
    outcome: Sequence[str],
) -> None:
    if len(result.hits) > _LARGE_PAGE:
        say(f"The page will hold {len(result.hits):,} faces and be slow to open: --top limits it.")
    facts = [
        *heading.facts,
        *(("Remark", each) for each in remarks),
        *(("Result", each) for each in outcome if result.hits),
        ("Faces searched", searched),
        *([("Marks", marks_in_words(result.hits))] if any(hit.asked for hit in result.hits) else []),
        ("Catalogue", str(catalogue.absolute())),
        ("Model", result.model.short),
        ("Date", datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")),
    ]
    page = Page(heading.kind, heading.title, heading.score, facts, heading.probe, *(() if result.hits else outcome))
    with counted("Cutting out faces", len(result.hits), from_on=50) as done:
        write_page(file.write, page, _cards(result.hits, done))


def _cards(hits: Sequence[Hit], done: Callable[[int], None]) -> Iterator[Card]:
    """In slices, so that a page of very many hits does not stand in memory as a whole."""
    for start in range(0, len(hits), _LARGE_PAGE):
        some = hits[start : start + _LARGE_PAGE]
        pictures = thumbnails([hit.face for hit in some], done)
        for hit in some:
            yield Card(hit.rank, hit.score, hit.asked, _picture(hit, pictures[hit.face.face]), stands_back(hit))


def _picture(hit: Hit, thumbnail: Thumbnail) -> Picture:
    face = hit.face
    notes = [f"face {face.face}, detection {face.detection:.2f}"]
    if face.turned:
        notes.append(f"found in the photo turned by {face.turned}°")
    if hit.small:
        notes.append("small")
    notes.append(str(face.path.parent))
    return Picture(thumbnail, os.fsencode(face.path), face.path.name, notes)
