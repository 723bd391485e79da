"""What has been understood so far while a statement is read: the persons, and where the clause stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from facesearch.query.chart import Edge
from facesearch.query.grammar import Found, Thing
from facesearch.query.lexicon import Lexicon, NounClass
from facesearch.query.reading import reading_of
from facesearch.query.tokens import word_set
from facesearch.query.tree import Node, Not, Or, any_of, negate

PROMOTE = "promote"
"""The choice of reading those who are only mentioned ("my ex is cute") as those who are described."""
SOMEBODY, RELATION = 1, 2
"""Whom: those who could be, or, where there are none, the speaker's relations."""

MAN, WOMAN = reading_of("man").node, reading_of("woman").node
OF_PEOPLE = NounClass("person", None, None, None)
"""What adjectives without a noun are said of."""
SPEAKERS = frozenset(("my", "our", "your"))
WORN = word_set(
    "hat glasses earrings necklace necktie makeup eyemakeup lipstick hood mask noseitem jewellery goggles wig"
)
_SMALL = ("X", "SKIP", "DEG", "DET", "NOTHING")
_MEMORY = 40
_AFTER_SUBJECT = ("V", "BE", "PRED", "AND", "PREP", "HE", "SHE", ";")
"""Facts among which one that is said again is looked for."""


@dataclass
class Fact:
    """Something said of a person. start, end, used: tokens of the whole text; kind: the class of the noun, or "trait",
    "person", "choice". narrow: the words say more than the meaning; rough: so does the noun. teller: which of the
    witnesses says it."""

    node: Node
    start: int
    end: int
    certainty: float = 1.0
    kind: str = ""
    used: tuple[tuple[int, int], ...] = ()
    narrow: bool = False
    rough: bool = False
    teller: int = 0


class Correction(NamedTuple):
    """A speaker corrects himself: where, what was spoken of last, and up to which sentence."""

    start: int
    noun: NounClass | None
    until: int


TOPICS = tuple(
    frozenset(chain.from_iterable(reading_of(word).node.attributes for word in words.split(", ")))
    for words in (
        "bald, black hair, brown hair, blond hair, gray hair",
        "beard, mustache, goatee, stubble, sideburns",
        "wavy hair, straight hair",
    )
)


def topic_of(node: Node) -> frozenset[int]:
    """The attributes of which one is said instead of another: the colour of hair, what grows on a chin."""
    return next((topic for topic in TOPICS if node.attributes <= topic), frozenset(node.attributes))


@dataclass
class Person:
    """Somebody spoken of, or with `group` several at once.

    described: one of those whom the statement describes. sex, pronoun_sex: as the nouns and the pronouns say. named:
    a noun names them. word: that noun. label: the number or the word that tells them from others. assigned: a member
    of a group who has been spoken of alone. at: the token where they were first spoken of alone. companion: somebody
    who is with a described person. members: of a group, where they are not those of the whole scene. traits, places:
    the adjectives by which they are told apart, and where they are or what they hold. again: where they
    are named in another sentence than the first, `sentence`.
    """

    described: bool = True
    sex: Node | None = None
    facts: list[Fact] = field(default_factory=list)
    named: bool = False
    label: str = ""
    word: str = ""
    group: bool = False
    members: list["Person"] = field(default_factory=list)
    pronoun_sex: Node | None = None
    assigned: bool = False
    at: int = 10**9
    companion: bool = False
    counted: bool = False
    traits: set[str] = field(default_factory=set)
    sentence: int = 0
    again: int | None = None
    places: set[tuple[str, str]] = field(default_factory=set)
    like: "tuple[Person, int, int] | None" = None

    def fits(self, sex: Node | None) -> bool:
        own = self.sex if self.sex is not None else self.pronoun_sex
        return sex is None or own is None or own == sex


