"""Where words go: results to stdout, everything else to stderr; and names from the disk made safe to print."""

import os
import sys
import unicodedata
from datetime import datetime

from rich.console import Console

WIDE = 10_000
"""Columns where no terminal sets a limit: a table in a file or a pipe keeps each of its rows on one line."""

_NARROW = 40
_USUAL = 80


def printable(text: str) -> str:
    """The text on one line and without characters that could steer a terminal or reorder what is read.

    File names may hold any byte: control characters, line breaks, bidirectional overrides and bytes that are no UTF-8
    appear as backslash escapes. Spaces of any width stay, since systems put them into names.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as os.fsdecode gives it
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def say(sentence: str) -> None:
    """One line on stderr."""
    print(printable(sentence), file=sys.stderr, flush=True)


class _Results(Console):
    def on_broken_pipe(self) -> None:
        """Let `cli.errors` say what it means that nobody reads on: rich would exit with 1, our "nothing matched"."""
        raise BrokenPipeError


def results() -> Console:
    """stdout for people: plain text, no markup in names, as wide as the terminal."""
    console = _Results(highlight=False, markup=False, emoji=False)
    if not console.is_terminal and not _told_width():
        console.width = WIDE
    return _readable(console)


def remarks() -> Console:
    """stderr, for progress displays."""
    return _readable(Console(stderr=True, highlight=False, markup=False, emoji=False))


def _told_width() -> bool:
    """Whether the environment says how wide the output is; 0 is what terminals say that do not know."""
    return os.environ.get("COLUMNS", "").isdigit() and int(os.environ["COLUMNS"]) > 0


def _readable(console: Console) -> Console:
    """Wide enough for words, whatever the terminal says."""
    if console.width < _NARROW:
        console.width = _NARROW if _told_width() else _USUAL
    return console


def tolerate_any_stream() -> None:
    """Let stdout and stderr escape what the terminal's encoding lacks, instead of failing on it; one that was closed
    before the program began leads nowhere, so that what is for it does not turn up in the other."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 (for good)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def now_in_words() -> str:
    """The minute and its time zone, for what is handed on."""
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
