"""Faces of photos that are looked at again: which keep their numbers, scores and places, and what searches find."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from db import faces, models, photos, snapshot
from db.errors import FaceUnfound
from db.values.box import Box
from db.values.photo import Outcome
from tests.support.index_runs import Runs
from tests.support.new_looks import Version, album, stored
from tests.support.squares import BLUE, GREEN, WHITE
from tests.support.stand_ins import DotColours, picture, save

pytestmark = pytest.mark.slow


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
