"""The scan that sorts out by float32 estimates gives what scoring and sorting every face exactly gives."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from facesearch.errors import QueryError
from facesearch.query import parse
from facesearch.query.tree import (
    EVERYTHING,
    And,
    Node,
    Not,
    Or,
    Term,
    Threshold,
    Weighted,
    all_of,
    parts_of,
    without_hedges,
)
from facesearch.search.ranking import estimate, scan

FACES = scan.CHUNK + 1234  # more than are scored exactly without further ado
SCALE = np.linspace(0.7, 1.4, 40, dtype=np.float32)
BIAS = np.linspace(-6, 6, 40, dtype=np.float32)
IDS = np.random.default_rng(2).permutation(FACES).astype(np.int64) * 3


@pytest.fixture(scope="module", autouse=True, params=["at once", "by threads in small lots"])
def lots(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "at once":
            patch.setattr(scan, "_BLOCK", 5000)
            patch.setattr(scan, "_SUPERBLOCK", 12000)
            patch.setattr(scan, "_FACES_A_THREAD", 10)
            patch.setattr(scan, "usable_cores", lambda: 3)
        yield


def columns(faces: int, seed: int = 1) -> dict[int, np.ndarray]:
    """Logits of six attributes as networks give them, with many that are the same, and some beyond all measure."""
    random = np.random.default_rng(seed)
    logits = random.normal(-2, 4, (6, faces)).astype(np.float32)
    logits[:, ::3] = np.round(logits[:, ::3])
    logits[:, 5:60:7] = random.choice(np.array([-300, -90, -40, 40, 90, 300], np.float32), (6, 8))
    return dict(enumerate(logits))


LOGITS = columns(FACES)


def nested(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    children = st.lists(nodes, min_size=1, max_size=3).map(tuple)
    hedges = st.builds(Weighted, nodes, st.floats(0.05, 1))
    return st.builds(Not, nodes) | st.builds(And, children) | st.builds(Or, children) | hedges


trees = st.recursive(st.builds(Term, st.integers(0, 5), st.booleans()), nested, max_leaves=5)


def columns_of(
    logits: dict[int, np.ndarray], scale: np.ndarray, bias: np.ndarray
) -> dict[tuple[int, bool], np.ndarray]:
    """As a snapshot has them."""
    found = {}
    with np.errstate(over="ignore"):
        for i, column in logits.items():
            z = column.astype(np.float64) * scale[i] + bias[i]
            for holds in (True, False):
                found[i, holds] = (1 / (1 + np.exp(-z if holds else z))).astype(np.float32)
    return found


def scored(logits: dict[int, np.ndarray], ids: np.ndarray, scale: np.ndarray, bias: np.ndarray) -> scan.Scored:
    probabilities = columns_of(logits, scale, bias)
    return scan.Scored(ids, lambda *side: probabilities[side], logits.__getitem__, scale, bias)


def ranked(tree: Node, allowed: np.ndarray, top: int | None, min_score: float = 0.0, **other) -> scan.Ranked:
    given = {"logits": LOGITS, "ids": IDS, "scale": SCALE, "bias": BIAS} | other
    faces = scored(given["logits"], given["ids"], given["scale"], given["bias"])
    return scan.ranked(tree, faces, allowed=allowed, top=top, min_score=min_score, firm=without_hedges(tree))


def by_sorting(tree: Node, allowed: np.ndarray, top: int | None, min_score: float, **other) -> tuple[list[int], list]:
    given = {"logits": LOGITS, "ids": IDS, "scale": SCALE, "bias": BIAS} | other
    scores = scan.scores(tree, given["logits"].__getitem__, len(allowed), given["scale"], given["bias"])
    rows = np.flatnonzero(allowed & (scores >= min_score))
    rows = rows[np.lexsort((given["ids"][rows], -scores[rows]))][:top]
    return rows.tolist(), scores[rows].tolist()


@pytest.mark.slow
@given(trees, st.sampled_from([0.0, 0.3, 0.95, 1.0]), st.none() | st.integers(1, 60), st.sampled_from([0, 1e-9, 0.5]))
@settings(deadline=None, max_examples=60)
def test_the_best_and_their_scores_are_those_of_a_full_sort(
    tree: Node, share: float, top: int | None, min_score: float
) -> None:
    allowed = np.random.default_rng(3).random(FACES) <= share
    found = ranked(tree, allowed, top, min_score)
    assert (found.rows.tolist(), found.scores.tolist()) == by_sorting(tree, allowed, top, min_score)


@pytest.mark.slow
@given(trees)
@settings(deadline=None, max_examples=60)
def test_the_expected_count_is_the_sum_of_the_scores_without_hedged_words(tree: Node) -> None:
    allowed = np.random.default_rng(4).random(FACES) < 0.9
    firm = without_hedges(tree)
    exact = float(allowed.sum())
    if firm is not None:
        exact = scan.scores(firm, LOGITS.__getitem__, FACES, SCALE, BIAS)[allowed].sum()
    assert ranked(tree, allowed, 1).expected == pytest.approx(exact, rel=1e-4, abs=1e-4)


@pytest.mark.slow
@given(trees, st.floats(-60, 60))
@settings(deadline=None, max_examples=60)
def test_an_estimate_is_never_further_off_than_its_margin(tree: Node, shift: float) -> None:
    if not estimate.is_read_once(tree):
        return
    bias = np.full(40, shift, np.float32)
    relative, absolute = estimate.margin(tree)
    estimates = estimate.Estimator(tree, columns_of(LOGITS, SCALE, bias), 4096)(slice(0, 4096)).astype(np.float64)
    exact = scan.scores(tree, lambda index: LOGITS[index][:4096], 4096, SCALE, bias)
    assert (np.abs(estimates - exact) <= relative * exact + absolute).all()


@pytest.mark.parametrize("top", [1, 20, 5000, None])
def test_faces_that_float32_cannot_tell_apart_keep_their_exact_order(top: int | None) -> None:
    logits = {0: np.linspace(30, 31, FACES, dtype=np.float32), 1: np.linspace(25, 24, FACES, dtype=np.float32)}
    tree = And((Term(0), Term(1)))
    allowed = np.ones(FACES, np.bool_)
    found = ranked(tree, allowed, top, logits=logits)
    assert (found.rows.tolist(), found.scores.tolist()) == by_sorting(tree, allowed, top, 0.0, logits=logits)


def test_very_unlikely_faces_are_ranked_as_exactly_as_likely_ones() -> None:
    tree = And(tuple(Term(index) for index in range(6)))
    logits = {index: np.minimum(column, 10) - 60 for index, column in LOGITS.items()}
    allowed = np.ones(FACES, np.bool_)
    found = ranked(tree, allowed, 20, logits=logits)
    assert 0 < found.scores[0] < 1e-38
    assert (found.rows.tolist(), found.scores.tolist()) == by_sorting(tree, allowed, 20, 0.0, logits=logits)


def test_a_lot_of_a_few_faces_at_the_end_is_looked_at_as_well() -> None:
    faces = 50_000 + 24_000 + 5  # by threads in small lots: the last thread's last lot has five
    other = {"logits": columns(faces, 9), "ids": np.arange(faces)}
    other["logits"][0][-1] = other["logits"][1][-1] = 300
    tree, allowed = And((Term(0), Term(1))), np.ones(faces, np.bool_)
    found = ranked(tree, allowed, 20, **other)
    assert faces - 1 in found.rows
    assert (found.rows.tolist(), found.scores.tolist()) == by_sorting(tree, allowed, 20, 0.0, **other)


@pytest.mark.slow
def test_so_many_faces_that_several_threads_share_them() -> None:
    faces = 3 * (1 << 18) + 77
    other = {"logits": columns(faces, 8), "ids": np.arange(faces, 0, -1)}
    allowed = np.random.default_rng(5).random(faces) < 0.9
    tree = And((Term(1), Or((Term(0, False), Term(2))), Not(And((Term(3), Term(4))))))
    found = ranked(tree, allowed, 25, **other)
    assert (found.rows.tolist(), found.scores.tolist()) == by_sorting(tree, allowed, 25, 0.0, **other)
    exact = scan.scores(tree, other["logits"].__getitem__, faces, SCALE, BIAS)
    assert found.expected == pytest.approx(exact[allowed].sum(), rel=1e-4)


def test_what_only_filters_scores_every_face_1_in_order_of_face_id() -> None:
    allowed = np.zeros(FACES, np.bool_)
    allowed[100:] = True
    found = ranked(EVERYTHING, allowed, 7)
    assert found.scores.tolist() == [1.0] * 7
    assert IDS[found.rows].tolist() == sorted(IDS[100:])[:7]
    assert found.expected == FACES - 100


def test_where_no_face_is_allowed_none_is_found_or_expected() -> None:
    found = ranked(Term(0), np.zeros(FACES, np.bool_), 5)
    assert (len(found.rows), found.expected) == (0, 0.0)


def test_each_column_is_asked_for_once_also_where_hedged_words_are_left_out_of_the_count() -> None:
    asked: list[tuple[int, bool]] = []
    faces = scored(LOGITS, IDS, SCALE, BIAS)

    def probabilities(index: int, holds: bool) -> np.ndarray:
        asked.append((index, holds))
        return faces.probabilities(index, holds)

    tree = And((Term(2), Weighted(Term(0), 0.5)))
    counted = replace(faces, probabilities=probabilities)
    scan.ranked(tree, counted, allowed=np.ones(FACES, np.bool_), top=3, firm=Term(2))
    assert asked == [(0, False), (2, True)]


def test_too_entangled_a_description_is_refused() -> None:
    twice = [Or((Term(index), Term(index + 1))) for index in range(14)]
    with pytest.raises(QueryError, match="occur several times"):
        ranked(And(tuple(twice)), np.ones(FACES, np.bool_), 3, logits=dict.fromkeys(range(15), LOGITS[0]))


def test_bounds_leave_the_faces_on_their_right_side() -> None:
    bounds = (Threshold(0, ">", 0.4), Threshold(1, "<=", 0.7, holds=False))
    p = [scan.scores(Term(index), LOGITS.__getitem__, FACES, SCALE, BIAS) for index in (0, 1)]
    wanted = (p[0] > 0.4) & (1 - p[1] <= 0.7)
    assert 0 < wanted.sum() < FACES
    assert np.array_equal(scan.within(bounds, LOGITS.__getitem__, FACES, SCALE, BIAS), wanted)


def test_words_and_their_denial_rank_in_opposite_order() -> None:
    allowed = np.ones(FACES, np.bool_)
    logits = {20: np.random.default_rng(6).permutation(np.linspace(-8, 8, FACES)).astype(np.float32)}
    up, down = (ranked(parse(words).tree, allowed, None, logits=logits) for words in ("man", "not man"))
    assert up.rows.tolist() == down.rows.tolist()[::-1]


@pytest.mark.slow
@given(trees, trees, st.sampled_from([0.3, 0.95]), st.none() | st.integers(1, 60), st.sampled_from([0.0, 0.02]))
@settings(deadline=None, max_examples=40)
def test_faces_with_scores_between_two_bounds_stand_in_another_order_as_in_a_full_sort(
    tree: Node, order: Node, share: float, top: int | None, least: float
) -> None:
    allowed = np.random.default_rng(6).random(FACES) <= share
    faces = scored(LOGITS, IDS, SCALE, BIAS)
    rows, found = scan.reordered(tree, order, faces, allowed=allowed, top=top, scores_between=(least, 0.1))
    known, keys = (scan.scores(each, LOGITS.__getitem__, FACES, SCALE, BIAS) for each in (tree, order))
    within = np.flatnonzero(allowed & (known >= least) & (known < 0.1))
    expected = within[np.lexsort((IDS[within], -known[within], -keys[within]))][:top]
    assert rows.tolist() == expected.tolist()
    assert found.tolist() == known[expected].tolist()


@pytest.mark.slow
@given(st.lists(trees, min_size=2, max_size=4))
@settings(deadline=None, max_examples=40)
def test_what_is_likely_without_a_part_is_what_the_others_give(asked: list[Node]) -> None:
    parts = parts_of(all_of(asked))
    assume(len(parts) > 1)
    allowed = np.random.default_rng(7).random(FACES) < 0.9
    faces = scored(LOGITS, IDS, SCALE, BIAS)
    found = scan.likely_without(parts, faces, allowed=allowed, least=0.1, candidates=range(len(parts)))
    for number, likely in enumerate(found):
        rest = And(tuple(part for at, part in enumerate(parts) if at != number))
        known = scan.scores(rest, LOGITS.__getitem__, FACES, SCALE, BIAS)[allowed]
        close = int((np.abs(known - 0.1) < 1e-5).sum())  # float32 may put these on either side
        assert abs(likely.faces - int((known >= 0.1).sum())) <= close
        assert likely.expected == pytest.approx(known.sum(), rel=1e-3, abs=1e-2)
