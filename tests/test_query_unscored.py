"""Words that are known and not scored: set aside and told, never in silence, never so that the rest means more."""

import pytest

from cli.report.wording import remarks_on
from facesearch.query import parse, understand
from facesearch.query.errors import StatementError


@pytest.mark.parametrize(
    ("said", "reading", "aside"),
    [
        ("tall man with a scar", "man", "tall (body and manner); scar (not scored)"),
        ("man, scar under his left eye, glasses", "man and glasses", "scar, left eye"),
        ("man with a tattoo on his neck and arm", "man", "tattoo (not scored); neck, arm (body and manner)"),
        ("tattooed man", "man", "tattooed"),
        ("asian woman with blue eyes", "woman", "asian, blue eyes"),
        ("black man", "man", "black"),
        ("white or black man", "man", "white, black"),
        ("brown woman", "woman", "brown"),
        ("a black person with glasses", "glasses", "black"),
        ("black young woman with blond hair", "young and woman and blond hair", "black"),
        ("black-haired black man", "black hair and man", "black"),
        ("brown or blue eyes, man", "man", "brown or blue eyes"),
        ("dark-skinned man with freckles and dimples", "man", "dark-skinned, freckles, dimples"),
        ("woman with long brown hair", "woman and brown hair", "long"),
        ("woman with long black or brown hair", "woman and (black hair or brown hair)", "long"),
        ("long-haired man", "man", "long-haired"),
        ("man with a black hat", "man and hat", "black"),
        ("man with a black or white hat", "man and hat", "black, white"),
        ("black hair and a white hat", "black hair and hat", "white"),
        ("hair is black, white hat", "black hair and hat", "white"),
        ("red lipstick", "lipstick", "red"),
        ("man with a long grey beard", "man and beard", "long grey"),
        ("a red-haired man", "man", "red-haired"),
        ("man with a foreign accent", "man", "foreign accent (body and manner)"),
        ("man, 30-50 years old", "man", "30-50 years old"),
        ("woman with a hair tie", "woman", "hair tie"),
        ("man, light makeup", "man", "light makeup"),
        ("man, no scar", "man", "scar"),
        ("man, maybe a scar", "man", "scar"),
        ("man, (tall or a scar)", "man", "tall (body and manner); scar (not scored)"),
        ("man, scar:0.5, tall>0.5", "man", "scar (not scored); tall (body and manner)"),
        ("no glasses or scar", "no glasses", "scar"),
        ("short, bald man", "bald and man", "short"),
        ("glasses or a scar", "glasses", "scar"),
        ("young woman or tall man", "(young and woman) or man", "tall (body and manner)"),
        ("asian woman or black man", "woman or man", "asian, black"),
        ("man or tall woman", "man or woman", "tall (body and manner)"),
        ("no red or black hair", "no black hair", "red"),
    ],
)
def test_the_rest_is_searched_and_a_remark_says_so(said: str, reading: str, aside: str) -> None:
    statement = understand(said)
    query = statement.query()
    assert str(query) == reading and query.not_scored
    told = aside if "(" in aside else f"{aside} (not scored)"
    assert f"Left aside: {told}." in remarks_on(statement)
    assert parse(str(query)).not_scored == ()


def test_what_is_set_aside_is_told_by_kind_with_neighbours_in_one() -> None:
    (remark,) = remarks_on(understand("A bald man in a grey hoodie. His beard was hidden. Jacket: blue"))
    assert remark == "Left aside: grey hoodie (not scored); beard (not seen); Jacket: blue (a field of the form)."


@pytest.mark.parametrize("said", ["scar", "tall", "blue eyes or a scar", "no tattoo", "(scar), tall", "no long beard"])
def test_nothing_left_is_an_error(said: str) -> None:
    with pytest.raises(StatementError) as caught:
        parse(said)
    assert caught.value.kind == "nothing"


def test_strict_refuses_each_of_them_at_its_place() -> None:
    with pytest.raises(StatementError) as caught:
        parse("man with a scar and a tattoo", strict=True)
    assert caught.value.kind == "not understood" and caught.value.values["words"] == "scar"
    assert caught.value.position == 11
    assert parse("man, no hat", strict=True) == parse("man, no hat")


@pytest.mark.parametrize("said", ["glasses or a scar", "scar or glasses", "glasses or (scar, tall)", "hat or (a scar)"])
def test_beside_an_or_it_is_said_whom_that_misses(said: str) -> None:
    assert "alternative" in {each.kind for each in understand(said).notices}


@pytest.mark.parametrize("said", ["no glasses or scar", "man, scar", "scar or tall, man"])
def test_no_such_remark_where_no_face_is_missed(said: str) -> None:
    assert "alternative" not in {each.kind for each in understand(said).notices}


@pytest.mark.parametrize(
    ("said", "reading"),
    [
        ("man, no long beard", "man"),
        ("man, not (a black hat)", "man"),
        ("man, not (sunglasses)", "man"),
        ("man, no sunglasses", "man"),
        ("man, not in his forties", "man"),
        ("glasses or long beard", "glasses or beard"),
        ("no red or black hair", "no black hair"),
        ("man, black hat: no", "man"),
        ("not a businessman, smiling", "smiling"),
    ],
)
def test_words_that_say_more_than_is_searched_deny_nothing(said: str, reading: str) -> None:
    assert str(parse(said)) == reading


@pytest.mark.parametrize(("said", "place"), [("man, not (bald, scar)", 16), ("man, -(hat or long beard)", 14)])
def test_what_cannot_be_denied_without_it_is_refused(said: str, place: int) -> None:
    with pytest.raises(StatementError, match="so it cannot deny") as caught:
        parse(said)
    assert caught.value.position == place


def test_neighbours_are_one_thing_that_was_said() -> None:
    assert parse("man with short hair, a scar").not_scored == ("short hair", "scar")


def test_what_a_witness_is_asked_openly_is_nothing_that_was_said() -> None:
    asked = "Q: Tell all that you remember of the head and face.\nA: A man with glasses.\n\n"
    more = "Q: What do you remember of the hair and the head?\nA: A parting.\n"
    assert understand(asked + more).not_scored == ("parting",)
    assert understand("Q: Did he have a scar?\nA: Yes. He had glasses.").not_scored == ("scar",)


def test_a_picture_among_the_words_is_told() -> None:
    said = understand("\N{MAN} with \N{DARK SUNGLASSES} and a beard, 6\N{DEGREE SIGN} outside")
    assert said.not_scored == ("\N{MAN}", "\N{DARK SUNGLASSES}")
    assert "Left aside: \N{MAN}, \N{DARK SUNGLASSES} (not scored)." in remarks_on(said)
