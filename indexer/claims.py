"""Who processes a content: one file of it, and none when it is known already or was forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum


class Admission(StrEnum):
    """What is done with a file once its content is known."""

    PROCESS = "process"
    DUPLICATE = "duplicate"
    FORGOTTEN = "forgotten"


Admit = Callable[[str, int], Admission]
"""What the reader of a content does with it, by its SHA-256 (hex) and its size in bytes."""


class ContentClaims:
    """Decides, for all workers of a run, who processes a content.

    That is what makes a renamed, moved or copied photo cost one read and no detection.
    """

    def __init__(self, known: Callable[[str], bool], is_forgotten: Callable[[str], bool] = lambda _: False) -> None:
        """known: whether the catalogue has settled the content of this SHA-256 (hex); is_forgotten: whether it is to be
        left alone. Both are called from several threads."""
        self._known = known
        self._is_forgotten = is_forgotten
        self._claimed: set[str] = set()
        self._guard = threading.Lock()

    def is_claimed(self, sha256: str) -> bool:
        """Whether this run has met this content."""
        with self._guard:
            return sha256 in self._claimed

    def claim(self, sha256: str) -> bool:
        """True for the one caller that has to process this content."""
        with self._guard:
            if sha256 in self._claimed:
                return False
            self._claimed.add(sha256)
        return not self._known(sha256)

    def admit(self, sha256: str, size: int) -> Admission:  # noqa: ARG002
        """As `Admit`."""
        if self._is_forgotten(sha256):
            return Admission.FORGOTTEN
        return Admission.PROCESS if self.claim(sha256) else Admission.DUPLICATE
