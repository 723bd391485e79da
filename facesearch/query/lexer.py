"""From text to tokens: punctuation, the small words that join, and the longest phrases of the vocabulary."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from facesearch.errors import QueryError
from facesearch.query import vocabulary
from facesearch.query.tree import Term
from facesearch.query.vocabulary import VOCABULARY, Entry

MAX_LENGTH = 10_000
MAX_TERMS = 100


class Kind(Enum):
    TERM = auto()
    GROUP = auto()
    PERSON = auto()  # "someone": asks for nothing
    PRONOUN = auto()
    COMMA = auto()
    AND = auto()
    WITH = auto()
    OR = auto()
    NOR = auto()
    NOT = auto()
    DASH = auto()
    OPEN = auto()
    CLOSE = auto()


@dataclass(frozen=True)
class Token:
    """`position`: of its first character in the text; `shown`: the text as typed; `entry`: what a TERM means."""

    kind: Kind
    position: int
    shown: str
    entry: Entry | None = None


@dataclass(frozen=True)
class _Word:
    normal: str
    start: int
    end: int


_DASHES = "-\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{FIGURE DASH}\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}"
_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}"
_LETTERS = rf"[\w{_APOSTROPHES}\u0300-\u036f]+"
_WORD = re.compile(rf"{_LETTERS}(?:[{_DASHES}]{_LETTERS})*")
_PART = re.compile(rf"[^{_DASHES}_]+")
_SYMBOLS = {
    **dict.fromkeys(",;.\n", Kind.COMMA),
    **dict.fromkeys("&+", Kind.AND),
    **dict.fromkeys("/|", Kind.OR),
    "(": Kind.OPEN,
    ")": Kind.CLOSE,
}
_KEYWORDS: dict[str, Kind] = {
    **dict.fromkeys(vocabulary.NOT_WORDS, Kind.NOT),
    "non": Kind.DASH,
    **dict.fromkeys(vocabulary.AND_WORDS, Kind.AND),
    **dict.fromkeys(vocabulary.WITH_WORDS, Kind.WITH),
    **dict.fromkeys(vocabulary.OR_WORDS, Kind.OR),
    **dict.fromkeys(vocabulary.NOR_WORDS, Kind.NOR),
    **dict.fromkeys(vocabulary.PERSON_WORDS, Kind.PERSON),
    **dict.fromkeys(vocabulary.HE_WORDS | vocabulary.SHE_WORDS, Kind.PRONOUN),
}
_BEGINNINGS = {words[:length] for words in VOCABULARY for length in range(1, len(words) + 1)}


def tokens(text: str) -> list[Token]:
    """The tokens of a description, filler words left out. Raises QueryError."""
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"A description may have {MAX_LENGTH:,} characters and this one has {len(text):,}: shorten it.", MAX_LENGTH
        )
    found: list[Token] = []
    terms = 0
    pieces = list(_pieces(text))
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        if isinstance(piece, Token):
            token, used = piece, 1
        else:
            words = _run_of_words(pieces, at)
            token_or_filler, used = _word_token(text, words)
            if token_or_filler is None:
                at += used
                continue
            token = token_or_filler
        at += used
        _refuse_one_thing(text, found[-1] if found else None, token)
        terms += token.kind is Kind.TERM
        if terms > MAX_TERMS:
            raise QueryError(f"A description may name {MAX_TERMS} things at most: shorten it here.", token.position)
        found.append(token)
    return found


def _refuse_one_thing(text: str, before: Token | None, token: Token) -> None:
    """ "curly beard": the adjective would be read as hair, and leave its noun."""
    if before is None or before.entry is None or token.entry is None:
        return
    end = before.position + len(before.shown)
    between = text[end : token.position].strip()
    if (not between or between in _DASHES) and vocabulary.is_one_thing(before.entry, token.entry):
        raise QueryError(
            f'Search does not know "{before.shown} {token.shown}" as one thing: put a comma between the two if you '
            "mean both.",
            before.position,
        )


def _pieces(text: str) -> Iterator[Token | _Word]:
    at = 0
    while at < len(text):
        char = text[at]
        word = _WORD.match(text, at)
        if word:
            yield from _words(word)
            at = word.end()
        elif char in _SYMBOLS:
            yield Token(_SYMBOLS[char], at, char)
            at += 1
        elif char in _DASHES:
            if not re.match(rf"[{_DASHES}(\w]", text[at + 1 : at + 2]):
                raise QueryError('A "-" stands directly before the word or the "(" that it denies: "-smiling".', at)
            yield Token(Kind.DASH, at, "-")
            at += 1
        elif char.isspace():
            at += 1
        else:
            raise QueryError(f"{_visible(char)} means nothing in a description: leave it out.", at)


def _words(match: re.Match[str]) -> Iterator[Token | _Word]:
    typed = match.group()
    official = vocabulary.OFFICIAL.get(typed.casefold())
    if official is not None:
        said = official.name.replace("_", " ").casefold()
        yield Token(Kind.TERM, match.start(), typed, Entry(said, Term(official.index)))
        return
    parts = list(_PART.finditer(typed))
    normal = [_normal(part.group()) for part in parts]
    if not all(normal) or not parts:
        raise QueryError(f"{_visible(typed)} means nothing in a description: leave it out.", match.start())
    for part, word in zip(parts, normal, strict=True):
        yield _Word(word, match.start() + part.start(), match.start() + part.end())


def _normal(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold().translate(dict.fromkeys(map(ord, _APOSTROPHES)))


def _visible(text: str) -> str:
    """`text` in quotes, short, with a code for what a terminal would not show as it is."""
    quote = "'" if '"' in text else '"'
    return quote + "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text[:40]) + quote


def _run_of_words(pieces: list[Token | _Word], at: int) -> list[_Word]:
    run: list[_Word] = []
    for piece in pieces[at : at + 4 * vocabulary.LONGEST]:  # room for fillers within a phrase
        if isinstance(piece, Token):
            break
        run.append(piece)
    return run


def _word_token(text: str, words: list[_Word]) -> tuple[Token | None, int]:
    """The token that begins with the first of `words` (None: a filler), and how many of them it takes."""
    first = words[0]
    entry, used = _longest_phrase(words)
    if entry is not None:
        return Token(Kind.TERM, first.start, text[first.start : words[used - 1].end], entry), used
    if first.normal in _KEYWORDS:
        return Token(_KEYWORDS[first.normal], first.start, text[first.start : first.end]), 1
    if first.normal in vocabulary.FILLERS:
        return None, 1
    unknown = _visible(text[first.start : first.end])
    meant = [f'"{said}"' for said in vocabulary.suggestions([word.normal for word in words])]
    if meant:
        choice = " or ".join(filter(None, (", ".join(meant[:-1]), meant[-1])))
        raise QueryError(f"Search does not know {unknown}: did you mean {choice}?", first.start)
    raise QueryError(
        f'Search does not know {unknown}: leave it out ("facesearch attributes" lists what it knows).', first.start
    )


def _longest_phrase(words: list[_Word]) -> tuple[Entry | None, int]:
    said: tuple[str, ...] = ()
    best: tuple[Entry | None, int] = (None, 0)
    for used, word in enumerate(words, 1):
        longer = (*said, word.normal)
        if longer in _BEGINNINGS:
            said = longer
            if said in VOCABULARY:
                best = VOCABULARY[said], used
        elif not said or word.normal not in vocabulary.FILLERS:
            break
    return best
