"""The use case "is this catalogue sound, and what can be mended of it?"."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from db import checking, photos, roots, snapshot, upkeep
from db.arrays import Floats
from db.catalogue import Catalogue
from db.checking import Damage, Kind, Mended
from db.errors import CatalogueError
from db.paths import as_path, is_folder, within
from db.snapshot import Condition, SnapshotState
from facesearch.custody.forgetting import finish_pending
from facesearch.search.ranking.profiles import encode

_NAMED = 1000
_OF_ROWS = ("CHECK constraint failed", "NULL value in")  # found row by row as well


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. structure: what SQLite says of pages and indexes. damage: of rows. snapshot: how it stands;
    differing: faces (ids) that it has otherwise than the tables. absent: indexed folders that are not there now.
    missing: photos that should be there and are not, some of them; missing_count: how many."""

    structure: tuple[str, ...]
    damage: tuple[Damage, ...]
    snapshot: SnapshotState | None
    differing: tuple[int, ...]
    absent: tuple[Path, ...]
    missing: tuple[Path, ...]
    missing_count: int

    @property
    def snapshot_is_wrong(self) -> bool:
        """Whether it has to be built anew; one that is behind or missing costs only time."""
        return bool(self.differing) or (self.snapshot is not None and self.snapshot.condition is Condition.DAMAGED)

    @property
    def is_sound(self) -> bool:
        """Whether the catalogue holds what it should; photos that are gone are no fault of it."""
        return not (self.structure or self.damage or self.snapshot_is_wrong)


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did. indexes: SQLite's were built anew. rebuilt: so was the snapshot; problem: why it could not
    be, as a sentence."""

    mended: Mended
    indexes: bool
    rebuilt: bool
    problem: CatalogueError | None


def check(catalogue: Catalogue) -> Checked:
    """Read all of the catalogue and of what lies beside it. Changes nothing. Raises CatalogueError where it cannot be
    read at all."""
    with catalogue.connection() as connection:
        structure = [line for line in upkeep.structural_defects(connection) if not line.startswith(_OF_ROWS)]
    with catalogue.read() as session:
        damage = checking.find_damage(session)
    state: SnapshotState | None = None
    differing: list[int] = []
    if not _blocks_snapshot(damage):
        state = snapshot.state_of(catalogue)
        if state.condition in (Condition.CURRENT, Condition.STALE):
            differing = snapshot.differing(catalogue, encode)
    absent: list[bytes] = []
    missing: list[bytes] = []
    if not any(each.table in ("roots", "files") for each in damage):
        absent, missing = _missing(catalogue)
    return Checked(
        tuple(structure),
        tuple(damage),
        state,
        tuple(differing),
        tuple(map(as_path, absent)),
        tuple(map(as_path, missing[:_NAMED])),
        len(missing),
    )


def repair(catalogue: Catalogue, found: Checked) -> Repaired:
    """Mend what the snapshot, the tables or an index run make up for, while no index run is at work. Raises
    CatalogueBusy and other CatalogueErrors."""
    with catalogue.indexing():
        indexes = bool(found.structure)
        if indexes:
            upkeep.rebuild_indexes(catalogue)
        mended = Mended()
        if any(each.can_be_mended for each in found.damage):
            scores = [key[1] for each in found.damage if each.table == "scores" for key in each.keys]
            kept = {} if found.snapshot_is_wrong else _kept_logits(catalogue, scores)
            with catalogue.write() as session:
                mended = checking.mend(session, list(found.damage), kept)
        rebuilt = False
        problem: CatalogueError | None = None
        if found.snapshot_is_wrong or mended != Mended() or _lacks_snapshot(found.snapshot):
            try:
                rebuilt = snapshot.rebuild(catalogue, encode, anew=True)
            except CatalogueError as error:
                problem = error.with_traceback(None)
        return Repaired(mended, indexes, rebuilt, problem or finish_pending(catalogue, seconds=1.0))


def _kept_logits(catalogue: Catalogue, face_ids: list[int]) -> dict[int, Floats]:
    try:
        return snapshot.kept_logits(catalogue, face_ids)
    except CatalogueError:  # what it says of models or faces is damaged as well
        return {}


def _lacks_snapshot(state: SnapshotState | None) -> bool:
    return state is not None and state.condition is Condition.MISSING


def _blocks_snapshot(damage: list[Damage]) -> bool:
    """Whether the tables cannot be compared with the snapshot."""
    return any(each.table in ("scores", "faces", "models", "state") and each.kind is not Kind.SHOWN for each in damage)


def _missing(catalogue: Catalogue) -> tuple[list[bytes], list[bytes]]:
    """Folders that are not there, and photos that are not in those that are."""
    with catalogue.read() as session:
        absent = [path for path in roots.selections(session) if not is_folder(path)]
        gone = {
            path
            for path in photos.there(session)
            if not any(within(folder, path) for folder in absent) and not os.path.lexists(path)
        }
    return absent, sorted(gone)
