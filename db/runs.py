"""A line for every run of the indexer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from db.schema import Model, Run


@dataclass(frozen=True, slots=True)
class IndexRun:
    """finished: None for a run that goes on or was killed. model: digest of its checkpoint."""

    id: int
    started: datetime
    finished: datetime | None
    roots: tuple[int, ...]
    counts: dict[str, Any]
    model: str | None


def start_run(session: Session, root_ids: Sequence[int], model_id: int | None) -> int:
    """Note that a run over these roots begins; its id."""
    session.execute(insert(Run).values(model_id=model_id, roots=list(root_ids), counts={}, started=datetime.now(UTC)))
    return session.execute(select(Run.id).order_by(Run.id.desc()).limit(1)).scalar_one()


def take_out_root(session: Session, run_id: int, root_id: int) -> None:
    """The run has nothing to do with this root, whose id another may get."""
    kept = [id for id in session.execute(select(Run.roots).where(Run.id == run_id)).scalar_one() if id != root_id]
    session.execute(update(Run).where(Run.id == run_id).values(roots=kept))


def finish_run(session: Session, run_id: int, counts: Mapping[str, Any]) -> None:
    """Note that it has ended, and what it counted (any JSON)."""
    session.execute(update(Run).where(Run.id == run_id).values(finished=datetime.now(UTC), counts=dict(counts)))


def latest_runs(session: Session, limit: int = 1) -> list[IndexRun]:
    """The last runs, newest first."""
    rows = session.execute(
        select(Run.id, Run.started, Run.finished, Run.roots, Run.counts, Model.digest)
        .outerjoin(Model, Model.id == Run.model_id)
        .order_by(Run.id.desc())
        .limit(limit)
    )
    return [
        IndexRun(id, started, finished, tuple(roots), dict(counts), digest)
        for id, started, finished, roots, counts, digest in rows
    ]
