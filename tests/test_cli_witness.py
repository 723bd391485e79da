"""Searches in which nothing fits all of it, as a user meets them: how many words fit, what must hold, what to leave
out; and rates of witnesses."""

import json
from pathlib import Path

import pytest

from cli.report.tables import score_in_words
from facesearch.errors import RequestError
from facesearch.query import parse
from facesearch.query.musts import unmarked, with_musts
from facesearch.search.ranking.explain import whole_percent
from tests.conftest import Program
from tests.support.pages import Reader
from tests.support.squares import album, index
from tests.support.tables import rows


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("witness")
    return index(folder / "faces.db", album(folder / "album"))


def test_each_hit_says_how_many_words_fit_and_which_do_not(facesearch: Program, catalogue: Path) -> None:
    ran = facesearch("search", "arched eyebrows, stubble, with a scar", "--csv", "-", "--catalogue", catalogue)
    found = rows(ran.out)
    assert list(found[0])[-8:-5] == ["behind", "searched", "fits"]
    assert [row["fits"] for row in found] == [
        "2 of 2",
        "1 of 2, without: stubble",
        "0 of 2, without: arched eyebrows, stubble",
    ]
    assert {row["searched"] for row in found} == {"2 of 3 things said"}
    table = facesearch("search", "arched eyebrows, stubble, with a scar", "--catalogue", catalogue).out
    assert "1 of 2, without: stubble" in table and "2 of 3 things said" in table


def test_faces_that_lack_what_must_hold_stand_last_and_are_counted(facesearch: Program, catalogue: Path) -> None:
    plain = ["search", "stubble, arched eyebrows, attractive", "--json", "--catalogue", catalogue]
    usual = [hit["face"] for hit in json.loads(facesearch(*plain).out)["hits"]]
    with_must = json.loads(facesearch(*plain, "--must", "arched eyebrows").out)
    assert with_must["must"] == {"words": ["arched eyebrows"], "behind": 1}
    assert sorted(hit["face"] for hit in with_must["hits"]) == sorted(usual)  # nothing is left out
    assert [hit["behind"] for hit in with_must["hits"]] == ["", "", "arched eyebrows"]


def test_the_same_in_the_description_on_the_terminal_and_on_the_page(
    facesearch: Program, catalogue: Path, tmp_path: Path
) -> None:
    line = '1 face judged not to fit "arched eyebrows" follows'
    ran = facesearch(
        "search", 'must:"arched eyebrows", no stubble', "--html", tmp_path / "page.html", "--catalogue", catalogue
    )
    assert 'Searching for: must:"arched eyebrows" and no stubble' in ran.err
    assert line in ran.out
    text = " ".join(Reader((tmp_path / "page.html").read_text(encoding="utf-8")).words)
    assert text.index("2.") < text.index(line) < text.index(" 3.")
    assert "fits 2 of 2" in text and "2 of 2 things said" in text


def test_faces_behind_that_are_not_shown_are_counted_still(facesearch: Program, catalogue: Path) -> None:
    ran = facesearch("search", 'must:"arched eyebrows"', "--top", "1", "--catalogue", catalogue)
    assert '1 face judged not to fit "arched eyebrows" stands behind all others' in ran.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no must:man", "does not stand for itself"),
        ("must:man or bald", "does not stand for itself"),
        ("man, must:tall", "cannot be a must"),
        ("man, must:", "stands no word"),
        ("man, must:smiling>0.8", "only filters"),
    ],
)
def test_a_must_that_makes_no_sense_is_refused(facesearch: Program, catalogue: Path, text: str, said: str) -> None:
    ran = facesearch("search", text, "--catalogue", catalogue)
    assert ran.code == 2 and said in ran.err and "Traceback" not in ran.err


def test_a_must_that_contradicts_the_description_is_refused() -> None:
    with pytest.raises(RequestError) as refused:
        with_musts(parse("man"), (), ["woman"])
    assert refused.value.kind == "must contradicts"


@pytest.mark.parametrize("text", ["must:man, goatee", 'must:"no glasses", man', 'must:"blond or gray hair", woman'])
def test_a_reading_with_musts_can_be_pasted(text: str) -> None:
    plain, marked = unmarked(text)
    query = with_musts(parse(plain), marked)
    again, marked_again = unmarked(str(query))
    assert with_musts(parse(again), marked_again).musts == query.musts
    assert parse(again).tree == query.tree


def test_where_nobody_is_likely_the_word_to_leave_out_is_named_with_the_command(
    facesearch: Program, tmp_path: Path
) -> None:
    catalogue = index(tmp_path / "faces.db", album(tmp_path / "album"))
    text = "arched eyebrows, stubble, bags under the eyes, hat, bald"
    ran = facesearch("search", text, "--min-face", "10", "--catalogue", catalogue)
    assert "No likely match" in ran.out
    command = next(line for line in ran.out.splitlines() if line.startswith("Without "))
    assert "likely (0.1 or more): facesearch search" in command and "--min-face 10" in command
    words = command.split('"')[1]
    assert words not in command.partition("facesearch search")[2]


def test_what_follows_origin_is_never_the_advice(facesearch: Program, catalogue: Path) -> None:
    ran = facesearch("search", "big nose, stubble, arched eyebrows, bald, hat", "--catalogue", catalogue)
    assert 'Without "big nose"' not in ran.out
    assert "Weak and unfair: big nose." in ran.err


def test_rates_are_shown_and_can_be_replaced(facesearch: Program, tmp_path: Path, catalogue: Path) -> None:
    shown = facesearch("attributes", "--witness").out
    assert "assumed:" in shown and "published:" in shown
    file = tmp_path / "mine.tsv"
    file.write_text("attribute\tpresent\tabsent\tsource\nBald\t.45\t.45\tour own count\n")
    assert "our own count" in facesearch("attributes", "--witness", "--witness-file", file).out
    assert facesearch("search", "bald, hat", "--witness-file", file, "--catalogue", catalogue).code == 0
    file.write_text("attribute\tpresent\tabsent\nBald\t.7\t.1\n")
    ran = facesearch("search", "bald, hat", "--witness-file", file, "--catalogue", catalogue)
    assert ran.code == 2 and "Line 2 of" in ran.err and "from 0 to below .5" in ran.err


def test_a_score_is_shown_as_1_only_where_it_is_1() -> None:
    assert [score_in_words(each) for each in (1.0, 0.99999, 0.9994, 0.5, 0.0001, 0.0)] == [
        "1.000",
        ">0.999",
        "0.999",
        "0.500",
        "<0.001",
        "0.000",
    ]
    assert [whole_percent(each) for each in (1.0, 0.9999, 0.994, 0.0)] == [100, 99, 99, 0]
