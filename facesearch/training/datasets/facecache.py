"""Every face's region of a data set, decoded and detected once: what training and evaluation cut their crops from."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db import durable
from db.lock import exclusive
from db.values.box import Box
from facesearch.training.datasets.labels import Dataset, DatasetError, Labels, Role
from facesearch.training.processes import ordered_process_map
from facesearch.vision.crop import INPUT_SIZE, SIDE, region
from facesearch.vision.decode import PhotoError, decode_photo
from facesearch.vision.detection import MODEL_SHA256, Detection, YuNet, detector_name

REACH = 1.5 * 1.2
"""The widest jittered crop that a cache can serve, as a multiple of the plain crop's side."""

CACHE_MARGIN = SIDE * REACH
"""How much around a face is kept, as a multiple of its box."""

_RECORD = np.dtype(
    [
        ("row", "<i8"),
        ("offset", "<i8"),
        ("height", "<i4"),
        ("width", "<i4"),
        ("picture", "<i4", 2),  # width, height of the whole picture
        ("box", "<f4", 4),  # x, y, width, height in the region; zeros where no face was found
        ("detection", "<f4"),
        ("turned", "<i4"),
    ]
)
_CHUNK = 256
_UNDETECTED_SIDE = 512  # pictures without a face are kept whole, reduced to this


@dataclass(frozen=True)
class FaceCache:
    """Decoded face regions of a data set, in one memory-mapped file.

    records: structured [N], in the order of Labels.names. pixels: uint8, flat.
    """

    records: NDArray[np.void]
    pixels: NDArray[np.uint8]

    def region(self, row: int) -> tuple[NDArray[np.uint8], Box, int]:
        """Picture part (uint8 RGB [h, w, 3]), the face's box in it, and `turned`, as crop_face takes them."""
        r = self.records[row]
        start, shape = int(r["offset"]), (int(r["height"]), int(r["width"]), 3)
        part = self.pixels[start : start + shape[0] * shape[1] * 3].reshape(shape)
        return part, Box(*(float(v) for v in r["box"])), int(r["turned"])

    @property
    def detected(self) -> NDArray[np.bool_]:
        """bool [N]: whether the detector found the face (else it is cut at its framing's median box)."""
        return np.asarray(self.records["detection"] > 0)


def cache_folder(work: Path, dataset: Dataset) -> Path:
    """Where the faces of a data set are kept in the folder that all runs share."""
    return work / ("cache" if dataset is Dataset.CELEBA else f"cache-{dataset.lower().replace(' ', '-')}")


def open_role(
    labels: Labels, work: Path, role: Role, progress: Callable[[int, int], None] | None = None
) -> tuple[Labels, FaceCache]:
    """The faces of one role, and their lists, for who needs no others: from the cache of all where one is whole, else
    from a cache of their own, so that the photos of the other roles are not looked at."""
    folder = cache_folder(work, labels.dataset)
    if _holds_all(labels, folder):
        return labels, open_cache(labels, folder, progress)
    some = labels.only(role)
    return some, open_cache(some, folder.with_name(f"{folder.name}-{role}"), progress)


def _holds_all(labels: Labels, folder: Path) -> bool:
    """Whether the cache in `folder` is of these images, and complete."""
    records = folder / "records.bin"
    if not records.exists() or records.stat().st_size != len(labels.names) * _RECORD.itemsize:
        return False
    return bool(_read(folder / "cache.json") == _about(labels))


def open_cache(labels: Labels, folder: Path, progress: Callable[[int, int], None] | None = None) -> FaceCache:
    """The data set's cache in `folder`, made or completed first. Interrupted at any moment, it goes on where it was.

    progress: called with (faces done, faces in all). Raises DatasetError when the cache belongs to other images.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / ".lock") as mine:
        if not mine:
            raise DatasetError(f"Another command prepares the faces in {folder}: wait until it has finished.")
        return _open(labels, folder, progress)


def restore_cache(labels: Labels, folder: Path, faces: Iterable[tuple[NDArray[np.void], NDArray[np.uint8]]]) -> None:
    """Make a cache of regions that were cut elsewhere, for `open_cache` to find: the pictures themselves need not be
    there any more, only files of their names.

    faces: record and region (uint8 RGB [h, w, 3]) of each image of `labels`, in that order; of a record only what does
    not follow from the region is read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    offset = 0
    with (folder / "pixels.bin").open("wb") as pixels, (folder / "records.bin").open("wb") as records:
        for row, (record, region_) in enumerate(faces):
            now = record.copy()
            now["row"], now["offset"], now["height"], now["width"] = row, offset, *region_.shape[:2]
            pixels.write(region_.tobytes())
            records.write(now.tobytes())
            offset += region_.nbytes
    durable.write_text(folder / "cache.json", json.dumps(_about(labels)))


def _about(labels: Labels) -> dict[str, Any]:
    return {"pictures": _pictures_digest(labels), "margin": CACHE_MARGIN, "detector": detector_name(MODEL_SHA256)}


def _open(labels: Labels, folder: Path, progress: Callable[[int, int], None] | None) -> FaceCache:
    about = _about(labels)
    stamp = folder / "cache.json"
    if not stamp.exists():
        durable.write_text(stamp, json.dumps(about))
    elif _read(stamp) != about:
        raise DatasetError(
            f"{folder} holds the faces of other pictures, or those that another version of the detector saw: name "
            "another folder, or delete it."
        )
    _extend(labels, folder, progress)
    records = np.fromfile(folder / "records.bin", _RECORD)
    pixels = np.memmap(folder / "pixels.bin", np.uint8, mode="r")
    if not np.array_equal(records["row"], np.arange(len(labels.names))) or _end(records) != len(pixels):
        raise DatasetError(f"The faces kept in {folder} are damaged: delete the folder, and they are made anew.")
    _place_undetected(records)
    return FaceCache(records, pixels)


