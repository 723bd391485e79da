"""`facesearch status`: what the catalogue holds, and which network serves it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands import options
from cli.errors import ExitCode
from cli.report.remedies import error_in_words
from cli.report.wording import counted, notice_in_words, notice_record
from cli.terminal.console import printable, results, say
from db.paths import display
from facesearch.errors import Notice

if TYPE_CHECKING:
    from datetime import datetime

    from db.catalogue import Catalogue
    from db.erasure import Summary
    from db.faults import LoggedFault
    from db.photos import Failure, Remarkable
    from db.roots import IndexedRoot
    from db.runs import IndexRun
    from db.values.scoring_model import ScoringModel
    from facesearch.search.several import Catalogues

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
    json: options.JsonOption = False,
    catalogue: options.CatalogueOption = None,
) -> int:
    """Show the catalogue in use: its folders, photos, faces and failures, the network and its terms, the index."""
    from cli.commands.opening import opened_together
    from cli.report.tables import to_stdout, write_json

    lists = _Lists(failures, no_face, missing, log)
    with opened_together(options.catalogues_of(context, catalogue), alike=False) as among:
        found = [_read(source, lists) for source in among.opened]
        if json and len(among.members) == 1:
            write_json(to_stdout, map(_failure, found[0].failed), _record(found[0], lists), "failures")
        elif json:
            each = ({**_record(one, lists), "failures": [*map(_failure, one.failed)]} for one in found)
            write_json(to_stdout, each, {"not_shown": _not_shown(among)}, "catalogues")
        else:
            for number, one in enumerate(found):
                if number:
                    results().print()
                _print(one, lists)
        for path, why in _not_shown(among).items():
            say(f"Not shown: {path}: {why}")
        _say_networks(among)
        return ExitCode.PARTIAL if len(among.opened) < len(among.members) else ExitCode.FOUND


@dataclass(frozen=True, slots=True)
class _Lists:
    """What is listed in full."""

    failures: bool
    no_face: bool
    missing: bool
    log: bool


@dataclass(frozen=True, slots=True)
class _Status:
    """What is told of one catalogue: rows of a table, and the lists below it; the last four where they are asked
    for."""

    source: "Catalogue"
    rows: "Sequence[tuple[str, str]]"
    noted: "Sequence[Remarkable]"
    failed: "Sequence[Failure]"
    faults: "Sequence[LoggedFault]"
    faceless: Sequence[bytes]
    gone: Sequence[bytes]


def _not_shown(among: "Catalogues") -> dict[str, str]:
    """The catalogues that could not be opened, and why."""
    return {str(each.path): error_in_words(each.problem) for each in among.members if each.problem is not None}


def _say_networks(among: "Catalogues") -> None:
    """That they cannot be searched together, where it is so."""
    from facesearch.errors import RequestError
    from facesearch.search.several import check_networks

    try:
        check_networks(among)
    except RequestError as error:
        say(error_in_words(error))


def _read(source: "Catalogue", lists: _Lists) -> _Status:
    from db.faults import latest as faults_of
    from db.photos import failures as failures_of
    from db.photos import missing as missing_of
    from db.photos import remarkable, without_face

    rows = list(_rows(source))
    with source.read() as session:
        noted = remarkable(session)
        return _Status(
            source,
            [*rows, *_unlooked_rows(noted)],
            noted,
            failures_of(session),
            faults_of(session) if lists.log else [],
            without_face(session) if lists.no_face else [],
            missing_of(session) if lists.missing else [],
        )


def _print(found: _Status, lists: _Lists) -> None:
    from rich.table import Table

    console = results()
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in found.rows:
        table.add_row(label, printable(text))
    console.print(table)
    listed = (
        *_notice_lines([each for each in found.noted if each.notice], None if lists.failures else _LISTED),
        *_failure_lines(found.failed, len(found.failed) if lists.failures else _LISTED),
        *(_path_lines("Without a face", found.faceless) if lists.no_face else ()),
        *(_path_lines("Missing", found.gone) if lists.missing else ()),
        *(_fault_lines(found.faults) if lists.log else ()),
    )
    for line in listed:
        console.print(printable(line), soft_wrap=True)


def _record(found: _Status, lists: _Lists) -> dict[str, Any]:
    """The same for programs."""
    notices = [
        *found.source.notices,
        *(Notice("photo", {"photo": each.display, "notice": each.notice}) for each in found.noted if each.notice),
    ]
    facts: list[dict[str, str]] = []
    for label, text in found.rows:  # what goes on has no label of its own
        facts.append({"label": label or facts[-1]["label"], "text": text})
    asked: Mapping[str, tuple[bool, Sequence[Any]]] = {
        "without_face": (lists.no_face, [display(path) for path in found.faceless]),
        "missing": (lists.missing, [display(path) for path in found.gone]),
        "faults": (lists.log, [_fault(each) for each in found.faults]),
    }
    return {
        "catalogue": str(found.source.path),
        "facts": facts,
        "remarks": [notice_in_words(each) for each in notices],
        "notices": [notice_record(each) for each in notices],
        **{name: listed for name, (wanted, listed) in asked.items() if wanted},
    }


def _failure(failure: "Failure") -> dict[str, Any]:
    return {"photo": failure.display, "reason": failure.reason, "retry": failure.retry}


def _fault(fault: "LoggedFault") -> dict[str, Any]:
    trace = fault.trace.splitlines()
    return {"moment": fault.moment.isoformat(), "photo": display(fault.path), "reason": fault.reason, "trace": trace}


def _rows(source: "Catalogue") -> Iterator[tuple[str, str]]:
    from cli.report.unseen import unseen_in_words
    from cli.report.validated import validated_in_words
    from db.erasure import summary as erasure_summary
    from db.faces import unsearchable_count
    from db.faults import count as count_faults
    from db.hash_sets import stored_sets
    from db.models import serving
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
        yield from _folder_rows(root)
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
        are = counted(behind, "photo is", "photos are")
        yield (
            "To look at again",
            f"{are} due, after another version, a quick look or a stopped --again: `facesearch index` does it",
        )
    if logged:
        yield "Faults", f"{logged:,} on record, each of one photo: --log prints them"
    labels = chain(["Not searched"], repeat(""))
    yield from zip(labels, unseen_in_words(unseen_by_searches(source, unscored)), strict=False)
    for run in runs:
        yield "Last run", _run_in_words(run, at_work=source.is_indexed_now)
    yield from _model_rows(model[1] if model else None)
    if model:
        yield "Quality", validated_in_words(source, model[1].digest)
    yield "Snapshot", str(state_of(source))


def _folder_rows(root: "IndexedRoot") -> Iterator[tuple[str, str]]:
    from db.filesystems import without_change_times
    from db.paths import is_folder

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


def _run_in_words(run: "IndexRun", *, at_work: bool) -> str:
    """When it began and ended. at_work: whether a run is under way."""
    stopped = ", stopped" if run.counts.get("interrupted") else ""
    going = "at work now" if at_work else "broken off"
    ended = f"ended {_moment(run.finished)}{stopped}" if run.finished else going
    return f"began {_moment(run.started)}, {ended}"


def _unlooked_rows(noted: "Sequence[Remarkable]") -> Iterator[tuple[str, str]]:
    unlooked = [each for each in noted if each.unlooked]
    if unlooked:
        number = sum(each.unlooked for each in unlooked)
        yield "Not looked at", f"{number:,} pages and frames of {counted(len(unlooked), 'photo')}"


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

    installed, problem = None, ""
    try:
        installed = load_checkpoint().scoring_model()
    except CheckpointError as error:
        problem = error_in_words(error)
    shown = serving or installed
    if shown is not None:
        yield "Network", f"{shown.short}{'' if serving else ' (nothing is scored yet)'}"
    if problem:
        yield "Installed", problem
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


def _path_lines(heading: str, paths: Sequence[bytes]) -> Iterator[str]:
    yield f"{heading}: {len(paths):,}"
    for path in paths:
        yield f"  {display(path)}"


def _fault_lines(faults: "Sequence[LoggedFault]") -> Iterator[str]:
    if not faults:
        yield "No fault is on record."
    for fault in faults:
        yield f"{_moment(fault.moment)} {display(fault.path)}: {fault.reason}"
        for line in fault.trace.splitlines():
            yield f"  {line}"
