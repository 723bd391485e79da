"""Searching a real catalogue from faces; profiles are compared with a plain numpy computation."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.report.wording import notice_in_words
from db import models, photos, roots
from db.catalogue import Catalogue, open_catalogue
from db.errors import FaceHidden, FaceUnknown
from db.faces import FaceRecord
from db.snapshot import rebuild
from db.values.box import Box
from db.values.photo import Outcome
from db.values.photo_filter import PhotoFilter
from db.values.scoring_model import ScoringModel
from facesearch.attributes import BY_NAME, NAMES
from facesearch.errors import QueryError, SearchError
from facesearch.search.changes import ChangeError, Changes, parse_changes
from facesearch.search.hits import SearchResult
from facesearch.search.ranking.profiles import AttributeMeans, attribute_means, encode
from facesearch.search.request import Request
from facesearch.search.similar import PhotoFace, indexed_faces, similar
from tests.support.catalogues import LOOKED

RNG = np.random.default_rng(11)
MEANS = AttributeMeans(RNG.normal(2, 0.5, 40).astype(np.float32), RNG.normal(-2, 0.5, 40).astype(np.float32))
MODEL = ScoringModel(
    digest="12" * 32,
    attributes=NAMES,
    calibration_scale=np.ones(40, np.float32),
    calibration_bias=np.zeros(40, np.float32),
    profile_mean=RNG.normal(0, 1, 40).astype(np.float32),
    profile_matrix=RNG.normal(0, 1, (40, 40)).astype(np.float32),
    metadata={"profile_means": MEANS.metadata()},
)
LOGITS = RNG.normal(0, 2.5, (50, 40)).astype(np.float32)
BOX = Box(100, 100, 50, 60)
HAT, GLASSES, NO_BEARD, MALE, YOUNG = (
    BY_NAME[name].index for name in ("Wearing_Hat", "Eyeglasses", "No_Beard", "Male", "Young")
)


def digest_of(name: str) -> str:
    return name.encode().hex().zfill(64)


def add_photos(catalogue: Catalogue, faces: dict[str, list[tuple[np.ndarray, float, Box]]]) -> None:
    files = []
    for name, found in faces.items():
        records = tuple(FaceRecord(box, score, np.zeros((5, 2), np.float32), logits) for logits, score, box in found)
        content = photos.PhotoRecord(digest_of(name), 1000, Outcome.INDEXED, LOOKED, faces=records)
        files.append(photos.FileRecord(name.encode(), 1000, 1, content))
    with catalogue.write() as session:
        model_id = models.register(session, MODEL)
        photos.record(session, roots.add_root(session, "/photos"), files, model_id=model_id)
        models.serve_when_complete(session, model_id)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    with open_catalogue(tmp_path_factory.mktemp("similar") / "faces.db", create=True) as opened:
        add_photos(opened, {f"{i:03}": [(LOGITS[i], 0.7 if i == 9 else 0.95, BOX)] for i in range(30)})
        rebuild(opened, encode)
        add_photos(opened, {f"{i:03}": [(LOGITS[i], 0.95, BOX)] for i in range(30, 50)})
        yield opened


def probe(logits: np.ndarray, name: str = "a photo from elsewhere", box: Box = BOX) -> PhotoFace:
    return PhotoFace(logits, MODEL.digest, digest_of(name), box)


def apart(logits: np.ndarray) -> list[PhotoFace]:
    """Faces of one person, each in a photo of its own."""
    return [probe(each, f"photo {number}") for number, each in enumerate(logits)]


def names(result: SearchResult) -> list[str]:
    return [hit.face.path.name for hit in result.hits]


def ids(result: SearchResult) -> list[int]:
    return [hit.face.face for hit in result.hits]


def cosines(sought: np.ndarray) -> np.ndarray:
    profiles = (LOGITS.astype(np.float64) - MODEL.profile_mean) @ MODEL.profile_matrix
    one = (sought.astype(np.float64) - MODEL.profile_mean) @ MODEL.profile_matrix
    return profiles @ one / np.linalg.norm(profiles, axis=1) / np.linalg.norm(one)


def changed(logits: np.ndarray, to: dict[int, np.ndarray]) -> np.ndarray:
    """The minimiser of |change @ matrix| with the given attributes at their means, by Lagrange's multipliers."""
    matrix = MODEL.profile_matrix.astype(np.float64)
    spread = np.linalg.inv(matrix @ matrix.T)
    given = list(to)
    step = np.array([to[a][a] - logits[a] for a in given])
    return logits + spread[:, given] @ np.linalg.solve(spread[np.ix_(given, given)], step)


