"""A catalogue to forget from, and what is left of a photo in its very bytes."""

import os
from pathlib import Path

import numpy as np
from sqlalchemy import select

from db import erasure, snapshot
from db.catalogue import open_catalogue
from db.schema import Face, Photo, Score
from facesearch.search.ranking.profiles import encode
from tests.support.squares import album, index
from tests.support.stand_ins import model, picture, save

ODD = (37, 81, 250)
"""A colour whose scores no other face has."""


def album_to_forget(folder: Path) -> Path:
    """A catalogue of four photos: one green face; a white and a black one; none; an odd one, under a name and in a
    folder to find."""
    album(folder / "album")
    save(folder / "album" / "John Doe" / "wanted-17.png", picture(ODD))
    return index(folder / "faces.db", folder / "album")


def wanted_photo(catalogue: Path) -> Path:
    return catalogue.parent / "album" / "John Doe" / "wanted-17.png"


def faces_by_photo(path: Path) -> dict[str, list[int]]:
    with open_catalogue(path) as opened, opened.read() as session:
        found: dict[str, list[int]] = {}
        for photo_id, face_ids in erasure.faces_in(session, list(session.execute(select(Photo.id)).scalars())).items():
            found[erasure.paths_of(session, [photo_id])[photo_id][0].rpartition(b"/")[2].decode()] = face_ids
        return found


def searched(path: Path) -> list[int]:
    with open_catalogue(path) as opened:
        gallery = snapshot.load_gallery(opened)
        return [] if gallery is None else sorted(gallery.face_ids.tolist())


def files_of(catalogue: Path) -> list[Path]:
    """Every file of the catalogue."""
    beside = [each for each in catalogue.parent.iterdir() if each.name.startswith(catalogue.name) and each.is_file()]
    return [*beside, *(each for each in Path(f"{catalogue}.d").rglob("*") if each.is_file())]


def traces(catalogue: Path, photo: Path, face_id: int) -> list[bytes]:
    """What must not be left of the photo and its face: path, name, digest, scores, profile, place."""
    with open_catalogue(catalogue) as opened, opened.read() as session:
        logits, sha256, landmarks = session.execute(
            select(Score.logits, Photo.sha256, Face.landmarks)
            .join(Face, Face.id == Score.face_id)
            .join(Photo, Photo.id == Face.photo_id)
            .where(Face.id == face_id)
        ).one()
        assert landmarks is not None
        values = np.frombuffer(logits, dtype="<f4")
    profile = encode(values[None], model()).astype("<f4").tobytes()
    name = os.fsencode(photo.name)
    return [
        os.fsencode(photo),
        name,
        name.rpartition(b".")[0],
        bytes.fromhex(sha256),
        logits,
        profile,
        logits[:4],
        logits[4:8],
    ]


def left_of(catalogue: Path, what: list[bytes]) -> list[tuple[str, bytes]]:
    return [(str(file), each) for file in files_of(catalogue) for each in what if each in file.read_bytes()]
