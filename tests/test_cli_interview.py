"""`facesearch interview` as a user holds it: answers from a pipe and a terminal, and what it ends in."""

import csv
import io
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cli.report.tables import DIM_BELOW
from db.catalogue import open_catalogue
from facesearch.cases.cases import Cases
from facesearch.search.questions import OPEN_PROMPTS
from tests.conftest import YESTERDAYS, Program, Ran
from tests.support.powers import FOREGROUND_PROGRAM
from tests.support.squares import BLACK, BLUE, CYAN, GREEN, RED, WHITE, YELLOW, index
from tests.support.stand_ins import DotColours, picture, save

pytestmark = pytest.mark.slow

Interview = Callable[..., Ran]

ROOT = Path(__file__).parent.parent
COLOURS = {"red": RED, "green": GREEN, "blue": BLUE, "yellow": YELLOW, "cyan": CYAN, "white": WHITE, "black": BLACK}
HOLDS = {
    "Did the person have stubble?": {"red", "yellow", "white"},
    "Did the person have arched eyebrows?": {"green", "yellow", "cyan", "white"},
    "Did the person have bangs (a fringe)?": {"blue", "cyan", "white"},
}
"""What the network sees: a dot's colour makes three attributes likely or not, and knows nothing of the others."""


class BangsForBlue(DotColours):
    """Sees bangs where the other sees looks, for which no interview asks."""

    def score(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits = super().score(crops)
        logits[:, [2, 5]] = logits[:, [5, 2]]
        return logits


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interviewed")
    for name, colour in COLOURS.items():
        save(folder / "album" / f"{name}.png", picture(colour))
    return index(folder / "faces.db", folder / "album", new_scorer=BangsForBlue)


@pytest.fixture
def interview(facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> Interview:
    """The command with its answers in a pipe; told: to the open prompts, which a description leaves out."""

    def held(answers: str | bytes, *arguments: str | Path, told: Sequence[str] = ("",) * 6) -> Ran:
        data = answers if isinstance(answers, bytes) else answers.encode()
        if not arguments or str(arguments[0]).startswith("--"):
            data = "".join(f"{each}\n" for each in told).encode() + data
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        return facesearch("interview", *arguments, "--catalogue", catalogue)

    return held


def questions(ran: Ran) -> list[str]:
    """The questions on stderr, in order."""
    return [line.partition(". ")[2].partition(" (yes")[0] for line in ran.err.splitlines() if "(yes / no" in line]


def search_in(ran: Ran) -> list[str]:
    """The arguments of the search that is said to be the same."""
    (line,) = [line for line in ran.err.splitlines() if "facesearch search" in line]
    return shlex.split(line[line.index("facesearch search") :])[1:]


def found(text: str) -> list[tuple[str, str, str]]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [(row["rank"], row["score"], Path(row["photo"]).stem) for row in rows]


def test_asks_until_the_witness_stops_and_shows_the_faces_that_fit(interview: Interview) -> None:
    ran = interview("yes\nno\nstop\nyes\n")
    assert ran.code == 0
    assert len(questions(ran)) == 3 and set(questions(ran)) == set(HOLDS)
    assert "Faces to choose from: 7" in ran.err
    assert ran.err.count("of 7 faces remain") == 2
    assert "score" in ran.out and "(yes" not in ran.out and "a lead, not evidence" in ran.out


def test_a_certainty_that_all_words_share_is_said_once(interview: Interview) -> None:
    answers = "yes\nno\nstop\n"
    ran = interview(answers)
    assert "every word counts with a certainty of 0.89" in ran.out and ":0.89" not in ran.out
    ran = interview(answers, "bald")  # here one word is certain
    assert "every word" not in ran.out and ":0.89" in ran.out


@pytest.mark.parametrize("sought", COLOURS)
def test_truthful_answers_bring_the_sought_face_to_the_top(interview: Interview, sought: str) -> None:
    asked = questions(interview("not sure\n" * 3))
    answers = "".join("yes\n" if sought in HOLDS[each] else "no\n" for each in asked)
    ran = interview(answers, "--csv", "-")
    assert "No further question would tell much." in ran.err
    assert found(ran.out)[0][2] == sought


@pytest.mark.parametrize(
    ("answers", "arguments"),
    [
        ("yes\nno\nno\n", ["--error", "0"]),
        ("no\nyes\nnot sure\n", []),
        ("yes\nyes\n", ["maybe attractive, not (bald or hat)", "--error", "0.25", "--name", "*e*.png"]),
        ("no\n", ["folder:album, smiling>0.1, stubble", "--min-detection", "0.9", "--min-face", "20"]),
    ],
)
def test_ends_in_the_search_that_ranks_the_same(
    interview: Interview, facesearch: Program, answers: str, arguments: list[str]
) -> None:
    ran = interview(answers, *arguments, "--csv", "-")
    again = facesearch(*search_in(ran), "--csv", "-")
    assert len(found(ran.out)) > 2
    assert again.out == ran.out


def test_an_answer_is_a_word_with_a_certainty(interview: Interview) -> None:
    first = questions(interview("stop\n", "young"))[0]
    words = {"Did the person have stubble?": "no stubble", "Did the person have arched eyebrows?": "no arched eyebrows"}
    word = words.get(first, "no bangs")
    assert search_in(interview("no\n", "young"))[-1] == f"young and ({word}):0.8889"
    assert search_in(interview("no\n", "young", "--error", "0"))[-1] == f"young and {word}"


def test_a_description_is_where_it_starts(interview: Interview) -> None:
    ran = interview("yes\n", "stubble,", "teenager")
    assert "Starting from: stubble and young" in ran.err and "knows no ages" in ran.err
    assert "Did the person have stubble?" not in questions(ran)
    assert search_in(ran)[-1].startswith("stubble and young and ")


def test_with_a_description_and_no_answer_it_is_a_search(interview: Interview, facesearch: Program) -> None:
    ran = interview("", "-stubble, attractive", "--csv", "-")
    assert ran.code == 0
    assert ran.out == facesearch(*search_in(ran), "--csv", "-").out
    assert search_in(ran)[-1] == "no stubble and attractive"


@pytest.mark.parametrize("answers", ["", "stop\n", "not sure\nstop\n", "yes\nback\n"])
def test_nothing_said_is_nothing_to_search_for(interview: Interview, tmp_path: Path, answers: str) -> None:
    file = tmp_path / "out.csv"
    file.write_text(YESTERDAYS)
    ran = interview(answers, "--csv", file)
    assert ran.code == 2 and "nothing to search for" in ran.err and ran.out == ""
    assert file.read_text() == YESTERDAYS


def test_a_witness_who_is_sure_of_nothing_leaves_everybody(interview: Interview) -> None:
    ran = interview("not sure\n" * 3, "--csv", "-")
    assert ran.code == 0 and len(found(ran.out)) == 7
    assert {score for _, score, _ in found(ran.out)} == {"1.0"}
    assert "facesearch search" not in ran.err


def test_answers_are_taken_back_one_after_the_other(interview: Interview) -> None:
    ran = interview("yes\nno\nback\nback\nback\nno\n")
    first, second = questions(ran)[:2]
    assert questions(ran)[:6] == [first, second, questions(ran)[2], second, first, first]
    assert "There is no answer to take back." in ran.err
    assert ran.out == interview("no\n").out
    assert search_in(ran) == search_in(interview("no\n"))


def test_no_face_is_named_before_the_end(interview: Interview) -> None:
    ran = interview("yes\nno\nnot sure\n", "--csv", "-")
    assert len(found(ran.out)) == 7 and ".png" not in ran.err[: ran.err.index("The same as a search")]


def test_the_witness_tells_before_anything_closed_is_asked(interview: Interview) -> None:
    ran = interview("not sure\n" * 2, told=("He had stubble, I think.", "bald", "", "don't know", "", ""))
    said = [ran.err.index(each) for each in (*OPEN_PROMPTS, "They lead a witness", "(yes / no / not sure)")]
    assert said == sorted(said)
    assert "Starting from: man and probably stubble and bald" in ran.err
    assert "Did he have stubble?" not in questions(ran)


def test_what_cannot_be_read_as_one_description_does_not_end_the_talk(interview: Interview) -> None:
    ran = interview(
        "yes\n", "--csv", "-", told=("One was a man with a beard, the other a woman with a hat.", *[""] * 5)
    )
    assert ran.code == 0 and "the questions begin with everybody" in ran.err
    assert len(found(ran.out)) == 7


def test_what_was_said_is_kept_in_the_case_word_by_word(
    interview: Interview, facesearch: Program, catalogue: Path
) -> None:
    assert facesearch("case", "new", "W/1", "--catalogue", catalogue).code == 0
    os.environ["FACESEARCH_CASE"] = "W/1"
    try:
        ran = interview("maybe not\nstop\n", "--witness", "W1", told=("A  man; I think bald.", "", "", "", "", ""))
    finally:
        del os.environ["FACESEARCH_CASE"]
    assert ran.code == 0 and "Kept in case W/1 as statement 1." in ran.err
    with open_catalogue(catalogue) as source:
        file = Cases(source).file("W/1")
    (said,) = file.statements
    assert said.witness == "W1" and said.taken is not None and "A: A  man; I think bald." in said.text
    assert "a closed question leads" in said.text and "A: maybe not" in said.text
    assert [each.statement for each in file.searches] == [1]


def test_a_case_that_is_not_there_is_said_before_the_witness_tells(interview: Interview) -> None:
    os.environ["FACESEARCH_CASE"] = "nowhere"
    try:
        ran = interview("stop\n", told=("A man.", "", "", "", "", ""))
    finally:
        del os.environ["FACESEARCH_CASE"]
    assert ran.code == 2 and "There is no case nowhere" in ran.err and "witness's words" not in ran.err


@pytest.mark.parametrize("way", ["YES", " y ", "Yeah.", "yes!"])
def test_yes_may_be_said_in_several_ways(interview: Interview, way: str) -> None:
    assert search_in(interview(f"{way}\n")) == search_in(interview("yes\n"))


@pytest.mark.parametrize("way", ["probably", "I think so", "I believe so."])
def test_an_answer_may_be_hedged(interview: Interview, way: str) -> None:
    assert search_in(interview(f"{way}\n"))[-1].endswith(":0.7111")  # of .8889


@pytest.mark.parametrize("way", ["?", "Don\u2019t  know", "skip", "unsure"])
def test_not_sure_may_be_said_in_several_ways(interview: Interview, way: str) -> None:
    assert search_in(interview(f"{way}\nno\n")) == search_in(interview("not sure\nno\n"))


@pytest.mark.parametrize(
    "line", [b"yess", b"", b"\xff\xfe", b"no\0", b"yes no", "نعم".encode(), b"y" * 100_000, b"\x1b[2Jyes"]
)
def test_a_line_of_a_pipe_that_is_no_answer_is_an_error(interview: Interview, line: bytes) -> None:
    ran = interview(b"yes\n" + line + b"\nyes\n")
    assert ran.code == 2 and ran.out == ""
    last = ran.err.splitlines()[-1]
    assert last.startswith("Error: ") and "is no answer" in last and len(last) < 250
    assert "\x1b" not in ran.err and "\0" not in ran.err


def test_help_is_given_in_between(interview: Interview) -> None:
    ran = interview("help\nyes\n")
    assert ran.err.count("Answer yes, no or not sure") == 2
    assert questions(ran)[0] == questions(ran)[1]


def test_no_more_questions_are_asked_than_wanted(interview: Interview) -> None:
    ran = interview("yes\nback\nno\nyes\nno\n", "--questions", "2")
    assert len(questions(ran)) == 4
    assert "That was question 2, the last one." in ran.err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--error", "0.5"], "--error"),
        (["--error", "nan"], "--error"),
        (["--error", "-0.1"], "--error"),
        (["--questions", "0"], "--questions"),
        (["--top", "0"], "--top"),
        (["--taken", "soon"], "--taken"),
        (["qwertz"], "qwertz"),
        (["male, not male"], "only one can be true"),
    ],
)
def test_wrong_usage_exits_with_2_before_anything_is_asked(
    interview: Interview, arguments: list[str], named: str
) -> None:
    ran = interview("yes\n", *arguments)
    assert ran.code == 2 and named in ran.err and not questions(ran) and ran.out == ""


