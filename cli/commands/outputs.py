"""Where a command's results go: checked before the work, opened, put in place at the end, and logged."""

import codecs
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from cli.commands.options import OutputOptions
from cli.errors import UsageProblem
from cli.report.files import NewFile, refuse_evidence, replacing
from cli.terminal.console import say
from db.catalogue import open_catalogue
from facesearch.custody.policy import policy_at

if TYPE_CHECKING:
    from cli.report.folders import NewFolder
    from facesearch.custody.audit import Logged

STDOUT = Path("-")


@dataclass(frozen=True, slots=True)
class Outputs:
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

    @property
    def files(self) -> list[NewFile]:
        """All that are written."""
        return [file for file in (self.csv, self.html, self.pdf) if file is not None]


@contextmanager
def open_outputs(
    output: OutputOptions, *, never: Sequence[Path] = (), catalogues: Sequence[Path] = ()
) -> Iterator[Outputs]:
    """Open what the user asked for; it takes its place when the block ends well.

    never: files that must not be overwritten; catalogues: into whose folders nothing is written, as far as they can be
    read, and which are not overwritten either. Raises UsageProblem, FileProblem, and PolicyRefusal for a form that a
    catalogue's policy switches off, before the work starts.
    """
    check_combination(output)
    browser = ""
    if output.pdf is not None:
        from cli.report.pdf import find_browser

        browser = find_browser()
    files = [file for file in (output.csv, output.html, output.pdf) if file is not None and file != STDOUT]
    check_permitted(output, files, catalogues)
    with ExitStack() as stack:

        def finish() -> None:
            stack.pop_all().close()

        # Closed in the opposite order: a file is first put in place, then it is said.
        for file in files:
            stack.push(_said_when_written(file))
        opened = {
            file: stack.enter_context(replacing(file, never=[*never, *catalogues], force=output.force))
            for file in files
        }
        yield Outputs(
            csv=_marked(opened.get(output.csv), plain=output.csv_plain) if output.csv else None,
            html=opened.get(output.html) if output.html else None,
            pdf=opened.get(output.pdf) if output.pdf else None,
            browser=browser,
            show_others=output.show_others,
            copies=_open_folder(stack, output.copy_to, catalogues) if output.copy_to is not None else None,
            thumbnails=output.thumbnails,
            csv_on_stdout=output.csv == STDOUT,
            json=output.json,
            all_attributes=output.all_attributes,
            finish=finish,
        )


def check_combination(output: OutputOptions) -> None:
    """Raises UsageProblem for options that exclude each other, or that one place cannot take."""
    for page, option in ((output.html, "--html"), (output.pdf, "--pdf")):
        if page == STDOUT:
            raise UsageProblem(f"A page cannot go to stdout: name a file after {option}.")
    if output.csv == STDOUT and output.json:
        raise UsageProblem("CSV and JSON cannot both go to stdout: name a file after --csv, or leave out --json.")
    if output.thumbnails:
        if output.json or output.csv == STDOUT:
            raise UsageProblem("--thumbnails shows faces among the hits: leave out --json and --csv -.")
        from cli.terminal.pictures import check_pictures

        check_pictures()
    if output.csv_plain and output.csv is None:
        raise UsageProblem("--csv-plain says how a CSV file begins, and none is asked for: give --csv FILE as well.")
    named = [(option, file) for option, file in _named_files(output) if file is not None]
    for (one, first), (other, second) in combinations(named, 2):
        if os.path.realpath(first) == os.path.realpath(second):
            raise UsageProblem(f"{one} and {other} both name {first}: name two files.")


def _named_files(output: OutputOptions) -> list[tuple[str, Path | None]]:
    return [("--csv", output.csv), ("--html", output.html), ("--pdf", output.pdf)]


def check_permitted(output: OutputOptions, files: Sequence[Path], catalogues: Sequence[Path]) -> None:
    """Raises PolicyRefusal for a form that a catalogue's policy switches off, and UsageProblem for a file in one of its
    folders."""
    forms = [("csv", output.csv), ("html", output.html or output.pdf), ("json", output.json)]
    for catalogue in catalogues:
        policy = policy_at(catalogue)
        for form, asked in forms:
            if asked:
                policy.permit_export(form)
        if output.copy_to is not None:  # whole photos, and all that is known of their faces
            policy.permit_every_export()
        for file in files:
            refuse_evidence(file, catalogue)


def _marked(csv: NewFile | None, *, plain: bool) -> NewFile | None:
    """The same file, after a byte order mark, without which Excel takes it for the encoding of the last century."""
    if csv is not None and csv.is_regular and not plain:
        csv.write(codecs.BOM_UTF8)
    return csv


def _open_folder(stack: ExitStack, folder: Path, catalogues: Sequence[Path]) -> "NewFolder":
    from cli.report.folders import new_folder

    stack.push(_said_when_written(folder))
    return stack.enter_context(new_folder(folder, catalogues=catalogues))


def _said_when_written(file: Path) -> Callable[..., None]:
    def left(kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            say(f"Written: {file}")

    return left


def write_pages(write_to: Callable[[Callable[[bytes], object]], object], outputs: Outputs) -> None:
    """Write a page as HTML, as PDF or as both, from one making of it."""
    html, pdf = outputs.html, outputs.pdf
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

    write_pdf(outputs.browser, both, pdf.write)


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
