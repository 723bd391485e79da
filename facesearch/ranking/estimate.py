"""Scores in float32, quick and nearly right, with a bound on how far off they are.

They tell which faces cannot be among the best, so that only the others need exact scores. None that can is lost: see
`margin`.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from facesearch.query.tree import And, Node, Not, Term, Weighted, leaves, shared_attribute

Floats = NDArray[np.float32]

_ONE = np.float32(1)
_ROUNDING = 2.0**-24  # largest relative error of one operation in float32


def is_read_once(tree: Node) -> bool:
    """Whether no attribute stands in several branches: only then do the branches simply multiply."""
    if isinstance(tree, Term):
        return True
    if isinstance(tree, Not | Weighted):
        return is_read_once(tree.child)
    return shared_attribute(tree, {}) is None and all(map(is_read_once, tree.children))


def margin(tree: Node) -> tuple[float, float]:
    """(relative, absolute): the estimate of a score s is off by at most relative * s + absolute.

    The odds are rounded to float32, and so is every operation on them; a product adds the errors of its factors. Above
    a complement, 1 - x, only the absolute error keeps this bound. In the score, a float64, 1 - p of a denied word is
    good to 1e-16.
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

    def __init__(self, tree: Node, odds: Mapping[int, Floats], chunk: int) -> None:
        """tree: `is_read_once`. odds: float32 [N], against each attribute, by its index. chunk: most faces at a
        time."""
        self._tree = tree
        self._odds = odds
        self._chunk = chunk
        self._buffers: list[Floats] = []

    def __call__(self, rows: slice) -> Floats:
        """float32 [n], 0..1, of these n faces; valid until the next call."""
        with np.errstate(over="ignore", divide="ignore"):  # odds may be inf and 0, and their reciprocals 0 and inf
            return self._fill(self._tree, True, rows, 0)

    def _fill(self, node: Node, truth: bool, rows: slice, depth: int) -> Floats:
        """The probability that `node` is `truth`, in the buffer of this depth. Denials move down to the terms, where
        they cost nothing and lose nothing."""
        if isinstance(node, Not):
            return self._fill(node.child, not truth, rows, depth)
        if isinstance(node, Weighted):
            found = self._fill(node.child, False, rows, depth)
            np.multiply(found, np.float32(node.certainty), out=found)
            return np.subtract(_ONE, found, out=found) if truth else found
        if isinstance(node, Term):
            return self._product((node,), truth, rows, depth)
        if isinstance(node, And) is truth:
            return self._product(node.children, truth, rows, depth)
        found = self._product(node.children, not truth, rows, depth)
        return np.subtract(_ONE, found, out=found)

    def _product(self, children: tuple[Node, ...], truth: bool, rows: slice, depth: int) -> Floats:
        """The probability that all `children` are `truth`: 1 / ((1 + odds) (1 + odds) ...) of terms, times the rest."""
        terms = [child for child in children if isinstance(child, Term)]
        found = self._buffer(depth, rows)
        for number, term in enumerate(terms):
            place = found if number == 0 else self._buffer(depth + 1, rows)
            self._one_and_odds(self._odds[term.attribute][rows], term.holds is truth, place)
            if number > 0:
                np.multiply(found, place, out=found)
        if terms:
            np.reciprocal(found, out=found)
        else:
            found.fill(1)
        for child in children:
            if not isinstance(child, Term):
                np.multiply(found, self._fill(child, truth, rows, depth + 1), out=found)
        return found

    @staticmethod
    def _one_and_odds(against: Floats, holds: bool, out: Floats) -> None:
        """1 + the odds against the attribute, or in favour of it."""
        np.add(against if holds else np.reciprocal(against, out=out), _ONE, out=out)

    def _buffer(self, depth: int, rows: slice) -> Floats:
        while len(self._buffers) <= depth:
            self._buffers.append(np.empty(self._chunk, np.float32))
        return self._buffers[depth][: rows.stop - rows.start]
