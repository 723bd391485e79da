"""An evaluation as the rows of one CSV: every figure of every set of faces, with enough digits to redo each table.

`subset` says which faces: `all`, a picture size, a label (`Male`, `not Male`), `24 px` for faces reduced to that, or a
group of UTKFace, alone or with an age band. In `contradictions` each row is a pair of attributes that no face can have
both of: `answered_yes`, `mean_probability` (the product) and `positives` are those of both together; `ANY`: of at least
one pair. `network` says which layers answered. Each set ends with its means, row
`MEAN`: where two groups of people are compared, over the attributes that enough faces of either have and lack. Sets of
one or two attributes have none.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import NAMES
from facesearch.training import figures
from facesearch.training.contradictions import PAIRS, in_words
from facesearch.training.evaluate import NETWORK, Evaluation
from facesearch.training.figures import Figures, as_text
from facesearch.training.metrics import mean
from facesearch.training.utkface import BY_AGE, GroupFigures, band_in_words

COLUMNS = (
    "subset",
    "network",
    "attribute",
    *figures.COLUMNS,
    "paper_mcnn_aux_accuracy",
    "age_rank_correlation",
    "searched",
    "grade",
)


def rows(
    found: Evaluation | None, grades: Sequence[str | None], groups: Mapping[str, GroupFigures] | None
) -> Iterator[dict[str, str]]:
    """One record a set and attribute, with all of COLUMNS; what does not apply is empty."""
    for row in _rows(found, grades, groups):
        yield dict.fromkeys(COLUMNS, "") | row


def _rows(
    found: Evaluation | None, grades: Sequence[str | None], groups: Mapping[str, GroupFigures] | None
) -> Iterator[dict[str, str]]:
    if found is not None:
        beside = _beside(found, grades)
        for subset, network, part, over in parts(found):
            for row, more in zip(figures.rows(part, means_over=over), beside, strict=True):
                yield {"subset": subset, "network": network, **row, **(more if part is found.together else {})}
        yield from _contradictions(found)
    for name, group in (groups or {}).items():
        who = {"subset": f"UTKFace {name}", "network": NETWORK}
        for row in figures.rows(group.gender, ("Male",)):
            yield {**who, **row, "searched": str(group.searched)}
        for attribute, value in zip(BY_AGE, group.age_order, strict=True):
            yield {
                **who,
                "attribute": attribute,
                "faces": str(group.gender.faces),
                "age_rank_correlation": as_text(value),
            }
        for band, aged in group.by_age.items():
            for row in figures.rows(aged, BY_AGE):
                yield {**row, **who, "subset": f"UTKFace {name}, {band_in_words(band)}"}


def parts(found: Evaluation) -> Iterator[tuple[str, str, Figures, NDArray[np.bool_]]]:
    """Every set of faces by name, with the network that answered and the attributes, bool [40], that its means are
    of."""
    every = np.ones(len(NAMES), np.bool_)
    yield "all", NETWORK, found.together, every
    for name, part in found.before.items():
        yield "all", name, part, every
    for name, part in found.by_framing.items():
        yield name, NETWORK, part, every
    for comparison in found.comparisons:
        for name, part in comparison.groups.items():
            yield name, NETWORK, part, comparison.comparable
    for size, part in found.by_size.items():
        yield f"{size} px", NETWORK, part, every


def _contradictions(found: Evaluation) -> Iterator[dict[str, str]]:
    for network, of in found.contradictions.items():
        who = {"subset": "contradictions", "network": network, "faces": str(found.together.faces)}
        each = zip(PAIRS, of.answered, of.expected, of.labelled, strict=True)
        for pair, answered, expected, labelled in each:
            yield {
                **who,
                "attribute": in_words(pair),
                "answered_yes": as_text(answered),
                "mean_probability": as_text(expected),
                "positives": as_text(labelled),
            }
        any_of = {"answered_yes": as_text(of.any_answered), "positives": as_text(of.any_labelled)}
        yield {**who, "attribute": "ANY", **any_of}


def _beside(found: Evaluation, grades: Sequence[str | None]) -> list[dict[str, str]]:
    """What stands beside the figures over all faces: 40 records, and one for the means."""
    paper = found.paper.mcnn_aux if found.paper else np.full(len(NAMES), np.nan)
    each = zip([*paper, mean(paper)], [*grades, None], strict=True)
    return [{"paper_mcnn_aux_accuracy": as_text(value), "grade": grade or ""} for value, grade in each]
