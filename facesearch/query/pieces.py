"""From text to words, punctuation, numbers and photo filters."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from facesearch.errors import QueryError
from facesearch.query import numbers, photo_filters, small_words, vocabulary
from facesearch.query.ages import age_at
from facesearch.query.entries import Entry, Role
from facesearch.query.lexicon import KEYWORDS, known
from facesearch.query.suggestions import field_near
from facesearch.query.tokens import Kind, Token, token
from facesearch.query.tree import Term


@dataclass(frozen=True)
class Word:
    """normal: as it stands in the vocabulary. labels: what follows: "Hair: brown", "Glasses? Yes". begins_field:
    with it the name of a field begins, which no phrase before it may run into.
    """

    normal: str
    start: int
    end: int
    typed: str
    labels: bool = False
    begins_field: bool = False


DASHES = "-\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{FIGURE DASH}\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}"
_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}"
_LETTERS = rf"[\w{_APOSTROPHES}\u0300-\u036f]+"
_WORD = re.compile(rf"{_LETTERS}(?:[{DASHES}]{_LETTERS})*")
_CERTAINTY = r"(?:nan|inf\w*)\b|[01]?[.,]\d|[01](?![\w.,'\"])|[01](?=[,;.]?(?:\s|$))|\d{1,3}(?:\.\d+)?\s?%"
_COLON = re.compile(rf"\s*:(?=\s+(?!{_CERTAINTY})\w)", re.IGNORECASE)
_TIGHT_LABEL = re.compile(rf":(?!{_CERTAINTY})(?=[^\W\d_])", re.IGNORECASE)
_IN_FEET = r"""[3-8]\s?['\u2019\u2032]\s?(?:1?\d\s?(?:["\u201d\u2033]|'')?)?(?!\w)"""
_HEIGHT = re.compile(rf"{_IN_FEET}|(?:[12]|[12][.,]\d\d?|1\d\d|2[0-2]\d)\s?m\b|1\d\d\s?cm\b", re.IGNORECASE)
_AND_OR = re.compile(r"and\s?/\s?or\b", re.IGNORECASE)
_WITH_OR_WITHOUT = re.compile(r"w/(?P<without>o\b)?(?!/)", re.IGNORECASE)
_ANSWER = re.compile(
    r"\s*\?(?=\s*(?:(?:yes|yeah|yep|no|none|nope)(?:,?\s+(?:he|she|they|it|there)\s+(?:not|[a-z']+)(?:\s+not)?)?"
    r"|(?:probably|certainly|definitely|absolutely|possibly|likely|maybe|perhaps|i think)(?:\s+(?:so|not))?|not really"
    r"|for sure)\s*(?:$|[.,;!\n]|\s[^.,;!?\n]*\?))",
    re.IGNORECASE,
)
_ANSWER_AND_MORE = re.compile(r"\s*\?\s*(Yes|No)\s+\w")
_SAME_DENIED = re.compile(r"\s*\?(?=\s*no\s+(\w+)\s*(?:$|[.,;!\n]))", re.IGNORECASE)
_ASKED_FOR_A_VALUE = re.compile(r"\s*\?(?=\s+\w)")
_AGED = re.compile(
    r"(?<!middle.)aged\s+(?=(?:maybe|perhaps|possibly|probably|likely)\s+(?:\d|in\s+(?:his|her|their)\s))",
    re.IGNORECASE,
)
_PART = re.compile(rf"[^{DASHES}_]+")
_LIST_MARK = re.compile(rf"[{DASHES}](?=\s)")
_LISTED = re.compile(rf"^[^\S\n]*[{DASHES}](?=\s)", re.MULTILINE)
_LINES_OF_A_WORD = re.compile(rf"^[^\S\n]*[{DASHES}](?=[\w(])", re.MULTILINE)
_LONG_DASHES = "\N{EN DASH}\N{EM DASH}"
_BEFORE_A_WORD = re.compile(r"(?<![\w!?.)])!+(?=[\w(])")
_SYMBOLS = {
    **dict.fromkeys(",;.!\n\N{HORIZONTAL ELLIPSIS}\N{BULLET}", Kind.COMMA),
    **dict.fromkeys("&+", Kind.AND),
    **dict.fromkeys("/|", Kind.OR),
    "(": Kind.OPEN,
    ")": Kind.CLOSE,
}


def pieces(text: str) -> Iterator[Token | Word]:
    """The words of a text, and tokens for all that is no word. Raises QueryError."""
    at = 0
    while at < len(text):
        char = text[at]
        word = _WORD.match(text, at)
        if (photo := photo_filters.condition_at(text, at)) is not None:
            condition, end = photo
            yield token(Kind.PHOTO, text, at, end, photo=condition)
            at = end
        elif (aged := _AGED.match(text, at)) is not None:  # "aged probably 25": not "aged", and probably young
            at = aged.end()
        elif (age := age_at(text, at)) is not None:
            entry, end = age
            yield token(Kind.TERM, text, at, end, entry=entry)
            at = end
        elif (height := _HEIGHT.match(text, at)) is not None:
            entry = Entry(height.group(), None, role=Role.TRAIT)
            yield token(Kind.TERM, text, at, height.end(), entry=entry)
            at = height.end()
        elif (joined := _AND_OR.match(text, at)) is not None:
            yield Token(Kind.OR, at, joined.end(), joined.group())
            at = joined.end()
        elif (short := _WITH_OR_WITHOUT.match(text, at)) is not None:
            yield Token(Kind.NOT if short["without"] else Kind.WITH, at, short.end(), short.group())
            at = short.end()
        elif word:
            label = _label(text, word)
            yield from _words(word, labels=label is not None)
            at = word.end() if label is None else label.end()
        elif char == ":":
            certainty, end = _certainty_at(text, at)
            yield token(Kind.CERTAINTY, text, at, end, certainty=certainty)
            at = end
        elif char in numbers.RELATIONS:
            bound, end = numbers.bound_at(text, at)
            yield token(Kind.BOUND, text, at, end, bound=bound)
            at = end
        elif char == "!" and _BEFORE_A_WORD.match(text, at):
            raise QueryError('"!" denies nothing here: write "not" or "-", as in "-smiling".', at)
        elif char in _SYMBOLS:
            yield Token(_SYMBOLS[char], at, at + 1, char)
            at += 1
        elif char == "?":
            yield Token(Kind.HEDGE, at, at + 1, char, certainty=small_words.HEDGES["maybe",])
            at += 1
        elif char in DASHES:
            yield _dash(text, at)
            at += 1
        elif char.isspace():
            at += 1
        else:
            raise QueryError(f"{visible(char)} means nothing in a description: leave it out.", at)


def _dash(text: str, at: int) -> Token:
    """What the dash at `at` does: it denies ("-smiling"), or begins a line of a list ("- man"). Raises QueryError where
    it could be either.
    """
    dash = text[at]
    if _LIST_MARK.match(text, at) and not text[:at].rpartition("\n")[2].strip():
        if len(_LISTED.findall(text)) == 1:
            raise QueryError(
                'A "-" before a space can deny the word or begin a list: write "-smiling", or leave it out.', at
            )
        return Token(Kind.COMMA, at, at + 1, "-")
    if len(_LINES_OF_A_WORD.findall(text)) > 1:
        raise QueryError(
            'A "-" at the beginning of each line can deny the words or make a list of them: leave the dashes out, or '
            'write "no" for what was not there.',
            at,
        )
    if dash in _LONG_DASHES:
        raise QueryError(f'"{dash}" can join what stands around it or deny what follows: write a comma, or "not".', at)
    if not re.match(rf"[{DASHES}(\w]", text[at + 1 : at + 2]):
        raise QueryError('A "-" stands directly before the word or the "(" that it denies: "-smiling".', at)
    return Token(Kind.DASH, at, at + 1, "-")


def _label(text: str, word: re.Match[str]) -> re.Match[str] | None:
    """The ":" or "?" behind `word`, where what follows is said of it: "Hair: brown", "Hat? No", "Sex? Male"."""
    last = word.group().casefold()
    if (found := _COLON.match(text, word.end()) or _ANSWER.match(text, word.end())) is not None:
        return found
    if (same := _SAME_DENIED.match(text, word.end())) is not None and normal(same[1]) == normal(last):
        return same
    if (more := _ANSWER_AND_MORE.match(text, word.end())) is not None:
        raise QueryError(
            f'"{more[1]}" can answer what is asked before it or belong to what follows: put a full stop behind the '
            "answer.",
            more.start(1),
        )
    asked = _ASKED_FOR_A_VALUE.match(text, word.end()) if last in small_words.NEVER_DOUBTED else None
    return asked or _tight_label(text, word)


def _tight_label(text: str, word: re.Match[str]) -> re.Match[str] | None:
    """The ":" of "Hair:brown", where search knows the words on its two sides."""
    label = _TIGHT_LABEL.match(text, word.end())
    value = None if label is None else _PART.match(text, label.end())
    parts = _PART.findall(word.group())
    if value is None or not parts:
        return None
    sides = normal(parts[-1]), normal(re.split(r"\W", value.group())[0])
    is_known = all(known(side) is not None or side in KEYWORDS or side in small_words.FILLERS for side in sides)
    return label if is_known else None


def _certainty_at(text: str, at: int) -> tuple[float, int]:
    try:
        return numbers.certainty_at(text, at)
    except QueryError:
        before = re.search(r"\w+\s*$", text[max(0, at - 20) : at])
        scored = before is not None and known(normal(before.group().strip())) is not None
        field = None if before is None or scored else field_near(before.group().strip())
        if before is None or field is None:
            raise
        said = before.group().strip()
        place = max(0, at - 20) + before.start()
        raise QueryError(f'Search does not know "{said}:": did you mean "{field}:"?', place) from None


def _words(match: re.Match[str], labels: bool) -> Iterator[Token | Word]:
    typed = match.group()
    official = vocabulary.OFFICIAL.get(typed.casefold())
    if official is not None:
        entry = Entry(official.name.replace("_", " ").casefold(), Term(official.index))
        yield Token(Kind.TERM, match.start(), match.end(), typed, entry)
        return
    parts = list(_PART.finditer(typed))
    said = [normal(part.group()) for part in parts]
    if not all(said) or not parts:
        raise QueryError(f"{visible(typed)} means nothing in a description: leave it out.", match.start())
    for part, word in zip(parts, said, strict=True):
        start, end = match.start() + part.start(), match.start() + part.end()
        yield Word(word, start, end, part.group(), labels and part is parts[-1])


def normal(word: str) -> str:
    """`word` as it stands in the vocabulary."""
    plain = unicodedata.normalize("NFKC", word).casefold().translate(dict.fromkeys(map(ord, _APOSTROPHES)))
    return "hair" if plain == "hairs" else plain


def visible(text: str) -> str:
    """`text` in quotes, short, with a code for what a terminal would not show as it is."""
    quote = "'" if '"' in text else '"'
    return quote + "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text[:40]) + quote
