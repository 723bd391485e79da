"""What a report says of the network: its terms, and how often it errs in the words that were used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from db.values.scoring_model import ScoringModel
from facesearch.attributes import Attribute
from facesearch.network.measured import MeasuredNetwork, measured
from facesearch.reliability import MEANINGS, UNGRADED, grades, smallest_face

_OF_THE_SHIPPED = "research and evaluation only"


@dataclass(frozen=True, slots=True)
class NetworkAbout:
    """facts: label and text. columns, rows: a line for each word that was used. sentences: what else is to be known."""

    facts: Sequence[tuple[str, str]]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    sentences: Sequence[str]


def network_about(model: ScoringModel, used: Sequence[Attribute], quality: str) -> NetworkAbout:
    """used: the attributes that were asked for. quality: whether the network was measured on these photos."""
    of_package, graded = measured(model), grades(model)
    terms = model.metadata.get("terms")
    facts = [
        ("Network", f"MCNN-AUX {model.short}, SHA-256 {model.digest}"),
        *([("Data", str(model.metadata["data"]))] if model.metadata.get("data") else []),
        ("Terms", _terms(terms, of_package)),
        ("Quality", quality),
    ]
    with_rates = of_package is not None
    columns = ["word", "grade", *(["wrong", "by the commoner answer"] if with_rates else []), "what the grade means"]
    rows = []
    for each in dict.fromkeys(used):
        grade = graded[each.index]
        rates: list[str] = []
        if of_package is not None:
            word = of_package.words[each.name]
            rates = [f"{word.wrong:.1f} %", f"{word.wrong_by_commoner:.1f} %"]
        rows.append([each.label, grade or UNGRADED, *rates, MEANINGS[grade] if grade else "nobody has measured it"])
    return NetworkAbout(facts, columns, rows, list(_sentences(model, used, of_package)))


def _terms(terms: object, of_package: MeasuredNetwork | None) -> str:
    said = str(terms) if terms else "the checkpoint states none"
    return f"{_OF_THE_SHIPPED}. {said}" if of_package is not None else said


def _sentences(model: ScoringModel, used: Sequence[Attribute], of_package: MeasuredNetwork | None) -> Iterator[str]:
    if of_package is not None and used:
        yield (
            f"Wrong: how often the answer yes or no is wrong, measured on {of_package.data}; beside it, how often "
            "always giving the commoner answer would be. On other photos (surveillance cameras, identity cards, other "
            "countries) it errs more often."
        )
    sizes = _by_size(model.metadata.get("figures"))
    if sizes:
        told = ", ".join(f"{wrong:.1f} % at {size} pixels" for size, wrong in sizes)
        yield f"By size of the face, over all 40 words: {told} of the answers are wrong."
    yield (
        f"Faces of fewer than {smallest_face(model)} pixels are marked as small: what is not seen on them seems not to "
        "be there."
    )
    if of_package is not None and any(each.name == "Male" for each in used):
        told = "; ".join(
            f"{name} {men:.0f} % and {women:.0f} %" for name, (men, women) in of_package.sex_by_group.items()
        )
        yield (
            f"By group, men taken for women and women taken for men: {told} (on {of_package.sex_data}, under its own "
            "names). No other word was measured by group."
        )


def _by_size(figures: Any) -> list[tuple[int, float]]:
    by_size = figures.get("sizes") if isinstance(figures, dict) else None
    if not isinstance(by_size, dict):
        return []
    return sorted((int(size), 100 - float(each["accuracy"])) for size, each in by_size.items())
