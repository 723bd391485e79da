"""Files as the command line meets them: what is written where, pipes, odd terminals, marks, patterns."""

import codecs
import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from db import faults
from db.catalogue import open_catalogue
from indexer.pipeline import index_folders
from indexer.selection import Choice
from tests.conftest import Program
from tests.support.squares import album, index
from tests.support.stand_ins import DotColours, RedSquares, model, picture, save

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    album(tmp_path / "album")
    return index(tmp_path / "catalogue" / "faces.db", tmp_path / "album")


def test_a_csv_file_has_a_byte_order_mark_and_stdout_has_none(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    file, plain = tmp_path / "out.csv", tmp_path / "plain.csv"
    assert facesearch("search", "stubble", "--csv", file, "--catalogue", catalogue).code == 0
    assert facesearch("search", "stubble", "--csv", plain, "--csv-plain", "--catalogue", catalogue).code == 0
    assert file.read_bytes().startswith(codecs.BOM_UTF8 + b"rank,") and plain.read_bytes().startswith(b"rank,")
    assert len(file.read_text(encoding="utf-8-sig")) == len(plain.read_text())  # each names its own row of the log
    on_stdout = facesearch("search", "stubble", "--csv", "-", "--catalogue", catalogue).out
    assert on_stdout.startswith("rank,")
    assert facesearch("search", "stubble", "--csv-plain", "--catalogue", catalogue).code == 2


@pytest.mark.parametrize("option", ["--csv", "--html"])
def test_nothing_is_written_into_an_indexed_folder(
    facesearch: Program, catalogue: Path, tmp_path: Path, option: str
) -> None:
    (tmp_path / "album" / "sub").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "album" / "sub")
    before = sorted(tmp_path.rglob("*"))
    for file in (tmp_path / "album" / "x.out", tmp_path / "album" / "sub" / "x.out", tmp_path / "link" / "x.out"):
        ran = facesearch("search", "stubble", option, file, "--catalogue", catalogue)
        assert ran.code == 2 and "which is indexed, and nothing is ever written" in ran.err
    assert [path for path in sorted(tmp_path.rglob("*")) if catalogue.parent not in path.parents] == [
        path for path in before if catalogue.parent not in path.parents
    ]


def test_no_catalogue_is_made_in_a_folder_of_photos(facesearch: Program, checkpoint: Path, tmp_path: Path) -> None:
    folder = album(tmp_path / "album")
    before = sorted(folder.rglob("*"))
    inside = folder / "new" / "faces.db"
    ran = facesearch("index", folder, "--catalogue", inside, "--checkpoint", checkpoint)
    assert ran.code == 2 and "name a place outside it" in ran.err
    assert sorted(folder.rglob("*")) == before


def test_hits_from_recycle_bins_and_hidden_folders_are_marked(facesearch: Program, tmp_path: Path) -> None:
    for number, folder in enumerate((".", "$RECYCLE.BIN/S-1-5", ".private", ".thumbnails", "#snapshot")):
        save(tmp_path / "disk" / folder / f"{number}.png", picture((250, 10 * number, 0)))
    found = RedSquares()
    with open_catalogue(tmp_path / "faces.db", create=True) as opened:
        index_folders(
            opened,
            [tmp_path / "disk"],
            model=model(),
            new_scorer=DotColours,
            new_detector=lambda: found,
            detector=found.name,
            choice=Choice(everything=True),
        )
    ran = facesearch("search", "stubble", "--csv", "-", "--catalogue", tmp_path / "faces.db")
    rows = csv.DictReader(io.StringIO(ran.out))
    assert {Path(row["photo"]).name: row["found_in"] for row in rows} == {
        "0.png": "", "1.png": "recycle bin", "2.png": "hidden", "3.png": "hidden: thumbnails", "4.png": "snapshot",
    }  # fmt: skip
    table = facesearch("search", "stubble", "--catalogue", tmp_path / "faces.db").out
    assert "(recycle bin)" in table and "(hidden)" in table
    page = tmp_path / "page.html"
    assert facesearch("search", "stubble", "--html", page, "--catalogue", tmp_path / "faces.db").code == 0
    assert "recycle bin" in page.read_text()
    assert "hidden and system folders are looked at" in facesearch("roots", "--catalogue", tmp_path / "faces.db").out


def test_patterns_are_kept_and_shown(facesearch: Program, catalogue: Path, checkpoint: Path, tmp_path: Path) -> None:
    ran = facesearch(
        "index", tmp_path / "album", "--exclude", "green*", "--exclude", "raw/", "--catalogue", catalogue,
        "--checkpoint", checkpoint,
    )  # fmt: skip
    assert ran.code == 0 and "Photos that left the results, since they are excluded now: 1" in ran.out
    listed = facesearch("roots", "--catalogue", catalogue).out
    assert "1 photo excluded, by green*  raw/" in listed
    assert "1 excluded" in facesearch("status", "--catalogue", catalogue).out
    refused = facesearch("index", "--exclude", "#recycle", "--catalogue", catalogue, "--checkpoint", checkpoint)
    assert refused.code == 2 and "comment in gitignore syntax" in refused.err


