"""Which noun the adjectives of a description belong to, before its grammar is read.

A bare colour belongs to the "hair" behind it or before it ("black, brown or blond hair", "hair that is black or
brown"), and the commas between such colours become their "or". Beside another thing ("black hat") or a person ("black
man") it is known but not scored, as are "long", "thick" and the like.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from facesearch.errors import QueryError
from facesearch.query.entries import Entry, Role
from facesearch.query.lexer import Kind, Token, known
from facesearch.query.tree import Term
from facesearch.query.vocabulary import OF_PEOPLE, is_one_thing


@dataclass(frozen=True)
class Group:
    """What stands between a "(" at `position` and its ")", or the whole text."""

    position: int
    items: "tuple[Item, ...]"

    kind: Kind = Kind.GROUP
    shown: str = "("


Item = Token | Group

_NAMED = (Kind.TERM, Kind.GROUP)
_JOINS = (Kind.COMMA, Kind.AND, Kind.OR, Kind.NOR, Kind.NOT, Kind.DASH, Kind.HEDGE)
_LISTING = (Kind.OR, Kind.NOR, Kind.AND)


def resolved(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items of one group with every adjective beside its noun. Raises QueryError where one has none, or strays from
    it.
    """
    said = _after_hair(_with_adjectives(_with_own_noun(_hair_beside_its_colour(_hair_like_the_beard(items)))))
    _refuse_rather(said)
    _refuse_one_thing(said)
    return tuple(_with_neither(_with_hair(said)))


def entry_of(item: Item) -> Entry | None:
    return item.entry if isinstance(item, Token) else None


def _hair_beside_its_colour(items: Sequence[Item]) -> list[Item]:
    """ "hair maybe black" as "maybe hair black"."""
    found: list[Item] = []
    at = 0
    while at < len(items):
        item, end = items[at], at + 1
        if isinstance(item, Token) and item.entry is not None and item.entry.said == "hair":
            while end < len(items) and items[end].kind in (Kind.NOT, Kind.HEDGE):
                end += 1
            colour = entry_of(items[end]) if at + 1 < end < len(items) else None
            of_hair = None if colour is None else known("hair", *colour.said.split())
            if of_hair is not None:
                found += items[at + 1 : end]
                found.append(replace(item, entry=of_hair, shown=f"{item.shown} {items[end].shown}"))
                at = end + 1
                continue
        found.append(item)
        at += 1
    return found


def _hair_like_the_beard(items: Sequence[Item]) -> list[Item]:
    """ "gray beard and hair" as "gray beard and gray hair"."""
    found = list(items)
    for at, item in enumerate(items):
        entry = entry_of(item)
        if at < 2 or entry is None or entry.said != "hair" or items[at - 1].kind is not Kind.AND:
            continue
        named = [e for each in items[max(0, at - 3) : at - 1] if (e := entry_of(each)) is not None]
        colours = [each.said.split()[0] for each in named if each.bare or each.role is Role.THING]
        of_hair = known(*colours[-1:], "hair")
        if of_hair is not None and of_hair.colour and isinstance(item, Token):
            found[at] = replace(item, entry=of_hair)
    return found


def _with_own_noun(items: Sequence[Item]) -> list[Item]:
    """ "big pointy nose" as "big nose, pointy nose", and "bushy or arched eyebrows", too: both are scored."""
    found = list(items)
    for at, item in enumerate(items):
        entry = entry_of(item)
        if not isinstance(item, Token) or entry is None or entry.meaning is not None or entry.role is Role.THING:
            continue
        noun = at + 1
        while noun < len(items) and (_is_adjective(items[noun], colours=True) or items[noun].kind in _LISTING):
            noun += 1
        named = entry_of(items[noun]) if noun < len(items) else None
        if named is not None and len(named.said.split()) > 1:
            own = known(entry.said, named.said.split()[-1])
            if own is not None and isinstance(own.meaning, Term):
                found[at] = replace(item, entry=own)
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

    def run(colours: bool) -> tuple[int, list[Token]]:
        adjectives: list[Token] = []
        at = start
        while True:
            item = items[at] if at < len(items) else None
            if not isinstance(item, Token) or not _is_adjective(item, colours):
                return at, adjectives
            adjectives.append(item)
            at += 1
            if at + 1 < len(items) and items[at].kind in _LISTING and _is_adjective(items[at + 1], colours):
                at += 1

    for colours in (True, False):
        noun, adjectives = run(colours)
        if not adjectives or noun == len(items):
            continue
        item, entry = items[noun], entry_of(items[noun])
        if isinstance(item, Token) and entry is not None and item.touches:
            of_hair = entry.of_hair or entry.says_hair
            if (entry.thing and not of_hair) if colours else of_hair:
                return noun, adjectives
    return start, []


