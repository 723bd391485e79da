"""The phrases of a statement: what the words of a sentence may be, and the rules that join them.

A rule is a category, its parts, a cost and a meaning. What crosses phrases (who is spoken of, how far a "no" reaches,
what
a verb does to its object) is not settled here but in `discourse`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from facesearch.query.chart import Edge, Grammar, Rule
from facesearch.query.lexicon import Lexicon, NounClass, Pair, PersonWord, lexicon
from facesearch.query.reading import HAIR_COLOURS, Reading
from facesearch.query.tokens import word_set
from facesearch.query.tree import Node, all_of, any_of, hedge, negate


class Quality(NamedTuple):
    """An adjective, or what stands like one. node: its own meaning (an age, a whole phrase), whatever noun it is said
    of; joined: what stands before it in a list ("", ",", "and", "or"); narrow: it says more than that meaning."""

    key: str
    start: int
    end: int
    node: Node | None = None
    joined: str = ""
    denied: bool = False
    certainty: float = 1.0
    known: bool = True
    narrow: bool = False


Qualities = tuple[Quality, ...]


class Thing(NamedTuple):
    """A noun with what is said of it. noun: None of a word that no table has; person: of a word for people. owner:
    whose it
    is ("his": described, "my": speaker, "man's": other). start, end: the noun itself."""

    noun: NounClass | None
    start: int
    end: int
    qualities: Qualities = ()
    person: PersonWord | None = None
    determiner: str = ""
    owner: str = ""
    number: int = 0
    part: int = 0
    name: bool = False
    word: str = ""


class Found(NamedTuple):
    """A meaning, with the words that carry it and those that are set aside. narrow: the words say more than that;
    rough: so much more that the reader should know."""

    node: Node | None
    used: tuple[tuple[int, int], ...]
    aside: tuple[tuple[int, int], ...]
    narrow: bool = False
    rough: bool = False

    def denied(self) -> "Found":
        """What the denial of it means: nothing, if the words say more than that."""
        return self._replace(node=None if self.node is None or self.narrow else negate(self.node))


class Said(NamedTuple):
    """A thing and what is said of it behind it: "his hair was short and brown"."""

    thing: Thing
    qualities: Qualities
    denied: bool = False
    certainty: float = 1.0


class Denied(NamedTuple):
    """A phrase behind a "no" of its own."""

    phrase: Any


class Choice(NamedTuple):
    """Phrases joined by "or". unclear: a mark may join or list them; together: all of them hold at once; nor: none
    does."""

    options: tuple[Any, ...]
    unclear: bool = False
    together: bool = False
    nor: bool = False


# --- meaning ---


_TAKES_OF_PEOPLE = frozenset(("hair", "face", "build", "skin"))
"""Nouns behind which an adjective of people is read: "hair grey, balding"."""


def meaning(words: Lexicon, noun: NounClass, qualities: Qualities, denied: bool = False) -> Found:
    """What a noun with these adjectives means. An adjective that no table joins to it is set aside; one that people
    have ("hair grey, balding") is theirs."""
    pairs = [(quality, _pair(words, noun, quality)) for quality in qualities]
    parts = [(quality, node) for quality, pair in pairs if (node := _node(quality, pair)) is not None]
    plain = [(quality, pair) for quality, pair in pairs if _node(quality, pair) is None]
    narrow = any(map(_is_narrow, *zip(*pairs, strict=True))) if pairs else False
    node = _joined(parts)
    if denied:
        node = _denied(noun, node, bool(plain) and not (node is not None and _is_choice(qualities)), narrow)
    elif all(_keeps(noun, quality, pair) for quality, pair in plain):
        node = _with_own(noun, node)
    used = tuple((quality.start, quality.end) for quality, _ in parts)
    aside = tuple((quality.start, quality.end) for quality, _ in plain)
    return Found(node, used, aside, narrow or noun.narrow, _is_rough(noun, pairs, plain))


def _is_rough(
    noun: NounClass, pairs: list[tuple[Quality, Pair | None]], plain: list[tuple[Quality, Pair | None]]
) -> bool:
    """The words say more than they are searched as ("huge nose", "baseball cap")."""
    told = [pair for pair in pairs if pair not in plain]
    return any(pair is not None and pair.narrow for _, pair in told) or (noun.narrow and not told)


def _is_narrow(quality: Quality, pair: Pair | None) -> bool:
    return quality.narrow or (pair is not None and pair.narrow)


def _is_choice(qualities: Qualities) -> bool:
    """ "No red or black hair" denies each colour."""
    return len(qualities) > 1 and all(quality.joined == "or" for quality in qualities[1:])


def _with_own(noun: NounClass, node: Node | None) -> Node | None:
    """What the noun means, and what its adjectives add to it or make of it."""
    if noun.bare is None or (node is not None and _says_instead(noun)):
        return node
    return noun.bare.node if node is None else all_of([noun.bare.node, node])


def _denied(noun: NounClass, node: Node | None, plain: bool, narrow: bool) -> Node | None:
    """Who has no long beard may have a short one."""
    if node is not None:
        return None if narrow or plain else negate(node)
    return None if plain or noun.denied is None else noun.denied.node


def _pair(words: Lexicon, noun: NounClass, quality: Quality) -> Pair | None:
    """What the tables say of an adjective and its noun, or of people where the noun takes their adjectives."""
    if quality.node is not None:
        return None
    pair = words.pair(noun.name, quality.key)
    return words.pairs.get(("person", quality.key)) if pair is None and noun.name in _TAKES_OF_PEOPLE else pair


def _node(quality: Quality, pair: Pair | None) -> Node | None:
    """What one adjective means."""
    return quality.node if pair is None or pair.reading is None else pair.reading.node


def _keeps(noun: NounClass, quality: Quality, pair: Pair | None) -> bool:
    """The noun keeps its own meaning beside an adjective that is set aside."""
    return (pair is None or pair.keeps) and not (quality.joined == "noun" and noun.name == "fringe")


def _says_instead(noun: NounClass) -> bool:
    """An adjective turns the noun into something else ("three-day beard"), and does not add to it ("brown curls")."""
    return noun.parent != "hair" and noun.name != "smile"


def _joined(parts: list[tuple[Quality, Node]]) -> Node | None:
    """Colours of hair are alternatives, however they are joined; the rest is as it is said."""
    if not parts:
        return None
    colours = [(q, n) for q, n in parts if n.attributes <= HAIR_COLOURS and not q.denied]
    rest: list[list[Node]] = []
    for quality, node in parts:
        if (quality, node) in colours:
            continue
        if quality.joined == "or" and rest:
            rest[-1].append(_as_said(quality, node))
        else:
            rest.append([_as_said(quality, node)])
    others = [any_of(nodes) for nodes in rest]
    if not colours:
        return all_of(others)
    colour = _either(colours)
    return all_of([colour, *others] if parts[0] in colours else [*others, colour])


def _either(colours: list[tuple[Quality, Node]]) -> Node:
    """One colour, or one of several; a hedge on the first is on all."""
    if len(colours) == 1:
        return _as_said(*colours[0])
    certainty = min(quality.certainty for quality, _ in colours) if colours[0][0].certainty < 1 else 1.0
    return hedge(any_of([node for _, node in colours]), certainty)


def _as_said(quality: Quality, node: Node) -> Node:
    return hedge(negate(node) if quality.denied else node, quality.certainty)


# --- the rules ---

RULES: list[Rule] = []


def rule(
    category: str, parts: str, cost: float = 0.0, name: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(meaning: Callable[..., Any]) -> Callable[..., Any]:
        RULES.append(Rule(name or f"{category} <- {parts}", category, tuple(parts.split()), cost, meaning))
        return meaning

    return add


def _with(joined: str, position: int = -1, *, mixed: bool = False) -> Callable[..., Qualities | None]:
    """A list of adjectives and one more, joined to it by this. mixed: a comma joins what is said of a part to what is
    said of people ("not blond, bald or old"), which is rare ("complexion fair, clean shaven")."""

    def meaning(*sems: Any) -> Qualities | None:
        more: Qualities = sems[position]
        if not joined and sems[0][-1].key == "#age" and _is_of_hair(more[0]):
            return None  # "woman 50 grey curly hair"
        if joined == "," and mixed is not (_of_people(more[0]) and _is_of_a_part(sems[0][-1])):
            return None
        if len(sems[0]) >= _MOST or (not joined and not more[0].known and not any(q.known for q in sems[0][-2:])):
            return None
        return (*sems[0], more[0]._replace(joined=joined), *more[1:])

    return meaning


def _is_of_a_part(quality: Quality) -> bool:
    """It is said of hair or skin, and not of people."""
    words = lexicon()
    return not _of_people(quality) and any(words.pair(noun, quality.key) is not None for noun in ("hair", "skin"))


def _is_of_hair(quality: Quality) -> bool:
    """It is said of hair and of nothing else that the tables know."""
    return lexicon().pair("hair", quality.key) is not None and not _of_people(quality)


def _slash(joined: str) -> Callable[..., Qualities | None]:
    """A slash joins colours and shapes of one thing; ages and what is said of people it only lists."""

    def meaning(first: Qualities, _mark: Any, more: Qualities) -> Qualities | None:
        both = {first[-1].key, more[0].key}
        if "bald" in both and both <= _SHAVEN:  # "bald/shaven"
            return (*first[:-1], first[-1] if first[-1].key == "bald" else more[0])
        colours = [lexicon().pair("hair", quality.key) is not None for quality in (*first, *more)]
        if any(
            quality.key.startswith("#") or (_of_people(quality) and not colour)
            for quality, colour in zip((*first, *more), colours, strict=True)
        ):
            return None
        return (*first, more[0]._replace(joined=joined), *more[1:])

    return meaning


_SHAVEN = frozenset(("bald", "shaven", "shaved", "balding"))
_WIDEST = 12
"""Words that a noun may have with all that stands before it."""
_MOST = 8
"""Adjectives in one list; a longer list is read in parts."""


def _shades(joined: str) -> Callable[..., Qualities | None]:
    """ "Light to dark brown": shades of one colour; "brown to grey": two."""

    def meaning(first: Qualities, to: Any, more: Qualities) -> Qualities | None:
        found = _with(joined)(first, to, more)
        shade = first[-1].key in _SHADES and more[0].key.partition(" ")[0] in _SHADES
        return found if not shade or found is None else (*first[:-1], *more)

    return meaning


_SHADES = frozenset(("light", "dark", "medium", "mid"))
_LISTS = {"/": _slash, "TO": _shades}

rule("A1", "A")(lambda a: (a,))
rule("A1", "NEG A", -0.5, "non-smiling")(lambda no, a: (a._replace(denied=not a.denied),) if no == "non" else None)
rule("A1", "DEG A1")(lambda _, a: a)
rule("A1", "A N+ed")(lambda a, n: _adjective_of((a,), n))
rule("A1", "DEG A N+ed")(lambda _, a, n: _adjective_of((a,), n))
rule("A1", "A A N+ed")(lambda a, b, n: None if a.key in ("black", "white") else _adjective_of((a, b), n))
rule("A1", "NX N+ed", 0.1)(lambda x, n: (Quality("#compound", x.start, n.end),))
rule("AP", "A1")(lambda a: a)
for _separator, _joins in (
    (",", ","),
    ("AND", "and"),
    (", AND", "and"),
    ("OR", "or"),
    (", OR", "or"),
    ("/", "or"),
    ("TO", "or"),
    ("BUT", "and"),
    (", BUT", "and"),
):
    rule("AP", f"AP {_separator} A1", 0.4 if _separator[0] in ",/" else 0.04)(_LISTS.get(_separator, _with)(_joins))
rule("AP", "AP , A1", 0.6, "mixed list")(_with(",", mixed=True))
rule("AP", "AP A1", 0.02)(_with(""))


@rule("AP", "AP WITH A1", 0.04)
def _mixed_colours(colours: Qualities, with_: Any, more: Qualities) -> Qualities | None:
    """ "Brown with grey": a mixed colour; but "he is black with grey hair"."""
    if colours[-1].key in ("black", "white") or not all(_is_colour(quality) for quality in (colours[-1], *more)):
        return None
    return _with("or")(colours, with_, more)


def _is_colour(quality: Quality) -> bool:
    """A colour that hair is searched by."""
    pair = lexicon().pair("hair", quality.key)
    return pair is not None and pair.reading is not None and pair.reading.node.attributes <= HAIR_COLOURS


@rule("AP", "AP , HEDGE A1", 0.04)
def _perhaps_colour(colours: Qualities, _comma: Any, certainty: float, more: Qualities) -> Qualities | None:
    """ "Brown, perhaps black hair"; of anything else a comma only lists."""
    if lexicon().pair("hair", more[0].key) is None:
        return None
    return (*colours, more[0]._replace(joined="or", certainty=certainty))


rule("NG", "N")(lambda n: n)
rule("NG", "NX")(lambda n: n)
rule("NG", "PN")(lambda n: n)


@rule("NG", "AP NG")
def _adjectives_before(adjectives: Qualities, thing: Thing) -> Thing | None:
    has_adjectives = any(quality.start < thing.start and quality.joined != "noun" for quality in thing.qualities)
    if has_adjectives or thing.end - adjectives[0].start > _WIDEST:
        return None
    if thing.noun is not None and _of_somebody(adjectives, thing.noun):
        return None
    if len(adjectives) > 1 and any(q.joined == "," for q in adjectives[1:]) and not _listed_before(adjectives, thing):
        return None
    return thing._replace(qualities=(*adjectives, *thing.qualities))


rule("NG", "AP , NG", 0.1, "grey, or maybe blond, hair")(
    lambda a, _c, n: _adjectives_before(a, n) if a[-1].joined == "or" and n.noun and n.noun.name == "hair" else None
)


def _of_somebody(adjectives: Qualities, noun: NounClass) -> bool:
    """What stands before a noun of the face is said of a person: an age, "bald beard", "male black short hair" (a
    length stands before a colour)."""
    first, *others = adjectives
    length = others[0].key in _LENGTHS and not others[0].joined if others else False
    if noun.name == "hair" and first.key in ("black", "white") and length:
        return True
    words = lexicon()
    listed = any(quality.joined == "and" for quality in others)
    foreign = (quality for quality in adjectives if not words.pair(noun.name, quality.key))
    return any(
        quality.key in ("#age", "#measure", *words.strong) or (listed and _of_people(quality)) for quality in foreign
    )


_OF_SKIN = frozenset(("black", "white", "brown", "dark", "light", "grey", "gray"))
"""Colours that are said of more than hair: a comma parts them from hair of which only a length is said."""
_WHOLE = frozenset(("#age", "#fact", "#measure"))
_LENGTHS = frozenset(("short", "long", "medium", "medium length", "shoulder length", "cropped"))


def _listed_before(adjectives: Qualities, thing: Thing) -> bool:
    """Adjectives with commas between may all belong to the noun; what is said of people does not ("40, bald, bushy
    moustache")."""
    if thing.person is not None:
        return True
    words = lexicon()
    last = max(at for at, quality in enumerate(adjectives) if quality.joined == ",")
    noun = thing.noun
    if adjectives[last - 1].key in _OF_SKIN and not _says_more(noun, adjectives[last:]):
        return False  # "male, white, short hair"
    foreign = [quality for quality in adjectives[:last] if noun is None or words.pair(noun.name, quality.key) is None]
    if any(quality.key in _WHOLE or ("person", quality.key) in words.pairs for quality in foreign):
        return False
    return not foreign or noun is None or "hair" in (noun.name, noun.parent)


def _says_more(noun: NounClass | None, adjectives: Qualities) -> bool:
    """One of the adjectives means something of the noun."""
    pairs = (lexicon().pair(noun.name, quality.key) for quality in adjectives if noun is not None)
    return any(pair is not None and pair.reading is not None for pair in pairs)


@rule("NG", "NX NG", 0.05, "compound")
def _compound(first: Thing, head: Thing) -> Thing | None:
    if head.end - first.start > _WIDEST // 2:
        return None
    if any(q.start < head.start and q.joined != "noun" for q in head.qualities) or (head.person and first.name):
        return None
    start = first.start if head.noun is None and head.person is None else head.start
    extra = () if start == first.start else (Quality(first.word, first.start, first.end, joined="noun"),)
    return head._replace(start=start, qualities=(*extra, *head.qualities))


@rule("NG", "PN N", 0.05, "police cap")
def _of_a_kind(kind: Thing, head: Thing) -> Thing | None:
    """What people of a kind wear."""
    person, worn = kind.person, head.noun is not None and head.noun.name in _WORN_BY_KIND
    if not worn or person is None or person.role == "described" or kind.qualities or head.qualities:
        return None
    return head._replace(qualities=(Quality(kind.word, kind.start, kind.end, joined="noun"),))


_WORN_BY_KIND = frozenset(("hat", "glasses", "necktie"))


@rule("NG", "N NG", 0.95, "compound of a known noun")
def _known_compound(first: Thing, head: Thing) -> Thing | None:
    if head.qualities or head.person is not None:
        return None
    listed = first.noun is not None and first.noun.bare is not None and lexicon().knows(head.word.partition(" ")[0])
    if listed and head.noun is None:
        return None  # "goatee leather jacket"; but "beard trimmer"
    same = first.noun is not None and head.noun is not None and first.noun.name == head.noun.name
    if head.noun is not None and not same and lexicon().pair(head.noun.name, first.word) is None:
        return None
    modifier = Quality(first.word, first.start, first.end, joined="noun")
    return head._replace(start=first.start if head.noun is None else head.start, qualities=(modifier,))


@rule("NG", "PN NX", 1.2, "compound of a person")
def _person_compound(first: Thing, head: Thing) -> Thing | None:
    if head.name:
        return first._replace(end=head.end, name=True) if first.person is not None else None
    return head._replace(start=first.start)


@rule("NG", "PN PN", 0.15, "two words for a person")
def _two_words(first: Thing, second: Thing) -> Thing | None:
    if first.person is None or second.person is None:
        return None
    both = [p.reading.node for p in (first.person, second.person) if p.reading is not None]
    role = "bystander" if "bystander" in (first.person.role, second.person.role) else second.person.role
    person = PersonWord(Reading(all_of(both)) if both else None, role, second.person.plural)
    return second._replace(start=first.start, person=person, qualities=first.qualities)


rule("NP", "NG")(lambda n: n)
_SOMEBODY = PersonWord(None, "described", True)


@rule("NP", "DET AP", 0.05, "the 71-year-old")
def _somebody_of_age(determiner: str, adjectives: Qualities) -> Thing | None:
    bare = determiner in ("a", "an") and len(adjectives) == 1
    if not (determiner == "the" or bare) or adjectives[0].key != "#age" or not all(each.known for each in adjectives):
        return None
    person = PersonWord(None, "described", False)
    return Thing(None, adjectives[0].start, adjectives[-1].end, adjectives, person, determiner)


@rule("NG", "N PN", 0.3, "chain snatcher")
def _agent(thing: Thing, agent: Thing) -> Thing | None:
    """Who takes, makes or sells a thing does not wear it."""
    takes = agent.word in ("thief", "thieves") or agent.word.endswith(("er", "or", "ers", "ors"))
    nobody = agent.person is not None and agent.person.reading is None
    return agent if takes and nobody and thing.noun is not None and thing.noun.bare is not None else None


rule("NP", "DET NG")(lambda d, n: n._replace(determiner=d))
rule("NP", "DET DET NG")(lambda _, d, n: n._replace(determiner=d))
rule("NG", "DEG NG", 0.05)(lambda _, n: n)
rule("NP", "DEG NP", 0.1)(lambda _, n: n)
rule("NP", "DET AP MEM", 0.05)(
    lambda _d, _a, m: (
        Thing(None, _a[0].start, _a[-1].end, _a, word="one") if m == "one" and _d in ("a", "an", "") else None
    )
)
rule("NP", "POSS NG")(lambda o, n: n._replace(owner=o))
rule("NP", "NUM NG")(lambda k, n: n._replace(number=k))
rule("NP", "DET NUM NG")(lambda d, k, n: n._replace(number=k, determiner=d))
rule("NP", "NUM OF DET NUM NG", -0.3)(lambda k, _o, d, m, n: n._replace(number=m, part=k, determiner=d))
rule("NP", "NUM OF DET NUM", -0.1)(
    lambda k, _o, d, m: Thing(None, 0, 0, number=m, part=k, determiner=d, person=_SOMEBODY, word="them")
)
rule("NP", "POSS NUM NG")(lambda o, k, n: n._replace(number=k, owner=o))
rule("NP", "DET POSS NG")(lambda _, o, n: n._replace(owner=o))
rule("NP", "NUM OF OBJ", 0.1)(
    lambda k, _, o: Thing(None, 0, 0, number=k, person=_SOMEBODY, word="them") if o in ("them", "us") else None
)
rule("NP", "NUM OF POSS NG", 0.1)(lambda _k, _, o, n: n._replace(owner=o))
rule("NP", "BOTH NG")(lambda _, n: n._replace(determiner="both"))
rule("NP", "BOTH DET NG")(lambda _, _d, n: n._replace(determiner="both"))
rule("NP", "BOTH OF DET NG")(lambda _, _o, _d, n: n._replace(determiner="both"))
rule("NP", "BOTH OF POSS NG")(lambda _, _o, o, n: n._replace(owner=o))
rule("MEM", "DET A1 MEM", -0.1)(lambda d, a, m: f"the {a[0].key} one" if d == "the" and m == "one" else None)
_NUMBERED = word_set("witness victim complainant officer caller informant bystander customer passenger")


def _is_numbered(thing: Thing) -> bool:
    assert thing.person is not None
    return thing.person.role == "described" or (thing.person.role == "bystander" and thing.word in _NUMBERED)


rule("LABEL", "PN NUM")(lambda p, k: (str(k), p) if k < 10 and _is_numbered(p) and not p.person.plural else None)
rule("LABEL", "PN HASH NUM", -0.2)(lambda p, _h, k: (str(k), p))
rule("LABEL", "PN LETTER")(lambda p, k: (k, p) if p.person.role == "described" else None)
rule("LABEL", "PN NO NUM", -0.2)(lambda p, _n, k: (str(k), p))
rule("LABEL", "NX NO NUM", -0.1)(lambda _n, _no, k: (str(k), None))
rule("LABEL", "NO NUM", 0.2)(lambda _, k: (str(k), None))
rule("LABEL", "HASH NUM", -0.2)(lambda _, k: (str(k), None))
rule("LABEL", "NUM )", 0.0)(lambda k, _: (str(k), None))
rule("NP", "EITHER POSS NG")(lambda _, o, n: n._replace(owner=o))
rule("NP", "NEITHER NG", -0.1)(
    lambda _, n: n._replace(determiner="neither") if n.person is not None and not n.person.plural else None
)


@rule("NP", "NP 's NG")
def _possessed(owner: Thing, _s: Any, thing: Thing) -> Thing | None:
    if thing.person is None and _is_described(owner):
        return None
    any_owner = owner.determiner in ("a", "an") or (owner.determiner not in _THE and _is_plural(owner))
    kind = any_owner and not owner.name and not owner.owner
    if kind and thing.noun is not None and thing.noun.bare is not None:
        return thing._replace(determiner=owner.determiner)  # "a painter's cap", "women's glasses"
    return thing._replace(owner="other")


_THE = word_set("the this that these those")


def _is_plural(thing: Thing) -> bool:
    return thing.person is not None and thing.person.plural


def _is_described(owner: Thing) -> bool:
    """ "The man's", "suspect's"; "a man's watch" is a kind of watch."""
    if owner.person is None or owner.person.role != "described" or owner.name or owner.owner:
        return False
    return owner.determiner in ("the", "this", "that") or (owner.determiner == "" and owner.person.reading is None)


rule("OWNER", "NP 's", -0.25, "the man's ...")(lambda n, _: n if _is_described(n) else None)


_NOT_SAID = word_set("wrong incorrect mistaken untrue unknown unidentified found located recovered")
_SIDES = word_set("back front side top brim peak bottom edge rim")


@rule("NP", "NP OF NP", 0.04, "a growth of beard")
def _growth_of(thing: Thing, _of: Any, of: Thing) -> Thing | None:
    grows = thing.noun is not None and thing.noun.name == "growth"
    return thing if grows and of.noun is not None and of.noun.name in ("beard", "stubble") else None


@rule("NP", "NP ON NP", 0.0, "hair on the chin")
def _hair_on(hair: Thing, _on: Any, place: Thing) -> Thing | None:
    on_face = place.noun is not None and place.noun.name in ("chin", "cheeks", "face")
    if hair.noun is None or hair.noun.name != "hair" or not on_face:
        return None
    colours = tuple(quality._replace(key="#colour", node=None) for quality in hair.qualities)
    return hair._replace(noun=lexicon().nouns["facial"]._replace(denied=None, narrow=True), qualities=colours)


@rule("NP", "NP IN NP", -0.1, "a ring in his ear")
def _in_the_ear(ring: Thing, _in: Any, ear: Thing) -> Thing | None:
    """What is worn in an ear is an earring, whatever it is like."""
    in_ear = ear.noun is not None and ear.noun.name == "ears"
    if not in_ear or ring.noun is not None or ring.person is not None or ring.name:
        return None
    return ring._replace(noun=lexicon().nouns["earrings"]) if _RING.intersection(ring.word.split()) else None


_RING = word_set("ring rings bar bars diamond diamonds sleeper sleepers jewel jewels piercing piercings pearl")


@rule("NP", "NP OF NP", 0.03, "a rat of a man")
def _likened(thing: Thing, _of: Any, of: Thing) -> Thing | None:
    plain = thing.person is None and thing.noun is None and thing.determiner in ("a", "an", "this", "that")
    return of if plain and of.person is not None and of.determiner in ("a", "an") and not thing.name else None


@rule("A1", "NX A1", 0.1, "bleach blonde")
def _shade(shade: Thing, colour: Qualities) -> Qualities | None:
    """A word that no table has before a colour of hair says which shade of it."""
    pair = lexicon().pair("hair", colour[0].key)
    known = pair is not None and pair.reading is not None and pair.reading.node.attributes <= HAIR_COLOURS
    return None if shade.name or not known or shade.noun is not None else colour


rule("NG", "NG SFX", 0.0, "a goatee type thing")(lambda n, _: n)


@rule("NP", "NP OF NP", 0.05, "a thing of something")
def _thing_of(thing: Thing, _of: Any, of: Thing) -> Thing | None:
    marks = thing.noun is not None and thing.noun.name == "marks"
    if thing.person is not None or (thing.noun is not None and not marks):
        return None
    if of.person is not None and not marks and thing.word not in lexicon().sets["OWNED"]:
        return None
    if of.noun is not None and (of.noun.bare is not None or of.qualities) and thing.word in _SIDES:
        return None
    return thing._replace(end=of.end)


_MEMBERS = word_set("first second third fourth other latter former last")


@rule("PRED", "NP BE AP", -0.1)
def _said_of(thing: Thing, _be: Any, adjectives: Qualities) -> Said | None:
    if thing.person is not None or thing.name or adjectives[0].key in _NOT_SAID:
        return None
    if thing.noun is None and thing.determiner == "the" and thing.word in _MEMBERS:
        return None
    if thing.noun is None and any(_of_people(quality) for quality in (*adjectives, *thing.qualities)):
        return None
    return None if _strays(thing, adjectives) else Said(thing, adjectives)


def _strays(thing: Thing, adjectives: Qualities) -> bool:
    """Behind a comma something is said of the person: "hair cut short, clean shaven"."""
    words = lexicon()
    return thing.noun is not None and any(
        quality.joined == "," and _of_people(quality) and words.pair(thing.noun.name, quality.key) is None
        for quality in adjectives
    )


def _of_people(quality: Quality) -> bool:
    return quality.key == "#age" or ("person", quality.key) in lexicon().pairs


@rule("PRED", "NP AP", 0.15)
def _said_behind(thing: Thing, adjectives: Qualities) -> Said | None:
    first = adjectives[0]
    if thing.noun is None or thing.person is not None or first.key.startswith("#") or not first.known:
        return None
    aged = thing.noun.bare is not None and any(each.key == "#age" for each in adjectives)
    if first.key in _NOT_SAID or aged:
        return None
    grown = "beard" in (thing.noun.name, thing.noun.parent) and lexicon().pair("hair", first.key) is not None
    if lexicon().pair(thing.noun.name, first.key) is None and _of_people(first) and not grown:
        return None
    return None if _strays(thing, adjectives) else Said(thing, adjectives)


rule("PRED", "NP BE DET AP", -0.05)(lambda t, _b, _d, a: None if t.noun is None else _said_of(t, _b, a))
rule("PRED", "NP REL BE AP", -0.1)(lambda t, _r, _b, a: _said_of(t, _b, a))
rule("PRED", "NP , REL BE AP", -0.1)(lambda t, _c, _r, _b, a: _said_of(t, _b, a))
rule("PRED", "NP BE HEDGE AP", -0.1)(lambda t, _b, h, a: s._replace(certainty=h) if (s := _said_of(t, _b, a)) else None)
rule("PRED", "NP HEDGE AP", 0.15)(lambda t, h, a: s._replace(certainty=h) if (s := _said_behind(t, a)) else None)
rule("PRED", "NP BE NEG AP", -0.1)(lambda t, _b, _n, a: s._replace(denied=True) if (s := _said_of(t, _b, a)) else None)
rule("PRED", "NP REL BE NEG AP", -0.1)(
    lambda t, _r, _b, _n, a: s._replace(denied=True) if (s := _said_of(t, _b, a)) else None
)
rule("PRED", "NP NEG AP", 0.15)(lambda t, _n, a: s._replace(denied=True) if (s := _said_behind(t, a)) else None)


@rule("NP", "NP OR AP", 0.1)
def _or_adjective(thing: Thing, _or: Any, more: Qualities) -> Thing | None:
    """ "Brown hair, or maybe black", "dark hair mixed with grey"."""
    if thing.noun is None or lexicon().pair(thing.noun.name, more[0].key) is None:
        return None
    return thing._replace(qualities=(*thing.qualities, more[0]._replace(joined="or"), *more[1:]))


rule("NP", "NP 's", 0.4, "somebody's")(lambda n, _: n._replace(person=None, noun=None, qualities=()))
rule("OR", ", OR", 0.0)(lambda _c, o: o)
rule("OR", "OR HEDGE", -0.3, "or perhaps")(lambda o, _h: o)
rule("OR", "OR V", -0.1, "or wearing")(lambda o, verb: o if verb in ("wear", "have") else None)
rule("OR", "OR IN", -0.1)(lambda o, _in: o)
rule("OR", "OR WITH", -0.1)(lambda o, _with: o)
rule("ITEM", "NP")(lambda n: n)
rule("ITEM", "PRED")(lambda n: n)
rule("ITEM", "AP", 0.05)(lambda n: n)


@rule("CHOICE", "ITEM OR ITEM")
def _choice(one: Any, _or: Any, other: Any) -> Choice | None:
    """Two phrases of which one holds; but in "brown hair or black" the second is of the noun of the first."""
    noun = one.thing.noun if isinstance(one, Said) else one.noun if isinstance(one, Thing) else None
    alone = not isinstance(other, (Thing, Said))
    if noun is not None and alone and lexicon().pair(noun.name, other[0].key) is not None:
        return None
    adjectives = [not isinstance(each, (Thing, Said)) for each in (one, other)]
    if all(adjectives):
        return None  # one list
    if adjectives[0] and _is_of(one, other):
        return None  # "black or brown hair"
    return Choice((one, other))


def _is_of(adjectives: Qualities, phrase: Any) -> bool:
    """The adjectives are of the noun behind "or"; but "bald or a hat", "bald or in a hat"."""
    thing = phrase.thing if isinstance(phrase, Said) else phrase
    if not isinstance(thing, Thing):
        return False
    if thing.noun is None or thing.determiner:
        return thing.noun is None and not thing.determiner
    own = lexicon().pair(thing.noun.name, adjectives[-1].key)
    return own is not None or ("person", adjectives[-1].key) not in lexicon().pairs


rule("CHOICE", "ITEM OR NEG ITEM")(lambda a, _o, _n, b: Choice((a, Denied(b))))
rule("CHOICE", "ITEM OR NEG CHOICE", -0.1)(lambda a, _o, _n, b: Choice((a, Denied(b))))
rule("CHOICE", "CHOICE OR ITEM", 0.0)(lambda a, _o, b: Choice((*a.options, b)))
rule("CHOICE", "ITEM NOR ITEM", 0.0)(lambda a, _o, b: Choice((a, b), nor=True))
rule("CHOICE", "CHOICE NOR ITEM", 0.0)(lambda a, _o, b: a._replace(options=(*a.options, b), nor=True))
rule("NP", "NUM X_TIMES NG")(lambda k, _x, n: n._replace(number=k))
rule("NP", "PN X_TIMES")(lambda n, k: n._replace(number=k))
rule("CHOICE", "BOTH NP AND NP", -0.5)(
    lambda _b, one, _a, other: Choice((one, other), together=True) if one.noun and other.noun else None
)
rule("CHOICE", "ITEM / ITEM", 0.1)(lambda a, _o, b: _slashed(a, b))


def _slashed(one: Any, other: Any) -> Choice | None:
    """A slash joins what is alike ("beard/moustache") and only lists the rest ("male/30s/fat"); in "brown hair/beard"
    it
    may do either."""
    if not (isinstance(one, Thing) and isinstance(other, Thing)) or one.noun is None or other.noun is None:
        return None
    hair = one.noun.name == "hair" and one.qualities and not other.qualities
    if hair and other.noun.name in ("beard", "mustache", "facial"):
        return Choice((one, other), unclear=True)
    return Choice((one, other)) if one.noun.bare is not None else None


def _adjective_of(adjectives: Qualities, thing: Thing) -> Qualities:
    """ "dark-haired": an adjective of the noun."""
    assert thing.noun is not None
    found = meaning(lexicon(), thing.noun, adjectives)
    return (Quality("#fact", adjectives[0].start, thing.end, found.node, narrow=found.narrow),)


@cache
def grammar() -> Grammar:
    return Grammar(RULES)


_PRICES = {
    "CHOICE": 0.9,
    "PRED": 1.0,
    "NP": 1.0,
    "AP": 1.05,
    "X": 0.6,
    "LABEL": 0.9,
    "HASH": 0.6,
    "LETTER": 50.0,
    "NO": 50.0,
    "X_TIMES": 0.9,
    "SKIP": 2.0,
    ",": 0.3,
    "DET": 1.3,
    "POSS": 1.3,
}
_INNER = frozenset(("A", "A1", "NG", "N", "NX", "PN", "N+ed", "ITEM", "DEG1", "'s"))


def price(edge: Edge) -> float:
    """What a phrase adds to the cost of reading a sentence: few and long phrases are cheap."""
    if edge.category in _INNER:
        return 50.0
    return _PRICES.get(edge.category, 0.7) + edge.cost
