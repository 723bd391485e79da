"""What `search` and `similar` do with their hits: check where they go before the work, then print and write them."""

import codecs
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.commands.options import OutputOptions
from cli.errors import ExitCode, UsageProblem
from cli.report.files import NewFile, refuse_evidence, replacing
from cli.report.heading import Heading
from cli.report.logged import logged_record
from cli.report.summary import outcome_in_words, remarks_in_words, searched_in_words
from cli.report.tables import print_table, to_stdout, write_csv, write_json
from cli.report.unseen import unseen_record
from cli.report.wording import behind_in_words
from cli.terminal.console import now_in_words, say
from db.catalogue import Catalogue, open_catalogue
from facesearch.attributes import ATTRIBUTES
from facesearch.search.hits import SearchResult
from facesearch.search.records import HIT_COLUMNS, Record, header, hit_last_columns, hit_records

if TYPE_CHECKING:
    from cli.report.folders import NewFolder

STDOUT = Path("-")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where the results go: csv, html and pdf are open files, csv_on_stdout and json exclude each other. browser:
    prints the PDF. show_others: as in `write_sheet`.

    finish: puts the files in their place and says so. It happens at the end anyway; who prints much calls it before, so
    that a reader of stdout who stops early does not cost the files.
    """

    csv: NewFile | None
    html: NewFile | None
    pdf: NewFile | None
    browser: str
    show_others: bool
    copies: "NewFolder | None"
    thumbnails: bool
    csv_on_stdout: bool
    json: bool
    all_attributes: bool
    finish: Callable[[], None]


@contextmanager
def wanted(output: OutputOptions, *, never: Sequence[Path] = (), catalogue: Path | None = None) -> Iterator[Wanted]:
    """Open what the user asked for; it takes its place when the block ends well.

    never: files that must not be overwritten; catalogue: into whose folders nothing is written, as far as it can be
    read. Raises UsageProblem and FileProblem before the work starts.
    """
    csv, html, pdf, json = output.csv, output.html, output.pdf, output.json
    for page, option in ((html, "--html"), (pdf, "--pdf")):
        if page == STDOUT:
            raise UsageProblem(f"A page cannot go to stdout: name a file after {option}.")
    if csv == STDOUT and json:
        raise UsageProblem("CSV and JSON cannot both go to stdout: name a file after --csv, or leave out --json.")
    if output.thumbnails:
        if json or csv == STDOUT:
            raise UsageProblem("--thumbnails shows faces among the hits: leave out --json and --csv -.")
        from cli.terminal.pictures import check_pictures

        check_pictures()
    named = {"--csv": csv, "--html": html, "--pdf": pdf}
    for (one, first), (other, second) in combinations(named.items(), 2):
        if first is not None and second is not None and os.path.realpath(first) == os.path.realpath(second):
            raise UsageProblem(f"{one} and {other} both name {first}: name two files.")
    browser = ""
    if pdf is not None:
        from cli.report.pdf import find_browser

        browser = find_browser()
    if output.csv_plain and csv is None:
        raise UsageProblem("--csv-plain says how a CSV file begins, and none is asked for: give --csv FILE as well.")
    for file in (csv, html, pdf):
        if file is not None and file != STDOUT:
            refuse_evidence(file, catalogue)
    with ExitStack() as stack:

        def finish() -> None:
            stack.pop_all().close()

        # Closed in the opposite order: a file is first put in place, then it is said.
        for file in (csv, html, pdf):
            if file is not None and file != STDOUT:
                stack.push(_said_when_written(file))
        csv_file = stack.enter_context(replacing(csv, never=never)) if csv is not None and csv != STDOUT else None
        html_file = stack.enter_context(replacing(html, never=never)) if html is not None else None
        pdf_file = stack.enter_context(replacing(pdf, never=never)) if pdf is not None else None
        copies = None
        if output.copy_to is not None:
            from cli.report.folders import new_folder

            stack.push(_said_when_written(output.copy_to))
            copies = stack.enter_context(new_folder(output.copy_to, catalogue=catalogue))
        if csv_file is not None and csv_file.is_regular and not output.csv_plain:
            csv_file.write(codecs.BOM_UTF8)  # else Excel takes it for the encoding of the last century
        yield Wanted(
            csv=csv_file,
            html=html_file,
            pdf=pdf_file,
            browser=browser,
            show_others=output.show_others,
            copies=copies,
            thumbnails=output.thumbnails,
            csv_on_stdout=csv == STDOUT,
            json=json,
            all_attributes=output.all_attributes,
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


def present(result: SearchResult, heading: Heading, wanted: Wanted, catalogue: Path) -> ExitCode:
    """Write and print everything that is wanted; whether there was anything."""
    say(f"Faces searched: {searched_in_words(result)}")
    remarks = remarks_in_words(result)
    for remark in remarks:
        say(remark)
    outcome = outcome_in_words(result, heading.expects, heading.again)
    attributes = ATTRIBUTES if wanted.all_attributes else heading.attributes
    described = heading.query is not None
    columns = header(HIT_COLUMNS, attributes, hit_last_columns(like=bool(heading.like), described=described))

    def records() -> Iterable[Record]:
        return hit_records(result, attributes, heading.like, described)

    if wanted.csv is not None:
        write_csv(wanted.csv.write, columns, records())
    if wanted.html is not None or wanted.pdf is not None:
        from cli.report.sheet import write_sheet

        def write_to(write: Callable[[bytes], object]) -> None:
            write_sheet(write, result, heading, catalogue, remarks, show_others=wanted.show_others)

        write_pages(write_to, wanted)
    if wanted.copies is not None:
        from cli.report.copies import copy_photos

        for problem in copy_photos(wanted.copies, result):
            say(problem)
        wanted.copies.seal()
    wanted.finish()
    files = [file for file in (wanted.csv, wanted.html, wanted.pdf) if file is not None]
    _log_exports(files, result, catalogue, wanted.copies)
    table = not wanted.csv_on_stdout and not wanted.json and result.hits
    if wanted.csv_on_stdout:
        write_csv(to_stdout, columns, records())
    elif wanted.json:
        write_json(to_stdout, records(), _about(result, heading, [*remarks, *outcome], catalogue))
    elif result.hits:
        behind = behind_in_words(result.musts, result.behind, shown=True) if result.behind else ""
        pictures = None
        if wanted.thumbnails:
            from cli.terminal.pictures import face_pictures

            pictures = face_pictures(result, catalogue, show_others=wanted.show_others)
        print_table(result.hits, heading.score, outcome, heading.fades, result.said, behind, pictures)
    for sentence in () if table else outcome:
        say(sentence)
    return ExitCode.FOUND if result.hits else ExitCode.NOTHING


def write_pages(write_to: Callable[[Callable[[bytes], object]], object], wanted: Wanted) -> None:
    """Write a page as HTML, as PDF or as both, from one making of it."""
    html, pdf = wanted.html, wanted.pdf
    if pdf is None:
        if html is not None:
            write_to(html.write)
        return
    from cli.report.pdf import write_pdf

    def both(write: Callable[[bytes], object]) -> None:
        def each(data: bytes) -> None:
            write(data)
            if html is not None:
                html.write(data)

        write_to(each)

    write_pdf(wanted.browser, both, pdf.write)


def _log_exports(
    files: Sequence[NewFile], result: SearchResult, catalogue: Path, copies: "NewFolder | None" = None
) -> None:
    """Log what was written, if it was, with the row of the search that it shows."""
    from facesearch.custody.audit import log

    if not files and copies is None:
        return
    of = result.logged.head.sequence if result.logged is not None and result.logged.head is not None else None
    written = [{"file": os.path.abspath(each.path), "sha256": each.sha256.hexdigest()} for each in files]  # noqa: PTH100
    if copies is not None:
        from cli.report.folders import MANIFEST

        written.append({"file": os.path.abspath(copies.path), "sha256": copies.digests[MANIFEST]})  # noqa: PTH100
    with open_catalogue(catalogue) as target:
        log(target, "export", {"files": written, "of": of, "faces": [hit.face.face for hit in result.hits]})


def _about(result: SearchResult, heading: Heading, sentences: Sequence[str], catalogue: Path) -> dict[str, Any]:
    """What JSON says above the hits."""
    from cli.report.validated import validated_where

    query = heading.query
    return {
        "description": query.text if query else None,
        "reading": heading.reading or None,
        "remarks": [*heading.remarks, *sentences],
        "not_scored": list(query.not_scored) if query else [],
        "things_said": dict(zip(("searched", "said"), result.said, strict=True)) if query else None,
        "must": {"words": list(result.musts), "behind": result.behind} if query else None,
        "faces": result.faces,
        "unseen": unseen_record(result.unseen),
        "expected": result.expected if heading.expects else None,
        "searched": searched_in_words(result),
        "facts": [{"label": label, "text": text} for label, text in heading.facts],
        "model": result.model.short,
        "audit": logged_record(result.logged),
        "quality": validated_where(catalogue, result.model.digest, heading.attributes),
        "catalogue": str(catalogue.absolute()),
        "date": now_in_words(),
    }
