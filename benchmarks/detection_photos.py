"""Photos with known faces, composed from a seed: the detection benchmark's and its test's.

A source is a picture of one face whose box is known: YuNet's own, in one upright look at the picture at 320 pixels (so
by none of the rules that are measured), kept where that is the only box from .6, scores .9 or more, and lies in the
middle. The whole source, context included, is scaled until its face has the wanted size and laid on a background with a
soft border. A source's box is in its pixels, a truth's in the photo's; a face's size is its box's longer side.

Photo `number` of a seed is the same whenever, and in whichever order, it is composed.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from detection_scenery import NOWHERE, Picture, Scenery, animals, background, without_faces
from numpy.typing import NDArray

from facesearch.vision.decode import PhotoError, decode_photo
from facesearch.vision.detection import bundled_model

CLEAR_FROM = 0.9
RIVAL_FROM = 0.6
SEEN_AT = 320
MOST_REACH = 0.05
"""How far a source's box may reach beyond its picture, as a share of its side: UTKFace's are cut out that tightly."""

Floats = NDArray[np.float64]


class Condition(StrEnum):
    GOOD = "good light"
    DARK = "dark"
    BLUR = "blur"
    JPEG = "strong JPEG"


class Place(StrEnum):
    ANYWHERE = "anywhere"
    EDGES = "edges"
    CORNERS = "corners"


@dataclass(frozen=True)
class Source:
    """A picture of one face. box: x, y, width, height. origin: which of the folders given. group and man: UTKFace's
    labels."""

    path: str
    box: tuple[float, float, float, float]
    origin: str
    group: int | None = None
    man: bool | None = None

    @property
    def size(self) -> float:
        return max(self.box[2:])


@dataclass(frozen=True)
class Stratum:
    """Photos of one kind, `photos` of them.

    size: pixels of a face, or with `relative`, its share of the photo's longer side. megapixels: least and most. turn:
    degrees clockwise by which the photo must be turned for its faces to stand upright; None: each face its own. faces:
    so many where they have room; drawn if None. most_faces: no more than that. spread: one large face and many small
    ones. cell: UTKFace's group and sex. layout: counts the photos of a kind.
    """

    name: str
    photos: int
    size: tuple[float, float]
    megapixels: tuple[float, float] = (0.1, 24)
    relative: bool = False
    turn: int | None = 0
    condition: Condition = Condition.GOOD
    faces: int | None = None
    most_faces: int = 200
    spread: bool = False
    cell: tuple[int, bool] | None = None
    layout: int | None = None


@dataclass(frozen=True)
class Truth:
    """A face of a composed photo. turned: as Detection.turned. cut: reaches beyond the photo. scale: of the source."""

    box: tuple[float, float, float, float]
    turned: int
    cut: bool
    source: str
    origin: str
    scale: float
    group: int | None = None
    man: bool | None = None

    @property
    def size(self) -> float:
        return max(self.box[2:])


@dataclass(frozen=True, eq=False)
class Photo:
    """rgb: as a detector is given it. shows: what lies behind the faces. encoded: the JPEG that rgb was read back from,
    if any."""

    rgb: Picture
    truths: tuple[Truth, ...]
    stratum: Stratum
    place: Place
    shows: str


NO_FACES, ANIMALS = "no face", "animals"


def full_schedule(groups: bool = True) -> tuple[Stratum, ...]:
    """The benchmark's photos, some 1,500, in an order in which every beginning holds all kinds in their shares."""
    strata = [
        Stratum("16 to 20 px", 50, (16, 20), (0.1, 2)),
        Stratum("20 to 24 px", 60, (20, 24)),
        Stratum("24 to 32 px", 70, (24, 32)),
        Stratum("32 to 100 px", 120, (32, 100)),
        Stratum("100 to 300 px", 100, (100, 300), (0.1, 24), most_faces=30),
        Stratum("300 to 1,000 px", 100, (300, 1000), (0.2, 24), most_faces=12),
        Stratum("1,000 to 4,000 px", 70, (1000, 4000), (1, 100), most_faces=3),
        Stratum("one large, many small", 30, (24, 48), (1, 24), faces=25, spread=True),
        Stratum("very large photos", 40, (1 / 250, 1 / 15), (24, 100), relative=True, most_faces=20),
        Stratum("mixed directions", 70, (1 / 30, 1 / 6), (0.3, 24), relative=True, turn=None, most_faces=40),
        Stratum("dark", 100, (24, 800), condition=Condition.DARK, most_faces=30),
        Stratum("blur", 50, (24, 800), condition=Condition.BLUR, most_faces=30),
        Stratum("strong JPEG", 50, (24, 800), condition=Condition.JPEG, most_faces=30),
        Stratum(NO_FACES, 210, (0, 0), (0.1, 24)),
        Stratum(ANIMALS, 40, (0, 0), (0.1, 12)),
    ]
    for turn in (90, 180, 270):
        strata += [
            Stratum(f"turned {turn}, small", 30, (1 / 30, 1 / 20), (0.5, 24), relative=True, turn=turn, most_faces=40),
            Stratum(f"turned {turn}", 35, (1 / 20, 1 / 4), relative=True, turn=turn, most_faces=30),
            Stratum(f"turned {turn}, large", 25, (1 / 4, 0.85), relative=True, turn=turn),
        ]
    if groups:
        strata += [
            Stratum(
                f"UTKFace {group}{'m' if man else 'w'}", UTK_LAYOUTS, (24, 120), (6, 12), faces=80, cell=(group, man)
            )
            for group in range(5)
            for man in (True, False)
        ]
    return interleaved(strata)


