"""What a policy beside the catalogue demands and switches off: the same for commands, Python and any page."""

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facesearch as library
from db import audit
from db.catalogue import open_catalogue
from facesearch.attributes import BY_NAME
from facesearch.custody import forgetting
from facesearch.custody.acting import Acting, acting
from facesearch.custody.backing_up import back_up
from facesearch.custody.policy import PolicyError, PolicyRefusal, policy_at
from facesearch.custody.restoring import restoration
from facesearch.query import parse
from facesearch.search.description import search
from facesearch.search.face import report_face
from facesearch.search.interview import Answer, begin, conclude
from facesearch.search.request import Request
from facesearch.search.similar import indexed_faces, similar
from tests.conftest import Program
from tests.support.powers import without_root_powers
from tests.support.squares import album, index

WHO = Acting(examiner="A. Marple", case="7/26", reason="robbery")
STUBBLE = Request(parse("stubble"))


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return index(tmp_path / "case" / "faces.db", album(tmp_path / "album"))


def policy(catalogue: Path, text: str, *, own: bool = False) -> Path:
    file = catalogue.with_name("faces.db.policy.toml" if own else "policy.toml")
    file.write_text(text)
    return file


# Reading it


def test_without_a_policy_nothing_is_restricted(catalogue: Path) -> None:
    found = policy_at(catalogue)
    assert not found and found.similar and found.exports == {"csv", "html", "json"} and not found.demands


