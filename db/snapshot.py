"""Snapshots beside the catalogue: what can be built again from the tables, kept so that a search need not read them.

A snapshot is a part, or a list of them, so that many faces are not written again for a few new ones. A part, of PART
faces at most, never changes:

- <catalogue>.d/<name>/manifest.json, written last: generation, model, sizes, checksums.
- <catalogue>.d/<name>/*.npy: the score columns (`db.columns`).
- <catalogue>.d/<name>/profiles.faiss: the profiles (`db.vectors`).

A list of several:

- <catalogue>.d/<name>/parts.json, written last: generation, model, names of the parts.
- <catalogue>.d/<name>/<part>: which of that part's rows changed since it was written, and do not count.

New ones are written under other names, flushed, renamed, and only then is one named in the catalogue's `state` row;
then what that does not need is removed. A crash between any two of these steps leaves the older snapshot in force. A
reader takes the one that `state` names, and from the tables every face stamped with a later generation.
"""

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from db import columns, generation, manifest, models, tombstones, vectors
from db.arrays import Floats, Ids
from db.catalogue import Catalogue, os_errors_translated
from db.chunks import chunks
from db.columns import Block
from db.durable import flush_folder
from db.errors import CatalogueReadOnly
from db.gallery import (
    Encode,
    Gallery,
    Part,
    changed_count,
    changed_ids,
    load_gallery,
    of_faces,
    open_snapshot,
    snapshot_name,
    stored,
)
from db.lock import exclusive
from db.manifest import DamagedSnapshot, Listing, Manifest, OutdatedSnapshot
from db.paths import display, is_folder
from db.schema import Face, Score, State
from db.values.scoring_model import ScoringModel

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

PART = 10_000_000  # faces of a part at most
SMALL = 1_000_000  # a part with fewer is written again, together with others, by the next build
TAIL_LIMIT = 0.05  # a snapshot that more than this share of its faces have outgrown is due
TAIL_MOST = 200_000  # or so many faces: more take a search seconds to read from the tables
OUTDATED_LIMIT = 0.001  # a part of which more is out of date is written again: it doubles the time of a scan of it
UNFINISHED = "building-"
_LOCK = "lock"
_BLOCK = 65536  # faces read from the tables at a time
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
                for part in snapshot.parts:
                    part.columns.verify()
                    vectors.verify(part.folder, part.manifest)
        except OutdatedSnapshot:
            return SnapshotState(Condition.STALE, 0, _count(session, model_id))
        except DamagedSnapshot:
            return SnapshotState(Condition.DAMAGED, 0, _count(session, model_id))
        behind = changed_count(session, snapshot.generation)
        return SnapshotState(Condition.STALE if behind else Condition.CURRENT, snapshot.faces, behind)


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
            held = [_Held(part, len(model.attributes)) for part in snapshot.parts]
        except DamagedSnapshot:
            return []
        changed = changed_ids(session, snapshot.generation)
        wrong: list[int] = []
        for block in stored(session, model_id):
            block = block.of(~np.isin(block.ids, changed))
            unmet = np.ones(len(block.ids), np.bool_)
            for part in held:
                met = part.meet(block)
                unmet &= ~met
                some = block.of(met)
                wrong += some.ids[~part.same(some, encode(some.logits, model))].tolist()
            wrong += block.ids[unmet].tolist()
        for part in held:
            wrong += part.unmet(changed)
        return sorted(wrong)


class _Held:
    """What a part holds, to be compared with the tables; mapped for as long as this is there."""

    def __init__(self, part: Part, attributes: int) -> None:
        """Raises DamagedSnapshot."""
        self._index = vectors.open_index(part.folder, part.manifest)
        self._profiles = vectors.profiles_of(self._index)
        self._ids, self._detections = part.columns.ids, part.columns.detections
        self._sizes = part.columns.sizes
        self._columns = [part.columns.logits(attribute) for attribute in range(attributes)]
        self._waiting = np.ones(len(part.columns), np.bool_)  # for the row of the tables
        self._waiting[part.outdated] = False
        self._counts = self._waiting.copy()

    def meet(self, block: Block) -> npt.NDArray[np.bool_]:
        """bool[n]: which of these faces are in it, and count."""
        places = self._places(block.ids)
        met: npt.NDArray[np.bool_] = (self._ids[places] == block.ids) & self._counts[places]
        self._waiting[places[met]] = False
        return met

    def same(self, block: Block, profiles: Floats) -> npt.NDArray[np.bool_]:
        """bool[n]: which of these faces, that are in it, are as it has them."""
        places = self._places(block.ids)
        logits = np.stack([column[places] for column in self._columns], axis=1)
        near = np.isclose(self._profiles[places], profiles, atol=_ROUNDING).all(axis=1)
        alike = (logits == block.logits).all(axis=1) & (self._sizes[places] == block.sizes)
        same: npt.NDArray[np.bool_] = near & alike & (self._detections[places] == block.detections)
        return same

    def unmet(self, changed: Ids) -> list[int]:
        """Those that it has and no block had, but for these."""
        ids = self._ids[self._waiting]
        left: list[int] = ids[~np.isin(ids, changed)].tolist()
        return left

    def _places(self, ids: Ids) -> Ids:
        return np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)


