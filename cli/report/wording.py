"""Sentences for what is told as a kind with values: errors and notices of statements, descriptions and searches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facesearch.errors import Notice, QueryError, RequestError
    from facesearch.query.errors import StatementError
    from facesearch.query.report import SetAside
    from facesearch.query.statement import Statement


def counted(number: int, noun: str, plural: str = "") -> str:
    """ "1 photo", "2,000 photos". plural: where an s does not make it."""
    return f"1 {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def recognised_in_words(illegal: int, irrelevant: int) -> "Iterator[str]":
    """How many photos were passed over since they are of sets of known files."""
    if illegal:
        were = "was" if illegal == 1 else "were"
        yield f"{counted(illegal, 'photo')} of the set of known illegal pictures {were} not looked at."
    if irrelevant:
        was = "was" if irrelevant == 1 else "were"
        yield f"{counted(irrelevant, 'photo')} known to be irrelevant {was} passed over."


_SHOWN = 6
"""Set-aside phrases that a sentence lists of each kind."""
_ASIDE = {
    "not scored": "not scored",
    "quality": "not scored",
    "field": "not scored",
    "not worn": "not worn",
    "property": "not worn",
    "hidden": "not seen",
    "not known": "not known",
    "corrected": "taken back",
}
"""What is said of looks and set aside, by kind."""


def error_in_words(error: "StatementError") -> str:
    """What stands in the way of a statement, and the remedy."""
    values = error.values
    if error.kind == "two readings":
        one, other = (_reading(each) for each in error.readings)
        return f'This can mean "{one}" or "{other}": write the one that you mean.'
    if error.kind == "contradiction":
        one, other = (_reading(each) for each in error.readings)
        return (
            f'The statement says two things of which only one can be true, and can be searched as "{one}" or as '
            f'"{other}": leave one of them out, or say that they are two persons.'
        )
    if error.kind == "language":
        return f"The statement is in {values['language']}, and only English is understood: translate it first."
    if error.kind == "too long":
        return f"The statement has {values['letters']:,} characters, and may have {values['most']:,}: shorten it."
    if error.kind == "too many":
        return f"The statement says more than {values['most']} things of one person: shorten it."
    if error.kind == "several persons":
        return f"The statement describes {values['persons']} persons: choose one with --person N."
    if error.kind == "no such person":
        return f"The statement describes {values['persons']} persons, and --person {values['person']} is none of them."
    if error.kind == "search language":
        return str(error)
    if error.kind == "not understood":
        return f'"{values["words"]}" is not searched: leave it out, or search without --strict.'
    return (
        f'Nothing in "{values["words"]}" can be searched: add something that the network scores '
        '("facesearch attributes" lists it).'
    )


def _reading(reading: str) -> str:
    return reading.replace(" || ", '" and "')


_PLURALS = {"man": "men", "woman": "women"}
_MISJUDGED = {"man": 8, "woman": 9}
"""Of 100 people of the group that the network judges worst (docs/model-card.md)."""


def request_in_words(error: "RequestError") -> str:
    """What is wrong with a request, and the remedy."""
    return _REQUESTS[error.kind](error.values)


_REQUESTS: "dict[str, Callable[[Mapping[str, Any]], str]]" = {
    "unreadable": lambda of: f"The error rates in {of['file']} cannot be read ({of['reason']}): name another file.",
    "no columns": lambda of: (
        f"{of['file']} is no table of error rates: its first line has to name the columns {', '.join(of['columns'])} "
        "(`facesearch attributes --witness` shows one)."
    ),
    "unknown attribute": lambda of: (
        f'Line {of["line"]} of {of["file"]}: "{of["attribute"]}" is none of the 40 attributes (`facesearch attributes` '
        "lists them)."
    ),
    "no rate": lambda of: (
        f'Line {of["line"]} of {of["file"]}: "{of["rate"]}" is no rate of errors for {of["attribute"]}: write a number '
        "from 0 to below .5."
    ),
    "twice": lambda of: f"Line {of['line']} of {of['file']}: {of['attribute']} stands there twice: leave one out.",
    "nothing counts": lambda of: (
        f'Nothing in "{_shortened(of["words"])}" counts: an age from 36 to 44 is neither young nor old to the network; '
        "add something else."
    ),
    "must lacks words": lambda _: 'Behind "must:" stands no word: write must:man, or must:"no glasses".',
    "must is no part": lambda of: (
        f'"must:{of["words"]}" does not stand for itself: what must hold stands between commas, neither denied nor '
        'hedged nor joined by "or"; several words stand in quotes, as in must:"no glasses".'
    ),
    "must is not scored": lambda of: f'"{_shortened(of["words"])}" cannot be a must: {_why(of["why"])}',
    "must says more": lambda of: (
        f'"{_shortened(of["words"])}" cannot be a must: {_listed(of["not_scored"])} is not searched; leave it out.'
    ),
    "must filters": lambda of: (
        f'"{_shortened(of["words"])}" only filters, and no must is needed for that: write it without "must".'
    ),
    "no request": lambda of: f"This is no request as facesearch writes them ({of['reason']}): make it anew.",
    "newer request": lambda of: (
        f"A newer version of facesearch wrote this request (version {of['version']}; this one reads up to "
        f"{of['known']}): use that version."
    ),
    "another catalogue": lambda of: (
        f"The request is to {_listed(of['asked'])}, and {of['open']} is open: open that one, or ask without naming "
        "catalogues."
    ),
    "must contradicts": lambda of: (
        f'The must "{of["words"]}" contradicts the description, read as "{of["reading"]}": leave one of them out.'
    ),
}


def _why(error: "QueryError") -> str:
    from facesearch.query.errors import StatementError

    return error_in_words(error) if isinstance(error, StatementError) else str(error)


def _shortened(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) < 60 else f"{words[:60]}..."


def notice_in_words(notice: "Notice") -> str:
    values: Mapping[str, Any] = notice.values
    if notice.kind in _NOTICES:
        return _NOTICES[notice.kind](values)
    if notice.kind == "pronoun":
        return f'The sex is taken from the pronoun: searched as "{values["sex"]}".'
    if notice.kind == "corrected":
        return f'"{values["typed"]}" is read as "{values["read"]}".'
    if notice.kind == "age":
        return f'The network knows no ages: "{values["words"]}" is searched as "{values["means"]}".'
    if notice.kind == "rough":
        return f'"{values["words"]}" is searched as "{values["means"]}".'
    if notice.kind == "rare":
        return str(values["sentence"])
    if notice.kind == "alternative":
        return f'Of "{values["words"]}", faces that fit only by what is not scored are not found.'
    if notice.kind == "reach":
        words, rest = values["words"], values["rest"]
        return f'"{rest}" is read as not denied: for neither, say "no {words} or {rest}".'
    if notice.kind == "always":
        return "Every face fits this description."
    if notice.kind == "hedges":
        return "The hedged words contradict the rest or each other, so no face can fit all of them."
    return "Nothing in the statement can be searched."


def _age(of: "Mapping[str, Any]") -> str:
    """ "An age of 50", "An age from 50 to 59"."""
    first, last = of["first"], of["last"]
    if first == last:
        return f"An age of {first}"
    return (
        f"An age from {first} on"
        if last > 110
        else f"An age up to {last}"
        if not first
        else f"An age from {first} to {last}"
    )


_NOTICES: "dict[str, Callable[[Mapping[str, Any]], str]]" = {
    "age counts": lambda of: (
        f"{_age(of)} counts as {of['word']}:{of['certainty']:g}: people who judge by sight err by 5 to 8 years, and so "
        "does the network."
    ),
    "age near the border": lambda of: (
        f'{_age(of)} does not count: from 36 to 44 years "young" and "old" cannot be told apart, so faces of either '
        "kind are found."
    ),
    "child": lambda of: (
        f"No age under {of['youngest']} can be judged: the network learnt from adults, so a child is searched as "
        '"young" and not told from adults.'
    ),
    "unfair": lambda of: (
        f"Weak and unfair: {', '.join(of['words'])}. People disagree on such words, and what the network learnt of "
        "them follows colour of skin and origin more than the face: leave them out unless they matter."
    ),
    "must": lambda of: (
        f"{of['against']} of the first {of['of']} faces are judged not to be {_PLURALS[of['word']]}: --must "
        f'"{of["word"]}" puts such faces behind all others.'
    ),
}


def behind_in_words(musts: Sequence[str], behind: int, *, shown: bool) -> str:
    """How many faces stand behind the others since they are judged to lack what must hold. shown: they follow."""
    faces, ending = ("1 face", "s") if behind == 1 else (f"{behind:,} faces", "")
    place = f"follow{ending}" if shown else f"stand{ending} behind all others"
    if len(musts) == 1 and musts[0] in _PLURALS:
        people, misjudged = _PLURALS[musts[0]], _MISJUDGED[musts[0]]
        errs = f"the network misjudges up to {misjudged} of 100 {people} of one group"
        return f"{faces} judged not to be {people} {place}; {errs}."
    listed = ", ".join(f'"{each}"' for each in musts)
    return f"{faces} judged not to fit {listed} {place}; the network errs, so look at them as well."


def aside_in_words(set_aside: Sequence["SetAside"], text: str, most: int = _SHOWN) -> Iterator[str]:
    """At most one sentence on what is said of looks and not searched, in kinds: "Left aside: tall, black coat (not
    scored); hat (not worn)"."""
    from facesearch.query.lexicon import lexicon

    kinds: dict[str, dict[str, None]] = {}
    for kind, words in _phrases(set_aside, text):
        if not lexicon().names_something(words):  # "his", "see"
            continue
        kinds.setdefault(kind, {})[words] = None
    told = [f"{_listed(list(words), most)} ({kind})" for kind, words in kinds.items()]
    if told:
        yield f"Left aside: {'; '.join(told)}."


