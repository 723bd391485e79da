"""An index run end to end, on real files and a real catalogue: what ends up stored, and what the report says."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Engine, event

from cli.report.wording import notice_in_words
from cli.terminal.interrupt import stop_on_signal
from db import models, photos, roots, runs, snapshot
from db.catalogue import Catalogue, open_catalogue
from db.errors import CatalogueBusy, CatalogueFull, CatalogueReadOnly
from db.gallery import load_gallery
from db.values.box import Box
from facesearch.vision.decode import Limits
from indexer.batches import Size
from indexer.errors import NothingToIndex
from indexer.report import Progress, Stage
from tests.support.index_runs import Runs, without_known_change_times
from tests.support.powers import ctrl_c_interrupts, names_of_any_bytes, without_root_powers
from tests.support.stand_ins import DotColours, RedSquares, encoded, model, picture, save

pytestmark = pytest.mark.slow

GREEN, BLUE, WHITE, BLACK = (0, 250, 0), (0, 0, 250), (250, 250, 250), (0, 0, 0)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path / "catalogue" / "faces.db", create=True) as opened:
        yield opened


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Three photos: one face, two faces, none."""
    folder = tmp_path / "album"
    save(folder / "1.png", picture(GREEN))
    save(folder / "2.png", picture(BLUE, WHITE))
    save(folder / "sub" / "3.png", picture())
    return folder


@pytest.fixture
def run(catalogue: Catalogue) -> Runs:
    return Runs(catalogue)


# What a run stores


def test_every_face_of_every_photo_is_found_scored_and_searchable(run: Runs, album: Path) -> None:
    report = run(album)
    assert (report.photos, report.indexed, report.no_face, report.failed, report.faces) == (3, 2, 1, 0, 3)
    assert list(run.visible().values()) == [("1.png", 10), ("2.png", 10), ("2.png", 74)]
    assert run.logits() == {"1.png": [-1.0, 1.0, -1.0], "2.png": [-1.0, -1.0, 1.0]}
    assert report.serving and report.snapshot_rebuilt and not report.interrupted
    assert not report.failures and not report.unusable


def test_face_ids_follow_the_order_of_the_files_whatever_the_workers_do(run: Runs, tmp_path: Path) -> None:
    for number in range(40):
        save(tmp_path / "many" / f"{number:02}.png", picture((number * 6, 250, 0), size=(200 + number, 120)))
    run(tmp_path / "many", workers=8, batch=Size(faces=7))
    assert [name for name, _ in run.visible().values()] == [f"{number:02}.png" for number in range(40)]


