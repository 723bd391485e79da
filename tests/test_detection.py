"""The detector finds the gallery's faces, also turned and small ones, and says what is wrong with its model file."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from db.values.box import Box
from facesearch.vision.decode import decode_photo
from facesearch.vision.detection import (
    SEARCH_FROM,
    STORE_FROM,
    DetectorError,
    Look,
    YuNet,
    bundled_model,
    iou,
    is_outdated,
)

pytestmark = pytest.mark.slow

GALLERY = Path(__file__).parent / "gallery"


@pytest.fixture(scope="module")
def portrait() -> NDArray[np.uint8]:
    """One upright face."""
    return decode_photo(sorted(GALLERY.glob("man-goatee*.jpg"))[0]).rgb


@pytest.fixture(scope="module")
def detector() -> YuNet:
    return YuNet()


def test_a_portrait_has_one_face_with_eyes_above_the_mouth(detector: YuNet, portrait: NDArray[np.uint8]) -> None:
    (face,) = detector.detect([portrait])[0]
    assert face.score >= SEARCH_FROM
    assert face.turned == 0
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    assert face.box.x < nose[0] < face.box.x + face.box.width


@pytest.mark.parametrize(("turned", "quarter_turns"), [(90, 1), (180, 2), (270, 3)])
def test_a_face_in_a_turned_photo_is_found_marked_and_placed(
    detector: YuNet, portrait: NDArray[np.uint8], turned: int, quarter_turns: int
) -> None:
    (upright,) = detector.detect([portrait])[0]
    height, width = portrait.shape[:2]
    photo = np.ascontiguousarray(np.rot90(portrait, quarter_turns))  # anticlockwise, as if the camera had been turned
    faces = detector.detect([photo])[0]
    best = max(faces, key=lambda f: f.score)
    assert best.turned == turned
    x, y, w, h = upright.box.x, upright.box.y, upright.box.width, upright.box.height
    expected = {
        90: Box(y, width - x - w, h, w),
        180: Box(width - x - w, height - y - h, w, h),
        270: Box(height - y - h, x, h, w),
    }[turned]
    assert iou(best.box, expected) > 0.5


def test_the_landmarks_of_a_turned_face_lie_where_the_photo_shows_them(
    detector: YuNet, portrait: NDArray[np.uint8]
) -> None:
    (upright,) = detector.detect([portrait])[0]
    found = [f for f in detector.detect([np.ascontiguousarray(portrait[::-1, ::-1])])[0] if f.turned == 180]
    height, width = portrait.shape[:2]
    expected = np.array([width, height], np.float32) - upright.landmarks
    assert len(found) == 1
    assert np.abs(found[0].landmarks - expected).max() < 0.1 * upright.box.width


def test_boxes_are_in_pixels_of_the_picture_given_however_large_it_is(
    detector: YuNet, portrait: NDArray[np.uint8]
) -> None:
    (small,) = detector.detect([portrait])[0]
    (large,) = detector.detect([np.repeat(np.repeat(portrait, 6, axis=0), 6, axis=1)])[0]
    scaled = Box(small.box.x * 6, small.box.y * 6, small.box.width * 6, small.box.height * 6)
    assert iou(large.box, scaled) > 0.7


def test_a_face_of_64_pixels_in_a_large_photo_is_found(detector: YuNet, portrait: NDArray[np.uint8]) -> None:
    import cv2

    (face,) = detector.detect([portrait])[0]
    factor = 64 / max(face.box.width, face.box.height)
    little = cv2.resize(portrait, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    photo = np.full((1080, 1920, 3), 128, np.uint8)
    photo[500 : 500 + little.shape[0], 900 : 900 + little.shape[1]] = little
    assert any(f.score >= SEARCH_FROM for f in detector.detect([photo])[0])


@pytest.mark.parametrize("upright", [True, False], ids=["wide", "high"])
def test_a_face_of_64_pixels_in_a_panorama_is_found(
    detector: YuNet, portrait: NDArray[np.uint8], upright: bool
) -> None:
    import cv2

    (face,) = detector.detect([portrait])[0]
    factor = 64 / max(face.box.width, face.box.height)
    little = cv2.resize(portrait, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    wide, high = (10_000, 1_200) if upright else (1_200, 10_000)
    photo = np.full((high, wide, 3), 128, np.uint8)
    x, y = wide // 2, high // 2
    photo[y : y + little.shape[0], x : x + little.shape[1]] = little
    expected = Box(x + face.box.x * factor, y + face.box.y * factor, face.box.width * factor, face.box.height * factor)
    assert any(f.score >= SEARCH_FROM and iou(f.box, expected) > 0.5 for f in detector.detect([photo])[0])


@pytest.mark.parametrize("turned", [0, 90])
def test_the_faces_of_a_crowd_in_a_large_photo_are_all_searched(
    detector: YuNet, portrait: NDArray[np.uint8], turned: int
) -> None:
    import cv2

    (face,) = detector.detect([portrait])[0]
    factor = 48 / max(face.box.width, face.box.height)
    little = cv2.resize(portrait, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    tile = np.full((400, 400, 3), 128, np.uint8)
    tile[: little.shape[0], : little.shape[1]] = little
    photo = np.tile(tile, (10, 15, 1))  # 4,000 x 6,000 pixels; many faces lie where the parts looked at meet
    photo = np.ascontiguousarray(np.rot90(photo, turned // 90))  # as it lies where it must be turned so far clockwise
    found = [f for f in detector.detect([photo])[0] if f.score >= SEARCH_FROM]
    assert [f.turned for f in found] == [turned] * 150
    assert all(max(f.box.width, f.box.height) == pytest.approx(48, rel=0.4) for f in found)


def test_faces_come_left_to_right(detector: YuNet, portrait: NDArray[np.uint8]) -> None:
    faces = detector.detect([np.hstack([portrait, portrait, portrait])])[0]
    assert len(faces) == 3
    assert [f.box.x for f in faces] == sorted(f.box.x for f in faces)


def test_a_picture_without_a_face_gives_none_from_the_search_limit_on(detector: YuNet) -> None:
    sky = np.full((300, 400, 3), (120, 170, 230), np.uint8)
    assert detector.detect([sky]) == [[]]


def test_the_specks_of_a_compressed_noise_are_no_faces(detector: YuNet) -> None:
    import cv2

    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3), np.uint8)
    packed = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    assert detector.detect([np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)]) == [[]]


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2000)])
def test_the_oddest_picture_sizes_are_looked_at(detector: YuNet, size: tuple[int, int]) -> None:
    found = detector.detect([np.zeros((*size, 3), np.uint8)])[0]
    assert all(f.score >= STORE_FROM for f in found)


def test_the_bundled_model_is_the_one_whose_figures_are_known() -> None:
    assert bundled_model().suffix == ".onnx"
    assert YuNet().name == "yunet-8f2383e4dd3c/4"
    assert YuNet(look=Look.QUICK).name == "yunet-8f2383e4dd3c/4 quick"


@pytest.mark.parametrize(
    ("name", "current", "outdated"),
    [
        ("yunet-a", "yunet-a/2", True),  # looked at before names held the rules
        ("yunet-a/2", "yunet-a/2", False),
        ("yunet-a/3", "yunet-a/2", False),  # by a newer version of this program
        ("yunet-a/2 quick", "yunet-a/2", True),
        ("yunet-a/2", "yunet-a/2 quick", False),
        ("yunet-a/2", "yunet-a/3 quick", False),  # quick never replaces thorough
        ("yunet-a/2 quick", "yunet-a/3 quick", True),
        ("yunet-b/2", "yunet-a/2", True),
        ("red squares", "red squares", False),
        ("red squares", "blue squares", True),
    ],
)
def test_a_photo_is_outdated_where_the_detector_in_use_could_find_more(name: str, current: str, outdated: bool) -> None:
    assert is_outdated(name, current) is outdated


def test_a_detector_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("not a model")
    with pytest.raises(DetectorError, match="is not a YuNet model"):
        YuNet(path)


def test_a_missing_detector_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="cannot be read"):
        YuNet(tmp_path / "none.onnx")


def test_overlap_is_the_share_of_the_union() -> None:
    assert iou(Box(0, 0, 10, 10), Box(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert iou(Box(0, 0, 10, 10), Box(20, 20, 5, 5)) == 0.0


def _in_height(portrait: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    import cv2

    size = round(portrait.shape[1] * height / portrait.shape[0]), height
    return np.asarray(cv2.resize(portrait, size, interpolation=cv2.INTER_AREA), np.uint8)


def test_upright_faces_do_not_hide_those_that_lie_beside_them(detector: YuNet, portrait: NDArray[np.uint8]) -> None:
    page = np.full((800, 1200, 3), 240, np.uint8)
    turns = (0, 90, 90, 270, 90, 180)
    for place, turned in enumerate(turns):
        printed = np.rot90(portrait, turned // 90)
        y, x = 20 + 390 * (place // 3), 20 + 390 * (place % 3)
        page[y : y + printed.shape[0], x : x + printed.shape[1]] = printed
    found = [f for f in detector.detect([page])[0] if f.score >= SEARCH_FROM]
    assert sorted(f.turned for f in found) == sorted(turns)


@pytest.mark.parametrize("look", Look)
@pytest.mark.parametrize("side", [320, 1500, 3000])
def test_a_face_that_fills_the_photo_is_found_once(portrait: NDArray[np.uint8], look: Look, side: int) -> None:
    import cv2

    (face,) = YuNet().detect([portrait])[0]
    x, y, w, h = (round(v) for v in (face.box.x, face.box.y, face.box.width, face.box.height))
    close_up = cv2.resize(portrait[y : y + h, x : x + w], (side * w // h, side), interpolation=cv2.INTER_CUBIC)
    (found,) = YuNet(look=look).detect([np.asarray(close_up, np.uint8)])[0]
    assert found.score >= SEARCH_FROM and found.turned == 0


def test_a_lone_face_of_40_pixels_in_24_megapixels_is_found(detector: YuNet, portrait: NDArray[np.uint8]) -> None:
    photo = np.full((4000, 6000, 3), 120, np.uint8)
    little = _in_height(portrait, 80)
    photo[2000 : 2000 + little.shape[0], 3000 : 3000 + little.shape[1]] = little
    (found,) = detector.detect([photo])[0]
    assert found.score >= SEARCH_FROM
    assert max(found.box.width, found.box.height) == pytest.approx(40, rel=0.2)


@pytest.mark.parametrize("light", [0.1, 0.05])
def test_a_face_in_the_dark_is_found(detector: YuNet, portrait: NDArray[np.uint8], light: float) -> None:
    photo = np.full((900, 1400, 3), 60, np.uint8)
    photo[300 : 300 + portrait.shape[0], 500 : 500 + portrait.shape[1]] = portrait
    (found,) = detector.detect([(photo * light).astype(np.uint8)])[0]
    assert found.score >= SEARCH_FROM


def test_a_half_hidden_face_that_lies_as_a_clear_one_does_is_found_so(
    detector: YuNet, portrait: NDArray[np.uint8]
) -> None:
    """A print on its side in an album shows its bystanders so, too."""
    box = detector.detect([portrait])[0][0].box
    hidden = portrait.copy()
    hidden[:, : int(box.x + box.width / 2)] = 90
    photo = np.full((900, 1400, 3), 120, np.uint8)
    lying, clear = np.rot90(hidden), np.rot90(portrait)
    photo[100 : 100 + lying.shape[0], 100 : 100 + lying.shape[1]] = lying
    assert all(f.turned == 0 or f.score >= 0.9 for f in detector.detect([photo])[0])
    photo[100 : 100 + clear.shape[0], 800 : 800 + clear.shape[1]] = clear
    found = detector.detect([photo])[0]
    assert [(f.turned, f.score >= SEARCH_FROM) for f in found] == [(90, True), (90, True)]


def test_lit_faces_before_the_dark_are_found(detector: YuNet, portrait: NDArray[np.uint8]) -> None:
    """Most of a photo by flash at night is black, and its faces are not."""
    photo = np.full((1500, 2200, 3), 25, np.uint8)
    little = np.minimum(_in_height(portrait, 70).astype(np.int32) * 1.3, 255).astype(np.uint8)
    places = [(y, x) for y in (100, 700, 1300) for x in (150, 1000, 1900)]
    for y, x in places:
        photo[y : y + little.shape[0], x : x + little.shape[1]] = little
    found = detector.detect([photo])[0]
    assert [f.score >= SEARCH_FROM for f in found] == [True] * len(places)


def test_a_page_of_a_hundred_faces_has_a_hundred(detector: YuNet, portrait: NDArray[np.uint8]) -> None:
    little = _in_height(portrait, 160)
    page = np.full((1800, 1500, 3), 245, np.uint8)
    for place in range(100):
        y, x = 20 + 176 * (place // 10), 10 + 146 * (place % 10)
        page[y : y + little.shape[0], x : x + little.shape[1]] = little
    found = detector.detect([page])[0]
    assert [f.score >= SEARCH_FROM for f in found] == [True] * 100


def test_a_face_of_20_pixels_that_is_all_of_the_picture_is_found(detector: YuNet, portrait: NDArray[np.uint8]) -> None:
    (found,) = detector.detect([_in_height(portrait, 24)])[0]
    assert found.score >= SEARCH_FROM


def test_the_faces_of_a_small_photo_keep_the_boxes_that_training_has_learnt_from(
    detector: YuNet, portrait: NDArray[np.uint8]
) -> None:
    """What OpenCV's own detector says of the picture enlarged to 320 pixels: so do the data sets' boxes."""
    import cv2

    reference = cv2.FaceDetectorYN.create(str(bundled_model()), "", (320, 320), STORE_FROM, 0.3, 5000)
    photo = _in_height(portrait, 250)
    height, width = photo.shape[:2]
    size = round(width * 320 / height), 320
    enlarged = cv2.resize(cv2.cvtColor(photo, cv2.COLOR_RGB2BGR), size, interpolation=cv2.INTER_LINEAR)
    reference.setInputSize(size)
    (row,) = reference.detect(enlarged)[1]
    (found,) = detector.detect([photo])[0]
    expected = row[:4] * np.array([width / size[0], height / size[1]] * 2)
    assert [found.box.x, found.box.y, found.box.width, found.box.height] == pytest.approx(list(expected), abs=0.01)
    assert found.score == pytest.approx(row[14], abs=1e-4)


def test_nothing_is_noted_of_the_machine_in_the_users_folder(tmp_path: Path) -> None:
    """ONNX Runtime keeps a log of its users, to be sent, unless it is told not to."""
    code = (
        "import numpy as np; from facesearch.vision.detection import YuNet; "
        "YuNet().detect([np.zeros((64, 64, 3), np.uint8)])"
    )
    own = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", code], env=own, check=True)
    assert list(tmp_path.rglob("*onnxruntime*")) == []
