"""Words that are known and not scored: left out with a remark, never in silence, never so that the rest means more."""

import pytest

from facesearch.query import QueryError, parse
from facesearch.query.known_unscored import ENTRIES
from facesearch.query.small_words import FILLERS, HEDGES
from facesearch.query.vocabulary import VOCABULARY


@pytest.mark.parametrize(
    ("said", "reading", "not_scored"),
    [
        ("tall man with a scar", "man", ("tall", "scar")),
        ("man, scar under his left eye, glasses", "man and glasses", ("scar under his left eye",)),
        ("man with a tattoo on his neck and arm", "man", ("tattoo on his neck and arm",)),
        ("tattooed man", "man", ("tattooed",)),
        ("asian woman with blue eyes", "woman", ("asian", "blue eyes")),
        ("black man", "man", ("black",)),
        ("white or black man", "man", ("white", "black")),
        ("brown woman", "woman", ("brown",)),
        ("a black person with glasses", "glasses", ("black",)),
        ("black young woman with blond hair", "young and woman and blond hair", ("black",)),
        ("black-haired black man", "black hair and man", ("black",)),
        ("brown or blue eyes, man", "man", ("brown", "blue eyes")),
        ("dark-skinned man with freckles and dimples", "man", ("dark-skinned", "freckles", "dimples")),
        ("woman with long brown hair", "woman and brown hair", ("long (brown hair)",)),
        ("woman with long black or brown hair", "woman and (black hair or brown hair)", ("long (black)",)),
        ("long-haired man", "man", ("long-haired",)),
        ("man with a black hat", "man and hat", ("black (hat)",)),
        ("man with a black or white hat", "man and hat", ("black (hat)", "white (hat)")),
        ("black hair and a white hat", "black hair and hat", ("white (hat)",)),
        ("hair is black, white hat", "black hair and hat", ("white (hat)",)),
        ("red lipstick", "lipstick", ("red (lipstick)",)),
        ("man with a long grey beard", "man and beard", ("long (beard)", "grey (beard)")),
        ("a red-haired man", "man", ("red-haired",)),
        ("man with a foreign accent", "man", ("foreign accent",)),
        ("man, 180 cm", "man", ("180 cm",)),
        ("man, 30-50 years old", "man", ("30-50 years old",)),
        ("woman with a hair tie", "woman", ("hair tie",)),
        ("man, light makeup", "man", ("light makeup",)),
        ("man, no scar", "man", ("scar",)),
        ("man, maybe a scar", "man", ("scar",)),
        ("man, (tall or a scar)", "man", ("tall", "scar")),
        ("man, scar:0.5, tall>0.5", "man", ("scar", "tall")),
        ("no glasses or scar", "no glasses", ("scar",)),
        ("short, bald man", "bald and man", ("short",)),
    ],
)
def test_the_rest_is_searched_and_a_remark_says_so(said: str, reading: str, not_scored: tuple[str, ...]) -> None:
    query = parse(said)
    assert str(query) == reading
    assert query.not_scored == not_scored
    remark = next(each for each in query.remarks if "does not score" in each)
    assert remark.endswith("searched for the rest.")
    assert all(f'"{words}"' in remark for words in not_scored)
    assert parse(str(query)).not_scored == ()


@pytest.mark.parametrize(
    "said", ["scar", "tall", "blue eyes or a scar", "no tattoo", "(scar), tall", "scar folder:x", "no long beard"]
)
def test_nothing_left_is_an_error(said: str) -> None:
    with pytest.raises(QueryError, match=r"does not score .* nothing that it scores is asked for"):
        parse(said)


def test_strict_makes_each_of_them_an_error_at_its_place() -> None:
    with pytest.raises(QueryError, match='does not score "scar": leave it out') as caught:
        parse("man with a scar and a tattoo", strict=True)
    assert caught.value.position == 11
    assert parse("man, no hat", strict=True) == parse("man, no hat")


@pytest.mark.parametrize("said", ["glasses or a scar", "scar or glasses", "glasses or tall", "glasses or (scar, tall)"])
def test_beside_an_or_it_is_said_whom_that_misses(said: str) -> None:
    query = parse(said)
    assert str(query) == "glasses"
    assert 'on one side of an "or", are not found' in query.remarks[-1]


@pytest.mark.parametrize("said", ["no glasses or scar", "man, scar", "scar or tall, man"])
def test_no_such_remark_where_no_face_is_missed(said: str) -> None:
    assert not [each for each in parse(said).remarks if "are not found" in each]


@pytest.mark.parametrize(
    ("said", "reading"),
    [
        ("man, no long beard", "man"),
        ("man, not (a black hat)", "man"),
        ("man, -(hat or long beard)", "man and no hat"),
        ("glasses or long beard", "glasses or beard"),
        ("no red or black hair", "no black hair"),
    ],
)
def test_an_adjective_that_is_left_out_never_denies_more(said: str, reading: str) -> None:
    assert str(parse(said)) == reading


def test_what_cannot_be_denied_without_it_is_refused() -> None:
    with pytest.raises(QueryError, match='does not score "scar", so it cannot deny') as caught:
        parse("man, not (bald, scar)")
    assert caught.value.position == 16


@pytest.mark.parametrize("said", ["young woman or tall man", "asian woman or black man", "man or tall woman"])
def test_two_persons_around_or_are_still_two_persons(said: str) -> None:
    with pytest.raises(QueryError, match="between two persons"):
        parse(said)


def test_a_typo_of_a_known_word_is_told() -> None:
    with pytest.raises(QueryError, match='did you mean "freckles"'):
        parse("man with frekles")


def test_each_is_understood_as_itself_and_none_is_scored() -> None:
    assert not set(ENTRIES) & set(VOCABULARY)
    assert not {words[0] for words in ENTRIES if len(words) == 1} & FILLERS
    assert not set(ENTRIES) & set(HEDGES)
    for words in ENTRIES:
        said = " ".join(words)
        assert parse(f"man, {said}, hat").not_scored == (said,)
        assert str(parse(f"man, {said}, hat")) == "man and hat"
