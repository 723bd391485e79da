"""Every word and phrase that a description may hold, and the longest of them at a place."""

from collections.abc import Sequence
from typing import Literal

from facesearch.query import known_unscored, small_words
from facesearch.query.entries import Entry
from facesearch.query.tokens import Kind
from facesearch.query.vocabulary import VOCABULARY

Meaning = Entry | Literal[Kind.AND, Kind.NOT, Kind.UNSURE] | float | None
"""Of a phrase: what it names or what it does in a sentence, the certainty of a hedge, None of a filler."""

KEYWORDS: dict[str, Kind] = {
    **dict.fromkeys(small_words.NOT_WORDS, Kind.NOT),
    "non": Kind.DASH,
    **dict.fromkeys(small_words.AND_WORDS, Kind.AND),
    **dict.fromkeys(small_words.WITH_WORDS, Kind.WITH),
    **dict.fromkeys(small_words.OR_WORDS, Kind.OR),
    **dict.fromkeys(small_words.NOR_WORDS, Kind.NOR),
    **dict.fromkeys(small_words.PERSON_WORDS, Kind.PERSON),
    **dict.fromkeys(small_words.HE_WORDS | small_words.SHE_WORDS, Kind.PRONOUN),
    **dict.fromkeys(small_words.YES_WORDS, Kind.YES),
}
_PHRASES: dict[tuple[str, ...], Meaning] = {
    **known_unscored.ENTRIES,
    **VOCABULARY,
    **dict.fromkeys(small_words.AND_PHRASES, Kind.AND),
    **dict.fromkeys(small_words.NOT_PHRASES, Kind.NOT),
    **dict.fromkeys(small_words.UNKNOWN_TO_THE_WITNESS, Kind.UNSURE),
    **dict.fromkeys(small_words.FILLER_PHRASES),
    **small_words.HEDGES,
}
_BEGINNINGS = {words[:length] for words in _PHRASES for length in range(1, len(words) + 1)}
LONGEST = max(map(len, _PHRASES))


def known(*words: str) -> Entry | None:
    """What the phrase of these words, in lower case, means."""
    found = _PHRASES.get(words)
    return found if isinstance(found, Entry) else None


def longest_phrase(words: Sequence[str]) -> tuple[Meaning, int]:
    """What the longest known phrase means that begins with the first of `words`, and how many of them it takes (0: no
    phrase begins there). Fillers may stand within it.
    """
    said: tuple[str, ...] = ()
    best: tuple[Meaning, int] = (None, 0)
    for used, word in enumerate(words, 1):
        longer = (*said, word)
        if longer in _BEGINNINGS:
            said = longer
            if said in _PHRASES:
                best = _PHRASES[said], used
        elif not said or word not in small_words.FILLERS:
            break
    return best
