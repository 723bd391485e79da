"""The score columns of a snapshot: one row of the file per attribute, so that a query reads only what it asks for.

- faces.npy, int64[N]: face ids, ascending.
- detections.npy, float32[N]: detection scores.
- sizes.npy, float32[N]: the longer side of each face's box, in pixels of its photo.
- logits.npy, float32[A, N].
- probabilities.npy, float32[2 A, N]: what follows from the logits by `ScoringModel.probabilities`, first that each
  attribute holds, then that it does not, so that a search has nothing left to do but to multiply.

All are memory-mapped. Each file, and of the last two each row, has a checksum that is compared when it is first read.
"""

import os
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from db.arrays import Floats, Ids
from db.manifest import DamagedSnapshot, Manifest, create

_FACES, _DETECTIONS, _SIZES = "faces.npy", "detections.npy", "sizes.npy"
_LOGITS, _PROBABILITIES = "logits.npy", "probabilities.npy"
FILES = (_FACES, _DETECTIONS, _SIZES, _LOGITS, _PROBABILITIES)


class Block(NamedTuple):
    """Some faces, row by row: ids int64[n], detections float32[n], sizes float32[n], logits float32[n, A]."""

    ids: Ids
    detections: Floats
    sizes: Floats
    logits: Floats

    def of(self, chosen: npt.NDArray[np.bool_] | Ids | slice) -> "Block":
        """Those of the faces that are chosen (bool[n]), or these rows, in their order."""
        return Block(self.ids[chosen], self.detections[chosen], self.sizes[chosen], self.logits[chosen])


def write(
    folder: Path, faces: int, attributes: int, blocks: Iterable[Block], probabilities: Callable[[Floats, bool], Floats]
) -> dict[str, list[int]]:
    """Write the files from blocks that hold `faces` faces in all; their checksums. probabilities: of logits
    float32[n, A], that the attributes hold, or that they do not.

    Plain writes and no memory map: on a full disk those raise OSError where a map would kill the process.
    """
    shapes = _shapes(faces, attributes)
    files = {name: create(folder / name) for name in FILES}
    try:
        starts = {}
        for name, (kind, shape) in shapes.items():
            header = {"descr": kind, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(files[name], header)
            files[name].flush()
            starts[name] = files[name].tell()
        checksums = {name: [0] * (shape[0] if len(shape) == 2 else 1) for name, (_, shape) in shapes.items()}
        done = 0
        for block in blocks:
            rows: dict[str, list[npt.NDArray[Any]]] = {
                _FACES: [block.ids],
                _DETECTIONS: [block.detections],
                _SIZES: [block.sizes],
                _LOGITS: list(np.ascontiguousarray(block.logits.T)),
                _PROBABILITIES: [
                    column
                    for holds in (True, False)
                    for column in np.ascontiguousarray(probabilities(block.logits, holds).T)
                ],
            }
            for name, columns in rows.items():
                for index, values in enumerate(columns):
                    column = values.astype(shapes[name][0])
                    data = column.tobytes()
                    place = starts[name] + (index * faces + done) * column.itemsize
                    _write_at(files[name].fileno(), data, place)
                    checksums[name][index] = zlib.crc32(data, checksums[name][index])
            done += len(block.ids)
        if done != faces:
            raise ValueError(f"announced {faces} faces, got {done}")
        for file in files.values():
            os.fsync(file.fileno())
    finally:
        for file in files.values():
            file.close()
    return checksums


def _write_at(descriptor: int, data: bytes, place: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, place)
        view, place = view[written:], place + written


def write_rows(path: Path, rows: Ids) -> int:
    """Numbers of rows (int64) as a file; its checksum. Raises OSError."""
    data = np.ascontiguousarray(rows, "<i8").tobytes()
    with create(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return zlib.crc32(data)


def read_rows(path: Path, count: int, checksum: int) -> Ids:
    """What `write_rows` wrote. Raises DamagedSnapshot."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedSnapshot(f"{path} cannot be read") from error
    if len(data) != 8 * count or zlib.crc32(data) != checksum:
        raise DamagedSnapshot(f"{path} is not what was written")
    return np.frombuffer(data, "<i8").astype(np.int64)


class Columns:
    """The columns of one complete snapshot, read-only. ids: int64[N] ascending. detections: float32[N].

    Raises DamagedSnapshot when the files do not match the manifest.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._checksums = manifest.checksums
        try:
            arrays = {name: np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in FILES}
        except (OSError, ValueError, EOFError) as error:
            raise DamagedSnapshot(f"{folder} cannot be read") from error
        for name, (kind, shape) in _shapes(manifest.faces, manifest.attributes).items():
            if arrays[name].shape != shape or arrays[name].dtype != np.dtype(kind):
                raise DamagedSnapshot(f"{folder / name} holds another kind of array")
        self.ids: Ids = np.asarray(arrays[_FACES])
        self.detections: Floats = np.asarray(arrays[_DETECTIONS])
        self._sizes: Floats = np.asarray(arrays[_SIZES])
        self._logits: Floats = np.asarray(arrays[_LOGITS])
        self._probabilities: Floats = np.asarray(arrays[_PROBABILITIES])
        self._sound: set[tuple[str, int]] = set()
        self._compare(_FACES, 0, self.ids)
        self._compare(_DETECTIONS, 0, self.detections)

    def __len__(self) -> int:
        return len(self.ids)

    def logits(self, attribute: int) -> Floats:
        """float32[N] of one attribute. Raises DamagedSnapshot when they are not what was written."""
        column: Floats = self._logits[attribute]
        self._compare(_LOGITS, attribute, column)
        return column

    def probabilities(self, attribute: int, holds: bool) -> Floats:
        """float32[N]: that one attribute holds, or that it does not. Raises DamagedSnapshot when they are not what was
        written."""
        row = attribute if holds else attribute + len(self._logits)
        column: Floats = self._probabilities[row]
        self._compare(_PROBABILITIES, row, column)
        return column

    @property
    def sizes(self) -> Floats:
        """float32[N]. Raises DamagedSnapshot when they are not what was written."""
        self._compare(_SIZES, 0, self._sizes)
        return self._sizes

    def _compare(self, name: str, index: int, column: npt.NDArray[Any]) -> None:
        if (name, index) in self._sound:
            return
        if zlib.crc32(column.data) != self._checksums[name][index]:
            raise DamagedSnapshot(f"{name} is not what was written")
        self._sound.add((name, index))

    def verify(self) -> None:
        """Compare every column with its checksum. Raises DamagedSnapshot."""
        self._compare(_SIZES, 0, self._sizes)
        for attribute in range(len(self._logits)):
            self.logits(attribute)
            for holds in (True, False):
                self.probabilities(attribute, holds)


def _shapes(faces: int, attributes: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The type of numbers and the shape of each file."""
    return {
        _FACES: ("<i8", (faces,)),
        _DETECTIONS: ("<f4", (faces,)),
        _SIZES: ("<f4", (faces,)),
        _LOGITS: ("<f4", (attributes, faces)),
        _PROBABILITIES: ("<f4", (2 * attributes, faces)),
    }
