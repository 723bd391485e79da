"""The search language: parentheses, "-word", certainties, bounds and conditions on photos, and readings as printed.

What has none of these marks is left to the reader of statements; here stand only the marks, and what they may join.

description  = part { ( "," | "and" ) part }
part         = clause { clause }
clause       = [ hedge ] alternative { "or" alternative }
alternative  = { "not" } { "-" } ( words | "(" description ")" ) [ ":" certainty ]
             | words bound | photo condition
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations, groupby
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from facesearch.attributes import NAMES
from facesearch.errors import QueryError
from facesearch.query import numbers, photo_filters
from facesearch.query.errors import Notice
from facesearch.query.lexicon import Lexicon
from facesearch.query.photo_filters import Condition
from facesearch.query.reading import TERMS
from facesearch.query.report import SetAside, Used
from facesearch.query.slips import Slip
from facesearch.query.tokens import DASHES, Token, tokens
from facesearch.query.tree import EVERYTHING, Node, Term, Threshold, all_of, any_of, firm, hedge, negate, without_hedges

if TYPE_CHECKING:
    from facesearch.query.statement import Statement

MAX_PARENTHESES = 50

# --- which texts are written in it ---

_CERTAINTY = re.compile(
    r"(?:[\w)\"”](?<!height)(?<!\bht)\s*|[\s,]):\s*(?:[01]?[.,]\d+(?:\.\d+)*|[01](?=\s*(?:$|,(?!\d)|;|\)|:|and\b))|\d{1,3}\s?%"
    r"|\d+(?:\.\d+)?e[+-]?\d+|(?<!\s)1\.\d+|-\d[\d.]*|-?(?:nan|inf(?:inity)?)(?=\s*(?:$|[,;)])))(?![\w'\"]|\s(?:m|kg|cm|ft)\b)",
    re.IGNORECASE,
)
_BOUND = re.compile(rf"[{numbers.RELATIONS}]=?\s*[+-]?[.\d]|[\w)]\s?[{numbers.RELATIONS}](?![/a-z]*>)")
_PHOTO = re.compile(
    rf"\b(?:{'|'.join(photo_filters.FIELDS)}):(?=\S)|(?:^|[,(;])\s*(?:folder|camera)\s*:|{photo_filters.NEARLY}",
    re.IGNORECASE,
)
_OTHER_FIELD = re.compile(
    r"^[^\n]*\b(?:sex|age|hair|race|height|dob|gender|build|eyes)\s*:", re.IGNORECASE | re.MULTILINE
)
_DENIAL = re.compile(rf"(?:^|[{DASHES[:3]}\s(,])[{DASHES[:3]}!](?=[{DASHES[:3]}\w(])")
_TOLD = re.compile(r"\w:\s|\b(?:he|she|they|his|her|was|were|had|has|wore|said|seen|police)\b", re.IGNORECASE)
"""What a text that people tell or fill in holds, and a description in the search language hardly ever."""
_GROUP = re.compile(
    r"\b(?:not|or|and|maybe|probably|no)\s*\(|\([^()]*(?:\bor\b|,|\band\b)[^()]*\)\s*(?:$|[,:)]|and\b|or\b)"
)
_OFFICIAL = {name.casefold(): Term(index) for index, name in enumerate(NAMES)}
_SHORT = 2_000
"""Characters of a text in which a dash before a word denies; in a longer one it is a dash."""


def _printed() -> str:
    """The pattern of a reading as search prints it: phrases joined by "and" or "or"."""
    words = "|".join(sorted(map(re.escape, TERMS), key=len, reverse=True))
    part = rf"(?:\(|(?:not|maybe|probably)\s)*(?:{words})(?:\)|:[\d.e-]+)*"
    return rf"\s*{part}(?:\s(?:and|or)\s{part})*\s*"


_PRINTED = re.compile(_printed())


def is_formal(text: str) -> bool:
    """It holds a certainty, a bound, a condition on photos or a name of the data set, or is a reading as search prints
    it; a short line, also if it holds parentheses that join or a "-" that denies. `name:` and the like are conditions
    only where the text has no other field of a form."""
    photo = _PHOTO.search(text)
    if photo is not None:
        asked = photo.group().strip(" ,(;:").casefold() in photo_filters.FIELDS[:1] + photo_filters.FIELDS[2:]
        return asked or _OTHER_FIELD.search(text) is None
    if any(map(_is_certainty, _CERTAINTY.finditer(text))) or _BOUND.search(text) or _PRINTED.fullmatch(text):
        return True
    if any("_" in word and word.casefold().strip("-,.()") in _OFFICIAL for word in text.split()):
        return True
    line = len(text) < _SHORT and "\n" not in text.strip() and _TOLD.search(text) is None
    return line and (_GROUP.search(text) is not None or _DENIAL.search(text) is not None)


def _is_certainty(found: re.Match[str]) -> bool:
    """Not the number of a list: "described as: 1) a man ..."."""
    closes = found.string[found.end() :].lstrip().startswith(")")
    return not closes or "(" in found.string[: found.start()]


# --- items: marks, joining words, and the words between ---


class Item(NamedTuple):
    """sort: "(", ")", ",", "and", "or", "not", "hedge", "with", "-", "certainty", "bound", "photo", "group" or "word".
    value: what a number, a condition, a hedge or a group says."""

    sort: str
    start: int
    end: int
    value: Any = None


_MARKED = frozenset(("group", "-", "certainty", "bound", "photo"))
_JOINING = {"AND": "and", "OR": "or", "NOR": "or", "NEG": "not", "NEITHER": "not", "HEDGE": "hedge", "WITH": "with"}
_NAME = re.compile(r"\w+_\w+")
_SPACE = re.compile(r"\s+")
_WORDS = re.compile(rf"[^\s(),;:{numbers.RELATIONS}]+")
_UNCLEAR_DASH = '"-" stands directly before what it denies: write "-smiling", or leave it out.'


def _items(text: str, words: Lexicon) -> Iterator[Item]:
    """Everything that stands in a text, one behind the other."""
    at = 0
    while at < len(text):
        mark = _mark(text, at) or _official(text, at)
        if mark is not None:
            yield mark
            at = mark.end
        elif space := _SPACE.match(text, at):
            if "\n" in space.group():
                yield Item(",", at, space.end())
            at = space.end()
        else:
            end = _end_of_words(text, at)
            yield from _word_items(text, at, end, words)
            at = end


def _official(text: str, at: int) -> Item | None:
    """The data set's own name of an attribute."""
    name = _NAME.match(text, at)
    return Item("word", at, name.end(), True) if name is not None and name.group().casefold() in _OFFICIAL else None


