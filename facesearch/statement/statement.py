"""A statement that was understood: who is described, what was read, and what was set aside."""

from dataclasses import dataclass

from facesearch.query.tree import EVERYTHING, Node, all_of, hedge
from facesearch.statement.chart import Chart, Edge
from facesearch.statement.discourse import Discourse, Person
from facesearch.statement.grammar import grammar, price
from facesearch.statement.lexicon import Lexicon, lexicon
from facesearch.statement.measures import Measure, measures
from facesearch.statement.terminals import terminals
from facesearch.statement.tokens import Token, sentences, tokens


@dataclass(frozen=True)
class Statement:
    text: str
    trees: tuple[Node, ...]
    aside: tuple[str, ...]
    steps: int


def understand(text: str) -> Statement:
    words = lexicon()
    found = tokens(text)
    spans = measures(text)
    discourse = Discourse(words)
    steps = 0
    offset = 0
    position = {token.start: at for at, token in enumerate(found)}
    order = {id(token): at for at, token in enumerate(found)}
    for sentence in sentences(found):
        offset = position[sentence[0].start]
        row, made = parse(sentence, spans, words)
        steps += made
        discourse.sentence(row, offset)
    trees = [tree_of(person) for person in discourse.persons] or [EVERYTHING]
    aside = tuple(text[found[a].start : found[min(b, len(found)) - 1].end] for a, b, _ in discourse.aside)
    return Statement(text, tuple(trees), aside, steps)


def parse(sentence: list[Token], spans: list[Measure], words: Lexicon) -> tuple[list[Edge], int]:
    measured: dict[int, tuple[int, Measure]] = {}
    for span in spans:
        inside = [at for at, token in enumerate(sentence) if span.start <= token.start < span.end]
        if inside:
            measured[inside[0]] = (inside[-1] + 1, span)
    edges = terminals(sentence, measured, words)
    chart = Chart(grammar(), edges)
    covers = chart.covers(price)
    return (covers[0][1] if covers else []), chart.steps


def tree_of(person: Person) -> Node:
    nodes: list[Node] = [hedge(fact.node, fact.certainty) for fact in person.facts]
    if person.pronoun_sex is not None and person.sex is None:
        nodes.insert(0, person.pronoun_sex)
    return all_of(nodes)


def scored(text: str) -> dict[str, object]:
    """For benchmarks/witness: the readings and what was set aside."""
    statement = understand(text)
    return {"readings": [str(tree) for tree in statement.trees], "aside": list(statement.aside)}
