"""Hair: which colours and kinds are said of it, before the grammar is read.

A bare colour belongs to the "hair" behind it or before it ("black, brown or blond hair", "hair that is black or
brown"), and the commas between such colours become their "or".
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from facesearch.errors import QueryError
from facesearch.query.entries import BALD, YOUNG, Entry, Role, of_another
from facesearch.query.groups import LISTING, NAMED, Group, Item, comma_as_or, entry_of
from facesearch.query.lexicon import known
from facesearch.query.tokens import Kind, Token
from facesearch.query.vocabulary import OF_PEOPLE

_FIELDS_WITH_COLOURS = ("race", "ethnicity", "complexion")
_TURNING_GREY = {entry for said in ("graying", "greying") for more in ((), ("hair",)) if (entry := known(said, *more))}
_SHADES = ("light", "dark")
_JOINS = (Kind.COMMA, Kind.AND, Kind.OR, Kind.NOR, Kind.NOT, Kind.DASH, Kind.HEDGE)


def of_the_person(items: Sequence[Item]) -> list[Item]:
    """The colours left out that are of the person: the "white" of "a white dark-haired man"."""
    found = list(items)
    for at, item in enumerate(items[:-1]):
        entry, after = entry_of(item), entry_of(items[at + 1])
        if not isinstance(item, Token) or entry is None or entry.said not in OF_PEOPLE or not _touches(items[at + 1]):
            continue
        if after is not None and after.said.split()[-1] in ("haired", "headed") and _is_of_a_person(items, at + 2):
            found[at] = replace(item, entry=of_another(entry))
    return found


def _touches(item: Item) -> bool:
    return isinstance(item, Token) and item.touches


def _is_of_a_person(items: Sequence[Item], start: int) -> bool:
    """A person stands at `start` or behind the adjectives that begin there."""
    for item in items[start:]:
        entry = entry_of(item)
        if item.kind is Kind.PERSON or (entry is not None and entry.names_person):
            return True
        if entry is None or entry.thing or not _touches(item):
            return False
    return False


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


def like_the_beard(items: Sequence[Item]) -> list[Item]:
    """ "gray beard and hair" as "gray beard and gray hair", and "fair skin and hair", too."""
    found = list(items)
    for at, item in enumerate(items):
        entry = entry_of(item)
        if at < 2 or entry is None or entry.said != "hair" or items[at - 1].kind not in LISTING:
            continue
        if at + 1 < len(items) and (items[at + 1].kind in (Kind.NOT, Kind.HEDGE) or _is_adjective(items[at + 1])):
            continue  # "beard grey and hair not short"
        named = [e for each in items[max(0, at - 3) : at - 1] if (e := entry_of(each)) is not None and not e.says_hair]
        adjectives = [each.said.split()[0] for each in named if each.bare or len(each.said.split()) > 1]
        of_hair = known(*adjectives[-1:], "hair")
        if of_hair is not None and of_hair.of_hair and isinstance(item, Token):
            if any(each.kind in (Kind.NOT, Kind.DASH) for each in items[max(0, at - 5) : at]):
                raise QueryError(
                    f'"{item.shown}" here can mean "{of_hair.said}" or any hair: say which, with a "no" of its own.',
                    item.position,
                )
            found[at] = replace(item, entry=of_hair)
    return found


def _is_adjective(item: Item) -> bool:
    entry = entry_of(item)
    return entry is not None and (entry.adjective or (entry.of_hair and not entry.says_hair))


def refuse_form_without_colons(items: Sequence[Item]) -> None:
    """ "race white hair short": no white hair."""
    for of, item in pairwise(items):
        entry, named = entry_of(item), entry_of(of)
        if named is None or entry is None or named.said not in _FIELDS_WITH_COLOURS or not _touches(item):
            continue
        if entry.says_hair_last and entry.colour and isinstance(item, Token):
            raise QueryError(
                f'"{item.shown}" directly behind "{of.shown}" can belong to it in part: put a colon behind the name of '
                "each field, or leave this one out.",
                item.position,
            )


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
            sorts = sorts if item.kind in _JOINS else None
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
        _refuse_doubt_between_colours(items, start)
        if hair is not None and item.entry.bare and _may_be_of_what_stands_before(items, start, hair):
            raise _alone(item)
        commas = [k for k in range(start, hair or start) if _is_comma_between_colours(items, k)]
        ors = [k for k in range(start, hair or start) if items[k].kind in (Kind.OR, Kind.NOR)]
        list_without_or = bool(commas) and (not ors or ors[-1] < commas[-1])
        if item.entry.bare and item.entry.meaning is not None and (hair is None or list_without_or):
            if hair is not None or not (_is_of_eyes_or_person(items, start) or _is_of_person_listed(items, start)):
                raise _alone(item)
            joined[start] = replace(item, entry=of_another(item.entry))
        if not list_without_or:
            for comma in commas:
                joined[comma] = comma_as_or(items[comma])
    return joined


def _may_be_of_what_stands_before(items: Sequence[Item], start: int, hair: int) -> bool:
    """The colour at `start` is not clearly that of the hair at `hair`: "goatee grey, short hair", "he is white, short
    hair", "male, white, short hair".
    """
    joins = [k for k in range(start + 1, hair) if items[k].kind in (Kind.COMMA, Kind.AND)]
    before = items[start - 1] if start else None
    said_of_another = before is not None and before.kind is Kind.WITH and before.shown.casefold() != "with"  # "wears"
    had = False
    at = start
    while at >= 0 and _may_qualify_hair(items[at]):
        item = items[at]
        if isinstance(item, Token) and item.apart:
            said_of_another, had = said_of_another or item.predicate, had or not item.predicate
        at -= 1
    of = entry_of(items[at]) if at >= 0 else None
    if of is not None and (of.says_hair or of.of_hair):
        return False
    if said_of_another:
        return bool(joins)
    if had or of is None or all(_is_comma_between_colours(items, k) for k in joins):
        return False
    if of.thing:
        return True
    colour = entry_of(items[start])
    listed = any(each.kind in (Kind.OR, Kind.NOR) for each in items[at + 1 : start])  # "Asian or white"
    of_people = colour is not None and colour.said in OF_PEOPLE
    return of_people and (of.names_person or (listed and of.role is Role.TRAIT))


def _may_qualify_hair(item: Item) -> bool:
    """A colour or another adjective, or what joins, denies or hedges them."""
    return item.kind in _JOINS or (_is_adjective(item) and not _is_trait(item))


def _is_trait(item: Item) -> bool:
    entry = entry_of(item)
    return entry is not None and entry.role is Role.TRAIT


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
        if item.kind is Kind.PERSON or (entry is not None and entry.names_person):
            return colour.said in OF_PEOPLE
        if entry is None:
            if item.kind not in LISTING:
                return False
        elif entry.thing or entry.says_hair:
            return entry.meaning is None and entry.eyes
    return False


def _refuse_doubt_between_colours(items: Sequence[Item], start: int) -> None:
    """ "brown, perhaps black hair": one colour or the other, and not both."""
    colour, at = items[start], start + 1
    while at < len(items) and items[at].shown == ",":
        at += 1
    other = entry_of(items[at + 1]) if at + 1 < len(items) else None
    if items[at : at + 1] and items[at].kind is Kind.HEDGE and other is not None and other.colour:
        raise QueryError(
            f'"{items[at].shown}" between two colours leaves open which it was: say "{colour.shown} or '
            f'{items[at + 1].shown}".',
            items[at].position,
        )


def _is_of_person_listed(items: Sequence[Item], at: int) -> bool:
    """The colour at `at` stands alone in a list about a person: the "white" of "male, white, 30s, brown hair"."""
    colour = entry_of(items[at])
    beside = [items[k] for k in (at - 1, at + 1) if 0 <= k < len(items)]
    if colour is None or colour.said not in OF_PEOPLE or not all(each.shown in (",", ";", "/") for each in beside):
        return False
    listed = [e for k in (at - 2, at + 2) if 0 <= k < len(items) and (e := entry_of(items[k])) is not None]
    return bool(listed) and _is_about_a_person(listed[0])


def _is_about_a_person(entry: Entry) -> bool:
    """ "Man", "tall", "30s"."""
    of_age = entry.meaning is not None and entry.meaning.attributes == {YOUNG}
    return entry.names_person or entry.role is Role.TRAIT or of_age


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
        if not of_hair and items[at].kind not in _JOINS:
            return None
    return None


def _is_comma_between_colours(items: Sequence[Item], at: int) -> bool:
    before, after = (entry_of(items[k]) for k in (at - 1, at + 1))
    return items[at].shown == "," and before is not None and before.colour and after is not None and after.colour
