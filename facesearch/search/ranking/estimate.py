"""Scores in float32, quick and nearly right, with a bound on how far off they are.

They tell which faces cannot be among the best, so that only the others need exact scores. None that can is lost: see
`margin`.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from facesearch.query.tree import And, Node, Not, Term, Weighted, leaves, shared_attribute

Floats = NDArray[np.float32]
Side = tuple[int, bool]  # an attribute, and whether it holds

_ONE = np.float32(1)
_ROUNDING = 2.0**-24  # largest relative error of one operation in float32


def is_read_once(tree: Node) -> bool:
    """Whether no attribute stands in several branches: only then do the branches simply multiply."""
    if isinstance(tree, Term):
        return True
    if isinstance(tree, Not | Weighted):
        return is_read_once(tree.child)
    return shared_attribute(tree, {}) is None and all(map(is_read_once, tree.children))


def sides(node: Node, truth: bool = True) -> set[Side]:
    """The columns that an estimate that `node` is `truth` is made of: of which attributes the probability that they
    hold, of which that they do not."""
    if isinstance(node, Term):
        return {(node.attribute, node.holds is truth)}
    if isinstance(node, Not):
        return sides(node.child, not truth)
    if isinstance(node, Weighted):
        return sides(node.child, False)
    return set().union(*(sides(child, isinstance(node, And)) for child in node.children))


def margin(tree: Node) -> tuple[float, float]:
    """(relative, absolute): the estimate of a score s is off by at most relative * s + absolute.

    The probabilities are rounded to float32, and so is every operation on them; a product adds the errors of its
    factors. Above a complement, 1 - x, only the absolute error keeps this bound. In the score, a float64, 1 - p of a
    denied word is good to 1e-16.
    """
    terms = sum(1 for _ in leaves(tree))
    error = 16.0 * _ROUNDING * (terms + 1)  # a few times what it has to be, which costs next to nothing
    return error, 1e-15 * (terms + 1) if _is_product(tree, True) else error


def _is_product(node: Node, truth: bool) -> bool:
    """Whether the probability that `node` is `truth` is estimated without a complement."""
    if isinstance(node, Term):
        return True
    if isinstance(node, Not):
        return _is_product(node.child, not truth)
    if isinstance(node, Weighted):
        return not truth and _is_product(node.child, False)
    return isinstance(node, And) is truth and all(_is_product(child, truth) for child in node.children)


class Estimator:
    """Estimates for one chunk of faces after the other, in buffers that stay. One thread at a time."""

    def __init__(self, tree: Node, columns: Mapping[Side, Floats], chunk: int) -> None:
        """tree: `is_read_once`. columns: float32 [N], probabilities, for all its `sides`. chunk: most faces at a
        time."""
        self._tree = tree
        self._columns = columns
        self._chunk = chunk
        self._buffers: list[Floats] = []

    def __call__(self, rows: slice) -> Floats:
        """float32 [n], 0..1, of these n faces; not to be written to, and valid until the next call."""
        return self._fill(self._tree, True, rows, 0)

    def _fill(self, node: Node, truth: bool, rows: slice, depth: int) -> Floats:
        """The probability that `node` is `truth`, in the buffer of this depth or, as it stands, from a column. Denials
        move down to the terms, where they cost nothing and lose nothing."""
        if isinstance(node, Term):
            return self._columns[node.attribute, node.holds is truth][rows]
        if isinstance(node, Not):
            return self._fill(node.child, not truth, rows, depth)
        place = self._buffer(depth, rows)
        if isinstance(node, Weighted):
            found = np.multiply(self._fill(node.child, False, rows, depth), np.float32(node.certainty), out=place)
            return np.subtract(_ONE, found, out=place) if truth else found
        if isinstance(node, And) is truth:
            return self._product(node.children, truth, rows, depth)
        return np.subtract(_ONE, self._product(node.children, not truth, rows, depth), out=place)

    def _product(self, children: tuple[Node, ...], truth: bool, rows: slice, depth: int) -> Floats:
        """The probability that all `children` are `truth`."""
        place = self._buffer(depth, rows)
        if not children:
            place.fill(1)
            return place
        found = self._fill(children[0], truth, rows, depth)
        for child in children[1:]:
            found = np.multiply(found, self._fill(child, truth, rows, depth + 1), out=place)
        return found

    def _buffer(self, depth: int, rows: slice) -> Floats:
        while len(self._buffers) <= depth:
            self._buffers.append(np.empty(self._chunk, np.float32))
        return self._buffers[depth][: rows.stop - rows.start]