def test_both_files_hold(catalogue: Path, tmp_path: Path) -> None:
    policy(catalogue, 'demand = ["case"]\nexport = ["csv", "html"]\noff = ["chubby"]\n')
    policy(catalogue, 'demand = ["log"]\nexport = ["csv"]\nsimilar = false\noff = ["Pale_Skin", "beard"]\n', own=True)
    for path in (catalogue, tmp_path / "link.db"):
        if path != catalogue:
            path.symlink_to(catalogue)
        found = policy_at(path)
        assert found.demands == {"case", "log"} and found.exports == {"csv"} and not found.similar
        assert found.off == {BY_NAME[name].index for name in ("Chubby", "Pale_Skin", "No_Beard")}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("similar = maybe\n", "line 1, is no TOML"),
        ("# ours\n\nsimilar = 0\n", "line 3, similar: 0 is neither true nor false"),
        ('demand = "case"\n', "line 1, demand: 'case' is no list of texts"),
        ('blur = true\ndemand = ["cases"]\n', "line 2, demand: 'cases' is none of case, examiner, log, reason"),
        ('export = ["pdf"]\n', "line 1, export: 'pdf' is none of csv, html, json"),
        ('\noff = ["wears a monocle"]\n', "line 2, off: 'wears a monocle' is no word"),
        ("simmilar = false\n", "line 1, simmilar: there is no such key"),
        ("[similar]\nx = 1\n", "similar: .* is neither"),
        ("similar = false\nsimilar = true\n", "line 2, is no TOML"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_line_and_key_and_nothing_runs(
    facesearch: Program, catalogue: Path, text: str, why: str
) -> None:
    file = policy(catalogue, text)
    with pytest.raises(PolicyError, match=f"{file}, .*{why}" if "line" not in why else f"{file}, {why}"):
        policy_at(catalogue)
    for command in (["status"], ["search", "stubble"], ["check"], ["audit", "head"], ["verify"], ["failures"]):
        ran = facesearch(*command, "--catalogue", catalogue)
        assert ran.code == 3 and str(file) in ran.err and not ran.out, command
    with library.open(catalogue) as gallery, pytest.raises(library.PolicyError):
        gallery.search("stubble")


def test_a_policy_that_cannot_be_read_or_is_no_text_stops_everything(catalogue: Path) -> None:
    file = policy(catalogue, "")
    file.write_bytes(b"similar = true\n# \xff\n")
    with pytest.raises(PolicyError, match="line 2, is no UTF-8"):
        policy_at(catalogue)
    file.chmod(0)
    with without_root_powers(), pytest.raises(PolicyError, match="cannot be read"):
        policy_at(catalogue)
    file.unlink()
    file.symlink_to("nowhere")
    with pytest.raises(PolicyError, match="cannot be read"):
        policy_at(catalogue)


@given(st.binary(max_size=200))
def test_whatever_a_policy_holds_is_read_or_refused(data: bytes) -> None:
    path = Path(os.environ["HOME"]) / "faces.db"
    path.with_name("policy.toml").write_bytes(data)
    try:
        policy_at(path)
    except PolicyError as error:
        assert "\n" not in str(error).replace(repr(data), "")


# Demands


def test_who_does_not_say_for_which_case_is_refused_by_every_use_case(catalogue: Path, tmp_path: Path) -> None:
    policy(catalogue, 'demand = ["case", "reason", "examiner"]\n')
    with open_catalogue(catalogue) as opened:
        probe = indexed_faces(opened, [1])
        wanted = forgetting.Wanted(faces=(1,))
        from datetime import UTC, datetime

        from indexer.pipeline import index_folders

        now = datetime.now(UTC)
        shown = forgetting.plan(opened, wanted, now)
        deeds: dict[str, Any] = {
            "search": lambda: search(opened, STUBBLE),
            "interview": lambda: begin(opened, STUBBLE),
            "similar": lambda: similar(opened, probe),
            "show": lambda: report_face(opened, 1),
            "backup": lambda: back_up(opened, tmp_path / "b.db"),
            "hold": lambda: forgetting.hold(opened, wanted, now),
            "release": lambda: forgetting.release(opened, wanted, now),
            "index": lambda: index_folders(opened, [], model=None, new_scorer=None, new_detector=None, detector="x"),  # type: ignore[arg-type]
            "forget": lambda: forgetting.forget(opened, wanted, shown, now),
        }
        for name, deed in deeds.items():
            with pytest.raises(PolicyRefusal, match="demands a case, an examiner and a reason"):
                deed()
            with acting(Acting(case="7/26")), pytest.raises(PolicyRefusal, match="demands an examiner and a reason"):
                deed()
            if name not in ("index", "forget"):
                with acting(WHO):
                    deed()
    with pytest.raises(PolicyRefusal, match="demands"), restoration(catalogue, tmp_path / "b.db"):
        pass


def test_a_command_is_told_where_the_case_goes(facesearch: Program, catalogue: Path) -> None:
    policy(catalogue, 'demand = ["case"]\n')
    ran = facesearch("search", "stubble", "--catalogue", catalogue)
    assert ran.code == 2 and "`facesearch --case ... search ...`" in ran.err and not ran.out
    assert facesearch("--case", "7/26", "search", "stubble", "--catalogue", catalogue).code == 0
    ran = facesearch("search", "stubble", "--case", "7/26", "--catalogue", catalogue)
    assert ran.code == 2 and "--case goes before the command, as in `facesearch --case ... search ...`." in ran.err
    with library.open(catalogue) as gallery:
        with pytest.raises(library.PolicyRefusal):
            gallery.search("stubble")
        with library.acting(library.Acting(case="7/26")):
            assert len(gallery.search("stubble")) == 3


def test_a_search_that_cannot_be_logged_is_refused_where_that_is_demanded(
    facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(catalogue, 'demand = ["log"]\n')
    assert facesearch("search", "stubble", "--catalogue", catalogue).code == 0
    monkeypatch.setenv("XDG_DATA_HOME", "/dev/null/nowhere")
    catalogue.chmod(0o400)
    with without_root_powers():
        for command in (["search", "stubble"], ["show", "1"], ["similar", "--face", "1"]):
            ran = facesearch(*command, "--catalogue", catalogue)
            assert ran.code == 2 and "could not be" in ran.err and not ran.out, command


# What is off


def test_searching_by_a_face_can_be_switched_off(facesearch: Program, catalogue: Path) -> None:
    policy(catalogue, "similar = false\n")
    ran = facesearch("similar", "--face", "1", "--catalogue", catalogue)
    assert ran.code == 2 and "switches off searching by a face" in ran.err
    shown = facesearch("show", "1", "--json", "--catalogue", catalogue)
    assert shown.code == 0 and json.loads(shown.out)["nearest"] == []
    with library.open(catalogue) as gallery:
        with pytest.raises(library.PolicyRefusal):
            gallery.similar(1)
        assert len(gallery.face(1).nearest) == 0


def test_exports_can_be_switched_off(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    policy(catalogue, 'export = ["csv"]\n')
    out = tmp_path / "out.html"
    for command in (
        ["search", "stubble", "--html", out],
        ["search", "stubble", "--json"],
        ["show", "1", "--html", out],
        ["show", "1", "--json"],
        ["validate", tmp_path / "validation"],
    ):
        ran = facesearch(*command, "--catalogue", catalogue)
        assert ran.code == 2 and "switches off exports as" in ran.err and not ran.out, command
    assert not out.exists()
    assert facesearch("search", "stubble", "--csv", tmp_path / "out.csv", "--catalogue", catalogue).code == 0
    assert facesearch("search", "stubble", "--catalogue", catalogue).code == 0
    with library.open(catalogue) as gallery:
        hits = gallery.search("stubble")
        assert hits.to_frame().shape[0] == 3
        with pytest.raises(library.PolicyRefusal, match="JSON"):
            hits.to_dicts()
    policy(catalogue, "export = false\n")
    ran = facesearch("search", "stubble", "--csv", "-", "--catalogue", catalogue)
    assert ran.code == 2 and "exports as CSV: look at the result here" in ran.err


def test_words_can_be_switched_off(facesearch: Program, catalogue: Path) -> None:
    policy(catalogue, 'off = ["stubble"]\n')
    name, at = "5_o_Clock_Shadow", BY_NAME["5_o_Clock_Shadow"].index
    for command in (
        ["search", "man, stubble"],
        ["search", "man", "--must", "stubble"],
        ["search", "man and stubble>0.5"],
        ["interview", "stubble"],
        ["similar", "--face", "1", "--with", "stubble"],
    ):
        ran = facesearch(*command, "--catalogue", catalogue)
        assert ran.code == 2 and f"switches off {name}" in ran.err, (command, ran.err)
    shown = facesearch("show", "1", "--json", "--catalogue", catalogue)
    assert name not in json.loads(shown.out)["attributes"] and len(json.loads(shown.out)["attributes"]) == 39
    assert facesearch("show", "1", "--catalogue", catalogue).code == 0
    every = facesearch("search", "man", "--json", "--all-attributes", "--catalogue", catalogue)
    assert json.loads(every.out)["hits"][0][name] is None
    with open_catalogue(catalogue) as opened:
        assert math.isnan(search(opened, Request(parse("man"))).hits[0].probabilities[at])
        held = begin(opened, Request())
        while (asked := held.next_question()) is not None:
            assert asked.attribute.index != at
            held.answer(asked, Answer.UNSURE)
    with library.open(catalogue) as gallery:
        assert name not in gallery.search("man")[0].probabilities
        assert name not in gallery.face(1).probabilities


def test_status_tells_what_holds(facesearch: Program, catalogue: Path) -> None:
    file = policy(
        catalogue, 'demand = ["case", "log"]\nsimilar = false\nexport = false\noff = ["chubby"]\nblur = true\n'
    )
    told = " ".join(facesearch("status", "--catalogue", catalogue).out.split())
    assert (
        f"Policy {file}: demands a case and that all is logged; similar is off; exports are off; words that are off: "
        "Chubby; other faces are blurred"
    ) in told


# What is logged


def test_an_interview_is_logged_as_one_with_its_answers(catalogue: Path) -> None:
    with open_catalogue(catalogue) as opened:
        held = begin(opened, STUBBLE)
        asked = held.next_question()
        assert asked is not None
        held.answer(asked, Answer.YES)
        result = conclude(opened, STUBBLE, held)
        assert result.logged is not None and result.logged.head is not None
        with opened.read() as session:
            *_, last = audit.entries(session)
    assert last.kind == "interview" and last.chain == result.logged.head.chain
    assert (last.payload or {})["answers"] == [[asked.text, "yes"]]
    assert len((last.payload or {})["faces"]) == len(result.hits)


def test_the_rank_of_a_face_and_exports_of_everybody_obey_it_as_well(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    facesearch("case", "new", "1/26", "--catalogue", catalogue)
    policy(catalogue, 'export = ["csv"]\noff = ["stubble"]\n')
    for command in (
        ["search", "stubble", "--rank-of", "1"],
        ["--reason", "a test", "export", "--parquet", tmp_path / "out"],
        ["case", "export", "1/26", tmp_path / "exported"],
        ["search", "man", "--copy-to", tmp_path / "copied"],
        ["disclose", "1/26", tmp_path / "given"],
    ):
        ran = facesearch(*command, "--catalogue", catalogue)
        assert ran.code == 2 and "switches off" in ran.err, command
    assert not any((tmp_path / name).exists() for name in ("out", "exported", "given", "copied"))