def _end_of_words(text: str, at: int) -> int:
    """Where the words that begin at `at` end: at the next mark, or with the line."""
    while (word := _WORDS.match(text, at)) is not None:
        at = word.end()
        after = at + len(text[at:]) - len(text[at:].lstrip(" \t"))
        if after == at or text[after : after + 1] in ("", "\n") or _mark(text, after) or _official(text, after):
            break
        at = after
    return at


def _mark(text: str, at: int) -> Item | None:
    """The mark at a place."""
    if at >= len(text):
        return None
    mark, before = text[at], text[at - 1] if at else " "
    opens = not before.isalnum() and before not in "_'"
    if opens and (photo := photo_filters.condition_at(text, at)) is not None:
        return Item("photo", at, photo[1], photo[0])
    if mark in "()":
        return Item(mark, at, at + 1)
    if mark in ",;" or (mark == "." and not text[at + 1 : at + 2].isalnum()):
        return Item(",", at, at + 1)
    if mark == ":":
        value, end = numbers.certainty_at(text, at)
        return Item("certainty", at, end, value)
    if mark in numbers.RELATIONS:
        bound, end = numbers.bound_at(text, at)
        return Item("bound", at, end, bound)
    if opens and mark == "!":
        raise QueryError('"!" denies nothing here: say "no" or "not", or write a "-" directly before.', at)
    return Item("-", at, at + 1) if opens and mark in DASHES else None


def _word_items(text: str, start: int, end: int, words: Lexicon) -> Iterator[Item]:
    """The words from `start` to `end`: those that join, deny or hedge, and what stands between them."""
    found = [token for token in tokens(text[start:end]) if token.sort != "line"]
    run: list[Token] = []
    at = 0
    while at < len(found):
        joins, after = _joining(found, at, words)
        if joins is None:
            run.append(found[at])
        else:
            yield from _run(run, start)
            run = []
            sort, value = joins
            yield Item(sort, start + found[at].start, start + found[after - 1].end, value)
        at = after
    yield from _run(run, start)