def kept_logits(catalogue: Catalogue, face_ids: Sequence[int]) -> dict[int, Floats]:
    """The serving model's logits (float32[A]) of those of these faces that the snapshot, if it is sound, has and that
    were not written since."""
    with catalogue.read() as session:
        serving, name = models.serving(session), snapshot_name(session)
        if serving is None or name is None:
            return {}
        try:
            snapshot = open_snapshot(catalogue.folder, name, serving[1])
            wanted = np.setdiff1d(np.array(face_ids, np.int64), changed_ids(session, snapshot.generation))
            found: dict[int, Floats] = {}
            for part in snapshot.parts:
                rows = np.setdiff1d(part.rows_of(wanted), part.outdated)
                held = [part.columns.logits(each)[rows] for each in range(len(serving[1].attributes))]
                found.update(zip(part.columns.ids[rows].tolist(), np.stack(held, axis=1), strict=True))
        except DamagedSnapshot:
            return {}
        return found


def due(catalogue: Catalogue, *, thorough: bool = True) -> bool:
    """Whether a rebuild pays: the snapshot is missing, damaged, of another model, or outgrown by more than 5 %, or by
    more faces than a search should read from the tables.

    thorough: as in `state_of`.
    """
    return is_due(state_of(catalogue, thorough=thorough))


def is_due(state: SnapshotState) -> bool:
    """The same of a state."""
    if state.condition is Condition.STALE:
        return state.behind > min(TAIL_LIMIT * state.faces, TAIL_MOST)
    return state.condition in (Condition.MISSING, Condition.DAMAGED)


def rebuild(catalogue: Catalogue, encode: Encode, *, anew: bool = False) -> bool:
    """Build a snapshot of all visible faces under the serving model, and let searches use it from now on.

    Large parts that are mostly up to date stay as they are; anew: none does, since what there is cannot be trusted.
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
            try:
                built = _build(catalogue, encode, anew=anew)
                if built is None:
                    _register(catalogue, None)
                    return False
                registered = _register(catalogue, *built)
            finally:
                _sweep(catalogue)
            return registered


def _build(catalogue: Catalogue, encode: Encode, *, anew: bool) -> tuple[str, int] | None:
    """Write what a snapshot of this moment needs; its name and the id of its model, or None where there is nothing to
    hold. What is left unfinished is `_sweep`'s."""
    with catalogue.read() as session:
        serving = models.serving(session)
        if serving is None:
            return None
        model_id, model = serving
        total = _count(session, model_id)
        if total == 0:
            return None
        number = generation.current(session)
        kept = [] if anew else _kept_parts(catalogue, session, model)
        if kept:
            ids = _ids_outside(session, model_id, kept)
            blocks, count = _blocks_of(session, model_id, ids), len(ids)
        else:
            blocks, count = stored(session, model_id), total
        made = [
            _write_part(catalogue, some, faces, number, model, encode) for some, faces in _portions(blocks, count, PART)
        ]
    if len(made) == 1 and not kept:
        return made[0], model_id
    with _finished(catalogue) as (folder, name):
        parts = [
            (part.folder.name, len(rows), columns.write_rows(folder / part.folder.name, rows)) for part, rows in kept
        ]
        none = np.empty(0, dtype=np.int64)
        parts += [(part, 0, columns.write_rows(folder / part, none)) for part in made]
        manifest.write_listing(folder, Listing(name, number, model.digest, parts))
    return name, model_id


def _kept_parts(catalogue: Catalogue, session: Session, model: ScoringModel) -> list[tuple[Part, Ids]]:
    """Parts of the snapshot in force that need not be written again, with the rows that do not count any more. Those
    that hold a face that was taken out for good are none of them."""
    name = snapshot_name(session)
    if name is None:
        return []
    try:
        snapshot = open_snapshot(catalogue.folder, name, model)
        changed, gone = changed_ids(session, snapshot.generation), tombstones.every(session)
        kept = []
        for part in snapshot.parts:
            outdated = np.union1d(part.outdated, part.rows_of(changed))
            left = len(part.columns) - len(outdated)
            if left < SMALL or len(outdated) > OUTDATED_LIMIT * len(part.columns):
                continue
            if len(part.rows_of(gone)):
                continue
            kept.append((part, outdated))
    except DamagedSnapshot:
        return []
    return kept


