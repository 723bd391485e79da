"""The audit log: who did what with a catalogue, in a chain that shows what was changed."""

import json
import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from db import audit
from db.catalogue import open_catalogue
from facesearch.custody.acting import Acting, acting
from facesearch.custody.audit import log
from facesearch.query import parse
from facesearch.search.description import search
from facesearch.search.request import Request
from tests.conftest import Program
from tests.support.powers import without_root_powers
from tests.support.squares import album, index


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return index(tmp_path / "faces.db", album(tmp_path / "album"))


def rows(catalogue: Path) -> list[audit.Entry]:
    with open_catalogue(catalogue) as opened, opened.read() as session:
        return list(audit.entries(session))


def verified(catalogue: Path, head: str | None = None) -> audit.Verification:
    with open_catalogue(catalogue) as opened, opened.read() as session:
        return audit.verify(session, head)


def by_hand(catalogue: Path, *statements: str) -> None:
    """What somebody does who owns the file."""
    connection = sqlite3.connect(catalogue)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_index_search_show_and_export_are_logged_with_who_asked(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    who = ("--examiner", "A. Marple", "--case", "7/26", "--reason", "robbery")
    csv = tmp_path / "hits.csv"
    assert facesearch(*who, "search", "stubble", "--csv", csv, "--catalogue", catalogue).code == 0
    assert facesearch("show", "1", "--catalogue", catalogue).code == 0
    assert facesearch("similar", "--face", "1", "--catalogue", catalogue).code == 0
    logged = rows(catalogue)
    assert [each.kind for each in logged] == ["index", "search", "export", "show", "similar"]
    run, found, export, shown, _ = (each.payload or {} for each in logged)
    assert run["folders"] == [str(tmp_path / "album")] and run["faces"] == 3
    assert (found["examiner"], found["case"], found["reason"]) == ("A. Marple", "7/26", "robbery")
    assert found["user"] and found["host"] == os.uname().nodename
    assert found["reading"] == "stubble" and found["hits"] == 3 and len(found["request"]) == 64
    assert "text" not in found
    assert [face for face, _ in found["faces"]] == export["faces"]
    assert export["of"] == 2 and export["files"][0]["file"] == str(csv)
    assert shown["face"] == 1 and "case" not in shown
    assert verified(catalogue).sound


def test_the_digest_of_an_export_is_that_of_its_file(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    import hashlib

    files = tmp_path / "hits.csv", tmp_path / "hits.html"
    facesearch("search", "stubble", "--csv", files[0], "--html", files[1], "--catalogue", catalogue)
    (export,) = (each.payload or {} for each in rows(catalogue) if each.kind == "export")
    assert [each["sha256"] for each in export["files"]] == [hashlib.sha256(f.read_bytes()).hexdigest() for f in files]


def test_what_was_typed_is_kept_on_request_alone(facesearch: Program, catalogue: Path) -> None:
    facesearch("--keep-text", "search", "a man w/ stubble, he ran off", "--catalogue", catalogue)
    assert (rows(catalogue)[-1].payload or {})["text"] == "a man w/ stubble, he ran off"


def test_python_logs_as_commands_do(catalogue: Path) -> None:
    with open_catalogue(catalogue) as opened, acting(Acting(case="8/26")):
        result = search(opened, Request(parse("stubble")), top=2)
    assert result.logged is not None and result.logged.head is not None
    last = rows(catalogue)[-1]
    assert last.chain == result.logged.head.chain and (last.payload or {})["case"] == "8/26"
    assert [face for face, _ in (last.payload or {})["faces"]] == [hit.face.face for hit in result.hits]


def test_pages_and_json_state_the_head(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    page = tmp_path / "hits.html"
    ran = facesearch("search", "stubble", "--html", page, "--json", "--catalogue", catalogue)
    head = json.loads(ran.out)["audit"]["head"]
    assert head in page.read_text()
    assert verified(catalogue, head).sound
    checked = facesearch("audit", "verify", "--head", head, "--catalogue", catalogue)
    assert checked.code == 0 and "The chain of 3 rows holds" in checked.out


# The chain


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET payload = '{}' WHERE id = 2",
        "UPDATE audit SET kind = 'show' WHERE id = 2",
        "UPDATE audit SET moment = '2001-01-01 00:00:00.000000' WHERE id = 2",
        "DELETE FROM audit WHERE id = 2",
        "INSERT INTO audit SELECT 9, moment, kind, salt, payload, digest, chain FROM audit WHERE id = 3",
    ],
)
def test_a_row_that_was_changed_dropped_or_added_by_hand_is_found(
    facesearch: Program, catalogue: Path, statement: str
) -> None:
    facesearch("search", "stubble", "--catalogue", catalogue)
    facesearch("search", "not stubble", "--catalogue", catalogue)
    assert verified(catalogue).sound
    by_hand(catalogue, "DROP TRIGGER audit_rows_stay", "DROP TRIGGER audit_rows_keep_what_they_say", statement)
    assert not verified(catalogue).sound
    ran = facesearch("audit", "verify", "--catalogue", catalogue)
    assert ran.code == 4 and "The log was changed" in ran.out


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET payload = '{}'", "DELETE FROM audit", "UPDATE audit SET id = 7"]
)
def test_the_file_itself_refuses_to_change_rows(catalogue: Path, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="audit log"):
        by_hand(catalogue, statement)


