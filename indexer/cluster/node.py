"""What one worker of a node does: read, hash, decode, detect, crop and score a few photos at a time.

It is an actor of Ray, made of what is installed on the node. It never decides which content is processed: it reads a
batch and says what it has read, and is told what of it to process. What it is told and answers is text and arrays
(`indexer.messages`).
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesearch.vision.decode import EncodedPhoto, Limits, PhotoError
from facesearch.vision.detection import Detector
from indexer import messages
from indexer.budget import PixelBudget
from indexer.claims import Admission
from indexer.failures import FailureReason, unforeseen
from indexer.isolated_decoder import IsolatedDecoder, decoding
from indexer.items import ProcessedFile, ProcessedPhoto, UnreadableFile
from indexer.media import GuardedDecoder, PhotoDecoder, PhotoFiles
from indexer.messages import Head
from indexer.photo_processor import PhotoProcessor
from indexer.ports import Decoder, Scorer
from indexer.scoring import score_each
from indexer.worker_processes import WorkerPool

_HELD = 128 << 20  # bytes of a batch that wait for the decision over them; what is beyond is read again
_BATCHES = 4  # that wait at most
_PIXELS_A_CORE = 50_000_000
_AT_ONCE = 64  # crops
Reply = list[Any]
"""A head as JSON, and the arrays that belong to it."""


@dataclass(frozen=True, slots=True)
class Stages:
    """How a node looks at photos."""

    limits: Limits
    decoder: Decoder[EncodedPhoto]
    new_detector: Callable[[], Detector]
    new_scorer: Callable[[], Scorer]


def stages(*, limits: Head, checkpoint: str, detector: str, look: str, device: str) -> Stages:
    """What `facesearch index` does on one machine. limits: the fields of `Limits`; checkpoint, detector: paths, "" for
    those in the package; look: as in `vision.detection.Look`; device: auto, cpu or cuda."""
    from facesearch.vision.detection import Look, YuNet

    def new_scorer() -> Scorer:
        from facesearch.network.checkpoint import load_checkpoint
        from facesearch.network.scorer import Scorer as Network

        return Network(load_checkpoint(Path(checkpoint) if checkpoint else None), device)

    known = Limits(**limits)
    elsewhere = IsolatedDecoder(WorkerPool(decoding(known)))
    model = Path(detector) if detector else None
    return Stages(known, GuardedDecoder(PhotoDecoder(known), elsewhere), lambda: YuNet(model, Look(look)), new_scorer)


class _Held:
    """A source of photos that have been read already."""

    def __init__(self, files: PhotoFiles) -> None:
        self._files = files
        self.photos: dict[bytes, EncodedPhoto] = {}

    def read(self, path: bytes, *, unlimited: bool = False) -> EncodedPhoto:
        """As in `indexer.ports.Source`."""
        held = self.photos.get(path)
        return self._files.read(path, unlimited=unlimited) if held is None else held


class NodeWorker:
    """The actor. Its calls come one after the other."""

    def __init__(self, setup: str) -> None:
        """setup: JSON of `factory` ("module:function", which gives `Stages`), its `arguments`, `cores`, and whether
        `small` pictures of faces are made."""
        asked = json.loads(setup)
        module, _, name = asked["factory"].partition(":")
        self._stages: Stages = getattr(importlib.import_module(module), name)(**asked["arguments"])
        self._files = PhotoFiles(self._stages.limits)
        self._read: dict[int, dict[bytes, EncodedPhoto]] = {}
        self._source = _Held(self._files)
        self._processor = PhotoProcessor(
            self._source,
            self._stages.decoder,
            self._stages.new_detector,
            admit=lambda _: Admission.PROCESS,
            budget=PixelBudget(_PIXELS_A_CORE * min(asked["cores"], 4)),
            small=asked["small"],
        )
        self._threads = ThreadPoolExecutor(asked["cores"])
        self._scorer: Scorer | None = None

    def ready(self) -> int:
        """Make what may keep the work from being done; the number of its process."""
        self._stages.new_detector()
        self._scorer = self._stages.new_scorer()
        return os.getpid()

    def read(self, batch: int, asked: str) -> str:
        """Read the files of a batch, and keep them for `process`. asked: JSON of `paths` and of the `algorithms` by
        which digests are wanted. JSON of each file: `sha256`, `size` and `digests`, or `failure` and whether it is
        `there`."""
        wanted = json.loads(asked)
        held = self._read.setdefault(batch, {})
        while len(self._read) > _BATCHES:  # the eldest was answered by another worker
            del self._read[next(iter(self._read))]
        paths = list(map(messages.text_to_path, wanted["paths"]))
        found: list[Head] = []
        for path, answer in zip(paths, self._threads.map(self._read_one, paths), strict=True):
            if isinstance(answer, FailureReason):
                failure = messages.failure_to_plain(answer)
                found.append({"failure": failure, "there": os.path.lexists(path)})
                continue
            if sum(each.size for each in held.values()) + answer.size <= _HELD:
                held[path] = answer
            digests = {name: answer.digest(name).hex() for name in wanted["algorithms"]}
            found.append({"sha256": answer.sha256, "size": answer.size, "digests": digests})
        return json.dumps(found)

    def process(self, batch: int, asked: str, contents: Sequence[bytes] = ()) -> Reply:
        """Process files of a batch. asked: JSON of `paths` and `contents` (SHA-256) of those that are to be processed;
        contents: their bytes, where the node cannot read them itself. A reply with `results`, of which each `holds` so
        many arrays."""
        wanted = json.loads(asked)
        paths = list(map(messages.text_to_path, wanted["paths"]))
        self._source.photos = self._read.pop(batch, {})
        for path, content in zip(paths, contents, strict=False):
            self._source.photos[path] = EncodedPhoto(content, hashlib.sha256(content).hexdigest())
        results = list(self._threads.map(self._processor.process, paths))
        self._source.photos = {}
        results = [_of(content, result) for content, result in zip(wanted["contents"], results, strict=True)]
        heads: list[Head] = []
        arrays: list[NDArray[Any]] = []
        for result in self._scored(results):
            head, own = messages.result_to_plain(result)
            heads.append({**head, "holds": len(own)})
            arrays += own
        return [json.dumps({"results": heads}), *arrays]

    def drop(self, batch: int) -> None:
        """Nobody asks for this batch any more."""
        self._read.pop(batch, None)

    def crop(self, asked: str, content: bytes | None = None) -> Reply:
        """Crops of known faces, as `indexer.ports.Processor.crop_again`. asked: JSON of `path`, `sha256` and
        `places`."""
        wanted = json.loads(asked)
        path = messages.text_to_path(wanted["path"])
        if content is not None:
            self._source.photos = {path: EncodedPhoto(content, hashlib.sha256(content).hexdigest())}
        crops = self._processor.crop_again(path, wanted["sha256"], messages.plain_to_places(wanted["places"]))
        self._source.photos = {}
        if isinstance(crops, FailureReason):
            return [json.dumps({"failure": messages.failure_to_plain(crops)})]
        return [json.dumps({"failure": None}), *messages.crops_to_arrays(crops)]

    def _read_one(self, path: bytes) -> EncodedPhoto | FailureReason:
        held = next((batch[path] for batch in self._read.values() if path in batch), None)
        if held is not None:  # asked again for a digest
            return held
        try:
            return self._files.read(path)
        except PhotoError as error:
            return FailureReason(error.reason, error.retry)
        except Exception as error:
            return unforeseen(error, "it cannot be read")

    def _scored(self, results: list[ProcessedFile]) -> list[ProcessedFile]:
        with_faces = [each for each in results if isinstance(each, ProcessedPhoto) and each.faces]
        if not with_faces:
            return results
        assert self._scorer is not None
        crops = [[face.crop for face in photo.faces] for photo in with_faces]
        answers = iter(score_each(self._scorer, crops, at_once=_AT_ONCE))
        return [
            _with(each, next(answers)) if isinstance(each, ProcessedPhoto) and each.faces else each for each in results
        ]


def _of(content: str, result: ProcessedFile) -> ProcessedFile:
    """The result, if it is of the content that was admitted."""
    if isinstance(result, ProcessedPhoto) and result.sha256 != content:
        return UnreadableFile(FailureReason("its content changed while it was read", retry=True))
    return result


def _with(photo: ProcessedPhoto, answer: NDArray[np.float32] | FailureReason) -> ProcessedPhoto:
    if isinstance(answer, FailureReason):
        return replace(photo, faces=(), failure=answer)
    return replace(photo, logits=np.asarray(answer, np.float32))
