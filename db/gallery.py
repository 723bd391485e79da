"""All visible faces with the serving model's scores: a snapshot, corrected by what was written since."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import Row, Select, case, func, select
from sqlalchemy.orm import Session

from db import columns, manifest, models, tombstones, vectors
from db.arrays import Floats, Ids, unpack_rows
from db.catalogue import Catalogue
from db.chunks import chunks
from db.columns import Block, Columns
from db.errors import CatalogueDamaged, damaged_row
from db.manifest import DamagedSnapshot, Manifest
from db.schema import Face, Score, State, Tombstone
from db.segments import Omitting, joined
from db.values.scoring_model import ScoringModel

Encode = Callable[[Floats, ScoringModel], Floats]  # logits [N, A] -> profiles [N, A] of unit length
Mask = npt.NDArray[np.bool_]
Kind = TypeVar("Kind", bound=np.generic)
_Row = Row[tuple[int, float, float, bytes]]

_BLOCK = 65536  # faces read from the tables at a time


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some faces of a snapshot: their folder, what it says of itself, and its columns. outdated: int64, the rows that
    do not count, since these faces changed after they were written and before the snapshot was."""

    folder: Path
    manifest: Manifest
    columns: Columns
    outdated: Ids

    @property
    def faces(self) -> int:
        """How many rows count."""
        return len(self.columns) - len(self.outdated)

    def rows_of(self, ids: Ids) -> Ids:
        """int64: the rows of those of these faces that are in it, whether or not they count."""
        places: Ids = np.searchsorted(self.columns.ids, ids)
        inside = places < len(self.columns)
        known: Ids = places[inside][self.columns.ids[places[inside]] == ids[inside]]
        return known

    def left(self, changed: Ids) -> Omitting:
        """The rows that count where these faces changed since."""
        return Omitting(len(self.columns), np.union1d(self.outdated, self.rows_of(changed)))


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """An opened snapshot: the generation that it stands for, and its parts, in which each face counts once at most."""

    generation: int
    parts: tuple[Part, ...]

    @property
    def faces(self) -> int:
        """How many it holds."""
        return sum(part.faces for part in self.parts)


