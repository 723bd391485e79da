"""From a photo file to scored faces: what `index`, `score` and `similar` do with the network, put together once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cli.console import say
from cli.errors import FileProblem, UsageProblem
from cli.output import place_in_words
from facesearch.crop import crop_face
from facesearch.decode import DecodedPhoto, PhotoError, decode_photo
from facesearch.detection import Detection, Detector, YuNet
from facesearch.network.calibration import probabilities
from facesearch.network.checkpoint import Checkpoint

if TYPE_CHECKING:
    from facesearch.network.scorer import Scorer


@dataclass(frozen=True, slots=True, eq=False)
class SeenPhoto:
    """An upright photo and its faces, numbered from 0, left to right."""

    path: Path
    decoded: DecodedPhoto
    faces: Sequence[Detection]


def new_scorer(checkpoint: Checkpoint, device: str) -> "Scorer":
    """The network on its device, which is said. Imports torch."""
    from facesearch.network.scorer import Scorer

    scorer = Scorer(checkpoint, device)
    say(f"Network: {checkpoint.digest[:12]} on {scorer.device_name}")
    return scorer


def new_detector(model: Path | None) -> YuNet:
    """The face detector. Imports cv2."""
    return YuNet(model)


def see(path: Path, detector: Detector) -> SeenPhoto:
    """Decode a photo and find its faces. Raises FileProblem."""
    try:
        decoded = decode_photo(path)
    except PhotoError as error:
        raise FileProblem(f"{path} cannot be used: {error.reason}.") from error
    return SeenPhoto(path, decoded, detector.detect([decoded.rgb])[0])


def logits_of(photo: SeenPhoto, faces: Sequence[Detection], scorer: "Scorer") -> NDArray[np.float32]:
    """float32 [len(faces), 40]."""
    crops = [crop_face(photo.decoded.rgb, face.box, face.turned) for face in faces]
    return scorer.score(np.stack(crops)) if crops else np.empty((0, 40), np.float32)


def calibrated(logits: NDArray[np.float32], checkpoint: Checkpoint) -> NDArray[np.float64]:
    """Probabilities, of the same shape."""
    return probabilities(logits, checkpoint.calibration_scale, checkpoint.calibration_bias)


def pick(photo: SeenPhoto, number: int | None, min_detection: float) -> int:
    """Which face of a probe is meant: the numbered one, or the only one that the detector is sure of, or, where it is
    sure of none, the best of the others.

    Raises FileProblem where there is no face, UsageProblem where there are several or none of this number.
    """
    faces = photo.faces
    if not faces:
        raise FileProblem(
            f"No face was found in {photo.path}: choose a photo in which one can be seen larger or clearer."
        )
    if number is not None:
        if not 0 <= number < len(faces):
            count = "1 face, number 0" if len(faces) == 1 else f"{len(faces)} faces, 0 to {len(faces) - 1}"
            raise UsageProblem(f"There is no face {number} in {photo.path}, which has {count}.", _listed(faces))
        return number
    sure = [index for index, face in enumerate(faces) if face.score >= min_detection]
    if len(sure) > 1:
        sentence = f"There are {len(sure)} faces in {photo.path}: choose one with --pick N (left to right)."
        raise UsageProblem(sentence, _listed(faces))
    if sure:
        return sure[0]
    best = max(range(len(faces)), key=lambda index: faces[index].score)
    say(
        f"The detector is not sure of any face in {photo.path}: taking face {best}, whose detection score is "
        f"{faces[best].score:.2f}."
    )
    return best


def _listed(faces: Sequence[Detection]) -> tuple[str, ...]:
    return tuple(f"  --pick {index}: {face_in_words(face)}" for index, face in enumerate(faces))


def face_in_words(face: Detection) -> str:
    """Where it is, and how sure the detector."""
    turned = f", turned {face.turned}°" if face.turned else ""
    place = place_in_words(face.box.x, face.box.y, face.box.width, face.box.height)
    return f"at {place}, detection {face.score:.2f}{turned}"
