"""The crop shows the network the same square in training, indexing and probes, upright, however the photo lies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from db.values.box import Box
from facesearch.vision.crop import INPUT_SIZE, SIDE, Jitter, Padding, crop_face, region


def _picture(height: int = 300, width: int = 400) -> NDArray[np.uint8]:
    """Smooth, and different in every direction: red grows to the right, green downwards."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x / width, 255 * y / height, np.full_like(x, 60)], axis=2).astype(np.uint8)


def test_the_square_is_centred_on_the_box_and_as_wide_as_stated() -> None:
    crop = crop_face(_picture(), Box(150, 100, 60, 80))
    assert crop.shape == (INPUT_SIZE, INPUT_SIZE, 3)
    assert crop.dtype == np.uint8
    middle = INPUT_SIZE // 2
    assert crop[middle, middle, 0] == pytest.approx(255 * 180 / 400, abs=2)
    assert crop[middle, middle, 1] == pytest.approx(255 * 140 / 300, abs=2)
    left, right = 180 - SIDE * 40, 180 + SIDE * 40
    assert crop[middle, 0, 0] == pytest.approx(255 * left / 400, abs=2)
    assert crop[middle, -1, 0] == pytest.approx(255 * right / 400, abs=2)


@pytest.mark.parametrize(("turned", "quarter_turns"), [(90, -1), (180, -2), (270, -3)])
def test_a_face_found_in_a_turned_copy_is_cut_upright(turned: int, quarter_turns: int) -> None:
    picture, box = _picture(), Box(150, 100, 60, 80)
    height, width = picture.shape[:2]
    copy = np.ascontiguousarray(np.rot90(picture, quarter_turns))
    x, y, w, h = box.x, box.y, box.width, box.height
    in_copy = {
        90: Box(height - y - h, x, h, w),
        180: Box(width - x - w, height - y - h, w, h),
        270: Box(y, width - x - w, h, w),
    }[turned]
    difference = crop_face(picture, box, turned).astype(int) - crop_face(copy, in_copy).astype(int)
    assert np.abs(difference).max() <= 2


def test_flipping_mirrors_the_crop() -> None:
    picture, box = _picture(), Box(150, 100, 60, 80)
    difference = crop_face(picture, box, jitter=Jitter(flip=True)).astype(int) - crop_face(picture, box)[:, ::-1]
    assert np.abs(difference).max() <= 1


def test_cutting_from_a_kept_region_gives_the_same_crop() -> None:
    picture, box = _picture(), Box(150, 100, 60, 80)
    part, there = region(picture, box, margin=SIDE * 1.5)
    assert part.shape != picture.shape
    assert np.abs(crop_face(part, there).astype(int) - crop_face(picture, box)).max() <= 1


def test_a_large_face_is_averaged_down_without_aliasing() -> None:
    stripes = np.zeros((2000, 2000, 3), np.uint8)
    stripes[:, ::2] = 255  # far finer than the crop can show: must become an even grey
    crop = crop_face(stripes, Box(500, 500, 1000, 1000))
    assert np.abs(crop[20:-20, 20:-20].astype(int) - 127).max() <= 20


def test_padding_decides_what_lies_beyond_the_picture() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    edge = Box(-20, 30, 40, 40)
    assert crop_face(white, edge).min() == 255  # reflected, as in use
    assert crop_face(white, edge, padding=Padding.BLACK).min() == 0


@settings(max_examples=50, deadline=None)
@given(
    box=st.builds(
        Box,
        st.floats(-200, 500),
        st.floats(-200, 500),
        st.floats(0.5, 600),
        st.floats(0.5, 600),
    ),
    turned=st.sampled_from([0, 90, 180, 270]),
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
)
def test_any_box_in_any_picture_gives_a_crop(box: Box, turned: int, size: tuple[int, int]) -> None:
    assert crop_face(np.zeros((*size, 3), np.uint8), box, turned).shape == (INPUT_SIZE, INPUT_SIZE, 3)
