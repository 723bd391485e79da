"""The words of one language, from the tables of its folder.

`Lexicon.at` gives what may begin at a word: entries of the tables, of which the longest counts first. Words that no
table has are looked up in the list of ordinary words, which is searched in place.
"""

import mmap
from collections.abc import Iterator
from functools import cache
from importlib import resources
from itertools import chain, product
from typing import Any, NamedTuple

from facesearch.attributes import Attribute
from facesearch.query.phrases import phrase
from facesearch.query.reading import TERMS, Reading, reading_of
from facesearch.query.tokens import Token, said, tokens, word_set
from facesearch.query.tree import Term


class Entry(NamedTuple):
    """What a word or phrase may be: its category in the grammar, and what the grammar needs to know of it."""

    category: str
    value: Any


class NounClass(NamedTuple):
    """Words for one thing: its name, what it means alone, what its denial means ("!": the opposite), and the class
    whose adjectives it shares. narrow: the word says more than it means here ("beanie"), so that its denial says
    nothing."""

    name: str
    bare: Reading | None
    denied: Reading | None
    parent: str | None
    narrow: bool = False


class Pair(NamedTuple):
    """What an adjective makes of a noun: a reading; None with `keeps`: the noun keeps its own; None: set aside."""

    reading: Reading | None
    keeps: bool = False
    narrow: bool = False


class PersonWord(NamedTuple):
    """A word for a person. role: described, bystander, relation or group. narrow: it says more than its reading."""

    reading: Reading | None
    role: str
    plural: bool
    narrow: bool = False


_SMALL = word_set("the his her their a an both my its your")
"""What may stand within a phrase of several words: "bags under her eyes"."""


_SMALL_WORDS = word_set(
    "DET POSS HE SHE THEY SPEAKER OBJ REL AND BUT OR NOR NEITHER EITHER BOTH MEM NEG DOUBTNEG WITH IN ON "
    "OF PREP DEG HEDGE YES NONE EXCEPT NOTHING ANYOF CORRECT REVISE SFX X"
)


_SETS = word_set("BODY OWNED TELLER AUTHORITY POST BUILDS TITLE PLACE AT ED")
"""Rows of other.tsv that are only lists: they make no entries."""
_SHORT = 6
_SINGULAR = 3
"""Letters of the shortest word whose plural is known."""
_COMMON_PERSONS = 14
"""Lines of persons.tsv whose words a slip may be meant for."""


