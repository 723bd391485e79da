"""`facesearch score`: what the network sees in each face of some photos."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode
from cli.terminal.console import printable, results, say

if TYPE_CHECKING:
    from rich.table import Table

    from db.catalogue import Catalogue
    from facesearch.search.probe import ProbeError
    from facesearch.search.records import Record
    from facesearch.vision.decode import Limits

_UNDECIDED = 0.5


def score(
    context: typer.Context,
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO...", help="Photo files; - is a photo through a pipe.", show_default=False),
    ],
    csv: options.CsvOption = None,
    csv_plain: options.CsvPlainOption = False,
    json: options.JsonOption = False,
    force: options.ForceOption = False,
    all_attributes: Annotated[
        bool, typer.Option("--all-attributes", help="In the table: all 40 attributes, also those that do not hold.")
    ] = False,
    device: options.DeviceOption = options.Device.AUTO,
    checkpoint: options.CheckpointOption = None,
    detector_model: options.DetectorOption = None,
    max_megapixels: options.MaxMegapixelsOption = None,
) -> int:
    """Show what the network sees in each face of the photos, without storing anything.

    Faces are numbered from 0, left to right, from a detection score of .6 on. CSV and JSON hold the probabilities of
    all 40 attributes; a photo without a face, and one that cannot be read, has a row that says so under `problem`.
    """
    from cli.commands.outputs import open_outputs
    from cli.report.remedies import error_in_words
    from cli.report.tables import LEAD, to_stdout, write_csv, write_json
    from facesearch.attributes import ATTRIBUTES
    from facesearch.search.probe import ProbeError
    from facesearch.search.records import FACE_COLUMNS, FACE_LAST_COLUMNS, faceless_record, header

    photos = options.photos_of(photos)
    in_use = options.catalogue_in_use(context)
    output = options.OutputOptions(csv=csv, csv_plain=csv_plain, json=json, force=force)
    with (
        open_outputs(output, never=photos, catalogues=[in_use] if in_use else []) as outputs,
        _known(in_use) as catalogue,
    ):
        records: list[Record] = []
        tables: list[tuple[Path, list[Record]]] = []  # printed last: a reader who stops early costs no file
        faces = failed = 0
        for photo, found in _scored(
            photos, catalogue, checkpoint, detector_model, device.value, options.limits_of(max_megapixels)
        ):
            if isinstance(found, ProbeError):
                say(f"Error: {error_in_words(found)}")
                failed += 1
                records.append(faceless_record(photo, error_in_words(found)))
                continue
            if not found:
                say(f"{photo}: no face")
                records.append(faceless_record(photo, "No face was found."))
            faces += len(found)
            records += found
            if found and not (json or outputs.csv_on_stdout):
                tables.append((photo, found))
            if outputs.csv is None:
                _print(tables, all_attributes)
        columns = header(FACE_COLUMNS, ATTRIBUTES, FACE_LAST_COLUMNS)
        if outputs.csv is not None:
            write_csv(outputs.csv.write, columns, records)
            outputs.finish()
            _print(tables, all_attributes)
        if outputs.csv_on_stdout:
            write_csv(to_stdout, columns, records)
        elif json:
            write_json(to_stdout, records)
        elif faces:
            results().print(LEAD, style="dim")
    if failed:
        return ExitCode.UNUSABLE
    return ExitCode.FOUND if faces else ExitCode.NOTHING


def _print(tables: "list[tuple[Path, list[Record]]]", all_attributes: bool) -> None:
    """Print what waits to be printed, and take it out."""
    console = results()
    for photo, found in tables:
        console.print(printable(str(photo)), style="bold", soft_wrap=True)
        console.print(_table(found, all_attributes))
    tables.clear()


@contextmanager
def _known(path: Path | None) -> "Iterator[Catalogue | None]":
    """The catalogue in use, which knows what is not to be opened; None where there is none that can be read."""
    from db.catalogue import open_catalogue
    from db.errors import CatalogueError

    with ExitStack() as stack:
        catalogue: Catalogue | None = None
        if path is not None:
            with suppress(CatalogueError):
                catalogue = stack.enter_context(open_catalogue(path))
        yield catalogue


def _scored(
    photos: Sequence[Path],
    catalogue: "Catalogue | None",
    checkpoint: Path | None,
    detector_model: Path | None,
    device: str,
    limits: "Limits",
) -> "Iterator[tuple[Path, list[Record] | ProbeError]]":
    """Each photo with a record a face, or with what is wrong with it. The network is loaded with the first face."""
    from cli.commands.network import new_detector, new_scorer
    from db.values.scoring_model import calibrate
    from facesearch.network.checkpoint import load_checkpoint
    from facesearch.search.probe import ProbeError, look
    from facesearch.search.records import face_record

    network = load_checkpoint(checkpoint)
    model = network.scoring_model().short
    detector = new_detector(detector_model)
    scorer = None
    for photo in photos:
        try:
            seen = look(photo, detector, limits, catalogues=[catalogue] if catalogue else ())
        except ProbeError as problem:
            yield photo, problem
            continue
        for notice in seen.notices:
            say(f"{photo}: {notice}")
        if seen.faces and scorer is None:
            scorer = new_scorer(network, device)
        if scorer is None:  # no face in this photo or any before
            yield photo, []
            continue
        try:
            logits = seen.logits(seen.faces, scorer)
        except ProbeError as problem:
            yield photo, problem
            continue
        values = calibrate(logits, network.calibration_scale, network.calibration_bias)
        yield photo, [face_record(seen, number, row, model) for number, row in enumerate(values)]


def _table(records: "Sequence[Record]", all_attributes: bool) -> "Table":
    from cli.report.tables import new_table, place_in_words
    from db.faces import where

    pages = max(record["page"] for record in records)
    table = new_table()
    table.add_column("face", justify="right", no_wrap=True)
    table.add_column("at", no_wrap=True)
    table.add_column("detection", justify="right", no_wrap=True)
    table.add_column("what the network sees")
    for record in records:
        place = place_in_words(*(record[name] for name in ("x", "y", "width", "height")))
        place += where(record["page"], record["seconds"], pages)
        table.add_row(
            str(record["face"]), place, f"{record['detection']:.2f}", ", ".join(_words(record, all_attributes))
        )
    return table


def _words(record: "Record", all_attributes: bool) -> list[str]:
    """What holds, surest first, and of sex and age whichever is likelier; or all 40 under their own names."""
    from facesearch.attributes import ATTRIBUTES
    from facesearch.query.phrases import phrase
    from facesearch.search.ranking.explain import whole_percent

    if all_attributes:
        return [f"{each.name} {whole_percent(record[each.name])}%" for each in ATTRIBUTES]
    either_way = {"Male", "Young"}
    said = []
    for each in ATTRIBUTES:
        p = record[each.name]
        holds = p >= _UNDECIDED
        if holds or each.name in either_way:
            said.append((p if holds else 1 - p, phrase(each.index, holds)))
    return [f"{words} {whole_percent(p)}%" for p, words in sorted(said, key=lambda pair: -pair[0])]
