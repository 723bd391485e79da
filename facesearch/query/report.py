"""What was read of a statement and what was not, word by word."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from facesearch.query.errors import Notice
from facesearch.query.lexicon import Lexicon
from facesearch.query.oddities import odd_pairs
from facesearch.query.reading import HAIR_COLOURS
from facesearch.query.said_ages import said_ages
from facesearch.query.scene import Fact, Person, Scene
from facesearch.query.slips import Slip
from facesearch.query.tokens import Token, is_picture
from facesearch.query.tree import EVERYTHING, And, Node, Or, Term, Weighted, all_of, any_of, firm, hedge, outcomes


class Used(NamedTuple):
    """Words that are searched: where they stand (code points), and what they mean. rough: they say more than that."""

    words: str
    start: int
    end: int
    means: str
    rough: bool = False


class SetAside(NamedTuple):
    """Words that are not searched: where they stand (code points), and why (see `errors.WHYS`). person: the number of
    whom they are said of; 0: of nobody who is described, or of all."""

    words: str
    start: int
    end: int
    why: str
    person: int = 0


_PAIR = 2
"""Members of a group that are counted whatever is said of them."""


def described(scene: Scene) -> list[Person]:
    """The described persons, in the order in which they are described; at least one."""
    persons = _counted(scene, [person for person in scene.persons if not person.group])
    sure = [person for person in persons if person.facts or person.named or person.label]
    persons = sure or persons[:1]
    for person in persons:
        _complete(person)
    if not persons and scene.open_group is not None:
        persons = [Person(facts=list(scene.shared))]

    return _in_order(persons) or [Person()]


def _in_order(persons: list[Person]) -> list[Person]:
    """Whom something is said of, in that order; the others stay where they are named among them."""
    named = sorted(persons, key=lambda each: min((each.at, *(fact.start for fact in each.facts))))
    told = sorted((each for each in named if _told_at(each) is not None), key=lambda each: _told_at(each) or 0)
    rest = iter(told)
    return [each if _told_at(each) is None else next(rest) for each in named]


def _told_at(person: Person) -> int | None:
    """Where it is first said what somebody looks like, or how they are told from others."""
    told = [fact.start for fact in person.facts if fact.kind not in ("person", "sex")]
    return min([*told, person.at]) if person.traits and told else min(told, default=person.again)


def _counted(scene: Scene, persons: list[Person]) -> list[Person]:
    """Without those of a group of whom nothing is said, where something is of another: "four people wearing ski masks;
    one of them had a goatee"."""
    members = [person for person in scene.group if person in persons]
    told = [person for person in members if person.facts or person.label]
    if not told or len(members) <= _PAIR:
        return persons
    return [person for person in persons if person in told or person not in members or person.assigned]


def _complete(person: Person) -> None:
    """ "The first man ..., the second ...": a man, too, unless something else is said."""
    if person.like is None or person.sex is not None or person.pronoun_sex is not None:
        return
    first, start, end = person.like
    if first.sex is not None:
        person.sex = first.sex
        person.facts.insert(0, Fact(first.sex, start, end, kind="person"))


def tree_of(person: Person) -> Node:
    """What is searched for a person."""
    nodes: list[Node] = [hedge(fact.node, fact.certainty) for fact in person.facts]
    if person.pronoun_sex is not None and person.sex is None:
        nodes.insert(0, person.pronoun_sex)
    return all_of(_mixed(nodes))


def _is_colour(node: Node) -> bool:
    if isinstance(node, Weighted):
        return _is_colour(node.child)
    if isinstance(node, Or):
        return all(_is_colour(child) for child in node.children)
    return isinstance(node, Term) and node.holds and node.attributes <= HAIR_COLOURS


def _mixed(nodes: list[Node]) -> Iterator[Node]:
    """Colours of hair are alternatives, wherever they are said: "brown hair, with grey at the temples"."""
    colours = _colours(nodes)
    for node in nodes:
        if node not in colours:
            yield node
        elif node is colours[0]:
            certainty = max(each.certainty if isinstance(each, Weighted) else 1.0 for each in colours)
            yield hedge(any_of(dict.fromkeys(map(firm, colours))), certainty)


def _colours(nodes: list[Node]) -> list[Node]:
    """The colours that are said plainly, or, if none is, those under a hedge."""
    found = [node for node in nodes if _is_colour(node)]
    return [node for node in found if not isinstance(node, Weighted)] or found


def used(text: str, found: Sequence[Token], person: Person) -> tuple[Used, ...]:
    """The words that describe a person."""
    told: dict[Used, None] = {}
    for fact in person.facts:
        for (start, end), node in _parts(fact):
            a, b = found[start].start, found[end - 1].end
            told[Used(text[a:b], a, b, str(hedge(node, fact.certainty)), fact.rough)] = None
    return tuple(told)


def _parts(fact: Fact) -> Iterator[tuple[tuple[int, int], Node]]:
    """The words of a fact, each with its own part of the meaning where that is known."""
    spans = fact.used or ((fact.start, fact.end),)
    parts = fact.node.children if isinstance(fact.node, (And, Or)) else (fact.node,)
    yield from zip(spans, parts if len(parts) == len(spans) else (fact.node,) * len(spans), strict=True)


