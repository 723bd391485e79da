"""What a photo must be like for its faces to be searched: where it lies, its name, when and with what it was taken."""

import fnmatch
import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

import numpy as np
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db.arrays import Ids
from db.chunks import listed
from db.schema import Face, File, Photo, Root


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
    in_folder, has_name = _folder_test(photos.folder), _name_test(photos.name)

    def test(path: str | os.PathLike[str]) -> bool:
        folder, _, name = os.fsencode(path).rpartition(b"/")
        return in_folder(f"{_text(folder)}/") and has_name(_text(name))

    return test


def faces_of(session: Session, photos: PhotoFilter) -> Ids:
    """The visible faces whose photo passes: int64[K], their ids in ascending order.

    One pass over the files where folder or name are asked for; whatever else is asked for is SQLite's to find.
    """
    query = select(Face.id).where(Face.hidden.is_(False))
    content = _conditions_on_content(session, photos)
    if content:
        query = query.where(Face.photo_id.in_(select(Photo.id).where(*content)))
    if photos.folder or photos.name:
        query = query.where(Face.photo_id.in_(listed(_photos_by_file(session, photos, content))))
    return np.sort(np.fromiter(session.execute(query).scalars(), dtype=np.int64))


def _conditions_on_content(session: Session, photos: PhotoFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if photos.taken_from:
        conditions.append(Photo.taken >= datetime.combine(photos.taken_from, time.min))
    if photos.taken_to:
        conditions.append(Photo.taken <= datetime.combine(photos.taken_to, time.max))
    if photos.camera:
        # A few hundred different cameras at most take millions of photos, so Python, which knows about case beyond
        # A to Z, looks at each once.
        wanted = [_folded(text) for text in photos.camera]
        known = session.execute(select(Photo.camera).distinct()).scalars()
        cameras = [camera for camera in known if any(text in _folded(camera) for text in wanted)]
        conditions.append(Photo.camera.in_(listed(cameras)))
    return conditions


def _photos_by_file(session: Session, photos: PhotoFilter, content: Sequence[ColumnElement[bool]]) -> list[int]:
    """Ids of the photos with a present file in one of the folders and with one of the names."""
    query = select(File.photo_id, File.root_id, File.path).where(File.missing_since.is_(None))
    if content:
        query = query.where(File.photo_id.in_(select(Photo.id).where(*content)))
    roots = {root_id: _text(path.rstrip(b"/")) for root_id, path in session.execute(select(Root.id, Root.path))}
    in_folder = _folder_test(photos.folder)
    has_name = _name_test(photos.name)
    passing: set[int] = set()
    folders: dict[tuple[int, bytes], bool] = {}
    for photo_id, root_id, path in session.connection().execute(query):
        if photo_id is None or photo_id in passing:
            continue
        folder, _, name = path.rpartition(b"/")
        inside = folders.get((root_id, folder))
        if inside is None:
            whole = f"{roots[root_id]}/{_text(folder)}/" if folder else f"{roots[root_id]}/"
            inside = folders[root_id, folder] = in_folder(whole)
        if inside and has_name(_text(name)):
            passing.add(photo_id)
    return sorted(passing)


def _folder_test(folders: Sequence[str]) -> Callable[[str], bool]:
    """Whether the absolute path of a folder, with a slash at its end, is that of one of these or lies below it."""
    if not folders:
        return lambda path: True  # noqa: ARG005
    wanted = [os.path.normpath(unicodedata.normalize("NFC", folder)) for folder in folders]
    heads = tuple(_between_slashes(folder) for folder in wanted if folder.startswith("/"))
    parts = tuple(_between_slashes(folder) for folder in wanted if not folder.startswith("/"))
    return lambda path: path.startswith(heads) or any(part in path for part in parts)


def _between_slashes(folder: str) -> str:
    place = folder.strip("/")
    return f"/{place}/" if place not in ("", ".") else "/"


def _name_test(names: Sequence[str]) -> Callable[[str], bool]:
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


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _text(path: bytes) -> str:
    return unicodedata.normalize("NFC", os.fsdecode(path))