def test_a_folder_with_other_photos_is_not_taken_for_the_moved_one(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    save(tmp_path / "other" / "green.png", picture())
    ran = facesearch("roots", "--moved", tmp_path / "album", tmp_path / "other", "--catalogue", catalogue)
    assert ran.code == 2 and "holds none of the photos" in ran.err
    assert str(tmp_path / "album") in facesearch("roots", "--catalogue", catalogue).out


def piped(data: bytes, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    program = [sys.executable, "-c", "from cli.main import main; main()", *map(str, arguments)]
    return subprocess.run(program, input=data, capture_output=True, cwd=PROJECT, timeout=300, check=False)


def test_a_photo_may_come_through_a_pipe(gallery: Path, checkpoint: Path) -> None:
    photo = (gallery / "man-stubble.jpg").read_bytes()
    ran = piped(photo, "score", "-", "--csv", "-", "--checkpoint", checkpoint)
    assert ran.returncode == 0 and b"\r\n/dev/stdin,0," in ran.stdout, ran.stderr
    empty = piped(b"", "score", "-", "--checkpoint", checkpoint)
    assert empty.returncode == 3 and b"empty" in empty.stderr and b"Traceback" not in empty.stderr


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_no_photo_and_is_not_waited_for(
    facesearch: Program, checkpoint: Path, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "x.jpg"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    ran = facesearch("score", path, "--checkpoint", checkpoint)
    assert ran.code == 3 and f"it is a {kind}, no file" in ran.err


@pytest.mark.parametrize("columns", ["0", "1", "-3", "wide"])
def test_a_terminal_that_does_not_know_its_width_shows_the_hits(
    facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert "green.png" in facesearch("search", "stubble", "--catalogue", catalogue).out.replace("\n", "")
    assert facesearch("status", "--catalogue", catalogue).code == 0


def test_a_working_folder_that_is_gone_is_said_and_absolute_paths_go_on(
    facesearch: Program, catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert facesearch("search", "stubble", "--catalogue", catalogue).code == 0
    ran = facesearch("search", "stubble", "--catalogue", "faces.db")
    assert ran.code == 3 and "working folder is no longer there" in ran.err
    monkeypatch.chdir(tmp_path)


def test_a_working_folder_that_is_gone_keeps_no_photo_from_being_scored(
    checkpoint: Path, gallery: Path, tmp_path: Path
) -> None:
    """In a process of its own: what torch loads ends it where it cannot tell the working folder."""
    (tmp_path / "gone").mkdir()
    script = (
        f"cd {tmp_path}/gone && rmdir ../gone && exec {sys.executable} -c 'from cli.main import main; main()' \"$@\""
    )

    def score(photo: str) -> "subprocess.CompletedProcess[str]":
        arguments = ["score", photo, "--checkpoint", str(checkpoint)]
        (tmp_path / "gone").mkdir(exist_ok=True)
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        return subprocess.run(
            ["sh", "-c", script, "sh", *arguments], capture_output=True, text=True, check=False, env=environment
        )

    ran = score(str(gallery / "man-stubble.jpg"))
    assert ran.returncode == 0 and "man" in ran.stdout, ran.stderr
    ran = score("man-stubble.jpg")
    assert ran.returncode == 3 and "There is no file man-stubble.jpg" in ran.stderr


def test_without_a_home_the_catalogue_has_to_be_named(
    facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 5)  # whom no system knows
    ran = facesearch("search", "stubble")
    assert ran.code == 3 and "name a catalogue with --catalogue" in ran.err
    assert facesearch("search", "stubble", "--catalogue", catalogue).code == 0


def test_faults_are_printed_with_their_tracebacks(facesearch: Program, catalogue: Path) -> None:
    assert "No fault is on record" in facesearch("status", "--log", "--catalogue", catalogue).out
    with open_catalogue(catalogue) as opened, opened.write() as session:
        faults.note(session, [(b"/photos/a.jpg", "it cannot be decoded (odd)", "Traceback ...\n  ValueError: odd\n")])
    ran = facesearch("status", "--log", "--catalogue", catalogue)
    assert "/photos/a.jpg: it cannot be decoded (odd)" in ran.out and "ValueError: odd" in ran.out
    assert "1 on record" in facesearch("status", "--catalogue", catalogue).out