class Lexicon:
    """The tables of one language."""

    def __init__(self, language: str = "english") -> None:
        self._folder = resources.files("facesearch.query") / language
        self.nouns: dict[str, NounClass] = {}
        self.pairs: dict[tuple[str, str], Pair] = {}
        self.fields: dict[tuple[str, ...], str] = {}
        self.sets: dict[str, frozenset[str]] = {}
        self.strong: set[str] = set()
        self.wanted: set[str] = set()
        self.relatives: set[str] = set()
        self.face_words: dict[str, str] = {}
        self._tree: dict[str, Any] = {}
        self._inner: set[str] = set()
        self._read_nouns()
        adjectives = self._read_pairs()
        names = self._read_persons()
        for word in sorted(adjectives - names):
            for phrase_ in _phrases(word):
                self._add(phrase_, Entry("A", " ".join(phrase_)))
        self._read_small_words()
        self._read_other()
        self._add_plurals()
        self.face_words = {word: kind for word, kind in self.face_words.items() if len(word) > 3 and word.isalpha()}

    def _read_nouns(self) -> None:
        for cells in self.rows("nouns.tsv"):
            name, words, bare, denied, parent = (*cells, "", "", "", "")[:5]
            noun = NounClass(name, _reading(bare), _denied(bare, denied), parent or None)
            self.nouns[name] = noun
            plain, narrow = _narrow(words)
            self._add_all(plain, Entry("N", noun))
            self._add_all(narrow, Entry("N", noun._replace(denied=None, narrow=True)))
            self._note_face_words(f"{plain} {narrow}", name)

    def _read_pairs(self) -> set[str]:
        """What adjectives make of nouns; the adjectives."""
        adjectives: set[str] = set()
        for cells in self.rows("pairs.tsv"):
            name, words, reading = cells[:3]
            own = None if reading.startswith(("-", "=", "~")) else reading_of(reading)
            for part, narrow in zip(_narrow(words), (False, True), strict=True):
                pair = Pair(own, reading.startswith("="), narrow)
                for key in map(" ".join, _phrases(part)):
                    like = self.pairs.get((reading[1:], key), pair) if reading.startswith("~") else pair
                    self.pairs.setdefault((name, key), like)
                adjectives.update(part.split())
                self._note_face_words(part, f"{name} {reading}")
        return adjectives

    def _read_persons(self) -> set[str]:
        """Words for people; every word that is a noun."""
        names = {word for cells in self.rows("nouns.tsv") for word in " ".join(cells[:2]).split()}
        for number, cells in enumerate(self.rows("persons.tsv")):
            words, reading, role, plural = (*cells, "")[:4]
            for part, narrow in zip(_narrow(words), (False, True), strict=True):
                person = PersonWord(_reading(reading), role.strip(), bool(plural.strip()), narrow)
                self._add_all(part, Entry("PN", person))
            names.update(" ".join(cells[:2]).split())
            if role.strip() == "relation":
                self.relatives.update(words.split())
            elif role.strip() == "described" and reading.strip() == "-":
                self.wanted.update(words.split())
            if number < _COMMON_PERSONS:
                self.face_words.update((word, "person") for word in words.split() if word not in self.face_words)
        return names

    def _read_small_words(self) -> None:
        for name, words in (cells[:2] for cells in self.rows("verbs.tsv")):
            self._add_all(words, Entry("V", name))
        for cells in self.rows("function.tsv"):
            category, words, value = (*cells, "")[:3]
            if category == "NEG":  # "wihtout" would turn what follows into its opposite
                self.face_words.update((word, "no") for word in words.split() if len(word) > _SHORT)
            self._add_all(words, Entry(category, float(value) if category == "HEDGE" else value.strip()))
        for reading, words in (cells[:2] for cells in self.rows("phrases.tsv")):
            self._add_all(words, Entry("FACT", _reading(reading)))

    def _read_other(self) -> None:
        for category, words, kind in ((*cells, "")[:3] for cells in self.rows("other.tsv")):
            if category in _SETS:
                self.sets[category] = word_set(words)
            elif category == "STRONG":
                self.strong.update(map(" ".join, _phrases(words)))
            else:
                self._add_all(words, Entry(category, kind))
        for name, words in (cells[:2] for cells in self.rows("fields.tsv")):
            for phrase_ in _phrases(words):
                self.fields.setdefault(phrase_, name)

    def _add_plurals(self) -> None:
        """Of the words for things and people, those that no table has."""
        entries = [(word, node[""][0]) for word, node in self._tree.items() if node.get("")]
        for word, entry in entries:
            if len(word) < _SINGULAR or word.endswith(("s", "man")) or entry.category not in ("N", "PN"):
                continue
            plural = f"{word[:-1]}ies" if word.endswith("y") and word[-2:-1] not in "aeou" else f"{word}s"
            if plural in self._tree or (entry.category == "PN" and entry.value.plural):
                continue
            several = entry.value if entry.category == "N" else entry.value._replace(plural=True)
            self._add((plural,), Entry(entry.category, several))

    def _note_face_words(self, words: str, kind: str) -> None:
        """Words that a slip may be meant for, each with what tells it from others."""
        for part in chain.from_iterable(_phrases(words)):
            self.face_words.setdefault(part, kind)

    def face_word(self, word: str) -> str:
        return self.face_words[word]

    def knows(self, word: str) -> bool:
        """Some entry of the tables begins with the word, or has it."""
        return word in self._tree or word in self._inner

    def rows(self, name: str) -> list[list[str]]:
        text = (self._folder / name).read_text(encoding="utf-8")
        return [line.split("\t") for line in text.split("\n") if line and not line.startswith("#")]

    def _add_all(self, words: str, entry: Entry) -> None:
        for phrase_ in _phrases(words):
            self._add(phrase_, entry)

    def _add(self, phrase_: tuple[str, ...], entry: Entry) -> None:
        node = self._tree
        for part in phrase_:
            node = node.setdefault(part, {})
            self._inner.add(part)
        node.setdefault("", []).append(entry)

    def at(self, tokens: list[Token], at: int) -> list[tuple[int, list[Entry]]]:
        """What begins at a token: the places where entries end, with the entries, the longest first."""
        found: list[tuple[int, list[Entry]]] = []
        node = self._tree
        place = at
        skipped = False
        while place < len(tokens):
            word = tokens[place].normal
            below = node.get(word)
            if below is None:
                if place == at or skipped or word not in _SMALL:
                    break
                skipped = True
                place += 1
                continue
            node = below
            skipped = False
            place += 1
            if "" in node:
                found.append((place, node[""]))
        return found[::-1]

    def is_verb(self, word: str) -> bool:
        """The tables have the word as a verb, too."""
        return any(entry.category == "V" for entry in self._tree.get(word, {}).get("", ()))

    def is_person(self, word: str) -> bool:
        """The tables have the word for people."""
        return any(entry.category == "PN" for entry in self._tree.get(word, {}).get("", ()))

    def says_nothing(self, tokens: list[Token], at: int) -> bool:
        """The word is a small one, of which there is nothing to tell."""
        return any(
            entry.category in _SMALL_WORDS or (entry.category == "V" and entry.value in ("be", "have", "wear"))
            for _, entries in self.at(tokens, at)
            for entry in entries
        )

    def kind_of_thing(self, tokens: list[Token], at: int) -> str:
        """What kind of thing that is set aside begins at a token: "clothes", "body", or "" where no table says it."""
        entries = (entry for _, found in self.at(tokens, at)[:1] for entry in found)
        return next((_KINDS_OF_THINGS.get(_kind(entry), "") for entry in entries if _kind(entry)), "")

    def kind_of_word(self, word: str) -> str:
        """The same of a single word."""
        entries = self._tree.get(word, {}).get("", ())
        return next((_KINDS_OF_THINGS.get(_kind(entry), "") for entry in entries if _kind(entry)), "")

    def names_something(self, text: str) -> bool:
        """The text has more than small words and verbs."""
        words = [token for token in tokens(text) if token.sort in ("word", "number")]
        return not all(self.says_nothing([word], 0) or self.is_verb(word.normal) for word in words)

    def pair(self, noun: str, adjective: str) -> Pair | None:
        """What an adjective makes of a noun of a class, or of the class that it belongs to."""
        while True:
            pair = self.pairs.get((noun, adjective))
            if pair is not None:
                return pair
            parent = self.nouns[noun].parent if noun in self.nouns else None
            if parent is None:
                return None
            noun = parent

    def classes(self, word: str) -> str | None:
        """The classes of an ordinary word, the likeliest first; None of a word that the list lacks."""
        return ordinary_words().classes(word)


