"""An evaluation as tables for the terminal, each within 80 columns."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from cli.report.tables import new_table
from cli.terminal.console import results
from facesearch.attributes import NAMES
from facesearch.reliability import MOST_CALIBRATION_ERROR, MOST_LOST
from facesearch.training.contradictions import PAIRS, in_words
from facesearch.training.evaluate import COMPARED_FROM, NETWORK, Evaluation
from facesearch.training.figures import Figures
from facesearch.training.metrics import BINS, mean
from facesearch.training.utkface import AGES, BY_AGE, GroupFigures, band_in_words


def print_evaluation(found: Evaluation) -> None:
    """The table of all attributes, and tables of means: by layer, by people, by picture size, by size of the face."""
    _print_attributes(found)
    _print_means("network", {**found.before, NETWORK: found.together}, same_faces=True)
    results().print("raw: before calibration; chance: the ECE if every probability were right.", soft_wrap=True)
    for line in _intervals(found):
        results().print(line, soft_wrap=True)
    _print_contradictions(found)
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
        reduced = {f"{size} pixels": of for size, of in found.by_size.items()}
        _print_means("longer side", reduced | whole, same_faces=True)
        limit = found.smallest_face
        said = f"A face is too small below {limit} pixels" if limit else "No size that was tried is enough"
        lost = f"at most {100 * MOST_LOST:g} points of accuracy lost, ECE at most {MOST_CALIBRATION_ERROR:g} times"
        results().print(f"{said} ({lost}).", soft_wrap=True)


def _print_attributes(found: Evaluation) -> None:
    whole, paper = found.together, found.paper
    columns = {
        "have it": whole.positives,
        "majority": whole.majority,
        "accuracy": whole.accuracy,
        **({"paper": paper.mcnn_aux} if paper else {}),
        "balanced": whole.balanced_accuracy,
        "AP": whole.average_precision,
    }
    table = new_table()
    table.add_column(f"{found.dataset} {found.role}, %", no_wrap=True)
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
    legend += f"calibration error over {BINS} bins, not in percent"
    results().print(legend + (f"; paper: MCNN-AUX, {paper.source}" if paper else "") + ".", soft_wrap=True)


def _print_means(
    first: str, parts: Mapping[str, Figures], use: NDArray[np.bool_] | None = None, same_faces: bool = False
) -> None:
    """Means over the attributes (those marked in `use`), a row for each set of faces or network; how many faces they
    are is said unless all rows are of the same."""
    table = new_table()
    table.add_column(first, no_wrap=True)
    counts = () if same_faces else ("faces", "found")
    for name in (*counts, "majority", "accuracy", "balanced", "AP", "ECE", "chance"):
        table.add_column(name, justify="right")
    for name, part in parts.items():
        percent = (part.majority, part.accuracy, part.balanced_accuracy, part.average_precision)
        errors = (part.calibration_error, part.chance_calibration_error)
        of = slice(None) if use is None else use
        table.add_row(
            *(name, *([] if same_faces else [f"{part.faces:,}", f"{part.detected:,}"])),
            *(_percent(mean(column[of])) for column in percent),
            *(_error(mean(column[of])) for column in errors),
        )
    results().print()
    results().print(table)


_SHOWN_PAIRS = 6


def _print_contradictions(found: Evaluation) -> None:
    """How often two answers exclude each other, before and after AUX: of the most frequent pairs, and of any."""
    if np.isnan(found.contradictions[NETWORK].any_labelled):
        return
    table = new_table()
    table.add_column("yes to both, %", no_wrap=True)
    table.add_column("labels", justify="right")
    for name in found.contradictions:
        table.add_column(name, justify="right")
    for place, pair in most_frequent(found, _SHOWN_PAIRS):
        shares = [each.answered[place] for each in found.contradictions.values()]
        labelled = found.contradictions[NETWORK].labelled[place]
        table.add_row(in_words(pair), *(_percent(float(share)) for share in (labelled, *shares)))
    table.add_section()
    any_of = [each.any_answered for each in found.contradictions.values()]
    table.add_row(f"any of {len(PAIRS)} pairs", *map(_percent, (found.contradictions[NETWORK].any_labelled, *any_of)))
    results().print()
    results().print(table)


def most_frequent(found: Evaluation, most: int) -> list[tuple[int, tuple[str, str]]]:
    """The pairs that labels or any network say most often to hold together, with their places."""
    shares = [found.contradictions[NETWORK].labelled, *(each.answered for each in found.contradictions.values())]
    highest = np.nan_to_num(np.max(shares, axis=0))
    return [(int(place), PAIRS[place]) for place in np.argsort(-highest, kind="stable")[:most]]


def _intervals(found: Evaluation) -> Iterator[str]:
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


def print_groups(groups: Mapping[str, GroupFigures]) -> None:
    """How the network treats UTKFace's groups: `Male` against gender, `Young` and `Gray_Hair` against age."""
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
