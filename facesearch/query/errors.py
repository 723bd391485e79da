"""What can stand in the way of a statement, and what its reader should know: kinds and values, in no language.

The kinds are a closed list (docs/query-language.md); `cli` makes the sentences.
"""

from collections.abc import Mapping
from types import MappingProxyType

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


class StatementError(QueryError):
    """A statement that cannot be searched as it stands. readings: between which is asked; spans: code points."""

    def __init__(
        self,
        kind: str,
        readings: tuple[str, ...] = (),
        spans: tuple[tuple[int, int], ...] = (),
        values: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        super().__init__(str(values.get("sentence", kind)), spans[0][0] if spans else 0)
        self.kind, self.readings, self.spans, self.values = kind, readings, spans, values
