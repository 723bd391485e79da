"""Descriptions as people say them, and how they are read; the documented examples are taken from the document."""

import re
from pathlib import Path

import pytest

from cli.report.remedies import error_in_words
from cli.report.wording import remarks_on
from facesearch.attributes import ATTRIBUTES, BY_NAME, NAMES
from facesearch.query import parse, understand, words_for
from facesearch.query.errors import StatementError
from facesearch.query.phrases import phrase
from facesearch.query.tree import And, Not, Or, Term

DOCUMENT = Path(__file__).parents[1] / "docs" / "query-language.md"
TABLE = Path(__file__).parent / "support" / "descriptions.tsv"


def documented(heading: str) -> list[tuple[str, str]]:
    table = DOCUMENT.read_text("utf-8").split(f"## {heading}")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    return [row for row in rows if row[0] != "description"]


def listed(kind: str) -> list[tuple[str, str]]:
    """The rows of the table that expect a reading, a remark or an error."""
    rows = (line.split("\t") for line in TABLE.read_text("utf-8").splitlines()[1:])
    return [(description, expected) for expects, description, expected in rows if expects == kind]


def remarks(said: str) -> str:
    return " ".join(remarks_on(understand(said)))


def term(name: str, holds: bool = True) -> Term:
    return Term(BY_NAME[name].index, holds)


@pytest.mark.parametrize(("description", "reading"), [*documented("Examples"), *listed("reading")])
def test_the_documented_readings_are_true_and_can_be_pasted(description: str, reading: str) -> None:
    assert str(parse(description)) == reading
    assert parse(reading).tree == parse(description).tree


@pytest.mark.parametrize(("description", "error"), [*documented("What is refused"), *listed("error")])
def test_the_documented_refusals_are_true(description: str, error: str) -> None:
    with pytest.raises(StatementError) as caught:
        parse(description)
    assert error in error_in_words(caught.value)


@pytest.mark.parametrize(("description", "remark"), [*documented("Remarks"), *listed("remark")])
def test_the_documented_remarks_are_made(description: str, remark: str) -> None:
    assert remark in remarks(description)


def test_the_document_has_examples_of_all_kinds() -> None:
    assert len(documented("Examples")) > 25
    assert len(documented("Remarks")) > 10
    assert len(documented("What is refused")) > 14


def test_a_reading_is_the_tree_it_says() -> None:
    assert parse("blonde or grey-haired woman wearing lipstick").tree == And(
        (Or((term("Blond_Hair"), term("Gray_Hair"))), term("Male", False), term("Wearing_Lipstick"))
    )
    assert parse("glasses or no beard or moustache").tree == Or(
        (term("Eyeglasses"), Not(Or((term("No_Beard", False), term("Mustache")))))
    )


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=NAMES)
def test_every_attribute_has_words_a_phrase_either_way_and_its_official_name(attribute) -> None:
    index = attribute.index
    assert parse(phrase(index, True)).tree == Term(index)
    assert parse(phrase(index, False)).tree == Term(index, False)
    assert parse(attribute.name).tree == parse(attribute.name.lower()).tree == Term(index)
    assert parse(f"not {attribute.name}").tree == Term(index, False)
    assert words_for(attribute)[0] == phrase(index, True)
    assert all(parse(words).tree == Term(index) for words in words_for(attribute))
    assert all(parse(words).tree == Term(index, False) for words in words_for(attribute, False))


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("moustaches", "Mustache"),
        ("a pair of spectacles", "Eyeglasses"),
        ("wearing a hat", "Wearing_Hat"),
        ("with a fringe", "Bangs"),
        ("bags under the eyes", "Bags_Under_Eyes"),
        ("five o\N{RIGHT SINGLE QUOTATION MARK}clock shadow", "5_o_Clock_Shadow"),
        ("5 O'CLOCK SHADOW", "5_o_Clock_Shadow"),
        ("hair that is blond", "Blond_Hair"),
        ("grey\N{NON-BREAKING HYPHEN}haired", "Gray_Hair"),
        ("mouth is slightly open", "Mouth_Slightly_Open"),
        ("fair-skinned", "Pale_Skin"),
        ("someone who looks young", "Young"),
        ("no hair", "Bald"),
        ("they're smiling", "Smiling"),
        ("heavy-set", "Chubby"),
        ("puffy-eyed", "Bags_Under_Eyes"),
        ("a handlebar moustache", "Mustache"),
        ("a woolly hat", "Wearing_Hat"),
        ("hoop earrings", "Wearing_Earrings"),
        ("reddish cheeks", "Rosy_Cheeks"),
        ("nose that is pointed", "Pointy_Nose"),
        ("smooth-shaven", "No_Beard"),
        ("a gorgeous face", "Attractive"),
        ("dirty blonde hair", "Blond_Hair"),
        ("jet-black hair", "Black_Hair"),
        ("seems young", "Young"),
    ],
)
def test_people_say_it_in_many_ways(said: str, name: str) -> None:
    assert parse(said).tree == term(name)


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ("man. no hat. glasses or beard", "man, no hat and (glasses or beard)"),
        ("man & bald", "man and bald"),
        ("glasses/hat", "glasses or hat"),
        ("black, brown, or blond hair", "black hair or brown hair or blond hair"),
        ("no black, brown or blond hair", "not (black hair or brown hair or blond hair)"),
        ("black or brown wavy hair", "(black hair or brown hair) and wavy hair"),
        ("hat, or glasses", "hat or glasses"),
        ("man wearing a hat or wearing glasses", "man and (hat or glasses)"),
        ("man who does not wear glasses", "man and no glasses"),
        ("woman wearing no hat", "woman and no hat"),
        ("man,,, bald,", "man and bald"),
        ("non-smiling girl", "not smiling and young and woman"),
        ("no beard or -moustache or hat", "(no beard) or (no mustache) or hat"),
        ("not -bald", "bald"),
        ("-(bald or hat) man", "not (bald or hat) and man"),
        ("smiling, smiling", "smiling"),
        ("neither hat, glasses nor beard", "no hat and not (glasses or beard)"),
        (
            "man, neither bald, wearing a hat, nor bearded, smiling",
            "man and not bald and no hat and no beard and smiling",
        ),
        ("his hair is gray or white", "man and gray hair"),
        ("hair that is black, brown, or blond, no hat", "(black or brown or blond hair) and no hat"),
        ("his hair is wavy or straight", "man and (wavy hair or straight hair)"),
        ("his face is oval", "man and oval face"),
        ("old bearded man", "old and beard and man"),
        ("she is blond has glasses", "woman and blond hair and glasses"),
        ("curly, beard", "wavy hair and beard"),
        ("man with a smiling face", "man and smiling"),
        ("young woman or (old man)", "(young and woman) or (old and man)"),
        ("man as well as glasses", "man and glasses"),
        ("his hair is short, black and curly", "man and black hair and wavy hair"),
        ("hair is black, straight", "black hair and straight hair"),
        ("hair straight or wavy, black", "(straight hair or wavy hair) and black hair"),
        ("his hair is not black or brown", "man and not (black hair or brown hair)"),
        ("blond hair, his hair is maybe straight", "man and blond hair and maybe straight hair"),
        ("grandmother", "old and woman"),
        ("thirty-five years old", "young"),
        ("a 40-year-old man", "old and man"),
        ("aged 20 to 30", "young"),
        ("over 50 years old", "old"),
        ("under 30 years of age", "young"),
        ("in her late sixties", "woman and old"),
    ],
)
def test_two_ways_to_say_the_same(said: str, same: str) -> None:
    assert parse(said).tree == parse(same).tree


