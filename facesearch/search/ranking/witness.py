"""How often a witness errs in each word, and the order of faces that reckons with it.

A product of probabilities sinks a face for one wrong word as low as for four. To reckon with a witness who errs is to
hedge every part of the description (`facesearch.certainty`), so the order is that of a description with hedges. Hair
that was said to be black is brown oftener than blond, so a colour counts its neighbours in as well.

The rates stand in witness.tsv, each with its source; few are published, so a file of one's own may replace them.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from facesearch.attributes import BY_NAME, NAMES
from facesearch.certainty import certainty_of
from facesearch.errors import RequestError
from facesearch.query.tree import And, Node, Not, Or, Term, Weighted, all_of, any_of, hedge, negate, parts_of

FILE_KINDS = ("unreadable", "no columns", "unknown attribute", "no rate", "twice")
"""What can be wrong with a file of error rates: the kinds of `RequestError` that `read_errors` raises."""

_PARTS_FROM = 4  # parts of a description from which reckoning with a wrong one finds more (docs/retrieval.md)
_COLUMNS = ("attribute", "present", "absent")


@dataclass(frozen=True)
class WordErrors:
    """How often a witness errs who says of an attribute that it holds (`present`) or that it does not (`absent`), 0 to
    below .5. near: other attributes that it is mistaken for oftener, at the rate `to_near`, at least `present`. source:
    where the rates come from."""

    present: float
    absent: float
    near: tuple[int, ...] = ()
    to_near: float = 0.0
    source: str = ""


Errors = tuple[WordErrors, ...]
"""One for each of the 40 attributes, in official order."""


@cache
def shipped_errors() -> Errors:
    """The rates in the package."""
    text = (resources.files("facesearch.search.ranking") / "witness.tsv").read_text(encoding="utf-8")
    rows = _rows(text, "witness.tsv")
    return tuple(rows[name] for name in NAMES)


def read_errors(file: Path) -> Errors:
    """The rates in a table (tabs, commas or semicolons; columns as in witness.tsv, of which near, to_near and source
    may be missing); attributes that it lacks keep those of the package. Raises RequestError of one of FILE_KINDS."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise RequestError("unreadable", {"file": str(file), "reason": reason}) from None
    rows = _rows(text, str(file))
    return tuple(rows.get(name, own) for name, own in zip(NAMES, shipped_errors(), strict=True))


def _rows(text: str, file: str) -> Mapping[str, WordErrors]:
    lines = text.splitlines()
    header = lines[0] if lines else ""
    separator = next((mark for mark in "\t;" if mark in header), ",")
    rows = csv.DictReader(lines, delimiter=separator)
    if not set(_COLUMNS) <= set(rows.fieldnames or ()):
        raise RequestError("no columns", {"file": file, "columns": _COLUMNS})
    found: dict[str, WordErrors] = {}
    for row in rows:
        about = {"file": file, "line": rows.line_num}
        name = (row["attribute"] or "").strip()
        if not name:
            continue
        if name in found:
            raise RequestError("twice", {**about, "attribute": name})
        found[name] = _errors_of(name, row, about)
    return MappingProxyType(found)


def _errors_of(name: str, row: Mapping[str, str | None], about: Mapping[str, object]) -> WordErrors:
    """What a row of the table says of an attribute. about: where it stands."""
    near = tuple(each.strip() for each in (row.get("near") or "").split(",") if each.strip())
    for each in (name, *near):
        if each not in BY_NAME:
            raise RequestError("unknown attribute", {**about, "attribute": each})
    present, absent = (_rate(row[column], about, name) for column in ("present", "absent"))
    to_near = max(present, _rate(row.get("to_near") or "0", about, name))
    places = tuple(BY_NAME[each].index for each in near)
    return WordErrors(present, absent, places, to_near, (row.get("source") or "").strip())


def _rate(text: str | None, about: Mapping[str, object], name: str) -> float:
    try:
        rate = float((text or "").strip().replace(",", "."))
    except ValueError:
        rate = math.nan
    if not 0.0 <= rate < 0.5:  # also true for NaN
        raise RequestError("no rate", {**about, "attribute": name, "rate": (text or "").strip()})
    return rate


def order_of(tree: Node, errors: Errors | None) -> Node | None:
    """What decides over the order of faces that are not likely: the description as a witness who errs would give it;
    None where that is the score, since no rates are given or too few things are said."""
    return None if errors is None or len(parts_of(tree)) < _PARTS_FROM else doubted(tree, errors)


def doubted(tree: Node, errors: Errors) -> Node:
    """The description as the witness would give it who errs at these rates: each part hedged, on top of the hedges that
    it has. An age in numbers, whose certainty already reckons with errors, stays as it is."""
    return all_of(_doubted(part, errors) for part in parts_of(tree))


def _doubted(part: Node, errors: Errors) -> Node:
    if isinstance(part, Weighted):
        return part if _is_age(part.child) else hedge(_doubted(part.child, errors), part.certainty)
    if _is_age(part):
        return part
    near = _near(part, errors)
    rate = error_in(part, errors)
    if not near:
        return hedge(part, certainty_of(rate))
    # Factor 1 where the part holds, r of a neighbour and s of anything else: r = e' / (1 - e'), s = e / (1 - e). A
    # neighbour counts as if the part held with the probability c, for which 1 - (1 - s)(1 - c) = r.
    likely, unlikely = (each / (1 - each) for each in (max(rate, _to_near(part, errors)), rate))
    counts = (likely - unlikely) / (1 - unlikely)
    neighbours = (_at_most(Term(attribute), counts) for attribute in near)
    return hedge(any_of((part, *neighbours)), certainty_of(rate))


def _at_most(node: Node, certainty: float) -> Node:
    """With the probability `certainty` that of `node`, else false."""
    return Not(Weighted(negate(node), certainty))


def _is_age(node: Node) -> bool:
    return isinstance(node, Term) and node.years is not None


def error_in(node: Node, errors: Errors, truth: bool = True) -> float:
    """How often it is wrong to say that `node` is `truth`: of alternatives all have to be wrong, so the smallest rate
    of them; of several things together the largest."""
    if isinstance(node, Term):
        each = errors[node.attribute]
        return each.present if node.holds is truth else each.absent
    if isinstance(node, Not):
        return error_in(node.child, errors, not truth)
    if isinstance(node, Weighted):
        return error_in(node.child, errors, truth)
    rates = [error_in(child, errors, truth) for child in node.children]
    return (max if isinstance(node, And) is truth else min)(rates, default=0.0)


def _said_to_hold(part: Node) -> tuple[int, ...]:
    """The attributes of which one or another is said to hold; none of anything else."""
    terms = part.children if isinstance(part, Or) else (part,)
    found = tuple(term.attribute for term in terms if isinstance(term, Term) and term.holds)
    return found if len(found) == len(terms) else ()


def _near(part: Node, errors: Errors) -> tuple[int, ...]:
    """What the part is often mistaken for, and does not say itself."""
    said = _said_to_hold(part)
    near: Iterable[int] = (each for attribute in said for each in errors[attribute].near)
    return tuple(each for each in dict.fromkeys(near) if each not in said)


def _to_near(part: Node, errors: Errors) -> float:
    return min(errors[attribute].to_near for attribute in _said_to_hold(part))
