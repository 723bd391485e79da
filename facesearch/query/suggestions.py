""" "Did you mean": known phrases that are near to an unknown word."""

from collections.abc import Sequence
from functools import cache

from facesearch.attributes import FOLLOW_ORIGIN, NAMES
from facesearch.query import known_unscored, photo_filters, small_words
from facesearch.query.entries import NO_BEARD
from facesearch.query.phrases import phrase
from facesearch.query.vocabulary import VOCABULARY


def suggestions(words: Sequence[str], most: int = 3) -> list[str]:
    """What may have been meant where `words` stand, the first of them unknown: likeliest first, each meaning once."""
    import difflib  # not before it is needed: every search would pay for it

    scored = {entry.said: entry.meaning for entry in VOCABULARY.values() if not entry.bare}
    longest = max(map(len, VOCABULARY))
    typed = [word[:40] for word in words[:longest]]  # difflib takes quadratic time
    likeness: dict[str, float] = {}

    def offer(said: str, among: Sequence[str], number: int, least: float) -> None:
        for match in difflib.get_close_matches(said, among, number, least):
            if " " in said and difflib.SequenceMatcher(None, match.split()[0], typed[0]).ratio() < 0.6:
                continue  # alike only in the words that follow the unknown one: "lnog brown hair" is no "brown hair"
            alike = difflib.SequenceMatcher(None, match, said).ratio()
            if (alike < 0.85 and match[0] != said[0]) or said == f"un{match}":
                continue  # few mistype the first letter, and "unlikely" is not "likely"
            likeness[match] = max(likeness.get(match, 0.0), alike)

    for length in range(1, len(typed) + 1):
        offer(" ".join(typed[:length]), list(scored), 4 * most, 0.75)
    offer(typed[0], _small_words(), 1, 0.8)
    not_scored = [said for said in _not_scored() if said[0] == typed[0][0]]  # many, so only the likeliest
    for length in range(1, len(typed) + 1):
        offer(" ".join(typed[:length]), not_scored, 1, 0.85)
    part, alike = _part_near(typed[0])
    if part is not None and alike >= max(likeness.values(), default=0.0):
        return [said for said in _plain() if part in said.split()][:most]
    each_meaning: dict[object, str] = {}
    for match in sorted(likeness, key=lambda match: -likeness[match]):
        each_meaning.setdefault(scored.get(match, match), match)
    return list(each_meaning.values())[:most]


_OTHER_FIELDS = {
    "file": "name",
    "filename": "name",
    "path": "folder",
    "directory": "folder",
    "dir": "folder",
    "date": "taken",
    "year": "taken",
}


def field_near(word: str) -> str | None:
    """The kind of photo filter that may have been meant by `word`."""
    import difflib

    near = difflib.get_close_matches(word.casefold(), [*photo_filters.FIELDS, *_OTHER_FIELDS], 1, 0.7)
    return _OTHER_FIELDS.get(near[0], near[0]) if near else None


@cache
def _small_words() -> list[str]:
    hedges = {" ".join(words) for words in small_words.HEDGES}
    words = small_words.NOT_WORDS | small_words.AND_WORDS | small_words.WITH_WORDS | small_words.PERSON_WORDS
    return sorted(word for word in words | hedges if len(word) > 2)


@cache
def _not_scored() -> list[str]:
    return [entry.said for entry in known_unscored.ENTRIES.values()]


def _plain() -> list[str]:
    return [phrase(index, index != NO_BEARD) for index in range(len(NAMES)) if index not in FOLLOW_ORIGIN]


def _part_near(word: str) -> tuple[str | None, float]:
    """A word of a plain phrase that is near to `word`, as "eyes" of "narrow eyes", and how near."""
    import difflib

    parts = sorted({part for said in _plain() for part in said.split() if len(part) > 2})
    near = [each for each in difflib.get_close_matches(word, parts, 1, 0.75) if each[0] == word[0]]
    return (near[0], difflib.SequenceMatcher(None, near[0], word).ratio()) if near else (None, 0.0)
