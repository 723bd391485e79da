"""Who processes a content: one file of it, and none when it is known already, was forgotten, or is of a set of known
files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from indexer.items import RecognisedContent

if TYPE_CHECKING:  # which knows this module's users
    from indexer.ports import Medium


class Admission(StrEnum):
    """What is done with a file once its content is known."""

    PROCESS = "process"
    DUPLICATE = "duplicate"
    FORGOTTEN = "forgotten"


Admit = Callable[["Medium"], Admission | RecognisedContent]
"""What the reader of a content does with it: where it is of a set of known files, the answer says of which."""


class ContentClaims:
    """Decides, for all workers of a run, who processes a content.

    That is what makes a renamed, moved or copied photo cost one read and no detection.
    """

    def __init__(
        self,
        known: Callable[[str], bool],
        is_forgotten: Callable[[str], bool] = lambda _: False,
        recognises: Callable[[Medium], int | None] = lambda _: None,
    ) -> None:
        """known: whether the catalogue has settled the content of this SHA-256 (hex); is_forgotten: whether it is to be
        left alone; recognises: of which set of known files (id) a content is. All are called from several threads."""
        self._known = known
        self._is_forgotten = is_forgotten
        self._recognises = recognises
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

    def admit(self, medium: Medium) -> Admission | RecognisedContent:
        """As `Admit`."""
        if self._is_forgotten(medium.sha256):
            return Admission.FORGOTTEN
        hash_set_id = self._recognises(medium)
        if hash_set_id is not None:
            return RecognisedContent(medium.sha256, medium.size, hash_set_id)
        return Admission.PROCESS if self.claim(medium.sha256) else Admission.DUPLICATE
