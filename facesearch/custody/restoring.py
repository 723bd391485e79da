"""The use case "put a backup in the place of the catalogue"."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from db import backup, snapshot
from db.backup import Contents
from db.catalogue import Catalogue, open_catalogue, os_errors_translated, reserved
from db.erasure import Erased
from db.errors import CatalogueDamaged, CatalogueError, CatalogueMissing, NotACatalogue
from db.paths import absolute, as_path, display, is_there
from facesearch.custody.policy import policy_at
from facesearch.errors import UsageError
from facesearch.search.ranking.profiles import encode


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restoration did. forgotten: what was taken out again, since it was forgotten after the backup.
    snapshot_problem: why searches are slower for now; None where they are not."""

    contents: Contents
    forgotten: Erased
    snapshot_problem: CatalogueError | None


class Restoration:
    """A backup that is ready to take the place of a catalogue. Made by `restoration`.

    present: what the catalogue holds now; None where there is none, or where it is damaged and cannot be read (then
    `damaged`, and what it says of numbers given since the backup is lost). coming: what the backup holds.
    """

    def __init__(self, path: Path, copy: Catalogue, coming: Contents, live: Catalogue | None, *, damaged: bool) -> None:
        self.path = path
        self.coming = coming
        self.present: Contents | None = None
        self.damaged = damaged
        self._copy = copy
        self._live = live
        if live is not None:
            try:
                with live.connection() as connection:
                    self.present = backup.contents_through(connection)
            except CatalogueDamaged:
                self.damaged = True

    @property
    def is_of_another(self) -> bool:
        """Whether the backup is known to be one of another catalogue."""
        known = self.present is not None and self.present.secret is not None and self.coming.secret is not None
        return known and self.present is not None and self.present.secret != self.coming.secret

    def carry_out(self, *, progress: Callable[[int, int], object] | None = None) -> Restored:
        """Put it in place. Raises CatalogueFull (all stays as it was) and other CatalogueErrors."""
        live = self._live
        forgotten = Erased(0, 0, 0)
        if live is not None and not self.damaged:
            with live.write():  # which a sealed one refuses
                pass
            backup.keep_log(live, self._copy)
            backup.keep_numbers(live, self._copy)
            forgotten = backup.forget_again(live, self._copy)
        with ExitStack() as stack:
            if live is None:
                live = stack.enter_context(_fresh(self.path))
            try:
                backup.put_in_place(self._copy, live, progress=progress)
            except CatalogueDamaged:  # of a part that even writing over it has to read
                live.close()
                live = stack.enter_context(_fresh(self.path))
                backup.put_in_place(self._copy, live, progress=progress)
            with live.connection() as connection:
                contents = backup.contents_through(connection)
            return Restored(contents, forgotten, _build_snapshot(live))


@contextmanager
def restoration(path: Path, file: Path) -> Iterator[Restoration]:
    """Make the backup in `file` ready to take the place of the catalogue at `path`, which no index run works on
    meanwhile. Nothing is changed before `Restoration.carry_out`.

    Raises UsageError where both are the same file, or the catalogue's policy does not allow it, CatalogueBusy while an
    index run is at work, NotACatalogue where either is something else, CatalogueDamaged for the backup, CatalogueFull
    and other CatalogueErrors.
    """
    policy_at(path).permit()
    path, file = as_path(absolute(path)), as_path(absolute(file))
    if is_there(path) and is_there(file) and path.samefile(file):
        raise UsageError(f"{_name(file)} is the catalogue itself: name a backup of it.")
    try:
        coming = backup.contents_of(file)
    except CatalogueMissing:
        raise CatalogueMissing(
            f"There is no backup at {_name(file)}: check how it is spelled.", "no backup", path=_name(file)
        ) from None
    except NotACatalogue as error:
        raise NotACatalogue(
            f"{_name(file)} is no backup: name a file that was written as one ({error})",
            "not a backup",
            path=_name(file),
            why=error,
        ) from None
    is_ours = any(is_there(f"{os.path.realpath(path)}{rest}") for rest in (".lock", ".d"))
    with os_errors_translated(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with reserved(path), ExitStack() as stack:
        live, damaged = None, False
        try:
            live = stack.enter_context(open_catalogue(path))
        except CatalogueMissing:
            pass
        except (CatalogueDamaged, NotACatalogue):
            if not is_ours:  # whatever it is: nothing says that it was a catalogue
                raise
            damaged = True
        copy = stack.enter_context(backup.prepared(file, path))
        yield Restoration(path, copy, coming, live, damaged=damaged)


@contextmanager
def _fresh(path: Path) -> Iterator[Catalogue]:
    backup.remove_damaged(path)
    with open_catalogue(path, create=True) as catalogue:
        yield catalogue


def _build_snapshot(catalogue: Catalogue) -> CatalogueError | None:
    try:
        snapshot.rebuild(catalogue, encode)
    except CatalogueError as error:
        return error.with_traceback(None)
    return None


def _name(path: Path) -> str:
    return display(os.fsencode(path))