def _is_adjective(item: Item, colours: bool) -> bool:
    """It is said of a thing behind it, and there not scored: "long", and among `colours` "black"."""
    entry = entry_of(item)
    if entry is None or entry.says_hair:
        return False
    if entry.role in (Role.MODIFIER, Role.TRAIT):
        return True
    return colours and entry.bare and entry.colour


def _after_hair(items: Sequence[Item]) -> list[Item]:
    """ "hair short, black and straight" as "hair short, hair black and hair straight".

    A second colour is left alone: only "or" joins it to the first.
    """
    found = list(items)
    sorts: set[bool] | None = None  # of the hair that is being described: whether a colour, a kind was said
    for at, item in enumerate(items):
        entry = entry_of(item)
        if entry is None or isinstance(item, Group):
            sorts = sorts if item.kind in _JOINS else None
            continue
        if entry.said.split()[0] == "hair":
            sorts = {entry.colour} if entry.of_hair else set()
        elif sorts is None or not (entry.of_hair or entry.role is Role.MODIFIER) or entry.says_hair:
            sorts = None
        elif entry.of_hair:
            of_hair = known("hair", *entry.said.split())
            if entry.colour not in sorts and of_hair is not None and not _stands_before_its_noun(items, at):
                found[at] = replace(item, entry=of_hair)
            sorts.add(entry.colour)
    return found


def _stands_before_its_noun(items: Sequence[Item], at: int) -> bool:
    return _hair_after(items, at) is not None or (at + 1 < len(items) and items[at + 1].kind in _NAMED)


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
                f'Search does not know "{thing}" as one thing: put a comma between the two if you mean both.',
                before.position,
            )


def _with_hair(items: Sequence[Item]) -> list[Item]:
    """Bare colours find the hair that follows them, and the commas between them become its "or"."""
    joined = list(items)
    for at in _commas_between_alternative_colours(items):
        joined[at] = _comma_as_or(items[at])
    after_hair = _alternatives_after_hair(items)
    for at in after_hair:
        if items[at].kind is Kind.COMMA and items[at + 1].kind is Kind.TERM:
            joined[at] = _comma_as_or(items[at])
    for start, item in enumerate(items):
        if start in after_hair or not isinstance(item, Token) or item.entry is None:
            continue
        if item.entry.says_hair or not item.entry.of_hair:
            continue
        hair = _hair_after(items, start)
        commas = [k for k in range(start, hair or start) if _is_comma_between_colours(items, k)]
        ors = [k for k in range(start, hair or start) if items[k].kind in (Kind.OR, Kind.NOR)]
        list_without_or = bool(commas) and (not ors or ors[-1] < commas[-1])
        if item.entry.bare and item.entry.meaning is not None and (hair is None or list_without_or):
            if hair is not None or not _is_of_eyes_or_person(items, start):
                raise _alone(item)
            joined[start] = replace(item, entry=Entry(item.entry.said, None, role=Role.TRAIT))
        if not list_without_or:
            for comma in commas:
                joined[comma] = _comma_as_or(items[comma])
    return joined


