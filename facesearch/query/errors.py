"""What can stand in the way of a statement, and what its reader should know: kinds and values, in no language.

The kinds are a closed list (docs/query-language.md); `cli` makes the sentences.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from facesearch.errors import Notice as Notice
from facesearch.errors import QueryError

KINDS = (
    "two readings",
    "contradiction",
    "language",
    "too long",
    "nothing",
    "not understood",
    "several persons",
    "no such person",
    "too many",
    "search language",
)
WHYS = (
    "not scored",
    "quality",
    "action",
    "somebody else",
    "name",
    "field",
    "not worn",
    "hidden",
    "not known",
    "corrected",
    "property",
    "clothes",
    "body",
    "place",
)
"""Why words are set aside."""
NOTICES = (
    "pronoun",
    "corrected",
    "age",
    "rough",
    "nothing",
    "rare",
    "alternative",
    "reach",
    "always",
    "hedges",
    "versions",
)


class StatementError(QueryError, kinds=KINDS):
    """A statement that cannot be searched as it stands. readings: between which is asked; spans: code points."""

    def __init__(
        self,
        kind: str,
        readings: tuple[str, ...] = (),
        spans: tuple[tuple[int, int], ...] = (),
        values: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        super().__init__(_cause(kind, readings, values), spans[0][0] if spans else 0, kind, **values)
        self.readings, self.spans = readings, spans


def _cause(kind: str, readings: tuple[str, ...], of: Mapping[str, Any]) -> str:
    one, other = (reading.replace(" || ", '" and "') for reading in readings) if len(readings) == 2 else ("", "")
    match kind:
        case "two readings":
            return f'This can mean "{one}" or "{other}": write the one that you mean.'
        case "contradiction":
            return (
                f'The statement says two things of which only one can be true, and can be searched as "{one}" or as '
                f'"{other}": leave one of them out, or say that they are two persons.'
            )
        case "language":
            return f"The statement is in {of['language']}, and only English is understood: translate it first."
        case "too long":
            return f"The statement has {of['letters']:,} characters, and may have {of['most']:,}: shorten it."
        case "too many":
            return f"The statement says more than {of['most']} things of one person: shorten it."
        case "several persons":
            return f"The statement describes {of['persons']} persons: choose one."
        case "no such person":
            return f"The statement describes {of['persons']} persons, and {of['person']} is none of them."
        case "search language":
            return str(of["sentence"])
        case "not understood":
            return f'"{_shown(of["words"])}" is not searched: leave it out.'
        case _:
            return f'Nothing in "{_shown(of["words"])}" can be searched: add something that the network scores.'


def _shown(words: object) -> str:
    """What was typed, with escapes for what cannot be seen or would steer a terminal."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(words))
