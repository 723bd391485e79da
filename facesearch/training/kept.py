"""Numbers about the faces of a cache that take long to compute: kept in a file, so that an interrupted run goes on."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

_CHUNK = 64


def kept(
    path: Path,
    shape: tuple[int, int],
    rows: Rows,
    compute: Callable[[Iterable[Rows]], Iterator[Floats]],
    progress: Callable[[int, int], None] | None = None,
) -> Floats:
    """float32 of `shape` [faces of the cache, numbers of each], zeros in rows that were never asked for.

    rows: the faces that are wanted; what `path` does not hold of them is computed. compute: yields the numbers of each
    chunk of rows that it is given, never all zeros. progress: called with (done, in all).
    """
    size = shape[0] * shape[1] * 4
    if not path.exists() or path.stat().st_size != size:
        with path.open("wb") as f:
            f.truncate(size)
    known = np.memmap(path, np.float32, mode="r+", shape=shape)
    missing = rows[(np.asarray(known[rows]) == 0).all(axis=1)]
    if not len(missing):
        return known
    chunks = np.array_split(missing, -(-len(missing) // _CHUNK))
    done = len(rows) - len(missing)
    for chunk, found in zip(chunks, compute(chunks), strict=True):
        known[chunk] = found
        done += len(chunk)
        if progress:
            progress(done, len(rows))
    known.flush()
    return known
