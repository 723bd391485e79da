"""Sets of known files that runs went by, and the photos that are of them.

A photo of a set is a content that is not looked at. Its files stand as left out, so that no search, page or export
comes to them; what an earlier run found in it stays, hidden, until the set is given up.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from db import faces
from db.chunks import READ_AT_ONCE, chunks
from db.paths import join
from db.photos import leave_out_recognised
from db.provenance import Provenance
from db.schema import ContentDigest, File, HashSet, Photo, Recognised, Root
from db.schema import Provenance as ProvenanceRow
from db.values.photo import RECOGNISED, LeftOut, Outcome

NOT_LOOKED_AT = Provenance("not looked at")
"""Of a content that was recognised before anything was made of its pixels."""
REASON = "it is of a set of known files, and was not looked at"

_PLAINLY = {"synchronize_session": False}


class StoredSet(NamedTuple):
    """A set as it stands in the catalogue; fields as in `schema.HashSet`. photos: how many contents are of it."""

    id: int
    name: str
    kind: LeftOut
    sha256: str
    hashes: int
    used: datetime
    photos: int


def stored_sets(session: Session) -> list[StoredSet]:
    """All sets that runs went by, by kind and name."""
    of_it = select(func.count()).where(Recognised.hash_set_id == HashSet.id).correlate(HashSet).scalar_subquery()
    columns = (HashSet.id, HashSet.name, HashSet.kind, HashSet.sha256, HashSet.hashes, HashSet.used, of_it)
    return [StoredSet(*row) for row in session.execute(select(*columns).order_by(HashSet.kind, HashSet.name))]


def register(session: Session, name: str, kind: LeftOut, sha256: str, hashes: int) -> int:
    """The id of this set, of which an older edition of the same name and kind is replaced."""
    values = {"sha256": sha256, "hashes": hashes, "used": datetime.now(UTC)}
    mine = (HashSet.name == name, HashSet.kind == kind)
    known = session.execute(select(HashSet.id).where(*mine)).scalar_one_or_none()
    if known is not None:
        session.execute(update(HashSet).where(HashSet.id == known).values(**values))
        return known
    session.execute(insert(HashSet).values(name=name, kind=kind, **values))
    return session.execute(select(HashSet.id).where(*mine)).scalar_one()


def set_of(session: Session, sha256: str) -> int | None:
    """The id of the set that the content with this SHA-256 (hexadecimal) is of; None where it is of none."""
    return session.execute(
        select(Recognised.hash_set_id).join(Photo, Photo.id == Recognised.photo_id).where(Photo.sha256 == sha256)
    ).scalar_one_or_none()


def is_illegal(session: Session, sha256: str) -> bool:
    """Whether the content with this SHA-256 (hexadecimal) is of a set of known illegal pictures."""
    return (
        session.execute(
            select(HashSet.kind)
            .join(Recognised, Recognised.hash_set_id == HashSet.id)
            .join(Photo, Photo.id == Recognised.photo_id)
            .where(Photo.sha256 == sha256)
        ).scalar_one_or_none()
        is LeftOut.KNOWN_ILLEGAL
    )


def count_recognised(session: Session) -> dict[LeftOut, int]:
    """How many contents with a file that is there are of a set, by kind."""
    rows = session.execute(
        select(File.left_out, func.count(File.photo_id.distinct()))
        .where(File.left_out.in_(RECOGNISED))
        .group_by(File.left_out)
    )
    return {kind: number for kind, number in rows if kind is not None}


class Content(NamedTuple):
    """A photo's id and SHA-256 (hexadecimal), and the id of the set that it is of."""

    photo_id: int
    sha256: str
    hash_set_id: int | None


def contents(session: Session) -> Iterator[Content]:
    """Every content that the catalogue knows."""
    statement = select(Photo.id, Photo.sha256, Recognised.hash_set_id).outerjoin(
        Recognised, Recognised.photo_id == Photo.id
    )
    for row in session.execute(statement, execution_options={"yield_per": READ_AT_ONCE}):
        yield Content(*row)


