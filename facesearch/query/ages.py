"""Ages in numbers: "40 years old", "aged 25", "a thirty-year-old". The network knows only young and not young."""

import re

from facesearch.query.entries import YOUNG, Entry, Role
from facesearch.query.tree import Term
from facesearch.query.vocabulary import rough

OLD_FROM = 40
"""Years from which on an age is searched as "old", as "forties" is."""

_TENS = {
    word: 10 * tens
    for tens, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2)
}
_UNITS = {word: n for n, word in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"), 1)}
_NUMBER = rf"\d{{1,3}}|(?:{'|'.join(_TENS)})(?:[\s-]+(?:{'|'.join(_UNITS)}))?"
_YEARS = r"(?:[\s-]*(?:years?|yrs?)(?:[\s-]+(?:old|of[\s-]+age))?|[\s-]*(?:y/o|yo|ish|something))"
_TO = r"(?:\s*[-\N{EN DASH}]\s*|\s+(?:to|or)\s+)"
_AGE = re.compile(
    r"(?:(?P<bound>over|above|under|below)\s+)?(?P<aged>aged?\s+(?:about\s+|around\s+)?)?"
    rf"(?P<first>{_NUMBER})(?:{_TO}(?P<last>{_NUMBER}))?(?P<years>{_YEARS})?(?!\w)",
    re.IGNORECASE,
)


def age_at(text: str, position: int) -> tuple[Entry, int] | None:
    """What an age that begins at `position` means, and where it ends; None where no age stands there.

    A number in words and a range are taken for ages that are not scored; a bare figure is left to the lexer.
    """
    match = _AGE.match(text, position)
    if match is None or not (match["aged"] or match["years"] or match["last"] or match["first"][0].isalpha()):
        return None
    said = " ".join(match.group().casefold().split())
    first = _value(match["first"])
    last = first if match["last"] is None else _value(match["last"])
    if match["bound"] is not None:
        first, last = (first, 120) if match["bound"].casefold() in ("over", "above") else (1, first - 1)
    said_as_age = match["aged"] or match["years"]
    if said_as_age and 0 < first <= last <= 120 and (first >= OLD_FROM or last < OLD_FROM):
        return rough(said, Term(YOUNG, last < OLD_FROM), "knows no ages"), match.end()
    return Entry(said, None, role=Role.TRAIT), match.end()


def _value(number: str) -> int:
    if number[0].isdecimal():
        return int(number)
    return sum(_TENS.get(word, 0) + _UNITS.get(word, 0) for word in re.split(r"[\s-]+", number.casefold()))
