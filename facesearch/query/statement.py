"""A statement that was understood: who is described, what is searched, and what was set aside."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations

from db.values.photo_filter import PhotoFilter
from facesearch.errors import QueryError
from facesearch.query import photo_filters
from facesearch.query.description import Query
from facesearch.query.errors import Notice, StatementError
from facesearch.query.formal import is_formal, read_formal
from facesearch.query.language import language_of
from facesearch.query.lexicon import Lexicon, lexicon
from facesearch.query.reader import Reader, read_text
from facesearch.query.report import (
    SetAside,
    Used,
    described,
    not_ticked,
    notices,
    notices_on,
    set_aside,
    tree_of,
    used,
)
from facesearch.query.scene import PROMOTE, RELATION, SOMEBODY, TOPICS, Fact, Person, Scene, topic_of
from facesearch.query.slips import Slip, corrected
from facesearch.query.tokens import Token, ticked, tokens, unwrapped
from facesearch.query.tree import (
    EVERYTHING,
    And,
    Node,
    Threshold,
    all_of,
    check_repeats,
    firm,
    height,
    leaves,
    outcomes,
    parts_of,
)
from facesearch.query.versions import Version, versions

MAX_TERMS = 100
MAX_HEIGHT = 30
MAX_LETTERS = 10_000
"""A longer text is refused."""
MARGIN = 0.05
"""Two readings of which neither costs more than this above the other cost the same."""
_VARIANTS = 4
"""Places at which another reading is tried."""
_NOT_OF_LOOKS = frozenset(("action", "somebody else", "name", "field", "place"))


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
    corrected: slips. notices: what the reader should know. steps: phrases made, the measure of the work. thresholds,
    photo: what only filters.
    """

    text: str
    persons: tuple[Described, ...]
    set_aside: tuple[SetAside, ...] = ()
    corrected: tuple[Slip, ...] = ()
    notices: tuple[Notice, ...] = ()
    language: str = "English"
    steps: int = 0
    thresholds: tuple[Threshold, ...] = ()
    photo: PhotoFilter = field(default_factory=PhotoFilter)

    @property
    def not_scored(self) -> tuple[str, ...]:
        """What is said of looks and not searched, as typed but in one line: not what people do, nor what is said of
        others."""
        return self.not_scored_of(0)

    def not_scored_of(self, number: int) -> tuple[str, ...]:
        """The same of the person of this number alone; 0: of all."""
        said = (each for each in self.set_aside if each.why not in _NOT_OF_LOOKS)
        own = [each for each in said if not number or each.person in (0, number)]
        things: list[str] = []
        end = 0
        for each in own:
            words = " ".join(each.words.split())
            if things and self.text[end : each.start].isspace():  # "short" and "hair" are one thing
                things[-1] += f" {words}"
            else:
                things.append(words)
            end = each.end
        return tuple(dict.fromkeys(things))

    def person(self, number: int | None = None) -> Described:
        """The described person of this number, or the only one. Raises StatementError."""
        count = len(self.persons)
        if number is None and count > 1:
            readings = tuple(str(each.tree) for each in self.persons)
            labels = tuple(each.label for each in self.persons)
            raise StatementError("several persons", readings, values={"persons": count, "labels": labels})
        if number is not None and not 0 < number <= count:
            raise StatementError("no such person", values={"persons": count, "person": number})
        return self.persons[(number or 1) - 1]

    def check_searched(self) -> None:
        """Raises StatementError where nothing is said of anybody that can be searched."""
        if all(each.tree == EVERYTHING for each in self.persons) and not self.thresholds and not self.photo:
            words = " ".join("".join(each if each.isprintable() else " " for each in self.text).split())
            raise StatementError("nothing", values={"words": words if len(words) < 60 else f"{words[:60]}..."})

    def query(self, number: int | None = None, *, strict: bool = False) -> Query:
        """What to search for. Raises StatementError where several persons are described and none is chosen, where
        nothing is left to search and, with `strict`, where something is set aside."""
        tree = self.person(number).tree
        first = next((each for each in self.set_aside if each.why not in _NOT_OF_LOOKS), None)
        if strict and first is not None:
            raise StatementError("not understood", spans=((first.start, first.end),), values={"words": first.words})
        replace(self, persons=(self.person(number),)).check_searched()
        if sum(1 for _ in leaves(tree)) > MAX_TERMS or height(tree) > MAX_HEIGHT:
            raise StatementError("too many", values={"most": MAX_TERMS})
        check_repeats(tree)
        return Query(
            self.text, tree, thresholds=self.thresholds, photo=self.photo, not_scored=self.not_scored_of(number or 0)
        )


