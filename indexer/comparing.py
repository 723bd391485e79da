"""The stage before all others: what was indexed before and is of a set of known files leaves the results."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.hash_sets import HashSet
from indexer.report import ComparedSets, Progress, Stage, UsedSet
from indexer.run import Run


def compare_with_sets(run: Run, sets: Sequence[HashSet], drop: Sequence[str]) -> ComparedSets:
    """Hold what the catalogue knows against these sets, and give up the sets named in `drop`. Raises NoSuchSet."""

    def tell(done: int, total: int) -> None:
        run.progress(Progress(Stage.COMPARING, done, total, 0, 0, 0))

    found = run.recogniser.compare_known(drop, workers=run.workers, stop=run.stop, progress=tell)
    return ComparedSets(
        hidden_faces=found.faces,
        shown_faces=found.back,
        uncompared=found.unread,
        sets=[UsedSet(each.name, each.kind, each.sha256, each.hashes) for each in sets],
        sets_not_given=found.not_given,
    )
