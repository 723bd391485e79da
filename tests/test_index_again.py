"""Photos that a newer version can make more of are looked at again: in one read, resumable, faces keep their numbers.

Today's detector (`RedSquares`, version 1 of its rules) misses all but the leftmost face of dark photos.
"""

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from db import photos, runs
from db.photo_filters import faces_of
from db.values.photo_filter import PhotoFilter
from facesearch.vision.decode import DECODER, Limits
from facesearch.vision.detection import Detection
from indexer.batches import Size
from indexer.report import Stage
from tests.support.index_runs import Runs
from tests.support.new_looks import NAMES, Version, album, older, when
from tests.support.powers import without_root_powers
from tests.support.squares import BLUE, GREEN, WHITE
from tests.support.stand_ins import DARK, NAME, RedSquares, picture, save

pytestmark = pytest.mark.slow


# What is behind


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_catalogue_of_today_gains_its_missed_faces_by_one_plain_index(
    run: Runs, tmp_path: Path, version: int
) -> None:
    run(album(tmp_path / "album"))
    before = run.visible()
    assert len(before) == 5
    older(run, version)
    run.detector = RedSquares(rules=2)
    report = run()
    assert (report.photos, report.unchanged, report.opened, report.indexed) == (5, 5, 0, 5)
    assert (report.again, report.gained, report.unfound, report.faces, report.behind) == (5, 5, 0, 0, 0)
    assert run.opened == NAMES, "one read of each photo"
    after = run.visible()
    assert len(after) == 10 and before.items() <= after.items()
    july = PhotoFilter(taken_from=date(2019, 7, 2), taken_to=date(2019, 7, 2), camera=("Canon EOS",))
    with run.catalogue.read() as session:
        assert [name for name, _ in map(after.get, faces_of(session, july).tolist())] == ["02.png", "02.png"]  # type: ignore[misc]
        counts = runs.latest_runs(session)[0].counts
        assert photos.counts(session).faces == 10
    assert (counts["again"], counts["gained"], counts["unfound"], counts["behind"]) == (5, 5, 0, 0)

    def never() -> Any:
        raise AssertionError("not needed")

    report = run(new_scorer=never, new_detector=never)
    assert (report.again, report.behind, run.opened) == (0, 0, [])


def test_new_photos_come_first_and_progress_counts_the_others(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 3))
    save(tmp_path / "album" / "new.png", picture(WHITE))
    run.detector = RedSquares(rules=2)
    run.progress.clear()
    run()
    told = [(now.stage, now.done, now.total) for now in run.progress if now.stage in (Stage.PHOTOS, Stage.AGAIN)]
    again = [each for each in told if each[0] is Stage.AGAIN]
    assert told[-len(again) :] == again
    assert again == [(Stage.AGAIN, done, 3) for done in (0, 1, 2, 3, 3)]


def test_photos_without_faces_and_photos_that_failed_have_another_chance(run: Runs, tmp_path: Path) -> None:
    save(tmp_path / "album" / "missed.png", picture(GREEN))
    save(tmp_path / "album" / "false.png", picture(BLUE, size=(210, 120)))
    save(tmp_path / "album" / "nobody.png", picture())
    (tmp_path / "album" / "letter.png").write_text("Dear Sir or Madam")
    (tmp_path / "album" / "copy.png").write_text("Dear Sir or Madam")
    run.detector = Version(1, misses=[10])
    run(tmp_path / "album")
    run.detector = Version(1)
    save(tmp_path / "album" / "false.png", picture(BLUE, size=(220, 120)))
    assert run().indexed == 1
    assert run().behind == 0
    old_failures(run)
    run.detector = Version(2, fails={})
    run.detector._one = one_only_in(200)  # type: ignore[method-assign]
    report = run()
    assert (report.indexed, report.no_face, report.failed, report.photos) == (1, 2, 2, 5)
    assert report.changed == {("no face", "indexed"): 1, ("indexed", "no face"): 1}
    assert (report.again, report.gained, report.unfound) == (4, 1, 1)
    assert sorted(run.opened) == ["copy.png", "false.png", "missed.png", "nobody.png"], "one of two copies is enough"
    assert len(report.failures) == 2 and report.behind == 0
    assert run().again == 0


