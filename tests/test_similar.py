"""Searching a real catalogue from a face; profiles are compared with a plain numpy computation."""

from pathlib import Path

import numpy as np
import pytest

from db import models, photos, roots
from db.catalogue import Catalogue, open_catalogue
from db.faces import FaceRecord
from db.models import ScoringModel
from db.schema import Box, Outcome
from db.snapshot import rebuild
from facesearch.attributes import NAMES
from facesearch.errors import SearchError
from facesearch.hits import SearchResult
from facesearch.ranking.similar import encode
from facesearch.similar import similar

RNG = np.random.default_rng(11)
MODEL = ScoringModel(
    digest="12" * 32,
    attributes=NAMES,
    calibration_scale=np.ones(40, np.float32),
    calibration_bias=np.zeros(40, np.float32),
    profile_mean=RNG.normal(0, 1, 40).astype(np.float32),
    profile_matrix=RNG.normal(0, 1, (40, 40)).astype(np.float32),
)
LOGITS = RNG.normal(0, 2.5, (50, 40)).astype(np.float32)
BOX = Box(100, 100, 50, 60)


def add_photos(catalogue: Catalogue, faces: dict[str, list[tuple[np.ndarray, float, Box]]]) -> None:
    files = []
    for name, found in faces.items():
        records = tuple(FaceRecord(box, score, np.zeros((5, 2), np.float32), logits) for logits, score, box in found)
        content = photos.PhotoRecord(name.encode().hex().zfill(64), 1000, Outcome.INDEXED, faces=records)
        files.append(photos.FileRecord(name.encode(), 1000, 1, content))
    with catalogue.write() as session:
        model_id = models.register(session, MODEL)
        photos.record(session, roots.add_root(session, "/photos"), files, model_id=model_id)
        models.serve_when_complete(session, model_id)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory):
    with open_catalogue(tmp_path_factory.mktemp("similar") / "faces.db", create=True) as opened:
        add_photos(opened, {f"{i:03}": [(LOGITS[i], 0.7 if i == 9 else 0.95, BOX)] for i in range(30)})
        rebuild(opened, encode)
        add_photos(opened, {f"{i:03}": [(LOGITS[i], 0.95, BOX)] for i in range(30, 50)})
        yield opened


def names(result: SearchResult) -> list[str]:
    return [hit.face.path.name for hit in result.hits]


def cosines(probe: np.ndarray) -> np.ndarray:
    profiles = (LOGITS.astype(np.float64) - MODEL.profile_mean) @ MODEL.profile_matrix
    one = (probe.astype(np.float64) - MODEL.profile_mean) @ MODEL.profile_matrix
    return profiles @ one / np.linalg.norm(profiles, axis=1) / np.linalg.norm(one)


def test_the_nearest_profiles_come_first_and_the_score_is_a_similarity(catalogue: Catalogue) -> None:
    probe = RNG.normal(0, 2.5, 40).astype(np.float32)
    wanted = cosines(probe)
    result = similar(catalogue, probe, top=None, min_detection=0)
    assert names(result) == [f"{i:03}" for i in np.argsort(-wanted)]
    assert [hit.score for hit in result.hits] == pytest.approx(sorted((1 + wanted) / 2, reverse=True), abs=1e-6)
    assert all(0 <= hit.score <= 1 and hit.asked == () for hit in result.hits)
    assert names(similar(catalogue, probe, top=5, min_detection=0)) == names(result)[:5]


def test_the_same_profile_scores_one(catalogue: Catalogue) -> None:
    best = similar(catalogue, LOGITS[4], top=1).hits[0]
    assert best.face.path.name == "004"
    assert best.score == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("index", [4, 44], ids=["in the snapshot", "in the tail"])
def test_a_probe_that_is_indexed_is_left_out_of_its_own_result(catalogue: Catalogue, index: int) -> None:
    nearly = Box(104, 98, 50, 60)
    digest = f"{index:03}".encode().hex().zfill(64)
    result = similar(catalogue, LOGITS[index], probe_sha256=digest, probe_box=nearly, top=None)
    assert f"{index:03}" not in names(result)
    assert (len(result.hits), result.faces, result.withheld) == (48, 48, 1)


def test_another_face_of_the_same_photo_stays(catalogue: Catalogue) -> None:
    beside = Box(140, 100, 50, 60)
    digest = b"004".hex().zfill(64)
    assert names(similar(catalogue, LOGITS[4], probe_sha256=digest, probe_box=beside, top=1)) == ["004"]


def test_weak_detections_are_withheld_and_counted(catalogue: Catalogue) -> None:
    result = similar(catalogue, LOGITS[9], top=None)
    assert "009" not in names(result)
    assert (result.faces, result.withheld) == (49, 1)
    assert names(similar(catalogue, LOGITS[9], top=1, min_detection=0.7)) == ["009"]


def test_min_score_cuts(catalogue: Catalogue) -> None:
    every = similar(catalogue, LOGITS[0], top=None)
    bound = every.hits[7].score
    assert names(similar(catalogue, LOGITS[0], top=None, min_score=bound)) == names(every)[:8]


def test_equal_scores_come_in_order_of_face_id(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
        add_photos(catalogue, {f"{i:03}": [(LOGITS[0], 0.95, BOX)] for i in range(12)})
        rebuild(catalogue, encode)
        ids = [hit.face.face for hit in similar(catalogue, LOGITS[0], top=4).hits]
        assert ids == [1, 2, 3, 4]


def test_a_catalogue_with_the_probe_alone_gives_nothing(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
        add_photos(catalogue, {"a": [(LOGITS[0], 0.95, BOX)]})
        result = similar(catalogue, LOGITS[0], probe_sha256=b"a".hex().zfill(64), probe_box=BOX)
        assert (result.hits, result.faces, result.withheld) == ((), 0, 0)


def test_a_probe_scored_by_another_model_is_refused_with_the_remedy(catalogue: Catalogue) -> None:
    with pytest.raises(SearchError, match="run `facesearch index` to score all faces again"):
        similar(catalogue, LOGITS[0], probe_model="99" * 32)
    assert similar(catalogue, LOGITS[0], probe_model=MODEL.digest).hits


def test_an_empty_catalogue_says_what_to_do(tmp_path: Path) -> None:
    with (
        open_catalogue(tmp_path / "faces.db", create=True) as catalogue,
        pytest.raises(SearchError, match="No face is indexed yet"),
    ):
        similar(catalogue, LOGITS[0])


def test_profiles_have_length_one_and_a_face_without_direction_has_none() -> None:
    profiles = encode(LOGITS, MODEL)
    assert profiles.dtype == np.float32
    assert np.linalg.norm(profiles, axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    assert np.array_equal(encode(MODEL.profile_mean[None], MODEL), np.zeros((1, 40)))