def parse(text: str, *, strict: bool = False) -> Query:
    """What to search for, of a text that describes one person. Raises QueryError."""
    return understand(text).query(strict=strict)


def understand(text: str) -> Statement:
    """Reads a statement. Raises StatementError where it can be read in two ways that cost the same, where it
    contradicts itself, and where it is too long or in a language that is not known."""
    if len(text) > MAX_LETTERS:
        raise StatementError("too long", values={"letters": len(text), "most": MAX_LETTERS})
    words = lexicon()
    if is_formal(text):
        return _formal(text, words)
    if parts := versions(text):
        return _told_by_several(text, parts, words)
    return _statement(text, words)


def _told_by_several(text: str, parts: list[Version], words: Lexicon) -> Statement:
    """The statements of several witnesses, each read by itself: what they say of a person is never merged."""
    told = [(part, each) for part in parts if (each := _version(text, part, words)) is not None]
    saying = [(part, each) for part, each in told if any(person.tree != EVERYTHING for person in each.persons)]
    if not any(_differ(one, other) for (_, one), (_, other) in combinations(saying, 2)):
        return _statement(text, words)
    silent = [each for _, each in told if all(each is not says for _, says in saying)]
    return _joined_versions(text, saying, silent)


def _joined_versions(text: str, saying: list[tuple[Version, Statement]], silent: list[Statement]) -> Statement:
    """The persons of all versions, numbered through; silent: versions in which nothing is searched."""
    persons: list[Described] = []
    found: list[Notice] = []
    aside = [one for each in silent for one in each.set_aside]
    for part, each in saying:
        found += (replace(one, person=_shifted(one.person, len(persons))) for one in each.notices)
        aside += (one._replace(person=_shifted(one.person, len(persons))) for one in each.set_aside)
        persons += _named_after(part.witness, each.persons)
    found.append(Notice("versions", {"witnesses": tuple(part.witness for part, _ in saying if part.witness)}))
    read = [each for _, each in saying] + silent
    slips = tuple(slip for each in read for slip in each.corrected)
    steps = sum(each.steps for each in read)
    return Statement(text, tuple(persons), tuple(sorted(aside, key=_start)), slips, tuple(found), steps=steps)


def _shifted(number: int, by: int) -> int:
    """The number of a person behind so many others; 0 stays."""
    return number + by if number else 0


def _named_after(witness: str, persons: tuple[Described, ...]) -> Iterator[Described]:
    """The persons of a version, labelled with whose it is."""
    for person in persons:
        name = " ".join(filter(None, (witness, person.label if len(persons) > 1 else "")))
        yield replace(person, label=name or person.label)


def _version(text: str, part: Version, words: Lexicon) -> Statement | None:
    """What one witness says, at its place in the text; None: nothing that can be read."""
    blank = "".join(letter if letter == "\n" else " " for letter in text[: part.start])
    try:
        return _statement(blank + text[part.start : part.end], words)
    except StatementError as error:
        if error.kind != "language":
            raise
        return None


def _differ(one: Statement, other: Statement) -> bool:
    """What two witnesses say cannot be true of the same persons."""
    if len(one.persons) != len(other.persons):
        return True
    return any(_clash(a.tree, b.tree) for a, b in zip(one.persons, other.persons, strict=True))


