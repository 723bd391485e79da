"""The page that --html writes: self-contained, escaped, and with every face or the reason why it is not shown."""

import base64
import hashlib
import os
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.report.thumbnails import PIXELS, cut
from db.values.box import Box
from tests.conftest import Program
from tests.support.pages import Reader
from tests.support.powers import names_of_any_bytes
from tests.support.squares import BLACK, GREEN, WHITE, album, index
from tests.support.stand_ins import encoded, picture, save

pytestmark = pytest.mark.slow


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return index(tmp_path / "faces.db", album(tmp_path / "album"))


def page(facesearch: Program, catalogue: Path, description: str = "arched eyebrows, no stubble", *more: str) -> Reader:
    file = catalogue.parent / "sheet.html"
    facesearch("search", description, "--catalogue", catalogue, "--html", file, *more)
    return Reader(file.read_text(encoding="utf-8"))


def test_shows_what_was_asked_where_and_when(facesearch: Program, catalogue: Path) -> None:
    text = " ".join(page(facesearch, catalogue, "arched brows, -stubble").words)
    assert "arched eyebrows and no stubble" in text  # the reading
    assert "arched brows, -stubble" in text  # what was typed
    assert str(catalogue) in text
    assert re.search(r"\b[0-9a-f]{12}\b", text)  # the model
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", text)
    assert "a lead, not evidence" in text


def test_shows_each_face_with_rank_score_and_the_probability_of_each_word(facesearch: Program, catalogue: Path) -> None:
    read = page(facesearch, catalogue)
    text = " ".join(read.words)
    assert read.tags.count("li") == 3
    assert [text.index(f" {rank}.") for rank in (1, 2, 3)] == sorted(text.index(f" {rank}.") for rank in (1, 2, 3))
    assert "0.529" in text and "green.png" in text and "72 %" in text and "no stubble" in text


