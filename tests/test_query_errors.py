"""Text that is no description: one clear sentence and the place, never a crash; and what is read although it is odd."""

import re

import pytest

from cli.report.remedies import error_in_words
from facesearch.query import QueryError, parse, understand
from facesearch.query.errors import KINDS, StatementError


def refused(text: str) -> StatementError:
    with pytest.raises(StatementError) as caught:
        parse(text)
    assert caught.value.kind in KINDS
    message = error_in_words(caught.value)
    assert message.isprintable() or not text.isprintable()
    assert message[0] == message[0].upper()
    assert message.endswith(".") or message.endswith("?")
    assert len(message) < 700
    return caught.value


@pytest.mark.parametrize("text", ["", "   ", "\n", ",", "the", "()", "someone", "or", "not", "-", "((", "..."])
def test_nothing_asked_for(text: str) -> None:
    assert refused(text).kind == "nothing"


@pytest.mark.parametrize("text", ["!hat", "man, !hat", "man !(hat or glasses)"])
def test_an_exclamation_mark_denies_nothing(text: str) -> None:
    assert "denies nothing" in str(refused(text))


@pytest.mark.parametrize(
    ("text", "position", "cause"),
    [
        ("(man or hat", 0, "never closed"),
        ("man, not (bald", 9, "never closed"),
        ("man)", 3, "closes nothing"),
        ("man and ()", 8, "nothing to search for"),
        ("man and (hat or glasses) and", 25, '"and" has nothing after'),
        ("or (hat or glasses)", 0, '"or" has nothing before'),
        ("-no beard", 0, '"-" stands directly before'),
        ("- (bald or hat)", 0, '"-" stands directly before'),
    ],
)
def test_marks_that_join_nothing_are_named_with_their_place(text: str, position: int, cause: str) -> None:
    error = refused(text)
    assert cause in str(error)
    assert error.position == position


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("- smiling, young", "smiling and young"),
        ("man\n- smiling", "man and smiling"),
        ("man and", "man"),
        ("man - bald", "man and bald"),
        ("*bald", "bald"),
        ('"blond hair', "blond hair"),
        ("man\x00", "man"),
        ("bald\x1b[2J", "bald"),
        ("\u202ebald", "bald"),
        ("bald \udc80", "bald"),
        ("man ___", "man"),
        ("beard nor moustache", "not (beard or mustache)"),
    ],
)
def test_stray_marks_of_a_statement_say_nothing(text: str, reading: str) -> None:
    assert str(parse(text)) == reading


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("man, gotee", "man and goatee"),
        ("recceding hairline", "receding hairline"),
        ("man wihtout hat", "man and no hat"),
        ("woman with narow eyes", "woman and narrow eyes"),
    ],
)
def test_a_typo_is_corrected_and_told(text: str, reading: str) -> None:
    statement = understand(text)
    assert str(statement.query()) == reading
    assert len(statement.corrected) == 1 and "corrected" in {each.kind for each in statement.notices}


@pytest.mark.parametrize(
    "text", ["woman with xong brown hair", "wuz lipstick woman with brown hair", "vvvv woman, brown hair"]
)
def test_what_resembles_nothing_is_set_aside(text: str) -> None:
    statement = understand(text)
    assert "brown hair" in str(statement.query())
    assert statement.corrected == () and text[:3] in " ".join(each.words for each in statement.set_aside) + "womwuz"


