"""Numbers in a description: certainties (":0.7") and bounds (">0.8"), both from 0 to 1."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from facesearch.errors import QueryError
from facesearch.query.phrases import DENIALS, phrase
from facesearch.query.tree import Term, Threshold

Relation = Literal[">", ">=", "<", "<="]

RELATIONS = "<>\N{LESS-THAN OR EQUAL TO}\N{GREATER-THAN OR EQUAL TO}"
"""What a bound begins with."""

_SIGN = re.compile(rf"(?P<sign>[<>]=?|[{RELATIONS[2:]}])\s*")
_AFTER_COLON = re.compile(r":\s*")
_NUMBER = re.compile(
    r"(?P<number>[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?|[+-]?(?:nan|inf(?:inity)?))(?P<percent>\s?%)?(?![\w%]|\.\d)",
    re.IGNORECASE | re.ASCII,
)
_TURNED: dict[Relation, Relation] = {">": "<", ">=": "<=", "<": ">", "<=": ">="}


@dataclass(frozen=True)
class Bound:
    """`relation value`, such as > 0.8."""

    relation: Relation
    value: Decimal


def certainty_at(text: str, position: int) -> tuple[float, int]:
    """The certainty whose ":" stands at `position`, and where it ends. Raises QueryError."""
    start = _AFTER_COLON.match(text, position)
    assert start is not None
    value, end = _number(
        text,
        start.end(),
        position,
        'A ":" is followed by a certainty from 0 to 1, as in "bald:0.7", or follows "folder", "name", "taken" or '
        '"camera".',
        "A certainty",
    )
    return float(value), end


def bound_at(text: str, position: int) -> tuple[Bound, int]:
    """The bound whose sign stands at `position`, and where it ends. Raises QueryError."""
    start = _SIGN.match(text, position)
    assert start is not None
    sign: Relation = ">" if start["sign"][0] in ">\N{GREATER-THAN OR EQUAL TO}" else "<"
    relation: Relation = sign if start["sign"] in "<>" else f"{sign}="  # type: ignore[assignment]
    value, end = _number(
        text,
        start.end(),
        position,
        f'A "{relation}" is followed by a probability from 0 to 1, as in "smiling{relation}0.8".',
        "A probability",
    )
    if (relation == ">" and value == 1) or (relation == "<" and value == 0):
        raise QueryError(f'No face can pass "{relation}{value}": probabilities lie between 0 and 1.', position)
    return Bound(relation, value), end


def _number(text: str, start: int, position: int, missing: str, what: str) -> tuple[Decimal, int]:
    match = _NUMBER.match(text, start)
    if match is None:
        raise QueryError(missing, position)
    if re.match(r",\d", text[match.end() :]):
        raise QueryError(f'{what} is written with a point, as in "0.7": replace the comma.', match.end())
    shown = match.group() if len(match.group()) < 20 else f"{match.group()[:20]}..."
    try:
        value = Decimal(match["number"])
    except InvalidOperation:  # an exponent of astronomical length
        value = Decimal("nan")
    value = value / 100 if match["percent"] else value
    if value.is_nan() or not 0 <= value <= 1:
        raise QueryError(f"{what} lies between 0 and 1: {shown} does not.", start)
    return value, match.end()


def threshold(term: Term, bound: Bound) -> Threshold:
    """The bound on `term`, said so that it is read as one: of "no beard" above 0.8, "beard" below 0.2."""
    relation, value, holds = bound.relation, bound.value, term.holds
    if phrase(term.attribute, holds).startswith(DENIALS):
        relation, value, holds = _TURNED[relation], 1 - value, not holds
    return Threshold(term.attribute, relation, float(value), holds)


def contradict(one: Threshold, other: Threshold) -> bool:
    """No probability is within both."""

    def side(each: Threshold) -> tuple[Relation, float]:
        return (each.relation, each.value) if each.holds else (_TURNED[each.relation], 1 - each.value)

    (above, low), (below, high) = sorted((side(one), side(other)), reverse=True)
    if one.attribute != other.attribute or above[0] == below[0]:
        return False
    return low > high or (low == high and (above, below) != (">=", "<="))
