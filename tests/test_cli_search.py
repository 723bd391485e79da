"""`facesearch search` as a user runs it: what stands on stdout, what on stderr, and how it exits."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cli.report.tables import write_csv
from db.catalogue import open_catalogue
from facesearch.attributes import ATTRIBUTES, NAMES
from facesearch.query import parse
from facesearch.search.description import search
from facesearch.search.records import hit_records
from facesearch.search.request import Request
from tests.conftest import YESTERDAYS, Program
from tests.support.squares import BLACK, WHITE, index
from tests.support.stand_ins import picture, save
from tests.support.tables import rows

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
