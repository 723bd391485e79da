"""Whether a photo has to be looked at: files that did not change, and contents that are known under another name."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Contents:
    """Decides, for all workers of a run, who looks at a content: one file of it, and none when it is known already.

    That is what makes a renamed, moved or copied photo cost one read and no detection.
    """

    def __init__(self, known: Callable[[str], bool]) -> None:
        """known: whether the catalogue has settled the content of this SHA-256 (hex). Called from several threads."""
        self._known = known
        self._taken: set[str] = set()
        self._guard = threading.Lock()

    def was_taken(self, sha256: str) -> bool:
        """Whether this run has met this content."""
        with self._guard:
            return sha256 in self._taken

    def take(self, sha256: str) -> bool:
        """True for the one caller that has to look at this content."""
        with self._guard:
            if sha256 in self._taken:
                return False
            self._taken.add(sha256)
        return not self._known(sha256)
