"""Two people's answers, held against each other and against the network.

**Agreement** is Cohen's kappa (Educational and Psychological Measurement 1960): how far two people agree beyond what
chance would give; over the faces on which both said yes or no. **Error**: of the answers on which both people agree,
the share that the network gets wrong, with Wilson's interval (JASA 1927) for one word, and, over all words, the middle
95 % of 500 resamples of the faces. Where the people disagree nobody knows who is right: such answers count for neither
side, and the share of them is said. That flatters the network, since people disagree on the hard ones; so the error
against each person's own answers stands beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import BY_NAME
from facesearch.training.bootstrap import Interval, draw_people, interval
from facesearch.training.datasets.labels import UNKNOWN
from facesearch.training.figures import measure
from facesearch.training.metrics import Reliability, reliability
from facesearch.validation.answers import CANNOT_TELL, NO, YES, Answers
from facesearch.validation.sample import Sample, ValidationError

Floats = NDArray[np.float64]

GROUPED_BY = ("Male", "Young")
SIZES = ((0, 48), (48, 96), (96, None))
"""Longer sides of the face box in pixels, from and below."""

_Z = 1.959964  # 95 %


@dataclass(frozen=True)
class Share:
    """wrong (or whatever is counted) of judged, as a fraction with its 95 % interval; nan and None of none."""

    wrong: int
    judged: int
    interval: Interval | None

    @property
    def value(self) -> float:
        return self.wrong / self.judged if self.judged else float("nan")

    def as_json(self) -> dict[str, Any]:
        return {"wrong": self.wrong, "judged": self.judged, "interval": _ends(self.interval)}


@dataclass(frozen=True)
class Word:
    """One attribute. agree: of the faces on which both said yes or no, how many they agree on (its `wrong` counts the
    others). unsure: faces on which one of them could not tell. kappa: nan where chance alone explains everything.
    have: how many faces have it, as both say. error: of the network where both agree; misses: of those who have it;
    alarms: of those who do not. against_each: error against each person's own answers, mean of the two.
    calibration_error, chance: expected calibration error, and what a perfect network would show.
    """

    name: str
    disagree: Share
    unsure: int
    kappa: float
    kappa_interval: Interval | None
    have: int
    error: Share
    misses: Share
    alarms: Share
    against_each: float
    calibration_error: float
    chance: float


@dataclass(frozen=True)
class Part:
    """Some of the faces: how many, and the error over all words."""

    faces: int
    error: Share


@dataclass(frozen=True)
class Detection:
    """not_faces: of the drawn faces, those that both people say are none. missed: of all faces on the drawn photos, the
    ones that were not found (found and missed), as the people count them, their mean."""

    not_faces: Share
    missed: Share
    photos: int
    counts_agree: float


@dataclass(frozen=True)
class Agreement:
    """All figures of a validation. left_out: words that not both people have finished. gone: drawn faces that the
    catalogue holds no more, or elsewhere in the photo. calibration_error, chance: over all answers of all words; bins:
    of the reliability diagram, [1, BINS]."""

    people: tuple[str, str]
    faces: int
    gone: int
    words: tuple[Word, ...]
    left_out: tuple[str, ...]
    error: Share
    against_each: float
    disagree: Share
    calibration_error: float
    chance: float
    bins: Reliability
    parts: Mapping[str, Part]
    detection: Detection

    def as_json(self) -> dict[str, Any]:
        """For the catalogue, and for whoever wants to compute with it."""
        return {
            "people": list(self.people),
            "faces": self.faces,
            "gone": self.gone,
            "words": {
                word.name: {
                    "kappa": _number(word.kappa),
                    "kappa_interval": _ends(word.kappa_interval),
                    "disagree": word.disagree.as_json(),
                    "unsure": word.unsure,
                    "have": word.have,
                    "error": word.error.as_json(),
                    "misses": word.misses.as_json(),
                    "alarms": word.alarms.as_json(),
                    "against_each": _number(word.against_each),
                    "calibration_error": _number(word.calibration_error),
                    "chance": _number(word.chance),
                }
                for word in self.words
            },
            "left_out": list(self.left_out),
            "error": self.error.as_json(),
            "against_each": _number(self.against_each),
            "disagree": self.disagree.as_json(),
            "calibration_error": _number(self.calibration_error),
            "chance": _number(self.chance),
            "parts": {name: {"faces": part.faces, "error": part.error.as_json()} for name, part in self.parts.items()},
            "detection": {
                "not_faces": self.detection.not_faces.as_json(),
                "missed": self.detection.missed.as_json(),
                "photos": self.detection.photos,
                "counts_agree": _number(self.detection.counts_agree),
            },
        }


def compare(
    sample: Sample,
    people: tuple[Answers, Answers],
    probabilities: NDArray[np.floating],
    sizes: NDArray[np.floating],
    there: NDArray[np.bool_],
) -> Agreement:
    """probabilities: calibrated, [N, 40]; sizes: longer side of each face in pixels, [N]; there: bool [N], which faces
    the catalogue still holds where they were drawn (the others' numbers are not read). Raises ValidationError where no
    word was finished by both, or they agree on nothing.
    """
    one, other = people
    finished = [set(each.complete(sample)) for each in people]
    words = [name for name in sample.words if name in finished[0] & finished[1]]
    if not words:
        counts = " and ".join(f"{each.name} {len(of)}" for each, of in zip(people, finished, strict=True))
        raise ValidationError(
            f"No word is finished by both people ({counts} of {len(sample.words)}): a word counts once it is answered "
            "for every face, so let both go on with the page."
        )
    if not there.any():
        raise ValidationError("The catalogue holds none of the drawn faces any more: draw a new sample.")
    columns = [BY_NAME[name].index for name in words]
    a, b = (each.judged[there][:, columns] for each in people)
    p = np.asarray(probabilities, np.float64)[there][:, columns]
    both = np.isin(a, (YES, NO)) & np.isin(b, (YES, NO))
    agreed = both & (a == b)
    if not agreed.any():
        raise ValidationError(
            f"{one.name} and {other.name} agree on no answer, so there is nothing to measure by: let both read the "
            "page's instructions and label again."
        )
    truth = np.where(agreed, a, UNKNOWN).astype(np.uint8)
    wrong = agreed & ((p > 0.5) != (truth == 1))
    figures = measure(p, truth, np.ones(len(p), np.bool_))
    each_wrong = [_against(p, answers) for answers in (a, b)]
    draws = draw_people(np.arange(len(p)))
    found = []
    for place, name in enumerate(words):
        have, lack = truth[:, place] == 1, truth[:, place] == 0
        found.append(
            Word(
                name=name,
                disagree=_wilson(int((both & ~agreed)[:, place].sum()), int(both[:, place].sum())),
                unsure=int((~both)[:, place].sum()),
                kappa=float(_kappas(a[:, place], b[:, place], np.ones((1, len(p))))[0]),
                kappa_interval=interval(_kappas(a[:, place], b[:, place], draws)),
                have=int(have.sum()),
                error=_wilson(int(wrong[:, place].sum()), int(agreed[:, place].sum())),
                misses=_wilson(int((wrong[:, place] & have).sum()), int(have.sum())),
                alarms=_wilson(int((wrong[:, place] & lack).sum()), int(lack.sum())),
                against_each=float(np.mean([rates[place] for rates in each_wrong])),
                calibration_error=float(figures.calibration_error[place]),
                chance=float(figures.chance_calibration_error[place]),
            )
        )
    pooled = measure(p[agreed][:, None], truth[agreed][:, None], np.ones(int(agreed.sum()), np.bool_))
    return Agreement(
        people=(one.name, other.name),
        faces=int(there.sum()),
        gone=int((~there).sum()),
        words=tuple(found),
        left_out=tuple(name for name in sample.words if name not in words),
        error=_by_face(wrong, agreed, draws),
        against_each=float(np.nanmean(each_wrong)),
        disagree=_by_face(both & ~agreed, both, draws),
        calibration_error=float(pooled.calibration_error[0]),
        chance=float(pooled.chance_calibration_error[0]),
        bins=reliability(p[agreed][:, None], truth[agreed][:, None]),
        parts=_parts(words, truth, wrong, agreed, np.asarray(sizes, np.float64)[there]),
        detection=_detection(sample, people),
    )


def _parts(
    words: Sequence[str],
    truth: NDArray[np.uint8],
    wrong: NDArray[np.bool_],
    agreed: NDArray[np.bool_],
    sizes: Floats,
) -> dict[str, Part]:
    """By what both people say of the face, and by its size."""
    of: dict[str, NDArray[np.bool_]] = {}
    for name in GROUPED_BY:
        if name in words:
            said = truth[:, words.index(name)]
            of |= {name: said == 1, f"not {name}": said == 0}
    for least, below in SIZES:
        inside = (sizes >= least) & (sizes < (np.inf if below is None else below))
        title = f"{least} pixels and more" if below is None else f"{least} to {below - 1} pixels"
        of[f"under {below} pixels" if not least else title] = inside
    made = {}
    for title, rows in of.items():
        if rows.any():
            draws = draw_people(np.arange(int(rows.sum())))
            made[title] = Part(int(rows.sum()), _by_face(wrong[rows], agreed[rows], draws))
    return made


def _detection(sample: Sample, people: tuple[Answers, Answers]) -> Detection:
    none = np.all([each.is_face == NO for each in people], axis=0)
    judged = np.all([np.isin(each.is_face, (YES, NO)) for each in people], axis=0)
    counted = np.all([each.missed >= 0 for each in people], axis=0) if len(sample.photos) else np.zeros(0, np.bool_)
    found = np.array([photo.found for photo in sample.photos], np.float64)[counted]
    missed = np.mean([each.missed[counted] for each in people], axis=0) if counted.any() else np.zeros(0)
    share = None
    if counted.any():
        draws = draw_people(np.arange(len(found))).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = interval((draws @ missed) / (draws @ (missed + found)))
    same = people[0].missed[counted] == people[1].missed[counted]
    return Detection(
        not_faces=_wilson(int((none & judged).sum()), int(judged.sum())),
        missed=Share(round(float(missed.sum())), round(float((missed + found).sum())), share),
        photos=int(counted.sum()),
        counts_agree=float(same.mean()) if len(same) else float("nan"),
    )


def _against(p: Floats, answers: NDArray[np.uint8]) -> Floats:
    """Error against one person's answers, by word."""
    judged = answers != CANNOT_TELL
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((judged & ((p > 0.5) != (answers == YES))).sum(axis=0) / judged.sum(axis=0), np.float64)


def _kappas(a: NDArray[np.uint8], b: NDArray[np.uint8], weights: NDArray[np.floating]) -> Floats:
    """Cohen's kappa over the faces on which both said yes or no, for each weighting [D, N] of the faces."""
    both = np.isin(a, (YES, NO)) & np.isin(b, (YES, NO))
    x, y, w = (a[both] == YES).astype(float), (b[both] == YES).astype(float), weights[:, both].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = w.sum(axis=1)
        agree, px, py = (w @ (x == y)) / total, (w @ x) / total, (w @ y) / total
        chance = px * py + (1 - px) * (1 - py)
        return np.asarray(np.where(chance < 1, (agree - chance) / (1 - chance), np.nan), np.float64)


def _wilson(wrong: int, judged: int) -> Share:
    """A share with Wilson's score interval."""
    if not judged:
        return Share(wrong, judged, None)
    share, z = wrong / judged, _Z**2 / judged
    middle, half = share + z / 2, _Z * np.sqrt(share * (1 - share) / judged + z / (4 * judged))
    return Share(wrong, judged, Interval(max(0.0, (middle - half) / (1 + z)), min(1.0, (middle + half) / (1 + z))))


def _by_face(wrong: NDArray[np.bool_], judged: NDArray[np.bool_], draws: NDArray[np.float32]) -> Share:
    """A share over all words, with the interval by face: what is said of one face is not independent."""
    per_face = [draws @ each.sum(axis=1).astype(np.float32) for each in (wrong, judged)]
    with np.errstate(invalid="ignore", divide="ignore"):
        between = interval(np.asarray(per_face[0] / per_face[1], np.float64))
    return Share(int(wrong.sum()), int(judged.sum()), between)


def _ends(between: Interval | None) -> list[float] | None:
    return None if between is None else [round(between.low, 4), round(between.high, 4)]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
