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
_UNIT = 2.0**-23  # twice the largest relative error of one operation in float32; numpy's exp stays below three of these
_RANGE = 88.0  # from here on exp overflows float32: what is less than 1e-38 becomes 0


def is_read_once(tree: Node) -> bool:
    """Whether no attribute stands in several branches: only then do the branches simply multiply."""
    if isinstance(tree, Term):
        return True
    if isinstance(tree, Not | Weighted):
        return is_read_once(tree.child)
    return shared_attribute(tree, {}) is None and all(map(is_read_once, tree.children))


def margin(tree: Node, bias: Floats) -> tuple[float, float]:
    """(relative, absolute): the estimate of a score s is off by at most relative * s + absolute.

    `bias`: float32 [40], of the calibration. For z = scale * logit + bias with |z| < 88, z itself is off by at most
    2^-23 (|z| + |bias|), and the relative error of 1 + exp(-z) is no larger than that and some roundings. A product
    adds the errors of its factors. Above a complement, 1 - x, only the absolute error keeps this bound. In the score,
    a float64, 1 - p of a denied word is good to 1e-16.
    """
    terms = [term.attribute for term, _, _ in leaves(tree)]
    each = _UNIT * (_RANGE + max((abs(float(bias[a])) for a in terms), default=0.0) + 8.0)
    error = 2.0 * each * (len(terms) + 1)  # twice what it has to be, which costs next to nothing
    return error, 1e-15 * (len(terms) + 1) if _is_product(tree, True) else error


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

    def __init__(self, tree: Node, columns: Mapping[int, Floats], scale: Floats, bias: Floats, chunk: int) -> None:
        """tree: `is_read_once`. columns: float32 [N] logits, by attribute index. scale, bias: float32 [40]. chunk: how
        many faces there can be at a time."""
        self._tree = tree
        self._columns = columns
        self._scale, self._bias = scale, bias
        self._chunk = chunk
        self._buffers: list[Floats] = []

    def __call__(self, rows: slice) -> Floats:
        """float32 [n], 0..1, of these n faces; valid until the next call."""
        with np.errstate(over="ignore", under="ignore"):  # exp may become inf: its reciprocal is the 0 that is meant
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
        """The probability that all `children` are `truth`: 1 / ((1 + e) (1 + e) ...) over the terms, times the rest."""
        terms = [child for child in children if isinstance(child, Term)]
        found = self._buffer(depth, rows)
        for number, term in enumerate(terms):
            place = found if number == 0 else self._buffer(depth + 1, rows)
            self._one_and_odds(term.attribute, term.holds is truth, rows, place)
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

    def _one_and_odds(self, attribute: int, holds: bool, rows: slice, out: Floats) -> None:
        """1 + exp(-z), z the calibrated logit that the attribute is as it is to be."""
        sign = np.float32(-1 if holds else 1)
        np.multiply(self._columns[attribute][rows], sign * self._scale[attribute], out=out)
        np.add(out, sign * self._bias[attribute], out=out)
        np.exp(out, out=out)
        np.add(out, _ONE, out=out)

    def _buffer(self, depth: int, rows: slice) -> Floats:
        while len(self._buffers) <= depth:
            self._buffers.append(np.empty(self._chunk, np.float32))
        return self._buffers[depth][: rows.stop - rows.start]
