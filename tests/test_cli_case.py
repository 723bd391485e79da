"""`facesearch case`, its report, what is handed on of it, and the searches that are kept in it, as a user runs them."""

import base64
import csv
import hashlib
import io
import json
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cli.report.folders import MANIFEST, safe_name
from cli.report.pdf import paper
from db.catalogue import open_catalogue
from db.seal import seal
from facesearch.custody.acting import Acting, acting_now
from tests.conftest import Program
from tests.support.pages import Reader
from tests.support.squares import album, index
from tests.support.stand_ins import picture, save

pytestmark = pytest.mark.slow

CASE = "2026/17"
MARKUP = "<img src=x onerror=alert(1)> & \"so\" 'too' </style>"
NASTY = "<img src=x onerror=alert(1)> & \"so\" 'too' \u202e</style>"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue with three faces, once for all tests: they copy it."""
    folder = tmp_path_factory.mktemp("cases")
    return index(folder / "faces.db", album(folder / "album"))


@pytest.fixture
def catalogue(made: Path, tmp_path: Path) -> Path:
    shutil.copy(made, tmp_path / "faces.db")
    shutil.copytree(f"{made}.d", tmp_path / "faces.db.d")
    return tmp_path / "faces.db"


@pytest.fixture
def run(facesearch: Program, catalogue: Path) -> Iterator[Program]:
    """The program on this catalogue, by Anna, for the case."""
    before = ("--catalogue", str(catalogue), "--examiner", "Anna", "--case", CASE, "--reason", "appeal")
    yield lambda *arguments: facesearch(*before, *arguments)


@pytest.fixture
def filled(run: Program) -> Program:
    """A case with a statement, three searches (one empty) and marks."""
    assert run("case", "new", CASE, "--name", MARKUP).code == 0
    said = "A man with arched eyebrows and stubble,\n and a scar.\n"
    how = ("--witness", "W1", "--taken", "2026-03-04T14:30", "--how", "by phone")
    assert run("case", "add", CASE, said, *how).code == 0
    assert run("case", "add", CASE, NASTY).code == 0
    assert run("search", "arched eyebrows", "--statement", "1", "--why", "stubble comes and goes").code == 0
    assert run("search", "stubble", "--name", "nowhere").code == 1
    assert run("similar", "--face", "1").code == 0
    assert run("case", "mark", CASE, "follow-up", "1", "--role", "suspect", "--note", NASTY).code == 0
    assert run("case", "mark", CASE, "set-aside", "2", "3").code == 0
    assert run("case", "undo", CASE, "--face", "3").code == 0
    assert run("case", "note", CASE, f"On the case. {NASTY}").code == 0
    return run


# In the terminal


def test_a_case_is_opened_listed_shown_and_closed(run: Program, tmp_path: Path) -> None:
    assert run("case", "list").code == 1
    assert "--case 2026/17 search" in run("case", "new", CASE, "--name", "Mill Street").err
    ran = run("case", "new", CASE)
    assert ran.code == 2 and "There is a case 2026/17 already" in ran.err
    (tmp_path / "appeal.txt").write_text("A woman\nwith a hat.")
    assert "Statement 1 of case 2026/17" in run("case", "add", CASE, "--file", tmp_path / "appeal.txt").err
    ran = run("search", "stubble", "--top", "2")
    assert ran.code == 0 and "Kept as search 1 of case 2026/17." in ran.err
    assert [json.loads(run("case", "list", "--json").out)[0][key] for key in ("statements", "searches")] == [1, 1]
    shown = run("case", "show", CASE).out
    assert "Statement 1" in shown and "  A woman\n  with a hat." in shown and "2 hits: faces" in shown
    assert run("case", "close", CASE).code == 0
    ran = run("case", "note", CASE, "x")
    assert ran.code == 2 and "was closed by Anna" in ran.err and "--reopen" in ran.err
    ran = run("search", "stubble")
    assert ran.code == 0 and "Not kept: case 2026/17 is closed" in ran.err
    assert run("case", "close", CASE, "--reopen").code == 0 and run("case", "note", CASE, "x").code == 0


def test_a_search_for_a_case_that_is_not_there_says_so(run: Program) -> None:
    ran = run("search", "stubble")
    assert ran.code == 0 and "Not kept: there is no case 2026/17" in ran.err and "case new 2026/17" in ran.err
    for arguments in (["--statement", "1"], ["stubble", "--blind"], ["stubble", "--statement", "1", "--why", "x"]):
        ran = run("search", *arguments)
        assert ran.code == 2 and "There is no case 2026/17" in ran.err, arguments


def test_a_statement_is_searched_by_its_number(filled: Program) -> None:
    ran = filled("search", "--statement", "1")
    assert ran.code == 0 and "Searching for: man and arched eyebrows and stubble" in ran.err
    ran = filled("search", "--statement", "7")
    assert ran.code == 2 and "has no statement 7" in ran.err
    searches = json.loads(filled("case", "show", CASE, "--json").out)["searches"]
    first, last = searches[0], searches[-1]
    assert [(each["change"], each["words"]) for each in first["departures"]] == [
        ("left out", "man"),
        ("left out", "stubble"),
    ]
    assert {each["why"] for each in first["departures"]} == {"stubble comes and goes"} and last["departures"] == []


def test_a_statement_that_cannot_be_read_is_not_taken_for_one_without_departures(
    filled: Program, tmp_path: Path
) -> None:
    assert filled("search", "stubble", "--statement", "2").code == 0
    filled("case", "show", CASE, "--html", tmp_path / "case.html")
    words = " ".join(" ".join(Reader((tmp_path / "case.html").read_text(encoding="utf-8")).words).split())
    assert words.count("was not worked out: compare them by eye") == 1


def test_a_blind_search_shows_nothing_until_its_review(filled: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = filled("search", "no stubble", "--blind")
    assert (
        ran.code == 0 and ran.out == "" and "3 hits, not shown: `facesearch case review 2026/17 --search 4`" in ran.err
    )
    assert not re.search(r"0\.\d\d\d", ran.err)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\nwhat\nn\n\n"))
    ran = filled("case", "review", CASE)
    assert "3 of 3 faces are left to mark" in ran.err and "1 are left for later." in ran.err
    marks = json.loads(filled("case", "show", CASE, "--json").out)["marks"]
    assert [each["state"] for each in marks if each["blind"]] == ["follow up", "set aside"]


def test_what_makes_no_sense_is_refused_in_a_sentence(run: Program, tmp_path: Path) -> None:
    run("case", "new", CASE)
    for arguments, code, words in (
        (["case", "mark", CASE, "match", "1"], 2, "'match' is not one of"),
        (["case", "mark", CASE, "follow-up", "99"], 3, "There is no face 99"),
        (["case", "mark", CASE, "follow-up"], 2, "Missing argument"),
        (["case", "mark", "other", "follow-up", "1"], 2, "There is no case other"),
        (["case", "undo", CASE], 2, "There is no mark of Anna"),
        (["case", "review", CASE], 2, "There is no search with a hit"),
        (["case", "add", CASE, "--row", "1"], 2, "is no search"),
        (["case", "add", CASE, "x", "--row", "1"], 2, "give one at a time"),
        (["case", "add", CASE, "x", "--taken", "yesterday"], 2, "yesterday"),
        (["case", "new", " "], 2, "is empty"),
        (["case", "export", CASE, str(tmp_path)], 2, "exists already"),
        (["search", "x", "--why", "y"], 2, "--statement N"),
        (["search", "stubble", "--blind", "--json"], 2, "--blind shows no hit"),
        (["search", "stubble", "--rank-of", "1", "--csv", "-"], 2, "--rank-of shows one face"),
    ):
        ran = run(*arguments)
        assert ran.code == code and words in ran.err, (arguments, ran)
        assert "Traceback" not in ran.err


def test_a_case_that_is_removed_meanwhile_is_said_to_be_gone(filled: Program) -> None:
    assert filled("case", "remove", CASE, "--yes").code == 0
    for arguments in (["case", "show", CASE], ["case", "mark", CASE, "follow-up", "1"], ["disclose", CASE, "d"]):
        ran = filled(*arguments)
        assert ran.code == 2 and "There is no case 2026/17" in ran.err


def test_a_sealed_catalogue_shows_and_exports_its_cases(filled: Program, catalogue: Path, tmp_path: Path) -> None:
    with open_catalogue(catalogue) as opened, opened.write() as session:
        seal(session)
    assert filled("case", "show", CASE).code == 0
    assert filled("case", "export", CASE, tmp_path / "out").code == 0
    ran = filled("case", "mark", CASE, "follow-up", "2")
    assert ran.code == 3 and "is sealed" in ran.err
    assert "Not kept in case 2026/17" in filled("search", "stubble").err


# The report


def test_the_report_tells_all_of_the_case_and_nothing_in_it_becomes_markup(filled: Program, tmp_path: Path) -> None:
    assert filled("case", "show", CASE, "--html", tmp_path / "case.html").code == 0
    text = (tmp_path / "case.html").read_text(encoding="utf-8")
    read = Reader(text)
    assert not any(name == "onerror" for name, _ in read.attributes) and "script" not in read.tags
    assert read.tags.count("img") == 6 and read.tags.count("style") == 1, "each face once, with its photo"
    words = " ".join(" ".join(read.words).split())
    assert words.count("<img src=x onerror=alert(1)> & \"so\" 'too' \\u202e</style>") == 3 and MARKUP in words
    for said in (
        "W1", "2026-03-04 14:30", "by phone", "stubble comes and goes", "left out", "Anna", "appeal", "suspect",
        "Search 2: stubble and name:nowhere", "No face matched", "Nothing: every photo of the catalogue",
        "no ground for arrest, charge or a line-up", "Marks that were taken back", "SHA-256", "row 1", "follow up",
        "search 1: rank 1 of 3, score", "as many or more fit", "other faces that were found in a photo",
    ):  # fmt: skip
        assert " ".join(said.split()) in words, said
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in text and "unsafe" not in text.partition("<style>")[0]
    assert "counter(page)" in style and "no ground for arrest" in style and "break-inside: avoid" in style


def test_a_case_with_nothing_in_it_has_a_report(run: Program, tmp_path: Path) -> None:
    run("case", "new", CASE)
    assert run("case", "show", CASE, "--html", tmp_path / "case.html").code == 0
    words = " ".join(Reader((tmp_path / "case.html").read_text(encoding="utf-8")).words)
    assert "No statement was put in." in words and "No search was made in this case." in words


def test_the_blind_page_has_no_rank_and_no_score(filled: Program, tmp_path: Path) -> None:
    filled("case", "review", CASE, "--search", "1", "--html", tmp_path / "blind.html")
    words = " ".join(Reader((tmp_path / "blind.html").read_text(encoding="utf-8")).words)
    assert "green" not in words, "a name may say what to expect"
    assert not re.search(r"\d %|rank \d|0\.\d\d\d|follow up|suspect", words.partition("random order")[2])


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium to print with")
def test_a_pdf_is_printed_where_there_is_a_browser(filled: Program, tmp_path: Path) -> None:
    ran = filled("case", "show", CASE, "--html", tmp_path / "case.html", "--pdf", tmp_path / "case.pdf")
    assert ran.code == 0, ran.err
    assert (tmp_path / "case.pdf").read_bytes().startswith(b"%PDF-") and (tmp_path / "case.html").exists()


def test_without_a_browser_one_sentence_says_what_to_do(
    filled: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESEARCH_CHROMIUM", str(tmp_path / "nothing"))
    ran = filled("search", "stubble", "--pdf", tmp_path / "sheet.pdf")
    assert ran.code == 3 and "A PDF needs Chromium or Chrome" in ran.err and "--html" in ran.err
    (tmp_path / "broken").write_text("#!/bin/sh\necho cannot >&2\nexit 3\n")
    (tmp_path / "broken").chmod(0o755)
    monkeypatch.setenv("FACESEARCH_CHROMIUM", str(tmp_path / "broken"))
    ran = filled("search", "stubble", "--pdf", tmp_path / "sheet.pdf")
    assert ran.code == 3 and "could not print the page (cannot)" in ran.err and not (tmp_path / "sheet.pdf").exists()


def test_paper_is_that_of_the_country(monkeypatch: pytest.MonkeyPatch) -> None:
    for named, size in (("en_US.UTF-8", "letter"), ("de_DE.UTF-8", "A4"), ("C", "A4"), ("", "A4")):
        monkeypatch.setenv("LC_ALL", named)
        monkeypatch.setenv("LANG", "")
        assert paper() == size


# Handed on


def checked(folder: Path) -> set[str]:
    """The names of the files, all of which are as the manifest says and for their owner alone."""
    lines = (folder / MANIFEST).read_text().splitlines()
    for line in lines:
        digest, name = line.split("  ", 1)
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    files = [each for each in folder.rglob("*") if each.is_file()]
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {each.relative_to(folder).as_posix() for each in files} == {line.split("  ", 1)[1] for line in lines} | {
        MANIFEST
    }
    return {each.relative_to(folder).as_posix() for each in files}


def test_an_export_opens_without_the_program(filled: Program, tmp_path: Path, catalogue: Path) -> None:
    ran = filled("case", "export", CASE, tmp_path / "out")
    assert ran.code == 0 and "forgotten in the catalogue later stays in it" in ran.err
    names = checked(tmp_path / "out")
    pictures = {f"pictures/face-{face}-{kind}.jpg" for face in (1, 2, 3) for kind in ("crop", "photo")}
    assert pictures | {"report.html", "case.json", "hits.csv", "marks.csv", "faces.csv", "README.txt"} < names
    record = json.loads((tmp_path / "out" / "case.json").read_text())
    assert [len(each["hits"]) for each in record["searches"]] == [3, 0, 2]
    assert (tmp_path / "out" / "statements" / "statement-1.txt").read_text() == record["statements"][0]["text"]
    marks = list(csv.DictReader(io.StringIO((tmp_path / "out" / "marks.csv").read_text("utf-8-sig"))))
    assert [(each["face"], each["state"]) for each in marks] == [
        ("1", "follow up"),
        ("2", "set aside"),
        ("3", "set aside"),
    ]
    assert marks[2]["undone"] and marks[0]["note"] == NASTY
    with sqlite3.connect(catalogue) as connection:
        (payload,) = connection.execute("SELECT payload FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    assert json.loads(payload)["action"] == "export" and json.loads(payload)["files"][0]["sha256"] in ran.err


def test_a_zip_holds_the_same_under_safe_names(filled: Program, tmp_path: Path) -> None:
    target = tmp_path / "..odd näme.zip"
    assert filled("case", "export", CASE, target).code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with zipfile.ZipFile(target) as packed:
        assert packed.testzip() is None
        names = packed.namelist()
        assert {each.external_attr >> 16 for each in packed.infolist()} == {0o600}
    assert all(re.fullmatch(r"odd-n-me/[A-Za-z0-9./_-]+", name) and ".." not in name for name in names)
    ran = filled("case", "export", CASE, target)
    assert ran.code == 2 and "exists already: name a new file" in ran.err
    assert not list(tmp_path.glob(".facesearch-*"))


def test_nothing_is_exported_into_photos_or_onto_what_is_there(filled: Program, made: Path, tmp_path: Path) -> None:
    ran = filled("case", "export", CASE, made.parent / "album" / "out")
    assert ran.code == 2 and "nothing is ever written into a folder with photos" in ran.err
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "note").write_text("mine")
    assert filled("case", "export", CASE, tmp_path / "there").code == 2
    assert [each.name for each in (tmp_path / "there").iterdir()] == ["note"]
    (tmp_path / "empty").mkdir()
    assert filled("case", "export", CASE, tmp_path / "empty").code == 0


@pytest.mark.parametrize(
    ("name", "safe"),
    [("../../etc/passwd", "etc-passwd"), ("a b\n", "a-b"), ("\u202e", ""), ("CON:", "CON"), ("x" * 99, "x" * 60)],
)
def test_names_in_what_is_handed_on_are_plain(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_disclosed_case_replays_as_identical_on_another_machine(
    filled: Program, facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    ran = filled("disclose", CASE, tmp_path / "given")
    assert ran.code == 0, ran.err
    (seal_,) = re.findall(r"[0-9a-f]{64}", ran.err)
    names = checked(tmp_path / "given")
    assert {"report.html", "case.json", "network.json", "log.json", "scores/logits.npy"} < names
    photos = [path.encode() for path in (str(catalogue.parent / "album"), "green.png")]
    arrays = list((tmp_path / "given" / "scores").iterdir())
    assert not any(photo in each.read_bytes() for photo in photos for each in arrays)
    catalogue.unlink()
    ran = facesearch("replay", tmp_path / "given", "--seal", seal_)
    assert ran.code == 0 and ran.out.splitlines()[-1] == "identical", ran.out
    assert ran.out.count("identical") == 4 and "Search 2, stubble and name:nowhere, 0 hits: identical" in ran.out
    ran = facesearch("replay", tmp_path / "given", "--seal", "0" * 64)
    assert ran.code == 4 and "The seal is another" in ran.out


def sealed_anew(folder: Path) -> None:
    """Make the manifest what it would be had the files been so from the beginning."""
    lines = (folder / MANIFEST).read_text().splitlines()
    names = [line.split("  ", 1)[1] for line in lines]
    text = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / MANIFEST).write_text(text)


def test_a_replay_says_what_differs(filled: Program, facesearch: Program, tmp_path: Path) -> None:
    assert filled("disclose", CASE, tmp_path / "given").code == 0

    def replayed(folder: str) -> str:
        ran = facesearch("replay", tmp_path / folder)
        assert ran.code == 4 and ran.out.splitlines()[-1] == "not identical"
        return ran.out

    for name in ("scores", "order", "log", "added"):
        shutil.copytree(tmp_path / "given", tmp_path / name)
    logits = np.load(tmp_path / "scores" / "scores" / "logits.npy")
    np.save(tmp_path / "scores" / "scores" / "logits.npy", -logits)
    assert "scores/logits.npy is not as it was sealed." in replayed("scores")
    sealed_anew(tmp_path / "scores")
    assert "The order is another from rank 1 on." in replayed("scores")
    record = json.loads((tmp_path / "order" / "case.json").read_text())
    record["searches"][0]["hits"][0]["score"] += 0.01
    (tmp_path / "order" / "case.json").write_text(json.dumps(record))
    sealed_anew(tmp_path / "order")
    assert "1 scores are others, by up to 0.01." in replayed("order")
    log = json.loads((tmp_path / "log" / "log.json").read_text())
    del log[2]
    (tmp_path / "log" / "log.json").write_text(json.dumps(log))
    sealed_anew(tmp_path / "log")
    assert f"Row {log[2]['row']} of the log does not follow" in replayed("log")
    (tmp_path / "added" / "more.txt").write_text("x")
    assert "more.txt was added." in replayed("added")


@pytest.mark.parametrize("break_it", ["nothing", "no json", "no arrays", "wrong shape", "escape"])
def test_what_is_no_disclosure_is_refused(filled: Program, facesearch: Program, tmp_path: Path, break_it: str) -> None:
    folder = tmp_path / "given"
    if break_it == "nothing":
        folder.mkdir()
    else:
        assert filled("disclose", CASE, folder).code == 0
        if break_it == "no json":
            (folder / "case.json").write_text("{}")
        elif break_it == "no arrays":
            (folder / "scores" / "logits.npy").write_bytes(b"no array")
        elif break_it == "wrong shape":
            np.save(folder / "scores" / "logits.npy", np.zeros((1, 3)))
        else:
            (folder / MANIFEST).write_text(f"{'0' * 64}  ../../etc/passwd\n")
    ran = facesearch("replay", folder)
    assert ran.code in (2, 3) and ran.err.count("Error: ") == 1 and "Traceback" not in ran.err


def test_a_disclosure_tells_nothing_of_other_cases(filled: Program, facesearch: Program, catalogue: Path) -> None:
    before = ("--catalogue", str(catalogue), "--examiner", "Zacharias", "--case", "secret-9")
    assert facesearch(*before, "case", "new", "secret-9").code == 0
    assert facesearch(*before, "search", "stubble, no hat").code == 0
    folder = catalogue.parent / "given"
    assert filled("disclose", CASE, folder).code == 0
    for file in folder.rglob("*"):
        if file.is_file():
            assert not any(word in file.read_bytes() for word in (b"Zacharias", b"secret-9")), file


def test_new_faces_since_a_search_are_left_out_and_counted(
    filled: Program, facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    save(tmp_path / "more" / "new.png", picture((0, 255, 0)))
    index(catalogue, tmp_path / "more")
    assert filled("disclose", CASE, tmp_path / "given").code == 0
    ran = facesearch("replay", tmp_path / "given")
    assert ran.code == 0 and "identical (1 faces were added or changed since, and left out)" in ran.out


# One face, and the photos


def test_the_rank_of_a_face_says_what_keeps_it_from_the_front(run: Program) -> None:
    order = [each["face"] for each in json.loads(run("search", "arched eyebrows, no stubble", "--json").out)["hits"]]
    ran = run("search", "arched eyebrows, no stubble", "--rank-of", str(order[-1]))
    assert ran.code == 0 and f"Face {order[-1]} stands at rank 3 of 3" in ran.out
    assert "arched eyebrows 27 % ✗" in ran.out and "the best has 0.5" in ran.out
    ran = run("search", "stubble", "--name", "nobody", "--rank-of", "1")
    assert ran.code == 1 and "Face 1 is left out by name:nobody." in ran.out
    ran = run("search", "stubble", "--min-score", "1", "--rank-of", "1")
    assert ran.code == 1 and "left out by least score of 1" in ran.out
    found = json.loads(run("search", "must:stubble, arched eyebrows", "--rank-of", str(order[0]), "--json").out)
    assert found["of"] == 3 and found["behind"] == ["stubble"]
    assert run("search", "stubble", "--rank-of", "99").code == 3


def test_photos_of_hits_are_copied_as_they_were_indexed(run: Program, tmp_path: Path) -> None:
    ran = run("search", "stubble", "--copy-to", tmp_path / "copies")
    assert ran.code == 0 and f"Written: {tmp_path / 'copies'}" in ran.err
    names = checked(tmp_path / "copies") - {MANIFEST, "photos.csv"}
    assert len(names) == 2 and all(re.fullmatch(r"\d-face-\d-[a-z-]+\.png", name) for name in names)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "copies" / "photos.csv").read_text("utf-8-sig"))))
    assert [each["rank"] for each in rows] == ["1", "2", "3"] and {each["file"] for each in rows} == names
    for row in rows:
        assert (tmp_path / "copies" / row["file"]).read_bytes() == Path(row["photo"]).read_bytes()
    assert run("search", "stubble", "--copy-to", tmp_path / "copies").code == 2


def test_a_photo_that_is_another_now_is_not_copied(facesearch: Program, tmp_path: Path) -> None:
    catalogue = index(tmp_path / "faces.db", album(tmp_path / "album"))
    (tmp_path / "album" / "green.png").write_bytes(b"another")
    ran = facesearch("search", "stubble", "--copy-to", tmp_path / "copies", "--catalogue", catalogue)
    assert ran.code == 0 and "green.png: it has changed since it was indexed." in ran.err
    rows = list(csv.DictReader(io.StringIO((tmp_path / "copies" / "photos.csv").read_text("utf-8-sig"))))
    assert [each["problem"] for each in rows if not each["file"]] == ["it has changed since it was indexed"]


def test_help_and_plain_searches_load_no_templates(catalogue: Path) -> None:
    for arguments in (["case", "--help"], ["search", "stubble", "--catalogue", str(catalogue)]):
        code = (
            "import sys; from cli.main import run; run(sys.argv[1:]); "
            "sys.exit(bool({'jinja2', 'torch', 'cv2', 'alembic'} & set(sys.modules)))"
        )
        ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, check=False)
        assert ran.returncode == 0, arguments


def test_on_whose_behalf_a_command_works_ends_with_it(facesearch: Program, tmp_path: Path) -> None:
    """Other commands, and pages, that follow in the same process work for nobody."""
    facesearch("--case", "A", "--examiner", "A. Marple", "status", "--catalogue", tmp_path / "none.db")
    assert acting_now() == Acting()
