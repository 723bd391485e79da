"""What can go wrong in the domain. The message of each is one sentence for the user: the cause and the remedy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


class FacesearchError(Exception):
    """Base of the domain's errors; `str()` of it is shown to the user as it stands."""


class UsageError(FacesearchError):
    """A request that makes no sense as it stands, whatever is stored."""


class RequestError(UsageError):
    """The same, told as a kind and values, of which `cli.report.wording` makes a sentence."""

    def __init__(self, kind: str, values: Mapping[str, object] = MappingProxyType({})) -> None:
        super().__init__(kind)
        self.kind, self.values = kind, values


@dataclass(frozen=True)
class Notice:
    """What a user should know though nothing went wrong: a kind and values, of which `cli.report.wording` makes a
    sentence. person: the number of whom in a statement it is on; 0: all of it."""

    kind: str
    values: Mapping[str, object] = field(default_factory=dict)
    person: int = 0


class QueryError(UsageError):
    """A description that cannot be searched. `position`: the character (from 0) of the text where the trouble
    begins."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class SearchError(FacesearchError):
    """A search that has nothing to work on, or a bound that makes no sense."""


class NothingIndexed(SearchError):  # noqa: N818 (named after what is wrong)
    """No face has been indexed yet."""


def on_one_line(error: BaseException) -> str:
    """The message of somebody else's exception, to stand within a sentence of ours."""
    if isinstance(error, MemoryError):
        return "not enough memory"
    return " ".join(str(error).split())[:200] or type(error).__name__
