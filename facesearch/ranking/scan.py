"""The exact scan: every face is scored, only the asked attributes are read, only the best are sorted."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from facesearch.network.calibration import probabilities
from facesearch.query.tree import Node
from facesearch.ranking.joint import joint_probability

CHUNK = 1 << 16
"""Faces at a time: what is computed on stays in the processor's cache, and memory hardly grows with the faces."""


def scores(
    tree: Node,
    logits: Callable[[int], NDArray[np.float32]],
    faces: int,
    scale: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> NDArray[np.float64]:
    """float64 [faces], 0..1: the calibrated probability that `tree` holds.

    `logits(attribute index)`: float32 [faces], asked for once per attribute; `scale`, `bias`: float32 [40], the
    calibration. Raises QueryError as `joint_probability`.
    """
    columns = {index: logits(index) for index in sorted(tree.attributes)}
    result = np.empty(faces, np.float64)
    for start in range(0, faces, CHUNK):
        rows = slice(start, start + CHUNK)
        chunk = {index: probabilities(column[rows], scale[index], bias[index]) for index, column in columns.items()}
        result[rows] = joint_probability(tree, chunk.__getitem__, len(result[rows]))
    return result


def best(scores: NDArray[np.floating], face_ids: NDArray[np.int64], top: int | None) -> NDArray[np.int64]:
    """int64 [min(top, N)]: the rows of the `top` >= 1 best (None: all), best first, equal scores by face id upwards."""
    rows = np.arange(len(scores), dtype=np.int64)
    if top is not None and top < len(scores):
        last = np.partition(scores, len(scores) - top)[len(scores) - top]
        rows = rows[scores >= last]  # all that tie with the last one, too: the face id decides between them
    order = np.lexsort((face_ids[rows], -scores[rows]))
    return rows[order[:top]]
