"""What can go wrong in the domain: each error has a kind and values, and says its cause in one sentence."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from db.values.told import Notice as Notice
from db.values.told import Told


class FacesearchError(Told):
    """Base of the domain's errors."""


class UsageError(FacesearchError, kinds=("usage", "start not wanted")):
    """A request that makes no sense as it stands, whatever is stored."""


_REQUESTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "unreadable": lambda of: f"The error rates in {of['file']} cannot be read ({of['reason']}): name another file.",
    "no columns": lambda of: (
        f"{of['file']} is no table of error rates: its first line has to name the columns {', '.join(of['columns'])}."
    ),
    "unknown attribute": lambda of: (
        f'Line {of["line"]} of {of["file"]}: "{of["attribute"]}" is none of the 40 attributes.'
    ),
    "no rate": lambda of: (
        f'Line {of["line"]} of {of["file"]}: "{of["rate"]}" is no rate of errors for {of["attribute"]}: write a number '
        "from 0 to below .5."
    ),
    "twice": lambda of: f"Line {of['line']} of {of['file']}: {of['attribute']} stands there twice: leave one out.",
    "nothing counts": lambda of: (
        f'Nothing in "{shortened(of["words"])}" counts: an age from 36 to 44 is neither young nor old to the network; '
        "add something else."
    ),
    "must lacks words": lambda _: 'Behind "must:" stands no word: write must:man, or must:"no glasses".',
    "must is no part": lambda of: (
        f'"must:{of["words"]}" does not stand for itself: what must hold stands between commas, neither denied nor '
        'hedged nor joined by "or"; several words stand in quotes, as in must:"no glasses".'
    ),
    "must is not scored": lambda of: f'"{shortened(of["words"])}" cannot be a must: {of["why"]}',
    "must says more": lambda of: (
        f'"{shortened(of["words"])}" cannot be a must: {some_of(of["not_scored"])} is not searched; leave it out.'
    ),
    "must filters": lambda of: (
        f'"{shortened(of["words"])}" only filters, and no must is needed for that: write it without "must".'
    ),
    "must contradicts": lambda of: (
        f'The must "{of["words"]}" contradicts the description, read as "{of["reading"]}": leave one of them out.'
    ),
    "no request": lambda of: f"This is no request as facesearch writes them ({of['reason']}): make it anew.",
    "newer request": lambda of: (
        f"A newer version of facesearch wrote this request (version {of['version']}; this one reads up to "
        f"{of['known']}): use that version."
    ),
    "another catalogue": lambda of: (
        f"The request is to {some_of(of['asked'])}, and {of['open']} is open: open that one, or ask without naming "
        "catalogues."
    ),
}
"""The causes of request errors, by kind."""


class RequestError(UsageError, kinds=tuple(_REQUESTS)):
    """The same of what is asked, or of a file of error rates that goes with it."""

    def __init__(self, kind: str, values: Mapping[str, object] = MappingProxyType({})) -> None:
        super().__init__(_REQUESTS[kind](values), kind, **values)


class QueryError(UsageError, kinds=("description",)):
    """A description that cannot be searched. `position`: the character (from 0) of the text where the trouble
    begins."""

    def __init__(self, message: str, position: int = 0, kind: str = "", /, **values: object) -> None:
        super().__init__(message, kind, **values)
        self.position = position


class SearchError(
    FacesearchError, kinds=("search", "nothing indexed", "other attributes", "other network", "face taken out")
):
    """A search that has nothing to work on, or a bound that makes no sense."""


def on_one_line(error: BaseException) -> str:
    """The message of somebody else's exception, to stand within a sentence of ours."""
    if isinstance(error, MemoryError):
        return "not enough memory"
    return " ".join(str(error).split())[:200] or type(error).__name__


def shortened(words: str) -> str:
    """What somebody wrote, on one line, and not longer than a sentence bears."""
    words = " ".join(words.split())
    return words if len(words) < 60 else f"{words[:60]}..."


def some_of(words: Sequence[str], most: int = 6) -> str:
    """ "scar, tattoo, hat and 3 more"."""
    more = len(words) - most
    return ", ".join(words) if more <= 0 else f"{', '.join(words[:most])} and {more} more"
