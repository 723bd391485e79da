"""`must:man`: a word without which a face goes behind all others, whatever else fits. Nothing is left out by it.

The word is part of the description as well; `must:` only marks it, so both readers of descriptions get the text without
the mark.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from facesearch.errors import QueryError, RequestError
from facesearch.query.description import Query
from facesearch.query.statement import parse
from facesearch.query.tree import EVERYTHING, Node, all_of, firm, outcomes, parts_of

_MARKED = re.compile(
    r"(?<![\w:-])must:(?:\"(?P<quoted>[^\"]*)\"|“(?P<curly>[^”]*)”|(?P<word>[^\s,;()\"“”]+))", re.IGNORECASE
)
_OPEN = re.compile(r"(?<![\w:-])must:(?=\s|$|[\"“,;()])", re.IGNORECASE)
_OR = re.compile(r"\bor\b|/", re.IGNORECASE)


def unmarked(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without its marks, and the words that were marked. Raises RequestError ("must lacks words")."""
    words: list[str] = []

    def taken(match: re.Match[str]) -> str:
        value = (match["quoted"] or match["curly"] or match["word"] or "").strip()
        if not value:
            raise RequestError("must lacks words")
        words.append(value)
        return f"({value})" if _OR.search(value) else value

    plain = _MARKED.sub(taken, text)
    if _OPEN.search(plain):
        raise RequestError("must lacks words")
    return plain, tuple(words)


def with_musts(query: Query, marked: Sequence[str], added: Iterable[str] = ()) -> Query:
    """The description with its musts. marked: words of the text; added: others, which become part of the description.

    Raises RequestError: "must is no part" where a marked word does not stand for itself ("not must:man"), "must is not
    scored", "must says more" than is searched, "must filters", "must contradicts".
    """
    musts: list[Node] = []
    for words in marked:
        wanted = _parts(words)
        if not set(wanted) <= set(parts_of(query.tree)):
            raise RequestError("must is no part", {"words": words})
        musts += wanted
    for words in added:
        wanted = _parts(words)
        others = (part for part in parts_of(query.tree) if firm(part) not in wanted)
        tree = all_of((*others, *wanted))
        if True not in outcomes(tree):
            raise RequestError("must contradicts", {"words": words, "reading": str(query.tree)})
        query = replace(query, tree=tree)
        musts += wanted
    return replace(query, musts=tuple(dict.fromkeys(musts)))


def _parts(words: str) -> tuple[Node, ...]:
    try:
        found = parse(words)
    except QueryError as error:
        raise RequestError("must is not scored", {"words": words, "why": error}) from None
    if found.not_scored:
        raise RequestError("must says more", {"words": words, "not_scored": found.not_scored})
    if found.thresholds or found.photo or found.tree == EVERYTHING:
        raise RequestError("must filters", {"words": words})
    return tuple(map(firm, parts_of(found.tree)))