def _commas_between_alternative_colours(items: Sequence[Item]) -> Iterator[int]:
    """The commas of "blonde, brunette or redhead", unless something denies or hedges the first."""
    commas: list[int] = []
    for at in range(1, len(items) - 1):
        before, after = (entry_of(items[k]) for k in (at - 1, at + 1))
        if before is None or after is None:
            continue
        first = at < 2 or items[at - 2].kind not in (Kind.NOT, Kind.DASH, Kind.HEDGE)
        if not (before.colour and after.colour and not before.bare and not after.bare) or (not commas and not first):
            commas = []
        elif items[at].shown == ",":
            commas.append(at)
        elif items[at].kind is Kind.OR:
            yield from commas
            commas = []


def _alone(colour: Token) -> QueryError:
    assert colour.entry is not None
    only = "hair has colours" if colour.entry.colour else "hair is that"
    return QueryError(
        f'"{colour.shown}" alone is not scored: say "{colour.shown} hair" if you mean the hair, and leave it out if '
        f"you mean something else (only {only} here).",
        colour.position,
    )


def _is_of_eyes_or_person(items: Sequence[Item], start: int) -> bool:
    """The colour at `start` is said of eyes that follow ("brown or blue eyes") or of a person ("black young man")."""
    colour = entry_of(items[start])
    assert colour is not None
    for item in items[start + 1 :]:
        entry = entry_of(item)
        if item.kind is Kind.PERSON or (entry is not None and entry.person):
            return colour.said in OF_PEOPLE
        if entry is None:
            if item.kind not in _LISTING:
                return False
        elif entry.thing or entry.says_hair:
            return entry.meaning is None and entry.eyes
    return False


def _comma_as_or(comma: Item) -> Item:
    return replace(comma, kind=Kind.OR)


def _alternatives_after_hair(items: Sequence[Item]) -> set[int]:
    """Where colours and the joins between them stand that belong to a "hair" before them: "hair is black, brown or
    gray". The same for kinds of hair.
    """
    found: set[int] = set()
    for start, item in enumerate(items):
        hair = entry_of(item)
        if hair is None or not hair.of_hair or not hair.said.startswith("hair "):
            continue
        end = at = start + 1  # `end`: behind the last alternative that an "or" joins
        while True:
            last = at
            while last < len(items) and (items[last].kind in (Kind.OR, Kind.NOR) or items[last].shown == ","):
                last += 1
            if last == at or last == len(items) or not _is_alternative(hair, items[last]):
                break
            at = last + 1
            if items[last - 1].kind is not Kind.COMMA:
                end = at
        of_what_follows = end == at and at < len(items) and items[at].kind is Kind.TERM  # "black or white hat"
        if not of_what_follows:
            found.update(range(start + 1, end))
    return found


def _is_alternative(hair: Entry, item: Item) -> bool:
    """A colour beside a colour of hair, a kind beside a kind, without the word "hair"."""
    entry = entry_of(item)
    if entry is None or entry.says_hair:
        return False
    return entry.colour if hair.colour else entry.kind


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
                    if items[comma + 1].kind in (*_NAMED, Kind.WITH):
                        joined[comma] = _comma_as_or(items[comma])
                break
            if items[at].shown == ",":
                commas.append(at)
            elif items[at].kind is not Kind.WITH and (items[at].kind not in _NAMED or items[at - 1].kind in _NAMED):
                break
    return joined


def _hair_after(items: Sequence[Item], start: int) -> int | None:
    """Where the word "hair" stands that the colour at `start` belongs to."""
    for at in range(start + 1, len(items)):
        entry = entry_of(items[at])
        if entry is not None and entry.says_hair:
            return at
        of_hair = entry is not None and (entry.of_hair or entry.role is Role.MODIFIER)
        if not of_hair and items[at].kind not in _JOINS:
            return None
    return None


def _is_comma_between_colours(items: Sequence[Item], at: int) -> bool:
    before, after = (entry_of(items[k]) for k in (at - 1, at + 1))
    return items[at].shown == "," and before is not None and before.colour and after is not None and after.colour
