"""Faces on further pages and in frames: indexed, shown, cut out, scored again and looked at again by their page."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.report.thumbnails import thumbnails, whole_photo
from cli.report.wording import notice_in_words
from db import faces, photos
from facesearch.search.probe import look
from tests.conftest import Program
from tests.support.index_runs import Runs
from tests.support.stand_ins import RedSquares, encoded, picture

pytestmark = pytest.mark.slow

GREEN, BLUE, WHITE, BLACK = (0, 250, 0), (0, 0, 250), (250, 250, 250), (0, 0, 0)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A scan of three pages (a face, none, two) and an animation whose second scene shows a face."""
    folder = tmp_path / "album"
    folder.mkdir()
    pages = [picture(GREEN), Image.new("RGB", (200, 120)), picture(BLUE, WHITE)]
    pages[0].save(folder / "scan.tif", save_all=True, append_images=pages[1:])
    scenes = [Image.new("RGB", (200, 120)), picture(WHITE)]
    scenes[0].save(folder / "moving.gif", save_all=True, append_images=scenes[1:], duration=1500)
    return folder


def found(run: Runs) -> dict[str, list[str]]:
    """By file, where each face is in words."""
    with run.catalogue.read() as session:
        details = faces.details(session, list(run.visible()))
    by_name: dict[str, list[str]] = {}
    for each in details:
        by_name.setdefault(each.path.name, []).append(f"{each.where} {each.x:.0f}")
    return by_name


def test_every_page_and_scene_is_indexed_with_its_number_and_time(run: Runs, album: Path) -> None:
    report = run(album)
    assert (report.photos, report.indexed, report.faces) == (2, 2, 4)
    assert found(run) == {
        "scan.tif": [", page 1 10", ", page 3 10", ", page 3 74"],
        "moving.gif": [", at 1.5 s 10"],
    }
    with run.catalogue.read() as session:
        (moving,) = [each for each in faces.details(session, list(run.visible())) if each.path.name == "moving.gif"]
    assert (moving.page, moving.seconds, moving.pages) == (2, 1.5, 2)
    assert moving.display == f"{album / 'moving.gif'}, at 1.5 s"


def test_thumbnails_and_the_whole_photo_show_the_page_that_the_face_is_on(run: Runs, album: Path) -> None:
    run(album)
    with run.catalogue.read() as session:
        details = {each.where + f" {each.x:.0f}": each for each in faces.details(session, list(run.visible()))}
    shown = thumbnails(list(details.values()), lambda _: None)
    for where, dot in ((", page 1 10", GREEN), (", page 3 10", BLUE), (", page 3 74", WHITE), (", at 1.5 s 10", WHITE)):
        jpeg = shown[details[where].face].jpeg
        assert jpeg is not None
        middle = np.asarray(Image.open(io.BytesIO(jpeg)).crop((95, 95, 105, 105))).mean((0, 1))
        assert np.abs(middle - dot).max() < 40, where
    whole = whole_photo(details[", page 3 74"]).jpeg
    assert whole is not None and np.asarray(Image.open(io.BytesIO(whole))).max() > 240


def test_another_network_scores_the_faces_of_further_pages_where_they_are(run: Runs, album: Path) -> None:
    run(album)
    before = scores(run)
    run.model, run.scorer.sign = "second", -1.0
    assert run(album).rescored == 4
    assert scores(run) == [[-value for value in row] for row in before]


def scores(run: Runs) -> list[list[float]]:
    with run.catalogue.read() as session:
        details = faces.details(session, sorted(run.visible()))
    return [[round(float(value), 1) for value in each.logits[:3]] for each in details]


def test_faces_that_a_new_look_finds_on_their_page_keep_their_numbers(run: Runs, album: Path) -> None:
    """The faces of pages 1 and 3 lie at the same place."""
    run(album)
    before = found(run), sorted(run.visible())
    run.detector = RedSquares(rules=2)
    report = run(album)
    assert (report.again, report.gained, report.unfound) == (2, 0, 0)
    assert (found(run), sorted(run.visible())) == before


def test_what_was_not_looked_at_is_counted_in_every_run(run: Runs, tmp_path: Path) -> None:
    album = tmp_path / "album"
    album.mkdir()
    moving = [picture(GREEN) for _ in range(45)]
    for place, each in enumerate(moving):
        each.putpixel((199, 119), (place * 5, 0, 0))
    moving[0].save(album / "a.gif", save_all=True, append_images=moving[1:], duration=100)
    first = run(album)
    assert (first.unlooked, first.unlooked_photos) == (40, 1)
    again = run(album)
    assert (again.opened, again.unlooked) == (0, 40)


