"""Ages in numbers: "40 years old", "aged 25", "a thirty-year-old". The network knows only young and not young."""

import re

from facesearch.query.entries import YOUNG, Entry, Role
from facesearch.query.tree import Term
from facesearch.query.vocabulary import VOCABULARY, rough

OLD_FROM = 40
"""Years from which on an age is searched as "old", as "forties" is."""

_TENS = {
    word: 10 * tens
    for tens, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2)
}
_FEW = {
    word: n
    for n, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
}
_TEENS = {
    word: n
    for n, word in enumerate(("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"), 13)
}
_UNIT = "|".join(word for word, number in _FEW.items() if number < 10)
_NUMBER = rf"\d{{1,3}}|{'|'.join(_TEENS)}|(?:{'|'.join(_TENS)})(?:[\s-]+(?:{_UNIT}))?"
_FEW_YEARS = rf"(?:{'|'.join(_FEW)})(?=[\s-]*(?:years?|yrs?)[\s-]+(?:old|of[\s-]+age))"
_YEARS = r"(?:[\s-]*(?:years?|yrs?)(?:[\s-]+(?:old|of[\s-]+age))?|[\s-]*(?:y/o|y\.o\.?|yo|ish|something))"
_TO = r"(?:\s*[-\N{EN DASH}]\s*|\s+(?:to|or)\s+)"
_THE_AGE = r"(?:\s+the\s+ages?\s+of)?"
_MORE = r"over|above|at\s+least|(?:older|more)\s+than"
_LESS = r"under|below|(?:younger|less)\s+than|not?\s+(?:older|more)\s+than|not\s+over|up\s+to|at\s+most"
_ABOUT = r"about|around|approximately|roughly|approx\.?|circa|ca\.?"
_ONLY = r"just|only"
_AGE = re.compile(
    rf"(?:aged?\s+(?={_MORE}|{_LESS}))?"
    rf"(?:(?P<more>{_MORE}){_THE_AGE}\s+|(?P<less>{_LESS}){_THE_AGE}\s+|(?P<about>{_ABOUT})\s+)?"
    rf"(?P<aged>(?:(?:est(?:imated|\.)?\s+)?age(?:\s+range)?\s*[:?]\s*|(?:aged?|looks|looked)\s+)(?:(?:{_ABOUT}|{_ONLY})\s+)?)?(?P<between>between{_THE_AGE}\s+)?"
    rf"(?P<first>{_NUMBER}|{_FEW_YEARS})(?:(?(between)(?:{_TO}|\s+and\s+)|{_TO})(?P<last>{_NUMBER}))?(?P<years>{_YEARS})?"
    r"(?:(?P<up>\s*\+|\s+(?:or|and)\s+(?:older|over|above|up))|(?P<down>\s+(?:or|and)\s+(?:younger|under|below)))?"
    r"(?![\w'\"])",
    re.IGNORECASE,
)
_DECADE = rf"(?:(?:early|mid|late)[\s-]+)*(?:\d0\s*'?s|(?:{'|'.join(w[:-1] + 'ies' for w in _TENS)}))"
_DECADES = re.compile(
    rf"(?P<first>{_DECADE})(?:\s*[-\N{{EN DASH}}]\s*|\s+to\s+)(?P<last>{_DECADE})(?!\w)", re.IGNORECASE
)
_BEFORE_FIGURE = re.compile(
    r"\b(?:is|was|be|been|he's|she's|hes|shes|maybe|perhaps|possibly|probably|likely)$", re.IGNORECASE
)
_OF = re.compile(r"(\w+)\s+of$", re.IGNORECASE)
_AFTER_FIGURE = re.compile(r"\s*(?:or\s+so\s*)?(?:$|[,;)\n]|\.(?!\d)|(?:with|and)\b)")
_FIGURES = range(13, 100)
"""Bare figures that are ages and not the length of a scar."""


def age_at(text: str, position: int) -> tuple[Entry, int] | None:
    """What an age that begins at `position` means, and where it ends; None where no age stands there.

    A number in words and a range on both sides of OLD_FROM are taken for ages that are not scored. A bare figure is an
    age where it stands alone, or behind "about", "over", "is" and the like; else it is left to the lexer.
    """
    if (decades := _DECADES.match(text, position)) is not None:
        return _age(decades.group(), _decade(decades["first"]), _decade(decades["last"]) + 9), decades.end()
    match = _AGE.match(text, position)
    if match is None:
        return None
    first = _value(match["first"])
    last = first if match["last"] is None else _value(match["last"])
    said_as_age = bool(match["aged"] or match["years"] or match["between"]) or _alone(text, match, first, last)
    if not said_as_age and match["last"] is None and not match["first"][0].isalpha():
        return None
    if match["more"] or match["up"]:
        last = 120
    elif match["less"] or match["down"]:
        first, last = 1, last - bool(match["less"])
    return _age(match.group(), first, last, said_as_age), match.end()


def _alone(text: str, match: re.Match[str], first: int, last: int) -> bool:
    """The figures stand alone, as an age does: "man, 25", "he is 25", "woman of 25", "about 60"."""
    said = match["more"] or match["less"] or match["about"] or match["up"] or match["down"]
    before = said or _opens(text, match.start())
    return bool(before and _AFTER_FIGURE.match(text, match.end())) and first in _FIGURES and last in _FIGURES


def _opens(text: str, position: int) -> bool:
    before = text[:position].rstrip()
    gap = text[len(before) : position]
    if not before or "\n" in gap or before[-1] in ";(":
        return True
    if before[-1] in ",.":
        return bool(gap) or not before[-2:-1].isdigit()
    of = _OF.search(before[-30:])
    person = of is not None and (entry := VOCABULARY.get((of[1].casefold(),))) is not None and entry.person
    return person or _BEFORE_FIGURE.search(before[-12:]) is not None


def _age(said: str, first: int, last: int, certain: bool = True) -> Entry:
    """certain: it is an age, and not any other number."""
    said = " ".join(said.casefold().split())
    if certain and 0 < first <= last <= 120 and (first >= OLD_FROM or last <= OLD_FROM):
        return rough(said, Term(YOUNG, first < OLD_FROM, (first, last)), "knows no ages")
    return Entry(said, None, role=Role.TRAIT)


def _decade(said: str) -> int:
    """The first year of "early forties" and "40s"."""
    number = re.split(r"[\s-]+", said.casefold())[-1]
    digits = re.search(r"\d+", said)
    return int(digits.group()) if digits else _TENS[f"{number.removesuffix('ies')}y"]


def _value(number: str) -> int:
    if number[0].isdecimal():
        return int(number)
    return sum((_TENS | _TEENS | _FEW)[word] for word in re.split(r"[\s-]+", number.casefold()))
