"""What processes tell one another: numbers, strings and arrays. Nothing that is received can run code.

A message is the length of its head (8 bytes), the head as JSON, and the bytes of the arrays that the head names. Paths
travel as text with surrogate escapes, moments in ISO 8601.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box, FacePlace
from db.values.photo import PhotoFacts
from facesearch.vision.decode import DecodedPhoto, PhotoError, Rectangle
from facesearch.vision.detection import Detection
from indexer.failures import FailureReason
from indexer.items import (
    SCORED,
    Crop,
    DuplicateContent,
    FaceCrop,
    ForgottenContent,
    ProcessedFile,
    ProcessedPhoto,
    RecognisedContent,
    UnreadableFile,
)

Head = dict[str, Any]
Arrays = list[NDArray[Any]]

_LENGTH = struct.Struct("<Q")
_LONGEST = 1 << 30  # bytes of a head
_TYPES = {name: np.dtype(name) for name in ("uint8", "float32")}


class NoMessageError(Exception):
    """What was received is none: the other side has ended, or speaks another language."""


def send(stream: IO[bytes], head: Head, arrays: Sequence[NDArray[Any]] = ()) -> None:
    """Raises OSError where nobody listens any more."""
    described = {**head, "arrays": [[array.dtype.name, list(array.shape)] for array in arrays]}
    encoded = json.dumps(described).encode("ascii")
    stream.write(_LENGTH.pack(len(encoded)) + encoded)
    for array in arrays:
        stream.write(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[Head, Arrays]:
    """Raises NoMessageError, also at the end of the stream."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > _LONGEST:
        raise NoMessageError
    try:
        head = json.loads(_exactly(stream, length))
        shapes = [(_TYPES[name], tuple(shape)) for name, shape in head.pop("arrays")]
    except (ValueError, KeyError, TypeError) as error:
        raise NoMessageError from error
    return head, [_array(stream, dtype, shape) for dtype, shape in shapes]


