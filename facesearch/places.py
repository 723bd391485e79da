"""Folders and files that systems make for themselves: recycle bins, snapshots, thumbnails, caches. A table, by name.

In a photo collection they hold copies and what somebody threw away; on seized media just these may be the evidence.
"""

from __future__ import annotations

import fnmatch
import os
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

HIDDEN = "hidden"
"""The kind of what is hidden by its name (a dot) and is nothing better known."""
_MARKED_BY_THEMSELVES = ("recycle bin", "snapshot", HIDDEN)


def kind_of(path: bytes, *, folder: bool) -> str | None:
    """What a folder or file is, by its name and that of the folder it lies in, such as "recycle bin"; None: nothing out
    of the ordinary. path: within its root, or the name alone."""
    above, _, name = path.rpartition(b"/")
    text = os.fsdecode(name)
    known = _kind_of_folder(text) if folder else _kind(text, "file")
    if known is None and folder and above:
        known = _table()["folder"].exact.get(f"{os.fsdecode(above.rpartition(b'/')[2])}/{text}".lower())
    return known or (HIDDEN if name.startswith(b".") else None)


def marks_of(path: bytes, root: bytes = b"") -> tuple[str, ...]:
    """In what sort of places a file lies, by its path within its root: "recycle bin", "snapshot" or "hidden", the last
    with what it is where that is known ("hidden: thumbnails"); each once, from the outermost.

    root: the absolute path of that; of a recycle bin that was indexed by itself this is said as well, but not that a
    folder above is hidden by its name alone, since whoever indexed it knows that.
    """
    above = [kind_of(each, folder=True) for each in folders_above(root.strip(b"/") + b"/") if each]
    kinds = [*(each for each in above if each != HIDDEN), *(kind_of(each, folder=True) for each in folders_above(path))]
    kinds.append(kind_of(path, folder=False))
    found = (kind if kind in _MARKED_BY_THEMSELVES else f"{HIDDEN}: {kind}" for kind in kinds if kind)
    return tuple(dict.fromkeys(found))


def marks_at(path: bytes, inside: bytes) -> tuple[str, ...]:
    """The same for a file by its absolute path, of which the part within its root is `inside`."""
    return marks_of(inside, path.removesuffix(inside))


def folders_above(path: bytes) -> list[bytes]:
    """The folders that a path within a root leads through, from the outermost."""
    parts = path.split(b"/")
    return [b"/".join(parts[:depth]) for depth in range(1, len(parts))]


@lru_cache(maxsize=4096)
def _kind_of_folder(name: str) -> str | None:
    return _kind(name, "folder")


@dataclass(frozen=True, slots=True)
class _Names:
    """Kinds by lower-case name, and patterns with their kinds by the character that they begin with ("" for any)."""

    exact: dict[str, str]
    patterns: dict[str, list[tuple[re.Pattern[str], str]]]


def _kind(name: str, what: str) -> str | None:
    names = _table()[what]
    name = name.lower()
    found = names.exact.get(name)
    if found is not None:
        return found
    for beginning in (name[:1], ""):
        for pattern, kind in names.patterns.get(beginning, ()):
            if pattern.match(name):
                return kind
    return None


@cache
def _table() -> dict[str, _Names]:
    """For folders and for files."""
    table = {"folder": _Names({}, {}), "file": _Names({}, {})}
    for what, name, kind in _rows():
        for names in table.values() if what == "both" else (table[what],):
            if re.search(r"[*?[]", name):
                beginning = "" if name[0] in "*?[" else name[0]
                names.patterns.setdefault(beginning, []).append((re.compile(fnmatch.translate(name)), kind))
            else:
                names.exact[name] = kind
    return table


@cache
def first_letters() -> frozenset[str]:
    """How (in two lower-case characters) the names of files begin for which `kind_of` has an answer: the others, nearly
    all of a million, need not be asked about. "." stands for all names that begin with it."""
    rows = [name for what, name, _ in _rows() if what != "folder"]
    if any(re.search(r"[*?[]", name[:2]) for name in rows):
        raise ValueError("a file's name in the table begins with a wildcard")
    return frozenset(name[:2] for name in rows if not name.startswith("."))


@cache
def _rows() -> tuple[tuple[str, str, str], ...]:
    text = (files("facesearch") / "places.tsv").read_text("utf-8")
    lines = (line.split("\t") for line in text.splitlines() if line and not line.startswith("# "))
    return tuple((what, name, kind) for what, name, kind, _ in lines)
