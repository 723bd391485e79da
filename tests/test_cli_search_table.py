"""The table of hits and its explanations, in terminals of all widths."""

import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from cli.report.tables import print_hits
from db.catalogue import open_catalogue
from facesearch.query import parse
from facesearch.search.description import search
from facesearch.search.request import Request
from tests.conftest import Program
from tests.support.squares import album, index
from tests.support.tables import rows
from tests.support.terminals import in_terminal


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


def with_a_long_path(tmp_path: Path) -> Path:
    """A catalogue of photos whose path is wider than most terminals."""
    return index(tmp_path / "faces.db", album(tmp_path / ("a folder with a rather long name" + "e" * 60)))


class TestTable:
    @pytest.mark.parametrize("width", [120, 160])
    @pytest.mark.parametrize("asked", ["stubble", "stubble, bald, hat, -young, woman, goatee or mustache"])
    def test_fits_the_terminal_and_keeps_whole_paths(
        self, facesearch: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, asked: str
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(width))
        ran = facesearch("search", asked, "--catalogue", with_a_long_path(tmp_path))
        assert max(map(len, ran.out.splitlines())) <= width
        column = ran.out.splitlines()[0].index("photo")
        assert "green.png" in "".join(line[column:].strip() for line in ran.out.splitlines()[:-3])

    @pytest.mark.parametrize("width", [40, 80, 119])
    @pytest.mark.parametrize("asked", ["stubble", "stubble, bald, hat, -young, woman, goatee or mustache"])
    def test_takes_two_lines_a_hit_in_a_narrow_terminal_and_keeps_its_place(
        self, facesearch: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, asked: str
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(width))
        ran = facesearch("search", asked, "--catalogue", with_a_long_path(tmp_path))
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