def test_a_cut_photo_is_noted_and_its_filled_in_rows_hold_no_face(run: Runs, tmp_path: Path) -> None:
    album = tmp_path / "album"
    album.mkdir()
    tall = Image.new("RGB", (200, 480), (120, 120, 120))
    tall.paste(picture(GREEN), (0, 0))
    tall.paste(picture(BLUE), (0, 360))
    whole = encoded(tall, "JPEG", quality=95)
    (album / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (album / "whole.jpg").write_bytes(whole)
    report = run(album)
    assert report.indexed == 2 and report.failed == 0
    assert [notice_in_words(each.notice) for each in report.noticed] == [
        f"{album / 'cut.jpg'}: the JPEG ends too early: only a part of it can be seen"
    ]
    with run.catalogue.read() as session:
        details = faces.details(session, list(run.visible()))
        assert [each.notice for each in photos.remarkable(session)] == [
            "the JPEG ends too early: only a part of it can be seen"
        ]
    (cut,) = [each for each in details if each.path.name == "cut.jpg"]
    assert cut.notice is not None and cut.y + cut.height < 240
    assert all(each.notice is None for each in details if each.path.name == "whole.jpg")


def test_a_damaged_page_costs_no_other(run: Runs, tmp_path: Path) -> None:
    album = tmp_path / "album"
    album.mkdir()
    pages = [picture(GREEN), picture(BLUE)]
    pages[0].save(album / "a.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    data = bytearray((album / "a.tif").read_bytes())
    with Image.open(album / "a.tif") as opened:
        at, size = opened.tag_v2[273][0], opened.tag_v2[279][0]
    data[at : at + size] = b"\xff" * size
    (album / "a.tif").write_bytes(data)
    report = run(album)
    assert report.indexed == 1
    assert found(run) == {"a.tif": [", page 2 10"]}
    assert len(report.noticed) == 1 and "page 1: the TIFF is damaged" in notice_in_words(report.noticed[0].notice)


def test_a_probe_has_the_faces_of_all_pages(album: Path) -> None:
    seen = look(album / "scan.tif", RedSquares())
    assert [(each.page, round(each.detection.box.x)) for each in seen.faces] == [(1, 10), (3, 10), (3, 74)]


def test_the_commands_say_page_and_seconds(facesearch: Program, gallery: Path, tmp_path: Path) -> None:
    """The real detector and network, on a scan with a blank first page and a face on the second."""
    album, catalogue = tmp_path / "album", tmp_path / "faces.db"
    album.mkdir()
    with Image.open(gallery / "man-stubble.jpg") as portrait:
        portrait.load()
    blank = Image.new("RGB", portrait.size)
    blank.save(album / "scan.tif", save_all=True, append_images=[portrait])
    assert facesearch("index", album, "--catalogue", catalogue).code == 0
    ran = facesearch("search", "man", "--csv", "-", "--catalogue", catalogue)
    (row,) = csv.DictReader(io.StringIO(ran.out))
    assert list(row)[-3:] == ["page", "seconds", "exhibit"]
    assert (row["photo"], row["page"], row["seconds"]) == (str(album / "scan.tif"), "2", "")
    hits = json.loads(facesearch("search", "man", "--json", "--catalogue", catalogue).out)["hits"]
    assert (hits[0]["page"], hits[0]["seconds"], list(hits[0])[-3:-1]) == (2, None, ["page", "seconds"])
    table = facesearch("search", "man", "--catalogue", catalogue).out
    assert "scan.tif, page 2" in table
    shown = facesearch("show", "1", "--html", tmp_path / "show.html", "--catalogue", catalogue)
    assert "scan.tif, page 2" in shown.out
    page = (tmp_path / "show.html").read_text()
    assert "scan.tif, page 2" in page and page.count("data:image/jpeg") == 2
    scored = facesearch("score", album / "scan.tif")
    assert "page 2" in scored.out
    similar = facesearch("similar", album / "scan.tif", "--catalogue", catalogue)
    assert "No face matched: there is no other face" in similar.err, "the probe itself is left out, on its page"
