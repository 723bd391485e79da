"""A statement that was understood: who is described, what was read, and what was set aside."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from facesearch.query import oddities
from facesearch.query.description import Query
from facesearch.query.tree import EVERYTHING, And, Node, all_of, check_repeats, hedge, height, leaves, negate, outcomes
from facesearch.statement.chart import Chart, Edge
from facesearch.statement.discourse import read_sentence
from facesearch.statement.errors import Notice, StatementError
from facesearch.statement.forms import parts
from facesearch.statement.grammar import grammar, price
from facesearch.statement.language import language_of
from facesearch.statement.lexicon import Lexicon, NounClass, lexicon
from facesearch.statement.measures import Measure, measures
from facesearch.statement.scene import PROMOTE, Clause, Fact, Person, Scene
from facesearch.statement.slips import Slip, corrected
from facesearch.statement.terminals import terminals
from facesearch.statement.tokens import Token, sentences, tokens

MAX_TERMS = 100
MAX_HEIGHT = 30
MAX_LETTERS = 10_000
"""A longer text is refused."""
_NOT_OF_LOOKS = frozenset(("action", "somebody else", "somebody else's", "name", "field"))
MARGIN = 0.05
"""Two readings of which neither costs more than this above the other cost the same."""


class Used(NamedTuple):
    """Words that are searched: where they stand (code points), and what they mean."""

    words: str
    start: int
    end: int
    means: str


class SetAside(NamedTuple):
    """Words that are not searched: where they stand (code points), and why."""

    words: str
    start: int
    end: int
    why: str


@dataclass(frozen=True)
class Described:
    """One of those whom a statement describes. tree: what is searched, EVERYTHING where nothing is."""

    label: str
    tree: Node
    used: tuple[Used, ...] = ()


@dataclass(frozen=True)
class Statement:
    """A statement that was understood.

    persons: in the order in which they are described, at least one. set_aside: everything that is not searched.
    corrected: slips. notices: what the reader should know. steps: phrases made, the measure of the work.
    """

    text: str
    persons: tuple[Described, ...]
    set_aside: tuple[SetAside, ...] = ()
    corrected: tuple[Slip, ...] = ()
    notices: tuple[Notice, ...] = ()
    language: str = "English"
    steps: int = 0

    @property
    def not_scored(self) -> tuple[str, ...]:
        """What is said of the described and not searched, as typed: not what people do, nor what is said of others."""
        return tuple(dict.fromkeys(each.words for each in self.set_aside if each.why not in _NOT_OF_LOOKS))

    def person(self, number: int | None = None) -> Described:
        """The described person of this number, or the only one. Raises StatementError."""
        if number is None and len(self.persons) > 1:
            raise StatementError(
                "several persons", tuple(str(each.tree) for each in self.persons), values={"persons": len(self.persons)}
            )
        if number is not None and not 0 < number <= len(self.persons):
            raise StatementError("no such person", values={"persons": len(self.persons), "person": number})
        return self.persons[(number or 1) - 1]

    def query(self, number: int | None = None, *, strict: bool = False) -> Query:
        """What to search for. Raises StatementError where several persons are described and none is chosen, where
        nothing is left to search and, with `strict`, where something is set aside."""
        person = self.person(number)
        if strict and (aside := [each for each in self.set_aside if each.why not in _NOT_OF_LOOKS]):
            first = aside[0]
            raise StatementError("not understood", spans=((first.start, first.end),), values={"words": first.words})
        if person.tree == EVERYTHING:
            words = " ".join(self.text.split())
            raise StatementError("nothing", values={"words": words if len(words) < 60 else f"{words[:60]}..."})
        check_size(person.tree)
        return Query(self.text, person.tree, not_scored=self.not_scored)


def check_size(tree: Node) -> None:
    """Raises StatementError for a tree that is too large to be scored."""
    if sum(1 for _ in leaves(tree)) > MAX_TERMS or height(tree) > MAX_HEIGHT:
        raise StatementError("too long", values={"letters": MAX_TERMS, "most": MAX_TERMS})
    check_repeats(tree)


def understand(text: str) -> Statement:
    """Reads a statement. Raises StatementError where it can be read in two ways that cost the same, where it
    contradicts itself, and where it is too long or in a language that is not known."""
    if len(text) > MAX_LETTERS:
        raise StatementError("too long", values={"letters": len(text), "most": MAX_LETTERS})
    words = lexicon()
    found = tokens(text)
    _check_language(found, words)
    found, slips = corrected(found, words)
    reader = _read_all(text, found, words)
    readings = [reader, *_alternatives(text, found, words, reader)]
    return decide(text, found, words, readings, slips)


def _check_language(found: list[Token], words: Lexicon) -> None:
    known = sum(words.knows(token.normal) for token in found if token.sort == "word")
    language = language_of(found, known)
    if language != "English":
        raise StatementError("language", values={"language": language})


def _read_all(text: str, found: list[Token], words: Lexicon, variant: dict[str, int] | None = None) -> "_Reader":
    reader = _Reader(text, found, words, variant)
    rows = [row for row in sentences(found) if not _is_letter(row)]
    for at, sentence in enumerate(rows):
        reader.sentence(sentence, rows[at + 1] if at + 1 < len(rows) else None)
    if not described(reader.scene)[0].facts and reader.scene.spoken_of and not variant:
        return _read_all(text, found, words, {PROMOTE: 1})
    return reader


def _alternatives(text: str, found: list[Token], words: Lexicon, reader: "_Reader") -> list["_Reader"]:
    """The readings that differ from the best in one place at which it costs nothing to read otherwise."""
    cheap = [name for name, costs in reader.scene.open.items() if costs[1] - costs[0] <= MARGIN]
    return [_read_all(text, found, words, {name: 1}) for name in cheap[:4]]


def decide(text: str, found: list[Token], words: Lexicon, readings: list["_Reader"], slips: list[Slip]) -> Statement:
    """The one place that compares the readings: accepts the best, or asks back with two that cost the same."""
    best = readings[0]
    trees = [tuple(tree_of(person) for person in described(each.scene)) for each in readings]
    for other in trees[1:]:
        if other != trees[0]:
            raise StatementError("two readings", readings=(_shown(trees[0]), _shown(other)))
    for at, person in enumerate(described(best.scene)):
        clash = contradiction(person)
        if clash is not None and True not in outcomes(trees[0][at]):
            if best.scene.corrected:
                person.facts.remove(clash[0])
                continue
            either = [_without(trees[0], at, person, fact) for fact in clash[::-1]]
            spans = tuple((found[fact.start].start, found[fact.end - 1].end) for fact in clash)
            raise StatementError("contradiction", readings=(_shown(either[0]), _shown(either[1])), spans=spans)
    return report(text, found, words, best, slips)


def _shown(trees: tuple[Node, ...]) -> str:
    return " || ".join(map(str, trees))


def _without(trees: tuple[Node, ...], at: int, person: Person, fact: Fact) -> tuple[Node, ...]:
    rest = replace(person, facts=[each for each in person.facts if each is not fact])
    return (*trees[:at], tree_of(rest), *trees[at + 1 :])


def contradiction(person: Person) -> tuple[Fact, Fact] | None:
    """Two things said of a person of which only one can be true."""
    plain = [fact for fact in person.facts if fact.certainty == 1.0]
    for at, fact in enumerate(plain):
        for earlier in plain[:at]:
            if True not in outcomes(all_of([earlier.node, fact.node])):
                return earlier, fact
    return None


def report(text: str, found: list[Token], words: Lexicon, reader: "_Reader", slips: list[Slip]) -> Statement:
    """What was read and what was not, word by word."""
    scene = reader.scene
    persons = described(scene)
    kept: set[int] = set()
    told = []
    for number, person in enumerate(persons, 1):
        used = []
        for fact in person.facts:
            spans = fact.used or ((fact.start, fact.end),)
            parts = fact.node.children if isinstance(fact.node, And) else (fact.node,)
            meanings = parts if len(parts) == len(spans) else (fact.node,) * len(spans)
            for (start, end), node in zip(spans, meanings, strict=True):
                kept.update(range(start, end))
                a, b = found[start].start, found[end - 1].end
                used.append(Used(text[a:b], a, b, str(hedge(node, fact.certainty))))
        label = person.label if person.label else str(number)
        told.append(Described(label, tree_of(person), tuple(dict.fromkeys(used))))
    kept.update(at for start, end in scene.used for at in range(start, end))
    return Statement(
        text,
        tuple(told),
        tuple(_aside(text, found, words, scene, kept)),
        tuple(slips),
        tuple((*_other_notices(persons, slips), *_notices(told))),
        steps=reader.steps,
    )


def _aside(text: str, found: list[Token], words: Lexicon, scene: Scene, kept: set[int]) -> Iterator[SetAside]:
    """The words that are not searched, neighbours with the same reason in one."""
    why: dict[int, str] = {}
    for start, end, reason in scene.aside:
        for at in range(start, min(end, len(found))):
            if at not in kept:
                why.setdefault(at, reason)
    for at, token in enumerate(found):
        if (
            token.sort != "mark"
            and token.sort != "line"
            and at not in kept
            and at not in why
            and not words.says_nothing(found, at)
        ):
            why[at] = "action"
    run: list[int] = []
    for at in [*sorted(why), -1]:
        if run and (at != run[-1] + 1 or why[at] != why[run[0]]):
            while len(run) > 1 and words.says_nothing(found, run[0]):
                del run[0]
            a, b = found[run[0]].start, found[run[-1]].end
            if any(found[each].sort in ("word", "number") for each in run):
                yield SetAside(text[a:b], a, b, why[run[0]])
            run = []
        run.append(at)


def _notices(persons: list[Described]) -> Iterator[Notice]:
    for person in persons:
        for used in person.used:
            if used.means in ("young", "old") and used.words.casefold() not in ("young", "old", "younger", "older"):
                yield Notice("age", {"words": used.words, "means": used.means})
        for sentence in oddities.remarks(person.tree):
            yield Notice("rare", {"sentence": sentence})


def _other_notices(persons: list[Person], slips: list[Slip]) -> Iterator[Notice]:
    for person in persons:
        if person.pronoun_sex is not None and person.sex is None:
            yield Notice("pronoun", {"sex": str(person.pronoun_sex)})
    for slip in slips:
        yield Notice("corrected", {"typed": slip.typed, "read": slip.read})
    if not any(person.facts or person.pronoun_sex is not None for person in persons):
        yield Notice("nothing", {})


def _is_letter(row: list[Token]) -> bool:
    """ "Q." and "A.", which say nothing."""
    return row[0].normal in _LETTERS and len(row) == 2 and row[1].normal in (".", ":")


_NONE = frozenset(["no", "n", "none", "nil", "nope", "nowt", "negative", "nothing"])
_YES = frozenset(["yes", "y", "yeah", "yep", "yup", "some", "present"])
_NOT_KNOWN = frozenset(
    ["known", "sure", "certain", "seen", "visible", "noted", "recorded", "stated", "given", "noticed", "available", "applicable", "clear"]
)
_LETTERS = frozenset(("q", "a"))


class _Reader:
    """Reads the sentences of a text one by one: running text, the fields of forms, questions and their answers."""

    def __init__(self, text: str, found: list[Token], words: Lexicon, variant: dict[str, int] | None = None) -> None:
        self.words = words
        self.scene = Scene(words, variant)
        self.steps = 0
        self._spans = measures(text)
        self._position = {token.start: at for at, token in enumerate(found)}
        self._asked: list[Fact] = []
        self._open: list[Fact] = []
        self._context: NounClass | None = None

    def sentence(self, sentence: list[Token], after: list[Token] | None) -> None:
        sentence = self._answered(sentence)
        for part in parts(sentence, self.words):
            if part.field:
                self._set_aside(sentence[part.name : part.start])
                self._field(part.field, sentence[part.start : part.end])
            else:
                self._read(sentence[part.start : part.end])
        if sentence and sentence[-1].normal[0] == "?":
            self._asked = [*self._open, *(fact for _, fact in self.scene.clause.facts_here)]
            self._context = self._asked_noun(sentence)
            self._open = self._asked[-8:]
            if not self._is_answered(after) and not self._is_whole(sentence):
                last = any(token.normal == "," for token in sentence)
                for fact in self._asked[-1:] if last else self._asked:
                    fact.certainty = min(fact.certainty, 0.5)

    def _set_aside(self, found: list[Token]) -> None:
        if found:
            at = self._position[found[0].start]
            self.scene.aside.append((at, at + len(found), "field"))

    def _is_whole(self, sentence: list[Token]) -> bool:
        """A question to the reader ("Do you recognise this man?"), and no doubt about a thing ("glasses?")."""
        return any(token.normal in ("you", "anyone", "who") for token in sentence)

    def _is_answered(self, after: list[Token] | None) -> bool:
        if after is None:
            return False
        said = [token.normal for token in after if token.sort == "word" and token.normal not in _LETTERS][:3]
        if not said:
            return False
        return (
            said[0] in _NONE | _YES
            or said[0] in ("did", "could", "do", "probably", "possibly", "maybe")
            or self._context is not None
        )

    def _asked_noun(self, sentence: list[Token]) -> NounClass | None:
        """What a question with no answer in it asks for: "And his hair?"."""
        nouns = [
            e.value
            for at in range(len(sentence))
            for _, es in self.words.at(sentence, at)[:1]
            for e in es
            if e.category == "N"
        ]
        return nouns[-1] if nouns and nouns[-1].bare is None else None

    def _answered(self, sentence: list[Token]) -> list[Token]:
        """The sentence without the answer that it begins with, which settles what was asked before."""
        asked, self._asked = self._asked, []
        self._open = asked if sentence and sentence[-1].normal[0] == "?" and len(sentence) <= 4 else []
        context, self._context = self._context, None
        start = 0
        while (
            start < len(sentence) - 1
            and sentence[start].normal in _LETTERS
            and sentence[start + 1].normal in (".", ":")
        ):
            start += 2
        rest = sentence[start:]
        while rest and rest[0].normal in _LETTERS and len(rest) == 2 and rest[1].normal == ".":
            self._asked, self._context = asked, context
            return []
        if not (asked or context) or not rest:
            return rest
        first = rest[0].normal
        if first in _YES:
            for fact in asked:
                fact.certainty = 1.0
            return _past_answer(rest)
        if first in _NONE and (
            len(rest) == 1
            or rest[1].sort == "mark"
            or rest[1].normal in ("he", "she", "they", "it", "did", "was", "does", "is", "were", "had")
        ):
            for fact in asked:
                fact.certainty = 1.0
                fact.node = negate(fact.node)
            return _past_answer(rest)
        said = [token.normal for token in rest]
        if said[:2] == ["not", "sure"] or said[:1] in (["unsure"], ["maybe"], ["perhaps"], ["possibly"]):
            for fact in asked:
                fact.certainty = 0.5
            return []
        if said[:2] == ["probably", "not"]:
            for fact in asked:
                fact.node, fact.certainty = negate(fact.node), 0.8
            return rest[2:]
        if said[:3] == ["i", "think", "so"] or (said[:1] == ["probably"] and len(rest) <= 2):
            for fact in asked:
                fact.certainty = 0.8
            return rest[3:]
        if said[:2] in (["did", "n't"], ["did", "not"], ["could", "n't"], ["do", "n't"]):
            for fact in asked:
                self.scene.cancel(fact, "not known")
            return rest
        if context is not None and context.bare is None:
            self._read(rest, context)
            return []
        return rest

    def _field(self, field: str, value: list[Token]) -> None:
        """The value of a field, said of what the field names."""
        said = [token.normal for token in value if token.sort == "word"]
        if field in ("other", "unknown") or not value:
            if field == "unknown":
                self._read(value)
            else:
                self._set_aside(value)
            return
        if field in ("any", "person", "sex"):
            self._read(value)
            return
        noun = self.words.nouns[field]
        doubt = bool(value) and (
            value[0].normal[0] == "?"
            or said[:1] in (["unknown"], ["unk"], ["n/k"], ["unsure"], ["na"])
            or (said[:1] == ["not"] and said[1:2] and said[1] in _NOT_KNOWN)
        )
        if doubt:
            self._set_aside(value)
            return
        hedge_word = (
            {"maybe": 0.5, "possibly": 0.5, "poss": 0.5, "perhaps": 0.5, "probably": 0.8, "likely": 0.8}.get(said[0])
            if said
            else None
        )
        first = said[0] if said else ""
        if hedge_word is not None and said[1:] in (["not"], ["no"], ["none"]):
            self._give(noun, value[0], denied=True, certainty=hedge_word)
            return
        alone = len([t for t in value if t.sort == "word"]) == 1 or (len(value) > 1 and value[1].sort == "mark")
        if first in _NONE and alone:
            self._give(noun, value[0], denied=True)
            self._read(value[1:], None)
            return
        if first in _YES or (hedge_word is not None and len(said) == 1):
            self._give(noun, value[0], certainty=hedge_word or 1.0)
            self._set_aside(value[1:])
            return
        before = len(self.scene.used_facts())
        self._read(value, noun)
        if len(self.scene.used_facts()) == before and noun.bare is not None and noun.name not in ("facial",):
            self._give(noun, value[0])

    def _give(self, noun: NounClass, token: Token, denied: bool = False, certainty: float = 1.0) -> None:
        reading = noun.denied if denied else noun.bare
        at = self._position[token.start]
        target = self.scene.focused()
        if reading is None:
            self.scene.aside.append((at, at + 1, "field"))
            return
        self.scene.clause = Clause()
        self.scene.give(target, Fact(reading.node, at, at + 1, certainty, noun.name, ((at, at + 1),)))

    def _read(self, found: list[Token], context: NounClass | None = None) -> None:
        if not found:
            return
        row, steps = parse(found, self._spans, self.words)
        self.steps += steps
        self.scene.context = context
        read_sentence(self.scene, row, self._position[found[0].start], [token.normal for token in found])
        self.scene.context = None


def _past_answer(rest: list[Token]) -> list[Token]:
    """What follows "yes, he did"."""
    at = 1
    while at < len(rest) and rest[at].normal in (
        ",",
        "he",
        "she",
        "it",
        "they",
        "did",
        "was",
        "had",
        "n't",
        "is",
        "not",
        "does",
        "wasnt",
        "didnt",
    ):
        at += 1
    return rest[at:]


def parse(sentence: list[Token], spans: list[Measure], words: Lexicon) -> tuple[list[Edge], int]:
    measured: dict[int, tuple[int, Measure]] = {}
    for span in spans:
        inside = [at for at, token in enumerate(sentence) if span.start <= token.start < span.end]
        if inside:
            measured[inside[0]] = (inside[-1] + 1, span)
    edges = terminals(sentence, measured, words)
    chart = Chart(grammar(), edges)
    covers = chart.covers(price)
    return (covers[0][1] if covers else []), chart.steps


def described(scene: Scene) -> list[Person]:
    """The described persons, in the order in which they are described."""
    persons = [person for person in scene.persons if not person.group]
    sure = [person for person in persons if person.facts or person.named or person.label]
    persons = sure or persons[:1]
    if not persons and scene.open_group is not None:
        persons = [Person(facts=list(scene.shared))]
    shared = {id(fact) for fact in scene.shared}

    def first(person: Person) -> int:
        own = min((fact.start for fact in person.facts if id(fact) not in shared), default=10**9)
        return min(own, person.at)

    return sorted(persons, key=first) or [Person()]


def tree_of(person: Person) -> Node:
    nodes: list[Node] = [hedge(fact.node, fact.certainty) for fact in person.facts]
    if person.pronoun_sex is not None and person.sex is None:
        nodes.insert(0, person.pronoun_sex)
    return all_of(nodes)


def scored(text: str) -> dict[str, object]:
    """For benchmarks/witness: the readings and what was set aside, or between what it asks."""
    try:
        statement = understand(text)
    except StatementError as error:
        if error.readings:
            return {"ask": list(error.readings)}
        raise
    return {
        "readings": [str(person.tree) for person in statement.persons],
        "aside": [each.words for each in statement.set_aside],
    }
