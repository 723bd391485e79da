"""The one place that numbers write batches.

A snapshot stands for everything up to a generation; what was stamped later must be read from the tables.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.schema import State


def current(session: Session) -> int:
    """The generation of the last committed batch (of this one, once it has drawn a number)."""
    return session.execute(select(State.generation)).scalar_one()


def stamp(session: Session) -> int:
    """The number of this write transaction's batch: the current generation + 1, drawn once per session.

    The session must come from `Catalogue.write` and be used for one transaction only, as that function does.
    """
    drawn: int | None = session.info.get("generation")
    if drawn is None:
        session.execute(update(State).values(generation=State.generation + 1))
        drawn = current(session)
        session.info["generation"] = drawn
    return drawn
