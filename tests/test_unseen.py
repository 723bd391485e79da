"""What a search did not see is said, however the last run ended."""

import json
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from db.unseen import Why
from facesearch.search.unseen import NOTHING_UNSEEN, unseen_by_searches
from indexer.batches import Size
from indexer.report import Progress, Stage
from tests.conftest import Program
from tests.support.index_runs import Runs
from tests.support.powers import without_root_powers
from tests.support.squares import GREEN, index
from tests.support.stand_ins import picture, save


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Thirty photos with a face each."""
    for number in range(30):
        save(tmp_path / "many" / f"{number:02}.png", picture((number * 8, 250, 0)))
    return tmp_path / "many"


def stopped_after(run: Runs, folder: Path, photos: int) -> int:
    """How many photos were looked at before the run was stopped."""
    stop = threading.Event()
    report = run(
        folder, progress=lambda now: stop.set() if now.done >= photos else None, stop=stop, batch=Size(faces=4)
    )
    assert report.interrupted
    return report.opened


def test_photos_that_a_stopped_run_did_not_come_to_are_counted_until_one_does(run: Runs, many: Path) -> None:
    done = stopped_after(run, many, 8)
    found = unseen_by_searches(run.catalogue)
    assert (found.waiting, found.photos, found.being_indexed) == (30 - done, 30, False)
    run(many)
    assert unseen_by_searches(run.catalogue) == NOTHING_UNSEEN


def test_a_run_over_another_folder_does_not_make_them_seen(run: Runs, many: Path, tmp_path: Path) -> None:
    done = stopped_after(run, many, 8)
    save(tmp_path / "other" / "1.png", picture(GREEN))
    run(tmp_path / "other")
    found = unseen_by_searches(run.catalogue)
    assert (found.waiting, found.photos) == (30 - done, 31)


def test_a_photo_that_waits_and_is_deleted_waits_no_longer(run: Runs, many: Path) -> None:
    done = stopped_after(run, many, 8)
    for each in sorted(many.iterdir())[done:]:
        each.unlink()
    run(many)
    assert unseen_by_searches(run.catalogue) == NOTHING_UNSEEN


def test_a_photo_that_was_changed_waits_as_well(run: Runs, many: Path) -> None:
    run(many)
    for number, each in enumerate(many.iterdir()):
        save(each, picture((0, 0, number * 8), size=(300, 150)))
    done = stopped_after(run, many, 8)
    found = unseen_by_searches(run.catalogue)
    assert (found.waiting, found.photos) == (30 - done, 30)


def test_a_run_at_work_is_told_from_one_that_was_stopped(run: Runs, many: Path) -> None:
    seen = []

    def look(now: Progress) -> None:
        if now.stage is Stage.PHOTOS and now.done >= 8:
            seen.append(unseen_by_searches(run.catalogue))

    run(many, progress=look, batch=Size(faces=4))
    assert seen[0].being_indexed and 0 < seen[0].waiting <= 22
    assert not unseen_by_searches(run.catalogue).being_indexed


def test_another_process_sees_that_a_run_is_at_work(run: Runs, many: Path) -> None:
    script = "import sys; from db.catalogue import open_catalogue; print(open_catalogue(sys.argv[1]).is_indexed_now)"
    asked = [sys.executable, "-c", script, str(run.catalogue.path)]
    seen = []

    def ask(now: Progress) -> None:
        if now.stage is Stage.PHOTOS and not seen:
            seen.append(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())

    run(many, progress=ask)
    assert seen == ["True"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_a_folder_whose_listing_was_stopped_is_named(run: Runs, many: Path) -> None:
    stop = threading.Event()
    run(many, stop=stop, progress=lambda _: stop.set())
    assert unseen_by_searches(run.catalogue).unlisted == (str(many),)
    run(many)
    assert unseen_by_searches(run.catalogue) == NOTHING_UNSEEN


def test_a_part_that_was_listed_does_not_make_the_whole_folder_so(run: Runs, many: Path) -> None:
    save(many / "sub" / "1.png", picture(GREEN))
    stop = threading.Event()
    run(many, stop=stop, progress=lambda _: stop.set())
    run(many / "sub")
    assert unseen_by_searches(run.catalogue).unlisted == (str(many),)


def test_folders_that_could_not_be_looked_into_are_named_with_the_reason(run: Runs, many: Path, tmp_path: Path) -> None:
    save(many / "drive" / "1.png", picture(GREEN))
    save(many / "locked" / "1.png", picture(GREEN))
    (tmp_path / "elsewhere").mkdir()
    (many / "away").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (many / "round").symlink_to(many, target_is_directory=True)
    run(many)
    (many / "drive" / "1.png").unlink()
    (many / "locked").chmod(0)
    with without_root_powers():
        run(many)
    (many / "locked").chmod(0o700)
    assert unseen_by_searches(run.catalogue).out_of_reach == (
        (str(many / "away"), Why.LINK),
        (str(many / "drive"), Why.EMPTY),
        (str(many / "locked"), Why.UNREADABLE),
    )


def test_failures_unread_formats_and_absent_folders_count(run: Runs, many: Path, tmp_path: Path) -> None:
    (many / "letter.jpg").write_text("Dear Sir or Madam")
    (many / "drawing").write_bytes(b"gimp xcf v011" + bytes(30))
    run(many)
    found = unseen_by_searches(run.catalogue)
    assert (found.failed, found.unreadable) == (1, {"GIMP XCF": 1})
    many.rename(tmp_path / "moved")
    assert unseen_by_searches(run.catalogue).absent == (str(many),)


def test_what_fails_once_more_does_not_wait(run: Runs, many: Path) -> None:
    (many / "gone.png").symlink_to(many / "nowhere.png")
    run(many)
    assert unseen_by_searches(run.catalogue).waiting == 0
    run(many)
    assert unseen_by_searches(run.catalogue).waiting == 0


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

    with open_catalogue(Path(sys.argv[1]), create=True) as catalogue:
        index_folders(
            catalogue, [Path(sys.argv[2])], model=model("first"), new_scorer=DotColours, new_detector=RedSquares,
            detector="red-squares", progress=die, batch=Size(faces=4), workers=1,
        )
"""


def test_after_a_kill_search_status_and_json_say_what_waits(facesearch: Program, many: Path, tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), str(path), str(many)], check=False)
    assert killed.returncode == -signal.SIGKILL
    ran = facesearch("search", "stubble", "--catalogue", path, "--json")
    told = json.loads(ran.out)
    waiting = told["unseen"]["photos_waiting"]
    said = f"{waiting} of 30 photos have not been looked at yet"
    sentence = f"{said}: the index run was stopped; `facesearch index` goes on."
    assert 0 < waiting < 30
    assert sentence in ran.err.splitlines() and sentence in told["remarks"]
    page = tmp_path / "hits.html"
    facesearch("search", "stubble", "--catalogue", path, "--html", page)
    assert said in page.read_text()
    status = " ".join(facesearch("status", "--catalogue", path).out.split())
    assert f"Not searched {sentence}" in status
    assert "broken off" in status


def test_a_search_that_saw_everything_says_nothing(facesearch: Program, many: Path, tmp_path: Path) -> None:
    path = index(tmp_path / "faces.db", many)
    ran = facesearch("search", "stubble", "--catalogue", path)
    assert "looked at" not in ran.err and "Not searched" not in facesearch("status", "--catalogue", path).out
