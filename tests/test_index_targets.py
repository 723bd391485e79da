"""Which folders a run walks: every file belongs to the innermost root that holds it."""

from collections.abc import Iterable

from db.roots import Selection
from indexer.selection import Chooser
from indexer.targets import Target, targets
from indexer.targets import new_roots as new_roots_beside

NONE: frozenset[bytes] = frozenset()


def new_roots(folders: Iterable[bytes], roots: Iterable[bytes]) -> list[bytes]:
    return new_roots_beside(folders, {root: Chooser() for root in roots})


def test_a_folder_that_no_root_holds_becomes_a_root() -> None:
    assert new_roots([b"/a", b"/b/c"], [b"/b"]) == [b"/a"]


def test_names_that_only_begin_alike_hold_nothing_of_each_other() -> None:
    assert new_roots([b"/photos2"], [b"/photos"]) == [b"/photos2"]


def test_of_new_folders_within_each_other_only_the_outermost_becomes_a_root() -> None:
    assert new_roots([b"/a/b/c", b"/a", b"/a/b"], []) == [b"/a"]


def test_a_folder_above_a_root_becomes_a_root_of_its_own() -> None:
    assert new_roots([b"/a"], [b"/a/b"]) == [b"/a"]


def test_without_folders_every_root_is_walked() -> None:
    assert targets([], [b"/b", b"/a"]) == [Target(b"/a", b"", NONE), Target(b"/b", b"", NONE)]


def test_a_folder_within_a_root_is_walked_as_part_of_it() -> None:
    assert targets([b"/a/x/y"], [b"/a", b"/b"]) == [Target(b"/a", b"x/y", NONE)]


def test_a_root_within_a_root_is_walked_once_and_by_itself() -> None:
    expected = [Target(b"/a", b"", frozenset({b"b/c"})), Target(b"/a/b/c", b"", NONE)]
    assert targets([b"/a"], [b"/a", b"/a/b/c"]) == expected
    assert targets([], [b"/a/b/c", b"/a"]) == expected
    assert targets([b"/a/b/c", b"/a"], [b"/a/b/c", b"/a"]) == expected


def test_a_folder_between_two_roots_walks_what_it_holds_of_both() -> None:
    assert targets([b"/a/b"], [b"/a", b"/a/b/c"]) == [
        Target(b"/a", b"b", frozenset({b"b/c"})),
        Target(b"/a/b/c", b"", NONE),
    ]


def test_folders_named_twice_or_within_each_other_are_walked_once() -> None:
    assert targets([b"/a/x", b"/a/x", b"/a/x/y", b"/a/xy"], [b"/a"]) == [
        Target(b"/a", b"x", NONE),
        Target(b"/a", b"xy", NONE),
    ]


def test_the_root_of_everything_holds_every_folder() -> None:
    assert new_roots([b"/a"], [b"/"]) == []
    assert targets([b"/a"], [b"/"]) == [Target(b"/", b"a", NONE)]


def test_a_folder_to_which_a_roots_walk_does_not_come_becomes_a_root() -> None:
    assert new_roots([b"/a/.private/b"], [b"/a"]) == [b"/a/.private/b"]
    assert new_roots([b"/a/.private/b"], [b"/a/.private"]) == []
    assert new_roots([b"/a", b"/a/.private", b"/a/.private/b"], []) == [b"/a", b"/a/.private"]


def test_a_walk_holds_its_folder_without_what_it_leaves_out() -> None:
    target = Target(b"/a", b"b", frozenset({b"b/c"}))
    assert target.holds(b"b/1.jpg") and target.holds(b"b/cd/1.jpg")
    assert not target.holds(b"b/c/1.jpg") and not target.holds(b"1.jpg") and not target.holds(b"bc/1.jpg")


def test_what_a_root_takes_decides_whether_a_folder_in_it_becomes_a_root() -> None:
    everything, excluding = Chooser(Selection(everything=True)), Chooser(Selection(exclude=("raw/", "/top/*")))
    assert new_roots_beside([b"/a/.private"], {b"/a": everything}) == []
    assert new_roots_beside([b"/a/b/raw/c", b"/a/top/x", b"/a/b/top/x"], {b"/a": excluding}) == [
        b"/a/top/x",
        b"/a/b/raw/c",
    ]
