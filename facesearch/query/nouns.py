"""Which noun the adjectives of a description belong to, before its grammar is read.

What is said of hair stands in `hair`. A colour beside another thing ("black hat") is known but not scored, as are
"long", "thick" and the like; two qualities of one noun that are both scored are two things ("big pointy nose").
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from facesearch.errors import QueryError
from facesearch.query import colours, hair
from facesearch.query.entries import Entry, Role
from facesearch.query.groups import LISTING, NAMED, Item, comma_as_or, entry_of, is_adjective
from facesearch.query.lexicon import known
from facesearch.query.tokens import Kind, Token
from facesearch.query.tree import Term
from facesearch.query.vocabulary import is_one_thing

_ENUMERATING = (*LISTING, Kind.COMMA)


def resolved(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items of one group with every adjective beside its noun. Raises QueryError where one has none, or strays from
    it.
    """
    colours.refuse_form_without_colons(items)
    coloured = colours.like_the_beard(hair.blended(colours.of_the_person(hair.shaved(items))))
    said = hair.after_hair(_with_adjectives(_with_own_noun(hair.beside_its_colour(coloured))))
    _refuse_rather(said)
    _refuse_one_thing(said)
    return tuple(_with_neither(hair.with_hair(said)))


def _with_own_noun(items: Sequence[Item]) -> list[Item]:
    """ "big, pointy nose" as "big nose, pointy nose", and "bushy or arched eyebrows" and "nose pointy and big", too:
    both are scored."""
    found = list(items)
    for at, item in enumerate(items):
        entry = entry_of(item)
        if not isinstance(item, Token) or entry is None or entry.meaning is not None or entry.role is Role.THING:
            continue
        said = entry.said.split()
        noun = at + 1
        while noun < len(items) and (_is_adjective(items[noun], with_colours=True) or items[noun].kind in _ENUMERATING):
            noun += 1
        named = entry_of(items[noun]) if noun < len(items) else None
        before = entry_of(items[at - 2]) if at > 1 and items[at - 1].kind in _ENUMERATING else None
        own: list[Entry | None] = []
        if named is not None and len(named.said.split()) > 1:
            own.append(known(*said, named.said.split()[-1]))
        if before is not None:
            own.append(known(before.said.split()[0], *said))
        scored = next((each for each in own if each is not None and isinstance(each.meaning, Term)), None)
        if scored is not None:
            found[at] = replace(item, entry=scored)
    return found


def _with_adjectives(items: Sequence[Item]) -> list[Item]:
    """ "long black hat" as one item with two adjectives, and "long or short beard", too."""
    found: list[Item] = []
    at = 0
    while at < len(items):
        noun, adjectives = _noun_of(items, at)
        item = items[noun]
        if adjectives and isinstance(item, Token):
            first = adjectives[0]
            shown = tuple(each.shown for each in adjectives)
            item = replace(item, adjectives=shown, position=first.position, touches=first.touches)
        found.append(item)
        at = noun + 1
    return found


def _noun_of(items: Sequence[Item], start: int) -> tuple[int, list[Token]]:
    """Where the noun stands of the unscored adjectives that begin at `start`, and these; `start` and none where no
    noun follows at once.
    """

    def run(with_colours: bool) -> tuple[int, list[Token]]:
        adjectives: list[Token] = []
        at = start
        while True:
            item = items[at] if at < len(items) else None
            if not isinstance(item, Token) or not _is_adjective(item, with_colours):
                return at, adjectives
            adjectives.append(item)
            at += 1
            if at + 1 < len(items) and items[at].kind in LISTING and _is_adjective(items[at + 1], with_colours):
                at += 1

    for with_colours in (True, False):
        noun, adjectives = run(with_colours)
        if not adjectives or noun == len(items):
            continue
        item, entry = items[noun], entry_of(items[noun])
        if isinstance(item, Token) and entry is not None and item.touches:
            if entry.meaning is not None and adjectives[-1].shown[0].isdecimal():  # "man 45 glasses"
                continue
            of_hair = entry.of_hair or entry.says_hair or entry.said.endswith(" hair")  # "receding hair"
            if (entry.thing and not of_hair) if with_colours else of_hair:
                return noun, adjectives
    return start, []


def _is_adjective(item: Item, with_colours: bool) -> bool:
    entry = entry_of(item)
    return is_adjective(item) and entry is not None and not entry.says_hair and (with_colours or not entry.colour)


def _refuse_rather(items: Sequence[Item]) -> None:
    """ "pretty old" may be rather old."""
    for before, item in pairwise(items):
        entry, of = entry_of(item), entry_of(before)
        if of is None or of.said != "pretty" or entry is None or not isinstance(item, Token) or not item.touches:
            continue
        if not (entry.person or entry.thing or entry.of_hair or entry.role is Role.COLOUR):
            raise QueryError(
                f'"{before.shown} {item.shown}" can mean "attractive, {item.shown}" or only "{item.shown}": write the '
                "one you mean.",
                before.position,
            )


def _refuse_one_thing(items: Sequence[Item]) -> None:
    """ "curly beard": the adjective would be read as hair, and leave its noun."""
    for before, item in pairwise(items):
        if not isinstance(before, Token) or not isinstance(item, Token) or not item.touches:
            continue
        if before.entry is not None and item.entry is not None and is_one_thing(before.entry, item.entry):
            thing = " ".join((before.shown, *item.adjectives, item.shown))
            raise QueryError(
                f'Search does not know "{thing}" as one thing: leave "{before.shown}" out, or put a comma behind it if '
                "you mean both.",
                before.position,
            )


def _with_neither(items: Sequence[Item]) -> list[Item]:
    """The commas of "neither hat, glasses nor beard" become its "or"."""
    joined = list(items)
    for start, item in enumerate(items):
        if item.shown.casefold() != "neither":
            continue
        commas: list[int] = []
        for at in range(start + 1, len(items)):
            if items[at].kind is Kind.NOR:
                for comma in commas:
                    if items[comma + 1].kind in (*NAMED, Kind.WITH):
                        joined[comma] = comma_as_or(items[comma])
                break
            if items[at].shown == ",":
                commas.append(at)
            elif items[at].kind is not Kind.WITH and (items[at].kind not in NAMED or items[at - 1].kind in NAMED):
                break
    return joined
