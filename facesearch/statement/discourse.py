"""Who is spoken of, and what is said of them: from the phrases of the sentences to persons.

A clause is followed from left to right. Its verb decides what the phrases behind it are: what somebody is, has or wears
describes them; what somebody does, says, takes or hides does not. Whatever is not read as said of a described person is
set aside.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from facesearch.query.tree import Node, Term, all_of, any_of, hedge, negate
from facesearch.statement.chart import Edge
from facesearch.statement.grammar import Choice, Denied, Found, Qualities, Quality, Said, Thing, meaning
from facesearch.statement.lexicon import Lexicon, NounClass
from facesearch.statement.reading import reading_of

PROMOTE = "promote"
"""The choice of reading what is said of the speaker's own people ("my ex is cute") as the description."""

MAN, WOMAN = reading_of("man").node, reading_of("woman").node
YOUNG_NODE, OLD_NODE = reading_of("young").node, reading_of("old").node
_PERSON_CLASS = NounClass("person", None, None, None)
_SPEAKERS = frozenset(("my", "our", "your"))
_WORN = frozenset(
    "hat glasses earrings necklace necktie makeup eyemakeup lipstick hood mask noseitem jewellery goggles wig".split()
)
_TAKEN = frozenset("glasses hat earrings necklace necktie wig lipstick".split())
_DESCRIBING = frozenset("describe described describes describing recalled recall remembered remember".split())
_CONJUNCTIONS = frozenset("because cos coz cause 'cause when where since while after before until".split())
_PARTLY = frozenset(
    "completely totally entirely fully quite too very that so particularly especially really overly exactly as".split()
)
"""What a "no" before them denies, and not what follows: "not completely bald"."""
_AWAY = frozenset("hand hands pocket bag belt pocket".split())
_NOT_AT = {
    "necktie": frozenset("head hair waist wrist forehead".split()),
    "earrings": frozenset("nose lip lips eyebrow eyebrows tongue navel".split()),
    "necklace": frozenset("wrist ankle waist".split()),
}
_INDEFINITE = frozenset(("a", "an", "", "another", "some", "each"))
_ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4}
_OTHERS = frozenset(("other", "last", "remaining", "latter"))
_COMPARED = frozenset(
    "taller shorter older younger smaller bigger larger heavier slimmer thinner fatter tallest shortest oldest youngest".split()
)


_POSITIONS = frozenset("driver rider passenger pillion lookout accomplice ringleader bride groom robber".split()) | {
    "pillion rider"
}


_TITLES = frozenset(
    "mr mrs ms miss dr sgt sergeant pc dc ds di insp inspector constable officer deputy sheriff judge chief captain sir".split()
)
_MATES = frozenset("mate friend pal companion accomplice".split())


@dataclass
class Fact:
    """Something said of a person. start, end: tokens of the whole text; why: set when it is set aside after all."""

    node: Node
    start: int
    end: int
    certainty: float = 1.0
    kind: str = ""
    used: tuple[tuple[int, int], ...] = ()


@dataclass
class Person:
    """Somebody spoken of. described: it is one of those whom the statement describes."""

    described: bool = True
    sex: Node | None = None
    facts: list[Fact] = field(default_factory=list)
    named: bool = False
    label: str = ""
    word: str = ""
    group: bool = False
    members: list["Person"] = field(default_factory=list)
    pronoun_sex: Node | None = None
    seen: bool = False
    assigned: bool = False
    at: int = 10**9
    companion: bool = False

    def fits(self, sex: Node | None) -> bool:
        own = self.sex if self.sex is not None else self.pronoun_sex
        return sex is None or own is None or own == sex


@dataclass
class Clause:
    """Where a clause stands. mode: say (what follows describes), act, unknown, hidden or past (it does not)."""

    subject: Person | None = None
    near: Person | None = None
    mode: str = "say"
    negative: bool = False
    sticky: bool = False
    certainty: float = 1.0
    verb: str = ""
    passive: bool = False
    comma: bool = False
    speaker: bool = False
    before: str = ""
    thing: bool = False
    pronoun: str = ""
    by: bool = False
    preposition: str = ""
    listed: str = ""
    introduced: bool = False
    facts_here: list[tuple[Person, Fact]] = field(default_factory=list)
    created: list[Person] = field(default_factory=list)
    denied_list: list[tuple[Person, Fact]] = field(default_factory=list)
    topic: NounClass | None = None
    topic_subject: bool = False
    of_thing: bool = False
    wearing: bool = False
    anyof: bool = False
    outer: Person | None = None
    labelled: bool = False
    of_those: bool = False
    held: float = 1.0
    mentioned: Person | None = None


