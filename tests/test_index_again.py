"""Photos that a newer version can make more of are looked at again: in one read, resumable, faces keep their numbers.

Today's detector (`RedSquares`, version 1 of its rules) misses all but the leftmost face of dark photos.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cli.terminal.interrupt import stop_on_signal
from db import faces, models, photos, runs, snapshot
from db.catalogue import open_catalogue
from db.errors import FaceUnfound
from db.photo_filters import faces_of
from db.values.box import Box
from db.values.photo import Outcome
from db.values.photo_filter import PhotoFilter
from facesearch.vision.decode import DECODER, Limits
from facesearch.vision.detection import Detection
from indexer.batches import Size
from indexer.report import Progress, Stage
from tests.support.catalogues import make_version
from tests.support.index_runs import Runs, without_known_change_times
from tests.support.powers import ctrl_c_interrupts, without_root_powers
from tests.support.stand_ins import DARK, NAME, DotColours, RedSquares, encoded, picture, save

pytestmark = pytest.mark.slow

GREEN, BLUE, WHITE, BLACK = (0, 250, 0), (0, 0, 250), (250, 250, 250), (0, 0, 0)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Runs]:
    with open_catalogue(tmp_path / "catalogue" / "faces.db", create=True) as catalogue:
        yield Runs(catalogue)


class Version(RedSquares):
    """A version of the detector with rules of its own: boxes lie `right` pixels further right and are `wider`, faces
    with these left edges are missed, and photos in which a test says so are none it can look at."""

    def __init__(
        self,
        rules: int,
        *,
        right: float = 0,
        wider: float = 0,
        misses: Collection[int] = (),
        fails: dict[int, Exception] | None = None,
    ) -> None:
        super().__init__(fails, rules=rules)
        self.right, self.wider, self.misses = right, wider, misses

    def _one(self, image: np.ndarray) -> list[Detection]:
        return [
            replace(each, box=replace(each.box, x=each.box.x + self.right, width=each.box.width + self.wider))
            for each in super()._one(image)
            if round(each.box.x) not in self.misses
        ]


def album(folder: Path, photos: int = 5) -> Path:
    """Dark photos of two faces each, taken on days of July 2019 by a Canon."""
    for number in range(1, photos + 1):
        block = Image.Exif()
        block[0x010F], block[0x0110] = "Canon", "Canon EOS 80D"
        block.get_ifd(0x8769)[0x9003] = f"2019:07:{number:02} 12:30:59"
        image = picture(GREEN, BLUE, size=(200 + number, 120), ground=DARK)
        save(folder / f"{number:02}.png", image, exif=block)
    return folder


NAMES = ["01.png", "02.png", "03.png", "04.png", "05.png"]


def older(run: Runs, version: int) -> None:
    """As if everything so far had been indexed by the program of this schema version."""
    run.catalogue.close()
    make_version(run.catalogue.path, version)
    run.catalogue = open_catalogue(run.catalogue.path)


def stored(run: Runs, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(run.catalogue.path) as rows:
        return rows.execute(query).fetchall()


def when(stage: Stage, done: int, act: Callable[[], object]) -> Callable[[Progress], None]:
    """Act once, when so many photos are done at this stage."""
    acted: list[int] = []

    def tell(now: Progress) -> None:
        if now.stage is stage and now.done >= done and not acted:
            acted.append(now.done)
            act()

    return tell


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


# Faces


def test_a_face_that_is_found_again_keeps_its_number_and_has_its_new_place_and_scores(
    run: Runs, tmp_path: Path
) -> None:
    save(tmp_path / "album" / "a.png", picture(GREEN, BLUE))
    run(tmp_path / "album")
    before = run.logits()["a.png"]
    run.detector, run.scorer = Version(2, right=6, wider=4), DotColours(sign=0.5)
    report = run()
    assert (report.again, report.gained, report.unfound) == (1, 0, 0)
    assert run.visible() == {1: ("a.png", 16), 2: ("a.png", 80)}
    assert run.logits()["a.png"] != before
    assert stored(run, "SELECT x, y, width, height FROM faces WHERE id = 1") == [(16, 30, 52, 48)]
    assert stored(run, "SELECT count(*), sum(stale) FROM scores") == [(2, 0)]


def test_a_face_that_is_not_found_again_stays_on_record_and_comes_back_under_its_number(
    run: Runs, tmp_path: Path
) -> None:
    save(tmp_path / "album" / "a.png", picture(GREEN, BLUE))
    save(tmp_path / "album" / "z.png", picture(WHITE, size=(300, 120)).transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    run(tmp_path / "album")
    run.detector = Version(2, misses=[10])
    report = run()
    assert (report.gained, report.unfound, report.changed) == (0, 1, {})
    assert run.visible() == {2: ("a.png", 74), 3: ("z.png", 242)}
    with run.catalogue.read() as session:
        counts = photos.counts(session)
        assert (counts.faces, counts.hidden, counts.unfound) == (2, 0, 1)
        with pytest.raises(FaceUnfound, match=r"the newest look at its photo .*a\.png does not find it again"):
            faces.in_full(session, 1)
    (tmp_path / "album" / "a.png").rename(tmp_path / "a.png")
    run()
    (tmp_path / "a.png").rename(tmp_path / "album" / "a.png")
    assert run().returned == 1
    assert run.visible() == {2: ("a.png", 74), 3: ("z.png", 242)}, "its photo comes back, and it does not"

    run.model, run.scorer = "second", DotColours(sign=-1.0)
    report = run()
    assert (report.rescored, report.waiting, report.serving) == (2, 0, True)
    run.detector = Version(3, right=3)
    report = run()
    assert (report.gained, report.unfound) == (1, 0)
    assert run.visible() == {1: ("a.png", 13), 2: ("a.png", 77), 3: ("z.png", 245)}
    assert run.logits()["a.png"][0] > 0, "scored by the network in use"
    save(tmp_path / "album" / "b.png", picture(WHITE))
    run()
    assert max(run.visible()) == 4


def test_a_photo_that_loses_its_last_face_is_one_without(run: Runs, tmp_path: Path) -> None:
    save(tmp_path / "album" / "a.png", picture(GREEN))
    run(tmp_path / "album")
    run.detector = Version(2, misses=[10])
    report = run()
    assert (report.indexed, report.no_face, report.unfound) == (0, 1, 1)
    assert report.changed == {(Outcome.INDEXED, Outcome.NO_FACE): 1}
    assert run.visible() == {} and snapshot.state_of(run.catalogue).condition is snapshot.Condition.EMPTY
    run.detector = Version(3)
    assert run().changed == {(Outcome.NO_FACE, Outcome.INDEXED): 1}
    assert run.visible() == {1: ("a.png", 10)}


@pytest.mark.parametrize("in_the_catalogue", [True, False])
def test_searches_find_what_the_new_look_found_with_and_without_a_snapshot(
    run: Runs, tmp_path: Path, in_the_catalogue: bool
) -> None:
    for number in range(60):
        save(tmp_path / "many" / f"{number:02}.png", picture((number * 4, 250, 0), size=(200 + number, 120)))
    run(tmp_path / "many")
    run.detector = Version(2, right=5, fails={width: ValueError() for width in range(202, 300)})
    run()
    assert snapshot.state_of(run.catalogue).behind == 2, "few enough to be read from the tables"
    if not in_the_catalogue:
        shutil.rmtree(run.catalogue.folder)
    assert sorted(edge for _, edge in run.visible().values()) == [10] * 58 + [15] * 2


# Another network


def test_another_network_and_another_version_are_one_read_and_no_face_is_lost_meanwhile(
    run: Runs, tmp_path: Path
) -> None:
    run(album(tmp_path / "album", 3), album(tmp_path / "drive", 4))
    before = run.visible()
    former = run.logits()
    (tmp_path / "drive").rename(tmp_path / "unplugged")
    run.model, run.scorer, run.detector = "second", DotColours(sign=-1.0), Version(2, right=6)
    report = run()
    assert run.opened == ["01.png", "02.png", "03.png"]
    assert (report.again, report.gained, report.rescored, report.waiting, report.serving) == (3, 3, 0, 1, False)
    assert report.unsearchable == 3, "new faces, which only the new network has scored"
    assert run.visible().keys() == before.keys()
    assert run.logits() == {**former}, "the former scores serve, of the former places"

    run.model, run.scorer = "first", DotColours()  # back to the former network
    report = run()
    assert (report.rescored, report.serving) == (6, True), "at the new places"
    assert stored(run, "SELECT sum(stale) FROM scores, models ON models.id = model_id WHERE models.id = 1") == [(0,)]
    (tmp_path / "unplugged").rename(tmp_path / "drive")
    run.model, run.scorer = "second", DotColours(sign=-1.0)
    report = run()
    assert (report.again, report.rescored, report.waiting, report.serving) == (1, 0, 0, True)
    assert len(run.visible()) == 8


# Faults


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


def test_the_serving_network_is_known_to_have_scored_the_new_places(run: Runs, tmp_path: Path) -> None:
    run(album(tmp_path / "album", 2))
    run.detector = Version(2, right=4)
    run()
    with run.catalogue.read() as session:
        serving = models.serving_id(session)
        assert serving is not None and faces.unscored_count(session, serving) == 0
        assert faces.of_photo(session, stored_digest(run)) == {1: Box(14, 30, 48, 48), 3: Box(78, 30, 48, 48)}


def stored_digest(run: Runs) -> str:
    return bytes(stored(run, "SELECT sha256 FROM photos WHERE id = 1")[0][0]).hex()
