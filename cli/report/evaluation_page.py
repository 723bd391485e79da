"""An evaluation as one self-contained page, to read, to print and to hand on.

Charts are inline SVG (`cli.report.charts`), so that nothing is loaded from elsewhere. The template makes HTML of the
blocks that stand here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cli.report import charts, templating
from facesearch.attributes import ATTRIBUTES, NAMES, Group, members
from facesearch.reliability import MEANINGS, MOST_CALIBRATION_ERROR, MOST_LOST, RULE, UNGRADED
from facesearch.training.bootstrap import Interval
from facesearch.training.contradictions import PAIRS, in_words
from facesearch.training.datasets import Dataset
from facesearch.training.evaluate import COMPARED_FROM, MCNN_ALONE, NETWORK, UNCALIBRATED, Comparison, Evaluation
from facesearch.training.figures import Figures
from facesearch.training.metrics import BINS, Floats, mean
from facesearch.training.utkface import AGES, BY_AGE, EVERYONE, GroupFigures, band_in_words

_NONE = "-"
_SHOWN_RELATIONS = 12
_SHOWN_DIFFERENCES = 12


@dataclass(frozen=True, slots=True)
class EvaluationHeading:
    """What stands above the figures. facts: label and text, such as which network and which data."""

    title: str
    facts: Sequence[tuple[str, str]]


def page(
    heading: EvaluationHeading,
    evaluation: Evaluation | None,
    grades: Sequence[str | None],
    groups: Mapping[str, GroupFigures] | None = None,
) -> Iterator[str]:
    """The page, part by part. grades: of the 40 attributes, None where unknown. groups: of `evaluate_groups`."""
    yield from templating.rendered(
        "evaluation.html",
        style="evaluation.css",
        more_style=charts.STYLE,
        title=heading.title,
        facts=heading.facts,
        blocks=_blocks(evaluation, grades, groups),
    )


Block = Mapping[str, Any]
"""A piece of the page: its kind, of which the template makes something, and what that needs."""


def _blocks(
    evaluation: Evaluation | None, grades: Sequence[str | None], groups: Mapping[str, GroupFigures] | None
) -> Iterator[Block]:
    if evaluation is not None:
        yield from _summary(evaluation)
        yield from _layers(evaluation)
        yield from _accuracy_bars(evaluation)
        yield from _attribute_table(evaluation, grades)
        yield from _calibration(evaluation)
        yield from _aux(evaluation)
        yield from _contradictions(evaluation)
        if evaluation.by_size:
            yield from _sizes(evaluation)
        if evaluation.by_framing:
            yield _title("By picture size")
            yield _means_table("pictures", [*evaluation.by_framing.items()])
        for comparison in evaluation.comparisons:
            yield from _comparison(comparison)
    if groups is not None:
        yield from _utkface(groups)
    yield _title("What the words mean")
    yield {"kind": "words", "rows": _WORDS}


def _title(text: str) -> Block:
    return {"kind": "title", "text": text}


def _subtitle(text: str) -> Block:
    return {"kind": "subtitle", "text": text}


def _paragraph(text: str, *, note: bool = False, lines: Sequence[str] = ()) -> Block:
    """lines: further ones below it."""
    return {"kind": "paragraph", "text": text, "note": note, "lines": lines}


def _charts(drawn: Sequence[tuple[str, str]]) -> Block:
    """Charts with their captions."""
    return {"kind": "charts", "figures": [(caption, Markup(chart)) for caption, chart in drawn]}


def _summary(found: Evaluation) -> Iterator[Block]:
    whole = found.together
    others = "" if found.dataset is Dataset.LFWA else ", on other faces"
    paper = [f"{_percent(mean(found.paper.mcnn_aux))} in the paper{others}"] if found.paper else []
    faces = f"of {found.people:,} people" if found.people is not None else "identities unknown"
    tiles = [
        (
            "Accuracy",
            _percent(mean(whole.accuracy)),
            [
                _between(found.intervals.get("accuracy")),
                f"{_percent(mean(whole.majority))} by the commoner answer",
                *paper,
            ],
        ),
        (
            "Average precision",
            _percent(mean(whole.average_precision)),
            [_between(found.intervals.get("average_precision")), f"{_percent(mean(whole.positives))} by guessing"],
        ),
        ("Balanced accuracy", _percent(mean(whole.balanced_accuracy)), ["50.00 by always giving one answer"]),
        (
            "Calibration error",
            _error(mean(whole.calibration_error)),
            [f"{_error(mean(whole.chance_calibration_error))} if every probability were exactly right"],
        ),
        ("Faces", f"{whole.faces:,}", [faces, f"{whole.detected:,} found by the detector"]),
    ]
    yield {"kind": "tiles", "tiles": [(name, value, [each for each in lines if each]) for name, value, lines in tiles]}
    yield _paragraph(
        "Means over the 40 attributes, in percent. In brackets, where 95 % of bootstrap samples of the people lie. "
        "Accuracy flatters: rare attributes are right by always saying no. Average precision and balanced accuracy do "
        "not reward that.",
        note=True,
    )


def _layers(found: Evaluation) -> Iterator[Block]:
    names = [name for name in (MCNN_ALONE, UNCALIBRATED) if name in found.before]
    figures = [(name, found.before[name]) for name in names] + [(f"{NETWORK}, as it is used", found.together)]
    yield _title("What each layer adds")
    gains = [
        f"{of.replace('_', ' ')} by {_signed(found.gain(of))} {_between(found.intervals[f'{of}_gain'], _signed)}"
        for of in ("accuracy", "average_precision")
        if f"{of}_gain" in found.intervals
    ]
    if gains:
        yield _paragraph(
            f"AUX changes {' and '.join(gains)} points; where the brackets hold 0, these faces tell no difference."
        )
    if found.paper:
        ours, with_aux = _percent(mean(found.paper.mcnn)), _percent(mean(found.paper.mcnn_aux))
        yield _paragraph(f"The paper reports {ours} for MCNN and {with_aux} for MCNN-AUX ({found.paper.source}).")
    yield _paragraph("Raw: before calibration, which moves the probabilities and not the order of the faces.")
    yield _means_table("network", figures)


def _accuracy_bars(found: Evaluation) -> Iterator[Block]:
    whole, paper = found.together, found.paper.mcnn_aux if found.paper else None
    start = np.floor(10 * min(0.9, float(whole.majority.min()), float(whole.accuracy.min()))) / 10
    rows = []
    for each in ATTRIBUTES:
        i = each.index
        other = None if paper is None else float(paper[i])
        words = f"{each.name}: accuracy {_percent(whole.accuracy[i])}, commoner answer {_percent(whole.majority[i])}"
        words += "" if other is None else f", paper {_percent(other)}"
        drawn = charts.bar(float(whole.accuracy[i]), float(whole.majority[i]), other, float(start), words)
        rows.append((each.name, Markup(drawn), _percent(whole.accuracy[i])))
    yield _title("Accuracy")
    yield {
        "kind": "bars",
        "with_paper": paper is not None,
        "ticks": list(range(round(100 * start), 101, 10)),
        "rows": rows,
    }


def _attribute_table(found: Evaluation, grades: Sequence[str | None]) -> Iterator[Block]:
    whole, alone, paper = found.together, found.before.get(MCNN_ALONE), found.paper
    columns: list[tuple[str, Floats, bool]] = [
        ("accuracy", whole.accuracy, True),
        *([("paper's accuracy", paper.mcnn_aux, True)] if paper else []),
        *([("MCNN's accuracy", alone.accuracy, True)] if alone else []),
        ("commoner answer", whole.majority, True),
        ("positives", whole.positives, True),
        ("recall", whole.recall, True),
        ("specificity", whole.specificity, True),
        ("balanced accuracy", whole.balanced_accuracy, True),
        ("average precision", whole.average_precision, True),
        *([("MCNN's average precision", alone.average_precision, True)] if alone else []),
        ("calibration error", whole.calibration_error, False),
        ("if perfect", whole.chance_calibration_error, False),
    ]
    graded = any(grades)
    rows = [
        [name, *([grades[i] or UNGRADED] if graded else [])]
        + [_percent(c[i]) if percent else _error(c[i]) for _, c, percent in columns]
        for i, name in enumerate(NAMES)
    ]
    last = ["mean", *([""] if graded else [])]
    last += [_percent(mean(c)) if percent else _error(mean(c)) for _, c, percent in columns]
    yield _title("Attribute by attribute")
    yield _paragraph(
        "In percent, but for the calibration errors. Recall: share of those who have it that are found; specificity: "
        "share of those who do not that are denied.",
        lines=[f"{grade}: {words}" for grade, words in MEANINGS.items()] if graded else (),
    )
    yield _table(["attribute", *(["grade"] if graded else []), *(name for name, _, _ in columns)], rows, last)


def _calibration(found: Evaluation) -> Iterator[Block]:
    whole, bins = found.together, found.reliability
    yield _title("Calibration")
    yield _paragraph(
        "Of the faces with a probability near .7, 70 % should have the attribute. Each dot is one of "
        f"{BINS} bins of the probability said (across) with the share that is labelled so (up); on the dashed line "
        "they agree, and the stroke is the gap. Pale dots stand for fewer than ten faces. The grey bars show how many "
        "faces fall into a bin (square root). The calibration error is the gap averaged over faces; beside it, what a "
        "perfectly calibrated network would show on as many faces by chance."
    )
    yield _subtitle("All attributes together")
    pooled = charts.reliability_diagram(bins.pooled(), 0, "Reliability diagram of all attributes together", 300)
    yield {"kind": "pooled", "chart": Markup(pooled)}
    yield _subtitle("Each attribute, with its calibration error")
    diagrams = []
    for i, name in enumerate(NAMES):
        errors = f"{_error(whole.calibration_error[i])}, if perfect {_error(whole.chance_calibration_error[i])}"
        drawn = charts.reliability_diagram(bins, i, f"Reliability diagram of {name}")
        diagrams.append((name, errors, Markup(drawn)))
    yield {"kind": "diagrams", "figures": diagrams}


def _aux(found: Evaluation) -> Iterator[Block]:
    order = [each.index for group in Group for each in members(group)]
    names = [NAMES[i] for i in order]
    departure = (found.aux - np.eye(len(NAMES)))[np.ix_(order, order)]
    apart = np.abs(departure - np.diag(np.diag(departure)))
    strongest = np.argsort(-apart, axis=None)[:_SHOWN_RELATIONS]
    relations = [
        [names[row], names[column], f"{departure[row, column]:+.3f}"]
        for row, column in zip(*np.unravel_index(strongest, apart.shape), strict=True)
    ]
    sizes = {group.value: len(members(group)) for group in Group}
    yield _title("What AUX has learnt")
    yield _paragraph(
        "The weights of the 40 x 40 layer, as in Figures 3 and 4 of the paper: across MCNN's scores, down what AUX "
        "makes of them, in the paper's groups. Red: speaks for it; blue: speaks against it. The diagonal shows the "
        "departure from the identity, which would leave the scores as they are."
    )
    yield {"kind": "wide", "chart": Markup(charts.heatmap(departure, names, sizes, "AUX weights less the identity"))}
    yield {"kind": "wide", "chart": Markup(charts.colour_scale(departure))}
    yield _subtitle("Strongest relations")
    yield _table(["score of", "is moved by that of", "weight"], relations)


def _contradictions(found: Evaluation) -> Iterator[Block]:
    whole = found.contradictions[NETWORK]
    if np.isnan(whole.any_labelled):
        return
    rows = [
        [in_words(pair), _percent(float(whole.labelled[place]))]
        + [
            _percent(float(share[place]))
            for of in found.contradictions.values()
            for share in (of.answered, of.expected)
        ]
        for place, pair in enumerate(PAIRS)
    ]
    last = ["any of them", _percent(whole.any_labelled)]
    last += [cell for of in found.contradictions.values() for cell in (_percent(of.any_answered), "")]
    heads = [f"{name}: {what}" for name in found.contradictions for what in ("answered", "expected")]
    yield _title("Does it contradict itself?")
    yield _paragraph(
        "Of 100 faces, how many get a yes to two attributes that no face can have both of (answered: both "
        "probabilities above one half), and how many a search for both would expect (the mean product of the two); "
        "beside it, how often the labels themselves say both."
    )
    yield _table(["pair", "labelled", *heads], rows, last)


_WORDS = (
    ("MCNN", "the network that looks at a face and gives a number for each of 40 attributes"),
    ("AUX", "its last layer, which corrects each number by all the others: a beard makes lipstick less likely"),
    ("Role", "what a photo served for; only those of role test had no part in making the network"),
    ("Accuracy", "how often yes or no is right, where yes is a probability above one half"),
    ("Balanced accuracy", "the mean of the shares that are right among those who have it and among those who do not"),
    (
        "Average precision",
        "how well the attribute sorts faces: 100 where all who have it come before all others; at random it would be "
        "the share of those who have it",
    ),
    ("Calibration error", "how far the probabilities are off: of faces said to be 70 % should 70 of 100 have it"),
    ("In brackets", "the range that the figure would mostly have had with other people of the same kind"),
    (
        "Grade",
        f"how far an attribute can be relied on, from the held-out faces on which AUX was fitted. {RULE.rstrip('.')}",
    ),
    (
        "For whom",
        "the probabilities are right for photos like those that the network was calibrated on, which for CelebA are "
        "press photos of celebrities; on others expect worse",
    ),
)


def _sizes(found: Evaluation) -> Iterator[Block]:
    figures = [(f"{size} pixels", found.by_size[size]) for size in sorted(found.by_size)] + [
        ("as they are", found.together)
    ]
    labels = [*(str(size) for size in sorted(found.by_size)), "full"]
    drawn = [
        ("accuracy", "Accuracy, percent", 1, 100.0),
        ("average_precision", "Average precision, percent", 0, 100.0),
        ("calibration_error", "Calibration error", 3, 1.0),
    ]
    parts = []
    for name, title, digits, times in drawn:
        values = [times * mean(getattr(f, name)) for _, f in figures]
        low, high = (0.0, 0.0) if name == "calibration_error" else (min(values), max(values))
        chart = charts.line_chart(labels, {title: values}, f"{title}, by size of the face", digits, low, high)
        parts.append((title, chart))
    limit = found.smallest_face
    said = f"A face is too small below {limit} pixels" if limit else "No size that was tried is enough"
    rule = (
        f"{said}: the smallest size from which on mean accuracy is at most {100 * MOST_LOST:g} points below that of "
        f"the faces as they are and the mean calibration error at most {MOST_CALIBRATION_ERROR:g} times theirs."
    )
    yield _title("Small faces")
    yield _paragraph(
        "The same faces, reduced until the longer side of the face box has so many pixels, and enlarged again. " + rule
    )
    yield _charts(parts)
    yield _means_table("longer side", figures)


def _comparison(compared: Comparison) -> Iterator[Block]:
    use, few = compared.comparable, np.flatnonzero(compared.comparable)
    text = (
        f"{len(few)} attributes are compared: those that at least {COMPARED_FROM} faces of either group have and lack. "
        "What one group hardly ever has is left out; accuracy still depends on how common an attribute is in a group, "
        "balanced accuracy does not."
    )
    yield _title(f"Faces labelled {compared.attribute} and others")
    yield _paragraph(text)
    if not len(few):
        return
    yield _means_table("labelled", [*compared.groups.items()], use)
    one, other = compared.has, compared.lacks
    apart = np.abs(one.balanced_accuracy - other.balanced_accuracy)
    largest = few[np.argsort(-apart[few])][:_SHOWN_DIFFERENCES]
    rows = [
        [NAMES[i]]
        + [_percent(getattr(g, of)[i]) for of in ("balanced_accuracy", "recall", "specificity") for g in (one, other)]
        for i in largest
    ]
    short = [compared.attribute, f"not {compared.attribute}"]
    headers = ["attribute", *(f"{of}, {who}" for of in ("balanced accuracy", "recall", "specificity") for who in short)]
    yield _subtitle("Largest differences")
    yield _table(headers, rows)


def _utkface(groups: Mapping[str, GroupFigures]) -> Iterator[Block]:
    rows = [
        [
            name,
            f"{g.gender.faces:,}",
            _percent(g.gender.detected / g.gender.faces),
            _percent(g.searched / g.gender.faces),
            *(_percent(getattr(g.gender, of)[0]) for of in ("accuracy", "recall", "specificity", "average_precision")),
            _error(g.gender.calibration_error[0]),
            *(f"{value:+.2f}" if np.isfinite(value) else _NONE for value in g.age_order),
        ]
        for name, g in groups.items()
    ]
    headers = [
        *("group", "faces", "found", "found from .8 on", "Male: accuracy", "men taken for men"),
        *("women not taken for men", "Male: average precision", "Male: calibration error"),
        *("Young against age (-1 is best)", "Gray_Hair against age (+1 is best)"),
    ]
    bands = [band_in_words(band) for band in AGES]
    drawn, tables = [], []
    for i, attribute in enumerate(BY_AGE):
        shares = {
            name: [100 * float(g.by_age[band].answered_yes[i]) if band in g.by_age else np.nan for band in AGES]
            for name, g in groups.items()
        }
        title = f"Taken for {attribute}, percent"
        chart = charts.line_chart(bands, shares, f"{title}, by age and group", 0, 0.0, 100.0)
        drawn.append((title, chart))
        cells = [[name, *(_NONE if np.isnan(v) else f"{v:.1f}" for v in values)] for name, values in shares.items()]
        tables.append((title, cells))
    counts = [
        [name, *(f"{g.by_age[band].faces:,}" if band in g.by_age else "0" for band in AGES)]
        for name, g in groups.items()
    ]
    yield _title("By group of people (UTKFace)")
    yield _paragraph(
        "Adults of the five groups that UTKFace's file names tell, under its own words. It carries none of the 40 "
        "attributes: Male is held against gender, Young and Gray_Hair against age (rank correlation of the "
        "probability with it). Faces that the detector misses are cut where faces usually are, and count. The "
        "pictures end close around the face: the differences between groups count here, not the level."
    )
    yield _table(headers, rows)
    yield {"kind": "chart", "chart": Markup(charts.legend([*groups]))}
    yield _charts(drawn)
    by_age = [(title, _table(["group", *bands], cells)) for title, cells in (*tables, ("Faces", counts))]
    yield {"kind": "tables", "tables": by_age}
    yield _paragraph(f"{EVERYONE}: every face, whatever its group.", note=True)


def _means_table(first: str, figures: Sequence[tuple[str, Figures]], use: NDArray[np.bool_] | None = None) -> Block:
    """Means over the attributes (those marked in `use`), a row for each set of faces or network."""
    of = slice(None) if use is None else use
    percent = ("accuracy", "majority", "balanced_accuracy", "average_precision")
    errors = ("calibration_error", "chance_calibration_error")
    headers = [first, "accuracy", "commoner answer", "balanced accuracy", "average precision"]
    rows = [
        [
            name,
            *(_percent(mean(getattr(f, column)[of])) for column in percent),
            *(_error(mean(getattr(f, column)[of])) for column in errors),
            f"{f.faces:,}",
            f"{f.detected:,}",
        ]
        for name, f in figures
    ]
    return _table([*headers, "calibration error", "if perfect", "faces", "found"], rows)


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]], last: Sequence[str] = ()) -> Block:
    return {"kind": "table", "headers": headers, "rows": list(rows), "last": last}


def _percent(value: float) -> str:
    return _NONE if np.isnan(value) else f"{100 * value:.2f}"


def _signed(value: float) -> str:
    return f"{100 * value:+.2f}"


def _error(value: float) -> str:
    return _NONE if np.isnan(value) else f"{value:.4f}"


def _between(at: Interval | None, how: Callable[[float], str] = _percent) -> str:
    return "" if at is None else f"({how(at.low)} to {how(at.high)})"