def _run(run: Sequence[Token], start: int) -> Iterator[Item]:
    if run:
        yield Item("word", start + run[0].start, start + run[-1].end)


def _joining(found: list[Token], at: int, words: Lexicon) -> tuple[tuple[str, Any] | None, int]:
    """What a word joins, denies or hedges, and where it ends."""
    if found[at].normal == "/":
        return ("or", None), at + 1
    for end, entries in words.at(found, at)[:1]:
        for category, value in entries:
            if category in _JOINING:
                return (_JOINING[category], value), end
    return None, at + 1


def _nested(items: Iterator[Item]) -> list[Item]:
    """The items with what stands in parentheses as one."""
    opened: list[tuple[Item | None, list[Item]]] = [(None, [])]
    for item in items:
        if item.sort == "(":
            if len(opened) > MAX_PARENTHESES:
                raise QueryError(f"Parentheses may be nested {MAX_PARENTHESES} deep: shorten it.", item.start)
            opened.append((item, []))
        elif item.sort == ")":
            first, inner = opened.pop()
            if first is None:
                raise QueryError('This ")" closes nothing: remove it, or open it with "(".', item.start)
            opened[-1][1].append(Item("group", first.start, item.end, inner))
        else:
            opened[-1][1].append(item)
    first, inner = opened.pop()
    if first is not None:
        raise QueryError('This "(" is never closed: add a ")".', first.start)
    return inner


# --- what they mean ---


@dataclass
class Alternative:
    """What "or" joins: words, a group or a condition on photos, with the denials before it and the number behind."""

    nots: int = 0
    dashes: int = 0
    units: list[Item] = field(default_factory=list)
    number: Item | None = None

    @property
    def plain(self) -> bool:
        return not self.nots and not self.dashes

    @property
    def unit(self) -> Item:
        return self.units[0]

    @property
    def filters(self) -> bool:
        return self.unit.sort == "photo" or (self.number is not None and self.number.sort == "bound")


@dataclass
class Clause:
    """Alternatives under one hedge."""

    alternatives: list[Alternative]
    hedge: Item | None = None


def read_formal(text: str, words: Lexicon, plain: Callable[[str], "Statement"]) -> "Formal":
    """A description in the search language. plain: reads what has no marks. Raises QueryError."""
    found = Formal(text, plain)
    items = _nested(_items(text, words))
    if not any(item.sort in ("word", "photo", "group") for item in items):
        raise QueryError("The description asks for nothing: say what the face looks like, such as “man, no hat”.")
    found.tree = found.level(items, alone=True, denied=False) or EVERYTHING
    found.check()
    return found