def set_aside(
    text: str, found: Sequence[Token], words: Lexicon, scene: Scene, persons: Sequence[Person]
) -> Iterator[SetAside]:
    """The words that are not searched, neighbours with the same reason in one."""
    spans = [span for person in persons for fact in person.facts for span, _ in _parts(fact)]
    kept = {at for start, end in (*spans, *scene.used) for at in range(start, end)}
    why = _reasons(found, words, scene, kept)
    numbers = {id(person): number for number, person in enumerate(persons, 1)}
    whose = {at: numbers.get(id(scene.aside_of.get(at)), 0) for at in why}
    for run in _runs(why, whose):
        first = next((at for at in run if not words.says_nothing(list(found[at : at + 8]), 0)), run[-1])
        if any(_says(found[each]) for each in run):
            start, end = found[first].start, found[run[-1]].end
            yield SetAside(text[start:end], start, end, why[first], whose[first])


def not_ticked(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[SetAside]:
    """What stands at the empty boxes of a form."""
    return (SetAside(text[start:end], start, end, "not known") for start, end in sorted(spans))


def _runs(why: dict[int, str], whose: dict[int, int]) -> Iterator[list[int]]:
    """Neighbouring words with the same reason, said of the same person."""
    run: list[int] = []
    for at in sorted(why):
        if run and (at != run[-1] + 1 or (why[at], whose[at]) != (why[run[0]], whose[run[0]])):
            yield run
            run = []
        run.append(at)
    if run:
        yield run


def _reasons(found: Sequence[Token], words: Lexicon, scene: Scene, kept: set[int]) -> dict[int, str]:
    """Why each word is not searched; small words are left out."""
    why: dict[int, str] = {}
    for start, end, reason in scene.aside:
        for at in range(start, min(end, len(found))):
            why.setdefault(at, reason)
    for at, token in enumerate(found):
        if at not in why and _says(token) and not words.says_nothing(list(found[at : at + 8]), 0):
            why[at] = "action" if token.sort != "mark" else "not scored"
    why = {at: reason for at, reason in why.items() if at not in kept}
    for at in sorted(why, reverse=True):
        if why[at] in ("not scored", "quality", "place"):
            why[at] = _kind_of_thing(found, words, why, at)
    return why


def _says(token: Token) -> bool:
    """A word, a number, or a picture."""
    return token.sort in ("word", "number") or is_picture(token.normal)


def _kind_of_thing(found: Sequence[Token], words: Lexicon, why: dict[int, str], at: int) -> str:
    """The kind of a thing that no table joins to a face; an adjective is of the kind of its thing."""
    if found[at].normal in words.sets["BUILDS"] or _HEIGHT.match(found[at].normal):
        return "body"
    kind = words.kind_of_thing(list(found[at : at + 8]), at=0)
    behind = why.get(at + 1, "")
    return kind or (behind if behind == "body" or (behind == "clothes" and found[at].sort == "word") else why[at])


_HEIGHT = re.compile(r"\d+(?:ft|cms?|kgs?|st|lbs?|m)$")


def notices(persons: Sequence[Person], told: Sequence[tuple[Used, ...]], slips: Sequence[Slip]) -> Iterator[Notice]:
    """What the reader should know."""
    for number, person in enumerate(persons, 1):
        if person.pronoun_sex is not None and person.sex is None:
            yield Notice("pronoun", {"sex": str(person.pronoun_sex)}, number)
        yield from (replace(each, person=number) for each in notices_on(tree_of(person)))
    uncounted = {str(age.word) for person in persons for age in said_ages(tree_of(person)) if not age.certainty}
    for slip in slips:
        yield Notice("corrected", {"typed": slip.typed, "read": slip.read})
    for number, words in enumerate(told, 1):
        yield from (notice for each in _joined(words) if (notice := _on_words(each, number, uncounted)) is not None)
    if not any(person.facts or person.pronoun_sex is not None for person in persons):
        yield Notice("nothing")


def _on_words(each: Used, number: int, uncounted: set[str]) -> Notice | None:
    """Words that say more than they are searched as. uncounted: ages of which a notice says that they do not count."""
    if each.means in ("young", "old") and each.words.casefold() not in ("young", "old", "younger", "older"):
        return None if each.means in uncounted else Notice("age", {"words": each.words, "means": each.means}, number)
    if each.rough and each.words.casefold() != each.means:
        return Notice("rough", {"words": each.words, "means": each.means}, number)
    return None


def _joined(told: Sequence[Used]) -> Iterator[Used]:
    """Neighbours that together mean one thing ("huge" and "nose") as one."""
    last: Used | None = None
    for each in sorted(told, key=lambda used: used.start):
        if last is not None and each.rough and each.means == last.means and each.start == last.end + 1:
            last = last._replace(words=f"{last.words} {each.words}", end=each.end)
            continue
        if last is not None:
            yield last
        last = each
    if last is not None:
        yield last


def notices_on(tree: Node) -> Iterator[Notice]:
    """What is odd about a tree as a whole."""
    if pairs := odd_pairs(tree):
        yield Notice("rare", {"pairs": pairs})
    if tree == EVERYTHING:
        return
    if False not in outcomes(tree):
        yield Notice("always")
    elif firm(tree) != tree and True not in outcomes(firm(tree)):
        yield Notice("hedges")
