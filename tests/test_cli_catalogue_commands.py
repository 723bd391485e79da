"""`facesearch status`, `roots` and `attributes`: what the catalogue holds, where its folders are, what can be asked."""

import json
import shutil
from pathlib import Path

import pytest

from db.catalogue import open_catalogue
from facesearch.attributes import ATTRIBUTES
from tests.conftest import Program
from tests.support.powers import without_root_powers
from tests.support.squares import GREEN, album, index
from tests.support.stand_ins import picture, save

pytestmark = pytest.mark.slow


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    folder = album(tmp_path / "album")
    (folder / "letter.jpg").write_text("Dear Sir or Madam")
    return index(tmp_path / "faces.db", folder)


def test_status_says_what_the_catalogue_holds(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    ran = facesearch("status", "--catalogue", catalogue)
    assert ran.code == 0
    said = " ".join(ran.out.split())
    assert f"Catalogue {catalogue}" in said
    assert f"{tmp_path / 'album'}: 4 photos" in said
    assert "4 files with 4 different contents: 2 with faces, 1 without, 1 failed" in said
    assert "Faces 3" in said
    assert "Snapshot current" in said
    assert f"{tmp_path / 'album' / 'letter.jpg'}: no photo" in said


def test_status_as_json_says_the_same(facesearch: Program, catalogue: Path) -> None:
    found = json.loads(facesearch("status", "--json", "--missing", "--catalogue", catalogue).out)
    told = facesearch("status", "--catalogue", catalogue).out
    assert found["catalogue"] == str(catalogue) and found["missing"] == [] and "without_face" not in found
    assert all(each["label"] and each["text"] in told for each in found["facts"])
    assert found["notices"] == [] == found["remarks"]
    catalogue.chmod(0o400)
    with without_root_powers():
        found = json.loads(facesearch("status", "--json", "--catalogue", catalogue).out)
    assert [each["kind"] for each in found["notices"]] == ["read-only"]
    assert found["notices"][0]["message"] in found["remarks"]


def test_status_names_the_network_that_serves_and_its_terms(
    facesearch: Program, tmp_path: Path, checkpoint: Path
) -> None:
    (tmp_path / "empty").mkdir()
    facesearch("index", tmp_path / "empty", "--catalogue", tmp_path / "f.db", "--checkpoint", checkpoint)
    said = " ".join(facesearch("status", "--catalogue", tmp_path / "f.db").out.split())
    assert "Terms Random weights, for tests only." in said


def test_status_of_a_read_only_catalogue_counts_what_is_behind(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    (tmp_path / "album" / "nobody.png").rename(tmp_path / "nobody.png")
    index(catalogue)
    catalogue.chmod(0o400)
    with without_root_powers():
        ran = facesearch("status", "--catalogue", catalogue)
    said = " ".join(ran.out.split())
    assert ran.code == 0 and "(read-only)" in said
    assert "To look at again 2 photos are due, after another version, a quick look or a stopped --again" in said


def test_status_lists_photos_without_a_face_on_request(facesearch: Program, tmp_path: Path) -> None:
    save(tmp_path / "album" / "wall.png", picture())
    save(tmp_path / "album" / "green.png", picture(GREEN))
    catalogue = index(tmp_path / "faces.db", tmp_path / "album")
    ran = facesearch("status", "--no-face", "--catalogue", catalogue)
    assert f"Without a face: 1\n  {tmp_path / 'album' / 'wall.png'}\n" in ran.out


def test_status_lists_all_failures_on_request(facesearch: Program, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for number in range(15):
        (folder / f"{number:02}.jpg").write_text(f"letter {number}")
    catalogue = index(tmp_path / "faces.db", folder)
    some = facesearch("status", "--catalogue", catalogue).out
    assert "00.jpg" in some and "14.jpg" not in some and "and 5 more: --failures lists all" in some
    assert "14.jpg" in facesearch("status", "--failures", "--catalogue", catalogue).out


def test_status_says_that_a_folder_is_not_there(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    shutil.move(tmp_path / "album", tmp_path / "elsewhere")
    assert "not there now" in facesearch("status", "--catalogue", catalogue).out


def test_status_without_a_catalogue_exits_with_3(facesearch: Program, tmp_path: Path) -> None:
    assert facesearch("status", "--catalogue", tmp_path / "none.db").code == 3
    assert not (tmp_path / "none.db").exists()


def test_roots_lists_the_folders(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    ran = facesearch("roots", "--catalogue", catalogue)
    assert ran.code == 0
    assert ran.out.splitlines()[2].split() == [str(tmp_path / "album"), "4", "0", "there"]


def test_a_moved_folder_is_searched_where_it_is_now(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    shutil.move(tmp_path / "album", tmp_path / "elsewhere")
    ran = facesearch("roots", "--moved", tmp_path / "album", tmp_path / "elsewhere", "--catalogue", catalogue)
    assert ran.code == 0 and str(tmp_path / "elsewhere") in ran.out
    assert str(tmp_path / "elsewhere" / "green.png") in facesearch("search", "stubble", "--catalogue", catalogue).out


def test_moving_to_a_place_that_is_not_there_is_said(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    ran = facesearch("roots", "--moved", tmp_path / "album", tmp_path / "typo", "--catalogue", catalogue)
    assert ran.code == 0 and "There is no folder" in ran.err


def test_moving_into_another_indexed_folder_exits_with_2(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    index(catalogue, album(tmp_path / "other"))
    into = tmp_path / "other" / "album"
    ran = facesearch("roots", "--moved", tmp_path / "album", into, "--catalogue", catalogue)
    assert ran.code == 2 and f"lies within {tmp_path / 'other'}" in ran.err


def test_no_folder_is_moved_while_an_index_run_is_at_work(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    with open_catalogue(catalogue) as busy, busy.indexing():
        ran = facesearch("roots", "--moved", tmp_path / "album", tmp_path / "new", "--catalogue", catalogue)
    assert ran.code == 3 and "Another index run" in ran.err
    assert str(tmp_path / "album") in facesearch("roots", "--catalogue", catalogue).out


def test_moving_a_folder_that_was_never_indexed_exits_with_2(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    ran = facesearch("roots", "--moved", tmp_path / "other", tmp_path / "x", "--catalogue", catalogue)
    assert ran.code == 2 and "facesearch roots" in ran.err


def test_a_folder_that_is_given_up_is_detached(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "album")
    refused = facesearch("index", "--catalogue", catalogue)
    assert refused.code == 3 and f"facesearch roots --detach {tmp_path / 'album'}" in refused.err
    ran = facesearch("roots", "--detach", tmp_path / "album", "--catalogue", catalogue)
    assert ran.code == 0 and "4 photos" in ran.err and str(tmp_path / "album") not in ran.out
    assert "No face is indexed yet" in facesearch("search", "stubble", "--catalogue", catalogue).err
    again = facesearch("roots", "--detach", tmp_path / "album", "--catalogue", catalogue)
    assert again.code == 2 and "is not an indexed folder" in again.err


def test_a_detached_folder_within_another_is_said_to_be_found_there_again(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    index(catalogue, album(tmp_path / "outer" / "inner"))
    index(catalogue, tmp_path / "outer")
    ran = facesearch("roots", "--forget", tmp_path / "outer" / "inner", "--catalogue", catalogue)
    assert ran.code == 0 and f"It lies within {tmp_path / 'outer'}, which is indexed too" in ran.err


def test_attributes_lists_all_forty_with_group_and_words(facesearch: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = facesearch("attributes")
    assert ran.code == 0
    lines = {line.split()[0]: line for line in ran.out.splitlines()[2:42]}
    assert list(lines) == [each.name for each in ATTRIBUTES]
    assert "woman" in lines["Male"] and "moustache" in lines["Mustache"] and "FacialHair" in lines["Goatee"]
    every = facesearch("attributes", "--all-words").out
    assert "muttonchops" in every and len(every) > len(ran.out)
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, facesearch("attributes").out.splitlines())) <= 80
