"""What every search gives, and what every search does: hits with their photos, bounds, the faces that are searched."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db import faces, tombstones
from db.catalogue import Catalogue
from db.faces import FaceDetails
from db.paths import is_there
from db.snapshot import Gallery, load_gallery
from db.values.photo_filter import PhotoFilter, path_test
from db.values.scoring_model import ScoringModel, calibrate
from db.values.told import Told
from facesearch.attributes import NAMES
from facesearch.cases.kept import Kept
from facesearch.custody.audit import Logged
from facesearch.custody.policy import Policy
from facesearch.errors import NothingIndexed, Notice, RequestError, SearchError
from facesearch.places import marks_at
from facesearch.query import Asked, Query
from facesearch.query.tree import Node
from facesearch.reliability import Hard, grades, hard_to_judge
from facesearch.search.ranking.explain import AskedProbability, Fit, explain, explain_asked, fits
from facesearch.search.ranking.joint import joint_probability
from facesearch.search.ranking.scan import Likely
from facesearch.search.request import Request, catalogue_name
from facesearch.search.unseen import NOTHING_UNSEEN, Unseen

LIKELY_FROM = 0.1
"""Score from which a hit is likely at all."""

HOLDS_FROM = 0.5
"""Probability from which a face is judged to have what a "must" asks for."""

ON_ALL_HITS = ("must", "leave out")
"""Kinds of notices that are made from all hits of a result together."""


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A face that was found.

    rank: from 1. score: 0..1, of a description the calibrated probability that it holds, of a probe the similarity.
    probabilities: float32 [40], calibrated; nan for what a policy switches off. asked: the things asked for, each with
    the probability that it holds as asked (`str()`: "not bald 98 % fits"); for a probe its changes. hard: why it is
    hard to judge.
    marks: in what sort of place its file lies, such as "recycle bin" (`places.marks_of`); none in an ordinary one. Of a
    description: fit: how many of its parts fit; behind: the parts without which it stands behind all that have them.
    catalogue: where it is, absolute, if several were searched.
    """

    rank: int
    score: float
    face: FaceDetails
    probabilities: NDArray[np.float32]
    asked: tuple[AskedProbability, ...]
    hard: tuple[Hard, ...] = ()
    marks: tuple[str, ...] = ()
    fit: Fit | None = None
    behind: tuple[str, ...] = ()
    catalogue: Path | None = None


@dataclass(frozen=True, slots=True)
class FilterStep:
    """A filter, in words such as "folder:holiday" and as a kind with values; how many faces pass it and all before it,
    and how many of those that passed all before it do not.

    kind: "detection score" or "face size" (values: least), "photo" (filter), "bound" (bound).
    """

    words: str
    left: int
    left_out: int
    kind: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """What was found, best first; equal scores in order of face id.

    faces: how many were searched. below_detection: how many visible faces were not, because their detection score is
    too low. unscored: how many others were not, because the network that searches go by has not scored them. model: the
    one whose scores were searched. filter_steps: the filters beside the detection score, in their order. best: the
    highest score of all that were searched, whatever the least one asked for (None: none was). Of a description:
    expected: how many of them are expected to fit, hedged words aside. notices: what should be known of this result.
    musts, behind: the words without which faces stand behind all others, and how many do. said: how many things are
    searched, and how many are said. unseen: what it did not see. logged: how the search was logged; None where it was a
    part of something else. kept: whether it was kept in a case; None where it was made for none. without: where nobody
    is likely, how many would be without each part of the description that may be left out. fitting: how many of the
    searched faces have 0, 1, 2 ... fitting parts; () where nobody counted.
    several: what became of each of several catalogues that were searched together; what is said of one of them (unseen,
    logged, kept) is said there.
    """

    hits: tuple[Hit, ...]
    faces: int
    below_detection: int
    unscored: int
    model: ScoringModel
    filter_steps: tuple[FilterStep, ...] = ()
    best: float | None = None
    expected: float | None = None
    notices: tuple[Notice, ...] = ()
    musts: tuple[str, ...] = ()
    behind: int = 0
    said: tuple[int, int] = (0, 0)
    unseen: Unseen = NOTHING_UNSEEN
    logged: Logged | None = None
    kept: Kept | None = None
    without: tuple[tuple[Node, Likely], ...] = ()
    fitting: tuple[int, ...] = ()
    several: "tuple[Searched, ...]" = ()

    @property
    def is_partial(self) -> bool:
        """Whether one of several catalogues could not be searched."""
        return any(each.result is None and not each.is_empty for each in self.several)

    def fit_as_well(self, hit: Hit) -> int | None:
        """How many other faces that were searched have as many fitting parts as this hit, or more; None where nobody
        counted."""
        if hit.fit is None or not self.fitting:
            return None
        return sum(self.fitting[hit.fit.fitting :]) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """One of several catalogues. path: absolute. result: what was found there, its hits as they are shown together;
    None where it was not searched, and `problem` says why; is_empty: because no face is indexed there."""

    path: Path
    result: SearchResult | None
    problem: Told | None = None
    is_empty: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """In which order faces answer a request. rows: int64 [n], of the gallery, best first; scores: float64 [n]. about:
    the result, without its hits."""

    gallery: Gallery
    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    about: SearchResult


