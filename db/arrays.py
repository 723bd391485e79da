"""Arrays as the database stores them: little-endian float32 bytes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from db.errors import CatalogueDamaged

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


def pack(values: npt.ArrayLike, shape: tuple[int, ...]) -> bytes:
    """`values` as bytes. Raises ValueError when they have another shape or are not all finite."""
    array = np.ascontiguousarray(values, dtype="<f4")
    if array.shape != shape:
        raise ValueError(f"expected an array of shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("expected finite numbers")
    return array.tobytes()


def unpack(blob: bytes, shape: tuple[int, ...]) -> Floats:
    """The float32 array of this shape. Raises CatalogueDamaged when the bytes are too few or too many."""
    if len(blob) != 4 * int(np.prod(shape)):
        raise CatalogueDamaged(
            "The catalogue is damaged (an array has the wrong length): restore it from a backup or index again."
        )
    return np.frombuffer(blob, dtype="<f4").reshape(shape).astype(np.float32, copy=False)


def unpack_rows(blobs: Sequence[bytes], width: int) -> Floats:
    """float32[len(blobs), width] from one blob per row. Raises CatalogueDamaged like `unpack`."""
    if any(len(blob) != 4 * width for blob in blobs):
        raise CatalogueDamaged(
            "The catalogue is damaged (a face has the wrong number of scores): restore it from a backup or index again."
        )
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), width).astype(np.float32, copy=False)
