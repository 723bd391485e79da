"""What people mean in two ways: refused with both readings, or read in one with a remark about the other."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from facesearch.attributes import BY_NAME
from facesearch.errors import QueryError
from facesearch.query import small_words
from facesearch.query.entries import Role
from facesearch.query.grammar import Clause, LeftOut, clause_tree, clauses_of, tree_of, unit_tree
from facesearch.query.groups import Group, Item, entry_of
from facesearch.query.pieces import normal
from facesearch.query.tokens import Kind, Token
from facesearch.query.tree import Node, Term, all_of, any_of, hedge, negate


def check(group: Group) -> None:
    """Raises QueryError, with both readings, where the group or one within it can be meant in two ways."""
    clauses = clauses_of(group)
    _refuse_nor_alone(clauses)
    _refuse_double_denials(clauses)
    for clause in clauses:
        for alternative in clause.alternatives:
            if isinstance(alternative.unit, Group):
                check(alternative.unit)
    _refuse_persons_around_or(group)
    _refuse_slashes_in_list(clauses)
    _refuse_list_of_persons(clauses)
    _refuse_lost_reach(clauses)
    _refuse_list_after_no(clauses)


def remarks(group: Group) -> Iterator[str]:
    """Where a word ends earlier than some would have it: "no hat and glasses", "maybe bald and hat"."""
    clauses = clauses_of(group)
    for clause in clauses:
        for alternative in clause.alternatives:
            if isinstance(alternative.unit, Group):
                yield from remarks(alternative.unit)
    denying: Clause | None = None  # and then only what is not scored, behind commas: "no scars, tattoos, glasses"
    for clause, following in pairwise(clauses):
        goes_on = denying is not None and clause.plain and _is_unscored(clause) and _joins_by_comma(clause)
        denying = clause if clause.denied else denying if goes_on else None
        first, second = clause.alternatives[-1].unit, following.alternatives[0].unit
        joined = following.joined
        if not following.plain or not _is_one_word(first) or _term(second) is None:
            continue
        one, other = _named(first), _named(second)
        hedges_and = joined is not None and joined.kind is Kind.AND and _hedges_one_word(clause)
        if isinstance(second, Token) and second.apart and joined is not None and not hedges_and:
            continue  # "no hat, had glasses"
        yield from _on_what_goes_together(clause, following, denying)
        if joined is None:
            if _hedges_one_word(clause) and isinstance(second, Token) and second.touches and not _is_person(second):
                assert clause.hedge is not None
                word = clause.hedge.shown
                yield f'"{word}" ends at "{one}": for both, say "{word} ({one} and {other})".'
            continue
        if joined.kind is Kind.AND and denying is not None and joined.shown.casefold() not in _CONTRASTS:
            word = denying.alternatives[0].nots[-1].shown
            yield f'"{word}" ends at "{joined.shown}": for neither, say "{_as_no(word)} {one} or {other}".'
        elif joined.kind is Kind.AND and _hedges_one_word(clause):
            assert clause.hedge is not None
            word = clause.hedge.shown
            yield f'"{word}" ends at "{joined.shown}": for both, say "{word} ({one} and {other})".'
        elif _joins_by_comma(following) and _hedges_one_word(clause) and len(following.alternatives) > 1:
            assert clause.hedge is not None
            word = clause.hedge.shown
            yield f'"{word}" ends at the comma: for all of the list, say "{word} ({one} or ...)".'


def _on_what_goes_together(clause: Clause, following: Clause, denying: Clause | None) -> Iterator[str]:
    """ "no wavy blond hair", "no hat, glasses", "goatee, mustache or stubble": only remarked on, since many mean just
    what is read."""
    first, second = clause.alternatives[-1].unit, following.alternatives[0].unit
    if len(clause.alternatives) > 1:
        return
    one, other = _named(first), _named(second)
    word = denying.alternatives[0].nots[-1].shown if denying is not None else ""
    things = all(_is_thing(each) for each in (first, second))
    alike = things or (_is_unscored(clause) and _is_predicate(first) and _is_predicate(second))  # "not tall, fat"
    adjective = not _is_thing(first) and isinstance(second, Token) and second.touches and following.joined is None
    strays = adjective and (word.casefold() in _NO or (_is_of_hair(first) and _is_of_hair(second)))
    strays = strays or (isinstance(second, Token) and second.touches and _of_one_thing(first, second))
    wears = following.joined is not None and following.joined.kind is Kind.WITH and _is_person(first)
    if clause.denied and (strays or wears):
        yield f'"{word}" ends at "{one}": if it denies the two together, say "not ({one} and {other})".'
    elif denying is not None and _joins_by_comma(following) and alike and len(following.alternatives) == 1:
        yield f'"{word}" ends at the comma: for neither, say "{_as_no(word)} {one} or {other}".'
    elif clause.plain and _joins_by_comma(following) and things and len(following.alternatives) > 1:
        others = " or ".join(_named(each.unit) for each in following.alternatives)
        if _term(first) is not None and not _is_of_hair(first) and not _is_of_hair(second):
            yield f'"or" reaches back to the comma: for any of the list, say "{one} or {others}".'


def _of_one_thing(one: Item, other: Item) -> bool:
    """ "big nose" and "pointy nose"."""
    first, second = entry_of(one), entry_of(other)
    return first is not None and second is not None and first.said.split()[-1] == second.said.split()[-1]


def _as_no(word: str) -> str:
    """ "No" for a verb like "doesn't"."""
    return word if word.casefold() in (*_NO, "not") else "no"


_NO = ("no", "without", "neither")
_CONTRASTS = ("but", "yet", "but also", "though", "although")


def _joins_by_comma(clause: Clause) -> bool:
    """A comma that was typed, and not the end of a form's field."""
    joined = clause.joined
    return joined is not None and joined.shown == "," and joined.typed


