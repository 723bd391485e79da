"""All visible faces with the serving model's scores: a snapshot, corrected by what was written since."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import generation, manifest, models, runs, vectors
from db.arrays import Floats, Ids, unpack_rows
from db.catalogue import Catalogue
from db.chunks import chunks
from db.columns import Block, Columns
from db.errors import CatalogueDamaged
from db.manifest import DamagedSnapshot, Manifest
from db.models import ScoringModel
from db.schema import Face, Score, State

Encode = Callable[[Floats, ScoringModel], Floats]  # logits [N, A] -> profiles [N, A] of unit length
Mask = npt.NDArray[np.bool_]
Kind = TypeVar("Kind", bound=np.generic)

_BLOCK = 65536  # faces read from the tables at a time


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """An opened snapshot: its folder, what it says of itself, and its columns."""

    folder: Path
    manifest: Manifest
    columns: Columns


class Gallery:
    """N visible faces as they were at one moment. Made by `load_gallery`; stays valid whatever is written later.

    model, model_id: whose scores these are. generation: of that moment. unscored: how many visible faces are not among
    the N, since only a model that does not serve yet has scored them. face_ids: int64[N], each once, in no
    particular order. detections: float32[N], the detector's scores. All arrays are in this order; do not write to them.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        model_id: int,
        model: ScoringModel,
        number: int,
        snapshot: Snapshot | None,
        changed: Ids,
        tail: Block,
        visible: int | None,
    ) -> None:
        """changed: ids of all faces that are no longer as in the snapshot. tail: those of them that are visible.

        visible: how many faces are; None where the model has scored them all.
        """
        self.model = model
        self.model_id = model_id
        self.generation = number
        self._catalogue = catalogue
        self._snapshot = snapshot
        self._kept: Ids | None = None  # rows of the snapshot that still hold; None: all of them
        self.face_ids, self.detections, self._tail = tail
        if snapshot is not None:
            places = np.searchsorted(snapshot.columns.ids, changed)
            inside = places < len(snapshot.columns)
            outdated = places[inside][snapshot.columns.ids[places[inside]] == changed[inside]]
            if len(outdated):
                self._kept = np.delete(np.arange(len(snapshot.columns)), outdated)
            self.face_ids = self._joined(snapshot.columns.ids, tail[0])
            self.detections = self._joined(snapshot.columns.detections, tail[1])
        self.unscored = 0 if visible is None else visible - len(self.face_ids)

    def __len__(self) -> int:
        return len(self.face_ids)

    def logits(self, attribute: int) -> Floats:
        """float32[N]: every face's logit of one attribute (its place in `model.attributes`). Reads no other column."""
        if self._snapshot is not None:
            try:
                return self._joined(self._snapshot.columns.logits(attribute), self._tail[:, attribute])
            except DamagedSnapshot:
                self._abandon_snapshot()
        return self._tail[:, attribute]

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
        start = len(self) - len(self._tail)  # after the search, which may have found the snapshot damaged
        later = np.arange(start, len(self)) if allowed is None else start + np.flatnonzero(allowed[start:])
        if len(later):
            encoded = encode(self._tail[later - start], self.model)
            rows = np.concatenate([rows, later])
            cosines = np.concatenate([cosines, vectors.cosines(encoded, profile)])
        if len(rows) > k:  # sort none but those that can be among the k, ties with the last included
            close = cosines >= np.partition(cosines, len(rows) - k)[len(rows) - k]
            rows, cosines = rows[close], cosines[close]
        order = np.lexsort((self.face_ids[rows], -cosines))[:k]
        return rows[order], cosines[order]

    def _search_snapshot(self, profile: Floats, k: int, allowed: Mask | None) -> tuple[Ids, Floats]:
        nothing = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        if self._snapshot is None:
            return nothing
        try:
            index: Any = vectors.open_index(self._snapshot.folder, self._snapshot.manifest)
        except DamagedSnapshot:
            self._abandon_snapshot()
            return nothing
        kept = self._kept
        searched: Mask | None = None
        if kept is not None:
            searched = np.zeros(len(self._snapshot.columns), dtype=np.bool_)
            searched[kept if allowed is None else kept[allowed[: len(kept)]]] = True
        elif allowed is not None:
            searched = allowed[: len(self._snapshot.columns)]
        found, cosines = vectors.candidates(index, profile, k, searched)
        return (found if kept is None else np.searchsorted(kept, found)), cosines

    def _joined(self, column: npt.NDArray[Kind], tail: npt.NDArray[Kind]) -> npt.NDArray[Kind]:
        kept = column if self._kept is None else column[self._kept]
        return np.concatenate([kept, tail]) if len(tail) else kept

    def _abandon_snapshot(self) -> None:
        """Take the scores from the tables instead. Scores never change, so they still are those of this moment."""
        ids = self.face_ids[: len(self) - len(self._tail)]
        with self._catalogue.read() as session:
            self._tail = np.concatenate([_scores(session, self.model_id, ids), self._tail])
        self._snapshot, self._kept = None, None


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
                changed, tail = np.empty(0, dtype=np.int64), _concatenated(stored(session, model_id), model)
            else:
                changed, tail = _tail(session, model_id, model, snapshot.manifest.generation)
            visible = _count_visible(session) if runs.latest_model(session) not in (None, model_id) else None
            return Gallery(catalogue, model_id, model, generation.current(session), snapshot, changed, tail, visible)


