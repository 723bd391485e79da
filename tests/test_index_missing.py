"""Photos, folders and drives that a run no longer finds, and what comes back."""

import os
import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from cli.report.wording import notice_in_words
from indexer.batches import Size
from tests.support.index_runs import Runs
from tests.support.powers import without_root_powers
from tests.support.squares import WHITE
from tests.support.stand_ins import picture, save

pytestmark = pytest.mark.slow


def test_a_deleted_photo_leaves_the_results_and_comes_back_under_its_old_ids(run: Runs, album: Path) -> None:
    run(album)
    before = run.visible()
    data, status = (album / "2.png").read_bytes(), (album / "2.png").stat()
    (album / "2.png").unlink()
    report = run(album)
    assert report.missing == 1
    assert [name for name, _ in run.visible().values()] == ["1.png"]
    assert run(album).missing == 0

    (album / "2.png").write_bytes(data)
    os.utime(album / "2.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    shown = run.detector.shown
    report = run(album)
    assert (report.returned, report.unchanged, report.opened, report.faces) == (1, 2, 1, 0)
    assert run.visible() == before
    assert run.detector.shown == shown


def test_a_photo_that_comes_back_with_another_time_is_recognised_by_its_content(run: Runs, album: Path) -> None:
    run(album)
    before = run.visible()
    data = (album / "2.png").read_bytes()
    (album / "2.png").unlink()
    run(album)
    (album / "2.png").write_bytes(data)
    report = run(album)
    assert (report.same_content, report.faces) == (1, 0)
    assert run.visible() == before


def test_a_deleted_sub_folder_is_a_deletion(run: Runs, album: Path) -> None:
    save(album / "sub" / "4.png", picture(WHITE))
    run(album)
    shutil.rmtree(album / "sub")
    report = run(album)
    assert report.missing == 2 and not report.retained
    assert "4.png" not in {name for name, _ in run.visible().values()}


def test_a_root_whose_drive_is_gone_is_reported_and_nothing_of_it_is_marked(run: Runs, album: Path) -> None:
    run(album)
    before = run.visible()
    album.rename(album.with_name("unplugged"))
    for report in (run(album), run()):
        (remark,) = report.unusable
        assert remark.path == os.fsencode(album)
        assert "its 3 photos stay" in notice_in_words(remark.notice) and "--moved" in notice_in_words(remark.notice)
        assert (report.missing, report.photos) == (0, 0)
    assert run.visible() == before


@pytest.mark.parametrize("left", [(), (".keep",)], ids=["nothing", "a hidden file"])
def test_a_suddenly_empty_root_is_reported_and_nothing_of_it_is_marked(
    run: Runs, album: Path, left: tuple[str, ...]
) -> None:
    run(album)
    before = run.visible()
    album.rename(album.with_name("unplugged"))
    album.mkdir()
    for name in left:
        (album / name).touch()
    report = run(album)
    (remark,) = report.retained
    assert "suddenly empty" in notice_in_words(remark.notice) and "3 photos" in notice_in_words(remark.notice)
    assert report.missing == 0
    assert run.visible() == before
    (album / "really.txt").write_text("the photos were deleted on purpose")
    assert run(album).missing == 3
    assert run.visible() == {}


def test_a_suddenly_empty_sub_folder_keeps_what_lies_under_it(run: Runs, album: Path) -> None:
    save(album / "drive" / "deep" / "4.png", picture(WHITE))
    run(album)
    shutil.rmtree(album / "drive" / "deep")
    (album / "1.png").unlink()
    report = run(album)
    (remark,) = report.retained
    assert remark.path == os.fsencode(album / "drive")
    assert report.missing == 1
    assert {name for name, _ in run.visible().values()} == {"2.png", "4.png"}
    (album / "drive").rmdir()
    assert run(album).missing == 1


def test_a_vanished_sub_folder_is_named_with_the_number_of_photos_it_took_along(run: Runs, album: Path) -> None:
    for number in range(3):
        save(album / "stick" / str(number) / "a.png", picture((number, 0, 0)))
    shutil.copy(album / "1.png", album / "stick" / "copy.png")
    run(album)
    shutil.move(album / "stick", album.with_name("unmounted"))
    (album / "2.png").unlink()
    report = run(album)
    assert report.missing == 5
    (remark,) = report.missing_folders
    assert remark.path == os.fsencode(album / "stick")
    assert "3 photos" in notice_in_words(remark.notice), "the copied one is still there"
    assert run(album).missing_folders == []


def test_a_renamed_sub_folder_is_no_news(run: Runs, album: Path) -> None:
    run(album)
    (album / "sub").rename(album / "other")
    report = run(album)
    assert (report.missing, report.missing_folders) == (1, [])


def test_no_transaction_marks_more_files_than_allowed(run: Runs, album: Path) -> None:
    names = ("1.png", "2.png")
    aside = album.with_name("aside")
    aside.mkdir()

    def commits_of_a_run_that_misses_them(size: Size) -> int:
        run(album)
        for name in names:
            (album / name).rename(aside / name)
        commits: list[object] = []
        note = commits.append
        event.listen(Engine, "commit", note)
        try:
            assert run(album, batch=size).missing == 2
        finally:
            event.remove(Engine, "commit", note)
        for name in names:
            (aside / name).rename(album / name)
        return len(commits)

    assert commits_of_a_run_that_misses_them(Size(marks=1)) == commits_of_a_run_that_misses_them(Size()) + 1


def test_a_folder_that_was_always_empty_is_no_news(run: Runs, album: Path) -> None:
    (album / "nothing").mkdir()
    run(album)
    assert run(album).retained == []


def test_a_folder_without_permission_is_reported_and_nothing_under_it_is_marked(run: Runs, album: Path) -> None:
    save(album / "sub" / "4.png", picture(WHITE))
    run(album)
    before = run.visible()
    (album / "sub").chmod(0)
    try:
        with without_root_powers():
            report = run(album)
    finally:
        (album / "sub").chmod(0o700)
    (remark,) = report.retained
    assert remark.path == os.fsencode(album / "sub")
    assert "Permission denied" in notice_in_words(remark.notice) and "2 photos" in notice_in_words(remark.notice)
    assert (report.missing, report.unchanged) == (0, 2)
    assert run.visible() == before


def test_a_root_without_permission_is_unusable_and_the_others_are_indexed(
    run: Runs, album: Path, tmp_path: Path
) -> None:
    save(tmp_path / "other" / "a.png", picture(WHITE))
    run(album)
    before = set(run.visible())
    album.chmod(0)
    try:
        with without_root_powers():
            report = run(album, tmp_path / "other")
    finally:
        album.chmod(0o700)
    (remark,) = report.unusable
    assert remark.path == os.fsencode(album) and "Permission denied" in notice_in_words(remark.notice)
    assert report.faces == 1
    assert before < set(run.visible())


def test_a_folder_that_became_a_link_keeps_its_photos(run: Runs, album: Path, tmp_path: Path) -> None:
    run(album)
    (album / "sub").rename(tmp_path / "moved away")
    (album / "sub").symlink_to(tmp_path / "moved away")
    report = run(album)
    assert report.missing == 0
    assert "has become a link" in notice_in_words(report.retained[0].notice)
