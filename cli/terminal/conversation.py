"""The talk with a witness: questions on stderr, answers from the terminal or a pipe, one a line.

No face is shown in it, by name or picture: who has seen pictures is lost for a line-up.
"""

import math
import os
import select
import sys
from enum import StrEnum
from typing import TYPE_CHECKING

from cli.errors import UsageProblem
from cli.terminal.console import say
from facesearch.search.answers import Said, read_answer
from facesearch.search.interview import Answer
from facesearch.search.questions import OPEN_PROMPTS

if TYPE_CHECKING:
    from facesearch.search.interview import Interview
    from facesearch.search.questions import Question

_HOW = """Answer yes, no or not sure (y, n, ?), or in a sentence.
Or say: back (takes an answer back), stop (the result)."""
_LONGEST = 200  # characters of an answer that are read at once
_LONGEST_TOLD = 20_000


class _Command(StrEnum):
    BACK = "back"
    STOP = "stop"
    HELP = "help"


_Meaning = Answer | _Command

_WAYS: dict[_Meaning, tuple[str, ...]] = {
    Answer.YES: ("yes", "y", "yeah", "yep", "yup"),
    Answer.NO: ("no", "n", "nope", "nah"),
    Answer.UNSURE: ("not sure", "unsure", "?", "don't know", "dont know", "i don't know", "dunno", "skip"),
    _Command.BACK: ("back", "b", "undo"),
    _Command.STOP: ("stop", "s", "quit", "q", "exit", "end", "done"),
    _Command.HELP: ("help", "h"),
}
_MEANINGS: dict[str, _Meaning] = {way: meaning for meaning, ways in _WAYS.items() for way in ways}


def take_open() -> list[tuple[str, str]]:
    """Each open prompt with what was said, word by word: on a terminal up to an empty line, from a pipe one line."""
    _tolerate_any_answer()
    person = sys.stdin is not None and sys.stdin.isatty()
    say(
        "First in the witness's own words. An empty line ends an answer." if person else "First in the witness's words."
    )
    return [(prompt, _told(prompt, person)) for prompt in OPEN_PROMPTS]


def _told(prompt: str, person: bool) -> str:
    print(f"{prompt}\n> ", end="", file=sys.stderr, flush=True)
    lines: list[str] = []
    while sys.stdin is not None and sum(map(len, lines)) < _LONGEST_TOLD:
        if person:
            _wait_for_line()
        line = sys.stdin.readline(_LONGEST_TOLD)
        if line.strip():
            lines.append(line.rstrip("\r\n"))
        if not (person and line.strip()):
            break
    if not person:
        say(" ".join(lines))
    return "\n".join(lines)


def hold(interview: "Interview", most: int) -> None:
    """Ask closed questions until the witness stops, `most` are answered, or none is left that tells anything.

    Raises UsageProblem where a pipe gives what is no answer.
    """
    _tolerate_any_answer()
    say("Closed questions. They lead a witness: ask them last, or not at all.")
    _explain()
    say(f"Faces to choose from: {interview.candidates:,}")
    while len(interview.answers) < most:
        question = interview.next_question()
        if question is None:
            if interview.candidates:
                say("No further question would tell much.")
            return
        said = _heard(question, len(interview.answers) + 1)
        if isinstance(said, Answer | Said):
            interview.answer(question, said)
            if interview.answers[-1].parts:
                say(f"   {remaining_in_words(interview)}")
        elif said is _Command.STOP:
            return
        elif said is _Command.HELP:
            _explain()
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


def _heard(question: "Question", number: int) -> _Meaning | Said:
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
        answer = read_answer(question, said)
        if answer is not None:
            return answer
        if not person:
            raise UsageProblem(
                f'"{said[:40]}" is no answer: each line of the input is yes, no, not sure, a sentence, back or stop.'
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
    if reconfigure is not None and sys.stdin.errors != "backslashreplace":  # it cannot be changed after the first read
        reconfigure(errors="backslashreplace")


def _explain() -> None:
    for line in _HOW.splitlines():
        say(line)


def _plain(said: str) -> str:
    return " ".join(said.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").rstrip(".!").split())
