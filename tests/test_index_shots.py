"""Dates and cameras: stored with every new photo, and read later of photos that an older version indexed."""

import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from db import runs
from db.catalogue import Catalogue, open_catalogue
from db.filters import PhotoFilter, faces_of
from indexer.batches import Size
from indexer.pipeline import index_folders
from indexer.report import Progress, RunReport, Stage
from tests.support.catalogues import make_version_1
from tests.support.powers import without_root_powers
from tests.support.stand_ins import DotColours, RedSquares, model, picture, save

GREEN = (0, 250, 0)
opened_files: list[str] | None = None


def note(event: str, arguments: tuple[Any, ...]) -> None:
    if opened_files is not None and event == "open" and isinstance(arguments[0], str | bytes):
        opened_files.append(os.path.basename(os.fsdecode(arguments[0])))  # noqa: PTH119


sys.addaudithook(note)  # stays for the life of the process, and does nothing unless a test asks it to


class Runs:
    """Index runs with stand-ins that count."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.detector, self.scorer = RedSquares(), DotColours()
        self.photos_opened: list[str] = []

    def __call__(self, *folders: Path, **options: Any) -> RunReport:
        global opened_files
        opened_files = []
        try:
            return index_folders(
                self.catalogue,
                folders,
                **{
                    "model": model(),
                    "new_scorer": lambda: self.scorer,
                    "new_detector": lambda: self.detector,
                    "workers": 2,
                    **options,
                },
            )
        finally:
            self.photos_opened = sorted(name for name in opened_files if name.endswith(".jpg"))
            opened_files = None

    def forget_dates(self) -> None:
        """As if everything so far had been indexed by the first version."""
        self.catalogue.close()
        make_version_1(self.catalogue.path)
        open_catalogue(self.catalogue.path).close()

    def taken_on(self, *days: date) -> list[int]:
        """Faces of photos taken on one of these days."""
        with self.catalogue.read() as session:
            return [
                int(face)
                for day in days
                for face in faces_of(session, PhotoFilter(taken_from=day, taken_to=day, camera=("Canon EOS",)))
            ]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Runs]:
    with open_catalogue(tmp_path / "catalogue" / "faces.db", create=True) as catalogue:
        yield Runs(catalogue)


def shot(path: Path, day: int, *, width: int = 200, faces: int = 1) -> Path:
    """A JPEG of that day of July 2019 by a Canon."""
    block = Image.Exif()
    block[0x010F], block[0x0110] = "Canon", "Canon EOS 80D"
    block.get_ifd(0x8769)[0x9003] = f"2019:07:{day:02} 12:30:59"
    return save(path, picture(*[GREEN] * faces, size=(width, 120)), exif=block, quality=95)


def album(folder: Path, photos: int = 5) -> Path:
    for number in range(1, photos + 1):
        shot(folder / f"{number:02}.jpg", number, width=200 + number)
    return folder


def july(*days: int) -> list[date]:
    return [date(2019, 7, day) for day in days]


def test_a_new_photo_is_stored_with_its_date_and_camera(run: Runs, tmp_path: Path) -> None:
    report = run(album(tmp_path / "album", 2))
    assert (report.faces, report.shots_read, report.shots_unread) == (2, 0, 0)
    with sqlite3.connect(run.catalogue.path) as rows:
        stored = rows.execute("SELECT taken, camera, exif_read FROM photos ORDER BY id").fetchall()
    assert stored == [(f"2019-07-0{day} 12:30:59.000000", "Canon EOS 80D", 1) for day in (1, 2)]
    assert run.taken_on(*july(2)) == [2]


def test_a_photo_whose_faces_could_not_be_found_at_first_has_its_date_in_the_end(run: Runs, tmp_path: Path) -> None:
    shot(tmp_path / "album" / "1.jpg", 1, width=201)
    run.detector = RedSquares({201: RuntimeError("no")})
    assert run(tmp_path / "album").failed == 1
    run.detector = RedSquares()
    run()
    assert run.taken_on(*july(1)) == [1]


def test_photos_indexed_before_are_filled_in_without_detecting_or_scoring(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album"))
    shot(tmp_path / "album" / "nobody.jpg", 9, faces=0)
    run()
    run.forget_dates()
    assert run.taken_on(*july(1, 2, 3, 4, 5)) == []
    shown = run.detector.shown, run.scorer.shown

    def never() -> Any:
        raise AssertionError("not needed")

    report = run(new_scorer=never, new_detector=never)
    assert (report.photos, report.unchanged, report.shots_read, report.shots_unread) == (6, 6, 5, 0)
    assert run.photos_opened == ["01.jpg", "02.jpg", "03.jpg", "04.jpg", "05.jpg"]
    assert run.taken_on(*july(1, 2, 3, 4, 5)) == [1, 2, 3, 4, 5]
    assert (run.detector.shown, run.scorer.shown) == shown
    with run.catalogue.read() as session:
        assert runs.latest_runs(session)[0].counts["shots_read"] == 5


def test_the_run_after_opens_nothing(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album"))
    save(tmp_path / "album" / "no exif.jpg", picture(GREEN, size=(300, 120)))
    run()
    run.forget_dates()
    assert run().shots_read == 6
    report = run()
    assert (report.unchanged, report.shots_read, report.shots_unread) == (6, 0, 0)
    assert run.photos_opened == []


def test_photos_that_are_offline_stay_to_be_filled_in(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "disk"), shot(tmp_path / "here" / "x.jpg", 20).parent)
    run.forget_dates()
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    report = run()
    assert (report.shots_read, report.shots_unread, len(report.unusable)) == (1, 5, 1)
    assert run.photos_opened == ["x.jpg"]
    (tmp_path / "unplugged").rename(tmp_path / "disk")
    report = run()
    assert (report.shots_read, report.shots_unread) == (5, 0)
    assert run.photos_opened == ["01.jpg", "02.jpg", "03.jpg", "04.jpg", "05.jpg"]
    assert len(run.taken_on(*july(1, 2, 3, 4, 5, 20))) == 6


def test_photos_in_a_folder_that_is_suddenly_empty_stay_to_be_filled_in(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album" / "disk").parent, workers=1)
    run.forget_dates()
    (tmp_path / "album" / "disk").rename(tmp_path / "unplugged")
    (tmp_path / "album" / "disk").mkdir()
    assert run().shots_unread == 5
    (tmp_path / "album" / "disk").rmdir()
    (tmp_path / "unplugged").rename(tmp_path / "album" / "disk")
    assert run().shots_read == 5


def test_photos_that_were_missing_are_filled_in_when_they_return(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 3))
    run.forget_dates()
    (tmp_path / "album" / "02.jpg").rename(tmp_path / "02.jpg")
    report = run()
    assert (report.missing, report.shots_read, report.shots_unread) == (1, 2, 0)
    (tmp_path / "02.jpg").rename(tmp_path / "album" / "02.jpg")
    report = run()
    assert (report.returned, report.shots_read) == (1, 1)
    assert run.taken_on(*july(1, 2, 3)) == [1, 2, 3]


def test_a_moved_photo_is_filled_in_by_the_run_that_finds_it(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 2))
    run.forget_dates()
    (tmp_path / "album" / "01.jpg").rename(tmp_path / "album" / "renamed.jpg")
    report = run()
    assert (report.same_content, report.faces, report.shots_read) == (1, 0, 2)
    assert run.taken_on(*july(1)) == [1]


def test_only_the_named_folder_is_filled_in(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "a", 2), shot(tmp_path / "b" / "x.jpg", 20).parent)
    run.forget_dates()
    report = run(tmp_path / "b")
    assert (report.shots_read, report.shots_unread) == (1, 2)
    assert run.photos_opened == ["x.jpg"]


def test_any_of_a_photos_files_that_can_be_read_will_do(run: Runs, tmp_path: Path) -> None:
    first = shot(tmp_path / "album" / "1.jpg", 1)
    shutil.copy(first, tmp_path / "album" / "2.jpg")
    run(tmp_path / "album")
    run.forget_dates()
    first.chmod(0)
    with without_root_powers():
        assert run().shots_read == 1
    assert run.taken_on(*july(1)) == [1]


def test_a_file_that_holds_something_else_by_now_is_not_taken_for_the_photo(run: Runs, tmp_path: Path) -> None:
    """It was changed in a folder that this run does not walk, below the same root."""
    run(album(tmp_path / "album" / "a", 1).parent)
    shot(tmp_path / "album" / "b" / "x.jpg", 20)
    run()
    run.forget_dates()
    shot(tmp_path / "album" / "a" / "01.jpg", 31, width=333)
    assert run(tmp_path / "album" / "b").shots_read == 1
    assert run.taken_on(*july(1, 31)) == []
    run()
    assert run.taken_on(*july(31)) == [3]


def stopping_at(stage: Stage, done: int, stop: threading.Event) -> Any:
    def tell(now: Progress) -> None:
        if now.stage is stage and now.done >= done:
            stop.set()

    return tell


def test_a_stopped_run_keeps_what_it_read_and_the_next_one_goes_on(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 12))
    run.forget_dates()
    stop = threading.Event()
    report = run(stop=stop, progress=stopping_at(Stage.SHOTS, 5, stop), batch=Size(shots=4))
    assert report.interrupted and report.shots_read == 5
    report = run()
    assert (report.shots_read, report.shots_unread) == (7, 0)
    assert len(run.photos_opened) == 7
    assert len(run.taken_on(*july(*range(1, 13)))) == 12


def test_a_run_that_breaks_off_loses_one_batch_at_most(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 12))
    run.forget_dates()

    def break_off(now: Progress) -> None:
        if now.stage is Stage.SHOTS and now.done == 7:
            raise MemoryError

    with pytest.raises(MemoryError):
        run(progress=break_off, batch=Size(shots=3))
    assert run().shots_read == 6


def test_progress_counts_the_photos_that_lack_a_date(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album"))
    run.forget_dates()
    told: list[Progress] = []
    run(progress=told.append)
    assert [(now.done, now.total) for now in told if now.stage is Stage.SHOTS] == [(n, 5) for n in range(1, 6)]
