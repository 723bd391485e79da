"""Which folders a run walks, so that every file belongs to one root: the innermost that holds it.

A folder inside a known root is walked as part of that root, unless that root's own walk would not come to it: one that
is hidden, excluded or behind a link becomes a root of its own. A folder above known roots becomes a root of its own,
too: it leaves those to themselves, and they are walked along with it. No file is therefore ever recorded twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from db.paths import join, within
from indexer.selection import Chooser
from indexer.walk import lies_under


@dataclass(frozen=True, slots=True)
class Target:
    """One walk: the sub-folder `within` of a root (b"" for all of it) without the sub-folders in `leave_out`.

    root: absolute path. within and leave_out: paths within the root.
    """

    root: bytes
    within: bytes
    leave_out: frozenset[bytes]

    def at(self, path: bytes) -> bytes:
        """The absolute path of what lies at this path within the root; b"" is the root itself."""
        return join(self.root, path) if path else self.root

    def holds(self, path: bytes) -> bool:
        """Whether the file at this path within the root is part of this walk."""
        return lies_under(path, self.within) and not any(lies_under(path, other) for other in self.leave_out)


def new_roots(
    folders: Iterable[bytes], roots: Mapping[bytes, Chooser], added_with: Chooser | None = None
) -> list[bytes]:
    """Those of the folders (absolute paths) to which no root's walk comes yet, outermost first, none that another's
    comes to. roots: what is taken of each; added_with: of new ones."""
    held = dict(roots)
    added: list[bytes] = []
    for folder in sorted(folders, key=len):
        if not any(_comes_to(root, chooser, folder) for root, chooser in held.items()):
            held[folder] = added_with or Chooser()
            added.append(folder)
    return added


def targets(folders: Sequence[bytes], roots: Iterable[bytes]) -> list[Target]:
    """The walks for these folders, each of which some root holds; for no folder, for every root. In order of paths."""
    roots = set(roots)
    wanted: dict[bytes, set[bytes]] = {}
    for folder in folders or roots:
        innermost = max((root for root in roots if _within(root, folder) is not None), key=len)
        wanted.setdefault(innermost, set()).add(_within(innermost, folder) or b"")
        for root in roots:
            if _within(folder, root) is not None:
                wanted.setdefault(root, set()).add(b"")
    return [
        Target(root, within, _nested(root, roots))
        for root in sorted(wanted)
        for within in sorted(wanted[root])
        if not any(other != within and lies_under(within, other) for other in wanted[root])
    ]


def _nested(root: bytes, roots: Iterable[bytes]) -> frozenset[bytes]:
    return frozenset(inside for other in roots if (inside := _within(root, other)))


def _comes_to(root: bytes, chooser: Chooser, folder: bytes) -> bool:
    """Whether the walk of a root looks into this folder."""
    inside = _within(root, folder)
    if not inside:
        return inside is not None
    at = root
    for name in inside.split(b"/"):
        at = join(at, name)
        if os.path.islink(at):  # noqa: PTH114 (bytes)
            return False
    return chooser.comes_to(inside)


def _within(root: bytes, path: bytes) -> bytes | None:
    """Path within the root, b"" for the root itself, None for what it does not hold."""
    return b"" if path == root else within(root, path)
