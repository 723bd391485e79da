"""Sentences for what the reading of a statement meets: its errors, its notices, and what it sets aside."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesearch.statement.errors import Notice, StatementError
    from facesearch.statement.statement import Statement

_SHOWN = 6
"""Set-aside words that a sentence lists."""


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
    if notice.kind == "rare":
        return str(values["sentence"])
    return "Nothing in the statement can be searched."


def aside_in_words(words: Sequence[str]) -> Iterator[str]:
    """At most one sentence on what is not searched."""
    if not words:
        return
    quoted = [f'"{each}"' for each in words[:_SHOWN]]
    more = len(words) - len(quoted)
    listed = ", ".join(quoted) if more else " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
    rest = f" and {more} more" if more else ""
    yield f"The network does not score {listed}{rest}; searched for the rest."


def remarks_on(statement: "Statement") -> tuple[str, ...]:
    """Everything that the reader of a statement should know, a sentence each."""
    notices = [notice_in_words(notice) for notice in statement.notices]
    return tuple(dict.fromkeys((*notices, *aside_in_words(statement.not_scored))))
