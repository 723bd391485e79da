"""`facesearch search` with filters: where they may stand, what is told of them, and what to expect of what is left."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cli.report.tables import hit_table
from db.catalogue import open_catalogue
from facesearch.query import parse
from facesearch.search.description import search
from facesearch.search.request import Request
from tests.conftest import Program
from tests.support.squares import album, index
from tests.support.tables import rows


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
