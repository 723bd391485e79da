"""`facesearch evaluate`: how good a network is on faces that it never saw."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode, UsageProblem
from cli.terminal.console import now_in_words, printable, say

if TYPE_CHECKING:
    from cli.report.evaluation_page import EvaluationHeading
    from facesearch.network.checkpoint import Checkpoint
    from facesearch.training import datasets
    from facesearch.training.datasets.labels import Labels
    from facesearch.training.evaluate import Evaluation
    from facesearch.training.utkface import GroupFigures


class EvaluatedRole(StrEnum):
    """Which images of the data set; by default those that nothing was trained, chosen or calibrated on."""

    TEST = "test"
    VAL = "val"
    CALIBRATE = "calibrate"
    TRAIN = "train"
    EXTRA = "extra"


def evaluate(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            help="Folder that holds CelebA or LFWA in its official layout, Open Images, or records.csv.",
            show_default=False,
        ),
    ] = None,
    utkface: Annotated[
        Path | None,
        typer.Option(
            "--utkface",
            metavar="FOLDER",
            help="Also, or only, how the network treats different people: UTKFace's pictures "
            "(AGE_GENDER_GROUP_DATE.jpg).",
            show_default=False,
        ),
    ] = None,
    sizes: Annotated[
        bool,
        typer.Option(
            "--sizes", help="Also on the faces made smaller, four times more work: from what size on it holds."
        ),
    ] = False,
    role: Annotated[
        EvaluatedRole, typer.Option("--role", help="Which images of the data set; only test tells how good it is.")
    ] = EvaluatedRole.TEST,
    checkpoint: options.CheckpointOption = None,
    catalogue: options.CatalogueOption = None,
    csv: options.CsvOption = None,
    csv_plain: options.CsvPlainOption = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with all tables and with plots.", show_default=False),
    ] = None,
    force: options.ForceOption = False,
    work: options.WorkOption = Path("runs"),
    device: options.DeviceOption = options.Device.AUTO,
) -> int:
    """Measure a network on a data set: accuracy, average precision and calibration, attribute by attribute.

    The figures are of what `index` computes. A face that the detector misses is cut where faces usually are, and
    counts. DATA may hold whatever `facesearch train` reads, such as records.csv, a table of your own. The page also
    says whether the network was validated on the photos of your catalogue (`facesearch validate`).
    """
    from cli.commands.network import new_detector, new_scorer
    from cli.commands.outputs import open_outputs
    from cli.report.evaluation_page import page
    from cli.report.tables import to_stdout, write_csv
    from cli.terminal.progress import status
    from facesearch.network.checkpoint import load_checkpoint
    from facesearch.reliability import SIZES
    from facesearch.reliability import grades as grades_of
    from facesearch.training import table
    from facesearch.training.datasets import Role, open_role, read_dataset
    from facesearch.training.evaluate import evaluate as evaluate_on
    from facesearch.training.utkface import evaluate_groups, read_utkface

    if data is None and utkface is None:
        raise UsageProblem("Nothing to evaluate on: name the folder of a data set, or --utkface FOLDER.")
    if data is None and sizes:
        raise UsageProblem("--sizes needs a data set with labels: name its folder.")
    never = [checkpoint] if checkpoint else []
    in_use = options.catalogue_in_use(context)
    output = options.OutputOptions(csv=csv, csv_plain=csv_plain, html=html, force=force)
    with open_outputs(output, never=never, catalogues=[in_use] if in_use else []) as outputs:
        # Whatever is wrong with the network or with a folder is said before the minutes of work.
        network = load_checkpoint(checkpoint)
        labels = read_dataset(data) if data is not None else None
        portraits = read_utkface(utkface) if utkface is not None else None
        remarks = _cautions(network, labels, Role(role.value)) if labels is not None else []
        for remark in remarks:
            say(remark)
        if portraits is not None and portraits.left_out:
            say(f"{portraits.left_out:,} pictures of UTKFace are left out: children, or names that do not tell all.")
        scorer = new_scorer(network, device.value)
        found, groups = None, None
        with status() as display:
            if labels is not None:
                some, cache = open_role(
                    labels, work, Role(role.value), lambda done, total: display.show("Finding faces", done, total)
                )
                found = evaluate_on(
                    scorer,
                    some,
                    cache,
                    Role(role.value),
                    lambda done, total: display.show("Scoring faces", done, total),
                    SIZES if sizes else (),
                )
            if portraits is not None:
                groups = evaluate_groups(
                    scorer,
                    new_detector(None),
                    portraits,
                    lambda done, total: display.show("Scoring UTKFace", done, total),
                )
            display.flush()
        grades = grades_of(network.scoring_model())
        if outputs.csv is not None:
            write_csv(outputs.csv.write, table.COLUMNS, table.rows(found, grades, groups))
        if outputs.html is not None:
            path = options.catalogue_of(context, catalogue)
            for part in page(_heading(network, found, data, utkface, remarks, path), found, grades, groups):
                outputs.html.write(part.encode("utf-8", "replace"))
        outputs.finish()
        if outputs.csv_on_stdout:
            write_csv(to_stdout, table.COLUMNS, table.rows(found, grades, groups))
            return ExitCode.FOUND
        _print(found, groups)
    return ExitCode.FOUND


def _print(found: "Evaluation | None", groups: "Mapping[str, GroupFigures] | None") -> None:
    from cli.terminal.evaluation_tables import print_evaluation, print_groups

    if found is not None:
        print_evaluation(found)
    if groups is not None:
        print_groups(groups)


def _cautions(network: "Checkpoint", labels: "Labels", role: "datasets.Role") -> list[str]:
    """What limits the figures, a sentence each. Raises DatasetError where there is nothing to evaluate on."""
    from facesearch.training.evaluate import rows_of
    from facesearch.training.provenance import cautions

    rows_of(labels, role)
    skipped = f"{labels.skipped:,} listed images are not there; the figures are of those that are."
    return [*cautions(network, labels, role), *([skipped] if labels.skipped else [])]


def _heading(
    network: "Checkpoint",
    found: "Evaluation | None",
    data: Path | None,
    utkface: Path | None,
    remarks: Sequence[str],
    catalogue: Path,
) -> "EvaluationHeading":
    from cli.report.evaluation_page import EvaluationHeading
    from cli.report.validated import validated_where

    about = network.metadata
    facts = [
        ("Network", f"{network.digest[:12]}, recipe {about.get('recipe', 'unknown')}, {network.path}"),
        ("Data", str(about["data"])),
        ("Trained on", str(about.get("trained_on", "unknown"))),
        ("Fitted", str(about.get("aux_and_calibration", "unknown"))),
        ("Terms", str(about["terms"])),
        *([("Faces", str(data.absolute()))] if data is not None else []),
        *([("UTKFace", str(utkface.absolute()))] if utkface is not None else []),
        *(("Remark", each) for each in remarks),
        ("Your photos", f"{validated_where(catalogue, network.digest)}; catalogue {catalogue.absolute()}"),
        ("Date", now_in_words()),
    ]
    title = f"{found.dataset}, role {found.role}" if found is not None else "UTKFace"
    return EvaluationHeading(title, [(label, printable(text)) for label, text in facts])
