"""Faces as pictures in a terminal: as pixels where it can show them, else as coloured half characters."""

import logging
import os
import sys
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType

from cli.errors import FileProblem, UsageProblem

if TYPE_CHECKING:
    from facesearch.search.hits import SearchResult

_ROWS = 8
_WIDE = 2  # a row is about as high as two columns are wide


def check_pictures() -> None:
    """Raises UsageProblem where stdout is no terminal, and FileProblem where the package for pictures is missing."""
    if not sys.stdout.isatty() or not os.get_terminal_size(sys.stdout.fileno()).columns:  # some know no size
        raise UsageProblem("--thumbnails needs a terminal: write a page with --html instead.")
    logging.getLogger("textual_image").setLevel(logging.CRITICAL)  # a terminal that does not answer is no news
    try:
        import textual_image.renderable  # noqa: F401 (asks the terminal what it can show)
    except ImportError:
        raise FileProblem(
            "--thumbnails needs one more package: pip install 'facesearch[pictures]', or write a page with --html."
        ) from None


def face_pictures(result: "SearchResult", catalogue: Path, *, show_others: bool) -> Mapping[int, RenderableType]:
    """A picture for each hit, by its rank; other faces as in pages. Faces that cannot be shown have none."""
    from PIL import Image as Pictures
    from textual_image.renderable import Image

    from cli.report.sheet import pictures_of
    from cli.terminal.progress import counted

    with counted("Cutting out faces", len(result.hits), from_on=50) as done:
        shown = pictures_of(result.hits, catalogue, done, show_others=show_others)
    crops = {hit.rank: shown[hit.catalogue, hit.face.face].crop.jpeg for hit in result.hits}
    return {
        rank: Image(Pictures.open(BytesIO(jpeg)), width=_ROWS * _WIDE, height=_ROWS)
        for rank, jpeg in crops.items()
        if jpeg is not None
    }
