"""Statements are read as docs/query-language.md says, and so are those of tests/support/statements.tsv."""

import re
from pathlib import Path

import pytest

from facesearch.query.errors import KINDS, NOTICES, WHYS, StatementError
from facesearch.query.statement import understand

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "query-language.md").read_text(encoding="utf-8").split("# The search language")[0]


def documented(column: str) -> list[tuple[str, str]]:
    table = DOCUMENT.split(f"| statement | {column} |\n|---|---|\n")[1].split("\n\n")[0]
    return re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE)


def paraphrases() -> list[tuple[str, str]]:
    lines = (ROOT / "tests" / "support" / "statements.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return [(text.replace("\\n", "\n"), reading) for text, reading in rows]


@pytest.mark.parametrize(("text", "reading"), documented("reading"))
def test_the_documented_statements_are_read_so(text: str, reading: str) -> None:
    assert " // ".join(str(person.tree) for person in understand(text).persons) == reading


@pytest.mark.parametrize(("text", "readings"), documented("readings"))
def test_the_documented_statements_are_asked_back(text: str, readings: str) -> None:
    with pytest.raises(StatementError) as caught:
        understand(text)
    assert caught.value.kind in ("two readings", "contradiction")
    assert set(caught.value.readings) == set(readings.split(" ~ "))


@pytest.mark.parametrize(("text", "reading"), paraphrases())
def test_what_people_write_is_read_as_any_reader_would(text: str, reading: str) -> None:
    assert " || ".join(str(person.tree) for person in understand(text).persons) == reading


def test_every_kind_is_documented() -> None:
    listed = DOCUMENT.split("### What `--json` tells")[1]
    assert all(f"`{kind}`" in listed for kind in (*KINDS, *NOTICES, *WHYS))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("He wore a red jacket.", "clothes"),
        ("He is tall.", "body"),
        ("He ran into the park at 9pm.", "place"),
        ("He had a ponytail.", "not scored"),
        ("He had a patterned hat.", "quality"),
        ("The victim has grey hair. A bald man ran off.", "somebody else"),
        ("His beard was hidden by a scarf. He was bald.", "hidden"),
        ("Beard unknown. A bald man.", "not known"),
        ("He had a stud in his nose.", "not worn"),
        ("Sex: male\nEyes: blue", "field"),
        ("A gold chain was stolen. The thief was bald.", "property"),
        ("He had brown hair. No, sorry, it was blond.", "corrected"),
        ("DS Grey saw a bald man.", "name"),
        ("A bald man ran off.", "action"),
    ],
)
def test_what_is_set_aside_says_why(text: str, why: str) -> None:
    found = understand(text).set_aside
    assert why in {each.why for each in found} and {each.why for each in found} <= set(WHYS)


@pytest.mark.parametrize("word", ["wig", "Whyte", "Capps", "beer", "jacket", "thief", "time", "mum"])
def test_names_short_and_ordinary_words_are_never_corrected(word: str) -> None:
    assert understand(f"a bald man, and then {word} was there").corrected == ()


@pytest.mark.parametrize(
    ("typed", "read"), [("gotee", "goatee"), ("mustashe", "mustache"), ("glassses", "glasses"), ("eyebrws", "eyebrows")]
)
def test_a_slip_is_corrected_and_shown(typed: str, read: str) -> None:
    (slip,) = understand(f"a man with bushy {typed}").corrected
    assert (slip.typed, slip.read) == (typed, read)


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        (
            "he was not bald, old or chubby",
            "man and not bald and (old or chubby)",
            "man and not (bald or old or chubby)",
        ),
        ("not smiling, bald or old", "not smiling and (bald or old)", "not (smiling or bald or old)"),
    ],
)
def test_a_denial_of_the_first_of_a_list_or_of_all_of_it_is_asked_back(text: str, first: str, second: str) -> None:
    with pytest.raises(StatementError) as caught:
        understand(text)
    assert set(caught.value.readings) == {first, second}


def test_versions_of_witnesses_who_differ_are_persons_named_after_them() -> None:
    statement = understand(
        "Witness A: he was bald, in a red coat. Witness B: he had dark hair. Witness C: I saw nothing."
    )
    assert [person.label for person in statement.persons] == ["Witness A", "Witness B"]
    assert [notice.kind for notice in statement.notices].count("versions") == 1
    with pytest.raises(StatementError) as caught:
        statement.query()
    assert caught.value.kind == "several persons" and caught.value.values["labels"] == ("Witness A", "Witness B")
    assert "red coat" in statement.query(1).not_scored and "red coat" not in statement.query(2).not_scored


def test_witnesses_who_do_not_differ_tell_of_one_person() -> None:
    statement = understand("Witness A: he was bald. Witness B: he had a beard.")
    assert [str(person.tree) for person in statement.persons] == ["man and bald and beard"]


def test_what_is_set_aside_counts_for_the_person_it_is_said_of() -> None:
    statement = understand("Suspect 1: bald, red jacket, boots. Suspect 2: beard, tall. The victim wore a scarf.")
    assert statement.query(1).things_said == (1, 3)
    assert statement.query(2).things_said == (1, 2)