UTK_LAYOUTS = 12
"""Photos a group and sex. The same layouts (sizes, places, backgrounds) serve all of them."""


def gallery_schedule() -> tuple[Stratum, ...]:
    """40 photos that need the gallery only and are looked at in half a minute."""
    strata = [
        Stratum("16 to 20 px", 2, (16, 20), (0.1, 1), most_faces=20),
        Stratum("20 to 24 px", 2, (20, 24), (0.1, 4), most_faces=20),
        Stratum("24 to 32 px", 4, (24, 32), (0.5, 6), most_faces=20),
        Stratum("32 to 100 px", 4, (32, 100), (0.3, 4), most_faces=20),
        Stratum("100 to 300 px", 4, (100, 300), (0.3, 4), most_faces=10),
        Stratum("300 to 1,000 px", 4, (300, 1000), (0.5, 4), most_faces=4),
        Stratum("1,000 to 2,000 px", 4, (1000, 2000), (1.5, 6), most_faces=2),
        Stratum("turned 90", 2, (1 / 30, 1 / 3), (0.5, 4), relative=True, turn=90, most_faces=10),
        Stratum("turned 180", 2, (1 / 30, 1 / 3), (0.5, 4), relative=True, turn=180, most_faces=10),
        Stratum("turned 270", 2, (1 / 30, 1 / 3), (0.5, 4), relative=True, turn=270, most_faces=10),
        Stratum("mixed directions", 3, (1 / 25, 1 / 10), (0.5, 4), relative=True, turn=None, faces=12),
        Stratum("dark", 3, (24, 300), (0.3, 3), condition=Condition.DARK, most_faces=10),
        Stratum(NO_FACES, 4, (0, 0), (0.3, 4)),
    ]
    return interleaved(strata)


def interleaved(strata: Iterable[Stratum]) -> tuple[Stratum, ...]:
    """Every photo's stratum, each with `layout` counted up, spread evenly over the whole."""
    places = [
        ((i + 0.5) / s.photos, order, replace(s, layout=i)) for order, s in enumerate(strata) for i in range(s.photos)
    ]
    return tuple(s for _, _, s in sorted(places, key=lambda p: p[:2]))


# --- sources ---------------------------------------------------------------------------------------------------------


def find_sources(origin: str, paths: Sequence[Path], kept_in: Path | None = None) -> tuple[list[Source], int]:
    """Those of the pictures that are sources, and of how many. kept_in: folder for the answer, which takes 10 ms a
    picture."""
    digest = sha256("\n".join(map(str, paths)).encode()).hexdigest()[:12]
    kept = kept_in / f"sources-{origin}-{digest}.json" if kept_in else None
    if kept and kept.exists():
        found = [Source(**{**each, "box": tuple(each["box"])}) for each in json.loads(kept.read_text())]
    else:
        found = [Source(str(path), box, origin) for path in paths if (box := _only_face(path))]
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps([asdict(each) for each in found]))
    if origin == "utkface":
        found = [_labelled(each) for each in found]
    return found, len(paths)


def _labelled(source: Source) -> Source:
    _, gender, group = Path(source.path).name.split("_")[:3]
    return replace(source, group=int(group), man=gender == "0")


@cache
def _yunet() -> "cv2.FaceDetectorYN":
    return cv2.FaceDetectorYN.create(str(bundled_model()), "", (SEEN_AT, SEEN_AT), RIVAL_FROM, 0.3)


