"""The words of one language, from the tables of its folder.

`Lexicon.at` gives what may begin at a word: entries of the tables, of which the longest counts first. Words that no
table has are looked up in the list of ordinary words, which is searched in place.
"""

import mmap
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from facesearch.statement.reading import Reading, reading_of
from facesearch.statement.tokens import Token, said, word_set


class Entry(NamedTuple):
    """What a word or phrase may be: its category in the grammar, and what the grammar needs to know of it."""

    category: str
    value: Any


class NounClass(NamedTuple):
    """Words for one thing: its name, what it means alone, what its denial means ("!": the opposite), and the class
    whose
    adjectives it shares."""

    name: str
    bare: Reading | None
    denied: Reading | None
    parent: str | None


class Pair(NamedTuple):
    """What an adjective makes of a noun: a reading; None with `keeps`: the noun keeps its own; None: set aside."""

    reading: Reading | None
    keeps: bool = False
    narrow: bool = False


class PersonWord(NamedTuple):
    """A word for a person. role: described, bystander, relation or group."""

    reading: Reading | None
    role: str
    plural: bool


_SMALL = word_set("the his her their a an both my its your")
"""What may stand within a phrase of several words: "bags under her eyes"."""


_SMALL_WORDS = word_set(
    "DET POSS HE SHE THEY SPEAKER OBJ REL AND BUT OR NOR NEITHER EITHER BOTH MEM NEG DOUBTNEG WITH IN ON "
    "OF PREP DEG HEDGE YES NONE EXCEPT NOTHING ANYOF CORRECT X"
)


_COMMON_PERSONS = 14
"""Lines of persons.tsv whose words a slip may be meant for."""


class Lexicon:
    """The tables of one language."""

    def __init__(self, language: str = "english") -> None:
        self._folder = resources.files("facesearch.statement") / language
        self.nouns: dict[str, NounClass] = {}
        self.pairs: dict[tuple[str, str], Pair] = {}
        self.fields: dict[tuple[str, ...], str] = {}
        self.owned: set[str] = set()
        self.strong: set[str] = set()
        self.relatives: set[str] = set()
        self.face_words: dict[str, str] = {}
        self._tree: dict[str, Any] = {}
        self._inner: set[str] = set()
        self._read_nouns()
        adjectives = self._read_pairs()
        names = self._read_persons()
        for word in sorted(adjectives - names):
            self._add(word, Entry("A", " ".join(said(word.replace("_", " ")))))
        self._read_small_words()
        self._read_other()
        self.face_words = {word: kind for word, kind in self.face_words.items() if len(word) > 3 and word.isalpha()}

    def _read_nouns(self) -> None:
        for cells in self._rows("nouns.tsv"):
            name, words, bare, denied, parent = (*cells, "", "", "", "")[:5]
            noun = NounClass(name, _reading(bare), _denied(bare, denied), parent or None)
            self.nouns[name] = noun
            self._add_all(words, Entry("N", noun))
            self._note_face_words(words, name)

    def _read_pairs(self) -> set[str]:
        """What adjectives make of nouns; the adjectives."""
        adjectives: set[str] = set()
        for cells in self._rows("pairs.tsv"):
            name, words, reading, narrow = (*cells, "")[:4]
            own = None if reading.startswith(("-", "=", "~")) else reading_of(reading)
            pair = Pair(own, reading.startswith("="), bool(narrow.strip()))
            for word in words.split():
                key = " ".join(said(word.replace("_", " ")))
                like = self.pairs.get((reading[1:], key), pair) if reading.startswith("~") else pair
                self.pairs.setdefault((name, key), like)
            adjectives.update(words.split())
            self._note_face_words(words, f"{name} {reading}")
        return adjectives

    def _read_persons(self) -> set[str]:
        """Words for people; every word that is a noun."""
        names = {word for cells in self._rows("nouns.tsv") for word in " ".join(cells[:2]).split()}
        for number, cells in enumerate(self._rows("persons.tsv")):
            words, reading, role, plural = (*cells, "")[:4]
            self._add_all(words, Entry("PN", PersonWord(_reading(reading), role.strip(), bool(plural.strip()))))
            names.update(" ".join(cells[:2]).split())
            if role.strip() == "relation":
                self.relatives.update(words.split())
            if number < _COMMON_PERSONS:
                self.face_words.update((word, "person") for word in words.split() if word not in self.face_words)
        return names

    def _read_small_words(self) -> None:
        for name, words in (cells[:2] for cells in self._rows("verbs.tsv")):
            self._add_all(words, Entry("V", name))
        for cells in self._rows("function.tsv"):
            category, words, value = (*cells, "")[:3]
            self._add_all(words, Entry(category, float(value) if category == "HEDGE" else value.strip()))
        for reading, words in (cells[:2] for cells in self._rows("phrases.tsv")):
            self._add_all(words, Entry("FACT", _reading(reading)))

    def _read_other(self) -> None:
        for category, words in (cells[:2] for cells in self._rows("other.tsv")):
            if category == "OWNED":
                self.owned.update(words.split())
            elif category == "STRONG":
                self.strong.update(" ".join(said(word.replace("_", " "))) for word in words.split())
            else:
                self._add_all(words, Entry(category, ""))
        for name, words in (cells[:2] for cells in self._rows("fields.tsv")):
            for word in words.split():
                self.fields.setdefault(said(word.replace("_", " ")), name)

    def _note_face_words(self, words: str, kind: str) -> None:
        """Words that a slip may be meant for, each with what tells it from others."""
        for word in words.split():
            for part in said(word.replace("_", " ")):
                self.face_words.setdefault(part, kind)

    def face_word(self, word: str) -> str:
        return self.face_words[word]

    def knows(self, word: str) -> bool:
        """Some entry of the tables begins with the word, or has it."""
        return word in self._tree or word in self._inner

    def _rows(self, name: str) -> list[list[str]]:
        text = (self._folder / name).read_text(encoding="utf-8")
        return [line.split("\t") for line in text.split("\n") if line and not line.startswith("#")]

    def _add_all(self, words: str, entry: Entry) -> None:
        for word in words.split():
            self._add(word, entry)

    def _add(self, word: str, entry: Entry) -> None:
        node = self._tree
        for part in said(word.replace("_", " ")):
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

    def says_nothing(self, tokens: list[Token], at: int) -> bool:
        """The word is a small one, of which there is nothing to tell."""
        return any(
            entry.category in _SMALL_WORDS or (entry.category == "V" and entry.value in ("be", "have", "wear"))
            for _, entries in self.at(tokens, at)
            for entry in entries
        )

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
        resources.as_file(resources.files("facesearch.statement") / language / "words.txt") as path,
        path.open("rb") as f,
    ):
        return OrdinaryWords(mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ))


@cache
def lexicon(language: str = "english") -> Lexicon:
    return Lexicon(language)


def _reading(text: str) -> Reading | None:
    text = text.strip()
    return None if text in ("", "-") else reading_of(text)


def _denied(bare: str, denied: str) -> Reading | None:
    """What the denial of a noun means: "!" the opposite of the noun."""
    reading = _reading(bare) if denied == "!" else _reading(denied)
    return reading.denied() if denied == "!" and reading is not None else reading
