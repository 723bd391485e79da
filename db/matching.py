"""Which face of a new look at a photo is which face of the former look."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from db.values.box import Box

SAME_FACE_FROM = 0.4
"""Intersection over union from which boxes of two looks at one photo are the same face: detectors cut heads variously,
and the boxes of two people hardly overlap."""


def match(new: Sequence[Box], old: Sequence[Box]) -> dict[int, int]:
    """Place in `old` by place in `new`: the pairs that overlap most come first, and each face is in one pair at most.

    Of equal overlaps the one of the earlier new, then the earlier old face counts.
    """
    if not new or not old:
        return {}
    overlaps = _ious(new, old)
    rows, columns = np.nonzero(overlaps >= SAME_FACE_FROM)
    order = np.argsort(-overlaps[rows, columns], kind="stable")
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in pairs and column not in taken:
            pairs[row] = column
            taken.add(column)
    return pairs


def _ious(new: Sequence[Box], old: Sequence[Box]) -> npt.NDArray[np.float64]:
    """float64[N, M]: intersection over union of each pair."""
    a, b = (
        np.array([(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes], np.float64)
        for boxes in (new, old)
    )
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    ious: npt.NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ious
