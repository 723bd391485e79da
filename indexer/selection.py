"""What a run takes of a folder, as the user has said: hidden and system folders or not, and what is excluded.

Nothing inside an indexed folder has a say in this: no .gitignore, no .nomedia.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from db.errors import NoHome
from db.paths import display, user_data_folder, within
from db.roots import Selection
from db.values.photo import LeftOut
from facesearch import places
from indexer.errors import BadPattern, WrongFolder

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class Chooser:
    """Applies the selection of one root. All paths are within that root."""

    def __init__(self, selection: Selection | None = None) -> None:
        self.selection = selection or Selection()
        self.everything = self.selection.everything

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chooser) and self.selection == other.selection

    def __hash__(self) -> int:
        return hash(self.selection)

    @property
    def excludes_anything(self) -> bool:
        return bool(self.selection.exclude)

    def passes_over(self, path: bytes, *, folder: bool) -> str | None:
        """Why this file or folder is hidden or the system's (`places.kind_of`), if that counts here."""
        return None if self.everything else places.kind_of(path, folder=folder)

    def excludes(self, path: bytes, *, folder: bool) -> bool:
        """Whether a pattern excludes this file, or this folder with all that lies below it; what lies above it is not
        looked at."""
        if not self.excludes_anything:
            return False
        text = unicodedata.normalize("NFC", os.fsdecode(path))
        return self._folders.match_file(f"{text}/") if folder else self._files.match_file(text)

    def leaves_out(self, path: bytes) -> LeftOut | None:
        """Why the walk does not come to the file at this path, if it is there."""
        folders = places.folders_above(path)
        if any(self.passes_over(each, folder=True) for each in folders) or self.passes_over(path, folder=False):
            return LeftOut.HIDDEN
        return LeftOut.EXCLUDED if self._is_excluded(path) else None

    def comes_to(self, folder: bytes) -> bool:
        """Whether the walk looks into this folder, links aside."""
        through = [*places.folders_above(folder), folder]
        return not any(self.passes_over(each, folder=True) or self.excludes(each, folder=True) for each in through)

    def _is_excluded(self, path: bytes) -> bool:
        return self.excludes(path, folder=False) or any(
            self.excludes(each, folder=True) for each in places.folders_above(path)
        )

    @cached_property
    def _files(self) -> GitIgnoreSpec:
        return _compiled(self.selection.exclude)

    @cached_property
    def _folders(self) -> GitIgnoreSpec:
        # "a/**" excludes all that lies in a, but not a itself: something in it can be taken back ("!a/keep.jpg").
        takes_back = any(pattern.startswith("!") for pattern in self.selection.exclude)
        if not takes_back:
            return self._files
        return _compiled([pattern for pattern in self.selection.exclude if not pattern.rstrip().endswith("/**")])


_ODD_CLASS = re.compile(r"(?<!\\)\[[!^]?\]?(?:\[|[^\]]*(?:--|&&|~~|\|\|))[^\]]*\]")
"""What may mean something else to regular expressions some day, which they warn of: [[:alpha:]], [a--z]."""


def checked_pattern(pattern: str) -> str:
    """The pattern, if it is one that excludes, or takes back, something. Raises BadPattern."""
    shown = pattern.strip()
    if not shown or shown == "!":
        raise BadPattern("A pattern to exclude is empty: give one in gitignore syntax, such as '*.png' or 'raw/'.")
    if shown.startswith("#"):
        raise BadPattern(f"{pattern} is a comment in gitignore syntax: write '\\{shown}' for what begins with #.")
    if "\n" in pattern or "\0" in pattern:
        raise BadPattern("A pattern to exclude goes on in a second line.", "pattern of two lines")
    if not {"", ".", ".."}.isdisjoint(shown.removeprefix("!").strip("/").split("/")):
        raise BadPattern(
            f"{pattern} excludes nothing: a pattern is compared with paths within the folder, so write it without ., "
            ".. and //."
        )
    if _ODD_CLASS.search(shown):
        raise BadPattern(f"{pattern} is no pattern in gitignore syntax (a class that is not known): correct it.")
    if all(each.include is None for each in _compiled([pattern]).patterns):
        raise BadPattern(f"{pattern} excludes nothing: a [ needs its ], and \\[ stands for the character itself.")
    return pattern