def in_order(sought: np.ndarray) -> list[str]:
    return [f"{i:03}" for i in np.argsort(-cosines(sought))]


class TestOneFace:
    def test_the_nearest_profiles_come_first_and_the_score_is_a_similarity(self, catalogue: Catalogue) -> None:
        sought = RNG.normal(0, 2.5, 40).astype(np.float32)
        result = similar(catalogue, [probe(sought)], Request(min_detection=0), top=None)
        assert names(result) == in_order(sought)
        assert [hit.score for hit in result.hits] == pytest.approx(
            sorted((1 + cosines(sought)) / 2, reverse=True), abs=1e-6
        )
        assert all(0 <= hit.score <= 1 and hit.asked == () for hit in result.hits)
        assert names(similar(catalogue, [probe(sought)], Request(min_detection=0), top=5)) == names(result)[:5]

    def test_the_same_profile_scores_one(self, catalogue: Catalogue) -> None:
        best = similar(catalogue, [probe(LOGITS[4])], top=1).hits[0]
        assert best.face.path.name == "004"
        assert best.score == pytest.approx(1.0, abs=1e-6)

    @pytest.mark.parametrize("index", [4, 44], ids=["in the snapshot", "in the tail"])
    def test_a_probe_that_is_indexed_is_left_out_of_its_own_result(self, catalogue: Catalogue, index: int) -> None:
        nearly = Box(104, 98, 50, 60)
        result = similar(catalogue, [probe(LOGITS[index], f"{index:03}", nearly)], top=None)
        assert f"{index:03}" not in names(result)
        assert (len(result.hits), result.faces, result.below_detection) == (48, 48, 1)

    def test_another_face_of_the_same_photo_stays(self, catalogue: Catalogue) -> None:
        beside = Box(140, 100, 50, 60)
        assert names(similar(catalogue, [probe(LOGITS[4], "004", beside)], top=1)) == ["004"]

    def test_weak_detections_are_withheld_and_counted(self, catalogue: Catalogue) -> None:
        result = similar(catalogue, [probe(LOGITS[9])], top=None)
        assert "009" not in names(result)
        assert (result.faces, result.below_detection) == (49, 1)
        assert names(similar(catalogue, [probe(LOGITS[9])], Request(min_detection=0.7), top=1)) == ["009"]

    def test_filters_leave_faces_out_and_say_how_many(self, catalogue: Catalogue) -> None:
        every = names(similar(catalogue, [probe(LOGITS[0])], top=None))
        result = similar(
            catalogue, [probe(LOGITS[0])], Request(photo=PhotoFilter(name=("01?",)), min_face=60), top=None
        )
        assert names(result) == [name for name in every if name.startswith("01")]
        assert result.faces == 10 and [(step.words, step.left_out) for step in result.filter_steps] == [
            ("face size of 60 or more", 0),
            ("name:01?", 39),
        ]
        nothing = similar(catalogue, [probe(LOGITS[0])], Request(min_face=61))
        assert (nothing.hits, nothing.faces) == ((), 0) and nothing.filter_steps[0].left_out == 49

    def test_min_score_cuts(self, catalogue: Catalogue) -> None:
        every = similar(catalogue, [probe(LOGITS[0])], top=None)
        bound = every.hits[7].score
        assert names(similar(catalogue, [probe(LOGITS[0])], Request(min_score=bound), top=None)) == names(every)[:8]
        away = similar(catalogue, [probe(LOGITS[0], "000")], Request(min_score=1.0))
        assert away.hits == () and away.best == pytest.approx(every.hits[1].score)

    def test_equal_scores_come_in_order_of_face_id(self, tmp_path: Path) -> None:
        with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
            add_photos(catalogue, {f"{i:03}": [(LOGITS[0], 0.95, BOX)] for i in range(12)})
            rebuild(catalogue, encode)
            assert ids(similar(catalogue, [probe(LOGITS[0])], top=4)) == [1, 2, 3, 4]

    def test_a_catalogue_with_the_probe_alone_gives_nothing(self, tmp_path: Path) -> None:
        with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
            add_photos(catalogue, {"a": [(LOGITS[0], 0.95, BOX)]})
            result = similar(catalogue, [probe(LOGITS[0], "a")])
            assert (result.hits, result.faces, result.below_detection) == ((), 0, 0)

    def test_a_probe_scored_by_another_model_is_refused_with_the_remedy(self, catalogue: Catalogue) -> None:
        foreign = replace(probe(LOGITS[0]), model="99" * 32)
        with pytest.raises(SearchError, match="and the probe by"):
            similar(catalogue, [probe(LOGITS[0]), foreign])

    def test_an_empty_catalogue_says_what_to_do(self, tmp_path: Path) -> None:
        with (
            open_catalogue(tmp_path / "faces.db", create=True) as catalogue,
            pytest.raises(SearchError, match="No face is indexed yet"),
        ):
            similar(catalogue, [probe(LOGITS[0])])

    def test_without_any_face_there_is_nothing_to_look_for(self, catalogue: Catalogue) -> None:
        with pytest.raises(SearchError, match="no face to start from"):
            similar(catalogue, [])


