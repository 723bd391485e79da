"""The profiles of a snapshot as a FAISS index (exact inner product), in the row order of its columns."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from db.arrays import Floats, Ids
from db.manifest import DamagedSnapshot, Manifest, create

FILE = "profiles.faiss"
_HEAP_LIMIT = 1000  # past this many results FAISS's heap costs more than sorting all products
_ROUNDING = 1e-5  # by how much two ways of summing 40 products of unit vectors can differ, with room to spare


def new_index(width: int) -> Any:
    """An empty faiss.IndexFlatIP for vectors of this many numbers."""
    return _faiss().IndexFlatIP(width)


def write(folder: Path, index: Any) -> dict[str, list[int]]:
    """Write the index into the folder; its checksum. Raises OSError."""
    faiss = _faiss()
    checksum = 0
    failure: OSError | None = None
    with create(folder / FILE) as file:

        def sink(block: bytes) -> None:
            nonlocal checksum, failure
            try:
                file.write(block)
            except OSError as error:
                failure = error
                raise
            checksum = zlib.crc32(block, checksum)

        try:
            faiss.write_index(index, faiss.PyCallbackIOWriter(sink))
        except RuntimeError:  # all that C++ lets through of the error in `sink`
            if failure is not None:
                raise failure from None
            raise
        file.flush()
        os.fsync(file.fileno())
    return {FILE: [checksum]}


def open_index(folder: Path, manifest: Manifest) -> Any:
    """The folder's index, memory-mapped, its checksum compared. Raises DamagedSnapshot."""
    faiss = _faiss()
    with _checked(folder, manifest) as descriptor:
        try:
            # By number and not by name: FAISS takes no name that is not UTF-8.
            index = faiss.read_index(f"/dev/fd/{descriptor}", faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise DamagedSnapshot(f"{folder / FILE} cannot be read") from error
    if index.ntotal != manifest.faces or index.d != manifest.attributes:
        raise DamagedSnapshot(f"{folder / FILE} holds another number of profiles")
    return index


def verify(folder: Path, manifest: Manifest) -> None:
    """Compare the file with its checksum, without FAISS. Raises DamagedSnapshot."""
    with _checked(folder, manifest):
        pass


@contextmanager
def _checked(folder: Path, manifest: Manifest) -> Iterator[int]:
    """A descriptor of the index file, its checksum compared. Raises DamagedSnapshot, also for OSError within."""
    try:
        descriptor = os.open(folder / FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise DamagedSnapshot(f"{folder / FILE} cannot be opened") from error
    try:
        if _checksum(descriptor) != manifest.checksums[FILE][0]:
            raise DamagedSnapshot(f"{folder / FILE} is not what was written")
        yield descriptor
    except OSError as error:
        raise DamagedSnapshot(f"{folder / FILE} cannot be read") from error
    finally:
        os.close(descriptor)


def profiles_of(index: Any) -> Floats:
    """The index's vectors, float32[N, width], as long as it is there."""
    vectors: Floats = _faiss().rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(index.ntotal, index.d)
    return vectors


def candidates(index: Any, profile: Floats, k: int, allowed: npt.NDArray[np.bool_] | None) -> tuple[Ids, Floats]:
    """Rows and cosines of the k best among the allowed rows (bool[N]; None: all), in no order.

    More than k where others come so close to the last that rounding decides: the caller breaks ties.
    """
    faiss = _faiss()
    vectors = profiles_of(index)
    if k >= min(_HEAP_LIMIT, index.ntotal):
        rows = np.arange(index.ntotal) if allowed is None else np.flatnonzero(allowed)
        return rows, cosines(vectors if allowed is None else vectors[rows], profile)
    options = {}
    if allowed is not None:
        selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        options["params"] = faiss.SearchParameters(sel=selector)
    query = np.ascontiguousarray(profile[None], dtype=np.float32)
    products, found = index.search(query, k + 1, **options)
    rows = found[0][found[0] >= 0].astype(np.int64)
    if len(rows) > k and products[0, k] > products[0, k - 1] - _ROUNDING:
        rows = index.range_search(query, float(products[0, k - 1]) - _ROUNDING, **options)[2].astype(np.int64)
    return rows, cosines(vectors[rows], profile)


def cosines(vectors: Floats, profile: Floats) -> Floats:
    """float32[n]: the inner products of unit vectors (float32[n, width]) with a unit vector (float32[width]).

    Summed in double precision and row by row, so that equal vectors get equal results wherever they stand.
    """
    wide = profile.astype(np.float64)
    result = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), 65536):
        part = vectors[start : start + 65536]
        result[start : start + 65536] = (part.astype(np.float64) * wide).sum(axis=1)
    return result


def _faiss() -> Any:
    """The module, whichever build is installed; imported late because most commands do without it."""
    return import_module("faiss")


def _checksum(descriptor: int) -> int:
    checksum, place = 0, 0
    while block := os.pread(descriptor, 1 << 22, place):
        checksum = zlib.crc32(block, checksum)
        place += len(block)
    return checksum