def _is_outgrown(session: Session, snapshot: Snapshot) -> bool:
    """Whether most faces are newer: then one scan of the tables is faster than looking each of them up."""
    return changed_count(session, snapshot.manifest.generation) > len(snapshot.columns)


def snapshot_name(session: Session) -> str | None:
    """The snapshot that the catalogue names; it is one of the serving model's."""
    return session.execute(select(State.snapshot)).scalar_one()


def open_snapshot(folder: Path, name: str, model: ScoringModel) -> Snapshot:
    """The snapshot of this name below the catalogue's folder. Raises DamagedSnapshot, also where there is none."""
    content = manifest.read(folder / name)
    if (content.name, content.model, content.attributes) != (name, model.digest, len(model.attributes)):
        raise DamagedSnapshot(f"{folder / name} belongs to something else")
    return Snapshot(folder / name, content, Columns(folder / name, content))


def stored(session: Session, model_id: int) -> Iterator[Block]:
    """All visible faces that this model has scored, in order of id, in blocks."""
    rows = session.execute(
        select(Score.face_id, Face.detection, Score.logits)
        .join(Face, Face.id == Score.face_id)
        .where(Score.model_id == model_id, Face.hidden.is_(False))
        .order_by(Score.face_id),
        execution_options={"yield_per": _BLOCK},
    )
    width = models.attribute_count(session, model_id)
    for part in rows.partitions():
        ids, detections, blobs = zip(*part, strict=True)
        yield np.array(ids, dtype=np.int64), np.array(detections, dtype=np.float32), unpack_rows(blobs, width)


def changed_count(session: Session, number: int) -> int:
    """How many faces were added, hidden, restored or scored again after this generation."""
    return session.execute(select(func.count(Face.id)).where(Face.generation > number)).scalar_one()


def _count_visible(session: Session) -> int:
    return session.execute(select(func.count(Face.id)).where(Face.hidden.is_(False))).scalar_one()


def _changed_since(session: Session, number: int) -> dict[int, tuple[bool, float]]:
    """Hidden and detection score of every face that was touched after this generation, by id, in order of id."""
    # Sorted here: told to sort by id, SQLite would walk through the whole table instead of the index on generations.
    rows = session.execute(select(Face.id, Face.hidden, Face.detection).where(Face.generation > number)).all()
    return {face_id: (hidden, detection) for face_id, hidden, detection in sorted(rows, key=lambda row: row[0])}


def _tail(session: Session, model_id: int, model: ScoringModel, number: int) -> tuple[Ids, Block]:
    """Ids of all faces touched after this generation, and those of them that are visible and scored."""
    touched = _changed_since(session, number)
    visible = [face_id for face_id, (hidden, _) in touched.items() if not hidden]
    ids: list[int] = []
    blobs: list[bytes] = []
    for some in chunks(visible):
        for face_id, blob in session.execute(
            select(Score.face_id, Score.logits)
            .where(Score.model_id == model_id, Score.face_id.in_(some))
            .order_by(Score.face_id)
        ):
            ids.append(face_id)
            blobs.append(blob)
    detections = np.array([touched[face_id][1] for face_id in ids], dtype=np.float32)
    block = np.array(ids, dtype=np.int64), detections, unpack_rows(blobs, len(model.attributes))
    return np.array(list(touched), dtype=np.int64), block


def _scores(session: Session, model_id: int, ids: Ids) -> Floats:
    """float32[len(ids), A]: the logits of these faces, whose ids ascend."""
    blobs: list[bytes] = []
    for some in chunks(ids.tolist()):
        blobs += session.execute(
            select(Score.logits).where(Score.model_id == model_id, Score.face_id.in_(some)).order_by(Score.face_id)
        ).scalars()
    if len(blobs) != len(ids):
        raise CatalogueDamaged("The catalogue has lost scores while it was being read: run the search again.")
    return unpack_rows(blobs, models.attribute_count(session, model_id))


def _concatenated(blocks: Iterator[Block], model: ScoringModel) -> Block:
    nothing = (
        np.empty(0, dtype=np.int64),
        np.empty(0, dtype=np.float32),
        np.empty((0, len(model.attributes)), dtype=np.float32),
    )
    ids, detections, logits = zip(nothing, *blocks, strict=True)
    return np.concatenate(ids), np.concatenate(detections), np.concatenate(logits)