def one_only_in(width: int) -> Callable[[np.ndarray], list[Detection]]:
    looked = RedSquares(rules=2)
    return lambda image: looked._one(image) if image.shape[1] == width else []


def old_failures(run: Runs) -> None:
    """As if another Pillow had decoded everything so far."""
    with sqlite3.connect(run.catalogue.path) as rows:
        rows.execute("UPDATE provenances SET decoder = ?", (f"{DECODER} Pillow 1.1.7",))


def test_after_an_update_of_the_decoders_only_what_failed_is_tried_again(run: Runs, tmp_path: Path) -> None:
    album(tmp_path / "album", 2)
    (tmp_path / "album" / "letter.png").write_text("Dear Sir or Madam")
    run(tmp_path / "album")
    assert run().again == 0
    old_failures(run)
    report = run()
    assert (report.again, report.failed, report.behind, run.opened) == (1, 1, 0, ["letter.png"])
    assert [each.reason for each in report.failures] == [run(tmp_path / "album").failures[0].reason]
    assert run.opened == []


def test_what_a_newer_version_reads_is_indexed_and_no_failure_any_more(run: Runs, tmp_path: Path) -> None:
    save(tmp_path / "album" / "large.png", picture(GREEN))
    shutil.copy(tmp_path / "album" / "large.png", tmp_path / "album" / "copy.png")
    strict = Limits(max_pixels=100)
    assert run(tmp_path / "album", limits=strict).failed == 2
    old_failures(run)
    report = run()
    assert (report.indexed, report.failed, report.failures, report.faces, report.gained) == (2, 0, [], 1, 0)
    assert report.changed == {("failed", "indexed"): 1}
    assert len(run.visible()) == 1


@pytest.mark.parametrize("how", ["touched", "copied", "forgotten"])
def test_a_failed_photo_that_has_to_be_opened_is_looked_at_whatever_is_known_of_its_content(
    run: Runs, tmp_path: Path, how: str
) -> None:
    path = save(tmp_path / "album" / "a.png", picture(GREEN))
    run(path.parent, limits=Limits(max_pixels=100))
    if how == "touched":
        os.utime(path, ns=(1, 1))
    elif how == "copied":
        shutil.copy(path, path.with_name("b.png"))
    else:
        with run.catalogue.write() as session:
            photos.detach_root(session, path.parent)
    report = run(path.parent)
    assert (report.failed, report.failures, report.indexed) == (0, [], 2 if how == "copied" else 1)
    assert report.changed == {("failed", "indexed"): 1} and len(run.visible()) == 1


def test_a_file_that_was_too_large_to_be_read_is_read_when_it_no_longer_is(run: Runs, tmp_path: Path) -> None:
    save(tmp_path / "album" / "a.png", picture(GREEN))
    assert run(tmp_path / "album", limits=Limits(max_bytes=10)).failed == 1
    report = run()
    assert (report.failed, report.faces) == (0, 1)


def test_a_renamed_or_touched_photo_that_is_behind_is_read_once(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 3))
    (tmp_path / "album" / "01.png").rename(tmp_path / "album" / "renamed.png")
    os.utime(tmp_path / "album" / "02.png", ns=(1, 1))
    run.detector = RedSquares(rules=2)
    report = run()
    assert run.opened == ["02.png", "03.png", "renamed.png"]
    assert (report.again, report.gained, report.indexed) == (3, 3, 3)


def test_what_the_walk_does_not_come_by_is_neither_opened_nor_counted(run: Runs, tmp_path: Path) -> None:
    """A failed photo is renamed, and a copy of it lies on a drive that is away."""
    path = save(tmp_path / "album" / "a.png", picture(GREEN))
    save(tmp_path / "album" / "b.png", picture(WHITE))
    (tmp_path / "album" / "drive").mkdir()
    shutil.copy(path, tmp_path / "album" / "drive" / "copy.png")
    assert run(tmp_path / "album", limits=Limits(max_pixels=100)).failed == 3
    shutil.move(tmp_path / "album" / "drive" / "copy.png", tmp_path / "copy.png")
    path.rename(path.with_name("renamed.png"))
    report = run(again=False)
    assert (report.photos, report.indexed, report.failed) == (2, 1, 1)
    assert [each.display for each in report.failures] == [str(tmp_path / "album" / "b.png")]
    old_failures(run)
    report = run()
    assert (report.photos, report.indexed, report.failed, report.failures) == (2, 2, 0, [])


