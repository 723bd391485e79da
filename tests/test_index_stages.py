"""The stages of an index run behind their ports: a clip that is no file, indexed like photos."""

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db import faces, models, snapshot
from db.catalogue import Catalogue
from facesearch.vision.decode import DecodedPhoto, PhotoError
from indexer.batches import Size
from indexer.budget import PixelBudget
from indexer.claims import ContentClaims
from indexer.driver import BatchWriter, drive
from indexer.items import StoredBatch
from indexer.listing import Job
from indexer.network import Network
from indexer.photo_processor import PhotoProcessor
from indexer.sink import CatalogueSink
from indexer.threads import ThreadExecutor
from indexer.walk import FoundFile
from tests.support.catalogues import LOOKED, new_catalogue
from tests.support.stand_ins import DotColours, RedSquares, model, picture

GREEN, BLUE, WHITE = (0, 250, 0), (0, 0, 250), (250, 250, 250)

Frames = Sequence[tuple[float, NDArray[np.uint8]]]


@dataclass(frozen=True)
class Clip:
    """Seconds and pixels under one name: what a video would be."""

    name: bytes
    frames: Frames

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.name + b"".join(rgb.tobytes() for _, rgb in self.frames)).hexdigest()

    @property
    def size(self) -> int:
        return sum(rgb.nbytes for _, rgb in self.frames)


class Clips:
    """A source of clips by their names."""

    def __init__(self, *clips: Clip) -> None:
        self._clips = {clip.name: clip for clip in clips}

    def read(self, path: bytes, *, unlimited: bool = False) -> Clip:  # noqa: ARG002
        name = path.rpartition(b"/")[2]
        if name not in self._clips:
            raise PhotoError("no such clip", retry=True)
        return self._clips[name]


class FrameByFrame:
    """A decoder of clips: an iterator of their frames, none of which is in memory before it is its turn."""

    def open(self, medium: Clip, admit: Callable[[int], None], *, unlimited: bool = False) -> "OpenClip":  # noqa: ARG002
        admit(max(rgb.shape[0] * rgb.shape[1] for _, rgb in medium.frames))
        return OpenClip(medium)


@dataclass
class OpenClip:
    clip: Clip
    unlooked: int = 0

    @property
    def pages(self) -> int:
        return len(self.clip.frames)

    def pictures(self) -> Iterator[DecodedPhoto | tuple[int, PhotoError]]:
        for number, (seconds, rgb) in enumerate(self.clip.frames, 1):
            yield DecodedPhoto(rgb, self.clip.sha256, self.clip.size, "clip", page=number, seconds=seconds)

    def picture(self, page: int) -> DecodedPhoto:
        seconds, rgb = self.clip.frames[page - 1]
        return DecodedPhoto(rgb, self.clip.sha256, self.clip.size, "clip", page=page, seconds=seconds)

    def close(self) -> None:
        pass


def frame(*dots: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.asarray(picture(*dots))


def index_clips(catalogue: Catalogue, root_id: int, model_id: int, *clips: Clip) -> list[StoredBatch]:
    """Every clip through the stages that photos take, in files of one root."""
    claims = ContentClaims(lambda _: False)
    processor = PhotoProcessor(
        Clips(*clips), FrameByFrame(), RedSquares, admit=claims.admit, budget=PixelBudget(10_000_000)
    )
    jobs = [Job(root_id, b"/clips", FoundFile(clip.name, clip.size, 1)) for clip in clips]
    stored: list[StoredBatch] = []
    writer = BatchWriter(Network(DotColours), CatalogueSink(catalogue, model_id, LOOKED), Size(), stored.append)
    drive(jobs, ThreadExecutor(processor, 2), writer, stop=threading.Event())
    return stored


def test_every_face_of_a_clip_is_stored_and_knows_its_seconds(tmp_path: Path) -> None:
    catalogue, root_id, _ = new_catalogue(tmp_path / "faces.db", "/clips")
    street = Clip(b"street.clip", [(0.0, frame()), (1.5, frame(GREEN)), (2.25, frame(BLUE, WHITE))])
    yard = Clip(b"yard.clip", [(0.0, frame(WHITE))])
    with catalogue:
        with catalogue.write() as session:
            model_id = models.register(session, model())
            models.serve_when_complete(session, model_id)
        (stored,) = index_clips(catalogue, root_id, model_id, street, yard)
        assert [each.outcome.value for each in stored.stored] == ["indexed", "indexed"] and stored.faces == 4
        gallery = snapshot.load_gallery(catalogue)
        assert gallery is not None
        with catalogue.read() as session:
            found = sorted(faces.details(session, gallery.face_ids), key=lambda each: each.face)
        told = [(each.path.name, each.page, each.seconds, each.pages) for each in found]
        assert told == [
            ("street.clip", 2, 1.5, 3),
            ("street.clip", 3, 2.25, 3),
            ("street.clip", 3, 2.25, 3),
            ("yard.clip", 1, 0.0, 1),
        ]
        assert [[round(float(v)) for v in each.logits[:3]] for each in found] == [
            [-1, 1, -1],
            [-1, -1, 1],
            [1, 1, 1],
            [1, 1, 1],
        ]
    with sqlite3.connect(catalogue.path) as rows:
        assert rows.execute("SELECT format, pages, width FROM photos ORDER BY id").fetchall() == [
            ("clip", 3, 200),
            ("clip", 1, 200),
        ]


def test_a_clip_that_cannot_be_read_fails_and_the_others_are_stored(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db", "/clips")
    there, gone = Clip(b"a.clip", [(0.0, frame(GREEN))]), Clip(b"b.clip", [(0.0, frame(BLUE))])
    claims = ContentClaims(lambda _: False)
    processor = PhotoProcessor(Clips(there), FrameByFrame(), RedSquares, admit=claims.admit, budget=PixelBudget(10**6))
    jobs = [Job(root_id, b"/clips", FoundFile(clip.name, clip.size, 1)) for clip in (gone, there)]
    stored: list[StoredBatch] = []
    with catalogue:
        writer = BatchWriter(Network(DotColours), CatalogueSink(catalogue, model_id, LOOKED), Size(), stored.append)
        drive(jobs, ThreadExecutor(processor, 1), writer, stop=threading.Event())
    assert [(each.outcome.value, each.reason) for each in stored[0].stored] == [
        ("failed", "no such clip"),
        ("indexed", None),
    ]
