"""Snapshots beside the catalogue: what can be built again from the tables, kept so that a search need not read them.

- <catalogue>.d/<name>/manifest.json, written last: generation, model, sizes, checksums.
- <catalogue>.d/<name>/*.npy: the score columns (`db.columns`).
- <catalogue>.d/<name>/profiles.faiss: the profiles (`db.vectors`).

A new one is written under another name, flushed, renamed, and only then named in the catalogue's `state` row; then the
older ones are removed. A crash between any two of these steps leaves the older snapshot in force. A reader takes the
one that `state` names, and from the tables every face stamped with a later generation.
"""

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from db import columns, generation, manifest, models, vectors
from db.arrays import Floats
from db.catalogue import Catalogue, os_errors_translated
from db.columns import Block
from db.durable import flush_folder
from db.errors import CatalogueReadOnly
from db.gallery import Encode, Gallery, changed_count, changed_ids, load_gallery, open_snapshot, snapshot_name, stored
from db.lock import exclusive
from db.manifest import DamagedSnapshot, Manifest, OutdatedSnapshot
from db.paths import display, is_folder
from db.schema import Face, Score, State

__all__ = [
    "Condition",
    "Encode",
    "Gallery",
    "SnapshotState",
    "due",
    "load_gallery",
    "rebuild",
    "state_of",
]

TAIL_LIMIT = 0.05  # a snapshot that more than this share of its faces have outgrown is due
UNFINISHED = "building-"
_LOCK = "lock"
_ROUNDING = 1e-4  # of profiles that another processor made of the same logits


class Condition(StrEnum):
    """How the snapshot stands to the tables."""

    CURRENT = "current"
    STALE = "stale"
    MISSING = "missing"
    DAMAGED = "damaged"
    EMPTY = "nothing to hold"


@dataclass(frozen=True, slots=True)
class SnapshotState:
    """faces: how many the snapshot holds. behind: how many were added, changed, hidden or restored since (or at all).

    One that another version of the program wrote holds none, and all faces have come since.
    """

    condition: Condition
    faces: int
    behind: int

    def __str__(self) -> str:
        return f"stale by {self.behind} faces" if self.condition is Condition.STALE else str(self.condition)


def state_of(catalogue: Catalogue, *, thorough: bool = True) -> SnapshotState:
    """How the snapshot stands; reads, if thorough, all of its files to compare their checksums."""
    with catalogue.read() as session:
        serving = models.serving(session)
        if serving is None or not _any(session, serving[0]):
            return SnapshotState(Condition.EMPTY, 0, 0)
        model_id, model = serving
        name = snapshot_name(session)
        if name is None or not is_folder(catalogue.folder / name):
            return SnapshotState(Condition.MISSING, 0, _count(session, model_id))
        try:
            snapshot = open_snapshot(catalogue.folder, name, model)
            if thorough:
                snapshot.columns.verify()
                vectors.verify(snapshot.folder, snapshot.manifest)
        except OutdatedSnapshot:
            return SnapshotState(Condition.STALE, 0, _count(session, model_id))
        except DamagedSnapshot:
            return SnapshotState(Condition.DAMAGED, 0, _count(session, model_id))
        behind = changed_count(session, snapshot.manifest.generation)
        return SnapshotState(Condition.STALE if behind else Condition.CURRENT, len(snapshot.columns), behind)


def differing(catalogue: Catalogue, encode: Encode) -> list[int]:
    """The faces (ids) that the snapshot has otherwise than the tables, in a column or in the profiles, though nothing
    was written of them since; none where there is no sound snapshot. encode: as in `rebuild`."""
    with catalogue.read() as session:
        serving, name = models.serving(session), snapshot_name(session)
        if serving is None or name is None:
            return []
        model_id, model = serving
        try:
            snapshot = open_snapshot(catalogue.folder, name, model)
            index = vectors.open_index(snapshot.folder, snapshot.manifest)
            profiles = vectors.profiles_of(index)  # mapped for as long as `index` is there
            held = snapshot.columns
            columns = [held.logits(attribute) for attribute in range(len(model.attributes))]
            sizes = held.sizes
        except DamagedSnapshot:
            return []
        changed = changed_ids(session, snapshot.manifest.generation)
        expected = ~np.isin(held.ids, changed)  # not met yet in the tables
        wrong: list[int] = []
        for block in stored(session, model_id):
            block = block.of(~np.isin(block.ids, changed))
            places = np.minimum(np.searchsorted(held.ids, block.ids), len(held) - 1)
            known = held.ids[places] == block.ids
            wrong += block.ids[~known].tolist()
            block, places = block.of(known), places[known]
            expected[places] = False
            same = (held.detections[places] == block.detections) & (sizes[places] == block.sizes)
            same &= (np.stack([column[places] for column in columns], axis=1) == block.logits).all(axis=1)
            same &= np.isclose(profiles[places], encode(block.logits, model), atol=_ROUNDING).all(axis=1)
            wrong += block.ids[~same].tolist()
        return sorted(wrong + held.ids[expected].tolist())


def kept_logits(catalogue: Catalogue, face_ids: Sequence[int]) -> dict[int, Floats]:
    """The serving model's logits (float32[A]) of those of these faces that the snapshot, if it is sound, has and that
    were not written since."""
    with catalogue.read() as session:
        serving, name = models.serving(session), snapshot_name(session)
        if serving is None or name is None:
            return {}
        try:
            snapshot = open_snapshot(catalogue.folder, name, serving[1])
            columns = np.stack([snapshot.columns.logits(each) for each in range(len(serving[1].attributes))], axis=1)
        except DamagedSnapshot:
            return {}
        wanted = np.setdiff1d(np.array(face_ids, np.int64), changed_ids(session, snapshot.manifest.generation))
        ids = snapshot.columns.ids
        places = np.flatnonzero(np.isin(ids, wanted))
        return {int(ids[place]): columns[place] for place in places}


