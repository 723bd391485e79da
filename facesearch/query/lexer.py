"""From text to tokens: punctuation, small words that join, numbers, photo filters, and the longest known phrases."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Literal

from facesearch.errors import QueryError
from facesearch.query import known_unscored, numbers, photo_filters, small_words, vocabulary
from facesearch.query.ages import age_at
from facesearch.query.entries import Entry, Role
from facesearch.query.numbers import Bound
from facesearch.query.photo_filters import Condition
from facesearch.query.suggestions import field_near, suggestions
from facesearch.query.tree import Term
from facesearch.query.vocabulary import VOCABULARY

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
    HEDGE = auto()  # "maybe", or "?" behind what it hedges
    UNSURE = auto()  # "don't remember": refused before it becomes a token
    CERTAINTY = auto()  # ":0.7"
    BOUND = auto()  # ">0.8"
    PHOTO = auto()  # "folder:holiday"
    OPEN = auto()
    CLOSE = auto()


@dataclass(frozen=True)
class Token:
    """`position`: of its first character in the text; `end`: behind its last; `shown`: the text as typed, in one line.

    entry: what a TERM means. touches: no word, not even a filler, stands between it and the token before. apart: a
    verb, a pronoun or the like stands between, or the name of a field ("Hair: short"). adjectives:
    words before it that are not scored, as in "long beard". certainty: of a HEDGE or CERTAINTY. bound: of a BOUND.
    photo: of a PHOTO.
    """

    kind: Kind
    position: int
    end: int
    shown: str
    entry: Entry | None = None
    touches: bool = False
    apart: bool = False
    adjectives: tuple[str, ...] = ()
    certainty: float = 1.0
    bound: Bound | None = None
    photo: Condition | None = None


@dataclass(frozen=True)
class _Word:
    normal: str
    start: int
    end: int
    typed: str
    labels: bool = False  # what follows: "Hair: brown", "Glasses? Yes"


_DASHES = "-\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{FIGURE DASH}\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}"
_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}"
_LETTERS = rf"[\w{_APOSTROPHES}\u0300-\u036f]+"
_WORD = re.compile(rf"{_LETTERS}(?:[{_DASHES}]{_LETTERS})*")
_CERTAINTY = r"(?:nan|inf\w*|[01]|[01]?[.,]\d+)\s*(?:$|[,;)\n])"
_LABELS = re.compile(rf"\s*(?::(?=\s+(?!{_CERTAINTY})\w)|\?(?=\s*(?:yes|no|none)\s*(?:$|[.,;\n])))", re.IGNORECASE)
_HEIGHT = re.compile(r"""[3-8]\s?['\u2019\u2032]\s?(?:1?\d\s?(?:["\u201d\u2033]|'')?)?(?!\w)|[12][.,]\d\d?\s?m\b""")
_AND_OR = re.compile(r"and\s?/\s?or\b", re.IGNORECASE)
_WITH_OR_WITHOUT = re.compile(r"w/(?P<without>o\b)?(?!/)", re.IGNORECASE)
_PART = re.compile(rf"[^{_DASHES}_]+")
_SYMBOLS = {
    **dict.fromkeys(",;.!\n\N{HORIZONTAL ELLIPSIS}\N{BULLET}", Kind.COMMA),
    **dict.fromkeys("&+", Kind.AND),
    **dict.fromkeys("/|", Kind.OR),
    "(": Kind.OPEN,
    ")": Kind.CLOSE,
}
_KEYWORDS: dict[str, Kind] = {
    **dict.fromkeys(small_words.NOT_WORDS, Kind.NOT),
    "non": Kind.DASH,
    **dict.fromkeys(small_words.AND_WORDS, Kind.AND),
    **dict.fromkeys(small_words.WITH_WORDS, Kind.WITH),
    **dict.fromkeys(small_words.OR_WORDS, Kind.OR),
    **dict.fromkeys(small_words.NOR_WORDS, Kind.NOR),
    **dict.fromkeys(small_words.PERSON_WORDS, Kind.PERSON),
    **dict.fromkeys(small_words.HE_WORDS | small_words.SHE_WORDS, Kind.PRONOUN),
}
_PHRASES: dict[tuple[str, ...], Entry | Literal[Kind.AND, Kind.NOT, Kind.UNSURE] | float | None] = {
    **known_unscored.ENTRIES,
    **VOCABULARY,
    **dict.fromkeys(small_words.AND_PHRASES, Kind.AND),
    **dict.fromkeys(small_words.NOT_PHRASES, Kind.NOT),
    **dict.fromkeys(small_words.UNKNOWN_TO_THE_WITNESS, Kind.UNSURE),
    **dict.fromkeys(small_words.FILLER_PHRASES),
    **small_words.HEDGES,
}
_BEGINNINGS = {words[:length] for words in _PHRASES for length in range(1, len(words) + 1)}
_LONGEST = max(map(len, _PHRASES))
_LONGEST_NUMBER = 10  # characters of "180cm" and the like
_LONGEST_PLACE = 12  # words of "on the left side of the upper lip and chin"


def tokens(text: str) -> list[Token]:
    """The tokens of a description, filler words left out. Raises QueryError."""
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"A description may have {MAX_LENGTH:,} characters and this one has {len(text):,}: shorten it.", MAX_LENGTH
        )
    found: list[Token] = []
    terms = 0
    to: _Word | None = None
    apart = False
    pieces = list(_pieces(text))
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        if isinstance(piece, Token):
            token, used = piece, 1
        else:
            words = _run_of_words(pieces, at)
            token_or_filler, used = _word_token(text, words)
            labels = any(word.labels for word in words[: max(used, 1)])
            if labels and found and found[-1].kind not in (Kind.COMMA, Kind.OPEN):  # a field of a form ends the last
                found.append(Token(Kind.COMMA, words[0].start, words[0].start, ","))
            if token_or_filler is None:
                if found and found[-1].kind is Kind.NOT and words[0].normal in small_words.DEGREES and used == 1:
                    raise _denied_degree(found[-1], words[0])
                to = words[0] if words[0].normal == "to" else to
                apart = apart or used > 1 or words[0].normal not in small_words.WITHIN_LISTS
                at += used
                continue
            token = token_or_filler
            if labels and _is_told_by_its_value(token, words[used:]):
                at += used
                continue
        at += used
        if token.kind is Kind.PRONOUN and [each.kind for each in found[-2:]] == [Kind.PRONOUN, Kind.OR]:
            found.pop()  # "he or she", "his/her"
            continue
        terms += token.kind in (Kind.TERM, Kind.PHOTO)
        if terms > MAX_TERMS:
            raise QueryError(f"A description may name {MAX_TERMS} things at most: shorten it here.", token.position)
        if to is not None and found and _is_colour(found[-1]) and _is_colour(token):  # "dark blond to brown hair"
            found.append(Token(Kind.OR, to.start, to.end, to.typed))
        to = None
        apart = apart or bool(found and found[-1].kind is Kind.PRONOUN)
        between = text[found[-1].end if found else 0 : token.position].strip()
        touches = bool(found) and (not between or between in _DASHES)
        found.append(replace(token, touches=touches, apart=apart))
        apart = False
    return found


