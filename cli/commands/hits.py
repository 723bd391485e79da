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
from cli.report.logged import logged_head, logged_record
from cli.report.remedies import error_in_words
from cli.report.summary import notice_records, outcome_in_words, remarks_in_words, searched_in_words
from cli.report.tables import print_table, to_stdout, write_csv, write_json
from cli.report.unseen import unseen_record
from cli.report.wording import behind_in_words, notice_in_words
from cli.terminal.console import now_in_words, say
from db.catalogue import open_catalogue
from facesearch.attributes import ATTRIBUTES
from facesearch.custody.policy import policy_at
from facesearch.search.hits import Searched, SearchResult
from facesearch.search.records import AUDIT_COLUMN, HIT_COLUMNS, Record, header, hit_last_columns, hit_records
from facesearch.search.several import Catalogues, check_networks, labels, open_all

if TYPE_CHECKING:
    from facesearch.custody.audit import Logged

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


# complexipy: ignore (each form of a result, and what it must not be combined with)
@contextmanager
def wanted(output: OutputOptions, *, never: Sequence[Path] = (), catalogues: Sequence[Path] = ()) -> Iterator[Wanted]:
    """Open what the user asked for; it takes its place when the block ends well.

    never: files that must not be overwritten; catalogues: into whose folders nothing is written, as far as they can be
    read, and which are not overwritten either. Raises UsageProblem, FileProblem, and PolicyRefusal for a form that a
    catalogue's policy switches off, before the work starts.
    """
    csv, html, pdf, json, force = output.csv, output.html, output.pdf, output.json, output.force
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
    for catalogue in catalogues:
        policy = policy_at(catalogue)
        for form, asked in (("csv", csv), ("html", html or pdf), ("json", json)):
            if asked:
                policy.permit_export(form)
    for file in (csv, html, pdf):
        if file is not None and file != STDOUT:
            for catalogue in catalogues:
                refuse_evidence(file, catalogue)
    never = [*never, *catalogues]
    with ExitStack() as stack:

        def finish() -> None:
            stack.pop_all().close()

        # Closed in the opposite order: a file is first put in place, then it is said.
        for file in (csv, html, pdf):
            if file is not None and file != STDOUT:
                stack.push(_said_when_written(file))
        csv_file = (
            stack.enter_context(replacing(csv, never=never, force=force)) if csv is not None and csv != STDOUT else None
        )
        html_file = stack.enter_context(replacing(html, never=never, force=force)) if html is not None else None
        pdf_file = stack.enter_context(replacing(pdf, never=never, force=force)) if pdf is not None else None
        copies = None
        if output.copy_to is not None:
            from cli.report.folders import new_folder

            stack.push(_said_when_written(output.copy_to))
            copies = stack.enter_context(new_folder(output.copy_to, catalogues=catalogues))
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
def opened_together(paths: Sequence[Path], *, alike: bool = True) -> Iterator[Catalogues]:
    """One catalogue or several, after saying which ones they are and what is peculiar about each. alike: raises
    RequestError unless they are scored by one network."""
    for path in paths:
        say(f"Catalogue: {path.absolute()}")
        policy_at(path)  # with a mistake in it nothing runs
    with open_all(paths) as among:
        for each in among.opened:
            for notice in each.notices:
                say(notice_in_words(notice))
        if alike:
            check_networks(among)
        yield among


