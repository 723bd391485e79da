"""Which face of a new look is which of the former one."""

from hypothesis import given
from hypothesis import strategies as st

from db.matching import SAME_FACE_FROM, match
from db.values.box import Box
from facesearch.vision.detection import iou

BOXES = st.lists(
    st.builds(Box, *(st.integers(0, 12).map(float),) * 2, *(st.integers(0, 12).map(float),) * 2), max_size=8
)


def test_a_box_that_moved_or_grew_a_little_is_the_same_face() -> None:
    old = [Box(10, 10, 100, 100), Box(300, 10, 100, 100)]
    assert match([Box(310, 0, 120, 110), Box(30, 30, 80, 90)], old) == {0: 1, 1: 0}
    assert match([Box(10, 10, 39, 100)], old) == {}, "the intersection is .39 of the union"
    assert match([Box(10, 10, 40, 100)], old) == {0: 0}


def test_the_pair_that_overlaps_most_comes_first_and_the_rest_is_new() -> None:
    old = [Box(0, 0, 100, 100)]
    assert match([Box(20, 0, 100, 100), Box(5, 0, 100, 100)], old) == {1: 0}
    assert match([Box(5, 0, 100, 100)], [Box(20, 0, 100, 100), *old]) == {0: 1}


def test_of_nothing_nothing_is_the_same() -> None:
    assert match([], [Box(0, 0, 1, 1)]) == match([Box(0, 0, 1, 1)], []) == match([], []) == {}
    assert match([Box(3, 3, 0, 0)], [Box(3, 3, 0, 0)]) == {}


@given(BOXES, BOXES)
def test_each_face_is_in_one_pair_and_no_pair_would_be_better_off(new: list[Box], old: list[Box]) -> None:
    pairs = match(new, old)
    assert len(set(pairs.values())) == len(pairs)
    assert all(iou(new[ours], old[theirs]) >= SAME_FACE_FROM - 1e-9 for ours, theirs in pairs.items())
    partner = {theirs: ours for ours, theirs in pairs.items()}
    for ours, mine in enumerate(new):
        for theirs, other in enumerate(old):
            overlap = iou(mine, other)
            if overlap >= SAME_FACE_FROM + 1e-9:
                has = iou(mine, old[pairs[ours]]) if ours in pairs else 0.0
                had = iou(new[partner[theirs]], other) if theirs in partner else 0.0
                assert overlap <= max(has, had) + 1e-9
