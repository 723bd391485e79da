"""Sets of known files: long lists of hashes, as forensic bodies publish them.

Read are tables with a line of column names (any delimiter; MD5, SHA-1 or SHA-256 among them), such as NSRL's
NSRLFile.txt ("SHA-1","MD5","CRC32","FileName",...) and exports of it; bare lists, a hash a line, and those of md5sum
and its kin; NSRL's databases since RDSv3 (SQLite); and Project VIC's JSON (VICS, an OData document of objects with
MediaID, Category, MD5 and SHA1), alone or as CSV.

Of each entry the strongest hash counts. The hashes lie sorted in a temporary file, so that hundreds of millions take
no more memory than a few.
"""

from __future__ import annotations

import csv
import hashlib
import mmap
import re
import sqlite3
import tempfile
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, overload

import numpy as np

from db.values.photo import LeftOut
from indexer.errors import IndexerError
from indexer.manifests import BEST_FIRST, DELIMITERS, LENGTHS, hash_columns, plain_names

_AT_ONCE = 1 << 20
_RECORDS_AT_ONCE = 1 << 18  # hashes that stand in memory while a list is read
_HEX = {algorithm: re.compile(rf"[0-9a-fA-F]{{{length}}}") for algorithm, length in LENGTHS.items()}
_OF_LENGTH = {length: algorithm for algorithm, length in LENGTHS.items()}
_BARE = re.compile(r"\\?\"?([0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})\"?(?:$|[ \t]+[ *]?.*$)")
_IN_DATABASES = ("DISTINCT_HASH", "FILE", "METADATA", "HASH")  # NSRL's tables and views, the shortest first
_MOST_CATEGORIES, _NO_CATEGORY = 100, "none"


class HashSetError(IndexerError, kinds=("hash set", "no such category", "which category")):
    """A set of known files that cannot be read as one. Nothing was indexed by it."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A known file. where: in which line of its list (or row, or object); category: as the list has it, "" for none."""

    algorithm: str
    digest: bytes
    where: int
    category: str = ""