@dataclass
class Clause:
    """Where a clause stands.

    mode: say (what follows describes), act, unknown, hidden or past (it does not). subject; near: who was named last,
    whom "with" and "wearing" describe; mentioned: the same, also behind a comma; outer: whom the relative clause is
    about; listing: of whom the list behind "with" is. negative: a "no" waits for what it denies, `sticky` for all of
    a list; certainty: so does a hedge; held: the hedge on a verb. verb, passive, preposition, by: what was read last.
    before: the category of the last phrase. thing: a thing is the subject. topic: the noun that adjectives behind the
    verb are of, `topic_subject` where it is the subject. of_thing: a relative clause about a thing. wearing: a list
    behind "in". anyof: a list of which one holds, `once`: one thing. introduced: somebody new is to be expected.
    labelled: the subject was told apart ("the first"). bracket: subject and mode in front of brackets. acted_on: the
    verb has an object. excepted: what was said in front of an exception. facts_here, created: what the sentence has
    said.
    """

    subject: Person | None = None
    near: Person | None = None
    mentioned: Person | None = None
    outer: Person | None = None
    listing: Person | None = None
    mode: str = "say"
    negative: bool = False
    sticky: bool = False
    certainty: float = 1.0
    held: float = 1.0
    verb: str = ""
    passive: bool = False
    preposition: str = ""
    taking: bool = False
    handling: bool = False
    by: bool = False
    speaker: bool = False
    before: str = ""
    pronoun: str = ""
    thing: bool = False
    topic: NounClass | None = None
    topic_subject: bool = False
    of_thing: bool = False
    wearing: bool = False
    anyof: bool = False
    once: bool = False
    listed: bool = False
    introduced: bool = False
    labelled: bool = False
    of_those: bool = False
    acted_on: bool = False
    bracket: tuple[Person | None, str] | None = None
    excepted: Fact | None = None
    facts_here: list[tuple[Person, Fact]] = field(default_factory=list)
    created: list[Person] = field(default_factory=list)
    denied_list: list[tuple[Person, Fact]] = field(default_factory=list)
    denied_traits: list[tuple[Person, Fact]] = field(default_factory=list)