def due(catalogue: Catalogue, *, thorough: bool = True) -> bool:
    """Whether a rebuild pays: the snapshot is missing, damaged, of another model, or outgrown by more than 5 %.

    thorough: as in `state_of`.
    """
    state = state_of(catalogue, thorough=thorough)
    if state.condition is Condition.STALE:
        return state.behind > TAIL_LIMIT * state.faces
    return state.condition in (Condition.MISSING, Condition.DAMAGED)


def rebuild(catalogue: Catalogue, encode: Encode) -> bool:
    """Build a snapshot of all visible faces under the serving model, and let searches use it from now on.

    encode: logits float32[n, A] and the model -> unit-length profiles float32[n, A]. False when there was nothing to
    build or another process is building. Raises CatalogueFull (the older snapshot stays in force, and nothing of the
    new one is left), CatalogueReadOnly and other CatalogueError subclasses.
    """
    if catalogue.read_only:
        raise CatalogueReadOnly(
            f"The catalogue {display(os.fsencode(catalogue.path))} is read-only: searches read its tables instead of a "
            f"snapshot.",
            path=display(os.fsencode(catalogue.path)),
        )
    folder = catalogue.folder
    with os_errors_translated(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        with exclusive(folder / _LOCK) as mine:
            if not mine:
                return False
            _sweep(catalogue)
            name = uuid.uuid4().hex
            unfinished = folder / (UNFINISHED + name)
            try:
                built = _build(catalogue, unfinished, name, encode)
                if built is None:
                    _register(catalogue, None)
                    return False
                unfinished.rename(folder / name)
                flush_folder(folder)
                registered = _register(catalogue, name, built)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
                _sweep(catalogue)
            return registered


def _build(catalogue: Catalogue, folder: Path, name: str, encode: Encode) -> int | None:
    """Write a complete snapshot into the new folder; the id of the model, or None where there is nothing to hold."""
    with catalogue.read() as session:
        serving = models.serving(session)
        if serving is None:
            return None
        model_id, model = serving
        total = _count(session, model_id)
        if total == 0:
            return None
        folder.mkdir(mode=0o700)
        width = len(model.attributes)
        index = vectors.new_index(width)

        def encoded_on_the_way() -> Iterator[Block]:
            for block in stored(session, model_id):
                profiles = np.ascontiguousarray(encode(block.logits, model), dtype=np.float32)
                if profiles.shape != block.logits.shape or not np.isfinite(profiles).all():
                    raise ValueError(f"expected finite profiles of shape {block.logits.shape}, got {profiles.shape}")
                index.add(profiles)
                yield block

        checksums = columns.write(folder, total, width, encoded_on_the_way(), model.probabilities)
        number = generation.current(session)
    checksums |= vectors.write(folder, index)
    sizes = {file: (folder / file).stat().st_size for file in (*columns.FILES, vectors.FILE)}
    manifest.write(folder, Manifest(name, number, model.digest, total, width, sizes, checksums))
    return model_id


def give_up(catalogue: Catalogue) -> None:
    """Take away every snapshot: searches read the tables. For when one holds what it must not, and none can be built.
    Does nothing while another process is building."""
    if not is_folder(catalogue.folder):
        return
    with os_errors_translated(catalogue.folder), exclusive(catalogue.folder / _LOCK) as mine:
        if mine:
            _register(catalogue, None)
            _sweep(catalogue)


def is_alone(catalogue: Catalogue) -> bool:
    """Whether no snapshot is left but the one that the catalogue names."""
    if not is_folder(catalogue.folder):
        return True
    with catalogue.read() as session:
        named = snapshot_name(session)
    return not any(entry.name != named and _is_ours(entry) for entry in os.scandir(catalogue.folder))


def _register(catalogue: Catalogue, name: str | None, model_id: int | None = None) -> bool:
    """Name the snapshot in the catalogue, unless another model than this one has come to serve meanwhile."""
    with catalogue.write() as session:
        if name is not None and models.serving_id(session) != model_id:
            return False
        session.execute(update(State).values(snapshot=name))
    return True


def _sweep(catalogue: Catalogue) -> None:
    """Remove every snapshot but the one that the catalogue names. Holding the lock means that nobody is building."""
    with catalogue.read() as session:
        named = snapshot_name(session)
    for entry in os.scandir(catalogue.folder):
        if entry.name != named and _is_ours(entry):
            shutil.rmtree(entry.path, ignore_errors=True)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    name = entry.name.removeprefix(UNFINISHED)
    return entry.is_dir(follow_symlinks=False) and len(name) == 32 and set(name) <= set("0123456789abcdef")


def _visible(model_id: int) -> Select[Any]:
    """The ids of the visible faces that this model has scored."""
    return (
        select(Face.id).join(Score, Face.id == Score.face_id).where(Score.model_id == model_id, Face.hidden.is_(False))
    )


def _any(session: Session, model_id: int) -> bool:
    return session.execute(_visible(model_id).limit(1)).first() is not None


def _count(session: Session, model_id: int) -> int:
    return session.execute(select(func.count()).select_from(_visible(model_id).subquery())).scalar_one()
