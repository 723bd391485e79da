"""Whose a colour is that stands near hair: the hair's, the person's, or that of another thing.

`hair` gives colours to the hair that they belong to; here stands when they do not, or may not.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from facesearch.errors import QueryError
from facesearch.query.entries import YOUNG, Entry, Role, of_another
from facesearch.query.groups import LISTING, Item, entry_of
from facesearch.query.lexicon import known
from facesearch.query.small_words import words
from facesearch.query.tokens import Kind, Token
from facesearch.query.vocabulary import OF_PEOPLE

JOINS = (Kind.COMMA, Kind.AND, Kind.OR, Kind.NOR, Kind.NOT, Kind.DASH, Kind.HEDGE)
"""What may stand between the adjectives of one noun."""
_BESIDE_HAIR = words(
    "beard beards goatee mustache moustache stubble sideburns eyebrows brows eyes skin complexion nose whiskers"
)
"""Things of which a colour or kind is said together with the hair's: "gray beard and hair"."""
_FIELDS = ("race", "ethnicity", "complexion")


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


def _is_of_a_person(items: Sequence[Item], start: int) -> bool:
    """A person stands at `start` or behind the adjectives that begin there."""
    for item in items[start:]:
        entry = entry_of(item)
        if item.kind is Kind.PERSON or (entry is not None and entry.names_person):
            return True
        if entry is None or entry.thing or not _touches(item):
            return False
    return False


def like_the_beard(items: Sequence[Item]) -> list[Item]:
    """ "gray beard and hair" as "gray beard and gray hair", and "fair skin and hair", too."""
    found = list(items)
    for at, item in enumerate(items):
        entry = entry_of(item)
        if at < 2 or entry is None or entry.said != "hair" or items[at - 1].kind not in LISTING:
            continue
        if at + 1 < len(items) and (items[at + 1].kind in (Kind.NOT, Kind.HEDGE) or _describes_hair(items[at + 1])):
            continue  # "beard grey and hair not short"
        named = [e for each in items[max(0, at - 3) : at - 1] if (e := entry_of(each)) is not None and not e.says_hair]
        if named and not _grows_or_is_skin(named[-1]):
            continue  # "white cap and hair"
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


def refuse_form_without_colons(items: Sequence[Item]) -> None:
    """ "race white hair short", "jacket black hair curly": no white hair, and no black."""
    for at, (of, item) in enumerate(pairwise(items)):
        entry, named = entry_of(item), entry_of(of)
        if named is None or entry is None or not _touches(item) or not (named.thing or named.said in _FIELDS):
            continue
        value = items[at + 2] if at + 2 < len(items) else None
        goes_on = named.said in _FIELDS or (value is not None and _touches(value) and _describes_hair(value))
        if entry.says_hair_last and entry.colour and goes_on and isinstance(item, Token):
            raise QueryError(
                f'"{item.shown}" directly behind "{of.shown}" can belong to it in part: put a colon behind the name of '
                "each field, or leave this one out.",
                item.position,
            )


def may_be_of_what_stands_before(items: Sequence[Item], start: int, hair: int) -> bool:
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
    if had or of is None or all(is_comma_between(items, k) for k in joins):
        return False
    if of.thing:
        return True
    colour = entry_of(items[start])
    listed = any(each.kind in (Kind.OR, Kind.NOR) for each in items[at + 1 : start])  # "Asian or white"
    of_people = colour is not None and colour.said in OF_PEOPLE
    return of_people and (_is_about_a_person(of) or listed)


def _may_qualify_hair(item: Item) -> bool:
    """A colour or another adjective, or what joins, denies or hedges them."""
    return item.kind in JOINS or (_describes_hair(item) and not _is_trait(item))


def _is_trait(item: Item) -> bool:
    entry = entry_of(item)
    return entry is not None and entry.role is Role.TRAIT


def alone(colour: Token) -> QueryError:
    assert colour.entry is not None
    only = "hair has colours" if colour.entry.colour else "hair is that"
    return QueryError(
        f'"{colour.shown}" alone is not scored: say "{colour.shown} hair" if you mean the hair, and leave it out if '
        f"you mean something else (only {only} here).",
        colour.position,
    )


def is_of_eyes_or_person(items: Sequence[Item], start: int) -> bool:
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


def is_of_person_listed(items: Sequence[Item], at: int) -> bool:
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


def refuse_doubt_between(items: Sequence[Item], start: int) -> None:
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


def is_comma_between(items: Sequence[Item], at: int) -> bool:
    before, after = (entry_of(items[k]) for k in (at - 1, at + 1))
    return items[at].shown == "," and before is not None and before.colour and after is not None and after.colour


def _grows_or_is_skin(entry: Entry) -> bool:
    return entry.said.split()[-1] in _BESIDE_HAIR or entry.bare


def _describes_hair(item: Item) -> bool:
    """An adjective, or a colour or kind of hair without that word."""
    entry = entry_of(item)
    return entry is not None and (entry.adjective or (entry.of_hair and not entry.says_hair))


def _touches(item: Item) -> bool:
    return isinstance(item, Token) and item.touches