def _only_face(path: Path) -> tuple[float, float, float, float] | None:
    try:
        rgb = source_picture(str(path))
    except PhotoError:
        return None
    height, width = rgb.shape[:2]
    scale = SEEN_AT / max(width, height)
    w, h = round(width * scale), round(height * scale)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    _yunet().setInputSize((w, h))
    _, rows = _yunet().detect(cv2.cvtColor(cv2.resize(rgb, (w, h), interpolation=how), cv2.COLOR_RGB2BGR))
    if rows is None or len(rows) != 1 or rows[0][14] < CLEAR_FROM:
        return None
    x, y, bw, bh = (float(v) for v in rows[0][:4])
    middle = 0.25 < (x + bw / 2) / w < 0.75 and 0.25 < (y + bh / 2) / h < 0.75
    reach = max(-x / bw, -y / bh, (x + bw - w) / bw, (y + bh - h) / bh)
    if not middle or reach > MOST_REACH:
        return None
    return x * width / w, y * height / h, bw * width / w, bh * height / h


@lru_cache(maxsize=128)
def source_picture(path: str) -> Picture:
    """A source's pixels, read-only."""
    return decode_photo(Path(path)).rgb


class Pool:
    """Sources by origin, and UTKFace's, which are for the strata with a cell only, by group and sex."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.by_origin: dict[str, list[Source]] = {}
        self.by_cell: dict[tuple[int, bool], list[Source]] = {}
        for each in sources:
            if each.group is not None and each.man is not None:
                self.by_cell.setdefault((each.group, each.man), []).append(each)
            else:
                self.by_origin.setdefault(each.origin, []).append(each)


# --- composing -------------------------------------------------------------------------------------------------------


@dataclass
class _Canvas:
    """A photo in the making. taken: what the patches on it cover, [N, 4] as left, top, right, bottom."""

    rgb: Picture
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    def is_free(self, left: float, top: float, right: float, bottom: float) -> bool:
        if not self.taken:
            return True
        t = np.array(self.taken)
        return not ((t[:, 0] < right) & (left < t[:, 2]) & (t[:, 1] < bottom) & (top < t[:, 3])).any()


def compose(number: int, schedule: Sequence[Stratum], pool: Pool, scenery: Scenery = NOWHERE, seed: int = 0) -> Photo:
    """Photo `number` of the schedule."""
    stratum = schedule[number]
    # Photos of one layout share it in all cells of UTKFace, but for the people
    key = [seed, 1, stratum.layout or 0] if stratum.cell else [seed, 0, number]
    rng, people = np.random.default_rng(key), np.random.default_rng([seed, 2, number])
    size, width, height = _draw_size(rng, stratum)
    if stratum.name in (NO_FACES, ANIMALS):
        draw = animals if stratum.name == ANIMALS and scenery.animals else without_faces
        rgb, shows = draw(rng, width, height, scenery)
        if rng.random() < 0.25:
            rgb = _through_jpeg(rgb, int(rng.integers(15, 60)))
        return Photo(rgb, (), stratum, Place.ANYWHERE, shows)
    rgb, shows = background(rng, width, height, scenery)
    canvas = _Canvas(np.ascontiguousarray(rgb))
    if not canvas.rgb.flags.writeable:
        canvas.rgb = canvas.rgb.copy()
    place = (Place.ANYWHERE, Place.EDGES, Place.CORNERS)[rng.choice(3, p=(0.6, 0.25, 0.15))]
    for each, wanted in enumerate(_sizes(rng, stratum, size, width, height)):
        at = place if each == 0 or rng.random() < 0.3 else Place.ANYWHERE
        turned = int(rng.choice((0, 90, 180, 270))) if stratum.turn is None else 0
        spot = rng.integers(1 << 32, size=2)
        _lay(canvas, _pick(people, stratum, pool), wanted, at, turned, spot.tolist(), stratum.condition)
    return _finished(canvas, rng, stratum, place, shows)


def _pick(rng: np.random.Generator, stratum: Stratum, pool: Pool) -> Source:
    """Every origin as often as the others, but the few of the gallery."""
    if stratum.cell:
        several = pool.by_cell[stratum.cell]
    else:
        weights = np.array([0.1 if o == "gallery" else 1.0 for o in pool.by_origin])
        several = pool.by_origin[list(pool.by_origin)[rng.choice(len(weights), p=weights / weights.sum())]]
    return several[rng.integers(len(several))]


def _draw_size(rng: np.random.Generator, stratum: Stratum) -> tuple[float, int, int]:
    """Pixels of a face, width and height of a photo that it fits into."""
    aspect = float(rng.choice((1, 4 / 3, 3 / 2, 16 / 9)))
    share = _log_uniform(rng, *stratum.size) if stratum.size[1] else 0.0
    least, most = (m * 1e6 for m in stratum.megapixels)
    if not stratum.relative:
        least = max(least, min(most, aspect * (share / 0.85) ** 2))
    pixels = _log_uniform(rng, least, most)
    longer, shorter = math.sqrt(pixels * aspect), math.sqrt(pixels / aspect)
    size = min(share * longer if stratum.relative else share, 0.85 * shorter)
    if stratum.relative:
        size = max(size, 24)
    sides = round(longer), round(shorter)
    return size, *(sides if rng.random() < 0.7 else sides[::-1])


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(math.log(low), math.log(high))))


def _sizes(rng: np.random.Generator, stratum: Stratum, size: float, width: int, height: int) -> Iterator[float]:
    """The faces' sizes, the largest first, as many as have room by and by."""
    most = min(stratum.most_faces, int(0.4 * width * height / (2.2 * size) ** 2))
    count = _log_uniform(rng, *((1, 6), (6, 30), (30, 201))[rng.choice(3, p=(0.7, 0.2, 0.1))])
    count = stratum.faces or count
    if stratum.spread:
        yield min(width, height) * float(rng.uniform(0.25, 0.45))
    yield size
    low, high = stratum.size if not stratum.relative else (v * max(width, height) for v in stratum.size)
    for _ in range(min(most, int(count)) - 1):
        yield min(max(size * float(rng.uniform(0.8, 1.25)), low, 16), high, 0.85 * min(width, height))


