"""Which catalogue `facesearch search` opens, the names of files that it prints, and the files that it writes."""

import json
import os
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import YESTERDAYS, Program
from tests.support.powers import names_of_any_bytes, without_root_powers
from tests.support.squares import GREEN, index
from tests.support.stand_ins import picture, save
from tests.support.tables import rows


class TestWhichCatalogue:
    def test_may_be_said_before_the_command(self, facesearch: Program, catalogue: Path) -> None:
        assert facesearch("--catalogue", catalogue, "search", "stubble").code == 0

    def test_may_be_said_by_the_environment(
        self, facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FACESEARCH_CATALOGUE", str(catalogue))
        ran = facesearch("search", "stubble")
        assert ran.code == 0 and f"Catalogue: {catalogue}" in ran.err

    def test_the_command_line_wins_over_the_environment(
        self, facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FACESEARCH_CATALOGUE", "/nowhere/faces.db")
        assert facesearch("search", "stubble", "--catalogue", catalogue).code == 0

    def test_two_different_ones_are_refused(self, facesearch: Program, catalogue: Path) -> None:
        ran = facesearch("--catalogue", "other.db", "search", "stubble", "--catalogue", catalogue)
        assert ran.code == 2 and "other.db" in ran.err

    def test_else_lies_in_the_users_data_folder(self, facesearch: Program) -> None:
        ran = facesearch("search", "stubble")
        assert ran.code == 3
        assert os.environ["HOME"] in ran.err.splitlines()[0]
        assert "facesearch index FOLDER" in ran.err

    def test_a_file_that_is_none_exits_with_3(self, facesearch: Program, tmp_path: Path) -> None:
        alien = tmp_path / "letter.txt"
        alien.write_text("Dear Sir or Madam")
        ran = facesearch("search", "stubble", "--catalogue", alien)
        assert ran.code == 3 and "is not a catalogue" in ran.err
        assert alien.read_text() == "Dear Sir or Madam"

    def test_one_of_a_newer_version_exits_with_3(self, facesearch: Program, own: Path) -> None:
        with sqlite3.connect(own) as connection:
            connection.execute("PRAGMA user_version = 99")
        ran = facesearch("search", "stubble", "--catalogue", own)
        assert ran.code == 3 and "newer version" in ran.err

    def test_an_empty_one_says_what_to_do(self, facesearch: Program, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        ran = facesearch("search", "stubble", "--catalogue", index(tmp_path / "faces.db", tmp_path / "empty"))
        assert ran.code == 3 and "facesearch index" in ran.err

    def test_a_read_only_one_is_searched(self, facesearch: Program, own: Path) -> None:
        own.chmod(0o400)
        own.parent.chmod(0o500)
        try:
            with without_root_powers():
                ran = facesearch("search", "stubble", "--catalogue", own)
        finally:
            own.parent.chmod(0o700)
        assert ran.code == 0, ran.err
        assert "green.png" in ran.out and "read-only" in ran.err


class TestNamesOfFiles:
    def find(self, facesearch: Program, folder: Path, name: bytes, *options: str) -> str:
        save(folder / "x.png", picture(GREEN))
        os.rename(os.fsencode(folder / "x.png"), os.fsencode(folder) + b"/" + name)  # noqa: PTH104 (bytes)
        catalogue = index(folder.parent / "faces.db", folder)
        ran = facesearch("search", "arched eyebrows", "--catalogue", catalogue, *options)
        assert ran.code == 0
        return ran.out

    @names_of_any_bytes
    def test_bytes_that_are_no_utf8_stay_as_they_are_in_csv(self, facesearch: Program, tmp_path: Path) -> None:
        out = self.find(facesearch, tmp_path / "a", b"caf\xe9.png", "--csv", "-")
        assert os.fsencode(rows(out)[0]["photo"]) == os.fsencode(tmp_path / "a") + b"/caf\xe9.png"

    @names_of_any_bytes
    def test_bytes_that_are_no_utf8_can_be_had_back_from_json(self, facesearch: Program, tmp_path: Path) -> None:
        out = self.find(facesearch, tmp_path / "a", b"caf\xe9.png", "--json")
        out.encode("ascii")
        assert os.fsencode(json.loads(out)["hits"][0]["photo"]) == os.fsencode(tmp_path / "a") + b"/caf\xe9.png"

    def test_letters_of_any_alphabet_stand_in_json_as_themselves(self, facesearch: Program, tmp_path: Path) -> None:
        assert "Фото 1.png" in self.find(facesearch, tmp_path / "a", "Фото 1.png".encode(), "--json")

    @names_of_any_bytes
    def test_what_could_steer_a_terminal_is_escaped_in_the_table(self, facesearch: Program, tmp_path: Path) -> None:
        out = self.find(facesearch, tmp_path / "a", b"a\x1b[2J\n\xe2\x80\xaeb\xff [red].png")
        assert "a\\x1b[2J\\n\\u202eb\\xff [red].png" in out
        assert "\x1b" not in out

    def test_a_line_break_in_a_name_stays_within_its_csv_field(self, facesearch: Program, tmp_path: Path) -> None:
        out = self.find(facesearch, tmp_path / "a", b'=1+1\n"@x",y.png', "--csv", "-")
        found = rows(out)
        assert len(found) == 1
        assert found[0]["photo"] == f'{tmp_path / "a"}/=1+1\n"@x",y.png'
        assert found[0]["photo"].startswith("/")  # never a formula


class TestOutputFiles:
    def test_are_refused_before_the_search_where_they_cannot_be_written(
        self, facesearch: Program, catalogue: Path, tmp_path: Path
    ) -> None:
        ran = facesearch("search", "stubble", "--catalogue", catalogue, "--csv", tmp_path / "nowhere" / "out.csv")
        assert ran.code == 3
        assert "nowhere" in ran.err and "Faces searched" not in ran.err and ran.out == ""

    def test_may_not_be_folders(self, facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
        assert facesearch("search", "stubble", "--catalogue", catalogue, "--html", tmp_path).code == 3

    def test_never_replace_the_catalogue_or_a_photo(self, facesearch: Program, own: Path, tmp_path: Path) -> None:
        photo = tmp_path / "album" / "green.png"
        before = own.read_bytes(), photo.read_bytes()
        (tmp_path / "link").symlink_to(own)
        for slip in (own, tmp_path / "link", photo):
            assert facesearch("search", "stubble", "--catalogue", own, "--csv", slip).code == 2
        assert (own.read_bytes(), photo.read_bytes()) == before

    def test_keep_their_former_content_when_the_search_fails(self, facesearch: Program, tmp_path: Path) -> None:
        (tmp_path / "out.csv").write_text(YESTERDAYS)
        ran = facesearch("search", "stubble", "--catalogue", tmp_path / "none.db", "--csv", tmp_path / "out.csv")
        assert ran.code == 3
        assert (tmp_path / "out.csv").read_text() == YESTERDAYS
        assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]

    def test_may_be_devices(self, facesearch: Program, catalogue: Path) -> None:
        assert facesearch("search", "stubble", "--catalogue", catalogue, "--csv", "/dev/null").code == 0

    def test_follow_a_link_and_keep_the_files_mode(self, facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
        file = tmp_path / "real.csv"
        file.write_text("")
        file.chmod(0o640)
        (tmp_path / "link.csv").symlink_to(file)
        assert facesearch("search", "stubble", "--catalogue", catalogue, "--csv", tmp_path / "link.csv").code == 0
        assert (tmp_path / "link.csv").is_symlink()
        assert file.stat().st_mode & 0o777 == 0o640 and file.stat().st_size > 0
