"""Who may process which content, where whoever reads it is another process."""

from __future__ import annotations

from dataclasses import dataclass

from indexer.claims import Admission, Admit
from indexer.failures import FailureReason
from indexer.items import ProcessedFile, ProcessedPhoto, RecognisedContent, UnreadableFile


class DigestWantedError(Exception):
    """A content cannot be admitted before its digest by this algorithm is known."""

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithm)
        self.algorithm = algorithm


@dataclass(frozen=True, slots=True)
class RemoteContent:
    """A content that a worker has read. digests: hexadecimal, by algorithm, as far as they are known here."""

    sha256: str
    size: int
    digests: dict[str, str]

    def digest(self, algorithm: str) -> bytes:
        """As in `indexer.ports.Medium`. Raises DigestWantedError."""
        if algorithm not in self.digests:
            raise DigestWantedError(algorithm)
        return bytes.fromhex(self.digests[algorithm])


class Admissions:
    """Who may process which content, asked once a file: a batch that is tried again keeps what it was granted."""

    def __init__(self, admit: Admit) -> None:
        self._admit = admit
        self._granted: dict[bytes, tuple[str, int, Admission | RecognisedContent]] = {}

    def of(self, path: bytes, content: RemoteContent) -> Admission | RecognisedContent:
        """Raises DigestWantedError."""
        granted = self._granted.get(path)
        if granted is None or granted[0] != content.sha256:
            granted = self._granted[path] = content.sha256, content.size, self._admit(content)
        return granted[2]

    def failed(self, path: bytes, failure: FailureReason) -> ProcessedFile:
        """The file that ended its workers, with its content where that is known."""
        granted = self._granted.get(path)
        if granted is None or granted[2] is not Admission.PROCESS:
            return UnreadableFile(failure)
        return ProcessedPhoto(granted[0], granted[1], failure=failure)