def test_the_pictures_are_the_faces_themselves(facesearch: Program, catalogue: Path) -> None:
    pictures = page(facesearch, catalogue).pictures()
    crops, photos = pictures[::2], pictures[1::2]
    assert [each.size for each in crops] == [(PIXELS, PIXELS)] * 3
    middles = [np.asarray(each.convert("RGB"))[PIXELS // 2, PIXELS // 2] for each in crops]
    assert np.allclose(middles, [GREEN, WHITE, BLACK], atol=30)  # in the order of their ranks
    assert [each.size for each in photos] == [(200, 120)] * 3
    for photo, left in zip(photos, (10, 10, 74), strict=True):  # a frame around the face, in each photo
        row = np.asarray(photo.convert("L"), int)[29, left + 5 : left + 43]
        assert row.min() > 160


def test_other_faces_in_a_photo_cannot_be_recognised_unless_asked_for(facesearch: Program, catalogue: Path) -> None:
    """The white and the black face stand in one photo, 64 pixels apart."""
    for options, seen in (((), False), (("--show-others",), True)):
        photos = page(facesearch, catalogue, "stubble", *options).pictures()[1::2]
        white = next(each for each in photos if np.asarray(each.convert("L"))[54, 34] > 200)
        other = np.asarray(white.convert("RGB"), int)[40:68, 84:112]
        red = (other[..., 0] > 200) & (other[..., 1] < 60)
        black = other.max(axis=-1) < 40
        assert bool(red.any() and black.any()) is seen, options


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(facesearch: Program, catalogue: Path) -> None:
    read = page(facesearch, catalogue)
    assert "script" not in read.tags and "link" not in read.tags and "iframe" not in read.tags
    assert all(value.startswith("data:image/jpeg;base64,") for name, value in read.attributes if name == "src")
    policy = next(value for name, value in read.attributes if name == "content" and "default-src" in value)
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert not any(name.startswith("on") or name == "style" for name, _ in read.attributes)


def test_the_style_sheet_is_the_one_that_the_policy_allows(facesearch: Program, catalogue: Path) -> None:
    page(facesearch, catalogue)
    text = (catalogue.parent / "sheet.html").read_text(encoding="utf-8")
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in text


@names_of_any_bytes
def test_names_and_words_cannot_become_markup(facesearch: Program, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "<img src=x onerror=alert(1)>&amp;\"'.png").write_bytes(encoded(picture(GREEN)))
    os.rename(  # noqa: PTH104 (bytes)
        os.fsencode(save(tmp_path / "b" / "x.png", picture(WHITE))), os.fsencode(folder) + b"/\xff\n\xe2\x80\xae.png"
    )
    read = page(facesearch, index(tmp_path / "faces.db", folder))
    assert read.tags.count("img") == 4
    assert not any(name == "onerror" for name, _ in read.attributes)
    text = "".join(read.words)
    assert "<img src=x onerror=alert(1)>&amp;\"'.png" in text
    assert "\\xff\\n\\u202e.png" in text


def test_a_link_opens_the_photo_whatever_its_name(facesearch: Program, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    save(folder / "50% #1?.png", picture(GREEN))
    read = page(facesearch, index(tmp_path / "faces.db", folder))
    link = next(value for name, value in read.attributes if name == "href")
    assert link == f"file://{folder}/50%25%20%231%3F.png"


def test_a_photo_that_is_gone_is_shown_as_a_reason(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    (tmp_path / "album" / "green.png").unlink()
    read = page(facesearch, catalogue)
    assert len(read.pictures()) == 4
    assert "the photo is not there now" in " ".join(read.words)


def test_a_photo_that_was_replaced_is_not_shown_as_the_face(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    save(tmp_path / "album" / "green.png", picture(BLACK))
    assert "the photo has changed since it was indexed" in " ".join(page(facesearch, catalogue).words)


def test_a_page_without_hits_says_so(facesearch: Program, catalogue: Path) -> None:
    text = " ".join(page(facesearch, catalogue, "stubble", "--min-score", "1").words)
    assert "No face matched: none of the 3 faces searched reaches --min-score" in text


def test_explains_each_face_and_says_what_the_marks_mean(facesearch: Program, catalogue: Path) -> None:
    read = page(facesearch, catalogue, "arched eyebrows, no stubble, bald")
    classes = [value for name, value in read.attributes if name == "class"]
    first = classes[classes.index("hit") : classes.index("unsure cost")]
    assert first.count("hit") == 1 and first.count("fits") == 2
    text = " ".join(read.words)
    assert "72 % ✓" in text and "50 % ?" in text and "✗ does not fit; ! cost the score most" in text


def test_says_how_many_to_expect_and_every_remark_and_filter(facesearch: Program, catalogue: Path) -> None:
    words = "stubble, scar"
    text = " ".join(page(facesearch, catalogue, words, "--name", "png", "--min-face", "10").words)
    assert "About 1.3 of 3 faces are expected to fit." in text
    assert "Left aside: scar (not scored)" in text
    assert "stubble and name:png" in text and "only faces of 10 pixels or more" in text


def test_says_when_and_with_what_a_photo_was_taken(facesearch: Program, tmp_path: Path) -> None:
    image = picture(GREEN)
    exif = image.getexif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS 80D"
    exif.get_ifd(0x8769)[0x9003] = "2019:07:14 12:30:00"
    save(tmp_path / "a" / "x.png", image, exif=exif)
    read = page(facesearch, index(tmp_path / "faces.db", tmp_path / "a"))
    assert "2019-07-14, Canon EOS 80D" in read.words


def test_unlikely_hits_are_named_and_not_faded(facesearch: Program, catalogue: Path) -> None:
    read = page(facesearch, catalogue, "stubble, bald, hat, young, glasses")
    classes = [value for name, value in read.attributes if name == "class"]
    assert classes.count("hit") == 3 and classes.count("tag unlikely") == 3
    assert "No likely match" in " ".join(read.words)
    style = (catalogue.parent / "sheet.html").read_text(encoding="utf-8").partition("</style>")[0]
    assert "opacity" not in style


def test_a_face_at_the_edge_keeps_its_place_and_shape() -> None:
    photo = np.full((100, 100, 3), (0, 0, 200), np.uint8)
    shown = np.asarray(Image.open(BytesIO(cut(photo, Box(-10, -10, 20, 20), 0)))).astype(int)
    half = PIXELS // 2
    assert np.allclose(shown[half + 20 :, half + 20 :], (0, 0, 200), atol=12)  # the photo
    assert shown[: half - 20, : half - 20].min() > 200  # beyond its edge


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_face_that_lies_on_its_side_is_shown_upright(turned: int) -> None:
    upright = np.zeros((80, 80, 3), np.uint8)
    upright[:40] = 255  # bright above, dark below
    lying = np.ascontiguousarray(np.rot90(upright, turned // 90))  # turning it clockwise by `turned` mends it
    shown = np.asarray(Image.open(BytesIO(cut(lying, Box(20, 20, 40, 40), turned))))
    assert shown[40:80, 60:140].min() > 200
    assert shown[120:160, 60:140].max() < 50


def test_a_box_beyond_the_photo_is_an_empty_picture_and_no_error() -> None:
    photo = np.zeros((50, 50, 3), np.uint8)
    assert Image.open(BytesIO(cut(photo, Box(500, 500, 10, 10), 0))).size == (PIXELS, PIXELS)