class Discourse:
    """Reads one statement, sentence by sentence."""

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
        self.clause = Clause()
        self.row: Sequence[Edge] = ()
        self.at = 0
        self.offset = 0
        self.context: NounClass | None = None
        self.question = False
        self.last_noun: NounClass | None = None
        self.said_words: Sequence[str] = ()
        self.correcting: NounClass | None = None
        self.corrected = False
        self.spoken_of = False
        self.pending: list[tuple[Person, Fact]] = []

    # --- sentences ---

    def sentence(self, row: Sequence[Edge], offset: int, said: Sequence[str] = (), question: bool = False) -> None:
        """Reads one sentence: its phrases, and how many words of the text stand before it."""
        self.clause = Clause()
        self.row, self.offset = row, offset
        self.said_words = said
        self.question = question
        for self.at, edge in enumerate(row):
            handler = _HANDLERS.get(edge.category)
            if handler is not None:
                handler(self, edge)
            if edge.category not in ("X", "SKIP", "DEG", "DET"):
                self.clause.before = edge.category
        if question:
            self.pending += self.clause.facts_here

    def choose(self, name: str, *costs: float) -> int:
        """Which of several ways to read a place is followed: the first, unless a variant asks for another. Each has the
        cost that it adds to the reading."""
        self.open[name] = costs
        return self.variant.get(name, 0)

    def _next(self, skip: Iterable[str] = ("X", "SKIP", "DEG", "DET", "NOTHING")) -> Edge | None:
        for edge in self.row[self.at + 1 :]:
            if edge.category not in skip:
                return edge
        return None

    def _set_aside(self, start: int, end: int, why: str) -> None:
        self.aside.append((self.offset + start, self.offset + end, why))

    def used_facts(self) -> list[Fact]:
        """Everything that is said of the described."""
        return [fact for person in self.persons for fact in person.facts]

    # --- persons ---

    def _target(self) -> Person | None:
        """Whom what follows describes; None: nobody who is described."""
        clause = self.clause
        if clause.speaker:
            return None
        person = clause.near or clause.subject or self._focus()
        return person if person.described else None

    def _focus(self) -> Person:
        if self.focus is None:
            self.focus = self._new(Person())
        return self.focus

    def _new(self, person: Person) -> Person:
        (self.persons if person.described else self.others).append(person)
        if person.described:
            self.clause.created.append(person)
        return person

    def _demote(self, person: Person) -> None:
        """The person turns out to be nobody who is described."""
        if person.group:
            for member in list(self.group):
                if member in self.persons and not member.assigned:
                    self._demote(member)
            self.group, self.shared, self.open_group = [], [], None
            if self.focus is person:
                self.focus = self.persons[-1] if self.persons else None
            return
        if person.described and person in self.persons and not person.label:
            person.described = False
            self.persons.remove(person)
            self.others.append(person)
            if self.focus is person:
                self.focus = self.persons[-1] if self.persons else None

    # --- what is said ---

    def _add(self, found: Found, start: int, end: int, kind: str, denied: bool = False) -> None:
        clause = self.clause
        for span in found.aside:
            self._set_aside(*span, "quality")
        if found.node is None:
            self._set_aside(start, end, kind or "not searched")
            return
        target = self._target()
        if target is None:
            self._set_aside(start, end, "somebody else")
            return
        self._evidence(target, start, end)
        fact = Fact(found.node, self.offset + start, self.offset + end, clause.certainty, kind)
        fact.used = tuple((self.offset + a, self.offset + b) for a, b in found.used) or ((fact.start, fact.end),)
        self._give(target, fact)

    def _evidence(self, target: Person, start: int, end: int) -> None:
        """ "In his forties", "circles under her eyes": the sex of whom it is said."""
        said = self.said_words[start:end]
        sex = MAN if "his" in said else WOMAN if "her" in said else None
        if sex is not None and target.fits(sex) and target.pronoun_sex is None and not target.group:
            target.pronoun_sex = sex

    def _give(self, target: Person, fact: Fact) -> None:
        if self.clause.anyof and self.clause.facts_here and self.clause.facts_here[-1][1].kind != "person":
            last = self.clause.facts_here[-1][1]
            last.node = any_of([last.node, fact.node])
            last.used = (*last.used, *fact.used)
            return
        if self.correcting is not None and fact.kind == self.correcting.name:
            for old in [f for f in target.facts if f.kind == fact.kind]:
                self._cancel(old, "corrected")
            self.correcting = None
        if target.group and target.members:
            for each in target.members:
                each.facts.append(fact)
            self.clause.facts_here.append((target, fact))
            return
        if target.group:
            self.shared.append(fact)
            self._give_all(fact)
            self.clause.facts_here.append((target, fact))
            return
        if not any(old.node == fact.node and old.certainty == fact.certainty for old in target.facts[-40:]):
            target.facts.append(fact)
        else:
            self.used += fact.used
        target.seen = True
        self.clause.facts_here.append((target, fact))
        if target in self.persons:
            self.focus = target

    def _cancel(self, fact: Fact, why: str) -> None:
        for person in (*self.persons, *self.others):
            person.facts = [each for each in person.facts if each is not fact]
        self.clause.facts_here = [each for each in self.clause.facts_here if each[1] is not fact]
        self.aside.append((fact.start, fact.end, why))

    def _spent(self) -> None:
        """A "no" or a hedge has been used up by what it is said of."""
        if not self.clause.sticky:
            self.clause.negative = False
        self.clause.certainty = 1.0

    def _describes(self, thing: Thing | None = None) -> bool:
        """What stands here is said of somebody who is described."""
        clause = self.clause
        if clause.mode == "say":
            return True
        return False

    # --- handlers: one for each category ---

    def thing(self, edge: Edge) -> None:
        thing: Thing = edge.sem
        if thing.person is not None:
            self.person(thing, edge)
            return
        clause = self.clause
        noun = thing.noun
        if (
            noun is None
            and clause.mode == "say"
            and not thing.owner
            and any(q.key in self.words.strong or q.key == "#age" for q in thing.qualities)
            and not clause.speaker
            and not (clause.subject is not None and not clause.subject.described)
        ):
            self._somebody(thing, edge)
            return
        if noun is None and clause.mode == "say" and thing.owner in ("his", "her"):
            self._own(thing)
        if noun is not None and clause.mode == "say":
            clause.topic = noun
            clause.topic_subject = (
                clause.verb == "" and clause.before in ("", ",", "AND", "BUT", "PREP", ";") and clause.pronoun == ""
            )
            self.last_noun = noun
        if not self._reads(thing) or noun is None:
            self._set_aside(edge.start, edge.end, "name" if thing.name else "thing")
            if noun is not None:
                self.last_noun = noun
            if self._elsewhere(thing):
                return
            if clause.mode == "unknown" and noun is not None and noun.bare is not None:
                self._doubted(noun)
            if thing.name and (self._is_subject() or self._first_wanted()):
                self._named()
            elif noun is None and clause.before in ("", ",") and clause.verb == "":
                clause.thing = True
            self._list(edge, noun)
            after = self._next()
            if not (
                clause.negative
                and after is not None
                and after.category in ("OF", "PREP")
                and after.sem in ("of", "for")
            ):
                self._spent()
            return
        if noun is not None:
            self.last_noun = noun
        if noun.name == "hair" and not thing.qualities and clause.before == "AND" and self.at > 1:
            before = self.row[self.at - 2].sem
            if isinstance(before, Thing) and before.qualities and meaning(self.words, noun, before.qualities).used:
                thing = thing._replace(qualities=before.qualities)  # "gray beard and hair"
        if not self._own(thing) or (
            clause.before == "PREP" and clause.preposition in ("instead of", "rather than", "unlike")
        ):
            self._set_aside(edge.start, edge.end, "somebody else's")
            return
        if clause.mode == "unknown" or self._elsewhere(thing):
            return
        if clause.before == "ON" and noun.name == "necklace" and clause.facts_here:
            self._set_aside(edge.start, edge.end, "thing")  # "glasses on a chain"
            return
        found = meaning(self.words, noun, thing.qualities, clause.negative)
        if clause.negative and not thing.qualities and noun.bare is None and noun.denied is None:
            found = Found(None, (), ())
        self._list(edge, noun)
        if found.node is not None:
            found = found._replace(used=(*found.used, (thing.start, thing.end)))
        self._add(found, edge.start, edge.end, noun.name, clause.negative)
        if self.clause.negative and found.node is not None:
            clause.denied_list = clause.facts_here[-1:]
        self._spent()

    def _somebody(self, thing: Thing, edge: Edge) -> None:
        """ "A retired teacher": a word that no table has, with an adjective that only people have, is somebody."""
        if self._target() is None:
            self._set_aside(edge.start, edge.end, "somebody else")
            return
        found = meaning(self.words, _PERSON_CLASS, thing.qualities)
        self.clause.thing = False
        if self.clause.subject is None:
            self.clause.subject = self.clause.near = self._focus()
        self._add(found, edge.start, edge.end, "trait")
        self._set_aside(thing.start, thing.end, "occupation")
        self._spent()

    def _named(self) -> None:
        """A name as a subject: nobody who is described, unless nobody else is and the name is not that of one who tells."""
        ahead = self.row[self.at : self.at + 12]
        tells = any(
            edge.category == "V"
            and edge.sem in ("report", "see", "know", "harm")
            and before.category not in ("BE", "X", "DEG")
            for before, edge in zip(ahead, ahead[1:], strict=False)
        )
        tells = tells and self._is_subject()
        titled = self.said_words[self.row[self.at].start] in _TITLES
        alone = len(self.persons) == 1 and self.clause.before == "" and self.focus in self.persons
        if alone and not tells and not titled and self.focus is not None and self.focus.word != "name":
            self.clause.subject = self.clause.near = self.last_subject = self.focus  # "a missing man. Harold Singh, 81, ..."
            return
        if self.persons or tells or titled:
            known = next((p for p in self.persons if p.word == "name"), None)
            if known is not None and not tells and not titled:
                self.clause.subject = self.last_subject = known
            else:
                self._other_subject(Person(described=False, word="name"))
            return
        person = self._new(Person(word="name", named=True))
        self.focus = self.clause.subject = self.clause.near = self.last_subject = person

    def _doubted(self, noun: NounClass) -> None:
        """ "Now I am not certain about the hat": what was said of it before is doubtful."""
        for person in self.persons:
            for fact in person.facts:
                if fact.kind == noun.name:
                    fact.certainty = min(fact.certainty, 0.5)

    def _elsewhere(self, thing: Thing) -> bool:
        """A thing is worn elsewhere than its word says ("hat in hand", "stud in his nose"): it is set aside."""
        clause = self.clause
        if clause.before not in ("PREP", "IN", "ON") or not clause.facts_here:
            return False
        fact = clause.facts_here[-1][1]
        words = thing.word.split()
        if fact.kind in _WORN and (set(words) & _AWAY or set(words) & _NOT_AT.get(fact.kind, frozenset())):
            self._cancel(fact, "not worn")
            return True
        return False

    def _list(self, edge: Edge, noun: NounClass | None) -> None:
        self.clause.listed = "denied" if self.clause.negative else ""

    def _reads(self, thing: Thing) -> bool:
        clause = self.clause
        if clause.mode == "say":
            return True
        worn = thing.noun is not None and thing.noun.name in _WORN
        if (
            clause.mode == "act"
            and worn
            and not clause.thing
            and (clause.before == "IN" or (clause.wearing and clause.before in (",", "AND")))
        ):
            clause.wearing = True
            return True
        if clause.mode == "act" and clause.before == "PREP" and clause.preposition in ("under", "beneath") and worn:
            return True
        if (
            clause.mode == "act"
            and thing.noun is not None
            and not worn
            and not clause.thing
            and clause.before in (",", "AND", "WITH", "")
        ):
            return clause.subject is None or clause.subject.described
        if clause.mode == "act" and clause.before == "WITH" and thing.noun is not None and not clause.thing:
            return not worn or thing.noun.name in ("hat",) and False
        return False

    def _own(self, thing: Thing) -> bool:
        """It is the described person's, and not the speaker's or somebody else's."""
        owner = thing.owner
        if owner in _SPEAKERS or owner == "other":
            return False
        if owner in ("his", "her"):
            sex = MAN if owner == "his" else WOMAN
            target = self._target()
            if target is None:
                return False
            if self.clause.subject is None and self.clause.near is None:
                whom = self._pronoun_target(sex) or (None if self.persons else self._focus())
                if whom is None or not whom.described:
                    return False
                self.clause.subject = whom
                target = whom
            if not target.fits(sex):
                other = next((p for p in reversed(self.persons) if p.fits(sex) and p.sex == sex), None)
                if other is None:
                    return False
                self.clause.near = other
                target = other
            if target.pronoun_sex is None and not target.group:
                target.pronoun_sex = sex
        return True

    def adjectives(self, edge: Edge) -> None:
        qualities: Qualities = edge.sem
        clause = self.clause
        follows = self._next()
        if follows is not None and follows.sem == "than" and qualities[-1].key.endswith("er"):
            qualities = qualities[:-1]  # "younger than her years"
            if not qualities:
                self._set_aside(edge.start, edge.end, "compared")
                return
        if clause.mode == "act" and (clause.before == "," or (clause.before == "DASH")):
            clause.mode = "say"
            clause.near = None
        if self.context is not None and clause.mode == "say":
            self._of_context(edge, qualities)
            return
        if clause.thing and any(q.key == "#age" for q in qualities):
            clause.thing = False
        topic = clause.topic
        first = self.said_words[edge.start] if edge.start < len(self.said_words) else ""
        if clause.negative and first in _PARTLY:
            self._set_aside(edge.start, edge.end, "quality")
            self._spent()
            return
        if self.correcting is not None and meaning(self.words, self.correcting, qualities).used:
            self._of_topic(self.correcting, edge, qualities)
            return
        if (
            topic is not None
            and clause.mode == "say"
            and clause.before in ("BE", "V", "HEDGE", "NEG")
            and meaning(self.words, topic, qualities).used
        ):
            self._of_topic(topic, edge, qualities)
            return
        hair = self.words.nouns["hair"]
        after = self._next()
        before_hair = (
            after is not None and after.category == "NP" and isinstance(after.sem, Thing) and after.sem.noun is hair
        )
        ahead = [e for e in self.row[self.at + 1 : self.at + 3]]
        in_hair = len(ahead) == 2 and ahead[0].category == "IN" and isinstance(ahead[1].sem, Thing) and ahead[1].sem.noun is hair
        if in_hair and meaning(self.words, hair, qualities).node is not None:
            self._of_topic(hair, edge, qualities)
            return
        if before_hair and qualities[0].key in ("black", "white") and clause.before != "NP":
            self._of_topic(hair, edge, qualities)
            return
        if (
            clause.before == "WITH"
            and meaning(self.words, _PERSON_CLASS, qualities).node is None
            and meaning(self.words, hair, qualities).node is not None
        ):
            self._of_topic(hair, edge, qualities)
            return
        if (
            topic is not None
            and clause.mode == "say"
            and clause.before == ","
            and meaning(self.words, _PERSON_CLASS, qualities).node is None
            and meaning(self.words, topic, qualities).used
        ):
            self._of_topic(topic, edge, qualities)
            return
        if clause.topic_subject and clause.before in ("BE", "V") and clause.mode == "say":
            self._set_aside(edge.start, edge.end, "quality")
            self._spent()
            return
        if clause.mode != "say" or clause.thing:
            if not (clause.mode == "act" and qualities[0].key == "#age" and clause.before in (",", "")):
                self._set_aside(edge.start, edge.end, "quality")
                self._spent()
                return
        cut = next((at for at, q in enumerate(qualities) if at and q.joined in (",", "and")), 0)
        if cut and clause.certainty < 1 and not clause.negative:
            self._add(self._trait(qualities[:cut]), edge.start, qualities[cut - 1].end, "trait")
            self._spent()
            qualities = (qualities[cut]._replace(joined=""), *qualities[cut + 1 :])
        found = self._trait(qualities)
        if (
            found.node is None
            and clause.negative
            and (of_hair := meaning(self.words, hair, qualities)).node is not None
            and qualities[0].key not in ("black", "white", "light", "dark", "straight")
        ):
            self._add(Found(negate(of_hair.node), of_hair.used, of_hair.aside), edge.start, edge.end, "hair")
            self._spent()
            return
        if found.node is None and clause.negative:
            self._set_aside(edge.start, edge.end, "quality")
            self._spent()
            return
        self._add(found, edge.start, edge.end, "trait")
        self._spent()

    def _trait(self, qualities: Qualities) -> Found:
        qualities = self._degrees(qualities)
        found = meaning(self.words, _PERSON_CLASS, qualities)
        if self.clause.negative and found.node is not None:
            if (
                len(qualities) == 1
                and not found.narrow
                and qualities[0].key not in ("#age",)
                or all(q.joined == "or" for q in qualities[1:])
            ):
                narrow = found.narrow or any(q.key == "#age" for q in qualities)
                return Found(None if narrow else negate(found.node), found.used, found.aside)
            first = meaning(self.words, _PERSON_CLASS, qualities[:1])
            rest = meaning(self.words, _PERSON_CLASS, qualities[1:])
            nodes = [negate(first.node)] if first.node is not None else []
            nodes += [rest.node] if rest.node is not None else []
            return Found(all_of(nodes) if nodes else None, (*first.used, *rest.used), (*first.aside, *rest.aside))
        return found

    def _of_topic(self, topic: NounClass, edge: Edge, qualities: Qualities) -> None:
        """ "Her hair is dark and usually worn straight"."""
        found = meaning(self.words, topic, qualities)
        node = found.node if not self.clause.negative or found.node is None else negate(found.node)
        self._add(Found(node, found.used, found.aside), edge.start, edge.end, topic.name)
        self._spent()

    def _degrees(self, qualities: Qualities) -> Qualities:
        """ "Pretty old" is old, or pretty and old."""
        kept = list(qualities)
        for at, (one, other) in enumerate(zip(qualities, qualities[1:], strict=False)):
            if one.key == "pretty" and not other.joined:
                scored = meaning(self.words, _PERSON_CLASS, (other,)).node is not None
                if not scored or self.choose(f"degree {self.offset + one.start}", 0.0, 0.0):
                    del kept[at]
        return tuple(kept)

    def _of_context(self, edge: Edge, qualities: Qualities) -> None:
        """The value of a field, or an answer: said of what was named before."""
        assert self.context is not None
        clause = self.clause
        found = meaning(self.words, self.context, qualities)
        if found.node is None or not found.used:
            own = meaning(self.words, _PERSON_CLASS, qualities)
            found = (
                own
                if own.node is not None
                and self.context.name in ("facial", "beard", "person", "build", "face", "skin", "sex", "hair")
                else found
            )
        if clause.negative and found.node is not None:
            found = Found(negate(found.node), found.used, found.aside)
        self._add(found, edge.start, edge.end, "trait")
        self._spent()

    def said(self, edge: Edge) -> None:
        """ "His hair was short and brown"."""
        said: Said = edge.sem
        thing = said.thing
        clause = self.clause
        topic = clause.topic
        if (
            thing.noun is None
            and topic is not None
            and clause.verb == "have"
            and meaning(self.words, topic, said.qualities).node is not None
        ):
            self._of_topic(topic, edge, said.qualities)
            return
        if thing.noun is None or not self._reads(thing) or not self._own(thing):
            self._set_aside(edge.start, edge.end, "thing")
            self._spent()
            return
        clause.topic = thing.noun
        if said.denied:
            found = meaning(self.words, thing.noun, said.qualities, True)
        else:
            found = meaning(self.words, thing.noun, (*thing.qualities, *said.qualities), clause.negative)
        if found.node is not None:
            found = found._replace(used=(*found.used, (thing.start, thing.end)))
        before = clause.certainty
        clause.certainty = min(before, said.certainty)
        self._add(found, edge.start, edge.end, thing.noun.name)
        self._spent()

    def choice(self, edge: Edge) -> None:
        """Phrases joined by "or"."""
        options = edge.sem.options
        clause = self.clause
        if (
            isinstance(options[0], Thing)
            and options[0].person is None
            and isinstance(options[-1], Thing)
            and options[-1].person is not None
        ):
            if self._alternative(options[-1]):
                return
        if any(isinstance(each, Thing) and each.person is not None for each in options) and not any(
            isinstance(each, Denied) for each in options
        ):
            self._persons_or(edge, options)
            return
        nodes: list[Node] = []
        used: list[tuple[int, int]] = []
        negative = clause.negative
        for option in options:
            found = self._option(option)
            if found is not None and found.node is not None:
                nodes.append(found.node)
                used += found.used
        if negative and any(isinstance(option, Denied) for option in options) and nodes:
            nodes[0], negative = negate(nodes[0]), False  # "no beard or no mustache"
        reads = (
            all(self._reads(o) and self._own(o) for o in options if isinstance(o, Thing))
            if any(isinstance(o, Thing) for o in options)
            else clause.mode == "say"
        )
        if not nodes or not reads:
            self._set_aside(edge.start, edge.end, "thing")
            self._spent()
            return
        node = any_of(nodes)
        if edge.sem.unclear and self.choose(f"slash {self.offset + edge.start}", 0.0, 0.0):
            node = all_of(nodes)
        if {YOUNG_NODE, OLD_NODE} <= set(nodes):
            self._set_aside(edge.start, edge.end, "age")
            self._spent()
            return
        if (
            not negative
            and clause.listed == "denied"
            and clause.before == ","
            and clause.denied_list
            and isinstance(options[0], Thing)
        ):
            if self.choose(f"denied list {self.offset + edge.start}", 0.0, 0.0):
                self._deny_list(clause.denied_list, node, tuple(used))
                self._spent()
                return
        self._add(Found(negate(node) if negative else node, tuple(used), ()), edge.start, edge.end, "choice")
        self._spent()

    def _deny_list(self, before: list[tuple[Person, Fact]], node: Node, used: tuple[tuple[int, int], ...]) -> None:
        """ "No hat, glasses or beard" as a denial of all three."""
        for _, fact in before:
            fact.node = negate(any_of([negate(fact.node), node]))
            fact.used = (*fact.used, *((self.offset + a, self.offset + b) for a, b in used))

    def _option(self, option: Any) -> Found | None:
        if isinstance(option, Choice):
            inner = [
                found for each in option.options if (found := self._option(each)) is not None and found.node is not None
            ]
            used = tuple(span for found in inner for span in found.used)
            return Found(any_of([found.node for found in inner if found.node is not None]), used, ()) if inner else None
        if isinstance(option, Denied):
            denied = self._option(option.phrase)
            return denied if denied is None or denied.node is None else denied._replace(node=negate(denied.node))
        if isinstance(option, Thing) and option.person is not None:
            return None if option.person.reading is None else Found(option.person.reading.node, (), ())
        if isinstance(option, Thing):
            return None if option.noun is None else meaning(self.words, option.noun, option.qualities, False)
        if isinstance(option, Said):
            return (
                None
                if option.thing.noun is None
                else meaning(self.words, option.thing.noun, (*option.thing.qualities, *option.qualities))
            )
        return meaning(self.words, _PERSON_CLASS, option)

    def _persons_or(self, edge: Edge, options: tuple[Any, ...]) -> None:
        """ "a man or a woman"."""
        nodes = []
        for each in options:
            if isinstance(each, Thing) and each.person is not None and each.person.reading is not None:
                found = meaning(self.words, _PERSON_CLASS, each.qualities)
                nodes.append(all_of([n for n in (found.node, each.person.reading.node) if n is not None]))
        shared = (
            isinstance(options[0], Thing)
            and options[0].qualities
            and all(isinstance(o, Thing) and not o.qualities for o in options[1:])
        )
        if shared and len(nodes) == len(options):  # "bald man or woman"
            found = meaning(self.words, _PERSON_CLASS, options[0].qualities)
            sexes = any_of([o.person.reading.node for o in options])
            nodes = [all_of([n for n in (found.node, sexes) if n is not None])]
            options = options[:1]
        if len(nodes) == len(options) and self.clause.mode == "say":
            self._add(Found(any_of(nodes), (), ()), edge.start, edge.end, "person")
            target = self._target()
            if target is not None:
                target.named = True
        else:
            self._set_aside(edge.start, edge.end, "somebody else")

    # --- persons in the text ---

    def _is_subject(self) -> bool:
        return (
            self.clause.verb == ""
            and self.clause.before in ("", ",", "AND", "BUT", "REPORT", "PREP0")
            or self.clause.before in ("BUT", ";", ":")
        )

    def _other_subject(self, person: Person) -> None:
        self.others.append(person)
        self.clause.subject = person
        self.last_subject = person

    def person(self, thing: Thing, edge: Edge) -> None:
        clause = self.clause
        assert thing.person is not None
        word = thing.person
        previous = clause.before
        of_member = previous == "OF" and self.at > 1 and self.row[self.at - 2].category == "MEM"
        if (of_member or clause.of_those) and word.plural and clause.subject is not None:
            clause.of_those = False
            self._of_those(clause.subject, thing)
            return
        if previous == "OR" and self._alternative(thing):
            return
        sex = _sex_of(thing)
        if clause.negative and sex is not None and word.reading is not None and word.reading.node == sex and word.role == "described":
            if clause.verb in ("", "be") and thing.determiner in ("", "a", "an") and not word.plural:  # "not male"
                self._add(Found(negate(sex), (), ()), edge.start, edge.end, "sex")
                self._spent()
                return
        bystander = self._is_bystander(thing)
        compared = clause.negative or (previous == "PREP" and clause.preposition in ("like", "than"))
        if bystander and word.role == "described" and thing.owner == "" and not clause.speaker and not compared:
            self.spoken_of = True
            bystander = not self.variant.get(PROMOTE)
        if bystander:
            other = Person(described=False, sex=_sex_of(thing), word=thing.word)
            other.companion = previous == "WITH" and word.role == "described" and thing.owner == ""
            other.named = True
            if other.companion and word.reading is not None:
                other.facts.append(
                    Fact(word.reading.node, self.offset + thing.start, self.offset + thing.end, kind="person")
                )
            self.others.append(other)
            self._set_aside(edge.start, edge.end, "somebody else")
            if (
                previous in ("", ",", "AND", "BUT", ";", ":")
                and clause.verb in ("", "see")
                or previous in ("BUT", "CLAUSE")
            ):
                clause.subject = other
                self.last_subject = other
                clause.mode = "say"
            clause.near = None if clause.preposition in ("like", "than") and previous == "PREP" else other
            clause.mentioned = other
            return
        if thing.owner in ("his", "her") and self.focus is not None and self.focus in self.persons:
            owner = MAN if thing.owner == "his" else WOMAN
            if self.focus.fits(owner) and self.focus.pronoun_sex is None:
                self.focus.pronoun_sex = owner
        person = self._resolve(thing)
        self._introduce(person, thing, edge)
        if word.plural or word.role == "group":
            self._make_group(person, thing)

    def _of_those(self, person: Person, thing: Thing) -> None:
        """ "One of the men": what the men are, the one is."""
        sex = _sex_of(thing)
        self.open_group = self.open_group or Person(group=True, sex=sex, named=True)
        if thing.person is not None and thing.person.reading is not None and not person.facts:
            fact = Fact(thing.person.reading.node, self.offset + thing.start, self.offset + thing.end, kind="person")
            self.shared.append(fact)
            person.facts.append(fact)
        person.sex = person.sex or sex

    def _alternative(self, thing: Thing) -> bool:
        """ "A man with long hair or a woman"."""
        clause = self.clause
        first = next((f for p, f in clause.facts_here if f.kind == "person"), None)
        reading = thing.person.reading if thing.person is not None else None
        if first is None or reading is None or clause.mode != "say":
            return False
        first.node = any_of([first.node, reading.node])
        for person in self.persons:
            if first in person.facts:
                person.sex = None
        return True

    def _is_bystander(self, thing: Thing) -> bool:
        clause = self.clause
        word = thing.person
        assert word is not None
        if thing.name and word.role != "described":
            return True
        if word.role == "bystander" or (word.role == "relation" and word.reading is None and thing.owner == ""):
            return True
        if thing.owner in _SPEAKERS and word.role == "relation":
            self.spoken_of = True
            return not self.variant.get(PROMOTE)
        if (thing.owner in _SPEAKERS and word.role != "described") or (
            thing.owner == "other" and word.role != "described"
        ):
            return True
        if thing.word in _MATES and thing.owner in ("his", "her") and self.persons and self._is_subject():
            after = self._next()
            return after is None or (after.category == "REL")
        if word.role == "relation" and thing.owner in ("his", "her") and self.persons:
            return True
        if word.role == "relation" and thing.owner in ("his", "her") and clause.verb:
            return True
        as_ = clause.preposition == "as" and clause.verb in ("as", "seen", "report", "see")
        if clause.negative or (clause.before == "PREP" and clause.preposition in ("like", "than", "as") and not as_):
            return True
        if (
            clause.before == ","
            and thing.determiner in ("a", "an")
            and clause.mentioned is not None
            and not clause.mentioned.described
        ):
            if self.at > 1 and self.row[self.at - 2].category == "NP":
                return True  # "a passer-by, a man with a beard"
        if clause.verb == "company":
            return True
        if self._first_wanted():
            return False
        subject = clause.subject
        if clause.before == "OF" and subject is not None and subject.word in self.words.relatives and word.role == "described":
            if subject in clause.created and clause.verb == "":
                self._demote(subject)  # "the mother of the missing boy"
                return False
        if clause.speaker and clause.verb == "be" and clause.before in ("BE", "V", "DEG"):
            return True
        behind_be = clause.verb == "be" and clause.before in ("BE", "V", "DEG", "HEDGE", "NEG")
        if behind_be and clause.subject is not None and not clause.subject.described:
            return True
        if (
            clause.verb == "have"
            and clause.subject is not None
            and clause.subject.described
            and clause.before in ("V", "NEG", "AND", ",")
            and not clause.speaker
        ):
            return clause.before == "V" or thing.determiner in ("a", "an")
        if clause.mode in ("act", "unknown", "hidden", "past") and not clause.by:
            return not (clause.before in (",", ":") and (self._appositive(thing) or clause.subject is None))
        if (
            clause.before == "PREP"
            and clause.preposition not in ("for", "as")
            and not clause.by
            and (self.persons or clause.preposition not in ("of",))
        ):
            return not clause.introduced
        if clause.before == "WITH" and clause.subject is not None and clause.verb == "be":
            return True
        pictured = (
            self.at > 1
            and isinstance(self.row[self.at - 2].sem, Thing)
            and self.row[self.at - 2].sem.noun is not None
            and self.row[self.at - 2].sem.noun.name == "picture"
        )
        return clause.before == "OF" and bool(self.persons) and not pictured

    def _first_wanted(self) -> bool:
        """ "Police are concerned for a boy": nobody is described yet, and this is whom others care about."""
        clause = self.clause
        others = clause.subject is None or not clause.subject.described
        wanted = clause.before == "OF" or (clause.before == "PREP" and clause.preposition in ("for", "about", "on"))
        return not self.persons and others and wanted

    def _appositive(self, thing: Thing) -> bool:
        return thing.determiner in ("a", "an", "") and self.clause.subject is not None or self.focus is not None

    def _resolve(self, thing: Thing) -> Person:
        """The person whom a phrase names: one of those known, or a new one."""
        clause = self.clause
        assert thing.person is not None
        sex = _sex_of(thing)
        word_plural = thing.person.plural
        keys = {quality.key for quality in thing.qualities}
        if (
            clause.verb in ("be", "as")
            and clause.subject is not None
            and clause.subject.described
            and clause.before in ("V", "BE", "DET", "HEDGE", "NEG", "PREP", "AP", "NOTHING")
            and clause.mode == "say"
            and not clause.passive
        ):
            return clause.subject
        appositive = clause.before == "," and thing.determiner in ("a", "an", "")
        if (
            clause.verb in ("be", "as")
            and clause.subject is not None
            and clause.subject.described
            and appositive
            and not clause.passive
        ):
            return clause.subject
        behind = self.row[self.at - 2].sem if self.at > 1 else None
        named = clause.before == "," and isinstance(behind, Thing) and behind.person is not None
        if named and thing.determiner in ("a", "an") and clause.subject is not None and clause.subject is clause.mentioned:
            return clause.subject  # "the rider, a lad of 17"
        if clause.labelled and clause.subject is not None and thing.determiner in ("", "a", "an"):
            return clause.subject
        ordinal = next((_ORDINALS[key] for key in keys if key in _ORDINALS), None)
        if self.group and not word_plural and (ordinal is not None or keys & (_OTHERS | _COMPARED) or thing.count == 1):
            return self._next_member(ordinal, keys, sex)
        free = any(not p.assigned for p in self.group)
        if (
            self.open_group is not None
            and free
            and not word_plural
            and thing.determiner in ("a", "an")
            and self.open_group.fits(sex)
            and (sex is not None or self.open_group.sex is None)
        ):
            return self._next_member(None, keys, sex)
        if thing.person.plural and self.open_group is not None and not thing.count and self.open_group.fits(sex):
            return self.open_group
        if thing.word in _POSITIONS and self.focus is not None and self.focus in self.persons:
            known = next((p for p in self.persons if p.word == thing.word), None)
            if known is not None:
                return known
            if self.focus.word in _POSITIONS or thing.owner in ("his", "her") or thing.word == "accomplice":
                return self._new(Person(sex=sex))
        if thing.word in _MATES:
            free = [p for p in self.group if not p.assigned and not p.facts[len(self.shared) :]]
            return self._next_member(None, set(), sex) if free else self._new(Person(sex=sex))
        compared = next(iter(keys & _COMPARED), None)
        if compared is not None and thing.determiner == "the" and not self.group:
            known = next((p for p in self.persons if p.label == compared), None)
            if known is None:
                known = self._new(Person(sex=sex, label=compared))
            return known
        if ordinal is not None and thing.determiner == "a" and self.persons:
            return self._new(Person(sex=sex))
        if ordinal is not None and thing.determiner == "the":
            return self._numbered(ordinal, sex)
        if thing.determiner == "another" or "another" in keys:
            return self._new(Person(sex=sex))
        known = self._known(thing, sex)
        if (
            known is None
            and self.open_group is not None
            and self.open_group.fits(sex)
            and thing.person.role == "described"
        ):
            return self._next_member(None, set(), sex)
        return known if known is not None else self._new(Person(sex=sex))

    def _known(self, thing: Thing, sex: Node | None) -> Person | None:
        clause = self.clause
        candidates = [p for p in self.persons if not p.group and p.fits(sex)]
        after = self._next()
        told_apart = after is not None and after.category in ("IN", "WITH", "REL")
        ahead = [e.category for e in self.row[self.at + 1 : self.at + 5]]
        if thing.determiner == "the" and candidates and ahead[:2] == ["WITH", "OBJ"] or ahead[:4] == ["REL", "BE", "WITH", "OBJ"]:
            return None  # "the man who was with him"
        if (
            clause.before == "AND"
            and thing.determiner == "the"
            and told_apart
            and clause.verb
            and any(p.word == thing.word for p in candidates)
        ):
            return None  # "the man in black ... and the man in white"
        joined = clause.before == "AND" and clause.created
        if joined and thing.determiner in ("a", "an", "one", "") and thing.word not in [p.word for p in self.persons]:
            return None
        if clause.by and thing.determiner in ("a", "an") and clause.created:
            return None
        for person in reversed(candidates):
            if thing.word and person.word == thing.word:
                return person
        if (
            thing.determiner in ("a", "an", "one")
            and clause.introduced
            and any(p in candidates for p in clause.created)
        ):
            return None
        if self.group and len(self.group) > 1 and not any(p.assigned for p in self.group):
            unnamed = [p for p in candidates if p in self.group]
            if sex is not None and len(unnamed) < len(self.group) and unnamed:
                return unnamed[0]
        if self.focus in candidates:
            return self.focus
        return candidates[-1] if candidates else None

    def _numbered(self, ordinal: int, sex: Node | None) -> Person:
        while len(self.persons) <= ordinal:
            self._new(Person(sex=sex))
        person = self.persons[ordinal]
        person.named = True
        return person

    def _introduce(self, person: Person, thing: Thing, edge: Edge) -> None:
        """The phrase describes this person: its adjectives are facts, and what follows is said of them."""
        clause = self.clause
        word = thing.person
        assert word is not None
        person.named = True
        sex = _sex_of(thing)
        if sex is not None and person.sex is None:
            person.sex = sex
        if thing.owner in ("his", "her") and word.role == "relation":
            clause.subject = person
        if not person.word or thing.word in _POSITIONS:
            person.word = thing.word
        clause.thing = False
        clause.near = clause.mentioned = person
        person.at = min(person.at, self.offset + edge.start)
        clause.speaker = False
        told = clause.before == "," and thing.determiner == "the" and person is not clause.subject
        told = told or clause.before == "HEDGE" and clause.verb in ("", "report")
        if (
            told
            or clause.subject is None
            or not clause.subject.described
            or clause.verb in ("see", "report", "seek")
            or self._is_subject()
        ):
            clause.subject = person
            self.last_subject = person
        if person.described and person in self.persons:
            self.focus = person
        found = meaning(self.words, _PERSON_CLASS, self._degrees(thing.qualities))
        nodes = [] if found.node is None else [found.node]
        nodes += [] if word.reading is None else [word.reading.node]
        self.clause.mode = "say"
        if not nodes:
            for span in found.aside:
                self._set_aside(*span, "quality")
            self.used.append((self.offset + thing.start, self.offset + thing.end))
            self._spent()
            return
        clause.negative = False
        full = Found(all_of(nodes), (*found.used, (thing.start, thing.end)), found.aside)
        self._add(full, edge.start, edge.end, "person")
        self._spent()

    def _make_group(self, person: Person, thing: Thing) -> None:
        """ "Two men", "both men": each of them, with what is said of all."""
        if person.group:
            while len(self.group) < min(thing.count, 12):
                self._add_member(person.sex, self.shared)
            return
        both = self.clause.before == "BOTH" or thing.determiner == "both"
        joined = self.clause.before == "AND"
        if person in self.persons:
            self.persons.remove(person)
        known = [p for p in self.persons if p.fits(person.sex)]
        whole = Person(sex=person.sex, group=True, facts=[], named=True)
        if len(known) > 1 and not joined and not thing.count:
            self.group = known
            for fact in person.facts:
                self._give_all(fact)
        else:
            count = thing.count if thing.count <= 5 else 0
            count = count or (2 if both or thing.person is not None and thing.person.role == "group" else 0)
            if not joined:
                self.group, self.shared = [], []
            self.shared = [*self.shared, *person.facts]
            for _ in range(min(count, 12)):
                self._add_member(person.sex, person.facts)
        self.open_group = whole
        self.clause.subject = self.clause.near = self.last_subject = whole
        self.focus = whole

    def _add_member(self, sex: Node | None, facts: Sequence[Fact]) -> Person:
        member = Person(sex=sex, facts=list(facts), named=True)
        self.persons.append(member)
        self.group.append(member)
        return member

    def _give_all(self, fact: Fact) -> None:
        for each in self.group:
            if fact not in each.facts:
                each.facts.append(fact)

    def member(self, edge: Edge) -> None:
        """ "One", "the other", "the first", "the taller one"."""
        clause = self.clause
        word = str(edge.sem)
        after = self._next()
        subject = clause.before in ("", ",", ";", ":", "AND", "BUT", "DASH", "OF") or clause.before == "REL"
        subject = subject or (clause.before == "NP" and self.open_group is not None and word in ("one", "another"))
        if not subject or (
            word in ("one", "another")
            and after is not None
            and after.category == "PREP"
            and not self.group
            and not self.persons
        ):
            if word != "one":
                self._set_aside(edge.start, edge.end, "somebody else")
            return
        if clause.negative:
            clause.negative = False
            return
        if word in ("another", "a second", "a third") or (word == "one" and not self.group):
            if self.persons and not self.group and word == "one":
                person = self.focus if self.focus is not None and not self.focus.group else self.persons[-1]
                if self.open_group is None:
                    person = self._focus()
            else:
                person = self._next_member(None, set(), None)
        else:
            keys = set(word.replace(" one", "").split())
            told_apart = word.removeprefix("the ").removesuffix(" one")
            if not self.group and word.endswith(" one") and word.startswith("the ") and told_apart not in _ORDINALS:
                person = next((p for p in self.persons if p.label == told_apart), None) or self._new(Person(label=told_apart, named=True))
                self._subject(person)
                self.used.append((self.offset + edge.start, self.offset + edge.end))
                return
            ordinal = next((_ORDINALS[key] for key in keys if key in _ORDINALS), None)
            if not self.group and self.persons and ordinal is not None:
                self.group = [p for p in self.persons if not p.group]
                for each in self.group:
                    each.assigned = True
            person = self._next_member(ordinal, keys, None)
        self._subject(person)
        if "older" in word or "elder" in word or "oldest" in word:
            pass
        self.used.append((self.offset + edge.start, self.offset + edge.end))

    def members(self, edge: Edge) -> None:
        """ "The other two", "the others"."""
        if self.clause.before not in ("", ",", ";", ":", "AND", "BUT", "DASH"):
            return
        count = 3 if "three" in str(edge.sem) else 2
        free = [p for p in self.group if not p.assigned]
        while len(free) < count and not (free and "others" in str(edge.sem)):
            free.append(self._add_member(self.open_group.sex if self.open_group else None, self.shared))
        for each in free:
            each.assigned = True
            each.at = min(each.at, self.offset + edge.start)
        self._subject(Person(group=True, members=free, sex=free[0].sex))

    def _subject(self, person: Person) -> None:
        old = self.clause
        self.clause = Clause(subject=person, facts_here=old.facts_here, created=old.created, labelled=True)
        person.at = min(person.at, self.offset + self.row[self.at].start)
        self.last_subject = person
        if person in self.persons:
            self.focus = person

    def _next_member(self, ordinal: int | None, keys: set[str], sex: Node | None) -> Person:
        if ordinal is not None and ordinal < len(self.group):
            person = self.group[ordinal]
        else:
            free = [p for p in self.group if not p.assigned and p.fits(sex)]
            person = (
                free[0]
                if free
                else self._add_member(sex or (self.open_group.sex if self.open_group else None), self.shared)
            )
        person.assigned = True
        return person

    def both(self, edge: Edge) -> None:
        if not self.persons and not self.group and self.open_group is None and "both" in str(edge.sem):
            self.open_group = Person(group=True, named=True)
        if len(self.persons) > 1 and not self.group:
            self.group = [p for p in self.persons if not p.group]
        if self.group or self.open_group is not None:
            while len(self.group) < 2:
                self._add_member(self.open_group.sex if self.open_group else None, self.shared)
            old = self.clause
            whole = self.open_group or Person(group=True)
            self.clause = Clause(
                subject=whole,
                facts_here=old.facts_here,
                created=old.created,
                certainty=old.certainty,
                verb=old.verb,
                negative=old.negative,
            )

    def label(self, edge: Edge) -> None:
        """ "Suspect 1", "#2", "1)"."""
        key, thing = edge.sem
        person = next((p for p in self.persons if p.label == key), None)
        if person is None:
            bare = [p for p in self.persons if not p.label]
            free = [p for p in self.group if not p.label and p in self.persons]
            if free:
                person = free[0]
            elif bare and not bare[0].facts and not bare[0].group:
                person = bare[0]
            else:
                person = Person(facts=list(self.shared))
                self.persons.append(person)
            person.label = key
        sex = _sex_of(thing) if thing is not None else None
        if thing is not None and thing.person.reading is not None:
            node = thing.person.reading.node
            if all(f.node != node for f in person.facts):
                person.facts.append(Fact(node, self.offset + edge.start, self.offset + edge.end, kind="person"))
        person.sex = person.sex or sex
        person.named = True
        self._subject(person)

    def objective(self, edge: Edge) -> None:
        """ "Described him as", "put her at 40"."""
        clause = self.clause
        sex = {"him": MAN, "her": WOMAN}.get(str(edge.sem))
        if (
            sex is not None
            and not self.persons
            and (clause.mode == "unknown" or (clause.before == "PREP" and clause.preposition == "about"))
        ):
            self._focus().pronoun_sex = sex
            return
        if (
            clause.verb in ("report", "see", "act")
            and clause.before in ("V", "NP", "HEDGE", "DEG")
            and sex is not None
            and not clause.by
        ):
            if clause.verb == "act" and self.row[self.at - 1].sem != "act":
                return
            reported = clause.verb == "see" or (clause.verb == "report" and self._verb_word() in _DESCRIBING)
            if clause.verb == "report" and not reported:
                return
            whom = next((p for p in reversed(self.persons) if p.fits(sex) and not p.group), None)
            if whom is None and reported and not self.persons:
                whom = self._new(Person())
            if (
                whom is not None
                and whom.described
                and (reported or clause.speaker or clause.subject is None or not clause.subject.described)
            ):
                if whom.pronoun_sex is None:
                    whom.pronoun_sex = sex
                self.clause = Clause(subject=whom, verb="as", facts_here=clause.facts_here, created=clause.created)

    def _verb_word(self) -> str:
        before = self.row[self.at - 1]
        return self.said_words[before.start]

    def pronoun(self, edge: Edge) -> None:
        """ "He", "she"."""
        clause = self.clause
        sex = MAN if edge.category == "HE" else WOMAN
        if clause.before == "BY" or (
            clause.before == "PREP"
            and clause.verb
            and clause.preposition in ("by", "from", "to", "of", "with", "near", "behind")
        ):
            return
        behind = self.row[self.at - 1].sem if self.at else None
        outer = clause.near if isinstance(behind, Thing) and behind.person is not None and clause.verb == "" else None
        topic = clause.topic if isinstance(behind, Thing) and behind.person is None else None
        self._new_clause()
        self.clause.outer, self.clause.topic = outer, topic
        clause = self.clause
        whom = self._pronoun_target(sex)
        if whom is None:
            whom = self._new(Person())
            self.focus = whom
        clause.subject = whom
        clause.pronoun = edge.category
        if whom.described:
            whom.pronoun_sex = whom.pronoun_sex if whom.pronoun_sex is not None else sex
        self.used.append((self.offset + edge.start, self.offset + edge.end))
        self.last_subject = whom

    def _pronoun_target(self, sex: Node) -> Person | None:
        last = self.last_subject
        if last is not None and last.group:
            last = None
        if last is not None and not last.described and last.fits(sex) and (last.sex == sex or last.word == "name"):
            return last
        if last is not None and last.described and last in self.persons and last.fits(sex):
            return last
        if self.focus is not None and (self.focus in self.persons) and self.focus.fits(sex):
            return self.focus
        free = [p for p in self.group if not p.assigned and p.sex is None and p.pronoun_sex is None]
        if free and not any(p.sex == sex or p.pronoun_sex == sex for p in self.persons):
            free[0].assigned = True
            return free[0]
        fitting = [p for p in self.persons if p.fits(sex) and not p.group]
        if fitting:
            return fitting[-1]
        return None if not self.persons or any(not p.fits(sex) for p in self.persons) else self.persons[-1]

    def they(self, edge: Edge) -> None:
        self._new_clause()
        if str(edge.sem) == "it":
            self.clause.topic = self.last_noun
            return
        if self.open_group is not None:
            self.clause.subject = self.open_group

    def speaker(self, edge: Edge) -> None:
        self._new_clause()
        self.clause.speaker = True
        self.clause.subject = None
        self.last_subject = None

    def _new_clause(self) -> None:
        old = self.clause
        hedged = old.certainty if old.before in ("HEDGE",) or old.certainty < 1 else 1.0
        goes_on = old.before not in ("PREP", "BUT", ",", "AND") or (
            old.before == "PREP" and old.preposition in ("if", "how", "why")
        )
        mode = old.mode if old.mode in ("unknown", "past") and goes_on else "say"
        self.clause = Clause(certainty=hedged, mode=mode, facts_here=old.facts_here, created=old.created)
        self.clause.negative = old.negative and old.before in ("DOUBTNEG", "NOR")

    def relative(self, edge: Edge) -> None:
        clause = self.clause
        previous = self.row[self.at - 1].sem if self.at else None
        if isinstance(previous, Thing) and previous.person is None and not previous.name and clause.mode == "say":
            clause.of_thing = True
            return
        clause.mode = "say" if clause.mode != "unknown" else "unknown"
        clause.negative = False
        clause.passive = False
        clause.verb = "rel"
        whom = clause.near or (clause.mentioned if clause.before in (",", "NP") else None)
        if whom is not None:
            after = self._next()
            tells = after is not None and after.category in ("BE", "V") and after.sem in ("be", "have", "wear")
            if not whom.described and whom.companion and tells and whom in self.others:
                whom.described = True  # "with another man who had long hair"
                self.others.remove(whom)
                self.persons.append(whom)
            clause.subject = whom
            clause.speaker = False

    # --- verbs ---

    def verb(self, edge: Edge) -> None:
        _VERBS[edge.sem](self, edge)

    def be(self, edge: Edge) -> None:
        clause = self.clause
        if clause.mode in ("act", "hidden") and not clause.speaker:
            clause.mode = "say"
        if clause.verb == "rel" or clause.verb in ("see", "report"):
            clause.passive = False
        self._outer()
        clause.verb = "be"
        clause.introduced = False
        if clause.subject is not None:
            clause.near = None

    def have(self, edge: Edge) -> None:
        clause = self.clause
        if clause.mode in ("act", "hidden", "past") and edge.sem == "wear" or clause.mode in ("act", "hidden"):
            clause.mode = "say"
        if edge.sem == "wear" and clause.near is not None and clause.before in ("NP", "V") and clause.near.described:
            clause.subject = clause.near
        if edge.sem == "wear" and clause.before == "NP" and clause.near is not None and not clause.near.described:
            clause.subject = clause.near
        self._outer()
        if clause.before == "AND" and clause.held < 1.0:
            clause.certainty = min(clause.certainty, clause.held)
        clause.verb = "have"
        clause.thing = False if edge.sem == "wear" else clause.thing
        clause.introduced = False

    def _outer(self) -> None:
        """The verb behind "the lady he knocked down" is hers."""
        if self.clause.outer is not None and self.clause.verb == "act":
            self.clause.subject = self.last_subject = self.clause.outer
            self.clause.outer = None

    def report(self, edge: Edge) -> None:
        """Who says something is not who is described; in "was described as" somebody is."""
        clause = self.clause
        after = self._next()
        spoken = (
            after is not None
            and after.category == "NP"
            and isinstance(after.sem, Thing)
            and (after.sem.name or after.sem.person is not None)
        )
        if clause.before in (",", '"') and spoken and (clause.facts_here or clause.pronoun):
            clause.mode = "unknown"  # "..., said one witness"
            return
        if (
            clause.before == "NP"
            and clause.near is not None
            and clause.near.described
            and after is not None
            and after.sem == "as"
        ):
            clause.subject = clause.near
            clause.verb = "as"
            clause.mode = "say"
            return
        if clause.verb == "be" and clause.subject is not None and clause.before in ("V", "BE", "HEDGE"):
            clause.mode = "say"
            clause.verb = "as"
            return
        subject = clause.subject
        before = self.row[self.at - 1].sem if self.at else None
        told = (
            isinstance(before, Thing)
            and before.person is not None
            and clause.mentioned is not None
            and not clause.mentioned.described
            and not (self.at > 1 and self.row[self.at - 2].category in ("OF", "PREP"))
        )
        if told or (clause.pronoun and subject is not None and subject.facts):
            subject = None
        if subject is not None and subject.described and not clause.speaker and (clause.verb != "rel"):
            bare = not [f for f in subject.facts if f.kind != "person" or len(f.used) > 1]
            told_to = any(e.category == "PREP" and e.sem == "to" for e in self.row[self.at + 1 : self.at + 3])
            of_another = any(
                isinstance(e.sem, Thing) and e.sem.person is not None and e.sem.person.role == "described"
                for e in self.row[self.at + 1 :]
            )
            relative = subject.word in self.words.relatives
            if relative and subject in clause.created:
                self._demote(subject)
            elif told_to or (subject not in clause.created and not bare) or (subject.named and not of_another):
                self.act(edge)
                return
            elif subject in clause.created:
                self._demote(subject)
        if clause.pronoun and subject is not None and subject.described:
            if not subject.facts:
                self._demote(subject)
        hedged = clause.certainty
        self.clause = Clause(verb="report", facts_here=clause.facts_here, created=[], certainty=hedged)
        self.clause.introduced = True
        self.clause.negative = False

    def see(self, edge: Edge) -> None:
        clause = self.clause
        after = self._next(("X", "SKIP", "DEG", "PREP", "IN", "ON"))
        person_follows = after is not None and after.category == "NP" and after.sem.person is not None
        if clause.before == "NP" and clause.near is not None and clause.near.described and not person_follows:
            clause.mode = "say"
            return
        if (
            clause.subject is not None
            and clause.subject.described
            and not person_follows
            and not clause.negative
            and clause.verb != "be"
        ):
            clause.mode = "say"
            return
        if clause.negative and (clause.speaker or clause.subject is not None):
            clause.mode = "unknown"
            clause.negative = False
            return
        if clause.verb == "be" and clause.before in ("V", "BE", "NEG", "X", "DEG"):
            clause.mode = "say"
            clause.verb = "seen"
            return
        if clause.subject is not None and clause.subject.described and clause.subject in clause.created:
            self._demote(clause.subject)
        self.clause = Clause(verb="see", facts_here=clause.facts_here, created=[])
        self.clause.introduced = True

    def show(self, edge: Edge) -> None:
        """A picture shows whom it describes; a person shows things."""
        clause = self.clause
        if clause.subject is not None and clause.subject.described:
            after = self._next(("X", "SKIP", "DEG"))
            known = (
                after is not None
                and after.category in ("NP", "PRED")
                and isinstance(after.sem, Thing)
                and after.sem.noun is not None
            )
            clause.mode = "say" if known else "act"
            return
        self.see(edge)

    def know(self, edge: Edge) -> None:
        if self.clause.speaker:
            self.report(edge)
        else:
            self.act(edge)

    def harm(self, edge: Edge) -> None:
        """To whom something is done is nobody who is described."""
        clause = self.clause
        passive = clause.verb == "be" and clause.before in ("BE", "V", "DEG", "X", "NEG")
        if passive and clause.subject is not None and clause.subject.described and not clause.pronoun:
            self._demote(clause.subject)
        self.act(edge)
        clause.passive = clause.passive or passive

    def company(self, edge: Edge) -> None:
        """ "Accompanied by a child": somebody else, of whom nothing is asked."""
        self.clause.mode = "act"
        self.clause.verb = "company"
        self.clause.passive = False

    def take(self, edge: Edge) -> None:
        """What was stolen or found was not worn."""
        clause = self.clause
        if clause.verb == "be" and clause.subject is None:
            for _, fact in list(clause.facts_here):
                if fact.kind in _WORN or fact.kind in ("mustache", "beard"):
                    self._cancel(fact, "property")
        self.act(edge)

    def seek(self, edge: Edge) -> None:
        clause = self.clause
        if clause.verb == "be" and clause.subject is not None and clause.subject.described:
            clause.mode = "act"
            return
        self.clause = Clause(verb="seek", facts_here=clause.facts_here, created=[])
        self.clause.introduced = True

    def hide(self, edge: Edge) -> None:
        clause = self.clause
        after = self._next()
        passive = after is None or after.category in (
            "PREP",
            "WITH",
            "IN",
            ",",
            "AND",
            ".",
            "BUT",
            "NOTHING",
            ";",
            "ON",
        )
        if passive:
            if clause.before in ("NP", "PRED", "BE", "V", "CHOICE") and (fact := self._fact_before()) is not None:
                self._cancel(fact, "hidden")
            clause.mode = "say"
            clause.verb = "hidden"
            clause.thing = False
            return
        clause.mode = "hidden"

    def past(self, edge: Edge) -> None:
        self.clause.mode = "past"

    def drop(self, edge: Edge) -> None:
        self.clause.mode = "act"
        self.clause.negative = False

    def act(self, edge: Edge) -> None:
        """What somebody does: its object is set aside. Behind a thing that is described it only says how that thing is
        ("a hood pulled over a cap", "hair brushed forward")."""
        clause = self.clause
        if clause.of_thing:
            return
        clause.wearing = False
        if clause.before in ("NP", "PRED") and clause.mode == "say" and not clause.thing and self._behind_thing():
            return
        passive = clause.verb == "be" and clause.before in ("BE", "V", "DEG", "X", "NEG")
        if clause.outer is not None and clause.outer is not clause.subject:
            self._demote(clause.outer)
        clause.passive = passive or (clause.passive and clause.before == "NP")
        clause.by = False
        if clause.mode == "unknown":
            return
        clause.mode = "act"
        clause.negative = False
        clause.held = clause.certainty
        clause.certainty = 1.0
        clause.verb = "act"

    def _behind_thing(self) -> bool:
        before = next((edge for edge in reversed(self.row[: self.at]) if edge.category in ("NP", "PRED")), None)
        if before is None:
            return False
        thing = before.sem.thing if isinstance(before.sem, Said) else before.sem
        return thing.person is None and (thing.noun is not None or self.clause.verb in ("have", "be", "with"))

    # --- small words ---

    def no(self, edge: Edge) -> None:
        after = self._next()
        word = " ".join(self.said_words[edge.start : edge.end])
        if (
            word == "none"
            and self.clause.verb == "have"
            and self.last_noun is not None
            and self.last_noun.denied is not None
            and (after is None or after.category not in ("NP", "CHOICE", "AP", "OF"))
        ):
            self._add(Found(self.last_noun.denied.node, (), ()), edge.start, edge.end, self.last_noun.name)
            return
        if edge.sem is not None and self.clause.before == "NP" and (after is None or after.category in (",", ";", ".")):
            if self.clause.facts_here and self.clause.mode == "say":  # "glasses none"
                fact = self.clause.facts_here[-1][1]
                fact.node = negate(fact.node)
            return
        self.clause.negative = not (self.clause.negative and self.clause.before == "NEG")
        if edge.category == "NEITHER":
            self.clause.sticky = True
        if self.clause.mode == "act" and self.clause.before in (",", "AND", "WITH", "BUT", "PREP", "IN"):
            self.clause.mode = "say"

    def answered_no(self, edge: Edge) -> None:
        """ "Beard N"."""
        if self.clause.before == "NP" and (fact := self._fact_before()) is not None and fact.kind != "person":
            fact.node = negate(fact.node)

    def any_of_these(self, edge: Edge) -> None:
        """ "One of glasses, hat, beard"."""
        after = self._next()
        if after is not None and after.category == "NP" and after.sem.person is not None and after.sem.person.plural:
            self.member(edge._replace(sem="one"))
            self.clause.of_those = True
            return
        self.clause.anyof = True

    def correct(self, edge: Edge) -> None:
        """ "No, sorry": what was said last of the same thing does not count."""
        self.corrected = True
        self.correcting = self.last_noun

    def doubt(self, edge: Edge) -> None:
        """ "I don't think he had a beard"."""
        self.clause = Clause(facts_here=self.clause.facts_here)
        self.clause.negative = True
        self.clause.certainty = 0.8
        self.clause.before = "DOUBTNEG"

    def hedged(self, edge: Edge) -> None:
        clause = self.clause
        certainty: float = edge.sem
        after = self._next()
        ends = after is None or after.category in (",", "AND", ".", "BUT", ";", ")")
        before = clause.before
        if (
            ends
            and before == ","
            and after is not None
            and after.category == ","
            and not clause.verb
            and clause.facts_here
        ):
            ends = self.choose(f"hedge {self.offset + edge.start}", 0.0, 0.0) == 1
        if ends and clause.facts_here and before in ("NP", "AP", "PRED", "CHOICE", ",", "ON", "X", "V"):
            for fact in self._last_facts():
                fact.certainty = min(fact.certainty, certainty)
            return
        if ends and before in ("NP", "AP", "PRED", "CHOICE"):
            return
        clause.certainty = min(clause.certainty, certainty)
        if clause.mode == "act" or (clause.mode == "unknown" and before == ","):
            clause.mode = "say"

    def _fact_before(self) -> Fact | None:
        """What the last phrase before this place has said, if it said anything of somebody described."""
        if not self.clause.facts_here:
            return None
        last = self.clause.facts_here[-1][1]
        named = next((e for e in reversed(self.row[: self.at]) if e.category in ("NP", "PRED", "CHOICE", "AP")), None)
        return last if named is not None and last.end == self.offset + named.end else None

    def _last_facts(self) -> list[Fact]:
        last = self.clause.facts_here[-1][1]
        return [last]

    def unknown(self, edge: Edge) -> None:
        """What the witness does not know is set aside: what stands before, at the end of a clause, or what follows."""
        clause = self.clause
        after = self._next()
        if str(edge.sem) in ("unknown", "unk") and after is not None and after.category == "NP":
            return
        if (after is None or after.category in (",", ".", ";", "AND", "BUT")) and clause.before in (
            "NP",
            "BE",
            "V",
            "PRED",
        ):
            if (fact := self._fact_before()) is not None:
                if clause.speaker:
                    fact.certainty = min(fact.certainty, 0.5)
                else:
                    self._cancel(fact, "not known")
            return
        if after is None:
            return
        if clause.speaker or clause.subject is not None or clause.before in ("", "BUT", "AND", "SPEAKER", ","):
            clause.mode = "unknown"
            clause.speaker = False
            clause.negative = False

    def comma(self, edge: Edge) -> None:
        clause = self.clause
        if not clause.sticky:
            clause.negative = False
        clause.comma = True
        clause.of_thing = False
        if clause.verb == "":
            clause.thing = False
        after = self._next()
        apposed = after is not None and (after.category in ("AP", "REL") or (isinstance(after.sem, Thing) and after.sem.name))
        if clause.subject is not None and not (apposed and clause.near is not None and not clause.near.described):
            clause.near = None
        if clause.mode == "hidden":
            clause.mode = "say"
        if edge.category not in (",", "/"):
            self._new_clause_keeping_subject()
            self.clause.before = ";"

    def _new_clause_keeping_subject(self) -> None:
        old = self.clause
        self.clause = Clause(facts_here=old.facts_here, created=old.created)
        if old.subject is not None and old.subject.described:
            self.clause.subject = old.subject
        self.clause.labelled = old.labelled and old.verb == ""

    def conjunction(self, edge: Edge) -> None:
        clause = self.clause
        clause.negative = clause.negative and clause.sticky
        clause.of_thing = False
        clause.near = None if clause.subject is not None else clause.near
        if edge.category == "BUT":
            self._new_clause_keeping_subject()
        if clause.mode == "hidden":
            clause.mode = "say"

    def with_(self, edge: Edge) -> None:
        clause = self.clause
        clause.negative = False
        if clause.mode == "act" and clause.near is not None and clause.before in ("NP",):
            clause.subject = clause.near
            clause.mode = "say"
        clause.preposition = "with"

    def inside(self, edge: Edge) -> None:
        clause = self.clause
        clause.preposition = "in"
        clause.wearing = clause.mode == "act"
        if clause.mode == "act" and clause.near is not None and clause.before == "NP":
            clause.subject = clause.near
            clause.mode = "say"

    def preposition(self, edge: Edge) -> None:
        clause = self.clause
        word = edge.sem
        clause.preposition = word
        if word == "as" and clause.verb in ("as", "seen", "report", "see") and clause.mode != "unknown":
            clause.near = None
            clause.mode = "say"
            clause.verb = "as" if clause.subject is not None else clause.verb
        if word == "by":
            clause.by = clause.passive or clause.verb in ("act", "hidden")
            if clause.passive and clause.subject is not None and clause.subject.described:
                after = self._next(("X", "SKIP", "DEG"))
                if after is not None and after.category == "NP" and after.sem.person is not None:
                    self._demote(clause.subject)
                    clause.subject = None
        if word in _CONJUNCTIONS and clause.verb and clause.mode != "unknown":
            clause.verb = clause.pronoun = ""
            clause.topic = None
        if (
            word in ("because", "when", "where", "until", "since", "after", "before", "while", "despite")
            and clause.mode == "unknown"
        ):
            self.clause = Clause(facts_here=clause.facts_here, created=clause.created, before="BUT")

    def clear(self, edge: Edge) -> None:
        """What says nothing."""

    def answer(self, edge: Edge) -> None:
        """Yes and no, as an answer to a question or the value of a field."""


