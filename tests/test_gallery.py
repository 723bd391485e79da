"""The composite portraits that demo and tests use: complete, small, anonymous, and every face can be found."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from facesearch.attributes import BY_NAME
from facesearch.vision.decode import decode_photo
from facesearch.vision.detection import SEARCH_FROM, STORE_FROM, Detection, YuNet

pytestmark = pytest.mark.slow

GALLERY = Path(__file__).parent / "gallery"
NO_PICTURES = {"README.md", "portraits.csv", "make_gallery.py"}
DAMAGED = "damaged-man-brown-hair.jpg"
DARK = "dark-woman-brown-hair.jpg"
SMALL = "small-man-black-hair.jpg"
TURNED = "turned-woman-earrings.jpg"


@dataclass(frozen=True)
class Row:
    file: str
    face: int
    shows: frozenset[str]
    lacks: frozenset[str]
    identities: int
    most: int


def manifest() -> list[Row]:
    with (GALLERY / "portraits.csv").open(newline="", encoding="utf-8") as file:
        return [
            Row(
                r["file"],
                int(r["face"]),
                frozenset(r["shows"].split()),
                frozenset(r["lacks"].split()),
                int(r["identities"]),
                int(r["most_portraits_of_one_identity"]),
            )
            for r in csv.DictReader(file)
        ]


ROWS = manifest()
FACES = Counter(r.file for r in ROWS)
PORTRAITS = [r for r in ROWS if FACES[r.file] == 1]


@pytest.fixture(scope="module")
def found() -> dict[str, list[Detection]]:
    """Every readable picture's faces."""
    detector = YuNet()
    return {name: detector.detect([decode_photo(GALLERY / name).rgb])[0] for name in FACES}


def pictures() -> set[str]:
    return {p.name for p in GALLERY.iterdir() if p.is_file()} - NO_PICTURES


def test_the_manifest_names_every_picture_but_the_damaged_one() -> None:
    assert pictures() == set(FACES) | {DAMAGED}


def test_there_are_about_forty_portraits_and_some_groups_in_less_than_two_megabytes() -> None:
    assert len(PORTRAITS) >= 40
    assert sorted(n for n in FACES.values() if n > 1) == [3, 4, 5]
    assert sum(p.stat().st_size for p in GALLERY.iterdir() if p.is_file()) < 2_000_000


def test_every_portrait_is_of_at_least_24_people_and_nobody_is_in_more_than_two() -> None:
    assert all(r.identities >= 24 for r in ROWS)
    assert all(1 <= r.most <= 2 for r in ROWS)


def test_members_of_groups_are_portraits_of_the_gallery() -> None:
    alone = {(r.shows, r.lacks) for r in PORTRAITS}
    assert all((r.shows, r.lacks) in alone for r in ROWS)


def test_the_manifest_speaks_of_official_attributes_without_contradiction() -> None:
    for r in ROWS:
        assert r.shows | r.lacks <= set(BY_NAME), r.file
        assert not r.shows & r.lacks, r.file
        assert "Male" in r.shows | r.lacks, r.file


@pytest.mark.parametrize(
    "word",
    [
        "Male", "Young", "Smiling", "Eyeglasses", "Wearing_Hat", "Bald", "Goatee", "Mustache", "Gray_Hair",
        "Blond_Hair", "Black_Hair", "Brown_Hair", "Bangs",
    ],
)  # fmt: skip
def test_a_usual_word_has_hits_and_contrasts(word: str) -> None:
    assert sum(word in r.shows for r in PORTRAITS) >= 3
    assert sum(word in r.lacks for r in PORTRAITS) >= 3


def test_the_note_says_of_what_and_under_which_terms_and_names_the_special_pictures() -> None:
    note = (GALLERY / "README.md").read_text(encoding="utf-8")
    fewest = min(r.identities for r in ROWS)
    for words in ("CelebA", "non-commercial research", f"average of {fewest} different people", "make_gallery.py"):
        assert words in note
    groups = {name for name, n in FACES.items() if n > 1}
    for name in {DAMAGED, DARK, SMALL, TURNED} | groups:
        assert f"`{name}`" in note


def test_the_pictures_come_in_four_formats_and_one_name_is_not_plain() -> None:
    assert {Path(name).suffix for name in FACES} == {".jpg", ".png", ".webp", ".avif"}
    assert any(" " in name and not name.isascii() for name in FACES)


def test_no_picture_carries_metadata_but_the_turned_one_its_orientation() -> None:
    for name in FACES:
        with Image.open(GALLERY / name) as image:
            assert dict(image.getexif()) == ({0x0112: 6} if name == TURNED else {}), name


def test_the_turned_picture_lies_on_its_side_until_exif_is_honoured(found: dict[str, list[Detection]]) -> None:
    with Image.open(GALLERY / TURNED) as image:
        assert image.width > image.height
    height, width, _ = decode_photo(GALLERY / TURNED).rgb.shape
    assert height > width
    assert found[TURNED][0].turned == 0


def test_the_damaged_picture_is_shown_as_far_as_it_goes() -> None:
    photo = decode_photo(GALLERY / DAMAGED)
    assert photo.sound is not None and photo.sound.bottom < photo.height
    assert any("ends too early" in notice for notice in photo.notices)


def test_the_small_face_is_about_forty_pixels_wide(found: dict[str, list[Detection]]) -> None:
    assert 32 <= found[SMALL][0].box.width <= 48


def test_the_dark_picture_is_dark() -> None:
    others = [decode_photo(GALLERY / r.file).rgb.mean() for r in PORTRAITS if r.file != DARK]
    assert decode_photo(GALLERY / DARK).rgb.mean() < 0.6 * min(others)


@pytest.mark.parametrize("name", sorted(FACES))
def test_the_detector_finds_exactly_the_faces_that_are_there(found: dict[str, list[Detection]], name: str) -> None:
    """Nothing else from STORE_FROM on: an index of the gallery holds as many faces as the manifest has rows."""
    scores = [d.score for d in found[name]]
    assert len(scores) == FACES[name]
    assert min(scores) >= (SEARCH_FROM if name in {DARK, SMALL} else 0.9) > STORE_FROM