def test_a_cut_tail_shows_only_against_a_head_that_was_kept(facesearch: Program, catalogue: Path) -> None:
    facesearch("search", "stubble", "--catalogue", catalogue)
    head = facesearch("audit", "head", "--catalogue", catalogue).out.strip()
    assert head.startswith("2:")
    by_hand(catalogue, "DROP TRIGGER audit_rows_stay", "DELETE FROM audit WHERE id = 2")
    assert verified(catalogue).sound
    assert not verified(catalogue, head).sound
    ran = facesearch("audit", "verify", "--head", head, "--catalogue", catalogue)
    assert ran.code == 4 and "none of its 1 row" in ran.out


def test_a_blanked_row_leaves_the_chain_whole(facesearch: Program, catalogue: Path) -> None:
    facesearch("search", "stubble", "--catalogue", catalogue)
    with open_catalogue(catalogue) as opened, opened.write() as session:
        audit.blank(session, [2])
    found = verified(catalogue)
    assert found.sound and found.blanked == 1
    assert "(blanked" in facesearch("audit", "--catalogue", catalogue).out


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["search", "show"]), st.dictionaries(st.text(), st.text() | st.floats(allow_nan=False))
        )
    )
)
def test_whatever_is_logged_comes_back_and_holds(entries: list[tuple[str, dict[str, object]]]) -> None:
    path = Path(os.environ["HOME"]) / "log.db"
    path.unlink(missing_ok=True)
    with open_catalogue(path, create=True) as opened:
        for kind, payload in entries:
            with opened.write() as session:
                audit.note(session, kind, payload)
        with opened.read() as session:
            assert [(each.kind, each.payload) for each in audit.entries(session)] == entries
            assert audit.verify(session).sound


def test_forgetting_blanks_what_names_the_face_and_is_logged_itself(facesearch: Program, catalogue: Path) -> None:
    facesearch("search", "stubble", "--catalogue", catalogue)
    facesearch("show", "2", "--catalogue", catalogue)
    facesearch("show", "1", "--catalogue", catalogue)
    ran = facesearch("forget", "1", "--yes", "--catalogue", catalogue)
    assert ran.code == 0, ran.err
    logged = rows(catalogue)
    assert [(each.kind, each.payload is None) for each in logged] == [
        ("index", False), ("search", True), ("show", False), ("show", True), ("forget", False),
    ]  # fmt: skip
    assert (logged[-1].payload or {})["erased_faces"] == 1
    listed = facesearch("audit", "--catalogue", catalogue)
    assert listed.code == 0 and "forget" in listed.out.splitlines()[-1]
    assert verified(catalogue).sound and verified(catalogue).blanked == 2


