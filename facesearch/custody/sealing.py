"""The use case "close this catalogue for good"."""

from __future__ import annotations

from dataclasses import dataclass

from db import audit, snapshot
from db.catalogue import Catalogue
from db.errors import CatalogueError
from db.seal import seal as seal_state
from db.snapshot import Condition
from facesearch.custody.audit import by_whom
from facesearch.custody.policy import permit
from facesearch.search.ranking.profiles import encode


@dataclass(frozen=True, slots=True)
class Sealed:
    """What sealing did. rebuilt: the snapshot was brought up to date first, since nothing can do that afterwards;
    problem: why it could not be, so that searches stay slow, as a sentence."""

    rebuilt: bool
    problem: str | None


def seal(catalogue: Catalogue) -> Sealed:
    """Let nothing in it change any more. Raises PolicyRefusal, CatalogueBusy while an index run is at work, and other
    CatalogueErrors."""
    permit(catalogue)
    rebuilt, problem = False, None
    with catalogue.indexing():
        try:
            if snapshot.state_of(catalogue).condition is not Condition.CURRENT:
                rebuilt = snapshot.rebuild(catalogue, encode)
        except CatalogueError as error:
            problem = str(error)
        with catalogue.write() as session:
            audit.note(session, "seal", by_whom())
            seal_state(session)
    return Sealed(rebuilt, problem)
