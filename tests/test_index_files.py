"""What a run makes of files: what counts as changed, what is no photo, what is left out, and what stays as it was."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import update

from cli.report.remedies import error_in_words
from db import faults, others, photos, roots
from db.catalogue import open_catalogue
from db.errors import CatalogueFull, FaceHidden
from db.faces import in_full
from db.schema import Other
from db.values.photo import LeftOut, PhotoFacts
from facesearch.vision.decode import EncodedPhoto, Limits
from indexer.errors import BadPattern, WrongFolder
from indexer.items import ProcessedPhoto, ScoredFile, ScoredPhoto
from indexer.listing import Job
from indexer.moving import check_moved
from indexer.selection import Choice
from indexer.sink import CatalogueSink
from indexer.walk import FoundFile
from tests.support.catalogues import LOOKED, index, new_catalogue
from tests.support.index_runs import Runs, without_known_change_times
from tests.support.powers import files_no_larger_than, without_root_powers
from tests.support.stand_ins import encoded, picture, save

pytestmark = pytest.mark.slow

GREEN, BLUE, WHITE, BLACK = (0, 250, 0), (0, 0, 250), (250, 250, 250), (0, 0, 0)


def names(run: Runs) -> list[str]:
    return sorted({name for name, _ in run.visible().values()})


def edit_in_place(path: Path, image: Image.Image) -> None:
    """Another picture of the same size in bytes and with the same date."""
    status = path.stat()
    path.write_bytes(encoded(image, "BMP"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size


# Changed or not


def test_a_photo_edited_in_place_that_keeps_size_and_date_is_read_again(run: Runs, tmp_path: Path) -> None:
    path = save(tmp_path / "album" / "a.bmp", picture(GREEN))
    run(tmp_path / "album")
    edit_in_place(path, picture(BLUE, WHITE))
    report = run()
    assert (report.unchanged, report.opened, report.same_content, report.faces) == (0, 1, 0, 2)
    assert run().unchanged == 1


def test_a_change_time_alone_costs_a_reading_and_no_look(run: Runs, tmp_path: Path) -> None:
    path = save(tmp_path / "album" / "a.png", picture(GREEN))
    run(tmp_path / "album")
    shown = run.detector.shown
    path.chmod(0o640)
    report = run()
    assert (report.opened, report.same_content, report.faces) == (1, 1, 0) and run.detector.shown == shown
    assert run().unchanged == 1


def test_a_change_time_that_is_not_known_is_taken_over_without_reading(run: Runs, tmp_path: Path) -> None:
    path = save(tmp_path / "album" / "a.bmp", picture(GREEN))
    run(tmp_path / "album")
    without_known_change_times(run.catalogue)  # as a migrated catalogue
    report = run()
    assert (report.unchanged, report.opened, run.opened) == (1, 0, [])
    edit_in_place(path, picture(BLACK))
    assert run().opened == 1


def test_a_root_that_was_moved_takes_over_the_change_times_of_its_new_place(run: Runs, tmp_path: Path) -> None:
    save(tmp_path / "old" / "a.png", picture(GREEN))
    run(tmp_path / "old")
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    shutil.rmtree(tmp_path / "old")
    check_moved(run.catalogue, tmp_path / "old", tmp_path / "new")
    with run.catalogue.write() as session:
        roots.move_root(session, tmp_path / "old", tmp_path / "new")
    report = run()
    assert (report.unchanged, report.opened, run.opened) == (1, 0, [])


def test_asked_to_look_again_a_run_reads_every_copy(run: Runs, tmp_path: Path) -> None:
    """On a network share nothing else finds an edit that keeps size and date."""
    save(tmp_path / "album" / "a.bmp", picture(GREEN))
    second = save(tmp_path / "album" / "b.bmp", picture(GREEN))
    run(tmp_path / "album")
    edit_in_place(second, picture(BLUE, WHITE))
    without_known_change_times(run.catalogue)
    assert run().unchanged == 2 and names(run) == ["a.bmp"]
    run(again=True)
    assert names(run) == ["a.bmp", "b.bmp"]


@pytest.mark.parametrize("date", [2**33, -(2**33)])
def test_an_impossible_date_costs_no_photo(run: Runs, tmp_path: Path, date: int) -> None:
    odd = save(tmp_path / "album" / "a.png", picture(GREEN))
    save(tmp_path / "album" / "b.png", picture(WHITE))
    (tmp_path / "album" / "c.txt").write_text("no photo")
    os.utime(odd, (date, date))
    os.utime(tmp_path / "album" / "c.txt", (date, date))
    assert run(tmp_path / "album").indexed == 2
    assert run().unchanged == 2


# No photos


def test_content_decides_what_is_a_photo(run: Runs, tmp_path: Path) -> None:
    album = tmp_path / "album"
    save(album / "a.png", picture(GREEN))
    for name in ("noext", "b.jpg_large", "c.png?w=800", "d.jpg ", "e.pjpeg", "f.mpo", "g.txt", "h.heic"):
        shutil.copy(album / "a.png", album / name)
    (album / "film.dat").write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    (album / "notes.txt").write_text("no photo")
    report = run(album)
    assert (report.photos, report.indexed, report.failed) == (9, 9, 0)
    assert report.others == {"video": 1, ".txt": 1}


def test_what_is_no_photo_is_looked_into_once(run: Runs, tmp_path: Path) -> None:
    album = tmp_path / "album"
    save(album / "a.png", picture(GREEN))
    for number in range(20):
        (album / f"{number}.png.dat").write_bytes(b"no photo %d" % number)
    assert run(album).others == {".dat": 20}
    with run.catalogue.read() as session:
        assert len(others.of_root(session, 1)) == 20
    access_long_ago = 10**9
    for path in album.glob("*.dat"):
        os.utime(path, ns=(access_long_ago, path.stat().st_mtime_ns))
    assert run().others == {".dat": 20}
    (album / "3.png.dat").write_bytes(encoded(picture(WHITE)))
    (album / "4.png.dat").unlink()
    report = run()
    assert (report.photos, report.faces, report.missing) == (2, 1, 0) and report.others == {".dat": 18}
    with run.catalogue.read() as session:
        assert len(others.of_root(session, 1)) == 18


def test_a_photo_in_the_place_of_another_file_is_found_though_size_and_date_are_the_same(
    run: Runs, tmp_path: Path
) -> None:
    album = tmp_path / "album"
    save(album / "a.png", picture(GREEN))
    data = encoded(picture(WHITE), "BMP")
    other = album / "b.dat"
    other.write_bytes(b"no photo".ljust(len(data)))
    status = other.stat()
    assert run(album).others == {".dat": 1}
    other.write_bytes(data)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    report = run()
    assert (report.photos, report.indexed, report.others) == (2, 2, {})


def test_change_times_of_other_files_that_are_not_known_are_taken_over_without_reading(
    run: Runs, tmp_path: Path
) -> None:
    album = tmp_path / "album"
    save(album / "a.png", picture(GREEN))
    (album / "b.dat").write_bytes(b"no photo")
    run(album)
    with run.catalogue.write() as session:
        session.execute(update(Other).values(ctime_ns=None))
    (album / "b.dat").chmod(0)
    with without_root_powers():
        assert run().others == {".dat": 1}
    with run.catalogue.read() as session:
        assert others.of_root(session, 1)[b"b.dat"][2] == (album / "b.dat").stat().st_ctime_ns


def test_a_file_that_cannot_be_opened_is_a_failure_until_it_shows_what_it_is(run: Runs, tmp_path: Path) -> None:
    save(tmp_path / "album" / "a.png", picture(GREEN))
    locked = tmp_path / "album" / "locked"
    locked.write_text("no photo")
    locked.chmod(0)
    with without_root_powers():
        report = run(tmp_path / "album")
    assert [each.path for each in report.failures] == [os.fsencode(locked)] and report.failures[0].retry
    locked.chmod(0o600)
    report = run()
    assert (report.photos, report.failed, report.missing, report.others) == (1, 0, 0, {"": 1})


def test_a_photo_that_becomes_online_only_stays(run: Runs, tmp_path: Path) -> None:
    path = save(tmp_path / "album" / "a.png", picture(GREEN))
    save(tmp_path / "album" / "b.png", picture(WHITE))
    run(tmp_path / "album")
    path.unlink()
    (tmp_path / "album" / ".a.png.icloud").write_bytes(b"bplist00")
    report = run()
    assert (report.online_only, report.missing, report.photos) == (1, 0, 1) and names(run) == ["a.png", "b.png"]


# What is left out


def album_with_bins(folder: Path) -> Path:
    save(folder / "a.png", picture(GREEN))
    save(folder / "#recycle" / "b.png", picture(BLUE))
    save(folder / ".thumbnails" / "c.png", picture(WHITE))
    save(folder / ".private" / "d.png", picture(BLACK))
    save(folder / ".trashed-17-e.png", picture((100, 250, 0)))
    return folder


def test_hidden_places_are_named_and_counted_and_everything_looks_into_them_from_then_on(
    run: Runs, tmp_path: Path
) -> None:
    album = album_with_bins(tmp_path / "album")
    report = run(album)
    assert report.photos == 1
    assert [(os.path.basename(each.path), each.kind) for each in report.hidden_folders] == [  # noqa: PTH119
        (b"#recycle", "recycle bin"), (b".private", "hidden"), (b".thumbnails", "thumbnails"),
    ]  # fmt: skip
    assert report.hidden_files == {"recycle bin": 1}
    assert run(album, choice=Choice(everything=True)).faces == 4
    report = run()
    assert report.photos == 5 and not report.hidden_folders and not report.hidden_files
    report = run(choice=Choice(everything=False))
    assert (report.photos, report.missing, report.left_out) == (1, 0, {LeftOut.HIDDEN: 4, LeftOut.EXCLUDED: 0})
    assert names(run) == ["a.png"]
    with run.catalogue.read() as session:
        (root,) = roots.list_roots(session)
        counts = photos.counts(session)
    assert (root.files, root.missing, root.left_out) == (1, 0, {LeftOut.HIDDEN: 4})
    assert (counts.missing, counts.left_out) == (0, {LeftOut.HIDDEN: 4})


def test_what_becomes_excluded_leaves_the_results_and_is_not_missing(run: Runs, tmp_path: Path) -> None:
    album = tmp_path / "album"
    save(album / "a.png", picture(GREEN))
    save(album / "raw" / "b.png", picture(WHITE))
    save(album / "sub" / "raw" / "c.png", picture(BLACK))
    run(album)
    before = run.visible()
    report = run(album, choice=Choice(exclude=["raw/"]))
    assert (report.photos, report.missing, report.excluded, report.left_out[LeftOut.EXCLUDED]) == (1, 0, 2, 2)
    assert names(run) == ["a.png"]
    report = run()
    assert (report.photos, report.missing, report.left_out[LeftOut.EXCLUDED]) == (1, 0, 0)
    with run.catalogue.read() as session:
        (root,) = roots.list_roots(session)
        with pytest.raises(FaceHidden, match="is excluded") as caught:
            in_full(session, 2)
        assert "--include" in error_in_words(caught.value)
    assert (root.exclude, root.left_out) == (("raw/",), {LeftOut.EXCLUDED: 2})
    report = run(choice=Choice(include=["raw/"]))
    assert report.returned == 2 and run.visible() == before


def test_a_pattern_holds_within_the_folder_that_is_named_with_it(run: Runs, tmp_path: Path) -> None:
    album = tmp_path / "album"
    for name in ("a.png", "x/a.png", "x/deep/a.png", "y/a.png"):
        save(album / name, picture(GREEN, size=(200 + len(name), 120)))
    run(album)
    report = run(album / "x", choice=Choice(exclude=["/a.png"]))
    assert (report.photos, report.left_out[LeftOut.EXCLUDED]) == (1, 1)
    assert run().photos == 3
    report = run(album / "x", choice=Choice(exclude=["a.png"]))
    assert report.photos == 0 and run().photos == 2


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        " ",
        "#recycle",
        "!",
        "a\nb",
        "[",
        "a[b",
        "/",
        "//",
        "./a",
        "../a",
        "a//b",
        "[z-a]",
        "[[:alpha:]]",
        "[a--z]",
        "a\\",
    ],
)
def test_a_pattern_that_says_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(BadPattern) as caught:
        Choice(exclude=[pattern])
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("pattern", ["\\[", "[]a]", "[ab].png", "!keep", "/a/", "**/x", "a b", "x||y", "[a]--[b]"])
def test_a_pattern_that_says_something_is_taken(pattern: str) -> None:
    Choice(exclude=[pattern])


def test_a_pattern_that_excludes_nothing_cannot_be_taken_back(run: Runs, tmp_path: Path) -> None:
    save(tmp_path / "album" / "a.png", picture(GREEN))
    with pytest.raises(BadPattern, match="not excluded"):
        run(tmp_path / "album", choice=Choice(include=["raw/"]))


# Folders


def test_a_folder_that_holds_none_of_the_photos_is_not_the_moved_one(run: Runs, tmp_path: Path) -> None:
    save(tmp_path / "old" / "a.png", picture(GREEN))
    save(tmp_path / "old" / "b.png", picture(WHITE))
    run(tmp_path / "old")
    save(tmp_path / "other" / "a.png", picture(BLACK, BLUE))
    same_size = (tmp_path / "old" / "b.png").stat().st_size
    (tmp_path / "other" / "b.png").write_bytes(bytes(same_size))
    with pytest.raises(WrongFolder, match="holds none of the photos"):
        check_moved(run.catalogue, tmp_path / "old", tmp_path / "other")
    shutil.copy(tmp_path / "old" / "b.png", tmp_path / "other" / "b.png")
    check_moved(run.catalogue, tmp_path / "old", tmp_path / "other")
    check_moved(run.catalogue, tmp_path / "old", tmp_path / "not there")


def test_a_catalogue_is_not_made_among_the_photos(tmp_path: Path) -> None:
    save(tmp_path / "album" / "a.png", picture(GREEN))
    with (
        open_catalogue(tmp_path / "album" / "sub" / "faces.db", create=True) as inside,
        pytest.raises(WrongFolder, match="nothing is ever written"),
    ):
        Runs(inside)(tmp_path / "album")


# Limits and faults


def test_a_photo_above_the_limit_is_looked_at_with_a_higher_one_and_then_stays(run: Runs, tmp_path: Path) -> None:
    save(tmp_path / "album" / "a.png", picture(GREEN))
    assert run(tmp_path / "album", limits=Limits(max_pixels=10_000)).failed == 1
    assert run(limits=Limits(max_pixels=5_000)).again == 0
    assert run(limits=Limits(max_pixels=100_000)).indexed == 1
    assert run(limits=Limits(max_pixels=10_000)).indexed == 1
    run.model = "second"
    assert run(limits=Limits(max_pixels=10_000)).rescored == 1


def test_a_fault_in_one_photo_is_its_failure_with_the_traceback_on_record(
    run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "album" / "a.png", picture(GREEN))
    save(tmp_path / "album" / "b.png", picture(WHITE))

    def admit(*_: object) -> object:
        raise RuntimeError("nobody foresaw this")

    import indexer.media as media

    real = media.open_encoded

    def decode(photo: EncodedPhoto, **options: object) -> object:
        return admit() if photo.data == (tmp_path / "album" / "a.png").read_bytes() else real(photo, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(media, "open_encoded", decode)
        report = run(tmp_path / "album")
    assert (report.indexed, report.failed) == (1, 1)
    (failure,) = report.failures
    assert "nobody foresaw this" in failure.reason and failure.retry
    with run.catalogue.read() as session:
        (fault,) = faults.latest(session)
    assert fault.path == os.fsencode(tmp_path / "album" / "a.png") and "in admit" in fault.trace
    assert run().indexed == 2


def test_what_cannot_be_stored_is_the_failure_of_its_photo_alone(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    batch: list[tuple[Job, ScoredFile]] = []
    for number, camera in enumerate(("Canon", "\ud800", "Nikon")):
        job = Job(root_id, b"/photos", FoundFile(b"%d.jpg" % number, 5, 6))
        photo = ProcessedPhoto(f"{number:064x}", 5, PhotoFacts(10, 10, "JPEG", camera=camera))
        batch.append((job, ScoredPhoto(photo)))
    with catalogue:
        stored = CatalogueSink(catalogue, model_id, LOOKED).store(batch)
        assert [each.outcome.value for each in stored.stored] == ["no face", "failed", "no face"]
        with catalogue.read() as session:
            (failure,) = photos.failures(session)
            assert failure.path == Path("/photos/1.jpg") and "stored" in failure.reason
            assert "UnicodeEncodeError" in faults.latest(session)[0].trace


# Evidence


def state_of(tree: Path) -> dict[str, object]:
    """Content, times and extended attributes of everything in a tree, read without a trace."""
    found: dict[str, object] = {}
    for folder, folders, files in os.walk(tree):
        for name in (".", *folders, *files):
            path = Path(folder, name)
            status = path.lstat()
            attributes = {key: os.getxattr(path, key, follow_symlinks=False) for key in os.listxattr(path)}
            found[str(path)] = (status.st_mode, status.st_size, status.st_atime_ns, status.st_mtime_ns,
                                status.st_ctime_ns, status.st_ino, attributes)  # fmt: skip
    return found


def contents_of(tree: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(tree.rglob("*")) if path.is_file()}


def age(tree: Path) -> None:
    """Read long before it was written: a single reading that is not quiet would show, also with relatime."""
    for path in (tree, *tree.rglob("*")):
        os.utime(path, ns=(10**9, path.stat().st_mtime_ns))


def test_nothing_of_the_evidence_changes(run: Runs, tmp_path: Path) -> None:
    album = album_with_bins(tmp_path / "album")
    (album / "notes.txt").write_text("no photo")
    (album / "damaged.jpg").write_bytes(b"\xff\xd8\xff" + bytes(50))
    (album / "photo").write_bytes(encoded(picture(WHITE, BLACK)))
    with os.fdopen(os.open(album / "a.png", os.O_RDONLY)) as file:
        try:
            os.setxattr(file.fileno(), "user.origin", b"phone")
        except OSError:
            pytest.skip("this file system keeps no extended attributes")
    contents = contents_of(album)
    age(album)
    before = state_of(album)
    run(album, choice=Choice(everything=True))
    run()
    run(again=True)
    run.model = "second"
    run()
    check_moved(run.catalogue, album, album)
    assert state_of(album) == before
    assert contents_of(album) == contents


# A full disk


@pytest.mark.parametrize("log_left", [False, True])
def test_a_catalogue_beside_which_there_is_no_room_is_searched(tmp_path: Path, log_left: bool) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    index(catalogue, root_id, model_id, [1, 2])
    path = tmp_path / "faces.db"
    if log_left:  # as after a crash
        (tmp_path / "copy").mkdir()
        path = tmp_path / "copy" / "faces.db"
        shutil.copy(tmp_path / "faces.db", path)
        shutil.copy(tmp_path / "faces.db-wal", tmp_path / "copy" / "faces.db-wal")
    catalogue.close()
    with files_no_larger_than(0), open_catalogue(path) as opened:
        with opened.read() as session:
            assert photos.counts(session).faces == 2
        assert opened.read_only and [each.kind for each in opened.notices] == ["no room"]
        with pytest.raises(CatalogueFull, match="free some space"), opened.indexing():
            pass
    assert sqlite3.connect(path).execute("SELECT count(*) FROM faces").fetchone() == (2,)
