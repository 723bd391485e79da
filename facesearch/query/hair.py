"""Hair: which colours and kinds are said of it, before the grammar is read.

A bare colour belongs to the "hair" behind it or before it ("black, brown or blond hair", "hair that is black or
brown"), and the commas between such colours become their "or".
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from facesearch.query import colours
from facesearch.query.entries import BALD, Entry, Role, of_another
from facesearch.query.groups import NAMED, Group, Item, comma_as_or, entry_of
from facesearch.query.lexicon import known
from facesearch.query.tokens import Kind, Token

_TURNING_GREY = {entry for said in ("graying", "greying") for more in ((), ("hair",)) if (entry := known(said, *more))}
_SHADES = ("light", "dark")


def shaved(items: Sequence[Item]) -> list[Item]:
    """The "shaved" of "shaved or bald" and "shaved or very short hair" is said of the head."""
    found = list(items)
    for at, item in enumerate(items):
        entry = entry_of(item)
        if not isinstance(item, Token) or entry is None or entry.said not in ("shaved", "shaven"):
            continue
        beside = [k + (k - at) for k in (at - 1, at + 1) if 0 <= k < len(items) and items[k].kind is Kind.OR]
        others = [e for k in beside if 0 <= k < len(items) and (e := entry_of(items[k])) is not None]
        if any(e.says_hair or (e.meaning is not None and e.meaning.attributes == {BALD}) for e in others):
            found[at] = replace(item, entry=known(entry.said, "head"))
    return found


def blended(items: Sequence[Item]) -> list[Item]:
    """ "golden brown hair" as "golden or brown hair", "dark ginger hair" as "ginger hair"."""
    found: list[Item] = []
    for at, item in enumerate(items):
        entry = entry_of(item)
        if entry is None or not _is_first_of_two_colours(items, at):
            found.append(item)
        elif entry.said not in _SHADES or entry_of(items[at + 1]) in _TURNING_GREY:
            after = items[at + 1].position
            found += [item, Token(Kind.OR, after, after, "or", touches=True)]
    return found


def _is_first_of_two_colours(items: Sequence[Item], at: int) -> bool:
    if at + 1 == len(items):
        return False
    after, first, second = items[at + 1], entry_of(items[at]), entry_of(items[at + 1])
    if first is None or second is None or not isinstance(after, Token) or not after.touches:
        return False
    if not first.colour or first.says_hair_last or not second.colour:
        return False
    return second.says_hair or first.said.startswith("hair ") or _hair_after(items, at + 1) is not None


def beside_its_colour(items: Sequence[Item]) -> list[Item]:
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


def after_hair(items: Sequence[Item]) -> list[Item]:
    """ "hair short, black and straight" as "hair short, hair black and hair straight".

    A second colour is left alone: only "or" joins it to the first.
    """
    found = list(items)
    sorts: set[bool] | None = None  # of the hair that is being described: whether a colour, a kind was said
    for at, item in enumerate(items):
        entry = entry_of(item)
        if isinstance(item, Token) and item.apart and not (item.predicate and entry is not None and entry.kind):
            sorts = None  # but "his black hair was curly", which nobody is
        if entry is None or isinstance(item, Group):
            sorts = sorts if item.kind in colours.JOINS else None
            continue
        if entry.said.split()[0] == "hair" or (entry.says_hair_last and entry.of_hair):
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
    return _hair_after(items, at) is not None or (at + 1 < len(items) and items[at + 1].kind in NAMED)


def with_hair(items: Sequence[Item]) -> list[Item]:
    """Bare colours find the hair that follows them, and the commas between them become its "or"."""
    joined = list(items)
    for at in _commas_between_alternative_colours(items):
        joined[at] = comma_as_or(items[at])
    behind = _alternatives_after_hair(items)
    for at in behind:
        if items[at].kind is Kind.COMMA and items[at + 1].kind is Kind.TERM:
            joined[at] = comma_as_or(items[at])
    for start, item in enumerate(items):
        if start in behind or not isinstance(item, Token) or item.entry is None:
            continue
        if item.entry.says_hair or not item.entry.of_hair:
            continue
        hair = _hair_after(items, start)
        colours.refuse_doubt_between(items, start)
        if hair is not None and item.entry.bare and colours.may_be_of_what_stands_before(items, start, hair):
            raise colours.alone(item)
        commas = [k for k in range(start, hair or start) if colours.is_comma_between(items, k)]
        ors = [k for k in range(start, hair or start) if items[k].kind in (Kind.OR, Kind.NOR)]
        list_without_or = bool(commas) and (not ors or ors[-1] < commas[-1])
        if item.entry.bare and item.entry.meaning is not None and (hair is None or list_without_or):
            if hair is not None or not (
                colours.is_of_eyes_or_person(items, start) or colours.is_of_person_listed(items, start)
            ):
                raise colours.alone(item)
            joined[start] = replace(item, entry=of_another(item.entry))
        if not list_without_or:
            for comma in commas:
                joined[comma] = comma_as_or(items[comma])
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
    if entry is None or entry.says_hair or (isinstance(item, Token) and item.apart):
        return False
    return entry.colour if hair.colour else entry.kind


def _hair_after(items: Sequence[Item], start: int) -> int | None:
    """Where the word "hair" stands that the colour at `start` belongs to."""
    for at in range(start + 1, len(items)):
        item, entry = items[at], entry_of(items[at])
        if isinstance(item, Token) and item.apart:
            return None
        if entry is not None and entry.says_hair:
            return None if entry.said.startswith("hair ") and at > start + 1 else at
        of_hair = entry is not None and (entry.of_hair or entry.role is Role.MODIFIER)
        if not of_hair and items[at].kind not in colours.JOINS:
            return None
    return None
