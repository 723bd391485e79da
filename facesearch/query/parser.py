"""From a description in words to a Query.

    blonde or grey-haired woman wearing lipstick   (blond hair or gray hair) and woman and lipstick
    woman, no beard or moustache                   woman and not (beard or mustache)
    no beard or no moustache                       no beard or no mustache
    no hat and glasses                             no hat and glasses
    bald man or woman                              bald and (man or woman)
    black, brown or blond hair                     black hair or brown hair or blond hair
    young, -smiling, (bald or wearing a hat)       young and not smiling and (bald or hat)
    man, probably not bald, smiling>0.8            man and probably not bald and smiling>0.8
    tall man with a scar, taken:2019               man and taken:2019; not scored: tall, scar

The grammar, and what it refuses because people mean different things by it, stands in docs/query-language.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

from facesearch.errors import QueryError
from facesearch.query import ambiguity, oddities, photo_filters, small_words
from facesearch.query.description import Query
from facesearch.query.forms import as_sentences
from facesearch.query.grammar import Alternative, LeftOut, clauses_of, hedge_in_or, nest, tree_of
from facesearch.query.groups import Group
from facesearch.query.lexer import MAX_TERMS, tokens
from facesearch.query.numbers import contradict, threshold
from facesearch.query.photo_filters import Condition
from facesearch.query.pieces import normal
from facesearch.query.tokens import Kind, Token
from facesearch.query.tree import (
    EVERYTHING,
    Node,
    Term,
    Threshold,
    firm,
    height,
    leaves,
    outcomes,
    without_hedges,
)

MAX_HEIGHT = 30


def parse(text: str, *, strict: bool = False) -> Query:
    """The query that `text` means. Raises QueryError, with the position, for any text that means none.

    strict: a word that is known but not scored is an error, too, and not only a remark.
    """
    found = as_sentences(tokens(text))
    if not any(token.kind in (Kind.TERM, Kind.PHOTO) for token in found):
        raise QueryError('The description asks for nothing: say what the face looks like, such as "man, no hat".')
    group = nest(token for token in found if token.kind is not Kind.PRONOUN)
    _check_hedges(group, denied=False)
    thresholds, conditions = _filters(group, alone=True)
    photo = photo_filters.combined(_combined(conditions))
    _check_thresholds(thresholds)
    ambiguity.check(group)
    left_out = LeftOut()
    tree = tree_of(group, left_out=left_out)
    not_scored = tuple(dict.fromkeys(words for words, _ in left_out.words))
    if not_scored:
        _check_left_out(left_out.words[0], strict, nothing_left=tree is None and not thresholds)
    remarks = [
        *left_out.rough,
        *_remarks_on_bounds(found),
        *_pronoun_remarks(found),
        *ambiguity.remarks(group),
        *_remarks_on_left_out(not_scored, left_out.alternatives),
        *(() if tree is None else _checked(tree)),
    ]
    return Query(
        text,
        EVERYTHING if tree is None else tree,
        tuple(dict.fromkeys(remarks)),
        tuple(dict.fromkeys(thresholds)),
        photo,
        not_scored,
        tuple(dict.fromkeys(left_out.rough)),
    )


def _check_hedges(group: Group, denied: bool) -> None:
    """A hedge covers all that "or" joins, with its "not", and stands within nothing that is denied."""
    for clause in clauses_of(group):
        numbers = [a.number for a in clause.alternatives if a.number is not None and a.number.kind is Kind.CERTAINTY]
        hedges = [token for token in (clause.hedge, *numbers) if token is not None]
        if numbers and len(clause.alternatives) > 1:
            raise hedge_in_or(numbers[0])
        if len(hedges) > 1:
            raise QueryError(
                f'"{hedges[0].shown}" and "{hedges[1].shown}" hedge the same: leave one of them out.',
                hedges[1].position,
            )
        if hedges and denied:
            raise QueryError(
                f'"{hedges[0].shown}" stands within parentheses that are denied: hedge the whole, as in "maybe not '
                '(...)", or leave it out.',
                hedges[0].position,
            )
        for alternative, denies in zip(clause.alternatives, clause.denials(), strict=True):
            if isinstance(alternative.unit, Group):
                _check_hedges(alternative.unit, denied ^ denies)
                if len(clause.alternatives) > 1:
                    _refuse_only_hedged(alternative.unit)


def _refuse_only_hedged(group: Group) -> None:
    tree = tree_of(group)
    if tree is not None and without_hedges(tree) is None:
        raise QueryError(
            'These parentheses stand beside an "or" and hold nothing but hedged words: hedge all that "or" joins, as '
            'in "maybe (glasses or hat)".',
            group.position,
        )


def _filters(group: Group, alone: bool) -> tuple[list[Threshold], list[tuple[Condition, int]]]:
    """The bounds and the photo conditions of a group, these with their positions.

    alone: nothing but "and" stands above it. Raises QueryError for a filter that does not stand alone.
    """
    thresholds: list[Threshold] = []
    conditions: list[tuple[Condition, int]] = []
    for clause in clauses_of(group):
        first = clause.alternatives[0]
        plain = alone and clause.plain and not any(map(_stray_number, clause.alternatives))
        for alternative in clause.alternatives:
            if isinstance(alternative.unit, Group):
                inner = _filters(alternative.unit, plain and len(clause.alternatives) == 1)
                thresholds += inner[0]
                conditions += inner[1]
            if not alternative.filters:
                continue
            if isinstance(alternative.unit, Group) or alternative.unit.photo is None:
                bound = _threshold(alternative, plain and len(clause.alternatives) == 1)
                thresholds += [] if bound is None else [bound]
            elif plain and all(_alike(first, other) for other in clause.alternatives):
                conditions.append((alternative.unit.photo, clause.alternatives[0].unit.position))
            else:
                raise _no_filter_alone(alternative.unit)
    return thresholds, conditions


def _no_filter_alone(token: Token) -> QueryError:
    alike = ""
    if token.photo is not None:
        alike = " but to its like" if token.photo.field != "taken" else ' (a range is written as in "2019..2021")'
    shown = token.shown if len(token.shown) < 60 else f"{token.shown[:60]}..."
    return QueryError(
        f'"{shown}" only filters, so it can be neither denied nor hedged, nor joined by "or"{alike}: let it '
        "stand between commas.",
        token.position,
    )


def _stray_number(alternative: Alternative) -> bool:
    number = alternative.number
    return number is not None and (number.kind is not Kind.BOUND or alternative.unit.kind is Kind.PHOTO)


def _alike(one: Alternative, other: Alternative) -> bool:
    """Two photo conditions that "or" may join: a filter holds several values of one field, but one range of dates."""
    if isinstance(one.unit, Group) or isinstance(other.unit, Group):
        return False
    first, second = one.unit.photo, other.unit.photo
    return first is not None and second is not None and (first == second or first.field == second.field != "taken")


def _threshold(alternative: Alternative, plain: bool) -> Threshold | None:
    """None: of a word that is not scored."""
    unit, number = alternative.unit, alternative.number
    assert number is not None and number.bound is not None
    shown = f"{unit.shown}{number.shown}" if isinstance(unit, Token) else f"(...){number.shown}"
    if isinstance(unit, Token) and not alternative.plain:
        raise QueryError(f'"{shown}" only filters and cannot be denied: turn its sign round.', unit.position)
    if not plain:
        raise _no_filter_alone(replace(unit, shown=shown) if isinstance(unit, Token) else number)
    meaning = unit.entry.meaning if isinstance(unit, Token) and unit.entry is not None else None
    if isinstance(meaning, Term):
        return threshold(meaning, number.bound)
    if isinstance(unit, Token) and meaning is None:
        return None
    raise QueryError(f'"{shown}" bounds more than one attribute: bound each of them for itself.', unit.position)


def _combined(conditions: Sequence[tuple[Condition, int]]) -> list[Condition]:
    """Raises QueryError where "and" joins two conditions of which a photo can meet only one in a filter."""
    for (first, place), (second, position) in combinations(conditions, 2):
        if first.field == second.field and first != second and place != position:
            remedy = 'give one range, as in "2019..2021"' if first.field == "taken" else 'join the two with "or"'
            raise QueryError(f'"{second.field}:" stands twice, and a photo has to meet one: {remedy}.', position)
    return [condition for condition, _ in conditions]


def _check_thresholds(thresholds: Sequence[Threshold]) -> None:
    for first, second in combinations(thresholds, 2):
        if contradict(first, second):
            raise QueryError(f'No face can pass both "{first}" and "{second}": leave one of them out.')


def _check_left_out(first: tuple[str, int], strict: bool, nothing_left: bool) -> None:
    words, position = first
    if nothing_left:
        raise QueryError(
            f'The network does not score "{words}", and nothing that it scores is asked for: add something that it '
            'does ("facesearch attributes" lists it).',
            position,
        )
    if strict:
        raise QueryError(
            f'The network does not score "{words}": leave it out, or search without --strict for the rest.', position
        )


def _checked(tree: Node) -> Iterator[str]:
    """Remarks on a tree. Raises QueryError where it is too large to be scored, or impossible."""
    if sum(1 for _ in leaves(tree)) > MAX_TERMS or height(tree) > MAX_HEIGHT:
        raise QueryError(
            f"A description may name {MAX_TERMS} things, nested {MAX_HEIGHT} deep, and this one goes beyond: shorten "
            "it."
        )
    possible = outcomes(tree)
    if True not in possible:
        raise QueryError(f'No face can fit this description, read as "{tree}": leave out what contradicts the rest.')
    if False not in possible:
        yield "Every face fits this description."
    plain = firm(tree)
    if plain != tree and True not in outcomes(plain):
        yield "The hedged words contradict the rest or each other, so no face can fit all of them."
    yield from oddities.remarks(tree)


def _remarks_on_left_out(not_scored: Sequence[str], alternatives: Iterable[str]) -> Iterator[str]:
    if not_scored:
        yield f"The network does not score {_listed(not_scored)}; searched for the rest."
    if beside_or := tuple(dict.fromkeys(alternatives)):
        yield f'Faces that fit only by {_listed(beside_or)}, on one side of an "or", are not found.'


def _listed(words: Sequence[str]) -> str:
    quoted = [f'"{each}"' for each in words]
    return " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))


def _remarks_on_bounds(found: Sequence[Token]) -> Iterator[str]:
    for token, number in pairwise(found):
        if number.kind is Kind.BOUND and token.entry is not None and token.entry.remark is not None:
            yield token.entry.remark


def _pronoun_remarks(found: Sequence[Token]) -> Iterator[str]:
    if any(token.entry is not None and token.entry.person for token in found):
        return
    for token in found:
        if token.kind is Kind.PRONOUN:
            person, persons = ("man", "men") if normal(token.shown) in small_words.HE_WORDS else ("woman", "women")
            yield f'"{token.shown}" does not limit the search to {persons}: add "{person}" if you want that.'
            return