def test_nobody_in_the_right_photos_is_nothing_found(interview: Interview) -> None:
    ran = interview("yes\n", "--name", "nobody-has-this-name", "--json")
    assert ran.code == 1 and not questions(ran)
    assert json.loads(ran.out)["hits"] == []


def test_a_catalogue_that_is_not_there_exits_with_3(facesearch: Program, tmp_path: Path) -> None:
    assert facesearch("interview", "--catalogue", tmp_path / "none.db").code == 3


def test_json_and_a_page_tell_what_was_said(interview: Interview, tmp_path: Path) -> None:
    page = tmp_path / "sheet.html"
    ran = interview("yes\nno\n", "--json", "--html", page, "--top", "2")
    told = json.loads(ran.out)
    assert len(told["hits"]) == 2
    assert told["description"] == told["reading"] == search_in(ran)[-1]
    text = page.read_text(encoding="utf-8")
    assert all(each in text for each in questions(ran)[:2]) and "of 7 faces remain" in text


def test_no_hit_is_faded_as_unlikely_since_answers_make_every_score_low(interview: Interview, tmp_path: Path) -> None:
    ran = interview("no\n" * 8, "--json", "--html", tmp_path / "sheet.html")
    assert min(hit["score"] for hit in json.loads(ran.out)["hits"]) < DIM_BELOW
    page = (tmp_path / "sheet.html").read_text()
    assert "Faded" not in page and "hit dim" not in page


