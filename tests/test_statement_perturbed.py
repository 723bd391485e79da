"""What is typed otherwise, or said of others beside it, changes no reading."""

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from facesearch.query.statement import scored

WITNESS = Path(__file__).parent.parent / "benchmarks" / "witness"
SPELLINGS = {"grey": "gray", "moustache": "mustache", "colour": "color", "jewellery": "jewelry"}
RUNNING = ("appeal", "news", "missing", "statement", "cover", "age", "negative")
"""Kinds of statements in sentences."""


def statements() -> list[tuple[str, str]]:
    """Kind and text of all that are in English and not ambiguous."""
    spec = importlib.util.spec_from_file_location("witness_score", WITNESS / "score.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules.setdefault("witness_score", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    rows = module.load(WITNESS / "dev.tsv")
    return [(row.kind, row.text) for row in rows if row.variety not in ("DE", "FR", "ES") and not row.ambiguous]


STATEMENTS = statements()


def respelt(text: str) -> str:
    """British words for American ones, or the other way round."""
    for british, american in SPELLINGS.items():
        one, other = (british, american) if re.search(rf"\b{british}", text) else (american, british)
        text = re.sub(rf"\b{one}", other, text)
    return text


TYPED: dict[str, Callable[[str], str]] = {
    "in small letters": str.lower,
    "respelt": respelt,
    "without the last full stop": lambda text: text.rstrip(". "),
    "behind an empty line": lambda text: f"\n\n{text}\n",
    "with wide blanks": lambda text: re.sub(r"(?<=[a-z]) (?=[a-z])", "\N{NO-BREAK SPACE}", text),
}
BESIDE: dict[str, Callable[[str], str]] = {
    "the speaker": lambda text: f"I am a 54-year-old man with a beard. {text}",
    "a witness": lambda text: f"A witness, who had long blonde hair, called the police. {text}",
    "a call for information": lambda text: f"{text.rstrip('. ')}. Anyone with information should call 101.",
}


def changed(kinds: tuple[str, ...] | None, change: Callable[[str], str]) -> tuple[list[str], int]:
    """The texts that are read otherwise when they are changed so, and how many were changed."""
    texts = [(text, change(text)) for kind, text in STATEMENTS if kinds is None or kind in kinds]
    texts = [(text, other) for text, other in texts if text != other and text.strip() != other]
    wrong = [other for text, other in texts if scored(other).get("readings") != scored(text).get("readings")]
    return wrong, len(texts)


@pytest.mark.parametrize("change", TYPED.values(), ids=TYPED)
def test_how_it_is_typed_changes_no_reading(change: Callable[[str], str]) -> None:
    wrong, count = changed(None, change)
    assert count > 100
    assert len(wrong) <= 0.01 * count, wrong


@pytest.mark.parametrize("change", BESIDE.values(), ids=BESIDE)
def test_what_is_said_of_others_changes_no_reading(change: Callable[[str], str]) -> None:
    wrong, count = changed(RUNNING, change)
    assert count > 100
    assert len(wrong) <= 0.01 * count, wrong
