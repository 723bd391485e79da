"""Forms: which words of a line name a field, and which are its value."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from facesearch.query.lexicon import Lexicon
from facesearch.query.tokens import Token

_BORDERS = frozenset(",;.|?*•(")
_ORDINALS = frozenset(["first", "second", "third", "fourth", "1st", "2nd", "3rd"])
_JOINING = frozenset(("and", "&", "or"))
_LONGEST = 4
_CODE = 3
_CODES = frozenset(("sex", "rac", "hgt", "wgt", "hai", "eye", "skn", "dob", "smt", "nam", "mis"))
"""Names of fields in the records of the FBI's crime information centre."""
DASHES = frozenset("-\N{EN DASH}\N{EM DASH}")
_BEHIND = _BORDERS | DASHES | {"'s"}


_WITHIN = frozenset(("the", "a", "an", "per", "by", "to", "of", "with"))
"""Words behind which a noun is no name of a field: "as per the witness: ..."."""


class Part(NamedTuple):
    """A part of a sentence: the value of a field, or, with field "", running text. field: its class in fields.tsv, or
    several of them. start, end: its tokens; name: where the name of its field begins."""

    field: str
    name: int
    start: int
    end: int


def parts(sentence: Sequence[Token], words: Lexicon) -> list[Part]:
    """The fields of a line and what stands between them."""
    labels = list(_labels(sentence, words))
    if not labels:
        return [Part("", 0, 0, len(sentence))]
    found = [Part("", 0, 0, labels[0][0])] if labels[0][0] else []
    for (name, value, field), after in zip(labels, [*(label[0] for label in labels[1:]), len(sentence)], strict=True):
        found.append(Part(field, name, value, after))
    return found


def _labels(sentence: Sequence[Token], words: Lexicon) -> list[tuple[int, int, str]]:
    """The names of fields: where each begins, where its value begins, and its class."""
    found: list[tuple[int, int, str]] = []
    free = 0
    for at, token in enumerate(sentence):
        tabbed = _stands_apart(sentence, at)
        coded = token.normal == "/" and token.sort == "mark" and is_code(sentence, at, free)
        if at == free or not (tabbed or coded or _names_field(token)):
            continue
        strict = token.normal not in (":", "=")
        field = _coded(sentence, at, words) if coded else _field(sentence, free, at, words, strict)
        if field is not None and not (tabbed and found and field[0] == free):  # but "HAIR: BROWN  BEARD: N"
            value = at if tabbed else at + 1
            found.append((field[0], value, field[1]))
            free = value
    return found


def _stands_apart(sentence: Sequence[Token], at: int) -> bool:
    """In a column of its own."""
    return sentence[at].sort != "mark" and at > 0 and sentence[at].start - sentence[at - 1].end >= 2


def _names_field(token: Token) -> bool:
    """The mark behind the name of a field."""
    return token.normal in (":", "=") or (token.normal in DASHES and token.sort == "mark" and token.spaced)


def is_code(sentence: Sequence[Token], slash: int, free: int = 0) -> bool:
    """ "HAI/BLN": a code of three capitals names a field, at the beginning of a line or behind a space or a border."""
    code = sentence[slash - 1].typed if slash else ""
    if len(code) != _CODE or not code.isupper() or code.lower() not in _CODES:
        return False
    return slash - 1 == free or sentence[slash - 1].spaced or sentence[slash - 2].normal in _BEHIND


def _coded(sentence: Sequence[Token], slash: int, words: Lexicon) -> tuple[int, str] | None:
    name = words.fields.get((sentence[slash - 1].normal,))
    return None if name is None else (slash - 1, name)


def _field(sentence: Sequence[Token], free: int, end: int, words: Lexicon, strict: bool) -> tuple[int, str] | None:
    """The longest name of a field that ends at `end`. strict: it must begin the line, or stand behind a border."""
    for start, name in _names(sentence, max(free, end - _LONGEST), end, words):
        before = sentence[start - 1].normal if start > free else ","
        if before in _JOINING and (other := _field(sentence, free, start - 1, words, True)) is not None:
            return other[0], f"{other[1]} {name}"  # "Hair and beard: grey"
        if before in _ORDINALS:
            return None  # "First suspect: ..."
        if _may_begin(sentence, start, before, strict):
            return start, name
    return None if strict else _unknown_field(sentence, free, end, words)


def _names(sentence: Sequence[Token], first: int, end: int, words: Lexicon) -> Iterator[tuple[int, str]]:
    """The names of fields that end at `end`: where each begins, and its class; the longest first."""
    for start in range(first, end):
        name = words.fields.get(tuple(token.normal for token in sentence[start:end]))
        if name is not None:
            yield start, name


def _may_begin(sentence: Sequence[Token], start: int, before: str, strict: bool) -> bool:
    if before in _WITHIN:
        return False
    if start and sentence[start].start - sentence[start - 1].end > 1:
        return True  # columns
    return before in _BEHIND or start == 0 or before.isdecimal() or (not strict and sentence[start].typed[0].isupper())


def _unknown_field(sentence: Sequence[Token], free: int, end: int, words: Lexicon) -> tuple[int, str] | None:
    """Capitalised words before a colon, within a line."""
    begins = end - 1
    while begins > free and sentence[begins - 1].sort == "word" and sentence[begins].typed[0].isupper():
        begins -= 1
    opens = begins == 0 or sentence[begins - 1].normal in _BORDERS
    named = any(words.is_person(token.normal) for token in sentence[begins:end])  # "ONE MALE DETAINED: ..."
    short = not named and end - begins <= 3 and all(token.sort == "word" for token in sentence[begins:end])
    return (begins, "unknown") if opens and short and begins > 0 else None
