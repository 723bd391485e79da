"""The marks that the reading of statements has reached on benchmarks/witness/dev.tsv: none is lost unnoticed."""

import importlib.util
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from facesearch.query.statement import scored

WITNESS = Path(__file__).parent.parent / "benchmarks" / "witness"
FIRST_PERSON = ("statement", "property", "name", "cover", "officer")


@pytest.fixture(scope="module")
def score() -> ModuleType:
    spec = importlib.util.spec_from_file_location("witness_score", WITNESS / "score.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["witness_score"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def verdicts(score: ModuleType) -> list[dict[str, Any]]:
    rows = [row for row in score.load(WITNESS / "dev.tsv") if row.variety not in ("DE", "FR", "ES")]
    answer = score.by_callable(scored)
    return [score.judge(row, answer(row.text)) for row in rows]


def share_right(verdicts: list[dict[str, Any]]) -> float:
    return sum(each["is"] in ("right", "asked", "nothing") for each in verdicts) / len(verdicts)


@pytest.mark.slow
def test_every_statement_that_should_be_is_accepted(verdicts: list[dict[str, Any]]) -> None:
    due = [each for each in verdicts if not each["row"].ambiguous and not each["row"].empty]
    assert len(due) > 450
    assert [each["row"].id for each in due if each["answer"].forms is None] == []


def test_nearly_all_are_read_exactly_right(verdicts: list[dict[str, Any]]) -> None:
    assert share_right(verdicts) >= 0.99
    assert share_right([each for each in verdicts if each["row"].kind in FIRST_PERSON]) >= 0.98


def test_facts_are_found_and_none_is_invented_or_turned_round(verdicts: list[dict[str, Any]]) -> None:
    right, wrong, missing = (sum(each[key] for each in verdicts) for key in ("tp", "fp", "fn"))
    assert right / (right + wrong) >= 0.998
    assert right / (right + missing) >= 0.99
    assert [each["row"].id for each in verdicts if each["opposite"] or each["invented"]] == []


def test_the_persons_are_counted_right(verdicts: list[dict[str, Any]]) -> None:
    plain = [each for each in verdicts if not each["row"].ambiguous]
    wrong = [each["row"].id for each in plain if len(each["answer"].forms or ()) != each["row"].persons]
    assert len(wrong) <= 0.01 * len(plain), wrong


@pytest.mark.slow
@pytest.mark.parametrize("width", [60, 76])
def test_where_a_statement_was_wrapped_changes_nothing(score: ModuleType, width: int) -> None:
    """Texts without fields, since a line that begins like a field is one."""
    rows = [row for row in score.load(WITNESS / "dev.tsv") if row.variety not in ("DE", "FR", "ES")]
    texts = [row.text for row in rows if len(row.text) > 80 and ":" not in row.text and "\n" not in row.text][::3]
    assert len(texts) > 80
    for text in texts:
        wrapped = textwrap.fill(text, width, break_on_hyphens=False, break_long_words=False)
        assert scored(wrapped).get("readings") == scored(text).get("readings"), wrapped
