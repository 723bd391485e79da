"""Which folders a run walks: named and known ones, one within another, moved and missing ones."""

import os
import shutil
from pathlib import Path

import pytest

from cli.report.wording import notice_in_words
from db import photos, roots, runs
from tests.support.index_runs import Runs
from tests.support.squares import BLACK, GREEN, WHITE
from tests.support.stand_ins import picture, save

pytestmark = pytest.mark.slow


def test_a_folder_without_a_photo_is_not_kept_and_one_that_had_some_is(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("no photo")
    first = save(tmp_path / "album" / "first.png", picture(GREEN))
    report = run(tmp_path / "empty", tmp_path / "texts", tmp_path / "album")
    assert report.photos == 1 and not report.unusable and not report.retained
    assert [each.path for each in report.not_kept] == [os.fsencode(tmp_path / name) for name in ("empty", "texts")]
    assert report.serving and report.others == {".txt": 1}
    with run.catalogue.read() as session:
        (kept,) = roots.list_roots(session)
        (latest,) = runs.latest_runs(session)
    assert kept.path == tmp_path / "album" and latest.roots == (kept.id,)
    first.rename(tmp_path / "album" / "second.jpg")
    (tmp_path / "album" / "second.jpg").unlink()
    (tmp_path / "album" / "a.txt").write_text("no photo")
    assert not run().not_kept
    with run.catalogue.read() as session:
        assert [each.path for each in roots.list_roots(session)] == [tmp_path / "album"]


def test_a_missing_folder_and_a_file_are_told_after_the_others_were_indexed(
    run: Runs, album: Path, tmp_path: Path
) -> None:
    report = run(tmp_path / "nowhere", album / "1.png", album)
    assert report.indexed == 2
    missing, file = report.unusable
    assert "does not exist" in notice_in_words(missing.notice) and str(tmp_path / "nowhere") in notice_in_words(
        missing.notice
    )
    assert "is a file" in notice_in_words(file.notice) and notice_in_words(file.notice).endswith(
        f"name the folder that holds it, {album}."
    )
    with run.catalogue.read() as session:
        assert [root.path for root in roots.list_roots(session)] == [album]


def test_a_drive_within_a_known_root_that_is_away_is_told_once(run: Runs, album: Path) -> None:
    run(album / "sub")
    run(album)
    shutil.rmtree(album / "sub")
    (remark,) = run().unusable
    assert remark.path == os.fsencode(album / "sub") and "--detach" in notice_in_words(remark.notice)


def test_a_folder_within_a_known_root_belongs_to_it(run: Runs, album: Path) -> None:
    run(album)
    save(album / "sub" / "new.png", picture(WHITE))
    save(album / "later.png", picture(BLACK))
    (album / "1.png").unlink()
    report = run(album / "sub")
    assert (report.photos, report.faces, report.missing) == (2, 1, 0)
    with run.catalogue.read() as session:
        assert [root.path for root in roots.list_roots(session)] == [album]
    report = run(album)
    assert (report.faces, report.missing) == (1, 1)


def test_a_folder_above_a_known_root_becomes_one_and_doubles_nothing(run: Runs, album: Path) -> None:
    run(album / "sub", album)
    save(album / "sub" / "4.png", picture(WHITE))
    report = run(album.parent / "album")
    assert (report.photos, report.faces) == (4, 1)

    above = album.parent / "above"
    above.mkdir()
    album.rename(above / "album")
    with run.catalogue.write() as session:
        roots.move_root(session, album, above / "album")
    save(above / "top.png", picture(BLACK))
    report = run(above)
    assert (report.photos, report.unchanged, report.faces, report.missing) == (5, 4, 1, 0)
    assert len(run.visible()) == 5
    with run.catalogue.read() as session:
        assert [root.path for root in roots.list_roots(session)] == [above, above / "album"]
        assert photos.counts(session).files == 5
    assert run().unchanged == 5


@pytest.mark.parametrize("through_a_link", [False, True])
def test_a_folder_within_a_root_that_its_walk_passes_over_is_indexed_when_it_is_named_and_stays(
    run: Runs, album: Path, tmp_path: Path, through_a_link: bool
) -> None:
    run(album)
    if through_a_link:
        save(tmp_path / "drive" / "4.png", picture(WHITE))
        (album / "private").symlink_to(tmp_path / "drive")
    else:
        save(album / ".private" / "4.png", picture(WHITE))
    named = album / ("private" if through_a_link else ".private")
    assert run(named).faces == 1
    before = run.visible()
    assert len(before) == 4
    for report in (run(album), run()):
        assert (report.missing, report.retained, report.linked) == (0, [], [])
        assert not report.hidden_files and not report.hidden_folders
        assert report.photos == 4
    assert run.visible() == before
    save(named / "5.png", picture(BLACK))
    assert run().faces == 1


def test_a_moved_root_is_walked_at_its_new_place_without_opening_a_photo(run: Runs, album: Path) -> None:
    run(album)
    album.rename(album.with_name("elsewhere"))
    with run.catalogue.write() as session:
        roots.move_root(session, album, album.with_name("elsewhere"))
    report = run()
    assert report.unchanged == 3
    assert len(run.visible()) == 3
