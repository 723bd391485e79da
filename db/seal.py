"""A seal: a catalogue that is closed keeps what it says."""

from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.schema import State


def is_sealed(session: Session) -> bool:
    """Whether nothing may change any more."""
    return sealed_since(session) is not None


def sealed_since(session: Session) -> datetime | None:
    """Since when nothing may change any more; None where it may."""
    return session.execute(select(State.sealed)).scalar_one_or_none()


def seal(session: Session) -> None:
    """Let nothing change any more."""
    session.execute(update(State).values(sealed=datetime.now(UTC)))