TRIES = 40


def _lay(
    canvas: _Canvas, source: Source, size: float, place: Place, turned: int, spot: Sequence[int], condition: Condition
) -> None:
    """Scale the source until its face has `size` pixels and put it where it covers no other, if there is such a place.

    spot: what the place is drawn from, so that it does not depend on the source.
    """
    rng = np.random.default_rng(spot)
    picture, box = _with_context(source, len(canvas.truths) > 8)
    scale = size / max(box[2:])
    if condition is Condition.BLUR:
        picture = _blurred(picture, rng, max(box[2:]))
    if turned:
        picture, box = np.ascontiguousarray(np.rot90(picture, turned // 90)), _turned_box(box, turned, picture)
    w, h = box[2] * scale, box[3] * scale
    for _ in range(TRIES):
        x, y = _place(rng, place, canvas.width, canvas.height, w, h)
        left, top = round(x - box[0] * scale), round(y - box[1] * scale)
        right, bottom = left + round(picture.shape[1] * scale), top + round(picture.shape[0] * scale)
        fx, fy = (right - left) / picture.shape[1], (bottom - top) / picture.shape[0]
        where = left + box[0] * fx, top + box[1] * fy, box[2] * fx, box[3] * fy
        around = where[0] - left, where[1] - top, right - where[0] - where[2], bottom - where[1] - where[3]
        claimed = (
            left + min(0, around[0]),
            top + min(0, around[1]),
            right - min(0, around[2]),
            bottom - min(0, around[3]),
        )
        if canvas.is_free(*claimed):
            seen = max(left, 0), max(top, 0), min(right, canvas.width), min(bottom, canvas.height)
            soft = max(1.0, min(SOFT * (right - left), SOFT * (bottom - top), *(0.8 * a for a in around)))
            _paste(canvas.rgb, picture, (left, top, right, bottom), seen, soft)
            canvas.taken.append(claimed)
            cut = where[0] < 0 or where[1] < 0 or where[0] + where[2] > canvas.width
            cut = cut or where[1] + where[3] > canvas.height
            canvas.truths.append(
                Truth(where, turned, cut, Path(source.path).name, source.origin, scale, source.group, source.man)
            )
            return


def _with_context(source: Source, crowded: bool) -> tuple[Picture, tuple[float, float, float, float]]:
    """The source's picture and its face's box; in a crowd, half a face of what lies around it."""
    picture, (x, y, w, h) = source_picture(source.path), source.box
    if not crowded:
        return picture, source.box
    margin = 0.5 * max(w, h)
    left, top = max(0, int(x - margin)), max(0, int(y - margin))
    return picture[top : int(y + h + margin), left : int(x + w + margin)], (x - left, y - top, w, h)


def _place(rng: np.random.Generator, place: Place, width: int, height: int, w: float, h: float) -> tuple[float, float]:
    """Left and top of a box. At edges and in corners every fourth is cut off, by 15 to 45 % of its side."""
    x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
    if place is Place.ANYWHERE:
        return x, y
    off = float(rng.uniform(-0.45, -0.15)) if rng.random() < 1 / 4 else float(rng.uniform(0, 0.1))
    across, down = rng.random() < 0.5, rng.random() < 0.5
    near_x = off * w if across else width - w - off * w
    near_y = off * h if down else height - h - off * h
    if off >= 0:  # never pushed out on the other side
        near_x, near_y = min(max(near_x, 0), width - w), min(max(near_y, 0), height - h)
    if place is Place.CORNERS:
        return near_x, near_y
    return (near_x, y) if rng.random() < 0.5 else (x, near_y)


def _turned_box(
    box: tuple[float, float, float, float], turned: int, picture: Picture
) -> tuple[float, float, float, float]:
    """The box in the picture after it was turned anticlockwise by `turned`; `picture` as it was before."""
    height, width = picture.shape[:2]
    x, y, w, h = box
    if turned == 90:
        return y, width - x - w, h, w
    if turned == 180:
        return width - x - w, height - y - h, w, h
    return height - y - h, x, h, w


SOFT = 0.06
"""Width of a patch's soft border, as a share of its side; less where the face is close to it."""


def _paste(
    canvas: Picture, picture: Picture, at: tuple[int, int, int, int], seen: tuple[int, int, int, int], soft: float
) -> None:
    """Scale the picture to the place `at` and blend the part of it that is `seen` in."""
    left, top, right, bottom = at
    width, height = right - left, bottom - top
    fx, fy = width / picture.shape[1], height / picture.shape[0]
    if fx < 1:
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        fx = fy = 1.0
    dx, dy = seen[0] - left, seen[1] - top
    across, down = seen[2] - seen[0], seen[3] - seen[1]
    # pixel centres: i of the photo is (i + dx + .5) / fx - .5 of the picture
    matrix = np.array([[1 / fx, 0, (dx + 0.5) / fx - 0.5], [0, 1 / fy, (dy + 0.5) / fy - 0.5]])
    alpha_x = _soft(width, soft)[dx : dx + across]
    alpha_y = _soft(height, soft)[dy : dy + down]
    strip = max(1, (1 << 22) // across)
    for start in range(0, down, strip):
        rows = min(strip, down - start)
        part = matrix.copy()
        part[1, 2] += start / fy
        patch = cv2.warpAffine(
            picture,
            part,
            (across, rows),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        alpha = (alpha_y[start : start + rows, None] * alpha_x[None])[..., None]
        under = canvas[seen[1] + start : seen[1] + start + rows, seen[0] : seen[2]]
        under[:] = np.rint(under + alpha * (patch.astype(np.float32) - under))


def _soft(side: int, soft: float) -> NDArray[np.float32]:
    i = np.arange(side, dtype=np.float32) + 0.5
    return np.asarray(np.clip(np.minimum(i, side - i) / soft, 0, 1), np.float32)


def _blurred(picture: Picture, rng: np.random.Generator, face: float) -> Picture:
    """By defocus or motion, of some hundredths of the face's side."""
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.02, 0.05)) * face), np.uint8)
    length = max(3, round(float(rng.uniform(0.06, 0.14)) * face) | 1)
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), float(rng.uniform(0, 180)), 1)
    turned = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
    return np.asarray(cv2.filter2D(picture, -1, turned / turned.sum(), borderType=cv2.BORDER_REPLICATE), np.uint8)


