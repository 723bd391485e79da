"""Bad input to custody, tried by hand once and held here: clocks, copies, crowds of failures, two at once."""

import hashlib
import json
import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from db import audit, snapshot
from db.catalogue import open_catalogue
from db.errors import CatalogueBusy, CatalogueError, FaceUnknown
from db.photos import record
from db.snapshot import Condition
from facesearch.custody import forgetting
from facesearch.custody.forgetting import Wanted
from facesearch.query import parse
from facesearch.search.description import search
from facesearch.search.request import Request
from tests.conftest import Program
from tests.support.catalogues import failed, file, new_catalogue
from tests.support.catalogues import index as fill
from tests.support.squares import GREEN, album, index
from tests.support.stand_ins import picture, save


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return index(tmp_path / "case" / "faces.db", album(tmp_path / "album"))


def manifest(folder: Path, path: Path) -> Path:
    photos = sorted(folder.glob("*.png"))
    path.write_text(
        "path,sha256\n" + "".join(f"{each.name},{hashlib.sha256(each.read_bytes()).hexdigest()}\n" for each in photos)
    )
    return path


def keep_exhibit(catalogue: Path, folder: Path, name: str, listed: Path) -> None:
    from indexer.exhibits import keep_exhibit as keep
    from indexer.manifests import read_manifest

    with open_catalogue(catalogue) as opened:
        keep(opened, os.fsencode(folder), name, read_manifest(listed, os.fsencode(folder)))


# Clocks


def test_a_clock_that_jumps_back_breaks_no_chain(facesearch: Program, catalogue: Path) -> None:
    now = datetime.now(UTC)
    with open_catalogue(catalogue) as opened:
        for days in (0, -400, 3, -1):
            with opened.write() as session:
                audit.note(session, "search", {"days": days}, now + timedelta(days=days))
        with opened.read() as session:
            assert audit.verify(session).sound
            rows = list(audit.entries(session))
    assert [each.sequence for each in rows] == [1, 2, 3, 4, 5]
    assert [(each.payload or {})["days"] for each in rows[1:]] == [0, -400, 3, -1]
    listed = facesearch("audit", "--since", f"{now - timedelta(days=30):%Y-%m-%d}", "--catalogue", catalogue)
    assert listed.code == 0 and len(listed.out.splitlines()) == 4


# Copies and other machines


