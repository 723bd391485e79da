"""Text that is no description: one clear sentence and the place, never a crash."""

import re

import pytest

from facesearch.query import QueryError, parse


def refused(text: str) -> QueryError:
    with pytest.raises(QueryError) as caught:
        parse(text)
    message = str(caught.value)
    assert message.isprintable(), "a message must not carry control characters to the terminal"
    assert message[0] == message[0].upper()
    assert message.rstrip('"').endswith((".", "?", "?)"))
    assert len(message) < 700
    return caught.value


@pytest.mark.parametrize(
    "text", ["", "   ", "\n", ",", "the", "she is", "()", "someone", "or", "not", "-", "((", "..."]
)
def test_nothing_asked_for(text: str) -> None:
    refused(text)


@pytest.mark.parametrize(
    ("text", "position"), [("- smiling, young", 0), (" \N{EN DASH} smiling", 1), ("man\n- smiling", 4)]
)
def test_a_dash_before_a_space_may_deny_or_begin_a_list(text: str, position: int) -> None:
    error = refused(text)
    assert error.position == position and "-smiling" in str(error)


@pytest.mark.parametrize("text", ["!hat", "man, !hat", "man !(hat or glasses)"])
def test_an_exclamation_mark_denies_nothing(text: str) -> None:
    assert "denies nothing" in str(refused(text))


@pytest.mark.parametrize(
    ("text", "position", "meant"),
    [
        ("man, gotee", 5, '"goatee"'),
        ("recceding hairline", 0, '"receding hairline"'),
        ("man wihtout hat", 4, '"without"'),
        ("woman with narow eyes", 11, '"narrow eyes"'),
        ("eyes", 0, '"narrow eyes"'),
        ("blnd hair", 0, '"blond hair"'),
    ],
)
def test_a_typo_is_named_with_its_place_and_what_was_meant(text: str, position: int, meant: str) -> None:
    error = refused(text)
    assert error.position == position
    assert meant in str(error)


def test_an_unlikely_word_gets_no_suggestion() -> None:
    assert "in other words" in str(refused("qwertzuiop"))


@pytest.mark.parametrize("text", ["woman with xong brown hair", "wuz lipstick", "vvvv man"])
def test_no_suggestion_that_only_resembles_the_words_behind(text: str) -> None:
    assert "in other words" in str(refused(text))


@pytest.mark.parametrize(
    ("text", "position", "cause"),
    [
        ("man and", 4, '"and" has nothing after'),
        ("man with", 4, '"with" has nothing after'),
        ("or man", 0, '"or" has nothing before'),
        ("man or or bald", 4, '"or" has nothing after'),
        ("man and and bald", 4, '"and" has nothing after'),
        ("man, not, bald", 5, '"not" has nothing after'),
        ("not and bald", 0, '"not" has nothing after'),
        ("(man", 0, "never closed"),
        ("man (bald", 4, "never closed"),
        ("man)", 3, "closes nothing"),
        ("man ()", 4, "nothing to search for"),
        ("man - bald", 4, '"-" stands directly before'),
        ("bald -", 5, '"-" stands directly before'),
        ("-no beard", 0, '"-" stands directly before'),
        ("beard nor moustache", 6, '"nor" needs'),
        ("*bald", 0, "means nothing"),
        ('"blond hair', 0, "means nothing"),
        ("man\x00", 3, "<U+0000>"),
        ("bald\x1b[2J", 4, "<U+001B>"),
        ("\u202ebald", 0, "<U+202E>"),
        ("bald \udc80", 5, "<U+DC80>"),
        ("man '", 4, "means nothing"),
        ("man ___", 4, "means nothing"),
    ],
)
def test_broken_grammar_is_named_with_its_place(text: str, position: int, cause: str) -> None:
    error = refused(text)
    assert cause in str(error)
    assert error.position == position


def test_right_to_left_text_is_an_unknown_word() -> None:
    assert "does not know" in str(refused("רעול פנים"))


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("young woman or old man", ("(young and woman) or (old and man)", "young and (woman or old) and man")),
        ("man or young woman", ("man or (young and woman)", "(man or young) and woman")),
        ("bald man or hat or woman", ("(bald and man) or hat or woman", "bald and (man or hat or woman)")),
        ("hat, (young woman or old man)", ("(young and woman) or (old and man)", "young and (woman or old) and man")),
        ("man, woman or child", ("man or woman or young", "man and (woman or young)")),
        ("boy or girl, man", ("(young and man) or (young and woman) or man", ") and man")),
        ("no hat, glasses or beard", ("not (hat or glasses or beard)", "no hat and (glasses or beard)")),
        ("no blond hair, gray or black hair", ("not (blond hair or gray", "no blond hair and (gray")),
        (
            "man, without hat, glasses, bald or beard",
            ("not (hat or glasses or bald or beard)", "no hat and glasses and "),
        ),
    ],
)
def test_what_people_mean_in_two_ways_is_refused_with_both_readings(text: str, readings: tuple[str, str]) -> None:
    error = refused(text)
    for reading in readings:
        assert reading in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "bald man or woman",
        "man or woman or girl",
        "man or hat or woman",
        "glasses or hat, woman",
        "no hat, with glasses or beard",
        "no hat, no glasses or beard",
        "no hat or glasses, bald or beard",
        "no hat, man or woman",
        "no hat. glasses or beard",
        "man with a beard or moustache on his face",
        "man with glasses or hat and a smiling face",
        "woman, no glasses, blond or gray hair",
        "no hat, black or brown hair",
        "no hat, straight or wavy hair",
    ],
)
def test_what_has_one_meaning_is_not_refused(text: str) -> None:
    parse(text)