def _ids_outside(session: Session, model_id: int, kept: Sequence[tuple[Part, Ids]]) -> Ids:
    """int64, ascending: the visible faces that this model has scored and that count in none of these parts."""
    every = np.fromiter(session.execute(_visible(model_id)).scalars(), dtype=np.int64)
    inside = [np.delete(part.columns.ids, outdated) for part, outdated in kept]
    return np.setdiff1d(every, np.concatenate(inside))


def _blocks_of(session: Session, model_id: int, ids: Ids) -> Iterator[Block]:
    for some in chunks(ids.tolist(), _BLOCK):
        yield of_faces(session, model_id, some)


def _portions(blocks: Iterator[Block], total: int, most: int) -> Iterator[tuple[Iterator[Block], int]]:
    """The blocks of all faces as one part after the other, each with its number of faces; each has to be gone through
    before the next. Of even sizes, so that the last is not a small one."""
    parts = -(-total // most)
    left: list[Block] = []

    def portion(faces: int) -> Iterator[Block]:
        while faces > 0:
            block = left.pop() if left else next(blocks)
            if len(block.ids) > faces:
                left.append(block.of(slice(faces, None)))
                block = block.of(slice(0, faces))
            faces -= len(block.ids)
            yield block

    for number in range(parts):
        faces = total * (number + 1) // parts - total * number // parts
        yield portion(faces), faces


def _write_part(
    catalogue: Catalogue, blocks: Iterator[Block], faces: int, number: int, model: ScoringModel, encode: Encode
) -> str:
    """A new part of these faces, of this generation; its name."""
    width = len(model.attributes)
    index = vectors.new_index(width)

    def encoded_on_the_way() -> Iterator[Block]:
        for block in blocks:
            profiles = np.ascontiguousarray(encode(block.logits, model), dtype=np.float32)
            if profiles.shape != block.logits.shape or not np.isfinite(profiles).all():
                raise ValueError(f"expected finite profiles of shape {block.logits.shape}, got {profiles.shape}")
            index.add(profiles)
            yield block

    with _finished(catalogue) as (folder, name):
        checksums = columns.write(folder, faces, width, encoded_on_the_way(), model.probabilities)
        checksums |= vectors.write(folder, index)
        sizes = {file: (folder / file).stat().st_size for file in (*columns.FILES, vectors.FILE)}
        manifest.write(folder, Manifest(name, number, model.digest, faces, width, sizes, checksums))
    return name


@contextmanager
def _finished(catalogue: Catalogue) -> Iterator[tuple[Path, str]]:
    """A new folder to write into, and the name that it takes once all is written."""
    name = uuid.uuid4().hex
    unfinished = catalogue.folder / (UNFINISHED + name)
    unfinished.mkdir(mode=0o700)
    try:
        yield unfinished, name
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    unfinished.rename(catalogue.folder / name)
    flush_folder(catalogue.folder)


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
    needed = _needed(catalogue)
    return not any(entry.name not in needed and _is_ours(entry) for entry in os.scandir(catalogue.folder))


def _register(catalogue: Catalogue, name: str | None, model_id: int | None = None) -> bool:
    """Name the snapshot in the catalogue, unless another model than this one has come to serve meanwhile."""
    with catalogue.write() as session:
        if name is not None and models.serving_id(session) != model_id:
            return False
        session.execute(update(State).values(snapshot=name))
    return True


def _sweep(catalogue: Catalogue) -> None:
    """Remove everything but the snapshot that the catalogue names. Holding the lock means that nobody is building."""
    needed = _needed(catalogue)
    for entry in os.scandir(catalogue.folder):
        if entry.name not in needed and _is_ours(entry):
            shutil.rmtree(entry.path, ignore_errors=True)


def _needed(catalogue: Catalogue) -> set[str]:
    """The folders of the snapshot that the catalogue names: its own, and those of its parts."""
    with catalogue.read() as session:
        named = snapshot_name(session)
    if named is None:
        return set()
    try:
        listing = manifest.read_listing(catalogue.folder / named)
    except DamagedSnapshot:
        return {named}
    return {named, *(name for name, _, _ in listing.parts)} if listing else {named}


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
