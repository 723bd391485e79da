"""`facesearch evaluate`: how good a network is on faces that it never saw."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.console import results
from cli.errors import ExitCode

if TYPE_CHECKING:
    from facesearch.training.evaluate import Evaluation


class EvaluatedRole(StrEnum):
    """Which images of the data set; by default those that nothing was trained, chosen or calibrated on."""

    TEST = "test"
    VAL = "val"
    CALIBRATE = "calibrate"
    TRAIN = "train"
    EXTRA = "extra"


def evaluate(
    data: options.DataArgument,
    role: Annotated[
        EvaluatedRole, typer.Option("--role", help="Which images of the data set; only test tells how good it is.")
    ] = EvaluatedRole.TEST,
    checkpoint: options.CheckpointOption = None,
    csv: options.CsvOption = None,
    work: options.WorkOption = Path("runs"),
    device: options.DeviceOption = options.Device.AUTO,
) -> int:
    """Measure a network on a data set: accuracy, average precision and calibration, attribute by attribute.

    The figures are of what `index` computes. A face that the detector misses is cut where faces usually are, and
    counts.
    """
    from cli.network import new_scorer
    from cli.output import to_stdout, write_csv
    from cli.progress import status
    from cli.results import wanted
    from facesearch.network.checkpoint import load_checkpoint
    from facesearch.training.datasets import Role, cache_folder, open_cache, read_dataset
    from facesearch.training.evaluate import COLUMNS, records
    from facesearch.training.evaluate import evaluate as evaluate_on

    with wanted(csv=csv, json=False, never=[checkpoint] if checkpoint else []) as outputs:
        network = load_checkpoint(checkpoint)
        with status() as display:
            labels = read_dataset(data)
            folder = cache_folder(work, labels.dataset)
            cache = open_cache(labels, folder, lambda done, total: display.show("Finding faces", done, total))
            found = evaluate_on(
                new_scorer(network, device.value),
                labels,
                cache,
                Role(role.value),
                lambda done, total: display.show("Scoring faces", done, total),
            )
            display.flush()
        columns = ("attribute", *COLUMNS)
        if outputs.csv is not None:
            write_csv(outputs.csv.write, columns, records(found.together))
        if outputs.csv_on_stdout:
            write_csv(to_stdout, columns, records(found.together))
        else:
            print_evaluation(found)
    return ExitCode.FOUND


def print_evaluation(found: "Evaluation") -> None:
    """The table of all attributes, and a line of means for each framing."""
    from cli.output import new_table
    from facesearch.attributes import NAMES
    from facesearch.training.evaluate import COLUMNS

    console = results()
    table = new_table()
    table.add_column(f"{found.role.value}, in percent", no_wrap=True)
    for name in COLUMNS:
        table.add_column(name.replace("_", " "), justify="right")
    columns = [getattr(found.together, name) for name in COLUMNS]
    for index, attribute in enumerate(NAMES):
        table.add_row(attribute, *(f"{100 * float(column[index]):.2f}" for column in columns))
    console.print(table)
    for name, figures in (("all", found.together), *found.by_framing.items()):
        means = figures.summary()
        console.print(
            f"{name}: {means['faces']:,} faces ({means['detected']:,} detected), accuracy {means['accuracy']:.2f} "
            f"(majority {means['majority']:.2f}), balanced accuracy {means['balanced_accuracy']:.2f}, "
            f"average precision {means['average_precision']:.2f}, calibration error {means['calibration_error']:.4f}",
            soft_wrap=True,
        )
