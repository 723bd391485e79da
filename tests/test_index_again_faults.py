"""New looks that fail, are stopped or come too late: the faces on record stay, and the photo is tried again."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from cli.terminal.interrupt import stop_on_signal
from db import photos
from facesearch.vision.decode import Limits
from indexer.batches import Size
from indexer.report import Stage
from tests.support.index_runs import Runs, without_known_change_times
from tests.support.new_looks import Version, album, when
from tests.support.powers import ctrl_c_interrupts
from tests.support.squares import BLACK, BLUE, GREEN, WHITE
from tests.support.stand_ins import DotColours, RedSquares, encoded, picture, save

pytestmark = pytest.mark.slow


def test_a_look_that_runs_out_of_memory_leaves_the_faces_and_is_tried_again(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 3))
    before = run.visible()
    shutil.copy(tmp_path / "album" / "02.png", tmp_path / "album" / "copy.png")
    run()
    run.detector = Version(2, fails={202: MemoryError()})
    for report in (run(), run()):
        assert [os.path.basename(each.path) for each in report.failures] == [b"02.png", b"copy.png"]  # noqa: PTH119
        assert all("not enough memory" in each.reason and each.retry for each in report.failures)
        assert (report.indexed, report.failed, report.behind) == (2, 2, 1)
        assert before.items() <= run.visible().items()
    with run.catalogue.read() as session:
        assert photos.counts(session).indexed == 3 and len(photos.failures(session)) == 2
    run.detector = Version(2)
    report = run()
    assert (report.failed, report.indexed, report.again, report.gained, report.behind) == (0, 4, 1, 1, 0)
    with run.catalogue.read() as session:
        assert photos.failures(session) == []
    assert run().opened == 0


def test_a_photo_that_does_not_decode_any_more_keeps_its_faces_and_is_tried_again(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 2))
    before = run.visible()
    run.detector = RedSquares(rules=2)
    for _ in range(2):
        report = run(limits=Limits(max_pixels=120 * 201))
        (failure,) = report.failures
        assert "above the limit" in failure.reason and failure.retry
        assert (report.failed, report.behind) == (1, 1) and before.items() <= run.visible().items()
    report = run()
    assert (report.failed, report.again, report.gained, report.behind) == (0, 1, 1, 0)


def test_a_network_that_fails_on_the_new_crops_leaves_the_faces(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 2))
    before = run.visible()
    run.detector, run.scorer = RedSquares(rules=2), DotColours(fails_on_blue=RuntimeError("out of GPU memory"))
    report = run()
    assert (report.failed, report.gained, report.behind) == (2, 0, 2)
    assert run.visible() == before
    run.scorer = DotColours()
    assert run().gained == 2


def test_a_stopped_run_keeps_what_it_looked_at_and_the_next_one_goes_on(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 12))
    run.detector = RedSquares(rules=2)
    stop = threading.Event()
    report = run(stop=stop, progress=when(Stage.AGAIN, 5, stop.set), batch=Size(files=4), workers=2)
    assert report.interrupted and 5 <= report.again < 12 and report.gained == report.again
    assert len(run.visible()) == 12 + report.gained
    second = run()
    assert (second.again, second.behind, len(run.opened)) == (12 - report.again, 0, 12 - report.again)
    assert len(run.visible()) == 24


def test_an_interrupt_from_the_keyboard_ends_a_new_look_in_order(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 12))
    run.detector = RedSquares(rules=2)
    press = when(Stage.AGAIN, 4, lambda: os.kill(os.getpid(), signal.SIGINT))
    stop = threading.Event()
    with ctrl_c_interrupts(), stop_on_signal(stop):
        report = run(progress=press, batch=Size(files=4), workers=2, stop=stop)
    assert report.interrupted and 4 <= report.again < 12
    assert run().again == 12 - report.again


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from db.catalogue import open_catalogue
    from indexer.batches import Size
    from indexer.pipeline import index_folders
    from indexer.report import Stage
    from tests.support.stand_ins import DotColours, RedSquares, model

    def die(progress):
        if progress.stage is Stage.AGAIN and progress.done >= 7:
            os.kill(os.getpid(), signal.SIGKILL)

    detector = RedSquares(rules=2)
    with open_catalogue(Path(sys.argv[1])) as catalogue:
        index_folders(
            catalogue, [], model=model(), new_scorer=DotColours, new_detector=lambda: detector,
            detector=detector.name, progress=die, batch=Size(files=3), workers=2,
        )
"""


def test_a_killed_run_loses_one_batch_of_new_looks_at_most(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 12))
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(run.catalogue.path)]
    died = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    kept = len(run.visible()) - 12
    assert kept >= 6
    run.detector = RedSquares(rules=2)
    report = run()
    assert (report.again, report.gained) == (12 - kept, 12 - kept)
    assert len(run.visible()) == 24


@pytest.mark.parametrize("place_stays", [False, True])
def test_a_drive_that_is_unplugged_in_the_middle_fails_no_photo(run: Runs, tmp_path: Path, place_stays: bool) -> None:
    run(album(tmp_path / "disk", 9))
    before = run.visible()
    run.detector = RedSquares(rules=2)

    def unplug() -> None:
        (tmp_path / "disk").rename(tmp_path / "unplugged")
        if place_stays:
            (tmp_path / "disk").mkdir()

    report = run(progress=when(Stage.AGAIN, 3, unplug), workers=1)
    assert 3 <= report.again < 9 and report.behind == report.gone_meanwhile == 9 - report.again
    assert (report.failed, report.failures, report.indexed) == (0, [], 9)
    assert before.items() <= run.visible().items()
    with run.catalogue.read() as session:
        assert photos.failures(session) == []
    if place_stays:
        (tmp_path / "disk").rmdir()
    (tmp_path / "unplugged").rename(tmp_path / "disk")
    second = run()
    assert (second.again, second.opened, second.behind) == (9 - report.again, 0, 0)
    assert len(run.visible()) == 18


def test_a_file_that_holds_another_picture_by_now_is_that_picture(run: Runs, tmp_path: Path) -> None:
    """Nothing else of it has changed, so that no walk could see it."""
    path = tmp_path / "album" / "a.bmp"
    save(path, picture(GREEN))
    save(tmp_path / "album" / "b.bmp", picture(WHITE))
    run(tmp_path / "album")
    status = path.stat()
    path.write_bytes(encoded(picture(BLACK, BLUE), "BMP"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    without_known_change_times(run.catalogue)
    assert path.stat().st_size == status.st_size and run().unchanged == 2
    run.detector = RedSquares(rules=2)
    report = run()
    assert (report.faces, report.indexed, report.failed, report.behind) == (2, 2, 0, 0)
    assert run.visible() == {2: ("b.bmp", 10), 3: ("a.bmp", 10), 4: ("a.bmp", 74)}
    path.write_bytes(encoded(picture(GREEN), "BMP"))
    assert run().behind == 0
    assert 1 in run.visible() and 3 not in run.visible()


def test_a_photo_that_is_deleted_just_before_is_no_failure(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 2))
    run.detector = RedSquares(rules=2)
    report = run(progress=when(Stage.AGAIN, 0, (tmp_path / "album" / "02.png").unlink))
    assert (report.again, report.failed, report.behind) == (1, 0, 1)
    report = run()
    assert (report.missing, report.behind, report.failed) == (1, 0, 0)
