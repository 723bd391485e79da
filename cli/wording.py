"""Sentences for what the reading of a statement meets: its errors, its notices, and what it sets aside."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesearch.query.errors import Notice, StatementError
    from facesearch.query.report import SetAside
    from facesearch.query.statement import Statement

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


def notice_in_words(notice: "Notice") -> str:
    values = notice.values
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


def _listed(words: list[str], most: int) -> str:
    more = len(words) - most
    return ", ".join(words) if more <= 0 else f"{', '.join(words[:most])} and {more} more"


def remarks_on(statement: "Statement", person: int | None = None, most: int = _SHOWN) -> tuple[str, ...]:
    """Everything that the reader of a statement should know, a sentence each. person: only what is on this one, or on
    the whole statement. most: set-aside phrases that are listed of each kind."""
    notices = [notice_in_words(each) for each in statement.notices if person is None or each.person in (0, person)]
    return tuple(dict.fromkeys((*notices, *aside_in_words(statement.set_aside, statement.text, most))))
