"""Slips of the pen: a word in no list that is near to a word for heads and faces."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from facesearch.query.lexicon import Lexicon, lexicon
from facesearch.query.tokens import Token

SHORTEST = 5
"""A shorter word is never corrected, but for one of four letters of which two have changed places ("hiar")."""
_WAYS = 3
"""Meanings of a slip that are tried."""
_LONG = 8
"""From here on two letters may be wrong."""


class Slip(NamedTuple):
    """A word as typed, what it is read as, and where it stands (code points)."""

    typed: str
    read: str
    start: int
    end: int


def corrected(found: list[Token], words: Lexicon) -> Iterator[tuple[list[Token], list[Slip]]]:
    """The tokens with their slips corrected; several times, where one may stand for several words."""
    shouted = sum(t.typed.isupper() for t in found if t.sort == "word") * 2 > sum(t.sort == "word" for t in found)
    meant: dict[int, tuple[str, ...]] = {}
    names = {token.typed for at, token in enumerate(found) if _is_name(found, at, shouted)}
    for at, token in enumerate(found):
        if token.sort == "word" and len(token.normal) >= SHORTEST - 1 and token.typed not in names:
            meant[at] = _meant(token.normal, words)
    unclear = max((len(each) for each in meant.values()), default=0)
    for way in range(max(1, min(unclear, _WAYS))):
        result = list(found)
        slips = []
        for at, read in meant.items():
            if read:
                token, word = found[at], read[min(way, len(read) - 1)]
                result[at] = token._replace(normal=word)
                slips.append(Slip(token.typed, word, token.start, token.end))
        yield result, slips


def _is_name(found: list[Token], at: int, shouted: bool) -> bool:
    """A capitalised word within a sentence."""
    token = found[at]
    if token.sort != "word" or shouted or not token.typed[0].isupper():
        return False
    return at > 0 and found[at - 1].sort == "word" and not token.glued


@cache
def _meant(word: str, words: Lexicon) -> tuple[str, ...]:
    """The words for heads and faces that are nearest to a word in no list, each of another meaning."""
    if words.knows(word) or words.classes(word) is not None or not word.isalpha():
        return ()
    near = {each for shape in _shapes(word) for each in _index().get(shape, ())}
    most = 2 if len(word) >= _LONG else 1
    ranked = sorted((_distance(word, each), each) for each in near)
    best = [each for distance, each in ranked if distance <= most and distance == ranked[0][0]]
    if len(word) < SHORTEST:
        best = [each for each in best if sorted(each) == sorted(word)]
    return tuple({words.face_word(each): each for each in reversed(best)}.values())[::-1]


@cache
def _index() -> dict[str, list[str]]:
    """The words for heads and faces by what is left of them without one letter."""
    index: dict[str, list[str]] = {}
    for word in lexicon().face_words:
        for shape in _shapes(word):
            index.setdefault(shape, []).append(word)
    return index


def _shapes(word: str) -> set[str]:
    return {word, *(word[:at] + word[at + 1 :] for at in range(min(len(word), 24)))}


def _distance(one: str, other: str) -> int:
    """Letters that are wrong, missing, too many or in the wrong order (Damerau and Levenshtein)."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            best = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
