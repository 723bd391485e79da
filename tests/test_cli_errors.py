"""How commands end that do not end well: a sentence on stderr and the exit code that a script can rely on."""

import errno
import json
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cli.errors import ExitCode, FileProblem, UsageProblem, reported
from cli.main import app
from db.errors import CatalogueBusy, RootUnknown
from facesearch.errors import QueryError, SearchError
from indexer.errors import NothingToIndex
from tests.conftest import Program
from tests.support.squares import album, index


@pytest.mark.parametrize(
    ("error", "code", "remedy"),
    [
        (UsageProblem("Name one."), ExitCode.USAGE, ""),
        (QueryError("Search does not know it."), ExitCode.USAGE, ""),
        (NothingToIndex("Name a folder."), ExitCode.USAGE, ", as in `facesearch index FOLDER`"),
        (RootUnknown("It was never indexed."), ExitCode.USAGE, ": `facesearch roots` lists those that are"),
        (FileProblem("It cannot be used."), ExitCode.UNUSABLE, ""),
        (CatalogueBusy("Wait."), ExitCode.UNUSABLE, ""),
        (SearchError("Index first."), ExitCode.UNUSABLE, ""),
    ],
)
def test_what_is_meant_for_the_user_is_one_sentence(
    error: Exception, code: ExitCode, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def action() -> int:
        raise error

    assert reported(action) == code
    assert capsys.readouterr().err == f"Error: {str(error).removesuffix('.')}{remedy}.\n"


def test_a_fault_of_the_program_is_never_taken_for_an_empty_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(lambda: 1 // 0) == ExitCode.FAULT
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err and "fault of facesearch" in err


@pytest.mark.parametrize("option", ["--csv", "--folder", "--catalogue", "--top"])
def test_an_option_without_its_value_is_an_error_and_takes_no_other_word(
    facesearch: Program, tmp_path: Path, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = facesearch("search", "man", option)
    assert ran.code == 2 and "requires an argument" in ran.err
    assert not list(tmp_path.glob("--*"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_told_with_the_name_of_the_file(facesearch: Program, tmp_path: Path) -> None:
    catalogue = index(tmp_path / "f.db", album(tmp_path / "album"))
    ran = facesearch("search", "stubble", "--csv", "/dev/full", "--catalogue", catalogue)
    assert ran.code == 3 and "/dev/full" in ran.err


def test_ctrl_c_exits_as_shells_expect(capsys: pytest.CaptureFixture[str]) -> None:
    def action() -> int:
        raise KeyboardInterrupt

    assert reported(action) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


def test_what_stands_in_a_message_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    def action() -> int:
        raise FileProblem("a\x1b[2J\udcff.jpg cannot be used.")

    reported(action)
    assert capsys.readouterr().err == "Error: a\\x1b[2J\\xff.jpg cannot be used.\n"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_under_stdout_is_said(tmp_path: Path) -> None:
    catalogue = index(tmp_path / "faces.db", album(tmp_path / "album"))
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-c", "from cli.main import main; main()", "search", "stubble"],
            env={**os.environ, "FACESEARCH_CATALOGUE": str(catalogue)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ran.returncode == 3
    assert os.strerror(errno.ENOSPC) in ran.stderr and "Traceback" not in ran.stderr


@pytest.mark.slow
def test_a_stream_that_is_closed_leads_nowhere_and_not_into_the_other(tmp_path: Path) -> None:
    catalogue = index(tmp_path / "faces.db", album(tmp_path / "album"))
    program = f"{shlex.quote(sys.executable)} -c 'from cli.main import main; main()'"
    environment = {**os.environ, "FACESEARCH_CATALOGUE": str(catalogue)}

    def shell(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)

    found = shell(f"{program} search stubble --json 2>&-")
    assert found.returncode == 0 and json.loads(found.stdout)["hits"]
    silent = shell(f"{program} search stubble >&-")
    assert (silent.returncode, silent.stdout) == (0, "") and "Traceback" not in silent.stderr


def test_the_version_is_printed(facesearch: Program) -> None:
    ran = facesearch("--version")
    about = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert ran.code == 0 and ran.out.strip() == about["project"]["version"]


@pytest.mark.parametrize("command", ["", *(each.callback.__name__ for each in app.registered_commands)])
def test_every_command_explains_itself(facesearch: Program, command: str) -> None:
    ran = facesearch(*[command][: bool(command)], "--help")
    assert ran.code == 0 and "Usage: facesearch" in ran.out


def test_an_unknown_command_is_wrong_usage(facesearch: Program) -> None:
    assert facesearch("serach", "man").code == 2
    assert facesearch().code == 2


@pytest.mark.parametrize("arguments", [["-h"], ["search", "-h"], ["similar", "-h"]])
def test_help_is_also_had_by_its_short_name(facesearch: Program, arguments: list[str]) -> None:
    ran = facesearch(*arguments)
    assert ran.code == 0 and "Usage:" in ran.out


def test_a_tree_alone_has_no_results_to_write(facesearch: Program, tmp_path: Path) -> None:
    ran = facesearch("search", "man", "--explain-query", "--csv", tmp_path / "out.csv")
    assert ran.code == 2 and "--explain-query searches nothing" in ran.err and not list(tmp_path.iterdir())
