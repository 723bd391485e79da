"""`facesearch read`, and statements in `facesearch search`."""

import json
from pathlib import Path

from tests.conftest import Program

APPEAL = (
    "Do you recognise this man? He is in his forties, bald, with a grey gotee, and was wearing a red jacket. "
    "He stole a gold chain."
)
TWO = "Two men are sought. The first is bald. The second has a beard and glasses."


def test_the_text_and_its_reading_go_to_stdout_and_notices_to_stderr(facesearch: Program) -> None:
    ran = facesearch("read", APPEAL)
    assert ran.code == 0
    assert APPEAL.split(".")[0] in ran.out
    assert "Read as: man and old and bald and goatee" in ran.out
    assert '"gotee" is read as "goatee"' in ran.err
    assert "Left aside: grey, gold chain (not scored); red jacket (clothes or carried)." in ran.err
    assert '"in his forties" is searched as "old"' in ran.err


def test_json_tells_every_word(facesearch: Program) -> None:
    ran = facesearch("read", "--json", APPEAL)
    found = json.loads(ran.out)
    (person,) = found["persons"]
    assert found["language"] == "English" and person["reading"] == "man and old and bald and goatee"
    for each in (*person["used"], *person["set_aside"]):
        assert APPEAL[each["start"] : each["end"]] == each["words"]
    assert {each["means"] for each in person["used"]} == {"man", "old", "bald", "goatee"}
    aside = " ".join(each["words"] for each in person["set_aside"])
    assert "red jacket" in aside and "gold chain" in aside
    (slip,) = person["corrected"]
    assert (slip["typed"], slip["read"], APPEAL[slip["start"] : slip["end"]]) == ("gotee", "goatee", "gotee")
    assert {"corrected", "age"} <= {each["kind"] for each in found["notices"]}
    told = next(each for each in found["notices"] if each["kind"] == "corrected")
    assert told["values"] == {"typed": "gotee", "read": "goatee"} and told["message"] == '"gotee" is read as "goatee".'


def test_a_file_is_read(facesearch: Program, tmp_path: Path) -> None:
    file = tmp_path / "statement.txt"
    file.write_text("\ufeffHe had a beard.\n", encoding="utf-8")
    assert "man and beard" in facesearch("read", "--file", file).out
    assert facesearch("read", "--file", tmp_path / "none.txt").code == 3
    assert facesearch("read").code == 2
    assert facesearch("read", "hat", "--file", file).code == 2


def test_where_it_asks_back_both_readings_are_told(facesearch: Program) -> None:
    ran = facesearch("read", "no hat, glasses or beard")
    assert ran.code == 2 and ran.out == ""
    assert '"no hat and (glasses or beard)" or "not (hat or glasses or beard)"' in ran.err
    error = json.loads(facesearch("read", "--json", "no hat, glasses or beard").out)["error"]
    assert error["kind"] == "two readings"
    assert error["readings"] == ["no hat and (glasses or beard)", "not (hat or glasses or beard)"]
    error = json.loads(facesearch("read", "--json", "a bald man. He was not bald").out)["error"]
    assert error["kind"] == "contradiction" and len(error["spans"]) == 2


def test_several_persons_are_numbered_and_search_asks_which(facesearch: Program) -> None:
    ran = facesearch("read", TWO)
    assert "Person 1: man and bald" in ran.out and "Person 2: man and beard and glasses" in ran.out
    ran = facesearch("search", TWO)
    assert ran.code == 2 and "Person 2: man and beard and glasses" in ran.err and "--person N" in ran.err
    ran = facesearch("search", TWO, "--person", "2", "--explain-query")
    assert ran.code == 0 and "Read as: man and beard and glasses" in ran.err
    assert facesearch("search", TWO, "--person", "3", "--explain-query").code == 2


def test_strict_refuses_what_is_not_searched(facesearch: Program) -> None:
    ran = facesearch("search", "a man in a red jacket", "--strict", "--explain-query")
    assert ran.code == 2 and "red jacket" in ran.err
    assert facesearch("search", "a bald man", "--strict", "--explain-query").code == 0


def test_a_name_filters_only_where_there_is_no_other_field(facesearch: Program) -> None:
    assert "name:John" in facesearch("search", "man, name:John", "--explain-query").err
    ran = facesearch("search", "Name:John\nSex: male\nHair: brown", "--explain-query")
    assert ran.code == 0 and "Read as: man and brown hair" in ran.err and "name:" not in ran.err


def test_what_says_nothing_is_refused_as_in_search(facesearch: Program) -> None:
    for command in (("read",), ("search", "--explain-query")):
        ran = facesearch(*command, "asdf qwer zxcv")
        assert ran.code == 2 and ran.out == "" and 'Nothing in "asdf qwer zxcv" can be searched' in ran.err
    ran = facesearch("read", "--json", "asdf qwer zxcv")
    assert ran.code == 2 and json.loads(ran.out)["error"]["kind"] == "nothing"
    assert facesearch("read", "Two men. One wore a vest, the other had a beard.").code == 0


def test_words_that_say_more_than_is_searched_are_told(facesearch: Program) -> None:
    text = "A man in sunglasses and a baseball cap, with a huge nose"
    remarks = {
        '"sunglasses" is searched as "glasses".',
        '"baseball cap" is searched as "hat".',
        '"huge nose" is searched as "big nose".',
    }
    assert remarks <= set(facesearch("read", text).err.splitlines())
    assert remarks <= set(facesearch("search", text, "--explain-query").err.splitlines())


def test_all_that_is_left_aside_is_told_and_no_possessive_or_verb_alone(facesearch: Program) -> None:
    clothes = "shirt, vest, coat, scarf, gloves, belt, socks, boots, watch and ring"
    told = facesearch("read", f"I couldn't see his face. He was bald, in a {clothes}.").err
    for each in clothes.replace(" and", ",").split(", "):
        assert each in told
    assert "more" not in told and " his" not in told and "see" not in told


def test_notices_are_those_of_the_person_who_is_searched(facesearch: Program) -> None:
    text = "Two men, one in sunglasses, the other with a baseball cap."
    ran = facesearch("search", text, "--person", "2", "--explain-query")
    assert '"baseball cap" is searched as "hat"' in ran.err and "sunglasses" not in ran.err
    one, other = json.loads(facesearch("read", "--json", text).out)["persons"]
    assert [each["words"] for each in one["notices"]] == ["sunglasses"]
    assert [each["words"] for each in other["notices"]] == ["baseball cap"]
