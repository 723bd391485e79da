"""The joint score against its definition: the summed probability of all truth table rows in which the tree holds."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.values.scoring_model import calibrate
from facesearch.errors import QueryError
from facesearch.query import parse
from facesearch.query.tree import EVERYTHING, And, Node, Not, Or, Term, Weighted
from facesearch.search.ranking import scan
from facesearch.search.ranking.joint import joint_probability

K = 4
FACES = 5


def nested(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    children = st.lists(nodes, min_size=1, max_size=4).map(tuple)
    weighted = st.builds(Weighted, nodes, st.floats(0, 1))
    return st.builds(Not, nodes) | st.builds(And, children) | st.builds(Or, children) | weighted


trees = st.recursive(st.builds(Term, st.integers(0, K - 1), st.booleans()), nested, max_leaves=10)
columns = st.lists(st.lists(st.floats(0, 1), min_size=FACES, max_size=FACES).map(np.array), min_size=K, max_size=K)


def worth(node: Node, row: tuple[bool, ...]) -> float:
    """The probability that `node` holds for a face whose attributes are known: 0 or 1 but for hedged words."""
    if isinstance(node, Term):
        return float(row[node.attribute] is node.holds)
    if isinstance(node, Not):
        return 1 - worth(node.child, row)
    if isinstance(node, Weighted):
        return 1 - node.certainty * (1 - worth(node.child, row))
    each = [worth(c, row) for c in node.children]
    return float(np.prod(each)) if isinstance(node, And) else 1 - float(np.prod([1 - w for w in each]))


def brute_force(tree: Node, p: list[np.ndarray]) -> np.ndarray:
    total = np.zeros(FACES)
    for row in product((False, True), repeat=K):
        chance = np.prod([column if value else 1 - column for column, value in zip(p, row, strict=True)], axis=0)
        total += worth(tree, row) * chance
    return total


@given(trees, columns)
@settings(deadline=None, max_examples=200)
def test_the_joint_score_is_the_sum_over_all_truth_tables(tree: Node, p: list[np.ndarray]) -> None:
    found = joint_probability(tree, p.__getitem__, FACES)
    assert found.shape == (FACES,)
    assert found.min() >= 0
    assert found.max() <= 1
    np.testing.assert_allclose(found, brute_force(tree, p), atol=1e-12)


@given(trees, columns)
@settings(deadline=None)
def test_denying_twice_scores_as_saying_it(tree: Node, p: list[np.ndarray]) -> None:
    assert parse("not not (bald or hat)").tree == parse("bald or hat").tree
    np.testing.assert_allclose(
        joint_probability(Not(Not(tree)), p.__getitem__, FACES),
        joint_probability(tree, p.__getitem__, FACES),
        atol=1e-12,
    )


def reordered(node: Node, shuffle: st.DrawFn) -> Node:
    if isinstance(node, Term):
        return node
    if isinstance(node, Not):
        return Not(reordered(node.child, shuffle))
    if isinstance(node, Weighted):
        return Weighted(reordered(node.child, shuffle), node.certainty)
    return type(node)(tuple(shuffle(st.permutations([reordered(c, shuffle) for c in node.children]))))


@given(trees, columns, st.data())
@settings(deadline=None)
def test_the_order_of_and_and_or_changes_nothing_to_the_last_bit(
    tree: Node, p: list[np.ndarray], data: st.DataObject
) -> None:
    other = reordered(tree, data.draw)
    assert np.array_equal(joint_probability(tree, p.__getitem__, FACES), joint_probability(other, p.__getitem__, FACES))


def test_what_is_always_true_scores_exactly_one() -> None:
    tree = parse("male or not male").tree
    p = np.random.default_rng(0).random(1000)
    assert np.array_equal(joint_probability(tree, lambda _: p, 1000), np.ones(1000))


def test_a_description_that_only_filters_scores_one() -> None:
    assert np.array_equal(joint_probability(EVERYTHING, lambda _: np.zeros(7), 7), np.ones(7))


def test_a_hedged_attribute_that_is_asked_for_plainly_too_counts_once() -> None:
    tree = parse("bald or hat, maybe bald").tree
    found = joint_probability(tree, {4: np.array([0.3]), 35: np.array([0.6])}.__getitem__, 1)[0]
    assert found == pytest.approx(0.3 + 0.7 * 0.6 * 0.5, abs=1e-15)


def test_what_is_impossible_scores_exactly_zero() -> None:
    tree = And((Term(0), Term(0, False)))
    assert np.array_equal(joint_probability(tree, lambda _: np.array([0.3, 0.7]), 2), np.zeros(2))


def test_a_repeated_attribute_counts_once() -> None:
    p = {4: np.array([0.3]), 35: np.array([0.6]), 20: np.array([0.5])}
    tree = parse("(bald or hat) and (bald or man)").tree
    expected = 0.3 + 0.7 * 0.6 * 0.5
    assert joint_probability(tree, p.__getitem__, 1)[0] == pytest.approx(expected, abs=1e-15)


def test_more_than_twelve_repeated_attributes_are_refused_in_one_sentence() -> None:
    tree = And(tuple(Or((Term(i), Term((i + 1) % 13))) for i in range(13)))
    with pytest.raises(QueryError, match="13 attributes occur several times"):
        joint_probability(tree, lambda _: np.zeros(1), 1)


def test_each_column_is_asked_for_once_and_only_those_that_occur() -> None:
    asked: list[int] = []

    def logits(index: int) -> np.ndarray:
        asked.append(index)
        return np.zeros(3, np.float32)

    scan.scores(parse("(bald or hat) and (bald or man)").tree, logits, 3, np.ones(40), np.zeros(40))
    assert asked == [4, 20, 35]


def test_a_scan_in_chunks_is_the_scan_at_once() -> None:
    faces = scan.CHUNK * 2 + 17
    logits = np.random.default_rng(1).normal(0, 3, (3, faces)).astype(np.float32)
    by_index = dict(zip((4, 20, 35), logits, strict=True))
    scale = np.linspace(0.5, 2, 40, dtype=np.float32)
    bias = np.linspace(-1, 1, 40, dtype=np.float32)
    tree = parse("man, not bald or hat").tree
    chunked = scan.scores(tree, by_index.__getitem__, faces, scale, bias)
    p = {i: calibrate(column, scale[i], bias[i]) for i, column in by_index.items()}
    assert np.array_equal(chunked, joint_probability(tree, p.__getitem__, faces))


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), max_size=30), st.none() | st.integers(1, 40), st.randoms())
@settings(deadline=None)
def test_the_best_are_those_of_a_full_sort(scores: list[float], top: int | None, random) -> None:
    ids = list(range(100, 100 + len(scores)))
    random.shuffle(ids)
    rows = scan.best(np.array(scores), np.array(ids, np.int64), top)
    assert rows.tolist() == sorted(range(len(scores)), key=lambda i: (-scores[i], ids[i]))[:top]


def test_calibrate_are_platts() -> None:
    logits = np.array([[0.0, 1.0], [-2.0, 1000.0], [-1000.0, 30.0]], np.float32)
    found = calibrate(logits, np.array([1, 2], np.float32), np.array([0.5, -1], np.float32))
    assert found.shape == (3, 2)
    assert found[0] == pytest.approx([1 / (1 + np.exp(-0.5)), 1 / (1 + np.exp(-1.0))])
    assert found[2, 0] == 0.0
    assert found[1, 1] == 1.0
    assert calibrate(np.float32(0.0), 1.0, 0.0) == 0.5
