"""Which faces pass a photo filter: by folder, file name, date and camera, whatever a path is made of."""

import os
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from db import photos, roots
from db.catalogue import Catalogue
from db.photo_filters import faces_of
from db.values.photo_filter import PhotoFilter
from tests.support.catalogues import file, index, new_catalogue, photo

Opened = tuple[Catalogue, int, int]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db", root="/mnt/photos")
    with catalogue:
        yield catalogue, root_id, model_id


def record(opened: Opened, path: bytes, content: int, taken: datetime | None = None, camera: str = "") -> None:
    """A file with one face, whose id is the next number from 1 on, unless the content is known."""
    catalogue, root_id, model_id = opened
    with catalogue.write() as session:
        made = photo(content)
        entry = file(path, replace(made, facts=replace(made.facts, taken=taken, camera=camera)))
        photos.record(session, root_id, [entry], model_id=model_id)


def files(opened: Opened, *paths: bytes) -> None:
    """One file with a face for each path, with face ids from 1 on."""
    for number, path in enumerate(paths):
        record(opened, path, number)


def passing(opened: Opened, **conditions: object) -> list[int]:
    with opened[0].read() as session:
        found = faces_of(session, PhotoFilter(**conditions))  # type: ignore[arg-type]
    assert found.dtype == "int64" and found.ndim == 1
    return [int(face) for face in found]


def lose(opened: Opened, *paths: bytes) -> None:
    with opened[0].write() as session:
        known = photos.files_of_root(session, opened[1])
        photos.mark_missing(session, [known[path].id for path in paths])


def test_only_a_filter_without_any_condition_is_false() -> None:
    assert not PhotoFilter()
    day = date(2020, 1, 1)
    for one in ({"folder": ("a",)}, {"name": ("a",)}, {"taken_from": day}, {"taken_to": day}, {"camera": ("a",)}):
        assert PhotoFilter(**one)  # type: ignore[arg-type]


def test_without_a_condition_every_visible_face_passes_and_no_other(opened: Opened) -> None:
    files(opened, b"a.jpg", b"b.jpg", b"c.jpg")
    lose(opened, b"b.jpg")
    assert passing(opened) == [1, 3]


# Folders


def test_a_photo_passes_in_its_folder_and_in_every_folder_above_it(opened: Opened) -> None:
    files(opened, b"2019/spring/a.jpg", b"2019/b.jpg", b"c.jpg")
    assert passing(opened, folder=("/mnt/photos/2019/spring",)) == [1]
    assert passing(opened, folder=("/mnt/photos/2019",)) == [1, 2]
    for above in ("/mnt/photos", "/mnt/photos/", "/mnt", "/", "/mnt//photos/./", "/mnt/photos/2019/.."):
        assert passing(opened, folder=(above,)) == [1, 2, 3]


def test_a_folder_is_no_beginning_of_a_longer_name_and_no_file(opened: Opened) -> None:
    files(opened, b"holiday/a.jpg", b"holiday2/b.jpg", b"old holiday/c.jpg", b"holiday.jpg")
    assert passing(opened, folder=("/mnt/photos/holiday",)) == [1]
    assert passing(opened, folder=("holiday",)) == [1]
    assert passing(opened, folder=("holiday.jpg",)) == passing(opened, folder=("/mnt/photos/holiday.jpg",)) == []


def test_a_trailing_part_of_a_folders_path_will_do(opened: Opened) -> None:
    files(opened, b"holiday/2019/sea/a.jpg", b"2019/holiday/b.jpg", b"holiday/c.jpg", b"x/holiday/2019/d.jpg")
    assert passing(opened, folder=("holiday/2019",)) == [1, 4]
    assert passing(opened, folder=("holiday/2019/",)) == [1, 4]
    assert passing(opened, folder=("2019",)) == [1, 2, 4]
    assert passing(opened, folder=("sea",)) == [1]


def test_the_part_may_reach_above_the_indexed_folder(opened: Opened) -> None:
    files(opened, b"2019/a.jpg", b"b.jpg")
    assert passing(opened, folder=("photos/2019",)) == [1]
    assert passing(opened, folder=("mnt/photos",)) == passing(opened, folder=("photos",)) == [1, 2]


def test_any_of_several_folders_will_do(opened: Opened) -> None:
    files(opened, b"2018/a.jpg", b"2019/b.jpg", b"2020/c.jpg")
    assert passing(opened, folder=("2018", "/mnt/photos/2020", "nowhere")) == [1, 3]
    assert passing(opened, folder=("nowhere",)) == []


def test_folders_tell_upper_from_lower_case_as_paths_do(opened: Opened) -> None:
    files(opened, b"Sea/a.jpg", b"sea/b.jpg")
    assert passing(opened, folder=("Sea",)) == [1]


