"""Index runs that are killed, searched meanwhile, and run into a full disk end like one that was left alone.

`make test` tries some moments, `make soak` many.
"""

import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from sqlalchemy import text

from db.catalogue import open_catalogue
from db.errors import CatalogueFull
from tests.support.labelled import GALLERY, noise
from tests.support.powers import FOREGROUND_PROGRAM
from tests.support.stand_ins import picture, save

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parent.parent
Rows = list[tuple[object, ...]]


def photos(folder: Path, number: int) -> Path:
    """So many photos: the gallery's in variants, some without a face, copies, damaged ones, other formats."""
    folder.mkdir()
    pictures = [Image.open(path).convert("RGB") for path in sorted(GALLERY.glob("[gmw]*.jpg"))]
    for place in range(number):
        image, variant = pictures[place % len(pictures)], place // len(pictures)
        name = folder / f"{place % 7}" / f"{place:04}.jpg"
        name.parent.mkdir(exist_ok=True)
        if place % 17 == 3:
            noise(200, 150, place).save(name.with_suffix(".png"))
        elif place % 17 == 8:
            name.write_bytes(b"\xff\xd8\xff\xe0" + bytes([place % 256]) * 200)
        elif place % 17 == 12:
            ImageEnhance.Brightness(image).enhance(0.8 + 0.01 * variant).save(name.with_suffix(".tiff"))
        else:
            ImageEnhance.Brightness(image).enhance(0.7 + 0.05 * variant).save(name, quality=90)
    for name in sorted(folder.rglob("*.jpg"))[:: max(1, number // 8)]:
        shutil.copy(name, name.with_name(f"copy of {name.name}"))
    return folder


@dataclass(frozen=True)
class State:
    """What a catalogue holds, with every id, and logits apart."""

    photos: Rows
    files: Rows
    faces: Rows
    logits: np.ndarray


_PHOTOS = "id, sha256, size, outcome, reason, retry, width, height, format, taken, camera, pages, unlooked, notice"
_FILES = "id, root_id, path, size, photo_id, missing_since, left_out, reason, retry"
_FACES = "id, photo_id, x, y, width, height, detection, turned, landmarks, page, seconds, notice, hidden"


def state_of(catalogue: Path) -> State:
    with closing(sqlite3.connect(catalogue)) as rows:
        logits = rows.execute("SELECT logits FROM scores ORDER BY face_id, model_id").fetchall()
        return State(
            rows.execute(f"SELECT {_PHOTOS} FROM photos ORDER BY id").fetchall(),
            rows.execute(f"SELECT {_FILES} FROM files ORDER BY id").fetchall(),
            rows.execute(f"SELECT {_FACES} FROM faces ORDER BY id").fetchall(),
            np.array([np.frombuffer(blob, "<f4") for (blob,) in logits]),
        )


def assert_alike(one: State, other: State) -> None:
    assert one.photos == other.photos
    assert one.files == other.files
    assert one.faces == other.faces
    np.testing.assert_allclose(one.logits, other.logits, atol=1e-4)


def start(catalogue: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", FOREGROUND_PROGRAM, *map(str, arguments), "--catalogue", str(catalogue)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT)


def wait_for_the_network(program: subprocess.Popen[str]) -> str:
    """Until photos are being processed; what was said until then."""
    assert program.stderr is not None
    said = ""
    while "Network:" not in said:
        line = program.stderr.readline()
        if not line:
            return said
        said += line
    return said


def index(catalogue: Path, folder: Path) -> float:
    """A run that is left alone; how many seconds it took from when the network was there."""
    program = start(catalogue, "index", "--look", "quick", folder)
    said = wait_for_the_network(program)
    began = time.monotonic()
    _, err = program.communicate()
    assert program.returncode == 0, said + err
    return time.monotonic() - began


def kill_at_random_moments(tmp_path: Path, number: int, kills: int, seed: int) -> None:
    """Every other one while photos are processed, the others at any moment from the start on."""
    chance = random.Random(seed)
    folder = photos(tmp_path / "album", number)
    seconds = index(tmp_path / "unbroken.db", folder)
    unbroken = state_of(tmp_path / "unbroken.db")
    done = tries = 0
    while done < kills:
        tries += 1
        catalogue = tmp_path / f"{tries}.db"
        while done < kills and not is_complete(catalogue, unbroken):
            program = start(catalogue, "index", "--look", "quick", folder)
            if done % 2:
                wait_for_the_network(program)
                wait = chance.uniform(0, seconds)
            else:
                wait = chance.uniform(0, seconds + 3)
            with suppress(subprocess.TimeoutExpired):
                program.wait(wait)
            program.send_signal(signal.SIGKILL)
            program.communicate()
            done += 1
        index(catalogue, folder)
        assert_alike(state_of(catalogue), unbroken)
        with closing(sqlite3.connect(catalogue)) as rows:
            assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def is_complete(catalogue: Path, unbroken: State) -> bool:
    if not catalogue.exists():
        return False
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(catalogue)) as rows:
        return bool(rows.execute("SELECT count(*) FROM files").fetchone() == (len(unbroken.files),))
    return False


def test_a_run_killed_at_random_moments_ends_like_an_unbroken_one(tmp_path: Path) -> None:
    kill_at_random_moments(tmp_path, 90, 12, seed=1)


@pytest.mark.soak
def test_a_run_killed_at_very_many_moments_ends_like_an_unbroken_one(tmp_path: Path) -> None:
    kill_at_random_moments(tmp_path, 300, 200, seed=2)


def search_during_a_run(tmp_path: Path, number: int) -> None:
    folder, catalogue = photos(tmp_path / "album", number), tmp_path / "faces.db"
    program = start(catalogue, "index", "--look", "quick", folder)
    while not has_faces(catalogue):
        with suppress(subprocess.TimeoutExpired):
            assert program.wait(0.05) == 0
    assert program.poll() is None

    def search(_: int) -> tuple[bool, int, str, str]:
        searching = start(catalogue, "search", "man", "--json", "--top", "all", "--min-detection", "0")
        out, err = searching.communicate()
        return program.poll() is None, searching.returncode, out, err

    with ThreadPoolExecutor(11) as threads:
        second = threads.submit(lambda: start(catalogue, "index", "--look", "quick", folder).communicate())
        searches = list(threads.map(search, range(10)))
        _, refusal = second.result()
    _, err = program.communicate()
    assert program.returncode == 0, err
    assert any(running for running, *_ in searches)
    assert "Another index run" in refusal and "Traceback" not in refusal
    assert len([line for line in refusal.splitlines() if line.startswith("Error:")]) == 1
    _, _, told, _ = search(0)
    final = faces_by_photo(told)
    for _, code, found, err in searches:
        assert code == 0, err
        assert "locked" not in err and "Traceback" not in err
        for path, faces in faces_by_photo(found).items():
            assert faces == final[path], "all faces of a photo come at once, and keep their numbers"


def has_faces(catalogue: Path) -> bool:
    """Whether the first batch is stored."""
    if not catalogue.exists():
        return False
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(catalogue)) as rows:
        return bool(rows.execute("SELECT count(*) FROM faces").fetchone()[0])
    return False


def faces_by_photo(told: str) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for hit in json.loads(told)["hits"]:
        found.setdefault(hit["photo"], set()).add(hit["face"])
    return found


def test_ten_searches_during_a_run_see_whole_photos_and_a_second_run_is_refused(tmp_path: Path) -> None:
    search_during_a_run(tmp_path, 150)


# A full disk

RUN = """
    import sys
    from pathlib import Path
    from db.catalogue import open_catalogue
    from indexer.batches import Size
    from indexer.pipeline import index_folders
    from tests.support.stand_ins import DotColours, RedSquares, model

    with open_catalogue(Path(sys.argv[1]), create=True) as catalogue:
        report = index_folders(
            catalogue, [sys.argv[2]], model=model(), new_scorer=DotColours, new_detector=RedSquares,
            detector="red-squares", batch=Size(faces=6), workers=1,
        )
    print(report.snapshot_problem or "", file=sys.stderr)
"""


@contextmanager
def disk(place: Path) -> Iterator[Path]:
    """A file system of its own, which a test may fill."""
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a file system of its own needs root: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill_disks(tmp_path: Path, disks: int, seed: int) -> None:
    """Leave a random amount of room, between none and all that a run needs."""
    chance = random.Random(seed)
    folder = tmp_path / "album"
    for number in range(60):
        save(folder / f"{number:02}.png", picture((number * 4, 250, 0), (0, 0, 250), (250, 250, 250)))
    command = [sys.executable, "-c", textwrap.dedent(RUN)]
    subprocess.run([*command, tmp_path / "unbroken.db", folder], check=True, cwd=PROJECT)
    unbroken = state_of(tmp_path / "unbroken.db")
    with disk(tmp_path / "disk") as place:
        for number in range(disks):
            catalogue, ballast = place / f"{number}.db", place / "ballast"
            room = chance.randrange(4096, 900_000)
            ballast.write_bytes(bytes(shutil.disk_usage(place).free - room))
            ran = subprocess.run([*command, catalogue, folder], capture_output=True, text=True, cwd=PROJECT)
            last = ran.stderr.strip().splitlines()[-1:] or [""]
            if ran.returncode:
                assert "no room left" in last[0], ran.stderr
            before = state_of(catalogue) if ran.returncode == 0 else None
            ballast.unlink()
            subprocess.run([*command, catalogue, folder], check=True, capture_output=True, cwd=PROJECT)
            assert_alike(state_of(catalogue), unbroken)
            assert before is None or before.faces == unbroken.faces
            for file in place.glob(f"{number}.db*"):
                shutil.rmtree(file) if file.is_dir() else file.unlink()


def test_a_disk_that_fills_at_any_write_loses_nothing(tmp_path: Path) -> None:
    fill_disks(tmp_path, 4, seed=1)


def test_a_new_catalogue_that_just_fits_on_the_disk_says_that_there_is_no_room(tmp_path: Path) -> None:
    """SQLite calls it a failure of the disk where the index of its log has no room."""
    with open_catalogue(tmp_path / "new.db", create=True):
        pass
    size = (tmp_path / "new.db").stat().st_size
    with disk(tmp_path / "disk") as place:
        for pages in range(-4, 24):
            room = size + pages * 4096
            (place / "ballast").write_bytes(bytes(shutil.disk_usage(place).free - room))
            with (
                suppress(CatalogueFull),
                open_catalogue(place / "some.db", create=True) as catalogue,
                catalogue.read() as session,
            ):
                assert session.execute(text("SELECT count(*) FROM faces")).scalar_one() == 0
            for file in place.iterdir():
                shutil.rmtree(file) if file.is_dir() else file.unlink()


@pytest.mark.soak
def test_disks_that_fill_at_very_many_writes_lose_nothing(tmp_path: Path) -> None:
    fill_disks(tmp_path, 60, seed=2)
