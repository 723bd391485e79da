"""The talk with a witness: questions on stderr, answers from the terminal or a pipe, one a line."""

import math
import os
import select
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from cli.errors import UsageProblem
from cli.terminal.console import say
from facesearch.search.interview import Answer

if TYPE_CHECKING:
    from facesearch.search.interview import Interview
    from facesearch.search.questions import Question

_HOW = """Answer yes, no or not sure (y, n, ?).
Or say: back (takes an answer back), list (the best so far), stop (the result)."""
_LONGEST = 200  # characters of a line that are read at once


class _Command(StrEnum):
    BACK = "back"
    LIST = "list"
    STOP = "stop"
    HELP = "help"


_Meaning = Answer | _Command

_WAYS: dict[_Meaning, tuple[str, ...]] = {
    Answer.YES: ("yes", "y", "yeah", "yep", "yup"),
    Answer.NO: ("no", "n", "nope", "nah"),
    Answer.UNSURE: ("not sure", "unsure", "?", "don't know", "dont know", "i don't know", "dunno", "maybe", "skip"),
    _Command.BACK: ("back", "b", "undo"),
    _Command.LIST: ("list", "l"),
    _Command.STOP: ("stop", "s", "quit", "q", "exit", "end", "done"),
    _Command.HELP: ("help", "h"),
}
_MEANINGS: dict[str, _Meaning] = {way: meaning for meaning, ways in _WAYS.items() for way in ways}


def hold(interview: "Interview", most: int, show_best: Callable[[], None]) -> None:
    """Ask until the witness stops, `most` questions are answered, or none is left that tells anything.

    show_best: shows the best faces so far. Raises UsageProblem where a pipe gives what is no answer.
    """
    _tolerate_any_answer()
    _explain()
    say(f"Faces to choose from: {interview.candidates:,}")
    while len(interview.answers) < most:
        question = interview.next_question()
        if question is None:
            if interview.candidates:
                say("No further question would tell much.")
            return
        said = _heard(question, len(interview.answers) + 1)
        if isinstance(said, Answer):
            interview.answer(question, said)
            if said is not Answer.UNSURE:
                say(f"   {remaining_in_words(interview)}")
        elif said is _Command.STOP:
            return
        elif said is _Command.HELP:
            _explain()
        elif said is _Command.LIST:
            show_best()
        elif interview.take_back() is None:
            say("   There is no answer to take back.")
        else:
            say(f"   Taken back: {remaining_in_words(interview)}")
    say(f"That was question {most}, the last one.")


def remaining_in_words(interview: "Interview") -> str:
    """ "about 120 of 5,000 faces remain": the effective number, in two digits."""
    remaining = interview.remaining()
    digits = max(0, math.floor(math.log10(remaining)) - 1) if remaining >= 1 else 0
    number = round(remaining / 10**digits) * 10**digits
    words = f"{number:,} of {interview.candidates:,} faces {'remains' if number == 1 else 'remain'}"
    return words if number in (0, interview.candidates) else f"about {words}"


def _heard(question: "Question", number: int) -> _Meaning:
    """What the witness says; the end of the input is a stop.

    A person who is not understood is asked again. In a pipe that is an error, since the lines that follow would be
    taken for answers to other questions.
    """
    person = sys.stdin is not None and sys.stdin.isatty()
    while True:
        print(f"{number}. {question.text} (yes / no / not sure) ", end="", file=sys.stderr, flush=True)
        if person:
            _wait_for_line()
        line = sys.stdin.readline(_LONGEST) if sys.stdin is not None else ""
        said = line.strip() if line else _Command.STOP.value
        if not (person and line):  # the witness's own line break ends the line of the question
            say(said)
        meaning = _MEANINGS.get(_plain(said))
        if meaning is not None:
            return meaning
        if not person:
            raise UsageProblem(
                f'"{said[:40]}" is no answer: each line of the input is yes, no, not sure, back, list or stop.'
            )
        _explain()


def _wait_for_line() -> None:
    """Return when the terminal has a line. A Ctrl-C that arrives just before a read begins would not end that read."""
    if os.name == "posix":
        while not select.select([sys.stdin], [], [], 0.2)[0]:
            pass


def _tolerate_any_answer() -> None:
    """Bytes that are no text in the terminal's encoding are no answer, and no fault either."""
    reconfigure = getattr(sys.stdin, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _explain() -> None:
    for line in _HOW.splitlines():
        say(line)


def _plain(said: str) -> str:
    return " ".join(said.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").rstrip(".!").split())
