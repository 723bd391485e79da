"""Filters leave faces out whatever their score: by photo, by size, by detection, by bounds on attributes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from cli.report.wording import notice_in_words
from db import models, photos, provenance, roots
from db.catalogue import Catalogue, open_catalogue
from db.faces import FaceRecord
from db.schema import Photo
from db.snapshot import rebuild
from db.values.box import Box
from db.values.photo import Outcome, PhotoFacts
from db.values.photo_filter import PhotoFilter
from db.values.scoring_model import ScoringModel
from facesearch.attributes import BY_NAME, NAMES
from facesearch.errors import SearchError
from facesearch.query import parse
from facesearch.search.description import search
from facesearch.search.hits import SearchResult
from facesearch.search.ranking.profiles import encode
from facesearch.search.request import Request
from tests.support.catalogues import LOOKED

MODEL = ScoringModel(
    digest="ab" * 32,
    attributes=NAMES,
    calibration_scale=np.ones(40, np.float32),
    calibration_bias=np.zeros(40, np.float32),
    profile_mean=np.zeros(40, np.float32),
    profile_matrix=np.eye(40, dtype=np.float32),
)
# path, year taken, camera, longer side of the face, detection score, P(Smiling)
ALBUM = [
    ("holiday/1.jpg", 2019, "Canon EOS 80D", 40, 0.95, 0.9),
    ("holiday/2.jpg", 2020, "Canon EOS 80D", 80, 0.95, 0.6),
    ("holiday/beach/3.jpg", 2020, "NIKON D90", 120, 0.95, 0.3),
    ("work/4.jpg", 2020, "NIKON D90", 160, 0.95, 0.7),
    ("work/5.jpg", None, "", 200, 0.5, 0.99),
]


def file(path: str, year: int | None, camera: str, size: int, detection: float, smiling: float) -> photos.FileRecord:
    logits = np.zeros(40, np.float32)
    logits[BY_NAME["Smiling"].index] = np.log(smiling / (1 - smiling))
    face = FaceRecord(Box(5, 5, size / 2, size), detection, np.zeros((5, 2), np.float32), logits)
    taken = None if year is None else datetime(year, 7, 14, 12)
    facts = PhotoFacts(taken=taken, camera=camera)
    content = photos.PhotoRecord(
        path.encode().hex().zfill(64), 1000, Outcome.INDEXED, LOOKED, facts=facts, faces=(face,)
    )
    return photos.FileRecord(path.encode(), 1000, 1, content)


@contextmanager
def filled(folder: Path, model: ScoringModel) -> Iterator[Catalogue]:
    """A catalogue that holds the album, scored by this model."""
    with open_catalogue(folder / "faces.db", create=True) as opened:
        with opened.write() as session:
            model_id = models.register(session, model)
            root = roots.add_root(session, "/photos")
            photos.record(session, root, [file(*each) for each in ALBUM], model_id=model_id)
            models.serve_when_complete(session, model_id)
        yield opened


@pytest.fixture(scope="module", params=["tables", "snapshot"])
def catalogue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    with filled(tmp_path_factory.mktemp("filters"), MODEL) as opened:
        if request.param == "snapshot":
            rebuild(opened, encode)
        yield opened


def names(result: SearchResult) -> list[str]:
    return [hit.face.path.name for hit in result.hits]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "options", "found"),
    [
        ("smiling, folder:holiday", {}, ["1.jpg", "2.jpg", "3.jpg"]),
        ("smiling", {"photo": PhotoFilter(folder=("holiday",))}, ["1.jpg", "2.jpg", "3.jpg"]),
        ("smiling, folder:holiday", {"photo": PhotoFilter(folder=("beach",))}, ["3.jpg"]),
        ("smiling, folder:holiday", {"photo": PhotoFilter(folder=("work",))}, []),
        ("smiling", {"photo": PhotoFilter(name=("[1-4]",))}, []),
        ("smiling", {"photo": PhotoFilter(name=("1.*", "4.*"))}, ["1.jpg", "4.jpg"]),
        ("smiling, taken:2020", {"photo": PhotoFilter(camera=("nikon",))}, ["4.jpg", "3.jpg"]),
        ("smiling", {"photo": PhotoFilter(taken_from=date(2020, 1, 1))}, ["4.jpg", "2.jpg", "3.jpg"]),
        ("smiling", {"min_face": 80}, ["4.jpg", "2.jpg", "3.jpg"]),
        ("smiling", {"min_face": 80.5}, ["4.jpg", "3.jpg"]),
        ("smiling", {"min_face": 80, "photo": PhotoFilter(camera=("canon",))}, ["2.jpg"]),
        ("smiling", {"min_detection": 0.5, "min_face": 100}, ["5.jpg", "4.jpg", "3.jpg"]),
        ("smiling>0.6", {}, ["1.jpg", "4.jpg"]),
        ("smiling>0.6, folder:work", {}, ["4.jpg"]),
        ("folder:holiday", {"min_face": 80}, ["2.jpg", "3.jpg"]),
    ],
)
def test_all_filters_of_query_and_options_must_be_met(
    catalogue: Catalogue, asked: str, options: dict, found: list[str]
) -> None:
    assert names(search(catalogue, Request(parse(asked), **options))) == found


def test_what_only_filters_scores_1(catalogue: Catalogue) -> None:
    result = search(catalogue, Request(parse("smiling>0.6")))
    assert [hit.score for hit in result.hits] == [1.0, 1.0]
    assert [hit.face.face for hit in result.hits] == [1, 4]


def test_a_filter_leaves_the_scores_as_they_are(catalogue: Catalogue) -> None:
    result = search(catalogue, Request(parse("smiling"), min_face=80))
    assert [hit.score for hit in result.hits] == pytest.approx([0.7, 0.6, 0.3])


def test_each_filter_says_how_many_faces_it_left_out(catalogue: Catalogue) -> None:
    result = search(
        catalogue,
        Request(parse("smiling, folder:holiday, smiling>0.7"), min_face=50, photo=PhotoFilter(camera=("canon",))),
    )
    assert (result.faces, result.below_detection, result.hits) == (0, 1, ())
    assert [(step.words, step.left, step.left_out) for step in result.filter_steps] == [
        ("face size of 50 or more", 3, 1),
        ("folder:holiday", 2, 1),
        ("camera:canon", 1, 1),
        ("smiling>0.7", 0, 1),
    ]


def test_the_expected_count_and_the_best_score_are_of_the_faces_that_pass(catalogue: Catalogue) -> None:
    everything = search(catalogue, Request(parse("smiling")))
    assert everything.expected == pytest.approx(0.9 + 0.6 + 0.3 + 0.7)
    assert everything.best == pytest.approx(0.9)
    holiday = search(catalogue, Request(parse("smiling, folder:holiday"), min_face=50))
    assert holiday.expected == pytest.approx(0.6 + 0.3)
    assert holiday.best == pytest.approx(0.6)


def test_the_best_score_is_known_also_where_none_reaches_the_least_one(catalogue: Catalogue) -> None:
    result = search(catalogue, Request(parse("smiling"), min_score=0.95))
    assert (result.hits, result.faces) == ((), 4)
    assert result.best == pytest.approx(0.9)
    nobody = search(catalogue, Request(parse("smiling"), min_face=1000))
    assert (nobody.faces, nobody.best, nobody.expected) == (0, None, 0.0)


def test_hedged_words_do_not_count_in_what_is_expected(catalogue: Catalogue) -> None:
    assert search(catalogue, Request(parse("smiling, maybe bald"))).expected == pytest.approx(2.5)
    assert search(catalogue, Request(parse("maybe bald"))).expected == 4.0


@pytest.mark.parametrize("size", [-1, float("nan"), float("inf")])
def test_a_size_that_makes_no_sense_is_refused(catalogue: Catalogue, size: float) -> None:
    with pytest.raises(SearchError, match="give a number from 0 on"):
        search(catalogue, Request(parse("smiling"), min_face=size))


def test_photos_whose_date_is_still_to_be_read_are_named_where_that_counts(tmp_path: Path) -> None:
    with filled(tmp_path, MODEL) as opened:
        with opened.write() as session:  # as an earlier version left them
            old = replace(LOOKED, decoder="0")
            nikon = update(Photo).where(Photo.camera.like("NIKON%"))
            session.execute(nikon.values(provenance_id=provenance.ids_of(session, [old])[old]))
        remark, undated = map(notice_in_words, search(opened, Request(parse("smiling, taken:2020"))).notices)
        assert "2 were indexed before" in remark and "run `facesearch index`" in remark
        dates = "1 is in a photo without a date (EXIF DateTimeOriginal): left out."
        assert undated == f"Of all faces in the catalogue, {dates}"
        remark, nameless = map(
            notice_in_words, search(opened, Request(parse("smiling"), photo=PhotoFilter(camera=("canon",)))).notices
        )
        assert "2 were indexed before" in remark and "without a camera (EXIF Make and Model)" in nameless
        assert search(opened, Request(parse("smiling, folder:work"))).notices == ()


def test_a_face_is_marked_small_below_the_size_that_the_network_can_be_relied_on(tmp_path: Path) -> None:
    model = replace(MODEL, digest="cd" * 32, metadata={"smallest_face": 80})
    with filled(tmp_path, model) as catalogue:
        found = search(catalogue, Request(parse("smiling"), min_detection=0)).hits
        small = {hit.face.path.name: "small" in hit.hard for hit in found}
        assert small == {"1.jpg": True, "2.jpg": False, "3.jpg": False, "4.jpg": False, "5.jpg": False}
