"""Which texts are written in the search language (docs/query-language.md), and not as people speak."""

import re

from facesearch.query.photo_filters import FIELDS
from facesearch.query.phrases import phrase
from facesearch.statement.tokens import DASHES

_CERTAINTY = re.compile(
    r"[\w)\"”]\s*:\s*(?:[01]?\.\d|[01]?,\d|[01](?![\w.,:'\"])|\d{1,3}\s?%|1e-?\d|-\d|nan\b|inf)", re.IGNORECASE
)
_BOUND = re.compile(r"[<>\N{LESS-THAN OR EQUAL TO}\N{GREATER-THAN OR EQUAL TO}]")
_PHOTO = re.compile(rf"\b(?:{'|'.join(FIELDS)}):(?=\S)", re.IGNORECASE)
_OTHER_FIELD = re.compile(
    r"^[^\n]*\b(?:sex|age|hair|race|height|dob|gender|build|eyes)\s*:", re.IGNORECASE | re.MULTILINE
)
_DASH = re.compile(rf"(?:^|[\s(,])[{DASHES[:3]}](?=[\w(])")
_GROUP = re.compile(
    r"\b(?:not|or|and|maybe|probably|no)\s*\(|\([^()]*(?:\bor\b|,|\band\b)[^()]*\)\s*(?:$|[,:]|and\b|or\b)"
)
_OFFICIAL = re.compile(r"\b\w+_\w+\b")
_CANONICAL = re.compile(
    r"(?:(?:maybe|probably) )?(?:{0})(?: (?:and|or) (?:(?:maybe|probably) )?(?:{0}))*".format(
        "|".join(
            sorted((re.escape(phrase(at, holds)) for at in range(40) for holds in (True, False)), key=len, reverse=True)
        )
    )
)


def is_formal(text: str) -> bool:
    """It holds parentheses that join, a "-" that denies, a certainty, a bound or a condition on photos, or is a reading
    as search prints it. `name:` is a condition only where the text has no other field of a form."""
    photo = _PHOTO.search(text)
    if photo is not None:
        return not (photo.group().casefold() == "name:" and _OTHER_FIELD.search(text))
    marks = (_CERTAINTY, _BOUND, _GROUP, _OFFICIAL)
    if any(mark.search(text) for mark in marks) or _CANONICAL.fullmatch(text):
        return True
    return "\n" not in text and _DASH.search(text) is not None and len(text) < 300
