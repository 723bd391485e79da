"""Progress on stderr: a live display on a terminal, a line now and then in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.terminal.console import remarks, say

LINE_EVERY = 10.0
"""Seconds between two lines in a log."""


class Status:
    """A bar with words after it. `show` may be called as often as one likes."""

    def __init__(self, display: Progress | None) -> None:
        self._display = display
        self._task = None if display is None else display.add_task("", total=None, words="")
        self._said = time.monotonic()
        self._what = ""
        self._pending: str | None = None

    def show(self, what: str, done: int, total: int | None, words: str = "") -> None:
        """what: the stage; done of total (None: not known yet); words: anything else to say."""
        if self._display is not None and self._task is not None:
            self._display.update(self._task, description=what, completed=done, total=total, words=words)
            return
        if what != self._what:
            self.flush()
            self._what = what
        of = f" of {total:,}" if total is not None else ""
        self._pending = f"{what}: {done:,}{of}" + (f", {words}" if words else "")
        now = time.monotonic()
        if now - self._said >= LINE_EVERY:
            self._said = now
            self.flush()

    def note(self, sentence: str) -> None:
        """A line that stays."""
        if self._display is not None:
            self._display.console.print(sentence)
        else:
            say(sentence)

    def flush(self) -> None:
        """Say in a log what was shown last."""
        if self._pending is not None:
            say(self._pending)
            self._pending = None


@contextmanager
def status() -> Iterator[Status]:
    """A live display as long as the block runs, or lines where stderr is no terminal."""
    console = remarks()
    if not console.is_terminal:
        yield Status(None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}"),
    )
    with Progress(*columns, console=console, transient=True) as display:
        yield Status(display)


@contextmanager
def counted(what: str, total: int, *, from_on: int) -> Iterator[Callable[[int], None]]:
    """A bar for work that takes long only for many; nothing is shown below `from_on` or where stderr is no terminal."""
    console = remarks()
    if total < from_on or not console.is_terminal:
        yield _ignore
        return
    columns = (TextColumn(what), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as display:
        task = display.add_task("", total=total)
        yield lambda more: display.advance(task, more)


def duration(seconds: float) -> str:
    """1:02:03 or 2:03."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _ignore(more: int) -> None:
    """Nobody wants to see it."""
