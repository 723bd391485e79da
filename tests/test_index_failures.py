"""Broken photos, and detectors and networks that fail: each costs its own photo only, with a reason."""

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from db import photos
from db.values.box import Box
from facesearch.vision.decode import Limits
from indexer.report import Progress, Stage
from tests.support.index_runs import Runs
from tests.support.powers import without_root_powers
from tests.support.squares import GREEN, WHITE
from tests.support.stand_ins import DotColours, RedSquares, encoded, picture, save

pytestmark = pytest.mark.slow


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