def _is_told_by_its_value(label: Token, value: list[_Word]) -> bool:
    """ "Facial hair: stubble" asks for stubble alone, "Facial hair: none" for no facial hair."""
    is_broad = label.entry is not None and label.entry.said in ("facial hair", "face hair")
    return is_broad and bool(value) and value[0].normal not in (*small_words.NOT_WORDS, "yes", "yeah")


def _is_colour(token: Token) -> bool:
    return token.entry is not None and token.entry.colour


def _denied_degree(denial: Token, degree: _Word) -> QueryError:
    return QueryError(
        f'"{denial.shown} {degree.typed}" can mean a little, or not at all: leave out "{degree.typed}" if you mean not '
        "at all, and all of it if you do not.",
        denial.position,
    )


def _token(
    kind: Kind,
    text: str,
    start: int,
    end: int,
    *,
    entry: Entry | None = None,
    certainty: float = 1.0,
    bound: Bound | None = None,
    photo: Condition | None = None,
) -> Token:
    shown = " ".join(text[start:end].split())
    return Token(kind, start, end, shown, entry, certainty=certainty, bound=bound, photo=photo)


def known(*words: str) -> Entry | None:
    """What the phrase of these words, in lower case, means."""
    found = _PHRASES.get(words)
    return found if isinstance(found, Entry) else None


def _pieces(text: str) -> Iterator[Token | _Word]:
    at = 0
    while at < len(text):
        char = text[at]
        word = _WORD.match(text, at)
        if (photo := photo_filters.condition_at(text, at)) is not None:
            condition, end = photo
            yield _token(Kind.PHOTO, text, at, end, photo=condition)
            at = end
        elif (age := age_at(text, at)) is not None:
            entry, end = age
            yield _token(Kind.TERM, text, at, end, entry=entry)
            at = end
        elif (height := _HEIGHT.match(text, at)) is not None:
            entry = Entry(height.group(), None, role=Role.TRAIT)
            yield _token(Kind.TERM, text, at, height.end(), entry=entry)
            at = height.end()
        elif (joined := _AND_OR.match(text, at)) is not None:
            yield Token(Kind.OR, at, joined.end(), joined.group())
            at = joined.end()
        elif (short := _WITH_OR_WITHOUT.match(text, at)) is not None:
            yield Token(Kind.NOT if short["without"] else Kind.WITH, at, short.end(), short.group())
            at = short.end()
        elif word:
            label = _LABELS.match(text, word.end())
            yield from _words(word, labels=label is not None)
            at = word.end() if label is None else label.end()
        elif char == ":":
            certainty, end = _certainty_at(text, at)
            yield _token(Kind.CERTAINTY, text, at, end, certainty=certainty)
            at = end
        elif char in numbers.RELATIONS:
            bound, end = numbers.bound_at(text, at)
            yield _token(Kind.BOUND, text, at, end, bound=bound)
            at = end
        elif char in _SYMBOLS:
            yield Token(_SYMBOLS[char], at, at + 1, char)
            at += 1
        elif char == "?":
            yield Token(Kind.HEDGE, at, at + 1, char, certainty=small_words.HEDGES["maybe",])
            at += 1
        elif char in _DASHES:
            if not re.match(rf"[{_DASHES}(\w]", text[at + 1 : at + 2]):
                raise QueryError('A "-" stands directly before the word or the "(" that it denies: "-smiling".', at)
            yield Token(Kind.DASH, at, at + 1, "-")
            at += 1
        elif char.isspace():
            at += 1
        else:
            raise QueryError(f"{visible(char)} means nothing in a description: leave it out.", at)


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