def _clash(one: Node, other: Node) -> bool:
    """Two descriptions exclude each other, or say different things of the same (colours of hair, what grows on a
    chin)."""
    parts = [{topic_of(part): firm(part) for part in parts_of(tree)} for tree in (one, other)]
    topics = (topic for topic in parts[0].keys() & parts[1].keys() if parts[0][topic] != parts[1][topic])
    return True not in outcomes(all_of((firm(one), firm(other)))) or any(topic in TOPICS for topic in topics)


def _statement(text: str, words: Lexicon) -> Statement:
    """A text without marks of the search language."""
    text = unwrapped(typed := text)
    found, unticked = ticked(text, tokens(text))
    if (language := language_of(found, words)) != "English":
        raise StatementError("language", values={"language": language})
    ways = [(_best(text, each, words), each, slips) for each, slips in corrected(found, words)]
    best, found, slips = max(ways, key=lambda way: _count(way[0]))
    as_good = [way[0] for way in ways if _count(way[0]) == _count(best) and way[0] is not best]
    readings = [best, *as_good, *_alternatives(text, found, words, best)]
    persons = decide(found, readings)
    told = [used(typed, found, person) for person in persons]
    return Statement(
        typed,
        tuple(
            Described(person.label or str(number), tree_of(person), words_used)
            for number, (person, words_used) in enumerate(zip(persons, told, strict=True), 1)
        ),
        tuple(sorted([*set_aside(typed, found, words, best.scene, persons), *not_ticked(typed, unticked)], key=_start)),
        tuple(slips),
        (*notices(persons, told, slips), *_reach(text, found, best.scene)),
        steps=best.steps,
    )


def _reach(text: str, found: list[Token], scene: Scene) -> Iterator[Notice]:
    """Lists behind a "no" that ends before them ("no hat and glasses"), and an "or" of which a side is not searched."""
    for denied, behind in scene.reach:
        words, rest = (text[found[a].start : found[b - 1].end] for a, b in (denied, behind))
        yield Notice("reach", {"words": words, "rest": rest})
    for a, b in scene.alternatives:
        yield Notice("alternative", {"words": text[found[a].start : found[b - 1].end]})


def _formal(text: str, words: Lexicon) -> Statement:
    """A text in the search language; what has no marks in it is read as any statement."""
    try:
        found = read_formal(text, words, lambda said: _statement(said, words))
        if found.tree != EVERYTHING and True not in outcomes(found.tree):
            raise QueryError(
                f'No face can fit this description, read as "{found.tree}": leave out what contradicts the rest.'
            )
    except StatementError:
        raise
    except QueryError as error:
        place = min(error.position, len(text))
        sentence = "".join(letter if letter.isprintable() else " " for letter in str(error))
        raise StatementError("search language", spans=((place, place),), values={"sentence": sentence}) from None
    return Statement(
        text,
        (Described("1", found.tree, tuple(found.used)),),
        tuple(found.set_aside),
        tuple(found.corrected),
        (*found.notices, *notices_on(found.tree)),
        thresholds=tuple(dict.fromkeys(found.thresholds)),
        photo=photo_filters.combined(condition for condition, _ in found.conditions),
    )


def _start(aside: SetAside) -> int:
    return aside.start


def _best(text: str, found: list[Token], words: Lexicon) -> Reader:
    """The reading that costs least. Where nobody is described, those who are mentioned are; the speaker's relations
    only where no "he" or "she" is somebody else."""
    reader = read_text(text, found, words)
    first = described(reader.scene)[0]
    somebody = reader.scene.spoken_of == "somebody"
    known = first.named and first.pronoun_sex is not None  # "the robber grabbed a blonde woman. He ..."
    mentioned = not known if somebody else reader.scene.spoken_of and first.pronoun_sex is None
    if mentioned and not first.facts:
        return read_text(text, found, words, {PROMOTE: SOMEBODY if somebody else RELATION})
    return reader


