"""Whatever is wrong with a snapshot, searches go by the tables."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from db.arrays import Floats
from db.catalogue import open_catalogue
from db.errors import CatalogueFull, CatalogueReadOnly, CatalogueUnreadable
from db.snapshot import Condition, Gallery, due, rebuild, state_of
from db.values.scoring_model import ScoringModel
from tests.support.catalogues import WIDTH, Opened, encode, index, new_catalogue
from tests.support.powers import files_no_larger_than, without_root_powers
from tests.support.snapshots import (
    FILES,
    agrees,
    entries_beside,
    folder_of,
    is_in_step,
    lose,
    searched,
    truth,
)

pytestmark = pytest.mark.slow


def test_deleting_the_folder_costs_time_only(opened: Opened) -> None:
    index(*opened, range(30))
    rebuild(opened[0], encode)
    shutil.rmtree(opened[0].folder)
    assert is_in_step(opened[0])
    assert due(opened[0])
    assert rebuild(opened[0], encode)
    assert state_of(opened[0]).condition is Condition.CURRENT


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["cut short", "emptied", "removed", "zeroed at its end", "one bit turned", "longer"])
def test_a_damaged_file_is_noticed_and_the_tables_are_read_instead(opened: Opened, name: str, harm: str) -> None:
    index(*opened, range(40), faces=2)
    rebuild(opened[0], encode)
    path = folder_of(opened[0]) / name
    content = bytearray(path.read_bytes())
    match harm:
        case "cut short":
            content = content[: len(content) // 2]
        case "emptied":
            content = bytearray()
        case "zeroed at its end":
            content[-64:] = bytes(64)
        case "one bit turned":
            content[-70] ^= 4
        case "longer":
            content += bytes(64)
    path.unlink()
    if harm != "removed":
        path.write_bytes(content)
    assert is_in_step(opened[0])
    assert state_of(opened[0]).condition is Condition.DAMAGED
    assert due(opened[0])
    assert rebuild(opened[0], encode)
    assert is_in_step(opened[0])
    assert state_of(opened[0]).condition is Condition.CURRENT


def test_a_column_found_damaged_in_the_middle_of_a_query_is_read_from_the_tables_as_of_the_same_moment(
    opened: Opened,
) -> None:
    index(*opened, range(40))
    rebuild(opened[0], encode)
    lose(opened, 4)
    path = folder_of(opened[0]) / "logits.npy"
    content = bytearray(path.read_bytes())
    content[-4 * 40 * 5 + 6] ^= 1  # in the fifth column from the end
    path.write_bytes(content)
    expected, gallery = truth(opened[0]), searched(opened[0])
    first = gallery.logits(0).copy()
    lose(opened, 9)
    index(*opened, range(40, 50))
    assert agrees(gallery, expected)
    np.testing.assert_array_equal(gallery.logits(0), first)


def test_sizes_found_damaged_are_read_from_the_tables_as_of_the_same_moment(opened: Opened) -> None:
    index(*opened, range(40), faces=2)
    rebuild(opened[0], encode)
    lose(opened, 4)
    path = folder_of(opened[0]) / "sizes.npy"
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    expected, gallery = truth(opened[0]), searched(opened[0])
    before = gallery.logits(3).copy()
    lose(opened, 9)
    index(*opened, range(40, 50))
    assert sorted(gallery.sizes.tolist()) == sorted(float(size) for _, size, _ in expected.values())
    np.testing.assert_array_equal(gallery.logits(3), before)
    assert agrees(gallery, expected)


def test_probabilities_follow_from_the_logits_in_the_snapshot_behind_it_and_where_they_are_damaged(
    opened: Opened,
) -> None:
    index(*opened, range(40))
    rebuild(opened[0], encode)
    lose(opened, 4)
    index(*opened, range(40, 50))

    def are_right(gallery: Gallery, attribute: int) -> bool:
        model = gallery.model
        z = np.asarray(gallery.logits(attribute), np.float64) * model.calibration_scale[attribute]
        p = 1 / (1 + np.exp(-(z + model.calibration_bias[attribute])))
        sides = gallery.probabilities(attribute, True), gallery.probabilities(attribute, False)
        return np.allclose(sides[0], p, rtol=1e-6, atol=0) and np.allclose(sides[1], 1 - p, rtol=1e-6, atol=0)

    assert are_right(searched(opened[0]), 7)
    path = folder_of(opened[0]) / "probabilities.npy"
    content = bytearray(path.read_bytes())
    content[-10] ^= 1  # in the last column
    path.write_bytes(content)
    gallery = searched(opened[0])
    assert are_right(gallery, 7)
    assert are_right(gallery, 39)


def test_a_snapshot_of_another_version_counts_as_stale_and_is_rebuilt(opened: Opened) -> None:
    index(*opened, range(30))
    rebuild(opened[0], encode)
    path = folder_of(opened[0]) / "manifest.json"
    content = json.loads(path.read_bytes())
    del content["checksum"]
    content["format"] -= 1
    content["older"] = "has fields of its own"
    content["checksum"] = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(content))
    assert is_in_step(opened[0])
    assert str(state_of(opened[0])) == "stale by 30 faces"
    assert due(opened[0])
    assert rebuild(opened[0], encode)
    assert state_of(opened[0]).condition is Condition.CURRENT
    assert len(entries_beside(opened[0])) == 1
    assert is_in_step(opened[0])


def test_a_snapshot_of_another_catalogue_is_not_taken(opened: Opened, tmp_path: Path) -> None:
    index(*opened, range(30))
    rebuild(opened[0], encode)
    other, root_id, model_id = new_catalogue(tmp_path / "other.db")
    with other:
        index(other, root_id, model_id, range(100, 120))
        rebuild(other, encode)
        theirs = folder_of(other)
        ours = folder_of(opened[0])
        shutil.rmtree(ours)
        shutil.copytree(theirs, ours)
        assert is_in_step(opened[0])
        shutil.rmtree(ours)
        shutil.copytree(theirs, opened[0].folder / theirs.name)
        assert is_in_step(opened[0])


def test_a_catalogue_restored_from_a_backup_does_not_take_the_later_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "faces.db"
    catalogue, root_id, model_id = new_catalogue(path)
    index(catalogue, root_id, model_id, range(20))
    rebuild(catalogue, encode)
    catalogue.close()
    backup = path.read_bytes()
    catalogue = open_catalogue(path)
    index(catalogue, root_id, model_id, range(20, 40))
    rebuild(catalogue, encode)
    catalogue.close()
    path.write_bytes(backup)
    with open_catalogue(path) as restored:
        assert is_in_step(restored)
        # As many batches as before, with other contents: the generations are the same again.
        index(restored, root_id, model_id, range(60, 80))
        assert is_in_step(restored)


def test_a_copied_catalogue_works_with_its_folder_and_without(opened: Opened, tmp_path: Path) -> None:
    index(*opened, range(20))
    rebuild(opened[0], encode)
    opened[0].close()
    (tmp_path / "copies").mkdir()
    shutil.copy(opened[0].path, tmp_path / "copies" / "with.db")
    shutil.copy(opened[0].path, tmp_path / "copies" / "without.db")
    shutil.copytree(opened[0].folder, tmp_path / "copies" / "with.db.d")
    for name, condition in {"with": Condition.CURRENT, "without": Condition.MISSING}.items():
        with open_catalogue(tmp_path / "copies" / f"{name}.db") as copy:
            assert is_in_step(copy)
            assert state_of(copy).condition is condition


def test_a_read_only_catalogue_is_searched_with_its_snapshot_and_never_rebuilt(opened: Opened, tmp_path: Path) -> None:
    index(*opened, range(20))
    rebuild(opened[0], encode)
    opened[0].close()
    (tmp_path / "faces.db").chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        with without_root_powers(), open_catalogue(tmp_path / "faces.db") as catalogue:
            assert is_in_step(catalogue)
            assert state_of(catalogue).condition is Condition.CURRENT
            with pytest.raises(CatalogueReadOnly, match="read-only"):
                rebuild(catalogue, encode)
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_may_not_be_read_costs_time_only(opened: Opened) -> None:
    index(*opened, range(20))
    rebuild(opened[0], encode)
    opened[0].folder.chmod(0)
    try:
        with without_root_powers():
            assert is_in_step(opened[0])
            assert due(opened[0])
            with pytest.raises(CatalogueUnreadable, match="Permission denied"):
                rebuild(opened[0], encode)
    finally:
        opened[0].folder.chmod(0o700)


@pytest.mark.parametrize("share", [0.001, 0.5, 0.9999])
def test_a_full_disk_leaves_the_older_snapshot_in_force_and_no_rubbish(opened: Opened, share: float) -> None:
    index(*opened, range(1000))
    rebuild(opened[0], encode)
    before = entries_beside(opened[0])
    index(*opened, range(1000, 1400))
    largest = 4 * WIDTH * 1400 + 45  # the profiles, with FAISS's header
    with files_no_larger_than(int(largest * share)), pytest.raises(CatalogueFull, match="free some space"):
        rebuild(opened[0], encode)
    assert entries_beside(opened[0]) == before
    assert is_in_step(opened[0])
    assert state_of(opened[0]).condition is Condition.STALE


def test_an_encoder_that_fails_leaves_the_older_snapshot_in_force_and_no_rubbish(opened: Opened) -> None:
    index(*opened, range(20))
    rebuild(opened[0], encode)
    before = entries_beside(opened[0])

    def broken(values: Floats, model: ScoringModel) -> Floats:  # noqa: ARG001
        raise MemoryError

    wrong: list[Callable[[Floats, ScoringModel], Floats]] = [
        lambda values, _: values[:, :3],
        lambda values, _: values * np.float32(np.nan),
    ]
    with pytest.raises(MemoryError):
        rebuild(opened[0], broken)
    for encoder in wrong:
        with pytest.raises(ValueError, match="expected finite profiles"):
            rebuild(opened[0], encoder)
    assert entries_beside(opened[0]) == before
    assert is_in_step(opened[0])
