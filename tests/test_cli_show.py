"""`facesearch show` as a user runs it: one face with all that is known of it, on real pictures."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facesearch.attributes import ATTRIBUTES, Group
from facesearch.query.phrases import phrase
from facesearch.vision.detection import Detection
from tests.conftest import Program
from tests.support.pages import Reader
from tests.support.squares import GREEN, RED, album, index
from tests.support.stand_ins import RedSquares, picture, save

pytestmark = pytest.mark.slow


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """The album, in which green.png has a copy."""
    folder = album(tmp_path / "album")
    shutil.copy(folder / "green.png", folder / "zweite Kopie.png")
    return index(tmp_path / "faces.db", folder)


def number_of(catalogue: Path, name: str, place: int = 0) -> str:
    """The id of a face, by the name of its photo and its place in it, left to right."""
    with sqlite3.connect(catalogue) as connection:
        rows = connection.execute(
            "SELECT faces.id FROM faces JOIN files USING (photo_id) WHERE files.path = ? ORDER BY faces.x",
            (name.encode(),),
        ).fetchall()
    return str(rows[place][0])


def test_says_where_the_face_is_and_under_which_paths(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    ran = facesearch("show", number_of(catalogue, "green.png"), "--catalogue", catalogue)
    assert ran.code == 0
    assert [line[5:].strip() for line in ran.out.splitlines() if line.startswith("Photo")] == [
        str(tmp_path / "album" / "green.png"),
        str(tmp_path / "album" / "zweite Kopie.png"),
    ]
    for words in ("10,30 48x48 pixels", "200 x 120 pixels", "0.95", "PNG"):
        assert words in ran.out
    assert "a lead, not evidence" in ran.out


def test_shows_all_attributes_with_bars_and_probabilities_in_the_groups_of_the_paper(
    facesearch: Program, catalogue: Path
) -> None:
    ran = facesearch("show", number_of(catalogue, "green.png"), "--catalogue", catalogue)
    lines = [line.rstrip() for line in ran.out.splitlines()]
    headings = [group.heading for group in Group]
    start = lines.index("Gender")
    shown = lines[start : start + len(Group) + 40]
    assert [line.strip() for line in shown if line.strip() in headings] == headings and "Facial hair" in headings
    for each in ATTRIBUTES:
        assert sum(line.startswith(phrase(each.index, True).ljust(20)) for line in shown) == 1
    at = {line[:20].strip(): line for line in shown}
    assert "72 %" in at["arched eyebrows"] and "27 %" in at["stubble"]
    assert at["arched eyebrows"].count("█") > 2 * at["stubble"].count("█") > 0


@pytest.mark.parametrize(("detection", "said"), [(0.66, True), (0.9, False)])
def test_says_why_a_face_is_not_searched(facesearch: Program, tmp_path: Path, detection: float, said: bool) -> None:
    catalogue = index(tmp_path / "faces.db", album(tmp_path / "album"))
    with sqlite3.connect(catalogue) as connection:
        connection.execute("UPDATE faces SET detection = ?", (detection,))
    shown = " ".join(facesearch("show", "1", "--catalogue", catalogue).out.split())
    assert ("below 0.8: only searched with --min-detection 0.66" in shown) is said


@pytest.mark.parametrize("width", [40, 80, 160])
def test_fits_the_terminal(facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    ran = facesearch("show", number_of(catalogue, "green.png"), "--catalogue", catalogue)
    assert max(map(len, ran.out.splitlines())) <= max(width, 40)
    for each in ATTRIBUTES:
        assert phrase(each.index, True) in ran.out


def test_shows_grades_and_says_what_they_are(facesearch: Program, catalogue: Path) -> None:
    face = number_of(catalogue, "green.png")
    assert "A to D" not in facesearch("show", face, "--catalogue", catalogue).out
    with sqlite3.connect(catalogue) as connection:
        connection.execute("UPDATE models SET metadata = ?", (json.dumps({"grades": {"Bald": "C"}}),))
    out = facesearch("show", face, "--catalogue", catalogue).out
    assert next(line for line in out.splitlines() if line.startswith("bald")).endswith("50 % C")
    assert "A to D: how far the network can be relied on" in out


def test_lists_the_nearest_faces_but_not_the_face_itself(facesearch: Program, catalogue: Path) -> None:
    face = number_of(catalogue, "green.png")
    lines = facesearch("show", face, "--catalogue", catalogue).out.splitlines()
    table = lines[lines.index("Faces with similar attributes; this is not face recognition") :]
    assert len([line for line in table if "white and black.png" in line]) == 2
    assert not any("green.png" in line for line in table)
    first = json.loads(facesearch("show", face, "--nearest", "1", "--json", "--catalogue", catalogue).out)["nearest"]
    assert len(first) == 1 and first[0]["face"] != int(face)


def test_json_holds_all_of_it(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    face = number_of(catalogue, "white and black.png", 1)
    found = json.loads(facesearch("show", face, "--json", "--catalogue", catalogue).out)
    assert found["face"] == int(face)
    assert found["photos"] == [str(tmp_path / "album" / "white and black.png")]
    assert (found["x"], found["y"], found["width"], found["height"]) == (74, 30, 48, 48)
    assert (found["taken"], found["camera"], found["missing"]) == (None, None, [])
    assert list(found["attributes"]) == [each.name for each in ATTRIBUTES]
    assert found["attributes"]["Bald"] == {"probability": 0.5, "grade": None, "group": "AroundHead"}
    assert {each["face"] for each in found["nearest"]} == {1, 2, 3} - {int(face)}


def test_a_date_and_a_camera_are_shown(facesearch: Program, tmp_path: Path) -> None:
    image = picture(RED)
    exif = image.getexif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS 80D"
    exif.get_ifd(0x8769)[0x9003] = "2019:07:14 12:30:00"
    save(tmp_path / "a" / "x.png", image, exif=exif)
    out = facesearch("show", "1", "--catalogue", index(tmp_path / "faces.db", tmp_path / "a")).out
    assert "2019-07-14 12:30:00" in out and "Canon EOS 80D" in out


def test_the_only_face_has_no_nearest_one(facesearch: Program, tmp_path: Path) -> None:
    save(tmp_path / "a" / "x.png", picture(GREEN))
    catalogue = index(tmp_path / "faces.db", tmp_path / "a")
    ran = facesearch("show", "1", "--catalogue", catalogue, "--html", tmp_path / "face.html")
    assert ran.code == 0 and "not face recognition" not in ran.out
    assert "there is no other face" in (tmp_path / "face.html").read_text(encoding="utf-8")


def test_a_page_shows_the_face_its_attributes_and_the_nearest_faces(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    face = number_of(catalogue, "green.png")
    ran = facesearch("show", face, "--html", tmp_path / "face.html", "--catalogue", catalogue)
    assert ran.code == 0 and "Written" in ran.err
    read = Reader((tmp_path / "face.html").read_text(encoding="utf-8"))
    text = " ".join(read.words)
    assert f"Face {face}" in text and "zweite Kopie.png" in text and "not face recognition" in text
    assert all(phrase(each.index, True) in text for each in ATTRIBUTES)
    assert all(group.heading in text for group in Group)
    _, whole, *others = read.pictures()  # the face, its photo, and the nearest
    assert whole.size == (200, 120) and len(others) == 4, "each with its photo"
    around = np.asarray(whole.convert("L"), int)[:, 15:50]  # above the face, which is at 10,30
    assert around[27].max() < 100 and around[28].min() > 160
    assert read.tags.count("rect") == 40
    widths = [float(value) for name, value in read.attributes if name == "width"]
    assert all(0 <= width <= 100 for width in widths) and max(widths) == pytest.approx(73, abs=1)
    assert not any(name == "style" for name, _ in read.attributes)


@pytest.mark.parametrize("face", ["0", "99", "99999999999999999999999"])
def test_a_number_that_no_face_has_exits_with_3(facesearch: Program, catalogue: Path, face: str) -> None:
    ran = facesearch("show", face, "--catalogue", catalogue)
    assert ran.code == 3 and ran.out == ""
    assert f"There is no face {face} in this catalogue" in ran.err


def test_what_is_no_number_exits_with_2(facesearch: Program, catalogue: Path) -> None:
    for arguments in (["green.png"], ["1.5"], [], ["1", "--nearest", "0"]):
        assert facesearch("show", *arguments, "--catalogue", catalogue).code == 2


def test_a_face_whose_photo_is_gone_is_said_to_be_gone(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    folder = tmp_path / "album"
    face = number_of(catalogue, "green.png")
    (folder / "green.png").unlink()
    out = facesearch("show", face, "--catalogue", catalogue).out
    assert f"{folder / 'green.png'} (not there now)" in out and "zweite Kopie.png" in out
    index(catalogue, folder)
    out = facesearch("show", face, "--catalogue", catalogue).out
    assert f"{folder / 'green.png'} (gone since the last index run)" in out
    (folder / "zweite Kopie.png").unlink()
    index(catalogue, folder)
    ran = facesearch("show", face, "--catalogue", catalogue)
    assert ran.code == 3 and ran.out == ""
    assert "is gone: put it back and run `facesearch index`" in ran.err


def test_a_face_that_is_not_found_again_is_explained_in_a_sentence_and_in_json(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    face = number_of(catalogue, "white and black.png", 1)
    index(catalogue, tmp_path / "album", detector=OnlyLeftmost(rules=2))
    ran = facesearch("show", face, "--catalogue", catalogue)
    assert ran.code == 3 and ran.out == ""
    said = " ".join(ran.err.split())
    photo = tmp_path / "album" / "white and black.png"
    assert f"Face {face} is not among the results any more because the newest look at its photo {photo} does" in said
    ran = facesearch("show", face, "--json", "--catalogue", catalogue)
    found = json.loads(ran.out)
    assert ran.code == 3 and found["face"] == int(face) and "does not find it again" in found["problem"]
    ran = facesearch("similar", "--face", face, "--catalogue", catalogue)
    assert ran.code == 3 and "does not find it again" in " ".join(ran.err.split())
    status = " ".join(facesearch("status", "--catalogue", catalogue).out.split())
    assert "Faces 2; 1 more that the last look did not find again" in status


class OnlyLeftmost(RedSquares):
    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        return [found[:1] for found in super().detect(images)]


def test_loads_no_network(catalogue: Path) -> None:
    code = (
        "import sys; from cli.main import run; "
        f"code = run(['show', '1', '--catalogue', {str(catalogue)!r}]); "
        "sys.exit(code or bool({'torch', 'cv2', 'alembic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
