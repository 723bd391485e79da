"""A data set in the official layout, and the faces that are cut from it once."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from db.lock import exclusive
from facesearch.attributes import NAMES
from facesearch.training.datasets import DatasetError, Role, cache_folder, facecache, open_cache, open_role, read_celeba
from facesearch.training.row_cache import cached_rows
from facesearch.vision.detection import iou
from tests.support.powers import files_no_larger_than
from tests.support.training import open_data

pytestmark = pytest.mark.slow


GALLERY = Path(__file__).parent / "gallery"


def test_official_layout_without_roles_splits_val_in_two_by_person(celeba: Path) -> None:
    labels = read_celeba(celeba)
    assert [len(labels.of(r)) for r in (Role.TRAIN, Role.VAL, Role.CALIBRATE, Role.TEST)] == [20, 4, 4, 4]
    assert not set(labels.identities[labels.of(Role.VAL)]) & set(labels.identities[labels.of(Role.CALIBRATE)])


def test_a_role_list_is_obeyed(celeba: Path) -> None:
    lines = (celeba / "list_eval_partition.txt").read_text().split("\n")[:-1]
    (celeba / "list_role.txt").write_text("".join(f"{line.split()[0]} extra\n" for line in lines))
    assert len(read_celeba(celeba).of(Role.EXTRA)) == 32


def test_two_commands_that_prepare_the_same_faces_do_not_mix_them(celeba: Path, tmp_path: Path) -> None:
    labels = read_celeba(celeba)
    (tmp_path / "cache").mkdir()
    with exclusive(tmp_path / "cache" / ".lock"), pytest.raises(DatasetError, match="Another command"):
        open_cache(labels, tmp_path / "cache")
    assert len(open_cache(labels, tmp_path / "cache").records) == 32


def test_who_needs_one_role_looks_at_no_other_picture(celeba: Path, tmp_path: Path) -> None:
    labels = read_celeba(celeba)
    for row in labels.of(Role.TRAIN):
        (labels.photos / labels.names[row]).write_bytes(b"no picture")
    some, cache = open_role(labels, tmp_path / "work", Role.TEST)
    assert len(cache.records) == len(some.names) == 4
    assert some.labels.tolist() == labels.labels[labels.of(Role.TEST)].tolist()


def test_who_needs_one_role_takes_it_from_the_faces_of_all_where_they_are_kept(celeba: Path, tmp_path: Path) -> None:
    labels = read_celeba(celeba)
    open_cache(labels, cache_folder(tmp_path / "work", labels.dataset))
    some, cache = open_role(labels, tmp_path / "work", Role.TEST)
    assert len(cache.records) == len(some.names) == 32


def test_faces_that_were_mixed_up_are_not_used(celeba: Path) -> None:
    labels, _ = open_data(celeba)
    records = celeba.parent / "cache" / "records.bin"
    content = records.read_bytes()
    size = len(content) // 32
    records.write_bytes(content[size : 2 * size] + content[:size] + content[2 * size :])
    with pytest.raises(DatasetError, match="damaged: delete the folder"):
        open_cache(labels, celeba.parent / "cache")


def test_a_stamp_that_a_power_failure_left_empty_is_told(celeba: Path) -> None:
    labels, _ = open_data(celeba)
    (celeba.parent / "cache" / "cache.json").write_text("")
    with pytest.raises(DatasetError, match="delete it"):
        open_cache(labels, celeba.parent / "cache")


def test_numbers_that_take_long_are_kept_face_by_face(tmp_path: Path) -> None:
    asked: list[int] = []

    def squares(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for rows in chunks:
            asked.extend(rows.tolist())
            yield np.stack([rows, rows**2], axis=1).astype(np.float32)

    def interrupted(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        found = squares(chunks)
        yield next(found)
        raise KeyboardInterrupt

    rows = np.arange(0, 400, 2)
    with pytest.raises(KeyboardInterrupt):
        cached_rows(tmp_path / "numbers", (500, 2), rows, interrupted)
    first = len(asked)
    assert 0 < first < len(rows)
    numbers = cached_rows(tmp_path / "numbers", (500, 2), rows, squares)
    np.testing.assert_array_equal(numbers[rows], np.stack([rows, rows**2], axis=1))
    assert sorted(asked) == rows.tolist(), "what was computed before is not computed again"
    assert not numbers[1::2].any()
    cached_rows(tmp_path / "numbers", (500, 2), np.array([1]), squares)
    again = cached_rows(tmp_path / "numbers", (500, 2), rows, squares)
    np.testing.assert_array_equal(again, numbers, "what somebody else asked for is not given")


def test_two_commands_that_compute_the_same_numbers_do_not_mix_them(tmp_path: Path) -> None:
    def ones(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        return (np.ones((len(rows), 2), np.float32) for rows in chunks)

    with exclusive(tmp_path / "numbers.lock"), pytest.raises(DatasetError, match="wait for it"):
        cached_rows(tmp_path / "numbers", (4, 2), np.arange(4), ones)


def test_a_full_disk_is_one_sentence_and_the_numbers_go_on_later(tmp_path: Path) -> None:
    def ones(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        return (np.ones((len(rows), 64), np.float32) for rows in chunks)

    rows = np.arange(256)
    with files_no_larger_than(256 * 64 * 2), pytest.raises(DatasetError, match="free some space"):
        cached_rows(tmp_path / "numbers", (256, 64), rows, ones)
    assert cached_rows(tmp_path / "numbers", (256, 64), rows, ones)[rows].all()


def test_without_identities_each_image_is_its_own_person_and_the_metadata_says_so(celeba: Path) -> None:
    (celeba / "identity_CelebA.txt").unlink()
    labels = read_celeba(celeba)
    assert len(set(labels.identities.tolist())) == 32
    assert "identities unknown" in labels.in_words()


def test_listed_images_that_are_not_there_are_skipped_and_counted(celeba: Path) -> None:
    (celeba / "img_align_celeba" / "000003.jpg").unlink()
    labels = read_celeba(celeba)
    assert labels.skipped == 1
    assert "000003.jpg" not in labels.names


@pytest.mark.parametrize(
    ("break_it", "named"),
    [
        (lambda r: (r / "list_attr_celeba.txt").unlink(), "list_attr_celeba.txt"),
        (lambda r: (r / "list_eval_partition.txt").write_text("000001.jpg\n"), "list_eval_partition.txt, line 1"),
        (lambda r: (r / "list_eval_partition.txt").write_text("000001.jpg 0\n"), "000002.jpg"),
        (
            lambda r: (r / "list_attr_celeba.txt").write_text("1\nBald Young\n"),
            "lacks 5_o_Clock_Shadow, .* and 33 others",
        ),
        (lambda r: (r / "list_role.txt").write_text(""), "list_role.txt is empty"),
        (lambda r: _drop_line(r / "identity_CelebA.txt"), "does not say who is on"),
        (lambda r: _double_line(r / "list_attr_celeba.txt"), "more than once"),
        (lambda r: (r / "img_align_celeba").rename(r / "images"), "img_align_celeba/"),
        (lambda r: (r / "identity_CelebA.txt").write_text("000001.jpg Jane\n"), "identity_CelebA.txt"),
        (lambda r: (r / "list_eval_partition.txt").write_bytes(b"\xff\xfe\x00"), "list_eval_partition.txt"),
    ],
)
def test_a_wrong_data_set_is_one_sentence_that_names_the_file(celeba: Path, break_it, named: str) -> None:  # type: ignore[no-untyped-def]
    break_it(celeba)
    with pytest.raises(DatasetError, match=named):
        read_celeba(celeba)


def test_a_label_line_with_a_missing_column_is_named(celeba: Path) -> None:
    path = celeba / "list_attr_celeba.txt"
    lines = path.read_text().split("\n")
    lines[4] = lines[4].rsplit(" ", 1)[0]
    path.write_text("\n".join(lines))
    with pytest.raises(DatasetError, match="line 5"):
        read_celeba(celeba)


def test_a_data_set_of_several_chunks_is_cut_by_several_processes_in_order(
    celeba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, whole = open_data(celeba)
    monkeypatch.setattr(facecache, "_CHUNK", 7)
    parts = open_cache(labels, tmp_path / "in-parts")
    assert (parts.records == whole.records).all()
    assert (parts.pixels == whole.pixels).all()


def test_the_cache_is_completed_after_an_interruption(celeba: Path) -> None:
    labels, whole = open_data(celeba)
    folder = celeba.parent / "cache"
    expected = [whole.region(i)[0].copy() for i in range(32)]
    # As a kill would leave it: some records, half a record, and pixels that belong to none.
    records = (folder / "records.bin").read_bytes()
    size = len(records) // 32
    (folder / "records.bin").write_bytes(records[: 11 * size + 5])
    again = open_cache(labels, folder)
    assert all((again.region(i)[0] == e).all() for i, e in enumerate(expected))


def _drop_line(path: Path) -> None:
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")


def _double_line(path: Path) -> None:
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")


def test_a_person_with_two_roles_is_refused(celeba: Path) -> None:
    lines = (celeba / "list_eval_partition.txt").read_text().replace("000001.jpg 0", "000001.jpg 2")
    (celeba / "list_eval_partition.txt").write_text(lines)
    with pytest.raises(DatasetError, match="two roles"):
        read_celeba(celeba)


def test_pictures_replaced_under_the_same_names_are_not_taken_from_the_cache(celeba: Path) -> None:
    labels, _ = open_data(celeba)
    Image.new("RGB", (48, 64)).save(celeba / "img_align_celeba" / "000005.jpg")
    with pytest.raises(DatasetError, match="other pictures"):
        open_cache(labels, celeba.parent / "cache")


def test_an_image_of_the_data_set_that_cannot_be_decoded_is_named_with_the_remedy(celeba: Path) -> None:
    path = celeba / "img_align_celeba" / "000005.jpg"
    path.write_bytes(path.read_bytes()[:100])
    labels = read_celeba(celeba)
    with pytest.raises(DatasetError, match=r"000005\.jpg cannot be used .* replace it, or take it out of the lists"):
        open_cache(labels, celeba.parent / "cache")


def test_a_missed_face_is_cut_where_faces_of_its_framing_are(tmp_path: Path, celeba: Path) -> None:
    """Sixty copies of a portrait, and a grey picture of the same size among them."""
    portrait = Image.open(sorted(GALLERY.glob("man-goatee*.jpg"))[0])
    folder = celeba / "img_align_celeba"
    names = [f"{i:06d}.jpg" for i in range(1, 62)]
    for name in names[:-1]:
        portrait.save(folder / name)
    Image.new("RGB", portrait.size, "grey").save(folder / names[-1])
    signs = " ".join(["1"] * 40)
    rows = [f"{n} {signs}" for n in names]
    (celeba / "list_attr_celeba.txt").write_text("\n".join(["61", " ".join(NAMES), *rows]) + "\n")
    (celeba / "list_eval_partition.txt").write_text("".join(f"{n} 0\n" for n in names))
    (celeba / "identity_CelebA.txt").unlink()
    labels = read_celeba(celeba)
    cache = open_cache(labels, tmp_path / "faces")
    assert cache.detected.tolist() == [True] * 60 + [False]
    whole, missed, turned = cache.region(60)
    _, found, _ = cache.region(0)
    assert whole.shape[:2] == (portrait.height, portrait.width)
    assert turned == 0
    assert iou(missed, found) > 0.95