def _array(stream: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.empty(shape, dtype)
    if array.size:
        view = array.data.cast("B")
        done = 0
        while done < len(view):
            read = stream.readinto(view[done:])  # type: ignore[attr-defined]
            if not read:
                raise NoMessageError
            done += read
    return array


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise NoMessageError
    return data


def path_to_text(path: bytes) -> str:
    return os.fsdecode(path)


def text_to_path(text: str) -> bytes:
    return os.fsencode(text)


def error_to_plain(error: PhotoError) -> Head:
    return {"reason": error.reason, "retry": error.retry}


def plain_to_error(plain: Head) -> PhotoError:
    return PhotoError(str(plain["reason"]), retry=bool(plain["retry"]))


def failure_to_plain(failure: FailureReason | None) -> Head | None:
    return None if failure is None else asdict(failure)


def plain_to_failure(plain: Head | None) -> FailureReason | None:
    return None if plain is None else FailureReason(plain["reason"], plain["retry"], plain["trace"])


def picture_to_plain(picture: DecodedPhoto) -> tuple[Head, Arrays]:
    sound = picture.sound
    head = {
        "sha256": picture.sha256,
        "size": picture.size,
        "format": picture.format,
        "taken": _moment_to_text(picture.taken),
        "camera": picture.camera,
        "page": picture.page,
        "seconds": picture.seconds,
        "sound": None if sound is None else [int(side) for side in (sound.left, sound.top, sound.right, sound.bottom)],
        "notices": list(picture.notices),
    }
    return head, [picture.rgb]


def plain_to_picture(head: Head, arrays: Arrays) -> DecodedPhoto:
    (rgb,) = arrays
    rgb.flags.writeable = False
    return DecodedPhoto(
        rgb,
        head["sha256"],
        head["size"],
        head["format"],
        _text_to_moment(head["taken"]),
        head["camera"],
        head["page"],
        head["seconds"],
        None if head["sound"] is None else Rectangle(*head["sound"]),
        tuple(head["notices"]),
    )


def result_to_plain(result: ProcessedFile) -> tuple[Head, Arrays]:
    """A processed file; of a photo with faces also its landmarks (float32 [N, 5, 2]), its crops (uint8
    [N, 227, 227, 3]) or, where it has been scored, its logits (float32 [N, attributes]), and its small pictures, if
    they are kept (uint8, one after the other)."""
    if isinstance(result, UnreadableFile):
        return {"kind": "unreadable", "failure": failure_to_plain(result.failure)}, []
    if isinstance(result, RecognisedContent):
        return {"kind": "recognised", **asdict(result)}, []
    if isinstance(result, DuplicateContent | ForgottenContent):
        kind = "duplicate" if isinstance(result, DuplicateContent) else "forgotten"
        return {"kind": kind, "sha256": result.sha256}, []
    head: Head = {
        "kind": "photo",
        "sha256": result.sha256,
        "size": result.size,
        "facts": {**asdict(result.facts), "taken": _moment_to_text(result.facts.taken)},
        "failure": failure_to_plain(result.failure),
        "faces": [_face_to_plain(face) for face in result.faces],
    }
    if not result.faces:
        return head, []
    landmarks = np.stack([np.asarray(face.detection.landmarks, np.float32) for face in result.faces])
    head["scored"] = result.logits is not None
    scores = result.logits if result.logits is not None else np.stack([face.crop for face in result.faces])
    small = [face.small for face in result.faces]
    if None in small:
        return head, [landmarks, scores]
    head["small"] = [len(each) for each in small if each is not None]
    return head, [landmarks, scores, np.frombuffer(b"".join(each for each in small if each is not None), np.uint8)]


def plain_to_result(head: Head, arrays: Arrays) -> ProcessedFile:
    """The inverse of `result_to_plain`."""
    kind = head["kind"]
    if kind == "unreadable":
        failure = plain_to_failure(head["failure"])
        assert failure is not None
        return UnreadableFile(failure)
    if kind == "recognised":
        return RecognisedContent(head["sha256"], head["size"], head["hash_set_id"])
    if kind != "photo":
        return DuplicateContent(head["sha256"]) if kind == "duplicate" else ForgottenContent(head["sha256"])
    facts = PhotoFacts(**{**head["facts"], "taken": _text_to_moment(head["facts"]["taken"])})
    failure = plain_to_failure(head["failure"])
    if not head["faces"]:
        return ProcessedPhoto(head["sha256"], head["size"], facts, failure=failure)
    landmarks, scores, *small = arrays
    logits = scores if head["scored"] else None
    crops = [SCORED] * len(head["faces"]) if head["scored"] else list(scores)
    faces = tuple(
        FaceCrop(
            Detection(Box(*face["box"]), face["score"], points, face["turned"]),
            crop,
            face["page"],
            face["seconds"],
            face["notice"],
            picture,
        )
        for face, crop, points, picture in zip(
            head["faces"], crops, landmarks, _small_pictures(head, small), strict=True
        )
    )
    return ProcessedPhoto(head["sha256"], head["size"], facts, faces, failure, logits)


def _small_pictures(head: Head, arrays: Arrays) -> list[bytes | None]:
    if not arrays:
        return [None] * len(head["faces"])
    whole, ends = arrays[0].tobytes(), np.cumsum(head["small"]).tolist()
    return [whole[end - size : end] for end, size in zip(ends, head["small"], strict=True)]


def places_to_plain(places: Sequence[FacePlace]) -> list[list[float]]:
    return [[*_box_to_plain(place.box), place.turned, place.page] for place in places]


def plain_to_places(plain: Sequence[Sequence[float]]) -> list[FacePlace]:
    return [FacePlace(Box(*numbers[:4]), int(numbers[4]), int(numbers[5])) for numbers in plain]


def crops_to_arrays(crops: Sequence[Crop]) -> Arrays:
    return [np.stack(crops)] if crops else []


def _face_to_plain(face: FaceCrop) -> Head:
    return {
        "box": _box_to_plain(face.detection.box),
        "score": float(face.detection.score),
        "turned": int(face.detection.turned),
        "page": face.page,
        "seconds": None if face.seconds is None else float(face.seconds),
        "notice": face.notice,
    }


def _box_to_plain(box: Box) -> list[float]:
    return [float(box.x), float(box.y), float(box.width), float(box.height)]


def _moment_to_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _text_to_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