class OrdinaryWords:
    """A sorted file of words, searched where it lies."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data

    def classes(self, word: str) -> str | None:
        if not word.isascii() or not word.isalpha():
            return None
        wanted = word.encode()
        low, high = 0, len(self._data)
        while low < high:
            middle = (low + high) // 2
            start = self._data.rfind(b"\n", low, middle) + 1 or low
            end = self._data.find(b"\n", start)
            end = high if end < 0 else end
            line = self._data[start:end]
            found, _, classes = line.partition(b" ")
            if found == wanted:
                return classes.decode()
            if found < wanted:
                low = end + 1
            else:
                high = start
        return None


@cache
def ordinary_words(language: str = "english") -> OrdinaryWords:
    with (
        resources.as_file(resources.files("facesearch.query") / language / "words.txt") as path,
        path.open("rb") as f,
    ):
        return OrdinaryWords(mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ))


@cache
def lexicon(language: str = "english") -> Lexicon:
    return Lexicon(language)


def _phrases(words: str) -> Iterator[tuple[str, ...]]:
    """The phrases of a cell as their normal words: "_" joins the words of one, "|" parts what may stand at a place."""
    for word in words.split():
        if "|" in word:
            for parts in product(*(place.split("|") for place in word.split("_"))):
                yield said(" ".join(parts))
        else:
            yield said(word.replace("_", " "))


def _narrow(words: str) -> tuple[str, str]:
    """The words of a cell, and those of them behind "*", which say more than they mean here."""
    plain, _, narrow = f" {words}".partition(" * ")
    return plain, narrow


def _reading(text: str) -> Reading | None:
    text = text.strip()
    return None if text in ("", "-") else reading_of(text)


def _denied(bare: str, denied: str) -> Reading | None:
    """What the denial of a noun means: "!" the opposite of the noun."""
    reading = _reading(bare) if denied == "!" else _reading(denied)
    return reading.denied() if denied == "!" and reading is not None else reading


def _all_said(words: Lexicon) -> Iterator[tuple[str, str]]:
    """Every phrase of the tables with its reading."""
    heads = {cells[0]: cells[1].split()[0] for cells in words.rows("nouns.tsv")}
    for _, phrases, reading in (cells[:3] for cells in words.rows("nouns.tsv")):
        yield from ((each, reading) for each in phrases.replace(" * ", " ").split())
    for noun, phrases, reading in (cells[:3] for cells in words.rows("pairs.tsv")):
        head = "" if noun == "person" else f"_{heads[noun]}"
        yield from ((f"{each}{head}", reading) for each in phrases.replace("* ", "").split())
    for phrases, reading in (cells[:2] for cells in words.rows("persons.tsv")):
        yield from ((each, reading) for each in phrases.replace("* ", "").split())


_KINDS_OF_THINGS = {
    "clothes": "clothes",
    **dict.fromkeys(("body", "build"), "body"),
}


def _kind(entry: Entry) -> str:
    """The class of an entry for a thing."""
    return str(entry.value) if entry.category == "NX" else entry.value.name if entry.category == "N" else ""


_OWNED = frozenset(("his", "her", "their"))


@cache
def _said() -> dict[Term, tuple[str, ...]]:
    """What is said for each term without a "not", the plainest first."""
    found: dict[Term, dict[str, None]] = {}
    words = lexicon()
    for cell, reading in _all_said(words):
        if (term := TERMS.get(reading.strip())) is not None and _OWNED.isdisjoint(cell.split("_")) and "'" not in cell:
            plain = (each for each in map(" ".join, _phrases(cell)) if not words.is_verb(each))
            found.setdefault(term, {}).update(dict.fromkeys(plain))
    return {term: tuple(phrases) for term, phrases in found.items()}


def words_for(attribute: Attribute, holds: bool = True) -> tuple[str, ...]:
    """The phrases that ask for `attribute` to hold, the plainest first. With `holds` False: those that ask for the
    opposite without a "not", as "woman" for Male; for most attributes there are none."""
    said = _said().get(Term(attribute.index, holds), ())
    return tuple(dict.fromkeys((phrase(attribute.index, True), *said) if holds else said))
