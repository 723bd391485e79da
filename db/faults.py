"""Faults of this program, or of a library, that cost one photo: with their tracebacks, so that they can be mended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from db.schema import Fault

_KEPT = 1000


@dataclass(frozen=True, slots=True)
class LoggedFault:
    """moment: when; path: absolute, of the photo; reason: a clause for the user; trace: the traceback."""

    moment: datetime
    path: bytes
    reason: str
    trace: str


def note(session: Session, faults: Sequence[tuple[bytes, str, str]]) -> None:
    """Keep these (path, reason, traceback); of all, the latest thousand stay."""
    if not faults:
        return
    now = datetime.now(UTC)
    rows = [{"moment": now, "path": path, "reason": reason, "trace": trace} for path, reason, trace in faults]
    session.execute(insert(Fault), rows)
    last = session.execute(select(func.max(Fault.id))).scalar_one() or 0
    session.execute(delete(Fault).where(Fault.id <= last - _KEPT), execution_options={"synchronize_session": False})


def latest(session: Session) -> list[LoggedFault]:
    """What was kept, newest first."""
    columns = (Fault.moment, Fault.path, Fault.reason, Fault.trace)
    return [LoggedFault(*row) for row in session.execute(select(*columns).order_by(Fault.id.desc()))]


def count(session: Session) -> int:
    """How many are kept."""
    return session.execute(select(func.count(Fault.id))).scalar_one()
