"""The catalogue that a command works on. Light: what searches and prints need is not loaded for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.report.wording import notice_in_words
from cli.terminal.console import say
from db.catalogue import Catalogue, open_catalogue
from facesearch.custody.policy import policy_at


@contextmanager
def opened(path: Path, *, create: bool = False) -> Iterator[Catalogue]:
    """The catalogue, after saying which one it is and what is peculiar about it. Raises PolicyError, too."""
    say(f"Catalogue: {path.absolute()}")
    policy_at(path)  # with a mistake in it nothing runs
    with open_catalogue(path, create=create) as catalogue:
        for notice in catalogue.notices:
            say(notice_in_words(notice))
        yield catalogue
