"""The probability that a whole description holds, from the calibrated probabilities of its attributes.

Attributes are taken as independent given the face's scores (Siddiquie, Feris & Davis, CVPR 2011, compare richer models;
with pairwise correlations, rankings were not measurably better). Under that assumption the result is exact: a product
over AND, the complement of a product over OR, and a case distinction (Shannon's expansion) over every attribute that
stands in several branches, at the node where these branches meet. A hedged word holds or is to be disregarded: what
decides between the two is taken as independent of everything else, so its factor is 1 - certainty * (1 - p).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesearch.query.tree import (
    And,
    Node,
    Not,
    Or,
    Term,
    Threshold,
    Weighted,
    check_repeats,
    shared_attribute,
)

Column = NDArray[np.float64]


def joint_probability(tree: Node, columns: Callable[[int], NDArray[np.floating]], faces: int) -> Column:
    """float64 [faces], 0..1: the probability, face by face, that `tree` holds.

    `columns(attribute index)`: calibrated probabilities of one attribute, [faces]; asked for once per attribute. The
    order of the children of an AND or OR changes nothing, down to the last bit. Raises QueryError when more than
    `MAX_REPEATED` attributes occur several times.
    """
    result = probability(tree, {index: np.asarray(columns(index), np.float64) for index in sorted(tree.attributes)})
    return np.clip(result, 0.0, 1.0) if isinstance(result, np.ndarray) else np.full(faces, result)


def probability(tree: Node, columns: Mapping[int, Any]) -> Any:
    """The same of whatever adds, subtracts and multiplies as columns of numbers do, such as expressions that stand for
    them (`facesearch.engines.sql`): these operations in this order, before what rounding takes out of 0..1 is cut off.
    A number where the tree is decided for every face alike."""
    check_repeats(tree)
    return _probability(_sorted(tree), {}, columns)


def passes(
    thresholds: Sequence[Threshold], columns: Callable[[int], NDArray[np.floating]], faces: int
) -> NDArray[np.bool_]:
    """bool [faces]: which of them are within all `thresholds`. `columns`: as for `joint_probability`."""
    within = np.ones(faces, np.bool_)
    for each in thresholds:
        column = np.asarray(columns(each.attribute), np.float64)
        within &= _RELATIONS[each.relation](column if each.holds else 1.0 - column, each.value)
    return within


_RELATIONS: dict[str, np.ufunc] = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}


def _sorted(node: Node) -> Node:
    """The same tree with children in one fixed order: floating-point products depend on it in their last bit."""
    if isinstance(node, Term):
        return node
    if isinstance(node, Not):
        return Not(_sorted(node.child))
    if isinstance(node, Weighted):
        return Weighted(_sorted(node.child), node.certainty)
    return type(node)(tuple(sorted(map(_sorted, node.children), key=repr)))


def _probability(node: Node, known: dict[int, bool], columns: Mapping[int, Any]) -> Any:
    """A number where `known` decides it for every face alike."""
    if isinstance(node, Term):
        if node.attribute in known:
            return float(known[node.attribute] is node.holds)
        column = columns[node.attribute]
        return column if node.holds else 1.0 - column
    if isinstance(node, Not):
        return 1.0 - _probability(node.child, known, columns)
    if isinstance(node, Weighted):
        return 1.0 - node.certainty * (1.0 - _probability(node.child, known, columns))
    attribute = shared_attribute(node, known)
    if attribute is not None:
        without = _probability(node, known | {attribute: False}, columns)
        given = _probability(node, known | {attribute: True}, columns)
        if isinstance(without, float) and isinstance(given, float) and without == given:
            return without  # p * 1 + (1 - p) * 1 would be 1 only nearly
        return without + columns[attribute] * (given - without)
    return _all(node, known, columns) if isinstance(node, And) else 1.0 - _none(node, known, columns)


def _all(node: And, known: dict[int, bool], columns: Mapping[int, Any]) -> Any:
    product: Any = 1.0
    for child in node.children:
        factor = _probability(child, known, columns)
        if isinstance(factor, float) and factor == 0.0:
            return 0.0
        product = product * factor
    return product


def _none(node: Or, known: dict[int, bool], columns: Mapping[int, Any]) -> Any:
    product: Any = 1.0
    for child in node.children:
        factor = _probability(child, known, columns)
        if isinstance(factor, float) and factor == 1.0:
            return 0.0
        product = product * (1.0 - factor)
    return product
