"""Searching a real catalogue by description; the logits are made up, so that every right answer is known."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.report.remedies import error_in_words
from db import models, photos, roots, runs
from db.catalogue import Catalogue, open_catalogue
from db.faces import FaceRecord
from db.snapshot import load_gallery, rebuild
from db.values.box import Box
from db.values.photo import Outcome
from db.values.photo_filter import PhotoFilter
from db.values.scoring_model import ScoringModel, calibrate
from facesearch.attributes import BY_NAME, NAMES
from facesearch.errors import RequestError, SearchError
from facesearch.query import parse
from facesearch.search.description import search
from facesearch.search.hits import SearchResult
from facesearch.search.ranking.profiles import encode
from facesearch.search.request import Order, Request, catalogue_name
from tests.support.catalogues import LOOKED
from tests.support.powers import without_root_powers

MODEL = ScoringModel(
    digest="ab" * 32,
    attributes=NAMES,
    calibration_scale=np.linspace(0.8, 1.3, 40, dtype=np.float32),
    calibration_bias=np.linspace(-0.4, 0.4, 40, dtype=np.float32),
    profile_mean=np.zeros(40, np.float32),
    profile_matrix=np.eye(40, dtype=np.float32),
)
LOGITS = np.random.default_rng(7).normal(0, 2.5, (60, 40)).astype(np.float32)


def face(logits: np.ndarray, detection: float = 0.95, box: Box | None = None) -> FaceRecord:
    return FaceRecord(box or Box(10, 20, 30, 40), detection, np.zeros((5, 2), np.float32), logits)


def add_photos(catalogue: Catalogue, named: dict[str, tuple[FaceRecord, ...]], model: ScoringModel = MODEL) -> None:
    """One photo per name in the folder /photos, with these faces; the digest of its bytes is made from the name."""
    files = [
        photos.FileRecord(
            name.encode(),
            1000,
            1,
            photos.PhotoRecord(name.encode().hex().zfill(64), 1000, Outcome.INDEXED, LOOKED, faces=found),
        )
        for name, found in named.items()
    ]
    with catalogue.write() as session:
        model_id = models.register(session, model)
        photos.record(session, roots.add_root(session, "/photos"), files, model_id=model_id)
        models.serve_when_complete(session, model_id)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory):
    with open_catalogue(tmp_path_factory.mktemp("search") / "faces.db", create=True) as opened:
        detections = [0.6, 0.7, 0.79, 0.8, 0.9] + [0.99] * (len(LOGITS) - 5)
        add_photos(opened, {f"{i:03}.jpg": (face(LOGITS[i], detections[i]),) for i in range(40)})
        rebuild(opened, encode)
        add_photos(opened, {f"{i:03}.jpg": (face(LOGITS[i], detections[i]),) for i in range(40, 60)})
        yield opened


def names(result: SearchResult) -> list[str]:
    return [hit.face.path.name for hit in result.hits]


def expected(score, rows=range(60)) -> list[str]:
    p = calibrate(LOGITS, MODEL.calibration_scale, MODEL.calibration_bias)
    p = {name: p[:, BY_NAME[name].index] for name in NAMES}
    return [f"{i:03}.jpg" for i in sorted(rows, key=lambda i: -score(p)[i])]


def test_the_best_faces_come_first_from_the_snapshot_and_from_what_came_later(catalogue: Catalogue) -> None:
    result = search(catalogue, Request(parse("male, goatee, not bald"), min_detection=0, order=Order.SCORE), top=None)
    assert names(result) == expected(lambda p: p["Male"] * p["Goatee"] * (1 - p["Bald"]))
    assert [hit.rank for hit in result.hits] == list(range(1, 61))
    assert result.model.short == "ab" * 6


def test_or_and_not_are_exact(catalogue: Catalogue) -> None:
    result = search(catalogue, Request(parse("woman, no beard or moustache"), min_detection=0), top=7)
    wanted = expected(lambda p: (1 - p["Male"]) * p["No_Beard"] * (1 - p["Mustache"]))
    assert names(result) == wanted[:7]


def test_faces_below_the_detection_bound_are_counted_not_silently_absent(catalogue: Catalogue) -> None:
    result = search(catalogue, Request(parse("smiling")), top=None)
    assert (result.faces, result.below_detection) == (57, 3)
    assert names(result) == expected(lambda p: p["Smiling"], range(3, 60)), "a face at the very bound is in"
    everything = search(catalogue, Request(parse("smiling"), min_detection=0.6), top=None)
    assert (everything.faces, everything.below_detection, len(everything.hits)) == (60, 0, 60)


def test_min_score_cuts_and_may_leave_nothing(catalogue: Catalogue) -> None:
    query = parse("man and young")
    every = search(catalogue, Request(query), top=None)
    bound = every.hits[9].score
    assert names(search(catalogue, Request(query, min_score=bound), top=None)) == names(every)[:10]
    nothing = search(catalogue, Request(parse("man, bald, hat, lipstick, goatee"), min_score=1.0))
    assert nothing.hits == ()
    assert nothing.faces == 57


def test_top_takes_the_first_of_all(catalogue: Catalogue) -> None:
    query = parse("glasses or hat")
    every = names(search(catalogue, Request(query), top=None))
    assert len(every) == 57
    assert names(search(catalogue, Request(query))) == every[:20]
    assert names(search(catalogue, Request(query), top=1)) == every[:1]
    assert names(search(catalogue, Request(query), top=10_000)) == every


def test_an_always_true_description_gives_every_face_score_one_in_order_of_face_id(catalogue: Catalogue) -> None:
    result = search(catalogue, Request(parse("male or not male")), top=None)
    assert {hit.score for hit in result.hits} == {1.0}
    ids = [hit.face.face for hit in result.hits]
    assert ids == sorted(ids)
    assert [hit.face.face for hit in search(catalogue, Request(parse("male or not male")), top=5).hits] == ids[:5]


def test_a_hit_says_how_likely_each_asked_thing_is_as_asked(catalogue: Catalogue) -> None:
    hit = search(catalogue, Request(parse("woman, not bald, glasses")), top=1).hits[0]
    assert [one.asked.words for one in hit.asked] == ["woman", "not bald", "glasses"]
    assert hit.asked[0].probability == pytest.approx(1 - hit.probabilities[BY_NAME["Male"].index])
    assert hit.asked[2].probability == pytest.approx(hit.probabilities[BY_NAME["Eyeglasses"].index])
    assert hit.score == pytest.approx(np.prod([one.probability for one in hit.asked]))
    assert str(hit.asked[1]).startswith(f"not bald {hit.asked[1].probability * 100:.0f} %")
    assert hit.probabilities.shape == (40,)
    assert hit.probabilities.dtype == np.float32


def test_a_hit_carries_its_photo_box_and_digest(catalogue: Catalogue) -> None:
    found = search(catalogue, Request(parse("young")), top=1).hits[0].face
    assert found.path.parent == Path("/photos")
    assert (found.x, found.y, found.width, found.height) == (10, 20, 30, 40)
    assert found.sha256 == found.path.name.encode().hex().zfill(64)


@given(st.permutations(["man", "not bald", "(glasses or hat)", "no beard or moustache", "young"]))
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_what_is_said_changes_no_rank(catalogue: Catalogue, said: list[str]) -> None:
    first = search(catalogue, Request(parse("man, not bald, (glasses or hat), no beard or moustache, young")), top=None)
    second = search(catalogue, Request(parse(" and ".join(said))), top=None)
    assert [(hit.face.face, hit.score) for hit in first.hits] == [(hit.face.face, hit.score) for hit in second.hits]


def test_two_faces_in_one_photo_are_two_hits_and_gone_photos_leave_the_results(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
        add_photos(catalogue, {"two.jpg": (face(LOGITS[0]), face(LOGITS[1], box=Box(99, 20, 30, 40)))})
        add_photos(catalogue, {"gone.jpg": (face(LOGITS[2]),)})
        assert len(search(catalogue, Request(parse("man"))).hits) == 3
        with catalogue.write() as session:
            files = photos.files_of_root(session, roots.add_root(session, "/photos"))
            photos.mark_missing(session, [files[b"gone.jpg"].id])
        result = search(catalogue, Request(parse("man")))
        assert {hit.face.path.name for hit in result.hits} == {"two.jpg"}
        assert len({hit.face.face for hit in result.hits}) == 2
        assert (result.faces, result.below_detection) == (2, 0)


def test_copies_of_a_photo_are_one_hit_or_one_for_each_file(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
        with catalogue.write() as session:
            model_id = models.register(session, MODEL)
            root = roots.add_root(session, "/photos")
            for content, names in ((1, [b"a.jpg", b"b.jpg"]), (2, [b"c.jpg"])):
                of = photos.PhotoRecord(f"{content:064}", 1000, Outcome.INDEXED, LOOKED, faces=(face(LOGITS[content]),))
                photos.record(session, root, [photos.FileRecord(n, 1000, 1, of) for n in names], model_id=model_id)
            models.serve_when_complete(session, model_id)
        request = Request(parse("man"), fold_copies=False)
        folded = search(catalogue, replace(request, fold_copies=True)).hits
        apart = search(catalogue, request).hits
        assert len(folded) == 2 and sorted(hit.face.path.name for hit in apart) == ["a.jpg", "b.jpg", "c.jpg"]
        assert [hit.rank for hit in apart] == [1, 2, 3] and apart[0].face.face == folded[0].face.face
        assert {hit.score for hit in apart} == {hit.score for hit in folded}
        assert len(search(catalogue, request, top=2).hits) == 2
        assert len(search(catalogue, request, top=None).hits) == 3


def test_a_request_to_another_catalogue_is_not_answered_by_this_one(catalogue: Catalogue) -> None:
    here = catalogue_name(catalogue.path)
    assert search(catalogue, Request(parse("man"), catalogues=(here,))).hits
    for asked in (("/other.db",), (here, "/other.db")):
        with pytest.raises(RequestError) as caught:
            search(catalogue, Request(parse("man"), catalogues=asked))
        assert caught.value.kind == "another catalogue"
        assert here in error_in_words(caught.value) and "/other.db" in error_in_words(caught.value)


def test_of_several_paths_of_a_photo_the_first_that_is_still_there_is_shown(tmp_path: Path) -> None:
    record = photos.PhotoRecord("ab" * 32, 1000, Outcome.INDEXED, LOOKED, faces=(face(LOGITS[0]),))
    with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
        with catalogue.write() as session:
            model_id = models.register(session, MODEL)
            for drive in ("a", "b", "c"):
                root = roots.add_root(session, tmp_path / drive)
                photos.record(session, root, [photos.FileRecord(b"1.jpg", 1000, 1, record)], model_id=model_id)
            models.serve_when_complete(session, model_id)

        def shown() -> Path:
            (hit,) = search(catalogue, Request(parse("man"))).hits
            assert hit.face.display == str(hit.face.path)
            return hit.face.path

        assert shown() == tmp_path / "a" / "1.jpg", "with all drives unplugged the first known one"
        by_filter = search(catalogue, Request(parse("man"), photo=PhotoFilter(folder=("c",)))).hits[0].face.path
        by_words = search(catalogue, Request(parse("man, folder:c"))).hits[0].face.path
        assert by_filter == by_words == tmp_path / "c" / "1.jpg"
        for drive in ("c", "b"):
            (tmp_path / drive).mkdir()
            (tmp_path / drive / "1.jpg").write_bytes(b"photo")
            assert shown() == tmp_path / drive / "1.jpg"


def test_faces_that_only_a_network_in_waiting_has_scored_are_counted(tmp_path: Path) -> None:
    waiting = replace(MODEL, digest="cd" * 32)
    with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
        add_photos(catalogue, {"a.jpg": (face(LOGITS[0]),)})
        assert search(catalogue, Request(parse("man"))).unscored == 0
        with catalogue.write() as session:
            runs.start_run(session, [], models.register(session, waiting))
        add_photos(catalogue, {"b.jpg": (face(LOGITS[1]), face(LOGITS[2]))}, waiting)
        result = search(catalogue, Request(parse("man")))
        assert (result.faces, result.below_detection, result.unscored) == (1, 0, 2)


def test_a_read_only_catalogue_is_searched(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
        add_photos(catalogue, {"a.jpg": (face(LOGITS[0]),)})
    (tmp_path / "faces.db").chmod(0o400)
    with without_root_powers(), open_catalogue(tmp_path / "faces.db") as catalogue:
        assert catalogue.read_only
        assert len(search(catalogue, Request(parse("man"))).hits) == 1


def test_an_empty_catalogue_says_what_to_do(tmp_path: Path) -> None:
    with (
        open_catalogue(tmp_path / "faces.db", create=True) as catalogue,
        pytest.raises(SearchError, match="No face is indexed yet"),
    ):
        search(catalogue, Request(parse("man")))


def test_scores_of_other_attributes_are_refused_with_a_remedy(tmp_path: Path) -> None:
    other = ScoringModel("cd" * 32, NAMES[::-1], *(np.ones(40, np.float32),) * 3, np.eye(40, dtype=np.float32))
    with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
        add_photos(catalogue, {"a.jpg": (face(LOGITS[0]),)}, other)
        with pytest.raises(SearchError, match="other attributes than this version knows"):
            search(catalogue, Request(parse("man")))


@pytest.mark.parametrize(
    "bounds",
    [
        {"top": 0},
        {"top": -3},
        {"min_score": float("nan")},
        {"min_score": 1.5},
        {"min_detection": -0.1},
        {"min_detection": float("inf")},
    ],
)
def test_bounds_that_make_no_sense_are_refused(catalogue: Catalogue, bounds: dict[str, float]) -> None:
    with pytest.raises(SearchError, match=r"1 or more|from 0 to 1"):
        top = bounds.pop("top", 20)
        search(catalogue, Request(parse("man"), **bounds), top=top)


@pytest.mark.slow
def test_a_search_needs_neither_network_nor_pictures_nor_migrations() -> None:
    code = (
        "import sys, facesearch.search.description, facesearch.query; "
        "print(sorted({'torch', 'cv2', 'alembic', 'faiss', 'PIL'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_catalogue_under_test_has_a_snapshot_and_a_tail(catalogue: Catalogue) -> None:
    gallery = load_gallery(catalogue)
    assert gallery is not None
    assert len(gallery) == 60