def ids_and_scores(hits: Sequence[Hit]) -> list[tuple[int, float]]:
    """The face ids and scores of hits, in their order."""
    return [(hit.face.face, hit.score) for hit in hits]


def shown_by(policy: Policy, hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits as the policy lets them be shown: without what it switches off."""
    if not policy.off:
        return tuple(hits)
    return tuple(replace(hit, probabilities=policy.masked(hit.probabilities)) for hit in hits)


def check_asked(catalogue: Catalogue, request: Request, top: int | None) -> None:
    """Raises SearchError when `top` (None: all) is less than 1, RequestError ("another catalogue") when the request is
    about other catalogues than this one: an answer from one of several would be taken for that of all."""
    if top is not None and top < 1:
        raise SearchError(f"{top} results cannot be shown: ask for 1 or more, or for all.")
    here = catalogue_name(catalogue.path)
    if request.catalogues and set(request.catalogues) != {here}:
        raise RequestError("another catalogue", {"asked": request.catalogues, "open": here})


def gallery_of(catalogue: Catalogue) -> Gallery:
    """All faces that can be searched. Raises SearchError when there is none yet, or it has other attributes."""
    gallery = load_gallery(catalogue)
    if gallery is None or len(gallery) == 0:
        raise NothingIndexed("No face is indexed yet.", "nothing indexed")
    if gallery.model.attributes != NAMES:
        raise SearchError(
            "The faces were scored by a model with other attributes than this version knows.", "other attributes"
        )
    return gallery


def sure_mask(gallery: Gallery, min_detection: float) -> NDArray[np.bool_]:
    """bool [N]: whose detection score is at least `min_detection`."""
    sure: NDArray[np.bool_] = gallery.detections >= np.float32(min_detection)  # so that a face at the very bound is in
    return sure


def hits_of(
    catalogue: Catalogue,
    gallery: Gallery,
    rows: NDArray[np.int64],
    scores: NDArray[np.float64],
    asked: Query | Sequence[Asked] = (),
    photos: Sequence[PhotoFilter] = (),
    first: int = 1,
) -> tuple[Hit, ...]:
    """The faces in these rows (int64 [n]) of the gallery, in this order, with their scores (float64 [n]) and ranks,
    `first` and those after it.

    asked: the query that gave the scores, which explains them, or what else is to be said of each face. photos: what
    their photos were to be like: of several paths those come first that are.
    """
    if len(rows) == 0:
        return ()
    model = gallery.model
    with catalogue.read() as session:
        left = ~np.isin(gallery.face_ids[rows], tombstones.among(session, gallery.face_ids[rows]))  # while it searched
        rows, scores = rows[left], scores[left]
        found = faces.details(session, gallery.face_ids[rows], model_id=gallery.model_id)
    if not found:
        return ()
    held = calibrate(np.stack([face.logits for face in found]), model.calibration_scale, model.calibration_bias)
    known = grades(model)
    query = asked if isinstance(asked, Query) else None
    fit = fits(query, held) if query is not None and query.asked else [None] * len(held)
    lacking = _lacking(query.musts, held) if query is not None else [()] * len(held)
    explained = explain(asked, held, known) if isinstance(asked, Query) else explain_asked(asked, held, known)
    sought = [path_test(each) for each in photos]
    shown = [_with_the_best_path_first(face, sought) for face in found]
    return tuple(
        Hit(rank, score, face, row, why, hard_to_judge(face.size, row, model), _marks(face, face.path), of, without)
        for rank, (score, face, row, why, of, without) in enumerate(
            zip(scores.tolist(), shown, held.astype(np.float32), explained, fit, lacking, strict=True), first
        )
    )


def one_for_each_file(hits: Sequence[Hit], top: int | None) -> tuple[Hit, ...]:
    """The same hits, and for each further file of a face's photo one more behind it; the `top` first (None: all)."""
    each_file = (
        replace(hit, face=replace(hit.face, paths=paths))
        for hit in hits
        for paths in ((path,) for path in hit.face.paths or (hit.face.path,))
    )
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(islice(each_file, top), 1))


def _lacking(musts: Sequence[Node], probabilities: NDArray[np.float64]) -> list[tuple[str, ...]]:
    """For each face (float64 [n, 40]) those that it is judged not to have."""
    columns = probabilities.T
    holds = [joint_probability(each, columns.__getitem__, len(probabilities)) >= HOLDS_FROM for each in musts]
    return [
        tuple(str(each) for each, held in zip(musts, row, strict=True) if not held)
        for row in np.array(holds, np.bool_).reshape(len(musts), len(probabilities)).T
    ]


def _marks(face: FaceDetails, path: Path) -> tuple[str, ...]:
    return marks_at(os.fsencode(path), face.inside.get(path, b""))


def _with_the_best_path_first(face: FaceDetails, sought: Sequence[Callable[[Path], bool]]) -> FaceDetails:
    """Of several paths first one that was asked for, of those one that is there (a drive may be unplugged that the
    catalogue takes for there), and of those one in an ordinary place."""
    if len(face.paths) == 1:
        return face

    def worse(path: Path) -> tuple[bool, bool, bool]:
        return not all(test(path) for test in sought), not is_there(path), bool(_marks(face, path))

    return replace(face, paths=tuple(sorted(face.paths, key=worse)))
