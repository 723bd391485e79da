"""What `search` and `similar` do with their hits: check where they go before the work, then print and write them."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cli.console import say
from cli.errors import ExitCode, UsageProblem
from cli.files import NewFile, replacing
from cli.output import HIT_COLUMNS, header, hit_records, print_table, to_stdout, write_csv, write_json
from cli.page import Card, Page, Picture, write_page
from cli.progress import counted
from cli.thumbnails import Thumbnail, thumbnails
from db.catalogue import Catalogue, open_catalogue
from facesearch.attributes import ATTRIBUTES, Attribute
from facesearch.hits import Hit, SearchResult

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

    attributes: what was asked for, each once, in order of appearance: the columns that CSV and JSON have.
    """

    kind: str
    title: str
    score: str
    facts: Sequence[tuple[str, str]]
    probe: Picture | None = None
    attributes: tuple[Attribute, ...] = ()


def present(result: SearchResult, heading: Heading, wanted: Wanted, catalogue: Path) -> ExitCode:
    """Write and print everything that is wanted; whether there was anything."""
    searched = f"{result.faces:,}"
    if result.withheld:
        searched += f"; left out because their detection score is below --min-detection: {result.withheld:,}"
    say(f"Faces searched: {searched}")
    if result.unscored:
        them = "1 face is not searched: only a newer network has scored it"
        if result.unscored > 1:
            them = f"{result.unscored:,} faces are not searched: only a newer network has scored them"
        say(f"{them}, which serves once it has scored all; run `facesearch index` to go on.")
    attributes = ATTRIBUTES if wanted.all_attributes else heading.attributes
    columns = header(HIT_COLUMNS, attributes)
    if wanted.csv is not None:
        write_csv(wanted.csv.write, columns, hit_records(result, attributes))
    if wanted.html is not None:
        _write_page(wanted.html, result, heading, searched, catalogue)
    wanted.finish()
    if wanted.csv_on_stdout:
        write_csv(to_stdout, columns, hit_records(result, attributes))
    elif wanted.json:
        write_json(to_stdout, hit_records(result, attributes))
    elif result.hits:
        print_table(result, heading.score)
    if not result.hits:
        say("No face matched.")
    return ExitCode.FOUND if result.hits else ExitCode.NOTHING


def _write_page(file: NewFile, result: SearchResult, heading: Heading, searched: str, catalogue: Path) -> None:
    if len(result.hits) > _LARGE_PAGE:
        say(f"The page will hold {len(result.hits):,} faces and be slow to open: --top limits it.")
    facts = [
        *heading.facts,
        ("Faces searched", searched),
        ("Catalogue", str(catalogue.absolute())),
        ("Model", result.model.short),
        ("Date", datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")),
    ]
    page = Page(heading.kind, heading.title, heading.score, facts, heading.probe)
    with counted("Cutting out faces", len(result.hits), from_on=50) as done:
        write_page(file.write, page, _cards(result.hits, done))


def _cards(hits: Sequence[Hit], done: Callable[[int], None]) -> Iterator[Card]:
    """In slices, so that a page of very many hits does not stand in memory as a whole."""
    for start in range(0, len(hits), _LARGE_PAGE):
        some = hits[start : start + _LARGE_PAGE]
        pictures = thumbnails([hit.face for hit in some], done)
        for hit in some:
            words = [(each.asked.words, each.probability) for each in hit.asked]
            yield Card(hit.rank, hit.score, words, _picture(hit, pictures[hit.face.face]))


def _picture(hit: Hit, thumbnail: Thumbnail) -> Picture:
    face = hit.face
    notes = [f"face {face.face}, detection {face.detection:.2f}"]
    if face.turned:
        notes.append(f"found in the photo turned by {face.turned}°")
    notes.append(str(face.path.parent))
    return Picture(thumbnail, os.fsencode(face.path), face.path.name, notes)
