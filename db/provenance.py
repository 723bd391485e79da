"""By which versions photos were looked at, and which of them a newer version can look at to more effect.

A photo names one row of `provenances`; which of these few rows are behind is the caller's to judge. So a new version
costs no photo a write, and what is behind is found through an index, by provenance and outcome.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from db import schema
from db.chunks import listed
from db.schema import File, Photo, Root
from db.values.photo import Outcome

_MOST_PLACES = 200  # more conditions than that are too many for a statement: then whole roots are meant


@dataclass(frozen=True, slots=True)
class Provenance:
    """The version of each product of a photo's pixels, a field each; fields and columns as in `schema.Provenance`."""

    decoder: str
    detector: str | None = None
    again: bool = False


_FIELDS = tuple(field.name for field in fields(Provenance))


class Group(NamedTuple):
    """All photos of one provenance (its id) and one outcome."""

    provenance_id: int
    outcome: Outcome


class Place(NamedTuple):
    """A root (its id), or the folder at this path within it."""

    root_id: int
    within: bytes = b""

    def holds(self, root_id: int, path: bytes) -> bool:
        """Whether the file at this path within this root lies here."""
        return root_id == self.root_id and (not self.within or path.startswith(self.within + b"/"))


class StoredFile(NamedTuple):
    """A file as it was when last looked at: its id, its root, its path within that, size in bytes, mtime and ctime
    (None where that says nothing) in ns.

    failing: it could not be read the last time, or its photo could not be looked at again.
    """

    id: int
    root_id: int
    root: bytes
    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int | None
    failing: bool


@dataclass(frozen=True, slots=True)
class BehindPhoto:
    """A content to look at again. files: those through which it can be, in order of id."""

    photo_id: int
    sha256: str
    outcome: Outcome
    files: tuple[StoredFile, ...]


def known(session: Session) -> dict[int, Provenance]:
    """All provenances by id."""
    rows = session.execute(select(schema.Provenance)).scalars()
    return {row.id: Provenance(**{name: getattr(row, name) for name in _FIELDS}) for row in rows}


def ids_of(session: Session, wanted: Iterable[Provenance]) -> dict[Provenance, int]:
    """The id of each of these; rows are made for those that are new."""
    ids = {each: id for id, each in known(session).items()}
    for each in dict.fromkeys(wanted):
        if each not in ids:
            session.execute(insert(schema.Provenance).values(**asdict(each)))
            ids[each] = session.execute(select(func.max(schema.Provenance.id))).scalar_one()
    return ids


def groups(session: Session, is_behind: Callable[[Provenance, Outcome], bool]) -> frozenset[Group]:
    """The groups that are behind in this judgement, whether or not there are such photos."""
    every = product(known(session).items(), Outcome)
    return frozenset(Group(id, outcome) for (id, each), outcome in every if is_behind(each, outcome))


def ask_again(session: Session, places: Sequence[Place], may_ask: Callable[[Provenance, Outcome], bool]) -> None:
    """Mark the photos with a file that is there in these places, so that they are behind until they were looked at.

    may_ask: whether photos of this provenance and outcome are meant.
    """
    wanted = [(id, each, outcome) for id, each in known(session).items() for outcome in Outcome if not each.again]
    wanted = [(id, each, outcome) for id, each, outcome in wanted if may_ask(each, outcome)]
    asked = ids_of(session, (replace(each, again=True) for _, each, _ in wanted))
    for id, each, outcome in wanted:
        session.execute(
            update(Photo)
            .where(*_in(Group(id, outcome), places))
            .values(provenance_id=asked[replace(each, again=True)]),
            execution_options={"synchronize_session": False},
        )


def behind(
    session: Session, group: Group, places: Sequence[Place], *, after: int = 0, limit: int = 1000
) -> list[BehindPhoto]:
    """Photos of this group with a file that is there in one of these places; the next `limit` with an id > after."""
    page = select(Photo.id, Photo.sha256).where(*_in(group, places), Photo.id > after).order_by(Photo.id).limit(limit)
    found = {photo_id: sha256 for photo_id, sha256 in session.execute(page)}  # noqa: C416 (rows are no pairs to mypy)
    files = files_of(session, list(found), _widened(places))
    return [BehindPhoto(photo_id, sha256, group.outcome, files[photo_id]) for photo_id, sha256 in found.items()]


def files_of(session: Session, photo_ids: Sequence[int], places: Sequence[Place]) -> dict[int, tuple[StoredFile, ...]]:
    """The files of these photos that are there, in these places, in order of id."""
    found: dict[int, list[StoredFile]] = {photo_id: [] for photo_id in photo_ids}
    failing = File.reason.is_not(None)
    of_photos = File.photo_id.in_(listed(photo_ids))
    size_and_times = (File.size, File.mtime_ns, File.ctime_ns)
    rows = session.execute(
        select(File.photo_id, File.id, File.root_id, Root.path, File.path, *size_and_times, failing)
        .join(Root, Root.id == File.root_id)
        .where(of_photos, File.missing_since.is_(None))
        .order_by(File.id)
    )
    # Which places they are in is not asked of SQLite: it might choose to go through all files of a root.
    for photo_id, id, root_id, root, path, size, mtime_ns, ctime_ns, fails in rows:
        if photo_id is not None and any(place.holds(root_id, path) for place in places):
            found[photo_id].append(StoredFile(id, root_id, root, path, size, mtime_ns, ctime_ns, fails))
    return {photo_id: tuple(files) for photo_id, files in found.items()}


def all_behind(pages: Callable[[Group, int], list[BehindPhoto]], groups: Collection[Group]) -> Iterator[BehindPhoto]:
    """Every photo that `pages` (group, after) gives, group by group."""
    for group in sorted(groups):
        after = 0
        while page := pages(group, after):
            yield from page
            after = page[-1].photo_id


def behind_count(session: Session, groups: Collection[Group], places: Sequence[Place] | None = None) -> int:
    """How many photos `behind` gives in all; without places, anywhere."""
    return sum(
        session.execute(select(func.count(Photo.id)).where(*_in(group, places))).scalar_one() for group in groups
    )


def _in(group: Group, places: Sequence[Place] | None) -> tuple[ColumnElement[bool], ...]:
    """Photos of the group with a file that is there, in one of the places if these are given."""
    there = exists().where(File.photo_id == Photo.id, File.missing_since.is_(None))
    there = there if places is None else there.where(_within(places))
    return Photo.provenance_id == group.provenance_id, Photo.outcome == group.outcome, there


def _widened(places: Sequence[Place]) -> Sequence[Place]:
    return places if len(places) <= _MOST_PLACES else [Place(root_id) for root_id in {each.root_id for each in places}]


def _within(places: Sequence[Place]) -> ColumnElement[bool]:
    places = _widened(places)
    whole = {place.root_id for place in places if not place.within}
    parts = [place for place in places if place.root_id not in whole]
    below = ((place, place.within + b"/", place.within + b"0") for place in parts)  # "0" comes after "/"
    return or_(
        File.root_id.in_(listed(sorted(whole))),
        *(and_(File.root_id == place.root_id, File.path > low, File.path < high) for place, low, high in below),
    )
