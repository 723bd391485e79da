"""What a validation found, as tables for the terminal and as one self-contained page."""

import math
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from cli.report import charts, templating
from cli.report.tables import new_table
from cli.report.validated import percent
from cli.report.wording import counted
from cli.terminal.console import printable, results
from db.validations import Measured
from facesearch.attributes import BY_NAME
from facesearch.training.bootstrap import Interval
from facesearch.training.metrics import BINS
from facesearch.validation.agreement import Agreement, Share
from facesearch.validation.sample import Sample

_NONE = "-"
_WORD_COLUMNS = ("have it", "kappa", "disagree", "error", "95 %", "missed", "false", "ECE", "chance")
_LEGEND = (
    "have it: faces that both people say have it. kappa: how far the two agree beyond chance (1: always). disagree: "
    "share of faces on which one says yes and the other no. error: how often the network is wrong where both agree, "
    "with its 95 % interval. missed: of those who have it, the share it denies; false: of those who do not, the share "
    f"it affirms. ECE: expected calibration error over {BINS} bins; chance: what it would be if every probability were "
    "exactly right. All but kappa, ECE and chance in percent."
)


def print_statement(found: Agreement, measured: Measured, sample: Sample) -> None:
    """The statement, and a line for each word."""
    out = results()
    table = new_table()
    table.add_column("word", no_wrap=True)
    for name in _WORD_COLUMNS:
        table.add_column(name, justify="right")
    for cells in _word_rows(found):
        table.add_row(*cells)
    out.print(table)
    out.print(_LEGEND, soft_wrap=True)
    out.print()
    for line in statement_lines(found, measured, sample):
        out.print(printable(line), soft_wrap=True)


def statement_lines(found: Agreement, measured: Measured, sample: Sample) -> Iterator[str]:
    """The statement, sentence by sentence."""
    words = counted(len(found.words), "word")
    yield (
        f"Validated on {measured.made.astimezone():%Y-%m-%d}: network {measured.model[:12]}, facesearch "
        f"{measured.version}, {found.faces:,} faces drawn from {sample.of_faces:,} (seed {sample.seed}), {words}, "
        f"labelled by {found.people[0]} and {found.people[1]}."
    )
    yield (
        f"Where both agree, the network is wrong in {_share(found.error)} of the answers; against each person's own "
        f"answers in {_percent(found.against_each)} %."
    )
    yield f"The two people disagree on {_share(found.disagree)} of the answers that both could give."
    yield f"Calibration error over all words: {_error(found.calibration_error)} (by chance {_error(found.chance)})."
    for title, part in found.parts.items():
        yield f"{_title(title)} ({counted(part.faces, 'face')}): {_share(part.error)} wrong."
    detection = found.detection
    yield f"Of the drawn faces, {_share(detection.not_faces)} are no faces."
    if detection.photos:
        yield (
            f"On {detection.photos:,} whole photos, {_share(detection.missed)} of the faces that people see were not "
            f"found; the two counted alike on {_percent(detection.counts_agree)} % of them."
        )
    if found.gone:
        yield (
            f"{found.gone:,} drawn faces are not counted: the catalogue holds them no more, or elsewhere in the photo."
        )
    if found.left_out:
        names = ", ".join(BY_NAME[name].label for name in found.left_out)
        yield f"Not measured, since not both have finished: {names}."


def page(found: Agreement, measured: Measured, sample: Sample, catalogue: Path) -> Iterator[str]:
    """The same as a page to hand on."""
    facts = (
        ("Catalogue", str(catalogue)),
        ("Network", measured.model),
        ("Version", f"facesearch {measured.version}, decoder {measured.decoder}, detector {measured.detector}"),
        ("Sample", f"{sample.key}, seed {sample.seed}, detection scores from {sample.min_detection:g} on"),
    )
    diagram = charts.reliability_diagram(found.bins, 0, "Reliability diagram of all words together", 300)
    return templating.rendered(
        "validation.html",
        style="validation.css",
        more_style=charts.STYLE,
        title=f"Validated here on {measured.made.astimezone():%Y-%m-%d}",
        facts=facts,
        lines=statement_lines(found, measured, sample),
        columns=("word", *_WORD_COLUMNS),
        rows=_word_rows(found),
        legend=_LEGEND,
        diagram=Markup(diagram),
    )


def _word_rows(found: Agreement) -> Iterator[list[str]]:
    for word in found.words:
        yield [
            BY_NAME[word.name].label,
            f"{word.have:,}",
            _NONE if math.isnan(word.kappa) else f"{word.kappa:.2f}",
            _percent(word.disagree.value),
            _percent(word.error.value),
            _span(word.error.interval),
            _percent(word.misses.value),
            _percent(word.alarms.value),
            _error(word.calibration_error),
            _error(word.chance),
        ]


def _share(share: Share) -> str:
    if not share.judged:
        return "none (nothing could be judged)"
    span = f" (95 %: {_span(share.interval)})" if share.interval else ""
    return f"{_percent(share.value)} %{span}"


def _span(between: Interval | None) -> str:
    return f"{percent(between.low)} to {percent(between.high)}" if between else _NONE


def _percent(value: float) -> str:
    return _NONE if math.isnan(value) else percent(value)


def _error(value: float) -> str:
    return _NONE if math.isnan(value) else f"{value:.3f}"


def _title(part: str) -> str:
    name = part.removeprefix("not ")
    if name not in BY_NAME:
        return f"Faces of {part}" if not part.startswith("under") else f"Faces {part}"
    return f"Labelled {part.replace(name, BY_NAME[name].label)}"