def _words(match: re.Match[str], labels: bool) -> Iterator[Token | _Word]:
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
        yield _Word(word, start, end, part.group(), labels and part is parts[-1])


def normal(word: str) -> str:
    """`word` as it stands in the vocabulary."""
    plain = unicodedata.normalize("NFKC", word).casefold().translate(dict.fromkeys(map(ord, _APOSTROPHES)))
    return "hair" if plain == "hairs" else plain


def visible(text: str) -> str:
    """`text` in quotes, short, with a code for what a terminal would not show as it is."""
    quote = "'" if '"' in text else '"'
    return quote + "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text[:40]) + quote


def _run_of_words(pieces: list[Token | _Word], at: int) -> list[_Word]:
    run: list[_Word] = []
    for piece in pieces[at : at + 4 * _LONGEST + _LONGEST_PLACE]:  # room for fillers within a phrase
        if isinstance(piece, Token):
            break
        run.append(piece)
    return run


def _word_token(text: str, words: list[_Word]) -> tuple[Token | None, int]:
    """The token that begins with the first of `words` (None: a filler), and how many of them it takes."""
    first = words[0]
    meaning, used = _longest_phrase(words)
    if isinstance(meaning, Entry) and (meaning.role is Role.MARK or meaning.worn):
        places = known_unscored.BODY if meaning.role is Role.MARK else known_unscored.usual_places(meaning)
        used += known_unscored.words_of_place([word.normal for word in words[used:]], small_words.FILLERS, places)
    end = words[max(used, 1) - 1].end
    if isinstance(meaning, Entry):
        return _token(Kind.TERM, text, first.start, end, entry=meaning), used
    if isinstance(meaning, float):
        return _token(Kind.HEDGE, text, first.start, end, certainty=meaning), used
    if meaning is Kind.UNSURE:
        raise QueryError(
            f'"{text[first.start : end]}" leaves open whether it was there: leave out what the witness does not know, '
            'or say "no" or "probably no" of what was not there.',
            first.start,
        )
    if isinstance(meaning, Kind):
        return _token(meaning, text, first.start, end), used
    if used:
        return None, used
    if first.normal in _KEYWORDS:
        return _token(_KEYWORDS[first.normal], text, first.start, end), 1
    if first.normal in small_words.FILLERS:
        return None, 1
    if first.normal[0].isdecimal() and len(first.normal) <= _LONGEST_NUMBER:
        number = Entry(first.normal, None, role=Role.TRAIT)
        return _token(Kind.TERM, text, first.start, end, entry=number), 1
    raise _unknown(text[first.start : first.end], words)


def _unknown(shown: str, words: list[_Word]) -> QueryError:
    position = words[0].start
    near = suggestions([word.normal for word in words])
    meant = [f'"{said}"' for said in near]
    if meant:
        shown, position = _to_replace(shown, words, near[0].split())
        choice = " or ".join(filter(None, (", ".join(meant[:-1]), meant[-1])))
        return QueryError(f"Search does not know {visible(shown)}: did you mean {choice}?", position)
    return QueryError(
        f'Search does not know {visible(shown)}: say it in other words ("facesearch attributes" lists what it knows).',
        position,
    )


def _to_replace(shown: str, words: list[_Word], likeliest: list[str]) -> tuple[str, int]:
    """What a suggestion replaces, and where its first wrong word begins: "bags under eys" is wrong at its end."""
    said = [word.normal for word in words[: len(likeliest)]]
    alike = sum(one == other for one, other in zip(said, likeliest, strict=False))
    if not alike or len(said) < len(likeliest):
        return shown, words[0].start
    differs = next(at for at, (one, other) in enumerate(zip(said, likeliest, strict=True)) if one != other)
    return " ".join(word.typed for word in words[: len(likeliest)]), words[differs].start


def _longest_phrase(words: list[_Word]) -> tuple[Entry | Kind | float | None, int]:
    said: tuple[str, ...] = ()
    best: tuple[Entry | Kind | float | None, int] = (None, 0)
    for used, word in enumerate(words, 1):
        longer = (*said, word.normal)
        if longer in _BEGINNINGS:
            said = longer
            if said in _PHRASES:
                best = _PHRASES[said], used
        elif not said or word.normal not in small_words.FILLERS:
            break
    return best
