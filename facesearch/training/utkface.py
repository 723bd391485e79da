"""How the network treats different people: UTKFace (Zhang, Song & Qi, CVPR 2017), whose file names tell age, gender and
group. It carries none of the 40 attributes, so `Male` is held against gender, `Young` and `Gray_Hair` against age.

Layout: `AGE_GENDER_GROUP_DATE.jpg` in one folder, gender 0 man or 1 woman, group 0..4 in the order of GROUPS (the data
set's own words and numbers). Only adults are looked at, as in the network's training data.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box
from db.values.scoring_model import calibrate
from facesearch.attributes import BY_NAME, NAMES
from facesearch.network.scorer import BATCH, Scorer
from facesearch.training.datasets import DatasetError
from facesearch.training.datasets.facecache import labelled_face
from facesearch.training.figures import Figures, measure, measure_unlabelled
from facesearch.vision.crop import crop_face
from facesearch.vision.decode import PhotoError, decode_photo
from facesearch.vision.detection import SEARCH_FROM, Detection, Detector

Floats = NDArray[np.float64]

GROUPS = ("White", "Black", "Asian", "Indian", "Others")
AGES = ((18, 29), (30, 44), (45, 59), (60, 116))
"""Age bands, both ends included; 116 is the data set's oldest."""

BY_AGE = ("Young", "Gray_Hair")
EVERYONE = "all"

_NAME = re.compile(r"(\d{1,3})_([01])_([0-4])_[^/]*\.jpe?g", re.IGNORECASE)


@dataclass(frozen=True)
class Portraits:
    """Pictures of one adult each. ages: int64 [N], years; men: bool [N]; groups: int64 [N], index into GROUPS.

    left_out: pictures of children, and those whose names do not tell all three.
    """

    paths: tuple[Path, ...]
    ages: NDArray[np.int64]
    men: NDArray[np.bool_]
    groups: NDArray[np.int64]
    left_out: int


@dataclass(frozen=True)
class GroupFigures:
    """Faces of one group. searched: how many the detector found so surely that a search shows them by default.

    gender: figures of `Male`, [1]: its recall is the share of men taken for men, its specificity that of women not
    taken for men. by_age: what is said of `Young` and `Gray_Hair`, [2], in each age band that has faces. age_order:
    rank correlation of their probabilities with age, float64 [2]; -1 for Young and 1 for Gray_Hair would be perfect.
    """

    searched: int
    gender: Figures
    by_age: dict[tuple[int, int], Figures]
    age_order: Floats


def band_in_words(band: tuple[int, int]) -> str:
    """`18 to 29`, `60+`."""
    return f"{band[0]}+" if band == AGES[-1] else f"{band[0]} to {band[1]}"


def read_utkface(folder: Path) -> Portraits:
    """List the pictures. Raises DatasetError when there are none that can be used."""
    try:
        paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg"))
    except OSError as e:
        raise DatasetError(f"{folder} cannot be read ({e.strerror}): name the folder that holds UTKFace.") from e
    told = [(path, match) for path in paths if (match := _NAME.fullmatch(path.name))]
    ages, genders, groups = np.array([[int(n) for n in m.groups()] for _, m in told], np.int64).reshape(-1, 3).T
    adults = (ages >= AGES[0][0]) & (ages <= AGES[-1][1])
    if not adults.any():
        raise DatasetError(
            f"{folder} holds no picture of an adult named AGE_GENDER_GROUP_DATE.jpg: name the folder with UTKFace."
        )
    return Portraits(
        paths=tuple(path for (path, _), adult in zip(told, adults, strict=True) if adult),
        ages=ages[adults],
        men=genders[adults] == 0,
        groups=groups[adults],
        left_out=len(paths) - int(adults.sum()),
    )