def test_a_catalogue_from_another_machine_is_searched_and_says_what_is_not_there(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    keep_exhibit(catalogue, tmp_path / "album", "JS/1", manifest(tmp_path / "album", tmp_path / "m.csv"))
    other = tmp_path / "elsewhere" / "copy.db"
    other.parent.mkdir()
    shutil.copy(catalogue, other)
    (tmp_path / "album").rename(tmp_path / "moved")
    ran = facesearch("search", "stubble", "--json", "--catalogue", other)
    answer = json.loads(ran.out)
    assert ran.code == 0 and len(answer["hits"]) == 3
    assert answer["unseen"]["folders"] == [{"folder": str(tmp_path / "album"), "why": "not there"}]
    assert answer["audit"]["head"].startswith("2:")
    verified = facesearch("verify", "--catalogue", other)
    assert (
        verified.code == 4 and "the folder is not there, so nothing of it could be compared (3 files)" in verified.out
    )
    assert facesearch("audit", "verify", "--catalogue", other).code == 0
    assert facesearch("check", "--catalogue", other).code == 0
    moved = facesearch("roots", "--moved", tmp_path / "album", tmp_path / "moved", "--catalogue", other)
    assert moved.code == 0, moved.err
    assert facesearch("verify", "JS/1", "--catalogue", other).code == 0


def test_two_exhibits_with_one_photo_name_both(facesearch: Program, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        save(folder / "same.png", picture(GREEN))
    save(folders[1] / "other.png", picture(GREEN, GREEN))
    path = index(tmp_path / "f.db", *folders)
    for folder, name in zip(folders, ("JS/1", "JS/2"), strict=True):
        keep_exhibit(path, folder, name, manifest(folder, tmp_path / "m.csv"))
    hits = json.loads(facesearch("search", "stubble", "--json", "--catalogue", path).out)["hits"]
    assert len(hits) == 3, "a photo in two exhibits is one hit"
    shown = facesearch("show", str(hits[0]["face"]), "--catalogue", path).out
    with open_catalogue(path) as opened:
        result = search(opened, Request(parse("stubble"), fold_copies=False), top=None)
        each_file = {(hit.face.path.parent.name, hit.face.exhibit) for hit in result.hits}
    assert each_file == {("one", "JS/1"), ("two", "JS/2")}
    assert "JS/1" in shown or "JS/2" in shown
    verified = facesearch("verify", "--catalogue", path)
    assert verified.code == 0 and "JS/1" in verified.out and "2 of 2 match" in verified.out
    (folders[0] / "same.png").write_bytes(b"another")
    verified = facesearch("verify", "--catalogue", path)
    assert verified.code == 4 and "0 of 1 match, 1 differs" in verified.out and "2 of 2 match" in verified.out
    assert facesearch("forget", "--folder", folders[0], "--yes", "--catalogue", path).code == 0
    left = json.loads(facesearch("search", "stubble", "--json", "--catalogue", path).out)["hits"]
    assert {Path(each["photo"]).name for each in left} == {"other.png"}


# Many failures


@pytest.mark.slow
def test_fifty_thousand_failures_are_counted_listed_and_in_nobodys_way(facesearch: Program, tmp_path: Path) -> None:
    opened, root_id, model_id = new_catalogue(tmp_path / "f.db", str(tmp_path))
    with opened:
        for start in range(0, 50_000, 5_000):
            with opened.write() as session:
                some = [file(b"%06d.jpg" % each, failed(each, retry=False)) for each in range(start, start + 5_000)]
                record(session, root_id, some, model_id=model_id)
    path = tmp_path / "f.db"
    ran = facesearch("failures", "--json", "--catalogue", path)
    assert ran.code == 0 and "Failed: 50,000" in ran.err and len(json.loads(ran.out)) == 50_000
    told = facesearch("status", "--catalogue", path).out
    assert "50,000 photos failed" in " ".join(told.split()) and len(told.splitlines()) < 60
    assert facesearch("check", "--catalogue", path).code == 0
    ran = facesearch("failures", "--retry", "--catalogue", path)
    assert ran.code == 0 and "opens these 50,000 again" in ran.err


# Forgetting


def test_two_who_forget_the_same_at_once_are_one_that_does_and_one_that_is_told(catalogue: Path) -> None:
    now = datetime.now(UTC)
    ends: list[object] = []
    start = threading.Barrier(2)
    with open_catalogue(catalogue) as opened:
        shown = forgetting.plan(opened, Wanted(faces=(1,)), now)

        def forget() -> None:
            start.wait()
            try:
                ends.append(forgetting.forget(opened, Wanted(faces=(1,)), shown, now))
            except CatalogueError as error:
                ends.append(error)

        threads = [threading.Thread(target=forget) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    done = [each for each in ends if isinstance(each, forgetting.Forgot)]
    told = [each for each in ends if isinstance(each, CatalogueBusy | FaceUnknown)]
    assert len(done) == 1 and len(told) == 1, ends


def test_everything_can_be_forgotten_and_something_new_indexed(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    ran = facesearch("forget", "--folder", tmp_path / "album", "--yes", "--catalogue", catalogue)
    assert ran.code == 0 and "Forgotten: 3 photos and 3 faces" in ran.err
    assert facesearch("search", "stubble", "--catalogue", catalogue).code == 3
    ran = facesearch("forget", "--older-than", "0d", "--yes", "--catalogue", catalogue)
    assert ran.code == 0 and "There is nothing to forget" in ran.err
    save(tmp_path / "album" / "new.png", picture(GREEN, size=(300, 120)))
    index(catalogue, tmp_path / "album")
    assert json.loads(facesearch("search", "stubble", "--json", "--catalogue", catalogue).out)["faces"] == 1


def test_what_goes_of_an_exhibit_is_said(facesearch: Program, catalogue: Path, tmp_path: Path) -> None:
    keep_exhibit(catalogue, tmp_path / "album", "JS/1", manifest(tmp_path / "album", tmp_path / "m.csv"))
    ran = facesearch("forget", "--folder", tmp_path / "album", "--yes", "--catalogue", catalogue)
    assert ran.code == 0
    assert "Exhibit JS/1: with them goes its reference" in ran.out
    assert "what its manifest says of 3 files; `facesearch verify` cannot compare them any more" in ran.out


@pytest.mark.parametrize("reason", ["--yes", "-y", " ", ""])
def test_an_option_is_no_reason(facesearch: Program, catalogue: Path, reason: str) -> None:
    facesearch("forget", "1", "--hold", "--catalogue", catalogue)
    ran = facesearch("forget", "1", "--override", reason, "--catalogue", catalogue)
    assert ran.code == 2
    assert facesearch("show", "1", "--catalogue", catalogue).code == 0


def test_the_log_is_read_once_however_much_goes(tmp_path: Path) -> None:
    opened, root_id, model_id = new_catalogue(tmp_path / "f.db")
    scans: list[str] = []

    def note(*arguments: object) -> None:
        if "FROM audit" in str(arguments[2]) and "LIMIT" not in str(arguments[2]):
            scans.append(str(arguments[2]))

    with opened:
        fill(opened, root_id, model_id, range(2000))
        with opened.write() as session:
            for number in range(5):
                audit.note(session, "show", {"face": number})
        now = datetime.now(UTC)
        wanted = Wanted(before=now + timedelta(seconds=1))
        shown = forgetting.plan(opened, wanted, now + timedelta(days=1))
        event.listen(Engine, "before_cursor_execute", note)
        try:
            forgetting.forget(opened, wanted, shown, now + timedelta(days=1))
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        with opened.read() as session:
            blanked = [each.payload is None for each in audit.entries(session) if each.kind == "show"]
    assert len(scans) == 1
    assert blanked == [False, True, True, True, True], "face 0 there never was"


# Sealing, checking, writing


def test_sealing_brings_the_snapshot_up_to_date_since_nothing_can_afterwards(
    facesearch: Program, catalogue: Path
) -> None:
    shutil.rmtree(f"{catalogue}.d")
    ran = facesearch("seal", "--yes", "--catalogue", catalogue)
    assert ran.code == 0 and "snapshot was brought up to date first" in ran.err
    with open_catalogue(catalogue) as opened:
        assert snapshot.state_of(opened).condition is Condition.CURRENT
    assert "snapshot" not in facesearch("seal", "--yes", "--catalogue", catalogue).err


def test_a_backup_into_a_folder_that_is_not_there_makes_none(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    ran = facesearch("backup", tmp_path / "no" / "such" / "b.db", "--catalogue", catalogue)
    assert ran.code == 3 and f"create its folder {tmp_path / 'no' / 'such'} first" in ran.err
    assert not (tmp_path / "no").exists()


def test_hits_in_a_recycle_bin_that_was_indexed_by_itself_are_marked(facesearch: Program, tmp_path: Path) -> None:
    folder = album(tmp_path / ".Trash-1000" / "files")
    path = index(tmp_path / "f.db", folder)
    hits = json.loads(facesearch("search", "stubble", "--json", "--catalogue", path).out)["hits"]
    assert {each["found_in"] for each in hits} == {"recycle bin"}
    assert "(recycle bin)" in facesearch("show", "1", "--catalogue", path).out
    plain = index(tmp_path / "g.db", album(tmp_path / ".hidden" / "photos"))
    hits = json.loads(facesearch("search", "stubble", "--json", "--catalogue", plain).out)["hits"]
    assert {each["found_in"] for each in hits} == {""}


def test_one_of_a_kind_is_said_as_one(facesearch: Program, tmp_path: Path) -> None:
    save(tmp_path / "album" / "green.png", picture(GREEN))
    path = index(tmp_path / "f.db", tmp_path / "album")
    status = " ".join(facesearch("status", "--catalogue", path).out.split())
    assert f"{tmp_path / 'album'}: 1 photo " in status and "1 file with 1 different content: 1 with faces" in status
    facesearch("search", "stubble", "--catalogue", path)
    assert "1 hit: faces 1" in facesearch("audit", "--catalogue", path).out
    assert "1 photo. Faces" in facesearch("roots", "--detach", tmp_path / "album", "--catalogue", path).err