class HashSet:
    """A set that was read. Use it as a context manager, or call `close`.

    name: of its file; kind: as what its photos are left out; sha256: of the file, hexadecimal; hashes: how many
    different ones it holds; algorithms: by which, as hashlib names them. Several threads may ask it.
    """

    def __init__(self, name: str, kind: LeftOut, sha256: str, lists: dict[str, _Sorted]) -> None:
        self.name = name
        self.kind = kind
        self.sha256 = sha256
        self.hashes = sum(map(len, lists.values()))
        self.algorithms = tuple(lists)
        self._lists = lists

    def holds(self, algorithm: str, digest: bytes) -> bool:
        """Whether the file with this digest is of the set."""
        found = self._lists.get(algorithm)
        return found is not None and digest in found

    def close(self) -> None:
        """Let go of the temporary files."""
        for each in self._lists.values():
            each.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_hash_set(path: Path, kind: LeftOut, categories: Collection[str] = ()) -> HashSet:
    """Read a set of known files. categories: of a list that tells categories, those that count.

    Raises HashSetError, with the line, for what is no such list or is damaged, and for one of several categories where
    none is named: what they mean differs from country to country, and some mean nothing illegal.
    """
    wanted = {each.strip() for each in categories}
    packers = {algorithm: _Packer(length // 2) for algorithm, length in LENGTHS.items()}
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        met = _pack_entries(path, packers, wanted)
        _check_categories(path, met, wanted)
        lists = {algorithm: packer.packed() for algorithm, packer in packers.items() if len(packer)}
    except OSError as error:
        raise HashSetError(
            f"The hash set {path} cannot be read ({error.strerror or error}): check the path, and the room for "
            f"temporary files in {tempfile.gettempdir()}."
        ) from error
    finally:
        for packer in packers.values():
            packer.close()
    if not lists:
        raise HashSetError(f"The hash set {path} holds no hash: export it with MD5, SHA-1 or SHA-256.")
    return HashSet(path.name, kind, digest, lists)


def _pack_entries(path: Path, packers: Mapping[str, _Packer], wanted: set[str]) -> Counter[str]:
    """Pack the entries of the wanted categories; how many there are of each category, "" where the set has none."""
    met: Counter[str] = Counter()
    categorised: bool | None = None
    for each in _entries(path):
        if categorised is None:
            categorised = bool(each.category)
        if each.category and not categorised:
            raise _wrong(path, each.where, "it has a category, and those before have none")
        category = (each.category or _NO_CATEGORY) if categorised else ""
        met[category] += 1
        if len(met) > _MOST_CATEGORIES:
            raise _wrong(path, each.where, f"{category!r} is one of too many categories to be one")
        if not wanted or not category or category in wanted:
            packers[each.algorithm].add(each.digest)
    return met


def known_sets(irrelevant: Sequence[Path], illegal: Sequence[Path], categories: Collection[str] = ()) -> list[HashSet]:
    """These sets, of either kind. Raises as `read_hash_set`."""
    wanted = [(path, LeftOut.KNOWN_IRRELEVANT) for path in irrelevant]
    wanted += [(path, LeftOut.KNOWN_ILLEGAL) for path in illegal]
    return [read_hash_set(path, kind, categories) for path, kind in wanted]


def _check_categories(path: Path, met: Counter[str], wanted: set[str]) -> None:
    names = sorted(each for each in met if each)
    if absent := sorted(wanted - set(names)) if names else []:
        raise HashSetError(
            f"The hash set {path} has no category {absent[0]}: it has {', '.join(names)}.", "no such category"
        )
    if not wanted and len(names) > 1:
        raise HashSetError(
            f"The hash set {path} holds several categories ({', '.join(names)}), whose meaning differs from country to "
            f"country: name those that are meant.",
            "which category",
            names=names,
        )


def _wrong(path: Path, where: int, what: str, unit: str = "line") -> HashSetError:
    return HashSetError(f"The hash set {path}, {unit} {where:,}: {what}; mend it or export it again.")


# Reading


def _entries(path: Path) -> Iterator[_Entry]:
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"SQLite format 3\0"):
        return _of_database(path)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _of_json(path)
    return _of_lines(path, head)


def _of_lines(path: Path, head: bytes) -> Iterator[_Entry]:
    with path.open("rb") as file:
        # Names of files need not be text of any kind; hashes are ASCII.
        encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "latin-1"
        if head.startswith(b"\xef\xbb\xbf"):
            file.seek(3)
        try:
            with TextIOWrapper(file, encoding, newline="") as text:
                yield from _of_text(path, text)
        except UnicodeDecodeError as error:
            raise HashSetError(f"The hash set {path} is no text ({error.reason}): export it as CSV.") from None


def _of_text(path: Path, text: Iterable[str]) -> Iterator[_Entry]:
    lines = iter(text)
    number = 0
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith(("#", "%%%%")):
            continue
        if _BARE.match(line.strip()):
            yield from _of_list(path, line, lines, number)
            return
        for delimiter in DELIMITERS:
            names = next(csv.reader([line], delimiter=delimiter), [])
            if columns := hash_columns(names):
                known = plain_names(names)
                category = known.index("category") if "category" in known else None
                yield from _of_table(path, csv.reader(lines, delimiter=delimiter), columns, category, number)
                return
        raise _wrong(path, number, "neither names of columns with MD5, SHA-1 or SHA-256, nor a hash")
    if not number:
        raise HashSetError(f"The hash set {path} is empty: export it again.")


def _of_list(path: Path, first: str, lines: Iterator[str], number: int) -> Iterator[_Entry]:
    yield _bare(path, first, number)
    for where, line in enumerate(lines, number + 1):
        if line.strip() and not line.startswith("#"):
            yield _bare(path, line, where)


def _bare(path: Path, line: str, where: int) -> _Entry:
    match = _BARE.match(line.strip())
    if match is None:
        raise _wrong(path, where, "no MD5, SHA-1 or SHA-256 begins it")
    return _Entry(_OF_LENGTH[len(match[1])], bytes.fromhex(match[1]), where)


# complexipy: ignore (one published form, as it is written)
def _of_table(path: Path, rows: Any, columns: dict[str, int], category: int | None, before: int) -> Iterator[_Entry]:
    """rows: a csv.reader of what follows the names, which end in line `before`."""
    chosen = [(algorithm, columns[algorithm]) for algorithm in BEST_FIRST if algorithm in columns]
    where = before
    try:
        for row in rows:
            where += 1
            if rows.line_num != where - before:  # an open quote swallows what follows
                raise _wrong(path, where, "a quotation mark is not closed")
            if not row:
                continue
            for algorithm, at in chosen:
                text = row[at].strip() if at < len(row) else ""
                if text:
                    if not _HEX[algorithm].fullmatch(text):
                        raise _wrong(path, where, f"{text[:80]!r} is no {_spoken(algorithm)}")
                    of = row[category].strip() if category is not None and category < len(row) else ""
                    yield _Entry(algorithm, bytes.fromhex(text), where, of)
                    break
            else:
                raise _wrong(path, where, "there is no hash in it")
    except csv.Error as error:
        raise _wrong(path, where + 1, str(error)) from None


def _spoken(algorithm: str) -> str:
    return {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256"}[algorithm]


def _of_database(path: Path) -> Iterator[_Entry]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            for name in _IN_DATABASES:
                names = [row[1] for row in database.execute(f"PRAGMA table_info({name})")]
                columns = hash_columns(names)
                if columns:
                    chosen = [each for each in BEST_FIRST if each in columns]
                    listed = ", ".join(f'"{names[columns[each]]}"' for each in chosen)
                    yield from _of_rows(path, database.execute(f"SELECT {listed} FROM {name}"), chosen)
                    return
    except sqlite3.Error as error:
        raise HashSetError(
            f"The hash set {path} is a database that cannot be read ({error}): fetch it again."
        ) from None
    raise HashSetError(f"The hash set {path} is a database without NSRL's tables: export its hashes as CSV.")


def _of_rows(path: Path, rows: Iterable[Sequence[Any]], algorithms: Sequence[str]) -> Iterator[_Entry]:
    for where, row in enumerate(rows, 1):
        for algorithm, text in zip(algorithms, row, strict=True):
            if text:
                if not isinstance(text, str) or not _HEX[algorithm].fullmatch(text):
                    raise _wrong(path, where, f"{text!r} is no {_spoken(algorithm)}", "row")
                yield _Entry(algorithm, bytes.fromhex(text), where)
                break
        else:
            raise _wrong(path, where, "there is no hash in it", "row")


class _Lines:
    """A file that is given out in pieces, or line by line, and knows where it is."""

    def __init__(self, file: BufferedReader, *, by_line: bool) -> None:
        self._file = file
        self._by_line = by_line
        self.number = 0

    def read(self, size: int = -1) -> bytes:
        if not self._by_line:
            return self._file.read(size)
        line = self._file.readline(size)
        self.number += bool(line)
        return line


def _of_json(path: Path) -> Iterator[_Entry]:
    """Once quickly; where something is wrong, once more up to there, to name the line."""
    try:
        yield from _of_objects(path, by_line=False)
    except HashSetError:
        yield from _of_objects(path, by_line=True)
        raise


# complexipy: ignore (one published form, as it is written)
def _of_objects(path: Path, *, by_line: bool) -> Iterator[_Entry]:
    """Every object with a hash, at whatever depth: a case may hold its media. What lies within a picture's own object
    is of the same content."""
    import ijson

    with path.open("rb") as file:
        lines = _Lines(file, by_line=by_line)
        if file.read(3) != b"\xef\xbb\xbf":
            file.seek(0)
        open_objects: list[dict[str, Any]] = []
        depths: list[int] = []  # of each: within how many pictures it lies
        key, inside = "", 0
        try:
            for event, value in ijson.basic_parse(lines, buf_size=_AT_ONCE):
                if event == "start_map":
                    inside += bool(open_objects) and "mediaid" in open_objects[-1]
                    depths.append(inside)
                    open_objects.append({})
                elif event == "map_key":
                    key = value.casefold()
                elif event == "end_map":
                    found, nested = open_objects.pop(), depths.pop()
                    inside = depths[-1] if depths else 0
                    entry = None if nested else _of_object(path, found, lines.number or 1)
                    if entry is not None:
                        yield entry
                elif event in ("string", "number", "null") and open_objects:
                    open_objects[-1][key] = value
        except ijson.JSONError as error:
            what = " ".join(str(error).split()[:12])
            raise _wrong(path, lines.number or 1, f"it is no JSON ({what})") from None


def _of_object(path: Path, found: dict[str, Any], where: int) -> _Entry | None:
    """What a VICS object says; None for one without a hash that is no picture's either."""
    hashes = {name.replace("-", ""): value for name, value in found.items()}
    for algorithm in BEST_FIRST:
        text = hashes.get(algorithm)
        if text:
            if not isinstance(text, str) or not _HEX[algorithm].fullmatch(text.strip()):
                raise _wrong(path, where, f"{text!r} is no {_spoken(algorithm)}")
            category = found.get("category")
            return _Entry(
                algorithm, bytes.fromhex(text.strip()), where, "" if category is None else str(category).strip()
            )
    if "mediaid" in found and "filename" not in found and "filepath" not in found:
        raise _wrong(path, where, f"the picture with MediaID {found['mediaid']} has no hash")
    return None


# Packing


class _Packer:
    """Digests of one length, on their way into a sorted file."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._buffer = bytearray()
        self._file: IO[bytes] | None = None
        self._counts = np.zeros(256, np.int64)

    def __len__(self) -> int:
        return int(self._counts.sum()) + len(self._buffer) // self._size

    def add(self, digest: bytes) -> None:
        self._buffer += digest
        if len(self._buffer) >= _RECORDS_AT_ONCE * self._size:
            self._flush()

    def packed(self) -> _Sorted:
        """All of them, each once, sorted. Each part (by first byte) is sorted by itself, so that one part stands in
        memory."""
        self._flush()
        assert self._file is not None
        parts = tempfile.TemporaryFile()  # noqa: SIM115 (closed with what holds it)
        starts = [0, *accumulate(self._counts.tolist())]
        places = list(starts[:-1])
        self._file.seek(0)
        while data := self._file.read(_RECORDS_AT_ONCE * self._size):
            records = np.frombuffer(data, np.uint8).reshape(-1, self._size)
            records = records[np.argsort(records[:, 0], kind="stable")]
            ends = np.cumsum(np.bincount(records[:, 0], minlength=256))
            for first, (start, end) in enumerate(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)):
                if end > start:
                    parts.seek(places[first] * self._size)
                    parts.write(records[start:end].tobytes())
                    places[first] += end - start
        result = tempfile.TemporaryFile()  # noqa: SIM115 (closed with what holds it)
        index = [0]
        with parts:
            for first in range(256):
                parts.seek(starts[first] * self._size)
                data = parts.read(int(self._counts[first]) * self._size)
                unique = np.unique(np.frombuffer(data, f"S{self._size}"))
                result.write(unique.tobytes())
                index.append(index[-1] + len(unique))
        result.flush()
        return _Sorted(result, self._size, index)

    def _flush(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with what holds it)
        records = np.frombuffer(bytes(self._buffer), np.uint8).reshape(-1, self._size)
        self._counts += np.bincount(records[:, 0], minlength=256)
        self._file.write(self._buffer)
        self._buffer.clear()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Sorted(Sequence[bytes]):
    """Digests in a file, in ascending order, each once. index: where those begin that begin with each byte."""

    def __init__(self, file: IO[bytes], size: int, index: Sequence[int]) -> None:
        self._file = file
        self._size = size
        self._index = index
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return self._index[-1]

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        return self._map[at * self._size : (at + 1) * self._size]

    def __contains__(self, digest: object) -> bool:
        if not isinstance(digest, bytes) or len(digest) != self._size:
            return False
        start, end = self._index[digest[0]], self._index[digest[0] + 1]
        at = bisect_left(self, digest, start, end)
        return at < end and self[at] == digest

    def close(self) -> None:
        self._map.close()
        self._file.close()
