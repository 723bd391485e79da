"""A photo as a probe: what is said of one that cannot be used, whatever it fails on."""

from pathlib import Path

import cv2
import pytest

from facesearch.search.probe import ProbeError, look
from facesearch.vision.detection import DetectorError
from tests.support.powers import without_root_powers
from tests.support.stand_ins import DotColours, RedSquares, picture, save

BLUE, GREEN = (0, 0, 250), (0, 250, 0)


def test_a_detector_or_a_network_that_gives_up_on_a_photo_is_told_with_its_name(tmp_path: Path) -> None:
    photo = save(tmp_path / "a.png", picture(BLUE, GREEN))
    for trouble in (DetectorError("out of\nmemory"), MemoryError()):
        with pytest.raises(ProbeError, match=r"a\.png \((out of|not enough) memory\)"):
            look(photo, RedSquares(fails={200: trouble}))
    seen = look(photo, RedSquares())
    with pytest.raises(ProbeError, match=r"The faces in .*a\.png cannot be scored \(no room\)"):
        seen.logits(seen.faces, DotColours(fails_on_blue=cv2.error("no room")))  # type: ignore[arg-type]


def test_a_photo_that_is_not_there_and_one_that_may_not_be_read_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match=r"There is no file .*a\.png: check the path"):
        look(tmp_path / "a.png", RedSquares())
    photo = save(tmp_path / "closed" / "a.png", picture(BLUE))
    photo.parent.chmod(0)
    try:
        with without_root_powers(), pytest.raises(ProbeError, match="Permission denied"):
            look(photo, RedSquares())
    finally:
        photo.parent.chmod(0o700)
