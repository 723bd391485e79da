"""The grammar: from groups of tokens to clauses joined by "and", to a tree.

description  = clause { [ "," | "and" | "with" ] clause }
clause       = [ hedge ] [ negation ] alternative { "or" [ negation ] alternative } [ [ "," ] hedge ]
             | phrase { "or" phrase } [ hedge ] "not"
negation     = "not" { "not" }
alternative  = { "-" } ( phrase | "(" description ")" ) [ ":" certainty ]
             | phrase bound | photo filter
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from facesearch.errors import QueryError
from facesearch.query.groups import Group, Item, entry_of
from facesearch.query.nouns import resolved
from facesearch.query.tokens import Kind, Token
from facesearch.query.tree import Node, all_of, any_of, hedge, negate

MAX_PARENTHESES = 50

UNITS = (Kind.TERM, Kind.GROUP, Kind.PHOTO)


@dataclass(frozen=True)
class Alternative:
    """One term, group or photo filter with the "or" or "nor" and the negations before it and the number behind it."""

    joined: Token | None
    unit: Item
    nots: tuple[Token, ...]
    dashes: tuple[Token, ...]
    number: Token | None = None

    @property
    def plain(self) -> bool:
        return not self.nots and not self.dashes

    @property
    def filters(self) -> bool:
        """It only filters: it is a photo filter, or has a bound."""
        return self.unit.kind is Kind.PHOTO or (self.number is not None and self.number.kind is Kind.BOUND)


@dataclass
class Clause:
    """Alternatives joined by "or", with the hedge in front of or behind them.

    joined: the comma, "and" or "with" between this clause and the one before.
    """

    joined: Token | None
    hedge: Token | None
    alternatives: list[Alternative] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        return self.hedge is None and all(a.plain for a in self.alternatives)

    @property
    def denied(self) -> bool:
        """It begins with a "no"."""
        first = self.alternatives[0]
        return len(first.nots) % 2 == 1 and first.nots[-1].position < first.unit.position  # not "Glasses: no"

    @property
    def certainty(self) -> float:
        numbers = [a.number for a in self.alternatives if a.number is not None and a.number.kind is Kind.CERTAINTY]
        said = [self.hedge, *numbers]
        return next((token.certainty for token in said if token is not None), 1.0)

    def denials(self) -> list[bool]:
        """Whether each alternative is denied: "no" reaches over those that follow, up to the next "no" or "-"."""
        found: list[bool] = []
        denying = False
        for alternative in self.alternatives:
            if not alternative.plain:
                denying = len(alternative.nots) % 2 == 1
            found.append(denying ^ (len(alternative.dashes) % 2 == 1))
        return found


def nest(found: Iterable[Token]) -> Group:
    """The tokens as groups in groups, every adjective beside its noun."""
    opened: list[tuple[int, list[Item]]] = [(0, [])]
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
            opened[-1][1].append(Group(position, resolved(items)))
        else:
            opened[-1][1].append(token)
    position, items = opened.pop()
    if opened:
        raise QueryError('This "(" is never closed: add a ")".', position)
    return Group(position, resolved(items))


def clauses_of(group: Group) -> list[Clause]:
    """What "and", commas, "with" and juxtaposition join in a group, at least one. Raises QueryError."""
    clauses: list[Clause] = []
    joined: Token | None = None
    ahead: list[Token] = []  # "or", hedges, "no" and "-" that wait for their term
    before: Item | None = None
    for at, item in enumerate(group.items):
        if isinstance(item, Group) or item.kind in UNITS:
            nots, dashes, hedges = (
                tuple(t for t in ahead if t.kind is kind) for kind in (Kind.NOT, Kind.DASH, Kind.HEDGE)
            )
            ors = bool(ahead) and ahead[0].kind in (Kind.OR, Kind.NOR)
            if not ors:
                weakest = min(hedges, key=lambda token: token.certainty, default=None)  # "I think he might be bald"
                clauses.append(Clause(joined, weakest))
            clauses[-1].alternatives.append(Alternative(ahead[0] if ors else None, item, nots, dashes))
            joined, ahead = None, []
        elif item.kind in (Kind.CERTAINTY, Kind.BOUND):
            if before is None or before.kind not in UNITS:
                raise QueryError(f'"{item.shown}" stands directly behind the words that it is about.', item.position)
            clauses[-1].alternatives[-1] = replace(clauses[-1].alternatives[-1], number=item)
        elif item.kind is Kind.HEDGE and clauses and not ahead and _ends_what_it_hedges(group.items, at):
            _refuse_between_commas(group.items, at)
            if at + 1 < len(group.items) and group.items[at + 1].kind is Kind.OR:
                raise hedge_in_or(item)
            said = (clauses[-1].hedge, item)
            clauses[-1].hedge = min(filter(None, said), key=lambda token: token.certainty)
            joined = None
        elif item.kind is Kind.NOT and joined is None and clauses and _answers(group.items, at, ahead):
            clauses[-1] = _denied_behind(clauses[-1], item, ahead.pop() if ahead else None)
        elif item.kind in (Kind.NOT, Kind.DASH, Kind.HEDGE):
            _check_order(ahead, item)
            ahead.append(item)
        elif item.kind is Kind.WITH:
            if clauses and not ahead and (joined is None or joined.kind is Kind.COMMA):
                joined = item
        elif item.kind is not Kind.PERSON:
            if ahead and ahead[-1].kind is Kind.HEDGE and item.shown == "," and at + 1 < len(group.items):
                continue  # "Perhaps, a hat"
            if ahead:
                raise _nothing_after(ahead[-1])
            if item.kind is Kind.COMMA:
                joined = joined or (item if clauses else None)
            else:
                if not clauses:
                    raise QueryError(
                        f'"{item.shown}" has nothing before it to join: say what, or leave it out.', item.position
                    )
                if joined is not None and joined.kind is not Kind.COMMA:
                    raise _nothing_after(joined)
                joined, ahead = (item, []) if item.kind is Kind.AND else (None, [item])
        before = item
    if ahead:
        raise _nothing_after(ahead[-1])
    if joined is not None and joined.kind is not Kind.COMMA:
        raise _nothing_after(joined)
    _hedge_all_of_the_hair(clauses)
    if not clauses:
        raise QueryError(
            "There is nothing to search for between these parentheses: fill or remove them.", group.position
        )
    return clauses


def _hedge_all_of_the_hair(clauses: Sequence[Clause]) -> None:
    """ "I think his hair was short and brown": the hedge is not lost with the "short" that is not scored."""
    for clause, following in pairwise(clauses):
        if clause.hedge is None or not following.plain or len(clause.alternatives) > 1:
            continue
        said, other = entry_of(clause.alternatives[0].unit), entry_of(following.alternatives[0].unit)
        if said is None or other is None or said.meaning is not None:
            continue
        if said.said.split()[0] == other.said.split()[0] == "hair":
            following.hedge = clause.hedge


def _ends_what_it_hedges(items: Sequence[Item], at: int) -> bool:
    """The hedge at `at` stands behind what it is said of: "glasses?", "a beard maybe", "glasses, I think"."""
    if items[at].shown == "?":
        return True
    opens_sentence = items[at - 1].kind is Kind.COMMA and items[at - 1].shown != ","
    return not opens_sentence and _ends(items, at)


def _ends(items: Sequence[Item], at: int) -> bool:
    return at + 1 == len(items) or items[at + 1].kind in (Kind.COMMA, Kind.AND)


def _answers(items: Sequence[Item], at: int, ahead: Sequence[Token]) -> bool:
    """The "no" at `at` denies what stands before it: "Glasses: no", "Beard: probably not"."""
    hedged = len(ahead) == 1 and ahead[0].kind is Kind.HEDGE and items[at - 2].kind in UNITS
    return _ends(items, at) and (not ahead or hedged)


def _refuse_between_commas(items: Sequence[Item], at: int) -> None:
    hedge, before = items[at], items[at - 1]
    if before.kind in (Kind.AND, Kind.WITH):
        raise _nothing_after(hedge)
    if before.shown == "," and at + 1 < len(items) and items[at + 1].shown != ".":
        raise QueryError(
            f'"{hedge.shown}" can belong to what stands before it or to what follows: leave one of the commas out.',
            hedge.position,
        )


def _denied_behind(clause: Clause, word: Token, hedge: Token | None) -> Clause:
    """ "Glasses: no", "Hat or glasses? Probably not."."""
    if not clause.plain or any(alternative.number is not None for alternative in clause.alternatives):
        raise _nothing_after(word)
    first, *others = clause.alternatives
    return Clause(clause.joined, hedge, [replace(first, nots=(word,)), *others])


def _check_order(ahead: list[Token], item: Token) -> None:
    """A hedge stands first, then "not", then "-"."""
    if ahead and ahead[-1].kind is Kind.DASH and item.kind is not Kind.DASH:
        raise QueryError('A "-" stands directly before the word or the "(" that it denies.', ahead[-1].position)
    if item.kind is not Kind.HEDGE or not ahead or ahead[-1].kind is Kind.HEDGE:
        return
    if ahead[-1].kind is Kind.NOT:
        raise QueryError(
            f'"{item.shown}" cannot be denied: say "{item.shown} {ahead[-1].shown}" if you mean that.', item.position
        )
    raise hedge_in_or(item)


def hedge_in_or(token: Token) -> QueryError:
    behind = token.kind is Kind.CERTAINTY or token.shown == "?"
    example = f"(glasses or hat){token.shown}" if behind else f"{token.shown} (glasses or hat)"
    return QueryError(
        f'"{token.shown}" covers only a part of what "or" joins: let it cover all, as in "{example}", or leave it out.',
        token.position,
    )


def _nothing_after(token: Item) -> QueryError:
    return QueryError(f'"{token.shown}" has nothing after it: say what, or leave it out.', token.position)


@dataclass
class LeftOut:
    """What a tree leaves out because it is not scored.

    words: as typed, with their positions. alternatives: those of them beside which an "or" keeps something else.
    rough: what is to be said of words that it holds, and whose meaning is rougher than they are.
    """

    words: list[tuple[str, int]] = field(default_factory=list)
    alternatives: list[str] = field(default_factory=list)
    rough: list[str] = field(default_factory=list)


def tree_of(group: Group, denied: bool = False, left_out: LeftOut | None = None) -> Node | None:
    """The tree of one group, without filters and without words that are not scored; None where nothing is left.

    denied: an odd number of negations stands above it.
    """
    left_out = LeftOut() if left_out is None else left_out
    trees = [clause_tree(clause, denied, left_out) for clause in clauses_of(group)]
    left = [tree for tree in trees if tree is not None]
    if denied and left and len(left) < len(trees):
        words, position = left_out.words[-1]
        raise QueryError(
            f'The network does not score "{words}", so it cannot deny what stands with it in parentheses: take it out '
            "of them.",
            position,
        )
    return all_of(left) if left else None


def clause_tree(clause: Clause, denied: bool, left_out: LeftOut) -> Node | None:
    """As `tree_of`, of one clause."""
    done: list[Node] = []
    reach: list[Node] = []
    denying = False
    missing: list[str] = []

    def close() -> None:
        if reach:
            done.append(negate(any_of(reach)) if denying else any_of(reach))
            reach.clear()

    for at, (alternative, denies) in enumerate(zip(clause.alternatives, clause.denials(), strict=True)):
        known = len(left_out.words)
        reaches_on = at + 1 < len(clause.alternatives) and clause.alternatives[at + 1].plain
        node = None
        if alternative.unit.kind is not Kind.PHOTO:
            node = unit_tree(alternative.unit, denied ^ denies, left_out)
        if not alternative.plain:
            close()
            denying = len(alternative.nots) % 2 == 1
        if node is None or alternative.filters:
            # Who denies a scar or a beard lacks both, so nobody is missed where the "no" also reaches something scored.
            fits_by_it = not (denied ^ denies) or not (alternative.plain or reaches_on)
            missing += [words for words, _ in left_out.words[known:]] if fits_by_it else []
            continue
        if len(alternative.dashes) % 2:
            node = negate(node)
        if alternative.dashes and not alternative.nots:
            done.append(node)
        else:
            reach.append(node)
    close()
    if not done:
        return None
    left_out.alternatives += missing
    return hedge(any_of(done), clause.certainty)


def unit_tree(unit: Item, denied: bool, left_out: LeftOut) -> Node | None:
    """As `tree_of`, of one term or group."""
    if isinstance(unit, Group):
        return tree_of(unit, denied, left_out)
    assert unit.entry is not None
    meaning = unit.entry.meaning
    whole = meaning is None or denied or unit.entry.plain_hair  # who denies a long beard may mean a short one
    narrow = unit.entry.remark is not None or unit.entry.narrow
    if (unit.adjectives and whole) or (narrow and denied):  # no sunglasses: perhaps glasses
        left_out.words.append((" ".join((*unit.adjectives, unit.shown)), unit.position))
        return None
    if unit.entry.remark is not None:
        left_out.rough.append(unit.entry.remark)
    left_out.words += [(f"{adjective} ({unit.shown})", unit.position) for adjective in unit.adjectives]
    if meaning is None:
        left_out.words.append((unit.shown, unit.position))
    return meaning
