"""The use case: an indexed face gives all that is known of it, and the faces that are most like it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from db import faces
from db.catalogue import Catalogue
from db.faces import FaceInFull
from db.values.scoring_model import calibrate
from facesearch.custody.audit import log
from facesearch.custody.policy import permit
from facesearch.reliability import Hard, grades, hard_to_judge
from facesearch.search.hits import SearchResult, shown_by
from facesearch.search.request import Request
from facesearch.search.similar import IndexedFace
from facesearch.search.similar import nearest as nearest_to


@dataclass(frozen=True, slots=True, eq=False)
class FaceReport:
    """face: with its photo. probabilities: float32 [40], calibrated; nan for what a policy switches off.
    grades: A to D for each, None for unknown. hard: why it is hard to judge. nearest: the faces whose profiles are most
    like its own; none where a policy switches that off.
    """

    face: FaceInFull
    probabilities: NDArray[np.float32]
    grades: tuple[str | None, ...]
    hard: tuple[Hard, ...]
    nearest: SearchResult


def report_face(catalogue: Catalogue, face_id: int, *, nearest: int = 5) -> FaceReport:
    """The face with this id, and `nearest` >= 1 others. Needs no network.

    Raises CatalogueError subclasses: FaceUnknown for an id that no face has, FaceHidden for a face whose photo is gone,
    FaceUnscored for one that only another network has scored; PolicyRefusal; and as `similar`.
    """
    policy = permit(catalogue)
    with catalogue.read() as session:
        found = faces.in_full(session, face_id)
    model = found.model
    held = calibrate(found.face.logits, model.calibration_scale, model.calibration_bias).astype(np.float32)
    like_it = nearest_to(catalogue, [IndexedFace(found.face, model.digest)], Request(), top=nearest)
    logged = log(catalogue, "show", {"face": face_id, "model": model.digest}, policy)
    hits = shown_by(policy, like_it.hits) if policy.similar else ()
    like_it = replace(like_it, hits=hits, logged=logged)
    hard = hard_to_judge(found.face.size, held, model)
    return FaceReport(found, policy.masked(held), grades(model), hard, like_it)