def _finished(canvas: _Canvas, rng: np.random.Generator, stratum: Stratum, place: Place, shows: str) -> Photo:
    rgb, truths = canvas.rgb, tuple(canvas.truths)
    if stratum.turn:
        truths = tuple(replace(t, box=_turned_box(t.box, stratum.turn, rgb), turned=stratum.turn) for t in truths)
        rgb = np.ascontiguousarray(np.rot90(rgb, stratum.turn // 90))
    if stratum.condition is Condition.DARK:
        _darken(rgb, rng)
    elif stratum.condition is Condition.JPEG:
        rgb = _through_jpeg(rgb, int(rng.integers(12, 30)))
    return Photo(rgb, truths, stratum, place, shows)


def _darken(rgb: Picture, rng: np.random.Generator) -> None:
    """A tenth of the light, with a sensor's noise, in place."""
    table = 255 * ((np.arange(256) / 255) ** 2.2 * 0.1) ** (1 / 2.2)
    noise = rng.normal(0, 2, (512, 512, 3)).astype(np.float32)
    for y in range(0, rgb.shape[0], 512):
        for x in range(0, rgb.shape[1], 512):
            part = rgb[y : y + 512, x : x + 512]
            grain = np.roll(noise, rng.integers(512, size=2).tolist(), (0, 1))[: part.shape[0], : part.shape[1]]
            part[:] = np.clip(np.rint(table[part] + grain), 0, 255)


def _through_jpeg(rgb: Picture, quality: int) -> Picture:
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
