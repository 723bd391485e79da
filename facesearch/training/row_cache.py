"""Numbers about the faces of a cache that take long to compute: kept in a file, so that an interrupted run goes on."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.lock import exclusive
from facesearch.training.datasets import DatasetError

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

_CHUNK = 64


def cached_rows(
    path: Path,
    shape: tuple[int, int],
    rows: Rows,
    compute: Callable[[Iterable[Rows]], Iterator[Floats]],
    progress: Callable[[int, int], None] | None = None,
) -> Floats:
    """float32 of `shape` [faces of the cache, numbers of each], zeros in all rows but those asked for.

    rows: the faces that are wanted; what `path` does not hold of them is computed. Beside it lies `path`.done, a byte a
    face: 1 once its numbers are on the disk. compute: yields the numbers of each chunk of rows that it is given.
    progress: called with (done, in all). Raises DatasetError where the disk is full, or another process computes them.
    """
    with exclusive(path.with_name(f"{path.name}.lock")) as mine:
        if not mine:
            raise DatasetError(f"Another training works on {path}: wait for it.", "work in use", path=path)
        _complete(path, shape, rows, compute, progress)
    found = np.zeros(shape, np.float32)  # what another recipe asked for must not change this run
    found[rows] = np.memmap(path, np.float32, mode="r", shape=shape)[rows]
    return found


def _complete(
    path: Path,
    shape: tuple[int, int],
    rows: Rows,
    compute: Callable[[Iterable[Rows]], Iterator[Floats]],
    progress: Callable[[int, int], None] | None,
) -> None:
    """See `cached_rows`."""
    done_path = path.with_name(f"{path.name}.done")
    size = shape[0] * shape[1] * 4
    if not (_has_size(path, size) and _has_size(done_path, shape[0])):
        for each, length in ((done_path, shape[0]), (path, size)):
            with _explained(each), each.open("wb") as file:
                file.truncate(length)
    known = np.fromfile(done_path, np.uint8)
    missing = rows[known[rows] == 0]
    if len(missing):
        chunks = np.array_split(missing, -(-len(missing) // _CHUNK))
        done = len(rows) - len(missing)
        with path.open("r+b") as numbers, done_path.open("r+b") as marks:
            for chunk, found in zip(chunks, compute(chunks), strict=True):
                with _explained(path):
                    _write(numbers.fileno(), chunk, np.ascontiguousarray(found, np.float32), shape[1] * 4)
                    _write(marks.fileno(), chunk, np.ones((len(chunk), 1), np.uint8), 1)
                done += len(chunk)
                if progress:
                    progress(done, len(rows))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be written ({error.strerror}): free some space and start again; it goes on from there."
        ) from error


def _has_size(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size == size


def _write(descriptor: int, rows: Rows, values: NDArray[np.generic], width: int) -> None:
    """Rows of `width` bytes, each to its place, and all of them on the disk. Not through a memory map: there a full
    disk would kill the process.
    """
    for row, value in zip(rows.tolist(), values, strict=True):
        os.pwrite(descriptor, value.tobytes(), row * width)
    os.fsync(descriptor)
