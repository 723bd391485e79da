"""The catalogues that a command works on. Light: what searches and prints need is not loaded for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.report.wording import notice_in_words
from cli.terminal.console import say
from db.catalogue import Catalogue, open_catalogue
from facesearch.custody.policy import policy_at

if TYPE_CHECKING:
    from facesearch.search.several import Catalogues


@contextmanager
def opened(path: Path, *, create: bool = False) -> Iterator[Catalogue]:
    """The catalogue, after saying which one it is and what is peculiar about it. Raises PolicyError, too."""
    say(f"Catalogue: {path.absolute()}")
    policy_at(path)  # with a mistake in it nothing runs
    with open_catalogue(path, create=create) as catalogue:
        for notice in catalogue.notices:
            say(notice_in_words(notice))
        yield catalogue


@contextmanager
def opened_together(paths: Sequence[Path], *, alike: bool = True) -> "Iterator[Catalogues]":
    """One catalogue or several, after saying which ones they are and what is peculiar about each. alike: raises
    RequestError unless they are scored by one network."""
    from facesearch.search.several import check_networks, open_all

    for path in paths:
        say(f"Catalogue: {path.absolute()}")
        policy_at(path)  # with a mistake in it nothing runs
    with open_all(paths) as among:
        for each in among.opened:
            for notice in each.notices:
                say(notice_in_words(notice))
        if alike:
            check_networks(among)
        yield among
