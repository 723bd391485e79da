"""Index runs over one catalogue with stand-ins that count, and which photos they open."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import update

from db import faces, snapshot
from db.catalogue import Catalogue
from db.schema import File
from facesearch.vision.detection import Detector
from indexer.pipeline import index_folders
from indexer.report import Progress, RunReport
from tests.support.stand_ins import DotColours, RedSquares, model

_opened: list[str] | None = None


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _opened is not None and event == "open" and isinstance(arguments[0], str | bytes):
        name = os.path.basename(os.fsdecode(arguments[0]))  # noqa: PTH119
        if name.endswith((".png", ".jpg")):
            _opened.append(name)


sys.addaudithook(_note)  # stays for the life of the process, and does nothing unless a run asks it to


@contextmanager
def photos_opened() -> Iterator[list[str]]:
    """The names of the photos that are opened meanwhile, as often as they are."""
    global _opened
    names = _opened = []
    try:
        yield names
    finally:
        _opened = None
        names.sort()


def without_known_change_times(catalogue: Catalogue) -> None:
    """As on a network share: only size and date tell whether a file has changed."""
    with catalogue.write() as session:
        session.execute(update(File).values(ctime_ns=None))


class Runs:
    """Index runs over one catalogue with counting stand-ins."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.detector = RedSquares()
        self.scorer = DotColours()
        self.model = "first"
        self.progress: list[Progress] = []
        self.opened: list[str] = []

    def __call__(self, *folders: Path | bytes, **options: Any) -> RunReport:
        def new_detector() -> Detector:
            return self.detector

        with photos_opened() as self.opened:
            return index_folders(
                self.catalogue,
                folders,
                **{
                    "model": model(self.model),
                    "new_scorer": lambda: self.scorer,
                    "new_detector": new_detector,
                    "detector": self.detector.name,
                    "progress": self.progress.append,
                    "workers": 3,
                    **options,
                },
            )

    def visible(self) -> dict[int, tuple[str, int]]:
        """Photo name and left edge of every face that a search would find, by face id."""
        gallery = snapshot.load_gallery(self.catalogue)
        if gallery is None:
            return {}
        with self.catalogue.read() as session:
            found = faces.details(session, gallery.face_ids)
        return {each.face: (each.path.name, round(each.x)) for each in sorted(found, key=lambda each: each.face)}

    def logits(self) -> dict[str, list[float]]:
        """The three numbers of each photo's first face."""
        gallery = snapshot.load_gallery(self.catalogue)
        assert gallery is not None
        with self.catalogue.read() as session:
            found = faces.details(session, gallery.face_ids)
        return {each.path.name: [round(float(v), 1) for v in each.logits[:3]] for each in found if each.x < 20}