class TestIndexedFaces:
    @pytest.mark.parametrize("index", [4, 44], ids=["in the snapshot", "in the tail"])
    def test_an_indexed_face_finds_what_its_photo_would(self, catalogue: Catalogue, index: int) -> None:
        by_photo = similar(catalogue, [probe(LOGITS[index], f"{index:03}")], top=None)
        (face,) = indexed_faces(catalogue, [by_id(catalogue)[f"{index:03}"]])
        by_face = similar(catalogue, [face], top=None)
        assert ids(by_face) == ids(by_photo)
        assert [hit.score for hit in by_face.hits] == [hit.score for hit in by_photo.hits]

    def test_a_face_that_the_detector_was_not_sure_of_can_be_started_from(self, catalogue: Catalogue) -> None:
        weak = indexed_faces(catalogue, [by_id(catalogue)["009"]])
        assert names(similar(catalogue, weak, top=3)) == [name for name in in_order(LOGITS[9]) if name != "009"][:3]

    def test_a_face_named_twice_counts_once(self, catalogue: Catalogue) -> None:
        assert [each.details.face for each in indexed_faces(catalogue, [7, 3, 7])] == [7, 3]

    @pytest.mark.parametrize("number", [0, -1, 999, 2**63, 10**40])
    def test_a_face_that_never_was_is_refused(self, catalogue: Catalogue, number: int) -> None:
        with pytest.raises(FaceUnknown, match=f"no face {number} in this catalogue"):
            indexed_faces(catalogue, [1, number])

    def test_a_face_of_an_empty_catalogue_is_refused(self, tmp_path: Path) -> None:
        with (
            open_catalogue(tmp_path / "faces.db", create=True) as catalogue,
            pytest.raises(FaceUnknown, match="no face 1 in"),
        ):
            indexed_faces(catalogue, [1])

    def test_a_face_whose_photo_is_gone_is_refused_with_the_remedy(self, tmp_path: Path) -> None:
        with open_catalogue(tmp_path / "faces.db", create=True) as catalogue:
            add_photos(catalogue, {name: [(LOGITS[i], 0.95, BOX)] for i, name in enumerate("abc")})
            rebuild(catalogue, encode)
            before = indexed_faces(catalogue, [2])
            with catalogue.write() as session:
                root = roots.add_root(session, "/photos")
                photos.mark_missing(session, [photos.files_of_root(session, root)[b"b"].id])
            with pytest.raises(FaceHidden, match="its photo /photos/b is gone: put it back"):
                indexed_faces(catalogue, [2])
            with pytest.raises(SearchError, match="Face 2 was just taken out of the catalogue"):
                similar(catalogue, before)


class TestSeveralFaces:
    def test_several_faces_of_a_person_are_looked_for_by_their_mean(self, catalogue: Catalogue) -> None:
        sought = RNG.normal(0, 2.5, (3, 40)).astype(np.float32)
        result = similar(catalogue, apart(sought), Request(min_detection=0), top=None)
        assert names(result) == in_order(sought.mean(axis=0))

    def test_a_face_that_is_named_twice_counts_once(self, catalogue: Catalogue) -> None:
        one, other = apart(LOGITS[[3, 7]])
        indexed = indexed_faces(catalogue, [by_id(catalogue)["012"]])
        once = similar(catalogue, [one, other, *indexed], top=None)
        twice = similar(catalogue, [one, other, one, *indexed, probe(LOGITS[12], "012")], top=None)
        assert ids(twice) == ids(once)
        assert [hit.score for hit in twice.hits] == [hit.score for hit in once.hits]

    def test_in_whatever_order_they_are_named(self, catalogue: Catalogue) -> None:
        faces = [probe(LOGITS[3]), *indexed_faces(catalogue, [6, 35])]
        assert ids(similar(catalogue, faces, top=None)) == ids(similar(catalogue, faces[::-1], top=None))

    def test_all_of_them_are_left_out_and_nothing_else(self, catalogue: Catalogue) -> None:
        known = by_id(catalogue)
        faces = [probe(LOGITS[44], "044"), *indexed_faces(catalogue, [known["003"], known["012"]])]
        result = similar(catalogue, faces, Request(min_detection=0), top=None)
        assert set(names(result)) == {f"{i:03}" for i in range(50)} - {"003", "012", "044"}
        assert result.faces == 47


