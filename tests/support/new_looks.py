"""Photos that are looked at again: detectors of other versions, an album, and what the catalogue then holds."""

import sqlite3
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from db.catalogue import open_catalogue
from facesearch.vision.detection import Detection
from indexer.report import Progress, Stage
from tests.support.catalogues import make_version
from tests.support.index_runs import Runs
from tests.support.squares import BLUE, GREEN
from tests.support.stand_ins import DARK, RedSquares, picture, save


class Version(RedSquares):
    """A version of the detector with rules of its own: boxes lie `right` pixels further right and are `wider`, faces
    with these left edges are missed, and photos in which a test says so are none it can look at."""

    def __init__(
        self,
        rules: int,
        *,
        right: float = 0,
        wider: float = 0,
        misses: Collection[int] = (),
        fails: dict[int, Exception] | None = None,
    ) -> None:
        super().__init__(fails, rules=rules)
        self.right, self.wider, self.misses = right, wider, misses

    def _one(self, image: np.ndarray) -> list[Detection]:
        return [
            replace(each, box=replace(each.box, x=each.box.x + self.right, width=each.box.width + self.wider))
            for each in super()._one(image)
            if round(each.box.x) not in self.misses
        ]


def album(folder: Path, photos: int = 5) -> Path:
    """Dark photos of two faces each, taken on days of July 2019 by a Canon."""
    for number in range(1, photos + 1):
        block = Image.Exif()
        block[0x010F], block[0x0110] = "Canon", "Canon EOS 80D"
        block.get_ifd(0x8769)[0x9003] = f"2019:07:{number:02} 12:30:59"
        image = picture(GREEN, BLUE, size=(200 + number, 120), ground=DARK)
        save(folder / f"{number:02}.png", image, exif=block)
    return folder


NAMES = ["01.png", "02.png", "03.png", "04.png", "05.png"]


def older(run: Runs, version: int) -> None:
    """As if everything so far had been indexed by the program of this schema version."""
    run.catalogue.close()
    make_version(run.catalogue.path, version)
    run.catalogue = open_catalogue(run.catalogue.path)


def stored(run: Runs, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(run.catalogue.path) as rows:
        return rows.execute(query).fetchall()


def when(stage: Stage, done: int, act: Callable[[], object]) -> Callable[[Progress], None]:
    """Act once, when so many photos are done at this stage."""
    acted: list[int] = []

    def tell(now: Progress) -> None:
        if now.stage is stage and now.done >= done and not acted:
            acted.append(now.done)
            act()

    return tell
