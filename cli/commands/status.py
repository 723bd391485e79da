"""`facesearch status`: what the catalogue holds, and which network serves it."""

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode
from cli.report.wording import counted
from cli.terminal.console import printable, results
from db.paths import display

if TYPE_CHECKING:
    from datetime import datetime

    from db.catalogue import Catalogue
    from db.erasure import Summary
    from db.photos import Failure, Remarkable
    from db.values.scoring_model import ScoringModel

_LISTED = 10


def status(
    context: typer.Context,
    failures: Annotated[
        bool, typer.Option("--failures", help="List every photo that failed or has a notice, not only some.")
    ] = False,
    no_face: Annotated[bool, typer.Option("--no-face", help="List every photo in which no face was found.")] = False,
    missing: Annotated[
        bool, typer.Option("--missing", help="List every photo that is no longer where it was indexed.")
    ] = False,
    log: Annotated[
        bool, typer.Option("--log", help="Print the tracebacks of faults in single photos, newest first.")
    ] = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Show the catalogue in use: its folders, photos, faces and failures, the network and its terms, the index."""
    from rich.table import Table

    from cli.commands.hits import opened
    from db.faults import latest as faults_of
    from db.photos import failures as failures_of
    from db.photos import missing as missing_of
    from db.photos import remarkable, without_face

    with opened(options.catalogue_of(context, catalogue)) as source:
        rows = list(_rows(source))
        with source.read() as session:
            failed = failures_of(session)
            faults = faults_of(session) if log else []
            noted = remarkable(session)
            faceless = without_face(session) if no_face else []
            gone = missing_of(session) if missing else []
    unlooked = [each for each in noted if each.unlooked]
    if unlooked:
        number = sum(each.unlooked for each in unlooked)
        of = "1 photo" if len(unlooked) == 1 else f"{len(unlooked):,} photos"
        rows.append(("Not looked at", f"{number:,} pages and frames of {of}"))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in rows:
        table.add_row(label, printable(text))
    console = results()
    console.print(table)
    for line in _notice_lines([each for each in noted if each.notice], None if failures else _LISTED):
        console.print(printable(line), soft_wrap=True)
    for line in _failure_lines(failed, len(failed) if failures else _LISTED):
        console.print(printable(line), soft_wrap=True)
    for asked, heading, paths in ((no_face, "Without a face", faceless), (missing, "Missing", gone)):
        if asked:
            console.print(f"{heading}: {len(paths):,}")
            for path in paths:
                console.print(f"  {printable(display(path))}", soft_wrap=True)
    if log and not faults:
        console.print("No fault is on record.")
    for fault in faults:
        console.print(
            f"{_moment(fault.moment)} {printable(display(fault.path))}: {printable(fault.reason)}", soft_wrap=True
        )
        for line in fault.trace.splitlines():
            console.print(f"  {printable(line)}", soft_wrap=True)
    return ExitCode.FOUND


def _rows(source: "Catalogue") -> Iterator[tuple[str, str]]:
    from cli.report.unseen import unseen_in_words
    from cli.report.validated import validated_in_words
    from db.erasure import summary as erasure_summary
    from db.faces import unsearchable_count
    from db.faults import count as count_faults
    from db.filesystems import without_change_times
    from db.hash_sets import stored_sets
    from db.models import serving
    from db.paths import is_folder
    from db.photos import counts
    from db.provenance import behind_count, groups
    from db.roots import list_roots
    from db.runs import latest_runs
    from db.seal import sealed_since
    from db.snapshot import state_of
    from facesearch.custody.policy import policy_of
    from facesearch.search.unseen import unseen_by_searches
    from facesearch.vision.detection import yunet_name
    from facesearch.vision.versions import current, is_behind

    now = current(yunet_name())
    with source.read() as session:
        numbers, known, runs, model = counts(session), list_roots(session), latest_runs(session), serving(session)
        logged = count_faults(session)
        since = sealed_since(session)
        erased = erasure_summary(session)
        sets = stored_sets(session)
        unscored = unsearchable_count(session, model[0]) if model else 0
        behind = behind_count(session, groups(session, lambda each, outcome: is_behind(each, outcome, now)))
    sealed = f" (sealed since {_moment(since)})" if since else ""
    policy = policy_of(source)
    yield "Catalogue", f"{source.path}{' (read-only)' if source.read_only else ''}{sealed}"
    if policy:
        yield "Policy", str(policy)
    for root in known:
        there = "" if is_folder(root.path) else "; not there now"
        missing = f", {root.missing:,} missing" if root.missing else ""
        left_out = "".join(f", {number:,} {why.value}" for why, number in sorted(root.left_out.items()))
        exhibit = f"{root.exhibit}: " if root.exhibit else ""
        yield "Folder", f"{exhibit}{root.display}: {counted(root.files, 'photo')}{missing}{left_out}{there}"
        if root.exclude:
            yield "", f"leaves out {'  '.join(root.exclude)}"
        if root.everything:
            yield "", "with its hidden and system folders"
        kind = without_change_times(root.path)
        if kind is not None:
            yield (
                "",
                (
                    f"on {kind}, where a photo that was edited and keeps its size and date is not noticed: "
                    f"`facesearch index --again` reads all again"
                ),
            )
    if not known:
        yield "Folder", "none: `facesearch index FOLDER` adds one"
    yield (
        "Photos",
        f"{counted(numbers.files, 'file')} with {counted(numbers.photos, 'different content')}: "
        f"{numbers.indexed:,} with faces, {numbers.no_face:,} without, {numbers.failed:,} failed; "
        f"{counted(numbers.unreadable, 'file')} unreadable",
    )
    hidden = f"; {numbers.hidden:,} more whose photos are gone" if numbers.hidden else ""
    unfound = f"; {numbers.unfound:,} more that the last look did not find again" if numbers.unfound else ""
    yield "Faces", f"{numbers.faces:,}{hidden}{unfound}"
    yield from _erasure_rows(erased)
    for each in sets:
        yield (
            "Hash set",
            f"{each.name} ({each.kind.value}, {counted(each.hashes, 'hash', 'hashes')}, SHA-256 {each.sha256[:16]}), "
            f"last given {_moment(each.used)}: {counted(each.photos, 'photo')}",
        )
    if behind:
        are = "1 photo is" if behind == 1 else f"{behind:,} photos are"
        yield (
            "To look at again",
            f"{are} due, after another version, a quick look or a stopped --again: `facesearch index` does it",
        )
    if logged:
        yield "Faults", f"{logged:,} on record, each of one photo: --log prints them"
    labels = chain(["Not searched"], repeat(""))
    yield from zip(labels, unseen_in_words(unseen_by_searches(source, unscored)), strict=False)
    for run in runs:
        stopped = ", stopped" if run.counts.get("interrupted") else ""
        going = "at work now" if source.is_indexed_now else "broken off"
        ended = f"ended {_moment(run.finished)}{stopped}" if run.finished else going
        yield "Last run", f"began {_moment(run.started)}, {ended}"
    yield from _model_rows(model[1] if model else None)
    if model:
        yield "Quality", validated_in_words(source, model[1].digest)
    yield "Snapshot", str(state_of(source))


def _erasure_rows(erased: "Summary") -> Iterator[tuple[str, str]]:
    if erased.photos or erased.faces:
        yield "Forgotten", f"so far: photos {erased.photos:,}, faces {erased.faces:,}"
    if erased.pending:
        yield (
            "",
            "pending: what was forgotten last may still lie in the files of the catalogue; the next command that "
            "writes, such as `facesearch index`, takes it out once no other program reads them",
        )
    if erased.held_photos or erased.held_faces:
        yield "Held", f"not to be forgotten: photos {erased.held_photos:,}, single faces {erased.held_faces:,}"


def _moment(when: "datetime") -> str:
    return f"{when.astimezone():%Y-%m-%d %H:%M}"


def _model_rows(serving: "ScoringModel | None") -> Iterator[tuple[str, str]]:
    """The network whose scores searches use, or, where there is none yet, the installed one."""
    from facesearch.network.checkpoint import CheckpointError, load_checkpoint

    installed, trouble = None, ""
    try:
        installed = load_checkpoint().scoring_model()
    except CheckpointError as error:
        trouble = str(error)
    shown = serving or installed
    if shown is not None:
        yield "Network", f"{shown.short}{'' if serving else ' (nothing is scored yet)'}"
    if trouble:
        yield "Installed", trouble
    elif serving and installed and serving.digest != installed.digest:
        yield "Installed", f"{installed.short}: `facesearch index` scores all faces again with it"
    if shown is None:
        return
    for key, label in (("data", "Data"), ("trained_on", "Trained on"), ("terms", "Terms")):
        if isinstance(shown.metadata.get(key), str):
            yield label, shown.metadata[key]


def _notice_lines(noted: "Sequence[Remarkable]", most: int | None) -> Iterator[str]:
    if noted:
        yield f"With a notice: {len(noted):,}"
    for each in noted[:most]:
        yield f"  {each.display}: {each.notice}"
    if most is not None and len(noted) > most:
        yield f"  and {len(noted) - most:,} more: --failures lists all"


def _failure_lines(failed: "Sequence[Failure]", most: int) -> Iterator[str]:
    if failed:
        yield f"Failed: {len(failed):,}"
    for failure in failed[:most]:
        yield f"  {failure.display}: {failure.reason}" + (" (the next run tries again)" if failure.retry else "")
    if len(failed) > most:
        yield f"  and {len(failed) - most:,} more: --failures lists all"
