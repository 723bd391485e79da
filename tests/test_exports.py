"""Files that the program writes: for their owner only, and never in the place of somebody else's."""

import csv
from pathlib import Path

import pytest

from cli.report.files import replacing
from tests.conftest import Program
from tests.support.squares import album, index


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return index(tmp_path / "faces.db", album(tmp_path / "album"))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_new_files_can_be_read_by_their_owner_only(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("hits.csv", "hits.html", "face.html", "backup.db")]
    facesearch("search", "stubble", "--csv", files[0], "--html", files[1], "--catalogue", catalogue)
    facesearch("show", "1", "--html", files[2], "--catalogue", catalogue)
    facesearch("backup", files[3], "--catalogue", catalogue)
    assert [mode(each) for each in files] == [0o600] * 4


def test_a_file_of_ours_is_replaced_and_keeps_what_its_owner_has_allowed(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    files = tmp_path / "hits.csv", tmp_path / "hits.html"
    asked = ("search", "stubble", "--csv", files[0], "--html", files[1], "--catalogue", catalogue)
    assert facesearch(*asked).code == 0
    files[0].chmod(0o640)
    assert facesearch(*asked).code == 0 and mode(files[0]) == 0o640
    assert facesearch(*asked, "--csv-plain").code == 0
    assert facesearch("show", "1", "--html", files[1], "--catalogue", catalogue).code == 0


@pytest.mark.parametrize(
    "command",
    [
        ["search", "stubble", "--csv"],
        ["search", "stubble", "--html"],
        ["similar", "--face", "1", "--csv"],
        ["show", "1", "--html"],
        ["backup"],
    ],
)
def test_what_is_not_ours_is_replaced_on_request_alone(
    facesearch: Program, catalogue: Path, tmp_path: Path, command: list[str]
) -> None:
    letter = tmp_path / "letter"
    letter.write_text("Dear Sir,\n")
    ran = facesearch(*command, letter, "--catalogue", catalogue)
    assert ran.code == 2 and "--force" in ran.err and letter.read_text() == "Dear Sir,\n"
    assert facesearch(*command, letter, "--force", "--catalogue", catalogue).code == 0
    assert letter.read_bytes()[:9] != b"Dear Sir,"


def test_an_empty_file_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "new.csv").touch()
    with replacing(tmp_path / "new.csv") as file:
        file.write(b"x")
    assert (tmp_path / "new.csv").read_bytes() == b"x"


def test_force_is_no_way_around_the_other_rules(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    photo = tmp_path / "album" / "green.png"
    before = photo.read_bytes()
    for target in (catalogue, photo, tmp_path / "new.jpg", tmp_path / "album" / "new.csv"):
        ran = facesearch("search", "stubble", "--csv", target, "--force", "--catalogue", catalogue)
        assert ran.code == 2, target
    assert photo.read_bytes() == before


def test_a_table_in_a_file_holds_the_head_of_the_log(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    file = tmp_path / "hits.csv"
    facesearch("search", "stubble", "--csv", file, "--catalogue", catalogue)
    with file.open(newline="", encoding="utf-8-sig") as table:
        heads = {row["audit"] for row in csv.DictReader(table)}
    (head,) = heads
    assert head.startswith("2:")
    assert facesearch("audit", "verify", "--head", head, "--catalogue", catalogue).code == 0
    assert ",audit," not in facesearch("search", "stubble", "--csv", "-", "--catalogue", catalogue).out
