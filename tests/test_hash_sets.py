"""Sets of known files: what they may look like, what becomes of photos that are of one, and how that is undone."""

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import hash_sets, photos
from db.catalogue import Catalogue, open_catalogue
from db.values.photo import LeftOut
from facesearch.query import parse
from facesearch.search.description import search
from facesearch.search.probe import ProbeError, look
from facesearch.search.request import Request
from facesearch.search.unseen import unseen_by_searches
from indexer.hash_sets import HashSet, HashSetError, read_hash_set
from indexer.report import Progress, Stage
from tests.conftest import Program
from tests.support.index_runs import Runs, photos_opened
from tests.support.squares import GREEN, RED, album
from tests.support.stand_ins import RedSquares, picture, save

ILLEGAL, IRRELEVANT = LeftOut.KNOWN_ILLEGAL, LeftOut.KNOWN_IRRELEVANT
NSRL = '"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"\r\n'


def digest(path: Path, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


def bare(path: Path, *photos: Path, algorithm: str = "sha256") -> Path:
    path.write_text("".join(f"{digest(each, algorithm)}\n" for each in photos) or "0" * 64 + "\n")
    return path


def opened(path: Path, kind: LeftOut = ILLEGAL, categories: tuple[str, ...] = ()) -> HashSet:
    return read_hash_set(path, kind, categories)


# Reading them


def vics(*media: dict[str, object]) -> str:
    return json.dumps({"odata.metadata": "http://example.org/2.0.xml/$metadata#Media", "value": list(media)}, indent=1)


def forms(folder: Path, wanted: Path) -> Iterator[tuple[str, bytes]]:
    """The published forms, each with the file and another one."""
    other = "00" * 20, "11" * 16, "22" * 32
    sha1, md5, sha256 = (digest(wanted, name) for name in ("sha1", "md5", "sha256"))
    rows = ((other[0], other[1]), (sha1, md5))
    yield (
        "nsrl.txt",
        (NSRL + "".join(f'"{a.upper()}","{b.upper()}","0","x, y",5,1,"358",""\r\n' for a, b in rows)).encode(),
    )
    old = '"SHA-1","FileName","FileSize","ProductCode","OpSystemCode","MD4","MD5","CRC32","SpecialCode"\n'
    yield "nsrl1.txt", (old + f'"{sha1}","b\xe4r.jpg","5","1","2","","{md5}","0",""\n').encode("latin-1")
    yield "minimal.txt", f'"SHA-256"\n"{other[2]}"\n"{sha256}"\n'.encode()
    yield "md5.txt", f"{other[1]}\r\n{md5}\r\n".encode()
    yield "md5sum.txt", f"{md5} *{wanted}\n".encode()
    yield "semicolons.csv", ("\ufeffName;MD5 Hash\nx;" + md5 + "\n").encode()
    yield "utf16.csv", f"MD5\tPath\n{md5}\tC:\\x\n".encode("utf-16")
    yield "vics.csv", f"MediaID,MD5,SHA1,Category\n1,{md5},{sha1},1\n".encode()
    yield "vics.json", vics({"MediaID": 1, "Category": 1, "MD5": md5.upper(), "SHA1": sha1, "MediaSize": 5}).encode()
    case = {"value": [{"CaseID": "x", "Media": [{"MediaID": 7, "MD5": md5, "Category": 2, "SHA1": None}]}]}
    yield "case.json", b"\xef\xbb\xbf" + json.dumps(case).encode()
    database = folder / "rds.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE FILE (sha256 TEXT, sha1 TEXT, md5 TEXT, file_name TEXT)")
        connection.execute("INSERT INTO FILE VALUES (?, ?, ?, 'x')", (sha256.upper(), sha1, md5))
    connection.close()
    yield "RDS.db", database.read_bytes()