class TestChanges:
    def test_a_changed_attribute_goes_to_its_mean_and_the_others_follow_by_the_least_change_of_the_profile(
        self, catalogue: Catalogue
    ) -> None:
        wanted = changed(LOGITS[5], {NO_BEARD: MEANS.absent, GLASSES: MEANS.present, HAT: MEANS.absent})
        changes = parse_changes(["beard, glasses"], ["hat"])
        assert parse_changes((), ["black hair, blond hair"]).notices == ()  # to lack both is nothing odd
        result = similar(catalogue, [probe(LOGITS[5])], Request(changes=changes, min_detection=0), top=None)
        assert names(result) == in_order(wanted)
        assert [hit.score for hit in result.hits] == pytest.approx(
            sorted((1 + cosines(wanted)) / 2, reverse=True), abs=1e-5
        )
        assert names(result) != in_order(LOGITS[5])

    def test_what_is_asked_for_is_there_afterwards_whatever_follows(self) -> None:
        after = parse_changes(["woman, beard"], ["hat, young"]).apply(LOGITS[7], MODEL)
        asked = {MALE: MEANS.absent, NO_BEARD: MEANS.absent, HAT: MEANS.absent, YOUNG: MEANS.absent}
        assert [after[attribute] for attribute in asked] == pytest.approx(
            [means[attribute] for attribute, means in asked.items()], abs=1e-4
        )

    def test_where_the_metric_knows_no_relations_nothing_follows(self) -> None:
        plain = replace(MODEL, profile_matrix=np.eye(40, dtype=np.float32))
        after = parse_changes(["glasses"]).apply(LOGITS[7], plain)
        assert np.flatnonzero(after != LOGITS[7]).tolist() == [GLASSES]

    def test_the_face_itself_is_not_altered_and_stays_out(self, catalogue: Catalogue) -> None:
        (face,) = indexed_faces(catalogue, [6])
        before = face.logits.copy()
        assert 6 not in ids(similar(catalogue, [face], Request(changes=parse_changes(["hat"])), top=None))
        assert np.array_equal(face.logits, before)

    def test_of_several_faces_their_mean_is_changed(self, catalogue: Catalogue) -> None:
        wanted = changed(LOGITS[:3].mean(axis=0), {MALE: MEANS.absent})
        faces = apart(LOGITS[:3])
        result = similar(catalogue, faces, Request(changes=parse_changes(["woman"]), min_detection=0), top=None)
        assert names(result) == in_order(wanted)

    @pytest.mark.parametrize(
        ("present", "absent", "reading"),
        [
            (["beard, glasses"], ["hat"], "changed to have: beard, glasses; not: hat"),
            (["beard and glasses"], [], "changed to have: beard, glasses"),
            (["beard", "glasses"], [], "changed to have: beard, glasses"),
            ([], ["beard, hat"], "changed to lack: beard, hat"),
            (["no beard"], [], "changed to lack: beard"),
            ([], ["no beard"], "changed to have: beard"),
            (["clean-shaven"], [], "changed to lack: beard"),
            ([], ["young"], "changed to have: old"),
            (["girl"], [], "changed to have: young, woman"),
            (["glasses"], ["no glasses"], "changed to have: glasses"),
            ([], [], ""),
        ],
    )
    def test_the_words_are_those_of_a_description(self, present: list[str], absent: list[str], reading: str) -> None:
        assert str(parse_changes(present, absent)) == reading

    def test_taking_away_is_giving_the_opposite(self) -> None:
        assert parse_changes(["no beard, no hat"]).made == parse_changes([], ["beard, hat"]).made

    def test_the_remarks_of_words_that_are_only_nearly_scored_come_along(self) -> None:
        (remark,) = map(notice_in_words, parse_changes(["sunglasses"]).notices)
        assert "sunglasses" in remark

    @pytest.mark.parametrize(
        ("present", "absent", "why"),
        [
            (["beard or glasses"], [], '"beard or glasses" leaves open what to change'),
            (["dark hair"], [], '"black hair or brown hair" leaves open'),
            (["no hat or glasses"], [], r'"not \(hat or glasses\)" leaves open'),
            ([], ["beard or moustache"], '"beard or mustache" leaves open'),
            (["maybe glasses"], [], 'so "maybe glasses" cannot be one'),
            (["beard, glasses:0.3"], [], 'so "glasses:0.3" cannot be one'),
            (["smiling>0.8"], [], "says which faces to search"),
            (["beard, folder:holiday"], [], "says which faces to search"),
            ([], ["girl"], "say which of them the face is to lose"),
            ([], ["girl, girl, hat"], "say which of them the face is to lose"),
            (["beard"], ["beard"], 'cannot be given both "no beard" and "beard"'),
            (["bald", "not bald"], [], 'cannot be given both "bald" and "not bald"'),
        ],
    )
    def test_what_is_no_change_is_refused_with_the_reason(
        self, present: list[str], absent: list[str], why: str
    ) -> None:
        with pytest.raises(ChangeError, match=why):
            parse_changes(present, absent)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "no words"),
            ("scar", "not score"),
            ("beard, scar", 'does not score "scar"'),
        ],
    )
    def test_what_no_face_can_be_given_is_refused(self, text: str, why: str) -> None:
        with pytest.raises((ChangeError, QueryError), match=why):
            parse_changes([text])

    def test_each_hit_shows_the_changes(self) -> None:
        asked = parse_changes(["glasses"], ["hat"]).asked
        assert [(each.words, each.wanted) for each in asked] == [("glasses", True), ("no hat", False)]

    @pytest.mark.parametrize("text", ["\0", "(", "bald:2", "x" * 20_000])
    def test_what_is_no_description_is_refused_as_in_a_search(self, text: str) -> None:
        with pytest.raises(QueryError):
            parse_changes([text])

    @given(st.text(max_size=60), st.text(max_size=60))
    def test_any_text_is_a_change_or_a_clean_error(self, present: str, absent: str) -> None:
        try:
            changes = parse_changes([present], [absent])
        except (ChangeError, QueryError) as error:
            assert str(error).strip()
        else:
            assert isinstance(changes, Changes) and str(changes).startswith("changed to ")

    @given(st.dictionaries(st.integers(0, 39), st.booleans(), min_size=1))
    def test_a_reading_of_changes_is_understood_as_these_changes(self, made: dict[int, bool]) -> None:
        words = str(Changes(tuple(made.items())))
        have = words.partition("have: ")[2].partition("; not: ")[0]
        lack = words.partition("lack: ")[2] or words.partition("; not: ")[2]
        read = parse_changes([have] if have else [], [lack] if lack else [])
        assert dict(read.made) == made