# complexipy: ignore (each form of a result, in the order in which they are written)
def present(result: SearchResult, heading: Heading, wanted: Wanted, catalogue: Path) -> ExitCode:
    """Write and print everything that is wanted; whether there was anything. catalogue: the one that was searched,
    where these are not several."""
    say(f"Faces searched: {searched_in_words(result)}")
    remarks = remarks_in_words(result)
    for remark in remarks:
        say(remark)
    outcome = outcome_in_words(result, heading.expects, heading.again)
    attributes = ATTRIBUTES if wanted.all_attributes else heading.attributes
    described = heading.query is not None
    columns = header(HIT_COLUMNS, attributes, _last_columns(result, heading))

    def records() -> Iterable[Record]:
        return hit_records(result, attributes, heading.like, described)

    if wanted.csv is not None:
        heads = {path: logged_head(own.logged) for path, own in _shown(result, catalogue)}
        logged = (
            {**record, AUDIT_COLUMN: heads[hit.catalogue or catalogue]}
            for hit, record in zip(result.hits, records(), strict=True)
        )
        write_csv(wanted.csv.write, header(HIT_COLUMNS, attributes, _last_columns(result, heading, audit=True)), logged)
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
    for path, own in _shown(result, catalogue):
        log_files(files, [hit.face.face for hit in own.hits], path, own.logged, wanted.copies)
    table = not wanted.csv_on_stdout and not wanted.json and result.hits
    if wanted.csv_on_stdout:
        write_csv(to_stdout, columns, records())
    elif wanted.json:
        write_json(to_stdout, records(), _about(result, heading, [*remarks, *outcome], catalogue))
    elif result.hits:
        behind = behind_in_words(result.musts, result.behind, shown=True) if result.behind else ""
        names = labels([each.path for each in result.several])
        pictures = None
        if wanted.thumbnails:
            from cli.terminal.pictures import face_pictures

            pictures = face_pictures(result, catalogue, show_others=wanted.show_others)
        print_table(result.hits, heading.score, outcome, heading.fades, result.said, behind, names, pictures)
    for sentence in () if table else outcome:
        say(sentence)
    if result.is_partial:
        return ExitCode.PARTIAL
    return ExitCode.FOUND if result.hits else ExitCode.NOTHING


def _last_columns(result: SearchResult, heading: Heading, *, audit: bool = False) -> tuple[str, ...]:
    described = heading.query is not None
    return hit_last_columns(like=bool(heading.like), described=described, audit=audit, several=bool(result.several))


def _shown(result: SearchResult, catalogue: Path) -> list[tuple[Path, SearchResult]]:
    """Each catalogue that was searched, with what of the result is its own."""
    return [(each.path, each.result) for each in result.several if each.result is not None] or [(catalogue, result)]


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


def log_files(
    files: Sequence[NewFile],
    faces: Sequence[int],
    catalogue: Path,
    of: "Logged | None",
    copies: "NewFolder | None" = None,
) -> None:
    """Log what was written, if it was, with the row of what it shows."""
    from facesearch.custody.audit import log_export

    if not files and copies is None:
        return
    written = [(os.path.abspath(each.path), each.sha256.hexdigest()) for each in files]  # noqa: PTH100
    if copies is not None:
        from cli.report.folders import MANIFEST

        written.append((os.path.abspath(copies.path), copies.digests[MANIFEST]))  # noqa: PTH100
    with open_catalogue(catalogue) as target:
        log_export(target, written, faces, of)


def _about(result: SearchResult, heading: Heading, sentences: Sequence[str], catalogue: Path) -> dict[str, Any]:
    """What JSON says above the hits."""
    from cli.report.validated import validated_everywhere

    query = heading.query
    return {
        "description": query.text if query else None,
        "reading": heading.reading or None,
        "remarks": [*heading.remarks, *sentences],
        "notices": notice_records(result, heading),
        "not_scored": list(query.not_scored) if query else [],
        "things_said": dict(zip(("searched", "said"), result.said, strict=True)) if query else None,
        "must": {"words": list(result.musts), "behind": result.behind} if query else None,
        "faces": result.faces,
        "unseen": None if result.several else unseen_record(result.unseen),
        "expected": result.expected if heading.expects else None,
        "searched": searched_in_words(result),
        "facts": [{"label": label, "text": text} for label, text in heading.facts],
        "model": result.model.short,
        "audit": logged_record(result.logged),
        "quality": validated_everywhere(result, catalogue, heading.attributes),
        "catalogue": None if result.several else str(catalogue.absolute()),
        **({"catalogues": [_of_several(each) for each in result.several]} if result.several else {}),
        "date": now_in_words(),
    }


def _of_several(each: Searched) -> dict[str, Any]:
    """What JSON says of one of several catalogues."""
    found = each.result
    return {
        "catalogue": str(each.path),
        "searched": found is not None,
        "problem": error_in_words(each.problem) if each.problem is not None else None,
        "faces": found.faces if found else 0,
        "unseen": unseen_record(found.unseen) if found else None,
        "audit": logged_record(found.logged) if found else None,
    }
