"""`facesearch index`: find and score the faces of photo folders."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands import options
from cli.errors import ExitCode, UsageProblem
from cli.report.logged import logged_record
from cli.report.remedies import error_in_words
from cli.report.wording import counted, notice_in_words, notice_record, recognised_in_words
from cli.terminal.console import say
from db.paths import display
from facesearch.errors import enumerated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.commands.cluster import ByNodes
    from cli.terminal.progress import Status
    from db.exhibits import ListedHash
    from facesearch.network.scorer import Scorer
    from indexer.report import Progress, RunReport, Stage

_LISTED = 50
_MEASURED = 5.0  # seconds of looking again after which the time that it takes can be told
_CHANGES = {
    ("failed", "indexed"): "Photos that had failed and have faces now",
    ("failed", "no face"): "Photos that had failed and have no face",
    ("no face", "indexed"): "Photos that had no face and have some now",
    ("indexed", "no face"): "Photos that had faces and have none now",
}


# complexipy: ignore (a command: options to arguments)
def index(
    context: typer.Context,
    photos: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FOLDER]...",
            help="Folders with photos; without any, every folder indexed before.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 4 if any photo failed or a sub-folder could not be read.")
    ] = False,
    again: Annotated[
        bool | None,
        typer.Option(
            "--again/--no-again",
            help="Look again at all photos of the folders, or at none. Else at those that this version, or this way to "
            "look, can make more of than the one that has looked at them.",
            show_default=False,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="PATTERN",
            help="Leave out files and folders that match, such as '*.png' or 'raw/' (gitignore syntax), now and in "
            "later runs. Several times: all of them.",
            show_default=False,
        ),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(
            "--include",
            metavar="PATTERN",
            help="No longer leave out what this pattern excludes, spelled as `facesearch roots` shows it.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool | None,
        typer.Option(
            "--everything/--no-everything",
            help="Look into recycle bins, snapshots, thumbnails and other hidden or system folders as well, now and in "
            "later runs. For seized media: what was thrown away may be the evidence.",
            show_default=False,
        ),
    ] = None,
    exhibit: Annotated[
        str | None,
        typer.Option(
            "--exhibit",
            metavar="NAME",
            help="The reference under which the folder is in evidence, such as JS/1: it stands with every path.",
            show_default=False,
        ),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest",
            metavar="FILE",
            help="With --exhibit: a list of the folder's files with their MD5, SHA-1 or SHA-256, as forensic tools "
            "export it; afterwards all files are compared with it (again at any time: `facesearch verify`).",
            show_default=False,
        ),
    ] = None,
    known_irrelevant: Annotated[
        list[Path] | None,
        typer.Option(
            "--known-irrelevant",
            metavar="FILE",
            help="A hash set (CSV, list, NSRL, Project VIC): photos that are of it are passed over, and counted, also "
            "those that were indexed before. Several times: all of them.",
            show_default=False,
        ),
    ] = None,
    known_illegal: Annotated[
        list[Path] | None,
        typer.Option(
            "--known-illegal",
            metavar="FILE",
            help="A hash set of illegal pictures: photos that are of it are counted, and never shown, cropped or "
            "exported.",
            show_default=False,
        ),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(
            "--category",
            metavar="NAME",
            help="Of a hash set with categories: those that count. Several times: all of them.",
            show_default=False,
        ),
    ] = None,
    drop_set: Annotated[
        list[str] | None,
        typer.Option(
            "--drop-set",
            metavar="NAME",
            help="No longer go by this hash set, by its name in `facesearch status`.",
            show_default=False,
        ),
    ] = None,
    allow_again: Annotated[
        bool, typer.Option("--allow-again", help="Take in again what `facesearch forget` took out of these folders.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print what the run did as JSON.")] = False,
    no_crops: options.NoCropsOption = False,
    max_megapixels: options.MaxMegapixelsOption = None,
    look: options.LookOption = options.Look.DEFAULT,
    ray: options.RayOption = None,
    map: options.MapOption = None,
    ship: options.ShipOption = False,
    trust_cluster: options.TrustClusterOption = False,
    catalogue: options.CatalogueOption = None,
    device: options.DeviceOption = options.Device.AUTO,
    checkpoint: options.CheckpointOption = None,
    detector_model: options.DetectorOption = None,
) -> int:
    """Find the faces in photo folders, score 40 attributes of each, and store them in the catalogue.

    A second run opens only what is new or changed. Photos that are gone leave the results; a folder that is missing
    as a whole, such as an unplugged drive, is reported and its photos stay. Ctrl-C stops after what is decided is
    stored.

    The content of a file decides whether it is a photo, not its name. Photos are only read, and nothing is written into
    their folders. With another network all faces are scored again; the old scores serve until
    that is done. Photos that an older version, another detector or a quick look has looked at are looked at again
    after the new ones: faces that are found again keep their numbers.
    """
    from cli.commands.cluster import ClusterChoice
    from cli.commands.network import new_detector, new_scorer
    from cli.commands.opening import opened
    from cli.terminal.interrupt import stop_on_signal
    from cli.terminal.progress import status
    from db.crops import CropStore
    from db.paths import absolute, is_there
    from facesearch.network.checkpoint import load_checkpoint
    from facesearch.vision.detection import Look, yunet_name
    from indexer.exhibits import keep_exhibit
    from indexer.hash_sets import known_sets
    from indexer.network import Network
    from indexer.pipeline import index_folders
    from indexer.selection import Choice, refuse_to_write_into

    listed = _listed(photos or [], exhibit, manifest)
    sets = known_sets(known_irrelevant or (), known_illegal or (), category or ())
    for each in sets:
        context.call_on_close(each.close)
    choice = Choice(everything=everything, exclude=exclude or (), include=include or ())
    network = load_checkpoint(checkpoint)
    path = options.catalogue_of(context, catalogue)
    if not is_there(path):  # before it is made
        refuse_to_write_into([absolute(folder) for folder in photos or ()], path)
    thoroughness = Look(look.value)
    detector = yunet_name(detector_model, thoroughness)
    crops = None if no_crops else CropStore(path)

    def make_scorer() -> "Scorer":
        return new_scorer(network, device.value)

    over_cluster = ClusterChoice(ray, tuple(map or ()), ship, trust_cluster)
    with ExitStack() as stack:
        display = stack.enter_context(status())
        limits = options.limits_of(max_megapixels)
        by_nodes = over_cluster.used(
            stack,
            network=network,
            checkpoint=checkpoint,
            detector_model=detector_model,
            look=thoroughness,
            limits=limits,
            device=device.value,
            small=crops is not None,
            note=display.note,
        )
        target = stack.enter_context(opened(path, create=True))
        if crops is not None and not is_there(crops.path):
            say(f"A small picture of each face is kept in {crops.path}; --no-crops keeps none.")
        stop, teller = threading.Event(), _Teller(display, asked=bool(again), by_nodes=by_nodes)
        with stop_on_signal(stop, teller.stopping):
            report = index_folders(
                target,
                photos or [],
                model=network.scoring_model(),
                new_scorer=lambda: Network(make_scorer) if by_nodes else make_scorer(),  # nodes score themselves
                new_detector=lambda: new_detector(detector_model, thoroughness),
                detector=detector,
                again=again,
                choice=choice,
                limits=limits,
                allow_again=allow_again,
                sets=sets,
                crops=crops,
                drop_sets=drop_set or (),
                progress=teller.tell,
                stop=stop,
                new_executor=by_nodes.executor if by_nodes else None,
            )
        display.flush()
        if exhibit is not None and not report.unusable:
            keep_exhibit(target, absolute((photos or [])[0]), exhibit, listed)
    if json:
        from cli.report.tables import to_stdout, write_json  # which loads what searches need

        write_json(to_stdout, _failures(report), _record(report), "failures")
    else:
        _print(report)
    if manifest is not None and not (report.interrupted or report.unusable):
        sound = _compare(path, exhibit or "", quietly=json)
        if strict and not sound:
            return ExitCode.SOME_FAILED
    return _ended(report, strict=strict)


def _ended(report: "RunReport", *, strict: bool) -> ExitCode:
    if report.interrupted:
        say("Interrupted: what was done so far is stored, and the next run goes on from there.")
        return ExitCode.INTERRUPTED
    if report.unusable:
        for remark in report.unusable:
            say(f"Error: {notice_in_words(remark.notice)}")
        return ExitCode.UNUSABLE
    some_failed = report.failed or report.retained or report.waiting_photos
    return ExitCode.SOME_FAILED if strict and some_failed else ExitCode.FOUND


def _listed(folders: list[Path], exhibit: str | None, manifest: Path | None) -> "list[ListedHash] | None":
    """What the manifest lists, before any work; None without one. Raises UsageProblem."""
    from db.paths import absolute
    from indexer.manifests import read_manifest

    if manifest is not None and exhibit is None:
        raise UsageProblem("--manifest belongs to an exhibit: give its reference as well, as in --exhibit JS/1.")
    if exhibit is None:
        return None
    if len(folders) != 1:
        raise UsageProblem("--exhibit is the reference of one folder: name one.")
    if not exhibit[:1].isalnum() or not exhibit.isprintable():  # nor does a spreadsheet take it for a formula then
        raise UsageProblem("--exhibit needs a reference that begins with a letter or a digit, such as JS/1.")
    return None if manifest is None else read_manifest(manifest, absolute(folders[0]))


def _compare(catalogue: Path, exhibit: str, *, quietly: bool) -> bool:
    """Compare the exhibit with its manifest, and say how, if `quietly` on stderr; whether all is as it was."""
    from cli.commands.verify import compared_in_words
    from cli.terminal.console import printable, results
    from cli.terminal.progress import status
    from db.catalogue import open_catalogue
    from indexer.exhibits import compare

    with open_catalogue(catalogue) as source, status() as display:
        compared = list(compare(source, [exhibit], progress=lambda done, all: display.show("Comparing", done, all)))
    for each in compared:
        for line in compared_in_words(each):
            if quietly:
                say(line)
            else:
                results().print(printable(line), soft_wrap=True)
    return all(each.verified is not None and each.verified.sound for each in compared)


class _Teller:
    """Turns where a run stands into words."""

    def __init__(self, display: "Status", *, asked: bool, by_nodes: "ByNodes | None" = None) -> None:
        """asked: whether photos are looked at again because the user wants it. by_nodes: the nodes that do the work."""
        self._display = display
        self._by_nodes = by_nodes
        self._asked = asked
        self._stage: Stage | None = None
        self._first: tuple[int, float] | None = None  # how much was done, and when, as the first of it came
        self._estimated = False

    def stopping(self) -> None:
        """Answer the first Ctrl-C."""
        self._display.note("Stopping: what is decided is being stored. A second Ctrl-C gives that up.")

    def tell(self, now: "Progress") -> None:
        from indexer.report import Stage

        before = {
            Stage.COMPARING: "Comparing with hash sets",
            Stage.LOADING: "Loading the network",
            Stage.SNAPSHOT: "Building the index",
        }
        if now.stage is Stage.LISTING:
            self._display.show("Listing photos", now.total, None)
        elif now.stage in before:
            self._display.show(before[now.stage], now.done, now.total)
        else:
            self._tell_of_photos(now)

    def _tell_of_photos(self, now: "Progress") -> None:
        from cli.terminal.progress import duration
        from indexer.report import Stage

        again = now.stage is Stage.AGAIN
        if now.stage is not self._stage:
            self._stage, self._first = now.stage, None
            if again:
                self._display.note(_announced(now.total, self._asked))
        rate, seconds = self._rate(now.done - now.unchanged)
        if again and seconds >= _MEASURED and rate and not self._estimated:
            self._estimated = True
            self._display.note(f"That takes about {duration((now.total - now.done) / rate)} more.")
        what = {Stage.RESCORING: "Scoring again", Stage.AGAIN: "Looking again"}.get(now.stage, "Indexing")
        self._display.show(what, now.done, now.total, ", ".join(self._words(now, rate)))

    def _words(self, now: "Progress", rate: float) -> Iterator[str]:
        from cli.terminal.progress import duration
        from indexer.report import Stage

        rescoring = now.stage is Stage.RESCORING
        if rate:
            yield f"{rate:.1f} {'faces' if rescoring else 'photos'}/s"
        if not rescoring:
            yield f"{now.faces:,} {'more ' if now.stage is Stage.AGAIN else ''}faces"
        yield f"{now.failures:,} failed"
        if self._by_nodes is not None:
            yield from self._by_nodes.speeds_in_words()
        if rate and now.done < now.total:
            yield f"{duration((now.total - now.done) / rate)} left"

    def _rate(self, worked: int) -> tuple[float, float]:
        """How much is done in a second, measured since the first of it came (what comes before, such as loading the
        network, comes once), and for how many seconds that was."""
        if not worked:
            return 0.0, 0.0
        now = time.monotonic()
        if self._first is None:
            self._first = worked, now
        before, began = self._first
        return ((worked - before) / (now - began) if now > began else 0.0), now - began


def _announced(number: int, asked: bool) -> str:
    """What is going to be done with photos that are behind, before it takes its time."""
    photos = counted(number, "photo")
    behind = "since another version or a quick look was the last, or a run with --again was stopped"
    why = "as asked" if asked else f"{behind}; --no-again leaves them"
    return f"Looking again at {photos}, {why}. Ctrl-C stops, and the next run goes on from there."


def _print(report: "RunReport") -> None:
    """What the run did: numbers, then everything that the user should know or mend."""
    from cli.terminal.console import printable, results

    console = results()
    for line in _lines(report):
        console.print(printable(line), soft_wrap=True)


def _record(report: "RunReport") -> dict[str, Any]:
    """The same for programs: all numbers by their names, what is told, and of what kind each notice is."""
    of_folders = (*report.unusable, *report.not_kept, *report.retained, *report.missing_folders, *report.linked)
    told = (*of_folders, *report.noticed)
    numbers = {each.name: getattr(report, each.name) for each in fields(report)}
    return {
        **{name: number for name, number in numbers.items() if isinstance(number, int)},
        "remarks": [*(notice_in_words(each.notice) for each in report.unusable), *_lines(report)],
        "notices": [notice_record(each.notice) for each in told],
        "audit": logged_record(report.logged),
    }


def _failures(report: "RunReport") -> Iterator[dict[str, Any]]:
    for each in {each.path: each for each in (*report.failures, *report.waiting_photos)}.values():
        yield {"photo": each.display, "reason": each.reason, "retry": each.retry}


def _lines(report: "RunReport") -> Iterator[str]:
    yield from _photos(report)
    yield from (f"{words}: {number:,}" for words, number in _numbers(report) if number)
    yield from _changed_files(report)
    for exhibit, number in report.unlisted.items():
        are = counted(number, "photo is", "photos are")
        yield f"Exhibit {exhibit}: {are} not in its manifest (`facesearch verify` compares)"
    yield from _not_ready(report)
    yield from _not_taken(report)
    yield from _passed_over(report)
    yield from _of_places(report)
    yield from _of_photos(report)


def _photos(report: "RunReport") -> Iterator[str]:
    """What the photos found are now."""
    outcomes = f"{report.indexed:,} with faces, {report.no_face:,} without, {report.failed:,} failed"
    waiting = report.photos - report.indexed - report.no_face - report.failed
    if report.interrupted and waiting:
        outcomes += f", {waiting:,} not looked at yet"
    effort = f"{report.opened:,} opened, {report.unchanged:,} unchanged"
    yield f"Photos: {report.photos:,} ({outcomes}; {effort})"
    if report.photos and not (report.opened or report.again or report.rescored or report.interrupted):
        yield (
            "Nothing new: the photo is known."
            if report.photos == 1
            else f"Nothing new: all {report.photos:,} are known."
        )


def _numbers(report: "RunReport") -> "Sequence[tuple[str, int]]":
    """What changed, in words and numbers."""
    from db.values.photo import LeftOut

    return (
        ("New faces", report.faces),
        ("Opened, and known already by their content", report.same_content),
        ("Files renamed or moved since the last run", report.renamed),
        ("Files gone since the last run", report.missing - report.renamed),
        ("Photos that left the results, since no file holds them any more", report.lost),
        ("Photos that left the results, since they are excluded now", report.left_out[LeftOut.EXCLUDED]),
        (
            "Photos that left the results, since hidden and system folders are passed over",
            report.left_out[LeftOut.HIDDEN],
        ),
        ("Back since the last run", report.returned),
        ("Photos looked at again", report.again),
        ("Faces gained by looking again", report.gained),
        ("Faces no longer found by looking again, and left out of the results", report.unfound),
        *((_CHANGES[change], number) for change, number in sorted(report.changed.items())),
        ("Photos that could not be looked at again, since they were no longer there", report.gone_meanwhile),
        ("Photos still to be looked at again", report.behind),
        ("Faces scored again by this network", report.rescored),
    )


def _not_ready(report: "RunReport") -> Iterator[str]:
    """What searches do not find, or only slowly, until a further run."""
    if report.waiting:
        yield (
            "Faces that this network could not score because their photos cannot be read, or are not there now: "
            f"{report.waiting:,}"
            + ("" if report.serving else "; searches use the former network's scores until they can")
        )
    if report.unsearchable:
        yield f"Faces that searches do not find until this network has scored all: {report.unsearchable:,}"
    if report.snapshot_problem:
        yield f"Searches will be slower: {error_in_words(report.snapshot_problem)}"


def _not_taken(report: "RunReport") -> Iterator[str]:
    from db.values.photo import LeftOut

    """Files that were found and not looked at, or not to their end."""
    if report.unsupported:
        heic = " (HEIC needs one more package: pip install 'facesearch[heic]')" if "HEIC" in report.unsupported else ""
        yield f"Photos that this installation cannot read: {_by_kind(report.unsupported)}{heic}"
    if report.forgotten:
        yield f"Photos left alone, since they were forgotten: {report.forgotten:,} (--allow-again takes them in)"
    yield from recognised_in_words(
        report.recognised[LeftOut.KNOWN_ILLEGAL], report.recognised[LeftOut.KNOWN_IRRELEVANT]
    )
    if report.hidden_faces:
        yield f"Faces that left the results, since their photos are of a hash set: {report.hidden_faces:,}"
    if report.shown_faces:
        yield f"Faces that came back, since their photos are of no hash set any more: {report.shown_faces:,}"
    if report.uncompared:
        yield (
            f"Photos that could not be held against the hash sets, since they cannot be read now: {report.uncompared:,}"
        )
    if report.sets_not_given:
        yield (
            f"Not given this time, so that new photos were not held against it: {', '.join(report.sets_not_given)} "
            f"(--drop-set gives a set up)"
        )
    if report.online_only:
        yield f"Files whose content is only online, and not opened: {report.online_only:,} (download them first)"
    if report.others:
        yield f"Other files: {_by_kind(report.others)}"
    if report.unlooked:
        yield f"Pages and frames not looked at: {report.unlooked:,} of {counted(report.unlooked_photos, 'photo')}"
    if report.excluded:
        yield f"Excluded files and folders: {report.excluded:,} (`facesearch roots` shows the patterns)"


def _of_places(report: "RunReport") -> Iterator[str]:
    """What is to be said of folders and of what they lie on."""
    if report.without_change_times:
        systems = enumerated(sorted(report.without_change_times))
        yield (
            f"On {systems} a photo that was edited and keeps its size and date is not noticed: "
            "`facesearch index --again` reads all again."
        )
    if report.loud:
        yield (
            "Access times of photos may have changed, since only the owner of a file can read it without (and only on "
            "Linux): mount the drive read-only to keep them."
        )
    for remark in (*report.not_kept, *report.retained, *report.missing_folders, *report.linked):
        yield notice_in_words(remark.notice)


def _of_photos(report: "RunReport") -> Iterator[str]:
    """Photos with notices, and those that failed."""
    if report.noticed:
        yield "With a notice:"
    for remark in report.noticed[:_LISTED]:
        yield f"  {notice_in_words(remark.notice)}"
    if len(report.noticed) > _LISTED:
        yield f"  and {len(report.noticed) - _LISTED:,} more: `facesearch status --failures` lists all"
    failures = list({each.path: each for each in (*report.failures, *report.waiting_photos)}.values())
    if failures:
        yield "Failed:"
    for failure in failures[:_LISTED]:
        yield f"  {failure.display}: {failure.reason}" + (" (the next run tries again)" if failure.retry else "")
    if len(failures) > _LISTED:
        yield f"  and {len(failures) - _LISTED:,} more: `facesearch status --failures` lists all"


def _changed_files(report: "RunReport") -> Iterator[str]:
    """Which files have a new name, and which hold another photo than before."""
    for former, new in report.renames:
        yield f"  {display(former)} is now {display(new)}"
    if report.replaced:
        yield f"Files that hold another photo than before: {len(report.replaced):,}"
    for path, lost in report.replaced[:_LISTED]:
        yield f"  {display(path)}: {counted(lost, 'face')} left the results with the former photo"
    if len(report.replaced) > _LISTED:
        yield f"  and {len(report.replaced) - _LISTED:,} more"


def _passed_over(report: "RunReport") -> Iterator[str]:
    """What was not looked into, and what it is: first what holds photos that were thrown away."""
    number = len(report.hidden_folders) + report.hidden_files.total()
    if not number:
        return
    kinds = Counter(each.kind for each in report.hidden_folders)
    sorts = [f"{count:,} {_plural(kind, count)}" for kind, count in kinds.most_common()]
    sorts += [counted(report.hidden_files.total(), "file")] if report.hidden_files else []
    binned = report.hidden_files["recycle bin"]
    thrown = f", of which {binned:,} thrown away" if binned else ""
    yield f"Hidden or system files and folders passed over: {number:,} ({', '.join(sorts)}{thrown}; --everything: none)"
    first = ("recycle bin", "snapshot", "recovered files", "hidden")
    order = {kind: place for place, kind in enumerate(first)}
    folders = sorted(report.hidden_folders, key=lambda each: (order.get(each.kind, len(order)), each.path))
    for each in folders[:_LISTED]:
        yield f"  {display(each.path)} ({each.kind})"
    if len(folders) > _LISTED:
        yield f"  and {len(folders) - _LISTED:,} more folders"


def _plural(kind: str, number: int) -> str:
    words = {
        "recycle bin": ("recycle bin", "recycle bins"),
        "snapshot": ("folder of snapshots", "folders of snapshots"),
        "hidden": ("hidden folder", "hidden folders"),
    }
    one, several = words.get(kind, (f"folder of {kind}", f"folders of {kind}"))
    if kind in ("cache", "system"):
        one, several = f"{kind} folder", f"{kind} folders"
    return one if number == 1 else several


def _by_kind(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} {kind or 'without extension'}" for kind, number in counts.most_common())
