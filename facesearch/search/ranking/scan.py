"""The exact scan: every face is looked at, only the asked attributes are read, only the best get exact scores.

`ranked` goes over all faces with float32 estimates (`facesearch.search.ranking.estimate`), keeps those that may be
among the best, and scores these exactly: the result is that of scoring and sorting them all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from db.values.scoring_model import calibrate
from facesearch.cores import usable_cores
from facesearch.query.tree import And, Node, Threshold, all_of, check_repeats, shared_attribute
from facesearch.search.ranking.estimate import Estimator, Side, is_read_once, margin, sides
from facesearch.search.ranking.joint import joint_probability, passes

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Columns = Callable[[int], NDArray[np.floating]]

CHUNK = 1 << 16
"""Faces that are scored exactly at a time: memory hardly grows with the faces."""

# Faces that are estimated at a time, and looked through for candidates: few enough for the processor's cache, and so
# many that threads are seldom in Python, where they wait for each other (on 2 cores a fifth less time than 1 << 17).
_BLOCK, _SUPERBLOCK = 1 << 18, 1 << 19
_FACES_A_THREAD = 1 << 18  # for fewer a thread does not pay
_MOST_THREADS = 8  # more than memory feeds
_SEGMENT = 64  # faces at a time that are looked into for candidates
_SLACK = 512  # so many more candidates than are wanted before the worst are dropped
_ROUNDED = (1e-6, 1e-15)  # how far an exact score is off in float32; as `margin`

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """N faces with their scores. ids: int64 [N]. probabilities: calibrated, that an attribute holds, or that it does
    not; logits: of an attribute; each float32 [N]. scale, bias: float32 [40].
    """

    ids: Ids
    probabilities: Callable[[int, bool], Floats]
    logits: Callable[[int], Floats]
    scale: Floats
    bias: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """rows: int64 [n], best first. scores: float64 [n]. expected: how many faces are expected to fit."""

    rows: Ids
    scores: NDArray[np.float64]
    expected: float


def ranked(
    tree: Node, faces: Scored, *, allowed: Mask, top: int | None, min_score: float = 0.0, firm: Node | None
) -> Ranked:
    """The `top` >= 1 best (None: all) of the allowed faces with a score of at least `min_score`; equal scores by face
    id upwards.

    `allowed`: bool [N]. `firm`: what `expected` is about, the tree without its hedged words (None: nothing is left of
    it, and every face fits); the sum of its probabilities over all allowed faces, good to five digits. Raises
    QueryError as `joint_probability`.
    """
    trees = [tree] if firm is None or firm == tree else [tree, firm]
    for each in trees:
        check_repeats(each)
    logits = cache(faces.logits)

    def exact(of: Node, rows: Ids) -> NDArray[np.float64]:
        return scores(of, lambda index: logits(index)[rows], len(rows), faces.scale, faces.bias)

    count = int(np.count_nonzero(allowed))
    if count <= CHUNK:
        rows = np.flatnonzero(allowed)
        sums = [float(exact(each, rows).sum()) for each in trees]
    else:
        rows, sums = _candidates(trees, faces, allowed, top, min_score)
    expected = float(count) if firm is None else sums[-1]
    found = exact(tree, rows)
    rows, found = rows[found >= min_score], found[found >= min_score]
    order = best(found, faces.ids[rows], top)
    return Ranked(rows[order], found[order], expected)


def reordered(
    tree: Node,
    order: Node,
    faces: Scored,
    *,
    allowed: Mask,
    top: int | None,
    scores_between: tuple[float, float],
) -> tuple[Ids, NDArray[np.float64]]:
    """Of the allowed faces with a score from the first of these to below the second the `top` >= 1 first (None: all) by
    the probability of `order`; equal ones by score, the highest first, then by face id upwards.

    The score is the probability of `tree`. Returns rows, int64 [n], and scores, float64 [n]. Raises QueryError as
    `joint_probability`.
    """
    for each in (tree, order):
        check_repeats(each)
    logits = cache(faces.logits)
    least, below = scores_between

    def exact(of: Node, rows: Ids) -> NDArray[np.float64]:
        return scores(of, lambda index: logits(index)[rows], len(rows), faces.scale, faces.bias)

    if np.count_nonzero(allowed) <= CHUNK:
        rows = np.flatnonzero(allowed)
    else:
        rows = _candidates_between(tree, order, faces, allowed, top, scores_between, lambda rows: exact(tree, rows))
    found = exact(tree, rows)
    within = (found >= least) & (found < below)
    rows, found = rows[within], found[within]
    first = best(exact(order, rows), faces.ids[rows], top, found)
    return rows[first], found[first]


def scores(tree: Node, logits: Callable[[int], Floats], faces: int, scale: Floats, bias: Floats) -> NDArray[np.float64]:
    """float64 [faces], 0..1: the calibrated probability that `tree` holds.

    `logits(attribute index)`: float32 [faces], asked for once per attribute; `scale`, `bias`: float32 [40], the
    calibration. Raises QueryError as `joint_probability`.
    """
    columns = {index: logits(index) for index in sorted(tree.attributes)}
    result = np.empty(faces, np.float64)
    for rows in _slices(0, faces, CHUNK):
        result[rows] = joint_probability(tree, _calibrated(columns, rows, scale, bias), rows.stop - rows.start)
    return result


def within(
    thresholds: Sequence[Threshold], logits: Callable[[int], Floats], faces: int, scale: Floats, bias: Floats
) -> Mask:
    """bool [faces]: which faces are within all `thresholds`. `logits`, `scale`, `bias`: as for `scores`."""
    columns = {index: logits(index) for index in sorted({each.attribute for each in thresholds})}
    result = np.empty(faces, np.bool_)
    for rows in _slices(0, faces, CHUNK):
        result[rows] = passes(thresholds, _calibrated(columns, rows, scale, bias), rows.stop - rows.start)
    return result


@dataclass(frozen=True, slots=True)
class Likely:
    """How many faces have at least a certain score, and how many are expected to fit."""

    faces: int
    expected: float


def likely_without(
    parts: Sequence[Node], faces: Scored, *, allowed: Mask, least: float, candidates: Sequence[int]
) -> list[Likely]:
    """For each of these candidates (places in `parts`, all of which are asked for) what would be found if that part
    were left out: the allowed faces with a score of at least `least`, by estimates in float32."""
    asked = set().union(*(_both_sides(each) for each in parts))
    columns = {side: faces.probabilities(*side) for side in sorted(asked)}
    apart = all(map(is_read_once, parts)) and shared_attribute(And(tuple(parts)), {}) is None

    def part(start: int, stop: int) -> NDArray[np.float64]:
        estimates = _left_out_apart(parts, columns) if apart else _left_out_entangled(parts, columns, candidates)
        found = np.zeros((len(candidates), 2))
        for rows in _slices(start, stop, CHUNK):
            among = allowed[rows]
            if not among.any():
                continue
            for number, scores in estimates(rows):
                if number in candidates:
                    within = scores[among]
                    found[candidates.index(number)] += (within >= least).sum(), within.sum(dtype=np.float64)
        return found

    totals = sum(_in_parts(len(allowed), part))
    return [Likely(int(count), float(expected)) for count, expected in np.asarray(totals).reshape(-1, 2)]


_Left = Callable[[slice], Iterator[tuple[int, NDArray[np.floating]]]]
"""For some rows: each part, and the scores of all others together."""


def _left_out_apart(parts: Sequence[Node], columns: Mapping[Side, Floats]) -> _Left:
    """Parts that share no attribute: the product of those before and those behind."""
    estimators = [Estimator(each, columns, CHUNK) for each in parts]

    def estimate(rows: slice) -> Iterator[tuple[int, NDArray[np.floating]]]:
        each = [found(rows) for found in estimators]
        behind = [np.ones_like(each[-1])]
        for one in reversed(each[1:]):
            behind.append(behind[-1] * one)
        before = np.ones_like(each[0])
        for number, one in enumerate(each):
            yield number, before * behind[-1 - number]
            before = before * one

    return estimate


def _left_out_entangled(parts: Sequence[Node], columns: Mapping[Side, Floats], candidates: Sequence[int]) -> _Left:
    trees = {number: all_of(each for at, each in enumerate(parts) if at != number) for number in candidates}
    estimators = {number: _entangled(tree, columns) for number, tree in trees.items()}
    return lambda rows: ((number, found(rows)) for number, found in estimators.items())


def best(keys: NDArray[np.floating], face_ids: Ids, top: int | None, scores: NDArray[np.floating] | None = None) -> Ids:
    """int64 [min(top, N)]: the rows with the `top` >= 1 largest keys (None: all), largest first, equal ones by face id
    upwards, with `scores` first by these, the highest first. keys, scores: [N]."""
    rows = np.arange(len(keys), dtype=np.int64)
    scores = keys if scores is None else scores
    if top is not None and top < len(keys):
        last = np.partition(keys, len(keys) - top)[len(keys) - top]
        above, level = np.flatnonzero(keys > last), np.flatnonzero(keys == last)
        wanted = top - len(above)  # of those that tie with the last one score and face id decide
        if wanted < len(level):
            level = level[np.lexsort((face_ids[level], -scores[level]))[:wanted]]
        rows = np.concatenate([above, level])
    return rows[np.lexsort((face_ids[rows], -scores[rows], -keys[rows]))]


def _slices(start: int, stop: int, size: int) -> list[slice]:
    return [slice(at, min(at + size, stop)) for at in range(start, stop, size)]


def _calibrated(columns: dict[int, Floats], rows: slice, scale: Floats, bias: Floats) -> Columns:
    chunk = {index: calibrate(column[rows], scale[index], bias[index]) for index, column in columns.items()}
    return chunk.__getitem__


# complexipy: ignore (the hot loop of a search)
def _candidates(
    trees: Sequence[Node], faces: Scored, allowed: Mask, top: int | None, min_score: float
) -> tuple[Ids, list[float]]:
    """Rows among which the best by the first tree are, and for each tree the sum of its estimates over the allowed."""
    error = _error_of(trees[0])
    asked = set().union(*(sides(tree) if is_read_once(tree) else _both_sides(tree) for tree in trees))
    columns = {side: faces.probabilities(*side) for side in sorted(asked)}

    def part(start: int, stop: int) -> tuple[_TopCandidates, list[float]]:
        pool = _TopCandidates(top, min_score, error)
        estimators = [
            Estimator(tree, columns, _BLOCK) if is_read_once(tree) else _entangled(tree, columns) for tree in trees
        ]
        sums = [0.0] * len(trees)
        room, masks = np.empty(min(_SUPERBLOCK, stop - start), np.float32), np.empty(_BLOCK, np.float32)
        for superblock in _slices(start, stop, _SUPERBLOCK):
            for rows in _slices(superblock.start, superblock.stop, _BLOCK):
                mask = masks[: rows.stop - rows.start]
                np.copyto(mask, allowed[rows])
                for number, estimate in enumerate(estimators):
                    estimates = estimate(rows)
                    sums[number] += float(np.dot(estimates, mask))
                    if number == 0:
                        within = slice(rows.start - superblock.start, rows.stop - superblock.start)
                        np.multiply(estimates, mask, out=room[within])
            pool.add(superblock.start, room[: superblock.stop - superblock.start], allowed[superblock])
        return pool, sums

    parts = _in_parts(len(allowed), part)
    rows = np.concatenate([pool.rows() for pool, _ in parts])
    return rows, [sum(sums[number] for _, sums in parts) for number in range(len(trees))]


def _candidates_between(
    tree: Node,
    order: Node,
    faces: Scored,
    allowed: Mask,
    top: int | None,
    scores_between: tuple[float, float],
    exact: Callable[[Ids], NDArray[np.float64]],
) -> Ids:
    """Rows of allowed faces with a score by `tree` within the bounds, among which the first by `order` are."""
    trees = list(dict.fromkeys((tree, order)))
    asked = set().union(*(sides(each) if is_read_once(each) else _both_sides(each) for each in trees))
    columns = {side: faces.probabilities(*side) for side in sorted(asked)}
    least, below = scores_between

    def estimator(of: Node, size: int) -> Callable[[slice], NDArray[np.floating]]:
        return Estimator(of, columns, size) if is_read_once(of) else _entangled(of, columns)

    def part(start: int, stop: int) -> _TopCandidates:
        pool = _TopCandidates(top, 0.0, _error_of(order))
        scored, ordered = estimator(tree, _BLOCK), estimator(order, _BLOCK)
        for rows in _slices(start, stop, _BLOCK):
            estimates = scored(rows)
            among = allowed[rows] & ~_reaches(estimates, rows.start, below, _error_of(tree), exact)
            if least > 0:
                among &= _reaches(estimates, rows.start, least, _error_of(tree), exact)
            pool.add(rows.start, np.asarray(ordered(rows) * among, np.float32), among)
        return pool

    return np.concatenate([pool.rows() for pool in _in_parts(len(allowed), part)])


def _error_of(tree: Node) -> tuple[float, float]:
    return margin(tree) if is_read_once(tree) else _ROUNDED


def _reaches(
    estimates: Floats,
    start: int,
    least: float,
    error: tuple[float, float],
    exact: Callable[[Ids], NDArray[np.float64]],
) -> Mask:
    """Which of the faces from row `start` on have a score of at least `least`: by their estimates, exactly where these
    leave it open."""
    relative, absolute = error
    reaches = estimates >= least
    off = 2.0 * (relative * least + absolute)
    close = np.flatnonzero(np.abs(estimates - least) <= off)
    for some in _slices(0, len(close), CHUNK):
        reaches[close[some]] = exact(close[some] + start) >= least
    return np.asarray(reaches, np.bool_)


def _both_sides(tree: Node) -> set[Side]:
    return {(attribute, holds) for attribute in tree.attributes for holds in (True, False)}


def _entangled(tree: Node, columns: Mapping[Side, Floats]) -> Callable[[slice], Floats]:
    """Estimates of a tree in which attributes stand several times: good on both sides of each, p and 1 - p."""

    def estimate(rows: slice) -> Floats:
        p = {}
        for index in tree.attributes:
            holds, lacks = (columns[index, side][rows].astype(np.float64) for side in (True, False))
            p[index] = holds / (holds + lacks)
        return joint_probability(tree, p.__getitem__, rows.stop - rows.start).astype(np.float32)

    return estimate


class _TopCandidates:
    """Candidates for the best of the faces that were added, with their estimates."""

    def __init__(self, top: int | None, min_score: float, error: tuple[float, float]) -> None:
        self._top = top
        self._relative, self._absolute = error
        self._rows: list[Ids] = []
        self._estimates: list[Floats] = []
        self._held = 0
        self._slack = _SLACK
        self._floor = self._below(min_score)

    def add(self, start: int, estimates: Floats, allowed: Mask) -> None:
        """The faces from row `start` on; estimates: 0 for those that are not allowed."""
        parts = len(estimates) // _SEGMENT  # one holds every n-th face, of n: numpy finds their maxima fastest this way
        highest = estimates[: parts * _SEGMENT].reshape(_SEGMENT, parts).max(axis=0)
        if not self._held and self._top is not None and self._top <= parts:
            # At least `top` faces reach the highest estimates of their parts, so the others have to do so, too.
            self._floor = max(self._floor, self._below(float(np.partition(highest, parts - self._top)[-self._top])))
        high = np.flatnonzero(highest >= self._floor)
        if len(high) > parts // 8:
            found = np.flatnonzero(estimates >= self._floor)
        else:  # few parts hold any: look into these alone, and at what is left at the end
            inside = np.add.outer(np.arange(_SEGMENT) * parts, high).ravel()
            looked_at = np.concatenate([inside, np.arange(parts * _SEGMENT, len(estimates))])
            found = looked_at[estimates[looked_at] >= self._floor]
        found = found[allowed[found]]
        if not len(found):
            return
        self._rows.append(found + start)
        self._estimates.append(estimates[found])
        self._held += len(found)
        if self._top is not None and self._held > self._top + self._slack:
            self._drop(self._top)

    def rows(self) -> Ids:
        """int64: all candidates."""
        if self._top is not None and self._held > self._top:
            self._drop(self._top)
        return np.concatenate([np.empty(0, np.int64), *self._rows])

    def _drop(self, top: int) -> None:
        """Whatever cannot be among the `top` best any more."""
        rows, estimates = np.concatenate(self._rows), np.concatenate(self._estimates)
        last = float(np.partition(estimates, len(estimates) - top)[len(estimates) - top])
        self._floor = max(self._floor, self._below(last))
        kept = estimates >= self._floor
        self._rows, self._estimates = [rows[kept]], [estimates[kept]]
        self._held = int(np.count_nonzero(kept))
        # Where very many tie: sort them out again when there are twice as many.
        self._slack = max(_SLACK, 2 * self._held)

    def _below(self, estimate: float) -> float:
        """The least estimate of a face whose score is at least that of a face with this one."""
        return estimate * (1.0 - 2.0 * self._relative) - 2.0 * self._absolute


def _in_parts(faces: int, work: Callable[[int, int], Result]) -> list[Result]:
    """`work(start, stop)` on parts of all faces, at once where it pays: numpy computes outside Python's lock."""
    threads = max(1, min(usable_cores(), _MOST_THREADS, faces // _FACES_A_THREAD))
    if threads == 1:
        return [work(0, faces)]
    first, *others = _slices(0, faces, -(-faces // (threads * _BLOCK)) * _BLOCK)
    with shared_threads() as pool:
        found = [pool(threads - 1).submit(work, part.start, part.stop) for part in others]
        return [work(first.start, first.stop), *(each.result() for each in found)]


_Threads = Callable[[int], "ThreadPoolExecutor"]
_shared: ContextVar[_Threads | None] = ContextVar("scan threads", default=None)


@contextmanager
def shared_threads() -> Iterator[_Threads]:
    """Within, all scans use the same threads, which end with it: to start and to join a thread takes a tenth of a scan
    of a million faces. None outlives a search, where a process that is forked then would wait for them for ever."""
    outer = _shared.get()
    if outer is not None:
        yield outer
        return
    with ExitStack() as stack:

        @cache
        def pool(threads: int) -> "ThreadPoolExecutor":
            from concurrent.futures import ThreadPoolExecutor

            return stack.enter_context(ThreadPoolExecutor(threads, thread_name_prefix="scan"))

        token = _shared.set(pool)
        try:
            yield pool
        finally:
            _shared.reset(token)
