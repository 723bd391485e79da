"""Which faces are in photos that pass a filter."""

from collections.abc import Sequence
from datetime import datetime, time

import numpy as np
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db.arrays import Ids
from db.chunks import listed
from db.schema import Face, File, Photo, Root
from db.values.photo_filter import PhotoFilter, folded, folder_test, name_test, path_text


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
        wanted = [folded(text) for text in photos.camera]
        known = session.execute(select(Photo.camera).distinct()).scalars()
        cameras = [camera for camera in known if any(text in folded(camera) for text in wanted)]
        conditions.append(Photo.camera.in_(listed(cameras)))
    return conditions


def _photos_by_file(session: Session, photos: PhotoFilter, content: Sequence[ColumnElement[bool]]) -> list[int]:
    """Ids of the photos with a present file in one of the folders and with one of the names."""
    query = select(File.photo_id, File.root_id, File.path).where(File.missing_since.is_(None))
    if content:
        query = query.where(File.photo_id.in_(select(Photo.id).where(*content)))
    roots = {root_id: path_text(path.rstrip(b"/")) for root_id, path in session.execute(select(Root.id, Root.path))}
    in_folder = folder_test(photos.folder)
    has_name = name_test(photos.name)
    passing: set[int] = set()
    folders: dict[tuple[int, bytes], bool] = {}
    for photo_id, root_id, path in session.connection().execute(query):
        if photo_id is None or photo_id in passing:
            continue
        folder, _, name = path.rpartition(b"/")
        inside = folders.get((root_id, folder))
        if inside is None:
            whole = f"{roots[root_id]}/{path_text(folder)}/" if folder else f"{roots[root_id]}/"
            inside = folders[root_id, folder] = in_folder(whole)
        if inside and has_name(path_text(name)):
            passing.add(photo_id)
    return sorted(passing)
