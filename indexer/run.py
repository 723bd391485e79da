"""One run: what it was asked to do and works with, shared by all its stages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from db import erasure
from db.catalogue import Catalogue
from db.provenance import Provenance
from db.values.scoring_model import ScoringModel
from indexer.batches import Batch, Size
from indexer.network import Network
from indexer.recognition import Recogniser
from indexer.report import Progress, Stage
from indexer.selection import Choice
from indexer.tally import Tally


@dataclass(frozen=True, slots=True)
class Run:
    """versions: those that photos are processed with now. again, choice: as in `index_folders`. forgotten: what is not
    to be taken in; recogniser: knows the sets of known files. workers: how many threads read and decode. tally: the
    numbers that several stages add to."""

    catalogue: Catalogue
    model: ScoringModel
    network: Network
    versions: Provenance
    again: bool | None
    choice: Choice
    size: Size
    workers: int
    forgotten: erasure.Memory
    recogniser: Recogniser
    stop: threading.Event
    progress: Callable[[Progress], object]
    tally: Tally = field(default_factory=Tally)

    @property
    def is_stopped(self) -> bool:
        return self.stop.is_set()

    def tell(self, stage: Stage, batch: Batch | None = None) -> None:
        """Say where it stands. batch: what is decided and not stored yet."""
        self.progress(self.tally.progress(stage, batch))
