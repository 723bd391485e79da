"""What only filters: bounds on one attribute, and conditions on the photo."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.values.photo_filter import PhotoFilter
from facesearch.attributes import BY_NAME
from facesearch.query import QueryError, parse
from facesearch.query.description import Query
from facesearch.query.photo_filters import folder_named, taken_range
from facesearch.query.tree import EVERYTHING, Term, Threshold
from facesearch.search.ranking.joint import joint_probability, passes

SMILING, BALD, MALE, NO_BEARD = (BY_NAME[name].index for name in ("Smiling", "Bald", "Male", "No_Beard"))


@pytest.mark.parametrize(
    ("said", "threshold"),
    [
        ("smiling>0.8", Threshold(SMILING, ">", 0.8)),
        ("smiling >= .8", Threshold(SMILING, ">=", 0.8)),
        ("smiling<80%", Threshold(SMILING, "<", 0.8)),
        ("smiling<=1", Threshold(SMILING, "<=", 1.0)),
        ("smiling\N{GREATER-THAN OR EQUAL TO}0.8", Threshold(SMILING, ">=", 0.8)),
        ("Smiling>1e-3", Threshold(SMILING, ">", 0.001)),
        ("woman>0.8", Threshold(MALE, ">", 0.8, False)),
        ("clean-shaven>0.8", Threshold(NO_BEARD, "<", 0.2, False)),
        ("No_Beard<=0.3", Threshold(NO_BEARD, ">=", 0.7, False)),
        ("unsmiling>0.8", Threshold(SMILING, "<", 0.2)),
    ],
)
def test_a_bound_is_read(said: str, threshold: Threshold) -> None:
    query = parse(said)
    assert query.thresholds == (threshold,)
    assert query.tree == EVERYTHING
    assert parse(str(query)).thresholds == query.thresholds


def test_bounds_and_conditions_stand_beside_the_tree() -> None:
    query = parse("man, (smiling>0.8, no hat), bald<0.5, folder:a")
    assert str(query) == "man and no hat and smiling>0.8 and bald<0.5 and folder:a"
    assert str(query.tree) == "man and no hat"
    assert query.thresholds == (Threshold(SMILING, ">", 0.8), Threshold(BALD, "<", 0.5))
    assert query.photo == PhotoFilter(folder=("a",))
    assert str(parse("bald or hat, smiling>0.5")) == "(bald or hat) and smiling>0.5"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("smiling>0.8 or bald", "only filters"),
        ("bald or smiling>0.8", "only filters"),
        ("not smiling>0.8", "turn its sign round"),
        ("-smiling>0.8", "turn its sign round"),
        ("no beard>0.8", "turn its sign round"),
        ("maybe smiling>0.8", "only filters"),
        ("maybe (man, smiling>0.8)", "only filters"),
        ("not (man, smiling>0.8)", "only filters"),
        ("woman or (man, smiling>0.8)", "only filters"),
        ("(man, smiling>0.8):0.5", "only filters"),
        ("(bald or hat)>0.8", "more than one attribute"),
        ("facial hair>0.8", "more than one attribute"),
        ("girl>0.8", "more than one attribute"),
        ("black or brown hair>0.8", "only filters"),
        ("smiling>0.8>0.9", "directly behind"),
        (">0.8", "asks for nothing"),
        ("man, >0.8", "directly behind"),
        ("smiling>", "is followed by a probability"),
        ("smiling>much", "is followed by a probability"),
        ("smiling>1.2", "lies between 0 and 1"),
        ("smiling>nan", "lies between 0 and 1"),
        ("smiling<-1", "lies between 0 and 1"),
        ("smiling>inf", "lies between 0 and 1"),
        ("smiling>1", "No face can pass"),
        ("smiling<0", "No face can pass"),
        ("smiling>0,8", "with a point"),
        ("smiling>0.8, smiling<0.5", "No face can pass both"),
        ("woman>0.8, man>0.8", "No face can pass both"),
        ("smiling>0.5, smiling<=0.5", "No face can pass both"),
        ("folder:a or bald", "only filters"),
        ("bald or folder:a", "only filters"),
        ("folder:a or name:b", "only filters"),
        ("taken:2019 or taken:2021", "a range is written"),
        ("not folder:a", "only filters"),
        ("no hat or folder:a", "only filters"),
        ("-folder:a", "only filters"),
        ("maybe folder:a", "only filters"),
        ("not (bald, folder:a)", "only filters"),
        ("woman or (bald, folder:a)", "only filters"),
        ('folder:"a":0.5', "only filters"),
        ("bald or folder:" + "x" * 5000, "only filters"),
        ("folder:a, folder:b", 'join the two with "or"'),
        ("camera:a, bald, camera:b or camera:c", 'join the two with "or"'),
        ("taken:2019, taken:2020", "give one range"),
        ("folder:", "no value"),
        ("folder: , man", "no value"),
        ('folder:""', "no value"),
        ('folder:"  "', "no value"),
        ('folder:"my photos', "never closed"),
        ("folder:'my photos", "never closed"),
        ("folder:\N{LEFT DOUBLE QUOTATION MARK}my photos", "never closed"),
        ("folder:a\x00b", "cannot be shown"),
        ("name:\N{RIGHT-TO-LEFT OVERRIDE}gpj", "cannot be shown"),
        ("name:caf\udce9", "cannot be shown"),
        ("taken:2019-13", "is no date"),
        ("taken:2019-02-30", "is no date"),
        ("taken:yesterday", "is no date"),
        ("taken:0000", "is no date"),
        ("taken:2019-1-1-1", "is no date"),
        ("taken:\N{ARABIC-INDIC DIGIT TWO}019", "is no date"),
        ("taken:..", "alone is no time"),
        ("taken:2021..2019", "ends before it begins"),
    ],
)
def test_what_a_filter_cannot_do_is_refused_in_one_sentence(said: str, cause: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(said)
    assert cause in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
    assert caught.value.position <= len(said)


@pytest.mark.parametrize(
    ("said", "photo"),
    [
        ("folder:holiday", PhotoFilter(folder=("holiday",))),
        ("folder:/home/me/photos", PhotoFilter(folder=("/home/me/photos",))),
        (r"folder:C:\photos\me", PhotoFilter(folder=(r"C:\photos\me",))),
        ('folder:"my photos, 2019 (old)"', PhotoFilter(folder=("my photos, 2019 (old)",))),
        ("folder:'my \"old\" photos'", PhotoFilter(folder=('my "old" photos',))),
        ('folder:"my ""old"" photos"', PhotoFilter(folder=('my "old" photos',))),
        ("folder:\N{LEFT DOUBLE QUOTATION MARK}a b\N{RIGHT DOUBLE QUOTATION MARK}", PhotoFilter(folder=("a b",))),
        ("folder:O'Brien", PhotoFilter(folder=("O'Brien",))),
        ("folder:\u05ea\u05de\u05d5\u05e0\u05d5\u05ea", PhotoFilter(folder=("\u05ea\u05de\u05d5\u05e0\u05d5\u05ea",))),
        ("FOLDER: a", PhotoFilter(folder=("a",))),
        ("name:IMG_*.jpg", PhotoFilter(name=("IMG_*.jpg",))),
        ("camera:'Canon EOS' or camera:nikon", PhotoFilter(camera=("Canon EOS", "nikon"))),
        ("(folder:a or folder:b), name:c", PhotoFilter(folder=("a", "b"), name=("c",))),
        ("folder:a, folder:a", PhotoFilter(folder=("a",))),
        ("taken:2019", PhotoFilter(taken_from=date(2019, 1, 1), taken_to=date(2019, 12, 31))),
        ("taken:2020-02", PhotoFilter(taken_from=date(2020, 2, 1), taken_to=date(2020, 2, 29))),
        ("taken:2019-7-4", PhotoFilter(taken_from=date(2019, 7, 4), taken_to=date(2019, 7, 4))),
        ("taken:2018-03..2019", PhotoFilter(taken_from=date(2018, 3, 1), taken_to=date(2019, 12, 31))),
        ("taken:2019..", PhotoFilter(taken_from=date(2019, 1, 1))),
        ("taken:..2019-07-04", PhotoFilter(taken_to=date(2019, 7, 4))),
        ('taken:"2019"', PhotoFilter(taken_from=date(2019, 1, 1), taken_to=date(2019, 12, 31))),
    ],
)
def test_conditions_on_photos_are_read_and_can_be_pasted(said: str, photo: PhotoFilter) -> None:
    query = parse(f"man, {said}")
    assert query.photo == photo
    assert str(query.tree) == "man"
    assert parse(str(query)).photo == photo
    assert str(parse(str(query))) == str(query)


def test_filters_alone_ask_for_every_face() -> None:
    for said in ("folder:x", "smiling>0.5", "taken:2019, camera:canon", "someone, folder:x"):
        query = parse(said)
        assert query.tree == EVERYTHING
        assert query.asked == ()
        assert np.array_equal(joint_probability(query.tree, lambda _: np.zeros(3), 3), np.ones(3))


def test_no_filter_is_an_empty_one() -> None:
    assert parse("man").photo == PhotoFilter()
    assert not parse("man").photo


@given(
    st.lists(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12), max_size=3, unique=True),
    st.none() | st.dates(),
    st.none() | st.dates(),
)
@settings(deadline=None)
def test_any_filter_prints_as_a_description_that_means_it(
    values: list[str], first: date | None, last: date | None
) -> None:
    if first is not None and last is not None and first > last:
        first, last = last, first
    folders = tuple(map(folder_named, values))  # as options and descriptions give them: "~" is a place
    photo = PhotoFilter(folder=folders, name=tuple(f"a {v}" for v in values), taken_from=first, taken_to=last)
    query = Query("", Term(BALD), photo=photo)
    assert parse(str(query)).photo == photo


def test_a_range_of_dates_is_read_for_an_option_too() -> None:
    assert taken_range("2019..2020-02") == (date(2019, 1, 1), date(2020, 2, 29))
    with pytest.raises(QueryError, match="is no date") as caught:
        taken_range("2019..x")
    assert caught.value.position == 6


def test_faces_pass_only_within_all_bounds() -> None:
    columns = {
        SMILING: np.array([0.1, 0.5, 0.8, 0.9]),
        BALD: np.array([0.1, 0.2, 0.3, 0.9]),
        MALE: np.array([0, 0.2, 0.5, 1]),
    }

    def passing(said: str) -> list[bool]:
        return passes(parse(said).thresholds, columns.__getitem__, 4).tolist()

    assert passing("smiling>0.5") == [False, False, True, True]
    assert passing("smiling>=0.5") == [False, True, True, True]
    assert passing("smiling<0.5") == [True, False, False, False]
    assert passing("smiling<=0.5") == [True, True, False, False]
    assert passing("woman>0.7") == [True, True, False, False]
    assert passing("smiling>=0.5, bald<0.9") == [False, True, True, False]
    assert passes((), columns.__getitem__, 4).tolist() == [True] * 4