def test_right_to_left_text_is_set_aside() -> None:
    assert refused("רעול פנים").kind == "nothing"


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("no hat, glasses or beard", ("not (hat or glasses or beard)", "no hat and (glasses or beard)")),
        ("a pretty old man", ("attractive and old and man", "old and man")),
        ("brown hair/beard", ("brown hair or beard", "brown hair and beard")),
        ("man, maybe, glasses", ("man and maybe glasses", "maybe man and glasses")),
    ],
)
def test_what_people_mean_in_two_ways_is_asked_back_with_both_readings(text: str, readings: tuple[str, str]) -> None:
    error = refused(text)
    assert error.kind == "two readings" and set(error.readings) == set(readings)
    for reading in re.findall(r'mean "(.*?)" or "(.*?)"', error_in_words(error))[0]:
        assert str(parse(reading)) == reading


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("young woman or old man", "(young and woman) or (old and man)"),
        ("man or young woman", "man or (young and woman)"),
        ("hat, (young woman or old man)", "hat and ((young and woman) or (old and man))"),
        ("bald man or woman", "bald and (man or woman)"),
        ("man or woman or girl", "man or woman or (young and woman)"),
        ("man or hat or woman", "man or hat or woman"),
        ("glasses or hat, woman", "(glasses or hat) and woman"),
        ("no hat, with glasses or beard", "no hat and (glasses or beard)"),
        ("no hat, no glasses or beard", "no hat and not (glasses or beard)"),
        ("no hat or glasses, bald or beard", "not (hat or glasses) and (bald or beard)"),
        ("no hat, man or woman", "no hat and (man or woman)"),
        ("no hat. glasses or beard", "no hat and (glasses or beard)"),
        ("man with a beard or moustache on his face", "man and (beard or mustache)"),
        ("man with glasses or hat and a smiling face", "man and (glasses or hat) and smiling"),
        ("woman, no glasses, blond or gray hair", "woman and no glasses and (blond hair or gray hair)"),
        ("no hat, black or brown hair", "no hat and (black hair or brown hair)"),
        ("no hat, straight or wavy hair", "no hat and (straight hair or wavy hair)"),
        ("no blond hair, gray or black hair", "no blond hair and (gray hair or black hair)"),
    ],
)
def test_what_has_one_meaning_is_not_refused(text: str, reading: str) -> None:
    assert str(parse(text)) == reading


@pytest.mark.parametrize("text", ["brown", "straight", "eyes", "no graying full beard"])
def test_what_could_be_of_anything_is_not_searched(text: str) -> None:
    assert refused(text).kind == "nothing"


@pytest.mark.parametrize(
    ("text", "reading", "aside"),
    [
        ("dark man", "man", "dark"),
        ("gray woman", "woman", "gray"),
        ("black, bald man", "bald and man", "black"),
        ("man with a straight moustache", "man and mustache", "straight"),
        ("man with a curly beard", "man and beard", "curly"),
        ("wavy mustache", "mustache", "wavy"),
        ("blond beard", "beard", "blond"),
        ("salt-and-pepper goatee", "goatee", "salt-and-pepper"),
        ("old hat", "hat", "old"),
        ("an old red hat", "hat", "old red"),
        ("young beard", "beard", "young"),
        ("oval glasses", "glasses", "oval"),
    ],
)
def test_an_adjective_never_leaves_the_thing_it_stands_before(text: str, reading: str, aside: str) -> None:
    statement = understand(text)
    assert str(statement.query()) == reading
    assert aside in " ".join(each.words for each in statement.set_aside)


@pytest.mark.parametrize("text", ["bald and hat and not (bald or hat)", "no_beard, beard", "(man or boy), -man"])
def test_an_impossible_description_is_refused(text: str) -> None:
    assert "No face can fit" in str(refused(text))


@pytest.mark.parametrize(("text", "kind"), [("male, not male", "contradiction"), ("man, woman", "several persons")])
def test_a_contradiction_is_asked_back(text: str, kind: str) -> None:
    error = refused(text)
    assert error.kind == kind and set(error.readings) == {"man", "woman"}


@pytest.mark.parametrize(
    "text",
    [
        "bald " * 10_000,
        "(" * 9_000,
        "(" * 4_000 + "bald" + ")" * 4_000,
        "x" * 9_999,
        "maybe (" * 1_000 + "bald" + ")" * 1_000,
        "scar " * 150,
        "bald:0." + "7" * 9_000 + "e99999",
        "smiling>" + "9" * 9_000,
        "2019" * 2_000,
    ],
    ids=[
        "10,000 words",
        "unclosed",
        "deep",
        "one long word",
        "deep hedges",
        "150 unscored",
        "long certainty",
        "long bound",
        "long number",
    ],
)
def test_too_much_is_refused_without_a_crash(text: str) -> None:
    refused(text)


def test_much_is_understood() -> None:
    assert str(parse("-" * 9_000 + "bald")) == "bald"
    assert str(parse("not " * 2_000 + "(bald)")) == "bald"
    assert str(parse("(" * 50 + "bald" + ")" * 50)) == "bald"
    assert str(parse("," * 9_000 + "bald")) == "bald"
    assert str(parse("bald or " * 500 + "hat")) == "bald or hat"
    assert str(parse("folder:x or " * 500 + "folder:x")) == "folder:x"
    with pytest.raises(QueryError):
        parse("-(bald or (hat and " * 60 + "young" + "))" * 60)


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