def test_the_published_forms_are_read(tmp_path: Path) -> None:
    wanted = save(tmp_path / "wanted.png", picture(GREEN))
    for name, data in forms(tmp_path, wanted):
        path = tmp_path / name
        path.write_bytes(data)
        with opened(path) as found:
            assert found.sha256 == digest(path) and found.name == name
            of_it = [found.holds(each, bytes.fromhex(digest(wanted, each))) for each in ("md5", "sha1", "sha256")]
            assert any(of_it), name
            assert not found.holds("sha256", bytes(32)) and not found.holds("md5", bytes(3))


def test_categories_have_to_be_chosen_where_there_are_several(tmp_path: Path) -> None:
    path = tmp_path / "vics.json"
    path.write_text(
        vics(
            {"MediaID": 1, "Category": 0, "MD5": "00" * 16},
            {"MediaID": 2, "Category": 1, "MD5": "11" * 16, "MediaFiles": [{"FileName": "a", "MD5": "33" * 16}]},
            {"MediaID": 3, "Category": 2, "MD5": "22" * 16},
        )
    )
    with pytest.raises(HashSetError, match=r"several categories \(0, 1, 2\)"):
        opened(path)
    with pytest.raises(HashSetError, match="no category 5"):
        opened(path, categories=("5",))
    with opened(path, categories=("1", "2")) as found:
        assert found.hashes == 2
        assert [found.holds("md5", bytes([each]) * 16) for each in (0, 0x11, 0x22)] == [False, True, True]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b"\n\n", "holds no hash"),
        (b"Dear Sir\n", "line 1: neither"),
        (b"name,size\n", "line 1: neither"),
        (b"md5,name\n" + b"0" * 32 + b",x\n\n" + b"0" * 31 + b",y\n", "line 4: '0{31}' is no MD5"),
        (b"md5,name\n,x\n", "line 2: there is no hash"),
        (b'md5,name\n"' + b"0" * 32 + b'","x\n"' + b"1" * 32 + b'","y"\n', "line 2: a quotation mark is not closed"),
        (b"0" * 32 + b"\n" + b"0" * 33 + b"\n", "line 2: no MD5"),
        (b'{"value": [\n{"MediaID": 1, "MD5": "xyz"}]}', "line 2: 'xyz' is no MD5"),
        (b'{"value": [\n{"MediaID": 1}]}', "line 2: the picture with MediaID 1 has no hash"),
        (b'{"value": [\n{"MediaID": 1, "MD5": "' + b"0" * 32 + b'"}\n', "line 2: it is no JSON"),
        (b'{"value": []}', "holds no hash"),
        (b"SQLite format 3\0" + b"x" * 100, "is a database that cannot be read"),
    ],
)
def test_a_set_that_is_malformed_is_one_sentence_with_the_line(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "set.csv"
    path.write_bytes(data)
    with pytest.raises(HashSetError, match=why):
        opened(path)


@given(st.binary(max_size=300))
def test_whatever_a_set_holds_is_read_or_refused(data: bytes) -> None:
    path = Path(os.environ["HOME"]) / "set.csv"
    path.write_bytes(data)
    try:
        opened(path).close()
    except HashSetError as error:
        assert "\n" not in str(error)


@given(st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=600), st.binary(min_size=16, max_size=16))
def test_a_set_holds_what_it_lists_and_nothing_else(listed: list[bytes], other: bytes) -> None:
    path = Path(os.environ["HOME"]) / "set.txt"
    path.write_text("\n".join(each.hex() for each in listed))
    with opened(path) as found:
        assert found.hashes == len(set(listed))
        assert all(found.holds("md5", each) for each in listed)
        assert found.holds("md5", other) is (other in listed)


# Indexing by them


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Runs]:
    with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
        yield Runs(catalogue)


def found(catalogue: Catalogue) -> list[str]:
    """The photos of all faces that a search finds."""
    return sorted(hit.face.path.name for hit in search(catalogue, Request(parse("stubble")), top=None).hits)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize("kind", [ILLEGAL, IRRELEVANT])
