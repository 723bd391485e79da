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
    "no face": lambda of: (
        f'"{shortened(str(of["text"]))}" is no face: give its number, such as 25, or b.db:25 where several catalogues '
        "are searched."
    ),
    "which catalogue": lambda of: (
        f"Several catalogues are named, and each may have a face {of['face']}: write "
        f"{' or '.join(str(each) + ':' + str(of['face']) for each in list(of['catalogues'])[:6])}."
    ),
    "other catalogue": lambda of: (
        f"{of['catalogue']} is none of the catalogues that are named ({some_of(of['catalogues'])}): add it."
    ),
    "one catalogue": lambda of: (
        f"This is done in one catalogue at a time, and {len(of['catalogues'])} are open: open one of them by itself."
    ),
    "several networks": lambda of: (
        "The catalogues are not scored by the same network, and scores of two cannot be compared: "
        f"{'; '.join(f'{path} by {network}' for path, network in of['networks'])}."
    ),
    "no reason": lambda _: (
        "An export holds the forty traits of everybody in the catalogue: say why with a reason, which is logged."
    ),
    "not in SQL": lambda of: _NOT_IN_SQL[of["part"]](of),
}
"""The causes of request errors, by kind."""

_NOT_IN_SQL: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "name": lambda of: (
        f"The names of files ({some_of(list(of['words']))}) cannot be asked for in SQL, since engines do not agree on "
        "upper and lower case: leave them out."
    ),
    "text": lambda of: (
        f'"{shortened(str(of["words"]))}" cannot stand in SQL, since engines do not agree on backslashes and control '
        "characters: leave it out."
    ),
    "probe": lambda _: "Faces that resemble another cannot be asked for in SQL.",
    "copies": lambda _: "In SQL a face is one row however many files hold its photo: fold the copies.",
    "entangled": lambda _: (
        "Too many attributes stand in several places of this description for one statement of SQL: say each of them "
        "only once where you can, or ask for the order of the scores."
    ),
}


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


class NothingIndexed(SearchError):  # noqa: N818 (named after what is wrong)
    """No face has been indexed yet."""


def on_one_line(error: BaseException) -> str:
    """The message of somebody else's exception, to stand within a sentence of ours."""
    if isinstance(error, MemoryError):
        return "not enough memory"
    return " ".join(str(error).split())[:200] or type(error).__name__


def shortened(words: str) -> str:
    """What somebody wrote, on one line, and not longer than a sentence bears."""
    words = " ".join(words.split())
    return words if len(words) < 60 else f"{words[:60]}..."


def enumerated(words: Sequence[str]) -> str:
    """ "scar, tattoo and hat"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def some_of(words: Sequence[str], most: int = 6) -> str:
    """ "scar, tattoo, hat and 3 more"."""
    more = len(words) - most
    return ", ".join(words) if more <= 0 else f"{', '.join(words[:most])} and {more} more"