def test_what_remains_is_counted_in_one_way(interview: Interview) -> None:
    ran = interview("yes\nno\n", "--csv", "-", "--top", "all")
    assert "faces remain" in ran.err and "expected to fit" not in ran.err


def test_an_interview_loads_no_network(catalogue: Path) -> None:
    code = (
        "import sys; from cli.main import run\n"
        f"assert run(['interview', 'stubble', '--catalogue', {str(catalogue)!r}]) == 0\n"
        "assert not {'torch', 'cv2', 'alembic', 'faiss'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], input="yes\n", text=True, check=True, cwd=ROOT, capture_output=True)


@pytest.fixture
def on_a_terminal(catalogue: Path, tmp_path: Path) -> Callable[..., Ran]:
    """The command with a terminal for questions and answers: each of `answers` is typed at a question."""

    def held(*answers: bytes | signal.Signals, arguments: tuple[str, ...] = (), columns: int = 80) -> Ran:
        master, terminal = pty.openpty()
        stdout = tmp_path / "stdout"
        with stdout.open("wb") as out:
            program = subprocess.Popen(
                [sys.executable, "-c", FOREGROUND_PROGRAM, "interview", *arguments],
                stdin=terminal,
                stdout=out,
                stderr=terminal,
                env={**os.environ, "FACESEARCH_CATALOGUE": str(catalogue), "COLUMNS": str(columns)},
                cwd=ROOT,
            )
        os.close(terminal)
        said = b""
        waiting = list(answers)
        try:
            while data := os.read(master, 65536):
                said += data
                if said.endswith(b"\n> "):
                    os.write(master, b"\n")
                elif said.endswith(b"(yes / no / not sure) ") and waiting:
                    answer = waiting.pop(0)
                    if isinstance(answer, bytes):
                        os.write(master, answer)
                    else:
                        program.send_signal(answer)
        except OSError:  # how a terminal ends on Linux
            pass
        os.close(master)
        code = program.wait()
        plain = re.sub(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\", "", said.decode()).replace("\r\n", "\n")
        return Ran(code, stdout.read_text(encoding="utf-8"), plain)

    return held


class TestOnATerminal:
    def test_ctrl_d_ends_the_interview(self, on_a_terminal: Callable[..., Ran]) -> None:
        ran = on_a_terminal(b"yes\n", b"\x04")
        assert ran.code == 0 and "green.png" in ran.out
        assert "(yes / no / not sure) stop\n" in ran.err

    def test_who_is_not_understood_is_asked_again(self, on_a_terminal: Callable[..., Ran]) -> None:
        ran = on_a_terminal(b"well\n", b"\n", b"no\n", b"stop\n")
        assert ran.code == 0
        assert ran.err.count("Answer yes, no or not sure") == 3
        asked = questions(ran)
        assert len(asked) == 4 and len(set(asked[:3])) == 1 and asked[3] != asked[0]

    def test_ctrl_c_leaves_with_the_answers_so_far(self, on_a_terminal: Callable[..., Ran], tmp_path: Path) -> None:
        file = tmp_path / "out.csv"
        file.write_text(YESTERDAYS)
        ran = on_a_terminal(b"yes\n", signal.SIGINT, arguments=("--csv", str(file)))
        assert ran.code == 130 and ran.out == "" and "Traceback" not in ran.err
        assert ran.err.endswith("Interrupted.\n") and search_in(ran)[-1].endswith(":0.8889")
        assert file.read_text() == YESTERDAYS

    @pytest.mark.parametrize("columns", [80, 160])
    def test_questions_and_lists_fit_the_terminal(self, on_a_terminal: Callable[..., Ran], columns: int) -> None:
        ran = on_a_terminal(b"yes\n", b"stop\n", columns=columns)
        talk = ran.err[ran.err.index("Answer yes") : ran.err.index("The same as a search")]
        assert max(map(len, talk.splitlines())) <= columns
        assert max(map(len, ran.out.splitlines())) <= columns