def test_left_on_request_and_counted(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album"))
    run.detector = RedSquares(rules=2)
    report = run(again=False)
    assert (report.again, report.behind, run.opened) == (0, 5, [])
    assert run().again == 5


def test_only_the_named_folder_is_looked_at_again(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album" / "a", 2).parent, album(tmp_path / "b", 3))
    album(tmp_path / "album" / "a b", 4)
    run()
    run.detector = RedSquares(rules=2)
    report = run(tmp_path / "album" / "a")
    assert (report.again, report.behind, len(run.opened)) == (2, 2, 2), "photos 1 to 3 are the same everywhere"
    assert run().again == 2


def test_offline_photos_wait(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "disk"), save(tmp_path / "here" / "x.png", picture(GREEN, BLUE, ground=DARK)).parent)
    before = run.visible()
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    run.detector = RedSquares(rules=2)
    report = run()
    assert (report.again, report.behind, report.failed, len(report.unusable)) == (1, 5, 0, 1)
    assert before.items() <= run.visible().items()
    (tmp_path / "disk").mkdir()
    assert run().behind == 5
    (tmp_path / "disk").rmdir()
    (tmp_path / "unplugged").rename(tmp_path / "disk")
    report = run()
    assert (report.again, report.gained, report.behind) == (5, 5, 0)


def test_photos_that_are_gone_are_looked_at_again_when_they_return(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 3))
    (tmp_path / "album" / "02.png").rename(tmp_path / "02.png")
    run.detector = RedSquares(rules=2)
    report = run()
    assert (report.missing, report.again, report.behind) == (1, 2, 0)
    (tmp_path / "02.png").rename(tmp_path / "album" / "02.png")
    report = run()
    assert (report.returned, report.again, report.gained) == (1, 1, 1)
    assert len(run.visible()) == 6


def test_two_names_of_one_content_are_looked_at_once_through_either(run: Runs, tmp_path: Path) -> None:
    first = album(tmp_path / "album", 1) / "01.png"
    shutil.copy(first, tmp_path / "album" / "02.png")
    run(tmp_path / "album")
    run.detector = RedSquares(rules=2)
    first.chmod(0)
    with without_root_powers():
        report = run()
    assert (report.again, report.gained, report.indexed, report.failed) == (1, 1, 1, 1)
    (failure,) = report.failures
    assert failure.display == str(first) and "Permission denied" in failure.reason and failure.retry
    first.chmod(0o600)
    report = run()
    assert (report.again, report.indexed, report.failed, len(run.visible())) == (0, 2, 0, 2)


# Looking at all again


def test_asked_to_all_photos_are_looked_at_again_whatever_has_looked_at_them(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album"), save(tmp_path / "other" / "x.png", picture(WHITE)).parent)
    before = run.visible()
    report = run(tmp_path / "album", again=True)
    assert (report.again, report.gained, report.unfound, report.behind) == (5, 0, 0, 0)
    assert run.opened == NAMES and run.visible() == before
    assert not report.snapshot_rebuilt, "nothing has changed"
    assert run().again == 0


def test_a_run_that_was_asked_to_look_at_all_again_and_is_stopped_goes_on_by_a_plain_one(
    run: Runs, tmp_path: Path
) -> None:
    run(album(tmp_path / "album", 12))
    stop = threading.Event()
    report = run(again=True, stop=stop, progress=when(Stage.AGAIN, 5, stop.set), batch=Size(files=4), workers=1)
    assert report.interrupted and 5 <= report.again < 12
    second = run()
    assert (second.again, second.behind) == (12 - report.again, 0)
    assert len(run.opened) == 12 - report.again


def test_a_quick_look_never_takes_the_place_of_a_thorough_one(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 3))
    run.detector.name = f"{NAME} quick"
    save(tmp_path / "album" / "quick.png", picture(GREEN))
    for again in (None, True):
        report = run(again=again)
        assert report.behind == 0 and "01.png" not in run.opened
    run.detector.name = f"{NAME}/2 quick"
    assert (run(again=None).again, run.opened) == (1, ["quick.png"])
    run.detector.name = f"{NAME}/2"
    assert run().again == 4
