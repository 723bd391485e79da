"""`facesearch evaluate`: how good a network is on faces that it never saw."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.console import printable, results, say
from cli.errors import ExitCode, UsageProblem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facesearch.network.checkpoint import Checkpoint
    from facesearch.training.evaluate import Evaluation
    from facesearch.training.figures import Figures
    from facesearch.training.report import Heading
    from facesearch.training.utkface import GroupFigures


class EvaluatedRole(StrEnum):
    """Which images of the data set; by default those that nothing was trained, chosen or calibrated on."""

    TEST = "test"
    VAL = "val"
    CALIBRATE = "calibrate"
    TRAIN = "train"
    EXTRA = "extra"


def evaluate(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DATA]", help="Folder that holds CelebA or LFWA in its official layout.", show_default=False
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
    csv: options.CsvOption = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with all tables and with plots.", show_default=False),
    ] = None,
    work: options.WorkOption = Path("runs"),
    device: options.DeviceOption = options.Device.AUTO,
) -> int:
    """Measure a network on a data set: accuracy, average precision and calibration, attribute by attribute.

    The figures are of what `index` computes. A face that the detector misses is cut where faces usually are, and
    counts.
    """
    from cli.network import new_detector, new_scorer
    from cli.output import to_stdout, write_csv
    from cli.progress import status
    from cli.results import wanted
    from facesearch.network.checkpoint import load_checkpoint
    from facesearch.reliability import SIZES
    from facesearch.reliability import grades as grades_of
    from facesearch.training import report, table
    from facesearch.training.datasets import Role, cache_folder, open_cache, read_dataset
    from facesearch.training.evaluate import evaluate as evaluate_on
    from facesearch.training.evaluate import rows_of
    from facesearch.training.utkface import evaluate_groups, read_utkface

    if data is None and utkface is None:
        raise UsageProblem("Nothing to evaluate on: name the folder of a data set, or --utkface FOLDER.")
    if data is None and sizes:
        raise UsageProblem("--sizes needs a data set with labels: name its folder.")
    with wanted(csv=csv, html=html, json=False, never=[checkpoint] if checkpoint else []) as outputs:
        # Whatever is wrong with the network or with a folder is said before the minutes of work.
        network = load_checkpoint(checkpoint)
        labels = read_dataset(data) if data is not None else None
        portraits = read_utkface(utkface) if utkface is not None else None
        if labels is not None:
            rows_of(labels, Role(role.value))
            if labels.skipped:
                say(f"{labels.skipped:,} listed images are not there; the figures are of those that are.")
        if portraits is not None and portraits.left_out:
            say(f"{portraits.left_out:,} pictures of UTKFace are left out: children, or names that do not tell all.")
        scorer = new_scorer(network, device.value)
        found, groups = None, None
        with status() as display:
            if labels is not None:
                folder = cache_folder(work, labels.dataset)
                cache = open_cache(labels, folder, lambda done, total: display.show("Finding faces", done, total))
                found = evaluate_on(
                    *(scorer, labels, cache, Role(role.value)),
                    lambda done, total: display.show("Scoring faces", done, total),
                    SIZES if sizes else (),
                )
            if portraits is not None:
                groups = evaluate_groups(
                    *(scorer, new_detector(None), portraits),
                    lambda done, total: display.show("Scoring UTKFace", done, total),
                )
            display.flush()
        grades = grades_of(network.scoring_model())
        if outputs.csv is not None:
            write_csv(outputs.csv.write, table.COLUMNS, table.rows(found, grades, groups))
        if outputs.html is not None:
            for part in report.page(_heading(network, found, data, utkface), found, grades, groups):
                outputs.html.write(part.encode("utf-8", "replace"))
        outputs.finish()
        if outputs.csv_on_stdout:
            write_csv(to_stdout, table.COLUMNS, table.rows(found, grades, groups))
            return ExitCode.FOUND
        if found is not None:
            print_evaluation(found)
        if groups is not None:
            print_groups(groups)
    return ExitCode.FOUND


def _heading(network: "Checkpoint", found: "Evaluation | None", data: Path | None, utkface: Path | None) -> "Heading":
    from facesearch.training.report import Heading

    about = network.metadata
    facts = [
        ("Network", f"{network.digest[:12]}, recipe {about.get('recipe', 'unknown')}, {network.path}"),
        ("Trained on", f"{about.get('trained_on', 'unknown')} of {about['data']}"),
        *([("Faces", str(data.absolute()))] if data is not None else []),
        *([("UTKFace", str(utkface.absolute()))] if utkface is not None else []),
        ("Date", datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")),
    ]
    title = f"{found.dataset}, role {found.role}" if found is not None else "UTKFace"
    return Heading(title, [(label, printable(text)) for label, text in facts])


def print_evaluation(found: "Evaluation") -> None:
    """The table of all attributes, and tables of means: by layer, by people, by picture size, by size of the face."""
    from facesearch.reliability import MOST_CALIBRATION_ERROR, MOST_LOST
    from facesearch.training.evaluate import COMPARED_FROM, NETWORK

    _print_attributes(found)
    _print_means("network", {**found.before, NETWORK: found.together})
    results().print("raw: before calibration; perfect: the ECE if every probability were right.", soft_wrap=True)
    for line in _intervals(found):
        results().print(line, soft_wrap=True)
    if found.by_framing:
        _print_means("pictures", found.by_framing)
    for compared in found.comparisons:
        count = int(compared.comparable.sum())
        if count:
            _print_means("labelled", compared.groups, compared.comparable)
            words = f"over the {count} attributes that at least {COMPARED_FROM} faces of either group have and lack"
            results().print(words, soft_wrap=True)
    if found.by_size:
        whole = {"as they are": found.together}
        _print_means("longer side", {f"{size} pixels": of for size, of in found.by_size.items()} | whole)
        limit = found.smallest_face
        said = f"A face is too small below {limit} pixels" if limit else "No size that was tried is enough"
        rule = f"at most {100 * MOST_LOST:g} points of accuracy lost, ECE at most {MOST_CALIBRATION_ERROR:g} times as large"
        results().print(f"{said} ({rule}).", soft_wrap=True)


def _print_attributes(found: "Evaluation") -> None:
    from cli.output import new_table
    from facesearch.attributes import NAMES
    from facesearch.training.metrics import mean

    whole, paper = found.together, found.paper
    columns = {
        "positives": whole.positives,
        "majority": whole.majority,
        "accuracy": whole.accuracy,
        **({"paper": paper.mcnn_aux} if paper else {}),
        "balanced": whole.balanced_accuracy,
        "AP": whole.average_precision,
    }
    table = new_table()
    table.add_column(f"{found.dataset} {found.role}, percent", no_wrap=True)
    for name in (*columns, "ECE"):
        table.add_column(name, justify="right")
    for index, attribute in enumerate(NAMES):
        values = [_percent(float(column[index])) for column in columns.values()]
        table.add_row(attribute, *values, _error(float(whole.calibration_error[index])))
    table.add_section()
    table.add_row(
        "MEAN", *(_percent(mean(column)) for column in columns.values()), _error(mean(whole.calibration_error))
    )
    results().print(table)
    legend = "majority: always the commoner answer; balanced: balanced accuracy; AP: average precision; ECE: expected "
    legend += "calibration error over 15 bins, not in percent"
    results().print(legend + (f"; paper: MCNN-AUX, {paper.source}" if paper else "") + ".", soft_wrap=True)


def _print_means(first: str, parts: "Mapping[str, Figures]", use: "NDArray[np.bool_] | None" = None) -> None:
    """Means over the attributes (those marked in `use`), a row for each set of faces or network."""
    from cli.output import new_table
    from facesearch.training.metrics import mean

    table = new_table()
    table.add_column(first, no_wrap=True)
    for name in ("faces", "found", "majority", "accuracy", "balanced", "AP", "ECE", "perfect"):
        table.add_column(name, justify="right")
    for name, part in parts.items():
        percent = (part.majority, part.accuracy, part.balanced_accuracy, part.average_precision)
        errors = (part.calibration_error, part.chance_calibration_error)
        of = slice(None) if use is None else use
        table.add_row(
            *(name, f"{part.faces:,}", f"{part.detected:,}"),
            *(_percent(mean(column[of])) for column in percent),
            *(_error(mean(column[of])) for column in errors),
        )
    results().print()
    results().print(table)


def _intervals(found: "Evaluation") -> Iterator[str]:
    """How far the means would move with other people, and whether AUX earns its place."""
    names = {"accuracy": "accuracy", "average_precision": "AP"}
    known = [
        f"{words} {100 * at.low:.2f} to {100 * at.high:.2f}"
        for name, words in names.items()
        if (at := found.intervals.get(name))
    ]
    if known:
        yield f"With other people (95 % of bootstrap samples by person): {', '.join(known)}."
    gains = [
        f"{words} by {100 * found.gain(name):+.2f} ({100 * at.low:+.2f} to {100 * at.high:+.2f})"
        for name, words in names.items()
        if (at := found.intervals.get(f"{name}_gain"))
    ]
    if gains:
        yield f"AUX changes {' and '.join(gains)} points before calibration."


def print_groups(groups: "Mapping[str, GroupFigures]") -> None:
    """How the network treats UTKFace's groups: `Male` against gender, `Young` and `Gray_Hair` against age."""
    from cli.output import new_table
    from facesearch.training.utkface import AGES, BY_AGE, band_in_words

    table = new_table()
    table.add_column("UTKFace", no_wrap=True)
    for name in ("faces", "found", "from .8 on", "Male: accuracy", "men", "women", "AP", "ECE"):
        table.add_column(name, justify="right")
    for name, group in groups.items():
        male = group.gender
        shares = (male.detected / male.faces, group.searched / male.faces, male.accuracy[0], male.recall[0])
        table.add_row(
            *(name, f"{male.faces:,}"),
            *(_percent(float(share)) for share in (*shares, male.specificity[0], male.average_precision[0])),
            _error(float(male.calibration_error[0])),
        )
    results().print()
    results().print(table)
    results().print("men, women: share of them that is taken for what they are.", soft_wrap=True)
    for index, attribute in enumerate(BY_AGE):
        table = new_table()
        table.add_column(f"taken for {attribute}, percent", no_wrap=True)
        for band in AGES:
            table.add_column(band_in_words(band), justify="right")
        table.add_column("order by age", justify="right")
        for name, group in groups.items():
            aged = [group.by_age.get(band) for band in AGES]
            taken = [_NONE if part is None else _percent(float(part.answered_yes[index])) for part in aged]
            order = float(group.age_order[index])
            table.add_row(name, *taken, _NONE if math.isnan(order) else f"{order:+.2f}")
        results().print()
        results().print(table)
    results().print("order by age: rank correlation of the probability with age.", soft_wrap=True)


_NONE = "-"


def _percent(value: float) -> str:
    return _NONE if math.isnan(value) else f"{100 * value:.2f}"


def _error(value: float) -> str:
    return _NONE if math.isnan(value) else f"{value:.4f}"