class Formal:
    """What a description in the search language has been found to say."""

    def __init__(self, text: str, plain: Callable[[str], "Statement"]) -> None:
        self.text, self.plain = text, plain
        self.tree: Node = EVERYTHING
        self.thresholds: list[Threshold] = []
        self.conditions: list[tuple[Condition, int]] = []
        self.used: list[Used] = []
        self.set_aside: list[SetAside] = []
        self.corrected: list[Slip] = []
        self.notices: list[Notice] = []

    # --- "and" ---

    def level(self, items: Sequence[Item], place: int = 0, *, alone: bool, denied: bool) -> Node | None:
        """What stands between a pair of parentheses. alone: nothing but "and" stands above; denied: a "not" does."""
        parts = list(self._parts(items))
        if not parts:
            raise QueryError("There is nothing to search for between these parentheses: fill or remove them.", place)
        nodes = list(self._nodes(parts, alone, denied))
        known = [node for node in nodes if node is not None]
        if denied and known and len(known) < len(nodes):
            raise self._cannot_deny()
        return all_of(known) if known else None

    def _nodes(self, parts: Sequence[list[Item]], alone: bool, denied: bool) -> Iterator[Node | None]:
        """The meaning of each part; parts without marks are read together."""
        for marked, group in groupby(parts, lambda part: any(map(_is_mark, part))):
            together = list(group)
            start, end = together[0][0].start, together[-1][-1].end
            if marked or _PRINTED.fullmatch(self.text, start, end):
                clauses = chain.from_iterable(map(self._clauses, together))
                yield from (self._clause(clause, alone, denied) for clause in clauses)
            else:
                yield self._words(start, end, denied)

    def _parts(self, items: Sequence[Item]) -> Iterator[list[Item]]:
        """What commas and "and" part."""
        part: list[Item] = []
        joined: Item | None = None
        for item in items:
            if item.sort not in (",", "and"):
                part.append(item)
                continue
            if item.sort == "and" and (not part and (joined is None or joined.sort == "and")):
                raise self._nothing(item, "before it to join" if joined is None else "after it")
            if part:
                yield part
            part, joined = [], item
        if part:
            yield part
        elif joined is not None and joined.sort == "and":
            raise self._nothing(joined, "after it")

    # --- "or" ---

    def _clauses(self, part: Sequence[Item]) -> Iterator[Clause]:
        """What stands side by side in a part, each with its "or"s."""
        clause = Clause([])
        waiting: list[Item] = []
        for item in self._split(part):
            last = clause.alternatives[-1] if clause.alternatives else None
            if item.sort in ("certainty", "bound"):
                self._number(None if waiting else last, item)
            elif item.sort in ("word", "group", "photo"):
                if last is not None and [each.sort for each in waiting[:1]] != ["or"]:
                    yield clause
                    clause = Clause([])
                self._add(clause, waiting, item)
                waiting = []
            else:
                self._wait(waiting, item)
        if waiting:
            raise self._nothing(waiting[-1], "after it")
        yield clause

    def _number(self, last: Alternative | None, item: Item) -> None:
        if last is None or last.number is not None:
            shown = self.text[item.start : item.end]
            raise QueryError(f'"{shown}" stands directly behind the words that it is about.', item.start)
        last.number = item

    def _split(self, part: Sequence[Item]) -> Iterator[Item]:
        """A number is of the phrase directly before it, and not of all the words: "tall man smiling>0.8"."""
        for at, item in enumerate(part):
            numbered = at + 1 < len(part) and part[at + 1].sort in ("certainty", "bound")
            said = self.text[item.start : item.end]
            own = max((term for term in TERMS if said.casefold().endswith(f" {term}")), key=len, default="")
            if item.sort == "word" and numbered and own:
                yield Item("word", item.start, item.end - len(own) - 1)
                yield Item("word", item.end - len(own), item.end)
            else:
                yield item

    def _wait(self, waiting: list[Item], item: Item) -> None:
        """A hedge stands first, then "not", then "-"."""
        if item.sort == "with":
            return
        last = waiting[-1] if waiting else None
        if item.sort == "or" and last is not None:
            raise self._nothing(last, "after it")
        if last is not None and last.sort == "-" and item.sort != "-":
            raise QueryError('A "-" stands directly before the word or the "(" that it denies.', last.start)
        if item.sort == "hedge" and last is not None and last.sort == "not":
            shown, denial = (self.text[each.start : each.end] for each in (item, last))
            raise QueryError(f'"{shown}" cannot be denied: say "{shown} {denial}" if you mean that.', item.start)
        waiting.append(item)

    def _add(self, clause: Clause, waiting: Sequence[Item], unit: Item) -> None:
        sorts = [each.sort for each in waiting]
        hedges = [each for each in waiting if each.sort == "hedge"]
        if sorts[-1:] == ["-"] and waiting[-1].end < unit.start:
            raise QueryError(f"A {_UNCLEAR_DASH}", waiting[-1].start)
        if sorts[:1] == ["or"] and not clause.alternatives:
            raise self._nothing(waiting[0], "before it to join")
        if hedges and not clause.alternatives:  # "grey, or maybe blond": the "or" says it
            clause.hedge = min(hedges, key=lambda each: each.value)
        clause.alternatives.append(Alternative(sorts.count("not"), sorts.count("-"), [unit]))

    def _clause(self, clause: Clause, alone: bool, denied: bool) -> Node | None:
        """The meaning of a clause."""
        alone = alone and clause.hedge is None and all(each.plain for each in clause.alternatives)
        alone = alone and not any(each.number for each in clause.alternatives if not each.filters)
        if any(each.filters for each in clause.alternatives):
            self._filter(clause, alone)
            return None
        certainty = self._certainty(clause, denied)
        several = len(clause.alternatives) > 1
        found = [self._reach(reach, alone and not several, denied, several) for reach in _reaches(clause)]
        done = [node for node, _ in found if node is not None]
        if done and any(missing for _, missing in found):
            self.notices.append(Notice("alternative", {"words": self.set_aside[-1].words if self.set_aside else ""}))
        return hedge(any_of(done), certainty) if done else None

    def _reach(
        self, reach: Sequence[Alternative], alone: bool, denied: bool, several: bool
    ) -> tuple[Node | None, bool]:
        """What stands under one "no", or under none; and whether a side of an "or" by which a face may fit is not
        scored. several: it is joined to something by "or"."""
        denies = _denies(reach[0])
        nodes: list[Node] = []
        for each in reach:
            node = self._unit(each.unit, alone, denied ^ denies ^ _dashed(each))
            if node is not None:
                self._refuse_only_hedged(node, each.unit, several)
                nodes.append(negate(node) if _dashed(each) else node)
        missing = len(nodes) < len(reach) and not denied ^ denies
        return (negate(any_of(nodes)) if denies else any_of(nodes)) if nodes else None, missing

    def _certainty(self, clause: Clause, denied: bool) -> float:
        numbered = [each.number for each in clause.alternatives if each.number is not None]
        if numbered and len(clause.alternatives) > 1:
            raise self._part_of_or(numbered[0])
        hedges = [each for each in (clause.hedge, *numbered) if each is not None]
        shown = [self.text[each.start : each.end] for each in hedges]
        if len(hedges) > 1:
            raise QueryError(f'"{shown[0]}" and "{shown[1]}" hedge the same: leave one of them out.', hedges[1].start)
        if hedges and denied:
            raise self._denied_hedge(shown[0], hedges[0].start)
        return float(hedges[0].value) if hedges else 1.0

    # --- words ---

    def _unit(self, unit: Item, alone: bool, denied: bool) -> Node | None:
        if unit.sort == "group":
            return self.level(unit.value, unit.start, alone=alone, denied=denied)
        return self._words(unit.start, unit.end, denied)

    def _words(self, start: int, end: int, denied: bool) -> Node | None:
        """What words without marks mean; None: nothing that is searched."""
        said = " ".join(self.text[start:end].casefold().split())
        known = TERMS.get(said) or _OFFICIAL.get(said)
        if known is not None:
            self.used.append(Used(self.text[start:end], start, end, str(known)))
            return known
        statement = self.plain(self.text[start:end])
        person = statement.person()
        self.used += (_moved(each, start) for each in person.used)
        self.set_aside += (_moved(each, start) for each in statement.set_aside)
        self.corrected += (_moved(each, start) for each in statement.corrected)
        self.notices += (each for each in statement.notices if each.kind != "nothing" and each not in self.notices)
        if denied and firm(person.tree) != person.tree:
            raise self._denied_hedge("maybe", start)
        if denied and (statement.set_aside or any(each.rough for each in person.used)):
            self._refuse_denied_in_part(person.tree, statement.set_aside)
            return None
        return None if person.tree == EVERYTHING else person.tree

    def _refuse_denied_in_part(self, tree: Node, aside: Sequence[SetAside]) -> None:
        """Who denies a long beard may mean a short one; two things of which one is not scored cannot be denied."""
        if tree != EVERYTHING and (not isinstance(tree, Term) or any(each.why != "quality" for each in aside)):
            raise self._cannot_deny()

    # --- filters ---

    def _filter(self, clause: Clause, alone: bool) -> None:
        """Conditions on photos, of which "or" joins those of one kind, and bounds."""
        first = clause.alternatives[0]
        place = first.unit.start
        for each in sorted(clause.alternatives, key=lambda each: not each.filters):
            if each.unit.sort != "photo":
                self._bound(each, alone and len(clause.alternatives) == 1)
            elif alone and each.number is None and _alike(first, each):
                self.conditions.append((each.unit.value, place))
            else:
                raise self._filters_alone(each.unit, each.unit.end)

    def _bound(self, each: Alternative, alone: bool) -> None:
        number = each.number
        if number is None or number.sort != "bound":
            raise self._filters_alone(each.unit, each.unit.end)
        shown = _shortened(self.text[each.unit.start : number.end])
        if not each.plain:
            raise QueryError(f'"{shown}" only filters and cannot be denied: turn its sign round.', each.unit.start)
        if not alone:
            raise self._filters_alone(each.unit, number.end)
        node = self._unit(each.unit, True, False)
        if isinstance(node, Term):
            self.thresholds.append(numbers.threshold(node, number.value))
        elif node is not None:
            raise QueryError(
                f'"{shown}" bounds more than one attribute: bound each of them for itself.', each.unit.start
            )

    # --- checks ---

    def check(self) -> None:
        """Raises QueryError for filters of which no photo or face meets both."""
        for (first, place), (second, position) in combinations(self.conditions, 2):
            if first.field == second.field and first != second and place != position:
                remedy = 'give one range, as in "2019..2021"' if first.field == "taken" else 'join the two with "or"'
                raise QueryError(f'"{second.field}:" stands twice, and a photo has to meet one: {remedy}.', position)
        for one, other in combinations(self.thresholds, 2):
            if numbers.contradict(one, other):
                raise QueryError(f'No face can pass both "{one}" and "{other}": leave one of them out.')

    def _cannot_deny(self) -> QueryError:
        words, start = self.set_aside[-1][:2] if self.set_aside else ("this", 0)
        return QueryError(
            f'The network does not score "{words}", so it cannot deny what stands with it in parentheses: take it out '
            "of them.",
            start,
        )

    def _refuse_only_hedged(self, node: Node, unit: Item, joined: bool) -> None:
        if joined and without_hedges(node) is None:
            raise QueryError(
                'These parentheses stand beside an "or" and hold nothing but hedged words: hedge all that "or" joins, '
                'as in "maybe (glasses or hat)".',
                unit.start,
            )

    def _denied_hedge(self, shown: str, start: int) -> QueryError:
        return QueryError(
            f'"{shown}" stands within parentheses that are denied: hedge the whole, as in "maybe not (...)", or '
            "leave it out.",
            start,
        )

    def _part_of_or(self, item: Item) -> QueryError:
        shown = self.text[item.start : item.end]
        return QueryError(
            f'"{shown}" covers only a part of what "or" joins: let it cover all, as in "(glasses or hat){shown}", or '
            "leave it out.",
            item.start,
        )

    def _nothing(self, item: Item, where: str) -> QueryError:
        if item.sort == "-":
            return QueryError(f"A {_UNCLEAR_DASH}", item.start)
        return QueryError(
            f'"{self.text[item.start : item.end]}" has nothing {where}: say what, or leave it out.', item.start
        )

    def _filters_alone(self, unit: Item, end: int) -> QueryError:
        alike = ""
        if unit.sort == "photo":
            alike = ' (a range is written as in "2019..2021")' if unit.value.field == "taken" else " but to its like"
        return QueryError(
            f'"{_shortened(self.text[unit.start : end])}" only filters, so it can be neither denied nor hedged, nor '
            f'joined by "or"{alike}: let it stand between commas.',
            unit.start,
        )


def _is_mark(item: Item) -> bool:
    """It is a mark, or a name of the data set."""
    return item.sort in _MARKED or (item.sort == "word" and bool(item.value))


Placed = TypeVar("Placed", Used, SetAside, Slip)


def _moved(each: Placed, by: int) -> Placed:
    return each._replace(start=each.start + by, end=each.end + by)


def _reaches(clause: Clause) -> Iterator[list[Alternative]]:
    """The alternatives over which each "no" reaches: up to the next "no" or "-"; and those before the first."""
    reach: list[Alternative] = []
    for each in clause.alternatives:
        if reach and not each.plain:
            yield reach
            reach = []
        reach.append(each)
    yield reach


def _denies(each: Alternative) -> bool:
    return each.nots % 2 == 1


def _dashed(each: Alternative) -> bool:
    return each.dashes % 2 == 1


def _alike(one: Alternative, other: Alternative) -> bool:
    """Two conditions that "or" may join: a filter holds several values of one field, but one range of dates."""
    if one.unit.sort != "photo":
        return False
    first, second = one.unit.value, other.unit.value
    return bool(first == second or first.field == second.field != "taken")


def _shortened(shown: str) -> str:
    return shown if len(shown) < 60 else f"{shown[:60]}..."