def test_the_readings_offered_can_be_pasted() -> None:
    for reading in re.findall(r'mean "(.*?)" or "(.*?)"', str(refused("no hat, glasses or beard")))[0]:
        assert str(parse(reading)) == reading


@pytest.mark.parametrize(
    "text", ["brown", "black, brown hair", "dark man", "gray woman", "black, bald man", "he is black has hat"]
)
def test_a_colour_without_hair_is_refused(text: str) -> None:
    refused(text)


@pytest.mark.parametrize("text", ["straight", "man with a straight moustache", "straight man"])
def test_straight_without_hair_is_refused(text: str) -> None:
    assert 'say "straight hair"' in str(refused(text))


def test_oval_without_face_is_refused() -> None:
    assert '"oval face"' in str(refused("oval glasses"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("man with a curly beard", "curly beard"),
        ("wavy mustache", "wavy mustache"),
        ("blond beard", "blond beard"),
        ("no graying  full beard", "graying full beard"),
        ("salt-and-pepper goatee", "salt-and-pepper goatee"),
        ("blonde glasses", "blonde glasses"),
        ("old hat", "old hat"),
        ("an old red hat", "old red hat"),
        ("young beard", "young beard"),
    ],
)
def test_an_adjective_never_leaves_the_thing_it_stands_before(text: str, named: str) -> None:
    error = refused(text)
    assert f'"{named}"' in str(error) and "comma" in str(error)
    assert error.position == text.index(named.split()[0])


@pytest.mark.parametrize("text", ["hair is black, white", "hair is black and white", "hair is black, white, hat"])
def test_a_colour_takes_the_hair_before_it_only_as_its_alternative(text: str) -> None:
    assert 'say "white hair"' in str(refused(text))


@pytest.mark.parametrize(
    "text",
    ["male, not male", "man, woman", "bald and hat and not (bald or hat)", "no_beard, beard", "(man or boy), -man"],
)
def test_an_impossible_description_is_refused(text: str) -> None:
    assert "No face can fit" in str(refused(text))


@pytest.mark.parametrize(
    "text",
    [
        "bald " * 10_000,
        "bald or " * 500 + "hat",
        "(" * 9_000,
        "(" * 4_000 + "bald" + ")" * 4_000,
        "-(bald or (hat and " * 40 + "young" + "))" * 40,
        "x" * 9_999,
        "(man or bald) " * 99,
        "maybe (" * 1_000 + "bald" + ")" * 1_000,
        "folder:x or " * 500 + "folder:x",
        "scar " * 150 + "bald",
        "bald:0." + "7" * 9_000 + "e99999",
        "smiling>" + "9" * 9_000,
        'folder:"' + "x" * 9_000,
        "2019" * 2_000,
    ],
    ids=[
        "10,000 words",
        "500 terms",
        "unclosed",
        "deep",
        "deep and mixed",
        "one long word",
        "99 groups",
        "deep hedges",
        "500 filters",
        "150 unscored",
        "long certainty",
        "long bound",
        "long folder",
        "long number",
    ],
)
def test_too_much_is_refused_without_a_crash(text: str) -> None:
    refused(text)


def test_much_is_understood() -> None:
    assert str(parse("-" * 9_000 + "bald")) == "bald"
    assert str(parse("not " * 2_001 + "bald")) == "not bald"
    assert str(parse("(" * 50 + "bald" + ")" * 50)) == "bald"
    assert str(parse("," * 9_000 + "bald")) == "bald"


def test_more_than_twelve_repeated_attributes_are_refused() -> None:
    names = [
        "bald",
        "hat",
        "young",
        "smiling",
        "glasses",
        "goatee",
        "chubby",
        "bangs",
        "earrings",
        "lipstick",
        "necktie",
    ]
    twelve = [*names, "stubble"]
    chain = ", ".join(f"({a} or {b})" for a, b in zip(twelve, [*twelve[1:], twelve[0]], strict=True))
    parse(chain)
    thirteen = [*twelve, "necklace"]
    chain = ", ".join(f"({a} or {b})" for a, b in zip(thirteen, [*thirteen[1:], thirteen[0]], strict=True))
    assert "13 attributes occur several times" in str(refused(chain))