def _is_unscored(clause: Clause) -> bool:
    return all(_is_one_word(each.unit) and _term(each.unit) is None for each in clause.alternatives)


def _is_one_word(unit: Item) -> bool:
    return entry_of(unit) is not None


def _named(unit: Item) -> str:
    """A word as search says it, or as typed where that would be a denial ("hair" is "not bald") or several words."""
    tree = _term(unit)
    return str(tree) if isinstance(tree, Term) and not str(tree).startswith("not ") else unit.shown


def _is_thing(unit: Item) -> bool:
    entry = entry_of(unit)
    return entry is not None and entry.thing


def _is_predicate(unit: Item) -> bool:
    """ "bald", "tall": said of a person, as no thing is."""
    return _is_one_word(unit) and not (_is_thing(unit) or _is_person(unit) or _is_of_hair(unit))


def _hedges_one_word(clause: Clause) -> bool:
    if clause.hedge is None or clause.hedge.position > clause.alternatives[0].unit.position:  # "glasses, I think"
        return False
    return clause.certainty < 1 and [a.plain for a in clause.alternatives] == [True]


def _term(unit: Item) -> Node | None:
    entry = entry_of(unit)
    return None if entry is None else entry.meaning


def _refuse_nor_alone(clauses: Sequence[Clause]) -> None:
    for clause in clauses:
        denied = False
        for alternative in clause.alternatives:
            if alternative.joined is not None and alternative.joined.kind is Kind.NOR and not denied:
                raise QueryError(
                    '"nor" needs a "neither" or "no" before what it joins: say "neither beard nor hat".',
                    alternative.joined.position,
                )
            denied = denied or bool(alternative.nots)


def _refuse_double_denials(clauses: Sequence[Clause]) -> None:
    """ "he didn't have no beard": many who say so mean that he had none."""
    for clause in clauses:
        for alternative in clause.alternatives:
            said = [each.shown for each in alternative.nots]
            if said and alternative.joined is not None and alternative.joined.kind is Kind.NOR:
                raise QueryError(
                    f'"{alternative.joined.shown}" and "{said[0]}" can be one denial, or undo each other: leave out '
                    f'"{said[0]}".',
                    alternative.nots[0].position,
                )
            if len(said) > 1 and said[-1].casefold() in _NO and said[-1].casefold() != "without":
                raise QueryError(
                    f'"{said[-2]}" and "{said[-1]}" can be one denial, or undo each other: leave one of them out, or '
                    "both.",
                    alternative.nots[-2].position,
                )


