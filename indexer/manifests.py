"""Manifests: lists of files with their hashes, as forensic tools export them, and whether a folder still agrees.

Read are CSV files with a line of names (any delimiter; MD5, SHA-1 or SHA-256 and a path among them), the lists of
md5sum, sha1sum and sha256sum, and hashdeep's. Paths may begin as they do on another machine: whatever leads to the
folder there is left out.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from db.exhibits import ListedHash
from db.paths import display, is_there, join
from facesearch.cores import usable_cores
from facesearch.vision.source import open_source
from indexer.errors import IndexerError
from indexer.threads import ordered_thread_map

LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64}
"""Hexadecimal digits of a digest, by algorithm as hashlib names it."""
BEST_FIRST = ("sha256", "sha1", "md5")
DELIMITERS = (",", ";", "\t", "|")
_SUM = re.compile(r"^\\?([0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}) [ *](.+)$")
_PATHS = ("fullpath", "filepath", "itempath", "path", "pathname", "location", "filename", "name", "file")
_SAMPLED = 500
_AT_ONCE = 1 << 20  # bytes that are read at a time


class ManifestError(IndexerError, kinds=("manifest",)):
    """A manifest that cannot be read, or that has nothing to do with its folder."""


@dataclass(slots=True)
class Verified:
    """How the files of a folder compare with their hashes. differ, absent: paths within it; unreadable: with the
    reason; interrupted: not all were compared."""

    match: int = 0
    differ: list[bytes] = field(default_factory=list)
    absent: list[bytes] = field(default_factory=list)
    unreadable: list[tuple[bytes, str]] = field(default_factory=list)
    interrupted: bool = False

    @property
    def sound(self) -> bool:
        """Whether every file is there and as it was."""
        return not (self.differ or self.absent or self.unreadable or self.interrupted)


def read_manifest(manifest: Path, folder: bytes) -> list[ListedHash]:
    """What a manifest says of the files of this folder (absolute path). Raises ManifestError."""
    try:
        text = _decoded(manifest.read_bytes())
    except OSError as error:
        raise ManifestError(f"The manifest {manifest} cannot be read ({error.strerror}): check the path.") from error
    rows = list(_sums(text)) or list(_table(text, manifest))
    if not rows:
        raise ManifestError(f"The manifest {manifest} lists no file with a hash: export it with MD5, SHA-1 or SHA-256.")
    left_out = _leading_parts(folder, [path for path, _, _ in rows])
    if left_out is None:
        raise ManifestError(
            f"None of the files that {manifest} lists ({len(rows):,}) is in {display(folder)}: check that it is the "
            "manifest of this folder."
        )
    return [
        ListedHash(os.fsencode("/".join(parts[left_out:])), algorithm, digest)
        for parts, algorithm, digest in ((_parts(path), algorithm, digest) for path, algorithm, digest in rows)
        if len(parts) > left_out
    ]


def verify(
    folder: bytes,
    files: Sequence[ListedHash],
    *,
    progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
) -> Verified:
    """Compare the files of a folder (absolute path) with their hashes. progress: is told how many of all were compared.

    Files are only read, and without a trace in their access times where the system allows."""
    found, stop = Verified(), stop or threading.Event()

    def compare(each: ListedHash) -> bool | OSError:
        try:
            return _digest(join(folder, each.path), each.algorithm) == each.digest
        except OSError as error:
            return error

    with closing(ordered_thread_map(compare, files, workers=usable_cores(), stop=stop)) as results:
        done = 0
        for done, (each, answer) in enumerate(results, 1):
            if isinstance(answer, FileNotFoundError | NotADirectoryError):
                found.absent.append(each.path)
            elif isinstance(answer, OSError):
                found.unreadable.append((each.path, answer.strerror or str(answer)))
            elif answer:
                found.match += 1
            else:
                found.differ.append(each.path)
            if progress is not None:
                progress(done, len(files))
    found.interrupted = done < len(files)
    return found


def _digest(path: bytes, algorithm: str) -> bytes:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open_source(path) as file:
        while part := file.read(_AT_ONCE):
            digest.update(part)
    return digest.digest()


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


_Row = tuple[str, str, bytes]  # path, algorithm, digest


def _sums(text: str) -> Iterator[_Row]:
    """The lines of md5sum and its kin; nothing where another line stands among them."""
    rows = []
    for line in text.splitlines():
        if not line.strip() or line.startswith(("#", "%")):
            continue
        match = _SUM.match(line)
        if match is None:
            return
        digest = match.group(1)
        algorithm = next(name for name, length in LENGTHS.items() if length == len(digest))
        rows.append((match.group(2), algorithm, bytes.fromhex(digest)))
    yield from rows


def _table(text: str, manifest: Path) -> Iterator[_Row]:
    lines = [line.removeprefix("%%%% ") for line in text.splitlines() if not line.startswith(("##", "%%%% HASHDEEP"))]
    for at, line in enumerate(lines):
        for delimiter in DELIMITERS:
            columns = _columns(next(csv.reader([line], delimiter=delimiter), []))
            if columns is not None:
                body = StringIO("\n".join(lines[at + 1 :]))
                yield from _rows(csv.reader(body, delimiter=delimiter), *columns)
                return
    raise ManifestError(
        f"The manifest {manifest} has no line of column names with a path and MD5, SHA-1 or SHA-256: export it with "
        "these."
    )


def _columns(names: Sequence[str]) -> tuple[dict[str, int], int] | None:
    """Where the hashes stand, by algorithm, and where the path; None where this is no line of names."""
    known, hashes = plain_names(names), hash_columns(names)
    path = next((known.index(name) for name in _PATHS if name in known), None)
    return (hashes, path) if hashes and path is not None else None


def hash_columns(names: Sequence[str]) -> dict[str, int]:
    """In which columns digests stand, by algorithm."""
    hashes: dict[str, int] = {}
    for at, name in enumerate(plain_names(names)):
        for algorithm in LENGTHS:
            if name.removesuffix("hash").removesuffix("value").removeprefix("hash") == algorithm:
                hashes.setdefault(algorithm, at)
    return hashes


def plain_names(names: Sequence[str]) -> list[str]:
    """Names of columns without what differs from tool to tool: case, blanks, marks."""
    return [re.sub(r"[^a-z0-9]", "", name.lower()) for name in names]


def _rows(rows: Iterator[list[str]], hashes: dict[str, int], path: int) -> Iterator[_Row]:
    for row in rows:
        if len(row) <= path or not row[path].strip():
            continue
        for algorithm in BEST_FIRST:
            at = hashes.get(algorithm)
            digest = row[at].strip() if at is not None and at < len(row) else ""
            if re.fullmatch(rf"[0-9a-fA-F]{{{LENGTHS[algorithm]}}}", digest):
                yield row[path].strip(), algorithm, bytes.fromhex(digest)
                break


def _parts(path: str) -> list[str]:
    return [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]


def _leading_parts(folder: bytes, paths: Sequence[str]) -> int | None:
    """How many parts at the beginning of the paths lead to the folder: with so many left out, most are there."""
    sample = [_parts(path) for path in paths[:: max(1, len(paths) // _SAMPLED)]]
    there: Counter[int] = Counter()
    for parts in sample:
        for left_out in range(len(parts)):
            there[left_out] += is_there(join(folder, os.fsencode("/".join(parts[left_out:]))))
    best = max(there, key=lambda left_out: (there[left_out], -left_out), default=None)
    return best if best is not None and there[best] else None