class Scene:
    """Everything that the sentences read so far have said.

    owner: the sex of whom relations are named before anybody else is. dated: a year is named.
    pronouns: whom "he" and "she" have meant in this sentence.
    variant: which of several readings is followed at the places named there; open: the places where there are several,
    with what each costs. said_words, row, at, offset: the sentence that is being read, its phrases, the place among
    them, and how many words of the text stand before it. reach: what is denied, and what stands behind it and is not.
    kind_asked: beards of which somebody has asked what kind they are.
    """

    def __init__(self, words: Lexicon, variant: dict[str, int] | None = None) -> None:
        self.words = words
        self.variant = variant or {}
        self.open: dict[str, tuple[float, ...]] = {}
        self.persons: list[Person] = []
        self.others: list[Person] = []
        self.focus: Person | None = None
        self.last_subject: Person | None = None
        self.group: list[Person] = []
        self.open_group: Person | None = None
        self.shared: list[Fact] = []
        self.used: list[tuple[int, int]] = []
        self.aside: list[tuple[int, int, str]] = []
        self.aside_of: dict[int, Person] = {}
        self.last_noun: NounClass | None = None
        self.correction: Correction | None = None
        self.corrected = False
        self.spoken_of = ""
        self.last_given: tuple[Person, Fact] | None = None
        self.teller = 0
        self.alternatives: list[tuple[int, int]] = []
        self.reach: list[tuple[tuple[int, int], tuple[int, int]]] = []
        self.context: NounClass | None = None
        self.clause = Clause()
        self.told_before: list[tuple[Person, Fact]] = []
        self.row: Sequence[Edge] = ()
        self.said_words: Sequence[str] = ()
        self.at = 0
        self.offset = 0
        self.sentences = 0
        self.owner: Node | None = None
        self.last_worn: NounClass | None = None
        self.pronouns: dict[Node, Person] = {}
        self.dated = False
        self.grows = -1
        self.kind_asked: list[Fact] = []

    # --- the sentence ---

    def choose(self, name: str, *costs: float) -> int:
        """Which of several ways to read a place is followed: the first, unless a variant asks for another. Each has the
        cost that it adds to the reading."""
        self.open[name] = costs
        return self.variant.get(name, 0)

    def following(self, skip: Iterable[str] = _SMALL) -> Edge | None:
        """The next phrase, small words aside."""
        return next((edge for edge in self.row[self.at + 1 :] if edge.category not in skip), None)

    def ahead(self, count: int) -> list[str]:
        return [edge.category for edge in self.row[self.at + 1 : self.at + 1 + count]]

    def behind(self, count: int = 1) -> Edge | None:
        """The phrase so many places before."""
        return self.row[self.at - count] if self.at >= count else None

    def thing_behind(self, count: int = 1) -> Thing | None:
        edge = self.behind(count)
        return edge.sem if edge is not None and isinstance(edge.sem, Thing) else None

    def is_subject(self) -> bool:
        """What stands here is the subject of its clause."""
        clause = self.clause
        opens = clause.verb == "" and clause.before in ("", ",", "AND", "BUT")
        return opens or clause.before in ("BUT", ";", ":")

    def is_new_subject(self, skip: int = 0) -> bool:
        """Behind this place stands somebody who does or is something: the subject of a clause."""
        ahead = self.row[self.at + skip :]
        said = next((edge for edge in ahead[:2] if edge.category not in _SMALL), None)
        if said is None or not isinstance(said.sem, Thing) or said.sem.person is None:
            return False
        behind = (edge.category for edge in ahead if edge.start >= said.end)
        return next((each for each in behind if each in _AFTER_SUBJECT), "") in ("V", "BE", "PRED")

    def new_clause(self) -> None:
        """A new subject begins a new clause; what the witness does not know goes on behind "whether"."""
        old = self.clause
        goes_on = old.before not in ("PREP", "BUT", ",", "AND") or (
            old.before == "PREP" and old.preposition in ("if", "how", "why")
        )
        mode = old.mode if old.mode in ("unknown", "past") and goes_on else "say"
        negative = old.negative and old.before in ("DOUBTNEG", "NOR")
        self.clause = Clause(
            certainty=old.certainty, mode=mode, negative=negative, facts_here=old.facts_here, created=old.created
        )

    def new_clause_keeping_subject(self) -> None:
        old = self.clause
        self.clause = Clause(facts_here=old.facts_here, created=old.created, labelled=old.labelled and old.verb == "")
        if old.subject is not None and old.subject.described:
            self.clause.subject = old.subject

    # --- persons ---

    def target(self) -> Person | None:
        """Whom what follows describes; None: nobody who is described."""
        clause = self.clause
        if clause.speaker:
            return None
        person = clause.near or clause.subject or self.focused()
        return person if person.described else None

    def focused(self) -> Person:
        """The person spoken of at present; somebody new where there is none."""
        if self.focus is None:
            self.focus = self.add_person(Person())
        return self.focus

    def add_person(self, person: Person) -> Person:
        self.persons.append(person)
        self.clause.created.append(person)
        return person

    def add_member(self, sex: Node | None, facts: Sequence[Fact]) -> Person:
        member = Person(sex=sex, facts=list(facts), named=True)
        self.persons.append(member)
        self.group.append(member)
        return member

    def make_subject(self, person: Person) -> None:
        """A clause about this person begins."""
        old = self.clause
        self.clause = Clause(subject=person, facts_here=old.facts_here, created=old.created, labelled=True)
        person.at = min(person.at, self.offset + self.row[self.at].start)
        self.last_subject = person
        if person in self.persons:
            self.focus = person

    def demote(self, person: Person) -> None:
        """The person turns out to be nobody who is described."""
        if person.group:
            for member in [each for each in self.group if each in self.persons and not each.assigned]:
                self.demote(member)
            self.group, self.shared, self.open_group = [], [], None
        elif person.described and person in self.persons and not person.label:
            person.described = False
            self.persons.remove(person)
            self.others.append(person)
            self.aside += ((fact.start, fact.end, "somebody else") for fact in person.facts)
        else:
            return
        if self.focus is person:
            self.focus = self.persons[-1] if self.persons else None

    # --- what is said ---

    def used_facts(self) -> list[Fact]:
        """Everything that is said of the described."""
        return [fact for person in self.persons for fact in person.facts]

    def set_aside(self, start: int, end: int, why: str) -> None:
        of = self.clause.near or self.clause.subject or self.focus
        others = self.clause.speaker or (of is not None and not of.described)
        if others and why in ("not scored", "quality"):
            why = "somebody else"  # "the victim wore a scarf"
        self.aside.append((self.offset + start, self.offset + end, why))
        if of is not None and not self.clause.speaker:
            for at in range(self.offset + start, self.offset + end):
                self.aside_of.setdefault(at, of)

    def is_aside(self, at: int) -> bool:
        """The word at `at` of this sentence has been set aside."""
        return any(start <= self.offset + at < end for start, end, _ in self.aside)

    def set_all_aside(self, found: Found) -> None:
        for span in found.aside:
            self.set_aside(*span, "quality")

    def aside_and_spent(self, edge: Edge, why: str) -> None:
        self.set_aside(edge.start, edge.end, why)
        self.spent()

    def spent(self) -> None:
        """A "no" or a hedge has been used up by what it is said of."""
        if not self.clause.sticky:
            self.clause.negative = False
        self.clause.certainty = 1.0

    def say(self, found: Found, edge: Edge, kind: str) -> None:
        """`add`, which uses up a "no" and a hedge."""
        self.add(found, edge.start, edge.end, kind)
        self.spent()

    def add(self, found: Found, start: int, end: int, kind: str) -> None:
        """What a phrase means is said of whom the clause is about."""
        self.set_all_aside(found)
        target = self.target() if found.node is not None else None
        if found.node is None or target is None:
            self.set_aside(start, end, "not scored" if found.node is None else "somebody else")
            return
        self.note_sex(target, start, end)
        fact = Fact(found.node, self.offset + start, self.offset + end, self.clause.certainty, kind)
        fact.narrow, fact.rough = found.narrow or bool(found.aside), found.rough
        fact.used = tuple((self.offset + a, self.offset + b) for a, b in found.used) or ((fact.start, fact.end),)
        self.give(target, fact)

    def note_sex(self, target: Person, start: int, end: int) -> None:
        """ "In his forties", "circles under her eyes": the sex of whom it is said; "his or her hair" tells none."""
        his, her = (word in self.said_words[start:end] for word in ("his", "her"))
        sex = None if his is her else MAN if his else WOMAN
        if sex is not None and target.fits(sex) and target.pronoun_sex is None and not target.group:
            target.pronoun_sex = sex

    def give(self, target: Person, fact: Fact) -> None:
        here = self.clause.facts_here
        if self.clause.anyof and here and here[-1][1].kind != "person":
            last = here[-1][1]
            last.node, last.used = any_of([last.node, fact.node]), (*last.used, *fact.used)
            self.clause.anyof = not self.clause.once
            return
        self._take_back(target, fact)
        self._tell_kind(fact)
        if self.clause.excepted is not None:
            _except(self.clause.excepted, fact)
        self.clause.facts_here.append((target, fact))
        fact.teller = self.teller
        if fact.kind not in ("person", "sex"):
            self.last_given = target, fact
        if target.group:
            self._give_group(target, fact)
        else:
            self._give_one(target, fact)

    def correct(self, lasts: bool = False) -> None:
        """From here on what was said before counts only where nothing else is said of the same thing: in this sentence
        and the next one, or, with `lasts`, up to the end."""
        self.corrected = True
        start = self.offset + self.row[self.at].start
        self.correction = Correction(start, self.last_noun, 10**9 if lasts else self.sentences + 1)

    def is_corrected(self) -> bool:
        """What is said here corrects what was said before."""
        return self.correction is not None and self.sentences <= self.correction.until

    def _take_back(self, target: Person, fact: Fact) -> None:
        """The speaker corrects what was said before of the same thing."""
        if self.correction is None or not self.is_corrected():
            return
        topic = topic_of(fact.node)
        before = (each for each in target.facts if each.start < self.correction.start and each is not fact)
        for old in [each for each in before if topic_of(each.node) == topic]:
            self.cancel(old, "corrected")
            if old.kind in ("person", "sex") and topic == topic_of(MAN):
                target.sex = None

    def _tell_kind(self, fact: Fact) -> None:
        """ "What sort of beard? - A goatee": the kind counts instead."""
        if fact.node.attributes <= _OF_BEARDS and not isinstance(fact.node, Not):
            for old in self.kind_asked:
                self.cancel(old, "corrected")
            self.kind_asked = []

    def _give_one(self, target: Person, fact: Fact) -> None:
        if any(old.node == fact.node and old.certainty >= fact.certainty for old in target.facts[-_MEMORY:]):
            self.used += fact.used
        else:
            target.facts.append(fact)
        if target in self.persons:
            self.focus = target

    def _give_group(self, target: Person, fact: Fact) -> None:
        if not target.members:
            self.shared.append(fact)
        self.give_all(target.members or self.group, fact)

    def give_all(self, persons: Iterable[Person], fact: Fact) -> None:
        for each in persons:
            if fact not in each.facts:
                each.facts.append(fact)

    def deny(self, fact: Fact) -> None:
        """What was read turns out not to be so: nothing is known of it where the words say more than their meaning."""
        if fact.narrow:
            self.cancel(fact, "quality")
        else:
            fact.node = negate(fact.node)

    def cancel(self, fact: Fact, why: str) -> None:
        """What was read is set aside after all."""
        for person in (*self.persons, *self.others):
            person.facts = [each for each in person.facts if each is not fact]
        self.clause.facts_here = [each for each in self.clause.facts_here if each[1] is not fact]
        self.aside.append((fact.start, fact.end, why))

    def fact_before(self) -> Fact | None:
        """What the last phrase before this place has said, if it said anything of somebody described."""
        if not self.clause.facts_here:
            return None
        last = self.clause.facts_here[-1][1]
        named = next((e for e in reversed(self.row[: self.at]) if e.category in ("NP", "PRED", "CHOICE", "AP")), None)
        return last if named is not None and last.end == self.offset + named.end else None


_BEARD = reading_of("beard").node.attributes
_OF_BEARDS = reading_of("goatee").node.attributes | reading_of("stubble").node.attributes


def _except(denied: Fact, fact: Fact) -> None:
    """ "No facial hair apart from a moustache": of what is denied, the rest is."""
    if isinstance(denied.node, Not) and isinstance(denied.node.child, Or):
        excepted = fact.node.attributes
        excepted |= _BEARD if excepted <= _OF_BEARDS else frozenset()
        rest = [each for each in denied.node.child.children if each.attributes.isdisjoint(excepted)]
        denied.node = negate(any_of(rest)) if rest else denied.node


def sex_of(thing: Thing) -> Node | None:
    """Man or woman, where the noun says so."""
    assert thing.person is not None
    if thing.person.reading is None:
        return None
    node = thing.person.reading.node
    return next((sex for sex in (MAN, WOMAN) if node == sex or sex in getattr(node, "children", ())), None)
