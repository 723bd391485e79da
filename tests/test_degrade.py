"""Degraded faces are what cameras make of them, the same for the same seed, and worse by the measure that is asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.values.box import Box
from facesearch.training.augment import Augmentation, augmented_crop
from facesearch.training.degrade import Degradation, cctv, degraded, degraded_crop, drawn_degradation
from facesearch.vision.crop import SIDE

BOX = Box(30.0, 20.0, 80.0, 100.0)


def _picture(seed: int = 0) -> np.ndarray:
    """Smooth, with some detail: 160 x 140 pixels."""
    import cv2

    coarse = np.random.default_rng(seed).integers(0, 256, (20, 18, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (140, 160), interpolation=cv2.INTER_CUBIC), np.uint8)


def _made(how: Degradation, seed: int = 0) -> tuple[np.ndarray, Box]:
    return degraded(_picture(), BOX, how, np.random.default_rng(seed))


def _detail(image: np.ndarray) -> float:
    return float(np.abs(np.diff(image.astype(np.float64), axis=1)).mean())


def test_nothing_asked_for_changes_nothing() -> None:
    image, box = _made(Degradation())
    assert (image == _picture()).all() and box == BOX
    assert (degraded_crop(_picture()[:140], Degradation(), np.random.default_rng(0)) == _picture()[:140]).all()


@given(size=st.floats(4, 400))
def test_a_face_has_as_many_pixels_as_asked_for_and_never_more_than_before(size: float) -> None:
    image, box = _made(Degradation(size=size))
    longer = max(box.width, box.height)
    assert longer == pytest.approx(min(size, 100.0), abs=0.4), "the picture has whole pixels"
    assert longer / image.shape[0] == pytest.approx(100 / 160), "the box moves with the picture"
    assert box.y / image.shape[0] == pytest.approx(20 / 160)


@pytest.mark.parametrize(
    ("little", "much"),
    [
        (Degradation(blur=0.01), Degradation(blur=0.05)),
        (Degradation(motion=0.03), Degradation(motion=0.2)),
        (Degradation(jpeg=90), Degradation(jpeg=5)),
        (Degradation(noise=2.0), Degradation(noise=20.0)),
        (Degradation(light=0.7), Degradation(light=0.1)),
        (cctv(80), cctv(80.0 / 5)),
    ],
)
def test_more_of_it_is_further_from_the_picture(little: Degradation, much: Degradation) -> None:
    def off(how: Degradation) -> float:
        import cv2

        image, _ = _made(how)
        return float(np.abs(cv2.resize(image, (140, 160)).astype(np.float64) - _picture()).mean())

    assert 0 < off(little) < off(much)


def test_blur_and_movement_take_detail_noise_adds_it_and_darkness_takes_light() -> None:
    plain = _detail(_picture())
    assert _detail(_made(Degradation(blur=0.04))[0]) < plain
    assert _detail(_made(Degradation(motion=0.1))[0]) < plain
    assert _detail(_made(Degradation(noise=20))[0]) > plain
    dark, _ = _made(Degradation(light=0.25))
    linear = (_picture() / 255.0) ** 2.2
    assert ((dark / 255.0) ** 2.2).mean() == pytest.approx(0.25 * linear.mean(), rel=0.02)


def test_movement_keeps_the_light_and_its_direction_is_drawn() -> None:
    first, second = (_made(Degradation(motion=0.2), seed)[0] for seed in (1, 2))
    assert first.mean() == pytest.approx(_picture().mean(), rel=0.02)
    assert (first != second).any()


@pytest.mark.parametrize("how", [cctv(24), Degradation(noise=9), Degradation(motion=0.1)])
def test_a_seed_gives_the_same_picture_again(how: Degradation) -> None:
    assert (_made(how, 5)[0] == _made(how, 5)[0]).all()
    assert (_made(how, 5)[0] != _made(how, 6)[0]).any()


@given(seed=st.integers(0, 10_000), side=st.integers(60, 240))
def test_what_is_drawn_for_training_can_be_done_to_any_crop(seed: int, side: int) -> None:
    crop = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    rng = np.random.default_rng(seed)
    how = drawn_degradation(rng)
    assert 14 <= (how.size or 0) <= 110
    worse = degraded_crop(crop, how, rng)
    assert worse.shape == crop.shape and worse.dtype == np.uint8


def test_a_crops_face_is_taken_to_be_where_crops_have_it() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (227, 227, 3), dtype=np.uint8)
    sixteen = degraded_crop(crop, Degradation(size=16), np.random.default_rng(0)).astype(np.float64)
    # A face of 16 pixels makes a crop of 16 * SIDE; between neighbours of the enlarged picture nearly nothing happens.
    assert _detail(sixteen) < _detail(crop.astype(np.float64)) * 16 * SIDE / 227
    assert (degraded_crop(crop, Degradation(size=200), np.random.default_rng(0)) == crop).all(), "larger than it is"


def test_training_crops_are_degraded_only_where_the_recipe_says_so() -> None:
    def crops(augmentation: Augmentation) -> list[np.ndarray]:
        return [augmented_crop(_picture(), BOX, 0, 99, augmentation, np.random.default_rng(seed)) for seed in range(12)]

    clean = Augmentation(low_resolution_p=0, jpeg_p=0, occlusion_p=0, colour=0)
    some = Augmentation(low_resolution_p=0, jpeg_p=0, occlusion_p=0, colour=0, degraded_p=0.5)
    different = [(a != b).any() for a, b in zip(crops(clean), crops(some), strict=True)]
    assert 0 < sum(different) < 12
