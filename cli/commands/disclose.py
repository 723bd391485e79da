"""`facesearch disclose` and `replay`: what another party needs to check a case, and the check."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode
from cli.terminal.console import printable, results, say


def disclose(
    context: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Its reference.", show_default=False)],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.", show_default=False)],
    show_others: options.ShowOthersOption = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Seal what another party needs to check a case, with a report to look at.

    Statements, requests, ordered lists, marks, the log, the scores that were searched (by number of the face, without
    photos) and the SHA-256 of the network. `facesearch replay FOLDER` on another machine asks every search again and
    says "identical", or what differs.
    """
    from cli.commands.opening import opened
    from cli.report.case_page import case_report, write_case
    from cli.report.folders import new_folder
    from facesearch.cases.cases import Cases
    from facesearch.cases.disclosing import disclose as write_disclosure
    from facesearch.custody.policy import permit

    path = options.catalogue_of(context, catalogue)
    with opened(path) as source:
        permit(source).permit_every_export()
        cases = Cases(source)
        file = cases.file(case)
        report = case_report(source, file)
        with new_folder(folder, catalogues=[path]) as made:
            write_disclosure(source, file, made.add)
            with made.open("report.html") as write:
                write_case(write, source, report, show_others=show_others)
            made.add("README.txt", _README.encode())
            digest = made.seal()
        where = os.path.abspath(folder)  # noqa: PTH100
        cases.log_shown(file.case.reference, "disclose", file.faces, files=[{"file": where, "sha256": digest}])
    say(f"Written: {folder}")
    say(f"Its seal, the SHA-256 of its manifest, to be handed on in another way: {digest}")
    say("What is forgotten in the catalogue later stays in it.")
    return ExitCode.FOUND


def replay(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What `disclose` has written.", show_default=False)],
    seal: Annotated[
        str | None, typer.Option("--seal", metavar="SHA256", help="The seal that was handed on.", show_default=False)
    ] = None,
) -> int:
    """Check a disclosed case: files, log, and every search asked again over the disclosed scores.

    Says "identical", or what differs. Needs neither the catalogue nor the photos.
    """
    from hashlib import sha256

    from cli.report.folders import MANIFEST, check_manifest
    from facesearch.cases.disclosing import replay as ask_again

    out = results()

    def line(text: str) -> None:
        out.print(printable(text), soft_wrap=True)

    _, wrong = check_manifest(folder)
    digest = sha256((folder / MANIFEST).read_bytes()).hexdigest()
    if seal is not None and seal.strip().lower() != digest:
        wrong.insert(0, f"The seal is another: this folder has {digest}.")
    for sentence in wrong:
        line(sentence)
    found, log = ask_again(folder)
    if log:
        line(log)
    for each in found:
        verdict = "identical" if each.is_identical else each.problem or " ".join(each.differences)
        since = f" ({each.since:,} faces were added or changed since, and left out)" if each.since else ""
        line(f"Search {each.number}, {each.reading or 'forgotten'}, {each.hits:,} hits: {verdict}{since}")
    same = not wrong and not log and all(each.is_identical for each in found)
    if seal is None:
        say("Without the seal (--seal), a folder that was written anew as a whole cannot be told from the sealed one.")
    line("identical" if same else "not identical")
    return ExitCode.FOUND if same else ExitCode.SOME_FAILED


_README = """What is needed to check a case of facesearch, without the original photos.

report.html      the case as a report; open it in any browser
case.json        statements, requests, ordered lists, marks
scores/          what the network says of each face that was searched: logits of 40 attributes (NumPy arrays), by the
                 number of the face; for each search the numbers of the faces that it looked at
network.json     the SHA-256 of the network's file, and how its logits become probabilities
log.json         the audit log: every row with the digests that chain it, and what the rows of this case say
statements/      the statements, word by word
manifest.sha256  the SHA-256 of each of these files

facesearch replay FOLDER --seal SHA256 checks all of it, and asks every search again.

A hit is a lead, not evidence. A score says how well a picture fits words, not how probable it is that this is the
person. A hit alone is no ground for arrest, charge or a line-up.
"""
