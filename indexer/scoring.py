"""The stage between crops and catalogue: a batch of faces through the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from indexer.failures import FailureReason, unforeseen
from indexer.items import Crop, Logits, ProcessedFile, ProcessedPhoto, ScoredFile, ScoredPhoto
from indexer.listing import Job
from indexer.network import Network
from indexer.ports import Scorer


def score_batch(
    batch: Sequence[tuple[Job, ProcessedFile]], network: Network, *, at_once: int
) -> list[tuple[Job, ScoredFile]]:
    """The same files, with the scores of their faces. at_once: how many crops the network is given at a time. What goes
    wrong is the failure of the one photo that it goes wrong with."""
    with_faces = [each for _, each in batch if isinstance(each, ProcessedPhoto) and each.faces and each.logits is None]
    crops = [[face.crop for face in photo.faces] for photo in with_faces]
    answers = score_each(network.scorer(), crops, at_once=at_once) if crops else []
    scores = {photo.sha256: answer for photo, answer in zip(with_faces, answers, strict=True)}
    return [
        (job, _scored(each, scores.get(each.sha256)) if isinstance(each, ProcessedPhoto) else each)
        for job, each in batch
    ]


def score_each(scorer: Scorer, groups: Sequence[Sequence[Crop]], *, at_once: int) -> list[Logits | FailureReason]:
    """float32 [faces, attributes] for each photo's crops, or why there are none; one photo's failure stays its own."""
    together = _score([crop for crops in groups for crop in crops], scorer, at_once)
    answers: Sequence[Logits | FailureReason]
    if not isinstance(together, FailureReason):
        answers = np.split(together, np.cumsum([len(crops) for crops in groups])[:-1])
    elif len(groups) == 1:
        answers = [together]
    else:
        answers = [_score(crops, scorer, at_once) for crops in groups]
    return [_checked(answer) for answer in answers]


def _scored(photo: ProcessedPhoto, answer: Logits | FailureReason | None) -> ScoredPhoto:
    if photo.logits is not None and photo.failure is None:
        return ScoredPhoto(photo, logits=photo.logits)
    if photo.failure is not None or answer is None:
        return ScoredPhoto(photo, failure=photo.failure)
    if isinstance(answer, FailureReason):
        return ScoredPhoto(photo, failure=answer)
    return ScoredPhoto(photo, logits=answer)


def _checked(answer: Logits | FailureReason) -> Logits | FailureReason:
    if isinstance(answer, FailureReason) or np.isfinite(answer).all():
        return answer
    return FailureReason("the network's scores of its faces are no numbers", retry=True)


def _score(crops: Sequence[Crop], scorer: Scorer, at_once: int) -> Logits | FailureReason:
    try:
        parts = [scorer.score(np.stack(crops[i : i + at_once])) for i in range(0, len(crops), at_once)]
    except Exception as error:
        return unforeseen(error, "the network fails on its faces")
    return np.concatenate(parts)