def _count(reader: Reader) -> int:
    """How many words describe somebody."""
    return len({span for fact in reader.scene.used_facts() for span in fact.used})


def _alternatives(text: str, found: list[Token], words: Lexicon, best: Reader) -> Iterator[Reader]:
    """The readings that differ from the best in one place at which it costs nothing to read otherwise."""
    cheap = [name for name, costs in best.scene.open.items() if costs[1] - costs[0] <= MARGIN]
    return (read_text(text, found, words, {name: 1}) for name in cheap[:_VARIANTS])


def decide(found: list[Token], readings: list[Reader]) -> list[Person]:
    """The one place that compares the readings: accepts the best, or asks back with two that cost the same."""
    best, *others = (described(each.scene) for each in readings)
    trees = [tree_of(person) for person in best]
    for other in others:
        if (others_trees := [tree_of(person) for person in other]) != trees:
            raise StatementError("two readings", readings=(_shown(trees), _shown(others_trees)))
    for at in range(len(best)):
        _settle(found, readings[0].scene, best, at)
    return best


def _settle(found: list[Token], scene: Scene, persons: list[Person], at: int) -> None:
    """Of what contradicts itself, the last word of a speaker counts, and nothing of two witnesses who differ. Raises
    StatementError for any other contradiction."""
    person = persons[at]
    while True not in outcomes(tree_of(person)):
        trees = [tree_of(each) for each in persons]
        clash = contradiction(person)
        if clash is None:
            raise _is_impossible(trees, at)
        if clash[0].teller != clash[1].teller:
            for fact in clash:
                scene.cancel(fact, "not known")
        elif _is_later(found, scene, *clash):
            person.facts.remove(clash[0])
        else:
            raise _contradicts(found, trees, at, person, clash)


def _is_later(found: list[Token], scene: Scene, earlier: Fact, later: Fact) -> bool:
    """The later of two counts: the speaker corrects himself, a beard has grown, or he looked "more like 45"."""
    grown = earlier.start < scene.grows < later.start
    return scene.corrected or grown or any(token.normal == "more" for token in found[later.start : later.end])


def _is_impossible(trees: list[Node], at: int) -> StatementError:
    """One phrase contradicts itself or a pronoun ("man woman", "he was not a man")."""
    tree = trees[at]
    parts = tree.children if isinstance(tree, And) else (tree,)
    pairs = ((one, other) for n, one in enumerate(parts) for other in parts[:n])
    clash = next((pair for pair in pairs if True not in outcomes(all_of(pair))), parts[:1] * 2)
    either = (all_of(part for part in parts if part is not left_out) for left_out in clash)
    return StatementError(
        "contradiction", readings=tuple(_shown([*trees[:at], rest, *trees[at + 1 :]]) for rest in either)
    )


def _contradicts(
    found: list[Token], trees: list[Node], at: int, person: Person, clash: tuple[Fact, Fact]
) -> StatementError:
    either = []
    for left_out in clash[::-1]:
        rest = replace(person, facts=[fact for fact in person.facts if fact is not left_out])
        either.append(_shown([*trees[:at], tree_of(rest), *trees[at + 1 :]]))
    spans = tuple((found[fact.start].start, found[fact.end - 1].end) for fact in clash)
    return StatementError("contradiction", readings=tuple(either), spans=spans)


def _shown(trees: list[Node]) -> str:
    return " || ".join(map(str, trees))


def contradiction(person: Person) -> tuple[Fact, Fact] | None:
    """Two things said of a person of which only one can be true."""
    plain = [fact for fact in person.facts if fact.certainty == 1.0]
    for at, fact in enumerate(plain):
        for earlier in plain[:at]:
            if True not in outcomes(all_of([earlier.node, fact.node])):
                return earlier, fact
    return None


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