class Choice:
    """What the user says with a run about what is taken of the folders: it is kept with their roots.

    everything: None leaves it as it is. exclude: further patterns, as they are meant within the named folders; include:
    patterns that are to exclude nothing any more. Raises BadPattern.
    """

    def __init__(
        self, *, everything: bool | None = None, exclude: Sequence[str] = (), include: Sequence[str] = ()
    ) -> None:
        self.everything = everything
        self._exclude = [checked_pattern(pattern) for pattern in exclude]
        self._include = list(include)
        self._unknown = set(include)

    def applied(self, selection: Selection, folders: Sequence[bytes], root: bytes) -> Selection:
        """The selection of a root (absolute path) after a run over these folders, of which it holds or lies in one."""
        patterns = list(selection.exclude)
        for pattern in self._include:
            for meant in (pattern, *(rebased(pattern, folder, root) for folder in folders)):
                if meant in patterns:
                    patterns.remove(meant)
                    self._unknown.discard(pattern)
        added = (rebased(pattern, folder, root) for folder in folders for pattern in self._exclude)
        patterns += [pattern for pattern in added if pattern is not None]
        everything = selection.everything if self.everything is None else self.everything
        return Selection(everything, tuple(dict.fromkeys(patterns)))

    def check(self) -> None:
        """Raises BadPattern where a pattern to include excludes nothing in any of the folders."""
        if self._unknown:
            raise BadPattern(
                f"{', '.join(sorted(self._unknown))} is not excluded in these folders.",
                "pattern unknown",
                patterns=sorted(self._unknown),
            )


def rebased(pattern: str, folder: bytes, root: bytes) -> str | None:
    """A pattern that was meant within a folder as one of a root that holds it or lies in it (absolute paths); None
    where it says nothing about that root."""
    if folder == root:
        return pattern
    negation, body = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    # A slash at the beginning or within ties a pattern to its place; without one it holds at any depth.
    tied = "/" in body.rstrip().rstrip("/")
    inside = within(root, folder)
    if inside is not None:
        return f"{negation}/{_literally(inside)}/{'' if tied else '**/'}{body.lstrip('/')}"
    outside = within(folder, root)
    if outside is None:
        return None
    if not tied or body.startswith("**/"):
        return pattern
    prefix = f"{_literally(outside)}/"
    return f"{negation}/{body.lstrip('/')[len(prefix) :]}" if body.lstrip("/").startswith(prefix) else None


def refuse_to_write_into(folders: Sequence[bytes], catalogue: Path) -> None:
    """Raises WrongFolder where a catalogue lies in one of these folders: nothing is ever written among photos.

    The user's own data folder is nobody's evidence, and may lie in a home that is indexed as a whole.
    """
    place = os.fsencode(os.path.realpath(catalogue))
    with suppress(NoHome):
        if within(os.fsencode(os.path.realpath(user_data_folder())), place) is not None:
            return
    for folder in folders:
        if within(os.path.realpath(folder), place) is not None:
            raise WrongFolder(
                f"The catalogue {display(os.fsencode(catalogue))} lies in {display(folder)}, and nothing is ever "
                f"written into a folder with photos: name a place outside it.",
                "catalogue among photos",
                catalogue=display(os.fsencode(catalogue)),
                folder=display(folder),
            )


def _literally(path: bytes) -> str:
    return "".join(f"\\{c}" if c in "*?[]\\ !#" else c for c in os.fsdecode(path))


def _compiled(patterns: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(unicodedata.normalize("NFC", pattern) for pattern in patterns)
    except (ValueError, re.error, FutureWarning) as error:
        raise BadPattern(f"{', '.join(patterns)} is no pattern in gitignore syntax ({error}): correct it.") from error