class Gallery:
    """N visible faces as they were at one moment. Made by `load_gallery`; stays valid whatever is written later.

    model, model_id: whose scores these are. unscored: how many visible faces are not among the N, since this model has
    not scored them. face_ids: int64[N], each once, in no
    particular order. detections: float32[N], the detector's scores. sizes: float32[N], the longer side of each face's
    box in pixels of its photo. All arrays are in this order; do not write to them. Unless all faces lie in
    one place they are `db.segments.Segments`, which are read as arrays are.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        model_id: int,
        model: ScoringModel,
        snapshot: Snapshot | None,
        changed: Ids,
        tail: Block,
        visible: int,
    ) -> None:
        """changed: ids of all faces that are no longer as in the snapshot. tail: those of them that are visible.

        visible: how many faces are.
        """
        self.model = model
        self.model_id = model_id
        self._catalogue = catalogue
        self._tail = tail
        parts = () if snapshot is None else snapshot.parts
        self._parts = tuple((part, part.left(changed)) for part in parts)
        self.face_ids: Any = self._joined(lambda columns: columns.ids, tail.ids)
        self.detections: Any = self._joined(lambda columns: columns.detections, tail.detections)
        self.unscored = visible - len(self.face_ids)

    def __len__(self) -> int:
        return len(self.face_ids)

    def logits(self, attribute: int) -> Any:
        """float32[N]: every face's logit of one attribute (its place in `model.attributes`). Reads no other column."""
        return self._column(lambda columns: columns.logits(attribute), lambda tail: tail.logits[:, attribute])

    def probabilities(self, attribute: int, holds: bool) -> Any:
        """float32[N]: the calibrated probability that the attribute holds, or does not, as
        `ScoringModel.probabilities`."""
        return self._column(
            lambda columns: columns.probabilities(attribute, holds),
            lambda tail: self.model.probabilities(tail.logits[:, attribute], holds, attribute),
        )

    @property
    def sizes(self) -> Any:
        """float32[N]. Read when first asked for."""
        return self._column(lambda columns: columns.sizes, lambda tail: tail.sizes)

    def nearest(self, profile: Floats, k: int, allowed: Mask | None, encode: Encode) -> tuple[Ids, Floats]:
        """The rows (int64) of the k allowed faces whose profiles are nearest, best first, and their cosines (float32).

        profile: float32[A] of unit length. allowed: bool[N], None for all. Equal ones come in order of face id.
        Exact. encode: what made the profiles of the snapshot, for the faces that came later.
        """
        if profile.shape != (len(self.model.attributes),) or not np.isfinite(profile).all():
            raise ValueError("expected one profile of finite numbers")
        if k < 1:
            raise ValueError("expected to look for at least one face")
        rows, cosines = self._search_snapshot(profile, k, allowed)
        start = len(self) - len(self._tail.ids)  # after the search, which may have found the snapshot damaged
        later = np.arange(start, len(self)) if allowed is None else start + np.flatnonzero(allowed[start:])
        if len(later):
            encoded = encode(self._tail.logits[later - start], self.model)
            rows = np.concatenate([rows, later])
            cosines = np.concatenate([cosines, vectors.cosines(encoded, profile)])
        if len(rows) > k:  # sort none but those that can be among the k, ties with the last included
            close = cosines >= np.partition(cosines, len(rows) - k)[len(rows) - k]
            rows, cosines = rows[close], cosines[close]
        order = np.lexsort((self.face_ids[rows], -cosines))[:k]
        return rows[order], cosines[order]

    def _search_snapshot(self, profile: Floats, k: int, allowed: Mask | None) -> tuple[Ids, Floats]:
        rows, cosines = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.float32)]
        start = 0
        for part, left in self._parts:
            try:
                index: Any = vectors.open_index(part.folder, part.manifest)
            except DamagedSnapshot:
                self._abandon_snapshot()
                return rows[0], cosines[0]
            searched = left.spread(None if allowed is None else allowed[start : start + len(left)])
            found, near = vectors.candidates(index, profile, k, searched)
            rows.append(start + left.numbers(found))
            cosines.append(near)
            start += len(left)
        return np.concatenate(rows), np.concatenate(cosines)

    def _column(self, inside: Callable[[Columns], Floats], behind: Callable[[Block], Floats]) -> Any:
        """float32[N]: of the snapshot and of the faces behind it; where it is damaged, of the tables alone."""
        try:
            return self._joined(inside, behind(self._tail))
        except DamagedSnapshot:
            self._abandon_snapshot()
        return behind(self._tail)

    def _joined(self, inside: Callable[[Columns], npt.NDArray[Kind]], tail: npt.NDArray[Kind]) -> Any:
        return joined([*((inside(part.columns), left) for part, left in self._parts), (tail, Omitting(len(tail)))])

    def _abandon_snapshot(self) -> None:
        """Take everything from the tables instead: those of this moment, but for faces that were looked at again since,
        which have the scores and sizes of the new look. Those that were taken out since keep their rows, without
        anything of them: who shows hits leaves them out."""
        ids = np.asarray(self.face_ids[: len(self) - len(self._tail.ids)])
        ascending = np.sort(ids)
        with self._catalogue.read() as session:
            known = of_faces(session, self.model_id, ascending.tolist())
            lost = np.setdiff1d(ids, known.ids)
            if len(lost) and len(tombstones.among(session, lost)) != len(lost):
                raise CatalogueDamaged("The catalogue has lost scores while it was being read: run the search again.")
        if len(lost):
            known = _with_blanks(known, ascending)
        self._tail = _concatenated([known.of(np.searchsorted(ascending, ids)), self._tail])
        self._parts = ()


def load_gallery(catalogue: Catalogue) -> Gallery | None:
    """What a search looks through: the newest complete snapshot and everything written since, as of one moment.

    A missing or damaged snapshot costs time only. None while no model serves. Raises CatalogueError subclasses.
    """
    given_up: str | None = None
    while True:
        with catalogue.read() as session:
            serving = models.serving(session)
            if serving is None:
                return None
            model_id, model = serving
            name = snapshot_name(session)
            snapshot = None
            try:
                if name is not None:
                    snapshot = open_snapshot(catalogue.folder, name, model)
            except DamagedSnapshot:
                if name != given_up:  # perhaps just replaced by a newer one, which the next moment names
                    given_up = name
                    continue
            if snapshot is not None and _is_outgrown(session, snapshot):
                snapshot = None
            if snapshot is None:
                changed = np.empty(0, dtype=np.int64)
                tail = _concatenated([_nothing(len(model.attributes)), *stored(session, model_id)])
            else:
                touched = changed_since(session, snapshot.generation)
                changed = np.array(list(touched), dtype=np.int64)
                tail = of_faces(session, model_id, [face_id for face_id, hidden in touched.items() if not hidden])
            return Gallery(catalogue, model_id, model, snapshot, changed, tail, _count_visible(session))


def _is_outgrown(session: Session, snapshot: Snapshot) -> bool:
    """Whether most faces are newer: then one scan of the tables is faster than looking each of them up."""
    return changed_count(session, snapshot.generation) > snapshot.faces


def snapshot_name(session: Session) -> str | None:
    """The snapshot that the catalogue names; it is one of the serving model's."""
    return session.execute(select(State.snapshot)).scalar_one()


