"""`facesearch search` as a user runs it: what stands on stdout, what on stderr, and how it exits."""

import csv
import hashlib
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from cli.report.tables import hit_table, print_hits, write_csv
from db.catalogue import open_catalogue
from facesearch.attributes import ATTRIBUTES, NAMES
from facesearch.query import parse
from facesearch.search.description import search
from facesearch.search.records import hit_records
from facesearch.search.request import Request
from tests.conftest import YESTERDAYS, Program
from tests.support.powers import names_of_any_bytes, without_root_powers
from tests.support.squares import BLACK, GREEN, WHITE, album, index
from tests.support.stand_ins import picture, save
from tests.support.terminals import in_terminal

CONTRACT = ["rank", "score", "photo", "face", "x", "y", "width", "height", "detection", "sha256", "model"]
LAST = [
    "turned",
    "explanation",
    "found_in",
    "behind",
    "searched",
    "fits",
    "hard_to_judge",
    "notice",
    "page",
    "seconds",
    "exhibit",
]
IN_FILES = [*LAST[:3], "audit", *LAST[3:]]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests that only search it."""
    folder = tmp_path_factory.mktemp("shared")
    return index(folder / "faces.db", album(folder / "album"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """One that a test may change, beside its album."""
    return index(tmp_path / "faces.db", album(tmp_path / "album"))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_best_face_stands_first_with_the_probability_of_each_word(facesearch: Program, catalogue: Path) -> None:
    ran = facesearch("search", "arched eyebrows, no stubble", "--catalogue", catalogue)
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert "arched eyebrows" in lines[0] and "no stubble" in lines[0]
    assert "green.png" in lines[2] and "0.529" in lines[2] and "72 %" in lines[2] and "73 %" in lines[2]
    assert len(lines) == 8  # heading, rule, three faces, how many to expect, the marks, and what hits are worth
    assert "a lead, not evidence" in lines[-1]


def test_remarks_and_the_reading_go_to_stderr(facesearch: Program, catalogue: Path) -> None:
    ran = facesearch("search", "arched eyebrows, teenager", "--catalogue", catalogue)
    assert f"Catalogue: {catalogue}" in ran.err
    assert "Searching for: arched eyebrows and young" in ran.err
    assert "knows no ages" in ran.err
    assert "Faces searched: 3" in ran.err
    assert "Catalogue" not in ran.out


def test_csv_on_stdout_is_all_that_stands_there(facesearch: Program, catalogue: Path) -> None:
    ran = facesearch("search", "stubble, woman", "--csv", "-", "--catalogue", catalogue)
    assert ran.out.startswith(",".join([*CONTRACT, "5_o_Clock_Shadow", "Male", *LAST]) + "\r\n")
    assert len(rows(ran.out)) == 3
    assert "lead" not in ran.out


def test_the_csv_column_is_the_probability_of_the_attribute_and_not_of_the_word(
    facesearch: Program, catalogue: Path
) -> None:
    found = rows(facesearch("search", "no stubble", "--csv", "-", "--catalogue", catalogue).out)
    assert [float(row["5_o_Clock_Shadow"]) for row in found] == pytest.approx([0.27, 0.27, 0.73], abs=0.01)
    assert [float(row["score"]) for row in found] == pytest.approx([0.73, 0.73, 0.27], abs=0.01)


def test_all_attributes_stand_in_csv_under_their_official_names(facesearch: Program, catalogue: Path) -> None:
    ran = facesearch("search", "stubble", "--csv", "-", "--all-attributes", "--catalogue", catalogue)
    assert ran.out.splitlines()[0].split(",") == [*CONTRACT, *NAMES, *LAST]


def test_a_row_says_where_the_face_is_and_which_bytes_hold_it(facesearch: Program, catalogue: Path) -> None:
    first = rows(facesearch("search", "arched eyebrows, no stubble", "--csv", "-", "--catalogue", catalogue).out)[0]
    photo = Path(first["photo"])
    assert photo.is_absolute() and photo.name == "green.png"
    assert [float(first[name]) for name in ("x", "y", "width", "height")] == [10, 30, 48, 48]
    assert first["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert len(first["model"]) == 12


def test_scores_and_probabilities_near_1_do_not_become_equal_or_1(catalogue: Path) -> None:
    scores = [1 - 1e-12, 1 - 2e-12, 1 - 3e-12]
    sure = np.full(40, 1 - 2**-20, np.float32)
    with open_catalogue(catalogue) as opened:
        result = search(opened, Request(parse("stubble")))
    hits = [replace(hit, score=score, probabilities=sure) for hit, score in zip(result.hits, scores, strict=True)]
    records = list(hit_records(replace(result, hits=hits), ATTRIBUTES))
    written: list[bytes] = []
    write_csv(written.append, ["score", "Bald"], records)
    found = rows(b"".join(written).decode())
    assert [float(row["score"]) for row in found] == scores
    assert {row["Bald"] for row in found} == {"0.999999046326"}


def test_json_holds_the_same_fields_as_csv(facesearch: Program, catalogue: Path) -> None:
    as_csv = rows(facesearch("search", "stubble", "--csv", "-", "--catalogue", catalogue).out)
    as_json = json.loads(facesearch("search", "stubble", "--json", "--catalogue", catalogue).out)["hits"]
    explanations = [
        (each.pop("explanation"), row.pop("explanation")) for each, row in zip(as_json, as_csv, strict=True)
    ]
    texts = [{name: "" if value is None else str(value) for name, value in each.items()} for each in as_json]
    assert texts == as_csv
    assert isinstance(as_json[0]["score"], float) and isinstance(as_json[0]["face"], int)
    for listed, said in explanations:
        assert said == f"stubble {listed[0]['probability'] * 100:.0f} % {listed[0]['mark']}"


def test_json_says_how_the_description_was_read_and_what_to_expect(facesearch: Program, catalogue: Path) -> None:
    ran = facesearch("search", "teenager with a scar, maybe stubble", "--json", "--top", "1", "--catalogue", catalogue)
    found = json.loads(ran.out)
    assert found["description"] == "teenager with a scar, maybe stubble"
    assert found["reading"] == "young and maybe stubble"
    assert found["not_scored"] == ["scar"]
    assert any("Left aside: scar" in each for each in found["remarks"])
    assert any("knows no ages" in each for each in found["remarks"])
    (age,) = [each for each in found["notices"] if each["kind"] == "age"]
    assert age["values"] == {"words": "teenager", "means": "young"}
    assert {each["message"] for each in found["notices"]} <= set(found["remarks"])
    assert found["faces"] == 3 and found["expected"] == pytest.approx(1.5)
    young, stubble = found["hits"][0]["explanation"]
    assert (young["words"], young["attribute"], young["wanted"], young["mark"]) == ("young", "Young", True, "unsure")
    assert (stubble["words"], stubble["certainty"]) == ("maybe stubble", 0.5)
    assert young["cost_most"] and not stubble["cost_most"]


def test_csv_and_the_table_can_be_had_at_once(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    ran = facesearch("search", "stubble", "--csv", tmp_path / "out.csv", "--catalogue", catalogue)
    assert "green.png" in ran.out
    assert f"Written: {tmp_path / 'out.csv'}" in ran.err
    assert len(rows((tmp_path / "out.csv").read_text(encoding="utf-8"))) == 3


def test_nothing_found_exits_with_1_and_still_writes_what_was_asked_for(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    file = tmp_path / "out.csv"
    file.write_text(YESTERDAYS)
    ran = facesearch("search", "stubble", "--min-score", "0.99", "--csv", file, "--catalogue", catalogue)
    assert ran.code == 1
    assert ran.out == ""
    assert "No face matched: none of the 3 faces searched reaches --min-score; the best has 0.723." in ran.err
    assert file.read_bytes() == ("\ufeff" + ",".join([*CONTRACT, "5_o_Clock_Shadow", *IN_FILES]) + "\r\n").encode()
    ran = facesearch("search", "stubble", "--min-score", "0.99", "--json", "--catalogue", catalogue)
    assert ran.code == 1 and json.loads(ran.out)["hits"] == []


def test_top_limits_the_results_and_all_gives_every_face(facesearch: Program, catalogue: Path) -> None:
    assert len(rows(facesearch("search", "stubble", "--top", "2", "--csv", "-", "--catalogue", catalogue).out)) == 2
    assert len(rows(facesearch("search", "stubble", "--top", "all", "--csv", "-", "--catalogue", catalogue).out)) == 3


def test_faces_that_the_detector_was_not_sure_of_are_counted(facesearch: Program, catalogue: Path) -> None:
    ran = facesearch("search", "stubble", "--min-detection", "0.96", "--catalogue", catalogue)
    assert ran.code == 1
    assert "Faces searched: 0; left out because their detection score is below --min-detection: 3" in ran.err


@pytest.mark.parametrize(
    "words", [["-stubble, attractive"], ["-stubble,", "attractive"], ["--", "-stubble, attractive"]]
)
def test_a_description_may_begin_with_a_dash(facesearch: Program, catalogue: Path, words: list[str]) -> None:
    ran = facesearch("search", "--top", "1", "--catalogue", catalogue, *words)
    assert ran.code == 0
    assert "Searching for: no stubble and attractive" in ran.err


def test_options_may_stand_after_a_description_that_begins_with_a_dash(facesearch: Program, catalogue: Path) -> None:
    assert len(rows(facesearch("search", "-stubble", "--top", "1", "--csv", "-", "--catalogue", catalogue).out)) == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["stubble", "--htlm", "x.html"], "--htlm"),
        (["--smiling"], "--smiling"),
        (["stubble", "--top", "0"], "--top"),
        (["stubble", "--top", "-smiling"], "--top"),
        (["stubble", "--top", "many"], "--top"),
        (["stubble", "--min-score", "nan"], "--min-score"),
        (["stubble", "--min-score", "1.5"], "--min-score"),
        (["stubble", "--min-detection", "-0.1"], "--min-detection"),
        (["stubble", "--min-face", "-1"], "--min-face"),
        (["stubble", "--min-face", "inf"], "--min-face"),
        (["stubble", "--taken", "soon"], "--taken"),
        (["stubble", "--taken", "2019", "--taken", "2020"], "given twice"),
        (["stubble", "--taken", "2021..2019"], "--taken"),
        (["stubble", "--folder", ""], "--folder"),
        (["stubble", "--camera", " "], "--camera"),
        (["stubble", "--csv", "-", "--json"], "--csv"),
        (["stubble", "--html", "-"], "--html"),
        (["stubble", "--csv", "same.txt", "--html", "same.txt"], "same.txt"),
        ([], "DESCRIPTION"),
    ],
)
def test_wrong_usage_exits_with_2_and_names_the_option(
    facesearch: Program, catalogue: Path, arguments: list[str], named: str
) -> None:
    ran = facesearch("--catalogue", catalogue, "search", *arguments)
    assert ran.code == 2
    assert named in ran.err.splitlines()[0]
    assert ran.out == ""


@pytest.mark.parametrize(
    ("description", "says"),
    [
        ("", "No description is given"),
        ("  ", "No description is given"),
        ("qwertz", 'Nothing in "qwertz" can be searched'),
        ("a scar, no tattoo", "can be searched"),
        ("male, not male", "only one can be true"),
        ("male, not (male)", "No face can fit"),
        ("no hat, glasses or beard", '"no hat and (glasses or beard)" or "not (hat or glasses or beard)"'),
        ("Der Mann hat eine Brille und einen Bart.", "in German"),
    ],
)
def test_a_description_that_means_nothing_exits_with_2(
    facesearch: Program, catalogue: Path, description: str, says: str
) -> None:
    ran = facesearch("search", description, "--catalogue", catalogue)
    assert ran.code == 2
    assert says in ran.err and ran.out == ""


def test_a_caret_shows_where_the_description_goes_wrong(facesearch: Program, catalogue: Path) -> None:
    lines = facesearch("search", "-stubble, bald:1.5", "--catalogue", catalogue).err.splitlines()
    assert lines[0].index("1.5") == lines[1].index("^")
    lines = facesearch("search", "a bald man with stubble, not bald", "--catalogue", catalogue).err.splitlines()
    assert lines[0].rindex("bald") == lines[1].index("^")


def test_a_caret_shows_the_words_around_the_place_in_a_long_description(facesearch: Program, catalogue: Path) -> None:
    long = ["glasses", "young", "no hat", "not bald", "goatee", "bangs", "big nose"] * 2
    text = ", ".join([*long, "-no hat", *long])
    lines = facesearch("search", text, "--catalogue", catalogue).err.splitlines()
    assert lines[0].index("-no hat") == lines[1].index("^") < 50
    assert lines[0].startswith("  ...") and lines[0].endswith("...") and len(lines[0]) < 80


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


class TestFilters:
    """The album holds green.png with one face, and "white and black.png" with two, all of 48 pixels."""

    def searched(self, facesearch: Program, catalogue: Path, *arguments: str | Path) -> set[str]:
        ran = facesearch("search", *arguments, "--csv", "-", "--catalogue", catalogue)
        found = {Path(row["photo"]).name for row in rows(ran.out)}
        assert ran.code == (0 if found else 1)
        return found

    def test_may_stand_in_the_description_or_be_options(self, facesearch: Program, catalogue: Path) -> None:
        for arguments in (["stubble, name:green"], ["stubble", "--name", "green"], ["stubble", "--name", "GREEN.*"]):
            assert self.searched(facesearch, catalogue, *arguments) == {"green.png"}
        assert self.searched(facesearch, catalogue, "stubble", "--name", "green", "--name", "white*") == {
            "green.png",
            "white and black.png",
        }

    def test_must_all_be_met(self, facesearch: Program, catalogue: Path) -> None:
        assert self.searched(facesearch, catalogue, "stubble, name:green", "--name", "white") == set()
        assert self.searched(facesearch, catalogue, "stubble, name:*.png", "--name", "white") == {"white and black.png"}

    def test_take_a_folder_as_a_path_from_here_or_as_parts_of_one(
        self, facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(catalogue.parent)
        for folder in (catalogue.parent / "album", "./album", ".", "album", f"{catalogue.parent.name}/album/"):
            assert len(self.searched(facesearch, catalogue, "stubble", "--folder", folder)) == 2
        assert self.searched(facesearch, catalogue, "stubble", "--folder", "./nowhere") == set()
        assert self.searched(facesearch, catalogue, "stubble", "--folder", "alb") == set()

    def test_are_said_with_the_reading_and_with_the_faces_they_left_out(
        self, facesearch: Program, catalogue: Path
    ) -> None:
        ran = facesearch(
            *("search", "stubble, name:png", "--name", "green", "--min-face", "40", "--catalogue", catalogue),
        )
        assert (
            "Searching for: stubble and name:png (only photos with name:green; only faces of 40 pixels or more)"
            in ran.err
        )
        assert "Faces searched: 1; left out by --min-face 40: 0; left out by name:png: 0; " in ran.err
        assert "left out by name:green: 2" in ran.err

    def test_of_the_photo_stand_in_the_reading_which_can_be_pasted(self, facesearch: Program, catalogue: Path) -> None:
        filters = ("--folder", "my album", "--folder", "album", "--taken", "..2024", "--name", "a (1)")
        ran = facesearch("search", "stubble or hat", *filters, "--catalogue", catalogue)
        (reading,) = (line for line in ran.err.splitlines() if line.startswith("Searching for: "))
        said = reading.removeprefix("Searching for: ")
        assert said == '(stubble or hat) and (folder:"my album" or folder:album) and name:"a (1)" and taken:..2024'
        again = facesearch("search", said, "--catalogue", catalogue)
        assert again.err == ran.err and again.code == ran.code

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            (["stubble", "--name", "nobody"], "none of 3 faces passes the filter name:nobody."),
            (["stubble, folder:elsewhere"], "none of 3 faces passes the filter folder:elsewhere."),
            (["stubble", "--min-face", "49"], "none of 3 faces passes the filter --min-face 49."),
            (["stubble", "--taken", "2019.."], "none of 3 faces passes the filter taken:2019..."),
            (["stubble", "--camera", "canon"], "none of 3 faces passes the filter camera:canon."),
            (["stubble>0.9, name:green"], "none of 1 face passes the filter stubble>0.9."),
            (["stubble", "--min-detection", "0.99"], "all 3 faces have a lower detection score than --min-detection."),
            (["stubble", "--min-score", "0.9"], "none of the 3 faces searched reaches --min-score; the best has 0.7"),
        ],
    )
    def test_that_nothing_passes_exits_with_1_and_says_which(
        self, facesearch: Program, catalogue: Path, arguments: list[str], why: str
    ) -> None:
        ran = facesearch("search", *arguments, "--catalogue", catalogue)
        assert ran.code == 1
        assert f"No face matched: {why}" in ran.err

    def test_bounds_show_what_they_are_set_on(self, facesearch: Program, catalogue: Path) -> None:
        found = rows(facesearch("search", "stubble>0.5", "--csv", "-", "--catalogue", catalogue).out)
        assert all(float(row["5_o_Clock_Shadow"]) > 0.5 for row in found)
        assert found[0]["explanation"].startswith("stubble>0.5 ")

    def test_photos_that_are_not_there_are_told(self, facesearch: Program, tmp_path: Path) -> None:
        catalogue = index(tmp_path / "faces.db", album(tmp_path / "album"))
        assert "not there now" not in facesearch("search", "stubble", "--catalogue", catalogue).err
        (tmp_path / "album").rename(tmp_path / "elsewhere")
        ran = facesearch("search", "stubble", "--json", "--catalogue", catalogue)
        assert ran.code == 0 and "a photo that is not there now" in ran.err
        assert any("not there now" in each for each in json.loads(ran.out)["remarks"])

    def test_alone_score_every_face_1(self, facesearch: Program, catalogue: Path) -> None:
        ran = facesearch("search", "stubble>0.5", "--catalogue", catalogue)
        assert ran.code == 0
        assert ran.out.splitlines()[2].split()[:2] == ["1", "1.000"]
        assert "expected" not in ran.out


class TestWhatToExpect:
    def test_stands_under_the_table(self, facesearch: Program, catalogue: Path) -> None:
        ran = facesearch("search", "stubble", "--catalogue", catalogue)
        assert "About 1.3 of 3 faces are expected to fit." in ran.out  # .27 + .27 + .72
        assert "expected" not in ran.err

    def test_goes_to_stderr_where_stdout_is_for_programs(self, facesearch: Program, catalogue: Path) -> None:
        for to_stdout in (["--csv", "-"], ["--json"]):
            assert "About 1.3 of 3 faces" in facesearch("search", "stubble", *to_stdout, "--catalogue", catalogue).err

    def test_leaves_hedged_words_out(self, facesearch: Program, catalogue: Path) -> None:
        assert "About 1.3 of 3" in facesearch("search", "stubble, maybe bald", "--catalogue", catalogue).out
        assert "expected" not in facesearch("search", "maybe stubble", "--catalogue", catalogue).out

    def test_a_best_score_below_a_tenth_is_no_likely_match_and_no_failure(
        self, facesearch: Program, catalogue: Path
    ) -> None:
        unlikely = "stubble, bald, hat, young, glasses"
        ran = facesearch("search", unlikely, "--catalogue", catalogue)
        assert ran.code == 0
        assert "No likely match: the best score is 0.045." in ran.out
        assert "About 0.1 of 3 faces" in ran.out or "Fewer than 0.1 of 3 faces" in ran.out
        as_json = json.loads(facesearch("search", unlikely, "--json", "--catalogue", catalogue).out)
        assert any("No likely match" in each for each in as_json["remarks"])
        assert "No likely match" not in facesearch("search", "stubble", "--catalogue", catalogue).out

    def test_unlikely_hits_are_dimmed(self, catalogue: Path) -> None:
        with open_catalogue(catalogue) as opened:
            hits = search(opened, Request(parse("stubble"))).hits
        shown = io.StringIO()
        console = Console(file=shown, force_terminal=True, width=200, color_system="standard")
        console.print(
            hit_table([replace(hits[0], score=0.1), replace(hits[1], score=0.0999)], "score", 200, fades=True)
        )
        likely, unlikely = shown.getvalue().splitlines()[2:]
        assert "\x1b[2m" not in likely and "\x1b[2m" in unlikely


class TestExplanation:
    def test_marks_each_word_and_the_one_that_cost_most(self, facesearch: Program, catalogue: Path) -> None:
        ran = facesearch("search", "arched eyebrows, no stubble, bald", "--catalogue", catalogue)
        assert ran.out.splitlines()[2].split("bald")[1].split()[:9] == ["72", "%", "✓", "73", "%", "✓", "!", "50", "%"]
        assert "✓ fits, from 70 % on; ? unsure, from 30 %; ✗ does not fit; ! cost the score most" in ran.out

    def test_says_the_same_in_csv(self, facesearch: Program, catalogue: Path) -> None:
        ran = facesearch("search", "arched eyebrows, no stubble, bald", "--csv", "-", "--catalogue", catalogue)
        assert rows(ran.out)[0]["explanation"] == (
            "arched eyebrows 72 % fits; no stubble 73 % fits; bald 50 % unsure (cost most)"
        )

    @pytest.mark.slow
    def test_has_marks_for_terminals_without_unicode(self, own: Path) -> None:
        code = (
            "from cli.main import main; import sys; "
            f"sys.argv = ['facesearch', 'search', 'stubble, woman', '--catalogue', {str(own)!r}]; main()"
        )
        environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        assert "+ fits, from 70 % on; ? unsure, from 30 %; x does not fit" in ran.stdout
        assert "72 % +" in ran.stdout and "\\u" not in ran.stdout

    def test_says_what_is_known_and_not_scored(self, facesearch: Program, catalogue: Path) -> None:
        ran = facesearch("search", "stubble and a scar", "--catalogue", catalogue)
        assert ran.code == 0 and "Left aside: scar (not scored)." in ran.err
        ran = facesearch("search", "stubble and a scar", "--strict", "--catalogue", catalogue)
        assert ran.code == 2 and "scar" in ran.err and ran.out == ""

    def test_of_weak_attributes_carries_their_grade_and_says_what_it_means(
        self, facesearch: Program, tmp_path: Path
    ) -> None:
        catalogue = index(tmp_path / "faces.db", album(tmp_path / "album"))
        with sqlite3.connect(catalogue) as connection:
            about = json.dumps({"grades": {"5_o_Clock_Shadow": "D", "Male": "A"}})
            connection.execute("UPDATE models SET metadata = ?", (about,))
        ran = facesearch("search", "stubble, woman", "--catalogue", catalogue)
        assert "stubble (D)" in ran.out.splitlines()[0] and "woman (" not in ran.out
        assert "(C), (D) weak attribute" in ran.out
        (told,) = [line for line in ran.err.splitlines() if "Grade D (not to be relied on" in line]
        assert told.endswith(": stubble.")
        found = json.loads(facesearch("search", "stubble, woman", "--json", "--catalogue", catalogue).out)
        assert [each["grade"] for each in found["hits"][0]["explanation"]] == ["D", "A"]
        assert any(each.startswith("Grade D") for each in found["remarks"])
        (weak,) = [each for each in found["notices"] if each["kind"] == "weak grade"]
        assert weak["values"] == {"grade": "D", "words": ["stubble"]} and weak["message"] in found["remarks"]

    def test_of_the_query_alone_is_a_tree_and_needs_no_catalogue(self, facesearch: Program) -> None:
        ran = facesearch(
            "search", "man, (bald or hat), maybe goatee, name:x, scar", "--explain-query", "--folder", "holiday"
        )
        assert ran.code == 0
        lines = ran.out.splitlines()
        assert lines[0] == "all of" and "  one or more of" in lines and "    bald" in lines
        assert "only photos with name:x" in lines and "only photos with folder:holiday" in lines
        assert 'not scored: "scar"' in lines
        assert "Catalogue" not in ran.err
        assert "Read as: man and (bald or hat) and maybe goatee" in ran.err


class TestTable:
    @pytest.mark.parametrize("width", [120, 160])
    @pytest.mark.parametrize("asked", ["stubble", "stubble, bald, hat, -young, woman, goatee or mustache"])
    def test_fits_the_terminal_and_keeps_whole_paths(
        self, facesearch: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, asked: str
    ) -> None:
        folder = tmp_path / ("a folder with a rather long name" + "e" * 60)
        monkeypatch.setenv("COLUMNS", str(width))
        ran = facesearch("search", asked, "--catalogue", index(tmp_path / "faces.db", album(folder)))
        assert max(map(len, ran.out.splitlines())) <= width
        column = ran.out.splitlines()[0].index("photo")
        assert "green.png" in "".join(line[column:].strip() for line in ran.out.splitlines()[:-3])

    @pytest.mark.parametrize("width", [40, 80, 119])
    @pytest.mark.parametrize("asked", ["stubble", "stubble, bald, hat, -young, woman, goatee or mustache"])
    def test_takes_two_lines_a_hit_in_a_narrow_terminal_and_keeps_its_place(
        self, facesearch: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, asked: str
    ) -> None:
        folder = tmp_path / ("a folder with a rather long name" + "e" * 60)
        monkeypatch.setenv("COLUMNS", str(width))
        ran = facesearch("search", asked, "--catalogue", index(tmp_path / "faces.db", album(folder)))
        lines = ran.out.splitlines()
        assert max(map(len, lines)) <= width
        ranks = [number for number, line in enumerate(lines) if re.match(r"[123]  ", line)]
        assert [second - first for first, second in pairwise(ranks)] == [2, 2], "two lines each"
        green = next(line for line in lines if line.endswith("green.png"))
        assert "face 1 at 10,30 48x48" in green and "fits" in lines[ranks[0]]

    def test_words_that_do_not_fit_come_first_where_not_all_have_room(
        self, facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "60")
        out = facesearch("search", "arched eyebrows, no stubble, bald, hat", "--catalogue", catalogue).out
        first = next(line for line in out.splitlines() if line.startswith("1  "))
        assert "bald 50%?" in first and "hat 50%?" in first and first.endswith(" more") and "stubble" not in first

    def test_marks_have_colours_and_paths_can_be_clicked(self, catalogue: Path) -> None:
        with open_catalogue(catalogue) as opened:
            hits = search(opened, Request(parse("arched eyebrows, bald, stubble"))).hits
        for width in (80, 200):
            shown = io.StringIO()
            print_hits(Console(file=shown, force_terminal=True, width=width, color_system="standard"), hits, "score")
            text = shown.getvalue()
            colours = set(re.findall(r"\x1b\[(?:1;)?(3[123])m", text))
            assert colours == {"31", "32", "33"}, "red, green and yellow"
            assert f"file://{catalogue.parent}/album/green.png".replace(" ", "%20") in text

    def test_thumbnails_need_a_terminal(self, facesearch: Program, catalogue: Path) -> None:
        for more, words in (([], "needs a terminal"), (["--json"], "leave out --json")):
            ran = facesearch("search", "stubble", "--thumbnails", *more, "--catalogue", catalogue)
            assert ran.code == 2 and words in ran.err and ran.out == ""

    def test_thumbnails_show_the_faces_in_a_terminal(self, own: Path) -> None:
        code = (
            "import sys; from cli.main import run; "
            f"sys.exit(run(['search', 'stubble', '--thumbnails', '--catalogue', {str(own)!r}]))"
        )
        code_of, shown = in_terminal([sys.executable, "-c", code])
        assert code_of == 0, shown
        assert shown.count("▄") + shown.count("▀") > 3 * 20 and "green.png" in shown

    def test_keeps_each_face_on_one_line_where_no_terminal_is(self, facesearch: Program, tmp_path: Path) -> None:
        folder = album(tmp_path / ("long" * 50))
        ran = facesearch("search", "stubble", "--catalogue", index(tmp_path / "faces.db", folder))
        assert sum(str(folder) in line for line in ran.out.splitlines()) == 3


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


@pytest.mark.slow
def test_a_search_without_a_page_loads_no_pictures(own: Path) -> None:
    code = (
        "import sys; from cli.main import run; "
        f"code = run(['search', 'stubble', '--catalogue', {str(own)!r}]); "
        "sys.exit(code or 'PIL' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_a_reader_that_stops_early_does_not_cost_the_files(own: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from cli.main import run; "
        f"sys.exit(run(['search', 'stubble', '--catalogue', {str(own)!r}, '--html', {str(tmp_path / 'sheet.html')!r}]))"
    )
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writer)
    assert ran.returncode == 141
    assert "</html>" in (tmp_path / "sheet.html").read_text()


@pytest.mark.slow
def test_a_reader_that_stops_early_is_no_error(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    for number in range(60):
        save(folder / f"{number}.png", picture((number, 250, 0), WHITE, BLACK))
    catalogue = index(tmp_path / ("x" * 200 + ".db"), folder)
    program = subprocess.Popen(
        [sys.executable, "-c", "from cli.main import main; main()", "search", "stubble", "--csv", "-", "--top", "all"],
        env={**os.environ, "FACESEARCH_CATALOGUE": str(catalogue)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None and program.stderr is not None
    program.stdout.close()
    err = program.stderr.read()
    assert program.wait() == 141
    assert "Traceback" not in err and "Exception" not in err


def test_a_photo_that_is_gone_keeps_its_place_until_the_next_index_run(
    facesearch: Program, own: Path, tmp_path: Path
) -> None:
    (tmp_path / "album" / "green.png").unlink()
    assert "green.png" in facesearch("search", "stubble", "--catalogue", own).out
