"""Which files a walk finds, in which order, and what it says about the rest."""

import os
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from db.roots import Selection
from indexer.report import HiddenFolder
from indexer.selection import Chooser
from indexer.walk import SkippedEntries, lies_under, walk
from tests.support.powers import names_of_any_bytes, without_root_powers


def touch(folder: Path, *names: str | bytes) -> None:
    for name in names:
        path = os.path.join(os.fsencode(folder), os.fsencode(name))  # noqa: PTH118
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(b"x")


def paths(root: Path, skipped: SkippedEntries | None = None, **options: object) -> list[bytes]:
    skipped = SkippedEntries() if skipped is None else skipped
    return [file.path for file in walk(os.fsencode(root), skipped, **options)]  # type: ignore[arg-type]


def test_files_come_before_folders_and_both_in_byte_order(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg", "a/2.jpg", "Z.jpg", "a/1.jpg", "a/deep/er/0.jpg", "c.jpg", "B/x.jpg", "a b.jpg")
    assert paths(tmp_path) == [
        b"Z.jpg", b"a b.jpg", b"b.jpg", b"c.jpg", b"B/x.jpg", b"a/1.jpg", b"a/2.jpg", b"a/deep/er/0.jpg",
    ]  # fmt: skip


def test_a_found_file_carries_what_decides_whether_it_changed(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    os.utime(tmp_path / "a.jpg", ns=(1, 1_234_567_890_123_456_789))
    (file,) = walk(os.fsencode(tmp_path), SkippedEntries())
    assert file[:3] == (b"a.jpg", 1, 1_234_567_890_123_456_789)
    assert file.ctime_ns == (tmp_path / "a.jpg").stat().st_ctime_ns


@pytest.mark.parametrize("date", [2**33, 2**40, -(2**33)])
def test_a_date_that_no_database_takes_is_the_nearest_one_that_it_does(tmp_path: Path, date: int) -> None:
    touch(tmp_path, "a.jpg")
    try:
        os.utime(tmp_path / "a.jpg", (date, date))
    except OSError:
        pytest.skip("this file system keeps no such date")
    (file,) = walk(os.fsencode(tmp_path), SkippedEntries())
    assert -(2**63) <= file.mtime_ns < 2**63


def test_every_file_is_found_whatever_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "A.JPG", "b.Png", "c.jpg.txt", "jpg", "d.jpg?w=800", "e ")
    assert paths(tmp_path) == [b"A.JPG", b"b.Png", b"c.jpg.txt", b"d.jpg?w=800", b"e ", b"jpg"]


def test_hidden_files_and_what_systems_leave_behind_are_passed_over_and_counted(tmp_path: Path) -> None:
    touch(tmp_path, "._a.jpg", ".hidden.jpg", ".thumbnails/a.jpg", "Thumbs.db", ".DS_Store", "desktop.ini")
    touch(tmp_path, "@eaDir/a.jpg", "$RECYCLE.BIN/a.jpg", "__MACOSX/a.jpg", "a.jpg")
    skipped = SkippedEntries()
    assert paths(tmp_path, skipped) == [b"a.jpg"]
    assert skipped == SkippedEntries(
        hidden_folders=[
            HiddenFolder(b"$RECYCLE.BIN", "recycle bin"),
            HiddenFolder(b".thumbnails", "thumbnails"),
            HiddenFolder(b"@eaDir", "thumbnails"),
            HiddenFolder(b"__MACOSX", "system"),
        ],
        hidden_files=Counter({"system": 3, "hidden": 1, "thumbnails": 1}),
    )


SYSTEM_FOLDERS = (
    "#recycle", "@Recycle", ".@__thumb", "@eaDir", ".zfs", "#snapshot", ".snapshot", "@Recently-Snapshot",
    "$RECYCLE.BIN", "$Recycle.Bin", "RECYCLER", "System Volume Information", ".Trashes", ".Trash", ".Spotlight-V100",
    ".fseventsd", ".Trash-1000", ".cache", ".thumbnails", "LOST.DIR", "lost+found", ".trashed-17-x", "FOUND.000",
    "Trash", "@Trash", "recycle", "Recycle Bin", "Backups.backupdb", "2019.backupbundle",
    "Family.photoslibrary/resources/derivatives",
)  # fmt: skip


def test_the_folders_that_systems_keep_for_themselves_are_known_by_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", *(f"{folder}/b.jpg" for folder in SYSTEM_FOLDERS))
    touch(
        tmp_path,
        "Recycled photos/c.jpg",
        "snapshots/d.jpg",
        "cache/f.jpg",
        "Family.photoslibrary/originals/h.jpg",
        "derivatives/i.jpg",
        ".trashed-1700000001-g.jpg",
    )
    skipped = SkippedEntries()
    assert paths(tmp_path, skipped) == [
        b"a.jpg",
        b"Family.photoslibrary/originals/h.jpg",
        b"Recycled photos/c.jpg",
        b"cache/f.jpg",
        b"derivatives/i.jpg",
        b"snapshots/d.jpg",
    ]
    assert sorted(each.path for each in skipped.hidden_folders) == sorted(map(os.fsencode, SYSTEM_FOLDERS))
    assert skipped.hidden_files == {"recycle bin": 1}
    everything = Chooser(Selection(everything=True))
    skipped = SkippedEntries()
    assert len(paths(tmp_path, skipped, chooser=everything)) == len(SYSTEM_FOLDERS) + 7
    assert not skipped.hidden_folders and not skipped.hidden_files


def test_patterns_exclude_as_git_does(tmp_path: Path) -> None:
    touch(
        tmp_path, "a.png", "a.jpg", "raw/b.jpg", "sub/raw/c.jpg", "sub/d.png", "keep/x.jpg", "keep/y.jpg", "top/z.jpg"
    )
    chooser = Chooser(Selection(exclude=("*.png", "raw/", "keep/**", "!keep/y.jpg", "/top/z.jpg")))
    skipped = SkippedEntries()
    assert paths(tmp_path, skipped, chooser=chooser) == [b"a.jpg", b"keep/y.jpg"]
    assert skipped.excluded == 6
    assert paths(tmp_path, chooser=Chooser(Selection(exclude=("sub",)))) == [
        b"a.jpg", b"a.png", b"keep/x.jpg", b"keep/y.jpg", b"raw/b.jpg", b"top/z.jpg",
    ]  # fmt: skip


def test_nothing_inside_a_folder_has_a_say_in_what_is_taken_of_it(tmp_path: Path) -> None:
    for name in (".gitignore", ".nomedia", ".facesearchignore", ".ignore", "sub/.gitignore"):
        touch(tmp_path, name)
        (tmp_path / name).write_text("*\n")
    touch(tmp_path, "a.jpg", "sub/b.jpg")
    assert paths(tmp_path) == [b"a.jpg", b"sub/b.jpg"]


def test_files_whose_content_is_only_online_are_told_and_not_given_to_be_opened(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "empty.jpg")
    (tmp_path / "empty.jpg").write_bytes(b"")
    os.truncate(os.open(tmp_path / "cloud.jpg", os.O_CREAT | os.O_WRONLY), 1_000_000)
    touch(tmp_path, ".holiday.heic.icloud")
    skipped = SkippedEntries()
    assert paths(tmp_path, skipped) == [b"a.jpg", b"empty.jpg"]
    assert sorted(skipped.online_only) == [b"cloud.jpg", b"holiday.heic"]
    assert not skipped.hidden_files


def test_a_hidden_folder_is_walked_when_it_is_what_was_asked_for(tmp_path: Path) -> None:
    touch(tmp_path, ".secret/a.jpg")
    assert paths(tmp_path / ".secret") == [b"a.jpg"]


@names_of_any_bytes
def test_names_stay_the_bytes_that_the_system_gives(tmp_path: Path) -> None:
    names = ["two words.jpg", "Größe 写真.jpg", b"\xff\xfe\xe9.jpg", "line\nbreak.jpg"]
    touch(tmp_path, *names)
    assert paths(tmp_path) == sorted(os.fsencode(name) for name in names)


def test_an_empty_folder_is_noted_and_a_folder_of_hidden_files_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    touch(tmp_path, "full/.hidden", "a.jpg")
    skipped = SkippedEntries()
    paths(tmp_path, skipped)
    assert skipped.empty == [b"empty"]


def test_links_to_files_are_files_and_links_to_folders_are_listed_and_not_followed(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/a.jpg", "root/b.jpg")
    (tmp_path / "root" / "file.jpg").symlink_to(tmp_path / "elsewhere" / "a.jpg")
    (tmp_path / "root" / "folder").symlink_to(tmp_path / "elsewhere")
    skipped = SkippedEntries()
    assert paths(tmp_path / "root", skipped) == [b"b.jpg", b"file.jpg"]
    assert skipped.linked == [b"folder"]
    assert not skipped.unreadable


def test_link_loops_are_survived(tmp_path: Path) -> None:
    touch(tmp_path, "a/b/c.jpg")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to(tmp_path)
    (tmp_path / "round.jpg").symlink_to("round.jpg")
    skipped = SkippedEntries()
    assert paths(tmp_path, skipped) == [b"a/b/c.jpg"]
    assert skipped.linked == [b"self", b"a/b/up"]
    assert [obstacle.path for obstacle in skipped.unreadable] == [b"round.jpg"]


def test_a_link_to_a_file_that_is_gone_is_reported(tmp_path: Path) -> None:
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nothing.jpg")
    skipped = SkippedEntries()
    assert paths(tmp_path, skipped) == []
    assert skipped.unreadable[0].path == b"dangling.jpg"
    assert skipped.unreadable[0].reason.startswith("a link that leads nowhere")


def test_pipes_and_sockets_named_like_photos_are_no_photos(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "null.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.jpg"))
        skipped = SkippedEntries()
        assert paths(tmp_path, skipped) == []
    assert skipped.special == {"pipe": 1, "socket": 1, "device": 1}


def test_a_missing_folder_is_an_obstacle_and_no_error(tmp_path: Path) -> None:
    skipped = SkippedEntries()
    assert paths(tmp_path / "gone", skipped) == []
    assert [(obstacle.path, obstacle.reason) for obstacle in skipped.unreadable] == [(b"", "No such file or directory")]


@contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(0o700)


@pytest.mark.parametrize("bits", [0o000, 0o300])
def test_a_folder_without_read_permission_is_reported_and_the_others_are_walked(tmp_path: Path, bits: int) -> None:
    touch(tmp_path, "a/1.jpg", "locked/2.jpg", "z/3.jpg")
    skipped = SkippedEntries()
    with mode(tmp_path / "locked", bits), without_root_powers():
        assert paths(tmp_path, skipped) == [b"a/1.jpg", b"z/3.jpg"]
    assert [(obstacle.path, obstacle.reason) for obstacle in skipped.unreadable] == [(b"locked", "Permission denied")]


def test_a_folder_that_may_be_listed_but_not_entered_is_reported_file_by_file(tmp_path: Path) -> None:
    touch(tmp_path, "listed/1.jpg")
    skipped = SkippedEntries()
    with mode(tmp_path / "listed", 0o400), without_root_powers():
        assert paths(tmp_path, skipped) == []
    assert [obstacle.path for obstacle in skipped.unreadable] == [b"listed/1.jpg"]


def test_only_the_asked_sub_folder_is_walked_and_paths_stay_those_within_the_root(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "sub/b.jpg", "sub/deep/c.jpg", "subway/d.jpg")
    assert paths(tmp_path, within=b"sub") == [b"sub/b.jpg", b"sub/deep/c.jpg"]


def test_what_somebody_else_walks_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "a/own/2.jpg", "a/ownership/3.jpg")
    assert paths(tmp_path, leave_out={b"a/own"}) == [b"a/1.jpg", b"a/ownership/3.jpg"]


def test_folders_deeper_than_any_call_stack_are_walked(tmp_path: Path) -> None:
    deepest = min(1200, (os.pathconf(tmp_path, "PC_PATH_MAX") - len(os.fsencode(tmp_path))) // 2 - 8)
    folders = [tmp_path / "/".join(["d"] * depth) for depth in range(1, deepest)]
    for folder in folders:
        folder.mkdir()
    touch(folders[-1], "a.jpg")
    assert paths(tmp_path) == [b"d/" * (deepest - 1) + b"a.jpg"]
    # pytest's own cleaning up would recurse too deep.
    (folders[-1] / "a.jpg").unlink()
    for folder in reversed(folders):
        folder.rmdir()


def test_lying_under_a_folder_is_a_matter_of_whole_names() -> None:
    assert lies_under(b"a/b", b"a") and lies_under(b"a", b"a") and lies_under(b"a", b"")
    assert not lies_under(b"ab", b"a") and not lies_under(b"a", b"a/b")
