"""What a photo must be like for its faces to be searched: where it lies, its name, when and with what it was taken."""

import fnmatch
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class PhotoFilter:
    """A photo passes when it meets every condition that is set; an empty one is not set.

    folder: the photo lies in one of these folders or below it: an absolute path, or whole trailing parts of one, such
        as "holiday/2019" for everything in .../holiday/2019. Upper and lower case differ, as in paths.
    name: the file's name, without its folder, is like one of these: with `*` (any characters) or `?` (any one) the
        whole name has to match, without them it has to contain this text. Upper and lower case are the same.
    taken_from, taken_to: bounds, both inclusive, of the day on which the photo was taken, by the camera's own clock
        (EXIF DateTimeOriginal). A photo without a date passes neither.
    camera: make and model ("Canon EOS 80D") contain one of these texts. Upper and lower case are the same.

    Folder and name are met by one and the same file: a photo with several copies passes when one that is not known to
    be missing does. Texts hold surrogate escapes for bytes that are no UTF-8, as Python gives them (`os.fsdecode`), and
    letters with accents are the same however they are composed.
    """

    folder: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    taken_from: date | None = None
    taken_to: date | None = None
    camera: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether any condition is set."""
        return bool(self.folder or self.name or self.asks_exif)

    @property
    def asks_exif(self) -> bool:
        """Whether a condition is about what the camera wrote into the photo."""
        return bool(self.taken_from or self.taken_to or self.camera)


def path_test(photos: PhotoFilter) -> Callable[[str | os.PathLike[str]], bool]:
    """Whether a photo's absolute path lies in one of the folders and has one of the names; dates and cameras are no
    path's."""
    in_folder, has_name = folder_test(photos.folder), name_test(photos.name)

    def test(path: str | os.PathLike[str]) -> bool:
        folder, _, name = os.fsencode(path).rpartition(b"/")
        return in_folder(f"{path_text(folder)}/") and has_name(path_text(name))

    return test


def folder_test(folders: Sequence[str]) -> Callable[[str], bool]:
    """Whether the absolute path of a folder, with a slash at its end, is that of one of these or lies below it."""
    if not folders:
        return lambda path: True  # noqa: ARG005
    heads, parts = _heads_and_parts(folders)
    return lambda path: path.startswith(heads) or any(part in path for part in parts)


def _heads_and_parts(folders: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """With what a path has to begin, or what it has to hold, to lie in one of these folders."""
    wanted = [os.path.normpath(unicodedata.normalize("NFC", folder)) for folder in folders]
    heads = tuple(_between_slashes(folder) for folder in wanted if folder.startswith("/"))
    return heads, tuple(_between_slashes(folder) for folder in wanted if not folder.startswith("/"))


def folder_key(folders: Iterable[str]) -> str:
    """The absolute paths of the folders that hold a photo, without slashes at their ends, as one text that answers by
    itself whether one of them lies in another folder: if it holds one of that one's `folder_needles`."""
    return "".join(f"/{folder}/" for folder in folders)


def folder_needles(folders: Sequence[str]) -> tuple[str, ...]:
    """What the `folder_key` of a photo in one of these folders, or below, holds. No path has two slashes in a row, so
    that they stand for the beginning of one."""
    heads, parts = _heads_and_parts(folders)
    return (*(f"/{head}" for head in heads), *parts)


def day_number(day: date) -> int:
    """A day as a number that comes before that of every later day: 20190714."""
    return day.year * 10_000 + day.month * 100 + day.day


def _between_slashes(folder: str) -> str:
    place = folder.strip("/")
    return f"/{place}/" if place not in ("", ".") else "/"


def name_test(names: Sequence[str]) -> Callable[[str], bool]:
    """Whether the name of a file, without its folder, is like one of these."""
    if not names:
        return lambda name: True  # noqa: ARG005
    patterns = [unicodedata.normalize("NFC", name) for name in names]
    # fnmatch knows a third wildcard, [...], which is more often part of a name than meant as one.
    globs = [
        fnmatch.translate((text if re.search(r"[*?]", text) else f"*{text}*").replace("[", "[[]")) for text in patterns
    ]
    like = re.compile("|".join(globs), re.IGNORECASE)
    return lambda name: like.match(name) is not None


def folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def path_text(path: bytes) -> str:
    return unicodedata.normalize("NFC", os.fsdecode(path))