def _phrases(set_aside: Sequence["SetAside"], text: str) -> Iterator[tuple[str, str]]:
    """What is set aside, neighbours with nothing but blanks between in one: "grey" and "hoodie" as "grey hoodie"."""
    open_kind, start, end = "", 0, 0
    for each in set_aside:
        kind = _ASIDE.get(each.why, "")
        if kind and kind == open_kind and not text[end : each.start].strip():
            end = max(end, each.end)
            continue
        if open_kind:
            yield open_kind, _bare(text[start:end])
        open_kind, start, end = kind, each.start, each.end
    if open_kind:
        yield open_kind, _bare(text[start:end])


def _bare(words: str) -> str:
    """The words in one line, without the article before them."""
    first, _, rest = " ".join(words.split()).partition(" ")
    return rest if rest and first.casefold() in ("a", "an", "the", "his", "her", "some") else f"{first} {rest}".strip()


def _listed(words: list[str], most: int = _SHOWN) -> str:
    more = len(words) - most
    return ", ".join(words) if more <= 0 else f"{', '.join(words[:most])} and {more} more"


def remarks_on(statement: "Statement", person: int | None = None, most: int = _SHOWN) -> tuple[str, ...]:
    """Everything that the reader of a statement should know, a sentence each. person: only what is on this one, or on
    the whole statement. most: set-aside phrases that are listed of each kind."""
    notices = [notice_in_words(each) for each in statement.notices if person is None or each.person in (0, person)]
    return tuple(dict.fromkeys((*notices, *aside_in_words(statement.set_aside, statement.text, most))))
