"""From a description in words to a Query.

    blonde or grey-haired woman wearing lipstick   (blond hair or gray hair) and woman and lipstick
    woman, no beard or moustache                   woman and not (beard or mustache)
    no beard or no moustache                       no beard or no mustache
    no hat and glasses                             no hat and glasses
    bald man or woman                              bald and (man or woman)
    black, brown or blond hair                     black hair or brown hair or blond hair
    young, -smiling, (bald or wearing a hat)       young and not smiling and (bald or hat)

The grammar, and what it refuses because people mean different things by it, stands in docs/query-language.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from facesearch.errors import QueryError
from facesearch.query import vocabulary
from facesearch.query.description import Query
from facesearch.query.lexer import MAX_TERMS, Kind, Token, tokens
from facesearch.query.tree import Node, Term, all_of, any_of, height, leaves, negate, outcomes
from facesearch.query.vocabulary import Entry

MAX_PARENTHESES = 50
MAX_HEIGHT = 30


@dataclass(frozen=True)
class _Group:
    """What stands between a "(" at `position` and its ")", or the whole text."""

    position: int
    items: "tuple[Token | _Group, ...]"

    kind: Kind = Kind.GROUP
    shown: str = "("


_Item = Token | _Group


@dataclass(frozen=True)
class _Alternative:
    """One term or group with the negations in front of it."""

    unit: _Item
    nots: tuple[Token, ...]
    dashes: tuple[Token, ...]

    @property
    def plain(self) -> bool:
        return not self.nots and not self.dashes


@dataclass
class _Clause:
    """Alternatives joined by "or". `joined`: the comma, "and" or "with" between this clause and the one before."""

    joined: Token | None
    alternatives: list[_Alternative] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        return all(a.plain for a in self.alternatives)

    @property
    def denied(self) -> bool:
        """It begins with a "no"."""
        return len(self.alternatives[0].nots) % 2 == 1


def parse(text: str, *, strict: bool = False) -> Query:
    """The query that `text` means. Raises QueryError, with the position, for any text that means none.

    strict: a word that is known but not scored is an error, too, and not only a remark.
    """
    found = tokens(text)
    if not any(token.kind is Kind.TERM for token in found):
        raise QueryError('The description asks for nothing: say what the face looks like, such as "man, no hat".')
    remarks = [token.entry.remark for token in found if token.entry is not None and token.entry.remark is not None]
    remarks += _pronoun_remarks(found)
    tree = _read(_nest(token for token in found if token.kind is not Kind.PRONOUN), remarks)
    if sum(1 for _ in leaves(tree)) > MAX_TERMS or height(tree) > MAX_HEIGHT:
        raise QueryError(
            f"A description may name {MAX_TERMS} things, nested {MAX_HEIGHT} deep, and this one goes beyond: shorten "
            "it."
        )
    possible = outcomes(tree)
    if True not in possible:
        raise QueryError(f'No face can fit this description, read as "{tree}": leave out what contradicts the rest.')
    if False not in possible:
        remarks.append("Every face fits this description.")
    return Query(text, tree, tuple(dict.fromkeys(remarks)))


def _pronoun_remarks(found: Sequence[Token]) -> Iterable[str]:
    if any(token.entry is not None and token.entry.person for token in found):
        return
    for token in found:
        if token.kind is Kind.PRONOUN:
            person = "man" if token.shown.casefold() in vocabulary.HE_WORDS else "woman"
            yield f'"{token.shown}" asks for nothing: add "{person}" if you mean it.'
            return


def _nest(found: Iterable[Token]) -> _Group:
    """The tokens as groups in groups, colours of hair already joined."""
    opened: list[tuple[int, list[_Item]]] = [(0, [])]
    for token in found:
        if token.kind is Kind.OPEN:
            if len(opened) > MAX_PARENTHESES:
                raise QueryError(
                    f"Parentheses are nested more than {MAX_PARENTHESES} deep here: shorten the description.",
                    token.position,
                )
            opened.append((token.position, []))
        elif token.kind is Kind.CLOSE:
            if len(opened) == 1:
                raise QueryError('This ")" closes nothing: remove it, or open it with "(".', token.position)
            position, items = opened.pop()
            opened[-1][1].append(_Group(position, _with_hair(items)))
        else:
            opened[-1][1].append(token)
    position, items = opened.pop()
    if opened:
        raise QueryError('This "(" is never closed: add a ")".', position)
    return _Group(position, _with_hair(items))


_NAMED = (Kind.TERM, Kind.GROUP)
_JOINS = (Kind.COMMA, Kind.AND, Kind.OR, Kind.NOR, Kind.NOT, Kind.DASH)


def _with_hair(items: list[_Item]) -> tuple[_Item, ...]:
    """Bare colours find the hair that follows them, and the commas between them become its "or"."""
    joined = list(items)
    after_hair = _alternatives_after_hair(items)
    for at in after_hair:
        if items[at].kind is Kind.COMMA and items[at + 1].kind is Kind.TERM:
            joined[at] = _comma_as_or(items[at])
    for start, item in enumerate(items):
        if start in after_hair or not isinstance(item, Token) or item.entry is None or item.entry.says_hair:
            continue
        if not (item.entry.colour or item.entry.kind):
            continue
        hair = _hair_after(items, start)
        commas = [k for k in range(start, hair or start) if _is_comma_between_colours(items, k)]
        ors = [k for k in range(start, hair or start) if items[k].kind in (Kind.OR, Kind.NOR)]
        list_without_or = bool(commas) and (not ors or ors[-1] < commas[-1])
        if item.entry.bare and (hair is None or list_without_or):
            only = "colours" if item.entry.colour else "that"
            raise QueryError(
                f'"{item.shown}" alone is not scored: say "{item.shown} hair" if you mean the hair (only hair has '
                f"{only} here).",
                item.position,
            )
        if not list_without_or:
            for comma in commas:
                joined[comma] = _comma_as_or(items[comma])
    return tuple(_with_neither(joined))


def _comma_as_or(comma: _Item) -> Token:
    return Token(Kind.OR, comma.position, comma.shown)


def _alternatives_after_hair(items: Sequence[_Item]) -> set[int]:
    """Where colours and the joins between them stand that belong to a "hair" before them: "hair is black, brown or
    gray". The same for kinds of hair.
    """
    found: set[int] = set()
    for start, item in enumerate(items):
        if not isinstance(item, Token) or item.entry is None or not item.entry.says_hair:
            continue
        if not item.entry.said.startswith("hair "):
            continue
        end = at = start + 1  # `end`: behind the last alternative that an "or" joins
        while True:
            last = at
            while last < len(items) and (items[last].kind in (Kind.OR, Kind.NOR) or items[last].shown == ","):
                last += 1
            if last == at or last == len(items) or not _is_alternative(item.entry, items[last]):
                break
            at = last + 1
            if items[last - 1].kind is not Kind.COMMA:
                end = at
        of_what_follows = end == at and at < len(items) and items[at].kind is Kind.TERM  # "black or white hat"
        if not of_what_follows:
            found.update(range(start + 1, end))
    return found


def _is_alternative(hair: Entry, item: _Item) -> bool:
    """A colour beside a colour of hair, a kind beside a kind, without the word "hair"."""
    if not isinstance(item, Token) or item.entry is None or item.entry.says_hair:
        return False
    return item.entry.colour if hair.colour else item.entry.kind


def _with_neither(items: list[_Item]) -> list[_Item]:
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


def _hair_after(items: Sequence[_Item], start: int) -> int | None:
    """Where the word "hair" stands that the colour at `start` belongs to."""
    for at in range(start + 1, len(items)):
        item = items[at]
        if isinstance(item, Token) and item.entry is not None and (item.entry.colour or item.entry.kind):
            if item.entry.says_hair:
                return at
        elif item.kind not in _JOINS:
            return None
    return None


def _is_comma_between_colours(items: Sequence[_Item], at: int) -> bool:
    def colour(item: _Item) -> bool:
        return isinstance(item, Token) and item.entry is not None and item.entry.colour

    return items[at].shown == "," and colour(items[at - 1]) and colour(items[at + 1])


def _read(group: _Group, remarks: list[str] | None) -> Node:
    """The tree of one group. With `remarks` None it is only a possible reading: nothing is checked or remarked on."""
    clauses = _clauses(group, strict=remarks is not None)
    if not clauses:
        raise QueryError(
            "There is nothing to search for between these parentheses: fill or remove them.", group.position
        )
    tree = all_of(_clause_tree(clause, remarks) for clause in clauses)
    if remarks is not None:
        _refuse_persons_around_or(group)
        _refuse_list_after_no(clauses)
        remarks += _neither_remarks(clauses)
    return tree


def _clauses(group: _Group, strict: bool) -> list[_Clause]:
    clauses: list[_Clause] = []
    joined: Token | None = None
    ahead: list[Token] = []  # "or", "no" and "-" that wait for their term
    for item in group.items:
        if isinstance(item, _Group) or item.kind is Kind.TERM:
            alternative = _Alternative(
                item,
                tuple(t for t in ahead if t.kind is Kind.NOT),
                tuple(t for t in ahead if t.kind is Kind.DASH),
            )
            if not ahead or ahead[0].kind not in (Kind.OR, Kind.NOR):
                clauses.append(_Clause(joined))
            clauses[-1].alternatives.append(alternative)
            joined, ahead = None, []
        elif item.kind is Kind.NOT and ahead and ahead[-1].kind is Kind.DASH:
            raise QueryError('A "-" stands directly before the word or the "(" that it denies.', ahead[-1].position)
        elif item.kind in (Kind.NOT, Kind.DASH):
            ahead.append(item)
        elif item.kind is Kind.WITH:
            if clauses and not ahead and (joined is None or joined.kind is Kind.COMMA):
                joined = item
        elif item.kind is not Kind.PERSON:
            if ahead:
                raise _nothing_after(ahead[-1])
            if item.kind is Kind.COMMA:
                joined = joined or (item if clauses else None)
                continue
            if not clauses:
                raise QueryError(
                    f'"{item.shown}" has nothing before it to join: say what, or leave it out.', item.position
                )
            if joined is not None and joined.kind is not Kind.COMMA:
                raise _nothing_after(joined)
            if item.kind is Kind.AND:
                joined = item
            else:
                if item.kind is Kind.NOR and strict and not any(a.nots for a in clauses[-1].alternatives):
                    raise QueryError(
                        '"nor" needs a "neither" or "no" before what it joins: say "neither beard nor hat".',
                        item.position,
                    )
                joined, ahead = None, [item]
    if ahead:
        raise _nothing_after(ahead[-1])
    if joined is not None and joined.kind is not Kind.COMMA:
        raise _nothing_after(joined)
    return clauses


def _nothing_after(token: Token) -> QueryError:
    return QueryError(f'"{token.shown}" has nothing after it: say what, or leave it out.', token.position)


def _unit_tree(unit: _Item, remarks: list[str] | None) -> Node:
    if isinstance(unit, _Group):
        return _read(unit, remarks)
    assert unit.entry is not None
    return unit.entry.meaning


def _clause_tree(clause: _Clause, remarks: list[str] | None) -> Node:
    """ "no" reaches over the alternatives that follow it, up to the next "no" or "-"."""
    done: list[Node] = []
    reach: list[Node] = []
    denied = False

    def close() -> None:
        if reach:
            done.append(negate(any_of(reach)) if denied else any_of(reach))
            reach.clear()

    for alternative in clause.alternatives:
        node = _unit_tree(alternative.unit, remarks)
        if not alternative.plain:
            close()
            denied = len(alternative.nots) % 2 == 1
        if len(alternative.dashes) % 2:
            node = negate(node)
        if alternative.dashes and not alternative.nots:
            done.append(node)
        else:
            reach.append(node)
    close()
    return any_of(done)


def _refuse_persons_around_or(group: _Group) -> None:
    """ "young woman or old man": people mean two persons, the grammar reads one."""

    def person(item: _Item) -> bool:
        return item.kind is Kind.PERSON or (isinstance(item, Token) and item.entry is not None and item.entry.person)

    small = (Kind.COMMA, Kind.WITH, Kind.NOT, Kind.DASH)
    for at, item in enumerate(group.items):
        if item.kind not in (Kind.OR, Kind.NOR):
            continue
        before, after = group.items[:at], group.items[at + 1 :]
        if not (any(map(person, before)) and any(map(person, after))):
            continue
        neighbours = (next((i for i in side if i.kind not in small), None) for side in (reversed(before), after))
        if all(i is not None and person(i) for i in neighbours):
            continue
        together = _read(group, None)
        apart = any_of((_read(_Group(group.position, before), None), _read(_Group(group.position, after), None)))
        if together != apart:
            raise QueryError(
                f'"{item.shown}" between two persons can mean "{apart}" or "{together}": write the one you mean.',
                item.position,
            )


def _refuse_list_after_no(clauses: Sequence[_Clause]) -> None:
    """ "no hat, glasses or beard": people mean none of them, the grammar reads "no" up to the comma."""
    for first, clause in enumerate(clauses):
        if not clause.denied or len(clause.alternatives) > 1:
            continue
        for last in range(first + 1, len(clauses)):
            item = clauses[last]
            if item.joined is None or item.joined.shown != "," or not item.plain:
                break
            if len(item.alternatives) > 1:
                listed = clauses[first : last + 1]
                units = [a.unit for c in listed for a in c.alternatives]
                if all(isinstance(a.unit, Token) and a.unit.entry and a.unit.entry.person for a in item.alternatives):
                    break
                if all(_is_of_hair(a.unit) for a in item.alternatives) and not _is_of_hair(units[0]):
                    break
                none = negate(any_of(_unit_tree(unit, None) for unit in units))
                some = all_of(_clause_tree(c, None) for c in listed)
                word = clause.alternatives[0].nots[-1]
                raise QueryError(
                    f'"{word.shown}" before a list with commas can mean "{none}" or "{some}": write the one you mean.',
                    word.position,
                )


def _is_of_hair(unit: _Item) -> bool:
    return isinstance(unit, Token) and unit.entry is not None and (unit.entry.colour or unit.entry.kind)


def _neither_remarks(clauses: Sequence[_Clause]) -> Iterable[str]:
    for clause, following in pairwise(clauses):
        said = following.joined.shown if following.joined is not None else ""
        if not clause.denied or said.casefold() != "and" or not following.alternatives[0].plain:
            continue
        units = (clause.alternatives[-1].unit, following.alternatives[0].unit)
        trees = [unit.entry.meaning for unit in units if isinstance(unit, Token) and unit.entry is not None]
        if len(trees) == 2 and all(isinstance(tree, Term) for tree in trees):
            word = clause.alternatives[0].nots[-1].shown
            yield f'"{word}" ends at "and": for neither, say "{word} {trees[0]} or {trees[1]}".'
