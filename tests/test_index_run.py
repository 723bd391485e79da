"""An index run end to end, on real files and a real catalogue: what it stores, what the next one does, what is told."""

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cli.report.wording import notice_in_words
from db import roots, runs
from indexer.batches import Size
from indexer.errors import NothingToIndex
from indexer.report import Stage
from tests.support.index_runs import Runs
from tests.support.powers import names_of_any_bytes
from tests.support.squares import BLACK, GREEN, WHITE
from tests.support.stand_ins import encoded, model, picture, save

pytestmark = pytest.mark.slow


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


# Progress


def test_progress_counts_up_to_all_photos(run: Runs, album: Path) -> None:
    (album / "letter.jpg").write_text("no photo")
    run(album)
    stages = [each.stage for each in run.progress]
    assert stages[0] is Stage.LISTING and stages[-1] is Stage.SNAPSHOT
    last = [each for each in run.progress if each.stage is Stage.PHOTOS][-1]
    assert (last.done, last.total, last.unchanged, last.faces, last.failures) == (4, 4, 0, 3, 1)
    assert [each.done for each in run.progress] == sorted(each.done for each in run.progress)
