"""A request as one SQL statement over the table `faces`, for whatever engine reads the exported files.

The score is the very expression of `facesearch.search.ranking.joint`, in doubles, over the exported probabilities;
order and filters are those of `facesearch.search.description`. Only what DuckDB, ClickHouse, Spark and Trino all read
alike is used: arithmetic, CASE, GREATEST, LEAST, POSITION, WITH, numbers with an exponent (which are doubles
everywhere) and texts without backslashes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from db.values.photo_filter import PhotoFilter, day_number, folded, folder_needles
from facesearch.engines.columns import PROBABILITY_COLUMNS, TABLE
from facesearch.errors import RequestError, SearchError
from facesearch.query.tree import Node, Threshold
from facesearch.search.hits import HOLDS_FROM, LIKELY_FROM
from facesearch.search.ranking.joint import probability
from facesearch.search.ranking.witness import order_of, shipped_errors
from facesearch.search.request import Order, Request, check_counts

MOST_CHARACTERS = 200_000
"""Of a statement: ClickHouse takes 262,144, and an attribute that stands in many branches doubles it each time."""

_SHOWN = ("face", "path", "page", "x", "y", "width", "height")
_INLINE = 24  # characters of an expression that is written again rather than named
_UNPRINTED = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\U0010ffff]+")


def sql_of(request: Request, *, top: int | None = 20) -> str:
    """The statement that gives the `top` faces (None: all) of a request, best first, as a search of the catalogue does:
    columns face, path, page, box, score and behind (1 for faces that are judged to lack a must).

    Raises RequestError ("not in SQL") with what of the request no engine can be asked ("part"), and as `search`.
    """
    if top is not None and top < 1:
        raise SearchError(f"{top} results cannot be shown: ask for 1 or more, or for all.")
    if request.like or request.changes.made:
        raise _not_in_sql("probe")
    if not request.fold_copies:
        raise _not_in_sql("copies")
    query = request.query
    check_counts(query)
    order = order_of(query.scored, None if request.order is Order.SCORE else request.errors or shipped_errors())
    statement = _Statement()
    score = statement.score_of(query.scored)
    ordered = None if order is None else statement.score_of(order)
    musts = [statement.score_of(each) for each in query.musts]
    conditions = list(_conditions(request, statement))
    steps = statement.steps()
    needed = [name for name in PROBABILITY_COLUMNS if name in statement.columns]
    lines = [f"-- {_UNPRINTED.sub(' ', str(request))}"]
    lines += ["WITH asked AS (", f"  SELECT {', '.join([*_SHOWN, *needed])}", f"  FROM {TABLE}"]
    lines += [f"  WHERE {conditions[0]}", *(f"    AND {each}" for each in conditions[1:]), ")"]
    source = "asked"
    for number, named in enumerate(steps, 1):
        lines[-1] += f", step_{number} AS ("
        lines += ["  SELECT *,", ",\n".join(f"    {text} AS {name}" for name, text in named), f"  FROM {source}", ")"]
        source = f"step_{number}"
    scored = [(statement.text_of(score), "score")]
    if ordered is not None:
        scored.append((statement.text_of(ordered), "doubted"))
    scored.append((_behind([statement.text_of(each) for each in musts]), "behind"))
    lines[-1] += ", scored AS ("
    lines += [f"  SELECT {', '.join(_SHOWN)},", ",\n".join(f"    {text} AS {name}" for text, name in scored)]
    lines += [f"  FROM {source}", ")", f"SELECT {', '.join(_SHOWN)}, score, behind", "FROM scored"]
    if request.min_score > 0:
        lines.append(f"WHERE score >= {_number(request.min_score)}")
    lines.append(f"ORDER BY {', '.join(_keys(witness=ordered is not None))}")
    lines += [] if top is None else [f"LIMIT {top}"]
    text = "\n".join(lines) + "\n"
    if len(text) > MOST_CHARACTERS:
        raise _not_in_sql("entangled")
    return text


def _not_in_sql(part: str, **values: object) -> RequestError:
    return RequestError("not in SQL", {"part": part, **values})


def _keys(*, witness: bool) -> Iterator[str]:
    """What faces are ordered by: as `facesearch.search.description` does."""
    yield "behind"
    if witness:
        likely = f"score >= {_number(LIKELY_FROM)}"
        yield f"CASE WHEN {likely} THEN 0 ELSE 1 END"
        yield f"CASE WHEN {likely} THEN score ELSE doubted END DESC"
    yield "score DESC"
    yield "face"


def _behind(musts: Sequence[str]) -> str:
    lacking = " OR ".join(f"{each} < {_number(HOLDS_FROM)}" for each in musts)
    return f"CASE WHEN {lacking} THEN 1 ELSE 0 END" if musts else "0"


def _conditions(request: Request, statement: "_Statement") -> Iterator[str]:
    """What a face has to be like to be looked at. Bounds of detection and size are compared in float32, as the columns
    are."""
    yield f"detection >= {_number(float(np.float32(request.min_detection)))}"
    if request.min_face > 0:
        yield f"size >= {_number(float(np.float32(request.min_face)))}"
    for each in request.photo_filters:
        yield from _photo_conditions(each)
    for bound in request.query.thresholds:
        yield _bound(bound)
    first = min((*statement.attributes, *(each.attribute for each in request.query.thresholds)), default=0)
    yield f"{PROBABILITY_COLUMNS[first]} IS NOT NULL"


def _bound(bound: Threshold) -> str:
    column = PROBABILITY_COLUMNS[bound.attribute]
    return f"{column if bound.holds else f'{_number(1.0)} - {column}'} {bound.relation} {_number(bound.value)}"


def _photo_conditions(photos: PhotoFilter) -> Iterator[str]:
    if photos.name:  # regardless of case as Python sees it, and with wildcards: no two engines agree on that
        raise _not_in_sql("name", words=photos.name)
    if photos.folder:
        yield _holds_one(folder_needles(photos.folder), "folder_key")
    if photos.camera:
        yield _holds_one([folded(each) for each in photos.camera], "camera_key")
    if photos.taken_from:
        yield f"taken_day >= {day_number(photos.taken_from)}"
    if photos.taken_to:
        yield f"taken_day <= {day_number(photos.taken_to)}"


def _holds_one(needles: Sequence[str], column: str) -> str:
    tests = " OR ".join(f"POSITION({_text(each)} IN {column}) > 0" for each in needles)
    return f"({tests})" if len(needles) > 1 else tests


def _text(words: str) -> str:
    if "\\" in words or "\x00" in words or not words.isprintable():
        raise _not_in_sql("text", words=words)
    return "'" + words.replace("'", "''") + "'"


def _number(value: float) -> str:
    """A double in every engine: without an exponent some take it for a decimal."""
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


@dataclass(frozen=True, slots=True, eq=False)
class _Expression:
    """What stands for a column of numbers where scores are computed. operator: "" for a column of the table, named by
    `left`."""

    statement: "_Statement"
    operator: str
    left: Any
    right: Any = None

    def __mul__(self, other: Any) -> Any:
        return self.statement.made("*", self, other)

    def __rmul__(self, other: float) -> Any:
        return self if other == 1.0 else self.statement.made("*", other, self)

    def __add__(self, other: Any) -> Any:
        return self.statement.made("+", self, other)

    def __radd__(self, other: float) -> Any:
        return self if other == 0.0 else self.statement.made("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return self.statement.made("-", self, other)

    def __rsub__(self, other: float) -> Any:
        return self.statement.made("-", other, self)


class _Statement:
    """The expressions of one statement. What stands in several places is computed once, in a step of its own: else a
    description with attributes in several branches would be three times as long for each of them."""

    def __init__(self) -> None:
        self.columns: dict[str, _Expression] = {}
        self.attributes: set[int] = set()
        self._known: dict[tuple[str, object, object], _Expression] = {}
        self._roots: list[_Expression] = []
        self._names: dict[int, str] = {}

    def score_of(self, tree: Node) -> Any:
        """The probability that the tree holds: an expression, or a number where it is the same for every face."""
        self.attributes |= tree.attributes
        columns = {}
        for index in sorted(tree.attributes):
            name = PROBABILITY_COLUMNS[index]
            columns[index] = self.columns.setdefault(name, _Expression(self, "", name))
        found = probability(tree, columns)
        if isinstance(found, _Expression):
            self._roots.append(found)
        return found

    def made(self, operator: str, left: Any, right: Any) -> _Expression:
        """The same expression for the same operation, so that it can be seen to stand in several places."""
        if len(self._known) > MOST_CHARACTERS:
            raise _not_in_sql("entangled")
        one, other = (id(each) if isinstance(each, _Expression) else float(each) for each in (left, right))
        key = operator, one, other
        return self._known.setdefault(key, _Expression(self, operator, left, right))

    def text_of(self, value: Any) -> str:
        """SQL for a score that `score_of` gave, within 0..1."""
        text = self._text(value)
        if not isinstance(value, _Expression) or not value.operator:
            return text
        return f"GREATEST({_number(0.0)}, LEAST({_number(1.0)}, {text}))"

    def steps(self) -> list[list[tuple[str, str]]]:
        """Names and SQL of what stands in several places, each step after those that it is made of."""
        times: dict[int, int] = {}
        order: list[_Expression] = []
        for root in self._roots:
            self._count(root, times, order)
        levels: dict[int, int] = {}
        steps: list[list[tuple[str, str]]] = []
        for each in order:  # children first
            below = max((levels[id(child)] for child in _children(each)), default=0)
            levels[id(each)] = below
            if times[id(each)] < 2 or not each.operator:
                continue
            text = self._text(each)
            if len(text) <= _INLINE:
                continue
            if len(steps) == below:
                steps.append([])
            name = f"e{len(self._names) + 1}"
            steps[below].append((name, text))
            self._names[id(each)] = name
            levels[id(each)] = below + 1
        return steps

    def _count(self, root: _Expression, times: dict[int, int], order: list[_Expression]) -> None:
        times[id(root)] = times.get(id(root), 0) + 1
        if times[id(root)] > 1:
            return
        for child in _children(root):
            self._count(child, times, order)
        order.append(root)

    def _text(self, value: Any, *, inside: bool = False) -> str:
        """inside: as a part of another operation than the first factor of a product."""
        if not isinstance(value, _Expression):
            return _number(value)
        if not value.operator:
            return str(value.left)
        if id(value) in self._names:
            return self._names[id(value)]
        first = isinstance(value.left, _Expression) and value.operator == value.left.operator == "*"
        left = self._text(value.left, inside=not first)
        text = f"{left} {value.operator} {self._text(value.right, inside=True)}"
        return f"({text})" if inside else text


def _children(expression: _Expression) -> list[_Expression]:
    return [each for each in (expression.left, expression.right) if isinstance(each, _Expression)]