def digests(session: Session, algorithm: str) -> dict[int, bytes]:
    """What is known of the contents' digests by this algorithm, by photo id."""
    rows = session.execute(
        select(ContentDigest.photo_id, ContentDigest.digest).where(ContentDigest.algorithm == algorithm)
    )
    return {photo_id: digest for photo_id, digest in rows}  # noqa: C416 (rows are no pairs to mypy)


def paths_of(session: Session, photo_ids: Sequence[int]) -> dict[int, list[bytes]]:
    """Absolute paths of the files of these photos that are there, left out or not."""
    found: dict[int, list[bytes]] = {}
    there = or_(File.missing_since.is_(None), File.left_out.is_not(None))
    for some in chunks(photo_ids):
        rows = session.execute(
            select(File.photo_id, Root.path, File.path)
            .join(Root, Root.id == File.root_id)
            .where(File.photo_id.in_(some), there)
            .order_by(File.id)
        )
        for photo_id, root, path in rows:
            found.setdefault(photo_id, []).append(join(root, path))  # type: ignore[arg-type]
    return found


def keep_digests(session: Session, known: Mapping[str, Mapping[str, bytes]]) -> set[str]:
    """Keep digests by algorithm of contents by SHA-256 (hexadecimal); of which, since the catalogue knows them."""
    kept: set[str] = set()
    for some in chunks(sorted(known)):
        rows = session.execute(select(Photo.sha256, Photo.id).where(Photo.sha256.in_(some))).all()
        kept |= {sha256 for sha256, _ in rows}
        values = [
            {"photo_id": photo_id, "algorithm": algorithm, "digest": digest}
            for sha256, photo_id in rows
            for algorithm, digest in known[sha256].items()
        ]
        if values:
            session.execute(insert(ContentDigest).prefix_with("OR REPLACE"), values)
    return kept


def recognise(session: Session, sets: Mapping[int, int]) -> int:
    """Note of which set (id) photos (id) are; how many faces left the results."""
    for some in chunks(sorted(sets)):
        session.execute(delete(Recognised).where(Recognised.photo_id.in_(some)), execution_options=_PLAINLY)
        session.execute(insert(Recognised), [{"photo_id": each, "hash_set_id": sets[each]} for each in some])
        # One that was of another kind before is left out as what it is now.
        session.execute(
            update(File)
            .where(File.photo_id.in_(some), File.left_out.in_(RECOGNISED))
            .values(missing_since=None, left_out=None),
            execution_options=_PLAINLY,
        )
    leave_out_recognised(session, sorted(sets))
    return faces.update_visibility(session, sorted(sets))


def release(session: Session, photo_ids: Collection[int]) -> int:
    """Let these photos be of no set; how many faces came back. Those that nobody has looked at are opened by the next
    run."""
    for some in chunks(sorted(photo_ids)):
        session.execute(delete(Recognised).where(Recognised.photo_id.in_(some)), execution_options=_PLAINLY)
        session.execute(
            update(File)
            .where(File.photo_id.in_(some), File.left_out.in_(RECOGNISED))
            .values(missing_since=None, left_out=None),
            execution_options=_PLAINLY,
        )
        unlooked = select(ProvenanceRow.id).where(ProvenanceRow.decoder == NOT_LOOKED_AT.decoder)
        session.execute(
            update(Photo)
            .where(Photo.id.in_(some), Photo.outcome == Outcome.FAILED, Photo.provenance_id.in_(unlooked))
            .values(retry=True),
            execution_options=_PLAINLY,
        )
    return faces.update_visibility(session, sorted(photo_ids))


def members(session: Session, hash_set_id: int) -> list[int]:
    """The ids of the photos that are of this set."""
    rows = session.execute(select(Recognised.photo_id).where(Recognised.hash_set_id == hash_set_id))
    return list(rows.scalars())


def drop(session: Session, hash_set_id: int) -> int:
    """Give a set up; how many photos are no longer of it."""
    of_it = members(session, hash_set_id)
    release(session, of_it)
    session.execute(delete(HashSet).where(HashSet.id == hash_set_id), execution_options=_PLAINLY)
    return len(of_it)
