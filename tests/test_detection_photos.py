"""The detector finds the faces of photos composed from the gallery, and their truth is where it is said to be."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from detection import main
from detection_marks import MARKS, Results, Seen, faces_of, false_boxes, recall, wilson
from detection_photos import (
    NO_FACES,
    Condition,
    Photo,
    Place,
    Pool,
    Source,
    Stratum,
    Truth,
    compose,
    find_sources,
    full_schedule,
    gallery_schedule,
    interleaved,
)
from PIL import Image

from db.values.box import Box
from facesearch.vision.detection import Look, YuNet, iou

pytestmark = pytest.mark.slow

GALLERY = Path(__file__).parent / "gallery"
SCHEDULE = gallery_schedule()
MAGENTA = (255, 0, 255)


@pytest.fixture(scope="module")
def pool() -> Pool:
    pictures = sorted(p for p in GALLERY.iterdir() if p.suffix in (".jpg", ".png", ".webp", ".avif"))
    return Pool(find_sources("gallery", pictures)[0])


@pytest.fixture(scope="module")
def photos(pool: Pool) -> list[Photo]:
    return [compose(number, SCHEDULE, pool) for number in range(len(SCHEDULE))]


@pytest.fixture(scope="module")
def results(photos: list[Photo]) -> dict[Look, Results]:
    """What each look finds in the 40 photos."""
    return {look: Results(records_of(YuNet(look=look), photos)) for look in Look}


def records_of(detector: YuNet, photos: list[Photo]) -> list[dict[str, object]]:
    return [
        record_of(n, photo, [[*vars_of(d.box), d.score, d.turned] for d in detector.detect([photo.rgb])[0]])
        for n, photo in enumerate(photos)
    ]


def vars_of(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.width, box.height


def record_of(number: int, photo: Photo, found: list[list[float]]) -> dict[str, object]:
    height, width = photo.rgb.shape[:2]
    return {
        "number": number,
        "size": [width, height],
        "stratum": photo.stratum.name,
        "condition": photo.stratum.condition,
        "truth": [t.__dict__ for t in photo.truths],
        "found": found,
    }


def missed(faces: list[Seen]) -> str:
    return ", ".join(f"{f.stratum}: {f.truth.size:.0f} px in {f.width} x {f.height}" for f in faces if not f.found)


# --- the detector ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("look", "from_share", "share"), [(Look.DEFAULT, 0, 0.98), (Look.QUICK, 1 / 50, 0.99)])
def test_upright_faces_of_every_size_are_found(
    results: dict[Look, Results], look: Look, from_share: float, share: float
) -> None:
    faces = [f for f in results[look].upright() if f.truth.size >= 24 and f.share >= from_share]
    assert len(faces) >= 60
    assert recall(faces).value >= share, missed(faces)


def test_faces_of_16_to_24_pixels_are_found_by_the_default_look(results: dict[Look, Results]) -> None:
    faces = [f for f in results[Look.DEFAULT].upright() if f.truth.size < 24]
    assert len(faces) >= 10
    assert recall(faces).value >= 0.9, missed(faces)


@pytest.mark.parametrize("look", [*Look])
def test_close_ups_are_all_found(results: dict[Look, Results], look: Look) -> None:
    faces = [f for f in results[look].upright() if f.truth.size >= 300]
    assert len(faces) >= 8
    assert all(f.found for f in faces), missed(faces)


@pytest.mark.parametrize(("look", "from_share", "share"), [(Look.DEFAULT, 1 / 30, 0.97), (Look.QUICK, 1 / 20, 0.95)])
def test_faces_that_lie_or_stand_on_their_heads_are_found_also_beside_upright_ones(
    results: dict[Look, Results], look: Look, from_share: float, share: float
) -> None:
    faces = [f for f in results[look].good if f.truth.turned and f.share >= from_share]
    assert {f.truth.turned for f in faces} == {90, 180, 270}
    assert recall(faces).value >= share, missed(faces)


def test_faces_in_a_tenth_of_the_light_are_found_by_the_default_look(results: dict[Look, Results]) -> None:
    faces = [f for f in results[Look.DEFAULT].faces if f.condition == Condition.DARK]
    assert len(faces) >= 5
    assert recall(faces).value >= 0.9, missed(faces)


@pytest.mark.parametrize("look", [*Look])
def test_a_face_has_one_box(results: dict[Look, Results], look: Look) -> None:
    assert [f.truth for f in results[look].all if f.found and f.boxes != 1] == []


@pytest.mark.parametrize("look", [*Look])
def test_a_picture_without_faces_has_no_box(results: dict[Look, Results], look: Look) -> None:
    empty = [r for r in results[look].records if r["stratum"] == NO_FACES]
    assert len(empty) == 4
    assert [r["number"] for r in empty if false_boxes(r)] == []


# --- the composed photos ---------------------------------------------------------------------------------------------


def test_the_gallery_gives_40_photos_of_every_kind(photos: list[Photo]) -> None:
    assert len(photos) == 40
    assert {t.turned for p in photos for t in p.truths} == {0, 90, 180, 270}
    assert {p.place for p in photos} == {*Place}
    sizes = [t.size for p in photos for t in p.truths]
    assert min(sizes) < 20
    assert max(sizes) > 1000


def test_a_photo_is_the_same_whenever_it_is_composed(pool: Pool, photos: list[Photo]) -> None:
    for number in (31, 7, 19):
        again = compose(number, SCHEDULE, pool)
        assert np.array_equal(again.rgb, photos[number].rgb)
        assert again.truths == photos[number].truths
    other = compose(7, SCHEDULE, pool, seed=1)
    assert other.truths != photos[7].truths


def test_faces_lie_in_the_photo_unless_they_are_marked_as_cut_off(photos: list[Photo]) -> None:
    for photo in photos:
        height, width = photo.rgb.shape[:2]
        for truth in photo.truths:
            x, y, w, h = truth.box
            inside = x >= 0 and y >= 0 and x + w <= width and y + h <= height
            assert inside is not truth.cut
            assert 0 < x + w / 2 < width
            assert 0 < y + h / 2 < height
    cut = [t.cut for p in photos for t in p.truths]
    assert 0 < sum(cut) < len(cut) / 5


def test_no_face_lies_on_another(photos: list[Photo]) -> None:
    for photo in photos:
        boxes = [Box(*t.box) for t in photo.truths]
        assert all(iou(a, b) == 0 for i, a in enumerate(boxes) for b in boxes[:i])


def test_photos_and_faces_have_the_sizes_that_their_kind_asks_for(photos: list[Photo]) -> None:
    for photo in photos:
        (low, high), stratum = photo.stratum.size, photo.stratum
        height, width = photo.rgb.shape[:2]
        assert stratum.megapixels[0] * 0.99 <= width * height / 1e6 <= stratum.megapixels[1] * 1.01
        unit = max(width, height) if stratum.relative else 1
        for truth in photo.truths:
            assert low * unit * 0.97 <= truth.size <= high * unit * 1.03 or (stratum.relative and truth.size <= 25)


@pytest.mark.parametrize("turn", [0, 90, 180, 270, None], ids=str)
@pytest.mark.parametrize("size", [(20, 40), (150, 400)], ids=["reduced", "enlarged"])
def test_a_truth_is_where_the_photo_shows_the_face(tmp_path: Path, turn: int | None, size: tuple[float, float]) -> None:
    picture = np.full((140, 110, 3), 255, np.uint8)
    picture[40:100, 30:75] = MAGENTA
    Image.fromarray(picture).save(tmp_path / "face.png")
    pool = Pool([Source(str(tmp_path / "face.png"), (30, 40, 45, 60), "painted")])
    schedule = interleaved([Stratum("painted", 5, size, (0.3, 2), turn=turn, most_faces=4)])
    for number in range(len(schedule)):
        photo = compose(number, schedule, pool)
        rgb = photo.rgb.astype(int)
        magenta = (rgb[..., 0] > 180) & (rgb[..., 1] < 120) & (rgb[..., 2] > 180)
        for truth in (t for t in photo.truths if not t.cut):
            x, y, w, h = truth.box
            margin = 0.15 * max(w, h)  # within the white border of the picture
            left, top = max(0, int(x - margin)), max(0, int(y - margin))
            rows, columns = np.nonzero(magenta[top : int(y + h + margin), left : int(x + w + margin)])
            seen = left + columns.min(), top + rows.min(), left + columns.max() + 1, top + rows.max() + 1
            assert np.abs(np.subtract(seen, (x, y, x + w, y + h))).max() <= 1 + 0.02 * max(w, h)
            assert (w > h) is (truth.turned in (90, 270))


def test_only_pictures_of_one_clear_face_are_sources(tmp_path: Path) -> None:
    Image.new("RGB", (200, 200), "white").save(tmp_path / "empty.png")
    names = ["woman-gray-hair.jpg", "group-of-three.jpg", "damaged-man-brown-hair.jpg"]
    found, of = find_sources("gallery", [*(GALLERY / n for n in names), tmp_path / "empty.png"])
    assert of == 4
    assert [Path(s.path).name for s in found] == names[:1]


def test_every_beginning_of_the_benchmark_holds_all_kinds_in_their_shares() -> None:
    schedule = full_schedule()
    assert 1400 <= len(schedule) <= 1700
    for name in {s.name for s in schedule}:
        whole = sum(s.name == name for s in schedule) / len(schedule)
        beginning = sum(s.name == name for s in schedule[:150])
        assert abs(beginning - 150 * whole) <= 1
    assert sum(s.name == NO_FACES for s in schedule) >= 200


def test_the_groups_are_shown_in_the_same_layouts(pool: Pool) -> None:
    sources = [s for several in pool.by_origin.values() for s in several]
    labelled = [
        Source(s.path, s.box, "utkface", group=n % 5, man=n % 2 == 0)
        for n, s in enumerate(s for s in sources for _ in range(2))
    ]
    schedule = [s for s in full_schedule() if s.cell and s.layout == 3 and s.cell in {(0, True), (1, False)}]
    one, other = (compose(n, schedule, Pool(labelled)) for n in range(2))
    assert one.rgb.shape == other.rgb.shape
    assert {t.group for t in one.truths} != {t.group for t in other.truths}
    assert [t.size for t in one.truths] == pytest.approx([t.size for t in other.truths], rel=0.02)


# --- what is made of it ----------------------------------------------------------------------------------------------


def test_a_face_is_found_by_a_sure_box_on_it_the_right_way_up_and_cut_off_ones_do_not_count() -> None:
    faces = [Truth((100, 100, 40, 50), 90, False, "a", "lfw", 1), Truth((-9, 0, 40, 50), 0, True, "b", "lfw", 1)]
    stratum = Stratum("any", 1, (16, 100))
    photo = Photo(np.zeros((300, 300, 3), np.uint8), tuple(faces), stratum, Place.ANYWHERE, "nothing")

    def outcome(*found: list[float]) -> tuple[bool, int]:
        (face,) = faces_of(record_of(0, photo, list(found)))
        return face.found, face.boxes

    assert outcome([100, 104, 40, 50, 0.8, 90]) == (True, 1)
    assert outcome([100, 104, 40, 50, 0.79, 90]) == (False, 0)
    assert outcome([100, 104, 40, 50, 0.95, 0]) == (False, 1)
    assert outcome([100, 140, 40, 50, 0.95, 90]) == (False, 0)
    nose = [115, 120, 8, 8, 0.9, 0]
    assert outcome([100, 104, 40, 50, 0.8, 90], nose, [200, 200, 40, 50, 0.9, 0]) == (True, 2)


def test_an_interval_holds_the_share_and_narrows_with_the_faces() -> None:
    low, high = wilson(97, 100)
    assert (low, high) == pytest.approx((0.9155, 0.9897), abs=1e-4)
    assert wilson(0, 0) == (0, 1)
    assert wilson(970, 1000)[0] > low


def test_lost_close_ups_do_not_hide_behind_a_crowd_of_small_faces() -> None:
    def seen(size: float, found: bool) -> Seen:
        truth = Truth((0, 0, size, size), 0, False, "a", "lfw", 1)
        return Seen(truth, 4000, 3000, Condition.GOOD, "any", found, int(found))

    crowd, close_ups = [seen(30, True)] * 4000, [seen(1500, n % 2 == 0) for n in range(40)]
    (upright,) = (m for m in MARKS if m.default == 0.98)
    assert upright.verdict(recall(crowd), Look.DEFAULT) == "met"
    both = recall(crowd + close_ups)
    assert both.value > 0.99
    assert both.weakest is not None
    assert both.weakest[3] == len(close_ups)
    assert upright.verdict(both, Look.DEFAULT) == "missed"


def test_an_interrupted_run_goes_on_and_shows_both_detectors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--work", str(tmp_path), "--only", "recall", "--look", "quick", "--against", "HEAD", "--processes", "1"]
    main([*command, "--photos", "3", "--markdown"])
    shown = capsys.readouterr().out
    assert "| mark | before (" in shown
    assert "| now, quick |" in shown
    kept = tmp_path / "detection.jsonl"
    lines = kept.read_text().splitlines(keepends=True)
    assert len(lines) == 3 * 2
    kept.write_text("".join(lines[:4]) + lines[4][:100])
    main([*command, "--photos", "3", "--markdown"])
    assert capsys.readouterr().out == shown
    assert sorted(kept.read_text().splitlines(keepends=True)) == sorted(lines)
    main([*command, "--photos", "2"])
    assert len(kept.read_text().splitlines()) == 6
