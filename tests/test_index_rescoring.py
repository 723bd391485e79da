"""Another checkpoint scores every indexed face again; until all have new scores, the old ones serve."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from db import models, photos
from db.gallery import load_gallery
from indexer.batches import Size
from indexer.report import Progress, Stage
from tests.support.index_runs import Runs, without_known_change_times
from tests.support.squares import BLACK, WHITE
from tests.support.stand_ins import DotColours, model, picture, save

pytestmark = pytest.mark.slow


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