def test_a_photo_of_a_set_is_never_decoded_and_is_counted(
    run: Runs, tmp_path: Path, algorithm: str, kind: LeftOut
) -> None:
    folder = album(tmp_path / "album")
    known = bare(tmp_path / "set.txt", folder / "green.png", algorithm=algorithm)
    with opened(known, kind) as the_set:
        report = run(folder, sets=[the_set])
        assert run.detector.shown == 2
        assert report.recognised == {kind: 1} and report.photos == 2 and report.failed == 0
        assert report.photos == report.indexed + report.no_face + report.failed
        assert found(run.catalogue) == ["white and black.png"] * 2
        again = run(folder, sets=[the_set])
    assert again.recognised == {kind: 1} and run.opened == [] and again.photos == again.unchanged == 2
    with photos_opened() as names:
        later = run(folder)  # without the set, what it said of this content still holds
    assert later.recognised == {kind: 1} and names == [] and later.sets_not_given == ["set.txt"]
    unseen = unseen_by_searches(run.catalogue)
    assert (unseen.illegal, unseen.irrelevant) == ((1, 0) if kind is ILLEGAL else (0, 1))
    assert unseen.failed == 0 and unseen.waiting == 0
    with run.catalogue.read() as session:
        assert photos.failures(session) == [] and photos.counts(session).left_out == {kind: 1}


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_photo_that_was_indexed_before_leaves_the_searches(run: Runs, tmp_path: Path, algorithm: str) -> None:
    folder = album(tmp_path / "album")
    run(folder)
    before = run.visible()
    shown = run.detector.shown
    with opened(bare(tmp_path / "set.txt", folder / "green.png", algorithm=algorithm)) as the_set:
        report = run(folder, sets=[the_set])
        assert report.hidden_faces == 1 and report.recognised == {ILLEGAL: 1}
        assert found(run.catalogue) == ["white and black.png"] * 2
        run(folder, sets=[the_set])
        assert run.opened == [], "what its hashes are is remembered"
    report = run(folder, drop_sets=["set.txt"])
    assert report.shown_faces == 0 and run.visible() == before and run.detector.shown == shown
    with run.catalogue.read() as session:
        assert hash_sets.stored_sets(session) == []


def test_copies_new_names_and_other_folders_are_known_as_well(run: Runs, tmp_path: Path) -> None:
    folder, other = album(tmp_path / "album"), tmp_path / "other"
    with opened(bare(tmp_path / "set.txt", folder / "green.png", algorithm="md5")) as the_set:
        run(folder, sets=[the_set])
    other.mkdir()
    (other / "copy.png").write_bytes((folder / "green.png").read_bytes())
    (folder / "green.png").rename(folder / "renamed.png")
    save(other / "red.png", picture(RED))
    shown = run.detector.shown
    report = run(folder, other)
    assert report.recognised == {ILLEGAL: 2} and run.detector.shown == shown + 1
    assert report.lost == 0
    assert found(run.catalogue) == ["red.png", "white and black.png", "white and black.png"]


def test_a_known_photo_that_is_gone_is_missing_and_known_again_when_it_is_back(run: Runs, tmp_path: Path) -> None:
    folder = album(tmp_path / "album")
    with opened(bare(tmp_path / "set.txt", folder / "green.png")) as the_set:
        run(folder, sets=[the_set])
    (folder / "green.png").rename(tmp_path / "away.png")
    report = run(folder)
    assert report.missing == 1 and not report.recognised
    assert run(folder).missing == 0
    (tmp_path / "away.png").rename(folder / "green.png")
    assert run(folder).recognised == {ILLEGAL: 1}
    assert unseen_by_searches(run.catalogue).illegal == 1
    assert found(run.catalogue) == ["white and black.png"] * 2


def test_a_set_that_is_given_up_lets_its_photos_be_looked_at(run: Runs, tmp_path: Path) -> None:
    folder = album(tmp_path / "album")
    with opened(bare(tmp_path / "set.txt", folder / "green.png"), IRRELEVANT) as the_set:
        run(folder, sets=[the_set])
    report = run(folder, drop_sets=["set.txt"])
    assert report.faces == 1 and not report.recognised
    assert found(run.catalogue) == ["green.png", "white and black.png", "white and black.png"]


