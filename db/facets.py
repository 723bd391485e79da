"""What there is to filter by: folders, months and cameras, with how many photos with faces each has."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from db.paths import join
from db.schema import File, Photo, Root
from db.values.photo import Outcome


@dataclass(frozen=True, slots=True)
class Facets:
    """folders: photos in or below each folder, by its absolute path, from the indexed folders down to `depth` levels
    below; months: photos by month ("2019-07"), undated: those without a date; cameras: by make and model, without a
    name those without one. Photos with faces alone, each file of the folders by itself."""

    folders: dict[bytes, int]
    months: dict[str, int]
    undated: int
    cameras: dict[str, int]


def facets(session: Session, *, depth: int = 3) -> Facets:
    """One pass over the files, and one over the photos."""
    there = exists().where(File.photo_id == Photo.id, File.missing_since.is_(None))
    month = func.strftime("%Y-%m", Photo.taken)
    taken = select(month, func.count(Photo.id)).where(Photo.outcome == Outcome.INDEXED, there).group_by(month)
    months: dict[str | None, int] = dict(session.execute(taken).all())
    made = select(Photo.camera, func.count(Photo.id)).where(Photo.outcome == Outcome.INDEXED, there)
    cameras = dict(session.execute(made.group_by(Photo.camera)).all())
    folders: Counter[bytes] = Counter()
    files = (
        select(Root.path, File.path)
        .join(Root, Root.id == File.root_id)
        .join(Photo, Photo.id == File.photo_id)
        .where(File.missing_since.is_(None), Photo.outcome == Outcome.INDEXED)
    )
    for root, path in session.execute(files):
        parts = path.split(b"/")[:-1]
        folders[root] += 1
        for level in range(1, min(len(parts), depth) + 1):
            folders[join(root, b"/".join(parts[:level]))] += 1
    undated = months.pop(None, 0)
    return Facets(
        dict(sorted(folders.items())),
        {name: number for name, number in sorted(months.items(), key=str) if name is not None},
        undated,
        {name or "": number for name, number in cameras.items()},
    )