def test_a_query_is_explained_as_an_indented_tree() -> None:
    query = parse(
        "tall man, no hat, maybe (glasses or beard), not (bald or bangs), not (chubby, young), "
        "stubble:0.7, smiling>0.8, folder:x, taken:2019"
    )
    assert query.explained().splitlines() == [
        "all of",
        "  man",
        "  no hat",
        "  maybe (certainty 0.5)",
        "    one or more of",
        "      glasses",
        "      beard",
        "  none of",
        "    bald",
        "    bangs",
        "  not all of",
        "    chubby",
        "    young",
        "  hedged (certainty 0.7)",
        "    stubble",
        "only faces with smiling>0.8",
        "only photos with folder:x",
        "only photos with taken:2019",
        'not scored: "tall"',
    ]


def test_asked_lists_what_is_wanted_in_order_of_appearance() -> None:
    asked = parse("woman, no beard or moustache, not bald, hat, no beard").asked
    assert [(one.attribute.name, one.wanted, one.words) for one in asked] == [
        ("Male", False, "woman"),
        ("No_Beard", True, "no beard"),
        ("Mustache", False, "no mustache"),
        ("Bald", False, "not bald"),
        ("Wearing_Hat", True, "hat"),
    ]


@pytest.mark.parametrize(
    ("said", "remark"),
    [
        ("man without a hat and glasses", 'for neither, say "no a hat or glasses"'),
        ("man in his twenties", '"in his twenties" is searched as "young"'),
        ("man in his forties", '"in his forties" is searched as "old"'),
        ("40s", '"40s" is searched as "old"'),
        ("sunglasses", '"sunglasses" is searched as "glasses"'),
        ("she has blond hair", 'from the pronoun: searched as "woman"'),
        ("his hair is black", 'from the pronoun: searched as "man"'),
        ("toddler", '"toddler" is searched as "young"'),
        ("male or not male", "Every face fits"),
        ("bald:0", "Every face fits"),
        ("maybe (man or woman)", "Every face fits"),
        ("maybe bald, maybe not bald", "no face can fit all"),
    ],
)
def test_remarks_say_where_the_reading_is_rougher_than_the_words(said: str, remark: str) -> None:
    assert remark in remarks(said)


@pytest.mark.parametrize(
    ("said", "pairs"),
    [
        ("bald, bangs", ['"bald" and "bangs"']),
        ("man, bald, blond or gray hair", ['"bald" and "blond hair"']),
        ("woman with a beard and sideburns", ['"woman" and "beard"', '"woman" and "sideburns"']),
        ("female, maybe a goatee", ['"woman" and "goatee"']),
        ("no beard, mustache", ['"no beard" and "mustache"']),
        ("straight hair, curly", ['"straight hair" and "wavy hair"']),
    ],
)
def test_what_hardly_any_face_has_both_of_is_said(said: str, pairs: list[str]) -> None:
    (remark,) = [each for each in remarks_on(understand(said)) if "Hardly any face" in each]
    for pair in pairs:
        assert pair in remark


@pytest.mark.parametrize(
    "said", ["bald man", "bald, hat or glasses", "bald or bangs", "woman, not bald", "man, lipstick or hat"]
)
def test_what_is_common_or_only_one_way_to_fit_is_not_called_odd(said: str) -> None:
    assert "Hardly" not in remarks(said)


@pytest.mark.parametrize(
    "said",
    [
        "no beard. But glasses.",
        "not blonde but brunette",
        "hat yes, glasses no, beard yes",
        "Beard: no, just stubble",
        "woman, no hat, hair: blond",
    ],
)
def test_no_remark_on_the_reach_of_a_no_that_clearly_ends(said: str) -> None:
    assert "not denied" not in remarks(said)
