"""Which altered faces are still found: covered, tilted, blurred, before the light, drawn. Before and after.

    python benchmarks/detection_hard.py --utkface UTKFACE [--faces 200] [--against a50b467]

Cut-out faces of UTKFACE are enlarged to 600 pixels, where a face has some 350, and altered by rule; a rule is not the
world, so read the rows beside each other. A face counts as found from a score of .8, upright, with IoU of .3 with the
face that the unaltered cut-out shows at its own size. Extra boxes are all others from .8. Faces from the side are those
of a larger pool whose nose lies farthest from the middle of the eyes; what the detector misses in the small cut-out is
not among them.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from detection import BEFORE_THE_REWRITE, candidates
from detection_marks import as_markdown, new_table, wilson
from detection_photos import Source, find_sources
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from db.values.box import Box
from facesearch.vision.decode import decode_photo
from facesearch.vision.detection import SEARCH_FROM, Look, YuNet, iou
from facesearch.vision.detection.geometry import scaled

Pixels = NDArray[np.uint8]

SIDE = 600
FAR, FAR_AT = SIDE // 9, (960, 1460)
"""Side of a cut-out that is far away, and where it lies: top and left."""


def covered(
    top: float, bottom: float, left: float, right: float, colour: tuple[int, int, int]
) -> Callable[[Pixels], Pixels]:
    """A rectangle, in shares of the side, in one colour."""

    def alter(face: Pixels) -> Pixels:
        altered = face.copy()
        altered[int(SIDE * top) : int(SIDE * bottom), int(SIDE * left) : int(SIDE * right)] = colour
        return altered

    return alter


def tilted(degrees: float) -> Callable[[Pixels], Pixels]:
    matrix = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), degrees, 1)
    return lambda face: np.asarray(cv2.warpAffine(face, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT), np.uint8)


def moved(pixels: int) -> Callable[[Pixels], Pixels]:
    """Motion blur along a row of so many pixels."""
    return lambda face: np.asarray(cv2.filter2D(face, -1, np.full((1, pixels), 1 / pixels, np.float32)), np.uint8)


def lit(light: float, around: int) -> Callable[[Pixels], Pixels]:
    """So much of the light, in a photo that is as bright as `around` elsewhere."""

    def alter(face: Pixels) -> Pixels:
        photo = np.full((3 * SIDE, 4 * SIDE, 3), around, np.uint8)
        photo[SIDE : 2 * SIDE, SIDE : 2 * SIDE] = (face * light).astype(np.uint8)
        return photo

    return alter


def far_away(face: Pixels) -> Pixels:
    """In the middle of a photo of 6 megapixels, a face of some 40 pixels."""
    photo = np.full((2000, 3000, 3), 120, np.uint8)
    top, left = FAR_AT
    photo[top : top + FAR, left : left + FAR] = cv2.resize(face, (FAR, FAR), interpolation=cv2.INTER_AREA)
    return photo


def gray(face: Pixels) -> Pixels:
    return np.repeat(np.asarray(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), np.uint8)[..., None], 3, axis=2)


def drawn(face: Pixels) -> Pixels:
    """Dark lines on white, as a pencil draws them."""
    light = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    lines = cv2.divide(light, cv2.GaussianBlur(light, (0, 0), 9), scale=256)
    return np.repeat(np.asarray(lines, np.uint8)[..., None], 3, axis=2)


def on_a_screen(face: Pixels) -> Pixels:
    """Dark stripes and a blue cast."""
    altered: NDArray[np.float64] = face * np.array([0.75, 0.85, 1.0])
    altered[::4] *= 0.6
    return altered.astype(np.uint8)


ALTERATIONS: dict[str, Callable[[Pixels], Pixels]] = {
    "as they are": lambda face: face,
    "in gray": gray,
    "surgical mask": covered(0.58, 0.88, 0.22, 0.78, (200, 210, 220)),
    "black bar over the eyes": covered(0.33, 0.48, 0.2, 0.8, (10, 10, 10)),
    "hat down to the brows": covered(0.0, 0.33, 0.1, 0.9, (60, 50, 45)),
    "left half hidden": covered(0.0, 1.0, 0.0, 0.5, (90, 90, 90)),
    "tilted by 30 degrees": tilted(30),
    "tilted by 45 degrees": tilted(45),
    "motion blur, 1/15 of the side": moved(41),
    "a tenth of the light": lit(0.1, 20),
    "a twentieth of the light": lit(0.05, 10),
    "an eighth of the light, before a window": lit(0.125, 250),
    "on a screen": on_a_screen,
    "pencil drawing": drawn,
}

FROM_THE_SIDE: dict[str, Callable[[Pixels], Pixels]] = {
    "from the side": lambda face: face,
    "from the side, far away": far_away,
    "from the side, a tenth of the light": lit(0.1, 20),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--utkface", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=200)
    parser.add_argument("--pool", type=int, default=1500, help="pictures of which faces from the side are chosen")
    parser.add_argument("--against", default=BEFORE_THE_REWRITE, help="revision; '' for none")
    parser.add_argument("--markdown", action="store_true", help="table for docs")
    given = parser.parse_args()
    paths = sorted(given.utkface.glob("*.jpg"))
    paths = [paths[i] for i in np.random.default_rng(0).permutation(len(paths))]
    sources, _ = find_sources("utkface", paths[: given.faces], None)
    aside = _most_turned_aside(find_sources("utkface", paths[: given.pool], None)[0], len(sources))
    rows = [(name, alter, sources) for name, alter in ALTERATIONS.items()]
    rows += [(name, alter, aside) for name, alter in FROM_THE_SIDE.items()]
    table = new_table(f"Faces found from .8, upright, of {len(sources)} faces of UTKFace (95 % intervals); extra boxes")
    table.add_column("")
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        detectors = [each.detector() for each in candidates(list(Look), given.against, Path(folder))]
        for each in detectors:
            table.add_column(each.title)
        for name, alter, altered in track(rows, "alterations", console=Console(stderr=True)):
            table.add_row(name, *(_found(each.detector, altered, alter) for each in detectors))
    print(as_markdown(table)) if given.markdown else Console(width=160).print(table)


def _most_turned_aside(sources: list[Source], count: int) -> list[Source]:
    """Those faces whose nose is farthest from the middle of the eyes, in distances of the eyes."""
    detector = YuNet()

    def turned_aside(source: Source) -> float:
        faces = detector.detect([decode_photo(source.path).rgb])[0]
        if not faces:
            return 0.0
        right, left, nose = max(faces, key=lambda d: d.score).landmarks[:3]
        return float(abs(nose[0] - (right[0] + left[0]) / 2) / max(1.0, np.linalg.norm(left - right)))

    return sorted(sources, key=turned_aside, reverse=True)[:count]


def _place_in(photo: Pixels, face: Box) -> Box:
    """Where a face of the cut-out lies in what was made of it."""
    if photo.shape[0] == SIDE:
        return face
    if photo.shape[0] == 3 * SIDE:  # set into a larger one
        return Box(face.x + SIDE, face.y + SIDE, face.width, face.height)
    small = scaled(face, FAR / SIDE, FAR / SIDE)
    return Box(small.x + FAR_AT[1], small.y + FAR_AT[0], small.width, small.height)


def _found(detector: object, sources: list[Source], alter: Callable[[Pixels], Pixels]) -> str:
    hits = extra = 0
    for source in sources:
        face = decode_photo(source.path).rgb
        enlarged = np.asarray(cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
        photo = alter(enlarged)
        place = _place_in(photo, scaled(Box(*source.box), SIDE / face.shape[1], SIDE / face.shape[0]))
        boxes = [d for d in detector.detect([photo])[0] if d.score >= SEARCH_FROM]  # type: ignore[attr-defined]
        hit = any(d.turned == 0 and iou(d.box, place) >= 0.3 for d in boxes)
        hits += hit
        extra += len(boxes) - hit
    low, high = wilson(hits, len(sources))
    return f"{hits / len(sources):.3f} ({low:.3f} to {high:.3f}); {extra}"


if __name__ == "__main__":
    main()
