"""In which language a text is written, as far as its small words tell."""

from functools import cache
from importlib import resources

from facesearch.query.lexicon import Lexicon
from facesearch.query.tokens import Token, word_set

_ENGLISH = word_set(
    "the a an and with without is was are were has had he she his her him they of in on at to man woman "
    "hair beard wearing about old black no not who that it i my or but from"
)


@cache
def _languages() -> dict[str, frozenset[str]]:
    text = (resources.files("facesearch.query") / "languages.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: frozenset(words.split()) for name, words in rows}


def language_of(found: list[Token], words: Lexicon) -> str:
    """The name of the language: another than English only where its small words, each counted once and those that
    English has too left out, clearly outnumber the English ones."""
    said = [token.normal for token in found if token.sort == "word"]
    known = sum(map(words.knows, said))
    said = [word for word in said if len(word) > 1]
    english = sum(word in _ENGLISH for word in said)
    name, count = max(
        ((name, sum(word in small for word in said)) for name, small in _languages().items()), key=lambda each: each[1]
    )
    own = {word for word in said if word in _languages()[name] and not words.knows(word)}
    foreign = len(own) >= 2 and count > english and (count * 4 >= len(said) or known * 2 < len(said))
    return name if foreign else "English"