def _read(stamp: Path) -> Any:
    try:
        return json.loads(stamp.read_text())
    except ValueError:  # left empty by a power failure
        return None


def _end(records: NDArray[np.void]) -> int:
    """Where the pixels of the last record end."""
    ends = records["offset"] + records["height"].astype(np.int64) * records["width"] * 3
    return int(ends.max()) if len(records) else 0


def _pictures_digest(labels: Labels) -> str:
    """SHA-256 of every picture's name, size and time: pictures replaced under the same names are other pictures."""
    known = hashlib.sha256()
    for name in labels.names:
        status = (labels.photos / name).stat()
        known.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return known.hexdigest()


def _extend(labels: Labels, folder: Path, progress: Callable[[int, int], None] | None) -> None:
    records_path, pixels_path, total = folder / "records.bin", folder / "pixels.bin", len(labels.names)
    records_path.touch()
    pixels_path.touch()
    done = records_path.stat().st_size // _RECORD.itemsize
    if done == total:
        return
    # A killed run may have left half a record, or pixels without their record.
    os.truncate(records_path, done * _RECORD.itemsize)
    known = np.fromfile(records_path, _RECORD)
    offset = _end(known)
    os.truncate(pixels_path, offset)
    jobs = [labels.names[i : i + _CHUNK] for i in range(done, total, _CHUNK)]
    paths = [[str(labels.photos / n) for n in job] for job in jobs]
    with pixels_path.open("ab") as pixels, records_path.open("ab") as records:
        for chunk in _cut_in_order(paths):
            rows = np.zeros(len(chunk), _RECORD)
            for i, (part, fields) in enumerate(chunk):
                rows[i] = (done + i, offset, part.shape[0], part.shape[1], *fields)
                pixels.write(part.tobytes())
                offset += part.nbytes
            pixels.flush()
            os.fsync(pixels.fileno())
            records.write(rows.tobytes())
            records.flush()
            os.fsync(records.fileno())
            done += len(chunk)
            if progress:
                progress(done, total)


_Cut = tuple[NDArray[np.uint8], tuple[tuple[int, int], tuple[float, float, float, float], float, int]]


def _cut_in_order(paths: list[list[str]]) -> Iterator[list[_Cut]]:
    """Every chunk's faces, in order; several chunks are cut by one process a core."""
    if len(paths) == 1:
        detector = YuNet()
        yield [_cut(path, detector) for path in paths[0]]
    else:
        yield from ordered_process_map(_cut_in_worker, paths, _start_worker)


_worker_detector: YuNet | None = None


def _start_worker() -> None:
    import cv2

    global _worker_detector
    cv2.setNumThreads(1)
    _worker_detector = YuNet()


def _cut_in_worker(paths: list[str]) -> list[_Cut]:
    assert _worker_detector is not None
    return [_cut(path, _worker_detector) for path in paths]


def _cut(path: str, detector: YuNet) -> _Cut:
    try:
        image = decode_photo(path).rgb
    except PhotoError as e:
        raise DatasetError(f"{path} cannot be used ({e.reason}): replace it, or take it out of the lists.") from e
    size = image.shape[1], image.shape[0]
    face = labelled_face(detector.detect([image])[0], size)
    if face is None:
        whole = Box(0, 0, *size)
        part, _ = region(image, whole, margin=1.0, size=int(SIDE * _UNDETECTED_SIDE))
        return part, (size, (0.0, 0.0, 0.0, 0.0), 0.0, 0)
    part, b = region(image, face.box, margin=CACHE_MARGIN, size=INPUT_SIZE)
    return part, (size, (b.x, b.y, b.width, b.height), face.score, face.turned)


def labelled_face(faces: list[Detection], size: tuple[int, int]) -> Detection | None:
    """Whom the labels describe: the face nearest to the picture's centre, in units of its own size."""

    def off_centre(d: Detection) -> float:
        dx, dy = d.box.x + d.box.width / 2 - size[0] / 2, d.box.y + d.box.height / 2 - size[1] / 2
        return float(np.hypot(dx, dy) / max(d.box.width, d.box.height))

    return min(faces, key=off_centre, default=None)


def _place_undetected(records: NDArray[np.void]) -> None:
    """Give pictures without a detection the median box of their framing (in place).

    A framing is a picture size that many pictures share (CelebA's 178x218); all rarer sizes count as one, and the boxes
    are medians of fractions of the picture.
    """
    sizes, framing, counts = np.unique(records["picture"], axis=0, return_inverse=True, return_counts=True)
    framing = np.where(counts < 50, len(sizes), np.arange(len(sizes)))[framing.ravel()]
    found = records["detection"] > 0
    # Detected faces are stored by region; undetected pictures whole. Only where a region is the whole picture do its
    # box's fractions mean the picture's, which holds for the small pictures that framings are made of.
    whole = found & (records["width"] == records["picture"][:, 0]) & (records["height"] == records["picture"][:, 1])
    extent = np.stack([records["width"], records["height"]] * 2, axis=1).astype(np.float32)
    for kind in np.unique(framing[~found]):
        like = whole & (framing == kind)
        like = like if like.any() else whole
        centre = (
            np.median(records["box"][like] / extent[like], axis=0) if like.any() else np.array([0.2, 0.2, 0.6, 0.6])
        )
        missing = ~found & (framing == kind)
        records["box"][missing] = centre * extent[missing]
