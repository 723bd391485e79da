"""Catalogues of real pictures whose faces are red squares: indexed by rule, in no time, without a network.

The colour of a face's dot sets three attributes: red 5_o_Clock_Shadow ("stubble"), green Arched_Eyebrows, blue
Attractive, each with a probability of .27 for none and .73 for full.
"""

from collections.abc import Callable
from pathlib import Path

from db.catalogue import open_catalogue
from indexer.pipeline import index_folders
from tests.support.stand_ins import DotColours, RedSquares, model, picture, save

RED, GREEN, BLUE = (250, 0, 0), (0, 250, 0), (0, 0, 250)
BLACK, WHITE, YELLOW, CYAN = (0, 0, 0), (250, 250, 250), (250, 250, 0), (0, 250, 250)


def album(folder: Path) -> Path:
    """Three photos: a green face; a white and a black one; none."""
    save(folder / "green.png", picture(GREEN))
    save(folder / "white and black.png", picture(WHITE, BLACK))
    save(folder / "nobody.png", picture())
    return folder


def index(
    catalogue: Path,
    *folders: Path,
    name: str = "first",
    detector: RedSquares | None = None,
    again: bool | None = None,
    new_scorer: Callable[[], DotColours] = DotColours,
) -> Path:
    """Index pictures as the program does, but for who looks at them."""
    found = detector or RedSquares()
    with open_catalogue(catalogue, create=True) as opened:
        index_folders(
            opened,
            folders,
            model=model(name),
            new_scorer=new_scorer,
            new_detector=lambda: found,
            detector=found.name,
            workers=1,
            again=again,
        )
    return catalogue