def test_a_restored_backup_keeps_what_was_done_since(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    facesearch("show", "2", "--catalogue", catalogue)
    facesearch("backup", tmp_path / "kept.db", "--catalogue", catalogue)
    facesearch("show", "1", "--catalogue", catalogue)
    facesearch("forget", "2", "--yes", "--catalogue", catalogue)
    head = facesearch("audit", "head", "--catalogue", catalogue).out.strip()
    ran = facesearch("restore", tmp_path / "kept.db", "--yes", "--catalogue", catalogue)
    assert ran.code == 0, ran.err
    kinds = [(each.kind, each.payload is None) for each in rows(catalogue)]
    assert kinds == [
        ("index", False), ("show", True), ("backup", False), ("show", False), ("forget", False), ("restore", False),
    ]  # fmt: skip
    assert verified(catalogue, head).sound


def test_a_sealed_catalogue_is_not_restored_over(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    facesearch("backup", tmp_path / "kept.db", "--catalogue", catalogue)
    facesearch("seal", "--yes", "--catalogue", catalogue)
    ran = facesearch("restore", tmp_path / "kept.db", "--yes", "--catalogue", catalogue)
    assert ran.code == 3 and "is sealed" in ran.err
    assert facesearch("forget", "1", "--yes", "--catalogue", catalogue).code == 3


# Where it cannot be written


def test_a_read_only_catalogue_is_logged_in_the_users_folder_and_merged_later(
    facesearch: Program, catalogue: Path
) -> None:
    catalogue.chmod(0o400)
    with without_root_powers():
        ran = facesearch("--case", "9/26", "search", "stubble", "--catalogue", catalogue)
    assert ran.code == 0 and "Logged in your own folder, not in the catalogue" in ran.err
    catalogue.chmod(0o600)
    assert [each.kind for each in rows(catalogue)] == ["index"]
    facesearch("show", "1", "--catalogue", catalogue)
    assert [each.kind for each in rows(catalogue)] == ["index", "search", "show"]
    assert (rows(catalogue)[1].payload or {})["case"] == "9/26"
    assert verified(catalogue).sound


def test_where_nothing_can_be_written_the_search_runs_and_says_so(
    facesearch: Program, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/dev/null/nowhere")
    catalogue.chmod(0o400)
    with without_root_powers():
        ran = facesearch("search", "stubble", "--catalogue", catalogue)
    assert ran.code == 0 and "Not logged: " in ran.err


def test_a_log_never_raises(catalogue: Path) -> None:
    with open_catalogue(catalogue) as opened:
        with opened.write() as session:
            session.execute(text("DROP TABLE audit"))
        assert log(opened, "search", {}).head is None


# Reading it


def test_the_log_is_listed_filtered_and_exported(facesearch: Program, catalogue: Path) -> None:
    facesearch("--case", "=1+1", "search", "stubble", "--top", "1", "--catalogue", catalogue)
    facesearch("show", "2", "--catalogue", catalogue)
    listed = facesearch("audit", "--catalogue", catalogue).out.splitlines()
    assert len(listed) == 3 and "index" in listed[0] and "stubble; 3 hits" not in listed[1] and "face 2" in listed[2]
    assert facesearch("audit", "--kind", "show", "--catalogue", catalogue).out.count("\n") == 1
    assert facesearch("audit", "--face", "2", "--kind", "show", "--catalogue", catalogue).code == 0
    assert facesearch("audit", "--face", "99", "--catalogue", catalogue).code == 1
    assert facesearch("audit", "--since", "2999-01-01", "--catalogue", catalogue).code == 1
    objects = [json.loads(line) for line in facesearch("audit", "--json", "--catalogue", catalogue).out.splitlines()]
    assert [each["row"] for each in objects] == [1, 2, 3] and objects[1]["payload"]["case"] == "=1+1"
    assert ",'=1+1," in facesearch("audit", "--csv", "--catalogue", catalogue).out


def test_head_belongs_to_verify(facesearch: Program, catalogue: Path) -> None:
    assert facesearch("audit", "--head", "1:" + "ab" * 32, "--catalogue", catalogue).code == 2
    mistyped = facesearch("audit", "verify", "--head", "1:ab", "--catalogue", catalogue)
    assert mistyped.code == 2 and "That is no head" in mistyped.err