def test_a_new_edition_takes_the_place_of_the_former_one(run: Runs, tmp_path: Path) -> None:
    folder = album(tmp_path / "album")
    path = tmp_path / "set.txt"
    with opened(bare(path, folder / "green.png")) as the_set:
        run(folder, sets=[the_set])
    with opened(bare(path, folder / "white and black.png")) as the_set:
        report = run(folder, sets=[the_set])
    assert report.recognised == {ILLEGAL: 1} and report.hidden_faces == 2
    assert found(run.catalogue) == ["green.png"]
    with run.catalogue.read() as session:
        (stored,) = hash_sets.stored_sets(session)
        assert stored.sha256 == digest(path) and stored.photos == 1


def test_a_picture_known_to_be_illegal_stays_so_when_another_set_calls_it_irrelevant(run: Runs, tmp_path: Path) -> None:
    folder = album(tmp_path / "album")
    bad, dull = (bare(tmp_path / name, folder / "green.png") for name in ("bad.txt", "dull.txt"))
    with opened(bad) as one, opened(dull, IRRELEVANT) as two:
        assert run(folder, sets=[two, one]).recognised == {ILLEGAL: 1}
        assert run(folder, sets=[two]).recognised == {ILLEGAL: 1}
        save(folder / "copy.png", picture(GREEN))
        assert run(folder, sets=[two]).recognised == {ILLEGAL: 2}


def test_it_cannot_be_a_probe(run: Runs, tmp_path: Path) -> None:
    folder = album(tmp_path / "album")
    with opened(bare(tmp_path / "set.txt", folder / "green.png")) as the_set:
        run(folder, sets=[the_set])
    detector = RedSquares()
    with pytest.raises(ProbeError, match="known illegal pictures, and is not opened"):
        look(folder / "green.png", detector, catalogues=[run.catalogue])
    assert detector.shown == 0
    assert len(look(folder / "white and black.png", detector, catalogues=[run.catalogue]).faces) == 2


def test_a_new_look_leaves_it_alone(run: Runs, tmp_path: Path) -> None:
    folder = album(tmp_path / "album")
    run(folder)
    with opened(bare(tmp_path / "set.txt", folder / "green.png")) as the_set:
        run(folder, sets=[the_set])
    shown = run.detector.shown
    report = run(folder, again=True)
    assert run.detector.shown == shown + 2 and report.recognised == {ILLEGAL: 1}
    run.model = "second"
    run(folder)
    assert found(run.catalogue) == ["white and black.png"] * 2


