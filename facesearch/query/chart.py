"""A bottom-up chart parser: rules over categories, each with a cost, and the cheapest ways to cover a sentence.

Items move from left to right over the words. A rule is a row of categories; a partial match of it waits at the place
where it ends for an edge of the next category. Each cell (category, start, end) keeps its `KEEP` cheapest edges, so
work grows with the number of words and the square of the longest phrase, not with the number of readings.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

KEEP = 2
LONGEST = 26
"""Words that one phrase may span: a longer one is read in parts."""


class Edge(NamedTuple):
    category: str
    start: int
    end: int
    cost: float
    sem: Any


class Rule(NamedTuple):
    """category <- parts; `meaning` gets the parts' meanings, and returns None where the rule does not apply."""

    name: str
    category: str
    parts: tuple[str, ...]
    cost: float
    meaning: Callable[..., Any]


class Grammar:
    """Rules, compiled into a tree by their parts so that common beginnings are matched once."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.root: dict[str, Any] = {}
        for rule in rules:
            node = self.root
            for part in rule.parts:
                node = node.setdefault(part, {})
            node.setdefault("", []).append(rule)


class Chart:
    """All phrases of one sentence. `steps`: how many edges were made, the measure of the work."""

    def __init__(self, grammar: Grammar, terminals: Sequence[Sequence[Edge]]) -> None:
        self.length = len(terminals)
        self.ending: list[list[Edge]] = [[] for _ in range(self.length + 1)]
        self.steps = 0
        self._pushed = 0
        self._root = grammar.root
        self._cells: dict[tuple[str, int, int], int] = {}
        self._waiting: list[dict[str, list[tuple[dict[str, Any], int, float, tuple[Any, ...]]]]] = [
            defaultdict(list) for _ in range(self.length + 1)
        ]
        by_end: list[list[Edge]] = [[] for _ in range(self.length + 1)]
        for edges in terminals:
            for edge in edges:
                by_end[edge.end].append(edge)
        for end in range(1, self.length + 1):
            agenda: list[tuple[int, float, int, Edge]] = []
            for edge in by_end[end]:
                self._push(edge, agenda)
            while agenda:
                self._add(heappop(agenda)[3], agenda)

    def _push(self, edge: Edge, agenda: list[tuple[int, float, int, Edge]]) -> None:
        """Short phrases first, and of the same length the cheap ones."""
        self._pushed += 1
        heappush(agenda, (-edge.start, edge.cost, self._pushed, edge))

    def _add(self, edge: Edge, agenda: list[tuple[int, float, int, Edge]]) -> None:
        cell = edge[:3]
        kept = self._cells.get(cell, 0)
        if kept >= KEEP:
            return
        self._cells[cell] = kept + 1
        self.steps += 1
        self.ending[edge.end].append(edge)
        node = self._root.get(edge.category)
        if node is not None:
            self._advance(node, edge.start, edge.end, edge.cost, (edge.sem,), agenda)
        for node, start, cost, sems in self._waiting[edge.start].get(edge.category, ()):
            if edge.end - start <= LONGEST:
                self._advance(node, start, edge.end, cost + edge.cost, (*sems, edge.sem), agenda)

    def _advance(
        self,
        node: dict[str, Any],
        start: int,
        end: int,
        cost: float,
        sems: tuple[Any, ...],
        agenda: list[tuple[int, float, int, Edge]],
    ) -> None:
        waiting = self._waiting[end]
        for part, below in node.items():
            if part:
                waiting[part].append((below, start, cost, sems))
        for rule in node.get("", ()):
            meaning = rule.meaning(*sems)
            if meaning is not None:
                self._push(Edge(rule.category, start, end, cost + rule.cost, meaning), agenda)

    def covers(self, price: Callable[[Edge], float], most: int = 2) -> list[tuple[float, list[Edge]]]:
        """The `most` cheapest rows of edges that cover the sentence, each with its cost."""
        best: list[list[tuple[float, tuple[Any, ...]]]] = [[(0.0, ())]]
        for end in range(1, self.length + 1):
            ways = [
                (cost + price(edge), (before, edge)) for edge in self.ending[end] for cost, before in best[edge.start]
            ]
            ways.sort(key=lambda way: way[0])
            best.append(ways[:most])
        return [(cost, _unrolled(way)) for cost, way in best[-1]]


def _unrolled(way: tuple[Any, ...]) -> list[Edge]:
    row: list[Edge] = []
    while way:
        way, edge = way
        row.append(edge)
    return row[::-1]