def evaluate_groups(
    scorer: Scorer, detector: Detector, portraits: Portraits, progress: Callable[[int, int], None] | None = None
) -> dict[str, GroupFigures]:
    """Score all portraits; figures of EVERYONE and of each group that has faces, by name.

    A face that the detector misses is cut at the median box of the others and counts. progress: called with (faces
    done, faces in all). Raises DatasetError when a picture cannot be decoded.
    """
    logits, detection = score_portraits(scorer, detector, portraits.paths, progress)
    known = scorer.checkpoint
    p = calibrate(logits, known.calibration_scale, known.calibration_bias)
    members = {EVERYONE: np.ones(len(p), bool)}
    members |= {name: portraits.groups == number for number, name in enumerate(GROUPS)}
    return {name: _figures(p, detection, portraits, of) for name, of in members.items() if of.any()}


def score_portraits(
    scorer: Scorer, detector: Detector, paths: Sequence[Path], progress: Callable[[int, int], None] | None
) -> tuple[NDArray[np.float32], Floats]:
    """Logits, float32 [N, 40], and detection scores, [N], 0 where no face was found. Raises DatasetError when a picture
    cannot be decoded."""
    logits = np.empty((len(paths), len(NAMES)), np.float32)
    detection, boxes, missed, done = np.zeros(len(paths)), [], [], 0
    for rows in _batches(np.arange(len(paths))):
        crops, at = [], []
        for row in rows:
            image = _decoded(paths[row])
            height, width = image.shape[:2]
            face = labelled_face(detector.detect([image])[0], (width, height))
            if face is None:
                missed.append(row)
                continue
            detection[row] = face.score
            boxes.append(_relative(face, width, height))
            crops.append(crop_face(image, face.box, face.turned))
            at.append(row)
        if crops:
            logits[at] = scorer.score(np.stack(crops))
            done += len(at)
        if progress:
            progress(done, len(paths))
    usual = np.median(boxes, axis=0) if boxes else np.array([0.2, 0.2, 0.6, 0.6])
    for rows in _batches(np.array(missed, np.int64)):
        logits[rows] = scorer.score(np.stack([_cut_at(_decoded(paths[row]), usual) for row in rows]))
        done += len(rows)
        if progress:
            progress(done, len(paths))
    return logits, detection


def _batches(rows: NDArray[np.int64]) -> Iterator[list[int]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH].tolist()


def _decoded(path: Path) -> NDArray[np.uint8]:
    try:
        return decode_photo(path).rgb
    except PhotoError as e:
        raise DatasetError(f"{path} cannot be used ({e.reason}): replace it, or take it out of the folder.") from e


def _relative(face: Detection, width: int, height: int) -> tuple[float, float, float, float]:
    box = face.box
    return box.x / width, box.y / height, box.width / width, box.height / height


def _cut_at(image: NDArray[np.uint8], place: Floats) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    return crop_face(image, Box(*(place * (width, height, width, height)).tolist()))


def _figures(p: Floats, detection: Floats, portraits: Portraits, of: NDArray[np.bool_]) -> GroupFigures:
    male, aged = [BY_NAME["Male"].index], [BY_NAME[name].index for name in BY_AGE]
    found, ages = detection > 0, portraits.ages
    bands = {band: of & (ages >= band[0]) & (ages <= band[1]) for band in AGES}
    return GroupFigures(
        searched=int((detection[of] >= SEARCH_FROM).sum()),
        gender=measure(p[of][:, male], portraits.men[of, None].astype(np.uint8), found[of]),
        by_age={
            band: measure_unlabelled(p[inside][:, aged], found[inside])
            for band, inside in bands.items()
            if inside.any()
        },
        age_order=np.array([_rank_correlation(p[of, a], ages[of]) for a in aged]),
    )


def _rank_correlation(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Spearman's: the correlation of the ranks, equal values sharing theirs; nan where one side is all equal."""
    x, y = _ranks(a), _ranks(b)
    return float(np.corrcoef(x, y)[0, 1]) if x.std() and y.std() else float("nan")


def _ranks(values: NDArray[np.generic]) -> Floats:
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[at], np.float64)