def open_snapshot(folder: Path, name: str, model: ScoringModel) -> Snapshot:
    """The snapshot of this name below the catalogue's folder: a list of parts, or one part that holds all. Raises
    DamagedSnapshot, also where there is none."""
    listing = manifest.read_listing(folder / name)
    if listing is None:
        part = _open_part(folder / name, model, np.empty(0, dtype=np.int64))
        return Snapshot(part.manifest.generation, (part,))
    if (listing.name, listing.model) != (name, model.digest):
        raise DamagedSnapshot(f"{folder / name} belongs to something else")
    parts = []
    for part_name, count, checksum in listing.parts:
        outdated = columns.read_rows(folder / name / part_name, count, checksum)
        parts.append(_open_part(folder / part_name, model, outdated))
    return Snapshot(listing.generation, tuple(parts))


def _open_part(folder: Path, model: ScoringModel, outdated: Ids) -> Part:
    content = manifest.read(folder)
    if (content.name, content.model, content.attributes) != (folder.name, model.digest, len(model.attributes)):
        raise DamagedSnapshot(f"{folder} belongs to something else")
    return Part(folder, content, Columns(folder, content), outdated)


def stored(session: Session, model_id: int) -> Iterator[Block]:
    """All visible faces that this model has scored, in order of id, in blocks."""
    rows = session.execute(
        _faces(model_id).where(Face.hidden.is_(False)).order_by(Score.face_id), execution_options={"yield_per": _BLOCK}
    )
    width = models.attribute_count(session, model_id)
    for part in rows.partitions():
        yield _block(part, width)


def changed_count(session: Session, number: int) -> int:
    """How many faces were added, changed, hidden, restored, scored again or taken out after this generation."""
    changed = session.execute(select(func.count(Face.id)).where(Face.generation > number)).scalar_one()
    out = select(func.count(Tombstone.face_id)).where(Tombstone.generation > number)
    return changed + session.execute(out).scalar_one()


def changed_ids(session: Session, number: int) -> Ids:
    """int64: the faces that are not as a snapshot of this generation has them."""
    return np.array(list(changed_since(session, number)), dtype=np.int64)


def _count_visible(session: Session) -> int:
    """Both counts come from an index: a search of a million faces does not wait for them."""
    every = session.execute(select(func.count()).select_from(Face)).scalar_one()
    return every - session.execute(select(func.count(Face.id)).where(Face.hidden.is_(True))).scalar_one()


def changed_since(session: Session, number: int) -> dict[int, bool]:
    """Whether each face that was touched after this generation is hidden, or taken out, by id, in order of id."""
    # Sorted here: told to sort by id, SQLite would walk through the whole table instead of the index on generations.
    rows = session.execute(select(Face.id, Face.hidden).where(Face.generation > number)).all()
    out = session.execute(select(Tombstone.face_id).where(Tombstone.generation > number)).scalars()
    return dict(sorted([*((face_id, hidden) for face_id, hidden in rows), *((face_id, True) for face_id in out)]))


def of_faces(session: Session, model_id: int, ids: Sequence[int]) -> Block:
    """Those of these faces, whose ids ascend, that this model has scored."""
    rows: list[_Row] = []
    for some in chunks(ids):
        rows += session.execute(_faces(model_id).where(Score.face_id.in_(some)).order_by(Score.face_id))
    return _block(rows, models.attribute_count(session, model_id))


def _faces(model_id: int) -> Select[tuple[int, float, float, bytes]]:
    """Id, detection score, longer side and logits of every face that this model has scored."""
    longer = case((Face.width > Face.height, Face.width), else_=Face.height)
    return (
        select(Score.face_id, Face.detection, longer, Score.logits)
        .join(Face, Face.id == Score.face_id)
        .where(Score.model_id == model_id)
    )


def _block(rows: Sequence[_Row], width: int) -> Block:
    if not rows:
        return _nothing(width)
    ids, detections, sizes, blobs = zip(*rows, strict=True)
    try:
        numbers = np.array(detections, dtype=np.float32), np.array(sizes, dtype=np.float32)
    except (TypeError, ValueError):
        raise damaged_row("the place or a score of a face") from None
    return Block(np.array(ids, dtype=np.int64), *numbers, unpack_rows(blobs, width))


def _with_blanks(known: Block, ids: Ids) -> Block:
    """A block of all these faces, whose ids ascend, with nothing but finite numbers for those that are not known."""
    blank = Block(
        ids,
        np.zeros(len(ids), dtype=np.float32),
        np.zeros(len(ids), dtype=np.float32),
        np.ones((len(ids), known.logits.shape[1]), dtype=np.float32),
    )
    places = np.searchsorted(ids, known.ids)
    for whole, part in zip(blank[1:], known[1:], strict=True):
        whole[places] = part
    return blank


def _nothing(width: int) -> Block:
    none = np.empty(0, dtype=np.float32)
    return Block(np.empty(0, dtype=np.int64), none, none, np.empty((0, width), dtype=np.float32))


def _concatenated(blocks: Sequence[Block]) -> Block:
    ids, detections, sizes, logits = zip(*blocks, strict=True)
    return Block(np.concatenate(ids), np.concatenate(detections), np.concatenate(sizes), np.concatenate(logits))