class TestAttributeMeans:
    def test_are_those_of_the_checkpoint(self) -> None:
        means = attribute_means(MODEL)
        assert means.present == pytest.approx(MEANS.present, abs=1e-4)
        assert means.absent == pytest.approx(MEANS.absent, abs=1e-4)

    def test_stand_where_the_calibration_is_sure_when_the_checkpoint_gives_none(self) -> None:
        scale = RNG.uniform(0.5, 2, 40).astype(np.float32)
        bias = RNG.normal(0, 1, 40).astype(np.float32)
        plain = replace(MODEL, metadata={}, calibration_scale=scale, calibration_bias=bias)
        means = attribute_means(plain)
        assert 1 / (1 + np.exp(-(scale * means.present + bias))) == pytest.approx(np.full(40, 0.9), abs=1e-5)
        assert 1 / (1 + np.exp(-(scale * means.absent + bias))) == pytest.approx(np.full(40, 0.1), abs=1e-5)

    def test_of_an_attribute_that_no_face_had_are_taken_from_the_calibration(self) -> None:
        lacking = MEANS.present.copy()
        lacking[HAT] = np.nan
        stored = AttributeMeans(lacking, MEANS.absent).metadata()
        assert stored["present"][HAT] is None
        means = attribute_means(replace(MODEL, metadata={"profile_means": stored}))
        assert means.present[HAT] == pytest.approx(np.log(9), abs=1e-5)
        assert means.present[GLASSES] == pytest.approx(MEANS.present[GLASSES], abs=1e-4)


def test_profiles_have_length_one_and_a_face_without_direction_has_none() -> None:
    profiles = encode(LOGITS, MODEL)
    assert profiles.dtype == np.float32
    assert np.linalg.norm(profiles, axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    assert np.array_equal(encode(MODEL.profile_mean[None], MODEL), np.zeros((1, 40)))


def by_id(catalogue: Catalogue) -> dict[str, int]:
    """Face id by photo name, of every face."""
    result = similar(catalogue, [probe(LOGITS[0])], Request(min_detection=0), top=None)
    return {hit.face.path.name: hit.face.face for hit in result.hits}