def test_a_moved_folder_is_found_where_it_is_now(opened: Opened) -> None:
    files(opened, b"2019/a.jpg")
    with opened[0].write() as session:
        roots.move_root(session, "/mnt/photos", "/media/disk")
    assert passing(opened, folder=("/media/disk/2019",)) == passing(opened, folder=("disk/2019",)) == [1]
    assert passing(opened, folder=("/mnt/photos",)) == passing(opened, folder=("photos",)) == []


def test_photos_right_below_the_top_of_the_file_system_pass(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db", root="/")
    with catalogue:
        files((catalogue, root_id, model_id), b"a.jpg", b"mnt/b.jpg")
        assert passing((catalogue, root_id, model_id), folder=("/mnt",)) == [2]
        assert passing((catalogue, root_id, model_id), folder=("/",)) == [1, 2]


# Names


def test_a_name_without_wildcards_is_part_of_the_file_name_and_not_of_its_folder(opened: Opened) -> None:
    files(opened, b"wedding/a.jpg", b"x/our wedding 1.jpg", b"WEDDING.png")
    assert passing(opened, name=("wedding",)) == [2, 3]
    assert passing(opened, name=("Wedding.",)) == [3]


def test_with_wildcards_the_whole_name_has_to_match(opened: Opened) -> None:
    files(opened, b"IMG_0001.jpg", b"IMG_0012.JPG", b"xIMG_0001.jpg", b"IMG_0001.jpeg")
    assert passing(opened, name=("img_*.jpg",)) == [1, 2]
    assert passing(opened, name=("IMG_00?1.*",)) == [1, 4]
    assert passing(opened, name=("*0001*",)) == [1, 3, 4]
    assert passing(opened, name=("?IMG*",)) == [3]


@pytest.mark.slow
@pytest.mark.parametrize("sign", ["%", "_", "[x]", "[!x]", "\\", ".", "^", "(", "|", "'", '"', "]", "{1}", "+", "\n"])
def test_signs_that_mean_something_elsewhere_mean_themselves(opened: Opened, sign: str) -> None:
    files(opened, f"a{sign}b.jpg".encode(), b"axb.jpg", b"ab.jpg")
    assert passing(opened, name=(f"a{sign}b",)) == [1]
    assert passing(opened, name=(f"?{sign}*",)) == [1]


def test_any_of_several_names_will_do(opened: Opened) -> None:
    files(opened, b"a1.jpg", b"b2.jpg", b"c3.jpg")
    assert passing(opened, name=("a", "?3.jpg")) == [1, 3]


def test_case_and_accents_are_those_of_any_script_however_they_are_composed(opened: Opened) -> None:
    files(opened, "GRÖSSE Ärger.jpg".encode(), unicodedata.normalize("NFD", "größe ärger.jpg").encode(), b"x.jpg")
    assert passing(opened, name=("ärger",)) == passing(opened, name=("gr?* ÄRGER.jpg",)) == [1, 2]
    assert passing(opened, name=(unicodedata.normalize("NFD", "ÄRGER"),)) == [1, 2]
    assert passing(opened, name=("ß",)) == [2]
    record(opened, unicodedata.normalize("NFD", "Müller/a.jpg").encode(), 9)
    assert passing(opened, folder=("Müller",)) == [4]


def test_bytes_that_are_no_utf_8_are_found_by_what_python_makes_of_them(opened: Opened) -> None:
    files(opened, b"caf\xe9/\xff1.jpg", b"cafe/x1.jpg")
    assert passing(opened, name=(os.fsdecode(b"\xff"),)) == [1]
    assert passing(opened, name=("?1.jpg",)) == [1, 2]
    assert passing(opened, folder=(os.fsdecode(b"caf\xe9"),)) == [1]
    assert passing(opened, name=("\\xff",)) == []


def test_a_name_made_to_be_slow_is_not(opened: Opened) -> None:
    files(opened, b"a" * 250 + b".jpg")
    assert passing(opened, name=("*a" * 60 + "b*",)) == []


LETTERS = "aAbB.*?[]%_!-\\ éÉ"


def like(name: str, pattern: str) -> bool:
    """The same by recursion, straight from what is promised."""
    if not pattern or not name:
        return not name and not pattern.strip("*")
    if pattern[0] == "*":
        return like(name, pattern[1:]) or like(name[1:], pattern)
    return (pattern[0] == "?" or pattern[0].lower() == name[0].lower()) and like(name[1:], pattern[1:])


@pytest.mark.slow
def test_whatever_the_names_and_the_pattern_the_promise_holds(opened: Opened) -> None:
    generator = random.Random(1)
    names = list(dict.fromkeys("".join(generator.choices(LETTERS, k=1 + number % 5)) for number in range(200)))
    catalogue, root_id, model_id = opened
    with catalogue.write() as session:
        entries = [file(name.encode(), photo(number)) for number, name in enumerate(names)]
        photos.record(session, root_id, entries, model_id=model_id)

    @settings(max_examples=200, deadline=None)
    @given(pattern=st.text(st.sampled_from(LETTERS), min_size=1, max_size=6))
    def holds(pattern: str) -> None:
        whole = pattern if set(pattern) & set("*?") else f"*{pattern}*"
        expected = [number for number, name in enumerate(names, 1) if like(name, whole)]
        assert passing(opened, name=(pattern,)) == expected

    holds()


# Several files of one photo


def test_folder_and_name_are_met_by_one_and_the_same_file(opened: Opened) -> None:
    record(opened, b"sea/a.jpg", 1)
    record(opened, b"hill/b.jpg", 1)
    assert passing(opened, folder=("sea",), name=("a",)) == passing(opened, folder=("hill",), name=("b",)) == [1]
    assert passing(opened, folder=("sea",), name=("b",)) == []


def test_a_file_that_is_missing_does_not_count(opened: Opened) -> None:
    record(opened, b"sea/a.jpg", 1)
    record(opened, b"hill/b.jpg", 1)
    lose(opened, b"sea/a.jpg")
    assert passing(opened, folder=("sea",)) == passing(opened, name=("a.jpg",)) == []
    assert passing(opened, folder=("hill",)) == [1]


def test_a_face_passes_once_however_many_copies_and_indexed_folders_its_photo_has(opened: Opened) -> None:
    catalogue, _, model_id = opened
    with catalogue.write() as session:
        inner = roots.add_root(session, "/mnt/photos/sea")
        photos.record(session, inner, [file(b"a.jpg", photo(1, faces=2))], model_id=model_id)
        outer = [file(name, photo(1, faces=2)) for name in (b"sea/a.jpg", b"sea/copy of a.jpg")]
        photos.record(session, opened[1], outer, model_id=model_id)
    assert passing(opened, folder=("sea",), name=("a",)) == [1, 2]


# Date and camera


def test_the_bounds_of_the_date_are_days_that_count(opened: Opened) -> None:
    moments = [datetime(2019, 7, 1), datetime(2019, 7, 31, 23, 59, 59), datetime(2019, 8, 1), None]
    for number, moment in enumerate(moments):
        record(opened, b"%d.jpg" % number, number, taken=moment)
    july = {"taken_from": date(2019, 7, 1), "taken_to": date(2019, 7, 31)}
    assert passing(opened, **july) == [1, 2]
    assert passing(opened, taken_from=date(2019, 7, 31)) == [2, 3]
    assert passing(opened, taken_to=date(2019, 7, 1)) == [1]
    assert passing(opened, taken_from=date(2019, 8, 1), taken_to=date(2019, 7, 1)) == []


def test_a_photo_without_a_date_passes_no_bound(opened: Opened) -> None:
    record(opened, b"a.jpg", 1)
    assert passing(opened, taken_from=date.min) == passing(opened, taken_to=date.max) == []


def test_a_camera_is_part_of_make_and_model(opened: Opened) -> None:
    cameras = ["Canon EOS 80D", "NIKON D750", "", "ФЭД 5", "100% [x]_y"]
    for number, camera in enumerate(cameras):
        record(opened, b"%d.jpg" % number, number, camera=camera)
    assert passing(opened, camera=("canon eos",)) == [1]
    assert passing(opened, camera=("80d", "nikon")) == [1, 2]
    assert passing(opened, camera=("фэд",)) == [4]
    for signs in ("0%", "[X]", "]_y"):
        assert passing(opened, camera=(signs,)) == [5]
    assert passing(opened, camera=("*",)) == passing(opened, camera=("leica",)) == []


def test_all_conditions_hold_together(opened: Opened) -> None:
    day = datetime(2019, 7, 4, 12)
    record(opened, b"sea/a.jpg", 1, taken=day, camera="Canon")
    record(opened, b"sea/b.jpg", 2, taken=day, camera="Nikon")
    record(opened, b"sea/a2.jpg", 3, camera="Canon")
    record(opened, b"hill/a.jpg", 4, taken=day, camera="Canon")
    record(opened, b"sea/c.jpg", 5, taken=day, camera="Canon")
    whole = {"folder": ("sea",), "name": ("a*",), "taken_from": date(2019, 7, 4), "camera": ("canon",)}
    assert passing(opened, **whole) == [1]
    lose(opened, b"sea/a.jpg")
    assert passing(opened, **whole) == []


@pytest.mark.slow
def test_the_number_of_statements_does_not_grow_with_the_catalogue(opened: Opened) -> None:
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:  # noqa: ARG001
        statements.append(statement)

    index(*opened, range(2500), faces=2)
    event.listen(Engine, "before_cursor_execute", note)
    try:
        found = passing(opened, folder=("photos",), name=("1",), camera=("",))
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    expected = [face for number in range(2500) if "1" in str(number) for face in (2 * number + 1, 2 * number + 2)]
    assert found == expected
    assert len(statements) <= 5
