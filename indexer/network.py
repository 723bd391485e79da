"""The network and the detectors of a run: made once, and only when there is something to process."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from facesearch.vision.detection import Detector
from indexer.items import Logits
from indexer.ports import Scorer


class Network:
    """Makes the scorer on its first use; afterwards it is the same one. Itself a `Scorer`, for where others score, so
    that it may never be made."""

    def __init__(self, new_scorer: Callable[[], Scorer]) -> None:
        self._new_scorer = new_scorer
        self._scorer: Scorer | None = None

    @property
    def is_loaded(self) -> bool:
        return self._scorer is not None

    def scorer(self) -> Scorer:
        """Raises what its factory does."""
        if self._scorer is None:
            self._scorer = self._new_scorer()
        return self._scorer

    def score(self, crops: NDArray[np.uint8]) -> Logits:
        """As in `indexer.ports.Scorer`."""
        return self.scorer().score(crops)


class Detectors:
    """One detector for whoever asks, made when it is asked for."""

    def __init__(self, new_detector: Callable[[], Detector]) -> None:
        self._new_detector = new_detector
        self._spare: list[Detector] = []

    def make_one(self) -> None:
        """Make the first one now, so that what keeps it from being made is known before any work. Raises what the
        factory does."""
        self._spare.append(self._new_detector())

    def take(self) -> Detector:
        # list.pop is atomic: one worker gets the detector that was made to see whether it can be made.
        try:
            return self._spare.pop()
        except IndexError:
            return self._new_detector()
