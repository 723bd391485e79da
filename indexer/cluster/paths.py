"""Where a file of this machine lies on the nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from db.paths import absolute
from indexer.errors import IndexerError


class BadMapping(IndexerError, kinds=("mapping",)):  # noqa: N818 (named after the problem)
    """What should say where a folder lies on the nodes, and does not."""


@dataclass(frozen=True, slots=True)
class PathMap:
    """Folders here, and what they are called on the nodes, both absolute; the innermost counts. What lies in none of
    them has the same path everywhere."""

    pairs: tuple[tuple[bytes, bytes], ...] = ()

    @classmethod
    def parse(cls, mappings: Sequence[str]) -> PathMap:
        """Of "/here=/there". Raises BadMapping."""
        pairs: list[tuple[bytes, bytes]] = []
        for text in mappings:
            here, sign, there = text.partition("=")
            if not (sign and here and there.startswith("/")):
                raise BadMapping(
                    f'"{text}" does not say where a folder lies on the nodes: write /here=/there, both absolute.',
                    text=text,
                )
            pairs.append((absolute(here), absolute(there)))
        return cls(tuple(sorted(pairs, key=lambda pair: -len(pair[0]))))

    def there(self, path: bytes) -> bytes:
        """The path on the nodes of an absolute path here."""
        for here, there in self.pairs:
            if path == here:
                return there
            inside = here.rstrip(b"/") + b"/"
            if path.startswith(inside):
                return there.rstrip(b"/") + b"/" + path[len(inside) :]
        return path