def _sex_of(thing: Thing) -> Node | None:
    assert thing.person is not None
    if thing.person.reading is None:
        return None
    node = thing.person.reading.node
    for sex in (MAN, WOMAN):
        if node == sex or (hasattr(node, "children") and sex in node.children):
            return sex
    return None


_HANDLERS: dict[str, Callable[[Discourse, Edge], None]] = {
    "NP": Discourse.thing,
    "AP": Discourse.adjectives,
    "PRED": Discourse.said,
    "CHOICE": Discourse.choice,
    "V": Discourse.verb,
    "BE": Discourse.verb,
    "HE": Discourse.pronoun,
    "SHE": Discourse.pronoun,
    "THEY": Discourse.they,
    "MEM": Discourse.member,
    "MEMS": Discourse.members,
    "BOTH": Discourse.both,
    "LABEL": Discourse.label,
    "OBJ": Discourse.objective,
    "SPEAKER": Discourse.speaker,
    "REL": Discourse.relative,
    "NEG": Discourse.no,
    "NEITHER": Discourse.no,
    "NOR": Discourse.no,
    "NONE": Discourse.answered_no,
    "/": Discourse.comma,
    "ANYOF": Discourse.any_of_these,
    "CORRECT": Discourse.correct,
    "DOUBTNEG": Discourse.doubt,
    "HEDGE": Discourse.hedged,
    "UNKNOWN": Discourse.unknown,
    ",": Discourse.comma,
    ";": Discourse.comma,
    ":": Discourse.comma,
    "DASH": Discourse.comma,
    "AND": Discourse.conjunction,
    "BUT": Discourse.conjunction,
    "WITH": Discourse.with_,
    "IN": Discourse.inside,
    "PREP": Discourse.preposition,
}
_VERBS: dict[str, Callable[[Discourse, Edge], None]] = {
    "be": Discourse.be,
    "have": Discourse.have,
    "wear": Discourse.have,
    "grow": Discourse.have,
    "report": Discourse.report,
    "see": Discourse.see,
    "show": Discourse.show,
    "know": Discourse.know,
    "harm": Discourse.harm,
    "company": Discourse.company,
    "take": Discourse.take,
    "seek": Discourse.seek,
    "hide": Discourse.hide,
    "past": Discourse.past,
    "drop": Discourse.drop,
    "change": Discourse.act,
    "name": Discourse.act,
    "act": Discourse.act,
}
