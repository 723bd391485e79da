"""What is told of groups of people, where everything that is said of a face follows a rule."""

from pathlib import Path

import numpy as np
import pytest

from facesearch.attributes import NAMES
from facesearch.network.checkpoint import Checkpoint
from facesearch.training.datasets import DatasetError
from facesearch.training.utkface import EVERYONE, GroupFigures, evaluate_groups, read_utkface
from tests.support.stand_ins import DotColours, RedSquares, picture, save

MAN, WOMAN = (250, 0, 0), (0, 0, 0)


class Seen(DotColours):
    """Says Male of a red dot, Young the surer the greener it is, and Gray_Hair of a blue one."""

    checkpoint = Checkpoint(
        path=Path(),
        digest="",
        metadata={},
        mean=np.zeros(3, np.float32),
        calibration_scale=np.ones(40, np.float32),
        calibration_bias=np.zeros(40, np.float32),
        profile_mean=np.zeros(40, np.float32),
        profile_matrix=np.eye(40, dtype=np.float32),
    )

    def score(self, crops):  # type: ignore[no-untyped-def]
        logits = super().score(crops)
        logits[:, [NAMES.index(name) for name in ("Male", "Young", "Gray_Hair")]] = logits[:, :3]
        return logits


def _looked_at(folder: Path, detector: RedSquares | None = None) -> dict[str, GroupFigures]:
    return evaluate_groups(Seen(), detector or RedSquares(), read_utkface(folder))  # type: ignore[arg-type]


def test_men_and_women_of_each_group_are_counted_apart(tmp_path: Path) -> None:
    for number, (gender, group, dot) in enumerate(
        [(0, 1, MAN), (0, 1, WOMAN), (1, 1, WOMAN), (1, 1, WOMAN), (0, 2, MAN)]
    ):
        save(tmp_path / f"30_{gender}_{group}_{number}.jpg", picture(dot), quality=95)
    found = _looked_at(tmp_path)
    assert list(found) == [EVERYONE, "Black", "Asian"]
    black = found["Black"].gender
    assert (black.faces, black.recall[0], black.specificity[0]) == (4, 0.5, 1.0)
    assert found["Asian"].gender.accuracy[0] == 1.0 and np.isnan(found["Asian"].gender.specificity[0])


def test_young_and_gray_are_told_by_age_band_and_ordered_by_age(tmp_path: Path) -> None:
    for age, green, blue in ((20, 250, 0), (28, 220, 30), (40, 140, 60), (59, 60, 140), (60, 30, 220), (90, 0, 250)):
        save(tmp_path / f"{age}_1_3_1.jpg", picture((0, green, blue)), quality=95)
    found = _looked_at(tmp_path)["Indian"]
    shares = {band: part.answered_yes.tolist() for band, part in found.by_age.items()}
    assert shares == {(18, 29): [1, 0], (30, 44): [1, 0], (45, 59): [0, 1], (60, 116): [0, 1]}
    assert [part.faces for part in found.by_age.values()] == [2, 1, 1, 2]
    assert found.age_order.tolist() == pytest.approx([-1, 1])


def test_where_all_are_of_one_age_nothing_is_ordered(tmp_path: Path) -> None:
    for number, dot in enumerate((MAN, WOMAN)):
        save(tmp_path / f"50_0_0_{number}.jpg", picture(dot), quality=95)
    assert np.isnan(_looked_at(tmp_path)["White"].age_order).all()


def test_a_face_that_is_missed_is_cut_where_the_others_are_and_counts(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / f"30_0_0_{number}.jpg", picture(MAN), quality=95)
    missed = picture(MAN)
    missed.paste((120, 120, 120), (10, 30, 58, 44))  # what is left of the face keeps its dot, but is no square of red
    missed.paste((120, 120, 120), (10, 64, 58, 78))
    missed.paste((120, 120, 120), (10, 30, 24, 78))
    missed.paste((120, 120, 120), (44, 30, 58, 78))
    missed.paste((200, 100, 100), (24, 44, 44, 64))
    save(tmp_path / "30_0_0_9.jpg", missed, quality=95)
    white = _looked_at(tmp_path)["White"]
    assert (white.gender.faces, white.gender.detected, white.searched) == (4, 3, 3)
    assert white.gender.recall[0] == 1.0


def test_children_and_names_that_do_not_tell_all_are_left_out_and_counted(tmp_path: Path) -> None:
    for name in ("17_0_0_1.jpg", "18_0_0_1.jpg", "44_1_20170109.jpg", "44_2_0_1.jpg", "44_1_5_1.jpg", "44_1_4_1.jpg"):
        save(tmp_path / name, picture(MAN))
    read = read_utkface(tmp_path)
    assert [path.name for path in read.paths] == ["18_0_0_1.jpg", "44_1_4_1.jpg"]
    assert read.left_out == 4


def test_a_picture_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    (tmp_path / "30_0_0_1.jpg").write_bytes(b"\xff\xd8 cut off")
    with pytest.raises(DatasetError, match=r"30_0_0_1\.jpg cannot be used"):
        _looked_at(tmp_path)
