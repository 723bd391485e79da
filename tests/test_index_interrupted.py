"""Runs that are stopped or killed, or whose catalogue cannot be written: what is decided stays, the next goes on."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from cli.terminal.interrupt import stop_on_signal
from db import runs, snapshot
from db.catalogue import open_catalogue
from db.errors import CatalogueBusy, CatalogueFull, CatalogueReadOnly
from indexer.batches import Size
from indexer.report import Progress, Stage
from tests.support.index_runs import Runs
from tests.support.powers import ctrl_c_interrupts, without_root_powers
from tests.support.squares import BLUE, WHITE
from tests.support.stand_ins import picture, save

pytestmark = pytest.mark.slow


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
    assert str(run.catalogue.folder) in str(report.snapshot_problem)
    assert len(run.visible()) == 3