_SMALL = (Kind.COMMA, Kind.WITH, Kind.NOT, Kind.DASH, Kind.HEDGE)


def _refuse_persons_around_or(group: Group) -> None:
    """ "young woman or old man": people mean two persons, the grammar reads one."""
    for at, item in enumerate(group.items):
        if item.kind not in (Kind.OR, Kind.NOR):
            continue
        before, after = group.items[:at], group.items[at + 1 :]
        neighbours = [next((i for i in side if i.kind not in _SMALL), None) for side in (reversed(before), after)]
        beside = any(each is not None and _names_person(each) for each in neighbours)
        counts = _names_person if beside else _is_person  # "teenager with black or brown hair, male"
        if not (any(map(counts, before)) and any(map(counts, after))):
            continue
        persons = [i for i in neighbours if i is not None and _names_person(i)]
        if len(persons) == 2 and (_term(persons[0]) != _term(persons[1]) or persons[0].kind is Kind.PERSON):
            continue
        together = tree_of(group)
        sides = [tree_of(Group(group.position, side)) for side in (before, after)]
        if together is None or sides[0] is None or sides[1] is None:
            continue
        apart = any_of(side for side in sides if side is not None)
        if together != apart:
            raise QueryError(
                f'"{item.shown}" between two persons can mean "{apart}" or "{together}": write the one you mean.',
                item.position,
            )


_OF_ONE_PLACE = tuple(
    frozenset(BY_NAME[name].index for name in names.split())
    for names in (
        "Bald Receding_Hairline Black_Hair Blond_Hair Brown_Hair Gray_Hair",
        "Straight_Hair Wavy_Hair",
        "No_Beard Mustache Goatee Sideburns 5_o_Clock_Shadow",
        "Eyeglasses Wearing_Hat",
        "Wearing_Earrings Wearing_Necklace Wearing_Necktie",
        "Heavy_Makeup Wearing_Lipstick Rosy_Cheeks",
        "Chubby Double_Chin",
    )
)
"""Attributes between which "/" is an "or"."""


def _refuse_slashes_in_list(clauses: Sequence[Clause]) -> None:
    """ "male / bald / glasses": slashes are an "or", and whoever lists what a man has means all of it."""
    for clause in clauses:
        slashes = [a.joined for a in clause.alternatives if a.joined is not None and a.joined.shown in ("/", "|")]
        first, *others = clause.alternatives
        if not slashes or len(slashes) < len(others) or (first.nots and all(each.plain for each in others)):
            continue  # "no glasses/hat": neither
        trees = list(_apart(clause))
        asked = frozenset().union(*(tree.attributes for tree in trees))
        alike = len(asked) < 2 or any(asked <= place for place in _OF_ONE_PLACE)
        if alike or all(_is_person(each.unit) for each in clause.alternatives):
            continue
        raise QueryError(
            f'"{slashes[0].shown}" can mean "{any_of(trees)}" or "{all_of(trees)}": write the one you mean.',
            slashes[0].position,
        )


def _apart(clause: Clause) -> Iterator[Node]:
    """Each alternative for itself, with its own denials."""
    for alternative in clause.alternatives:
        if alternative.unit.kind is Kind.PHOTO:
            continue
        tree = unit_tree(alternative.unit, False, LeftOut())
        if tree is not None:
            yield negate(tree) if (len(alternative.nots) + len(alternative.dashes)) % 2 else tree


def _refuse_list_of_persons(clauses: Sequence[Clause]) -> None:
    """ "man, woman or child": people mean any of them, the grammar reads a man who is one of the others, too."""
    for clause, following in pairwise(clauses):
        joined, units = following.joined, [a.unit for a in (*clause.alternatives, following.alternatives[0])]
        if joined is None or joined.shown != "," or not (clause.plain and following.plain):
            continue
        if not all(map(_is_person, units)) or len(clause.alternatives) + len(following.alternatives) < 3:
            continue
        said = [tree for each in (clause, following) if (tree := clause_tree(each, False, LeftOut())) is not None]
        if any_of(said) != all_of(said):
            raise QueryError(
                f'"," between persons can mean "{any_of(said)}" or "{all_of(said)}": write the one you mean.',
                joined.position,
            )


