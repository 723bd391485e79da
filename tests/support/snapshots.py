"""What the tests of snapshots share: what a gallery has to hold, straight from the tables."""

from pathlib import Path

import numpy as np
from sqlalchemy import select

from db import models, photos
from db.arrays import Floats
from db.catalogue import Catalogue
from db.schema import Face, Score
from db.snapshot import Gallery, load_gallery
from tests.support.catalogues import WIDTH, Opened, encode

FILES = [
    "detections.npy",
    "faces.npy",
    "logits.npy",
    "manifest.json",
    "probabilities.npy",
    "profiles.faiss",
    "sizes.npy",
]


Truth = dict[int, tuple[float, float, bytes]]


def all_logits(gallery: Gallery) -> Floats:
    """float32[N, A]: every face's logits."""
    return np.stack([gallery.logits(a) for a in range(len(gallery.model.attributes))], axis=1)


def truth(catalogue: Catalogue) -> Truth:
    """What a search must look through, straight from the tables: detection score, size and logits by face id."""
    with catalogue.read() as session:
        rows = session.execute(
            select(Face.id, Face.detection, Face.width, Face.height, Score.logits)
            .join(Score, Score.face_id == Face.id)
            .where(Face.hidden.is_(False), Score.model_id == models.serving_id(session))
        )
        return {
            face_id: (np.float32(detection), np.float32(max(width, height)), blob)
            for face_id, detection, width, height, blob in rows
        }


def agrees(gallery: Gallery, expected: Truth) -> bool:
    everything = all_logits(gallery)
    columns = (gallery.face_ids, gallery.detections, gallery.sizes, everything)
    found = {
        int(face_id): (detection, size, row.tobytes()) for face_id, detection, size, row in zip(*columns, strict=True)
    }
    assert len(found) == len(gallery)
    assert everything.dtype == gallery.detections.dtype == gallery.sizes.dtype == np.float32
    assert gallery.face_ids.dtype == np.int64
    for attribute in (0, WIDTH - 1):
        np.testing.assert_array_equal(gallery.logits(attribute), everything[:, attribute])
    assert expected == found
    return True


def searched(catalogue: Catalogue) -> Gallery:
    gallery = load_gallery(catalogue)
    assert gallery is not None
    return gallery


def is_in_step(catalogue: Catalogue) -> bool:
    """Whether columns and profiles say what the tables say."""
    gallery = searched(catalogue)
    agrees(gallery, truth(catalogue))
    if len(gallery):
        profiles = encode(all_logits(gallery), gallery.model)
        probe = profiles[len(gallery) // 2]
        rows, cosines = gallery.nearest(probe, 5, None, encode)
        exact = profiles.astype(np.float64) @ probe
        order = np.lexsort((gallery.face_ids, -exact.astype(np.float32)))[:5]
        assert gallery.face_ids[rows].tolist() == gallery.face_ids[order].tolist()
        np.testing.assert_allclose(cosines, exact[order], atol=1e-6)
    return True


def lose(opened: Opened, *numbers: int) -> None:
    with opened[0].write() as session:
        entries = photos.files_of_root(session, opened[1])
        photos.mark_missing(session, [entries[b"%d.jpg" % number].id for number in numbers])


def entries_beside(catalogue: Catalogue) -> list[str]:
    return sorted(entry.name for entry in catalogue.folder.iterdir() if entry.name != "lock")


def folder_of(catalogue: Catalogue) -> Path:
    (name,) = entries_beside(catalogue)
    return catalogue.folder / name