def test_a_run_that_is_stopped_while_it_compares_is_finished_by_the_next(run: Runs, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    for number in range(30):
        save(folder / f"{number:02}.png", picture((number * 8, 250, 0)))
    run(folder)
    before = found(run.catalogue)
    stop = threading.Event()

    def tell(now: Progress) -> None:
        if now.stage is Stage.COMPARING and now.done >= 3:
            stop.set()

    known = bare(tmp_path / "set.txt", folder / "29.png", algorithm="md5")
    with opened(known) as the_set:
        report = run(folder, sets=[the_set], stop=stop, progress=tell)
        assert report.interrupted and report.uncompared > 0 and found(run.catalogue) == before
        report = run(folder, sets=[the_set])
        assert report.recognised == {ILLEGAL: 1} and report.uncompared == 0
    assert found(run.catalogue) == before[:-1]


def test_photos_on_a_drive_that_is_not_there_are_said_not_to_be_compared(run: Runs, tmp_path: Path) -> None:
    drive, folder = album(tmp_path / "drive"), album(tmp_path / "album")
    save(drive / "red.png", picture(RED))
    run(drive, folder)
    drive.rename(tmp_path / "away")
    with opened(bare(tmp_path / "set.txt", tmp_path / "away" / "red.png", algorithm="sha1")) as the_set:
        report = run(folder, sets=[the_set])
        assert report.uncompared == 1 and not report.recognised
        (tmp_path / "away").rename(drive)
        report = run(drive, folder, sets=[the_set])
    assert report.recognised == {ILLEGAL: 1} and report.uncompared == 0
    assert "red.png" not in found(run.catalogue)


def test_two_sets_of_one_name_are_refused(run: Runs, tmp_path: Path) -> None:
    folder = album(tmp_path / "album")
    path = bare(tmp_path / "set.txt", folder / "green.png")
    with opened(path) as one, opened(path) as two, pytest.raises(HashSetError, match=r"called set\.txt"):
        run(folder, sets=[one, two])


# By hand


def test_by_hand_they_are_counted_everywhere_and_shown_nowhere(
    facesearch: Program, checkpoint: Path, gallery: Path, tmp_path: Path
) -> None:
    folder, path = tmp_path / "image", tmp_path / "f.db"
    folder.mkdir()
    names = ("man-full-beard-1.jpg", "man-goatee-1.jpg", "man-goatee-2.jpg")
    for name in names:
        (folder / name).write_bytes((gallery / name).read_bytes())
    bad = bare(tmp_path / "bad.txt", folder / names[0], algorithm="md5")
    dull = bare(tmp_path / "dull.txt", folder / names[1], algorithm="sha1")
    asked = ("--known-illegal", bad, "--known-irrelevant", dull, "--catalogue", path, "--checkpoint", checkpoint)
    ran = facesearch("index", folder, *asked)
    assert ran.code == 0, ran.err
    assert "1 photo of the set of known illegal pictures was not looked at." in ran.out
    assert "1 photo known to be irrelevant was passed over." in ran.out
    status = " ".join(facesearch("status", "--catalogue", path).out.split())
    assert f"bad.txt (known illegal, 1 hash, SHA-256 {digest(bad)[:16]})" in status
    assert "1 photo of the set of known illegal pictures was not looked at." in status
    page = tmp_path / "p.html"
    ran = facesearch("search", "man or not man", "--html", page, "--json", "--catalogue", path)
    unseen = json.loads(ran.out)["unseen"]
    assert (unseen["photos_known_illegal"], unseen["photos_known_irrelevant"]) == (1, 1)
    assert {each["photo"] for each in json.loads(ran.out)["hits"]} == {str(folder / names[2])}
    assert "1 photo of the set of known illegal pictures was not looked at." in page.read_text()
    for command in ("similar", "score"):
        ran = (
            facesearch(command, folder / names[0], "--catalogue", path)
            if command == "similar"
            else facesearch("--catalogue", path, command, folder / names[0], "--checkpoint", checkpoint)
        )
        assert ran.code == 3 and "is not opened" in ran.err, (command, ran.err)
    forgot = facesearch("forget", "--photo", folder / names[0], "--yes", "--catalogue", path)
    assert forgot.code == 0, forgot.err
    with open_catalogue(path) as catalogue:
        assert unseen_by_searches(catalogue).illegal == 0
    for file in [path, *tmp_path.glob("f.db.d/**/*")]:
        if file.is_file():
            assert bytes.fromhex(digest(folder / names[0], "md5")) not in file.read_bytes()
    assert facesearch("check", "--catalogue", path).code == 0


def test_nothing_runs_by_a_malformed_set(facesearch: Program, checkpoint: Path, tmp_path: Path) -> None:
    folder, path = album(tmp_path / "album"), tmp_path / "f.db"
    bad = tmp_path / "set.csv"
    bad.write_text("md5\nxyz\n")
    ran = facesearch("index", folder, "--known-illegal", bad, "--catalogue", path, "--checkpoint", checkpoint)
    assert ran.code == 3 and "set.csv, line 2: 'xyz' is no MD5" in ran.err and not path.exists()
    ran = facesearch("index", folder, "--known-illegal", tmp_path / "no.csv", "--catalogue", path)
    assert ran.code == 3 and "no.csv cannot be read (No such file" in ran.err


def test_a_set_that_is_not_known_cannot_be_given_up(facesearch: Program, tmp_path: Path, checkpoint: Path) -> None:
    folder, path = album(tmp_path / "album"), tmp_path / "f.db"
    ran = facesearch("index", folder, "--drop-set", "x", "--catalogue", path, "--checkpoint", checkpoint)
    assert ran.code == 2 and "No run went by a set called x" in ran.err
