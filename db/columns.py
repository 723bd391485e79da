"""The score columns of a snapshot: one row of the file per attribute, so that a query reads only what it asks for.

- faces.npy, int64[N]: face ids, ascending.
- detections.npy, float32[N]: detection scores.
- logits.npy, float32[A, N], memory-mapped: each row has a checksum, compared when it is first read.
"""

import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from db.arrays import Floats, Ids
from db.manifest import DamagedSnapshot, Manifest, create

_FACES, _DETECTIONS, _LOGITS = "faces.npy", "detections.npy", "logits.npy"
FILES = (_FACES, _DETECTIONS, _LOGITS)

Block = tuple[Ids, Floats, Floats]  # face ids [n], detection scores [n], logits [n, A]


def write(folder: Path, faces: int, attributes: int, blocks: Iterable[Block]) -> dict[str, list[int]]:
    """Write the three files from blocks that hold `faces` faces in all; their checksums.

    Plain writes and no memory map: on a full disk those raise OSError where a map would kill the process.
    """
    shapes = {_FACES: ("<i8", (faces,)), _DETECTIONS: ("<f4", (faces,)), _LOGITS: ("<f4", (attributes, faces))}
    files = {name: create(folder / name) for name in FILES}
    try:
        starts = {}
        for name, (kind, shape) in shapes.items():
            header = {"descr": kind, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(files[name], header)
            files[name].flush()
            starts[name] = files[name].tell()
        checksums = {_FACES: [0], _DETECTIONS: [0], _LOGITS: [0] * attributes}
        done = 0
        for ids, detections, logits in blocks:
            rows = {_FACES: [ids.astype("<i8")], _DETECTIONS: [detections.astype("<f4")]}
            rows[_LOGITS] = list(np.ascontiguousarray(logits.T, dtype="<f4"))
            for name, columns in rows.items():
                for index, column in enumerate(columns):
                    data = column.tobytes()
                    place = starts[name] + (index * faces + done) * column.itemsize
                    _write_at(files[name].fileno(), data, place)
                    checksums[name][index] = zlib.crc32(data, checksums[name][index])
            done += len(ids)
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


class Columns:
    """The columns of one complete snapshot. ids: int64[N] ascending. detections: float32[N]. All read-only.

    Raises DamagedSnapshot when the files do not match the manifest.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._checksums = manifest.checksums
        try:
            arrays = {name: np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in FILES}
        except (OSError, ValueError, EOFError) as error:
            raise DamagedSnapshot(f"{folder} cannot be read") from error
        expected = {
            _FACES: ("<i8", (manifest.faces,)),
            _DETECTIONS: ("<f4", (manifest.faces,)),
            _LOGITS: ("<f4", (manifest.attributes, manifest.faces)),
        }
        for name, (kind, shape) in expected.items():
            if arrays[name].shape != shape or arrays[name].dtype != np.dtype(kind):
                raise DamagedSnapshot(f"{folder / name} holds another kind of array")
        self._compare(_FACES, 0, arrays[_FACES])
        self._compare(_DETECTIONS, 0, arrays[_DETECTIONS])
        self.ids: Ids = np.asarray(arrays[_FACES])
        self.detections: Floats = np.asarray(arrays[_DETECTIONS])
        self._logits: Floats = np.asarray(arrays[_LOGITS])
        self._sound: set[int] = set()

    def __len__(self) -> int:
        return len(self.ids)

    def logits(self, attribute: int) -> Floats:
        """float32[N] of one attribute. Raises DamagedSnapshot when they are not what was written."""
        column: Floats = self._logits[attribute]
        if attribute not in self._sound:
            self._compare(_LOGITS, attribute, column)
            self._sound.add(attribute)
        return column

    def _compare(self, name: str, index: int, array: npt.NDArray[Any]) -> None:
        if zlib.crc32(array.data) != self._checksums[name][index]:
            raise DamagedSnapshot(f"{name} is not what was written")

    def verify(self) -> None:
        """Compare every column with its checksum. Raises DamagedSnapshot."""
        for attribute in range(len(self._logits)):
            self.logits(attribute)