def test_what_is_known_of_a_photo_is_stored_with_it(run: Runs, tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    save(tmp_path / "album" / "a.png", picture(GREEN).transpose(Image.Transpose.ROTATE_90), exif=turned)
    run(tmp_path / "album")
    with sqlite3.connect(run.catalogue.path) as rows:
        photo = rows.execute("SELECT outcome, width, height, format, detector FROM photos, provenances").fetchone()
        face = rows.execute("SELECT x, y, width, height, detection, turned, hidden FROM faces").fetchone()
    assert photo == ("indexed", 200, 120, "PNG", "red-squares")
    assert face == (10, 30, 48, 48, 0.95, 0, 0)


def test_a_run_is_noted_with_its_counts(run: Runs, album: Path) -> None:
    run(album)
    with run.catalogue.read() as session:
        (latest,) = runs.latest_runs(session)
        assert latest.roots == tuple(root.id for root in roots.list_roots(session))
    assert latest.finished is not None and latest.model == model().digest
    assert latest.counts["photos"] == 3 and latest.counts["faces"] == 3 and latest.counts["interrupted"] is False


@names_of_any_bytes
def test_file_names_are_bytes_from_end_to_end(run: Runs, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "album")
    os.makedirs(folder)  # noqa: PTH103
    names = [b"two words.png", "Größe 写真.png".encode(), b"caf\xe9\xff.png", b"line\nbreak.png"]
    for number, name in enumerate(names):
        with open(os.path.join(folder, name), "wb") as file:  # noqa: PTH118, PTH123
            file.write(encoded(picture((number * 60, 250, 0))))
    report = run(folder)
    assert (report.indexed, report.failed) == (4, 0)
    assert sorted(os.fsencode(name) for name, _ in run.visible().values()) == sorted(names)
    assert run(folder).unchanged == 4


def test_other_files_and_linked_folders_are_told(run: Runs, album: Path, tmp_path: Path) -> None:
    (album / "note.txt").write_text("x")
    (album / "clip.mp4").write_text("x")
    (album / "away").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere").mkdir()
    (album / "round").symlink_to(album)
    report = run(album)
    assert report.photos == 3
    assert report.others == {".txt": 1, ".mp4": 1}
    assert sorted(os.path.basename(each.path) for each in report.linked) == [b"away", b"round"]  # noqa: PTH119
    assert "not followed" in notice_in_words(report.linked[0].notice)


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


# The next run


def test_a_second_run_opens_nothing_and_makes_no_network(run: Runs, album: Path) -> None:
    run(album)
    shown = run.detector.shown

    def never() -> Any:
        raise AssertionError("not needed")

    before = dict.fromkeys(album.rglob("*.png"), 1000000000)
    for path, accessed in before.items():  # long before it was written: opening it would change that, also on relatime
        os.utime(path, ns=(accessed, path.stat().st_mtime_ns))
    run(album)  # which reads them, since their change times differ, and leaves no trace
    report = run(album, new_scorer=never, new_detector=never)
    assert (report.photos, report.unchanged, report.indexed, report.no_face, report.faces) == (3, 3, 2, 1, 0)
    assert report.opened == 0
    assert run.detector.shown == shown
    assert not report.snapshot_rebuilt
    assert {path: path.stat().st_atime_ns for path in before} == before


def test_without_folders_every_known_one_is_brought_up_to_date(run: Runs, album: Path, tmp_path: Path) -> None:
    save(tmp_path / "other" / "a.png", picture(WHITE))
    run(album, tmp_path / "other")
    save(album / "new.png", picture(BLACK))
    report = run()
    assert (report.photos, report.unchanged, report.faces) == (5, 4, 1)


def test_without_folders_and_without_known_ones_the_remedy_is_said(run: Runs) -> None:
    with pytest.raises(NothingToIndex, match="name one"):
        run()


def test_a_renamed_or_moved_photo_keeps_its_faces_and_is_not_scored_again(run: Runs, album: Path) -> None:
    run(album)
    before = list(run.visible())
    shown = run.detector.shown, run.scorer.shown
    (album / "1.png").rename(album / "renamed.png")
    (album / "new").mkdir()
    (album / "2.png").rename(album / "new" / "2.png")
    report = run(album)
    assert (report.same_content, report.faces, report.missing, report.lost) == (2, 0, 2, 0)
    assert list(run.visible()) == before
    assert {name for name, _ in run.visible().values()} == {"renamed.png", "2.png"}
    assert (run.detector.shown, run.scorer.shown) == shown


def test_a_photo_moved_to_another_root_keeps_its_faces(run: Runs, album: Path, tmp_path: Path) -> None:
    save(tmp_path / "z" / "empty.png", picture())
    run(album, tmp_path / "z")
    before = list(run.visible())
    (album / "1.png").rename(tmp_path / "z" / "1.png")
    run()
    assert list(run.visible()) == before


def test_copies_share_their_faces_in_the_same_run_and_later(run: Runs, album: Path) -> None:
    for number in range(30):
        shutil.copy(album / "2.png", album / f"copy {number}.png")
    report = run(album, workers=8, batch=Size(files=2))
    assert (report.photos, report.indexed, report.faces) == (33, 32, 3)
    assert run.detector.shown == 3
    shutil.copy(album / "2.png", album / "late.png")
    assert run(album).faces == 0
    assert len(run.visible()) == 3
    for path in album.glob("copy*.png"):
        path.unlink()
    (album / "2.png").unlink()
    run(album)
    assert {name for name, _ in run.visible().values()} == {"1.png", "late.png"}


def test_a_touched_photo_is_read_and_recognised(run: Runs, album: Path) -> None:
    run(album)
    os.utime(album / "1.png", ns=(1, 1))
    report = run(album)
    assert (report.unchanged, report.same_content, report.faces) == (2, 1, 0)
    assert run(album).unchanged == 3


def test_a_changed_photo_loses_its_old_faces_and_gets_new_ids(run: Runs, album: Path) -> None:
    run(album)
    before = set(run.visible())
    save(album / "1.png", picture(BLACK, WHITE, GREEN))
    report = run(album)
    assert report.faces == 3
    after = run.visible()
    assert [name for name, _ in after.values()].count("1.png") == 3
    assert len(set(after) - before) == 3 and len(before - set(after)) == 1


# What goes and comes back


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


# Which folders


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


# Bad photos


def test_bad_photos_are_named_with_their_reasons_and_stop_nothing(run: Runs, album: Path) -> None:
    (album / "empty.jpg").write_bytes(b"")
    (album / "letter.jpg").write_text("Dear Sir or Madam")
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    (album / "cut.jpg").write_bytes(encoded(noise, "JPEG")[:600])
    save(album / "huge.png", Image.new("L", (300, 300)))
    report = run(album, limits=Limits(max_pixels=80_000))
    assert (report.indexed, report.no_face, report.failed) == (2, 1, 4)
    reasons = {os.path.basename(each.path): each.reason for each in report.failures}  # noqa: PTH119
    assert reasons[b"empty.jpg"] == "the file is empty (0 bytes)"
    assert reasons[b"letter.jpg"].startswith("no photo")
    assert "(truncated)" in reasons[b"cut.jpg"]
    assert "above the limit of 0.08 megapixels" in reasons[b"huge.png"]
    assert not any(each.retry for each in report.failures)
    with run.catalogue.read() as session:
        assert len(photos.failures(session)) == 4


def test_damaged_photos_are_not_opened_again_but_counted_and_named_in_every_run(run: Runs, album: Path) -> None:
    (album / "letter.jpg").write_text("Dear Sir or Madam")
    first = run(album)
    second = run(album)
    assert (second.unchanged, second.failed) == (4, 1)
    assert second.failures == first.failures


def test_a_damaged_photo_that_was_repaired_is_indexed(run: Runs, album: Path) -> None:
    (album / "a.png").write_bytes(encoded(picture(WHITE))[:40])
    assert run(album).failed == 1
    save(album / "a.png", picture(WHITE))
    report = run(album)
    assert (report.failed, report.faces) == (0, 1)


def test_a_file_without_permission_is_tried_again_in_the_next_run(run: Runs, album: Path) -> None:
    (album / "1.png").chmod(0)
    try:
        with without_root_powers():
            report = run(album)
            again = run(album)
    finally:
        (album / "1.png").chmod(0o600)
    for each in (report, again):
        (failure,) = each.failures
        assert "Permission denied" in failure.reason and failure.retry
    report = run(album)
    assert (report.failed, report.faces, report.unchanged) == (0, 1, 2)
    assert len(run.visible()) == 3


def test_a_photo_deleted_between_walking_and_reading_is_a_failure_of_this_run_only(run: Runs, album: Path) -> None:
    def delete(progress: Progress) -> None:
        if progress.stage is Stage.PHOTOS:
            (album / "1.png").unlink(missing_ok=True)

    report = run(album, progress=delete)
    (failure,) = report.failures
    assert "disappeared" in failure.reason and failure.retry
    report = run(album)
    assert (report.photos, report.failed, report.missing) == (2, 0, 1)
    with run.catalogue.read() as session:
        assert photos.failures(session) == []


@pytest.mark.parametrize("error", [cv2.error("assertion failed"), MemoryError(), RuntimeError("boom\nboom")])
def test_a_detector_that_fails_on_a_photo_fails_that_photo_only(run: Runs, album: Path, error: Exception) -> None:
    save(album / "0.png", picture(GREEN, size=(210, 120)))
    run.detector.fails[210] = error
    report = run(album)
    assert (report.indexed, report.no_face, report.failed) == (2, 1, 1)
    (failure,) = report.failures
    assert failure.reason.startswith("the face detector fails on it") and failure.retry
    assert "\n" not in failure.reason
    run.detector.fails.clear()
    report = run(album)
    assert (report.failed, report.faces, report.unchanged) == (0, 1, 3)


def test_a_network_that_fails_on_a_photo_fails_that_photo_only(run: Runs, album: Path) -> None:
    run.scorer.fails_on_blue = RuntimeError("out of GPU memory")
    report = run(album)
    assert (report.indexed, report.no_face, report.failed, report.faces) == (1, 1, 1, 1)
    assert "out of GPU memory" in report.failures[0].reason
    run.scorer.fails_on_blue = None
    report = run(album)
    assert (report.failed, report.faces) == (0, 2)
    assert len(run.visible()) == 3


def test_scores_that_are_no_numbers_fail_their_photo_only(run: Runs, album: Path) -> None:
    class Sick(DotColours):
        def score(self, crops: np.ndarray) -> np.ndarray:
            logits = super().score(crops)
            logits[logits[:, 2] > 0.5] = np.nan
            return logits

    run.scorer = Sick()
    report = run(album)
    assert (report.indexed, report.failed, report.faces) == (1, 1, 1)
    assert "no numbers" in report.failures[0].reason


def test_places_that_are_no_numbers_fail_their_photo_only(run: Runs, album: Path) -> None:
    class Sick(RedSquares):
        def detect(self, images: Any) -> Any:
            found = super().detect(images)
            for each in found[0][1:]:
                each.landmarks[:] = np.inf
            return found

    run.detector = Sick()
    report = run(album)
    assert (report.indexed, report.failed, report.faces) == (1, 1, 1)


def test_a_box_beyond_the_photos_edge_is_cut_and_stored(run: Runs, tmp_path: Path) -> None:
    class Wide(RedSquares):
        def detect(self, images: Any) -> Any:
            from facesearch.vision.detection import Detection

            return [[Detection(Box(-30, -20, 400, 300), 0.9, np.zeros((5, 2), np.float32))] for _ in images]

    run.detector = Wide()
    save(tmp_path / "album" / "a.png", picture())
    assert run(tmp_path / "album").faces == 1


# What changed


def test_a_renamed_photo_is_told_as_renamed_and_keeps_its_faces(run: Runs, album: Path) -> None:
    run(album)
    before = run.visible()
    (album / "1.png").rename(album / "sub" / "new.png")
    report = run(album)
    assert (report.renamed, report.missing, report.lost) == (1, 1, 0)
    assert report.renames == [(os.fsencode(album / "1.png"), os.fsencode(album / "sub" / "new.png"))]
    assert set(run.visible()) == set(before)


def test_a_photo_that_is_deleted_beside_its_copy_is_not_renamed(run: Runs, album: Path) -> None:
    shutil.copy(album / "1.png", album / "copy.png")
    run(album)
    (album / "1.png").unlink()
    report = run(album)
    assert (report.renamed, report.missing, report.renames) == (0, 1, [])


def test_a_file_that_holds_another_photo_is_told_with_the_faces_that_left(run: Runs, album: Path) -> None:
    run(album)
    save(album / "2.png", picture(GREEN, size=(260, 120)))
    report = run(album)
    assert report.replaced == [(os.fsencode(album / "2.png"), 2)]
    assert run(album).replaced == []


def test_a_touched_file_is_not_replaced(run: Runs, album: Path) -> None:
    run(album)
    (album / "2.png").touch()
    assert run(album).replaced == []


def test_progress_moves_with_every_photo(run: Runs, tmp_path: Path) -> None:
    for number in range(12):
        save(tmp_path / "many" / f"{number:02}.png", picture((number * 20, 250, 0)))
    run(tmp_path / "many", workers=1)
    told = [(each.done, each.faces) for each in run.progress if each.stage is Stage.PHOTOS]
    assert [each for each in told if each[0]] == [(n, n) for n in (*range(1, 13), 12)]
    assert [each.stage for each in run.progress].count(Stage.LOADING) == 1


# Stopping


def test_a_stopped_run_keeps_what_is_decided_and_the_next_one_goes_on(run: Runs, tmp_path: Path) -> None:
    for number in range(30):
        save(tmp_path / "many" / f"{number:02}.png", picture((number * 8, 250, 0)))
    stop = threading.Event()

    def stop_at_ten(_: Progress) -> None:
        if run.detector.shown >= 10:
            stop.set()

    report = run(tmp_path / "many", progress=stop_at_ten, stop=stop, batch=Size(faces=4))
    assert report.interrupted
    assert 0 < report.faces < 30 and report.opened == report.faces
    assert len(run.visible()) == report.faces == report.indexed
    with run.catalogue.read() as session:
        assert runs.latest_runs(session)[0].counts["interrupted"] is True
    second = run(tmp_path / "many")
    assert not second.interrupted
    assert (second.unchanged, second.faces) == (report.faces, 30 - report.faces)
    assert len(run.visible()) == 30


def test_a_long_run_keeps_the_snapshot_near_even_if_it_is_stopped(run: Runs, tmp_path: Path) -> None:
    for number in range(12):
        save(tmp_path / "many" / f"{number:02}.png", picture((number * 6, 250, 0)))
    stop = threading.Event()

    def stop_late(now: Progress) -> None:
        if now.faces >= 6:
            stop.set()

    report = run(tmp_path / "many", batch=Size(faces=1, snapshot=2), progress=stop_late, stop=stop)
    assert report.interrupted and report.snapshot_rebuilt
    state = snapshot.state_of(run.catalogue)
    assert state.faces >= 6 and state.behind <= 2


def test_a_run_stopped_while_listing_marks_nothing_missing(run: Runs, album: Path) -> None:
    run(album)
    (album / "1.png").unlink()
    stop = threading.Event()
    report = run(album, stop=stop, progress=lambda _: stop.set())
    assert report.interrupted and report.missing == 0
    assert run(album).missing == 1


def test_an_interrupt_from_the_keyboard_ends_the_run_in_order(run: Runs, tmp_path: Path) -> None:
    for number in range(20):
        save(tmp_path / "many" / f"{number:02}.png", picture((number * 12, 250, 0)))
    sent: list[int] = []
    answered = threading.Event()
    stop = threading.Event()

    def press(progress: Progress) -> None:
        if progress.stage is Stage.PHOTOS and progress.done >= 5 and not sent:
            sent.append(progress.done)
            os.kill(os.getpid(), signal.SIGINT)

    with ctrl_c_interrupts(), stop_on_signal(stop, answered.set):
        report = run(tmp_path / "many", progress=press, batch=Size(faces=5), workers=2, stop=stop)
    assert report.interrupted and answered.is_set()
    assert 5 <= report.indexed < 20
    assert run(tmp_path / "many").indexed == 20


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from db.catalogue import open_catalogue
    from indexer.batches import Size
    from indexer.pipeline import index_folders
    from tests.support.stand_ins import DotColours, RedSquares, model

    def die(progress):
        if progress.done >= 9:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_catalogue(Path(sys.argv[1])) as catalogue:
        index_folders(
            catalogue, [sys.argv[2]], model=model(), new_scorer=DotColours, new_detector=RedSquares,
            detector="red-squares", progress=die, batch=Size(faces=4), workers=2,
        )
"""


def test_a_killed_run_loses_one_batch_at_most(run: Runs, tmp_path: Path) -> None:
    for number in range(20):
        save(tmp_path / "many" / f"{number:02}.png", picture((number * 12, 250, 0)))
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(run.catalogue.path), str(tmp_path / "many")]
    died = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    kept = len(run.visible())
    assert 9 - 4 < kept <= 9, "of nine that were looked at, less than a batch is lost"
    report = run(tmp_path / "many")
    assert (report.unchanged, report.faces) == (kept, 20 - kept)
    assert len(run.visible()) == 20


# The catalogue


def test_one_run_at_a_time(run: Runs, album: Path) -> None:
    with run.catalogue.indexing(), pytest.raises(CatalogueBusy):
        run(album)


def test_a_read_only_catalogue_says_so_before_any_work(run: Runs, album: Path) -> None:
    run(album)
    run.catalogue.path.chmod(0o400)
    with without_root_powers(), open_catalogue(run.catalogue.path) as opened, pytest.raises(CatalogueReadOnly):
        Runs(opened)(album)


def test_a_full_disk_is_one_sentence_and_what_was_written_stays(run: Runs, tmp_path: Path) -> None:
    for number in range(60):
        save(tmp_path / "many" / f"{number:02}.png", picture((number * 4, 250, 0), BLUE, WHITE))

    with closing(sqlite3.connect(run.catalogue.path)) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()

    def keep_small(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages + 6}")

    # SQLite itself says then what it says on a full disk.
    event.listen(Engine, "connect", keep_small)
    try:
        with open_catalogue(run.catalogue.path) as small, pytest.raises(CatalogueFull, match="no room left"):
            Runs(small)(tmp_path / "many", batch=Size(faces=6))
    finally:
        event.remove(Engine, "connect", keep_small)
    kept = len(run.visible())
    assert 0 < kept < 180
    assert run(tmp_path / "many").faces == 180 - kept
    assert len(run.visible()) == 180


def test_a_snapshot_that_cannot_be_written_is_a_remark_and_the_faces_are_found(run: Runs, album: Path) -> None:
    run.catalogue.folder.write_text("in the way")
    report = run(album)
    assert not report.snapshot_rebuilt
    assert str(run.catalogue.folder) in str(report.snapshot_trouble)
    assert len(run.visible()) == 3


# Another checkpoint


def test_another_checkpoint_scores_every_face_again_at_its_stored_place(run: Runs, album: Path) -> None:
    run(album)
    before = run.visible()
    shown = run.detector.shown
    run.model, run.scorer = "second", DotColours(sign=-1.0)
    report = run(album)
    assert (report.rescored, report.waiting, report.faces, report.unchanged) == (3, 0, 0, 3)
    assert report.serving and report.snapshot_rebuilt
    assert run.detector.shown == shown
    assert run.visible() == before
    assert run.logits() == {"1.png": [1.0, -1.0, 1.0], "2.png": [1.0, 1.0, -1.0]}
    again = run(album)
    assert (again.rescored, again.waiting) == (0, 0)


@pytest.mark.parametrize("place_stays", [False, True])
def test_the_old_scores_serve_until_the_last_visible_face_has_new_ones(
    run: Runs, album: Path, tmp_path: Path, place_stays: bool
) -> None:
    save(tmp_path / "drive" / "away.png", picture(WHITE))
    run(album, tmp_path / "drive")
    (tmp_path / "drive").rename(tmp_path / "unplugged")
    if place_stays:  # as the place of a drive does that is not mounted
        (tmp_path / "drive").mkdir()
    run.model, run.scorer = "second", DotColours(sign=-1.0)
    save(album / "new.png", picture(BLACK))
    report = run()
    assert (report.rescored, report.waiting, report.serving, report.unsearchable) == (3, 1, False, 1)
    assert report.waiting_photos == [], "a drive that is away is no failure of its photos"
    with run.catalogue.read() as session:
        assert photos.counts(session).failed == 0 and photos.failures(session) == []
    assert run.logits()["1.png"] == [-1.0, 1.0, -1.0]
    with run.catalogue.read() as session:
        serving = models.serving(session)
    assert serving is not None and serving[1].digest == model("first").digest

    if place_stays:
        (tmp_path / "drive").rmdir()
    (tmp_path / "unplugged").rename(tmp_path / "drive")
    report = run()
    assert (report.rescored, report.waiting, report.serving, report.unsearchable) == (1, 0, True, 0)
    assert run.logits()["1.png"] == [1.0, -1.0, 1.0]
    assert {name for name, _ in run.visible().values()} == {"1.png", "2.png", "new.png", "away.png"}


def test_faces_that_came_back_and_were_not_scored_yet_are_said_to_be_left_out(
    run: Runs, album: Path, tmp_path: Path
) -> None:
    save(tmp_path / "drive" / "away.png", picture(WHITE))
    run(album, tmp_path / "drive")
    shutil.rmtree(tmp_path / "drive")
    (tmp_path / "drive").mkdir()
    save(tmp_path / "drive" / "other.png", picture())
    run.model, run.scorer = "second", DotColours(sign=-1.0)
    assert run().serving
    save(tmp_path / "drive" / "away.png", picture(WHITE))
    with run.catalogue.write() as session:
        away = [f.id for f in photos.files_of_root(session, 2).values() if f.missing]
        photos.mark_present(session, away)  # what a run does before it is interrupted
    gallery = load_gallery(run.catalogue)
    assert gallery is not None and (len(gallery), gallery.unscored) == (3, 1)
    run()
    gallery = load_gallery(run.catalogue)
    assert gallery is not None and (len(gallery), gallery.unscored) == (4, 0)


def test_rescoring_takes_whichever_file_still_holds_the_photo(run: Runs, album: Path, tmp_path: Path) -> None:
    run(album)
    for folder in ("a", "z"):
        shutil.copytree(album, tmp_path / folder)
        run(tmp_path / folder)
        shutil.move(tmp_path / folder, tmp_path / f"{folder} unplugged")
    run.model = "second"
    report = run(album)
    assert (report.rescored, report.serving) == (3, True)


def test_hidden_faces_do_not_hold_the_new_checkpoint_back_and_are_scored_when_they_return(
    run: Runs, album: Path
) -> None:
    run(album)
    data = (album / "2.png").read_bytes()
    (album / "2.png").unlink()
    run(album)
    run.model, run.scorer = "second", DotColours(sign=-1.0)
    report = run(album)
    assert (report.rescored, report.serving) == (1, True)
    (album / "2.png").write_bytes(data)
    report = run(album)
    assert (report.rescored, report.faces) == (2, 0)
    assert len(run.visible()) == 3
    assert run.logits()["2.png"] == [1.0, 1.0, -1.0]


def test_a_photo_that_cannot_be_scored_again_is_a_failure_on_record_and_looked_at_anew(run: Runs, album: Path) -> None:
    run(album)
    first = album / "1.png"
    times = first.stat().st_atime_ns, first.stat().st_mtime_ns
    size = first.stat().st_size
    save(first, picture(BLACK, WHITE))
    first.write_bytes(first.read_bytes().ljust(size, b"\0")[:size])  # other content, nothing else changed
    os.utime(first, ns=times)
    without_known_change_times(run.catalogue)
    run.model, run.scorer = "second", DotColours(sign=-1.0)
    report = run(album)
    (waiting,) = report.waiting_photos
    with run.catalogue.read() as session:
        (known,) = photos.failures(session)
    assert waiting.display == known.display == str(first) and known.retry
    again = run(album)
    assert not again.waiting_photos and again.unchanged == report.unchanged - 1
    with run.catalogue.read() as session:
        assert str(first) not in [each.display for each in photos.failures(session) if each.reason == known.reason]


def test_a_stopped_rescoring_goes_on_in_the_next_run(run: Runs, tmp_path: Path) -> None:
    for number in range(20):
        save(tmp_path / "many" / f"{number:02}.png", picture((number * 12, 250, 0)))
    run(tmp_path / "many")
    run.model, run.scorer = "second", DotColours(sign=-1.0)
    stop = threading.Event()

    def stop_early(progress: Progress) -> None:
        if progress.stage is Stage.RESCORING and progress.done >= 5:
            stop.set()

    report = run(tmp_path / "many", stop=stop, progress=stop_early, batch=Size(faces=5))
    assert report.interrupted and not report.serving and 5 <= report.rescored < 20
    assert report.waiting == 0, "what was not tried is not said to be unreadable"
    second = run(tmp_path / "many")
    assert second.rescored == 20 - report.rescored and second.serving


# Progress


def test_progress_counts_up_to_all_photos(run: Runs, album: Path) -> None:
    (album / "letter.jpg").write_text("no photo")
    run(album)
    stages = [each.stage for each in run.progress]
    assert stages[0] is Stage.LISTING and stages[-1] is Stage.SNAPSHOT
    last = [each for each in run.progress if each.stage is Stage.PHOTOS][-1]
    assert (last.done, last.total, last.unchanged, last.faces, last.failures) == (4, 4, 0, 3, 1)
    assert [each.done for each in run.progress] == sorted(each.done for each in run.progress)