def _is_person(item: Item) -> bool:
    entry = entry_of(item)
    return item.kind is Kind.PERSON or (entry is not None and entry.person)


def _names_person(item: Item) -> bool:
    """As `_is_person`, "teenager" and "pensioner" too."""
    entry = entry_of(item)
    return item.kind is Kind.PERSON or (entry is not None and entry.names_person)


def _refuse_lost_reach(clauses: Sequence[Clause]) -> None:
    """ "not a tall bald man": once "tall" is left out, nobody knows what "not" denies."""
    for clause, following in pairwise(clauses):
        last, noun = clause.alternatives[-1], following.alternatives[0]
        joins = last.nots[-1:] or last.dashes[-1:] or ((last.joined,) if last.joined is not None else ())
        entry = entry_of(last.unit)
        if not joins or following.joined is not None or not noun.plain or entry is None or entry.meaning is not None:
            continue
        scored = last.nots or last.dashes or any(_term(each.unit) for each in clause.alternatives)
        if scored and isinstance(noun.unit, Token) and noun.unit.touches and entry.role is Role.TRAIT:
            raise QueryError(
                f'The network does not score "{last.unit.shown}", so it is not clear what "{joins[0].shown}" before it '
                f'means for "{noun.unit.shown}": leave one of the two out.',
                last.unit.position,
            )


def _refuse_list_after_no(clauses: Sequence[Clause]) -> None:
    """ "no hat, glasses or beard": people mean none of them, the grammar reads "no" up to the comma."""
    for first, clause in enumerate(clauses):
        if not clause.denied or len(clause.alternatives) > 1 or isinstance(clause.alternatives[0].unit, Group):
            continue  # "not (hat or glasses), ...": parentheses end what is denied
        for last in range(first + 1, len(clauses)):
            item = clauses[last]
            if item.joined is None or item.joined.shown != "," or not item.plain:
                break
            if len(item.alternatives) > 1:
                _refuse_list(clauses[first : last + 1])
                break
            if _is_person(item.alternatives[0].unit):  # "no hat, man, glasses or beard"
                break
            ends = clauses[last + 1] if last + 1 < len(clauses) else None
            listed = clauses[first : last + 2]
            if ends is not None and ends.joined is not None and ends.joined.kind is Kind.AND and _was_not(listed):
                _refuse_list(listed)


def _was_not(listed: Sequence[Clause]) -> bool:
    """ "he wasn't tall, bald and fat": behind a verb, "not" is meant of the whole list."""
    word = listed[0].alternatives[0].nots[-1]
    verb = word.predicate or normal(word.shown).removesuffix("nt") in small_words.COPULAS
    return (
        verb
        and all(c.plain or c is listed[0] for c in listed)
        and all(_is_predicate(each.unit) for clause in listed for each in clause.alternatives)
    )


def _refuse_list(listed: Sequence[Clause]) -> None:
    units = [a.unit for clause in listed for a in clause.alternatives]
    last = [a.unit for a in listed[-1].alternatives]
    if all(_is_person(unit) for unit in last) or (all(map(_is_of_hair, last)) and not _is_of_hair(units[0])):
        return
    unit_trees = [unit_tree(unit, True, LeftOut()) for unit in units if unit.kind is not Kind.PHOTO]
    denied = [tree for tree in unit_trees if tree is not None]
    said = [tree for clause in listed if (tree := clause_tree(clause, False, LeftOut())) is not None]
    if denied and said:
        none, some = hedge(negate(any_of(denied)), listed[0].certainty), all_of(said)
        if none == some:  # "no hat, scarf or gloves": the rest is not scored
            return
        word = listed[0].alternatives[0].nots[-1]
        raise QueryError(
            f'"{word.shown}" before a list with commas can mean "{none}" or "{some}": write the one you mean.',
            word.position,
        )


def _is_of_hair(unit: Item) -> bool:
    entry = entry_of(unit)
    return entry is not None and entry.of_hair
